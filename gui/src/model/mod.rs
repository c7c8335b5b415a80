//! What is shown, made of results and scenarios once and not for every frame.
//!
//! Owns: pure models of the views. Never: the window, files, state that a user chose.

pub mod cards;
pub mod control;
pub mod fault;
pub mod format;
pub mod growth;
pub mod line;
pub mod map;
pub mod out;
pub mod result;
