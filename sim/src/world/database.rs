//! Queries at a database: their way there, their work on its shared CPU, their way back.
//!
//! Never: the connections that they use (`holding`).

use highwater_models::{Cause, SimSpan};

use super::holding::OPENING;
use super::{State, World};
use crate::event::{Event, Scheduled};

impl World<'_> {
    /// A query sets out on the connection held.
    pub(super) fn query(&mut self, index: u32, query: u16) -> bool {
        let spec = &self.model.queries[query as usize];
        let (number, rtt, stage) = (
            spec.database as usize,
            spec.rtt,
            self.model.databases[spec.database as usize].stage,
        );
        if self.databases[number].cut && self.is_cut_off(index, spec.database) {
            let resource = self.model.databases[number].resource;
            self.record.see(self.now, Cause::DatabaseUnavailable, Some(resource));
            self.fail(index, Cause::DatabaseUnavailable);
            return false;
        }
        self.enter(index, stage);
        self.tasks[index].mark = self.now;
        self.tasks[index].cache_key = u64::from(query);
        let strain = self.strains.databases[number];
        let way = strain.stretch(self.draw_span(index, rtt));
        let half = SimSpan::from_nanos(way.nanos() / 2);
        let resource = self.model.databases[number].resource as usize;
        if self.model.databases[number].cores.is_infinite() {
            // Nothing is shared: all of it is one length of time.
            let work = strain.stretch(self.draw_span(index, spec.cpu));
            let wait = strain.stretch(self.draw_span(index, spec.wait));
            self.record.stations[resource].start_at_once(self.now, self.record.measuring);
            self.tasks[index].visit = self.now;
            self.tasks[index].state = State::DatabaseBack;
            self.schedule_task(index, self.now + way + work + wait);
            return false;
        }
        self.tasks[index].state = State::DatabaseThere;
        if half == SimSpan::ZERO {
            self.query_arrived(index);
        } else {
            self.schedule_task(index, self.now + half);
        }
        false
    }

    /// A query is at the database.
    pub(super) fn query_arrived(&mut self, index: u32) {
        let spec = &self.model.queries[self.tasks[index].cache_key as usize];
        let number = spec.database as usize;
        let resource = self.model.databases[number].resource as usize;
        let work = self.draw_span(index, spec.cpu);
        let work = self.strains.databases[number].stretch(work);
        self.record.stations[resource].start_at_once(self.now, self.record.measuring);
        self.tasks[index].visit = self.now;
        self.tasks[index].state = State::DatabaseCpu;
        let job = self.query_job(index);
        self.databases[number].cpu.start(self.now, work, job);
        self.arm_database(number as u32);
    }

    /// What a task's query is called on a database's CPU.
    pub(super) fn query_job(&self, index: u32) -> u64 {
        u64::from(self.tasks.handle(index).generation & 0x7fff_ffff) << 32 | u64::from(index)
    }

    /// The first job on a database's CPU may have ended.
    pub(super) fn end_database_cpu(&mut self, number: u32, scheduled: Scheduled) {
        if self.databases[number as usize].scheduled != scheduled {
            return;
        }
        while let Some(payload) = self.databases[number as usize].cpu.ended(self.now) {
            if payload & OPENING != 0 {
                let index = payload as u32;
                if self.openings[index].dead {
                    self.openings.remove(index);
                } else {
                    self.opening_worked(index);
                }
                continue;
            }
            let index = payload as u32;
            let handle = self.tasks.handle(index);
            let same = u64::from(handle.generation & 0x7fff_ffff) == payload >> 32;
            // One that has died with its process may still be on its way to tell its client so.
            if !same || !self.tasks.is_live(handle) || self.tasks[index].state != State::DatabaseCpu {
                let orphans = &mut self.databases[number as usize].orphans;
                let orphan = orphans.iter().position(|&(job, _)| job == payload);
                let since = orphan.map_or(self.now, |at| orphans.swap_remove(at).1);
                let resource = self.model.databases[number as usize].resource as usize;
                self.record.stations[resource].end(self.now, since, self.record.measuring);
                self.end_if_idle();
                continue;
            }
            let spec = &self.model.queries[self.tasks[index].cache_key as usize];
            let strain = self.strains.databases[number as usize];
            let way = strain.stretch(self.draw_span(index, spec.rtt));
            let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
            let wait = strain.stretch(self.draw_span(index, spec.wait));
            self.tasks[index].state = State::DatabaseBack;
            self.schedule_task(index, self.now + wait + rest);
        }
        self.arm_database(number);
    }

    /// Keeps one event for the first end on a database's CPU.
    pub(super) fn arm_database(&mut self, number: u32) {
        let at = self.databases[number as usize].cpu.next_end();
        self.databases[number as usize].scheduled = self.events.schedule(at, Event::DatabaseCpu(number));
    }

    /// A query's reply is back at the process.
    pub(super) fn query_done(&mut self, index: u32) {
        let spec = &self.model.queries[self.tasks[index].cache_key as usize];
        let resource = self.model.databases[spec.database as usize].resource as usize;
        let task = &self.tasks[index];
        let measuring = self.record.measuring;
        self.record.stations[resource].end(self.now, task.visit, measuring);
        if measuring {
            self.record.queries[spec.kind as usize].record(self.now.since(task.mark).nanos());
        }
        let strain = self.strains.databases[spec.database as usize];
        let place = self.sites.place(spec.rtt);
        if strain.fails(|| task.key.at(!place, task.iteration)) {
            self.record.see(self.now, Cause::QueryFailed, Some(resource as u16));
            self.fail(index, Cause::QueryFailed);
            return;
        }
        self.run_task(index);
    }
}
