//! Events as JSON lines on stdout: one object each, told apart by `event`.

use super::Reader;
use crate::engine::Summary;
use crate::engine::events::{Event, milliseconds};
use crate::graph::{Graph, Moment};
use crate::plan::Plan;
use crate::stack::Expansion;
use crate::ui::Ui;
use serde_json::{Value, json};
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

/// Returns the graph: what each node waits for.
pub fn graph(graph: &Graph, expansion: &Expansion) -> String {
    let nodes: BTreeMap<_, Value> = expansion
        .nodes
        .iter()
        .map(|(address, node)| {
            let waits_for = graph.edges(address).map(|edge| {
                let until = match edge.until {
                    Moment::Created => "created",
                    Moment::Ready => "ready",
                };
                json!({ "address": edge.target, "until": until, "late": edge.is_late() })
            });
            let waits_for: Vec<_> = waits_for.collect();
            (address, json!({ "type": node.kind.meta().type_name, "waits_for": waits_for }))
        })
        .collect();
    serde_json::to_string_pretty(&nodes).unwrap_or_default()
}
