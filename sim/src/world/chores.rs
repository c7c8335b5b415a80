//! The clock's own chores: where measuring begins and ends, windows of the timeline, snapshots, the log.

use highwater_models::record::summary::LogEntry;
use highwater_models::{SimSpan, SimTime};

use super::World;
use crate::event::Event;
use crate::measure::SnapshotRecord;
use crate::trace::{Arrived, Ended};
use highwater_program::model::{NANO, ResourceKind, Runtime, STAGE_CLIENT};

/// Share of its capacity at which a resource counts as saturated over a window.
const SATURATED: f64 = 0.95;

impl World<'_> {
    /// Something worth a line of the log happens.
    pub(super) fn log(&mut self, subject: String, text: String) {
        self.record.log.push(LogEntry {
            at: self.now.seconds(),
            subject,
            text,
        });
    }

    pub(super) fn service_cpu(&mut self, service: usize) -> f64 {
        let mut used = self.services[service].cpu_gone;
        for number in 0..self.services[service].instances.len() {
            let instance = self.services[service].instances[number];
            used += self.cpu_used(instance);
        }
        used
    }

    pub(super) fn begin_measuring(&mut self) {
        self.record.begin(self.now);
        for service in 0..self.model.services.len() {
            let used = self.service_cpu(service);
            let instances = self.services[service].instances.iter();
            let most = instances
                .map(|&instance| self.instances[instance as usize].memory)
                .max();
            let record = &mut self.record.services[service];
            record.cpu_from = used;
            record.cpu_window = used;
            record.memory.begin(self.now, most.unwrap_or(0));
            record.cores.begin(self.now, 0);
        }
        for (database, record) in self.databases.iter_mut().zip(&mut self.record.databases) {
            record.cpu_from = database.cpu.used(self.now);
            record.cpu_window = record.cpu_from;
        }
    }

    pub(super) fn finish_measuring(&mut self) {
        self.record.finish(self.now);
        for service in 0..self.model.services.len() {
            let used = self.service_cpu(service);
            let cores = self.model.services[service].cores;
            let record = &mut self.record.services[service];
            record.cpu_used = used - record.cpu_from;
            record.memory.finish(self.now);
            record.cores.finish(self.now);
            record.cpu_there = if cores.is_finite() {
                record.cores.measured_area() as f64 / NANO
            } else {
                cores * record.running.measured_area() as f64
            };
        }
        for (database, record) in self.databases.iter_mut().zip(&mut self.record.databases) {
            record.cpu_used = database.cpu.used(self.now) - record.cpu_from;
        }
        if !self.loading {
            self.end_if_idle();
        }
    }

    /// A window of the timeline ends: levels over it, and who was saturated.
    pub(super) fn end_window(&mut self) {
        let window = self.model.window;
        let number = (self.now.nanos() / window.nanos()) as usize - 1;
        if number + 1 < self.record.windows.len() {
            self.events.schedule(self.now + window, Event::Window);
        }
        let measuring = self.record.measuring;
        let online = self.record.online.value as f64;
        let mut services = Vec::with_capacity(self.model.services.len());
        let mut lives = Vec::with_capacity(self.model.services.len());
        let mut busy_service = vec![0.0; self.model.services.len()];
        for (service, busy) in busy_service.iter_mut().enumerate() {
            let used = self.service_cpu(service);
            let record = &mut self.record.services[service];
            let spec = &self.model.services[service];
            // Those that run, old generations and drained ones too; none for a while when they have died.
            let cores = record.cores.window(self.now, window) / NANO;
            let there = cores * window.nanos() as f64;
            let used_here = used - record.cpu_window;
            let share = if there > 0.0 { used_here / there } else { f64::NAN };
            // One process cannot use more than one core, whatever the plan has: its loop is full before the CPU is.
            let part = if spec.runtime == Runtime::Node {
                (f64::from(spec.processes) / spec.cores).min(1.0)
            } else {
                1.0
            };
            *busy = share / part;
            record.cpu_window = used;
            services.push((share, record.instances.value as f64));
            let running = record.running_in_window(self.now, window);
            let memory = record.memory.window(self.now, window);
            lives.push((if running > 0.0 { memory / running } else { f64::NAN }, running));
        }
        let mut busy_database = vec![0.0; self.model.databases.len()];
        for (number, busy) in busy_database.iter_mut().enumerate() {
            let used = self.databases[number].cpu.used(self.now);
            let record = &mut self.record.databases[number];
            *busy = (used - record.cpu_window) / (self.databases[number].cpu.cores() * window.nanos() as f64);
            record.cpu_window = used;
        }
        let mut resources = Vec::with_capacity(self.model.resources.len());
        for (number, resource) in self.model.resources.iter().enumerate() {
            let station = &mut self.record.stations[number];
            let (busy, queue) = station.window(self.now, window, measuring);
            let saturated = match resource.kind {
                ResourceKind::Service => {
                    let service = self
                        .model
                        .services
                        .iter()
                        .position(|s| usize::from(s.resource) == number);
                    service.is_some_and(|service| busy_service[service] >= SATURATED)
                }
                ResourceKind::Database => {
                    let database = self
                        .model
                        .databases
                        .iter()
                        .position(|d| usize::from(d.resource) == number);
                    database.is_some_and(|database| busy_database[database] >= SATURATED)
                }
                ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Pooler => {
                    let scale = resource.service.map_or(1.0, |service| {
                        let spec = &self.model.services[service as usize];
                        self.record.services[service as usize].running.value as f64 / f64::from(spec.instances.max(1))
                    });
                    queue >= 1.0 && busy >= SATURATED * resource.capacity * scale
                }
                ResourceKind::Limiter | ResourceKind::Cache | ResourceKind::Provider => false,
            };
            if saturated {
                station.first_saturated.get_or_insert(self.now);
            }
            resources.push((busy, queue));
        }
        if let Some(window) = self.record.windows.get_mut(number) {
            window.users = online;
            window.resources = resources;
            window.services = services;
            window.lives = lives;
        }
    }

    pub(super) fn snapshot(&mut self) {
        let stations = self.record.stations.iter();
        let snapshot = SnapshotRecord {
            at: self.now.seconds(),
            in_system: self.record.in_system.value as f64,
            users: self.record.online.value as f64,
            resources: stations.map(|s| (s.busy.value as f64, s.queue.value as f64)).collect(),
        };
        self.record.snapshots.push(snapshot);
    }

    /// The chunks of a streamed answer cost the loop so much in all; nobody waits for it.
    pub(super) fn chunk_work(&mut self, index: u32, work: SimSpan) {
        let process = self.tasks[index].process;
        if work > SimSpan::ZERO && self.has_loop(process) {
            self.background_slice(process, work);
        }
    }

    // ---- what goes in and out ---------------------------------------------------------------------------------------

    /// An attempt will be at the balancer then.
    #[cold]
    pub(super) fn trace_arrival(&mut self, index: u32, at: SimTime) {
        let task = &self.tasks[index];
        let arrived = Arrived {
            at,
            key: task.key,
            endpoint: task.endpoint,
            class: task.class,
            signed_in: task.signed_in,
            person: task.person,
            ip: task.ip,
            session: u64::from(task.session.index) << 32 | u64::from(task.session.generation),
        };
        self.trace
            .iter_mut()
            .for_each(|trace| trace.arrived.push(arrived.clone()));
    }

    /// An attempt's client has gone.
    #[cold]
    pub(super) fn trace_gone(&mut self, index: u32) {
        let gone = (self.now, self.tasks[index].key);
        self.trace.iter_mut().for_each(|trace| trace.gone.push(gone));
    }

    /// An attempt has ended at the server.
    #[cold]
    pub(super) fn trace_end(&mut self, index: u32) {
        let run = &self.tasks[index];
        let nanos = run.split.nanos().iter().enumerate();
        let nanos = nanos.filter(|&(stage, &nanos)| stage as u16 != STAGE_CLIENT && nanos > 0);
        let process = self.processes.get(run.process as usize);
        let ended = Ended {
            at: self.now,
            key: run.key,
            cause: run.cause,
            retry_after: run.retry_after.filter(|_| run.cause.is_some()),
            stages: nanos
                .map(|(stage, &nanos)| (stage as u16, SimSpan::from_nanos(nanos)))
                .collect(),
            place: process.map(|process| (process.instance, run.process)),
        };
        self.trace.iter_mut().for_each(|trace| trace.ended.push(ended.clone()));
    }
}
