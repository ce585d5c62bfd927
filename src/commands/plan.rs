//! `payctl plan`.

use super::args::{DeploymentArgs, PlanArgs};
use super::saved::SavedPlan;
use super::session::{self, Session};
use crate::error::{CommandError, Exit};
use crate::plan::{Options, Plan, render};
use crate::ui::{Ui, counted};
use std::path::PathBuf;

/// Show what apply would do
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// What the plan may touch.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// What apply may do beyond changing what is ours.
    #[command(flatten)]
    pub allow: AllowArgs,
    /// Plan the removal of everything
    #[arg(long)]
    pub destroy: bool,
    /// Save the plan, for `payctl apply FILE`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Exit with 0 when there is nothing to change, 2 when there is, 1 on errors
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

/// What apply may do beyond changing what is ours.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AllowArgs {
    /// Replace nodes that match, although nothing demands it
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Take over things that exist and are not this deployment's
    #[arg(long)]
    pub adopt: bool,
    /// Remove the nodes of regions that --regions no longer names
    #[arg(long)]
    pub allow_region_removal: bool,
}

/// Returns the options that the flags mean.
pub(super) fn options(plan: &PlanArgs, allow: &AllowArgs) -> Options {
    Options {
        replace: allow.replace.clone(),
        adopt: allow.adopt,
        allow_region_removal: allow.allow_region_removal,
        ..session::options(plan)
    }
}

pub(crate) async fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let options = Options { destroy: args.destroy, ..options(&args.plan, &args.allow) };
    let mut session = Session::open(&args.deployment, options, ui).await?;
    let plan = session.plan(args.plan.refresh).await?;
    if args.json {
        ui.result(&plan.to_json());
    } else {
        show(&session, &plan, ui);
    }
    if let Some(path) = &args.out {
        if !plan.refusals.is_empty() {
            return Err(CommandError::new(
                "The plan is not saved, for it cannot be applied as it is",
            ));
        }
        let saved = SavedPlan::new(
            &args.deployment,
            &args.plan,
            &session.setting,
            session.state.as_ref(),
            &plan,
        );
        saved.write(path)?;
        ui.story(&format!(
            "The plan is saved. To apply exactly this: payctl apply {}",
            path.display()
        ));
    }
    Ok(match (plan.refusals.is_empty(), args.detailed_exitcode, plan.is_empty()) {
        (false, ..) => Exit::Failure,
        (true, true, false) => Exit::Changes,
        _ => Exit::Success,
    })
}

/// Shows a plan to people: on stdout, with where it applies above it.
pub(super) fn show(session: &Session, plan: &Plan, ui: &Ui) {
    ui.story(&header(plan));
    ui.story("");
    ui.result(&render::human(plan, ui.paint()));
    ui.story(&format!(
        "The plan took {} and {}",
        crate::time::human(session.opened.elapsed()),
        counted(session.setting.calls.count(), "call")
    ));
    for region in plan.regions.iter().filter(|region| session.setting.calls.is_silent(region)) {
        ui.warning(&format!("{region} does not answer: what is planned there was not looked at"));
    }
    if let Some(note) = session.emulator_note() {
        ui.story(&note);
    }
}

fn header(plan: &Plan) -> String {
    let mut regions = plan.regions.iter();
    let primary = regions.next().map(|primary| format!("{primary} (primary)")).unwrap_or_default();
    let rest: String = regions.map(|region| format!(", {region}")).collect();
    format!("{} · account {} · {primary}{rest}", plan.deployment, plan.account)
}
