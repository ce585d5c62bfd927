//! Finds where the nodes are: the regions, keys and conditions of every
//! resource, which use only what is known before anything is made.

use super::template::{Template, not_a_condition};
use super::tree::Data;
use super::world::{Nowhere, Placed, View, World};
use super::{Placement, Resource};
use crate::address::{Address, GLOBAL};
use crate::diagnostic::{Diagnostic, Span, nearest};
use crate::resource::Scope as Reach;
use serde_json::Value;

/// What sets one node of a resource apart from the others.
pub(super) struct Instance {
    /// The resource, by its number.
    pub resource: usize,
    pub region: Option<String>,
    /// The values of the resource's `ForEach` variables.
    pub locals: Vec<(String, Value)>,
}

/// Returns the nodes of every resource, and each with its address, in the
/// order of the file.
pub(super) fn place(
    world: &World,
    problems: &mut Vec<Diagnostic>,
) -> (Vec<Placed>, Vec<(Address, Instance)>) {
    let mut made = Vec::new();
    let resources = 0..world.stack.resources.len();
    let nodes =
        resources.map(|index| Placer { world, index, made: &mut made, problems }.place()).collect();
    (nodes, made)
}

/// Finds the nodes of one resource.
struct Placer<'a> {
    world: &'a World,
    index: usize,
    made: &'a mut Vec<(Address, Instance)>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Placer<'_> {
    fn resource(&self) -> &Resource {
        &self.world.stack.resources[self.index]
    }

    fn place(&mut self) -> Placed {
        let before = self.problems.len();
        let (placement, places) = self.places();
        let mut placed = Placed { placement: Some(placement), ..Placed::default() };
        for place in places {
            let region = (place != GLOBAL).then(|| place.clone());
            let address = Address::new(place, self.resource().id.clone());
            self.combine(address, region.as_deref(), &mut Vec::new(), &mut placed);
        }
        placed.broken = self.problems.len() > before;
        placed
    }

    fn places(&mut self) -> (Placement, Vec<String>) {
        let deployment = &self.world.deployment;
        let world = self.world;
        let resource = &world.stack.resources[self.index];
        if resource.kind.meta().scope == Reach::Global {
            return (Placement::Global, vec![GLOBAL.to_owned()]);
        }
        let Some(template) = &resource.region else {
            return (Placement::Regional, deployment.regions.clone());
        };
        let tree = template.evaluate(&View::outside(world, &Nowhere), self.problems);
        let (placement, items) = match &tree.data {
            Data::List(items) => (Placement::Regional, items.as_slice()),
            _ => (Placement::Single, std::slice::from_ref(&tree)),
        };
        let mut places: Vec<String> = Vec::new();
        for item in items {
            let Some(region) = item.as_str() else {
                self.problems.push(
                    Diagnostic::at(item.span, "`Region` takes a region, or a list of regions")
                        .label(format!("this is {}", item.describe())),
                );
                continue;
            };
            if !deployment.regions.iter().any(|known| known == region) {
                self.problems.push(not_deployed(item.span, region, &deployment.regions));
            } else if !places.iter().any(|known| known == region) {
                places.push(region.to_owned());
            }
        }
        (placement, places)
    }

    /// Makes a node of every combination of the variables from here on.
    fn combine(
        &mut self,
        address: Address,
        region: Option<&str>,
        locals: &mut Vec<(String, Value)>,
        placed: &mut Placed,
    ) {
        let world = self.world;
        let resource = &world.stack.resources[self.index];
        let placement = placed.placement.unwrap_or(Placement::Regional);
        let view = View { world, region, placement, locals, lookup: &Nowhere };
        let Some(variable) = resource.each.get(locals.len()) else {
            let exists = resource
                .condition
                .as_ref()
                .is_none_or(|condition| truth(condition, &view, self.problems));
            return self.finish(address, region, locals.clone(), exists, placed);
        };
        let Some((values, secret)) = variable.values(&view, self.problems) else { return };
        if secret {
            self.problems.push(
                Diagnostic::at(variable.list.span, "a secret cannot be part of an address")
                    .help("go through a list that is not made of a NoEcho parameter"),
            );
            return;
        }
        for value in values {
            let Some(key) = self.key(&value, variable.list.span) else { continue };
            let mut address = address.clone();
            address.keys.push(key);
            locals.push((variable.name.clone(), value));
            self.combine(address, region, locals, placed);
            locals.pop();
        }
    }

    fn key(&mut self, value: &Value, span: Span) -> Option<String> {
        let key = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => String::new(),
        };
        let good = !key.is_empty()
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@+=".contains(c));
        if !good {
            self.problems.push(
                Diagnostic::at(span, "an item that cannot be part of an address")
                    .label(format!("one item is {value}"))
                    .help("the items must be short texts of letters, digits and `-_.:/@+=`"),
            );
        }
        good.then_some(key)
    }

    fn finish(
        &mut self,
        address: Address,
        region: Option<&str>,
        locals: Vec<(String, Value)>,
        exists: bool,
        placed: &mut Placed,
    ) {
        if !exists {
            placed.absent.insert(address);
        } else if placed.known.insert(address.clone()) {
            placed.addresses.push(address.clone());
            let region = region.map(str::to_owned);
            self.made.push((address, Instance { resource: self.index, region, locals }));
        } else {
            let span = self.resource().each.last().map_or(self.resource().span, |v| v.list.span);
            let summary = format!("`{}` has two nodes with one key", address.resource);
            self.problems.push(
                Diagnostic::at(span, summary)
                    .label(format!("{address} is made twice"))
                    .help("remove the item that stands in the list twice"),
            );
        }
    }
}

fn not_deployed(span: Span, region: &str, regions: &[String]) -> Diagnostic {
    let help = match nearest(region, regions.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its regions are {}; add this one by --regions", regions.join(", ")),
    };
    Diagnostic::at(span, format!("`{region}` is not a region of this deployment")).help(help)
}

/// Returns the truth of a condition.
pub(super) fn truth(condition: &Template, view: &View<'_>, problems: &mut Vec<Diagnostic>) -> bool {
    let before = problems.len();
    let tree = condition.evaluate(view, problems);
    match tree.data {
        Data::Scalar(Value::Bool(truth)) => truth,
        _ => {
            if problems.len() == before {
                problems.push(not_a_condition(condition.span, &tree));
            }
            true
        }
    }
}
