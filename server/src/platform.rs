//! A platform in a box: one process of the operating system that is the balancer and all instances.
//!
//! Owns: the way in ([`Platform`]), one clock for everything inside, and the wake-ups that keep it going.
//! Inside, the plant runs the same compiled program as the simulator, on the same machines. Nothing in it waits: it
//! holds what is in flight as values, and the times at which something happens next. Those times are *nominal*: what is due
//! at a time is carried out as of that time, however late the clock of the host rings, so that lateness is seen once by
//! whoever waits and never adds up.
//! What is real (a connection, a query, a command, a call of a model) runs on the host as a task of its own, inside the time
//! that the system says such a thing takes: a step ends when both have.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use futures::channel::oneshot;
use futures::future::{BoxFuture, Either, FutureExt, select};
use highwater_host::{SharedHost, Sleep};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Model;

use crate::arrival::{Answer, Arrival, Gone};
use crate::backend::{Backend, Order, Reading};
use crate::cache::CacheServer;
use crate::provider::Provider;
use crate::store::Store;

mod answer;
mod balance;
mod call;
mod conversations;
mod database;
mod deploy;
mod event;
mod giving_up;
mod health;
mod holding;
mod ladder;
mod limit;
mod lives;
mod lookup;
mod memory;
mod opening;
mod people;
mod plant;
mod pooler;
mod readings;
mod real;
mod scaling;
mod slab;
mod state;
mod tally;
mod task;
#[cfg(test)]
mod tests;
mod turn;
mod wire;

pub use tally::Line;

use plant::{Inside, Plant};
use slab::Handle;

/// What a platform is put together from.
#[derive(Clone)]
pub struct Parts {
    /// What it runs: [`highwater_program::compile::compile`] of a checked plan.
    pub model: Arc<Model>,
    /// Clock and tasks.
    pub host: SharedHost,
    /// By number of the database in [`Model::databases`].
    pub stores: Vec<Arc<dyn Store>>,
    /// By number of the cache in [`Model::caches`].
    pub caches: Vec<Arc<dyn CacheServer>>,
    /// By number of the provider in [`Model::providers`].
    pub providers: Vec<Arc<dyn Provider>>,
    /// Seed of what belongs to no request: how long instances boot and connections take to open. The same as the simulation's
    /// where the two are to share their luck.
    pub seed: u64,
}

/// The platform.
pub struct Platform {
    parts: Parts,
    me: Weak<Self>,
    kept: Mutex<Kept>,
}

/// What is inside, and when it is looked after next.
struct Kept {
    inside: Inside,
    /// For when the keeper has set its alarm.
    armed: SimTime,
    /// Wakes the keeper for an earlier one.
    keeper: Option<Waker>,
    /// Wakes whoever waits for everything to be done.
    idle: Vec<Waker>,
}

impl Platform {
    /// A platform whose first instances are in traffic at once. It goes on by itself, on the host's tasks, until it is dropped.
    /// Where its parts need a runtime, it is made, and asked and ordered, within that.
    ///
    /// # Panics
    /// When a database, cache or provider of the model has no part that stands for it.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let counts = |parts: &Parts| (parts.stores.len(), parts.caches.len(), parts.providers.len());
        let model = &parts.model;
        let wanted = (model.databases.len(), model.caches.len(), model.providers.len());
        assert_eq!(counts(&parts), wanted, "a part for each database, cache and provider");
        let platform = Arc::new_cyclic(|me: &Weak<Self>| Self {
            kept: Mutex::new(Kept {
                inside: Inside::new(&parts.model, parts.seed, me.clone()),
                armed: SimTime::NEVER,
                keeper: None,
                idle: Vec::new(),
            }),
            me: me.clone(),
            parts,
        });
        platform.enter(|plant| plant.begin());
        let host = Arc::clone(&platform.parts.host);
        host.spawn(Box::pin(Keeper {
            platform: platform.me.clone(),
            host: Arc::clone(&host),
            sleep: None,
        }));
        platform
    }

    /// The last lines of its log, the oldest first: boots, deaths, deploys, breakers, levels of degradation.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let kept = self.kept();
        kept.inside.tally.lines.iter().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings everything up to now, does something, and sees to it that it is looked after in time.
    fn enter<T>(&self, act: impl FnOnce(&mut Plant<'_>) -> T) -> T {
        let mut kept = self.kept();
        let now = self.parts.host.now();
        let mut plant = Plant {
            model: &self.parts.model,
            parts: &self.parts,
            s: &mut kept.inside,
        };
        plant.run_until(now);
        let value = act(&mut plant);
        plant.ready_go_on();
        let next = kept.inside.events.next_at();
        if next < kept.armed {
            kept.armed = next;
            if let Some(keeper) = &kept.keeper {
                keeper.wake_by_ref();
            }
        }
        if kept.inside.requests.len() == 0 {
            kept.idle.drain(..).for_each(Waker::wake);
        }
        value
    }
}

/// Wakes up for whatever is next.
struct Keeper {
    platform: Weak<Platform>,
    host: SharedHost,
    sleep: Option<(SimTime, Sleep)>,
}

impl Future for Keeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(platform) = self.platform.upgrade() else {
                return Poll::Ready(());
            };
            platform.enter(|_| ());
            let at = {
                let mut kept = platform.kept();
                kept.keeper = Some(context.waker().clone());
                kept.armed = kept.inside.events.next_at();
                kept.armed
            };
            drop(platform);
            if self.sleep.as_ref().is_none_or(|(of, _)| *of != at) {
                self.sleep = Some((at, self.host.sleep_until(at)));
            }
            let Some((_, sleep)) = &mut self.sleep else {
                return Poll::Pending;
            };
            match Pin::new(sleep).poll(context) {
                Poll::Ready(()) => self.sleep = None,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Tells the platform that a client has gone, unless it has its answer.
struct Client {
    platform: Arc<Platform>,
    request: Handle,
    is_answered: bool,
}

impl Client {
    /// Its answer goes on arriving: it may still go before that is whole.
    fn watch(mut self, gone: Gone) {
        let (watched, whole) = oneshot::channel();
        self.platform.enter(|plant| plant.watch(self.request, watched));
        let host = Arc::clone(&self.platform.parts.host);
        host.spawn(Box::pin(async move {
            match select(whole, gone).await {
                Either::Left(_) => self.has_all(),
                Either::Right(_) => self.goes(),
            }
        }));
    }

    /// Its answer is whole: it may go.
    fn has_all(&mut self) {
        self.is_answered = true;
    }

    fn goes(&mut self) {
        if !std::mem::replace(&mut self.is_answered, true) {
            self.platform.enter(|plant| plant.client_gone(self.request));
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.goes();
    }
}

impl Backend for Platform {
    fn model(&self) -> &Model {
        &self.parts.model
    }

    fn serve(self: Arc<Self>, arrival: Arrival) -> BoxFuture<'static, Answer> {
        async move {
            let gone = arrival.gone.clone();
            let (reply, mut answer) = oneshot::channel();
            let request = self.enter(|plant| plant.take_in(arrival, reply));
            let mut client = Client {
                platform: self,
                request,
                is_answered: false,
            };
            let answer = match select(&mut answer, gone.clone()).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => {
                    client.goes();
                    answer.await
                }
            };
            if answer.as_ref().is_ok_and(|answer| answer.pieces.is_some()) {
                client.watch(gone);
            } else {
                client.has_all();
            }
            // Every request ends; one whose work was dropped is lost with its instance.
            answer.unwrap_or_else(|_| answer::refusal(Cause::InstanceLost))
        }
        .boxed()
    }

    fn readings(&self) -> Vec<Reading> {
        self.enter(|plant| plant.readings())
    }

    fn order(&self, order: Order) -> Result<(), String> {
        let service_of = |name: &str| {
            let found = self
                .parts
                .model
                .services
                .iter()
                .position(|service| service.name == name);
            let found = found.and_then(|number| u16::try_from(number).ok());
            found.ok_or_else(|| format!("there is no service `{name}`"))
        };
        match order {
            Order::Crash { service, count } => {
                let service = service_of(&service)?;
                self.enter(|plant| plant.crash_instances(service, count));
            }
            Order::Restart { service } => {
                let service = service_of(&service)?;
                self.enter(|plant| plant.restart_service(service));
            }
            Order::Deploy { service } => {
                let number = service_of(&service)?;
                if !self.enter(|plant| plant.deploy(number)) {
                    return Err(format!("a deploy of `{service}` is under way"));
                }
            }
            Order::Instances { service, count } => {
                /// More would only fill this machine's memory.
                const MOST: u32 = 1000;
                let service = service_of(&service)?;
                if count > MOST {
                    return Err(format!("at most {MOST} instances"));
                }
                self.enter(|plant| plant.set_instances(service, count));
            }
            Order::ClearCache => {
                for cache in &self.parts.caches {
                    let cache = Arc::clone(cache);
                    let clear = async move {
                        // A cache that cannot be reached has nothing to forget that anybody could find.
                        let _ = cache.clear().await;
                    };
                    self.parts.host.spawn(clear.boxed());
                }
            }
        }
        Ok(())
    }

    fn drain(&self, deadline: SimSpan) -> BoxFuture<'static, ()> {
        let Some(platform) = self.me.upgrade() else {
            return futures::future::ready(()).boxed();
        };
        let host = Arc::clone(&self.parts.host);
        self.enter(|plant| plant.s.is_draining = true);
        let at = host.now() + deadline;
        async move {
            let idle = poll_fn(|context| {
                let mut kept = platform.kept();
                if kept.inside.requests.len() == 0 {
                    return Poll::Ready(());
                }
                kept.idle.push(context.waker().clone());
                Poll::Pending
            });
            highwater_host::by(&*host, at, idle).await;
        }
        .boxed()
    }
}
