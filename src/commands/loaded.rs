//! The stack file that a command works on, and what is known of its deployment
//! without AWS.

use super::args::DeploymentArgs;
use crate::diagnostic::did_you_mean;
use crate::error::CommandError;
use crate::graph::Graph;
use crate::stack::{Deployment, Expansion, Given, Stack};
use crate::state::local::Files;
use crate::state::{State, StateError, deployment_id};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The account that offline commands speak of. It is no account of anybody's.
pub(super) const NO_ACCOUNT: &str = "000000000000";
/// The environment when none is given.
const DEFAULT_ENV: &str = "dev";

/// `payctl.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    stack: Option<String>,
    state: Option<PathBuf>,
}

/// A deployment, as far as its name and its state tell.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) stack: String,
    pub(super) env: String,
    pub(super) files: Files,
    /// The regions that the stack file names; none without it.
    regions: Vec<String>,
}

/// A stack file that was loaded, for an environment.
pub(super) struct Loaded {
    pub(super) stack: Stack,
    pub(super) named: Named,
}

/// Loads the stack file and names the state's files. Nothing is read of the
/// state yet.
pub(super) fn load(args: &DeploymentArgs) -> Result<Loaded, CommandError> {
    let config = config()?;
    let path = stack_path(given(args, &config))?;
    let env = environment(args)?;
    let stack = Stack::load(&path)?;
    let named = Named::new(args, &config, stack.name(), env, stack.regions());
    Ok(Loaded { stack, named })
}

/// Names the deployment by its stack file; where that is missing or broken,
/// by the name that was given, if there is a state of that name.
pub(super) fn named(args: &DeploymentArgs) -> Result<Named, CommandError> {
    load(args).map(|loaded| loaded.named).or_else(|error| {
        let config = config()?;
        let env = environment(args)?;
        let name = given(args, &config).and_then(|stack| Path::new(stack).file_stem()?.to_str());
        let named = name.map(|name| Named::new(args, &config, name, env, &[]));
        named.filter(|named| named.files.snapshot().is_file()).ok_or(error)
    })
}

/// Returns how the stack is named.
fn given<'a>(args: &'a DeploymentArgs, config: &'a Config) -> Option<&'a str> {
    args.stack.as_deref().or(config.stack.as_deref())
}

fn config() -> Result<Config, CommandError> {
    let wrong = |error: &dyn std::error::Error| {
        CommandError::new("payctl.toml cannot be read").because(error)
    };
    match std::fs::read_to_string("payctl.toml") {
        Ok(text) => toml::from_str(&text).map_err(|error| wrong(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(wrong(&error)),
    }
}

fn stack_path(stack: Option<&str>) -> Result<PathBuf, CommandError> {
    let known = known_stacks();
    let listed = match known.as_slice() {
        [] => "there are none in plans/ here; give the path of a stack file".to_owned(),
        known => format!("stacks here: {}", known.join(", ")),
    };
    let Some(stack) = stack else {
        return Err(CommandError::new("No stack is given")
            .hint("name one (payctl plan my-stack), or set `stack` in payctl.toml")
            .hint(listed));
    };
    let named = Path::new("plans").join(format!("{stack}.yaml"));
    [PathBuf::from(stack), named].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let missing = CommandError::new(format!(
            "There is no stack '{stack}': neither a file of that name nor plans/{stack}.yaml"
        ));
        match did_you_mean(stack, known.iter().map(String::as_str)) {
            Some(guess) => missing.hint(guess),
            None => missing.hint(listed),
        }
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

/// Returns the environment's name. A variable that is set to nothing says
/// nothing.
fn environment(args: &DeploymentArgs) -> Result<String, CommandError> {
    let variable = || std::env::var("ENVIRONMENT_SUFFIX").ok().filter(|env| !env.is_empty());
    let env = args.env.clone().or_else(variable).unwrap_or_else(|| DEFAULT_ENV.to_owned());
    check_env(&env)?;
    Ok(env)
}

/// Returns the variables that can be read as text.
fn variables() -> BTreeMap<String, String> {
    let text = |text: OsString| text.into_string().ok();
    std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect()
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

impl Named {
    fn new(
        args: &DeploymentArgs,
        config: &Config,
        stack: &str,
        env: String,
        regions: &[String],
    ) -> Self {
        let base = args.state.as_ref().or(config.state.as_ref());
        let base = base.map_or_else(|| PathBuf::from("state"), PathBuf::clone);
        let folder = if args.sandbox { base.join("sandbox") } else { base };
        let files = Files::new(&folder, &deployment_id(stack, &env));
        Self { stack: stack.to_owned(), env, files, regions: regions.to_vec() }
    }

    /// Returns the facts of a deployment that is to be destroyed: its state
    /// says all about it, so no parameter is asked for.
    pub(super) fn departing(
        &self,
        args: &DeploymentArgs,
        state: Option<&State>,
    ) -> Result<Deployment, CommandError> {
        let (primary, regions) = self.regions(args, state)?;
        if let Some(state) = state
            && !args.regions.is_empty()
            && BTreeSet::from_iter(&regions) != BTreeSet::from_iter(&state.regions)
        {
            return Err(CommandError::new(format!(
                "The deployment is in {}, and destroy removes all of it",
                state.regions.join(", ")
            ))
            .hint("leave out --regions; for some regions only: --target 'us-east-1/*'"));
        }
        Ok(Deployment {
            env: self.env.clone(),
            partition: partition(&primary).to_owned(),
            regions,
            primary,
            account: NO_ACCOUNT.to_owned(),
            parameters: BTreeMap::new(),
        })
    }

    /// Returns the primary and all regions, the primary first.
    fn regions(
        &self,
        args: &DeploymentArgs,
        state: Option<&State>,
    ) -> Result<(String, Vec<String>), CommandError> {
        let mut regions: Vec<String> = if args.regions.is_empty() {
            state.map_or_else(|| self.regions.clone(), |state| state.regions.clone())
        } else {
            args.regions.iter().map(|region| region.trim().to_owned()).collect()
        };
        check_regions(&regions)?;
        let remembered =
            state.map(|state| state.primary.clone()).filter(|primary| regions.contains(primary));
        let primary = args.primary.clone().or(remembered).unwrap_or_else(|| regions[0].clone());
        if !regions.contains(&primary) {
            return Err(CommandError::new(format!(
                "The primary {primary} is not among the regions"
            ))
            .hint("name it in --regions too"));
        }
        // The primary leads, as in the stack file.
        regions.sort_by_key(|region| *region != primary);
        Ok((primary, regions))
    }

    /// Reads the state of a deployment that has been applied.
    pub(super) fn applied(&self) -> Result<State, CommandError> {
        self.state()?.ok_or_else(|| {
            let deployment = deployment_id(&self.stack, &self.env);
            CommandError::new(format!("The deployment {deployment} has no state"))
                .hint("nothing was applied yet; or it is another one: see --env and --state")
        })
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
        if state.stack != self.stack {
            return Err(foreign("stack", &state.stack, &self.stack).into());
        }
        if state.env != self.env {
            return Err(foreign("environment", &state.env, &self.env).into());
        }
        Ok(Some(state))
    }
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
            environment: variables(),
        };
        let parameters = self.stack.parameters(&given)?;
        let (primary, regions) = self.named.regions(args, state)?;
        Ok(Deployment {
            env: self.named.env.clone(),
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
}

fn check_regions(regions: &[String]) -> Result<(), CommandError> {
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
    Ok(crate::stack::check_regions(regions)?)
}

fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}
