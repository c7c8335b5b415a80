//! The monitor: looks at the system as its monitoring does, tells people, and keeps what they could have known.
//!
//! Owns: counters since the last look, the rules' and channels' machines, when each rule's condition first truly held,
//! and when users noticed. Nothing here draws on the streams of anything else, and nothing is there without rules.
//! Never: what people do about an alert (`event`).
//!
//! Three clocks: the look, as often as the file says; a fine one, which finds when a condition first held (every second
//! for what is read at a moment, over ten seconds for shares and rates, and never more rarely than the look itself); and
//! ten seconds for what users notice. The two fine ones stop once they have found what they look for.

use highwater_models::machine::alert::{Alert, Look};
use highwater_models::machine::channel::Channel;
use highwater_models::units::show_number;
use highwater_models::{SimSpan, SimTime};
use highwater_workload::stream::Purpose;

use super::World;
use crate::event::Event;
use crate::measure::{RuleRecord, coarse_bucket, coarse_middle};
use highwater_program::model::{Gauge, Monitoring};

/// The clocks, as the number of [`Event::Monitor`].
const LOOK: u32 = 0;
const SECOND: u32 = 1;
const TEN_SECONDS: u32 = 2;
const NOTICE: u32 = 3;

const ONE: SimSpan = SimSpan::from_secs(1);
const TEN: SimSpan = SimSpan::from_secs(10);

/// Users notice when more than this share of the requests that end in ten seconds go wrong for them,
const NOTICED_SHARE: f64 = 0.05;
/// and at least so many of them do.
const NOTICED_LEAST: u64 = 3;

/// Coarse buckets that there are for latencies up to the longest time that can be scheduled.
const BUCKETS: usize = 1024;

const DAY: u64 = 86_400_000_000_000;

/// Requests since the start, and attempts at providers.
#[derive(Clone, Debug, Default)]
struct Counters {
    useful: u64,
    ended: u64,
    latency: u128,
    /// Failed, given up, or slow.
    bad: u64,
    /// By provider: attempts, those that were refused or failed, and those that were refused.
    providers: Vec<[u64; 3]>,
    /// By provider: the day, and dollars of that day.
    cost: Vec<(u64, f64)>,
}

impl Counters {
    fn at(&self, provider: u16) -> [u64; 3] {
        self.providers.get(usize::from(provider)).copied().unwrap_or_default()
    }
}

/// What is read since a moment: the sums then, and the latencies since.
#[derive(Clone, Debug)]
struct Since {
    at: SimTime,
    /// By rule: part and whole.
    sums: Vec<(f64, f64)>,
    /// By coarse bucket; empty where no rule asks for a quantile.
    latencies: Vec<u32>,
}

impl Since {
    fn new(rules: usize, quantiles: bool) -> Self {
        Self {
            at: SimTime::ZERO,
            sums: vec![(0.0, 0.0); rules],
            latencies: vec![0; if quantiles { BUCKETS } else { 0 }],
        }
    }

    fn quantile(&self, q: f64) -> f64 {
        let total: u64 = self.latencies.iter().map(|&count| u64::from(count)).sum();
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

/// The monitor of one replication.
#[derive(Debug)]
pub(crate) struct Monitor<'m> {
    /// What the file says: settings that change during a run change no rule.
    spec: &'m Monitoring,
    counters: Counters,
    rules: Vec<Alert>,
    channels: Vec<Channel>,
    /// Since the last look, and since the last ten seconds.
    look: Since,
    fine: Since,
    /// Ended and bad when the last ten seconds ended.
    noticed: (u64, u64),
    slow: u64,
    /// Messages handed over by each channel: the key of their delays.
    handed: Vec<u64>,
    /// Whether a channel's loss of today has been logged, by the day.
    lost_on: Vec<u64>,
}

impl<'m> Monitor<'m> {
    pub(super) fn new(spec: &'m Monitoring) -> Self {
        let quantiles = spec.rules.iter().any(|rule| matches!(rule.gauge, Gauge::Latency(_)));
        let providers = spec.providers;
        Self {
            spec,
            counters: Counters {
                providers: vec![[0; 3]; providers],
                cost: vec![(0, 0.0); providers],
                ..Counters::default()
            },
            rules: spec.rules.iter().map(|rule| Alert::new(rule.config)).collect(),
            channels: spec
                .channels
                .iter()
                .map(|channel| Channel::new(channel.config))
                .collect(),
            look: Since::new(spec.rules.len(), quantiles),
            fine: Since::new(spec.rules.len(), quantiles),
            noticed: (0, 0),
            slow: spec.slow,
            handed: vec![0; spec.channels.len()],
            lost_on: vec![u64::MAX; spec.channels.len()],
        }
    }

    /// A request has ended, usefully or not.
    pub(super) fn request_ended(&mut self, useful: bool, latency: u64) {
        let counters = &mut self.counters;
        counters.ended += 1;
        if useful {
            counters.useful += 1;
            counters.latency += u128::from(latency);
            let bucket = coarse_bucket(latency);
            for since in [&mut self.look, &mut self.fine] {
                if let Some(count) = since.latencies.get_mut(bucket) {
                    *count += 1;
                }
            }
        }
        if !useful || latency > self.slow {
            counters.bad += 1;
        }
    }

    /// An attempt at a provider has ended.
    pub(super) fn attempt_ended(&mut self, provider: usize, failed: bool) {
        if let Some([attempts, failures, _]) = self.counters.providers.get_mut(provider) {
            *attempts += 1;
            *failures += u64::from(failed);
        }
    }

    /// An attempt was refused.
    pub(super) fn attempt_refused(&mut self, provider: usize) {
        self.attempt_ended(provider, true);
        if let Some([_, _, refused]) = self.counters.providers.get_mut(provider) {
            *refused += 1;
        }
    }

    /// An answer is paid for.
    pub(super) fn pay(&mut self, now: SimTime, provider: usize, dollars: f64) {
        if let Some((day, sum)) = self.counters.cost.get_mut(provider) {
            let today = now.nanos() / DAY;
            if *day != today {
                (*day, *sum) = (today, 0.0);
            }
            *sum += dollars;
        }
    }
}

impl World<'_> {
    /// The monitor's first events.
    pub(super) fn begin_monitoring(&mut self) {
        let Some(spec) = &self.model.monitoring else { return };
        self.events.schedule(SimTime::ZERO + spec.every, Event::Monitor(LOOK));
        if spec.rules.iter().any(|rule| rule.gauge.is_now()) {
            self.events
                .schedule(SimTime::ZERO + ONE.min(spec.every), Event::Monitor(SECOND));
        }
        if spec.rules.iter().any(|rule| !rule.gauge.is_now()) {
            self.events
                .schedule(SimTime::ZERO + TEN.min(spec.every), Event::Monitor(TEN_SECONDS));
        }
        self.events.schedule(SimTime::ZERO + TEN, Event::Monitor(NOTICE));
    }

    /// One of the monitor's clocks.
    pub(super) fn monitor_event(&mut self, clock: u32) {
        let Some(mut monitor) = self.monitor.take() else { return };
        let spec = monitor.spec;
        let next = match clock {
            LOOK => {
                self.look_at_rules(spec, &mut monitor);
                Some(spec.every)
            }
            SECOND => self.find(spec, &mut monitor, true).then_some(ONE.min(spec.every)),
            TEN_SECONDS => self.find(spec, &mut monitor, false).then_some(TEN.min(spec.every)),
            _ => self.notice(&mut monitor).then_some(TEN),
        };
        self.monitor = Some(monitor);
        if let Some(span) = next {
            self.events.schedule(self.now + span, Event::Monitor(clock));
        }
    }

    /// Every rule is looked at, and whoever has to be told is.
    fn look_at_rules(&mut self, spec: &Monitoring, monitor: &mut Monitor<'_>) {
        self.record.alerts.looks += 1;
        for (number, rule) in spec.rules.iter().enumerate() {
            let reading = self.reading(rule.gauge, number, &monitor.look, &monitor.counters);
            if rule.config.holds(reading) {
                self.record.alerts.rules[number].held_at.get_or_insert(self.now);
            }
            let answer = monitor.rules[number].look(self.now, reading);
            let record = &mut self.record.alerts.rules[number];
            match answer {
                Look::Calm | Look::Pending | Look::Stays => {}
                Look::Fires => {
                    record.fired += 1;
                    record.fired_at.get_or_insert(self.now);
                    let than = if rule.config.is_above { "above" } else { "below" };
                    let text = format!(
                        "fires: {} is {}, {than} {}",
                        rule.watch,
                        show_number(reading),
                        show_number(rule.config.threshold)
                    );
                    self.log(rule.name.clone(), text);
                    self.tell(spec, monitor, number, false);
                    self.alert_fired(u16::try_from(number).unwrap_or(u16::MAX));
                }
                Look::Repeats => self.tell(spec, monitor, number, true),
                Look::Resolves => {
                    record.resolved += 1;
                    self.log(rule.name.clone(), "resolved".to_owned());
                }
            }
        }
        self.begin_again(spec, &mut monitor.look, &monitor.counters);
    }

    /// A rule's message goes to its channels.
    fn tell(&mut self, spec: &Monitoring, monitor: &mut Monitor<'_>, number: usize, again: bool) {
        for &channel in &spec.rules[number].channels {
            let channel = usize::from(channel);
            let config = &spec.channels[channel].config;
            let sent = monitor.channels[channel].send(self.now);
            let record = &mut self.record.alerts.channels[channel];
            match sent {
                Ok(()) => {
                    record.sent += 1;
                    record.repeats += u64::from(again);
                    record.segments += u64::from(config.segments);
                    let key = self.root.purpose(Purpose::Message).child(channel as u64);
                    let key = key.child(monitor.handed[channel]);
                    monitor.handed[channel] += 1;
                    let way = spec.channels[channel].delay.clone().span(&mut key.draw());
                    let told = &mut self.record.alerts.rules[number].told_at;
                    let there = self.now + way;
                    *told = Some(told.map_or(there, |at| at.min(there)));
                }
                Err(lost) => {
                    record.lost += 1;
                    record.lost_at.get_or_insert(self.now);
                    let day = self.now.nanos() / DAY;
                    if monitor.lost_on[channel] != day {
                        monitor.lost_on[channel] = day;
                        let text = format!("a message of `{}` is lost: {}", spec.rules[number].name, lost.text());
                        self.log(spec.channels[channel].name.clone(), text);
                    }
                }
            }
        }
    }

    /// Looks finely for conditions that hold for the first time. True while any has not been found yet.
    fn find(&mut self, spec: &Monitoring, monitor: &mut Monitor<'_>, now: bool) -> bool {
        let mut open = false;
        for (number, rule) in spec.rules.iter().enumerate() {
            let found = |record: &RuleRecord| record.held_at.is_some();
            if rule.gauge.is_now() != now || found(&self.record.alerts.rules[number]) {
                continue;
            }
            let reading = self.reading(rule.gauge, number, &monitor.fine, &monitor.counters);
            if rule.config.holds(reading) {
                self.record.alerts.rules[number].held_at = Some(self.now);
            } else {
                open = true;
            }
        }
        if !now {
            self.begin_again(spec, &mut monitor.fine, &monitor.counters);
        }
        open
    }

    /// Whether users noticed something in the last ten seconds. True while they have not.
    fn notice(&mut self, monitor: &mut Monitor<'_>) -> bool {
        let (ended, bad) = (monitor.counters.ended, monitor.counters.bad);
        let (all, wrong) = (ended - monitor.noticed.0, bad - monitor.noticed.1);
        monitor.noticed = (ended, bad);
        let noticed = wrong >= NOTICED_LEAST && wrong as f64 > NOTICED_SHARE * all as f64;
        if noticed {
            self.record.alerts.noticed_at = Some(self.now);
        }
        !noticed
    }

    fn begin_again(&mut self, spec: &Monitoring, since: &mut Since, counters: &Counters) {
        since.at = self.now;
        for (number, rule) in spec.rules.iter().enumerate() {
            since.sums[number] = self.sums(rule.gauge, counters);
        }
        since.latencies.fill(0);
    }

    /// What a monitor reads; NaN where there is nothing to read.
    fn reading(&mut self, gauge: Gauge, rule: usize, since: &Since, counters: &Counters) -> f64 {
        let level = |level: &crate::measure::Level| level.value as f64;
        let record = &self.record;
        match gauge {
            Gauge::Users => level(&record.online),
            Gauge::InSystem => level(&record.in_system),
            Gauge::Memory(service) => self.fullest(service),
            Gauge::InHand(service) => level(&record.services[service as usize].in_hand),
            Gauge::Instances(service) => level(&record.services[service as usize].instances),
            Gauge::Waiting(resource) => level(&record.stations[resource as usize].queue),
            Gauge::Busy(resource) => level(&record.stations[resource as usize].busy),
            Gauge::PoolConnections(pool) => level(&record.pools[pool as usize].open),
            Gauge::DatabaseConnections(database, others) => {
                f64::from(self.databases[database as usize].connections) + f64::from(others)
            }
            Gauge::CostToday(provider) => match counters.cost.get(provider as usize) {
                Some(&(day, sum)) if day == self.now.nanos() / DAY => sum,
                _ => 0.0,
            },
            Gauge::CommandsToday(cache) => {
                let mut quota = self.commands[cache as usize];
                quota.today(self.now) as f64
            }
            Gauge::Latency(q) => since.quantile(q),
            Gauge::ProviderRefused(provider) => counters.at(provider)[2] as f64 - since.sums[rule].0,
            _ => {
                let (part, whole) = self.sums(gauge, counters);
                let (before, all_before) = since.sums[rule];
                let whole = whole - all_before;
                if whole > 0.0 { (part - before) / whole } else { f64::NAN }
            }
        }
    }

    /// Memory of a service's fullest instance, as a share of its limit.
    fn fullest(&self, service: u16) -> f64 {
        let limit = self.model.services[service as usize].memory_limit;
        let instances = &self.services[service as usize].instances;
        let most = instances
            .iter()
            .map(|&instance| &self.instances[instance as usize])
            .filter(|instance| instance.life != super::Life::Gone)
            .map(|instance| instance.memory)
            .max();
        match most {
            Some(most) if limit > 0 => most as f64 / limit as f64,
            _ => f64::NAN,
        }
    }

    /// Part and whole since the start, of what is read over a time.
    fn sums(&mut self, gauge: Gauge, counters: &Counters) -> (f64, f64) {
        let seconds = self.now.seconds();
        match gauge {
            Gauge::Errors => ((counters.ended - counters.useful) as f64, counters.ended as f64),
            Gauge::LatencyMean => (counters.latency as f64 / 1e9, counters.useful as f64),
            Gauge::Throughput => (counters.ended as f64, seconds),
            Gauge::Goodput => (counters.useful as f64, seconds),
            Gauge::ServiceCpu(service) => {
                let service = usize::from(service);
                let cores = self.model.services[service].cores;
                if !cores.is_finite() {
                    return (0.0, 0.0);
                }
                let used = self.service_cpu(service);
                let instances = &self.record.services[service].instances;
                (used, cores * instances.area(self.now) as f64)
            }
            Gauge::DatabaseCpu(database) => {
                let database = &mut self.databases[usize::from(database)];
                let cores = database.cpu.cores();
                if !cores.is_finite() {
                    return (0.0, 0.0);
                }
                (database.cpu.used(self.now), cores * self.now.nanos() as f64)
            }
            Gauge::LoopLag(service) => {
                let resource = self.model.services[usize::from(service)].resource;
                let station = &self.record.stations[usize::from(resource)];
                (
                    station.waits as f64 / 1e9,
                    (station.whole_left + station.busy.value) as f64,
                )
            }
            Gauge::Utilization(resource) => self.slots_used(resource),
            Gauge::ProviderErrors(provider) => {
                let [attempts, failed, _] = counters.at(provider);
                (failed as f64, attempts as f64)
            }
            Gauge::ProviderRequests(provider) => (counters.at(provider)[0] as f64, seconds),
            Gauge::ProviderRefused(provider) => (counters.at(provider)[2] as f64, 0.0),
            _ => (0.0, 0.0),
        }
    }

    /// Time that a resource's slots were in use, and that there was of them.
    fn slots_used(&mut self, resource: u16) -> (f64, f64) {
        let spec = &self.model.resources[usize::from(resource)];
        if !spec.capacity.is_finite() {
            return (0.0, 0.0);
        }
        let used = self.record.stations[usize::from(resource)].busy.area(self.now) as f64;
        let there = match spec.service {
            Some(service) => {
                let at_start = f64::from(self.model.services[usize::from(service)].instances.max(1));
                let instances = &self.record.services[usize::from(service)].instances;
                spec.capacity / at_start * instances.area(self.now) as f64
            }
            None => spec.capacity * self.now.nanos() as f64,
        };
        (used, there)
    }
}
