//! A study's figures along its axes, as plots.
//!
//! Owns: which there are, and what each says in a sentence. Never: new figures.
//!
//! A plot has one axis to the right and at most one more as its lines. Whatever else varies stays where the point to take
//! is, or else at its first level, and the plot says so.

use highwater_models::record::figures::Unit;
use highwater_models::record::sweep::{Axis, Design, Metric, Point};
use highwater_sim::compare::figure_of;
use highwater_sim::sweep::findings::Findings;

use super::{at_level, sentences, terminal};
use crate::number;
use crate::plot::{self, Kind, Limit, Lines, Plot, Series};
use crate::words;

/// Most lines in a plot: more cannot be told apart.
const LINES: usize = 5;
/// From which ratio of the largest level to the smallest on equal ratios have equal lengths.
const LOG_LEVELS: f64 = 15.0;
/// The same for figures.
const LOG_FIGURES: f64 = 40.0;
/// Most lines that a sentence follows.
const TOLD: usize = 3;

/// The plots, axis by axis, the longest axis first.
#[must_use]
pub fn plots(design: &Design, points: &[Point], findings: &Findings) -> Vec<Plot> {
    let length = |axis: usize| design.axes[axis].levels.len();
    let mut axes: Vec<usize> = (0..design.axes.len()).filter(|&axis| length(axis) > 1).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(length(axis)));
    let mut plots = Vec::new();
    for &axis in &axes {
        let second = axes.iter().copied().find(|&other| other != axis);
        // Two levels are two lines in the other's plot.
        if second.is_some() && length(axis) == 2 && axes.first() != Some(&axis) {
            continue;
        }
        let cut = Cut::new(design, points, findings, axis, second);
        let metrics = terminal::shown(design, points);
        plots.extend(metrics.iter().filter_map(|metric| cut.plot(metric)));
    }
    plots
}

/// Some of a study's points: those along one axis, for some levels of a second.
struct Cut<'a> {
    design: &'a Design,
    points: &'a [Point],
    axis: usize,
    second: Option<usize>,
    /// Where the other axes stay.
    held: Vec<usize>,
}

/// A line through points that follow one another along the axis.
struct Line<'a> {
    name: String,
    points: Vec<&'a Point>,
}

impl<'a> Cut<'a> {
    fn new(design: &'a Design, points: &'a [Point], findings: &Findings, axis: usize, second: Option<usize>) -> Self {
        let held = findings
            .best
            .map_or_else(|| vec![0; design.axes.len()], |best| design.levels_of(best.point));
        Self {
            design,
            points,
            axis,
            second,
            held,
        }
    }

    fn along(&self) -> &'a Axis {
        &self.design.axes[self.axis]
    }

    fn lines(&self) -> Vec<Line<'a>> {
        let line = |level: Option<(usize, usize)>| {
            let mut levels = self.held.clone();
            if let Some((second, level)) = level {
                levels[second] = level;
            }
            let points = (0..self.along().levels.len()).filter_map(|at| {
                levels[self.axis] = at;
                self.points.get(self.design.point_at(&levels))
            });
            Line {
                points: points.collect(),
                name: level.map_or_else(String::new, |(second, level)| {
                    at_level(&self.design.axes[second], level)
                }),
            }
        };
        match self.second {
            None => vec![line(None)],
            Some(second) => sentences::thinned(self.design.axes[second].levels.len())
                .into_iter()
                .take(LINES)
                .map(|level| line(Some((second, level))))
                .collect(),
        }
    }

    fn plot(&self, path: &str) -> Option<Plot> {
        let lines = self.lines();
        let unit = lines
            .iter()
            .flat_map(|line| &line.points)
            .find_map(|point| point.metric(path))?
            .unit;
        let (x, places) = places(self.along());
        let series: Vec<Series> = lines
            .iter()
            .map(|line| Series {
                name: line.name.clone(),
                points: line
                    .points
                    .iter()
                    .zip(&places)
                    .map(|(point, &x)| of_metric(x, point.metric(path)))
                    .collect(),
            })
            .collect();
        let values = || series.iter().flat_map(|series| &series.points).map(|point| point.y);
        let mut y = plot::Axis::new("", unit);
        if matches!(unit, Unit::Seconds | Unit::Dollars) && spans(values(), LOG_FIGURES) {
            y = y.log();
        }
        let label = sentences::metric(path);
        // A path is written as it is.
        let is_path = label == path && label.contains('.');
        let label = if is_path { label } else { words::capital(&label) };
        let title = format!("{label} along {}", self.along().name);
        let mut told: Vec<String> = lines.iter().filter_map(|line| self.tell(line, path)).collect();
        if told.len() > TOLD {
            told.drain(1..told.len() - 1);
        }
        let is_log = x.is_log;
        let mut drawn = Lines {
            has_markers: true,
            limits: self.limits(&lines, path),
            ..Lines::new(x, y, series)
        };
        drawn.x.label.clone_from(&self.along().name);
        Some(Plot {
            name: format!("{}-along-{}", slug(path), slug(&self.along().name)),
            title,
            finding: format!("{}.", words::capital(&told.join("; "))),
            note: self.note(&lines, is_log, drawn.y.is_log),
            kind: Kind::Lines(drawn),
        })
    }

    /// Where a line begins and ends, and its highest where that is in between.
    fn tell(&self, line: &Line<'_>, path: &str) -> Option<String> {
        let known: Vec<(&str, &Metric)> = self
            .along()
            .levels
            .iter()
            .zip(&line.points)
            .filter_map(|(level, point)| Some((level.label.as_str(), point.metric(path)?)))
            .filter(|(_, metric)| metric.estimate.value.is_finite())
            .collect();
        let ((first, from), (last, to)) = (*known.first()?, *known.last()?);
        let value = |metric: &Metric| number::trim_zeros(&terminal::value_of(metric));
        let with = if line.name.is_empty() {
            String::new()
        } else {
            format!("with {}: ", line.name)
        };
        let of = |metric: &Metric| metric.estimate.value;
        let peak = known.iter().max_by(|a, b| of(a.1).total_cmp(&of(b.1)));
        let most = peak
            .filter(|(_, metric)| of(metric) > 1.05 * of(from).max(of(to)))
            .map_or_else(String::new, |(level, metric)| {
                format!(", and at most {} at {level}", value(metric))
            });
        let (from, to) = (value(from), value(to));
        Some(if from == to && most.is_empty() {
            format!("{with}{from} from {first} to {last}")
        } else {
            format!("{with}{from} at {first}, {to} at {last}{most}")
        })
    }

    /// The bounds on the figure, where all points of the plot have the same.
    fn limits(&self, lines: &[Line<'_>], path: &str) -> Vec<Limit> {
        let mut points = lines.iter().flat_map(|line| &line.points);
        let of = |point: &Point| -> Vec<(f64, String)> {
            point
                .objectives
                .iter()
                .filter(|objective| figure_of(&objective.name).is_some_and(|figure| figure.to_string() == path))
                .map(|objective| (objective.target, format!("has to be {}", words::bound(objective))))
                .collect()
        };
        let Some(first) = points.next().map(|point| of(point)) else {
            return Vec::new();
        };
        if !points.all(|point| of(point) == first) {
            return Vec::new();
        }
        first.into_iter().map(|(value, label)| Limit { value, label }).collect()
    }

    fn note(&self, lines: &[Line<'_>], x_is_log: bool, y_is_log: bool) -> String {
        let runs = || {
            lines
                .iter()
                .flat_map(|line| &line.points)
                .map(|point| point.replications)
        };
        let mut parts = vec![match runs().max() {
            Some(1) | None => "One replication each: no interval.".to_owned(),
            _ => "Whiskers and bands are 95 % intervals; between the points nothing was run.".to_owned(),
        }];
        let scales = match (x_is_log, y_is_log) {
            (true, true) => "Both axes are logarithmic.",
            (true, false) => "The axis to the right is logarithmic.",
            (false, true) => "The axis upwards is logarithmic.",
            (false, false) => "",
        };
        parts.push(scales.to_owned());
        let held: Vec<String> = (0..self.design.axes.len())
            .filter(|&axis| axis != self.axis && Some(axis) != self.second)
            .filter(|&axis| self.design.axes[axis].levels.len() > 1)
            .map(|axis| at_level(&self.design.axes[axis], self.held[axis]))
            .collect();
        if !held.is_empty() {
            parts.push(format!("All of it with {}.", held.join(", ")));
        }
        if let Some(second) = self.second {
            let all = self.design.axes[second].levels.len();
            if all > lines.len() {
                parts.push(format!(
                    "{} of {all} levels of {}.",
                    lines.len(),
                    self.design.axes[second].name
                ));
            }
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }
}

/// The axis to the right and where on it each level is: numbers in their places, anything else one after another.
fn places(axis: &Axis) -> (plot::Axis, Vec<f64>) {
    let numbers: Option<Vec<f64>> = axis
        .levels
        .iter()
        .map(|level| level.label.trim().parse().ok())
        .collect();
    let rising = |numbers: &Vec<f64>| {
        numbers.iter().all(|number| number.is_finite()) && numbers.windows(2).all(|pair| pair[0] < pair[1])
    };
    if let Some(numbers) = numbers.filter(rising) {
        let of = plot::Axis::new("", Unit::Count);
        let is_log = spans(numbers.iter().copied(), LOG_LEVELS);
        return (if is_log { of.log() } else { of.tight() }, numbers);
    }
    let names: Vec<String> = axis.levels.iter().map(|level| level.label.clone()).collect();
    let places = (0..names.len()).map(|place| place as f64).collect();
    (plot::Axis::named("", names), places)
}

/// Whether values are all above zero and the largest is more than so many times the smallest.
fn spans(values: impl Iterator<Item = f64>, times: f64) -> bool {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (least, most) = (least.min(value), most.max(value));
    }
    least > 0.0 && most > times * least
}

fn of_metric(x: f64, metric: Option<&Metric>) -> plot::Point {
    metric.map_or_else(
        || plot::Point::at(x, f64::NAN),
        |metric| plot::Point {
            x,
            y: metric.estimate.value,
            low: metric.estimate.low.unwrap_or(f64::NAN),
            high: metric.estimate.high.unwrap_or(f64::NAN),
        },
    )
}

/// A text as a part of a file's name.
fn slug(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}
