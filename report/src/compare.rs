//! Two results side by side, in words: what moved, by how much, whether it is sure, what it costs.
//!
//! Owns: the sentences. Never: differences and verdicts (`highwater_sim::compare`), rounding (`number.rs`), names of
//! figures (`words.rs`).
//!
//! The order is always: what it comes to, with the figure that says most; how sure that is; what it costs; what is behind
//! it.

mod files;
pub mod measured;
mod page;
mod terminal;
#[cfg(test)]
mod tests;

pub use files::{csv, json};
pub use page::{page, plots};
pub use terminal::render;

use highwater_models::record::figures::Unit;
use highwater_sim::compare::{Caveat, Change, Comparison, Judgement, Method, Origin, SHARE_BY_CAUSE, Verdict, Which};

use crate::number;
use crate::words;

/// The sentences, each with its full stop.
#[must_use]
pub fn sentences(found: &Comparison) -> Vec<String> {
    [moved(found), sure(found), cost(found), behind(found)]
        .into_iter()
        .flatten()
        .collect()
}

/// The judgement in two or three words.
#[must_use]
pub const fn judgement(found: &Comparison) -> &'static str {
    match found.judgement {
        Judgement::Better => "B is better",
        Judgement::Worse => "B is worse",
        Judgement::Mixed => "B is better in some and worse in other things",
        Judgement::NoDifferenceSeen => "No difference seen",
        Judgement::NotComparable => "Nothing is sure",
    }
}

/// What it comes to.
fn moved(found: &Comparison) -> Option<String> {
    let head = judgement(found);
    let quality = || found.headline().filter(|change| change.path.0[0] != "cost");
    let first = |better: bool| quality().find(|change| change.better() == Some(better));
    let told: Vec<String> = match found.judgement {
        Judgement::Better => quality()
            .filter(|change| change.better() == Some(true))
            .take(2)
            .map(tell)
            .collect(),
        Judgement::Worse => quality()
            .filter(|change| change.better() == Some(false))
            .take(2)
            .map(tell)
            .collect(),
        Judgement::Mixed => {
            let (better, worse) = (first(true).map(tell), first(false).map(tell));
            let worse = worse.map(|worse| format!("but {worse}"));
            return Some(format!(
                "{head}: {}.",
                better.into_iter().chain(worse).collect::<Vec<_>>().join(", ")
            ));
        }
        Judgement::NoDifferenceSeen => {
            let Some(change) = quality().find(|change| change.verdict == Verdict::NoDifferenceSeen) else {
                return Some(format!("{head}."));
            };
            let cells = number::difference(&change.difference.estimate, change.unit);
            let difference = if cells.interval.is_empty() {
                "to the last digit on both sides".to_owned()
            } else {
                format!("and differs by {} {}", cells.interval, unit_word(&cells.value))
            };
            let value = number::value(change.a.value, change.unit);
            return Some(format!(
                "{head}: {} is {value} {difference}.",
                words::figure(&change.path)
            ));
        }
        Judgement::NotComparable => {
            let why = if found.caveats.iter().any(|caveat| matches!(caveat, Caveat::Single(_))) {
                "one replication does not say how far it is from the next; run several"
            } else {
                "no figure of both sides has an interval"
            };
            return Some(format!("{head}: {why}."));
        }
    };
    Some(format!("{head}: {}.", told.join(", and ")))
}

/// "error rate falls from 81.7 % to 15.4 %".
fn tell(change: &Change) -> String {
    let (from, to) = pair(change);
    let verb = if change.difference.estimate.value < 0.0 {
        "falls"
    } else {
        "rises"
    };
    let cells = number::difference(&change.difference.estimate, change.unit);
    let sure = if cells.interval.is_empty() {
        String::new()
    } else {
        format!(
            " ({}, between {})",
            cells.value,
            cells.interval.replace(" to ", " and ")
        )
    };
    format!("{} {verb} from {from} to {to}{sure}", words::figure(&change.path))
}

/// Both values, by themselves. They are shown alike where the difference is small.
fn pair(change: &Change) -> (String, String) {
    let of = |value: f64| number::trim_zeros(&number::value(value, change.unit));
    (of(change.a.value), of(change.b.value))
}

/// The unit at the end of a shown value.
fn unit_word(shown: &str) -> &str {
    shown.split_once(' ').map_or("", |(_, unit)| unit)
}

/// How many of the headline figures say so.
fn sure(found: &Comparison) -> Option<String> {
    let money = found.headline().any(|change| change.path.0[0] == "cost");
    let apart = if money { ", cost apart," } else { "" };
    let quality = || found.headline().filter(|change| change.path.0[0] != "cost");
    let count = |of: &dyn Fn(&Change) -> bool| quality().filter(|change| of(change)).count();
    let judged = count(&|change| !matches!(change.verdict, Verdict::NotComparable(_)));
    if judged == 0 {
        return None;
    }
    let (better, worse) = (
        count(&|change| change.better() == Some(true)),
        count(&|change| change.better() == Some(false)),
    );
    let perhaps = count(&Change::perhaps);
    let turned: Vec<String> = found
        .objectives
        .iter()
        .filter(|objective| objective.turned())
        .filter_map(|objective| {
            let (a, b) = (objective.a.as_ref()?, objective.b.as_ref()?);
            Some(format!(
                "{} was {} and is {}",
                words::objective(a),
                met(a.met),
                met(b.met)
            ))
        })
        .collect();
    let others = match perhaps {
        0 => String::new(),
        1 => ", 1 is not sure".to_owned(),
        many => format!(", {many} are not sure"),
    };
    let figures = if judged == 1 { "figure" } else { "figures" };
    let sum = match (better, worse) {
        (0, 0) => format!("Of {judged} headline {figures}{apart} none differs for sure{others}"),
        (better, 0) => format!(
            "Of {judged} headline {figures}{apart} {better} {} better for sure, none worse{others}",
            are(better)
        ),
        (0, worse) => format!(
            "Of {judged} headline {figures}{apart} {worse} {} worse for sure, none better{others}",
            are(worse)
        ),
        (better, worse) => format!(
            "Of {judged} headline {figures}{apart} {better} {} better and {worse} worse for sure{others}",
            are(better)
        ),
    };
    let objectives = match turned.as_slice() {
        [] => String::new(),
        [one] => format!("; the objective {one}"),
        [one, rest @ ..] => format!("; the objective {one}, and {} more turned", rest.len()),
    };
    Some(format!("{sum}{objectives}."))
}

const fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// An objective's state in a sentence.
const fn met(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "open",
    }
}

/// What it costs.
fn cost(found: &Comparison) -> Option<String> {
    let month = found.get(&["cost", "month"])?;
    let difference = month.difference.estimate.value;
    if !difference.is_finite() {
        return None;
    }
    let (a, b) = (number::dollars(month.a.value), number::dollars(month.b.value));
    if difference == 0.0 {
        return Some(format!("It costs the same, {a} a month like this run."));
    }
    let (word, sum) = if difference < 0.0 {
        ("less", -difference)
    } else {
        ("more", difference)
    };
    let range = match (month.difference.estimate.low, month.difference.estimate.high) {
        (Some(low), Some(high)) if high > low => {
            let ends = if difference < 0.0 { (-high, -low) } else { (low, high) };
            format!(" (between {} and {})", number::dollars(ends.0), number::dollars(ends.1))
        }
        _ => String::new(),
    };
    let unsure = if matches!(month.verdict, Verdict::Up | Verdict::Down) {
        ""
    } else {
        ", which is not sure"
    };
    let item = found.moved(&["cost", "items"], &["month"]).into_iter().next();
    let mostly = item.filter(|item| {
        found.moved(&["cost", "items"], &["month"]).len() > 1 && item.difference.estimate.value.abs() > 0.5 * sum
    });
    let mostly = mostly.map_or_else(String::new, |item| format!(", mostly `{}`", item.path.0[2]));
    Some(format!(
        "A month like this run costs {} {word}{range}: {b} instead of {a}{mostly}{unsure}.",
        number::dollars(sum)
    ))
}

/// The cause of failure that moved most, and what reaches its limit now.
fn behind(found: &Comparison) -> Option<String> {
    let cause = found
        .moved(&SHARE_BY_CAUSE, &[])
        .into_iter()
        .find(|change| matches!(change.verdict, Verdict::Up | Verdict::Down));
    let cause = cause.map(|change| {
        let (from, to) = pair(change);
        let name = change.path.0.last().map_or("", String::as_str);
        format!(
            "Requests that fail because {} go from {from} to {to}",
            words::because_of_name(name)
        )
    });
    let first = |limits: &[String]| limits.first().cloned();
    let limits = match (first(&found.a.bottlenecks), first(&found.b.bottlenecks)) {
        (Some(a), Some(b)) if a != b => Some(format!("the first to reach its limit was `{a}` and is `{b}`")),
        (Some(a), None) => Some(format!("`{a}` was the first to reach its limit, and nothing does now")),
        (None, Some(b)) => Some(format!("nothing reached its limit, and `{b}` does now")),
        _ => None,
    };
    match (cause, limits) {
        (Some(cause), Some(limits)) => Some(format!("{cause}; {limits}.")),
        (Some(only), None) => Some(format!("{only}.")),
        (None, Some(only)) => Some(format!("{}.", words::capital(&only))),
        (None, None) => None,
    }
}

/// A verdict in words.
#[must_use]
pub fn verdict(change: &Change) -> &'static str {
    match (change.verdict, change.better()) {
        (_, Some(true)) => "better",
        (_, Some(false)) => "worse",
        (Verdict::Up, None) => "more",
        (Verdict::Down, None) => "less",
        (Verdict::NoDifferenceSeen, _) if change.perhaps() => "not sure",
        (Verdict::NoDifferenceSeen, _) => "no difference",
        (Verdict::NotComparable(_), _) => "not comparable",
    }
}

/// How the differences were formed, and what that gained.
#[must_use]
pub fn method(found: &Comparison) -> String {
    match found.method {
        Method::Paired { pairs } => {
            let gain = found.gain.filter(|&gain| gain.is_finite() && gain > 0.0);
            let gain = gain.map_or_else(String::new, |gain| match gain {
                much if much >= 1.5 => format!(
                    " Meeting the same people at the same moments made them as sure as {} times as many replications would.",
                    factor(much)
                ),
                some if some >= 0.67 => " Meeting the same people at the same moments changed little about how sure they are.".to_owned(),
                _ => " Meeting the same people at the same moments made them less sure than strangers would have: the two answer the same luck in opposite ways.".to_owned(),
            });
            format!(
                "Differences are of {pairs} pairs of replications under seed {}.{gain}",
                found.a.seed
            )
        }
        Method::Independent => {
            "Differences are of two independent samples (Welch's interval): nothing was paired.".to_owned()
        }
    }
}

fn factor(gain: f64) -> String {
    if gain < 10.0 {
        number::trim_zeros(&format!("{gain:.1}"))
    } else {
        number::count(gain.round())
    }
}

/// How many false alarms to expect; nothing where chance had no part in any figure or nobody can say.
#[must_use]
pub fn multiplicity(found: &Comparison) -> String {
    let judged = |headline: bool| {
        let of = |change: &&Change| change.headline == headline && change.adjusted.is_some();
        found.changes.iter().filter(of).count()
    };
    if judged(true) + judged(false) == 0 {
        return String::new();
    }
    let sure = found
        .changes
        .iter()
        .filter(|change| !change.headline && matches!(change.verdict, Verdict::Up | Verdict::Down))
        .count();
    format!(
        "Sure means: with {} headline figures together, a false alarm in at most 1 of 20 comparisons (Holm); of the {} other \
         figures that differ ({} were looked at), at most 1 in 20 by chance (Benjamini and Hochberg). Intervals are 95 %, \
         each figure on its own.",
        judged(true),
        number::count(sure as f64),
        number::count(judged(false) as f64)
    )
}

/// A caveat's stable id and its words.
#[must_use]
pub fn caveat(caveat: &Caveat) -> (&'static str, String) {
    let name = |which: &Which| match which {
        Which::A => "A",
        Which::B => "B",
    };
    match caveat {
        Caveat::SameModel => (
            "same-model",
            "Both sides are the same files, settings and seed: nothing can differ.".to_owned(),
        ),
        Caveat::Load => (
            "different-load",
            "Other people come to B than to A, or they do other things: a difference is not the system's alone."
                .to_owned(),
        ),
        Caveat::Span { a, b } => (
            "different-span",
            format!(
                "A was measured for {} and B for {}: counts and whatever grows are not alike.",
                number::span_words(*a),
                number::span_words(*b)
            ),
        ),
        Caveat::Version { a, b } => (
            "different-version",
            format!("A is by Highwater {a} and B by {b}: a difference may be the simulator's. Run both with one."),
        ),
        Caveat::Seeds { a, b } => (
            "different-seeds",
            format!(
                "A ran under seed {a} and B under {b}: they met other people. With one seed the intervals are narrower."
            ),
        ),
        Caveat::NoSamples(which) => (
            "no-replications",
            format!(
                "{} comes without replications.csv: only figures that have an interval in its summary can be judged, \
                 unpaired. Run it again with `--out`.",
                name(which)
            ),
        ),
        Caveat::Measured(which) => (
            "measured",
            format!("{} was measured: its luck is not the other's.", name(which)),
        ),
        Caveat::Replications { a, b } => (
            "different-replications",
            format!("A has {a} replications and B {b}: the first {} are paired.", a.min(b)),
        ),
        Caveat::Single(which) => (
            "single-replication",
            format!(
                "{} has one replication: nothing says how far it is from the next.",
                name(which)
            ),
        ),
        Caveat::Growing(which) => (
            "still-growing",
            format!(
                "A line of {} was still growing when measuring ended: how much it differs depends on how long was measured.",
                name(which)
            ),
        ),
    }
}

/// How a side came about.
const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Simulation => "simulation",
        Origin::Measurement => "measurement",
    }
}

/// The unit a difference of which is shown in points.
const fn is_share(unit: Unit) -> bool {
    matches!(unit, Unit::Share)
}
