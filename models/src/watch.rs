//! What a monitor can read of a system, by its path: `errors.rate`, `postgres.connections`.
//!
//! Owns: the list of readings, what each is called and what it counts in.
//! Never: taking a reading (that is for whoever runs the system), what one can come to (`reach`).

use crate::file::System;
use crate::record::figures::Unit;

/// Something in a system with readings of its own.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A service.
    Service,
    /// A pool.
    Pool,
    /// A job queue.
    Queue,
    /// A database server.
    Database,
    /// A cache server.
    Cache,
    /// A model provider's account.
    Provider,
    /// A limiter; nothing of it is read.
    Limiter,
}

impl Part {
    /// Its readings.
    #[must_use]
    pub const fn readings(self) -> &'static [Reading] {
        use Reading::{
            Busy, CommandsToday, Connections, CostToday, Cpu, Errors, InFlight, InHand, Instances, LoopLag, Memory,
            Requests, Utilization, Waiting,
        };
        match self {
            Self::Service => &[Cpu, Memory, LoopLag, InHand, Instances, Waiting, Utilization],
            Self::Pool => &[Waiting, Busy, Connections, Utilization],
            Self::Queue => &[Waiting, Busy, Utilization],
            Self::Database => &[Connections, Cpu, Busy, Utilization],
            Self::Cache => &[CommandsToday],
            Self::Provider => &[Errors, Requests, InFlight, CostToday, Utilization],
            Self::Limiter => &[],
        }
    }
}

/// What is read.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Reading {
    /// Of the whole system, since the last look: failed and given up, as a share of the requests that ended.
    ErrorsRate,
    /// Since the last look: mean latency of useful requests, seconds.
    LatencyMean,
    /// Since the last look: a percentile of it.
    Latency(f64),
    /// Since the last look: requests that ended, a second.
    Throughput,
    /// Since the last look: useful requests, a second.
    Goodput,
    /// At the look: sessions.
    UsersOnline,
    /// At the look: requests in hand.
    InSystem,
    /// Since the last look: CPU used, as a share of what there was.
    Cpu,
    /// At the look: memory used of the fullest instance, as a share of its limit.
    Memory,
    /// Since the last look: mean wait for the event loop, seconds.
    LoopLag,
    /// At the look: requests in hand.
    InHand,
    /// At the look: instances that take requests.
    Instances,
    /// At the look: those in line.
    Waiting,
    /// At the look: slots in use, or queries under way.
    Busy,
    /// At the look: connections, those held by others too where it is the server's.
    Connections,
    /// Since the last look: share of its capacity in use; of a service and a database, their CPU.
    Utilization,
    /// Since the last look: share of attempts that were refused or failed.
    Errors,
    /// Since the last look: attempts a second.
    Requests,
    /// At the look: calls under way.
    InFlight,
    /// At the look: dollars since midnight.
    CostToday,
    /// At the look: commands since midnight.
    CommandsToday,
}

impl Reading {
    /// What stands behind the name of the part, or the whole path of a reading of the whole system. Waiting is also
    /// called `queue`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ErrorsRate => "errors.rate",
            Self::LatencyMean => "latency.mean",
            Self::Latency(_) => "latency.p95",
            Self::Throughput => "throughput",
            Self::Goodput => "goodput",
            Self::UsersOnline => "users.online",
            Self::InSystem => "in_system",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::LoopLag => "loop_lag",
            Self::InHand => "in_hand",
            Self::Instances => "instances",
            Self::Waiting => "waiting",
            Self::Busy => "busy",
            Self::Connections => "connections",
            Self::Utilization => "utilization",
            Self::Errors => "errors",
            Self::Requests => "requests",
            Self::InFlight => "in_flight",
            Self::CostToday => "cost_today",
            Self::CommandsToday => "commands_today",
        }
    }

    /// What it counts in.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::ErrorsRate | Self::Cpu | Self::Memory | Self::Utilization | Self::Errors => Unit::Share,
            Self::LatencyMean | Self::Latency(_) | Self::LoopLag => Unit::Seconds,
            Self::Throughput | Self::Goodput | Self::Requests => Unit::PerSecond,
            Self::CostToday => Unit::Dollars,
            Self::UsersOnline
            | Self::InSystem
            | Self::InHand
            | Self::Instances
            | Self::Waiting
            | Self::Busy
            | Self::Connections
            | Self::InFlight
            | Self::CommandsToday => Unit::Count,
        }
    }
}

/// Readings of the whole system.
const WHOLE: [Reading; 7] = [
    Reading::ErrorsRate,
    Reading::LatencyMean,
    Reading::Latency(95.0),
    Reading::Throughput,
    Reading::Goodput,
    Reading::UsersOnline,
    Reading::InSystem,
];

/// A reading of a system or of a part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The part and its name; `None` for the whole system.
    pub part: Option<(Part, String)>,
    /// What is read of it.
    pub reading: Reading,
}

impl Watch {
    /// The reading at a path; `None` where the system has none.
    #[must_use]
    pub fn of(path: &str, system: &System) -> Option<Self> {
        if let Some(reading) = whole(path) {
            return Some(Self { part: None, reading });
        }
        parts(system).into_iter().find_map(|(part, name)| {
            let key = path.strip_prefix(name)?.strip_prefix('.')?;
            let key = if key == "queue" { "waiting" } else { key };
            let reading = part.readings().iter().find(|reading| reading.key() == key)?;
            Some(Self {
                part: Some((part, name.to_owned())),
                reading: *reading,
            })
        })
    }

    /// The name of its part; empty for the whole system.
    #[must_use]
    pub fn name(&self) -> &str {
        self.part.as_ref().map_or("", |(_, name)| name)
    }
}

fn whole(path: &str) -> Option<Reading> {
    if let Some(percent) = path.strip_prefix("latency.p") {
        let percent: f64 = percent.parse().ok()?;
        return (percent > 0.0 && percent <= 100.0).then_some(Reading::Latency(percent));
    }
    WHOLE.into_iter().find(|reading| reading.key() == path)
}

/// The parts of a system with their names, longer names first: one may begin with another and a dot.
fn parts(system: &System) -> Vec<(Part, &str)> {
    fn named<T>(part: Part, table: &crate::file::Named<T>) -> impl Iterator<Item = (Part, &str)> {
        table.names().map(move |name| (part, name.as_str()))
    }
    let mut parts: Vec<(Part, &str)> = named(Part::Service, &system.service)
        .chain(named(Part::Pool, &system.pool))
        .chain(named(Part::Queue, &system.queue))
        .chain(named(Part::Database, &system.database))
        .chain(named(Part::Cache, &system.cache))
        .chain(named(Part::Provider, &system.provider))
        .chain(named(Part::Limiter, &system.limiter))
        .collect();
    parts.sort_by_key(|(_, name)| std::cmp::Reverse(name.len()));
    parts
}

/// Every path that can be watched in a system: of the whole first, then of its parts.
#[must_use]
pub fn watchable(system: &System) -> Vec<String> {
    let mut paths: Vec<String> = WHOLE.iter().map(|reading| reading.key().to_owned()).collect();
    let mut parts = parts(system);
    parts.sort_by_key(|(_, name)| *name);
    for (part, name) in parts {
        paths.extend(
            part.readings()
                .iter()
                .map(|reading| format!("{name}.{}", reading.key())),
        );
    }
    paths
}
