//! One long run of a steady load, cut into parts that pass for runs of their own.
//!
//! Owns: the parts, whether they are fit, and which figures get their interval from them: latency and errors of the whole
//! run, which are all that the timeline keeps window by window. Never: how an interval is made (`interval`).
//!
//! Batch means: the windows of the timeline are put together to 30 batches; where neighbours are alike by more than chance,
//! to 20, then to 10. Where they still are, or a batch has fewer than a hundred requests, there is no interval.
//! Sources: B. Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research 30 (1982), for 10
//! to 30; the test is `interval::batches`.

use highwater_models::Cause;
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::histogram::{Histogram, Place};

use super::build::{Builder, at_least_zero, percentile_name, percents, ratio, seconds_of};
use crate::interval::{Sample, batches::are_independent};
use crate::measure::{Record, Window, coarse_bucket, coarse_edges};
use crate::warm_up;
use highwater_program::model::Model;

/// Numbers of batches, the most wanted first.
const NUMBERS: [usize; 3] = [30, 20, 10];

/// Requests that a batch has at least, on average.
const REQUESTS: u64 = 100;

/// The batches of a run.
#[derive(Clone, Debug)]
pub enum Batches {
    /// This many, fit to be taken for independent.
    Fit(Vec<Window>),
    /// Too little in it, or neighbours that are alike.
    Unfit,
}

/// The batches of a single replication of a steady load; `None` for any other run.
#[must_use]
pub fn batches(model: &Model, records: &[Record]) -> Option<Batches> {
    let [record] = records else { return None };
    if !warm_up::is_steady(model) {
        return None;
    }
    let length = model.window.nanos().max(1);
    let (from, to) = (record.from.nanos().div_ceil(length), record.to.nanos() / length);
    // Requests that begin after the end of the load count to its last window.
    let last = (record.windows.len() as u64).saturating_sub(1).min(to);
    let windows = record.windows.get(from as usize..last as usize).unwrap_or_default();
    let requests: u64 = windows.iter().map(|window| window.offered).sum();
    let fit = NUMBERS.into_iter().find_map(|number| {
        let size = windows.len() / number;
        if size == 0 || requests / (number as u64) < REQUESTS {
            return None;
        }
        // What is left over is left out at the beginning, where a rest of the warm-up would be.
        let cut: Vec<Window> = windows[windows.len() - size * number..]
            .chunks(size)
            .map(together)
            .collect();
        is_fit(&cut).then_some(cut)
    });
    Some(fit.map_or(Batches::Unfit, Batches::Fit))
}

fn together(windows: &[Window]) -> Window {
    let mut sum = Window::default();
    windows.iter().for_each(|window| sum.add(window));
    sum
}

fn is_fit(batches: &[Window]) -> bool {
    let row = |of: fn(&Window) -> f64| -> Vec<f64> { batches.iter().map(of).collect() };
    let latencies = row(|batch| ratio(batch.latency as f64, batch.useful as f64));
    let errors = row(|batch| ratio(batch.failed as f64, batch.offered as f64));
    are_independent(&latencies) && are_independent(&errors)
}

/// Gives the whole run's latency and errors intervals from batches, where there are batches that are fit.
pub fn figures(build: &mut Builder, model: &Model) {
    let records = build.records;
    let Some(Batches::Fit(batches)) = batches(model, records) else {
        return;
    };
    let intervals = build.intervals;
    let pairs = |of: &dyn Fn(&Window) -> (f64, f64)| -> Vec<(f64, f64)> { batches.iter().map(of).collect() };
    let mut put = |path: &[&str], unit: Unit, bounds: Estimate| {
        let Some(figure) = build.figures.get(path) else { return };
        let (value, samples) = (figure.estimate.value, figure.samples.clone());
        // The value is of everything measured, the bounds of all but what did not fill a batch.
        let estimate = Estimate {
            value,
            low: bounds.low.map(|low| low.min(value)),
            high: bounds.high.map(|high| high.max(value)),
        };
        build.estimated(path, unit, samples, at_least_zero(estimate));
    };
    let latency = intervals.ratio(&pairs(&|batch| (batch.latency as f64 / 1e9, batch.useful as f64)));
    put(&["latency", "mean"], Unit::Seconds, latency);
    let mut all = Histogram::default();
    for cell in records.iter().flat_map(|record| &record.cells).flatten() {
        all.merge(&cell.latency);
    }
    let sample = Sample::new(&[&all]);
    for percent in percents(&model.percentiles) {
        let share = percent / 100.0;
        let Some(place) = all.place(share) else { continue };
        let below = |place: Place| pairs(&|batch| (below(batch, all.at(place)), batch.useful as f64));
        let bounds = intervals.of_shares(&sample, share, all.quantile(share), below, place);
        put(
            &["latency", &percentile_name(percent)],
            Unit::Seconds,
            seconds_of(bounds),
        );
    }
    let of_offered = |failed: &dyn Fn(&Window) -> f64| pairs(&|batch| (failed(batch), batch.offered as f64));
    let errors = intervals.share(&of_offered(&|batch| batch.failed as f64));
    put(&["errors", "rate"], Unit::Share, errors);
    for cause in Cause::ALL {
        let share = intervals.share(&of_offered(&|batch| f64::from(batch.by_cause[cause as usize])));
        put(&["errors", "rate_by_cause", cause.name()], Unit::Share, share);
    }
}

/// How many useful requests of a batch took less than so many nanoseconds, those of a coarse bucket spread evenly over it.
fn below(batch: &Window, nanos: f64) -> f64 {
    let bucket = coarse_bucket(nanos as u64);
    let whole: u64 = batch.latencies.iter().take(bucket).map(|&count| u64::from(count)).sum();
    let (low, high) = coarse_edges(bucket);
    let part = ((nanos - low) / (high - low)).clamp(0.0, 1.0);
    whole as f64 + part * f64::from(batch.latencies.get(bucket).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{figures, sample};
    use crate::{experiment, interval};

    fn run(seconds: u32, replications: u32) -> experiment::Outcome {
        let plan = sample::plan(&format!("duration = \"{seconds}s\"\nseed = 3"));
        let options = experiment::Options {
            replications: Some(replications),
            ..experiment::Options::default()
        };
        experiment::run(&plan, &options, &|_: f64| {}).unwrap()
    }

    // Lost if broken: one long run would say nothing of how sure it is, or be surer than as many short ones.
    #[test]
    fn a_long_run_is_about_as_sure_as_many_short_ones() {
        let (one, many) = (run(20_000, 1).summary.figures, run(2_000, 10).summary.figures);
        for path in [["latency", "mean"], ["latency", "p95"]] {
            let half = |figures: &highwater_models::record::figures::Figures| {
                figures.get(&path).unwrap().estimate.half_width().unwrap()
            };
            // Both are estimates of one width from 9 to 29 degrees of freedom: neither is off by more than half.
            let ratio = half(&one) / half(&many);
            assert!((0.4..2.5).contains(&ratio), "{path:?}: {ratio}");
        }
        let bare = one.get(&["throughput"]).unwrap().estimate;
        assert_eq!((bare.low, bare.high), (None, None));
    }

    // Lost if broken: a run with nothing in it, or one that grows, would get an interval.
    #[test]
    fn a_short_run_or_one_that_drifts_has_none() {
        assert_eq!(
            run(60, 1)
                .summary
                .figures
                .get(&["latency", "p95"])
                .unwrap()
                .estimate
                .low,
            None
        );
        let window = |number: u64| Window {
            offered: 1000,
            useful: 1000,
            latency: u128::from(number) * 1_000_000_000,
            ..Window::default()
        };
        let drifting: Vec<Window> = (1..=30).map(window).collect();
        assert!(!is_fit(&drifting));
        assert!(interval::batches::are_independent(&[1.0; 30]));
        let _ = figures(&sample::model(), &[]);
    }
}
