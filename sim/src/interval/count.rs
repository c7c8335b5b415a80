//! How often something happens in a replication: errors of a cause.
//!
//! Counts are skewed where they are small, and seldom independent. The interval is the score interval of a Poisson mean
//! whose variance is as many times the mean as the replications' is, with Student's critical value: what `share` does,
//! without a whole.
//! Sources: P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd edition (1989), section 6.2, for the dispersion;
//! Wilson as in `share`; the rule of three for none at all.

use highwater_models::record::figures::Estimate;

use super::share::{FEW_EVENTS, RULE_OF_THREE};
use super::{Intervals, bare, mean};

impl Intervals {
    /// The mean count of a replication. Without bounds for fewer than two replications.
    #[must_use]
    pub fn count(&self, samples: &[f64]) -> Estimate {
        let value = mean(samples);
        let units = samples.len();
        if units < 2 {
            return bare(value);
        }
        let count = units as f64;
        // Counts that stand for several days each are that many times as coarse.
        let unit = self.times;
        if value == 0.0 {
            return Estimate {
                value,
                low: Some(0.0),
                high: Some(RULE_OF_THREE * unit / count),
            };
        }
        let squares: f64 = samples.iter().map(|sample| (sample - value) * (sample - value)).sum();
        let mut dispersion = squares / (count - 1.0) / value;
        if value / unit * count < FEW_EVENTS {
            dispersion = dispersion.max(unit);
        }
        let critical = self.critical(units);
        let shift = critical * critical * dispersion / (2.0 * count);
        let half = (2.0 * shift * value + shift * shift).sqrt();
        Estimate {
            value,
            low: Some((value + shift - half).clamp(0.0, value)),
            high: Some(value + shift + half),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: an objective on a handful of errors would be decided by an interval that reaches below none.
    #[test]
    fn small_counts_have_an_interval_of_their_own_shape() {
        let intervals = Intervals::new(5);
        let found = intervals.count(&[1.0, 0.0, 2.0, 0.0, 1.0]);
        assert_eq!(found.value, 0.8);
        let (low, high) = (found.low.unwrap(), found.high.unwrap());
        assert!(0.0 < low && high - 0.8 > 2.0 * (0.8 - low), "{found:?}");
        assert_eq!(intervals.count(&[0.0; 5]).high, Some(0.6));
        assert_eq!(intervals.count(&[4.0]), bare(4.0));
        assert_eq!(intervals.count(&[400.0; 5]), Estimate::exact(400.0));
    }

    // Lost if broken: large counts would differ from Student's interval of a mean.
    #[test]
    fn large_counts_have_nearly_students_interval() {
        let intervals = Intervals::new(5);
        let samples = [10_000.0, 10_100.0, 9_900.0, 10_050.0, 9_950.0];
        let (count, mean) = (intervals.count(&samples), intervals.estimate(&samples));
        assert!((count.low.unwrap() / mean.low.unwrap() - 1.0).abs() < 1e-3);
        assert!((count.high.unwrap() / mean.high.unwrap() - 1.0).abs() < 1e-3);
    }
}
