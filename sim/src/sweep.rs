//! Many points under the same chance: every core busy, whatever the number of points and replications.
//!
//! Owns: which thread does what next, what is kept of a point.
//! Never: when a point has enough replications (`precision`), files, settings (a point is handed in as a plan), words.
//!
//! A thread takes the next point and runs its replications one after the other. When no point is left to be taken, it
//! helps with the replications of points that others have begun, so that the last points keep all cores busy too. What a
//! point leaves is put in order by the number of the replication before anything is added up: nothing depends on who ran
//! what. Every point has the same root seed, so that replication 3 of one point meets the same people as replication 3 of
//! another (A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 11.2: common random numbers).

pub mod findings;
mod keep;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use highwater_models::file::Plan;
use highwater_models::record::sweep::Point;

use crate::experiment::ExperimentError;
use crate::measure::Record;
use crate::outcome;
use crate::precision::Precision;
use crate::world::{Control, SimulationError, simulate_variants};
use highwater_program::variants::Variants;

pub use keep::known;

/// How the points of a study are run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Root seed of every point.
    pub seed: u64,
    /// Replications of a point; with a precision the fewest, of which there are ten at least.
    pub replications: u32,
    /// More replications until the figures are this narrow, as of a run alone.
    pub precision: Option<Precision>,
    /// Paths of the figures that are kept.
    pub metrics: Vec<String>,
    /// Threads; zero for as many as the machine has.
    pub jobs: usize,
}

/// What a sweep asks of its caller, and tells it.
pub trait Study: Sync {
    /// The plan of a point.
    ///
    /// # Errors
    /// Why it cannot be had any more, in words.
    fn plan(&self, point: usize) -> Result<Plan, String>;

    /// A point is finished. Called from any thread, by one at a time, in the order in which points end.
    ///
    /// # Errors
    /// Why it cannot be kept: the sweep stops.
    fn finished(&self, point: Point) -> Result<(), String>;

    /// So many points' worth of work is done. Called a few times a second.
    fn progress(&self, points: f64);
}

/// Why a sweep stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepError {
    /// A point could not finish.
    Point {
        /// Which.
        point: usize,
        /// Why.
        error: ExperimentError,
    },
    /// The caller could not hand out a plan, or keep a point.
    Caller(String),
    /// The caller stopped it.
    Cancelled,
}

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Runs these points. Each is handed over as soon as it is finished.
///
/// # Errors
/// The first that was met; the other points are stopped.
pub fn run(points: &[usize], settings: &Settings, study: &dyn Study, cancel: &AtomicBool) -> Result<(), SweepError> {
    let jobs = match settings.jobs {
        0 => thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let crew = Crew {
        points,
        settings,
        study,
        state: Mutex::new(State {
            working: jobs,
            ..State::default()
        }),
        news: Condvar::new(),
        left: Condvar::new(),
        stop: AtomicBool::new(false),
        handing: Mutex::new(()),
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| crew.work());
        }
        crew.watch(cancel);
    });
    let state = crew.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    match state.error {
        Some(error) => Err(error),
        None if state.finished < points.len() => Err(SweepError::Cancelled),
        None => Ok(()),
    }
}

/// The threads of a sweep and what they share.
struct Crew<'a> {
    points: &'a [usize],
    settings: &'a Settings,
    study: &'a dyn Study,
    state: Mutex<State>,
    /// Told when there is something new to do, or nothing more will come.
    news: Condvar,
    /// Told when a thread leaves.
    left: Condvar,
    stop: AtomicBool,
    /// Held while a point is handed over.
    handing: Mutex<()>,
}

#[derive(Default)]
struct State {
    /// How many points have been taken.
    taken: usize,
    /// Points that somebody is reading at the moment.
    opening: usize,
    /// Points that have been begun and are not finished.
    open: Vec<Arc<Begun>>,
    finished: usize,
    working: usize,
    error: Option<SweepError>,
}

/// A point that has been begun.
struct Begun {
    point: usize,
    plan: Plan,
    runs: Mutex<Runs>,
    /// Simulated nanoseconds of all its replications.
    at: Mutex<Vec<Arc<AtomicU64>>>,
}

/// The replications of a point.
struct Runs {
    /// How many there are to be.
    asked: u32,
    taken: u32,
    /// By number.
    records: Vec<Option<Record>>,
    finished: u32,
}

/// What a thread does next.
enum Next {
    Begin(usize),
    Help(Arc<Begun>),
    Leave,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew<'_> {
    fn work(&self) {
        let _leaving = Leaving(self);
        loop {
            match self.next() {
                Next::Leave => return,
                Next::Help(begun) => self.replicate(&begun),
                Next::Begin(point) => match self.study.plan(point) {
                    Ok(plan) => {
                        let given = self.settings.replications;
                        let precision = self.settings.precision.as_ref();
                        let asked = precision.map_or(given, |precision| precision.first(given));
                        let begun = Arc::new(Begun::new(point, plan, asked));
                        let mut state = locked(&self.state);
                        state.opening -= 1;
                        state.open.push(begun.clone());
                        drop(state);
                        self.news.notify_all();
                        self.replicate(&begun);
                    }
                    Err(reason) => self.fail(SweepError::Caller(reason)),
                },
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = locked(&self.state);
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Next::Leave;
            }
            if let Some(&point) = self.points.get(state.taken) {
                state.taken += 1;
                state.opening += 1;
                return Next::Begin(point);
            }
            if let Some(begun) = state.open.iter().find(|begun| begun.has_more()) {
                return Next::Help(begun.clone());
            }
            // A point that is being read, or run to the end of its round, may yet have something to do.
            if state.opening == 0 && state.open.is_empty() {
                return Next::Leave;
            }
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs replications of a point until none is left to be taken.
    fn replicate(&self, begun: &Arc<Begun>) {
        if !begun.has_more() {
            return;
        }
        // Each thread that works on a point compiles it: a model holds what it has handed out, and costs milliseconds.
        let variants = Variants::new(&begun.plan);
        while let Some((number, at)) = begun.take() {
            let control = Control {
                cancel: &self.stop,
                progress: &at,
            };
            match simulate_variants(&variants, self.settings.seed, number, false, &control) {
                Ok((record, _)) => {
                    at.store(variants.base().end.nanos(), Ordering::Relaxed);
                    if begun.put(number, record) {
                        self.settle(begun, &variants);
                    }
                }
                Err(SimulationError::Cancelled) => return,
                Err(error) => {
                    return self.fail(SweepError::Point {
                        point: begun.point,
                        error: error.into(),
                    });
                }
            }
        }
    }

    /// All replications asked for are there: it is enough, or more are asked for.
    fn settle(&self, begun: &Arc<Begun>, variants: &Variants<'_>) {
        let records = begun.records();
        let mut summary = outcome::summarize(&begun.plan, variants.base(), &records);
        summary.seed = self.settings.seed;
        let have = u32::try_from(records.len()).unwrap_or(u32::MAX);
        if let Some(precision) = &self.settings.precision {
            let reached = precision.reached(&summary.figures, have);
            if let Some(wanted) = precision.next(&reached, have) {
                begun.ask(wanted, records);
                // Whoever looked before and is about to wait holds this lock until it does.
                drop(locked(&self.state));
                self.news.notify_all();
                return;
            }
        }
        let point = keep::point(begun.point, &summary, self.settings);
        let handing = locked(&self.handing);
        let kept = if self.stop.load(Ordering::Relaxed) {
            return;
        } else {
            self.study.finished(point)
        };
        drop(handing);
        if let Err(reason) = kept {
            return self.fail(SweepError::Caller(reason));
        }
        let mut state = locked(&self.state);
        state.finished += 1;
        state.open.retain(|other| other.point != begun.point);
        drop(state);
        self.news.notify_all();
    }

    fn fail(&self, error: SweepError) {
        self.stop.store(true, Ordering::Relaxed);
        let mut state = locked(&self.state);
        state.error.get_or_insert(error);
        drop(state);
        self.news.notify_all();
    }

    /// Tells how far the work is until the last thread has left, and passes a cancellation on.
    fn watch(&self, cancel: &AtomicBool) {
        let mut state = locked(&self.state);
        while state.working > 0 {
            let (held, _) = self
                .left
                .wait_timeout(state, TELL_EVERY)
                .unwrap_or_else(PoisonError::into_inner);
            state = held;
            if cancel.load(Ordering::Relaxed) {
                self.stop.store(true, Ordering::Relaxed);
                self.news.notify_all();
            }
            let done = state.finished as f64 + state.open.iter().map(|begun| begun.share()).sum::<f64>();
            drop(state);
            self.study.progress(done);
            state = locked(&self.state);
        }
    }
}

/// Counts a thread out however it ends, so that nobody waits for one that panicked.
struct Leaving<'c, 'a>(&'c Crew<'a>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.store(true, Ordering::Relaxed);
        }
        locked(&self.0.state).working -= 1;
        self.0.news.notify_all();
        self.0.left.notify_all();
    }
}

impl Begun {
    fn new(point: usize, plan: Plan, asked: u32) -> Self {
        Self {
            point,
            plan,
            runs: Mutex::new(Runs {
                asked,
                taken: 0,
                records: (0..asked).map(|_| None).collect(),
                finished: 0,
            }),
            at: Mutex::new(Vec::new()),
        }
    }

    fn has_more(&self) -> bool {
        let runs = locked(&self.runs);
        runs.taken < runs.asked
    }

    /// The next replication and where to tell how far it is.
    fn take(&self) -> Option<(u32, Arc<AtomicU64>)> {
        let mut runs = locked(&self.runs);
        if runs.taken == runs.asked {
            return None;
        }
        let number = runs.taken;
        runs.taken += 1;
        drop(runs);
        let at = Arc::new(AtomicU64::new(0));
        locked(&self.at).push(at.clone());
        Some((number, at))
    }

    /// Keeps what a replication left; whether it was the last one that is asked for.
    fn put(&self, number: u32, record: Record) -> bool {
        let mut runs = locked(&self.runs);
        runs.records[number as usize] = Some(record);
        runs.finished += 1;
        runs.finished == runs.asked
    }

    /// What all replications left, in order.
    fn records(&self) -> Vec<Record> {
        locked(&self.runs).records.iter_mut().filter_map(Option::take).collect()
    }

    /// Gives the records back and asks for more.
    fn ask(&self, asked: u32, records: Vec<Record>) {
        let mut runs = locked(&self.runs);
        runs.records = records.into_iter().map(Some).collect();
        runs.records.resize_with(asked as usize, || None);
        runs.asked = asked;
    }

    /// How much of it is done.
    fn share(&self) -> f64 {
        let end = self
            .plan
            .scenario
            .duration
            .map_or(1.0, |duration| duration.seconds())
            .max(1e-9);
        let nanos: f64 = locked(&self.at)
            .iter()
            .map(|at| at.load(Ordering::Relaxed) as f64)
            .sum();
        let asked = f64::from(locked(&self.runs).asked.max(1));
        (nanos / 1e9 / end / asked).min(1.0)
    }
}

#[cfg(test)]
mod tests;
