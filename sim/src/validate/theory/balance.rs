//! Several equal exponential servers, each with a line of its own, and who is sent where.
//!
//! Owns: the mean response where everybody joins the shorter of two lines.
//! Source: the chain of the two lines, solved numerically (`markov`); the problem is Haight's, "Two queues in parallel",
//! Biometrika 45 (1958), who found no closed form.

use super::markov::steady_state;

/// In each of the two lines, up to here: a line this long is rarer than what a floating-point number distinguishes.
const LONGEST: u32 = 60;

/// Mean response in seconds of two servers when everybody joins the shorter line, by either way where they are equal.
///
/// # Panics
/// When the servers cannot keep up comfortably: the chain is cut at lines of sixty.
#[must_use]
pub fn shorter_of_two(arrival: f64, service: f64) -> f64 {
    let utilisation = arrival * service / 2.0;
    assert!(
        utilisation <= 0.85,
        "lines at {utilisation} are longer than the chain is wide"
    );
    // The shorter and the longer one; which server is which does not matter.
    let steps = |&(short, long): &(u32, u32)| {
        let sorted = |one: u32, two: u32| (one.min(two), one.max(two));
        let mut steps = Vec::new();
        if short < LONGEST {
            steps.push((sorted(short + 1, long), arrival));
        }
        if short > 0 {
            steps.push((sorted(short - 1, long), 1.0 / service));
        }
        if long > 0 {
            steps.push((sorted(short, long - 1), 1.0 / service));
        }
        steps
    };
    let in_system = steady_state((0, 0), steps).mean(|&(short, long)| f64::from(short + long));
    in_system / arrival
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::erlang::MultiServer;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn the_shorter_line_lies_between_one_line_and_two_blind_ones() {
        // Lost: the chain. Bounds that hold for every load; and idle, where nobody meets anybody.
        let shorter = shorter_of_two(14.0, 0.1);
        let one_line = MultiServer::new(14.0, 0.1, 2).response_mean();
        let blind = MultiServer::new(7.0, 0.1, 1).response_mean();
        assert!(one_line < shorter && shorter < blind, "{one_line} {shorter} {blind}");
        check_close("idle", shorter_of_two(1e-6, 0.1), 0.1, 1e-9);
    }
}
