//! What the system would do: engine, world, measurements, experiments.

pub mod change;
pub mod compare;
pub mod decide;
pub mod event;
pub mod experiment;
pub mod gauge;
pub mod interval;
pub mod level;
pub mod measure;
pub mod outcome;
pub mod precision;
pub mod probe;
pub mod slab;
pub mod split;
pub mod sweep;
pub mod trace;
pub mod validate;
pub mod warm_up;
pub mod world;
