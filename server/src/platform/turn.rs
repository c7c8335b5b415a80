//! Event loops and CPUs: who runs, who waits for a turn.
//!
//! A process with an event loop does one thing at a time, in the order in which things came up. What comes up is a
//! *slice*: a new request, a reply, a timer, each with the CPU work it needs (which may be none). While a slice's code
//! runs, CPU work that the same task asks for next is part of the same slice: code that does not wait does not yield.
//! Off the loop, and in runtimes without one, work shares the instance's CPU limit.
//! The next slice of a line starts at the nominal end of the last one, not when a clock that rings late noticed it.

use highwater_models::machine::processor::Processor;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::{Runtime, SiteId};

use super::event::{Event, Scheduled};
use super::plant::{Plant, Slice, Turn};
use super::slab::Handle;
use super::state::{NOBODY, State};

/// Marks a job on an instance's CPU as a slice of a process's loop; else it is a task.
const SLICE: u64 = 1 << 63;

impl Plant<'_> {
    /// Whether a process has an event loop.
    pub(super) fn has_loop(&self, process: u32) -> bool {
        let service = self.s.processes[process as usize].service;
        self.model.services[service as usize].runtime == Runtime::Node
    }

    /// Whether nobody is on a process's loop, or waits for it.
    fn is_free(&self, process: u32) -> bool {
        let state = &self.s.processes[process as usize];
        !state.turning && state.running.is_none() && state.line.is_empty()
    }

    /// A task wants to run on its process's loop. True when it may go on right away, having waited for nothing and with
    /// no work to do.
    pub(super) fn on_loop(&mut self, index: u32, work: SimSpan) -> bool {
        let process = self.s.tasks[index].process;
        let state = &self.s.processes[process as usize];
        let service = state.service as usize;
        let work = state.heap.stretch(work);
        let goes_on = state.turning && state.turn_of == index && state.running.is_none();
        let turn = Turn::Task(self.s.tasks.handle(index));
        self.s.services[service].demand += work.nanos() as f64;
        if goes_on || self.is_free(process) {
            if !goes_on {
                self.s.tally.loop_waited(service, SimSpan::ZERO);
            }
            if work == SimSpan::ZERO {
                return true;
            }
            let since = self.s.now;
            self.begin_slice(process, Slice { turn, work, since });
            return false;
        }
        self.enter(index, self.model.services[service].wait_stage);
        self.s.tasks[index].state = State::Loop;
        self.s.tasks[index].scheduled = Scheduled::NOTHING;
        self.queue_slice(process, turn, work);
        false
    }

    /// A machine's timer or a connection comes up on a loop. True when it may be acted on right away.
    pub(super) fn machine_on_loop(&mut self, process: u32, turn: Turn) -> bool {
        if !self.has_loop(process) || self.is_free(process) {
            return true;
        }
        self.queue_slice(process, turn, SimSpan::ZERO);
        false
    }

    /// Work on a process's loop that nobody waits for.
    pub(super) fn background_slice(&mut self, process: u32, work: SimSpan) {
        let turn = Turn::Task(Handle::NOTHING);
        if self.is_free(process) {
            let since = self.s.now;
            self.begin_slice(process, Slice { turn, work, since });
        } else {
            self.queue_slice(process, turn, work);
        }
    }

    fn queue_slice(&mut self, process: u32, turn: Turn, work: SimSpan) {
        let since = self.s.now;
        let line = &mut self.s.processes[process as usize].line;
        line.push_back(Slice { turn, work, since });
    }

    /// A slice's work begins.
    fn begin_slice(&mut self, process: u32, slice: Slice) {
        let state = &mut self.s.processes[process as usize];
        state.running = Some(slice);
        let (instance, service) = (state.instance, state.service as usize);
        if let Turn::Task(handle) = slice.turn
            && self.s.tasks.is_live(handle)
        {
            self.enter(handle.index, self.model.services[service].cpu_stage);
            self.s.tasks[handle.index].state = State::Loop;
            self.s.tasks[handle.index].scheduled = Scheduled::NOTHING;
        }
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        if let Some(cpu) = &mut machine.cpu {
            cpu.start(now, slice.work, SLICE | u64::from(process));
            self.arm_cpu(instance);
        } else {
            machine.running.set(now, machine.running.now + 1);
            self.s.events.schedule(now + slice.work, Event::Slice(process));
        }
    }

    /// The running slice of a process has done its work, on a CPU that has no limit.
    pub(super) fn end_slice(&mut self, process: u32) {
        let state = &self.s.processes[process as usize];
        if state.running.is_none() {
            return;
        }
        self.end_running(state.instance);
        self.slice_done(process);
    }

    fn end_running(&mut self, instance: u32) {
        let now = self.s.now;
        let running = &mut self.s.instances[instance as usize].running;
        running.set(now, running.now.saturating_sub(1));
    }

    fn slice_done(&mut self, process: u32) {
        let Some(slice) = self.s.processes[process as usize].running.take() else {
            return;
        };
        if self.s.processes[process as usize].alive {
            self.deliver(process, slice.turn);
            self.next_slices(process);
        }
    }

    /// The loop is free: whoever is next has its turn, until somebody has work to do.
    fn next_slices(&mut self, process: u32) {
        while self.s.processes[process as usize].running.is_none() {
            let state = &mut self.s.processes[process as usize];
            let Some(mut slice) = state.line.pop_front() else {
                return;
            };
            let service = state.service as usize;
            if let Turn::Task(handle) = slice.turn
                && self.model.services[service].deadline != SimSpan::FOREVER
                && self
                    .s
                    .tasks
                    .get(handle)
                    .is_some_and(|task| self.s.now >= task.give_up_at)
            {
                // Its request has been given up: what it was to do is not begun.
                slice.work = SimSpan::ZERO;
            }
            let waited = self.s.now.since(slice.since);
            self.s.tally.loop_waited(service, waited);
            if slice.work == SimSpan::ZERO {
                self.deliver(process, slice.turn);
                if !self.s.processes[process as usize].alive {
                    return;
                }
            } else {
                self.begin_slice(process, slice);
            }
        }
    }

    /// A slice's code runs.
    fn deliver(&mut self, process: u32, turn: Turn) {
        self.s.processes[process as usize].turning = true;
        match turn {
            Turn::Task(handle) => {
                if self.s.tasks.is_live(handle) {
                    self.s.processes[process as usize].turn_of = handle.index;
                    self.run_task(handle.index);
                }
            }
            Turn::Opening(opening) => self.opening_ended(opening),
            Turn::Wake(wake) => self.advance_machine(wake),
            Turn::GiveUp(handle) => {
                if self
                    .s
                    .tasks
                    .get(handle)
                    .is_some_and(|task| self.s.now >= task.give_up_at)
                {
                    self.give_up(handle.index, Cause::Deadline, true);
                }
            }
        }
        let state = &mut self.s.processes[process as usize];
        state.turning = false;
        state.turn_of = NOBODY;
    }

    /// CPU work of a task as its runtime has it. True when there was none to do.
    pub(super) fn cpu(&mut self, index: u32, site: SiteId) -> bool {
        let work = self.draw_span(index, site);
        self.slice(index, work)
    }

    /// CPU work off the loop. True when there was none to do.
    pub(super) fn burn(&mut self, index: u32, work: SimSpan) -> bool {
        if work == SimSpan::ZERO {
            return true;
        }
        let process = &self.s.processes[self.s.tasks[index].process as usize];
        let (instance, service) = (process.instance, process.service as usize);
        // Beside an event loop it is native code that works; elsewhere it is the runtime's own.
        let work = if self.model.services[service].runtime == Runtime::Node {
            work
        } else {
            process.heap.stretch(work)
        };
        self.s.services[service].demand += work.nanos() as f64;
        self.enter(index, self.model.services[service].cpu_stage);
        let now = self.s.now;
        let handle = self.s.tasks.handle(index);
        let task = &mut self.s.tasks[index];
        task.mark = now;
        task.state = State::Burning;
        let machine = &mut self.s.instances[instance as usize];
        if let Some(cpu) = &mut machine.cpu {
            task.scheduled = Scheduled::NOTHING;
            cpu.start(now, work, job(handle));
            self.arm_cpu(instance);
        } else {
            machine.running.set(now, machine.running.now + 1);
            self.schedule_task(index, now + work);
        }
        false
    }

    /// A task's work off the loop is done.
    pub(super) fn burned(&mut self, index: u32, had_limit: bool) {
        if !had_limit {
            let process = self.s.tasks[index].process;
            self.end_running(self.s.processes[process as usize].instance);
        }
    }

    /// Keeps one event for the first end on an instance's CPU.
    fn arm_cpu(&mut self, instance: u32) {
        let machine = &mut self.s.instances[instance as usize];
        let at = machine.cpu.as_ref().map_or(SimTime::NEVER, Processor::next_end);
        machine.cpu_event = self.s.events.schedule(at, Event::Cpu(instance));
    }

    /// The first job on an instance's CPU may have ended.
    pub(super) fn end_cpu(&mut self, instance: u32, scheduled: Scheduled) {
        if self.s.instances[instance as usize].cpu_event != scheduled {
            return;
        }
        let now = self.s.now;
        while let Some(payload) = self.s.instances[instance as usize]
            .cpu
            .as_mut()
            .and_then(|cpu| cpu.ended(now))
        {
            if payload & SLICE != 0 {
                self.slice_done(payload as u32);
                continue;
            }
            let index = payload as u32;
            let is_it = |task: &super::state::Run| task.state == State::Burning;
            if self.s.tasks.at(index).is_some_and(is_it) && job(self.s.tasks.handle(index)) == payload {
                self.burned(index, true);
                self.run_task(index);
            }
        }
        self.arm_cpu(instance);
    }

    /// CPU time that an instance has used in this life, in nanoseconds of a full core.
    pub(super) fn cpu_used(&mut self, instance: u32) -> f64 {
        let now = self.s.now;
        let machine = &mut self.s.instances[instance as usize];
        match &mut machine.cpu {
            Some(cpu) => cpu.used(now),
            None => machine.running.area(now),
        }
    }
}

/// What a task's work is called on a CPU.
pub(super) fn job(handle: Handle) -> u64 {
    u64::from(handle.generation & 0x7fff_ffff) << 32 | u64::from(handle.index)
}
