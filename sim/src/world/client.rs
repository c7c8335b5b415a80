//! People, their sessions, what they ask for, and what they do when it does not come.
//!
//! Three units of account, never mixed: a *session* is a visit, a *request* is what a user wanted over all attempts, an
//! *attempt* is one HTTP exchange. A client that gives up leaves its work running.

use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Key;
use highwater_workload::arrivals::Segment;
use highwater_workload::stream::Purpose;

use super::{Fibre, NOBODY, Ready, Request, Session, State, Task, TaskKind, World};
use crate::event::{Event, Scheduled};
use crate::experiment::{RequestOutcome, RequestRow};
use crate::measure::coarse_bucket;
use crate::model::{Addresses, Coming, FlowOp, Recorded, STAGE_BACKOFF, STAGE_CLIENT, Who};
use crate::slab::Handle;

impl World<'_> {
    // ---- sessions arrive ------------------------------------------------------------------------------------------

    /// The first arrival of every source.
    pub(super) fn start_sources(&mut self) {
        for source in 0..self.model.sources.len() {
            match &self.model.sources[source].coming {
                Coming::Closed { segments } => {
                    let users = level_at(segments, SimTime::ZERO);
                    for _ in 0..users {
                        self.begin_user(source as u16);
                    }
                    self.schedule_rise(source);
                }
                Coming::Open { .. } | Coming::At(_) | Coming::Every(_) | Coming::Trace(_) => {
                    self.schedule_arrival(source)
                }
            }
        }
    }

    fn schedule_arrival(&mut self, source: usize) {
        let state = &mut self.sources[source];
        let at = match &self.model.sources[source].coming {
            Coming::Open { .. } => state.arrivals.as_mut().and_then(Iterator::next),
            Coming::At(times) => times.get(state.next_at).copied(),
            Coming::Trace(rows) => rows.get(state.next_at).map(|row| row.at),
            Coming::Every(_) => {
                let now = self.now;
                state
                    .every
                    .as_mut()
                    .map(|law| now + law.span(&mut state.draws).max(SimSpan::from_nanos(1)))
            }
            Coming::Closed { .. } => None,
        };
        if let Some(at) = at
            && at <= self.model.duration
        {
            self.events.schedule(at, Event::Arrival(source as u32));
        }
    }

    /// When a closed source wants one user more.
    fn schedule_rise(&mut self, source: usize) {
        if let Coming::Closed { segments } = &self.model.sources[source].coming
            && let Some(at) = rise(segments, self.now, self.sources[source].active + 1)
            && at <= self.model.duration
        {
            self.events.schedule(at, Event::Arrival(source as u32));
        }
    }

    /// A source's next session, or several, arrive.
    pub(super) fn arrival(&mut self, source: u32) {
        let number = source as usize;
        if !self.loading {
            return;
        }
        if let Coming::Closed { segments } = &self.model.sources[number].coming {
            // The level may have fallen again, or those who left may have made room: look at it now.
            let wanted = level_at(segments, self.now);
            while self.sources[number].active < wanted {
                self.begin_user(source as u16);
            }
            self.schedule_rise(number);
            return;
        }
        let recorded = match &self.model.sources[number].coming {
            Coming::Trace(rows) => rows.get(self.sources[number].next_at).cloned(),
            _ => None,
        };
        self.sources[number].next_at += 1;
        let state = &mut self.sources[number];
        let sessions = state.batch.as_mut().map_or(1, |batch| batch.count(&mut state.draws));
        for _ in 0..sessions {
            self.begin_session(source as u16, 0, recorded.as_ref());
        }
        self.schedule_arrival(number);
    }

    fn begin_user(&mut self, source: u16) {
        let state = &mut self.sources[source as usize];
        state.active += 1;
        let user = state.users;
        state.users += 1;
        self.begin_session(source, user, None);
    }

    /// A session begins.
    fn begin_session(&mut self, source: u16, user: u64, recorded: Option<&Recorded>) {
        let spec = &self.model.sources[source as usize];
        let number = self.sources[source as usize].sessions;
        self.sources[source as usize].sessions += 1;
        let stream = (u64::from(source) << 48) | number;
        let key = self.root.purpose(Purpose::Session).child(stream);
        let person = match recorded.and_then(|row| row.person) {
            Some(person) => person,
            None => self.choose_person(source, user, key),
        };
        let person = (u64::from(source) << 48) | person;
        let root = self.root;
        let of_person = || root.purpose(Purpose::Person).child(person);
        let class = match recorded.and_then(|row| row.class) {
            Some(class) => class,
            None => pick(&spec.classes, || of_person().child(0).draw().uniform()).unwrap_or(0),
        };
        let ip = match (recorded.and_then(|row| row.ip), spec.addresses) {
            (Some(ip), _) => ip,
            (None, Addresses::Count(count)) => of_person().child(1).draw().below(count.max(1)),
            (None, Addresses::PeoplePerAddress(people)) => match &spec.who {
                Who::Even(count) | Who::InOrder(count) | Who::Popular(count, _) if people > 1.0 => {
                    let addresses = (*count as f64 / people).ceil().max(1.0);
                    of_person().child(1).draw().below(addresses as u64)
                }
                // People who come once share an address with those who come after them.
                _ if people > 1.0 => ((person & 0xffff_ffff_ffff) as f64 / people) as u64,
                _ => person,
            },
        };
        let flow = match recorded.and_then(|row| row.flow) {
            Some(flow) => flow,
            None => pick(&spec.flows, || key.child(1).draw().uniform()).unwrap_or(0),
        };
        let signed_in = spec.signed_in >= 1.0 || key.child(2).draw().uniform() < spec.signed_in;
        let session = self.sessions.insert(Session {
            key,
            number,
            source,
            class,
            client: spec.client,
            signed_in,
            ended: false,
            abandoned: false,
            measured: self.record.measuring,
            person,
            ip: (u64::from(source) << 48) ^ ip,
            user,
            began: self.now,
            requests: 0,
            fibres: 1,
            tokens: 0.0,
            messages: 0.0,
        });
        self.record.online.up(self.now);
        if self.record.measuring {
            self.record.sessions.offered += 1;
        }
        let pc = self.model.flows[flow as usize].start;
        let fibre = self.insert_fibre(session, Handle::NOTHING, pc, 0);
        self.ready.push_back(Ready::Fibre(fibre));
    }

    /// Whose session it is: a number within the source.
    fn choose_person(&mut self, source: u16, user: u64, key: Key) -> u64 {
        let state = &mut self.sources[source as usize];
        let (count, popular) = match &self.model.sources[source as usize].who {
            Who::Same => return user,
            Who::New => {
                state.people += 1;
                return state.people - 1;
            }
            Who::InOrder(count) => {
                state.people += 1;
                return (state.people - 1) % count.max(&1);
            }
            Who::Even(count) => (*count, None),
            Who::Popular(count, popularity) => (*count, Some(popularity)),
        };
        if state.online.is_empty() {
            state.online = vec![0; (count as usize).div_ceil(64)];
        }
        let mut draw = key.child(0).draw();
        let mut person = 0;
        // Somebody who is not online yet; after many misses nearly everybody is, and the next free number will do.
        for _ in 0..64 {
            person = match popular {
                None => draw.below(count),
                Some(popularity) => u64::from(popularity.draw(&mut draw)),
            };
            if state.online[person as usize / 64] & (1 << (person % 64)) == 0 {
                break;
            }
        }
        state.online[person as usize / 64] |= 1 << (person % 64);
        person
    }

    // ---- the flow of a session ------------------------------------------------------------------------------------

    fn insert_fibre(&mut self, session: Handle, parent: Handle, pc: u32, iteration: u32) -> Handle {
        let fibre = Fibre {
            session,
            parent,
            pc,
            iteration,
            pending: 0,
            scheduled: Scheduled::NOTHING,
        };
        let handle = self.fibres.insert(fibre);
        if handle.index as usize == self.flow_frames.len() {
            self.flow_frames.push(Vec::with_capacity(self.model.frame_depth));
        }
        handle
    }

    /// A session's flow goes on until it waits for something.
    pub(super) fn run_fibre(&mut self, handle: Handle) {
        if !self.fibres.is_live(handle) {
            return;
        }
        let index = handle.index;
        let session = self.fibres[index].session;
        if self.sessions[session.index].ended {
            self.drop_fibre(index);
            return;
        }
        let session_key = self.sessions[session.index].key;
        let key = || session_key.purpose(Purpose::Flow);
        loop {
            let fibre = &mut self.fibres[index];
            let op = self.model.flow_ops[fibre.pc as usize];
            fibre.pc += 1;
            let iteration = fibre.iteration;
            match op {
                FlowOp::Request { endpoint } => {
                    self.begin_request(handle, endpoint);
                    return;
                }
                FlowOp::Think { site } => {
                    let (sampler, place) = &mut self.sites[site as usize];
                    let span = sampler.span(&mut key().at(*place, iteration).draw());
                    if span > SimSpan::ZERO {
                        let scheduled = self.events.schedule(self.now + span, Event::Fibre(index));
                        self.fibres[index].scheduled = scheduled;
                        return;
                    }
                }
                FlowOp::Choose { choice } => {
                    let class = self.sessions[session.index].class;
                    let choice = &self.model.choices[choice as usize];
                    let draw = || key().at(choice.place, iteration).draw().uniform();
                    self.fibres[index].pc = choice.branch(class, draw);
                }
                FlowOp::Repeat { site, after } => {
                    let (sampler, place) = &mut self.sites[site as usize];
                    let times = sampler.count(&mut key().at(*place, iteration).draw());
                    let fibre = &mut self.fibres[index];
                    if times == 0 {
                        fibre.pc = after;
                    } else {
                        self.flow_frames[index as usize].push((times, fibre.pc));
                    }
                }
                FlowOp::Again => {
                    let frames = &mut self.flow_frames[index as usize];
                    if let Some((left, body)) = frames.last_mut() {
                        *left -= 1;
                        if *left > 0 {
                            self.fibres[index].pc = *body;
                            self.fibres[index].iteration += 1;
                        } else {
                            frames.pop();
                        }
                    }
                }
                FlowOp::Fork { branches } => {
                    let count = self.model.forks[branches as usize].branches.len();
                    self.fibres[index].pending = count as u32;
                    for number in 0..count {
                        let start = self.model.forks[branches as usize].branches[number];
                        let branch = self.insert_fibre(session, handle, start, iteration);
                        self.sessions[session.index].fibres += 1;
                        self.ready.push_back(Ready::Fibre(branch));
                    }
                    return;
                }
                FlowOp::EndBranch => {
                    let parent = self.fibres[index].parent;
                    self.drop_fibre(index);
                    if self.fibres.is_live(parent) {
                        self.fibres[parent.index].pending -= 1;
                        if self.fibres[parent.index].pending == 0 {
                            self.ready.push_back(Ready::Fibre(parent));
                        }
                    }
                    return;
                }
                FlowOp::Jump { to } => self.fibres[index].pc = to,
                FlowOp::End => {
                    self.sessions[session.index].ended = true;
                    self.drop_fibre(index);
                    return;
                }
            }
        }
    }

    /// A thread of a session is over; with the last one the session is.
    fn drop_fibre(&mut self, index: u32) {
        let session = self.fibres[index].session;
        self.flow_frames[index as usize].clear();
        self.fibres.remove(index);
        let state = &mut self.sessions[session.index];
        state.fibres -= 1;
        if state.fibres == 0 {
            self.end_session(session.index);
        }
    }

    fn end_session(&mut self, index: u32) {
        let session = &self.sessions[index];
        let (source, user, person) = (session.source, session.user, session.person & 0xffff_ffff_ffff);
        if session.measured {
            let length = self.now.since(session.began).nanos();
            let record = &mut self.record.sessions;
            record.length.record(length);
            if session.abandoned {
                record.abandoned += 1;
            } else {
                record.completed += 1;
            }
        }
        self.sessions.remove(index);
        self.record.online.down(self.now);
        let state = &mut self.sources[source as usize];
        if let Some(word) = state.online.get_mut(person as usize / 64) {
            *word &= !(1 << (person % 64));
        }
        if let Coming::Closed { segments } = &self.model.sources[source as usize].coming {
            if self.loading && self.sources[source as usize].active <= level_at(segments, self.now) {
                self.begin_session(source, user, None);
            } else {
                self.sources[source as usize].active -= 1;
            }
        }
        if !self.loading {
            self.end_if_idle();
        }
    }

    // ---- requests -------------------------------------------------------------------------------------------------

    fn begin_request(&mut self, fibre: Handle, endpoint: u16) {
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
        self.clients[client as usize].requests += 1;
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
            streaming: None,
            prompt: 0.0,
            answer: 0.0,
            cache_key: 0,
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
            state.timeouts.push_back((deadline, handle, number));
            if !state.armed {
                state.armed = true;
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
        let within_budget = (state.retries as f64) < spec.retry_budget * state.requests as f64;
        if kind
            && spec.retries[cause as usize]
            && within_budget
            && let Some(policy) = &spec.retry
        {
            let uniform = request.key.at(1, request.attempts).draw().uniform();
            if let Some(wait) = policy.next(request.retries, retry_after, uniform) {
                state.retries += 1;
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
        self.clients[client as usize].armed = false;
        while let Some(&(deadline, handle, number)) = self.clients[client as usize].timeouts.front() {
            let bit = 1u64 << (number % 64);
            let alive = self.requests.get(handle).is_some_and(|request| request.live & bit != 0);
            if alive && deadline > self.now {
                self.clients[client as usize].armed = true;
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

/// How many users a closed source wants at a time.
fn level_at(segments: &[Segment], at: SimTime) -> u64 {
    let Some(segment) = segments
        .iter()
        .find(|segment| segment.from <= at && at < segment.to)
        .or_else(|| segments.last())
    else {
        return 0;
    };
    let length = (segment.to - segment.from).seconds();
    let share = if length > 0.0 {
        (at.since(segment.from).seconds() / length).min(1.0)
    } else {
        1.0
    };
    // A whole number on paper must stay one, whatever rounding does.
    (segment.rate_from + (segment.rate_to - segment.rate_from) * share + 1e-9) as u64
}

/// When a closed source first wants so many users, from a time on.
fn rise(segments: &[Segment], from: SimTime, wanted: u64) -> Option<SimTime> {
    let wanted = wanted as f64;
    for segment in segments.iter().filter(|segment| segment.to > from) {
        let start = segment.from.max(from);
        let length = (segment.to - segment.from).seconds();
        let at_start =
            segment.rate_from + (segment.rate_to - segment.rate_from) * (start.since(segment.from).seconds() / length);
        if start > from && at_start >= wanted {
            return Some(start);
        }
        if segment.rate_to > segment.rate_from && segment.rate_to >= wanted && at_start < wanted {
            let share = (wanted - segment.rate_from) / (segment.rate_to - segment.rate_from);
            // Rounded up, so that the level is surely reached.
            let at = segment.from + SimSpan::from_nanos((share * length * 1e9).ceil() as u64);
            return Some(at.max(from + SimSpan::from_nanos(1)));
        }
    }
    None
}

/// The choice that a uniform draw falls on, by cumulative weight. Where there is no choice nothing is drawn.
fn pick<T: Copy>(cumulative: &[(f64, T)], uniform: impl FnOnce() -> f64) -> Option<T> {
    let (total, last) = *cumulative.last()?;
    if cumulative.len() == 1 {
        return Some(last);
    }
    let at = uniform() * total;
    Some(
        cumulative
            .iter()
            .find(|(upto, _)| at < *upto)
            .map_or(last, |(_, choice)| *choice),
    )
}
