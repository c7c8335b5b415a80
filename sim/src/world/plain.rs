//! The short way through a plain model.
//!
//! A model is *plain* ([`is_plain`]) where nothing can split what a person does: each session has one thread, asks for one
//! thing at a time, with one attempt that its client waits for however long it takes; instances neither come nor go; and
//! nothing is asked of a process but limits, slots and time. Then session, thread, request and attempt begin, wait and end
//! together, and are one thing here, a [`Visit`], in one place of one table.
//!
//! Owns: what happens to a visit. It is what `session`, `request`, `task`, `balance` and `holding` do for the four, in the
//! same order and with the same machines, draws and statistics, so that the results of both ways are the same to the
//! byte: `tests/tests/plain.rs` runs models both ways.
//! Never: rows of requests (a run that keeps them takes the general way).

use highwater_models::machine::line::Place;
use highwater_models::machine::slots::Ask;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Key;

use super::task::Asker;
use super::{Control, NOBODY, Ready, STANDSTILL, Session, SimulationError, World};
use crate::event::{Event, Scheduled};
use crate::measure::{Answer, Ended, Record};
use crate::slab::Handle;
use crate::split::Split;
use highwater_program::crowd::{attempt_key, flow_key, request_key};
use highwater_program::model::{Client, FlowOp, Model, Op, Pc, Recorded, STAGE_CLIENT, STAGE_IO, Service, Stage};

/// The most slots that a visit holds at once.
const SLOTS_MAX: usize = 4;

/// Whether a model is plain.
#[must_use]
pub fn is_plain(model: &Model) -> bool {
    model.happenings.is_empty()
        && model.monitoring.is_none()
        && model.degradation.is_none()
        && model.held_depth <= SLOTS_MAX
        && model.services.iter().all(is_plain_service)
        && model.clients.iter().all(|client| is_plain_client(client, model))
        && model.ops.iter().all(is_plain_op)
        && !model.flow_ops.iter().any(|op| matches!(op, FlowOp::Fork { .. }))
}

/// One instance for ever, which takes whoever comes.
fn is_plain_service(service: &Service) -> bool {
    service.is_open
        && service.instances == 1
        && service.scaling.is_none()
        && service.health_endpoint.is_none()
        && service.memory_base <= service.memory_limit
}

/// On the spot, and without an end to its patience.
fn is_plain_client(client: &Client, model: &Model) -> bool {
    model.sites[client.rtt as usize].sampler.as_constant() == Some(0.0)
        && client.timeout == SimSpan::FOREVER
        && client.first_byte_timeout == SimSpan::FOREVER
        && client.patience.is_none()
        && client.retry.is_none()
        && client.resend.is_none()
}

fn is_plain_op(op: &Op) -> bool {
    matches!(
        op,
        Op::Arrive { .. }
            | Op::Limit { .. }
            | Op::Delay { .. }
            | Op::Acquire { .. }
            | Op::Serve { .. }
            | Op::Release
            | Op::SignedIn
            | Op::Choose { .. }
            | Op::Repeat { .. }
            | Op::Again
            | Op::Fail { .. }
            | Op::Jump { .. }
            | Op::End
    )
}

/// What a visit is at.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Doing {
    /// Its flow: it asks for nothing.
    Thinking,
    /// The program of what it has asked for.
    Working,
    /// A line for slots.
    Waiting,
}

/// A slot that is held.
#[derive(Copy, Clone, Debug)]
pub(crate) struct HeldSlot {
    /// Its number among those of its process.
    local: u16,
    /// The resource whose time it takes.
    pub resource: u16,
    pub since: SimTime,
}

impl HeldSlot {
    const NONE: Self = Self {
        local: 0,
        resource: 0,
        since: SimTime::ZERO,
    };
}

/// A session with its one thread, the request that it waits for and the only attempt at that.
#[derive(Debug)]
pub(crate) struct Visit {
    pub session: Session,
    doing: Doing,
    scheduled: Scheduled,
    /// Its place in its flow, and how often it has gone back there.
    flow: Pc,
    flow_iteration: u32,
    // Of what it asks for.
    pub measured: bool,
    endpoint: u16,
    cell: u32,
    window: usize,
    began: SimTime,
    /// The attempt's key, its place in its program, and how often it has gone back there.
    key: Key,
    pc: Pc,
    iteration: u32,
    process: u32,
    /// The stage that it is in, and since when.
    stage: Stage,
    since: SimTime,
    /// The slots that it waits for, its place in their line, and since when.
    line: Option<(u16, Place, SimTime)>,
    failing: Option<Cause>,
    held: [HeldSlot; SLOTS_MAX],
    holds: usize,
    /// Time by stage.
    split: Split,
    /// Loops of its flow and of its program, each with how often it is still gone through and where it begins.
    flow_frames: Vec<(u32, Pc)>,
    frames: Vec<(u32, Pc)>,
}

impl Visit {
    #[cold]
    #[inline(never)]
    fn new(model: &Model, session: Session) -> Self {
        let now = session.began;
        Self {
            session,
            doing: Doing::Thinking,
            scheduled: Scheduled::NOTHING,
            flow: 0,
            flow_iteration: 0,
            measured: false,
            endpoint: 0,
            cell: 0,
            window: 0,
            began: now,
            key: Key::root(0, 0),
            pc: 0,
            iteration: 0,
            process: NOBODY,
            stage: STAGE_IO,
            since: now,
            line: None,
            failing: None,
            held: [HeldSlot::NONE; SLOTS_MAX],
            holds: 0,
            split: Split::new(model.stages.len()),
            flow_frames: Vec::with_capacity(model.frame_depth),
            frames: Vec::with_capacity(model.frame_depth),
        }
    }

    /// Another session begins in its place.
    #[inline(always)]
    fn begin(&mut self, session: Session, flow: Pc) {
        self.session = session;
        self.flow = flow;
        self.flow_iteration = 0;
        self.flow_frames.clear();
    }

    /// Whether something is asked for that has not ended.
    pub fn is_asking(&self) -> bool {
        self.doing != Doing::Thinking
    }

    /// What it holds, the last taken last.
    #[inline(always)]
    pub fn held(&self) -> &[HeldSlot] {
        &self.held[..self.holds]
    }

    /// It is to fail once it goes on.
    pub fn fails(&mut self, cause: Cause) {
        self.failing = Some(cause);
        self.doing = Doing::Working;
    }

    /// Time until now belongs to its stage; from now on it is in another one.
    #[inline(always)]
    fn enter(&mut self, now: SimTime, stage: Stage, record: &mut Record) {
        let left = std::mem::replace(&mut self.stage, stage);
        let since = std::mem::replace(&mut self.since, now);
        if since != now {
            let nanos = now.since(since).nanos();
            self.split.add(left, nanos);
            for slot in self.held() {
                record.hold(slot.resource, left, nanos);
            }
        }
    }

    /// Gives back the slot that was taken last: time until now belongs to it.
    #[inline(always)]
    fn give(&mut self, now: SimTime, record: &mut Record) -> Option<HeldSlot> {
        let last = self.holds.checked_sub(1)?;
        self.enter(now, self.stage, record);
        self.holds = last;
        Some(self.held[last])
    }

    /// Takes a slot.
    #[inline(always)]
    fn take(&mut self, slot: HeldSlot) {
        self.held[self.holds] = slot;
        self.holds += 1;
    }
}

impl World<'_> {
    // ---- sessions ---------------------------------------------------------------------------------------------------

    /// Somebody comes, and is ready.
    pub(super) fn begin_visit(&mut self, source: u16, user: u64, recorded: Option<&Recorded>) {
        let (session, flow) = self.introduce(source, user, recorded);
        self.record.online.up(self.now);
        let model = self.model;
        let (handle, visit) = self.visits.claim(|| Visit::new(model, session.clone()));
        visit.begin(session, flow);
        visit.doing = Doing::Thinking;
        self.ready.push_back(Ready::Fibre(handle));
    }

    /// A session is over. True when the same user's next one has begun in its place.
    #[inline(always)]
    fn end_visit(&mut self, index: u32) -> bool {
        let session = &self.visits[index].session;
        let (source, user) = (session.source, session.user);
        let person = session.end(self.now, &mut self.record);
        if self.is_followed(person, source) {
            let (session, flow) = self.introduce(source, user, None);
            self.visits.claim_again(index).begin(session, flow);
            return true;
        }
        self.visits.remove(index);
        self.record.online.down(self.now);
        if !self.loading {
            self.end_if_idle();
        }
        false
    }

    /// Takes one event after another. Whoever is ready at an instant goes on before the next event.
    pub(super) fn run_plain(&mut self, control: &Control<'_>) -> Result<(), SimulationError> {
        loop {
            let (index, doing) = match self.ready.pop_front() {
                Some(ready) => {
                    self.go_on_at_this_instant()?;
                    match ready {
                        Ready::Task(handle) => (handle.index, Doing::Working),
                        Ready::Fibre(handle) => (handle.index, Doing::Thinking),
                    }
                }
                None => {
                    let Some(due) = self.next_event(control)? else {
                        return Ok(());
                    };
                    let Some(index) = due.task() else {
                        self.handle(due.scheduled, due.event());
                        continue;
                    };
                    let visit = &self.visits[index];
                    if visit.scheduled != due.scheduled {
                        continue;
                    }
                    (index, visit.doing)
                }
            };
            // From its flow to its program and back right here, where nobody is ready before it.
            let mut goes_on = match doing {
                Doing::Thinking => true,
                Doing::Working => self.work(index),
                Doing::Waiting => self.leave_line_for_good(index),
            };
            while goes_on {
                goes_on = self.think(index) && self.work(index);
            }
        }
    }

    /// Its flow, until it waits or asks for something. True when what it asks for begins right now.
    #[inline(always)]
    fn think(&mut self, index: u32) -> bool {
        let model = self.model;
        let mut visit = &mut self.visits[index];
        if visit.session.ended {
            if self.end_visit(index) {
                self.ready.push_back(Ready::Fibre(self.visits.handle(index)));
            }
            return false;
        }
        let mut pc = visit.flow;
        loop {
            let op = model.flow_ops[pc as usize];
            pc += 1;
            match op {
                FlowOp::Request { endpoint } => {
                    visit.flow = pc;
                    return self.ask(index, endpoint);
                }
                FlowOp::Think { site } => {
                    let key = flow_key(visit.session.key);
                    let span = self.sites.span(site, key, visit.flow_iteration);
                    if span > SimSpan::ZERO {
                        visit.flow = pc;
                        visit.scheduled = self.events.schedule(self.now + span, Event::Task(index));
                        return false;
                    }
                }
                FlowOp::End => {
                    if !self.end_visit(index) {
                        return false;
                    }
                    if !self.ready.is_empty() || self.at_this_instant > STANDSTILL {
                        self.ready.push_back(Ready::Fibre(self.visits.handle(index)));
                        return false;
                    }
                    self.at_this_instant += 1;
                    visit = &mut self.visits[index];
                    pc = visit.flow;
                }
                FlowOp::Choose { choice } => {
                    let choice = &model.choices[choice as usize];
                    let key = flow_key(visit.session.key);
                    let uniform = || key.at(choice.place, visit.flow_iteration).draw().uniform();
                    pc = choice.branch(visit.session.class, uniform);
                }
                FlowOp::Repeat { site, after } => {
                    let key = flow_key(visit.session.key);
                    match self.sites.count(site, key, visit.flow_iteration) {
                        0 => pc = after,
                        times => visit.flow_frames.push((times, pc)),
                    }
                }
                FlowOp::Again => {
                    if let Some(body) = again(&mut visit.flow_frames) {
                        pc = body;
                        visit.flow_iteration += 1;
                    }
                }
                FlowOp::Jump { to } => pc = to,
                FlowOp::Fork { .. } | FlowOp::EndBranch => {
                    debug_assert!(false, "a fork in a plain model");
                    return false;
                }
            }
        }
    }

    // ---- requests ---------------------------------------------------------------------------------------------------

    /// A person asks for something. True when its attempt begins right now.
    #[inline(always)]
    fn ask(&mut self, index: u32, endpoint: u16) -> bool {
        let now = self.now;
        let (handle, visit) = self.visits.entry(index);
        let session = &mut visit.session;
        let number = session.requests;
        session.requests += 1;
        let phase = self.model.sources[session.source as usize].phase_at(now);
        let measured = self.model.measures(now);
        let window = self.record.window_of(now);
        let cell = self.record.cell_index(endpoint, session.class, phase);
        visit.key = attempt_key(request_key(session.key, number), 0);
        visit.measured = measured;
        visit.endpoint = endpoint;
        visit.cell = cell;
        visit.window = window;
        visit.began = now;
        visit.doing = Doing::Working;
        visit.pc = self.model.endpoints[endpoint as usize].start;
        visit.iteration = 0;
        visit.stage = STAGE_CLIENT;
        visit.since = now;
        self.record.asked(now, measured, cell, window);
        self.record.attempts_begun += 1;
        if !self.ready.is_empty() {
            self.ready.push_back(Ready::Task(handle));
            return false;
        }
        self.at_this_instant += 1;
        true
    }

    /// The program of what was asked for, until it has to wait or ends. True when the flow goes on right now.
    #[inline(always)]
    fn work(&mut self, index: u32) -> bool {
        let (model, now) = (self.model, self.now);
        let ops = model.ops.as_slice();
        // Looked up once, and again only after something that may have touched other visits.
        let (handle, mut visit) = self.visits.entry(index);
        if let Some(cause) = visit.failing.take() {
            return self.fail_visit(index, cause);
        }
        let mut pc = visit.pc;
        loop {
            let op = &ops[pc as usize];
            // The place after this one, unless the instruction says otherwise.
            pc += 1;
            match *op {
                Op::Jump { to } => pc = to,
                Op::Choose { choice } => {
                    let choice = &model.choices[choice as usize];
                    let uniform = || visit.key.at(choice.place, visit.iteration).draw().uniform();
                    pc = choice.branch(visit.session.class, uniform);
                }
                Op::Serve { site, stage } | Op::Delay { site, stage } => {
                    let span = self.sites.span(site, visit.key, visit.iteration);
                    if span > SimSpan::ZERO {
                        visit.enter(now, stage, &mut self.record);
                        visit.pc = pc;
                        visit.scheduled = self.events.schedule(now + span, Event::Task(index));
                        return false;
                    }
                }
                Op::Acquire { slots, local, resource } => {
                    let machine = &mut self.processes[visit.process as usize].slots[local as usize];
                    match machine.acquire(now, handle) {
                        Ask::Granted => {
                            self.record.stations[resource as usize].start_at_once(now, self.record.measuring);
                            visit.take(HeldSlot {
                                local,
                                resource,
                                since: now,
                            });
                        }
                        Ask::Waiting(place) => {
                            visit.pc = pc;
                            self.line_up_visit(index, slots, place);
                            return false;
                        }
                        Ask::Full => {
                            self.record.stations[resource as usize].refuse(now, self.record.measuring);
                            self.record.see(now, Cause::QueueFull, Some(resource));
                            return self.fail_visit(index, Cause::QueueFull);
                        }
                    }
                }
                Op::Release => {
                    if let Some(slot) = visit.give(now, &mut self.record) {
                        let machine = &mut self.processes[visit.process as usize].slots[slot.local as usize];
                        let station = &mut self.record.stations[slot.resource as usize];
                        if let Some(waiter) = machine.release() {
                            station.hand_over(now, slot.since, waiter.since, self.record.measuring);
                            self.lend_to_visit(waiter.ticket, slot);
                            visit = &mut self.visits[index];
                        } else {
                            station.end(now, slot.since, self.record.measuring);
                        }
                    }
                }
                Op::Arrive { service } => {
                    let service = service as usize;
                    let only = self.services[service].instances[0];
                    visit.process = self.instances[only as usize].next_process();
                    self.record.services[service].in_hand.up(now);
                }
                Op::Limit { limiter } => {
                    let asker = Asker {
                        process: visit.process,
                        session: handle,
                        person: visit.session.person,
                        ip: visit.session.ip,
                        signed_in: visit.session.signed_in,
                    };
                    match self.ask_limiter(limiter, &asker) {
                        Ok(SimSpan::ZERO) => visit = &mut self.visits[index],
                        Ok(wait) => {
                            let visit = &mut self.visits[index];
                            visit.enter(now, model.limiters[limiter as usize].stage, &mut self.record);
                            visit.pc = pc;
                            visit.scheduled = self.events.schedule(now + wait, Event::Task(index));
                            return false;
                        }
                        Err(_) => return self.fail_visit(index, Cause::RateLimited),
                    }
                }
                Op::SignedIn => {
                    if !visit.session.signed_in {
                        return self.fail_visit(index, Cause::Unauthorized);
                    }
                }
                Op::Repeat { site, after } => match self.sites.count(site, visit.key, visit.iteration) {
                    0 => pc = after,
                    times => visit.frames.push((times, pc)),
                },
                Op::Again => {
                    if let Some(body) = again(&mut visit.frames) {
                        pc = body;
                        visit.iteration += 1;
                    }
                }
                Op::Fail { site, share, cause } => {
                    let place = self.sites.place(site);
                    let uniform = || visit.key.at(place, visit.iteration).draw().uniform();
                    if share >= 1.0 || uniform() < f64::from(share) {
                        return self.fail_visit(index, cause);
                    }
                }
                Op::End => return self.end_of_work(index, None),
                _ => {
                    debug_assert!(false, "an instruction that no plain model has");
                    return false;
                }
            }
        }
    }

    /// What was asked for has ended, well or not. True when the flow goes on right now.
    #[inline(always)]
    fn end_of_work(&mut self, index: u32, cause: Option<Cause>) -> bool {
        let now = self.now;
        let visit = &mut self.visits[index];
        debug_assert!(visit.holds == 0, "a slot that is kept");
        visit.enter(now, STAGE_CLIENT, &mut self.record);
        visit.doing = Doing::Thinking;
        visit.frames.clear();
        self.record.attempts_ended += 1;
        let service = self.processes[visit.process as usize].service;
        self.record.services[service as usize].in_hand.down(now);
        let ended = Ended {
            cell: visit.cell,
            window: visit.window,
            latency: now.since(visit.began).nanos(),
            first_byte: 0,
            answer: Answer::OnTheSpot,
        };
        match cause {
            None => {
                let loading = now < self.model.duration;
                self.record
                    .useful(now, visit.measured, loading, &ended, &mut visit.split);
                if self.model.endpoints[visit.endpoint as usize].signs_in {
                    visit.session.signed_in = true;
                }
            }
            Some(cause) => self.note_failure(index, cause, &ended),
        }
        // What nobody counted.
        self.visits[index].split.clear();
        if !self.ready.is_empty() || self.at_this_instant > STANDSTILL {
            self.ready.push_back(Ready::Fibre(self.visits.handle(index)));
            return false;
        }
        self.at_this_instant += 1;
        true
    }

    /// What was asked for fails: whatever is held is given back.
    #[inline(never)]
    fn fail_visit(&mut self, index: u32, cause: Cause) -> bool {
        self.record.see(self.now, cause, None);
        while let Some(slot) = self.visits[index].give(self.now, &mut self.record) {
            let process = self.visits[index].process;
            let machine = &mut self.processes[process as usize].slots[slot.local as usize];
            let station = &mut self.record.stations[slot.resource as usize];
            if let Some(waiter) = machine.release() {
                station.hand_over(self.now, slot.since, waiter.since, self.record.measuring);
                self.lend_to_visit(waiter.ticket, slot);
            } else {
                station.end(self.now, slot.since, self.record.measuring);
            }
        }
        self.end_of_work(index, Some(cause))
    }

    fn note_failure(&mut self, index: u32, cause: Cause, ended: &Ended) {
        let visit = &mut self.visits[index];
        if visit.measured {
            let cell = self.record.cell_at(ended.cell);
            if cause.status().is_some() {
                cell.tool.record(ended.latency);
            } else {
                cell.tool_missing += 1;
            }
        }
        self.record.useless(self.now, visit.measured, ended, cause);
        let client = &self.model.clients[visit.session.client as usize];
        let gave_up = cause == Cause::ClientTimeout;
        if if gave_up {
            client.ends_on_timeout
        } else {
            client.ends_on_error
        } {
            visit.session.ended = true;
            visit.session.abandoned |= gave_up;
        }
    }

    // ---- lines for slots --------------------------------------------------------------------------------------------

    /// A visit is in the line for a slot.
    #[inline(never)]
    fn line_up_visit(&mut self, index: u32, slots: u16, place: Place) {
        let spec = &self.model.slots[slots as usize];
        let visit = &mut self.visits[index];
        self.record.stations[spec.resource as usize].join(self.now, self.record.measuring);
        visit.enter(self.now, spec.wait_stage, &mut self.record);
        visit.doing = Doing::Waiting;
        visit.scheduled = Scheduled::NOTHING;
        visit.line = Some((slots, place, self.now));
        if spec.timeout != SimSpan::FOREVER {
            let process = &self.processes[visit.process as usize];
            let deadline = process.slots[spec.local as usize].next_deadline();
            self.arm(process.first_wake + u32::from(spec.local), deadline);
        }
        if let Some(site) = spec.patience {
            let visit = &mut self.visits[index];
            let span = self.sites.span(site, visit.key, visit.iteration);
            visit.scheduled = self.events.schedule(self.now + span, Event::Task(index));
        }
    }

    /// A waiter has the slot that another visit has just given back.
    #[inline(always)]
    fn lend_to_visit(&mut self, ticket: Handle, slot: HeldSlot) {
        let visit = &mut self.visits[ticket.index];
        visit.enter(self.now, visit.stage, &mut self.record);
        visit.doing = Doing::Working;
        visit.scheduled = Scheduled::NOTHING;
        visit.take(HeldSlot {
            since: self.now,
            ..slot
        });
        self.ready.push_back(Ready::Task(ticket));
    }

    /// A drawn patience with a line is over. True when the flow goes on right now.
    #[inline(never)]
    fn leave_line_for_good(&mut self, index: u32) -> bool {
        let visit = &mut self.visits[index];
        let Some((slots, place, since)) = visit.line else {
            return false;
        };
        let spec = &self.model.slots[slots as usize];
        let machine = &mut self.processes[visit.process as usize].slots[spec.local as usize];
        if machine.cancel(place).is_none() {
            return false;
        }
        visit.doing = Doing::Working;
        self.record.stations[spec.resource as usize].give_up(self.now, since, self.record.measuring);
        self.record.see(self.now, spec.cause, Some(spec.resource));
        self.fail_visit(index, spec.cause)
    }
}

/// Where the innermost loop begins again, if it does.
fn again(frames: &mut Vec<(u32, Pc)>) -> Option<Pc> {
    let (left, body) = frames.last_mut()?;
    *left -= 1;
    if *left > 0 {
        return Some(*body);
    }
    frames.pop();
    None
}
