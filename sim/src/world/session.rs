//! People and their sessions: who comes when, and where each is in its flow.

use highwater_models::{SimSpan, SimTime};
use highwater_workload::Key;
use highwater_workload::arrivals::Segment;
use highwater_workload::popularity::Popularity;
use highwater_workload::stream::Purpose;

use super::{Fibre, Ready, STANDSTILL, Session, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;
use crate::split::Split;
use highwater_program::model::{Addresses, Coming, FlowOp, Pc, Recorded, Who};

impl World<'_> {
    /// The first arrival of every source.
    pub(super) fn start_sources(&mut self) {
        for source in 0..self.model.sources.len() {
            match &self.model.sources[source].coming {
                Coming::Closed { segments } => {
                    let users = level_at(segments, SimTime::ZERO, 1.0);
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
            Coming::Every(_) if state.factor > 0.0 => {
                let (now, factor) = (self.now, state.factor);
                let gap = state.every.as_mut().map(|law| law.span(&mut state.draws));
                gap.map(|gap| now + scaled(gap, 1.0 / factor).max(SimSpan::from_nanos(1)))
            }
            // Looked at again when somebody is to come.
            Coming::Every(_) => None,
            Coming::Closed { .. } => None,
        };
        self.expect(source, at);
    }

    /// The next arrival of a source is then, whatever was expected before.
    fn expect(&mut self, source: usize, at: Option<SimTime>) {
        let at = at.filter(|&at| at <= self.model.duration);
        let state = &mut self.sources[source];
        state.scheduled_at = at.unwrap_or(SimTime::NEVER);
        state.scheduled = match at {
            Some(at) => self.events.schedule(at, Event::Arrival(source as u32)),
            None => Scheduled::NOTHING,
        };
    }

    /// From now on so many times as many come from a source as its present settings say.
    pub(super) fn change_source(&mut self, source: u16, factor: f64) {
        let number = source as usize;
        let before = std::mem::replace(&mut self.sources[number].factor, factor);
        if !self.loading {
            return;
        }
        match &self.model.sources[number].coming {
            Coming::Open { segments, .. } => {
                let now = self.now;
                let state = &mut self.sources[number];
                let at = state
                    .arrivals
                    .as_mut()
                    .and_then(|arrivals| arrivals.change(now, segments.clone(), factor));
                self.expect(number, at);
            }
            Coming::Closed { .. } => self.fill_up(source),
            Coming::Every(_) => {
                let at = self.sources[number].scheduled_at;
                if at == SimTime::NEVER {
                    self.schedule_arrival(number);
                } else {
                    let left = at.since(self.now);
                    let at = (factor > 0.0).then(|| self.now + scaled(left, before / factor));
                    self.expect(number, at);
                }
            }
            // Their times are given; of each there are more, or fewer.
            Coming::At(_) | Coming::Trace(_) => {}
        }
    }

    /// A closed source has as many users as it wants now, and looks again when it wants more.
    fn fill_up(&mut self, source: u16) {
        let number = source as usize;
        if let Coming::Closed { segments } = &self.model.sources[number].coming {
            // The level may have fallen again, or those who left may have made room: look at it now.
            let wanted = level_at(segments, self.now, self.sources[number].factor);
            while self.sources[number].active < wanted {
                self.begin_user(source);
            }
            self.schedule_rise(number);
        }
    }

    /// When a closed source wants one user more.
    fn schedule_rise(&mut self, source: usize) {
        if let Coming::Closed { segments } = &self.model.sources[source].coming {
            let state = &self.sources[source];
            let wanted = (state.active + 1) as f64 / state.factor;
            let at = rise(segments, self.now, wanted);
            self.expect(source, at);
        }
    }

    /// A source's next session, or several, arrive.
    pub(super) fn arrival(&mut self, source: u32, scheduled: Scheduled) {
        let number = source as usize;
        if !self.loading || self.sources[number].scheduled != scheduled {
            return;
        }
        if let Coming::Closed { .. } = &self.model.sources[number].coming {
            self.fill_up(source as u16);
            return;
        }
        let recorded = match &self.model.sources[number].coming {
            Coming::Trace(rows) => rows.get(self.sources[number].next_at).cloned(),
            _ => None,
        };
        self.sources[number].next_at += 1;
        let state = &mut self.sources[number];
        let mut sessions = state.batch.as_mut().map_or(1, |batch| batch.count(&mut state.draws));
        let has_times = matches!(self.model.sources[number].coming, Coming::At(_) | Coming::Trace(_));
        if has_times && state.factor != 1.0 {
            // On average so many times as many: the fraction by chance.
            let wanted = f64::from(sessions) * state.factor;
            sessions = wanted as u32 + u32::from(state.draws.uniform() < wanted.fract());
        }
        for _ in 0..sessions {
            self.begin_new_session(source as u16, 0, recorded.as_ref());
        }
        self.schedule_arrival(number);
    }

    fn begin_user(&mut self, source: u16) {
        let state = &mut self.sources[source as usize];
        state.active += 1;
        let user = state.users;
        state.users += 1;
        self.begin_new_session(source, user, None);
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
        let state = &mut self.sources[source as usize];
        let number = state.sessions;
        state.sessions += 1;
        let stream = (u64::from(source) << 48) | number;
        let key = self.sessions_key.child(stream);
        let (person, class, ip) = match (spec.strangers, recorded) {
            (Some(class), None) => {
                let people_of = u64::from(spec.people_of) << 48;
                let people = &mut self.sources[spec.people_of as usize].people;
                let person = people_of | *people;
                *people += 1;
                (person, class, people_of ^ person)
            }
            _ => self.who_comes(source, user, recorded, key),
        };
        let flow = match recorded.and_then(|row| row.flow) {
            Some(flow) => flow,
            None => pick(&spec.flows, || key.child(1).draw().uniform()).unwrap_or(0),
        };
        let signed_in =
            spec.signed_in >= 1.0 || (spec.signed_in > 0.0 && key.child(2).draw().uniform() < spec.signed_in);
        let session = Session {
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
            ip,
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
        (session, self.model.flows[flow as usize].start)
    }

    /// Whose session it is, of which class and from which address.
    fn who_comes(&mut self, source: u16, user: u64, recorded: Option<&Recorded>, key: Key) -> (u64, u8, u64) {
        let spec = &self.model.sources[source as usize];
        let person = match recorded.and_then(|row| row.person) {
            Some(person) => person,
            None => self.choose_person(source, user, key),
        };
        let people_of = spec.people_of;
        let person = (u64::from(people_of) << 48) | person;
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
        (person, class, (u64::from(people_of) << 48) ^ ip)
    }

    /// Whether a closed source still wants as many users as it has.
    #[inline]
    fn is_wanted(&self, segments: &[Segment], source: u16) -> bool {
        let state = &self.sources[source as usize];
        self.loading
            && match segments {
                // A signed number converts in one instruction.
                [only] if only.rate_from == only.rate_to => {
                    state.active as i64 as f64 <= only.rate_from * state.factor + ROUNDING
                }
                _ => state.active <= level_at(segments, self.now, state.factor),
            }
    }

    /// Whose session it is: a number within the source.
    #[inline(always)]
    fn choose_person(&mut self, source: u16, user: u64, key: Key) -> u64 {
        let spec = &self.model.sources[source as usize];
        let state = &mut self.sources[spec.people_of as usize];
        match &spec.who {
            Who::Same => user,
            Who::New => {
                state.people += 1;
                state.people - 1
            }
            Who::InOrder(count) => {
                state.people += 1;
                (state.people - 1) % count.max(&1)
            }
            Who::Registered(members) => {
                let (joined, left) = (
                    level_at(&members.joined, self.now, 1.0),
                    level_at(&members.left, self.now, 1.0),
                );
                self.choose_offline(spec.people_of, left, joined.saturating_sub(left).max(1), None, key)
            }
            Who::SignUp => {
                let members = match &self.model.sources[spec.people_of as usize].who {
                    Who::Registered(members) => members,
                    _ => return 0,
                };
                // The next number: at least what the curve has come to, so that nobody who is registered has it.
                let person = level_at(&members.joined, self.now, 1.0).max(state.people);
                state.people = person + 1;
                state.mark_online(person);
                person
            }
            Who::Even(count) => self.choose_offline(spec.people_of, 0, *count, None, key),
            Who::Popular(count, popularity) => self.choose_offline(spec.people_of, 0, *count, Some(popularity), key),
        }
    }

    /// Somebody of `count` from a number on who is not online.
    fn choose_offline(
        &mut self,
        people_of: u16,
        first: u64,
        count: u64,
        popular: Option<&Popularity>,
        key: Key,
    ) -> u64 {
        let state = &mut self.sources[people_of as usize];
        let mut draw = key.child(0).draw();
        let mut person = 0;
        // Somebody who is not online yet; after many misses nearly everybody is, and the next one will do.
        for _ in 0..64 {
            person = match popular {
                None => first + draw.below(count),
                Some(popularity) => u64::from(popularity.draw(&mut draw)),
            };
            if !state.is_online(person) {
                break;
            }
        }
        state.mark_online(person);
        person
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
                    let key = self.sessions[session.index].key.purpose(Purpose::Flow);
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
                    let key = || session.key.purpose(Purpose::Flow);
                    pc = choice.branch(session.class, || key().at(choice.place, iteration).draw().uniform());
                }
                FlowOp::Repeat { site, after } => {
                    let key = self.sessions[session.index].key.purpose(Purpose::Flow);
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
        let spec = &self.model.sources[source as usize];
        if !matches!(spec.who, Who::Same | Who::New | Who::InOrder(_)) {
            self.sources[spec.people_of as usize].mark_offline(person);
        }
        if let Coming::Closed { segments } = &spec.coming {
            if self.is_wanted(segments, source) {
                return true;
            }
            self.sources[source as usize].active -= 1;
        }
        false
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

/// So many times as long.
fn scaled(span: SimSpan, factor: f64) -> SimSpan {
    if factor == 1.0 {
        span
    } else {
        SimSpan::from_nanos((span.nanos() as f64 * factor) as u64)
    }
}

/// A whole number on paper must stay one, whatever rounding does.
const ROUNDING: f64 = 1e-9;

/// How many users a closed source wants at a time, with so many times its level.
fn level_at(segments: &[Segment], at: SimTime, factor: f64) -> u64 {
    let next = segments.partition_point(|segment| segment.to <= at);
    let found = segments.get(next).filter(|segment| segment.from <= at);
    let Some(segment) = found.or_else(|| segments.last()) else {
        return 0;
    };
    let length = (segment.to - segment.from).seconds();
    let share = if length > 0.0 {
        (at.since(segment.from).seconds() / length).min(1.0)
    } else {
        1.0
    };
    ((segment.rate_from + (segment.rate_to - segment.rate_from) * share) * factor + ROUNDING) as u64
}

/// When a closed source first wants so many users, from a time on.
fn rise(segments: &[Segment], from: SimTime, wanted: f64) -> Option<SimTime> {
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
