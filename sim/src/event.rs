//! Everything that can happen, and the set of what is still to happen.
//!
//! Owns: the closed list of events and their order: by time, and first scheduled first at one instant.
//! An entry is 16 bytes: 56 bits of time in nanoseconds (two years), 40 bits of sequence, 32 bits of event. The sequence
//! number is also what makes an entry stale: whoever waits for an event remembers the number it was scheduled under, and
//! ignores any other. Nothing is ever removed from the middle.
//! The set is a 4-ary heap, chosen by measurement (`cargo bench -p highwater-sim --bench pending`, docs/performance.md):
//! at the hundreds to tens of thousands of pending events that a run has, nothing without tuning was faster.

use highwater_models::SimTime;

/// Something that happens at a time. The number says to whom: an index into the table that the variant names.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Event {
    /// A task goes on.
    Task(u32),
    /// The running slice of a process's event loop ends.
    Slice(u32),
    /// The first job on an instance's shared CPU ends.
    Cpu(u32),
    /// The first job on a database's CPU ends.
    DatabaseCpu(u32),
    /// A connection that is being opened makes progress.
    Opening(u32),
    /// Waiters of a machine may have to give up; the index is one of the wake-up table.
    Wake(u32),
    /// A source's next session arrives.
    Arrival(u32),
    /// A session goes on after thinking.
    Fibre(u32),
    /// A request's client tries again after waiting.
    Backoff(u32),
    /// A person's patience with a request ends, or the wait for its first byte does.
    Patience(u32),
    /// A person presses again.
    Resend(u32),
    /// The oldest attempts under a client's time-out are looked at; the index is the client's.
    ClientTimeout(u32),
    /// An instance has started.
    Booted(u32),
    /// An instance dies, is told to stop, or has had its time to stop.
    Killed(u32),
    /// An instance is asked how it is, or has not answered in time.
    Probe(u32),
    /// An event of the scenario happens; the index is its number.
    Happening(u32),
    /// What an event of the scenario began is over.
    Over(u32),
    /// A cache's client tries to connect again, or its attempt has lasted too long.
    Reconnect(u32),
    /// An autoscaler looks; the index is the service's.
    Scale(u32),
    /// A window of the timeline ends.
    Window,
    /// Measuring begins.
    MeasureFrom,
    /// Measuring ends.
    MeasureTo,
    /// A snapshot is taken; the index is its number.
    Snapshot(u32),
    /// Monitoring looks; the index is that of its clock.
    Monitor(u32),
    /// No session starts any more.
    LoadEnds,
    /// The run ends, whatever is still in hand.
    End,
}

/// Bits for the index of an event.
const INDEX_BITS: u32 = 27;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const SEQUENCE_BITS: u32 = 40;
const SEQUENCE_MASK: u64 = (1 << SEQUENCE_BITS) - 1;

impl Event {
    #[inline]
    fn pack(self) -> u32 {
        // Numbered in the order of their declaration, so that a number becomes a kind without a table.
        let (kind, index) = match self {
            Self::Task(i) => (0, i),
            Self::Slice(i) => (1, i),
            Self::Cpu(i) => (2, i),
            Self::DatabaseCpu(i) => (3, i),
            Self::Opening(i) => (4, i),
            Self::Wake(i) => (5, i),
            Self::Arrival(i) => (6, i),
            Self::Fibre(i) => (7, i),
            Self::Backoff(i) => (8, i),
            Self::Patience(i) => (9, i),
            Self::Resend(i) => (10, i),
            Self::ClientTimeout(i) => (11, i),
            Self::Booted(i) => (12, i),
            Self::Killed(i) => (13, i),
            Self::Probe(i) => (14, i),
            Self::Happening(i) => (15, i),
            Self::Over(i) => (16, i),
            Self::Reconnect(i) => (17, i),
            Self::Scale(i) => (18, i),
            Self::Window => (19, 0),
            Self::MeasureFrom => (20, 0),
            Self::MeasureTo => (21, 0),
            Self::Snapshot(i) => (22, i),
            Self::Monitor(i) => (23, i),
            Self::LoadEnds => (24, 0),
            Self::End => (25, 0),
        };
        debug_assert!(index <= INDEX_MASK, "more than 2^27 of one kind in flight");
        (kind << INDEX_BITS) | index
    }

    #[inline(always)]
    fn unpack(packed: u32) -> Self {
        let index = packed & INDEX_MASK;
        match packed >> INDEX_BITS {
            0 => Self::Task(index),
            1 => Self::Slice(index),
            2 => Self::Cpu(index),
            3 => Self::DatabaseCpu(index),
            4 => Self::Opening(index),
            5 => Self::Wake(index),
            6 => Self::Arrival(index),
            7 => Self::Fibre(index),
            8 => Self::Backoff(index),
            9 => Self::Patience(index),
            10 => Self::Resend(index),
            11 => Self::ClientTimeout(index),
            12 => Self::Booted(index),
            13 => Self::Killed(index),
            14 => Self::Probe(index),
            15 => Self::Happening(index),
            16 => Self::Over(index),
            17 => Self::Reconnect(index),
            18 => Self::Scale(index),
            19 => Self::Window,
            20 => Self::MeasureFrom,
            21 => Self::MeasureTo,
            22 => Self::Snapshot(index),
            23 => Self::Monitor(index),
            24 => Self::LoadEnds,
            _ => Self::End,
        }
    }
}

/// The number that an entry was scheduled under; zero names none.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scheduled(u64);

impl Scheduled {
    /// Nothing is scheduled.
    pub const NOTHING: Self = Self(0);
}

/// An event that was taken.
#[derive(Copy, Clone, Debug)]
pub struct Due(u128);

impl Due {
    /// When it happens.
    #[must_use]
    #[inline(always)]
    pub fn at(self) -> SimTime {
        SimTime::from_nanos((self.0 >> 72) as u64)
    }

    /// What it was scheduled under.
    #[must_use]
    #[inline(always)]
    pub fn scheduled(self) -> Scheduled {
        Scheduled((self.0 >> 32) as u64 & SEQUENCE_MASK)
    }

    /// What happens.
    #[must_use]
    #[inline(always)]
    pub fn event(self) -> Event {
        Event::unpack(self.0 as u32)
    }

    /// The task that goes on, if that is what happens. With [`Due::fibre`] it is nearly all that does, so that the others
    /// are told apart only when it is neither.
    #[must_use]
    #[inline(always)]
    pub fn task(self) -> Option<u32> {
        self.index_of(Event::Task(0))
    }

    /// The thread that goes on after thinking, if that is what happens.
    #[must_use]
    #[inline(always)]
    pub fn fibre(self) -> Option<u32> {
        self.index_of(Event::Fibre(0))
    }

    #[inline(always)]
    fn index_of(self, first: Event) -> Option<u32> {
        let index = (self.0 as u32).wrapping_sub(first.pack());
        (index <= INDEX_MASK).then_some(index)
    }
}

/// No entry: later than every other.
const NONE: u128 = u128::MAX;

/// Four entries that are compared with each other: the children of one. They fill a line of the processor's cache.
#[derive(Copy, Clone, Debug)]
#[repr(align(64))]
struct Siblings([u128; 4]);

impl Siblings {
    /// The least of them, and its place.
    #[inline(always)]
    fn least(&self) -> (usize, u128) {
        let low = usize::from(self.0[1] < self.0[0]);
        let high = 2 + usize::from(self.0[3] < self.0[2]);
        let best = if self.0[high] < self.0[low] { high } else { low };
        (best, self.0[best])
    }
}

/// The pending events.
#[derive(Debug)]
pub struct EventQueue {
    /// The next entry.
    top: u128,
    /// All others, four by four: the children of the top, those of its first child, those of its second, and so on. Places
    /// without an entry have [`NONE`], so that four are always compared.
    below: Vec<Siblings>,
    /// How many there are below.
    count: usize,
    sequence: u64,
    /// Whether the top has been taken and left a hole, which the next one scheduled fills in one sift instead of two: most
    /// handlers schedule one successor.
    hole: bool,
}

impl Default for EventQueue {
    fn default() -> Self {
        Self {
            top: NONE,
            below: Vec::new(),
            count: 0,
            sequence: 0,
            hole: false,
        }
    }
}

/// Latest time that can be scheduled: 2^56 nanoseconds, more than two years. Files are checked against it.
pub const LATEST: u64 = (1 << 56) - 1;

impl EventQueue {
    /// Schedules an event. Anything later than [`LATEST`] never happens.
    // Inlined, so that the event is packed where its kind is known.
    #[inline(always)]
    pub fn schedule(&mut self, at: SimTime, event: Event) -> Scheduled {
        self.schedule_packed(at, event.pack())
    }

    fn schedule_packed(&mut self, at: SimTime, event: u32) -> Scheduled {
        self.sequence += 1;
        debug_assert!(
            self.sequence < SEQUENCE_MASK >> 32 << 32,
            "more than 2^40 events in one run"
        );
        let sequence = self.sequence;
        if at.nanos() <= LATEST {
            let key = (u128::from(at.nanos()) << 72) | (u128::from(sequence) << 32) | u128::from(event);
            if self.hole {
                self.sift_down(key);
            } else {
                self.add(key);
            }
        }
        Scheduled(sequence)
    }

    /// Takes the next event.
    #[inline(always)]
    pub fn take(&mut self) -> Option<Due> {
        if self.hole {
            self.fill_hole();
        }
        let key = self.top;
        // No entry has all bits of the upper half set: the last 2^32 numbers are never given.
        if (key >> 64) as u64 == u64::MAX {
            return None;
        }
        self.hole = true;
        Some(Due(key))
    }

    /// Entries still there, stale ones too.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count + usize::from(!self.hole && self.top != NONE)
    }

    /// Whether nothing is to happen any more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the last entry where the hole is.
    #[inline(never)]
    fn fill_hole(&mut self) {
        let Some(last) = self.count.checked_sub(1) else {
            (self.hole, self.top) = (false, NONE);
            return;
        };
        self.count = last;
        let key = std::mem::replace(self.place(last), NONE);
        if last % 4 == 0 {
            self.below.pop();
        }
        self.sift_down(key);
    }

    #[inline(always)]
    fn place(&mut self, number: usize) -> &mut u128 {
        &mut self.below[number / 4].0[number % 4]
    }

    /// One more entry, while there is no hole.
    fn add(&mut self, key: u128) {
        if self.top == NONE {
            self.top = key;
            return;
        }
        if self.count.is_multiple_of(4) {
            self.below.push(Siblings([NONE; 4]));
        }
        let mut at = self.count;
        self.count += 1;
        // Four by four: those below the entry with a number are the group after that number.
        while let Some(parent) = (at / 4).checked_sub(1) {
            let above = *self.place(parent);
            if above <= key {
                *self.place(at) = key;
                return;
            }
            *self.place(at) = above;
            at = parent;
        }
        let (upper, lower) = if key < self.top {
            (key, self.top)
        } else {
            (self.top, key)
        };
        *self.place(at) = lower;
        self.top = upper;
    }

    /// Puts an entry in place of the top.
    #[inline(always)]
    fn sift_down(&mut self, key: u128) {
        self.hole = false;
        let below = self.below.as_mut_slice();
        let Some((mut place, least)) = below.first().map(Siblings::least).filter(|&(_, least)| least < key) else {
            self.top = key;
            return;
        };
        self.top = least;
        let mut group = 0;
        loop {
            let next = 4 * group + place + 1;
            let Some((best, least)) = below.get(next).map(Siblings::least).filter(|&(_, least)| least < key) else {
                below[group].0[place] = key;
                return;
            };
            below[group].0[place] = least;
            (group, place) = (next, best);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_first_scheduled_first_at_one_instant() {
        let mut queue = EventQueue::default();
        let mut expected = Vec::new();
        for n in 0..5000u32 {
            let at = u64::from(n.wrapping_mul(2_654_435_761) % 97);
            queue.schedule(SimTime::from_nanos(at), Event::Task(n));
            expected.push((at, n));
        }
        expected.sort();
        let mut found = Vec::new();
        while let Some(due) = queue.take() {
            assert_eq!((due.event(), due.fibre()), (Event::Task(due.task().unwrap()), None));
            found.push((due.at().nanos(), due.task().unwrap()));
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn scheduling_right_after_taking_keeps_the_order() {
        let mut queue = EventQueue::default();
        for n in 0..50 {
            queue.schedule(SimTime::from_nanos(n * 10), Event::Fibre(n as u32));
        }
        let (mut last, mut taken) = (0, 0);
        while let Some(due) = queue.take() {
            assert!(due.at().nanos() >= last);
            last = due.at().nanos();
            taken += 1;
            if taken % 3 == 0 && taken < 3000 {
                queue.schedule(SimTime::from_nanos(last + taken * 7 % 100), Event::Window);
                queue.schedule(SimTime::from_nanos(last), Event::Window);
            }
        }
        assert_eq!(queue.len(), 0);
        assert!(taken > 100);
    }

    #[test]
    fn every_event_survives_packing() {
        for event in [
            Event::Task(7),
            Event::Slice(1),
            Event::Cpu(2),
            Event::DatabaseCpu(3),
            Event::Opening(4),
            Event::Wake(5),
            Event::Arrival(6),
            Event::Fibre(INDEX_MASK),
            Event::Backoff(8),
            Event::Patience(9),
            Event::Resend(10),
            Event::ClientTimeout(11),
            Event::Booted(12),
            Event::Killed(13),
            Event::Probe(21),
            Event::Happening(22),
            Event::Over(23),
            Event::Reconnect(24),
            Event::Scale(14),
            Event::Window,
            Event::MeasureFrom,
            Event::MeasureTo,
            Event::Snapshot(18),
            Event::Monitor(2),
            Event::LoadEnds,
            Event::End,
        ] {
            assert_eq!(Event::unpack(event.pack()), event);
        }
    }
}
