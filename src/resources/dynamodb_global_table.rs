//! `AWS::DynamoDB::GlobalTable`: a table with replicas in several regions
//! (version 2019.11.21). Its node lives in one of them, its home.

use super::dynamodb::{
    self, AttributeDefinition, KeyElement, LocalIndex, StreamSpecification, TimeToLive,
};
use super::dynamodb_global_table_properties::{
    Encryption, GlobalIndex, WriteLimit, check_billing, check_replicas,
};
use super::dynamodb_replica::{ReadLimit, Replica, removal, update_members};
use super::dynamodb_settings::{Settings, sdk_tags, set_time_to_live, table_arn, time_to_live};
use super::dynamodb_steps::{self as steps, Capacity, Target, on_demand, set_limits};
use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Late, Live, Meta, Place,
    Recorded, Resource, Result, Set, Tags, Volatile,
};
use aws_sdk_dynamodb::types::{
    BillingMode, GlobalSecondaryIndex, MultiRegionConsistency, OnDemandThroughput,
    ReplicaDescription, ReplicaStatus, SseSpecification, SseType, TableClass, TableDescription,
};
use futures::future::{join_all, try_join_all};
use futures::{join, try_join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A table with replicas. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-globaltable.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GlobalTable {
    /// Its name, in every region.
    #[schemars(length(min = 1, max = 1024))]
    pub table_name: Option<Fixed<String>>,
    /// Its partition key, and a sort key if it has one.
    pub key_schema: Option<Fixed<Vec<KeyElement>>>,
    /// The attributes of all keys, the indexes' too, and no others.
    #[schemars(length(min = 1))]
    pub attribute_definitions: Option<Set<AttributeDefinition>>,
    /// `PAY_PER_REQUEST`; a provisioned one needs automatic scaling, which is
    /// not supported yet.
    #[schemars(extend("enum" = ["PAY_PER_REQUEST", "PROVISIONED"]))]
    pub billing_mode: Option<String>,
    /// The limit of reads where a replica sets none.
    pub read_on_demand_throughput_settings: Option<ReadLimit>,
    /// The limit of writes.
    pub write_on_demand_throughput_settings: Option<WriteLimit>,
    /// Indexes with keys of their own.
    pub global_secondary_indexes: Option<Set<GlobalIndex>>,
    /// Indexes that share the partition key; they come with the table.
    pub local_secondary_indexes: Option<Fixed<Set<LocalIndex>>>,
    /// Whether a read sees what was just written in another region. It is
    /// settled when the first replica comes.
    #[schemars(extend("enum" = ["EVENTUAL", "STRONG"]))]
    pub multi_region_consistency: Option<String>,
    /// The table in each region; its home is one of them.
    #[schemars(length(min = 1))]
    pub replicas: Late<Set<Replica>>,
    /// Its encryption, everywhere.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<Encryption>,
    /// Its stream of changes; replicas need new and old images.
    pub stream_specification: Option<StreamSpecification>,
    /// When items expire, everywhere.
    pub time_to_live_specification: Option<TimeToLive>,
    /// Tags of every replica.
    pub tags: Option<Tags>,
}

/// What DynamoDB gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN at home.
    pub arn: Early<String>,
    /// The id of the table at home, which no later table of the name has.
    pub table_id: Early<String>,
    /// The ARN of its stream at home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_arn: Option<Volatile<String>>,
}

impl Resource for GlobalTable {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::DynamoDB::GlobalTable")
        .named("TableName", 255)
        .taggable()
        .holds_data()
        .takes(60)
        .beyond_cloudformation(&["Tags"])
        .unsupported(&[
            "GlobalTableSourceArn",
            "GlobalTableWitnesses",
            "ReadProvisionedThroughputSettings",
            "TableType",
            "VectorIndexes",
            "WarmThroughput",
            "WriteProvisionedThroughputSettings",
        ]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("TableName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("TableName") {
            Some(name) => json!({"Arn": place.arn("dynamodb", &format!("table/{name}"))}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = dynamodb::check(desired);
        faults.extend(check_billing(desired));
        faults.extend(check_replicas(desired));
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let name = id.as_str();
        let Some(table) = steps::describe(name, cx).await? else { return Ok(None) };
        let members = table.replicas().iter().filter(|member| is_other(member, cx));
        let members = members.map(|member| read_member(name, member, cx));
        let parts = async {
            try_join!(Settings::read(name, cx), time_to_live(name, cx), try_join_all(members))
        };
        let Some((settings, ttl, others)) = parts.await.found()? else { return Ok(None) };
        let attributes = attributes(name, &table, cx);
        let properties = properties(name, &table, settings, ttl, others, cx);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => self.update(live, changes, cx).await,
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let name = recorded.id.as_str();
        let Some(table) = steps::describe(name, cx).await? else { return Ok(()) };
        if table.replicas().iter().any(|member| is_other(member, cx)) {
            // A table under change takes no other change.
            let table = steps::settled(name, cx).await?;
            let others = table.replicas().iter().filter(|member| is_other(member, cx));
            let removals = others.map(|member| removal(member.region_name().unwrap_or_default()));
            let removals = removals.collect::<Result<Vec<_>>>()?;
            update_members(name, removals, None, table, cx).await?;
        }
        steps::delete(name, cx).await
    }
}

impl GlobalTable {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.table_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let home = self.home(cx)?;
        let tags = home.all_tags(self.tags.as_ref());
        let policy = home.resource_policy.as_ref().map(|policy| &policy.policy_document);
        let local = self.local_secondary_indexes.as_ref().map(|indexes| &indexes.0.0);
        let request = cx
            .dynamodb()
            .create_table()
            .table_name(&name)
            .set_key_schema(
                self.key_schema.as_ref().map(|keys| dynamodb::sdk_keys(keys)).transpose()?,
            )
            .set_attribute_definitions(Some(dynamodb::sdk_attributes(self.definitions())?))
            .set_local_secondary_indexes(
                local.map(|indexes| dynamodb::sdk_local_indexes(indexes)).transpose()?,
            )
            .set_global_secondary_indexes(self.creating_indexes(home)?)
            .billing_mode(BillingMode::PayPerRequest)
            .set_on_demand_throughput(set_limits(&self.limits(home)))
            .set_stream_specification(dynamodb::sdk_stream(self.stream_specification.as_ref())?)
            .set_sse_specification(self.encryption(home))
            .set_table_class(home.table_class.as_deref().map(TableClass::from))
            .set_deletion_protection_enabled(home.deletion_protection_enabled)
            .set_resource_policy(policy.map(|policy| policy.text()))
            .set_tags(Some(sdk_tags(&tags)?).filter(|tags| !tags.is_empty()));
        let answer = cx.mutate("dynamodb:CreateTable", || request.clone().send()).await?;
        let table = answer.table_description.unwrap_or_else(|| TableDescription::builder().build());
        cx.created(&Id::from(name.as_str()), json!(attributes(&name, &table, cx))).await?;
        let table = steps::settled(&name, cx).await?;
        set_time_to_live(&name, self.time_to_live_specification.as_ref(), None, cx).await?;
        let made = Settings { policy: policy.cloned(), tags, ..Settings::default() };
        // Backups at home become available while replicas are made.
        let (at_home, elsewhere) = join!(
            home.set_up(&name, self.tags.as_ref(), &[], Some(made), cx),
            self.set_members(&name, table, &[], cx),
        );
        at_home?;
        Ok(attributes(&name, &elsewhere?, cx))
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<Attributes> {
        let name = live.id.as_str();
        let home = self.home(cx)?;
        let mut table = steps::settled(name, cx).await?;
        if changes.has("TimeToLiveSpecification") {
            let live = &live.properties.time_to_live_specification;
            let wanted = self.time_to_live_specification.as_ref();
            set_time_to_live(name, wanted, live.as_ref(), cx).await?;
        }
        // A partial list does not say which replicas shall go.
        if changes.has("Replicas") && !cx.partial {
            let others = table.replicas().iter().filter_map(|member| member.region_name());
            let undesired =
                others.filter(|region| *region != cx.region() && self.member(region).is_none());
            let removals = undesired.map(removal).collect::<Result<Vec<_>>>()?;
            table = update_members(name, removals, None, table, cx).await?;
        }
        table = self.target(home, changes)?.reach(table, cx).await?;
        if changes.any(&["Replicas", "SSESpecification"]) {
            table = self.encrypt(name, home, changes.has("SSESpecification"), table, cx).await?;
        }
        if changes.any(&["GlobalSecondaryIndexes", "MultiRegionConsistency", "Replicas", "Tags"]) {
            let gone = changes.tags(self.tags.as_ref()).remove;
            let (at_home, elsewhere) = join!(
                home.set_up(name, self.tags.as_ref(), &gone, None, cx),
                self.set_members(name, table, &gone, cx),
            );
            at_home?;
            table = elsewhere?;
        }
        Ok(attributes(name, &table, cx))
    }

    /// Makes the replicas that are missing, and sets up those outside home.
    async fn set_members(
        &self,
        name: &str,
        table: TableDescription,
        gone: &[String],
        cx: &Cx,
    ) -> Result<TableDescription> {
        let live: Vec<ReplicaDescription> =
            table.replicas().iter().filter(|member| is_other(member, cx)).cloned().collect();
        let find = |region: &str| live.iter().find(|member| member.region_name() == Some(region));
        let consistency =
            self.multi_region_consistency.as_deref().map(MultiRegionConsistency::from);
        if !live.is_empty()
            && consistency.is_some()
            && table.multi_region_consistency != consistency
        {
            return Err(Failure::refused(
                "the consistency between regions is settled by the first replica: remove the other replicas, then change MultiRegionConsistency and add them again",
            ));
        }
        let others = || self.replicas.iter().filter(|replica| replica.region != cx.region());
        let missing = others().filter(|replica| find(&replica.region).is_none());
        let missing = missing.map(Replica::creation).collect::<Result<Vec<_>>>()?;
        let consistency = consistency.filter(|_| live.is_empty());
        let mut table = update_members(name, missing, consistency, table, cx).await?;
        let overrides = others()
            .filter_map(|replica| replica.overriding(find(&replica.region)?).transpose())
            .collect::<Result<Vec<_>>>()?;
        table = update_members(name, overrides, None, table, cx).await?;
        let all = join_all(others().map(|replica| {
            let is_new = find(&replica.region).is_none();
            replica.set_up(name, self.tags.as_ref(), gone, is_new.then(Settings::default), cx)
        }));
        all.await.into_iter().collect::<Result<()>>()?;
        Ok(table)
    }

    /// Sets the encryption: DynamoDB wants the keys of all regions in one call.
    async fn encrypt(
        &self,
        name: &str,
        home: &Replica,
        changed: bool,
        table: TableDescription,
        cx: &Cx,
    ) -> Result<TableDescription> {
        let keys_differ = |replica: &Replica| {
            let member = table.replicas().iter().find(|m| m.region_name() == Some(&replica.region));
            let live = match member {
                _ if replica.region == cx.region() => dynamodb::key_arn(&table),
                Some(member) => member.kms_master_key_id().map(str::to_owned),
                None => return false,
            };
            replica.key().is_some_and(|key| live.as_deref() != Some(key))
        };
        if !changed && !self.replicas.iter().any(keys_differ) {
            return Ok(table);
        }
        let off = || SseSpecification::builder().enabled(false).build();
        let mut request = cx
            .dynamodb()
            .update_table()
            .sse_specification(self.encryption(home).unwrap_or_else(off));
        for member in table.replicas().iter().filter(|member| is_other(member, cx)) {
            let replica = self.member(member.region_name().unwrap_or_default());
            if let Some(update) = replica.map(Replica::rekeying).transpose()?.flatten() {
                request = request.replica_updates(update);
            }
        }
        steps::update(name, request, cx).await
    }

    /// Returns what `UpdateTable` at home has to reach for these changes.
    fn target(&self, home: &Replica, changes: &Changes) -> Result<Target> {
        let mut target = Target::default();
        if changes.has("Replicas") {
            target.protected = home.deletion_protection_enabled;
            target.class = home.table_class.as_deref().map(TableClass::from);
        }
        let limits = ["ReadOnDemandThroughputSettings", "WriteOnDemandThroughputSettings"];
        let indexes = changes.has("GlobalSecondaryIndexes");
        if indexes || changes.any(&limits) || changes.any(&["BillingMode", "Replicas"]) {
            target.capacity = Some(Capacity {
                mode: BillingMode::PayPerRequest,
                provisioned: None,
                on_demand: self.limits(home),
            });
            if indexes || self.global_secondary_indexes.is_some() {
                let definitions = dynamodb::sdk_attributes(self.definitions())?;
                target.indexes = Some((self.indexes(home)?, definitions));
            }
        }
        if changes.has("StreamSpecification") {
            target.stream = Some(dynamodb::sdk_stream(self.stream_specification.as_ref())?);
        }
        Ok(target)
    }

    fn member(&self, region: &str) -> Option<&Replica> {
        self.replicas.iter().find(|replica| replica.region == region)
    }

    fn home(&self, cx: &Cx) -> Result<&Replica> {
        self.member(cx.region()).ok_or_else(|| {
            Failure::refused(format!(
                "Replicas has no item for {}, where the table itself lives: add one with Region: {}",
                cx.region(),
                cx.region()
            ))
        })
    }

    fn definitions(&self) -> &[AttributeDefinition] {
        self.attribute_definitions.as_deref().map_or(&[], Vec::as_slice)
    }

    fn limits(&self, home: &Replica) -> OnDemandThroughput {
        let reads = self.read_on_demand_throughput_settings.as_ref();
        let writes = self.write_on_demand_throughput_settings.as_ref();
        on_demand(
            home.reads().or(reads.and_then(|limit| limit.max_read_request_units)),
            writes.and_then(|limit| limit.max_write_request_units),
        )
    }

    fn indexes(&self, home: &Replica) -> Result<Vec<GlobalSecondaryIndex>> {
        let indexes = self.global_secondary_indexes.iter().flat_map(|indexes| indexes.iter());
        indexes.map(|index| index.sdk(home.index_reads(&index.index_name))).collect()
    }

    /// Returns the indexes as `CreateTable` takes them.
    fn creating_indexes(&self, home: &Replica) -> Result<Option<Vec<GlobalSecondaryIndex>>> {
        let mut indexes = self.indexes(home)?;
        for index in &mut indexes {
            index.on_demand_throughput = index.on_demand_throughput.as_ref().and_then(set_limits);
        }
        Ok(Some(indexes).filter(|indexes| !indexes.is_empty()))
    }

    fn encryption(&self, home: &Replica) -> Option<SseSpecification> {
        let encryption = self.sse_specification.as_ref()?;
        let kind = encryption.sse_type.as_deref().or(home.key().map(|_| "KMS"));
        Some(
            SseSpecification::builder()
                .enabled(encryption.sse_enabled)
                .set_sse_type(kind.filter(|_| encryption.sse_enabled).map(SseType::from))
                .set_kms_master_key_id(home.key().map(str::to_owned))
                .build(),
        )
    }
}

/// Whether a replica is one outside home that is to stay.
fn is_other(member: &ReplicaDescription, cx: &Cx) -> bool {
    member.region_name() != Some(cx.region())
        && member.replica_status() != Some(&ReplicaStatus::Deleting)
}

async fn read_member(name: &str, member: &ReplicaDescription, cx: &Cx) -> Result<Replica> {
    let region = member.region_name().unwrap_or_default();
    let there = cx.in_region(region);
    let parts = async { try_join!(steps::describe(name, &there), Settings::read(name, &there)) };
    let (table, settings) = parts.await.found()?.unwrap_or_default();
    Ok(Replica::live(region, table.as_ref(), Some(member), settings))
}

fn properties(
    name: &str,
    table: &TableDescription,
    settings: Settings,
    ttl: Option<TimeToLive>,
    others: Vec<Replica>,
    cx: &Cx,
) -> GlobalTable {
    let reads = |units: Option<&OnDemandThroughput>| ReadLimit::live(units?.max_read_request_units);
    let indexes = table.global_secondary_indexes().iter().map(|index| GlobalIndex {
        index_name: index.index_name().unwrap_or_default().to_owned(),
        key_schema: dynamodb::keys(index.key_schema()),
        projection: dynamodb::projection(index.projection()),
        read_on_demand_throughput_settings: reads(index.on_demand_throughput()),
        write_on_demand_throughput_settings: WriteLimit::live(index.on_demand_throughput()),
    });
    let encrypted = dynamodb::encrypted(table);
    let tags = settings.tags.clone();
    let home = Replica::live(cx.region(), Some(table), None, settings);
    let consistency = table.multi_region_consistency().map(|mode| mode.as_str().to_owned());
    GlobalTable {
        table_name: Some(Fixed(name.to_owned())),
        key_schema: Some(Fixed(dynamodb::keys(table.key_schema()))),
        attribute_definitions: Some(dynamodb::attributes(table)),
        billing_mode: Some(dynamodb::billing_mode(table).as_str().to_owned()),
        read_on_demand_throughput_settings: reads(table.on_demand_throughput()),
        write_on_demand_throughput_settings: WriteLimit::live(table.on_demand_throughput()),
        global_secondary_indexes: Some(indexes.collect()),
        local_secondary_indexes: Some(Fixed(dynamodb::local_indexes(table))),
        multi_region_consistency: consistency,
        replicas: Late(std::iter::once(home).chain(others).collect()),
        sse_specification: Some(Encryption {
            sse_enabled: encrypted,
            sse_type: encrypted.then(|| "KMS".to_owned()),
        }),
        stream_specification: dynamodb::stream(table),
        time_to_live_specification: ttl,
        tags: Some(tags),
    }
}

fn attributes(name: &str, table: &TableDescription, cx: &Cx) -> Attributes {
    let stream = dynamodb::stream(table).and_then(|_| table.latest_stream_arn());
    Attributes {
        arn: Early(table_arn(name, cx)),
        table_id: Early(table.table_id().unwrap_or_default().to_owned()),
        stream_arn: stream.map(|arn| Volatile(arn.to_owned())),
    }
}
