//! What can be read off the platform: the names are those that alert rules watch.
//!
//! What is read over a time is read over the last stretch of it that rules look at: from one of the looks that were taken
//! meanwhile, by whoever took it.

use std::collections::VecDeque;

use highwater_models::{Cause, SimSpan, SimTime};

use super::plant::{Life, Plant};
use super::tally::{CLASSES, percentile};
use crate::backend::Reading;

/// Between two looks that are remembered.
const APART: SimSpan = SimSpan::from_secs(1);
/// The stretch that is looked back on where no rules say otherwise.
const STRETCH: SimSpan = SimSpan::from_secs(10);
/// The longest.
const STRETCH_MAX: SimSpan = SimSpan::from_secs(60);

/// Sums since the start, at a look.
#[derive(Clone)]
pub(super) struct Look {
    at: SimTime,
    ended: u64,
    useful: u64,
    latency: f64,
    latencies: [u64; CLASSES],
    /// By service: CPU used, and that there was.
    cpu: Vec<(f64, f64)>,
    /// By instance: CPU used in this life.
    instances: Vec<f64>,
    /// By service: waits for the loop, and their sum in seconds.
    waits: Vec<(f64, f64)>,
    /// What was due, and how late it was acted on in seconds.
    dues: (f64, f64),
    databases: Vec<f64>,
    /// By provider: attempts, those that failed, those refused.
    providers: Vec<(f64, f64, f64)>,
}

/// A part of a whole, or nothing where there is none.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Plant<'_> {
    /// All sums as they are now.
    fn take_look(&mut self) -> Look {
        let now = self.s.now;
        let instances: Vec<f64> = (0..self.s.instances.len() as u32)
            .map(|instance| self.cpu_used(instance))
            .collect();
        let model = self.model;
        let cpu = model.services.iter().zip(&self.s.services).zip(&self.s.tally.services);
        let cpu = cpu.map(|((spec, state), tally)| {
            let live = state.instances.iter();
            let live = live.map(|&instance| instances[instance as usize]);
            let there = if spec.cores.is_finite() {
                spec.cores * tally.ready.area(now)
            } else {
                0.0
            };
            (state.cpu_gone + live.sum::<f64>(), there)
        });
        let cpu = cpu.collect();
        let tally = &self.s.tally;
        let waits = tally.services.iter();
        let waits = waits.map(|service| (service.loop_waits as f64, service.loop_waited.seconds()));
        let providers = tally.providers.iter();
        let providers = providers.map(|it| (it.attempts as f64, it.failed as f64, it.refused as f64));
        let ended = tally.ends.iter().sum();
        let useful = tally.ends[Cause::COUNT];
        Look {
            at: now,
            ended,
            useful,
            latency: tally.latency.seconds(),
            latencies: tally.latencies,
            cpu,
            instances,
            waits: waits.collect(),
            dues: (tally.dues.0 as f64, tally.dues.1.seconds()),
            providers: providers.collect(),
            databases: self
                .s
                .databases
                .iter_mut()
                .map(|database| database.cpu.used(now))
                .collect(),
        }
    }

    /// The look that this one is compared with.
    fn look_before(&mut self, look: &Look) -> Look {
        let every = self.model.monitoring.as_ref().map_or(STRETCH, |rules| rules.every);
        let stretch = every.min(STRETCH_MAX).max(APART);
        let looks: &mut VecDeque<Look> = &mut self.s.looks;
        // The newest of those that are old enough, or the oldest there is.
        while looks.len() > 1 && looks[1].at + stretch <= look.at {
            looks.pop_front();
        }
        let before = looks.front().cloned();
        if looks.back().is_none_or(|last| last.at + APART <= look.at) {
            looks.push_back(look.clone());
        }
        before.unwrap_or_else(|| Look {
            at: SimTime::ZERO,
            ended: 0,
            useful: 0,
            latency: 0.0,
            latencies: [0; CLASSES],
            cpu: vec![(0.0, 0.0); look.cpu.len()],
            instances: Vec::new(),
            waits: vec![(0.0, 0.0); look.waits.len()],
            dues: (0.0, 0.0),
            databases: vec![0.0; look.databases.len()],
            providers: vec![(0.0, 0.0, 0.0); look.providers.len()],
        })
    }

    /// Everything that can be read.
    pub(super) fn readings(&mut self) -> Vec<Reading> {
        let look = self.take_look();
        let before = self.look_before(&look);
        let mut all = Readings(Vec::new());
        self.read_whole(&look, &before, &mut all);
        self.read_services(&look, &before, &mut all);
        self.read_lines(&mut all);
        self.read_servers(&look, &before, &mut all);
        self.read_counts(&mut all);
        all.0
    }

    fn read_whole(&mut self, look: &Look, before: &Look, all: &mut Readings) {
        let seconds = look.at.since(before.at).seconds();
        let (ended, useful) = ((look.ended - before.ended) as f64, (look.useful - before.useful) as f64);
        all.now("errors.rate", share(ended - useful, ended));
        all.now("latency.mean", share(look.latency - before.latency, useful));
        let mut classes = look.latencies;
        for (class, earlier) in classes.iter_mut().zip(&before.latencies) {
            *class -= earlier;
        }
        let p95 = percentile(&classes, 95.0);
        all.now("latency.p95", if p95.is_finite() { p95 } else { 0.0 });
        all.now("throughput", share(ended, seconds));
        all.now("goodput", share(useful, seconds));
        // Of this machine and not of the system: how far behind its clock the platform acts. What is timed here is right within
        // about that.
        all.now(
            "platform.late",
            share(look.dues.1 - before.dues.1, look.dues.0 - before.dues.0),
        );
        let online = self.s.people.online(look.at) as f64;
        all.now("users.online", online);
        all.now("in_system", self.s.requests.len() as f64);
    }

    fn read_services(&self, look: &Look, before: &Look, all: &mut Readings) {
        let span = look.at.since(before.at).nanos() as f64;
        for (number, spec) in self.model.services.iter().enumerate() {
            let name = &spec.name;
            let state = &self.s.services[number];
            let ((used, there), (used_before, there_before)) = (look.cpu[number], before.cpu[number]);
            let cpu = share(used - used_before, there - there_before);
            all.now(&format!("{name}.cpu"), cpu);
            all.now(&format!("{name}.utilization"), cpu);
            let (waits, before) = (look.waits[number], before.waits[number]);
            all.now(
                &format!("{name}.loop_lag"),
                share(waits.1 - before.1, waits.0 - before.0),
            );
            let (mut in_hand, mut fullest) = (0, 0.0f64);
            for &instance in &state.instances {
                let machine = &self.s.instances[instance as usize];
                let memory = if machine.limit == u64::MAX {
                    0.0
                } else {
                    machine.memory as f64 / machine.limit as f64
                };
                in_hand += machine.in_hand;
                fullest = fullest.max(memory);
                all.of(&format!("{name}.in_hand"), instance, f64::from(machine.in_hand));
                all.of(&format!("{name}.memory"), instance, memory);
                let is_ready = f64::from(machine.life == Life::Ready);
                all.of(&format!("{name}.ready"), instance, is_ready);
            }
            all.now(&format!("{name}.memory"), fullest);
            all.now(&format!("{name}.in_hand"), f64::from(in_hand));
            all.now(
                &format!("{name}.instances"),
                self.ready_instances(number as u16).count() as f64,
            );
            all.now(&format!("{name}.waiting"), state.line.len() as f64);
        }
        for &instance in self.s.services.iter().flat_map(|service| &service.instances) {
            let machine = &self.s.instances[instance as usize];
            let earlier = before.instances.get(instance as usize).copied().unwrap_or(0.0);
            // One that has booted since then began anew.
            let used = look.instances[instance as usize];
            let used = if used >= earlier { used - earlier } else { used };
            if machine.cores.is_finite() {
                let name = &self.model.services[machine.service as usize].name;
                all.of(&format!("{name}.cpu"), instance, share(used, span * machine.cores));
            }
        }
    }

    /// Pools, slots, queues: over all processes that live.
    fn read_lines(&self, all: &mut Readings) {
        let mut sums: Vec<Option<[f64; 4]>> = vec![None; self.model.resources.len()];
        let mut add = |resource: u16, waiting: f64, busy: f64, open: f64, most: f64| {
            let sum = sums[resource as usize].get_or_insert([0.0; 4]);
            for (sum, more) in sum.iter_mut().zip([waiting, busy, open, most]) {
                *sum += more;
            }
        };
        for process in self.s.processes.iter().filter(|process| process.alive) {
            let spec = &self.model.services[process.service as usize];
            for (&slots, machine) in spec.slots.iter().zip(&process.slots) {
                let resource = self.model.slots[slots as usize].resource;
                let busy = f64::from(machine.busy());
                add(resource, machine.waiting() as f64, busy, busy, f64::from(machine.max()));
            }
            for (&pool, machine) in spec.pools.iter().zip(&process.pools) {
                let resource = self.model.pools[pool as usize].resource;
                let (waiting, busy, open) = (machine.waiting(), machine.lent(), machine.open());
                let most = f64::from(machine.config().max);
                add(resource, f64::from(waiting), f64::from(busy), f64::from(open), most);
            }
            for (&queue, machine) in spec.queues.iter().zip(&process.queues) {
                let resource = self.model.queues[queue as usize].resource;
                let (waiting, busy) = (f64::from(machine.waiting()), f64::from(machine.running()));
                add(resource, waiting, busy, busy, f64::from(machine.config().concurrency));
            }
        }
        for (resource, sum) in self.model.resources.iter().zip(sums) {
            let Some([waiting, busy, open, most]) = sum else {
                continue;
            };
            let name = &resource.name;
            all.now(&format!("{name}.waiting"), waiting);
            all.now(&format!("{name}.busy"), busy);
            all.now(&format!("{name}.connections"), open);
            all.now(&format!("{name}.utilization"), share(busy, most));
        }
        for (spec, state) in self.model.poolers.iter().zip(&self.s.poolers) {
            let name = &self.model.resources[spec.resource as usize].name;
            all.now(&format!("{name}.waiting"), state.machine.waiting() as f64);
            all.now(&format!("{name}.connections"), f64::from(state.machine.open()));
            all.now(&format!("{name}.clients"), f64::from(state.clients));
        }
    }

    /// What lies behind the processes.
    fn read_servers(&mut self, look: &Look, before: &Look, all: &mut Readings) {
        let (now, span) = (look.at, look.at.since(before.at).nanos() as f64);
        for (number, spec) in self.model.databases.iter().enumerate() {
            let name = &self.model.resources[spec.resource as usize].name;
            let state = &self.s.databases[number];
            let cpu = if spec.cores.is_finite() {
                share(look.databases[number] - before.databases[number], span * spec.cores)
            } else {
                0.0
            };
            all.now(&format!("{name}.connections"), f64::from(state.connections));
            all.now(&format!("{name}.cpu"), cpu);
            all.now(&format!("{name}.utilization"), cpu);
            all.now(&format!("{name}.busy"), state.cpu.running() as f64);
        }
        for (spec, quota) in self.model.caches.iter().zip(&mut self.s.commands) {
            let name = &self.model.resources[spec.resource as usize].name;
            all.now(&format!("{name}.commands_today"), quota.today(now) as f64);
        }
        for (number, spec) in self.model.providers.iter().enumerate() {
            let name = &self.model.resources[spec.resource as usize].name;
            let (it, was) = (look.providers[number], before.providers[number]);
            all.now(&format!("{name}.errors"), share(it.1 - was.1, it.0 - was.0));
            all.now(&format!("{name}.refused"), it.2 - was.2);
            all.now(&format!("{name}.requests"), share(it.0 - was.0, span / 1e9));
            all.now(&format!("{name}.in_flight"), f64::from(self.s.calling[number]));
            let utilization = share(f64::from(self.s.calling[number]), f64::from(spec.concurrent));
            all.now(&format!("{name}.utilization"), utilization);
            let spending = &mut self.s.tally.providers[number].spending;
            all.now(&format!("{name}.cost_today"), spending.today(now));
        }
    }

    /// How often things have happened.
    fn read_counts(&self, all: &mut Readings) {
        let tally = &self.s.tally;
        all.count("requests", tally.requests);
        all.count("useful", tally.ends[Cause::COUNT]);
        all.count("turned_away", tally.turned_away);
        for cause in Cause::ALL {
            let count = tally.ends[cause as usize];
            if count > 0 {
                all.count(&format!("failed.{}", cause.name()), count);
            }
        }
        for (spec, limiter) in self.model.limiters.iter().zip(&tally.limiters) {
            let name = &self.model.resources[spec.resource as usize].name;
            all.count(&format!("{name}.accepted"), limiter.accepted);
            all.count(&format!("{name}.refused"), limiter.refused);
        }
        for (spec, entry) in self.model.entries.iter().zip(&tally.entries) {
            let cache = self.model.caches[spec.cache as usize].resource;
            let name = format!("{}.{}", self.model.resources[cache as usize].name, spec.name);
            all.count(&format!("{name}.hits"), entry.hits);
            all.count(&format!("{name}.misses"), entry.misses);
            all.count(&format!("{name}.joined"), entry.joined);
        }
        for (spec, service) in self.model.services.iter().zip(&tally.services) {
            all.count(&format!("{}.deaths", spec.name), service.deaths);
        }
        for (spec, pool) in self.model.pools.iter().zip(&tally.pools) {
            let name = &self.model.resources[spec.resource as usize].name;
            all.count(&format!("{name}.connects"), pool.connects);
        }
        for (spec, provider) in self.model.providers.iter().zip(&tally.providers) {
            let name = &self.model.resources[spec.resource as usize].name;
            all.count(&format!("{name}.attempts"), provider.attempts);
            all.count(&format!("{name}.attempts_refused"), provider.refused);
            all.count(&format!("{name}.retries"), provider.retries);
            all.count(&format!("{name}.gave_up"), provider.gave_up);
            all.count(&format!("{name}.breaker_refused"), provider.breaker_refused);
        }
        for (resource, &count) in self.model.resources.iter().zip(&tally.refusals) {
            if count > 0 {
                all.count(&format!("{}.turned_away", resource.name), count);
            }
        }
        if self.model.degradation.is_some() {
            all.count("degradation.changes", tally.level_changes);
        }
    }
}

struct Readings(Vec<Reading>);

impl Readings {
    fn now(&mut self, name: &str, value: f64) {
        self.add(name, None, value, false);
    }

    fn of(&mut self, name: &str, instance: u32, value: f64) {
        self.add(name, Some(instance), value, false);
    }

    fn count(&mut self, name: &str, value: u64) {
        self.add(name, None, value as f64, true);
    }

    fn add(&mut self, name: &str, instance: Option<u32>, value: f64, is_count: bool) {
        self.0.push(Reading {
            name: name.to_owned(),
            instance,
            value,
            is_count,
        });
    }
}
