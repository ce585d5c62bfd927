//! How a plan is made: every node's desired properties, evaluated with what is
//! known of the nodes before it, and what they mean for the resource there is.

use super::selection::{self, Selection};
use super::{Action, Look, Observed, Options, Ownership, Plan, Refusal, Step, diff, names, secret};
use crate::address::Address;
use crate::asset::Assets;
use crate::diagnostic::Diagnostics;
use crate::graph::{self, Graph};
use crate::resource::{Change, Desired, Id, Kind, LiveValue, Place, schema};
use crate::stack::{Deployment, Expansion, Lookup, Node, Removal};
use crate::state::{Dependency, Record, State, Status};
use crate::value::{has_unknown, unknown, unknown_sources};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Everything that a plan is made of.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The facts of the deployment.
    pub deployment: &'a Deployment,
    /// The nodes that the stack declares; none for a destroy.
    pub expansion: &'a Expansion,
    /// Their graph.
    pub graph: &'a Graph,
    /// What the last run left.
    pub state: Option<&'a State>,
    /// What AWS answered.
    pub observed: &'a Observed,
    /// What the user allows and asks for.
    pub options: &'a Options,
    /// Local code, and the folder that its paths start from.
    pub assets: (&'a Assets, &'a Path),
}

impl Inputs<'_> {
    /// Returns the deployment's id.
    pub fn id(&self) -> String {
        format!("{}.{}", self.stack, self.deployment.env)
    }

    /// Returns the place whose calls serve an address.
    pub fn place(&self, address: &Address) -> Place {
        let region = if address.is_global() {
            global_region(&self.deployment.partition)
        } else {
            &address.place
        };
        Place {
            region: region.to_owned(),
            account: self.deployment.account.clone(),
            partition: self.deployment.partition.clone(),
        }
    }

    fn salt(&self) -> String {
        self.id()
    }
}

/// Returns the region that signs for global services of a partition.
pub(crate) fn global_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// What is known of each node's attributes.
#[derive(Clone, Debug, Default)]
pub struct Board(HashMap<Address, Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    reference: Option<Value>,
    attributes: Map<String, Value>,
}

impl Board {
    /// Notes what is known of a node: what names it and its attributes.
    pub fn set(&mut self, kind: &dyn Kind, address: &Address, id: Option<&Id>, attributes: &Value) {
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        let reference = match kind.meta().reference {
            Some(attribute) => attributes.get(attribute).cloned(),
            None => id.map(|id| json!(id)),
        };
        self.0.insert(address.clone(), Known { reference, attributes });
    }

    /// Forgets a node.
    pub fn forget(&mut self, address: &Address) {
        self.0.remove(address);
    }
}

impl Lookup for Board {
    fn reference(&self, node: &Address) -> Option<Value> {
        self.0.get(node)?.reference.clone()
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        let mut names = name.split('.');
        let mut value = self.0.get(node)?.attributes.get(names.next()?)?;
        for name in names {
            value = value.get(name)?;
        }
        Some(value.clone())
    }
}

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
    planner.outputs()?;
    Ok(planner.finish())
}

/// Returns a node's desired properties, completed by what the stack file
/// leaves to payctl: its name, its code's hash, the content it freezes.
///
/// `lookup` says what is known of other nodes; `siblings` returns the desired
/// properties of nodes that were evaluated before.
pub fn desired(
    inputs: &Inputs<'_>,
    node: &Node,
    generation: u32,
    lookup: &dyn Lookup,
    siblings: &dyn Fn(&Address) -> Option<Value>,
) -> Result<Value, Diagnostics> {
    let mut properties = node.properties(lookup)?;
    let meta = node.kind.meta();
    if let (Some(rule), Value::Object(map)) = (&meta.name, &mut properties) {
        let made = || {
            names::physical(
                rule,
                &inputs.id(),
                &node.address,
                generation,
                &inputs.place(&node.address),
            )
        };
        map.entry(rule.property).or_insert_with(|| Value::String(made()));
    }
    add_assets(inputs, node, &mut properties)?;
    if let (Some(property), Value::Object(map)) = (meta.snapshots, &mut properties) {
        map.insert("ContentHash".to_owned(), content_hash(inputs, node, property, siblings));
    }
    Ok(properties)
}

/// Replaces paths of local code by the hash of their zip.
fn add_assets(inputs: &Inputs<'_>, node: &Node, properties: &mut Value) -> Result<(), Diagnostics> {
    let (assets, root) = inputs.assets;
    for (name, property) in schema::properties(node.kind.schema()) {
        if property.get("x-asset").is_none() {
            continue;
        }
        let Some(value) = properties.get_mut(name) else { continue };
        let Some(path) = value.as_str() else { continue };
        let asset = assets.add(root, path).map_err(|error| {
            Diagnostics::of(format!(
                "{}: {name}: cannot read the code in '{path}': {error}",
                node.address
            ))
        })?;
        *value = json!({ "Asset": asset });
    }
    Ok(())
}

/// Returns the hash of what a deployment freezes: the desired properties of
/// its target and of all that completes the target.
fn content_hash(
    inputs: &Inputs<'_>,
    node: &Node,
    property: &str,
    siblings: &dyn Fn(&Address) -> Option<Value>,
) -> Value {
    let target = node.references.iter().find(|reference| reference.property == property);
    let Some(target) = target.map(|reference| &reference.target) else { return Value::Null };
    let attached = graph::completions(&inputs.expansion.nodes)
        .filter(|(_, completed)| completed == target)
        .map(|(attachment, _)| attachment);
    let mut content = BTreeMap::new();
    for address in attached.chain([target.clone()]) {
        let mut properties = siblings(&address).unwrap_or_else(|| unknown([address.to_string()]));
        if let Some(map) = properties.as_object_mut() {
            map.remove("Tags");
        }
        content.insert(address.to_string(), properties);
    }
    let content = json!(content);
    if has_unknown(&content) {
        unknown(unknown_sources(&content))
    } else {
        Value::String(crate::hash::hex(content.to_string().as_bytes())[..16].to_owned())
    }
}

struct Planner<'a> {
    inputs: &'a Inputs<'a>,
    selection: Selection,
    board: Board,
    desired: BTreeMap<Address, Value>,
    steps: BTreeMap<Address, Step>,
    refusals: Vec<Refusal>,
    outputs: BTreeMap<String, Value>,
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
            outputs: BTreeMap::new(),
        }
    }

    fn record(&self, address: &Address) -> Option<&'a Record> {
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
            step.reasons.push("left alone by --target or --exclude".to_owned());
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
            (Some(_), Some(Look::Unreachable)) => step.action = Action::Unreachable,
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

    /// A node that the state does not know.
    fn unrecorded(&mut self, node: &Node, step: &mut Step) {
        if let Some((from, record, live)) = self.departing(node, step) {
            let masked = secret::masked(
                node.kind.schema(),
                &node.secrets,
                &self.inputs.salt(),
                &live.properties,
            );
            step.action = Action::Move;
            step.id = Some(record.id.clone());
            step.generation = record.generation;
            step.changes = diff::diff(node.kind, &step.desired, &masked, &record.properties);
            step.live = Some(live.clone());
            step.from = Some(from.clone());
            return;
        }
        let Some(found) = self.inputs.observed.found.get(&node.address) else {
            step.action = Action::Create;
            if let Some(words) = self.inputs.observed.denied.get(&node.address) {
                let message = format!("the name may be taken by another account ({words})");
                self.refuse(
                    &node.address,
                    &message,
                    "choose another name, or ask for the right to look",
                );
            }
            return;
        };
        let masked = secret::masked(
            node.kind.schema(),
            &node.secrets,
            &self.inputs.salt(),
            &found.live.properties,
        );
        step.action = Action::Adopt;
        step.id = Some(found.live.id.clone());
        step.changes = diff::diff(node.kind, &step.desired, &masked, &Value::Null);
        step.live = Some(found.live.clone());
        let whose = match &found.owner {
            Ownership::Ours => {
                step.reasons.push("it is this deployment's own, by its tags".to_owned());
                None
            }
            Ownership::Other(owner) => {
                Some(format!("{} exists and belongs to {owner}", found.live.id))
            }
            Ownership::Nobody => Some(format!("{} exists and is not payctl's", found.live.id)),
        };
        match whose {
            Some(message) if !self.inputs.options.adopt => {
                self.refuse(
                    &node.address,
                    &message,
                    "choose another name, or take it over with --adopt",
                );
            }
            _ => {}
        }
        if let Some(change) = step.changes.iter().find(|change| change.replaces) {
            let message = format!(
                "{} exists with another {}, which AWS cannot change",
                found.live.id, change.path
            );
            self.refuse(&node.address, &message, "delete it or choose another name");
        }
    }

    /// Returns the record that leaves the stack with this node's identity: the
    /// resource is renamed, not made anew.
    fn departing(
        &self,
        node: &Node,
        step: &Step,
    ) -> Option<(&'a Address, &'a Record, &'a LiveValue)> {
        let place = self.inputs.place(&node.address);
        let identity = node.kind.identity(Desired(&step.desired), &place)?;
        let state = self.inputs.state?;
        let (from, record) = state.records.iter().find(|(address, record)| {
            record.id == identity
                && record.type_name == node.kind.meta().type_name
                && record.region == place.region
                && !self.inputs.expansion.nodes.contains_key(*address)
        })?;
        match self.inputs.observed.recorded.get(from) {
            Some(Look::Live(live)) => Some((from, record, live)),
            _ => None,
        }
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
                if action != Action::None {
                    forget_volatile(node.kind, &mut attributes);
                }
                self.board.set(node.kind, &node.address, step.id.as_ref(), &attributes);
            }
        }
    }

    /// Plans the end of nodes that the stack no longer declares.
    fn departures(&mut self) {
        let Some(state) = self.inputs.state else { return };
        let moved: Vec<Address> =
            self.steps.values().filter_map(|step| step.from.clone()).collect();
        for (address, record) in &state.records {
            let declared =
                !self.inputs.options.destroy && self.inputs.expansion.nodes.contains_key(address);
            if declared || moved.contains(address) || !self.selection.allows(address) {
                continue;
            }
            let step = self.departure(address, record);
            self.steps.insert(address.clone(), step);
        }
        for (address, pending) in &state.pending {
            let declared =
                !self.inputs.options.destroy && self.inputs.expansion.nodes.contains_key(address);
            if declared || state.records.contains_key(address) || !self.selection.allows(address) {
                continue;
            }
            let found = self
                .inputs
                .observed
                .found
                .get(address)
                .filter(|found| found.owner == Ownership::Ours);
            let record = Record {
                type_name: pending.type_name.clone(),
                region: pending.region.clone(),
                id: found.map_or_else(|| Id::from(""), |found| found.live.id.clone()),
                status: Status::Created,
                generation: pending.generation,
                properties: pending.properties.clone(),
                attributes: Value::Null,
                dependencies: pending.dependencies.clone(),
                retain: pending.retain,
                outgoing: Vec::new(),
            };
            let mut step = self.departure(address, &record);
            if found.is_none() {
                step.action = Action::Forget;
                step.reasons =
                    vec!["its creation was interrupted and AWS does not have it".to_owned()];
            }
            self.steps.insert(address.clone(), step);
        }
    }

    fn departure(&mut self, address: &Address, record: &Record) -> Step {
        let meta = crate::resources::kind(&record.type_name).map(|kind| kind.meta());
        let mut reasons = Vec::new();
        let action = match self.inputs.observed.recorded.get(address) {
            Some(Look::Unreachable) => Action::Unreachable,
            _ if record.retain => {
                reasons.push("DeletionPolicy is Retain: it stays in AWS".to_owned());
                Action::Forget
            }
            _ if meta.is_some_and(|meta| meta.singleton) => {
                reasons.push("the account has just one, which stays".to_owned());
                Action::Forget
            }
            Some(Look::Gone) => {
                reasons.push("it was deleted outside payctl".to_owned());
                Action::Delete
            }
            _ => Action::Delete,
        };
        if action == Action::Delete && !self.inputs.options.destroy {
            self.guard_departure(address, meta.is_some_and(|meta| meta.holds_data));
        }
        Step {
            address: address.clone(),
            type_name: record.type_name.clone(),
            region: record.region.clone(),
            action,
            id: Some(record.id.clone()),
            generation: record.generation,
            changes: Vec::new(),
            drift: Vec::new(),
            reasons,
            delete_first: false,
            from: None,
            desired: Value::Null,
            dependencies: record.dependencies.clone(),
            live: None,
        }
    }

    fn guard_departure(&mut self, address: &Address, holds_data: bool) {
        let dropped =
            !address.is_global() && !self.inputs.deployment.regions.contains(&address.place);
        if dropped && !self.inputs.options.allow_region_removal {
            let message =
                format!("{} is no longer among the regions and still has nodes", address.place);
            self.refuse(
                address,
                &message,
                "give all regions with --regions, or allow it with --allow-region-removal",
            );
        } else if holds_data && !self.inputs.options.allow_data_loss {
            self.refuse(
                address,
                "deleting it loses the data that it holds",
                "allow it with --allow-data-loss",
            );
        }
    }

    fn refuse(&mut self, address: &Address, message: &str, hint: &str) {
        self.refusals.push(Refusal {
            address: Some(address.clone()),
            message: message.to_owned(),
            hint: hint.to_owned(),
        });
    }

    fn outputs(&mut self) -> Result<(), Diagnostics> {
        if self.inputs.options.destroy {
            return Ok(());
        }
        for output in &self.inputs.expansion.outputs {
            let value = output.value(&self.board)?;
            let value = if output.secret() { Value::from("(secret)") } else { value };
            self.outputs.insert(output.name.clone(), value);
        }
        Ok(())
    }

    fn finish(mut self) -> Plan {
        let order = self.inputs.graph.order().iter();
        let mut steps: Vec<Step> = order.filter_map(|address| self.steps.remove(address)).collect();
        // What leaves comes last, in the order of addresses.
        steps.extend(std::mem::take(&mut self.steps).into_values());
        for pattern in self.selection.unmatched() {
            self.refusals.push(Refusal {
                address: None,
                message: format!("'{pattern}' matches no node"),
                hint: "addresses are written like us-east-1/Key; payctl graph shows them all"
                    .to_owned(),
            });
        }
        Plan {
            deployment: self.inputs.id(),
            account: self.inputs.deployment.account.clone(),
            regions: self.inputs.deployment.regions.clone(),
            steps,
            refusals: self.refusals,
            outputs: self.outputs,
        }
    }
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

/// Lays the members of `over` over those of `base`.
pub(crate) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                base.insert(name.clone(), value.clone());
            }
        }
        (base, over) if base.is_null() => *base = over.clone(),
        _ => {}
    }
}

/// Whether a node stays in AWS when its declaration goes.
pub(crate) fn retains(node: &Node) -> bool {
    node.deletion_policy == Removal::Retain
}
