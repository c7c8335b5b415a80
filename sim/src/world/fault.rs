//! What faults do to what is in flight.
//!
//! Owns: calls to a provider that goes down; caches and limiters that lose what they had.
//! Never: connections of databases (`deploy`), clients of caches (`link`).

use highwater_models::{Cause, SimSpan, SimTime};

use super::{State, World};
use highwater_program::model::{Op, Target, Trouble};

impl World<'_> {
    /// A fault begins: what is in flight feels it. What is asked for later looks at the target's strain.
    pub(super) fn begin_trouble(&mut self, target: Target, trouble: Trouble, lasts: Option<SimSpan>) {
        let Trouble::Down { hang } = trouble else { return };
        match target {
            Target::Provider(provider) => self.provider_goes_down(provider, hang),
            Target::Cache(cache) => self.cache_goes_down(cache),
            Target::Database(database) => self.restart_database(database, lasts.unwrap_or(SimSpan::FOREVER)),
            // What a service has in hand goes on; nothing new comes in.
            Target::Service(_) => {}
        }
    }

    /// Calls under way lose their connection at once, or hang until their time-out.
    fn provider_goes_down(&mut self, provider: u16, hang: bool) {
        let timeout = self.model.providers[provider as usize].timeout;
        let asks = |task: &super::Task| {
            matches!(task.state, State::Provider(_)) && {
                match self.model.ops[task.pc as usize] {
                    Op::Llm { call } | Op::LlmRest { call } => self.model.calls[call as usize].provider == provider,
                    _ => false,
                }
            }
        };
        let calls: Vec<u32> = self
            .tasks
            .iter()
            .filter(|(_, task)| asks(task))
            .map(|(index, _)| index)
            .collect();
        for index in calls {
            let (failure, at) = if hang {
                let began = self.tasks[index]
                    .streaming
                    .map_or(self.tasks[index].mark, |(_, since)| since);
                let at = if timeout == SimSpan::FOREVER {
                    SimTime::NEVER
                } else {
                    began + timeout
                };
                (Cause::LlmTimeout, at.max(self.now))
            } else {
                (Cause::LlmError, self.now)
            };
            self.tasks[index].state = State::Provider(Some(failure));
            self.schedule_task(index, at);
        }
    }

    /// A cache loses its entries, and the counts of the limiters that keep theirs in it.
    pub(super) fn empty_cache(&mut self, cache: u16) {
        for (entry, machine) in self.model.entries.iter().zip(&mut self.caches) {
            if entry.cache == cache {
                machine.forget();
            }
        }
        for (number, limiter) in self.model.limiters.iter().enumerate() {
            if limiter.store == Some(cache) {
                self.shared_limiters[self.model.limiters[number].local as usize].forget();
            }
        }
    }

    /// A limiter loses its counts, in every process or in its store.
    pub(super) fn forget_limiter(&mut self, limiter: u16) {
        let spec = &self.model.limiters[limiter as usize];
        let local = spec.local as usize;
        if spec.shared {
            self.shared_limiters[local].forget();
            return;
        }
        for process in self.processes.iter_mut().filter(|process| process.alive) {
            if self.model.services[process.service as usize].limiters.get(local) == Some(&limiter) {
                process.limiters[local].forget();
            }
        }
    }
}
