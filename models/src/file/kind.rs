//! Whether a text is a scenario or a system, before anything in it is checked.
//!
//! Owns: the keys that tell the two apart.
//! Never: mistakes; a text with some is still one or the other.

use super::diagnostic::Sources;
use super::tree::{Value, parse};

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
    use super::is_scenario;
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
}
