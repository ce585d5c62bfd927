//! What a node sees of the deployment: the values of names, and which nodes
//! there are.

use super::expr::{Reference, Scope};
use super::names::{ambiguous, key_text};
use super::{Declared, Deployment, Lookup, Placement};
use crate::address::{Address, GLOBAL};
use crate::diagnostic::{Diagnostic, nearest};
use crate::value;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A deployment as its nodes see it.
pub(super) struct World {
    pub stack: Arc<Declared>,
    pub deployment: Deployment,
    /// The built-in names that are the same everywhere, and the parameters.
    names: BTreeMap<String, (Value, bool)>,
    /// The nodes of each resource, in the order of the file.
    pub nodes: Vec<Placed>,
}

/// The nodes of a resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Placed {
    pub placement: Option<Placement>,
    pub addresses: Vec<Address>,
    pub known: HashSet<Address>,
    /// Whether not all of them could be found; that has been reported.
    pub broken: bool,
    /// Those that a condition leaves out.
    pub absent: HashSet<Address>,
}

impl World {
    pub(super) fn new(stack: Arc<Declared>, deployment: &Deployment) -> Self {
        let mut names: BTreeMap<String, (Value, bool)> = BTreeMap::new();
        for (name, value) in &deployment.parameters {
            let secret = stack.parameters.iter().any(|p| p.name == *name && p.no_echo);
            names.insert(name.clone(), (value.clone(), secret));
        }
        let builtins = [
            ("regions", json!(deployment.regions)),
            ("primary", json!(deployment.primary)),
            ("env", json!(deployment.env)),
            ("stack", json!(stack.name)),
            ("account", json!(deployment.account)),
            ("partition", json!(deployment.partition)),
        ];
        for (name, value) in builtins {
            names.insert(name.to_owned(), (value, false));
        }
        let nodes = vec![Placed::default(); stack.resources.len()];
        Self { stack, deployment: deployment.clone(), names, nodes }
    }

    /// Returns the place of a reference's target where the address is not one
    /// of a node: why there is none.
    fn absent(&self, index: usize, wanted: &Address) -> Diagnostic {
        let placed = &self.nodes[index];
        let id = &wanted.resource;
        if placed.absent.contains(wanted) {
            let condition = self.stack.resources[index].condition.as_ref();
            let condition = condition
                .map(|condition| self.stack.sources.slice(condition.span).to_owned())
                .unwrap_or_default();
            return Diagnostic::new(format!("`{id}` does not exist here: its `If` is false"))
                .label(format!("there is no {wanted}"))
                .note(format!("the condition is {condition}"))
                .help("use it under the same condition: ${Condition ? … : …}");
        }
        let regions = &self.deployment.regions;
        if wanted.place != GLOBAL && !regions.contains(&wanted.place) {
            let names = regions.iter().map(String::as_str);
            let help = match nearest(&wanted.place, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its regions are {}", regions.join(", ")),
            };
            let summary = format!("`{}` is not a region of this deployment", wanted.place);
            return Diagnostic::new(summary).help(help);
        }
        let there = placed.addresses.iter().map(Address::to_string).take(6);
        let help = match there.collect::<Vec<_>>() {
            none if none.is_empty() => format!("`{id}` has no node at all"),
            some => format!("there are {}", some.join(", ")),
        };
        Diagnostic::new(format!("`{id}` has no such node"))
            .label(format!("there is no {wanted}"))
            .help(help)
    }
}

/// What one node, or an output, sees.
pub(super) struct View<'a> {
    pub world: &'a World,
    /// The node's region.
    pub region: Option<&'a str>,
    pub placement: Placement,
    /// The values of the `ForEach` variables of its resource.
    pub locals: &'a [(String, Value)],
    /// What is known of other nodes; nothing while the nodes are being made.
    pub lookup: &'a dyn Lookup,
}

impl<'a> View<'a> {
    /// Returns what is seen from no region: by outputs, and by `Region`.
    pub(super) fn outside(world: &'a World, lookup: &'a dyn Lookup) -> Self {
        Self { world, region: None, placement: Placement::Global, locals: &[], lookup }
    }
}

/// A lookup that knows nothing.
pub(super) struct Nowhere;

impl Lookup for Nowhere {
    fn reference(&self, _: &Address) -> Option<Value> {
        None
    }

    fn attribute(&self, _: &Address, _: &str) -> Option<Value> {
        None
    }
}

impl Scope for View<'_> {
    fn variable(&self, name: &str) -> Option<(Cow<'_, Value>, bool)> {
        if name == "region" {
            return self.region.map(|region| (Cow::Owned(Value::from(region)), false));
        }
        if let Some((_, value)) = self.locals.iter().rfind(|(local, _)| local == name) {
            return Some((Cow::Borrowed(value), false));
        }
        self.world.names.get(name).map(|(value, secret)| (Cow::Borrowed(value), *secret))
    }

    fn target(
        &self,
        reference: &Reference,
        indices: &[String],
    ) -> Result<Option<Address>, Diagnostic> {
        let Some(&index) = self.world.stack.by_name.get(&reference.resource) else {
            return Ok(None);
        };
        let placed = &self.world.nodes[index];
        let keys = self.world.stack.resources[index].each.len();
        let (place, keys) = match indices.split_first() {
            Some((region, rest)) if indices.len() > keys => (Some(region.as_str()), rest),
            _ => (None, indices),
        };
        let place = match (placed.placement, place) {
            (_, Some(region)) => region.to_owned(),
            (Some(Placement::Global), None) => GLOBAL.to_owned(),
            (Some(Placement::Single), None) => {
                let first = placed.addresses.first().or_else(|| placed.absent.iter().next());
                first.map(|address| address.place.clone()).unwrap_or_default()
            }
            (_, None) => match self.region {
                Some(region) if self.placement == Placement::Regional => region.to_owned(),
                _ => {
                    let attribute = reference.attribute.as_ref();
                    let attribute = attribute.map(|name| format!(".{name}")).unwrap_or_default();
                    return Err(ambiguous(&reference.resource, &key_text(reference), &attribute));
                }
            },
        };
        let wanted = Address { place, resource: reference.resource.clone(), keys: keys.to_vec() };
        if placed.known.contains(&wanted) {
            Ok(Some(wanted))
        } else if placed.broken {
            Ok(None)
        } else {
            Err(self.world.absent(index, &wanted))
        }
    }

    fn targets(&self, reference: &Reference) -> Vec<(Vec<String>, Address)> {
        let Some(&index) = self.world.stack.by_name.get(&reference.resource) else {
            return Vec::new();
        };
        let with_region = reference.indices.len() > self.world.stack.resources[index].each.len();
        let placed = &self.world.nodes[index];
        let everywhere = with_region || placed.placement != Some(Placement::Regional);
        let here = |address: &&Address| everywhere || Some(address.place.as_str()) == self.region;
        placed
            .addresses
            .iter()
            .filter(here)
            .map(|address| {
                let region = with_region.then(|| address.place.clone());
                (region.into_iter().chain(address.keys.clone()).collect(), address.clone())
            })
            .collect()
    }

    fn value(&self, target: &Address, attribute: Option<&str>) -> Value {
        let known = match attribute {
            None => self.lookup.reference(target),
            Some(name) => self.lookup.attribute(target, name),
        };
        known.unwrap_or_else(|| {
            let name = attribute.map(|name| format!(".{name}")).unwrap_or_default();
            value::unknown([format!("{target}{name}")])
        })
    }
}
