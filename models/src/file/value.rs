//! Small shapes that several tables share: weights, ramps, settings, dates and files.
//!
//! Owns: what `"chat"` or `{ chat = 8, voice = 1 }`, `50` or `{ from = 50, to = 5000 }` turn into.
//! Never: which key holds them.

use std::sync::Arc;

use super::name::Name;
use super::table::{choice, one_of, table};
use super::tree::{At, Node, Value};

/// Several names, each with its weight: positive, not necessarily adding up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// In the order of the file.
    pub entries: Vec<(Name, f64)>,
}

/// A level that stays or goes straight from one value to another over the phase (or the run).
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Ramp {
    /// At the beginning.
    pub from: f64,
    /// At the end.
    pub to: f64,
    /// Equal stairs instead of a straight line.
    pub steps: Option<u32>,
}

impl Ramp {
    /// Always `value`.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self {
            from: value,
            to: value,
            steps: None,
        }
    }

    /// Whether it never changes.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.from == self.to
    }

    /// The larger end.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.from.max(self.to)
    }
}

/// One setting and its new value, in force from some moment on.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The path of the setting, without quotes, one part per dot.
    pub path: Vec<String>,
    /// Where the path is written.
    pub at: At,
    /// The new value.
    pub value: Node,
}

impl Setting {
    /// The path without the parts that may be left off, so that it is the same however it is written.
    #[must_use]
    pub fn plain_path(&self) -> Vec<String> {
        super::path::plain(self.path.clone())
    }

    /// The path as files write it, without the parts that may be left off.
    #[must_use]
    pub fn path_text(&self) -> String {
        super::path::write(&self.plain_path())
    }

    /// In words: `openai.use.chat = gpt-3.5-turbo`. What is longer than a word is not repeated.
    #[must_use]
    pub fn text(&self) -> String {
        let parts: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let value = match &self.value.value {
            Value::Text(text) | Value::Date(text) | Value::Huge(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
            Value::List(_) | Value::Table(_) => "as in the scenario".to_owned(),
        };
        format!("{} = {value}", super::path::write(&parts))
    }

    /// As `--set` takes it: `openai.use.chat=gpt-3.5-turbo`, tables and lists written out.
    #[must_use]
    pub fn flag(&self) -> String {
        let value = match &self.value.value {
            Value::Text(text) if is_bare(text) => text.clone(),
            // The form that keeps its point.
            _ => toml(&self.value, |value| format!("{value:?}")),
        };
        format!("{}={value}", super::path::write(&self.path))
    }
}

/// Whether a text needs no quotes on the command line: nothing else could be meant by it.
fn is_bare(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    !text.is_empty() && text.chars().all(plain) && text.parse::<f64>().is_err() && text != "true" && text != "false"
}

/// A value as TOML on one line, its numbers that are not whole as `float` writes them.
pub(super) fn toml(node: &Node, float: fn(f64) -> String) -> String {
    match &node.value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Text(text) => quoted(text),
        Value::Date(text) | Value::Huge(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| toml(item, float)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) if table.entries.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let entries = table.entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{} = {}", super::path::write(&[&key.text]), toml(value, float)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A text in the quotes of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            letter if letter.is_control() => written.push_str(&format!("\\u{:04X}", u32::from(letter))),
            letter => written.push(letter),
        }
    }
    written.push('"');
    written
}

/// Several settings, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// In the order of the file.
    pub entries: Vec<Setting>,
}

/// Which edition of the catalogue of plans, prices, limits and models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edition {
    /// The newest there is.
    Latest,
    /// The one that held on a day.
    Dated {
        /// Year.
        year: u16,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
        /// Where it is written.
        at: At,
    },
}

/// Numbers from a file, one a line.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberFile {
    /// The path as written.
    pub path: Name,
    /// The numbers.
    pub numbers: Arc<[f64]>,
}

one_of! {
    /// How keys or people are drawn.
    pub enum Popularity = "popularity" {
        /// The n-th is drawn in proportion to 1 / n to this power.
        zipf: Zipf(f64) in 0.0..=10.0,
        /// Weights from a file, one a line.
        file: File(NumberFile),
    }
}

table! {
    /// How long to wait between attempts.
    pub struct Backoff = "wait" {
        /// First wait.
        base: crate::SimSpan = required,
        /// Each wait is this much longer than the one before.
        factor: f64 = 2 in 1.0..=1000.0,
        /// Longest wait.
        cap: Option<crate::SimSpan> = none,
        /// What of a wait w is left to chance.
        jitter: Jitter = "none",
    }
}

table! {
    /// When to try again and how often.
    pub struct Retry = "retry" {
        /// Attempts after the first one; `u32::MAX` is for ever.
        max: u32 = required or "forever" in 0.0..=1e6,
        /// Between attempts.
        wait: Option<Backoff> = none "no wait",
        /// Wait as long as the answer says.
        honour_retry_after: bool = false,
        /// Longer waits that an answer asks for are ignored.
        retry_after_max: crate::SimSpan = "60s" [documented "openai 7.57.0 client.js: up to 60 s" "2026-11-24"],
    }
}

choice! {
    /// What of a wait w between attempts is left to chance.
    pub enum Jitter {
        /// Nothing.
        None = "none",
        /// Anywhere in [0, w].
        Full = "full",
        /// Anywhere in [w/2, w].
        Equal = "equal",
        /// Anywhere in [0.75 w, w].
        Down25 = "down_25",
    }
}
