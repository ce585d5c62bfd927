//! Types of properties and attributes: markers for what AWS does with a
//! change, and values that have more than one spelling.
//!
//! Markers are transparent in JSON and set a key in the schema, which is how
//! the plan, the checks and the engine learn of them:
//!
//! | type | schema | meaning |
//! |--|--|--|
//! | [`Fixed`] | `x-replace` | a change needs a new resource |
//! | [`WriteOnly`] | `x-write-only` | AWS does not return it; compared with what was applied last |
//! | [`Late`] | `x-late` | set after *created*; its references wait only for their target's *created* |
//! | [`Ready`] | `x-needs-ready` | its references need their target *ready*, even for an early attribute |
//! | [`Secret`] | `x-secret` | never shown; stored as a hash |
//! | [`Early`] | `x-early` | (attribute) certain at *created*, before *ready* |
//! | [`Volatile`] | `x-volatile` | (attribute) may change with any update |
//! | [`Set`] | `x-set` | a list whose order means nothing |
//! | [`Shared`] | `x-shared` | a list that others add to; their items are left alone |
//! | [`Json`], [`Policy`] | `x-json`, `x-policy` | YAML or a JSON string |
//! | [`Tags`] | `x-tags` | merged by key |
//! | holder of an [`Asset`] | `x-asset` | a path to local code, which is zipped |

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Deref;

macro_rules! marker {
    ($(#[$doc:meta])* $name:ident, $key:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name<T>(pub T);

        impl<T> Deref for $name<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> From<T> for $name<T> {
            fn from(value: T) -> Self {
                Self(value)
            }
        }

        impl<T: JsonSchema> JsonSchema for $name<T> {
            fn schema_name() -> Cow<'static, str> {
                format!("{}{}", stringify!($name), T::schema_name()).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let mut schema = T::json_schema(generator);
                schema.insert($key.to_owned(), Value::Bool(true));
                schema
            }
        }
    };
}

marker!(
    /// A property that AWS cannot change in place.
    Fixed, "x-replace"
);
marker!(
    /// A property that AWS does not return.
    WriteOnly, "x-write-only"
);
marker!(
    /// A property that is set after the resource was created.
    Late, "x-late"
);
marker!(
    /// A property whose references need their target ready for use.
    Ready, "x-needs-ready"
);
marker!(
    /// A list that other resources and other people add items to (the policies
    /// of a role). An item that is not desired and was not applied last is not
    /// ours: it is no difference. Where the items are objects, `x-key` in the
    /// schema names the property that tells them apart.
    Shared, "x-shared"
);
marker!(
    /// An attribute that is certain at *created*.
    Early, "x-early"
);
marker!(
    /// An attribute that may change with any update.
    Volatile, "x-volatile"
);

/// A value that is never shown and is stored as a hash. It is also write-only.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(pub T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Secret{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("x-secret".to_owned(), Value::Bool(true));
        schema.insert("x-write-only".to_owned(), Value::Bool(true));
        schema
    }
}

/// A list whose order means nothing to AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Set<T>(pub Vec<T>);

impl<T> Deref for Set<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: JsonSchema> JsonSchema for Set<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Set{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Vec::<T>::json_schema(generator);
        schema.insert("x-set".to_owned(), Value::Bool(true));
        schema
    }
}

/// A document that AWS takes as JSON text and the stack file as YAML or JSON
/// text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Json(pub Value);

impl Json {
    /// Reads a document from JSON text; text that is no JSON stays text.
    pub fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())))
    }

    /// Returns the document as JSON text.
    pub fn text(&self) -> String {
        match &self.0 {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => Self::parse(&text),
            document => Self(document),
        })
    }
}

impl JsonSchema for Json {
    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "string"], "x-json": true })
    }
}

/// An IAM policy document, compared by meaning: a list of one is its item,
/// the order of actions, resources and principals means nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Policy(pub Json);

impl Policy {
    /// Reads a policy from JSON text.
    pub fn parse(text: &str) -> Self {
        Self(Json::parse(text))
    }

    /// Returns the policy as JSON text.
    pub fn text(&self) -> String {
        self.0.text()
    }
}

impl JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "string"], "x-json": true, "x-policy": true })
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// Its key.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// Its value.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// The tags of a resource, ordered by key. The stack file may write them as
/// CloudFormation's list of `Key` and `Value`, or as a map.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub Vec<Tag>);

impl Tags {
    /// Returns the value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }

    /// Returns the tags in order of their keys.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }

    /// Returns the tags as key and value pairs, as maps of the SDK take them.
    pub fn pairs(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.0.iter().map(|tag| (tag.key.clone(), tag.value.clone()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut tags: Vec<_> = pairs
            .into_iter()
            .map(|(key, value)| Tag { key: key.into(), value: value.into() })
            .collect();
        tags.sort();
        Self(tags)
    }
}

impl JsonSchema for Tags {
    fn schema_name() -> Cow<'static, str> {
        "Tags".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Vec::<Tag>::json_schema(generator);
        schema.insert("x-tags".to_owned(), Value::Bool(true));
        schema
    }
}

/// Local code that payctl zips: in the stack file a path to a folder or file
/// in the place of the property that holds it (whose schema says `x-asset`),
/// in a plan and in state the path and the hash of its zip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Asset {
    /// The path as the stack file writes it.
    pub path: WriteOnly<String>,
    /// The SHA-256 of the zip, in base64, as Lambda shows it.
    pub sha256: String,
}
