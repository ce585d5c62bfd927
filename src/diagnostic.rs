//! Mistakes in what the user wrote, shown where they are.
//!
//! A [`Diagnostic`] says what is wrong in a phrase, points at the place, and
//! says what to write instead. They are collected, so that every mistake of a
//! file is shown at once, and rendered in the order of the file.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// A part of a source: which one, and from which byte to which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source, as [`Sources::add`] numbered it.
    pub file: u32,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// Returns the span of a byte range of a source.
    pub fn new(file: u32, start: usize, end: usize) -> Self {
        let narrow = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: narrow(start), end: narrow(end) }
    }
}

/// A text and the name that it is shown under.
#[derive(Clone, Debug)]
struct Source {
    name: String,
    text: String,
}

/// The texts that spans point into.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u32 {
        self.0.push(Arc::new(Source { name: name.into(), text: text.into() }));
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// Returns the text of a source.
    pub fn text(&self, file: u32) -> &str {
        self.get(file).map_or("", |source| &source.text)
    }

    /// Returns the text that a span covers; nothing if it lies outside.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Returns the line, counted from 1, that a span begins in.
    pub fn line(&self, span: Span) -> usize {
        let before = self.text(span.file).as_bytes().iter().take(span.start as usize);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn get(&self, file: u32) -> Option<&Source> {
        self.0.get(file as usize).map(Arc::as_ref)
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in a lower-case phrase.
    pub summary: String,
    /// Where; `None` when it is not in a text.
    pub span: Option<Span>,
    /// What stands beside the caret; may be empty.
    pub label: String,
    /// What to write or do instead.
    pub help: Option<String>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A mistake that is not in a text.
    pub fn new(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            span: None,
            label: String::new(),
            help: None,
            notes: Vec::new(),
        }
    }

    /// A mistake at a place.
    pub fn at(span: Span, summary: impl Into<String>) -> Self {
        Self { span: Some(span), ..Self::new(summary) }
    }

    /// Says something beside the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to write or do instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to write instead, where there is a guess.
    pub fn help_maybe(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Says what else is worth knowing.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn render(&self, sources: &Sources, renderer: &Renderer) -> String {
        let mut group = Group::with_title(Level::ERROR.primary_title(&self.summary));
        let place = self.span.and_then(|span| Some((span, sources.get(span.file)?)));
        if let Some((span, source)) = place {
            let line = Line::of(span, &source.text);
            let mut annotation = AnnotationKind::Primary.span(line.start..line.end);
            if !self.label.is_empty() {
                annotation = annotation.label(&self.label);
            }
            group = group.element(
                Snippet::source(line.text)
                    .line_start(line.number)
                    .path(&source.name)
                    .annotation(annotation),
            );
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

/// The line that a span begins in, and the part of the span within it. Showing
/// one line keeps fifty mistakes readable, and cheap in a long file.
struct Line<'a> {
    text: &'a str,
    number: usize,
    start: usize,
    end: usize,
}

impl<'a> Line<'a> {
    fn of(span: Span, text: &'a str) -> Self {
        let boundary = |offset: u32| text.floor_char_boundary((offset as usize).min(text.len()));
        let (start, end) = (boundary(span.start), boundary(span.end));
        let first = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let last = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let line = text[first..last].trim_end_matches('\r');
        Self {
            text: line,
            number: 1 + text[..first].bytes().filter(|byte| *byte == b'\n').count(),
            start: (start - first).min(line.len()),
            end: end.clamp(start, last).saturating_sub(first).min(line.len()),
        }
    }
}

/// The mistakes of a run of a check, in the order of the file.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    sources: Sources,
}

impl Diagnostics {
    /// Sorts mistakes by their place. What is said twice of one place, as by a
    /// check that runs in several regions, is kept once.
    pub fn new(mut items: Vec<Diagnostic>, sources: &Sources) -> Self {
        items.sort_by_key(|item| item.span);
        let mut seen = HashSet::new();
        items.retain(|item| seen.insert((item.span, item.summary.clone())));
        Self { items, sources: sources.clone() }
    }

    /// Returns one mistake that stands in no file.
    pub fn of(summary: impl Into<String>) -> Self {
        Self::new(vec![Diagnostic::new(summary)], &Sources::default())
    }

    /// Fails with the mistakes, if there are any.
    pub fn check(items: Vec<Diagnostic>, sources: &Sources) -> Result<(), Self> {
        if items.is_empty() { Ok(()) } else { Err(Self::new(items, sources)) }
    }

    /// Returns the mistakes.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Returns all of them as text, with or without colour.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let rendered: Vec<_> =
            self.items.iter().map(|item| item.render(&self.sources, &renderer)).collect();
        rendered.join("\n\n")
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(item: Diagnostic) -> Self {
        Self { items: vec![item], sources: Sources::default() }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// Returns "did you mean …?" if one of the `known` names is near to `name`.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}

/// Returns the known name that `name` is most likely meant to be: one that
/// differs in case alone, else the one with the fewest typing errors, if those
/// are few for its length.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|near| (strsim::damerau_levenshtein(&lower, &near.to_lowercase()), near))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, near)| near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_shows_its_line_a_caret_and_the_remedy() {
        let mut sources = Sources::default();
        let file = sources.add("stack.yaml", "Stack: x\r\nRegions: [eu-wets-1]\r\n");
        let diagnostic = Diagnostic::at(Span::new(file, 20, 29), "unknown region `eu-wets-1`")
            .label("not a region")
            .help("did you mean `eu-west-1`?");
        insta::assert_snapshot!(Diagnostics::new(vec![diagnostic], &sources), @r"
        error: unknown region `eu-wets-1`
         --> stack.yaml:2:11
          |
        2 | Regions: [eu-wets-1]
          |           ^^^^^^^^^ not a region
          |
          = help: did you mean `eu-west-1`?
        ");
    }

    #[test]
    fn spans_outside_of_the_text_do_no_harm() {
        let mut sources = Sources::default();
        let file = sources.add("stack.yaml", "ä\nb");
        for (start, end) in [(1, 1), (0, 900), (900, 901), (3, 1), (4, 4)] {
            let diagnostic = Diagnostic::at(Span::new(file, start, end), "wrong");
            assert!(Diagnostics::new(vec![diagnostic], &sources).to_string().contains("wrong"));
        }
    }

    #[test]
    fn near_names() {
        assert_eq!(nearest("BukcetName", ["BucketName", "Tags"]), Some("BucketName"));
        assert_eq!(nearest("arn", ["Arn", "Ars"]), Some("Arn"));
        assert_eq!(nearest("Color", ["BucketName"]), None);
    }
}
