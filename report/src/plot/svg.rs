//! A drawing as SVG, through plotters.
//!
//! Owns: the root element with its title and description, and the grid of tenths of a point that coordinates lie on
//! (plotters' are whole numbers).
//! Text stays text: it can be searched, copied and read aloud.

use std::fmt::Write;

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontDesc, FontFamily, RGBAColor, ShapeStyle, TextStyle};

use super::drawing::{Anchor, Drawing, Shape};
use super::font;
use super::palette::{Color, PAPER};
use crate::escape::{markup, visible};

/// Units of the file to a point.
const GRID: f64 = 10.0;

/// What plotters divides the size of a font by for SVG.
const EM: f64 = 1.24;

/// As an element of a page.
pub fn element(drawing: &Drawing, title: &str, finding: &str) -> String {
    root(drawing, title, finding, "")
}

/// As a file of its own, on white paper.
pub fn file(drawing: &Drawing, title: &str, finding: &str) -> String {
    let mut on_paper = Drawing::new(drawing.width);
    on_paper.rectangle((0.0, 0.0), (drawing.width, drawing.height), PAPER, 1.0);
    on_paper.add(drawing.clone(), 0.0, 0.0);
    let mut text = root(&on_paper, title, finding, " xmlns=\"http://www.w3.org/2000/svg\"");
    text.push('\n');
    text
}

fn root(drawing: &Drawing, title: &str, finding: &str, more: &str) -> String {
    let shapes = shapes(drawing);
    // The first line is plotters' own root element.
    let (_, shapes) = shapes.split_once('\n').unwrap_or_default();
    let (title, finding) = (markup(title), markup(finding));
    let mut text = String::with_capacity(shapes.len() + 500);
    let _ = write!(
        text,
        "<svg{more} viewBox=\"0 0 {} {}\" width=\"{}\" height=\"{}\" role=\"img\" aria-label=\"{title}: {finding}\">\n\
         <title>{title}</title>\n<desc>{finding}</desc>\n{}",
        grid(drawing.width),
        grid(drawing.height),
        drawing.width.round(),
        drawing.height.round(),
        shapes.trim_end()
    );
    text
}

fn grid(points: f64) -> i32 {
    (points * GRID).round() as i32
}

fn on_grid(points: &[(f64, f64)]) -> Vec<(i32, i32)> {
    points.iter().map(|&(x, y)| (grid(x), grid(y))).collect()
}

/// The file that plotters writes.
fn shapes(drawing: &Drawing) -> String {
    let mut text = String::new();
    let size = (grid(drawing.width).unsigned_abs(), grid(drawing.height).unsigned_abs());
    let mut backend = SVGBackend::with_string(&mut text, size);
    for shape in &drawing.shapes {
        // A string takes everything.
        let _ = match shape {
            Shape::Path { points, color, width } => {
                let style = ShapeStyle {
                    color: ink(*color, 1.0),
                    filled: false,
                    stroke_width: grid(*width).unsigned_abs(),
                };
                backend.draw_path(on_grid(points), &style)
            }
            Shape::Polygon { points, color, opacity } => backend.fill_polygon(on_grid(points), &ink(*color, *opacity)),
            Shape::Text {
                at,
                text,
                size,
                anchor,
                color,
                is_bold,
            } => {
                let font = FontDesc::new(FontFamily::Name(font::FAMILY), size * GRID * EM, font::style(*is_bold));
                let color = ink(*color, 1.0);
                let style = TextStyle::from(font).color(&color).pos(pos(*anchor));
                backend.draw_text(&visible(text), &style, (grid(at.0), grid(at.1)))
            }
        };
    }
    let _ = backend.present();
    drop(backend);
    text
}

/// What plotters takes for a colour.
pub fn ink(color: Color, opacity: f64) -> RGBAColor {
    RGBAColor(color.0, color.1, color.2, opacity)
}

/// What plotters takes for an anchor.
pub const fn pos(anchor: Anchor) -> Pos {
    let h_pos = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    Pos {
        h_pos,
        v_pos: VPos::Center,
    }
}
