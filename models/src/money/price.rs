//! A price and where it comes from.

use std::sync::Arc;

use crate::catalogue::{Figure, Source};
use crate::units::Usd;

/// Dollars for one of whatever it is the price of.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// Dollars.
    pub dollars: f64,
    /// Where a figure of the catalogue was read; `None` for what a file says.
    pub source: Option<Arc<Source>>,
}

impl Price {
    /// What a file says, or else the catalogue.
    #[must_use]
    pub fn of(given: Option<Usd>, figure: Option<&Figure<f64>>) -> Option<Self> {
        given.map(Self::given).or_else(|| figure.map(Self::published))
    }

    /// A price of the catalogue.
    #[must_use]
    pub fn published(figure: &Figure<f64>) -> Self {
        Self {
            dollars: figure.value,
            source: Some(Arc::clone(&figure.source)),
        }
    }

    /// A price that a file gives.
    #[must_use]
    pub fn given(dollars: Usd) -> Self {
        Self {
            dollars: dollars.dollars(),
            source: None,
        }
    }

    /// Where it comes from, in words.
    #[must_use]
    pub fn origin(&self) -> String {
        self.source.as_ref().map_or_else(
            || "the system file".to_owned(),
            |source| format!("{}, {} ({})", source.title, source.date, source.standing_text()),
        )
    }
}

/// The dollars of a price, zero where there is none.
pub(super) fn dollars(price: Option<&Price>) -> f64 {
    price.map_or(0.0, |price| price.dollars)
}
