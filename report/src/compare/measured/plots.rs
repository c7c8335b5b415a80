//! The pictures of a comparison with a measured run: both over one another.
//!
//! Owns: which there are and what each says. Never: computing a point.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::shape::{Reach, Shape, Window};
use highwater_sim::compare::measured::{Agreement, Curve, Held, Verdict};

use super::{name, percent};
use crate::number;
use crate::plot::{Axis, Bar, Bars, Dots, Kind, Limit, Lines, Part, Plot, Point, Row, Series};
use crate::words;

/// Lines of waiting that have a picture of their own.
const QUEUES: usize = 3;

/// Parts of a bar; what is left is one more.
const PARTS: usize = 6;

/// A difference of more than this share would press all others flat.
const FAR: f64 = 2.0;

const SIDES: [&str; 2] = ["simulated", "measured"];

/// The pictures, in the order in which questions come up.
#[must_use]
pub fn plots(found: &Agreement) -> Vec<Plot> {
    let mut plots: Vec<Plot> = differences(found).into_iter().collect();
    if let Some(shape) = &found.shape {
        plots.extend(over_time(found, shape));
        plots.push(distribution(shape));
    }
    plots.extend(stages(found));
    plots.extend(
        found
            .queues
            .iter()
            .take(QUEUES)
            .map(|(name, one, other)| queue(name, one, other)),
    );
    plots
}

fn band(found: &Agreement) -> String {
    let many = found.pairing.is_none() && found.simulated.replications > 1;
    let simulated = if many {
        "The simulated line is the mean of the replications and its band their lowest and highest."
    } else if found.pairing.is_some() {
        "The simulated line is the replication that met the same people."
    } else {
        "The simulation has one replication."
    };
    let measured = if found.measured.len() > 1 {
        " The measured band is the lowest and highest of the runs."
    } else {
        ""
    };
    format!("{simulated}{measured}")
}

fn series(shape: &Shape, pick: impl Fn(&Window) -> (Reach, Reach)) -> Vec<Series> {
    let points = |side: fn((Reach, Reach)) -> Reach| {
        let of = |window: &Window| {
            let reach = side(pick(window));
            Point {
                x: window.at,
                y: reach.value,
                low: reach.low,
                high: reach.high,
            }
        };
        shape.windows.iter().map(of).collect()
    };
    vec![
        Series {
            name: SIDES[0].to_owned(),
            points: points(|both| both.0),
        },
        Series {
            name: SIDES[1].to_owned(),
            points: points(|both| both.1),
        },
    ]
}

fn over_time(found: &Agreement, shape: &Shape) -> Vec<Plot> {
    let span = number::span_words(shape.length);
    let line = |name: &str, title: &str, path: &[&str], unit: Unit, lines: Vec<Series>| {
        let any = lines
            .iter()
            .flat_map(|series| &series.points)
            .any(|point| point.y.is_finite() && point.y != 0.0);
        any.then(|| Plot {
            name: name.to_owned(),
            title: title.to_owned(),
            finding: told(found.get(path)),
            note: format!(
                "Requests by the window of {span} in which they arrived. {}",
                band(found)
            ),
            kind: Kind::Lines(Lines::new(Axis::clock(), Axis::new("", unit), lines)),
        })
    };
    [
        line(
            "useful",
            "Useful requests a second",
            &["goodput"],
            Unit::PerSecond,
            series(shape, |window| window.useful),
        ),
        line(
            "p50",
            "Median latency over time",
            &["latency", "p50"],
            Unit::Seconds,
            series(shape, |window| window.p50),
        ),
        line(
            "p95",
            "95th percentile of latency over time",
            &["latency", "p95"],
            Unit::Seconds,
            series(shape, |window| window.p95),
        ),
        line(
            "errors",
            "Requests that do not end well",
            &["errors", "rate"],
            Unit::Share,
            series(shape, |window| window.errors),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a figure says, as a sentence.
fn told(held: Option<&Held>) -> String {
    let Some(held) = held else { return String::new() };
    let value = |value: f64| number::trim_zeros(&number::value(value, held.unit));
    let what = words::capital(&name(held));
    let sure = match held.verdict {
        Verdict::Agrees => "which is no difference for sure",
        Verdict::Tolerated => "which is tolerated",
        Verdict::Differs => "which differs for sure",
        Verdict::Undecided => "which decides nothing",
        Verdict::NotComparable(_) => "which cannot be judged",
    };
    format!(
        "{what} is {} in the simulation and {} when measured, {sure}.",
        value(held.simulated.value),
        value(held.measured.value)
    )
}

/// How many times as long the longer of the two is.
fn ratio(&(_, one, other): &(f64, f64, f64)) -> f64 {
    (one / other).max(other / one)
}

fn distribution(shape: &Shape) -> Plot {
    let line = |name: &str, pick: fn(&(f64, f64, f64)) -> f64| Series {
        name: name.to_owned(),
        points: shape
            .distribution
            .iter()
            .map(|each| Point::at(pick(each), each.0))
            .filter(|point| point.x.is_finite() && point.x > 0.0)
            .collect(),
    };
    // Where the two are furthest apart, as a ratio.
    let apart = shape
        .distribution
        .iter()
        .filter(|(_, one, other)| *one > 0.0 && *other > 0.0)
        .max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    let finding = apart.map_or_else(String::new, |(share, one, other)| {
        let span = |seconds: f64| number::span_words(seconds);
        format!(
            "The two are furthest apart at {} of the requests, which take up to {} in the simulation and up to {} when measured.",
            number::percent(*share),
            span(*one),
            span(*other)
        )
    });
    Plot {
        name: "distribution".to_owned(),
        title: "How long useful requests take".to_owned(),
        finding,
        note: "Upwards: the share of useful requests that take at most so long. To the right equal ratios have equal lengths."
            .to_owned(),
        kind: Kind::Lines(Lines::new(
            Axis::new("", Unit::Seconds).log().tight(),
            Axis::new("", Unit::Share),
            vec![line(SIDES[0], |each| each.1), line(SIDES[1], |each| each.2)],
        )),
    }
}

/// Two bars of the mean latency in its stages.
fn stages(found: &Agreement) -> Option<Plot> {
    let mut shown: Vec<&Held> = found
        .group(Group::Stage)
        .filter(|held| held.simulated.value.max(held.measured.value) > 0.0)
        .collect();
    let size = |held: &Held| held.simulated.value.max(held.measured.value);
    shown.sort_by(|a, b| size(b).total_cmp(&size(a)));
    if shown.is_empty() {
        return None;
    }
    let rest = shown.split_off(shown.len().min(PARTS));
    let mut parts: Vec<String> = shown.iter().map(|held| name(held)).collect();
    if !rest.is_empty() {
        parts.push("all else".to_owned());
    }
    let bar = |side: &str, pick: fn(&Held) -> f64| {
        let mut values: Vec<f64> = shown.iter().map(|held| pick(held)).collect();
        if !rest.is_empty() {
            values.push(rest.iter().map(|held| pick(held)).sum());
        }
        let total: f64 = values.iter().sum();
        Bar {
            name: side.to_owned(),
            parts: values
                .into_iter()
                .enumerate()
                .map(|(of, value)| Part {
                    of,
                    value: value.max(0.0),
                })
                .collect(),
            interval: None,
            text: number::value(total, Unit::Seconds),
            is_bad: false,
        }
    };
    let bars = vec![
        bar(SIDES[0], |held| held.simulated.value),
        bar(SIDES[1], |held| held.measured.value),
    ];
    let most = found.stages().first().map_or_else(String::new, |held| {
        let more = if held.difference.value < 0.0 { "less" } else { "more" };
        format!(
            "The largest difference is {} {more} {} in the simulation.",
            number::span_words(held.difference.value.abs()),
            words::spent(super::last(&held.path))
        )
    });
    Some(Plot {
        name: "stages".to_owned(),
        title: "Where the time of a useful request goes".to_owned(),
        finding: most,
        note: "Means over useful requests; the parts add up to the mean latency.".to_owned(),
        kind: Kind::Bars(Bars {
            x: Axis::new("", Unit::Seconds),
            parts,
            bars,
            most: None,
        }),
    })
}

fn queue(resource: &str, one: &Curve, other: &Curve) -> Plot {
    let line = |name: &str, curve: &Curve| Series {
        name: name.to_owned(),
        points: curve.iter().map(|&(at, level)| Point::at(at, level)).collect(),
    };
    let most = |curve: &Curve| curve.iter().map(|&(_, level)| level).fold(0.0, f64::max);
    Plot {
        name: format!("waiting-{}", slug(resource)),
        title: format!("Waiting for {resource}"),
        finding: format!(
            "Up to {} wait in the simulation and up to {} when measured.",
            number::count(most(one)),
            number::count(most(other))
        ),
        note: "Means over the windows of each timeline; the simulated line is the mean of the replications.".to_owned(),
        kind: Kind::Lines(Lines::new(
            Axis::clock(),
            Axis::new("", Unit::Count),
            vec![line(SIDES[0], one), line(SIDES[1], other)],
        )),
    }
}

fn slug(name: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    name.chars().map(letter).collect()
}

/// Every figure of the whole, as a share of what was measured.
fn differences(found: &Agreement) -> Option<Plot> {
    let nowhere = Estimate {
        value: f64::NAN,
        low: None,
        high: None,
    };
    let mut rows = Vec::new();
    let mut far: Vec<String> = Vec::new();
    for held in found.group(Group::Headline) {
        let series = match held.verdict {
            Verdict::Agrees | Verdict::Tolerated => 0,
            Verdict::Differs => 1,
            Verdict::Undecided => 2,
            Verdict::NotComparable(_) => continue,
        };
        let of = held.measured.value.abs();
        let by = Estimate {
            value: held.difference.value / of,
            low: held.difference.low.map(|low| low / of),
            high: held.difference.high.map(|high| high / of),
        };
        let ends = [Some(by.value), by.low, by.high];
        let called = name(held);
        if ends.iter().flatten().any(|end| !end.is_finite() || end.abs() > FAR) {
            far.push(called);
            continue;
        }
        let mut values = vec![nowhere; 3];
        values[series] = by;
        rows.push(Row { name: called, values });
    }
    if rows.is_empty() {
        return None;
    }
    let of = |verdict: &dyn Fn(Verdict) -> bool| {
        found
            .group(Group::Headline)
            .filter(|held| verdict(held.verdict))
            .count()
    };
    let far = if far.is_empty() {
        String::new()
    } else {
        format!(" Too far off, or without a share, and not drawn: {}.", far.join(", "))
    };
    let limits = std::iter::once(Limit {
        value: 0.0,
        label: "as measured".to_owned(),
    });
    let tolerance = found.tolerance.all;
    let edges = [-tolerance, tolerance]
        .into_iter()
        .filter(|_| tolerance > 0.0)
        .map(|value| Limit {
            value,
            label: format!("{} tolerated", percent(tolerance)),
        });
    Some(Plot {
        name: "differences".to_owned(),
        title: "The simulation in per cent of what was measured".to_owned(),
        finding: format!(
            "Of the figures of the whole {} agree, {} differ and {} are undecided.{far}",
            of(&Verdict::is_agreement),
            of(&|verdict| verdict == Verdict::Differs),
            of(&|verdict| verdict == Verdict::Undecided)
        ),
        note: "Whiskers are 95 % intervals of the difference, each figure on its own.".to_owned(),
        kind: Kind::Dots(Dots {
            x: Axis::new("", Unit::Share),
            series: ["agrees", "differs", "undecided"].map(str::to_owned).to_vec(),
            rows,
            limits: limits.chain(edges.take(1)).collect(),
        }),
    })
}
