//! The integration tests: one binary, because linking one is slow enough.

#[path = "../support/mod.rs"]
mod support;

mod forgotten;
mod harness;
mod python_tests;
