//! Local servers that end with the test process, however it ends.

use super::python::Environment;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// A running server. `supervise.py` stops it when its standard input closes,
/// which the end of this process does in any case: a static is never dropped.
pub(crate) struct Server {
    name: &'static str,
    supervisor: Child,
    log: File,
}

impl Server {
    /// Starts a server and waits until `is_ready`.
    pub(crate) fn start(
        name: &'static str,
        environment: &Environment,
        program: &str,
        configure: impl FnOnce(&mut Command),
        is_ready: impl Fn() -> bool,
    ) -> Self {
        let log = tempfile::tempfile().expect("make a log");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support");
        let mut command = Command::new(environment.program("python"));
        command
            .arg(folder.join("supervise.py"))
            .arg(environment.program(program))
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log.try_clone().expect("share the log"))
            // An interrupt of the tests must reach the server by the pipe only.
            .process_group(0);
        configure(&mut command);
        let supervisor = command.spawn().expect("start a server");
        let mut server = Self { name, supervisor, log };
        server.wait(is_ready);
        server
    }

    fn wait(&mut self, is_ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_ready() {
            let ended = self.supervisor.try_wait().expect("look at the server");
            let name = self.name;
            assert!(ended.is_none(), "the {name} ended at once:\n{}", self.log());
            assert!(started.elapsed() < DEADLINE, "the {name} does not answer:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&mut self) -> String {
        let mut text = String::new();
        match self.log.rewind().and_then(|()| self.log.read_to_string(&mut text)) {
            Ok(_) => text,
            Err(error) => format!("(its log cannot be read: {error})"),
        }
    }
}

/// Returns a loopback port that nobody uses.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind a port");
    listener.local_addr().expect("the address of a bound port").port()
}
