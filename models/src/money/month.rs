//! How long a month is.

use crate::SimSpan;

/// A month: a twelfth of 365 days, 730 hours. Plans are priced by it, a run's first one begins with the run, and quotas
/// and ceilings start anew with each.
pub const MONTH: SimSpan = SimSpan::from_secs(730 * 60 * 60);

/// The same in seconds.
pub const MONTH_SECONDS: f64 = 2_628_000.0;
