//! Where a piece of text stands, and the tree that a file's text is read into.
//!
//! Owns: [`At`], [`Node`], and the way from TOML text to them, with every mistake of syntax at once.
//! Never: files (text is handed in); what a key means.
//! Order: keys stand in the order of the file.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Which of the texts of a load: a file, or the text of a flag.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u32);

impl SourceId {
    /// Of what nobody wrote: a default.
    pub(crate) const DEFAULT: Self = Self(u32::MAX);
}

/// A place in a source: bytes from `start` up to `end`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// Which text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl At {
    /// No place in any text: the value is a default.
    pub const DEFAULT: Self = Self {
        source: SourceId::DEFAULT,
        start: 0,
        end: 0,
    };

    pub(crate) fn new(source: SourceId, range: Range<usize>) -> Self {
        // Texts longer than that are refused before they are read.
        let narrow = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Self {
            source,
            start: narrow(range.start),
            end: narrow(range.end),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is written.
    pub value: Value,
    /// Where. For a table of several lines: its header.
    pub at: At,
}

/// A value as a file writes it, before anybody asked what it means.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Quoted text.
    Text(String),
    /// An unquoted date or time, as written.
    Date(String),
    /// A number that is none of the above, as written: too large for 64 bits.
    Huge(String),
    /// `[ … ]`, or the tables of `[[ … ]]`.
    List(Vec<Node>),
    /// `{ … }` or `[ … ]` on a line of its own.
    Table(Table),
}

impl Value {
    /// What it is, with its article, for a sentence.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Bool(true) => "`true`",
            Self::Bool(false) => "`false`",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a decimal number",
            Self::Text(_) => "text",
            Self::Date(_) => "a date",
            Self::Huge(_) => "a number too large to be read",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Keys and values in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Each key once.
    pub entries: Vec<(Key, Node)>,
    /// Whether it is written `{ … }`.
    pub inline: bool,
}

impl Table {
    /// The value of that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries
            .iter()
            .find(|(other, _)| other.text == key)
            .map(|(_, node)| node)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(other, _)| other.text == key)
            .map(|(_, node)| node)
    }
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Without quotes.
    pub text: String,
    /// Where it is written.
    pub at: At,
}

/// A mistake of syntax: what it is, and where.
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) at: At,
}

/// Longest text that is read, in bytes. The longest sensible file is a hundredth of it.
pub(crate) const TEXT_MAX: usize = 8 << 20;

/// Reads a whole file: its top-level table, and every mistake of syntax.
pub(crate) fn parse(text: &str, source: SourceId) -> (Node, Vec<SyntaxError>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let place = Place {
        text,
        source,
        offset: 0,
    };
    let at = At::new(source, 0..0);
    let node = Node {
        value: Value::Table(place.table(table.into_inner(), false)),
        at,
    };
    (node, errors.iter().map(|error| place.error(error)).collect())
}

/// Reads one value that starts at byte `offset` of a source.
pub(crate) fn parse_value(text: &str, source: SourceId, offset: usize) -> Result<Node, SyntaxError> {
    let place = Place { text, source, offset };
    match DeValue::parse(text) {
        Ok(value) => Ok(place.node(value)),
        Err(error) => Err(place.error(&error)),
    }
}

/// A text and where it lies in its source.
struct Place<'t> {
    text: &'t str,
    source: SourceId,
    offset: usize,
}

impl Place<'_> {
    fn at(&self, span: Range<usize>) -> At {
        // A span from the parser that does not fall on characters would make every later slice panic.
        let start = floor(self.text, span.start);
        let end = ceil(self.text, span.end.max(start));
        At::new(self.source, start + self.offset..end + self.offset)
    }

    fn error(&self, error: &toml::de::Error) -> SyntaxError {
        let end = self.text.len();
        SyntaxError {
            message: error.message().to_owned(),
            at: self.at(error.span().unwrap_or(end..end)),
        }
    }

    fn table(&self, table: DeTable<'_>, inline: bool) -> Table {
        let mut entries: Vec<(Key, Node)> = table
            .into_iter()
            .map(|(key, value)| {
                let at = self.at(key.span());
                let text = key.into_inner().into_owned();
                (Key { text, at }, self.node(value))
            })
            .collect();
        // The parser sorts keys by name; results and draws follow the file's order instead.
        entries.sort_by_key(|(key, _)| key.at.start);
        Table { entries, inline }
    }

    fn node(&self, value: Spanned<DeValue<'_>>) -> Node {
        let at = self.at(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Huge(number.to_string()),
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(value) => Value::Float(value),
                Err(_) => Value::Huge(number.as_str().to_owned()),
            },
            DeValue::Array(items) => Value::List(items.into_iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => {
                let start = (at.start as usize).saturating_sub(self.offset);
                let inline = self.text[start..].starts_with('{');
                Value::Table(self.table(table, inline))
            }
        };
        Node { value, at }
    }
}

/// The last character boundary at or before `byte`.
pub(crate) fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// The first character boundary at or after `byte`.
fn ceil(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte += 1;
    }
    byte
}
