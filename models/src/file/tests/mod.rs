//! Tests of files as a whole: what loads, what exactly is said about what does not, and that no text breaks anything.

mod bad_names;
mod bad_scenarios;
mod bad_values;
mod diagnostics;
mod examples;
mod quantities;
mod random;
mod reference;
mod settings;

use super::{Diagnostic, Files, Loaded, Request, load_scenario, render_all};

/// Files by name.
struct Given(&'static [(&'static str, &'static str)]);

impl Files for Given {
    fn read(&self, path: &str) -> Result<String, String> {
        let found = self.0.iter().find(|(name, _)| *name == path);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| "no such file".to_owned())
    }
}

const COACHING: &str = include_str!("../test_data/coaching.toml");
const SPIKE: &str = include_str!("../test_data/viral-spike.toml");
const MM1: &str = include_str!("../test_data/mm1.toml");

fn bundled(name: &str) -> Option<&'static str> {
    (name == "coaching").then_some(COACHING)
}

fn load(text: &str, settings: &[&str], files: &'static [(&'static str, &'static str)]) -> Loaded {
    let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
    let request = Request {
        bundled_systems: &["coaching"],
        ..Request::new("dir/a.toml", text)
    };
    load_scenario(request.with_settings(&settings), &Given(files), bundled)
}

/// What is said about a text, without the indentation that a test writes it with.
fn said(text: &str, settings: &[&str], files: &'static [(&'static str, &'static str)]) -> String {
    let loaded = load(text, settings, files);
    assert_eq!(
        loaded.plan.is_none(),
        loaded.diagnostics.iter().any(Diagnostic::is_error)
    );
    render_all(&loaded.diagnostics, &loaded.sources, false)
}

/// Text without the indentation of its first line.
fn dedent(text: &str) -> String {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let indent = text.len() - text.trim_start_matches(' ').len();
    let lines: Vec<&str> = text.lines().map(|line| line.get(indent..).unwrap_or("")).collect();
    lines.join("\n").trim_end().to_owned()
}

/// A file, the files beside it, and the whole answer.
fn check(text: &str, files: &'static [(&'static str, &'static str)], answer: &str) {
    check_with(text, &[], files, answer);
}

/// The same with settings.
fn check_with(text: &str, settings: &[&str], files: &'static [(&'static str, &'static str)], answer: &str) {
    let found = said(&(dedent(text) + "\n"), settings, files);
    let answer = dedent(answer);
    // Not `assert_eq!`: its escaped line breaks cannot be read.
    assert!(found == answer, "said:\n{found}\n\nexpected:\n{answer}");
}
