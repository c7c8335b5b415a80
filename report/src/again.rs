//! The command that gives a result again: what was typed, as far as it decides the result.
//!
//! Owns: how its words are put together. Never: which of a command's arguments decide (each command's own file).

use crate::next_step::shell;

/// A command under construction.
#[derive(Debug)]
pub struct Again(String);

impl Again {
    /// `highwater` with that command.
    #[must_use]
    pub fn new(command: &str) -> Self {
        Self(format!("highwater {command}"))
    }

    /// With a word of its own: a scenario, a folder.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(&shell(word));
        self
    }

    /// With a flag for each of the values.
    #[must_use]
    pub fn flag(self, name: &str, values: impl IntoIterator<Item: ToString>) -> Self {
        let with = |again: Self, value| again.word(name).word(&ToString::to_string(&value));
        values.into_iter().fold(self, with)
    }

    /// The whole, as a shell takes it.
    #[must_use]
    pub fn text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a command in a report that a shell takes apart.
    #[test]
    fn words_stay_words_and_what_was_not_given_is_left_out() {
        let again = Again::new("run")
            .word("a b.toml")
            .flag("--set", ["web.plan=pro", "load.rate=1 2"])
            .flag("--seed", None::<u64>)
            .flag("--replications", Some(3));
        assert_eq!(
            again.text(),
            "highwater run 'a b.toml' --set web.plan=pro --set 'load.rate=1 2' --replications 3"
        );
    }
}
