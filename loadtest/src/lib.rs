//! What a load test found: the load generator.
//!
//! Owns: playing a scenario against a running server as the simulator plays it against a model: the same people come at
//! the same moments and want the same things (`highwater_program::crowd`), and what is found is left in the same files.
//! Never: what the server does with a request.
//! Order: a request's latency counts from when it was to be sent, whatever kept the generator from sending it.

#[cfg(feature = "generator")]
pub mod files;
#[cfg(feature = "generator")]
pub mod log;
#[cfg(feature = "generator")]
pub mod objectives;
#[cfg(feature = "generator")]
pub mod outcome;
#[cfg(feature = "generator")]
pub mod player;
#[cfg(feature = "generator")]
pub mod statistics;
#[cfg(feature = "generator")]
pub mod target;
#[cfg(feature = "generator")]
pub mod transport;
#[cfg(feature = "generator")]
pub mod verdict;
