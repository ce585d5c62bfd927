//! Events as JSON lines on stdout: one object each, told apart by `event`.

use super::Reader;
use crate::engine::Summary;
use crate::engine::events::{Event, milliseconds};
use crate::plan::Plan;
use crate::ui::Ui;
use serde_json::json;
use std::collections::BTreeMap;

/// Writes JSON lines.
pub(super) struct Json {
    ui: Ui,
}

impl Json {
    pub(super) fn new(ui: Ui) -> Self {
        Self { ui }
    }
}

impl Reader for Json {
    fn event(&mut self, event: &Event) {
        if let Ok(line) = serde_json::to_string(event) {
            self.ui.result(&line);
        }
    }

    fn summary(&mut self, summary: &Summary, calls: u64) {
        self.ui.result(&self::summary(summary, calls));
    }
}

/// Returns the first line: the plan.
pub fn plan(plan: &Plan) -> String {
    json!({ "event": "plan", "plan": plan.changes() }).to_string()
}

/// Returns the last line: how the run ended.
pub fn summary(summary: &Summary, calls: u64) -> String {
    let failed: Vec<_> = summary
        .failed
        .iter()
        .map(|(address, action, failure)| json!({"address": address, "action": action, "failure": failure}))
        .collect();
    let skipped: Vec<_> = summary
        .skipped
        .iter()
        .map(|(address, action, because)| json!({"address": address, "action": action, "because": because}))
        .collect();
    let outputs: BTreeMap<_, _> =
        summary.outputs.iter().map(|(name, output)| (name, &output.value)).collect();
    json!({
        "event": "summary",
        "complete": summary.is_complete(),
        "interrupted": summary.interrupted,
        "done": summary.done,
        "failed": failed,
        "skipped": skipped,
        "outputs": outputs,
        "calls": calls,
        "milliseconds": milliseconds(summary.took),
    })
    .to_string()
}
