//! Plans, prices, limits and models in dated editions, each figure with its standing and source.
//!
//! Owns: the data files beside this one, their form, typed look-ups, and the answer to "where is this figure from?".
//! Never: figures in code. A figure that is missing here is missing, not guessed.
//!
//! The data is `2025-12-10.toml` (the day of the coaching plan), `latest.toml` (what has changed since) and
//! `meanings.toml` (unit and meaning of each figure). Sizes are bytes with MB = 1024 × 1024, prices US dollars, times
//! seconds.
//!
//! ```
//! use highwater_models::catalogue::{Edition, explain};
//!
//! let edition = Edition::named("2025-12-10").expect("a bundled edition");
//! let starter = edition.web_plan("starter").expect("a plan of this edition");
//! assert_eq!(starter.cores.value, 0.5);
//! assert_eq!(starter.price.source.standing.to_string(), "documented");
//! assert!(explain("twilio.sms").iter().any(|line| line.key == "twilio.sms.price"));
//! ```

mod book;
mod edition;
mod explain;
mod figure;
mod meaning;
mod model;
mod plan;

pub use edition::Edition;
pub use explain::{Explanation, explain, keys};
pub use figure::{Figure, Latency, Source, Standing, Value};
pub use model::{Model, TierLimits, Withdrawal};
pub use plan::{CachePlan, DatabasePlan, WebPlan};

#[cfg(test)]
mod tests;
