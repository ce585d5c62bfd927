//! From the text of an expression to code whose references to resources are
//! cut out, each replaced by a variable that evaluation binds.

use super::functions;
use cel::common::ast::{
    CallExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, LiteralValue, SourceInfo, operators,
};
use std::collections::BTreeSet;
use std::ops::Range;

/// The names that an expression's meaning depends on.
#[derive(Clone, Debug, Default)]
pub(in crate::stack) struct Names {
    pub resources: BTreeSet<String>,
    pub parameters: BTreeSet<String>,
}

/// A mistake in an expression, at a byte range of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Fault {
    pub range: Range<usize>,
    pub summary: String,
    pub help: Option<String>,
}

/// A name in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stack) struct Name {
    pub text: String,
    pub range: Range<usize>,
}

/// A reference to a resource: `Rule["us-east-1"]["eu-west-1"].Arn`.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Reference {
    /// The reference as it is written.
    pub text: String,
    pub resource: String,
    pub indices: Vec<Index>,
    pub attribute: Option<String>,
    /// Whether an index depends on the items of a list that the expression
    /// goes through, so that it means several nodes.
    pub dynamic: bool,
    pub range: Range<usize>,
    pub attribute_range: Range<usize>,
}

/// An index of a reference: a region, or a `ForEach` key.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Index {
    pub(super) ast: IdedExpr,
    pub range: Range<usize>,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(in crate::stack) struct Code {
    pub(super) ast: IdedExpr,
    pub references: Vec<Reference>,
    /// The variables, each once.
    pub variables: Vec<Name>,
    /// Whether there are conditions, which may exclude references.
    pub(super) branches: bool,
}

impl Code {
    /// Returns the variable that the whole expression is.
    pub(in crate::stack) fn variable(&self) -> Option<&str> {
        match &self.ast.expr {
            Expr::Ident(name) => {
                Some(name).filter(|_| self.references.is_empty()).map(String::as_str)
            }
            _ => None,
        }
    }

    /// Whether the whole expression is one reference.
    pub(super) fn is_reference(&self) -> bool {
        matches!(&self.ast.expr, Expr::Ident(name) if slot_index(name).is_some())
    }
}

/// Returns the variable that stands for a reference.
pub(super) fn slot(index: usize) -> String {
    format!("@r{index}")
}

/// Returns the reference that a variable stands for.
pub(super) fn slot_index(name: &str) -> Option<usize> {
    name.strip_prefix("@r")?.parse().ok()
}

/// Compiles an expression, or returns all that is wrong with its form.
pub(in crate::stack) fn compile(source: &str, names: &Names) -> Result<Code, Vec<Fault>> {
    if source.trim().is_empty() {
        return Err(vec![Fault {
            range: 0..source.len(),
            summary: "an expression without content".to_owned(),
            help: Some("write `$${` for a literal `${`".to_owned()),
        }]);
    }
    let program =
        functions::environment().compile(source).map_err(|errors| syntax(source, &errors))?;
    let mut compiler = Compiler {
        source,
        info: program.source_info(),
        names,
        bound: Vec::new(),
        references: Vec::new(),
        variables: Vec::new(),
        branches: false,
        faults: Vec::new(),
    };
    let ast = compiler.expr(program.expression());
    let Compiler { references, variables, branches, faults, .. } = compiler;
    if faults.is_empty() { Ok(Code { ast, references, variables, branches }) } else { Err(faults) }
}

struct Compiler<'a> {
    source: &'a str,
    info: &'a SourceInfo,
    names: &'a Names,
    /// The variables of the comprehensions around.
    bound: Vec<String>,
    references: Vec<Reference>,
    variables: Vec<Name>,
    branches: bool,
    faults: Vec<Fault>,
}

/// A reference as it is found in the tree.
struct Found<'e> {
    resource: &'e str,
    start: usize,
    indices: Vec<&'e IdedExpr>,
    attributes: Vec<&'e str>,
    /// Where the first attribute begins, and where the reference ends.
    attribute: usize,
    end: usize,
}

impl Compiler<'_> {
    fn expr(&mut self, expr: &IdedExpr) -> IdedExpr {
        if let Some(found) = self.find(expr) {
            return self.reference(expr.id, &found);
        }
        let rewritten = match &expr.expr {
            Expr::Ident(name) => {
                self.variable(expr.id, name);
                Expr::Ident(name.clone())
            }
            Expr::Call(call) => Expr::Call(self.call(expr.id, call)),
            Expr::Comprehension(loop_) => {
                let mut made = (**loop_).clone();
                made.iter_range = functions::ordered(self.expr(&loop_.iter_range));
                self.bound.push(loop_.iter_var.clone());
                for part in [
                    &mut made.accu_init,
                    &mut made.loop_cond,
                    &mut made.loop_step,
                    &mut made.result,
                ] {
                    *part = self.expr(part);
                }
                self.bound.pop();
                Expr::Comprehension(Box::new(made))
            }
            Expr::List(list) => {
                let mut made = list.clone();
                made.elements = list.elements.iter().map(|element| self.expr(element)).collect();
                Expr::List(made)
            }
            Expr::Map(map) => {
                let mut made = map.clone();
                made.entries = map.entries.iter().map(|entry| self.entry(entry)).collect();
                Expr::Map(made)
            }
            Expr::Select(select) => {
                if select.test && self.find(&select.operand).is_some() {
                    let range = self.before(expr.id, "has");
                    let summary = "`has` cannot ask about a resource".to_owned();
                    self.faults.push(Fault { range, summary, help: None });
                }
                let mut made = select.clone();
                made.operand = Box::new(self.expr(&select.operand));
                Expr::Select(made)
            }
            Expr::Struct(made) => {
                self.faults.push(Fault {
                    range: self.before(expr.id, &made.type_name),
                    summary: format!("there is no type `{}` to make a value of", made.type_name),
                    help: Some("write a map: {\"Key\": value}".to_owned()),
                });
                Expr::Unspecified
            }
            Expr::Literal(_) | Expr::Unspecified => expr.expr.clone(),
        };
        IdedExpr { id: expr.id, expr: rewritten }
    }

    fn entry(&mut self, entry: &IdedEntryExpr) -> IdedEntryExpr {
        let mut made = entry.clone();
        match &mut made.expr {
            EntryExpr::StructField(field) => field.value = self.expr(&field.value),
            EntryExpr::MapEntry(entry) => {
                entry.key = self.expr(&entry.key);
                entry.value = self.expr(&entry.value);
            }
        }
        made
    }

    fn call(&mut self, id: u64, call: &CallExpr) -> CallExpr {
        let name = call.func_name.as_str();
        self.branches |=
            [operators::CONDITIONAL, operators::LOGICAL_AND, operators::LOGICAL_OR].contains(&name);
        if name.starts_with(|c: char| c.is_ascii_alphabetic())
            && let Some((summary, help)) = functions::refuse(name)
        {
            let range = self.before(id, name);
            self.faults.push(Fault { range, summary, help });
        }
        CallExpr {
            func_name: name.to_owned(),
            target: call.target.as_deref().map(|target| Box::new(self.expr(target))),
            args: call.args.iter().map(|argument| self.expr(argument)).collect(),
        }
    }

    fn variable(&mut self, id: u64, name: &str) {
        let known = name.starts_with('@')
            || self.bound.iter().any(|bound| bound == name)
            || self.variables.iter().any(|known| known.text == name);
        if !known {
            self.variables.push(Name { text: name.to_owned(), range: self.range(id) });
        }
    }

    /// Returns the reference that the whole of `expr` is.
    fn find<'e>(&self, expr: &'e IdedExpr) -> Option<Found<'e>> {
        match &expr.expr {
            Expr::Ident(name)
                if self.names.resources.contains(name) && !self.bound.contains(name) =>
            {
                let range = self.range(expr.id);
                Some(Found {
                    resource: name,
                    start: range.start,
                    indices: Vec::new(),
                    attributes: Vec::new(),
                    attribute: range.start,
                    end: range.end,
                })
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [operand, index] = call.args.as_slice() else { return None };
                let mut found = self.find(operand).filter(|found| found.attributes.is_empty())?;
                found.indices.push(index);
                found.end = self.after_index(expr.id, found.end);
                Some(found)
            }
            Expr::Select(select) if !select.test => {
                let mut found = self.find(&select.operand)?;
                let name = self.source[found.end..]
                    .find(&select.field)
                    .map_or(found.end, |offset| found.end + offset);
                if found.attributes.is_empty() {
                    found.attribute = name;
                }
                found.attributes.push(&select.field);
                found.end = name + select.field.len();
                Some(found)
            }
            _ => None,
        }
    }

    /// Returns where an index ends: after the bracket that closes it.
    fn after_index(&self, id: u64, from: usize) -> usize {
        let open = self.range(id).start.max(from).min(self.source.len());
        let (mut depth, mut quote) = (0, None);
        for (index, character) in self.source[open..].char_indices() {
            match (quote, character) {
                (Some(mark), close) if mark == close => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(character),
                (None, '[') => depth += 1,
                (None, ']') if depth <= 1 => return open + index + 1,
                (None, ']') => depth -= 1,
                (None, _) => {}
            }
        }
        self.source.len()
    }

    /// Puts a reference aside and returns the variable in its place. Indices
    /// stay behind where they depend on a list's items.
    fn reference(&mut self, id: u64, found: &Found<'_>) -> IdedExpr {
        let dynamic = found.indices.iter().any(|index| self.uses_bound(index));
        let mut indices = Vec::new();
        for index in &found.indices {
            let before = self.references.len();
            let ast = self.expr(index);
            if self.references.len() > before {
                self.references.truncate(before);
                self.faults.push(Fault {
                    range: self.range_of(index),
                    summary: "an index that depends on a resource".to_owned(),
                    help: Some("an index must be known before anything is made".to_owned()),
                });
            }
            indices.push(Index { range: self.range_of(index), ast });
        }
        let number = self.references.len();
        let attribute = (!found.attributes.is_empty()).then(|| found.attributes.join("."));
        let mut made = IdedExpr { id, expr: Expr::Ident(slot(number)) };
        for index in indices.iter().filter(|_| dynamic) {
            made = IdedExpr {
                id,
                expr: Expr::Call(CallExpr {
                    func_name: operators::INDEX.to_owned(),
                    target: None,
                    args: vec![made, index.ast.clone()],
                }),
            };
        }
        self.references.push(Reference {
            text: self.source.get(found.start..found.end).unwrap_or_default().to_owned(),
            resource: found.resource.to_owned(),
            indices,
            attribute,
            dynamic,
            range: found.start..found.end,
            attribute_range: found.attribute..found.end,
        });
        made
    }

    fn uses_bound(&self, expr: &IdedExpr) -> bool {
        if let Expr::Ident(name) = &expr.expr {
            return self.bound.contains(name);
        }
        let mut uses = false;
        super::children(expr, &mut |child| uses |= self.uses_bound(child));
        uses
    }

    /// Returns where the name stands that the token of a call, its bracket,
    /// comes after.
    fn before(&self, id: u64, name: &str) -> Range<usize> {
        let token = self.range(id);
        match self.source[..token.start].rfind(name) {
            Some(start) => start..start + name.len(),
            None => token,
        }
    }

    /// Returns where a node's own token stands.
    fn range(&self, id: u64) -> Range<usize> {
        let Some((start, stop)) = self.info.offset_for(id) else { return 0..self.source.len() };
        // A token ends where its last character begins.
        let last = self.source.floor_char_boundary(stop as usize);
        let end = self.source[last..].chars().next().map_or(last, |c| last + c.len_utf8());
        self.source.floor_char_boundary(start as usize)..end
    }

    fn range_of(&self, expr: &IdedExpr) -> Range<usize> {
        match &expr.expr {
            Expr::Literal(LiteralValue::String(_)) | Expr::Ident(_) => self.range(expr.id),
            _ => {
                let mut range = self.range(expr.id);
                super::children(expr, &mut |child| {
                    let inner = self.range_of(child);
                    range = range.start.min(inner.start)..range.end.max(inner.end);
                });
                if let Expr::Select(select) = &expr.expr {
                    range.end = (range.end + select.field.len()).min(self.source.len());
                }
                range
            }
        }
    }
}

/// Returns the byte at which the `count`-th character begins.
fn byte_offset(source: &str, count: usize) -> usize {
    source.char_indices().nth(count).map_or(source.len(), |(offset, _)| offset)
}

/// CloudFormation's pseudo parameters and what they are here.
const PSEUDO: &[(&str, &str)] = &[
    ("AWS::Region", "region"),
    ("AWS::AccountId", "account"),
    ("AWS::Partition", "partition"),
    ("AWS::StackName", "stack"),
    ("AWS::NoValue", "null"),
];

/// What the parser says, in other words: its own list every token that could
/// have come.
fn syntax(source: &str, errors: &cel::ParseErrors) -> Vec<Fault> {
    let Some(error) = errors.errors.first() else { return Vec::new() };
    let line_start: usize = source
        .split_inclusive('\n')
        .take(usize::try_from(error.pos.0 - 1).unwrap_or(0))
        .map(str::len)
        .sum();
    let column = usize::try_from(error.pos.1 - 1).unwrap_or(0);
    let start = line_start + byte_offset(&source[line_start..], column);
    let message = error.msg.strip_prefix("Syntax error: ").unwrap_or(&error.msg);
    let short = message.split(" expecting ").next().unwrap_or(message);
    let pseudo = PSEUDO.iter().find(|(name, _)| source.trim() == *name);
    let (summary, help) = if let Some((name, own)) = pseudo {
        (format!("`{name}` is CloudFormation's"), Some(format!("write ${{{own}}}")))
    } else if short.contains("<EOF>") {
        ("the expression ends too early".to_owned(), None)
    } else if source.starts_with("aws:") || source.contains(':') && !source.contains('?') {
        let help = format!("for a literal `${{{source}}}`, as in a policy, write `$${{{source}}}`");
        ("the expression cannot be read".to_owned(), Some(help))
    } else {
        (format!("the expression cannot be read: {short}"), functions::syntax_help(source))
    };
    let next = source[start.min(source.len())..].chars().next().map_or(0, char::len_utf8);
    vec![Fault { range: start..start + next, summary, help }]
}
