//! Health checks by an endpoint of the service itself.
//!
//! Owns: sending probes, judging their answers, and what follows for the instance.
//! Never: the thresholds (the machine's). The platform's default probe asks only whether the port answers; it never fails
//! while the process lives, and is not sent.
//! A probe is a request like any other to the process that takes it: it has its turn on the loop and waits for the pool.
//! One that is answered too late runs on for nobody.

use highwater_models::SimSpan;
use highwater_models::machine::health::HealthChange;
use highwater_workload::stream::Purpose;

use super::event::{Event, Scheduled};
use super::plant::{Death, Life, Plant};
use super::slab::Handle;
use super::state::{NOBODY, Run, Task, TaskKind};

/// Whose address and count probes come under at limiters: nobody else's.
const PROBER: u64 = u64::MAX >> 1;

impl Plant<'_> {
    /// A probe is due, or the one under way has had its time.
    pub(super) fn probe(&mut self, instance: u32, scheduled: Scheduled) {
        let machine = &self.s.instances[instance as usize];
        if machine.probe_event != scheduled {
            return;
        }
        if machine.probing {
            self.judge(instance, false);
        } else {
            self.send_probe(instance);
        }
    }

    /// Probes of an instance end; the answer of one under way is not waited for.
    pub(super) fn stop_probes(&mut self, instance: u32) {
        let machine = &mut self.s.instances[instance as usize];
        machine.probe_event = Scheduled::NOTHING;
        machine.probe = Handle::NOTHING;
        machine.probing = false;
    }

    /// A probe sets out to the instance's next process.
    pub(super) fn send_probe(&mut self, instance: u32) {
        let service = self.s.instances[instance as usize].service as usize;
        let spec = &self.model.services[service];
        let Some(endpoint) = spec.health_endpoint else { return };
        let process = self.next_process(instance);
        let now = self.s.now;
        let event = self
            .s
            .events
            .schedule(now + spec.health.timeout, Event::Probe(instance));
        let memory = spec.memory_request;
        let machine = &mut self.s.instances[instance as usize];
        let number = machine.probes;
        machine.probes += 1;
        let key = self.s.root.purpose(Purpose::Boot).child(u64::MAX);
        let key = key.child(u64::from(instance)).child(u64::from(number));
        // Past the balancer: a probe is for this instance and no other.
        let start = self.model.endpoints[endpoint as usize].start + 1;
        let task = Task {
            endpoint,
            process,
            person: PROBER,
            ip: PROBER,
            memory,
            heap: memory,
            ..Task::new(TaskKind::Probe, start, key, now)
        };
        let task = self.s.tasks.insert(Run::new(task, None));
        let machine = &mut self.s.instances[instance as usize];
        machine.probe = task;
        machine.probing = true;
        machine.probe_sent = now;
        machine.probe_event = event;
        if memory > 0 {
            self.occupy(process, memory, true);
        }
        if !self.has_loop(process) || self.on_loop(task.index, SimSpan::ZERO) {
            self.s.ready.push_back(task);
        }
    }

    /// A probe's program has ended, well or not: nothing is left of it but the answer.
    pub(super) fn probe_ended(&mut self, index: u32) {
        let good = self.s.tasks[index].cause.is_none();
        let (handle, process) = (self.s.tasks.handle(index), self.s.tasks[index].process);
        self.leave_process(index);
        self.remove_task(index);
        if process == NOBODY {
            return;
        }
        let instance = self.s.processes[process as usize].instance;
        let machine = &self.s.instances[instance as usize];
        if machine.probing && machine.probe == handle {
            self.judge(instance, good);
        }
    }

    /// What follows from a probe's answer, or from none in time.
    fn judge(&mut self, instance: u32, good: bool) {
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        let (service, sent, life) = (machine.service as usize, machine.probe_sent, machine.life);
        machine.probing = false;
        machine.probe = Handle::NOTHING;
        let change = if good {
            machine.health.passed()
        } else {
            machine.health.failed(now, sent)
        };
        let next = machine.health.next_probe(now, sent);
        machine.probe_event = self.s.events.schedule(next, Event::Probe(instance));
        let name = &self.model.services[service].name;
        match (life, change) {
            (Life::Starting, _) if good => self.came_up(instance),
            (Life::Starting, _) if machine.generation != self.s.services[service].generation => {
                self.generation_may_be_given_up(service as u16);
            }
            (Life::Ready, HealthChange::Out) => {
                self.leave_traffic(instance, Life::Out);
                let ready = self.ready_instances(service as u16).count();
                let text = format!("an instance fails its health checks and gets no more traffic: {ready} left");
                self.log(name, text);
            }
            (Life::Out, HealthChange::Back) => {
                self.enter_traffic(instance);
                let ready = self.ready_instances(service as u16).count();
                self.log(
                    name,
                    format!("an instance passes its health checks again: {ready} ready"),
                );
            }
            (Life::Ready | Life::Out | Life::Starting, HealthChange::Restart) => self.doom(instance, Death::Health),
            _ => {}
        }
    }
}
