//! Drafts: each answer has its file, and each file its reader.

use super::*;
use crate::file::{Files, Request, load_scenario, render_all};
use crate::review::{Severity, review};
use crate::{bundled, catalogue};

struct Beside(String);

impl Files for Beside {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == "shop.system.toml" {
            Ok(self.0.clone())
        } else {
            Err("no such file".to_owned())
        }
    }
}

/// Reads a draft as the command would; panics with what is wrong with it or contradicts itself.
fn check_draft(given: &[(&str, &str)]) -> Draft {
    let answers = answers(given.iter().copied()).unwrap_or_else(|mistakes| panic!("{given:?}: {mistakes:?}"));
    let draft = draft("shop", &answers);
    let request = Request {
        catalogue: catalogue::names,
        ..Request::new("shop.toml", draft.scenario.clone())
    };
    let loaded = load_scenario(request, &Beside(draft.system.clone()), bundled::system);
    let said = render_all(&loaded.diagnostics, &loaded.sources, false);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{given:?}\n{said}"));
    assert_eq!(said, "", "{given:?}");
    let review = review(&plan.system, Some(&plan.scenario));
    let contradictions: Vec<_> = review
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Contradiction)
        .collect();
    assert!(contradictions.is_empty(), "{given:?}\n{contradictions:#?}");
    draft
}

// Lost if broken: a newcomer's first file has a mistake, or contradicts itself.
#[test]
fn every_answer_makes_files_that_can_be_read_and_agree() {
    check_draft(&[]);
    let edition = catalogue::Edition::latest();
    for plan in edition.web_plan_names() {
        check_draft(&[("host", &format!("render:{plan}"))]);
    }
    for plan in edition.database_plan_names() {
        check_draft(&[("database", &format!("render:{plan}"))]);
    }
    let writes = |model: &&catalogue::Model| model.price_out.is_some() && !model.is_withdrawn_on(edition.date());
    for model in edition.models().iter().filter(writes) {
        check_draft(&[("llm", &format!("openai:{}", model.name))]);
    }
    for when in ["evenings", "Weekday Evenings", "office hours", "all day"] {
        for llm in ["none", "openai:gpt-4o-mini"] {
            for database in ["none", "5 connections", "render:basic-1gb"] {
                for payments in ["none", "stripe"] {
                    let given = [
                        ("when", when),
                        ("llm", llm),
                        ("database", database),
                        ("payments", payments),
                    ];
                    check_draft(&given);
                }
            }
        }
    }
    let goals = "p95 < 2s, p99 <= 5 s, errors < 0.5%, cost < $1,000";
    let draft = check_draft(&[("host", "2 cores, 4 GB"), ("users", "20,000"), ("must-hold", goals)]);
    assert!(draft.scenario.contains("cost_month = 1000.0"), "{}", draft.scenario);
}

// Lost if broken: a form and a terminal that show one default and take another.
#[test]
fn the_defaults_are_the_answers_shown() {
    for question in QUESTIONS {
        check(question.key, question.default).unwrap_or_else(|mistake| panic!("{}: {mistake:?}", question.key));
    }
    let given: Vec<(&str, &str)> = QUESTIONS.iter().map(|one| (one.key, one.default)).collect();
    assert_eq!(answers(given), Ok(Answers::default()));
    assert_eq!(Answers::default().must_hold.len(), 2);
}

// Lost if broken: the way out of a slip of the finger.
#[test]
fn a_slip_is_answered_with_the_nearest_name() {
    for (key, text, help) in [
        ("host", "render:standart", "did you mean `render:standard`?"),
        ("host", "heroku:basic", "`render`"),
        ("host", "x cores, 4 GB", "2 cores, 4 GB"),
        ("host", "2 cores, 4 parsecs", "2 cores, 4 GB"),
        ("database", "render:basic-1g", "did you mean `render:basic-1gb`?"),
        ("database", "4 connections", "100 connections"),
        ("users", "many", "500"),
        ("users", "0", "500"),
        ("when", "evening", "did you mean `evenings`?"),
        ("llm", "openai:gpt-4o-mimi", "did you mean `openai:gpt-4o-mini`?"),
        ("llm", "openai:whisper-1", "`gpt-4o-mini`"),
        ("llm", "openai:gpt-4", "`gpt-4o-mini`"),
        ("llm", "anthropic:x", "`openai`"),
        ("payments", "cash", "`stripe`"),
        ("must-hold", "p59 < 2s", "did you mean `p50`?"),
        ("must-hold", "p95 < 2", "p95 < 2s"),
        ("must-hold", "p95 2s", "p95 < 2s"),
        ("must-hold", "errors < 200%", "errors < 1%"),
        ("must-hold", "p95 < 2s, p95 < 3s", "one bound"),
        ("must-hold", "", "p95 < 2s"),
        ("colour", "red", "`host`"),
    ] {
        let mistake = check(key, text).expect_err(text);
        assert!(mistake.help.contains(help), "{key} {text}: {mistake:?}");
    }
}

// Lost if broken: a file from which nobody learns the format.
#[test]
fn each_figure_says_where_it_comes_from() {
    let draft = check_draft(&[("payments", "stripe")]);
    for (text, words) in [
        (&draft.system, ["yours", "documented", "assumed"]),
        (&draft.scenario, ["yours", "assumed", "highwater explain"]),
    ] {
        for word in words {
            assert!(text.contains(word), "{word}:\n{text}");
        }
    }
}
