//! `AWS::Events::EventBusPolicy`: one statement of an event bus's policy.

use crate::resource::{
    Changes, Cx, Desired, Failure, Fault, Fixed, Found as _, Id, Json, Live, Meta, Place, Policy,
    Recorded, Resource, Result, WriteOnly,
};
use aws_sdk_eventbridge::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A statement of a bus's policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-eventbuspolicy.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EventBusPolicy {
    /// The bus; the account's default bus when unset.
    #[schemars(length(min = 1, max = 256))]
    #[serde(default)]
    pub event_bus_name: Option<Fixed<String>>,
    /// The statement's name, unique on the bus.
    #[schemars(length(min = 1, max = 64))]
    pub statement_id: Fixed<String>,
    /// The statement, without `Sid`.
    #[serde(default)]
    pub statement: Option<Policy>,
    /// The older form: what is allowed.
    #[schemars(length(min = 1, max = 64), extend("enum" = ["events:PutEvents"]))]
    #[serde(default)]
    pub action: Option<WriteOnly<String>>,
    /// The older form: the account that may, or `*`.
    #[schemars(length(min = 1, max = 12))]
    #[serde(default)]
    pub principal: Option<WriteOnly<String>>,
    /// The older form: the organization that the account has to be in.
    #[serde(default)]
    pub condition: Option<WriteOnly<Condition>>,
}

/// A condition on who may put events.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Condition {
    /// The condition's key: `aws:PrincipalOrgID`.
    pub key: Option<String>,
    /// How it is compared.
    #[schemars(extend("enum" = ["StringEquals"]))]
    pub r#type: Option<String>,
    /// The organization's id.
    pub value: Option<String>,
}

/// EventBridge gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

/// The one action of the older form.
const PUT_EVENTS: &str = "events:PutEvents";

/// Most statements are put by writing the whole policy, so two at a time would
/// lose one.
static WRITING: Mutex<()> = Mutex::const_new(());

impl Resource for EventBusPolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Events::EventBusPolicy")
        .overwrites()
        // A rule in another place that sends to the bus is refused until the
        // bus lets it.
        .completes("EventBusName");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let bus = match desired.0.get("EventBusName") {
            None | Some(Value::Null) => "default",
            Some(_) => desired.text("EventBusName")?,
        };
        Some(Id::join([bus, desired.text("StatementId")?]))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |property: &str| desired.0.get(property).is_some_and(|v| !v.is_null());
        let statement = match &desired.0["Statement"] {
            Value::String(text) => Json::parse(text).0,
            statement => statement.clone(),
        };
        let older = ["Action", "Principal", "Condition"].into_iter().find(|name| is_set(name));
        match older {
            None if !is_set("Statement") => {
                vec![Fault::new("Statement", "say who may do what: write a Statement")]
            }
            Some(older) if is_set("Statement") => {
                vec![Fault::new(older, "a Statement says it all: leave this out")]
            }
            Some(_) if !is_set("Action") || !is_set("Principal") => {
                vec![Fault::new("", "Action and Principal go together; better write a Statement")]
            }
            None if !statement.is_object() => {
                vec![Fault::new("Statement", "write one statement: Effect, Principal, Action, …")]
            }
            None if statement.get("Sid").is_some() => {
                vec![Fault::new("Statement/Sid", "leave it out: it is the StatementId")]
            }
            _ => Vec::new(),
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [bus, statement_id] = id.parts::<2>();
        let Some(policy) = policy(bus, cx).await? else { return Ok(None) };
        let mut statements = statements(policy);
        let Some(index) = statements.iter().position(|one| one["Sid"] == statement_id) else {
            return Ok(None);
        };
        let mut statement = statements.swap_remove(index);
        if let Some(members) = statement.as_object_mut() {
            members.remove("Sid");
        }
        let properties = Self {
            event_bus_name: Some(Fixed(bus.to_owned())),
            statement_id: Fixed(statement_id.to_owned()),
            statement: Some(Policy(Json(statement))),
            ..Self::default()
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes {} }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() || !changes.is_empty() {
            let writing = WRITING.lock().await;
            self.put(cx).await?;
            drop(writing);
        }
        if current.is_none() {
            let id = Id::join([self.bus(), &self.statement_id.0]);
            cx.created(&id, json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [bus, statement_id] = recorded.id.parts::<2>();
        let request =
            cx.events().remove_permission().event_bus_name(bus).statement_id(statement_id);
        let writing = WRITING.lock().await;
        let answer = cx.mutate("events:RemovePermission", || request.clone().send()).await;
        drop(writing);
        answer.found()?;
        Ok(())
    }
}

impl EventBusPolicy {
    fn bus(&self) -> &str {
        self.event_bus_name.as_deref().map_or("default", String::as_str)
    }

    async fn put(&self, cx: &Cx) -> Result<()> {
        let request = cx.events().put_permission().event_bus_name(self.bus());
        let request = match &self.statement {
            None => request
                .statement_id(&self.statement_id.0)
                .set_action(self.action.as_deref().cloned())
                .set_principal(self.principal.as_deref().cloned())
                .set_condition(self.condition.as_deref().map(Condition::sdk).transpose()?),
            Some(statement) => match account(&statement.0.0, &self.bus_arn(cx)) {
                Some(account) => {
                    request.statement_id(&self.statement_id.0).action(PUT_EVENTS).principal(account)
                }
                None => request.policy(self.policy_with(statement, cx).await?),
            },
        };
        cx.mutate("events:PutPermission", || request.clone().send()).await?;
        Ok(())
    }

    fn bus_arn(&self, cx: &Cx) -> String {
        cx.place.arn("events", &format!("event-bus/{}", self.bus()))
    }

    /// Returns the bus's policy with this statement in place of the one of its
    /// name.
    async fn policy_with(&self, statement: &Policy, cx: &Cx) -> Result<String> {
        let mut kept = policy(self.bus(), cx).await?.map(statements).unwrap_or_default();
        kept.retain(|one| one["Sid"] != self.statement_id.as_str());
        let mut statement = statement.0.0.clone();
        if let Some(members) = statement.as_object_mut() {
            members.insert("Sid".to_owned(), json!(self.statement_id.0));
        }
        kept.push(statement);
        Ok(json!({"Version": "2012-10-17", "Statement": kept}).to_string())
    }
}

impl Condition {
    fn sdk(&self) -> Result<types::Condition> {
        types::Condition::builder()
            .set_type(self.r#type.clone())
            .set_key(self.key.clone())
            .set_value(self.value.clone())
            .build()
            .map_err(|error| Failure::refused(error.to_string()))
    }
}

/// Returns the account, or `*`, of a statement that lets it put events and
/// says no more: such a one can be put by itself, without writing the others.
fn account<'a>(statement: &'a Value, bus_arn: &str) -> Option<&'a str> {
    let is_plain = statement.as_object()?.len() == 4
        && statement["Effect"] == "Allow"
        && statement["Action"] == PUT_EVENTS
        && statement["Resource"] == bus_arn;
    match &statement["Principal"] {
        _ if !is_plain => None,
        Value::String(anyone) => (anyone == "*").then_some("*"),
        Value::Object(principals) if principals.len() == 1 => {
            let arn = principals.get("AWS")?.as_str()?.strip_suffix(":root")?;
            arn.rsplit(':').next()
        }
        _ => None,
    }
}

/// Returns the bus's policy, if it has one.
async fn policy(bus: &str, cx: &Cx) -> Result<Option<Value>> {
    let request = cx.events().describe_event_bus().name(bus);
    let answer = cx.observe("events:DescribeEventBus", || request.clone().send()).await.found()?;
    let text = answer.and_then(|answer| answer.policy).filter(|text| !text.is_empty());
    Ok(text.map(|text| Json::parse(&text).0))
}

fn statements(policy: Value) -> Vec<Value> {
    let Value::Object(mut members) = policy else { return Vec::new() };
    match members.remove("Statement") {
        None => Vec::new(),
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_put_by_itself() {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Action": "events:PutEvents",
            "Resource": "bus",
        });
        assert_eq!(account(&statement, "bus"), Some("000000000000"));
        assert_eq!(account(&statement, "another"), None);
        statement["Principal"] = json!({"Service": "events.amazonaws.com"});
        assert_eq!(account(&statement, "bus"), None);
        statement["Principal"] = json!("*");
        assert_eq!(account(&statement, "bus"), Some("*"));
        statement["Condition"] = json!({});
        assert_eq!(account(&statement, "bus"), None);
    }
}
