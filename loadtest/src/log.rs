//! What was seen: a row for each request, a reading for each attempt.
//!
//! Owns: the rows, in the order in which requests were to be sent. Their number is bounded by whoever plays.
//! Never: figures.

use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Stage;

/// How a request ended: each ends in exactly one of these ways.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Answered correctly before its user gave up.
    Useful,
    /// Answered with an error, or not at all.
    Failed,
    /// Its user gave up first.
    Abandoned,
    /// Still in hand when the run ended.
    InFlight,
}

impl Ending {
    /// The name in `requests.csv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Useful => "useful",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::InFlight => "in_flight",
        }
    }
}

/// One request over all its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The run, from 0, where there are several.
    pub repeat: u32,
    /// When it was to be sent.
    pub at: SimTime,
    /// Stream of sessions.
    pub source: u16,
    /// Session within its stream.
    pub session: u64,
    /// Person within their stream.
    pub user: u64,
    /// Address within its stream.
    pub ip: u64,
    /// Class of user.
    pub class: u8,
    /// Endpoint.
    pub endpoint: u16,
    /// Phase of the load.
    pub phase: u16,
    /// How it ended.
    pub ending: Ending,
    /// Why, where it did not end well.
    pub cause: Option<Cause>,
    /// From when it was to be sent to its end.
    pub latency: SimSpan,
    /// The same to the first byte of the answer that counted; none where there was none.
    pub first_byte: Option<SimSpan>,
    /// HTTP exchanges.
    pub attempts: u32,
    /// Where the time went, by stage; what nobody says anything about was between client and server.
    pub stages: Vec<(Stage, SimSpan)>,
    /// What the server says that it took, of the attempt that was answered correctly; none where it does not say.
    pub server: Option<SimSpan>,
}

/// An attempt as a load tool reads it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its request's place among the rows.
    pub row: usize,
    /// To the first byte of an answer, whatever it says; none where there was no answer.
    pub first_byte: Option<SimSpan>,
}

/// A session that began in the measured span.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The run.
    pub repeat: u32,
    /// When it began.
    pub at: SimTime,
    /// How long it took; none where it had not ended when the run did.
    pub length: Option<SimSpan>,
    /// Whether its person gave up.
    pub abandoned: bool,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Requests.
    pub rows: Vec<Row>,
    /// Attempts that ended.
    pub readings: Vec<Reading>,
    /// Sessions.
    pub visits: Vec<Visit>,
    /// By how much each attempt was sent too late, measured or not.
    pub lateness: Vec<SimSpan>,
    /// Attempts whose answer named a cause that is none of ours, by what it said or by its status, and how many.
    pub strange: std::collections::BTreeMap<String, u64>,
    /// When each run ended.
    pub ended: Vec<SimTime>,
}

impl Log {
    /// Adds another run's, which becomes run number `repeat`.
    pub fn append(&mut self, mut other: Self, repeat: u32) {
        let before = self.rows.len();
        self.rows
            .extend(other.rows.into_iter().map(|row| Row { repeat, ..row }));
        self.readings.extend(other.readings.into_iter().map(|reading| Reading {
            row: reading.row + before,
            ..reading
        }));
        self.visits
            .extend(other.visits.into_iter().map(|visit| Visit { repeat, ..visit }));
        self.lateness.append(&mut other.lateness);
        self.ended.append(&mut other.ended);
        for (what, count) in other.strange {
            *self.strange.entry(what).or_default() += count;
        }
    }
}
