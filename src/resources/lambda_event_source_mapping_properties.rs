//! The nested properties of `AWS::Lambda::EventSourceMapping`, and how the SDK
//! spells them.

use super::lambda_event_source_mapping::EventSourceMapping;
use crate::resource::{Fixed, Json, Ready, Set, WriteOnly};
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the description of discarded batches goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct DestinationConfig {
    /// For batches that failed for good.
    pub on_failure: Option<OnFailure>,
}

impl From<&DestinationConfig> for types::DestinationConfig {
    fn from(from: &DestinationConfig) -> Self {
        // An empty destination takes the one away that was set.
        let set = from.on_failure.as_ref().and_then(|failure| failure.destination.clone());
        let failure = types::OnFailure::builder().destination(set.unwrap_or_default()).build();
        Self::builder().on_failure(failure).build()
    }
}

/// For batches that failed for good.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct OnFailure {
    /// The ARN of a queue, topic or bucket.
    #[schemars(length(min = 12, max = 1024))]
    pub destination: Option<String>,
}

/// Which events the function gets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct FilterCriteria {
    /// It gets what one of these matches.
    #[schemars(length(min = 1, max = 20))]
    pub filters: Option<Vec<Filter>>,
}

impl From<&FilterCriteria> for types::FilterCriteria {
    fn from(from: &FilterCriteria) -> Self {
        let filter = |filter: &Filter| {
            let pattern = filter.pattern.as_ref().map(Json::text);
            types::Filter::builder().set_pattern(pattern).build()
        };
        let filters = from.filters.as_ref().map(|list| list.iter().map(filter).collect());
        Self::builder().set_filters(filters).build()
    }
}

/// One pattern of events.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Filter {
    /// The pattern, as YAML or JSON text.
    pub pattern: Option<Json>,
}

/// Additional metrics.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct MetricsConfig {
    /// Their groups.
    #[schemars(length(max = 3))]
    #[schemars(extend(
        "items" = {"type": "string", "enum": ["EventCount", "ErrorCount", "KafkaMetrics"]}
    ))]
    pub metrics: Option<Set<String>>,
}

impl From<&MetricsConfig> for types::EventSourceMappingMetricsConfig {
    fn from(from: &MetricsConfig) -> Self {
        let names = from.metrics.as_deref().into_iter().flatten();
        let metrics = names.map(|name| name.as_str().into()).collect();
        Self::builder().set_metrics(Some(metrics)).build()
    }
}

/// Pollers that are kept for this mapping.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct ProvisionedPollerConfig {
    /// The most that there may be.
    #[schemars(range(min = 1, max = 10_000))]
    pub maximum_pollers: Option<i32>,
    /// How many are always there.
    #[schemars(range(min = 1, max = 200))]
    pub minimum_pollers: Option<i32>,
    /// Kafka: the group of mappings that share pollers.
    #[schemars(length(max = 128))]
    pub poller_group_name: Option<String>,
}

impl From<&ProvisionedPollerConfig> for types::ProvisionedPollerConfig {
    fn from(from: &ProvisionedPollerConfig) -> Self {
        Self::builder()
            .set_maximum_pollers(from.maximum_pollers)
            .set_minimum_pollers(from.minimum_pollers)
            .set_poller_group_name(from.poller_group_name.clone())
            .build()
    }
}

/// Queues: how many calls may run at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct ScalingConfig {
    /// The number of calls; no more than the function's reserved concurrency.
    #[schemars(range(min = 2, max = 1000))]
    pub maximum_concurrency: Option<i32>,
}

impl From<&ScalingConfig> for types::ScalingConfig {
    fn from(from: &ScalingConfig) -> Self {
        Self::builder().set_maximum_concurrency(from.maximum_concurrency).build()
    }
}

impl From<GetEventSourceMappingOutput> for EventSourceMapping {
    fn from(from: GetEventSourceMappingOutput) -> Self {
        let enabled = !matches!(from.state(), Some("Disabled" | "Disabling"));
        let at = from.starting_position_timestamp().map(DateTime::as_secs_f64);
        let failure = from.destination_config().and_then(|config| config.on_failure());
        let filters = from.filter_criteria().map(|criteria| criteria.filters());
        let metrics = from.metrics_config().map(|config| config.metrics());
        let pollers = from.provisioned_poller_config();
        Self {
            batch_size: from.batch_size,
            bisect_batch_on_function_error: from.bisect_batch_on_function_error,
            destination_config: Some(DestinationConfig {
                on_failure: failure
                    .map(|failure| OnFailure { destination: failure.destination.clone() }),
            }),
            enabled: Some(enabled),
            event_source_arn: from.event_source_arn.clone().map(|arn| Ready(Fixed(arn))),
            filter_criteria: filters.map(|filters| FilterCriteria {
                filters: Some(filters.iter().map(Into::into).collect()),
            }),
            function_name: Ready(WriteOnly(from.function_arn.clone().unwrap_or_default())),
            function_response_types: Some(
                from.function_response_types().iter().map(|t| t.as_str().to_owned()).collect(),
            ),
            kms_key_arn: from.kms_key_arn.clone(),
            maximum_batching_window_in_seconds: from.maximum_batching_window_in_seconds,
            maximum_record_age_in_seconds: from.maximum_record_age_in_seconds,
            maximum_retry_attempts: from.maximum_retry_attempts,
            metrics_config: metrics.map(|metrics| MetricsConfig {
                metrics: Some(metrics.iter().map(|m| m.as_str().to_owned()).collect()),
            }),
            parallelization_factor: from.parallelization_factor,
            provisioned_poller_config: pollers.map(|pollers| ProvisionedPollerConfig {
                maximum_pollers: pollers.maximum_pollers,
                minimum_pollers: pollers.minimum_pollers,
                poller_group_name: pollers.poller_group_name.clone(),
            }),
            scaling_config: from
                .scaling_config()
                .map(|scaling| ScalingConfig { maximum_concurrency: scaling.maximum_concurrency }),
            starting_position: from.starting_position().map(|p| Fixed(p.as_str().to_owned())),
            starting_position_timestamp: at.map(Fixed),
            tags: None,
            tumbling_window_in_seconds: from.tumbling_window_in_seconds,
        }
    }
}

impl From<&types::Filter> for Filter {
    fn from(from: &types::Filter) -> Self {
        Self { pattern: from.pattern().map(Json::parse) }
    }
}
