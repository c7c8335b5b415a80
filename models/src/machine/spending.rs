//! What an account has spent today and this month, and whether a ceiling is reached.
//!
//! Owns: the sums. Never: prices.
//! Sums are in whole billionths of a dollar, so that a ceiling is reached at the same call on every machine.

use super::tally::Tally;
use crate::money::MONTH;
use crate::{SimSpan, SimTime};

/// A day.
const DAY: SimSpan = SimSpan::from_secs(24 * 60 * 60);

/// Parts of a dollar that sums are counted in.
const PARTS: f64 = 1e9;

/// What was spent.
#[derive(Copy, Clone, Debug)]
pub struct Spending {
    day: Tally,
    month: Tally,
}

impl Default for Spending {
    fn default() -> Self {
        Self {
            day: Tally::new(DAY),
            month: Tally::new(MONTH),
        }
    }
}

impl Spending {
    /// Adds a call's price.
    pub fn add(&mut self, now: SimTime, dollars: f64) {
        let parts = parts(dollars);
        self.day.add(now, parts);
        self.month.add(now, parts);
    }

    /// Whether the month has reached a ceiling: the call that goes beyond it is still let through, as its price is
    /// known only afterwards.
    #[must_use]
    pub fn has_reached(&mut self, now: SimTime, ceiling: f64) -> bool {
        self.month.at(now) >= parts(ceiling)
    }

    /// Dollars of today.
    #[must_use]
    pub fn today(&mut self, now: SimTime) -> f64 {
        self.day.at(now) as f64 / PARTS
    }

    /// Dollars of this month.
    #[must_use]
    pub fn this_month(&mut self, now: SimTime) -> f64 {
        self.month.at(now) as f64 / PARTS
    }
}

fn parts(dollars: f64) -> u64 {
    // A float that is out of range becomes the nearest end.
    (dollars * PARTS).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(hours * 3600)
    }

    // Lost if broken: a ceiling that binds a call early or late by the last bit of a sum of tenths.
    #[test]
    fn ten_calls_of_a_dime_reach_a_dollar_exactly() {
        let mut spending = Spending::default();
        for call in 0..10 {
            assert!(!spending.has_reached(at(1), 1.0), "call {call}");
            spending.add(at(1), 0.1);
        }
        assert!(spending.has_reached(at(1), 1.0));
        assert_eq!(spending.this_month(at(1)), 1.0);
    }

    // Lost if broken: an alert on the day's cost that sees the month's, or a ceiling that the next month inherits.
    #[test]
    fn days_and_months_start_anew() {
        let mut spending = Spending::default();
        spending.add(at(1), 3.0);
        assert_eq!((spending.today(at(25)), spending.this_month(at(25))), (0.0, 3.0));
        assert!(!spending.has_reached(at(730), 3.0));
    }
}
