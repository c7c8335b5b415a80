//! What went in and out of the system, attempt by attempt: for holding another platform's decisions against the simulator's.
//!
//! Owns: the shapes. Kept only by who asks for it; nothing is decided by it.

use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Stage;
use highwater_workload::Key;

/// An attempt at the balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    /// When.
    pub at: SimTime,
    /// What its steps draw from; no two attempts have the same.
    pub key: Key,
    /// Which endpoint.
    pub endpoint: u16,
    /// Class of whoever asks.
    pub class: u8,
    /// Whether they are signed in.
    pub signed_in: bool,
    /// Whoever asks, as a number.
    pub person: u64,
    /// Their address, as a number.
    pub ip: u64,
    /// Their session: no two at one time have the same.
    pub session: u64,
}

/// The end of an attempt at the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// When.
    pub at: SimTime,
    /// Which attempt.
    pub key: Key,
    /// Why it failed; none when it did not.
    pub cause: Option<Cause>,
    /// When to come back, where a refusal says so.
    pub retry_after: Option<SimSpan>,
    /// Where its time went, the way there and back left out; by stage, those without any left out too.
    pub stages: Vec<(Stage, SimSpan)>,
    /// Instance and process, where one took it.
    pub place: Option<(u32, u32)>,
}

/// All of a replication, each list in the order in which it happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// Attempts that came.
    pub arrived: Vec<Arrived>,
    /// Attempts whose client has gone before the answer, and when.
    pub gone: Vec<(SimTime, Key)>,
    /// Attempts that ended.
    pub ended: Vec<Ended>,
}
