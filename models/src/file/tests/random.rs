//! Any text at all: nothing breaks, and every mark lies within its text.

use proptest::prelude::*;

use super::{COACHING, Given, MM1, SPIKE, bundled};
use crate::file::{
    Diagnostic, Label, Loaded, Request, Scenario, SourceId, Sources, System, load_scenario, load_system,
};
use crate::review::review;

const FILES: &[(&str, &str)] = &[("dir/x.csv", "at,é\n1,2\n"), ("dir/x.txt", "1\né\n")];

/// What is likely to stand in a file, and what is likely to hurt.
const PIECES: [&str; 40] = [
    "",
    " ",
    "\n",
    "\r\n",
    "\t",
    "\"",
    "'",
    "\"\"\"",
    "=",
    ".",
    ",",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    "#",
    "\\",
    "é",
    "🌊",
    "\u{feff}",
    "\u{0}",
    "\u{7f}",
    "0",
    "-1",
    "1e400",
    "nan",
    "99999999999999999999",
    "true",
    "2025-12-10",
    "\"5s\"",
    "\"x.csv\"",
    "\"x.txt\"",
    "max",
    "steps",
    "[system.pool.p]\n",
    "{ dist = \"replay\", file = \"x.txt\" }",
    "a.b.c.d = 1\n",
    "\u{202e}",
];

fn check_labels(diagnostics: &[Diagnostic], sources: &Sources) {
    for diagnostic in diagnostics {
        for Label { at, .. } in std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary) {
            let Some(text) = sources.text(at.source) else {
                assert_eq!(at.source, SourceId::DEFAULT, "{diagnostic:?}");
                continue;
            };
            let (start, end) = (at.start as usize, at.end as usize);
            assert!(
                text.get(start..end).is_some(),
                "{diagnostic:?} outside of {} bytes",
                text.len()
            );
        }
        for colour in [false, true] {
            assert!(diagnostic.to_text(sources, colour).contains(diagnostic.id));
        }
        assert!(diagnostic.to_data(sources).place.line > 0);
    }
}

/// What can be read can be reviewed, and whatever is found can be shown.
fn check_review(system: &System, scenario: Option<&Scenario>) {
    for finding in review(system, scenario).findings {
        for text in [&finding.subject, &finding.title, &finding.arithmetic, &finding.cure] {
            assert!(!text.is_empty() && !text.contains("NaN"), "{finding:?}");
        }
    }
}

fn check(text: &str, settings: &[String]) {
    let loaded: Loaded = load_scenario(
        Request::new("dir/a.toml", text).with_settings(settings),
        &Given(FILES),
        bundled,
    );
    assert_eq!(
        loaded.plan.is_none(),
        loaded.diagnostics.iter().any(Diagnostic::is_error),
        "{:?}",
        loaded.diagnostics
    );
    check_labels(&loaded.diagnostics, &loaded.sources);
    if let Some(plan) = &loaded.plan {
        check_review(&plan.system, Some(&plan.scenario));
    }
    let loaded = load_system(Request::new("dir/a.toml", text).with_settings(settings), &Given(FILES));
    check_labels(&loaded.diagnostics, &loaded.sources);
    if let Some(system) = &loaded.system {
        check_review(system, None);
    }
}

/// A valid file with a few places cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        0_usize..8,
        prop::sample::select(&PIECES[..]),
        any::<bool>(),
    );
    let file = prop::sample::select(&[COACHING, SPIKE, MM1][..]);
    (file, prop::collection::vec(change, 1..4)).prop_map(|(file, changes)| {
        let mut letters: Vec<char> = file.chars().collect();
        for (index, cut, piece, double) in changes {
            let start = index.index(letters.len() + 1);
            let end = (start + cut).min(letters.len());
            let mut new: Vec<char> = piece.chars().collect();
            if double {
                new.extend_from_slice(&letters[start..end]);
                new.extend_from_slice(&letters[start..end]);
            }
            letters.splice(start..end, new);
        }
        letters.into_iter().collect()
    })
}

proptest! {
    /// Without it, some file ends the program instead of being refused.
    #[test]
    fn any_text_is_answered(text in ".{0,200}") {
        check(&text, &[]);
    }

    /// Without it, some file of plausible pieces does.
    #[test]
    fn any_heap_of_pieces_is_answered(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..40)) {
        check(&pieces.concat(), &[]);
    }

    /// Without it, some slip in a good file does.
    #[test]
    fn a_valid_file_with_slips_is_answered(text in mutated()) {
        check(&text, &[]);
    }

    /// Without it, some flag does.
    #[test]
    fn any_flag_is_answered(
        flags in prop::collection::vec(
            prop_oneof![
                ".{0,40}",
                "(web|pool|servers|load|endpoint|measure|set|system|event)(\\.(job|0|max|steps|rate|é|\"x.y\")){0,3} ?= ?.{0,12}",
            ],
            0..4,
        ),
    ) {
        check(MM1, &flags);
        check(SPIKE, &flags);
    }
}

/// Without it, a file of one deep value overflows the stack.
#[test]
fn depth_has_a_bound() {
    for (open, close) in [
        ("[", "]"),
        ("{ a = ", " }"),
        ("{ repeat = { times = 1, steps = [ ", " ] } }"),
    ] {
        for depth in [10, 79, 1_000, 100_000] {
            check(&format!("x = {}1{}", open.repeat(depth), close.repeat(depth)), &[]);
        }
    }
    // The deepest that the parser lets through: steps within steps, by headers and then by values.
    let mut deepest = MM1.to_owned();
    for depth in 1..38 {
        let header = format!("system.endpoint.deep.steps{}", ".repeat.steps".repeat(depth - 1));
        deepest.push_str(&format!("[[{header}]]\n[{header}.repeat]\ntimes = 1\n"));
    }
    let (open, close) = ("[ { repeat = { times = 1, steps = ", " } } ]");
    deepest.push_str(&format!(
        "steps = {}[ {{ cpu = \"1ms\" }} ]{}\n",
        open.repeat(25),
        close.repeat(25)
    ));
    check(&deepest, &[]);
    check(&format!("{} = 1", vec!["a"; 100_000].join(".")), &[]);
    check(&format!("[{}]", vec!["a"; 100_000].join(".")), &[]);
    check(MM1, &[format!("{} = 1", vec!["load"; 100_000].join("."))]);
}
