//! Commands at a cache server: limiters' round trips, look-ups, stores, and fetches on a miss.
//!
//! Whether an entry is there is the server's to say. Who fetches what is missing, and who waits for somebody else's fetch,
//! is the machine's: it is told of every entry that it is dead at once, so that all it knows is what is being fetched.

use std::sync::Arc;

use highwater_models::file::system::EntryKey;
use highwater_models::machine::ttl_cache::Lookup as Found;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::{Lookup, Op};

use super::plant::Plant;
use super::real::{Real, Whom};
use super::state::{Held, HeldWhat, State};

impl Plant<'_> {
    /// A command is sent: it counts against the quota. False when that is used up.
    fn command_sent(&mut self, cache: u16) -> bool {
        let spec = &self.model.caches[cache as usize];
        let (a_day, a_month) = (spec.commands_per_day, spec.commands_per_month);
        let now = self.s.now;
        let taken = self.s.commands[cache as usize].take(now, a_day, a_month);
        if taken.is_err() {
            self.s.tally.refuse(spec.resource);
        }
        taken.is_ok()
    }

    /// A cache that refuses fails the request, or counts as a miss. True when the task goes on.
    fn cache_refuses(&mut self, index: u32, cache: u16) -> bool {
        if self.model.caches[cache as usize].fails_open {
            return true;
        }
        self.fail(index, Cause::CacheUnavailable);
        false
    }

    /// A command fails because of the cache: what its step does then. True when the task goes on.
    fn command_refused(&mut self, index: u32) -> bool {
        match self.model.ops[self.s.tasks[index].pc as usize - 1] {
            Op::Lookup { entry, .. } => self.cache_refuses(index, self.model.lookups[entry as usize].cache),
            Op::Store { entry } => {
                let spec = &self.model.lookups[entry as usize];
                // The fetch is over all the same.
                let is_fetch = |held: &Held| matches!(held.what, HeldWhat::Fetch(entry, _) if entry == spec.entry);
                if self.s.tasks[index].held.last().is_some_and(is_fetch) {
                    self.release_last(index, true);
                }
                self.cache_refuses(index, spec.cache)
            }
            Op::Command { otherwise, .. } => self.store_is_down(index, otherwise),
            _ => true,
        }
    }

    /// A limiter's command to its store, and the reply.
    pub(super) fn command(&mut self, index: u32, cache: u16) -> bool {
        let spec = &self.model.caches[cache as usize];
        if !self.command_sent(cache) {
            return self.command_refused(index);
        }
        let span = self.draw_span(index, spec.rtt);
        if span == SimSpan::ZERO {
            return true;
        }
        self.enter(index, spec.stage);
        self.s.tasks[index].state = State::Command;
        let at = self.s.now + span;
        self.schedule_task(index, at);
        false
    }

    /// A look-up sets out.
    pub(super) fn look_up(&mut self, index: u32, lookup: u16) -> bool {
        let spec = &self.model.lookups[lookup as usize];
        let entry = &self.model.entries[spec.entry as usize];
        let task = &self.s.tasks[index];
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
        if entry.keys > 0 {
            self.story(index, |story| story.subject(key));
        }
        self.s.tasks[index].cache_key = key;
        if !self.command_sent(spec.cache) {
            return self.command_refused(index);
        }
        self.set_out(index, spec, spec.rtt, State::CacheThere);
        false
    }

    /// A command is on its way: half of the round trip.
    fn set_out(&mut self, index: u32, spec: &Lookup, rtt: u32, state: State) {
        self.enter(index, self.model.caches[spec.cache as usize].stage);
        let way = self.draw_span(index, rtt);
        let half = SimSpan::from_nanos(way.nanos() / 2);
        self.s.tasks[index].state = state;
        if half == SimSpan::ZERO {
            self.come_back(index);
        } else {
            let at = self.s.now + half;
            self.schedule_task(index, at);
        }
    }

    /// The look-up that a task is at.
    fn lookup_at(&self, index: u32) -> u16 {
        match self.model.ops[self.s.tasks[index].pc as usize - 1] {
            Op::Lookup { entry, .. } | Op::Store { entry } => entry,
            _ => 0,
        }
    }

    /// What a key is called at the server.
    fn key_name(&self, entry: u16, key: u64) -> String {
        format!("{}:{key}", self.model.entries[entry as usize].name)
    }

    /// A look-up is at the cache.
    pub(super) fn looked_up(&mut self, index: u32) {
        let spec = &self.model.lookups[self.lookup_at(index) as usize];
        let name = self.key_name(spec.entry, self.s.tasks[index].cache_key);
        let server = Arc::clone(&self.parts.caches[spec.cache as usize]);
        let now = self.s.now;
        self.s.tasks[index].visit = now;
        let entry = &self.model.entries[spec.entry as usize];
        let renew = entry.config.rules.renew_on_hit.then_some(entry.ttl);
        self.ask_for(index, async move { Real::Got(server.get(&name, renew).await) });
        self.s.tasks[index].state = State::CacheAsked;
        if !self.is_late(index) {
            self.look_up_answered(index);
        }
    }

    /// The cache has answered.
    pub(super) fn look_up_answered(&mut self, index: u32) {
        let spec = &self.model.lookups[self.lookup_at(index) as usize];
        let (entry, key) = (spec.entry, self.s.tasks[index].cache_key);
        let (now, handle) = (self.s.now, self.s.tasks.handle(index));
        match self.s.tasks[index].real.take() {
            Some(Real::Got(Ok(Some(value)))) => {
                self.s.tally.entries[entry as usize].hits += 1;
                self.story(index, |story| story.cached(&value));
                self.look_up_returns(index, true);
            }
            Some(Real::Got(Ok(None))) => match self.s.fetches[entry as usize].lookup(now, key, handle) {
                Found::Join(place) => {
                    self.s.tally.entries[entry as usize].joined += 1;
                    self.s.tasks[index].state = State::Parked(entry, place);
                }
                Found::Miss | Found::Hit => {
                    self.s.tally.entries[entry as usize].misses += 1;
                    self.hold(index, HeldWhat::Fetch(entry, key));
                    self.look_up_returns(index, false);
                }
            },
            _ => {
                self.s.tasks[index].state = State::Going;
                if self.command_refused(index) {
                    self.make_ready(index);
                }
            }
        }
    }

    /// The answer is on its way back: the other half of the round trip, from when the command came or a fetch ended.
    fn look_up_returns(&mut self, index: u32, hit: bool) {
        let spec = &self.model.lookups[self.lookup_at(index) as usize];
        let way = self.draw_span(index, spec.rtt);
        let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
        if rest == SimSpan::ZERO {
            self.branch_on(index, hit);
            self.make_ready(index);
        } else {
            self.s.tasks[index].state = State::CacheBack(hit);
            let at = (self.s.tasks[index].visit + rest).max(self.s.now);
            self.schedule_task(index, at);
        }
    }

    /// A look-up's answer is back.
    pub(super) fn look_up_done(&mut self, index: u32, hit: bool) {
        self.branch_on(index, hit);
        self.run_task(index);
    }

    fn branch_on(&mut self, index: u32, is_hit: bool) {
        if is_hit && let Op::Lookup { hit, .. } = self.model.ops[self.s.tasks[index].pc as usize - 1] {
            self.s.tasks[index].pc = hit;
        }
    }

    /// Those who waited for a fetch go on: with what it found, or to fetch it themselves.
    pub(super) fn drain_fetches(&mut self, entry: u16, value: Option<&str>) {
        while let Some(woken) = self.s.fetches[entry as usize].poll() {
            let index = woken.ticket.index;
            if !self.s.tasks.is_live(woken.ticket) {
                continue;
            }
            if !woken.hit {
                let key = self.s.tasks[index].cache_key;
                self.hold(index, HeldWhat::Fetch(entry, key));
            } else if let Some(value) = value {
                self.story(index, |story| story.cached(value));
            }
            let now = self.s.now;
            self.s.tasks[index].visit = now;
            self.look_up_returns(index, woken.hit);
        }
    }

    /// What was fetched sets out to be stored.
    pub(super) fn store(&mut self, index: u32, lookup: u16) -> bool {
        let spec = &self.model.lookups[lookup as usize];
        if !self.command_sent(spec.cache) {
            return self.command_refused(index);
        }
        self.set_out(index, spec, spec.store_rtt, State::StoreThere);
        false
    }

    /// The fetch that a task's store ends, if there is one. Where the look-up was refused and counted as a miss there is
    /// none, only perhaps one around it.
    fn fetch_ended(&self, index: u32, entry: u16) -> Option<u64> {
        match self.s.tasks[index].held.last()?.what {
            HeldWhat::Fetch(fetched, key) if fetched == entry => Some(key),
            _ => None,
        }
    }

    /// A store is at the cache.
    pub(super) fn stored(&mut self, index: u32) {
        let spec = &self.model.lookups[self.lookup_at(index) as usize];
        let entry = &self.model.entries[spec.entry as usize];
        let now = self.s.now;
        self.s.tasks[index].visit = now;
        self.s.tasks[index].state = State::StoreAsked;
        let Some(key) = self.fetch_ended(index, spec.entry) else {
            self.told(index, Real::Kept(Ok(())));
            self.store_answered(index);
            return;
        };
        let mut life = entry.ttl;
        if entry.spread > 0.0 && life != SimSpan::FOREVER {
            let task = &self.s.tasks[index];
            let uniform = task.key.at(!spec.place, task.iteration).draw().uniform();
            life = SimSpan::from_seconds(life.seconds() * (1.0 - entry.spread * uniform));
        }
        let value = self.story(index, |story| story.to_cache()).unwrap_or_default();
        let whom = self.asks(index);
        if let Some(real) = self.keep(spec.cache, spec.entry, key, value, life, whom) {
            self.told(index, real);
        }
        if !self.is_late(index) {
            self.store_answered(index);
        }
    }

    /// Asks the server to keep a value for so long.
    fn keep(&mut self, cache: u16, entry: u16, key: u64, value: String, life: SimSpan, whom: Whom) -> Option<Real> {
        let rewrite = self.model.entries[entry as usize].config.rules.rewrite;
        let name = self.key_name(entry, key);
        let server = Arc::clone(&self.parts.caches[cache as usize]);
        let work = async move { Real::Kept(server.set(&name, &value, life, rewrite).await) };
        self.launch(whom, work)
    }

    /// The server has stored it: the fetch is over.
    pub(super) fn store_answered(&mut self, index: u32) {
        let spec = &self.model.lookups[self.lookup_at(index) as usize];
        let now = self.s.now;
        let is_kept = matches!(self.s.tasks[index].real.take(), Some(Real::Kept(Ok(()))));
        if !is_kept {
            self.s.tasks[index].state = State::Going;
            if self.command_refused(index) {
                self.make_ready(index);
            }
            return;
        }
        if let Some(key) = self.fetch_ended(index, spec.entry) {
            self.s.tasks[index].held.pop();
            let value = self.story(index, |story| story.to_cache());
            self.s.fetches[spec.entry as usize].store(now, key, now);
            self.drain_fetches(spec.entry, value.as_deref());
        }
        let way = self.draw_span(index, spec.store_rtt);
        let rest = SimSpan::from_nanos(way.nanos() - way.nanos() / 2);
        self.s.tasks[index].state = State::Going;
        let at = self.s.tasks[index].visit + rest;
        if rest == SimSpan::ZERO {
            self.make_ready(index);
        } else {
            self.schedule_task(index, at.max(now));
        }
    }

    /// All keys of the entries that begin warm.
    pub(super) fn warm_caches(&mut self) {
        for (number, entry) in self.model.entries.iter().enumerate() {
            if entry.warm {
                for key in 0..entry.keys.max(1) {
                    let whom = Whom::Nobody;
                    self.keep(entry.cache, number as u16, key, "null".to_owned(), entry.ttl, whom);
                }
            }
        }
    }
}
