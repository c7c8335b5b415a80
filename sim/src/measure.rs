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

pub use crate::level::{IN_SYSTEM_CUT, Level, Station};
use crate::split::Split;
use highwater_program::model::{Model, Stage};

mod breakdown;
mod cell;
mod part;

pub use breakdown::*;
pub use cell::*;
pub use part::*;

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
    /// Adds another window's requests; levels are left as they are.
    pub fn add(&mut self, other: &Self) {
        self.offered += other.offered;
        self.useful += other.useful;
        self.failed += other.failed;
        self.latency += other.latency;
        for (mine, theirs) in self.by_cause.iter_mut().zip(&other.by_cause) {
            *mine += theirs;
        }
        if self.latencies.len() < other.latencies.len() {
            self.latencies.resize(other.latencies.len(), 0);
        }
        for (mine, theirs) in self.latencies.iter_mut().zip(&other.latencies) {
            *mine += theirs;
        }
    }

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
        self.cell_at(index as u32);
        index as u32
    }

    /// The number of a cell among those of its endpoint.
    #[inline(always)]
    pub(crate) fn cell_of(&self, class: u8, phase: u16) -> u32 {
        (class as usize * self.phases + phase as usize) as u32
    }

    /// The cell of a number from [`Record::cell_index`].
    #[inline(always)]
    pub fn cell_at(&mut self, index: u32) -> &mut Cell {
        #[cold]
        #[inline(never)]
        fn make() -> Box<Cell> {
            Box::default()
        }
        self.cells[index as usize].get_or_insert_with(make)
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

    /// A request begins, with its first attempt.
    #[inline]
    pub(crate) fn asked(&mut self, now: SimTime, measured: bool, cell: u32, window: usize) {
        self.whole_offered += 1;
        self.in_system.up(now);
        let cell = self.cell_at(cell);
        if measured {
            cell.offered += 1;
            cell.attempts += 1;
            if let Some(window) = self.windows.get_mut(window) {
                window.offered += 1;
            }
        }
    }

    /// A request ends as it should, its time by stage in `split`; while the load goes on, if `loading`.
    // A function of its own, in which nothing but the record is at hand: so its tables are looked up once.
    #[inline(never)]
    pub(crate) fn useful(&mut self, now: SimTime, measured: bool, loading: bool, request: &Ended, split: &mut Split) {
        self.useful_here(now, measured, loading, request, |row| {
            split.take(|stage, nanos| row[stage as usize] += nanos)
        });
    }

    /// The same, inlined: `pour` adds the times to a row by stage and returns their sum.
    #[inline(always)]
    pub(crate) fn useful_here(
        &mut self,
        now: SimTime,
        measured: bool,
        loading: bool,
        request: &Ended,
        pour: impl FnOnce(&mut [u64]) -> u64,
    ) {
        self.whole_useful += 1;
        self.in_system.down(now);
        if !measured {
            return;
        }
        let latency = request.latency;
        let coarse = coarse_bucket(latency);
        if self.breakdown.add(coarse, pour) != latency {
            self.stage_mismatches += 1;
        }
        let cell = self.cell_at(request.cell);
        cell.useful += 1;
        match request.answer {
            Answer::OnTheSpot => {
                cell.completed += 1;
                cell.on_the_spot.record(latency);
            }
            Answer::AtOnce => cell.at_once.record(latency),
            Answer::AtLast => {
                cell.latency.record(latency);
                cell.first_byte.record(request.first_byte);
            }
        }
        let ended = if loading { self.window_of(now) } else { usize::MAX };
        if let Some(window) = self.windows.get_mut(request.window) {
            window.useful += 1;
            window.ended_useful += u64::from(ended == request.window);
            window.latency += u128::from(latency);
            if coarse >= window.latencies.len() {
                window.latencies.resize((coarse / 16 + 1) * 16, 0);
            }
            window.latencies[coarse] += 1;
        }
        if ended != request.window
            && let Some(window) = self.windows.get_mut(ended)
        {
            window.ended_useful += 1;
        }
    }

    /// A request ends otherwise: with an error, or because its user gave up.
    pub(crate) fn useless(&mut self, now: SimTime, measured: bool, request: &Ended, cause: Cause) {
        self.in_system.down(now);
        self.see(now, cause, None);
        let gave_up = cause == Cause::ClientTimeout;
        if gave_up {
            self.whole_abandoned += 1;
        } else {
            self.whole_failed += 1;
        }
        if !measured {
            return;
        }
        let cell = self.cell_at(request.cell);
        cell.by_cause[cause as usize] += 1;
        if gave_up {
            cell.abandoned += 1;
        } else {
            cell.failed += 1;
        }
        if let Some(window) = self.windows.get_mut(request.window) {
            window.failed += 1;
            window.by_cause[cause as usize] += 1;
        }
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
        self.stations.iter_mut().for_each(|station| station.finish(now));
        self.each_level(|level| level.finish(now));
    }

    /// Adds what the cells kept once to where it belongs: before their histograms are read.
    pub fn settle(&mut self) {
        self.cells.iter_mut().flatten().for_each(|cell| cell.settle());
    }

    /// Brings every station up to now.
    pub fn touch(&mut self, now: SimTime) {
        let measuring = self.measuring;
        for station in &mut self.stations {
            station.touch(now, measuring);
        }
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
