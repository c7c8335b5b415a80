//! The platform: the balancer, instances and their lives, the autoscaler; and the clock's own chores.

use std::collections::VecDeque;

use highwater_models::file::system::Balance;
use highwater_models::machine::autoscaler::Change;
use highwater_models::machine::breaker::Breaker;
use highwater_models::machine::connections::Connections;
use highwater_models::machine::job_queue::JobQueue;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::slots::Slots;
use highwater_models::record::summary::LogEntry;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::stream::Purpose;

use super::{Instance, LadderState, Life, Machine, NOBODY, Process, Ready, State, TaskKind, Turn, Wake, World};
use crate::event::{Event, Scheduled};
use crate::measure::{Level, SnapshotRecord};
use crate::model::{ResourceKind, Runtime};
use crate::processor::Processor;
use crate::slab::Handle;

/// Share of its capacity at which a resource counts as saturated over a window.
const SATURATED: f64 = 0.95;

impl World<'_> {
    // ---- the balancer ---------------------------------------------------------------------------------------------

    /// A task is at the balancer of its service. True when it goes on in a process.
    pub(super) fn arrive(&mut self, index: u32, service: u16) -> bool {
        self.tasks[index].arrived = self.now;
        self.note_deadline(index, service);
        let spec = &self.model.services[service as usize];
        if spec.balance == Balance::SharedLine {
            let bound = if spec.max_in_hand == u32::MAX {
                1
            } else {
                spec.max_in_hand
            };
            let free = self
                .ready_instances(service)
                .find(|&instance| self.instances[instance as usize].in_hand < bound);
            let Some(instance) = free else {
                if self.ready_instances(service).next().is_none() {
                    self.fail(index, Cause::NoInstance);
                    return false;
                }
                self.enter(index, spec.wait_stage);
                self.tasks[index].state = State::ServiceLine;
                let handle = self.tasks.handle(index);
                self.services[service as usize].line.push_back(handle);
                self.record.stations[spec.resource as usize].join(self.now, self.record.measuring);
                return false;
            };
            return self.take_in(index, instance);
        }
        let Some(process) = self.choose_process(service, index) else {
            self.record.see(self.now, Cause::NoInstance, Some(spec.resource));
            self.fail(index, Cause::NoInstance);
            return false;
        };
        let instance = self.processes[process as usize].instance;
        let refusal = if self.instances[instance as usize].in_hand >= spec.max_in_hand {
            Some(Cause::QueueFull)
        } else if self.model.endpoints[self.tasks[index].endpoint as usize].sheds && self.sheds(process, service) {
            Some(Cause::Shed)
        } else {
            None
        };
        if let Some(cause) = refusal {
            let station = &mut self.record.stations[spec.resource as usize];
            station.first_refusal.get_or_insert(self.now);
            self.record.see(self.now, cause, Some(spec.resource));
            if cause == Cause::Shed {
                self.tasks[index].retry_after = Some(spec.shed_retry_after);
            }
            self.fail(index, cause);
            return false;
        }
        self.hand_to(index, process)
    }

    fn sheds(&self, process: u32, service: u16) -> bool {
        let spec = &self.model.services[service as usize];
        let state = &self.processes[process as usize];
        if state.in_hand >= spec.shed_in_hand {
            return true;
        }
        let oldest = state
            .line
            .front()
            .map_or(SimSpan::ZERO, |slice| self.now.since(slice.since));
        oldest > spec.shed_loop_delay
    }

    fn ready_instances(&self, service: u16) -> impl Iterator<Item = u32> + '_ {
        let instances = self.services[service as usize].instances.iter().copied();
        instances.filter(|&instance| self.instances[instance as usize].life == Life::Ready)
    }

    /// The process that a new request of a service goes to; none when no instance is ready.
    pub(super) fn choose_process(&mut self, service: u16, task: u32) -> Option<u32> {
        if let [only] = self.services[service as usize].instances[..] {
            return (self.instances[only as usize].life == Life::Ready).then(|| self.next_process(only));
        }
        let count = self.ready_instances(service).count();
        if count == 0 {
            return None;
        }
        let chosen = match self.model.services[service as usize].balance {
            _ if count == 1 => self.ready_instances(service).next(),
            Balance::RoundRobin | Balance::SharedLine => {
                let turn = self.services[service as usize].turn % count;
                self.services[service as usize].turn = turn + 1;
                self.ready_instances(service).nth(turn)
            }
            Balance::Random => {
                let key = self.tasks[task].key.purpose(Purpose::Balance);
                let nth = key.draw().below(count as u64) as usize;
                self.ready_instances(service).nth(nth)
            }
            Balance::LeastBusy => self
                .ready_instances(service)
                .min_by_key(|&i| self.instances[i as usize].in_hand),
        }?;
        Some(self.next_process(chosen))
    }

    fn next_process(&mut self, instance: u32) -> u32 {
        let state = &mut self.instances[instance as usize];
        let process = state.processes[state.next_process as usize];
        state.next_process += 1;
        if state.next_process as usize == state.processes.len() {
            state.next_process = 0;
        }
        process
    }

    fn take_in(&mut self, index: u32, instance: u32) -> bool {
        let process = self.next_process(instance);
        self.hand_to(index, process)
    }

    /// A request is in hand from here on.
    fn hand_to(&mut self, index: u32, process: u32) -> bool {
        if self.has_ladder(self.processes[process as usize].service) {
            self.socket_taken(process);
        }
        let state = &mut self.processes[process as usize];
        state.in_hand += 1;
        let (instance, service) = (state.instance as usize, state.service);
        self.instances[instance].in_hand += 1;
        self.record.services[service as usize].in_hand.up(self.now);
        let memory = self.model.services[service as usize].memory_request;
        self.instances[instance].memory += memory;
        let task = &mut self.tasks[index];
        task.process = process;
        task.in_hand = true;
        task.memory = memory;
        // A new request is an event on the loop like any other.
        !self.has_loop(process) || self.on_loop(index, SimSpan::ZERO)
    }

    /// A task has left its process: the request is no longer in hand.
    pub(super) fn leave_process(&mut self, index: u32) {
        let task = &mut self.tasks[index];
        let (process, memory) = (task.process as usize, std::mem::take(&mut task.memory));
        if !task.in_hand {
            // A branch whose request has gone, or background work: not counted as a request, but memory is memory.
            if memory > 0 && task.process != NOBODY {
                let instance = self.processes[process].instance;
                let machine = &mut self.instances[instance as usize];
                machine.memory = machine.memory.saturating_sub(memory);
            }
            return;
        }
        task.in_hand = false;
        if self.has_ladder(self.processes[process].service) {
            self.socket_idle(process as u32);
        }
        let state = &mut self.processes[process];
        state.in_hand -= 1;
        let (instance, service) = (state.instance, state.service as usize);
        let machine = &mut self.instances[instance as usize];
        machine.in_hand -= 1;
        machine.memory = machine.memory.saturating_sub(memory);
        let is_idle = machine.in_hand == 0;
        self.record.services[service].in_hand.down(self.now);
        if machine.life == Life::Leaving && is_idle {
            self.events.schedule(self.now, Event::Killed(instance));
        } else if let Some(next) = self.services[service].line.pop_front() {
            let resource = self.model.services[service].resource as usize;
            let since = self.tasks[next.index].since;
            self.record.stations[resource].start(self.now, since, self.record.measuring);
            self.record.stations[resource].end(self.now, self.now, self.record.measuring);
            self.tasks[next.index].state = State::Going;
            if self.take_in(next.index, instance) {
                self.ready.push_back(Ready::Task(next));
            }
        }
    }

    /// The client of an attempt has gone. Its work goes on, unless the service cancels it.
    pub(super) fn client_gone(&mut self, index: u32) {
        let task = &self.tasks[index];
        if let State::Queue(queue, _) = task.state
            && self.model.queues[queue as usize].drops_abandoned
            && self.leave_line(index).is_some()
        {
            self.end_cancelled(index);
            return;
        }
        let process = self.tasks[index].process;
        if process == NOBODY {
            return;
        }
        let service = self.processes[process as usize].service;
        if !self.model.services[service as usize].cancel {
            return;
        }
        self.give_up(index, Cause::ClientTimeout, false);
    }

    fn end_cancelled(&mut self, index: u32) {
        self.tasks[index].state = State::Going;
        self.frames[index as usize].clear();
        self.fail(index, Cause::ClientTimeout);
    }

    // ---- instances ------------------------------------------------------------------------------------------------

    /// The instances that are there from the start.
    pub(super) fn start_instances(&mut self) {
        for service in 0..self.model.services.len() as u16 {
            for _ in 0..self.model.services[service as usize].instances {
                let instance = self.insert_instance(service);
                self.make_ready(instance);
            }
        }
    }

    fn insert_instance(&mut self, service: u16) -> u32 {
        let spec = &self.model.services[service as usize];
        let index = self.instances.len() as u32;
        self.instances.push(Instance {
            service,
            life: Life::Booting,
            processes: Vec::new(),
            next_process: 0,
            in_hand: 0,
            memory: spec.memory_base,
            cpu: spec.can_bind.then(|| Processor::new(spec.cores, spec.limit)),
            cpu_event: Scheduled::NOTHING,
            running: Level::default(),
            sampled: 0.0,
        });
        self.services[service as usize].instances.push(index);
        index
    }

    fn make_ready(&mut self, instance: u32) {
        let service = self.instances[instance as usize].service;
        for _ in 0..self.model.services[service as usize].processes {
            let process = self.insert_process(instance, service);
            self.instances[instance as usize].processes.push(process);
        }
        self.instances[instance as usize].life = Life::Ready;
        self.instances[instance as usize].sampled = 0.0;
        self.record.services[service as usize].instances.up(self.now);
    }

    fn insert_process(&mut self, instance: u32, service: u16) -> u32 {
        let index = self.processes.len() as u32;
        let model = self.model;
        let spec = &model.services[service as usize];
        let first_wake = self.wakes.len() as u32;
        let machines = spec.slots.iter().map(|&slots| Machine::Slots(slots));
        let machines = machines.chain(spec.pools.iter().map(|&pool| Machine::Pool(pool)));
        let ladder = self.has_ladder(service).then_some(Machine::Ladder);
        let machines = machines.chain(spec.queues.iter().map(|&queue| Machine::Queue(queue)));
        for machine in machines.chain(ladder) {
            self.wakes.push(Wake {
                process: index,
                machine,
                at: SimTime::NEVER,
                scheduled: Scheduled::NOTHING,
            });
        }
        self.processes.push(Process {
            instance,
            service,
            alive: true,
            line: VecDeque::new(),
            running: None,
            turning: false,
            turn_of: NOBODY,
            in_hand: 0,
            slots: spec
                .slots
                .iter()
                .map(|&slots| &model.slots[slots as usize])
                .map(|spec| Slots::new(spec.max, spec.waiters, spec.timeout))
                .collect(),
            pools: spec
                .pools
                .iter()
                .map(|&pool| Connections::new(model.pools[pool as usize].config))
                .collect(),
            connections: vec![Vec::new(); spec.pools.len()],
            queues: spec
                .queues
                .iter()
                .map(|&queue| JobQueue::new(model.queues[queue as usize].config.clone()))
                .collect(),
            limiters: spec
                .limiters
                .iter()
                .map(|&limiter| Limiter::new(model.limiters[limiter as usize].rule))
                .collect(),
            first_wake,
            breakers: model
                .providers
                .iter()
                .map(|provider| provider.breaker.map(Breaker::new))
                .collect(),
            budgets: model
                .providers
                .iter()
                .map(|provider| RetryBudget::new(provider.retry_budget))
                .collect(),
            leases: vec![Vec::new(); spec.pools.len()],
            ladder: LadderState::default(),
        });
        if ladder.is_some() {
            self.begin_ladder(index, self.wakes.len() as u32 - 1);
        }
        index
    }

    pub(super) fn log(&mut self, subject: String, text: String) {
        self.record.log.push(LogEntry {
            at: self.now.seconds(),
            subject,
            text,
        });
    }

    /// An instance has started.
    pub(super) fn booted(&mut self, instance: u32) {
        if self.instances[instance as usize].life == Life::Booting {
            let service = self.instances[instance as usize].service as usize;
            self.record.services[service].boots += 1;
            self.make_ready(instance);
            let ready = self.ready_instances(service as u16).count();
            self.log(
                self.model.services[service].name.clone(),
                format!("an instance is ready: {ready} now"),
            );
        }
    }

    /// An instance that leaves is idle, or its time is up: whatever it still has in hand is lost.
    pub(super) fn kill_instance(&mut self, instance: u32) {
        let state = &mut self.instances[instance as usize];
        if state.life != Life::Leaving {
            return;
        }
        state.life = Life::Gone;
        let service = state.service as usize;
        let processes = state.processes.clone();
        for &process in &processes {
            let lost: Vec<Handle> = self
                .tasks
                .iter()
                .filter(|(_, task)| task.process == process && task.state != State::Answering)
                .map(|(index, _)| self.tasks.handle(index))
                .collect();
            for handle in lost {
                if self.tasks.is_live(handle) {
                    self.lose(handle.index);
                }
            }
            self.end_process(process);
        }
        self.services[service].instances.retain(|&other| other != instance);
        self.record.services[service].stops += 1;
    }

    /// A task dies with its process.
    fn lose(&mut self, index: u32) {
        let measuring = self.record.measuring;
        self.leave_line(index);
        match self.tasks[index].state {
            State::Provider(_) => self.end_provider_call(index),
            State::DatabaseCpu => {
                // The server does not hear of it before the query is done.
                let query = &self.model.queries[self.tasks[index].cache_key as usize];
                let job = self.query_job(index);
                let visit = self.tasks[index].visit;
                self.databases[query.database as usize].orphans.push((job, visit));
            }
            State::DatabaseBack => {
                let query = &self.model.queries[self.tasks[index].cache_key as usize];
                let resource = self.model.databases[query.database as usize].resource as usize;
                self.record.stations[resource].end(self.now, self.tasks[index].visit, measuring);
            }
            State::Burning => self.burned(index, self.instances[self.instance_of(index)].cpu.is_some()),
            State::Parked(entry, place) => {
                self.caches[entry as usize].cancel(place);
            }
            _ => {}
        }
        self.end_stream(index);
        self.tasks[index].scheduled = Scheduled::NOTHING;
        self.frames[index as usize].clear();
        match self.tasks[index].kind {
            TaskKind::Attempt | TaskKind::Call => self.fail(index, Cause::InstanceLost),
            TaskKind::Branch | TaskKind::Detached => {
                while !self.held[index as usize].is_empty() {
                    self.release_last(index, true);
                }
                self.leave_process(index);
                self.remove_task(index);
            }
        }
    }

    fn instance_of(&self, index: u32) -> usize {
        self.processes[self.tasks[index].process as usize].instance as usize
    }

    /// A process ends: its connections close, its memory is gone.
    fn end_process(&mut self, process: u32) {
        let measuring = self.record.measuring;
        let state = &mut self.processes[process as usize];
        state.alive = false;
        let service = state.service as usize;
        let resource = self.model.services[service].resource as usize;
        let line = std::mem::take(&mut state.line);
        let running = state.running.take();
        for slice in line {
            self.record.stations[resource].give_up(self.now, slice.since, measuring);
            if let Turn::Opening(opening) = slice.turn {
                self.openings.remove(opening);
            }
        }
        if let Some(slice) = running {
            self.record.stations[resource].end(self.now, slice.began, measuring);
            let instance = self.processes[process as usize].instance as usize;
            if self.instances[instance].cpu.is_none() {
                self.instances[instance].running.down(self.now);
            }
        }
        for (local, &pool) in self.model.services[service].pools.iter().enumerate() {
            for connection in 0..self.processes[process as usize].connections[local].len() {
                let (at_server, opening) = self.processes[process as usize].connections[local][connection];
                self.processes[process as usize].connections[local][connection] = (false, u32::MAX);
                if opening != u32::MAX {
                    self.openings[opening].dead = true;
                }
                if at_server && let Some(pooler) = self.model.pools[pool as usize].pooler {
                    self.client_closed(process, pool, connection, pooler);
                } else if at_server {
                    let database = self.model.pools[pool as usize].database as usize;
                    self.databases[database].connections -= 1;
                    let connections = u64::from(self.databases[database].connections);
                    self.record.databases[database].connections.set(self.now, connections);
                }
            }
        }
        self.note_limiters(process);
        self.end_ladder(process);
    }

    /// What a process's limiters have seen goes into the record before they are gone.
    pub(super) fn note_limiters(&mut self, process: u32) {
        let state = &self.processes[process as usize];
        for (limiter, machine) in self.model.services[state.service as usize]
            .limiters
            .iter()
            .zip(&state.limiters)
        {
            let record = &mut self.record.limiters[*limiter as usize];
            record.keys += machine.keys_seen();
            record.windows += machine.windows_opened();
        }
    }

    // ---- the autoscaler -------------------------------------------------------------------------------------------

    /// The autoscaler looks at a service.
    pub(super) fn scale(&mut self, service: u32) {
        let spec = &self.model.services[service as usize];
        let Some(scaling) = &spec.scaling else { return };
        let every = scaling.config.every;
        if self.loading {
            self.events.schedule(self.now + every, Event::Scale(service));
        }
        let ready: Vec<u32> = self.ready_instances(service as u16).collect();
        let (mut cpu, mut memory) = (0.0, 0.0);
        for &instance in &ready {
            let used = self.cpu_used(instance);
            let state = &mut self.instances[instance as usize];
            cpu += (used - state.sampled) / (spec.cores * every.nanos() as f64);
            state.sampled = used;
            if spec.memory_limit > 0 {
                memory += state.memory as f64 / spec.memory_limit as f64;
            }
        }
        let count = ready.len().max(1) as f64;
        if scaling.by_demand {
            let state = &mut self.services[service as usize];
            cpu = (state.demand - state.demand_sampled) / (spec.cores * every.nanos() as f64);
            state.demand_sampled = state.demand;
        }
        let instances = &self.services[service as usize].instances;
        let lives = |life: Life| {
            instances
                .iter()
                .filter(|&&i| self.instances[i as usize].life == life)
                .count() as u32
        };
        let current = ready.len() as u32 + lives(Life::Booting);
        let Some(scaler) = &mut self.services[service as usize].scaler else {
            return;
        };
        scaler.on_sample(self.now, cpu / count, memory / count, ready.len() as u32);
        let evaluation = scaler.evaluate(self.now, current);
        let reading = (evaluation.reading * 100.0).round();
        let why = evaluation.reason.name().replace('_', " ");
        match evaluation.change {
            Change::Hold => {}
            Change::Up(more) => {
                for _ in 0..more {
                    let boots = self.services[service as usize].boots;
                    self.services[service as usize].boots += 1;
                    let key = self.root.purpose(Purpose::Boot).child(u64::from(service)).child(boots);
                    let span = self.model.services[service as usize].boot.clone().span(&mut key.draw());
                    let instance = self.insert_instance(service as u16);
                    self.events.schedule(self.now + span, Event::Booted(instance));
                }
                let text = format!("{current} -> {} instances: reading {reading} %, {why}", current + more);
                self.log(spec.name.clone(), text);
            }
            Change::Down(fewer) => {
                // The newest go first.
                for &instance in ready.iter().rev().take(fewer as usize) {
                    let state = &mut self.instances[instance as usize];
                    state.life = Life::Leaving;
                    let now_idle = state.in_hand == 0;
                    let until = if now_idle { self.now } else { self.now + spec.shutdown };
                    self.events.schedule(until, Event::Killed(instance));
                    self.record.services[service as usize].instances.down(self.now);
                }
                let text = format!(
                    "{current} -> {} instances: reading {reading} %, {why}",
                    current - fewer.min(current)
                );
                self.log(spec.name.clone(), text);
            }
        }
    }

    // ---- the clock's chores ---------------------------------------------------------------------------------------

    pub(super) fn service_cpu(&mut self, service: usize) -> f64 {
        let mut used = 0.0;
        for instance in 0..self.instances.len() as u32 {
            if self.instances[instance as usize].service as usize == service {
                used += self.cpu_used(instance);
            }
        }
        used
    }

    pub(super) fn begin_measuring(&mut self) {
        self.record.begin(self.now);
        for service in 0..self.model.services.len() {
            let used = self.service_cpu(service);
            self.record.services[service].cpu_from = used;
            self.record.services[service].cpu_window = used;
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
            record.cpu_there = cores * record.instances.measured_area() as f64;
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
        let mut busy_service = vec![0.0; self.model.services.len()];
        for (service, busy) in busy_service.iter_mut().enumerate() {
            let used = self.service_cpu(service);
            let record = &mut self.record.services[service];
            let instances = record.instances.value as f64;
            let there = self.model.services[service].cores * instances * window.nanos() as f64;
            let share = (used - record.cpu_window) / there;
            // One process cannot use more than one core, whatever the plan has: its loop is full before the CPU is.
            let spec = &self.model.services[service];
            let most = if spec.runtime == Runtime::Node {
                spec.cores.min(f64::from(spec.processes))
            } else {
                spec.cores
            };
            let usable = most * instances * window.nanos() as f64;
            *busy = (used - record.cpu_window) / usable;
            record.cpu_window = used;
            services.push((share, instances));
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
                        self.record.services[service as usize].instances.value as f64 / f64::from(spec.instances.max(1))
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
}
