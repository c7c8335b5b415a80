//! The desktop app: open a scenario, see what fills up first, move a slider, see whether it holds.
//!
//! Layers: [`state`] (choices, and the one function that changes them), [`model`] (what is shown, made of results, pure),
//! `view` (layout and paint; leaves commands), [`worker`] (the one thread that simulates) and [`app`] (which joins them).
//! Never: a rule, a figure or a sentence of its own: they are those of `sim`, `models` and `report`.

pub mod app;
pub mod command;
pub mod document;
pub mod model;
pub mod open;
pub mod state;
pub mod task;
pub mod theme;
mod view;
pub mod worker;

pub use app::App;
