//! Instances and their lives: boot, traffic, deaths of every kind, and what dies with a process.
//!
//! Owns: every change of an instance's life. What leads to one is in `memory`, `health`, `deploy`, `scaling`.
//! A death loses what is in hand and in the lines of the instance's processes, their in-memory limits and warm
//! connections; the instance then boots again, with nothing of that.

use std::collections::VecDeque;

use highwater_models::machine::breaker::Breaker;
use highwater_models::machine::connections::Connections;
use highwater_models::machine::health::Health;
use highwater_models::machine::heap::Heap;
use highwater_models::machine::job_queue::JobQueue;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::slots::Slots;
use highwater_models::{Cause, SimTime};
use highwater_workload::stream::Purpose;

use super::{
    Death, Instance, LadderState, Life, Machine, NOBODY, Opening, Process, State, TaskKind, Turn, Wake, World,
};
use crate::event::{Event, Scheduled};
use crate::level::Level;
use crate::slab::Handle;
use highwater_models::machine::processor::Processor;
use highwater_program::model::nano_cores;

impl World<'_> {
    /// The instances that are there from the start.
    pub(super) fn start_instances(&mut self) {
        for service in 0..self.model.services.len() as u16 {
            for _ in 0..self.model.services[service as usize].instances {
                let instance = self.insert_instance(service, 0);
                self.start_processes(instance);
                self.enter_traffic(instance);
            }
        }
    }

    /// One more instance, of the plan that the service has now. It costs money from here on.
    pub(super) fn insert_instance(&mut self, service: u16, generation: u32) -> u32 {
        let spec = &self.model.services[service as usize];
        let index = self.instances.len() as u32;
        self.instances.push(Instance {
            service,
            generation,
            life: Life::Booting,
            fate: None,
            comes_back: false,
            event: Scheduled::NOTHING,
            processes: Vec::new(),
            next_process: 0,
            in_hand: 0,
            memory: 0,
            base: 0,
            rent: self.model.money.rent(service),
            limit: spec.memory_limit,
            cores: spec.cores,
            cpu: None,
            cpu_event: Scheduled::NOTHING,
            running: Level::default(),
            sampled: 0.0,
            health: Health::new(spec.health),
            probe: Handle::NOTHING,
            probing: false,
            probe_sent: SimTime::ZERO,
            probe_event: Scheduled::NOTHING,
            probes: 0,
        });
        self.services[service as usize].instances.push(index);
        self.rent_begins(index);
        index
    }

    /// An instance begins to boot.
    pub(super) fn boot(&mut self, instance: u32) {
        let service = self.instances[instance as usize].service;
        let boots = self.services[service as usize].boots;
        self.services[service as usize].boots += 1;
        let key = self.root.purpose(Purpose::Boot).child(u64::from(service)).child(boots);
        let span = self.model.services[service as usize].boot.clone().span(&mut key.draw());
        let event = self.events.schedule(self.now + span, Event::Booted(instance));
        let machine = &mut self.instances[instance as usize];
        machine.life = Life::Booting;
        machine.event = event;
    }

    /// An instance has started: it goes into traffic, unless somebody has to ask how it is first, or others to be ready
    /// with it.
    pub(super) fn booted(&mut self, instance: u32, scheduled: Scheduled) {
        let machine = &self.instances[instance as usize];
        if machine.event != scheduled || machine.life != Life::Booting {
            return;
        }
        let service = machine.service as usize;
        self.record.services[service].boots += 1;
        self.start_processes(instance);
        self.instances[instance as usize].life = Life::Starting;
        if self.model.services[service].health_endpoint.is_some() {
            self.send_probe(instance);
        } else {
            self.came_up(instance);
        }
    }

    /// An instance is up and well.
    pub(super) fn came_up(&mut self, instance: u32) {
        let machine = &mut self.instances[instance as usize];
        let service = machine.service as usize;
        if machine.generation != self.services[service].generation {
            machine.life = Life::Standby;
            self.generation_may_take_over(service as u16);
            return;
        }
        self.enter_traffic(instance);
        let ready = self.ready_instances(service as u16).count();
        self.log(
            self.model.services[service].name.clone(),
            format!("an instance is ready: {ready} now"),
        );
    }

    /// An instance takes requests.
    pub(super) fn enter_traffic(&mut self, instance: u32) {
        let used = self.cpu_used(instance);
        let machine = &mut self.instances[instance as usize];
        machine.life = Life::Ready;
        machine.sampled = used;
        let service = machine.service as usize;
        self.record.services[service].instances.up(self.now);
        if !self.services[service].line.is_empty() {
            let most = match self.model.services[service].max_in_hand {
                u32::MAX => 1,
                most => most,
            };
            while self.instances[instance as usize].in_hand < most && !self.services[service].line.is_empty() {
                self.take_next(instance, service);
            }
        }
    }

    /// An instance takes no requests any more.
    pub(super) fn leave_traffic(&mut self, instance: u32, life: Life) {
        let machine = &mut self.instances[instance as usize];
        let was = std::mem::replace(&mut machine.life, life);
        if was == Life::Ready {
            self.record.services[machine.service as usize].instances.down(self.now);
        }
        if life != Life::Out {
            self.stop_probes(instance);
        }
    }

    /// Processes start, with nothing in their memory but the base.
    fn start_processes(&mut self, instance: u32) {
        let service = self.instances[instance as usize].service;
        let spec = &self.model.services[service as usize];
        let machine = &mut self.instances[instance as usize];
        machine.next_process = 0;
        machine.cpu = spec.can_bind.then(|| Processor::new(machine.cores, spec.limit));
        machine.running = Level::default();
        for _ in 0..spec.processes {
            let process = self.insert_process(instance, service);
            self.instances[instance as usize].processes.push(process);
        }
        let machine = &mut self.instances[instance as usize];
        machine.health = Health::new(spec.health);
        machine.memory = spec.memory_base;
        machine.base = spec.memory_base;
        let nano_cores = nano_cores(machine.cores);
        let over = machine.memory > machine.limit;
        let record = &mut self.record.services[service as usize];
        record.memory.add(self.now, spec.memory_base, spec.memory_base);
        record.running.up(self.now);
        record.cores.add(self.now, nano_cores, nano_cores);
        if over {
            self.doom(instance, Death::OutOfMemory);
        }
        if spec.health_endpoint.is_some() {
            let event = self
                .events
                .schedule(self.now + spec.health.every, Event::Probe(instance));
            self.instances[instance as usize].probe_event = event;
        }
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
            heap: Heap::new(spec.heap_base, spec.heap_limit, spec.collection),
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

    // ---- ends -------------------------------------------------------------------------------------------------------

    /// An instance is to die at this instant, once whatever is happening has happened. The first reason stands.
    pub(super) fn doom(&mut self, instance: u32, death: Death) {
        let machine = &mut self.instances[instance as usize];
        if machine.fate.is_none() {
            machine.fate = Some(death);
            machine.event = self.events.schedule(self.now, Event::Killed(instance));
        }
    }

    /// SIGTERM: no more requests. An instance that drains ends when it is idle, any when its time is up. One that comes
    /// back boots after that.
    pub(super) fn terminate(&mut self, instance: u32, comes_back: bool) {
        if self.instances[instance as usize].fate.is_some() {
            return;
        }
        self.leave_traffic(instance, Life::Leaving);
        let machine = &mut self.instances[instance as usize];
        machine.comes_back = comes_back;
        let idle = machine.in_hand == 0;
        let service = machine.service as usize;
        let spec = &self.model.services[service];
        let (lingers, until) = (spec.lingers, self.now + spec.shutdown);
        let until = if idle && !lingers { self.now } else { until };
        self.instances[instance as usize].event = self.events.schedule(until, Event::Killed(instance));
        if lingers {
            for number in 0..self.instances[instance as usize].processes.len() {
                let process = self.instances[instance as usize].processes[number];
                for &pool in &self.model.services[service].pools {
                    let local = self.model.pools[pool as usize].local as usize;
                    self.processes[process as usize].pools[local].end(self.now);
                    self.drain_pool(process, pool);
                }
            }
        }
    }

    /// What an instance's event was scheduled for: its death, SIGTERM at the end of an overlap, or the end of its time
    /// after SIGTERM.
    pub(super) fn killed(&mut self, instance: u32, scheduled: Scheduled) {
        let machine = &self.instances[instance as usize];
        if machine.event != scheduled {
            return;
        }
        match (machine.fate, machine.life) {
            (Some(death), _) => self.die(instance, death),
            (None, Life::Retired) => self.terminate(instance, false),
            (None, Life::Leaving) => {
                let comes_back = machine.comes_back;
                self.end_life(instance, Cause::InstanceLost);
                if comes_back {
                    self.boot(instance);
                } else {
                    self.remove_instance(instance);
                }
            }
            _ => {}
        }
    }

    /// An instance dies with all that is in it, and boots again unless it was on its way out.
    pub(super) fn die(&mut self, instance: u32, death: Death) {
        let machine = &self.instances[instance as usize];
        if matches!(machine.life, Life::Booting | Life::Gone) {
            return;
        }
        let (service, in_hand) = (machine.service as usize, machine.in_hand);
        let stays = match machine.life {
            Life::Leaving => machine.comes_back,
            life => life != Life::Retired,
        };
        self.record.services[service].deaths[death as usize] += 1;
        let lost = match in_hand {
            1 => "1 request in hand is lost".to_owned(),
            some => format!("{some} requests in hand are lost"),
        };
        let name = self.model.services[service].name.clone();
        self.log(name, format!("an instance dies: {}; {lost}", death.text()));
        self.end_life(instance, death.cause());
        if stays {
            self.boot(instance);
        } else {
            self.remove_instance(instance);
        }
    }

    /// Takes an instance out of the table of its service.
    pub(super) fn remove_instance(&mut self, instance: u32) {
        self.instances[instance as usize].life = Life::Gone;
        let service = self.instances[instance as usize].service as usize;
        self.services[service].instances.retain(|&other| other != instance);
        self.record.services[service].stops += 1;
        self.rent_ends(instance);
    }

    /// The processes of an instance end; what they have in hand fails for that cause.
    fn end_life(&mut self, instance: u32, cause: Cause) {
        self.leave_traffic(instance, Life::Gone);
        let machine = &mut self.instances[instance as usize];
        let service = machine.service as usize;
        machine.fate = None;
        machine.comes_back = false;
        let processes = std::mem::take(&mut machine.processes);
        for &process in &processes {
            let lost: Vec<Handle> = self
                .tasks
                .iter()
                .filter(|(_, task)| task.process == process && task.state != State::Answering)
                .map(|(index, _)| self.tasks.handle(index))
                .collect();
            for handle in lost {
                // Those lost before may have taken it along, or answered it.
                if self
                    .tasks
                    .get(handle)
                    .is_some_and(|task| task.state != State::Answering)
                {
                    self.lose(handle.index, cause);
                }
            }
            self.end_process(process);
        }
        let used = self.cpu_used(instance);
        self.services[service].cpu_gone += used;
        let machine = &mut self.instances[instance as usize];
        machine.cpu = None;
        machine.cpu_event = Scheduled::NOTHING;
        machine.running = Level::default();
        let memory = std::mem::take(&mut machine.memory);
        let record = &mut self.record.services[service];
        record.memory.take(self.now, memory);
        record.running.down(self.now);
        record.cores.take(self.now, nano_cores(machine.cores));
    }

    /// A task dies with its process.
    fn lose(&mut self, index: u32, cause: Cause) {
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
        self.tasks[index].frames.clear();
        match self.tasks[index].kind {
            TaskKind::Attempt | TaskKind::Call => self.fail(index, cause),
            TaskKind::Branch | TaskKind::Detached | TaskKind::Probe => {
                while !self.tasks[index].held.is_empty() {
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
                let Opening { pool, connection, .. } = self.openings[opening];
                let local = self.model.pools[pool as usize].local as usize;
                let entry = &mut self.processes[process as usize].connections[local][connection.index()];
                // One that was given up has left its number to another.
                if entry.1 == opening {
                    entry.1 = u32::MAX;
                }
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
        // A process is never looked at again; only its number stays.
        let state = &mut self.processes[process as usize];
        state.slots = Vec::new();
        state.pools = Vec::new();
        state.connections = Vec::new();
        state.leases = Vec::new();
        state.queues = Vec::new();
        state.limiters = Vec::new();
        for &pool in &self.model.services[service].pools {
            self.record_open(pool);
        }
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

    // ---- by order ---------------------------------------------------------------------------------------------------

    /// Every instance in traffic is told to stop at once, and boots again when it has: in between nobody takes requests.
    pub fn restart_service(&mut self, service: u16) {
        self.log(
            self.model.services[service as usize].name.clone(),
            "restarted".to_owned(),
        );
        let running: Vec<u32> = self.services[service as usize].instances.clone();
        for instance in running {
            if matches!(
                self.instances[instance as usize].life,
                Life::Ready | Life::Out | Life::Starting
            ) {
                self.terminate(instance, true);
            }
        }
    }

    /// So many instances in traffic crash, the oldest first.
    pub fn crash_instances(&mut self, service: u16, count: u32) {
        let ready: Vec<u32> = self.ready_instances(service).take(count as usize).collect();
        for instance in ready {
            self.die(instance, Death::Crash);
        }
    }
}
