//! A run under way, as its workers share it.

use super::dispatcher::Dispatcher;
use super::link::{Worker, lock};
use super::refresh;
use super::setting::Setting;
use crate::address::Address;
use crate::plan::{self, Action, Board, Inputs, Observed, Plan, Step};
use crate::resource::{Cx, Id, Kind, LiveValue, Result};
use crate::stack::{Lookup, Removal};
use crate::state::journal::Entry;
use crate::state::{Record, State, Status};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;

/// A run under way, as its workers share it.
pub(super) struct Run {
    pub(super) setting: Setting,
    pub(super) steps: BTreeMap<Address, Step>,
    /// What is desired, as far as it was evaluated; secrets as hashes.
    pub(super) desired: Mutex<BTreeMap<Address, Value>>,
    /// What is known of nodes.
    pub(super) board: Arc<Mutex<Board>>,
    /// What the state holds now.
    records: Mutex<BTreeMap<Address, Record>>,
    /// What earlier runs began to create without learning the end.
    begun: BTreeMap<Address, Value>,
    /// Regions that do not answer.
    tripped: Mutex<HashSet<String>>,
    nothing_observed: Observed,
    dispatcher: Dispatcher,
    intents: Arc<AtomicU64>,
    on_created: mpsc::UnboundedSender<Address>,
}

impl Run {
    pub(super) fn new(
        setting: Setting,
        plan: &Plan,
        state: &State,
        dispatcher: Dispatcher,
        on_created: mpsc::UnboundedSender<Address>,
    ) -> Self {
        let steps = || plan.steps.iter();
        Self {
            setting,
            steps: steps().map(|step| (step.address.clone(), step.clone())).collect(),
            desired: Mutex::new(steps().map(|s| (s.address.clone(), s.desired.clone())).collect()),
            board: Arc::new(Mutex::new(known_at_start(plan, state))),
            records: Mutex::new(state.records.clone()),
            begun: state.pending.iter().map(|(a, p)| (a.clone(), p.properties.clone())).collect(),
            tripped: Mutex::default(),
            nothing_observed: Observed::default(),
            dispatcher,
            intents: Arc::default(),
            on_created,
        }
    }

    /// Returns what values are evaluated with; what exists is on the board.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        self.setting.inputs(None, &self.nothing_observed)
    }

    /// Returns the context in which a node is changed, and the link that its
    /// calls go through. The draft is the record that the node will have.
    pub(super) fn worker(
        &self,
        kind: &'static dyn Kind,
        address: &Address,
        draft: Record,
    ) -> (Cx, Arc<Worker>) {
        let cx = self.setting.cx(address, &draft.region, draft.generation);
        let link = Arc::new(Worker {
            calls: Arc::clone(&self.setting.calls),
            kind,
            address: address.clone(),
            dispatcher: self.dispatcher.clone(),
            board: Arc::clone(&self.board),
            intents: Arc::clone(&self.intents),
            draft,
            named: Mutex::new(None),
            on_created: self.on_created.clone(),
        });
        (Cx { link: Arc::<Worker>::clone(&link), ..cx }, link)
    }

    /// Writes to the journal; returns once it is on disk.
    pub(super) async fn write(&self, entries: Vec<Entry>) -> Result<()> {
        self.dispatcher.write(entries.clone()).await?;
        let mut records = lock(&self.records);
        for entry in entries {
            match entry {
                Entry::Put { address, record } => drop(records.insert(address, record)),
                Entry::Remove { address } => drop(records.remove(&address)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns what the state holds of a node.
    pub(super) fn record(&self, address: &Address) -> Option<Record> {
        lock(&self.records).get(address).cloned()
    }

    /// Returns the node as recorded, for work without a fresh look.
    pub(super) fn recorded_live(&self, address: &Address) -> Option<LiveValue> {
        let Record { id, properties, attributes, .. } = self.record(address)?;
        Some(LiveValue { id, properties, attributes })
    }

    /// Returns the properties with which an earlier run began to create the
    /// node without learning the end of it.
    pub(super) fn begun(&self, address: &Address) -> Option<&Value> {
        self.begun.get(address)
    }

    /// Whether a replaced instance of the node stays in AWS.
    pub(super) fn keeps_replaced(&self, address: &Address) -> bool {
        let node = self.setting.expansion.nodes.get(address);
        node.is_some_and(|node| node.update_replace_policy == Removal::Retain)
    }

    /// Looks in AWS for a node of which this run may have made something.
    pub(super) async fn find(
        &self,
        kind: &'static dyn Kind,
        desired: &Value,
        cx: &Cx,
    ) -> Result<Option<LiveValue>> {
        self.setting.owned.forget().await;
        refresh::find(kind, desired, &cx.clone().doubting(true)).await
    }

    /// From now on nothing new is tried in a region.
    pub(super) fn give_up(&self, region: &str) {
        lock(&self.tripped).insert(region.to_owned());
    }

    /// Whether nothing new is tried in a region.
    pub(super) fn has_given_up(&self, region: &str) -> bool {
        lock(&self.tripped).contains(region)
    }
}

impl Lookup for Run {
    fn reference(&self, node: &Address) -> Option<Value> {
        lock(&self.board).reference(node)
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        lock(&self.board).attribute(node, name)
    }
}

/// What is known of nodes that stay, or were not to be seen, or are updated.
fn known_at_start(plan: &Plan, state: &State) -> Board {
    let mut board = Board::default();
    for step in &plan.steps {
        let Some(kind) = crate::resources::kind(&step.type_name) else { continue };
        if matches!(step.action, Action::None | Action::Unreachable | Action::Update)
            && let Some(record) = state.records.get(&step.address)
        {
            let mut attributes = record.attributes.clone();
            if let Some(live) = &step.live {
                plan::merge(&mut attributes, &live.attributes);
            }
            board.set(kind, &step.address, Some(&record.id), &attributes);
        }
    }
    board
}

/// Returns the record that a step's node will have, but for what AWS has yet to
/// say.
pub(super) fn draft(step: &Step, properties: Value) -> Record {
    Record {
        type_name: step.type_name.clone(),
        region: step.region.clone(),
        id: Id::from(""),
        status: Status::Created,
        generation: step.generation,
        properties,
        attributes: Value::Null,
        dependencies: step.dependencies.clone(),
        retain: false,
        outgoing: Vec::new(),
    }
}
