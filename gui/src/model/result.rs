//! A result as the views show it, made once by the thread that simulated it.
//!
//! Owns: which parts of a result a view needs. Never: a figure or a sentence of its own (`highwater_report`).

use std::sync::Arc;

use highwater_models::file::Plan;
use highwater_models::record::summary::Objective;
use highwater_report::page::{self, Page, Tone};
use highwater_report::plot::{self, Plot};
use highwater_report::{number, words};
use highwater_sim::experiment::Outcome;

use super::control::{self, Group};
use super::line::{self, Chart, Clock};
use super::map::Map;

/// A scenario that was read without a mistake.
#[derive(Clone, Debug)]
pub struct Read {
    /// What is run.
    pub plan: Arc<Plan>,
    /// Its settings.
    pub groups: Arc<Vec<Group>>,
    /// What the reading warns of, as the command shows it; empty mostly.
    pub warnings: String,
}

impl Read {
    /// The controls of a plan.
    #[must_use]
    pub fn new(plan: Plan, warnings: String) -> Self {
        Self {
            groups: Arc::new(control::groups(&plan)),
            plan: Arc::new(plan),
            warnings,
        }
    }
}

/// How sure a result is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Of one replication: the first answer.
    Quick,
    /// As the command would leave it.
    Whole,
}

/// A result with everything that is made of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What was run.
    pub plan: Arc<Plan>,
    /// What came out.
    pub outcome: Outcome,
    /// How sure it is.
    pub grade: Grade,
    /// The report.
    pub page: Page,
    /// Its plots.
    pub plots: Vec<Plot>,
    /// Those over time.
    pub charts: Vec<Chart>,
    /// What the plots over time have in common.
    pub clock: Clock,
    /// The system and what the result says of it.
    pub map: Map,
    /// What had to hold.
    pub objectives: Vec<Tick>,
}

/// An objective with its tick or cross.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// What had to hold: `95 % of answers within 2 s`.
    pub what: String,
    /// What came out.
    pub value: String,
    /// Its interval; empty where it has none.
    pub interval: String,
    /// Whether it holds.
    pub met: Option<bool>,
}

impl Shown {
    /// Everything that is made of a result. `again` is the command that gives it.
    #[must_use]
    pub fn new(plan: Arc<Plan>, outcome: Outcome, grade: Grade, again: &str) -> Self {
        let plots = plot::of_run(&outcome.summary, &outcome.timeline);
        let (charts, clock) = line::charts(&plots);
        Self {
            page: page::of_run(&outcome.summary, Vec::new(), again),
            map: Map::new(&plan, &outcome.summary, &outcome.timeline),
            objectives: outcome.summary.objectives.iter().map(tick).collect(),
            plan,
            outcome,
            grade,
            plots,
            charts,
            clock,
        }
    }

    /// The word and the tone of its verdict.
    #[must_use]
    pub fn verdict(&self) -> (&str, Tone) {
        (&self.page.verdict.word, self.page.verdict.tone)
    }
}

fn tick(objective: &Objective) -> Tick {
    let cells = number::cells(&objective.value, objective.unit);
    Tick {
        what: format!("{}: {}", words::objective(objective), words::bound(objective)),
        value: cells.value,
        interval: cells.interval,
        met: objective.met,
    }
}
