//! Questions to the JSON Schema of a kind, whose `x-` keys are explained in
//! [`super::property`].

use serde_json::Value;

/// Returns the schema of a property (names joined by `/`; an index steps into
/// the items of a list, any name into the values of a map).
pub fn at<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').filter(|name| !name.is_empty()).try_fold(plain(schema), |schema, name| {
        let member = schema.get("properties").and_then(|properties| properties.get(name));
        let inner =
            member.or_else(|| schema.get("items")).or_else(|| schema.get("additionalProperties"));
        inner.map(plain)
    })
}

/// Whether the property itself carries the mark.
pub fn marked(schema: &Value, path: &str, mark: &str) -> bool {
    at(schema, path).is_some_and(|found| found.get(mark) == Some(&Value::Bool(true)))
}

/// Whether the property, or one that it lies in, carries the mark.
pub fn marked_within(schema: &Value, path: &str, mark: &str) -> bool {
    let mut end = 0;
    let mut ends: Vec<usize> = path.match_indices('/').map(|(i, _)| i).collect();
    ends.push(path.len());
    ends.into_iter().any(|next| {
        end = next;
        marked(schema, &path[..end], mark)
    })
}

/// Returns the names of the top-level properties, in order.
pub fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let found = plain(schema).get("properties").and_then(Value::as_object);
    found.into_iter().flatten().map(|(name, schema)| (name.as_str(), plain(schema)))
}

/// Looks through the `null` alternative of an optional property.
pub fn plain(schema: &Value) -> &Value {
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    let mut others =
        alternatives.into_iter().flatten().filter(|s| s.get("type") != Some(&Value::from("null")));
    match (others.next(), others.next()) {
        (Some(only), None) => only,
        _ => schema,
    }
}

/// Removes `null` members, which mean "unset", but for those inside of
/// documents, where null may mean something.
pub fn without_nulls(schema: &Value, value: Value) -> Value {
    let schema = plain(schema);
    if schema.get("x-json").is_some() {
        return value;
    }
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, member)| !member.is_null())
                .map(|(name, member)| {
                    let inner = at(schema, &name).unwrap_or(&Value::Null);
                    let member = without_nulls(inner, member);
                    (name, member)
                })
                .collect(),
        ),
        Value::Array(items) => {
            let inner = schema.get("items").unwrap_or(&Value::Null);
            Value::Array(items.into_iter().map(|item| without_nulls(inner, item)).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_means_unset_but_not_in_a_document() {
        let schema = json!({"properties": {
            "A": {"type": ["object", "null"], "properties": {"B": {}}},
            "C": {"x-json": true},
            "D": {"items": {"properties": {"E": {}}}},
        }});
        let value = json!({"A": {"B": null}, "C": {"F": null}, "D": [{"E": null}], "G": null});
        assert_eq!(without_nulls(&schema, value), json!({"A": {}, "C": {"F": null}, "D": [{}]}));
    }
}
