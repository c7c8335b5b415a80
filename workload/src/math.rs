//! `exp`, `ln` and `pow` that give the same bits on every machine.
//!
//! The standard library hands these to the C library, which picks its code by CPU: results differ in the last bit
//! between machines, and with them every figure. `libm` is compiled with the project and does not.

/// e to the `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// `base` to the `power`.
#[must_use]
pub fn pow(base: f64, power: f64) -> f64 {
    libm::pow(base, power)
}

/// The gamma function.
#[must_use]
pub fn gamma(x: f64) -> f64 {
    libm::tgamma(x)
}
