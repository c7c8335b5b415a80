//! A cache server inside this process, over the host's clock.
//!
//! Owns: the values. Which of them are live, which have to make room and whom a limit lets through, the machines say.
//! Order: as asked; each question is answered before the next.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, ready};
use highwater_host::SharedHost;
use highwater_models::SimSpan;
use highwater_models::machine::limiter::{Limiter, LimiterRule, Verdict};
use highwater_models::machine::ttl_cache::{EntryRules, Lookup, Rewrite, TtlCache, TtlCacheConfig};

use super::{CacheError, CacheServer, Counted};

/// What an entry takes besides its key and value: the tables' own share, measured roughly.
const ENTRY: u64 = 128;
/// Values of entries that are gone may stay until they take as much as the live ones, and this much more.
const LEFT_OVER: u64 = 64 << 10;

/// A cache in memory, with a bound on it.
pub(super) struct Local {
    host: SharedHost,
    /// Two keyed hashes make a key's number: two keys of one number are not to be had, neither by chance nor on purpose.
    hashes: [RandomState; 2],
    /// Held for a question only, never while anything is awaited.
    state: Mutex<State>,
}

struct State {
    entries: TtlCache<u128, ()>,
    values: HashMap<u128, (Box<str>, u64)>,
    /// Bytes of `values`, counted as the machine counts.
    bytes: u64,
    limiters: BTreeMap<Box<str>, Limiter<u64>>,
}

impl Local {
    /// An empty one. The least recently used entries go where `memory` bytes do not hold all.
    pub(super) fn new(host: SharedHost, memory: u64) -> Self {
        let config = TtlCacheConfig {
            rules: rules(0, Rewrite::Restarts),
            memory: Some(memory),
        };
        let state = State {
            entries: TtlCache::new(config),
            values: HashMap::new(),
            bytes: 0,
            limiters: BTreeMap::new(),
        };
        Self {
            host,
            hashes: [RandomState::new(), RandomState::new()],
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of all values, those of entries that are gone included.
    #[cfg(test)]
    pub(super) fn held(&self) -> u64 {
        self.state().bytes
    }

    fn number(&self, key: &str) -> u128 {
        let [low, high] = &self.hashes;
        u128::from(low.hash_one(key)) | u128::from(high.hash_one(key)) << 64
    }
}

/// An entry of so many bytes. Who fetches what is missing is not this server's business.
fn rules(size: u64, rewrite: Rewrite) -> EntryRules {
    EntryRules {
        renew_on_hit: false,
        single_flight: false,
        rewrite,
        size,
    }
}

impl State {
    /// Forgets values whose entries are gone, once there are too many of them.
    fn sweep(&mut self) {
        if self.bytes > self.entries.bytes().saturating_mul(2).saturating_add(LEFT_OVER) {
            let (entries, bytes) = (&self.entries, &mut self.bytes);
            self.values.retain(|&key, (_, size)| {
                let is_live = entries.is_live(key);
                if !is_live {
                    *bytes -= *size;
                }
                is_live
            });
        }
    }
}

impl CacheServer for Local {
    fn get<'a>(&'a self, key: &'a str, renew: Option<SimSpan>) -> BoxFuture<'a, Result<Option<String>, CacheError>> {
        let (now, number) = (self.host.now(), self.number(key));
        let state = &mut *self.state();
        if state.entries.lookup(now, number, ()) != Lookup::Hit {
            state.entries.failed(now, number);
            return Box::pin(ready(Ok(None)));
        }
        let found = state.values.get(&number).map(|(value, size)| {
            if let Some(life) = renew {
                let rules = rules(*size, Rewrite::Restarts);
                state.entries.store_as(now, number, now + life, &rules);
            }
            value.to_string()
        });
        Box::pin(ready(Ok(found)))
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        ttl: SimSpan,
        rewrite: Rewrite,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        let (now, number) = (self.host.now(), self.number(key));
        let state = &mut *self.state();
        state.entries.advance(now);
        if rewrite == Rewrite::Restarts || !state.entries.is_live(number) {
            let size = ENTRY + (key.len() + value.len()) as u64;
            state.entries.store_as(now, number, now + ttl, &rules(size, rewrite));
            if let Some((_, size)) = state.values.remove(&number) {
                state.bytes -= size;
            }
            // It may be too large to stay at all.
            if state.entries.is_live(number) {
                state.values.insert(number, (value.into(), size));
                state.bytes += size;
            }
            state.sweep();
        }
        Box::pin(ready(Ok(())))
    }

    fn count<'a>(
        &'a self,
        limiter: &'a str,
        key: u64,
        rule: &'a LimiterRule,
    ) -> BoxFuture<'a, Result<Counted, CacheError>> {
        let now = self.host.now();
        let limiters = &mut self.state().limiters;
        if !limiters.contains_key(limiter) {
            limiters.insert(limiter.into(), Limiter::new(*rule));
        }
        let verdict = limiters.get_mut(limiter).map(|machine| {
            if machine.rule() != rule {
                machine.set_rule(*rule);
            }
            machine.hit(now, key)
        });
        let counted = Counted::from(verdict.unwrap_or(Verdict::Admit));
        Box::pin(ready(Ok(counted)))
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        let state = &mut *self.state();
        state.entries.forget();
        state.values.clear();
        state.bytes = 0;
        for limiter in state.limiters.values_mut() {
            limiter.forget();
        }
        Box::pin(ready(Ok(())))
    }
}

impl From<Verdict> for Counted {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Admit => Self {
                passes: true,
                retry_after: SimSpan::ZERO,
            },
            Verdict::Refuse { retry_after } => Self {
                passes: false,
                retry_after,
            },
        }
    }
}
