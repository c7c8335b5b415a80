//! The record that a run leaves behind, simulated or measured.

pub mod baseline;
pub mod batches;
pub mod figures;
pub mod histogram;
pub mod next_step;
pub mod requests;
pub mod summary;
pub mod sweep;
pub mod timeline;
