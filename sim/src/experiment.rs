//! From a plan to a result: replications, intervals, objectives.

use std::error::Error;
use std::fmt;

use highwater_models::Cause;
use highwater_models::file::Plan;
use highwater_models::record::summary::Summary;
use highwater_models::record::timeline::Timeline;

/// What a caller may choose about a run; what it leaves open is the plan's.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Root seed instead of the plan's.
    pub seed: Option<u64>,
    /// Replications instead of the plan's.
    pub replications: Option<u32>,
    /// Threads; zero for as many as the machine has.
    pub jobs: usize,
    /// Whether every request is kept for `requests.csv`.
    pub requests: bool,
}

/// Hears how far a run is.
pub trait Progress: Sync {
    /// So much of the run is done, from 0 to 1. Called from the worker threads.
    fn done(&self, share: f64);
}

impl<F: Fn(f64) + Sync> Progress for F {
    fn done(&self, share: f64) {
        self(share);
    }
}

/// What a run leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Figures, objectives, what bound first.
    pub summary: Summary,
    /// Window by window.
    pub timeline: Timeline,
    /// Request by request, when asked for.
    pub requests: Option<RequestLog>,
}

/// Every request of every replication, in order of replication and arrival.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    /// Names that the rows' `source` counts into.
    pub sources: Vec<String>,
    /// Names that the rows' `class` counts into.
    pub classes: Vec<String>,
    /// Names that the rows' `endpoint` counts into.
    pub endpoints: Vec<String>,
    /// Names that the rows' `phase` counts into.
    pub phases: Vec<String>,
    /// Names of the stages, such as `wait.web`: the columns of the rows' `stages`.
    pub stages: Vec<String>,
    /// The requests.
    pub rows: Vec<RequestRow>,
}

/// One request over all its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRow {
    /// Replication, from 0.
    pub replication: u32,
    /// Number within its replication, from 0.
    pub number: u64,
    /// Seconds from the start to its arrival.
    pub at: f64,
    /// Source of traffic.
    pub source: u16,
    /// Session.
    pub session: u64,
    /// Person.
    pub user: u64,
    /// Address.
    pub ip: u64,
    /// Class of user.
    pub class: u16,
    /// Endpoint.
    pub endpoint: u16,
    /// Phase of the load in which it arrived, where there are phases.
    pub phase: Option<u16>,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Why, where it did not end well.
    pub cause: Option<Cause>,
    /// Seconds from the first try to its end.
    pub latency: f64,
    /// HTTP exchanges.
    pub attempts: u32,
    /// Seconds by stage.
    pub stages: Vec<f64>,
}

/// How a request ended: each ends in exactly one of these ways.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// Answered correctly before its user gave up.
    Useful,
    /// Answered with an error, or not at all.
    Failed,
    /// Its user gave up first.
    Abandoned,
    /// Still in hand when the run ended.
    InFlight,
}

impl RequestOutcome {
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

/// Why a run could not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExperimentError {
    /// The books of a replication do not close: an error in Highwater.
    Books {
        /// Which sum, with both sides.
        what: String,
    },
}

impl fmt::Display for ExperimentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Books { what } => write!(f, "the books do not close, which is an error in Highwater: {what}"),
        }
    }
}

impl Error for ExperimentError {}

/// Runs a plan.
///
/// # Errors
/// When the books of a replication do not close.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, ExperimentError> {
    progress.done(1.0);
    let summary = Summary {
        scenario: plan.name.clone(),
        question: plan.question.clone(),
        seed: options.seed.unwrap_or(1),
        replications: options.replications.unwrap_or(1),
        ..Summary::default()
    };
    Ok(Outcome {
        summary,
        ..Outcome::default()
    })
}
