//! The tests that are written in Python.

use crate::support::python::{EMULATOR, Environment, TOOLS};
use std::path::Path;
use std::process::Command;

#[test]
fn awsproxy() {
    pytest(&TOOLS, "tests/support/awsproxy/tests");
}

#[test]
fn lambda_src() {
    pytest(&EMULATOR, "lambda-src/tests");
}

/// Runs pytest over a folder of the project and fails with its output.
fn pytest(environment: &Environment, folder: &str) {
    let output = Command::new(environment.program("python"))
        .args(["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("run pytest");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
