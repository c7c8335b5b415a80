//! Reports to read and pass on: a page in HTML and the same content as Markdown.
//!
//! Owns: the building blocks of which the report of every command is made, and the report of a run.
//! Never: figures and judgements (those of the summary), files.
//!
//! A page is one file: no script, no font, no picture and no style is fetched, and nothing in it says when it was made, so
//! that the same result gives the same bytes. Texts in blocks are plain; whatever writes them escapes them. A part of a
//! text between two back quotes is code.

mod html;
mod markdown;
mod run;
mod style;
#[cfg(test)]
pub(crate) mod tests;

pub use html::html;
pub use markdown::markdown;
pub(crate) use run::design;
pub use run::of_run;

use crate::paint::Style;
use crate::plot::Plot;
use crate::table::Table;

/// How a page's subject is judged.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Not as it should be.
    Bad,
    /// Not known, or not judged.
    Open,
}

/// What a page says first.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Good, bad or open.
    pub tone: Tone,
    /// In two or three words, such as "Does not hold".
    pub word: String,
    /// In sentences.
    pub sentences: Vec<String>,
    /// What to do next; empty where nothing is known.
    pub next_step: String,
}

/// One of the few figures that stand in large type.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// What it is.
    pub label: String,
    /// The figure with its unit.
    pub value: String,
    /// Its interval or what else has to be known; may be empty.
    pub beside: String,
    /// How it is judged, where it is.
    pub tone: Option<Tone>,
}

/// A point of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// A word before it, such as a severity; may be empty.
    pub word: String,
    /// How the word is to be taken.
    pub style: Style,
    /// What it says.
    pub text: String,
    /// More about it, each with its own short name: why, cure.
    pub more: Vec<(String, String)>,
}

/// A part of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Large figures.
    Numbers(Vec<Number>),
    /// A list.
    List(Vec<Item>),
    /// A list behind its title.
    FoldedList(String, Vec<Item>),
    /// A table that is seen at once.
    Table(Table),
    /// A table behind its title.
    Folded(Table),
    /// A plot; the table of what it shows is behind a fold.
    Figure(Box<Plot>),
    /// A command to type.
    Command(String),
    /// Lines as they are, such as a mistake with its place marked.
    Lines(String),
    /// Short facts: name and value.
    Facts(Vec<(String, String)>),
}

/// A section with its heading.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Its content.
    pub blocks: Vec<Block>,
    /// Whether a comment on a pull request has it behind a fold.
    pub is_detail: bool,
}

impl Section {
    /// A section; one without content is left out of a page.
    #[must_use]
    pub fn new(title: &str, blocks: Vec<Block>) -> Self {
        Self {
            title: title.to_owned(),
            blocks,
            is_detail: true,
        }
    }

    /// One that a comment on a pull request shows at once.
    #[must_use]
    pub fn open(title: &str, blocks: Vec<Block>) -> Self {
        Self {
            is_detail: false,
            ..Self::new(title, blocks)
        }
    }

    /// Whether there is anything in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().all(Block::is_empty)
    }
}

impl Block {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) | Self::Command(text) | Self::Lines(text) => text.is_empty(),
            Self::Numbers(numbers) => numbers.is_empty(),
            Self::List(items) | Self::FoldedList(_, items) => items.is_empty(),
            Self::Table(table) | Self::Folded(table) => table.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
            Self::Figure(_) => false,
        }
    }
}

/// A report.
#[derive(Clone, Debug)]
pub struct Page {
    /// What it is about.
    pub title: String,
    /// The question it answers; may be empty.
    pub question: String,
    /// What was run, in one line.
    pub subject: String,
    /// What came out.
    pub verdict: Verdict,
    /// The figures behind it, largest first.
    pub numbers: Vec<Number>,
    /// All the rest.
    pub sections: Vec<Section>,
    /// The last line: what made it.
    pub footer: String,
}
