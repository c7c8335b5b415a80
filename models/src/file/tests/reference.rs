//! The reference that `explain` and the manual are made from.

use crate::file::reference::{Standing, explain, tables};

/// Without it, a founder asks where a number comes from and gets no answer, or that of another key.
#[test]
fn a_key_is_explained_by_its_path() {
    for (asked, table, type_text, default, standing) in [
        ("pool.max", "pool", "count", None, "by definition"),
        (
            "pool.idle_timeout",
            "pool",
            "time or \"never\"",
            Some("\"10s\""),
            "documented",
        ),
        ("service.scaling.cpu", "service.scaling", "share", None, "by definition"),
        (
            "service.boot",
            "service",
            "quantity of time",
            Some("\"45s\""),
            "assumed",
        ),
        ("step.llm.stream", "step.llm", "bool", Some("false"), "by definition"),
        (
            "provider.retry.max",
            "retry",
            "count or \"forever\"",
            None,
            "by definition",
        ),
        ("step.retry.wait", "step.retry", "wait", None, "by definition"),
        (
            "limiter.rule.fixed_window.opens",
            "limiter.rule.fixed_window",
            "\"first_hit\", \"clock\"",
            Some("\"first_hit\""),
            "documented",
        ),
        (
            "measure.percentiles",
            "measure",
            "list of number",
            Some("[50, 90, 95, 99]"),
            "by definition",
        ),
        ("load.rate", "load", "rate or ramp", None, "by definition"),
        ("objectives.p95", "objectives", "time", None, "by definition"),
        ("quantity.dist", "quantity", "", None, "by definition"),
    ] {
        let explanation = explain(asked).unwrap_or_else(|near| panic!("{asked}: {near:?}"));
        let [(title, key)] = &explanation.keys[..] else {
            panic!("{asked}: {:?}", explanation.keys)
        };
        assert_eq!(
            (*title, key.default, key.standing.text()),
            (table, default, standing),
            "{asked}"
        );
        if !type_text.is_empty() {
            assert_eq!(key.type_text, type_text, "{asked}");
        }
        assert!(!key.meaning.is_empty());
    }
}

/// Without it, one has to know the table before one can ask for the key.
#[test]
fn a_bare_key_lists_every_table_that_has_it_and_a_slip_the_nearest() {
    let tables: Vec<&str> = explain("timeout")
        .unwrap()
        .keys
        .iter()
        .map(|(table, _)| *table)
        .collect();
    for table in ["pool", "queue", "client", "provider", "service.health"] {
        assert!(tables.contains(&table), "{tables:?}");
    }
    let pool = explain("pool").unwrap();
    assert_eq!(pool.table.unwrap().keys.len(), 11);
    assert_eq!(explain("pool.timout").unwrap_err()[0], "pool.timeout");
    assert!(explain("").unwrap_err().is_empty());
}

/// Without it, a default that no file could write, or a fact without its date, is found by a user.
#[test]
fn every_default_reads_and_every_fact_has_a_date() {
    // Making the reference reads every default, in tests.
    let tables = tables();
    assert!(tables.len() > 60, "{}", tables.len());
    for table in &tables {
        assert!(!table.keys.is_empty() && !table.meaning.is_empty(), "{}", table.title);
        for key in &table.keys {
            let name = format!("{}.{}", table.title, key.key);
            assert!(!key.meaning.is_empty() && !key.type_text.is_empty(), "{name}");
            let (Standing::Documented { source, date }
            | Standing::Measured { source, date }
            | Standing::Assumed { reason: source, date }) = key.standing
            else {
                continue;
            };
            assert!(!source.is_empty(), "{name}");
            assert!(date.len() == 10 && date.starts_with("20"), "{name}: {date}");
        }
    }
}
