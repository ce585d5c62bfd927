//! YAML as a tree that knows where everything stands.
//!
//! Scalars are read as YAML 1.2 says: `yes`, `no` and dates are text, `010` is
//! refused because people and parsers disagree about it.

use super::expr::code_length;
use crate::diagnostic::{Diagnostic, Span};
use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, StrInput};
use serde_json::{Number, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// How many nodes the aliases of a file may add.
const ALIAS_BUDGET: usize = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Yaml {
    pub span: Span,
    pub data: Data,
}

/// What a YAML value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    List(Vec<Yaml>),
    Map(Vec<(Key, Yaml)>),
    /// What could not be read, and has been reported.
    Broken,
}

/// A name in a map and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub span: Span,
    pub name: String,
}

impl Yaml {
    /// Returns what the value is, as a mistake would call it.
    pub(super) fn describe(&self) -> &'static str {
        match &self.data {
            Data::Null | Data::Broken => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::String(_) => "a string",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// Returns the value without its places.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null | Data::Broken => Value::Null,
            Data::Bool(bool) => Value::Bool(*bool),
            Data::Number(number) => Value::Number(number.clone()),
            Data::String(text) => Value::String(text.clone()),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Map(members) => {
                members.iter().map(|(key, value)| (key.name.clone(), value.to_json())).collect()
            }
        }
    }
}

/// How many unquoted expressions are reported at once.
const MOST_UNQUOTED: usize = 100;

/// Reads a text that holds one YAML document. Adds what is wrong to
/// `problems`; returns nothing if there is no document to go on with.
///
/// An expression that YAML cannot read unquoted is reported and then passed
/// over, so that the rest of the file is checked as well.
pub(super) fn parse(file: u32, text: &str, problems: &mut Vec<Diagnostic>) -> Option<Yaml> {
    let mut readable = Cow::Borrowed(text);
    let mut broken = Vec::new();
    loop {
        let mut found = Vec::new();
        let result = read(file, &readable, &broken, &mut found);
        let stop = match result {
            Ok(root) => {
                problems.extend(found);
                return root;
            }
            Err(stop) => *stop,
        };
        problems.push(stop.problem);
        match stop.unquoted {
            Some((start, end)) if broken.len() < MOST_UNQUOTED => {
                broken.push(start);
                readable.to_mut().replace_range(start..end, &"$".repeat(end - start));
            }
            _ => {
                problems.extend(found);
                return None;
            }
        }
    }
}

/// Why reading cannot go on.
struct Stop {
    problem: Diagnostic,
    /// The place of an expression that should have been quoted.
    unquoted: Option<(usize, usize)>,
}

impl From<Diagnostic> for Box<Stop> {
    fn from(problem: Diagnostic) -> Self {
        Self::new(Stop { problem, unquoted: None })
    }
}

type Read<T> = Result<T, Box<Stop>>;

fn read(
    file: u32,
    text: &str,
    broken: &[usize],
    problems: &mut Vec<Diagnostic>,
) -> Read<Option<Yaml>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let anchors = HashMap::new();
    Reader { file, text, broken, parser, anchors, budget: ALIAS_BUDGET, problems }.document()
}

struct Reader<'a> {
    file: u32,
    text: &'a str,
    /// Where expressions begin that were passed over.
    broken: &'a [usize],
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Yaml>,
    budget: usize,
    problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Read<Option<Yaml>> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) if root.is_some() => {
                    let problem = Diagnostic::at(span, "a second document in the file")
                        .help("keep one document a file: remove the `---` and what follows");
                    return Err(problem.into());
                }
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span)?),
            }
        }
    }

    fn next(&mut self) -> Read<(Event<'a>, Span)> {
        match self.parser.next_event() {
            None => Ok((Event::StreamEnd, Span::new(self.file, 0, 0))),
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok((event, Span::new(self.file, range.start, range.end)))
            }
            Some(Err(error)) => Err(malformed(self.file, self.text, &error)),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Read<Yaml> {
        let (node, anchor) = match event {
            Event::Scalar(..) if self.broken.contains(&(span.start as usize)) => {
                (Yaml { span, data: Data::Broken }, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.original());
                let data = self.scalar(text.into_owned(), style, tag.as_deref(), span);
                (Yaml { span, data }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.map(|tag| tag.original()), span);
                (self.list(span)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.map(|tag| tag.original()), span);
                (self.map(span)?, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, span)?, 0),
            _ => (Yaml { span, data: Data::Null }, 0),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, start: Span) -> Read<Yaml> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let span = Span { end: end.end.max(start.end), ..start };
                    return Ok(Yaml { span, data: Data::List(items) });
                }
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self, start: Span) -> Read<Yaml> {
        let mut members: Vec<(Key, Yaml)> = Vec::new();
        let mut merged = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                merge(&mut members, merged);
                let span = Span { end: span.end.max(start.end), ..start };
                return Ok(Yaml { span, data: Data::Map(members) });
            }
            let key = self.key(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            let Some(key) = key else { continue };
            if key.name == "<<" {
                merged.push(value);
            } else if let Some(first) = seen.get(&key.name) {
                self.problems.push(duplicate(self.text, &key, *first));
            } else {
                seen.insert(key.name.clone(), key.span);
                members.push((key, value));
            }
        }
    }

    fn key(&mut self, event: Event<'a>, span: Span) -> Read<Option<Key>> {
        if let Event::Scalar(text, ..) = event {
            return Ok(Some(Key { span, name: text.into_owned() }));
        }
        let node = self.node(event, span)?;
        if let Data::String(name) = node.data {
            return Ok(Some(Key { span, name }));
        }
        self.problems.push(
            Diagnostic::at(span, format!("a map key must be a name, found {}", node.describe()))
                .help("text that begins with a brace must be quoted: '${…}'"),
        );
        Ok(None)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Read<Yaml> {
        let node = self
            .anchors
            .get(&anchor)
            .cloned()
            .ok_or_else(|| Diagnostic::at(span, "an alias inside of what it stands for"))?;
        match self.budget.checked_sub(size(&node)) {
            Some(left) => self.budget = left,
            None => {
                let problem = Diagnostic::at(span, "the aliases of the file expand to too much")
                    .note(format!("they may add {ALIAS_BUDGET} values"));
                return Err(problem.into());
            }
        }
        Ok(node)
    }

    fn scalar(&mut self, text: String, style: ScalarStyle, tag: Option<&str>, span: Span) -> Data {
        match tag {
            Some("!!str") => return Data::String(text),
            Some(tag) => {
                self.problems.push(unknown_tag(tag, &text, span));
                return Data::Null;
            }
            None if style != ScalarStyle::Plain => return Data::String(text),
            None => {}
        }
        plain(text).unwrap_or_else(|(summary, help)| {
            self.problems.push(Diagnostic::at(span, summary).help(help));
            Data::Null
        })
    }

    fn refuse_tag(&mut self, tag: Option<String>, span: Span) {
        if let Some(tag) = tag {
            self.problems.push(unknown_tag(&tag, "", span));
        }
    }
}

/// Adds the members of merged maps (`<<`) that the map does not have itself.
fn merge(members: &mut Vec<(Key, Yaml)>, merged: Vec<Yaml>) {
    for source in merged {
        match source.data {
            Data::List(sources) => merge(members, sources),
            Data::Map(others) => {
                for (key, value) in others {
                    if !members.iter().any(|(known, _)| known.name == key.name) {
                        members.push((key, value));
                    }
                }
            }
            _ => {}
        }
    }
}

fn size(node: &Yaml) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(size).sum(),
        Data::Map(members) => members.iter().map(|(_, value)| size(value)).sum(),
        _ => 0,
    }
}

/// Reads a plain scalar by the core schema of YAML 1.2.
fn plain(text: String) -> Result<Data, (String, String)> {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Data::Null),
        "true" | "True" | "TRUE" => return Ok(Data::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Data::Bool(false)),
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let signs = text.len() - digits.len();
    if signs > 1 || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Ok(Data::String(text));
    }
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_decimal && digits.len() > 1 && digits.starts_with('0') {
        let (without, quoted) = (digits.trim_start_matches('0'), format!("'{text}'"));
        return Err((
            format!("`{text}` is read as different numbers by different tools"),
            format!("write {quoted} for text, {without} for the number"),
        ));
    }
    if is_decimal {
        return match text.trim_start_matches('+').parse::<i64>() {
            Ok(number) => Ok(Data::Number(number.into())),
            Err(_) => Err((
                format!("the number `{text}` is too large"),
                format!("write '{text}' if it is text"),
            )),
        };
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(number) =
            text.strip_prefix(prefix).and_then(|rest| i64::from_str_radix(rest, radix).ok())
        {
            return Ok(Data::Number(number.into()));
        }
    }
    if matches!(digits, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Err((
            format!("`{text}` is no number that AWS takes"),
            format!("write '{text}' if it is text"),
        ));
    }
    let is_float = digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let number = is_float.then(|| text.parse::<f64>().ok().and_then(Number::from_f64)).flatten();
    Ok(number.map_or(Data::String(text), Data::Number))
}

fn duplicate(text: &str, key: &Key, first: Span) -> Diagnostic {
    let before = &text[..(first.start as usize).min(text.len())];
    let line = 1 + before.matches('\n').count();
    Diagnostic::at(key.span, format!("`{}` is given twice", key.name))
        .label("here again")
        .help(format!("keep one of them; the first is in line {line}"))
}

/// A tag: most likely one of CloudFormation's short forms.
fn unknown_tag(tag: &str, text: &str, span: Span) -> Diagnostic {
    let help = match tag {
        "!Ref" => format!("write '${{{text}}}'"),
        "!GetAtt" => format!("write '${{{text}}}'"),
        "!Sub" => "write the text itself: every string may hold ${…}".to_owned(),
        "!Join" => "write the parts in one string: 'a-${B}', or ${join(list, ',')}".to_owned(),
        "!If" => "write '${Condition ? \"one\" : \"other\"}'".to_owned(),
        _ => "remove it".to_owned(),
    };
    Diagnostic::at(span, format!("the tag `{tag}` means nothing here")).help(help)
}

fn malformed(file: u32, text: &str, error: &ScanError) -> Box<Stop> {
    let offset = error.marker().byte_offset().unwrap_or(0).min(text.len());
    if let Some((start, end)) = unquoted_expression(text, offset) {
        let problem = Diagnostic::at(
            Span::new(file, start, end),
            "an expression that YAML cannot read unquoted",
        )
        .label("YAML takes the brace or the colon for its own")
        .help(format!("quote it: {}", quoted(&text[start..end])));
        return Box::new(Stop { problem, unquoted: Some((start, end)) });
    }
    let info = error.info();
    let problem =
        Diagnostic::at(Span::new(file, offset, offset + 1), format!("malformed YAML: {info}"));
    let help = if info.contains("tab") {
        Some("indent with blanks")
    } else if info.contains("quoted scalar") {
        Some("a quote that was opened before is not closed")
    } else {
        None
    };
    problem.help_maybe(help.map(str::to_owned)).into()
}

/// Returns `text` in the quotes that need no escapes in it.
fn quoted(text: &str) -> String {
    if text.contains('\'') {
        format!("\"{}\"", text.replace('"', "'"))
    } else {
        format!("'{text}'")
    }
}

/// Finds a `${…}` outside of quotes in the line of `offset`, or in the line
/// before it: the likely cause of an error there.
fn unquoted_expression(text: &str, offset: usize) -> Option<(usize, usize)> {
    let offset = text.floor_char_boundary(offset);
    let line_start = |end: usize| text[..end].rfind('\n').map_or(0, |newline| newline + 1);
    let line = line_start(offset);
    [line, line_start(line.saturating_sub(1))].into_iter().find_map(|start| {
        let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
        unquoted_expression_in(&text[start..end]).map(|(from, to)| (start + from, start + to))
    })
}

fn unquoted_expression_in(line: &str) -> Option<(usize, usize)> {
    let mut quote = None;
    let mut before = ' ';
    for (index, character) in line.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            // A quote begins a quoted scalar only where a scalar can begin.
            None if "'\"".contains(character) && " [{,:".contains(before) => {
                quote = Some(character);
            }
            None if character == '#' && before == ' ' => return None,
            None if line[index..].starts_with("${") => {
                let length = code_length(&line[index + "${".len()..]);
                let end = length.map_or(line.len(), |length| index + "${}".len() + length);
                return Some((index, end));
            }
            None => {}
        }
        before = character;
    }
    None
}

#[cfg(test)]
mod tests;
