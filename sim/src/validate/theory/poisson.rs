//! Poisson numbers: how many events come where a mean is expected.
//!
//! Owns: probabilities, each summed so that none is a small difference of large figures.

/// Probability of exactly `count` events where `mean` are expected.
#[must_use]
pub fn exactly(mean: f64, count: usize) -> f64 {
    if mean == 0.0 {
        return f64::from(u8::from(count == 0));
    }
    let number = count as f64;
    libm::exp(number * libm::log(mean) - mean - libm::lgamma(number + 1.0))
}

/// Probabilities of 0, 1, ... `most` events where `mean` are expected.
#[must_use]
pub fn up_to(mean: f64, most: usize) -> Vec<f64> {
    (0..=most).map(|count| exactly(mean, count)).collect()
}

/// Probability of more than `count` events where `mean` are expected.
#[must_use]
pub fn beyond(mean: f64, count: usize) -> f64 {
    // The smaller of the two tails is summed.
    if (count as f64) < mean {
        return 1.0 - up_to(mean, count).iter().sum::<f64>();
    }
    let mut sum = 0.0;
    for number in count + 1.. {
        let term = exactly(mean, number);
        sum += term;
        if term <= sum * 1e-18 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn probabilities_are_by_hand() {
        // Lost: every figure that counts what comes within a time.
        for (count, expected) in [1.0, 2.0, 2.0, 4.0 / 3.0].into_iter().enumerate() {
            check_close("exactly", exactly(2.0, count), expected * libm::exp(-2.0), 1e-14);
        }
        check_close("all", up_to(5.0, 60).iter().sum(), 1.0, 1e-14);
        check_close("both sides", beyond(2.0, 1), 1.0 - 3.0 * libm::exp(-2.0), 1e-14);
        check_close("far out", beyond(2.0, 3), 1.0 - 19.0 / 3.0 * libm::exp(-2.0), 1e-13);
        assert_eq!((exactly(0.0, 0), exactly(0.0, 1), beyond(0.0, 0)), (1.0, 0.0, 0.0));
    }
}
