//! The desired properties of a node, and what payctl adds to them.

use super::inputs::Inputs;
use super::names;
use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::graph;
use crate::resource::schema;
use crate::stack::{Lookup, Node};
use crate::value::{has_unknown, unknown, unknown_sources};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Returns a node's desired properties, completed by what the stack file
/// leaves to payctl: its name, its code's hash, the content it freezes.
///
/// `lookup` says what is known of other nodes; `siblings` returns the desired
/// properties of nodes that were evaluated before.
pub fn desired(
    inputs: &Inputs<'_>,
    node: &Node,
    generation: u32,
    lookup: &dyn Lookup,
    siblings: &dyn Fn(&Address) -> Option<Value>,
) -> Result<Value, Diagnostics> {
    let mut properties = node.properties(lookup)?;
    let meta = node.kind.meta();
    if let Some(rule) = &meta.name
        && properties.get(rule.property).is_none()
    {
        let place = inputs.place(&node.address);
        let made =
            names::physical(rule, &properties, &inputs.id(), &node.address, generation, &place);
        properties[rule.property] = Value::String(made);
    }
    add_assets(inputs, node, &mut properties)?;
    if let (Some(property), Value::Object(map)) = (meta.snapshots, &mut properties) {
        map.insert("ContentHash".to_owned(), content_hash(inputs, node, property, siblings));
    }
    Ok(properties)
}

/// Replaces paths of local code by the hash of their zip.
fn add_assets(inputs: &Inputs<'_>, node: &Node, properties: &mut Value) -> Result<(), Diagnostics> {
    let (assets, root) = inputs.assets;
    for (name, property) in schema::properties(node.kind.schema()) {
        if property.get("x-asset").is_none() {
            continue;
        }
        let Some(value) = properties.get_mut(name) else { continue };
        let Some(path) = value.as_str() else { continue };
        let asset = assets.add(root, path).map_err(|error| {
            Diagnostics::of(format!(
                "{}: {name}: cannot read the code in '{path}': {error}",
                node.address
            ))
        })?;
        *value = json!({ "Asset": asset });
    }
    Ok(())
}

/// Returns the hash of what a deployment freezes: the desired properties of
/// its target and of all that completes the target.
fn content_hash(
    inputs: &Inputs<'_>,
    node: &Node,
    property: &str,
    siblings: &dyn Fn(&Address) -> Option<Value>,
) -> Value {
    let target = node.references.iter().find(|reference| reference.property == property);
    let Some(target) = target.map(|reference| &reference.target) else { return Value::Null };
    let attached = graph::completions(&inputs.expansion.nodes)
        .filter(|(_, completed)| completed == target)
        .map(|(attachment, _)| attachment);
    let mut content = BTreeMap::new();
    for address in attached.chain([target.clone()]) {
        let mut properties = siblings(&address).unwrap_or_else(|| unknown([address.to_string()]));
        if let Some(map) = properties.as_object_mut() {
            map.remove("Tags");
        }
        content.insert(address.to_string(), properties);
    }
    let content = json!(content);
    if has_unknown(&content) {
        unknown(unknown_sources(&content))
    } else {
        Value::String(crate::hash::hex(content.to_string().as_bytes())[..16].to_owned())
    }
}
