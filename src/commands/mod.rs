//! The commands, one file each: its arguments, whose comments are its help,
//! and a function that runs it.

pub mod apply;
pub mod destroy;
pub mod export;
mod given;
pub mod graph;
mod loaded;
pub mod output;
pub mod plan;
pub mod sandbox;
pub mod schema;
mod session;
pub mod state;
pub mod validate;

use crate::cli::Command;
use crate::error::{CommandError, Exit};
use crate::ui::Ui;

/// Runs a command.
pub fn run(command: Command, ui: &Ui) -> Result<Exit, CommandError> {
    match command {
        Command::Validate(args) => validate::run(&args, ui),
        Command::Plan(args) => block_on(plan::run(&args, ui)),
        Command::Apply(args) => block_on(apply::run(&args, ui)),
        Command::Destroy(args) => block_on(destroy::run(&args, ui)),
        Command::Output(args) => output::run(&args, ui),
        Command::State(command) => state::run(&command, ui),
        Command::Graph(args) => graph::run(&args, ui),
        Command::Schema(args) => schema::run(&args, ui),
        Command::Export(args) => export::run(&args, ui),
        Command::Sandbox(command) => sandbox::run(&command, ui),
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| CommandError::new("The runtime does not start").because(&error))?
        .block_on(work)
}
