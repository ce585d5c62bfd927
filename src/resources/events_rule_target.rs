//! The targets of an `AWS::Events::Rule`.

use crate::resource::{Json, Tag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a rule sends events to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Target {
    /// Its name among the rule's targets.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// Its ARN. One in another region has to be an event bus.
    #[schemars(length(min = 1, max = 1600))]
    pub arn: String,
    /// The role that EventBridge sends with.
    #[schemars(length(min = 1, max = 1600))]
    pub role_arn: Option<String>,
    /// A constant that is sent instead of the event.
    pub input: Option<Json>,
    /// The part of the event that is sent: `$.detail`.
    #[schemars(length(max = 256))]
    pub input_path: Option<String>,
    /// A text, filled from the event, that is sent instead of it.
    pub input_transformer: Option<InputTransformer>,
    /// How long sending is tried.
    pub retry_policy: Option<RetryPolicy>,
    /// Where events go that could not be sent.
    pub dead_letter_config: Option<DeadLetterConfig>,
    /// For a FIFO queue.
    pub sqs_parameters: Option<SqsParameters>,
    /// For a Kinesis stream.
    pub kinesis_parameters: Option<KinesisParameters>,
    /// For a REST API or an API destination.
    pub http_parameters: Option<HttpParameters>,
    /// For a task of ECS.
    pub ecs_parameters: Option<EcsParameters>,
    /// For a job of Batch.
    pub batch_parameters: Option<BatchParameters>,
    /// For a GraphQL API of AppSync.
    pub app_sync_parameters: Option<AppSyncParameters>,
    /// For a Redshift cluster or workgroup.
    pub redshift_data_parameters: Option<RedshiftDataParameters>,
    /// For a command of Systems Manager.
    pub run_command_parameters: Option<RunCommandParameters>,
    /// For a pipeline of SageMaker.
    pub sage_maker_pipeline_parameters: Option<SageMakerPipelineParameters>,
}

/// A text, filled from the event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct InputTransformer {
    /// Names for parts of the event: `{id: $.detail.id}`.
    pub input_paths_map: Option<BTreeMap<String, String>>,
    /// The text, with the names in angle brackets.
    #[schemars(length(min = 1, max = 8192))]
    pub input_template: String,
}

/// How long sending is tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RetryPolicy {
    /// The age in seconds at which an event is given up.
    #[schemars(range(min = 60, max = 86_400))]
    pub maximum_event_age_in_seconds: Option<i32>,
    /// How often sending is tried again.
    #[schemars(range(min = 0, max = 185))]
    pub maximum_retry_attempts: Option<i32>,
}

/// Where events go that could not be sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeadLetterConfig {
    /// The ARN of a standard queue.
    #[schemars(length(min = 1, max = 1600))]
    pub arn: Option<String>,
}

/// For a FIFO queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SqsParameters {
    /// The message group of the events.
    pub message_group_id: String,
}

/// For a Kinesis stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct KinesisParameters {
    /// The part of the event that is the partition key.
    #[schemars(length(max = 256))]
    pub partition_key_path: String,
}

/// For a REST API or an API destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct HttpParameters {
    /// What stands for the wildcards of its path.
    pub path_parameter_values: Option<Vec<String>>,
    /// Headers to add.
    pub header_parameters: Option<BTreeMap<String, String>>,
    /// Query parameters to add.
    pub query_string_parameters: Option<BTreeMap<String, String>>,
}

/// For a task of ECS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EcsParameters {
    /// The task definition.
    #[schemars(length(min = 1, max = 1600))]
    pub task_definition_arn: String,
    /// How many tasks to start; 1 when unset.
    #[schemars(range(min = 1))]
    pub task_count: Option<i32>,
    /// Where they run.
    #[schemars(extend("enum" = ["EC2", "EXTERNAL", "FARGATE"]))]
    pub launch_type: Option<String>,
    /// The capacity providers to use instead of a launch type.
    #[schemars(length(max = 6))]
    pub capacity_provider_strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// Their network.
    pub network_configuration: Option<NetworkConfiguration>,
    /// Fargate's platform version.
    pub platform_version: Option<String>,
    /// The task group.
    pub group: Option<String>,
    /// Whether ECS adds tags of its own.
    #[serde(rename = "EnableECSManagedTags")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Whether commands can be run in the containers.
    pub enable_execute_command: Option<bool>,
    /// Whose tags the tasks get.
    #[schemars(extend("enum" = ["TASK_DEFINITION"]))]
    pub propagate_tags: Option<String>,
    /// A name for the tasks' starter.
    #[schemars(length(max = 1024))]
    pub reference_id: Option<String>,
    /// Which instances are allowed.
    #[schemars(length(max = 10))]
    pub placement_constraints: Option<Vec<PlacementConstraint>>,
    /// Which instances are preferred.
    pub placement_strategies: Option<Vec<PlacementStrategy>>,
    /// Tags of the tasks.
    pub tag_list: Option<Vec<Tag>>,
}

/// A capacity provider and its share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CapacityProviderStrategyItem {
    /// Its name.
    #[schemars(length(min = 1, max = 255))]
    pub capacity_provider: String,
    /// Its share of the tasks.
    #[schemars(range(min = 0, max = 1000))]
    pub weight: Option<i32>,
    /// How many tasks it runs before the shares count.
    #[schemars(range(min = 0, max = 100_000))]
    pub base: Option<i32>,
}

/// The network of tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NetworkConfiguration {
    /// For tasks with a network interface of their own.
    pub aws_vpc_configuration: Option<AwsVpcConfiguration>,
}

/// Where a network interface is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AwsVpcConfiguration {
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its security groups.
    pub security_groups: Option<Vec<String>>,
    /// Whether it gets a public address.
    #[schemars(extend("enum" = ["DISABLED", "ENABLED"]))]
    pub assign_public_ip: Option<String>,
}

/// Which instances are allowed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PlacementConstraint {
    /// The rule.
    #[schemars(extend("enum" = ["distinctInstance", "memberOf"]))]
    pub r#type: Option<String>,
    /// What instances `memberOf` means.
    #[schemars(length(max = 2000))]
    pub expression: Option<String>,
}

/// Which instances are preferred.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PlacementStrategy {
    /// `binpack`, `random` or `spread`.
    pub r#type: Option<String>,
    /// By what: `memory`, `instanceId`, …
    pub field: Option<String>,
}

/// For a job of Batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchParameters {
    /// The job definition.
    pub job_definition: String,
    /// The job's name.
    pub job_name: String,
    /// For an array of jobs.
    pub array_properties: Option<BatchArrayProperties>,
    /// What happens when the job fails.
    pub retry_strategy: Option<BatchRetryStrategy>,
}

/// An array of jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchArrayProperties {
    /// How many jobs.
    pub size: Option<i32>,
}

/// What happens when a job fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BatchRetryStrategy {
    /// How often it is tried.
    pub attempts: Option<i32>,
}

/// For a GraphQL API of AppSync.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AppSyncParameters {
    /// The operation to call.
    #[serde(rename = "GraphQLOperation")]
    pub graph_ql_operation: String,
}

/// For a Redshift cluster or workgroup.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RedshiftDataParameters {
    /// The database.
    #[schemars(length(min = 1, max = 64))]
    pub database: String,
    /// The database user.
    #[schemars(length(min = 1, max = 128))]
    pub db_user: Option<String>,
    /// The secret with the credentials: an ARN or a path into the event.
    #[schemars(length(min = 1, max = 1600))]
    pub secret_manager_arn: Option<String>,
    /// The statement to run.
    #[schemars(length(min = 1, max = 100_000))]
    pub sql: Option<String>,
    /// Statements to run as one transaction.
    pub sqls: Option<Vec<String>>,
    /// The statement's name.
    #[schemars(length(min = 1, max = 500))]
    pub statement_name: Option<String>,
    /// Whether an event tells that it has run.
    pub with_event: Option<bool>,
}

/// For a command of Systems Manager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RunCommandParameters {
    /// The instances that run it.
    #[schemars(length(min = 1, max = 5))]
    pub run_command_targets: Vec<RunCommandTarget>,
}

/// Instances by a tag or by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RunCommandTarget {
    /// `tag:KEY` or `InstanceIds`.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// The tag's values, or the ids.
    #[schemars(length(min = 1, max = 50))]
    pub values: Vec<String>,
}

/// For a pipeline of SageMaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SageMakerPipelineParameters {
    /// The pipeline's parameters.
    #[schemars(length(max = 200))]
    pub pipeline_parameter_list: Option<Vec<SageMakerPipelineParameter>>,
}

/// A parameter of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SageMakerPipelineParameter {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Its value.
    #[schemars(length(max = 1024))]
    pub value: String,
}
