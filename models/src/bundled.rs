//! The scenarios and systems that ship inside the binary.
//!
//! Owns: their names and texts.
//! Never: reading them; a text is handed to `file` like any other.

/// A file that ships inside the binary.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// Name by which it is found: the path below `scenarios/`, or below `scenarios/systems/`, without the ending.
    pub name: &'static str,
    /// The whole text.
    pub text: &'static str,
}

impl Bundled {
    /// The question that the file asks or answers: the comment it opens with, on one line.
    #[must_use]
    pub fn question(&self) -> String {
        let lines = self
            .text
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .map(str::trim);
        lines.collect::<Vec<_>>().join(" ")
    }
}

macro_rules! bundle {
    ($directory:literal: $($name:literal),* $(,)?) => {
        &[$(Bundled {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $directory, $name, ".toml")),
        }),*]
    };
}

const SCENARIOS: &[Bundled] = bundle!("":
    "normal",
    "peak",
    "viral-spike",
    "crisis",
    "artillery-one-address",
    "artillery-many-addresses",
    "autoscale-25-connections",
    "transaction-over-llm",
    "textbook/mm1",
    "textbook/mmc",
    "textbook/closed",
);

const SYSTEMS: &[Bundled] = bundle!("systems/": "coaching");

/// Every scenario, in the order in which one would read them.
#[must_use]
pub fn scenarios() -> &'static [Bundled] {
    SCENARIOS
}

/// Every system.
#[must_use]
pub fn systems() -> &'static [Bundled] {
    SYSTEMS
}

/// The text of a scenario. Its last part is enough: `mm1` is `textbook/mm1`.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static str> {
    find(SCENARIOS, name)
}

/// The text of a system, as a scenario's `system` names it.
#[must_use]
pub fn system(name: &str) -> Option<&'static str> {
    find(SYSTEMS, name)
}

fn find(files: &[Bundled], name: &str) -> Option<&'static str> {
    let last = |file: &Bundled| file.name.rsplit('/').next() == Some(name);
    let found = files
        .iter()
        .find(|file| file.name == name)
        .or_else(|| files.iter().find(|file| last(file)));
    found.map(|file| file.text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// A file that is written and not listed is never found by name, and nobody notices.
    #[test]
    fn every_file_in_the_folder_ships() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
        let names = |below: &str, prefix: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(folder.join(below)).expect("the folder is part of the repository");
            let names = entries.map(|entry| {
                entry
                    .expect("a readable folder")
                    .file_name()
                    .into_string()
                    .expect("a name")
            });
            names
                .filter_map(|name| Some(format!("{prefix}{}", name.strip_suffix(".toml")?)))
                .collect()
        };
        let shipped = |files: &[Bundled]| files.iter().map(|file| file.name.to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(shipped(scenarios()), &names("", "") | &names("textbook", "textbook/"));
        assert_eq!(shipped(systems()), names("systems", ""));
    }

    /// `highwater run viral-spike` is the first thing that a newcomer types.
    #[test]
    fn files_are_found_by_name() {
        for file in scenarios() {
            assert_eq!(scenario(file.name), Some(file.text));
        }
        assert!(system("coaching").is_some() && scenario("mm1") == scenario("textbook/mm1"));
        for nothing in ["", "textbook", "viral-spike.toml", "coaching", "m1"] {
            assert!(scenario(nothing).is_none(), "{nothing:?}");
        }
    }

    /// The scenarios are the manual: without its question a file is a heap of settings, and a list in the manual that says
    /// something else sends readers to the wrong one.
    #[test]
    fn every_file_opens_with_its_question_and_the_list_repeats_it() {
        let list = include_str!("../../scenarios/README.md");
        for file in scenarios() {
            let question = file.question();
            assert!(question.ends_with('?'), "{} opens with {question:?}", file.name);
            assert!(
                list.contains(&format!("| `{}.toml` | {question} |", file.name)),
                "{}: {question}",
                file.name
            );
            assert!(
                file.text.contains("\n# Look at: "),
                "{} does not say what to look at",
                file.name
            );
        }
    }
}
