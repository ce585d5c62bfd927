//! Compares properties with the JSON Schema of their type.
//!
//! The check works on a [`Tree`]: once on the file alone, where nothing of a
//! deployment is known, and once for every node. Parts that are not known pass.

use super::Declared;
use super::template::Nothing;
use super::tree::{Data, Member, Tree};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::resource::Kind;
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Checks every resource of a file, before anything of a deployment is known.
pub(super) fn declared(stack: &Declared, problems: &mut Vec<Diagnostic>) {
    for resource in &stack.resources {
        let members = resource.properties.iter().map(|property| Member {
            name: property.name.clone(),
            span: property.span,
            value: property.template.evaluate(&Nothing, problems),
        });
        let tree = Tree::new(resource.span, Data::Map(members.collect()));
        Checker { kind: resource.kind, root: &stack.root, problems }.properties(&tree);
    }
    for output in &stack.outputs {
        output.value.evaluate(&Nothing, problems);
    }
}

/// Checks the properties of one node.
pub(super) fn properties(
    tree: &Tree,
    kind: &'static dyn Kind,
    root: &Path,
    problems: &mut Vec<Diagnostic>,
) {
    Checker { kind, root, problems }.properties(tree);
}

struct Checker<'a> {
    kind: &'static dyn Kind,
    root: &'a Path,
    problems: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn properties(&mut self, tree: &Tree) {
        if self.kind.meta().snapshots.is_some()
            && let Some(member) = tree.members().iter().find(|m| m.name == "ContentHash")
        {
            self.problems.push(
                Diagnostic::at(member.span, "`ContentHash` is set by payctl").help("remove it"),
            );
        }
        self.value(tree, self.kind.schema(), "");
    }

    fn fault(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn value(&mut self, tree: &Tree, schema: &Value, name: &str) {
        let schema = self.resolved(schema);
        if matches!(tree.data, Data::Unknown(_)) || tree.is_null() {
            return;
        }
        if schema["x-tags"] == true {
            return self.tags(tree);
        }
        if schema["x-asset"] == true
            && let Some(path) = tree.as_str()
        {
            return self.asset(tree, path);
        }
        if schema["x-json"] == true && self.json_text(tree, name) {
            return;
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(branches) = schema[key].as_array()
                && !self.one_of(tree, branches, name)
            {
                return;
            }
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(tree, part, name);
        }
        if !self.is_of_type(tree, schema) {
            let problem = wrong_type(tree, schema, name);
            return self.fault(problem);
        }
        self.allowed(tree, schema, name);
        match &tree.data {
            Data::Map(members) => self.map(tree, members, schema, name),
            Data::List(items) => self.list(tree, items, schema, name),
            Data::Scalar(Value::String(text)) => self.text(tree, text, schema, name),
            Data::Scalar(Value::Number(number)) => {
                self.number(tree, number.as_f64().unwrap_or_default(), schema, name);
            }
            Data::Scalar(_) | Data::Unknown(_) => {}
        }
    }

    /// Follows a reference: the schema of a type that contains itself has one.
    fn resolved<'s>(&self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            Some(pointer) => self.kind.schema().pointer(pointer).unwrap_or(schema),
            None => schema,
        }
    }

    /// Whether the value fits a branch. Otherwise reports what is wrong by the
    /// branch that fits best.
    fn one_of(&mut self, tree: &Tree, branches: &[Value], name: &str) -> bool {
        let mut best: Option<Vec<Diagnostic>> = None;
        let not_null = branches.iter().filter(|branch| branch["type"] != "null");
        for branch in not_null.clone() {
            let mut problems = Vec::new();
            Checker { kind: self.kind, root: self.root, problems: &mut problems }
                .value(tree, branch, name);
            if problems.is_empty() {
                return true;
            }
            let fits = self.is_of_type(tree, self.resolved(branch));
            if best.is_none() || fits && best.as_ref().is_some_and(|b| problems.len() <= b.len()) {
                best = Some(problems);
            }
        }
        let constants: Vec<&str> = not_null.filter_map(|branch| branch["const"].as_str()).collect();
        match tree.as_str() {
            Some(_) if !constants.is_empty() => {
                let problem = not_allowed(tree, &constants, name);
                self.fault(problem);
            }
            _ => self.problems.extend(best.unwrap_or_default()),
        }
        false
    }

    fn is_of_type(&self, tree: &Tree, schema: &Value) -> bool {
        let is = |kind: &str| match (&tree.data, kind) {
            (Data::List(_), "array") | (Data::Map(_), "object") => true,
            (Data::Scalar(Value::String(_)), "string") => true,
            (Data::Scalar(Value::Bool(_)), "boolean") => true,
            (Data::Scalar(Value::Number(_)), "number") => true,
            (Data::Scalar(Value::Number(number)), "integer") => number.is_i64() || number.is_u64(),
            _ => false,
        };
        match &schema["type"] {
            Value::String(kind) => is(kind),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
            _ => true,
        }
    }

    fn allowed(&mut self, tree: &Tree, schema: &Value, name: &str) {
        let one = schema.get("const").map(std::slice::from_ref);
        let Some(allowed) = schema["enum"].as_array().map(Vec::as_slice).or(one) else { return };
        let Data::Scalar(value) = &tree.data else { return };
        if !allowed.contains(value) {
            let texts: Vec<_> = allowed.iter().filter(|v| !v.is_null()).map(plain).collect();
            let texts: Vec<_> = texts.iter().map(String::as_str).collect();
            let problem = not_allowed(tree, &texts, name);
            self.fault(problem);
        }
    }

    fn map(&mut self, tree: &Tree, members: &[Member], schema: &Value, name: &str) {
        let known = schema["properties"].as_object();
        let others = schema.get("additionalProperties");
        for member in members {
            if schema["x-asset"] == true && member.name == "Asset" {
                self.fault(
                    Diagnostic::at(member.span, "`Asset` is set by payctl")
                        .help(format!("write the path itself: {name}: path/to/code")),
                );
                continue;
            }
            match known.and_then(|known| known.get(&member.name)) {
                Some(inner) => self.value(&member.value, inner, &member.name),
                None if others == Some(&Value::Bool(false)) => {
                    let problem = self.unknown_property(member, schema, name);
                    self.fault(problem);
                }
                None => {
                    if let Some(inner) = others {
                        self.value(&member.value, inner, &member.name);
                    }
                }
            }
        }
        if tree.open {
            return;
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            let Some(required) = required.as_str() else { continue };
            if tree.get(required).is_none() {
                let owner = self.owner(name);
                self.fault(
                    Diagnostic::at(tree.span, format!("{owner} needs `{required}`"))
                        .label(format!("`{required}` is missing")),
                );
            }
        }
    }

    fn unknown_property(&self, member: &Member, schema: &Value, name: &str) -> Diagnostic {
        let property = &member.name;
        let owner = self.owner(name);
        if name.is_empty() && self.kind.meta().unsupported.contains(&property.as_str()) {
            return Diagnostic::at(
                member.span,
                format!("payctl does not support `{property}` of {owner} yet"),
            )
            .label("exists in CloudFormation")
            .help("remove it");
        }
        let known: Vec<_> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .filter(|known| !["ContentHash", "Asset"].contains(known))
            .collect();
        let help = did_you_mean(property, known.iter().copied()).or_else(|| {
            let few = known.len() <= 12 && !known.is_empty();
            few.then(|| format!("there are {}", known.join(", ")))
        });
        Diagnostic::at(member.span, format!("unknown property `{property}` of {owner}"))
            .help_maybe(help)
    }

    fn owner(&self, name: &str) -> String {
        if name.is_empty() { self.kind.meta().type_name.to_owned() } else { format!("`{name}`") }
    }

    fn list(&mut self, tree: &Tree, items: &[Tree], schema: &Value, name: &str) {
        if let Some(inner) = schema.get("items") {
            for item in items {
                if item.is_null() {
                    self.fault(
                        Diagnostic::at(item.span, format!("an item of `{name}` is empty"))
                            .help("remove it; null leaves out a property, not an item"),
                    );
                }
                self.value(item, inner, name);
            }
        }
        if tree.open {
            return;
        }
        let count = items.len() as u64;
        if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
            let summary = format!("`{name}` needs at least {least} items, this has {count}");
            self.fault(Diagnostic::at(tree.span, summary));
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
            let summary = format!("`{name}` takes at most {most} items, this has {count}");
            self.fault(Diagnostic::at(tree.span, summary));
        }
    }

    fn text(&mut self, tree: &Tree, text: &str, schema: &Value, name: &str) {
        let count = text.chars().count() as u64;
        let characters = if tree.secret { String::new() } else { format!(", this has {count}") };
        if let Some(least) = schema["minLength"].as_u64().filter(|least| count < *least) {
            let summary = format!("`{name}` needs at least {least} characters{characters}");
            self.fault(Diagnostic::at(tree.span, summary));
        }
        if let Some(most) = schema["maxLength"].as_u64().filter(|most| count > *most) {
            let summary = format!("`{name}` takes at most {most} characters{characters}");
            self.fault(Diagnostic::at(tree.span, summary));
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && !matches(pattern, text)
        {
            self.fault(
                Diagnostic::at(tree.span, format!("`{name}` does not have the right form"))
                    .label(format!("this is {}", tree.describe()))
                    .help(format!("it must match {pattern}")),
            );
        }
    }

    fn number(&mut self, tree: &Tree, number: f64, schema: &Value, name: &str) {
        let bound = |key: &str| schema[key].as_f64();
        let (least, most) = (bound("minimum"), bound("maximum"));
        let low = least.is_some_and(|least| number < least);
        let high = most.is_some_and(|most| number > most);
        if low || high {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("from {least} to {most}"),
                (Some(least), None) => format!("of at least {least}"),
                (_, most) => format!("of at most {}", most.unwrap_or_default()),
            };
            self.fault(
                Diagnostic::at(tree.span, format!("`{name}` takes a number {range}"))
                    .label(format!("this is {}", tree.describe())),
            );
        }
    }

    /// Whether the value is text that stands for a document.
    fn json_text(&mut self, tree: &Tree, name: &str) -> bool {
        let Some(text) = tree.as_str() else { return false };
        if let Err(error) = serde_json::from_str::<Value>(text) {
            let why = if tree.secret {
                String::new()
            } else {
                format!("line {}, column {}: {}", error.line(), error.column(), reason(&error))
            };
            self.fault(
                Diagnostic::at(tree.span, format!("`{name}` holds text that is no JSON"))
                    .label(why)
                    .help("write it as YAML, which needs no quotes and braces"),
            );
        }
        true
    }

    fn asset(&mut self, tree: &Tree, path: &str) {
        if !self.root.join(path).exists() {
            self.fault(
                Diagnostic::at(tree.span, format!("there is no file or folder `{path}`")).help(
                    format!("paths start from the project's folder, {}", self.root.display()),
                ),
            );
        }
    }

    fn tags(&mut self, tree: &Tree) {
        match &tree.data {
            Data::Map(members) => {
                for member in members {
                    self.tag_value(&member.value);
                }
            }
            Data::List(items) => items.iter().for_each(|item| self.tag(item)),
            _ => self.fault(
                Diagnostic::at(tree.span, "`Tags` takes a map of names to values")
                    .label(format!("this is {}", tree.describe())),
            ),
        }
    }

    fn tag(&mut self, item: &Tree) {
        let Data::Map(members) = &item.data else {
            if !matches!(item.data, Data::Unknown(_)) {
                self.fault(
                    Diagnostic::at(item.span, "a tag must be a map")
                        .label(format!("this is {}", item.describe()))
                        .help("write {Key: …, Value: …}"),
                );
            }
            return;
        };
        for member in members {
            match member.name.as_str() {
                "Key" => {}
                "Value" => self.tag_value(&member.value),
                name => {
                    let help = did_you_mean(name, ["Key", "Value"]);
                    self.fault(
                        Diagnostic::at(member.span, format!("unknown property `{name}` of a tag"))
                            .help("a tag is {Key: …, Value: …}")
                            .help_maybe(help),
                    );
                }
            }
        }
        for name in ["Key", "Value"] {
            // A value that is null leaves the tag out.
            if !item.open && !members.iter().any(|member| member.name == name) {
                self.fault(Diagnostic::at(item.span, format!("a tag needs `{name}`")));
            }
        }
    }

    fn tag_value(&mut self, tree: &Tree) {
        if matches!(tree.data, Data::List(_) | Data::Map(_)) {
            self.fault(
                Diagnostic::at(tree.span, "the value of a tag must be text")
                    .label(format!("this is {}", tree.describe())),
            );
        }
    }
}

fn wrong_type(tree: &Tree, schema: &Value, name: &str) -> Diagnostic {
    let wanted: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect()
        }
        _ => Vec::new(),
    };
    let nouns: Vec<_> = wanted.iter().map(|kind| noun(kind)).collect();
    let problem = Diagnostic::at(tree.span, format!("`{name}` takes {}", nouns.join(" or ")))
        .label(format!("this is {}", tree.describe()));
    let Data::Scalar(value) = &tree.data else {
        return match (&tree.data, wanted.as_slice()) {
            (Data::Map(_), ["array"]) => problem.help("put it in a list: begin it with `- `"),
            _ => problem,
        };
    };
    if tree.secret {
        return problem;
    }
    let plain = plain(value);
    match (value, wanted.as_slice()) {
        (Value::Number(_) | Value::Bool(_), kinds) if kinds.contains(&"string") => {
            problem.help(format!("write '{plain}', or ${{string(…)}} around an expression"))
        }
        (Value::String(_), ["integer" | "number"]) if plain.trim().parse::<f64>().is_ok() => {
            problem.help(format!("write {plain}, without quotes"))
        }
        (Value::String(_), ["boolean"]) => match plain.to_lowercase().as_str() {
            "true" | "yes" | "on" | "enabled" => problem.help("write true"),
            "false" | "no" | "off" | "disabled" => problem.help("write false"),
            _ => problem,
        },
        (_, ["array"]) => problem.help(format!("write [{plain}]")),
        _ => problem,
    }
}

fn noun(kind: &str) -> &str {
    match kind {
        "array" => "a list",
        "object" => "a map",
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        kind => kind,
    }
}

fn not_allowed(tree: &Tree, allowed: &[&str], name: &str) -> Diagnostic {
    let problem = Diagnostic::at(tree.span, format!("`{name}` does not take this value"))
        .label(format!("this is {}", tree.describe()));
    let guess = tree.as_str().and_then(|text| did_you_mean(text, allowed.iter().copied()));
    problem.help(format!("it takes {}", allowed.join(", "))).help_maybe(guess)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns why JSON cannot be read, without the place that serde adds.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Whether text matches a schema's pattern. Each is compiled once. One that
/// the `regex` crate does not know, as with look-around, lets everything pass.
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> =
        LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex =
        compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok()).clone();
    drop(compiled);
    regex.is_none_or(|regex| regex.is_match(text))
}
