//! Draws from the quantities that files describe.
//!
//! Owns: the parameters of each law worked out once, and one draw. The ziggurats and the gamma law are `rand_distr`'s;
//! everything that needs `exp`, `ln` or `pow` goes through `math.rs`.

use highwater_models::SimSpan;
use highwater_models::file::{Law, Quantity, Spread, WeibullSpread};
use rand_distr::{Distribution, Exp1, Gamma, StandardNormal};

use crate::math;
use crate::stream::Draw;

/// 95 % quantile of the standard normal law.
const Z95: f64 = 1.644_853_626_951_472_2;

/// A quantity ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    law: Prepared,
    /// Cut and shift, where there are any.
    bounds: Option<Bounds>,
}

#[derive(Copy, Clone, Debug, PartialEq)]
struct Bounds {
    min: f64,
    max: f64,
    plus: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Prepared {
    Constant(f64),
    Exponential { mean: f64 },
    Erlang { stage: f64, k: u32 },
    Gamma(Gamma<f64>),
    Weibull { scale: f64, inverse_shape: f64 },
    Lognormal { mu: f64, sigma: f64 },
    Pareto { min: f64, inverse_shape: f64 },
    Uniform { min: f64, width: f64 },
    Hyperexponential { share: f64, first: f64, second: f64 },
    Geometric { ln_go_on: f64 },
    Mixture { total: f64, parts: Vec<(f64, Sampler)> },
    Empirical(Vec<f64>),
    Replay { values: Vec<f64>, next: usize },
}

impl Sampler {
    /// Prepares a quantity. The figures have been checked when the file was read.
    #[must_use]
    pub fn new(quantity: &Quantity) -> Self {
        let bounds = (quantity.min.is_some() || quantity.max.is_some() || quantity.plus != 0.0).then(|| Bounds {
            min: quantity.min.unwrap_or(f64::NEG_INFINITY),
            max: quantity.max.unwrap_or(f64::INFINITY),
            plus: quantity.plus,
        });
        Self {
            law: Prepared::new(&quantity.law),
            bounds,
        }
    }

    /// Always the same value.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self {
            law: Prepared::Constant(value),
            bounds: None,
        }
    }

    /// The value when every draw is the same.
    #[must_use]
    #[inline]
    pub fn as_constant(&self) -> Option<f64> {
        match (&self.law, self.bounds) {
            (Prepared::Constant(value), None) => Some(*value),
            _ => None,
        }
    }

    /// The mean when the law is the exponential one, and nothing else.
    #[must_use]
    #[inline]
    pub fn as_exponential(&self) -> Option<f64> {
        match (&self.law, self.bounds) {
            (Prepared::Exponential { mean }, None) => Some(*mean),
            _ => None,
        }
    }

    /// One draw, in base units.
    #[inline]
    pub fn draw(&mut self, draw: &mut Draw) -> f64 {
        match (&self.law, &self.bounds) {
            // The law of nearly all that is drawn often, where it is drawn.
            (Prepared::Exponential { mean }, None) => *mean * exponential(draw),
            _ => self.draw_any(draw),
        }
    }

    /// One draw from a generator that is made only if there is anything to draw.
    #[inline(always)]
    pub fn draw_from(&mut self, draw: impl FnOnce() -> Draw) -> f64 {
        match (&self.law, &self.bounds) {
            (Prepared::Exponential { mean }, None) => *mean * exponential(&mut draw()),
            (Prepared::Constant(value), None) => *value,
            _ => self.draw_any(&mut draw()),
        }
    }

    fn draw_any(&mut self, draw: &mut Draw) -> f64 {
        let value = self.law.draw(draw);
        match self.bounds {
            None => value,
            Some(bounds) => value.max(bounds.min).min(bounds.max) + bounds.plus,
        }
    }

    /// One draw of a length of time.
    #[inline(always)]
    pub fn span(&mut self, draw: &mut Draw) -> SimSpan {
        SimSpan::from_seconds(self.draw(draw))
    }

    /// The same, in a function of its own.
    #[inline(never)]
    pub fn span_apart(&mut self, draw: &mut Draw) -> SimSpan {
        SimSpan::from_seconds(self.draw_any(draw))
    }

    /// One draw of a count, rounded to the nearest.
    #[inline]
    pub fn count(&mut self, draw: &mut Draw) -> u32 {
        // `as` saturates, and maps NaN and anything negative to zero.
        (self.draw(draw) + 0.5) as u32
    }
}

impl Prepared {
    fn new(law: &Law) -> Self {
        match law {
            Law::Constant(value) => Self::Constant(*value),
            Law::Exponential { mean } => Self::Exponential { mean: *mean },
            Law::Erlang { mean, k } => Self::Erlang {
                stage: mean / f64::from(*k),
                k: *k,
            },
            Law::Gamma(spread) => gamma(*spread),
            Law::Weibull(spread) => weibull(*spread),
            Law::Lognormal(Spread::MeanCv { mean, cv }) => {
                let variance = math::ln(1.0 + cv * cv);
                Self::Lognormal {
                    mu: math::ln(*mean) - variance / 2.0,
                    sigma: variance.sqrt(),
                }
            }
            Law::Lognormal(Spread::Quantiles { p50, p95 }) => Self::Lognormal {
                mu: math::ln(*p50),
                sigma: math::ln(p95 / p50) / Z95,
            },
            Law::Pareto { mean, shape } => Self::Pareto {
                min: mean * (shape - 1.0) / shape,
                inverse_shape: 1.0 / shape,
            },
            Law::Uniform { min, max } => Self::Uniform {
                min: *min,
                width: max - min,
            },
            Law::Hyperexponential { mean, cv } => {
                // Balanced means: each branch carries half of the mean (Whitt 1982, "Approximating a point process by a
                // renewal process", section 3).
                let squared = cv * cv;
                let share = (1.0 + ((squared - 1.0) / (squared + 1.0)).max(0.0).sqrt()) / 2.0;
                Self::Hyperexponential {
                    share,
                    first: mean / (2.0 * share),
                    second: mean / (2.0 * (1.0 - share)),
                }
            }
            Law::Geometric { mean } if *mean <= 1.0 => Self::Constant(1.0),
            Law::Geometric { mean } => Self::Geometric {
                ln_go_on: math::ln(1.0 - 1.0 / mean),
            },
            Law::Mixture(parts) => {
                let mut total = 0.0;
                let parts = parts
                    .iter()
                    .map(|(weight, quantity)| {
                        total += weight;
                        (total, Sampler::new(quantity))
                    })
                    .collect();
                Self::Mixture { total, parts }
            }
            Law::Empirical(values) => Self::Empirical(values.clone()),
            Law::Replay(values) => Self::Replay {
                values: values.clone(),
                next: 0,
            },
        }
    }

    fn draw(&mut self, draw: &mut Draw) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Exponential { mean } => *mean * exponential(draw),
            Self::Erlang { stage, k } => *stage * (0..*k).map(|_| exponential(draw)).sum::<f64>(),
            Self::Gamma(gamma) => gamma.sample(draw),
            Self::Weibull { scale, inverse_shape } => *scale * math::pow(exponential(draw), *inverse_shape),
            Self::Lognormal { mu, sigma } => {
                let normal: f64 = StandardNormal.sample(draw);
                math::exp(*mu + *sigma * normal)
            }
            Self::Pareto { min, inverse_shape } => *min * math::exp(*inverse_shape * exponential(draw)),
            Self::Uniform { min, width } => *min + *width * draw.uniform(),
            Self::Hyperexponential { share, first, second } => {
                let mean = if draw.uniform() < *share { *first } else { *second };
                mean * exponential(draw)
            }
            Self::Geometric { ln_go_on } => 1.0 + (-exponential(draw) / *ln_go_on).floor(),
            Self::Mixture { total, parts } => {
                let at = draw.uniform() * *total;
                let last = parts.len() - 1;
                let index = parts.iter().position(|(upto, _)| at < *upto).unwrap_or(last);
                parts[index].1.draw(draw)
            }
            Self::Empirical(values) => values[draw.below(values.len() as u64) as usize],
            Self::Replay { values, next } => {
                let value = values[*next];
                *next = (*next + 1) % values.len();
                value
            }
        }
    }
}

/// A draw of the exponential law of mean 1.
#[inline]
pub fn exponential(draw: &mut Draw) -> f64 {
    Exp1.sample(draw)
}

fn gamma(spread: Spread) -> Prepared {
    let (shape, scale) = match spread {
        Spread::MeanCv { cv: 0.0, mean } => return Prepared::Constant(mean),
        Spread::MeanCv { mean, cv } => (1.0 / (cv * cv), mean * cv * cv),
        Spread::Quantiles { p50, p95 } => {
            // The ratio of the two quantiles falls as the shape grows: bisect on its logarithm.
            let ratio = |shape: f64| gamma_quantile(shape, 0.95) / gamma_quantile(shape, 0.5);
            let shape = math::exp(bisect(-4.0, 12.0, |ln_shape| ratio(math::exp(ln_shape)) - p95 / p50));
            (shape, p50 / gamma_quantile(shape, 0.5))
        }
    };
    Gamma::new(shape, scale).map_or(Prepared::Constant(shape * scale), Prepared::Gamma)
}

fn weibull(spread: WeibullSpread) -> Prepared {
    let (mean, shape) = match spread {
        WeibullSpread::MeanShape { mean, shape } => (mean, shape),
        WeibullSpread::Spread(Spread::MeanCv { mean, cv: 0.0 }) => return Prepared::Constant(mean),
        WeibullSpread::Spread(Spread::MeanCv { mean, cv }) => {
            let squared_cv = |shape: f64| {
                let first = math::gamma(1.0 + 1.0 / shape);
                math::gamma(1.0 + 2.0 / shape) / (first * first) - 1.0
            };
            (
                mean,
                math::exp(bisect(-2.5, 5.0, |ln_shape| squared_cv(math::exp(ln_shape)) - cv * cv)),
            )
        }
        WeibullSpread::Spread(Spread::Quantiles { p50, p95 }) => {
            // Quantile q is scale * (-ln(1 - q))^(1 / shape): two of them give both.
            let (ln_half, ln_twentieth) = (math::ln(2.0), math::ln(20.0));
            let inverse_shape = math::ln(p95 / p50) / math::ln(ln_twentieth / ln_half);
            return Prepared::Weibull {
                scale: p50 / math::pow(ln_half, inverse_shape),
                inverse_shape,
            };
        }
    };
    Prepared::Weibull {
        scale: mean / math::gamma(1.0 + 1.0 / shape),
        inverse_shape: 1.0 / shape,
    }
}

/// Where a falling function crosses zero.
fn bisect(mut low: f64, mut high: f64, falling: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if falling(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// Quantile of the gamma law of scale 1, by bisection.
fn gamma_quantile(shape: f64, q: f64) -> f64 {
    let high = shape + 20.0 * shape.sqrt() + 40.0;
    bisect(0.0, high, |x| q - gamma_cdf(shape, x))
}

/// Distribution function of the gamma law of scale 1: the series for the regularised lower incomplete gamma function
/// (Abramowitz and Stegun 6.5.29).
fn gamma_cdf(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let mut term = 1.0 / shape;
    let mut sum = term;
    let mut n = shape;
    while term > sum * 1e-15 {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    (sum * math::exp(shape * math::ln(x) - x - libm::lgamma(shape))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Key;

    /// Mean, standard deviation and the wanted quantiles of many draws.
    fn sample(law: Law, n: u64) -> (f64, f64, Vec<f64>) {
        let mut sampler = Sampler::new(&Quantity {
            law,
            min: None,
            max: None,
            plus: 0.0,
        });
        let key = Key::root(42, 0);
        let mut values: Vec<f64> = (0..n).map(|i| sampler.draw(&mut key.child(i).draw())).collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
        values.sort_by(f64::total_cmp);
        let quantiles = [0.5, 0.95].iter().map(|q| values[(q * n as f64) as usize]).collect();
        (mean, variance.sqrt(), quantiles)
    }

    /// The draws' mean is within five standard errors of the law's.
    fn check_mean(law: Law, mean: f64, sd: f64) {
        let n = 200_000;
        let (found_mean, found_sd, _) = sample(law.clone(), n);
        let error = 5.0 * sd / (n as f64).sqrt();
        assert!(
            (found_mean - mean).abs() <= error,
            "{law:?}: mean {found_mean}, expected {mean} within {error}"
        );
        // The spread's own error depends on the fourth moment; 10 % is beyond 5 of its standard errors for these laws.
        assert!(
            (found_sd - sd).abs() <= 0.1 * sd,
            "{law:?}: sd {found_sd}, expected {sd}"
        );
    }

    #[test]
    fn each_law_has_the_mean_and_spread_it_is_asked_for() {
        check_mean(Law::Exponential { mean: 2.0 }, 2.0, 2.0);
        check_mean(Law::Erlang { mean: 3.0, k: 4 }, 3.0, 1.5);
        check_mean(Law::Gamma(Spread::MeanCv { mean: 2.0, cv: 0.5 }), 2.0, 1.0);
        check_mean(Law::Lognormal(Spread::MeanCv { mean: 2.0, cv: 0.5 }), 2.0, 1.0);
        check_mean(
            Law::Weibull(WeibullSpread::Spread(Spread::MeanCv { mean: 2.0, cv: 0.5 })),
            2.0,
            1.0,
        );
        check_mean(
            Law::Weibull(WeibullSpread::MeanShape { mean: 2.0, shape: 1.0 }),
            2.0,
            2.0,
        );
        check_mean(Law::Pareto { mean: 2.0, shape: 6.0 }, 2.0, 2.0 / (4.0f64 * 6.0).sqrt());
        check_mean(Law::Uniform { min: 1.0, max: 3.0 }, 2.0, 2.0 / 12f64.sqrt());
        check_mean(Law::Hyperexponential { mean: 2.0, cv: 2.0 }, 2.0, 4.0);
        check_mean(Law::Geometric { mean: 3.0 }, 3.0, 6f64.sqrt());
    }

    #[test]
    fn laws_by_quantiles_have_those_quantiles() {
        let spread = Spread::Quantiles { p50: 1.0, p95: 3.0 };
        for law in [
            Law::Lognormal(spread),
            Law::Gamma(spread),
            Law::Weibull(WeibullSpread::Spread(spread)),
        ] {
            let (_, _, quantiles) = sample(law.clone(), 200_000);
            // Standard error of a sample quantile: sqrt(q (1 - q) / n) / density, below 0.01 and 0.02 here; five of them.
            assert!((quantiles[0] - 1.0).abs() < 0.03, "{law:?}: {quantiles:?}");
            assert!((quantiles[1] - 3.0).abs() < 0.1, "{law:?}: {quantiles:?}");
        }
    }

    #[test]
    fn replay_goes_round_and_bounds_cut_before_shifting() {
        let mut draw = Key::root(1, 0).draw();
        let mut replay = Sampler::new(&Quantity {
            law: Law::Replay(vec![1.0, 5.0, 9.0]),
            min: Some(2.0),
            max: Some(8.0),
            plus: 0.5,
        });
        let values: Vec<f64> = (0..4).map(|_| replay.draw(&mut draw)).collect();
        assert_eq!(values, [2.5, 5.5, 8.5, 2.5]);
    }
}
