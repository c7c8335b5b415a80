//! A percentile of all requests of all replications together.
//!
//! The mean over replications of each one's percentile is biased wherever a replication has few requests beyond it; the
//! percentile of them all is not. Requests within a replication are alike, so the binomial interval of their ranks is far
//! too narrow. What is independent is the number of requests that a replication has below the percentile: a share, whose
//! variance is a ratio estimator's. Its interval, in shares, is read off the values of all requests together.
//! Source: R. S. Woodruff, "Confidence intervals for medians and other position measures", JASA 47 (1952), for samples that
//! come in clusters; R. R. Sitter and C. Wu, "A note on Woodruff confidence intervals for quantiles", Statistics &
//! Probability Letters 52 (2001), for how well it holds. It is not symmetric, as percentiles are not.
//!
//! **Too few for that percentile.** With fewer than [`FEW`] requests beyond it, all replications together, there is no
//! interval. Where the upper end of the interval in shares reaches all requests, there is no upper bound: nobody was slow
//! enough to show where it lies. Few replications can underrate how much they differ, above all far out, where a whole
//! replication may have nobody. So the share is also taken to vary as it does at the 90th percentile before it is decided
//! whether there is a bound.
//!
//! **Against a bound that somebody gives.** Where the percentile has no bound of its own, it may still be known on which side of
//! a given one it lies: hardly anybody takes longer than that, however slow the slowest are. The share of requests that do
//! has the interval of every share (`share`), its design effect at least that of the body of all requests.

use highwater_models::record::figures::Estimate;
use highwater_models::record::histogram::{Histogram, Place};

use super::ratio::Quotient;
use super::{Intervals, bare};

/// Requests on either side of a percentile below which nothing is said about how far it may be off.
pub const FEW: f64 = 10.0;

/// How many times as much a share is taken to vary before it is decided whether there is a bound: those sets of replications
/// that differ little by luck would be the first to have one.
const CAREFUL: f64 = 1.2;

/// Where it is looked how much shares of requests vary, for percentiles beyond it.
const BODY: f64 = 0.9;

/// Replications that are told apart by how long their requests took.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    each: Vec<&'a Histogram>,
    all: Histogram,
}

impl<'a> Sample<'a> {
    /// Of one histogram for each replication.
    #[must_use]
    pub fn new(each: &[&'a Histogram]) -> Self {
        let mut all = Histogram::default();
        for one in each {
            all.merge(one);
        }
        Self {
            each: each.to_vec(),
            all,
        }
    }

    /// Everything together.
    #[must_use]
    pub const fn all(&self) -> &Histogram {
        &self.all
    }

    /// Whether there are too few requests for this share, 0 to 1, to say anything of how far it may be off.
    #[must_use]
    pub fn is_too_few(&self, share: f64) -> bool {
        self.all.count() as f64 * share.min(1.0 - share) < FEW
    }

    /// What replications have below a place, and of how many.
    fn below(&self, place: Place) -> Vec<(f64, f64)> {
        let pair = |one: &&Histogram| (one.below(place), one.count() as f64);
        self.each.iter().map(pair).collect()
    }
}

impl Intervals {
    /// The value, in nanoseconds, below which this share of all requests lies. NaN without any; without bounds for fewer
    /// than two replications or too few requests; without an upper bound where that lies beyond the slowest.
    #[must_use]
    pub fn percentile(&self, sample: &Sample<'_>, share: f64) -> Estimate {
        let value = sample.all.quantile(share);
        let Some(place) = sample.all.place(share) else {
            return bare(f64::NAN);
        };
        self.of_shares(sample, share, value, |place| sample.below(place), place)
    }

    /// Whether this share of all requests lies at or below so many nanoseconds, by how many are above; `None` where that may
    /// be chance, or a matter of the bucket.
    #[must_use]
    pub fn is_at_most(&self, sample: &Sample<'_>, share: f64, nanos: u64) -> Option<bool> {
        let body = sample.all.place(share.min(BODY))?;
        let body = Quotient::of(&sample.below(body));
        if body.units < 2 {
            return None;
        }
        // That of a body which is the same in every replication is not a number, and gives way.
        let effect = |seen: f64| seen.max(body.design_effect()) * CAREFUL * CAREFUL;
        let above = |of: fn((f64, f64)) -> f64| -> Estimate {
            let pair = |one: &&Histogram| (of(one.above(nanos)), one.count() as f64);
            let pairs: Vec<(f64, f64)> = sample.each.iter().map(pair).collect();
            self.share_of_effect(&pairs, effect)
        };
        let rest = 1.0 - share;
        if above(|(_, perhaps)| perhaps).high? <= rest {
            return Some(true);
        }
        (above(|(surely, _)| surely).low? > rest).then_some(false)
    }

    /// The same where the parts that vary on their own are not the replications: `below` says of each how many it has below
    /// a place, and of how many.
    pub(crate) fn of_shares(
        &self,
        sample: &Sample<'_>,
        share: f64,
        value: f64,
        below: impl Fn(Place) -> Vec<(f64, f64)>,
        place: Place,
    ) -> Estimate {
        let at = Quotient::of(&below(place));
        if at.units < 2 {
            return bare(value);
        }
        let all = &sample.all;
        if all.min() == all.max() {
            return Estimate::exact(value);
        }
        if sample.is_too_few(share) {
            return bare(value);
        }
        let critical = self.critical(at.units);
        let half = critical * at.variance.sqrt();
        let careful = if share > BODY {
            let body = all
                .place(BODY)
                .map_or(f64::NAN, |place| Quotient::of(&below(place)).variance);
            let same_effect = body / (BODY * (1.0 - BODY)) * share * (1.0 - share);
            CAREFUL * critical * at.variance.max(same_effect).sqrt()
        } else {
            CAREFUL * half
        };
        let low = (share - careful > 0.0).then(|| all.place(share - half)).flatten();
        let high = (share + careful < 1.0).then(|| all.place(share + half)).flatten();
        let is_one_bucket = matches!((low, high), (Some(low), Some(high)) if low.is_beside(&high));
        let end = |place: Place, pick: fn((f64, f64)) -> f64| {
            if is_one_bucket {
                pick(all.edges(place))
            } else {
                all.at(place)
            }
        };
        Estimate {
            value,
            low: low.map(|place| end(place, |(low, _)| low).min(value)),
            high: high.map(|place| end(place, |(_, high)| high).max(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of so many milliseconds, one for each number of the range.
    fn histogram(values: impl Iterator<Item = u64>) -> Histogram {
        let mut found = Histogram::default();
        values.for_each(|value| found.record(value * 1_000_000));
        found
    }

    fn percentile(histograms: &[Histogram], share: f64) -> Estimate {
        let each: Vec<&Histogram> = histograms.iter().collect();
        Intervals::new(each.len()).percentile(&Sample::new(&each), share)
    }

    // Lost if broken: the interval is not the one of the shares below, read off all requests.
    #[test]
    fn the_interval_is_woodruffs() {
        // 1 to 1000 ms, and the same 40 ms later: 480 and 520 of 1000 below the median at 520.
        let found = percentile(&[histogram(1..=1000), histogram(41..=1040)], 0.5);
        assert!((found.value / 520e6 - 1.0).abs() < 0.01, "{found:?}");
        // Variance of the share: 2 · 2 · 20² / 2000² = 0.0004, t(0.975, 1) · 0.02 = 0.254: shares 0.246 and 0.754.
        assert!((found.low.unwrap() / 266e6 - 1.0).abs() < 0.01, "{found:?}");
        assert!((found.high.unwrap() / 774e6 - 1.0).abs() < 0.01, "{found:?}");
    }

    // Lost if broken: a percentile is given an upper bound that nobody was slow enough to show.
    #[test]
    fn nothing_is_said_of_what_too_few_have_seen() {
        // 9 beyond the 99th percentile, all told.
        let few = [histogram(1..=300), histogram(1..=300), histogram(1..=299)];
        assert_eq!(percentile(&few, 0.99).high, None);
        assert_eq!(percentile(&few, 0.99).low, None);
        assert!(percentile(&few, 0.95).high.is_some());
        // Enough of them, but all in one of the replications: how many there are is not known, that there are some is.
        let one_sided = [histogram(1..=1000), histogram(1001..=2000), histogram(1..=1000)];
        let found = percentile(&one_sided, 0.9);
        assert_eq!(found.high, None);
        assert!(percentile(&[histogram(1..=9000)], 0.9).low.is_none());
        assert!(percentile(&[Histogram::default()], 0.9).value.is_nan());
    }

    // Lost if broken: answers that all take the same time would seem uncertain, or an interval would leave its value out.
    #[test]
    fn a_constant_is_known_and_a_bucket_is_not_split() {
        let constant = || histogram(std::iter::repeat_n(100, 50));
        assert_eq!(percentile(&[constant(), constant()], 0.95), Estimate::exact(100e6));
        // Half take 100 ms and half 200 ms, as many in each replication: the 95th percentile is 200 ms, to the bucket.
        let two = || histogram((0..100).map(|number| 100 + number % 2 * 100));
        let many: Vec<Histogram> = (0..3).map(|_| two()).collect();
        let found = percentile(&many, 0.95);
        assert!(found.low.unwrap() <= 200e6 && found.high.unwrap() >= 200e6, "{found:?}");
        assert!(found.half_width().unwrap() <= Histogram::RELATIVE_ERROR * 200e6);
    }

    fn is_at_most(histograms: &[Histogram], share: f64, millis: u64) -> Option<bool> {
        let each: Vec<&Histogram> = histograms.iter().collect();
        Intervals::new(each.len()).is_at_most(&Sample::new(&each), share, millis * 1_000_000)
    }

    // Lost if broken: that nobody was too slow in a few short runs would be proof, however much they come in rushes.
    #[test]
    fn none_beyond_a_bound_is_as_much_as_the_body_is_independent() {
        let alike = |count: usize| -> Vec<Histogram> { (0..count).map(|_| histogram(1..=100)).collect() };
        // 3 · 1.2² / n: 0.0086 of 500 and 0.0108 of 400.
        assert_eq!(is_at_most(&alike(5), 0.99, 200), Some(true));
        assert_eq!(is_at_most(&alike(4), 0.99, 200), None);
        assert_eq!(is_at_most(&alike(1), 0.5, 200), None);
        // 100 and 80 of 100 below the 90th percentile, five times each: they vary 12.3 times as much as independent ones,
        // and 3 · 12.3 · 1.2² / 1000 is 0.053.
        let rushes: Vec<Histogram> = (0..10)
            .map(|number| {
                if number % 2 == 0 {
                    histogram(1..=100)
                } else {
                    histogram(51..=150)
                }
            })
            .collect();
        assert_eq!(is_at_most(&rushes, 0.95, 200), None);
        assert_eq!(is_at_most(&rushes, 0.9, 200), Some(true));
    }

    // Lost if broken: a side would be chosen within the width of a bucket, or nobody could meet a bound exactly.
    #[test]
    fn a_bound_in_a_bucket_is_on_neither_side_of_what_is_there() {
        let atoms = || histogram((0..1000).map(|number| if number % 10 == 0 { 200 } else { 100 }));
        let many = [atoms(), atoms(), atoms()];
        assert_eq!(is_at_most(&many, 0.5, 100), None);
        assert_eq!(is_at_most(&many, 0.5, 110), Some(true));
        assert_eq!(is_at_most(&many, 0.5, 90), Some(false));
        assert_eq!(is_at_most(&many, 0.95, 150), Some(false));
        assert_eq!(
            is_at_most(&many, 0.95, 200),
            Some(true),
            "nobody takes longer than the slowest"
        );
    }
}
