//! Where the warm-up of a steady load ends.
//!
//! Owns: the rule, MSER-5, and what it looks at. Never: running a pilot (`experiment`), words (`outcome`).
//!
//! A run starts empty, and what it measures while it fills up is of another system than the one it settles at. Of a row of
//! means of five windows each, the rule leaves out as many from the beginning as make the standard error of the rest's mean
//! the smallest: longer than that costs more data than the bias is worth. A cut in the second half says that the run is too
//! short to tell.
//! Source: K. P. White Jr., "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997);
//! K. P. White Jr., M. J. Cobb and S. C. Spratt, "A comparison of five steady-state truncation heuristics for simulation",
//! Proceedings of the Winter Simulation Conference (2000), for means of five. The row is averaged over replications first,
//! as P. D. Welch does in *The Statistical Analysis of Simulation Results* (1983): that quiets chance and leaves the bias.

use highwater_models::{SimSpan, SimTime};

use crate::measure::Record;
use highwater_program::model::{Coming, Model, Source};

/// Windows in a mean: the 5 of MSER-5.
const TOGETHER: usize = 5;

/// Means at the end that are always kept: fewer are alike by chance.
const KEPT: usize = 5;

/// Windows that a pilot is cut into.
pub const WINDOWS: u64 = 500;

/// What a pilot says of a run's beginning.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Cut {
    /// Where the warm-up ends.
    pub at: SimTime,
    /// Whether that is in the second half: the run is too short to tell, and `at` is its middle.
    pub is_too_late: bool,
}

/// Whether a load is steady: of one rate or level throughout, and nothing happens to the system.
#[must_use]
pub fn is_steady(model: &Model) -> bool {
    model.happenings.is_empty() && model.days.is_none() && model.sources.iter().all(is_level)
}

fn is_level(source: &Source) -> bool {
    match &source.coming {
        Coming::Open { segments, .. } | Coming::Closed { segments } => {
            let first = segments.first().map_or(0.0, |segment| segment.rate_from);
            let same = |rate: f64| (rate - first).abs() <= 1e-9 * first;
            source.phase_ends.len() <= 1
                && segments
                    .iter()
                    .all(|segment| same(segment.rate_from) && same(segment.rate_to))
        }
        Coming::Every(_) => true,
        Coming::At(_) | Coming::Trace(_) => false,
    }
}

/// The length of a pilot's windows: a five hundredth of the run.
#[must_use]
pub fn window(model: &Model) -> SimSpan {
    SimSpan::from_nanos(((model.duration - SimTime::ZERO).nanos() / WINDOWS).max(1))
}

/// Where the warm-up of these replications ends, which were measured from their beginning; the later of two views: how many
/// there are at all resources together, and how long requests take that arrive then. `None` with too few windows to look at.
#[must_use]
pub fn cut(model: &Model, records: &[Record]) -> Option<Cut> {
    let window = model.window.nanos();
    let count = (model.measure_to.nanos() / window.max(1)) as usize;
    // Requests that begin after the end of the load count to its last window.
    let rows = [
        at_resources(records, count.saturating_sub(1)),
        latencies(records, count.saturating_sub(1)),
    ];
    let found = rows.iter().filter_map(|row| truncation(row)).max()?;
    let half = count / 2;
    Some(Cut {
        at: SimTime::from_nanos(found.min(half) as u64 * window),
        is_too_late: found > half,
    })
}

/// In service and in line at all resources together, by window.
fn at_resources(records: &[Record], count: usize) -> Vec<f64> {
    let sum = |number: usize| -> f64 {
        let windows = records.iter().filter_map(|record| record.windows.get(number));
        windows
            .flat_map(|window| &window.resources)
            .map(|(busy, queue)| busy + queue)
            .sum()
    };
    (0..count).map(sum).collect()
}

/// The mean latency of useful requests, by the window in which they arrived. One without any is as the one before.
fn latencies(records: &[Record], count: usize) -> Vec<f64> {
    let mut last = 0.0;
    let mut mean = |number: usize| -> f64 {
        let windows = records.iter().filter_map(|record| record.windows.get(number));
        let (sum, useful) = windows.fold((0.0, 0.0), |(sum, useful), window| {
            (sum + window.latency as f64 / 1e9, useful + window.useful as f64)
        });
        if useful > 0.0 {
            last = sum / useful;
        }
        last
    };
    (0..count).map(&mut mean).collect()
}

/// How many of a row to leave out from the beginning, by MSER-5; `None` for a row too short to look at.
#[must_use]
pub fn truncation(row: &[f64]) -> Option<usize> {
    let means: Vec<f64> = row
        .chunks_exact(TOGETHER)
        .map(|chunk| chunk.iter().sum::<f64>() / TOGETHER as f64)
        .collect();
    if means.len() < 4 * KEPT {
        return None;
    }
    // From the end: sums of what is kept so far. The first of equals from the beginning wins, so a row of one value is
    // kept whole.
    let shift = means[means.len() - 1];
    let (mut sum, mut squares) = (0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (place, mean) in means.iter().enumerate().rev() {
        let (kept, from_shift) = ((means.len() - place) as f64, mean - shift);
        sum += from_shift;
        squares += from_shift * from_shift;
        let error = (squares - sum * sum / kept).max(0.0) / (kept * kept);
        if means.len() - place >= KEPT && error <= best.0 {
            best = (error, place);
        }
    }
    Some(best.1 * TOGETHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;
    use highwater_program::compile::compile;
    use highwater_workload::math::exp;

    /// Noise between -1 and 1, the same at every call.
    fn noise(number: usize) -> f64 {
        (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17) as f64 / u64::MAX as f64 * 2.0 - 1.0
    }

    // Lost if broken: figures of a system that is filling up are taken for those of one that is full.
    #[test]
    fn what_is_still_on_its_way_is_left_out() {
        // On its way to 10 with a time constant of 30: near enough from about 100 on.
        let rising = |number: usize| 10.0 * (1.0 - exp(-(number as f64) / 30.0)) + 0.5 * noise(number);
        let row: Vec<f64> = (0..1000).map(rising).collect();
        let found = truncation(&row).unwrap();
        assert!((60..=200).contains(&found), "{found}");
        let steady: Vec<f64> = (0..1000).map(|number| 10.0 + noise(number)).collect();
        assert!(truncation(&steady).unwrap() <= 50);
        assert_eq!(truncation(&[3.0; 500]), Some(0));
        // It never settles: the least is left of it.
        let growing: Vec<f64> = (0..1000).map(|number| number as f64).collect();
        assert!(truncation(&growing).unwrap() > 900);
        assert_eq!(truncation(&[1.0; 99]), None);
    }

    // Lost if broken: a peak would be cut off as if it were warm-up.
    #[test]
    fn only_a_load_of_one_rate_is_steady() {
        let steady = |lines: &str| is_steady(&compile(&sample::plan(lines)));
        assert!(steady("duration = \"1m\""));
        assert!(!steady(
            "duration = \"1m\"\n[[event]]\nat = \"30s\"\naction = { set = { \"servers.max\" = 3 } }"
        ));
        let mut model = compile(&sample::plan("duration = \"1m\""));
        sample::add_phases(&mut model);
        assert!(!is_steady(&model));
    }
}
