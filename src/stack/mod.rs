//! The stack language: from a YAML file to nodes.
//!
//! 1. [`yaml`] reads the file into a tree that knows where everything stands.
//! 2. [`expr`] compiles the `${…}` of its strings, [`builder`] makes values of
//!    both that can be evaluated, a [`template`] each.
//! 3. [`parse`] reads the sections into a [`Stack`], [`check`] compares it
//!    with the types' schemas, [`names`] the expressions with what there is.
//! 4. [`place`] finds where the nodes of a deployment are, [`expand`] makes
//!    them and checks what only shows there, [`edge`] says what a reference
//!    waits for, [`cycle`] checks that no nodes wait for each other.
//!
//! Everything that is wrong with a file is reported at once. Nothing here
//! reads the environment, calls AWS or prints.

mod builder;
mod check;
mod cycle;
mod document;
mod edge;
mod expand;
mod expr;
mod names;
mod normal;
mod parameters;
mod parse;
mod place;
mod regions;
mod template;
mod tree;
mod unknown_type;
mod world;
mod yaml;

#[cfg(test)]
mod tests;

pub use edge::{Edge, Moment};
pub use expand::{Expansion, Node, Output, Reference};
pub use parameters::Given;
pub use regions::check_regions;

use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span};
use crate::resource::{Kind, Scope as Reach};
use crate::resources::KINDS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use template::{Template, Variable};

/// The facts about a deployment that the expansion of its stack needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The environment's name: `dev`.
    pub env: String,
    /// The regions; the primary is one of them, not always the first.
    pub regions: Vec<String>,
    /// The region that single resources live in by custom.
    pub primary: String,
    /// The account's 12 digits.
    pub account: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The values of the parameters, from [`Stack::parameters`].
    pub parameters: BTreeMap<String, Value>,
}

/// What a node's properties are computed with: what is known of other nodes.
pub trait Lookup {
    /// Returns a node's Ref; `None` if it is known after apply.
    fn reference(&self, node: &Address) -> Option<Value>;
    /// Returns a node's attribute, nested names joined by `.`; `None` if it is
    /// known after apply.
    fn attribute(&self, node: &Address, name: &str) -> Option<Value>;
}

/// What becomes of a resource that leaves the stack, or is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Removal {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays behind.
    Retain,
}

impl Removal {
    fn named(name: Option<&str>) -> Option<Self> {
        match name {
            Some("Delete") => Some(Self::Delete),
            Some("Retain") => Some(Self::Retain),
            _ => None,
        }
    }

    fn unknown(span: Span, found: &str) -> Diagnostic {
        Diagnostic::at(span, "an unknown policy")
            .label(format!("this is {found}"))
            .help("the policies are Delete and Retain")
    }
}

/// What a stack file declares. Cheap to clone.
#[derive(Clone)]
pub struct Stack(Arc<Declared>);

struct Declared {
    sources: Sources,
    root: PathBuf,
    name: String,
    description: Option<String>,
    regions: Vec<String>,
    parameters: Vec<parameters::Parameter>,
    tags: Vec<template::Member>,
    resources: Vec<Resource>,
    by_name: HashMap<String, usize>,
    outputs: Vec<OutputDeclaration>,
}

struct Resource {
    id: String,
    span: Span,
    kind: &'static dyn Kind,
    each: Vec<Variable>,
    condition: Option<Template>,
    region: Option<Template>,
    depends_on: Vec<(String, Span)>,
    deletion: Option<Template>,
    replacement: Option<Template>,
    properties: Vec<Property>,
}

struct Property {
    name: String,
    span: Span,
    template: Template,
}

struct OutputDeclaration {
    name: String,
    value: Template,
    description: Option<Template>,
    condition: Option<Template>,
}

/// Where the nodes of a resource live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placement {
    /// Once in the account.
    Global,
    /// In one region.
    Single,
    /// In each of several regions.
    Regional,
}

impl Resource {
    /// Returns where its nodes live, as far as the file alone tells.
    fn placement(&self) -> Option<Placement> {
        if self.kind.meta().scope == Reach::Global {
            return Some(Placement::Global);
        }
        let Some(region) = &self.region else { return Some(Placement::Regional) };
        match &region.data {
            template::Data::List(_) => Some(Placement::Regional),
            template::Data::Scalar(_) => Some(Placement::Single),
            template::Data::Text(_) => match region.whole() {
                None => Some(Placement::Single),
                Some(expression) => match expression.code.variable() {
                    Some("primary") => Some(Placement::Single),
                    Some("regions") => Some(Placement::Regional),
                    _ => None,
                },
            },
            template::Data::Map(_)
            | template::Data::Each(_)
            | template::Data::When(_)
            | template::Data::Broken => None,
        }
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Stack {
    /// Reads a stack file and checks all that can be checked without knowing
    /// the deployment.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        let text = read(path)?;
        Self::parse(&path.display().to_string(), &text, &project(path))
    }

    /// Reads the text of a stack file whose paths start from `root`.
    pub fn parse(name: &str, text: &str, root: &Path) -> Result<Self, Diagnostics> {
        Self::parse_with(name, text, root, KINDS)
    }

    /// Like [`Stack::parse`], where there are other resource types.
    pub fn parse_with(
        name: &str,
        text: &str,
        root: &Path,
        kinds: &'static [&'static dyn Kind],
    ) -> Result<Self, Diagnostics> {
        parse::stack(name, text, root, kinds).map(|declared| Self(Arc::new(declared)))
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns what the file says about it.
    pub fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Returns the regions that the file names; the first is the primary.
    pub fn regions(&self) -> &[String] {
        &self.0.regions
    }

    /// Returns the folder that paths of local code start from.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Returns the names of the parameters whose values are never shown.
    pub fn secret_parameters(&self) -> BTreeSet<&str> {
        let secret = self.0.parameters.iter().filter(|parameter| parameter.no_echo);
        secret.map(|parameter| parameter.name.as_str()).collect()
    }

    /// Returns the value of every parameter.
    pub fn parameters(&self, given: &Given) -> Result<BTreeMap<String, Value>, Diagnostics> {
        parameters::resolve(&self.0.parameters, given, &self.0.sources)
    }

    /// Returns the nodes and outputs of a deployment.
    pub fn expand(&self, deployment: &Deployment) -> Result<Expansion, Diagnostics> {
        expand::expand(&self.0, deployment)
    }

    /// Returns the JSON Schema of a stack file, for editors.
    pub fn json_schema() -> Value {
        document::schema(KINDS)
    }
}

/// Reads a file that the user named.
fn read(path: &Path) -> Result<String, Diagnostic> {
    let cannot = |why: String| Diagnostic::new(format!("cannot read {}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => cannot("there is no such file".to_owned()),
        std::io::ErrorKind::IsADirectory => cannot("it is a folder".to_owned()),
        _ => cannot(error.to_string()),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        cannot(format!("byte {} is not UTF-8 text", error.utf8_error().valid_up_to() + 1))
    })
}

/// Returns the folder of the project that a stack file belongs to: the one
/// that holds `plans/`, else the file's own.
fn project(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_plans = fs::canonicalize(folder).is_ok_and(|full| full.ends_with("plans"));
    match folder.parent().filter(|_| is_plans) {
        Some(parent) if parent.as_os_str().is_empty() && folder == Path::new(".") => {
            PathBuf::from("..")
        }
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None => folder.to_path_buf(),
    }
}
