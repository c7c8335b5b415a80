//! `summary.json`: the contract's keys, in the contract's order.
//!
//! Owns: the keys and their nesting.
//! Never: rounding. Every number is written in the shortest form that reads back as the same number, so that two equal
//! summaries give equal bytes. What cannot be written in JSON (not a number, infinity) is `null`.

use highwater_models::record::figures::{Estimate, Figure, FigureKind, Unit};
use highwater_models::record::summary::{
    Alert, Alerts, Bottleneck, CostItem, FirstFailure, LogEntry, Objective, Recovery, Resource, SilentChannel, Summary,
    Warning,
};
use serde_json::{Map, Value, json};

use crate::{next_step, review};

/// The keys that come from the record's own fields; a figure may not take their place.
pub(crate) const HEADER: [&str; 12] = [
    "scenario",
    "title",
    "question",
    "system",
    "version",
    "model_hash",
    "load_hash",
    "seed",
    "replications",
    "simulated_seconds",
    "measured",
    "events",
];

/// The keys after the figures: what happened, what is judged, what was found.
pub(crate) const FOOTER: [&str; 11] = [
    "monitoring",
    "objectives",
    "bottlenecks",
    "failures",
    "recovered_at",
    "recovery",
    "alerts",
    "events_log",
    "warnings",
    "design_review",
    "next_step",
];

/// What stands beside the sums by the month.
const MONTH_MEANS: &str =
    "a month of 730 hours if every hour of it were like the measured span; `event` is that span itself";

/// The text of `summary.json`, indented, with a line end.
#[must_use]
pub fn text(summary: &Summary) -> String {
    // The alternate form of `Value` is the indented one, and cannot fail.
    format!("{:#}\n", value(summary))
}

/// The same as a value.
#[must_use]
pub fn value(summary: &Summary) -> Value {
    let mut root = Map::new();
    let header: [Value; HEADER.len()] = [
        summary.scenario.clone().into(),
        summary.title.clone().into(),
        summary.question.clone().into(),
        summary.system.clone().into(),
        summary.version.clone().into(),
        summary.model_hash.clone().into(),
        summary.load_hash.clone().into(),
        summary.seed.into(),
        summary.replications.into(),
        number(summary.simulated_seconds),
        json!({ "from": number(summary.measured.0), "to": number(summary.measured.1) }),
        summary.events.into(),
    ];
    root.extend(HEADER.iter().map(|key| (*key).to_owned()).zip(header));
    for (path, figure) in summary.figures.iter() {
        place(&mut root, &path.0, leaf(figure));
    }
    for resource in &summary.resources {
        describe(&mut root, resource);
    }
    summary.costs.iter().for_each(|item| explain(&mut root, item));
    let (recovery, recovered_at) = recovery(&summary.recovery);
    let footer: [Value; FOOTER.len()] = [
        monitoring(&summary.alerts),
        list(&summary.objectives, objective),
        list(&summary.bottlenecks, bottleneck),
        list(&summary.failures, failure),
        recovered_at,
        recovery,
        list(&summary.alerts.rules, alert),
        list(&summary.log, log_entry),
        list(&summary.warnings, warning),
        review::findings(&summary.review),
        next_step::value(summary.next_step.as_ref()),
    ];
    root.extend(FOOTER.iter().map(|key| (*key).to_owned()).zip(footer));
    Value::Object(root)
}

/// The name of a unit in machine-readable results.
#[must_use]
pub const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::PerSecond => "1/s",
        Unit::Share => "share",
        Unit::Count => "count",
        Unit::Bytes => "B",
        Unit::Dollars => "USD",
    }
}

/// The unit of that name.
#[must_use]
pub fn unit_of_name(name: &str) -> Option<Unit> {
    let units = [
        Unit::Seconds,
        Unit::PerSecond,
        Unit::Share,
        Unit::Count,
        Unit::Bytes,
        Unit::Dollars,
    ];
    units.into_iter().find(|&unit| unit_name(unit) == name)
}

/// Puts a figure at its path. Where a name is both a figure and a table of figures, the figure's own keys stand first
/// in the table; a bare count becomes its `value`.
fn place(table: &mut Map<String, Value>, names: &[String], figure: Value) {
    match names {
        [] => {}
        [name] => match table.get_mut(name) {
            Some(Value::Object(below)) => {
                let mut merged = as_table(figure);
                merged.append(below);
                *below = merged;
            }
            _ => {
                table.insert(name.clone(), figure);
            }
        },
        [name, rest @ ..] => {
            let below = table.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !below.is_object() {
                *below = Value::Object(as_table(below.take()));
            }
            if let Value::Object(below) = below {
                place(below, rest, figure);
            }
        }
    }
}

fn as_table(figure: Value) -> Map<String, Value> {
    match figure {
        Value::Object(table) => table,
        bare => Map::from_iter([("value".to_owned(), bare)]),
    }
}

/// Adds a resource's kind and limit to the table of its figures.
fn describe(root: &mut Map<String, Value>, resource: &Resource) {
    let resources = root.entry("resources").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(resources) = resources else { return };
    let table = resources
        .entry(resource.name.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(table) = table else { return };
    table.shift_insert(0, "kind".to_owned(), resource.kind.into());
    if !resource.limit.is_empty() {
        table.shift_insert(1, "limit".to_owned(), resource.limit.clone().into());
    }
}

/// Adds what an item of the bill is for and where its prices come from, and once what a sum by the month means.
fn explain(root: &mut Map<String, Value>, item: &CostItem) {
    let Some(Value::Object(cost)) = root.get_mut("cost") else {
        return;
    };
    if !cost.contains_key("month_means") {
        cost.insert("month_means".to_owned(), MONTH_MEANS.into());
    }
    if let Some(Value::Object(items)) = cost.get_mut("items")
        && let Some(Value::Object(table)) = items.get_mut(&item.name)
    {
        for (key, text) in [("what", item.what), ("price", &item.price), ("source", &item.source)] {
            table.insert(key.to_owned(), text.into());
        }
    }
}

fn leaf(figure: &Figure) -> Value {
    match figure.kind {
        FigureKind::Count => count(figure.estimate.value),
        FigureKind::Estimate => estimate(&figure.estimate),
    }
}

pub(crate) fn estimate(estimate: &Estimate) -> Value {
    let bound = |end: Option<f64>| end.map_or(Value::Null, number);
    json!({ "value": number(estimate.value), "low": bound(estimate.low), "high": bound(estimate.high) })
}

/// A number, `null` where JSON has none.
pub(crate) fn number(value: f64) -> Value {
    // Adding zero turns a negative zero, which says nothing to a reader, into zero.
    serde_json::Number::from_f64(value + 0.0).map_or(Value::Null, Value::Number)
}

/// A count: without `.0` where it is whole, which it is for one replication and seldom for the mean of several.
fn count(value: f64) -> Value {
    // 2^53: beyond it a float no longer tells neighbouring whole numbers apart.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        Value::from(value as i64)
    } else {
        number(value)
    }
}

fn list<T>(items: &[T], shown: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(shown).collect())
}

pub(crate) fn objective(objective: &Objective) -> Value {
    json!({
        "name": objective.name,
        "target": number(objective.target),
        "bound": if objective.at_most { "at_most" } else { "at_least" },
        "unit": unit_name(objective.unit),
        "value": estimate(&objective.value),
        "met": objective.met,
    })
}

fn bottleneck(bottleneck: &Bottleneck) -> Value {
    json!({
        "resource": bottleneck.resource,
        "kind": bottleneck.kind,
        "limit": bottleneck.limit,
        "first_at": estimate(&bottleneck.first_at),
        "replications": bottleneck.replications,
        "utilization": number(bottleneck.utilization),
        "latency_share": number(bottleneck.latency_share),
        "latency_share_slowest": number(bottleneck.latency_share_slowest),
        "because_of": bottleneck.because_of,
    })
}

fn failure(failure: &FirstFailure) -> Value {
    json!({
        "cause": failure.cause,
        "resource": failure.resource,
        "endpoint": failure.endpoint,
        "first_at": estimate(&failure.first_at),
        "replications": failure.replications,
        "share": number(failure.share),
    })
}

/// What is said of all rules together. Channels' counts are figures, under `notifications`.
fn monitoring(alerts: &Alerts) -> Value {
    let silent = |channel: &SilentChannel| json!({ "channel": channel.name, "why": channel.why });
    json!({
        "every": number(alerts.every),
        "noticed_at": estimate(&alerts.noticed_at),
        "noticed_replications": alerts.noticed_in,
        "slow": alerts.slow.map(number),
        "silent_channels": list(&alerts.silent, silent),
    })
}

fn alert(alert: &Alert) -> Value {
    json!({
        "name": alert.name,
        "level": alert.level,
        "watch": alert.watch,
        "unit": unit_name(alert.unit),
        "bound": if alert.is_above { "above" } else { "below" },
        "threshold": number(alert.threshold),
        "for": number(alert.lasting),
        "channels": alert.channels,
        "fired": estimate(&alert.fired),
        "replications": alert.fired_in,
        "first_at": estimate(&alert.first_at),
        "held_replications": alert.held_in,
        "held_at": estimate(&alert.held_at),
        "delay": estimate(&alert.delay),
        "told_at": estimate(&alert.told_at),
        "warning": estimate(&alert.warning),
        "cannot_fire": alert.cannot_fire,
    })
}

/// How it went, and `recovered_at`: `null` alone would not tell "never" from "never asked".
fn recovery(recovery: &Recovery) -> (Value, Value) {
    match recovery {
        Recovery::NotAsked => (json!({ "state": "not_asked" }), Value::Null),
        Recovery::At(at) => (json!({ "state": "recovered" }), estimate(at)),
        Recovery::Sometimes { recovered, of } => (
            json!({ "state": "sometimes", "recovered": recovered, "of": of }),
            Value::Null,
        ),
        Recovery::Never => (json!({ "state": "never" }), Value::Null),
    }
}

fn log_entry(entry: &LogEntry) -> Value {
    json!({ "at": number(entry.at), "subject": entry.subject, "text": entry.text })
}

fn warning(warning: &Warning) -> Value {
    json!({ "id": warning.id, "text": warning.text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use highwater_models::record::figures::Path;

    fn insert(summary: &mut Summary, names: &[&str], kind: FigureKind, estimate: Estimate) {
        summary.figures.insert(
            Path::new(names),
            Figure {
                kind,
                unit: Unit::Count,
                estimate,
                samples: Vec::new(),
            },
        );
    }

    // Lost if broken: the first keys that other programs read, and their order.
    #[test]
    fn the_header_stands_first_and_the_lists_last() {
        let value = value(&sample::broken());
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys[..HEADER.len()], HEADER);
        assert_eq!(keys[keys.len() - FOOTER.len()..], FOOTER);
    }

    // Lost if broken: the difference between a count, an estimate, an estimate without interval, and nothing at all.
    #[test]
    fn each_kind_of_figure_has_its_own_shape() {
        let mut summary = Summary::default();
        let unsure = |value| Estimate {
            value,
            low: None,
            high: None,
        };
        insert(&mut summary, &["requests", "offered"], FigureKind::Count, unsure(12.0));
        insert(&mut summary, &["requests", "failed"], FigureKind::Count, unsure(1.5));
        insert(&mut summary, &["latency", "p50"], FigureKind::Estimate, unsure(-0.0));
        insert(
            &mut summary,
            &["latency", "p95"],
            FigureKind::Estimate,
            unsure(f64::NAN),
        );
        insert(
            &mut summary,
            &["latency", "p99"],
            FigureKind::Estimate,
            Estimate::exact(0.1),
        );
        let value = value(&summary);
        assert_eq!(value["requests"].to_string(), r#"{"offered":12,"failed":1.5}"#);
        assert_eq!(
            value["latency"].to_string(),
            concat!(
                r#"{"p50":{"value":0.0,"low":null,"high":null},"p95":{"value":null,"low":null,"high":null},"#,
                r#""p99":{"value":0.1,"low":0.1,"high":0.1}}"#
            )
        );
    }

    // Lost if broken: a figure overwritten by the table of the same name, in whichever order they come.
    #[test]
    fn a_figure_and_a_table_of_one_name_share_it() {
        let count = |summary: &mut Summary, names: &[&str], value| {
            insert(summary, names, FigureKind::Count, Estimate::exact(value));
        };
        let (mut figure_first, mut table_first) = (Summary::default(), Summary::default());
        count(&mut figure_first, &["attempts"], 3.0);
        count(&mut figure_first, &["attempts", "offered"], 4.0);
        count(&mut table_first, &["attempts", "offered"], 4.0);
        count(&mut table_first, &["attempts"], 3.0);
        for summary in [figure_first, table_first] {
            assert_eq!(value(&summary)["attempts"].to_string(), r#"{"value":3,"offered":4}"#);
        }
    }

    // Lost if broken: `resources.NAME.kind`, and names with dots kept whole.
    #[test]
    fn resources_say_what_they_are_and_names_stay_whole() {
        let value = value(&sample::broken());
        assert_eq!(value["resources"]["web"]["kind"], "service");
        assert_eq!(value["resources"]["web"]["limit"], "0.5 CPU per instance");
        assert_eq!(value["endpoints"]["aiChat.sendMessage"]["requests"]["offered"], 8000);
    }

    // Lost if broken: "never came back" read as "nothing went wrong".
    #[test]
    fn never_is_told_from_not_asked() {
        let state = |recovery| {
            let value = value(&Summary {
                recovery,
                ..Summary::default()
            });
            (
                value["recovery"].to_string(),
                value["recovered_at"]["value"].to_string(),
            )
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(state(Recovery::NotAsked), pair(r#"{"state":"not_asked"}"#, "null"));
        assert_eq!(state(Recovery::Never), pair(r#"{"state":"never"}"#, "null"));
        assert_eq!(
            state(Recovery::At(Estimate::exact(9.5))),
            pair(r#"{"state":"recovered"}"#, "9.5")
        );
        assert_eq!(
            state(Recovery::Sometimes { recovered: 3, of: 10 }),
            pair(r#"{"state":"sometimes","recovered":3,"of":10}"#, "null")
        );
    }

    // Lost if broken: results that cannot be compared byte by byte.
    #[test]
    fn equal_summaries_give_equal_bytes() {
        let text = text(&sample::broken());
        assert_eq!(text, super::text(&sample::broken()));
        assert!(text.starts_with("{\n  \"scenario\": ") && text.ends_with("}\n"));
    }
}
