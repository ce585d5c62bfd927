//! What commands on a deployment begin with: the stack, its state, AWS.

use super::args::{DeploymentArgs, PlanArgs};
use super::loaded::{self, NO_ACCOUNT, Named};
use crate::asset::Assets;
use crate::aws::clients::{Clients, Endpoint};
use crate::aws::owned::Owned;
use crate::engine::events::Event;
use crate::engine::{Calls, Setting, refresh};
use crate::error::CommandError;
use crate::plan::{self, Observed, Options, Plan};
use crate::resource::{Class, Failure};
use crate::sandbox::{self, Sandbox};
use crate::stack::Deployment;
use crate::state::{State, StateError};
use crate::ui::Ui;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// A deployment with AWS at hand.
pub(super) struct Session {
    pub(super) named: Named,
    pub(super) setting: Setting,
    pub(super) state: Option<State>,
    pub(super) events: mpsc::UnboundedReceiver<Event>,
    pub(super) sandbox: Option<Sandbox>,
    /// When the work on AWS began, the start of a sandbox not counted.
    pub(super) opened: Instant,
    not_kept: BTreeSet<(&'static str, &'static str)>,
}

impl Session {
    /// Loads everything, asks AWS whose account it is, and checks the state.
    pub(super) async fn open(
        args: &DeploymentArgs,
        options: Options,
        ui: &Ui,
    ) -> Result<Self, CommandError> {
        // To destroy, the state says all there is to know.
        let (named, loaded) = if options.destroy {
            (loaded::named(args)?, None)
        } else {
            let loaded = loaded::load(args)?;
            (loaded.named.clone(), Some(loaded))
        };
        let state = named.state()?;
        // Mistakes in the stack are shown before anything is started or
        // called.
        let offline = match &loaded {
            None => named.departing(args, state.as_ref())?,
            Some(loaded) => {
                let offline = loaded.deployment(args, state.as_ref(), NO_ACCOUNT)?;
                loaded.expand(&offline)?;
                offline
            }
        };
        let sandbox = args.sandbox.then(|| Sandbox::ensure(ui)).transpose()?;
        let opened = Instant::now();
        let endpoint = match &sandbox {
            Some(sandbox) => sandbox.endpoint(),
            None => Endpoint {
                url: given_endpoint(args)?,
                profile: args.profile.clone(),
                access_key: None,
            },
        };
        let clients = Arc::new(Clients::load(&endpoint).await);
        check_endpoint(clients.endpoint_url())?;
        let account = account(&clients, &offline).await.map_err(|failure| {
            no_account(failure, clients.endpoint_url(), args.profile.as_deref())
        })?;
        if let Some(state) = &state
            && state.account != account
        {
            let path = named.files.snapshot();
            let found = state.account.clone();
            return Err(
                StateError::Foreign { path, what: "account", found, expected: account }.into()
            );
        }
        let deployment = Deployment { account, ..offline };
        let (expansion, graph) = match &loaded {
            None => Default::default(),
            Some(loaded) => loaded.expand(&deployment)?,
        };
        let root = loaded.map(|loaded| loaded.stack.root().to_owned()).unwrap_or_default();
        let (sender, events) = mpsc::unbounded_channel();
        let setting = Setting {
            stack: named.stack.clone(),
            deployment,
            expansion: Arc::new(expansion),
            graph: Arc::new(graph),
            assets: Arc::new(Assets::default()),
            root,
            options,
            clients,
            owned: Arc::new(Owned::default()),
            calls: Arc::new(Calls::new(sender, usize::from(args.parallelism))),
        };
        Ok(Self { named, setting, state, events, sandbox, opened, not_kept: BTreeSet::new() })
    }

    /// Looks at AWS and makes the plan.
    pub(super) async fn plan(&mut self, refresh: bool) -> Result<Plan, CommandError> {
        let mut observed = match &self.state {
            None => Observed::default(),
            Some(state) if !refresh => refresh::unrefreshed(state),
            Some(state) => refresh::recorded(&self.setting, state).await.map_err(|failures| {
                CommandError::of_failures("AWS could not be read", &failures)
            })?,
        };
        if let Some(state) = &mut self.state {
            refresh::begun(&self.setting, state, &mut observed).await.map_err(|failures| {
                CommandError::of_failures("AWS could not be read", &failures)
            })?;
        }
        let emulated = self.setting.clients.endpoint_url().is_some_and(sandbox::is_ministack);
        if let (Some(state), true) = (&self.state, emulated) {
            self.not_kept = sandbox::take_states_word(&mut observed, state);
        }
        let state = self.state.as_ref();
        let plan = plan::build(&self.setting.inputs(state, &observed))?;
        let found = refresh::unrecorded(&self.setting, &plan, &mut observed)
            .await
            .map_err(|failures| CommandError::of_failures("AWS could not be read", &failures))?;
        if found { Ok(plan::build(&self.setting.inputs(state, &observed))?) } else { Ok(plan) }
    }

    /// Returns what to tell of properties that the emulator does not keep.
    pub(super) fn emulator_note(&self) -> Option<String> {
        if self.not_kept.is_empty() {
            return None;
        }
        let list: Vec<_> =
            self.not_kept.iter().map(|(kind, property)| format!("{kind} {property}")).collect();
        Some(format!(
            "The emulator does not keep these, so they are taken as applied: {}",
            list.join(", ")
        ))
    }
}

/// Returns the options that a plan's flags mean.
pub(super) fn options(args: &PlanArgs) -> Options {
    Options {
        targets: args.target.clone(),
        excludes: args.exclude.clone(),
        allow_data_loss: args.allow_data_loss,
        ..Options::default()
    }
}

/// How often AWS is asked, at least, whose credentials these are.
const TRIES: usize = 3;

/// Asks AWS whose credentials these are, in one region after the other until
/// one answers.
async fn account(clients: &Clients, deployment: &Deployment) -> Result<String, Failure> {
    let regions = &deployment.regions;
    let mut failed = Failure::refused("no region was asked");
    for region in regions.iter().cycle().take(TRIES.max(regions.len())) {
        match clients.sts(region).get_caller_identity().send().await {
            Ok(answer) => {
                let nameless = || Failure::refused("the answer names no account");
                return answer.account.ok_or_else(nameless);
            }
            Err(error) => failed = Failure::from(error),
        }
        if !failed.class.is_temporary() && failed.class != Class::Unreachable {
            break;
        }
    }
    Err(failed)
}

/// Says why AWS does not tell whose credentials these are.
fn no_account(failure: Failure, endpoint: Option<&str>, profile: Option<&str>) -> CommandError {
    let mut failure = failure.of("sts:GetCallerIdentity");
    if failure.class == Class::Denied {
        failure.class = Class::Credentials;
    }
    let answered = failure.status.is_some();
    let what = match (failure.class, endpoint, profile) {
        (Class::Unreachable, Some(url), _) => format!("Nothing answers at {url}"),
        (Class::Unreachable, None, _) => "AWS does not answer".to_owned(),
        (Class::Credentials, ..) if answered => "AWS does not take these credentials".to_owned(),
        (Class::Credentials, _, Some(profile)) => {
            format!("The profile '{profile}' gives no AWS credentials")
        }
        (Class::Credentials, _, None) => "There are no AWS credentials".to_owned(),
        (_, Some(url), _) if answered && failure.code.is_none() => {
            let status = failure.status.unwrap_or_default();
            return CommandError::new(format!("What answers at {url} is not AWS"))
                .because(&Failure { message: format!("HTTP status {status}"), ..failure })
                .hint("check the endpoint (--endpoint-url, AWS_ENDPOINT_URL)");
        }
        _ => "AWS does not say whose credentials these are".to_owned(),
    };
    CommandError::of_failure(what, &failure)
}

/// Returns the address that stands for all of AWS, if one is given.
fn given_endpoint(args: &DeploymentArgs) -> Result<Option<String>, CommandError> {
    let variable = || std::env::var("AWS_ENDPOINT_URL").ok();
    let given = args.endpoint_url.clone().or_else(variable);
    check_endpoint(given.as_deref())?;
    Ok(given)
}

/// Refuses an endpoint that is no address, on which the SDK would panic.
fn check_endpoint(endpoint: Option<&str>) -> Result<(), CommandError> {
    let is_address = |url: &str| {
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        host.is_some_and(|host| !host.is_empty())
    };
    match endpoint {
        Some(url) if !is_address(url) => {
            Err(CommandError::new(format!("The endpoint '{url}' is not an address"))
                .hint("write it like http://127.0.0.1:4566, or unset AWS_ENDPOINT_URL"))
        }
        _ => Ok(()),
    }
}
