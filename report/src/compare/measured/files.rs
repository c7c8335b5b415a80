//! The comparison with a measured run for programs.
//!
//! Owns: keys and columns. Never: rounding.

use std::io::{self, Write};

use highwater_sim::compare::Head;
use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::pair::{End, Parting};
use highwater_sim::compare::measured::region::Region;
use highwater_sim::compare::measured::{Agreement, Basis, Held, Reason, Verdict};
use serde_json::{Value, json};

use super::{absent, caveat, judgement, sentences};
use crate::csv::cell;
use crate::json::{estimate, number, unit_name};

/// The text of comparison.json, indented, with a line end.
#[must_use]
pub fn json(found: &Agreement) -> String {
    let caveats: Vec<Value> = found
        .caveats
        .iter()
        .map(caveat)
        .map(|(id, text)| json!({ "id": id, "text": text }))
        .collect();
    let stages: Vec<Value> = found.stages().into_iter().map(held).collect();
    let of = |group: Group| found.group(group).map(held).collect::<Vec<_>>();
    let value = json!({
        "kind": "measured",
        "simulated": head(&found.simulated),
        "measured": found.measured.iter().map(head).collect::<Vec<_>>(),
        "target": found.facts.target,
        "time_scale": number(found.facts.time_scale),
        "lateness": number(found.facts.lateness),
        "judgement": judgement(found).to_lowercase().replace(' ', "_"),
        "agrees": found.agrees(),
        "compared": found.compared(),
        "agreed": found.count(Verdict::is_agreement),
        "differ": found.count(|verdict| verdict == Verdict::Differs),
        "undecided": found.count(|verdict| verdict == Verdict::Undecided),
        "words": sentences(found),
        "tolerance": number(found.tolerance.all),
        "batches": found.batches.map(|choice| json!({ "count": choice.count, "independent": choice.independent })),
        "caveats": caveats,
        "absent": absent(found),
        "headline": of(Group::Headline),
        "errors": of(Group::Cause),
        "stages": stages,
        "endpoints": of(Group::Endpoint),
        "resources": of(Group::Resource),
        "pairs": found.pairing.as_ref().map(|pairing| json!({
            "replication": pairing.replication,
            "requests": pairing.pairs,
            "only_simulated": pairing.only_simulated,
            "only_measured": pairing.only_measured,
            "same_outcome": pairing.same_outcome,
            "useful": pairing.useful,
            "same_latency": pairing.same_latency,
            "first_outcome": pairing.first_outcome.as_ref().map(parting),
            "first_latency": pairing.first_latency.as_ref().map(parting),
        })),
        "regions": found.regions.iter().map(region).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn head(head: &Head) -> Value {
    json!({
        "name": head.name,
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

fn held(held: &Held) -> Value {
    json!({
        "metric": held.path.to_string(),
        "unit": unit_name(held.unit),
        "simulated": estimate(&held.simulated),
        "measured": estimate(&held.measured),
        "difference": estimate(&held.difference),
        "ratio": number(held.ratio()),
        "tolerated": number(held.tolerated),
        "basis": held.basis.map(basis),
        "verdict": verdict(held.verdict),
        "reason": reason(held.verdict),
    })
}

fn parting(parting: &Parting) -> Value {
    let end = |end: &End| json!({ "outcome": end.outcome.name(), "cause": end.cause, "latency": number(end.latency) });
    json!({
        "at": number(parting.at),
        "source": parting.source,
        "session": parting.session,
        "endpoint": parting.endpoint,
        "simulated": end(&parting.simulated),
        "measured": end(&parting.measured),
        "stage": parting.stage.as_ref().map(|(name, apart)| json!({ "name": name, "difference": number(*apart) })),
        "text": super::parting(parting),
    })
}

fn region(region: &Region) -> Value {
    let figures: Vec<Value> = region
        .figures
        .iter()
        .map(|figure| {
            json!({
                "metric": figure.path.to_string(),
                "unit": unit_name(figure.unit),
                "simulated": estimate(&figure.simulated),
                "measured": estimate(&figure.measured),
                "difference": estimate(&figure.difference),
                "verdict": verdict(figure.verdict),
            })
        })
        .collect();
    json!({
        "from": number(region.from),
        "to": number(region.to),
        "windows": region.windows,
        "differs": region.differs(),
        "figures": figures,
    })
}

/// Writes every figure of either side as a row.
///
/// # Errors
/// Those of the writer.
pub fn csv(found: &Agreement, out: impl Write) -> io::Result<()> {
    let heading = [
        "metric",
        "unit",
        "simulated",
        "measured",
        "difference",
        "low",
        "high",
        "ratio",
        "tolerated",
        "basis",
        "verdict",
        "reason",
    ];
    let bound = |end: Option<f64>| end.map_or_else(String::new, cell);
    let rows = found.figures.iter().map(|held| {
        [
            held.path.to_string(),
            unit_name(held.unit).to_owned(),
            cell(held.simulated.value),
            cell(held.measured.value),
            cell(held.difference.value),
            bound(held.difference.low),
            bound(held.difference.high),
            cell(held.ratio()),
            cell(held.tolerated),
            held.basis.map_or("", basis).to_owned(),
            verdict(held.verdict).to_owned(),
            reason(held.verdict).unwrap_or_default().to_owned(),
        ]
    });
    crate::csv::table(heading, rows, out)
}

const fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::SamePeople => "same_people",
        Basis::Batches => "batches",
        Basis::Runs => "runs",
        Basis::Summary => "summary",
        Basis::Replications => "replications",
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agrees => "agrees",
        Verdict::Tolerated => "tolerated",
        Verdict::Differs => "differs",
        Verdict::Undecided => "undecided",
        Verdict::NotComparable(_) => "not_comparable",
    }
}

const fn reason(verdict: Verdict) -> Option<&'static str> {
    let Verdict::NotComparable(reason) = verdict else {
        return None;
    };
    Some(match reason {
        Reason::OnlySimulated => "only_simulated",
        Reason::OnlyMeasured => "only_measured",
        Reason::ToolOnly => "tool_only",
        Reason::NotObserved => "not_observed",
        Reason::Units => "units",
        Reason::TooFew => "too_few",
        Reason::NoInterval => "no_interval",
    })
}
