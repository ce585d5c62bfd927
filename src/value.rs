//! Property values, some of which are only known after apply.
//!
//! Plans work on JSON values. A value that depends on an attribute that AWS
//! has not given yet is the marker `{"$unknown": [sources…]}`, which travels
//! through every structure around it, so that the rest of the value can still
//! be compared and shown.

use serde_json::{Value, json};

/// The key of the marker object. `$` never begins a CloudFormation name.
const MARKER: &str = "$unknown";

/// Returns the marker for a value that depends on `sources`
/// (`us-east-1/Key.Arn`), which are known after apply.
pub fn unknown<S: AsRef<str>>(sources: impl IntoIterator<Item = S>) -> Value {
    let sources: Vec<_> = sources.into_iter().map(|s| s.as_ref().to_owned()).collect();
    json!({ MARKER: sources })
}

/// Whether the value itself is known after apply.
pub fn is_unknown(value: &Value) -> bool {
    matches!(value, Value::Object(map) if map.len() == 1 && map.contains_key(MARKER))
}

/// Whether the value, or anything inside it, is known after apply.
pub fn has_unknown(value: &Value) -> bool {
    is_unknown(value)
        || match value {
            Value::Object(map) => map.values().any(has_unknown),
            Value::Array(items) => items.iter().any(has_unknown),
            _ => false,
        }
}

/// Returns the sources of every unknown inside `value`, in order, each once.
pub fn unknown_sources(value: &Value) -> Vec<String> {
    fn visit(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) if is_unknown(value) => {
                for source in map[MARKER].as_array().into_iter().flatten() {
                    if let Some(source) = source.as_str()
                        && !found.iter().any(|known| known == source)
                    {
                        found.push(source.to_owned());
                    }
                }
            }
            Value::Object(map) => map.values().for_each(|v| visit(v, found)),
            Value::Array(items) => items.iter().for_each(|v| visit(v, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(value, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_found_at_any_depth() {
        let value = json!({"A": [1, {"B": unknown(["us-east-1/Key.Arn"])}]});
        assert!(has_unknown(&value));
        assert!(!is_unknown(&value));
        assert_eq!(unknown_sources(&value), ["us-east-1/Key.Arn"]);
    }
}
