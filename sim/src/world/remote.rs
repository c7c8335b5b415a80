//! What lies behind the process: database queries, cache commands, model providers.

use highwater_models::file::system::EntryKey;
use highwater_models::machine::ttl_cache::Lookup as Found;
use highwater_models::{Cause, SimSpan, SimTime};

use super::holding::OPENING;
use super::{Held, HeldWhat, Ready, State, World};
use crate::event::{Event, Scheduled};
use crate::model::{Earlier, Op, STAGE_BACKOFF};

/// Openings of breakers that the log lists one by one; more are counted.
const LISTED_MAX: u64 = 100;

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
        let place = self.sites[spec.rtt as usize].1;
        if strain.fails(|| task.key.at(!place, task.iteration)) {
            self.record.see(self.now, Cause::QueryFailed, Some(resource as u16));
            self.fail(index, Cause::QueryFailed);
            return;
        }
        self.run_task(index);
    }

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
                if self.held[index as usize].last().is_some_and(is_fetch) {
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
        if !self.command_sent(index, cache, self.sites[rtt as usize].1) {
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
        if !self.command_sent(index, spec.cache, self.sites[spec.rtt as usize].1) {
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
                self.held[index as usize].push(Held {
                    what: HeldWhat::Fetch(entry, key),
                    since: self.now,
                });
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
                self.held[index as usize].push(Held {
                    what: HeldWhat::Fetch(entry, key),
                    since: self.now,
                });
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
        if !self.command_sent(index, spec.cache, self.sites[spec.store_rtt as usize].1) {
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
        }) = self.held[index as usize].last().copied()
            && fetched == spec.entry
        {
            self.held[index as usize].pop();
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

    /// A call to a model provider: attempts, and waits between them, all within what the task holds.
    pub(super) fn llm(&mut self, index: u32, call: u16) -> bool {
        // Until the call is over, the task comes back to this instruction, whatever its process's level has become.
        self.tasks[index].pc -= 1;
        let call = if self.tasks[index].phase == 0 {
            self.choose_call(index, call)
        } else {
            self.tasks[index].call
        };
        loop {
            let spec = &self.model.calls[call as usize];
            match self.tasks[index].phase {
                0 => {
                    self.begin_call(index, call);
                    self.tasks[index].phase = 1;
                }
                // An attempt begins.
                1 => {
                    self.attempt_call(index, call);
                    return false;
                }
                // It failed, and the loop has taken up its reply: wait, or give up.
                2 => {
                    let provider = &self.model.providers[spec.provider as usize];
                    let (retry, resource) = (provider.retry, provider.resource);
                    let task = &mut self.tasks[index];
                    let cause = task.cause.take().unwrap_or(Cause::LlmError);
                    let uniform = task
                        .key
                        .at(self.sites[spec.chance as usize].1, task.retries | 1 << 31)
                        .draw()
                        .uniform();
                    // No wait brings an account's money back, and the client's library knows.
                    let wait = match cause {
                        Cause::LlmQuota => None,
                        _ => retry.next(task.retries, task.retry_after.take(), uniform),
                    };
                    let process = task.process as usize;
                    let budget = &mut self.processes[process].budgets[spec.provider as usize];
                    let wait = wait.filter(|_| budget.take());
                    let Some(wait) = wait else {
                        task.phase = 0;
                        if self.record.measuring {
                            self.record.providers[spec.provider as usize].gave_up += 1;
                        }
                        self.record.see(self.now, cause, Some(resource));
                        self.fail(index, cause);
                        return false;
                    };
                    task.retries += 1;
                    task.phase = 3;
                    if self.record.measuring {
                        self.record.providers[spec.provider as usize].retries += 1;
                    }
                    if wait > SimSpan::ZERO {
                        self.enter(index, STAGE_BACKOFF);
                        self.tasks[index].state = State::Going;
                        self.schedule_task(index, self.now + wait);
                        return false;
                    }
                }
                // The wait is over: a timer, and the work to ask again.
                3 => {
                    self.tasks[index].phase = 1;
                    if !self.slice_for_call(index, spec.start) {
                        return false;
                    }
                }
                // Answered.
                _ => {
                    self.tasks[index].phase = 0;
                    self.tasks[index].pc += 1;
                    return true;
                }
            }
        }
    }

    fn slice_for_call(&mut self, index: u32, site: u32) -> bool {
        let work = self.draw_span(index, site);
        if self.has_loop(self.tasks[index].process) {
            self.on_loop(index, work)
        } else {
            self.burn(index, work)
        }
    }

    fn begin_call(&mut self, index: u32, call: u16) {
        let spec = &self.model.calls[call as usize];
        let own = self.draw(index, spec.prompt).max(0.0);
        let answer = if spec.audio {
            0.0
        } else {
            self.draw(index, spec.answer).max(0.0).round()
        };
        let task = &mut self.tasks[index];
        task.retries = 0;
        task.arrived = task.arrived.max(SimTime::ZERO);
        let earlier = match (spec.history, self.sessions.get(task.session)) {
            (Earlier::Nothing, _) | (_, None) => 0.0,
            (Earlier::All, Some(session)) => session.tokens,
            (Earlier::Last(messages), Some(session)) => {
                session.tokens * (f64::from(messages) / session.messages.max(1.0)).min(1.0)
            }
        };
        task.prompt = if spec.audio { own / 60.0 } else { own.round() + earlier };
        task.answer = answer;
        task.cache_key = own.round() as u64;
        let process = task.process as usize;
        self.processes[process].budgets[spec.provider as usize].note_request();
        if self.record.measuring {
            self.record.providers[spec.provider as usize].calls += 1;
        }
    }

    /// Whether a process's breaker lets a call to a provider through.
    fn passes_breaker(&mut self, index: u32, provider: usize) -> bool {
        let process = self.tasks[index].process as usize;
        let Some(breaker) = &mut self.processes[process].breakers[provider] else {
            return true;
        };
        match breaker.ask(self.now) {
            Ok(pass) => {
                self.tasks[index].pass = Some(pass);
                true
            }
            Err(_) => {
                if self.record.measuring {
                    self.record.providers[provider].breaker_refused += 1;
                }
                let resource = self.model.providers[provider].resource as usize;
                self.record.stations[resource].first_refusal.get_or_insert(self.now);
                false
            }
        }
    }

    /// A process's breaker hears how an attempt ended.
    fn tell_breaker(&mut self, index: u32, provider: usize, is_good: bool) {
        let Some(pass) = self.tasks[index].pass.take() else {
            return;
        };
        let process = self.tasks[index].process;
        let Some(breaker) = &mut self.processes[process as usize].breakers[provider] else {
            return;
        };
        if is_good {
            breaker.succeeded(pass);
        } else if breaker.failed(self.now, pass) {
            if self.record.measuring {
                self.record.providers[provider].breaker_opened += 1;
            }
            let resource = self.model.providers[provider].resource as usize;
            let opened = &mut self.record.providers[provider].breaker_opened_whole;
            *opened += 1;
            if *opened <= LISTED_MAX {
                let name = self.model.resources[resource].name.clone();
                self.log(name, format!("process {process}: the breaker opens"));
            }
        }
    }

    /// An attempt under a breaker's pass is given up.
    pub(super) fn forget_pass(&mut self, index: u32) {
        let Some(pass) = self.tasks[index].pass.take() else {
            return;
        };
        let process = self.tasks[index].process as usize;
        let provider = self.model.calls[self.tasks[index].call as usize].provider as usize;
        if let Some(breaker) = &mut self.processes[process].breakers[provider] {
            breaker.forget(self.now, pass);
        }
    }

    fn attempt_call(&mut self, index: u32, call: u16) {
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let provider = &self.model.providers[number];
        let (stage, resource) = (provider.stage, provider.resource as usize);
        let task = &self.tasks[index];
        let (prompt, answer) = (task.prompt, task.answer);
        let tokens = if spec.audio {
            0
        } else {
            prompt as u64 + spec.answer_max.unwrap_or(answer as u64)
        };
        let measuring = self.record.measuring;
        if !self.passes_breaker(index, number) {
            // Refused here, in the process: no attempt, no retry.
            let provider = &self.model.providers[number];
            self.tasks[index].phase = 0;
            if measuring {
                self.record.providers[number].gave_up += 1;
            }
            self.record.see(self.now, Cause::LlmError, Some(provider.resource));
            self.fail(index, Cause::LlmError);
            return;
        }
        if measuring {
            let money = &self.model.money;
            let record = &mut self.record.providers[number];
            record.attempts += 1;
            record.by_model[spec.model as usize].0 += 1;
            record.bytes_sent += prompt
                * if spec.audio {
                    money.bytes_a_minute
                } else {
                    money.bytes_a_token
                };
        }
        let strain = self.strains.providers[number];
        if strain.down && !strain.hang {
            // The connection is refused: nothing of it reaches the account.
            self.record.stations[resource].refuse(self.now, measuring);
            self.record.see(self.now, Cause::LlmError, Some(provider.resource));
            self.tell_breaker(index, number, false);
            self.attempt_refused(index, spec.reply, Cause::LlmError, None);
            return;
        }
        let is_spent = self.is_spent(number);
        let state = &mut self.providers[number];
        // An account without money is refused before its limits are looked at.
        let limits = if is_spent {
            Ok(())
        } else {
            state.limit.request(self.now, tokens)
        };
        let limits = match (limits, &mut state.models[spec.model as usize]) {
            (Ok(()), Some(own)) if !is_spent => own.request(self.now, tokens),
            (answer, _) => answer,
        };
        let too_many = state.in_flight >= provider.concurrent;
        if limits.is_err() || too_many || is_spent {
            let cause = if is_spent {
                Cause::LlmQuota
            } else {
                Cause::LlmRateLimited
            };
            if measuring {
                self.record.providers[number].refused += 1;
            }
            if let Some(monitor) = &mut self.monitor {
                monitor.attempt_refused(number);
            }
            self.record.stations[resource].refuse(self.now, measuring);
            self.record.see(self.now, cause, Some(provider.resource));
            self.tell_breaker(index, number, false);
            let retry_after = limits.err().and_then(|refused| refused.retry_after);
            self.attempt_refused(index, spec.reply, cause, retry_after);
            return;
        }
        state.in_flight += 1;
        self.record.stations[resource].start_at_once(self.now, measuring);
        self.enter(index, stage);
        self.tasks[index].mark = self.now;
        let mut span = self.draw_span(index, spec.first);
        if let (Some(site), false) = (spec.per_token, spec.stream) {
            let units = if spec.audio { prompt } else { answer };
            span += SimSpan::from_seconds(self.draw(index, site) * units);
        }
        span = strain.stretch(span);
        let fails = 1.0 - (1.0 - provider.fails) * (1.0 - strain.errors);
        let fails = fails > 0.0 && {
            let task = &self.tasks[index];
            let draw = task.key.at(self.sites[spec.chance as usize].1, task.retries | 1 << 30);
            draw.draw().uniform() < fails
        };
        let failure = if span > provider.timeout || strain.down {
            span = provider.timeout;
            Some(Cause::LlmTimeout)
        } else if fails {
            Some(Cause::LlmError)
        } else {
            None
        };
        // An answer that comes too late is paid for like any other: it was written.
        let is_paid = failure != Some(Cause::LlmError);
        if is_paid {
            let used = if spec.audio {
                (0.0, 0.0, prompt)
            } else {
                (prompt, answer, 0.0)
            };
            let dollars = self.pay(number, spec.model as usize, used);
            if let Some(monitor) = &mut self.monitor {
                monitor.pay(self.now, number, dollars);
            }
        }
        if measuring && is_paid {
            let record = &mut self.record.providers[number];
            let by_model = &mut record.by_model[spec.model as usize];
            if spec.audio {
                record.audio_minutes += prompt;
                by_model.3 += prompt;
            } else {
                record.tokens_prompt += prompt;
                record.tokens_answer += answer;
                by_model.1 += prompt;
                by_model.2 += answer;
            }
        }
        self.tasks[index].state = State::Provider(failure);
        self.schedule_task(index, self.now + span);
    }

    /// An attempt is refused at once: the loop takes up the answer, and then it is seen whether to try again.
    fn attempt_refused(&mut self, index: u32, reply: u32, cause: Cause, retry_after: Option<SimSpan>) {
        let handle = self.tasks.handle(index);
        let task = &mut self.tasks[index];
        task.retry_after = retry_after;
        task.cause = Some(cause);
        task.phase = 2;
        task.state = State::Going;
        if self.slice_for_call(index, reply) {
            self.ready.push_back(Ready::Task(handle));
        }
    }

    /// A provider has answered, failed, or sent its first token.
    pub(super) fn provider_done(&mut self, index: u32, failure: Option<Cause>) {
        let call = self.tasks[index].call;
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let resource = self.model.providers[number].resource as usize;
        let measuring = self.record.measuring;
        let rest = matches!(self.model.ops[self.tasks[index].pc as usize], Op::LlmRest { .. });
        if spec.stream && !rest && failure.is_none() {
            // The first token: the answer goes on arriving.
            self.tasks[index].phase = 4;
            self.tasks[index].streaming = Some((spec.provider, self.tasks[index].mark));
            let way = self.tasks[index].way;
            self.first_byte(index, self.now + way);
            self.run_task(index);
            return;
        }
        self.tell_breaker(index, number, failure.is_none());
        let streamed = self.tasks[index].streaming.take();
        self.providers[number].in_flight -= 1;
        let mark = streamed.map_or(self.tasks[index].mark, |(_, since)| since);
        self.record.stations[resource].end(self.now, mark, measuring);
        if measuring {
            self.record.providers[number]
                .attempt
                .record(self.now.since(mark).nanos());
        }
        if let Some(monitor) = &mut self.monitor {
            monitor.attempt_ended(number, failure.is_some());
        }
        match failure {
            None => {
                let task = &self.tasks[index];
                let (session, own, answer) = (task.session, task.cache_key as f64, task.answer);
                if !spec.audio && self.sessions.is_live(session) {
                    let session = &mut self.sessions[session.index];
                    session.tokens += own + answer;
                    session.messages += 2.0;
                }
                self.tasks[index].phase = if rest { 1 } else { 4 };
            }
            // An answer that breaks off is not asked for again.
            Some(cause) if rest => {
                self.tasks[index].phase = 0;
                self.record.see(self.now, cause, Some(resource as u16));
                self.fail(index, cause);
                return;
            }
            Some(cause) => {
                let task = &mut self.tasks[index];
                task.cause = Some(cause);
                task.phase = 2;
                if !self.slice_for_call(index, spec.reply) {
                    return;
                }
            }
        }
        self.run_task(index);
    }

    /// Nobody takes the rest of a streamed answer: the provider is free.
    pub(super) fn end_stream(&mut self, index: u32) {
        self.forget_pass(index);
        if let Some((provider, since)) = self.tasks[index].streaming.take() {
            let number = provider as usize;
            self.providers[number].in_flight -= 1;
            let resource = self.model.providers[number].resource as usize;
            self.record.stations[resource].end(self.now, since, self.record.measuring);
        }
    }

    /// The rest of a streamed answer: its tokens come one after another, each a slice of the loop if that costs any.
    pub(super) fn llm_rest(&mut self, index: u32) -> bool {
        if self.tasks[index].phase == 1 {
            self.tasks[index].phase = 0;
            return true;
        }
        self.tasks[index].pc -= 1;
        let call = self.tasks[index].call;
        let spec = &self.model.calls[call as usize];
        let stage = self.model.providers[spec.provider as usize].stage;
        self.enter(index, stage);
        let per_token = spec.per_token.map_or(0.0, |site| self.draw(index, site));
        let tokens = self.tasks[index].answer;
        if let Some(site) = spec.chunk_cpu {
            // The chunks' work falls on the loop while they arrive; in sum it is what delays others.
            let each = self.draw(index, site);
            self.chunk_work(index, SimSpan::from_seconds(each * tokens));
        }
        let strain = self.strains.providers[spec.provider as usize];
        let span = strain.stretch(SimSpan::from_seconds(per_token * tokens));
        let failure = (strain.down && !strain.hang).then_some(Cause::LlmError);
        self.tasks[index].state = State::Provider(failure);
        let at = if failure.is_some() { self.now } else { self.now + span };
        self.schedule_task(index, at);
        false
    }
}
