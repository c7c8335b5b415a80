//! Deploys: two generations side by side.
//!
//! Owns: the order of a deploy: start the new beside the old, wait until all are well, change traffic, stop the old.
//! Never: how an instance boots or ends (`lives`).

use super::event::{Event, Scheduled};
use super::plant::{Life, Plant};

impl Plant<'_> {
    /// A new generation of a service starts beside the old. False when one is on its way already.
    pub(super) fn deploy(&mut self, service: u16) -> bool {
        if self.s.services[service as usize].deploying.is_some() {
            return false;
        }
        let count = self.wanted(service).max(1);
        self.s.services[service as usize].deploying = Some(self.s.now);
        let generation = self.s.services[service as usize].generation + 1;
        for _ in 0..count {
            let instance = self.insert_instance(service, generation);
            self.boot(instance);
        }
        let name = &self.model.services[service as usize].name;
        self.log(name, format!("deploy: {count} new beside {count} old"));
        true
    }

    /// Instances of a service that belong to the generation that is being deployed.
    fn next_generation(&self, service: u16) -> impl Iterator<Item = u32> + '_ {
        let state = &self.s.services[service as usize];
        let is_next = |&instance: &u32| self.s.instances[instance as usize].generation > state.generation;
        state.instances.iter().copied().filter(is_next)
    }

    /// Traffic goes to the new generation once all of it is up.
    pub(super) fn generation_may_take_over(&mut self, service: u16) {
        let up = |instance: u32| self.s.instances[instance as usize].life == Life::Standby;
        if !self.next_generation(service).all(up) {
            return;
        }
        let new: Vec<u32> = self.next_generation(service).collect();
        let state = &mut self.s.services[service as usize];
        state.generation += 1;
        state.deploying = None;
        let generation = state.generation;
        let all = state.instances.clone();
        for &instance in &new {
            self.enter_traffic(instance);
        }
        let until = self.s.now + self.model.services[service as usize].overlap;
        for instance in all {
            let machine = &self.s.instances[instance as usize];
            if machine.generation == generation {
                continue;
            }
            match machine.life {
                Life::Booting => {
                    self.s.instances[instance as usize].event = Scheduled::NOTHING;
                    self.remove_instance(instance);
                }
                Life::Starting | Life::Standby | Life::Ready | Life::Out => {
                    self.leave_traffic(instance, Life::Retired);
                    if self.s.instances[instance as usize].fate.is_none() {
                        let event = self.s.events.schedule(until, Event::Killed(instance));
                        self.s.instances[instance as usize].event = event;
                    }
                }
                // One that was told to restart does not come back.
                Life::Leaving => self.s.instances[instance as usize].comes_back = false,
                Life::Retired | Life::Gone => {}
            }
        }
        let name = &self.model.services[service as usize].name;
        self.log(name, format!("deploy: traffic goes to the {} new", new.len()));
    }

    /// A generation that is not well after so long is given up.
    pub(super) fn generation_may_be_given_up(&mut self, service: u16) {
        let give_up = self.model.services[service as usize].give_up;
        let now = self.s.now;
        let state = &self.s.services[service as usize];
        if state.deploying.is_none_or(|since| now.since(since) < give_up) {
            return;
        }
        let new: Vec<u32> = self.next_generation(service).collect();
        for instance in new {
            if self.s.instances[instance as usize].life == Life::Booting {
                self.s.instances[instance as usize].event = Scheduled::NOTHING;
                self.remove_instance(instance);
            } else {
                self.terminate(instance, false);
            }
        }
        let state = &mut self.s.services[service as usize];
        state.deploying = None;
        // The number is used up, so that those given up are never taken for the next.
        state.generation += 1;
        let generation = state.generation;
        for &instance in &state.instances {
            let machine = &mut self.s.instances[instance as usize];
            if machine.life != Life::Leaving && machine.life != Life::Retired {
                machine.generation = generation;
            }
        }
        let name = &self.model.services[service as usize].name;
        self.log(name, "deploy: given up, the new instances are not healthy".to_owned());
    }
}
