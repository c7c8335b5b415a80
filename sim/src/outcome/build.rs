//! Puts one value per replication under a path, with its interval.
//!
//! Owns: the shapes that many figures share: counts, distributions, levels.
//! Never: which figures there are.

use highwater_models::record::figures::{Estimate, Figure, FigureKind, Figures, Path, Unit};
use highwater_models::record::histogram::Histogram;

use crate::interval::{Intervals, Sample};
use crate::measure::{Level, Record};

/// A key and how its value is read.
pub type Keyed<T, V> = (&'static str, fn(&T) -> V);

/// Keys from the outside in, and how their value is read.
pub type Pathed<'a, T, V> = (&'a [&'static str], fn(&T) -> V);

/// Collects figures.
#[derive(Debug)]
pub struct Builder<'a> {
    /// What has been collected.
    pub figures: Figures,
    /// The replications.
    pub records: &'a [Record],
    /// Critical values.
    pub intervals: &'a Intervals,
}

impl<'a> Builder<'a> {
    /// Without any figure.
    #[must_use]
    pub fn new(records: &'a [Record], intervals: &'a Intervals) -> Self {
        Self {
            figures: Figures::default(),
            records,
            intervals,
        }
    }

    /// A count of things, read from each record.
    pub fn count(&mut self, path: &[&str], of: impl Fn(&Record) -> f64) {
        let samples = self.records.iter().map(of).collect();
        self.insert(path, FigureKind::Count, Unit::Count, samples);
    }

    /// A count of things, with its values.
    pub fn counts(&mut self, path: &[&str], samples: Vec<f64>) {
        self.insert(path, FigureKind::Count, Unit::Count, samples);
    }

    /// An estimate, with its values.
    pub fn estimate(&mut self, path: &[&str], unit: Unit, samples: Vec<f64>) {
        self.insert(path, FigureKind::Estimate, unit, samples);
    }

    /// An estimate, read from each record.
    pub fn each(&mut self, path: &[&str], unit: Unit, of: impl Fn(&Record) -> f64) {
        let samples = self.records.iter().map(of).collect();
        self.estimate(path, unit, samples);
    }

    /// An amount that is now and then large, read from each record.
    pub fn amount(&mut self, path: &[&str], unit: Unit, of: impl Fn(&Record) -> f64) {
        let samples: Vec<f64> = self.records.iter().map(of).collect();
        let estimate = at_least_zero(self.intervals.amount(&samples));
        self.estimated(path, unit, samples, estimate);
    }

    /// An estimate whose interval is worked out in another way.
    pub fn estimated(&mut self, path: &[&str], unit: Unit, samples: Vec<f64>, estimate: Estimate) {
        let figure = Figure {
            kind: FigureKind::Estimate,
            unit,
            estimate,
            samples,
        };
        self.figures.insert(Path::new(path), figure);
    }

    /// A quotient of sums, of these parts and wholes.
    pub fn ratio(&mut self, path: &[&str], unit: Unit, pairs: &[(f64, f64)]) {
        let mut estimate = at_least_zero(self.intervals.ratio(pairs));
        if unit == Unit::Share {
            estimate = at_most_one(estimate);
        }
        self.estimated(path, unit, quotients(pairs), estimate);
    }

    /// A share, of these events among all.
    pub fn share(&mut self, path: &[&str], pairs: &[(f64, f64)]) {
        let estimate = self.intervals.share(pairs);
        self.estimated(path, Unit::Share, quotients(pairs), estimate);
    }

    fn insert(&mut self, path: &[&str], kind: FigureKind, unit: Unit, mut samples: Vec<f64>) {
        // The same keys come on other days: how many were seen does not grow with the days.
        if kind == FigureKind::Count && self.intervals.times != 1.0 && path.last() != Some(&"keys") {
            samples.iter_mut().for_each(|sample| *sample *= self.intervals.times);
        }
        let mut estimate = at_least_zero(self.intervals.estimate(&samples));
        if unit == Unit::Share {
            estimate = at_most_one(estimate);
        }
        let figure = Figure {
            kind,
            unit,
            estimate,
            samples,
        };
        self.figures.insert(Path::new(path), figure);
    }
}

/// The interval without the part below zero: nothing that is measured here can be negative.
#[must_use]
pub fn at_least_zero(estimate: Estimate) -> Estimate {
    Estimate {
        low: estimate.low.map(|low| low.max(0.0)),
        ..estimate
    }
}

/// The interval of a share without the part above one.
#[must_use]
pub fn at_most_one(estimate: Estimate) -> Estimate {
    // A value above one would be an error of ours, to be seen rather than hidden.
    let most = estimate.value.max(1.0);
    Estimate {
        high: estimate.high.map(|high| high.min(most)),
        ..estimate
    }
}

/// A quotient; NaN where there is nothing to divide by.
#[must_use]
pub fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { f64::NAN }
}

/// The quotient of each pair.
fn quotients(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs.iter().map(|&(part, whole)| ratio(part, whole)).collect()
}

/// The measured span of a replication, in seconds.
#[must_use]
pub fn seconds(record: &Record) -> f64 {
    record.to.since(record.from).seconds()
}

/// A path and more names below it.
#[must_use]
pub fn under<'a>(path: &[&'a str], names: &[&'a str]) -> Vec<&'a str> {
    path.iter().chain(names).copied().collect()
}

/// A percentile's name: `p95`, `p99.9`.
#[must_use]
pub fn percentile_name(percent: f64) -> String {
    format!("p{percent}")
}

/// `count, mean, sd, min, p50, p90, p95, p99, max` and the percentiles asked for beside those, in seconds. Without a
/// single sample in any replication only the count stands there.
pub fn dist(build: &mut Builder, path: &[&str], histograms: &[&Histogram], percentiles: &[f64]) {
    let counts: Vec<f64> = histograms.iter().map(|histogram| histogram.count() as f64).collect();
    let none = counts.iter().all(|&count| count == 0.0);
    build.counts(&under(path, &["count"]), counts);
    if none {
        return;
    }
    let sample = Sample::new(histograms);
    let sums: Vec<(f64, f64)> = histograms
        .iter()
        .map(|histogram| (histogram.sum() as f64 / 1e9, histogram.count() as f64))
        .collect();
    build.ratio(&under(path, &["mean"]), Unit::Seconds, &sums);
    let each = |of: &dyn Fn(&Histogram) -> f64| -> Vec<f64> {
        let samples = histograms.iter().map(|histogram| match histogram.count() {
            0 => f64::NAN,
            _ => of(histogram) / 1e9,
        });
        samples.collect()
    };
    build.estimate(
        &under(path, &["sd"]),
        Unit::Seconds,
        each(&Histogram::standard_deviation),
    );
    build.estimate(
        &under(path, &["min"]),
        Unit::Seconds,
        each(&|histogram| histogram.min() as f64),
    );
    for percent in percents(percentiles) {
        let share = percent / 100.0;
        let nanos = build.intervals.percentile(&sample, share);
        build.estimated(
            &under(path, &[&percentile_name(percent)]),
            Unit::Seconds,
            each(&|histogram| histogram.quantile(share)),
            seconds_of(nanos),
        );
    }
    build.estimate(
        &under(path, &["max"]),
        Unit::Seconds,
        each(&|histogram| histogram.max() as f64),
    );
}

/// The percentiles that a distribution has: those of every one, and those asked for.
#[must_use]
pub fn percents(asked: &[f64]) -> Vec<f64> {
    let mut percents = vec![50.0, 90.0, 95.0, 99.0];
    percents.extend(asked);
    percents.sort_by(f64::total_cmp);
    percents.dedup();
    percents
}

/// An estimate in nanoseconds as one in seconds.
#[must_use]
pub fn seconds_of(nanos: Estimate) -> Estimate {
    Estimate {
        value: nanos.value / 1e9,
        low: nanos.low.map(|low| low / 1e9),
        high: nanos.high.map(|high| high / 1e9),
    }
}

/// `mean, sd, max, at_end` of a level over the measured span.
pub fn level(build: &mut Builder, path: &[&str], of: impl Fn(&Record) -> &Level) {
    build.amount(&under(path, &["mean"]), Unit::Count, |record| {
        over(record, |span| of(record).mean(span))
    });
    build.each(&under(path, &["sd"]), Unit::Count, |record| {
        over(record, |span| of(record).standard_deviation(span))
    });
    build.each(&under(path, &["max"]), Unit::Count, |record| of(record).most() as f64);
    build.each(&under(path, &["at_end"]), Unit::Count, |record| of(record).value as f64);
}

/// A mean over the measured span; NaN where that is empty.
pub fn over(record: &Record, of: impl Fn(highwater_models::SimSpan) -> f64) -> f64 {
    let span = record.to.since(record.from);
    if span.nanos() == 0 { f64::NAN } else { of(span) }
}
