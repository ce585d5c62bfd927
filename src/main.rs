//! The `payctl` binary: parse, trace, run, print the error, exit code.

use clap::Parser as _;
use payctl::cli::{Cli, Global, LogFormat};
use payctl::error::Exit;
use payctl::ui::Ui;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = !error.use_stderr();
            let _reader_is_gone = error.print();
            return if is_help { ExitCode::SUCCESS } else { ExitCode::from(Exit::Failure.code()) };
        }
    };
    let ui = Ui::new(
        cli.global.color,
        std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
    );
    trace(&cli.global);
    let exit = cli.command.run(&ui).unwrap_or_else(|error| {
        error.print(&ui);
        Exit::Failure
    });
    ExitCode::from(exit.code())
}

/// Sends traces to stderr when asked to.
fn trace(global: &Global) {
    let Some(format) = global.log else { return };
    let filter =
        EnvFilter::try_from_env("PAYCTL_LOG").unwrap_or_else(|_| EnvFilter::new("payctl=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Human => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}
