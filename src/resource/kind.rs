//! The erased form of a [`Resource`], which the plan and the engine see.

use super::{
    Changes, Cx, Desired, Failure, Fault, Id, Live, Meta, Place, Recorded, Resource, Result, schema,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::any::TypeId;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{LazyLock, Mutex, PoisonError};

/// [`Live`] with its types erased.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveValue {
    /// What names it.
    pub id: Id,
    /// Its properties as AWS returns them.
    pub properties: Value,
    /// Its attributes.
    pub attributes: Value,
}

/// [`Recorded`] with its types erased.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedValue {
    /// What names it.
    pub id: Id,
    /// The properties that were applied last.
    pub applied: Value,
}

/// A [`Resource`] with its types erased: one per AWS resource type, listed in
/// [`crate::resources::KINDS`]. The methods are those of [`Resource`].
pub trait Kind: Send + Sync {
    /// What is constant about the type.
    fn meta(&self) -> &'static Meta;
    /// The JSON Schema of the properties, subschemas inlined.
    fn schema(&self) -> &'static Value;
    /// The JSON Schema of the attributes, subschemas inlined.
    fn attributes(&self) -> &'static Value;
    /// See [`Resource::identity`].
    fn identity(&self, desired: Desired<'_>, place: &Place) -> Option<Id>;
    /// See [`Resource::predict`].
    fn predict(&self, desired: Desired<'_>, place: &Place) -> Value;
    /// See [`Resource::check`].
    fn check(&self, desired: Desired<'_>) -> Vec<Fault>;
    /// See [`Resource::find`].
    fn find<'a>(&'a self, desired: Value, cx: &'a Cx) -> BoxFuture<'a, Result<Option<Id>>>;
    /// See [`Resource::read`].
    fn read<'a>(&'a self, id: &'a Id, cx: &'a Cx) -> BoxFuture<'a, Result<Option<LiveValue>>>;
    /// See [`Resource::converge`].
    fn converge<'a>(
        &'a self,
        desired: Value,
        current: Option<LiveValue>,
        changes: &'a Changes,
        cx: &'a Cx,
    ) -> BoxFuture<'a, Result<Value>>;
    /// See [`Resource::delete`].
    fn delete<'a>(&'a self, recorded: RecordedValue, cx: &'a Cx) -> BoxFuture<'a, Result<()>>;
}

/// Returns the erased form of `R`.
pub const fn of<R: Resource>() -> Erased<R> {
    Erased(PhantomData)
}

/// A [`Resource`] behind [`Kind`].
pub struct Erased<R>(PhantomData<fn() -> R>);

impl<R: Resource> Kind for Erased<R> {
    fn meta(&self) -> &'static Meta {
        const { &R::META }
    }

    fn schema(&self) -> &'static Value {
        schema_of::<R>()
    }

    fn attributes(&self) -> &'static Value {
        schema_of::<R::Attributes>()
    }

    fn identity(&self, desired: Desired<'_>, place: &Place) -> Option<Id> {
        R::identity(desired, place)
    }

    fn predict(&self, desired: Desired<'_>, place: &Place) -> Value {
        R::predict(desired, place)
    }

    fn check(&self, desired: Desired<'_>) -> Vec<Fault> {
        R::check(desired)
    }

    fn find<'a>(&'a self, desired: Value, cx: &'a Cx) -> BoxFuture<'a, Result<Option<Id>>> {
        async move {
            // What has no parent yet, or lacks what it needs, does not exist.
            let Ok(desired) = typed::<R>(desired) else { return Ok(None) };
            desired.find(cx).await
        }
        .boxed()
    }

    fn read<'a>(&'a self, id: &'a Id, cx: &'a Cx) -> BoxFuture<'a, Result<Option<LiveValue>>> {
        async move {
            let Some(live) = R::read(id, cx).await? else { return Ok(None) };
            Ok(Some(LiveValue {
                id: live.id,
                properties: erased(self.schema(), &live.properties)?,
                attributes: erased(self.attributes(), &live.attributes)?,
            }))
        }
        .boxed()
    }

    fn converge<'a>(
        &'a self,
        desired: Value,
        current: Option<LiveValue>,
        changes: &'a Changes,
        cx: &'a Cx,
    ) -> BoxFuture<'a, Result<Value>> {
        async move {
            let desired = typed::<R>(desired)?;
            let current = current.map(typed_live::<R>).transpose()?;
            erased(self.attributes(), &desired.converge(current.as_ref(), changes, cx).await?)
        }
        .boxed()
    }

    fn delete<'a>(&'a self, recorded: RecordedValue, cx: &'a Cx) -> BoxFuture<'a, Result<()>> {
        async move {
            let recorded = Recorded { id: recorded.id, applied: typed::<R>(recorded.applied).ok() };
            R::delete(&recorded, cx).await
        }
        .boxed()
    }
}

/// Returns the schema of a type. Each is made once, when first asked for, and
/// kept for good: there are as many as types.
fn schema_of<T: JsonSchema + 'static>() -> &'static Value {
    static MADE: LazyLock<Mutex<HashMap<TypeId, &'static Value>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(TypeId::of::<T>()).or_insert_with(|| {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        Box::leak(Box::new(settings.into_generator().into_root_schema_for::<T>().to_value()))
    })
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value)
        .map_err(|error| Failure::refused(format!("the properties do not fit their type: {error}")))
}

fn typed_live<R: Resource>(live: LiveValue) -> Result<Live<R>> {
    Ok(Live {
        id: live.id,
        properties: typed(live.properties)?,
        attributes: typed(live.attributes)?,
    })
}

fn erased<T: Serialize>(schema: &Value, value: &T) -> Result<Value> {
    serde_json::to_value(value).map(|value| schema::without_nulls(schema, value)).map_err(|error| {
        Failure::refused(format!(
            "a value cannot be written as JSON: {error}. This is a bug in payctl"
        ))
    })
}
