//! The balancer: which instance a request goes to, who is turned away there, and what a client leaves behind.

use highwater_models::file::system::Balance;
use highwater_models::{Cause, SimSpan};
use highwater_workload::stream::Purpose;

use super::{Life, NOBODY, Ready, State, World};
use crate::event::Event;
use highwater_program::model::{Pc, Runtime};

impl World<'_> {
    /// A task is at the balancer of its service. True when it goes on in a process; else at `pc` once it has one.
    #[inline(always)]
    pub(super) fn arrive(&mut self, index: u32, service: u16, pc: Pc) -> bool {
        let spec = &self.model.services[service as usize];
        let strain = &self.strains.services[service as usize];
        if spec.is_open
            && !strain.fails_some()
            && let [only] = self.services[service as usize].instances[..]
        {
            let machine = &mut self.instances[only as usize];
            if machine.life == Life::Ready {
                let process = machine.next_process();
                machine.in_hand += 1;
                self.processes[process as usize].in_hand += 1;
                self.record.services[service as usize].in_hand.up(self.now);
                let run = &mut self.tasks[index];
                run.arrived = self.now;
                run.process = process;
                run.in_hand = true;
                return true;
            }
        }
        self.arrive_at(index, service, pc)
    }

    /// The same for a service that asks something of whoever comes, or has several instances.
    fn arrive_at(&mut self, index: u32, service: u16, pc: Pc) -> bool {
        let task = &mut self.tasks[index];
        task.arrived = self.now;
        task.pc = pc;
        self.note_deadline(index, service);
        let spec = &self.model.services[service as usize];
        let strain = self.strains.services[service as usize];
        if strain.down {
            self.record.see(self.now, Cause::NoInstance, Some(spec.resource));
            self.fail(index, Cause::NoInstance);
            return false;
        }
        let task = &self.tasks[index];
        if strain.fails(|| task.key.at(!u64::from(service), task.iteration)) {
            self.record.see(self.now, Cause::UpstreamError, Some(spec.resource));
            self.fail(index, Cause::UpstreamError);
            return false;
        }
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

    pub(super) fn ready_instances(&self, service: u16) -> impl Iterator<Item = u32> + '_ {
        // Of the world only the instances are kept hold of: whatever else a caller has looked up stays looked up.
        let all = self.instances.as_slice();
        let instances = self.services[service as usize].instances.iter().copied();
        instances.filter(|&instance| all[instance as usize].life == Life::Ready)
    }

    /// The process that a new request of a service goes to; none when no instance is ready.
    #[inline(always)]
    pub(super) fn choose_process(&mut self, service: u16, task: u32) -> Option<u32> {
        if let [only] = self.services[service as usize].instances[..] {
            return (self.instances[only as usize].life == Life::Ready).then(|| self.next_process(only));
        }
        self.choose_among(service, task)
    }

    fn choose_among(&mut self, service: u16, task: u32) -> Option<u32> {
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

    #[inline]
    pub(super) fn next_process(&mut self, instance: u32) -> u32 {
        self.instances[instance as usize].next_process()
    }

    fn take_in(&mut self, index: u32, instance: u32) -> bool {
        let process = self.next_process(instance);
        self.hand_to(index, process)
    }

    /// A request is in hand from here on.
    #[inline(always)]
    fn hand_to(&mut self, index: u32, process: u32) -> bool {
        let state = &mut self.processes[process as usize];
        state.in_hand += 1;
        let (instance, service) = (state.instance as usize, state.service);
        self.instances[instance].in_hand += 1;
        self.record.services[service as usize].in_hand.up(self.now);
        let spec = &self.model.services[service as usize];
        let memory = spec.memory_request;
        let task = &mut self.tasks[index];
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
        self.leave(index);
    }

    /// The same, inlined.
    #[inline(always)]
    pub(super) fn leave(&mut self, index: u32) {
        let task = &mut self.tasks[index];
        let (process, in_hand) = (task.process, std::mem::take(&mut task.in_hand));
        let (memory, heap) = (std::mem::take(&mut task.memory), std::mem::take(&mut task.heap));
        if memory > 0 && process != NOBODY {
            self.vacate(process, memory, heap);
        }
        if !in_hand {
            // A branch, background work or a probe: not counted as a request, but memory is memory.
            return;
        }
        let state = &mut self.processes[process as usize];
        state.in_hand -= 1;
        let (instance, service) = (state.instance, state.service as usize);
        if self.has_ladder(service as u16) {
            self.socket_idle(process);
        }
        let machine = &mut self.instances[instance as usize];
        machine.in_hand -= 1;
        let (is_idle, life) = (machine.in_hand == 0, machine.life);
        self.record.services[service].in_hand.down(self.now);
        if life == Life::Leaving {
            if is_idle && !self.model.services[service].lingers && machine.fate.is_none() {
                machine.event = self.events.schedule(self.now, Event::Killed(instance));
            }
        } else if life == Life::Ready && !self.services[service].line.is_empty() {
            self.take_next(instance, service);
        }
    }

    /// A ready instance has room for one more: whoever has waited longest at the balancer.
    pub(super) fn take_next(&mut self, instance: u32, service: usize) {
        if let Some(next) = self.services[service].line.pop_front() {
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
        if self.trace.is_some() {
            self.trace_gone(index);
        }
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
        self.tasks[index].frames.clear();
        self.fail(index, Cause::ClientTimeout);
    }
}
