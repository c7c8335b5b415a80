//! A share of requests: the error rate, a cause's part of it, a cache's hits.
//!
//! Errors come in bursts, and a share of a thousandth is skewed: mean ± t · s is too low as a whole, reaches below zero,
//! and claims certainty when every replication happens to see the same. Here the requests count as the smaller number of
//! independent ones that would vary as much between replications (the *effective sample size*, number over *design
//! effect*), and the interval is Wilson's score interval of that many, with Student's critical value.
//! Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
//! E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of positive counts
//! estimated from survey data", Survey Methodology 24 (1998), for the effective size; N. Dean and M. Pagano, "Evaluating
//! confidence interval methods for binomial proportions in clustered surveys", Journal of Survey Statistics and
//! Methodology 3 (2015), who find Wilson's to hold its level from few clusters on.
//!
//! None among n requests of all replications together does not mean that there can be none: the upper bound is then 3 / n,
//! the rule of three (J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249,
//! 1983). It takes requests for independent. That errors come in bursts can make it too low, and nothing in a run without
//! errors tells by how much, so the result says so in words.

use highwater_models::record::figures::Estimate;

use super::ratio::Quotient;
use super::{Intervals, bare};

/// Events below which their differences between replications do not tell bursts from chance: they are taken to vary at
/// least as independent ones do, so that the interval is wide rather than narrow.
pub const FEW_EVENTS: f64 = 10.0;

/// What none among so many leaves possible, times their number.
pub(crate) const RULE_OF_THREE: f64 = 3.0;

impl Intervals {
    /// The events' share of all, a pair for each replication. Bounds are within 0 and 1. NaN of none at all; without bounds
    /// where fewer than two replications saw anything, unless no event happened or nothing else did.
    #[must_use]
    pub fn share(&self, pairs: &[(f64, f64)]) -> Estimate {
        self.share_of_effect(pairs, |effect| effect)
    }

    /// The same where something is known of how alike events are: `effect` makes the design effect to reckon with of the
    /// one that was seen, which is one where no event happened or nothing else did.
    pub(super) fn share_of_effect(&self, pairs: &[(f64, f64)], effect: impl Fn(f64) -> f64) -> Estimate {
        let quotient = Quotient::of(pairs);
        let (value, number) = (quotient.value, quotient.whole);
        if number == 0.0 {
            return bare(f64::NAN);
        }
        let seldom = (RULE_OF_THREE * effect(1.0) / number).min(1.0);
        let bounds = |low: f64, high: f64| Estimate {
            value,
            low: Some(low),
            high: Some(high),
        };
        if value == 0.0 {
            return bounds(0.0, seldom);
        }
        if value == 1.0 {
            return bounds(1.0 - seldom, 1.0);
        }
        if quotient.units < 2 {
            return bare(value);
        }
        let mut seen = quotient.design_effect();
        if value.min(1.0 - value) * number < FEW_EVENTS {
            seen = seen.max(1.0);
        }
        let critical = self.critical(quotient.units);
        let squared = critical * critical * effect(seen) / number;
        let middle = (value + squared / 2.0) / (1.0 + squared);
        let half = (squared * value * (1.0 - value) + squared * squared / 4.0).sqrt() / (1.0 + squared);
        bounds(
            (middle - half).clamp(0.0, value),
            (middle + half).clamp(value, value.max(1.0)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(pairs: &[(f64, f64)]) -> Estimate {
        Intervals::new(pairs.len()).share(pairs)
    }

    // Lost if broken: a run without a failure would claim to have proved that there are none.
    #[test]
    fn none_of_300_leaves_one_in_a_hundred_possible() {
        let found = share(&[(0.0, 100.0); 3]);
        assert_eq!((found.value, found.low, found.high), (0.0, Some(0.0), Some(0.01)));
        let found = share(&[(100.0, 100.0); 3]);
        assert_eq!((found.value, found.low, found.high), (1.0, Some(0.99), Some(1.0)));
    }

    // Lost if broken: more than all requests could fail, or fewer than none.
    #[test]
    fn bounds_stay_between_none_and_all() {
        for pairs in [
            [(80.0, 100.0), (100.0, 100.0)],
            [(0.0, 100.0), (20.0, 100.0)],
            [(1.0, 10_000.0), (0.0, 10_000.0)],
        ] {
            let found = share(&pairs);
            let (low, high) = (found.low.unwrap(), found.high.unwrap());
            assert!(
                0.0 < low && low < found.value && found.value < high && high < 1.0,
                "{found:?}"
            );
        }
    }

    // Lost if broken: the width is not Wilson's, or not of as many as vary alike.
    #[test]
    fn as_wide_as_wilsons_of_the_effective_number() {
        // 20 and 40 of 1000 each: variance 2 · (10² + 10²) / 2000² = 1e-4, as of 0.03 · 0.97 / 1e-4 = 291 independent ones.
        let found = share(&[(20.0, 1000.0), (40.0, 1000.0)]);
        let (t2, n) = (12.706_204_7f64.powi(2), 291.0);
        let middle = (0.03 + t2 / 2.0 / n) / (1.0 + t2 / n);
        assert!((f64::midpoint(found.low.unwrap(), found.high.unwrap()) - middle).abs() < 1e-8);
        let half = (t2 / n * 0.0291 + t2 * t2 / 4.0 / n / n).sqrt() / (1.0 + t2 / n);
        assert!((found.half_width().unwrap() - half).abs() < 1e-8);
    }

    // Lost if broken: one error in each of five replications would be known to the last digit.
    #[test]
    fn few_events_that_happen_to_be_as_many_everywhere_are_no_certainty() {
        let found = share(&[(1.0, 1000.0); 5]);
        assert!(found.high.unwrap() > 0.002, "{found:?}");
        assert_eq!(share(&[(100.0, 1000.0); 5]), Estimate::exact(0.1));
    }

    // Lost if broken: one replication would claim to know how far it is off.
    #[test]
    fn one_replication_has_no_interval() {
        assert_eq!(share(&[(1.0, 10.0)]), bare(0.1));
        assert!(share(&[(0.0, 0.0)]).value.is_nan());
    }
}
