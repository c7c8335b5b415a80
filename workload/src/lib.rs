//! Who comes, and what chance decides.
//!
//! Owns: named random streams, distributions, arrival times. Never: what the system does with who comes.

pub mod arrivals;
pub mod days;
pub mod math;
pub mod popularity;
pub mod rhythm;
pub mod sampler;
pub mod stream;

pub use sampler::Sampler;
pub use stream::{Draw, Key};
