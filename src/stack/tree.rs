//! Values that know where they come from: their place in the file, the nodes
//! that they use, and whether a secret went into them.

use super::expr::Use;
use crate::diagnostic::Span;
use crate::value;
use serde_json::Value;

/// What a template came to.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub span: Span,
    pub data: Data,
    /// Whether a list or map has more than is known now.
    pub open: bool,
    pub secret: bool,
    pub uses: Vec<Use>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    /// Anything but a list or a map.
    Scalar(Value),
    List(Vec<Tree>),
    Map(Vec<Member>),
    /// Known after apply; from what.
    Unknown(Vec<String>),
}

/// A member of a map.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub name: String,
    pub span: Span,
    pub value: Tree,
}

impl Tree {
    pub(super) fn new(span: Span, data: Data) -> Self {
        Self { span, data, open: false, secret: false, uses: Vec::new() }
    }

    /// Gives every part of a value the same place.
    pub(super) fn from_json(span: Span, value: Value, secret: bool) -> Self {
        let data = if value::is_unknown(&value) {
            Data::Unknown(value::unknown_sources(&value))
        } else {
            match value {
                Value::Array(items) => Data::List(
                    items.into_iter().map(|item| Self::from_json(span, item, secret)).collect(),
                ),
                Value::Object(members) => Data::Map(
                    members
                        .into_iter()
                        .map(|(name, value)| Member {
                            name,
                            span,
                            value: Self::from_json(span, value, secret),
                        })
                        .collect(),
                ),
                scalar => Data::Scalar(scalar),
            }
        };
        Self { secret, ..Self::new(span, data) }
    }

    /// Returns the value alone.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar(value) => value.clone(),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(members) => Value::Object(
                members
                    .iter()
                    .map(|member| (member.name.clone(), member.value.to_json()))
                    .collect(),
            ),
            Data::Unknown(sources) => value::unknown(sources),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar(Value::Null))
    }

    /// Returns the text that the value is.
    pub(super) fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the members of the map that the value is.
    pub(super) fn members(&self) -> &[Member] {
        match &self.data {
            Data::Map(members) => members,
            _ => &[],
        }
    }

    /// Returns a member of the map that the value is, unless it is null.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|m| m.name == name).map(|m| &m.value).filter(|v| !v.is_null())
    }

    /// Returns the value at a path of names and list indices joined by `/`, or
    /// as much of the way as there is.
    pub(super) fn nearest(&self, path: &str) -> &Self {
        let mut tree = self;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let next = match &tree.data {
                Data::List(items) => name.parse().ok().and_then(|index: usize| items.get(index)),
                _ => tree.get(name),
            };
            match next {
                Some(next) => tree = next,
                None => break,
            }
        }
        tree
    }

    /// Visits every use of another node, at any depth.
    pub(super) fn visit_uses(&self, visit: &mut dyn FnMut(&Use)) {
        self.uses.iter().for_each(&mut *visit);
        match &self.data {
            Data::List(items) => items.iter().for_each(|item| item.visit_uses(visit)),
            Data::Map(members) => members.iter().for_each(|m| m.value.visit_uses(visit)),
            Data::Scalar(_) | Data::Unknown(_) => {}
        }
    }

    /// Whether a secret went into any part of it.
    fn has_secret(&self) -> bool {
        self.secret
            || match &self.data {
                Data::List(items) => items.iter().any(Self::has_secret),
                Data::Map(members) => members.iter().any(|member| member.value.has_secret()),
                Data::Scalar(_) | Data::Unknown(_) => false,
            }
    }

    /// Adds the paths of the values that a secret went into. Tags go by their
    /// key, as in a plan's changes.
    pub(super) fn secret_paths(&self, path: &str, found: &mut Vec<String>) {
        if self.secret {
            found.push(path.to_owned());
            return;
        }
        match &self.data {
            Data::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    match item.get("Key").and_then(Self::as_str).filter(|_| path == "Tags") {
                        Some(key) if item.has_secret() => found.push(format!("Tags/{key}")),
                        Some(_) => {}
                        None => item.secret_paths(&format!("{path}/{index}"), found),
                    }
                }
            }
            Data::Map(members) => {
                for member in members {
                    member.value.secret_paths(&format!("{path}/{}", member.name), found);
                }
            }
            Data::Scalar(_) | Data::Unknown(_) => {}
        }
    }

    /// Returns what the value is, as a mistake would call it.
    pub(super) fn describe(&self) -> String {
        match &self.data {
            Data::Scalar(Value::Null) => "nothing".to_owned(),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a map".to_owned(),
            Data::Unknown(_) => "a value known after apply".to_owned(),
            Data::Scalar(value) => {
                let kind = match value {
                    Value::Bool(_) => "the boolean",
                    Value::Number(_) => "the number",
                    _ => "the string",
                };
                if self.secret {
                    return format!("{kind} (secret)");
                }
                format!("{kind} {}", shortened(&value.to_string()))
            }
        }
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
