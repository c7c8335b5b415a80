//! People and their sessions: who comes when, and where each is in its flow.

use highwater_models::{SimSpan, SimTime};
use highwater_program::crowd::{Changed, flow_key};

use super::{Expected, Fibre, Ready, STANDSTILL, Session, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;
use crate::split::Split;
use highwater_program::model::{Coming, FlowOp, Pc, Recorded, Who};

impl World<'_> {
    /// The first arrival of every source.
    pub(super) fn start_sources(&mut self) {
        for source in 0..self.model.sources.len() as u16 {
            self.fill_up(source);
        }
    }

    /// The next arrival of a source is then, whatever was expected before.
    fn expect(&mut self, source: u16, at: Option<SimTime>) {
        self.arrivals[source as usize] = match at {
            Some(at) => Expected {
                at,
                scheduled: self.events.schedule(at, Event::Arrival(u32::from(source))),
            },
            None => Expected::NOTHING,
        };
    }

    /// From now on so many times as many come from a source as its present settings say.
    pub(super) fn change_source(&mut self, source: u16, factor: f64) {
        if !self.loading {
            self.crowd.set_factor(source, factor);
            return;
        }
        let expected = self.arrivals[source as usize].at;
        match self.crowd.change(self.model, source, factor, self.now, expected) {
            Changed::Nothing => {}
            Changed::Expect(at) => self.expect(source, at),
            // The level may have fallen again, or those who left may have made room: look at it now.
            Changed::Level => self.fill_up(source),
        }
    }

    /// A source has as many users as it wants now, and brings the next one when it does.
    fn fill_up(&mut self, source: u16) {
        for _ in 0..self.crowd.missing(self.model, source, self.now) {
            let user = self.crowd.begin_user(source);
            self.begin_new_session(source, user, None);
        }
        let at = self.crowd.next_arrival(self.model, source, self.now);
        self.expect(source, at);
    }

    /// A source's next session, or several, arrive.
    pub(super) fn arrival(&mut self, source: u32, scheduled: Scheduled) {
        if !self.loading || self.arrivals[source as usize].scheduled != scheduled {
            return;
        }
        let number = source as u16;
        if !matches!(self.model.sources[source as usize].coming, Coming::Closed { .. }) {
            let arrival = self.crowd.arrive(self.model, number);
            for _ in 0..arrival.sessions {
                self.begin_new_session(number, 0, arrival.recorded.as_ref());
            }
        }
        self.fill_up(number);
    }

    fn begin_new_session(&mut self, source: u16, user: u64, recorded: Option<&Recorded>) {
        if self.is_plain {
            self.begin_visit(source, user, recorded);
        } else {
            self.begin_session(source, user, recorded, None);
        }
    }

    /// A session begins: with a new thread, which is ready, or in place of a session that ends now and of its last
    /// thread, which is then the caller's to go on with.
    #[inline(always)]
    fn begin_session(&mut self, source: u16, user: u64, recorded: Option<&Recorded>, place: Option<(u32, u32)>) {
        let (session, pc) = self.introduce(source, user, recorded);
        if let Some((place, fibre)) = place {
            let session = self.sessions.renew(place, session);
            self.fibres.renew(fibre, Fibre::new(session, Handle::NOTHING, pc, 0));
        } else {
            self.record.online.up(self.now);
            let session = self.sessions.insert(session);
            let fibre = self.insert_fibre(session, Handle::NOTHING, pc, 0);
            self.ready.push_back(Ready::Fibre(fibre));
        }
    }

    /// Whoever comes next from a source: the session, counted, and where its flow starts.
    #[inline(always)]
    pub(super) fn introduce(&mut self, source: u16, user: u64, recorded: Option<&Recorded>) -> (Session, Pc) {
        let spec = &self.model.sources[source as usize];
        let who = self.crowd.begin(self.model, source, user, recorded, self.now);
        let session = Session {
            key: who.key,
            number: who.number,
            source,
            class: who.class,
            client: spec.client,
            signed_in: who.signed_in,
            ended: false,
            abandoned: false,
            measured: self.record.measuring,
            person: who.person,
            ip: who.ip,
            user,
            began: self.now,
            requests: 0,
            fibres: 1,
            tokens: 0.0,
            messages: 0.0,
        };
        if self.record.measuring {
            self.record.sessions.offered += 1;
            self.record.sessions.signed_up += u64::from(matches!(spec.who, Who::SignUp));
        }
        (session, self.model.flows[who.flow as usize].start)
    }

    fn insert_fibre(&mut self, session: Handle, parent: Handle, pc: u32, iteration: u32) -> Handle {
        let handle = self.fibres.insert(Fibre::new(session, parent, pc, iteration));
        if handle.index as usize == self.flow_frames.len() {
            self.flow_frames.push(Vec::with_capacity(self.model.frame_depth));
            self.request_splits.push(Split::new(self.model.stages.len()));
        }
        handle
    }

    /// A person has thought.
    #[inline]
    pub(super) fn thought(&mut self, index: u32, scheduled: Scheduled) {
        if self.fibres[index].scheduled == scheduled {
            self.run_fibre(index);
        }
    }

    /// A thread of a flow that became ready goes on, if it is still there.
    #[inline]
    pub(super) fn go_on_thinking(&mut self, handle: Handle) {
        if self.fibres.is_live(handle) {
            self.run_fibre(handle.index);
        }
    }

    /// A session's flow goes on until it waits for something.
    fn run_fibre(&mut self, index: u32) {
        let model = self.model;
        let fibre = &self.fibres[index];
        let (mut session, mut pc, mut iteration) = (fibre.session, fibre.pc, fibre.iteration);
        if self.sessions[session.index].ended {
            if self.drop_fibre(index) {
                self.ready.push_back(Ready::Fibre(self.fibres.handle(index)));
            }
            return;
        }
        loop {
            let op = model.flow_ops[pc as usize];
            pc += 1;
            match op {
                FlowOp::Request { endpoint } => {
                    self.fibres[index].pc = pc;
                    self.begin_request(index, session, endpoint);
                    return;
                }
                FlowOp::Think { site } => {
                    let key = flow_key(self.sessions[session.index].key);
                    let span = self.sites.span(site, key, iteration);
                    if span > SimSpan::ZERO {
                        let scheduled = self.events.schedule(self.now + span, Event::Fibre(index));
                        let fibre = &mut self.fibres[index];
                        fibre.pc = pc;
                        fibre.scheduled = scheduled;
                        return;
                    }
                }
                FlowOp::End => {
                    self.sessions[session.index].ended = true;
                    if !self.drop_fibre(index) {
                        return;
                    }
                    // The next session of the same user: it goes on right here where nobody goes before it.
                    if !self.ready.is_empty() || self.at_this_instant > STANDSTILL {
                        self.ready.push_back(Ready::Fibre(self.fibres.handle(index)));
                        return;
                    }
                    self.at_this_instant += 1;
                    let fibre = &self.fibres[index];
                    (session, pc, iteration) = (fibre.session, fibre.pc, fibre.iteration);
                }
                FlowOp::Choose { choice } => {
                    let session = &self.sessions[session.index];
                    let choice = &model.choices[choice as usize];
                    let key = || flow_key(session.key);
                    pc = choice.branch(session.class, || key().at(choice.place, iteration).draw().uniform());
                }
                FlowOp::Repeat { site, after } => {
                    let key = flow_key(self.sessions[session.index].key);
                    let times = self.sites.count(site, key, iteration);
                    if times == 0 {
                        pc = after;
                    } else {
                        self.flow_frames[index as usize].push((times, pc));
                    }
                }
                FlowOp::Again => {
                    let frames = &mut self.flow_frames[index as usize];
                    if let Some((left, body)) = frames.last_mut() {
                        *left -= 1;
                        if *left > 0 {
                            pc = *body;
                            iteration += 1;
                            self.fibres[index].iteration = iteration;
                        } else {
                            frames.pop();
                        }
                    }
                }
                FlowOp::Fork { branches } => {
                    let starts = &model.forks[branches as usize].branches;
                    let handle = self.fibres.handle(index);
                    self.fibres[index].pc = pc;
                    self.fibres[index].pending = starts.len() as u32;
                    for &start in starts {
                        let branch = self.insert_fibre(session, handle, start, iteration);
                        self.sessions[session.index].fibres += 1;
                        self.ready.push_back(Ready::Fibre(branch));
                    }
                    return;
                }
                FlowOp::EndBranch => {
                    let parent = self.fibres[index].parent;
                    if self.drop_fibre(index) {
                        self.ready.push_back(Ready::Fibre(self.fibres.handle(index)));
                    }
                    if self.fibres.is_live(parent) {
                        self.fibres[parent.index].pending -= 1;
                        if self.fibres[parent.index].pending == 0 {
                            self.ready.push_back(Ready::Fibre(parent));
                        }
                    }
                    return;
                }
                FlowOp::Jump { to } => pc = to,
            }
        }
    }

    /// A thread of a session is over; with the last one the session is. True when the same user's next session has
    /// begun in its place.
    #[inline]
    fn drop_fibre(&mut self, index: u32) -> bool {
        let session = self.fibres[index].session;
        self.flow_frames[index as usize].clear();
        let state = &mut self.sessions[session.index];
        state.fibres -= 1;
        if state.fibres > 0 {
            self.fibres.remove(index);
            return false;
        }
        self.end_session(session.index, index)
    }

    /// Whether a session that ends is followed by the next one of the same user; else the user is gone.
    #[inline(always)]
    pub(super) fn is_followed(&mut self, person: u64, source: u16) -> bool {
        self.crowd.end(self.model, source, person, self.now, self.loading)
    }

    /// A session ends with its last thread. A user of a closed source begins the next one in its place.
    #[inline]
    fn end_session(&mut self, index: u32, fibre: u32) -> bool {
        let session = &self.sessions[index];
        let (source, user) = (session.source, session.user);
        let person = session.end(self.now, &mut self.record);
        if self.is_followed(person, source) {
            self.begin_session(source, user, None, Some((index, fibre)));
            return true;
        }
        self.fibres.remove(fibre);
        self.sessions.remove(index);
        self.record.online.down(self.now);
        if !self.loading {
            self.end_if_idle();
        }
        false
    }
}
