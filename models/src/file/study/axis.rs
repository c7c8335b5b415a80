//! From an axis as it is written to its levels.
//!
//! Owns: what the levels of each way of writing are, what they are called, and the complaints about lists of unequal
//! lengths and names that stand twice.
//! Never: whether a value is right (that shows when its point is read).

use super::super::diagnostic::{Diagnostic, Sources};
use super::super::name::Name;
use super::super::path;
use super::super::tree::{Node, Value};
use super::super::value::{Setting, Settings};
use super::design::{Axis, Level};
use super::{AxisTable, RangeTable};

/// Most levels of an axis.
const LEVELS_MAX: usize = 100_000;

/// The levels of an axis; `None` after a complaint.
pub(super) fn resolve(table: &AxisTable, sources: &Sources, diagnostics: &mut Vec<Diagnostic>) -> Option<Axis> {
    // A range that never gets anywhere has been complained about.
    let levels = settings_of(table, diagnostics).filter(|levels| !levels.is_empty())?;
    let name = match (&table.name, levels.iter().flatten().next()) {
        (Some(name), _) => name.clone(),
        (None, Some(first)) => Name {
            text: path::write(&first.plain_path()),
            at: first.at,
        },
        // An axis of one level without a setting is of no use and does no harm.
        (None, None) => Name {
            text: "axis".to_owned(),
            at: super::At::DEFAULT,
        },
    };
    let labels: Vec<String> = match &table.labels {
        None => levels.iter().map(|level| label(level, sources)).collect(),
        Some(labels) if labels.len() == levels.len() => labels.iter().map(|label| label.text.clone()).collect(),
        Some(labels) => {
            let message = format!("`{name}` has {} levels and {} labels", levels.len(), labels.len());
            let at = labels.first().map_or(name.at, |label| label.at);
            let help = "one label for each level, in their order";
            diagnostics.push(Diagnostic::error("study::unequal", message, at, "labels begin here").help(help));
            return None;
        }
    };
    let mut whole = true;
    let mut seen = std::collections::BTreeMap::new();
    for (index, text) in labels.iter().enumerate() {
        if let Some(first) = seen.insert(text.clone(), index) {
            let place = |index: usize| match &table.labels {
                Some(labels) => labels[index].at,
                None => levels[index].first().map_or(name.at, |setting| setting.value.at),
            };
            let message = format!("`{name}` has the level `{text}` twice");
            let diagnostic = Diagnostic::error("study::twice", message, place(index), "again");
            let help = "each level has a name of its own: `labels` gives them";
            diagnostics.push(diagnostic.and(place(first), "the first").help(help));
            whole = false;
        }
    }
    let levels = labels
        .into_iter()
        .zip(levels)
        .map(|(label, settings)| Level { label, settings })
        .collect();
    whole.then_some(Axis { name, levels })
}

/// The settings of each level.
fn settings_of(table: &AxisTable, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<Vec<Setting>>> {
    if let Some(columns) = &table.zip {
        return zip(columns, diagnostics);
    }
    if let Some(list) = &table.list {
        let mut whole = true;
        for settings in list {
            whole &= each_once(&settings.entries, diagnostics);
        }
        let levels = list.iter().map(|settings| settings.entries.clone());
        return whole.then(|| levels.collect());
    }
    let setting = table.setting.as_ref()?;
    let parts = match path::split(&setting.text) {
        Ok(parts) => parts.into_iter().map(|part| part.text).collect::<Vec<_>>(),
        Err((_, mistake)) => {
            let message = "the path of a setting cannot be read";
            diagnostics.push(Diagnostic::error("set::bad-path", message, setting.at, mistake));
            return None;
        }
    };
    let nodes = match (&table.values, &table.range) {
        (Some(values), _) => values.nodes.clone(),
        (None, Some(range)) => {
            let values = spaced(&range.table);
            if values.len() > LEVELS_MAX {
                let message = format!("the range has more than {LEVELS_MAX} values");
                diagnostics.push(Diagnostic::error(
                    "study::too-large",
                    message,
                    range.at,
                    "a larger step is needed",
                ));
                return None;
            }
            values.into_iter().map(|value| Node { value, at: range.at }).collect()
        }
        (None, None) => return None,
    };
    let level = |value: Node| {
        vec![Setting {
            path: parts.clone(),
            at: setting.at,
            value,
        }]
    };
    Some(nodes.into_iter().map(level).collect())
}

/// Columns that go on together.
fn zip(columns: &Settings, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<Vec<Setting>>> {
    let mut whole = each_once(&columns.entries, diagnostics);
    let mut levels: Vec<Vec<Setting>> = Vec::new();
    let mut first: Option<&Setting> = None;
    for column in &columns.entries {
        let Value::List(items) = &column.value.value else {
            let message = format!("`{}` in a zip must be a list", path::write(&column.path));
            let label = format!("this is {}", column.value.value.kind());
            let help = "a setting that does not vary stands in `[set]`";
            diagnostics.push(Diagnostic::error("file::wrong-type", message, column.value.at, label).help(help));
            whole = false;
            continue;
        };
        match first {
            None => {
                levels = vec![Vec::new(); items.len()];
                first = Some(column);
            }
            Some(first) if items.len() != levels.len() => {
                let message = "the columns of a zip must have one length".to_owned();
                let diagnostic = Diagnostic::error(
                    "study::unequal",
                    message,
                    column.value.at,
                    format!("{} values", items.len()),
                );
                diagnostics.push(diagnostic.and(first.value.at, format!("{} values", levels.len())));
                whole = false;
                continue;
            }
            Some(_) => {}
        }
        for (level, value) in levels.iter_mut().zip(items) {
            level.push(Setting {
                value: value.clone(),
                ..column.clone()
            });
        }
    }
    if levels.is_empty() && whole {
        let at = first.map_or(super::At::DEFAULT, |column| column.value.at);
        let label = "a zip needs a list of values for each path";
        diagnostics.push(Diagnostic::error("file::empty", "an axis has no values", at, label));
        return None;
    }
    whole.then_some(levels)
}

/// Complains about a setting that stands twice in a level.
fn each_once(settings: &[Setting], diagnostics: &mut Vec<Diagnostic>) -> bool {
    let mut whole = true;
    for (index, setting) in settings.iter().enumerate() {
        let plain = setting.plain_path();
        if let Some(first) = settings[..index].iter().find(|other| other.plain_path() == plain) {
            diagnostics.push(twice(setting, first));
            whole = false;
        }
    }
    whole
}

/// The complaint about a setting that is given a second time.
pub(super) fn twice(setting: &Setting, first: &Setting) -> Diagnostic {
    let message = format!("`{}` is set twice for one point", path::write(&setting.path));
    Diagnostic::error("study::twice", message, setting.at, "again").and(first.at, "the first")
}

/// The values of a range, one more than there may be where it has too many.
fn spaced(range: &RangeTable) -> Vec<Value> {
    let mut values = Vec::new();
    let up = range
        .factor
        .map_or(range.step.unwrap_or(1.0) > 0.0, |_| range.to >= range.from);
    // A value that only rounding puts beyond the end belongs to it.
    let slack = 1e-9 * range.to.abs().max(range.from.abs());
    let mut product = range.from;
    loop {
        let value = match range.factor {
            Some(_) => product,
            None => range.from + values.len() as f64 * range.step.unwrap_or(1.0),
        };
        let beyond = if up {
            value > range.to + slack
        } else {
            value < range.to - slack
        };
        if beyond || !value.is_finite() || values.len() > LEVELS_MAX {
            return values;
        }
        values.push(number(value));
        product *= range.factor.unwrap_or(1.0);
    }
}

/// A number as a person would write it: whole where it is, without the noise of binary fractions.
fn number(value: f64) -> Value {
    let clean: f64 = format!("{value:.11e}").parse().unwrap_or(value);
    if clean.fract() == 0.0 && clean.abs() < 1e15 {
        Value::Integer(clean as i64)
    } else {
        Value::Float(clean)
    }
}

/// What a level is called that has no label: its values.
fn label(settings: &[Setting], sources: &Sources) -> String {
    if settings.is_empty() {
        return "as it is".to_owned();
    }
    let texts: Vec<String> = settings
        .iter()
        .map(|setting| value_text(&setting.value, sources))
        .collect();
    texts.join(", ")
}

/// A value as it is written, in one line.
pub(super) fn value_text(node: &Node, sources: &Sources) -> String {
    match &node.value {
        Value::Text(text) | Value::Date(text) | Value::Huge(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::List(_) | Value::Table(_) => {
            let text = sources.text(node.at.source).unwrap_or_default();
            let written = text
                .get(node.at.start as usize..node.at.end as usize)
                .unwrap_or_default();
            written.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    }
}
