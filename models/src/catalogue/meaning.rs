//! What the figures of the catalogue mean, and in which unit they are.
//!
//! Owns: `meanings.toml` and the matching of paths against it.
//! Never: figures.

use std::sync::OnceLock;

const TEXT: &str = include_str!("meanings.toml");

/// What form the value of a figure has.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Date,
    Names,
    Latency,
}

/// Unit and meaning of all figures whose path fits `pattern`.
#[derive(Clone, Debug)]
pub(super) struct Meaning {
    pattern: Vec<String>,
    pub(super) kind: Kind,
    pub(super) unit: String,
    pub(super) meaning: String,
}

impl Meaning {
    /// The meaning of the figure at `path`, if there is one.
    pub(super) fn of(path: &[String]) -> Option<&'static Self> {
        Self::all().iter().find(|meaning| meaning.fits(path))
    }

    /// Every meaning, parsed once.
    pub(super) fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Meaning>> = OnceLock::new();
        // The text is part of the program and every test of the catalogue reads it: a mistake in it is a bug.
        ALL.get_or_init(|| parse(TEXT).unwrap_or_else(|problem| panic!("catalogue/meanings.toml: {problem}")))
    }

    /// Whether this is the meaning of the figure at `path`.
    pub(super) fn fits(&self, path: &[String]) -> bool {
        self.pattern.len() == path.len()
            && self
                .pattern
                .iter()
                .zip(path)
                .all(|(pattern, name)| pattern == "*" || pattern == name)
    }
}

fn parse(text: &str) -> Result<Vec<Meaning>, String> {
    let table = text.parse::<toml::Table>().map_err(|error| error.to_string())?;
    table.iter().map(|(pattern, value)| line(pattern, value)).collect()
}

fn line(pattern: &str, value: &toml::Value) -> Result<Meaning, String> {
    let words: Option<Vec<&str>> = value
        .as_array()
        .and_then(|list| list.iter().map(toml::Value::as_str).collect());
    let Some([kind, unit, meaning]) = words.as_deref() else {
        return Err(format!("{pattern}: expected [kind, unit, meaning]"));
    };
    let kind = match *kind {
        "number" => Kind::Number,
        "text" => Kind::Text,
        "date" => Kind::Date,
        "names" => Kind::Names,
        "latency" => Kind::Latency,
        other => return Err(format!("{pattern}: unknown kind {other}")),
    };
    Ok(Meaning {
        pattern: pattern.split('.').map(str::to_owned).collect(),
        kind,
        unit: (*unit).to_owned(),
        meaning: (*meaning).to_owned(),
    })
}
