//! Stations one after another, and requests that split in two and wait for both halves.
//!
//! Owns: the time through two queues in a row, and through two at once.
//! Sources: Burke, "The output of a queuing system" (1956), and Reich, "Waiting times when queues are in tandem" (1957):
//! the times at stations in a row are independent; Nelson and Tantawi, "Approximate analysis of fork/join synchronization
//! in parallel queues", IEEE Transactions on Computers 37 (1988), whose formula for two is exact.

use super::search::tail_falls_to;

/// Share of requests that take longer than `time` seconds through two stations whose responses are exponential with these
/// means.
#[must_use]
pub fn two_in_a_row_tail(first: f64, second: f64, time: f64) -> f64 {
    if (first - second).abs() < 1e-12 * first {
        let steps = time / first;
        return (1.0 + steps) * libm::exp(-steps);
    }
    (first * libm::exp(-time / first) - second * libm::exp(-time / second)) / (first - second)
}

/// The time in seconds that a share `probability` does not exceed.
#[must_use]
pub fn two_in_a_row_quantile(first: f64, second: f64, probability: f64) -> f64 {
    let tail = |time: f64| two_in_a_row_tail(first, second, time);
    tail_falls_to(tail, 1.0 - probability, first + second)
}

/// Mean time in seconds until both halves of a request are done that splits over two equal exponential servers, each
/// with a line of its own.
///
/// # Panics
/// When the servers cannot keep up.
#[must_use]
pub fn fork_join_of_two(arrival: f64, service: f64) -> f64 {
    let utilisation = arrival * service;
    assert!(utilisation < 1.0, "a server cannot keep up with {utilisation} Erlang");
    (12.0 - utilisation) / 8.0 * service / (1.0 - utilisation)
}

/// Mean of the longest of `count` independent exponential times.
#[must_use]
pub fn longest_of(count: u32, mean: f64) -> f64 {
    (1..=count).map(|left| mean / f64::from(left)).sum()
}

/// The time that the longest of `count` independent exponential times does not exceed with this probability.
#[must_use]
pub fn longest_of_quantile(count: u32, mean: f64, probability: f64) -> f64 {
    -mean * libm::log(1.0 - libm::pow(probability, 1.0 / f64::from(count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn two_alike_are_an_erlang_law() {
        // Lost: the limit where the two rates meet.
        check_close(
            "nearly",
            two_in_a_row_tail(1.0, 1.000_01, 2.0),
            two_in_a_row_tail(1.0, 1.0, 2.0),
            1e-5,
        );
        // 95 % of an Erlang law of two phases of 1 s: 4.743865 s, from a table of chi-squared with four degrees (9.487729).
        check_close(
            "p95",
            two_in_a_row_quantile(1.0, 1.0, 0.95),
            9.487_729_036_781 / 2.0,
            1e-10,
        );
    }

    #[test]
    fn without_load_the_two_halves_are_two_exponentials() {
        // Lost: the formula's lower end.
        check_close("idle", fork_join_of_two(1e-12, 0.1), longest_of(2, 0.1), 1e-11);
        check_close("median", longest_of_quantile(1, 2.0, 0.5), 2.0 * libm::log(2.0), 1e-14);
    }
}
