//! Work that is no longer wanted: a server's deadline, a client that has gone, a job that runs for too long.
//!
//! What waits in a line leaves it; a call to a model is aborted; a timer is dropped. What is under way elsewhere and
//! cannot be called back (a query, a command, a hash on a thread) goes on to its end for nobody, and what it needs stays
//! taken until then. Where somebody is to have an answer meanwhile, the task is parted in two: one that goes on working,
//! and one that fails.
//! Owns: which of these it is. Never: when (the driver's timers and the client decide).

use std::collections::VecDeque;

use highwater_models::{Cause, SimSpan, SimTime};

use super::{Frame, Held, HeldWhat, NO_RESOURCE, NOBODY, Ready, State, TaskKind, Turn, World};
use crate::event::Scheduled;
use crate::slab::Handle;

impl World<'_> {
    // ---- a server's deadline --------------------------------------------------------------------------------------

    /// A request has come to its service, which gives it up after a while.
    #[inline]
    pub(super) fn note_deadline(&mut self, index: u32, service: u16) {
        let after = self.model.services[service as usize].deadline;
        if after == SimSpan::FOREVER {
            return;
        }
        let deadline = self.now + after;
        let handle = self.tasks.handle(index);
        let task = &mut self.tasks[index];
        task.give_up_at = task.give_up_at.min(deadline);
        let deadlines = &mut self.services[service as usize].deadlines;
        by_time(deadlines, (deadline, handle), |entry| entry.0);
        let wake = self.model.poolers.len() as u32 + u32::from(service);
        self.arm(wake, deadline);
    }

    /// The time of a service's oldest requests may be up.
    pub(super) fn deadlines(&mut self, service: u16, wake: u32) {
        while let Some(&(deadline, handle)) = self.services[service as usize].deadlines.front() {
            let is_there = self.tasks.is_live(handle) && self.tasks[handle.index].state != State::Answering;
            if is_there && deadline > self.now {
                self.arm(wake, deadline);
                return;
            }
            self.services[service as usize].deadlines.pop_front();
            // Who works on after its request has been answered is nobody's to give up.
            if !is_there || self.tasks[handle.index].give_up_at > self.now {
                continue;
            }
            let process = self.tasks[handle.index].process;
            // The timer is one of its process's: it fires when the loop gets to it. Whoever has a place in that line of
            // its own hears of it there.
            if process == NOBODY
                || (self.tasks[handle.index].state != State::Loop
                    && self.machine_on_loop(process, Turn::GiveUp(handle)))
            {
                self.give_up(handle.index, Cause::Deadline, true);
            }
        }
    }

    // ---- giving up ------------------------------------------------------------------------------------------------

    /// A task's work is not wanted any more. `answers` says that somebody is to be told at once.
    pub(super) fn give_up(&mut self, index: u32, cause: Cause, answers: bool) {
        let handle = self.tasks.handle(index);
        self.tasks[index].frames.clear();
        let children = match self.tasks[index].state {
            State::Joining => self.children(handle),
            _ => Vec::new(),
        };
        let ends_now = match self.tasks[index].state {
            State::Slots(..) | State::Pool(..) | State::Queue(..) | State::Pooler(..) => {
                self.leave_line(index).is_some()
            }
            State::ServiceLine => self.leave_service_line(index),
            State::Parked(entry, place) => {
                self.caches[entry as usize].cancel(place);
                true
            }
            State::Provider(_) => {
                self.end_provider_call(index);
                true
            }
            // Its client skips those who have gone.
            State::Joining | State::Offline(_) => true,
            // A timer; who has none is about to go on and is stopped then.
            State::Going => self.tasks[index].scheduled != Scheduled::NOTHING,
            State::Answering => return,
            State::Loop
            | State::Burning
            | State::DatabaseThere
            | State::DatabaseCpu
            | State::DatabaseBack
            | State::CacheThere
            | State::CacheBack(_)
            | State::Command(_)
            | State::StoreThere => false,
        };
        if ends_now {
            let task = &mut self.tasks[index];
            task.scheduled = Scheduled::NOTHING;
            task.state = State::Going;
            task.give_up_at = SimTime::NEVER;
            self.fail(index, cause);
        } else if answers && !matches!(self.tasks[index].state, State::Loop | State::Going) {
            let speaker = self.part(index, 0, 0);
            self.tasks[index].failing = Some(cause);
            self.tasks[speaker.index].give_up_at = SimTime::NEVER;
            self.fail(speaker.index, cause);
        } else {
            self.tasks[index].failing = Some(cause);
        }
        for child in children {
            if self.tasks.is_live(child) {
                self.give_up(child.index, cause, false);
            }
        }
    }

    /// Who works for a task that waits for it.
    fn children(&self, parent: Handle) -> Vec<Handle> {
        let of_it = self.tasks.iter().filter(|(_, task)| task.parent == parent);
        of_it.map(|(index, _)| self.tasks.handle(index)).collect()
    }

    /// Leaves the line of a service whose instances are all taken.
    fn leave_service_line(&mut self, index: u32) -> bool {
        let handle = self.tasks.handle(index);
        let service = self.model.endpoints[self.tasks[index].endpoint as usize].service as usize;
        let mut found = false;
        let since = self.tasks[index].since;
        for number in std::iter::once(service).chain(0..self.services.len()) {
            let line = &mut self.services[number].line;
            if let Some(at) = line.iter().position(|&other| other == handle) {
                line.remove(at);
                let resource = self.model.services[number].resource as usize;
                self.record.stations[resource].give_up(self.now, since, self.record.measuring);
                found = true;
                break;
            }
        }
        found
    }

    /// A call to a provider ends before its answer.
    pub(super) fn end_provider_call(&mut self, index: u32) {
        let task = &mut self.tasks[index];
        let since = task.streaming.take().map_or(task.mark, |(_, since)| since);
        let call = task.call;
        let number = self.model.calls[call as usize].provider as usize;
        self.providers[number].in_flight -= 1;
        let resource = self.model.providers[number].resource as usize;
        self.record.stations[resource].end(self.now, since, self.record.measuring);
        self.forget_pass(index);
    }

    // ---- parting --------------------------------------------------------------------------------------------------

    /// Parts a task in two. The one that goes on working stays where it is, with what it holds from a place on, and
    /// nobody waits for it; the new one has the rest, and everything by which others know the task. Returns the new one.
    fn part(&mut self, index: u32, held_before: usize, frames_before: usize) -> Handle {
        let stage = self.tasks[index].stage;
        self.enter(index, stage);
        let worker = self.tasks.handle(index);
        let mut task = self.tasks[index].task.clone();
        task.state = State::Going;
        task.scheduled = Scheduled::NOTHING;
        task.failing = None;
        task.streaming = None;
        task.pass = None;
        task.phase = 0;
        let (request, attempt) = (task.request, task.attempt);
        let speaker = self.insert_task(task);
        let (from, to) = (index, speaker.index);
        let split = std::mem::take(&mut self.tasks[from].split);
        self.tasks[to].split.copy(&split);
        self.tasks[from].split = split;
        for at in 0..held_before {
            let held = self.tasks[from].held[at];
            self.tasks[to].held.push(held);
        }
        self.tasks[from].held.drain(..held_before);
        for at in 0..frames_before {
            let frame = self.tasks[from].frames[at];
            self.tasks[to].frames.push(frame);
        }
        self.tasks[from].frames.drain(..frames_before);
        for frame in &mut self.tasks[from].frames {
            if let Frame::Try { held, .. } = frame {
                *held -= held_before as u32;
            }
        }
        let task = &mut self.tasks[index];
        let is_attempt = task.kind == TaskKind::Attempt;
        let probed = (task.kind == TaskKind::Probe).then_some(task.process);
        task.kind = TaskKind::Detached;
        task.request = Handle::NOTHING;
        task.parent = Handle::NOTHING;
        task.older = Handle::NOTHING;
        task.in_hand = false;
        task.memory = 0;
        task.heap = 0;
        task.give_up_at = SimTime::NEVER;
        if let Some(process) = probed {
            let instance = self.processes[process as usize].instance;
            let machine = &mut self.instances[instance as usize];
            if machine.probe == worker {
                machine.probe = speaker;
            }
        }
        if is_attempt && self.requests.is_live(request) {
            self.rename_attempt(request.index, worker, speaker, attempt);
        }
        if self.tasks[speaker.index].give_up_at != SimTime::NEVER {
            for service in &mut self.services {
                if let Some(entry) = service.deadlines.iter_mut().find(|(_, handle)| *handle == worker) {
                    entry.1 = speaker;
                }
            }
        }
        speaker
    }

    /// A request's attempt goes by another handle.
    fn rename_attempt(&mut self, request: u32, from: Handle, to: Handle, attempt: u32) {
        debug_assert_eq!(
            self.tasks[to.index].attempt, attempt,
            "the same attempt under another handle"
        );
        if self.requests[request].task == from {
            self.requests[request].task = to;
            return;
        }
        let mut at = self.requests[request].task;
        while self.tasks.is_live(at) {
            if self.tasks[at.index].older == from {
                self.tasks[at.index].older = to;
                return;
            }
            at = self.tasks[at.index].older;
        }
    }

    // ---- jobs that run for too long -------------------------------------------------------------------------------

    /// A queue's job begins.
    pub(super) fn note_run(&mut self, queue: u16, ticket: Handle) {
        let most = self.model.queues[queue as usize].run_timeout;
        if most == SimSpan::FOREVER {
            return;
        }
        let deadline = self.now + most;
        by_time(&mut self.runs[queue as usize], (deadline, ticket, self.now), |entry| {
            entry.0
        });
        let wake = (self.model.poolers.len() + self.model.services.len()) as u32 + u32::from(queue);
        self.arm(wake, deadline);
    }

    /// The oldest jobs of a queue may have run for too long: they are no longer waited for, and their slots are free.
    pub(super) fn runs_over(&mut self, queue: u16, wake: u32) {
        while let Some(&(deadline, ticket, began)) = self.runs[queue as usize].front() {
            let place = self.place_of_job(queue, ticket, began);
            if place.is_some() && deadline > self.now {
                self.arm(wake, deadline);
                return;
            }
            self.runs[queue as usize].pop_front();
            if let Some(place) = place {
                self.run_over(queue, ticket.index, place);
            }
        }
    }

    /// Where a job stands among what its task holds, if it still runs.
    fn place_of_job(&self, queue: u16, ticket: Handle, began: SimTime) -> Option<usize> {
        if !self.tasks.is_live(ticket) {
            return None;
        }
        let held = &self.tasks[ticket.index].held;
        held.iter()
            .position(|held| matches!(held.what, HeldWhat::Job(of) if of == queue) && held.since == began)
    }

    fn run_over(&mut self, queue: u16, index: u32, place: usize) {
        let spec = &self.model.queues[queue as usize];
        let process = self.tasks[index].process;
        // Loops and retries that were begun before the job: up to the last retry outside it.
        let is_outside = |frame: &Frame| matches!(frame, Frame::Try { held, .. } if *held as usize <= place);
        let frames = self.tasks[index]
            .frames
            .iter()
            .rposition(is_outside)
            .map_or(0, |last| last + 1);
        let speaker = self.part(index, place, frames);
        // First of what the worker holds is now the job.
        let since = self.tasks[index].held[0].since;
        self.tasks[index].held[0] = Held {
            what: HeldWhat::Spent,
            since,
            resource: NO_RESOURCE,
        };
        self.record.stations[spec.resource as usize].end(self.now, since, self.record.measuring);
        self.processes[process as usize].queues[spec.local as usize].finish(self.now);
        self.drain_queue(process, queue);
        self.record.see(self.now, Cause::QueueTimeout, Some(spec.resource));
        self.tasks[speaker.index].failing = Some(Cause::QueueTimeout);
        self.ready.push_back(Ready::Task(speaker));
    }
}

/// Adds an entry to a line that is kept by time: at its end, unless a time-out was shortened during the run.
pub(super) fn by_time<T>(line: &mut VecDeque<T>, entry: T, time: impl Fn(&T) -> SimTime) {
    let at = time(&entry);
    if line.back().is_some_and(|last| time(last) > at) {
        let place = line.partition_point(|other| time(other) <= at);
        line.insert(place, entry);
    } else {
        line.push_back(entry);
    }
}
