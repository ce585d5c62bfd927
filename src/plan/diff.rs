//! The differences between desired and live properties.
//!
//! - Desired differs from live: a change.
//! - Unset now, set last time: back to AWS's documented default.
//! - Never set: AWS's own, neither compared nor shown.
//! - Tags and the members of objects merge by key.
//! - What AWS does not return is compared with what was applied last.

use super::canonical::{canonical, same};
use crate::aws::owned::TAG_PREFIX;
use crate::resource::{Change, Kind, schema};
use crate::value::is_unknown;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Returns what has to change, in the order of property names.
///
/// `applied` holds the properties that payctl applied last, null when it never
/// did.
pub fn diff(kind: &dyn Kind, desired: &Value, live: &Value, applied: &Value) -> Vec<Change> {
    let schema = kind.schema();
    let mut changes = Vec::new();
    for (name, property) in schema::properties(schema) {
        let get =
            |from: &Value| from.get(name).map_or(Value::Null, |value| canonical(property, value));
        let (desired, live, applied) = (get(desired), get(live), get(applied));
        let mut walk = Walk { schema, changes: &mut changes };
        if property.get("x-tags").is_some() {
            walk.tags(name, &desired, &live, &applied);
        } else {
            walk.compare(name, property, &desired, &live, &applied);
        }
    }
    changes
}

/// Returns the part of `live` that differs from what was applied last:
/// somebody changed it outside payctl.
pub fn drift(kind: &dyn Kind, live: &Value, applied: &Value) -> Vec<Change> {
    let mut changes = diff(kind, applied, live, applied);
    for change in &mut changes {
        std::mem::swap(&mut change.before, &mut change.after);
    }
    changes
}

struct Walk<'a> {
    schema: &'a Value,
    changes: &'a mut Vec<Change>,
}

impl Walk<'_> {
    fn compare(
        &mut self,
        path: &str,
        schema: &Value,
        desired: &Value,
        live: &Value,
        applied: &Value,
    ) {
        let schema = schema::plain(schema);
        if schema.get("x-write-only").is_some() {
            // Nothing but the last applied value can be compared.
            if !same(desired, applied) {
                self.push(path, applied, desired);
            }
            return;
        }
        if schema.get("x-shared").is_some() && !is_unknown(desired) {
            self.shared(path, schema, desired, live, applied);
            return;
        }
        match (desired, live) {
            (Value::Null, _) => {
                // A switch that is off may be on by default.
                let is_default = empty(live) && !live.is_boolean();
                if !applied.is_null() && !is_default {
                    self.push(path, live, desired);
                }
            }
            (Value::Object(wanted), Value::Object(_))
                if !is_unknown(desired) && !is_document(schema) =>
            {
                self.members(path, schema, wanted, live, applied);
            }
            (Value::Array(wanted), Value::Array(found))
                if wanted.len() == found.len()
                    && !is_document(schema)
                    && schema.get("x-set").is_none() =>
            {
                let inner = schema.get("items").unwrap_or(&Value::Null);
                for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                    let applied = applied.get(index).unwrap_or(&Value::Null);
                    self.compare(&format!("{path}/{index}"), inner, wanted, found, applied);
                }
            }
            (Value::Array(wanted), Value::Array(found)) if schema.get("x-set").is_some() => {
                if !same_set(wanted, found) {
                    self.push(path, live, desired);
                }
            }
            _ if same(desired, live) || (empty(desired) && empty(live)) => {}
            _ => self.push(path, live, desired),
        }
    }

    fn members(
        &mut self,
        path: &str,
        schema: &Value,
        wanted: &Map<String, Value>,
        live: &Value,
        applied: &Value,
    ) {
        let before = applied.as_object().into_iter().flat_map(Map::keys);
        let names: BTreeSet<&String> = wanted.keys().chain(before).collect();
        for name in names {
            let null = Value::Null;
            let inner = schema::at(schema, name).unwrap_or(&null);
            let get = |from: &Value| from.get(name).cloned().unwrap_or_default();
            let desired = wanted.get(name).unwrap_or(&null);
            self.compare(&format!("{path}/{name}"), inner, desired, &get(live), &get(applied));
        }
    }

    /// A list that others add to: items that are neither desired nor were
    /// applied are not ours.
    fn shared(
        &mut self,
        path: &str,
        schema: &Value,
        desired: &Value,
        live: &Value,
        applied: &Value,
    ) {
        let key = schema.get("x-key").and_then(Value::as_str);
        let items = |of: &Value| -> BTreeMap<String, Value> {
            let items = of.as_array().into_iter().flatten();
            items.map(|item| (item_key(item, key), item.clone())).collect()
        };
        let (desired, live, applied) = (items(desired), items(live), items(applied));
        for (key, item) in &desired {
            let found = live.get(key);
            if !found.is_some_and(|found| covers(found, item)) {
                self.push(&format!("{path}/{key}"), found.unwrap_or(&Value::Null), item);
            }
        }
        for key in applied.keys().filter(|key| !desired.contains_key(*key)) {
            if let Some(item) = live.get(key) {
                self.push(&format!("{path}/{key}"), item, &Value::Null);
            }
        }
    }

    fn tags(&mut self, path: &str, desired: &Value, live: &Value, applied: &Value) {
        let (desired, live, applied) = (by_key(desired), by_key(live), by_key(applied));
        for (key, value) in &desired {
            if live.get(key) != Some(value) {
                let before = live.get(key).cloned().unwrap_or_default();
                self.push(&format!("{path}/{key}"), &before, value);
            }
        }
        for key in applied.keys().filter(|key| !desired.contains_key(*key)) {
            if let Some(value) = live.get(key) {
                self.push(&format!("{path}/{key}"), value, &Value::Null);
            }
        }
    }

    fn push(&mut self, path: &str, before: &Value, after: &Value) {
        self.changes.push(Change {
            path: path.to_owned(),
            before: before.clone(),
            after: after.clone(),
            replaces: schema::marked_within(self.schema, path, "x-replace"),
        });
    }
}

/// Free-form JSON is compared whole: a member that is missing is a difference.
fn is_document(schema: &Value) -> bool {
    schema.get("x-json").is_some()
}

/// AWS drops empty values, and reports some that were never set. A switch that
/// it does not mention is off.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Whether every wanted item has its own match: a match may hold more members
/// than were asked for.
fn same_set(wanted: &[Value], found: &[Value]) -> bool {
    let mut rest: Vec<&Value> = found.iter().collect();
    wanted.len() == found.len()
        && wanted.iter().all(|item| {
            let place = rest.iter().position(|other| covers(other, item));
            place.map(|place| rest.swap_remove(place)).is_some()
        })
}

fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| {
            found.get(name).map_or_else(|| empty(wanted), |found| covers(found, wanted))
        }),
        // Others may have added tags, and payctl itself has.
        (Value::Array(_), Value::Array(items)) if is_tags(items) => {
            let found = by_key(found);
            by_key(wanted).iter().all(|(key, value)| found.get(key) == Some(value))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| covers(found, wanted))
        }
        _ => same(found, wanted),
    }
}

/// Returns what tells an item of a shared list from the others.
fn item_key(item: &Value, key: Option<&str>) -> String {
    match key.map_or(item, |key| &item[key]) {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_tags(items: &[Value]) -> bool {
    let is_tag = |item: &Value| {
        item.as_object().is_some_and(|tag| {
            tag.len() == 2 && tag.contains_key("Key") && tag.contains_key("Value")
        })
    };
    !items.is_empty() && items.iter().all(is_tag)
}

/// Returns tags by key, without those that say whose the resource is.
fn by_key(tags: &Value) -> BTreeMap<String, Value> {
    let items = tags.as_array().into_iter().flatten();
    items
        .filter_map(|tag| {
            Some((
                tag.get("Key")?.as_str()?.to_owned(),
                tag.get("Value").cloned().unwrap_or_default(),
            ))
        })
        .filter(|(key, _)| !key.starts_with(TAG_PREFIX) && !key.starts_with("aws:"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::kind;
    use crate::value::unknown;
    use serde_json::json;

    fn paths(desired: Value, live: Value, applied: Value) -> Vec<String> {
        let queue = kind("AWS::SQS::Queue").expect("a kind");
        diff(queue, &desired, &live, &applied)
            .into_iter()
            .map(|change| {
                format!("{}{}", change.path, if change.replaces { " replaces" } else { "" })
            })
            .collect()
    }

    #[test]
    fn what_was_never_set_is_awss_own() {
        let live = json!({"QueueName": "q", "DelaySeconds": 0, "VisibilityTimeout": 30});
        assert!(paths(json!({"QueueName": "q"}), live, json!({"QueueName": "q"})).is_empty());
    }

    #[test]
    fn what_was_set_and_is_no_more_goes_back_to_the_default() {
        let live = json!({"QueueName": "q", "DelaySeconds": 5});
        assert_eq!(paths(json!({"QueueName": "q"}), live.clone(), live), ["DelaySeconds"]);
        let off = json!({"QueueName": "q", "SqsManagedSseEnabled": false});
        assert_eq!(paths(json!({"QueueName": "q"}), off.clone(), off), ["SqsManagedSseEnabled"]);
    }

    #[test]
    fn a_fixed_property_replaces_even_when_not_known_yet() {
        let live = json!({"QueueName": "q"});
        assert_eq!(
            paths(json!({"QueueName": "p"}), live.clone(), live.clone()),
            ["QueueName replaces"]
        );
        let desired = json!({"QueueName": unknown(["us-east-1/X.Name"])});
        assert_eq!(paths(desired, live.clone(), live), ["QueueName replaces"]);
    }

    #[test]
    fn tags_merge_by_key() {
        let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
        let live = json!({"Tags": [tag("a", "1"), tag("b", "2"), tag("foreign", "x"), tag("payctl:address", "y")]});
        let applied = json!({"Tags": [tag("a", "1"), tag("b", "2")]});
        assert_eq!(
            paths(json!({"Tags": [tag("a", "9"), tag("c", "3")]}), live, applied),
            ["Tags/a", "Tags/c", "Tags/b"]
        );
    }

    #[test]
    fn json_text_and_yaml_are_one() {
        let desired = json!({"RedrivePolicy": {"deadLetterTargetArn": "x", "maxReceiveCount": 3}});
        let live =
            json!({"RedrivePolicy": "{\"maxReceiveCount\": 3, \"deadLetterTargetArn\": \"x\"}"});
        assert!(paths(desired.clone(), live, desired).is_empty());
    }
}
