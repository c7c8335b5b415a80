//! What a plan compiles to: names turned into numbers, steps into one flat program.
//!
//! Owns: the compiled model and the compiler. Whoever runs a plan runs this: the simulator in simulated time, the
//! reference server around real sockets, the load generator as its clients. So all three agree on what a request does,
//! and every draw has the same key in each.
//! Never: what is in flight, and what time it is.

pub mod compile;
pub mod crowd;
pub mod files;
pub mod model;
pub mod strain;
pub mod variants;
