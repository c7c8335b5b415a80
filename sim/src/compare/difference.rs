//! The difference of one figure between two results, with its 95 % interval.
//!
//! Owns: which interval applies. Never: which figures are compared, or what a difference means.
//! Sources: A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 10.2: the paired-t interval for two
//! systems that were run with common random numbers (10.2.1), and Welch's for two that were not (10.2.2); section 11.2
//! for what common random numbers gain.
//!
//! Replication i of two runs under one root seed draws from the same streams, so its two values are dependent and their
//! difference is one observation; differences of different replications are independent. The paired interval needs no
//! more than that: it covers whether the pairing helped or not.

use highwater_models::record::figures::Estimate;
use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::interval::{CONFIDENCE, mean, quantile};

/// Degrees of freedom from which on Student's t is the normal distribution, for what was not observed by replication.
const MANY: f64 = 1e6;

/// Shares of a value below which two sums of the same things differ by rounding alone.
const ROUNDING: f64 = 1e-12;

/// A difference, B less A.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Difference {
    /// The mean difference and its interval; bounds are `None` where nothing says how sure it is.
    pub estimate: Estimate,
    /// How likely a difference at least as large is by chance alone where there is none; `None` as the bounds.
    pub p: Option<f64>,
    /// How many times as many replications an unpaired comparison would have needed for an interval as narrow: the
    /// variance without pairing over the variance with it. `None` where it was not paired or has no variance.
    pub gain: Option<f64>,
}

impl Difference {
    /// A difference of which it is not known how sure it is.
    const fn bare(value: f64) -> Self {
        Self {
            estimate: Estimate {
                value,
                low: None,
                high: None,
            },
            p: None,
            gain: None,
        }
    }

    /// From a mean difference, its standard error and the degrees of freedom of that.
    fn of(value: f64, error: f64, freedom: f64) -> Self {
        let Ok(law) = StudentsT::new(0.0, 1.0, freedom) else {
            return Self::bare(value);
        };
        let half = quantile(freedom, (1.0 - CONFIDENCE) / 2.0) * error;
        Self {
            estimate: Estimate {
                value,
                low: Some(value - half),
                high: Some(value + half),
            },
            p: Some(round(2.0 * law.cdf(-(value / error).abs()))),
            gain: None,
        }
    }

    /// A difference without any variance: `by_chance` is how likely that is where equal values come by chance.
    fn constant(value: f64, by_chance: f64) -> Self {
        Self {
            estimate: Estimate::exact(value),
            p: Some(if value == 0.0 { 1.0 } else { by_chance }),
            gain: None,
        }
    }
}

/// The last bits of the library's functions may differ between machines; results may not.
fn round(value: f64) -> f64 {
    (value * 1e12).round() / 1e12
}

/// The difference of values that belong together by their place: a replication in which either side observed nothing is
/// left out. `discrete` says that values are whole numbers, which agree by chance where others do not.
#[must_use]
pub fn paired(a: &[f64], b: &[f64], discrete: bool) -> Difference {
    let pairs: Vec<(f64, f64)> = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| (a, b))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    let differences: Vec<f64> = pairs.iter().map(|&(a, b)| less(b, a)).collect();
    let count = differences.len();
    let (value, variance) = moments(&differences);
    if count < 2 {
        return Difference::bare(value);
    }
    if variance == 0.0 {
        // As many equal signs in a row: the sign test's.
        let by_chance = if discrete { 0.5f64.powi(count as i32 - 1) } else { 0.0 };
        return Difference::constant(value, by_chance);
    }
    let apart = |pick: fn(&(f64, f64)) -> f64| moments(&pairs.iter().map(pick).collect::<Vec<_>>()).1;
    let unpaired = apart(|pair| pair.0) + apart(|pair| pair.1);
    Difference {
        gain: Some(unpaired / variance),
        ..Difference::of(value, (variance / count as f64).sqrt(), (count - 1) as f64)
    }
}

/// The difference of values that have nothing to do with one another.
#[must_use]
pub fn independent(a: &[f64], b: &[f64], discrete: bool) -> Difference {
    let finite = |values: &[f64]| -> Vec<f64> { values.iter().copied().filter(|value| value.is_finite()).collect() };
    let (a, b) = (finite(a), finite(b));
    let ((mean_a, variance_a), (mean_b, variance_b)) = (moments(&a), moments(&b));
    let value = less(mean_b, mean_a);
    if a.len() < 2 || b.len() < 2 {
        return Difference::bare(value);
    }
    let parts = [
        (variance_a / a.len() as f64, (a.len() - 1) as f64),
        (variance_b / b.len() as f64, (b.len() - 1) as f64),
    ];
    if variance_a + variance_b == 0.0 {
        // One of all ways to tell so many from so many, and its mirror image.
        let ways = (1..=b.len()).fold(1.0, |ways, n| ways * (a.len() + n) as f64 / n as f64);
        let by_chance = if discrete { (2.0 / ways).min(1.0) } else { 0.0 };
        return Difference::constant(value, by_chance);
    }
    welch(value, parts)
}

/// The difference of two estimates of which nothing is left but their intervals and how many replications they come
/// from: Welch's, with the standard errors that the intervals imply. For intervals by Student's t over replications this is
/// [`independent`] exactly.
#[must_use]
pub fn of_estimates(a: (&Estimate, u32), b: (&Estimate, u32)) -> Difference {
    let value = less(b.0.value, a.0.value);
    let part = |(estimate, replications): (&Estimate, u32)| -> Option<(f64, f64)> {
        // An interval may be cut at what cannot be; its longer side was not.
        let half = (estimate.value - estimate.low?).max(estimate.high? - estimate.value);
        let freedom = if replications >= 2 {
            f64::from(replications - 1)
        } else {
            MANY
        };
        let error = half / quantile(freedom, (1.0 - CONFIDENCE) / 2.0);
        Some((error * error, freedom))
    };
    match (part(a), part(b)) {
        (Some((a, _)), Some((b, _))) if a + b == 0.0 => Difference::constant(value, 0.0),
        (Some(a), Some(b)) if value.is_finite() => welch(value, [a, b]),
        _ => Difference::bare(value),
    }
}

/// Welch's interval from each side's squared standard error and degrees of freedom, with Satterthwaite's for both.
fn welch(value: f64, parts: [(f64, f64); 2]) -> Difference {
    let sum: f64 = parts.iter().map(|(square, _)| square).sum();
    let terms: f64 = parts.iter().map(|(square, freedom)| square * square / freedom).sum();
    Difference::of(value, sum.sqrt(), (sum * sum / terms).min(MANY))
}

/// `b - a`; zero where no more than rounding is left.
fn less(b: f64, a: f64) -> f64 {
    let difference = b - a;
    if difference.abs() <= ROUNDING * a.abs().max(b.abs()) {
        0.0
    } else {
        difference
    }
}

/// Mean and variance; equal values give exactly their value and none.
fn moments(values: &[f64]) -> (f64, f64) {
    let Some(&first) = values.first() else {
        return (f64::NAN, f64::NAN);
    };
    if values.iter().all(|&value| value == first) {
        return (first, 0.0);
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    (mean, squares / (values.len() as f64 - 1.0))
}

/// Whether every value that was observed is a whole number.
pub(crate) fn is_whole(values: &[f64]) -> bool {
    values.iter().all(|value| value.fract() == 0.0 || value.is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} for {expected}");
    }

    const A: [f64; 5] = [10.0, 12.0, 9.0, 14.0, 11.0];
    const B: [f64; 5] = [9.0, 11.5, 8.0, 12.0, 10.5];

    // Lost if broken: every difference that is printed. By hand: differences -1, -0.5, -1, -2, -0.5, mean -1, squares
    // 0, 0.25, 0, 1, 0.25, variance 0.375, standard error 0.27386; t(4, 0.975) = 2.7764, half width 0.7604; t = -3.6515,
    // of which a table has a two-sided p of 0.0217.
    #[test]
    fn pairs_are_subtracted_before_anything_is_averaged() {
        let found = paired(&A, &B, false);
        assert_eq!(found.estimate.value, -1.0);
        near(found.estimate.low.unwrap(), -1.7604);
        near(found.estimate.high.unwrap(), -0.2396);
        near(found.p.unwrap(), 0.0217);
        // Variances 3.7 and 2.825 (A: mean 11.2; B: mean 10.2) against 0.375.
        near(found.gain.unwrap(), (3.7 + 2.825) / 0.375);
    }

    // Lost if broken: a comparison of different seeds would claim what only pairs can show. By hand: standard error
    // √(3.7/5 + 2.825/5) = 1.14237; degrees of freedom 1.305² / (0.74²/4 + 0.565²/4) = 7.859; t(7.859) = 2.3132.
    #[test]
    fn strangers_are_averaged_before_they_are_subtracted() {
        let found = independent(&A, &B, false);
        near(found.estimate.value, -1.0);
        near(found.estimate.half_width().unwrap(), 2.3132 * 1.14237);
        assert!(found.p.unwrap() > 0.3 && found.gain.is_none());
    }

    // Lost if broken: two folders without values by replication give another interval than the values themselves.
    #[test]
    fn intervals_alone_say_as_much_as_the_values_of_strangers() {
        let of = |values: &[f64]| crate::interval::Intervals::new(5).estimate(values);
        let (a, b) = (of(&A), of(&B));
        let (found, values) = (of_estimates((&a, 5), (&b, 5)), independent(&A, &B, false));
        near(found.estimate.value, values.estimate.value);
        near(found.estimate.low.unwrap(), values.estimate.low.unwrap());
        near(found.p.unwrap(), values.p.unwrap());
        let cut = Estimate { low: Some(0.0), ..b };
        assert!(of_estimates((&a, 5), (&cut, 5)).estimate.half_width() >= found.estimate.half_width());
    }

    // Lost if broken: a price that differs for sure is called open, or three counts of one against none are called sure.
    #[test]
    fn without_variance_a_price_is_sure_and_a_few_counts_are_not() {
        let price = paired(&[7.0; 3], &[25.0; 3], false);
        assert_eq!((price.estimate, price.p), (Estimate::exact(18.0), Some(0.0)));
        assert_eq!(paired(&[0.0; 3], &[1.0; 3], true).p, Some(0.25));
        assert_eq!(independent(&[0.0; 3], &[1.0; 3], true).p, Some(0.1));
        assert_eq!(paired(&[3.0; 4], &[3.0; 4], false).p, Some(1.0));
        // 0.1 + 0.2 and 0.3 are one price.
        assert_eq!(paired(&[0.3; 2], &[0.1 + 0.2; 2], false).estimate.value, 0.0);
    }

    // Lost if broken: one replication proves something, or a replication without any request shifts the pairs.
    #[test]
    fn what_was_not_observed_is_left_out_with_its_partner() {
        let nan = f64::NAN;
        assert_eq!(paired(&[1.0], &[2.0], false), Difference::bare(1.0));
        assert_eq!(
            paired(&[10.0, nan, 12.0], &[11.0, 5.0, 14.0], false),
            paired(&[10.0, 12.0], &[11.0, 14.0], false)
        );
        assert!(paired(&[nan], &[1.0], false).estimate.value.is_nan());
        let unsure = Estimate {
            value: 1.0,
            low: None,
            high: None,
        };
        assert_eq!(
            of_estimates((&unsure, 1), (&Estimate::exact(3.0), 5)),
            Difference::bare(2.0)
        );
    }
}
