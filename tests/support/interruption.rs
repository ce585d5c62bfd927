//! Stopping payctl in the middle of its work.

use super::deployment::Deployment;
use super::inventory::{Inventory, Thing};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::{ExitStatus, Stdio};

/// One call at a time in a region, so that a run is long enough to stop.
const SLOWLY: [&str; 4] = ["--yes", "--json", "--parallelism", "1"];

impl Deployment {
    /// Runs a command to its end and counts its calls that change something.
    pub(crate) fn changing_calls(&self, command: &[&str]) -> usize {
        let output = self.run(&[command, &SLOWLY].concat());
        output.success().stdout.lines().filter(|line| is_change(line)).count()
    }

    /// Runs a command and sends it a signal after so many calls that change
    /// something; returns how it ended.
    pub(crate) fn signal_after(
        &self,
        command: &[&str],
        calls: usize,
        signal: Signal,
    ) -> ExitStatus {
        let arguments = [command, &SLOWLY].concat();
        let mut command = self.world.command(&self.with_target(&arguments));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("start payctl");
        let events = BufReader::new(child.stdout.take().expect("its events"));
        let mut events = events.lines().map(|line| line.expect("the events are UTF-8"));
        let reached = events.by_ref().filter(|line| is_change(line)).take(calls).count();
        assert_eq!(reached, calls, "the run ended before its call {calls}");
        kill_process(Pid::from_child(&child), signal).expect("signal payctl");
        // What it still writes must not hold it up.
        events.for_each(drop);
        child.wait().expect("wait for payctl")
    }
}

/// Whether an event is the end of a call that changes something.
pub(super) fn is_change(line: &str) -> bool {
    let event: Value = serde_json::from_str(line).expect("an event is JSON");
    let operation = event["operation"].as_str().unwrap_or_default();
    let name = operation.split(':').nth(1).unwrap_or_default();
    event["event"] == "called" && !["Describe", "Get", "List"].iter().any(|p| name.starts_with(p))
}

/// What AWS names.
const NAMED_BY_AWS: [&str; 11] = [
    "api",
    "api deployment",
    "api stage",
    "endpoint",
    "event source mapping",
    "health check",
    "key",
    "route table",
    "security group",
    "subnet",
    "vpc",
];

/// Returns what is in an inventory, without the names that AWS gives.
pub(crate) fn shape(inventory: &Inventory) -> Vec<String> {
    let line = |thing: &Thing| {
        let is_given = NAMED_BY_AWS.contains(&thing.kind.as_str());
        let name = if is_given { "" } else { &thing.name };
        format!("{} {} {name}", thing.place, thing.kind)
    };
    let mut lines: Vec<String> = inventory.found.iter().map(line).collect();
    lines.sort();
    lines
}
