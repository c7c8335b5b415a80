//! What people ask for, over all attempts, and what they do when it does not come.
//!
//! Three units of account, never mixed: a *session* is a visit, a *request* is what a user wanted over all attempts, an
//! *attempt* is one HTTP exchange. A client that gives up leaves its work running.

use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Key;

use super::giving_up::by_time;
use super::{Ready, Request, Task, TaskKind, World};
use crate::event::{Event, Scheduled};
use crate::experiment::{RequestOutcome, RequestRow};
use crate::measure::{Answer, Ended};
use crate::slab::Handle;
use highwater_program::crowd::{attempt_key, request_key, resend_draw, retry_draw, within_stream};
use highwater_program::model::{STAGE_BACKOFF, STAGE_CLIENT};

/// What every attempt of a request is about.
struct Asked {
    session: Handle,
    endpoint: u16,
    class: u8,
    client: u16,
    cell: u32,
    measured: bool,
    signed_in: bool,
    key: Key,
    person: u64,
    ip: u64,
    patience_is_person: bool,
}

/// The attempt whose answer is all that a request gets, and whether there was a way there or back.
#[derive(Copy, Clone)]
struct Only {
    task: u32,
    on_the_spot: bool,
}

impl World<'_> {
    /// A person asks for something: one thing at a time in each thread of their flow, so that the request has its
    /// thread's index.
    #[inline(never)]
    pub(super) fn begin_request(&mut self, index: u32, session_handle: Handle, endpoint: u16) {
        let session = &mut self.sessions[session_handle.index];
        let number = session.requests;
        session.requests += 1;
        let phase = self.model.sources[session.source as usize].phase_at(self.now);
        let measured = self.model.measures(self.now);
        let window = self.record.window_of(self.now);
        let cell = self.record.cell_index(endpoint, session.class, phase);
        let client = session.client;
        let spec = &self.model.clients[client as usize];
        let asked = Asked {
            session: session_handle,
            endpoint,
            class: session.class,
            client,
            cell,
            measured,
            signed_in: session.signed_in,
            key: request_key(session.key, number),
            person: session.person,
            ip: session.ip,
            patience_is_person: spec.patience.is_some(),
        };
        let request = Request {
            cell,
            session: session_handle,
            endpoint,
            phase,
            client,
            measured,
            resent: false,
            window,
            number: self.record.whole_offered,
            began: self.now,
            since: self.now,
            first_byte: SimTime::ZERO,
            attempts: 1,
            retries: 0,
            live: 1,
            key: asked.key,
            cause: None,
            backoff: Scheduled::NOTHING,
            patience: Scheduled::NOTHING,
            patience_is_person: asked.patience_is_person,
            resend: Scheduled::NOTHING,
            task: Handle::NOTHING,
        };
        let handle = self.requests.insert_beside(index, request);
        self.record.asked(self.now, measured, cell, window);
        self.clients[client as usize].budget.note_request();
        if spec.patience.is_some() || spec.resend.is_some() {
            self.person_waits(index, client);
        }
        self.begin_attempt(handle, 0, Handle::NOTHING, &asked);
    }

    /// How long a person waits, and when they press again.
    #[inline(never)]
    fn person_waits(&mut self, index: u32, client: u16) {
        let spec = &self.model.clients[client as usize];
        if let Some(site) = spec.patience {
            let span = self.draw_for_request(index, site);
            let scheduled = self.events.schedule(self.now + span, Event::Patience(index));
            self.requests[index].patience = scheduled;
        }
        if let Some((chance, site)) = spec.resend {
            let place = self.sites.place(site);
            if resend_draw(self.requests[index].key, place) < chance {
                let span = self.draw_for_request(index, site);
                self.requests[index].resend = self.events.schedule(self.now + span, Event::Resend(index));
            }
        }
    }

    /// A draw of the client's for a request.
    fn draw_for_request(&mut self, index: u32, site: u32) -> SimSpan {
        let key = self.requests[index].key;
        self.sites.span(site, key, 0)
    }

    /// One more attempt.
    #[inline(never)]
    fn begin_another(&mut self, index: u32) {
        let request = &self.requests[index];
        // It is there for as long as anything is asked for in it.
        let session = &self.sessions[request.session.index];
        let asked = Asked {
            session: request.session,
            endpoint: request.endpoint,
            class: session.class,
            client: request.client,
            cell: request.cell,
            measured: request.measured,
            signed_in: session.signed_in,
            key: request.key,
            person: session.person,
            ip: session.ip,
            patience_is_person: request.patience_is_person,
        };
        if asked.measured {
            self.record.cell_at(asked.cell).attempts += 1;
        }
        let handle = self.requests.handle(index);
        let request = &mut self.requests[index];
        let (number, older) = (request.attempts, request.task);
        request.attempts += 1;
        request.live |= 1 << (number % 64);
        self.begin_attempt(handle, number, older, &asked);
    }

    /// An attempt of that number begins that is counted already.
    #[inline(always)]
    fn begin_attempt(&mut self, handle: Handle, number: u32, older: Handle, asked: &Asked) {
        let index = handle.index;
        let spec = &self.model.clients[asked.client as usize];
        let round_trip = self.sites.span(spec.rtt, asked.key, number);
        let there = SimSpan::from_nanos(round_trip.nanos() / 2);
        let wants_first_byte = !asked.patience_is_person && spec.first_byte_timeout != SimSpan::FOREVER;
        let start = self.model.endpoints[asked.endpoint as usize].start;
        let task = Task {
            class: asked.class,
            signed_in: asked.signed_in,
            stage: STAGE_CLIENT,
            endpoint: asked.endpoint,
            client: asked.client,
            cell: asked.cell,
            measured: asked.measured,
            attempt: number,
            request: handle,
            session: asked.session,
            older,
            person: asked.person,
            ip: asked.ip,
            way: SimSpan::from_nanos(round_trip.nanos() - there.nanos()),
            ..Task::new(TaskKind::Attempt, start, attempt_key(asked.key, number), self.now)
        };
        self.record.attempts_begun += 1;
        let task = self.insert_task(task);
        if self.trace.is_some() {
            self.trace_arrival(task.index, self.now + there);
        }
        self.requests[index].task = task;
        if spec.timeout != SimSpan::FOREVER {
            let deadline = self.now + spec.timeout;
            let state = &mut self.clients[asked.client as usize];
            by_time(&mut state.timeouts, (deadline, handle, number), |entry| entry.0);
            if deadline < state.armed {
                state.armed = deadline;
                self.events
                    .schedule(deadline, Event::ClientTimeout(u32::from(asked.client)));
            }
        }
        if wants_first_byte {
            let scheduled = self
                .events
                .schedule(self.now + spec.first_byte_timeout, Event::Patience(index));
            self.requests[index].patience = scheduled;
        }
        if there > SimSpan::ZERO {
            self.schedule_task(task.index, self.now + there);
        } else if self.ready.is_empty() {
            // Nobody goes before it.
            self.at_this_instant += 1;
            self.run_task(task.index);
        } else {
            self.ready.push_back(Ready::Task(task));
        }
    }

    /// Whether a client still waits for this attempt.
    #[inline(always)]
    pub(super) fn is_waited_for(&self, task: u32) -> bool {
        let task = &self.tasks[task];
        self.requests
            .get(task.request)
            .is_some_and(|request| request.waits_for(task))
    }

    /// The first byte of an attempt's answer will be at its client then.
    pub(super) fn first_byte(&mut self, task: u32, at: SimTime) {
        self.tasks[task].first_byte = at;
        if self.is_waited_for(task) {
            let request = self.tasks[task].request.index;
            if self.requests[request].first_byte == SimTime::ZERO {
                self.requests[request].first_byte = at;
                self.requests[request].patience = Scheduled::NOTHING;
            }
        }
    }

    /// An attempt's answer is at its client.
    pub(super) fn answered(&mut self, task: u32) {
        self.enter(task, STAGE_CLIENT);
        let waited_for = self.is_waited_for(task);
        self.take_answer(task, waited_for);
    }

    /// A client that still waits has the only answer to its request. On the spot: without a way there or back.
    #[inline(always)]
    pub(super) fn take_only_answer(&mut self, task: u32, on_the_spot: bool) {
        let run = &self.tasks[task];
        let (index, is_degraded) = (run.request.index, run.degraded);
        if is_degraded {
            self.note_quality(task);
        }
        let only = Only { task, on_the_spot };
        self.end_request(index, None, Some(only));
        self.remove_task(task);
    }

    /// A client has an attempt's answer, whether it still waits for it or not.
    pub(super) fn take_answer(&mut self, task: u32, waited_for: bool) {
        let state = &self.tasks[task];
        if waited_for && self.requests[state.request.index].has_only(state) {
            self.take_only_answer(task, false);
            return;
        }
        let (cause, index, retry_after) = (state.cause, state.request.index, state.retry_after);
        let (attempt, counted) = (state.attempt, state.cell);
        let in_one_piece = state.first_byte == SimTime::ZERO;
        let first_byte = if in_one_piece { self.now } else { state.first_byte };
        if state.measured {
            let reading = first_byte.since(state.began).nanos();
            let answered = cause.is_none_or(|cause| cause.status().is_some());
            let cell = self.record.cell_at(counted);
            if answered {
                cell.tool.record(reading);
            } else {
                cell.tool_missing += 1;
            }
            if !waited_for && cause.is_none() {
                cell.wasted += 1;
            }
        }
        if !waited_for {
            self.remove_task(task);
            return;
        }
        if cause.is_none() {
            self.note_quality(task);
        }
        self.requests[index].live &= !(1 << (attempt % 64));
        if self.requests[index].first_byte == SimTime::ZERO && cause.is_none() {
            self.requests[index].first_byte = first_byte;
        }
        self.take_stages(index, task, cause.is_none());
        self.forget_attempt(index, task);
        self.remove_task(task);
        match cause {
            None => self.end_request_at_last(index, None),
            Some(cause) => self.attempt_failed(index, cause, retry_after),
        }
    }

    /// An attempt leaves the chain that leads from a request's newest attempt back to older ones still in flight.
    fn forget_attempt(&mut self, request: u32, task: u32) {
        let older = self.tasks[task].older;
        let gone = self.tasks.handle(task);
        let mut at = self.requests[request].task;
        if at == gone {
            self.requests[request].task = older;
            return;
        }
        while self.tasks.is_live(at) {
            if self.tasks[at.index].older == gone {
                self.tasks[at.index].older = older;
                return;
            }
            at = self.tasks[at.index].older;
        }
    }

    /// A request's time so far is split as the attempt's was.
    fn take_stages(&mut self, request: u32, task: u32, is_last: bool) {
        let state = &mut self.requests[request];
        state.since = self.now;
        if state.resent {
            if is_last {
                // Attempts overlapped: the one that was answered counts, and what went before it is waiting.
                let before = self.tasks[task].began.since(state.began).nanos();
                let split = &mut self.request_splits[request as usize];
                split.clear();
                split.add(STAGE_BACKOFF, before);
            } else {
                return;
            }
        }
        let split = &mut self.request_splits[request as usize];
        self.tasks[task].split.pour(split);
    }

    /// An attempt ended badly: another one, or the end of the request.
    fn attempt_failed(&mut self, index: u32, cause: Cause, retry_after: Option<SimSpan>) {
        let request = &self.requests[index];
        if request.live != 0 {
            return;
        }
        let client = request.client as usize;
        let spec = &self.model.clients[client];
        let is_query = self.model.endpoints[request.endpoint as usize].is_query;
        let kind = if is_query {
            spec.retries_queries
        } else {
            spec.retries_mutations
        };
        let state = &mut self.clients[client];
        if kind
            && spec.retries[cause as usize]
            && let Some(policy) = &spec.retry
        {
            let uniform = retry_draw(request.key, request.attempts);
            if let Some(wait) = policy.next(request.retries, retry_after, uniform)
                && state.budget.take()
            {
                let request = &mut self.requests[index];
                request.retries += 1;
                request.since = self.now;
                request.cause = Some(cause);
                request.backoff = self.events.schedule(self.now + wait, Event::Backoff(index));
                return;
            }
        }
        self.end_request_at_last(index, Some(cause));
    }

    /// The wait before another attempt is over.
    pub(super) fn backoff_over(&mut self, index: u32, scheduled: Scheduled) {
        if self.requests[index].backoff != scheduled {
            return;
        }
        self.wait_was_backoff(index);
        self.requests[index].backoff = Scheduled::NOTHING;
        self.begin_another(index);
    }

    fn wait_was_backoff(&mut self, index: u32) {
        let waited = self.now.since(self.requests[index].since).nanos();
        self.request_splits[index as usize].add(STAGE_BACKOFF, waited);
        self.requests[index].since = self.now;
    }

    /// Attempts whose client has waited for as long as it does.
    pub(super) fn client_timeouts(&mut self, client: u32) {
        if self.clients[client as usize].armed != self.now {
            // A shorter time-out has been looked at in between.
            return;
        }
        self.clients[client as usize].armed = SimTime::NEVER;
        while let Some(&(deadline, handle, number)) = self.clients[client as usize].timeouts.front() {
            let bit = 1u64 << (number % 64);
            let alive = self.requests.get(handle).is_some_and(|request| request.live & bit != 0);
            if alive && deadline > self.now {
                self.clients[client as usize].armed = deadline;
                self.events.schedule(deadline, Event::ClientTimeout(client));
                return;
            }
            self.clients[client as usize].timeouts.pop_front();
            if alive {
                self.give_up_on(handle, number);
                self.requests[handle.index].live &= !bit;
                self.attempt_failed(handle.index, Cause::ClientTimeout, None);
            }
        }
    }

    /// The client stops waiting for an attempt: its work goes on for nobody, or is cancelled.
    fn give_up_on(&mut self, request: Handle, attempt: u32) {
        // From the newest attempt back to the one that is given up.
        let mut handle = self.requests[request.index].task;
        while self.tasks.get(handle).is_some_and(|task| task.attempt != attempt) {
            handle = self.tasks[handle.index].older;
        }
        if !self.tasks.is_live(handle) {
            return;
        }
        let index = handle.index;
        if self.tasks[index].measured {
            self.record.cell_at(self.tasks[index].cell).tool_missing += 1;
        }
        let stage = self.tasks[index].stage;
        self.enter(index, stage);
        self.take_stages(request.index, index, false);
        // Whatever becomes of the attempt, its client hears of it no more.
        self.requests[request.index].live &= !(1 << (attempt % 64));
        self.client_gone(index);
    }

    /// Patience with a request is over.
    pub(super) fn patience_over(&mut self, index: u32, scheduled: Scheduled) {
        if self.requests[index].patience != scheduled {
            return;
        }
        let handle = self.requests.handle(index);
        if !self.requests.is_live(handle) {
            return;
        }
        self.abandon_attempts(handle);
        if self.requests[index].patience_is_person {
            let session = self.requests[index].session;
            self.sessions[session.index].abandoned = true;
            self.end_request_at_last(index, Some(Cause::ClientTimeout));
        } else {
            self.attempt_failed(index, Cause::ClientTimeout, None);
        }
    }

    fn abandon_attempts(&mut self, handle: Handle) {
        let index = handle.index;
        if self.requests[index].live == 0 {
            self.wait_was_backoff(index);
        }
        for attempt in 0..self.requests[index].attempts {
            let bit = 1u64 << (attempt % 64);
            if self.requests[index].live & bit != 0 {
                self.give_up_on(handle, attempt);
                self.requests[index].live &= !bit;
            }
        }
    }

    /// A person presses again: another attempt beside the first.
    pub(super) fn resend(&mut self, index: u32, scheduled: Scheduled) {
        if self.requests[index].resend != scheduled || self.requests[index].live == 0 {
            return;
        }
        self.requests[index].resend = Scheduled::NOTHING;
        if self.requests[index].first_byte == SimTime::ZERO {
            self.requests[index].resent = true;
            self.begin_another(index);
        }
    }

    /// A request ends that is not answered in one piece by its one attempt.
    #[inline(never)]
    fn end_request_at_last(&mut self, index: u32, cause: Option<Cause>) {
        if self.requests[index].live != 0 {
            let handle = self.requests.handle(index);
            self.abandon_attempts(handle);
        }
        self.end_request(index, cause, None);
    }

    /// A request ends in exactly one way. With an only answer, that attempt's times are its own.
    #[inline(always)]
    fn end_request(&mut self, index: u32, cause: Option<Cause>, only: Option<Only>) {
        let request = self.requests.remove_beside(index);
        // What was still to come for it finds nothing of it.
        (request.backoff, request.patience, request.resend) =
            (Scheduled::NOTHING, Scheduled::NOTHING, Scheduled::NOTHING);
        let ended = Ended {
            cell: request.cell,
            window: request.window,
            latency: self.now.since(request.began).nanos(),
            first_byte: request.first_byte.since(request.began).nanos(),
            answer: match only {
                None => Answer::AtLast,
                Some(only) if only.on_the_spot => Answer::OnTheSpot,
                Some(_) => Answer::AtOnce,
            },
        };
        let (endpoint, session, client, measured) =
            (request.endpoint, request.session, request.client, request.measured);
        let gave_up = cause == Some(Cause::ClientTimeout);
        if let Some(monitor) = &mut self.monitor {
            monitor.request_ended(cause.is_none(), ended.latency);
        }
        if measured && self.rows.is_some() {
            self.log_request(index, cause, ended.latency, only);
        }
        match cause {
            None => {
                let split = match only {
                    Some(only) => &mut self.tasks[only.task].split,
                    None => &mut self.request_splits[index as usize],
                };
                let loading = self.now < self.model.duration;
                self.record.useful(self.now, measured, loading, &ended, split);
            }
            Some(cause) => self.record.useless(self.now, measured, &ended, cause),
        }
        if only.is_none() {
            self.request_splits[index as usize].clear();
        }
        if cause.is_none() && self.model.endpoints[endpoint as usize].signs_in {
            self.sessions[session.index].signed_in = true;
        }
        if let Some(cause) = cause {
            let spec = &self.model.clients[client as usize];
            let leaves = match cause {
                Cause::ClientTimeout => spec.ends_on_timeout || self.sessions[session.index].abandoned,
                _ => spec.ends_on_error,
            };
            if leaves {
                self.sessions[session.index].ended = true;
                if gave_up {
                    self.sessions[session.index].abandoned = true;
                }
            }
        }
        self.ready.push_back(Ready::Fibre(self.fibres.handle(index)));
    }

    /// A row of `requests.csv`.
    fn log_request(&mut self, index: u32, cause: Option<Cause>, latency: u64, only: Option<Only>) {
        let Some(rows) = &mut self.rows else { return };
        let request = &self.requests[index];
        let stages = match only {
            Some(only) => self.tasks[only.task].split.nanos(),
            None => self.request_splits[index as usize].nanos(),
        };
        let session = &self.sessions[request.session.index];
        rows.push(RequestRow {
            replication: self.replication,
            number: request.number,
            at: request.began.seconds(),
            source: session.source,
            session: session.number,
            user: within_stream(session.person),
            ip: within_stream(session.ip),
            class: u16::from(session.class),
            endpoint: request.endpoint,
            phase: (!self.model.phases[request.phase as usize].is_empty()).then_some(request.phase),
            outcome: match cause {
                None => RequestOutcome::Useful,
                Some(Cause::ClientTimeout) => RequestOutcome::Abandoned,
                Some(_) => RequestOutcome::Failed,
            },
            cause,
            latency: latency as f64 / 1e9,
            attempts: request.attempts,
            stages: stages.iter().map(|&nanos| nanos as f64 / 1e9).collect(),
        });
    }
}
