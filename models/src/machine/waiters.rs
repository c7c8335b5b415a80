//! Those who wait at a machine, each under a number, with its deadline.
//!
//! Owns: tickets, deadlines in order, and handles that stay harmless when their waiter has gone.
//! Never: who is served next; the machine keeps its lines as chains of the numbers.

use super::chain::{Chain, Links};
use crate::SimTime;

/// Names a waiter for as long as it waits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    index: u32,
    generation: u32,
}

impl Handle {
    /// Names nobody.
    pub(super) const NOBODY: Self = Self {
        index: u32::MAX,
        generation: 0,
    };
}

/// Somebody who waits, with what the machine wants to know of it besides.
#[derive(Copy, Clone, Debug)]
pub(super) struct Entry<T, X> {
    pub(super) ticket: T,
    /// When the wait began.
    pub(super) since: SimTime,
    /// When patience ends; [`SimTime::NEVER`] for no limit.
    pub(super) deadline: SimTime,
    pub(super) detail: X,
    generation: u32,
    waits: bool,
}

/// All who wait.
#[derive(Clone, Debug)]
pub(super) struct Waiters<T, X> {
    entries: Vec<Entry<T, X>>,
    free: Vec<u32>,
    /// Those with a deadline, the next first.
    patience: Chain,
    links: Links,
}

impl<T, X> Default for Waiters<T, X> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            patience: Chain::default(),
            links: Links::default(),
        }
    }
}

impl<T: Copy, X: Copy> Waiters<T, X> {
    /// Adds somebody; the number holds until [`Waiters::remove`].
    pub(super) fn add(&mut self, ticket: T, since: SimTime, deadline: SimTime, detail: X) -> u32 {
        let entry = Entry {
            ticket,
            since,
            deadline,
            detail,
            generation: 0,
            waits: true,
        };
        let index = match self.free.pop() {
            Some(index) => {
                let generation = self.entries[index as usize].generation;
                self.entries[index as usize] = Entry { generation, ..entry };
                index
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        if deadline != SimTime::NEVER {
            let entries = &self.entries;
            self.patience.push_ordered(&mut self.links, index, |other| {
                entries[other as usize].deadline <= deadline
            });
        }
        index
    }

    /// Forgets somebody; its handle names nobody from now on.
    pub(super) fn remove(&mut self, index: u32) -> Entry<T, X> {
        if self.links.is_linked(index) {
            self.patience.remove(&mut self.links, index);
        }
        let entry = &mut self.entries[index as usize];
        debug_assert!(entry.waits, "waiter {index} left twice");
        let removed = *entry;
        entry.waits = false;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(index);
        removed
    }

    /// What is known of somebody who waits.
    pub(super) fn get(&self, index: u32) -> &Entry<T, X> {
        &self.entries[index as usize]
    }

    /// What the machine keeps of somebody who waits.
    pub(super) fn detail_mut(&mut self, index: u32) -> &mut X {
        &mut self.entries[index as usize].detail
    }

    /// The handle of somebody who waits.
    pub(super) fn handle(&self, index: u32) -> Handle {
        Handle {
            index,
            generation: self.entries[index as usize].generation,
        }
    }

    /// The number of whom a handle names, while it waits.
    pub(super) fn find(&self, handle: Handle) -> Option<u32> {
        let entry = self.entries.get(handle.index as usize)?;
        (entry.waits && entry.generation == handle.generation).then_some(handle.index)
    }

    /// The first whose deadline has come.
    pub(super) fn due(&self, now: SimTime) -> Option<u32> {
        self.patience.front().filter(|&index| self.get(index).deadline <= now)
    }

    /// The next deadline; [`SimTime::NEVER`] for none.
    pub(super) fn next_deadline(&self) -> SimTime {
        self.patience
            .front()
            .map_or(SimTime::NEVER, |index| self.get(index).deadline)
    }

    /// How many wait.
    pub(super) fn len(&self) -> u32 {
        (self.entries.len() - self.free.len()) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handle that outlives its waiter would cancel somebody else.
    #[test]
    fn a_handle_names_nobody_once_its_waiter_has_gone() {
        let mut waiters = Waiters::default();
        let first = waiters.add('a', SimTime::ZERO, SimTime::NEVER, ());
        let handle = waiters.handle(first);
        assert_eq!(waiters.find(handle), Some(first));
        assert_eq!(waiters.remove(first).ticket, 'a');
        assert_eq!(
            waiters.add('b', SimTime::ZERO, SimTime::NEVER, ()),
            first,
            "the number is used again"
        );
        assert_eq!(waiters.find(handle), None);
        assert_eq!(waiters.find(Handle::NOBODY), None);
        assert_eq!(waiters.len(), 1);
    }

    /// After a timeout was shortened, somebody who came later gives up earlier.
    #[test]
    fn deadlines_come_in_order_whoever_came_first() {
        let at = SimTime::from_nanos;
        let mut waiters = Waiters::default();
        for (ticket, deadline) in [('a', 30), ('b', 10), ('c', 20)] {
            waiters.add(ticket, SimTime::ZERO, at(deadline), ());
        }
        let mut left = Vec::new();
        assert_eq!(waiters.next_deadline(), at(10));
        while let Some(index) = waiters.due(at(20)) {
            left.push(waiters.remove(index).ticket);
        }
        assert_eq!(left, ['b', 'c'], "at its very deadline a wait is over");
        assert_eq!(waiters.next_deadline(), at(30));
    }
}
