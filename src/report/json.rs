//! Events as JSON lines on stdout: one object each, told apart by `event`.

use super::Reader;
use crate::engine::Summary;
use crate::engine::events::{Event, milliseconds};
use crate::ui::Ui;
use serde_json::json;

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
        let line = json!({
            "event": "summary",
            "complete": summary.is_complete(),
            "interrupted": summary.interrupted,
            "done": summary.done,
            "failed": failed,
            "skipped": skipped,
            "outputs": summary.outputs,
            "calls": calls,
            "milliseconds": milliseconds(summary.took),
        });
        self.ui.result(&line.to_string());
    }
}
