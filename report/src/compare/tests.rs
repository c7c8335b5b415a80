//! What is said of two results, word for word.

use super::*;
use crate::sample;
use highwater_models::record::figures::{Figure, FigureKind, Path};
use highwater_models::record::summary::Summary;
use highwater_sim::compare::{Side, compare};
use highwater_sim::interval::Intervals;

/// Puts a figure with these values by replication into a summary.
fn set(summary: &mut Summary, path: &[&str], unit: Unit, samples: [f64; 3]) {
    let figure = Figure {
        kind: FigureKind::Estimate,
        unit,
        estimate: Intervals::new(3).estimate(&samples),
        samples: samples.to_vec(),
    };
    summary.figures.insert(Path::new(path), figure);
}

fn side(name: &str, hash: &str, figures: &[(&[&str], Unit, [f64; 3])]) -> Side {
    let mut summary = Summary {
        title: "A spike".to_owned(),
        scenario: "spike".to_owned(),
        version: "0.1.0".to_owned(),
        model_hash: hash.to_owned(),
        seed: 1,
        replications: 3,
        measured: (0.0, 600.0),
        ..Summary::default()
    };
    for (path, unit, samples) in figures {
        set(&mut summary, path, *unit, *samples);
    }
    Side {
        name: name.to_owned(),
        origin: Origin::Simulation,
        summary,
    }
}

const RATE: &[&str] = &["errors", "rate"];
const GOODPUT: &[&str] = &["goodput"];
const P95: &[&str] = &["latency", "p95"];
const MONTH: &[&str] = &["cost", "month"];
const OFFERED: &[&str] = &["requests", "offered"];
const POOL: &[&str] = &["errors", "by_cause", "pool_timeout"];

fn before() -> Side {
    let mut side = side(
        "spike",
        "1",
        &[
            (OFFERED, Unit::Count, [1000.0, 1010.0, 990.0]),
            (RATE, Unit::Share, [0.500, 0.510, 0.495]),
            (GOODPUT, Unit::PerSecond, [10.0, 10.1, 9.9]),
            (P95, Unit::Seconds, [2.00, 2.10, 1.95]),
            (POOL, Unit::Count, [400.0, 410.0, 392.0]),
            (MONTH, Unit::Dollars, [100.0, 101.0, 99.0]),
            (&["cost", "items", "web", "month"], Unit::Dollars, [50.0; 3]),
            (&["cost", "items", "gpt-4", "month"], Unit::Dollars, [50.0, 51.0, 49.0]),
            (&["resources", "web", "utilization"], Unit::Share, [0.98, 0.97, 0.99]),
            (&["breakdown", "all", "wait.web"], Unit::Seconds, [1.5, 1.6, 1.4]),
        ],
    );
    side.summary.bottlenecks = vec![sample::bottleneck("connections", "pool", "", 10.0)];
    side.summary.objectives = vec![sample::objective("error_rate", 0.1, Unit::Share, 0.5, Some(false))];
    side
}

fn after() -> Side {
    let mut side = side(
        "spike --set connections.max=8",
        "2",
        &[
            (OFFERED, Unit::Count, [1000.0, 1010.0, 990.0]),
            (RATE, Unit::Share, [0.051, 0.062, 0.048]),
            (GOODPUT, Unit::PerSecond, [19.0, 19.1, 18.9]),
            (P95, Unit::Seconds, [2.01, 2.08, 1.96]),
            (POOL, Unit::Count, [0.0, 0.0, 0.0]),
            (MONTH, Unit::Dollars, [118.0, 119.0, 117.1]),
            (&["cost", "items", "web", "month"], Unit::Dollars, [50.0; 3]),
            (&["cost", "items", "gpt-4", "month"], Unit::Dollars, [68.0, 69.0, 67.1]),
            (&["resources", "web", "utilization"], Unit::Share, [0.71, 0.70, 0.72]),
            (&["breakdown", "all", "wait.web"], Unit::Seconds, [0.5, 0.6, 0.4]),
        ],
    );
    side.summary.bottlenecks = vec![sample::bottleneck("web", "service", "", 60.0)];
    side.summary.objectives = vec![sample::objective("error_rate", 0.1, Unit::Share, 0.05, Some(true))];
    side
}

fn said(a: &Side, b: &Side) -> String {
    sentences(&compare(a, b)).join(" ")
}

// Lost if broken: the sentences that a founder reads. Read them when they change.
#[test]
fn a_change_for_the_better_is_told_with_its_price_and_its_cause() {
    insta::assert_snapshot!(said(&before(), &after()));
}

// Lost if broken: a regression told as good news.
#[test]
fn a_change_for_the_worse_is_told_as_one() {
    insta::assert_snapshot!(said(&after(), &before()));
}

// Lost if broken: chance sold as a difference, or the same result as one that is only alike.
#[test]
fn no_difference_is_said_with_what_it_could_be() {
    let mut other = before();
    other.summary.model_hash = "3".to_owned();
    set(&mut other.summary, RATE, Unit::Share, [0.505, 0.500, 0.502]);
    set(&mut other.summary, MONTH, Unit::Dollars, [100.0, 101.0, 99.0]);
    insta::assert_snapshot!(said(&before(), &other));
    insta::assert_snapshot!(said(&before(), &before()));
}

// Lost if broken: a page of identical sides with an empty plot, and false alarms counted among no figures at all.
#[test]
fn identical_sides_have_no_plot_and_no_chance_to_speak_of() {
    let found = compare(&before(), &before());
    assert!(super::plots(&found).is_empty());
    assert_eq!(multiplicity(&found), "");
    let found = compare(&before(), &after());
    assert_eq!(super::plots(&found).len(), 1);
    assert!(multiplicity(&found).starts_with("Sure means: "));
}

// Lost if broken: a trade is told as a win.
#[test]
fn better_here_and_worse_there_is_both() {
    let mut other = after();
    set(&mut other.summary, P95, Unit::Seconds, [4.00, 4.11, 3.96]);
    set(&mut other.summary, MONTH, Unit::Dollars, [90.0, 91.0, 89.0]);
    insta::assert_snapshot!(said(&before(), &other));
}

// Lost if broken: one replication sounds sure.
#[test]
fn a_single_replication_says_nothing() {
    let single = |mut side: Side| {
        side.summary.replications = 1;
        for path in [RATE, GOODPUT, P95] {
            let mut figure = side.summary.figures.get(path).unwrap().clone();
            figure.samples.truncate(1);
            figure.estimate = Intervals::new(1).estimate(&figure.samples);
            side.summary.figures.insert(Path::new(path), figure);
        }
        let keep: Vec<_> = side
            .summary
            .figures
            .iter()
            .filter(|(_, figure)| figure.samples.len() == 1)
            .map(|(path, figure)| (path.clone(), figure.clone()))
            .collect();
        side.summary.figures = Default::default();
        keep.into_iter()
            .for_each(|(path, figure)| side.summary.figures.insert(path, figure));
        side
    };
    assert_eq!(
        said(&single(before()), &single(after())),
        "Nothing is sure: one replication does not say how far it is from the next; run several. The first to reach its \
         limit was `connections` and is `web`."
    );
}

// Lost if broken: the page as its reader sees it.
#[test]
fn the_page_reads_from_words_to_figures() {
    let text = render(&compare(&before(), &after()), crate::paint::Paint::Plain);
    insta::assert_snapshot!(text);
    for line in text.lines() {
        assert!(
            line.chars().count() <= crate::table::WIDTH && line.trim_end() == line,
            "{line}"
        );
    }
}

// Lost if broken: keys that other programs read.
#[test]
fn programs_find_the_verdict_the_figures_and_the_reasons() {
    let found = compare(&before(), &after());
    let value: serde_json::Value = serde_json::from_str(&json(&found)).unwrap();
    assert_eq!(value["judgement"], "better");
    assert_eq!(value["method"]["pairs"], 3);
    assert_eq!(value["headline"][0]["metric"], "errors.rate");
    assert_eq!(value["headline"][0]["verdict"], "down");
    assert_eq!(value["headline"][0]["better"], true);
    assert_eq!(value["objectives"][0]["turned"], true);
    assert_eq!(value["errors"][0]["metric"], "errors.share_by_cause.pool_timeout");
    assert_eq!(value["costs"][0]["metric"], "cost.items.gpt-4.month");
    let mut bytes = Vec::new();
    csv(&found, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with(
        "metric,unit,a,b,difference,low,high,change,p,p_adjusted,verdict,better,headline\nerrors.rate,share,"
    ));
    assert_eq!(text.lines().count(), found.changes.len() + 1);
}

// Lost if broken: a comparison of a stranger's files whose report runs a script or asks a server, or bytes that differ for
// nothing.
#[test]
fn a_page_is_sound_whatever_the_files_say() {
    let page = |a: &Side, b: &Side| {
        let found = compare(a, b);
        super::page(&found, plots(&found), "highwater compare spike spike")
    };
    let (a, b) = (before(), after());
    crate::page::tests::assert_sound(&page(&a, &b));
    assert_eq!(crate::page::html(&page(&a, &b)), crate::page::html(&page(&a, &b)));
    let mut hostile = after();
    hostile.name = crate::page::tests::ATTACK.to_owned();
    hostile.summary.title = crate::page::tests::ATTACK.to_owned();
    hostile.summary.bottlenecks[0].resource = crate::page::tests::ATTACK.to_owned();
    crate::page::tests::assert_sound(&page(&a, &hostile));
    crate::page::tests::assert_sound(&page(&a, &a));
}

// Lost if broken: the comment in a pull request. Read it when it changes.
#[test]
fn the_comment_reads_from_the_judgement_to_how_to_repeat_it() {
    let found = compare(&before(), &after());
    let page = super::page(
        &found,
        plots(&found),
        "highwater compare spike spike --set-b connections.max=8",
    );
    insta::assert_snapshot!("comment", crate::page::markdown(&page));
}
