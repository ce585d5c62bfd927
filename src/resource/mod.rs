//! What a resource type is to payctl: the [`Resource`] trait that a file in
//! `resources/` implements, and [`Kind`], its erased form, which the plan and
//! the engine see.
//!
//! The model is CloudFormation's: type names, properties, attributes, `Ref`
//! and what a change replaces are those of the resource type's reference. The
//! wrappers in [`property`] mark what the struct's types alone cannot say.
//!
//! A kind never prints, sleeps, retries or touches state. It calls AWS through
//! its [`Cx`], which journals, paces, retries and reports.

mod changes;
mod cx;
mod kind;
mod meta;
pub mod property;
pub mod schema;

pub use changes::{Change, Changes, TagChanges};
pub use cx::{Cx, Found, Link, Owner, Place, Poll};
pub use kind::{Kind, LiveValue, RecordedValue, of};
pub use meta::{Meta, NameRule, Scope};
pub use property::{
    Asset, Early, Fixed, Json, Late, Policy, Ready, Secret, Set, Shared, Tag, Tags, Volatile,
    WriteOnly,
};

pub use crate::aws::error::{Class, Failure};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::future::Future;

/// The result of a call to AWS or of a kind's work.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What names one resource among those of its type in an account and region:
/// CloudFormation's primary identifier, its parts joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub String);

impl Id {
    /// Joins the parts of a compound identifier.
    pub fn join<S: AsRef<str>>(parts: impl IntoIterator<Item = S>) -> Self {
        let parts: Vec<_> = parts.into_iter().map(|p| p.as_ref().to_owned()).collect();
        Self(parts.join("|"))
    }

    /// Splits a compound identifier into its `N` parts; missing ones are empty.
    pub fn parts<const N: usize>(&self) -> [&str; N] {
        let mut found = self.0.splitn(N, '|');
        std::array::from_fn(|_| found.next().unwrap_or_default())
    }

    /// Returns the identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Id {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A resource as AWS has it now.
#[derive(Clone, Debug)]
pub struct Live<R: Resource> {
    /// What names it.
    pub id: Id,
    /// Its properties as AWS returns them; what AWS does not return is absent.
    pub properties: R,
    /// Its attributes.
    pub attributes: R::Attributes,
}

/// A resource as the state recorded it: enough to delete it without the stack
/// file that declared it.
#[derive(Clone, Debug)]
pub struct Recorded<R: Resource> {
    /// What names it.
    pub id: Id,
    /// The properties that were applied last, where they still fit the type.
    pub applied: Option<R>,
}

/// The desired properties before all of them are known.
#[derive(Clone, Copy, Debug)]
pub struct Desired<'a>(pub &'a Value);

impl<'a> Desired<'a> {
    /// Returns a property; `None` where it is unset or known after apply.
    /// `path` is a name or names joined by `/`.
    pub fn get(&self, path: &str) -> Option<&'a Value> {
        let mut value = self.0;
        for name in path.split('/') {
            value = value.get(name)?;
        }
        (!value.is_null() && !crate::value::has_unknown(value)).then_some(value)
    }

    /// Returns a property that is text.
    pub fn text(&self, path: &str) -> Option<&'a str> {
        self.get(path)?.as_str()
    }

    /// Returns a property that is text: `default` where it is unset, `None`
    /// where it is known after apply.
    pub fn text_or(&self, name: &str, default: &'a str) -> Option<&'a str> {
        match self.0.get(name) {
            None | Some(Value::Null) => Some(default),
            Some(_) => self.text(name),
        }
    }
}

/// A fault in the desired properties that AWS would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The property, names joined by `/`; empty for the resource as a whole.
    pub property: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Fault {
    /// Returns a fault of one property.
    pub fn new(property: impl Into<String>, message: impl Into<String>) -> Self {
        Self { property: property.into(), message: message.into() }
    }
}

/// A type of AWS resource: its desired properties, and how to bring AWS to
/// them.
///
/// The implementing struct holds the properties under their CloudFormation
/// names (`#[serde(rename_all = "PascalCase", deny_unknown_fields)]`), every
/// field documented. Unset optional properties are `None` and mean "AWS's
/// own".
pub trait Resource: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What AWS gives back (`Fn::GetAtt`), under CloudFormation's names.
    type Attributes: Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;

    /// The type's name and everything about it that is constant.
    const META: Meta;

    /// Returns what will name the resource, where its properties alone fix
    /// that (a bucket's name, a topic's name in a region).
    ///
    /// Two resources with one identity are one resource.
    fn identity(_desired: Desired<'_>, _place: &Place) -> Option<Id> {
        None
    }

    /// Returns the attributes that are certain before the resource exists
    /// (an ARN made of account, region and name), as a JSON object.
    fn predict(_desired: Desired<'_>, _place: &Place) -> Value {
        Value::Null
    }

    /// Returns the rules of the service that the desired properties break and
    /// that their schema cannot say (a reserved variable, two settings that
    /// exclude each other).
    fn check(_desired: Desired<'_>) -> Vec<Fault> {
        Vec::new()
    }

    /// Finds this node's own resource where its identity is not fixed: by its
    /// ownership tags, its idempotency token, or its parent and content. It
    /// serves after a crash, and when the state is lost.
    fn find(&self, _cx: &Cx) -> impl Future<Output = Result<Option<Id>>> + Send {
        async { Ok(None) }
    }

    /// Reads the resource; `None` when it does not exist.
    fn read(id: &Id, cx: &Cx) -> impl Future<Output = Result<Option<Live<Self>>>> + Send;

    /// Brings AWS to these properties and returns once the resource is ready
    /// for use. Safe to repeat.
    ///
    /// Without `current` it creates the resource and calls [`Cx::created`] as
    /// soon as AWS has named it, before any further call. With `current` it
    /// changes what `changes` names and nothing else: a changed property that
    /// is now unset goes back to AWS's documented default.
    fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> impl Future<Output = Result<Self::Attributes>> + Send;

    /// Deletes the resource and returns once its name is free or AWS has
    /// accepted that it will be. Already gone is success.
    fn delete(recorded: &Recorded<Self>, cx: &Cx) -> impl Future<Output = Result<()>> + Send;
}
