//! The integration tests: one binary, because linking one is slow enough.

#[path = "../support/mod.rs"]
mod support;

mod cli;
mod conformance;
mod docs;
mod ec2_checks;
mod export;
mod forgotten;
mod harness;
mod kind_rules;
mod kinds;
mod lambda_versions;
mod payments;
mod python_tests;
mod recovery;
mod sandbox;
mod wire;
