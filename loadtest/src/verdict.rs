//! What was found, as a short table.
//!
//! Owns: words and rounding for a reader. Files are never rounded.

use std::fmt::Write as _;

use highwater_models::Cause;
use highwater_models::record::figures::{Estimate, Figures, Unit};
use highwater_models::record::summary::Objective;

use crate::outcome::{Basis, Facts, Outcome};

/// A length of time in three digits.
#[must_use]
pub fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let (shown, unit) = match value {
        value if value >= 1.0 => (value, "s"),
        value if value >= 1e-3 => (value * 1e3, "ms"),
        value => (value * 1e6, "µs"),
    };
    let digits = match shown {
        shown if shown >= 100.0 => 0,
        shown if shown >= 10.0 => 1,
        _ => 2,
    };
    format!("{shown:.digits$} {unit}")
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        share if !share.is_finite() => "–".to_owned(),
        0.0 => "0 %".to_owned(),
        share if share < 0.01 => "< 0.01 %".to_owned(),
        share if share < 10.0 => format!("{share:.2} %"),
        share => format!("{share:.1} %"),
    }
}

fn shown(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Seconds => seconds(value),
        Unit::Share => percent(value),
        Unit::PerSecond => format!("{value:.1}/s"),
        Unit::Dollars => format!("{value:.2} USD"),
        _ if !value.is_finite() => "–".to_owned(),
        _ if value.fract() == 0.0 => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

fn bounds(estimate: &Estimate, unit: Unit) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("{} to {}", shown(low, unit), shown(high, unit)),
        (Some(low), None) => format!("from {}", shown(low, unit)),
        (None, Some(high)) => format!("up to {}", shown(high, unit)),
        (None, None) => String::new(),
    }
}

/// The text for standard output.
#[must_use]
pub fn text(outcome: &Outcome, facts: &Facts) -> String {
    let figures = &outcome.summary.figures;
    let mut out = String::new();
    // Writing into a string cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", text.trim_end());
    };
    let of = |names: &[&str]| figures.value(names);
    line(format!("{} — measured at {}", outcome.summary.title, facts.target));
    line(String::new());
    let offered = of(&["requests", "offered"]);
    let part = |value: f64| {
        if offered > 0.0 {
            format!("{value:>9.0}   {}", percent(value / offered))
        } else {
            format!("{value:>9.0}")
        }
    };
    line(format!("  {:<26}{offered:>9.0}", "requests offered"));
    for (words, key) in [
        ("answered in time", "useful"),
        ("failed", "failed"),
        ("given up", "abandoned"),
        ("still in hand at the end", "in_flight"),
    ] {
        let value = of(&["requests", key]);
        if value > 0.0 || key == "useful" {
            line(format!("    {words:<24}{}", part(value)));
        }
    }
    line(format!(
        "  {:<26}{:>9.0}   {:.2} a request",
        "attempts",
        of(&["attempts", "offered"]),
        of(&["attempts", "per_request"])
    ));
    let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.name()).collect();
    let seen = causes
        .iter()
        .filter(|cause| figures.get(&["errors", "by_cause", cause]).is_some());
    for (number, cause) in seen.enumerate() {
        if number == 0 {
            line(String::new());
            line("  failed and given up, by cause".to_owned());
        }
        line(format!("    {cause:<24}{}", part(of(&["errors", "by_cause", cause]))));
    }
    line(String::new());
    line(format!("  {:<26}{:>9}   95 % interval", "", "measured"));
    for (words, path, unit) in ROWS {
        if let Some(figure) = figures.get(path) {
            let value = shown(figure.estimate.value, unit);
            line(format!("  {words:<26}{value:>9}   {}", bounds(&figure.estimate, unit)));
        }
    }
    parts(figures, &mut line);
    if !outcome.summary.objectives.is_empty() {
        line(String::new());
        for objective in &outcome.summary.objectives {
            line(judged(objective));
        }
    }
    line(String::new());
    let [_, late, most] = outcome.lateness;
    line(format!(
        "  the generator: 99 % of attempts sent within {} of their time, all within {}",
        seconds(late),
        seconds(most)
    ));
    let basis = match outcome.basis {
        Basis::Repeats(count) => format!("intervals from {count} runs"),
        Basis::Batches(count) => format!("intervals from {count} batches of one run"),
        Basis::Nothing => "no intervals".to_owned(),
    };
    let scale = if facts.time_scale == 1.0 {
        String::new()
    } else {
        format!("; {} s of the system in one of the clock's", facts.time_scale)
    };
    line(format!("  {basis}{scale}"));
    out
}

const ROWS: [(&str, &[&str], Unit); 8] = [
    ("answered in time", &["goodput"], Unit::PerSecond),
    ("errors of requests", &["errors", "rate"], Unit::Share),
    ("latency, mean", &["latency", "mean"], Unit::Seconds),
    ("latency, p50", &["latency", "p50"], Unit::Seconds),
    ("latency, p95", &["latency", "p95"], Unit::Seconds),
    ("latency, p99", &["latency", "p99"], Unit::Seconds),
    ("load tool's reading, p95", &["tool", "latency", "p95"], Unit::Seconds),
    ("load tool's errors", &["tool", "error_rate"], Unit::Share),
];

/// A line for each endpoint.
fn parts(figures: &Figures, line: &mut impl FnMut(String)) {
    let endpoints = figures.children(&["endpoints"]);
    if endpoints.len() < 2 {
        return;
    }
    let width = endpoints
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        .min(48);
    line(String::new());
    line(format!(
        "  {:<width$}  {:>8}  {:>8}  {:>8}  {:>8}",
        "endpoint", "requests", "errors", "p50", "p95"
    ));
    for name in endpoints {
        let of = |names: &[&str]| {
            let path: Vec<&str> = ["endpoints", name].iter().chain(names).copied().collect();
            figures.value(&path)
        };
        line(format!(
            "  {name:<width$}  {:>8.0}  {:>8}  {:>8}  {:>8}",
            of(&["requests", "offered"]),
            percent(of(&["errors", "rate"])),
            seconds(of(&["latency", "p50"])),
            seconds(of(&["latency", "p95"])),
        ));
    }
}

fn judged(objective: &Objective) -> String {
    let (mark, words) = match objective.met {
        Some(true) => ("✓", "met"),
        Some(false) => ("✗", "missed"),
        None => ("?", "not decided"),
    };
    let bound = if objective.at_most { "at most" } else { "at least" };
    let value = shown(objective.value.value, objective.unit);
    format!(
        "  {mark} {words}: {} {bound} {}, measured {value}",
        objective.name,
        shown(objective.target, objective.unit)
    )
}
