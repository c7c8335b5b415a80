//! How many replications would decide an objective that is not decided.
//!
//! Owns: that number.
//! Never: judging (`outcome::objective`).
//! Source: A. M. Law, *Simulation Modeling and Analysis*, 5th edition, section 9.4.1: with the spread of the samples as
//! it was seen, the half width of n replications is t(n − 1, 0.975) · s / √n; the smallest n for which that is no wider
//! than the distance to the bound. It is a forecast: more replications move the value too.

use highwater_models::record::summary::Objective;

use crate::interval::critical;

/// No forecast goes further: nobody simulates so often, and the value would have moved long before.
pub const MOST: u32 = 10_000;

/// What it takes to decide an objective.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Nothing: it is met or missed.
    Nothing,
    /// About so many replications, if the value stays where it is.
    Replications(u32),
    /// More than [`MOST`]: the value is as good as on the bound.
    TooMany,
    /// Several: one says nothing of its own error.
    Several,
    /// More: so few requests were seen that there is no bound on that side.
    MoreRequests,
    /// Nobody knows: nothing was observed, or its interval is not made of replications alone.
    Unknown,
}

/// What it takes to decide an objective that was judged by so many replications.
#[must_use]
pub fn needed(objective: &Objective, replications: u32) -> Needed {
    if objective.met.is_some() {
        return Needed::Nothing;
    }
    let value = objective.value;
    if !value.value.is_finite() {
        return Needed::Unknown;
    }
    let (Some(low), Some(high)) = (value.low, value.high) else {
        return if replications < 2 {
            Needed::Several
        } else {
            Needed::MoreRequests
        };
    };
    let distance = (objective.target - value.value).abs();
    // The side of the interval on which the bound lies.
    let half = if objective.target >= value.value {
        high - value.value
    } else {
        value.value - low
    };
    if replications < 2 {
        return Needed::Several;
    }
    if !(half.is_finite() && half > distance) {
        return Needed::Unknown;
    }
    let spread = half * f64::from(replications).sqrt() / critical(replications as usize - 1);
    let is_enough = |count: u32| critical(count as usize - 1) * spread / f64::from(count).sqrt() <= distance;
    if distance == 0.0 || !is_enough(MOST) {
        return Needed::TooMany;
    }
    // The half width falls with every further replication.
    let (mut too_few, mut enough) = (replications, MOST);
    while enough - too_few > 1 {
        let middle = too_few.midpoint(enough);
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Needed::Replications(enough)
}

/// How many replications to try next so that all of these may be decided: some more than the forecast, which the value's
/// own movement may belie, and at least half as many again as there were.
#[must_use]
pub fn next(needed: &[Needed], replications: u32, most: u32) -> u32 {
    let forecast = needed
        .iter()
        .map(|needed| match needed {
            Needed::Nothing => 0,
            Needed::Replications(count) => count.saturating_add(count / 4),
            Needed::Several => 10,
            Needed::MoreRequests => replications.saturating_mul(3),
            Needed::TooMany | Needed::Unknown => most,
        })
        .max()
        .unwrap_or(0);
    forecast
        .max(replications.saturating_add(replications.div_ceil(2)))
        .min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::{Estimate, Unit};

    fn needs(value: f64, half: Option<f64>, replications: u32) -> Needed {
        let objective = Objective {
            name: "p95".to_owned(),
            target: 2.0,
            at_most: true,
            unit: Unit::Seconds,
            value: Estimate {
                value,
                low: half.map(|half| value - half),
                high: half.map(|half| value + half),
            },
            met: None,
        };
        needed(&objective, replications)
    }

    // Lost if broken: a forecast that sends somebody into an hour of simulation for nothing.
    #[test]
    fn the_forecast_is_the_smallest_number_whose_interval_is_narrow_enough() {
        // 5 replications, half width 1: s = √5 / 2.776 = 0.805. For 0.5: t(12) · 0.805 / √13 = 2.179 · 0.223 = 0.487,
        // and 12 give 2.201 · 0.232 = 0.511.
        assert_eq!(needs(1.5, Some(1.0), 5), Needed::Replications(13));
        assert_eq!(needs(2.5, Some(1.0), 5), Needed::Replications(13));
        assert_eq!(needs(1.9999, Some(1.0), 5), Needed::TooMany);
        assert_eq!(needs(2.0, Some(1.0), 5), Needed::TooMany);
        assert_eq!(needs(1.5, None, 1), Needed::Several);
        assert_eq!(needs(1.5, None, 3), Needed::MoreRequests);
        assert_eq!(needs(f64::NAN, None, 5), Needed::Unknown);
    }

    // Lost if broken: a search that never comes to an end, or one that tries the same number again.
    #[test]
    fn the_next_try_is_larger_and_within_the_cap() {
        assert_eq!(next(&[Needed::Nothing, Needed::Replications(40)], 10, 1000), 50);
        assert_eq!(next(&[Needed::Replications(11)], 10, 1000), 15);
        assert_eq!(next(&[Needed::Replications(40)], 10, 20), 20);
        assert_eq!(next(&[Needed::Several], 1, 20), 10);
        assert_eq!(next(&[Needed::TooMany], 10, 200), 200);
    }
}
