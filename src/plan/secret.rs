//! Secrets: where properties hold them, what plans, states and logs show.

use crate::resource::schema;
use serde_json::Value;

/// Returns `value` with every secret replaced by its hash. `paths` are the
/// properties that secret parameters feed; those that the schema marks are
/// found here. The salt makes equal secrets of two deployments look different.
pub fn masked(schema: &Value, paths: &[String], salt: &str, value: &Value) -> Value {
    let mut made = value.clone();
    for path in paths {
        if let Some(found) = made.pointer_mut(&format!("/{path}")) {
            *found = hashed(salt, found);
        }
    }
    mask_marked(schema, salt, &mut made);
    made
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
}
