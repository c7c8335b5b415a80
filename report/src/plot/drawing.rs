//! A plot laid out: a flat list of shapes in points, y downwards.
//!
//! Owns: shapes, and how dashes are cut. Never: what they mean.

use super::font;
use super::palette::{Color, FAINT, INK};

/// Size of labels, in points.
pub const TEXT: f64 = 12.0;

/// From one line of text to the next.
pub const LINE: f64 = 16.0;

/// Left and right of a plot that is a file of its own.
pub const EDGE: f64 = 14.0;

/// Where a text's point is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// Something to paint.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through points.
    Path {
        /// Where it goes.
        points: Vec<(f64, f64)>,
        /// Its colour.
        color: Color,
        /// How thick, in points.
        width: f64,
    },
    /// A filled outline.
    Polygon {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Its colour.
        color: Color,
        /// 0 to 1.
        opacity: f64,
    },
    /// A text in one line, in its middle at the height of its small letters.
    Text {
        /// Where.
        at: (f64, f64),
        /// What.
        text: String,
        /// Height of an em in points.
        size: f64,
        /// Which part of it is at that place.
        anchor: Anchor,
        /// Its colour.
        color: Color,
        /// Bold or regular.
        is_bold: bool,
    },
}

/// Shapes in the order in which they are painted.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// In points.
    pub width: f64,
    /// In points.
    pub height: f64,
    /// From back to front.
    pub shapes: Vec<Shape>,
}

impl Drawing {
    /// Nothing yet, so wide.
    #[must_use]
    pub const fn new(width: f64) -> Self {
        Self {
            width,
            height: 0.0,
            shapes: Vec::new(),
        }
    }

    /// A line through points.
    pub fn path(&mut self, points: Vec<(f64, f64)>, color: Color, width: f64) {
        if points.len() > 1 {
            self.shapes.push(Shape::Path { points, color, width });
        }
    }

    /// A line through points with dashes: lengths of stroke and gap in turn; none for a whole line.
    pub fn dashed(&mut self, points: &[(f64, f64)], dashes: &[f64], color: Color, width: f64) {
        if dashes.is_empty() {
            return self.path(points.to_vec(), color, width);
        }
        for piece in cut(points, dashes) {
            self.path(piece, color, width);
        }
    }

    /// A filled outline.
    pub fn polygon(&mut self, points: Vec<(f64, f64)>, color: Color, opacity: f64) {
        if points.len() > 2 {
            self.shapes.push(Shape::Polygon { points, color, opacity });
        }
    }

    /// A filled rectangle.
    pub fn rectangle(&mut self, (x0, y0): (f64, f64), (x1, y1): (f64, f64), color: Color, opacity: f64) {
        if x1 > x0 && y1 > y0 {
            self.polygon(vec![(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color, opacity);
        }
    }

    /// A label.
    pub fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor, color: Color) {
        self.write(at, text, TEXT, anchor, color, false);
    }

    /// A text of any size.
    pub fn write(&mut self, at: (f64, f64), text: &str, size: f64, anchor: Anchor, color: Color, is_bold: bool) {
        if !text.is_empty() {
            self.shapes.push(Shape::Text {
                at,
                text: text.to_owned(),
                size,
                anchor,
                color,
                is_bold,
            });
        }
    }

    /// Another drawing, moved to the right and down.
    pub fn add(&mut self, other: Self, dx: f64, dy: f64) {
        let moved = |points: Vec<(f64, f64)>| points.into_iter().map(|(x, y)| (x + dx, y + dy)).collect();
        self.shapes.extend(other.shapes.into_iter().map(|shape| match shape {
            Shape::Path { points, color, width } => Shape::Path {
                points: moved(points),
                color,
                width,
            },
            Shape::Polygon { points, color, opacity } => Shape::Polygon {
                points: moved(points),
                color,
                opacity,
            },
            Shape::Text {
                at: (x, y),
                text,
                size,
                anchor,
                color,
                is_bold,
            } => Shape::Text {
                at: (x + dx, y + dy),
                text,
                size,
                anchor,
                color,
                is_bold,
            },
        }));
        self.height = self.height.max(other.height + dy);
    }

    /// A plot under its title and what it says, above its note.
    pub fn titled(&mut self, title: &str, finding: &str, plot: Self, note: &str) {
        let within = self.width - 2.0 * EDGE;
        let mut y = 24.0;
        self.write(
            (EDGE, y),
            &font::shortened(title, 17.0, within),
            17.0,
            Anchor::Start,
            INK,
            true,
        );
        y += 22.0;
        for line in font::lines(finding, TEXT + 1.0, within) {
            self.write((EDGE, y), &line, TEXT + 1.0, Anchor::Start, INK, false);
            y += 18.0;
        }
        let height = plot.height;
        self.add(plot, EDGE - 2.0, y - 4.0);
        y += height + 8.0;
        for line in font::lines(note, TEXT - 1.0, within) {
            self.write((EDGE, y), &line, TEXT - 1.0, Anchor::Start, FAINT, false);
            y += 15.0;
        }
        self.height = y + 6.0;
    }

    /// The boxes of all texts: left, top, right, bottom.
    #[must_use]
    pub fn boxes(&self) -> Vec<(&str, [f64; 4])> {
        let texts = self.shapes.iter().filter_map(|shape| match shape {
            Shape::Text {
                at: (x, y),
                text,
                size,
                anchor,
                is_bold,
                ..
            } => {
                let width = font::width(text, *size, *is_bold);
                let left = match anchor {
                    Anchor::Start => *x,
                    Anchor::Middle => x - width / 2.0,
                    Anchor::End => x - width,
                };
                Some((text.as_str(), [left, y - 0.5 * size, left + width, y + 0.5 * size]))
            }
            _ => None,
        });
        texts.collect()
    }
}

/// The strokes of a dashed line.
fn cut(points: &[(f64, f64)], dashes: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let (mut number, mut left) = (0, dashes[0]);
    for pair in points.windows(2) {
        let ((mut x, mut y), (to_x, to_y)) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to_x - x, to_y - y);
            let length = (dx * dx + dy * dy).sqrt();
            // Not a number ends the loop too.
            if length <= left || length.is_nan() {
                left -= length;
                if number % 2 == 0 {
                    piece.push((to_x, to_y));
                }
                break;
            }
            (x, y) = (x + dx * left / length, y + dy * left / length);
            if number % 2 == 0 {
                piece.push((x, y));
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![(x, y)];
            }
            number += 1;
            left = dashes[number % dashes.len()].max(1.0);
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| piece.len() > 1);
    pieces
}
