//! Runs the real binary as a user would, in a world of its own: its own
//! folder, home, account and environment.

use super::{emulator, proxy};
use regex::Regex;
use std::fmt;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a run of the binary may take: no emulator is that slow.
const DEADLINE: Duration = Duration::from_secs(120);

/// A folder and an account that only one test uses.
pub(crate) struct TestEnvironment {
    folder: TempDir,
    account: String,
    endpoint: String,
}

impl TestEnvironment {
    /// Makes an environment with an emulator behind the checking proxy.
    pub(crate) fn new() -> Self {
        Self::at(proxy::endpoint())
    }

    /// Makes an environment whose AWS refuses every connection.
    pub(crate) fn offline() -> Self {
        Self::at("http://127.0.0.1:1")
    }

    /// Makes an environment whose AWS is at this address.
    pub(crate) fn at(endpoint: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("payctl-test-").tempdir();
        let folder = folder.expect("make a folder for the test");
        let endpoint = endpoint.to_owned();
        let environment = Self { folder, account: emulator::account(), endpoint };
        fs::create_dir(environment.path().join("home")).expect("make a home");
        environment
    }

    /// Returns the folder that the binary runs in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the account that the binary works in.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Returns the address that stands for AWS.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Writes a file below the folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        let parent = path.parent().expect("a path below the folder");
        fs::create_dir_all(parent).expect("make the file's folder");
        fs::write(path, text).expect("write the file");
    }

    /// Copies a file or folder of the project to the same place below the
    /// folder.
    pub(crate) fn copy(&self, path: &str) {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        copy(&project.join(path), &self.path().join(path));
    }

    /// Returns a command of the binary that is still to be run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let home = self.path().join("home");
        let mut command = Command::new(env!("CARGO_BIN_EXE_payctl"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("TMPDIR", &home)
            .env("NO_COLOR", "1")
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", &self.account)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end. One that does not come to it is killed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, |_| {})
    }

    /// Runs the binary to its end, with a change to how it is called.
    pub(crate) fn run_with(
        &self,
        arguments: &[&str],
        configure: impl FnOnce(&mut Command),
    ) -> Output {
        let (mut stdout, mut stderr) = (scratch(), scratch());
        let mut command = self.command(arguments);
        configure(&mut command);
        let mut child = command
            .stdout(stdout.try_clone().expect("share a file"))
            .stderr(stderr.try_clone().expect("share a file"))
            .spawn()
            .expect("start payctl");
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("look at payctl") {
                break status;
            }
            if started.elapsed() > DEADLINE {
                child.kill().expect("stop payctl");
            }
            thread::sleep(Duration::from_millis(5));
        };
        Output {
            command: format!("payctl {}", arguments.join(" ")),
            stdout: contents(&mut stdout),
            stderr: contents(&mut stderr),
            code: status.code(),
            own: [
                (self.path().to_string_lossy().into_owned(), "[FOLDER]"),
                (self.endpoint.clone(), "[ENDPOINT]"),
                (self.account.clone(), "[ACCOUNT]"),
            ],
        }
    }

    /// Fails if AWS would have refused any request of this environment.
    pub(crate) fn assert_no_violations(&self) {
        let found = proxy::violations(&self.account);
        assert!(found.is_empty(), "AWS would refuse these requests:\n{}", found.join("\n"));
    }
}

/// Patterns of what differs from run to run.
static VARYING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "[UUID]"),
        (r"\b[0-9a-f]{32,64}\b", "[HASH]"),
        (r"\b\d+(\.\d+)? ?(ms|s|min)\b", "[TIME]"),
    ]
    .map(|(pattern, word)| (Regex::new(pattern).expect("a valid pattern"), word))
    .into()
});

/// How a run of the binary ended. Shown, as in a snapshot, it has fixed words
/// for what differs from run to run.
#[must_use = "either snapshot the output or assert how it ended, with .success() or .code"]
pub(crate) struct Output {
    command: String,
    /// What it wrote to standard output.
    pub(crate) stdout: String,
    /// What it wrote to standard error.
    pub(crate) stderr: String,
    /// Its exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Text of this environment alone, and the words for it.
    own: [(String, &'static str); 3],
}

impl Output {
    /// Asserts that it succeeded.
    pub(crate) fn success(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{} failed\n{self}", self.command);
        self
    }

    /// Returns standard output with fixed words for what differs from run to
    /// run.
    pub(crate) fn result(&self) -> String {
        self.redacted(&self.stdout)
    }

    /// Returns standard error in the same way.
    pub(crate) fn story(&self) -> String {
        self.redacted(&self.stderr)
    }

    /// Returns the error that ended it, and all after that.
    pub(crate) fn error(&self) -> String {
        let story = self.story();
        let start = story.find("Error: ").unwrap_or_else(|| panic!("no error:\n{self}"));
        story[start..].to_owned()
    }

    fn redacted(&self, text: &str) -> String {
        let own = self.own.iter();
        let text = own.fold(text.to_owned(), |text, (own, word)| text.replace(own, word));
        VARYING
            .iter()
            .fold(text, |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted(&self.stdout))?;
        if !self.stderr.is_empty() {
            write!(f, "--- standard error ---\n{}", self.redacted(&self.stderr))?;
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => write!(f, "--- exit code {code} ---"),
            None => write!(f, "--- ended by a signal, perhaps for taking too long ---"),
        }
    }
}

/// Returns a file without a name.
fn scratch() -> File {
    tempfile::tempfile().expect("make a scratch file")
}

/// Returns all that was written to a file.
fn contents(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().expect("go to the file's start");
    file.read_to_string(&mut text).expect("the output is UTF-8");
    text
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("make a folder");
        for entry in fs::read_dir(from).expect("list a folder") {
            let entry = entry.expect("read a folder's entry");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        let parent = to.parent().expect("a path below the folder");
        fs::create_dir_all(parent).expect("make the file's folder");
        fs::copy(from, to).expect("copy a file");
    }
}
