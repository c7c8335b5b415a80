//! What one replication leaves behind, counted as it happens.
//!
//! Owns: counters, time-weighted levels, histograms, windows. Everything has a fixed size once every endpoint has been
//! used: memory does not grow with the number of requests.
//! Never: intervals (they need several replications, see `outcome`), words.
//! Two spans are kept apart: the *measured* one, which figures are about, and the *whole* run, over which the books must
//! close to the nanosecond.

use highwater_models::record::histogram::Histogram;
use highwater_models::record::summary::LogEntry;
use highwater_models::{Cause, SimSpan, SimTime};

use crate::gauge::Gauge;
pub use crate::level::{IN_SYSTEM_CUT, Level, Station};
use crate::model::{Model, Stage};

/// Requests of one endpoint, class and phase.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Requests.
    pub offered: u64,
    /// Answered correctly while the user waited.
    pub useful: u64,
    /// Answered with an error, or not at all.
    pub failed: u64,
    /// The user gave up.
    pub abandoned: u64,
    /// Failed and abandoned, by cause.
    pub by_cause: [u64; Cause::COUNT],
    /// HTTP exchanges.
    pub attempts: u64,
    /// Latency of useful requests.
    pub latency: Histogram,
    /// The same to the first byte.
    pub first_byte: Histogram,
    /// Attempts answered, refusals and errors too, to the first byte: the load tool's reading.
    pub tool: Histogram,
    /// Attempts that were never answered.
    pub tool_missing: u64,
    /// Attempts answered correctly by the server, whoever still waited.
    pub completed: u64,
    /// Attempts that the server finished for nobody.
    pub wasted: u64,
    /// Time from arrival at the server to its answer, of attempts answered correctly.
    pub server: Histogram,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            offered: 0,
            useful: 0,
            failed: 0,
            abandoned: 0,
            by_cause: [0; Cause::COUNT],
            attempts: 0,
            latency: Histogram::default(),
            first_byte: Histogram::default(),
            tool: Histogram::default(),
            tool_missing: 0,
            completed: 0,
            wasted: 0,
            server: Histogram::default(),
        }
    }
}

impl Cell {
    /// Adds another cell's counts.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.useful += other.useful;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        for (mine, theirs) in self.by_cause.iter_mut().zip(&other.by_cause) {
            *mine += theirs;
        }
        self.attempts += other.attempts;
        self.latency.merge(&other.latency);
        self.first_byte.merge(&other.first_byte);
        self.tool.merge(&other.tool);
        self.tool_missing += other.tool_missing;
        self.completed += other.completed;
        self.wasted += other.wasted;
        self.server.merge(&other.server);
    }
}

/// Buckets of latency an octave, for the split by stage and for windows: a quantile is off by at most 1/32 of its value.
const COARSE: u32 = 4;

/// The coarse bucket of a latency.
#[must_use]
#[inline]
pub fn coarse_bucket(nanos: u64) -> usize {
    if nanos < 1 << COARSE {
        return nanos as usize;
    }
    let shift = 63 - nanos.leading_zeros() - COARSE;
    ((shift as usize + 1) << COARSE) + ((nanos >> shift) as usize & ((1 << COARSE) - 1))
}

/// The middle of a coarse bucket, in nanoseconds.
#[must_use]
pub fn coarse_middle(bucket: usize) -> f64 {
    if bucket < 1 << COARSE {
        return bucket as f64;
    }
    let shift = (bucket >> COARSE) - 1;
    let low = (((1 << COARSE) + (bucket & ((1 << COARSE) - 1))) as u64) << shift;
    low as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

/// Where the latency of useful requests went, by how long they took.
#[derive(Clone, Debug, Default)]
pub struct Breakdown {
    stages: usize,
    /// Per coarse bucket of latency: nanoseconds by stage.
    nanos: Vec<u64>,
    /// Per coarse bucket: requests.
    count: Vec<u64>,
}

impl Breakdown {
    fn new(stages: usize) -> Self {
        Self {
            stages,
            nanos: Vec::new(),
            count: Vec::new(),
        }
    }

    /// Adds a request; returns the sum of its stages.
    pub fn add(&mut self, latency: u64, stages: &[u64]) -> u64 {
        let bucket = coarse_bucket(latency);
        if bucket >= self.count.len() {
            // Whole octaves, so that growing stops after a few times.
            let buckets = (bucket / 16 + 1) * 16;
            self.count.resize(buckets, 0);
            self.nanos.resize(buckets * self.stages, 0);
        }
        self.count[bucket] += 1;
        let row = &mut self.nanos[bucket * self.stages..][..self.stages];
        let mut sum = 0;
        for (total, &nanos) in row.iter_mut().zip(stages) {
            *total += nanos;
            sum += nanos;
        }
        sum
    }

    /// Mean seconds by stage, over the slowest share of requests (1 for all of them). A bucket that is only partly among
    /// the slowest counts in part.
    #[must_use]
    pub fn mean_of_slowest(&self, share: f64) -> Vec<f64> {
        let total: u64 = self.count.iter().sum();
        let wanted = share * total as f64;
        let mut left = wanted;
        let mut sums = vec![0.0; self.stages];
        for bucket in (0..self.count.len()).rev() {
            let count = self.count[bucket] as f64;
            if count == 0.0 || left <= 0.0 {
                continue;
            }
            let part = (left / count).min(1.0);
            left -= count * part;
            for (sum, &nanos) in sums.iter_mut().zip(&self.nanos[bucket * self.stages..][..self.stages]) {
                *sum += nanos as f64 * part;
            }
        }
        sums.iter()
            .map(|sum| if wanted > 0.0 { sum / wanted / 1e9 } else { f64::NAN })
            .collect()
    }
}

/// A window of the timeline: requests that arrived in it, and levels over it.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Requests that arrived.
    pub offered: u64,
    /// Of those, useful in the end.
    pub useful: u64,
    /// Of those, failed or abandoned in the end.
    pub failed: u64,
    /// By cause.
    pub by_cause: [u32; Cause::COUNT],
    /// Sum of latencies of the useful ones, in nanoseconds.
    pub latency: u128,
    /// Their coarse buckets.
    pub latencies: Vec<u32>,
    /// Useful requests that ended in it, whenever they arrived.
    pub ended_useful: u64,
    /// Mean users online.
    pub users: f64,
    /// Mean busy and queue by resource.
    pub resources: Vec<(f64, f64)>,
    /// CPU in use as a share of what there is, and instances that take requests at its end, by service.
    pub services: Vec<(f64, f64)>,
    /// Mean memory of an instance in bytes, and mean number of instances whose processes ran, by service.
    pub lives: Vec<(f64, f64)>,
}

impl Window {
    /// A latency's quantile in seconds; NaN when there is none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> f64 {
        let total: u64 = self.latencies.iter().map(|&count| u64::from(count)).sum();
        if total == 0 {
            return f64::NAN;
        }
        let rank = ((q * total as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, &count) in self.latencies.iter().enumerate() {
            seen += u64::from(count);
            if seen >= rank {
                return coarse_middle(bucket) / 1e9;
            }
        }
        f64::NAN
    }
}

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
        self.running.touch(now);
        let area = self.running.area - self.running_window;
        self.running_window = self.running.area;
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

/// Everything that one replication leaves behind.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whether the clock is in the measured span.
    pub measuring: bool,
    /// When it began and ended.
    pub from: SimTime,
    /// See `from`.
    pub to: SimTime,
    /// By endpoint, class and phase; see [`Record::cell`].
    pub cells: Vec<Option<Box<Cell>>>,
    /// Requests in hand.
    pub in_system: Level,
    /// Sessions online.
    pub online: Level,
    /// Sessions.
    pub sessions: SessionRecord,
    /// By resource.
    pub stations: Vec<Station>,
    /// By service.
    pub services: Vec<ServiceRecord>,
    /// By pool.
    pub pools: Vec<PoolRecord>,
    /// By database.
    pub databases: Vec<DatabaseRecord>,
    /// By kind of query: from its start to its reply, waiting for the loop left out.
    pub queries: Vec<Histogram>,
    /// By class of keys.
    pub entries: Vec<EntryRecord>,
    /// By cache.
    pub caches: Vec<CacheRecord>,
    /// By limiter.
    pub limiters: Vec<LimiterRecord>,
    /// By provider.
    pub providers: Vec<ProviderRecord>,
    /// By pooler.
    pub poolers: Vec<PoolerRecord>,
    /// Degradation.
    pub degradation: DegradationRecord,
    /// Waits of slices for their event loop, by service: loop delay.
    pub loop_lag: Vec<Histogram>,
    /// Share of time that a job queue held somebody back by its window alone: nanoseconds, by queue.
    pub held_by_cap: Vec<Level>,
    /// Most starts in one window, by queue.
    pub starts_per_window: Vec<u32>,
    /// Where latency went.
    pub breakdown: Breakdown,
    /// By resource and stage: nanoseconds that its slots were held by somebody in that stage.
    pub held: Vec<u64>,
    /// Windows of the timeline.
    pub windows: Vec<Window>,
    /// By cause.
    pub first_seen: Vec<Option<FirstSeen>>,
    /// Monitoring.
    pub alerts: AlertsRecord,
    /// Snapshots.
    pub snapshots: Vec<SnapshotRecord>,
    /// When the last fault was over, or is to be.
    pub last_fault: Option<SimTime>,
    /// What happened, for the log.
    pub log: Vec<LogEntry>,
    /// Events taken.
    pub events: u64,
    /// When the run ended.
    pub ended: SimTime,
    /// Whole run: requests that began, and each way to end.
    pub whole_offered: u64,
    /// See `whole_offered`.
    pub whole_useful: u64,
    /// See `whole_offered`.
    pub whole_failed: u64,
    /// See `whole_offered`.
    pub whole_abandoned: u64,
    /// Requests of the measured span still in hand at the end.
    pub in_flight: u64,
    /// Requests in hand at the end, measured or not.
    pub whole_in_flight: u64,
    /// Whole run: attempts begun, ended at the server, and still there at the end.
    pub attempts_begun: u64,
    /// See `attempts_begun`.
    pub attempts_ended: u64,
    /// See `attempts_begun`.
    pub attempts_in_flight: u64,
    /// Requests whose stages did not add up to their latency: an error of ours.
    pub stage_mismatches: u64,
    classes: usize,
    phases: usize,
    stages: usize,
    window: SimSpan,
    /// The window that was asked for last, and the nanosecond at which it begins.
    window_found: usize,
    /// See `window_found`.
    window_begins: u64,
}

impl Record {
    /// An empty record for a model.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        let windows = if model.window.nanos() == 0 {
            0
        } else {
            model.duration.nanos().div_ceil(model.window.nanos())
        };
        let providers = model.providers.iter().map(|provider| ProviderRecord {
            by_model: vec![(0, 0.0, 0.0, 0.0); provider.models.len()],
            ..ProviderRecord::default()
        });
        Self {
            measuring: false,
            from: model.measure_from,
            to: model.measure_to,
            cells: (0..model.endpoints.len() * model.classes.len() * model.phases.len())
                .map(|_| None)
                .collect(),
            in_system: Level::default(),
            online: Level::default(),
            sessions: SessionRecord::default(),
            stations: vec![Station::default(); model.resources.len()],
            services: vec![ServiceRecord::default(); model.services.len()],
            pools: vec![PoolRecord::default(); model.pools.len()],
            databases: vec![DatabaseRecord::default(); model.databases.len()],
            queries: vec![Histogram::default(); model.query_kinds.len()],
            entries: vec![EntryRecord::default(); model.entries.len()],
            caches: vec![CacheRecord::default(); model.caches.len()],
            limiters: vec![LimiterRecord::default(); model.limiters.len()],
            providers: providers.collect(),
            poolers: vec![PoolerRecord::default(); model.poolers.len()],
            degradation: DegradationRecord {
                levels: vec![Level::default(); model.degradation.as_ref().map_or(0, |ladder| ladder.levels.len())],
                ..DegradationRecord::default()
            },
            loop_lag: vec![Histogram::default(); model.services.len()],
            held_by_cap: vec![Level::default(); model.queues.len()],
            starts_per_window: vec![0; model.queues.len()],
            breakdown: Breakdown::new(model.stages.len()),
            held: vec![0; model.resources.len() * model.stages.len()],
            windows: (0..windows).map(|_| Window::default()).collect(),
            first_seen: vec![None; Cause::COUNT],
            alerts: model
                .monitoring
                .as_ref()
                .map_or_else(AlertsRecord::default, |spec| AlertsRecord {
                    rules: vec![RuleRecord::default(); spec.rules.len()],
                    channels: vec![ChannelRecord::default(); spec.channels.len()],
                    ..AlertsRecord::default()
                }),
            snapshots: Vec::new(),
            last_fault: None,
            log: Vec::new(),
            events: 0,
            ended: SimTime::ZERO,
            whole_offered: 0,
            whole_useful: 0,
            whole_failed: 0,
            whole_abandoned: 0,
            in_flight: 0,
            whole_in_flight: 0,
            attempts_begun: 0,
            attempts_ended: 0,
            attempts_in_flight: 0,
            stage_mismatches: 0,
            classes: model.classes.len(),
            phases: model.phases.len(),
            stages: model.stages.len(),
            window: model.window,
            window_found: 0,
            window_begins: 0,
        }
    }

    /// The cell of an endpoint, class and phase.
    #[inline]
    pub fn cell(&mut self, endpoint: u16, class: u8, phase: u16) -> &mut Cell {
        let index = (endpoint as usize * self.classes + class as usize) * self.phases + phase as usize;
        self.cells[index].get_or_insert_with(Box::default)
    }

    /// The number of a cell, which is made if it has not been used before.
    #[inline]
    pub fn cell_index(&mut self, endpoint: u16, class: u8, phase: u16) -> u32 {
        let index = (endpoint as usize * self.classes + class as usize) * self.phases + phase as usize;
        self.cells[index].get_or_insert_with(Box::default);
        index as u32
    }

    /// The cell of a number from [`Record::cell_index`].
    #[inline]
    pub fn cell_at(&mut self, index: u32) -> &mut Cell {
        self.cells[index as usize].get_or_insert_with(Box::default)
    }

    /// The endpoint, class and phase of a cell's index.
    #[must_use]
    pub fn cell_names(&self, index: usize) -> (usize, usize, usize) {
        (
            index / self.phases / self.classes,
            index / self.phases % self.classes,
            index % self.phases,
        )
    }

    /// The window that a request arriving then belongs to: after the last one, the last.
    #[inline]
    pub fn window_of(&mut self, at: SimTime) -> usize {
        // Time goes forward and windows are long: nearly always it is the one found last, and nothing is divided.
        if at.nanos().wrapping_sub(self.window_begins) < self.window.nanos() {
            return self.window_found;
        }
        self.find_window(at)
    }

    #[cold]
    fn find_window(&mut self, at: SimTime) -> usize {
        let length = self.window.nanos();
        if self.windows.is_empty() || length == 0 {
            return usize::MAX;
        }
        let number = at.nanos() / length;
        self.window_begins = number * length;
        self.window_found = (number as usize).min(self.windows.len() - 1);
        self.window_found
    }

    /// A failure of that cause is seen at a resource.
    pub fn see(&mut self, now: SimTime, cause: Cause, resource: Option<u16>) {
        let seen = &mut self.first_seen[cause as usize];
        if seen.is_none() {
            *seen = Some(FirstSeen { at: now, resource });
        }
    }

    /// Slots of a resource were held for so long by somebody in that stage.
    #[inline]
    pub fn hold(&mut self, resource: u16, stage: Stage, nanos: u64) {
        self.held[resource as usize * self.stages + stage as usize] += nanos;
    }

    /// Nanoseconds that a resource's slots were held, by stage of the holder.
    #[must_use]
    pub fn held_by_stage(&self, resource: usize) -> &[u64] {
        &self.held[resource * self.stages..][..self.stages]
    }

    /// Measuring begins: levels count from here on.
    pub fn begin(&mut self, now: SimTime) {
        self.measuring = true;
        self.from = now;
        for station in &mut self.stations {
            station.begin(now);
        }
        self.each_level(|level| level.begin(now));
    }

    /// Measuring ends: levels stop counting for figures, and go on for the books.
    pub fn finish(&mut self, now: SimTime) {
        self.measuring = false;
        self.to = now;
        for station in &mut self.stations {
            station.touch(now, true);
        }
        self.each_level(|level| level.finish(now));
    }

    /// Brings every level up to now.
    #[inline]
    pub fn touch(&mut self, now: SimTime) {
        let measuring = self.measuring;
        for station in &mut self.stations {
            station.touch(now, measuring);
        }
        self.each_level(|level| level.touch(now));
    }

    fn each_level(&mut self, mut visit: impl FnMut(&mut Level)) {
        self.stations
            .iter_mut()
            .flat_map(|station| [&mut station.busy, &mut station.queue])
            .for_each(&mut visit);
        visit(&mut self.in_system);
        visit(&mut self.online);
        self.services
            .iter_mut()
            .flat_map(|service| {
                [
                    &mut service.instances,
                    &mut service.running,
                    &mut service.in_hand,
                    &mut service.billed,
                    &mut service.rent,
                ]
            })
            .for_each(&mut visit);
        self.pools.iter_mut().map(|pool| &mut pool.open).for_each(&mut visit);
        self.databases
            .iter_mut()
            .map(|database| &mut database.connections)
            .for_each(&mut visit);
        self.held_by_cap.iter_mut().for_each(&mut visit);
        self.poolers
            .iter_mut()
            .flat_map(|pooler| [&mut pooler.open, &mut pooler.clients])
            .for_each(&mut visit);
        visit(&mut self.degradation.processes);
        self.degradation.levels.iter_mut().for_each(&mut visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_buckets_are_within_their_stated_error() {
        let mut nanos = 1u64;
        while nanos < 1 << 56 {
            for near in [nanos, nanos + nanos / 3, nanos * 2 - 1] {
                let error = (coarse_middle(coarse_bucket(near)) - near as f64).abs();
                assert!(error <= near as f64 / 32.0, "{near}");
            }
            nanos *= 2;
        }
    }

    #[test]
    fn the_slowest_share_counts_a_bucket_in_part() {
        let mut breakdown = Breakdown::new(1);
        for _ in 0..90 {
            breakdown.add(1_000_000_000, &[1_000_000_000]);
        }
        for _ in 0..10 {
            breakdown.add(8_000_000_000, &[8_000_000_000]);
        }
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(breakdown.mean_of_slowest(0.05)[0], 8.0));
        assert!(close(breakdown.mean_of_slowest(0.2)[0], 4.5));
        assert!(close(breakdown.mean_of_slowest(1.0)[0], 1.7));
    }
}
