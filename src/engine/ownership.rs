//! The tags by which a resource is known for this deployment's own.

use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG, GENERATION_TAG};
use crate::plan::{Ownership, diff};
use crate::resource::{Change, Kind, LiveValue, Owner};
use serde_json::{Value, json};

/// Says whose a resource is. What cannot be tagged is ours when an earlier run
/// began to make it, or when it is just what is desired.
pub(super) fn ownership(
    kind: &dyn Kind,
    owner: &Owner,
    live: &LiveValue,
    desired: &Value,
    was_begun: bool,
) -> Ownership {
    if !kind.meta().taggable {
        let same = diff::diff(kind, desired, &live.properties, &Value::Null).is_empty();
        return if was_begun || same { Ownership::Ours } else { Ownership::Nobody };
    }
    let tags = live.properties.get("Tags").and_then(Value::as_array);
    let tag = |key: &str| {
        let found = tags.into_iter().flatten().find(|tag| tag["Key"] == key);
        found.and_then(|tag| tag["Value"].as_str())
    };
    match (tag(DEPLOYMENT_TAG), tag(ADDRESS_TAG)) {
        (Some(deployment), Some(address))
            if deployment == owner.deployment && address == owner.address.tag() =>
        {
            Ownership::Ours
        }
        (Some(deployment), Some(address)) => Ownership::Other(format!("{address} of {deployment}")),
        _ => Ownership::Nobody,
    }
}

/// Adds the tags that say whose the resource is.
pub(super) fn tagged(kind: &dyn Kind, owner: &Owner, mut properties: Value) -> Value {
    if !kind.meta().taggable {
        return properties;
    }
    let tags = [
        (DEPLOYMENT_TAG, owner.deployment.clone()),
        (ADDRESS_TAG, owner.address.tag()),
        (GENERATION_TAG, owner.generation.to_string()),
    ];
    if let Some(map) = properties.as_object_mut() {
        let list = map.entry("Tags").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})));
        }
    }
    properties
}

/// Returns changes for ownership tags that the live resource lacks.
pub(super) fn lost(full: &Value, live: &Value) -> Vec<Change> {
    let value = |of: &Value, key: &str| -> Option<Value> {
        let tags = of.get("Tags")?.as_array()?;
        tags.iter().find(|tag| tag["Key"] == key).map(|tag| tag["Value"].clone())
    };
    [DEPLOYMENT_TAG, ADDRESS_TAG, GENERATION_TAG]
        .into_iter()
        .filter_map(|key| {
            let after = value(full, key)?;
            let before = value(live, key).unwrap_or_default();
            (before != after).then(|| Change {
                path: format!("Tags/{key}"),
                before,
                after,
                replaces: false,
            })
        })
        .collect()
}
