//! From the sections of a stack file to what they declare.

use super::builder::{Builder, is_name};
use super::expr::{Compiled, Names};
use super::template::{self, Template};
use super::unknown_type::unknown_type;
use super::yaml::{self, Data, Key, Yaml};
use super::{
    Declared, OutputDeclaration, Property, Removal, Resource, check, names, parameters, regions,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span, did_you_mean, nearest};
use crate::resource::{Kind, Scope as Reach};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

const SECTIONS: &[&str] =
    &["Stack", "Description", "Regions", "Parameters", "Tags", "Resources", "Outputs"];

const RESOURCE_MEMBERS: &[&str] = &[
    "Type",
    "Properties",
    "ForEach",
    "If",
    "Region",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
];

const OUTPUT_MEMBERS: &[&str] = &["Value", "Description", "If"];

/// Sections that a CloudFormation template has, and what to do with them.
const CLOUDFORMATION: &[(&str, &str)] = &[
    ("AWSTemplateFormatVersion", "remove it"),
    ("Transform", "remove it"),
    ("Metadata", "remove it"),
    ("Globals", "write the values where they are used, or share them by a YAML anchor"),
    ("Conditions", "write each condition where it is used: If: '${…}'"),
    ("Mappings", "write the map in the expression: ${{\"dev\": 1, \"prod\": 3}[env]}"),
    ("Rules", "write the rule into its parameter: AllowedValues, AllowedPattern, MinValue, …"),
    ("Export", "remove it; a stack's outputs can be read by `payctl output`"),
];

/// Reads a stack file, or returns everything that is wrong with it.
pub(super) fn stack(
    name: &str,
    text: &str,
    root: &Path,
    kinds: &'static [&'static dyn Kind],
) -> Result<Declared, Diagnostics> {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let mut problems = Vec::new();
    let document = yaml::parse(file, text, &mut problems);
    let declared = match &document {
        Some(Yaml { data: Data::Map(sections), .. }) => {
            let names = names_of(sections);
            let builder =
                Builder { sources: &sources, names: &names, compiled: Compiled::default() };
            let mut parser = Parser { builder, kinds, problems: &mut problems };
            Some(parser.stack(sections, root))
        }
        Some(Yaml { data: Data::Null, span }) => {
            problems.push(empty(*span));
            None
        }
        Some(other) => {
            problems.push(
                Diagnostic::at(other.span, "a stack file is a map of sections")
                    .label(format!("this is {}", other.describe()))
                    .help(format!("its sections are {}", SECTIONS.join(", "))),
            );
            None
        }
        None => {
            if problems.is_empty() {
                problems.push(empty(Span::new(file, 0, 0)));
            }
            None
        }
    };
    if let Some(mut declared) = declared {
        declared.sources = sources.clone();
        names::check(&declared, &mut problems);
        check::declared(&declared, &mut problems);
        if problems.is_empty() {
            return Ok(declared);
        }
    }
    Err(Diagnostics::new(problems, &sources))
}

fn empty(span: Span) -> Diagnostic {
    Diagnostic::at(span, "the stack file is empty")
        .help("it needs at least `Stack: a-name` and `Resources:`")
}

/// Returns the names that expressions may refer to.
fn names_of(sections: &[(Key, Yaml)]) -> Names {
    let of = |section: &str| match find(sections, section).map(|yaml| &yaml.data) {
        Some(Data::Map(members)) => members.iter().map(|(key, _)| key.name.clone()).collect(),
        _ => Default::default(),
    };
    Names { resources: of("Resources"), parameters: of("Parameters") }
}

fn find<'a>(members: &'a [(Key, Yaml)], name: &str) -> Option<&'a Yaml> {
    members.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
}

struct Parser<'a> {
    builder: Builder<'a>,
    kinds: &'static [&'static dyn Kind],
    problems: &'a mut Vec<Diagnostic>,
}

impl Parser<'_> {
    fn stack(&mut self, sections: &[(Key, Yaml)], root: &Path) -> Declared {
        for (key, _) in sections {
            if !SECTIONS.contains(&key.name.as_str()) && !key.name.starts_with("x-") {
                self.unknown_member(key, "a stack file", SECTIONS);
            }
        }
        let name = self.name(sections);
        let description = find(sections, "Description").and_then(|yaml| self.string(yaml));
        let regions = find(sections, "Regions").map(|yaml| self.regions(yaml)).unwrap_or_default();
        let parameters = find(sections, "Parameters")
            .map(|yaml| parameters::parse(yaml, self.problems))
            .unwrap_or_default();
        let tags = find(sections, "Tags").map(|yaml| self.tags(yaml)).unwrap_or_default();
        let resources = match find(sections, "Resources") {
            Some(yaml) => self.resources(yaml),
            None => {
                let span = sections.first().map(|(key, _)| key.span).unwrap_or_default();
                self.problems.push(
                    Diagnostic::at(span, "the stack has no `Resources`")
                        .help("add the section `Resources:`, a map of names to resources"),
                );
                Vec::new()
            }
        };
        let outputs = find(sections, "Outputs").map(|yaml| self.outputs(yaml)).unwrap_or_default();
        let by_name: HashMap<_, _> =
            resources.iter().enumerate().map(|(index, r)| (r.id.clone(), index)).collect();
        Declared {
            sources: Sources::default(),
            root: root.to_path_buf(),
            name,
            description,
            regions,
            parameters,
            tags,
            resources,
            by_name,
            outputs,
        }
    }

    fn name(&mut self, sections: &[(Key, Yaml)]) -> String {
        let Some(yaml) = find(sections, "Stack") else {
            let span = sections.first().map(|(key, _)| key.span).unwrap_or_default();
            self.problems.push(
                Diagnostic::at(span, "the stack has no name").help("add the line `Stack: a-name`"),
            );
            return String::new();
        };
        let name = self.string(yaml).unwrap_or_default();
        let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
            && name.len() <= 100;
        if !good && matches!(yaml.data, Data::String(_)) {
            self.problems.push(
                Diagnostic::at(yaml.span, "this cannot be a stack's name")
                    .help("a name is a letter, then letters, digits, `-` and `_`"),
            );
        }
        name
    }

    fn regions(&mut self, yaml: &Yaml) -> Vec<String> {
        let Data::List(items) = &yaml.data else {
            self.problems.push(
                Diagnostic::at(yaml.span, "`Regions` must be a list")
                    .label(format!("this is {}", yaml.describe()))
                    .help("write [us-east-1, eu-west-1]; the first is the primary"),
            );
            return Vec::new();
        };
        if items.is_empty() {
            self.problems.push(
                Diagnostic::at(yaml.span, "`Regions` is empty")
                    .help("write [us-east-1], or leave the section out and give --regions"),
            );
        }
        let mut regions: Vec<String> = Vec::new();
        for item in items {
            let Some(region) = self.string(item) else { continue };
            if let Some(mut fault) = regions::fault(&region) {
                fault.span = Some(item.span);
                self.problems.push(fault);
            } else if regions.contains(&region) {
                let summary = format!("the region `{region}` is given twice");
                self.problems.push(Diagnostic::at(item.span, summary).help("remove one of them"));
            }
            regions.push(region);
        }
        regions
    }

    fn tags(&mut self, yaml: &Yaml) -> Vec<template::Member> {
        let template = self.builder.template(yaml, self.problems);
        match template.data {
            template::Data::Map(members) => members,
            _ => {
                self.problems.push(
                    Diagnostic::at(yaml.span, "`Tags` must be a map of names to values")
                        .label(format!("this is {}", yaml.describe())),
                );
                Vec::new()
            }
        }
    }

    fn resources(&mut self, yaml: &Yaml) -> Vec<Resource> {
        let Data::Map(members) = &yaml.data else {
            self.problems.push(
                Diagnostic::at(yaml.span, "`Resources` must be a map of names to resources")
                    .label(format!("this is {}", yaml.describe())),
            );
            return Vec::new();
        };
        members.iter().filter_map(|(key, value)| self.resource(key, value)).collect()
    }

    fn resource(&mut self, key: &Key, yaml: &Yaml) -> Option<Resource> {
        self.logical_id(key);
        let Data::Map(members) = &yaml.data else {
            self.problems.push(
                Diagnostic::at(yaml.span, format!("resource `{}` must be a map", key.name))
                    .label(format!("this is {}", yaml.describe()))
                    .help("write its Type and its Properties"),
            );
            return None;
        };
        for (member, _) in members {
            if !RESOURCE_MEMBERS.contains(&member.name.as_str()) {
                self.unknown_resource_member(member, key, members);
            }
        }
        let kind = self.kind(key, find(members, "Type"));
        let properties = find(members, "Properties").map(|yaml| self.properties(yaml));
        let each = find(members, "ForEach")
            .map(|yaml| self.builder.variables(yaml, self.problems))
            .unwrap_or_default();
        let mut template =
            |name: &str| find(members, name).map(|y| self.builder.template(y, self.problems));
        let (condition, region) = (template("If"), template("Region"));
        let (deletion, replacement) = (template("DeletionPolicy"), template("UpdateReplacePolicy"));
        let depends_on =
            find(members, "DependsOn").map(|yaml| self.depends_on(yaml)).unwrap_or_default();
        if let Some(region) = &region {
            self.literal_regions(region);
        }
        for policy in [&deletion, &replacement].into_iter().flatten() {
            self.literal_policy(policy);
        }
        let kind = kind?;
        if kind.meta().scope == Reach::Global
            && let Some(region) = &region
        {
            let summary = format!("{} belongs to no region", kind.meta().type_name);
            self.problems
                .push(Diagnostic::at(region.span, summary).help("remove the line `Region:`"));
        }
        Some(Resource {
            id: key.name.clone(),
            span: key.span,
            kind,
            each,
            condition,
            region,
            depends_on,
            deletion,
            replacement,
            properties: properties.unwrap_or_default(),
        })
    }

    /// Checks the regions that stand in the file as they are.
    fn literal_regions(&mut self, template: &Template) {
        match &template.data {
            template::Data::Scalar(Value::String(region)) => {
                if let Some(mut fault) = regions::fault(region) {
                    fault.span = Some(template.span);
                    self.problems.push(fault);
                }
            }
            template::Data::List(items) => {
                items.iter().for_each(|item| self.literal_regions(item));
            }
            _ => {}
        }
    }

    fn literal_policy(&mut self, template: &Template) {
        if let template::Data::Scalar(value) = &template.data
            && Removal::named(value.as_str()).is_none()
        {
            self.problems.push(Removal::unknown(template.span, &value.to_string()));
        }
    }

    fn logical_id(&mut self, key: &Key) {
        let name = &key.name;
        if !is_name(name) || name.contains('_') || !name.starts_with(|c: char| c.is_uppercase()) {
            self.problems.push(
                Diagnostic::at(key.span, format!("`{name}` cannot be the name of a resource"))
                    .help("a capital letter, then letters and digits, like `DeadLetterQueue`"),
            );
        }
        if self.builder.names.parameters.contains(name) {
            self.problems.push(
                Diagnostic::at(key.span, format!("`{name}` is a parameter already"))
                    .help("name the resource or the parameter otherwise"),
            );
        }
    }

    fn kind(&mut self, key: &Key, yaml: Option<&Yaml>) -> Option<&'static dyn Kind> {
        let Some(yaml) = yaml else {
            self.problems.push(
                Diagnostic::at(key.span, format!("resource `{}` has no Type", key.name))
                    .help("add a line like `Type: AWS::SQS::Queue`"),
            );
            return None;
        };
        let name = self.string(yaml)?;
        let kinds = self.kinds;
        let known = kinds.iter().copied().find(|kind| kind.meta().type_name == name);
        if known.is_some() {
            return known;
        }
        let names = kinds.iter().map(|kind| kind.meta().type_name);
        self.problems.push(unknown_type(&name, yaml.span, names.clone()));
        // What is meant, most likely: so that its properties are checked too.
        let near = nearest(&name, names)?;
        kinds.iter().copied().find(|kind| kind.meta().type_name == near)
    }

    fn properties(&mut self, yaml: &Yaml) -> Vec<Property> {
        let Data::Map(members) = &yaml.data else {
            if yaml.data != Data::Null {
                self.problems.push(
                    Diagnostic::at(yaml.span, "`Properties` must be a map")
                        .label(format!("this is {}", yaml.describe())),
                );
            }
            return Vec::new();
        };
        let property = |(key, value): &(Key, Yaml)| Property {
            name: key.name.clone(),
            span: key.span,
            template: self.builder.template(value, self.problems),
        };
        members.iter().map(property).collect()
    }

    fn depends_on(&mut self, yaml: &Yaml) -> Vec<(String, Span)> {
        let one = std::slice::from_ref(yaml);
        let items = if let Data::List(items) = &yaml.data { items } else { one };
        items.iter().filter_map(|item| Some((self.string(item)?, item.span))).collect()
    }

    fn outputs(&mut self, yaml: &Yaml) -> Vec<OutputDeclaration> {
        let Data::Map(members) = &yaml.data else {
            self.problems.push(
                Diagnostic::at(yaml.span, "`Outputs` must be a map of names to outputs")
                    .label(format!("this is {}", yaml.describe())),
            );
            return Vec::new();
        };
        members.iter().filter_map(|(key, value)| self.output(key, value)).collect()
    }

    fn output(&mut self, key: &Key, yaml: &Yaml) -> Option<OutputDeclaration> {
        let Data::Map(members) = &yaml.data else {
            self.problems.push(
                Diagnostic::at(yaml.span, format!("output `{}` must be a map", key.name))
                    .help("write {Value: '${…}'}"),
            );
            return None;
        };
        for (member, _) in members {
            if !OUTPUT_MEMBERS.contains(&member.name.as_str()) {
                self.unknown_member(member, "an output", OUTPUT_MEMBERS);
            }
        }
        let mut template =
            |name: &str| find(members, name).map(|y| self.builder.template(y, self.problems));
        let (description, condition) = (template("Description"), template("If"));
        let Some(value) = template("Value") else {
            self.problems.push(
                Diagnostic::at(key.span, format!("output `{}` has no Value", key.name))
                    .help("write {Value: '${…}'}"),
            );
            return None;
        };
        Some(OutputDeclaration { name: key.name.clone(), value, description, condition })
    }

    /// Returns a text that must stand in the file as it is.
    fn string(&mut self, yaml: &Yaml) -> Option<String> {
        let problem = match &yaml.data {
            Data::Broken => return None,
            Data::String(text) if text.contains("${") => {
                Diagnostic::at(yaml.span, "an expression where a fixed text is needed")
            }
            Data::String(text) => return Some(text.clone()),
            Data::Number(number) => Diagnostic::at(yaml.span, "a number where a text is needed")
                .help(format!("quote it: '{number}'")),
            _ => Diagnostic::at(yaml.span, format!("{} where a text is needed", yaml.describe())),
        };
        self.problems.push(problem);
        None
    }

    fn unknown_member(&mut self, key: &Key, of: &str, known: &[&str]) {
        let theirs = CLOUDFORMATION.iter().find(|(name, _)| *name == key.name);
        let help = theirs
            .map(|(_, help)| (*help).to_owned())
            .or_else(|| did_you_mean(&key.name, known.iter().copied()))
            .unwrap_or_else(|| format!("it has {}", known.join(", ")));
        let summary = format!("{of} has no `{}`", key.name);
        self.problems.push(Diagnostic::at(key.span, summary).help(help));
    }

    fn unknown_resource_member(&mut self, key: &Key, of: &Key, members: &[(Key, Yaml)]) {
        let known = find(members, "Type").and_then(|yaml| match &yaml.data {
            Data::String(name) => self.kinds.iter().find(|kind| kind.meta().type_name == name),
            _ => None,
        });
        let is_property =
            known.is_some_and(|kind| kind.schema()["properties"].get(&key.name).is_some());
        let help = match key.name.as_str() {
            _ if is_property => "move it under `Properties:`".to_owned(),
            "Condition" => "write If: '${…}', with the condition itself".to_owned(),
            "CreationPolicy" | "UpdatePolicy" | "Metadata" => {
                "payctl has none of it; remove it".to_owned()
            }
            name => did_you_mean(name, RESOURCE_MEMBERS.iter().copied())
                .unwrap_or_else(|| format!("it has {}", RESOURCE_MEMBERS.join(", "))),
        };
        let summary = format!("resource `{}` has no `{}`", of.name, key.name);
        self.problems.push(Diagnostic::at(key.span, summary).help(help));
    }
}
