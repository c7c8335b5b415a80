//! What is wrong with a file, as a value, and the two ways of showing it.
//!
//! Owns: [`Diagnostic`], [`Sources`], their text and their plain-data form.
//! Never: deciding what is wrong.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::tree::{At, SourceId, floor};

/// Whether one can go on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Severity {
    /// No plan comes of it.
    Error,
    /// The plan stands; the message says what to mind.
    Warning,
}

impl Severity {
    /// As it is written.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what there is to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The place.
    pub at: At,
    /// A few words; may be empty.
    pub text: String,
}

/// Something wrong with a file or a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// What kind of mistake: stable, for programs.
    pub id: &'static str,
    /// Whether one can go on.
    pub severity: Severity,
    /// The mistake in a sentence, without a full stop.
    pub message: String,
    /// Where it is, and what was expected there.
    pub primary: Label,
    /// Other places that belong to it.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at one place.
    #[must_use]
    pub fn error(id: &'static str, message: impl Into<String>, at: At, label: impl Into<String>) -> Self {
        Self {
            id,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { at, text: label.into() },
            secondary: Vec::new(),
            help: None,
        }
    }

    /// With another place.
    pub(crate) fn and(mut self, at: At, text: impl Into<String>) -> Self {
        self.secondary.push(Label { at, text: text.into() });
        self
    }

    /// With advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With advice, if there is some.
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Whether it stops a plan.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// As text with the line and the place marked, for people. `colour` adds terminal colours; nothing is said by
    /// colour alone. Ends without a line break.
    #[must_use]
    pub fn to_text(&self, sources: &Sources, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.clone()).id(self.id));
        let mut shown: Vec<SourceId> = Vec::new();
        for label in std::iter::once(&self.primary).chain(&self.secondary) {
            let source = label.at.source;
            if shown.contains(&source) {
                continue;
            }
            shown.push(source);
            let Some(text) = sources.text(source) else { continue };
            let name = sources.name(source);
            if text.is_empty() {
                group = group.element(Origin::path(name).line(1).char_column(1));
                continue;
            }
            let mut snippet = Snippet::source(text).path(name).fold(true);
            snippet = snippet.annotation(
                AnnotationKind::Primary
                    .span(clip(text, self.primary.at, source).unwrap_or_else(|| clip_any(text, label.at)))
                    .label(some_text(if self.primary.at.source == source {
                        &self.primary.text
                    } else {
                        &label.text
                    })),
            );
            for other in &self.secondary {
                let is_primary_here = self.primary.at.source != source && std::ptr::eq(other, label);
                if let Some(range) = clip(text, other.at, source)
                    && !is_primary_here
                {
                    snippet = snippet.annotation(AnnotationKind::Context.span(range).label(some_text(&other.text)));
                }
            }
            group = group.element(snippet);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }

    /// The same as plain data, for programs.
    #[must_use]
    pub fn to_data(&self, sources: &Sources) -> DiagnosticData {
        DiagnosticData {
            id: self.id,
            severity: self.severity.text(),
            message: self.message.clone(),
            place: PlaceData::of(&self.primary, sources),
            related: self
                .secondary
                .iter()
                .map(|label| PlaceData::of(label, sources))
                .collect(),
            help: self.help.clone(),
        }
    }
}

/// A diagnostic as plain data: what a JSON writer needs, with lines and columns instead of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagnosticData {
    /// What kind of mistake.
    pub id: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// The mistake in a sentence.
    pub message: String,
    /// Where.
    pub place: PlaceData,
    /// Other places that belong to it.
    pub related: Vec<PlaceData>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceData {
    /// The file or flag.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Where it ends: line from 1.
    pub end_line: usize,
    /// Where it ends: column from 1, one past the last character.
    pub end_column: usize,
    /// What there is to say about it.
    pub label: String,
}

impl PlaceData {
    fn of(label: &Label, sources: &Sources) -> Self {
        let (line, column) = sources.line_and_column(label.at.source, label.at.start);
        let (end_line, end_column) = sources.line_and_column(label.at.source, label.at.end);
        Self {
            file: sources.name(label.at.source).to_owned(),
            line,
            column,
            end_line,
            end_column,
            label: label.text.clone(),
        }
    }
}

/// The texts of one load, by number: files, and flags as if each were a file.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    entries: Vec<Text>,
}

/// A text of a load.
#[derive(Clone, Debug)]
struct Text {
    name: String,
    text: String,
    /// Whether it is numbers or a trace, which no tree holds.
    is_data: bool,
}

impl Sources {
    /// Adds a text under the name that messages show.
    pub(crate) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.push(name.into(), text.into(), false)
    }

    /// Adds a file of numbers or a trace.
    pub(crate) fn add_data(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.push(name.into(), text.into(), true)
    }

    /// The texts of the files of numbers and traces, with their names.
    pub(crate) fn data(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter(|entry| entry.is_data)
            .map(|entry| (&entry.name[..], &entry.text[..]))
    }

    fn push(&mut self, name: String, text: String, is_data: bool) -> SourceId {
        self.entries.push(Text { name, text, is_data });
        // A load has a handful of sources: as many as files and flags.
        SourceId(u32::try_from(self.entries.len() - 1).unwrap_or(u32::MAX))
    }

    /// The name that messages show: a path, a bundled name or `--set`.
    #[must_use]
    pub fn name(&self, id: SourceId) -> &str {
        self.entries.get(id.0 as usize).map_or("default", |entry| &entry.name)
    }

    /// The text; `None` for a default.
    #[must_use]
    pub fn text(&self, id: SourceId) -> Option<&str> {
        self.entries.get(id.0 as usize).map(|entry| entry.text.as_str())
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Line and column of a byte, both from 1, columns in characters.
    #[must_use]
    pub fn line_and_column(&self, id: SourceId, byte: u32) -> (usize, usize) {
        let Some(text) = self.text(id) else { return (1, 1) };
        let before = &text[..floor(text, byte as usize)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// Every diagnostic as text, one after the other with an empty line between two.
#[must_use]
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let texts: Vec<String> = diagnostics.iter().map(|one| one.to_text(sources, colour)).collect();
    texts.join("\n\n")
}

fn clip(text: &str, at: At, source: SourceId) -> Option<Range<usize>> {
    (at.source == source).then(|| clip_any(text, at))
}

fn clip_any(text: &str, at: At) -> Range<usize> {
    let start = floor(text, at.start as usize);
    let end = floor(text, at.end as usize).max(start);
    // A mark over several lines would repeat them all; its first line says enough.
    let line_end = text[start..end].find('\n').map_or(end, |newline| start + newline);
    start..line_end
}

fn some_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| normalize_untrusted_str(text))
}
