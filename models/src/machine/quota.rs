//! How many commands a plan allows a day and a month: beyond it every one fails until the period is over.
//!
//! Owns: what was used. Never: what a refused command means.

use super::tally::Tally;
use crate::money::MONTH;
use crate::{SimSpan, SimTime};

/// A day.
const DAY: SimSpan = SimSpan::from_secs(24 * 60 * 60);

/// Which quota refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum UsedUp {
    /// The day's.
    Day,
    /// The month's.
    Month,
}

/// Commands of the day and of the month.
#[derive(Copy, Clone, Debug)]
pub struct Quota {
    day: Tally,
    month: Tally,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            day: Tally::new(DAY),
            month: Tally::new(MONTH),
        }
    }
}

impl Quota {
    /// Takes one command. A refused one is not counted.
    ///
    /// # Errors
    /// When the day's or the month's are used up.
    #[inline]
    pub fn take(&mut self, now: SimTime, a_day: u64, a_month: u64) -> Result<(), UsedUp> {
        if self.day.at(now) >= a_day {
            return Err(UsedUp::Day);
        }
        if self.month.at(now) >= a_month {
            return Err(UsedUp::Month);
        }
        self.day.add(now, 1);
        self.month.add(now, 1);
        Ok(())
    }

    /// Taken so far today.
    pub fn today(&mut self, now: SimTime) -> u64 {
        self.day.at(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    // Lost if broken: one command too many or too few, or a quota that never comes back.
    #[test]
    fn the_last_command_of_a_day_is_let_through_and_the_next_waits_for_midnight() {
        let mut quota = Quota::default();
        for _ in 0..3 {
            assert_eq!(quota.take(at(10), 3, u64::MAX), Ok(()));
        }
        assert_eq!(quota.take(at(24 * HOUR - 1), 3, u64::MAX), Err(UsedUp::Day));
        assert_eq!(quota.take(at(24 * HOUR), 3, u64::MAX), Ok(()));
        assert_eq!(quota.today(at(24 * HOUR)), 1);
    }

    // Lost if broken: a month's quota that a new day refills.
    #[test]
    fn a_month_outlasts_its_days() {
        let mut quota = Quota::default();
        assert_eq!(quota.take(at(0), 10, 2), Ok(()));
        assert_eq!(quota.take(at(48 * HOUR), 10, 2), Ok(()));
        assert_eq!(quota.take(at(730 * HOUR - 1), 10, 2), Err(UsedUp::Month));
        assert_eq!(quota.take(at(730 * HOUR), 10, 2), Ok(()));
    }
}
