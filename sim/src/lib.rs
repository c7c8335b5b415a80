//! What the system would do: engine, world, measurements, experiments.

pub mod experiment;
