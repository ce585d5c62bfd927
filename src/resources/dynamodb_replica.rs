//! The replicas of a global table: `UpdateTable` in the table's own region
//! makes and removes them, calls in their regions set up the rest.

use super::dynamodb::{
    self, ContributorInsights, PointInTimeRecovery, ResourcePolicy, limit, table_class,
};
use super::dynamodb_settings::Settings;
use super::dynamodb_steps as steps;
use crate::resource::{Cx, Result, Set, Tag, TagChanges, Tags};
use aws_sdk_dynamodb::types::{
    CreateReplicationGroupMemberAction, DeleteReplicationGroupMemberAction, MultiRegionConsistency,
    OnDemandThroughputOverride, ReplicaDescription, ReplicaGlobalSecondaryIndex,
    ReplicationGroupUpdate, TableClass, TableDescription, UpdateReplicationGroupMemberAction,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table in one region. A setting that is left out stays as it is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Replica {
    /// Its region.
    pub region: String,
    /// The key that encrypts it.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<ReplicaEncryption>,
    /// Continuous backups.
    pub point_in_time_recovery_specification: Option<PointInTimeRecovery>,
    /// CloudWatch's record of the keys that are used most.
    pub contributor_insights_specification: Option<ContributorInsights>,
    /// Whether it cannot be deleted.
    pub deletion_protection_enabled: Option<bool>,
    /// Its storage class.
    pub table_class: Option<String>,
    /// Its own limit of reads.
    pub read_on_demand_throughput_settings: Option<ReadLimit>,
    /// What is special about its indexes.
    pub global_secondary_indexes: Option<Set<ReplicaIndex>>,
    /// A policy on it.
    pub resource_policy: Option<ResourcePolicy>,
    /// Its tags, beside those of the global table.
    pub tags: Option<Tags>,
}

/// The key of a replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicaEncryption {
    /// The ARN of a key in the replica's region.
    #[serde(rename = "KMSMasterKeyId")]
    pub kms_master_key_id: String,
}

/// A limit of reads on demand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct ReadLimit {
    /// Most reads in a second.
    #[schemars(range(min = 1))]
    pub max_read_request_units: Option<i64>,
}

/// What is special about an index in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicaIndex {
    /// Its name.
    #[schemars(length(min = 3, max = 255))]
    pub index_name: String,
    /// CloudWatch's record of the keys that are used most.
    pub contributor_insights_specification: Option<ContributorInsights>,
    /// Its own limit of reads.
    pub read_on_demand_throughput_settings: Option<ReadLimit>,
}

impl ReadLimit {
    /// Reads a limit, of which DynamoDB says −1 when there is none.
    pub(super) fn live(units: Option<i64>) -> Option<Self> {
        Some(Self { max_read_request_units: Some(limit(units)?) })
    }
}

impl Replica {
    /// Returns the limit of reads that is set for it.
    pub(super) fn reads(&self) -> Option<i64> {
        self.read_on_demand_throughput_settings.as_ref()?.max_read_request_units
    }

    /// Returns the limit of reads that is set for one of its indexes.
    pub(super) fn index_reads(&self, name: &str) -> Option<i64> {
        let mut indexes = self.global_secondary_indexes.iter().flat_map(|all| all.iter());
        let index = indexes.find(|index| index.index_name == name)?;
        index.read_on_demand_throughput_settings.as_ref()?.max_read_request_units
    }

    /// Returns the key that is set for it.
    pub(super) fn key(&self) -> Option<&str> {
        self.sse_specification.as_ref().map(|sse| sse.kms_master_key_id.as_str())
    }

    /// Returns its tags and those of the global table; its own win.
    pub(super) fn all_tags(&self, common: Option<&Tags>) -> Tags {
        let all = common.into_iter().chain(&self.tags).flat_map(Tags::pairs);
        all.collect::<BTreeMap<_, _>>().into_iter().collect()
    }

    /// Returns the update that creates it.
    pub(super) fn creation(&self) -> Result<ReplicationGroupUpdate> {
        let action = CreateReplicationGroupMemberAction::builder()
            .region_name(&self.region)
            .set_kms_master_key_id(self.key().map(str::to_owned))
            .set_table_class_override(self.table_class.as_deref().map(TableClass::from))
            .set_on_demand_throughput_override(reads_override(self.reads()))
            .set_global_secondary_indexes(self.index_overrides(None)?)
            .build()?;
        Ok(ReplicationGroupUpdate::builder().create(action).build())
    }

    /// Returns the update that sets its key.
    pub(super) fn rekeying(&self) -> Result<Option<ReplicationGroupUpdate>> {
        let Some(key) = self.key() else { return Ok(None) };
        let action = UpdateReplicationGroupMemberAction::builder()
            .region_name(&self.region)
            .kms_master_key_id(key)
            .build()?;
        Ok(Some(ReplicationGroupUpdate::builder().update(action).build()))
    }

    /// Returns the update that brings what it has of its own (class, limits)
    /// to what is set, if anything differs.
    pub(super) fn overriding(
        &self,
        live: &ReplicaDescription,
    ) -> Result<Option<ReplicationGroupUpdate>> {
        let live_class = live.replica_table_class_summary().and_then(|class| class.table_class());
        let class = self.table_class.as_deref().map(TableClass::from);
        let class = class.filter(|class| *class != *live_class.unwrap_or(&TableClass::Standard));
        let live_reads =
            live.on_demand_throughput_override().and_then(|o| o.max_read_request_units);
        let reads = self.reads().filter(|reads| limit(live_reads) != Some(*reads));
        let indexes = self.index_overrides(Some(live))?;
        if class.is_none() && reads.is_none() && indexes.is_none() {
            return Ok(None);
        }
        let action = UpdateReplicationGroupMemberAction::builder()
            .region_name(&self.region)
            .set_table_class_override(class)
            .set_on_demand_throughput_override(reads_override(reads))
            .set_global_secondary_indexes(indexes)
            .build()?;
        Ok(Some(ReplicationGroupUpdate::builder().update(action).build()))
    }

    /// Returns the limits of its indexes that are not in `live`.
    fn index_overrides(
        &self,
        live: Option<&ReplicaDescription>,
    ) -> Result<Option<Vec<ReplicaGlobalSecondaryIndex>>> {
        let mut overrides = Vec::new();
        for index in self.global_secondary_indexes.iter().flat_map(|all| all.iter()) {
            let Some(reads) = self.index_reads(&index.index_name) else { continue };
            if live.and_then(|live| live_index_reads(live, &index.index_name)) == Some(reads) {
                continue;
            }
            let index = ReplicaGlobalSecondaryIndex::builder()
                .index_name(&index.index_name)
                .set_on_demand_throughput_override(reads_override(Some(reads)))
                .build()?;
            overrides.push(index);
        }
        Ok(Some(overrides).filter(|overrides| !overrides.is_empty()))
    }

    fn settings(&self) -> Settings {
        let indexes = self.global_secondary_indexes.iter().flat_map(|all| all.iter());
        Settings {
            insights: self.contributor_insights_specification.clone(),
            index_insights: indexes
                .filter_map(|index| {
                    let insights = index.contributor_insights_specification.clone()?;
                    Some((index.index_name.clone(), insights))
                })
                .collect(),
            recovery: self.point_in_time_recovery_specification.clone(),
            policy: self.resource_policy.as_ref().map(|policy| policy.policy_document.clone()),
            tags: Tags::default(),
        }
    }

    /// Brings what its own region keeps of it to what is set. `common` are the
    /// tags of the global table, `gone` keys of tags to remove, `known` the
    /// settings where they need no reading.
    pub(super) async fn set_up(
        &self,
        name: &str,
        common: Option<&Tags>,
        gone: &[String],
        known: Option<Settings>,
        cx: &Cx,
    ) -> Result<()> {
        let there = &cx.in_region(&self.region);
        let protection = self.deletion_protection_enabled;
        // The table's own region has set its protection already.
        if protection.is_some() && self.region != cx.region() {
            let target = steps::Target { protected: protection, ..Default::default() };
            target.reach(steps::settled(name, there).await?, there).await?;
        }
        let live = match known {
            Some(settings) => settings,
            None => Settings::read(name, there).await?,
        };
        let mut wanted = self.settings();
        wanted.keep_unset(&live);
        let tags = tag_changes(&self.all_tags(common), gone, &live.tags);
        wanted.apply(name, &live, tags, there).await
    }

    /// Returns the replica as its region (`table`, `settings`) and the global
    /// table (`member`, none for its own region) describe it.
    pub(super) fn live(
        region: &str,
        table: Option<&TableDescription>,
        member: Option<&ReplicaDescription>,
        mut settings: Settings,
    ) -> Self {
        let Some(table) = table else {
            return Self { region: region.to_owned(), ..Self::default() };
        };
        let reads = match member {
            Some(member) => {
                member.on_demand_throughput_override().and_then(|o| o.max_read_request_units)
            }
            None => table.on_demand_throughput().and_then(|o| o.max_read_request_units),
        };
        let mut indexes: Vec<_> = table
            .global_secondary_indexes()
            .iter()
            .filter_map(|index| {
                let name = index.index_name()?.to_owned();
                let reads = match member {
                    Some(member) => live_index_reads(member, &name),
                    None => {
                        index.on_demand_throughput().and_then(|o| limit(o.max_read_request_units))
                    }
                };
                let insights = settings.index_insights.remove(&name).filter(|i| i.enabled);
                let is_special = reads.is_some() || insights.is_some();
                is_special.then(|| ReplicaIndex {
                    index_name: name,
                    contributor_insights_specification: insights,
                    read_on_demand_throughput_settings: ReadLimit::live(reads),
                })
            })
            .collect();
        indexes.sort_by(|a, b| a.index_name.cmp(&b.index_name));
        let key = dynamodb::key_arn(table).filter(|_| dynamodb::encrypted(table));
        let policy = settings.policy;
        Self {
            region: region.to_owned(),
            sse_specification: key.map(|kms_master_key_id| ReplicaEncryption { kms_master_key_id }),
            point_in_time_recovery_specification: settings.recovery,
            contributor_insights_specification: settings.insights,
            deletion_protection_enabled: Some(table.deletion_protection_enabled().unwrap_or(false)),
            table_class: Some(table_class(table).as_str().to_owned()),
            read_on_demand_throughput_settings: ReadLimit::live(reads),
            global_secondary_indexes: Some(Set(indexes)),
            resource_policy: policy.map(|policy_document| ResourcePolicy { policy_document }),
            tags: Some(settings.tags),
        }
    }
}

fn tag_changes(wanted: &Tags, gone: &[String], live: &Tags) -> TagChanges {
    let set = wanted.iter().filter(|tag| live.get(&tag.key) != Some(tag.value.as_str()));
    let remove = gone.iter().filter(|key| wanted.get(key).is_none() && live.get(key).is_some());
    TagChanges { set: set.cloned().collect::<Vec<Tag>>(), remove: remove.cloned().collect() }
}

fn reads_override(reads: Option<i64>) -> Option<OnDemandThroughputOverride> {
    Some(OnDemandThroughputOverride::builder().max_read_request_units(reads?).build())
}

fn live_index_reads(live: &ReplicaDescription, name: &str) -> Option<i64> {
    let indexes = live.global_secondary_indexes();
    let index = indexes.iter().find(|index| index.index_name() == Some(name))?;
    limit(index.on_demand_throughput_override()?.max_read_request_units)
}

/// Returns the update that removes the replica in a region.
pub(super) fn removal(region: &str) -> Result<ReplicationGroupUpdate> {
    let action = DeleteReplicationGroupMemberAction::builder().region_name(region).build()?;
    Ok(ReplicationGroupUpdate::builder().delete(action).build())
}

/// Creates, changes and removes replicas: all in one call where DynamoDB takes
/// that (strong consistency demands it), else one after the other. Its
/// reference has a list, its users report refusals of more than one item.
pub(super) async fn update_members(
    name: &str,
    updates: Vec<ReplicationGroupUpdate>,
    consistency: Option<MultiRegionConsistency>,
    table: TableDescription,
    cx: &Cx,
) -> Result<TableDescription> {
    if updates.is_empty() {
        return Ok(table);
    }
    let request = cx
        .dynamodb()
        .update_table()
        .set_replica_updates(Some(updates.clone()))
        .set_multi_region_consistency(consistency.clone());
    let failure = match steps::update(name, request, cx).await {
        Err(failure) if failure.is_code(&["ValidationException"]) => failure,
        answer => return answer,
    };
    let mut table = steps::settled(name, cx).await?;
    let rest: Vec<_> = updates.iter().filter(|update| is_open(update, &table)).collect();
    // A call that is repeated because its answer was lost is refused, too.
    if rest.is_empty() {
        return Ok(table);
    }
    if updates.len() == 1 || consistency == Some(MultiRegionConsistency::Strong) {
        return Err(failure);
    }
    for update in rest {
        let request = cx.dynamodb().update_table().replica_updates(update.clone());
        table = steps::update(name, request, cx).await?;
    }
    Ok(table)
}

/// Whether an update has still to be made.
fn is_open(update: &ReplicationGroupUpdate, table: &TableDescription) -> bool {
    let has = |region: &str| table.replicas().iter().any(|r| r.region_name() == Some(region));
    match (update.create(), update.delete()) {
        (Some(create), _) => !has(&create.region_name),
        (_, Some(delete)) => has(&delete.region_name),
        _ => true,
    }
}
