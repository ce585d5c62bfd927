//! Values with expressions and loops in them, and their evaluation.
//!
//! Anywhere in a value, `{ForEach, Item}` makes a list, and
//! `{ForEach, Key, Value}` a map. A map with `If` is there only when that
//! holds.

use super::expr::{Evaluated, Expression, Reference, Scope};
use super::tree::{self, Tree};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
use crate::value;
use serde_json::Value;
use std::borrow::Cow;

/// A value that is yet to be evaluated.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub span: Span,
    pub data: Data,
}

/// What a template is.
#[derive(Clone, Debug)]
pub(super) enum Data {
    Scalar(Value),
    Text(Vec<Part>),
    List(Vec<Template>),
    Map(Vec<Member>),
    Each(Box<Each>),
    When(Box<When>),
    /// What is wrong, and has been reported.
    Broken,
}

/// A map that is there only when a condition holds.
#[derive(Clone, Debug)]
pub(super) struct When {
    pub condition: Template,
    pub value: Template,
}

/// A part of a string.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(String),
    Code(Expression),
}

/// A member of a map; its name may hold expressions.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub span: Span,
    pub name: Template,
    pub value: Template,
}

/// A list or map made of lists.
#[derive(Clone, Debug)]
pub(super) struct Each {
    pub variables: Vec<Variable>,
    /// The name of a member, when a map is made.
    pub key: Option<Template>,
    pub item: Template,
}

/// A `ForEach` variable and the list that it goes through.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub name: String,
    pub list: Template,
}

/// Where in a template an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is part of the value.
    Value,
    /// It decides the value's shape: a list to go through, or a name.
    Shape,
}

impl Template {
    /// Returns the expression that the whole value is.
    pub(super) fn whole(&self) -> Option<&Expression> {
        match &self.data {
            Data::Text(parts) => match parts.as_slice() {
                [Part::Code(expression)] => Some(expression),
                _ => None,
            },
            _ => None,
        }
    }

    /// Visits every expression, with the loop variables that it sees.
    pub(super) fn visit(
        &self,
        role: Role,
        locals: &mut Vec<String>,
        seen: &mut dyn FnMut(&Expression, Role, &[String]),
    ) {
        match &self.data {
            Data::Scalar(_) | Data::Broken => {}
            Data::Text(parts) => {
                for part in parts {
                    if let Part::Code(expression) = part {
                        seen(expression, role, locals);
                    }
                }
            }
            Data::List(items) => items.iter().for_each(|item| item.visit(role, locals, seen)),
            Data::Map(members) => {
                for member in members {
                    member.name.visit(Role::Shape, locals, seen);
                    member.value.visit(role, locals, seen);
                }
            }
            Data::Each(each) => {
                let outer = locals.len();
                for variable in &each.variables {
                    variable.list.visit(Role::Shape, locals, seen);
                    locals.push(variable.name.clone());
                }
                if let Some(key) = &each.key {
                    key.visit(Role::Shape, locals, seen);
                }
                each.item.visit(role, locals, seen);
                locals.truncate(outer);
            }
            Data::When(when) => {
                when.condition.visit(Role::Shape, locals, seen);
                when.value.visit(role, locals, seen);
            }
        }
    }

    /// Computes the value as far as the scope knows what is in it.
    pub(super) fn evaluate(&self, scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Tree {
        let data = match &self.data {
            Data::Scalar(value) => tree::Data::Scalar(value.clone()),
            Data::Broken => tree::Data::Unknown(Vec::new()),
            Data::Text(parts) => return text(self.span, parts, scope, problems),
            Data::List(items) => {
                let mut made = Made::default();
                for item in items {
                    let item = item.part(scope, &mut made.open, problems);
                    made.items.extend(item);
                }
                return made.list(self.span);
            }
            Data::Map(members) => {
                let mut made = Made::default();
                for member in members {
                    made.member(&member.name, &member.value, scope, problems);
                }
                return made.map(self.span);
            }
            Data::When(_) => {
                let left_out = || Tree::new(self.span, tree::Data::Scalar(Value::Null));
                return self.part(scope, &mut false, problems).unwrap_or_else(left_out);
            }
            Data::Each(each) => {
                let mut made = Made::default();
                each.run(&each.variables, scope, &mut made, problems);
                return if each.key.is_some() { made.map(self.span) } else { made.list(self.span) };
            }
        };
        Tree::new(self.span, data)
    }
}

impl Template {
    /// Computes a part of a list or map; `None` if its condition leaves it out.
    /// Sets `open` if it is not known yet whether it does.
    fn part(
        &self,
        scope: &dyn Scope,
        open: &mut bool,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Tree> {
        let Data::When(when) = &self.data else { return Some(self.evaluate(scope, problems)) };
        let condition = when.condition.evaluate(scope, problems);
        match &condition.data {
            tree::Data::Scalar(Value::Bool(false)) => return None,
            tree::Data::Scalar(Value::Bool(true)) => {}
            // What is not known yet is checked as if it were there.
            tree::Data::Unknown(_) => *open = true,
            _ => problems.push(not_a_condition(when.condition.span, &condition)),
        }
        Some(when.value.evaluate(scope, problems))
    }
}

/// A condition that is neither true nor false.
pub(super) fn not_a_condition(span: Span, found: &Tree) -> Diagnostic {
    Diagnostic::at(span, "`If` must be true or false")
        .label(format!("this is {}", found.describe()))
}

/// What a loop has made so far.
#[derive(Default)]
struct Made {
    items: Vec<Tree>,
    members: Vec<tree::Member>,
    open: bool,
    secret: bool,
}

impl Made {
    fn member(
        &mut self,
        name: &Template,
        value: &Template,
        scope: &dyn Scope,
        problems: &mut Vec<Diagnostic>,
    ) {
        let name = name.evaluate(scope, problems);
        if let Some(value) = value.part(scope, &mut self.open, problems) {
            self.add(&name, value, problems);
        }
    }

    fn add(&mut self, name: &Tree, value: Tree, problems: &mut Vec<Diagnostic>) {
        match &name.data {
            tree::Data::Unknown(_) => self.open = true,
            tree::Data::Scalar(Value::String(text)) => {
                if self.members.iter().any(|member| member.name == *text) {
                    problems.push(Diagnostic::at(name.span, format!("`{text}` is made twice")));
                }
                self.members.push(tree::Member { name: text.clone(), span: name.span, value });
            }
            tree::Data::Scalar(Value::Number(number)) => {
                let name = tree::Tree::from_json(name.span, number.to_string().into(), false);
                self.add(&name, value, problems);
            }
            _ => problems.push(
                Diagnostic::at(name.span, "the name of a member must be text")
                    .label(format!("this is {}", name.describe())),
            ),
        }
    }

    fn map(self, span: Span) -> Tree {
        let Self { members, open, secret, .. } = self;
        Tree { open, secret, ..Tree::new(span, tree::Data::Map(members)) }
    }

    fn list(self, span: Span) -> Tree {
        let Self { items, open, secret, .. } = self;
        Tree { open, secret, ..Tree::new(span, tree::Data::List(items)) }
    }
}

impl Each {
    fn run(
        &self,
        variables: &[Variable],
        scope: &dyn Scope,
        made: &mut Made,
        problems: &mut Vec<Diagnostic>,
    ) {
        let Some((variable, inner)) = variables.split_first() else {
            match &self.key {
                Some(key) => made.member(key, &self.item, scope, problems),
                None => {
                    let item = self.item.part(scope, &mut made.open, problems);
                    made.items.extend(item);
                }
            }
            return;
        };
        let Some(values) = variable.values(scope, problems) else {
            made.open = true;
            let local = Local { parent: scope, name: &variable.name, value: None };
            return self.run(inner, &local, made, problems);
        };
        made.secret |= values.1;
        for value in values.0 {
            let value = Some((value, values.1));
            let local = Local { parent: scope, name: &variable.name, value };
            self.run(inner, &local, made, problems);
        }
    }
}

impl Variable {
    /// Returns the items of the list and whether they are secret; `None` where
    /// they are not known yet.
    pub(super) fn values(
        &self,
        scope: &dyn Scope,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<(Vec<Value>, bool)> {
        let tree = self.list.evaluate(scope, problems);
        match &tree.data {
            tree::Data::List(items) => {
                let secret = tree.secret || items.iter().any(|item| item.secret);
                Some((items.iter().map(Tree::to_json).collect(), secret))
            }
            tree::Data::Unknown(_) => None,
            _ => {
                problems.push(
                    Diagnostic::at(self.list.span, format!("`{}` needs a list", self.name))
                        .label(format!("this is {}", tree.describe())),
                );
                Some((Vec::new(), false))
            }
        }
    }
}

/// A scope with one loop variable more.
pub(super) struct Local<'a> {
    pub parent: &'a dyn Scope,
    pub name: &'a str,
    pub value: Option<(Value, bool)>,
}

impl Scope for Local<'_> {
    fn variable(&self, name: &str) -> Option<(Cow<'_, Value>, bool)> {
        if name == self.name {
            return self.value.as_ref().map(|(value, secret)| (Cow::Borrowed(value), *secret));
        }
        self.parent.variable(name)
    }

    fn target(
        &self,
        reference: &Reference,
        indices: &[String],
    ) -> Result<Option<Address>, Diagnostic> {
        self.parent.target(reference, indices)
    }

    fn targets(&self, reference: &Reference) -> Vec<(Vec<String>, Address)> {
        self.parent.targets(reference)
    }

    fn value(&self, target: &Address, attribute: Option<&str>) -> Value {
        self.parent.value(target, attribute)
    }
}

/// The scope in which nothing is known but what stands in the file.
pub(super) struct Nothing;

impl Scope for Nothing {
    fn variable(&self, _: &str) -> Option<(Cow<'_, Value>, bool)> {
        None
    }

    fn target(&self, _: &Reference, _: &[String]) -> Result<Option<Address>, Diagnostic> {
        Ok(None)
    }

    fn targets(&self, _: &Reference) -> Vec<(Vec<String>, Address)> {
        Vec::new()
    }

    fn value(&self, _: &Address, _: Option<&str>) -> Value {
        Value::Null
    }
}

/// Evaluates a string. One that is a single expression keeps its type.
fn text(span: Span, parts: &[Part], scope: &dyn Scope, problems: &mut Vec<Diagnostic>) -> Tree {
    let mut evaluated = |expression: &Expression| {
        expression.evaluate(scope).unwrap_or_else(|problem| {
            problems.push(problem);
            Evaluated { value: value::unknown::<&str>([]), ..Evaluated::default() }
        })
    };
    if let [Part::Code(expression)] = parts {
        let Evaluated { value, uses, secret } = evaluated(expression);
        return Tree { uses, ..Tree::from_json(span, value, secret) };
    }
    let mut whole = Tree::new(span, tree::Data::Scalar(Value::Null));
    let (mut text, mut sources, mut unknown) = (String::new(), Vec::new(), false);
    let mut wrong = Vec::new();
    for part in parts {
        let expression = match part {
            Part::Text(literal) => {
                text.push_str(literal);
                continue;
            }
            Part::Code(expression) => expression,
        };
        let found = evaluated(expression);
        whole.secret |= found.secret;
        whole.uses.extend(found.uses);
        match &found.value {
            unknown_value if value::has_unknown(unknown_value) => {
                unknown = true;
                sources.extend(value::unknown_sources(unknown_value));
            }
            Value::String(part) => text.push_str(part),
            Value::Number(_) | Value::Bool(_) => text.push_str(&found.value.to_string()),
            other => wrong.push(not_text(expression, other)),
        }
    }
    unknown |= !wrong.is_empty();
    problems.extend(wrong);
    whole.data = if unknown {
        tree::Data::Unknown(sources)
    } else {
        tree::Data::Scalar(Value::String(text))
    };
    whole
}

fn not_text(expression: &Expression, value: &Value) -> Diagnostic {
    let (what, help) = match value {
        Value::Array(_) => ("a list", "write ${join(list, \",\")}, or ${json(list)}"),
        Value::Object(_) => ("a map", "write ${json(map)}"),
        _ => ("null", "write ${value == null ? \"\" : value}"),
    };
    Diagnostic::at(expression.span, format!("{what} cannot stand inside of text")).help(help)
}
