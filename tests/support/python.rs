//! The Python environments that the tests need, made on first use.
//!
//! They lie in cargo's folder for test data and are keyed by the hash of their
//! requirements, so that they outlive a run and change with a pin.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The emulator, and pytest with the libraries that a Lambda function has.
pub(crate) static EMULATOR: Environment =
    Environment::new("emulator", include_str!("../../src/sandbox/requirements.txt"));

/// cfn-lint and what the proxy needs.
pub(crate) static TOOLS: Environment = Environment::new("tools", include_str!("requirements.txt"));

/// A virtual environment with pinned packages.
pub(crate) struct Environment {
    name: &'static str,
    requirements: &'static str,
    folder: OnceLock<PathBuf>,
}

impl Environment {
    const fn new(name: &'static str, requirements: &'static str) -> Self {
        Self { name, requirements, folder: OnceLock::new() }
    }

    /// Returns the path of one of the environment's programs, such as
    /// `python`. Makes the environment if this is its first use.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.get_or_init(|| self.prepare()).join("bin").join(name)
    }

    fn prepare(&self) -> PathBuf {
        let hash = payctl::hash::hex(self.requirements.as_bytes());
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = base.join(format!("python-{}-{}", self.name, &hash[..12]));
        // Other test processes may be at the same place. The marker is written
        // last: a folder without it is what an interrupted run left.
        let lock = File::create(folder.with_extension("lock")).expect("make a lock file");
        lock.lock().expect("lock the environment");
        let complete = folder.join("complete");
        if !complete.exists() {
            self.make(&folder);
            File::create(&complete).expect("mark the environment as complete");
        }
        folder
    }

    fn make(&self, folder: &Path) {
        if folder.exists() {
            fs::remove_dir_all(folder).expect("remove an incomplete environment");
        }
        let made = Command::new(interpreter()).args(["-m", "venv"]).arg(folder).output();
        expect_success(made, "make a virtual environment (on Debian: apt install python3-venv)");
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, self.requirements).expect("write the requirements");
        let installed = Command::new(folder.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(&requirements)
            .output();
        expect_success(installed, "install Python packages (is the package index reachable?)");
    }
}

/// Runs a program of the tests' own and returns its output; fails with what it
/// wrote to standard error.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = expect_success(output, &format!("run {}", program.display()));
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}

fn expect_success(output: std::io::Result<Output>, what: &str) -> Output {
    let output = output.unwrap_or_else(|error| panic!("cannot {what}: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "cannot {what}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// Returns the name of a Python that is new enough.
fn interpreter() -> &'static str {
    const NAMES: &[&str] = &["python3.11", "python3.12", "python3.13", "python3.14", "python3"];
    let is_usable = |name: &&&str| {
        let wanted = "import sys; sys.exit(sys.version_info < (3, 11))";
        Command::new(name).args(["-c", wanted]).status().is_ok_and(|status| status.success())
    };
    NAMES.iter().find(is_usable).expect("the tests need Python 3.11 or newer as 'python3'")
}
