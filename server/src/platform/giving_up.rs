//! Work that is no longer wanted: a server's deadline, a client that has gone, a job that runs for too long.
//!
//! What waits in a line leaves it; a call to a model is aborted; a timer is dropped. What is under way elsewhere and
//! cannot be called back (a query, a command, a hash on a thread) goes on to its end for nobody, and what it needs stays
//! taken until then. Where somebody is to have an answer meanwhile, the task is parted in two: one that goes on working,
//! and one that fails.

use std::collections::VecDeque;

use highwater_models::{Cause, SimSpan, SimTime};

use super::event::Scheduled;
use super::plant::{Plant, Turn};
use super::slab::Handle;
use super::state::{Frame, Held, HeldWhat, NOBODY, Run, State, TaskKind};

impl Plant<'_> {
    // ---- a server's deadline ----------------------------------------------------------------------------------------

    /// A request has come to its service, which gives it up after a while.
    pub(super) fn note_deadline(&mut self, index: u32, service: u16) {
        let after = self.model.services[service as usize].deadline;
        if after == SimSpan::FOREVER {
            return;
        }
        let deadline = self.s.now + after;
        let handle = self.s.tasks.handle(index);
        let task = &mut self.s.tasks[index];
        task.give_up_at = task.give_up_at.min(deadline);
        self.s.services[service as usize]
            .deadlines
            .push_back((deadline, handle));
        let wake = self.model.poolers.len() as u32 + u32::from(service);
        self.arm(wake, deadline);
    }

    /// The time of a service's oldest requests may be up.
    pub(super) fn deadlines(&mut self, service: u16, wake: u32) {
        while let Some(&(deadline, handle)) = self.s.services[service as usize].deadlines.front() {
            let is_there = self.s.tasks.is_live(handle);
            if is_there && deadline > self.s.now {
                self.arm(wake, deadline);
                return;
            }
            self.s.services[service as usize].deadlines.pop_front();
            // Who works on after its request has been answered is nobody's to give up.
            if !is_there || self.s.tasks[handle.index].give_up_at > self.s.now {
                continue;
            }
            let process = self.s.tasks[handle.index].process;
            // The timer is one of its process's: it fires when the loop gets to it. Whoever has a place in that line of
            // its own hears of it there.
            if process == NOBODY
                || (self.s.tasks[handle.index].state != State::Loop
                    && self.machine_on_loop(process, Turn::GiveUp(handle)))
            {
                self.give_up(handle.index, Cause::Deadline, true);
            }
        }
    }

    // ---- giving up --------------------------------------------------------------------------------------------------

    /// A task's work is not wanted any more. `answers` says that somebody is to be told at once.
    pub(super) fn give_up(&mut self, index: u32, cause: Cause, answers: bool) {
        let handle = self.s.tasks.handle(index);
        self.s.tasks[index].frames.clear();
        let children = match self.s.tasks[index].state {
            State::Joining => self.children(handle),
            _ => Vec::new(),
        };
        let ends_now = match self.s.tasks[index].state {
            State::Slots(..) | State::Pool(..) | State::Queue(..) | State::Pooler(..) => {
                self.leave_line(index).is_some()
            }
            State::ServiceLine => self.leave_service_line(index),
            State::Parked(entry, place) => {
                self.s.fetches[entry as usize].cancel(place);
                true
            }
            State::Provider => {
                self.end_provider_call(index);
                true
            }
            State::Joining => true,
            // A timer; who has none is about to go on and is stopped then.
            State::Going => self.s.tasks[index].scheduled != Scheduled::NOTHING,
            State::Loop
            | State::Burning
            | State::DatabaseThere
            | State::DatabaseCpu
            | State::DatabaseBack
            | State::Committing
            | State::CacheThere
            | State::CacheAsked
            | State::CacheBack(_)
            | State::Command
            | State::Counting
            | State::StoreThere
            | State::StoreAsked => false,
        };
        if ends_now {
            let task = &mut self.s.tasks[index];
            task.scheduled = Scheduled::NOTHING;
            task.state = State::Going;
            task.give_up_at = SimTime::NEVER;
            self.fail(index, cause);
        } else if answers && !matches!(self.s.tasks[index].state, State::Loop | State::Going) {
            let speaker = self.part(index, 0, 0);
            self.s.tasks[index].failing = Some(cause);
            self.s.tasks[speaker.index].give_up_at = SimTime::NEVER;
            self.fail(speaker.index, cause);
        } else {
            self.s.tasks[index].failing = Some(cause);
        }
        for child in children {
            if self.s.tasks.is_live(child) {
                self.give_up(child.index, cause, false);
            }
        }
    }

    /// Who works for a task that waits for it.
    fn children(&self, parent: Handle) -> Vec<Handle> {
        let of_it = self.s.tasks.iter().filter(|(_, task)| task.parent == parent);
        of_it.map(|(index, _)| self.s.tasks.handle(index)).collect()
    }

    /// Leaves the line of a service whose instances are all taken.
    fn leave_service_line(&mut self, index: u32) -> bool {
        let handle = self.s.tasks.handle(index);
        for service in &mut self.s.services {
            if let Some(at) = service.line.iter().position(|&other| other == handle) {
                service.line.remove(at);
                return true;
            }
        }
        false
    }

    // ---- parting ----------------------------------------------------------------------------------------------------

    /// Parts a task in two. The one that goes on working stays where it is, with what it holds from a place on, and
    /// nobody waits for it; the new one has the rest, and everything by which others know the task. Returns the new one.
    fn part(&mut self, index: u32, held_before: usize, frames_before: usize) -> Handle {
        let stage = self.s.tasks[index].stage;
        self.enter(index, stage);
        let worker = self.s.tasks.handle(index);
        let run = &mut self.s.tasks[index];
        let mut task = run.task.clone();
        task.state = State::Going;
        task.scheduled = Scheduled::NOTHING;
        task.failing = None;
        task.streaming = None;
        task.pass = None;
        task.phase = 0;
        let mut speaker = Run::new(task, run.story.clone());
        speaker.split = run.split.clone();
        speaker.held = run.held.drain(..held_before).collect();
        speaker.frames = run.frames.drain(..frames_before).collect();
        speaker.reply = run.reply.take();
        speaker.pieces = run.pieces.take();
        speaker.watched = run.watched.take();
        for frame in &mut run.frames {
            if let Frame::Try { held, .. } = frame {
                *held -= held_before as u32;
            }
        }
        let probed = (run.kind == TaskKind::Probe).then_some(run.process);
        let request = std::mem::replace(&mut run.request, Handle::NOTHING);
        run.kind = TaskKind::Detached;
        run.parent = Handle::NOTHING;
        run.in_hand = false;
        run.memory = 0;
        run.heap = 0;
        run.give_up_at = SimTime::NEVER;
        let speaker = self.s.tasks.insert(speaker);
        if let Some(process) = probed {
            let instance = self.s.processes[process as usize].instance;
            let machine = &mut self.s.instances[instance as usize];
            if machine.probe == worker {
                machine.probe = speaker;
            }
        }
        if let Some(name) = self.s.requests.get_mut(request) {
            *name = speaker;
        }
        if self.s.tasks[speaker.index].give_up_at != SimTime::NEVER {
            for service in &mut self.s.services {
                if let Some(entry) = service.deadlines.iter_mut().find(|(_, handle)| *handle == worker) {
                    entry.1 = speaker;
                }
            }
        }
        speaker
    }

    // ---- jobs that run for too long ---------------------------------------------------------------------------------

    /// A queue's job begins.
    pub(super) fn note_run(&mut self, queue: u16, ticket: Handle) {
        let most = self.model.queues[queue as usize].run_timeout;
        if most == SimSpan::FOREVER {
            return;
        }
        let deadline = self.s.now + most;
        let runs: &mut VecDeque<_> = &mut self.s.runs[queue as usize];
        runs.push_back((deadline, ticket, self.s.now));
        let wake = (self.model.poolers.len() + self.model.services.len()) as u32 + u32::from(queue);
        self.arm(wake, deadline);
    }

    /// The oldest jobs of a queue may have run for too long: they are no longer waited for, and their slots are free.
    pub(super) fn runs_over(&mut self, queue: u16, wake: u32) {
        while let Some(&(deadline, ticket, began)) = self.s.runs[queue as usize].front() {
            let place = self.place_of_job(queue, ticket, began);
            if place.is_some() && deadline > self.s.now {
                self.arm(wake, deadline);
                return;
            }
            self.s.runs[queue as usize].pop_front();
            if let Some(place) = place {
                self.run_over(queue, ticket.index, place);
            }
        }
    }

    /// Where a job stands among what its task holds, if it still runs.
    fn place_of_job(&self, queue: u16, ticket: Handle, began: SimTime) -> Option<usize> {
        let held = &self.s.tasks.get(ticket)?.held;
        held.iter()
            .position(|held| matches!(held.what, HeldWhat::Job(of) if of == queue) && held.since == began)
    }

    fn run_over(&mut self, queue: u16, index: u32, place: usize) {
        let spec = &self.model.queues[queue as usize];
        let process = self.s.tasks[index].process;
        // Loops and retries that were begun before the job: up to the last retry outside it.
        let is_outside = |frame: &Frame| matches!(frame, Frame::Try { held, .. } if *held as usize <= place);
        let frames = self.s.tasks[index]
            .frames
            .iter()
            .rposition(is_outside)
            .map_or(0, |last| last + 1);
        let speaker = self.part(index, place, frames);
        let now = self.s.now;
        // First of what the worker holds is now the job.
        self.s.tasks[index].held[0] = Held {
            what: HeldWhat::Spent,
            since: now,
        };
        self.s.processes[process as usize].queues[spec.local as usize].finish(now);
        self.drain_queue(process, queue);
        self.s.tally.refuse(spec.resource);
        self.s.tasks[speaker.index].failing = Some(Cause::QueueTimeout);
        self.s.ready.push_back(speaker);
    }
}
