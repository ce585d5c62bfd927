//! `payctl state list` and `payctl state show`.

use super::args::DeploymentArgs;
use super::loaded;
use crate::address::Address;
use crate::error::{CommandError, Exit};
use crate::plan::selection;
use crate::state::State;
use crate::ui::Ui;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Look into the state
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List the nodes that the state holds
    List(List),
    /// Show all that the state holds of a node
    Show(Show),
}

/// List the nodes that the state holds
#[derive(Clone, Debug, clap::Args)]
pub struct List {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Show all that the state holds of a node
#[derive(Clone, Debug, clap::Args)]
pub struct Show {
    /// The node's address (us-east-1/Key) or a pattern
    pub address: String,
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
}

pub(crate) fn run(command: &Command, ui: &Ui) -> Result<Exit, CommandError> {
    match command {
        Command::List(args) => list(args, ui),
        Command::Show(args) => show(args, ui),
    }
}

fn list(args: &List, ui: &Ui) -> Result<Exit, CommandError> {
    let state = loaded::named(&args.deployment)?.applied()?;
    if args.json {
        ui.result(&serde_json::to_string_pretty(&nodes(&state)).unwrap_or_default());
        return Ok(Exit::Success);
    }
    let made = state
        .records
        .iter()
        .map(|(address, record)| (address.to_string(), &record.type_name, record.id.to_string()));
    let begun = state.pending.iter().map(|(address, pending)| {
        (address.to_string(), &pending.type_name, "(creation interrupted)".to_owned())
    });
    let rows: Vec<_> = made.chain(begun).collect();
    let first = rows.iter().map(|(address, ..)| address.len()).max().unwrap_or(0);
    let second = rows.iter().map(|(_, kind, _)| kind.len()).max().unwrap_or(0);
    let lines =
        rows.iter().map(|(address, kind, id)| format!("{address:first$}  {kind:second$}  {id}\n"));
    ui.result(&lines.collect::<String>());
    Ok(Exit::Success)
}

/// Returns every node as JSON, those too whose creation was interrupted.
fn nodes(state: &State) -> BTreeMap<&Address, Value> {
    let records = state.records.iter().map(|(address, record)| (address, json!(record)));
    let pending = state.pending.iter().map(|(address, pending)| {
        let mut node = json!(pending);
        node["status"] = json!("pending");
        (address, node)
    });
    pending.chain(records).collect()
}

fn show(args: &Show, ui: &Ui) -> Result<Exit, CommandError> {
    let state = loaded::named(&args.deployment)?.applied()?;
    let mut found = nodes(&state);
    found.retain(|address, _| selection::matches(&args.address, address));
    if found.is_empty() {
        return Err(CommandError::new(format!("The state holds no node '{}'", args.address))
            .hint("list them with: payctl state list"));
    }
    ui.result(&serde_json::to_string_pretty(&found).unwrap_or_default());
    Ok(Exit::Success)
}
