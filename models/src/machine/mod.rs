//! Safeguards as pure state machines.
//!
//! The calling contract, the same for all: hand in the time and one input; then drain `poll` until it returns `None`
//! (machines whose answer is immediate return it instead and have no `poll`); then arm one wake-up at `next_deadline`
//! and call `advance` when it comes. Calling `advance` early does nothing. Time never goes backwards.
//! A machine is generic over a small `Copy` ticket that names whoever waits; it never looks inside.
//! Capacity is reserved at the start or grows to its high-water mark; nothing is allocated in steady state.

pub mod alert;
pub mod autoscaler;
pub mod breaker;
mod chain;
pub mod channel;
pub mod connections;
pub mod degradation;
pub mod health;
pub mod heap;
pub mod job_queue;
pub mod limiter;
pub mod line;
pub mod pooler;
pub mod processor;
pub mod provider_limit;
pub mod quota;
pub mod reconnect;
pub mod retry;
pub mod retry_budget;
pub mod slots;
pub mod spending;
#[cfg(test)]
mod table;
pub mod tally;
pub mod ttl_cache;
mod waiters;
