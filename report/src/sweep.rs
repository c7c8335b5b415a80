//! A study's results: the journal of its points, tables for other programs, a summary, and words for people.
//!
//! Owns: their form. Never: comparing points (`sim::sweep::findings`), opening files.
//! Everything here follows from the design and its points in their order: whoever ran which point, when and where, the
//! bytes are the same.

pub mod csv;
pub mod journal;
pub mod json;
mod page;
pub mod plan;
mod plots;
mod sentences;
pub mod terminal;

#[cfg(test)]
mod tests;

pub use page::page;
pub use plots::plots;

use highwater_models::record::sweep::{Axis, Design, Point, Standing};

/// Whether a study counts as met: by every point, by one, or whatever they are.
#[must_use]
pub fn is_met(design: &Design, points: &[Point]) -> bool {
    let mut holds = points
        .iter()
        .map(|point| matches!(point.standing(), Standing::Holds | Standing::NotAsked));
    match design.must_hold.as_str() {
        "none" => true,
        "one" => holds.any(|holds| holds),
        _ => holds.all(|holds| holds),
    }
}

/// Whether it counts as missed for certain: what is left open could not save it.
#[must_use]
pub fn is_missed(design: &Design, points: &[Point]) -> bool {
    let mut breaks = points.iter().map(|point| point.standing() == Standing::Breaks);
    match design.must_hold.as_str() {
        "none" => false,
        "one" => breaks.all(|breaks| breaks),
        _ => breaks.any(|breaks| breaks),
    }
}

/// A point by its levels: `web.instances = 2, connections.max = 20`. Axes of one level say nothing.
#[must_use]
pub fn place(design: &Design, point: usize) -> String {
    let levels = design.levels_of(point);
    let axes = design.axes.iter().zip(levels).filter(|(axis, _)| axis.levels.len() > 1);
    let parts: Vec<String> = axes.map(|(axis, level)| at_level(axis, level)).collect();
    if parts.is_empty() {
        "the only point".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A level of an axis: `web.instances = 2`.
fn at_level(axis: &Axis, level: usize) -> String {
    format!("{} = {}", axis.name, axis.levels[level].label)
}
