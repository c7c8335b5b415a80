//! What happens next, and when.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use highwater_models::SimTime;

/// Everything that a time can bring.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// What a task waits for.
    Task(u32),
    /// The end of a slice on a CPU without a limit.
    Slice(u32),
    /// The first end on an instance's CPU.
    Cpu(u32),
    /// The first end on a database's CPU.
    DatabaseCpu(u32),
    /// A connection's opening makes progress.
    Opening(u32),
    /// A machine's deadline.
    Wake(u32),
    /// The end of a boot.
    Booted(u32),
    /// The next step in an instance's end.
    Killed(u32),
    /// A probe, or the end of its time.
    Probe(u32),
    /// The autoscaler looks at a service.
    Scale(u32),
}

/// Names a scheduled event, so that one that is no longer wanted is known when it comes.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Scheduled(u64);

impl Scheduled {
    /// No event.
    pub(super) const NOTHING: Self = Self(0);
}

/// An event with its time; the greatest is the one to come first.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub at: SimTime,
    pub scheduled: Scheduled,
    pub event: Event,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.scheduled.0).cmp(&(self.at, self.scheduled.0))
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Pending events: by time, and those of one instant in the order in which they were scheduled.
#[derive(Default)]
pub(super) struct EventQueue {
    heap: BinaryHeap<Due>,
    count: u64,
}

impl EventQueue {
    /// Schedules an event; one that never comes is not kept.
    pub(super) fn schedule(&mut self, at: SimTime, event: Event) -> Scheduled {
        if at == SimTime::NEVER {
            return Scheduled::NOTHING;
        }
        self.count += 1;
        let scheduled = Scheduled(self.count);
        self.heap.push(Due { at, scheduled, event });
        scheduled
    }

    /// When the next one is due.
    pub(super) fn next_at(&self) -> SimTime {
        self.heap.peek().map_or(SimTime::NEVER, |due| due.at)
    }

    /// Takes the next one if it is due by then.
    pub(super) fn take(&mut self, until: SimTime) -> Option<Due> {
        if self.next_at() > until { None } else { self.heap.pop() }
    }
}
