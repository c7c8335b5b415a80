//! A channel for messages: what it lets through, and what a message costs.
//!
//! Owns: the quotas of the day, the month and the trial; the bill in segments. The rate is a token bucket of `limiter`.
//! Never: what a message says, how long it is on its way.
//!
//! Days are counted from time 0, which is a midnight; months are thirty days of them. A message that a quota stops does
//! not use the rate up, and one that the rate stops does not use a quota up.

use super::limiter::{Limiter, LimiterRule, Verdict};
use crate::{SimSpan, SimTime};

const DAY: u64 = 86_400_000_000_000;
const MONTH: u64 = 30 * DAY;

/// Settings of a channel.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct ChannelConfig {
    /// Messages a second, kept up to `burst`; `None` for no limit.
    pub rate: Option<f64>,
    /// Messages at once.
    pub burst: u32,
    /// Messages a day.
    pub per_day: u64,
    /// Messages a month.
    pub per_month: u64,
    /// After so much time it carries nothing any more.
    pub trial: SimSpan,
    /// Segments of a message: each is paid for.
    pub segments: u32,
    /// Dollars a segment.
    pub price: f64,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            rate: None,
            burst: 1,
            per_day: u64::MAX,
            per_month: u64::MAX,
            trial: SimSpan::FOREVER,
            segments: 1,
            price: 0.0,
        }
    }
}

/// How many segments so many characters take, so many to a segment.
#[must_use]
pub fn segments(characters: u32, in_a_segment: Option<u32>) -> u32 {
    in_a_segment.map_or(1, |size| characters.div_ceil(size.max(1)).max(1))
}

/// Why a message was lost.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The trial is over.
    TrialOver,
    /// The month's messages are used up.
    MonthUsedUp,
    /// The day's messages are used up.
    DayUsedUp,
    /// Too many at once.
    TooFast,
}

impl Lost {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::TrialOver => "its trial is over",
            Self::MonthUsedUp => "the month's messages are used up",
            Self::DayUsedUp => "the day's messages are used up",
            Self::TooFast => "too many messages at once",
        }
    }
}

/// The state of a channel.
#[derive(Clone, Debug)]
pub struct Channel {
    config: ChannelConfig,
    limiter: Option<Limiter<u8>>,
    /// The day and month of the last message, and how many each has had.
    day: (u64, u64),
    month: (u64, u64),
}

impl Channel {
    /// A channel that has carried nothing.
    #[must_use]
    pub fn new(config: ChannelConfig) -> Self {
        let limiter = config.rate.map(|rate| {
            Limiter::new(LimiterRule::TokenBucket {
                rate,
                burst: config.burst,
                tick: None,
            })
        });
        Self {
            config,
            limiter,
            day: (0, 0),
            month: (0, 0),
        }
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> &ChannelConfig {
        &self.config
    }

    /// Hands a message over.
    ///
    /// # Errors
    /// Why it is lost.
    pub fn send(&mut self, now: SimTime) -> Result<(), Lost> {
        if now.since(SimTime::ZERO) >= self.config.trial {
            return Err(Lost::TrialOver);
        }
        roll(&mut self.month, now.nanos() / MONTH);
        roll(&mut self.day, now.nanos() / DAY);
        if self.month.1 >= self.config.per_month {
            return Err(Lost::MonthUsedUp);
        }
        if self.day.1 >= self.config.per_day {
            return Err(Lost::DayUsedUp);
        }
        if let Some(limiter) = &mut self.limiter
            && limiter.hit(now, 0) != Verdict::Admit
        {
            return Err(Lost::TooFast);
        }
        self.month.1 += 1;
        self.day.1 += 1;
        Ok(())
    }
}

/// A new period has had nothing.
fn roll(period: &mut (u64, u64), number: u64) {
    if period.0 != number {
        *period = (number, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(channel: &mut Channel, from: u64, every: u64, count: u64) -> Vec<Result<(), Lost>> {
        (0..count)
            .map(|n| channel.send(SimTime::ZERO + SimSpan::from_secs(from + every * n)))
            .collect()
    }

    // Lost if broken: a free offer that never ends, or one that never begins again.
    #[test]
    fn a_day_has_its_messages_and_the_next_day_has_them_again() {
        let mut channel = Channel::new(ChannelConfig {
            per_day: 100,
            ..ChannelConfig::default()
        });
        let answers = sent(&mut channel, 60, 60, 1440 + 100);
        assert!(answers[..100].iter().all(Result::is_ok));
        // The 1,440th message is the first of the second day.
        assert!(answers[100..1439].iter().all(|answer| *answer == Err(Lost::DayUsedUp)));
        assert!(answers[1439..1539].iter().all(Result::is_ok));
        assert_eq!(answers[1539], Err(Lost::DayUsedUp));
    }

    // Lost if broken: the trial of sixty days, and the month's quota above the day's.
    #[test]
    fn months_and_trials_end() {
        let mut channel = Channel::new(ChannelConfig {
            per_month: 40,
            trial: SimSpan::from_secs(60 * 86_400),
            ..ChannelConfig::default()
        });
        // Two a day: 40 reach to the 20th day.
        let answers = sent(&mut channel, 0, 43_200, 121);
        assert!(answers[..40].iter().all(Result::is_ok));
        assert_eq!(answers[40], Err(Lost::MonthUsedUp));
        assert_eq!(answers[59], Err(Lost::MonthUsedUp));
        assert_eq!(answers[60], Ok(()));
        assert_eq!(answers[119], Err(Lost::MonthUsedUp));
        assert_eq!(answers[120], Err(Lost::TrialOver));
    }

    // Lost if broken: three alerts of one look through a channel that takes one a second.
    #[test]
    fn too_many_at_once_are_lost_and_use_no_quota_up() {
        let mut channel = Channel::new(ChannelConfig {
            rate: Some(1.0),
            burst: 2,
            per_day: 3,
            ..ChannelConfig::default()
        });
        let now = sent(&mut channel, 0, 0, 4);
        assert_eq!(now, [Ok(()), Ok(()), Err(Lost::TooFast), Err(Lost::TooFast)]);
        assert_eq!(sent(&mut channel, 10, 0, 2), [Ok(()), Err(Lost::DayUsedUp)]);
    }

    // Lost if broken: what an emoji makes of the price of a text message.
    #[test]
    fn a_message_is_cut_into_segments() {
        assert_eq!(segments(140, Some(160)), 1);
        assert_eq!(segments(140, Some(70)), 2);
        assert_eq!(segments(141, Some(70)), 3);
        assert_eq!(segments(0, Some(70)), 1);
        assert_eq!(segments(1000, None), 1);
    }
}
