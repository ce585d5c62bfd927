//! `payctl export`.

use super::args::DeploymentArgs;
use super::loaded::{self, NO_ACCOUNT};
use crate::address::GLOBAL;
use crate::error::{CommandError, Exit};
use crate::state::deployment_id;
use crate::ui::Ui;

/// Write one region as a CloudFormation template
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// The region, or `global` for IAM and other types that have none
    #[arg(long)]
    pub region: String,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let loaded = loaded::load(&args.deployment)?;
    let deployment = loaded.deployment(&args.deployment, None, NO_ACCOUNT)?;
    if args.region != GLOBAL && !deployment.regions.contains(&args.region) {
        return Err(CommandError::new(format!("{} is not among the regions", args.region))
            .hint(format!("regions: {}, and {GLOBAL}", deployment.regions.join(", "))));
    }
    let (expansion, graph) = loaded.expand(&deployment)?;
    let deployment = deployment_id(loaded.stack.name(), &loaded.named.env);
    let description = format!("{deployment} in {}", args.region);
    let template =
        crate::export::template(&expansion, &graph, &args.region, NO_ACCOUNT, &description)?;
    ui.result(&serde_json::to_string_pretty(&template).unwrap_or_default());
    Ok(Exit::Success)
}
