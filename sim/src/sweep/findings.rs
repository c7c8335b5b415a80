//! What a study found: which points hold, where along an axis they stop to, and what each axis moves.
//!
//! Owns: the comparisons between points. Never: words (`report`).
//!
//! An effect is the change from the first level of an axis to its last, averaged over all combinations of the other axes.
//! Its interval is Student's over the replications' own averages: replication 3 of every point has met the same people, so
//! what they have in common cancels (Law, *Simulation Modeling and Analysis*, 5th edition, section 10.2.1, paired t).

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::sweep::{Design, Point, Standing};

use crate::interval::Intervals;

/// What a study found. Points are numbers into the list of points, which has all of them in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// How many points there are of each standing: holding, open, breaking, not asked.
    pub counts: [usize; 4],
    /// The point to take, where one can be named: where the axes are choices and not loads.
    pub best: Option<Best>,
    /// For each axis of several levels, where the objectives stop holding along it.
    pub edges: Vec<Edge>,
    /// For each axis of several levels and each figure that is kept, what the axis does to it.
    pub effects: Vec<Effect>,
}

/// The point to take.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// Which.
    pub point: usize,
    /// Why.
    pub because: Because,
}

/// Why a point is named.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// It holds and costs least.
    Cheapest,
    /// It holds and serves most.
    MostGoodput,
    /// No point holds; this one comes nearest.
    Nearest,
}

/// An axis and the standings along it.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Which axis.
    pub axis: usize,
    /// One line for each combination of the other axes.
    pub lines: Vec<Line>,
}

/// The points along an axis while the other axes stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The level of each axis; that of the line's own axis is the first.
    pub levels: Vec<usize>,
    /// Along the axis.
    pub standings: Vec<Standing>,
}

/// What an axis does to a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Which axis.
    pub axis: usize,
    /// The figure's path.
    pub metric: String,
    /// What it counts in.
    pub unit: Unit,
    /// At the first level, the mean over the other axes.
    pub first: f64,
    /// At the last level.
    pub last: f64,
    /// The change from the first to the last, with its 95 % interval.
    pub change: Estimate,
}

impl Effect {
    /// Whether the whole interval of the change is on one side of nothing.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        matches!((self.change.low, self.change.high), (Some(low), Some(high)) if low > 0.0 || high < 0.0)
    }
}

/// What the points found. They are all there, in their order.
#[must_use]
pub fn findings(design: &Design, points: &[Point]) -> Findings {
    let mut found = Findings::default();
    for point in points {
        found.counts[point.standing() as usize] += 1;
    }
    // The least of loads is no advice.
    if design.axes.iter().all(|axis| axis.levels.len() < 2 || axis.is_choice()) {
        found.best = best(points);
    }
    for (axis, of) in design.axes.iter().enumerate() {
        if of.levels.len() < 2 {
            continue;
        }
        if found.counts[Standing::NotAsked as usize] < points.len() {
            found.edges.push(edge(design, points, axis));
        }
        let metrics = design.metrics.iter();
        found
            .effects
            .extend(metrics.filter_map(|metric| effect(design, points, axis, metric)));
    }
    found
}

/// The points along an axis, for each combination of the others.
fn lines(design: &Design, axis: usize) -> impl Iterator<Item = (Vec<usize>, Vec<usize>)> + '_ {
    let starts = (0..design.points())
        .map(|point| design.levels_of(point))
        .filter(move |levels| levels[axis] == 0);
    starts.map(move |levels| {
        let along = (0..design.axes[axis].levels.len()).map(|level| {
            let mut at = levels.clone();
            at[axis] = level;
            design.point_at(&at)
        });
        let along = along.collect();
        (levels, along)
    })
}

fn edge(design: &Design, points: &[Point], axis: usize) -> Edge {
    let line = |(levels, along): (Vec<usize>, Vec<usize>)| Line {
        levels,
        standings: along.iter().map(|&point| points[point].standing()).collect(),
    };
    Edge {
        axis,
        lines: lines(design, axis).map(line).collect(),
    }
}

fn effect(design: &Design, points: &[Point], axis: usize, metric: &str) -> Option<Effect> {
    let mut unit = None;
    let mut ends: Vec<[f64; 2]> = Vec::new();
    let mut pairs: Vec<Vec<f64>> = Vec::new();
    for (_, along) in lines(design, axis) {
        let (first, last) = (
            points[*along.first()?].metric(metric),
            points[*along.last()?].metric(metric),
        );
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        unit = Some(first.unit);
        if first.estimate.value.is_finite() && last.estimate.value.is_finite() {
            ends.push([first.estimate.value, last.estimate.value]);
            pairs.push(
                first
                    .samples
                    .iter()
                    .zip(&last.samples)
                    .map(|(first, last)| last - first)
                    .collect(),
            );
        }
    }
    let (unit, count) = (unit?, ends.len());
    if count == 0 {
        return None;
    }
    let mean = |end: usize| ends.iter().map(|ends| ends[end]).sum::<f64>() / count as f64;
    let replications = pairs.iter().map(Vec::len).min().unwrap_or(0);
    let samples: Vec<f64> = (0..replications)
        .map(|replication| pairs.iter().map(|pair| pair[replication]).sum::<f64>() / count as f64)
        .collect();
    let mut change = Intervals::new(samples.len()).estimate(&samples);
    if change.value.is_nan() {
        change.value = mean(1) - mean(0);
    }
    Some(Effect {
        axis,
        metric: metric.to_owned(),
        unit,
        first: mean(0),
        last: mean(1),
        change,
    })
}

fn best(points: &[Point]) -> Option<Best> {
    if points.len() < 2 {
        return None;
    }
    let value = |point: &Point, path: &str| point.metric(path).map_or(f64::NAN, |metric| metric.estimate.value);
    let holding: Vec<&Point> = points
        .iter()
        .filter(|point| point.standing() == Standing::Holds)
        .collect();
    let least = |of: &dyn Fn(&Point) -> f64| -> Option<usize> {
        let mut values: Vec<(f64, usize)> = holding.iter().map(|point| (of(point), point.number)).collect();
        if values.iter().any(|(value, _)| !value.is_finite()) {
            return None;
        }
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Where all are alike, none is to be preferred for it.
        let (first, last) = (values.first()?, values.last()?);
        (values.len() == 1 || last.0 - first.0 > 1e-9 * last.0.abs()).then_some(first.1)
    };
    if let Some(point) =
        least(&|point| value(point, "cost.month")).filter(|&point| value(&points[point], "cost.month") > 0.0)
    {
        return Some(Best {
            point,
            because: Because::Cheapest,
        });
    }
    if !holding.is_empty() {
        let point = least(&|point| -value(point, "goodput"))?;
        return Some(Best {
            point,
            because: Because::MostGoodput,
        });
    }
    // How far beyond its bound the worst objective is.
    let miss = |point: &Point| -> Option<(usize, f64)> {
        let missed = point.objectives.iter().filter(|objective| objective.met == Some(false));
        let ratios: Vec<f64> = missed
            .map(|objective| {
                let (value, target) = (objective.value.value, objective.target);
                let ratio = if objective.at_most {
                    value / target
                } else {
                    target / value
                };
                if ratio.is_nan() { f64::INFINITY } else { ratio.abs() }
            })
            .collect();
        (!ratios.is_empty()).then(|| (ratios.len(), ratios.iter().copied().fold(0.0, f64::max)))
    };
    let missing: Vec<(usize, (usize, f64))> = points
        .iter()
        .filter_map(|point| Some((point.number, miss(point)?)))
        .collect();
    if missing.len() < points.len() {
        return None;
    }
    let nearest = missing
        .iter()
        .min_by(|(_, a), (_, b)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
    Some(Best {
        point: nearest.0,
        because: Because::Nearest,
    })
}
