//! The command line: flags that every command takes, and the list of commands.

use crate::commands;
use crate::error::{CommandError, Exit};
use crate::ui::{ColorChoice, Ui};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Deploys declarative multi-region AWS stacks by concurrent SDK calls.
#[derive(Debug, Parser)]
#[command(name = "payctl", version, max_term_width = 100, propagate_version = false)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Write a log to stderr in this form; PAYCTL_LOG filters it (info, debug, payctl=trace)
    #[arg(long, global = true, value_enum)]
    pub log: Option<LogFormat>,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t)]
    pub color: ColorChoice,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Human,
    /// A JSON object a line
    Json,
}

/// The commands, one file each in `commands/`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a stack file: offline, without credentials
    Validate(commands::validate::Args),
    /// Show what apply would do
    Plan(commands::plan::Args),
    /// Bring AWS to what the stack file says
    Apply(commands::apply::Args),
    /// Remove everything that a deployment has
    Destroy(commands::destroy::Args),
    /// Show the outputs of the last apply
    Output(commands::output::Args),
    /// Look into the state
    #[command(subcommand)]
    State(commands::state::Command),
    /// Draw the dependency graph
    Graph(commands::graph::Args),
    /// Print the JSON Schema of stack files, or of one resource type
    Schema(commands::schema::Args),
    /// Write one region as a CloudFormation template
    Export(commands::export::Args),
    /// A private local AWS to try things on
    #[command(subcommand)]
    Sandbox(commands::sandbox::Command),
}

impl Command {
    /// Runs it.
    pub fn run(self, ui: &Ui) -> Result<Exit, CommandError> {
        match self {
            Self::Validate(args) => commands::validate::run(&args, ui),
            Self::Plan(args) => block_on(commands::plan::run(&args, ui)),
            Self::Apply(args) => block_on(commands::apply::run(&args, ui)),
            Self::Destroy(args) => block_on(commands::destroy::run(&args, ui)),
            Self::Output(args) => commands::output::run(&args, ui),
            Self::State(command) => commands::state::run(&command, ui),
            Self::Graph(args) => commands::graph::run(&args, ui),
            Self::Schema(args) => commands::schema::run(&args, ui),
            Self::Export(args) => commands::export::run(&args, ui),
            Self::Sandbox(command) => commands::sandbox::run(&command, ui),
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| CommandError::new("The runtime does not start").because(&error))?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
