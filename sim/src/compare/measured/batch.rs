//! Pieces of a run that may pass for independent ones.
//!
//! Owns: how a run is cut into batches, and how long they have to be. Never: intervals.
//! Source: the method of batch means with G. S. Fishman's rule, "Grouping observations in digital simulation",
//! Management Science 24 (1978): batches are made fewer and longer until neighbours are no more alike than chance would
//! have it (`interval::batches`).

use super::part::{Part, Reading};
use super::trace::Trace;
use crate::interval::batches::are_independent;

/// Numbers of batches that are tried, the most first. Fewer than eight say little about how they vary; more than 32 gain
/// next to nothing (B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research 30, 1982).
const COUNTS: [usize; 5] = [32, 24, 16, 12, FEWEST];

/// The fewest batches an interval is made of.
pub const FEWEST: usize = 8;

/// Fewest requests a batch holds on average: fewer are no mean.
const REQUESTS: f64 = 5.0;

/// A span of load in seconds from the start.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Span {
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

impl Span {
    /// Seconds.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.to - self.from
    }

    /// The number of the piece, of so many equal ones, that a request arriving then belongs to. What arrives after the
    /// load has ended belongs to the last.
    #[must_use]
    pub fn piece(&self, at: f64, count: usize) -> usize {
        let share = (at - self.from) / self.length();
        ((share * count as f64).max(0.0) as usize).min(count.saturating_sub(1))
    }
}

/// A replication cut into equal pieces.
#[must_use]
pub fn cut(trace: &Trace, replication: u32, span: Span, count: usize) -> Vec<Part> {
    let mut parts = vec![Part::new(span.length() / count as f64); count];
    for number in trace.of(replication).iter().map(|&number| number as usize) {
        let at = trace.rows()[number].at;
        if at >= span.from {
            parts[span.piece(at, count)].add(trace, number);
        }
    }
    parts
}

/// How many pieces a run may be cut into.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How many.
    pub count: usize,
    /// Whether they may pass for independent. Where not even the longest may, the run has a trend, or a memory longer than
    /// they are.
    pub independent: bool,
}

/// The most pieces that may pass for independent, by what `series` makes of each run cut into so many: the figures whose
/// neighbours are looked at.
#[must_use]
pub fn choose(requests: f64, series: impl Fn(usize) -> Vec<Vec<f64>>) -> Choice {
    let enough = |count: &usize| requests / *count as f64 >= REQUESTS;
    for count in COUNTS.into_iter().filter(enough) {
        if series(count).iter().all(|means| are_independent(means)) {
            return Choice {
                count,
                independent: true,
            };
        }
    }
    Choice {
        count: FEWEST,
        independent: false,
    }
}

/// What is looked at of parts in a row: how long requests take, how many fail.
#[must_use]
pub fn series(parts: &[Part]) -> Vec<Vec<f64>> {
    [Reading::Mean(None), Reading::Errors(None)]
        .into_iter()
        .map(|reading| parts.iter().map(|part| reading.value(part)).collect())
        .collect()
}

/// The same of pairs of parts: their differences.
#[must_use]
pub fn series_of_differences(one: &[Part], other: &[Part]) -> Vec<Vec<f64>> {
    let (one, other) = (series(one), series(other));
    let less = |(a, b): (Vec<f64>, Vec<f64>)| a.iter().zip(&b).map(|(a, b)| a - b).collect();
    one.into_iter().zip(other).map(less).collect()
}
