//! Every file of `tests/stacks` is a case: one in `valid` is compared with the
//! nodes beside it, one in `invalid` with the mistakes.

use super::{Known, deployment, folder, kinds};
use crate::diagnostic::Diagnostics;
use crate::stack::{Expansion, Removal, Stack};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The variable that makes these tests write what they expect.
const UPDATE: &str = "UPDATE_STACKS";

#[test]
fn valid_files_have_these_nodes() {
    compare("valid", "nodes", |result| match result {
        Ok(expansion) => shown(&expansion),
        Err(problems) => panic!("the file should be right:\n{problems}"),
    });
}

#[test]
fn invalid_files_have_these_mistakes() {
    compare("invalid", "stderr", |result| match result {
        Ok(_) => panic!("the file should be wrong"),
        Err(problems) => format!("{problems}\n").replace(&folder().display().to_string(), "[ROOT]"),
    });
}

fn compare(name: &str, extension: &str, show: impl Fn(Result<Expansion, Diagnostics>) -> String) {
    let mut wrong = String::new();
    let mut files: Vec<_> = fs::read_dir(folder().join(name))
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no cases in {name}");
    for file in files {
        let found = show(read(&file));
        let beside = file.with_extension(extension);
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if found == expected {
            continue;
        }
        if std::env::var_os(UPDATE).is_some() {
            fs::write(&beside, &found).expect("written");
            continue;
        }
        let difference = similar::TextDiff::from_lines(&expected, &found);
        let difference = difference.unified_diff().header("expected", "found").to_string();
        writeln!(wrong, "{}\n{difference}", beside.display()).expect("text");
    }
    assert!(wrong.is_empty(), "{wrong}\nif that is right, run the tests with {UPDATE}=1");
}

fn read(file: &Path) -> Result<Expansion, Diagnostics> {
    let text = fs::read_to_string(file).expect("a stack file");
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let stack = Stack::parse_with(&name, &text, &folder(), kinds::kinds())?;
    stack.expand(&deployment(&stack)?)
}

/// Everything that an expansion says.
fn shown(expansion: &Expansion) -> String {
    let mut text = String::new();
    let known = Known::default();
    for address in &expansion.order {
        let node = &expansion.nodes[address];
        writeln!(text, "{address}  {}", node.kind.meta().type_name).expect("text");
        for (name, removal) in
            [("deletion", node.deletion_policy), ("replacement", node.update_replace_policy)]
        {
            if removal == Removal::Retain {
                writeln!(text, "  retained at {name}").expect("text");
            }
        }
        for target in &node.depends_on {
            writeln!(text, "  after {target}").expect("text");
        }
        for used in &node.references {
            let attribute =
                used.attribute.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
            let own = if used.own_item { " (own item)" } else { "" };
            writeln!(text, "  {} uses {}{attribute}{own}", used.property, used.target)
                .expect("text");
        }
        if !node.secrets.is_empty() {
            writeln!(text, "  secret: {}", node.secrets.join(", ")).expect("text");
        }
        let properties = node.properties(&known).expect("properties");
        lines(&mut text, &properties);
    }
    for output in &expansion.outputs {
        let secret = if output.secret() { " (secret)" } else { "" };
        let value = output.value(&known).expect("a value");
        writeln!(text, "output {}{secret} = {value}", output.name).expect("text");
        if let Some(description) = &output.description {
            writeln!(text, "  {description}").expect("text");
        }
    }
    text
}

fn lines(text: &mut String, properties: &Value) {
    for (name, value) in properties.as_object().into_iter().flatten() {
        writeln!(text, "  {name}: {value}").expect("text");
    }
}
