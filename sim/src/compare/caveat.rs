//! Why a difference may mislead: a closed list.
//!
//! Owns: when each applies. Never: its words (`report`).

use super::{Method, Origin, Side, Which};

/// Something that a reader of the differences has to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Caveat {
    /// Both sides are one and the same: files, settings and seed.
    SameModel,
    /// Other people come, or they do something else: a difference is not the system's alone.
    Load,
    /// The measured spans differ: seconds on each side.
    Span {
        /// A's.
        a: f64,
        /// B's.
        b: f64,
    },
    /// Different versions of Highwater: a difference may be the simulator's.
    Version {
        /// A's.
        a: String,
        /// B's.
        b: String,
    },
    /// Different root seeds: not paired.
    Seeds {
        /// A's.
        a: u64,
        /// B's.
        b: u64,
    },
    /// A side has no values by replication: not paired, and only figures with an interval can be judged.
    NoSamples(Which),
    /// A side was measured: not paired.
    Measured(Which),
    /// Different numbers of replications, of which only the common ones are paired.
    Replications {
        /// A's.
        a: u32,
        /// B's.
        b: u32,
    },
    /// A side has a single replication: nothing is sure.
    Single(Which),
    /// A line of a side was still growing at the end: how much it differs depends on how long was measured.
    Growing(Which),
}

/// All that apply.
pub fn caveats(a: &Side, b: &Side, method: Method) -> Vec<Caveat> {
    let mut found = Vec::new();
    let (one, other) = (&a.summary, &b.summary);
    let sides = [(Which::A, a), (Which::B, b)];
    let differ = |x: &str, y: &str| !x.is_empty() && !y.is_empty() && x != y;
    let same = |x: &str, y: &str| !x.is_empty() && x == y;
    if same(&one.model_hash, &other.model_hash) && one.seed == other.seed && one.version == other.version {
        found.push(Caveat::SameModel);
    }
    if differ(&one.load_hash, &other.load_hash) {
        found.push(Caveat::Load);
    }
    let span = |side: &Side| side.summary.measured.1 - side.summary.measured.0;
    if (span(a) - span(b)).abs() > 1e-6 * span(a).max(span(b)) {
        found.push(Caveat::Span { a: span(a), b: span(b) });
    }
    if differ(&one.version, &other.version) {
        found.push(Caveat::Version {
            a: one.version.clone(),
            b: other.version.clone(),
        });
    }
    let simulated = sides.iter().all(|(_, side)| side.origin == Origin::Simulation);
    for (which, side) in sides {
        if side.origin == Origin::Measurement {
            found.push(Caveat::Measured(which));
        } else if side.summary.figures.iter().all(|(_, figure)| figure.samples.is_empty()) {
            found.push(Caveat::NoSamples(which));
        }
    }
    if simulated && one.seed != other.seed {
        found.push(Caveat::Seeds {
            a: one.seed,
            b: other.seed,
        });
    }
    if matches!(method, Method::Paired { .. }) && one.replications != other.replications {
        found.push(Caveat::Replications {
            a: one.replications,
            b: other.replications,
        });
    }
    for (which, side) in sides {
        if side.summary.replications == 1 && side.origin == Origin::Simulation {
            found.push(Caveat::Single(which));
        }
        if side
            .summary
            .warnings
            .iter()
            .any(|warning| warning.id == "still-growing")
        {
            found.push(Caveat::Growing(which));
        }
    }
    found
}
