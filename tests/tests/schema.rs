//! The JSON Schema of a file kind says what the reader of files says, as far as a schema can.

use std::collections::BTreeSet;

use highwater_models::bundled;
use highwater_models::file::reference;
use highwater_models::file::schema::{FileKind, tables};
use highwater_report::schema::schema;
use highwater_tests::json_schema::{mistake, value_of};
use highwater_tests::run::load;
use serde_json::Value;

fn check(kind: FileKind, text: &str) -> Option<String> {
    mistake(&schema(kind), &value_of(text))
}

// Lost if broken: red marks in an editor under a file that runs.
#[test]
fn every_bundled_file_suits_its_schema() {
    for file in bundled::systems() {
        assert_eq!(check(FileKind::System, file.text), None, "{}", file.name);
    }
    for file in bundled::scenarios() {
        assert_eq!(check(FileKind::Scenario, file.text), None, "{}", file.name);
    }
    for file in bundled::studies() {
        assert_eq!(check(FileKind::Study, file.text), None, "{}", file.name);
    }
}

// Lost if broken: an editor that is silent about what the command refuses.
#[test]
fn what_the_reader_refuses_for_its_shape_the_schema_refuses_too() {
    const RIGHT: &str = "duration = \"1m\"\nload = { rate = 5.0 }\n[system.pool.servers]\nmax = 2\n\
                         [system.endpoint.e]\nsteps = [ { take = { from = \"servers\", for = \"100ms\" } } ]\n";
    let refused = |text: &str| load("t.toml", text, &[], false).plan.is_none();
    assert!(!refused(RIGHT) && check(FileKind::Scenario, RIGHT).is_none());
    for (from, to) in [
        ("duration", "duratoin"),
        ("\"1m\"", "60"),
        ("\"1m\"", "\"1 minute\""),
        ("\"1m\"", "\"-1m\""),
        ("rate = 5.0", "rate = true"),
        ("rate = 5.0", "rate = -5.0"),
        ("rate = 5.0", "rate = { from = 1.0 }"),
        ("rate = 5.0", "rate = 5.0, spacing = \"poison\""),
        ("max = 2", "max = 2.5"),
        ("max = 2", "max = 0"),
        ("max = 2", "maximum = 2"),
        ("max = 2", "max = 2\nwaiters = \"several\""),
        ("[system.pool.servers]", "[system.pools.servers]"),
        ("{ take = {", "{ cpu = \"1ms\", take = {"),
        ("{ take = { from = \"servers\", for = \"100ms\" } }", "{ }"),
        ("for = \"100ms\"", "for = { dist = \"exponentail\", mean = \"1s\" }"),
        ("for = \"100ms\"", "for = { mean = \"1s\" }"),
        ("for = \"100ms\"", "per = \"100ms\""),
        ("load = {", "objectives = { p95 = 2 }\nload = {"),
        ("load = {", "objectives = { error_rate = 1.5 }\nload = {"),
        (
            "load = {",
            "objectives = { endpoint = { e = { endpoint = {} } } }\nload = {",
        ),
        ("load = {", "objectives = { errors = { pool_timeuot = 0 } }\nload = {"),
        ("load = {", "replications = 0\nload = {"),
        (
            "load = {",
            "event = [ { at = \"1s\", fault = { slow = {}, down = {} } } ]\nload = {",
        ),
    ] {
        let text = RIGHT.replacen(from, to, 1);
        assert_ne!(text, RIGHT, "{from}");
        assert!(refused(&text), "the reader takes {to}");
        assert!(check(FileKind::Scenario, &text).is_some(), "the schema takes {to}");
    }
}

// Lost if broken: a key that completes and is refused, or one that nobody is offered.
#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let known: BTreeSet<(String, String)> = reference::tables()
        .iter()
        .flat_map(|table| {
            table
                .keys
                .iter()
                .map(|key| (table.title.to_owned(), key.key.to_owned()))
        })
        .collect();
    let mut offered = BTreeSet::new();
    for kind in FileKind::ALL {
        let schema = schema(kind);
        let definitions = schema["$defs"].as_object().expect("definitions");
        assert_eq!(definitions.len(), tables(kind).len());
        for (name, definition) in definitions {
            // Two declarations that share a title are numbered.
            let title = name.trim_end_matches("-2");
            let keys = definition["properties"].as_object().expect("keys").keys();
            offered.extend(keys.map(|key| (title.to_owned(), key.clone())));
            assert_eq!(definition["additionalProperties"], Value::Bool(false), "{name}");
        }
    }
    assert_eq!(offered, known);
    assert!(known.len() > 300, "{}", known.len());
}
