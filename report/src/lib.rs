//! How results are shown: the verdict in words, tables, JSON and CSV; the same for every face.
//!
//! Owns: wording, rounding and layout of results.
//! Never: computing a figure or deciding an objective (`sim/`), opening files or looking at the terminal (`cli/`).

pub mod again;
pub mod baseline;
pub mod check;
pub mod compare;
pub mod csv;
mod escape;
pub mod json;
pub mod money;
pub mod next_step;
pub mod number;
pub mod page;
pub mod paint;
pub mod plot;
pub mod read;
pub mod replications;
pub mod review;
pub mod schema;
pub mod sweep;
pub mod table;
pub mod terminal;
pub mod validation;
pub mod verdict;
pub mod words;

#[cfg(test)]
mod sample;
