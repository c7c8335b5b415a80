//! A length of time, a count or a size that may be drawn: a constant or a law with its figures.
//!
//! Owns: [`Quantity`], [`Law`], means that have a closed form.
//! Never: reading (that is `law.rs`), drawing (that is the workload's part).

/// Something to draw: seconds, a count or bytes, by its place in the file.
///
/// A draw is the law's value, cut off at `min` and `max`, then `plus` added.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// What the draws follow.
    pub law: Law,
    /// Smaller draws become this.
    pub min: Option<f64>,
    /// Larger draws become this.
    pub max: Option<f64>,
    /// Added to each draw, after the cut.
    pub plus: f64,
}

/// How a quantity is distributed, in base units: seconds, a count or bytes.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    /// Always the same.
    Constant(f64),
    /// No memory.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// The sum of `k` exponentials of equal mean.
    Erlang {
        /// Mean of the sum.
        mean: f64,
        /// How many stages, at least 1.
        k: u32,
    },
    /// Gamma.
    Gamma(Spread),
    /// Weibull, by its mean and its shape or its coefficient of variation, or by quantiles.
    Weibull(WeibullSpread),
    /// Lognormal.
    Lognormal(Spread),
    /// Pareto with a smallest value, of density falling with x to the power of −(shape + 1).
    Pareto {
        /// Mean.
        mean: f64,
        /// Above 1, so that there is a mean.
        shape: f64,
    },
    /// Equally likely between two values.
    Uniform {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// Two exponential branches with balanced means: each has half of the total mean.
    Hyperexponential {
        /// Mean.
        mean: f64,
        /// Standard deviation over mean, at least 1.
        cv: f64,
    },
    /// 1, 2, 3 … with a constant chance of stopping.
    Geometric {
        /// Mean, at least 1.
        mean: f64,
    },
    /// One of several quantities, by weight (positive, not necessarily adding up to 1).
    Mixture(Vec<(f64, Quantity)>),
    /// One of the values, each equally likely.
    Empirical(Vec<f64>),
    /// The values in this order, round and round.
    Replay(Vec<f64>),
}

/// How wide a law is, by one of two pairs of figures.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Spread {
    /// Mean and coefficient of variation.
    MeanCv {
        /// Mean.
        mean: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Two quantiles.
    Quantiles {
        /// Half of the draws are below.
        p50: f64,
        /// 95 in 100 draws are below.
        p95: f64,
    },
}

/// How wide a Weibull law is.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum WeibullSpread {
    /// Mean and shape.
    MeanShape {
        /// Mean.
        mean: f64,
        /// Shape parameter, positive: 1 is exponential.
        shape: f64,
    },
    /// Mean and coefficient of variation, or two quantiles.
    Spread(Spread),
}

impl Quantity {
    /// Always `value`.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self {
            law: Law::Constant(value),
            min: None,
            max: None,
            plus: 0.0,
        }
    }

    /// The mean where it has a closed form that needs no exponential or logarithm: `None` for a law given by its
    /// quantiles and for one that is cut off.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        if let Law::Constant(value) = self.law {
            return Some(self.cut(value) + self.plus);
        }
        if let Law::Empirical(values) | Law::Replay(values) = &self.law {
            let total: f64 = values.iter().map(|&value| self.cut(value)).sum();
            return (!values.is_empty()).then(|| total / values.len() as f64 + self.plus);
        }
        if self.min.is_some() || self.max.is_some() {
            return None;
        }
        self.law.mean().map(|mean| mean + self.plus)
    }

    /// Whether every draw is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.mean() == Some(0.0)
    }

    fn cut(&self, value: f64) -> f64 {
        let value = self.min.map_or(value, |min| value.max(min));
        self.max.map_or(value, |max| value.min(max))
    }
}

impl Law {
    fn mean(&self) -> Option<f64> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Exponential { mean }
            | Self::Erlang { mean, .. }
            | Self::Pareto { mean, .. }
            | Self::Hyperexponential { mean, .. }
            | Self::Geometric { mean }
            | Self::Gamma(Spread::MeanCv { mean, .. })
            | Self::Lognormal(Spread::MeanCv { mean, .. })
            | Self::Weibull(WeibullSpread::MeanShape { mean, .. })
            | Self::Weibull(WeibullSpread::Spread(Spread::MeanCv { mean, .. })) => Some(*mean),
            Self::Gamma(Spread::Quantiles { .. })
            | Self::Lognormal(Spread::Quantiles { .. })
            | Self::Weibull(WeibullSpread::Spread(Spread::Quantiles { .. })) => None,
            Self::Uniform { min, max } => Some((min + max) / 2.0),
            Self::Mixture(parts) => {
                let weights: f64 = parts.iter().map(|(weight, _)| weight).sum();
                let mut total = 0.0;
                for (weight, quantity) in parts {
                    total += weight / weights * quantity.mean()?;
                }
                Some(total)
            }
            Self::Empirical(values) | Self::Replay(values) => {
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
            }
        }
    }
}
