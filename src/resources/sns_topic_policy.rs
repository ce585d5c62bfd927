//! `AWS::SNS::TopicPolicy`: the access policy of one or more topics.

use crate::resource::{
    Changes, Cx, Desired, Found as _, Id, Live, Meta, Place, Policy, Recorded, Resource, Result,
    Set, Volatile,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A topic policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sns-topicpolicy.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TopicPolicy {
    /// Who may do what with the topics.
    pub policy_document: Policy,
    /// The ARNs of the topics.
    #[schemars(length(min = 1))]
    pub topics: Set<String>,
}

/// What payctl gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its identifier: the topics' ARNs.
    pub id: Volatile<String>,
}

impl Resource for TopicPolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SNS::TopicPolicy").overwrites();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let topics = desired.get("Topics")?.as_array()?;
        Some(named(topics.iter().filter_map(Value::as_str)))
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let id = self.id();
        Ok(Self::read(&id, cx).await?.map(|_| id))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let policies = try_join_all(id.as_str().split('|').map(|topic| policy(topic, cx))).await?;
        let mut found = policies.into_iter().flatten();
        let Some((first, policy_document)) = found.next() else { return Ok(None) };
        // A topic that has another policy has left this one.
        let others = found.filter(|(_, policy)| *policy == policy_document);
        let topics = std::iter::once(first).chain(others.map(|(topic, _)| topic)).collect();
        let properties = Self { policy_document, topics };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes::of(id) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        _changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let id = self.id();
        let attributes = Attributes::of(&id);
        let document = self.policy_document.text();
        match current {
            None => {
                let mut topics = self.topics.iter();
                if let Some(topic) = topics.next() {
                    put(topic, &document, cx).await?;
                }
                cx.created(&id, json!(attributes)).await?;
                try_join_all(topics.map(|topic| put(topic, &document, cx))).await?;
            }
            Some(live) => {
                try_join_all(self.topics.iter().map(|topic| put(topic, &document, cx))).await?;
                let before = live.id.as_str().split('|');
                let left = before.filter(|topic| !self.topics.iter().any(|kept| kept == topic));
                try_join_all(left.map(|topic| reset(topic, cx))).await?;
                // Only now: the old name is what leads to the topics that left.
                if live.id != id {
                    cx.created(&id, json!(attributes)).await?;
                }
            }
        }
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        try_join_all(recorded.id.as_str().split('|').map(|topic| reset(topic, cx))).await?;
        Ok(())
    }
}

impl TopicPolicy {
    fn id(&self) -> Id {
        named(self.topics.iter().map(String::as_str))
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { id: Volatile(id.to_string()) }
    }
}

/// Returns the identifier of a policy on these topics: reading it takes no
/// more than that.
fn named<'a>(topics: impl Iterator<Item = &'a str>) -> Id {
    let mut topics: Vec<_> = topics.collect();
    topics.sort_unstable();
    Id::join(topics)
}

/// Returns a topic and its policy, unless that is the one SNS gave it.
async fn policy(topic: &str, cx: &Cx) -> Result<Option<(String, Policy)>> {
    let request = cx.sns().get_topic_attributes().topic_arn(topic);
    let answer = cx.observe("sns:GetTopicAttributes", || request.clone().send()).await;
    let Some(answer) = answer.found()? else { return Ok(None) };
    let text = answer.attributes.as_ref().and_then(|values| values.get("Policy"));
    let policy = text.map(|text| Policy::parse(text)).filter(|policy| !is_default(policy));
    Ok(policy.map(|policy| (topic.to_owned(), policy)))
}

async fn put(topic: &str, document: &str, cx: &Cx) -> Result<()> {
    let request = cx
        .sns()
        .set_topic_attributes()
        .topic_arn(topic)
        .attribute_name("Policy")
        .attribute_value(document);
    cx.mutate("sns:SetTopicAttributes", || request.clone().send()).await?;
    Ok(())
}

/// Gives a topic back the policy that SNS makes it with: none can be empty.
async fn reset(topic: &str, cx: &Cx) -> Result<()> {
    put(topic, &default_policy(topic).to_string(), cx).await.found()?;
    Ok(())
}

fn default_policy(topic: &str) -> Value {
    let account = topic.split(':').nth(4).unwrap_or_default();
    let actions = [
        "GetTopicAttributes",
        "SetTopicAttributes",
        "AddPermission",
        "RemovePermission",
        "DeleteTopic",
        "Subscribe",
        "ListSubscriptionsByTopic",
        "Publish",
    ];
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": actions.map(|action| format!("SNS:{action}")),
            "Resource": topic,
            "Condition": {"StringEquals": {"AWS:SourceOwner": account}},
        }],
    })
}

/// Whether a policy is SNS's own. People start from it, so its id alone does
/// not tell.
fn is_default(policy: &Policy) -> bool {
    let document = &policy.0.0;
    let statements = document["Statement"].as_array().map_or(&[][..], Vec::as_slice);
    let [statement] = statements else { return false };
    document["Id"] == "__default_policy_ID"
        && statement["Sid"] == "__default_statement_ID"
        && statement["Effect"] == "Allow"
        && statement["Principal"] == json!({"AWS": "*"})
        && statement["Condition"]["StringEquals"]
            .as_object()
            .is_some_and(|condition| condition.keys().eq(["AWS:SourceOwner"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_that_sns_gives_is_none() {
        let mut document = default_policy("arn:aws:sns:us-east-1:000000000000:topic");
        assert!(is_default(&Policy::parse(&document.to_string())));
        document["Statement"][0]["Principal"] = json!({"Service": "events.amazonaws.com"});
        assert!(!is_default(&Policy::parse(&document.to_string())));
    }
}
