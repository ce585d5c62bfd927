//! Parameters: what a stack file declares, and the values given for them.

use super::builder::is_name;
use super::yaml::{self, Data, Yaml};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span, did_you_mean};
use regex::Regex;
use serde_json::{Number, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What begins the name of a variable that gives a parameter.
const PREFIX: &str = "PAYCTL_PARAM_";

/// The values given for parameters. A flag counts before a file, a file before
/// the environment, that before the default; of two files or flags the later
/// one counts.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `--param NAME=VALUE`.
    pub flags: Vec<(String, String)>,
    /// `--params FILE`: YAML or JSON maps of names to values.
    pub files: Vec<PathBuf>,
    /// The environment; `PAYCTL_PARAM_NAME` gives a parameter, others nothing.
    pub environment: BTreeMap<String, String>,
}

/// A declared parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub span: Span,
    pub kind: ParameterType,
    pub no_echo: bool,
    default: Option<Value>,
    rules: Rules,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParameterType {
    String,
    Number,
    Boolean,
    List,
}

/// What a parameter's value must satisfy.
#[derive(Debug, Default)]
struct Rules {
    allowed: Option<Vec<Value>>,
    pattern: Option<Regex>,
    length: (Option<u64>, Option<u64>),
    range: (Option<f64>, Option<f64>),
}

const TYPES: &[(&str, ParameterType)] = &[
    ("String", ParameterType::String),
    ("Number", ParameterType::Number),
    ("Boolean", ParameterType::Boolean),
    ("List", ParameterType::List),
];

const MEMBERS: &[&str] = &[
    "Type",
    "Default",
    "Description",
    "AllowedValues",
    "AllowedPattern",
    "MinLength",
    "MaxLength",
    "MinValue",
    "MaxValue",
    "NoEcho",
];

impl ParameterType {
    /// What a value of the type is called.
    fn noun(self) -> &'static str {
        match self {
            Self::String => "text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
        }
    }

    fn holds(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
        }
    }

    /// Reads a value from the command line or the environment.
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::String(text.to_owned())),
            Self::Number => {
                let text = text.trim();
                let whole = text.parse::<i64>().ok().map(Number::from);
                whole.or_else(|| Number::from_f64(text.parse().ok()?)).map(Value::Number)
            }
            Self::Boolean => text.trim().parse().ok().map(Value::Bool),
            Self::List if text.trim_start().starts_with('[') => {
                serde_json::from_str(text).ok().filter(Value::is_array)
            }
            Self::List if text.trim().is_empty() => Some(Value::Array(Vec::new())),
            Self::List => Some(text.split(',').map(|item| Value::from(item.trim())).collect()),
        }
    }
}

/// Reads the section `Parameters`.
pub(super) fn parse(section: &Yaml, problems: &mut Vec<Diagnostic>) -> Vec<Parameter> {
    let Data::Map(members) = &section.data else {
        problems.push(Diagnostic::at(section.span, "`Parameters` must be a map of names"));
        return Vec::new();
    };
    members.iter().filter_map(|(key, value)| parameter(key, value, problems)).collect()
}

fn parameter(key: &yaml::Key, yaml: &Yaml, problems: &mut Vec<Diagnostic>) -> Option<Parameter> {
    let Data::Map(members) = &yaml.data else {
        problems.push(
            Diagnostic::at(yaml.span, format!("parameter `{}` must be a map", key.name))
                .help("write {Type: String}, with a Default if it may be left out"),
        );
        return None;
    };
    let before = problems.len();
    if !is_name(&key.name) || !key.name.starts_with(|c: char| c.is_ascii_uppercase()) {
        problems.push(
            Diagnostic::at(key.span, format!("`{}` cannot be the name of a parameter", key.name))
                .help("a capital letter, then letters, digits and `_`, like `RetentionDays`"),
        );
    }
    let mut fields = Fields { members, problems };
    fields.refuse_others();
    let kind = fields.kind(key)?;
    let rules = fields.rules(kind);
    let no_echo = fields.boolean("NoEcho");
    let default = fields.get("Default").map(|default| (default.span, default.to_json()));
    if let Some(description) = fields.get("Description")
        && !matches!(description.data, Data::String(_))
    {
        fields.wrong(description, "`Description` must be text");
    }
    let made = Parameter {
        name: key.name.clone(),
        span: key.span,
        kind,
        no_echo,
        default: default.as_ref().map(|default| default.1.clone()),
        rules,
    };
    if let Some((span, default)) = default
        && problems.len() == before
        && let Some(fault) = made.fault(&default)
    {
        problems.push(Diagnostic::at(span, format!("the default of `{}` {fault}", key.name)));
    }
    Some(made)
}

/// The members of a parameter's declaration.
struct Fields<'a> {
    members: &'a [(yaml::Key, Yaml)],
    problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Fields<'a> {
    fn get(&self, name: &str) -> Option<&'a Yaml> {
        self.members.iter().find(|(key, _)| key.name == name).map(|(_, value)| value)
    }

    fn wrong(&mut self, yaml: &Yaml, summary: &str) {
        self.problems
            .push(Diagnostic::at(yaml.span, summary).label(format!("this is {}", yaml.describe())));
    }

    fn refuse_others(&mut self) {
        for (key, _) in self.members {
            if !MEMBERS.contains(&key.name.as_str()) {
                let help = did_you_mean(&key.name, MEMBERS.iter().copied())
                    .unwrap_or_else(|| format!("there are {}", MEMBERS.join(", ")));
                self.problems.push(
                    Diagnostic::at(key.span, format!("a parameter has no `{}`", key.name))
                        .help(help),
                );
            }
        }
    }

    fn kind(&mut self, key: &yaml::Key) -> Option<ParameterType> {
        let Some(yaml) = self.get("Type") else {
            self.problems.push(
                Diagnostic::at(key.span, format!("parameter `{}` has no Type", key.name))
                    .help("write Type: String, Number, Boolean or List"),
            );
            return None;
        };
        let name = yaml.to_json();
        let known = TYPES.iter().find(|(known, _)| name == *known);
        if known.is_none() {
            let name = name.as_str().unwrap_or_default();
            let help = match name {
                "CommaDelimitedList" => Some("did you mean `List`?".to_owned()),
                name => did_you_mean(name, TYPES.iter().map(|known| known.0)),
            };
            self.problems.push(
                Diagnostic::at(yaml.span, format!("unknown type `{name}` of a parameter"))
                    .help("the types are String, Number, Boolean and List")
                    .help_maybe(help),
            );
        }
        known.map(|known| known.1)
    }

    fn rules(&mut self, kind: ParameterType) -> Rules {
        Rules {
            allowed: self.allowed(kind),
            pattern: self.pattern(kind),
            length: (self.length("MinLength", kind), self.length("MaxLength", kind)),
            range: (self.bound("MinValue", kind), self.bound("MaxValue", kind)),
        }
    }

    fn allowed(&mut self, kind: ParameterType) -> Option<Vec<Value>> {
        let yaml = self.get("AllowedValues")?;
        let Data::List(items) = &yaml.data else {
            self.wrong(yaml, "`AllowedValues` must be a list");
            return None;
        };
        let item_kind = if kind == ParameterType::List { ParameterType::String } else { kind };
        for item in items.iter().filter(|item| !item_kind.holds(&item.to_json())) {
            self.wrong(item, &format!("an allowed value must be {}", item_kind.noun()));
        }
        Some(items.iter().map(Yaml::to_json).collect())
    }

    fn pattern(&mut self, kind: ParameterType) -> Option<Regex> {
        let yaml = self.only_for("AllowedPattern", kind, ParameterType::String)?;
        let Data::String(pattern) = &yaml.data else {
            self.wrong(yaml, "`AllowedPattern` must be text");
            return None;
        };
        // CloudFormation's patterns cover the whole value.
        Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| self.wrong(yaml, "`AllowedPattern` is no regular expression"))
            .ok()
    }

    fn length(&mut self, name: &str, kind: ParameterType) -> Option<u64> {
        let yaml = self.only_for(name, kind, ParameterType::String)?;
        let length = yaml.to_json().as_u64();
        if length.is_none() {
            self.wrong(yaml, &format!("`{name}` must be a whole number"));
        }
        length
    }

    fn bound(&mut self, name: &str, kind: ParameterType) -> Option<f64> {
        let yaml = self.only_for(name, kind, ParameterType::Number)?;
        let bound = yaml.to_json().as_f64();
        if bound.is_none() {
            self.wrong(yaml, &format!("`{name}` must be a number"));
        }
        bound
    }

    fn only_for(
        &mut self,
        name: &str,
        kind: ParameterType,
        wanted: ParameterType,
    ) -> Option<&'a Yaml> {
        let yaml = self.get(name)?;
        if kind != wanted {
            let summary = format!("`{name}` is for parameters that are {}", wanted.noun());
            self.problems.push(Diagnostic::at(yaml.span, summary));
            return None;
        }
        Some(yaml)
    }

    fn boolean(&mut self, name: &str) -> bool {
        match self.get(name) {
            None => false,
            Some(Yaml { data: Data::Bool(value), .. }) => *value,
            Some(yaml) => {
                self.wrong(yaml, &format!("`{name}` must be true or false"));
                false
            }
        }
    }
}

impl Parameter {
    /// Returns what is wrong with a value, as the rest of a sentence.
    fn fault(&self, value: &Value) -> Option<String> {
        if !self.kind.holds(value) {
            return Some(format!("must be {}", self.kind.noun()));
        }
        let rules = &self.rules;
        if let Some(allowed) = &rules.allowed {
            let one = std::slice::from_ref(value);
            let values = value.as_array().map_or(one, Vec::as_slice);
            if !values.iter().all(|value| allowed.contains(value)) {
                let allowed: Vec<_> = allowed.iter().map(plain).collect();
                return Some(format!("must be one of {}", allowed.join(", ")));
            }
        }
        if let Some(text) = value.as_str() {
            let length = text.chars().count() as u64;
            match rules.length {
                (Some(least), _) if length < least => {
                    return Some(format!("must have at least {least} characters"));
                }
                (_, Some(most)) if length > most => {
                    return Some(format!("must have at most {most} characters"));
                }
                _ => {}
            }
            if let Some(pattern) = rules.pattern.as_ref().filter(|p| !p.is_match(text)) {
                let shown = pattern.as_str().trim_start_matches("^(?:");
                return Some(format!("must match {}", shown.trim_end_matches(")$")));
            }
        }
        match (value.as_f64(), rules.range) {
            (Some(number), (Some(least), _)) if number < least => {
                Some(format!("must be at least {least}"))
            }
            (Some(number), (_, Some(most))) if number > most => {
                Some(format!("must be at most {most}"))
            }
            _ => None,
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value that was given, and by what.
struct Offer {
    value: Result<Value, String>,
    source: String,
    span: Option<Span>,
}

/// Returns the value of every parameter, or all that is wrong with what was
/// given.
pub(super) fn resolve(
    declared: &[Parameter],
    given: &Given,
    sources: &Sources,
) -> Result<BTreeMap<String, Value>, Diagnostics> {
    let mut sources = sources.clone();
    let mut problems = Vec::new();
    let mut offers = from_environment(declared, given);
    for path in &given.files {
        from_file(path, declared, &mut sources, &mut offers, &mut problems);
    }
    from_flags(declared, given, &mut offers, &mut problems);
    let mut values = BTreeMap::new();
    for parameter in declared {
        match offers.remove(&parameter.name) {
            Some(offer) => {
                if let Some(value) = accept(parameter, offer, &mut problems) {
                    values.insert(parameter.name.clone(), value);
                }
            }
            None => match &parameter.default {
                Some(default) => {
                    values.insert(parameter.name.clone(), default.clone());
                }
                None => problems.push(missing(parameter, given)),
            },
        }
    }
    Diagnostics::check(problems, &sources)?;
    Ok(values)
}

fn accept(parameter: &Parameter, offer: Offer, problems: &mut Vec<Diagnostic>) -> Option<Value> {
    let fault = match &offer.value {
        Ok(value) => parameter.fault(value),
        Err(_) => Some(format!("must be {}", parameter.kind.noun())),
    };
    let Some(fault) = fault else { return offer.value.ok() };
    let mut problem = Diagnostic::new(format!("parameter `{}` {fault}", parameter.name));
    // The line of a secret would show it.
    problem.span = offer.span.filter(|_| !parameter.no_echo);
    let shown = offer.value.map_or_else(|text| text, |value| plain(&value));
    problem = match parameter.no_echo {
        true => problem.note(format!("it was given by {}", offer.source)),
        false => problem.note(format!("{} gave `{shown}`", offer.source)),
    };
    problems.push(problem);
    None
}

fn missing(parameter: &Parameter, given: &Given) -> Diagnostic {
    let name = &parameter.name;
    let problem = Diagnostic::at(parameter.span, format!("parameter `{name}` has no value"))
        .label("it has no Default")
        .help(format!("give it: --param {name}=…, or {PREFIX}{name} in the environment"));
    let wanted = format!("{PREFIX}{name}");
    let candidates = given.environment.keys().filter(|name| name.starts_with(PREFIX));
    match crate::diagnostic::nearest(&wanted, candidates.map(String::as_str)) {
        Some(near) => problem.note(format!("the environment has {near}")),
        None => problem,
    }
}

fn from_environment(declared: &[Parameter], given: &Given) -> BTreeMap<String, Offer> {
    let mut offers = BTreeMap::new();
    for parameter in declared {
        let variable = format!("{PREFIX}{}", parameter.name);
        if let Some(text) = given.environment.get(&variable) {
            offers.insert(parameter.name.clone(), offer(parameter, text, variable));
        }
    }
    offers
}

fn from_flags(
    declared: &[Parameter],
    given: &Given,
    offers: &mut BTreeMap<String, Offer>,
    problems: &mut Vec<Diagnostic>,
) {
    for (name, text) in &given.flags {
        match declared.iter().find(|parameter| parameter.name == *name) {
            Some(parameter) => {
                offers.insert(name.clone(), offer(parameter, text, format!("--param {name}")));
            }
            None => problems.push(unknown(name, declared).note("given by --param")),
        }
    }
}

fn offer(parameter: &Parameter, text: &str, source: String) -> Offer {
    let value = parameter.kind.read(text).ok_or_else(|| text.to_owned());
    Offer { value, source, span: None }
}

fn unknown(name: &str, declared: &[Parameter]) -> Diagnostic {
    let names = declared.iter().map(|parameter| parameter.name.as_str());
    let help = did_you_mean(name, names.clone()).unwrap_or_else(|| {
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            "the stack has no parameters".to_owned()
        } else {
            format!("the parameters are {}", names.join(", "))
        }
    });
    Diagnostic::new(format!("there is no parameter `{name}`")).help(help)
}

fn from_file(
    path: &Path,
    declared: &[Parameter],
    sources: &mut Sources,
    offers: &mut BTreeMap<String, Offer>,
    problems: &mut Vec<Diagnostic>,
) {
    let text = match super::read(path) {
        Ok(text) => text,
        Err(problem) => return problems.push(problem),
    };
    let name = path.display().to_string();
    let file = sources.add(name.clone(), text.clone());
    let members = match yaml::parse(file, &text, problems) {
        None => return,
        Some(Yaml { data: Data::Map(members), .. }) => members,
        Some(Yaml { data: Data::Null, .. }) => return,
        Some(yaml) => {
            let problem = Diagnostic::at(yaml.span, "a file of parameters must be a map")
                .label(format!("this is {}", yaml.describe()));
            return problems.push(problem);
        }
    };
    for (key, value) in members {
        if declared.iter().any(|parameter| parameter.name == key.name) {
            let (value, span) = (Ok(value.to_json()), Some(value.span));
            offers.insert(key.name, Offer { value, source: name.clone(), span });
        } else {
            let mut problem = unknown(&key.name, declared);
            problem.span = Some(key.span);
            problems.push(problem);
        }
    }
}
