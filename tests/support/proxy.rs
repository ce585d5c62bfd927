//! The proxy that makes the emulator more like AWS (see `awsproxy/README.md`):
//! it checks each request against AWS's API models.
//!
//! In front of an endpoint that the user brought there is none.

use super::server::{Server, free_port};
use super::{emulator, http, python};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

/// Returns the address of the process's proxy in front of its emulator.
pub(crate) fn endpoint() -> &'static str {
    RUNNING.as_ref().map_or_else(emulator::endpoint, |proxy| &proxy.endpoint)
}

/// Returns what AWS would have refused of an account's requests so far, one
/// line for each kind of fault.
pub(crate) fn violations(account: &str) -> Vec<String> {
    let Some(proxy) = RUNNING.as_ref() else { return Vec::new() };
    let path = format!("/violations?account={account}");
    let answer = http::get(proxy.admin, &path).expect("ask the proxy");
    let found: Vec<Value> = serde_json::from_str(&answer).expect("the proxy answers in JSON");
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    found
        .iter()
        .filter(|problem| problem["severity"] == "violation")
        .map(|problem| {
            let [service, operation, kind, path, example] =
                ["service", "operation", "kind", "path", "example"].map(|key| text(problem, key));
            format!("{service}:{operation} {path}: {kind}: {example}")
        })
        .collect()
}

/// A proxy in front of the emulator.
pub(crate) struct Proxy {
    endpoint: String,
    admin: u16,
    _server: Server,
}

impl Proxy {
    /// Starts a proxy of the caller's own, to be given scenarios.
    pub(crate) fn own() -> Self {
        start(emulator::endpoint())
    }

    /// Returns its address.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Makes it behave in another way from now on (see `awsproxy/README.md`).
    pub(crate) fn behave(&self, scenario: &Value) {
        http::post_own(self.admin, "/scenario", &scenario.to_string()).expect("a valid scenario");
    }
}

static RUNNING: LazyLock<Option<Proxy>> =
    LazyLock::new(|| (!emulator::is_given()).then(|| start(emulator::endpoint())));

fn start(upstream: &str) -> Proxy {
    let (port, admin) = (free_port(), free_port());
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/awsproxy");
    let server = Server::start(
        "proxy",
        &python::TOOLS,
        "python",
        |command| {
            command
                .args(["-m", "awsproxy", "--check", "--upstream", upstream])
                .args(["--listen", &format!("127.0.0.1:{port}"), "--admin", &admin.to_string()])
                .env("PYTHONPATH", package);
        },
        || http::get(admin, "/stats").is_ok(),
    );
    Proxy { endpoint: format!("http://127.0.0.1:{port}"), admin, _server: server }
}
