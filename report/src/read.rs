//! `summary.json` read back: what a comparison needs of it.
//!
//! Owns: the way from the contract's keys to a record. What a comparison does not look at (logs, alerts, the review) is
//! left out.
//! Never: opening files; guessing. Values by replication and units come from `replications.csv`; without it the unit of a
//! figure follows from its name.

mod facts;
mod lines;
mod requests;
mod timeline;

use highwater_models::record::figures::{Estimate, Figure, FigureKind, Figures, Path, Unit};
use highwater_models::record::summary::{Bottleneck, Objective, Summary, Warning};
use highwater_sim::compare::Origin;
use highwater_sim::interval::Intervals;
use highwater_sim::outcome::build::at_least_zero;
use serde_json::{Map, Value};

pub use self::facts::facts;
pub use self::requests::{Requests, requests};
pub use self::timeline::timeline;
use crate::json;
use crate::replications;

/// A result from the texts of its files.
///
/// # Errors
/// In words, which file is wrong and why.
pub fn summary(text: &str, values: Option<&str>) -> Result<(Summary, Origin), String> {
    let root: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let is_measured = facts::is_measured(&root);
    let Value::Object(root) = root else {
        return Err("it is not a summary of a run".to_owned());
    };
    let of = |key: &str| root.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    if !root.contains_key("replications") || !root.contains_key("requests") {
        return Err("it is not a summary of a run: `replications` or `requests` is missing".to_owned());
    }
    let measured = |key: &str| root.get("measured").map_or(f64::NAN, |span| number(&span[key]));
    let mut summary = Summary {
        scenario: of("scenario"),
        title: of("title"),
        question: of("question"),
        system: of("system"),
        version: of("version"),
        model_hash: of("model_hash"),
        load_hash: of("load_hash"),
        seed: root.get("seed").and_then(Value::as_u64).unwrap_or(0),
        replications: root
            .get("replications")
            .and_then(Value::as_u64)
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0),
        simulated_seconds: root.get("simulated_seconds").map_or(f64::NAN, number),
        events: root.get("events").and_then(Value::as_u64).unwrap_or(0),
        measured: (measured("from"), measured("to")),
        ..Summary::default()
    };
    for (key, value) in &root {
        let without = [&json::HEADER[..], &json::FOOTER, &facts::KEYS];
        if !without.iter().any(|keys| keys.contains(&key.as_str())) {
            figures(&Path::new(&[key]), value, &mut summary.figures);
        }
    }
    if let Some(values) = values {
        add_samples(&mut summary, values).map_err(|error| format!("its replications.csv: {error}"))?;
    }
    summary.objectives = items(&root, "objectives").filter_map(objective).collect();
    summary.bottlenecks = items(&root, "bottlenecks").map(bottleneck).collect();
    summary.warnings = items(&root, "warnings")
        .filter(|warning| warning["id"] == "still-growing")
        .map(|warning| Warning {
            id: "still-growing",
            text: warning["text"].as_str().unwrap_or_default().to_owned(),
        })
        .collect();
    let origin = if is_measured {
        Origin::Measurement
    } else {
        Origin::Simulation
    };
    Ok((summary, origin))
}

fn items<'a>(root: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    root.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A number, NaN for `null`.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn estimate(value: &Value) -> Estimate {
    Estimate {
        value: number(&value["value"]),
        low: value["low"].as_f64(),
        high: value["high"].as_f64(),
    }
}

/// Every figure at and below a path.
fn figures(path: &Path, value: &Value, found: &mut Figures) {
    let mut insert = |kind, estimate| {
        let figure = Figure {
            kind,
            unit: unit_of(path),
            estimate,
            samples: Vec::new(),
        };
        found.insert(path.clone(), figure);
    };
    let bare = |value: &Value| Estimate {
        value: number(value),
        low: None,
        high: None,
    };
    match value {
        Value::Number(_) | Value::Null => insert(FigureKind::Count, bare(value)),
        Value::Object(table) => {
            let is_estimate = ["value", "low", "high"].iter().all(|key| table.contains_key(*key));
            let is_count = !is_estimate && table.get("value").is_some_and(Value::is_number);
            if is_estimate {
                insert(FigureKind::Estimate, estimate(value));
            } else if is_count {
                insert(FigureKind::Count, bare(&value["value"]));
            }
            for (key, below) in table {
                let own = match key.as_str() {
                    "value" => is_estimate || is_count,
                    "low" | "high" => is_estimate,
                    _ => false,
                };
                if !own {
                    figures(&path.join(key), below, found);
                }
            }
        }
        Value::Bool(_) | Value::String(_) | Value::Array(_) => {}
    }
}

/// Puts the values by replication beside their figures, with the units that the file gives.
fn add_samples(summary: &mut Summary, text: &str) -> Result<(), String> {
    let intervals = Intervals::new(summary.replications as usize);
    for row in replications::read(text)? {
        if row.samples.len() != summary.replications as usize {
            return Err(format!(
                "it has {} replications and the summary {}",
                row.samples.len(),
                summary.replications
            ));
        }
        let Some(known) = summary.figures.at(&row.path) else {
            return Err(format!("`{}` is not in the summary", row.path));
        };
        let mut figure = known.clone();
        // A count is written without the interval that it has.
        if figure.kind == FigureKind::Count {
            figure.estimate = at_least_zero(intervals.estimate(&row.samples));
        }
        figure.unit = row.unit;
        figure.samples = row.samples;
        summary.figures.insert(row.path, figure);
    }
    Ok(())
}

/// The unit of a figure by its path: the last name that tells.
#[must_use]
pub fn unit_of(path: &Path) -> Unit {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["cost", "instance_seconds"] => return Unit::Count,
        ["cost", "margin" | "break_even_paying_share"] => return Unit::Share,
        ["cost", ..] | [.., "cost"] => return Unit::Dollars,
        [.., "errors", "share_by_cause" | "rate_by_cause", _] => return Unit::Share,
        [.., "count"] => return Unit::Count,
        _ => {}
    }
    // What a thing is called says nothing about its figures.
    let own = match names.as_slice() {
        [
            "resources" | "endpoints" | "classes" | "phases" | "cache" | "notifications",
            _,
            own @ ..,
        ] => own,
        own => own,
    };
    let unit = own.iter().rev().find_map(|name| match *name {
        "latency" | "first_byte" | "latency_server" | "wait" | "service" | "wait_all" | "wait_gave_up"
        | "wait_if_waited" | "visit" | "length" | "breakdown" | "delay" | "loop_lag" | "instance_seconds"
        | "connect" | "queries" | "features_off" | "first_lost" => Some(Unit::Seconds),
        "throughput" | "goodput" => Some(Unit::PerSecond),
        "rate" | "error_rate" | "utilization" | "hit_ratio" | "waited" | "held" | "in_system_share" | "cpu"
        | "cpu_usable" | "held_by_cap" | "refused_share" | "share" | "degraded" | "quality" => Some(Unit::Share),
        "memory" => Some(Unit::Bytes),
        _ => None,
    });
    unit.unwrap_or(Unit::Count)
}

fn objective(value: &Value) -> Option<Objective> {
    Some(Objective {
        name: value["name"].as_str()?.to_owned(),
        target: number(&value["target"]),
        at_most: value["bound"] != "at_least",
        unit: json::unit_of_name(value["unit"].as_str()?)?,
        value: estimate(&value["value"]),
        met: value["met"].as_bool(),
    })
}

fn bottleneck(value: &Value) -> Bottleneck {
    Bottleneck {
        resource: value["resource"].as_str().unwrap_or_default().to_owned(),
        kind: "",
        limit: value["limit"].as_str().unwrap_or_default().to_owned(),
        first_at: estimate(&value["first_at"]),
        replications: value["replications"].as_u64().unwrap_or(0) as u32,
        utilization: number(&value["utilization"]),
        latency_share: number(&value["latency_share"]),
        latency_share_slowest: number(&value["latency_share_slowest"]),
        because_of: value["because_of"].as_str().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    // Lost if broken: a result from a file that says other things than the run that wrote it.
    #[test]
    fn a_summary_reads_back_as_what_a_comparison_looks_at() {
        let mut written = sample::broken();
        written.load_hash = "5e".to_owned();
        let (read, origin) = summary(&json::text(&written), None).unwrap();
        assert_eq!(origin, Origin::Simulation);
        for (one, other) in [
            (&read.scenario, &written.scenario),
            (&read.title, &written.title),
            (&read.model_hash, &written.model_hash),
            (&read.load_hash, &written.load_hash),
        ] {
            assert_eq!(one, other);
        }
        assert_eq!((read.seed, read.replications, read.measured), (1, 10, (0.0, 1800.0)));
        assert_eq!(read.objectives, written.objectives);
        assert_eq!(read.bottlenecks.len(), written.bottlenecks.len());
        assert_eq!(read.warnings.len(), 1);
        assert_eq!(read.figures.len(), written.figures.len());
        for (path, figure) in written.figures.iter() {
            let found = read.figures.at(path).unwrap_or_else(|| panic!("{path}"));
            assert_eq!((found.kind, found.unit), (figure.kind, figure.unit), "{path}");
            assert_eq!(found.estimate.value, figure.estimate.value, "{path}");
        }
    }

    // Lost if broken: any JSON at all passes for a run, and everything in it for missing.
    #[test]
    fn another_file_is_refused() {
        assert!(summary("{", None).unwrap_err().starts_with("it is not JSON"));
        assert!(summary("[]", None).is_err());
        assert!(summary("{ \"name\": 1 }", None).unwrap_err().contains("not a summary"));
        let text = json::text(&sample::calm());
        let error = summary(&text, Some("metric,unit,0\ngoodput,1/s,1\n")).unwrap_err();
        assert_eq!(error, "its replications.csv: it has 1 replications and the summary 10");
    }
}
