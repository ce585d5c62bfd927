//! A run: applies a plan. One loop hands out work the moment its last need is
//! reached, and hears from the workers what was reached or failed.

use super::dispatcher::{Dispatcher, Running};
use super::events::{Event, milliseconds};
use super::link::{Calls, Observer, lock};
use super::schedule::{self, Point, Task, Work};
use super::worker;
use crate::address::Address;
use crate::asset::Assets;
use crate::aws::clients::Clients;
use crate::aws::owned::Owned;
use crate::graph::Graph;
use crate::plan::{Action, Board, Inputs, Observed, Options, Plan, Step};
use crate::resource::{Class, Cx, Failure, LiveValue, Owner, Place, Result};
use crate::stack::{Deployment, Expansion};
use crate::state::journal::Entry;
use crate::state::{OutputValue, Record, State, StateError};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// How long calls in flight may take after the user asked to stop.
const GRACE: Duration = Duration::from_secs(6);

/// What a deployment is made of, shared by refresh, plan and run.
#[derive(Clone)]
pub struct Setting {
    /// The stack's name.
    pub stack: String,
    /// The facts of the deployment.
    pub deployment: Deployment,
    /// The declared nodes.
    pub expansion: Arc<Expansion>,
    /// Their graph.
    pub graph: Arc<Graph>,
    /// Local code.
    pub assets: Arc<Assets>,
    /// The folder that its paths start from.
    pub root: PathBuf,
    /// What the user allows and asks for.
    pub options: Options,
    /// AWS.
    pub clients: Arc<Clients>,
    /// What the deployment owns by its tags.
    pub owned: Arc<Owned>,
    /// What all calls share.
    pub calls: Arc<Calls>,
}

impl Setting {
    /// Returns what a plan is made of.
    pub fn inputs<'a>(&'a self, state: Option<&'a State>, observed: &'a Observed) -> Inputs<'a> {
        Inputs {
            stack: &self.stack,
            deployment: &self.deployment,
            expansion: &self.expansion,
            graph: &self.graph,
            state,
            observed,
            options: &self.options,
            assets: (&self.assets, &self.root),
        }
    }

    /// Returns the context of calls that only look.
    pub(crate) fn observer(&self, place: Place, owner: Owner) -> Cx {
        let link =
            Arc::new(Observer { calls: Arc::clone(&self.calls), address: owner.address.clone() });
        Cx::new(
            place,
            owner,
            Arc::clone(&self.clients),
            link,
            Arc::clone(&self.owned),
            Arc::clone(&self.assets),
        )
    }
}

/// A run under way, as its workers see it.
pub(crate) struct Run {
    setting: Setting,
    nothing_observed: Observed,
    steps: BTreeMap<Address, Step>,
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

    async fn perform(&self, work: &Work) -> Result<()> {
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

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Nodes done, by what was done.
    pub done: BTreeMap<Action, usize>,
    /// What failed, and why.
    pub failed: Vec<(Address, Action, Failure)>,
    /// What did not begin, and because of which node.
    pub skipped: Vec<(Address, Action, String)>,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// The outputs that could be evaluated.
    pub outputs: BTreeMap<String, OutputValue>,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    /// Whether everything that was planned is done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && !self.interrupted
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
    let mut summary = Loop::new(Arc::clone(&run), tasks, plan).drive(created, &stop).await;
    summary.took = started.elapsed();
    summary.outputs = close(&run, plan).await;
    drop(run);
    finish(running, summary)
}

fn finish(running: Running, summary: Summary) -> std::result::Result<(Summary, State), StateError> {
    let state = running.join()?.close()?;
    Ok((summary, state))
}

/// What is known of nodes that the plan leaves as they are or updates.
fn known_at_start(plan: &Plan, state: &State) -> Board {
    let mut board = Board::default();
    for step in &plan.steps {
        let Some(kind) = crate::resources::kind(&step.type_name) else { continue };
        if matches!(step.action, Action::None | Action::Update)
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

/// What the loop knows.
struct Loop {
    run: Arc<Run>,
    waiting: Vec<Task>,
    reached: HashSet<Point>,
    /// Points that will never be reached, and whose failure that is.
    lost: HashMap<Point, Address>,
    completed_later: HashSet<Address>,
    running: JoinSet<(Work, Duration, Result<()>)>,
    started: HashSet<Address>,
    summary: Summary,
}

impl Loop {
    fn new(run: Arc<Run>, tasks: Vec<Task>, plan: &Plan) -> Self {
        let completed_later = tasks
            .iter()
            .filter(|task| matches!(task.work, Work::Complete(_)))
            .map(|task| task.work.address().clone())
            .collect();
        let mut lost = HashMap::new();
        for step in plan.steps.iter().filter(|step| step.action == Action::Unreachable) {
            let address = &step.address;
            for point in [
                Point::Created(address.clone()),
                Point::Settled(address.clone()),
                Point::Ready(address.clone()),
                Point::Deleted(address.clone()),
            ] {
                lost.insert(point, address.clone());
            }
        }
        let mut summary = Summary::default();
        for step in plan.steps.iter().filter(|step| step.action == Action::Unreachable) {
            let failure =
                Failure::local(Class::Unreachable, format!("{} does not answer", step.region));
            summary.failed.push((step.address.clone(), Action::Unreachable, failure));
        }
        Self {
            run,
            waiting: tasks,
            reached: HashSet::new(),
            lost,
            completed_later,
            running: JoinSet::new(),
            started: HashSet::new(),
            summary,
        }
    }

    async fn drive(
        mut self,
        mut created: mpsc::UnboundedReceiver<Address>,
        stop: &Notify,
    ) -> Summary {
        self.start_ready();
        while !self.running.is_empty() {
            tokio::select! {
                Some(address) = created.recv() => {
                    self.reached.insert(Point::Created(address));
                    self.start_ready();
                }
                Some(ended) = self.running.join_next() => self.ended(ended),
                () = stop.notified(), if !self.summary.interrupted => {
                    self.interrupt();
                    if tokio::time::timeout(GRACE, self.drain()).await.is_err() {
                        self.running.abort_all();
                    }
                    break;
                }
            }
        }
        let left: Vec<Task> = std::mem::take(&mut self.waiting);
        for task in left {
            self.skip(&task.work, "the run was interrupted".to_owned());
        }
        self.summary
    }

    fn interrupt(&mut self) {
        self.summary.interrupted = true;
        self.run.calls.stop();
        self.run.calls.tell(Event::Stopping);
    }

    async fn drain(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            self.ended(ended);
        }
    }

    fn ended(
        &mut self,
        ended: std::result::Result<(Work, Duration, Result<()>), tokio::task::JoinError>,
    ) {
        match ended {
            Ok((work, took, Ok(()))) => self.done(&work, took),
            Ok((work, _, Err(failure))) => self.failed(&work, failure),
            Err(error) if error.is_cancelled() => {}
            // A panic in a worker is a bug; the others go on, and the node is
            // found again by the next run.
            Err(error) => tracing::error!(%error, "A worker ended. This is a bug in payctl"),
        }
        self.start_ready();
    }

    fn action(&self, address: &Address) -> Action {
        self.run.steps.get(address).map_or(Action::None, |step| step.action)
    }

    fn done(&mut self, work: &Work, took: Duration) {
        let address = work.address();
        let later = self.completed_later.contains(address);
        self.reached.extend(schedule::reached_by(work, later));
        let is_last = match work {
            Work::Converge(_) => !later,
            Work::Complete(_) | Work::Delete(_) => true,
            Work::DeleteOld(_) => false,
        };
        if is_last {
            let action = self.action(address);
            *self.summary.done.entry(action).or_default() += 1;
            self.run.calls.tell(Event::Finished {
                address: address.clone(),
                action,
                milliseconds: milliseconds(took),
            });
        }
    }

    fn failed(&mut self, work: &Work, failure: Failure) {
        let address = work.address().clone();
        let action = self.action(&address);
        let later = self.completed_later.contains(&address);
        for point in schedule::reached_by(work, later) {
            if !self.reached.contains(&point) {
                self.lost.insert(point, address.clone());
            }
        }
        self.run.calls.tell(Event::Failed {
            address: address.clone(),
            action,
            failure: failure.clone(),
        });
        self.summary.failed.push((address, action, failure));
    }

    /// Starts all work whose needs are reached, the longest chains first, and
    /// gives up work whose needs are lost.
    fn start_ready(&mut self) {
        loop {
            let mut ready = Vec::new();
            let mut hopeless = Vec::new();
            let waiting = std::mem::take(&mut self.waiting);
            for task in waiting {
                if let Some(culprit) = task.needs.iter().find_map(|need| self.lost.get(need)) {
                    hopeless.push((task.work, culprit.clone()));
                } else if self.may_start(&task) {
                    ready.push(task);
                } else {
                    self.waiting.push(task);
                }
            }
            ready.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.work.cmp(&b.work)));
            for task in ready {
                self.start(task.work);
            }
            if hopeless.is_empty() {
                return;
            }
            for (work, culprit) in hopeless {
                let later = self.completed_later.contains(work.address());
                for point in schedule::reached_by(&work, later) {
                    self.lost.insert(point, culprit.clone());
                }
                self.skip(&work, format!("{culprit} failed"));
            }
        }
    }

    fn may_start(&self, task: &Task) -> bool {
        !self.summary.interrupted
            && task.needs.is_subset_of(&self.reached)
            && task
                .wants
                .iter()
                .all(|want| self.reached.contains(want) || self.lost.contains_key(want))
    }

    fn start(&mut self, work: Work) {
        let address = work.address().clone();
        if self.started.insert(address.clone()) {
            let action = self.action(&address);
            self.run.calls.tell(Event::Started { address, action });
        }
        let run = Arc::clone(&self.run);
        self.running.spawn(async move {
            let started = Instant::now();
            let done = run.perform(&work).await;
            (work, started.elapsed(), done)
        });
    }

    fn skip(&mut self, work: &Work, because: String) {
        // A node whose first half failed is reported once.
        let address = work.address().clone();
        if self.summary.failed.iter().any(|(failed, ..)| *failed == address)
            || self.summary.skipped.iter().any(|(skipped, ..)| *skipped == address)
        {
            return;
        }
        let action = self.action(&address);
        self.run.calls.tell(Event::Skipped {
            address: address.clone(),
            action,
            because: because.clone(),
        });
        self.summary.skipped.push((address, action, because));
    }
}

trait SubsetOf {
    fn is_subset_of(&self, other: &HashSet<Point>) -> bool;
}

impl SubsetOf for BTreeSet<Point> {
    fn is_subset_of(&self, other: &HashSet<Point>) -> bool {
        self.iter().all(|point| other.contains(point))
    }
}
