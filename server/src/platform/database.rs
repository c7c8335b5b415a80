//! Queries at a database: their way there, their work on its shared CPU, their way back; and the real statement beside it.
//!
//! Never: the connections that they use (`holding`, `wire`).

use highwater_models::{Cause, SimSpan};

use super::event::{Event, Scheduled};
use super::opening::OPENING;
use super::plant::Plant;
use super::real::Real;
use super::state::State;
use super::turn::job;
use crate::store::StoreError;

impl Plant<'_> {
    /// A query sets out on the connection held.
    pub(super) fn query(&mut self, index: u32, query: u16) -> bool {
        let spec = &self.model.queries[query as usize];
        let database = &self.model.databases[spec.database as usize];
        self.enter(index, database.stage);
        let now = self.s.now;
        let task = &mut self.s.tasks[index];
        task.mark = now;
        task.query = query;
        let way = self.draw_span(index, spec.rtt);
        let half = SimSpan::from_nanos(way.nanos() / 2);
        if database.cores.is_infinite() {
            // Nothing is shared: all of it is one length of time.
            let work = self.draw_span(index, spec.cpu);
            let wait = self.draw_span(index, spec.wait);
            self.begin_statement(index);
            self.s.tasks[index].state = State::DatabaseBack;
            self.schedule_task(index, now + way + work + wait);
            return false;
        }
        self.s.tasks[index].state = State::DatabaseThere;
        if half == SimSpan::ZERO {
            self.query_arrived(index);
        } else {
            self.schedule_task(index, now + half);
        }
        false
    }

    /// The real statement begins.
    fn begin_statement(&mut self, index: u32) {
        let number = self.s.tasks[index].query;
        let query = &self.model.queries[number as usize];
        let kind = &self.model.query_kinds[query.kind as usize].1;
        let statement = self.story(index, |story| story.statement(number, kind));
        // A probe asks for nothing in particular.
        let statement = statement.unwrap_or_else(|| crate::store::Statement::Read {
            kind: kind.clone(),
            key: 0,
        });
        self.run_statement(index, query.database, statement);
    }

    /// A query is at the database.
    pub(super) fn query_arrived(&mut self, index: u32) {
        let spec = &self.model.queries[self.s.tasks[index].query as usize];
        let number = spec.database as usize;
        self.begin_statement(index);
        let work = self.draw_span(index, spec.cpu);
        let now = self.s.now;
        self.s.tasks[index].visit = now;
        self.s.tasks[index].state = State::DatabaseCpu;
        let handle = self.s.tasks.handle(index);
        self.s.databases[number].cpu.start(now, work, job(handle));
        self.arm_database(number as u32);
    }

    /// The first job on a database's CPU may have ended.
    pub(super) fn end_database_cpu(&mut self, number: u32, scheduled: Scheduled) {
        if self.s.databases[number as usize].scheduled != scheduled {
            return;
        }
        let now = self.s.now;
        while let Some(payload) = self.s.databases[number as usize].cpu.ended(now) {
            let index = payload as u32;
            if payload & OPENING != 0 {
                self.opening_worked(index);
                continue;
            }
            let is_it = |task: &super::state::Run| task.state == State::DatabaseCpu;
            // One whose process has died was worked on for nobody.
            if !self.s.tasks.at(index).is_some_and(is_it) || job(self.s.tasks.handle(index)) != payload {
                continue;
            }
            let spec = &self.model.queries[self.s.tasks[index].query as usize];
            let way = self.draw_span(index, spec.rtt);
            let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
            let wait = self.draw_span(index, spec.wait);
            self.s.tasks[index].state = State::DatabaseBack;
            self.schedule_task(index, now + wait + rest);
        }
        self.arm_database(number);
    }

    /// Keeps one event for the first end on a database's CPU.
    pub(super) fn arm_database(&mut self, number: u32) {
        let at = self.s.databases[number as usize].cpu.next_end();
        let scheduled = self.s.events.schedule(at, Event::DatabaseCpu(number));
        self.s.databases[number as usize].scheduled = scheduled;
    }

    /// A query's reply is back at the process, unless the real one is not.
    pub(super) fn query_done(&mut self, index: u32) {
        if self.is_late(index) {
            return;
        }
        let spec = &self.model.queries[self.s.tasks[index].query as usize];
        let failure = match self.s.tasks[index].real.take() {
            Some(Real::Found(Ok(value))) => {
                self.story(index, |story| story.found(value));
                None
            }
            Some(Real::Found(Err(StoreError::Refused))) => Some(Cause::ConnectionRefused),
            Some(Real::Found(Err(StoreError::Lost(_)))) => {
                let now = self.s.now;
                self.look_for_lost(spec.database, now);
                Some(Cause::DatabaseUnavailable)
            }
            _ => Some(Cause::QueryFailed),
        };
        match failure {
            Some(cause) => {
                self.s
                    .tally
                    .refuse(self.model.databases[spec.database as usize].resource);
                self.fail(index, cause);
            }
            None => self.run_task(index),
        }
    }
}
