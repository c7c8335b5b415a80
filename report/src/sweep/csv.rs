//! A study as CSV: a row for each point and figure, or a row for each point.
//!
//! Owns: the columns. Never: rounding: numbers are written in full.

use std::io::{self, Write};

use highwater_models::record::figures::Estimate;
use highwater_models::record::sweep::{Axis, Design, Point, Standing};

use crate::csv::cell;
use crate::json::unit_name;

/// Writes a row for each point and figure: `point`, the axes, `metric,unit,value,low,high,replications`. Whether the
/// point holds is a row too: 1, 0, or nothing while it is open.
///
/// # Errors
/// Those of the writer.
pub fn tidy(design: &Design, points: &[Point], out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let columns = Columns::new(design);
    let tail = ["metric", "unit", "value", "low", "high", "replications"].map(str::to_owned);
    rows.write_record(columns.heading().chain(tail))?;
    for point in points {
        let lead = columns.of(design, point.number);
        let replications = point.replications.to_string();
        let mut row = |metric: &str, unit: &str, estimate: &Estimate| {
            let bound = |end: Option<f64>| end.map_or_else(String::new, cell);
            let tail = [
                metric.to_owned(),
                unit.to_owned(),
                cell(estimate.value),
                bound(estimate.low),
                bound(estimate.high),
                replications.clone(),
            ];
            rows.write_record(lead.iter().cloned().chain(tail))
        };
        for metric in &point.metrics {
            row(&metric.path, unit_name(metric.unit), &metric.estimate)?;
        }
        let holds = match point.standing() {
            Standing::NotAsked => continue,
            Standing::Holds => 1.0,
            Standing::Breaks => 0.0,
            Standing::Open => f64::NAN,
        };
        let estimate = Estimate {
            value: holds,
            low: None,
            high: None,
        };
        row("holds", "", &estimate)?;
    }
    rows.flush()
}

/// Writes a row for each point, each figure with its interval in three columns: for spreadsheets.
///
/// # Errors
/// Those of the writer.
pub fn wide(design: &Design, points: &[Point], out: impl Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    let columns = Columns::new(design);
    let metrics = design
        .metrics
        .iter()
        .flat_map(|metric| [metric.clone(), format!("{metric} low"), format!("{metric} high")]);
    let middle = ["replications", "objectives", "missed"].map(str::to_owned);
    rows.write_record(columns.heading().chain(middle).chain(metrics))?;
    for point in points {
        let missed = point.objectives.iter().filter(|objective| objective.met == Some(false));
        let missed: Vec<&str> = missed.map(|objective| objective.name.as_str()).collect();
        let middle = [
            point.replications.to_string(),
            point.standing().name().to_owned(),
            missed.join(" "),
        ];
        let figures = design.metrics.iter().flat_map(|path| match point.metric(path) {
            Some(metric) => [
                cell(metric.estimate.value),
                metric.estimate.low.map_or_else(String::new, cell),
                metric.estimate.high.map_or_else(String::new, cell),
            ],
            None => [const { String::new() }; 3],
        });
        rows.write_record(
            columns
                .of(design, point.number)
                .into_iter()
                .chain(middle)
                .chain(figures),
        )?;
    }
    rows.flush()
}

/// The columns that tell points apart: one for each axis, and where an axis sets several things or calls its levels
/// otherwise, one for each of these.
struct Columns {
    /// Axis, and the path of a setting; `None` for the label.
    of: Vec<(usize, Option<String>)>,
    names: Vec<String>,
}

impl Columns {
    fn new(design: &Design) -> Self {
        let mut columns = Self {
            of: Vec::new(),
            names: Vec::new(),
        };
        for (index, axis) in design.axes.iter().enumerate() {
            columns.of.push((index, None));
            columns.names.push(axis.name.clone());
            for path in paths(axis) {
                let is_label = axis
                    .levels
                    .iter()
                    .all(|level| level.settings.len() == 1 && level.settings[0].1 == level.label && axis.name == path);
                if !is_label {
                    columns.of.push((index, Some(path.clone())));
                    columns.names.push(path);
                }
            }
        }
        // An axis that is called like one of its own settings would head two columns alike.
        for index in 0..columns.names.len() {
            if columns.of[index].1.is_none()
                && columns
                    .names
                    .iter()
                    .filter(|name| **name == columns.names[index])
                    .count()
                    > 1
            {
                columns.names[index].push_str(" (label)");
            }
        }
        columns
    }

    fn heading(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once("point".to_owned()).chain(self.names.iter().cloned())
    }

    fn of(&self, design: &Design, point: usize) -> Vec<String> {
        let levels = design.levels_of(point);
        let mut row = vec![point.to_string()];
        for (axis, path) in &self.of {
            let level = &design.axes[*axis].levels[levels[*axis]];
            row.push(match path {
                None => level.label.clone(),
                Some(path) => {
                    let setting = level.settings.iter().find(|(other, _)| other == path);
                    setting.map_or_else(String::new, |(_, value)| value.clone())
                }
            });
        }
        row
    }
}

/// The settings of an axis, each once, in the order in which they come.
fn paths(axis: &Axis) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (path, _) in axis.levels.iter().flat_map(|level| &level.settings) {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    paths
}
