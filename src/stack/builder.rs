//! The way from YAML to templates.

use super::expr::{BUILTINS, Compiled, Expression, Names, Piece, pieces};
use super::template::{Data, Each, Member, Part, Template, Variable, When};
use super::yaml::{self, Yaml};
use crate::diagnostic::{Diagnostic, Sources, Span};
use serde_json::Value;

/// Makes templates of YAML.
pub(super) struct Builder<'a> {
    pub sources: &'a Sources,
    pub names: &'a Names,
    pub compiled: Compiled,
}

impl Builder<'_> {
    /// Makes a template; what is wrong with it goes to `problems`.
    pub(super) fn template(&mut self, yaml: &Yaml, problems: &mut Vec<Diagnostic>) -> Template {
        let data = match &yaml.data {
            yaml::Data::String(text) => self.text(text, yaml.span, problems),
            yaml::Data::List(items) => {
                Data::List(items.iter().map(|item| self.template(item, problems)).collect())
            }
            yaml::Data::Map(members) => self.map(members, yaml.span, problems),
            yaml::Data::Broken => Data::Broken,
            _ => Data::Scalar(yaml.to_json()),
        };
        Template { span: yaml.span, data }
    }

    fn map(
        &mut self,
        members: &[(yaml::Key, Yaml)],
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Data {
        if let [(key, value)] = members
            && (key.name == "Ref" || key.name.starts_with("Fn::"))
        {
            problems.push(intrinsic(key, value));
            return Data::Broken;
        }
        if let Some(place) = members.iter().position(|(key, _)| key.name == "If") {
            return self.when(members, place, span, problems);
        }
        if members.iter().any(|(key, _)| key.name == "ForEach") {
            return self.each(members, span, problems);
        }
        let members = members.iter().map(|(key, value)| Member {
            span: key.span,
            name: Template { span: key.span, data: self.text(&key.name, key.span, problems) },
            value: self.template(value, problems),
        });
        Data::Map(members.collect())
    }

    /// Makes a map of the members around the `If` at `place`.
    fn when(
        &mut self,
        members: &[(yaml::Key, Yaml)],
        place: usize,
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Data {
        let condition = self.template(&members[place].1, problems);
        let rest = [&members[..place], &members[place + 1..]].concat();
        let value = Template { span, data: self.map(&rest, span, problems) };
        Data::When(Box::new(When { condition, value }))
    }

    fn each(
        &mut self,
        members: &[(yaml::Key, Yaml)],
        span: Span,
        problems: &mut Vec<Diagnostic>,
    ) -> Data {
        let get = |name: &str| members.iter().find(|(key, _)| key.name == name).map(|m| &m.1);
        let form = (get("ForEach"), get("Item"), get("Key"), get("Value"));
        let (list, key, item) = match form {
            (Some(list), Some(item), None, None) if members.len() == 2 => (list, None, item),
            (Some(list), None, Some(key), Some(item)) if members.len() == 3 => {
                (list, Some(key), item)
            }
            _ => {
                problems.push(
                    Diagnostic::at(span, "a ForEach that makes neither a list nor a map")
                        .help("write {ForEach, Item} for a list, {ForEach, Key, Value} for a map"),
                );
                return Data::Broken;
            }
        };
        let variables = self.variables(list, problems);
        let key = key.map(|key| self.template(key, problems));
        let item = self.template(item, problems);
        Data::Each(Box::new(Each { variables, key, item }))
    }

    /// Makes the variables of a `ForEach`.
    pub(super) fn variables(
        &mut self,
        yaml: &Yaml,
        problems: &mut Vec<Diagnostic>,
    ) -> Vec<Variable> {
        let yaml::Data::Map(members) = &yaml.data else {
            problems.push(
                Diagnostic::at(
                    yaml.span,
                    format!("ForEach needs variables, found {}", yaml.describe()),
                )
                .help("write ForEach: {r: '${regions}'}"),
            );
            return Vec::new();
        };
        if members.is_empty() {
            problems.push(
                Diagnostic::at(yaml.span, "ForEach without a variable")
                    .help("write ForEach: {r: '${regions}'}"),
            );
        }
        let mut variables = Vec::new();
        for (key, value) in members {
            self.check_variable(key, problems);
            let list = self.template(value, problems);
            variables.push(Variable { name: key.name.clone(), list });
        }
        variables
    }

    fn check_variable(&self, key: &yaml::Key, problems: &mut Vec<Diagnostic>) {
        let name = key.name.as_str();
        let taken = if BUILTINS.contains(&name) {
            "a built-in name"
        } else if self.names.resources.contains(name) {
            "a resource"
        } else if self.names.parameters.contains(name) {
            "a parameter"
        } else if !is_name(name) {
            problems.push(
                Diagnostic::at(key.span, format!("`{name}` cannot be a variable"))
                    .help("a variable is made of letters, digits and `_`, like `r`"),
            );
            return;
        } else {
            return;
        };
        problems.push(
            Diagnostic::at(key.span, format!("`{name}` is {taken} already"))
                .help("choose another name for the variable"),
        );
    }

    fn text(&mut self, text: &str, span: Span, problems: &mut Vec<Diagnostic>) -> Data {
        if !text.contains("${") {
            return Data::Scalar(Value::String(text.to_owned()));
        }
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(offset) => {
                let start = text.get(offset..).unwrap_or_default();
                let span = self.locate(span, start, span.start).map_or(span, |(span, _)| span);
                problems.push(
                    Diagnostic::at(span, "an expression without its closing brace")
                        .help("close it with `}`, or write `$${` for a literal `${`"),
                );
                return Data::Broken;
            }
        };
        let mut from = span.start;
        let mut parts = Vec::new();
        for piece in pieces {
            let source = match piece {
                Piece::Text(text) => {
                    parts.push(Part::Text(text));
                    continue;
                }
                Piece::Code(source) => source,
            };
            let (place, exact) =
                self.locate(span, &format!("${{{source}}}"), from).unwrap_or((span, false));
            if exact {
                from = place.end;
            }
            match self.compiled.get(source, self.names) {
                Ok(code) => parts.push(Part::Code(Expression { code, span: place, exact })),
                Err(faults) => {
                    for fault in faults {
                        let span = if exact {
                            let start = place.start as usize + "${".len();
                            Span::new(
                                place.file,
                                start + fault.range.start,
                                start + fault.range.end,
                            )
                        } else {
                            place
                        };
                        problems.push(Diagnostic::at(span, fault.summary).help_maybe(fault.help));
                    }
                    return Data::Broken;
                }
            }
        }
        match parts.as_mut_slice() {
            [Part::Text(text)] => Data::Scalar(Value::String(std::mem::take(text))),
            _ => Data::Text(parts),
        }
    }

    /// Finds text in the source of a scalar, from an offset on, where it stands
    /// there letter by letter; else where its first line begins.
    fn locate(&self, scalar: Span, text: &str, from: u32) -> Option<(Span, bool)> {
        let from = from.max(scalar.start);
        let source = self.sources.slice(Span { start: from, ..scalar });
        let found = |needle: &str| source.find(needle).map(|offset| from as usize + offset);
        if let Some(start) = found(text) {
            return Some((Span::new(scalar.file, start, start + text.len()), true));
        }
        let first: String = text.chars().take_while(|c| !"\n\"'".contains(*c)).collect();
        let start = found(&first)?;
        Some((Span::new(scalar.file, start, start + first.len()), false))
    }
}

/// Whether the name can be one of a variable.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What CloudFormation writes as a function, and how it reads here.
fn intrinsic(key: &yaml::Key, value: &Yaml) -> Diagnostic {
    let parts: Vec<String> = match &value.data {
        yaml::Data::String(text) => vec![text.clone()],
        yaml::Data::List(items) => items
            .iter()
            .filter_map(|item| match &item.data {
                yaml::Data::String(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let help = match key.name.as_str() {
        "Ref" | "Fn::GetAtt" if !parts.is_empty() => format!("write '${{{}}}'", parts.join(".")),
        "Fn::Sub" => "write the text itself: every string may hold ${…}".to_owned(),
        "Fn::Join" => "write the parts in one string: 'a-${B}', or ${join(list, \",\")}".to_owned(),
        "Fn::If" => "write '${Condition ? \"one\" : \"other\"}'".to_owned(),
        _ => "write an expression: '${…}'".to_owned(),
    };
    Diagnostic::at(key.span, format!("`{}` is CloudFormation's, not payctl's", key.name)).help(help)
}
