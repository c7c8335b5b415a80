//! What people ask for, over all attempts, and what they do when it does not come.
//!
//! Three units of account, never mixed: a *session* is a visit, a *request* is what a user wanted over all attempts, an
//! *attempt* is one HTTP exchange. A client that gives up leaves its work running.

use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::stream::Purpose;

use super::giving_up::by_time;
use super::{NOBODY, Ready, Request, State, Task, TaskKind, World};
use crate::event::{Event, Scheduled};
use crate::experiment::{RequestOutcome, RequestRow};
use crate::measure::coarse_bucket;
use crate::model::{STAGE_BACKOFF, STAGE_CLIENT};
use crate::slab::Handle;

impl World<'_> {
    /// A person asks for something.
    pub(super) fn begin_request(&mut self, fibre: Handle, endpoint: u16) {
        let session_handle = self.fibres[fibre.index].session;
        let session = &mut self.sessions[session_handle.index];
        let number = session.requests;
        session.requests += 1;
        let source = &self.model.sources[session.source as usize];
        let phase = source
            .phase_ends
            .iter()
            .position(|&end| self.now < end)
            .unwrap_or(source.phase_ends.len().max(1) - 1);
        let late = self.model.measure_to == self.model.duration;
        let measured = self.now >= self.model.measure_from && (self.now <= self.model.measure_to || late);
        let window = self.record.window_of(self.now);
        let cell = self
            .record
            .cell_index(endpoint, session.class, source.first_phase + phase as u16);
        let request = Request {
            cell,
            fibre,
            session: session_handle,
            endpoint,
            class: session.class,
            phase: source.first_phase + phase as u16,
            source: session.source,
            client: session.client,
            measured,
            resent: false,
            window,
            number: self.record.whole_offered,
            began: self.now,
            since: self.now,
            first_byte: SimTime::ZERO,
            attempts: 0,
            retries: 0,
            live: 0,
            key: session.key.purpose(Purpose::Request).child(number),
            person: session.person,
            ip: session.ip,
            cause: None,
            backoff: Scheduled::NOTHING,
            patience: Scheduled::NOTHING,
            patience_is_person: false,
            resend: Scheduled::NOTHING,
            task: Handle::NOTHING,
        };
        let client = request.client;
        let handle = self.requests.insert(request);
        let index = handle.index;
        let stages = self.stages;
        if self.request_stages.len() < (index as usize + 1) * stages {
            self.request_stages.resize((index as usize + 1) * stages, 0);
        } else {
            self.request_stages[index as usize * stages..][..stages].fill(0);
        }
        self.record.whole_offered += 1;
        self.record.in_system.up(self.now);
        if measured {
            self.record.cell_at(cell).offered += 1;
            if let Some(window) = self.record.windows.get_mut(window) {
                window.offered += 1;
            }
        }
        let spec = &self.model.clients[client as usize];
        self.clients[client as usize].budget.note_request();
        if let Some(site) = spec.patience {
            let span = self.draw_for_request(index, site);
            let scheduled = self.events.schedule(self.now + span, Event::Patience(index));
            self.requests[index].patience = scheduled;
            self.requests[index].patience_is_person = true;
        }
        if let Some((chance, site)) = spec.resend {
            let place = self.sites[site as usize].1;
            if self.requests[index].key.at(!place, 0).draw().uniform() < chance {
                let span = self.draw_for_request(index, site);
                self.requests[index].resend = self.events.schedule(self.now + span, Event::Resend(index));
            }
        }
        self.begin_attempt(index);
    }

    /// A draw of the client's for a request.
    fn draw_for_request(&mut self, index: u32, site: u32) -> SimSpan {
        let (sampler, place) = &mut self.sites[site as usize];
        sampler.span(
            &mut self.requests[index]
                .key
                .at(*place, self.requests[index].attempts)
                .draw(),
        )
    }

    fn begin_attempt(&mut self, index: u32) {
        let request = &self.requests[index];
        let client = request.client;
        let spec = &self.model.clients[client as usize];
        let round_trip = self.draw_for_request(index, spec.rtt);
        let there = SimSpan::from_nanos(round_trip.nanos() / 2);
        let handle = self.requests.handle(index);
        let request = &mut self.requests[index];
        let number = request.attempts;
        request.attempts += 1;
        request.live |= 1 << (number % 64);
        let signed_in = self
            .sessions
            .get(request.session)
            .is_some_and(|session| session.signed_in);
        let task = Task {
            kind: TaskKind::Attempt,
            state: State::Going,
            phase: 0,
            class: request.class,
            signed_in,
            in_hand: false,
            failing: None,
            cause: None,
            stage: STAGE_CLIENT,
            endpoint: request.endpoint,
            client,
            cell: request.cell,
            measured: request.measured,
            process: NOBODY,
            pc: self.model.endpoints[request.endpoint as usize].start,
            iteration: 0,
            pending: 0,
            forks: 0,
            fork: 0,
            attempt: number,
            retries: 0,
            request: handle,
            session: request.session,
            parent: Handle::NOTHING,
            older: Handle::NOTHING,
            key: request.key.child(u64::from(number)),
            person: request.person,
            ip: request.ip,
            since: self.now,
            began: self.now,
            arrived: self.now,
            mark: self.now,
            visit: self.now,
            first_byte: SimTime::ZERO,
            scheduled: Scheduled::NOTHING,
            way: SimSpan::from_nanos(round_trip.nanos() - there.nanos()),
            retry_after: None,
            memory: 0,
            heap: 0,
            streaming: None,
            prompt: 0.0,
            answer: 0.0,
            cache_key: 0,
            call: 0,
            pass: None,
            give_up_at: SimTime::NEVER,
            quality: 1.0,
            degraded: false,
        };
        let (measured, counted) = (request.measured, request.cell);
        let wants_first_byte = !request.patience_is_person && spec.first_byte_timeout != SimSpan::FOREVER;
        self.record.attempts_begun += 1;
        if measured {
            self.record.cell_at(counted).attempts += 1;
        }
        let task = self.insert_task(task);
        self.tasks[task.index].older = self.requests[index].task;
        self.requests[index].task = task;
        if spec.timeout != SimSpan::FOREVER {
            let deadline = self.now + spec.timeout;
            let state = &mut self.clients[client as usize];
            by_time(&mut state.timeouts, (deadline, handle, number), |entry| entry.0);
            if deadline < state.armed {
                state.armed = deadline;
                self.events.schedule(deadline, Event::ClientTimeout(u32::from(client)));
            }
        }
        if wants_first_byte {
            let scheduled = self
                .events
                .schedule(self.now + spec.first_byte_timeout, Event::Patience(index));
            self.requests[index].patience = scheduled;
        }
        if there == SimSpan::ZERO {
            self.ready.push_back(Ready::Task(task));
        } else {
            self.schedule_task(task.index, self.now + there);
        }
    }

    /// Whether a client still waits for this attempt.
    pub(super) fn is_waited_for(&self, task: u32) -> bool {
        let task = &self.tasks[task];
        self.requests
            .get(task.request)
            .is_some_and(|request| request.live & (1 << (task.attempt % 64)) != 0)
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
        let state = &self.tasks[task];
        let (cause, handle, retry_after) = (state.cause, state.request, state.retry_after);
        let counted = state.cell;
        let first_byte = if state.first_byte == SimTime::ZERO {
            self.now
        } else {
            state.first_byte
        };
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
        if waited_for {
            if cause.is_none() {
                self.note_quality(task);
            }
            let index = handle.index;
            self.requests[index].live &= !(1 << (self.tasks[task].attempt % 64));
            if self.requests[index].first_byte == SimTime::ZERO && cause.is_none() {
                self.requests[index].first_byte = first_byte;
            }
            self.take_stages(index, task, cause.is_none());
            self.forget_attempt(index, task);
            self.remove_task(task);
            match cause {
                None => self.end_request(index, None),
                Some(cause) => self.attempt_failed(index, cause, retry_after),
            }
        } else {
            self.remove_task(task);
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
        let stages = self.stages;
        let began = self.tasks[task].began;
        let state = &mut self.requests[request];
        let mine = &mut self.request_stages[request as usize * stages..][..stages];
        let theirs = &self.task_stages[task as usize * stages..][..stages];
        if state.resent {
            if is_last {
                // Attempts overlapped: the one that was answered counts, and what went before it is waiting.
                mine.copy_from_slice(theirs);
                mine[STAGE_BACKOFF as usize] += began.since(state.began).nanos();
            }
        } else {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine += theirs;
            }
        }
        state.since = self.now;
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
            let uniform = request.key.at(1, request.attempts).draw().uniform();
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
        self.end_request(index, Some(cause));
    }

    /// The wait before another attempt is over.
    pub(super) fn backoff_over(&mut self, index: u32, scheduled: Scheduled) {
        if self.requests[index].backoff != scheduled {
            return;
        }
        self.wait_was_backoff(index);
        self.requests[index].backoff = Scheduled::NOTHING;
        self.begin_attempt(index);
    }

    fn wait_was_backoff(&mut self, index: u32) {
        let waited = self.now.since(self.requests[index].since).nanos();
        self.request_stages[index as usize * self.stages + STAGE_BACKOFF as usize] += waited;
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
            self.end_request(index, Some(Cause::ClientTimeout));
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
            self.begin_attempt(index);
        }
    }

    /// A request ends in exactly one way.
    fn end_request(&mut self, index: u32, cause: Option<Cause>) {
        let handle = self.requests.handle(index);
        if self.requests[index].live != 0 {
            self.abandon_attempts(handle);
        }
        let request = &self.requests[index];
        let latency = self.now.since(request.began).nanos();
        let (endpoint, counted) = (request.endpoint, request.cell);
        let (fibre, session, client) = (request.fibre, request.session, request.client);
        let (measured, window) = (request.measured, request.window);
        let first_byte = request.first_byte.since(request.began).nanos();
        let stages = &self.request_stages[index as usize * self.stages..][..self.stages];
        let gave_up = cause == Some(Cause::ClientTimeout);
        match cause {
            None => self.record.whole_useful += 1,
            Some(_) if gave_up => self.record.whole_abandoned += 1,
            Some(_) => self.record.whole_failed += 1,
        }
        if let Some(cause) = cause {
            self.record.see(self.now, cause, None);
        }
        self.record.in_system.down(self.now);
        if let Some(monitor) = &mut self.monitor {
            monitor.request_ended(cause.is_none(), latency);
        }
        if measured {
            if cause.is_none() && self.record.breakdown.add(latency, stages) != latency {
                self.record.stage_mismatches += 1;
            }
            let ended = self.record.window_of(self.now);
            let cell = self.record.cell_at(counted);
            match cause {
                None => {
                    cell.useful += 1;
                    cell.latency.record(latency);
                    cell.first_byte.record(first_byte);
                }
                Some(cause) => {
                    cell.by_cause[cause as usize] += 1;
                    if gave_up {
                        cell.abandoned += 1;
                    } else {
                        cell.failed += 1;
                    }
                }
            }
            if let Some(window) = self.record.windows.get_mut(window) {
                match cause {
                    None => {
                        window.useful += 1;
                        window.latency += u128::from(latency);
                        let bucket = coarse_bucket(latency);
                        if window.latencies.len() <= bucket {
                            window.latencies.resize((bucket / 16 + 1) * 16, 0);
                        }
                        window.latencies[bucket] += 1;
                    }
                    Some(cause) => {
                        window.failed += 1;
                        window.by_cause[cause as usize] += 1;
                    }
                }
            }
            if cause.is_none()
                && self.now < self.model.duration
                && let Some(window) = self.record.windows.get_mut(ended)
            {
                window.ended_useful += 1;
            }
            self.log_request(index, cause, latency);
        }
        // What was still to come for it finds nothing of it.
        let ended = &mut self.requests[index];
        (ended.backoff, ended.patience, ended.resend) = (Scheduled::NOTHING, Scheduled::NOTHING, Scheduled::NOTHING);
        self.requests.remove(index);
        if cause.is_none() && self.model.endpoints[endpoint as usize].signs_in {
            self.sessions[session.index].signed_in = true;
        }
        let spec = &self.model.clients[client as usize];
        let leaves = match cause {
            None => false,
            Some(Cause::ClientTimeout) => spec.ends_on_timeout || self.sessions[session.index].abandoned,
            Some(_) => spec.ends_on_error,
        };
        if leaves {
            self.sessions[session.index].ended = true;
            if gave_up {
                self.sessions[session.index].abandoned = true;
            }
        }
        self.ready.push_back(Ready::Fibre(fibre));
    }

    /// A row of `requests.csv`.
    fn log_request(&mut self, index: u32, cause: Option<Cause>, latency: u64) {
        let Some(rows) = &mut self.rows else { return };
        let request = &self.requests[index];
        let stages = &self.request_stages[index as usize * self.stages..][..self.stages];
        let session = self.sessions.get(request.session).map_or(0, |session| session.number);
        rows.push(RequestRow {
            replication: self.replication,
            number: request.number,
            at: request.began.seconds(),
            source: request.source,
            session,
            user: request.person & 0xffff_ffff_ffff,
            ip: request.ip & 0xffff_ffff_ffff,
            class: u16::from(request.class),
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
