//! `payctl validate`.

use super::args::DeploymentArgs;
use super::loaded::{self, NO_ACCOUNT};
use crate::error::{CommandError, Exit};
use crate::ui::Ui;

/// Check a stack file: offline, without credentials
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let loaded = loaded::load(&args.deployment)?;
    let deployment = loaded.deployment(&args.deployment, None, NO_ACCOUNT)?;
    let (expansion, _) = loaded.expand(&deployment)?;
    let count = expansion.nodes.len();
    if args.json {
        ui.result(
            &serde_json::json!({ "valid": true, "nodes": count, "regions": deployment.regions })
                .to_string(),
        );
    } else {
        ui.result(&format!(
            "{} is valid: {count} nodes in {}",
            loaded.stack.name(),
            deployment.regions.join(", ")
        ));
    }
    Ok(Exit::Success)
}
