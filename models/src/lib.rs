//! What a system is: its files, the catalogue of plans and prices, every safeguard as a pure state machine,
//! and the record that a run leaves behind.
//!
//! Owns: units and time, file schema and diagnostics, catalogue editions, machines, figures and summaries.
//! Never: clocks, randomness, sockets, tasks, or I/O beyond parsing text it is given.

pub mod bundled;
pub mod catalogue;
pub mod cause;
pub mod draft;
pub mod file;
pub mod machine;
pub mod money;
pub mod reach;
pub mod record;
pub mod review;
pub mod time;
pub mod units;
pub mod watch;

pub use cause::Cause;
pub use time::{SimSpan, SimTime};
