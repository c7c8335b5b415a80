//! A rate limiter: one count, log or bucket per key.
//!
//! Owns: the keys' states and the counters.
//! Never: what a key stands for, or what a refusal does.
//! Order: as asked. A shaper grants first come, first served within a key.
//!
//! - A fixed window that opens with a key's first hit is what the npm package express-rate-limit (8.x) does in memory
//!   and rate-limit-redis (6.x) in a server: the window ends its length after that hit, every hit counts, refused ones
//!   too, and none moves the end. So twice the limit can pass around the end of a window.
//! - A sliding window allows its limit in any stretch of its length.
//! - A token bucket starts full and is kept as the one time at which it will be full again (the generic cell rate
//!   algorithm), in integers.
//!
//! At its very end a window is over, and a hit as old as the length of a sliding window no longer counts.
//!
//! Memory is bounded by the keys whose state still matters: each key that is added looks at two others and forgets
//! those that are as good as new.

use std::collections::VecDeque;
use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{SimSpan, SimTime};

#[cfg(test)]
mod tests;

/// Fraction bits of a nanosecond in which the token bucket counts, so that a rate such as 7 a second stays exact to the
/// nanosecond over any run.
const FRACTION_BITS: u32 = 32;
/// The longest time between two tokens, for rates of nothing: later than every point in time.
const NO_TOKENS: u128 = 1 << (64 + FRACTION_BITS);
/// Distinct keys that [`Limiter::keys_seen`] tells apart; more are not counted, to bound memory.
pub const KEYS_COUNTED_MAX: usize = 1 << 22;

/// When a fixed window opens.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum WindowOpens {
    /// With a key's first hit after its last window.
    FirstHit,
    /// At whole multiples of its length since time 0, for all keys at once.
    Clock,
}

/// Which hits a sliding window counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum SlidingCounts {
    /// Those that were admitted.
    Accepted,
    /// All, so that somebody who keeps trying stays out.
    All,
}

/// What a limiter allows.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum LimiterRule {
    /// So many in a window.
    FixedWindow {
        /// Hits allowed in a window.
        limit: u32,
        /// Length of the window.
        per: SimSpan,
        /// When it opens.
        opens: WindowOpens,
    },
    /// So many in any stretch of time.
    SlidingWindow {
        /// Hits allowed in the stretch.
        limit: u32,
        /// Length of the stretch.
        per: SimSpan,
        /// Which hits count.
        counts: SlidingCounts,
    },
    /// Tokens that come at a rate and are kept up to a number.
    TokenBucket {
        /// Tokens a second; nothing, negative or not a number for none.
        rate: f64,
        /// Most tokens kept; a new key has them all.
        burst: u32,
        /// Tokens are added at whole multiples of this since time 0; `None` for continuously.
        tick: Option<SimSpan>,
    },
}

/// The answer to a hit.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go on.
    Admit,
    /// It may not.
    Refuse {
        /// After this a hit would be admitted, if no other came; [`SimSpan::FOREVER`] when none ever will.
        retry_after: SimSpan,
    },
}

/// What is kept of a key.
#[derive(Copy, Clone, Debug)]
struct Entry<K> {
    key: K,
    /// For windows: from then on the key is as good as new. For fixed windows, the end of the window.
    until: SimTime,
    /// Hits in a fixed window.
    hits: u32,
    /// When a token bucket will be full, in fractions of a nanosecond.
    full_at: u128,
    /// Whether the entry is taken.
    taken: bool,
}

/// The limiter.
#[derive(Clone, Debug)]
pub struct Limiter<K> {
    rule: LimiterRule,
    /// Time between two tokens, in fractions of a nanosecond.
    token_every: u128,
    /// Time in which all tokens but one come.
    all_but_one: u128,
    /// Whoever was asked for last, and the number of its entry: often the same comes again, and all do under one count.
    last: Option<(K, u32)>,
    numbers: FxHashMap<K, u32>,
    entries: Vec<Entry<K>>,
    /// Counted hits of each entry, oldest first; for sliding windows only.
    logs: Vec<VecDeque<SimTime>>,
    free: Vec<u32>,
    /// The entry that is looked at next for being as good as new.
    hand: usize,
    seen: FxHashSet<K>,
    accepted: u64,
    refused: u64,
    windows: u64,
}

impl<K: Copy + Eq + Hash> Limiter<K> {
    /// A limiter that has seen nobody.
    #[must_use]
    pub fn new(rule: LimiterRule) -> Self {
        Self {
            rule,
            token_every: token_every(&rule),
            all_but_one: all_but_one(&rule),
            last: None,
            numbers: FxHashMap::default(),
            entries: Vec::new(),
            logs: Vec::new(),
            free: Vec::new(),
            hand: 0,
            seen: FxHashSet::default(),
            accepted: 0,
            refused: 0,
            windows: 0,
        }
    }

    /// A hit by `key`: whether it may go on.
    #[inline]
    pub fn hit(&mut self, now: SimTime, key: K) -> Verdict {
        let number = self.number(now, key);
        if let LimiterRule::TokenBucket {
            burst: 1.., tick: None, ..
        } = self.rule
        {
            // What comes all the time is there at a nanosecond or not: nothing is rounded to know it.
            let entry = &mut self.entries[number];
            let at = u128::from(now.nanos()) << FRACTION_BITS;
            if entry.full_at <= self.all_but_one + at {
                entry.full_at = entry.full_at.max(at).saturating_add(self.token_every);
                self.accepted += 1;
                return Verdict::Admit;
            }
        }
        self.judge(now, number)
    }

    /// Whether a hit on an entry may go on.
    fn judge(&mut self, now: SimTime, number: usize) -> Verdict {
        let wait = match self.rule {
            LimiterRule::FixedWindow { limit, per, opens } => {
                let entry = &mut self.entries[number];
                if entry.until <= now {
                    entry.until = window_end(now, per, opens);
                    entry.hits = 0;
                    self.windows += 1;
                }
                entry.hits = entry.hits.saturating_add(1);
                (entry.hits > limit).then(|| {
                    if limit == 0 {
                        SimSpan::FOREVER
                    } else {
                        entry.until - now
                    }
                })
            }
            LimiterRule::SlidingWindow { limit, per, counts } => self.slide(now, number, limit, per, counts),
            LimiterRule::TokenBucket { burst, tick, .. } => {
                let entry = &mut self.entries[number];
                let at = earliest(entry.full_at, self.all_but_one, tick).max(now);
                if at == now && burst > 0 {
                    take_token(entry, now, self.token_every, tick);
                    None
                } else {
                    Some(if burst == 0 || at == SimTime::NEVER {
                        SimSpan::FOREVER
                    } else {
                        at - now
                    })
                }
            }
        };
        match wait {
            None => {
                self.accepted += 1;
                Verdict::Admit
            }
            Some(retry_after) => {
                self.refused += 1;
                Verdict::Refuse { retry_after }
            }
        }
    }

    /// As [`Limiter::reserve`], but only when that is no longer than `most` away; else nothing is booked.
    pub fn reserve_within(&mut self, now: SimTime, key: K, most: SimSpan) -> Option<SimTime> {
        if most == SimSpan::FOREVER {
            return Some(self.reserve(now, key));
        }
        let number = self.number(now, key);
        if self.next_admission(now, number) > now + most {
            self.refused += 1;
            return None;
        }
        Some(self.reserve(now, key))
    }

    /// When the next admission of an entry would be.
    fn next_admission(&self, now: SimTime, number: usize) -> SimTime {
        let entry = &self.entries[number];
        match self.rule {
            LimiterRule::FixedWindow { limit: 0, .. }
            | LimiterRule::SlidingWindow { limit: 0, .. }
            | LimiterRule::TokenBucket { burst: 0, .. } => SimTime::NEVER,
            LimiterRule::FixedWindow { limit, per, .. } if entry.until > now && entry.hits < limit => {
                SimTime::from_nanos(entry.until.nanos().saturating_sub(per.nanos())).max(now)
            }
            LimiterRule::FixedWindow { .. } => entry.until.max(now),
            LimiterRule::SlidingWindow { limit, per, .. } => {
                let log = &self.logs[number];
                let live = log.iter().filter(|&&at| at + per > now).count();
                let last = log.back().map_or(now, |&last| last.max(now));
                match live.checked_sub(limit as usize) {
                    Some(over) => last.max(log[log.len() - live + over] + per),
                    None => last,
                }
            }
            LimiterRule::TokenBucket { tick, .. } => earliest(entry.full_at, self.all_but_one, tick).max(now),
        }
    }

    /// Books the next admission of `key` and says when it is, for limiters that delay instead of refusing: never before
    /// `now` nor before one booked earlier; [`SimTime::NEVER`] when none ever will be. Do not mix with [`Limiter::hit`].
    pub fn reserve(&mut self, now: SimTime, key: K) -> SimTime {
        let number = self.number(now, key);
        let at = match self.rule {
            LimiterRule::FixedWindow { limit: 0, .. } | LimiterRule::SlidingWindow { limit: 0, .. } => SimTime::NEVER,
            LimiterRule::FixedWindow { limit, per, opens } => {
                let entry = &mut self.entries[number];
                if entry.until <= now {
                    entry.until = window_end(now, per, opens);
                    entry.hits = 0;
                    self.windows += 1;
                }
                if entry.hits >= limit {
                    entry.until += per;
                    entry.hits = 0;
                    self.windows += 1;
                }
                entry.hits += 1;
                // The window booked may lie ahead.
                SimTime::from_nanos(entry.until.nanos().saturating_sub(per.nanos())).max(now)
            }
            LimiterRule::SlidingWindow { limit, per, .. } => {
                let log = &mut self.logs[number];
                while log.front().is_some_and(|&at| at + per <= now) {
                    log.pop_front();
                }
                let mut at = log.back().map_or(now, |&last| last.max(now));
                while log.len() >= limit as usize
                    && let Some(oldest) = log.pop_front()
                {
                    at = at.max(oldest + per);
                }
                log.push_back(at);
                self.entries[number].until = at + per;
                at
            }
            LimiterRule::TokenBucket { burst: 0, .. } => SimTime::NEVER,
            LimiterRule::TokenBucket { tick, .. } => {
                let entry = &mut self.entries[number];
                let at = earliest(entry.full_at, self.all_but_one, tick).max(now);
                if at != SimTime::NEVER {
                    take_token(entry, at, self.token_every, tick);
                }
                at
            }
        };
        if at == SimTime::NEVER {
            self.refused += 1;
        } else {
            self.accepted += 1;
        }
        at
    }

    /// Empties the store, as a restart does; the counters stay.
    pub fn forget(&mut self) {
        self.last = None;
        self.numbers.clear();
        self.entries.clear();
        self.free.clear();
        self.hand = 0;
        for log in &mut self.logs {
            log.clear();
        }
    }

    /// Changes the rule for what is decided from now on. A rule of the same kind goes on with what was counted, and
    /// windows under way keep their ends; another kind begins anew.
    pub fn set_rule(&mut self, rule: LimiterRule) {
        if std::mem::discriminant(&rule) != std::mem::discriminant(&self.rule) {
            self.forget();
        }
        self.rule = rule;
        self.token_every = token_every(&rule);
        self.all_but_one = all_but_one(&rule);
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &LimiterRule {
        &self.rule
    }

    /// Hits admitted, delayed ones included.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Hits refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Distinct keys seen since the start, up to [`KEYS_COUNTED_MAX`].
    #[must_use]
    pub fn keys_seen(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Fixed windows opened, over all keys.
    #[must_use]
    pub fn windows_opened(&self) -> u64 {
        self.windows
    }

    /// Keys in the store; some may be as good as new.
    #[must_use]
    pub fn keys_held(&self) -> usize {
        self.numbers.len()
    }

    /// A hit under a sliding window: how long to wait, if it may not go on.
    fn slide(
        &mut self,
        now: SimTime,
        number: usize,
        limit: u32,
        per: SimSpan,
        counts: SlidingCounts,
    ) -> Option<SimSpan> {
        if limit == 0 {
            return Some(SimSpan::FOREVER);
        }
        let log = &mut self.logs[number];
        while log.front().is_some_and(|&at| at + per <= now) {
            log.pop_front();
        }
        let admitted = log.len() < limit as usize;
        if admitted || counts == SlidingCounts::All {
            // Only the last `limit` hits can keep another out.
            while log.len() >= limit as usize {
                log.pop_front();
            }
            log.push_back(now);
            self.entries[number].until = now + per;
        }
        let wait = log.front().map_or(SimSpan::ZERO, |&oldest| (oldest + per).since(now));
        (!admitted).then_some(wait)
    }

    /// The number of the key's entry, made if there is none.
    #[inline(always)]
    fn number(&mut self, now: SimTime, key: K) -> usize {
        if let Some((last, number)) = self.last
            && last == key
        {
            return number as usize;
        }
        let number = self.find(now, key);
        self.last = Some((key, number as u32));
        number
    }

    #[inline(never)]
    fn find(&mut self, now: SimTime, key: K) -> usize {
        if let Some(&number) = self.numbers.get(&key) {
            return number as usize;
        }
        self.sweep(now);
        self.sweep(now);
        if self.seen.len() < KEYS_COUNTED_MAX {
            self.seen.insert(key);
        }
        let entry = Entry {
            key,
            until: SimTime::ZERO,
            hits: 0,
            full_at: 0,
            taken: true,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = entry;
                number as usize
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        if matches!(self.rule, LimiterRule::SlidingWindow { .. }) {
            if self.logs.len() <= number {
                self.logs.resize_with(number + 1, VecDeque::new);
            }
            self.logs[number].clear();
        }
        self.numbers.insert(key, number as u32);
        number
    }

    /// Looks at one entry and forgets it if it is as good as new.
    fn sweep(&mut self, now: SimTime) {
        let Some(entry) = self.entries.get_mut(self.hand) else {
            self.hand = 0;
            return;
        };
        let good_as_new = match self.rule {
            LimiterRule::TokenBucket { tick, .. } => refilled(entry.full_at, tick) <= now,
            _ => entry.until <= now,
        };
        if entry.taken && good_as_new {
            entry.taken = false;
            self.numbers.remove(&entry.key);
            self.free.push(self.hand as u32);
        }
        self.hand += 1;
    }
}

/// The end of a fixed window opened at `now`.
fn window_end(now: SimTime, per: SimSpan, opens: WindowOpens) -> SimTime {
    match opens {
        WindowOpens::FirstHit => now + per,
        WindowOpens::Clock => {
            let length = per.nanos().max(1);
            SimTime::from_nanos((now.nanos() / length).saturating_add(1).saturating_mul(length))
        }
    }
}

/// Time between two tokens of a bucket, in fractions of a nanosecond; zero for the other rules.
fn token_every(rule: &LimiterRule) -> u128 {
    let LimiterRule::TokenBucket { rate, .. } = *rule else {
        return 0;
    };
    if rate.is_nan() || rate <= 0.0 {
        return NO_TOKENS;
    }
    let nanos = 1e9 / rate;
    // "10000/min" is a whole number of nanoseconds on paper; the division by 60 must not make it a hair longer.
    let whole = nanos.round();
    let nanos = if (nanos - whole).abs() <= nanos * 1e-12 {
        whole
    } else {
        nanos
    };
    // `as` saturates.
    ((nanos * (1u64 << FRACTION_BITS) as f64) as u128).min(NO_TOKENS)
}

/// Time in which all tokens of a full bucket but one come, in fractions of a nanosecond; zero for the other rules.
fn all_but_one(rule: &LimiterRule) -> u128 {
    match *rule {
        LimiterRule::TokenBucket { burst, .. } => token_every(rule).saturating_mul(u128::from(burst.saturating_sub(1))),
        _ => 0,
    }
}

/// When a bucket that will be full at `full_at` has a token.
#[inline]
fn earliest(full_at: u128, all_but_one: u128, tick: Option<SimSpan>) -> SimTime {
    refilled(full_at.saturating_sub(all_but_one), tick)
}

/// The first time, in whole nanoseconds and ticks, at which what comes by `at` has come.
#[inline]
fn refilled(at: u128, tick: Option<SimSpan>) -> SimTime {
    let nanos = u64::try_from(at.div_ceil(1 << FRACTION_BITS)).unwrap_or(u64::MAX);
    match tick.map(SimSpan::nanos).filter(|&tick| tick > 0) {
        None => SimTime::from_nanos(nanos),
        Some(tick) => SimTime::from_nanos(nanos.div_ceil(tick).saturating_mul(tick)),
    }
}

/// Takes a token out of a bucket at a time when it has one.
#[inline]
fn take_token<K>(entry: &mut Entry<K>, at: SimTime, token_every: u128, tick: Option<SimSpan>) {
    let nanos = match tick.map(SimSpan::nanos).filter(|&tick| tick > 0) {
        None => at.nanos(),
        Some(tick) => at.nanos() / tick * tick,
    };
    entry.full_at = entry
        .full_at
        .max(u128::from(nanos) << FRACTION_BITS)
        .saturating_add(token_every);
}
