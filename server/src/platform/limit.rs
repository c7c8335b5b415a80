//! Limiters: a machine in each process, one for all, or a count in a cache server.

use std::sync::Arc;

use highwater_models::file::system::LimiterKey;
use highwater_models::machine::limiter::Verdict;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::{LimiterSpec, Op};
use highwater_workload::Key;

use super::plant::Plant;
use super::real::Real;
use super::state::State;

impl Plant<'_> {
    /// Whose count a task comes under.
    fn limited_as(&self, index: u32, spec: &LimiterSpec) -> u64 {
        let task = &self.s.tasks[index];
        let address = || {
            let process = &self.s.processes[task.process as usize];
            let service = &self.model.services[process.service as usize];
            let address = if service.trusts_proxy {
                task.ip
            } else {
                // Behind a proxy that is not trusted everybody comes from the proxy's few addresses.
                Key::root(0, 0)
                    .child(task.ip)
                    .draw()
                    .below(service.proxy_addresses.max(1))
            };
            // An address stands apart from a person's number by its highest bit.
            address | 1 << 63
        };
        match spec.key {
            LimiterKey::User if task.signed_in => task.person,
            LimiterKey::User | LimiterKey::Ip => address(),
            LimiterKey::Session => self.story(index, |story| story.session()).unwrap_or(0),
            LimiterKey::All => 0,
        }
    }

    /// Asks a limiter. True when the task goes on.
    pub(super) fn limit(&mut self, index: u32, limiter: u16) -> bool {
        let spec = &self.model.limiters[limiter as usize];
        let key = self.limited_as(index, spec);
        if let (true, Some(cache), false) = (spec.shared, spec.store, spec.waits) {
            return self.count(index, limiter, cache, key);
        }
        let now = self.s.now;
        let machine = if spec.shared {
            &mut self.s.shared_limiters[spec.local as usize]
        } else {
            let process = self.s.tasks[index].process as usize;
            &mut self.s.processes[process].limiters[spec.local as usize]
        };
        if spec.waits {
            let Some(at) = machine.reserve_within(now, key, spec.max_wait) else {
                return self.limited(index, limiter, None);
            };
            self.s.tally.limiters[limiter as usize].accepted += 1;
            let wait = at.since(now);
            if wait > SimSpan::ZERO {
                let pc = self.s.tasks[index].pc;
                self.pause_at(index, wait, spec.stage, pc);
            }
            return wait == SimSpan::ZERO;
        }
        match machine.hit(now, key) {
            Verdict::Admit => {
                self.s.tally.limiters[limiter as usize].accepted += 1;
                true
            }
            Verdict::Refuse { retry_after } => self.limited(index, limiter, Some(retry_after)),
        }
    }

    /// A limiter refuses.
    fn limited(&mut self, index: u32, limiter: u16, retry_after: Option<SimSpan>) -> bool {
        self.s.tally.limiters[limiter as usize].refused += 1;
        if retry_after.is_some() {
            self.s.tasks[index].retry_after = retry_after;
        }
        self.fail(index, Cause::RateLimited);
        false
    }

    // ---- limits that a cache server counts --------------------------------------------------------------------------

    fn count(&mut self, index: u32, limiter: u16, cache: u16, key: u64) -> bool {
        let spec = &self.model.limiters[limiter as usize];
        let server = Arc::clone(&self.parts.caches[cache as usize]);
        let name = self.model.resources[spec.resource as usize].name.clone();
        let rule = spec.rule;
        let work = async move { Real::Counted(server.count(&name, key, &rule).await) };
        self.ask_for(index, work);
        if self.s.tasks[index].is_asking {
            self.enter(index, self.model.caches[cache as usize].stage);
            self.s.tasks[index].state = State::Counting;
            self.s.tasks[index].is_late = true;
            return false;
        }
        self.judge_count(index)
    }

    /// A limiter's store has counted.
    pub(super) fn counted(&mut self, index: u32) {
        self.s.tasks[index].state = State::Going;
        if self.judge_count(index) {
            self.run_task(index);
        }
    }

    fn judge_count(&mut self, index: u32) -> bool {
        let pc = self.s.tasks[index].pc as usize;
        let Op::Limit { limiter } = self.model.ops[pc - 1] else {
            return true;
        };
        match self.s.tasks[index].real.take() {
            Some(Real::Counted(Ok(counted))) if counted.passes => {
                self.s.tally.limiters[limiter as usize].accepted += 1;
                true
            }
            Some(Real::Counted(Ok(counted))) => self.limited(index, limiter, Some(counted.retry_after)),
            _ => {
                let before = self.model.ops[..pc].iter().rev();
                let otherwise = before.into_iter().find_map(|op| match op {
                    Op::Command { otherwise, .. } => Some(*otherwise),
                    _ => None,
                });
                self.store_is_down(index, otherwise.flatten())
            }
        }
    }

    /// The limiter's own rule for a store that is down holds, and not the cache's: the request fails, or goes on as if there
    /// were no limiter.
    pub(super) fn store_is_down(&mut self, index: u32, otherwise: Option<u32>) -> bool {
        if let Some(otherwise) = otherwise {
            self.s.tasks[index].pc = otherwise;
            return true;
        }
        self.fail(index, Cause::CacheUnavailable);
        false
    }
}
