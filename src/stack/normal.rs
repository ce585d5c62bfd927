//! Properties in the one form that plans compare: tags as a list of `Key` and
//! `Value` sorted by key, and no members that are null.
//!
//! Null leaves out a property. Inside of a document that AWS takes as JSON it
//! is a value like any other (`ResultPath: null` in a state machine), and it
//! stays.

use super::tree::{Data, Member, Tree};
use serde_json::Value;

/// Puts a value into that form, as its schema says.
pub(super) fn normalise(mut tree: Tree, schema: &Value) -> Tree {
    if schema["x-tags"] == true {
        return sorted(tree);
    }
    if schema["x-json"] == true {
        return tree;
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for branch in schema[key].as_array().into_iter().flatten() {
            if branch["x-json"] == true {
                return tree;
            }
            tree = normalise(tree, branch);
        }
    }
    match &mut tree.data {
        Data::Map(members) => {
            members.retain(|member| !member.value.is_null());
            let others = &schema["additionalProperties"];
            for member in members {
                let inner = schema["properties"].get(&member.name).unwrap_or(others);
                replace(&mut member.value, inner);
            }
        }
        Data::List(items) => items.iter_mut().for_each(|item| replace(item, &schema["items"])),
        Data::Scalar(_) | Data::Unknown(_) => {}
    }
    tree
}

fn replace(place: &mut Tree, schema: &Value) {
    let empty = Tree::new(place.span, Data::Scalar(Value::Null));
    *place = normalise(std::mem::replace(place, empty), schema);
}

/// Adds the tags of `more` whose keys `tags` does not have.
pub(super) fn merge(tags: Option<Tree>, more: Tree) -> Tree {
    let Some(mut tags) = tags else { return sorted(more) };
    tags = sorted(tags);
    let Data::List(items) = &mut tags.data else { return tags };
    if let Data::List(more) = sorted(more).data {
        for tag in more {
            if key(&tag).is_some_and(|k| !items.iter().any(|item| key(item) == Some(k))) {
                items.push(tag);
            }
        }
    }
    sorted(tags)
}

fn sorted(mut tree: Tree) -> Tree {
    let mut items = match tree.data {
        Data::Map(members) => members.into_iter().map(tag).collect(),
        Data::List(items) => items,
        other => return Tree { data: other, ..tree },
    };
    for item in &mut items {
        if let Data::Map(members) = &mut item.data {
            members.iter_mut().for_each(|member| as_text(&mut member.value));
        }
    }
    items.retain(|item| !item.members().iter().any(|m| m.name == "Value" && m.value.is_null()));
    items.sort_by(|a, b| key(a).cmp(&key(b)));
    tree.data = Data::List(items);
    tree
}

fn key(tag: &Tree) -> Option<&str> {
    tag.get("Key")?.as_str()
}

fn tag(member: Member) -> Tree {
    let Member { name, span, value } = member;
    let key = Tree::new(span, Data::Scalar(Value::String(name)));
    let open = value.open;
    let members = vec![
        Member { name: "Key".to_owned(), span, value: key },
        Member { name: "Value".to_owned(), span: value.span, value },
    ];
    Tree { open, ..Tree::new(span, Data::Map(members)) }
}

fn as_text(tree: &mut Tree) {
    if let Data::Scalar(value @ (Value::Number(_) | Value::Bool(_))) = &tree.data {
        tree.data = Data::Scalar(Value::String(value.to_string()));
    }
}
