//! Who is there: people who have asked for something in the last minute.

use std::collections::{HashMap, VecDeque};

use highwater_models::{SimSpan, SimTime};

/// How long somebody counts as there.
const THERE: SimSpan = SimSpan::from_secs(60);
/// The most who are counted.
const COUNTED_MAX: usize = 1 << 17;

/// The people.
#[derive(Default)]
pub(super) struct People {
    last: HashMap<u64, SimTime>,
    /// Who asked when, the oldest first.
    asked: VecDeque<(SimTime, u64)>,
}

impl People {
    /// Somebody asks for something.
    pub(super) fn asks(&mut self, now: SimTime, person: u64) {
        self.forget(now);
        if self.asked.len() >= COUNTED_MAX {
            return;
        }
        // Once a second is enough.
        let last = self.last.get(&person);
        if last.is_none_or(|&last| last + SimSpan::from_secs(1) <= now) {
            self.last.insert(person, now);
            self.asked.push_back((now, person));
        }
    }

    /// How many are there.
    pub(super) fn online(&mut self, now: SimTime) -> usize {
        self.forget(now);
        self.last.len()
    }

    fn forget(&mut self, now: SimTime) {
        while let Some(&(at, person)) = self.asked.front()
            && at + THERE <= now
        {
            self.asked.pop_front();
            if self.last.get(&person) == Some(&at) {
                self.last.remove(&person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_there_for_a_minute_after_asking_last() {
        let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
        let mut people = People::default();
        people.asks(at(0), 1);
        people.asks(at(30), 1);
        people.asks(at(40), 2);
        assert_eq!(people.online(at(70)), 2);
        assert_eq!(people.online(at(95)), 1);
        assert_eq!(people.online(at(100)), 0);
    }
}
