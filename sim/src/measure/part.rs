//! Figures of their own that parts of a system leave behind, by kind; what all have in common is a station's (`level`).

use highwater_models::record::histogram::Histogram;
use highwater_models::{SimSpan, SimTime};

use crate::gauge::Gauge;
use crate::level::Level;

/// A service's own figures.
#[derive(Clone, Debug, Default)]
pub struct ServiceRecord {
    /// Instances that take requests.
    pub instances: Level,
    /// Instances whose processes run.
    pub running: Level,
    /// Area under `running` at the end of the last window.
    pub running_window: u128,
    /// Memory of those, in bytes; the most is of one instance.
    pub memory: Gauge,
    /// Cores of those, in billionths.
    pub cores: Gauge,
    /// Deaths in the whole run: over the memory limit, heap full, failed probes, crash.
    pub deaths: [u64; 4],
    /// Instances that are paid for: from the start of their boot to their end.
    pub billed: Level,
    /// What they cost a month, in thousandths of a dollar.
    pub rent: Level,
    /// Requests in hand.
    pub in_hand: Level,
    /// CPU time used in the measured span, in nanoseconds of a full core.
    pub cpu_used: f64,
    /// CPU time there was: cores of the instances that ran, over the measured span.
    pub cpu_there: f64,
    /// Instances started after the beginning.
    pub boots: u64,
    /// Instances stopped.
    pub stops: u64,
    /// CPU used when measuring began, and when the last window ended.
    pub cpu_from: f64,
    /// See `cpu_from`.
    pub cpu_window: f64,
}

impl ServiceRecord {
    /// Instances whose processes ran, on average since the last call.
    pub(crate) fn running_in_window(&mut self, now: SimTime, window: SimSpan) -> f64 {
        let running = self.running.area(now);
        let area = running - self.running_window;
        self.running_window = running;
        area as f64 / window.nanos() as f64
    }
}

/// A pool's own figures.
#[derive(Clone, Debug, Default)]
pub struct PoolRecord {
    /// Connections, opening ones too.
    pub open: Level,
    /// Attempts to open one in the measured span.
    pub connects: u64,
    /// Of those, refused by the server.
    pub connects_refused: u64,
    /// Time to open one.
    pub connect: Histogram,
    /// Connections closed.
    pub closes: u64,
}

/// A database's own figures.
#[derive(Clone, Debug, Default)]
pub struct DatabaseRecord {
    /// Connections of the application.
    pub connections: Level,
    /// Connections refused in the measured span.
    pub connections_refused: u64,
    /// CPU time used in the measured span, in nanoseconds of a full core.
    pub cpu_used: f64,
    /// CPU used when measuring began, and when the last window ended.
    pub cpu_from: f64,
    /// See `cpu_from`.
    pub cpu_window: f64,
}

/// A class of cache keys' figures.
#[derive(Clone, Debug, Default)]
pub struct EntryRecord {
    /// Look-ups that found it.
    pub hits: u64,
    /// That did not.
    pub misses: u64,
    /// That waited for another's fetch.
    pub joined: u64,
    /// Fetches begun while another was under way.
    pub duplicates: u64,
}

/// A cache server's figures.
#[derive(Clone, Debug, Default)]
pub struct CacheRecord {
    /// Commands in the measured span.
    pub commands: u64,
    /// Commands that failed.
    pub failed: u64,
}

/// A limiter's figures.
#[derive(Clone, Debug, Default)]
pub struct LimiterRecord {
    /// Let through in the measured span.
    pub accepted: u64,
    /// Refused.
    pub refused: u64,
    /// Keys seen and windows opened in the whole run, over all stores.
    pub keys: u64,
    /// See `keys`.
    pub windows: u64,
}

/// A provider's figures.
#[derive(Clone, Debug, Default)]
pub struct ProviderRecord {
    /// Calls made by steps.
    pub calls: u64,
    /// Attempts, retries included.
    pub attempts: u64,
    /// Attempts refused with 429.
    pub refused: u64,
    /// Retries.
    pub retries: u64,
    /// Calls that failed in the end.
    pub gave_up: u64,
    /// Prompt tokens accepted.
    pub tokens_prompt: f64,
    /// Answer tokens.
    pub tokens_answer: f64,
    /// Minutes of recordings.
    pub audio_minutes: f64,
    /// Bytes sent with prompts and recordings, of every attempt.
    pub bytes_sent: f64,
    /// Time of an attempt that was answered.
    pub attempt: Histogram,
    /// Time of a call with its retries.
    pub call: Histogram,
    /// Attempts that processes' breakers refused.
    pub breaker_refused: u64,
    /// Times that a breaker opened, in the measured span and in the whole run.
    pub breaker_opened: u64,
    /// See `breaker_opened`.
    pub breaker_opened_whole: u64,
    /// By model: attempts, prompt tokens, answer tokens, minutes.
    pub by_model: Vec<(u64, f64, f64, f64)>,
}

/// A pooler's figures.
#[derive(Clone, Debug, Default)]
pub struct PoolerRecord {
    /// Server connections, opening ones too.
    pub open: Level,
    /// Clients' connections.
    pub clients: Level,
    /// Clients' connections that it did not accept, in the measured span.
    pub clients_refused: u64,
    /// Attempts to open a server connection.
    pub connects: u64,
    /// Of those, refused by the database.
    pub connects_refused: u64,
}

/// Degradation's figures.
#[derive(Clone, Debug, Default)]
pub struct DegradationRecord {
    /// Processes that look at themselves.
    pub processes: Level,
    /// By level: processes at it.
    pub levels: Vec<Level>,
    /// Changes of level in the measured span, over all processes.
    pub changes: u64,
    /// The same in the whole run.
    pub changes_whole: u64,
    /// Useful attempts of the measured span from which something was left out.
    pub degraded: u64,
    /// What their answers were worth less, in sum.
    pub lost: f64,
}

/// When and where a cause was first seen.
#[derive(Clone, Debug)]
pub struct FirstSeen {
    /// When.
    pub at: SimTime,
    /// At which resource, where it has one.
    pub resource: Option<u16>,
}

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub struct SnapshotRecord {
    /// When, in seconds.
    pub at: f64,
    /// Requests in hand.
    pub in_system: f64,
    /// Sessions.
    pub users: f64,
    /// Busy and queue by resource.
    pub resources: Vec<(f64, f64)>,
}

/// Sessions.
#[derive(Clone, Debug, Default)]
pub struct SessionRecord {
    /// Begun in the measured span.
    pub offered: u64,
    /// Of those, of people who registered in them.
    pub signed_up: u64,
    /// Of those that ended in it, ended as their flow does.
    pub completed: u64,
    /// Ended because the person left.
    pub abandoned: u64,
    /// How long they lasted.
    pub length: Histogram,
}

impl SessionRecord {
    /// A session of the measured span ends that has lasted so many nanoseconds.
    #[inline]
    pub fn ended(&mut self, length: u64, abandoned: bool) {
        self.length.record(length);
        if abandoned {
            self.abandoned += 1;
        } else {
            self.completed += 1;
        }
    }
}

/// What came of a rule of monitoring, over the whole run.
#[derive(Clone, Debug, Default)]
pub struct RuleRecord {
    /// How often it began to fire.
    pub fired: u64,
    /// How often it stopped.
    pub resolved: u64,
    /// When it first fired.
    pub fired_at: Option<SimTime>,
    /// When its condition first held, whether anybody looked or not.
    pub held_at: Option<SimTime>,
    /// When a message of it first reached somebody.
    pub told_at: Option<SimTime>,
}

/// What a channel carried, over the whole run.
#[derive(Clone, Debug, Default)]
pub struct ChannelRecord {
    /// Messages delivered.
    pub sent: u64,
    /// Of those, repetitions of what had been said.
    pub repeats: u64,
    /// Messages lost.
    pub lost: u64,
    /// When the first was lost.
    pub lost_at: Option<SimTime>,
    /// Segments paid for.
    pub segments: u64,
}

/// What monitoring leaves behind, over the whole run.
#[derive(Clone, Debug, Default)]
pub struct AlertsRecord {
    /// Looks.
    pub looks: u64,
    /// By rule of the model.
    pub rules: Vec<RuleRecord>,
    /// By channel of the model.
    pub channels: Vec<ChannelRecord>,
    /// When users first noticed that something is wrong.
    pub noticed_at: Option<SimTime>,
}
