//! The only place, with `report`, that writes to the terminal: results to
//! stdout, the story to stderr, colour only on a terminal.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The terminal.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    stdout_color: bool,
    stderr_color: bool,
}

impl Ui {
    /// Decides on colour once. `no_color` says whether the user's environment
    /// asks for none.
    pub fn new(choice: ColorChoice, no_color: bool) -> Self {
        let color = |terminal: bool| match choice {
            ColorChoice::Auto => terminal && !no_color,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self {
            stdout_color: color(io::stdout().is_terminal()),
            stderr_color: color(io::stderr().is_terminal()),
        }
    }

    /// Whether somebody watches the story on a terminal.
    pub fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// Whether somebody can answer a question.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Returns how to paint text for stdout.
    pub fn paint(&self) -> Paint {
        Paint { color: self.stdout_color }
    }

    /// Returns how to paint text for stderr.
    pub fn paint_story(&self) -> Paint {
        Paint { color: self.stderr_color }
    }

    /// Writes a result, and a newline if it lacks one. A reader that has gone
    /// away is none of our concern.
    pub fn result(&self, text: &str) {
        write_line(&mut io::stdout().lock(), text);
    }

    /// Writes a line of the story.
    pub fn story(&self, text: &str) {
        write_line(&mut io::stderr().lock(), text);
    }

    /// Writes a hint on what to do next.
    pub fn hint(&self, text: &str) {
        let paint = self.paint_story();
        self.story(&format!("{} {text}", paint.cyan("Hint:")));
    }

    /// Writes a warning.
    pub fn warning(&self, text: &str) {
        let paint = self.paint_story();
        self.story(&format!("{} {text}", paint.yellow("Warning:")));
    }

    /// Asks for a yes. Anything else is a no.
    pub fn confirm(&self, question: &str) -> io::Result<bool> {
        let mut stderr = io::stderr().lock();
        write!(stderr, "{question} Only 'yes' goes on: ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer.trim() == "yes")
    }
}

fn write_line(to: &mut impl io::Write, text: &str) {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let _reader_is_gone = write!(to, "{text}{newline}").and_then(|()| to.flush());
}

/// Returns a number of things: `1 call`, `2 calls`.
pub fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Paints text, or not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    color: bool,
}

impl Paint {
    /// Whether it paints.
    pub fn is_on(self) -> bool {
        self.color
    }

    fn with(self, code: &str, text: impl fmt::Display) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }

    /// Something that comes.
    pub fn green(self, text: impl fmt::Display) -> String {
        self.with("32", text)
    }

    /// Something that changes, or a warning.
    pub fn yellow(self, text: impl fmt::Display) -> String {
        self.with("33", text)
    }

    /// Something that goes, or an error.
    pub fn red(self, text: impl fmt::Display) -> String {
        self.with("31", text)
    }

    /// A hint.
    pub fn cyan(self, text: impl fmt::Display) -> String {
        self.with("36", text)
    }

    /// What matters less.
    pub fn dim(self, text: impl fmt::Display) -> String {
        self.with("2", text)
    }

    /// What matters more.
    pub fn bold(self, text: impl fmt::Display) -> String {
        self.with("1", text)
    }
}
