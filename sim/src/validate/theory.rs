//! What queueing theory says, to hold the engine against: closed forms and exact numerics.
//!
//! Owns: formulas, each with where it comes from, and their checks against values known independently.
//! Never: simulation, and nothing of the product, so that a mistake there cannot agree with itself here.
//!
//! Units: seconds, rates a second, work in seconds of one server. A `service` is a mean service time, an `offered`
//! load is in Erlang (arrival rate times mean service time). Everything is for the steady state unless it takes a
//! time. Arguments outside a formula's domain panic: whoever writes a case wants to know.

pub mod balance;
pub mod batches;
pub mod birth_death;
pub mod cache;
pub mod closed;
pub mod constant_servers;
pub mod erlang;
pub mod general_arrivals;
pub mod impatience;
pub mod infinite_servers;
pub mod law;
pub mod limiter;
pub mod markov;
pub mod modulated;
pub mod poisson;
pub mod possession;
pub mod priority;
pub mod processor_sharing;
pub mod retries;
pub mod search;
pub mod single_server;
pub mod tandem;
pub mod transient;
pub mod windows;

#[cfg(test)]
mod testing;
