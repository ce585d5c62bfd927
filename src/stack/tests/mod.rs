//! The language as a whole, on stack files.

mod cases;
mod deployments;
mod kinds;
mod large;
mod parameters;

use super::{Deployment, Expansion, Given, Lookup, Stack};
use crate::address::Address;
use crate::diagnostic::Diagnostics;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The folder of the cases.
fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks")
}

fn parse(text: &str) -> Result<Stack, Diagnostics> {
    Stack::parse_with("stack.yaml", text, &folder(), kinds::kinds())
}

/// The deployment of a stack in the regions that it names, by its defaults.
fn deployment(stack: &Stack) -> Result<Deployment, Diagnostics> {
    Ok(Deployment {
        env: "dev".to_owned(),
        regions: stack.regions().to_vec(),
        primary: stack.regions().first().cloned().unwrap_or_default(),
        account: "000000000000".to_owned(),
        partition: "aws".to_owned(),
        parameters: stack.parameters(&Given::default())?,
    })
}

fn expand(text: &str) -> Result<Expansion, Diagnostics> {
    let stack = parse(text)?;
    stack.expand(&deployment(&stack)?)
}

/// A lookup that knows what it is told.
#[derive(Default)]
struct Known(BTreeMap<String, Value>);

impl Known {
    fn new<const N: usize>(known: [(&str, Value); N]) -> Self {
        Self(known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

impl Lookup for Known {
    fn reference(&self, node: &Address) -> Option<Value> {
        self.0.get(&node.to_string()).cloned()
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        self.0.get(&format!("{node}.{name}")).cloned()
    }
}
