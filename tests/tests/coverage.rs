//! Coverage: a part of the experiment behind `docs/coverage.md`, small enough for every run of the tests.
//!
//! Of so many experiments, how many intervals hold the truth is binomial. With 200 under fixed seeds, a method whose level is
//! 94 % or more misleads in fewer than 24 of them in 99.9 % of choices of seeds, and one of 80 % practically never does.

use highwater_tests::coverage::{Row, cases, measure};

/// Experiments of a case.
const EXPERIMENTS: u64 = 200;

/// The 99.9 % quantile of how many of 200 are misled where 6 % are: binomial, mean 12, standard deviation 3.4.
const MISLED: f64 = 23.0 / EXPERIMENTS as f64;

fn check(name: &str) -> Vec<Row> {
    let cases = cases();
    let case = cases
        .iter()
        .find(|case| case.name == name)
        .expect("a case of that name");
    assert!(case.is_quick, "{name} is too long for the ordinary tests");
    let rows = measure(case, 1..EXPERIMENTS + 1, 2);
    for row in &rows {
        assert!(row.misled() <= MISLED, "{row:?}");
    }
    rows
}

// Lost if broken: intervals of means, percentiles and shares of a queue are words without worth.
#[test]
fn a_queue_seen_for_a_short_time() {
    let rows = check("M/M/1, half busy, short");
    let of = |label: &str, replications: usize| {
        let is_it = |row: &&Row| row.label == label && row.replications == replications;
        rows.iter().find(is_it).expect("a row of that figure")
    };
    for label in ["mean latency", "p50", "p95", "share that waits"] {
        assert!(of(label, 10).given() > 0.9, "{label}: {:?}", of(label, 10));
    }
    // 15 of 1,500 requests beyond p99 in five replications, in a few rushes: seldom enough to say anything.
    assert!(of("p99", 5).given() < 0.2, "{:?}", of("p99", 5));
    assert!(of("p99", 30).given() > 0.8, "{:?}", of("p99", 30));
}

// Lost if broken: an error rate is claimed to be surer than it is.
#[test]
fn errors_by_chance() {
    let rows = check("errors by chance, 5 %");
    assert!(rows.iter().all(|row| row.given() == 1.0));
}

// Lost if broken: a run with no error, or one, is taken for proof.
#[test]
fn hardly_any_errors() {
    let rows = check("errors by chance, 0.1 %, hardly any");
    assert!(rows.iter().all(|row| row.given() == 1.0));
}

// Lost if broken: what never varies is given a width, or misses itself by a rounding.
#[test]
fn nothing_varies() {
    let rows = check("always 100 ms");
    assert!(rows.iter().all(|row| row.verdict() == "exact"), "{rows:?}");
}
