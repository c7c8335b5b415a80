//! System and scenario files: from text to checked, typed values, or to every mistake at once.
//!
//! Owns: the tables of the format, their reading and their checks, diagnostics, settings by path.
//! Never: the file system (texts are handed in), what a run does.

mod name;
mod quantity;
pub mod scenario;
pub mod step;
pub mod system;
mod table;
mod tree;
mod value;

pub use name::{Name, Named};
pub use quantity::{Law, Quantity, Spread, WeibullSpread};
pub use scenario::Scenario;
pub use system::System;
pub use tree::{At, Key, Node, SourceId, Table, Value};
pub use value::{Backoff, Edition, Jitter, NumberFile, Popularity, Ramp, Retry, Setting, Settings, Weights};

/// A scenario and its system, checked and ready to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What happens.
    pub scenario: Scenario,
    /// To what.
    pub system: System,
    /// The name of the scenario: that of its file, without ending.
    pub name: String,
    /// The question that the scenario asks: the comment that its file opens with.
    pub question: String,
    /// A hash of the files and settings, the same on every machine.
    pub hash: u64,
}
