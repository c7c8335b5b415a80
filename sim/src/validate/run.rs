//! Cases run at their seeds, several at a time, and once more where they did not agree.
//!
//! Owns: seeds, lengths, second runs, threads. Never: judgements (`judge`).
//! The answers do not depend on the number of threads: each run draws from its own seed, and its answer is put in its
//! place by number.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::case::Case;
use super::judge::{Judged, Verdict, judge};
use crate::experiment::{self, ExperimentError, Options, Progress};

/// A second run takes its own seed this much above the first one's.
const FRESH: u64 = 1000;

/// How much is run.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Every case at seeds 1, 2 and 3 with all its replications.
    Full,
    /// Every case at seed 1 with a third of its replications; intervals may be three times as wide, which is what that
    /// costs: the square root of three, and the longer tail of Student's law.
    Quick,
}

impl Depth {
    /// The seeds.
    #[must_use]
    pub const fn seeds(self) -> &'static [u64] {
        match self {
            Self::Full => &[1, 2, 3],
            Self::Quick => &[1],
        }
    }

    /// Replications of a case at each seed. What chance has no part in needs no more than two, to be the same in both.
    #[must_use]
    pub fn replications(self, case: &Case) -> u32 {
        match self {
            _ if case.is_exact() => 2,
            Self::Full => case.replications,
            Self::Quick => case.replications / 3,
        }
    }

    /// By how much a case's bounds on intervals are wider.
    #[must_use]
    pub const fn widened(self) -> f64 {
        match self {
            Self::Full => 1.0,
            Self::Quick => 3.0,
        }
    }
}

/// A case that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseError {
    /// Its file is wrong.
    File {
        /// The mistakes.
        text: String,
    },
    /// It did not run to its end.
    Run(ExperimentError),
}

impl fmt::Display for CaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { text } => f.write_str(text),
            Self::Run(error) => error.fmt(f),
        }
    }
}

/// A case at one seed: the run that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The seed of that run.
    pub seed: u64,
    /// Its replications.
    pub replications: u32,
    /// Its figures, in the order of the case's checks.
    pub figures: Vec<Judged>,
    /// What the first run said, where there was a second.
    pub first: Option<Vec<Judged>>,
}

impl Trial {
    /// Whether every figure agrees with theory.
    #[must_use]
    pub fn agrees(&self) -> bool {
        agree(&self.figures)
    }
}

fn agree(figures: &[Judged]) -> bool {
    figures.iter().all(|judged| judged.verdict == Verdict::Agrees)
}

/// A case and what came of it at each seed.
#[derive(Clone, Debug)]
pub struct Tested<'a> {
    /// The case.
    pub case: &'a Case,
    /// By seed.
    pub trials: Vec<Result<Trial, CaseError>>,
}

impl Tested<'_> {
    /// Whether it agrees at every seed.
    #[must_use]
    pub fn agrees(&self) -> bool {
        let agrees = |trial: &Result<Trial, CaseError>| trial.as_ref().is_ok_and(Trial::agrees);
        self.trials.iter().all(agrees)
    }

    /// At how many seeds it was run a second time.
    #[must_use]
    pub fn second_runs(&self) -> usize {
        let trials = self.trials.iter().flatten();
        trials.filter(|trial| trial.first.is_some()).count()
    }
}

/// Runs cases at every seed of a depth on `jobs` threads; zero for as many as the machine has.
///
/// # Errors
/// When `cancel` is set.
pub fn run<'a>(
    cases: &'a [Case],
    depth: Depth,
    jobs: usize,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Vec<Tested<'a>>, ExperimentError> {
    let seeds = depth.seeds();
    let count = cases.len() * seeds.len();
    let jobs = match jobs {
        0 => thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let next = AtomicUsize::new(0);
    let done: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    let results: Vec<Mutex<Option<Result<Trial, CaseError>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count || cancel.load(Ordering::Relaxed) {
                return;
            }
            // Thousandths are fine enough for a bar.
            let tell = |share: f64| {
                done[number].fetch_max((share * 1000.0) as u64, Ordering::Relaxed);
                let sum: u64 = done.iter().map(|done| done.load(Ordering::Relaxed)).sum();
                progress.done(sum as f64 / 1000.0 / count as f64);
            };
            let case = &cases[number / seeds.len()];
            let trial = run_case(case, seeds[number % seeds.len()], depth, &tell, cancel);
            tell(1.0);
            *results[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(trial);
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs.min(count) {
            scope.spawn(work);
        }
    });
    let mut trials = results
        .into_iter()
        .map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner));
    let mut tested = Vec::with_capacity(cases.len());
    for case in cases {
        let of_case: Option<Vec<_>> = trials.by_ref().take(seeds.len()).collect();
        let trials = of_case.ok_or(ExperimentError::Cancelled)?;
        if trials.contains(&Err(CaseError::Run(ExperimentError::Cancelled))) {
            return Err(ExperimentError::Cancelled);
        }
        tested.push(Tested { case, trials });
    }
    Ok(tested)
}

/// Runs a case at a seed on this thread, and once more where it does not agree.
///
/// # Errors
/// When its file is wrong, or a run does not end.
pub fn run_case(
    case: &Case,
    seed: u64,
    depth: Depth,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Trial, CaseError> {
    let plan = case.plan().map_err(|text| CaseError::File { text })?;
    let replications = depth.replications(case);
    let once = |seed, replications| -> Result<Vec<Judged>, CaseError> {
        let options = Options {
            seed: Some(seed),
            replications: Some(replications),
            jobs: 1,
            requests: case.reads_requests(),
        };
        let outcome = experiment::run_until(&plan, &options, progress, cancel).map_err(CaseError::Run)?;
        Ok(judge(case, &outcome, depth.widened()))
    };
    let figures = once(seed, replications)?;
    let trial = |seed, replications, figures, first| Trial {
        seed,
        replications,
        figures,
        first,
    };
    // An exact figure is the same under every seed.
    if agree(&figures) || case.is_exact() {
        return Ok(trial(seed, replications, figures, None));
    }
    let (fresh, twice) = (seed + FRESH, replications * 2);
    Ok(trial(fresh, twice, once(fresh, twice)?, Some(figures)))
}
