//! `AWS::SNS::Subscription`: an endpoint that receives what a topic gets. The
//! topic may be in another region than the node.

use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Json, Live, Meta, Recorded,
    Resource, Result, WriteOnly,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

/// A subscription. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-subscription.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Subscription {
    /// The topic.
    pub topic_arn: Fixed<String>,
    /// How the endpoint receives.
    #[schemars(extend("enum" = [
        "application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs",
    ]))]
    pub protocol: Fixed<String>,
    /// What receives: an ARN, an address, a number or a URL.
    pub endpoint: Option<Fixed<String>>,
    /// Which messages it receives; all when unset.
    pub filter_policy: Option<Json>,
    /// What the filter looks at.
    #[schemars(extend("enum" = ["MessageAttributes", "MessageBody"]))]
    pub filter_policy_scope: Option<String>,
    /// Whether it receives the bare message without SNS's envelope.
    pub raw_message_delivery: Option<bool>,
    /// The queue that takes what could not be delivered.
    pub redrive_policy: Option<Json>,
    /// How deliveries over HTTP are repeated.
    pub delivery_policy: Option<Json>,
    /// Firehose: the role that SNS delivers with.
    pub subscription_role_arn: Option<String>,
    /// The topic's region; its ARN says the same.
    pub region: Option<WriteOnly<String>>,
}

/// What SNS gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
}

/// The properties that are SNS attributes of the same name, and what takes
/// them back. SNS refuses an empty redrive policy and takes none.
const SETTINGS: &[(&str, Option<&str>)] = &[
    ("DeliveryPolicy", Some("")),
    ("FilterPolicyScope", Some("MessageAttributes")),
    ("FilterPolicy", Some("{}")),
    ("RawMessageDelivery", Some("false")),
    ("RedrivePolicy", None),
    ("SubscriptionRoleArn", Some("")),
];

impl Resource for Subscription {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SNS::Subscription")
        .overwrites()
        // It starts a replay, which is an act rather than a state.
        .unsupported(&["ReplayPolicy"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault =
            |property: &str, message: String| faults.push(Fault::new(property, message));
        if desired.0.get("Endpoint").is_none_or(Value::is_null) {
            fault("Endpoint", "say what receives the messages".to_owned());
        }
        let protocol = desired.text("Protocol").unwrap_or_default();
        for (property, protocols) in [
            ("DeliveryPolicy", &["http", "https"][..]),
            ("RawMessageDelivery", &["firehose", "http", "https", "sqs"]),
            ("SubscriptionRoleArn", &["firehose"]),
        ] {
            let is_set = desired.get(property).is_some_and(|value| *value != Value::Bool(false));
            if is_set && !protocol.is_empty() && !protocols.contains(&protocol) {
                fault(property, format!("only {} take it, not {protocol}", protocols.join(", ")));
            }
        }
        let role = desired.0.get("SubscriptionRoleArn");
        if protocol == "firehose" && role.is_none_or(Value::is_null) {
            fault("SubscriptionRoleArn", "firehose needs a role to deliver with".to_owned());
        }
        let filter = desired.0.get("FilterPolicy");
        if desired.get("FilterPolicyScope").is_some() && filter.is_none_or(Value::is_null) {
            fault("FilterPolicyScope", "it needs a FilterPolicy to apply to".to_owned());
        }
        if let Some(topic) = desired.text("TopicArn") {
            if topic.ends_with(".fifo") && !matches!(protocol, "" | "sqs") {
                fault("Protocol", format!("a FIFO topic delivers to sqs only, not {protocol}"));
            }
            if desired.text("Region").is_some_and(|region| region != region_of(topic)) {
                fault("Region", format!("the topic is in {}", region_of(topic)));
            }
        }
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let there = cx.in_region(region_of(&self.topic_arn));
        let mut token: Option<String> = None;
        loop {
            let request = there
                .sns()
                .list_subscriptions_by_topic()
                .topic_arn(&self.topic_arn.0)
                .set_next_token(token);
            let listed =
                there.observe("sns:ListSubscriptionsByTopic", || request.clone().send()).await;
            let Some(page) = listed.found()? else { return Ok(None) };
            let found = page.subscriptions().iter().find(|subscription| {
                subscription.protocol() == Some(&self.protocol.0)
                    && subscription.endpoint() == self.endpoint.as_deref().map(String::as_str)
            });
            if let Some(found) = found {
                // What nobody has confirmed is listed without its ARN, which
                // a repeated Subscribe tells.
                let arn = found.subscription_arn().filter(|arn| arn.starts_with("arn:"));
                return Ok(arn.map(Id::from));
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let there = cx.in_region(region_of(id.as_str()));
        let request = there.sns().get_subscription_attributes().subscription_arn(id.as_str());
        let answer =
            there.observe("sns:GetSubscriptionAttributes", || request.clone().send()).await;
        let Some(answer) = answer.found()? else { return Ok(None) };
        let properties = from_values(&answer.attributes.unwrap_or_default());
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes::of(id) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let there = cx.in_region(region_of(&self.topic_arn));
        match current {
            None => self.create(&there).await,
            Some(live) => {
                self.update(live, changes, &there).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let there = cx.in_region(region_of(recorded.id.as_str()));
        let request = there.sns().unsubscribe().subscription_arn(recorded.id.as_str());
        match there.mutate("sns:Unsubscribe", || request.clone().send()).await.found() {
            // SNS itself forgets what is never confirmed, and only that way.
            Err(failure) if failure.message.to_lowercase().contains("pending") => Ok(()),
            answer => answer.map(|_| ()),
        }
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { arn: Early(id.to_string()) }
    }
}

impl Subscription {
    async fn create(&self, there: &Cx) -> Result<Attributes> {
        let values = self.values();
        let request = there
            .sns()
            .subscribe()
            .topic_arn(&self.topic_arn.0)
            .protocol(&self.protocol.0)
            .set_endpoint(self.endpoint.as_deref().cloned())
            .set_attributes(Some(values).filter(|values| !values.is_empty()))
            .return_subscription_arn(true);
        let answer = there.mutate("sns:Subscribe", || request.clone().send()).await?;
        let arn = answer.subscription_arn.filter(|arn| arn.starts_with("arn:"));
        let Some(arn) = arn else {
            return Err(Failure::refused("SNS subscribed the endpoint and did not say the ARN"));
        };
        let id = Id::from(arn);
        let attributes = Attributes::of(&id);
        there.created(&id, json!(attributes)).await?;
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, there: &Cx) -> Result<()> {
        let desired = self.values();
        // Only a filter of bodies may nest: SNS holds each of the two calls
        // against what the other attribute is at that moment.
        let nests = self.filter_policy_scope.as_deref() == Some("MessageBody");
        let mut changed: Vec<_> = SETTINGS.iter().filter(|(name, _)| changes.has(name)).collect();
        if !nests {
            changed.reverse();
        }
        if self.filter_policy.is_none() {
            changed.retain(|(name, _)| *name != "FilterPolicyScope");
        }
        for (name, default) in changed {
            let value = desired.get(*name).map(String::as_str).or(*default);
            let request = there
                .sns()
                .set_subscription_attributes()
                .subscription_arn(live.id.as_str())
                .attribute_name(*name)
                .set_attribute_value(value.map(str::to_owned));
            there.mutate("sns:SetSubscriptionAttributes", || request.clone().send()).await?;
        }
        Ok(())
    }

    /// Returns the set properties as SNS takes them: text under attribute
    /// names.
    fn values(&self) -> HashMap<String, String> {
        let properties = json!(self);
        SETTINGS
            .iter()
            .filter_map(|(name, _)| {
                let text = match &properties[*name] {
                    Value::Null => return None,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(((*name).to_owned(), text))
            })
            .collect()
    }
}

fn from_values(values: &HashMap<String, String>) -> Subscription {
    let text = |name: &str| values.get(name).filter(|value| !value.is_empty()).cloned();
    let document = |name: &str| text(name).map(|text| Json::parse(&text));
    Subscription {
        topic_arn: Fixed(text("TopicArn").unwrap_or_default()),
        protocol: Fixed(text("Protocol").unwrap_or_default()),
        endpoint: text("Endpoint").map(Fixed),
        filter_policy: document("FilterPolicy"),
        filter_policy_scope: text("FilterPolicyScope"),
        raw_message_delivery: text("RawMessageDelivery").and_then(|flag| flag.parse().ok()),
        redrive_policy: document("RedrivePolicy"),
        delivery_policy: document("DeliveryPolicy"),
        subscription_role_arn: text("SubscriptionRoleArn"),
        region: None,
    }
}

/// Returns the region in an ARN. SNS takes a topic's calls there only.
fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}
