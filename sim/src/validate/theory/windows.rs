//! A line that may start only so many in each window of a clock.
//!
//! Owns: the line in steady state, for Poisson arrivals and work that takes no slot.
//! Source: the bulk-service queue of Bailey, "On queueing processes with bulk service", Journal of the Royal Statistical
//! Society B 16 (1954), looked at within its windows: `t` after a window began, what came so far less the cap is waiting.

use super::poisson;

/// Mean number waiting: `arrival` a second, `cap` starts in each `window` seconds.
///
/// # Panics
/// When more come than may start.
#[must_use]
pub fn queue_mean(arrival: f64, window: f64, cap: usize) -> f64 {
    let offered = arrival * window;
    assert!(offered < cap as f64, "{cap} starts a window are too few for {offered}");
    let room = cap + (60.0 * offered / (cap as f64 - offered)) as usize + 10 * offered as usize + 100;
    let left = left_over(offered, cap, room);
    // Simpson's rule over the window.
    const PANELS: usize = 60;
    let waiting = |share: f64| {
        let come = poisson::up_to(offered * share, room);
        let mut mean = 0.0;
        for (before, probability) in left.iter().enumerate() {
            for (more, chance) in come.iter().enumerate() {
                mean += probability * chance * (before + more).saturating_sub(cap) as f64;
            }
        }
        mean
    };
    let mut sum = 0.0;
    for at in 0..=PANELS {
        let weight = match at {
            0 | PANELS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        sum += weight * waiting(at as f64 / PANELS as f64);
    }
    sum / (3.0 * PANELS as f64)
}

/// Probabilities of 0, 1, ... `room` left waiting when a window ends.
fn left_over(offered: f64, cap: usize, room: usize) -> Vec<f64> {
    let come = poisson::up_to(offered, room);
    let mut left = vec![0.0; room + 1];
    left[0] = 1.0;
    loop {
        let mut next = vec![0.0; room + 1];
        for (before, probability) in left.iter().enumerate() {
            for (more, chance) in come.iter().enumerate() {
                next[(before + more).saturating_sub(cap).min(room)] += probability * chance;
            }
        }
        let change: f64 = next.iter().zip(&left).map(|(new, old)| (new - old).abs()).sum();
        left = next;
        if change < 1e-14 {
            return left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::{Arrivals, check_close};

    #[test]
    fn the_line_is_as_counted() {
        // Lost: what waits within a window, against two hundred thousand arrivals one by one.
        let (arrival, window, cap) = (8.0, 1.0, 10);
        let (mut starts, mut waited): (f64, f64) = (0.0, 0.0);
        let mut taken = 0;
        for now in Arrivals::new(arrival).take(200_000) {
            let own = (now / window).floor();
            if own > starts {
                (starts, taken) = (own, 0);
            }
            if taken == cap {
                (starts, taken) = (starts + 1.0, 0);
            }
            taken += 1;
            waited += (starts * window - now).max(0.0);
        }
        check_close(
            "waiting",
            waited / 200_000.0 * arrival,
            queue_mean(arrival, window, cap),
            3e-2,
        );
    }
}
