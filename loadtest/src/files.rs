//! The files that a measured run leaves: the same names and shapes as a simulation's, so that every view of one serves the
//! other. Keys and columns are those of `report/src/{json,csv}.rs`, which read them back.
//!
//! Owns: `summary.json`, `timeline.csv`, `requests.csv`; that a file is replaced only by a whole one.
//! Never: rounding.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use highwater_models::record::figures::{Estimate, FigureKind, Unit};
use highwater_models::record::requests;
use highwater_models::record::timeline::Timeline;
use highwater_program::model::Model;
use serde_json::{Map, Value, json};

use crate::log::{Ending, Log};
use crate::outcome::{Basis, Facts, Outcome};

/// A number, `null` where there is none.
fn number(value: f64) -> Value {
    // Whole numbers are written without a fraction.
    if value.is_finite() && value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn estimate(found: &Estimate) -> Value {
    let bound = |bound: Option<f64>| bound.map_or(Value::Null, number);
    json!({ "value": number(found.value), "low": bound(found.low), "high": bound(found.high) })
}

const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::PerSecond => "1/s",
        Unit::Share => "share",
        Unit::Count => "count",
        Unit::Bytes => "B",
        Unit::Dollars => "USD",
    }
}

/// `summary.json` as a value. What is known only of a measured run stands under keys of its own: `origin`, `source`, `target`,
/// `time_scale`, `lateness`, `generator`.
#[must_use]
pub fn summary(outcome: &Outcome, facts: &Facts) -> Value {
    let summary = &outcome.summary;
    let [p50, p99, max] = outcome.lateness;
    let basis = match outcome.basis {
        Basis::Repeats(count) => json!({ "from": "repeats", "count": count }),
        Basis::Batches(count) => json!({ "from": "batches", "count": count }),
        Basis::Nothing => Value::Null,
    };
    let root = json!({
        "scenario": summary.scenario,
        "title": summary.title,
        "question": summary.question,
        "system": summary.system,
        "version": summary.version,
        "model_hash": summary.model_hash,
        "load_hash": summary.load_hash,
        "seed": summary.seed,
        "replications": summary.replications,
        "simulated_seconds": number(summary.simulated_seconds),
        "measured": { "from": number(summary.measured.0), "to": number(summary.measured.1) },
        "events": summary.events,
        "origin": "measurement",
        "source": "measured",
        "target": facts.target,
        "time_scale": number(facts.time_scale),
        "lateness": { "p50": number(p50), "p99": number(p99), "max": number(max) },
        "generator": {
            "load_factor": number(facts.load_factor),
            "shared_luck": facts.shared_luck,
            "stopped_early": facts.stopped.is_some(),
            "connections_opened": facts.connections.0,
            "intervals": basis,
        },
    });
    let Value::Object(mut root) = root else {
        return Value::Null;
    };
    for (path, figure) in summary.figures.iter() {
        let value = match figure.kind {
            FigureKind::Count => number(figure.estimate.value),
            FigureKind::Estimate => estimate(&figure.estimate),
        };
        place(&mut root, &path.0, value);
    }
    let objectives = summary.objectives.iter().map(|objective| {
        json!({
            "name": objective.name,
            "target": number(objective.target),
            "bound": if objective.at_most { "at_most" } else { "at_least" },
            "unit": unit(objective.unit),
            "value": estimate(&objective.value),
            "met": objective.met,
        })
    });
    root.insert("objectives".to_owned(), objectives.collect());
    for key in ["bottlenecks", "failures", "alerts", "events_log"] {
        root.insert(key.to_owned(), json!([]));
    }
    root.insert("recovered_at".to_owned(), Value::Null);
    let warnings = summary.warnings.iter();
    let warnings = warnings.map(|warning| json!({ "id": warning.id, "text": warning.text }));
    root.insert("warnings".to_owned(), warnings.collect());
    Value::Object(root)
}

fn place(table: &mut Map<String, Value>, names: &[String], value: Value) {
    match names {
        [] => {}
        [name] => {
            table.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let below = table.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                place(below, rest, value);
            }
        }
    }
}

/// A number in its shortest form, nothing where there is none.
fn cell(value: f64) -> String {
    if value.is_finite() {
        (value + 0.0).to_string()
    } else {
        String::new()
    }
}

/// `timeline.csv`.
///
/// # Errors
/// Those of the writer.
pub fn timeline(timeline: &Timeline, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_field("t")?;
    rows.write_record(&timeline.columns)?;
    for (index, row) in timeline.rows.iter().enumerate() {
        rows.write_field(cell(index as f64 * timeline.window))?;
        rows.write_record(row.iter().map(|&value| cell(value)))?;
    }
    rows.flush()
}

/// `requests.csv`.
///
/// # Errors
/// Those of the writer.
pub fn requests(log: &Log, model: &Model, out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let stages = model.stages.iter().map(String::as_str);
    rows.write_record(requests::COLUMNS.iter().copied().chain(stages))?;
    let name = |names: &[String], number: usize| names.get(number).cloned().unwrap_or_default();
    let mut numbers = vec![0_u64; log.ended.len().max(1)];
    for row in &log.rows {
        let number = match numbers.get_mut(row.repeat as usize) {
            Some(number) => {
                *number += 1;
                *number - 1
            }
            None => 0,
        };
        let status = match (row.ending, row.cause) {
            (Ending::Useful, _) => Some(200),
            (Ending::Failed, Some(cause)) => cause.status(),
            _ => None,
        };
        let source = model.sources.get(usize::from(row.source));
        let endpoint = model.endpoints.get(usize::from(row.endpoint));
        let latency = match row.ending {
            Ending::InFlight => f64::NAN,
            _ => row.latency.seconds(),
        };
        rows.write_record(
            [
                row.repeat.to_string(),
                number.to_string(),
                cell(row.at.seconds()),
                source.map_or_else(String::new, |source| source.name.clone()),
                row.session.to_string(),
                row.user.to_string(),
                row.ip.to_string(),
                name(&model.classes, usize::from(row.class)),
                endpoint.map_or_else(String::new, |endpoint| endpoint.name.clone()),
                name(&model.phases, usize::from(row.phase)),
                row.ending.name().to_owned(),
                row.cause.map_or_else(String::new, |cause| cause.name().to_owned()),
                status.map_or_else(String::new, |status| status.to_string()),
                cell(latency),
                row.attempts.to_string(),
            ]
            .into_iter()
            .chain((0..model.stages.len()).map(|stage| {
                let spent = row.stages.iter().find(|(own, _)| usize::from(*own) == stage);
                cell(spent.map_or(0.0, |(_, span)| span.seconds()))
            })),
        )?;
    }
    rows.flush()
}

/// Writes all of them into a folder, each whole or not there.
///
/// # Errors
/// Those of the file system, with the file that it is about.
pub fn write(
    folder: &Path,
    outcome: &Outcome,
    facts: &Facts,
    log: &Log,
    model: &Model,
) -> Result<(), (String, io::Error)> {
    let at = |path: &Path| path.display().to_string();
    fs::create_dir_all(folder).map_err(|error| (at(folder), error))?;
    let file = |name: &str, text: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        let path = folder.join(name);
        let temporary = folder.join(format!(".{name}.{}", std::process::id()));
        let written = File::create(&temporary).and_then(|file| {
            let mut buffer = BufWriter::with_capacity(1 << 16, file);
            text(&mut buffer)?;
            // A disk may say that it is full only when the bytes are really to be kept.
            buffer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?
                .sync_all()?;
            fs::rename(&temporary, &path)
        });
        written.map_err(|error| {
            // What was there before is still there.
            let _ = fs::remove_file(&temporary);
            (at(&path), error)
        })
    };
    file("requests.csv", &|out| requests(log, model, out))?;
    file("timeline.csv", &|out| timeline(&outcome.timeline, out))?;
    file("summary.json", &|out| writeln!(out, "{:#}", summary(outcome, facts)))
}
