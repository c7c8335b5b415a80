//! How an attempt gets to a server and its answer back.
//!
//! Owns: what passes between the player and whatever carries its requests: sockets (`http`), or a platform in the same
//! process.
//! Never: when an attempt is sent, and whether anybody still waits for its answer.

use std::sync::Arc;

use futures::future::BoxFuture;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::Stage;
use highwater_workload::Key;

pub mod answer;
pub mod connection;
pub mod http;

/// One HTTP exchange as the player wants it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Which endpoint, by its number in [`Model::endpoints`](highwater_program::model::Model::endpoints).
    pub endpoint: u16,
    /// Whose: the number of the person, with the one of their stream above it.
    pub person: u64,
    /// From which address, likewise.
    pub ip: u64,
    /// Class, by its number.
    pub class: u8,
    /// Whether the session is signed in.
    pub signed_in: bool,
    /// What the attempt's steps draw from in the simulator.
    pub draws: Key,
    /// What identifies the request over all its attempts.
    pub request: Key,
    /// What earlier answers in the session said.
    pub memory: Memory,
}

/// What a session remembers of its answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The last conversation that an answer named.
    pub conversation: Option<Arc<str>>,
    /// The last token that an answer gave.
    pub token: Option<Arc<str>>,
}

/// The beginning of an answer.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Why it is no good one; none for a good one.
    pub cause: Option<Cause>,
    /// What it said of its cause, or its status, where that is none of ours.
    pub strange: Option<String>,
    /// Where the server says that the time went, in the system's time.
    pub stages: Vec<(Stage, SimSpan)>,
    /// After how long to come back.
    pub retry_after: Option<SimSpan>,
}

/// The rest of an answer.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// Why the answer as a whole is no good one, where its beginning was.
    pub cause: Option<Cause>,
    /// Where the time went, where only the end of the answer says it.
    pub stages: Option<Vec<(Stage, SimSpan)>>,
    /// What is new to the session.
    pub memory: Memory,
}

/// An answer that has begun.
pub struct Exchange {
    /// Its beginning.
    pub head: Head,
    /// Done when all of it is there.
    pub rest: BoxFuture<'static, Rest>,
}

/// There was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What that is to the client.
    pub cause: Cause,
    /// Why, in a few words.
    pub why: &'static str,
}

/// What carries attempts. Dropping the future of an attempt is what its client does that gives up.
pub trait Transport: Send + Sync + 'static {
    /// The way of one session: what it holds open is closed with it.
    fn line(&self) -> Arc<dyn Line>;
}

/// The way of one session.
pub trait Line: Send + Sync {
    /// Sends an attempt; done when its answer begins.
    fn send(&self, attempt: Attempt) -> BoxFuture<'static, Result<Exchange, Lost>>;
}
