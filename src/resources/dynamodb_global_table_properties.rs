//! Nested properties of `AWS::DynamoDB::GlobalTable`, and its rules.

use super::dynamodb::{self, KeyElement, Projection};
use super::dynamodb_replica::ReadLimit;
use super::dynamodb_steps::on_demand;
use crate::resource::{Desired, Fault, Result};
use aws_sdk_dynamodb::types::{GlobalSecondaryIndex, OnDemandThroughput};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A limit of writes on demand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct WriteLimit {
    /// Most writes in a second.
    #[schemars(range(min = 1))]
    pub max_write_request_units: Option<i64>,
}

/// An index with keys of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct GlobalIndex {
    /// Its name.
    #[schemars(length(min = 3, max = 255))]
    pub index_name: String,
    /// Its keys.
    #[schemars(length(min = 1))]
    pub key_schema: Vec<KeyElement>,
    /// What it holds.
    pub projection: Projection,
    /// The limit of reads where a replica sets none.
    pub read_on_demand_throughput_settings: Option<ReadLimit>,
    /// The limit of writes.
    pub write_on_demand_throughput_settings: Option<WriteLimit>,
}

/// Encryption at rest, in every region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Encryption {
    /// Whether keys of this account encrypt the table, not one of DynamoDB.
    #[serde(rename = "SSEEnabled")]
    pub sse_enabled: bool,
    /// `KMS`.
    #[serde(rename = "SSEType")]
    #[schemars(extend("enum" = ["KMS"]))]
    pub sse_type: Option<String>,
}

impl WriteLimit {
    /// Reads a limit, of which DynamoDB says −1 when there is none.
    pub(super) fn live(units: Option<&OnDemandThroughput>) -> Option<Self> {
        let max = dynamodb::limit(units?.max_write_request_units)?;
        Some(Self { max_write_request_units: Some(max) })
    }
}

impl GlobalIndex {
    /// Returns the index; `home_reads` is what the replica at home sets.
    pub(super) fn sdk(&self, home_reads: Option<i64>) -> Result<GlobalSecondaryIndex> {
        let reads = self.read_on_demand_throughput_settings.as_ref();
        let writes = self.write_on_demand_throughput_settings.as_ref();
        Ok(GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(dynamodb::sdk_keys(&self.key_schema)?))
            .projection(dynamodb::sdk_projection(&self.projection))
            .on_demand_throughput(on_demand(
                home_reads.or(reads.and_then(|limit| limit.max_read_request_units)),
                writes.and_then(|limit| limit.max_write_request_units),
            ))
            .build()?)
    }
}

pub(super) fn check_billing(desired: Desired<'_>) -> Vec<Fault> {
    let unknown = desired.0.get("BillingMode").is_some_and(crate::value::is_unknown);
    if unknown || desired.text("BillingMode") == Some("PAY_PER_REQUEST") {
        return Vec::new();
    }
    vec![Fault::new(
        "BillingMode",
        "write BillingMode: PAY_PER_REQUEST; a provisioned global table needs automatic scaling, which payctl does not support yet",
    )]
}

/// Checks the list of replicas, of which single values may not be known yet.
pub(super) fn check_replicas(desired: Desired<'_>) -> Vec<Fault> {
    let replicas = desired.0.get("Replicas").and_then(Value::as_array);
    let replicas = replicas.map_or(&[][..], Vec::as_slice);
    let mut faults = Vec::new();
    let mut fault = |message: &str| faults.push(Fault::new("Replicas", message));
    let mut regions: Vec<_> = replicas.iter().filter_map(|r| r["Region"].as_str()).collect();
    regions.sort_unstable();
    if regions.windows(2).any(|pair| pair[0] == pair[1]) {
        fault("a region has one replica: remove the second item");
    }
    let strong = desired.text("MultiRegionConsistency") == Some("STRONG");
    if strong && replicas.len() != 3 {
        fault("strong consistency takes exactly three replicas");
    }
    let view = desired.text("StreamSpecification/StreamViewType");
    if replicas.len() > 1 && !strong && view != Some("NEW_AND_OLD_IMAGES") {
        fault("replicas need StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}");
    }
    let keyed = replicas.iter().filter(|r| r.get("SSESpecification").is_some()).count();
    let kms = desired.text("SSESpecification/SSEType") == Some("KMS")
        && desired.get("SSESpecification/SSEEnabled") == Some(&Value::Bool(true));
    if keyed > 0 && !kms {
        fault(
            "keys of replicas need SSESpecification: {SSEEnabled: true, SSEType: KMS} on the table",
        );
    }
    if keyed > 0 && keyed < replicas.len() {
        fault(
            "either every replica has a key of its own or none: set SSESpecification in the others, too",
        );
    }
    let key =
        |replica: &Value| replica["SSESpecification"]["KMSMasterKeyId"].as_str().map(str::to_owned);
    if replicas.iter().filter_map(key).any(|key| !key.starts_with("arn:")) {
        fault(
            "write a key as its ARN (its Arn attribute): DynamoDB reports keys by ARN, so any other spelling would look changed for ever",
        );
    }
    faults
}
