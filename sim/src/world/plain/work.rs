//! A visit's program: limits, slots and time, and how what was asked for ends.

use highwater_models::machine::line::Place;
use highwater_models::machine::slots::Ask;
use highwater_models::{Cause, SimSpan};

use super::{Doing, HeldSlot, InLine, Visit, Ways, again};
use crate::event::{Event, Scheduled};
use crate::measure::{Answer, Ended};
use crate::slab::{Handle, Slab};
use crate::world::task::Asker;
use crate::world::{Ready, World};
use highwater_program::model::{Op, Pc, STAGE_CLIENT, SiteId, Stage};

impl World<'_> {
    /// As [`World::work`], in a function of its own.
    #[inline(never)]
    pub(super) fn work_apart(&mut self, ways: &Ways, visits: &mut Slab<Visit>, index: u32) -> bool {
        self.work(ways, visits, index)
    }

    /// The program of what was asked for, until it has to wait or ends. True when the flow goes on right now.
    #[inline(always)]
    pub(super) fn work(&mut self, ways: &Ways, visits: &mut Slab<Visit>, index: u32) -> bool {
        let (model, now) = (self.model, self.now);
        let ops = model.ops.as_slice();
        // Looked up once, and again only after another visit has been touched.
        let (handle, mut visit) = visits.entry(index);
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
                    if self.spend(visit, index, pc, site, stage) {
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
                            // What nearly always comes next.
                            if let Some(&Op::Serve { site, stage }) = ops.get(pc as usize) {
                                pc += 1;
                                if self.spend(visit, index, pc, site, stage) {
                                    return false;
                                }
                            }
                        }
                        Ask::Waiting(place) => {
                            visit.pc = pc;
                            self.line_up_visit(visit, index, slots, place);
                            return false;
                        }
                        Ask::Full => {
                            self.record.stations[resource as usize].refuse(now, self.record.measuring);
                            self.record.see(now, Cause::QueueFull, Some(resource));
                            return self.fail_visit(ways, visits, index, Cause::QueueFull);
                        }
                    }
                }
                Op::Release => {
                    if let Some(slot) = visit.give(now, &mut self.record) {
                        let machine = &mut self.processes[visit.process as usize].slots[slot.local as usize];
                        let station = &mut self.record.stations[slot.resource as usize];
                        if let Some(waiter) = machine.release() {
                            station.hand_over(now, slot.since, waiter.since, self.record.measuring);
                            self.lend_to_visit(visits, waiter.ticket, slot);
                            visit = &mut visits[index];
                        } else {
                            station.end(now, slot.since, self.record.measuring);
                        }
                    }
                }
                Op::Limit { limiter } => {
                    let asker = Asker {
                        process: visit.process,
                        session: u64::from(visit.session.source) << 48 | visit.session.number,
                        person: visit.session.person,
                        ip: visit.session.ip,
                        signed_in: visit.session.signed_in,
                    };
                    match self.ask_limiter(limiter, &asker) {
                        Ok(SimSpan::ZERO) => {}
                        Ok(wait) => {
                            visit.enter(now, model.limiters[limiter as usize].stage, &mut self.record);
                            visit.pc = pc;
                            self.events.schedule(now + wait, Event::Task(index));
                            return false;
                        }
                        Err(_) => return self.fail_visit(ways, visits, index, Cause::RateLimited),
                    }
                }
                Op::SignedIn => {
                    if !visit.session.signed_in {
                        return self.fail_visit(ways, visits, index, Cause::Unauthorized);
                    }
                }
                Op::Repeat { site, after } => match self.sites.count(site, visit.key, visit.iteration) {
                    0 => pc = after,
                    times => visit.rare.frames.push((times, pc)),
                },
                Op::Again => {
                    if let Some(body) = again(&mut visit.rare.frames) {
                        pc = body;
                        visit.iteration += 1;
                    }
                }
                Op::Fail { site, share, cause } => {
                    let place = self.sites.place(site);
                    let uniform = || visit.key.at(place, visit.iteration).draw().uniform();
                    if share >= 1.0 || uniform() < f64::from(share) {
                        return self.fail_visit(ways, visits, index, cause);
                    }
                }
                Op::End => return self.end_of_work(ways, visit, handle, None),
                _ => {
                    debug_assert!(false, "an instruction that no plain model has");
                    return false;
                }
            }
        }
    }

    /// Spends a drawn time in a stage, and then goes on at a place. False when it is none.
    #[inline(always)]
    fn spend(&mut self, visit: &mut Visit, index: u32, pc: Pc, site: SiteId, stage: Stage) -> bool {
        let span = self.sites.span_apart(site, visit.key, visit.iteration);
        if span == SimSpan::ZERO {
            return false;
        }
        visit.enter(self.now, stage, &mut self.record);
        visit.pc = pc;
        self.events.schedule(self.now + span, Event::Task(index));
        true
    }

    /// What was asked for has ended, well or not. True when the flow goes on right now.
    #[inline(always)]
    fn end_of_work(&mut self, ways: &Ways, visit: &mut Visit, handle: Handle, cause: Option<Cause>) -> bool {
        let now = self.now;
        debug_assert!(visit.holds == 0, "a slot that is kept");
        visit.enter(now, STAGE_CLIENT, &mut self.record);
        visit.doing = Doing::Thinking;
        self.record.attempts_ended += 1;
        let entrance = &ways.endpoints[usize::from(visit.endpoint)];
        self.record.services[usize::from(entrance.service)].in_hand.down(now);
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
                let measured = visit.measured;
                self.record
                    .useful_here(now, measured, loading, &ended, |row| visit.pour(row));
                visit.session.signed_in |= entrance.signs_in;
            }
            Some(cause) => self.note_failure(visit, cause, &ended),
        }
        if visit.spans.count > 0 || visit.spans.overflowed {
            visit.forget_times();
        }
        let goes_on = self.goes_on_at_once();
        if !goes_on {
            self.ready.push_back(Ready::Fibre(handle));
        }
        goes_on
    }

    /// What was asked for fails: whatever is held is given back. True when the flow goes on right now.
    #[cold]
    #[inline(never)]
    pub(super) fn fail_visit(&mut self, ways: &Ways, visits: &mut Slab<Visit>, index: u32, cause: Cause) -> bool {
        self.record.see(self.now, cause, None);
        visits[index].rare.frames.clear();
        while let Some(slot) = visits[index].give(self.now, &mut self.record) {
            let process = visits[index].process;
            let machine = &mut self.processes[process as usize].slots[usize::from(slot.local)];
            let station = &mut self.record.stations[usize::from(slot.resource)];
            if let Some(waiter) = machine.release() {
                station.hand_over(self.now, slot.since, waiter.since, self.record.measuring);
                self.lend_to_visit(visits, waiter.ticket, slot);
            } else {
                station.end(self.now, slot.since, self.record.measuring);
            }
        }
        let (handle, visit) = visits.entry(index);
        self.end_of_work(ways, visit, handle, Some(cause))
    }

    fn note_failure(&mut self, visit: &mut Visit, cause: Cause, ended: &Ended) {
        if visit.measured {
            let cell = self.record.cell_at(ended.cell);
            if cause.status().is_some() {
                cell.tool.record(ended.latency);
            } else {
                cell.tool_missing += 1;
            }
        }
        self.record.useless(self.now, visit.measured, ended, cause);
        let client = &self.model.clients[usize::from(visit.session.client)];
        let gave_up = cause == Cause::ClientTimeout;
        let leaves = if gave_up {
            client.ends_on_timeout
        } else {
            client.ends_on_error
        };
        if leaves {
            visit.session.ended = true;
            visit.session.abandoned |= gave_up;
        }
    }

    // ---- lines for slots --------------------------------------------------------------------------------------------

    /// A visit is in the line for a slot.
    #[inline(always)]
    fn line_up_visit(&mut self, visit: &mut Visit, index: u32, slots: u16, place: Place) {
        let spec = &self.model.slots[usize::from(slots)];
        self.record.stations[usize::from(spec.resource)].join(self.now, self.record.measuring);
        visit.enter(self.now, spec.wait_stage, &mut self.record);
        visit.doing = Doing::Waiting;
        if spec.timeout != SimSpan::FOREVER {
            let process = &self.processes[visit.process as usize];
            let deadline = process.slots[usize::from(spec.local)].next_deadline();
            self.arm(process.first_wake + u32::from(spec.local), deadline);
        }
        if let Some(site) = spec.patience {
            let span = self.sites.span_apart(site, visit.key, visit.iteration);
            visit.rare.line = Some(InLine {
                slots,
                place,
                since: self.now,
                patience: self.events.schedule(self.now + span, Event::Patience(index)),
            });
        }
    }

    /// A waiter has the slot that another visit has just given back.
    #[inline(always)]
    fn lend_to_visit(&mut self, visits: &mut Slab<Visit>, ticket: Handle, slot: HeldSlot) {
        let visit = &mut visits[ticket.index];
        visit.stay(self.now, &mut self.record);
        visit.doing = Doing::Working;
        // The end of its patience with this line is no longer waited for.
        visit.rare.line = None;
        visit.take(HeldSlot {
            since: self.now,
            ..slot
        });
        self.ready.push_back(Ready::Task(ticket));
    }

    /// A drawn patience with a line is over: the visit fails, if it is still there.
    pub(in crate::world) fn visit_out_of_patience(&mut self, index: u32, scheduled: Scheduled) {
        let (handle, visit) = self.visits.entry(index);
        let Some(line) = visit.rare.line.filter(|line| line.patience == scheduled) else {
            return;
        };
        let spec = &self.model.slots[usize::from(line.slots)];
        let machine = &mut self.processes[visit.process as usize].slots[usize::from(spec.local)];
        if machine.cancel(line.place).is_none() {
            return;
        }
        visit.fails(spec.cause);
        self.record.stations[usize::from(spec.resource)].give_up(self.now, line.since, self.record.measuring);
        self.record.see(self.now, spec.cause, Some(spec.resource));
        self.ready.push_back(Ready::Task(handle));
    }
}
