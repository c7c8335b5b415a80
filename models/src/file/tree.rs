//! Where a piece of text stands, and the tree that a file's text is read into.
//!
//! Owns: [`At`], [`Node`].
//! Never: files (text is handed in); what a key means.

/// Which of the texts of a load: a file, or the text of a flag.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(crate) u32);

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

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What is written.
    pub value: Value,
    /// Where.
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
    /// `[ … ]`, or the tables of `[[ … ]]`.
    List(Vec<Node>),
    /// `{ … }` or `[ … ]` on a line of its own.
    Table(Table),
}

/// Keys and values in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Each key once.
    pub entries: Vec<(Key, Node)>,
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Without quotes.
    pub text: String,
    /// Where it is written.
    pub at: At,
}
