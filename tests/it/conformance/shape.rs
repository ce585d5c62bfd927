//! What a JSON Schema says about a value, for AWS's schemas and ours alike.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The part of a schema that conformance compares.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// JSON types; empty when the schema does not say.
    pub(crate) types: BTreeSet<String>,
    /// The members of an object.
    pub(crate) properties: BTreeMap<String, Self>,
    /// The members that must be there.
    pub(crate) required: BTreeSet<String>,
    /// The items of a list or the values of a map.
    pub(crate) items: Option<Box<Self>>,
    /// The only values that are allowed.
    pub(crate) values: Option<BTreeSet<String>>,
    /// payctl's markers: `x-replace`, `x-json`, ….
    pub(crate) markers: BTreeSet<String>,
}

impl Shape {
    /// Reads a schema whose references are resolved.
    pub(crate) fn of(schema: &Value) -> Self {
        let mut shape = Self {
            types: strings(&schema["type"]).filter(|name| name != "null").collect(),
            required: strings(&schema["required"]).collect(),
            values: values(schema),
            ..Self::default()
        };
        for (key, value) in schema.as_object().into_iter().flatten() {
            match (key.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        shape.properties.insert(name.clone(), Self::of(property));
                    }
                }
                ("items" | "additionalProperties", Value::Object(_)) => shape.merge_items(value),
                ("prefixItems", Value::Array(items)) => {
                    items.iter().for_each(|item| shape.merge_items(item));
                }
                ("patternProperties", Value::Object(patterns)) => {
                    patterns.values().for_each(|value| shape.merge_items(value));
                }
                ("anyOf" | "oneOf" | "allOf", Value::Array(branches)) => {
                    shape.merge_branches(branches);
                }
                (key, Value::Bool(true)) if key.starts_with("x-") => {
                    shape.markers.insert(key.to_owned());
                }
                _ => {}
            }
        }
        shape
    }

    /// Whether payctl marks the value.
    pub(crate) fn is(&self, marker: &str) -> bool {
        self.markers.contains(marker)
    }

    fn merge_items(&mut self, schema: &Value) {
        self.items.get_or_insert_default().merge(Self::of(schema));
    }

    /// Takes in the alternatives of a schema. The members that an alternative
    /// requires are required when it is the only one ("this or null").
    fn merge_branches(&mut self, branches: &[Value]) {
        let branches: Vec<_> =
            branches.iter().filter(|branch| branch["type"] != "null").map(Self::of).collect();
        let is_only = branches.len() == 1;
        if self.values.is_none() && branches.iter().all(|branch| branch.values.is_some()) {
            let values =
                branches.iter().flat_map(|branch| branch.values.clone().unwrap_or_default());
            self.values = Some(values.collect()).filter(|values: &BTreeSet<_>| !values.is_empty());
        }
        for mut branch in branches {
            if !is_only {
                branch.required.clear();
            }
            self.merge(branch);
        }
    }

    fn merge(&mut self, other: Self) {
        self.types.extend(other.types);
        self.required.extend(other.required);
        self.markers.extend(other.markers);
        for (name, property) in other.properties {
            self.properties.entry(name).or_default().merge(property);
        }
        if let Some(items) = other.items {
            self.items.get_or_insert_default().merge(*items);
        }
    }
}

fn values(schema: &Value) -> Option<BTreeSet<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let constant = schema.get("const").map(|value| BTreeSet::from([text(value)]));
    let listed = schema["enum"].as_array();
    listed.map(|values| values.iter().filter(|v| !v.is_null()).map(text).collect()).or(constant)
}

/// Returns one string or a list of them.
fn strings(value: &Value) -> impl Iterator<Item = String> {
    let one = value.as_str().map(str::to_owned);
    let list = value.as_array().into_iter().flatten();
    one.into_iter().chain(list.filter_map(|v| v.as_str().map(str::to_owned)))
}
