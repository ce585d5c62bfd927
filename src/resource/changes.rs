//! What a converge has to change.

use super::{Tag, Tags};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One difference between what is and what is desired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The property, nested names and list indices joined by `/`.
    pub path: String,
    /// What it is; null when unset.
    pub before: Value,
    /// What it should be; null when it goes back to AWS's default.
    pub after: Value,
    /// Whether AWS can make it only on a new resource.
    pub replaces: bool,
}

impl Change {
    /// Returns the top-level property that the change is in.
    pub fn property(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }
}

/// The differences that a converge has to remove; empty on a create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Whether anything in the top-level property changes.
    pub fn has(&self, property: &str) -> bool {
        self.0.iter().any(|change| change.property() == property)
    }

    /// Whether anything in one of the top-level properties changes.
    pub fn any(&self, properties: &[&str]) -> bool {
        properties.iter().any(|property| self.has(property))
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changed tags: what is set in `desired` under a changed key,
    /// and the keys that go. Tags that nobody of ours ever set are left alone.
    pub fn tags(&self, desired: Option<&Tags>) -> TagChanges {
        let desired: BTreeMap<&str, &Tag> = desired
            .into_iter()
            .flat_map(|tags| tags.iter())
            .map(|tag| (tag.key.as_str(), tag))
            .collect();
        let mut changes = TagChanges::default();
        for change in &self.0 {
            let Some(key) = change.path.strip_prefix("Tags/") else { continue };
            match desired.get(key) {
                Some(tag) => changes.set.push((*tag).clone()),
                None => changes.remove.push(key.to_owned()),
            }
        }
        changes
    }
}

/// Tags to set and tag keys to remove.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TagChanges {
    /// Tags that are new or have another value.
    pub set: Vec<Tag>,
    /// Keys that go.
    pub remove: Vec<String>,
}
