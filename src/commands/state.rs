//! `payctl state list` and `payctl state show`.

use super::session;
use crate::address::Address;
use crate::cli::DeploymentArgs;
use crate::error::{CommandError, Exit};
use crate::plan::selection;
use crate::state::State;
use crate::ui::Ui;
use std::fmt::Write as _;

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

pub(super) fn run(command: &Command, ui: &Ui) -> Result<Exit, CommandError> {
    match command {
        Command::List(args) => list(args, ui),
        Command::Show(args) => show(args, ui),
    }
}

fn read(args: &DeploymentArgs) -> Result<State, CommandError> {
    let loaded = session::load(args)?;
    loaded.state()?.ok_or_else(|| {
        CommandError::new(format!(
            "{}.{} has no state: nothing was applied yet",
            loaded.stack.name(),
            loaded.env
        ))
    })
}

fn list(args: &List, ui: &Ui) -> Result<Exit, CommandError> {
    let state = read(&args.deployment)?;
    if args.json {
        ui.result(&serde_json::to_string_pretty(&state.records).unwrap_or_default());
        return Ok(Exit::Success);
    }
    let width = |length: fn(&(&Address, &str)) -> usize| {
        state.records.iter().map(|(a, r)| length(&(a, r.type_name.as_str()))).max().unwrap_or(0)
    };
    let (first, second) =
        (width(|(address, _)| address.to_string().len()), width(|(_, kind)| kind.len()));
    let mut text = String::new();
    for (address, record) in &state.records {
        let address = address.to_string();
        let _infallible =
            writeln!(text, "{address:first$}  {:second$}  {}", record.type_name, record.id);
    }
    for (address, pending) in &state.pending {
        let address = address.to_string();
        let _infallible = writeln!(
            text,
            "{address:first$}  {:second$}  (creation interrupted)",
            pending.type_name
        );
    }
    ui.result(&text);
    Ok(Exit::Success)
}

fn show(args: &Show, ui: &Ui) -> Result<Exit, CommandError> {
    let state = read(&args.deployment)?;
    let found: std::collections::BTreeMap<_, _> = state
        .records
        .iter()
        .filter(|(address, _)| selection::matches(&args.address, address))
        .collect();
    if found.is_empty() {
        return Err(CommandError::new(format!("the state holds no node '{}'", args.address))
            .hint("list them with: payctl state list"));
    }
    ui.result(&serde_json::to_string_pretty(&found).unwrap_or_default());
    Ok(Exit::Success)
}
