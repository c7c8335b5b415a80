//! A plan made ready to run: names turned into numbers, steps into one flat program.
//!
//! Owns: the tables that a replication reads and never changes. One model serves all replications at once.
//! Never: what is in flight (that is the world's).

use highwater_models::file::system::{Balance, LimiterKey};
use highwater_models::machine::connections::ConnectionsConfig;
use highwater_models::machine::job_queue::JobQueueConfig;
use highwater_models::machine::limiter::LimiterRule;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Sampler;

use highwater_models::machine::processor::Limit;

mod happening;
mod money;
mod monitoring;
mod program;
mod server;
mod traffic;

pub use happening::*;
pub use money::Money;
pub use monitoring::*;
pub use program::*;
pub use server::*;
pub use traffic::*;

/// A place in the program.
pub type Pc = u32;

/// Stage at a resource or elsewhere, by which latency is split.
pub type Stage = u16;

/// An endpoint, or several in one batched request.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Name in results.
    pub name: String,
    /// Service it runs on.
    pub service: u16,
    /// Where its program starts, at the balancer.
    pub start: Pc,
    /// Whether a good answer signs the session in.
    pub signs_in: bool,
    /// Whether clients may retry it as a query.
    pub is_query: bool,
    /// Feature it belongs to.
    pub feature: Option<u16>,
    /// Whether the service may shed it.
    pub sheds: bool,
}

/// What a program runs in.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// One ordered event loop a process.
    Node,
    /// Cores shared evenly, at most one a request.
    Threads,
    /// No limit.
    Ideal,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Name in results.
    pub name: String,
    /// Statistics.
    pub resource: u16,
    /// Its plan, where it has one.
    pub plan: Option<String>,
    /// What runs it.
    pub runtime: Runtime,
    /// CPU of one instance.
    pub cores: f64,
    /// How that is enforced.
    pub limit: Limit,
    /// Whether the limit can ever bind: with a core for every thread it cannot, and nothing is worked out.
    pub can_bind: bool,
    /// Processes an instance.
    pub processes: u32,
    /// Instances at the start.
    pub instances: u32,
    /// From start to serving.
    pub boot: Sampler,
    /// Choice among instances.
    pub balance: Balance,
    /// Requests in hand on one instance.
    pub max_in_hand: u32,
    /// Refuse while the loop's oldest slice has waited for longer.
    pub shed_loop_delay: SimSpan,
    /// Refuse at so many in hand on one process.
    pub shed_in_hand: u32,
    /// What such a refusal says about when to come back.
    pub shed_retry_after: SimSpan,
    /// The server gives a request up after this long.
    pub deadline: SimSpan,
    /// Whether work stops when its client has gone.
    pub cancel: bool,
    /// Whether the client's address is seen through the proxy.
    pub trusts_proxy: bool,
    /// Addresses from which the proxy speaks, where it is not trusted.
    pub proxy_addresses: u64,
    /// From the order to stop to the end.
    pub shutdown: SimSpan,
    /// Memory of an idle instance and of a request in hand, and the limit, in bytes.
    pub memory_base: u64,
    /// See `memory_base`.
    pub memory_request: u64,
    /// See `memory_base`; [`u64::MAX`] for none.
    pub memory_limit: u64,
    /// What lives in an idle process's heap, and its limit; [`u64::MAX`] for none.
    pub heap_base: u64,
    /// See `heap_base`.
    pub heap_limit: u64,
    /// What collecting costs: see [`highwater_models::machine::heap`].
    pub collection: f64,
    /// Whether anything fills the memory, so that results have it.
    pub fills_memory: bool,
    /// When probes take it out of traffic, and when they have it restarted.
    pub health: highwater_models::machine::health::HealthConfig,
    /// Which endpoint they ask; none for the port, which answers while the process lives.
    pub health_endpoint: Option<u16>,
    /// From the change of traffic to the end of the old generation.
    pub overlap: SimSpan,
    /// A new generation that is not well by then is given up.
    pub give_up: SimSpan,
    /// Whether it stays open after the order to stop, its pools closed, until it is killed.
    pub lingers: bool,
    /// Whether an error of an idle database connection ends the process.
    pub crash_on_database_error: bool,
    /// Whether a request that arrives passes nothing and takes nothing: no bound, no shedding, no deadline, no memory, no
    /// event loop, no ladder of degradation, no line of the service's own.
    pub is_open: bool,
    /// Autoscaler.
    pub scaling: Option<Scaling>,
    /// Stage: waiting for the loop or the CPU.
    pub wait_stage: Stage,
    /// Stage: running.
    pub cpu_stage: Stage,
    /// This service's slots, pools, queues and in-memory limiters, by their numbers: each process has one of each.
    pub slots: Vec<u16>,
    /// See `slots`.
    pub pools: Vec<u16>,
    /// See `slots`.
    pub queues: Vec<u16>,
    /// See `slots`.
    pub limiters: Vec<u16>,
}

/// An autoscaler's settings.
#[derive(Clone, Debug)]
pub struct Scaling {
    /// The rule.
    pub config: highwater_models::machine::autoscaler::AutoscalerConfig,
    /// Whether the reading is offered work rather than busy time.
    pub by_demand: bool,
}

/// Plain slots, one set a process.
#[derive(Clone, Debug)]
pub struct SlotsSpec {
    /// Statistics.
    pub resource: u16,
    /// Slots.
    pub max: u32,
    /// Places in the line.
    pub waiters: u32,
    /// Longest wait when it is always the same; else forever, and `patience` is drawn.
    pub timeout: SimSpan,
    /// Longest wait when it is drawn.
    pub patience: Option<SiteId>,
    /// Stage: waiting.
    pub wait_stage: Stage,
    /// Index among its process's slots.
    pub local: u16,
    /// What a wait that is too long counts as.
    pub cause: Cause,
}

/// A pool of database connections, one a process.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    /// Statistics.
    pub resource: u16,
    /// The pool's settings.
    pub config: ConnectionsConfig,
    /// Longest wait when it is drawn.
    pub patience: Option<SiteId>,
    /// Where connections go.
    pub database: u16,
    /// The pooler that they go to instead.
    pub pooler: Option<u16>,
    /// Stage: waiting in line.
    pub wait_stage: Stage,
    /// Stage: waiting for the connection to be opened.
    pub connect_stage: Stage,
    /// Index among its process's pools.
    pub local: u16,
    /// Whether the process has an event loop.
    pub on_loop: bool,
}

/// A job queue, one a process.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Statistics.
    pub resource: u16,
    /// The queue's settings.
    pub config: JobQueueConfig,
    /// Longest wait when it is drawn.
    pub patience: Option<SiteId>,
    /// Priority by class.
    pub priority: Vec<i64>,
    /// A job that has run for so long gives its slot back and is no longer waited for; its work goes on.
    pub run_timeout: SimSpan,
    /// Whether jobs whose client has gone leave the line.
    pub drops_abandoned: bool,
    /// Stage: waiting.
    pub wait_stage: Stage,
    /// Index among its process's queues.
    pub local: u16,
}

/// A limiter.
#[derive(Clone, Debug)]
pub struct LimiterSpec {
    /// Statistics.
    pub resource: u16,
    /// Its rule.
    pub rule: LimiterRule,
    /// Whose count.
    pub key: LimiterKey,
    /// Whether one count serves all processes; else each has its own.
    pub shared: bool,
    /// Whether those over the limit wait.
    pub waits: bool,
    /// Who would wait longer is refused.
    pub max_wait: SimSpan,
    /// The cache that has its counts, where it is shared.
    pub store: Option<u16>,
    /// Stage: waiting.
    pub stage: Stage,
    /// Index among its process's limiters, or among the shared ones.
    pub local: u16,
}

/// The ladder of degradation, on which each process of a service stands by itself.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Whose processes.
    pub service: u16,
    /// Between two looks.
    pub every: SimSpan,
    /// The machine's settings.
    pub config: highwater_models::machine::degradation::DegradationConfig,
    /// Names of the levels.
    pub levels: Vec<String>,
    /// By level and feature: whether it is off.
    pub off: Vec<Vec<bool>>,
    /// By level and call: the call that is made instead, of another model.
    pub calls: Vec<Vec<u16>>,
    /// How long an idle client connection stays open.
    pub keep_alive: SimSpan,
    /// Connections that a client opens.
    pub per_client: u32,
}

/// What kind of thing statistics are about.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// Programs on instances.
    Service,
    /// Slots or connections.
    Pool,
    /// Jobs.
    Queue,
    /// Refusals.
    Limiter,
    /// A server.
    Database,
    /// Between pools and a server.
    Pooler,
    /// A server.
    Cache,
    /// An account.
    Provider,
}

impl ResourceKind {
    /// The kind's name in files and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Limiter => "limiter",
            Self::Database => "database",
            Self::Pooler => "pooler",
            Self::Cache => "cache",
            Self::Provider => "provider",
        }
    }
}

/// Something with statistics of its own.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Name in files and results.
    pub name: String,
    /// What it is.
    pub kind: ResourceKind,
    /// Its limit in words.
    pub limit: String,
    /// Units it has in all at the start, or infinity: slots over all processes, cores.
    pub capacity: f64,
    /// Whether its capacity grows with the service's processes.
    pub service: Option<u16>,
}

/// A plan ready to run.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The program of all endpoints.
    pub ops: Vec<Op>,
    /// The program of all flows.
    pub flow_ops: Vec<FlowOp>,
    /// Draws.
    pub sites: Vec<Site>,
    /// Endpoints, batched ones after the plain ones.
    pub endpoints: Vec<Endpoint>,
    /// Services.
    pub services: Vec<Service>,
    /// Plain slots.
    pub slots: Vec<SlotsSpec>,
    /// Pools of connections.
    pub pools: Vec<PoolSpec>,
    /// Job queues.
    pub queues: Vec<QueueSpec>,
    /// Limiters.
    pub limiters: Vec<LimiterSpec>,
    /// Databases.
    pub databases: Vec<Database>,
    /// Queries as steps ask them.
    pub queries: Vec<Query>,
    /// Names of the kinds of query, with their database.
    pub query_kinds: Vec<(u16, String)>,
    /// Caches.
    pub caches: Vec<Cache>,
    /// Classes of keys.
    pub entries: Vec<Entry>,
    /// Look-ups as steps make them.
    pub lookups: Vec<Lookup>,
    /// Providers.
    pub providers: Vec<Provider>,
    /// Calls to models.
    pub calls: Vec<LlmCall>,
    /// Choices.
    pub choices: Vec<Choice>,
    /// Forks.
    pub forks: Vec<Fork>,
    /// Retries.
    pub retries: Vec<Retry>,
    /// Features that degradation can switch off.
    pub features: Vec<String>,
    /// The ladder of degradation.
    pub degradation: Option<Ladder>,
    /// Poolers.
    pub poolers: Vec<PoolerSpec>,
    /// Flows.
    pub flows: Vec<Flow>,
    /// Clients.
    pub clients: Vec<Client>,
    /// Sources.
    pub sources: Vec<Source>,
    /// Classes of users.
    pub classes: Vec<String>,
    /// Phases of all sources.
    pub phases: Vec<String>,
    /// Registered users, where a stream has any; of the whole run, also where only some of its days are run.
    pub registered: Option<Registered>,
    /// The days that are run, where not all are.
    pub days: Option<highwater_workload::days::Days>,
    /// Everything with statistics.
    pub resources: Vec<Resource>,
    /// What it costs and earns.
    pub money: Money,
    /// Names of stages.
    pub stages: Vec<String>,
    /// Resource that each stage is at, where there is one.
    pub stage_resource: Vec<Option<u16>>,
    /// The deepest nesting of things held, and of loops and retries, in any program.
    pub held_depth: usize,
    /// See `held_depth`.
    pub frame_depth: usize,
    /// What the scenario's events do.
    pub happenings: Vec<Happening>,
    /// When sessions stop coming.
    pub duration: SimTime,
    /// When the run ends at the latest.
    pub end: SimTime,
    /// What is measured.
    pub measure_from: SimTime,
    /// See `measure_from`.
    pub measure_to: SimTime,
    /// Length of a window of the timeline.
    pub window: SimSpan,
    /// Moments of snapshots.
    pub snapshots: Vec<SimTime>,
    /// What is watched; `None` where nothing is.
    pub monitoring: Option<Monitoring>,
    /// Percentiles asked for.
    pub percentiles: Vec<f64>,
    /// Parts of the files that are read and checked but not simulated.
    pub not_simulated: Vec<String>,
}

impl Model {
    /// Whether what is asked for then is measured. Where measuring lasts until the load ends, so is what comes later.
    #[must_use]
    #[inline]
    pub fn measures(&self, at: SimTime) -> bool {
        at >= self.measure_from && (at <= self.measure_to || self.measure_to == self.duration)
    }
}

/// Billionths in one.
pub const NANO: f64 = 1e9;

/// Cores in whole billionths; none where there is no limit.
#[must_use]
pub fn nano_cores(cores: f64) -> u64 {
    if cores.is_finite() {
        (cores * NANO).round() as u64
    } else {
        0
    }
}

/// Stage: between client and edge.
pub const STAGE_CLIENT: Stage = 0;
/// Stage: waiting before the next try.
pub const STAGE_BACKOFF: Stage = 1;
/// Stage: time that holds nothing.
pub const STAGE_IO: Stage = 2;
