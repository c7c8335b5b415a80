//! The one change that raises the mark most, as far as it was looked for.
//!
//! Owns: what was tried, and what came of it. Never: choosing and running (`sim/`), words (`report/`).

use super::figures::{Estimate, Path, Unit};

/// What a search for the next step came to.
#[derive(Clone, Debug, PartialEq)]
pub struct NextStep {
    /// What to do.
    pub answer: Answer,
    /// Every change that was run, in the order in which they were thought of.
    pub tried: Vec<Tried>,
    /// Changes that were thought of and not run, for they would have passed the budget.
    pub left_out: u32,
    /// Most events that the search was to simulate.
    pub budget: u64,
    /// Events that it did simulate.
    pub events: u64,
    /// The command that the run was started with, for a reader to add the change to; empty where there was none.
    pub command: String,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// One change makes it better.
    Change(Step),
    /// Everything holds, and does with something cheaper too.
    Save(Step),
    /// Everything holds, and nothing cheaper was found that does.
    Nothing,
    /// No change that was tried makes it better; the one that came nearest, where there is one.
    NoneHelps(Option<Step>),
    /// There was nothing to try: no resource with a setting, no finding with a cure.
    NothingToTry,
    /// A single probe would have passed the budget: so many events.
    TooLong {
        /// Events of one replication.
        probe: u64,
    },
}

/// A change and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is set, each as `--set` takes it. More than one only where one means nothing without the other.
    pub settings: Vec<String>,
    /// What the first of them was before, where it was anything.
    pub from: Option<String>,
    /// Why it was thought of.
    pub why: Why,
    /// Pairs of replications behind the differences.
    pub pairs: u32,
    /// The figure that tells what it does.
    pub effect: Effect,
    /// Whether the effect is sure: its whole interval is on one side of zero.
    pub sure: bool,
    /// Objectives that hold before and after, by their values alone.
    pub met: (u32, u32),
    /// Objectives there are.
    pub objectives: u32,
    /// The cost of a month like the run, before and after; `None` where nothing has a price.
    pub cost: Option<Effect>,
}

/// A figure before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Its path.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// Mean of the pairs' values before.
    pub before: f64,
    /// And after.
    pub after: f64,
    /// After less before, with its paired 95 % interval.
    pub difference: Estimate,
}

/// Why a change was thought of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is a setting of a resource that reached its limit or at which requests fail.
    Limit(String),
    /// The design's review names it: the rule's id.
    Review(&'static str),
    /// It is a protection of that profile.
    Profile(String),
    /// It costs less.
    Cheaper(String),
}

/// A change that was run once, under the first replication's chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// What was set.
    pub settings: Vec<String>,
    /// Why.
    pub why: Why,
    /// Objectives whose value held.
    pub met: u32,
    /// Share of requests that were useful.
    pub useful: f64,
    /// A month like it, in dollars; NaN where nothing has a price.
    pub cost: f64,
}
