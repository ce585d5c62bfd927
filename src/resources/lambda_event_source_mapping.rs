//! `AWS::Lambda::EventSourceMapping`: Lambda polls a queue or stream and
//! calls a function with what it finds.

use super::lambda::{or_empty, update_tags};
use super::lambda_event_source_mapping_properties::{
    DestinationConfig, FilterCriteria, MetricsConfig, ProvisionedPollerConfig, ScalingConfig,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Poll, Ready,
    Recorded, Resource, Result, Tags, WriteOnly,
};
use aws_sdk_lambda::operation::get_event_source_mapping::GetEventSourceMappingOutput;
use aws_sdk_lambda::primitives::DateTime;
use aws_sdk_lambda::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A mapping. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-eventsourcemapping.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EventSourceMapping {
    /// The most records that one call gets.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_size: Option<i32>,
    /// Streams: whether a failed batch is tried again in halves.
    pub bisect_batch_on_function_error: Option<bool>,
    /// Streams: where the description of discarded batches goes.
    pub destination_config: Option<DestinationConfig>,
    /// Whether Lambda polls.
    pub enabled: Option<bool>,
    /// The ARN of the queue, stream or stream consumer.
    #[schemars(length(min = 12, max = 1024))]
    pub event_source_arn: Option<Ready<Fixed<String>>>,
    /// Which events the function gets.
    pub filter_criteria: Option<FilterCriteria>,
    /// The function: its name or ARN, with a version or alias if wanted.
    /// Lambda returns it as an ARN, so it is compared with what was set.
    #[schemars(length(min = 1, max = 140))]
    pub function_name: Ready<WriteOnly<String>>,
    /// `ReportBatchItemFailures`: the function says which items failed.
    #[schemars(length(max = 1))]
    #[schemars(extend("items" = {"type": "string", "enum": ["ReportBatchItemFailures"]}))]
    pub function_response_types: Option<Vec<String>>,
    /// The KMS key that encrypts the filters.
    #[schemars(length(min = 12, max = 2048))]
    pub kms_key_arn: Option<String>,
    /// Seconds that Lambda gathers records for a batch.
    #[schemars(range(min = 0, max = 300))]
    pub maximum_batching_window_in_seconds: Option<i32>,
    /// Streams: the age in seconds at which a record is discarded; -1 is never.
    #[schemars(range(min = -1, max = 604_800))]
    pub maximum_record_age_in_seconds: Option<i32>,
    /// Streams: how often a failed batch is tried again; -1 is until it expires.
    #[schemars(range(min = -1, max = 10_000))]
    pub maximum_retry_attempts: Option<i32>,
    /// Additional metrics.
    pub metrics_config: Option<MetricsConfig>,
    /// Streams: batches of one shard that are processed at once.
    #[schemars(range(min = 1, max = 10))]
    pub parallelization_factor: Option<i32>,
    /// Pollers that are kept for this mapping.
    pub provisioned_poller_config: Option<ProvisionedPollerConfig>,
    /// Queues: how many calls may run at once.
    pub scaling_config: Option<ScalingConfig>,
    /// Streams: where to begin: `TRIM_HORIZON`, `LATEST` or, of Kinesis,
    /// `AT_TIMESTAMP`.
    #[schemars(length(min = 6, max = 12))]
    pub starting_position: Option<Fixed<String>>,
    /// `AT_TIMESTAMP`: the time, in seconds since 1970.
    pub starting_position_timestamp: Option<Fixed<f64>>,
    /// Its tags.
    pub tags: Option<Tags>,
    /// Streams: the length of a processing window, in seconds.
    #[schemars(range(min = 0, max = 900))]
    pub tumbling_window_in_seconds: Option<i32>,
}

/// What Lambda gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub event_source_mapping_arn: Early<String>,
    /// Its UUID.
    pub id: Early<String>,
}

/// What one UpdateEventSourceMapping changes.
const CHANGEABLE: &[&str] = &[
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "Enabled",
    "FilterCriteria",
    "FunctionName",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "MetricsConfig",
    "ParallelizationFactor",
    "ProvisionedPollerConfig",
    "ScalingConfig",
    "TumblingWindowInSeconds",
];

/// Lambda speaks of seconds to a minute; provisioned pollers take longer.
const SETTLES: Duration = Duration::from_secs(600);

impl Resource for EventSourceMapping {
    type Attributes = Attributes;

    const META: Meta =
        Meta::regional("AWS::Lambda::EventSourceMapping").taggable().takes(15).unsupported(&[
            "AmazonManagedKafkaEventSourceConfig",
            "DocumentDBEventSourceConfig",
            "LoggingConfig",
            "Queues",
            "SelfManagedEventSource",
            "SelfManagedKafkaEventSourceConfig",
            "SourceAccessConfigurations",
            "Topics",
        ]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let source = desired.text("EventSourceArn").and_then(|arn| arn.split(':').nth(2));
        let number = |path| desired.get(path).and_then(serde_json::Value::as_i64);
        let is_stream = matches!(source, Some("dynamodb" | "kinesis"));
        let mut faults = Vec::new();
        let mut fault = |property: &str, advice: &str| faults.push(Fault::new(property, advice));
        if desired.0.get("EventSourceArn").is_none() {
            fault("EventSourceArn", "name the queue or stream to poll");
        }
        if is_stream && desired.0.get("StartingPosition").is_none() {
            fault("StartingPosition", "a stream needs it: TRIM_HORIZON (oldest first) or LATEST");
        }
        if source == Some("sqs") {
            for property in
                ["StartingPosition", "BisectBatchOnFunctionError", "ParallelizationFactor"]
            {
                if desired.0.get(property).is_some() {
                    fault(property, "it is for streams; a queue does not take it");
                }
            }
            let waits = number("MaximumBatchingWindowInSeconds").unwrap_or(0) > 0;
            if number("BatchSize").is_some_and(|size| size > 10) && !waits {
                let advice = "set it to 1 or more: batches of more than 10 need it";
                fault("MaximumBatchingWindowInSeconds", advice);
            }
        }
        if is_stream && desired.0.get("ScalingConfig").is_some() {
            fault("ScalingConfig", "it is for queues; a stream has ParallelizationFactor");
        }
        faults
    }

    /// Lambda keeps one mapping of a source to a function.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx
            .lambda()
            .list_event_source_mappings()
            .function_name(self.function())
            .set_event_source_arn(self.source());
        let answer = cx
            .observe("lambda:ListEventSourceMappings", || request.clone().send())
            .await
            .found()?;
        let mappings = answer.and_then(|page| page.event_source_mappings).unwrap_or_default();
        let mut there = mappings.into_iter().filter(|one| one.state() != Some("Deleting"));
        Ok(there.find_map(|one| one.uuid).map(Id))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let attributes = attributes(id.as_str(), cx);
        let request = cx.lambda().list_tags().resource(&attributes.event_source_mapping_arn.0);
        let tags = cx.observe("lambda:ListTags", || request.clone().send());
        let Some((mapping, tags)) = futures::try_join!(get(id, cx), tags).found()? else {
            return Ok(None);
        };
        if mapping.state() == Some("Deleting") {
            return Ok(None);
        }
        let mut properties = Self::from(mapping);
        properties.tags = Some(tags.tags.unwrap_or_default().into_iter().collect());
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let id = match current {
            None => self.create(cx).await?,
            Some(live) => {
                self.update(live, changes, cx).await?;
                live.id.clone()
            }
        };
        self.settled(&id, cx).await?;
        Ok(attributes(id.as_str(), cx))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = &recorded.id;
        let request = cx.lambda().delete_event_source_mapping().uuid(id.as_str());
        let operation = "lambda:DeleteEventSourceMapping";
        if cx.mutate(operation, || request.clone().send()).await.found()?.is_none() {
            return Ok(());
        }
        // Until it is gone, the same source and function cannot be mapped.
        cx.wait(SETTLES, || async {
            match get(id, cx).await {
                Err(failure) if failure.class == Class::Gone => Ok(Poll::Ready(())),
                Err(failure) => Err(failure),
                Ok(_) => Ok(Poll::Pending("the mapping is being deleted".to_owned())),
            }
        })
        .await
    }
}

impl EventSourceMapping {
    fn function(&self) -> &str {
        &self.function_name
    }

    fn source(&self) -> Option<String> {
        self.event_source_arn.as_ref().map(|arn| arn.0.0.clone())
    }

    /// The service whose queue or stream it is.
    fn is_queue(&self) -> bool {
        self.source().is_some_and(|arn| arn.split(':').nth(2) == Some("sqs"))
    }

    fn responses(&self) -> Vec<types::FunctionResponseType> {
        self.function_response_types.iter().flatten().map(|name| name.as_str().into()).collect()
    }

    async fn create(&self, cx: &Cx) -> Result<Id> {
        let position = self.starting_position.as_ref().map(|position| position.as_str().into());
        let timestamp = self.starting_position_timestamp.as_deref();
        let request = cx
            .lambda()
            .create_event_source_mapping()
            .set_batch_size(self.batch_size)
            .set_bisect_batch_on_function_error(self.bisect_batch_on_function_error)
            .set_destination_config(self.destination_config.as_ref().map(Into::into))
            .set_enabled(self.enabled)
            .set_event_source_arn(self.source())
            .set_filter_criteria(self.filter_criteria.as_ref().map(Into::into))
            .function_name(self.function())
            .set_function_response_types(
                self.function_response_types.as_ref().map(|_| self.responses()),
            )
            .set_kms_key_arn(self.kms_key_arn.clone())
            .set_maximum_batching_window_in_seconds(self.maximum_batching_window_in_seconds)
            .set_maximum_record_age_in_seconds(self.maximum_record_age_in_seconds)
            .set_maximum_retry_attempts(self.maximum_retry_attempts)
            .set_metrics_config(self.metrics_config.as_ref().map(Into::into))
            .set_parallelization_factor(self.parallelization_factor)
            .set_provisioned_poller_config(self.provisioned_poller_config.as_ref().map(Into::into))
            .set_scaling_config(self.scaling_config.as_ref().map(Into::into))
            .set_starting_position(position)
            .set_starting_position_timestamp(timestamp.map(|at| DateTime::from_secs_f64(*at)))
            .set_tags(self.tags.as_ref().map(|tags| tags.pairs().collect()))
            .set_tumbling_window_in_seconds(self.tumbling_window_in_seconds);
        let answer =
            cx.create("lambda:CreateEventSourceMapping", || request.clone().send()).await?;
        let id = Id(answer.uuid.unwrap_or_default());
        cx.created(&id, json!(attributes(id.as_str(), cx))).await?;
        Ok(id)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        if changes.any(CHANGEABLE) {
            self.update_settings(&live.id, changes, cx).await?;
        }
        let arn = &live.attributes.event_source_mapping_arn;
        update_tags(arn, self.tags.as_ref(), changes, cx).await
    }

    async fn update_settings(&self, id: &Id, changes: &Changes, cx: &Cx) -> Result<()> {
        let has = |property| changes.has(property);
        let number = |property, value: Option<i32>, default| {
            has(property).then_some(value.unwrap_or(default))
        };
        let batch = if self.is_queue() { 10 } else { 100 };
        let window = self.maximum_batching_window_in_seconds;
        let age = self.maximum_record_age_in_seconds;
        let attempts = self.maximum_retry_attempts;
        let request = cx
            .lambda()
            .update_event_source_mapping()
            .uuid(id.as_str())
            .set_batch_size(number("BatchSize", self.batch_size, batch))
            .set_bisect_batch_on_function_error(
                has("BisectBatchOnFunctionError")
                    .then_some(self.bisect_batch_on_function_error.unwrap_or(false)),
            )
            .set_destination_config(
                has("DestinationConfig").then(|| or_empty(&self.destination_config)),
            )
            .set_enabled(has("Enabled").then_some(self.enabled.unwrap_or(true)))
            .set_filter_criteria(has("FilterCriteria").then(|| or_empty(&self.filter_criteria)))
            .set_function_name(has("FunctionName").then(|| self.function().to_owned()))
            .set_function_response_types(has("FunctionResponseTypes").then(|| self.responses()))
            .set_kms_key_arn(has("KmsKeyArn").then(|| self.kms_key_arn.clone().unwrap_or_default()))
            .set_maximum_batching_window_in_seconds(number(
                "MaximumBatchingWindowInSeconds",
                window,
                0,
            ))
            .set_maximum_record_age_in_seconds(number("MaximumRecordAgeInSeconds", age, -1))
            .set_maximum_retry_attempts(number("MaximumRetryAttempts", attempts, -1))
            .set_metrics_config(has("MetricsConfig").then(|| or_empty(&self.metrics_config)))
            .set_parallelization_factor(number(
                "ParallelizationFactor",
                self.parallelization_factor,
                1,
            ))
            .set_provisioned_poller_config(
                has("ProvisionedPollerConfig").then(|| or_empty(&self.provisioned_poller_config)),
            )
            .set_scaling_config(has("ScalingConfig").then(|| or_empty(&self.scaling_config)))
            .set_tumbling_window_in_seconds(number(
                "TumblingWindowInSeconds",
                self.tumbling_window_in_seconds,
                0,
            ));
        cx.mutate("lambda:UpdateEventSourceMapping", || request.clone().send()).await?;
        Ok(())
    }

    /// Waits until the mapping polls, or rests if that is desired.
    async fn settled(&self, id: &Id, cx: &Cx) -> Result<()> {
        let wanted = if self.enabled == Some(false) { "Disabled" } else { "Enabled" };
        cx.wait(SETTLES, || async {
            let now = get(id, cx).await?;
            let state = now.state().unwrap_or_default();
            if state == wanted {
                return Ok(Poll::Ready(()));
            }
            let reason = now.state_transition_reason().unwrap_or_default();
            Ok(Poll::Pending(format!("the mapping is {state}: {reason}")))
        })
        .await
    }
}

fn attributes(uuid: &str, cx: &Cx) -> Attributes {
    let resource = format!("event-source-mapping:{uuid}");
    Attributes {
        event_source_mapping_arn: Early(cx.place.arn("lambda", &resource)),
        id: Early(uuid.to_owned()),
    }
}

async fn get(id: &Id, cx: &Cx) -> Result<GetEventSourceMappingOutput> {
    let request = cx.lambda().get_event_source_mapping().uuid(id.as_str());
    cx.observe("lambda:GetEventSourceMapping", || request.clone().send()).await
}
