//! An attempt's way through its program.
//!
//! Owns: the interpreter: one instruction after another until something has to be waited for; failure and retries of
//! steps; forks, calls and background work.

use highwater_models::file::system::LimiterKey;
use highwater_models::machine::limiter::Verdict;
use highwater_models::machine::slots::Ask;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Key;

use super::{Frame, Held, HeldWhat, NOBODY, Ready, Run, State, Task, TaskKind, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;
use highwater_program::model::{Op, Pc, STAGE_BACKOFF, STAGE_CLIENT, STAGE_IO};

/// Who asks a limiter, and where.
pub(super) struct Asker {
    pub process: u32,
    /// A number that no other session has.
    pub session: u64,
    pub person: u64,
    pub ip: u64,
    pub signed_in: bool,
}

impl World<'_> {
    /// Puts a task into the table, with clean stages.
    // Inlined, so that the task is built where it stays and not copied there.
    #[inline(always)]
    pub(super) fn insert_task(&mut self, task: Task) -> Handle {
        let model = self.model;
        let (handle, run) = self.tasks.claim(|| Run::new(model));
        run.task = task;
        handle
    }

    /// A task that belongs to another one.
    fn child(&mut self, parent: u32, kind: TaskKind, pc: Pc, number: u64) -> Handle {
        let of = &self.tasks[parent];
        let mut task = Task {
            class: of.class,
            signed_in: of.signed_in,
            endpoint: of.endpoint,
            client: of.client,
            cell: of.cell,
            measured: of.measured,
            process: of.process,
            iteration: of.iteration,
            fork: of.forks,
            attempt: of.attempt,
            session: of.session,
            person: of.person,
            ip: of.ip,
            ..Task::new(kind, pc, of.key.child(number), self.now)
        };
        if kind != TaskKind::Detached {
            task.request = of.request;
            task.parent = self.tasks.handle(parent);
            task.give_up_at = of.give_up_at;
        }
        self.insert_task(task)
    }

    /// Whoever became ready goes on.
    pub(super) fn go_on(&mut self, handle: Handle) {
        // What its process lent it may come when it has died with that process and its answer is on the way.
        if self
            .tasks
            .get(handle)
            .is_some_and(|task| !matches!(task.state, State::Answering))
        {
            self.run_task(handle.index);
        }
    }

    /// A task's event has come.
    #[inline(always)]
    pub(super) fn resume(&mut self, index: u32, scheduled: Scheduled) {
        let task = &mut self.tasks[index];
        if task.scheduled != scheduled {
            return;
        }
        task.scheduled = Scheduled::NOTHING;
        if matches!(task.state, State::Going) {
            self.run_task(index);
        } else {
            self.come_back(index);
        }
    }

    /// What a task waited for elsewhere has happened.
    fn come_back(&mut self, index: u32) {
        match self.tasks[index].state {
            State::Going | State::Command(_) => self.run_task(index),
            State::Answering => self.answered(index),
            State::Burning => {
                self.burned(index, false);
                self.run_task(index);
            }
            State::Slots(..) | State::Pool(..) | State::Queue(..) | State::Pooler(..) => {
                self.patience_with_line_over(index)
            }
            State::DatabaseThere => self.query_arrived(index),
            State::DatabaseBack => self.query_done(index),
            State::CacheThere => self.looked_up(index),
            State::CacheBack(hit) => self.look_up_done(index, hit),
            State::StoreThere => self.stored(index),
            State::Provider(failure) => self.provider_done(index, failure),
            State::Loop
            | State::ServiceLine
            | State::DatabaseCpu
            | State::Parked(..)
            | State::Offline(_)
            | State::Joining => {
                debug_assert!(false, "an event for a task that waits for none");
            }
        }
    }

    /// Waits for a length of time in a stage. True when it is none, and the task goes on.
    #[inline]
    fn pause(&mut self, index: u32, span: SimSpan, stage: u16) -> bool {
        if span == SimSpan::ZERO {
            return true;
        }
        let pc = self.tasks[index].pc;
        self.pause_at(index, span, stage, pc);
        false
    }

    /// Waits for some time in a stage, and then goes on at a place.
    #[inline]
    fn pause_at(&mut self, index: u32, span: SimSpan, stage: u16, pc: Pc) {
        self.enter(index, stage);
        let scheduled = self.events.schedule(self.now + span, Event::Task(index));
        let task = &mut self.tasks[index];
        task.pc = pc;
        task.state = State::Going;
        task.scheduled = scheduled;
    }

    /// Runs a task's program until it has to wait.
    pub(super) fn run_task(&mut self, index: u32) {
        let (model, now) = (self.model, self.now);
        let ops = model.ops.as_slice();
        // Looked up once, and again only after something that may have touched other tasks.
        let mut run = &mut self.tasks[index];
        if run.failing.is_some() || now >= run.give_up_at {
            self.stop(index);
            return;
        }
        let mut pc = run.pc;
        loop {
            let op = &ops[pc as usize];
            // The place after this one, unless the instruction says otherwise.
            pc += 1;
            match *op {
                Op::Jump { to } => pc = to,
                Op::Choose { choice } => {
                    let choice = &model.choices[choice as usize];
                    pc = choice.branch(run.class, || run.key.at(choice.place, run.iteration).draw().uniform());
                }
                Op::Serve { site, stage } | Op::Delay { site, stage } => {
                    let span = self.sites.span(site, run.key, run.iteration);
                    if span > SimSpan::ZERO {
                        run.enter(now, stage, &mut self.record);
                        run.pc = pc;
                        run.state = State::Going;
                        run.scheduled = self.events.schedule(now + span, Event::Task(index));
                        return;
                    }
                }
                Op::Acquire { slots, local, resource } => {
                    let handle;
                    (handle, run) = self.tasks.entry(index);
                    let machine = &mut self.processes[run.process as usize].slots[local as usize];
                    match machine.acquire(now, handle) {
                        Ask::Granted => {
                            self.record.stations[resource as usize].start_at_once(now, self.record.measuring);
                            run.held.push(Held {
                                what: HeldWhat::Slot(slots, local),
                                since: now,
                                resource,
                            });
                        }
                        Ask::Waiting(place) => {
                            run.pc = pc;
                            self.line_up(index, slots, place);
                            return;
                        }
                        Ask::Full => {
                            self.turn_away(index, resource, Cause::QueueFull);
                            return;
                        }
                    }
                }
                Op::Release => {
                    if let Some(&held) = run.held.last()
                        && let HeldWhat::Slot(_, local) = held.what
                    {
                        run.stay(now, &mut self.record);
                        run.held.pop();
                        let machine = &mut self.processes[run.process as usize].slots[local as usize];
                        let station = &mut self.record.stations[held.resource as usize];
                        if let Some(waiter) = machine.release() {
                            station.hand_over(now, held.since, waiter.since, self.record.measuring);
                            self.lend_again(waiter.ticket, held);
                            run = &mut self.tasks[index];
                        } else {
                            station.end(now, held.since, self.record.measuring);
                        }
                    } else {
                        if !self.let_go(index) {
                            return;
                        }
                        run = &mut self.tasks[index];
                    }
                }
                Op::Arrive { service } => {
                    if !self.arrive(index, service, pc) {
                        return;
                    }
                    run = &mut self.tasks[index];
                }
                Op::Limit { limiter } => {
                    if !self.limit(index, limiter, pc) {
                        return;
                    }
                    run = &mut self.tasks[index];
                }
                Op::End => {
                    self.end_program(index);
                    return;
                }
                ref op => {
                    run.pc = pc;
                    if !self.step(index, *op) {
                        return;
                    }
                    run = &mut self.tasks[index];
                    pc = run.pc;
                }
            }
        }
    }

    /// A task does not go on: a failure waits for it, or the server has given up on it.
    #[cold]
    fn stop(&mut self, index: u32) {
        let run = &mut self.tasks[index];
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
            Op::Cpu { site } => self.cpu(index, site),
            Op::Slice { site, .. } => self.slice(index, site),
            Op::Burn { site } => {
                let work = self.draw_span(index, site);
                self.burn(index, work)
            }
            Op::Hold { bytes, kept, on_heap } => {
                self.take_memory(index, bytes, on_heap);
                if kept {
                    self.keep_memory(index, bytes, on_heap);
                } else {
                    self.hold(index, HeldWhat::Memory(bytes, on_heap));
                }
                true
            }
            Op::Drop { .. } => self.let_go(index),
            Op::Server { pooler, pool } => self.server(index, pooler, pool),
            Op::SignedIn => {
                if !self.tasks[index].signed_in {
                    self.fail(index, Cause::Unauthorized);
                    return false;
                }
                true
            }
            Op::Borrow { pool } => self.borrow(index, pool),
            Op::Enter { queue } => self.enter_queue(index, queue),
            Op::Query { query } => self.query(index, query),
            Op::Command { cache, .. } => self.command(index, cache),
            Op::Lookup { entry, .. } => self.look_up(index, entry),
            Op::Store { entry } => self.store(index, entry),
            Op::Llm { call } => self.llm(index, call),
            Op::LlmRest { .. } => self.llm_rest(index),
            Op::Call { endpoint } => self.call(index, endpoint),
            Op::Fork { branches } => self.fork(index, branches),
            Op::EndBranch => {
                self.end_child(index);
                false
            }
            Op::Repeat { site, after } => {
                self.repeat(index, site, after);
                true
            }
            Op::Again => {
                self.again(index);
                true
            }
            Op::Try { retry } => {
                let (body, held) = (self.tasks[index].pc, self.tasks[index].held.len() as u32);
                self.tasks[index].frames.push(Frame::Try {
                    retry,
                    done: 0,
                    body,
                    held,
                });
                true
            }
            Op::Tried => {
                self.tasks[index].frames.pop();
                true
            }
            Op::Fail { site, share, cause } => {
                if share >= 1.0 || self.chance(index, site) < f64::from(share) {
                    self.fail(index, cause);
                    return false;
                }
                true
            }
            Op::Feature { feature, otherwise } => {
                if self.is_off(self.tasks[index].process, feature) {
                    self.tasks[index].pc = otherwise;
                    self.tasks[index].degraded = true;
                }
                true
            }
            Op::Later { at, service } => {
                let child = self.child(index, TaskKind::Detached, at, u64::from(at));
                if let Some(service) = service
                    && let Some(process) = self.choose_process(service, child.index)
                {
                    self.tasks[child.index].process = process;
                }
                self.ready.push_back(Ready::Task(child));
                true
            }
            Op::Arrive { .. }
            | Op::Limit { .. }
            | Op::Jump { .. }
            | Op::Choose { .. }
            | Op::Serve { .. }
            | Op::Delay { .. }
            | Op::Acquire { .. }
            | Op::Release
            | Op::End => {
                debug_assert!(false, "an instruction that is carried out where it is read");
                true
            }
        }
    }

    /// Gives back what was taken last. True when the task goes on; its work ends with a place that was taken from it.
    fn let_go(&mut self, index: u32) -> bool {
        if let Some(Held {
            what: HeldWhat::Spent, ..
        }) = self.tasks[index].held.last()
        {
            self.end_stream(index);
            self.end_child(index);
            return false;
        }
        self.release_last(index, true);
        true
    }

    /// A uniform draw at a place.
    pub(super) fn chance(&mut self, index: u32, site: u32) -> f64 {
        let place = self.sites.place(site);
        let task = &self.tasks[index];
        task.key.at(place, task.iteration).draw().uniform()
    }

    /// A loop's slice at the start or reply of something that left the process.
    fn slice(&mut self, index: u32, site: u32) -> bool {
        let work = self.draw_span(index, site);
        if self.has_loop(self.tasks[index].process) {
            self.on_loop(index, work)
        } else {
            self.burn(index, work)
        }
    }

    /// Asks a limiter. True when the task goes on; else it is to go on at `pc`, if at all.
    fn limit(&mut self, index: u32, limiter: u16, pc: Pc) -> bool {
        let task = &self.tasks[index];
        let asker = Asker {
            process: task.process,
            session: u64::from(task.session.index) << 32 | u64::from(task.session.generation),
            person: task.person,
            ip: task.ip,
            signed_in: task.signed_in,
        };
        match self.ask_limiter(limiter, &asker) {
            Ok(SimSpan::ZERO) => true,
            Ok(wait) => {
                self.pause_at(index, wait, self.model.limiters[limiter as usize].stage, pc);
                false
            }
            Err(retry_after) => {
                if retry_after.is_some() {
                    self.tasks[index].retry_after = retry_after;
                }
                self.fail(index, Cause::RateLimited);
                false
            }
        }
    }

    /// What a limiter says: how long to wait, which is mostly no time, or no, and then perhaps when to come back.
    #[inline(always)]
    pub(super) fn ask_limiter(&mut self, limiter: u16, asker: &Asker) -> Result<SimSpan, Option<SimSpan>> {
        let spec = &self.model.limiters[limiter as usize];
        let key = match spec.key {
            LimiterKey::All => 0,
            LimiterKey::User if asker.signed_in => asker.person,
            LimiterKey::User | LimiterKey::Ip => self.address(asker),
            LimiterKey::Session => asker.session,
        };
        let machine = if spec.shared {
            &mut self.shared_limiters[spec.local as usize]
        } else {
            &mut self.processes[asker.process as usize].limiters[spec.local as usize]
        };
        let answer = if spec.waits {
            let at = machine.reserve_within(self.now, key, spec.max_wait);
            at.map(|at| at.since(self.now)).ok_or(None)
        } else {
            match machine.hit(self.now, key) {
                Verdict::Admit => Ok(SimSpan::ZERO),
                Verdict::Refuse { retry_after } => Err(Some(retry_after)),
            }
        };
        if answer.is_err() {
            self.note_refusal(limiter);
        } else if self.record.measuring {
            self.record.limiters[limiter as usize].accepted += 1;
        }
        answer
    }

    /// The address that a limiter sees, which stands apart from a person's number by its highest bit.
    fn address(&self, asker: &Asker) -> u64 {
        let process = &self.processes[asker.process as usize];
        let service = &self.model.services[process.service as usize];
        let address = if service.trusts_proxy {
            asker.ip
        } else {
            // Behind a proxy that is not trusted everybody comes from the proxy's few addresses.
            let key = Key::root(0, 0).child(asker.ip);
            key.draw().below(service.proxy_addresses.max(1))
        };
        address | 1 << 63
    }

    #[cold]
    fn note_refusal(&mut self, limiter: u16) {
        let resource = self.model.limiters[limiter as usize].resource;
        if self.record.measuring {
            self.record.limiters[limiter as usize].refused += 1;
        }
        let station = &mut self.record.stations[resource as usize];
        station.first_refusal.get_or_insert(self.now);
        self.record.see(self.now, Cause::RateLimited, Some(resource));
    }

    fn repeat(&mut self, index: u32, site: u32, after: Pc) {
        let times = self.draw(index, site) + 0.5;
        let left = times as u32;
        if left == 0 {
            self.tasks[index].pc = after;
        } else {
            let body = self.tasks[index].pc;
            self.tasks[index].frames.push(Frame::Repeat { left, body });
        }
    }

    fn again(&mut self, index: u32) {
        let frames = &mut self.tasks[index].frames;
        if let Some(Frame::Repeat { left, body }) = frames.last_mut() {
            *left -= 1;
            if *left > 0 {
                self.tasks[index].pc = *body;
                self.tasks[index].iteration += 1;
            } else {
                frames.pop();
            }
        }
    }

    fn call(&mut self, index: u32, endpoint: u16) -> bool {
        let start = self.model.endpoints[endpoint as usize].start;
        self.tasks[index].forks += 1;
        let child = self.child(index, TaskKind::Call, start, u64::from(endpoint) << 32);
        self.tasks[child.index].process = NOBODY;
        self.enter(index, STAGE_IO);
        self.tasks[index].state = State::Joining;
        self.tasks[index].pending = 1;
        self.ready.push_back(Ready::Task(child));
        false
    }

    fn fork(&mut self, index: u32, fork: u16) -> bool {
        self.enter(index, STAGE_IO);
        self.tasks[index].state = State::Joining;
        self.tasks[index].forks += 1;
        self.tasks[index].pending = self.model.forks[fork as usize].branches.len() as u32;
        for number in 0..self.model.forks[fork as usize].branches.len() {
            let start = self.model.forks[fork as usize].branches[number];
            let child = self.child(index, TaskKind::Branch, start, number as u64 + 1);
            self.ready.push_back(Ready::Task(child));
        }
        false
    }

    /// Whether a parent waits for this child, and not for those of a later fork.
    fn is_joined(&self, parent: Handle, child: u32) -> bool {
        self.tasks
            .get(parent)
            .is_some_and(|waiting| waiting.state == State::Joining && waiting.forks == self.tasks[child].fork)
    }

    /// A branch, a call or background work is done.
    fn end_child(&mut self, index: u32) {
        self.enter(index, STAGE_IO);
        let parent = self.tasks[index].parent;
        self.leave_process(index);
        if self.is_joined(parent, index) {
            self.tasks[parent.index].pending -= 1;
            if self.tasks[parent.index].pending == 0 {
                self.join(parent.index, index);
                self.ready.push_back(Ready::Task(parent));
            }
        }
        self.remove_task(index);
    }

    /// The time that a parent waited is split as its last child's was.
    fn join(&mut self, parent: u32, child: u32) {
        self.tasks[parent].quality *= self.tasks[child].quality;
        self.tasks[parent].degraded |= self.tasks[child].degraded;
        for stage in 0..self.model.stages.len() {
            let nanos = self.tasks[child].split.nanos()[stage];
            if nanos > 0 {
                self.tasks[parent].spend(stage as u16, nanos, &mut self.record);
            }
        }
        self.tasks[parent].since = self.now;
    }

    /// A task fails: steps that are retried start again, else what it holds is given back and it ends.
    pub(super) fn fail(&mut self, index: u32, cause: Cause) {
        self.end_stream(index);
        while let Some(frame) = self.tasks[index].frames.pop() {
            if let Frame::Try {
                retry,
                done,
                body,
                held,
            } = frame
            {
                while self.tasks[index].held.len() > held as usize {
                    self.release_last(index, cause != Cause::QueryFailed);
                }
                let retry_spec = &self.model.retries[retry as usize];
                let task = &mut self.tasks[index];
                let uniform = task.key.at(retry_spec.place, task.iteration).draw().uniform();
                if let Some(wait) = retry_spec.policy.next(done, task.retry_after.take(), uniform) {
                    task.pc = body;
                    task.iteration += 1;
                    task.phase = 0;
                    self.tasks[index].frames.push(Frame::Try {
                        retry,
                        done: done + 1,
                        body,
                        held,
                    });
                    if self.pause(index, wait, STAGE_BACKOFF) {
                        let handle = self.tasks.handle(index);
                        self.ready.push_back(Ready::Task(handle));
                    }
                    return;
                }
            }
        }
        self.record.see(self.now, cause, None);
        while !self.tasks[index].held.is_empty() {
            self.release_last(index, cause != Cause::QueryFailed);
        }
        self.tasks[index].cause = Some(cause);
        match self.tasks[index].kind {
            TaskKind::Attempt => self.end_failed(index),
            TaskKind::Probe => self.probe_ended(index),
            TaskKind::Detached => {
                self.leave_process(index);
                self.remove_task(index);
            }
            TaskKind::Branch | TaskKind::Call => {
                // As with a promise that rejects: the parent fails at once, the other branches run on for nobody.
                self.enter(index, STAGE_IO);
                let parent = self.tasks[index].parent;
                let retry_after = self.tasks[index].retry_after;
                self.leave_process(index);
                if self.is_joined(parent, index) {
                    self.join(parent.index, index);
                    let task = &mut self.tasks[parent.index];
                    task.failing = Some(cause);
                    task.state = State::Going;
                    task.retry_after = retry_after;
                    self.ready.push_back(Ready::Task(parent));
                }
                self.remove_task(index);
            }
        }
    }

    /// An attempt that failed has come to its end.
    #[inline(never)]
    fn end_failed(&mut self, index: u32) {
        self.end_program(index);
    }

    /// The program of an attempt or a call has come to its end, well or not.
    #[inline(always)]
    fn end_program(&mut self, index: u32) {
        let run = &mut self.tasks[index];
        if run.kind != TaskKind::Attempt || !run.held.is_empty() {
            if run.kind == TaskKind::Call {
                self.end_child(index);
                return;
            }
            while !self.tasks[index].held.is_empty() {
                self.release_last(index, true);
            }
            if self.tasks[index].kind == TaskKind::Probe {
                self.probe_ended(index);
                return;
            }
        }
        self.record.attempts_ended += 1;
        let run = &mut self.tasks[index];
        run.enter(self.now, STAGE_CLIENT, &mut self.record);
        run.state = State::Answering;
        if self.trace.is_some() {
            self.trace_end(index);
        }
        self.leave(index);
        let task = &self.tasks[index];
        let request = self.requests.get(task.request);
        let waited_for = request.is_some_and(|request| request.waits_for(task));
        if waited_for
            && task.way == SimSpan::ZERO
            && task.arrived == task.began
            && request.is_some_and(|request| request.has_only(task))
        {
            self.take_only_answer(index, true);
            return;
        }
        if task.measured && task.cause.is_none() {
            let server = self.now.since(task.arrived).nanos();
            let cell = self.record.cell_at(task.cell);
            cell.completed += 1;
            cell.server.record(server);
            if !waited_for {
                cell.wasted += 1;
            }
        }
        if !waited_for {
            self.remove_task(index);
        } else if task.way == SimSpan::ZERO {
            self.take_answer(index, true);
        } else {
            let at = self.now + task.way;
            self.schedule_task(index, at);
        }
    }

    /// Takes a task out of the table.
    #[inline(always)]
    pub(super) fn remove_task(&mut self, index: u32) {
        let run = self.tasks.remove(index);
        run.held.clear();
        run.frames.clear();
        run.split.clear();
        if !self.loading {
            self.end_if_idle();
        }
    }
}
