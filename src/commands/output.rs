//! `payctl output`.

use super::args::DeploymentArgs;
use super::loaded;
use crate::error::{CommandError, Exit};
use crate::sandbox::Sandbox;
use crate::state::OutputValue;
use crate::ui::Ui;
use serde_json::Value;
use std::collections::BTreeMap;

/// Show the outputs of the last apply
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// Only this output: text as it is, anything else as JSON
    #[arg(long, value_name = "OUTPUT")]
    pub name: Option<String>,
    /// Print all outputs as a JSON object of their values
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let state = loaded::named(&args.deployment)?.applied()?;
    let sandbox = if args.deployment.sandbox { Sandbox::running()? } else { None };
    if let Some(name) = &args.name {
        let output = state.outputs.get(name).ok_or_else(|| {
            let missing = CommandError::new(format!("There is no output '{name}'"));
            match state.outputs.keys().cloned().collect::<Vec<_>>().join(", ") {
                names if names.is_empty() => missing.hint("the last apply left no outputs"),
                names => missing.hint(format!("outputs: {names}")),
            }
        })?;
        ui.result(&plain(&reachable(&output.value, sandbox.as_ref())));
    } else if args.json {
        let values: BTreeMap<&String, Value> = state
            .outputs
            .iter()
            .map(|(name, output)| (name, reachable(&output.value, sandbox.as_ref())))
            .collect();
        ui.result(&serde_json::to_string_pretty(&values).unwrap_or_default());
    } else {
        show_values(&state.outputs, sandbox.as_ref(), ui);
    }
    Ok(Exit::Success)
}

/// Shows outputs, with their descriptions.
pub(super) fn show_values(
    outputs: &BTreeMap<String, OutputValue>,
    sandbox: Option<&Sandbox>,
    ui: &Ui,
) {
    if outputs.is_empty() {
        return;
    }
    let paint = ui.paint();
    let mut text = String::from("Outputs:\n");
    for (name, output) in outputs {
        match reachable(&output.value, sandbox) {
            Value::Object(map) => {
                text.push_str(&format_args!("  {}\n", paint.bold(name)).to_string());
                for (key, value) in &map {
                    text.push_str(&format_args!("    {key:16} {}\n", plain(value)).to_string());
                }
            }
            value => text.push_str(
                &format_args!("  {:24} {}\n", paint.bold(name), plain(&value)).to_string(),
            ),
        }
    }
    ui.result(&text);
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// On the sandbox, addresses of API Gateway are those that answer there.
fn reachable(value: &Value, sandbox: Option<&Sandbox>) -> Value {
    match (value, sandbox) {
        (Value::String(text), Some(sandbox)) => Value::String(sandbox.reachable(text)),
        (Value::Object(map), _) => Value::Object(
            map.iter().map(|(name, value)| (name.clone(), reachable(value, sandbox))).collect(),
        ),
        (Value::Array(items), _) => {
            Value::Array(items.iter().map(|item| reachable(item, sandbox)).collect())
        }
        (other, _) => other.clone(),
    }
}
