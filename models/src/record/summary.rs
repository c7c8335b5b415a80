//! A run's result in full: figures, objectives, what bound first, what happened when.
//!
//! Owns: the value that every face (terminal, JSON, app, report) shows. Its JSON keys are contract.md's.

use super::figures::{Estimate, Figures, Unit};
use super::next_step::NextStep;
use crate::review::Review;

/// The result of a scenario over its replications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The scenario's name: the bundled name or the file's stem.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The question the scenario's file opens with, in one line; empty when it has none.
    pub question: String,
    /// The system's title.
    pub system: String,
    /// Version of Highwater.
    pub version: String,
    /// Hash of the files and settings that were run, in hexadecimal: enough to see that two results are of one model.
    pub model_hash: String,
    /// Hash of who comes and what they do, in hexadecimal; empty where it is not known. Two results whose hashes differ are
    /// not of one load.
    pub load_hash: String,
    /// Root seed.
    pub seed: u64,
    /// Independent replications.
    pub replications: u32,
    /// Simulated seconds of one replication, mean.
    pub simulated_seconds: f64,
    /// Events of all replications.
    pub events: u64,
    /// The measured span: from and to, in seconds.
    pub measured: (f64, f64),
    /// Every number.
    pub figures: Figures,
    /// The system's resources in the order of its file: what a name in the figures stands for.
    pub resources: Vec<Resource>,
    /// The items of the bill: what a name under `cost.items` stands for. Empty where nothing has a price.
    pub costs: Vec<CostItem>,
    /// What had to hold.
    pub objectives: Vec<Objective>,
    /// Which resources reached their limit, in the order in which they did.
    pub bottlenecks: Vec<Bottleneck>,
    /// The first failures by cause, in the order of their first time.
    pub failures: Vec<FirstFailure>,
    /// Whether and when the system came back after the last trigger.
    pub recovery: Recovery,
    /// What monitoring saw, and whom it told.
    pub alerts: Alerts,
    /// Decisions and events of the first replication, in order of time.
    pub log: Vec<LogEntry>,
    /// Ways in which a figure may mislead, and parts of the files that were not simulated.
    pub warnings: Vec<Warning>,
    /// What the design's review found in the system and the scenario that were run.
    pub review: Review,
    /// The change that raises the mark most, where it was looked for.
    pub next_step: Option<NextStep>,
}

/// A resource of the system, as a reader has to know it to read its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the system file.
    pub name: String,
    /// Its kind: service, pool, queue, limiter, database, cache, provider.
    pub kind: &'static str,
    /// In words, what its limit is, as in [`Bottleneck::limit`]; empty where it has none.
    pub limit: String,
}

/// An item of the bill, as a reader has to know it to read its figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostItem {
    /// Its name: a resource, a model, a channel, a fixed sum.
    pub name: String,
    /// In words, what is paid for.
    pub what: &'static str,
    /// Its prices, in words.
    pub price: String,
    /// Where they come from.
    pub source: String,
}

/// One objective and whether it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// Its path in the file without `objectives.`, such as `p95` or `endpoint."stripe.webhook".error_rate`.
    pub name: String,
    /// The bound.
    pub target: f64,
    /// At most (true) or at least (false) the bound.
    pub at_most: bool,
    /// What it counts in.
    pub unit: Unit,
    /// What came out.
    pub value: Estimate,
    /// True or false when the whole interval is on one side of the bound; `None` when undecided.
    pub met: Option<bool>,
}

/// A resource that reached its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// The resource's name in the system file.
    pub resource: String,
    /// Its kind: service, pool, queue, limiter, database, cache, provider.
    pub kind: &'static str,
    /// In words, what its limit is: "20 connections per process", "0.5 CPU per instance".
    pub limit: String,
    /// When it first bound, in seconds.
    pub first_at: Estimate,
    /// In how many of the replications it bound.
    pub replications: u32,
    /// Its utilisation over the measured span, 0 to 1; NaN where it has none.
    pub utilization: f64,
    /// Share of the latency of all useful requests spent at it; NaN when none.
    pub latency_share: f64,
    /// Share of the latency of the slowest 5 % spent at it.
    pub latency_share_slowest: f64,
    /// The resource whose saturation explains this one, where there is one: a full pool in front of an idle database is
    /// the event loop's doing.
    pub because_of: Option<String>,
}

/// When a cause of failure was first seen.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstFailure {
    /// The name of the cause, see [`crate::Cause`].
    pub cause: &'static str,
    /// The resource at which it first happened, where it has one.
    pub resource: Option<String>,
    /// The endpoint that failed most often of it.
    pub endpoint: String,
    /// The first time, in seconds, over the replications that saw it.
    pub first_at: Estimate,
    /// In how many of the replications it was seen.
    pub replications: u32,
    /// Share of all requests that failed of it.
    pub share: f64,
}

/// Whether the system came back after the last trigger.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Recovery {
    /// Nothing went wrong, or no trigger ended within the run: there is nothing to say.
    #[default]
    NotAsked,
    /// Back within objectives, so many seconds after the start.
    At(Estimate),
    /// Not in every replication: how many came back of how many.
    Sometimes {
        /// Replications that came back.
        recovered: u32,
        /// Replications.
        of: u32,
    },
    /// Not before the run ended.
    Never,
}

/// What monitoring saw. What its channels carried is among the figures, under `notifications`.
#[derive(Clone, Debug, PartialEq)]
pub struct Alerts {
    /// Seconds between two looks; zero without monitoring.
    pub every: f64,
    /// Rules in the order of the file.
    pub rules: Vec<Alert>,
    /// Channels that no rule ever speaks through.
    pub silent: Vec<SilentChannel>,
    /// From how many seconds on a request counts as slow for its user; `None` where no objective says so.
    pub slow: Option<f64>,
    /// When users first noticed: the end of the first ten seconds in which more than 5 % of the requests that ended, and
    /// at least three, failed, were given up or were slow.
    pub noticed_at: Estimate,
    /// In how many of the replications they did.
    pub noticed_in: u32,
}

/// No monitoring.
impl Default for Alerts {
    fn default() -> Self {
        Self {
            every: 0.0,
            rules: Vec::new(),
            silent: Vec::new(),
            slow: None,
            noticed_at: NOT_SEEN,
            noticed_in: 0,
        }
    }
}

/// Nothing was observed.
const NOT_SEEN: Estimate = Estimate {
    value: f64::NAN,
    low: None,
    high: None,
};

/// A rule of monitoring and what it did. Times are those of the replications in which the thing happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name in the system file.
    pub name: String,
    /// Its level: info, warning, critical.
    pub level: &'static str,
    /// What it watches.
    pub watch: String,
    /// What that counts in.
    pub unit: Unit,
    /// Fires above the threshold (true) or below it.
    pub is_above: bool,
    /// The threshold.
    pub threshold: f64,
    /// For how many seconds the condition has to hold.
    pub lasting: f64,
    /// The channels that are told.
    pub channels: Vec<String>,
    /// How often it began to fire.
    pub fired: Estimate,
    /// In how many of the replications it fired.
    pub fired_in: u32,
    /// When it first fired, in seconds.
    pub first_at: Estimate,
    /// In how many of the replications its condition held at any time, looked at or not.
    pub held_in: u32,
    /// When its condition first held.
    pub held_at: Estimate,
    /// From then until it fired, where both happened.
    pub delay: Estimate,
    /// When a message of it first reached somebody.
    pub told_at: Estimate,
    /// From its first firing until users noticed, where both happened: negative where users were first.
    pub warning: Estimate,
    /// Why it cannot fire in this system, where that is so.
    pub cannot_fire: Option<String>,
}

/// A channel that no rule speaks through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentChannel {
    /// Its name in the system file.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Something that happened, for the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Seconds since the start.
    pub at: f64,
    /// What it is about: a resource, an event.
    pub subject: String,
    /// What happened, with its reason, in words.
    pub text: String,
}

/// A way in which a figure may mislead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Stable id, such as `still-growing`.
    pub id: &'static str,
    /// In words, with what to do.
    pub text: String,
}
