//! `payctl schema`.

use crate::error::{CommandError, Exit};
use crate::resources::{KINDS, kind};
use crate::stack::Stack;
use crate::ui::Ui;
use serde_json::json;

/// Print the JSON Schema of stack files, or of one resource type
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// A resource type (AWS::SQS::Queue); without one, the schema of whole stack files
    #[arg(value_name = "TYPE")]
    pub type_name: Option<String>,
    /// List the types that payctl knows
    #[arg(long, conflicts_with = "type_name")]
    pub list: bool,
}

pub(crate) fn run(args: &Args, ui: &Ui) -> Result<Exit, CommandError> {
    if args.list {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.meta().type_name).collect();
        ui.result(&names.join("\n"));
        return Ok(Exit::Success);
    }
    let schema = match &args.type_name {
        None => Stack::json_schema(),
        Some(name) => {
            let kind = kind(name).ok_or_else(|| unknown_type(name))?;
            json!({ "properties": kind.schema(), "attributes": kind.attributes() })
        }
    };
    ui.result(&serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(Exit::Success)
}

fn unknown_type(name: &str) -> CommandError {
    let nearest = KINDS
        .iter()
        .map(|kind| kind.meta().type_name)
        .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    CommandError::new(format!("payctl does not know the type {name}")).hint(format!(
        "did you mean {}? All types: payctl schema --list",
        nearest.unwrap_or_default()
    ))
}
