//! `AWS::SNS::Topic`: a standard or FIFO topic.

use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Json, Live, Meta,
    Place, Recorded, Resource, Result, Set, Tags, WriteOnly,
};
use aws_sdk_sns::types::Tag;
use futures::future::try_join_all;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// A topic. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-topic.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Topic {
    /// Its name; a FIFO topic's ends in `.fifo`.
    #[schemars(length(min = 1, max = 256))]
    pub topic_name: Option<Fixed<String>>,
    /// Whether it delivers in order and once.
    pub fifo_topic: Option<Fixed<bool>>,
    /// The sender's name in e-mail and SMS.
    pub display_name: Option<String>,
    /// The KMS key that encrypts messages: id, ARN or alias.
    pub kms_master_key_id: Option<String>,
    /// Whether X-Ray records messages (`Active`) or only passes traces on.
    #[schemars(extend("enum" = ["Active", "PassThrough"]))]
    pub tracing_config: Option<String>,
    /// The hash that signs messages: 1 is SHA-1, 2 is SHA-256.
    #[schemars(extend("enum" = ["1", "2"]))]
    pub signature_version: Option<String>,
    /// The longest message, in bytes. Above 262144, only queues, functions and
    /// delivery streams may subscribe, and no more than 100 of them.
    #[schemars(range(min = 1024, max = 1_048_576))]
    pub maximum_message_size: Option<i32>,
    /// FIFO: whether the body's hash is the deduplication id.
    pub content_based_deduplication: Option<bool>,
    /// FIFO: where duplicates are sought.
    #[schemars(extend("enum" = ["MessageGroup", "Topic"]))]
    pub fifo_throughput_scope: Option<String>,
    /// FIFO: how long messages are kept for replay.
    pub archive_policy: Option<Json>,
    /// Which deliveries are written to CloudWatch Logs, for each protocol.
    pub delivery_status_logging: Option<Set<LoggingConfig>>,
    /// Subscriptions that live and die with the topic. Further ones may be
    /// resources of their own, so what else subscribes is not compared.
    pub subscription: Option<WriteOnly<Set<Subscription>>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// The logging of deliveries over one protocol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LoggingConfig {
    /// The protocol.
    #[schemars(extend("enum" = ["http/s", "sqs", "lambda", "firehose", "application"]))]
    pub protocol: String,
    /// The role that SNS logs successes with.
    pub success_feedback_role_arn: Option<String>,
    /// The percentage of successes that are logged, 0 to 100.
    pub success_feedback_sample_rate: Option<String>,
    /// The role that SNS logs failures with.
    pub failure_feedback_role_arn: Option<String>,
}

/// A subscription of the topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Subscription {
    /// What receives: an ARN, an address or a URL.
    pub endpoint: String,
    /// How it receives: `sqs`, `lambda`, `email`, …
    pub protocol: String,
}

/// What SNS gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub topic_arn: Early<String>,
    /// Its name.
    pub topic_name: Early<String>,
}

/// The properties that are SNS attributes of the same name, and what SNS
/// documents as their value when they are not set.
const SETTINGS: &[(&str, &str)] = &[
    ("ArchivePolicy", "{}"),
    ("ContentBasedDeduplication", "false"),
    ("DisplayName", ""),
    ("FifoThroughputScope", "Topic"),
    ("KmsMasterKeyId", ""),
    ("MaximumMessageSize", "262144"),
    ("SignatureVersion", "1"),
    ("TracingConfig", "PassThrough"),
];

/// The protocols whose deliveries can be logged, and what their attributes
/// begin with.
const LOGGED: &[(&str, &str)] = &[
    ("application", "Application"),
    ("firehose", "Firehose"),
    ("http/s", "HTTP"),
    ("lambda", "Lambda"),
    ("sqs", "SQS"),
];

/// What the names of a protocol's logging attributes end in, and their value
/// when nothing is logged.
const FEEDBACK: [(&str, &str); 3] = [
    ("SuccessFeedbackRoleArn", ""),
    ("SuccessFeedbackSampleRate", "0"),
    ("FailureFeedbackRoleArn", ""),
];

impl Resource for Topic {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SNS::Topic")
        .named_ending("TopicName", 256, "FifoTopic", ".fifo")
        .taggable()
        .overwrites()
        // Closed to new customers by AWS in 2026.
        .unsupported(&["DataProtectionPolicy"]);

    fn identity(desired: Desired<'_>, place: &Place) -> Option<Id> {
        Some(Id::from(place.arn("sns", desired.text("TopicName")?)))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("TopicName") {
            Some(name) => json!({"TopicName": name, "TopicArn": place.arn("sns", name)}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let fifo = desired.get("FifoTopic") == Some(&Value::Bool(true));
        if desired.text("TopicName").is_some_and(|name| name.ends_with(".fifo") != fifo) {
            faults.push(Fault::new(
                "TopicName",
                "a name ends in '.fifo' exactly when FifoTopic is true",
            ));
        }
        for property in ["ArchivePolicy", "ContentBasedDeduplication", "FifoThroughputScope"] {
            if !fifo && desired.get(property).is_some() {
                faults.push(Fault::new(
                    property,
                    "only FIFO topics have it: set FifoTopic or leave it out",
                ));
            }
        }
        if fifo && desired.text("TracingConfig") == Some("Active") {
            faults.push(Fault::new("TracingConfig", "FIFO topics only pass traces through"));
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let details = cx.sns().get_topic_attributes().topic_arn(id.as_str());
        let tags = cx.sns().list_tags_for_resource().resource_arn(id.as_str());
        let answers = try_join!(
            cx.observe("sns:GetTopicAttributes", || details.clone().send()),
            cx.observe("sns:ListTagsForResource", || tags.clone().send()),
        );
        let Some((details, tags)) = answers.found()? else { return Ok(None) };
        let attributes = Attributes::of(id.as_str());
        let mut properties = from_values(&details.attributes.unwrap_or_default());
        properties.topic_name = Some(Fixed(attributes.topic_name.0.clone()));
        properties.tags =
            Some(tags.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect());
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
            Some(live) => {
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let arn = recorded.id.as_str();
        let request = cx.sns().delete_topic().topic_arn(arn);
        let answer = cx.mutate("sns:DeleteTopic", || request.clone().send()).await;
        // A topic that still archives cannot be deleted.
        if answer.as_ref().is_err_and(|f| f.is_code(&["InvalidState", "InvalidStateException"])) {
            set(arn, "ArchivePolicy", "{}", cx).await?;
            cx.mutate("sns:DeleteTopic", || request.clone().send()).await.found()?;
            return Ok(());
        }
        answer.found()?;
        Ok(())
    }
}

impl Attributes {
    fn of(arn: &str) -> Self {
        let name = arn.rsplit(':').next().unwrap_or_default();
        Self { topic_arn: Early(arn.to_owned()), topic_name: Early(name.to_owned()) }
    }
}

impl Topic {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.topic_name.as_deref().cloned().unwrap_or_default();
        let mut values = self.values();
        if self.fifo_topic.as_deref() == Some(&true) {
            values.insert("FifoTopic".to_owned(), "true".to_owned());
        }
        let request = cx
            .sns()
            .create_topic()
            .name(name)
            .set_attributes(
                Some(values.into_iter().collect()).filter(|v: &HashMap<_, _>| !v.is_empty()),
            )
            .set_tags(self.tags.as_ref().map(sdk_tags).transpose()?);
        let answer = cx.mutate("sns:CreateTopic", || request.clone().send()).await?;
        let attributes = Attributes::of(answer.topic_arn().unwrap_or_default());
        cx.created(&Id::from(attributes.topic_arn.0.clone()), json!(attributes)).await?;
        self.subscribe(&attributes.topic_arn, cx).await?;
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let arn = live.id.as_str();
        let desired = self.values();
        let mut resets: BTreeMap<String, &str> = SETTINGS
            .iter()
            .filter(|(property, _)| changes.has(property))
            .map(|(property, default)| ((*property).to_owned(), *default))
            .collect();
        if changes.has("DeliveryStatusLogging") {
            let logged_now = live.properties.values();
            let names = feedback_names();
            resets.extend(names.filter(|(name, _)| desired.get(name) != logged_now.get(name)));
        }
        // SNS takes one attribute a call.
        for (name, default) in resets {
            let value = desired.get(&name).map_or(default, String::as_str);
            set(arn, &name, value, cx).await?;
        }
        if changes.has("Subscription") {
            self.unsubscribe(arn, changes, cx).await?;
            self.subscribe(arn, cx).await?;
        }
        self.update_tags(arn, changes, cx).await
    }

    async fn update_tags(&self, arn: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = sdk_tags(&Tags(tags.set))?;
            let request = cx.sns().tag_resource().resource_arn(arn).set_tags(Some(set));
            cx.mutate("sns:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request =
                cx.sns().untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("sns:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }

    /// Subscribes what the topic lists; what is subscribed already stays.
    async fn subscribe(&self, arn: &str, cx: &Cx) -> Result<()> {
        let calls = self.subscriptions().iter().map(|subscription| async move {
            let request = cx
                .sns()
                .subscribe()
                .topic_arn(arn)
                .protocol(&subscription.protocol)
                .endpoint(&subscription.endpoint);
            cx.mutate("sns:Subscribe", || request.clone().send()).await
        });
        try_join_all(calls).await?;
        Ok(())
    }

    /// Unsubscribes what the topic listed before and lists no more.
    async fn unsubscribe(&self, arn: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let gone: Vec<_> = listed_before(changes)
            .into_iter()
            .filter(|subscription| !self.subscriptions().contains(subscription))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut token = None;
        loop {
            let request =
                cx.sns().list_subscriptions_by_topic().topic_arn(arn).set_next_token(token);
            let page =
                cx.observe("sns:ListSubscriptionsByTopic", || request.clone().send()).await?;
            for subscription in page.subscriptions() {
                let arn = subscription.subscription_arn().unwrap_or_default();
                let is_gone = gone.iter().any(|gone| {
                    subscription.protocol() == Some(&gone.protocol)
                        && subscription.endpoint() == Some(&gone.endpoint)
                });
                // What nobody has confirmed has no ARN; SNS forgets it.
                if is_gone && arn.starts_with("arn:") {
                    let request = cx.sns().unsubscribe().subscription_arn(arn);
                    cx.mutate("sns:Unsubscribe", || request.clone().send()).await.found()?;
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    fn subscriptions(&self) -> &[Subscription] {
        self.subscription.as_ref().map_or(&[], |subscriptions| &subscriptions.0.0)
    }

    /// Returns the set properties as SNS takes them: text under attribute
    /// names.
    fn values(&self) -> BTreeMap<String, String> {
        let properties = json!(self);
        let settings = SETTINGS.iter().filter_map(|(name, _)| {
            let text = match &properties[*name] {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some(((*name).to_owned(), text))
        });
        let logging = self.delivery_status_logging.iter().flat_map(|configs| &configs.0);
        settings.chain(logging.flat_map(LoggingConfig::values)).collect()
    }
}

impl LoggingConfig {
    fn values(&self) -> impl Iterator<Item = (String, String)> {
        let prefix = LOGGED.iter().find(|(protocol, _)| *protocol == self.protocol);
        let prefix = prefix.map_or("", |(_, prefix)| *prefix);
        let values = [
            &self.success_feedback_role_arn,
            &self.success_feedback_sample_rate,
            &self.failure_feedback_role_arn,
        ];
        FEEDBACK.iter().zip(values).filter_map(move |((suffix, _), value)| {
            Some((format!("{prefix}{suffix}"), value.clone()?))
        })
    }
}

fn feedback_names() -> impl Iterator<Item = (String, &'static str)> {
    LOGGED.iter().flat_map(|(_, prefix)| {
        FEEDBACK.iter().map(move |(suffix, default)| (format!("{prefix}{suffix}"), *default))
    })
}

/// Returns the subscriptions that the changes take from the list.
fn listed_before(changes: &Changes) -> Vec<Subscription> {
    let before = changes.0.iter().filter(|change| change.property() == "Subscription");
    before
        .flat_map(|change| match &change.before {
            Value::Array(items) => items.clone(),
            item => vec![item.clone()],
        })
        .filter_map(|item| serde_json::from_value(item).ok())
        .collect()
}

async fn set(arn: &str, name: &str, value: &str, cx: &Cx) -> Result<()> {
    let request =
        cx.sns().set_topic_attributes().topic_arn(arn).attribute_name(name).attribute_value(value);
    cx.mutate("sns:SetTopicAttributes", || request.clone().send()).await?;
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>> {
    tags.iter()
        .map(|tag| Tag::builder().key(&tag.key).value(&tag.value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::local(Class::Terminal, error.to_string()))
}

fn from_values(values: &HashMap<String, String>) -> Topic {
    let text = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
    let flag = |name: &str| text(name)?.parse().ok();
    let logging = LOGGED.iter().filter_map(|(protocol, prefix)| {
        let [success, rate, failure] =
            FEEDBACK.map(|(suffix, _)| text(&format!("{prefix}{suffix}")));
        // A rate without a role logs nothing.
        (success.is_some() || failure.is_some()).then(|| LoggingConfig {
            protocol: (*protocol).to_owned(),
            success_feedback_role_arn: success,
            success_feedback_sample_rate: rate,
            failure_feedback_role_arn: failure,
        })
    });
    Topic {
        fifo_topic: flag("FifoTopic").map(Fixed),
        display_name: text("DisplayName"),
        kms_master_key_id: text("KmsMasterKeyId"),
        tracing_config: text("TracingConfig"),
        signature_version: text("SignatureVersion"),
        maximum_message_size: text("MaximumMessageSize").and_then(|size| size.parse().ok()),
        content_based_deduplication: flag("ContentBasedDeduplication"),
        fifo_throughput_scope: text("FifoThroughputScope"),
        archive_policy: text("ArchivePolicy").map(|text| Json::parse(&text)),
        delivery_status_logging: Some(logging.collect()),
        ..Topic::default()
    }
}
