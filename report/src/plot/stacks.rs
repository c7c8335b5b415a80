//! Parts of a whole over time, one upon the other.

use highwater_models::record::timeline::Stretch;

use super::Size;
use super::axis::Axis;
use super::drawing::Drawing;
use super::frame::{Around, Entry, Frame, nothing};
use super::lines::{Mark, Point};
use super::palette::{self, Color, PAPER};
use super::thin::thin;

/// Parts over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stacks {
    /// Upwards.
    pub y: Axis,
    /// Length of a window in seconds.
    pub window: f64,
    /// Each part's name and its value in each window, the lowest part first.
    pub parts: Vec<(String, Vec<f64>)>,
    /// Phases of the load.
    pub phases: Vec<Stretch>,
    /// What happened.
    pub marks: Vec<Mark>,
}

impl Stacks {
    pub(super) fn draw(&self, size: Size) -> Drawing {
        let mut drawing = Drawing::new(size.width());
        let count = self.parts.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
        // How high the stack is below each part, and above the last.
        let mut heights = vec![vec![0.0; count]];
        for (_, values) in &self.parts {
            let below = &heights[heights.len() - 1];
            let above = below.iter().enumerate().map(|(number, below)| {
                let value = values.get(number).copied().unwrap_or(0.0);
                below + if value.is_finite() { value.max(0.0) } else { 0.0 }
            });
            heights.push(above.collect());
        }
        let most = heights[heights.len() - 1].iter().copied().fold(0.0, f64::max);
        if most <= 0.0 {
            nothing(&mut drawing, "there was none");
            return drawing;
        }
        // What is drawn, which is lower than the highest window where several are put together.
        let top: Vec<Point> = heights[heights.len() - 1]
            .iter()
            .map(|height| Point::at(0.0, *height))
            .collect();
        let drawn = thin(&top, size.width());
        let highest = drawn.iter().map(|point| point.y).fold(0.0, f64::max);
        // From the top of the stack down, as the eye meets them.
        let entries: Vec<Entry<'_>> = (0..self.parts.len())
            .rev()
            .map(|number| Entry {
                name: &self.parts[number].0,
                color: color(number, self.parts.len()),
                dashes: &[],
                marker: None,
                is_area: true,
            })
            .collect();
        let around = Around {
            x: &Axis::clock(),
            y: &self.y,
            xs: (0.0, count as f64 * self.window),
            ys: (0.0, highest),
            legend: &entries,
            phases: &self.phases,
            marks: &self.marks,
        };
        let frame = Frame::draw(&mut drawing, size, &around);
        let edge = |heights: &[f64]| -> Vec<(f64, f64)> {
            let points: Vec<Point> = heights
                .iter()
                .enumerate()
                .map(|(number, height)| Point::at((number as f64 + 0.5) * self.window, *height))
                .collect();
            let mut points = thin(&points, frame.width());
            // To the edges of the first and the last window.
            if let (Some(first), Some(last)) = (points.first().copied(), points.last().copied()) {
                points.insert(0, Point { x: 0.0, ..first });
                points.push(Point {
                    x: count as f64 * self.window,
                    ..last
                });
            }
            points
                .iter()
                .map(|point| (frame.x(point.x), frame.y(point.y)))
                .collect()
        };
        let edges: Vec<Vec<(f64, f64)>> = heights.iter().map(|heights| edge(heights)).collect();
        for (number, pair) in edges.windows(2).enumerate() {
            let outline = pair[0].iter().chain(pair[1].iter().rev()).copied().collect();
            drawing.polygon(outline, color(number, self.parts.len()), 1.0);
        }
        // A thin light line keeps neighbours apart for those who do not see the colours.
        for edge in &edges[1..edges.len() - 1] {
            drawing.path(edge.clone(), PAPER, 0.7);
        }
        drawing
    }
}

/// The last part of many is the rest.
fn color(number: usize, of: usize) -> Color {
    if of > palette::SERIES.len() && number + 1 == of {
        palette::OTHER
    } else {
        palette::series(number)
    }
}
