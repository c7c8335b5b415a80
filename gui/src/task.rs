//! What the worker does: read, simulate, look for the next step, compare.
//!
//! Owns: the order of the answers, the quick one first. Never: state, the window.

use std::sync::Arc;

use highwater_models::file::{Plan, render_all};
use highwater_models::record::next_step::NextStep;
use highwater_report::again::Again;
use highwater_sim::compare::{Comparison, Origin as Came, Side, compare};
use highwater_sim::experiment::{self, ExperimentError, Options, Outcome};
use highwater_sim::probe::{self, Budget};

use crate::document::Origin;
use crate::model::result::{Grade, Read, Shown};
use crate::open;
use crate::worker::{Desk, Task};

/// What the worker says.
pub enum Answer {
    /// The scenario was read.
    Read(Box<Read>),
    /// It has mistakes: as the command shows them.
    Refused(String),
    /// A result.
    Shown(Arc<Shown>),
    /// What to do next; the last answer about a scenario.
    Next(Box<NextStep>),
    /// It could not be finished.
    Failed(String),
    /// Two variants side by side.
    Compared(Box<Comparison>),
    /// A stage of growth.
    Stage(usize, Arc<Shown>),
    /// A stage that could not be run.
    StageFailed(usize, String),
    /// Every stage has been run.
    Grown,
}

/// A scenario that can be run: the text and what it is called.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from.
    pub origin: Origin,
    /// Its text with all changes.
    pub text: String,
    /// Settings on top, each as `--set` takes it.
    pub settings: Vec<String>,
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// Its mistakes, as the command shows them.
    pub fn read(&self, more: &[String]) -> Result<(Plan, String), String> {
        let settings: Vec<String> = self.settings.iter().chain(more).cloned().collect();
        let loaded = open::read(
            self.origin.name(),
            self.text.clone(),
            self.origin.is_bundled(),
            &settings,
        );
        let said = render_all(&loaded.diagnostics, &loaded.sources, false);
        match loaded.plan {
            Some(plan) => Ok((plan, said)),
            None => Err(said),
        }
    }

    /// The command that gives the same result.
    #[must_use]
    pub fn again(&self) -> String {
        Again::new("run")
            .word(self.origin.name())
            .flag("--set", &self.settings)
            .text()
    }
}

/// How everything is run: one core is left for the window where there is more than one.
#[must_use]
pub fn options() -> Options {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Options {
        jobs: cores.saturating_sub(1).max(1),
        ..Options::default()
    }
}

/// Reads, gives a quick answer, then the whole one, then looks for the next step.
#[must_use]
pub fn explore(source: Source, again: String) -> Task<Answer> {
    Arc::new(move |desk| {
        let (plan, warnings) = match source.read(&[]) {
            Ok(read) => read,
            Err(said) => return desk.answer(Answer::Refused(said)),
        };
        if desk.is_cancelled() {
            return;
        }
        let read = Read::new(plan, warnings);
        let plan = Arc::clone(&read.plan);
        desk.answer(Answer::Read(Box::new(read)));
        let many = plan.scenario.replications > 1 || plan.scenario.precision.is_some();
        if many {
            let options = Options {
                replications: Some(1),
                ..options()
            };
            let Some(outcome) = run(&plan, &options, desk, &|share| share * 0.15) else {
                return;
            };
            desk.answer(Answer::Shown(Arc::new(Shown::new(
                Arc::clone(&plan),
                outcome,
                Grade::Quick,
                &again,
            ))));
        }
        let (from, share) = if many { (0.15, 0.55) } else { (0.0, 0.7) };
        let Some(outcome) = run(&plan, &options(), desk, &|done| from + done * share) else {
            return;
        };
        let shown = Arc::new(Shown::new(Arc::clone(&plan), outcome, Grade::Whole, &again));
        desk.answer(Answer::Shown(Arc::clone(&shown)));
        let summary = &shown.outcome.summary;
        let load = |more: &[String]| source.read(more).ok().map(|(plan, _)| plan);
        let found = probe::next_step(
            &plan,
            summary,
            &options(),
            Budget::of(summary.events),
            &load,
            &|done: f64| desk.done(0.7 + 0.3 * done),
            desk.cancel,
        );
        match found {
            Ok(mut found) => {
                found.command.clone_from(&again);
                desk.answer(Answer::Next(Box::new(found)));
            }
            Err(ExperimentError::Cancelled) => {}
            Err(error) => desk.answer(Answer::Failed(error.to_string())),
        }
    })
}

fn run(
    plan: &Plan,
    options: &Options,
    desk: &Desk<'_, Answer>,
    share: &(dyn Fn(f64) -> f64 + Sync),
) -> Option<Outcome> {
    match experiment::run_until(plan, options, &|done: f64| desk.done(share(done)), desk.cancel) {
        Ok(outcome) => Some(outcome),
        Err(ExperimentError::Cancelled) => None,
        Err(error) => {
            desk.answer(Answer::Failed(error.to_string()));
            None
        }
    }
}

/// One of two variants.
#[derive(Clone, Debug)]
pub enum Half {
    /// A scenario that is to be run, and what it is called.
    Run(String, Source),
    /// The folder of a result.
    Left(String),
}

/// Holds two variants against each other, those that are run under one seed: that of a result that is there already, else
/// the first one's.
#[must_use]
pub fn compare_two(a: Half, b: Half) -> Task<Answer> {
    Arc::new(move |desk| {
        if let Err(why) = try_compare(&a, &b, desk) {
            desk.answer(Answer::Failed(why));
        }
    })
}

fn try_compare(a: &Half, b: &Half, desk: &Desk<'_, Answer>) -> Result<(), String> {
    enum Read {
        Plan(String, Box<Plan>),
        Side(Box<Side>),
    }
    let read = |half: &Half| -> Result<Read, String> {
        Ok(match half {
            Half::Run(name, source) => Read::Plan(name.clone(), Box::new(source.read(&[])?.0)),
            Half::Left(path) => Read::Side(Box::new(open::result(path)?)),
        })
    };
    let read = [read(a)?, read(b)?];
    let of = |read: &Read| match read {
        Read::Plan(_, plan) => (plan.scenario.seed, plan.scenario.replications),
        Read::Side(side) => (side.summary.seed, side.summary.replications),
    };
    let leading = match &read {
        [Read::Plan(..), Read::Side(_)] => of(&read[1]),
        _ => of(&read[0]),
    };
    let options = Options {
        seed: Some(leading.0),
        replications: Some(leading.1),
        ..options()
    };
    let mut sides = Vec::new();
    for (number, read) in read.into_iter().enumerate() {
        match read {
            Read::Side(side) => sides.push(*side),
            Read::Plan(name, plan) => {
                let Some(outcome) = run(&plan, &options, desk, &|done| (number as f64 + done) / 2.0) else {
                    return Ok(());
                };
                sides.push(Side {
                    name,
                    origin: Came::Simulation,
                    summary: outcome.summary,
                });
            }
        }
    }
    desk.answer(Answer::Compared(Box::new(compare(&sides[0], &sides[1]))));
    Ok(())
}

/// Runs stages of growth one after the other, so often each.
#[must_use]
pub fn grow(stages: Vec<Source>, replications: u32) -> Task<Answer> {
    Arc::new(move |desk| {
        let count = stages.len() as f64;
        for (number, source) in stages.iter().enumerate() {
            let plan = match source.read(&[]) {
                Ok((plan, _)) => plan,
                Err(said) => {
                    desk.answer(Answer::StageFailed(number, said));
                    continue;
                }
            };
            let options = Options {
                replications: Some(replications),
                ..options()
            };
            let Some(outcome) = run(&plan, &options, desk, &|done| (number as f64 + done) / count) else {
                return;
            };
            let shown = Shown::new(Arc::new(plan), outcome, Grade::Quick, &source.again());
            desk.answer(Answer::Stage(number, Arc::new(shown)));
        }
        desk.answer(Answer::Grown);
    })
}
