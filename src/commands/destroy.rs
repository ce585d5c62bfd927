//! `payctl destroy`.

use super::apply::{self, Request};
use super::args::{DeploymentArgs, PlanArgs};
use super::{given, session};
use crate::error::{CommandError, Exit};
use crate::plan::Options;
use crate::ui::Ui;

/// Remove everything that a deployment has
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// What the plan may touch.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Print events and the summary as JSON lines
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let request = Request {
        deployment: args.deployment.clone(),
        options: Options { destroy: true, ..session::options(&args.plan) },
        refresh: args.plan.refresh,
        yes: args.yes,
        json: args.json,
        command: "payctl destroy",
        again: given::command(),
    };
    apply::converge(&request, None, ui).await
}
