//! Laws of a service time by their first three moments, which is all that means and spreads of a wait know of them.
//!
//! Owns: the moments. Source: any table of distributions, such as Johnson, Kotz and Balakrishnan, "Continuous Univariate
//! Distributions" (1994); for balanced means Tijms, "A First Course in Stochastic Models" (2003), appendix B.

/// Moments of a law in seconds, square seconds and cubic seconds.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Law {
    /// The mean.
    pub mean: f64,
    /// Mean of the square.
    pub second: f64,
    /// Mean of the cube.
    pub third: f64,
}

impl Law {
    /// Always the same.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self {
            mean: value,
            second: value * value,
            third: value * value * value,
        }
    }

    /// Exponential.
    #[must_use]
    pub fn exponential(mean: f64) -> Self {
        Self::gamma(mean, 1.0)
    }

    /// Gamma by its coefficient of variation; Erlang with k phases has `1 / sqrt(k)`.
    #[must_use]
    pub fn gamma(mean: f64, cv: f64) -> Self {
        let square = cv * cv;
        Self {
            mean,
            second: mean * mean * (1.0 + square),
            third: mean * mean * mean * (1.0 + square) * (1.0 + 2.0 * square),
        }
    }

    /// Lognormal by its coefficient of variation.
    #[must_use]
    pub fn lognormal(mean: f64, cv: f64) -> Self {
        let spread = 1.0 + cv * cv;
        Self {
            mean,
            second: mean * mean * spread,
            third: mean * mean * mean * spread * spread * spread,
        }
    }

    /// Uniform between two values.
    #[must_use]
    pub fn uniform(min: f64, max: f64) -> Self {
        let power = |exponent: f64| {
            (libm::pow(max, exponent + 1.0) - libm::pow(min, exponent + 1.0)) / ((exponent + 1.0) * (max - min))
        };
        Self {
            mean: power(1.0),
            second: power(2.0),
            third: power(3.0),
        }
    }

    /// Weibull by mean and shape.
    #[must_use]
    pub fn weibull(mean: f64, shape: f64) -> Self {
        let gamma = |moment: f64| libm::tgamma(1.0 + moment / shape);
        let scale = mean / gamma(1.0);
        Self {
            mean,
            second: scale * scale * gamma(2.0),
            third: scale * scale * scale * gamma(3.0),
        }
    }

    /// Pareto by mean and shape, which has to be above 3 for the third moment to be finite.
    #[must_use]
    pub fn pareto(mean: f64, shape: f64) -> Self {
        assert!(shape > 3.0, "a Pareto law of shape {shape} has no third moment");
        let min = mean * (shape - 1.0) / shape;
        let power = |exponent: f64| shape * libm::pow(min, exponent) / (shape - exponent);
        Self {
            mean,
            second: power(2.0),
            third: power(3.0),
        }
    }

    /// Two exponential branches with equal loads ("balanced means").
    #[must_use]
    pub fn hyperexponential(mean: f64, cv: f64) -> Self {
        let [(one, first), (two, second)] = balanced_branches(mean, cv);
        Self::mixture(&[(one, Self::exponential(first)), (two, Self::exponential(second))])
    }

    /// One of several laws, by shares that sum to one.
    #[must_use]
    pub fn mixture(parts: &[(f64, Self)]) -> Self {
        let sum = |of: fn(&Self) -> f64| parts.iter().map(|(share, law)| share * of(law)).sum();
        Self {
            mean: sum(|law| law.mean),
            second: sum(|law| law.second),
            third: sum(|law| law.third),
        }
    }

    /// An exponential law cut off at a value: the lesser of the two.
    #[must_use]
    pub fn exponential_up_to(mean: f64, most: f64) -> Self {
        // The n-th moment is n times the area under x^(n - 1) times the tail, up to the cut.
        let (left, cut) = (libm::exp(-most / mean), most / mean);
        let first = 1.0 - left;
        let second = 2.0 * (1.0 - left * (1.0 + cut));
        let third = 6.0 * (1.0 - left * (1.0 + cut + cut * cut / 2.0));
        Self {
            mean: mean * first,
            second: mean * mean * second,
            third: mean * mean * mean * third,
        }
    }

    /// The sum of this and an independent other one.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            mean: self.mean + other.mean,
            second: self.second + 2.0 * self.mean * other.mean + other.second,
            third: self.third + 3.0 * self.second * other.mean + 3.0 * self.mean * other.second + other.third,
        }
    }

    /// The same law, so many times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            second: self.second * factor * factor,
            third: self.third * factor * factor * factor,
        }
    }

    /// Coefficient of variation.
    #[must_use]
    pub fn cv(&self) -> f64 {
        libm::sqrt((self.second / self.mean / self.mean - 1.0).max(0.0))
    }
}

/// Share and mean of each of the two branches of a hyperexponential law with balanced means.
#[must_use]
pub fn balanced_branches(mean: f64, cv: f64) -> [(f64, f64); 2] {
    let square = cv * cv;
    assert!(square >= 1.0, "a hyperexponential law varies more than {cv}");
    let share = 0.5 * (1.0 + libm::sqrt((square - 1.0) / (square + 1.0)));
    [(share, mean / 2.0 / share), (1.0 - share, mean / 2.0 / (1.0 - share))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::theory::testing::check_close;

    fn check(what: &str, law: Law, expected: [f64; 3]) {
        check_close(what, law.mean, expected[0], 1e-12);
        check_close(what, law.second, expected[1], 1e-12);
        check_close(what, law.third, expected[2], 1e-12);
    }

    #[test]
    fn moments_are_those_of_the_tables() {
        // Lost: the mean and the spread of every wait.
        check("exponential", Law::exponential(2.0), [2.0, 8.0, 48.0]);
        check("erlang 2", Law::gamma(2.0, 0.5f64.sqrt()), [2.0, 6.0, 24.0]);
        check("uniform", Law::uniform(0.0, 3.0), [1.5, 3.0, 6.75]);
        check("weibull of shape 1", Law::weibull(2.0, 1.0), [2.0, 8.0, 48.0]);
        check(
            "hyperexponential, cv 1",
            Law::hyperexponential(2.0, 1.0),
            [2.0, 8.0, 48.0],
        );
        check("never cut", Law::exponential_up_to(2.0, 200.0), [2.0, 8.0, 48.0]);
        check_close(
            "cut early",
            Law::exponential_up_to(100.0, 1.0).mean,
            0.995_016_625_083_195,
            1e-12,
        );
        let sum = Law::exponential(1.0).plus(&Law::exponential(1.0));
        check("sum of two", sum, [2.0, 6.0, 24.0]);
        check("pareto of shape 4", Law::pareto(4.0, 4.0), [4.0, 18.0, 108.0]);
    }

    #[test]
    fn a_coefficient_of_variation_comes_back() {
        // Lost: the meaning of `cv`.
        for law in [
            Law::lognormal(3.0, 2.0),
            Law::gamma(3.0, 2.0),
            Law::hyperexponential(3.0, 2.0),
        ] {
            check_close("cv", law.cv(), 2.0, 1e-12);
        }
        check_close("constant", Law::constant(3.0).cv(), 0.0, 0.0);
    }
}
