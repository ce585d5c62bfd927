//! `--sandbox`, end to end: its own Python environment, its own emulator.

use crate::support::{http, payctl::TestEnvironment};
use std::path::Path;

#[test]
fn both_stacks_work_on_the_sandbox() {
    let world = TestEnvironment::offline();
    ["plans", "lambda-src", "payctl.toml"].into_iter().for_each(|path| world.copy(path));
    let stopped = Stopped(&world);
    let applied = succeed(&world, &["apply", "--sandbox", "--yes"]);
    let endpoint = succeed(&world, &["output", "--sandbox", "--name", "api_endpoint"]);
    let address = format!("{}/payments", endpoint.trim());
    assert!(applied.contains(&format!("curl -X POST {address}")), "{applied}");
    let payment = r#"{"id": "TXN001", "amount": "99.99", "timestamp": 1705314600}"#;
    let answer = http::post(&address, &[], payment).expect("the API answers");
    assert_eq!(answer.0, 200, "{}", answer.1);

    succeed(&world, &["plan", "--sandbox", "--detailed-exitcode"]);
    assert!(world.path().join("state/sandbox").is_dir(), "its state lies apart");
    let other = "disaster-recovery";
    let applied = succeed(&world, &["apply", other, "--sandbox", "--yes"]);
    let endpoint =
        succeed(&world, &["output", other, "--sandbox", "--name", "secondary_api_endpoint"]);
    assert!(applied.contains(&format!("secondary_api_endpoint   {endpoint}")), "{applied}");
    let payment = r#"{"transaction_id": "txn-123", "amount": 100.00, "currency": "USD",
        "customer_id": "cust-456", "payment_method": "credit_card"}"#;
    let answer = http::post(&format!("{}/validate", endpoint.trim()), &[], payment);
    let (code, text) = answer.expect("the API answers");
    assert_eq!(code, 200, "{text}");
    succeed(&world, &["plan", other, "--sandbox", "--detailed-exitcode"]);
    succeed(&world, &["destroy", other, "--sandbox", "--yes"]);

    let status = succeed(&world, &["sandbox", "status"]);
    assert!(status.contains("The sandbox runs at http://127.0.0.1:"), "{status}");
    succeed(&world, &["destroy", "--sandbox", "--yes"]);
    drop(stopped);
    let status = succeed(&world, &["sandbox", "status"]);
    assert!(status.contains("The sandbox does not run"), "{status}");
}

/// Stops the sandbox however the test ends.
struct Stopped<'a>(&'a TestEnvironment);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        succeed(self.0, &["sandbox", "down"]);
    }
}

/// Runs the binary, which has to succeed, and returns what it printed. There is
/// no deadline: packages may have to be downloaded.
fn succeed(world: &TestEnvironment, arguments: &[&str]) -> String {
    let mut command = world.command(arguments);
    command.env_remove("AWS_ENDPOINT_URL").envs(std::env::vars().filter(|(name, _)| is_pips(name)));
    // What the tests' own environments have downloaded serves this one too.
    if let Some(home) = std::env::var_os("HOME") {
        command.env("PIP_CACHE_DIR", Path::new(&home).join(".cache/pip"));
    }
    let output = command.output().expect("run payctl");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Whether a variable tells pip where packages are and whom to trust.
fn is_pips(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let known = ["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"];
    name.starts_with("PIP_") || name.ends_with("_PROXY") || known.contains(&name.as_str())
}
