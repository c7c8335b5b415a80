//! Checked files for programs: JSON and rows.
//!
//! Owns: the keys and columns. Numbers are written in full.
//! Never: wording.

use highwater_models::file::PlaceData;
use highwater_sim::decide::Needed;
use serde_json::{Value, json};

use super::{Against, Checked, Run, change, headline, worst};
use crate::json::{number, objective, unit_name};
use crate::review;
use crate::verdict::verdict;

/// Everything as JSON.
#[must_use]
pub fn json(files: &[Checked]) -> Value {
    json!({
        "standing": worst(files).name(),
        "words": headline(files),
        "files": files.iter().map(file).collect::<Value>(),
    })
}

fn file(checked: &Checked) -> Value {
    let complaints: Value = checked
        .complaints
        .iter()
        .map(|complaint| {
            let data = &complaint.data;
            json!({
                "id": data.id,
                "severity": data.severity,
                "message": data.message,
                "place": place(&data.place),
                "related": data.related.iter().map(place).collect::<Value>(),
                "help": data.help,
            })
        })
        .collect();
    json!({
        "file": checked.file,
        "kind": checked.kind.text(),
        "title": checked.title,
        "standing": checked.standing().name(),
        "diagnostics": complaints,
        "trouble": checked.trouble,
        "design_review": checked
            .review
            .as_ref()
            .map_or(Value::Null, |(found, _)| review::whole(&checked.title, found)),
        "run": checked.run.as_ref().map_or(Value::Null, run),
    })
}

fn place(place: &PlaceData) -> Value {
    json!({
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "label": place.label,
    })
}

fn run(run: &Run) -> Value {
    let summary = &run.summary;
    let objectives: Value = summary
        .objectives
        .iter()
        .zip(&run.needed)
        .map(|(one, needed)| {
            let mut value = objective(one);
            value["replications_to_decide"] = match needed {
                Needed::Replications(count) => (*count).into(),
                _ => Value::Null,
            };
            value
        })
        .collect();
    json!({
        "verdict": verdict(summary).to_string(),
        "version": summary.version,
        "model_hash": summary.model_hash,
        "seed": summary.seed,
        "replications": summary.replications,
        "looks": run.looks,
        "objectives": objectives,
        "change": match &run.against {
            Against::Change(found) => change::json(found),
            Against::Nothing | Against::NotInBaseline => Value::Null,
        },
    })
}

/// The columns of [`rows`].
pub const HEADER: [&str; 11] = [
    "file", "kind", "check", "name", "standing", "unit", "target", "value", "low", "high", "message",
];

/// One row for each file, complaint, finding and objective.
#[must_use]
pub fn rows(files: &[Checked]) -> Vec<[String; 11]> {
    let mut rows = Vec::new();
    for checked in files {
        let mut add = |check: &str, name: &str, standing: &str, figures: [String; 5], message: &str| {
            let [unit, target, value, low, high] = figures;
            rows.push([
                checked.file.clone(),
                checked.kind.text().to_owned(),
                check.to_owned(),
                name.to_owned(),
                standing.to_owned(),
                unit,
                target,
                value,
                low,
                high,
                message.to_owned(),
            ]);
        };
        let none = || [const { String::new() }; 5];
        let trouble = checked.trouble.as_deref().unwrap_or_default();
        add("file", "", checked.standing().name(), none(), trouble);
        for complaint in &checked.complaints {
            let data = &complaint.data;
            let message = format!("{}:{}: {}", data.place.line, data.place.column, data.message);
            add("file", data.id, data.severity, none(), &message);
        }
        if let Some((review, _)) = &checked.review {
            for finding in &review.findings {
                add("design", finding.id, finding.severity.text(), none(), &finding.title);
            }
        }
        if let Some(run) = &checked.run {
            for objective in &run.summary.objectives {
                let standing = match objective.met {
                    Some(true) => "met",
                    Some(false) => "missed",
                    None => "undecided",
                };
                let cell = |value: f64| match number(value) {
                    Value::Null => String::new(),
                    value => value.to_string(),
                };
                let figures = [
                    unit_name(objective.unit).to_owned(),
                    cell(objective.target),
                    cell(objective.value.value),
                    objective.value.low.map_or_else(String::new, cell),
                    objective.value.high.map_or_else(String::new, cell),
                ];
                add("objective", &objective.name, standing, figures, "");
            }
        }
    }
    rows
}
