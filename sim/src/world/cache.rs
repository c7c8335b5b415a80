//! Commands at a cache: limiters' counts, look-ups, stores, and fetches on a miss.
//!
//! Never: what a client does while the server is away (`link`).

use highwater_models::file::system::EntryKey;
use highwater_models::machine::ttl_cache::Lookup as Found;
use highwater_models::{Cause, SimSpan, SimTime};

use super::{Held, HeldWhat, Ready, State, World};
use highwater_program::model::Op;

impl World<'_> {
    /// One command of a cache's quota. False when the quota is used up.
    fn spend_command(&mut self, cache: u16) -> bool {
        let spec = &self.model.caches[cache as usize];
        let (a_day, a_month) = (spec.commands_per_day, spec.commands_per_month);
        let taken = self.commands[cache as usize].take(self.now, a_day, a_month);
        let measuring = self.record.measuring;
        let record = &mut self.record.caches[cache as usize];
        if taken.is_err() {
            if measuring {
                record.failed += 1;
            }
            let resource = self.model.caches[cache as usize].resource;
            self.record.stations[resource as usize]
                .first_refusal
                .get_or_insert(self.now);
            return false;
        }
        if measuring {
            record.commands += 1;
        }
        true
    }

    /// A cache that refuses fails the request, or counts as a miss. True when the task goes on.
    fn cache_refuses(&mut self, index: u32, cache: u16) -> bool {
        if self.model.caches[cache as usize].fails_open {
            return true;
        }
        let resource = self.model.caches[cache as usize].resource;
        self.record.see(self.now, Cause::CacheUnavailable, Some(resource));
        self.fail(index, Cause::CacheUnavailable);
        false
    }

    /// A command fails because of the cache: what its step does then. True when the task goes on.
    pub(super) fn command_refused(&mut self, index: u32) -> bool {
        match self.model.ops[self.tasks[index].pc as usize - 1] {
            Op::Lookup { entry, .. } => self.cache_refuses(index, self.model.lookups[entry as usize].cache),
            Op::Store { entry } => {
                let spec = &self.model.lookups[entry as usize];
                // The fetch is over all the same.
                let is_fetch = |held: &Held| matches!(held.what, HeldWhat::Fetch(entry, _) if entry == spec.entry);
                if self.tasks[index].held.last().is_some_and(is_fetch) {
                    self.release_last(index, true);
                }
                self.cache_refuses(index, spec.cache)
            }
            // The limiter's own rule for that holds, and not the cache's: the request fails, or goes on at `otherwise`
            // as if there were no limiter.
            Op::Command { cache, otherwise } => {
                if let Some(otherwise) = otherwise {
                    self.tasks[index].pc = otherwise;
                    return true;
                }
                let resource = self.model.caches[cache as usize].resource;
                self.record.see(self.now, Cause::CacheUnavailable, Some(resource));
                self.fail(index, Cause::CacheUnavailable);
                false
            }
            _ => true,
        }
    }

    /// A command is sent: it counts against the quota, and may fail. False when it does.
    fn command_sent(&mut self, index: u32, cache: u16, place: u64) -> bool {
        let strain = self.strains.caches[cache as usize];
        let task = &self.tasks[index];
        let fails = strain.fails(|| task.key.at(!place, task.iteration));
        self.spend_command(cache) && !fails
    }

    /// A limiter's command to its store, and the reply.
    pub(super) fn command(&mut self, index: u32, cache: u16) -> bool {
        if !self.reaches_cache(index, cache) {
            return false;
        }
        let spec = &self.model.caches[cache as usize];
        let (rtt, stage) = (spec.rtt, spec.stage);
        if !self.command_sent(index, cache, self.sites.place(rtt)) {
            return self.command_refused(index);
        }
        let span = self.strains.caches[cache as usize].stretch(self.draw_span(index, rtt));
        if span == SimSpan::ZERO {
            return true;
        }
        self.enter(index, stage);
        self.tasks[index].state = State::Command(cache);
        self.schedule_task(index, self.now + span);
        false
    }

    /// A look-up sets out.
    pub(super) fn look_up(&mut self, index: u32, lookup: u16) -> bool {
        let spec = &self.model.lookups[lookup as usize];
        let entry = &self.model.entries[spec.entry as usize];
        let task = &self.tasks[index];
        let key = if entry.keys > 0 {
            let mut draw = task.key.at(spec.place, task.iteration).draw();
            match &entry.popularity {
                Some(popularity) => u64::from(popularity.draw(&mut draw)),
                None => draw.below(entry.keys),
            }
        } else {
            match entry.key {
                EntryKey::User => task.person,
                EntryKey::Ip => task.ip,
                EntryKey::One => 0,
            }
        };
        self.tasks[index].cache_key = key;
        if !self.reaches_cache(index, spec.cache) {
            return false;
        }
        if !self.command_sent(index, spec.cache, self.sites.place(spec.rtt)) {
            return self.command_refused(index);
        }
        let stage = self.model.caches[spec.cache as usize].stage;
        self.enter(index, stage);
        let way = self.strains.caches[spec.cache as usize].stretch(self.draw_span(index, spec.rtt));
        let half = SimSpan::from_nanos(way.nanos() / 2);
        self.tasks[index].state = State::CacheThere;
        if half == SimSpan::ZERO {
            self.looked_up(index);
        } else {
            self.schedule_task(index, self.now + half);
        }
        false
    }

    /// The look-up that a task is at.
    fn lookup_at(&self, index: u32) -> u16 {
        match self.model.ops[self.tasks[index].pc as usize - 1] {
            Op::Lookup { entry, .. } | Op::Store { entry } => entry,
            _ => 0,
        }
    }

    /// A look-up is at the cache.
    pub(super) fn looked_up(&mut self, index: u32) {
        let lookup = self.lookup_at(index);
        let entry = self.model.lookups[lookup as usize].entry;
        let handle = self.tasks.handle(index);
        let key = self.tasks[index].cache_key;
        let before = self.caches[entry as usize].duplicates();
        let found = self.caches[entry as usize].lookup(self.now, key, handle);
        let duplicate = self.caches[entry as usize].duplicates() > before;
        if self.record.measuring {
            let record = &mut self.record.entries[entry as usize];
            match found {
                Found::Hit => record.hits += 1,
                Found::Miss => record.misses += 1,
                Found::Join(_) => record.joined += 1,
            }
            record.duplicates += u64::from(duplicate);
        }
        match found {
            Found::Hit => self.look_up_returns(index, true),
            Found::Miss => {
                self.hold(index, HeldWhat::Fetch(entry, key));
                self.look_up_returns(index, false);
            }
            Found::Join(place) => self.tasks[index].state = State::Parked(entry, place),
        }
    }

    fn look_up_returns(&mut self, index: u32, hit: bool) {
        let lookup = self.lookup_at(index);
        let spec = &self.model.lookups[lookup as usize];
        let way = self.strains.caches[spec.cache as usize].stretch(self.draw_span(index, spec.rtt));
        let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
        if rest == SimSpan::ZERO {
            self.tasks[index].state = State::Going;
            self.branch_on(index, hit);
            let handle = self.tasks.handle(index);
            self.ready.push_back(Ready::Task(handle));
        } else {
            self.tasks[index].state = State::CacheBack(hit);
            self.schedule_task(index, self.now + rest);
        }
    }

    /// A look-up's answer is back.
    pub(super) fn look_up_done(&mut self, index: u32, hit: bool) {
        self.branch_on(index, hit);
        self.run_task(index);
    }

    fn branch_on(&mut self, index: u32, is_hit: bool) {
        if is_hit && let Op::Lookup { hit, .. } = self.model.ops[self.tasks[index].pc as usize - 1] {
            self.tasks[index].pc = hit;
        }
    }

    /// Those who waited for a fetch go on: with the entry, or to fetch it themselves.
    pub(super) fn drain_cache(&mut self, entry: u16) {
        while let Some(woken) = self.caches[entry as usize].poll() {
            let index = woken.ticket.index;
            if !self.tasks.is_live(woken.ticket) {
                continue;
            }
            if !woken.hit {
                let key = self.tasks[index].cache_key;
                self.hold(index, HeldWhat::Fetch(entry, key));
            }
            self.look_up_returns(index, woken.hit);
        }
    }

    /// What was fetched sets out to be stored.
    pub(super) fn store(&mut self, index: u32, lookup: u16) -> bool {
        let spec = &self.model.lookups[lookup as usize];
        if !self.reaches_cache(index, spec.cache) {
            return false;
        }
        if !self.command_sent(index, spec.cache, self.sites.place(spec.store_rtt)) {
            return self.command_refused(index);
        }
        let stage = self.model.caches[spec.cache as usize].stage;
        self.enter(index, stage);
        let way = self.strains.caches[spec.cache as usize].stretch(self.draw_span(index, spec.store_rtt));
        let half = SimSpan::from_nanos(way.nanos() / 2);
        self.tasks[index].state = State::StoreThere;
        if half == SimSpan::ZERO {
            self.stored(index);
        } else {
            self.schedule_task(index, self.now + half);
        }
        false
    }

    /// A store is at the cache.
    pub(super) fn stored(&mut self, index: u32) {
        let lookup = self.lookup_at(index);
        let spec = &self.model.lookups[lookup as usize];
        let entry = &self.model.entries[spec.entry as usize];
        let way = self.strains.caches[spec.cache as usize].stretch(self.draw_span(index, spec.store_rtt));
        let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
        // Where the look-up was refused and counted as a miss there is no fetch of it to end, only perhaps one around it.
        if let Some(Held {
            what: HeldWhat::Fetch(fetched, key),
            ..
        }) = self.tasks[index].held.last().copied()
            && fetched == spec.entry
        {
            self.tasks[index].held.pop();
            let mut life = entry.ttl;
            if entry.spread > 0.0 && life != SimSpan::FOREVER {
                let task = &self.tasks[index];
                let uniform = task.key.at(!spec.place, task.iteration).draw().uniform();
                life = SimSpan::from_seconds(life.seconds() * (1.0 - entry.spread * uniform));
            }
            self.caches[spec.entry as usize].store(self.now, key, self.now + life);
            self.drain_cache(spec.entry);
        }
        self.tasks[index].state = State::Going;
        if rest == SimSpan::ZERO {
            let handle = self.tasks.handle(index);
            self.ready.push_back(Ready::Task(handle));
        } else {
            self.schedule_task(index, self.now + rest);
        }
    }

    /// All keys of the entries that begin warm.
    pub(super) fn warm_caches(&mut self) {
        for (entry, cache) in self.model.entries.iter().zip(&mut self.caches) {
            if entry.warm {
                for key in 0..entry.keys.max(1) {
                    cache.warm(key, SimTime::ZERO + entry.ttl);
                }
            }
        }
    }
}
