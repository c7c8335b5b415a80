//! What it takes to decide an open objective, in words.
//!
//! Owns: how careful that sounds: it is a forecast.
//! Never: the forecast (`highwater_sim::decide`).

use highwater_models::record::summary::Objective;
use highwater_sim::decide::{MOST, Needed};

use crate::number;
use crate::words;

/// A sentence for an objective that is open; `None` for one that is decided.
pub(super) fn sentence(objective: &Objective, needed: Needed) -> Option<String> {
    let label = words::objective(objective);
    Some(match needed {
        Needed::Nothing => return None,
        Needed::Replications(count) => format!(
            "About {} replications would decide {label} if it stays near {}: `--decide {count}` goes on until then.",
            number::count(f64::from(count)),
            number::value(objective.value.value, objective.unit)
        ),
        Needed::TooMany => format!(
            "Not even {} replications would decide {label}: it is as good as on its bound.",
            number::count(f64::from(MOST))
        ),
        Needed::Several => {
            format!("One replication says nothing of its own error: {label} takes several (`--replications 10`).")
        }
        Needed::MoreRequests => format!(
            "Too few requests were seen for {label} to have a bound on both sides: more replications (`--replications 30`), or a \
             longer run, would give it one."
        ),
        Needed::Unknown if !objective.value.value.is_finite() => {
            format!("Nothing was observed to judge {label} by: more replications of the same may not help.")
        }
        Needed::Unknown => format!("How many replications would decide {label} cannot be told from its interval."),
    })
}
