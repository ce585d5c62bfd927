//! A plan in a file: what it was made from, and a hash of what it would do. It
//! is applied exactly, or refused as stale.

use super::args::{DeploymentArgs, PlanArgs};
use crate::engine::Setting;
use crate::error::CommandError;
use crate::plan::{Options, Plan};
use crate::state::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The version of the file's format.
const FORMAT: u32 = 1;

/// A saved plan. Parameter values are not in it: a secret may be among them.
/// They are given again, and the digest tells whether they are the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedPlan {
    format: u32,
    /// How the stack was named.
    pub stack: Option<String>,
    /// The environment.
    pub env: String,
    /// The regions.
    pub regions: Vec<String>,
    /// The primary region.
    pub primary: String,
    /// The folder of the state.
    pub state: Option<PathBuf>,
    /// Whether it is for the sandbox.
    pub sandbox: bool,
    /// Whether resources were read.
    pub refresh: bool,
    /// What was allowed and asked for.
    pub options: Options,
    /// The state's history, and how often it had been written.
    pub history: Option<(String, u64)>,
    /// The hash of the plan.
    pub digest: String,
    /// The plan, for people and tools to read.
    pub plan: Plan,
}

impl SavedPlan {
    /// Notes everything that a plan was made from.
    pub(super) fn new(
        deployment: &DeploymentArgs,
        args: &PlanArgs,
        setting: &Setting,
        state: Option<&State>,
        plan: &Plan,
    ) -> Self {
        Self {
            format: FORMAT,
            stack: deployment.stack.clone(),
            env: setting.deployment.env.clone(),
            regions: setting.deployment.regions.clone(),
            primary: setting.deployment.primary.clone(),
            state: deployment.state.clone(),
            sandbox: deployment.sandbox,
            refresh: args.refresh,
            options: setting.options.clone(),
            history: history(state),
            digest: plan.digest(),
            plan: plan.clone(),
        }
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path) -> Result<(), CommandError> {
        let failed = |error: &dyn std::error::Error| {
            CommandError::new(format!("The plan cannot be written to {}", path.display()))
                .because(error)
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(CommandError::new(format!("There is no folder {}", folder.display())));
        }
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| failed(&error))?;
        text.push(b'\n');
        crate::durable::replace(path, &text).map_err(|error| failed(&error))
    }

    /// Reads a file if it is a saved plan; `None` for a stack file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, CommandError> {
        let Ok(text) = std::fs::read_to_string(path) else { return Ok(None) };
        let value: Value = match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(_) => return Ok(None),
        };
        let (Some(format), Some(_)) = (value.get("format"), value.get("digest")) else {
            return Ok(None);
        };
        if *format != FORMAT {
            return Err(CommandError::new(format!("{} has plan format {format}", path.display()))
                .hint("plan again with this payctl"));
        }
        serde_json::from_value(value).map(Some).map_err(|error| {
            CommandError::new(format!("{} is not a plan that this payctl saved", path.display()))
                .because(&error)
                .hint("make one with: payctl plan --out FILE")
        })
    }

    /// Returns the arguments that make the same plan again.
    pub(super) fn arguments(&self, given: &DeploymentArgs) -> DeploymentArgs {
        DeploymentArgs {
            stack: self.stack.clone(),
            env: Some(self.env.clone()),
            regions: self.regions.clone(),
            primary: Some(self.primary.clone()),
            state: self.state.clone(),
            sandbox: self.sandbox,
            ..given.clone()
        }
    }

    /// Returns the command that plans and applies anew what this plan is for.
    pub(super) fn command(&self) -> String {
        let stack = self.stack.iter().map(|stack| format!(" {stack}")).collect::<String>();
        let sandbox = if self.sandbox { " --sandbox" } else { "" };
        format!("payctl apply{stack} --env {}{sandbox}", self.env)
    }

    /// Refuses the plan unless everything is as it was.
    pub(super) fn check(&self, state: Option<&State>, plan: &Plan) -> Result<(), CommandError> {
        let stale = |what: &str, hint: &str| {
            Err(CommandError::new(format!(
                "The saved plan is stale: {what} since it was made; nothing was changed"
            ))
            .hint(hint))
        };
        if history(state) != self.history {
            return stale("the deployment was changed", "look at a new plan, and apply that");
        }
        if plan.digest() != self.digest {
            return stale(
                "the stack, its parameters or code, or something in AWS has changed",
                "give the same --param and --params as for the plan; else look at a new plan, and apply that",
            );
        }
        Ok(())
    }
}

fn history(state: Option<&State>) -> Option<(String, u64)> {
    state.map(|state| (state.lineage.clone(), state.serial))
}
