//! Real operations: started from inside, run on the host as tasks of their own, and heard of when they are done.
//!
//! One that is done at once, as those of test parts are, is heard of at once, and no task is started for it.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::Value;

use super::plant::Plant;
use super::slab::Handle;
use crate::cache::{CacheError, Counted};
use crate::provider::{Answering, Refusal};
use crate::store::{Connection, StoreError};

/// What a real operation came to.
pub(super) enum Real {
    /// Of opening a connection.
    Connected(Result<Box<dyn Connection>, StoreError>),
    /// Of statements on a connection, which comes back with it.
    Ran(Box<dyn Connection>, Result<Value, StoreError>),
    /// The same, the connection taken care of.
    Found(Result<Value, StoreError>),
    /// Of a look-up.
    Got(Result<Option<String>, CacheError>),
    /// Of a store.
    Kept(Result<(), CacheError>),
    /// Of a limiter's count.
    Counted(Result<Counted, CacheError>),
    /// Of a call of a model, to its end or to its first token.
    Asked(Result<Answering, Refusal>),
    /// Of the rest of a streamed answer: all of its text.
    Rest(Result<String, Refusal>),
    /// It was ended early, or nobody cares.
    Nothing,
}

/// Who is to hear of it.
#[derive(Copy, Clone, Debug)]
pub(super) enum Whom {
    /// A task, for its operation of that number.
    Task(Handle, u32),
    /// A connection's opening.
    Opening(Handle),
    /// A wire, for whoever asked over it.
    Wire(Handle),
    /// Nobody.
    Nobody,
}

impl Plant<'_> {
    /// Starts an operation. What it came to, if it is done at once; else `whom` hears of it.
    pub(super) fn launch(&mut self, whom: Whom, work: impl Future<Output = Real> + Send + 'static) -> Option<Real> {
        let mut work: Pin<Box<dyn Future<Output = Real> + Send>> = Box::pin(work);
        if let Poll::Ready(real) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(real);
        }
        let platform = self.s.platform.clone();
        self.parts.host.spawn(Box::pin(async move {
            let real = work.await;
            if let Some(platform) = platform.upgrade() {
                platform.enter(|plant| plant.heard(whom, real));
            }
        }));
        None
    }

    /// An operation of a task's begins: it is to be told how it ends.
    pub(super) fn asks(&mut self, index: u32) -> Whom {
        let handle = self.s.tasks.handle(index);
        let run = &mut self.s.tasks[index];
        run.operation = run.operation.wrapping_add(1);
        run.is_asking = true;
        run.is_late = false;
        run.real = None;
        Whom::Task(handle, run.operation)
    }

    /// The same, started at once.
    pub(super) fn ask_for(&mut self, index: u32, work: impl Future<Output = Real> + Send + 'static) {
        let whom = self.asks(index);
        if let Some(real) = self.launch(whom, work) {
            self.told(index, real);
        }
    }

    /// What a task's operation came to.
    pub(super) fn told(&mut self, index: u32, real: Real) {
        let run = &mut self.s.tasks[index];
        run.is_asking = false;
        run.real = Some(real);
    }

    /// Whether a task's step has to wait for its operation although everything else that it takes is over.
    pub(super) fn is_late(&mut self, index: u32) -> bool {
        let run = &mut self.s.tasks[index];
        run.is_late = run.is_asking;
        run.is_late
    }

    /// An operation that was not done at once is done.
    pub(super) fn heard(&mut self, whom: Whom, real: Real) {
        match whom {
            Whom::Task(handle, operation) => {
                let is_it = |run: &super::state::Run| run.is_asking && run.operation == operation;
                if self.s.tasks.get(handle).is_some_and(is_it) {
                    self.told(handle.index, real);
                    let run = &mut self.s.tasks[handle.index];
                    if std::mem::take(&mut run.is_late) {
                        run.scheduled = super::event::Scheduled::NOTHING;
                        self.come_back(handle.index);
                    } else {
                        self.told_early(handle.index);
                    }
                }
            }
            Whom::Opening(handle) => {
                if let Real::Connected(answer) = real
                    && self.s.openings.is_live(handle)
                {
                    self.connected(handle.index, answer);
                }
            }
            Whom::Wire(handle) => {
                if let Real::Ran(connection, result) = real {
                    self.wire_ran(handle, connection, result);
                }
            }
            Whom::Nobody => {}
        }
    }
}
