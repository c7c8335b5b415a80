//! The tables of a system file: what is deployed and how it is protected.
//!
//! Owns: their keys, types, defaults and meanings, each declared once.
//! Never: what a run does with them.
//! Bounds stand in base units: seconds, bytes, counts, dollars, a second.

mod operation;
mod provider;
mod review;
mod safeguard;
mod service;
mod store;

pub use operation::{
    AlertLevel, AlertRepeat, AlertRule, Alerts, Channel, Degradation, Level, Money, Payment, Readings, Reads,
    Recordings,
};
pub use provider::{Breaker, Model, Provider, ProviderWindow, RetryAfter};
pub use review::Review;
pub use safeguard::{
    Abandoned, Batched, Counted, FixedWindow, Limiter, LimiterKey, LimiterStore, Opens, Over, Pool, Queue, QueueWindow,
    Rule, SlidingWindow, StoreDown, TokenBucket,
};
pub use service::{
    Balance, CpuLimit, Deploy, Health, Loop, Memory, OnSigterm, Runtime, Scaling, Service, Shed, Signal, Sockets,
};
pub use store::{Cache, CacheClient, CacheDown, Database, Entry, EntryKey, Pooler, PoolerMode, QueryKind, Rewrite};

use super::name::{Name, Named};
use super::quantity::Quantity;
use super::step::{FlowStep, Step};
use super::table::{choice, table};
use super::value::{Edition, Retry, Settings};
use crate::units::{Bytes, Share, Usd};
use crate::{Cause, SimSpan};

table! {
    /// What is deployed.
    pub struct System = "system" {
        /// For people.
        title: Option<String> = none "the file's name",
        /// Edition of plans, prices, limits and models.
        catalogue: Edition = "latest",
        /// Kinds of users.
        class: Named<Class> = {} "one class, `user`",
        /// What sends the requests: browser, app, load tool.
        client: Named<Client> = {} "one ideal client",
        /// What a session does.
        flow: Named<Flow> = {} "one request of the only endpoint",
        /// What one request does.
        endpoint: Named<Endpoint> = required items 1..=1000,
        /// Programs that run on instances.
        service: Named<Service> = {} "one ideal service: no CPU limit, no memory limit",
        /// Connections or any other slots, per instance.
        pool: Named<Pool> = {} "none",
        /// Job queues, per instance.
        queue: Named<Queue> = {} "none",
        /// Rate limiters.
        limiter: Named<Limiter> = {} "none",
        /// Database servers.
        database: Named<Database> = {} "none",
        /// Between pools and a database.
        pooler: Named<Pooler> = {} "none",
        /// Cache servers.
        cache: Named<Cache> = {} "none",
        /// Model providers: one account each.
        provider: Named<Provider> = {} "none",
        /// What is switched off under load.
        degradation: Option<Degradation> = none "off",
        /// Rules and channels.
        alerts: Option<Alerts> = none,
        /// Named sets of settings, of which a scenario puts one in force with its `profile`.
        profile: Named<Settings> = {} "none",
        /// What the plans' prices do not cover.
        money: Money = {} "the plans' prices only",
        /// What the review of the design leaves alone.
        review: Review = {} "nothing",
    }
}

table! {
    /// A kind of users.
    pub struct Class = "class" {
        /// Of sessions, or of people where a population is given.
        share: Option<Share> = none "an equal part of what the others leave",
        /// A paying user's month.
        price: Usd = 0,
    }
}

table! {
    /// What sends requests.
    pub struct Client = "client" {
        /// Round trip to the edge.
        rtt: Quantity = "0s" of time,
        /// The client gives up when the answer is not complete by then; the work it started goes on.
        timeout: Option<SimSpan> = none,
        /// The same, for the first byte.
        first_byte_timeout: Option<SimSpan> = none,
        /// The person leaves: like `timeout`, and ends the session.
        patience: Option<Quantity> = none of time,
        /// Retries by the client.
        retry: Option<Retry> = none,
        /// Which endpoints it retries.
        retry_kinds: Vec<EndpointKind> = ["query"] [documented "React Query never retries mutations" "2026-11-24"],
        /// Retries are at most this share of requests.
        retry_budget: Option<Share> = none,
        /// The person presses again when nothing came.
        resend: Option<Resend> = none,
        /// Which outcomes are retried.
        retry_on: Option<Vec<Cause>> = none "all but refusals",
        /// What a time-out does to the flow.
        on_timeout: AfterFailure = "end_session",
        /// What an error answer does to the flow.
        on_error: AfterFailure = "go_on",
    }
}

table! {
    /// A person who presses again.
    pub struct Resend = "client.resend" {
        /// How many of those who wait that long do it.
        probability: Share = required,
        /// After this long without an answer.
        after: Quantity = required of time,
    }
}

choice! {
    /// What a failed request does to the flow it belongs to.
    pub enum AfterFailure {
        /// The next step follows.
        GoOn = "go_on",
        /// The session is over.
        EndSession = "end_session",
    }
}

table! {
    /// What a session does.
    pub struct Flow = "flow" {
        /// Share among the flows of a load.
        weight: f64 = 1 in 0.0..=1e9,
        /// In order.
        steps: Vec<FlowStep> = required items 1..=10000,
    }
}

table! {
    /// What one request does.
    pub struct Endpoint = "endpoint" {
        /// Where it runs.
        service: Option<Name> = none "the only one",
        /// For client retries.
        kind: EndpointKind = "mutation",
        /// In order.
        steps: Vec<Step> = required items 1..=10000,
        /// Refused with `feature_off` while degradation has this feature off.
        feature: Option<Name> = none,
        /// Whether the service's `shed` may refuse it.
        shed: bool = true,
        /// Runs the service's `before` steps first.
        before: bool = true,
        /// Whether a good answer signs the session in: from then on limiters that count users know who it is.
        signs_in: bool = false,
        /// Whether it refuses those who are not signed in: `unauthorized`.
        signed_in: bool = false,
        /// Outbound bytes, billed.
        response: Bytes = "2 KB" [assumed "a small JSON answer" "2026-11-24"],
    }
}

choice! {
    /// Whether an endpoint only reads.
    pub enum EndpointKind {
        /// Reads; may be asked again.
        Query = "query",
        /// Changes something.
        Mutation = "mutation",
    }
}
