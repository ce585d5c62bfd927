//! `AWS::DynamoDB::Table`: a table in one region.

use super::dynamodb::{
    self, AttributeDefinition, ContributorInsights, KeyElement, LocalIndex, PointInTimeRecovery,
    ResourcePolicy, TimeToLive,
};
use super::dynamodb_settings::{Settings, sdk_tags, set_time_to_live, table_arn, time_to_live};
use super::dynamodb_steps::{self as steps, Capacity, Target, set_limits};
use super::dynamodb_table_properties::{Encryption, GlobalIndex, Limits, Throughput};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Policy, Recorded,
    Resource, Result, Set, TagChanges, Tags, Volatile,
};
use aws_sdk_dynamodb::types::{
    BillingMode, GlobalSecondaryIndex, SseSpecification, TableClass, TableDescription,
};
use futures::{join, try_join};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A table. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-dynamodb-table.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Table {
    /// Its name.
    #[schemars(length(min = 1, max = 1024))]
    pub table_name: Option<Fixed<String>>,
    /// Its partition key, and a sort key if it has one.
    pub key_schema: Fixed<Vec<KeyElement>>,
    /// The attributes of all keys, the indexes' too, and no others.
    pub attribute_definitions: Option<Set<AttributeDefinition>>,
    /// Whether requests or capacity are paid for.
    #[schemars(extend("enum" = ["PAY_PER_REQUEST", "PROVISIONED"]))]
    pub billing_mode: Option<String>,
    /// The capacity of a provisioned table.
    pub provisioned_throughput: Option<Throughput>,
    /// The limits of a table on demand.
    pub on_demand_throughput: Option<Limits>,
    /// Indexes with keys of their own.
    pub global_secondary_indexes: Option<Set<GlobalIndex>>,
    /// Indexes that share the partition key; they come with the table.
    pub local_secondary_indexes: Option<Fixed<Set<LocalIndex>>>,
    /// Its stream of changes.
    pub stream_specification: Option<dynamodb::StreamSpecification>,
    /// Its encryption.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<Encryption>,
    /// When items expire.
    pub time_to_live_specification: Option<TimeToLive>,
    /// Continuous backups.
    pub point_in_time_recovery_specification: Option<PointInTimeRecovery>,
    /// CloudWatch's record of the keys that are used most.
    pub contributor_insights_specification: Option<ContributorInsights>,
    /// Whether it cannot be deleted.
    pub deletion_protection_enabled: Option<bool>,
    /// Its storage class.
    #[schemars(extend("enum" = ["STANDARD", "STANDARD_INFREQUENT_ACCESS"]))]
    pub table_class: Option<String>,
    /// A policy on the table itself.
    pub resource_policy: Option<ResourcePolicy>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What DynamoDB gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// The ARN of its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_arn: Option<Volatile<String>>,
}

impl Resource for Table {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::DynamoDB::Table")
        .named("TableName", 255)
        .taggable()
        .holds_data()
        .takes(10)
        .unsupported(&[
            "ImportSourceSpecification",
            "KinesisStreamSpecification",
            "VectorIndexes",
            "WarmThroughput",
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
        faults.extend(check_capacity(desired));
        faults.extend(check_encryption(desired));
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let name = id.as_str();
        let parts = async {
            try_join!(steps::describe(name, cx), Settings::read(name, cx), time_to_live(name, cx))
        };
        let Some((Some(table), settings, ttl)) = parts.await.found()? else { return Ok(None) };
        let attributes = attributes(name, &table, cx);
        let properties = properties(name, &table, settings, ttl);
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
        steps::delete(recorded.id.as_str(), cx).await
    }
}

impl Table {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.table_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let capacity = self.capacity()?;
        let definitions = self.attribute_definitions.as_deref().map_or(&[][..], Vec::as_slice);
        let local = self.local_secondary_indexes.as_ref().map(|indexes| &indexes.0.0);
        let request = cx
            .dynamodb()
            .create_table()
            .table_name(&name)
            .set_key_schema(Some(dynamodb::sdk_keys(&self.key_schema)?))
            .set_attribute_definitions(Some(dynamodb::sdk_attributes(definitions)?))
            .set_local_secondary_indexes(
                local.map(|indexes| dynamodb::sdk_local_indexes(indexes)).transpose()?,
            )
            .set_global_secondary_indexes(self.creating_indexes()?)
            .billing_mode(capacity.mode)
            .set_provisioned_throughput(capacity.provisioned)
            .set_on_demand_throughput(set_limits(&capacity.on_demand))
            .set_stream_specification(dynamodb::sdk_stream(self.stream_specification.as_ref())?)
            .set_sse_specification(self.sse_specification.as_ref().map(Encryption::sdk))
            .set_table_class(self.table_class.as_deref().map(TableClass::from))
            .set_deletion_protection_enabled(self.deletion_protection_enabled)
            .set_resource_policy(self.policy().map(|policy| policy.text()))
            .set_tags(self.tags.as_ref().map(sdk_tags).transpose()?);
        let answer = cx.mutate("dynamodb:CreateTable", || request.clone().send()).await?;
        let table = answer.table_description.unwrap_or_else(|| TableDescription::builder().build());
        cx.created(&Id::from(name.as_str()), json!(attributes(&name, &table, cx))).await?;
        let table = steps::settled(&name, cx).await?;
        let made = Settings { policy: self.policy().cloned(), ..Settings::default() };
        let wanted = self.settings();
        let (settings, expiry) = join!(
            wanted.apply(&name, &made, TagChanges::default(), cx),
            set_time_to_live(&name, self.time_to_live_specification.as_ref(), None, cx),
        );
        settings.and(expiry)?;
        Ok(attributes(&name, &table, cx))
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<Attributes> {
        let name = live.id.as_str();
        let table = steps::settled(name, cx).await?;
        let table = self.target(changes)?.reach(table, cx).await?;
        let mut before = live.properties.settings();
        // An index that was just removed or made anew has no insights.
        before.index_insights.retain(|index, _| self.keeps_index(index, &live.properties));
        let mut after = self.settings();
        if !changes.has("PointInTimeRecoverySpecification") {
            after.recovery.clone_from(&before.recovery);
        }
        if !changes.has("ContributorInsightsSpecification") {
            after.insights.clone_from(&before.insights);
        }
        if !changes.has("GlobalSecondaryIndexes") {
            after.index_insights.clone_from(&before.index_insights);
        }
        if !changes.has("ResourcePolicy") {
            after.policy.clone_from(&before.policy);
        }
        after.apply(name, &before, changes.tags(self.tags.as_ref()), cx).await?;
        if changes.has("TimeToLiveSpecification") {
            let (wanted, live) =
                (&self.time_to_live_specification, &live.properties.time_to_live_specification);
            set_time_to_live(name, wanted.as_ref(), live.as_ref(), cx).await?;
        }
        Ok(attributes(name, &table, cx))
    }

    /// Returns what `UpdateTable` has to reach for these changes.
    fn target(&self, changes: &Changes) -> Result<Target> {
        const CAPACITY: &[&str] = &[
            "BillingMode",
            "GlobalSecondaryIndexes",
            "OnDemandThroughput",
            "ProvisionedThroughput",
        ];
        let mut target = Target::default();
        if changes.has("DeletionProtectionEnabled") {
            target.protected = Some(self.deletion_protection_enabled.unwrap_or(false));
        }
        if changes.has("TableClass") {
            let class = self.table_class.as_deref().map_or(TableClass::Standard, TableClass::from);
            target.class = Some(class);
        }
        if changes.has("SSESpecification") {
            let off = || SseSpecification::builder().enabled(false).build();
            target.encryption =
                Some(self.sse_specification.as_ref().map_or_else(off, Encryption::sdk));
        }
        if changes.any(CAPACITY) {
            target.capacity = Some(self.capacity()?);
            if changes.has("GlobalSecondaryIndexes") || self.global_secondary_indexes.is_some() {
                let definitions =
                    self.attribute_definitions.as_deref().map_or(&[][..], Vec::as_slice);
                target.indexes = Some((self.indexes()?, dynamodb::sdk_attributes(definitions)?));
            }
        }
        if changes.has("StreamSpecification") {
            target.stream = Some(dynamodb::sdk_stream(self.stream_specification.as_ref())?);
        }
        Ok(target)
    }

    fn mode(&self) -> BillingMode {
        self.billing_mode.as_deref().map_or(BillingMode::Provisioned, BillingMode::from)
    }

    fn capacity(&self) -> Result<Capacity> {
        let provisioned = self.provisioned_throughput.as_ref().map(Throughput::sdk).transpose()?;
        let on_demand = Limits::sdk(self.on_demand_throughput.as_ref());
        Ok(Capacity { mode: self.mode(), provisioned, on_demand })
    }

    fn indexes(&self) -> Result<Vec<GlobalSecondaryIndex>> {
        let on_demand = self.mode() == BillingMode::PayPerRequest;
        let indexes = self.global_secondary_indexes.iter().flat_map(|indexes| indexes.iter());
        indexes.map(|index| index.sdk(on_demand)).collect()
    }

    /// Returns the indexes as `CreateTable` takes them.
    fn creating_indexes(&self) -> Result<Option<Vec<GlobalSecondaryIndex>>> {
        let mut indexes = self.indexes()?;
        for index in &mut indexes {
            index.on_demand_throughput = index.on_demand_throughput.as_ref().and_then(set_limits);
        }
        Ok(Some(indexes).filter(|indexes| !indexes.is_empty()))
    }

    /// Whether the index is desired in the shape that it has.
    fn keeps_index(&self, name: &str, live: &Self) -> bool {
        let shape = |table: &Self| {
            let mut indexes = table.global_secondary_indexes.iter().flat_map(|all| all.iter());
            let index = indexes.find(|index| index.index_name == name)?;
            Some((index.key_schema.clone(), index.projection.clone()))
        };
        shape(self) == shape(live)
    }

    fn policy(&self) -> Option<&Policy> {
        self.resource_policy.as_ref().map(|policy| &policy.policy_document)
    }

    fn settings(&self) -> Settings {
        let indexes = self.global_secondary_indexes.iter().flat_map(|indexes| indexes.iter());
        Settings {
            insights: self.contributor_insights_specification.clone(),
            index_insights: indexes
                .filter_map(|index| {
                    let insights = index.contributor_insights_specification.clone()?;
                    Some((index.index_name.clone(), insights))
                })
                .collect(),
            recovery: self.point_in_time_recovery_specification.clone(),
            policy: self.policy().cloned(),
            tags: Tags::default(),
        }
    }
}

fn properties(
    name: &str,
    table: &TableDescription,
    mut settings: Settings,
    ttl: Option<TimeToLive>,
) -> Table {
    let global = table.global_secondary_indexes().iter().map(|index| {
        let index_name = index.index_name().unwrap_or_default().to_owned();
        GlobalIndex {
            key_schema: dynamodb::keys(index.key_schema()),
            projection: dynamodb::projection(index.projection()),
            provisioned_throughput: Throughput::live(index.provisioned_throughput()),
            on_demand_throughput: Limits::live(index.on_demand_throughput()),
            contributor_insights_specification: Some(
                settings.index_insights.remove(&index_name).unwrap_or(ContributorInsights::OFF),
            ),
            index_name,
        }
    });
    let encrypted = dynamodb::encrypted(table);
    Table {
        table_name: Some(Fixed(name.to_owned())),
        key_schema: Fixed(dynamodb::keys(table.key_schema())),
        attribute_definitions: Some(dynamodb::attributes(table)),
        billing_mode: Some(dynamodb::billing_mode(table).as_str().to_owned()),
        provisioned_throughput: Throughput::live(table.provisioned_throughput()),
        on_demand_throughput: Limits::live(table.on_demand_throughput()),
        global_secondary_indexes: Some(global.collect()),
        local_secondary_indexes: Some(Fixed(dynamodb::local_indexes(table))),
        stream_specification: dynamodb::stream(table),
        sse_specification: Some(Encryption {
            sse_enabled: encrypted,
            sse_type: encrypted.then(|| "KMS".to_owned()),
            kms_master_key_id: dynamodb::key_arn(table).filter(|_| encrypted),
        }),
        time_to_live_specification: ttl,
        point_in_time_recovery_specification: settings.recovery,
        contributor_insights_specification: settings.insights,
        deletion_protection_enabled: Some(table.deletion_protection_enabled().unwrap_or(false)),
        table_class: Some(dynamodb::table_class(table).as_str().to_owned()),
        resource_policy: settings.policy.map(|policy_document| ResourcePolicy { policy_document }),
        tags: Some(settings.tags),
    }
}

fn attributes(name: &str, table: &TableDescription, cx: &Cx) -> Attributes {
    let stream = dynamodb::stream(table).and_then(|_| table.latest_stream_arn());
    Attributes {
        arn: Early(table_arn(name, cx)),
        stream_arn: stream.map(|arn| Volatile(arn.to_owned())),
    }
}

fn check_capacity(desired: Desired<'_>) -> Vec<Fault> {
    let Some(properties) = desired.0.as_object() else { return Vec::new() };
    if properties.get("BillingMode").is_some_and(crate::value::is_unknown) {
        return Vec::new();
    }
    let on_demand = desired.text("BillingMode") == Some("PAY_PER_REQUEST");
    match (on_demand, properties.contains_key("ProvisionedThroughput")) {
        (true, true) => vec![Fault::new(
            "ProvisionedThroughput",
            "a table on demand has no provisioned capacity: remove it, or set OnDemandThroughput",
        )],
        (false, false) => vec![Fault::new(
            "BillingMode",
            "write BillingMode: PAY_PER_REQUEST, or set ProvisionedThroughput: without either DynamoDB refuses the table",
        )],
        _ => Vec::new(),
    }
}

fn check_encryption(desired: Desired<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let enabled = desired.get("SSESpecification/SSEEnabled").and_then(Value::as_bool);
    if let Some(key) = desired.text("SSESpecification/KMSMasterKeyId") {
        if enabled == Some(false) {
            faults.push(Fault::new(
                "SSESpecification/KMSMasterKeyId",
                "a key is used only with SSEEnabled: true",
            ));
        }
        if !key.starts_with("arn:") {
            faults.push(Fault::new(
                "SSESpecification/KMSMasterKeyId",
                "write the key's ARN (its Arn attribute): DynamoDB reports keys by ARN, so any other spelling would look changed for ever",
            ));
        }
    }
    faults
}
