//! The JSON Schema of a stack file, for editors that complete and check.

use super::builder::is_name;
use crate::resource::Kind;
use serde_json::{Map, Value, json};

/// Returns the schema of a stack file with resources of these kinds.
pub(super) fn schema(kinds: &[&dyn Kind]) -> Value {
    let types: Vec<_> = kinds.iter().map(|kind| kind.meta().type_name).collect();
    let branches: Vec<_> = kinds.iter().map(|kind| branch(*kind)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "payctl stack file",
        "type": "object",
        "required": ["Stack", "Resources"],
        "patternProperties": {"^x-": true},
        "additionalProperties": false,
        "properties": {
            "Stack": {
                "type": "string",
                "pattern": "^[A-Za-z][A-Za-z0-9_-]*$",
                "description": "The name of the stack."
            },
            "Description": {"type": "string"},
            "Regions": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "uniqueItems": true,
                "description": "The regions; the first is the primary."
            },
            "Parameters": {"type": "object", "additionalProperties": parameter()},
            "Tags": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
                "description": "Tags of every resource that takes tags."
            },
            "Resources": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Z][A-Za-z0-9]*$"},
                "additionalProperties": resource(&types, &branches)
            },
            "Outputs": {"type": "object", "additionalProperties": output()}
        },
        "$defs": {
            "expression": {"type": "string", "pattern": "\\$\\{"},
            "forEach": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "anyOf": [{"type": "array"}, {"$ref": "#/$defs/expression"}]
                },
                "description": "Variables, and the list that each goes through."
            }
        }
    })
}

fn parameter() -> Value {
    json!({
        "type": "object",
        "required": ["Type"],
        "additionalProperties": false,
        "properties": {
            "Type": {"enum": ["String", "Number", "Boolean", "List"]},
            "Default": true,
            "Description": {"type": "string"},
            "AllowedValues": {"type": "array"},
            "AllowedPattern": {"type": "string", "format": "regex"},
            "MinLength": {"type": "integer", "minimum": 0},
            "MaxLength": {"type": "integer", "minimum": 0},
            "MinValue": {"type": "number"},
            "MaxValue": {"type": "number"},
            "NoEcho": {"type": "boolean", "description": "Whether its value is never shown."}
        }
    })
}

fn resource(types: &[&str], branches: &[Value]) -> Value {
    let policy = json!({"anyOf": [{"enum": ["Delete", "Retain"]}, {"$ref": "#/$defs/expression"}]});
    json!({
        "type": "object",
        "required": ["Type"],
        "additionalProperties": false,
        "properties": {
            "Type": {"enum": types},
            "Properties": {"type": "object"},
            "ForEach": {"$ref": "#/$defs/forEach"},
            "If": condition(),
            "Region": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "The region or regions that it lives in; all of them when left out."
            },
            "DependsOn": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
            },
            "DeletionPolicy": policy,
            "UpdateReplacePolicy": policy
        },
        "allOf": branches
    })
}

/// The schema of the properties, for the resources of one type.
fn branch(kind: &dyn Kind) -> Value {
    let mut properties = relaxed(kind.schema());
    // A condition of the whole is the resource's own.
    if let Some(own) = properties["anyOf"][0]["properties"].as_object_mut() {
        own.remove("If");
    }
    json!({
        "if": {"properties": {"Type": {"const": kind.meta().type_name}}},
        "then": {"properties": {"Properties": properties}}
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "required": ["Value"],
        "additionalProperties": false,
        "properties": {
            "Value": true,
            "Description": {"type": "string"},
            "If": condition()
        }
    })
}

fn condition() -> Value {
    json!({
        "anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/expression"}],
        "description": "Whether this is there."
    })
}

/// Returns a property's schema as the language has it: every value may be an
/// expression, every list and map a loop, tags may be a map, code a path.
fn relaxed(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let mut made: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| !name.starts_with("x-") && !name.starts_with('$'))
        .map(|(name, value)| (name.clone(), relaxed_member(name, value)))
        .collect();
    let description = made.remove("description");
    made.remove("title");
    let is = |name: &str| schema[name] == true;
    let mut forms = vec![Value::Object(made), json!({"$ref": "#/$defs/expression"})];
    if is("x-tags") {
        forms.push(json!({
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean"]}
        }));
    }
    forms.extend(loops(schema));
    let mut made = json!({"anyOf": forms});
    if let Some(description) = description {
        made["description"] = description;
    }
    made
}

fn relaxed_member(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("properties", Value::Object(properties)) => {
            let relaxed = properties
                .iter()
                .filter(|(name, _)| {
                    is_name(name) && !["ContentHash", "Asset"].contains(&name.as_str())
                })
                .map(|(name, schema)| (name.clone(), relaxed(schema)));
            Value::Object(relaxed.chain([("If".to_owned(), condition())]).collect())
        }
        ("items" | "additionalProperties", Value::Object(_)) => relaxed(value),
        ("anyOf" | "oneOf" | "allOf", Value::Array(parts)) => parts.iter().map(relaxed).collect(),
        _ => value.clone(),
    }
}

/// The loops that can make a value of this type.
fn loops(schema: &Value) -> Option<Value> {
    let is = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
    };
    let form = |names: &[&str]| {
        let mut properties = Map::new();
        for name in names {
            properties.insert((*name).to_owned(), Value::Bool(true));
        }
        properties.insert("ForEach".to_owned(), json!({"$ref": "#/$defs/forEach"}));
        let required: Vec<&str> = names.iter().copied().chain(["ForEach"]).collect();
        json!({
            "type": "object",
            "required": required,
            "properties": properties,
            "additionalProperties": false
        })
    };
    if is("array") {
        return Some(form(&["Item"]));
    }
    is("object").then(|| form(&["Key", "Value"]))
}
