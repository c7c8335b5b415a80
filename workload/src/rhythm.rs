//! When a registered population comes: the rhythm of a day and of a week over a number that changes.
//!
//! Owns: rates from a level and weights by hour and by weekday.
//! Never: drawing arrivals, whose they are.
//!
//! Weights hold throughout an hour. A population that grows in straight lines then makes a rate that is straight within
//! each hour, so that the area under it is the expected number of sessions exactly.

use highwater_models::{SimSpan, SimTime};

use crate::arrivals::{Segment, cut};

/// Seconds of an hour.
const HOUR: u64 = 3600;
/// Seconds of a day.
pub const DAY: SimSpan = SimSpan::from_secs(24 * HOUR);
/// Days of a week.
const WEEK: usize = 7;

/// Weights by the hour and the weekday, each with mean one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rhythm {
    hours: [f64; 24],
    days: [f64; WEEK],
    /// Time of day, and the weekday from Monday, at time zero.
    starts_at: SimSpan,
    starts_on: usize,
}

impl Rhythm {
    /// From weights of which only the proportions count. Weights that are all zero count as equal.
    #[must_use]
    pub fn new(hours: [f64; 24], days: [f64; WEEK], starts_at: SimSpan, starts_on: usize) -> Self {
        Self {
            hours: of_mean_one(hours),
            days: of_mean_one(days),
            starts_at,
            starts_on,
        }
    }

    /// The weight at a time.
    #[must_use]
    pub fn weight(&self, at: SimTime) -> f64 {
        let hour = (at + self.starts_at).nanos() / SimSpan::from_secs(HOUR).nanos();
        let day = self.starts_on + (hour / 24) as usize;
        self.hours[(hour % 24) as usize] * self.days[day % WEEK]
    }

    /// Sessions a second of a population that brings so many a day and head on average.
    #[must_use]
    pub fn rates(&self, population: &[Segment], sessions_a_day: f64) -> Vec<Segment> {
        let hour = SimSpan::from_secs(HOUR).nanos();
        let a_second = sessions_a_day / DAY.seconds();
        let mut rates = Vec::new();
        for piece in population {
            let mut from = piece.from;
            while from < piece.to {
                let clock = (from + self.starts_at).nanos();
                let next = from + SimSpan::from_nanos(hour - clock % hour);
                let to = next.min(piece.to);
                let weight = self.weight(from) * a_second;
                let level = cut(piece, from, to);
                rates.push(Segment {
                    rate_from: level.rate_from * weight,
                    rate_to: level.rate_to * weight,
                    ..level
                });
                from = to;
            }
        }
        rates
    }
}

fn of_mean_one<const N: usize>(weights: [f64; N]) -> [f64; N] {
    let total: f64 = weights.iter().sum();
    if total > 0.0 {
        weights.map(|weight| weight * N as f64 / total)
    } else {
        [1.0; N]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrivals::{Arrivals, Spacing, area};
    use crate::stream::Key;

    const EVENING: [f64; 24] = [
        2.0, 1.0, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0, 3.0, 3.0, 4.0, 5.0, 7.0, 9.0, 10.0, 9.0,
        7.0, 4.0,
    ];
    const OFFICE: [f64; 7] = [1.2, 1.25, 1.25, 1.2, 1.1, 0.5, 0.5];

    fn at(hours: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(hours * HOUR)
    }

    fn population(days: u64, from: f64, to: f64) -> [Segment; 1] {
        [Segment {
            from: SimTime::ZERO,
            to: at(days * 24),
            rate_from: from,
            rate_to: to,
        }]
    }

    // Lost if broken: `sessions_per_user` is not what comes, whatever the shapes are and whenever the run begins.
    #[test]
    fn a_week_brings_so_many_sessions_a_day_and_head() {
        for (starts_at, starts_on) in [(0, 0), (18, 4), (23, 6)] {
            let rhythm = Rhythm::new(EVENING, OFFICE, SimSpan::from_secs(starts_at * HOUR), starts_on);
            let rates = rhythm.rates(&population(7, 1000.0, 1000.0), 1.5);
            let brought = area(&rates, SimTime::ZERO, at(7 * 24));
            assert!((brought - 1000.0 * 1.5 * 7.0).abs() < 1e-6, "{brought}");
        }
        let rhythm = Rhythm::new(EVENING, [1.0; 7], SimSpan::ZERO, 0);
        let rates = rhythm.rates(&population(30, 0.0, 600.0), 1.0);
        // Straight growth: the mean is half of the end, but for where in the day most come.
        let day = |day: u64| area(&rates, at(day * 24), at(day * 24 + 24));
        let mean_hour: f64 = EVENING
            .iter()
            .enumerate()
            .map(|(h, w)| (h as f64 + 0.5) * w)
            .sum::<f64>()
            / EVENING.iter().sum::<f64>();
        for number in [0, 14, 29] {
            let expected = 20.0 * (number as f64 + mean_hour / 24.0);
            assert!((day(number) / expected - 1.0).abs() < 1e-9, "{number}");
        }
    }

    // Lost if broken: people come at the wrong hour, or on the wrong day.
    #[test]
    fn hours_and_weekdays_stand_where_they_belong() {
        let rhythm = Rhythm::new(EVENING, OFFICE, SimSpan::from_secs(18 * HOUR), 4);
        // A Friday at 18 h; at 19 h; the Saturday from midnight on; the Monday after.
        let mean: f64 = EVENING.iter().sum::<f64>() / 24.0;
        let close = |hours: u64, hour: usize, day: usize| {
            let expected = EVENING[hour] / mean * OFFICE[day];
            assert!((rhythm.weight(at(hours)) - expected).abs() < 1e-12, "{hours}");
        };
        close(0, 18, 4);
        close(1, 19, 4);
        close(6, 0, 5);
        close(2 * 24 + 6, 0, 0);
        let half = Rhythm::new(EVENING, [1.0; 7], SimSpan::from_secs(HOUR / 2), 0);
        let rates = half.rates(&population(1, 1.0, 1.0), 1.0);
        assert_eq!(rates[0].to, SimTime::ZERO + SimSpan::from_secs(HOUR / 2));
        assert_eq!(rates.len(), 25);
    }

    // Lost if broken: the rates are right and arrivals are not. Poisson counts by hour over 28 days; the statistic is
    // chi-square with 23 degrees of freedom, whose 99.9 % quantile is 49.73.
    #[test]
    fn arrivals_follow_the_hours() {
        let rhythm = Rhythm::new(EVENING, [1.0; 7], SimSpan::ZERO, 0);
        let rates = rhythm.rates(&population(28, 500.0, 500.0), 1.0);
        let mut counts = [0.0; 24];
        let mut total = 0.0;
        for time in Arrivals::new(rates, Spacing::Poisson, None, Key::root(11, 0)) {
            counts[(time.seconds() / HOUR as f64) as usize % 24] += 1.0;
            total += 1.0;
        }
        let expected: f64 = 28.0 * 500.0;
        // 3.29 standard deviations: 99.9 %.
        assert!((total - expected).abs() < 3.29 * expected.sqrt(), "{total}");
        let weights: f64 = EVENING.iter().sum();
        let square = |hour: usize| {
            let mean = total * EVENING[hour] / weights;
            (counts[hour] - mean) * (counts[hour] - mean) / mean
        };
        let chi_square: f64 = (0..24).map(square).sum();
        assert!(chi_square < 49.73, "{chi_square}: {counts:?}");
    }
}
