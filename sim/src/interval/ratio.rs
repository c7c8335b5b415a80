//! A quotient of two sums: the mean latency, tries for each request.
//!
//! Replications have different numbers of requests. The mean of their quotients weighs a request of a quiet replication
//! more than one of a busy one and is biased by it; the quotient of the sums is not (to the order of 1 / n).
//! Sources: W. G. Cochran, *Sampling Techniques*, 3rd edition (1977), sections 2.11 and 6.3, the ratio estimator and its
//! variance from residuals; D. L. Iglehart, "Simulating stable stochastic systems, V: comparison of ratio estimators",
//! Naval Research Logistics Quarterly 22 (1975), for simulations.

use highwater_models::record::figures::Estimate;

use super::{Intervals, bare, on_log_scale};

/// The sum of what there was, of how many, and how the quotient varies.
#[derive(Copy, Clone, Debug)]
pub(super) struct Quotient {
    /// Sum of the parts over sum of the wholes.
    pub value: f64,
    /// Replications in which there was anything to divide by.
    pub units: usize,
    /// Sum of the wholes.
    pub whole: f64,
    /// Variance of the value; NaN with fewer than two units.
    pub variance: f64,
}

impl Quotient {
    /// Of the parts and wholes of each replication.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let seen = || pairs.iter().filter(|(_, whole)| *whole > 0.0);
        let units = seen().count();
        let (part, whole) = seen().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
        let each = |&(part, whole): &(f64, f64)| part / whole;
        // What is the same in every replication is known exactly, whatever the sums' last bits say.
        let first = seen().next().map_or(f64::NAN, each);
        if seen().all(|pair| (each(pair) - first).abs() <= 1e-12 * first.abs()) {
            let variance = if units < 2 { f64::NAN } else { 0.0 };
            return Self {
                value: first,
                units,
                whole,
                variance,
            };
        }
        let value = part / whole;
        let squares: f64 = seen().map(|(part, whole)| (part - value * whole).powi(2)).sum();
        let count = units as f64;
        Self {
            value,
            units,
            whole,
            variance: count / (count - 1.0) * squares / (whole * whole),
        }
    }

    /// How many times as much a share varies as one of so many independent events would.
    pub fn design_effect(&self) -> f64 {
        self.variance / (self.value * (1.0 - self.value) / self.whole)
    }
}

impl Intervals {
    /// The sum of the parts over the sum of the wholes, a pair for each replication; NaN without any whole, without
    /// bounds where fewer than two replications have one.
    #[must_use]
    pub fn ratio(&self, pairs: &[(f64, f64)]) -> Estimate {
        let quotient = Quotient::of(pairs);
        if quotient.units < 2 {
            return bare(quotient.value);
        }
        let half = self.critical(quotient.units) * quotient.variance.sqrt();
        on_log_scale(quotient.value, half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_workload::math::exp;

    // Lost if broken: a quiet replication's requests would count for more than a busy one's.
    #[test]
    fn every_request_counts_the_same() {
        let pairs = [(10.0, 10.0), (300.0, 100.0)];
        let found = Intervals::new(2).ratio(&pairs);
        assert_eq!(found.value, 310.0 / 110.0);
        // Residuals ±(10 − 10 · 2.818) = ∓18.18: variance 2 · 2 · 18.18² / 110², t(0.975, 1) = 12.706.
        let half = 12.706_204_7 * (4.0f64 * (200.0f64 / 11.0).powi(2)).sqrt() / 110.0;
        // Wider than the value, so on the plain scale.
        assert!((found.half_width().unwrap() - half).abs() < 1e-6, "{found:?}");
        let found = Intervals::new(2).ratio(&[(100.0, 100.0), (101.0, 100.0)]);
        let half = 12.706_204_7_f64 * 0.005;
        assert!(
            (found.high.unwrap() - 1.005 * exp(half / 1.005)).abs() < 1e-6,
            "{found:?}"
        );
        assert!(
            (found.low.unwrap() - 1.005 * exp(-half / 1.005)).abs() < 1e-6,
            "{found:?}"
        );
    }

    // Lost if broken: with equal numbers of requests the figure would no longer be the mean of the replications.
    #[test]
    fn equal_wholes_give_the_means_interval() {
        let intervals = Intervals::new(4);
        let parts = [1.0, 4.0, 2.5, 3.0];
        let pairs: Vec<(f64, f64)> = parts.iter().map(|&part| (part * 50.0, 50.0)).collect();
        let (ratio, mean) = (intervals.ratio(&pairs), intervals.amount(&parts));
        assert!((ratio.value - mean.value).abs() < 1e-12);
        assert!((ratio.low.unwrap() - mean.low.unwrap()).abs() < 1e-12);
    }

    // Lost if broken: a replication without requests would be taken for one that says something.
    #[test]
    fn a_replication_with_nothing_to_divide_by_says_nothing() {
        let intervals = Intervals::new(3);
        let (with, without) = ([(1.0, 2.0), (0.0, 0.0), (3.0, 2.0)], [(1.0, 2.0), (3.0, 2.0)]);
        assert_eq!(intervals.ratio(&with), intervals.ratio(&without));
        assert_eq!(intervals.ratio(&[(1.0, 2.0), (0.0, 0.0)]), bare(0.5));
        assert!(intervals.ratio(&[]).value.is_nan());
        assert_eq!(intervals.ratio(&[(0.1, 1.0), (0.3, 3.0)]), Estimate::exact(0.1));
    }
}
