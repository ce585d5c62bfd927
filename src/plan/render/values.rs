//! Values, and differences of values, in one line.

use crate::resource::Change;
use crate::value::{is_unknown, unknown_sources};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The widest text of a value; of longer ones a part is shown.
const WIDEST: usize = 76;
/// How much of what is the same stands beside a difference.
const AROUND: usize = 16;
/// How much of a hash tells it from others.
const HASH: usize = 8;

/// A difference as it is shown.
pub(super) struct Line {
    /// Where it is.
    pub(super) path: String,
    pub(super) before: String,
    pub(super) after: String,
    /// What more there is to say.
    pub(super) note: String,
}

/// Returns a value in one line; of a long one, its beginning and end.
pub(super) fn value(value: &Value) -> String {
    match asset(value) {
        Some((path, hash)) => format!("{path} ({})", short(hash)),
        None => cut(&letters(value)),
    }
}

/// Returns a change as lines, down to where its values differ. `reset` is what
/// becomes of a property that is set no more; `desired` are the properties of
/// the node.
pub(super) fn lines(change: &Change, reset: &str, desired: &Value) -> Vec<Line> {
    if let Some(line) = changed_code(change, desired) {
        return vec![line];
    }
    let mut found = Vec::new();
    differences(&change.path, &change.before, &change.after, &mut found);
    let line = |(path, before, after): (String, &Value, &Value)| {
        let (unset, reset) =
            if path == change.path { ("(unset)", reset) } else { ("(none)", "(none)") };
        let path = path.strip_suffix("/Asset/Path").map_or(path.clone(), str::to_owned);
        let (shown_before, shown_after) = pair(before, after);
        Line {
            path,
            before: if before.is_null() { unset.to_owned() } else { shown_before },
            after: if after.is_null() { reset.to_owned() } else { shown_after },
            note: String::new(),
        }
    };
    found.into_iter().map(line).collect()
}

/// Returns two values that differ, so that the difference is seen.
pub(super) fn pair(before: &Value, after: &Value) -> (String, String) {
    if asset(before).is_some() || asset(after).is_some() {
        return (value(before), value(after));
    }
    let (before, after) = (letters(before), letters(after));
    if before.len() <= WIDEST && after.len() <= WIDEST {
        return (before.into_iter().collect(), after.into_iter().collect());
    }
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let (rest_before, rest_after) = (&before[same..], &after[same..]);
    let tail = rest_before.iter().rev().zip(rest_after.iter().rev());
    let tail = tail.take_while(|(a, b)| a == b).count();
    let part = |all: &[char]| {
        let (start, end) = (same.saturating_sub(AROUND), all.len() - tail.saturating_sub(AROUND));
        let dots = |is_cut| if is_cut { "…" } else { "" };
        format!("{}{}{}", dots(start > 0), cut(&all[start..end]), dots(end < all.len()))
    };
    (part(&before), part(&after))
}

/// Returns where two values differ; what is not there is as good as empty.
pub(super) fn members<'a>(
    path: &str,
    before: &'a Value,
    after: &'a Value,
) -> Vec<(String, &'a Value, &'a Value)> {
    static NONE: LazyLock<Value> = LazyLock::new(|| Value::Object(Map::new()));
    let is_map = |value: &Value| value.is_object() && !is_unknown(value);
    let (before, after) = match (before, after) {
        (Value::Null, map) if is_map(map) => (&*NONE, map),
        (map, Value::Null) if is_map(map) => (map, &*NONE),
        both => both,
    };
    let mut found = Vec::new();
    differences(path, before, after, &mut found);
    found
}

/// Code that was changed is told by its hash; which code, by its folder.
fn changed_code(change: &Change, desired: &Value) -> Option<Line> {
    let path = change.path.strip_suffix("/Asset/Sha256")?;
    let hash = |value: &Value| value.as_str().map(short);
    let folder = desired.pointer(&format!("/{path}/Asset/Path")).and_then(Value::as_str);
    Some(Line {
        path: path.to_owned(),
        before: hash(&change.before)?,
        after: hash(&change.after)?,
        note: folder.map_or_else(String::new, |folder| format!("  {folder}")),
    })
}

/// Returns the path and the hash of local code.
fn asset(value: &Value) -> Option<(&str, &str)> {
    let map = value.as_object()?;
    // The property of the code, or the code itself.
    let asset = if map.len() == 1 { map.get("Asset")? } else { value };
    let asset = asset.as_object().filter(|asset| asset.len() == 2)?;
    Some((asset.get("Path")?.as_str()?, asset.get("Sha256")?.as_str()?))
}

fn short(hash: &str) -> String {
    format!("{}…", hash.chars().take(HASH).collect::<String>())
}

/// Goes into documents down to where they differ.
fn differences<'a>(
    path: &str,
    before: &'a Value,
    after: &'a Value,
    found: &mut Vec<(String, &'a Value, &'a Value)>,
) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(old), Value::Object(new)) if !is_unknown(after) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let member = |of: &'a Map<String, Value>| of.get(name).unwrap_or(&Value::Null);
                differences(&format!("{path}/{name}"), member(old), member(new), found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (before, after)) in old.iter().zip(new).enumerate() {
                differences(&format!("{path}/{index}"), before, after, found);
            }
        }
        _ => found.push((path.to_owned(), before, after)),
    }
}

/// Cuts the middle out of what is long.
fn cut(text: &[char]) -> String {
    if text.len() <= WIDEST {
        return text.iter().collect();
    }
    let (head, tail) = (&text[..WIDEST / 2], &text[text.len() - WIDEST / 2..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

fn letters(value: &Value) -> Vec<char> {
    let text = match value {
        unknown if is_unknown(unknown) => "(known after apply)".to_owned(),
        Value::String(text) => text.clone(),
        other if !unknown_sources(other).is_empty() => with_unknown_shown(other).to_string(),
        other => other.to_string(),
    };
    text.replace('\n', "⏎").chars().collect()
}

fn with_unknown_shown(value: &Value) -> Value {
    match value {
        unknown if is_unknown(unknown) => Value::from("(known after apply)"),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(k, v)| (k.clone(), with_unknown_shown(v))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(with_unknown_shown).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn shown(path: &str, before: Value, after: Value) -> String {
        let change = Change { path: path.to_owned(), before, after, replaces: false };
        let desired = json!({"Code": {"Asset": {"Path": "src/hello", "Sha256": "9ab2c3d4e5f6"}}});
        let lines = lines(&change, "(AWS's default)", &desired).into_iter();
        let lines = lines
            .map(|line| format!("{}: {} → {}{}", line.path, line.before, line.after, line.note));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn differences_are_shown_where_they_are() {
        let long =
            |word: &str| json!(format!("{}{word}{}", "before ".repeat(20), " after".repeat(20)));
        insta::assert_snapshot!(shown("Body", long("one"), long("three")), @"Body: …e before before one after after af… → …e before before three after after af…");
        insta::assert_snapshot!(shown("Body", json!("short"), long("one")), @"Body: short → before before before before before bef…er after after after after after after");
        insta::assert_snapshot!(shown("Policy", json!({"A": [1, {"B": 2}]}), json!({"A": [1, {"C": 3}]})), @r"
        Policy/A/1/B: 2 → (none)
        Policy/A/1/C: (none) → 3
        ");
        insta::assert_snapshot!(shown("Size", json!(5), Value::Null), @"Size: 5 → (AWS's default)");
    }

    #[test]
    fn code_is_told_by_its_hash_and_folder() {
        let sha = "Code/Asset/Sha256";
        insta::assert_snapshot!(shown(sha, json!("4f1cd2e3b4a5"), json!("9ab2c3d4e5f6")), @"Code: 4f1cd2e3… → 9ab2c3d4…  src/hello");
        let asset = json!({"Path": "src/hello", "Sha256": "9ab2c3d4e5f6"});
        insta::assert_snapshot!(shown("Code/Asset", Value::Null, asset.clone()), @"Code/Asset: (unset) → src/hello (9ab2c3d4…)");
        insta::assert_snapshot!(value(&json!({ "Asset": asset })), @"src/hello (9ab2c3d4…)");
    }

    proptest! {
        /// However long they are, values that differ look different.
        #[test]
        fn a_difference_is_never_hidden(
            head in "a{0,200}", before in "[a-c]{0,200}", after in "[a-c]{0,200}", tail in "c{0,200}",
        ) {
            let text = |middle: &str| json!(format!("{head}{middle}{tail}"));
            let (before, after) = (text(&before), text(&after));
            let (left, right) = pair(&before, &after);
            prop_assert_eq!(left == right, before == after, "{} {}", left, right);
            prop_assert!(left.chars().count() <= WIDEST + 3, "{}", left);
        }
    }
}
