//! `payctl sandbox`.

use crate::error::{CommandError, Exit};
use crate::sandbox::{DEVIATIONS, Sandbox};
use crate::ui::Ui;

/// A private local AWS to try things on
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub enum Command {
    /// Start it, if it does not run
    Up,
    /// Stop it; what it held is gone
    Down,
    /// Say whether it runs, where, and what it does not keep
    Status,
    /// Empty it
    Reset,
}

pub(crate) fn run(command: &Command, ui: &Ui) -> Result<Exit, CommandError> {
    match command {
        Command::Up => ui.result(&format!("The sandbox runs at {}", Sandbox::ensure(ui)?.url())),
        Command::Down => match Sandbox::running()? {
            Some(sandbox) => {
                sandbox.stop()?;
                ui.result("The sandbox is stopped");
            }
            None => ui.result("The sandbox does not run"),
        },
        Command::Status => match Sandbox::running()? {
            Some(sandbox) => {
                ui.result(&format!(
                    "The sandbox runs at {} (process {})",
                    sandbox.url(),
                    sandbox.pid()
                ));
                ui.result("What it is known not to keep, which plans do not show as drift:");
                for deviation in DEVIATIONS {
                    ui.result(&format!(
                        "  {:32} {:40} {}",
                        deviation.type_name, deviation.property, deviation.why
                    ));
                }
            }
            None => ui.result("The sandbox does not run; start it with: payctl sandbox up"),
        },
        Command::Reset => match Sandbox::running()? {
            Some(sandbox) => {
                sandbox.reset()?;
                ui.result("The sandbox is empty");
            }
            None => ui.result("The sandbox does not run"),
        },
    }
    Ok(Exit::Success)
}
