//! `AWS::Events::Rule`: what events of a bus, or what moments, are sent where.

use super::events_rule_target::Target;
use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Json, Live, Meta, Place,
    Recorded, Resource, Result, Set, Tags,
};
use aws_sdk_eventbridge::types;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A rule. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-rule.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Rule {
    /// Its name, unique on the bus.
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<Fixed<String>>,
    /// The bus, by name or ARN; the account's default bus when unset.
    #[schemars(length(min = 1, max = 1600))]
    pub event_bus_name: Option<Fixed<String>>,
    /// What it is for.
    #[schemars(length(max = 512))]
    pub description: Option<String>,
    /// Which events it matches.
    pub event_pattern: Option<Json>,
    /// When it fires by itself: `rate(5 minutes)` or `cron(0 20 * * ? *)`.
    #[schemars(length(max = 256))]
    pub schedule_expression: Option<String>,
    /// Whether it works.
    #[schemars(extend("enum" = [
        "DISABLED", "ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
    ]))]
    pub state: Option<String>,
    /// The role for targets that have none of their own.
    #[schemars(length(min = 1, max = 1600))]
    pub role_arn: Option<String>,
    /// Where it sends to.
    #[schemars(length(min = 1, max = 100))]
    pub targets: Option<Set<Target>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EventBridge gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its name, without that of its bus.
    pub rule_name: Early<String>,
}

/// The bus that every account has in every region.
const DEFAULT_BUS: &str = "default";

/// How many targets EventBridge takes in one call.
const BATCH: usize = 10;

impl Resource for Rule {
    type Attributes = Attributes;

    // The identifier is what `Ref` returns, `name` or `bus|name`, and not the
    // ARN: it is as unique and says the two things that every call takes.
    const META: Meta =
        Meta::regional("AWS::Events::Rule").named("Name", 64).taggable().overwrites();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let bus = match desired.0.get("EventBusName") {
            None | Some(Value::Null) => DEFAULT_BUS,
            Some(_) => bus_name(desired.text("EventBusName")?),
        };
        Some(named(bus, desired.text("Name")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match Self::identity(desired, place) {
            Some(id) => json!(Attributes::of(&id, place)),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |property: &str| desired.0.get(property).is_some_and(|v| !v.is_null());
        let mut faults = Vec::new();
        if !is_set("EventPattern") && !is_set("ScheduleExpression") {
            faults.push(Fault::new("", "set EventPattern, ScheduleExpression or both"));
        }
        if let Some(schedule) = desired.text("ScheduleExpression") {
            if !is_schedule(schedule) {
                faults.push(Fault::new(
                    "ScheduleExpression",
                    "write rate(1 minute), rate(5 minutes), … or cron(0 20 * * ? *)",
                ));
            }
            if desired.text("EventBusName").is_some_and(|bus| bus_name(bus) != DEFAULT_BUS) {
                faults.push(Fault::new("EventBusName", "only the default bus has schedules"));
            }
        }
        if let Some(pattern) = desired.0.get("EventPattern").filter(|pattern| pattern.is_object()) {
            check_pattern(pattern, "EventPattern", &mut faults);
        }
        check_targets(desired, &mut faults);
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (bus, name) = bus_and_name(id);
        let attributes = Attributes::of(id, &cx.place);
        let rule = cx.events().describe_rule().name(name).event_bus_name(bus);
        let tags = cx.events().list_tags_for_resource().resource_arn(&attributes.arn.0);
        let answers = try_join!(
            cx.observe("events:DescribeRule", || rule.clone().send()),
            cx.observe("events:ListTagsForResource", || tags.clone().send()),
            targets(id, cx),
        );
        let Some((rule, tags, targets)) = answers.found()? else { return Ok(None) };
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let properties = Self {
            name: Some(Fixed(name.to_owned())),
            event_bus_name: Some(Fixed(bus.to_owned())),
            description: text(rule.description),
            event_pattern: text(rule.event_pattern).map(|text| Json::parse(&text)),
            schedule_expression: text(rule.schedule_expression),
            state: rule.state.map(|state| state.as_str().to_owned()),
            role_arn: text(rule.role_arn),
            targets: Some(targets.into_iter().map(Target::from).collect()),
            tags: Some(
                tags.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect(),
            ),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        self.refuse_distant_targets(cx)?;
        let id = named(self.bus(), self.name.as_deref().map_or("", String::as_str));
        match current {
            None => self.create(&id, cx).await,
            Some(live) => {
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = &recorded.id;
        let Some(targets) = targets(id, cx).await.found()? else { return Ok(()) };
        remove_targets(id, targets.into_iter().map(|target| target.id).collect(), cx).await?;
        let (bus, name) = bus_and_name(id);
        let request = cx.events().delete_rule().name(name).event_bus_name(bus);
        cx.mutate("events:DeleteRule", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Attributes {
    fn of(id: &Id, place: &Place) -> Self {
        let (bus, name) = bus_and_name(id);
        let resource = match bus {
            DEFAULT_BUS => format!("rule/{name}"),
            bus => format!("rule/{bus}/{name}"),
        };
        Self { arn: Early(place.arn("events", &resource)), rule_name: Early(name.to_owned()) }
    }
}

impl Rule {
    fn bus(&self) -> &str {
        self.event_bus_name.as_deref().map_or(DEFAULT_BUS, |bus| bus_name(bus))
    }

    fn wanted(&self) -> &[Target] {
        self.targets.as_ref().map_or(&[], |targets| &targets.0)
    }

    /// Refuses what EventBridge would: it crosses regions to buses only.
    fn refuse_distant_targets(&self, cx: &Cx) -> Result<()> {
        let distant = self.wanted().iter().find(|target| {
            let region = target.arn.split(':').nth(3).unwrap_or_default();
            !region.is_empty() && region != cx.region() && !target.arn.contains(":event-bus/")
        });
        let Some(target) = distant else { return Ok(()) };
        Err(Failure::refused(format!(
            "the target {} is in another region, where rules reach event buses only: send to \
             that region's bus, and from there by a rule on it",
            target.arn
        )))
    }

    async fn create(&self, id: &Id, cx: &Cx) -> Result<Attributes> {
        let tags = self.tags.as_ref().map(sdk_tags).transpose()?;
        self.put(id, tags, cx).await?;
        let attributes = Attributes::of(id, &cx.place);
        cx.created(id, json!(attributes)).await?;
        put_targets(id, self.wanted(), cx).await?;
        Ok(attributes)
    }

    /// Writes the rule as a whole: what the call leaves out is unset. Tags
    /// count for a new rule only.
    async fn put(&self, id: &Id, tags: Option<Vec<types::Tag>>, cx: &Cx) -> Result<()> {
        let (bus, name) = bus_and_name(id);
        let request = cx
            .events()
            .put_rule()
            .name(name)
            .event_bus_name(bus)
            .set_description(self.description.clone())
            .set_event_pattern(self.event_pattern.as_ref().map(Json::text))
            .set_schedule_expression(self.schedule_expression.clone())
            .set_state(self.state.as_deref().map(types::RuleState::from))
            .set_role_arn(self.role_arn.clone())
            .set_tags(tags);
        cx.mutate("events:PutRule", || request.clone().send()).await?;
        Ok(())
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let settings = ["Description", "EventPattern", "RoleArn", "ScheduleExpression", "State"];
        if changes.any(&settings) {
            self.put(&live.id, None, cx).await?;
        }
        if changes.has("Targets") {
            let is = live.properties.wanted();
            let left = is.iter().filter(|old| !self.wanted().iter().any(|new| new.id == old.id));
            let changed: Vec<_> =
                self.wanted().iter().filter(|new| !is.contains(new)).cloned().collect();
            // First the ones that left: a rule has few places.
            remove_targets(&live.id, left.map(|old| old.id.clone()).collect(), cx).await?;
            put_targets(&live.id, &changed, cx).await?;
        }
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let arn = &live.attributes.arn.0;
            let set = sdk_tags(&Tags(tags.set))?;
            let request = cx.events().tag_resource().resource_arn(arn).set_tags(Some(set));
            cx.mutate("events:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let arn = &live.attributes.arn.0;
            let request =
                cx.events().untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("events:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

/// Returns the name in a bus's name or ARN.
fn bus_name(bus: &str) -> &str {
    bus.split_once(":event-bus/").map_or(bus, |(_, name)| name)
}

fn named(bus: &str, name: &str) -> Id {
    if bus == DEFAULT_BUS { Id::from(name) } else { Id::join([bus, name]) }
}

fn bus_and_name(id: &Id) -> (&str, &str) {
    id.as_str().split_once('|').unwrap_or((DEFAULT_BUS, id.as_str()))
}

async fn targets(id: &Id, cx: &Cx) -> Result<Vec<types::Target>> {
    let (bus, name) = bus_and_name(id);
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let request =
            cx.events().list_targets_by_rule().rule(name).event_bus_name(bus).set_next_token(token);
        let page = cx.observe("events:ListTargetsByRule", || request.clone().send()).await?;
        found.extend(page.targets.unwrap_or_default());
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

async fn put_targets(id: &Id, targets: &[Target], cx: &Cx) -> Result<()> {
    let (bus, name) = bus_and_name(id);
    for batch in targets.chunks(BATCH) {
        let batch = batch.iter().map(types::Target::try_from).collect::<Result<_, _>>();
        let batch = batch.map_err(|error| Failure::refused(error.to_string()))?;
        let request =
            cx.events().put_targets().rule(name).event_bus_name(bus).set_targets(Some(batch));
        cx.mutate("events:PutTargets", || async {
            let answer = request.clone().send().await?;
            let failed = answer.failed_entries().iter();
            all_well(failed.map(|e| (e.target_id(), e.error_code(), e.error_message())))
        })
        .await?;
    }
    Ok(())
}

async fn remove_targets(id: &Id, targets: Vec<String>, cx: &Cx) -> Result<()> {
    let (bus, name) = bus_and_name(id);
    for batch in targets.chunks(BATCH) {
        let request = cx
            .events()
            .remove_targets()
            .rule(name)
            .event_bus_name(bus)
            .set_ids(Some(batch.to_vec()));
        cx.mutate("events:RemoveTargets", || async {
            let answer = request.clone().send().await?;
            let failed = answer.failed_entries().iter();
            all_well(failed.map(|e| (e.target_id(), e.error_code(), e.error_message())))
        })
        .await?;
    }
    Ok(())
}

type FailedEntry<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>);

/// Turns the first entry that an otherwise good answer lists as failed into a
/// failure, so that it is repeated like one.
fn all_well<'a>(mut failed: impl Iterator<Item = FailedEntry<'a>>) -> Result<()> {
    let Some((target, code, message)) = failed.next() else { return Ok(()) };
    let target = target.unwrap_or_default();
    let message = format!("target {target}: {}", message.unwrap_or_default());
    Err(Failure::of_entry(code.unwrap_or_default(), message))
}

fn sdk_tags(tags: &Tags) -> Result<Vec<types::Tag>> {
    tags.iter()
        .map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::refused(error.to_string()))
}

/// Whether a text is a schedule, as far as its form tells.
fn is_schedule(text: &str) -> bool {
    let inner = |kind: &str| text.strip_prefix(kind)?.strip_suffix(')');
    if let Some(fields) = inner("cron(") {
        return fields.split_whitespace().count() == 6;
    }
    let Some((count, unit)) = inner("rate(").and_then(|rate| rate.split_once(' ')) else {
        return false;
    };
    match count.parse::<u32>() {
        Ok(1) => matches!(unit, "minute" | "hour" | "day"),
        Ok(2..) => matches!(unit, "minutes" | "hours" | "days"),
        _ => false,
    }
}

/// A pattern's leaves are lists of what may match.
fn check_pattern(pattern: &Value, path: &str, faults: &mut Vec<Fault>) {
    for (name, value) in pattern.as_object().into_iter().flatten() {
        let path = format!("{path}/{name}");
        match value {
            value if crate::value::is_unknown(value) => {}
            Value::Object(_) => check_pattern(value, &path, faults),
            Value::Array(items) if !items.is_empty() => {}
            Value::Array(_) => faults.push(Fault::new(path, "an empty list matches nothing")),
            _ => faults.push(Fault::new(path, format!("a pattern has lists: write [{value}]"))),
        }
    }
}

fn check_targets(desired: Desired<'_>, faults: &mut Vec<Fault>) {
    let targets = desired.0.get("Targets").and_then(Value::as_array);
    let mut ids = BTreeSet::new();
    for (index, target) in targets.into_iter().flatten().enumerate() {
        let is_set = |property: &str| target.get(property).is_some_and(|v| !v.is_null());
        let mut fault = |property: &str, message: &str| {
            faults.push(Fault::new(format!("Targets/{index}/{property}"), message));
        };
        if target["Id"].as_str().is_some_and(|id| !ids.insert(id)) {
            fault("Id", "another target has this Id");
        }
        let inputs = ["Input", "InputPath", "InputTransformer"].map(is_set);
        if inputs.into_iter().filter(|set| *set).count() > 1 {
            fault("Input", "set one of Input, InputPath and InputTransformer");
        }
        let arn = target["Arn"].as_str().unwrap_or_default();
        let service = arn.split(':').nth(2).unwrap_or_default();
        if matches!(service, "batch" | "ecs" | "firehose" | "kinesis" | "states")
            && !is_set("RoleArn")
        {
            fault("RoleArn", "this target needs a role that EventBridge sends with");
        }
        if service == "sqs" && arn.ends_with(".fifo") && !is_set("SqsParameters") {
            fault("SqsParameters", "a FIFO queue needs a MessageGroupId");
        }
        let dead_letters = target["DeadLetterConfig"]["Arn"].as_str();
        if dead_letters.is_some_and(|arn| arn.ends_with(".fifo")) {
            fault("DeadLetterConfig/Arn", "it has to be a standard queue");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules() {
        for text in ["rate(1 minute)", "rate(5 minutes)", "cron(0 20 * * ? *)"] {
            assert!(is_schedule(text), "{text}");
        }
        for text in ["5 minutes", "rate(1 minutes)", "rate(5 minute)", "cron(0 20 * * *)"] {
            assert!(!is_schedule(text), "{text}");
        }
    }

    #[test]
    fn leaves_of_a_pattern_are_lists() {
        let mut faults = Vec::new();
        let pattern = json!({"source": "payments", "detail": {"a": [1], "b": []}});
        check_pattern(&pattern, "EventPattern", &mut faults);
        let found: Vec<_> = faults.iter().map(|fault| fault.property.as_str()).collect();
        assert_eq!(found, ["EventPattern/detail/b", "EventPattern/source"]);
    }
}
