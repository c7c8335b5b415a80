//! What lies behind the processes: databases and their poolers, caches, model providers; and what a step asks of each.

use highwater_models::SimSpan;
use highwater_models::file::system::EntryKey;
use highwater_models::machine::provider_limit::ProviderLimitConfig;
use highwater_models::machine::retry::RetryPolicy;
use highwater_workload::Sampler;

use super::{SiteId, Stage};

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
    /// Connections that it has besides: reserved, or held by others.
    pub kept: u32,
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
