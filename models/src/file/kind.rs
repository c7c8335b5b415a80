//! Whether a text is a scenario or a system, before anything in it is checked.
//!
//! Owns: the keys that tell the two apart.
//! Never: mistakes; a text with some is still one or the other.

use super::diagnostic::Sources;
use super::read::TableRead;
use super::scenario::Scenario;
use super::system::System;
use super::tree::{Value, parse};

/// Whether a text seems to be meant for us at all: it has a key of a scenario or of a system, or cannot be read. What
/// has neither is a file of some other program.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    let source = Sources::default().add("", text);
    let (root, errors) = parse(text, source);
    let mut keys = Vec::new();
    System::describe(&mut keys);
    Scenario::describe(&mut keys);
    // A title or a profile is anybody's: a manifest of cargo has one.
    let anybodys = |key: &str| matches!(key, "title" | "seed" | "set" | "profile" | "event" | "measure");
    let has_key = match &root.value {
        Value::Table(table) => table
            .entries
            .iter()
            .any(|(key, _)| !anybodys(&key.text) && keys.iter().any(|known| known.key == key.text)),
        _ => false,
    };
    has_key || !errors.is_empty()
}

/// Whether a text is a scenario's: it names or holds a system, or says who comes.
#[must_use]
pub fn is_scenario(text: &str) -> bool {
    const KEYS: [&str; 5] = ["system", "load", "source", "duration", "objectives"];
    let source = Sources::default().add("", text);
    let (root, _) = parse(text, source);
    match &root.value {
        Value::Table(table) => KEYS.iter().any(|key| table.get(key).is_some()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_ours, is_scenario};
    use crate::bundled;

    /// Without it, a system is reviewed as a scenario without a system, or the other way round.
    #[test]
    fn bundled_files_are_told_apart() {
        for file in bundled::scenarios() {
            assert!(is_scenario(file.text), "{}", file.name);
        }
        for file in bundled::systems() {
            assert!(!is_scenario(file.text), "{}", file.name);
        }
        assert!(!is_scenario("") && !is_scenario("not = [") && is_scenario("load = 1"));
    }

    /// Without it, a folder of scenarios cannot hold any other program's TOML, or a broken one is passed over in silence.
    #[test]
    fn other_programs_files_are_not_ours() {
        for file in bundled::scenarios().iter().chain(bundled::systems()) {
            assert!(is_ours(file.text), "{}", file.name);
        }
        assert!(is_ours("load = [") && is_ours("nonsense = ["));
        assert!(!is_ours("[package]\nname = \"x\"\nversion = \"1\"\n[dependencies]\n") && !is_ours(""));
    }
}
