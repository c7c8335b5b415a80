//! `summary.json` of a study.
//!
//! Owns: its keys. Never: rounding.

use highwater_models::record::sweep::{Design, Point};
use highwater_sim::sweep::findings::{Because, Effect, Findings};
use serde_json::{Map, Value, json};

use super::{journal, place, sentences};
use crate::json::{estimate, number, objective, unit_name};

/// The text of the summary, indented, with a line end.
#[must_use]
pub fn text(design: &Design, points: &[Point], findings: &Findings) -> String {
    format!("{:#}\n", value(design, points, findings))
}

/// The same as a value.
#[must_use]
pub fn value(design: &Design, points: &[Point], findings: &Findings) -> Value {
    let mut root = match journal::design_value(design) {
        Value::Object(root) => root,
        _ => Map::new(),
    };
    let [holds, open, breaks, not_asked] = findings.counts;
    root.insert("met".to_owned(), met(design, points));
    root.insert(
        "counts".to_owned(),
        json!({ "points": points.len(), "holds": holds, "open": open, "breaks": breaks, "not_asked": not_asked }),
    );
    root.insert(
        "verdict".to_owned(),
        sentences::all(design, points, findings).join(" ").into(),
    );
    root.insert("best".to_owned(), best(design, findings));
    let effects: Vec<Value> = findings.effects.iter().map(|one| effect(design, one)).collect();
    root.insert("effects".to_owned(), effects.into());
    let points: Vec<Value> = points.iter().map(|one| point(design, one)).collect();
    root.insert("points".to_owned(), points.into());
    Value::Object(root)
}

fn met(design: &Design, points: &[Point]) -> Value {
    match (super::is_met(design, points), super::is_missed(design, points)) {
        (true, _) => true.into(),
        (_, true) => false.into(),
        _ => Value::Null,
    }
}

fn best(design: &Design, findings: &Findings) -> Value {
    findings.best.map_or(Value::Null, |best| {
        let because = match best.because {
            Because::Cheapest => "holds and costs least",
            Because::MostGoodput => "holds and serves most",
            Because::Nearest => "comes nearest to holding",
        };
        json!({ "point": best.point, "place": place(design, best.point), "because": because })
    })
}

fn effect(design: &Design, effect: &Effect) -> Value {
    let axis = &design.axes[effect.axis];
    let label = |index: usize| axis.levels.get(index).map_or("", |level| &level.label);
    json!({
        "axis": axis.name,
        "from": label(0),
        "to": label(axis.levels.len() - 1),
        "metric": effect.metric,
        "unit": unit_name(effect.unit),
        "first": number(effect.first),
        "last": number(effect.last),
        "change": estimate(&effect.change),
    })
}

fn point(design: &Design, point: &Point) -> Value {
    let levels = design.levels_of(point.number);
    let axes: Map<String, Value> = design
        .axes
        .iter()
        .zip(&levels)
        .map(|(axis, &level)| (axis.name.clone(), axis.levels[level].label.clone().into()))
        .collect();
    let settings: Map<String, Value> = design
        .axes
        .iter()
        .zip(&levels)
        .flat_map(|(axis, &level)| &axis.levels[level].settings)
        .map(|(path, value)| (path.clone(), value.clone().into()))
        .collect();
    let metrics: Map<String, Value> = point
        .metrics
        .iter()
        .map(|metric| (metric.path.clone(), estimate(&metric.estimate)))
        .collect();
    json!({
        "point": point.number,
        "axes": axes,
        "settings": settings,
        "scenario": point.scenario,
        "system": point.system,
        "model_hash": point.model_hash,
        "replications": point.replications,
        "events": point.events,
        "standing": point.standing().name(),
        "metrics": metrics,
        "objectives": point.objectives.iter().map(objective).collect::<Vec<_>>(),
        "first_limit": point.first_limit.as_ref().map(|(resource, limit)| json!({ "resource": resource, "limit": limit })),
        "warnings": journal::warnings(point),
    })
}
