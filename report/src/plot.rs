//! Pictures of results: what to draw, and the same drawing as SVG and as PNG.
//!
//! Owns: plain data types for each kind of plot, their layout, and the plots of a run.
//! Never: computing a figure, files.
//!
//! A plot is laid out in points into a [`Drawing`], a flat list of shapes, which plotters' backends then paint. That is
//! what lets the layout be tested (do two labels meet?) without looking at pixels, and one layout serve both formats.

mod axis;
mod bars;
mod data;
mod dots;
mod drawing;
mod font;
mod frame;
mod lines;
pub mod palette;
mod png;
mod run;
mod stacks;
mod svg;
#[cfg(test)]
mod tests;
mod thin;

use std::io;

pub use axis::Axis;
pub use bars::{Bar, Bars, Part};
pub use dots::{Dots, Row};
pub use drawing::{Anchor, Drawing, Shape};
pub use lines::{Limit, Lines, Mark, Point, Series};
pub use run::of_run;
pub use stacks::Stacks;

/// A picture with what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// What it is called in a list and as a file: small letters and hyphens.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What it says, in a sentence or two: the text for those who do not see it, and the caption for those who do.
    pub finding: String,
    /// What else has to be known to read it, such as what a band is.
    pub note: String,
    /// What is drawn.
    pub kind: Kind,
}

/// The kinds of plots.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Lines with bands over time or over a setting.
    Lines(Lines),
    /// Parts of a whole over time.
    Stacks(Stacks),
    /// Bars, whole or in parts.
    Bars(Bars),
    /// Points with intervals, several to a row.
    Dots(Dots),
}

/// How wide a plot is laid out. Text has the same size in both: a phone gets another layout, not a smaller one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// For desktops and paper.
    Wide,
    /// For phones.
    Narrow,
}

impl Size {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Wide, Self::Narrow];

    /// In points.
    #[must_use]
    pub const fn width(self) -> f64 {
        match self {
            Self::Wide => 820.0,
            Self::Narrow => 350.0,
        }
    }

    /// Height of the area of a plot with two axes, in points.
    const fn height(self) -> f64 {
        match self {
            Self::Wide => 210.0,
            Self::Narrow => 190.0,
        }
    }
}

impl Plot {
    /// The plot laid out, without its title: for a page, where that is text.
    #[must_use]
    pub fn draw(&self, size: Size) -> Drawing {
        match &self.kind {
            Kind::Lines(lines) => lines.draw(size),
            Kind::Stacks(stacks) => stacks.draw(size),
            Kind::Bars(bars) => bars.draw(size),
            Kind::Dots(dots) => dots.draw(size),
        }
    }

    /// The plot as an element of a page.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        svg::element(&self.draw(size), &self.title, &self.finding)
    }

    /// The plot as a file of its own, title and note inside.
    #[must_use]
    pub fn svg_file(&self) -> String {
        svg::file(&self.whole(), &self.title, &self.finding)
    }

    /// The plot as a picture, title and note inside, two pixels to a point.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn png_file(&self) -> io::Result<Vec<u8>> {
        png::file(&self.whole())
    }

    /// With title, finding and note.
    fn whole(&self) -> Drawing {
        let mut whole = Drawing::new(Size::Wide.width() + 2.0 * drawing::EDGE);
        whole.titled(&self.title, &self.finding, self.draw(Size::Wide), &self.note);
        whole
    }
}
