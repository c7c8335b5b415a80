//! How sure a measured figure is.
//!
//! Owns: intervals from *units* that may pass for independent: runs repeated, or else batches of one run. Requests of one
//! run are not independent of each other, for they meet the same rushes.
//!
//! A run is cut into batches of the same length (A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 9.5.3),
//! as many of 30, 20, 15 or 10 as pass von Neumann's test for neighbours that are alike
//! ([`batches`](highwater_models::record::batches)), in how many requests came and in how long they took. Where not even ten
//! pass, there are no bounds. All critical values are Student's, two-sided, 95 %.

use highwater_models::record::batches::are_independent;
use highwater_models::record::figures::Estimate;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Batches that are tried, the most first.
pub const COUNTS: [usize; 4] = [30, 20, 15, 10];

/// Whether batches with so many arrivals and such mean latencies may pass for independent.
#[must_use]
pub fn may_pass(arrivals: &[f64], latencies: &[f64]) -> bool {
    are_independent(arrivals) && are_independent(latencies)
}

/// Student's t that is exceeded on either side in one case of twenty, for so many units.
fn critical(units: usize) -> f64 {
    StudentsT::new(0.0, 1.0, units.saturating_sub(1) as f64).map_or(f64::NAN, |law| law.inverse_cdf(0.975))
}

/// Without bounds.
#[must_use]
pub const fn bare(value: f64) -> Estimate {
    Estimate {
        value,
        low: None,
        high: None,
    }
}

fn around(value: f64, half: f64) -> Estimate {
    Estimate {
        value,
        low: Some((value - half).max(0.0)),
        high: Some(value + half),
    }
}

/// The mean of what was seen in each unit; units that saw nothing are left out.
#[must_use]
pub fn mean(samples: &[f64]) -> Estimate {
    let seen: Vec<f64> = samples.iter().copied().filter(|sample| sample.is_finite()).collect();
    let count = seen.len() as f64;
    if seen.is_empty() {
        return bare(f64::NAN);
    }
    let value = seen.iter().sum::<f64>() / count;
    if seen.len() < 2 {
        return bare(value);
    }
    let squares: f64 = seen.iter().map(|sample| (sample - value).powi(2)).sum();
    around(value, critical(seen.len()) * (squares / (count - 1.0) / count).sqrt())
}

/// A quotient of sums, a part and a whole for each unit, with its standard error; that of the ratio estimator (W. G. Cochran,
/// *Sampling Techniques*, 3rd edition, section 6.3). NaN for the error with fewer than two units.
fn quotient(pairs: &[(f64, f64)]) -> (f64, f64, usize) {
    let seen: Vec<(f64, f64)> = pairs.iter().copied().filter(|(_, whole)| *whole > 0.0).collect();
    let (part, whole) = seen
        .iter()
        .fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    let value = part / whole;
    if seen.len() < 2 {
        return (value, f64::NAN, seen.len());
    }
    let count = seen.len() as f64;
    let squares: f64 = seen.iter().map(|(part, whole)| (part - value * whole).powi(2)).sum();
    (value, (count / (count - 1.0) * squares).sqrt() / whole, seen.len())
}

/// A quotient of sums.
#[must_use]
pub fn ratio(pairs: &[(f64, f64)]) -> Estimate {
    let (value, error, units) = quotient(pairs);
    if error.is_nan() {
        return bare(value);
    }
    around(value, critical(units) * error)
}

/// A share of events among all: Wilson's interval of the effective number, that is of as many independent events as would
/// vary as much between units; never narrower than that of all events as if they were independent, where there are few. Of
/// none among n the share may still be 3 / n (the rule of three).
#[must_use]
pub fn share(pairs: &[(f64, f64)]) -> Estimate {
    let (value, error, units) = quotient(pairs);
    let number: f64 = pairs.iter().map(|pair| pair.1).sum();
    if number == 0.0 {
        return bare(f64::NAN);
    }
    let seldom = (3.0 / number).min(1.0);
    let (low, high) = if value == 0.0 {
        (0.0, seldom)
    } else if value == 1.0 {
        (1.0 - seldom, 1.0)
    } else if error.is_nan() {
        return bare(value);
    } else {
        let mut effect = error * error / (value * (1.0 - value) / number);
        if value.min(1.0 - value) * number < 10.0 {
            effect = effect.max(1.0);
        }
        let squared = critical(units).powi(2) * effect / number;
        let middle = (value + squared / 2.0) / (1.0 + squared);
        let half = (squared * value * (1.0 - value) + squared * squared / 4.0).sqrt() / (1.0 + squared);
        ((middle - half).clamp(0.0, value), (middle + half).clamp(value, 1.0))
    };
    Estimate {
        value,
        low: Some(low),
        high: Some(high),
    }
}

/// The value that a share of all do not exceed, of sorted values by unit: the smallest such value of all units together.
/// Bounds are those values whose share is as far away as the share's own error allows (R. S. Woodruff, "Confidence intervals
/// for medians and other position measures", JASA 47, 1952); none on the side where there are too few values.
#[must_use]
pub fn percentile(units: &[Vec<u64>], share: f64) -> Estimate {
    let mut all: Vec<u64> = units.iter().flatten().copied().collect();
    all.sort_unstable();
    let at = |share: f64| {
        let place = (share * all.len() as f64).ceil() as usize;
        all.get(place.max(1) - 1).map(|&value| value as f64)
    };
    let Some(value) = at(share) else { return bare(f64::NAN) };
    let below: Vec<(f64, f64)> = units
        .iter()
        .map(|unit| {
            let below = unit.partition_point(|&each| (each as f64) <= value);
            (below as f64, unit.len() as f64)
        })
        .collect();
    let (_, error, seen) = quotient(&below);
    if error.is_nan() {
        return bare(value);
    }
    // At least what as many independent requests would be off by.
    let error = error.max((share * (1.0 - share) / all.len() as f64).sqrt());
    let off = critical(seen) * error;
    Estimate {
        value,
        low: Some(share - off).filter(|share| *share > 0.0).and_then(at),
        high: Some(share + off).filter(|share| *share < 1.0).and_then(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: every interval of every measured run. t(0.975, 4) = 2.776, s² = 2.5.
    #[test]
    fn a_mean_has_students_interval() {
        let found = mean(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(found.value, 3.0);
        assert!((found.half_width().expect("five units") - 2.776 * (2.5f64 / 5.0).sqrt()).abs() < 1e-3);
        assert_eq!(mean(&[7.0]), bare(7.0));
    }

    // Lost if broken: no error seen would mean that there can be none, or errors in bursts count as so many witnesses.
    #[test]
    fn a_share_knows_how_alike_its_events_are() {
        assert_eq!(share(&[(0.0, 100.0), (0.0, 200.0)]).high, Some(0.01));
        let even = share(&[(10.0, 100.0); 10]);
        let burst: Vec<_> = (0..10).map(|n| (if n == 0 { 100.0 } else { 0.0 }, 100.0)).collect();
        let burst = share(&burst);
        assert_eq!(even.value, burst.value);
        let width = |estimate: &Estimate| estimate.half_width().expect("ten units");
        assert!(width(&burst) > 0.05 && width(&even) < 1e-9, "{even:?} {burst:?}");
    }

    // Lost if broken: a percentile of a few requests would have an upper bound that nobody has seen.
    #[test]
    fn a_percentile_has_a_bound_only_where_there_are_values_beyond_it() {
        let units: Vec<Vec<u64>> = (0..10).map(|n| (0..100).map(|k| k * 10 + n).collect()).collect();
        let found = percentile(&units, 0.5);
        assert!(found.low.expect("values below") < found.value && found.high.expect("values above") > found.value);
        assert_eq!(percentile(&units, 0.999).high, None);
        assert_eq!(percentile(&[vec![5]], 0.5), bare(5.0));
        assert!(percentile(&[], 0.5).value.is_nan());
    }
}
