//! The nested properties of `AWS::StepFunctions::StateMachine`, and how the SDK
//! spells them.

use super::stepfunctions_state_machine::StateMachine;
use crate::resource::{Fixed, Json, Set};
use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the workflow's data is encrypted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EncryptionConfiguration {
    /// Seconds that a data key is reused.
    #[schemars(range(min = 60, max = 900))]
    pub kms_data_key_reuse_period_seconds: Option<i32>,
    /// The KMS key: ARN, id or alias.
    #[schemars(length(min = 1, max = 2048))]
    pub kms_key_id: Option<String>,
    /// Whose key it is.
    #[schemars(extend("enum" = ["CUSTOMER_MANAGED_KMS_KEY", "AWS_OWNED_KEY"]))]
    pub r#type: String,
}

/// What the workflow logs, and where.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LoggingConfiguration {
    /// Where to; AWS takes one.
    #[schemars(length(min = 1))]
    pub destinations: Option<Set<LogDestination>>,
    /// Whether inputs and outputs are logged too.
    pub include_execution_data: Option<bool>,
    /// Which events are logged.
    #[schemars(extend("enum" = ["ALL", "ERROR", "FATAL", "OFF"]))]
    pub level: Option<String>,
}

/// Where a workflow logs to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LogDestination {
    /// A log group.
    pub cloud_watch_logs_log_group: Option<LogGroup>,
}

/// A log group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LogGroup {
    /// Its ARN, with `:*` at the end.
    #[schemars(length(min = 1, max = 256))]
    pub log_group_arn: Option<String>,
}

/// Whether X-Ray traces the workflow.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct TracingConfiguration {
    /// Whether it does.
    pub enabled: Option<bool>,
}

impl From<&DescribeStateMachineOutput> for StateMachine {
    fn from(from: &DescribeStateMachineOutput) -> Self {
        Self {
            definition: None,
            definition_string: Some(Json::parse(&from.definition)),
            definition_substitutions: None,
            encryption_configuration: from.encryption_configuration().map(|set| {
                EncryptionConfiguration {
                    kms_data_key_reuse_period_seconds: set.kms_data_key_reuse_period_seconds,
                    kms_key_id: set.kms_key_id.clone(),
                    r#type: set.r#type.as_str().to_owned(),
                }
            }),
            logging_configuration: from.logging_configuration().map(|set| LoggingConfiguration {
                destinations: Some(set.destinations().iter().map(Into::into).collect()),
                include_execution_data: Some(set.include_execution_data),
                level: set.level().map(|level| level.as_str().to_owned()),
            }),
            role_arn: from.role_arn.clone(),
            state_machine_name: Some(Fixed(from.name.clone())),
            state_machine_type: Some(Fixed(from.r#type.as_str().to_owned())),
            tags: None,
            tracing_configuration: from
                .tracing_configuration()
                .map(|set| TracingConfiguration { enabled: Some(set.enabled) }),
        }
    }
}

impl From<&LogDestination> for types::LogDestination {
    fn from(from: &LogDestination) -> Self {
        let group = from.cloud_watch_logs_log_group.as_ref().map(|group| {
            let arn = group.log_group_arn.clone();
            types::CloudWatchLogsLogGroup::builder().set_log_group_arn(arn).build()
        });
        Self::builder().set_cloud_watch_logs_log_group(group).build()
    }
}

impl From<&types::LogDestination> for LogDestination {
    fn from(from: &types::LogDestination) -> Self {
        let group = from.cloud_watch_logs_log_group();
        Self {
            cloud_watch_logs_log_group: group
                .map(|group| LogGroup { log_group_arn: group.log_group_arn.clone() }),
        }
    }
}
