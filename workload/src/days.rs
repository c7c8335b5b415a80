//! Days that stand for others: which of a long run are worth running.
//!
//! Owns: the choice, and a stream's rates on the days chosen, put one after another.
//! Never: running them, figures.
//!
//! Days are ordered by the sessions that they bring and cut into strata of equal size; the middle one of each stands for
//! its stratum. So weekdays, weekends and growth are in the sample as they are in the whole, and every day in it weighs
//! the same. The rates of the days chosen are then scaled together so that they bring exactly their share of all
//! sessions: what grows in proportion to the load has no error from the choice.

use highwater_models::{SimSpan, SimTime};

use crate::arrivals::{Segment, area, cut};
use crate::rhythm::DAY;

/// Some days of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Days {
    /// How many there are.
    pub of: u32,
    /// Which are run, from 0, in order.
    pub chosen: Vec<u32>,
    /// What each of them brings before that is scaled.
    pub brought: Vec<f64>,
    /// What their rates are multiplied by.
    pub scale: f64,
}

impl Days {
    /// Chooses so many days by what each brings; at least one, at most all.
    #[must_use]
    pub fn choose(loads: &[f64], count: u32) -> Self {
        let of = loads.len() as u32;
        let count = count.clamp(1, of.max(1)).min(of);
        let mut order: Vec<u32> = (0..of).collect();
        // Equal loads stay in the order of time, so that days without any rhythm are chosen evenly over it.
        order.sort_by(|&a, &b| loads[a as usize].total_cmp(&loads[b as usize]));
        let middle = |stratum: u32| {
            let place = (2 * u64::from(stratum) + 1) * u64::from(of) / (2 * u64::from(count));
            order[place as usize]
        };
        let mut chosen: Vec<u32> = (0..count).map(middle).collect();
        chosen.sort_unstable();
        let mean = |sum: f64, days: u32| sum / f64::from(days);
        let whole = mean(loads.iter().sum(), of.max(1));
        let brought: Vec<f64> = chosen.iter().map(|&day| loads[day as usize]).collect();
        let part = mean(brought.iter().sum(), count.max(1));
        let scale = if part > 0.0 { whole / part } else { 1.0 };
        Self {
            of,
            chosen,
            brought,
            scale,
        }
    }

    /// How many days of the whole each stands for.
    #[must_use]
    pub fn weight(&self) -> f64 {
        f64::from(self.of) / self.chosen.len().max(1) as f64
    }

    /// The level of a stream on these days, one after another.
    #[must_use]
    pub fn put_together(&self, whole: &[Segment]) -> Vec<Segment> {
        let mut together = Vec::new();
        for (place, &day) in self.chosen.iter().enumerate() {
            let (begins, ends) = (midnight(day), midnight(day + 1));
            let shifted = midnight(place as u32);
            for piece in whole.iter().filter(|piece| piece.from < ends && piece.to > begins) {
                let piece = cut(piece, piece.from.max(begins), piece.to.min(ends));
                together.push(Segment {
                    from: shifted + piece.from.since(begins),
                    to: shifted + piece.to.since(begins),
                    ..piece
                });
            }
        }
        together
    }

    /// The same, scaled so that the days bring their share of the whole.
    #[must_use]
    pub fn rates(&self, whole: &[Segment]) -> Vec<Segment> {
        let mut rates = self.put_together(whole);
        for rate in &mut rates {
            rate.rate_from *= self.scale;
            rate.rate_to *= self.scale;
        }
        rates
    }
}

/// What each day brings.
#[must_use]
pub fn loads(rates: &[Segment], days: u32) -> Vec<f64> {
    (0..days)
        .map(|day| area(rates, midnight(day), midnight(day + 1)))
        .collect()
}

fn midnight(day: u32) -> SimTime {
    SimTime::ZERO + SimSpan::from_nanos(DAY.nanos() * u64::from(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a sample of nothing but weekdays, or of nothing but the month's end.
    #[test]
    fn every_stratum_of_load_is_in_the_sample_once() {
        // Four weeks of growth, weekends at half.
        let load = |day: u32| (100.0 + f64::from(day)) * if day % 7 >= 5 { 0.5 } else { 1.0 };
        let all: Vec<f64> = (0..28).map(load).collect();
        let days = Days::choose(&all, 7);
        assert_eq!((days.chosen.len(), days.of, days.weight()), (7, 28, 4.0));
        assert_eq!(days.chosen.iter().filter(|day| *day % 7 >= 5).count(), 2, "{days:?}");
        let sampled: f64 = days.chosen.iter().map(|&day| all[day as usize] * days.scale).sum();
        let whole: f64 = all.iter().sum();
        assert!((sampled * days.weight() - whole).abs() < 1e-9);
        assert!((days.scale - 1.0).abs() < 0.02, "{days:?}");
        assert_eq!(Days::choose(&[1.0; 30], 3).chosen, [5, 15, 25]);
        assert_eq!(Days::choose(&[1.0; 3], 9).chosen, [0, 1, 2]);
        assert_eq!(Days::choose(&[0.0; 2], 1).scale, 1.0);
    }

    // Lost if broken: the second day of a sample has the rates of another.
    #[test]
    fn chosen_days_follow_one_another_with_their_own_rates() {
        let hours = |hours: u64| SimTime::ZERO + SimSpan::from_secs(hours * 3600);
        let whole = [
            Segment {
                from: hours(0),
                to: hours(36),
                rate_from: 0.0,
                rate_to: 36.0,
            },
            Segment {
                from: hours(36),
                to: hours(96),
                rate_from: 5.0,
                rate_to: 5.0,
            },
        ];
        let days = Days {
            of: 4,
            chosen: vec![1, 3],
            brought: vec![12.0, 10.0],
            scale: 2.0,
        };
        let rates = days.rates(&whole);
        let seen: Vec<_> = rates
            .iter()
            .map(|piece| {
                (
                    piece.from.seconds() / 3600.0,
                    piece.to.seconds() / 3600.0,
                    piece.rate_from,
                    piece.rate_to,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (0.0, 12.0, 48.0, 72.0),
                (12.0, 24.0, 10.0, 10.0),
                (24.0, 48.0, 10.0, 10.0)
            ]
        );
    }
}
