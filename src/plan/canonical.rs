//! One spelling for values that AWS and people write in several.

use crate::resource::schema;
use crate::value::is_unknown;
use serde_json::{Map, Value};

/// Returns a property's value in its one spelling, according to its schema.
/// What is known after apply stays as it is.
pub fn canonical(schema: &Value, value: &Value) -> Value {
    let schema = schema::plain(schema);
    let is = |mark: &str| schema.get(mark) == Some(&Value::Bool(true));
    if is_unknown(value) {
        return value.clone();
    }
    if is("x-policy") {
        return policy(&parsed(value));
    }
    if is("x-json") {
        return parsed(value);
    }
    match value {
        Value::Array(items) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            let mut items: Vec<_> = items.iter().map(|item| canonical(inner, item)).collect();
            if is("x-set") {
                sort(&mut items);
            }
            Value::Array(items)
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| {
                    let inner = schema::at(schema, name).unwrap_or(&Value::Null);
                    (name.clone(), canonical(inner, value))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Whether two canonical values mean the same. Numbers compare by value.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Reads JSON text; other text, and what is no text, stays.
fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn sort(items: &mut [Value]) {
    items.sort_by_cached_key(Value::to_string);
}

/// Returns an IAM policy in one spelling: a list of one is its item, and the
/// order of actions, resources and principals means nothing.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
fn policy(document: &Value) -> Value {
    let Value::Object(document) = document else { return document.clone() };
    if is_unknown(&Value::Object(document.clone())) {
        return Value::Object(document.clone());
    }
    let mut made = Map::new();
    for (name, value) in document {
        let value = match (name.as_str(), value) {
            ("Statement", Value::Array(statements)) => {
                Value::Array(statements.iter().map(statement).collect())
            }
            ("Statement", one) => Value::Array(vec![statement(one)]),
            (_, other) => other.clone(),
        };
        made.insert(name.clone(), value);
    }
    Value::Object(made)
}

fn statement(statement: &Value) -> Value {
    let Value::Object(statement) = statement else { return statement.clone() };
    let made = statement.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("Action" | "NotAction" | "Resource" | "NotResource", value) => one_or_sorted(value),
            ("Principal" | "NotPrincipal", Value::Object(by_type)) => Value::Object(
                by_type.iter().map(|(kind, who)| (kind.clone(), principals(who))).collect(),
            ),
            ("Condition", Value::Object(operators)) => Value::Object(
                operators
                    .iter()
                    .map(|(operator, keys)| (operator.clone(), condition(keys)))
                    .collect(),
            ),
            (_, other) => other.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(made.collect())
}

fn condition(keys: &Value) -> Value {
    match keys {
        Value::Object(keys) => Value::Object(
            keys.iter().map(|(key, values)| (key.clone(), texts(&one_or_sorted(values)))).collect(),
        ),
        other => other.clone(),
    }
}

/// AWS stores the values of conditions as text.
fn texts(value: &Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        other => other.clone(),
    }
}

/// An account's number and the ARN of its root are the same principal.
fn principals(who: &Value) -> Value {
    let account = |value: &Value| match value.as_str() {
        Some(text) if text.starts_with("arn:") && text.ends_with(":root") => {
            text.split(':').nth(4).map_or_else(|| value.clone(), Value::from)
        }
        _ => value.clone(),
    };
    match who {
        Value::Array(items) => one_or_sorted(&Value::Array(items.iter().map(account).collect())),
        one => account(one),
    }
}

fn one_or_sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.len() == 1 => items[0].clone(),
        Value::Array(items) => {
            let mut items = items.clone();
            sort(&mut items);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn policies_compare_by_meaning() {
        let schema = json!({"x-json": true, "x-policy": true});
        let ours = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["b:X", "a:Y"], "Resource": ["*"],
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Condition": {"Bool": {"aws:SecureTransport": false}}
        }]});
        let theirs = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": ["a:Y", "b:X"], "Resource": "*",
            "Principal": {"AWS": "000000000000"},
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}
        }});
        assert_eq!(
            canonical(&schema, &ours),
            canonical(&schema, &Value::String(theirs.to_string()))
        );
    }

    #[test]
    fn sets_have_no_order() {
        let schema = json!({"properties": {"S": {"x-set": true, "items": {}}, "L": {"items": {}}}});
        let value = canonical(&schema, &json!({"S": ["b", "a"], "L": ["b", "a"]}));
        assert_eq!(value, json!({"S": ["a", "b"], "L": ["b", "a"]}));
    }
}
