//! Deploys: two generations side by side. And a database that is restarted, or gets another plan.
//!
//! Owns: the order of a deploy: start the new beside the old, wait until all are well, change traffic, stop the old.
//! Never: how an instance boots or ends (`instance`).
//! A new generation has the plan, the memory and the cores that the service has when the deploy begins, so that a change
//! of plan is a deploy.

use highwater_models::units::show_span;
use highwater_models::{Cause, SimSpan};

use super::{Death, HeldWhat, Life, NOBODY, OpeningPhase, Ready, State, TaskKind, World};
use crate::event::{Event, Scheduled};

impl World<'_> {
    /// A new generation of a service starts beside the old.
    pub fn deploy(&mut self, service: u16) {
        let name = self.model.services[service as usize].name.clone();
        if self.services[service as usize].deploying.is_some() {
            self.log(name, "a deploy is under way: this one is not begun".to_owned());
            return;
        }
        let count = self.wanted(service).max(1);
        self.services[service as usize].deploying = Some(self.now);
        let generation = self.services[service as usize].generation + 1;
        for _ in 0..count {
            let instance = self.insert_instance(service, generation);
            self.boot(instance);
        }
        self.log(name, format!("deploy: {count} new beside {count} old"));
    }

    /// Instances of a service that belong to the generation that is being deployed.
    fn next_generation(&self, service: u16) -> impl Iterator<Item = u32> + '_ {
        let state = &self.services[service as usize];
        let is_next = |&instance: &u32| self.instances[instance as usize].generation > state.generation;
        state.instances.iter().copied().filter(is_next)
    }

    /// Traffic goes to the new generation once all of it is up.
    pub(super) fn generation_may_take_over(&mut self, service: u16) {
        let up = |instance: u32| self.instances[instance as usize].life == Life::Standby;
        if !self.next_generation(service).all(up) {
            return;
        }
        let new: Vec<u32> = self.next_generation(service).collect();
        let state = &mut self.services[service as usize];
        state.generation += 1;
        state.deploying = None;
        let generation = state.generation;
        let all = state.instances.clone();
        for &instance in &new {
            self.enter_traffic(instance);
        }
        let until = self.now + self.model.services[service as usize].overlap;
        for instance in all {
            let machine = &self.instances[instance as usize];
            if machine.generation == generation {
                continue;
            }
            match machine.life {
                Life::Booting => {
                    self.instances[instance as usize].event = Scheduled::NOTHING;
                    self.remove_instance(instance);
                }
                Life::Starting | Life::Standby | Life::Ready | Life::Out => {
                    self.leave_traffic(instance, Life::Retired);
                    if self.instances[instance as usize].fate.is_none() {
                        let event = self.events.schedule(until, Event::Killed(instance));
                        self.instances[instance as usize].event = event;
                    }
                }
                // One that was told to restart does not come back.
                Life::Leaving => self.instances[instance as usize].comes_back = false,
                Life::Retired | Life::Gone => {}
            }
        }
        let name = self.model.services[service as usize].name.clone();
        let count = new.len();
        self.log(name, format!("deploy: traffic goes to the {count} new"));
    }

    /// A generation that is not well after so long is given up.
    pub(super) fn generation_may_be_given_up(&mut self, service: u16) {
        let give_up = self.model.services[service as usize].give_up;
        let state = &mut self.services[service as usize];
        if state.deploying.is_none_or(|since| self.now.since(since) < give_up) {
            return;
        }
        let new: Vec<u32> = self.next_generation(service).collect();
        for instance in new {
            if self.instances[instance as usize].life == Life::Booting {
                self.instances[instance as usize].event = Scheduled::NOTHING;
                self.remove_instance(instance);
            } else {
                self.terminate(instance, false);
            }
        }
        let state = &mut self.services[service as usize];
        state.deploying = None;
        // The number is used up, so that those given up are never taken for the next.
        state.generation += 1;
        let generation = state.generation;
        for number in 0..self.services[service as usize].instances.len() {
            let instance = self.services[service as usize].instances[number] as usize;
            let machine = &mut self.instances[instance];
            if machine.life != Life::Leaving && machine.life != Life::Retired {
                machine.generation = generation;
            }
        }
        let name = self.model.services[service as usize].name.clone();
        self.log(name, "deploy: given up, the new instances are not healthy".to_owned());
    }

    // ---- databases --------------------------------------------------------------------------------------------------

    /// A database goes down for so long: for a restart, or to change its plan.
    pub fn restart_database(&mut self, database: u16, downtime: SimSpan) {
        let resource = self.model.databases[database as usize].resource as usize;
        let name = self.model.resources[resource].name.clone();
        let down_until = &mut self.databases[database as usize].down_until;
        *down_until = (self.now + downtime).max(*down_until);
        let text = format!("down for {}: its connections are cut", show_span(downtime));
        self.log(name, text);
        self.cut_connections(database);
    }

    /// All connections to a database are cut, and the queries on them fail. Processes that do not handle an error of an
    /// idle connection die of it.
    pub fn cut_connections(&mut self, database: u16) {
        let number = database as usize;
        let resource = self.model.databases[number].resource as usize;
        let measuring = self.record.measuring;
        let cut: Vec<u32> = self
            .tasks
            .iter()
            .filter(|(_, task)| {
                let asks = matches!(
                    task.state,
                    State::DatabaseThere | State::DatabaseCpu | State::DatabaseBack
                );
                asks && self.model.queries[task.cache_key as usize].database == database
            })
            .map(|(index, _)| index)
            .collect();
        let now = self.now;
        for index in cut {
            if self.tasks[index].state != State::DatabaseThere {
                self.record.stations[resource].end(now, self.tasks[index].visit, measuring);
            }
            let task = &mut self.tasks[index];
            task.failing = Some(Cause::DatabaseUnavailable);
            task.state = State::Going;
            task.scheduled = Scheduled::NOTHING;
            let handle = self.tasks.handle(index);
            self.ready.push_back(Ready::Task(handle));
        }
        let state = &mut self.databases[number];
        state.cut = true;
        state.cpu.clear(now);
        state.scheduled = Scheduled::NOTHING;
        state.connections = 0;
        for (_, since) in std::mem::take(&mut state.orphans) {
            self.record.stations[resource].end(now, since, measuring);
        }
        self.record.databases[number].connections.set(now, 0);
        // Attempts to open one: those at the server's work are gone, the others find out when they get there.
        let openings: Vec<u32> = self
            .openings
            .iter()
            .filter(|(_, opening)| {
                let of_pool = opening.process != NOBODY;
                let pool = of_pool.then(|| &self.model.pools[opening.pool as usize]);
                pool.is_some_and(|pool| pool.database == database && pool.pooler.is_none())
            })
            .map(|(index, _)| index)
            .collect();
        for index in openings {
            let opening = self.openings[index];
            if !opening.dead {
                let local = self.model.pools[opening.pool as usize].local as usize;
                let table = &mut self.processes[opening.process as usize].connections[local];
                table[opening.connection.index()].1 = u32::MAX;
            }
            if opening.phase == OpeningPhase::Cpu {
                self.openings.remove(index);
            } else {
                self.openings[index].dead = true;
            }
        }
        self.lose_servers(database);
        let mut crashed: Vec<u32> = Vec::new();
        for process in 0..self.processes.len() as u32 {
            let state = &self.processes[process as usize];
            if !state.alive {
                continue;
            }
            let (service, instance) = (state.service as usize, state.instance);
            for &pool in &self.model.services[service].pools {
                let spec = &self.model.pools[pool as usize];
                // A client of a pooler keeps its connection to it.
                if spec.database != database || spec.pooler.is_some() {
                    continue;
                }
                let local = spec.local as usize;
                let state = &mut self.processes[process as usize];
                for entry in &mut state.connections[local] {
                    entry.0 = false;
                }
                let idle = state.pools[local].cut(now);
                if idle > 0 && self.model.services[service].crash_on_database_error && !crashed.contains(&instance) {
                    crashed.push(instance);
                }
                self.drain_pool(process, pool);
            }
        }
        for instance in crashed {
            self.doom(instance, Death::Crash);
        }
    }

    /// Whether what a task asks a database over was cut while it held it. A branch uses what its parent holds.
    pub(super) fn is_cut_off(&self, index: u32, database: u16) -> bool {
        let mut at = index;
        loop {
            if self.holds_lost_connection(at, database) {
                return true;
            }
            let parent = self.tasks[at].parent;
            if self.tasks[at].kind != TaskKind::Branch || !self.tasks.is_live(parent) {
                return false;
            }
            at = parent.index;
        }
    }

    fn holds_lost_connection(&self, index: u32, database: u16) -> bool {
        let process = &self.processes[self.tasks[index].process as usize];
        self.tasks[index].held.iter().rev().any(|held| match held.what {
            HeldWhat::Connection(pool, connection) => {
                let spec = &self.model.pools[pool as usize];
                let local = spec.local as usize;
                let is_lost = || match spec.pooler {
                    None => process.pools[local].is_lost(connection),
                    // In session mode the server connection is the client connection's own.
                    Some(pooler) => {
                        let lease = process.leases[local].get(connection.index()).copied().flatten();
                        lease.is_some_and(|(lease, _)| self.poolers[pooler as usize].machine.is_lost(lease))
                    }
                };
                spec.database == database && is_lost()
            }
            HeldWhat::Server(pooler, lease) => {
                self.model.poolers[pooler as usize].database == database
                    && self.poolers[pooler as usize].machine.is_lost(lease)
            }
            _ => false,
        })
    }
}
