//! A comparison for programs: comparison.json and comparison.csv.
//!
//! Owns: keys and columns. Never: rounding.

use std::io::{self, Write};

use highwater_sim::compare::{
    Change, Comparison, Head, Judgement, Method, ObjectiveChange, Reason, SHARE_BY_CAUSE, Verdict, Wanted, Which,
};
use serde_json::{Value, json};

use super::{caveat, origin, sentences};
use crate::json::{estimate, number, unit_name};

/// The text of comparison.json, indented, with a line end: words, headline figures, objectives, and what moved by cause,
/// stage, resource and item of the bill. Every figure is in comparison.csv.
#[must_use]
pub fn json(found: &Comparison) -> String {
    let list = |changes: Vec<&Change>| Value::Array(changes.into_iter().map(change).collect());
    let method = match found.method {
        Method::Paired { pairs } => json!({ "kind": "paired", "pairs": pairs, "gain": found.gain.map(number) }),
        Method::Independent => json!({ "kind": "independent" }),
    };
    let caveats: Vec<Value> = found
        .caveats
        .iter()
        .map(caveat)
        .map(|(id, text)| json!({ "id": id, "text": text }))
        .collect();
    let value = json!({
        "a": head(&found.a),
        "b": head(&found.b),
        "judgement": judgement(found.judgement),
        "worse": found.is_worse(),
        "words": sentences(found),
        "method": method,
        "caveats": caveats,
        "headline": list(found.headline().collect()),
        "objectives": found.objectives.iter().map(objective).collect::<Vec<_>>(),
        "errors": list(found.moved(&SHARE_BY_CAUSE, &[])),
        "stages": list(found.moved(&["breakdown", "all"], &[])),
        "resources": list(found.moved(&["resources"], &["utilization"])),
        "costs": list(found.moved(&["cost", "items"], &["month"])),
    });
    format!("{value:#}\n")
}

/// Writes every figure of either side as a row.
///
/// # Errors
/// Those of the writer.
pub fn csv(found: &Comparison, out: impl Write) -> io::Result<()> {
    let heading = [
        "metric",
        "unit",
        "a",
        "b",
        "difference",
        "low",
        "high",
        "change",
        "p",
        "p_adjusted",
        "verdict",
        "better",
        "headline",
    ];
    let bound = |end: Option<f64>| end.map_or_else(String::new, cell);
    let rows = found.changes.iter().map(|change| {
        let difference = &change.difference;
        [
            change.path.to_string(),
            unit_name(change.unit).to_owned(),
            cell(change.a.value),
            cell(change.b.value),
            cell(difference.estimate.value),
            bound(difference.estimate.low),
            bound(difference.estimate.high),
            cell(change.ratio()),
            bound(difference.p),
            bound(change.adjusted),
            verdict(change.verdict).to_owned(),
            change.better().map_or_else(String::new, |better| better.to_string()),
            change.headline.to_string(),
        ]
    });
    crate::csv::table(heading, rows, out)
}

fn cell(value: f64) -> String {
    if value.is_finite() {
        (value + 0.0).to_string()
    } else {
        String::new()
    }
}

fn head(head: &Head) -> Value {
    json!({
        "name": head.name,
        "origin": origin(head.origin),
        "scenario": head.scenario,
        "title": head.title,
        "system": head.system,
        "version": head.version,
        "model_hash": head.model_hash,
        "seed": head.seed,
        "replications": head.replications,
        "bottlenecks": head.bottlenecks,
    })
}

fn change(change: &Change) -> Value {
    let reason = match change.verdict {
        Verdict::NotComparable(reason) => self::reason(reason).into(),
        _ => Value::Null,
    };
    json!({
        "metric": change.path.to_string(),
        "unit": unit_name(change.unit),
        "wanted": match change.wanted {
            Wanted::More => "more",
            Wanted::Less => "less",
            Wanted::Neither => "neither",
        },
        "a": estimate(&change.a),
        "b": estimate(&change.b),
        "difference": estimate(&change.difference.estimate),
        "change": number(change.ratio()),
        "p": change.difference.p.map(number),
        "p_adjusted": change.adjusted.map(number),
        "gain": change.difference.gain.map(number),
        "verdict": verdict(change.verdict),
        "reason": reason,
        "better": change.better(),
    })
}

fn objective(objective: &ObjectiveChange) -> Value {
    let known = objective.a.as_ref().or(objective.b.as_ref());
    let side = |side: &Option<highwater_models::record::summary::Objective>| {
        side.as_ref().map_or(
            Value::Null,
            |side| json!({ "value": estimate(&side.value), "met": side.met }),
        )
    };
    json!({
        "name": known.map(|known| known.name.clone()),
        "target": known.map(|known| number(known.target)),
        "bound": known.map(|known| if known.at_most { "at_most" } else { "at_least" }),
        "unit": known.map(|known| unit_name(known.unit)),
        "a": side(&objective.a),
        "b": side(&objective.b),
        "turned": objective.turned(),
        "difference": objective.change.as_ref().map(|change| estimate(&change.difference.estimate)),
    })
}

const fn judgement(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Better => "better",
        Judgement::Worse => "worse",
        Judgement::Mixed => "mixed",
        Judgement::NoDifferenceSeen => "no_difference_seen",
        Judgement::NotComparable => "not_comparable",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "up",
        Verdict::Down => "down",
        Verdict::NoDifferenceSeen => "no_difference_seen",
        Verdict::NotComparable(_) => "not_comparable",
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::OnlyIn(Which::A) => "only_in_a",
        Reason::OnlyIn(Which::B) => "only_in_b",
        Reason::NotObserved(Which::A) => "not_observed_in_a",
        Reason::NotObserved(Which::B) => "not_observed_in_b",
        Reason::Units => "units",
        Reason::NoInterval => "no_interval",
    }
}
