//! `AWS::SQS::QueuePolicy`: the access policy of one or more queues.

use crate::resource::{
    Changes, Cx, Desired, Found as _, Id, Live, Meta, Place, Policy, Recorded, Resource, Result,
    Set, Volatile,
};
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A queue policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-sqs-queuepolicy.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct QueuePolicy {
    /// Who may do what with the queues.
    pub policy_document: Policy,
    /// The URLs of the queues.
    #[schemars(length(min = 1))]
    pub queues: Set<String>,
}

/// What payctl gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its identifier: the queues' URLs.
    pub id: Volatile<String>,
}

impl Resource for QueuePolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SQS::QueuePolicy").overwrites();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let queues = desired.get("Queues")?.as_array()?;
        Some(named(queues.iter().filter_map(Value::as_str)))
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let id = self.id();
        Ok(Self::read(&id, cx).await?.map(|_| id))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let policies = try_join_all(id.as_str().split('|').map(|queue| policy(queue, cx))).await?;
        let mut found = policies.into_iter().flatten();
        let Some((first, policy_document)) = found.next() else { return Ok(None) };
        // A queue that has another policy has left this one.
        let others = found.filter(|(_, policy)| *policy == policy_document);
        let queues = std::iter::once(first).chain(others.map(|(queue, _)| queue)).collect();
        let properties = Self { policy_document, queues };
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
                let mut queues = self.queues.iter();
                if let Some(queue) = queues.next() {
                    put(queue, &document, cx).await?;
                }
                cx.created(&id, json!(attributes)).await?;
                try_join_all(queues.map(|queue| put(queue, &document, cx))).await?;
            }
            Some(live) => {
                try_join_all(self.queues.iter().map(|queue| put(queue, &document, cx))).await?;
                let before = live.id.as_str().split('|');
                let left = before.filter(|queue| !self.queues.iter().any(|kept| kept == queue));
                try_join_all(left.map(|queue| remove(queue, cx))).await?;
                // Only now: the old name is what leads to the queues that left.
                if live.id != id {
                    cx.created(&id, json!(attributes)).await?;
                }
            }
        }
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        try_join_all(recorded.id.as_str().split('|').map(|queue| remove(queue, cx))).await?;
        Ok(())
    }
}

impl QueuePolicy {
    fn id(&self) -> Id {
        named(self.queues.iter().map(String::as_str))
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { id: Volatile(id.to_string()) }
    }
}

/// Returns the identifier of a policy on these queues: reading it takes no
/// more than that.
fn named<'a>(queues: impl Iterator<Item = &'a str>) -> Id {
    let mut queues: Vec<_> = queues.collect();
    queues.sort_unstable();
    Id::join(queues)
}

/// Returns a queue and its policy, if it has one.
async fn policy(queue: &str, cx: &Cx) -> Result<Option<(String, Policy)>> {
    let request = cx
        .sqs()
        .get_queue_attributes()
        .queue_url(queue)
        .attribute_names(QueueAttributeName::Policy);
    let answer = cx.observe("sqs:GetQueueAttributes", || request.clone().send()).await;
    let Some(answer) = answer.found()? else { return Ok(None) };
    let text = answer.attributes.as_ref().and_then(|all| all.get(&QueueAttributeName::Policy));
    let policy = text.filter(|text| !text.is_empty()).map(|text| Policy::parse(text));
    Ok(policy.map(|policy| (queue.to_owned(), policy)))
}

async fn put(queue: &str, document: &str, cx: &Cx) -> Result<()> {
    let request = cx
        .sqs()
        .set_queue_attributes()
        .queue_url(queue)
        .attributes(QueueAttributeName::Policy, document);
    cx.mutate("sqs:SetQueueAttributes", || request.clone().send()).await?;
    Ok(())
}

async fn remove(queue: &str, cx: &Cx) -> Result<()> {
    put(queue, "", cx).await.found()?;
    Ok(())
}
