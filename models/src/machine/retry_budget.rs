//! A retry budget: retries are at most a share of what is asked the first time.
//!
//! Owns: what has been saved up. Never: when a retry is worth it (that is `retry.rs`).
//!
//! Each first attempt pays a share of a retry in, each retry takes a whole one out. Savings are bounded, so that a long
//! calm does not pay for a storm: a system that fails altogether gets its share in retries from then on, and no more.

/// The most that is saved: retries that may come at once after a calm.
const SAVED_MAX: f64 = 10.0;

/// The budget.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct RetryBudget {
    share: f64,
    saved: f64,
}

impl RetryBudget {
    /// An empty one. A share of one or more pays for every retry that a policy with one retry can ask for; infinity
    /// refuses nothing.
    #[must_use]
    pub const fn new(share: f64) -> Self {
        Self { share, saved: 0.0 }
    }

    /// Another share from now on; what has been saved up stays.
    pub fn set_share(&mut self, share: f64) {
        self.share = share;
    }

    /// Something is asked for the first time.
    #[inline]
    pub fn note_request(&mut self) {
        self.saved = (self.saved + self.share).min(SAVED_MAX);
    }

    /// Takes a retry out, if one is there.
    #[inline]
    pub fn take(&mut self) -> bool {
        if self.share == f64::INFINITY {
            return true;
        }
        // A share such as 0.1 is not exact in binary: ten of them make a whole one all the same.
        if self.saved < 1.0 - 1e-9 {
            return false;
        }
        self.saved = (self.saved - 1.0).max(0.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(budget: &mut RetryBudget, requests: u32) -> u32 {
        (0..requests)
            .map(|_| {
                budget.note_request();
                u32::from(budget.take())
            })
            .sum()
    }

    /// Lost if broken: the very storm it is there to prevent.
    #[test]
    fn retries_are_its_share_of_requests_whatever_fails() {
        assert_eq!(granted(&mut RetryBudget::new(0.1), 1000), 100);
        assert_eq!(granted(&mut RetryBudget::new(0.0), 1000), 0);
        assert_eq!(granted(&mut RetryBudget::new(f64::INFINITY), 7), 7);
    }

    /// Lost if broken: an hour of calm would pay for minutes of storm.
    #[test]
    fn a_calm_saves_up_no_more_than_a_handful() {
        let mut budget = RetryBudget::new(0.1);
        (0..100_000).for_each(|_| budget.note_request());
        let at_once = (0..1000).filter(|_| budget.take()).count();
        assert_eq!(at_once, 10);
    }
}
