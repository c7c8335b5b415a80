//! The journal of a study: its design on the first line, then one line for each point as it is finished.
//!
//! Owns: the lines. Never: the file.
//! A line is JSON and ends with a line feed: one that was torn off by a crash does not parse, or has no end.

use highwater_models::record::figures::Estimate;
use highwater_models::record::summary::Objective;
use highwater_models::record::sweep::{Axis, Design, Level, Metric, Point, Precision};
use serde_json::{Value, json};

use crate::json::{estimate, number, objective, unit_name, unit_of_name};

/// The first line of a journal, with its line end.
#[must_use]
pub fn design_line(design: &Design) -> String {
    format!("{}\n", design_value(design))
}

/// The line of a point, with its line end.
#[must_use]
pub fn point_line(point: &Point) -> String {
    format!("{}\n", point_value(point))
}

pub(super) fn design_value(design: &Design) -> Value {
    let precision = design
        .precision
        .as_ref()
        .map(|precision| json!({ "width": number(precision.width), "of": precision.of, "most": precision.most }));
    let level = |level: &Level| json!({ "label": level.label, "settings": level.settings });
    let axis = |axis: &Axis| json!({ "name": axis.name, "levels": axis.levels.iter().map(level).collect::<Vec<_>>() });
    json!({
        "study": design.name,
        "title": design.title,
        "question": design.question,
        "version": design.version,
        "hash": design.hash,
        "seed": design.seed,
        "replications": design.replications,
        "precision": precision,
        "must_hold": design.must_hold,
        "axes": design.axes.iter().map(axis).collect::<Vec<_>>(),
        "metrics": design.metrics,
    })
}

fn point_value(point: &Point) -> Value {
    let metric = |metric: &Metric| {
        json!({
            "path": metric.path,
            "unit": unit_name(metric.unit),
            "value": estimate(&metric.estimate),
            "samples": metric.samples.iter().map(|&sample| number(sample)).collect::<Vec<_>>(),
        })
    };
    json!({
        "point": point.number,
        "scenario": point.scenario,
        "system": point.system,
        "model_hash": point.model_hash,
        "replications": point.replications,
        "events": point.events,
        "metrics": point.metrics.iter().map(metric).collect::<Vec<_>>(),
        "objectives": point.objectives.iter().map(objective).collect::<Vec<_>>(),
        "first_limit": point.first_limit,
        "warnings": warnings(point),
    })
}

pub(super) fn warnings(point: &Point) -> Value {
    point
        .warnings
        .iter()
        .map(|(id, text)| json!({ "id": id, "text": text }))
        .collect()
}

/// The design on the first line of a journal; `None` when it is none.
#[must_use]
pub fn read_design(line: &str) -> Option<Design> {
    let value: Value = serde_json::from_str(line).ok()?;
    let axis = |value: &Value| {
        let level = |value: &Value| {
            let setting = |value: &Value| Some((text(&value[0])?, text(&value[1])?));
            Some(Level {
                label: text(&value["label"])?,
                settings: list(&value["settings"], setting)?,
            })
        };
        let levels = list(&value["levels"], level)?;
        (!levels.is_empty()).then_some(Axis {
            name: text(&value["name"])?,
            levels,
        })
    };
    let precision = match &value["precision"] {
        Value::Null => None,
        given => Some(Precision {
            width: given["width"].as_f64()?,
            of: list(&given["of"], text)?,
            most: whole(&given["most"])?,
        }),
    };
    Some(Design {
        name: text(&value["study"])?,
        title: text(&value["title"])?,
        question: text(&value["question"])?,
        version: text(&value["version"])?,
        hash: text(&value["hash"])?,
        seed: value["seed"].as_u64()?,
        replications: whole(&value["replications"])?,
        precision,
        must_hold: text(&value["must_hold"])?,
        axes: list(&value["axes"], axis)?,
        metrics: list(&value["metrics"], text)?,
    })
}

/// The point on a line of a journal; `None` when it is none.
#[must_use]
pub fn read_point(line: &str) -> Option<Point> {
    let value: Value = serde_json::from_str(line).ok()?;
    let metric = |value: &Value| {
        Some(Metric {
            path: text(&value["path"])?,
            unit: unit_of_name(value["unit"].as_str()?)?,
            estimate: read_estimate(&value["value"])?,
            samples: list(&value["samples"], |sample| Some(real(sample)))?,
        })
    };
    let objective = |value: &Value| {
        Some(Objective {
            name: text(&value["name"])?,
            target: value["target"].as_f64()?,
            at_most: value["bound"].as_str()? == "at_most",
            unit: unit_of_name(value["unit"].as_str()?)?,
            value: read_estimate(&value["value"])?,
            met: value["met"].as_bool(),
        })
    };
    let first_limit = match &value["first_limit"] {
        Value::Null => None,
        given => Some((text(&given[0])?, text(&given[1])?)),
    };
    Some(Point {
        number: usize::try_from(value["point"].as_u64()?).ok()?,
        scenario: text(&value["scenario"])?,
        system: text(&value["system"])?,
        model_hash: text(&value["model_hash"])?,
        replications: whole(&value["replications"])?,
        events: value["events"].as_u64()?,
        metrics: list(&value["metrics"], metric)?,
        objectives: list(&value["objectives"], objective)?,
        first_limit,
        warnings: list(&value["warnings"], |value| {
            Some((text(&value["id"])?, text(&value["text"])?))
        })?,
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn whole(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// A number; what JSON cannot write was none.
fn real(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn list<T>(value: &Value, of: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(of).collect()
}

fn read_estimate(value: &Value) -> Option<Estimate> {
    value.as_object()?;
    Some(Estimate {
        value: real(&value["value"]),
        low: value["low"].as_f64(),
        high: value["high"].as_f64(),
    })
}
