//! What the kinds of DynamoDB table share: nested properties and what the
//! SDK calls them.

use crate::resource::{Desired, Fault, Policy, Result, Set};
use aws_sdk_dynamodb::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// An attribute that is part of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AttributeDefinition {
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub attribute_name: String,
    /// Whether it is text, a number or binary.
    #[schemars(extend("enum" = ["B", "N", "S"]))]
    pub attribute_type: String,
}

/// One attribute of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct KeyElement {
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub attribute_name: String,
    /// Whether it chooses the partition or sorts in it.
    #[schemars(extend("enum" = ["HASH", "RANGE"]))]
    pub key_type: String,
}

/// The attributes that an index holds beside its keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Projection {
    /// All of them, none, or those listed.
    #[schemars(extend("enum" = ["ALL", "INCLUDE", "KEYS_ONLY"]))]
    pub projection_type: Option<String>,
    /// Those listed, for `INCLUDE`.
    pub non_key_attributes: Option<Set<String>>,
}

/// An index that shares the table's partition key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LocalIndex {
    /// Its name.
    #[schemars(length(min = 3, max = 255))]
    pub index_name: String,
    /// The table's partition key and a sort key of its own.
    pub key_schema: Vec<KeyElement>,
    /// What it holds.
    pub projection: Projection,
}

/// The table's stream of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StreamSpecification {
    /// What each record shows of the item.
    #[schemars(extend("enum" = ["KEYS_ONLY", "NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE"]))]
    pub stream_view_type: String,
}

/// When items expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TimeToLive {
    /// The attribute that holds the time, in seconds since 1970.
    pub attribute_name: Option<String>,
    /// Whether items expire.
    pub enabled: bool,
}

/// Continuous backups.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct PointInTimeRecovery {
    /// Whether the table can be restored as it was at any second.
    pub point_in_time_recovery_enabled: Option<bool>,
    /// Days back that it can be restored.
    #[schemars(range(min = 1, max = 35))]
    pub recovery_period_in_days: Option<i32>,
}

/// CloudWatch's record of the keys that are used most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ContributorInsights {
    /// Whether it is kept.
    pub enabled: bool,
    /// Whether accessed keys count too, or throttled ones only.
    #[schemars(extend("enum" = ["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"]))]
    pub mode: Option<String>,
}

impl ContributorInsights {
    /// No record is kept, which is how tables and indexes begin.
    pub(super) const OFF: Self = Self { enabled: false, mode: None };
}

/// A policy on the table itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ResourcePolicy {
    /// Who may do what with it.
    pub policy_document: Policy,
}

pub(super) fn sdk_keys(keys: &[KeyElement]) -> Result<Vec<sdk::KeySchemaElement>> {
    let element = |key: &KeyElement| {
        Ok(sdk::KeySchemaElement::builder()
            .attribute_name(&key.attribute_name)
            .key_type(sdk::KeyType::from(key.key_type.as_str()))
            .build()?)
    };
    keys.iter().map(element).collect()
}

pub(super) fn keys(live: &[sdk::KeySchemaElement]) -> Vec<KeyElement> {
    live.iter()
        .map(|key| KeyElement {
            attribute_name: key.attribute_name.clone(),
            key_type: key.key_type.as_str().to_owned(),
        })
        .collect()
}

pub(super) fn sdk_projection(projection: &Projection) -> sdk::Projection {
    sdk::Projection::builder()
        .set_projection_type(projection.projection_type.as_deref().map(sdk::ProjectionType::from))
        .set_non_key_attributes(projection.non_key_attributes.clone().map(|set| set.0))
        .build()
}

pub(super) fn projection(live: Option<&sdk::Projection>) -> Projection {
    let Some(live) = live else { return Projection::default() };
    Projection {
        projection_type: live.projection_type.as_ref().map(|kind| kind.as_str().to_owned()),
        non_key_attributes: live.non_key_attributes.clone().map(Set),
    }
}

pub(super) fn sdk_local_indexes(indexes: &[LocalIndex]) -> Result<Vec<sdk::LocalSecondaryIndex>> {
    let index = |index: &LocalIndex| {
        Ok(sdk::LocalSecondaryIndex::builder()
            .index_name(&index.index_name)
            .set_key_schema(Some(sdk_keys(&index.key_schema)?))
            .projection(sdk_projection(&index.projection))
            .build()?)
    };
    indexes.iter().map(index).collect()
}

pub(super) fn local_indexes(table: &sdk::TableDescription) -> Set<LocalIndex> {
    table
        .local_secondary_indexes()
        .iter()
        .map(|index| LocalIndex {
            index_name: index.index_name().unwrap_or_default().to_owned(),
            key_schema: keys(index.key_schema()),
            projection: projection(index.projection()),
        })
        .collect()
}

pub(super) fn sdk_attributes(
    definitions: &[AttributeDefinition],
) -> Result<Vec<sdk::AttributeDefinition>> {
    let attribute = |definition: &AttributeDefinition| {
        Ok(sdk::AttributeDefinition::builder()
            .attribute_name(&definition.attribute_name)
            .attribute_type(sdk::ScalarAttributeType::from(definition.attribute_type.as_str()))
            .build()?)
    };
    definitions.iter().map(attribute).collect()
}

/// Returns the attributes of keys that are in use: a definition may outlive
/// its index, and no desired list has it then.
pub(super) fn attributes(table: &sdk::TableDescription) -> Set<AttributeDefinition> {
    let local = table.local_secondary_indexes().iter().flat_map(|index| index.key_schema());
    let global = table.global_secondary_indexes().iter().flat_map(|index| index.key_schema());
    let used: BTreeSet<_> = table
        .key_schema()
        .iter()
        .chain(local)
        .chain(global)
        .map(|key| &key.attribute_name)
        .collect();
    table
        .attribute_definitions()
        .iter()
        .filter(|definition| used.contains(&definition.attribute_name))
        .map(|definition| AttributeDefinition {
            attribute_name: definition.attribute_name.clone(),
            attribute_type: definition.attribute_type.as_str().to_owned(),
        })
        .collect()
}

pub(super) fn sdk_stream(
    stream: Option<&StreamSpecification>,
) -> Result<Option<sdk::StreamSpecification>> {
    let Some(stream) = stream else { return Ok(None) };
    let view = sdk::StreamViewType::from(stream.stream_view_type.as_str());
    Ok(Some(
        sdk::StreamSpecification::builder().stream_enabled(true).stream_view_type(view).build()?,
    ))
}

pub(super) fn stream(table: &sdk::TableDescription) -> Option<StreamSpecification> {
    let live = table.stream_specification().filter(|stream| stream.stream_enabled)?;
    Some(StreamSpecification { stream_view_type: live.stream_view_type()?.as_str().to_owned() })
}

/// Returns how the table is billed; a table that never was on demand says
/// nothing about it.
pub(super) fn billing_mode(table: &sdk::TableDescription) -> sdk::BillingMode {
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    mode.cloned().unwrap_or(sdk::BillingMode::Provisioned)
}

/// Returns the class of the table; the standard one is not always said.
pub(super) fn table_class(table: &sdk::TableDescription) -> sdk::TableClass {
    let class = table.table_class_summary().and_then(|summary| summary.table_class());
    class.cloned().unwrap_or(sdk::TableClass::Standard)
}

/// Whether a KMS key of the account (or AWS's in it) encrypts the table.
pub(super) fn encrypted(table: &sdk::TableDescription) -> bool {
    table.sse_description().is_some_and(|sse| {
        matches!(
            sse.status(),
            Some(sdk::SseStatus::Enabled | sdk::SseStatus::Updating | sdk::SseStatus::Enabling)
        )
    })
}

/// Returns the ARN of the key that encrypts the table.
pub(super) fn key_arn(table: &sdk::TableDescription) -> Option<String> {
    table.sse_description()?.kms_master_key_arn().map(str::to_owned)
}

/// Returns a limit of request units; DynamoDB says −1 for none.
pub(super) fn limit(units: Option<i64>) -> Option<i64> {
    units.filter(|units| *units > 0)
}

/// Finds the faults that the properties of both kinds of table can have.
pub(super) fn check(desired: Desired<'_>) -> Vec<Fault> {
    let mut faults = check_attributes(desired);
    if let (Some(false), Some(_)) = (
        desired.get("TimeToLiveSpecification/Enabled").and_then(Value::as_bool),
        desired.get("TimeToLiveSpecification/AttributeName"),
    ) {
        faults.push(Fault::new(
            "TimeToLiveSpecification",
            "expiry that is off has no AttributeName: leave that out, or set Enabled to true",
        ));
    }
    faults
}

/// DynamoDB wants the attributes of all keys defined, and no others.
fn check_attributes(desired: Desired<'_>) -> Vec<Fault> {
    let indexes = ["LocalSecondaryIndexes", "GlobalSecondaryIndexes"];
    let known = |name: &str| !desired.0.get(name).is_some_and(crate::value::has_unknown);
    if !indexes.iter().chain(&["KeySchema", "AttributeDefinitions"]).all(|name| known(name)) {
        return Vec::new();
    }
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |item: &Value| item["AttributeName"].as_str().unwrap_or_default().to_owned();
    let mut used: BTreeSet<String> = list(desired.get("KeySchema")).iter().map(name).collect();
    for index in indexes.iter().flat_map(|indexes| list(desired.get(indexes))) {
        used.extend(list(index.get("KeySchema")).iter().map(name));
    }
    let defined: BTreeSet<String> =
        list(desired.get("AttributeDefinitions")).iter().map(name).collect();
    let missing = used
        .difference(&defined)
        .map(|name| format!("{name} is part of a key: define it with its type (B, N or S)"));
    let needless = defined.difference(&used).map(|name| {
        format!("{name} is not part of any key: remove it, other attributes need no definition")
    });
    missing.chain(needless).map(|text| Fault::new("AttributeDefinitions", text)).collect()
}
