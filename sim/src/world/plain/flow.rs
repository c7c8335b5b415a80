//! A visit's flow: what a person does between asking for things, and the sessions one after another.

use highwater_models::SimSpan;

use super::{Doing, Person, Visit, Ways, again};
use crate::event::Event;
use crate::slab::{Handle, Slab};
use crate::world::{Ready, STANDSTILL, Session, World};
use highwater_program::model::{FlowOp, Pc, STAGE_CLIENT};

impl Visit {
    /// Makes the key of what it asks for next while it has time for that.
    #[inline(always)]
    fn prepare(&mut self) {
        self.key = self.session.asks.child(self.session.requests).child(0);
        self.prepared = true;
    }

    /// Another session begins in its place.
    #[inline(always)]
    pub(super) fn begin(&mut self, session: &Session, flow: Pc) {
        self.session = Person::of(session);
        self.prepared = false;
        self.flow = flow;
        self.flow_iteration = 0;
    }
}

impl World<'_> {
    /// Its flow, until it waits or asks for something. True when what it asks for begins right now.
    #[inline(always)]
    pub(super) fn think(&mut self, ways: &Ways, visits: &mut Slab<Visit>, index: u32) -> bool {
        let model = self.model;
        let (handle, visit) = visits.entry(index);
        if visit.session.ended {
            visit.rare.flow_frames.clear();
            if self.follow(visit) {
                self.ready.push_back(Ready::Fibre(handle));
            } else {
                self.remove_visit(visits, index);
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
                    return self.ask(ways, visit, handle, endpoint);
                }
                FlowOp::Think { site } => {
                    let span = self.sites.span_apart(site, visit.session.flow, visit.flow_iteration);
                    if span > SimSpan::ZERO {
                        visit.flow = pc;
                        self.events.schedule(self.now + span, Event::Task(index));
                        visit.prepare();
                        return false;
                    }
                }
                FlowOp::End => {
                    if !self.follow(visit) {
                        self.remove_visit(visits, index);
                        return false;
                    }
                    if !self.goes_on_at_once() {
                        self.ready.push_back(Ready::Fibre(handle));
                        return false;
                    }
                    pc = visit.flow;
                }
                FlowOp::Choose { choice } => {
                    let choice = &model.choices[choice as usize];
                    let key = visit.session.flow;
                    let uniform = || key.at(choice.place, visit.flow_iteration).draw().uniform();
                    pc = choice.branch(visit.session.class, uniform);
                }
                FlowOp::Repeat { site, after } => {
                    match self.sites.count(site, visit.session.flow, visit.flow_iteration) {
                        0 => pc = after,
                        times => visit.rare.flow_frames.push((times, pc)),
                    }
                }
                FlowOp::Again => {
                    if let Some(body) = again(&mut visit.rare.flow_frames) {
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

    /// Whether whoever has come to the end of something goes on right here: nobody is ready before it.
    #[inline(always)]
    pub(super) fn goes_on_at_once(&mut self) -> bool {
        // Who has done so for too long without time passing goes by way of the loop, which notices.
        let goes_on = self.ready.is_empty() && self.at_this_instant <= STANDSTILL;
        self.at_this_instant += u64::from(goes_on);
        goes_on
    }

    /// A session is over. True when the same user's next one has begun in its place.
    #[inline(always)]
    fn follow(&mut self, visit: &mut Visit) -> bool {
        let (source, user) = (visit.session.source, visit.session.user);
        let session = &visit.session;
        let person = session.person & 0xffff_ffff_ffff;
        if session.measured {
            let length = self.now.since(session.began).nanos();
            self.record.sessions.ended(length, session.abandoned);
        }
        if self.is_followed(person, source) {
            let (session, flow) = self.introduce(source, user, None);
            visit.begin(&session, flow);
            return true;
        }
        false
    }

    #[cold]
    #[inline(never)]
    fn remove_visit(&mut self, visits: &mut Slab<Visit>, index: u32) {
        visits.remove(index);
        self.record.online.down(self.now);
        if !self.loading && visits.is_empty() {
            self.end_if_idle();
        }
    }

    /// A person asks for something. True when its attempt begins right now.
    #[inline(always)]
    fn ask(&mut self, ways: &Ways, visit: &mut Visit, handle: Handle, endpoint: u16) -> bool {
        let now = self.now;
        let session = &mut visit.session;
        let number = session.requests;
        session.requests += 1;
        let phase = match ways.sources[usize::from(session.source)].phase {
            Some(only) => only,
            None => self.model.sources[usize::from(session.source)].phase_at(now),
        };
        let entrance = &ways.endpoints[usize::from(endpoint)];
        let cell = entrance.cells + self.record.cell_of(session.class, phase);
        if !std::mem::take(&mut visit.prepared) {
            visit.key = session.asks.child(number).child(0);
        }
        visit.measured = self.model.measures(now);
        visit.window = self.record.window_of(now);
        visit.endpoint = endpoint;
        visit.cell = cell;
        visit.began = now;
        visit.pc = entrance.start;
        visit.iteration = 0;
        visit.stage = STAGE_CLIENT;
        visit.since = now;
        self.record.asked(now, visit.measured, cell, visit.window);
        self.record.attempts_begun += 1;
        if !self.ready.is_empty() {
            visit.doing = Doing::Arriving;
            self.ready.push_back(Ready::Task(handle));
            return false;
        }
        self.at_this_instant += 1;
        self.arrive_on_visit(ways, visit);
        true
    }

    /// What was asked for comes to its service.
    #[inline(always)]
    pub(super) fn arrive_on_visit(&mut self, ways: &Ways, visit: &mut Visit) {
        let entrance = &ways.endpoints[usize::from(visit.endpoint)];
        visit.process = match entrance.process {
            Some(only) => only,
            None => self.instances[entrance.instance as usize].next_process(),
        };
        visit.doing = Doing::Working;
        self.record.services[usize::from(entrance.service)].in_hand.up(self.now);
    }
}
