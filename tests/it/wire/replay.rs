//! A server that plays a service's part of a script.

use super::ec2;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use payctl::address::Address;
use payctl::asset::Assets;
use payctl::aws::clients::{Clients, Endpoint};
use payctl::aws::owned::Owned;
use payctl::plan::diff::diff;
use payctl::resource::{
    Change, Changes, Cx, Failure, Id, Kind, Link, LiveValue, Owner, Place, RecordedValue, Result,
};
use payctl::resources;
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A request that is expected, and the answer to it.
pub(super) struct Exchange {
    /// A part of the request's line, its target or its body.
    pub(super) expected: String,
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) answer: String,
}

/// What a service was asked.
#[derive(Clone)]
pub(super) struct Request {
    /// The method and path, or the operation where a header names it.
    pub(super) target: String,
    pub(super) body: String,
}

/// A server that plays a service's part of a script, and the script's other
/// part.
pub(super) struct Replay {
    runtime: Runtime,
    cx: Cx,
    stage: Arc<Stage>,
}

/// What happens while a script is played.
#[derive(Default)]
struct Stage {
    script: Mutex<VecDeque<Exchange>>,
    requests: Mutex<Vec<Request>>,
    said: Mutex<Vec<String>>,
    created: Mutex<Vec<Id>>,
}

impl Replay {
    pub(super) fn of<E: Into<Exchange>>(script: Vec<E>) -> Self {
        let script = script.into_iter().map(Into::into).collect();
        let stage = Arc::new(Stage { script: Mutex::new(script), ..Stage::default() });
        let listener = TcpListener::bind("127.0.0.1:0").expect("listen");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Arc::clone(&stage);
        thread::spawn(move || {
            for stream in listener.incoming() {
                server.answer(stream.expect("a connection"));
            }
        });
        let runtime = Runtime::new().expect("start a runtime");
        let account = "000000000000".to_owned();
        let endpoint =
            Endpoint { url: Some(url), profile: None, access_key: Some(account.clone()) };
        let clients = Arc::new(runtime.block_on(Clients::load(&endpoint)));
        let region = "us-east-1".to_owned();
        let address = Address::new(region.clone(), "Subject");
        let cx = Cx::new(
            Place { region, account, partition: "aws".to_owned() },
            Owner { deployment: "wire.test".to_owned(), address, generation: 0 },
            clients,
            Arc::new(Listener { stage: Arc::clone(&stage), permits: Arc::new(Semaphore::new(1)) }),
            Arc::new(Owned::default()),
            Arc::new(Assets::default()),
        );
        Self { runtime, cx, stage }
    }

    pub(super) fn delete(&self, type_name: &str, id: &str) -> Result<()> {
        self.delete_applied(type_name, id, Value::Null)
    }

    pub(super) fn delete_applied(&self, type_name: &str, id: &str, applied: Value) -> Result<()> {
        let recorded = RecordedValue { id: Id::from(id), applied };
        self.runtime.block_on(kind(type_name).delete(recorded, &self.cx))
    }

    pub(super) fn create(&self, type_name: &str, desired: Value) -> Result<Value> {
        let changes = Changes::default();
        self.runtime.block_on(kind(type_name).converge(desired, None, &changes, &self.cx))
    }

    pub(super) fn find(&self, type_name: &str, desired: Value) -> Result<Option<Id>> {
        self.runtime.block_on(kind(type_name).find(desired, &self.cx))
    }

    /// Reads a resource and brings it from what was applied to what is desired,
    /// as an apply does.
    pub(super) fn update(
        &self,
        type_name: &str,
        id: &str,
        applied: &Value,
        desired: Value,
    ) -> Result<Value> {
        let kind = kind(type_name);
        self.runtime.block_on(async {
            let live = kind.read(&Id::from(id), &self.cx).await?.expect("it exists");
            let changes = Changes(diff(kind, &desired, &live.properties, applied));
            kind.converge(desired, Some(live), &changes, &self.cx).await
        })
    }

    /// Changes one property of what is live.
    pub(super) fn change(
        &self,
        type_name: &str,
        live: LiveValue,
        name: &str,
        after: Value,
    ) -> Result<Value> {
        let mut desired = live.properties.clone();
        let before = desired[name].take();
        desired[name] = after.clone();
        let change = Change { path: name.to_owned(), before, after, replaces: false };
        let changes = Changes(vec![change]);
        self.runtime.block_on(kind(type_name).converge(desired, Some(live), &changes, &self.cx))
    }

    /// Returns what was said about waiting.
    pub(super) fn said(&self) -> String {
        self.stage.said.lock().expect("a lock").join("\n")
    }

    /// Returns the ids that were recorded.
    pub(super) fn created(&self) -> Vec<Id> {
        self.stage.created.lock().expect("a lock").clone()
    }

    /// Asserts that the script was played to its end.
    pub(super) fn assert_over(&self) {
        let left = self.stage.script.lock().expect("a lock");
        let left: Vec<_> = left.iter().map(|exchange| &exchange.expected).collect();
        assert!(left.is_empty(), "not asked for: {left:?}");
    }

    /// Returns what was asked for.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.stage.requests.lock().expect("a lock").clone()
    }
}

impl Stage {
    fn answer(&self, mut stream: TcpStream) {
        let request = request(&stream);
        let next = self.script.lock().expect("a lock").pop_front();
        let answer = match next {
            Some(next) if request.is(&next.expected) => next,
            Some(next) => request.surprise(&next.expected),
            None => request.surprise("nothing"),
        };
        self.requests.lock().expect("a lock").push(request);
        let Exchange { status, content_type, answer, .. } = answer;
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 {status} It\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{answer}"
        )
        .expect("answer");
    }
}

impl Request {
    fn is(&self, expected: &str) -> bool {
        self.target.contains(expected) || self.body.contains(expected)
    }

    /// Returns the answer to a request that the script does not expect, in the
    /// words of either protocol.
    fn surprise(&self, expected: &str) -> Exchange {
        let message = format!("{} {} instead of {expected}", self.target, self.body);
        if self.body.starts_with("Action=") {
            ec2::refusal("", "Unexpected", &message)
        } else {
            let error = serde_json::json!({"__type": "Unexpected", "message": message});
            ("", 400, error).into()
        }
    }
}

/// Reads a request.
fn request(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut target = String::new();
    reader.read_line(&mut target).expect("a request");
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        let lower = line.to_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if lower.starts_with("x-amz-target:") {
            target.clone_from(&line);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let body = String::from_utf8(body).expect("text");
    Request { target: target.trim().to_owned(), body }
}

fn kind(type_name: &str) -> &'static dyn Kind {
    resources::kind(type_name).expect("a kind")
}

/// The engine's side of a script.
struct Listener {
    stage: Arc<Stage>,
    permits: Arc<Semaphore>,
}

impl Link for Listener {
    fn intent<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<u64>> {
        async { Ok(0) }.boxed()
    }

    fn outcome<'a>(&'a self, _: u64, _: Option<&'a Failure>) -> BoxFuture<'a, Result<()>> {
        async { Ok(()) }.boxed()
    }

    fn created<'a>(&'a self, id: &'a Id, _: &'a Value) -> BoxFuture<'a, Result<()>> {
        self.stage.created.lock().expect("a lock").push(id.clone());
        async { Ok(()) }.boxed()
    }

    fn waiting(&self, reason: &str) {
        self.stage.said.lock().expect("a lock").push(reason.to_owned());
    }

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
