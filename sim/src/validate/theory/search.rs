//! Where a tail falls to a level: quantiles of laws whose tail has a formula.
//!
//! Owns: the search. Never: a law.

/// The smallest time in seconds after which no more than a share `beyond` is left, for a tail that falls from at most one
/// to nothing; zero where no more than that is there at once. `scale` is any time of the right size.
#[must_use]
pub fn tail_falls_to(tail: impl Fn(f64) -> f64, beyond: f64, scale: f64) -> f64 {
    assert!(beyond > 0.0 && scale > 0.0, "a tail reaches {beyond} never");
    let (mut low, mut high) = (0.0, scale);
    if tail(0.0) <= beyond {
        return 0.0;
    }
    while tail(high) > beyond {
        high *= 2.0;
    }
    // Halving 200 times leaves nothing between the two.
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if tail(middle) > beyond {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    #[test]
    fn an_exponential_tail_falls_as_its_logarithm_says() {
        // Lost: every quantile that no formula gives.
        let found = tail_falls_to(|time| libm::exp(-3.0 * time), 0.05, 1.0);
        check_close("p95", found, libm::log(20.0) / 3.0, 1e-14);
        check_close("at once", tail_falls_to(|_| 0.5, 0.6, 1.0), 0.0, 0.0);
    }
}
