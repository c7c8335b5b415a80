//! What is known about each key: type, default, meaning, and where the default comes from.
//!
//! Owns: the reference that `explain`, the schema and the manual are made from; it is read off the tables' own
//! declarations.
//! Never: any fact of its own.

use super::path;
use super::read::{Read, Spec, TableRead, value_type_text};
use super::scenario::Scenario;
use super::schema::{Shape, key_shape};
use super::study::Study;
use super::suggest::nearest;
use super::system::System;

/// Where a default comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// By definition: a neutral value, or what leaving it out means.
    Defined,
    /// It is what the component or platform itself documents or does.
    Documented {
        /// The document or the source read.
        source: &'static str,
        /// When it was read.
        date: &'static str,
    },
    /// It was measured.
    Measured {
        /// Where and how.
        source: &'static str,
        /// When.
        date: &'static str,
    },
    /// Nobody publishes it.
    Assumed {
        /// Why this value.
        reason: &'static str,
        /// When that was decided.
        date: &'static str,
    },
}

impl Standing {
    /// In a word.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Defined => "by definition",
            Self::Documented { .. } => "documented",
            Self::Measured { .. } => "measured",
            Self::Assumed { .. } => "assumed",
        }
    }
}

/// One key of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyReference {
    /// As files write it.
    pub key: &'static str,
    /// In a word or two: `count`, `time or "never"`.
    pub type_text: String,
    /// What it takes.
    pub shape: Shape,
    /// What stands for it when it is left out, as a file would write it; `None` when it is required or absent.
    pub default: Option<&'static str>,
    /// What leaving it out amounts to, in words; may be empty.
    pub default_text: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// What it means.
    pub meaning: &'static str,
    /// Least and most, in base units, where it is bounded more narrowly than by its type.
    pub range: Option<(f64, f64)>,
    /// Where the default comes from.
    pub standing: Standing,
}

impl KeyReference {
    pub(crate) fn new<T: Read>(
        key: &'static str,
        spec: &Spec,
        default: &'static str,
        default_text: &'static str,
        meaning: &'static str,
        standing: Standing,
    ) -> Self {
        #[cfg(test)]
        super::read::assert_default_reads::<T>(key, spec, default);
        Self {
            key,
            type_text: value_type_text::<T>(spec),
            shape: key_shape::<T>(spec),
            default: (!matches!(default, "required" | "none")).then_some(default),
            default_text,
            required: default == "required",
            meaning: meaning.trim(),
            range: spec.range,
            standing,
        }
    }
}

/// One table and its keys, in the order of their declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct TableReference {
    /// Its place: `pool`, `service.scaling`, `step.llm`.
    pub title: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// Whether it takes exactly one of its keys.
    pub one_key: bool,
    /// Its keys.
    pub keys: Vec<KeyReference>,
}

/// What is known about a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The key in each table that has it, with the table's title.
    pub keys: Vec<(&'static str, KeyReference)>,
    /// The table of that name, if there is one.
    pub table: Option<TableReference>,
}

pub(crate) fn add_table<T: TableRead>(tables: &mut Vec<TableReference>) {
    if tables.iter().any(|table| table.title == T::TITLE) {
        return;
    }
    let mut keys = Vec::new();
    T::describe(&mut keys);
    tables.push(TableReference {
        title: T::TITLE,
        meaning: T::MEANING.trim(),
        one_key: T::ONE_KEY,
        keys,
    });
    T::nested(tables);
}

/// Every table of the format, each once: the scenario's, then the system's, then the study's.
#[must_use]
pub fn tables() -> Vec<TableReference> {
    let mut tables = Vec::new();
    Scenario::tables(&mut tables);
    System::tables(&mut tables);
    Study::tables(&mut tables);
    tables
}

/// What is known about `pool.timeout`, `service.scaling.cpu`, `step.llm.stream`, a table such as `pool`, or a bare key
/// such as `timeout` in every table that has it.
///
/// # Errors
/// The nearest keys that exist, best first; may be empty.
pub fn explain(key: &str) -> Result<Explanation, Vec<String>> {
    let tables = tables();
    let parts: Vec<String> = match path::split(key.trim()) {
        Ok(parts) => parts.into_iter().map(|part| part.text).collect(),
        Err(_) => vec![key.trim().to_owned()],
    };
    let last = parts.last().cloned().unwrap_or_default();
    let before = parts[..parts.len().saturating_sub(1)].join(".");
    let whole = parts.join(".");
    let table = tables.iter().find(|table| table.title == whole).cloned();
    let mut keys = Vec::new();
    for table in &tables {
        // `retry.max` is found for `provider.retry.max` and `client.retry.max` too: the last title of the way counts.
        let matches = before.is_empty() || table.title == before || ends_with_title(&before, table.title);
        if let Some(found) = table.keys.iter().find(|found| matches && found.key == last) {
            keys.push((table.title, found.clone()));
        }
    }
    // The table meant is the one with the longest title, unless the key stands alone.
    if !before.is_empty()
        && let Some(longest) = keys.iter().map(|(title, _)| title.len()).max()
    {
        keys.retain(|(title, _)| title.len() == longest);
    }
    if table.is_some() || !keys.is_empty() {
        return Ok(Explanation { keys, table });
    }
    let mut names: Vec<String> = Vec::new();
    for table in &tables {
        names.push(table.title.to_owned());
        for found in &table.keys {
            names.push(format!("{}.{}", table.title, found.key));
            names.push(found.key.to_owned());
        }
    }
    let mut near = Vec::new();
    while near.len() < 3 {
        let Some(found) = nearest(&whole, names.iter().map(|name| &name[..])).map(str::to_owned) else {
            break;
        };
        names.retain(|name| *name != found);
        near.push(found);
    }
    Err(near)
}

fn ends_with_title(path: &str, title: &str) -> bool {
    path.strip_suffix(title).is_some_and(|rest| rest.ends_with('.'))
}
