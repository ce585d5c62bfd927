//! How a plan is made: every node's desired properties, evaluated with what is
//! known of the nodes before it, and what they mean for the resource there is.

use super::board::{Board, merge};
use super::desired::desired;
use super::inputs::Inputs;
use super::selection::{self, Selection};
use super::{Action, Look, OutputChange, Plan, Refusal, Step, diff, secret};
use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::graph::Graph;
use crate::resource::{Change, Desired, Kind, LiveValue, schema};
use crate::stack::{Node, Removal};
use crate::state::{Dependency, Record, State, Status};
use crate::ui::counted;
use crate::value::unknown_sources;
use serde_json::Value;
use std::collections::BTreeMap;

/// Makes the plan.
pub fn build(inputs: &Inputs<'_>) -> Result<Plan, Diagnostics> {
    let mut planner = Planner::new(inputs);
    if !inputs.options.destroy {
        planner.nodes()?;
        // References of late properties may point at nodes that come after:
        // with their fate known, everything is evaluated once more.
        planner.steps.clear();
        planner.refusals.clear();
        planner.nodes()?;
    }
    planner.departures();
    planner.identities();
    let outputs = planner.outputs()?;
    Ok(planner.finish(outputs))
}

/// A plan in the making. The other files of this folder hold the rest of it.
pub(super) struct Planner<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) selection: Selection,
    pub(super) board: Board,
    pub(super) desired: BTreeMap<Address, Value>,
    pub(super) steps: BTreeMap<Address, Step>,
    pub(super) refusals: Vec<Refusal>,
    /// Regions that are no longer named, and how many nodes each still has.
    pub(super) dropped: BTreeMap<String, u64>,
}

impl<'a> Planner<'a> {
    fn new(inputs: &'a Inputs<'a>) -> Self {
        let mut board = Board::default();
        for (address, record) in inputs.state.iter().flat_map(|state| &state.records) {
            let Some(kind) = crate::resources::kind(&record.type_name) else { continue };
            let mut attributes = record.attributes.clone();
            if let Some(Look::Live(live)) = inputs.observed.recorded.get(address) {
                merge(&mut attributes, &live.attributes);
            }
            board.set(kind, address, Some(&record.id), &attributes);
        }
        Self {
            selection: Selection::new(inputs.options, inputs.graph, inputs.state),
            inputs,
            board,
            desired: BTreeMap::new(),
            steps: BTreeMap::new(),
            refusals: Vec::new(),
            dropped: BTreeMap::new(),
        }
    }

    pub(super) fn record(&self, address: &Address) -> Option<&'a Record> {
        self.inputs.state?.records.get(address)
    }

    fn nodes(&mut self) -> Result<(), Diagnostics> {
        for address in self.inputs.graph.order() {
            let Some(node) = self.inputs.expansion.nodes.get(address) else { continue };
            let step = self.node(node)?;
            self.note(node, &step);
            self.steps.insert(address.clone(), step);
        }
        Ok(())
    }

    /// Plans one node.
    fn node(&mut self, node: &Node) -> Result<Step, Diagnostics> {
        let record =
            self.record(&node.address).filter(|r| r.type_name == node.kind.meta().type_name);
        let generation = self.generation(&node.address, record);
        let mut step = self.blank(node, generation);
        step.desired = self.evaluate(node, generation)?;
        if !self.selection.allows(&node.address) {
            step.reasons.push(LEFT_ALONE.to_owned());
            step.id = record.map(|record| record.id.clone());
            return Ok(step);
        }
        if let Some(other) =
            self.record(&node.address).filter(|r| r.type_name != node.kind.meta().type_name)
        {
            step.reasons.push(format!("its type was {}", other.type_name));
            self.replace(node, other, &mut step)?;
            return Ok(step);
        }
        match (record, self.inputs.observed.recorded.get(&node.address)) {
            (Some(record), Some(Look::Unreachable)) => {
                step.action = Action::Unreachable;
                step.id = Some(record.id.clone());
                let recorded = &record.properties;
                step.changes = diff::diff(node.kind, &step.desired, recorded, recorded);
                step.reasons.push(silence(&record.region));
            }
            (Some(record), Some(Look::Live(live))) => {
                self.existing(node, record, live, &mut step)?
            }
            (Some(_), _) => {
                step.action = Action::Create;
                step.reasons.push("it was deleted outside payctl".to_owned());
            }
            (None, _) => self.unrecorded(node, &mut step),
        }
        Ok(step)
    }

    /// A creation that was begun is found, or repeated, under its own number.
    fn generation(&self, address: &Address, record: Option<&Record>) -> u32 {
        let pending = self.inputs.state.and_then(|state| state.pending.get(address));
        record
            .map(|record| record.generation)
            .or(pending.map(|pending| pending.generation))
            .unwrap_or_default()
    }

    fn blank(&self, node: &Node, generation: u32) -> Step {
        Step {
            address: node.address.clone(),
            type_name: node.kind.meta().type_name.to_owned(),
            region: self.inputs.place(&node.address).region,
            action: Action::None,
            id: None,
            generation,
            changes: Vec::new(),
            drift: Vec::new(),
            reasons: Vec::new(),
            delete_first: false,
            from: None,
            desired: Value::Null,
            dependencies: dependencies(self.inputs.graph, &node.address),
            live: None,
        }
    }

    fn evaluate(&mut self, node: &Node, generation: u32) -> Result<Value, Diagnostics> {
        let evaluated = &self.desired;
        let siblings = |address: &Address| evaluated.get(address).cloned();
        let properties = desired(self.inputs, node, generation, &self.board, &siblings)?;
        let shown =
            secret::masked(node.kind.schema(), &node.secrets, &self.inputs.salt(), &properties);
        self.desired.insert(node.address.clone(), shown.clone());
        Ok(shown)
    }

    /// A node that the state knows and AWS has.
    fn existing(
        &mut self,
        node: &Node,
        record: &Record,
        live: &LiveValue,
        step: &mut Step,
    ) -> Result<(), Diagnostics> {
        let masked = secret::masked(
            node.kind.schema(),
            &node.secrets,
            &self.inputs.salt(),
            &live.properties,
        );
        step.id = Some(record.id.clone());
        step.drift = diff::drift(node.kind, &masked, &record.properties);
        step.changes = diff::diff(node.kind, &step.desired, &masked, &record.properties);
        step.live = Some(live.clone());
        let asked =
            self.inputs.options.replace.iter().any(|p| selection::matches(p, &node.address));
        if asked || step.changes.iter().any(|change| change.replaces) {
            if asked {
                step.reasons.push("asked for by --replace".to_owned());
            }
            return self.replace(node, record, step);
        }
        let unfinished = match record.status {
            Status::Ready => (!record.outgoing.is_empty())
                .then_some("an earlier instance is still to be deleted"),
            Status::Created => Some("its creation was interrupted"),
            Status::Incomplete => Some("some of its items could not be set"),
            Status::Deleting => Some("its deletion was interrupted"),
        };
        step.reasons.extend(unfinished.map(str::to_owned));
        if unfinished.is_some() || !step.changes.is_empty() {
            step.action = Action::Update;
        }
        Ok(())
    }

    fn replace(
        &mut self,
        node: &Node,
        record: &Record,
        step: &mut Step,
    ) -> Result<(), Diagnostics> {
        let forced = std::mem::take(&mut step.changes);
        step.action = Action::Replace;
        step.generation = record.generation + 1;
        step.id = Some(record.id.clone());
        step.desired = self.evaluate(node, step.generation)?;
        let place = self.inputs.place(&node.address);
        let same_type = record.type_name == node.kind.meta().type_name;
        step.delete_first = same_type
            && node.kind.identity(Desired(&step.desired), &place).as_ref() == Some(&record.id);
        step.changes = forced;
        if let Some(rule) = &node.kind.meta().name {
            note_new_name(rule.property, record, step);
        }
        if node.kind.meta().holds_data && !self.inputs.options.allow_data_loss {
            self.refuse(
                &node.address,
                "replacing it loses the data that it holds",
                "allow it with --allow-data-loss",
            );
        }
        Ok(())
    }

    /// Notes what the step leaves known of the node.
    fn note(&mut self, node: &Node, step: &Step) {
        let place = self.inputs.place(&node.address);
        match (step.action, self.record(&node.address), &step.live) {
            (Action::Create | Action::Replace, ..) | (_, None, None) => {
                let identity = node.kind.identity(Desired(&step.desired), &place);
                let predicted = node.kind.predict(Desired(&step.desired), &place);
                self.board.set(node.kind, &node.address, identity.as_ref(), &predicted);
            }
            (action, record, live) => {
                let mut attributes = record.map_or(Value::Null, |record| record.attributes.clone());
                if let Some(live) = live {
                    merge(&mut attributes, &live.attributes);
                }
                if action != Action::None && !step.is_as_recorded(record) {
                    forget_volatile(node.kind, &mut attributes);
                }
                self.board.set(node.kind, &node.address, step.id.as_ref(), &attributes);
            }
        }
    }

    pub(super) fn refuse(&mut self, address: &Address, message: &str, hint: &str) {
        self.refusals.push(Refusal {
            address: Some(address.clone()),
            message: message.to_owned(),
            hint: hint.to_owned(),
        });
    }

    /// Returns the values that the outputs will have: those that are known, or
    /// will be.
    fn outputs(&self) -> Result<BTreeMap<String, Value>, Diagnostics> {
        let missing: Vec<&Address> = self.missing().collect();
        let mut board = self.board.clone();
        missing.iter().for_each(|address| board.forget(address));
        let mut outputs = BTreeMap::new();
        for output in &self.inputs.expansion.outputs {
            let value = output.value(&board)?;
            let is_of = |source: &str, address: &Address| {
                let attribute = source.strip_prefix(&address.to_string());
                attribute.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            let sources = unknown_sources(&value);
            if sources.iter().any(|source| missing.iter().any(|address| is_of(source, address))) {
                continue;
            }
            let value = if output.secret() { Value::from("(secret)") } else { value };
            outputs.insert(output.name.clone(), value);
        }
        Ok(outputs)
    }

    /// Returns the nodes that do not exist and are not made either.
    fn missing(&self) -> impl Iterator<Item = &Address> {
        let left = self.steps.values().filter(|step| step.action == Action::None);
        left.map(|step| &step.address).filter(|address| self.record(address).is_none())
    }

    fn finish(mut self, outputs: BTreeMap<String, Value>) -> Plan {
        let order = self.inputs.graph.order().iter();
        let mut steps: Vec<Step> = order.filter_map(|address| self.steps.remove(address)).collect();
        // What leaves comes last, in the order of addresses.
        steps.extend(std::mem::take(&mut self.steps).into_values());
        for (region, count) in &self.dropped {
            let nodes = counted(*count, "node");
            self.refusals.push(Refusal {
                address: None,
                message: format!("{region} is no longer among the regions and still has {nodes}"),
                hint: "give all regions with --regions, or allow it with --allow-region-removal"
                    .to_owned(),
            });
        }
        for pattern in self.selection.unmatched() {
            self.refusals.push(Refusal {
                address: None,
                message: format!("'{pattern}' matches no node"),
                hint: "addresses are written like us-east-1/Key; payctl graph shows them all"
                    .to_owned(),
            });
        }
        let mut plan = Plan {
            deployment: self.inputs.id(),
            account: self.inputs.deployment.account.clone(),
            regions: self.inputs.deployment.regions.clone(),
            steps,
            refusals: self.refusals,
            outputs: BTreeMap::new(),
        };
        if !self.inputs.options.destroy {
            plan.outputs = changed(self.inputs.state, outputs);
        }
        plan
    }
}

/// Returns the outputs that differ from those of the last apply.
fn changed(
    state: Option<&State>,
    outputs: BTreeMap<String, Value>,
) -> BTreeMap<String, OutputChange> {
    let mut changes: BTreeMap<String, OutputChange> = outputs
        .into_iter()
        .map(|(name, after)| (name, OutputChange { before: Value::Null, after }))
        .collect();
    for (name, output) in state.iter().flat_map(|state| &state.outputs) {
        changes.entry(name.clone()).or_default().before = output.value.clone();
    }
    changes.retain(|_, change| change.before != change.after);
    changes
}

/// Shows the new name among the changes when payctl made it: it follows from
/// the replacement and is no reason for it.
fn note_new_name(property: &str, record: &Record, step: &mut Step) {
    let before = record.properties.get(property).cloned().unwrap_or_default();
    let after = step.desired.get(property).cloned().unwrap_or_default();
    if before != after && !step.changes.iter().any(|change| change.path == property) {
        step.changes.push(Change { path: property.to_owned(), before, after, replaces: false });
    }
}

/// Returns what a node waits for; what binds in two ways binds in the
/// stronger.
pub(crate) fn dependencies(graph: &Graph, address: &Address) -> Vec<Dependency> {
    let mut found: BTreeMap<Address, bool> = BTreeMap::new();
    for edge in graph.edges(address) {
        let late = found.entry(edge.target.clone()).or_insert(true);
        *late &= edge.is_late();
    }
    found.into_iter().map(|(address, late)| Dependency { address, late }).collect()
}

fn forget_volatile(kind: &dyn Kind, attributes: &mut Value) {
    if let Some(map) = attributes.as_object_mut() {
        map.retain(|name, _| !schema::marked(kind.attributes(), name, "x-volatile"));
    }
}

/// Why nothing is done with a node.
pub(super) const LEFT_ALONE: &str = "left alone by --target or --exclude";

/// Says why nothing is known of a region.
pub(super) fn silence(region: &str) -> String {
    format!("{region} does not answer")
}

/// Whether a node stays in AWS when its declaration goes.
pub(crate) fn retains(node: &Node) -> bool {
    node.deletion_policy == Removal::Retain
}
