//! A task's way through its program.
//!
//! Owns: the interpreter: one instruction after another until something has to be waited for; failure and retries of
//! steps; forks, calls and background work.

use std::sync::Arc;

use highwater_models::machine::slots::Ask;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::{Op, Pc, STAGE_BACKOFF, STAGE_IO};

use super::event::Scheduled;
use super::plant::Plant;
use super::slab::Handle;
use super::state::{Frame, HeldWhat, NOBODY, Run, State, Task, TaskKind};

impl Plant<'_> {
    /// A task that belongs to another one.
    fn child(&mut self, parent: u32, kind: TaskKind, pc: Pc, number: u64) -> Handle {
        let of = &self.s.tasks[parent];
        let mut task = Task {
            class: of.class,
            signed_in: of.signed_in,
            endpoint: of.endpoint,
            process: of.process,
            iteration: of.iteration,
            fork: of.forks,
            person: of.person,
            ip: of.ip,
            ..Task::new(kind, pc, of.key.child(number), self.s.now)
        };
        if kind != TaskKind::Detached {
            task.parent = self.s.tasks.handle(parent);
            task.give_up_at = of.give_up_at;
        }
        let story = of.story.clone();
        self.s.tasks.insert(Run::new(task, story))
    }

    /// A task's event has come.
    pub(super) fn resume(&mut self, index: u32, scheduled: Scheduled) {
        if self.s.tasks.at(index).is_none_or(|task| task.scheduled != scheduled) {
            return;
        }
        self.s.tasks[index].scheduled = Scheduled::NOTHING;
        self.come_back(index);
    }

    /// What a task waited for elsewhere has happened.
    pub(super) fn come_back(&mut self, index: u32) {
        match self.s.tasks[index].state {
            State::Going => self.run_task(index),
            State::Burning => {
                self.burned(index, false);
                self.run_task(index);
            }
            State::Slots(..) | State::Pool(..) | State::Queue(..) | State::Pooler(..) => {
                self.patience_with_line_over(index);
            }
            State::DatabaseThere => self.query_arrived(index),
            State::DatabaseBack => self.query_done(index),
            State::Committing => self.committed(index),
            State::CacheThere => self.looked_up(index),
            State::CacheAsked => self.look_up_answered(index),
            State::CacheBack(hit) => self.look_up_done(index, hit),
            State::StoreThere => self.stored(index),
            State::StoreAsked => self.store_answered(index),
            State::Command => self.run_task(index),
            State::Counting => self.counted(index),
            State::Provider => self.provider_done(index),
            State::Loop | State::ServiceLine | State::DatabaseCpu | State::Parked(..) | State::Joining => {
                debug_assert!(false, "an event for a task that waits for none");
            }
        }
    }

    /// Waits for some time in a stage, and then goes on at a place.
    pub(super) fn pause_at(&mut self, index: u32, span: SimSpan, stage: u16, pc: Pc) {
        self.enter(index, stage);
        let task = &mut self.s.tasks[index];
        task.pc = pc;
        task.state = State::Going;
        let at = self.s.now + span;
        self.schedule_task(index, at);
    }

    /// Runs a task's program until it has to wait.
    pub(super) fn run_task(&mut self, index: u32) {
        let run = &self.s.tasks[index];
        if run.failing.is_some() || self.s.now >= run.give_up_at {
            self.stop(index);
            return;
        }
        while self.s.tasks.at(index).is_some() {
            let pc = self.s.tasks[index].pc;
            // The place after this one, unless the instruction says otherwise.
            self.s.tasks[index].pc = pc + 1;
            if !self.step(index, self.model.ops[pc as usize]) {
                return;
            }
        }
    }

    /// A task does not go on: a failure waits for it, or the server has given up on it.
    fn stop(&mut self, index: u32) {
        let run = &mut self.s.tasks[index];
        if let Some(cause) = run.failing.take() {
            self.fail(index, cause);
        } else {
            // Nothing of it is under way: it ends here and now.
            run.give_up_at = SimTime::NEVER;
            run.frames.clear();
            self.fail(index, Cause::Deadline);
        }
    }

    /// One instruction; the task's place is after it. True when the task goes on at its place.
    fn step(&mut self, index: u32, op: Op) -> bool {
        match op {
            Op::Jump { to } => self.s.tasks[index].pc = to,
            Op::Choose { choice } => {
                let choice = &self.model.choices[choice as usize];
                let run = &mut self.s.tasks[index];
                let (key, iteration) = (run.key, run.iteration);
                run.pc = choice.branch(run.class, || key.at(choice.place, iteration).draw().uniform());
            }
            Op::Serve { site, stage } | Op::Delay { site, stage } => {
                let span = self.draw_span(index, site);
                if span > SimSpan::ZERO {
                    let pc = self.s.tasks[index].pc;
                    self.pause_at(index, span, stage, pc);
                    return false;
                }
            }
            Op::Acquire { slots, local, resource } => return self.acquire(index, slots, local, resource),
            Op::Release | Op::Drop { .. } => return self.let_go(index),
            Op::Arrive { service } => return self.arrive(index, service),
            Op::Limit { limiter } => return self.limit(index, limiter),
            Op::End => {
                self.end_program(index);
                return false;
            }
            Op::Cpu { site } => return self.cpu(index, site),
            Op::Slice { site, .. } => {
                let work = self.draw_span(index, site);
                return self.slice(index, work);
            }
            Op::Burn { site } => {
                let work = self.draw_span(index, site);
                return self.burn(index, work);
            }
            Op::Hold { bytes, kept, on_heap } => {
                self.take_memory(index, bytes, on_heap);
                if kept {
                    self.keep_memory(index, bytes, on_heap);
                } else {
                    self.hold(index, HeldWhat::Memory(bytes, on_heap));
                }
            }
            Op::Server { pooler, pool } => return self.server(index, pooler, pool),
            Op::SignedIn => {
                if !self.s.tasks[index].signed_in {
                    self.fail(index, Cause::Unauthorized);
                    return false;
                }
            }
            Op::Borrow { pool } => return self.borrow(index, pool),
            Op::Enter { queue } => return self.enter_queue(index, queue),
            Op::Query { query } => return self.query(index, query),
            Op::Command { cache, .. } => return self.command(index, cache),
            Op::Lookup { entry, .. } => return self.look_up(index, entry),
            Op::Store { entry } => return self.store(index, entry),
            Op::Llm { call } => return self.llm(index, call),
            Op::LlmRest { .. } => return self.llm_rest(index),
            Op::Call { endpoint } => return self.call(index, endpoint),
            Op::Fork { branches } => return self.fork(index, branches),
            Op::EndBranch => {
                self.end_child(index);
                return false;
            }
            Op::Repeat { site, after } => self.repeat(index, site, after),
            Op::Again => self.again(index),
            Op::Try { retry } => {
                let run = &mut self.s.tasks[index];
                let (body, held) = (run.pc, run.held.len() as u32);
                run.frames.push(Frame::Try {
                    retry,
                    done: 0,
                    body,
                    held,
                });
            }
            Op::Tried => {
                self.s.tasks[index].frames.pop();
            }
            Op::Fail { site, share, cause } => {
                if share >= 1.0 || self.chance(index, site) < f64::from(share) {
                    self.fail(index, cause);
                    return false;
                }
            }
            Op::Feature { feature, otherwise } => {
                if self.is_off(self.s.tasks[index].process, feature) {
                    self.s.tasks[index].pc = otherwise;
                    self.s.tasks[index].degraded = true;
                }
            }
            Op::Later { at, service } => {
                let child = self.child(index, TaskKind::Detached, at, u64::from(at));
                if let Some(service) = service
                    && let Some(process) = self.choose_process(service, child.index)
                {
                    self.s.tasks[child.index].process = process;
                }
                self.s.ready.push_back(child);
            }
        }
        true
    }

    fn acquire(&mut self, index: u32, slots: u16, local: u16, resource: u16) -> bool {
        let handle = self.s.tasks.handle(index);
        let process = self.s.tasks[index].process as usize;
        let machine = &mut self.s.processes[process].slots[local as usize];
        match machine.acquire(self.s.now, handle) {
            Ask::Granted => {
                self.hold(index, HeldWhat::Slot(slots));
                true
            }
            Ask::Waiting(place) => {
                self.line_up(index, slots, place);
                false
            }
            Ask::Full => {
                self.turn_away(index, resource, Cause::QueueFull);
                false
            }
        }
    }

    /// Gives back what was taken last. True when the task goes on; its work ends with a place that was taken from it.
    fn let_go(&mut self, index: u32) -> bool {
        if let Some(held) = self.s.tasks[index].held.last() {
            if matches!(held.what, HeldWhat::Spent) {
                self.end_stream(index);
                self.end_child(index);
                return false;
            }
            // What a transaction has done is kept before anybody else has its connection.
            if !self.is_committed(index) {
                return false;
            }
        }
        self.release_last(index, true);
        true
    }

    /// The loop's turn at the start or reply of something that left the process. True when the task goes on at once.
    pub(super) fn slice(&mut self, index: u32, work: SimSpan) -> bool {
        if self.has_loop(self.s.tasks[index].process) {
            self.on_loop(index, work)
        } else {
            self.burn(index, work)
        }
    }

    fn repeat(&mut self, index: u32, site: u32, after: Pc) {
        let times = self.draw(index, site) + 0.5;
        let left = times as u32;
        let run = &mut self.s.tasks[index];
        if left == 0 {
            run.pc = after;
        } else {
            let body = run.pc;
            run.frames.push(Frame::Repeat { left, body });
        }
    }

    fn again(&mut self, index: u32) {
        let run = &mut self.s.tasks[index];
        if let Some(Frame::Repeat { left, body }) = run.frames.last_mut() {
            *left -= 1;
            if *left > 0 {
                let body = *body;
                run.pc = body;
                run.iteration += 1;
            } else {
                run.frames.pop();
            }
        }
    }

    fn call(&mut self, index: u32, endpoint: u16) -> bool {
        let start = self.model.endpoints[endpoint as usize].start;
        self.s.tasks[index].forks += 1;
        let child = self.child(index, TaskKind::Call, start, u64::from(endpoint) << 32);
        self.s.tasks[child.index].process = NOBODY;
        self.enter(index, STAGE_IO);
        self.s.tasks[index].state = State::Joining;
        self.s.tasks[index].pending = 1;
        self.s.ready.push_back(child);
        false
    }

    fn fork(&mut self, index: u32, fork: u16) -> bool {
        let branches = &self.model.forks[fork as usize].branches;
        self.enter(index, STAGE_IO);
        let run = &mut self.s.tasks[index];
        run.state = State::Joining;
        run.forks += 1;
        run.pending = branches.len() as u32;
        for (number, &start) in branches.iter().enumerate() {
            let child = self.child(index, TaskKind::Branch, start, number as u64 + 1);
            self.s.ready.push_back(child);
        }
        false
    }

    /// Whether a parent waits for this child, and not for those of a later fork.
    fn is_joined(&self, parent: Handle, child: u32) -> bool {
        self.s
            .tasks
            .get(parent)
            .is_some_and(|waiting| waiting.state == State::Joining && waiting.forks == self.s.tasks[child].fork)
    }

    /// A branch, a call or background work is done.
    pub(super) fn end_child(&mut self, index: u32) {
        self.enter(index, STAGE_IO);
        let parent = self.s.tasks[index].parent;
        self.leave_process(index);
        if self.is_joined(parent, index) {
            self.s.tasks[parent.index].pending -= 1;
            if self.s.tasks[parent.index].pending == 0 {
                self.join(parent.index, index);
                self.s.ready.push_back(parent);
            }
        }
        self.remove_task(index);
    }

    /// The time that a parent waited is split as its last child's was.
    fn join(&mut self, parent: u32, child: u32) {
        let split = std::mem::take(&mut self.s.tasks[child].split);
        let degraded = self.s.tasks[child].degraded;
        let now = self.s.now;
        let run = &mut self.s.tasks[parent];
        run.degraded |= degraded;
        for (stage, span) in split {
            run.spend(stage, span);
        }
        run.since = now;
    }

    /// A task fails: steps that are retried start again, else what it holds is given back and it ends.
    pub(super) fn fail(&mut self, index: u32, cause: Cause) {
        self.end_stream(index);
        while let Some(frame) = self.s.tasks[index].frames.pop() {
            let Frame::Try {
                retry,
                done,
                body,
                held,
            } = frame
            else {
                continue;
            };
            while self.s.tasks[index].held.len() > held as usize {
                self.release_last(index, cause != Cause::QueryFailed);
            }
            let spec = &self.model.retries[retry as usize];
            let task = &mut self.s.tasks[index];
            let uniform = task.key.at(spec.place, task.iteration).draw().uniform();
            let Some(wait) = spec.policy.next(done, task.retry_after.take(), uniform) else {
                continue;
            };
            task.pc = body;
            task.iteration += 1;
            task.phase = 0;
            task.frames.push(Frame::Try {
                retry,
                done: done + 1,
                body,
                held,
            });
            if wait > SimSpan::ZERO {
                self.pause_at(index, wait, STAGE_BACKOFF, body);
            } else {
                self.make_ready(index);
            }
            return;
        }
        while !self.s.tasks[index].held.is_empty() {
            self.release_last(index, cause != Cause::QueryFailed);
        }
        self.s.tasks[index].cause = Some(cause);
        match self.s.tasks[index].kind {
            TaskKind::Attempt => self.end_program(index),
            TaskKind::Probe => self.probe_ended(index),
            TaskKind::Detached => {
                self.leave_process(index);
                self.remove_task(index);
            }
            TaskKind::Branch | TaskKind::Call => {
                // As with a promise that rejects: the parent fails at once, the other branches run on for nobody.
                self.enter(index, STAGE_IO);
                let parent = self.s.tasks[index].parent;
                let retry_after = self.s.tasks[index].retry_after;
                self.leave_process(index);
                if self.is_joined(parent, index) {
                    self.join(parent.index, index);
                    let task = &mut self.s.tasks[parent.index];
                    task.failing = Some(cause);
                    task.state = State::Going;
                    task.retry_after = retry_after;
                    self.s.ready.push_back(parent);
                }
                self.remove_task(index);
            }
        }
    }

    /// The program of a request or a call has come to its end, well or not.
    fn end_program(&mut self, index: u32) {
        if self.s.tasks[index].kind == TaskKind::Call {
            self.end_child(index);
            return;
        }
        while !self.s.tasks[index].held.is_empty() {
            self.release_last(index, true);
        }
        if self.s.tasks[index].kind == TaskKind::Probe {
            self.probe_ended(index);
            return;
        }
        let stage = self.s.tasks[index].stage;
        self.enter(index, stage);
        self.leave_process(index);
        self.answer(index);
        self.remove_task(index);
    }

    /// Takes a task out of the table.
    pub(super) fn remove_task(&mut self, index: u32) {
        if let Some(run) = self.s.tasks.remove(index)
            && let Some(abort) = run.abort
        {
            abort.abort();
        }
    }

    /// What the request of a task is about, whoever else of it works now.
    pub(super) fn story<T>(&self, index: u32, tell: impl FnOnce(&mut crate::product::Story) -> T) -> Option<T> {
        let story = self.s.tasks[index].story.as_ref()?;
        let mut story = Arc::as_ref(story)
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(tell(&mut story))
    }
}
