//! A resource type as AWS describes it.

use super::shape::Shape;
use crate::support::python::{self, TOOLS};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// AWS's schema of a resource type. Paths are names joined by `/`, without
/// the `*` of lists and maps, which AWS writes only sometimes.
pub(crate) struct Provider {
    /// Its properties, those that are read only among them.
    pub(crate) shape: Shape,
    /// What AWS gives back: paths of top-level and nested properties.
    pub(crate) read_only: BTreeSet<String>,
    /// What a change replaces the resource for.
    pub(crate) create_only: BTreeSet<String>,
    /// What a change may replace the resource for.
    pub(crate) conditional: BTreeSet<String>,
    /// What AWS does not return.
    pub(crate) write_only: BTreeSet<String>,
    /// The names that `Fn::GetAtt` takes.
    pub(crate) attributes: BTreeSet<String>,
    /// Whether it takes tags in its property `Tags`.
    pub(crate) taggable: bool,
}

impl Provider {
    /// Returns AWS's schemas of the types; none for one that AWS does not have.
    pub(crate) fn load(types: &[&'static str]) -> BTreeMap<&'static str, Option<Self>> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/provider_schema.py");
        let script = script.to_str().expect("the project's path is UTF-8");
        let arguments = std::iter::once(script).chain(types.iter().copied());
        let output = python::run(&TOOLS.program("python"), arguments);
        let found: BTreeMap<String, Option<Value>> =
            serde_json::from_str(&output).expect("the script writes JSON");
        types.iter().map(|name| (*name, found[*name].as_ref().map(Self::of))).collect()
    }

    fn of(found: &Value) -> Self {
        let schema = &found["schema"];
        let shape = Shape::of(schema);
        let texts = |value: &Value| -> Vec<String> {
            let values = value.as_array().into_iter().flatten();
            values.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let paths = |key| texts(&schema[key]).iter().map(|pointer| path(pointer)).collect();
        let tagging = &schema["tagging"];
        let is_tagged = tagging["taggable"] != false;
        Self {
            read_only: paths("readOnlyProperties"),
            create_only: paths("createOnlyProperties"),
            conditional: paths("conditionalCreateOnlyProperties"),
            write_only: paths("writeOnlyProperties"),
            attributes: texts(&found["attributes"]).into_iter().collect(),
            taggable: is_tagged && shape.properties.contains_key("Tags"),
            shape,
        }
    }
}

/// Returns `A/B` for `/properties/A/*/B`.
fn path(pointer: &str) -> String {
    let names =
        pointer.split('/').filter(|name| !matches!(*name, "" | "*" | "properties" | "items"));
    names.collect::<Vec<_>>().join("/")
}
