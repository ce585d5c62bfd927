//! `payctl graph`.

use super::args::DeploymentArgs;
use super::loaded::{self, NO_ACCOUNT};
use crate::error::{CommandError, Exit};
use crate::report;
use crate::ui::Ui;

/// Draw the dependency graph
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Which deployment.
    #[command(flatten)]
    pub deployment: DeploymentArgs,
    /// The language to write it in
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// A language for graphs.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Format {
    /// Graphviz
    #[default]
    Dot,
    /// Mermaid, which Markdown viewers draw
    Mermaid,
    /// JSON, for programs
    Json,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    let loaded = loaded::load(&args.deployment)?;
    let deployment = loaded.deployment(&args.deployment, None, NO_ACCOUNT)?;
    let (expansion, graph) = loaded.expand(&deployment)?;
    ui.result(&match args.format {
        Format::Dot => graph.dot(),
        Format::Mermaid => graph.mermaid(),
        Format::Json => report::json::graph(&graph, &expansion),
    });
    Ok(Exit::Success)
}
