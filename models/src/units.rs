//! Figures with a unit, and the one place that reads and writes them as text.
//!
//! Owns: [`Bytes`], [`Rate`], [`Share`], [`Usd`]; `"250ms"`, `"512 MB"`, `"9000/min"` and back.
//! Never: files and keys (that is `file/`).

/// An amount of memory or data, in bytes.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

impl Bytes {
    /// That many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// Events in a second.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// That many a second.
    #[must_use]
    pub const fn from_per_second(per_second: f64) -> Self {
        Self(per_second)
    }

    /// How many a second.
    #[must_use]
    pub const fn per_second(self) -> f64 {
        self.0
    }
}

/// A part of a whole, from 0 to 1.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Nothing of it.
    pub const NONE: Self = Self(0.0);
    /// All of it.
    pub const ALL: Self = Self(1.0);

    /// That part; `None` outside 0 to 1 and for not-a-number.
    #[must_use]
    pub fn new(part: f64) -> Option<Self> {
        (0.0..=1.0).contains(&part).then_some(Self(part))
    }

    /// From 0 to 1.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// An amount of money, in US dollars.
#[derive(Copy, Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Usd(f64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);

    /// That many dollars.
    #[must_use]
    pub const fn from_dollars(dollars: f64) -> Self {
        Self(dollars)
    }

    /// How many dollars.
    #[must_use]
    pub const fn dollars(self) -> f64 {
        self.0
    }
}
