//! A plan made ready to run: names turned into numbers, steps into one flat program.
//!
//! Owns: the tables that a replication reads and never changes. One model serves all replications at once.
//! Never: what is in flight (that is the world's).

use highwater_models::file::system::{Balance, EntryKey, LimiterKey};
use highwater_models::machine::connections::ConnectionsConfig;
use highwater_models::machine::job_queue::JobQueueConfig;
use highwater_models::machine::limiter::LimiterRule;
use highwater_models::machine::provider_limit::ProviderLimitConfig;
use highwater_models::machine::retry::RetryPolicy;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Sampler;
use highwater_workload::arrivals::Segment;

use crate::processor::Limit;

mod happening;
mod money;
mod monitoring;
mod program;

pub use happening::*;
pub use money::Money;
pub use monitoring::*;
pub use program::*;

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

/// A database server.
#[derive(Clone, Debug)]
pub struct Database {
    /// Statistics.
    pub resource: u16,
    /// Its plan, where it has one.
    pub plan: Option<String>,
    /// Cores; infinite for no limit.
    pub cores: f64,
    /// Connections for the application.
    pub connections: u32,
    /// Opening one: time.
    pub connect: Sampler,
    /// Opening one: work of the server.
    pub connect_cpu: Sampler,
    /// Round trip.
    pub rtt: Sampler,
    /// How long it is down when it is restarted.
    pub downtime: SimSpan,
    /// Stage: everything between the query's start and its reply.
    pub stage: Stage,
}

/// A pooler between pools and a database.
#[derive(Clone, Debug)]
pub struct PoolerSpec {
    /// Statistics.
    pub resource: u16,
    /// Where its server connections go.
    pub database: u16,
    /// The machine's settings.
    pub config: highwater_models::machine::pooler::PoolerConfig,
    /// Client connections that it accepts.
    pub clients: u32,
    /// Whether a client keeps its server connection until its own closes.
    pub by_session: bool,
    /// Stage: waiting for a server connection.
    pub wait_stage: Stage,
}

/// A kind of query, as one step asks it.
#[derive(Clone, Debug)]
pub struct Query {
    /// The server.
    pub database: u16,
    /// Work on its cores.
    pub cpu: SiteId,
    /// Time that needs no core.
    pub wait: SiteId,
    /// Round trip.
    pub rtt: SiteId,
    /// Statistics of this kind.
    pub kind: u16,
}

/// A cache server.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Statistics.
    pub resource: u16,
    /// Commands a day; more fail.
    pub commands_per_day: u64,
    /// Commands a month; more fail.
    pub commands_per_month: u64,
    /// Whether a failing cache is a miss rather than an error.
    pub fails_open: bool,
    /// How its clients wait while it is away.
    pub client: highwater_models::machine::reconnect::ReconnectKind,
    /// How long it is down when it is restarted.
    pub restart: SimSpan,
    /// Stage: command and reply.
    pub stage: Stage,
    /// Round trip of a bare command.
    pub rtt: SiteId,
}

/// A class of keys as one step looks it up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The server.
    pub cache: u16,
    /// The class of keys.
    pub entry: u16,
    /// Round trip of the look-up.
    pub rtt: SiteId,
    /// Round trip of the store.
    pub store_rtt: SiteId,
    /// Draw of the key, where it is neither the user's nor the address's.
    pub place: u64,
}

/// A class of keys.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name in results.
    pub name: String,
    /// The server.
    pub cache: u16,
    /// Whose key.
    pub key: EntryKey,
    /// Keys that are drawn, instead of `key`; zero for none.
    pub keys: u64,
    /// How: cumulative weights by rank where they differ.
    pub popularity: Option<highwater_workload::popularity::Popularity>,
    /// From the end of the fetch.
    pub ttl: SimSpan,
    /// Random shortening, as a share.
    pub spread: f64,
    /// Bytes of an entry.
    pub size: u64,
    /// The machine's settings.
    pub config: highwater_models::machine::ttl_cache::TtlCacheConfig,
    /// Whether all keys are there at the start.
    pub warm: bool,
}

/// A model provider's account.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Statistics.
    pub resource: u16,
    /// Limits of the account; each model may have its own on top.
    pub limit: ProviderLimitConfig,
    /// Calls at once.
    pub concurrent: u32,
    /// Share of calls that end in a server error.
    pub fails: f64,
    /// Retries inside a call.
    pub retry: RetryPolicy,
    /// Retries of a process are at most this share of its calls; infinity for no limit.
    pub retry_budget: f64,
    /// A breaker in each process.
    pub breaker: Option<highwater_models::machine::breaker::BreakerConfig>,
    /// Longest attempt.
    pub timeout: SimSpan,
    /// Dollars a month; then calls fail. Infinite for no limit.
    pub spend_limit: f64,
    /// Stage: the provider's own time.
    pub stage: Stage,
    /// Its models, each perhaps with limits of its own.
    pub models: Vec<ModelSpec>,
}

/// A model at a provider.
#[derive(Clone, Debug)]
pub struct ModelSpec {
    /// Name in results.
    pub name: String,
    /// Limits of its own.
    pub limit: Option<ProviderLimitConfig>,
    /// What an answer is worth.
    pub quality: f64,
}

/// What a call sends along of the conversation so far.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing.
    Nothing,
    /// All of it.
    All,
    /// The last so many messages, at their mean length.
    Last(u32),
}

/// A call to a model as one step makes it.
#[derive(Clone, Debug)]
pub struct LlmCall {
    /// Who answers.
    pub provider: u16,
    /// Which model, at that provider.
    pub model: u16,
    /// Tokens of the prompt, or seconds of the recording: a minute is sixty of them for `per_token`.
    pub prompt: SiteId,
    /// Tokens of the answer.
    pub answer: SiteId,
    /// Charged against the limit instead of the drawn answer.
    pub answer_max: Option<u64>,
    /// Conversation so far.
    pub history: Earlier,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// Slice of the loop for each token.
    pub chunk_cpu: Option<SiteId>,
    /// Time to the first token, or of the whole answer where the model says only that.
    pub first: SiteId,
    /// Time for each token, or for each minute of a recording, drawn once an answer; `None` where `first` is the whole
    /// answer.
    pub per_token: Option<SiteId>,
    /// Whether it is a recording: `prompt` is its length in seconds and no tokens are charged.
    pub audio: bool,
    /// Chance of a server error.
    pub chance: SiteId,
    /// Slices of the loop that a retry inside the call costs.
    pub start: SiteId,
    /// See `start`.
    pub reply: SiteId,
}

/// What sends the requests.
#[derive(Clone, Debug)]
pub struct Client {
    /// Round trip to the edge.
    pub rtt: SiteId,
    /// Longest wait for the whole answer.
    pub timeout: SimSpan,
    /// Longest wait for the first byte.
    pub first_byte_timeout: SimSpan,
    /// How long the person waits for the first byte.
    pub patience: Option<SiteId>,
    /// Retries.
    pub retry: Option<RetryPolicy>,
    /// Which endpoints are retried: queries, mutations.
    pub retries_queries: bool,
    /// See `retries_queries`.
    pub retries_mutations: bool,
    /// Which causes are retried.
    pub retries: [bool; Cause::COUNT],
    /// Retries at most this share of requests.
    pub retry_budget: f64,
    /// Pressing again: chance and delay.
    pub resend: Option<(f64, SiteId)>,
    /// Whether the session ends with a time-out, and with an error.
    pub ends_on_timeout: bool,
    /// See `ends_on_timeout`.
    pub ends_on_error: bool,
}

/// How a stream's sessions come.
#[derive(Clone, Debug)]
pub enum Coming {
    /// At a rate.
    Open {
        /// Rate over time.
        segments: Vec<Segment>,
        /// Gaps.
        spacing: highwater_workload::arrivals::Spacing,
        /// Higher rates now and then.
        bursts: Option<highwater_workload::arrivals::Bursts>,
    },
    /// So many at once; level over time in the same segments.
    Closed {
        /// Level over time.
        segments: Vec<Segment>,
    },
    /// At these times.
    At(Vec<SimTime>),
    /// One after another.
    Every(Sampler),
    /// As recorded.
    Trace(Vec<Recorded>),
}

/// A recorded arrival.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When.
    pub at: SimTime,
    /// Flow, where it says.
    pub flow: Option<u16>,
    /// Class, where it says.
    pub class: Option<u8>,
    /// Person, where it says.
    pub person: Option<u64>,
    /// Address, where it says.
    pub ip: Option<u64>,
}

/// Who a session belongs to.
#[derive(Clone, Debug)]
pub enum Who {
    /// Somebody new each time.
    New,
    /// The next of so many.
    InOrder(u64),
    /// Any of so many who is not online.
    Even(u64),
    /// By rank.
    Popular(u64, highwater_workload::popularity::Popularity),
    /// The closed user's own person, always.
    Same,
    /// Any of those registered then who is not online.
    Registered(Members),
    /// Whoever registers at that moment, of the members of [`Source::people_of`].
    SignUp,
}

/// Registered people, numbered by registration, over time.
#[derive(Clone, Debug)]
pub struct Members {
    /// How many have ever been registered: those below this number.
    pub joined: Vec<Segment>,
    /// How many of them have left: the first ones.
    pub left: Vec<Segment>,
}

/// How many are registered in a run, all streams together.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Registered {
    /// At the beginning.
    pub start: f64,
    /// At the end.
    pub end: f64,
    /// On average.
    pub mean: f64,
    /// How many register, on average over replications.
    pub joining: f64,
    /// How many leave.
    pub leaving: f64,
}

/// A stream of sessions.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name in results.
    pub name: String,
    /// How they come.
    pub coming: Coming,
    /// Sessions an arrival.
    pub batch: Option<Sampler>,
    /// Who they are.
    pub who: Who,
    /// The source whose people they are: itself, but for those who register.
    pub people_of: u16,
    /// Addresses: a number of them, or people behind one.
    pub addresses: Addresses,
    /// Cumulative weight by class.
    pub classes: Vec<(f64, u8)>,
    /// Cumulative weight by flow.
    pub flows: Vec<(f64, u16)>,
    /// What they use.
    pub client: u16,
    /// Share of sessions that are signed in from the start.
    pub signed_in: f64,
    /// First of its phases in [`Model::phases`], and when each ends.
    pub first_phase: u16,
    /// Ends of its phases.
    pub phase_ends: Vec<SimTime>,
}

/// How people are spread over addresses.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Addresses {
    /// So many in all.
    Count(u64),
    /// So many people behind one, on average.
    PeoplePerAddress(f64),
}

/// A flow.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Where it starts.
    pub start: Pc,
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
