//! The emulator that stands for AWS: one MiniStack for the process.
//!
//! Whoever sets `AWS_ENDPOINT_URL` brings an emulator of their own; then none
//! is started.

use super::server::{Server, free_port};
use super::{http, python};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the emulator's address.
pub(crate) fn endpoint() -> &'static str {
    &RUNNING.endpoint
}

/// Whether the user brought the emulator.
pub(crate) fn is_given() -> bool {
    RUNNING.server.is_none()
}

struct Emulator {
    endpoint: String,
    server: Option<Server>,
}

static RUNNING: LazyLock<Emulator> = LazyLock::new(|| match std::env::var("AWS_ENDPOINT_URL") {
    Ok(endpoint) if !endpoint.is_empty() => Emulator { endpoint, server: None },
    _ => start(),
});

fn start() -> Emulator {
    let port = free_port();
    let server = Server::start(
        "emulator",
        &python::EMULATOR,
        "ministack",
        |command| {
            command.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
        },
        || http::get(port, "/_ministack/health").is_ok(),
    );
    Emulator { endpoint: format!("http://127.0.0.1:{port}"), server: Some(server) }
}

/// Returns an account that no other test has, in this run or another against
/// the same emulator. It is also the access key that selects it.
pub(crate) fn account() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{} {} {count}", std::process::id(), started.as_nanos());
    let hash = u64::from_str_radix(&payctl::hash::hex(seed.as_bytes())[..15], 16);
    format!("{}", 100_000_000_000 + hash.expect("hexadecimal digits") % 900_000_000_000)
}
