//! Points in simulated time and lengths of it, as whole nanoseconds.
//!
//! Owns: [`SimTime`] (a point, counted from the start of a run) and [`SimSpan`] (a length).
//! Never: clocks; text (that is `units.rs`).
//! The two are different types: point minus point is a length, and adding two points does not compile.

use std::ops::{Add, AddAssign, Sub};

/// Nanoseconds in a second.
const NANOS: f64 = 1e9;

/// A point in time: nanoseconds since the start of the run.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A length of time in nanoseconds, never negative.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimSpan(u64);

impl SimTime {
    /// The start of a run.
    pub const ZERO: Self = Self(0);
    /// Later than everything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the start.
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start.
    #[must_use]
    #[inline]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    #[inline]
    pub const fn since(self, earlier: Self) -> SimSpan {
        SimSpan(self.0.saturating_sub(earlier.0))
    }
}

impl SimSpan {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than any run: "forever" and "never" in files.
    pub const FOREVER: Self = Self(u64::MAX);

    /// A length of `nanos` nanoseconds.
    #[must_use]
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A length of `millis` milliseconds.
    #[must_use]
    #[inline]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A length of `secs` whole seconds.
    #[must_use]
    #[inline]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// The length nearest to `seconds`; negative and not-a-number become zero, too large becomes forever.
    #[must_use]
    #[inline]
    pub fn from_seconds(seconds: f64) -> Self {
        /// From here on a double has no room for a fraction.
        const WHOLE: f64 = (1u64 << 52) as f64;
        let nanos = seconds * NANOS + 0.5;
        // As bits, negative numbers and not-a-number are above all others.
        if nanos.to_bits() < (WHOLE / 2.0).to_bits() {
            // The sum is rounded to a whole number, which is in its low bits; one less where that was up.
            let sum = nanos + WHOLE;
            return Self((sum.to_bits() & ((1 << 52) - 1)) - u64::from(sum - WHOLE > nanos));
        }
        // `as` saturates and maps NaN to zero, which is the documented behaviour here.
        Self(nanos as u64)
    }

    /// Nanoseconds.
    #[must_use]
    #[inline]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds.
    #[must_use]
    #[inline]
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS
    }
}

impl Add<SimSpan> for SimTime {
    type Output = Self;

    /// Saturates: a point after forever is [`SimTime::NEVER`].
    #[inline]
    fn add(self, span: SimSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimSpan> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: SimSpan) {
        *self = *self + span;
    }
}

impl Sub for SimTime {
    type Output = SimSpan;

    /// Panics when `earlier` is later: time never goes backwards.
    #[inline]
    fn sub(self, earlier: Self) -> SimSpan {
        assert!(
            self >= earlier,
            "time went backwards: {} ns is before {} ns",
            self.0,
            earlier.0
        );
        SimSpan(self.0 - earlier.0)
    }
}

impl Add for SimSpan {
    type Output = Self;

    /// Saturates at [`SimSpan::FOREVER`].
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for SimSpan {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
