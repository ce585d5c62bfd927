//! `payctl apply`.

use super::args::{DeploymentArgs, PlanArgs};
use super::given;
use super::plan::{self, AllowArgs};
use super::saved::SavedPlan;
use super::session::Session;
use crate::engine::{self, Summary};
use crate::error::{CommandError, Exit, hint_for};
use crate::plan::{Options, Plan};
use crate::report::{self, Style};
use crate::sandbox::Sandbox;
use crate::state::State;
use crate::ui::Ui;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Notify;

/// Bring AWS to what the stack file says
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment, or a saved plan.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// What the plan may touch.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// What apply may do beyond changing what is ours.
    #[command(flatten)]
    pub allow: AllowArgs,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Print events and the summary as JSON lines
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let saved = match &args.deployment.stack {
        Some(path) => SavedPlan::read(Path::new(path))?,
        None => None,
    };
    let request = match &saved {
        // A saved plan was looked at when it was made.
        Some(saved) => Request {
            deployment: saved.arguments(&args.deployment),
            options: saved.options.clone(),
            refresh: saved.refresh,
            yes: true,
            json: args.json,
            command: "payctl apply",
            again: saved.command(),
        },
        None => Request {
            deployment: args.deployment.clone(),
            options: plan::options(&args.plan, &args.allow),
            refresh: args.plan.refresh,
            yes: args.yes,
            json: args.json,
            command: "payctl apply",
            again: given::command(),
        },
    };
    converge(&request, saved.as_ref(), ui).await
}

/// A plan to be made and applied, by apply or destroy.
pub(super) struct Request {
    pub(super) deployment: DeploymentArgs,
    pub(super) options: Options,
    pub(super) refresh: bool,
    pub(super) yes: bool,
    pub(super) json: bool,
    /// What the lock says of its holder.
    pub(super) command: &'static str,
    /// The command that goes on where this one stops.
    pub(super) again: String,
}

/// Plans, asks, applies.
pub(super) async fn converge(
    request: &Request,
    saved: Option<&SavedPlan>,
    ui: &Ui,
) -> Result<Exit, CommandError> {
    let mut session = Session::open(&request.deployment, request.options.clone(), ui).await?;
    // From here on nobody else may change the deployment, so that the plan
    // stays true. What was read before the lock is read again.
    let lock = session.named.files.lock(request.command)?;
    session.state = session.named.state()?;
    let plan = session.plan(request.refresh).await?;
    if let Some(saved) = saved {
        saved.check(session.state.as_ref(), &plan)?;
    }
    if request.json {
        ui.result(&report::json::plan(&plan));
    } else {
        plan::show(&session, &plan, ui);
    }
    if !plan.refusals.is_empty() {
        return Err(refused());
    }
    if plan.is_empty() {
        return Ok(nothing_to_do(&session, request, ui));
    }
    if !request.yes && !ask(&plan, request, ui)? {
        return Err(CommandError::new("Not confirmed; nothing was changed"));
    }
    let state = session.state.clone().unwrap_or_else(|| {
        let deployment = &session.setting.deployment;
        State::new(
            &session.setting.stack,
            &deployment.env,
            &deployment.account,
            &deployment.primary,
            &deployment.regions,
        )
    });
    let store = session.named.files.open(state, lock)?;
    let stop = stop_on_signals(ui);
    let style = if request.json { Style::Json } else { Style::Human };
    let reporter = report::start(session.events, style, &plan, ui);
    let calls = Arc::clone(&session.setting.calls);
    let planned = calls.count();
    let (summary, state) = engine::apply(session.setting, &plan, store, stop).await?;
    reporter.finish(&summary, calls.count() - planned).await;
    drop(calls);
    Ok(conclude(&summary, &state, request, session.sandbox.as_ref(), ui))
}

/// The plan that was shown says what is refused and what to do.
fn refused() -> CommandError {
    CommandError::new("The plan cannot be applied as it is, as said above; nothing was changed")
}

fn nothing_to_do(session: &Session, request: &Request, ui: &Ui) -> Exit {
    let outputs = session.state.as_ref().map(|state| state.outputs.clone()).unwrap_or_default();
    if request.json {
        let summary = Summary { outputs, ..Summary::default() };
        ui.result(&report::json::summary(&summary, 0));
    } else if !request.options.destroy {
        super::output::show_values(&outputs, session.sandbox.as_ref(), ui);
    }
    Exit::Success
}

fn ask(plan: &Plan, request: &Request, ui: &Ui) -> Result<bool, CommandError> {
    if !ui.can_ask() {
        return Err(CommandError::new("There is no terminal to ask on; nothing was changed").hint(
            format!(
                "look at the plan above; to go on without being asked: {} --yes",
                request.again
            ),
        ));
    }
    let question = if request.options.destroy {
        format!("Delete all this of {}?", plan.deployment)
    } else {
        format!("Apply this to {}?", plan.deployment)
    };
    ui.confirm(&question)
        .map_err(|error| CommandError::new("The answer cannot be read").because(&error))
}

/// The first interrupt stops the run in an orderly way, the second at once.
fn stop_on_signals(ui: &Ui) -> Arc<Notify> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = Arc::new(Notify::new());
    let notify = Arc::clone(&stop);
    let ui = *ui;
    if let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    {
        tokio::spawn(async move {
            let mut asked = false;
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if asked {
                    ui.story("Stopped at once; the journal holds what was under way");
                    #[expect(clippy::exit, reason = "the user asked twice; the journal suffices")]
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
                asked = true;
                ui.story("Stopping: what is under way is finished, nothing new begins (again to stop at once)");
                notify.notify_one();
            }
        });
    }
    stop
}

/// Tells how it ended and what comes next.
fn conclude(
    summary: &Summary,
    state: &State,
    request: &Request,
    sandbox: Option<&Sandbox>,
    ui: &Ui,
) -> Exit {
    if !request.json && summary.is_complete() && !request.options.destroy {
        super::output::show_values(&state.outputs, sandbox, ui);
    }
    if summary.is_complete() {
        return Exit::Success;
    }
    if !request.json {
        let mut hints: Vec<&str> =
            summary.failed.iter().filter_map(|(_, _, failure)| hint_for(failure)).collect();
        hints.sort_unstable();
        hints.dedup();
        hints.into_iter().for_each(|hint| ui.hint(hint));
        ui.hint(&format!("to go on from here: {}", request.again));
    }
    if summary.interrupted { Exit::Interrupted } else { Exit::Failure }
}
