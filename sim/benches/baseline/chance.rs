//! Draws for the hand-written loops.
//!
//! Owns: one generator for each purpose, and the laws the three models need.
//! Never: a logarithm per exponential draw: the ziggurats of `rand_distr` do without one in 99 % of draws.

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The random numbers of one purpose.
pub struct Stream(Xoshiro256PlusPlus);

/// A lognormal law, as the mean and standard deviation of the logarithm of nanoseconds.
#[derive(Copy, Clone)]
pub struct LogNormal {
    mu: f64,
    sigma: f64,
}

impl LogNormal {
    /// The law with this mean in nanoseconds and this coefficient of variation.
    pub fn new(mean: f64, cv: f64) -> Self {
        let variance = libm::log(1.0 + cv * cv);
        Self {
            mu: libm::log(mean) - variance / 2.0,
            sigma: libm::sqrt(variance),
        }
    }
}

impl Stream {
    /// The stream of a purpose in the run with this seed.
    pub fn new(seed: u64, purpose: u64) -> Self {
        // An odd multiplier (2^64 over the golden ratio) keeps the seeds of different purposes apart;
        // the generator's own seeding then spreads each over its state.
        let seed = seed.wrapping_add(purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// An exponential length of time with this mean in nanoseconds.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> u64 {
        let unit: f64 = Exp1.sample(&mut self.0);
        nearest(unit * mean)
    }

    /// A lognormal length of time in nanoseconds.
    #[inline]
    pub fn log_normal(&mut self, law: LogNormal) -> u64 {
        let normal: f64 = StandardNormal.sample(&mut self.0);
        nearest(libm::exp(law.mu + law.sigma * normal))
    }

    /// Whether something of this probability happens.
    #[inline]
    pub fn happens(&mut self, odds: Odds) -> bool {
        self.0.next_u64() < odds.0
    }
}

/// A probability as a threshold for 64 random bits.
#[derive(Copy, Clone)]
pub struct Odds(u64);

impl Odds {
    /// The threshold for a probability below 1.
    pub fn of(probability: f64) -> Self {
        // 2^64; the product is below it, and `as` saturates.
        Self((probability * 18_446_744_073_709_551_616.0) as u64)
    }
}

/// The nearest whole number of nanoseconds to a positive length below 292 years.
#[inline]
fn nearest(nanos: f64) -> u64 {
    // Through the signed type: one instruction instead of a case distinction at 2^63.
    (nanos + 0.5) as i64 as u64
}
