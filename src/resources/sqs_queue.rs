//! `AWS::SQS::Queue`: a standard or FIFO queue.

use crate::resource::{
    Changes, Class, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Json, Live, Meta, Place,
    Poll, Recorded, Resource, Result, Tags,
};
use aws_sdk_sqs::types::QueueAttributeName;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// A queue. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sqs-queue.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Queue {
    /// Its name; a FIFO queue's ends in `.fifo`.
    #[schemars(length(min = 1, max = 80))]
    pub queue_name: Option<Fixed<String>>,
    /// Whether it delivers in order and once.
    pub fifo_queue: Option<Fixed<bool>>,
    /// FIFO: whether the body's hash is the deduplication id.
    pub content_based_deduplication: Option<bool>,
    /// FIFO: where duplicates are sought.
    #[schemars(extend("enum" = ["messageGroup", "queue"]))]
    pub deduplication_scope: Option<String>,
    /// FIFO: what the throughput quota applies to.
    #[schemars(extend("enum" = ["perQueue", "perMessageGroupId"]))]
    pub fifo_throughput_limit: Option<String>,
    /// Seconds before a new message can be received.
    #[schemars(range(min = 0, max = 900))]
    pub delay_seconds: Option<i32>,
    /// The longest message, in bytes.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub maximum_message_size: Option<i32>,
    /// Seconds that a message is kept.
    #[schemars(range(min = 60, max = 1_209_600))]
    pub message_retention_period: Option<i32>,
    /// Seconds that a receive waits for a message.
    #[schemars(range(min = 0, max = 20))]
    pub receive_message_wait_time_seconds: Option<i32>,
    /// Seconds that a received message stays hidden.
    #[schemars(range(min = 0, max = 43_200))]
    pub visibility_timeout: Option<i32>,
    /// The dead-letter queue and the number of receives that lead there.
    pub redrive_policy: Option<Json>,
    /// The queues that may use this one as their dead-letter queue.
    pub redrive_allow_policy: Option<Json>,
    /// The KMS key that encrypts messages: id, ARN or alias.
    pub kms_master_key_id: Option<String>,
    /// Seconds that a data key is reused.
    #[schemars(range(min = 60, max = 86_400))]
    pub kms_data_key_reuse_period_seconds: Option<i32>,
    /// Whether SQS encrypts messages with a key of its own.
    pub sqs_managed_sse_enabled: Option<bool>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What SQS gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its name.
    pub queue_name: Early<String>,
    /// The address that messages are sent to.
    pub queue_url: Early<String>,
}

/// A property, the SQS attribute that holds it, and what SQS documents as its
/// value when it is not set.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("ContentBasedDeduplication", "ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "DeduplicationScope", "queue"),
    ("DelaySeconds", "DelaySeconds", "0"),
    ("FifoThroughputLimit", "FifoThroughputLimit", "perQueue"),
    ("KmsDataKeyReusePeriodSeconds", "KmsDataKeyReusePeriodSeconds", "300"),
    ("KmsMasterKeyId", "KmsMasterKeyId", ""),
    ("MaximumMessageSize", "MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "ReceiveMessageWaitTimeSeconds", "0"),
    ("RedriveAllowPolicy", "RedriveAllowPolicy", ""),
    ("RedrivePolicy", "RedrivePolicy", ""),
    ("SqsManagedSseEnabled", "SqsManagedSseEnabled", "true"),
    ("VisibilityTimeout", "VisibilityTimeout", "30"),
];

/// The properties that only FIFO queues have.
const FIFO_ONLY: [&str; 3] =
    ["ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"];

impl Resource for Queue {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SQS::Queue")
        .named_ending("QueueName", 80, "FifoQueue", ".fifo")
        .taggable()
        .reference("QueueUrl")
        .overwrites()
        .holds_data();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("QueueName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("QueueName") {
            Some(name) => json!({"QueueName": name, "Arn": place.arn("sqs", name)}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |property: &str, message: &str| faults.push(Fault::new(property, message));
        let fifo = desired.get("FifoQueue") == Some(&Value::Bool(true));
        if desired.text("QueueName").is_some_and(|name| name.ends_with(".fifo") != fifo) {
            fault("QueueName", "a name ends in '.fifo' exactly when FifoQueue is true");
        }
        for property in FIFO_ONLY {
            if !fifo && desired.get(property).is_some() {
                fault(property, "only FIFO queues have it: set FifoQueue or leave it out");
            }
        }
        if desired.text("FifoThroughputLimit") == Some("perMessageGroupId")
            && desired.text("DeduplicationScope") != Some("messageGroup")
        {
            fault("FifoThroughputLimit", "it needs the DeduplicationScope messageGroup");
        }
        if desired.get("SqsManagedSseEnabled") == Some(&Value::Bool(true))
            && desired.0.get("KmsMasterKeyId").is_some_and(|key| !key.is_null())
        {
            fault("SqsManagedSseEnabled", "a queue has one encryption: leave this out");
        }
        let dead_letters = desired.text("RedrivePolicy/deadLetterTargetArn");
        if dead_letters.is_some_and(|arn| arn.ends_with(".fifo") != fifo) {
            fault(
                "RedrivePolicy",
                "a FIFO queue's dead letters go to a FIFO queue, others' do not",
            );
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(url) = url(id.as_str(), cx).await? else { return Ok(None) };
        let details = cx
            .sqs()
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::All);
        let tags = cx.sqs().list_queue_tags().queue_url(&url);
        let answers = try_join!(
            cx.observe("sqs:GetQueueAttributes", || details.clone().send()),
            cx.observe("sqs:ListQueueTags", || tags.clone().send()),
        );
        let Some((details, tags)) = answers.found()? else { return Ok(None) };
        let values: HashMap<String, String> = details
            .attributes
            .unwrap_or_default()
            .into_iter()
            .map(|(k, v)| (k.as_str().to_owned(), v))
            .collect();
        let mut properties = from_settings(&values);
        properties.queue_name = Some(Fixed(id.to_string()));
        properties.tags = Some(tags.tags.unwrap_or_default().into_iter().collect());
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(id.as_str(), url, cx) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => {
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let Some(url) = url(recorded.id.as_str(), cx).await? else { return Ok(()) };
        let request = cx.sqs().delete_queue().queue_url(url);
        cx.mutate("sqs:DeleteQueue", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Queue {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.queue_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let mut request = cx.sqs().create_queue().queue_name(&name);
        for (key, value) in self.settings() {
            request = request.attributes(QueueAttributeName::from(key.as_str()), value);
        }
        if self.fifo_queue.as_deref() == Some(&true) {
            request = request.attributes(QueueAttributeName::FifoQueue, "true");
        }
        for (key, value) in self.tags.iter().flat_map(Tags::pairs) {
            request = request.tags(key, value);
        }
        let answer = cx.mutate("sqs:CreateQueue", || request.clone().send()).await?;
        let attributes = attributes(&name, answer.queue_url.unwrap_or_default(), cx);
        let id = Id::from(name);
        cx.created(&id, json!(attributes)).await?;
        // SQS needs about a second until a new queue can be used.
        cx.wait(Duration::from_secs(60), || async {
            let found = url(id.as_str(), cx).await?;
            Ok(found
                .map_or_else(|| Poll::Pending("the queue is not known yet".into()), Poll::Ready))
        })
        .await?;
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let url = &live.attributes.queue_url.0;
        let desired = self.settings();
        let keyed = self.kms_master_key_id.is_some();
        let changed: HashMap<_, _> = SETTINGS
            .iter()
            .filter(|(property, ..)| match *property {
                // A queue has one encryption: a key turns SQS's own off, and
                // without one SQS's own is the default.
                "SqsManagedSseEnabled" if self.sqs_managed_sse_enabled.is_none() => {
                    !keyed && changes.any(&["KmsMasterKeyId", "SqsManagedSseEnabled"])
                }
                property => changes.has(property),
            })
            .map(|(_, attribute, default)| {
                let value =
                    desired.get(*attribute).cloned().unwrap_or_else(|| (*default).to_owned());
                (QueueAttributeName::from(*attribute), value)
            })
            .collect();
        if !changed.is_empty() {
            let request =
                cx.sqs().set_queue_attributes().queue_url(url).set_attributes(Some(changed));
            cx.mutate("sqs:SetQueueAttributes", || request.clone().send()).await?;
        }
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let map = tags.set.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let request = cx.sqs().tag_queue().queue_url(url).set_tags(Some(map));
            cx.mutate("sqs:TagQueue", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx.sqs().untag_queue().queue_url(url).set_tag_keys(Some(tags.remove));
            cx.mutate("sqs:UntagQueue", || request.clone().send()).await?;
        }
        Ok(())
    }

    /// Returns the set properties as SQS takes them: text under attribute
    /// names.
    fn settings(&self) -> HashMap<String, String> {
        let properties = json!(self);
        SETTINGS
            .iter()
            .filter_map(|(property, attribute, _)| {
                let text = match &properties[*property] {
                    Value::Null => return None,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(((*attribute).to_owned(), text))
            })
            .collect()
    }
}

fn from_settings(values: &HashMap<String, String>) -> Queue {
    let text = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
    let number = |name: &str| text(name)?.parse().ok();
    let flag = |name: &str| text(name)?.parse().ok();
    Queue {
        fifo_queue: flag("FifoQueue").map(Fixed),
        content_based_deduplication: flag("ContentBasedDeduplication"),
        deduplication_scope: text("DeduplicationScope"),
        fifo_throughput_limit: text("FifoThroughputLimit"),
        delay_seconds: number("DelaySeconds"),
        maximum_message_size: number("MaximumMessageSize"),
        message_retention_period: number("MessageRetentionPeriod"),
        receive_message_wait_time_seconds: number("ReceiveMessageWaitTimeSeconds"),
        visibility_timeout: number("VisibilityTimeout"),
        redrive_policy: text("RedrivePolicy").map(|text| Json::parse(&text)),
        redrive_allow_policy: text("RedriveAllowPolicy").map(|text| Json::parse(&text)),
        kms_master_key_id: text("KmsMasterKeyId"),
        kms_data_key_reuse_period_seconds: number("KmsDataKeyReusePeriodSeconds"),
        sqs_managed_sse_enabled: flag("SqsManagedSseEnabled"),
        ..Queue::default()
    }
}

fn attributes(name: &str, url: String, cx: &Cx) -> Attributes {
    Attributes {
        arn: Early(cx.place.arn("sqs", name)),
        queue_name: Early(name.to_owned()),
        queue_url: Early(url),
    }
}

async fn url(name: &str, cx: &Cx) -> Result<Option<String>> {
    let request = cx.sqs().get_queue_url().queue_name(name);
    match cx.observe("sqs:GetQueueUrl", || request.clone().send()).await {
        Ok(answer) => Ok(answer.queue_url),
        Err(failure) if failure.class == Class::Gone => Ok(None),
        Err(failure) => Err(failure),
    }
}
