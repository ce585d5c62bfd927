//! stub
use crate::cli::DeploymentArgs;
use crate::error::{CommandError, Exit};
use crate::ui::Ui;
/// Write one region as a CloudFormation template
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// The region to write
    #[arg(long)]
    pub region: String,
}
pub(super) fn run(_args: &Args, _ui: &Ui) -> Result<Exit, CommandError> {
    Ok(Exit::Success)
}
