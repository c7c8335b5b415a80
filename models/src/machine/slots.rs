//! A number of plain slots and the line for them: a pool without a database, and any textbook station.
//!
//! Owns: how many slots are taken, the waiting line and its deadlines.
//! Never: what a slot is used for, or for how long.
//! Order: first come, first served. A slot that is given back goes to the front of the line at once.

use super::line::{Line, Place, Waiter};
use crate::{SimSpan, SimTime};

/// What came of asking for a slot.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A slot is yours.
    Granted,
    /// You are in the line.
    Waiting(Place),
    /// The line has no place left.
    Full,
}

/// The slots.
#[derive(Clone, Debug)]
pub struct Slots<T> {
    max: u32,
    busy: u32,
    waiters: u32,
    timeout: SimSpan,
    line: Line<T>,
}

impl<T: Copy> Slots<T> {
    /// `max` slots, at most `waiters` in the line, each for at most `timeout`.
    #[must_use]
    pub fn new(max: u32, waiters: u32, timeout: SimSpan) -> Self {
        Self {
            max,
            busy: 0,
            waiters,
            timeout,
            line: Line::default(),
        }
    }

    /// Asks for a slot.
    #[inline]
    pub fn acquire(&mut self, now: SimTime, ticket: T) -> Ask {
        if self.busy < self.max {
            self.busy += 1;
            Ask::Granted
        } else if self.line.len() < self.waiters as usize {
            Ask::Waiting(self.line.push(ticket, now, self.timeout))
        } else {
            Ask::Full
        }
    }

    /// Gives a slot back; it goes to the waiter returned, if any.
    #[inline]
    pub fn release(&mut self) -> Option<Waiter<T>> {
        debug_assert!(self.busy > 0, "a slot was given back that nobody had");
        if self.busy <= self.max
            && let Some(waiter) = self.line.pop()
        {
            return Some(waiter);
        }
        self.busy -= 1;
        None
    }

    /// Leaves the line.
    pub fn cancel(&mut self, place: Place) -> Option<Waiter<T>> {
        self.line.cancel(place)
    }

    /// The next waiter whose deadline has come; call until `None`.
    pub fn expire(&mut self, now: SimTime) -> Option<Waiter<T>> {
        self.line.expire(now)
    }

    /// When to call [`Slots::expire`] next.
    #[must_use]
    #[inline]
    pub fn next_deadline(&self) -> SimTime {
        self.line.next_deadline()
    }

    /// Changes the number of slots. Those above a lowered number go when they are given back; call
    /// [`Slots::admit`] until `None` after raising it.
    pub fn set_max(&mut self, max: u32) {
        self.max = max;
    }

    /// Changes all settings for what is decided from now on: those who wait keep their places and deadlines, slots above a
    /// lowered number go when they are given back. Call [`Slots::admit`] until `None` after it.
    pub fn set_config(&mut self, max: u32, waiters: u32, timeout: SimSpan) {
        self.set_max(max);
        (self.waiters, self.timeout) = (waiters, timeout);
    }

    /// Gives a free slot to the front of the line, if there is one and somebody waits.
    pub fn admit(&mut self) -> Option<Waiter<T>> {
        if self.busy >= self.max {
            return None;
        }
        let waiter = self.line.pop()?;
        self.busy += 1;
        Some(waiter)
    }

    /// Slots taken.
    #[must_use]
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Slots there are.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.max
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SimTime = SimTime::ZERO;

    #[test]
    fn a_slot_given_back_goes_to_whoever_waited_longest() {
        let mut slots = Slots::new(1, 2, SimSpan::FOREVER);
        assert_eq!(slots.acquire(NOW, 'a'), Ask::Granted);
        assert!(matches!(slots.acquire(NOW, 'b'), Ask::Waiting(_)));
        assert!(matches!(slots.acquire(NOW, 'c'), Ask::Waiting(_)));
        assert_eq!(slots.acquire(NOW, 'd'), Ask::Full, "two places in the line, no third");
        assert_eq!(slots.release().map(|w| w.ticket), Some('b'));
        assert_eq!(slots.release().map(|w| w.ticket), Some('c'));
        assert_eq!(slots.release(), None);
        assert_eq!(slots.busy(), 0);
    }

    #[test]
    fn lowering_the_number_takes_slots_away_only_as_they_are_given_back() {
        let mut slots = Slots::new(2, 9, SimSpan::FOREVER);
        slots.acquire(NOW, 1);
        slots.acquire(NOW, 2);
        slots.acquire(NOW, 3);
        slots.set_max(1);
        assert_eq!(slots.busy(), 2);
        assert_eq!(slots.release(), None, "the slot above the new number is gone");
        assert_eq!(slots.release().map(|w| w.ticket), Some(3));
        slots.set_max(3);
        assert_eq!(slots.admit(), None);
    }

    // Lost if broken: a setting that is changed during a run does nothing, or throws out those who wait.
    #[test]
    fn new_settings_hold_for_what_is_decided_later() {
        let mut slots = Slots::new(1, 1, SimSpan::from_secs(9));
        slots.acquire(NOW, 'a');
        slots.acquire(NOW, 'b');
        assert_eq!(slots.acquire(NOW, 'c'), Ask::Full);
        slots.set_config(1, 2, SimSpan::from_secs(2));
        assert!(matches!(slots.acquire(NOW, 'd'), Ask::Waiting(_)));
        assert_eq!(slots.next_deadline(), NOW + SimSpan::from_secs(2));
        assert_eq!(slots.expire(NOW + SimSpan::from_secs(2)).map(|w| w.ticket), Some('d'));
        assert_eq!(
            slots.next_deadline(),
            NOW + SimSpan::from_secs(9),
            "who waited keeps its deadline"
        );
        slots.set_config(2, 2, SimSpan::from_secs(2));
        assert_eq!(slots.admit().map(|w| w.ticket), Some('b'));
        assert_eq!(slots.admit(), None);
    }
}
