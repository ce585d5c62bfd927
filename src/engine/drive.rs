//! The loop of a run: hands out work the moment its last need is reached, and
//! hears from the workers what was reached or failed.

use super::events::{Event, milliseconds};
use super::run::Run;
use super::schedule::{self, Point, Task, Work};
use crate::address::Address;
use crate::plan::{Action, Plan};
use crate::resource::{Class, Failure, Result};
use crate::state::OutputValue;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

/// How long calls in flight may take after the user asked to stop.
const GRACE: Duration = Duration::from_secs(6);

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

/// What the loop knows.
pub(super) struct Loop {
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
    pub(super) fn new(run: Arc<Run>, tasks: Vec<Task>, plan: &Plan) -> Self {
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

    pub(super) async fn drive(
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
