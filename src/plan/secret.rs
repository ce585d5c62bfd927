//! Secrets: where properties hold them, what plans, states and logs show.

use crate::resource::schema;
use serde_json::Value;

/// Returns `value` with every secret replaced by its hash. `paths` are the
/// properties that secret parameters feed; those that the schema marks are
/// found here. The salt makes equal secrets of two deployments look different.
pub fn masked(schema: &Value, paths: &[String], salt: &str, value: &Value) -> Value {
    let mut made = value.clone();
    for path in paths {
        mask_at(path, salt, &mut made);
    }
    mask_marked(schema, salt, &mut made);
    made
}

/// Masks what a path leads to. Names may hold slashes, a tag is found by its
/// key, and AWS returns documents as text.
fn mask_at(path: &str, salt: &str, value: &mut Value) {
    if path.is_empty() {
        *value = hashed(salt, value);
        return;
    }
    if let Value::String(text) = value
        && let Ok(document) = serde_json::from_str::<Value>(text)
        && (document.is_object() || document.is_array())
    {
        *value = document;
    }
    let rest = |name: &str| match path.strip_prefix(name)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    };
    match value {
        Value::Object(map) => {
            for (name, member) in map {
                if let Some(rest) = rest(name) {
                    mask_at(rest, salt, member);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let is_tag = item["Key"].as_str().is_some_and(|key| key == path);
                if is_tag && let Some(tag) = item.get_mut("Value") {
                    *tag = hashed(salt, tag);
                } else if let Some(rest) = rest(&index.to_string()) {
                    mask_at(rest, salt, item);
                }
            }
        }
        _ => {}
    }
}

fn mask_marked(schema: &Value, salt: &str, value: &mut Value) {
    let schema = schema::plain(schema);
    if schema.get("x-secret").is_some() {
        *value = hashed(salt, value);
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, member) in map {
                if let Some(inner) = schema::at(schema, name) {
                    mask_marked(inner, salt, member);
                }
            }
        }
        Value::Array(items) => {
            if let Some(inner) = schema.get("items") {
                items.iter_mut().for_each(|item| mask_marked(inner, salt, item));
            }
        }
        _ => {}
    }
}

fn hashed(salt: &str, secret: &Value) -> Value {
    if secret.is_null() || crate::value::is_unknown(secret) {
        return secret.clone();
    }
    Value::String(format!(
        "(secret {})",
        &crate::hash::hex(format!("{salt} {secret}").as_bytes())[..12]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_leaves_only_its_hash() {
        let schema =
            json!({"properties": {"A": {"properties": {"B": {"x-secret": true}}}, "C": {}}});
        let value = json!({"A": {"B": "pass"}, "C": {"D": "word"}, "E": 1});
        let shown = masked(&schema, &["C/D".to_owned()], "salt", &value).to_string();
        assert!(!shown.contains("pass") && !shown.contains("word"), "{shown}");
        assert!(shown.contains("\"E\":1"), "{shown}");
    }

    #[test]
    fn paths_lead_to_tags_items_and_into_documents() {
        let masked = |path: &str, value: Value| {
            let made = masked(&json!({}), &[path.to_owned()], "salt", &value).to_string();
            assert!(!made.contains("word"), "{path}: {made}");
            assert!(made.contains("(secret "), "{path}: {made}");
            assert!(made.contains("kept"), "{path}: {made}");
        };
        let tags = json!([{"Key": "a", "Value": "kept"}, {"Key": "team/pin", "Value": "word"}]);
        masked("Tags/team/pin", json!({ "Tags": tags }));
        masked("List/1/B", json!({"List": [{"B": "kept"}, {"B": "word"}]}));
        masked("Map/a/b", json!({"Map": {"a/b": "word", "a": "kept"}}));
        masked("Body/A", json!({"Body": r#"{"A": "word", "B": "kept"}"#}));
    }
}
