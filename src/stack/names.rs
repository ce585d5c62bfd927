//! Compares the names in expressions with what there is: parameters, built-in
//! names, resources, their attributes and how many nodes they have.

use super::expr::{BUILTINS, Expression, Reference};
use super::template::{Role, Template};
use super::{Declared, Placement, Resource};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::resource::Kind;
use std::ops::Range;

/// Where an expression stands, which decides what it may use.
#[derive(Clone, Copy)]
struct Site<'a> {
    /// Where its node lives; `None` where that is not known yet.
    placement: Option<Placement>,
    /// Whether `region` has a value.
    region: bool,
    /// What the expression is part of, if that must be known at plan.
    early: Option<&'a str>,
}

/// Checks every expression of the file.
pub(super) fn check(stack: &Declared, problems: &mut Vec<Diagnostic>) {
    let mut checker = Checker { stack, problems };
    for resource in &stack.resources {
        checker.resource(resource);
    }
    for member in &stack.tags {
        let site = Site { placement: None, region: true, early: Some("the stack's `Tags`") };
        checker.template(&member.name, site, &[]);
        checker.template(&member.value, site, &[]);
    }
    for output in &stack.outputs {
        let site = Site { placement: Some(Placement::Global), region: false, early: None };
        checker.template(&output.value, site, &[]);
        for (template, name) in [(&output.description, "Description"), (&output.condition, "If")] {
            if let Some(template) = template {
                checker.template(template, Site { early: Some(name), ..site }, &[]);
            }
        }
    }
}

struct Checker<'a> {
    stack: &'a Declared,
    problems: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn resource(&mut self, resource: &Resource) {
        let placement = resource.placement();
        let region = placement != Some(Placement::Global);
        let site = Site { placement, region, early: None };
        let early = |name| Site { early: Some(name), ..site };
        let mut locals = Vec::new();
        for variable in &resource.each {
            self.template(&variable.list, early("`ForEach`"), &locals);
            locals.push(variable.name.clone());
        }
        let settings = [
            (&resource.condition, "`If`"),
            (&resource.deletion, "`DeletionPolicy`"),
            (&resource.replacement, "`UpdateReplacePolicy`"),
        ];
        for (template, name) in settings {
            if let Some(template) = template {
                self.template(template, early(name), &locals);
            }
        }
        if let Some(region) = &resource.region {
            let site = Site { region: false, ..early("`Region`") };
            self.template(region, site, &[]);
        }
        for property in &resource.properties {
            self.template(&property.template, site, &locals);
        }
        for (name, span) in &resource.depends_on {
            if !self.stack.by_name.contains_key(name) {
                let names = self.stack.resources.iter().map(|resource| resource.id.as_str());
                self.problems.push(
                    Diagnostic::at(*span, format!("there is no resource `{name}`"))
                        .help_maybe(did_you_mean(name, names)),
                );
            } else if *name == resource.id {
                self.problems
                    .push(Diagnostic::at(*span, format!("`{name}` cannot depend on itself")));
            }
        }
    }

    fn template(&mut self, template: &Template, site: Site<'_>, locals: &[String]) {
        template.visit(Role::Value, &mut locals.to_vec(), &mut |expression, role, locals| {
            let early = if role == Role::Shape { Some("a ForEach, an If or a name") } else { None };
            self.expression(expression, Site { early: site.early.or(early), ..site }, locals);
        });
    }

    fn expression(&mut self, expression: &Expression, site: Site<'_>, locals: &[String]) {
        for name in &expression.code.variables {
            if name.text == "region" && !site.region {
                self.problems.push(
                    Diagnostic::at(expression.span_of(&name.range), "`region` has no value here")
                        .label("this belongs to no region")
                        .help("did you mean `primary`?"),
                );
            } else if !self.is_known(&name.text, locals) {
                let span = expression.span_of(&name.range);
                let known = self.names(locals);
                let names = known.iter().map(String::as_str);
                self.problems.push(
                    Diagnostic::at(span, format!("unknown name `{}`", name.text))
                        .help(format!("the built-in names are {}", BUILTINS.join(", ")))
                        .help_maybe(did_you_mean(&name.text, names)),
                );
            }
        }
        for reference in &expression.code.references {
            self.reference(expression, reference, site);
        }
    }

    fn is_known(&self, name: &str, locals: &[String]) -> bool {
        BUILTINS.contains(&name)
            || locals.iter().any(|local| local == name)
            || self.stack.parameters.iter().any(|parameter| parameter.name == name)
    }

    fn names(&self, locals: &[String]) -> Vec<String> {
        let parameters = self.stack.parameters.iter().map(|parameter| &parameter.name);
        let resources = self.stack.resources.iter().map(|resource| &resource.id);
        let builtins = BUILTINS.iter().map(|name| (*name).to_owned());
        builtins.chain(locals.iter().chain(parameters).chain(resources).cloned()).collect()
    }

    fn reference(&mut self, expression: &Expression, reference: &Reference, site: Site<'_>) {
        let span = expression.span_of(&reference.range);
        if let Some(part) = site.early {
            self.problems.push(
                Diagnostic::at(span, format!("{part} cannot depend on a resource")).help(
                    "use parameters and built-in names, which are known before anything is made",
                ),
            );
            return;
        }
        // A resource whose own declaration is wrong has been reported.
        let Some(index) = self.stack.by_name.get(&reference.resource) else { return };
        let target = &self.stack.resources[*index];
        if let Some((range, problem)) = attribute_fault(target, reference) {
            let span = expression.span_of(&range);
            self.problems.push(Diagnostic { span: Some(span), ..problem });
        }
        if let Some(problem) = indices_fault(target, reference, site.placement) {
            self.problems.push(Diagnostic { span: Some(span), ..problem });
        }
    }
}

/// Returns what is wrong with the attribute that a reference names, and where.
fn attribute_fault(target: &Resource, reference: &Reference) -> Option<(Range<usize>, Diagnostic)> {
    let attribute = reference.attribute.as_deref()?;
    let kind = target.kind;
    let mut schema = kind.attributes();
    if schema["properties"].get(attribute).is_some() {
        return None;
    }
    let mut start = reference.attribute_range.start;
    for name in attribute.split('.') {
        let known = schema["properties"].as_object();
        if let Some(inner) = known.and_then(|known| known.get(name)) {
            schema = inner;
            start += name.len() + ".".len();
            continue;
        }
        if known.is_none() && schema != kind.attributes() && schema["type"] != "string" {
            // An open value: what is in it shows only after apply.
            return None;
        }
        let known: Vec<_> = known.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        return Some((start..start + name.len(), unknown_attribute(kind, attribute, name, &known)));
    }
    None
}

fn unknown_attribute(kind: &dyn Kind, whole: &str, name: &str, known: &[&str]) -> Diagnostic {
    let meta = kind.meta();
    let type_name = meta.type_name;
    if meta.unsupported_attributes.contains(&whole) {
        return Diagnostic::new(format!("payctl does not support `{whole}` of {type_name} yet"))
            .label("an attribute in CloudFormation");
    }
    let is_property = name == whole && kind.schema()["properties"].get(name).is_some();
    let help = did_you_mean(name, known.iter().copied()).unwrap_or_else(|| match known {
        _ if is_property => {
            format!("it is a property; the attributes, which can be read, are {}", known.join(", "))
        }
        [] => "there is nothing inside of this".to_owned(),
        known => format!("it has {}", known.join(", ")),
    });
    Diagnostic::new(format!("unknown attribute `{name}` of {type_name}")).help(help)
}

/// Returns what is wrong with the number of indices, or with having none.
fn indices_fault(
    target: &Resource,
    reference: &Reference,
    from: Option<Placement>,
) -> Option<Diagnostic> {
    let given = reference.indices.len();
    let keys = target.each.len();
    let place = target.placement();
    let id = &target.id;
    let attribute = reference.attribute.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
    if given == keys {
        return match (place, from) {
            (Some(Placement::Regional), Some(Placement::Global | Placement::Single)) => {
                Some(ambiguous(id, &key_text(reference), &attribute))
            }
            _ => None,
        };
    }
    if given == keys + 1 {
        return (place == Some(Placement::Global)).then(|| {
            Diagnostic::new(format!("`{id}` belongs to no region"))
                .help(format!("write ${{{id}{}{attribute}}}", example_keys(target)))
        });
    }
    let problem = if keys == 0 {
        Diagnostic::new(format!("too many indices of `{id}`"))
    } else if given < keys {
        Diagnostic::new(format!("`{id}` has a node for each {}: say which", each_names(target)))
    } else {
        Diagnostic::new(format!("too many indices of `{id}`"))
    };
    Some(problem.help(match (place, keys) {
        (Some(Placement::Global), 0) => format!("write ${{{id}{attribute}}}"),
        (Some(Placement::Global), _) => {
            format!("write ${{{id}{}{attribute}}}", example_keys(target))
        }
        _ => format!(
            "write ${{{id}{keys}{attribute}}} for the same region, \
             ${{{id}[\"us-east-1\"]{keys}{attribute}}} for another",
            keys = example_keys(target)
        ),
    }))
}

/// A reference that leaves open which region it means.
pub(super) fn ambiguous(id: &str, keys: &str, attribute: &str) -> Diagnostic {
    Diagnostic::new(format!("`{id}` has a node in every region: say which one"))
        .label("from here there is no region of its own")
        .help(format!(
            "write ${{{id}[\"us-east-1\"]{keys}{attribute}}}, \
             or ${{{id}[primary]{keys}{attribute}}}"
        ))
}

/// Returns the indices of a reference as they are written.
pub(super) fn key_text(reference: &Reference) -> String {
    let start = reference.resource.len();
    let end = reference.text.rfind(']').map_or(start, |end| end + 1);
    reference.text.get(start..end).unwrap_or_default().to_owned()
}

fn each_names(target: &Resource) -> String {
    let names: Vec<_> = target.each.iter().map(|variable| variable.name.as_str()).collect();
    names.join(" and ")
}

fn example_keys(target: &Resource) -> String {
    target.each.iter().map(|variable| format!("[\"{}\"]", variable.name)).collect()
}
