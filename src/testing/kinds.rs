//! Types that exist for tests alone. None of them reaches AWS.

use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fixed, Id, Kind, Late, Live, Meta, Place, Ready,
    Recorded, Resource, Result, Tags, of,
};
use crate::resources;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The types of these tests.
pub(crate) static KINDS: &[&dyn Kind] = &[&of::<Thing>(), &of::<Store>(), &of::<Part>()];

/// Returns the real types and these.
pub(super) fn with_real_ones() -> &'static [&'static dyn Kind] {
    static ALL: LazyLock<Vec<&'static dyn Kind>> =
        LazyLock::new(|| resources::KINDS.iter().chain(KINDS).copied().collect());
    &ALL
}

/// Implements the part of a type that is never called without AWS.
macro_rules! offline {
    () => {
        async fn read(_: &Id, _: &Cx) -> Result<Option<Live<Self>>> {
            Ok(None)
        }

        async fn converge(
            &self,
            _: Option<&Live<Self>>,
            _: &Changes,
            _: &Cx,
        ) -> Result<Self::Attributes> {
            Err(Failure::refused("a type of tests"))
        }

        async fn delete(_: &Recorded<Self>, _: &Cx) -> Result<()> {
            Ok(())
        }
    };
}

/// Something with a name, which may use others.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
struct Thing {
    /// What names it.
    name: Option<Fixed<String>>,
    /// How large it is.
    size: Option<u32>,
    /// Another thing.
    uses: Option<String>,
    /// Another thing, which must be ready.
    needs: Option<Ready<String>>,
    /// Other things, which need only be there in the end.
    peers: Option<Late<Vec<String>>>,
    /// Its tags.
    tags: Option<Tags>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ThingAttributes {
    /// Known beforehand.
    arn: Early<String>,
    /// Known once it is made.
    token: Early<String>,
    /// Known once it is ready.
    address: String,
}

impl Resource for Thing {
    type Attributes = ThingAttributes;
    const META: Meta = Meta::regional("AWS::Test::Thing").named("Name", 60).taggable();

    fn identity(desired: Desired<'_>, _: &Place) -> Option<Id> {
        desired.text("Name").map(Id::from)
    }

    fn predict(desired: Desired<'_>, _: &Place) -> Value {
        desired.text("Name").map_or(Value::Null, |name| json!({"Arn": format!("arn:{name}")}))
    }

    offline!();
}

/// A thing that holds data and takes its time.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
struct Store(Thing);

impl Resource for Store {
    type Attributes = ThingAttributes;
    const META: Meta =
        Meta::regional("AWS::Test::Store").named("Name", 60).taggable().holds_data().takes(60);

    fn identity(desired: Desired<'_>, place: &Place) -> Option<Id> {
        Thing::identity(desired, place)
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        Thing::predict(desired, place)
    }

    offline!();
}

/// What a thing is not complete without.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Part {
    /// The thing.
    whole: Fixed<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct PartAttributes {}

impl Resource for Part {
    type Attributes = PartAttributes;
    const META: Meta = Meta::regional("AWS::Test::Part").completes("Whole");
    offline!();
}
