//! The tables of a study file: which settings vary over which values, how often each point is run, what is kept.
//!
//! Owns: their keys, types, defaults and meanings, each declared once.
//! Never: what the points of a study are (`design.rs`), what a run does with them.

mod axis;
mod design;
#[cfg(test)]
mod tests;

use super::name::Name;
use super::read::{Fields, Read, Reader, Spec};
use super::reference::TableReference;
use super::schema::Shape;
use super::table::{choice, table};
use super::tree::{At, Node, Value};
use super::value::Settings;
use crate::units::Share;

pub use design::{Axis, Beside, Design, Level, LoadedStudy, POINTS_MAX, load_study};

table! {
    /// Many points, each a scenario with settings, all run under the same chance.
    pub struct Study = "study" {
        /// For people.
        title: Option<String> = none "the file's name",
        /// The scenario of every point: a bundled one or a file beside this one. An axis may set `scenario` instead.
        scenario: Option<Name> = none "an axis sets it",
        /// The profile of the system that every point starts from. An axis may set `profile` instead.
        profile: Option<Name> = none "each scenario's",
        /// Changes to every point, of the system or of the scenario. An axis wins over them.
        set: Settings = {},
        /// What varies. The points are all combinations of the axes' levels; the last axis goes round fastest.
        axis: Vec<AxisTable> = [] "one point" items 0..=8,
        /// Where chance begins: the same for every point, so that points differ by their settings and not by their luck.
        seed: u64 = 1,
        /// Independent repetitions of each point; with `precision` the fewest.
        replications: u32 = 5 in 1.0..=1e5,
        /// More repetitions of a point until its figures are this narrow.
        precision: Option<Precision> = none "so many replications as given",
        /// Which figures of each point are kept, by their paths in a result. The first of them are shown.
        metrics: Vec<Name> = ["latency.p95", "errors.rate", "goodput", "cost.month", "latency.p50", "latency.p99"] items 1..=1000,
        /// Which points have to meet their objectives for the study to count as met.
        must_hold: MustHold = "every",
    }
}

table! {
    /// What varies: one setting over `values` or a `range`, several together as columns of a `zip`, or a `list` of levels.
    pub struct AxisTable = "axis" check rules {
        /// What tables and columns call it.
        name: Option<Name> = none "its first setting",
        /// The path of the setting that varies: of the system or of the scenario, or `scenario` itself.
        setting: Option<Name> = none,
        /// Its values.
        values: Option<Values> = none,
        /// Its values, evenly spaced.
        range: Option<Range> = none,
        /// Several settings that go on together: each path has a list, all of one length.
        zip: Option<Settings> = none,
        /// Levels one by one, each a table path = value.
        list: Option<Vec<Settings>> = none items 1..=10000,
        /// What the levels are called.
        labels: Option<Vec<Name>> = none "their values" items 1..=10000,
    }
}

table! {
    /// Evenly spaced values: by a step, or by a factor.
    pub struct RangeTable = "axis.range" check range_rules {
        /// The first.
        from: f64 = required,
        /// No value is above it (or below it, going down).
        to: f64 = required,
        /// From one value to the next.
        step: Option<f64> = none "1, unless there is a factor",
        /// Instead: each value is so many times the one before.
        factor: Option<f64> = none in 1e-6..=1e6,
    }
}

table! {
    /// How narrow the intervals of a point's figures have to be.
    pub struct Precision = "study.precision" (width) {
        /// Half of an interval, as a share of its value.
        width: Share = required in 1e-4..=1.0,
        /// The figures that are asked.
        of: Vec<Name> = ["latency.p95"] items 1..=100,
        /// At most so many repetitions of a point.
        most: u32 = 100 in 2.0..=1e5,
    }
}

choice! {
    /// Which points have to meet their objectives.
    pub enum MustHold {
        /// Every one.
        Every = "every",
        /// At least one.
        One = "one",
        /// None: the study only looks.
        None = "none",
    }
}

/// Values of a setting, which are read when a point is.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    /// As written.
    pub nodes: Vec<Node>,
}

impl Read for Values {
    fn read(node: &Node, _: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let Value::List(items) = &node.value else {
            reader.expected(node, "a list", Some("as in `values = [1, 2, 4]`".to_owned()));
            return None;
        };
        if items.is_empty() {
            let message = format!("{} must not be empty", reader.here());
            reader.report(super::Diagnostic::error("file::empty", message, node.at, "no values"));
            return None;
        }
        Some(Self { nodes: items.clone() })
    }

    fn shape(_: &Spec) -> Shape {
        Shape::List(Box::new(Shape::Any), 1, usize::MAX)
    }

    fn type_text(_: &Spec) -> String {
        "list of values of the setting".to_owned()
    }
}

/// A range and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Its figures.
    pub table: RangeTable,
    /// Where.
    pub at: At,
}

impl Read for Range {
    fn read(node: &Node, spec: &Spec, reader: &mut Reader<'_>) -> Option<Self> {
        let table = RangeTable::read(node, spec, reader)?;
        Some(Self { table, at: node.at })
    }

    fn shape(spec: &Spec) -> Shape {
        RangeTable::shape(spec)
    }

    fn type_text(spec: &Spec) -> String {
        RangeTable::type_text(spec)
    }

    fn tables(tables: &mut Vec<TableReference>) {
        RangeTable::tables(tables);
    }
}

/// One way to say what the levels are, and a setting where that way has none of its own.
fn rules(axis: &AxisTable, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    super::rules::exactly_one(&["values", "range", "zip", "list"], fields, reader);
    let single = fields.given(&["values", "range"]);
    let several = fields.given(&["zip", "list"]);
    match (&axis.setting, single.first(), several.first()) {
        (None, Some((key, at)), _) if !fields.misspelt(&["setting"]) => {
            let message = format!("{} has `{key}` without `setting`", reader.here());
            let help = "`setting` is a path as in `--set`: `setting = \"web.instances\"`";
            let diagnostic = super::Diagnostic::error("file::missing-key", message, *at, "values of what?");
            reader.report(diagnostic.help(help));
        }
        (Some(setting), None, Some((key, at))) => {
            let message = format!("{} has both `setting` and `{key}`", reader.here());
            let help = format!("`{key}` has the paths of its settings itself; a heading is `name`");
            let diagnostic = super::Diagnostic::error("file::exclusive-keys", message, setting.at, "not both");
            reader.report(diagnostic.and(*at, "the other").help(help));
        }
        _ => {}
    }
}

fn range_rules(range: &RangeTable, fields: &Fields<'_>, reader: &mut Reader<'_>) {
    super::rules::at_most_one(&["step", "factor"], fields, reader);
    let up = range.to >= range.from;
    let (key, stays, backwards) = match (range.step, range.factor) {
        (_, Some(factor)) if range.from * range.to <= 0.0 => {
            let message = format!("{} multiplies and goes over zero or starts there", reader.here());
            let at = fields.place_of("from").unwrap_or(fields.at());
            let help =
                format!("`from` and `to` have one sign and are not zero with `factor = {factor}`; or take a `step`");
            reader.report(super::Diagnostic::error("file::out-of-range", message, at, "no factor leads on").help(help));
            return;
        }
        (_, Some(factor)) => (
            "factor",
            factor == 1.0,
            (factor > 1.0) != (range.to.abs() >= range.from.abs()),
        ),
        (Some(step), None) => ("step", step == 0.0, (step > 0.0) != up),
        (None, None) if !up => ("to", false, true),
        (None, None) => return,
    };
    if stays || backwards {
        let message = format!("{} never gets from {} to {}", reader.here(), range.from, range.to);
        let at = fields.place_of(key).unwrap_or(fields.at());
        let label = if stays { "it stays where it is" } else { "it leads away" };
        reader.report(super::Diagnostic::error("file::range-inverted", message, at, label));
    }
}
