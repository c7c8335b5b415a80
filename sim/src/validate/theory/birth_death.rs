//! Birth-death chains: the number in a system in which people come and go one by one.
//!
//! Owns: their steady state. Their way there is in `transient.rs`.
//! Source: Kleinrock, "Queueing Systems", volume 1 (1975), chapter 3.

/// The steady state of a chain on 0, 1, ... `births.len()`: `births[n]` is the rate from `n` to `n + 1`, and
/// `deaths[n]` the rate from `n + 1` back to `n`.
///
/// # Panics
/// When the two differ in length or a death rate is not above zero.
#[must_use]
pub fn steady_state(births: &[f64], deaths: &[f64]) -> Vec<f64> {
    assert_eq!(
        births.len(),
        deaths.len(),
        "a rate up and a rate down between each two states"
    );
    // Between neighbours as much flows up as down. In logarithms, for the ratio of the rarest to the commonest state
    // may be beyond what a floating-point number holds.
    let mut logarithms = vec![0.0];
    let mut logarithm = 0.0;
    for (&birth, &death) in births.iter().zip(deaths) {
        assert!(death > 0.0, "every state but the first can be left downwards");
        logarithm += libm::log(birth) - libm::log(death);
        logarithms.push(logarithm);
    }
    let highest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logarithms
        .iter()
        .map(|logarithm| libm::exp(logarithm - highest))
        .collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// The mean of a distribution on 0, 1, 2 ...
#[must_use]
pub fn mean(probabilities: &[f64]) -> f64 {
    excess(probabilities, 0)
}

/// The mean of what exceeds `level`: the mean line behind that many servers.
#[must_use]
pub fn excess(probabilities: &[f64], level: usize) -> f64 {
    let beyond = probabilities.iter().enumerate().skip(level);
    beyond
        .map(|(state, probability)| (state - level) as f64 * probability)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn equal_rates_make_all_states_equally_likely() {
        // Lost: the balance between neighbours, on which five other formulas rest.
        for probability in steady_state(&[3.0; 4], &[3.0; 4]) {
            check_close("one of five states", probability, 0.2, 1e-14);
        }
    }

    #[test]
    fn a_state_far_rarer_than_the_smallest_number_does_no_harm() {
        // Lost: long chains, such as a pool of a thousand under a hundredth of its load.
        let chain = steady_state(&[1.0; 400], &[1000.0; 400]);
        check_close("empty", chain[0], 0.999, 1e-12);
        assert!(chain.iter().all(|probability| probability.is_finite()));
    }

    #[test]
    fn the_mean_and_what_exceeds_a_level_are_by_definition() {
        // Lost: every mean queue computed from a distribution.
        let fair = [0.25; 4];
        check_close("mean", mean(&fair), 1.5, 1e-15);
        check_close("excess over 1", excess(&fair, 1), 0.75, 1e-15);
        check_close("excess over everything", excess(&fair, 4), 0.0, 1e-15);
    }
}
