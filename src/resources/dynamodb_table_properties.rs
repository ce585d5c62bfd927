//! Nested properties of `AWS::DynamoDB::Table`.

use super::dynamodb::{self, ContributorInsights, KeyElement, Projection};
use super::dynamodb_steps::{on_demand, set_limits};
use crate::resource::Result;
use aws_sdk_dynamodb::types::{
    self as sdk, GlobalSecondaryIndex, OnDemandThroughput, SseSpecification, SseType,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Capacity of a table or an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Throughput {
    /// Strongly consistent reads of 4 KB in a second.
    #[schemars(range(min = 0))]
    pub read_capacity_units: i64,
    /// Writes of 1 KB in a second.
    #[schemars(range(min = 0))]
    pub write_capacity_units: i64,
}

/// Limits of a table or an index on demand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Limits {
    /// Most reads in a second.
    #[schemars(range(min = 1))]
    pub max_read_request_units: Option<i64>,
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
    /// The capacity of a provisioned index.
    pub provisioned_throughput: Option<Throughput>,
    /// The limits of an index on demand.
    pub on_demand_throughput: Option<Limits>,
    /// CloudWatch's record of the keys that are used most.
    pub contributor_insights_specification: Option<ContributorInsights>,
}

/// Encryption at rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Encryption {
    /// Whether a key of this account encrypts the table, not one of DynamoDB.
    #[serde(rename = "SSEEnabled")]
    pub sse_enabled: bool,
    /// `KMS`.
    #[serde(rename = "SSEType")]
    #[schemars(extend("enum" = ["KMS"]))]
    pub sse_type: Option<String>,
    /// The ARN of the key; AWS's `alias/aws/dynamodb` when unset.
    #[serde(rename = "KMSMasterKeyId")]
    pub kms_master_key_id: Option<String>,
}

impl Throughput {
    pub(super) fn sdk(&self) -> Result<sdk::ProvisionedThroughput> {
        Ok(sdk::ProvisionedThroughput::builder()
            .read_capacity_units(self.read_capacity_units)
            .write_capacity_units(self.write_capacity_units)
            .build()?)
    }

    /// Reads the capacity of a provisioned table; one on demand has zeros.
    pub(super) fn live(units: Option<&sdk::ProvisionedThroughputDescription>) -> Option<Self> {
        Some(Self {
            read_capacity_units: units?.read_capacity_units().filter(|units| *units > 0)?,
            write_capacity_units: units?.write_capacity_units()?,
        })
    }
}

impl Limits {
    pub(super) fn sdk(limits: Option<&Self>) -> OnDemandThroughput {
        on_demand(
            limits.and_then(|limits| limits.max_read_request_units),
            limits.and_then(|limits| limits.max_write_request_units),
        )
    }

    pub(super) fn live(units: Option<&OnDemandThroughput>) -> Option<Self> {
        let units = set_limits(units?)?;
        Some(Self {
            max_read_request_units: units.max_read_request_units,
            max_write_request_units: units.max_write_request_units,
        })
    }
}

impl GlobalIndex {
    pub(super) fn sdk(&self, on_demand: bool) -> Result<GlobalSecondaryIndex> {
        let limits = on_demand.then(|| Limits::sdk(self.on_demand_throughput.as_ref()));
        let provisioned = self.provisioned_throughput.as_ref().map(Throughput::sdk).transpose()?;
        Ok(GlobalSecondaryIndex::builder()
            .index_name(&self.index_name)
            .set_key_schema(Some(dynamodb::sdk_keys(&self.key_schema)?))
            .projection(dynamodb::sdk_projection(&self.projection))
            .set_provisioned_throughput(provisioned)
            .set_on_demand_throughput(limits)
            .build()?)
    }
}

impl Encryption {
    pub(super) fn sdk(&self) -> SseSpecification {
        let kind = self.sse_type.as_deref().or(self.kms_master_key_id.as_ref().map(|_| "KMS"));
        SseSpecification::builder()
            .enabled(self.sse_enabled)
            .set_sse_type(kind.filter(|_| self.sse_enabled).map(SseType::from))
            .set_kms_master_key_id(self.kms_master_key_id.clone())
            .build()
    }
}
