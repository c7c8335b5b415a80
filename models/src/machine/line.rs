//! A waiting line: first come, first served, with a deadline for each waiter and cancellation from the middle.
//!
//! Owns: order, deadlines, and the places of those who left early.
//! Never: who is served when; that is for the machine that keeps the line.

use std::collections::VecDeque;

use crate::{SimSpan, SimTime};

/// Somebody who waits.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Waiter<T> {
    /// Names whoever waits; the line never looks inside.
    pub ticket: T,
    /// When the wait began.
    pub since: SimTime,
    /// When patience ends; [`SimTime::NEVER`] for no limit.
    pub deadline: SimTime,
}

/// A place in a line, good for one [`Line::cancel`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

/// The line. Deadlines do not decrease from front to back while the timeout is constant: then only the front can be the
/// next to give up. After a timeout was shortened they may, and until the line has emptied everybody is looked at.
/// Whoever has a random patience keeps its own timer and calls [`Line::cancel`].
#[derive(Clone, Debug)]
pub struct Line<T> {
    /// Waiters by place; those who left from the middle are holes, never at the front.
    places: VecDeque<Option<Waiter<T>>>,
    /// Place of the front.
    front: u64,
    /// Waiters that are no holes.
    live: usize,
    /// The latest deadline of anybody who joined.
    latest: SimTime,
    /// Whether somebody joined with an earlier deadline than one before.
    mixed: bool,
}

impl<T: Copy> Default for Line<T> {
    fn default() -> Self {
        Self {
            places: VecDeque::new(),
            front: 0,
            live: 0,
            latest: SimTime::ZERO,
            mixed: false,
        }
    }
}

impl<T: Copy> Line<T> {
    /// Joins at the tail.
    #[inline]
    pub fn push(&mut self, ticket: T, now: SimTime, timeout: SimSpan) -> Place {
        let place = Place(self.front + self.places.len() as u64);
        let deadline = now + timeout;
        if self.live == 0 {
            self.mixed = false;
        } else if deadline < self.latest {
            self.mixed = true;
        }
        self.latest = deadline;
        self.places.push_back(Some(Waiter {
            ticket,
            since: now,
            deadline,
        }));
        self.live += 1;
        place
    }

    /// Takes the waiter at the front.
    #[inline]
    pub fn pop(&mut self) -> Option<Waiter<T>> {
        let waiter = self.places.pop_front()??;
        self.front += 1;
        self.live -= 1;
        self.trim();
        Some(waiter)
    }

    /// The waiter at the front.
    #[must_use]
    #[inline]
    pub fn peek(&self) -> Option<&Waiter<T>> {
        self.places.front()?.as_ref()
    }

    /// Leaves the line; `None` when that place was served or left before.
    pub fn cancel(&mut self, place: Place) -> Option<Waiter<T>> {
        let index = place.0.checked_sub(self.front)?;
        let waiter = self.places.get_mut(usize::try_from(index).ok()?)?.take()?;
        self.live -= 1;
        self.trim();
        Some(waiter)
    }

    /// Takes the waiter at the front if its deadline has come; call until `None`.
    pub fn expire(&mut self, now: SimTime) -> Option<Waiter<T>> {
        if self.mixed {
            let is_due = |waiter: &Option<Waiter<T>>| waiter.as_ref().is_some_and(|waiter| waiter.deadline <= now);
            let index = self.places.iter().position(is_due)?;
            return self.cancel(Place(self.front + index as u64));
        }
        if self.next_deadline() <= now { self.pop() } else { None }
    }

    /// The first deadline; [`SimTime::NEVER`] when nobody waits or nobody's patience ends.
    #[must_use]
    #[inline]
    pub fn next_deadline(&self) -> SimTime {
        if self.mixed {
            let deadlines = self.places.iter().flatten().map(|waiter| waiter.deadline);
            return deadlines.min().unwrap_or(SimTime::NEVER);
        }
        self.peek().map_or(SimTime::NEVER, |waiter| waiter.deadline)
    }

    /// How many wait.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether nobody waits.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Holes never stay at the front, so that the front is always somebody.
    #[inline]
    fn trim(&mut self) {
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.front += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_from_the_middle_keeps_the_order_of_the_rest() {
        let mut line = Line::default();
        let places: Vec<Place> = (0..4).map(|n| line.push(n, SimTime::ZERO, SimSpan::FOREVER)).collect();
        assert_eq!(line.cancel(places[1]).map(|w| w.ticket), Some(1));
        assert_eq!(line.cancel(places[1]), None, "nobody leaves twice");
        assert_eq!(line.pop().map(|w| w.ticket), Some(0));
        assert_eq!(line.cancel(places[0]), None, "who was served cannot leave");
        assert_eq!(line.len(), 2);
        assert_eq!(line.pop().map(|w| w.ticket), Some(2));
        assert_eq!(line.pop().map(|w| w.ticket), Some(3));
        assert!(line.is_empty());
    }

    // Lost if broken: after a timeout was shortened, those who came later wait for as long as those before them.
    #[test]
    fn after_a_shorter_timeout_whoever_is_due_first_leaves_first() {
        let at = SimTime::from_nanos;
        let mut line = Line::default();
        line.push('a', SimTime::ZERO, SimSpan::from_nanos(100));
        line.push('b', at(10), SimSpan::from_nanos(20));
        line.push('c', at(20), SimSpan::from_nanos(20));
        assert_eq!(line.next_deadline(), at(30));
        assert_eq!(line.expire(at(29)), None);
        assert_eq!(line.expire(at(40)).map(|w| w.ticket), Some('b'));
        assert_eq!(line.expire(at(40)).map(|w| w.ticket), Some('c'));
        assert_eq!(line.expire(at(40)), None);
        assert_eq!(line.next_deadline(), at(100));
        assert_eq!(line.pop().map(|w| w.ticket), Some('a'));
        line.push('d', at(50), SimSpan::from_nanos(20));
        assert_eq!(line.next_deadline(), at(70));
    }

    #[test]
    fn a_deadline_is_reached_at_its_instant_and_not_before() {
        let mut line = Line::default();
        line.push('a', SimTime::ZERO, SimSpan::from_millis(5));
        line.push('b', SimTime::from_nanos(1), SimSpan::from_millis(5));
        assert_eq!(line.expire(SimTime::from_nanos(4_999_999)), None);
        assert_eq!(line.expire(SimTime::from_nanos(5_000_000)).map(|w| w.ticket), Some('a'));
        assert_eq!(line.expire(SimTime::from_nanos(5_000_000)), None);
        assert_eq!(line.next_deadline(), SimTime::from_nanos(5_000_001));
    }
}
