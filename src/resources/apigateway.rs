//! What the kinds of API Gateway's REST APIs share: patch operations, tags,
//! and the conversion of values.

use crate::resource::{Changes, Cx, Desired, Fault, Result, Tags};
use aws_sdk_apigateway::types::{Op, PatchOperation};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

/// The most items that API Gateway returns in one page of a listing.
pub(super) const PAGE: i32 = 500;

/// A property, the path of a patch that changes it, and the value that means
/// unset; without one the patch is sent with no value.
pub(super) type Setting = (&'static str, &'static str, Option<&'static str>);

/// The operations of one PATCH request, which API Gateway applies together.
#[derive(Debug, Default)]
pub(super) struct Patch(Vec<PatchOperation>);

impl Patch {
    /// Whether there is nothing to change.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the operations as the SDK takes them.
    pub(super) fn operations(self) -> Option<Vec<PatchOperation>> {
        Some(self.0)
    }

    /// Sets what is at the path.
    pub(super) fn set(&mut self, path: impl Into<String>, value: impl Display) {
        self.push(Op::Replace, path, Some(value.to_string()));
    }

    /// Adds a value to the list at the path.
    pub(super) fn add(&mut self, path: impl Into<String>, value: impl Display) {
        self.push(Op::Add, path, Some(value.to_string()));
    }

    /// Removes what is at the path.
    pub(super) fn remove(&mut self, path: impl Into<String>) {
        self.push(Op::Remove, path, None);
    }

    /// Removes a value from the list at the path.
    pub(super) fn remove_value(&mut self, path: impl Into<String>, value: impl Display) {
        self.push(Op::Remove, path, Some(value.to_string()));
    }

    /// Sets the changed ones of simple properties; `desired` is the resource
    /// as JSON.
    pub(super) fn settings(
        &mut self,
        table: &[Setting],
        desired: &Value,
        changed: impl Fn(&str) -> bool,
    ) {
        for (property, path, unset) in table {
            if changed(property) {
                let value = text(&desired[*property]).or_else(|| unset.map(str::to_owned));
                self.push(Op::Replace, *path, value);
            }
        }
    }

    /// Brings the list at `prefix`, whose items are addressed by themselves,
    /// from `before` to `after`.
    pub(super) fn items(&mut self, prefix: &str, before: &[String], after: &[String]) {
        for item in missing(before, after) {
            self.push(Op::Remove, format!("{prefix}/{}", escaped(item)), None);
        }
        for item in missing(after, before) {
            self.push(Op::Add, format!("{prefix}/{}", escaped(item)), None);
        }
    }

    /// Brings the list at `path`, whose items travel as values, from `before`
    /// to `after`.
    pub(super) fn values(&mut self, path: &str, before: &[String], after: &[String]) {
        for item in missing(before, after) {
            self.remove_value(path, item);
        }
        for item in missing(after, before) {
            self.add(path, item);
        }
    }

    /// Brings the map at `prefix` from `before` to `after`. `new` is the
    /// operation by which that map takes a new key.
    pub(super) fn map<V: Display + PartialEq>(
        &mut self,
        prefix: &str,
        before: &BTreeMap<String, V>,
        after: &BTreeMap<String, V>,
        new: &Op,
    ) {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            self.remove(format!("{prefix}/{}", escaped(key)));
        }
        for (key, value) in after {
            let op = match before.get(key) {
                Some(known) if known == value => continue,
                Some(_) => Op::Replace,
                None => new.clone(),
            };
            self.push(op, format!("{prefix}/{}", escaped(key)), Some(value.to_string()));
        }
    }

    fn push(&mut self, op: Op, path: impl Into<String>, value: Option<String>) {
        self.0.push(PatchOperation::builder().op(op).path(path).set_value(value).build());
    }
}

fn missing<'a>(of: &'a [String], from: &'a [String]) -> impl Iterator<Item = &'a String> {
    of.iter().filter(|item| !from.contains(item))
}

/// Writes a name as one segment of a JSON Pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns a value as the text that a patch carries; `None` when unset.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Returns a map of the SDK in the order of its keys; an empty one is unset.
pub(super) fn sorted<V>(map: Option<HashMap<String, V>>) -> Option<BTreeMap<String, V>> {
    map.filter(|map| !map.is_empty()).map(|map| map.into_iter().collect())
}

/// Returns a map as the SDK takes it.
pub(super) fn unsorted<V: Clone>(map: Option<&BTreeMap<String, V>>) -> Option<HashMap<String, V>> {
    map.map(|map| map.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
}

/// Returns text that AWS may send empty for what is unset.
pub(super) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Returns tags as the SDK takes them.
pub(super) fn tag_map(tags: Option<&Tags>) -> Option<HashMap<String, String>> {
    tags.map(|tags| tags.pairs().collect())
}

/// Returns the tags of an answer.
pub(super) fn tags_of(map: Option<HashMap<String, String>>) -> Option<Tags> {
    Some(map.unwrap_or_default().into_iter().collect())
}

/// Returns the ARN that names a thing of API Gateway by its path
/// (`/restapis/ID`). It has no account.
pub(super) fn arn(path: &str, cx: &Cx) -> String {
    format!("arn:{}:apigateway:{}::{path}", cx.place.partition, cx.region())
}

/// Applies the changes of tags to the thing at the path.
pub(super) async fn retag(
    path: &str,
    desired: Option<&Tags>,
    changes: &Changes,
    cx: &Cx,
) -> Result<()> {
    let tags = changes.tags(desired);
    if !tags.set.is_empty() {
        let map = tags.set.into_iter().map(|tag| (tag.key, tag.value)).collect();
        let request =
            cx.apigateway().tag_resource().resource_arn(arn(path, cx)).set_tags(Some(map));
        cx.mutate("apigateway:TagResource", || request.clone().send()).await?;
    }
    if !tags.remove.is_empty() {
        let request = cx
            .apigateway()
            .untag_resource()
            .resource_arn(arn(path, cx))
            .set_tag_keys(Some(tags.remove));
        cx.mutate("apigateway:UntagResource", || request.clone().send()).await?;
    }
    Ok(())
}

/// Whether a property is left out of the stack file, and not merely unknown
/// until apply.
pub(super) fn is_unset(desired: Desired<'_>, property: &str) -> bool {
    desired.0.get(property).is_none_or(Value::is_null)
}

/// Returns a fault if a known text is none of `allowed`.
pub(super) fn one_of(desired: Desired<'_>, path: &str, allowed: &[&str]) -> Option<Fault> {
    let text = desired.text(path)?;
    (!allowed.contains(&text)).then(|| {
        Fault::new(path, format!("'{text}' is unknown here; write one of {}", allowed.join(", ")))
    })
}

/// Returns a fault if a property is left out that the service requires,
/// though its schema does not say so.
pub(super) fn required(desired: Desired<'_>, property: &str, why: &str) -> Option<Fault> {
    is_unset(desired, property)
        .then(|| Fault::new(property, format!("{property} is missing: {why}")))
}

/// Returns a fault if an endpoint configuration does not name exactly one of
/// the `allowed` types.
pub(super) fn one_endpoint_type(desired: Desired<'_>, allowed: &[&str]) -> Option<Fault> {
    const PATH: &str = "EndpointConfiguration/Types";
    let types = desired.get(PATH)?.as_array()?;
    let known = types.iter().all(|t| t.as_str().is_some_and(|t| allowed.contains(&t)));
    (types.len() != 1 || !known)
        .then(|| Fault::new(PATH, format!("write exactly one of {}", allowed.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(patch: Patch) -> Vec<String> {
        let show = |op: &PatchOperation| {
            let op_name = op.op().map(Op::as_str).unwrap_or_default();
            format!("{op_name} {} {:?}", op.path().unwrap_or_default(), op.value())
        };
        patch.0.iter().map(show).collect()
    }

    #[test]
    fn lists_and_maps_change_by_their_difference() {
        let texts = |items: &[&str]| items.iter().map(|&s| s.to_owned()).collect::<Vec<_>>();
        let map = |pairs: &[(&str, bool)]| pairs.iter().map(|&(k, v)| (k.to_owned(), v)).collect();
        let mut patch = Patch::default();
        patch.items("/types", &texts(&["a/b", "c"]), &texts(&["c", "d~e"]));
        patch.values("/scopes", &texts(&["x"]), &texts(&["y"]));
        patch.map(
            "/map",
            &map(&[("gone", true), ("kept", true), ("turned", true)]),
            &map(&[("kept", true), ("new", true), ("turned", false)]),
            &Op::Add,
        );
        assert_eq!(
            shown(patch),
            [
                "remove /types/a~1b None",
                "add /types/d~0e None",
                "remove /scopes Some(\"x\")",
                "add /scopes Some(\"y\")",
                "remove /map/gone None",
                "add /map/new Some(\"true\")",
                "replace /map/turned Some(\"false\")",
            ]
        );
    }

    #[test]
    fn an_unset_setting_goes_back_to_its_default() {
        let table: &[Setting] =
            &[("Size", "/size", None), ("Open", "/open", Some("false")), ("Name", "/name", None)];
        let mut patch = Patch::default();
        patch.settings(table, &serde_json::json!({"Name": "n"}), |name| name != "Name");
        assert_eq!(shown(patch), ["replace /size None", "replace /open Some(\"false\")"]);
    }
}
