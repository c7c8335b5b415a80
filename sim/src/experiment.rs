//! From a plan to a result: replications in parallel, gathered in their order.
//!
//! Owns: threads, progress, stopping, how many replications there are in the end, the pilot that shows a warm-up.
//! Never: figures and judgements (`outcome`).
//! The bytes of a result do not depend on the number of threads: each replication draws from streams of its own, and
//! what it leaves is put in its place by number before anything is added up.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use highwater_models::file::Plan;
use highwater_models::file::scenario::MeasureFrom;
use highwater_models::record::summary::Summary;
use highwater_models::record::timeline::Timeline;
use highwater_models::{Cause, SimTime};

use crate::measure::Record;
use crate::outcome;
use crate::precision::Precision;
use crate::sweep::known;
use crate::warm_up::{self, Cut};
use crate::world::{self, Control, SimulationError};
use highwater_program::model::Model;
use highwater_program::variants::Variants;

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
    /// So much of the run is done, from 0 to 1. Called a few times a second, from the thread that started the run.
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

impl RequestLog {
    /// The rows with a model's names.
    fn new(model: &Model, rows: Vec<RequestRow>) -> Self {
        Self {
            sources: model.sources.iter().map(|source| source.name.clone()).collect(),
            classes: model.classes.clone(),
            endpoints: model.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect(),
            phases: model.phases.clone(),
            stages: model.stages.clone(),
            rows,
        }
    }
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
    /// Sessions go round without any time passing.
    NoProgress {
        /// Where simulated time stands still.
        at: SimTime,
    },
    /// A figure whose precision is asked for is none of the result's.
    NoFigure {
        /// Its path.
        name: String,
    },
    /// The caller stopped it.
    Cancelled,
}

impl fmt::Display for ExperimentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Books { what } => write!(f, "the books do not close, which is an error in Highwater: {what}"),
            Self::NoProgress { at } => write!(
                f,
                "time stands still at {} s: a session goes round without any time passing; give its flow a think time",
                at.seconds()
            ),
            Self::NoFigure { name } => write!(f, "the result has no figure `{name}`"),
            Self::Cancelled => f.write_str("stopped before the end"),
        }
    }
}

impl Error for ExperimentError {}

impl From<SimulationError> for ExperimentError {
    fn from(error: SimulationError) -> Self {
        match error {
            SimulationError::Books { what } => Self::Books { what },
            SimulationError::NoProgress { at } => Self::NoProgress { at },
            SimulationError::Cancelled => Self::Cancelled,
        }
    }
}

/// What each replication of a model left, in order: its record, and its requests where they were asked for.
pub type Replications = Vec<(Record, Vec<RequestRow>)>;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Runs a plan.
///
/// # Errors
/// When the books of a replication do not close, or time stands still in one.
pub fn run(plan: &Plan, options: &Options, progress: &dyn Progress) -> Result<Outcome, ExperimentError> {
    run_until(plan, options, progress, &AtomicBool::new(false))
}

/// Runs a plan until it is done or `cancel` is set.
///
/// # Errors
/// As [`run`], and [`ExperimentError::Cancelled`] soon after `cancel` is set.
pub fn run_until(
    plan: &Plan,
    options: &Options,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Outcome, ExperimentError> {
    let asked = plan.scenario.precision.filter(|_| options.replications.is_none());
    let precision = asked.map(|share| Precision::of_p95(share.get()));
    run_precisely(plan, options, precision.as_ref(), progress, cancel)
}

/// Runs a plan, with as many replications as it takes to know figures so well, where that is asked. The plan's own
/// `precision` does not count then.
///
/// # Errors
/// As [`run_until`], and [`ExperimentError::NoFigure`] when a figure asked for is none.
pub fn run_precisely(
    plan: &Plan,
    options: &Options,
    precision: Option<&Precision>,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Outcome, ExperimentError> {
    let mut variants = Variants::new(plan);
    let given = options.replications.unwrap_or(plan.scenario.replications).max(1);
    let settings = Settings {
        seed: options.seed.unwrap_or(plan.scenario.seed),
        replications: precision.map_or(given, |precision| precision.first(given)),
        jobs: options.jobs,
        requests: options.requests || plan.scenario.measure.requests,
    };
    let told = Part::new(progress);
    let warm_up = if plan.scenario.measure.from == MeasureFrom::Auto {
        Some(cut_warm_up(&mut variants, &settings, &told, cancel)?)
    } else {
        None
    };
    let mut left = Left::default();
    let mut count = settings.replications;
    // How far the bar goes until there is more to go by: all the way where the number is fixed, else half of it.
    told.to(if precision.is_some() { 0.5 } else { 1.0 });
    let reached = loop {
        left.run(&variants, &settings, count, &told, cancel)?;
        let Some(precision) = precision else { break Vec::new() };
        let figures = outcome::figures(variants.base(), &left.records);
        // What nobody has observed yet is no mistake of whoever asks for it.
        if let Some(name) = precision.unknown(&figures)
            && !known(plan).contains(&name)
        {
            return Err(ExperimentError::NoFigure { name });
        }
        let reached = precision.reached(&figures, count);
        let Some(next) = precision.next(&reached, count) else {
            break reached;
        };
        let needed = reached
            .iter()
            .map(|reached| reached.needed.unwrap_or(precision.most))
            .max();
        let whole = needed.unwrap_or(next).clamp(next, precision.most);
        told.to_share(f64::from(next - count) / f64::from(whole - count));
        count = next;
    };
    progress.done(1.0);
    let requests = settings
        .requests
        .then(|| RequestLog::new(variants.base(), std::mem::take(&mut left.rows)));
    let mut summary = outcome::summarize(plan, variants.base(), &left.records);
    summary.seed = settings.seed;
    summary.warnings.extend(outcome::warnings::of_experiment(
        variants.base(),
        warm_up.as_ref(),
        precision,
        &reached,
        summary.replications,
    ));
    Ok(Outcome {
        summary,
        timeline: outcome::timeline::timeline(variants.base(), &left.records),
        requests,
    })
}

/// Replications that show where the warm-up ends.
const PILOT: u32 = 10;

/// Runs a pilot of a steady load, sees where its warm-up ends, and has the run measured from there. The pilot's replications
/// are the run's first: they are run again, and differ in nothing but what is measured.
fn cut_warm_up(
    variants: &mut Variants<'_>,
    settings: &Settings,
    told: &Part<'_>,
    cancel: &AtomicBool,
) -> Result<WarmUp, ExperimentError> {
    if !warm_up::is_steady(variants.base()) {
        return Ok(WarmUp::NotSteady);
    }
    let window = variants.base().window;
    variants.measure(SimTime::ZERO, warm_up::window(variants.base()));
    let pilot = Settings {
        replications: settings.replications.min(PILOT),
        requests: false,
        ..*settings
    };
    told.to(f64::from(pilot.replications) / f64::from(pilot.replications + settings.replications));
    let records: Vec<Record> = run_variants(variants, &pilot, told, cancel)?
        .into_iter()
        .map(|(record, _)| record)
        .collect();
    let cut = warm_up::cut(variants.base(), &records);
    variants.measure(cut.map_or(SimTime::ZERO, |cut| cut.at), window);
    Ok(WarmUp::Cut(cut))
}

/// What became of the wish to leave the warm-up out.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum WarmUp {
    /// The load is not steady: there is no warm-up to speak of, and everything is measured.
    NotSteady,
    /// What a pilot says; `None` where it had too little to go by.
    Cut(Option<Cut>),
}

/// What replications have left so far.
#[derive(Debug, Default)]
struct Left {
    records: Vec<Record>,
    rows: Vec<RequestRow>,
}

impl Left {
    /// Runs on up to so many replications.
    fn run(
        &mut self,
        variants: &Variants<'_>,
        settings: &Settings,
        to: u32,
        progress: &dyn Progress,
        cancel: &AtomicBool,
    ) -> Result<(), ExperimentError> {
        let from = self.records.len() as u32;
        let replicate = |number: u32, control: &Control<'_>| {
            world::simulate_variants(variants, settings.seed, from + number, settings.requests, control)
        };
        let more = Settings {
            replications: to.saturating_sub(from),
            ..*settings
        };
        for (record, rows) in run_each(variants.base(), &more, progress, cancel, &replicate)? {
            self.records.push(record);
            self.rows.extend(rows);
        }
        Ok(())
    }
}

/// A part of the way, told as one of the whole.
struct Part<'a> {
    whole: &'a dyn Progress,
    span: Mutex<(f64, f64)>,
}

impl<'a> Part<'a> {
    fn new(whole: &'a dyn Progress) -> Self {
        Self {
            whole,
            span: Mutex::new((0.0, 0.0)),
        }
    }

    /// What comes next goes up to this share of the whole.
    fn to(&self, share: f64) {
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        *span = (span.1, share.max(span.1));
    }

    /// What comes next is this share of what is left.
    fn to_share(&self, share: f64) {
        let at = self.span.lock().unwrap_or_else(PoisonError::into_inner).1;
        self.to(at + (1.0 - at) * share.clamp(0.0, 1.0));
    }
}

impl Progress for Part<'_> {
    fn done(&self, share: f64) {
        let (from, to) = *self.span.lock().unwrap_or_else(PoisonError::into_inner);
        self.whole.done(from + (to - from) * share);
    }
}

/// How a model is run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Root seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// Threads; zero for as many as the machine has.
    pub jobs: usize,
    /// Whether every request is kept.
    pub requests: bool,
}

/// Runs a model's replications, in parallel, and hands back what each left in the order of their numbers.
///
/// # Errors
/// The error of the first replication that failed, by number; the others are stopped. `Cancelled` when `cancel` is set.
pub fn run_model(
    model: &Model,
    settings: &Settings,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Replications, ExperimentError> {
    let replicate =
        |number: u32, control: &Control<'_>| world::simulate(model, settings.seed, number, settings.requests, control);
    run_each(model, settings, progress, cancel, &replicate)
}

/// Runs the replications of a plan whose settings may change on the way, as [`run_model`] does.
///
/// # Errors
/// As [`run_model`].
pub fn run_variants(
    variants: &Variants<'_>,
    settings: &Settings,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Replications, ExperimentError> {
    let replicate = |number: u32, control: &Control<'_>| {
        world::simulate_variants(variants, settings.seed, number, settings.requests, control)
    };
    run_each(variants.base(), settings, progress, cancel, &replicate)
}

/// What runs one replication.
type Replicate<'a> = dyn Fn(u32, &Control<'_>) -> Ended + Sync + 'a;

fn run_each(
    model: &Model,
    settings: &Settings,
    progress: &dyn Progress,
    cancel: &AtomicBool,
    replicate: &Replicate<'_>,
) -> Result<Replications, ExperimentError> {
    let count = settings.replications as usize;
    let jobs = match settings.jobs {
        0 => thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let shared = Shared {
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        at: (0..count).map(|_| AtomicU64::new(0)).collect(),
        results: (0..count).map(|_| Mutex::new(None)).collect(),
        working: Mutex::new(jobs.min(count)),
        left: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            scope.spawn(|| shared.work(model, replicate));
        }
        shared.watch(model, progress, cancel);
    });
    let mut done = Vec::with_capacity(count);
    let mut stopped = None;
    for result in shared.results {
        match result.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(left)) => done.push(left),
            Some(Err(SimulationError::Cancelled)) | None => stopped = Some(ExperimentError::Cancelled),
            Some(Err(error)) => return Err(error.into()),
        }
    }
    if let Some(error) = stopped {
        return Err(error);
    }
    progress.done(1.0);
    Ok(done)
}

/// What one replication ended with.
type Ended = Result<(Record, Vec<RequestRow>), SimulationError>;

/// What the threads of a run share.
struct Shared {
    /// The next replication that nobody has taken.
    next: AtomicUsize,
    /// Set when the caller cancels or a replication fails.
    stop: AtomicBool,
    /// Simulated nanoseconds of each replication.
    at: Vec<AtomicU64>,
    /// What each left.
    results: Vec<Mutex<Option<Ended>>>,
    /// Threads that are still at work.
    working: Mutex<usize>,
    /// Told when one leaves.
    left: Condvar,
}

impl Shared {
    fn work(&self, model: &Model, replicate: &Replicate<'_>) {
        let _leaving = Leaving(self);
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.results.len() || self.stop.load(Ordering::Relaxed) {
                return;
            }
            let control = Control {
                cancel: &self.stop,
                progress: &self.at[number],
            };
            let ended = replicate(number as u32, &control);
            if ended.is_err() {
                self.stop.store(true, Ordering::Relaxed);
            }
            self.at[number].store(model.end.nanos(), Ordering::Relaxed);
            *self.results[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        }
    }

    /// Tells how far all are until the last thread has left, and passes a cancellation on.
    fn watch(&self, model: &Model, progress: &dyn Progress, cancel: &AtomicBool) {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        while *working > 0 {
            let (held, _) = self
                .left
                .wait_timeout(working, TELL_EVERY)
                .unwrap_or_else(PoisonError::into_inner);
            drop(held);
            if cancel.load(Ordering::Relaxed) {
                self.stop.store(true, Ordering::Relaxed);
            }
            let whole = model.end.nanos().max(1) as f64;
            let done = |at: &AtomicU64| (at.load(Ordering::Relaxed) as f64 / whole).min(1.0);
            progress.done(self.at.iter().map(done).sum::<f64>() / self.at.len().max(1) as f64);
            working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Counts a thread out however it ends, so that the watcher never waits for one that panicked.
struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        *self.0.working.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    fn options(replications: u32, jobs: usize) -> Options {
        Options {
            replications: Some(replications),
            jobs,
            requests: true,
            ..Options::default()
        }
    }

    const SHORT: &str = "duration = \"2m\"";

    // Lost if broken: the same command gives another answer on a machine with more cores.
    #[test]
    fn a_result_does_not_depend_on_the_number_of_threads() {
        let plan = sample::plan(SHORT);
        let results: Vec<Outcome> = [1, 3, 8]
            .iter()
            .map(|&jobs| run(&plan, &options(5, jobs), &|_: f64| {}).unwrap())
            .collect();
        assert!(results[0].summary.figures.value(&["requests", "useful"]) > 100.0);
        for other in &results[1..] {
            assert_eq!(format!("{:?}", results[0]), format!("{other:?}"));
        }
    }

    // Lost if broken: replications repeat one another and every interval is nothing wide, or a seed changes nothing.
    #[test]
    fn replications_and_seeds_differ() {
        let plan = sample::plan(SHORT);
        let mean = |seed: u64| {
            let options = Options {
                seed: Some(seed),
                ..options(3, 0)
            };
            let outcome = run(&plan, &options, &|_: f64| {}).unwrap();
            assert_eq!(outcome.summary.seed, seed);
            outcome.summary.figures.get(&["latency", "mean"]).unwrap().clone()
        };
        let (one, two) = (mean(1), mean(2));
        assert!(one.estimate.half_width().unwrap() > 0.0);
        assert_ne!(one.samples, two.samples);
        assert_eq!(one, mean(1));
    }

    // Lost if broken: the file's own number of replications and its wish for requests are ignored.
    #[test]
    fn what_the_caller_leaves_open_is_the_plans() {
        let plan = sample::plan("duration = \"10s\"\nreplications = 2\nseed = 7\n[measure]\nrequests = true");
        let outcome = run(&plan, &Options::default(), &|_: f64| {}).unwrap();
        assert_eq!((outcome.summary.replications, outcome.summary.seed), (2, 7));
        let rows = outcome.requests.unwrap().rows;
        assert!(rows.iter().any(|row| row.replication == 1));
        assert!(rows.is_sorted_by_key(|row| row.replication));
    }

    // Lost if broken: a run in which nobody is served is refused for want of a p95, or a name that is wrong is not.
    #[test]
    fn a_figure_that_nobody_observed_is_asked_for_and_an_unknown_one_is_refused() {
        let plan = sample::plan("duration = \"1ms\"\nprecision = 0.05");
        let outcome = run(&plan, &Options::default(), &|_: f64| {}).unwrap();
        assert!(outcome.summary.figures.get(&["latency", "p95"]).is_none());
        assert_eq!(outcome.summary.replications, 10);
        let mut precision = Precision::of_p95(0.05);
        precision.asked[0].path[1] = "p9".to_owned();
        let no = AtomicBool::new(false);
        let ended = run_precisely(&plan, &Options::default(), Some(&precision), &|_: f64| {}, &no);
        let name = "latency.p9".to_owned();
        assert_eq!(ended.unwrap_err(), ExperimentError::NoFigure { name });
    }

    // Lost if broken: a window that is closed goes on computing.
    #[test]
    fn cancelled_before_it_began_it_leaves_nothing() {
        let plan = sample::plan("duration = \"1000h\"\nreplications = 4");
        let cancel = AtomicBool::new(true);
        let ended = run_until(&plan, &Options::default(), &|_: f64| {}, &cancel);
        assert_eq!(ended.unwrap_err(), ExperimentError::Cancelled);
    }

    // Lost if broken: the bar runs backwards or never ends.
    #[test]
    fn progress_ends_at_the_whole() {
        let told = Mutex::new(Vec::new());
        run(&sample::plan(SHORT), &options(3, 2), &|share: f64| {
            told.lock().unwrap().push(share)
        })
        .unwrap();
        let told = told.into_inner().unwrap();
        assert!(told.is_sorted(), "{told:?}");
        assert_eq!(told.last(), Some(&1.0));
    }

    // Lost if broken: a figure is computed from the wrong level, span or count. M/M/2 with ρ = 0.25: the wait's mean is
    // ρ² / (1 − ρ²) · 100 ms = 6.67 ms, 2ρ² / (1 + ρ) = 0.1 of arrivals wait, half a server is busy.
    #[test]
    fn figures_of_a_queue_are_the_formulas() {
        let plan = sample::plan("duration = \"20000s\"\nreplications = 4");
        let outcome = run(&plan, &Options::default(), &|_: f64| {}).unwrap();
        let of = |keys: &[&str]| {
            let path: Vec<&str> = ["resources", "servers"].iter().chain(keys).copied().collect();
            outcome.summary.figures.value(&path)
        };
        for (keys, expected) in [
            (&["wait", "mean"][..], 0.1 / 15.0),
            (&["visit", "mean"], 0.1 + 0.1 / 15.0),
            (&["service", "mean"], 0.1),
            (&["waited"], 0.1),
            (&["wait_if_waited", "mean"], 1.0 / 15.0),
            (&["utilization"], 0.25),
            (&["busy", "mean"], 0.5),
            (&["queue", "mean"], 0.5 / 15.0),
            (&["in_system_share", "0"], 0.6),
            (&["throughput"], 5.0),
        ] {
            assert!(
                (of(keys) / expected - 1.0).abs() < 0.03,
                "{keys:?}: {} for {expected}",
                of(keys)
            );
        }
        assert!(outcome.summary.bottlenecks.is_empty());
        assert!(outcome.timeline.columns.contains(&"servers.queue".to_owned()));
    }
}
