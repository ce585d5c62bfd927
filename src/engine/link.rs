//! How a kind's calls reach the engine.

use super::dispatcher::Dispatcher;
use super::events::{Event, milliseconds};
use crate::address::Address;
use crate::plan::Board;
use crate::resource::{Failure, Id, Kind, Link, Result, schema};
use crate::state::journal::Entry;
use crate::state::{Record, Status};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Locks a mutex whose holders cannot leave it half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all calls of a run share: the event stream, the calls in flight, and
/// whether the user asked to stop.
#[derive(Debug)]
pub struct Calls {
    events: mpsc::UnboundedSender<Event>,
    in_flight: usize,
    permits: Mutex<HashMap<String, Arc<Semaphore>>>,
    count: AtomicU64,
    /// Since when calls to a region have got no answer.
    silent: Mutex<HashMap<String, Instant>>,
    stopping: AtomicBool,
}

/// How long a region may be silent before it is given up.
const PATIENCE: Duration = Duration::from_secs(6);

impl Calls {
    /// Lets at most `in_flight` calls be under way in each region.
    pub fn new(events: mpsc::UnboundedSender<Event>, in_flight: usize) -> Self {
        Self {
            events,
            in_flight,
            permits: Mutex::default(),
            count: AtomicU64::new(0),
            silent: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// Returns how many calls were made.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Starts nothing new from now on.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new may start.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether no call to the region has been answered for a while.
    pub fn is_silent(&self, region: &str) -> bool {
        lock(&self.silent).get(region).is_some_and(|since| since.elapsed() > PATIENCE)
    }

    /// Tells the readers. Without any, nothing is told.
    pub fn tell(&self, event: Event) {
        let _nobody_reads = self.events.send(event);
    }

    fn called(
        &self,
        address: &Address,
        operation: &str,
        region: &str,
        took: Duration,
        failure: Option<&Failure>,
    ) {
        self.count.fetch_add(1, Ordering::Relaxed);
        if failure.is_some_and(Failure::is_unanswered) {
            lock(&self.silent).entry(region.to_owned()).or_insert_with(Instant::now);
        } else {
            lock(&self.silent).remove(region);
        }
        tracing::debug!(%address, operation, region, took = ?took, failure = failure.map(tracing::field::display), "Call");
        self.tell(Event::Called {
            address: address.clone(),
            operation: operation.to_owned(),
            region: region.to_owned(),
            milliseconds: milliseconds(took),
            failure: failure.cloned(),
        });
    }

    async fn permit(&self, region: &str) -> Option<OwnedSemaphorePermit> {
        let semaphore = Arc::clone(
            lock(&self.permits)
                .entry(region.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(self.in_flight))),
        );
        // A closed semaphore has none to give; nothing closes it.
        semaphore.acquire_owned().await.ok()
    }
}

/// The link of calls that only look.
pub(crate) struct Observer {
    pub(crate) calls: Arc<Calls>,
    pub(crate) address: Address,
}

impl Link for Observer {
    fn intent<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, Result<u64>> {
        let refused = Failure::refused("a plan must not change anything. This is a bug in payctl")
            .of(operation);
        async { Err(refused) }.boxed()
    }

    fn outcome<'a>(&'a self, _: u64, _: Option<&'a Failure>) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }

    fn created<'a>(&'a self, _: &'a Id, _: &'a Value) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }

    fn waiting(&self, _: &str) {}

    fn is_stopping(&self) -> bool {
        self.calls.is_stopping()
    }

    fn is_silent(&self, region: &str) -> bool {
        self.calls.is_silent(region)
    }

    fn called(&self, operation: &str, region: &str, took: Duration, failure: Option<&Failure>) {
        self.calls.called(&self.address, operation, region, took, failure);
    }

    fn permit<'a>(&'a self, region: &'a str) -> BoxFuture<'a, Option<OwnedSemaphorePermit>> {
        self.calls.permit(region).boxed()
    }
}

/// The link of a worker's calls: journals what they change, and records the
/// node as soon as AWS has named it.
pub(crate) struct Worker {
    pub(crate) calls: Arc<Calls>,
    pub(crate) kind: &'static dyn Kind,
    pub(crate) address: Address,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) board: Arc<Mutex<Board>>,
    pub(crate) intents: Arc<AtomicU64>,
    /// The record that the node will have, but for what AWS has yet to say.
    pub(crate) draft: Record,
    /// Whether AWS has named it.
    pub(crate) named: Mutex<Option<Id>>,
    /// Told when AWS has named it.
    pub(crate) on_created: mpsc::UnboundedSender<Address>,
}

impl Link for Worker {
    fn intent<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, Result<u64>> {
        async move {
            let n = self.intents.fetch_add(1, Ordering::Relaxed);
            let entry =
                Entry::Intent { n, address: self.address.clone(), operation: operation.to_owned() };
            self.dispatcher.write(vec![entry]).await?;
            Ok(n)
        }
        .boxed()
    }

    fn outcome<'a>(
        &'a self,
        intent: u64,
        failure: Option<&'a Failure>,
    ) -> BoxFuture<'a, Result<()>> {
        let entry = Entry::Outcome { n: intent, failure: failure.map(|failure| failure.class) };
        async move { self.dispatcher.write(vec![entry]).await }.boxed()
    }

    fn created<'a>(&'a self, id: &'a Id, attributes: &'a Value) -> BoxFuture<'a, Result<()>> {
        async move {
            let attributes = &schema::without_nulls(self.kind.attributes(), attributes.clone());
            let record = Record {
                id: id.clone(),
                attributes: attributes.clone(),
                status: Status::Created,
                ..self.draft.clone()
            };
            self.dispatcher
                .write(vec![Entry::Put { address: self.address.clone(), record }])
                .await?;
            *lock(&self.named) = Some(id.clone());
            lock(&self.board).set(self.kind, &self.address, Some(id), attributes);
            self.calls.tell(Event::Created { address: self.address.clone() });
            let _engine_has_ended = self.on_created.send(self.address.clone());
            Ok(())
        }
        .boxed()
    }

    fn waiting(&self, reason: &str) {
        self.calls
            .tell(Event::Waiting { address: self.address.clone(), reason: reason.to_owned() });
    }

    fn is_stopping(&self) -> bool {
        self.calls.is_stopping()
    }

    fn is_silent(&self, region: &str) -> bool {
        self.calls.is_silent(region)
    }

    fn called(&self, operation: &str, region: &str, took: Duration, failure: Option<&Failure>) {
        self.calls.called(&self.address, operation, region, took, failure);
    }

    fn permit<'a>(&'a self, region: &'a str) -> BoxFuture<'a, Option<OwnedSemaphorePermit>> {
        self.calls.permit(region).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_region_has_so_many_calls_under_way() {
        let (events, _nobody_reads) = mpsc::unbounded_channel();
        let calls = Calls::new(events, 2);
        let permit = |region: &'static str| calls.permit(region).now_or_never();
        let first = [permit("us-east-1"), permit("us-east-1")];
        assert!(first.iter().all(Option::is_some));
        assert!(permit("us-east-1").is_none(), "a third at once");
        assert!(permit("eu-west-1").is_some());
        drop(first);
        assert!(permit("us-east-1").is_some());
    }
}
