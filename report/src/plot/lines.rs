//! Lines with bands, over time or over a setting.

use highwater_models::record::timeline::Stretch;

use super::Size;
use super::axis::Axis;
use super::drawing::Drawing;
use super::frame::{Around, Entry, Frame, marker, nothing};
use super::palette::{self, LIMIT};
use super::thin::thin;

/// Dashes of the series in their order; the first is a whole line.
const DASHES: [&[f64]; 6] = [
    &[],
    &[7.0, 3.0],
    &[2.0, 2.5],
    &[9.0, 3.0, 2.0, 3.0],
    &[12.0, 4.0],
    &[4.0, 4.0],
];

/// Dashes of a bound.
pub(super) const BOUND: &[f64] = &[1.5, 3.0];

/// A point with what it may range over.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Upwards; NaN where nothing was observed, which leaves a gap.
    pub y: f64,
    /// Lower end of the band; NaN where there is none.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

impl Point {
    /// Without a band.
    #[must_use]
    pub const fn at(x: f64, y: f64) -> Self {
        Self {
            x,
            y,
            low: f64::NAN,
            high: f64::NAN,
        }
    }

    /// The lower end of the band, or the point itself.
    pub(super) fn lowest(&self) -> f64 {
        self.y.min(self.low)
    }

    /// The upper end of the band, or the point itself.
    pub(super) fn highest(&self) -> f64 {
        self.y.max(self.high)
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<Point>,
}

/// Something that happened at a time, or lasted from one to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When.
    pub from: f64,
    /// Until when; equal to `from` where it took no time.
    pub to: f64,
    /// What, in a few words.
    pub label: String,
}

/// A bound that has to hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The bound.
    pub value: f64,
    /// In words.
    pub label: String,
}

/// Lines with bands.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Series>,
    /// Bounds.
    pub limits: Vec<Limit>,
    /// Phases of the load.
    pub phases: Vec<Stretch>,
    /// What happened.
    pub marks: Vec<Mark>,
    /// Whether each point has its marker: few measured ones, as in a sweep, and not windows of time.
    pub has_markers: bool,
}

impl Lines {
    /// Without bounds and marks.
    #[must_use]
    pub const fn new(x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            x,
            y,
            series,
            limits: Vec::new(),
            phases: Vec::new(),
            marks: Vec::new(),
            has_markers: false,
        }
    }

    pub(super) fn draw(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let points = || self.series.iter().flat_map(|series| &series.points);
        let seen = || points().filter(|point| point.y.is_finite() && point.x.is_finite());
        if seen().next().is_none() {
            nothing(&mut drawing, "nothing was observed");
            return drawing;
        }
        let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
        let most = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::NEG_INFINITY, f64::max);
        // A window without data at the edge has its time all the same.
        let all = || points().map(|point| point.x).filter(|x| x.is_finite());
        let ends = self
            .phases
            .iter()
            .map(|phase| phase.to)
            .chain(self.marks.iter().map(|mark| mark.to));
        let end = most(&mut all());
        let xs = if self.x.is_clock {
            (0.0, most(&mut ends.filter(|to| *to < end * 1.05)).max(end))
        } else {
            (least(&mut all()), end)
        };
        let mut ys = (
            least(&mut seen().map(Point::lowest).filter(|y| !self.y.is_log || *y > 0.0)),
            most(&mut seen().map(Point::highest)),
        );
        // A bound far above the lines would press them flat.
        let high = ys.1 * 2.5;
        for limit in self.limits.iter().filter(|limit| limit.value <= high) {
            ys = (ys.0.min(limit.value), ys.1.max(limit.value));
        }
        let entries: Vec<Entry<'_>> = self
            .series
            .iter()
            .enumerate()
            .map(|(number, series)| Entry {
                name: &series.name,
                color: palette::series(number),
                dashes: DASHES[number % DASHES.len()],
                marker: self.has_markers.then_some(number),
                is_area: false,
            })
            .collect();
        // A single line is what the title says.
        let mut legend = if entries.len() > 1 { entries.clone() } else { Vec::new() };
        legend.extend(
            self.limits
                .iter()
                .filter(|limit| limit.value <= high)
                .map(|limit| Entry {
                    name: &limit.label,
                    color: LIMIT,
                    dashes: BOUND,
                    marker: None,
                    is_area: false,
                }),
        );
        let around = Around {
            x: &self.x,
            y: &self.y,
            xs,
            ys,
            legend: &legend,
            phases: &self.phases,
            marks: &self.marks,
        };
        let frame = Frame::draw(&mut drawing, size, &around);
        let thinned: Vec<Vec<Point>> = self
            .series
            .iter()
            .map(|series| thin(&series.points, frame.width()))
            .collect();
        // Many bands over one another have to be lighter.
        let opacity = if entries.len() > 2 { 0.13 } else { 0.22 };
        for (points, entry) in thinned.iter().zip(&entries) {
            band(&mut drawing, &frame, points, entry, opacity);
        }
        self.limits(&mut drawing, &frame);
        for (points, entry) in thinned.iter().zip(&entries) {
            line(&mut drawing, &frame, points, entry, self.has_markers);
        }
        drawing
    }

    fn limits(&self, drawing: &mut Drawing, frame: &Frame) {
        for limit in self.limits.iter().filter(|limit| frame.has_y(limit.value)) {
            let y = frame.y(limit.value);
            drawing.dashed(&[(frame.left(), y), (frame.right(), y)], BOUND, LIMIT, 1.5);
        }
    }
}

/// Runs of points without a gap.
fn runs(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    points
        .split(|point| !(point.y.is_finite() && point.x.is_finite()))
        .filter(|run| !run.is_empty())
}

fn band(drawing: &mut Drawing, frame: &Frame, points: &[Point], entry: &Entry<'_>, opacity: f64) {
    for run in runs(points) {
        if run.iter().all(|point| point.highest() <= point.lowest()) {
            continue;
        }
        let upper = run.iter().map(|point| (frame.x(point.x), frame.y(point.highest())));
        let lower = run
            .iter()
            .rev()
            .map(|point| (frame.x(point.x), frame.y(point.lowest())));
        if run.len() > 1 {
            drawing.polygon(upper.chain(lower).collect(), entry.color, opacity);
        }
    }
}

fn line(drawing: &mut Drawing, frame: &Frame, points: &[Point], entry: &Entry<'_>, has_markers: bool) {
    for run in runs(points) {
        let at: Vec<(f64, f64)> = run.iter().map(|point| (frame.x(point.x), frame.y(point.y))).collect();
        if has_markers {
            for point in run.iter().filter(|point| point.highest() > point.lowest()) {
                let (x, high, low) = (frame.x(point.x), frame.y(point.highest()), frame.y(point.lowest()));
                drawing.path(vec![(x, high), (x, low)], entry.color, 1.2);
                for end in [high, low] {
                    drawing.path(vec![(x - 3.0, end), (x + 3.0, end)], entry.color, 1.2);
                }
            }
        }
        drawing.dashed(&at, entry.dashes, entry.color, 1.8);
        match entry.marker {
            Some(shape) => at.iter().for_each(|&point| marker(drawing, shape, point, entry.color)),
            None if run.len() == 1 => marker(drawing, 0, at[0], entry.color),
            None => {}
        }
    }
}
