//! A platform in a box: one process of the operating system that is the balancer and all instances.
//!
//! Owns: the way in ([`Platform`]), one clock for everything inside, and the wake-ups that keep it going.
//! Inside, the plant runs the same compiled program as the simulator, on the same machines. Nothing in it waits: it
//! holds what is in flight as values, and the times at which something happens next. Those times are *nominal*: what is due
//! at a time is carried out as of that time, however late the clock of the host rings, so that lateness is seen once by
//! whoever waits and never adds up.
//! What is real (a connection, a query, a command, a call of a model) runs on the host as a task of its own, inside the time
//! that the system says such a thing takes: a step ends when both have.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use highwater_host::SharedHost;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::Model;

use crate::arrival::{Answer, Arrival};
use crate::backend::{Backend, Order, Reading};
use crate::cache::CacheServer;
use crate::provider::Provider;
use crate::store::Store;

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
}

impl Platform {
    /// A platform whose first instances are in traffic at once. It goes on by itself, on the host's tasks, until it is dropped.
    ///
    /// # Panics
    /// When a database, cache or provider of the model has no part that stands for it.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        assert_eq!(
            parts.stores.len(),
            parts.model.databases.len(),
            "a store for each database"
        );
        assert_eq!(
            parts.caches.len(),
            parts.model.caches.len(),
            "a cache server for each cache"
        );
        assert_eq!(
            parts.providers.len(),
            parts.model.providers.len(),
            "a provider for each provider"
        );
        Arc::new(Self { parts })
    }
}

impl Backend for Platform {
    fn model(&self) -> &Model {
        &self.parts.model
    }

    fn serve(self: Arc<Self>, _arrival: Arrival) -> BoxFuture<'static, Answer> {
        futures::future::ready(Answer {
            cause: Some(Cause::NoInstance),
            retry_after: None,
            body: serde_json::Value::Null,
            pieces: None,
            signs_in: false,
            stages: Vec::new(),
            place: None,
        })
        .boxed()
    }

    fn readings(&self) -> Vec<Reading> {
        Vec::new()
    }

    fn order(&self, _order: Order) -> Result<(), String> {
        Err("not yet".to_owned())
    }

    fn drain(&self, _deadline: SimSpan) -> BoxFuture<'static, ()> {
        futures::future::ready(()).boxed()
    }
}
