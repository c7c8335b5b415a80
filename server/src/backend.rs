//! What the HTTP side knows of the platform behind it.
//!
//! Owns: the one way in. The platform is the backend; tests have smaller ones.

use std::sync::Arc;

use futures::future::BoxFuture;
use highwater_models::SimSpan;
use highwater_program::model::Model;

use crate::arrival::{Answer, Arrival};

/// What takes requests.
pub trait Backend: Send + Sync + 'static {
    /// What it runs.
    fn model(&self) -> &Model;

    /// Takes a request through to its answer. The work goes on whatever becomes of whoever asked, unless the service is set
    /// to cancel.
    fn serve(self: Arc<Self>, arrival: Arrival) -> BoxFuture<'static, Answer>;

    /// What can be read off it now, for metrics, alerts and the dashboard.
    fn readings(&self) -> Vec<Reading>;

    /// Does what an operator orders.
    ///
    /// # Errors
    /// A sentence that says why it cannot be done.
    fn order(&self, order: Order) -> Result<(), String>;

    /// Takes nothing new, and is done when nothing is in hand any more, or after so long.
    fn drain(&self, deadline: SimSpan) -> BoxFuture<'static, ()>;
}

/// One figure, by the name that alert rules watch it by, such as `web.cpu` or `postgres.connections`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its name.
    pub name: String,
    /// Of which instance; none for all together.
    pub instance: Option<u32>,
    /// The figure.
    pub value: f64,
    /// Whether it only ever grows, from the start on: how often something has happened.
    pub is_count: bool,
}

/// What an operator can order.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "an order's doc says what its fields are")]
pub enum Order {
    /// So many instances of a service end at once, with all they have in hand.
    Crash { service: String, count: u32 },
    /// All instances of a service stop and boot again.
    Restart { service: String },
    /// A new generation takes over.
    Deploy { service: String },
    /// So many instances from now on.
    Instances { service: String, count: u32 },
    /// The cache forgets everything.
    ClearCache,
}
