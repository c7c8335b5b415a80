//! A clock that stands still while anything can run, and then goes on to the next time that somebody waits for.

use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::executor::LocalPool;
use futures::future::BoxFuture;
use futures::task::LocalSpawnExt;
use highwater_models::SimTime;

use crate::alarm::{Alarm, Entry};
use crate::{Host, Sleep};

#[derive(Default)]
struct State {
    now: SimTime,
    order: u64,
    alarms: BinaryHeap<Entry>,
    started: Vec<BoxFuture<'static, ()>>,
}

/// One thread, no wall clock: tasks run in the order in which they became ready, alarms of one instant go off in the order
/// in which they were set. The same tasks give the same run each time.
#[derive(Default)]
pub struct VirtualHost {
    state: Mutex<State>,
}

impl VirtualHost {
    /// At time zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs all tasks until a time, or until none is left that waits for a time. The clock then shows the time of what
    /// happened last, or `until` if there was more to come.
    pub fn run(&self, until: SimTime) {
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        loop {
            loop {
                let started = std::mem::take(&mut self.state().started);
                if started.is_empty() {
                    break;
                }
                for task in started {
                    // The pool lives as long as this function: it takes every task.
                    let _ = spawner.spawn_local(task);
                }
                pool.run_until_stalled();
            }
            pool.run_until_stalled();
            let alarm = {
                let mut state = self.state();
                if !state.started.is_empty() {
                    continue;
                }
                let Some(entry) = state.alarms.pop() else { return };
                if entry.at > until {
                    state.now = until;
                    state.alarms.push(entry);
                    return;
                }
                if entry.alarm.is_forgotten() {
                    continue;
                }
                state.now = state.now.max(entry.at);
                entry.alarm
            };
            alarm.ring();
        }
    }
}

impl Host for VirtualHost {
    fn now(&self) -> SimTime {
        self.state().now
    }

    fn sleep_until(&self, at: SimTime) -> Sleep {
        let alarm = Arc::new(Alarm::default());
        let mut state = self.state();
        if at <= state.now {
            alarm.ring();
        } else if at != SimTime::NEVER {
            state.order += 1;
            let order = state.order;
            state.alarms.push(Entry {
                at,
                order,
                alarm: Arc::clone(&alarm),
            });
        }
        Sleep(alarm)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.state().started.push(task);
    }

    fn scale(&self) -> f64 {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::SimSpan;

    #[test]
    fn time_goes_from_one_wait_to_the_next_and_ties_keep_their_order() {
        let host = VirtualHost::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for (number, millis) in [(1, 5), (2, 3), (3, 5), (4, 0)] {
            let (host_of, seen) = (Arc::clone(&host), Arc::clone(&seen));
            host.spawn(Box::pin(async move {
                host_of
                    .sleep_until(SimTime::ZERO + SimSpan::from_nanos(millis * 1_000_000))
                    .await;
                seen.lock()
                    .expect("no task panics")
                    .push((number, host_of.now().nanos()));
            }));
        }
        host.run(SimTime::NEVER);
        let seen = seen.lock().expect("no task panics");
        assert_eq!(*seen, [(4, 0), (2, 3_000_000), (1, 5_000_000), (3, 5_000_000)]);
    }

    #[test]
    fn what_comes_later_is_left_for_later() {
        let host = VirtualHost::new();
        let done = Arc::new(Mutex::new(false));
        let (host_of, done_of) = (Arc::clone(&host), Arc::clone(&done));
        host.spawn(Box::pin(async move {
            crate::pause(&*host_of, SimSpan::from_nanos(10)).await;
            *done_of.lock().expect("no task panics") = true;
        }));
        host.run(SimTime::from_nanos(5));
        assert_eq!(host.now(), SimTime::from_nanos(5));
        assert!(!*done.lock().expect("no task panics"));
    }
}
