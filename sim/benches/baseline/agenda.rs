//! Events on their way: a time, a sequence number and what happens, packed into 16 bytes.
//!
//! Owns: the packing, and the sequence number that makes equal times first in, first out.
//! Never: what an event does.

use super::heap::QuaternaryHeap;

/// Bits of what happens, below 40 bits of sequence number (10^12 events) and 64 bits of time.
const PAYLOAD_BITS: u32 = 24;
/// All payload bits set.
const PAYLOAD_MASK: u128 = (1 << PAYLOAD_BITS) - 1;

/// An event's place in time and what it is: compares as time, then sequence number.
pub type Key = u128;

/// What is still to happen.
pub struct Agenda {
    heap: QuaternaryHeap,
    sequence: u64,
}

impl Agenda {
    /// Nothing to happen yet, with room for `capacity` events.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            heap: QuaternaryHeap::with_capacity(capacity),
            sequence: 0,
        }
    }

    /// Lets `payload` (below 2^24) happen at `time`.
    #[inline]
    pub fn at(&mut self, time: u64, payload: u32) {
        let key = self.key(time, payload);
        self.heap.add(key);
    }

    /// The key of an event that is kept elsewhere: in a line that is sorted already.
    #[inline]
    pub fn key(&mut self, time: u64, payload: u32) -> Key {
        let sequence = self.sequence;
        self.sequence += 1;
        (u128::from(time) << 64) | u128::from((sequence << PAYLOAD_BITS) | u64::from(payload))
    }

    /// The key of the next event; [`Key::MAX`] when there is none.
    #[inline]
    pub fn least(&mut self) -> Key {
        self.heap.least()
    }

    /// Takes the next event; [`Key::MAX`] when there is none.
    #[inline]
    pub fn take(&mut self) -> Key {
        self.heap.take()
    }
}

/// When an event happens, in nanoseconds.
#[inline]
pub fn time_of(key: Key) -> u64 {
    (key >> 64) as u64
}

/// What happens.
#[inline]
pub fn payload_of(key: Key) -> u32 {
    (key & PAYLOAD_MASK) as u32
}
