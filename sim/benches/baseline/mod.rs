//! Three models written by hand as event loops: what a discrete-event simulation costs when nothing is general.
//!
//! Owns: the models A, B and C of the engine's bench, the theory beside them, and what they need.
//! Never: anything of the engine. It is the yardstick, so it shares no code with what is measured.
//!
//! Typed events in 16 bytes, a 4-ary heap whose top is replaced, constant delays in lines that are sorted already,
//! state in arrays, one random stream for each purpose, a histogram instead of samples.

pub mod agenda;
pub mod chance;
pub mod chat_system;
pub mod clock;
pub mod heap;
pub mod histogram;
pub mod impatient_pool;
pub mod single_server;

use highwater_models::SimTime;
use histogram::Histogram;

/// What a run came to.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Events that happened: arrivals, ends of a service or a thought, people leaving. A time-out that was called
    /// off is none.
    pub events: u64,
    /// A digest of all response times, of `events` and of `lost`.
    pub checksum: u64,
    /// Mean response time of what was served, in seconds.
    pub mean_response: f64,
    /// How many were served to the end.
    pub served: u64,
    /// How many were refused or left.
    pub lost: u64,
}

impl Outcome {
    fn new(events: u64, lost: u64, responses: &Histogram) -> Self {
        Self {
            events,
            checksum: responses.checksum() ^ events.rotate_left(20) ^ lost.rotate_left(40),
            mean_response: responses.mean(),
            served: responses.count(),
            lost,
        }
    }
}

/// One of the models.
pub struct Model {
    /// `a`, `b` or `c`, as its file is called.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The same model as a scenario file.
    pub file: &'static str,
    /// Events in a simulated second, to choose a horizon by.
    pub events_per_second: f64,
    /// Runs it by hand.
    pub run: fn(seed: u64, horizon: SimTime) -> Outcome,
    /// The mean response time by theory, in seconds, for a long run.
    pub theory: f64,
    /// How far a long run may be from `theory`, as a share, by reason of the theory and not of chance.
    pub theory_slack: f64,
}

/// The three models in their order.
pub fn models() -> [Model; 3] {
    [
        Model {
            name: "a",
            title: "M/M/1, load 0.8",
            file: include_str!("../models/a.toml"),
            events_per_second: single_server::EVENTS_PER_SECOND,
            run: single_server::run,
            theory: single_server::mean_response(),
            theory_slack: 0.0,
        },
        Model {
            name: "b",
            title: "M/M/20 at 19 Erlang, patience 5 s",
            file: include_str!("../models/b.toml"),
            events_per_second: impatient_pool::EVENTS_PER_SECOND,
            run: impatient_pool::run,
            theory: impatient_pool::Theory::new().mean_response,
            theory_slack: 0.0,
        },
        Model {
            name: "c",
            title: "1,000 closed users: limiter, CPU, pool, LLM",
            file: include_str!("../models/c.toml"),
            events_per_second: chat_system::EVENTS_PER_SECOND,
            run: chat_system::run,
            theory: chat_system::mean_response(),
            theory_slack: chat_system::THEORY_SLACK,
        },
    ]
}
