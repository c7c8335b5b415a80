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
use highwater_models::machine::processor::Processor;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::slots::Slots;
use highwater_models::{Cause, SimTime};
use highwater_workload::stream::Purpose;

use super::event::{Event, Scheduled};
use super::plant::{Busy, Death, Instance, LadderState, Life, Machine, Plant, Process, Turn, Wake};
use super::slab::Handle;
use super::state::{NOBODY, State, TaskKind};

impl Plant<'_> {
    /// The instances that are there from the start.
    pub(super) fn start_instances(&mut self) {
        for (service, spec) in self.model.services.iter().enumerate() {
            for _ in 0..spec.instances {
                let instance = self.insert_instance(service as u16, 0);
                self.start_processes(instance);
                self.enter_traffic(instance);
            }
        }
    }

    /// One more instance.
    pub(super) fn insert_instance(&mut self, service: u16, generation: u32) -> u32 {
        let spec = &self.model.services[service as usize];
        let index = self.s.instances.len() as u32;
        self.s.instances.push(Instance {
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
            limit: spec.memory_limit,
            cores: spec.cores,
            cpu: None,
            cpu_event: Scheduled::NOTHING,
            running: Busy::default(),
            sampled: 0.0,
            health: Health::new(spec.health),
            probe: Handle::NOTHING,
            probing: false,
            probe_sent: SimTime::ZERO,
            probe_event: Scheduled::NOTHING,
            probes: 0,
        });
        self.s.services[service as usize].instances.push(index);
        index
    }

    /// An instance begins to boot.
    pub(super) fn boot(&mut self, instance: u32) {
        let service = self.s.instances[instance as usize].service;
        let boots = self.s.services[service as usize].boots;
        self.s.services[service as usize].boots += 1;
        let key = self
            .s
            .root
            .purpose(Purpose::Boot)
            .child(u64::from(service))
            .child(boots);
        let span = self.model.services[service as usize].boot.clone().span(&mut key.draw());
        let at = self.s.now + span;
        let event = self.s.events.schedule(at, Event::Booted(instance));
        let machine = &mut self.s.instances[instance as usize];
        machine.life = Life::Booting;
        machine.event = event;
    }

    /// An instance has started: it goes into traffic, unless somebody has to ask how it is first, or others to be ready
    /// with it.
    pub(super) fn booted(&mut self, instance: u32, scheduled: Scheduled) {
        let machine = &self.s.instances[instance as usize];
        if machine.event != scheduled || machine.life != Life::Booting {
            return;
        }
        let service = machine.service as usize;
        self.start_processes(instance);
        self.s.instances[instance as usize].life = Life::Starting;
        if self.model.services[service].health_endpoint.is_some() {
            self.send_probe(instance);
        } else {
            self.came_up(instance);
        }
    }

    /// An instance is up and well.
    pub(super) fn came_up(&mut self, instance: u32) {
        let machine = &mut self.s.instances[instance as usize];
        let service = machine.service as usize;
        if machine.generation != self.s.services[service].generation {
            machine.life = Life::Standby;
            self.generation_may_take_over(service as u16);
            return;
        }
        self.enter_traffic(instance);
        let ready = self.ready_instances(service as u16).count();
        let name = &self.model.services[service].name;
        self.log(name, format!("an instance is ready: {ready} now"));
    }

    /// An instance takes requests.
    pub(super) fn enter_traffic(&mut self, instance: u32) {
        let used = self.cpu_used(instance);
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        machine.life = Life::Ready;
        machine.sampled = used;
        let service = machine.service as usize;
        self.s.tally.services[service].up(now, 1);
        if !self.s.services[service].line.is_empty() {
            let most = match self.model.services[service].max_in_hand {
                u32::MAX => 1,
                most => most,
            };
            while self.s.instances[instance as usize].in_hand < most && !self.s.services[service].line.is_empty() {
                self.take_next(instance, service);
            }
        }
    }

    /// An instance takes no requests any more.
    pub(super) fn leave_traffic(&mut self, instance: u32, life: Life) {
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        let was = std::mem::replace(&mut machine.life, life);
        if was == Life::Ready {
            self.s.tally.services[machine.service as usize].up(now, -1);
        }
        if life != Life::Out {
            self.stop_probes(instance);
        }
    }

    /// Processes start, with nothing in their memory but the base.
    fn start_processes(&mut self, instance: u32) {
        let service = self.s.instances[instance as usize].service;
        let spec = &self.model.services[service as usize];
        let machine = &mut self.s.instances[instance as usize];
        machine.next_process = 0;
        machine.cpu = spec.can_bind.then(|| Processor::new(machine.cores, spec.limit));
        machine.running = Busy::default();
        for _ in 0..spec.processes {
            let process = self.insert_process(instance, service);
            self.s.instances[instance as usize].processes.push(process);
        }
        let machine = &mut self.s.instances[instance as usize];
        machine.health = Health::new(spec.health);
        machine.memory = spec.memory_base;
        if machine.memory > machine.limit {
            self.doom(instance, Death::OutOfMemory);
        }
        if spec.health_endpoint.is_some() {
            let at = self.s.now + spec.health.every;
            let event = self.s.events.schedule(at, Event::Probe(instance));
            self.s.instances[instance as usize].probe_event = event;
        }
    }

    fn insert_process(&mut self, instance: u32, service: u16) -> u32 {
        let index = self.s.processes.len() as u32;
        let model = self.model;
        let spec = &model.services[service as usize];
        let first_wake = self.s.wakes.len() as u32;
        let machines = spec.slots.iter().map(|&slots| Machine::Slots(slots));
        let machines = machines.chain(spec.pools.iter().map(|&pool| Machine::Pool(pool)));
        let machines = machines.chain(spec.queues.iter().map(|&queue| Machine::Queue(queue)));
        let ladder = self.has_ladder(service).then_some(Machine::Ladder);
        for machine in machines.chain(ladder) {
            self.s.wakes.push(Wake {
                process: index,
                machine,
                at: SimTime::NEVER,
                scheduled: Scheduled::NOTHING,
            });
        }
        let slots = spec.slots.iter().map(|&slots| &model.slots[slots as usize]);
        let slots = slots.map(|spec| Slots::new(spec.max, spec.waiters, spec.timeout));
        let pools = spec.pools.iter().map(|&pool| model.pools[pool as usize].config);
        let queues = spec.queues.iter().map(|&queue| &model.queues[queue as usize].config);
        let limiters = spec.limiters.iter();
        let limiters = limiters.map(|&limiter| Limiter::new(model.limiters[limiter as usize].rule));
        let providers = model.providers.iter();
        self.s.processes.push(Process {
            instance,
            service,
            alive: true,
            heap: Heap::new(spec.heap_base, spec.heap_limit, spec.collection),
            line: VecDeque::new(),
            running: None,
            turning: false,
            turn_of: NOBODY,
            in_hand: 0,
            slots: slots.collect(),
            pools: pools.map(Connections::new).collect(),
            connections: vec![Vec::new(); spec.pools.len()],
            queues: queues.map(|config| JobQueue::new(config.clone())).collect(),
            limiters: limiters.collect(),
            first_wake,
            breakers: providers
                .clone()
                .map(|provider| provider.breaker.map(Breaker::new))
                .collect(),
            budgets: providers
                .map(|provider| RetryBudget::new(provider.retry_budget))
                .collect(),
            leases: vec![Vec::new(); spec.pools.len()],
            ladder: LadderState::default(),
        });
        if ladder.is_some() {
            self.begin_ladder(index, self.s.wakes.len() as u32 - 1);
        }
        index
    }

    // ---- ends -------------------------------------------------------------------------------------------------------

    /// An instance is to die at this instant, once whatever is happening has happened. The first reason stands.
    pub(super) fn doom(&mut self, instance: u32, death: Death) {
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        if machine.fate.is_none() {
            machine.fate = Some(death);
            machine.event = self.s.events.schedule(now, Event::Killed(instance));
        }
    }

    /// SIGTERM: no more requests. An instance that drains ends when it is idle, any when its time is up. One that comes
    /// back boots after that.
    pub(super) fn terminate(&mut self, instance: u32, comes_back: bool) {
        if self.s.instances[instance as usize].fate.is_some() {
            return;
        }
        self.leave_traffic(instance, Life::Leaving);
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        machine.comes_back = comes_back;
        let idle = machine.in_hand == 0;
        let spec = &self.model.services[machine.service as usize];
        let until = if idle && !spec.lingers {
            now
        } else {
            now + spec.shutdown
        };
        machine.event = self.s.events.schedule(until, Event::Killed(instance));
        if spec.lingers {
            for number in 0..self.s.instances[instance as usize].processes.len() {
                let process = self.s.instances[instance as usize].processes[number];
                for &pool in &spec.pools {
                    let local = self.model.pools[pool as usize].local as usize;
                    self.s.processes[process as usize].pools[local].end(now);
                    self.drain_pool(process, pool);
                }
            }
        }
    }

    /// What an instance's event was scheduled for: its death, SIGTERM at the end of an overlap, or the end of its time
    /// after SIGTERM.
    pub(super) fn killed(&mut self, instance: u32, scheduled: Scheduled) {
        let machine = &self.s.instances[instance as usize];
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
        let machine = &self.s.instances[instance as usize];
        if matches!(machine.life, Life::Booting | Life::Gone) {
            return;
        }
        let (service, in_hand) = (machine.service as usize, machine.in_hand);
        let stays = match machine.life {
            Life::Leaving => machine.comes_back,
            life => life != Life::Retired,
        };
        self.s.tally.services[service].deaths += 1;
        let lost = match in_hand {
            1 => "1 request in hand is lost".to_owned(),
            some => format!("{some} requests in hand are lost"),
        };
        let name = &self.model.services[service].name;
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
        self.s.instances[instance as usize].life = Life::Gone;
        let service = self.s.instances[instance as usize].service as usize;
        self.s.services[service].instances.retain(|&other| other != instance);
    }

    /// The processes of an instance end; what they have in hand fails for that cause.
    fn end_life(&mut self, instance: u32, cause: Cause) {
        self.leave_traffic(instance, Life::Gone);
        let machine = &mut self.s.instances[instance as usize];
        let service = machine.service as usize;
        machine.fate = None;
        machine.comes_back = false;
        let processes = std::mem::take(&mut machine.processes);
        for &process in &processes {
            let of_it = self.s.tasks.iter().filter(|(_, task)| task.process == process);
            let lost: Vec<Handle> = of_it.map(|(index, _)| self.s.tasks.handle(index)).collect();
            for handle in lost {
                // Those lost before may have taken it along, or answered it.
                if self.s.tasks.is_live(handle) {
                    self.lose(handle.index, cause);
                }
            }
            self.end_process(process);
        }
        let used = self.cpu_used(instance);
        self.s.services[service].cpu_gone += used;
        let machine = &mut self.s.instances[instance as usize];
        machine.cpu = None;
        machine.cpu_event = Scheduled::NOTHING;
        machine.running = Busy::default();
        machine.memory = 0;
    }

    /// A task dies with its process. What it asked for elsewhere goes on there: a database does not hear of it before the
    /// query is done.
    fn lose(&mut self, index: u32, cause: Cause) {
        self.leave_line(index);
        match self.s.tasks[index].state {
            State::Provider => self.end_provider_call(index),
            State::Burning => {
                let process = self.s.tasks[index].process;
                let instance = self.s.processes[process as usize].instance as usize;
                self.burned(index, self.s.instances[instance].cpu.is_some());
            }
            State::Parked(entry, place) => {
                self.s.fetches[entry as usize].cancel(place);
            }
            _ => {}
        }
        self.end_stream(index);
        self.s.tasks[index].scheduled = Scheduled::NOTHING;
        self.s.tasks[index].frames.clear();
        match self.s.tasks[index].kind {
            TaskKind::Attempt | TaskKind::Call => self.fail(index, cause),
            TaskKind::Branch | TaskKind::Detached | TaskKind::Probe => {
                while !self.s.tasks[index].held.is_empty() {
                    self.release_last(index, true);
                }
                self.leave_process(index);
                self.remove_task(index);
            }
        }
    }

    /// A process ends: its connections close, its memory is gone.
    fn end_process(&mut self, process: u32) {
        let state = &mut self.s.processes[process as usize];
        state.alive = false;
        let (service, instance) = (state.service as usize, state.instance as usize);
        let line = std::mem::take(&mut state.line);
        let running = state.running.take();
        for slice in line {
            if let Turn::Opening(opening) = slice.turn {
                let super::plant::Opening { pool, connection, .. } = self.s.openings[opening];
                let local = self.model.pools[pool as usize].local as usize;
                let entry = &mut self.s.processes[process as usize].connections[local][connection.index()];
                // One that was given up has left its number to another; what is there is closed below.
                if entry.opening == Some(opening) {
                    entry.opening = None;
                    self.s.openings.remove(opening);
                } else {
                    self.drop_opening(opening);
                }
            }
        }
        if running.is_some() && self.s.instances[instance].cpu.is_none() {
            let now = self.s.now;
            let running = &mut self.s.instances[instance].running;
            running.set(now, running.now.saturating_sub(1));
        }
        for (local, &pool) in self.model.services[service].pools.iter().enumerate() {
            for connection in 0..self.s.processes[process as usize].connections[local].len() {
                let link = self.s.processes[process as usize].connections[local][connection];
                if let Some(opening) = link.opening {
                    self.s.openings[opening].dead = true;
                }
                self.unlink(process, pool, connection, link);
            }
        }
        // A process is never looked at again; only its number stays.
        let state = &mut self.s.processes[process as usize];
        state.slots = Vec::new();
        state.pools = Vec::new();
        state.connections = Vec::new();
        state.leases = Vec::new();
        state.queues = Vec::new();
        state.limiters = Vec::new();
    }

    // ---- by order ---------------------------------------------------------------------------------------------------

    /// Every instance in traffic is told to stop at once, and boots again when it has: in between nobody takes requests.
    pub(super) fn restart_service(&mut self, service: u16) {
        let name = &self.model.services[service as usize].name;
        self.log(name, "restarted".to_owned());
        let running: Vec<u32> = self.s.services[service as usize].instances.clone();
        for instance in running {
            let life = self.s.instances[instance as usize].life;
            if matches!(life, Life::Ready | Life::Out | Life::Starting) {
                self.terminate(instance, true);
            }
        }
    }

    /// So many instances in traffic crash, the oldest first.
    pub(super) fn crash_instances(&mut self, service: u16, count: u32) {
        let ready: Vec<u32> = self.ready_instances(service).take(count as usize).collect();
        for instance in ready {
            self.die(instance, Death::Crash);
        }
    }
}
