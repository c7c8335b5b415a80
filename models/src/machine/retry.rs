//! How long to wait before trying again, and when to stop trying.
//!
//! Owns: the arithmetic of exponential backoff with jitter and of `Retry-After`.
//! Never: chance; the driver hands in the uniform draw. Only multiplication and addition, so that every machine
//! computes the same bits.

use crate::SimSpan;

#[cfg(test)]
mod tests;

/// How a wait `w` is spread by a uniform draw.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum JitterKind {
    /// `w` as it is.
    None,
    /// Between 0 and `w`.
    Full,
    /// Between half of `w` and `w`.
    Equal,
    /// Between three quarters of `w` and `w`, as OpenAI's Node SDK spreads it.
    Down25,
}

/// When and how to try again.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// Retries after the first attempt; [`u32::MAX`] for ever.
    pub max: u32,
    /// The first wait.
    pub base: SimSpan,
    /// Each further wait is so many times the one before. What is not a positive number counts as 1.
    pub factor: f64,
    /// Longest wait before jitter; [`SimSpan::FOREVER`] for no limit.
    pub cap: SimSpan,
    /// How a wait is spread.
    pub jitter: JitterKind,
    /// Whether to wait as long as the refusal says.
    pub honour_retry_after: bool,
    /// A refusal that says longer is not obeyed; the computed wait holds then.
    pub retry_after_max: SimSpan,
}

impl RetryPolicy {
    /// OpenAI's Node SDK (6.10.0 and 7.57.0, read in the source): two retries, half a second doubling to eight, up to a
    /// quarter less, `retry-after` obeyed up to a minute.
    #[must_use]
    pub const fn openai_sdk() -> Self {
        Self {
            max: 2,
            base: SimSpan::from_millis(500),
            factor: 2.0,
            cap: SimSpan::from_secs(8),
            jitter: JitterKind::Down25,
            honour_retry_after: true,
            retry_after_max: SimSpan::from_secs(60),
        }
    }

    /// React Query's default for queries (documented): three retries, one second doubling to thirty, no jitter. It never
    /// retries mutations; that is for the caller to know.
    #[must_use]
    pub const fn react_query() -> Self {
        Self {
            max: 3,
            base: SimSpan::from_secs(1),
            factor: 2.0,
            cap: SimSpan::from_secs(30),
            jitter: JitterKind::None,
            honour_retry_after: false,
            retry_after_max: SimSpan::from_secs(60),
        }
    }

    /// How long to wait before the next attempt, after `retries_done` retries; `None` to give up. `retry_after` is what
    /// the refusal said, `uniform` a draw from [0, 1).
    #[must_use]
    pub fn next(&self, retries_done: u32, retry_after: Option<SimSpan>, uniform: f64) -> Option<SimSpan> {
        if self.max != u32::MAX && retries_done >= self.max {
            return None;
        }
        if self.honour_retry_after
            && let Some(told) = retry_after
            && told <= self.retry_after_max
        {
            return Some(told);
        }
        let wait = self.wait(retries_done);
        let uniform = if uniform >= 0.0 { uniform.min(1.0) } else { 0.0 };
        let share = match self.jitter {
            JitterKind::None => return Some(wait),
            JitterKind::Full => uniform,
            JitterKind::Equal => 0.5 + 0.5 * uniform,
            JitterKind::Down25 => 1.0 - 0.25 * uniform,
        };
        Some(rounded(wait.nanos() as f64 * share))
    }

    /// The wait before retry number `retries_done` + 1, before jitter.
    fn wait(&self, retries_done: u32) -> SimSpan {
        if self.base == SimSpan::ZERO || self.cap == SimSpan::ZERO {
            return SimSpan::ZERO;
        }
        let mut square = if self.factor > 0.0 && self.factor.is_finite() {
            self.factor
        } else {
            1.0
        };
        let mut growth = 1.0;
        // By squaring, for a policy that retries for ever may ask for a very high power.
        let mut left = retries_done;
        while left > 0 {
            if left & 1 == 1 {
                growth *= square;
            }
            square *= square;
            left >>= 1;
        }
        rounded(self.base.nanos() as f64 * growth).min(self.cap)
    }
}

/// The whole number of nanoseconds nearest to `nanos`; too large becomes forever.
fn rounded(nanos: f64) -> SimSpan {
    // `as` saturates. Halves go up; a whole number above 2^52 has no half to add.
    SimSpan::from_nanos((nanos + 0.5) as u64)
}
