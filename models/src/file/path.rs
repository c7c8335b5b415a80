//! Paths of settings as text: dotted TOML keys, quoted where a part has dots.
//!
//! Owns: splitting and writing them.
//! Never: what they lead to (that is `set.rs`).

use std::ops::Range;

/// A part of a path and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
}

/// Most parts of a path: tables nest no deeper in a file, and what is nested is read and freed recursively.
const PARTS_MAX: usize = 64;

/// The parts of a path that has been read before, the kind of a resource left off: one path for each setting.
#[must_use]
pub fn parts_of(text: &str) -> Vec<String> {
    let parts = split(text).unwrap_or_default();
    plain(parts.into_iter().map(|part| part.text).collect())
}

/// The names on the way to a figure of a result; a name in quotes may hold dots. What cannot be split is one name.
#[must_use]
pub fn names_of(text: &str) -> Vec<String> {
    match split(text) {
        Ok(parts) => parts.into_iter().map(|part| part.text).collect(),
        Err(_) => vec![text.to_owned()],
    }
}

/// A path without the parts that may be left off.
pub(crate) fn plain(mut parts: Vec<String>) -> Vec<String> {
    if parts.len() > 1 && parts[0] == "system" {
        parts.remove(0);
    }
    if parts.len() > 1 && super::set::RESOURCE_KINDS.contains(&parts[0].as_str()) {
        parts.remove(0);
    }
    parts
}

/// Splits a path into its parts. `Err` holds the byte where it goes wrong and why.
pub(crate) fn split(text: &str) -> Result<Vec<Part>, (usize, &'static str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let lead = rest.len() - rest.trim_start().len();
        let start = text.len() - rest.len() + lead;
        rest = &rest[lead..];
        let part = if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
            let inner = &rest[1..];
            let end = inner.find(quote).ok_or((start, "the quote is never closed"))?;
            rest = &inner[end + 1..];
            Part {
                text: inner[..end].to_owned(),
                range: start..start + end + 2,
            }
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let word = rest[..end].trim_end();
            rest = &rest[end..];
            if word.is_empty() {
                return Err((start, "a part of the path is empty"));
            }
            if word.contains(['"', '\'']) {
                return Err((start, "a quote must stand around a whole part"));
            }
            Part {
                text: word.to_owned(),
                range: start..start + word.len(),
            }
        };
        if parts.len() == PARTS_MAX {
            return Err((part.range.start, "the path has too many parts"));
        }
        parts.push(part);
        rest = rest.trim_start();
        match rest.strip_prefix('.') {
            Some(further) => rest = further,
            None if rest.is_empty() => return Ok(parts),
            None => return Err((text.len() - rest.len(), "a dot is expected between two parts")),
        }
    }
}

/// Writes a path so that it is split into the same parts.
pub(crate) fn write<T: AsRef<str>>(parts: &[T]) -> String {
    let quoted: Vec<String> = parts
        .iter()
        .map(|part| {
            let part = part.as_ref();
            let bare = !part.is_empty()
                && part
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-'));
            match (bare, part.contains('"')) {
                (true, _) => part.to_owned(),
                (false, false) => format!("\"{part}\""),
                (false, true) => format!("'{part}'"),
            }
        })
        .collect();
    quoted.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Without it, a setting of an endpoint with a dot in its name cannot be reached.
    #[test]
    fn quoted_parts_keep_their_dots() {
        let parts = split(r#"endpoint."aiChat.sendMessage".feature"#).unwrap();
        let texts: Vec<&str> = parts.iter().map(|part| &part.text[..]).collect();
        assert_eq!(texts, ["endpoint", "aiChat.sendMessage", "feature"]);
        assert_eq!(parts[1].range, 9..29);
        assert_eq!(split("a..b"), Err((2, "a part of the path is empty")));
        assert_eq!(split("a.\"b"), Err((2, "the quote is never closed")));
        assert_eq!(split("a.\"b\"c"), Err((5, "a dot is expected between two parts")));
        assert_eq!(split(""), Err((0, "a part of the path is empty")));
    }

    proptest! {
        /// Without it, a path in a message leads somewhere else when it is copied into a flag.
        #[test]
        fn what_is_written_is_split_back(parts in prop::collection::vec("[a-zA-Z0-9_ .éß/-]{1,12}", 1..5)) {
            let split = split(&write(&parts)).unwrap();
            let texts: Vec<String> = split.into_iter().map(|part| part.text).collect();
            prop_assert_eq!(texts, parts);
        }
    }
}
