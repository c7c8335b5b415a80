//! Why a comparison with a measured run may mislead: a closed list.
//!
//! Owns: when each applies. Never: its words (`report`).

use super::batch::Choice;
use super::pair::Pairing;
use super::{Run, Trace};

/// Something that a reader of the comparison has to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// The measured run is of another scenario or system.
    Scenario {
        /// The simulation's.
        simulated: String,
        /// The measured run's.
        measured: String,
    },
    /// Other files or settings: the simulation is not one of what was measured.
    Model,
    /// Other people come, or they do something else.
    Load,
    /// Different versions of Highwater.
    Version {
        /// The simulation's.
        simulated: String,
        /// The measured run's.
        measured: String,
    },
    /// The measured spans differ: seconds on each side.
    Span {
        /// The simulation's.
        simulated: f64,
        /// The measured run's.
        measured: f64,
    },
    /// The generator sent late: seconds, the 99th percentile, and as a share of the median latency.
    Late {
        /// Seconds.
        seconds: f64,
        /// Of the median latency.
        share: f64,
    },
    /// One seed, and all the same other people came.
    Seed {
        /// The seed.
        seed: u64,
    },
    /// Nothing paired them: strangers, whose luck differs.
    Strangers,
    /// A side has no requests one by one: no pairs, no stages, no regions.
    NoRequests {
        /// Whether it is the simulation.
        simulated: bool,
    },
    /// A file of a run could not be read, or not to its end; in words.
    Missing {
        /// The run.
        name: String,
        /// What, and why.
        what: String,
    },
    /// Requests that were left out because there are too many.
    LeftOut {
        /// How many.
        count: u64,
    },
    /// Batches as long as an eighth of the run are still alike: it has a trend or a long memory.
    Trend,
    /// The simulation has one replication: nothing says how far it is from the next.
    Single,
    /// A line of the simulation was still growing when measuring ended.
    Growing,
}

/// Lateness from which on it may be what is measured: seconds, and a share of the median latency.
const LATE: (f64, f64) = (0.002, 0.05);

/// All that apply.
#[must_use]
pub fn caveats(simulated: &Run, measured: &[Run], pairing: Option<&Pairing>, batches: Option<Choice>) -> Vec<Caveat> {
    let mut found = Vec::new();
    let one = &simulated.summary;
    let differ = |x: &str, y: &str| !x.is_empty() && !y.is_empty() && x != y;
    for run in measured {
        let other = &run.summary;
        let mut add = |caveat: Caveat| {
            if !found.contains(&caveat) {
                found.push(caveat);
            }
        };
        if differ(&one.scenario, &other.scenario) {
            add(Caveat::Scenario {
                simulated: one.scenario.clone(),
                measured: other.scenario.clone(),
            });
        }
        if differ(&one.load_hash, &other.load_hash) {
            add(Caveat::Load);
        } else if differ(&one.model_hash, &other.model_hash) {
            add(Caveat::Model);
        }
        if differ(&one.version, &other.version) {
            add(Caveat::Version {
                simulated: one.version.clone(),
                measured: other.version.clone(),
            });
        }
        let (mine, theirs) = (one.measured.1 - one.measured.0, other.measured.1 - other.measured.0);
        if (mine - theirs).abs() > 0.01 * mine.max(theirs) {
            add(Caveat::Span {
                simulated: mine,
                measured: theirs,
            });
        }
        let late = run.facts.lateness;
        let share = late / other.figures.value(&["latency", "p50"]);
        if late > LATE.0 && (share >= LATE.1 || share.is_nan()) {
            add(Caveat::Late { seconds: late, share });
        }
        if pairing.is_none() && run.trace.is_some() && simulated.trace.is_some() {
            add(if one.seed == other.seed {
                Caveat::Seed { seed: one.seed }
            } else {
                Caveat::Strangers
            });
        }
        if run.trace.is_none() {
            add(Caveat::NoRequests { simulated: false });
        }
    }
    if simulated.trace.is_none() {
        found.push(Caveat::NoRequests { simulated: true });
    }
    for run in measured.iter().chain([simulated]) {
        found.extend(run.missing.iter().map(|what| Caveat::Missing {
            name: run.name.clone(),
            what: what.clone(),
        }));
        let left_out = run.trace.as_ref().map_or(0, |trace: &Trace| trace.left_out);
        if left_out > 0 {
            found.push(Caveat::LeftOut { count: left_out });
        }
    }
    if batches.is_some_and(|choice| !choice.independent) {
        found.push(Caveat::Trend);
    }
    if one.replications == 1 && pairing.is_none() {
        found.push(Caveat::Single);
    }
    if one.warnings.iter().any(|warning| warning.id == "still-growing") {
        found.push(Caveat::Growing);
    }
    found
}
