//! What commands on a deployment begin with: the stack, its state, AWS.

use crate::asset::Assets;
use crate::aws::clients::{Clients, Endpoint};
use crate::aws::owned::Owned;
use crate::cli::{DeploymentArgs, PlanArgs};
use crate::engine::events::Event;
use crate::engine::{Calls, Setting, refresh};
use crate::error::CommandError;
use crate::graph::Graph;
use crate::plan::{self, Observed, Options, Plan};
use crate::resource::{Class, Failure};
use crate::sandbox::{self, Sandbox};
use crate::stack::{self, Deployment, Expansion, Given, Stack};
use crate::state::State;
use crate::state::StateError;
use crate::state::local::Files;
use crate::ui::Ui;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::mpsc;

/// The account that offline commands speak of. It is no account of anybody's.
pub(super) const NO_ACCOUNT: &str = "000000000000";
/// What begins the variables that set parameters.
const PARAMETER_VARIABLE: &str = "PAYCTL_PARAM_";

/// `payctl.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    stack: Option<String>,
    state: Option<PathBuf>,
}

/// A stack file that was loaded, for an environment.
pub(super) struct Loaded {
    pub(super) stack: Stack,
    pub(super) env: String,
    pub(super) files: Files,
}

/// Loads the stack file and names the state's files. Nothing is read of the
/// state yet.
pub(super) fn load(args: &DeploymentArgs) -> Result<Loaded, CommandError> {
    let config = config()?;
    let path = stack_path(args.stack.as_deref().or(config.stack.as_deref()))?;
    check_env(&args.env)?;
    // An emulator has whatever regions one asks it for.
    let options =
        stack::Options { any_region: args.endpoint_url.is_some(), ..stack::Options::default() };
    let stack = Stack::load_with(&path, &options)?;
    let base = args.state.clone().or(config.state).unwrap_or_else(|| PathBuf::from("state"));
    let folder = if args.sandbox { base.join("sandbox") } else { base };
    let files = Files::new(&folder, &format!("{}.{}", stack.name(), args.env));
    Ok(Loaded { stack, env: args.env.clone(), files })
}

fn config() -> Result<Config, CommandError> {
    let path = Path::new("payctl.toml");
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text)
            .map_err(|error| CommandError::new("payctl.toml cannot be read").because(&error)),
        Err(_) => Ok(Config::default()),
    }
}

fn stack_path(stack: Option<&str>) -> Result<PathBuf, CommandError> {
    let Some(stack) = stack else {
        return Err(CommandError::new("No stack is given")
            .hint("name one (payctl plan my-stack) or set `stack` in payctl.toml")
            .hint(format!("stacks here: {}", known_stacks().join(", "))));
    };
    let named = Path::new("plans").join(format!("{stack}.yaml"));
    [PathBuf::from(stack), named].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        CommandError::new(format!(
            "There is no stack '{stack}': neither a file of that name nor plans/{stack}.yaml"
        ))
        .hint(format!("stacks here: {}", known_stacks().join(", ")))
    })
}

fn known_stacks() -> Vec<String> {
    let files = std::fs::read_dir("plans").into_iter().flatten().flatten();
    let mut names: Vec<_> = files
        .filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(".yaml")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The environment goes into names and file names.
fn check_env(env: &str) -> Result<(), CommandError> {
    let fits = !env.is_empty()
        && env.len() <= 32
        && env.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if fits {
        return Ok(());
    }
    Err(CommandError::new(format!("'{env}' cannot be an environment"))
        .hint("use 1 to 32 lower-case letters, digits and '-', for it becomes part of the names of resources"))
}

impl Loaded {
    /// Returns the facts of the deployment.
    pub(super) fn deployment(
        &self,
        args: &DeploymentArgs,
        state: Option<&State>,
        account: &str,
    ) -> Result<Deployment, CommandError> {
        let given = Given {
            flags: args.param.clone(),
            files: args.params.clone(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(name, _)| name.starts_with(PARAMETER_VARIABLE))
                .collect(),
        };
        let parameters = self.stack.parameters(&given)?;
        let mut regions: Vec<String> = if args.regions.is_empty() {
            state.map_or_else(|| self.stack.regions().to_vec(), |state| state.regions.clone())
        } else {
            args.regions.iter().map(|region| region.trim().to_owned()).collect()
        };
        check_regions(&regions, args.endpoint_url.is_some())?;
        let remembered =
            state.map(|state| state.primary.clone()).filter(|primary| regions.contains(primary));
        let primary = args.primary.clone().or(remembered).unwrap_or_else(|| regions[0].clone());
        if !regions.contains(&primary) {
            return Err(CommandError::new(format!(
                "the primary {primary} is not among the regions"
            ))
            .hint("name it in --regions too"));
        }
        // The primary leads, as in the stack file.
        regions.sort_by_key(|region| *region != primary);
        Ok(Deployment {
            env: self.env.clone(),
            partition: partition(&primary).to_owned(),
            regions,
            primary,
            account: account.to_owned(),
            parameters,
        })
    }

    /// Expands the stack and builds its graph.
    pub(super) fn expand(
        &self,
        deployment: &Deployment,
    ) -> Result<(Expansion, Graph), CommandError> {
        let expansion = self.stack.expand(deployment)?;
        let graph = Graph::of(&expansion).map_err(|cycle| {
            let path: Vec<String> = cycle.0.iter().map(ToString::to_string).collect();
            CommandError::new(format!("These nodes wait for each other: {}", path.join(" → ")))
                .hint("break the circle: refer to one of them by a name that is known beforehand")
        })?;
        Ok((expansion, graph))
    }

    /// Reads the state and refuses one that is not this deployment's.
    pub(super) fn state(&self) -> Result<Option<State>, CommandError> {
        let Some(state) = self.files.read()? else { return Ok(None) };
        let foreign = |what, found: &str, expected: &str| StateError::Foreign {
            path: self.files.snapshot(),
            what,
            found: found.to_owned(),
            expected: expected.to_owned(),
        };
        if state.stack != self.stack.name() {
            return Err(foreign("stack", &state.stack, self.stack.name()).into());
        }
        if state.env != self.env {
            return Err(foreign("environment", &state.env, &self.env).into());
        }
        Ok(Some(state))
    }
}

fn check_regions(regions: &[String], any: bool) -> Result<(), CommandError> {
    if regions.is_empty() {
        return Err(CommandError::new("No region is given")
            .hint("give --regions, or Regions in the stack file"));
    }
    let mut seen = BTreeSet::new();
    for region in regions {
        if !seen.insert(region) {
            return Err(CommandError::new(format!("{region} is given twice in --regions")));
        }
    }
    Ok(crate::stack::check_regions(regions, any)?)
}

fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// A deployment with AWS at hand.
pub(super) struct Session {
    pub(super) loaded: Loaded,
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
        let loaded = load(args)?;
        let state = loaded.state()?;
        // Mistakes in the stack are shown before anything is started or
        // called.
        let offline = loaded.deployment(args, state.as_ref(), NO_ACCOUNT)?;
        if !options.destroy {
            loaded.expand(&offline)?;
        }
        let sandbox = args.sandbox.then(|| Sandbox::ensure(ui)).transpose()?;
        let opened = Instant::now();
        let endpoint = match &sandbox {
            Some(sandbox) => sandbox.endpoint(),
            None => Endpoint {
                url: args.endpoint_url.clone(),
                profile: args.profile.clone(),
                access_key: None,
            },
        };
        let clients = Arc::new(Clients::load(&endpoint).await);
        let account = account(&clients, &offline.primary).await?;
        if let Some(state) = &state
            && state.account != account
        {
            let path = loaded.files.snapshot();
            let found = state.account.clone();
            return Err(
                StateError::Foreign { path, what: "account", found, expected: account }.into()
            );
        }
        let deployment = Deployment { account, ..offline };
        let (expansion, graph) = if options.destroy {
            let nothing =
                Expansion { nodes: BTreeMap::new(), outputs: Vec::new(), order: Vec::new() };
            (nothing, Graph::default())
        } else {
            loaded.expand(&deployment)?
        };
        let (sender, events) = mpsc::unbounded_channel();
        let setting = Setting {
            stack: loaded.stack.name().to_owned(),
            deployment,
            expansion: Arc::new(expansion),
            graph: Arc::new(graph),
            assets: Arc::new(Assets::default()),
            root: loaded.stack.root().to_owned(),
            options,
            clients,
            owned: Arc::new(Owned::default()),
            calls: Arc::new(Calls::new(sender, usize::from(args.parallelism))),
        };
        Ok(Self { loaded, setting, state, events, sandbox, opened, not_kept: BTreeSet::new() })
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
        let emulated = self.setting.clients.endpoint_url().is_some_and(sandbox::is_ministack);
        if let (Some(state), true) = (&self.state, emulated) {
            self.not_kept = sandbox::take_states_word(&mut observed, state);
        }
        let state = self.state.as_ref();
        let plan = plan::build(&self.setting.inputs(state, &observed))?;
        let found = refresh::unrecorded(&self.setting, state, &plan, &mut observed)
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

    /// Whether the outputs would differ from those of the last apply.
    pub(super) fn outputs_differ(&self, plan: &Plan) -> bool {
        let Some(state) = &self.state else { return !plan.outputs.is_empty() };
        state.outputs.len() != plan.outputs.len()
            || plan
                .outputs
                .iter()
                .any(|(name, value)| state.outputs.get(name).map(|o| &o.value) != Some(value))
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

/// Asks AWS whose credentials these are.
async fn account(clients: &Clients, region: &str) -> Result<String, CommandError> {
    let answer = clients.sts(region).get_caller_identity().send().await;
    let answer = answer.map_err(|error| {
        let failure = Failure::from(error).of("sts:GetCallerIdentity");
        let failure = if failure.class == Class::Denied {
            failure.with_class(Class::Credentials)
        } else {
            failure
        };
        let what = match (failure.class, clients.endpoint_url()) {
            (Class::Unreachable, Some(url)) => format!("Nothing answers at {url}"),
            (Class::Credentials, _) => "There are no usable AWS credentials".to_owned(),
            _ => "AWS does not say whose credentials these are".to_owned(),
        };
        CommandError::of_failure(what, &failure)
    })?;
    answer
        .account()
        .map(str::to_owned)
        .ok_or_else(|| CommandError::new("AWS does not say whose credentials these are"))
}
