//! What queueing theory says, to hold the simulator against: closed forms and exact numerics.
//!
//! Owns: formulas, each with where it comes from, and their checks against values known independently.
//! Never: simulation, and nothing of the product, so that a mistake there cannot agree with itself here.
//!
//! Units: seconds, rates a second, work in seconds of one server. A `service` is a mean service time, an `offered`
//! load is in Erlang (arrival rate times mean service time). Everything is for the steady state unless it takes a
//! time. Arguments outside a formula's domain panic: whoever writes a test wants to know.

pub mod birth_death;
pub mod cache;
pub mod closed;
pub mod erlang;
pub mod impatience;
pub mod limiter;
pub mod priority;
pub mod processor_sharing;
pub mod single_server;
pub mod transient;

#[cfg(test)]
mod testing;
