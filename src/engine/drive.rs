//! The loop of a run: hands out work the moment its last need is reached, and
//! hears from the workers what was reached or failed.

use super::events::{Event, milliseconds};
use super::queue::Queue;
use super::run::Run;
use super::schedule::{Task, Work};
use super::{removal, worker};
use crate::address::Address;
use crate::plan::{Action, Plan};
use crate::resource::{Class, Failure, Result};
use crate::state::OutputValue;
use futures::FutureExt as _;
use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
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
    queue: Queue,
    running: JoinSet<(Work, Duration, Result<()>)>,
    started: HashSet<Address>,
    summary: Summary,
}

impl Loop {
    /// Nothing of what is `lost` will be reached.
    pub(super) fn new(run: Arc<Run>, tasks: Vec<Task>, lost: &[&Address], plan: &Plan) -> Self {
        let mut summary = Summary::default();
        for step in plan.steps.iter().filter(|step| step.action == Action::Unreachable) {
            let failed = (step.address.clone(), Action::Unreachable, unreachable(&step.region));
            summary.failed.push(failed);
        }
        Self {
            run,
            queue: Queue::new(tasks, lost.iter().copied()),
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
                    self.queue.created(address);
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
        let because = match self.summary.interrupted {
            true => "the run was interrupted",
            false => "it waits for itself. This is a bug in payctl",
        };
        for work in self.queue.left() {
            self.skip(&work, because.to_owned());
        }
        self.summary
    }

    fn interrupt(&mut self) {
        self.summary.interrupted = true;
        self.run.setting.calls.stop();
        self.run.setting.calls.tell(Event::Stopping);
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
            // It was stopped; the journal tells what it was doing.
            Err(_) => {}
        }
        self.start_ready();
    }

    fn action(&self, address: &Address) -> Action {
        self.run.steps.get(address).map_or(Action::None, |step| step.action)
    }

    fn done(&mut self, work: &Work, took: Duration) {
        let address = work.address();
        if self.queue.done(work) {
            let action = self.action(address);
            *self.summary.done.entry(action).or_default() += 1;
            self.run.setting.calls.tell(Event::Finished {
                address: address.clone(),
                action,
                milliseconds: milliseconds(took),
            });
        }
    }

    fn failed(&mut self, work: &Work, failure: Failure) {
        let address = work.address().clone();
        let action = self.action(&address);
        self.queue.failed(work);
        self.run.setting.calls.tell(Event::Failed {
            address: address.clone(),
            action,
            failure: failure.clone(),
        });
        self.summary.failed.push((address, action, failure));
    }

    /// Starts all work whose needs are reached, and gives up work whose needs
    /// are lost.
    fn start_ready(&mut self) {
        for (work, culprit) in self.queue.give_up() {
            self.skip(&work, format!("{culprit} failed"));
        }
        if !self.summary.interrupted {
            self.queue.ready().into_iter().for_each(|work| self.start(work));
        }
    }

    fn start(&mut self, work: Work) {
        let address = work.address().clone();
        if self.started.insert(address.clone()) {
            let action = self.action(&address);
            self.run.setting.calls.tell(Event::Started { address, action });
        }
        let run = Arc::clone(&self.run);
        self.running.spawn(async move {
            let started = Instant::now();
            let done = caught(perform(&run, &work)).await;
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
        self.run.setting.calls.tell(Event::Skipped {
            address: address.clone(),
            action,
            because: because.clone(),
        });
        self.summary.skipped.push((address, action, because));
    }
}

async fn perform(run: &Run, work: &Work) -> Result<()> {
    let Some(step) = run.steps.get(work.address()) else {
        return Err(Failure::refused("the plan has no step for it. This is a bug in payctl"));
    };
    if run.has_given_up(&step.region) {
        return Err(unreachable(&step.region));
    }
    let done = match work {
        Work::Converge(_) => worker::converge(run, step).await,
        Work::Complete(_) => worker::complete(run, step).await,
        Work::Delete(_) => removal::delete(run, step).await,
        Work::DeleteOld(_) => removal::delete_old(run, step).await,
    };
    // A kind may reach over regions: whose silence was it?
    if let Err(failure) = &done
        && failure.class == Class::Unreachable
        && run.setting.calls.is_silent(&step.region)
    {
        run.give_up(&step.region);
    }
    done
}

fn unreachable(region: &str) -> Failure {
    Failure::local(Class::Unreachable, format!("{region} does not answer"))
}

/// Turns a panic into a failure of the one node: the others go on.
async fn caught(work: impl Future<Output = Result<()>>) -> Result<()> {
    let panicked = |_| Err(Failure::refused("its worker panicked. This is a bug in payctl"));
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_the_nodes_failure() {
        let failure = caught(async { panic!("on purpose") }).await.expect_err("a failure");
        assert_eq!(failure.message, "its worker panicked. This is a bug in payctl");
        assert_eq!(caught(async { Ok(()) }).await.ok(), Some(()));
    }
}
