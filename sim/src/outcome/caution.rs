//! The ways in which a figure may mislead: a closed list.
//!
//! Owns: their ids, which stay. Never: when one applies and what to do about it (`warnings`, and whoever knows).

use highwater_models::record::summary::Warning;

/// A way in which a figure may mislead. `docs/method.md` explains each under its id.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Caution {
    /// A line was still growing when measuring ended.
    StillGrowing,
    /// The beginning of a steady run differs from its rest, and is measured.
    WarmUpTooShort,
    /// The warm-up reaches into the second half of the run.
    RunTooShort,
    /// A warm-up was to be left out of a load that is not steady.
    WarmUpNotCut,
    /// Too few requests were slow enough to bound the 95th percentile.
    FewForP95,
    /// Too few requests were slow enough to bound the 99th percentile.
    FewForP99,
    /// One replication: no intervals, or some from parts of it.
    SingleReplication,
    /// Intervals from parts of a single run.
    Batches,
    /// Too few replications to know how much they differ.
    FewReplications,
    /// One replication is unlike all others.
    UnevenReplications,
    /// No error was seen, which is not to say that there are none.
    NoErrorSeen,
    /// Errors were seen, but too few to tell bursts from chance.
    FewErrors,
    /// Requests were still in hand when the run ended.
    InFlight,
    /// The number of replications was chosen by looking at the intervals.
    SequentialStopping,
    /// The precision asked for was not reached.
    PrecisionNotReached,
    /// Some days stand for all.
    RepresentativeDays,
    /// Degradation goes up and down all the time.
    Flapping,
    /// An objective about money has nothing to go by.
    MoneyUnknown,
    /// A part of the files is not simulated.
    NotSimulated,
}

impl Caution {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::StillGrowing,
        Self::WarmUpTooShort,
        Self::RunTooShort,
        Self::WarmUpNotCut,
        Self::FewForP95,
        Self::FewForP99,
        Self::SingleReplication,
        Self::Batches,
        Self::FewReplications,
        Self::UnevenReplications,
        Self::NoErrorSeen,
        Self::FewErrors,
        Self::InFlight,
        Self::SequentialStopping,
        Self::PrecisionNotReached,
        Self::RepresentativeDays,
        Self::Flapping,
        Self::MoneyUnknown,
        Self::NotSimulated,
    ];

    /// Its stable id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::StillGrowing => "still-growing",
            Self::WarmUpTooShort => "warm-up-too-short",
            Self::RunTooShort => "run-too-short",
            Self::WarmUpNotCut => "warm-up-not-cut",
            Self::FewForP95 => "few-requests-for-p95",
            Self::FewForP99 => "few-requests-for-p99",
            Self::SingleReplication => "single-replication",
            Self::Batches => "intervals-from-batches",
            Self::FewReplications => "few-replications",
            Self::UnevenReplications => "uneven-replications",
            Self::NoErrorSeen => "no-error-seen",
            Self::FewErrors => "few-errors",
            Self::InFlight => "in-flight-at-end",
            Self::SequentialStopping => "sequential-stopping",
            Self::PrecisionNotReached => "precision-not-reached",
            Self::RepresentativeDays => "representative-days",
            Self::Flapping => "flapping",
            Self::MoneyUnknown => "money-unknown",
            Self::NotSimulated => "not-simulated",
        }
    }

    /// The warning in these words.
    #[must_use]
    pub fn says(self, text: String) -> Warning {
        Warning { id: self.id(), text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    // Lost if broken: a reader looks an id up and finds nothing, or two things of one name.
    #[test]
    fn every_id_is_explained_once_and_no_other() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/method.md");
        let page = std::fs::read_to_string(page).unwrap();
        let explained: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
            .map(|(id, _)| id)
            .collect();
        let ids: Vec<&str> = Caution::ALL.iter().map(|caution| caution.id()).collect();
        assert_eq!(explained, ids);
    }
}
