//! What is watched, and who is told: names turned into numbers.
//!
//! Owns: the tables that a replication's monitor reads.
//! Never: the state of a rule (that is the machine's).

use highwater_models::SimSpan;
use highwater_models::file::system::AlertLevel;
use highwater_models::machine::alert::AlertConfig;
use highwater_models::machine::channel::ChannelConfig;
use highwater_workload::Sampler;

/// Monitoring of a system.
#[derive(Clone, Debug)]
pub struct Monitoring {
    /// Between two looks.
    pub every: SimSpan,
    /// What is watched, in the order of the file.
    pub rules: Vec<RuleSpec>,
    /// Who is told, in the order of the file.
    pub channels: Vec<ChannelSpec>,
    /// From which latency on a request counts as slow, in nanoseconds: the scenario's objective on p95, if it has one.
    pub slow: u64,
    /// Providers that there are.
    pub providers: usize,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// Name in results.
    pub name: String,
    /// What it watches, as the file says.
    pub watch: String,
    /// What that is.
    pub gauge: Gauge,
    /// How bad it is.
    pub level: AlertLevel,
    /// When it fires.
    pub config: AlertConfig,
    /// The channels that are told.
    pub channels: Vec<u16>,
}

/// A channel.
#[derive(Clone, Debug)]
pub struct ChannelSpec {
    /// Name in results.
    pub name: String,
    /// What it carries.
    pub config: ChannelConfig,
    /// How long a message is on its way.
    pub delay: Sampler,
}

/// A reading, by the number of what is read.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Gauge {
    /// Nothing: what is watched is switched off.
    Nothing,
    /// At the look: sessions.
    Users,
    /// At the look: requests in hand.
    InSystem,
    /// At the look: memory of a service's fullest instance over its limit.
    Memory(u16),
    /// At the look: requests in hand at a service.
    InHand(u16),
    /// At the look: instances of a service.
    Instances(u16),
    /// At the look: the line of a resource.
    Waiting(u16),
    /// At the look: what is in service at a resource.
    Busy(u16),
    /// At the look: connections of a pool.
    PoolConnections(u16),
    /// At the look: connections at a database, and those of others.
    DatabaseConnections(u16, u32),
    /// At the look: dollars since midnight.
    CostToday(u16),
    /// At the look: commands since midnight.
    CommandsToday(u16),
    /// Since the last look: failed over ended.
    Errors,
    /// Since the last look: mean latency.
    LatencyMean,
    /// Since the last look: a quantile of it.
    Latency(f64),
    /// Since the last look: requests ended, a second.
    Throughput,
    /// Since the last look: useful requests, a second.
    Goodput,
    /// Since the last look: CPU of a service.
    ServiceCpu(u16),
    /// Since the last look: CPU of a database.
    DatabaseCpu(u16),
    /// Since the last look: wait for a service's loop.
    LoopLag(u16),
    /// Since the last look: share of a resource's slots in use.
    Utilization(u16),
    /// Since the last look: failed over attempts of a provider.
    ProviderErrors(u16),
    /// Since the last look: attempts that a provider refused.
    ProviderRefused(u16),
    /// Since the last look: attempts of a provider, a second.
    ProviderRequests(u16),
}

impl Gauge {
    /// Whether it is read at the look rather than over the time since the last one.
    #[must_use]
    pub const fn is_now(self) -> bool {
        matches!(
            self,
            Self::Users
                | Self::InSystem
                | Self::Memory(_)
                | Self::InHand(_)
                | Self::Instances(_)
                | Self::Waiting(_)
                | Self::Busy(_)
                | Self::PoolConnections(_)
                | Self::DatabaseConnections(..)
                | Self::CostToday(_)
                | Self::CommandsToday(_)
        )
    }
}
