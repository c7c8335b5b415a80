//! One request as the platform gets it, and what becomes of it.
//!
//! Owns: what passes between the HTTP side and the platform. Neither knows the other's inside.

use std::sync::Arc;

use futures::channel::mpsc::UnboundedReceiver;
use futures::future::{FutureExt, Shared};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Stage;
use highwater_workload::Key;

/// Whose request it is.
#[derive(Clone, Debug)]
pub struct Person {
    /// The name that the token carries; none for a guest.
    pub user: Option<Arc<str>>,
    /// The number that limits and caches count by: of the user, or of the address for a guest.
    pub number: u64,
    /// Class, by its number in [`Model::classes`](highwater_program::model::Model::classes).
    pub class: u8,
    /// The address as a number; what limits by address count by, where the proxy is trusted.
    pub address: u64,
}

/// What a request brings along for the product.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// The conversation that it belongs to.
    pub conversation: Option<String>,
    /// What the person wrote.
    pub message: Option<String>,
    /// The coach, or whatever else is asked for by a number.
    pub subject: Option<u64>,
    /// Number of a payment event, by which it is known when it comes again.
    pub event: Option<String>,
    /// Bytes of the upload.
    pub upload: u64,
}

/// Done when the client has gone: its connection was closed, or it gave up.
pub type Gone = Shared<futures::future::BoxFuture<'static, ()>>;

/// A client that never goes.
pub fn stays() -> Gone {
    futures::future::pending().boxed().shared()
}

/// One request at the balancer.
#[derive(Clone)]
pub struct Arrival {
    /// Which endpoint, by its number in [`Model::endpoints`](highwater_program::model::Model::endpoints).
    pub endpoint: u16,
    /// Whose.
    pub person: Person,
    /// From which its steps draw: the same as the simulator's where the load generator says so.
    pub draws: Key,
    /// What it brings.
    pub payload: Payload,
    /// When it came.
    pub at: SimTime,
    /// When its client goes.
    pub gone: Gone,
}

/// What became of a request.
#[derive(Debug)]
pub struct Answer {
    /// Why it failed; none when it is answered well.
    pub cause: Option<Cause>,
    /// After how long to come back.
    pub retry_after: Option<SimSpan>,
    /// What the product says: a value under `result`, or under `error`.
    pub body: serde_json::Value,
    /// Pieces of a streamed answer, after the body's head; ends when the answer is whole.
    pub pieces: Option<UnboundedReceiver<Piece>>,
    /// Whether a session is signed in by it.
    pub signs_in: bool,
    /// Where the time went, by the numbers of [`Model::stages`](highwater_program::model::Model::stages); of a streamed answer up to its
    /// first piece.
    pub stages: Vec<(Stage, SimSpan)>,
    /// Which instance and process ran it.
    pub place: Option<(u32, u32)>,
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// More text.
    Text(String),
    /// It broke off.
    Broken(Cause),
    /// All of it was sent; the stages of the whole.
    Whole(Vec<(Stage, SimSpan)>),
}
