//! The balancer: which instance a request goes to, who is turned away there, and what a client leaves behind.

use highwater_models::file::system::Balance;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::Runtime;
use highwater_workload::stream::Purpose;

use super::event::Event;
use super::plant::{Life, Plant};
use super::slab::Handle;
use super::state::{NOBODY, State};

impl Plant<'_> {
    /// A task is at the balancer of its service. True when it goes on in a process.
    pub(super) fn arrive(&mut self, index: u32, service: u16) -> bool {
        self.s.tasks[index].arrived = self.s.now;
        self.note_deadline(index, service);
        let spec = &self.model.services[service as usize];
        if spec.balance == Balance::SharedLine {
            return self.arrive_in_line(index, service);
        }
        let process = self.choose_process(service, index).filter(|&process| process != NOBODY);
        let Some(process) = process else {
            self.fail(index, Cause::NoInstance);
            return false;
        };
        let instance = self.s.processes[process as usize].instance;
        let refusal = if self.s.instances[instance as usize].in_hand >= spec.max_in_hand {
            Some(Cause::QueueFull)
        } else if self.model.endpoints[self.s.tasks[index].endpoint as usize].sheds && self.sheds(process, service) {
            Some(Cause::Shed)
        } else {
            None
        };
        if let Some(cause) = refusal {
            self.s.tally.refuse(spec.resource);
            if cause == Cause::Shed {
                self.s.tasks[index].retry_after = Some(spec.shed_retry_after);
            }
            self.fail(index, cause);
            return false;
        }
        self.hand_to(index, process)
    }

    /// The same where whoever finds no room waits in one line before all instances.
    fn arrive_in_line(&mut self, index: u32, service: u16) -> bool {
        let spec = &self.model.services[service as usize];
        let bound = if spec.max_in_hand == u32::MAX {
            1
        } else {
            spec.max_in_hand
        };
        let free = self
            .ready_instances(service)
            .find(|&instance| self.s.instances[instance as usize].in_hand < bound);
        if let Some(instance) = free {
            let process = self.next_process(instance);
            return self.hand_to(index, process);
        }
        if self.ready_instances(service).next().is_none() {
            self.fail(index, Cause::NoInstance);
            return false;
        }
        self.enter(index, spec.wait_stage);
        self.s.tasks[index].state = State::ServiceLine;
        let handle = self.s.tasks.handle(index);
        self.s.services[service as usize].line.push_back(handle);
        false
    }

    fn sheds(&self, process: u32, service: u16) -> bool {
        let spec = &self.model.services[service as usize];
        let state = &self.s.processes[process as usize];
        if state.in_hand >= spec.shed_in_hand {
            return true;
        }
        let oldest = state
            .line
            .front()
            .map_or(SimSpan::ZERO, |slice| self.s.now.since(slice.since));
        oldest > spec.shed_loop_delay
    }

    /// Instances in traffic.
    pub(super) fn ready_instances(&self, service: u16) -> impl Iterator<Item = u32> + '_ {
        let all = self.s.instances.as_slice();
        let instances = self.s.services[service as usize].instances.iter().copied();
        instances.filter(|&instance| all[instance as usize].life == Life::Ready)
    }

    /// The process that a new request of a service goes to; none when no instance is ready.
    pub(super) fn choose_process(&mut self, service: u16, task: u32) -> Option<u32> {
        let count = self.ready_instances(service).count();
        if count == 0 {
            return None;
        }
        let chosen = match self.model.services[service as usize].balance {
            _ if count == 1 => self.ready_instances(service).next(),
            Balance::RoundRobin | Balance::SharedLine => {
                let turn = self.s.services[service as usize].turn % count;
                self.s.services[service as usize].turn = turn + 1;
                self.ready_instances(service).nth(turn)
            }
            Balance::Random => {
                let key = self.s.tasks[task].key.purpose(Purpose::Balance);
                let nth = key.draw().below(count as u64) as usize;
                self.ready_instances(service).nth(nth)
            }
            Balance::LeastBusy => self
                .ready_instances(service)
                .min_by_key(|&instance| self.s.instances[instance as usize].in_hand),
        }?;
        Some(self.next_process(chosen))
    }

    pub(super) fn next_process(&mut self, instance: u32) -> u32 {
        self.s.instances[instance as usize].next_process()
    }

    /// A request is in hand from here on.
    fn hand_to(&mut self, index: u32, process: u32) -> bool {
        let state = &mut self.s.processes[process as usize];
        state.in_hand += 1;
        let (instance, service) = (state.instance as usize, state.service);
        self.s.instances[instance].in_hand += 1;
        let spec = &self.model.services[service as usize];
        let memory = spec.memory_request;
        let task = &mut self.s.tasks[index];
        task.process = process;
        task.in_hand = true;
        task.memory = memory;
        task.heap = memory;
        if memory > 0 {
            self.occupy(process, memory, true);
        }
        if self.has_ladder(service) {
            self.socket_taken(process);
        }
        // A new request is an event on the loop like any other.
        spec.runtime != Runtime::Node || self.on_loop(index, SimSpan::ZERO)
    }

    /// A task has left its process: the request is no longer in hand.
    pub(super) fn leave_process(&mut self, index: u32) {
        let task = &mut self.s.tasks[index];
        let (process, in_hand) = (task.process, std::mem::take(&mut task.in_hand));
        let (memory, heap) = (std::mem::take(&mut task.memory), std::mem::take(&mut task.heap));
        if memory > 0 && process != NOBODY {
            self.vacate(process, memory, heap);
        }
        if !in_hand {
            // A branch, background work or a probe: not counted as a request, but memory is memory.
            return;
        }
        let state = &mut self.s.processes[process as usize];
        state.in_hand -= 1;
        let (instance, service) = (state.instance, state.service as usize);
        if self.has_ladder(service as u16) {
            self.socket_idle(process);
        }
        let machine = &mut self.s.instances[instance as usize];
        machine.in_hand -= 1;
        let (is_idle, life) = (machine.in_hand == 0, machine.life);
        if life == Life::Leaving {
            if is_idle && !self.model.services[service].lingers && machine.fate.is_none() {
                machine.event = self.s.events.schedule(self.s.now, Event::Killed(instance));
            }
        } else if life == Life::Ready && !self.s.services[service].line.is_empty() {
            self.take_next(instance, service);
        }
    }

    /// A ready instance has room for one more: whoever has waited longest at the balancer.
    pub(super) fn take_next(&mut self, instance: u32, service: usize) {
        if let Some(next) = self.s.services[service].line.pop_front() {
            let waited = self.s.now.since(self.s.tasks[next.index].since);
            self.s.tally.waited(self.model.services[service].resource, waited);
            self.s.tasks[next.index].state = State::Going;
            let process = self.next_process(instance);
            if self.hand_to(next.index, process) {
                self.s.ready.push_back(next);
            }
        }
    }

    /// The client of a request has gone. Its work goes on, unless the service cancels it.
    pub(super) fn client_gone(&mut self, request: Handle) {
        let Some(&handle) = self.s.requests.get(request) else {
            return;
        };
        if !self.s.tasks.is_live(handle) {
            return;
        }
        let index = handle.index;
        if let State::Queue(queue, _) = self.s.tasks[index].state
            && self.model.queues[queue as usize].drops_abandoned
            && self.leave_line(index).is_some()
        {
            let task = &mut self.s.tasks[index];
            task.state = State::Going;
            task.frames.clear();
            self.fail(index, Cause::ClientTimeout);
            return;
        }
        let process = self.s.tasks[index].process;
        if process == NOBODY {
            return;
        }
        let service = self.s.processes[process as usize].service;
        if self.model.services[service as usize].cancel {
            self.give_up(index, Cause::ClientTimeout, false);
        }
    }
}
