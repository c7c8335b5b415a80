//! Means of quantities, for arithmetic that a reader can follow.
//!
//! Owns: the mean of every law, approximate where a law is cut off.
//! Never: draws.

use crate::catalogue::Latency;
use crate::file::{Law, Quantity, Spread, WeibullSpread};

/// The standard normal law's 95th percentile.
const Z95: f64 = 1.644_853_626_951_472_2;

/// The mean; `None` for a gamma law by quantiles, whose mean has no closed form. A cut moves it to within the cut.
pub(super) fn mean(quantity: &Quantity) -> Option<f64> {
    if let Some(mean) = quantity.mean() {
        return Some(mean);
    }
    let mut value = of_law(&quantity.law)?;
    if let Some(min) = quantity.min {
        value = value.max(min);
    }
    if let Some(max) = quantity.max {
        value = value.min(max);
    }
    Some(value + quantity.plus)
}

/// The mean, or nothing where there is no figure.
pub(super) fn mean_or_zero(quantity: &Quantity) -> f64 {
    mean(quantity).unwrap_or(0.0)
}

fn of_law(law: &Law) -> Option<f64> {
    match law {
        Law::Lognormal(Spread::Quantiles { p50, p95 }) => Some(lognormal(*p50, *p95)),
        Law::Weibull(WeibullSpread::Spread(Spread::Quantiles { p50, p95 })) => Some(weibull(*p50, *p95)),
        Law::Mixture(parts) => {
            let weights: f64 = parts.iter().map(|(weight, _)| weight).sum();
            let means = parts.iter().map(|(weight, part)| Some(weight / weights * mean(part)?));
            means.sum()
        }
        Law::Gamma(Spread::Quantiles { .. }) => None,
        // The others know their means; here they come without the cut that hid it.
        law => Quantity {
            law: law.clone(),
            min: None,
            max: None,
            plus: 0.0,
        }
        .mean(),
    }
}

fn lognormal(p50: f64, p95: f64) -> f64 {
    if p50 <= 0.0 {
        return 0.0;
    }
    let sigma = libm::log(p95 / p50) / Z95;
    p50 * libm::exp(sigma * sigma / 2.0)
}

fn weibull(p50: f64, p95: f64) -> f64 {
    if p50 <= 0.0 || p95 <= p50 {
        return p50.max(0.0);
    }
    // p = 1 - exp(-(x / scale)^shape), at one half and at nineteen twentieths.
    let shape = libm::log(libm::log(20.0) / libm::log(2.0)) / libm::log(p95 / p50);
    let scale = p50 / libm::pow(libm::log(2.0), 1.0 / shape);
    scale * libm::tgamma(1.0 + 1.0 / shape)
}

/// The mean of a figure of the catalogue, in seconds.
pub(super) fn of_latency(latency: &Latency) -> f64 {
    match latency {
        Latency::Lognormal {
            p50_seconds,
            p95_seconds,
        } => lognormal(*p50_seconds, *p95_seconds),
        Latency::LognormalMeanCv { mean_seconds, .. } => *mean_seconds,
        Latency::Constant(seconds) => *seconds,
    }
}
