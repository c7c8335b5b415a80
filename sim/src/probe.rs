//! The one change that raises the mark most, found by trying.
//!
//! Owns: the budget, the order of trials, what counts as better. Never: what can be turned (`knob`), words (`report`).
//!
//! Two rounds. Each candidate is run once, under the chance of the run's own first replication, and held against that
//! replication: the same people at the same moments, so that one look tells much. The best is then run as often as the
//! run itself, or as the budget allows, and its effect is the paired difference over the replications that did *not* pick
//! it: the best of many looks better than it is on the very look that chose it.
//!
//! Better means, in this order: more objectives that hold; more requests that are useful; missed objectives nearer to
//! their bounds; less money. Everything is counted in simulated events, never by the clock, so that a search comes to the
//! same on every machine. A probe is reckoned with as many events as a replication of the run had; one that takes more
//! leaves less for what follows.

pub mod knob;

use std::cmp::Ordering;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Order};
use std::thread;

use highwater_models::file::Plan;
use highwater_models::record::figures::{Figures, Path, Unit};
use highwater_models::record::next_step::{Answer, Effect, NextStep, Step, Tried};
use highwater_models::record::summary::{Objective, Summary};
use highwater_workload::math;

use self::knob::Knob;
use crate::compare::difference::paired;
use crate::compare::figure_of;
use crate::experiment::{self, ExperimentError, Options, Progress};

/// Makes a plan of the scenario with these settings on top of its own; `None` where they do not fit it.
pub type Load<'a> = dyn Fn(&[String]) -> Option<Plan> + Sync + 'a;

/// How much a search may simulate.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most events.
    pub events: u64,
    /// Most changes that are tried.
    pub probes: u32,
}

impl Budget {
    /// So many events cost seconds: a search below them needs no excuse.
    const SHORT: u64 = 150_000_000;

    /// So many events are over before anybody looks up.
    const INSTANT: u64 = 20_000_000;

    /// The budget of a run of so many events: twice those, more where that is over in an instant; but a long run is never
    /// made longer by more than half, unless that is short. At most a dozen changes.
    #[must_use]
    pub fn of(events: u64) -> Self {
        Self {
            events: (2 * events).max(Self::INSTANT).min(Self::SHORT.max(events / 2)),
            probes: 12,
        }
    }
}

/// Fewer pairs than this say nothing sure.
const LEAST_PAIRS: u32 = 3;

/// Shares of requests that differ by less are alike.
const ALIKE: f64 = 0.005;

/// Ratios of missed objectives to their bounds, as logarithms, that differ by less are alike.
const NEAR: f64 = 0.05;

/// Above this share of requests that are not useful, a run without objectives is worth mending.
const SOUND: f64 = 0.001;

/// Looks for the next step of a run. `options` are those of the run that left `summary`.
///
/// # Errors
/// When a probe's books do not close, or the search is cancelled. A change with which time stands still is no candidate.
pub fn next_step(
    plan: &Plan,
    summary: &Summary,
    options: &Options,
    budget: Budget,
    load: &Load<'_>,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<NextStep, ExperimentError> {
    let holds = is_sound(summary);
    let knobs = if holds {
        knob::savings(plan)
    } else {
        knob::remedies(plan, summary)
    };
    let mut search = Search {
        summary,
        options: Options {
            seed: Some(summary.seed),
            requests: false,
            ..*options
        },
        budget,
        load,
        progress,
        cancel,
        events: 0,
        tried: Vec::new(),
        left_out: 0,
    };
    let answer = if knobs.is_empty() {
        if holds { Answer::Nothing } else { Answer::NothingToTry }
    } else {
        search.answer(&knobs, holds)?
    };
    progress.done(1.0);
    Ok(NextStep {
        answer,
        tried: search.tried,
        left_out: search.left_out,
        budget: budget.events,
        events: search.events,
        command: String::new(),
    })
}

/// Whether there is nothing to mend: every objective is met, and without any, nearly every request is useful.
fn is_sound(summary: &Summary) -> bool {
    if summary.objectives.is_empty() {
        let rate = summary.figures.value(&["errors", "rate"]);
        return rate.is_nan() || rate <= SOUND;
    }
    summary.objectives.iter().all(|objective| objective.met == Some(true))
}

/// What a replication comes to.
#[derive(Copy, Clone, Debug, PartialEq)]
struct Score {
    /// Objectives whose value holds.
    met: u32,
    /// Share of requests that were useful.
    useful: f64,
    /// How far the others are from their bounds: the sum of the logarithms of their ratios.
    far: f64,
    /// Dollars a month; zero where nothing has a price.
    cost: f64,
}

impl Score {
    /// Of one replication, by its number among the samples; of their mean without one.
    fn of(objectives: &[Objective], figures: &Figures, replication: Option<usize>) -> Self {
        let value = |path: &Path| -> f64 {
            figures.at(path).map_or(f64::NAN, |figure| match replication {
                Some(number) => figure.samples.get(number).copied().unwrap_or(f64::NAN),
                None => figure.estimate.value,
            })
        };
        let (mut met, mut far) = (0, 0.0);
        for objective in objectives {
            let found = objective_value(objective, &value).unwrap_or(objective.value.value);
            let holds = if objective.at_most {
                found <= objective.target
            } else {
                found >= objective.target
            };
            if holds {
                met += 1;
            } else if found > 0.0 && objective.target > 0.0 {
                let ratio = if objective.at_most {
                    found / objective.target
                } else {
                    objective.target / found
                };
                far += math::ln(ratio);
            }
        }
        let rate = value(&Path::new(&["errors", "rate"]));
        let cost = value(&Path::new(&["cost", "month"]));
        Self {
            met,
            useful: if rate.is_nan() { 1.0 } else { 1.0 - rate },
            far,
            cost: if cost.is_nan() { 0.0 } else { cost },
        }
    }

    /// Which is better, the worse first.
    fn compare(&self, other: &Self) -> Ordering {
        let steps = |value: f64, step: f64| (value / step).round();
        self.met
            .cmp(&other.met)
            .then(steps(self.useful, ALIKE).total_cmp(&steps(other.useful, ALIKE)))
            .then(steps(other.far, NEAR).total_cmp(&steps(self.far, NEAR)))
            .then(other.cost.total_cmp(&self.cost))
    }

    /// Whether it is better by more than what counts as alike, money apart.
    fn improves(&self, base: &Self) -> bool {
        self.met > base.met
            || self.met == base.met
                && (self.useful > base.useful + ALIKE
                    || self.useful >= base.useful - ALIKE && self.far < base.far - NEAR)
    }

    /// Whether it loses nothing that the base has.
    fn keeps(&self, base: &Self) -> bool {
        self.met >= base.met && self.useful >= base.useful - SOUND
    }
}

/// An objective's value from figures; `None` for one that no figure stands behind.
fn objective_value(objective: &Objective, value: &dyn Fn(&Path) -> f64) -> Option<f64> {
    let path = figure_of(&objective.name)?;
    // A cause that never was has no figure.
    let is_cause = path.0.iter().any(|name| name == "by_cause");
    match value(&path) {
        nothing if nothing.is_nan() && is_cause => Some(0.0),
        nothing if nothing.is_nan() => None,
        found => Some(found),
    }
}

struct Search<'a> {
    summary: &'a Summary,
    options: Options,
    budget: Budget,
    load: &'a Load<'a>,
    progress: &'a dyn Progress,
    cancel: &'a AtomicBool,
    events: u64,
    tried: Vec<Tried>,
    left_out: u32,
}

impl Search<'_> {
    fn answer(&mut self, knobs: &[Knob], holds: bool) -> Result<Answer, ExperimentError> {
        let replications = self.summary.replications.max(1);
        let each = (self.summary.events / u64::from(replications)).max(1);
        let affordable = u32::try_from(self.budget.events / each).unwrap_or(u32::MAX);
        if affordable < 2 {
            self.left_out = knobs.len() as u32;
            return Ok(Answer::TooLong { probe: each });
        }
        // The second round gets at least a third, but never less than says anything, nor more than it can use.
        let second = replications
            .min((affordable / 3).max(LEAST_PAIRS + 1))
            .min(affordable - 1);
        let first = (affordable - second).min(self.budget.probes);
        let plans: Vec<(&Knob, Plan)> = knobs
            .iter()
            .filter_map(|knob| Some((knob, (self.load)(&knob.settings)?)))
            .collect();
        let (tried, left_out) = plans.split_at(plans.len().min(first as usize));
        self.left_out = left_out.len() as u32;
        let base = Score::of(&self.summary.objectives, &self.summary.figures, Some(0));
        let looks = self.look(tried)?;
        let mut ranked: Vec<(usize, Score)> = Vec::new();
        for (index, look) in looks.iter().enumerate() {
            let Some(look) = look else { continue };
            self.events += look.events;
            let score = Score::of(&look.objectives, &look.figures, None);
            self.tried.push(Tried {
                settings: tried[index].0.settings.clone(),
                why: tried[index].0.why.clone(),
                met: score.met,
                useful: score.useful,
                cost: look.figures.value(&["cost", "month"]),
            });
            ranked.push((index, score));
        }
        if holds {
            ranked.retain(|(_, score)| score.keeps(&base) && score.cost < base.cost);
            ranked.sort_by(|(_, a), (_, b)| a.cost.total_cmp(&b.cost));
        } else {
            // The best first; of equals the likelier one.
            ranked.sort_by(|(_, a), (_, b)| b.compare(a));
        }
        let Some(&(best, score)) = ranked.first() else {
            return Ok(if holds {
                Answer::Nothing
            } else {
                Answer::NoneHelps(None)
            });
        };
        let (knob, plan) = &tried[best];
        let after = self.repeat(plan, second)?;
        if holds {
            let still = after.objectives.iter().all(|objective| objective.met == Some(true));
            let step = self.step(knob, &after, &["cost", "month"]);
            return Ok(if still && step.sure {
                Answer::Save(step)
            } else {
                Answer::Nothing
            });
        }
        let (path, at_most) = self.telling(&base, &score, &after);
        let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
        let step = self.step(knob, &after, &names);
        Ok(if score.improves(&base) && is_good(&step, at_most) {
            Answer::Change(step)
        } else {
            Answer::NoneHelps(Some(step))
        })
    }

    /// Runs each once, in parallel; what fails leaves nothing.
    fn look(&self, plans: &[(&Knob, Plan)]) -> Result<Vec<Option<Summary>>, ExperimentError> {
        let jobs = match self.options.jobs {
            0 => thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        };
        let next = AtomicUsize::new(0);
        let results: Vec<Mutex<Option<Result<Summary, ExperimentError>>>> =
            plans.iter().map(|_| Mutex::new(None)).collect();
        let done = AtomicUsize::new(0);
        let whole = (plans.len() + 1) as f64;
        let work = |tell: bool| {
            loop {
                let number = next.fetch_add(1, Order::Relaxed);
                let Some((_, plan)) = plans.get(number) else { return };
                let options = Options {
                    replications: Some(1),
                    jobs: 1,
                    ..self.options
                };
                let share = |share: f64| {
                    if tell {
                        self.progress.done((done.load(Order::Relaxed) as f64 + share) / whole);
                    }
                };
                let ended = experiment::run_until(plan, &options, &share, self.cancel).map(|outcome| outcome.summary);
                done.fetch_add(1, Order::Relaxed);
                *results[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
            }
        };
        thread::scope(|scope| {
            for _ in 1..jobs.min(plans.len()) {
                scope.spawn(|| work(false));
            }
            work(true);
        });
        results
            .into_iter()
            .map(
                |result| match result.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    Some(Ok(summary)) => Ok(Some(summary)),
                    Some(Err(ExperimentError::NoProgress { .. })) | None => Ok(None),
                    Some(Err(error)) => Err(error),
                },
            )
            .collect()
    }

    fn repeat(&mut self, plan: &Plan, replications: u32) -> Result<Summary, ExperimentError> {
        let options = Options {
            replications: Some(replications),
            ..self.options
        };
        let before = self.tried.len() as f64 / (self.tried.len() + 1) as f64;
        let share = |share: f64| self.progress.done(before + (1.0 - before) * share);
        let summary = experiment::run_until(plan, &options, &share, self.cancel)?.summary;
        self.events += summary.events;
        Ok(summary)
    }

    /// The figure that tells what a change does, and whether it is to be small: the error rate where that moves, else the
    /// missed objective that moves most towards its bound, else the first that is missed.
    fn telling(&self, base: &Score, score: &Score, after: &Summary) -> (Path, bool) {
        let rate = (Path::new(&["errors", "rate"]), true);
        if (score.useful - base.useful).abs() > ALIKE {
            return rate;
        }
        let value = |figures: &Figures, path: &Path| figures.at(path).map_or(f64::NAN, |figure| figure.estimate.value);
        let mut missed: Vec<(f64, (Path, bool))> = Vec::new();
        for objective in self
            .summary
            .objectives
            .iter()
            .filter(|objective| objective.met != Some(true))
        {
            let Some(path) = figure_of(&objective.name) else {
                continue;
            };
            let (a, b) = (value(&self.summary.figures, &path), value(&after.figures, &path));
            if a > 0.0 && b > 0.0 {
                let gained = if objective.at_most { a / b } else { b / a };
                missed.push((gained, (path, objective.at_most)));
            }
        }
        // The first of equals: `max_by` would take the last.
        let best = missed
            .into_iter()
            .reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.map_or(rate, |(_, telling)| telling)
    }

    fn step(&self, knob: &Knob, after: &Summary, telling: &[&str]) -> Step {
        let effect = effect_of(self.summary, after, telling);
        let estimate = effect.difference;
        let count = self.summary.replications.min(after.replications);
        let pairs = if count > 2 { count - 1 } else { count };
        let sure = estimate.low.is_some_and(|low| low > 0.0) || estimate.high.is_some_and(|high| high < 0.0);
        let met = |summary: &Summary| Score::of(&summary.objectives, &summary.figures, None).met;
        let has_cost = self.summary.figures.get(&["cost", "month"]).is_some();
        Step {
            settings: knob.settings.clone(),
            from: knob.from.clone(),
            why: knob.why.clone(),
            pairs,
            sure: sure || estimate.low.is_some() && estimate.low == estimate.high && estimate.value != 0.0,
            effect,
            met: (met(self.summary), met(after)),
            objectives: self.summary.objectives.len() as u32,
            cost: has_cost.then(|| effect_of(self.summary, after, &["cost", "month"])),
        }
    }
}

/// Whether what was repeated says the same as the first look.
fn is_good(step: &Step, at_most: bool) -> bool {
    let moved = step.effect.difference.value;
    step.met.1 > step.met.0 || moved != 0.0 && (moved < 0.0) == at_most
}

/// A figure before and after, over the pairs of replications that did not choose the change: all but the first, where
/// there are more than two.
fn effect_of(before: &Summary, after: &Summary, path: &[&str]) -> Effect {
    let samples = |summary: &Summary| -> Vec<f64> {
        let figure = summary.figures.get(path);
        figure.map_or_else(Vec::new, |figure| figure.samples.clone())
    };
    let (mut a, mut b) = (samples(before), samples(after));
    let count = a.len().min(b.len());
    a.truncate(count);
    b.truncate(count);
    if count > 2 {
        a.remove(0);
        b.remove(0);
    }
    let mean = |values: &[f64]| {
        let seen: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        if seen.is_empty() {
            f64::NAN
        } else {
            seen.iter().sum::<f64>() / seen.len() as f64
        }
    };
    Effect {
        path: Path::new(path),
        unit: before.figures.get(path).map_or(Unit::Count, |figure| figure.unit),
        before: mean(&a),
        after: mean(&b),
        difference: paired(&a, &b, false).estimate,
    }
}

#[cfg(test)]
mod tests;
