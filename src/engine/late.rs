//! Late properties whose inputs are not known yet: they are left out, and set
//! when the node is completed.

use crate::resource::{Kind, schema};
use crate::value::{has_unknown, is_unknown};
use serde_json::Value;

/// Removes late properties, or items of late lists, whose inputs are not known
/// (yet). Returns whether any was removed.
pub(super) fn drop_unknown(kind: &dyn Kind, properties: &mut Value) -> bool {
    let mut dropped = false;
    for (name, property) in schema::properties(kind.schema()) {
        if property.get("x-late").is_none() {
            continue;
        }
        if let Some(value) = properties.get_mut(name) {
            dropped |= drop_unknown_items(value);
        }
    }
    *properties = schema::without_nulls(kind.schema(), properties.take());
    dropped
}

/// Drops the items of lists that hold unknown values; a value that is unknown
/// outside any list goes as a whole and becomes null.
fn drop_unknown_items(value: &mut Value) -> bool {
    if !has_unknown(value) {
        return false;
    }
    match value {
        Value::Array(items) => items.retain(|item| !has_unknown(item)),
        Value::Object(map) if !is_unknown(&Value::Object(map.clone())) => {
            for member in map.values_mut() {
                if member.is_array() {
                    drop_unknown_items(member);
                }
            }
            let emptied = map.values().any(|member| member.as_array().is_some_and(Vec::is_empty));
            if emptied || map.values().any(has_unknown) {
                *value = Value::Null;
            }
        }
        other => *other = Value::Null,
    }
    true
}
