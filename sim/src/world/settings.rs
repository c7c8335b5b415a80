//! Settings that change during a run.
//!
//! Owns: what is in force, and handing a changed model to everything that keeps a copy of its settings.
//! Never: whether a setting can change (`highwater_program::variants`).
//!
//! The world reads the model that is in force, so that most settings take hold by themselves for what is decided later.
//! Machines and samplers keep copies: those are told. Nothing that has been started is redone.

use highwater_models::machine::autoscaler::Autoscaler;
use highwater_models::machine::breaker::Breaker;
use highwater_models::machine::provider_limit::ProviderLimit;

use super::{HeldWhat, Machine, World};
use crate::event::Event;
use highwater_program::model::{Coming, Model};

impl World<'_> {
    /// Puts settings in force, by number, on top of those that are.
    pub(super) fn put_in_force(&mut self, numbers: &[u16]) {
        let Some(variants) = self.variants else { return };
        let mut in_force = self.in_force.clone();
        for &number in numbers {
            let Some(setting) = variants.setting(number) else {
                continue;
            };
            // What was set before at the same place holds no longer.
            let path = setting.plain_path();
            in_force.retain(|&other| variants.setting(other).is_none_or(|other| other.plain_path() != path));
            in_force.push(number);
        }
        let texts: Vec<String> = numbers
            .iter()
            .filter_map(|&number| variants.setting(number).map(|setting| setting.text()))
            .collect();
        self.bring_in_force(in_force, &format!("set {}", texts.join(", ")));
    }

    /// Takes settings back to the file's values: that of a path, and those below it.
    pub(super) fn withdraw(&mut self, path: &[String]) {
        let Some(variants) = self.variants else { return };
        let mut in_force = self.in_force.clone();
        in_force.retain(|&number| {
            variants
                .setting(number)
                .is_none_or(|setting| !setting.plain_path().starts_with(path))
        });
        self.bring_in_force(in_force, &format!("reset {}", path.join(".")));
    }

    fn bring_in_force(&mut self, in_force: Vec<u16>, text: &str) {
        let Some(variants) = self.variants else { return };
        match variants.model(&in_force) {
            Ok(model) => {
                self.log("settings".to_owned(), text.to_owned());
                self.in_force = in_force;
                self.adopt(model);
            }
            Err(reason) => self.log("settings".to_owned(), format!("{text}: not possible, {reason}")),
        }
    }
}

impl<'m> World<'m> {
    /// Another model is in force from now on.
    fn adopt(&mut self, new: &'m Model) {
        let old = std::mem::replace(&mut self.model, new);
        if std::ptr::eq(old, new) {
            return;
        }
        for (number, site) in new.sites.iter().enumerate() {
            // A list that is replayed goes on where it was.
            if site.sampler != old.sites[number].sampler {
                self.sites.set_law(number, site.sampler.clone());
            }
        }
        self.adopt_processes();
        self.adopt_servers(old);
        self.adopt_services(old);
        self.adopt_sources(old);
    }

    /// Slots, pools, queues and limiters.
    fn adopt_processes(&mut self) {
        let model = self.model;
        for process in 0..self.processes.len() as u32 {
            if !self.processes[process as usize].alive {
                continue;
            }
            let service = &model.services[self.processes[process as usize].service as usize];
            for (local, &slots) in service.slots.iter().enumerate() {
                let spec = &model.slots[slots as usize];
                self.processes[process as usize].slots[local].set_config(spec.max, spec.waiters, spec.timeout);
                while let Some(waiter) = self.processes[process as usize].slots[local].admit() {
                    let station = &mut self.record.stations[spec.resource as usize];
                    station.start(self.now, waiter.since, self.record.measuring);
                    self.lend(waiter.ticket, HeldWhat::Slot(slots, spec.local));
                }
                let wake = self.processes[process as usize].first_wake + local as u32;
                debug_assert!(matches!(self.wakes[wake as usize].machine, Machine::Slots(number) if number == slots));
            }
            for (local, &pool) in service.pools.iter().enumerate() {
                let config = model.pools[pool as usize].config;
                self.processes[process as usize].pools[local].set_config(self.now, config);
                self.drain_pool(process, pool);
            }
            for (local, &queue) in service.queues.iter().enumerate() {
                let config = model.queues[queue as usize].config.clone();
                self.processes[process as usize].queues[local].set_config(self.now, config);
                self.drain_queue(process, queue);
            }
            for (local, &limiter) in service.limiters.iter().enumerate() {
                self.processes[process as usize].limiters[local].set_rule(model.limiters[limiter as usize].rule);
            }
        }
        for process in self.processes.iter_mut().filter(|process| process.alive) {
            for (spec, breaker) in model.providers.iter().zip(&mut process.breakers) {
                match (spec.breaker, breaker) {
                    (Some(config), Some(breaker)) => breaker.set_config(config),
                    (config, breaker) => *breaker = config.map(Breaker::new),
                }
            }
            for (spec, budget) in model.providers.iter().zip(&mut process.budgets) {
                budget.set_share(spec.retry_budget);
            }
        }
        for limiter in model.limiters.iter().filter(|limiter| limiter.shared) {
            self.shared_limiters[limiter.local as usize].set_rule(limiter.rule);
        }
    }

    /// Databases, caches and providers.
    fn adopt_servers(&mut self, old: &Model) {
        let model = self.model;
        for (number, spec) in model.databases.iter().enumerate() {
            let database = &mut self.databases[number];
            database.connect = spec.connect.clone();
            database.connect_cpu = spec.connect_cpu.clone();
            database.rtt = spec.rtt.clone();
            let before = &old.databases[number];
            if spec.cores != before.cores {
                database.cpu.set_cores(self.now, spec.cores);
                self.arm_database(number as u32);
            }
            if spec.plan != before.plan || spec.cores != before.cores {
                // Another machine: the server is stopped and started on it.
                self.restart_database(number as u16, spec.downtime);
            }
        }
        for (number, spec) in model.poolers.iter().enumerate() {
            self.poolers[number].machine.set_config(self.now, spec.config);
            self.drain_pooler(number as u16);
        }
        for (spec, client) in model.clients.iter().zip(&mut self.clients) {
            client.budget.set_share(spec.retry_budget);
        }
        for (entry, cache) in model.entries.iter().zip(&mut self.caches) {
            cache.set_config(entry.config);
        }
        self.set_link_kinds();
        for (spec, state) in model.providers.iter().zip(&mut self.providers) {
            state.limit.set_config(self.now, spec.limit);
            for (spec, own) in spec.models.iter().zip(&mut state.models) {
                match (spec.limit, own) {
                    (Some(limit), Some(own)) => own.set_config(self.now, limit),
                    (limit, own) => *own = limit.map(ProviderLimit::new),
                }
            }
        }
    }

    /// Plans, instances and autoscalers.
    fn adopt_services(&mut self, old: &Model) {
        let model = self.model;
        for (number, spec) in model.services.iter().enumerate() {
            let before = &old.services[number];
            for &instance in &self.services[number].instances {
                self.instances[instance as usize].health.set_config(spec.health);
            }
            let other_machine = spec.plan != before.plan
                || spec.cores != before.cores
                || spec.limit != before.limit
                || spec.memory_limit != before.memory_limit
                || spec.processes != before.processes;
            if other_machine {
                // As platforms do it: new instances on the new plan beside the old ones.
                self.deploy(number as u16);
            }
            if spec.instances != before.instances {
                self.set_instances(number as u16, spec.instances);
            }
            match (&spec.scaling, &mut self.services[number].scaler) {
                (Some(scaling), Some(scaler)) => scaler.set_config(scaling.config),
                (Some(scaling), scaler) => {
                    *scaler = Some(Autoscaler::new(scaling.config));
                    let at = self.now + scaling.config.every;
                    self.events.schedule(at, Event::Scale(number as u32));
                }
                (None, _) => {}
            }
        }
    }

    /// Who comes.
    fn adopt_sources(&mut self, old: &Model) {
        let model = self.model;
        for (number, spec) in model.sources.iter().enumerate() {
            let before = &old.sources[number];
            let same = match (&spec.coming, &before.coming) {
                (Coming::Open { segments, .. }, Coming::Open { segments: before, .. })
                | (Coming::Closed { segments }, Coming::Closed { segments: before }) => segments == before,
                (Coming::Every(law), Coming::Every(before)) => law == before,
                _ => true,
            };
            let source = number as u16;
            self.crowd.adopt(model, old, source);
            if !same {
                let factor = self.crowd.factor(source);
                self.change_source(source, factor);
            }
        }
    }
}
