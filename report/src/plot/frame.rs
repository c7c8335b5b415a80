//! What stands around the data of a plot with two axes: ticks, grid, legend, phases above, marks of what happened.
//!
//! Owns: where each stands, and that no two labels meet.

use highwater_models::record::timeline::Stretch;

use super::Size;
use super::axis::{Axis, Scale};
use super::drawing::{Anchor, Drawing, LINE, TEXT};
use super::font;
use super::lines::Mark;
use super::palette::{AXIS, Color, FAINT, GRID, INK, PAPER, SHADE};

/// Between two things that belong together.
const GAP: f64 = 6.0;

/// Lines of labels for marks; those that find no place stay without.
const LANES: usize = 4;

/// A series in the legend.
#[derive(Clone)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its colour.
    pub color: Color,
    /// Its dashes; for a line.
    pub dashes: &'a [f64],
    /// Its marker's number; for a line.
    pub marker: Option<usize>,
    /// Whether it is an area and not a line.
    pub is_area: bool,
}

/// What to draw around the data.
pub struct Around<'a> {
    /// To the right.
    pub x: &'a Axis,
    /// Upwards.
    pub y: &'a Axis,
    /// Smallest and largest.
    pub xs: (f64, f64),
    /// Smallest and largest.
    pub ys: (f64, f64),
    /// Series.
    pub legend: &'a [Entry<'a>],
    /// Phases.
    pub phases: &'a [Stretch],
    /// What happened.
    pub marks: &'a [Mark],
}

/// The area for the data.
pub struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    /// Draws what stands around the data and says where these belong.
    pub fn draw(drawing: &mut Drawing, size: Size, around: &Around<'_>) -> Self {
        let y = around.y.scale(around.ys.0, around.ys.1, 4);
        let widest = y
            .ticks
            .iter()
            .map(|(_, label)| font::width(label, TEXT, false))
            .fold(0.0, f64::max);
        let left = widest.min(size.width() / 3.0) + GAP + 4.0;
        let right = size.width() - 14.0;
        let x = x_scale(around, right - left);

        let mut top = legend(drawing, around.legend, 2.0, size.width());
        if !around.y.label.is_empty() {
            let label = font::shortened(&around.y.label, TEXT, size.width() - 4.0);
            drawing.text((2.0, top + LINE / 2.0), &label, Anchor::Start, FAINT);
            top += LINE;
        }
        let mut frame = Self {
            left,
            right,
            top: top + 4.0,
            bottom: 0.0,
            x,
            y,
        };
        let phase_line = frame.top;
        if !around.phases.is_empty() {
            frame.top += LINE;
        }
        let placed = frame.lanes(around.marks);
        let lanes = placed
            .iter()
            .filter(|(.., label)| !label.is_empty())
            .map(|(_, lane, ..)| lane + 1)
            .max()
            .unwrap_or(0);
        frame.top += lanes as f64 * LINE + if lanes > 0 { 2.0 } else { 0.0 };
        frame.bottom = frame.top + size.height();

        frame.stretches(drawing, around);
        frame.grid(drawing, around);
        frame.phases(drawing, around.phases, phase_line);
        let height = |lane: usize| frame.top - 2.0 - (lane as f64 + 0.5) * LINE;
        for (mark, lane, ..) in &placed {
            let x = frame.x(mark.from);
            drawing.dashed(&[(x, height(*lane) - 5.0), (x, frame.bottom)], &[3.0, 3.0], FAINT, 1.0);
        }
        // Labels over all lines: one that a line would cross interrupts it.
        for (_, lane, from, label) in placed.iter().filter(|(.., label)| !label.is_empty()) {
            let (y, width) = (height(*lane), font::width(label, TEXT, false));
            drawing.rectangle((from - 1.0, y - 7.0), (from + width, y + 7.0), PAPER, 1.0);
            drawing.text((*from, y), label, Anchor::Start, INK);
        }
        drawing.height = frame.bottom + LINE + GAP;
        if !around.x.label.is_empty() {
            let middle = f64::midpoint(frame.left, frame.right);
            drawing.text(
                (middle, frame.bottom + LINE * 1.5 + 4.0),
                &around.x.label,
                Anchor::Middle,
                FAINT,
            );
            drawing.height += LINE;
        }
        frame
    }

    /// Where a value stands from left to right.
    pub fn x(&self, value: f64) -> f64 {
        self.left + self.x.place(value) * (self.right - self.left)
    }

    /// Where a value stands from top to bottom.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.place(value) * (self.bottom - self.top)
    }

    /// How wide the area is.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Its left edge.
    pub fn left(&self) -> f64 {
        self.left
    }

    /// Its right edge.
    pub fn right(&self) -> f64 {
        self.right
    }

    /// Whether a value is on the axis to the top.
    pub fn has_y(&self, value: f64) -> bool {
        self.y.has(value)
    }

    fn stretches(&self, drawing: &mut Drawing, around: &Around<'_>) {
        for mark in around.marks.iter().filter(|mark| mark.to > mark.from) {
            let (from, to) = (self.x(mark.from), self.x(mark.to));
            drawing.rectangle((from, self.top), (to, self.bottom), SHADE, 1.0);
        }
    }

    fn grid(&self, drawing: &mut Drawing, around: &Around<'_>) {
        for (value, label) in &self.y.ticks {
            let y = self.y(*value);
            drawing.path(vec![(self.left, y), (self.right, y)], GRID, 1.0);
            drawing.text((self.left - GAP, y), label, Anchor::End, FAINT);
        }
        drawing.path(vec![(self.left, self.bottom), (self.right, self.bottom)], AXIS, 1.0);
        let row = self.bottom + GAP + LINE / 2.0;
        for (from, label) in x_labels(&self.x, around.x, self.left, self.right) {
            drawing.text((from, row), &label, Anchor::Start, FAINT);
        }
        if around.x.names.is_empty() {
            for (value, _) in &self.x.ticks {
                let x = self.x(*value);
                drawing.path(vec![(x, self.bottom), (x, self.bottom + 4.0)], AXIS, 1.0);
            }
        }
    }

    fn phases(&self, drawing: &mut Drawing, phases: &[Stretch], top: f64) {
        for (number, phase) in phases.iter().enumerate() {
            let (from, to) = (self.x(phase.from), self.x(phase.to));
            if number > 0 && from < self.right {
                drawing.path(vec![(from, top + 2.0), (from, self.bottom)], AXIS, 0.7);
            }
            let room = to - from - 8.0;
            if font::width(&phase.name, TEXT, false) <= room {
                let middle = f64::midpoint(from, to);
                drawing.text((middle, top + LINE / 2.0), &phase.name, Anchor::Middle, FAINT);
            }
        }
    }

    /// A place for the label of each mark: the lane above the area, its left end, and its text. From right to left, so
    /// that the line of a later mark begins below the label of an earlier one and crosses none.
    fn lanes<'a>(&self, marks: &'a [Mark]) -> Vec<(&'a Mark, usize, f64, String)> {
        let mut taken: Vec<(usize, f64, f64)> = Vec::new();
        let mut placed = Vec::new();
        let mut order: Vec<&Mark> = marks.iter().filter(|mark| self.x.has(mark.from)).collect();
        order.sort_by(|a, b| b.from.total_cmp(&a.from));
        for mark in order {
            let label = font::shortened(&mark.label, TEXT, self.width() * 0.55);
            let width = font::width(&label, TEXT, false);
            let x = self.x(mark.from);
            // Beyond its line, or before it where the edge is near.
            let from = if x + 4.0 + width <= self.right {
                x + 4.0
            } else {
                x - 4.0 - width
            };
            let lane = (0..LANES).find(|lane| {
                !taken
                    .iter()
                    .any(|(other, left, right)| other == lane && from < right + GAP && from + width > left - GAP)
            });
            if let Some(lane) = lane {
                taken.push((lane, from.min(x), (from + width).max(x)));
                placed.push((mark, lane, from, label));
            } else {
                placed.push((mark, 0, from, String::new()));
            }
        }
        placed
    }
}

/// As many ticks as have room for their labels.
fn x_scale(around: &Around<'_>, width: f64) -> Scale {
    let (low, high) = around.xs;
    let ticks = (2..=9).rev().find(|&ticks| {
        let scale = around.x.scale(low, high, ticks);
        let labels = x_places(&scale, 0.0, width);
        labels.windows(2).all(|pair| {
            let (from, label) = &pair[0];
            from + font::width(label, TEXT, false) + GAP <= pair[1].0
        })
    });
    around.x.scale(low, high, ticks.unwrap_or(2))
}

/// The left ends of all labels below, kept within the edges.
fn x_places(scale: &Scale, left: f64, right: f64) -> Vec<(f64, String)> {
    let place = |(value, label): &(f64, String)| {
        let width = font::width(label, TEXT, false);
        let middle = left + scale.place(*value) * (right - left);
        ((middle - width / 2.0).min(right + 12.0 - width), label.clone())
    };
    scale.ticks.iter().map(place).collect()
}

/// The labels below that do not meet. Names are shortened to their share of the width; of numbers each that has room.
fn x_labels(scale: &Scale, axis: &Axis, left: f64, right: f64) -> Vec<(f64, String)> {
    let room = (right - left) / axis.names.len().max(1) as f64 - GAP;
    let mut shown: Vec<(f64, String)> = Vec::new();
    let mut short = scale.clone();
    if !axis.names.is_empty() {
        for (_, label) in &mut short.ticks {
            *label = font::shortened(label, TEXT, room.max(24.0));
        }
    }
    for (from, label) in x_places(&short, left, right) {
        let free = shown
            .last()
            .is_none_or(|(before, text)| before + font::width(text, TEXT, false) + GAP <= from);
        if free {
            shown.push((from, label));
        }
    }
    shown
}

/// Names with a sample of their lines, in rows. Returns where the rows end.
pub fn legend(drawing: &mut Drawing, entries: &[Entry<'_>], top: f64, width: f64) -> f64 {
    if entries.is_empty() {
        return top;
    }
    let (mut x, mut y) = (2.0, top + LINE / 2.0);
    for entry in entries {
        let sample = if entry.is_area { 13.0 } else { 26.0 };
        let name = font::shortened(entry.name, TEXT, width - sample - 12.0);
        let needed = sample + GAP + font::width(&name, TEXT, false);
        if x > 2.0 && x + needed > width - 4.0 {
            (x, y) = (2.0, y + LINE + 2.0);
        }
        if entry.is_area {
            drawing.rectangle((x, y - 6.0), (x + sample, y + 6.0), entry.color, 1.0);
        } else {
            drawing.dashed(&[(x, y), (x + sample, y)], entry.dashes, entry.color, 2.0);
            if let Some(shape) = entry.marker {
                marker(drawing, shape, (x + sample / 2.0, y), entry.color);
            }
        }
        drawing.text((x + sample + GAP, y), &name, Anchor::Start, INK);
        x += needed + 18.0;
    }
    y + LINE / 2.0 + 4.0
}

/// A marker by its number: disc, square, triangle, diamond, cross.
pub fn marker(drawing: &mut Drawing, shape: usize, (x, y): (f64, f64), color: Color) {
    const R: f64 = 4.0;
    let corners: Vec<(f64, f64)> = match shape % 5 {
        0 => (0..16)
            .map(|number| {
                let angle = f64::from(number) * std::f64::consts::TAU / 16.0;
                (R * libm::cos(angle), R * libm::sin(angle))
            })
            .collect(),
        1 => vec![(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)],
        2 => vec![(0.0, -4.8), (4.6, 3.6), (-4.6, 3.6)],
        3 => vec![(0.0, -5.2), (5.2, 0.0), (0.0, 5.2), (-5.2, 0.0)],
        _ => {
            for (from, to) in [((-3.6, -3.6), (3.6, 3.6)), ((-3.6, 3.6), (3.6, -3.6))] {
                drawing.path(vec![(x + from.0, y + from.1), (x + to.0, y + to.1)], color, 2.0);
            }
            return;
        }
    };
    drawing.polygon(
        corners.into_iter().map(|(dx, dy)| (x + dx, y + dy)).collect(),
        color,
        1.0,
    );
}

/// Words where there is nothing to draw.
pub fn nothing(drawing: &mut Drawing, what: &str) {
    let x = drawing.width / 2.0;
    drawing.text((x, 24.0), &format!("Nothing to draw: {what}."), Anchor::Middle, FAINT);
    drawing.height = 48.0;
}
