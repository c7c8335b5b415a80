//! The four stages of growth that the bundled scenarios simulate, and what the plan says of each.
//!
//! Owns: which stages there are. Never: their figures.

use highwater_models::bundled;

use crate::document::Origin;
use crate::task::Source;

/// A stage of growth.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Stage {
    /// The bundled scenario.
    pub scenario: &'static str,
    /// Registered users.
    pub users: u32,
    /// Months since the start, as the plan has it.
    pub months: f64,
}

/// From the first month to a year.
pub const STAGES: [Stage; 4] = [
    Stage {
        scenario: "growth-100",
        users: 100,
        months: 1.0,
    },
    Stage {
        scenario: "growth-1000",
        users: 1_000,
        months: 3.0,
    },
    Stage {
        scenario: "growth-10000",
        users: 10_000,
        months: 6.0,
    },
    Stage {
        scenario: "growth-50000",
        users: 50_000,
        months: 12.0,
    },
];

/// The stages as they are run.
#[must_use]
pub fn sources() -> Vec<Source> {
    let source = |stage: &Stage| Source {
        origin: Origin::Bundled(stage.scenario.to_owned()),
        text: bundled::scenario(stage.scenario).unwrap_or_default().to_owned(),
        settings: Vec::new(),
    };
    STAGES.iter().map(source).collect()
}

/// Registered users at a month, straight on a scale of powers of ten between the stages.
#[must_use]
pub fn users_at(month: f64) -> f64 {
    let after = STAGES
        .iter()
        .position(|stage| stage.months >= month)
        .unwrap_or(STAGES.len() - 1);
    let (a, b) = (&STAGES[after.saturating_sub(1)], &STAGES[after]);
    if a.users == b.users {
        return f64::from(b.users);
    }
    let share = ((month - a.months) / (b.months - a.months)).clamp(0.0, 1.0);
    let (low, high) = (f64::from(a.users).ln(), f64::from(b.users).ln());
    (low + (high - low) * share).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a curve that does not go through the plan's own figures.
    #[test]
    fn users_grow_through_the_stages() {
        for stage in &STAGES {
            assert!((users_at(stage.months) / f64::from(stage.users) - 1.0).abs() < 1e-9);
            assert!(bundled::scenario(stage.scenario).is_some());
        }
        assert!(users_at(2.0) > 100.0 && users_at(2.0) < 1_000.0);
    }
}
