//! Points with intervals, several to a row: percentiles by endpoint.

use highwater_models::record::figures::Estimate;

use super::Size;
use super::axis::Axis;
use super::bars::{Columns, tick};
use super::drawing::{Drawing, LINE};
use super::frame::{Entry, legend, marker, nothing};
use super::lines::{BOUND, Limit};
use super::palette::{self, AXIS, GRID, LIMIT};

/// A bound is shown within so many times what the points reach.
const FAR: f64 = 2.5;

/// The same where equal ratios have equal lengths.
const LOG_FAR: f64 = 30.0;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// An estimate for each series, in their order; NaN where there is none.
    pub values: Vec<Estimate>,
}

/// Points with intervals.
#[derive(Clone, Debug, PartialEq)]
pub struct Dots {
    /// To the right.
    pub x: Axis,
    /// What the points are, such as percentiles.
    pub series: Vec<String>,
    /// From top to bottom.
    pub rows: Vec<Row>,
    /// Bounds.
    pub limits: Vec<Limit>,
}

impl Dots {
    pub(super) fn draw(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let all = || self.rows.iter().flat_map(|row| &row.values);
        let ends = |value: &Estimate| {
            let low = value
                .low
                .filter(|low| low.is_finite() && (*low > 0.0 || !self.x.is_log));
            [low.unwrap_or(value.value), value.high.unwrap_or(value.value)]
        };
        let seen = || all().flat_map(ends).filter(|end| end.is_finite());
        if seen().next().is_none() {
            nothing(&mut drawing, "nothing was observed");
            return drawing;
        }
        let mut low = seen()
            .filter(|end| !self.x.is_log || *end > 0.0)
            .fold(f64::INFINITY, f64::min);
        let mut high = seen().fold(f64::NEG_INFINITY, f64::max);
        // A bound far from the points would press them together.
        let far = if self.x.is_log { LOG_FAR } else { FAR };
        for limit in &self.limits {
            if limit.value <= high * far && (!self.x.is_log || limit.value >= low / far && limit.value > 0.0) {
                (low, high) = (low.min(limit.value), high.max(limit.value));
            }
        }
        let scale = self.x.scale(low, high, if size == Size::Wide { 6 } else { 3 });
        let mut entries: Vec<Entry<'_>> = self
            .series
            .iter()
            .enumerate()
            .map(|(number, name)| Entry {
                name,
                color: palette::series(number),
                dashes: &[],
                marker: Some(number),
                is_area: false,
            })
            .collect();
        entries.extend(
            self.limits
                .iter()
                .filter(|limit| scale.has(limit.value))
                .map(|limit| Entry {
                    name: &limit.label,
                    color: LIMIT,
                    dashes: BOUND,
                    marker: None,
                    is_area: false,
                }),
        );
        let top = legend(&mut drawing, &entries, 2.0, size.width()) + 2.0;
        let columns = Columns::new(size, self.rows.iter().map(|row| (row.name.as_str(), "")));
        let place = |value: f64| columns.left + scale.place(value) * (columns.right - columns.left);
        let bottom = top + columns.row * self.rows.len() as f64;
        let mut free = f64::NEG_INFINITY;
        for (value, label) in &scale.ticks {
            let x = place(*value);
            drawing.path(vec![(x, top), (x, bottom)], GRID, 1.0);
            let half = super::font::width(label, super::drawing::TEXT, false) / 2.0;
            // On a narrow plot some lines stay without their label.
            if (x - half).max(0.0) > free {
                free = tick(&mut drawing, (x, bottom + LINE * 0.7), label) + 6.0;
            }
        }
        drawing.path(vec![(columns.left, bottom), (columns.right, bottom)], AXIS, 1.0);
        for limit in self.limits.iter().filter(|limit| scale.has(limit.value)) {
            let x = place(limit.value);
            drawing.dashed(&[(x, top), (x, bottom)], BOUND, LIMIT, 1.5);
        }
        for (number, row) in self.rows.iter().enumerate() {
            let middle = columns.label(&mut drawing, top + columns.row * number as f64, &row.name);
            let finite = || row.values.iter().filter(|value| value.value.is_finite());
            let least = finite().map(|value| place(value.value)).fold(f64::INFINITY, f64::min);
            let most = finite()
                .map(|value| place(value.value))
                .fold(f64::NEG_INFINITY, f64::max);
            if most > least {
                drawing.path(vec![(least, middle), (most, middle)], GRID, 3.0);
            }
            for (series, value) in row
                .values
                .iter()
                .enumerate()
                .filter(|(_, value)| value.value.is_finite())
            {
                let color = palette::series(series);
                let [low, high] = ends(value).map(place);
                if high > low {
                    drawing.path(vec![(low, middle), (high, middle)], color, 2.0);
                    for end in [low, high] {
                        drawing.path(vec![(end, middle - 5.0), (end, middle + 5.0)], color, 1.6);
                    }
                }
                marker(&mut drawing, series, (place(value.value), middle), color);
            }
        }
        drawing.height = bottom + LINE * 1.4;
        drawing
    }
}
