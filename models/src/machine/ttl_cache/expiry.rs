//! Entries by the time they expire, each with a known place, so that any can be moved or taken out.
//!
//! Owns: the order. Every change takes time logarithmic in the number of entries.
//! Never: what an entry holds.

use crate::SimTime;

/// Marks an entry that is not in the heap.
const OUT: u32 = u32::MAX;

/// A binary heap with the first to expire on top.
#[derive(Clone, Debug, Default)]
pub(super) struct Expiry {
    heap: Vec<(SimTime, u32)>,
    /// Place in the heap by entry.
    places: Vec<u32>,
}

impl Expiry {
    /// The first to expire.
    pub(super) fn first(&self) -> Option<(SimTime, u32)> {
        self.heap.first().copied()
    }

    /// Sets when an entry expires; one that never does is not kept.
    pub(super) fn set(&mut self, entry: u32, at: SimTime) {
        if at == SimTime::NEVER {
            self.remove(entry);
            return;
        }
        if self.places.len() <= entry as usize {
            self.places.resize(entry as usize + 1, OUT);
        }
        let place = match self.places[entry as usize] {
            OUT => {
                self.heap.push((at, entry));
                self.heap.len() - 1
            }
            place => {
                self.heap[place as usize].0 = at;
                place as usize
            }
        };
        self.settle(place);
    }

    /// Takes an entry out, if it is in.
    pub(super) fn remove(&mut self, entry: u32) {
        let Some(place) = self.places.get_mut(entry as usize).filter(|place| **place != OUT) else {
            return;
        };
        let place = std::mem::replace(place, OUT) as usize;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            self.settle(place);
        }
    }

    /// Takes everything out.
    pub(super) fn clear(&mut self) {
        self.heap.clear();
        self.places.fill(OUT);
    }

    /// Moves what is at `place` to where it belongs.
    fn settle(&mut self, mut place: usize) {
        let moved = self.heap[place];
        while place > 0 && moved < self.heap[(place - 1) / 2] {
            self.put(place, self.heap[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        loop {
            let left = 2 * place + 1;
            let Some(&first) = self.heap.get(left) else {
                break;
            };
            let (child, first) = match self.heap.get(left + 1) {
                Some(&right) if right < first => (left + 1, right),
                _ => (left, first),
            };
            if moved <= first {
                break;
            }
            self.put(place, first);
            place = child;
        }
        self.put(place, moved);
    }

    fn put(&mut self, place: usize, item: (SimTime, u32)) {
        self.heap[place] = item;
        self.places[item.1 as usize] = place as u32;
    }
}
