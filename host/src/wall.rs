//! The wall's clock.
//!
//! Alarms are kept by a thread of their own: the runtime's timers count in milliseconds, and a slice of an event loop is
//! shorter than that.

use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use highwater_models::SimTime;

use crate::alarm::{Alarm, Entry};
use crate::{Host, Sleep};

#[derive(Default)]
struct State {
    order: u64,
    alarms: BinaryHeap<Entry>,
    ended: bool,
}

#[derive(Default)]
struct Alarms {
    state: Mutex<State>,
    changed: Condvar,
}

impl Alarms {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wall's clock, with tasks on the runtime in which it was made.
pub struct WallHost {
    began: Instant,
    scale: f64,
    runtime: tokio::runtime::Handle,
    alarms: Arc<Alarms>,
}

impl WallHost {
    /// Begins at zero now; `scale` seconds of the system pass in one of the wall's.
    ///
    /// # Errors
    /// When the thread that keeps the alarms cannot be started.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(scale: f64) -> std::io::Result<Arc<Self>> {
        let alarms = Arc::new(Alarms::default());
        let began = Instant::now();
        let of_thread = Arc::clone(&alarms);
        thread::Builder::new()
            .name("alarms".to_owned())
            .spawn(move || keep(&of_thread, began, scale))?;
        Ok(Arc::new(Self {
            began,
            scale,
            runtime: tokio::runtime::Handle::current(),
            alarms,
        }))
    }
}

impl Drop for WallHost {
    fn drop(&mut self) {
        self.alarms.state().ended = true;
        self.alarms.changed.notify_one();
    }
}

/// Rings each alarm when its time has come, until the host is gone.
fn keep(alarms: &Alarms, began: Instant, scale: f64) {
    let mut state = alarms.state();
    loop {
        if state.ended {
            return;
        }
        let now = system_time(began, scale);
        match state.alarms.peek() {
            None => state = alarms.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(entry) if entry.at <= now || entry.alarm.is_forgotten() => {
                let entry = state.alarms.pop();
                drop(state);
                if let Some(entry) = entry {
                    entry.alarm.ring();
                }
                state = alarms.state();
            }
            Some(entry) => {
                let left = Duration::from_secs_f64(entry.at.since(now).seconds() / scale);
                (state, _) = alarms
                    .changed
                    .wait_timeout(state, left)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

fn system_time(began: Instant, scale: f64) -> SimTime {
    let elapsed = began.elapsed();
    if scale == 1.0 {
        SimTime::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    } else {
        SimTime::from_nanos((elapsed.as_secs_f64() * scale * 1e9) as u64)
    }
}

impl Host for WallHost {
    fn now(&self) -> SimTime {
        system_time(self.began, self.scale)
    }

    fn sleep_until(&self, at: SimTime) -> Sleep {
        let alarm = Arc::new(Alarm::default());
        if at <= self.now() {
            alarm.ring();
        } else if at != SimTime::NEVER {
            let is_first = {
                let mut state = self.alarms.state();
                state.order += 1;
                let order = state.order;
                let is_first = state.alarms.peek().is_none_or(|first| at < first.at);
                state.alarms.push(Entry {
                    at,
                    order,
                    alarm: Arc::clone(&alarm),
                });
                is_first
            };
            if is_first {
                self.alarms.changed.notify_one();
            }
        }
        Sleep(alarm)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn scale(&self) -> f64 {
        self.scale
    }
}
