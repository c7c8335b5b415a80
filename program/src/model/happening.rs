//! What a scenario's events do, with numbers for names.
//!
//! Owns: the closed list of faults and actions. What each does is the world's.

use highwater_models::{SimSpan, SimTime};
use highwater_workload::Sampler;

use super::Model;

/// An event of the scenario.
#[derive(Clone, Debug)]
pub struct Happening {
    /// When it happens.
    pub when: When,
    /// What happens.
    pub what: What,
}

/// When an event happens.
#[derive(Clone, Debug)]
pub enum When {
    /// At this time.
    At(SimTime),
    /// When this alert rule first fires, and somebody has had time to react.
    Alert {
        /// Number of the rule, in the order of the file.
        rule: u16,
        /// Time to react.
        after: Sampler,
    },
}

/// What can be slow, failing or down.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A service.
    Service(u16),
    /// A database.
    Database(u16),
    /// A cache.
    Cache(u16),
    /// A provider.
    Provider(u16),
}

/// What is wrong with a target.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Trouble {
    /// Everything takes so many times as long.
    Slow(f64),
    /// This share fails.
    Errors(f64),
    /// Nothing answers; whether those who ask hang, or are refused at once.
    Down {
        /// See above.
        hang: bool,
    },
}

/// What happens.
#[derive(Clone, Debug)]
pub enum What {
    /// Something is wrong with a target, for so long or to the end.
    Trouble(Target, Trouble, Option<SimSpan>),
    /// So many instances of a service die.
    Crash(u16, u32),
    /// A cache is emptied.
    ForgetCache(u16),
    /// A limiter's counts are lost.
    ForgetLimiter(u16),
    /// All connections to a database are cut.
    LostConnections(u16),
    /// So many times as many come from these sources, for so long or to the end.
    Traffic {
        /// The stream in words.
        name: String,
        /// Its sources.
        sources: Vec<u16>,
        /// How many times as many.
        factor: f64,
        /// How long.
        lasts: Option<SimSpan>,
    },
    /// Settings are changed: their numbers among those that come later.
    Set(std::ops::Range<u16>),
    /// A setting is taken back to the file's value: its path.
    Reset(Vec<String>),
    /// A service stops and starts.
    RestartService(u16),
    /// A database stops and starts.
    RestartDatabase(u16),
    /// A cache stops and starts, empty.
    RestartCache(u16),
    /// A new generation of a service.
    Deploy(u16),
}

impl What {
    /// Whether the system has something to come back from: anything but a change of settings.
    #[must_use]
    pub const fn is_trigger(&self) -> bool {
        !matches!(self, Self::Set(_) | Self::Reset(_))
    }

    /// How long it lasts; `None` to the end of the run.
    #[must_use]
    pub fn lasts(&self, model: &Model) -> Option<SimSpan> {
        match self {
            Self::Trouble(_, _, lasts) | Self::Traffic { lasts, .. } => *lasts,
            Self::RestartDatabase(database) => Some(model.databases[usize::from(*database)].downtime),
            Self::RestartCache(cache) => Some(model.caches[usize::from(*cache)].restart),
            _ => Some(SimSpan::ZERO),
        }
    }
}
