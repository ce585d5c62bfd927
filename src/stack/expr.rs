//! Expressions: `${…}` in a string holds CEL, the Common Expression Language.
//! No other module knows `cel`.
//!
//! What an expression may use:
//!
//! | | |
//! |--|--|
//! | built-in names | `region regions primary env stack account partition` |
//! | `Name` | a parameter, or the Ref of a resource |
//! | `Name.Attribute` | an attribute of a resource, in the same region |
//! | `Name["eu-west-1"].Attribute` | in another region; then come the `ForEach` keys |
//! | operators | `+ - * / %`, `== != < <= > >=`, `in`, `&& \|\| !`, `a ? b : c`, `a[i]` |
//! | lists | `all exists exists_one filter map`, `size` |
//! | strings | `contains startsWith endsWith matches size` |
//! | conversion | `string int double` |
//!
//! and, beyond the standard ones, each as a function and as a method:
//! `join(list, separator)`, `split(text, separator)`, `lower(text)`,
//! `upper(text)`, `replace(text, from, to)`, and `json(value)`, which is the
//! value as JSON text.
//!
//! `$${` stands for a literal `${`.

mod compile;
mod functions;

pub(super) use compile::{Code, Fault, Names, Reference, compile};

use super::expr::functions::{from_json, to_json};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
use crate::value;
use cel::common::ast::{EntryExpr, Expr, IdedExpr, operators};
use cel::{Context, ExecutionError};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// The names that every expression may use.
pub(super) const BUILTINS: &[&str] =
    &["region", "regions", "primary", "env", "stack", "account", "partition"];

/// What the names in an expression stand for.
pub(super) trait Scope {
    /// Returns the value of a variable, and whether it is secret; `None` where
    /// it is not known yet.
    fn variable(&self, name: &str) -> Option<(Cow<'_, Value>, bool)>;

    /// Returns the node that a reference with these indices means; `None`
    /// where nodes are not known yet.
    fn target(
        &self,
        reference: &Reference,
        indices: &[String],
    ) -> Result<Option<Address>, Diagnostic>;

    /// Returns all the nodes that the reference may mean, each under its
    /// indices, for a reference whose indices depend on a list's items.
    fn targets(&self, reference: &Reference) -> Vec<(Vec<String>, Address)>;

    /// Returns what a node's Ref or attribute is, which may be unknown.
    fn value(&self, target: &Address, attribute: Option<&str>) -> Value;
}

/// A use of a node's Ref (`None`) or attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Use {
    pub target: Address,
    pub attribute: Option<String>,
}

/// What an expression came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Evaluated {
    pub value: Value,
    pub uses: Vec<Use>,
    pub secret: bool,
}

/// An expression at its place in the file. Those that read the same share
/// their code.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub code: Arc<Code>,
    /// The whole of `${…}`, or the string that it is in.
    pub span: Span,
    /// Whether the span covers the expression letter by letter.
    pub exact: bool,
}

impl Expression {
    /// Returns where a part of the code stands in the file.
    pub(super) fn span_of(&self, part: &Range<usize>) -> Span {
        if !self.exact {
            return self.span;
        }
        let start = self.span.start as usize + "${".len();
        Span::new(self.span.file, start + part.start, start + part.end)
    }

    /// Computes the value. Where what it depends on is not known yet, so is
    /// the value.
    pub(super) fn evaluate(&self, scope: &dyn Scope) -> Result<Evaluated, Diagnostic> {
        let mut run =
            Run { expression: self, scope, context: context(), secret: false, missing: false };
        run.bind_variables();
        let Bound { uses, unknown, alone } = run.bind_references()?;
        let Run { context, secret, missing, .. } = run;
        let value = if let Some(value) = alone {
            value
        } else {
            match cel::Value::resolve(&self.code.ast, &context) {
                Ok(found) => to_json(&found).ok_or_else(|| {
                    Diagnostic::at(self.span, "the expression gives no value that JSON can hold")
                })?,
                Err(_) if missing || !unknown.is_empty() => value::unknown(unknown),
                Err(error) => return Err(self.failed(&error, secret)),
            }
        };
        Ok(Evaluated { value, uses, secret })
    }

    fn failed(&self, error: &ExecutionError, secret: bool) -> Diagnostic {
        Diagnostic::at(self.span, "the expression has no value")
            .label(functions::explain(error, secret))
    }
}

/// The references of an evaluation.
#[derive(Default)]
struct Bound {
    uses: Vec<Use>,
    /// What is known after apply.
    unknown: Vec<String>,
    /// The value, if the whole expression is one reference.
    alone: Option<Value>,
}

/// One evaluation.
struct Run<'a> {
    expression: &'a Expression,
    scope: &'a dyn Scope,
    context: Context<'static, 'static>,
    secret: bool,
    /// Whether a variable is not known yet.
    missing: bool,
}

impl Run<'_> {
    /// Binds the variables that are known.
    fn bind_variables(&mut self) {
        for name in &self.expression.code.variables {
            match self.scope.variable(&name.text) {
                Some((value, secret)) if !value::has_unknown(&value) => {
                    self.secret |= secret;
                    self.context.add_variable_from_value(&name.text, from_json(&value));
                }
                _ => self.missing = true,
            }
        }
    }

    /// Binds the references that the evaluation may reach.
    fn bind_references(&mut self) -> Result<Bound, Diagnostic> {
        let code = &self.expression.code;
        let mut bound = Bound::default();
        if code.references.is_empty() {
            return Ok(bound);
        }
        let mut live = vec![!code.branches; code.references.len()];
        if code.branches {
            self.mark_live(&code.ast, &mut live);
        }
        for (index, reference) in code.references.iter().enumerate().filter(|(i, _)| live[*i]) {
            let Some(value) = self.reference(reference, &mut bound.uses)? else {
                bound.unknown.push(reference.text.clone());
                continue;
            };
            if code.is_reference() {
                bound.alone = Some(value);
            } else if value::has_unknown(&value) {
                bound.unknown.extend(value::unknown_sources(&value));
            } else {
                self.context.add_variable_from_value(compile::slot(index), from_json(&value));
            }
        }
        Ok(bound)
    }

    fn reference(
        &self,
        reference: &Reference,
        uses: &mut Vec<Use>,
    ) -> Result<Option<Value>, Diagnostic> {
        let mut one = |target: Address| {
            let value = self.scope.value(&target, reference.attribute.as_deref());
            uses.push(Use { target, attribute: reference.attribute.clone() });
            value
        };
        if reference.dynamic {
            let mut tree = Value::Object(serde_json::Map::new());
            for (indices, target) in self.scope.targets(reference) {
                let mut place = &mut tree;
                for index in indices {
                    place = &mut place[index];
                }
                *place = one(target);
            }
            return Ok(Some(tree));
        }
        let mut indices = Vec::new();
        for index in &reference.indices {
            match cel::Value::resolve(&index.ast, &self.context) {
                Ok(cel::Value::String(text)) => indices.push(text.to_string()),
                Ok(found) => match to_json(&found) {
                    Some(Value::Number(number)) => indices.push(number.to_string()),
                    _ => return Err(self.bad_index(index)),
                },
                // The index depends on what is not known yet.
                Err(_) if self.missing => return Ok(None),
                Err(error) => return Err(self.expression.failed(&error, self.secret)),
            }
        }
        let target = self.scope.target(reference, &indices).map_err(|mut problem| {
            problem.span.get_or_insert(self.expression.span_of(&reference.range));
            problem
        })?;
        Ok(target.map(one))
    }

    fn bad_index(&self, index: &compile::Index) -> Diagnostic {
        Diagnostic::at(self.expression.span_of(&index.range), "an index that is no text")
            .label("this must be a region or a ForEach key")
    }

    /// Marks the references that can be reached, leaving out the branches that
    /// conditions known by now exclude.
    fn mark_live(&self, expr: &IdedExpr, live: &mut [bool]) {
        match &expr.expr {
            Expr::Ident(name) => {
                if let Some(index) = compile::slot_index(name) {
                    live[index] = true;
                }
            }
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::CONDITIONAL, [condition, yes, no]) => {
                    self.mark_live(condition, live);
                    let known = self.known(condition);
                    if known != Some(false) {
                        self.mark_live(yes, live);
                    }
                    if known != Some(true) {
                        self.mark_live(no, live);
                    }
                }
                (operator @ (operators::LOGICAL_AND | operators::LOGICAL_OR), [left, right]) => {
                    self.mark_live(left, live);
                    if self.known(left) != Some(operator == operators::LOGICAL_OR) {
                        self.mark_live(right, live);
                    }
                }
                _ => {
                    for part in call.target.as_deref().into_iter().chain(&call.args) {
                        self.mark_live(part, live);
                    }
                }
            },
            _ => children(expr, &mut |child| self.mark_live(child, live)),
        }
    }

    fn known(&self, condition: &IdedExpr) -> Option<bool> {
        match cel::Value::resolve(condition, &self.context) {
            Ok(cel::Value::Bool(known)) => Some(known),
            _ => None,
        }
    }
}

/// Visits the parts of an expression.
fn children<'a>(expr: &'a IdedExpr, visit: &mut dyn FnMut(&'a IdedExpr)) {
    match &expr.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => {}
        Expr::Call(call) => {
            call.target.as_deref().into_iter().chain(&call.args).for_each(visit);
        }
        Expr::Comprehension(loop_) => {
            [
                &loop_.iter_range,
                &loop_.accu_init,
                &loop_.loop_cond,
                &loop_.loop_step,
                &loop_.result,
            ]
            .into_iter()
            .for_each(visit);
        }
        Expr::List(list) => list.elements.iter().for_each(visit),
        Expr::Map(map) => entries(&map.entries, visit),
        Expr::Select(select) => visit(&select.operand),
        Expr::Struct(made) => entries(&made.entries, visit),
    }
}

fn entries<'a>(
    entries: &'a [cel::common::ast::IdedEntryExpr],
    visit: &mut dyn FnMut(&'a IdedExpr),
) {
    for entry in entries {
        match &entry.expr {
            EntryExpr::StructField(field) => visit(&field.value),
            EntryExpr::MapEntry(entry) => {
                visit(&entry.key);
                visit(&entry.value);
            }
        }
    }
}

fn context() -> Context<'static, 'static> {
    Context::with_env(Arc::clone(functions::environment()))
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text, `$${` already read as `${`.
    Text(String),
    /// What stands between `${` and `}`.
    Code(&'a str),
}

/// Cuts a string at its expressions. Fails with the offset of an expression
/// that does not end.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, usize> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(after) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let length = code_length(after).ok_or(text.len() - rest.len())?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Code(&after[..length]));
            rest = &after[length + 1..];
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Ok(pieces)
}

/// Returns the length of the expression that `text` begins with: up to the
/// brace that closes it, which is not one in a string or of a map.
pub(super) fn code_length(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0, None, false);
    for (index, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(index),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// The code that was compiled, by its text.
#[derive(Debug, Default)]
pub(super) struct Compiled(BTreeMap<String, Result<Arc<Code>, Vec<Fault>>>);

impl Compiled {
    /// Compiles an expression, or returns what was made of the same text.
    pub(super) fn get(&mut self, source: &str, names: &Names) -> Result<Arc<Code>, Vec<Fault>> {
        if let Some(made) = self.0.get(source) {
            return made.clone();
        }
        let made = compile(source, names).map(Arc::new);
        self.0.insert(source.to_owned(), made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn code(text: &str) -> Vec<&str> {
        let found = pieces(text).expect("pieces").into_iter();
        found
            .filter_map(|piece| match piece {
                Piece::Code(code) => Some(code),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn braces_and_strings_are_honoured() {
        assert_eq!(code("a ${b} c ${d}"), ["b", "d"]);
        assert_eq!(code(r#"${ {"a": "}"}["a"] }"#), [r#" {"a": "}"}["a"] "#]);
        assert_eq!(code(r#"${"\"}" + '}'}"#), [r#""\"}" + '}'"#]);
        assert_eq!(code("$${a} $ $$ ${b}"), ["b"]);
        assert_eq!(pieces("a $${b} $c"), Ok(vec![Piece::Text("a ${b} $c".to_owned())]));
        assert_eq!(pieces("ab ${c"), Err(3));
        assert_eq!(pieces("${'}"), Err(0));
    }

    fn compiled(source: &str) -> Code {
        let names =
            Names { resources: ["Key".to_owned(), "Rule".to_owned()].into(), ..Names::default() };
        compile(source, &names).expect("code")
    }

    #[test]
    fn references_are_found_with_their_indices() {
        let source = r#"Key.Arn + Rule["us-east-1"][a].B.C + regions.map(Key, Key)[0] + Key"#;
        let code = compiled(source);
        let found: Vec<_> = code
            .references
            .iter()
            .map(|r| (r.text.as_str(), r.indices.len(), r.attribute.as_deref(), r.dynamic))
            .collect();
        assert_eq!(
            found,
            [
                ("Key.Arn", 0, Some("Arn"), false),
                (r#"Rule["us-east-1"][a].B.C"#, 2, Some("B.C"), false),
                ("Key", 0, None, false),
            ]
        );
        let variables: Vec<_> = code.variables.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(variables, ["a", "regions"]);
        assert!(compiled("regions.map(r, Key[r].Arn)").references[0].dynamic);
        assert!(!compiled("Key.Names[0]").references[0].dynamic);
    }

    #[test]
    fn places_count_in_bytes() {
        let code = compiled("'äöü' + Key.Arn + zones");
        assert_eq!(code.references[0].text, "Key.Arn");
        let zones = &code.variables[0];
        assert_eq!(&"'äöü' + Key.Arn + zones"[zones.range.clone()], "zones");
        let faults = compile("'äöü' + é", &Names::default()).expect_err("a fault");
        assert_eq!(&"'äöü' + é"[faults[0].range.clone()], "é");
        let faults = compile("'äöü' 7 + 1", &Names::default()).expect_err("a fault");
        assert_eq!(&"'äöü' 7 + 1"[faults[0].range.clone()], "7");
    }

    #[test]
    fn equal_texts_share_their_code() {
        let (mut compiled, names) = (Compiled::default(), Names::default());
        let first = compiled.get("1 + 1", &names).expect("code");
        let second = compiled.get("1 + 1", &names).expect("code");
        assert!(Arc::ptr_eq(&first, &second));
    }

    proptest! {
        #[test]
        fn text_without_expressions_stays(text in "[^$]{0,40}") {
            prop_assert_eq!(pieces(&text), Ok(vec![Piece::Text(text.clone())]));
        }

        #[test]
        fn an_escaped_text_reads_as_itself(text in "[a-z${} ]{0,30}") {
            prop_assume!(!text.contains("$$"));
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(pieces(&escaped), Ok(vec![Piece::Text(text.clone())]));
        }

        #[test]
        fn any_code_compiles_or_is_refused(source in "[a-zA-Z0-9_.,()\\[\\]{}?:+<>=!&|'\" é-]{0,40}") {
            if let Err(faults) = compile(&source, &Names::default()) {
                prop_assert!(!faults.is_empty());
                for fault in faults {
                    prop_assert!(source.get(fault.range).is_some());
                }
            }
        }
    }
}
