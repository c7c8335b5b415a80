//! What time it is, and how tasks run.
//!
//! Owns: the one clock and the one way to start a task that the reference server and the load generator know. On the
//! [wall's clock](wall::WallHost) they run for real, around sockets; on a [virtual one](virtual_time::VirtualHost) the same
//! code runs without any, as fast as it can and with the same result each time, which is how its decisions are held
//! against the simulator's.
//! Never: what runs.
//!
//! All times are times of the *system*: nanoseconds since the run began. A host may let them pass faster than the wall's.

pub mod programs;
pub mod virtual_time;
pub mod wall;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, Either, select};
use highwater_models::{SimSpan, SimTime};

pub use virtual_time::VirtualHost;
pub use wall::WallHost;

/// A clock and a way to start tasks.
pub trait Host: Send + Sync + 'static {
    /// The system's time.
    fn now(&self) -> SimTime;

    /// Ends at a time, or at once when that has passed; never for [`SimTime::NEVER`]. Dropping it forgets it.
    fn sleep_until(&self, at: SimTime) -> Sleep;

    /// Starts a task that nobody waits for; it goes on whatever becomes of whoever started it.
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// How many seconds of the system pass in one of the wall's.
    fn scale(&self) -> f64;
}

/// A host that many share.
pub type SharedHost = Arc<dyn Host>;

/// A wait for a time.
pub struct Sleep(pub(crate) Arc<alarm::Alarm>);

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.poll(context)
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.0.forget();
    }
}

/// What a future gives, if it does so by a time.
pub async fn by<T>(host: &dyn Host, at: SimTime, work: impl Future<Output = T>) -> Option<T> {
    let work = std::pin::pin!(work);
    if at == SimTime::NEVER {
        return Some(work.await);
    }
    match select(work, host.sleep_until(at)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Waits for a length of time.
pub async fn pause(host: &dyn Host, span: SimSpan) {
    if span > SimSpan::ZERO {
        host.sleep_until(host.now() + span).await;
    }
}

/// Something that goes off once.
pub(crate) mod alarm {
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::task::{Context, Poll, Waker};

    #[derive(Default)]
    struct State {
        rung: bool,
        forgotten: bool,
        waker: Option<Waker>,
    }

    /// Whether it has gone off, and whom to tell.
    #[derive(Default)]
    pub(crate) struct Alarm(Mutex<State>);

    impl Alarm {
        fn state(&self) -> MutexGuard<'_, State> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn ring(&self) {
            let waker = {
                let mut state = self.state();
                state.rung = true;
                state.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }

        pub(crate) fn is_forgotten(&self) -> bool {
            self.state().forgotten
        }

        pub(crate) fn forget(&self) {
            let mut state = self.state();
            state.forgotten = true;
            state.waker = None;
        }

        pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
            let mut state = self.state();
            if state.rung {
                return Poll::Ready(());
            }
            match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            Poll::Pending
        }
    }

    /// An alarm and when it goes off; the earliest is the greatest, so that a heap gives it first, and of those of one
    /// instant the one that was set first.
    pub(crate) struct Entry {
        pub at: highwater_models::SimTime,
        pub order: u64,
        pub alarm: std::sync::Arc<Alarm>,
    }

    impl PartialEq for Entry {
        fn eq(&self, other: &Self) -> bool {
            (self.at, self.order) == (other.at, other.order)
        }
    }

    impl Eq for Entry {}

    impl Ord for Entry {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            (other.at, other.order).cmp(&(self.at, self.order))
        }
    }

    impl PartialOrd for Entry {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
}
