//! The limits of a model provider's account: requests and tokens, by the minute and by the day.
//!
//! Owns: what is left of each limit.
//! Never: prices, answers, latency; or whether tokens were estimated well.
//!
//! A request is checked against all limits and charged to them up front, or refused. Refused requests are charged to the
//! limits on requests too if the account works that way (OpenAI documents that unsuccessful requests count, so that
//! resending without a pause does not help); a bucket goes no lower than empty. Tokens of refused requests are not
//! charged: none were used.
//!
//! All arithmetic is in integers and exact: a bucket counts in tokens times nanoseconds.

use crate::{SimSpan, SimTime};

#[cfg(test)]
mod tests;

/// A minute.
const MINUTE: SimSpan = SimSpan::from_secs(60);
/// A day.
const DAY: SimSpan = SimSpan::from_secs(24 * 60 * 60);
/// Nanoseconds in a second.
const SECOND: u64 = SimSpan::from_secs(1).nanos();

/// How a limit is counted.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ProviderWindow {
    /// A bucket that is refilled continuously and starts full.
    Bucket,
    /// Whole minutes and days from the first request on; the next window opens with the first request after the last.
    Fixed,
}

/// What a refusal says about when to come back.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Nothing.
    None,
    /// The time at which it would have been let through, to the nanosecond.
    Exact,
    /// The same, rounded up to whole seconds.
    WholeSeconds,
}

/// Which limit refused.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum LimitBy {
    /// Requests per minute.
    RequestsPerMinute,
    /// Requests per day.
    RequestsPerDay,
    /// Tokens per minute.
    TokensPerMinute,
    /// Tokens per day.
    TokensPerDay,
}

/// A refused request.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What the refusal says about when to come back; nothing when no wait would help.
    pub retry_after: Option<SimSpan>,
    /// The limit with the longest wait.
    pub by: LimitBy,
}

/// What is left of one limit.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub by: LimitBy,
    /// The most that can be left of it.
    pub limit: u64,
    /// Whole requests or tokens that are left now.
    pub left: u64,
    /// When all of it is there again if nothing more is charged.
    pub full_in: SimSpan,
}

/// Settings of an account. `None` is no limit.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ProviderLimitConfig {
    /// Requests allowed per minute.
    pub requests_per_minute: Option<u64>,
    /// Requests allowed per day.
    pub requests_per_day: Option<u64>,
    /// Tokens allowed per minute.
    pub tokens_per_minute: Option<u64>,
    /// Tokens allowed per day.
    pub tokens_per_day: Option<u64>,
    /// How all four are counted.
    pub window: ProviderWindow,
    /// Size of the bucket of requests per minute; `None` for a minute's worth.
    pub request_burst: Option<u64>,
    /// Size of the bucket of tokens per minute; `None` for a minute's worth.
    pub token_burst: Option<u64>,
    /// The limits per minute are enforced over this shorter time (60 a minute as 1 a second): fixed windows are this
    /// long, and buckets hold at most so much. `None` for over a minute.
    pub enforced_over: Option<SimSpan>,
    /// Whether refused requests use up the limits on requests too.
    pub refused_count: bool,
    /// What a refusal says.
    pub retry_after: RetryAfter,
}

impl ProviderLimitConfig {
    /// No limits; a base to change.
    pub const UNLIMITED: Self = Self {
        requests_per_minute: None,
        requests_per_day: None,
        tokens_per_minute: None,
        tokens_per_day: None,
        window: ProviderWindow::Bucket,
        request_burst: None,
        token_burst: None,
        enforced_over: None,
        refused_count: true,
        retry_after: RetryAfter::Exact,
    };
}

/// One limit.
#[derive(Copy, Clone, Debug)]
struct Limit {
    by: LimitBy,
    /// Whether it counts tokens; else requests.
    tokens: bool,
    meter: Meter,
}

/// How a limit is measured.
#[derive(Copy, Clone, Debug)]
enum Meter {
    /// `units` of `per` nanoseconds each make one; `rate` units come each nanosecond.
    Bucket {
        rate: u64,
        per: u64,
        size: u64,
        units: u128,
        at: SimTime,
    },
    Fixed {
        limit: u64,
        per: SimSpan,
        used: u64,
        end: SimTime,
    },
}

/// The limits of an account.
#[derive(Clone, Debug)]
pub struct ProviderLimit {
    config: ProviderLimitConfig,
    limits: [Option<Limit>; 4],
    accepted: u64,
    refused: u64,
}

impl ProviderLimit {
    /// An account that has not been used.
    #[must_use]
    pub fn new(config: ProviderLimitConfig) -> Self {
        Self {
            config,
            limits: limits(&config),
            accepted: 0,
            refused: 0,
        }
    }

    /// A request with this many tokens: charged, or refused.
    ///
    /// # Errors
    /// When one of the limits has not enough left.
    pub fn request(&mut self, now: SimTime, tokens: u64) -> Result<(), Refused> {
        let mut worst: Option<(SimSpan, LimitBy)> = None;
        for limit in self.limits.iter_mut().flatten() {
            let cost = if limit.tokens { tokens } else { 1 };
            let wait = limit.meter.wait(now, cost);
            if wait > SimSpan::ZERO && worst.is_none_or(|(longest, _)| wait > longest) {
                worst = Some((wait, limit.by));
            }
        }
        let Some((_, by)) = worst else {
            for limit in self.limits.iter_mut().flatten() {
                limit.meter.charge(if limit.tokens { tokens } else { 1 });
            }
            self.accepted += 1;
            return Ok(());
        };
        self.refused += 1;
        if self.config.refused_count {
            for limit in self.limits.iter_mut().flatten().filter(|limit| !limit.tokens) {
                limit.meter.charge(1);
            }
        }
        // Told after the refusal was charged, so that whoever obeys is let through if nobody else comes.
        let wait = self
            .limits
            .iter_mut()
            .flatten()
            .map(|limit| limit.meter.wait(now, if limit.tokens { tokens } else { 1 }))
            .max()
            .unwrap_or(SimSpan::ZERO);
        Err(Refused {
            retry_after: self.told(wait),
            by,
        })
    }

    /// Changes the limits for what is decided from now on. Each limit that is counted as before keeps what was used of
    /// it; a bucket holds no more than its new size.
    pub fn set_config(&mut self, now: SimTime, config: ProviderLimitConfig) {
        let old = std::mem::replace(&mut self.limits, limits(&config));
        self.config = config;
        for (new, old) in self.limits.iter_mut().zip(old) {
            if let (Some(new), Some(old)) = (new, old) {
                new.meter.inherit(now, old.meter);
            }
        }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ProviderLimitConfig {
        &self.config
    }

    /// What is left of each limit that there is: those of a minute first.
    pub fn left(&mut self, now: SimTime) -> impl Iterator<Item = Left> {
        self.limits.iter_mut().flatten().map(move |limit| {
            let (size, left, full_in) = limit.meter.left(now);
            Left {
                by: limit.by,
                limit: size,
                left,
                full_in,
            }
        })
    }

    /// Requests let through.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Requests refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// What a refusal says of a wait.
    fn told(&self, wait: SimSpan) -> Option<SimSpan> {
        if wait == SimSpan::FOREVER {
            return None;
        }
        match self.config.retry_after {
            RetryAfter::None => None,
            RetryAfter::Exact => Some(wait),
            RetryAfter::WholeSeconds => Some(SimSpan::from_nanos(
                wait.nanos().div_ceil(SECOND).saturating_mul(SECOND),
            )),
        }
    }
}

/// The limits that the settings name.
fn limits(config: &ProviderLimitConfig) -> [Option<Limit>; 4] {
    let over = config
        .enforced_over
        .filter(|&over| over < MINUTE && over > SimSpan::ZERO)
        .unwrap_or(MINUTE);
    let limit = |by, tokens, number: Option<u64>, period: SimSpan, over: SimSpan, burst: Option<u64>| {
        let number = number?;
        // The share of a shorter time, rounded down, but at least one.
        let share = u128::from(number) * u128::from(over.nanos()) / u128::from(period.nanos());
        let share = u64::try_from(share).unwrap_or(u64::MAX).max(number.min(1));
        let meter = match config.window {
            ProviderWindow::Bucket => {
                let size = burst.map_or(share, |burst| if over < period { burst.min(share) } else { burst });
                Meter::Bucket {
                    rate: number,
                    per: period.nanos(),
                    size,
                    units: u128::from(size) * u128::from(period.nanos()),
                    at: SimTime::ZERO,
                }
            }
            ProviderWindow::Fixed => Meter::Fixed {
                limit: share,
                per: over,
                used: 0,
                end: SimTime::ZERO,
            },
        };
        Some(Limit { by, tokens, meter })
    };
    [
        limit(
            LimitBy::RequestsPerMinute,
            false,
            config.requests_per_minute,
            MINUTE,
            over,
            config.request_burst,
        ),
        limit(
            LimitBy::TokensPerMinute,
            true,
            config.tokens_per_minute,
            MINUTE,
            over,
            config.token_burst,
        ),
        limit(LimitBy::RequestsPerDay, false, config.requests_per_day, DAY, DAY, None),
        limit(LimitBy::TokensPerDay, true, config.tokens_per_day, DAY, DAY, None),
    ]
}

impl Meter {
    /// Brings the meter up to `now`; how long until `cost` is there, forever when it never will be.
    fn wait(&mut self, now: SimTime, cost: u64) -> SimSpan {
        match self {
            Self::Bucket {
                rate,
                per,
                size,
                units,
                at,
            } => {
                let full = u128::from(*size) * u128::from(*per);
                let come = u128::from(now.since(*at).nanos()) * u128::from(*rate);
                *units = units.saturating_add(come).min(full);
                *at = now.max(*at);
                let needed = u128::from(cost) * u128::from(*per);
                if needed <= *units {
                    SimSpan::ZERO
                } else if needed > full || *rate == 0 {
                    SimSpan::FOREVER
                } else {
                    let wait = (needed - *units).div_ceil(u128::from(*rate));
                    SimSpan::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
                }
            }
            Self::Fixed { limit, per, used, end } => {
                if now >= *end {
                    *used = 0;
                    *end = now + *per;
                }
                if used.saturating_add(cost) <= *limit {
                    SimSpan::ZERO
                } else if cost > *limit {
                    SimSpan::FOREVER
                } else {
                    *end - now
                }
            }
        }
    }

    /// Brings the meter up to `now`; its size, what is left of it, and how long until it is full.
    fn left(&mut self, now: SimTime) -> (u64, u64, SimSpan) {
        self.wait(now, 0);
        match self {
            Self::Bucket {
                rate, per, size, units, ..
            } => {
                let missing = u128::from(*size) * u128::from(*per) - *units;
                let wait = match missing.checked_div(u128::from(*rate)) {
                    _ if missing == 0 => SimSpan::ZERO,
                    Some(_) => {
                        let wait = missing.div_ceil(u128::from(*rate));
                        SimSpan::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
                    }
                    None => SimSpan::FOREVER,
                };
                // No more than `size`, which is a whole number of this width.
                (*size, (*units / u128::from(*per)) as u64, wait)
            }
            Self::Fixed { limit, used, end, .. } => {
                let wait = if *used == 0 { SimSpan::ZERO } else { *end - now };
                (*limit, limit.saturating_sub(*used), wait)
            }
        }
    }

    /// Takes `cost` out; a bucket goes no lower than empty. The meter has to be up to date.
    fn charge(&mut self, cost: u64) {
        match self {
            Self::Bucket { per, units, .. } => *units = units.saturating_sub(u128::from(cost) * u128::from(*per)),
            Self::Fixed { used, .. } => *used = used.saturating_add(cost),
        }
    }

    /// Goes on where a meter of the same kind was.
    fn inherit(&mut self, now: SimTime, mut old: Meter) {
        old.wait(now, 0);
        match (self, old) {
            (
                Self::Bucket {
                    per, size, units, at, ..
                },
                Self::Bucket { units: left, .. },
            ) => {
                *units = left.min(u128::from(*size) * u128::from(*per));
                *at = now;
            }
            (
                Self::Fixed { used, end, .. },
                Self::Fixed {
                    used: before,
                    end: ends,
                    ..
                },
            ) => {
                *used = before;
                *end = ends;
            }
            _ => {}
        }
    }
}
