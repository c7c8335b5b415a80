//! The figures of requests, of the whole run and of each of its parts.
//!
//! Owns: `requests`, `attempts`, `latency`, `tool`, `errors` and what goes with them.
//! Never: how cells are put together (`group`).

use highwater_models::Cause;
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::histogram::Histogram;

use super::build::{Builder, Pathed, at_least_zero, at_most_one, dist, ratio, seconds};
use crate::interval::Intervals;
use crate::measure::Cell;
use crate::model::Model;

/// Causes by which a request is turned away before any work is done for it.
const REFUSED_AT_ONCE: [Cause; 6] = [
    Cause::RateLimited,
    Cause::QueueFull,
    Cause::Shed,
    Cause::NoInstance,
    Cause::FeatureOff,
    Cause::Unauthorized,
];

/// Picks one of a cell's distributions.
type Timed = fn(&Cell) -> &Histogram;

/// Adds the figures of one part, a cell for each replication, below a prefix.
pub fn figures(build: &mut Builder, prefix: &[&str], cells: &[Cell], model: &Model) {
    let at = |keys: &[&'static str]| -> Vec<&str> { prefix.iter().copied().chain(keys.iter().copied()).collect() };
    let each = |of: &dyn Fn(&Cell) -> f64| -> Vec<f64> { cells.iter().map(of).collect() };
    let counts: [Pathed<Cell, f64>; 9] = [
        (&["requests", "offered"], |cell| cell.offered as f64),
        (&["requests", "accepted"], |cell| accepted(cell) as f64),
        (&["requests", "completed"], |cell| completed(cell) as f64),
        (&["requests", "useful"], |cell| cell.useful as f64),
        (&["requests", "failed"], |cell| cell.failed as f64),
        (&["requests", "abandoned"], |cell| cell.abandoned as f64),
        (&["requests", "in_flight"], |cell| in_flight(cell) as f64),
        (&["wasted"], |cell| cell.wasted as f64),
        (&["attempts", "offered"], |cell| cell.attempts as f64),
    ];
    for (path, of) in counts {
        build.counts(&at(path), each(&of));
    }
    let per_request = each(&|cell| ratio(cell.attempts as f64, cell.offered as f64));
    build.estimate(&at(&["attempts", "per_request"]), Unit::Count, per_request);
    let spans: Vec<f64> = build.records.iter().map(seconds).collect();
    let rate = |of: &dyn Fn(&Cell) -> u64| -> Vec<f64> {
        cells
            .iter()
            .zip(&spans)
            .map(|(cell, &span)| ratio(of(cell) as f64, span))
            .collect()
    };
    build.estimate(&at(&["throughput"]), Unit::PerSecond, rate(&|cell| cell.completed));
    build.estimate(&at(&["goodput"]), Unit::PerSecond, rate(&|cell| cell.useful));
    let distributions: [(&[&'static str], Timed); 4] = [
        (&["latency"], |cell| &cell.latency),
        (&["first_byte"], |cell| &cell.first_byte),
        (&["tool", "latency"], |cell| &cell.tool),
        (&["latency_server"], |cell| &cell.server),
    ];
    for (path, of) in distributions {
        let histograms: Vec<&Histogram> = cells.iter().map(of).collect();
        dist(build, &at(path), &histograms, &model.percentiles);
    }
    let (samples, estimate) = tool_error_rate(cells, build.intervals);
    build.estimated(&at(&["tool", "error_rate"]), Unit::Share, samples, estimate);
    let (samples, estimate) = error_rate(cells, build.intervals);
    build.estimated(&at(&["errors", "rate"]), Unit::Share, samples, estimate);
    for cause in Cause::ALL {
        let samples = each(&|cell| cell.by_cause[cause as usize] as f64);
        if samples.iter().any(|&count| count > 0.0) {
            build.counts(&at(&["errors", "by_cause", cause.name()]), samples);
        }
    }
}

/// Requests that were not turned away at once.
fn accepted(cell: &Cell) -> u64 {
    let refused: u64 = REFUSED_AT_ONCE.iter().map(|&cause| cell.by_cause[cause as usize]).sum();
    cell.offered.saturating_sub(refused)
}

/// Requests that were answered, well or not. A cell does not tell the failed of a cause from the abandoned, so causes
/// without an answer are taken off the failed as far as those are not the abandoned ones.
fn completed(cell: &Cell) -> u64 {
    let silent = Cause::ALL.iter().filter(|cause| cause.status().is_none());
    let unanswered: u64 = silent.map(|&cause| cell.by_cause[cause as usize]).sum();
    let failed = cell.failed.saturating_sub(unanswered.saturating_sub(cell.abandoned));
    cell.useful + failed
}

fn in_flight(cell: &Cell) -> u64 {
    cell.offered.saturating_sub(cell.useful + cell.failed + cell.abandoned)
}

/// Failed and abandoned, of those offered: value by replication, and the estimate.
#[must_use]
pub fn error_rate(cells: &[Cell], intervals: &Intervals) -> (Vec<f64>, Estimate) {
    share_of(cells, intervals, |cell| (cell.failed + cell.abandoned, cell.offered))
}

/// Attempts without any answer, of all that ended: the load tool's reading.
#[must_use]
pub fn tool_error_rate(cells: &[Cell], intervals: &Intervals) -> (Vec<f64>, Estimate) {
    share_of(cells, intervals, |cell| {
        (cell.tool_missing, cell.tool.count() + cell.tool_missing)
    })
}

/// Requests that a limiter refused, of those offered.
#[must_use]
pub fn refused_rate(cells: &[Cell], intervals: &Intervals) -> (Vec<f64>, Estimate) {
    share_of(cells, intervals, |cell| {
        (cell.by_cause[Cause::RateLimited as usize], cell.offered)
    })
}

/// A share of requests. None among n requests of all replications together does not mean that there can be none: the
/// upper bound is then 3 / n, the rule of three for a probability whose event was not seen in n trials (J. A. Hanley and
/// A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983).
fn share_of(cells: &[Cell], intervals: &Intervals, of: impl Fn(&Cell) -> (u64, u64)) -> (Vec<f64>, Estimate) {
    let pairs: Vec<(u64, u64)> = cells.iter().map(of).collect();
    let samples: Vec<f64> = pairs
        .iter()
        .map(|&(part, whole)| ratio(part as f64, whole as f64))
        .collect();
    let parts: u64 = pairs.iter().map(|(part, _)| part).sum();
    let trials: u64 = pairs.iter().map(|(_, whole)| whole).sum();
    let estimate = if parts == 0 && trials > 0 {
        Estimate {
            value: 0.0,
            low: Some(0.0),
            high: Some((3.0 / trials as f64).min(1.0)),
        }
    } else {
        at_most_one(at_least_zero(intervals.estimate(&samples)))
    };
    (samples, estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a run without a failure would claim to have proved that there are none.
    #[test]
    fn no_failure_in_300_requests_leaves_one_in_a_hundred_possible() {
        let cell = Cell {
            offered: 100,
            ..Cell::default()
        };
        let (samples, estimate) = error_rate(&[cell.clone(), cell.clone(), cell], &Intervals::new(3));
        assert_eq!(samples, [0.0; 3]);
        assert_eq!(
            (estimate.value, estimate.low, estimate.high),
            (0.0, Some(0.0), Some(0.01))
        );
    }

    // Lost if broken: more than all requests could fail, or fewer than none.
    #[test]
    fn the_interval_of_a_share_stays_between_none_and_all() {
        let cell = |failed| Cell {
            offered: 100,
            failed,
            ..Cell::default()
        };
        let of = |a, b| error_rate(&[cell(a), cell(b)], &Intervals::new(2)).1;
        assert_eq!((of(80, 100).value, of(80, 100).high), (0.9, Some(1.0)));
        assert_eq!((of(0, 20).value, of(0, 20).low), (0.1, Some(0.0)));
    }

    // Lost if broken: requests would vanish from the books of a result, or count twice.
    #[test]
    fn a_request_ends_in_one_way_and_only_answers_complete_it() {
        let mut cell = Cell {
            offered: 100,
            useful: 60,
            failed: 25,
            abandoned: 10,
            ..Cell::default()
        };
        cell.by_cause[Cause::RateLimited as usize] = 8;
        cell.by_cause[Cause::PoolTimeout as usize] = 12;
        cell.by_cause[Cause::InstanceLost as usize] = 5;
        cell.by_cause[Cause::ClientTimeout as usize] = 10;
        assert_eq!(in_flight(&cell), 5);
        assert_eq!(accepted(&cell), 92);
        assert_eq!(completed(&cell), 80);
    }
}
