//! What the system would do: engine, world, measurements, experiments.

pub mod event;
pub mod processor;
pub mod slab;
