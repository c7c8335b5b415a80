//! What a rate limiter lets through of a Poisson stream that belongs to one key.
//!
//! Owns: the share accepted in the long run by each rule, and the delay where a bucket makes requests wait.
//! Never: the start: buckets that start full and windows that start unopened are forgotten.
//! Sources are given at each function; where none is, the argument is.

use super::erlang::erlang_b;
use super::poisson;
use super::single_server::{constant_service_in_system, constant_service_relative};

/// Mean of the lesser of `limit` and a Poisson number with this mean.
fn poisson_capped(mean: f64, limit: usize) -> f64 {
    // The sum over k below the limit of the probability to be above k.
    (0..limit).map(|count| poisson::beyond(mean, count)).sum()
}

/// Share accepted by a window that opens at the first hit: `limit` hits per `window` seconds, `rate` hits a second.
///
/// Windows and the gaps between them renew: a gap ends with the hit that opens the next window, and a Poisson number
/// follows within it. So of 1 + N hits the first `limit` are accepted, over and over.
#[must_use]
pub fn fixed_window_accepted(rate: f64, window: f64, limit: usize) -> f64 {
    assert!(limit > 0, "a window that accepts nothing never opens");
    let others = rate * window;
    (1.0 + poisson_capped(others, limit - 1)) / (1.0 + others)
}

/// Accepted hits a second of the same window.
#[must_use]
pub fn fixed_window_throughput(rate: f64, window: f64, limit: usize) -> f64 {
    rate * fixed_window_accepted(rate, window, limit)
}

/// Windows opened a second: one for each window and the gap that follows it.
#[must_use]
pub fn fixed_windows_opened(rate: f64, window: f64) -> f64 {
    1.0 / (window + 1.0 / rate)
}

/// Share accepted by windows that open by the clock: each gets a Poisson number of hits.
#[must_use]
pub fn clock_window_accepted(rate: f64, window: f64, limit: usize) -> f64 {
    poisson_capped(rate * window, limit) / (rate * window)
}

/// Share accepted by a sliding window that counts accepted hits.
///
/// Each accepted hit takes one of `limit` places for exactly `window` seconds, and a hit that finds none is refused:
/// a loss system with constant service, for which Erlang's formula holds as for any other (Sevastyanov 1957).
#[must_use]
pub fn sliding_window_accepted(rate: f64, window: f64, limit: u32) -> f64 {
    1.0 - erlang_b(limit, rate * window)
}

/// Share accepted by a sliding window that counts refused hits too: fewer than `limit` hits of any kind came within
/// the last `window` seconds.
#[must_use]
pub fn sliding_window_of_all_accepted(rate: f64, window: f64, limit: usize) -> f64 {
    assert!(limit > 0, "a window that accepts nothing");
    1.0 - poisson::beyond(rate * window, limit - 1)
}

/// Share accepted by a token bucket: `refill` tokens a second, at most `burst`, `rate` hits a second, one token each.
///
/// The time until the bucket is full again behaves as the work in a queue: each accepted hit adds `1 / refill`, and
/// it is accepted while at most `burst - 1` of these are there. So this is M/D/1 with room for `burst`: up to there
/// the states are in proportion those of the endless line, and as much is accepted as is worked off.
#[must_use]
pub fn token_bucket_accepted(rate: f64, refill: f64, burst: usize) -> f64 {
    assert!(burst > 0, "a bucket that holds no token");
    let offered = rate / refill;
    let open: f64 = constant_service_relative(offered, burst - 1).iter().sum();
    // Relative to the share of time that the bucket is full: share * open is accepted, 1 - share is worked off.
    let accepted = open / (1.0 + offered * open);
    // Far above the limit the sum outgrows what a number holds; then everything that drips in is used.
    if accepted.is_finite() { accepted } else { 1.0 / offered }
}

/// Mean delay in seconds, zeros included, of a token bucket that makes hits wait instead of refusing them.
///
/// The same queue with endless room: those beyond `burst` in it are the ones still waiting for their token, and
/// Little's law makes a time of their number.
///
/// # Panics
/// When more come than tokens.
#[must_use]
pub fn token_bucket_delay(rate: f64, refill: f64, burst: usize) -> f64 {
    assert!(burst > 0, "a bucket that holds no token");
    let offered = rate / refill;
    let states = constant_service_in_system(offered, burst);
    // Mean in system of M/D/1, less what lies within the first `burst`.
    let all = offered + offered * offered / 2.0 / (1.0 - offered);
    let mut below = 0.0;
    let mut within = 0.0;
    for state in &states[..burst] {
        below += state;
        within += 1.0 - below;
    }
    (all - within).max(0.0) / rate
}

/// Share accepted of `people`'s hits, `rate` a second each, by a limit for each person and then one for everybody, both in
/// windows by the clock: whom the first refuses does not count at the second.
///
/// In a window each person has a Poisson number of hits, cut off at their limit; the sum of these is cut off at
/// everybody's.
#[must_use]
pub fn own_window_first_accepted(people: usize, rate: f64, window: f64, own: usize, shared: usize) -> f64 {
    let offered = rate * window;
    let mut person: Vec<f64> = (0..own).map(|hits| poisson::exactly(offered, hits)).collect();
    person.push(poisson::beyond(offered, own - 1));
    let mut sum = vec![1.0];
    for _ in 0..people {
        let mut next = vec![0.0; sum.len() + own];
        for (before, probability) in sum.iter().enumerate() {
            for (hits, chance) in person.iter().enumerate() {
                next[before + hits] += probability * chance;
            }
        }
        sum = next;
    }
    let passed = sum.iter().enumerate();
    let mean: f64 = passed
        .map(|(hits, probability)| hits.min(shared) as f64 * probability)
        .sum();
    mean / (offered * people as f64)
}

/// The same in the other order: the first `shared` hits of a window pass, whosever they are, and of these each person
/// has as many as a draw gives, cut off at their own limit.
#[must_use]
pub fn shared_window_first_accepted(people: usize, rate: f64, window: f64, own: usize, shared: usize) -> f64 {
    let offered = rate * window * people as f64;
    let share = 1.0 / people as f64;
    // Mean of the lesser of `own` and a binomial number of `hits`.
    let capped = |hits: usize| -> f64 {
        let log = |number: usize| libm::lgamma(number as f64 + 1.0);
        let probability = |number: usize| {
            let ways = log(hits) - log(number) - log(hits - number);
            libm::exp(ways + number as f64 * libm::log(share) + (hits - number) as f64 * libm::log(1.0 - share))
        };
        (0..=hits)
            .map(|number| number.min(own) as f64 * probability(number))
            .sum()
    };
    let mut mean = 0.0;
    for hits in 0..shared {
        mean += poisson::exactly(offered, hits) * capped(hits);
    }
    mean += poisson::beyond(offered, shared - 1) * capped(shared);
    mean / rate / window
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::single_server::{CV_CONSTANT, wait_mean};
    use crate::validate::theory::testing::{Arrivals, check_close};
    use std::collections::VecDeque;

    /// Share of 200,000 hits at `rate` that `accepts` lets through.
    fn count(rate: f64, mut accepts: impl FnMut(f64) -> bool) -> f64 {
        let hits = 200_000;
        Arrivals::new(rate).take(hits).filter(|&now| accepts(now)).count() as f64 / hits as f64
    }

    #[test]
    fn a_window_from_the_first_hit_is_as_counted() {
        // Lost: the renewal argument, and the hit that opens the window.
        check_close("limit 1", fixed_window_accepted(0.2, 60.0, 1), 1.0 / 13.0, 1e-15);
        check_close("no limit", fixed_window_accepted(0.2, 60.0, 1000), 1.0, 1e-12);
        let (mut ends, mut used) = (0.0, 0);
        let counted = count(0.2, |now| {
            if now >= ends {
                (ends, used) = (now + 60.0, 0);
            }
            used += 1;
            used <= 10
        });
        check_close("10 a minute of 12", counted, fixed_window_accepted(0.2, 60.0, 10), 4e-3);
        check_close("windows", fixed_windows_opened(0.2, 60.0), 1.0 / 65.0, 1e-15);
        let throughput = fixed_window_throughput(0.2, 60.0, 1);
        check_close("one hit for each window", throughput, 1.0 / 65.0, 1e-15);
    }

    #[test]
    fn a_window_by_the_clock_is_as_counted() {
        // Lost: the difference between the two ways to open a window.
        let (mut window, mut used) = (-1.0, 0);
        let counted = count(0.2, |now| {
            if (now / 60.0).floor() > window {
                (window, used) = ((now / 60.0).floor(), 0);
            }
            used += 1;
            used <= 10
        });
        check_close("10 a minute of 12", counted, clock_window_accepted(0.2, 60.0, 10), 4e-3);
        // A window that a hit opens has one more hit in it than one that the clock opens.
        assert!(clock_window_accepted(0.2, 60.0, 10) > fixed_window_accepted(0.2, 60.0, 10));
    }

    #[test]
    fn sliding_windows_are_as_counted() {
        // Lost: whether refused hits count.
        let mut accepted = VecDeque::new();
        let counted = count(0.2, |now| {
            accepted.retain(|&hit| now - hit < 60.0);
            let room = accepted.len() < 10;
            if room {
                accepted.push_back(now);
            }
            room
        });
        check_close("accepted hits", counted, sliding_window_accepted(0.2, 60.0, 10), 4e-3);
        let mut hits = VecDeque::new();
        let counted = count(0.2, |now| {
            hits.retain(|&hit| now - hit < 60.0);
            hits.push_back(now);
            hits.len() <= 10
        });
        check_close("all hits", counted, sliding_window_of_all_accepted(0.2, 60.0, 10), 5e-3);
    }

    #[test]
    fn a_bucket_is_as_counted_and_as_its_small_cases() {
        // Lost: the queue behind the bucket, below its limit, at it and above it.
        check_close("one token", token_bucket_accepted(3.0, 2.0, 1), 0.4, 1e-14);
        let load = 1.5;
        check_close(
            "two tokens",
            token_bucket_accepted(3.0, 2.0, 2),
            1.0 / (libm::exp(-load) + load),
            1e-14,
        );
        for (rate, burst) in [(1.6, 3), (2.0, 10), (3.0, 5)] {
            let mut full_at: f64 = 0.0;
            let counted = count(rate, |now| {
                let from = full_at.max(now);
                let accepts = from - now <= (burst - 1) as f64 * 0.5;
                if accepts {
                    full_at = from + 0.5;
                }
                accepts
            });
            check_close("counted", counted, token_bucket_accepted(rate, 2.0, burst), 4e-3);
        }
    }

    #[test]
    fn a_large_bucket_takes_all_or_what_drips_in() {
        // Lost: the limits of a generous burst, and numbers beyond what one can hold.
        check_close("below the rate", token_bucket_accepted(100.0, 300.0, 300), 1.0, 1e-12);
        check_close("above the rate", token_bucket_accepted(600.0, 300.0, 3000), 0.5, 1e-12);
    }

    #[test]
    fn waiting_for_tokens_is_a_queue() {
        // Lost: the bucket that shapes instead of refusing.
        check_close(
            "one token",
            token_bucket_delay(1.6, 2.0, 1),
            wait_mean(1.6, 0.5, CV_CONSTANT),
            1e-12,
        );
        let (mut full_at, mut waits): (f64, f64) = (0.0, 0.0);
        count(1.6, |now| {
            let from = full_at.max(now);
            waits += (from - now - 2.0 * 0.5).max(0.0);
            full_at = from + 0.5;
            true
        });
        check_close("three tokens", waits / 200_000.0, token_bucket_delay(1.6, 2.0, 3), 2e-2);
        check_close("plenty", token_bucket_delay(1.6, 2.0, 300), 0.0, 1e-12);
    }

    #[test]
    fn two_limits_in_order_are_as_counted() {
        // Lost: which of the two is asked first.
        for own_first in [true, false] {
            let (mut window, mut shared, mut own) = (0.0, 0, [0; 4]);
            let mut hits: usize = 0;
            let counted = count(4.0, |now| {
                if (now / 10.0).floor() > window {
                    (window, shared, own) = ((now / 10.0).floor(), 0, [0; 4]);
                }
                // Somebody, by a multiplier with no pattern in four.
                hits = hits
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let person = hits >> 62;
                if own_first {
                    own[person] += 1;
                    if own[person] > 10 {
                        return false;
                    }
                    shared += 1;
                    return shared <= 34;
                }
                shared += 1;
                if shared > 34 {
                    return false;
                }
                own[person] += 1;
                own[person] <= 10
            });
            let theory = if own_first {
                own_window_first_accepted(4, 1.0, 10.0, 10, 34)
            } else {
                shared_window_first_accepted(4, 1.0, 10.0, 10, 34)
            };
            check_close("accepted", counted, theory, 4e-3);
        }
    }
}
