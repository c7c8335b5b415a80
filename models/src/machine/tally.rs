//! A sum that starts anew with every period of the clock: a day's commands, a month's dollars.
//!
//! Owns: the period under way and its sum. Never: limits.

use crate::{SimSpan, SimTime};

/// A sum by period. Periods follow one another from time zero.
#[derive(Copy, Clone, Debug)]
pub struct Tally {
    length: SimSpan,
    ends: SimTime,
    sum: u64,
}

impl Tally {
    /// Of periods of this length.
    #[must_use]
    pub const fn new(length: SimSpan) -> Self {
        Self {
            length,
            ends: SimTime::ZERO,
            sum: 0,
        }
    }

    /// The sum of the period under way.
    #[inline]
    pub fn at(&mut self, now: SimTime) -> u64 {
        if now >= self.ends {
            self.sum = 0;
            let periods = now.nanos() / self.length.nanos().max(1) + 1;
            self.ends = SimTime::from_nanos(periods.saturating_mul(self.length.nanos()));
        }
        self.sum
    }

    /// Adds to it.
    #[inline]
    pub fn add(&mut self, now: SimTime, amount: u64) {
        self.sum = self.at(now).saturating_add(amount);
    }
}
