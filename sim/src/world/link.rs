//! Clients of caches whose server is away: one connection for each process and cache.
//!
//! Owns: driving their machines: commands that wait for the connection, attempts to get it back.
//! Never: the rules (`highwater_models::machine::reconnect`).
//! A command that had not been answered when the connection closed is sent again, from its beginning.

use highwater_models::SimSpan;
use highwater_models::machine::reconnect::{Reconnect, ReconnectOutput};
use highwater_workload::stream::Purpose;

use super::{HeldWhat, Ready, State, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;
use highwater_program::model::Op;

/// How long an attempt to connect lasts when nobody answers it: ioredis's `connectTimeout`, read in the source.
const CONNECT_TIMEOUT: SimSpan = SimSpan::from_secs(10);

/// A process's client of a cache, from the first time that its connection closed.
#[derive(Debug)]
pub(crate) struct Link {
    pub process: u32,
    pub cache: u16,
    pub machine: Reconnect<Handle>,
    /// The next attempt, or the end of one that nobody answers.
    pub scheduled: Scheduled,
    /// Whether an attempt is under way.
    pub trying: bool,
    /// Attempts so far, for their draws.
    pub attempts: u64,
}

impl World<'_> {
    /// Whether a task's command can be sent. If not, it waits for its process's connection, or is rejected in time.
    #[inline]
    pub(super) fn reaches_cache(&mut self, index: u32, cache: u16) -> bool {
        if self.links_away == 0 && !self.strains.caches[cache as usize].down {
            return true;
        }
        self.sends_or_waits(index, cache)
    }

    fn sends_or_waits(&mut self, index: u32, cache: u16) -> bool {
        let process = self.tasks[index].process;
        let down = self.strains.caches[cache as usize].down;
        let link = match self.link_of(process, cache) {
            Some(link) => link,
            None if down => self.lose_link(process, cache),
            None => return true,
        };
        if self.links[link].machine.is_connected() {
            return true;
        }
        self.wait_offline(index, cache, link);
        self.drain_link(link);
        false
    }

    /// A command joins the line of its client.
    fn wait_offline(&mut self, index: u32, cache: u16, link: usize) {
        let stage = self.model.caches[cache as usize].stage;
        self.enter(index, stage);
        self.tasks[index].state = State::Offline(cache);
        self.tasks[index].scheduled = Scheduled::NOTHING;
        let handle = self.tasks.handle(index);
        self.links[link].machine.submit(handle);
    }

    fn link_of(&self, process: u32, cache: u16) -> Option<usize> {
        self.links
            .iter()
            .position(|link| link.process == process && link.cache == cache)
    }

    /// The connection of a process to a cache closes.
    fn lose_link(&mut self, process: u32, cache: u16) -> usize {
        let link = self.link_of(process, cache).unwrap_or_else(|| {
            self.links.push(Link {
                process,
                cache,
                machine: Reconnect::new(self.model.caches[cache as usize].client),
                scheduled: Scheduled::NOTHING,
                trying: false,
                attempts: 0,
            });
            self.links.len() - 1
        });
        if self.links[link].machine.is_connected() {
            self.links_away += 1;
            self.close_link(link);
        }
        link
    }

    /// A connection closed, or an attempt at one failed.
    fn close_link(&mut self, link: usize) {
        let root = self.root;
        let state = &mut self.links[link];
        let key = root.purpose(Purpose::Reconnect).child(u64::from(state.process));
        let key = key.child(u64::from(state.cache)).child(state.attempts);
        state.attempts += 1;
        state.trying = false;
        state.machine.closed(self.now, key.draw().uniform());
        let at = state.machine.next_deadline();
        state.scheduled = self.events.schedule(at, Event::Reconnect(link as u32));
        self.drain_link(link);
    }

    /// A cache goes down: every process's connection to it closes, and what was unanswered waits to be sent again.
    pub(super) fn cache_goes_down(&mut self, cache: u16) {
        for process in 0..self.processes.len() as u32 {
            if self.processes[process as usize].alive {
                self.lose_link(process, cache);
            }
        }
        let model = self.model;
        let of_cache = |pc: u32| match model.ops[pc as usize - 1] {
            Op::Lookup { entry, .. } | Op::Store { entry } => model.lookups[entry as usize].cache == cache,
            _ => false,
        };
        let unanswered: Vec<u32> = self
            .tasks
            .iter()
            .filter(|(_, task)| match task.state {
                State::CacheThere | State::CacheBack(_) | State::StoreThere => of_cache(task.pc),
                State::Command(of) => of == cache,
                _ => false,
            })
            .map(|(index, _)| index)
            .collect();
        for index in unanswered {
            if self.tasks[index].state == State::CacheBack(false)
                && let Some(held) = self.tasks[index].held.last()
                && matches!(held.what, HeldWhat::Fetch(..))
            {
                // It has not heard yet that it is to fetch.
                self.release_last(index, true);
            }
            let process = self.tasks[index].process;
            let link = self.lose_link(process, cache);
            self.wait_offline(index, cache, link);
            self.drain_link(link);
        }
    }

    /// A client tries to connect, or an attempt has lasted for as long as it may.
    pub(super) fn reconnect(&mut self, number: u32, scheduled: Scheduled) {
        let link = number as usize;
        if self.links[link].scheduled != scheduled {
            return;
        }
        let (process, cache) = (self.links[link].process, self.links[link].cache);
        if !self.processes[process as usize].alive {
            self.links_away -= 1;
            self.links[link].scheduled = Scheduled::NOTHING;
            return;
        }
        let strain = self.strains.caches[cache as usize];
        if !strain.down {
            self.links_away -= 1;
            self.links[link].scheduled = Scheduled::NOTHING;
            self.links[link].machine.connected();
            self.drain_link(link);
        } else if strain.hang && !self.links[link].trying {
            self.links[link].trying = true;
            let event = Event::Reconnect(number);
            self.links[link].scheduled = self.events.schedule(self.now + CONNECT_TIMEOUT, event);
        } else {
            self.close_link(link);
        }
    }

    /// Acts on what a client decided.
    fn drain_link(&mut self, link: usize) {
        while let Some(output) = self.links[link].machine.poll() {
            let (ReconnectOutput::Run(handle) | ReconnectOutput::Reject(handle)) = output;
            let is_waiting = |task: &super::Run| matches!(task.state, State::Offline(_));
            if !self.tasks.get(handle).is_some_and(is_waiting) {
                continue;
            }
            let index = handle.index;
            self.tasks[index].state = State::Going;
            if matches!(output, ReconnectOutput::Run(_)) {
                // From its beginning.
                self.tasks[index].pc -= 1;
                self.ready.push_back(Ready::Task(handle));
            } else if self.command_refused(index) {
                self.ready.push_back(Ready::Task(handle));
            }
        }
    }

    /// Other clients from now on.
    pub(super) fn set_link_kinds(&mut self) {
        for link in 0..self.links.len() {
            let kind = self.model.caches[self.links[link].cache as usize].client;
            self.links[link].machine.set_kind(kind);
            self.drain_link(link);
        }
    }
}
