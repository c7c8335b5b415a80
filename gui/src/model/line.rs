//! Plots over time, thinned beforehand: for each zoom a level with a lowest, a highest and a mean for each of its points.
//!
//! Owns: the levels, gaps, which one fits so many pixels. Never: which plots there are (`highwater_report::plot`), paint.

use egui_plot::PlotPoint;
use highwater_models::record::figures::Unit;
use highwater_models::record::timeline::Stretch;
use highwater_report::plot::{Kind, Limit, Mark, Plot};

/// A plot over time.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its name among the run's plots.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What it shows, in a sentence.
    pub finding: String,
    /// What its axis upwards is called.
    pub axis: String,
    /// What that counts in.
    pub unit: Unit,
    /// Lines, or the layers of a stack from the lowest.
    pub series: Vec<Series>,
    /// Whether the series stand one upon the other.
    pub is_stack: bool,
    /// Bounds that have to hold.
    pub limits: Vec<Limit>,
    /// From 0 to its end, in seconds.
    pub span: f64,
    /// The highest value of it.
    pub most: f64,
}

/// What all charts of a run have in common.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Phases of the load.
    pub phases: Vec<Stretch>,
    /// What happened: faults, alerts, changes.
    pub marks: Vec<Mark>,
    /// Seconds of the run.
    pub span: f64,
}

/// A line, or a layer.
#[derive(Clone, Debug)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Its levels, the finest first.
    pub levels: Vec<Level>,
}

/// A series at one fineness.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// The means, without gaps: what stands between two gaps is one of `runs`.
    pub points: Vec<PlotPoint>,
    /// Places of the points.
    pub xs: Vec<f64>,
    /// The lowest of each.
    pub low: Vec<f64>,
    /// The highest of each.
    pub high: Vec<f64>,
    /// Stretches without a gap, as places among the points.
    pub runs: Vec<(usize, usize)>,
    /// Seconds from one point to the next.
    pub step: f64,
}

/// Charts of every plot over time.
#[must_use]
pub fn charts(plots: &[Plot]) -> (Vec<Chart>, Clock) {
    let mut clock = Clock::default();
    let mut charts = Vec::new();
    for plot in plots {
        let Some(chart) = chart(plot) else { continue };
        clock.span = clock.span.max(chart.span);
        let (phases, marks) = match &plot.kind {
            Kind::Lines(lines) => (&lines.phases, &lines.marks),
            Kind::Stacks(stacks) => (&stacks.phases, &stacks.marks),
            _ => continue,
        };
        if clock.phases.is_empty() {
            clock.phases.clone_from(phases);
        }
        if clock.marks.is_empty() {
            clock.marks.clone_from(marks);
        }
        charts.push(chart);
    }
    (charts, clock)
}

/// The chart of a plot, where it is one over time.
#[must_use]
pub fn chart(plot: &Plot) -> Option<Chart> {
    let (axis, unit, series, is_stack, limits, span) = match &plot.kind {
        Kind::Lines(lines) if lines.x.is_clock => {
            let series: Vec<Series> = lines
                .series
                .iter()
                .map(|series| {
                    let raw: Vec<Raw> = series
                        .points
                        .iter()
                        .map(|point| Raw {
                            x: point.x,
                            y: point.y,
                            low: if point.low.is_nan() { point.y } else { point.low },
                            high: if point.high.is_nan() { point.y } else { point.high },
                        })
                        .collect();
                    Series {
                        name: series.name.clone(),
                        levels: levels(raw),
                    }
                })
                .collect();
            let last = lines
                .series
                .iter()
                .filter_map(|series| series.points.last())
                .map(|point| point.x);
            let first = lines
                .series
                .iter()
                .filter_map(|series| series.points.first())
                .map(|point| point.x);
            // The points stand in the middle of their windows.
            let span = last.fold(0.0, f64::max) + first.fold(f64::INFINITY, f64::min).min(1e9);
            (&lines.y.label, lines.y.unit, series, false, lines.limits.clone(), span)
        }
        Kind::Stacks(stacks) => {
            let count = stacks.parts.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
            let mut below = vec![0.0; count];
            let mut series = Vec::new();
            for (name, values) in &stacks.parts {
                let raw: Vec<Raw> = (0..count)
                    .map(|number| {
                        let value = values
                            .get(number)
                            .copied()
                            .filter(|value| value.is_finite())
                            .unwrap_or(0.0);
                        let low = below[number];
                        below[number] += value.max(0.0);
                        Raw {
                            x: (number as f64 + 0.5) * stacks.window,
                            y: below[number],
                            low,
                            high: below[number],
                        }
                    })
                    .collect();
                series.push(Series {
                    name: name.clone(),
                    levels: levels(raw),
                });
            }
            (
                &stacks.y.label,
                stacks.y.unit,
                series,
                true,
                Vec::new(),
                count as f64 * stacks.window,
            )
        }
        _ => return None,
    };
    if series.is_empty() {
        return None;
    }
    let most = series.iter().map(Series::most).fold(0.0, f64::max);
    Some(Chart {
        name: plot.name.clone(),
        title: plot.title.clone(),
        finding: plot.finding.clone(),
        axis: axis.clone(),
        unit,
        series,
        is_stack,
        limits,
        span: if span.is_finite() { span } else { 0.0 },
        most,
    })
}

#[derive(Copy, Clone)]
struct Raw {
    x: f64,
    y: f64,
    low: f64,
    high: f64,
}

/// Fewer points than this are not thinned any more.
const FEWEST: usize = 64;

/// The points themselves, and then two and two together until there are few.
fn levels(mut raw: Vec<Raw>) -> Vec<Level> {
    let mut levels = Vec::new();
    loop {
        levels.push(level(&raw));
        if raw.len() <= FEWEST {
            return levels;
        }
        raw = raw.chunks(2).map(together).collect();
    }
}

/// Two points as one: between their lowest and their highest.
fn together(pair: &[Raw]) -> Raw {
    let seen: Vec<&Raw> = pair.iter().filter(|raw| raw.y.is_finite()).collect();
    let mean = |of: fn(&Raw) -> f64| seen.iter().map(|raw| of(raw)).sum::<f64>() / seen.len() as f64;
    Raw {
        x: pair.iter().map(|raw| raw.x).sum::<f64>() / pair.len() as f64,
        y: mean(|raw| raw.y),
        low: seen.iter().map(|raw| raw.low).fold(f64::NAN, f64::min),
        high: seen.iter().map(|raw| raw.high).fold(f64::NAN, f64::max),
    }
}

fn level(raw: &[Raw]) -> Level {
    let mut level = Level {
        step: match raw {
            [first, second, ..] => second.x - first.x,
            _ => 0.0,
        },
        ..Level::default()
    };
    let mut begun = None;
    for raw in raw {
        if !raw.y.is_finite() {
            if let Some(from) = begun.take() {
                level.runs.push((from, level.points.len()));
            }
            continue;
        }
        begun.get_or_insert(level.points.len());
        level.points.push(PlotPoint::new(raw.x, raw.y));
        level.xs.push(raw.x);
        level.low.push(raw.low);
        level.high.push(raw.high);
    }
    if let Some(from) = begun {
        level.runs.push((from, level.points.len()));
    }
    level
}

impl Series {
    /// The highest value of any replication.
    #[must_use]
    pub fn most(&self) -> f64 {
        let level = self.levels.first();
        level.map_or(0.0, |level| level.high.iter().copied().fold(0.0, f64::max))
    }

    /// The finest level of which no more than so many points stand in a stretch of time.
    #[must_use]
    pub fn level(&self, seconds: f64, points: f64) -> Option<&Level> {
        let fits = |level: &&Level| level.step <= 0.0 || seconds / level.step <= points.max(2.0);
        self.levels.iter().find(fits).or(self.levels.last())
    }

    /// Its value at a time, and the lowest and highest of the replications then; `None` in a gap.
    #[must_use]
    pub fn at(&self, time: f64) -> Option<(f64, f64, f64)> {
        let level = self.levels.first()?;
        let after = level.xs.partition_point(|x| *x < time);
        let near = [after.checked_sub(1), Some(after)]
            .into_iter()
            .flatten()
            .filter(|&index| index < level.xs.len());
        let nearest = near.min_by(|&a, &b| (level.xs[a] - time).abs().total_cmp(&(level.xs[b] - time).abs()))?;
        let is_near = (level.xs[nearest] - time).abs() <= level.step.max(1e-9);
        is_near.then(|| (level.points[nearest].y, level.low[nearest], level.high[nearest]))
    }
}

impl Level {
    /// The parts of its runs that lie in a stretch of time, with one point on either side.
    pub fn visible(&self, from: f64, to: f64) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = self.xs.partition_point(|x| *x < from).saturating_sub(1);
        let last = (self.xs.partition_point(|x| *x <= to) + 1).min(self.xs.len());
        let cut = move |&(begin, end): &(usize, usize)| (begin.max(first), end.min(last));
        self.runs.iter().map(cut).filter(|(begin, end)| begin < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_report::plot::{Axis, Lines, Point, Series as Plotted};

    fn plot(values: &[f64]) -> Plot {
        let points = values.iter().enumerate();
        let points = points
            .map(|(number, value)| Point::at(number as f64 + 0.5, *value))
            .collect();
        let series = Plotted {
            name: "one".to_owned(),
            points,
        };
        Plot {
            name: "x".to_owned(),
            title: String::new(),
            finding: String::new(),
            note: String::new(),
            kind: Kind::Lines(Lines::new(Axis::clock(), Axis::new("y", Unit::Count), vec![series])),
        }
    }

    // Lost if broken: a spike of one second that cannot be seen in the picture of a month.
    #[test]
    fn the_highest_of_many_points_is_still_there_when_they_are_one() {
        let mut values = vec![1.0; 100_000];
        values[54_321] = 99.0;
        let chart = chart(&plot(&values)).expect("it is over time");
        let level = chart.series[0].level(100_000.0, 800.0).expect("there is one");
        assert!(
            level.points.len() <= 800 && level.points.len() > 300,
            "{}",
            level.points.len()
        );
        let highest = level.high.iter().copied().fold(0.0, f64::max);
        assert_eq!((highest, chart.most, chart.span), (99.0, 99.0, 100_000.0));
        let fine = chart.series[0].level(500.0, 800.0).expect("there is one");
        assert_eq!(fine.step, 1.0);
        assert_eq!(chart.series[0].at(54_321.4).map(|(value, ..)| value), Some(99.0));
    }

    // Lost if broken: a line drawn through a time in which nothing was observed.
    #[test]
    fn a_gap_stays_a_gap() {
        let chart = chart(&plot(&[1.0, 2.0, f64::NAN, 4.0, f64::NAN])).expect("it is over time");
        let level = &chart.series[0].levels[0];
        assert_eq!(level.runs, [(0, 2), (2, 3)]);
        assert_eq!(level.visible(0.0, 1.0).collect::<Vec<_>>(), [(0, 2)]);
        assert_eq!(level.visible(0.0, 9.0).count(), 2);
        assert_eq!(chart.series[0].at(2.5).is_some(), chart.series[0].at(2.0).is_some());
        assert_eq!(chart.series[0].at(9.0), None);
    }
}
