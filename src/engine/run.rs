//! A run: applies a plan, and holds what its workers share.

use super::dispatcher::{Dispatcher, Running};
use super::drive::{Loop, Summary};
use super::link::{Calls, lock};
use super::schedule::{self, Work};
use super::setting::Setting;
use super::worker;
use crate::address::Address;
use crate::plan::{Action, Board, Inputs, Observed, Options, Plan, Step};
use crate::resource::{Class, Cx, Failure, LiveValue, Owner, Place, Result};
use crate::stack::Expansion;
use crate::state::journal::Entry;
use crate::state::{OutputValue, Record, State, StateError};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{Notify, mpsc};

/// A run under way, as its workers see it.
pub(crate) struct Run {
    setting: Setting,
    nothing_observed: Observed,
    pub(super) steps: BTreeMap<Address, Step>,
    pending: HashSet<Address>,
    records: Mutex<BTreeMap<Address, Record>>,
    tripped: Mutex<HashSet<String>>,
    pub(crate) expansion: Arc<Expansion>,
    pub(crate) options: Options,
    pub(crate) calls: Arc<Calls>,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) board: Arc<Mutex<Board>>,
    pub(crate) desired: Mutex<BTreeMap<Address, Value>>,
    pub(crate) intents: Arc<AtomicU64>,
    pub(crate) on_created: mpsc::UnboundedSender<Address>,
}

impl Run {
    pub(crate) fn inputs(&self) -> Inputs<'_> {
        self.setting.inputs(None, &self.nothing_observed)
    }

    pub(crate) fn salt(&self) -> String {
        self.inputs().id()
    }

    pub(crate) fn cx(&self, place: Place, owner: Owner) -> Cx {
        self.setting.observer(place, owner)
    }

    pub(crate) fn observer_cx(&self, address: &Address, region: &str, generation: u32) -> Cx {
        let place = Place { region: region.to_owned(), ..self.inputs().place(address) };
        let owner = Owner { deployment: self.inputs().id(), address: address.clone(), generation };
        self.setting.observer(place, owner)
    }

    pub(crate) async fn write(&self, entries: Vec<Entry>) -> Result<()> {
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

    pub(crate) fn record(&self, address: &Address) -> Option<Record> {
        lock(&self.records).get(address).cloned()
    }

    /// Returns the node as recorded, for work without a fresh look.
    pub(crate) fn recorded_live(&self, address: &Address) -> Option<LiveValue> {
        let record = self.record(address)?;
        Some(LiveValue {
            id: record.id,
            properties: record.properties,
            attributes: record.attributes,
        })
    }

    /// Whether an earlier run began to create the node and did not learn the
    /// end of it.
    pub(crate) fn was_pending(&self, address: &Address) -> bool {
        self.pending.contains(address)
    }

    /// Whether a replaced instance of the node stays in AWS.
    pub(crate) fn keeps_replaced(&self, address: &Address) -> bool {
        let node = self.expansion.nodes.get(address);
        node.is_some_and(|node| node.update_replace_policy == crate::stack::Removal::Retain)
    }

    pub(crate) async fn find(
        &self,
        kind: &'static dyn crate::resource::Kind,
        desired: &Value,
        cx: &Cx,
    ) -> Result<Option<LiveValue>> {
        self.setting.owned.forget().await;
        super::refresh::find(kind, desired, &cx.clone().doubting(true)).await
    }

    pub(crate) fn is_ours(
        &self,
        kind: &dyn crate::resource::Kind,
        owner: &Owner,
        live: &LiveValue,
        desired: &Value,
        was_pending: bool,
    ) -> bool {
        super::refresh::ownership(kind, owner, live, desired, was_pending)
            == crate::plan::Ownership::Ours
    }

    pub(super) async fn perform(&self, work: &Work) -> Result<()> {
        let Some(step) = self.steps.get(work.address()) else {
            return Err(Failure::refused("the plan has no step for it. This is a bug in payctl"));
        };
        if lock(&self.tripped).contains(&step.region) {
            return Err(Failure::local(
                Class::Unreachable,
                format!("{} does not answer", step.region),
            ));
        }
        let done = match work {
            Work::Converge(_) => worker::converge(self, step).await,
            Work::Complete(_) => worker::complete(self, step).await,
            Work::Delete(_) => worker::delete(self, step).await,
            Work::DeleteOld(_) => worker::delete_old(self, step).await,
        };
        // A kind may reach over regions: whose silence was it?
        if let Err(failure) = &done
            && failure.class == Class::Unreachable
            && self.calls.is_silent(&step.region)
        {
            lock(&self.tripped).insert(step.region.clone());
        }
        done
    }
}

/// Applies a plan. `stop` is notified when the user asks to stop.
pub async fn run(
    setting: Setting,
    plan: &Plan,
    store: crate::state::local::Store,
    stop: Arc<Notify>,
) -> std::result::Result<(Summary, State), StateError> {
    let state = store.state().clone();
    let (dispatcher, running) = Dispatcher::start(store);
    let (on_created, created) = mpsc::unbounded_channel();
    let run = Arc::new(Run {
        nothing_observed: Observed::default(),
        steps: plan.steps.iter().map(|step| (step.address.clone(), step.clone())).collect(),
        pending: state.pending.keys().cloned().collect(),
        records: Mutex::new(state.records.clone()),
        tripped: Mutex::default(),
        expansion: Arc::clone(&setting.expansion),
        options: setting.options.clone(),
        calls: Arc::clone(&setting.calls),
        dispatcher,
        board: Arc::new(Mutex::new(known_at_start(plan, &state))),
        desired: Mutex::new(
            plan.steps.iter().map(|s| (s.address.clone(), s.desired.clone())).collect(),
        ),
        intents: Arc::new(AtomicU64::new(0)),
        on_created,
        setting,
    });
    let tasks = schedule::tasks(plan, &run.setting.graph, &state);
    let started = Instant::now();
    let lost = schedule::lost(plan, &state);
    let mut summary = Loop::new(Arc::clone(&run), tasks, &lost, plan).drive(created, &stop).await;
    summary.took = started.elapsed();
    summary.outputs = close(&run, plan).await;
    drop(run);
    finish(running, summary)
}

fn finish(running: Running, summary: Summary) -> std::result::Result<(Summary, State), StateError> {
    let state = running.join()?.close()?;
    Ok((summary, state))
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
                crate::plan::merge(&mut attributes, &live.attributes);
            }
            board.set(kind, &step.address, Some(&record.id), &attributes);
        }
    }
    board
}

/// Writes what the run leaves beside the nodes themselves: regions, outputs,
/// and edges of nodes that did not change.
async fn close(run: &Run, plan: &Plan) -> BTreeMap<String, OutputValue> {
    let mut outputs = BTreeMap::new();
    if run.options.destroy {
        return outputs;
    }
    for output in &run.expansion.outputs {
        if let Ok(value) = output.value(run)
            && !crate::value::has_unknown(&value)
        {
            let value = if output.secret() { Value::from("(secret)") } else { value };
            outputs.insert(
                output.name.clone(),
                OutputValue { value, description: output.description.clone() },
            );
        }
    }
    let deployment = run.inputs().deployment;
    let mut entries = vec![
        Entry::Outputs { outputs: outputs.clone() },
        Entry::Regions { primary: deployment.primary.clone(), regions: deployment.regions.clone() },
    ];
    for step in plan.steps.iter().filter(|step| step.action == Action::None) {
        let Some(node) = run.expansion.nodes.get(&step.address) else { continue };
        let Some(record) = run.record(&step.address) else { continue };
        let retain = crate::plan::retains(node);
        if record.dependencies != step.dependencies || record.retain != retain {
            let record = Record { dependencies: step.dependencies.clone(), retain, ..record };
            entries.push(Entry::Put { address: step.address.clone(), record });
        }
    }
    if let Err(failure) = run.write(entries).await {
        tracing::warn!(%failure, "The outputs were not saved");
    }
    outputs
}
