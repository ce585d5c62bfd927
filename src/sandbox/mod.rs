//! A private local AWS: MiniStack, from PyPI, in a virtual environment that
//! payctl makes under the user's cache folder. It needs no Docker and no
//! account, runs on the loopback address alone, and stays up between commands
//! until `payctl sandbox down`.

mod deviations;
mod http;

pub use deviations::{DEVIATIONS, Deviation, is_ministack, take_states_word};

use crate::aws::clients::Endpoint;
use crate::error::CommandError;
use crate::ui::Ui;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The pinned packages.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The oldest Python that they run on.
const PYTHON: (u32, u32) = (3, 11);
/// The access key, which to the emulator is the account.
const ACCOUNT: &str = "000000000000";
/// How long it may take to start on a slow machine.
const START: Duration = Duration::from_secs(60);

/// A running sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pid: i32,
    port: u16,
}

impl Sandbox {
    /// Returns the running sandbox, or starts one.
    pub fn ensure(ui: &Ui) -> Result<Self, CommandError> {
        let folder = folder()?;
        fs::create_dir_all(&folder).map_err(|error| io_error("cannot be made", &folder, &error))?;
        // Two commands that start at once share one sandbox.
        let guard = File::create(folder.join("lock")).and_then(|file| file.lock().map(|()| file));
        let guard = guard.map_err(|error| io_error("cannot be locked", &folder, &error))?;
        let sandbox = match Self::running()? {
            Some(sandbox) => sandbox,
            None => Self::start(&folder, ui)?,
        };
        drop(guard);
        Ok(sandbox)
    }

    /// Returns the running sandbox.
    pub fn running() -> Result<Option<Self>, CommandError> {
        let path = folder()?.join("sandbox.json");
        let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
        let Ok(sandbox) = serde_json::from_str::<Self>(&text) else { return Ok(None) };
        // The port may have passed to another program since.
        Ok(sandbox.is_alive().then_some(sandbox))
    }

    fn start(folder: &Path, ui: &Ui) -> Result<Self, CommandError> {
        let environment = environment(folder, ui)?;
        let port = free_port()
            .map_err(|error| CommandError::new("No loopback port is free").because(&error))?;
        let log_path = folder.join("log");
        let log = File::create(&log_path)
            .map_err(|error| io_error("cannot be written", &log_path, &error))?;
        let log_too =
            log.try_clone().map_err(|error| io_error("cannot be written", &log_path, &error))?;
        let mut process = Command::new(environment.join("bin/ministack"))
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            // Its Python functions run with the environment's own packages.
            .env("VIRTUAL_ENV", &environment)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(log_too)
            // An interrupt of this command must not stop it.
            .process_group(0)
            .spawn()
            .map_err(|error| CommandError::new("The sandbox does not start").because(&error))?;
        let sandbox = Self { pid: i32::try_from(process.id()).unwrap_or_default(), port };
        let started = Instant::now();
        while !sandbox.is_alive() {
            let ended = process.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > START {
                let _already_gone = process.kill();
                return Err(CommandError::new("The sandbox does not start")
                    .hint(format!("its log is {}", log_path.display())));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let path = folder.join("sandbox.json");
        let text = serde_json::to_vec(&sandbox).unwrap_or_default();
        crate::durable::replace(&path, &text)
            .map_err(|error| io_error("cannot be written", &path, &error))?;
        ui.story(&format!(
            "Started the sandbox at {}; it stays until: payctl sandbox down",
            sandbox.url()
        ));
        Ok(sandbox)
    }

    fn is_alive(&self) -> bool {
        is_ministack(&self.url())
    }

    /// Returns where AWS is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Returns where and as whom to call it.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint { url: Some(self.url()), profile: None, access_key: Some(ACCOUNT.to_owned()) }
    }

    /// Stops it, and waits until it is gone.
    pub fn stop(&self) -> Result<(), CommandError> {
        if let Some(pid) = Pid::from_raw(self.pid) {
            kill_process(pid, Signal::TERM).map_err(|error| {
                CommandError::new("The sandbox cannot be stopped").because(&error)
            })?;
        }
        let asked = Instant::now();
        while self.is_alive() {
            if asked.elapsed() > Duration::from_secs(10) {
                return Err(CommandError::new(format!(
                    "The sandbox (process {}) does not stop",
                    self.pid
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let path = folder()?.join("sandbox.json");
        fs::remove_file(&path).map_err(|error| io_error("cannot be removed", &path, &error))
    }

    /// Empties it.
    pub fn reset(&self) -> Result<(), CommandError> {
        match http::request(&self.url(), "POST", "/_ministack/reset") {
            Some((200, _)) => Ok(()),
            _ => Err(CommandError::new("The sandbox does not answer")),
        }
    }

    /// Returns an address of API Gateway as the sandbox serves it: AWS has a
    /// host for each API, the sandbox a path.
    pub fn reachable(&self, address: &str) -> String {
        let found = regex::Regex::new(
            r"https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/([A-Za-z0-9_-]+)",
        );
        match found {
            Ok(found) => {
                let here = format!("{}/restapis/$1/$2/_user_request_", self.url());
                found.replace_all(address, here.as_str()).into_owned()
            }
            Err(_) => address.to_owned(),
        }
    }
}

/// Returns the folder of the sandbox, under the user's cache folder.
fn folder() -> Result<PathBuf, CommandError> {
    let cache =
        std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = cache.or_else(home).ok_or_else(|| {
        CommandError::new("There is no cache folder for the sandbox")
            .hint("set HOME or XDG_CACHE_HOME")
    })?;
    Ok(base.join("payctl").join("sandbox"))
}

/// Returns the virtual environment with the pinned packages; makes it when it
/// is first needed, or when the pins have changed.
fn environment(folder: &Path, ui: &Ui) -> Result<PathBuf, CommandError> {
    let path = folder.join(format!("python-{}", &crate::hash::hex(REQUIREMENTS.as_bytes())[..12]));
    let complete = path.join("complete");
    if complete.exists() {
        return Ok(path);
    }
    let python = python()?;
    ui.story("Making the sandbox's Python environment; this happens once and takes about a minute");
    // What an interrupted attempt left would be half an environment.
    if path.exists() {
        fs::remove_dir_all(&path).map_err(|error| io_error("cannot be removed", &path, &error))?;
    }
    quiet(
        Command::new(python).args(["-m", "venv"]).arg(&path),
        "Python cannot make a virtual environment",
    )
    .map_err(|error| error.hint("on Debian and Ubuntu: apt install python3-venv"))?;
    let list = path.join("requirements.txt");
    fs::write(&list, REQUIREMENTS).map_err(|error| io_error("cannot be written", &list, &error))?;
    let mut pip = Command::new(path.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&list);
    quiet(&mut pip, "The sandbox's packages cannot be installed").map_err(|error| {
        error.hint("check the network: they come from PyPI, or from the index that pip is set to")
    })?;
    fs::write(&complete, "").map_err(|error| io_error("cannot be written", &complete, &error))?;
    Ok(path)
}

/// Returns a Python that is new enough.
fn python() -> Result<&'static str, CommandError> {
    let script =
        format!("import sys; sys.exit(sys.version_info[:2] < ({}, {}))", PYTHON.0, PYTHON.1);
    ["python3.11", "python3", "python3.12", "python3.13", "python"]
        .into_iter()
        .find(|name| {
            let status = Command::new(name)
                .args(["-c", &script])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            status.is_ok_and(|status| status.success())
        })
        .ok_or_else(|| {
            CommandError::new(format!(
                "The sandbox needs Python {}.{} or newer, and there is none on the PATH",
                PYTHON.0, PYTHON.1
            ))
            .hint("install it, or use another emulator with --endpoint-url")
        })
}

/// Runs a command and shows what it printed only if it fails.
fn quiet(command: &mut Command, failure: &str) -> Result<(), CommandError> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| CommandError::new(failure).because(&error))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last: Vec<&str> = text.lines().rev().take(3).collect();
    let words: Vec<&str> = last.into_iter().rev().collect();
    Err(CommandError::new(format!("{failure}: {}", words.join("; "))))
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn io_error(what: &str, path: &Path, error: &std::io::Error) -> CommandError {
    CommandError::new(format!("{} {what}", path.display())).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_apis_are_those_that_answer() {
        let sandbox = Sandbox { pid: 1, port: 4566 };
        assert_eq!(
            sandbox.reachable("https://abc123.execute-api.us-east-1.amazonaws.com/prod/payments"),
            "http://127.0.0.1:4566/restapis/abc123/prod/_user_request_/payments"
        );
        assert_eq!(
            sandbox.reachable("arn:aws:sns:us-east-1:000000000000:x"),
            "arn:aws:sns:us-east-1:000000000000:x"
        );
    }
}
