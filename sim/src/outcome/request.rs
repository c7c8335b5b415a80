//! The figures of requests, of the whole run and of each of its parts.
//!
//! Owns: `requests`, `attempts`, `latency`, `tool`, `errors` and what goes with them.
//! Never: how cells are put together (`group`).

use highwater_models::Cause;
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::histogram::Histogram;

use super::build::{Builder, Pathed, dist, ratio, seconds};
use crate::interval::Intervals;
use crate::measure::Cell;
use highwater_program::model::Model;

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
    let tries: Vec<(f64, f64)> = cells
        .iter()
        .map(|cell| (cell.attempts as f64, cell.offered as f64))
        .collect();
    build.ratio(&at(&["attempts", "per_request"]), Unit::Count, &tries);
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
    build.share(&at(&["tool", "error_rate"]), &pairs(cells, tool_errors));
    build.share(&at(&["errors", "rate"]), &pairs(cells, errors));
    for cause in Cause::ALL {
        let samples = each(&|cell| cell.by_cause[cause as usize] as f64);
        if samples.iter().any(|&count| count > 0.0) {
            build.counts(&at(&["errors", "by_cause", cause.name()]), samples);
            let of_cause = |cell: &Cell| (cell.by_cause[cause as usize], cell.offered);
            build.share(&at(&["errors", "rate_by_cause", cause.name()]), &pairs(cells, of_cause));
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

/// Failed and abandoned, of those offered.
const fn errors(cell: &Cell) -> (u64, u64) {
    (cell.failed + cell.abandoned, cell.offered)
}

/// Attempts without any answer, of all that ended: the load tool's reading.
fn tool_errors(cell: &Cell) -> (u64, u64) {
    (cell.tool_missing, cell.tool.count() + cell.tool_missing)
}

/// Requests that a limiter refused, of those offered.
#[must_use]
pub fn refused_rate(cells: &[Cell], intervals: &Intervals) -> Estimate {
    intervals.share(&pairs(cells, |cell| {
        (cell.by_cause[Cause::RateLimited as usize], cell.offered)
    }))
}

fn pairs(cells: &[Cell], of: impl Fn(&Cell) -> (u64, u64)) -> Vec<(f64, f64)> {
    let pairs = cells.iter().map(of);
    pairs.map(|(part, whole)| (part as f64, whole as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
