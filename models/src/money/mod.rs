//! What a system costs and earns: usage in, bill out.
//!
//! Owns: prices as they apply to one system ([`Tariff`]), the bill of a usage, revenue and what follows from both.
//! Never: counting (the run does that), figures of the catalogue, intervals, words for readers beyond names of items.
//!
//! Everything is linear in time: plans are charged by the second, and what a plan includes is had by the second too, so
//! that the bills of two halves of a run add up to the bill of the whole, and a month costs what a run costs, times the
//! number of such runs in a month.
//!
//! ```
//! use highwater_models::money::{Item, MONTH_SECONDS, ModelTariff, ModelUse, Tariff, Usage, What};
//!
//! let tariff = Tariff::default();
//! let usage = Usage { seconds: MONTH_SECONDS, ..Usage::default() };
//! assert!(tariff.bill(&usage).items.is_empty());
//! ```

mod bill;
mod month;
mod price;
mod revenue;
mod tariff;
mod usage;

pub use bill::{Bill, Item, What};
pub use month::{MONTH, MONTH_SECONDS};
pub use price::Price;
pub use revenue::{Revenue, registered};
pub use tariff::{
    Bandwidth, CacheTariff, ChannelTariff, DatabaseTariff, ModelTariff, RecordingsTariff, ServiceTariff, Tariff,
};
pub use usage::{InstanceUse, ModelUse, Usage};

#[cfg(test)]
mod tests;
