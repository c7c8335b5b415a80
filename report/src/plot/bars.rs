//! Bars from left to right, whole or in parts.

use highwater_models::record::figures::{Estimate, Unit};

use super::Size;
use super::axis::Axis;
use super::drawing::{Anchor, Drawing, LINE, TEXT};
use super::font;
use super::frame::{Entry, legend, nothing};
use super::palette::{self, AXIS, Color, FAINT, GRID, INK, PAPER};

/// How thick a bar is.
const BAR: f64 = 16.0;

/// A part of a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Number of its name in [`Bars::parts`].
    pub of: usize,
    /// How long it is.
    pub value: f64,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it is.
    pub name: String,
    /// Its parts from left to right; one for a whole bar.
    pub parts: Vec<Part>,
    /// The interval of the whole, where there is one.
    pub interval: Option<(f64, f64)>,
    /// What stands behind it: usually its value.
    pub text: String,
    /// Whether it is not as it should be.
    pub is_bad: bool,
}

impl Bar {
    /// A whole bar from an estimate.
    #[must_use]
    pub fn new(name: &str, estimate: &Estimate, text: String) -> Self {
        Self {
            name: name.to_owned(),
            parts: vec![Part {
                of: 0,
                value: estimate.value,
            }],
            interval: estimate.low.zip(estimate.high),
            text,
            is_bad: false,
        }
    }
}

/// Bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// To the right.
    pub x: Axis,
    /// What the parts are; empty for whole bars.
    pub parts: Vec<String>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
    /// The end of the axis, where it is known, such as all of a resource.
    pub most: Option<f64>,
}

impl Bars {
    pub(super) fn draw(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let length = |bar: &Bar| bar.parts.iter().map(|part| sound(part.value)).sum::<f64>();
        let longest = self.bars.iter().map(length).fold(0.0, f64::max);
        if self.bars.is_empty() || (longest <= 0.0 && self.most.is_none()) {
            nothing(&mut drawing, "there was none");
            return drawing;
        }
        let top = self.legend(&mut drawing, size.width());
        let columns = Columns::new(size, self.bars.iter().map(|bar| (bar.name.as_str(), bar.text.as_str())));
        let end = |bar: &Bar| bar.interval.map_or(0.0, |(_, high)| sound(high)).max(length(bar));
        let most = self
            .most
            .unwrap_or_else(|| self.bars.iter().map(end).fold(0.0, f64::max));
        let scale = self.x.scale(0.0, most, if size == Size::Wide { 5 } else { 3 });
        // The longest bar takes all the room: the next tick after it would be no more than a number.
        let to = if most > 0.0 { most } else { scale.to };
        let place = |value: f64| {
            let share = sound(value) / to;
            columns.left + share.clamp(0.0, 1.0) * (columns.right - columns.left)
        };
        let bottom = top + columns.row * self.bars.len() as f64;
        for (value, label) in scale.ticks.iter().filter(|(value, _)| *value <= to * (1.0 + 1e-9)) {
            let x = place(*value);
            if self.parts.is_empty() {
                let color = if *value == 0.0 { AXIS } else { GRID };
                drawing.path(vec![(x, top), (x, bottom)], color, 1.0);
                tick(&mut drawing, (x, bottom + LINE * 0.7), label);
            }
        }
        for (number, bar) in self.bars.iter().enumerate() {
            let y = top + columns.row * number as f64;
            let middle = columns.label(&mut drawing, y, &bar.name);
            let mut x = 0.0;
            for part in &bar.parts {
                let (left, right) = (place(x), place(x + sound(part.value)));
                let color = self.color(part.of, bar.is_bad);
                drawing.rectangle((left, middle - BAR / 2.0), (right, middle + BAR / 2.0), color, 1.0);
                if x > 0.0 {
                    let edge = [(left, middle - BAR / 2.0), (left, middle + BAR / 2.0)];
                    drawing.path(edge.to_vec(), PAPER, 1.5);
                }
                x += sound(part.value);
            }
            let mut after = place(x);
            if let Some((low, high)) = bar.interval.filter(|(low, high)| high > low) {
                let (low, high) = (place(low), place(high));
                drawing.path(vec![(low, middle), (high, middle)], INK, 1.2);
                for end in [low, high] {
                    drawing.path(vec![(end, middle - 4.0), (end, middle + 4.0)], INK, 1.2);
                }
                after = after.max(high);
            }
            drawing.text((after + 7.0, middle), &bar.text, Anchor::Start, INK);
        }
        drawing.height = bottom + if self.parts.is_empty() { LINE * 1.4 } else { 4.0 };
        drawing
    }

    fn legend(&self, drawing: &mut Drawing, width: f64) -> f64 {
        let entries: Vec<Entry<'_>> = self
            .parts
            .iter()
            .enumerate()
            .map(|(number, name)| Entry {
                name,
                color: self.color(number, false),
                dashes: &[],
                marker: None,
                is_area: true,
            })
            .collect();
        legend(drawing, &entries, 2.0, width) + 2.0
    }

    fn color(&self, part: usize, is_bad: bool) -> Color {
        if is_bad {
            palette::BAD
        } else if self.parts.len() > palette::SERIES.len() && part + 1 == self.parts.len() {
            palette::OTHER
        } else {
            palette::series(part)
        }
    }
}

/// A label of an axis in the middle below its line, or as near to it as the edges allow.
/// Returns where it ends.
pub(super) fn tick(drawing: &mut Drawing, (x, y): (f64, f64), label: &str) -> f64 {
    let half = font::width(label, TEXT, false) / 2.0;
    let x = x.min(drawing.width - half).max(half);
    drawing.text((x, y), label, Anchor::Middle, FAINT);
    x + half
}

/// A length that can be drawn.
fn sound(value: f64) -> f64 {
    if value.is_finite() { value.clamp(0.0, 1e15) } else { 0.0 }
}

/// Names at the left, or above on a phone; the data beside them; room for what stands behind.
pub(super) struct Columns {
    /// Where data begin.
    pub left: f64,
    /// Where they end.
    pub right: f64,
    /// From one row to the next.
    pub row: f64,
    width: f64,
    size: Size,
}

impl Columns {
    /// For these names and what stands behind their rows.
    pub fn new<'a>(size: Size, rows: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let width = size.width();
        let widest = rows.fold((0.0_f64, 0.0_f64), |(name, text), row| {
            (
                name.max(font::width(row.0, TEXT, false)),
                text.max(font::width(row.1, TEXT, false)),
            )
        });
        let right = width - (widest.1 + 12.0).clamp(16.0, width / 2.0);
        match size {
            Size::Wide => Self {
                left: widest.0.min(width * 0.36) + 14.0,
                right,
                row: BAR + 8.0,
                width,
                size,
            },
            Size::Narrow => Self {
                left: 4.0,
                right,
                row: BAR + LINE + 8.0,
                width,
                size,
            },
        }
    }

    /// Writes a row's name. Returns the height of its data's middle.
    pub fn label(&self, drawing: &mut Drawing, top: f64, name: &str) -> f64 {
        match self.size {
            Size::Wide => {
                let middle = top + self.row / 2.0;
                let name = font::shortened(name, TEXT, self.left - 14.0);
                drawing.text((self.left - 8.0, middle), &name, Anchor::End, INK);
                middle
            }
            Size::Narrow => {
                let name = font::shortened(name, TEXT, self.width - 12.0);
                drawing.text((self.left, top + LINE / 2.0), &name, Anchor::Start, INK);
                top + LINE + BAR / 2.0
            }
        }
    }
}

/// An axis of shares of a whole.
#[must_use]
pub fn shares() -> Axis {
    Axis::new("", Unit::Share)
}
