//! Attempts that fail independently of each other.
//!
//! Owns: how many there are, how many requests fail in the end, and how long the others take. Source: the geometric
//! series.

/// Mean attempts of a request whose attempts fail with probability `fails`, with at most `max` retries.
#[must_use]
pub fn attempts_mean(fails: f64, max: u32) -> f64 {
    (0..=max).map(|retry| libm::pow(fails, f64::from(retry))).sum()
}

/// Share of requests that fail in all attempts.
#[must_use]
pub fn failed(fails: f64, max: u32) -> f64 {
    libm::pow(fails, f64::from(max) + 1.0)
}

/// Mean time in seconds of those that succeed: each attempt takes `attempt`, and before the n-th retry, from 0, is a wait
/// with this mean.
#[must_use]
pub fn response_mean(fails: f64, max: u32, attempt: f64, wait: impl Fn(u32) -> f64) -> f64 {
    let (mut sum, mut taken) = (0.0, attempt);
    for retry in 0..=max {
        sum += libm::pow(fails, f64::from(retry)) * (1.0 - fails) * taken;
        taken += wait(retry) + attempt;
    }
    sum / (1.0 - failed(fails, max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn half_of_all_fail() {
        // Lost: the number of attempts in `max` retries.
        check_close("attempts", attempts_mean(0.5, 2), 1.75, 1e-15);
        check_close("failed", failed(0.5, 2), 0.125, 1e-15);
        // 4 of 7 at once, 2 after one wait of 1 s, 1 after another of 2 s; each attempt 1 s.
        let mean = response_mean(0.5, 2, 1.0, |retry| f64::from(retry + 1));
        check_close("time", mean, (4.0 + 2.0 * 3.0 + 6.0) / 7.0, 1e-15);
    }
}
