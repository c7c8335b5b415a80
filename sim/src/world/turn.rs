//! Event loops and CPUs: who runs, who waits for a turn.
//!
//! A process with an event loop does one thing at a time, in the order in which things came up. What comes up is a
//! *slice*: a new request, a reply, a timer, each with the CPU work it needs (which may be none). While a slice's code
//! runs, CPU work that the same task asks for next is part of the same slice: code that does not wait does not yield.
//! Off the loop, and in runtimes without one, work shares the instance's CPU limit.

use highwater_models::{Cause, SimSpan, SimTime};

use super::{NOBODY, Slice, State, Turn, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;
use highwater_program::model::{Runtime, SiteId};

/// Marks a job on an instance's CPU as a slice of a process's loop; else it is a task.
const SLICE: u64 = 1 << 63;

impl World<'_> {
    /// Whether a process has an event loop.
    #[inline]
    pub(super) fn has_loop(&self, process: u32) -> bool {
        let service = self.processes[process as usize].service;
        self.model.services[service as usize].runtime == Runtime::Node
    }

    /// A task wants to run on its process's loop. True when it may go on right away, having waited for nothing and with
    /// no work to do.
    pub(super) fn on_loop(&mut self, index: u32, work: SimSpan) -> bool {
        let process = self.tasks[index].process;
        let state = &self.processes[process as usize];
        let service = state.service as usize;
        let work = state.heap.stretch(work);
        let handle = self.tasks.handle(index);
        let work = self.strains.services[service].stretch(work);
        self.services[service].demand += work.nanos() as f64;
        if state.turning && state.turn_of == index && state.running.is_none() {
            // The same slice goes on.
            if work == SimSpan::ZERO {
                return true;
            }
            let slice = Slice {
                turn: Turn::Task(handle),
                work,
                since: self.now,
                began: self.now,
            };
            self.note_start_at_once(self.model.services[service].resource);
            self.begin_slice(process, slice);
            return false;
        }
        if !state.turning && state.running.is_none() && state.line.is_empty() {
            if self.record.measuring {
                self.record.loop_lag[service].record(0);
            }
            if work == SimSpan::ZERO {
                return true;
            }
            let slice = Slice {
                turn: Turn::Task(handle),
                work,
                since: self.now,
                began: self.now,
            };
            self.note_start_at_once(self.model.services[service].resource);
            self.begin_slice(process, slice);
            return false;
        }
        self.enter(index, self.model.services[service].wait_stage);
        self.tasks[index].state = State::Loop;
        self.tasks[index].scheduled = Scheduled::NOTHING;
        self.queue_slice(process, Turn::Task(handle), work);
        false
    }

    /// A machine's timer or a connection comes up on a loop. True when it may be acted on right away.
    pub(super) fn machine_on_loop(&mut self, process: u32, turn: Turn) -> bool {
        let state = &self.processes[process as usize];
        if !self.has_loop(process) || (!state.turning && state.running.is_none() && state.line.is_empty()) {
            return true;
        }
        self.queue_slice(process, turn, SimSpan::ZERO);
        false
    }

    /// Work on a process's loop that nobody waits for.
    pub(super) fn background_slice(&mut self, process: u32, work: SimSpan) {
        let state = &self.processes[process as usize];
        let service = state.service as usize;
        if !state.turning && state.running.is_none() && state.line.is_empty() {
            self.note_start_at_once(self.model.services[service].resource);
            let slice = Slice {
                turn: Turn::Task(Handle::NOTHING),
                work,
                since: self.now,
                began: self.now,
            };
            self.begin_slice(process, slice);
        } else {
            self.queue_slice(process, Turn::Task(Handle::NOTHING), work);
        }
    }

    fn queue_slice(&mut self, process: u32, turn: Turn, work: SimSpan) {
        let state = &mut self.processes[process as usize];
        state.line.push_back(Slice {
            turn,
            work,
            since: self.now,
            began: self.now,
        });
        let resource = self.model.services[state.service as usize].resource;
        self.record.stations[resource as usize].join(self.now, self.record.measuring);
    }

    fn note_start_at_once(&mut self, resource: u16) {
        self.record.stations[resource as usize].start_at_once(self.now, self.record.measuring);
    }

    /// A slice's work begins.
    fn begin_slice(&mut self, process: u32, slice: Slice) {
        let state = &mut self.processes[process as usize];
        state.running = Some(slice);
        let (instance, service) = (state.instance, state.service as usize);
        if let Turn::Task(handle) = slice.turn
            && self.tasks.is_live(handle)
        {
            self.enter(handle.index, self.model.services[service].cpu_stage);
            self.tasks[handle.index].state = State::Loop;
            self.tasks[handle.index].scheduled = Scheduled::NOTHING;
        }
        let now = self.now;
        let machine = &mut self.instances[instance as usize];
        if let Some(cpu) = &mut machine.cpu {
            cpu.start(now, slice.work, SLICE | u64::from(process));
            self.arm_cpu(instance);
        } else {
            machine.running.up(now);
            self.events.schedule(now + slice.work, Event::Slice(process));
        }
    }

    /// The running slice of a process has done its work, on a CPU that has no limit.
    pub(super) fn end_slice(&mut self, process: u32) {
        let instance = self.processes[process as usize].instance;
        if self.processes[process as usize].running.is_none() {
            return;
        }
        self.instances[instance as usize].running.down(self.now);
        self.slice_done(process);
    }

    fn slice_done(&mut self, process: u32) {
        let state = &mut self.processes[process as usize];
        let Some(slice) = state.running.take() else { return };
        let resource = self.model.services[state.service as usize].resource;
        self.record.stations[resource as usize].end(self.now, slice.began, self.record.measuring);
        if self.processes[process as usize].alive {
            self.deliver(process, slice.turn);
            self.next_slices(process);
        }
    }

    /// The loop is free: whoever is next has its turn, until somebody has work to do.
    fn next_slices(&mut self, process: u32) {
        while self.processes[process as usize].running.is_none() {
            let state = &mut self.processes[process as usize];
            let Some(mut slice) = state.line.pop_front() else {
                return;
            };
            let service = state.service as usize;
            let resource = self.model.services[service].resource as usize;
            slice.began = self.now;
            if let Turn::Task(handle) = slice.turn
                && self.model.services[service].deadline != SimSpan::FOREVER
                && self.tasks.get(handle).is_some_and(|task| self.now >= task.give_up_at)
            {
                // Its request has been given up: what it was to do is not begun.
                slice.work = SimSpan::ZERO;
            }
            self.record.stations[resource].start(self.now, slice.since, self.record.measuring);
            if self.record.measuring {
                self.record.loop_lag[service].record(self.now.since(slice.since).nanos());
            }
            if slice.work == SimSpan::ZERO {
                self.record.stations[resource].end(self.now, self.now, self.record.measuring);
                self.deliver(process, slice.turn);
                if !self.processes[process as usize].alive {
                    return;
                }
            } else {
                self.begin_slice(process, slice);
            }
        }
    }

    /// A slice's code runs.
    fn deliver(&mut self, process: u32, turn: Turn) {
        self.processes[process as usize].turning = true;
        match turn {
            Turn::Task(handle) => {
                if self.tasks.is_live(handle) {
                    self.processes[process as usize].turn_of = handle.index;
                    self.run_task(handle.index);
                }
            }
            Turn::Opening(opening) => self.opening_ended(opening),
            Turn::Wake(wake) => self.advance_machine(wake),
            Turn::GiveUp(handle) => {
                if self.tasks.get(handle).is_some_and(|task| self.now >= task.give_up_at) {
                    self.give_up(handle.index, Cause::Deadline, true);
                }
            }
        }
        let state = &mut self.processes[process as usize];
        state.turning = false;
        state.turn_of = NOBODY;
    }

    /// CPU work of a task as its runtime has it. True when there was none to do.
    pub(super) fn cpu(&mut self, index: u32, site: SiteId) -> bool {
        let work = self.draw_span(index, site);
        let process = self.tasks[index].process;
        if self.has_loop(process) {
            self.on_loop(index, work)
        } else {
            self.burn(index, work)
        }
    }

    /// CPU work off the loop. True when there was none to do.
    pub(super) fn burn(&mut self, index: u32, work: SimSpan) -> bool {
        if work == SimSpan::ZERO {
            return true;
        }
        let process = &self.processes[self.tasks[index].process as usize];
        let (instance, service) = (process.instance, process.service as usize);
        // Beside an event loop it is native code that works; elsewhere it is the runtime's own.
        let work = if self.model.services[service].runtime == Runtime::Node {
            work
        } else {
            process.heap.stretch(work)
        };
        let work = self.strains.services[service].stretch(work);
        self.services[service].demand += work.nanos() as f64;
        self.note_start_at_once(self.model.services[service].resource);
        self.enter(index, self.model.services[service].cpu_stage);
        let task = &mut self.tasks[index];
        task.mark = self.now;
        task.state = State::Burning;
        let machine = &mut self.instances[instance as usize];
        if let Some(cpu) = &mut machine.cpu {
            task.scheduled = Scheduled::NOTHING;
            let handle = self.tasks.handle(index);
            cpu.start(
                self.now,
                work,
                u64::from(handle.generation & 0x7fff_ffff) << 32 | u64::from(index),
            );
            self.arm_cpu(instance);
        } else {
            machine.running.up(self.now);
            self.schedule_task(index, self.now + work);
        }
        false
    }

    /// A task's work off the loop is done.
    pub(super) fn burned(&mut self, index: u32, had_limit: bool) {
        let task = &self.tasks[index];
        let process = &self.processes[task.process as usize];
        if !had_limit {
            self.instances[process.instance as usize].running.down(self.now);
        }
        let resource = self.model.services[process.service as usize].resource as usize;
        self.record.stations[resource].end(self.now, task.mark, self.record.measuring);
    }

    /// Keeps one event for the first end on an instance's CPU.
    fn arm_cpu(&mut self, instance: u32) {
        let machine = &mut self.instances[instance as usize];
        let at = machine.cpu.as_ref().map_or(
            SimTime::NEVER,
            highwater_models::machine::processor::Processor::next_end,
        );
        machine.cpu_event = self.events.schedule(at, Event::Cpu(instance));
    }

    /// The first job on an instance's CPU may have ended.
    pub(super) fn end_cpu(&mut self, instance: u32, scheduled: Scheduled) {
        if self.instances[instance as usize].cpu_event != scheduled {
            return;
        }
        while let Some(payload) = self.instances[instance as usize]
            .cpu
            .as_mut()
            .and_then(|cpu| cpu.ended(self.now))
        {
            if payload & SLICE == 0 {
                let index = payload as u32;
                let handle = self.tasks.handle(index);
                let same = u64::from(handle.generation & 0x7fff_ffff) == payload >> 32;
                if same && self.tasks.is_live(handle) && self.tasks[index].state == State::Burning {
                    self.burned(index, true);
                    self.run_task(index);
                }
            } else {
                self.slice_done(payload as u32);
            }
        }
        self.arm_cpu(instance);
    }

    /// CPU time that an instance has used, in nanoseconds of a full core.
    pub(super) fn cpu_used(&mut self, instance: u32) -> f64 {
        let machine = &mut self.instances[instance as usize];
        if let Some(cpu) = &mut machine.cpu {
            cpu.used(self.now)
        } else {
            machine.running.area(self.now) as f64
        }
    }
}
