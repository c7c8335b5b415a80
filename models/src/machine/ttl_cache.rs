//! A cache of entries that live for a time: what is found, who fetches, who waits for somebody else's fetch.
//!
//! Owns: which keys are live and until when, the fetches under way, those parked behind one, the memory bound.
//! Never: values, or the draw that shortens a life: the driver hands in the end of each.
//! Order: parked requests are woken in the order they came.
//!
//! An entry is dead at the very end of its life. Without single flight every request that misses fetches, also while
//! another fetch for the key is under way, as the usual "get, else fetch and set" does. With it, they are parked until
//! that fetch ends; when it fails, the first of them fetches in its place.

use std::collections::VecDeque;
use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::chain::{Chain, Links};
use super::waiters::{Handle, Waiters};
use crate::{SimSpan, SimTime};

mod expiry;
#[cfg(test)]
mod tests;

use expiry::Expiry;

/// What storing a key that is still live does.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// Its life begins anew.
    Restarts,
    /// Nothing; its life goes on.
    Ignored,
}

/// Rules for a class of keys.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct EntryRules {
    /// Whether a hit begins the life anew.
    pub renew_on_hit: bool,
    /// Whether one fetch at a time runs for a key.
    pub single_flight: bool,
    /// What a second store of a live key does.
    pub rewrite: Rewrite,
    /// Memory of an entry in bytes.
    pub size: u64,
}

/// Settings of a cache.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TtlCacheConfig {
    /// For all keys, unless a call brings its own.
    pub rules: EntryRules,
    /// Most bytes of entries; the least recently used go. `None` for no limit.
    pub memory: Option<u64>,
}

/// A parked request's place, good for one [`TtlCache::cancel`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CachePlace(Handle);

/// The answer to a look-up.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The entry is there.
    Hit,
    /// It is not: fetch, then call [`TtlCache::store`] or [`TtlCache::failed`].
    Miss,
    /// Somebody fetches it already; the answer comes from [`TtlCache::poll`].
    Join(CachePlace),
}

/// A parked request goes on.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Woken<T> {
    /// Who.
    pub ticket: T,
    /// Whether the entry is there. If not, the request fetches, as after [`Lookup::Miss`].
    pub hit: bool,
}

/// What is kept of a key.
#[derive(Clone, Debug)]
struct Slot<K> {
    key: K,
    /// Whether there is an entry; its life may be over only between two calls.
    live: bool,
    expires: SimTime,
    /// Length of its life.
    life: SimSpan,
    size: u64,
    /// Fetches under way.
    fetches: u32,
    parked: Chain,
}

/// The cache.
#[derive(Clone, Debug)]
pub struct TtlCache<K, T> {
    config: TtlCacheConfig,
    numbers: FxHashMap<K, u32>,
    slots: Vec<Slot<K>>,
    free_slots: Vec<u32>,
    expiry: Expiry,
    /// Live entries, the most recently used at the back.
    used: Chain,
    used_links: Links,
    /// Those who wait for a fetch, each with the number of its slot.
    parked: Waiters<T, u32>,
    parked_links: Links,
    bytes: u64,
    outputs: VecDeque<Woken<T>>,
    hits: u64,
    misses: u64,
    joined: u64,
    fetches: u64,
    duplicates: u64,
    evicted: u64,
}

impl<K: Copy + Eq + Hash, T: Copy> TtlCache<K, T> {
    /// An empty cache.
    #[must_use]
    pub fn new(config: TtlCacheConfig) -> Self {
        Self {
            config,
            numbers: FxHashMap::default(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            expiry: Expiry::default(),
            used: Chain::default(),
            used_links: Links::default(),
            parked: Waiters::default(),
            parked_links: Links::default(),
            bytes: 0,
            outputs: VecDeque::new(),
            hits: 0,
            misses: 0,
            joined: 0,
            fetches: 0,
            duplicates: 0,
            evicted: 0,
        }
    }

    /// Looks a key up by the cache's rules.
    pub fn lookup(&mut self, now: SimTime, key: K, ticket: T) -> Lookup {
        let rules = self.config.rules;
        self.lookup_as(now, key, ticket, &rules)
    }

    /// Looks a key up by the rules of its class.
    pub fn lookup_as(&mut self, now: SimTime, key: K, ticket: T, rules: &EntryRules) -> Lookup {
        self.advance(now);
        let number = self.number(key);
        let slot = &mut self.slots[number as usize];
        if slot.live {
            self.hits += 1;
            if rules.renew_on_hit {
                slot.expires = now + slot.life;
                self.expiry.set(number, slot.expires);
            }
            self.touch(number);
            return Lookup::Hit;
        }
        if slot.fetches > 0 {
            if rules.single_flight {
                self.joined += 1;
                return Lookup::Join(self.park(now, number, ticket));
            }
            self.duplicates += 1;
        }
        slot.fetches += 1;
        self.misses += 1;
        self.fetches += 1;
        Lookup::Miss
    }

    /// A fetch ended: the entry lives until `expires_at`, by the cache's rules. Also without a look-up before.
    pub fn store(&mut self, now: SimTime, key: K, expires_at: SimTime) {
        let rules = self.config.rules;
        self.store_as(now, key, expires_at, &rules);
    }

    /// A fetch ended: the entry lives until `expires_at`, by the rules of its class. Everybody parked has a hit.
    pub fn store_as(&mut self, now: SimTime, key: K, expires_at: SimTime, rules: &EntryRules) {
        self.advance(now);
        let number = self.number(key);
        let slot = &mut self.slots[number as usize];
        slot.fetches = slot.fetches.saturating_sub(1);
        if !slot.live || rules.rewrite == Rewrite::Restarts {
            self.put(now, number, expires_at, rules.size);
        }
        while let Some(index) = self.slots[number as usize].parked.pop_front(&mut self.parked_links) {
            let ticket = self.parked.remove(index).ticket;
            self.outputs.push_back(Woken { ticket, hit: true });
        }
        self.tidy(number);
        self.evict();
    }

    /// A fetch ended with nothing to store. The first of those parked fetches now.
    pub fn failed(&mut self, now: SimTime, key: K) {
        self.advance(now);
        let Some(&number) = self.numbers.get(&key) else {
            return;
        };
        let slot = &mut self.slots[number as usize];
        slot.fetches = slot.fetches.saturating_sub(1);
        if slot.fetches == 0
            && let Some(index) = slot.parked.pop_front(&mut self.parked_links)
        {
            slot.fetches = 1;
            self.fetches += 1;
            let ticket = self.parked.remove(index).ticket;
            self.outputs.push_back(Woken { ticket, hit: false });
        }
        self.tidy(number);
    }

    /// An entry that is there from the start, by the cache's rules.
    pub fn warm(&mut self, key: K, expires_at: SimTime) {
        let rules = self.config.rules;
        self.warm_as(key, expires_at, &rules);
    }

    /// An entry that is there from the start, by the rules of its class.
    pub fn warm_as(&mut self, key: K, expires_at: SimTime, rules: &EntryRules) {
        let number = self.number(key);
        self.put(SimTime::ZERO, number, expires_at, rules.size);
        self.tidy(number);
        self.evict();
    }

    /// Forgets a parked request; false when it had been woken before. The fetch it waited for goes on.
    pub fn cancel(&mut self, place: CachePlace) -> bool {
        let Some(index) = self.parked.find(place.0) else {
            return false;
        };
        let number = self.parked.remove(index).detail;
        self.slots[number as usize].parked.remove(&mut self.parked_links, index);
        true
    }

    /// Empties the cache, as a flush or a restart of its server does. Fetches under way go on, and those parked stay.
    pub fn forget(&mut self) {
        while let Some(number) = self.used.front() {
            self.drop_entry(number);
            self.tidy(number);
        }
        self.expiry.clear();
    }

    /// Drops the entries whose lives are over.
    pub fn advance(&mut self, now: SimTime) {
        while let Some((at, number)) = self.expiry.first()
            && at <= now
        {
            self.drop_entry(number);
            self.tidy(number);
        }
    }

    /// When the next entry dies; [`SimTime::NEVER`] for none. Calling [`TtlCache::advance`] then is needed only by who
    /// wants to see [`TtlCache::live_keys`] fall at the very moment.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        self.expiry.first().map_or(SimTime::NEVER, |(at, _)| at)
    }

    /// The next parked request to go on; call until `None` after each input.
    pub fn poll(&mut self) -> Option<Woken<T>> {
        self.outputs.pop_front()
    }

    /// Changes the settings for what is decided from now on.
    pub fn set_config(&mut self, config: TtlCacheConfig) {
        self.config = config;
        self.evict();
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &TtlCacheConfig {
        &self.config
    }

    /// Look-ups that found their entry.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits
    }

    /// Look-ups that began a fetch. Look-ups are hits, misses and joined ones together.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.misses
    }

    /// Look-ups that were parked behind a fetch.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// Fetches begun: by misses, and by parked requests after a failed fetch.
    #[must_use]
    pub fn fetches(&self) -> u64 {
        self.fetches
    }

    /// Fetches begun while another for the same key was under way.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Live entries that had to make room.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Whether an entry was live as of the last call. It counts as no look-up and no use: for drivers that keep values.
    #[must_use]
    pub fn is_live(&self, key: K) -> bool {
        let number = self.numbers.get(&key);
        number.is_some_and(|&number| self.slots[number as usize].live)
    }

    /// Live entries as of the last call.
    #[must_use]
    pub fn live_keys(&self) -> u32 {
        self.used.len()
    }

    /// Bytes of the live entries as of the last call.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Requests parked.
    #[must_use]
    pub fn parked(&self) -> u32 {
        self.parked.len()
    }

    /// Keys of which anything is kept: live, being fetched, or both.
    #[must_use]
    pub fn keys_held(&self) -> usize {
        self.numbers.len()
    }

    /// The number of the key's slot, made if there is none.
    fn number(&mut self, key: K) -> u32 {
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let slot = Slot {
            key,
            live: false,
            expires: SimTime::ZERO,
            life: SimSpan::ZERO,
            size: 0,
            fetches: 0,
            parked: Chain::default(),
        };
        let number = match self.free_slots.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.numbers.insert(key, number);
        number
    }

    /// Forgets the key if nothing about it matters any more.
    fn tidy(&mut self, number: u32) {
        let slot = &self.slots[number as usize];
        if !slot.live && slot.fetches == 0 && slot.parked.is_empty() && self.numbers.remove(&slot.key).is_some() {
            self.free_slots.push(number);
        }
    }

    /// Makes an entry live, or ends it when its life would be over already.
    fn put(&mut self, now: SimTime, number: u32, expires_at: SimTime, size: u64) {
        self.drop_entry(number);
        if expires_at <= now {
            return;
        }
        let slot = &mut self.slots[number as usize];
        slot.live = true;
        slot.expires = expires_at;
        slot.life = if expires_at == SimTime::NEVER {
            SimSpan::FOREVER
        } else {
            expires_at - now
        };
        slot.size = size;
        self.bytes = self.bytes.saturating_add(size);
        self.expiry.set(number, expires_at);
        self.used.push_back(&mut self.used_links, number);
    }

    /// Ends an entry; the key may still be being fetched.
    fn drop_entry(&mut self, number: u32) {
        let slot = &mut self.slots[number as usize];
        if std::mem::take(&mut slot.live) {
            self.bytes = self.bytes.saturating_sub(slot.size);
            self.expiry.remove(number);
            self.used.remove(&mut self.used_links, number);
        }
    }

    /// Notes that an entry was used.
    fn touch(&mut self, number: u32) {
        if self.used.back() != Some(number) {
            self.used.remove(&mut self.used_links, number);
            self.used.push_back(&mut self.used_links, number);
        }
    }

    /// Drops the least recently used entries until the rest fits.
    fn evict(&mut self) {
        while self.config.memory.is_some_and(|memory| self.bytes > memory)
            && let Some(number) = self.used.front()
        {
            self.drop_entry(number);
            self.tidy(number);
            self.evicted += 1;
        }
    }

    /// Parks a request behind the fetch of its key.
    fn park(&mut self, now: SimTime, number: u32, ticket: T) -> CachePlace {
        let index = self.parked.add(ticket, now, SimTime::NEVER, number);
        let slot = &mut self.slots[number as usize];
        slot.parked.push_back(&mut self.parked_links, index);
        CachePlace(self.parked.handle(index))
    }
}
