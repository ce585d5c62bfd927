//! Applies a plan.

use super::dispatcher::Dispatcher;
use super::drive::{Loop, Summary};
use super::run::Run;
use super::schedule;
use super::setting::Setting;
use crate::plan::{self, Action, Plan};
use crate::state::journal::Entry;
use crate::state::local::Store;
use crate::state::{OutputValue, Record, State, StateError};
use crate::value::has_unknown;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Notify, mpsc};

/// Applies a plan. `stop` is notified when the user asks to stop.
pub async fn apply(
    setting: Setting,
    plan: &Plan,
    store: Store,
    stop: Arc<Notify>,
) -> Result<(Summary, State), StateError> {
    let state = store.state().clone();
    let (dispatcher, running) = Dispatcher::start(store);
    let (on_created, created) = mpsc::unbounded_channel();
    let run = Arc::new(Run::new(setting, plan, &state, dispatcher, on_created));
    let tasks = schedule::tasks(plan, &run.setting.graph, &state);
    let lost = schedule::lost(plan, &state);
    let started = Instant::now();
    let mut summary = Loop::new(Arc::clone(&run), tasks, &lost, plan).drive(created, &stop).await;
    summary.took = started.elapsed();
    if !run.setting.options.destroy {
        summary.outputs = close(&run, plan).await;
    }
    // The dispatcher ends with its last handle.
    drop(run);
    Ok((summary, running.join()?.close()?))
}

/// Writes what the run leaves beside the nodes themselves: outputs, regions,
/// and edges of nodes that did not change. Returns the outputs.
async fn close(run: &Run, plan: &Plan) -> BTreeMap<String, OutputValue> {
    let outputs = outputs(run);
    let deployment = &run.setting.deployment;
    let mut entries = vec![
        Entry::Outputs { outputs: outputs.clone() },
        Entry::Regions { primary: deployment.primary.clone(), regions: deployment.regions.clone() },
    ];
    for step in plan.steps.iter().filter(|step| step.action == Action::None) {
        let Some(node) = run.setting.expansion.nodes.get(&step.address) else { continue };
        let Some(record) = run.record(&step.address) else { continue };
        let retain = plan::retains(node);
        if record.dependencies != step.dependencies || record.retain != retain {
            let record = Record { dependencies: step.dependencies.clone(), retain, ..record };
            entries.push(Entry::Put { address: step.address.clone(), record });
        }
    }
    if let Err(failure) = run.write(entries).await {
        tracing::warn!(%failure, "The outputs were not saved");
    }
    outputs
}

/// Returns the outputs whose values are known.
fn outputs(run: &Run) -> BTreeMap<String, OutputValue> {
    let mut outputs = BTreeMap::new();
    for output in &run.setting.expansion.outputs {
        let Some(value) = output.value(run).ok().filter(|value| !has_unknown(value)) else {
            continue;
        };
        let value = if output.secret() { Value::from("(secret)") } else { value };
        let description = output.description.clone();
        outputs.insert(output.name.clone(), OutputValue { value, description });
    }
    outputs
}
