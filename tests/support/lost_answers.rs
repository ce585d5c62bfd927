//! Losing AWS's answers.

use super::deployment::Deployment;
use super::interruption::is_change;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A kind of call: its service, operation and region.
pub(crate) type Call = [String; 3];

impl Deployment {
    /// Runs a command to its end; returns what kinds of calls that change
    /// something it made.
    pub(crate) fn changes(&self, command: &[&str]) -> BTreeSet<Call> {
        let output = self.run(&[command, &["--yes", "--json"]].concat());
        let changes = output.success().stdout.lines().filter(|line| is_change(line));
        changes
            .map(|line| {
                let event: Value = serde_json::from_str(line).expect("an event is JSON");
                let text = |key: &str| event[key].as_str().expect("text").to_owned();
                let operation = text("operation");
                let (service, name) = operation.split_once(':').expect("a service's operation");
                [service.to_owned(), name.to_owned(), text("region")]
            })
            .collect()
    }
}

/// Returns a proxy's scenario in which each first call of these kinds takes
/// effect and its answer is lost.
pub(crate) fn lose_first_answers(calls: &BTreeSet<Call>) -> Value {
    let rule = |[service, operation, region]: &Call| {
        json!({
            "match": {"service": service, "operation": operation, "region": region, "nth": [1]},
            "action": "close_after",
        })
    };
    json!({"fail": calls.iter().map(rule).collect::<Vec<_>>()})
}
