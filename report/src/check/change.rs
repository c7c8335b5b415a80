//! A change against a baseline in words and rows, for the terminal and for a pull request.
//!
//! Owns: the sentences, and which way is better.
//! Never: the differences (`highwater_sim::change`), what a figure is called (`words.rs`).

use highwater_models::record::figures::{Estimate, Unit};
use highwater_sim::change::{Change, Difference, Pairing, SettingChange};
use serde_json::{Value, json};

use crate::json::{number as json_number, unit_name};
use crate::number;
use crate::words;

/// Settings and figures that are told; the rest is counted.
const SHOWN: usize = 8;

/// One figure of a change, ready for columns.
pub(super) struct Row {
    /// What it is.
    pub name: String,
    /// `worse`, `better`, `more`, `less`, `same`, or open.
    pub word: &'static str,
    /// Before, now, difference, interval of the difference.
    pub cells: [String; 4],
    /// Whether it moved for the worse.
    pub is_worse: bool,
}

/// The change in sentences: what moved, what differs, what came with it.
pub(super) fn sentences(change: &Change) -> Vec<String> {
    let mut told = vec![headline(change)];
    told.extend(judged(change));
    told.extend(settings(change));
    told.extend(causes(change));
    told
}

/// How the runs were set against each other.
pub(super) fn pairing(change: &Change) -> String {
    match &change.pairing {
        Pairing::Paired { pairs: 1 } => {
            "one replication against the same one, so that no difference has an interval".to_owned()
        }
        Pairing::Paired { pairs } => format!("{pairs} replications, each against the same one"),
        Pairing::OtherSeed { before, now } => format!(
            "not paired, since the baseline's seed is {before} and this one's {now}: {} replications against {}",
            change.before, change.now
        ),
        Pairing::OtherVersion { before, now } => format!(
            "not paired, since the baseline is of Highwater {before} and this is {now}: {} replications against {}",
            change.before, change.now
        ),
    }
}

fn headline(change: &Change) -> String {
    let moved: Vec<&Difference> = change
        .headline
        .iter()
        .filter(|difference| difference.is_moved() == Some(true))
        .collect();
    let exact = change
        .headline
        .iter()
        .all(|difference| difference.difference == Estimate::exact(0.0));
    if change.headline.is_empty() {
        return "The baseline and this run have no figure in common.".to_owned();
    }
    if exact && matches!(change.pairing, Pairing::Paired { .. }) {
        return "Nothing moved: every figure is what it was, replication by replication.".to_owned();
    }
    if change.headline.iter().all(|difference| difference.is_moved().is_none()) {
        return "There are too few replications to say whether anything moved.".to_owned();
    }
    if moved.is_empty() {
        return "Nothing moved beyond what chance would do.".to_owned();
    }
    let (worse, better): (Vec<_>, Vec<_>) = moved.into_iter().partition(|difference| is_worse(difference));
    let list = |differences: &[&Difference]| -> String {
        let parts: Vec<String> = differences.iter().map(|difference| phrase(difference)).collect();
        parts.join(", ")
    };
    match (worse.is_empty(), better.is_empty()) {
        (false, true) => format!("Worse than the baseline: {}.", list(&worse)),
        (true, false) => format!("Better than the baseline: {}.", list(&better)),
        _ => format!("Worse than the baseline: {}. Better: {}.", list(&worse), list(&better)),
    }
}

/// "p95 latency up 25 % to 1.5 s"
fn phrase(difference: &Difference) -> String {
    let up = difference.difference.value > 0.0;
    let by = match difference.relative() {
        // From next to nothing, or by many times: the figures themselves say more.
        share if share.is_finite() && share.abs() < 3.0 && difference.unit != Unit::Share => {
            format!(" {}", number::percent(share.abs()))
        }
        _ => String::new(),
    };
    let from = if by.is_empty() {
        format!(" from {}", number::value(difference.before, difference.unit))
    } else {
        String::new()
    };
    format!(
        "{} {}{by}{from} to {}",
        words::figure(&difference.path),
        if up { "up" } else { "down" },
        number::value(difference.now, difference.unit)
    )
}

/// Objectives that are judged otherwise.
fn judged(change: &Change) -> Option<String> {
    let word = |met: Option<bool>| match met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "not decided",
    };
    let parts: Vec<String> = change
        .objectives
        .iter()
        .map(|objective| {
            format!(
                "`{}` was {} and is {}",
                objective.name,
                word(objective.before),
                word(objective.now)
            )
        })
        .collect();
    (!parts.is_empty()).then(|| format!("Judged otherwise: {}.", parts.join(", ")))
}

fn settings(change: &Change) -> Option<String> {
    if change.settings.is_empty() {
        return (!change.same_model).then(|| "No setting differs, but a file of numbers or a trace does.".to_owned());
    }
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "left out".to_owned());
    let told = |setting: &SettingChange| {
        format!(
            "`{}` was {} and is {}",
            setting.path,
            value(&setting.before),
            value(&setting.now)
        )
    };
    let parts: Vec<String> = change.settings.iter().take(SHOWN).map(told).collect();
    let more = more(change.settings.len());
    Some(format!("What differs: {}{more}.", parts.join(", ")))
}

fn causes(change: &Change) -> Option<String> {
    let mut parts: Vec<String> = change.moved.iter().take(SHOWN).map(phrase).collect();
    if let Some(last) = parts.last_mut() {
        last.push_str(&more(change.moved.len()));
    }
    let list = |names: &[String]| {
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        quoted.join(", then ")
    };
    if change.bound_before != change.bound_now {
        parts.push(match (change.bound_before.is_empty(), change.bound_now.is_empty()) {
            (true, _) => format!("{} at the limit now, nothing was before", list(&change.bound_now)),
            (_, true) => format!("nothing at its limit now, {} was before", list(&change.bound_before)),
            _ => format!(
                "at the limit now {}, before {}",
                list(&change.bound_now),
                list(&change.bound_before)
            ),
        });
    }
    (!parts.is_empty()).then(|| format!("What moved with it: {}.", parts.join("; ")))
}

fn more(count: usize) -> String {
    match count.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

/// The figures that a change is told by, row by row.
pub(super) fn rows(change: &Change) -> Vec<Row> {
    change.headline.iter().map(row).collect()
}

fn row(difference: &Difference) -> Row {
    let cell = |value: f64| number::value(value, difference.unit);
    let moved = number::difference(&difference.difference, difference.unit);
    Row {
        name: words::figure(&difference.path),
        word: word(difference),
        cells: [
            cell(difference.before),
            cell(difference.now),
            moved.value,
            moved.interval,
        ],
        is_worse: difference.is_moved() == Some(true) && is_worse(difference),
    }
}

fn word(difference: &Difference) -> &'static str {
    match difference.is_moved() {
        None => "? too few",
        Some(false) => "= not moved",
        Some(true) if is_worse(difference) => "✗ worse",
        Some(true) => "✓ better",
    }
}

/// Whether the difference is one for the worse. Less gets through only of `goodput` and hits of a cache.
fn is_worse(difference: &Difference) -> bool {
    let more_is_better = matches!(
        difference.path.0.last().map(String::as_str),
        Some("goodput" | "hit_ratio")
    );
    (difference.difference.value > 0.0) != more_is_better
}

/// The whole change as JSON.
pub(super) fn json(change: &Change) -> Value {
    let difference = |difference: &Difference| {
        json!({
            "figure": difference.path.to_string(),
            "unit": unit_name(difference.unit),
            "before": json_number(difference.before),
            "now": json_number(difference.now),
            "difference": json_number(difference.difference.value),
            "low": difference.difference.low.map_or(Value::Null, json_number),
            "high": difference.difference.high.map_or(Value::Null, json_number),
            "moved": difference.is_moved(),
        })
    };
    let settings: Value = change
        .settings
        .iter()
        .map(|setting| json!({ "setting": setting.path, "before": setting.before, "now": setting.now }))
        .collect();
    let objectives: Value = change
        .objectives
        .iter()
        .map(|objective| json!({ "name": objective.name, "before": objective.before, "now": objective.now }))
        .collect();
    json!({
        "paired": matches!(change.pairing, Pairing::Paired { .. }),
        "pairing": pairing(change),
        "same_model": change.same_model,
        "figures": change.headline.iter().map(difference).collect::<Value>(),
        "moved": change.moved.iter().map(difference).collect::<Value>(),
        "settings": settings,
        "objectives": objectives,
        "bottlenecks": { "before": change.bound_before, "now": change.bound_now },
    })
}
