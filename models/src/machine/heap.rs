//! The heap of one process of a runtime that collects garbage: what lives in it, what collecting costs, when it is full.
//!
//! Owns: live bytes, the limit, the cost of collecting near it.
//! Never: memory beside the heap (buffers, stacks), which counts to the instance's limit alone; what a death takes along.
//!
//! A collection costs as much as lives and frees as much as is left, so that the work of collecting for each byte
//! allocated goes with `live / (limit - live)`. Up to a half that quotient is at most one and is part of what work was
//! measured to cost; beyond it, work takes `1 + collection * (live / (limit - live) - 1)` times as long. The form follows
//! from the two sentences above; the factor `collection` is an assumption.

use crate::SimSpan;

/// Live bytes of a process, and its limit.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Heap {
    live: u64,
    limit: u64,
    collection: f64,
}

impl Heap {
    /// A heap in which `base` bytes live already; `limit` is [`u64::MAX`] for none.
    #[must_use]
    pub const fn new(base: u64, limit: u64, collection: f64) -> Self {
        Self {
            live: base,
            limit,
            collection,
        }
    }

    /// More lives in it. False when it is over its limit: the runtime aborts.
    #[inline]
    #[must_use]
    pub const fn take(&mut self, bytes: u64) -> bool {
        self.live = self.live.saturating_add(bytes);
        self.live <= self.limit
    }

    /// Less lives in it.
    #[inline]
    pub const fn give_back(&mut self, bytes: u64) {
        self.live = self.live.saturating_sub(bytes);
    }

    /// How long work takes with what collecting adds to it.
    #[inline]
    #[must_use]
    pub fn stretch(&self, work: SimSpan) -> SimSpan {
        if self.live <= self.limit / 2 {
            return work;
        }
        self.stretched(work)
    }

    #[cold]
    fn stretched(&self, work: SimSpan) -> SimSpan {
        // A byte of room is the least there is: a full heap aborts, it does not divide by nothing.
        let room = self.limit.saturating_sub(self.live).max(1);
        let quotient = self.live as f64 / room as f64;
        SimSpan::from_seconds(work.seconds() * (1.0 + self.collection * (quotient - 1.0).max(0.0)))
    }

    /// Live bytes.
    #[must_use]
    pub const fn live(&self) -> u64 {
        self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a heap that is nearly full costs nothing, so that nothing slows down before it dies.
    #[test]
    fn collecting_costs_nothing_up_to_a_half_and_without_end_near_the_limit() {
        let work = SimSpan::from_millis(100);
        let at = |live: u64| Heap::new(live, 1000, 0.05).stretch(work).seconds() / work.seconds();
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
        close(at(0), 1.0);
        close(at(500), 1.0);
        close(at(800), 1.15);
        close(at(900), 1.4);
        close(at(990), 5.9);
        assert!(at(1000) > 40.0);
    }

    // Lost if broken: a process that dies a request too early or too late.
    #[test]
    fn a_heap_is_full_above_its_limit_not_at_it() {
        let mut heap = Heap::new(100, 1000, 0.05);
        assert!(heap.take(900));
        assert!(!heap.take(1));
        heap.give_back(2);
        assert_eq!(heap.live(), 999);
        assert!(heap.take(1));
        assert!(Heap::new(0, u64::MAX, 0.05).take(u64::MAX));
    }
}
