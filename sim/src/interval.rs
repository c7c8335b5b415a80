//! The 95 % interval of each kind of figure, from independent replications.
//!
//! Owns: how an interval is made, one file for each kind: means here, `ratio`, `share`, `count`, `percentile`; and how
//! independent parts are cut out of a single long run, `batches`. Never: which figure is of which kind.
//!
//! What they have in common: the replication is the unit that is independent of the others, never the request, for
//! requests of one run meet the same rushes. All that a figure's uncertainty is taken from is how replications differ,
//! and every critical value is Student's with one degree of freedom less than there are replications.
//!
//! Source of the mean's: A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 9.4.1, the fixed-sample-size
//! procedure: mean ± t(n − 1, 0.975) · s / √n covers the expectation in 95 % of experiments when the replications' values
//! are near normal. What all of them are worth is measured by `cargo xtask coverage` (`docs/coverage.md`).

pub use highwater_models::record::batches;
mod count;
mod percentile;
mod ratio;
mod share;

pub use percentile::{FEW, Sample};
pub use share::FEW_EVENTS;
pub(crate) use share::RULE_OF_THREE;

use highwater_models::record::figures::Estimate;
use highwater_workload::math::exp;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Two-sided confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;

/// Critical values by number of observations, worked out once for a result's thousands of figures.
#[derive(Clone, Debug)]
pub struct Intervals {
    /// At `n - 2`: the critical value for `n` observations.
    critical: Vec<f64>,
    /// What counts are multiplied by, where a part of a run stands for the whole.
    pub times: f64,
}

impl Intervals {
    /// For up to so many observations a figure.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            critical: (2..=most).map(|count| critical(count - 1)).collect(),
            times: 1.0,
        }
    }

    /// Mean and interval of the samples that are numbers; NaN without any, without bounds for fewer than two.
    #[must_use]
    pub fn estimate(&self, samples: &[f64]) -> Estimate {
        let seen: Vec<f64> = samples.iter().copied().filter(|sample| !sample.is_nan()).collect();
        let count = seen.len();
        let value = mean(&seen);
        let half = (count >= 2).then(|| {
            let squares: f64 = seen.iter().map(|sample| (sample - value) * (sample - value)).sum();
            let deviation = (squares / (count - 1) as f64).sqrt();
            self.critical(count) * deviation / (count as f64).sqrt()
        });
        Estimate {
            value,
            low: half.map(|half| value - half),
            high: half.map(|half| value + half),
        }
    }
}

impl Intervals {
    /// Mean and interval of amounts that are never negative and now and then large: how many wait. As [`Self::estimate`]
    /// but for the scale.
    #[must_use]
    pub fn amount(&self, samples: &[f64]) -> Estimate {
        let found = self.estimate(samples);
        found.half_width().map_or(found, |half| on_log_scale(found.value, half))
    }

    /// The critical value for so many independent observations, at least two.
    pub(crate) fn critical(&self, count: usize) -> f64 {
        let known = self.critical.get(count - 2).copied();
        known.unwrap_or_else(|| critical(count - 1))
    }
}

/// The interval of this half width, made on a logarithmic scale where it is narrower than its value: that shifts it up by
/// a little, for the mean of amounts that are now and then large is mostly underrated by those replications that also differ
/// little.
/// Source: K. M. Wolter, *Introduction to Variance Estimation*, 2nd edition (2007), chapter 12, transformations.
pub(crate) fn on_log_scale(value: f64, half: f64) -> Estimate {
    let (low, high) = if half < value && half > 0.0 {
        let factor = exp(half / value);
        (value / factor, value * factor)
    } else {
        (value - half, value + half)
    };
    Estimate {
        value,
        low: Some(low),
        high: Some(high),
    }
}

/// An estimate without an interval.
pub(crate) const fn bare(value: f64) -> Estimate {
    Estimate {
        value,
        low: None,
        high: None,
    }
}

/// The mean of samples none of which is NaN; NaN without any. Equal samples give exactly their value.
pub(crate) fn mean(samples: &[f64]) -> f64 {
    let Some(&first) = samples.first() else { return f64::NAN };
    if samples.iter().all(|&sample| sample == first) {
        return first;
    }
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// The t value that leaves half of what the interval may miss on either side.
pub(crate) fn critical(freedom: usize) -> f64 {
    quantile(freedom as f64, (1.0 - CONFIDENCE) / 2.0)
}

/// The t value that chance exceeds this seldom.
pub(crate) fn one_sided(freedom: usize, doubt: f64) -> f64 {
    quantile(freedom as f64, doubt)
}

/// Student's t that is exceeded with probability `above`; NaN without degrees of freedom.
pub(crate) fn quantile(freedom: f64, above: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::NAN, |law| {
        // The library's logarithms may differ in their last bits between machines; results may not.
        (law.inverse_cdf(1.0 - above) * 1e9).round() / 1e9
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(samples: &[f64]) -> Estimate {
        Intervals::new(samples.len()).estimate(samples)
    }

    // Lost if broken: every interval of every result.
    #[test]
    fn the_interval_is_the_printed_tables() {
        // t(0.975) of any statistics book's table, by degrees of freedom.
        for (freedom, printed) in [
            (1, 12.706),
            (2, 4.303),
            (4, 2.776),
            (9, 2.262),
            (29, 2.045),
            (120, 1.980),
        ] {
            assert!(
                (critical(freedom) - printed).abs() < 6e-4,
                "{freedom}: {}",
                critical(freedom)
            );
        }
        // 1 to 5: mean 3, s² = 2.5, half width 2.776 · √(2.5 / 5) = 1.963.
        let found = estimate(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(found.value, 3.0);
        assert!((found.half_width().unwrap() - 1.963).abs() < 1e-3);
    }

    // Lost if broken: a replication in which nothing happened would turn a figure into nothing, or count as zero.
    #[test]
    fn replications_that_observed_nothing_are_left_out() {
        let (with, without) = (estimate(&[1.0, f64::NAN, 2.0]), estimate(&[1.0, 2.0]));
        assert_eq!(with, without);
        assert!(estimate(&[f64::NAN]).value.is_nan());
        assert!(estimate(&[]).value.is_nan());
    }

    // Lost if broken: one replication would claim to know how far it is off.
    #[test]
    fn one_observation_has_no_interval() {
        let found = estimate(&[7.0, f64::NAN]);
        assert_eq!((found.value, found.low, found.high), (7.0, None, None));
    }

    // Lost if broken: three replications of 0.1 would be reported as 0.10000000000000002 give or take 1e-17.
    #[test]
    fn equal_samples_are_known_exactly() {
        assert_eq!(estimate(&[0.1; 3]), Estimate::exact(0.1));
    }
}
