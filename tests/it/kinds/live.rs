//! Reads live resources back with nothing but their kind: no plan, no state.

use super::outside;
use crate::support::payctl::TestEnvironment;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use payctl::address::Address;
use payctl::asset::Assets;
use payctl::aws::clients::{Clients, Endpoint};
use payctl::aws::owned::Owned;
use payctl::resource::{Cx, Failure, Id, Kind, Link, LiveValue, Owner, Place, Result};
use payctl::resources;
use payctl::sandbox::DEVIATIONS;
use payctl::state::Record;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads resources of one account.
pub(super) struct Reader {
    account: String,
    clients: Arc<Clients>,
    runtime: Runtime,
}

impl Reader {
    /// Reads in the account of a test.
    pub(super) fn new(environment: &TestEnvironment) -> Self {
        let runtime = Runtime::new().expect("start a runtime");
        let endpoint = Endpoint {
            url: Some(environment.endpoint().to_owned()),
            profile: None,
            access_key: Some(environment.account().to_owned()),
        };
        let clients = Arc::new(runtime.block_on(Clients::load(&endpoint)));
        Self { account: environment.account().to_owned(), clients, runtime }
    }

    /// Makes what a stack needs and payctl does not make.
    pub(super) fn prepare(&self, stack: &mut Value) {
        self.runtime.block_on(outside::make(&self.clients, stack));
    }

    /// Asserts that the resource has the desired values of these properties.
    pub(super) fn expect<'a>(
        &self,
        address: &Address,
        record: &Record,
        names: impl Iterator<Item = &'a String>,
        what: &str,
    ) {
        let (kind, live) = self.read(address, record);
        let live = live.unwrap_or_else(|| panic!("{what}: {address} does not exist"));
        for name in names {
            let schema = &kind.schema()["properties"][name];
            let desired = &record.properties[name];
            let is_readable = !schema.to_string().contains("x-write-only");
            if desired.is_null() || !is_readable || is_not_kept(&record.type_name, name) {
                continue;
            }
            let found = &live.properties[name];
            assert!(
                covers(desired, found),
                "{what}: {address} {name} should be\n{desired:#}\nand is\n{found:#}"
            );
        }
    }

    /// Asserts that the resource does not exist.
    pub(super) fn expect_gone(&self, address: &Address, record: &Record, what: &str) {
        let (kind, live) = self.read(address, record);
        if let Some(live) = live
            && !kind.meta().singleton
        {
            panic!("{what}: {address} {} is still there:\n{:#}", live.id, live.properties);
        }
    }

    fn read(&self, address: &Address, record: &Record) -> (&'static dyn Kind, Option<LiveValue>) {
        let kind = resources::kind(&record.type_name).expect("a kind of the state");
        let place = Place {
            region: record.region.clone(),
            account: self.account.clone(),
            partition: "aws".to_owned(),
        };
        let owner = Owner { deployment: String::new(), address: address.clone(), generation: 0 };
        let cx = Cx::new(
            place,
            owner,
            Arc::clone(&self.clients),
            Arc::new(ReadOnly { permits: Arc::new(Semaphore::new(8)) }),
            Arc::new(Owned::default()),
            Arc::new(Assets::default()),
        );
        let live = self.runtime.block_on(kind.read(&record.id, &cx));
        (kind, live.unwrap_or_else(|failure| panic!("{address} cannot be read: {failure}")))
    }
}

/// Whether the emulator is known not to keep the property, or all of it.
fn is_not_kept(type_name: &str, name: &str) -> bool {
    DEVIATIONS.iter().any(|deviation| {
        let property = deviation.property.split('/').next();
        deviation.type_name == type_name && property == Some(name)
    })
}

/// Whether a live value has everything that is desired: an object may have
/// more, lists have no order, a JSON document may be text, and a list of one
/// may be its item.
fn covers(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => desired
            .iter()
            .all(|(name, value)| live.get(name).is_some_and(|found| covers(value, found))),
        (Value::Array(desired), Value::Array(live)) => {
            desired.iter().all(|item| live.iter().any(|found| covers(item, found)))
        }
        (Value::Array(desired), live) if desired.len() == 1 => covers(&desired[0], live),
        (desired, Value::Array(live)) if live.len() == 1 => covers(desired, &live[0]),
        (Value::Object(_), Value::String(text)) | (Value::String(text), Value::Object(_)) => {
            let document = serde_json::from_str(text).unwrap_or_default();
            if desired.is_object() { covers(desired, &document) } else { covers(&document, live) }
        }
        (Value::Number(desired), Value::Number(live)) => desired.as_f64() == live.as_f64(),
        _ => desired == live,
    }
}

/// A link that lets nothing be changed.
struct ReadOnly {
    permits: Arc<Semaphore>,
}

impl Link for ReadOnly {
    fn intent<'a>(&'a self, operation: &'a str) -> BoxFuture<'a, Result<u64>> {
        let refusal = Failure::refused(format!("a read must not call {operation}"));
        async { Err(refusal) }.boxed()
    }

    fn outcome<'a>(&'a self, _: u64, _: Option<&'a Failure>) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }

    fn created<'a>(&'a self, _: &'a Id, _: &'a Value) -> BoxFuture<'a, Result<()>> {
        async { Err(Failure::refused("a read must not create")) }.boxed()
    }

    fn waiting(&self, _: &str) {}

    fn called(&self, _: &str, _: &str, _: Duration, _: Option<&Failure>) {}

    fn is_stopping(&self) -> bool {
        false
    }

    fn is_silent(&self, _: &str) -> bool {
        false
    }

    fn permit<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<OwnedSemaphorePermit>> {
        let permits = Arc::clone(&self.permits);
        async move { permits.acquire_owned().await.ok() }.boxed()
    }
}
