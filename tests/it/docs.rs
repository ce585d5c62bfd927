//! The documents that are written from the code: the command line and the
//! resource types.
//!
//! `UPDATE_DOCS=1 cargo test --test it docs::` writes them anew.

use clap::{Command, CommandFactory as _};
use payctl::cli::Cli;
use payctl::resource::{Kind, schema};
use payctl::resources::KINDS;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// How wide the help is.
const WIDTH: usize = 90;

/// What stands below the title of each of them.
const WARNING: &str = "<!-- Written from the code: UPDATE_DOCS=1 cargo test --test it docs:: -->";

/// Compares a document with what it should be, or writes it.
fn compare(path: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, made).expect("write the document");
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    let difference = similar::TextDiff::from_lines(&found, made);
    let difference = difference.unified_diff().header("is", "should be").to_string();
    let remedy = "Write it anew with: UPDATE_DOCS=1 cargo test --test it docs::";
    assert!(found == made, "{path} is not what the code says. {remedy}\n{difference}");
}

#[test]
fn the_command_line() {
    let mut text = format!("# The command line\n{WARNING}\n\nThe help of every command.\n");
    let mut command = Cli::command().term_width(WIDTH);
    command.build();
    help(&mut command, &mut text);
    compare("docs/cli.md", &text);
}

/// Appends the help of a command and of those below it.
fn help(command: &mut Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("payctl").to_owned();
    let shown = command.render_help().to_string();
    let lines: Vec<_> = shown.trim().lines().map(str::trim_end).collect();
    text.extend(["\n## ", &name, "\n\n```text\n", &lines.join("\n"), "\n```\n"]);
    for below in command.get_subcommands_mut().filter(|below| below.get_name() != "help") {
        help(below, text);
    }
}

#[test]
fn the_resource_types() {
    let mut text = format!(
        "# Resource types\n{WARNING}\n\nThe types, properties and attributes are those of \
         CloudFormation. `payctl schema TYPE` prints all about a type: what its properties mean, \
         their members, and which values they take.\n"
    );
    KINDS.iter().for_each(|kind| text.push_str(&section(*kind)));
    compare("docs/resources.md", &text);
}

fn section(kind: &dyn Kind) -> String {
    let meta = kind.meta();
    let mut text = format!("\n## {}\n\n`Ref` is {}.", meta.type_name, reference(kind));
    let attributes = schema::properties(kind.attributes()).map(|(name, _)| format!("`{name}`"));
    let attributes: Vec<_> = attributes.collect();
    if !attributes.is_empty() {
        text.extend([" Attributes: ", &attributes.join(", "), "."]);
    }
    if !meta.unsupported.is_empty() {
        text.extend([" Not supported: ", &meta.unsupported.join(", "), "."]);
    }
    text.push_str("\n\n| Property | Type | A change replaces |\n|-|-|-|\n");
    let required = kind.schema()["required"].as_array().cloned().unwrap_or_default();
    // What payctl itself adds is not for the stack file.
    let written = |name: &str| meta.snapshots.is_none() || name != "ContentHash";
    for (name, property) in schema::properties(kind.schema()).filter(|(name, _)| written(name)) {
        let needed = if required.iter().any(|r| r == name) { ", required" } else { "" };
        let shown = shape(property);
        text.extend(["| `", name, "` | ", &shown, needed, " | ", replaces(property), " |\n"]);
    }
    text
}

fn reference(kind: &dyn Kind) -> String {
    let meta = kind.meta();
    let name = meta.reference.map(|name| format!("`{name}`"));
    name.unwrap_or_else(|| "what names it".to_owned())
}

/// Says whether a change of the property, or of some member of it, replaces
/// the resource.
fn replaces(property: &Value) -> &'static str {
    let is_marked = |value: &Value| value["x-replace"] == Value::Bool(true);
    if is_marked(property) {
        "yes"
    } else if any_within(property, &is_marked) {
        "in part"
    } else {
        ""
    }
}

fn any_within(value: &Value, is: &impl Fn(&Value) -> bool) -> bool {
    match value {
        Value::Object(map) => is(value) || map.values().any(|member| any_within(member, is)),
        Value::Array(items) => items.iter().any(|item| any_within(item, is)),
        _ => false,
    }
}

/// Returns what a property takes, in a word or two.
fn shape(property: &Value) -> String {
    let property = schema::plain(property);
    let has = |mark: &str| property.get(mark).is_some();
    let types = property["type"].as_array().cloned().unwrap_or_default();
    let main = types.iter().find(|name| *name != "null").unwrap_or(&property["type"]);
    match main.as_str() {
        _ if has("x-asset") => "a path of local code, or object".to_owned(),
        _ if has("x-policy") => "policy document".to_owned(),
        _ if has("x-json") => "document".to_owned(),
        _ if has("x-tags") => "tags".to_owned(),
        Some("string") => "text".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => format!("list of {}", shape(&property["items"])),
        Some("object") if property["additionalProperties"].is_object() => {
            format!("map to {}", shape(&property["additionalProperties"]))
        }
        Some("object") => "object".to_owned(),
        _ => "one of several".to_owned(),
    }
}
