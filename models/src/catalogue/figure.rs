//! A figure and where it comes from.
//!
//! Owns: values, sources, standings.
//! Never: which figures there are.

use std::fmt;
use std::sync::Arc;

/// How well a figure is known.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Published by the vendor, or read in the source of the package itself.
    Documented,
    /// Measured by somebody, under circumstances that the source describes.
    Measured,
    /// Neither: chosen so that a run is possible. Worth a sensitivity study before it is relied on.
    Assumed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "documented",
            Self::Measured => "measured",
            Self::Assumed => "assumed",
        })
    }
}

/// Where figures were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the source within the data files.
    pub id: String,
    /// What it is, for people.
    pub title: String,
    /// Where it is, if it has an address.
    pub url: Option<String>,
    /// Date of the copy that was read: a year, a month (`2026-08`) or a day.
    pub date: String,
    /// Standing of every figure taken from it.
    pub standing: Standing,
    /// A third party's copy of what the vendor published, not the vendor's own page.
    pub third_party: bool,
}

impl Source {
    /// The standing in words, with the reservation that a third party's copy deserves.
    #[must_use]
    pub fn standing_text(&self) -> String {
        if self.third_party {
            format!("{} (third party's copy)", self.standing)
        } else {
            self.standing.to_string()
        }
    }
}

/// One figure of an edition.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure<T> {
    /// The figure itself; its unit is that of the field or key that holds it.
    pub value: T,
    /// Where it comes from, and with that its standing and date.
    pub source: Arc<Source>,
    /// What one has to know beside it.
    pub note: Option<String>,
}

impl<T> Figure<T> {
    /// How well the figure is known.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.source.standing
    }

    /// The same figure in another form or unit.
    pub(crate) fn map<U>(&self, change: impl FnOnce(&T) -> U) -> Figure<U> {
        Figure {
            value: change(&self.value),
            source: Arc::clone(&self.source),
            note: self.note.clone(),
        }
    }
}

/// A time that varies, in seconds.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Latency {
    /// Lognormal, given by two percentiles.
    Lognormal {
        /// Median, seconds.
        p50_seconds: f64,
        /// 95th percentile, seconds.
        p95_seconds: f64,
    },
    /// Lognormal, given by mean and coefficient of variation.
    LognormalMeanCv {
        /// Mean, seconds.
        mean_seconds: f64,
        /// Standard deviation over mean.
        cv: f64,
    },
    /// Always the same, seconds.
    Constant(f64),
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lognormal {
                p50_seconds,
                p95_seconds,
            } => write!(f, "p50 {p50_seconds}, p95 {p95_seconds}"),
            Self::LognormalMeanCv { mean_seconds, cv } => write!(f, "mean {mean_seconds}, cv {cv}"),
            Self::Constant(seconds) => write!(f, "{seconds}"),
        }
    }
}

/// What a figure can be, as the data files hold it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number in the unit that the figure's meaning names.
    Number(f64),
    /// A word or a version.
    Text(String),
    /// A day, `YYYY-MM-DD`.
    Date(String),
    /// Several names.
    Names(Vec<String>),
    /// A time that varies.
    Latency(Latency),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Date(text) => f.write_str(text),
            Self::Names(names) => f.write_str(&names.join(", ")),
            Self::Latency(latency) => latency.fmt(f),
        }
    }
}
