//! How far two runs are apart in one figure, with the 95 % interval of the difference.
//!
//! Owns: the two intervals, for strangers and for runs that met the same people.
//! Never: which runs may be paired (`pair`), verdicts (`measured`).
//!
//! *Strangers*: each side has an interval of its own, made by what suits the figure, and not always symmetric. The
//! difference's ends are each the square root of the sum of squares of the two distances that make it: R. G. Newcombe,
//! "Interval estimation for the difference between independent proportions", Statistics in Medicine 17 (1998); G. Y. Zou
//! and A. Donner, "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27
//! (2008).
//!
//! *The same people*: both runs are cut at the same moments, and what is independent is the pair of pieces. Each pair in
//! turn is left out of both runs (the jackknife by groups: B. Efron, *The Jackknife, the Bootstrap and Other Resampling
//! Plans* (1982), section 2.2; J. Shao and C. F. J. Wu, "A general theory for jackknife variance estimation", Annals of
//! Statistics 17 (1989), for percentiles, which want groups as large as these).

use highwater_models::record::figures::Estimate;

use super::part::{Part, Reading};
use crate::interval::{RULE_OF_THREE, critical};

/// The difference of two figures with intervals of their own, `one` less `other`. An end that either side does not know is
/// not known.
#[must_use]
pub fn strangers(one: &Estimate, other: &Estimate) -> Estimate {
    let value = one.value - other.value;
    let root = |a: f64, b: f64| (a * a + b * b).sqrt();
    let end = |mine: Option<f64>, theirs: Option<f64>| Some(root(mine? - one.value, theirs? - other.value));
    Estimate {
        value,
        low: end(one.low, other.high).map(|half| value - half),
        high: end(one.high, other.low).map(|half| value + half),
    }
}

/// A run's pieces together, and all but each.
#[derive(Clone, Debug)]
pub struct LeftOut {
    whole: Part,
    without: Vec<Part>,
}

impl LeftOut {
    /// Of pieces that follow one another.
    #[must_use]
    pub fn new(parts: &[Part]) -> Self {
        let sum = |without: Option<usize>| {
            let mut sum = Part::default();
            for (number, part) in parts.iter().enumerate() {
                if Some(number) != without {
                    sum.merge(part, true);
                }
            }
            sum
        };
        Self {
            whole: sum(None),
            without: (0..parts.len()).map(|number| sum(Some(number))).collect(),
        }
    }

    /// All pieces together.
    #[must_use]
    pub const fn whole(&self) -> &Part {
        &self.whole
    }
}

/// The difference of a figure between two runs that met the same people and were cut at the same moments, `one` less
/// `other`, each side with its own way to read the figure. Without bounds for fewer than two pieces, or where a side saw
/// nothing outside of one of them.
#[must_use]
pub fn pairs((one, one_reading): (&LeftOut, Reading), (other, other_reading): (&LeftOut, Reading)) -> Estimate {
    let apart = |one: &Part, other: &Part| one_reading.value(one) - other_reading.value(other);
    let value = apart(&one.whole, &other.whole);
    // None of so many on either side does not mean that there can be none.
    let is_share = matches!(one_reading, Reading::Errors(_) | Reading::Cause(_));
    if is_share && one_reading.telling(&one.whole) + other_reading.telling(&other.whole) == 0.0 {
        let most = RULE_OF_THREE / one.whole.all.offered.min(other.whole.all.offered);
        return Estimate {
            value,
            low: Some(-most),
            high: Some(most),
        };
    }
    let without: Vec<f64> = one
        .without
        .iter()
        .zip(&other.without)
        .map(|(one, other)| apart(one, other))
        .collect();
    let count = without.len();
    if count < 2 || without.iter().any(|value| !value.is_finite()) {
        return Estimate {
            value,
            low: None,
            high: None,
        };
    }
    let groups = count as f64;
    let mean = without.iter().sum::<f64>() / groups;
    let squares: f64 = without.iter().map(|each| (each - mean) * (each - mean)).sum();
    let half = critical(count - 1) * ((groups - 1.0) / groups * squares).sqrt();
    Estimate {
        value,
        low: Some(value - half),
        high: Some(value + half),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> Estimate {
        Estimate {
            value,
            low: Some(low),
            high: Some(high),
        }
    }

    // Lost if broken: the interval of every difference. Newcombe's table II, method 10, 56/70 against 48/80 by Wilson's
    // intervals of each: 0.0524 to 0.3339.
    #[test]
    fn two_intervals_make_newcombes_of_the_difference() {
        let found = strangers(&estimate(0.8, 0.6919, 0.8771), &estimate(0.6, 0.4905, 0.7003));
        assert!((found.low.unwrap() - 0.0524).abs() < 2e-3, "{found:?}");
        assert!((found.high.unwrap() - 0.3339).abs() < 2e-3, "{found:?}");
        let open = Estimate {
            high: None,
            ..estimate(2.0, 1.0, 3.0)
        };
        let found = strangers(&open, &estimate(1.0, 0.5, 1.5));
        assert!(found.low.is_some() && found.high.is_none());
    }
}
