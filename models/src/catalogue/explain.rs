//! The answer to "where is this figure from?", in every edition.
//!
//! Owns: how a question names figures.
//! Never: layout; a face turns explanations into lines.

use std::collections::BTreeSet;

use super::edition::Edition;
use super::figure::Standing;
use super::meaning::Meaning;

/// One figure of one edition, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Full dotted key of the figure, such as `render.web.starter.price`.
    pub key: String,
    /// What it is.
    pub meaning: &'static str,
    /// The figure, without its unit.
    pub value: String,
    /// Its unit, empty for words, dates and versions.
    pub unit: &'static str,
    /// How well it is known.
    pub standing: Standing,
    /// The same in words: a third party's copy is said to be one.
    pub standing_text: String,
    /// Date of the copy that was read, as exact as known.
    pub date: &'static str,
    /// Title of the source, with its address where it has one.
    pub source: String,
    /// What one has to know beside it.
    pub note: Option<&'static str>,
    /// Date of the edition.
    pub edition: &'static str,
}

/// Everything that `key` may mean, by figure and then by edition, earliest first.
///
/// A key names some parts of a figure's path in their order: `starter`, `render.starter.price` and
/// `render.web.starter.price` all find the price of the Starter plan. A plan's other names are understood too. A key
/// that nothing answers to gives an empty list; [`keys`] has the names to suggest from.
#[must_use]
pub fn explain(key: &str) -> Vec<Explanation> {
    let key = key.trim().to_lowercase();
    let mut found = Vec::new();
    for edition in Edition::all() {
        for (path, figure) in &edition.book.figures {
            let names_it = is_named(path, &key)
                || edition.book.aliases.iter().any(|(owner, aliases)| {
                    path.starts_with(owner)
                        && aliases
                            .iter()
                            .any(|alias| is_named_as(path, owner.len() - 1, alias, &key))
                });
            let Some(meaning) = Meaning::of(path).filter(|_| names_it) else {
                continue;
            };
            let source = &figure.source;
            found.push(Explanation {
                key: path.join("."),
                meaning: &meaning.meaning,
                value: figure.value.to_string(),
                unit: &meaning.unit,
                standing: source.standing,
                standing_text: source.standing_text(),
                date: &source.date,
                source: match &source.url {
                    Some(url) => format!("{}, {url}", source.title),
                    None => source.title.clone(),
                },
                note: figure.note.as_deref(),
                edition: edition.date(),
            });
        }
    }
    // Stable: the editions of one figure stay in order.
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// Every key that [`explain`] knows in full, and every single name in one, to find the nearest to a mistyped one.
#[must_use]
pub fn keys() -> Vec<String> {
    let mut keys = BTreeSet::new();
    for edition in Edition::all() {
        for path in edition.book.figures.keys() {
            keys.insert(path.join("."));
            keys.extend(path.iter().cloned());
        }
    }
    keys.into_iter().collect()
}

/// Whether the parts of `key` are names of `path` in their order. Names may hold dots, so the key is not split: a name
/// is taken from its front where it fits.
fn is_named(path: &[String], key: &str) -> bool {
    let mut rest = key;
    for name in path {
        match rest.strip_prefix(name.as_str()) {
            Some("") => return true,
            Some(after) => rest = after.strip_prefix('.').unwrap_or(rest),
            None => {}
        }
    }
    false
}

/// The same with `alias` in place of the name at `place`.
fn is_named_as(path: &[String], place: usize, alias: &str, key: &str) -> bool {
    let mut path = path.to_vec();
    path[place] = alias.to_owned();
    is_named(&path, key)
}
