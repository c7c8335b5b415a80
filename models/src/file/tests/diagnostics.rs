//! Diagnostics for programs and terminals, and the question to the catalogue.

use super::{COACHING, Given, bundled, load};
use crate::file::{CatalogueKind, Edition, PlaceData, Request, load_scenario, load_system};

/// Without it, an editor or a CI annotation marks another line than the text does.
#[test]
fn as_data_a_place_has_lines_and_columns_in_characters() {
    let loaded = load("title = \"é🌊\"\nload = { \"raté\" = 1 }\n", &["é.x=1"], &[]);
    let data: Vec<_> = loaded
        .diagnostics
        .iter()
        .map(|one| one.to_data(&loaded.sources))
        .collect();
    let unknown = data.iter().find(|one| one.id == "file::unknown-key").unwrap();
    assert_eq!(unknown.severity, "error");
    assert_eq!(unknown.message, "`load` has no key `raté`");
    assert_eq!(unknown.help.as_deref(), Some("did you mean `rate`?"));
    let place = PlaceData {
        file: "dir/a.toml".to_owned(),
        line: 2,
        column: 10,
        end_line: 2,
        end_column: 16,
        label: "unknown key".to_owned(),
    };
    assert_eq!(unknown.place, place);
    assert!(unknown.related.is_empty());
}

/// Without it, a file's text can move the cursor of a terminal or colour what it likes.
#[test]
fn colour_is_only_added_and_control_characters_are_not_passed_on() {
    let loaded = load("\"\\u001b[31m\" = 1\nx = \"\\u0007\"\n", &[], &[]);
    let mark = loaded
        .diagnostics
        .iter()
        .find(|one| one.id == "file::unknown-key")
        .unwrap();
    let plain = mark.to_text(&loaded.sources, false);
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    let coloured = mark.to_text(&loaded.sources, true);
    assert!(
        coloured.contains("\u{1b}[") && !coloured.contains("\u{1b}[31m"),
        "{coloured:?}"
    );
}

fn few_names(edition: &Edition, kind: CatalogueKind) -> Option<Vec<&'static str>> {
    assert_eq!(edition.text(), "2025-12-10");
    match kind {
        CatalogueKind::ServicePlan => Some(vec!["starter", "standard"]),
        CatalogueKind::DatabasePlan => Some(vec!["basic-1gb"]),
        CatalogueKind::CachePlan => Some(vec!["upstash-free"]),
        CatalogueKind::Model => Some(vec!["gpt-4", "gpt-3.5-turbo", "whisper-1"]),
        CatalogueKind::Workspace => Some(vec!["hobby", "professional"]),
    }
}

/// Without it, a plan that does not exist costs nothing and has no limits.
#[test]
fn plans_and_models_are_those_of_the_catalogue() {
    let request = || Request {
        catalogue: few_names,
        ..Request::new("coaching.toml", COACHING)
    };
    assert_eq!(load_system(request(), &Given(&[])).diagnostics, []);
    let settings = ["web.plan=standrad", "openai.use.speech=whisper-2", "redis.plan=free"].map(str::to_owned);
    let loaded = load_system(request().with_settings(&settings), &Given(&[]));
    let said: Vec<(&str, &str)> = loaded
        .diagnostics
        .iter()
        .map(|one| (&one.message[..], one.help.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        said,
        [
            (
                "the catalogue has no plan of a service `standrad`",
                "did you mean `standard`?"
            ),
            ("the catalogue has no model `whisper-2`", "did you mean `whisper-1`?"),
            ("the catalogue has no plan of a cache `free`", "it has: `upstash-free`"),
        ]
    );
}

/// Without it, a setting of an event names a plan that does not exist and the run finds out.
#[test]
fn settings_of_an_event_are_asked_of_the_catalogue_too() {
    let text = "system = \"coaching\"\nduration = \"1m\"\nload = { rate = 1 }\n\
        [[event]]\nat = \"1s\"\naction = { set = { \"web.plan\" = \"huge\" } }\n";
    let request = Request {
        catalogue: few_names,
        ..Request::new("a.toml", text)
    };
    let loaded = load_scenario(request, &Given(&[]), bundled);
    let [only] = &loaded.diagnostics[..] else {
        panic!("{:?}", loaded.diagnostics)
    };
    assert_eq!(only.id, "check::unknown-plan");
    assert_eq!(
        loaded
            .sources
            .line_and_column(only.primary.at.source, only.primary.at.start),
        (6, 33)
    );
}
