//! The autoscaler, and instances set by hand.

use highwater_models::machine::autoscaler::Change;

use super::event::Event;
use super::plant::{Life, Plant};

impl Plant<'_> {
    /// The autoscaler looks at a service.
    pub(super) fn scale(&mut self, service: u32) {
        let spec = &self.model.services[service as usize];
        let Some(scaling) = &spec.scaling else { return };
        let every = scaling.config.every;
        let now = self.s.now;
        self.s.events.schedule(now + every, Event::Scale(service));
        let ready: Vec<u32> = self.ready_instances(service as u16).collect();
        let (mut cpu, mut memory) = (0.0, 0.0);
        for &instance in &ready {
            let used = self.cpu_used(instance);
            let state = &mut self.s.instances[instance as usize];
            cpu += (used - state.sampled) / (state.cores * every.nanos() as f64);
            state.sampled = used;
            if state.limit != u64::MAX {
                memory += state.memory as f64 / state.limit as f64;
            }
        }
        let count = ready.len().max(1) as f64;
        if scaling.by_demand {
            let state = &mut self.s.services[service as usize];
            cpu = (state.demand - state.demand_sampled) / (spec.cores * every.nanos() as f64);
            state.demand_sampled = state.demand;
        }
        let current = self.wanted(service as u16);
        let deploying = self.s.services[service as usize].deploying.is_some();
        let Some(scaler) = &mut self.s.services[service as usize].scaler else {
            return;
        };
        scaler.on_sample(now, cpu / count, memory / count, ready.len() as u32);
        if deploying {
            // The next generation takes over as many as there are.
            return;
        }
        let evaluation = scaler.evaluate(now, current);
        let reading = (evaluation.reading * 100.0).round();
        let why = evaluation.reason.name().replace('_', " ");
        let then = match evaluation.change {
            Change::Hold => return,
            Change::Up(more) => {
                self.add_instances(service as u16, more);
                current + more
            }
            Change::Down(fewer) => {
                self.remove_instances(service as u16, fewer);
                current - fewer.min(current)
            }
        };
        let text = format!("{current} -> {then} instances: reading {reading} %, {why}");
        self.log(&spec.name, text);
    }

    /// Instances of the generation in traffic, those on their way into it too.
    pub(super) fn wanted(&self, service: u16) -> u32 {
        let state = &self.s.services[service as usize];
        let counts = |&&instance: &&u32| {
            let machine = &self.s.instances[instance as usize];
            machine.generation == state.generation
                && matches!(machine.life, Life::Booting | Life::Starting | Life::Ready | Life::Out)
        };
        state.instances.iter().filter(counts).count() as u32
    }

    /// So many more instances are started.
    fn add_instances(&mut self, service: u16, more: u32) {
        let generation = self.s.services[service as usize].generation;
        for _ in 0..more {
            let instance = self.insert_instance(service, generation);
            self.boot(instance);
        }
    }

    /// So many fewer: the newest of those in traffic.
    fn remove_instances(&mut self, service: u16, fewer: u32) {
        let ready: Vec<u32> = self.ready_instances(service).collect();
        for &instance in ready.iter().rev().take(fewer as usize) {
            self.terminate(instance, false);
        }
    }

    /// Somebody sets the number of instances by hand.
    pub(super) fn set_instances(&mut self, service: u16, count: u32) {
        let current = self.wanted(service);
        if count > current {
            self.add_instances(service, count - current);
        } else {
            self.remove_instances(service, current - count);
        }
        let name = &self.model.services[service as usize].name;
        self.log(name, format!("{current} -> {count} instances: by hand"));
    }
}
