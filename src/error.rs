//! The one error that commands return: what failed, why, and what to do next.
//! The errors of the library are mapped here, once.

use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::resource::{Class, Failure};
use crate::state::StateError;
use crate::ui::{Ui, counted};
use std::error::Error as StdError;
use std::fmt;

/// How a command ended, as the exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; with `--detailed-exitcode`: nothing to change.
    Success,
    /// Something is wrong.
    Failure,
    /// With `--detailed-exitcode`: there are changes.
    Changes,
    /// The user stopped it.
    Interrupted,
}

impl Exit {
    /// Returns the process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Changes => 2,
            Self::Interrupted => 130,
        }
    }
}

/// What a command could not do.
#[derive(Debug)]
pub struct CommandError {
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    /// Mistakes in a file, which are shown as they stand.
    diagnostics: Option<Diagnostics>,
}

impl CommandError {
    /// Returns an error with a message: one sentence without a full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hints: Vec::new(), diagnostics: None }
    }

    /// Adds an error and its causes.
    #[must_use]
    pub fn because(mut self, error: &dyn StdError) -> Self {
        self.causes.push(error.to_string());
        let mut cause = error.source();
        while let Some(next) = cause {
            self.causes.push(next.to_string());
            cause = next.source();
        }
        self
    }

    /// Adds what the user can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns an error for a call that failed.
    pub fn of_failure(message: impl Into<String>, failure: &Failure) -> Self {
        let mut error = Self::new(message).because(failure);
        error.hints.extend(hint_for(failure).map(str::to_owned));
        error
    }

    /// Returns an error for nodes that AWS did not answer well about.
    pub fn of_failures(message: impl Into<String>, failures: &[(Address, Failure)]) -> Self {
        let mut error = Self::new(message);
        error
            .causes
            .extend(failures.iter().map(|(address, failure)| format!("{address}: {failure}")));
        let mut hints: Vec<&str> =
            failures.iter().filter_map(|(_, failure)| hint_for(failure)).collect();
        hints.dedup();
        error.hints.extend(hints.into_iter().map(str::to_owned));
        error
    }

    /// Writes the error to stderr.
    pub fn print(&self, ui: &Ui) {
        let paint = ui.paint_story();
        if let Some(diagnostics) = &self.diagnostics {
            ui.story(&diagnostics.render(paint.is_on()));
            ui.story("");
        }
        ui.story(&format!("{} {}", paint.red("Error:"), self.message));
        match self.causes.as_slice() {
            [] => {}
            [only] => ui.story(&format!("  {only}")),
            several => several.iter().for_each(|cause| ui.story(&format!("  - {cause}"))),
        }
        for hint in &self.hints {
            ui.hint(hint);
        }
    }
}

/// Returns what to do about a failure of a class.
pub fn hint_for(failure: &Failure) -> Option<&'static str> {
    Some(match failure.class {
        Class::Credentials => {
            "give valid credentials (AWS_PROFILE, --profile, or the AWS_ACCESS_KEY_ID variables); \
             for an expired session log in again. --sandbox needs none"
        }
        Class::Unreachable => {
            "check the network and the endpoint (--endpoint-url, AWS_ENDPOINT_URL)"
        }
        Class::Denied => "ask for the permission named above, or use other credentials",
        Class::Throttled => {
            "AWS limits these calls; run the same command again, it goes on where it stopped"
        }
        _ => return None,
    })
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for CommandError {}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        let hint = error.hint();
        let mut made = Self::new(capitalized(&error.to_string()));
        made.hints.extend(hint);
        made
    }
}

impl From<Diagnostics> for CommandError {
    fn from(diagnostics: Diagnostics) -> Self {
        let count = counted(diagnostics.len() as u64, "mistake");
        let mut made = Self::new(format!("{count} found; nothing was changed"));
        made.diagnostics = Some(diagnostics);
        made
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::of_failure("AWS refused a call", &failure)
    }
}

/// Library errors are fragments; the top says them as sentences.
fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
