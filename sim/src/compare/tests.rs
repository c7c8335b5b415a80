//! Comparisons of results made by hand: values by replication, and what is to be said of them.

use super::*;
use highwater_models::record::summary::{Bottleneck, Warning};

/// A side of these figures, each with its values by replication.
pub fn side(figures: &[(&[&str], Unit, &[f64])]) -> Side {
    let mut summary = Summary {
        scenario: "spike".to_owned(),
        version: "0.1.0".to_owned(),
        model_hash: "1".to_owned(),
        load_hash: "l".to_owned(),
        seed: 1,
        replications: figures.first().map_or(0, |(_, _, samples)| samples.len() as u32),
        measured: (0.0, 60.0),
        ..Summary::default()
    };
    for (path, unit, samples) in figures {
        let figure = Figure {
            kind: FigureKind::Estimate,
            unit: *unit,
            estimate: Intervals::new(samples.len()).estimate(samples),
            samples: samples.to_vec(),
        };
        summary.figures.insert(Path::new(path), figure);
    }
    Side {
        name: "spike".to_owned(),
        origin: Origin::Simulation,
        summary,
    }
}

const RATE: &[&str] = &["errors", "rate"];
const P95: &[&str] = &["latency", "p95"];

fn objective(name: &str, target: f64, value: Estimate, met: Option<bool>) -> Objective {
    Objective {
        name: name.to_owned(),
        target,
        at_most: true,
        unit: Unit::Seconds,
        value,
        met,
    }
}

// Lost if broken: the whole: what is sure is said, what is not is not, and the sum of it.
#[test]
fn what_moved_is_told_from_what_may_be_chance() {
    let a = side(&[
        (RATE, Unit::Share, &[0.50, 0.52, 0.49, 0.51, 0.50]),
        (P95, Unit::Seconds, &[2.0, 2.4, 1.9, 2.2, 2.1]),
        (&["goodput"], Unit::PerSecond, &[10.0, 10.4, 9.8, 10.2, 10.1]),
    ]);
    let mut b = side(&[
        (RATE, Unit::Share, &[0.20, 0.22, 0.18, 0.21, 0.20]),
        (P95, Unit::Seconds, &[2.1, 2.3, 2.0, 2.1, 2.2]),
        (&["goodput"], Unit::PerSecond, &[16.0, 16.3, 15.9, 16.2, 16.0]),
    ]);
    b.summary.model_hash = "2".to_owned();
    let found = compare(&a, &b);
    assert_eq!(found.method, Method::Paired { pairs: 5 });
    let verdict = |path: &[&str]| found.get(path).unwrap().verdict;
    assert_eq!(verdict(RATE), Verdict::Down);
    assert_eq!(verdict(P95), Verdict::NoDifferenceSeen);
    assert_eq!(verdict(&["goodput"]), Verdict::Up);
    assert_eq!(found.judgement, Judgement::Better);
    assert!(!found.is_worse() && found.caveats.is_empty() && found.gain.is_some());
    let back = compare(&b, &a);
    assert_eq!(back.judgement, Judgement::Worse);
    assert!(back.is_worse());
    assert!((found.get(RATE).unwrap().ratio() + 0.5992).abs() < 1e-3);
}

// Lost if broken: another seed is compared as if it had met the same people, or a measurement as if it were ours.
#[test]
fn only_simulations_of_one_seed_are_paired() {
    let figures: &[(&[&str], Unit, &[f64])] = &[(P95, Unit::Seconds, &[2.0, 2.4, 1.9])];
    let (a, mut b) = (side(figures), side(figures));
    b.summary.seed = 2;
    let found = compare(&a, &b);
    assert_eq!(found.method, Method::Independent);
    assert_eq!(found.caveats, [Caveat::Seeds { a: 1, b: 2 }]);
    assert!(found.gain.is_none());
    b.summary.seed = 1;
    b.origin = Origin::Measurement;
    let found = compare(&a, &b);
    assert_eq!(found.method, Method::Independent);
    assert!(found.caveats.contains(&Caveat::Measured(Which::B)));
    b.origin = Origin::Simulation;
    assert_eq!(compare(&a, &b).caveats, [Caveat::SameModel]);
    // A folder of which only the summary is left.
    let mut bare = b.clone();
    bare.summary.figures = Figures::default();
    let only = Figure {
        samples: Vec::new(),
        ..b.summary.figures.get(P95).unwrap().clone()
    };
    bare.summary.figures.insert(Path::new(P95), only);
    let found = compare(&a, &bare);
    assert_eq!(found.method, Method::Independent);
    assert!(found.caveats.contains(&Caveat::NoSamples(Which::B)));
    assert!(found.get(P95).unwrap().difference.p.is_some());
}

// Lost if broken: more replications on one side shift the pairs, or their number is made up.
#[test]
fn common_replications_are_paired() {
    let a = side(&[(P95, Unit::Seconds, &[2.0, 2.4, 1.9, 9.0])]);
    let b = side(&[(P95, Unit::Seconds, &[1.5, 1.9, 1.4])]);
    let found = compare(&a, &b);
    assert_eq!(found.method, Method::Paired { pairs: 3 });
    let difference = found.get(P95).unwrap().difference.estimate;
    assert!((difference.value + 0.5).abs() < 1e-12 && difference.half_width().unwrap() < 1e-9);
    assert!(found.caveats.contains(&Caveat::Replications { a: 4, b: 3 }));
}

// Lost if broken: a cause that is gone on one side is not compared, and is missing from what explains the rest.
#[test]
fn a_cause_that_never_was_is_none_in_every_replication() {
    let offered: (&[&str], Unit, &[f64]) = (&["requests", "offered"], Unit::Count, &[100.0, 200.0, 100.0]);
    let a = side(&[
        offered,
        (RATE, Unit::Share, &[0.5, 0.45, 0.55]),
        (&["errors", "by_cause", "shed"], Unit::Count, &[50.0, 90.0, 55.0]),
    ]);
    let b = side(&[offered, (RATE, Unit::Share, &[0.0, 0.0, 0.0])]);
    let found = compare(&a, &b);
    let moved = found.moved(&SHARE_BY_CAUSE, &[]);
    assert_eq!(moved.len(), 1);
    assert_eq!(moved[0].path.to_string(), "errors.share_by_cause.shed");
    assert!((moved[0].difference.estimate.value + 0.5).abs() < 1e-12);
    assert_eq!(moved[0].verdict, Verdict::Down);
    // A figure of another kind that is missing is just missing.
    let c = side(&[offered, (P95, Unit::Seconds, &[1.0, 1.1, 1.2])]);
    let verdict = compare(&b, &c).get(P95).unwrap().verdict;
    assert_eq!(verdict, Verdict::NotComparable(Reason::OnlyIn(Which::B)));
}

// Lost if broken: one replication is taken for a proof, or a difference for one where units differ.
#[test]
fn what_cannot_be_compared_says_why() {
    let one = side(&[(P95, Unit::Seconds, &[2.0])]);
    let other = side(&[(P95, Unit::Seconds, &[1.0])]);
    let found = compare(&one, &other);
    assert_eq!(
        found.get(P95).unwrap().verdict,
        Verdict::NotComparable(Reason::NoInterval)
    );
    assert_eq!(found.get(P95).unwrap().difference.estimate.value, -1.0);
    assert_eq!(found.judgement, Judgement::NotComparable);
    assert!(found.caveats.contains(&Caveat::Single(Which::A)));
    let counts = side(&[(P95, Unit::Count, &[1.0, 2.0])]);
    let times = side(&[(P95, Unit::Seconds, &[1.0, 2.0])]);
    assert_eq!(
        compare(&counts, &times).get(P95).unwrap().verdict,
        Verdict::NotComparable(Reason::Units)
    );
    let never = side(&[(P95, Unit::Seconds, &[f64::NAN, f64::NAN])]);
    assert_eq!(
        compare(&times, &never).get(P95).unwrap().verdict,
        Verdict::NotComparable(Reason::NotObserved(Which::B))
    );
}

// Lost if broken: no failure on either side is sold as proof that there can be none.
#[test]
fn none_on_either_side_leaves_what_each_leaves() {
    let mut sides = [
        side(&[(RATE, Unit::Share, &[0.0; 3])]),
        side(&[(RATE, Unit::Share, &[0.0; 3])]),
    ];
    for (side, high) in sides.iter_mut().zip([0.01, 0.02]) {
        let estimate = Estimate {
            value: 0.0,
            low: Some(0.0),
            high: Some(high),
        };
        let figure = Figure {
            estimate,
            ..side.summary.figures.get(RATE).unwrap().clone()
        };
        side.summary.figures.insert(Path::new(RATE), figure);
    }
    let found = compare(&sides[0], &sides[1]);
    let difference = found.get(RATE).unwrap().difference.estimate;
    assert_eq!((difference.low, difference.high), (Some(-0.01), Some(0.02)));
    assert_eq!(found.get(RATE).unwrap().verdict, Verdict::NoDifferenceSeen);
}

// Lost if broken: an objective that is lost goes unnoticed, or CI is told that worse is fine.
#[test]
fn objectives_that_turn_are_found_with_their_figure() {
    let samples: [&[f64]; 2] = [&[1.0, 1.1, 0.9], &[3.0, 3.2, 2.9]];
    let mut sides = samples.map(|samples| side(&[(P95, Unit::Seconds, samples)]));
    for (side, met) in sides.iter_mut().zip([Some(true), Some(false)]) {
        let value = side.summary.figures.get(P95).unwrap().estimate;
        side.summary.objectives.push(objective("p95", 2.0, value, met));
        side.summary.objectives.push(objective("recovered", 60.0, value, None));
    }
    sides[1]
        .summary
        .objectives
        .push(objective("p50", 1.0, Estimate::exact(2.0), Some(false)));
    let found = compare(&sides[0], &sides[1]);
    let names: Vec<_> = found
        .objectives
        .iter()
        .map(|of| (of.turned(), of.lost(), of.change.is_some()))
        .collect();
    assert_eq!(
        names,
        [(true, true, true), (false, false, false), (false, false, false)]
    );
    assert!(found.objectives[2].a.is_none() && found.is_worse());
}

// Lost if broken: differences of another load, of a longer run or of another version pass for the system's.
#[test]
fn what_makes_two_results_unlike_is_said() {
    let figures: &[(&[&str], Unit, &[f64])] = &[(P95, Unit::Seconds, &[2.0, 2.4, 1.9])];
    let (a, mut b) = (side(figures), side(figures));
    b.summary.load_hash = "other".to_owned();
    b.summary.model_hash = "2".to_owned();
    b.summary.version = "0.2.0".to_owned();
    b.summary.measured = (0.0, 90.0);
    b.summary.warnings.push(Warning {
        id: "still-growing",
        text: String::new(),
    });
    b.summary.bottlenecks.push(Bottleneck {
        resource: "web".to_owned(),
        kind: "service",
        limit: String::new(),
        first_at: Estimate::exact(1.0),
        replications: 3,
        utilization: 1.0,
        latency_share: 0.0,
        latency_share_slowest: 0.0,
        because_of: None,
    });
    let found = compare(&a, &b);
    assert_eq!(found.b.bottlenecks, ["web"]);
    assert_eq!(
        found.caveats,
        [
            Caveat::Load,
            Caveat::Span { a: 60.0, b: 90.0 },
            Caveat::Version {
                a: "0.1.0".to_owned(),
                b: "0.2.0".to_owned()
            },
            Caveat::Growing(Which::B),
        ]
    );
    // What a file does not say is not held against it.
    b.summary.load_hash = String::new();
    assert!(!compare(&a, &b).caveats.contains(&Caveat::Load));
}
