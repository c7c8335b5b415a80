//! Where the model holds: agreement by how many requests come a second.
//!
//! Owns: the windows, and the quarters that they are put into by their load. Never: words.
//! Windows of a quarter need not be neighbours, so that each is a sample of its load; a flat load has no quarters.

use highwater_models::record::figures::{Estimate, Path, Unit};

use super::apart::{LeftOut, pairs, strangers};
use super::batch::{Span, cut};
use super::part::{Part, Reading};
use super::trace::Trace;
use super::{Tolerance, Verdict};

/// Seconds of a window at least: shorter ones hold requests that began in one and were slow because of another.
const WINDOW: f64 = 2.0;

/// The most windows.
const MOST: usize = 48;

/// Quarters of load.
const QUARTERS: usize = 4;

/// How many times the busiest quarter's load has to be the quietest's for quarters to say anything: less is chance.
const VARIES: f64 = 1.5;

/// The figures that are looked at.
const FIGURES: [(&[&str], Unit); 3] = [
    (&["latency", "mean"], Unit::Seconds),
    (&["latency", "p95"], Unit::Seconds),
    (&["errors", "rate"], Unit::Share),
];

/// Windows of like load.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Requests a second in its quietest window, in the simulation.
    pub from: f64,
    /// In its busiest.
    pub to: f64,
    /// How many windows.
    pub windows: usize,
    /// What was looked at.
    pub figures: Vec<RegionFigure>,
}

impl Sides<'_> {
    /// The simulated runs that stand beside the measured ones, each cut into so many pieces.
    #[must_use]
    pub fn simulated_runs(&self, count: usize) -> Vec<Vec<Part>> {
        let replications = self.partners.clone().unwrap_or_else(|| self.simulated.replications());
        let pieces = |replication: u32| cut(self.simulated, replication, self.span, count);
        replications.into_iter().map(pieces).collect()
    }

    /// The measured runs, each cut into so many pieces.
    #[must_use]
    pub fn measured_runs(&self, count: usize) -> Vec<Vec<Part>> {
        let pieces = |&(trace, repeat): &(&Trace, u32)| cut(trace, repeat, self.span, count);
        self.measured.iter().map(pieces).collect()
    }
}

/// Runs added up piece by piece.
#[must_use]
pub fn added(runs: &[Vec<Part>]) -> Vec<Part> {
    let mut sums = runs.first().cloned().unwrap_or_default();
    for run in runs.iter().skip(1) {
        for (sum, part) in sums.iter_mut().zip(run) {
            // Goodput is that of a run.
            sum.merge(part, true);
        }
    }
    sums
}

impl Region {
    /// Whether something differs.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.figures.iter().any(|figure| figure.verdict == Verdict::Differs)
    }
}

/// A figure in windows of like load.
#[derive(Clone, Debug, PartialEq)]
pub struct RegionFigure {
    /// Its path.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// The simulation's.
    pub simulated: Estimate,
    /// The measured run's.
    pub measured: Estimate,
    /// The simulation's less the measured.
    pub difference: Estimate,
    /// What can be said.
    pub verdict: Verdict,
}

/// A simulation and the measured runs beside it, as far as regions want them.
pub struct Sides<'a> {
    /// Simulated requests.
    pub simulated: &'a Trace,
    /// Measured requests: for each run a trace and its repeat there.
    pub measured: &'a [(&'a Trace, u32)],
    /// The replications that met the same people, where they did.
    pub partners: Option<Vec<u32>>,
    /// Where figures are taken from.
    pub span: Span,
}

/// The quarters of load, the quietest first; none where the load hardly varies or there is too little of it.
#[must_use]
pub fn regions(sides: &Sides<'_>, tolerance: &Tolerance) -> Vec<Region> {
    let count = ((sides.span.length() / WINDOW) as usize).min(MOST);
    if count < 2 * QUARTERS {
        return Vec::new();
    }
    let mut simulated = sides.simulated_runs(count);
    let measured = added(&sides.measured_runs(count));
    if sides.partners.is_some() {
        simulated = vec![added(&simulated)];
    }
    let rate = |window: usize| {
        let of = |pick: fn(&Part) -> f64| simulated.iter().map(|run| pick(&run[window])).sum::<f64>();
        of(|part| part.all.offered) / of(|part| part.length)
    };
    let rates: Vec<f64> = (0..count).map(rate).collect();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| rates[a].total_cmp(&rates[b]));
    let quarters: Vec<&[usize]> = (0..QUARTERS)
        .map(|quarter| &order[quarter * count / QUARTERS..(quarter + 1) * count / QUARTERS])
        .collect();
    let mean = |windows: &[usize]| windows.iter().map(|&window| rates[window]).sum::<f64>() / windows.len() as f64;
    if mean(quarters[QUARTERS - 1]) < VARIES * mean(quarters[0]) {
        return Vec::new();
    }
    let only = |parts: &[Part], windows: &[usize]| -> Vec<Part> {
        windows.iter().map(|&window| parts[window].clone()).collect()
    };
    quarters
        .into_iter()
        .map(|windows| {
            let runs: Vec<Vec<Part>> = simulated.iter().map(|run| only(run, windows)).collect();
            let theirs = only(&measured, windows);
            Region {
                from: windows.first().map_or(f64::NAN, |&window| rates[window]),
                to: windows.last().map_or(f64::NAN, |&window| rates[window]),
                windows: windows.len(),
                figures: figures(sides, &runs, &theirs, tolerance),
            }
        })
        .collect()
}

fn figures(sides: &Sides<'_>, runs: &[Vec<Part>], theirs: &[Part], tolerance: &Tolerance) -> Vec<RegionFigure> {
    let Some(&(other, _)) = sides.measured.first() else {
        return Vec::new();
    };
    let units: Vec<Part> = match runs {
        [only] => only.clone(),
        many => many.iter().map(|run| together(run)).collect(),
    };
    let left_out = (sides.partners.is_some()).then(|| (LeftOut::new(&units), LeftOut::new(theirs)));
    let figure = |&(names, unit): &(&[&str], Unit)| {
        let path = Path::new(names);
        let readings = (Reading::of(&path, sides.simulated)?, Reading::of(&path, other)?);
        let (simulated, measured) = (readings.0.estimate(&units), readings.1.estimate(theirs));
        let difference = match &left_out {
            Some((one, two)) => pairs((one, readings.0), (two, readings.1)),
            None => strangers(&simulated, &measured),
        };
        let verdict = tolerance.judge(&path, unit, (simulated.value, measured.value), &difference, f64::NAN);
        Some(RegionFigure {
            path,
            unit,
            simulated,
            measured,
            difference,
            verdict,
        })
    };
    FIGURES.iter().filter_map(figure).collect()
}

fn together(parts: &[Part]) -> Part {
    let mut sum = Part::default();
    parts.iter().for_each(|part| sum.merge(part, true));
    sum
}
