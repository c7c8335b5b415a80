//! The tables of a system file: what is deployed and how it is protected.
//!
//! Owns: their keys, types, defaults and meanings, each declared once.
//! Never: what a run does with them.
//! Bounds stand in base units: seconds, bytes, counts, dollars, a second.

use super::name::{Name, Named};
use super::quantity::Quantity;
use super::rules;
use super::step::{FlowStep, Step};
use super::table::{choice, one_of, table};
use super::value::{Edition, Popularity, Retry, Settings};
use crate::units::{Bytes, Rate, Share, Usd};
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
        /// What the plans' prices do not cover.
        money: Money = {} "the plans' prices only",
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
        /// Runs the service's `before` steps first.
        before: bool = true,
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

table! {
    /// A program that runs on instances.
    pub struct Service = "service" {
        /// From the catalogue: cores, memory, price.
        plan: Option<Name> = none,
        /// Overrides the plan's.
        cores: Option<f64> = none "the plan's, else unlimited" in 0.001..=4096.0,
        /// How a limit below a full core works.
        cpu_limit: CpuLimit = "quota" [assumed "the usual container setting; the platform publishes none" "2026-11-24"],
        /// Of the quota.
        cpu_period: SimSpan = "100ms" [assumed "the usual container setting; the platform publishes none" "2026-11-24"] in 1e-4..=10.0,
        /// Per instance; each with its own loop, pools, queues, in-memory limits and heap.
        processes: u32 = 1 in 1.0..=1024.0,
        /// For `work` steps, off the loop, on the same CPU.
        threads: u32 = 4 [documented "libuv's thread pool, nodejs.org" "2026-11-24"] in 1.0..=1024.0,
        /// CPU that each step costs the event loop.
        r#loop: Loop = {} "nothing",
        /// How work shares the cores.
        runtime: Option<Runtime> = none "`node` with a plan, else `ideal`",
        /// What fills the memory.
        memory: Memory = {} "the plan's limit, and nothing that fills it",
        /// At the start.
        instances: u32 = 1 in 1.0..=1e5,
        /// From start to serving.
        boot: Quantity = "45s" of time [assumed "30 to 90 s: place, start, runtime's boot, first health check" "2026-11-24"],
        /// Over healthy instances.
        balance: Balance = "round_robin" [assumed "the platform says only: evenly" "2026-11-24"],
        /// Middleware of every endpoint.
        before: Vec<Step> = [],
        /// The server gives a request up then: `deadline`.
        deadline: Option<SimSpan> = none,
        /// Work stops when its client has gone.
        cancel: bool = false [documented "nodejs.org: a disconnect does not stop a handler" "2026-11-24"],
        /// Refuse early (503, `shed`) above a loop delay or a number in hand.
        shed: Option<Shed> = none "off",
        /// Requests in hand on one instance; one more is refused: `queue_full`.
        max_in_hand: Option<u32> = none "unlimited" or "unlimited" in 1.0..=1e9,
        /// Open client connections, as degradation reads them.
        sockets: Sockets = {},
        /// Autoscaler.
        scaling: Scaling = {} "off",
        /// Probes.
        health: Health = {} "the platform's",
        /// Two generations side by side.
        deploy: Deploy = {} "the platform's",
    }
}

choice! {
    /// How a CPU limit below the machine's cores works.
    pub enum CpuLimit {
        /// Full speed until the period's share is spent, then a freeze.
        Quota = "quota",
        /// Every slice slowed.
        Share = "share",
    }
}

choice! {
    /// How the work of requests shares an instance's cores.
    pub enum Runtime {
        /// One event loop in order, never more than one core.
        Node = "node",
        /// Cores shared equally, at most one per request.
        Threads = "threads",
        /// No limit.
        Ideal = "ideal",
    }
}

choice! {
    /// How requests are spread over healthy instances.
    pub enum Balance {
        /// One after the other.
        RoundRobin = "round_robin",
        /// Any, equally likely.
        Random = "random",
        /// The one with the fewest requests in hand.
        LeastBusy = "least_busy",
        /// One line; the first free instance takes the next.
        SharedLine = "shared_line",
    }
}

table! {
    /// CPU that each step which leaves the process costs the event loop.
    pub struct Loop = "service.loop" {
        /// To start a step that leaves the process (query, cache, call, llm, transcribe).
        start: Quantity = "0s" of time,
        /// To take its reply; what the step holds is given back after it.
        reply: Quantity = "0s" of time,
    }
}

table! {
    /// What fills an instance's memory, and what kills it.
    pub struct Memory = "service.memory" {
        /// The instance is killed above it.
        limit: Option<Bytes> = none "the plan's",
        /// The runtime aborts above it.
        heap: Option<Bytes> = none "half the limit, at most 2 GB" [documented "v8 heap.cc HeapSizeFromPhysicalMemory: half of the limit, at most 2 GB" "2026-11-24"],
        /// An idle instance.
        base: Bytes = "0 MB",
        /// Each request in hand.
        request: Bytes = "0 KB",
    }
}

table! {
    /// When a service refuses early. At least one of the two.
    pub struct Shed = "service.shed" check rules::shed {
        /// Above this delay of the event loop.
        loop_delay: Option<SimSpan> = none,
        /// Above this many requests in hand on the instance.
        in_hand: Option<u32> = none in 1.0..=1e9,
    }
}

table! {
    /// Open connections of clients.
    pub struct Sockets = "service.sockets" {
        /// An idle connection stays open this long.
        keep_alive: SimSpan = "5s" [documented "nodejs.org: keepAliveTimeout, to version 25" "2026-11-24"],
        /// Connections that a client opens.
        per_client: u32 = 1 in 1.0..=1000.0,
    }
}

table! {
    /// When instances are added and removed.
    pub struct Scaling = "service.scaling" check rules::scaling {
        /// Whether it works at all.
        on: bool = false,
        /// Fewest instances.
        min: u32 = 1 in 1.0..=1e5,
        /// Most instances.
        max: u32 = 1 in 1.0..=1e5,
        /// Target of the CPU's reading.
        cpu: Option<Share> = none in 0.001..=1.0,
        /// Target of the memory's reading.
        memory: Option<Share> = none in 0.001..=1.0,
        /// What the CPU's reading is.
        signal: Signal = "busy",
        /// A reading above 1 counts as 1.
        cap_signal: bool = true,
        /// Between evaluations.
        every: SimSpan = "15s" [assumed "not published by the platform" "2026-11-24"] in 0.1..=86400.0,
        /// Readings are averaged over this.
        window: SimSpan = "60s" [assumed "not published by the platform" "2026-11-24"] in 0.1..=86400.0,
        /// Below the target this long before an instance goes.
        down: SimSpan = "5m" or "never" [assumed "docs.render.com/scaling says: a few minutes" "2026-11-24"],
        /// No change while within this of the target.
        tolerance: Share = 0,
    }
}

choice! {
    /// What an autoscaler reads.
    pub enum Signal {
        /// Busy share of the window.
        Busy = "busy",
        /// Offered work over capacity, backlog left out.
        Demand = "demand",
    }
}

table! {
    /// Probes of an instance.
    pub struct Health = "service.health" {
        /// Between probes.
        every: SimSpan = "5s" [assumed "render.com/docs/health-checks says: every few seconds" "2026-11-24"] in 0.1..=86400.0,
        /// A later answer is a failure.
        timeout: SimSpan = "5s" [documented "render.com/docs/health-checks" "2026-11-24"],
        /// Failing this long, it gets no more traffic.
        out_after: SimSpan = "15s" [documented "render.com/docs/health-checks" "2026-11-24"],
        /// Failing this long, it is restarted.
        restart_after: SimSpan = "60s" [documented "render.com/docs/health-checks" "2026-11-24"],
    }
}

table! {
    /// How a new version replaces the old.
    pub struct Deploy = "service.deploy" {
        /// Both generations run.
        overlap: SimSpan = "60s" [documented "render.com, how zero-downtime deploys work" "2026-04-01"],
        /// From SIGTERM to SIGKILL.
        shutdown: SimSpan = "30s" [documented "render.com, how zero-downtime deploys work" "2026-04-01"],
        /// What the old one does in between.
        on_sigterm: OnSigterm = "drain",
    }
}

choice! {
    /// What an instance does between SIGTERM and SIGKILL.
    pub enum OnSigterm {
        /// Takes no more requests and ends those in hand.
        Drain = "drain",
        /// Pool closed, server open, until killed.
        Linger = "linger",
    }
}

table! {
    /// Connections or any other slots, one pool per process of an instance.
    pub struct Pool = "pool" check rules::pool {
        /// Whose instances have it.
        service: Option<Name> = none "the only one",
        /// Opens its connections there: a database or a pooler.
        database: Option<Name> = none "none: plain slots",
        /// Slots.
        max: u32 = required in 1.0..=1e7,
        /// Not reaped when idle; nothing is opened ahead.
        min: u32 = 0 [documented "pg-pool 3.14.0 index.js" "2026-11-24"] in 0.0..=1e7,
        /// An idle connection is closed after this.
        idle_timeout: SimSpan = "10s" or "never" [documented "pg-pool 3.14.0 index.js" "2026-11-24"],
        /// Longest wait; with a database it covers opening the connection too: `pool_timeout`.
        timeout: Option<Quantity> = none of time [documented "pg-pool 3.14.0 index.js: waits for ever unless told" "2026-11-24"],
        /// Places in the line; one more is refused: `queue_full`.
        waiters: Option<u32> = none "unlimited" in 0.0..=1e9,
        /// A connection is closed after this many uses.
        max_uses: Option<u32> = none "unlimited" in 1.0..=1e9,
        /// A connection is closed after this long.
        max_lifetime: Option<SimSpan> = none "unlimited",
        /// A failed query costs the connection.
        drop_on_error: bool = true [documented "pg-pool 3.14.0 index.js" "2026-11-24"],
        /// `false`: as if it were not in the file.
        on: bool = true,
    }
}

table! {
    /// A job queue, one per process of an instance.
    pub struct Queue = "queue" check rules::queue {
        /// Whose instances have it.
        service: Option<Name> = none "the only one",
        /// Jobs at once.
        concurrency: Option<u32> = none "unlimited" in 1.0..=1e9,
        /// Window of the cap.
        interval: Option<SimSpan> = none,
        /// Starts per window.
        interval_cap: Option<u32> = none "unlimited" in 1.0..=1e9,
        /// How windows follow each other.
        window: Option<QueueWindow> = none "the edition's package",
        /// By class: larger first, then first come; no ageing.
        priority: Named<f64> = {} "all 0" in -1e9..=1e9,
        /// Longest wait.
        timeout: Option<Quantity> = none of time [documented "p-queue 10.0.0: none in the line" "2026-11-24"],
        /// Frees the slot; the work goes on.
        run_timeout: Option<SimSpan> = none [documented "p-queue 10.0.0 dist/index.js" "2026-11-24"],
        /// One more is refused: `queue_full`.
        waiters: Option<u32> = none "unlimited" [documented "p-queue 10.0.0: no bound" "2026-11-24"] in 0.0..=1e9,
        /// What becomes of jobs whose client has gone.
        abandoned: Abandoned = "run" [documented "p-queue 10.0.0: nothing ties a job to its client" "2026-11-24"],
        /// `false`: as if it were not in the file.
        on: bool = true,
    }
}

choice! {
    /// How the windows of a queue's cap follow each other.
    pub enum QueueWindow {
        /// As version 9.0 of p-queue does it.
        PQueue90 = "p-queue 9.0",
        /// As version 9.3 of p-queue does it.
        PQueue93 = "p-queue 9.3",
        /// Fixed windows from 0.
        Grid = "grid",
        /// Any trailing interval.
        Sliding = "sliding",
    }
}

choice! {
    /// What becomes of a queued job whose client has gone.
    pub enum Abandoned {
        /// It runs when its turn comes.
        Run = "run",
        /// It leaves the line.
        Drop = "drop",
    }
}

table! {
    /// A rate limiter.
    pub struct Limiter = "limiter" {
        /// Whose instances have it.
        service: Option<Name> = none "the only one",
        /// One count for each; `user` falls back to the IP when signed out.
        key: LimiterKey = required,
        /// How many in how long.
        rule: Rule = required,
        /// Where counts are kept.
        store: LimiterStore = "memory" [documented "express-rate-limit 8.7.5: MemoryStore" "2026-11-24"],
        /// What happens above the limit.
        over: Over = "refuse",
        /// When the store cannot be reached.
        store_down: StoreDown = "fail" [documented "express-rate-limit 8.7.5: passOnStoreError is off" "2026-11-24"],
        /// Whether batched calls are seen.
        batched: Batched = "count",
        /// `false`: as if it were not in the file.
        on: bool = true,
    }
}

choice! {
    /// Whose requests a limiter counts together.
    pub enum LimiterKey {
        /// A user's; the IP's when signed out.
        User = "user",
        /// An IP's.
        Ip = "ip",
        /// A session's.
        Session = "session",
        /// Everybody's.
        All = "all",
    }
}

/// Where a limiter keeps its counts.
#[derive(Clone, Debug, PartialEq)]
pub enum LimiterStore {
    /// In each process.
    Memory,
    /// In a cache that all instances share: one command per request.
    Cache(Name),
}

choice! {
    /// What a limiter does above its limit.
    pub enum Over {
        /// Refuses: 429.
        Refuse = "refuse",
        /// Lets it wait, first come first served.
        Wait = "wait",
    }
}

choice! {
    /// What a limiter does when its store cannot be reached.
    pub enum StoreDown {
        /// The request fails.
        Fail = "fail",
        /// The request passes.
        Allow = "allow",
    }
}

choice! {
    /// Whether a limiter sees batched calls.
    pub enum Batched {
        /// It counts them.
        Count = "count",
        /// It misses them, as one does that is mounted by path.
        Bypass = "bypass",
    }
}

one_of! {
    /// How many in how long.
    pub enum Rule = "limiter.rule" {
        /// Counts in windows that follow each other.
        fixed_window: FixedWindow(FixedWindow),
        /// Counts in any trailing window.
        sliding_window: SlidingWindow(SlidingWindow),
        /// Tokens that come back at a rate.
        token_bucket: TokenBucket(TokenBucket),
    }
}

table! {
    /// Counts in windows that follow each other.
    pub struct FixedWindow = "limiter.rule.fixed_window" {
        /// Accepted in a window.
        limit: u32 = required in 0.0..=1e9,
        /// Length of a window.
        per: SimSpan = required in 1e-3..=34_560_000.0,
        /// When a window begins.
        opens: Opens = "first_hit" [documented "express-rate-limit 8.7.5 MemoryStore" "2026-11-24"],
    }
}

choice! {
    /// When a fixed window begins.
    pub enum Opens {
        /// With a key's first request.
        FirstHit = "first_hit",
        /// On the clock, for all keys at once.
        Clock = "clock",
    }
}

table! {
    /// Counts in any trailing window.
    pub struct SlidingWindow = "limiter.rule.sliding_window" {
        /// Accepted in a window.
        limit: u32 = required in 0.0..=1e9,
        /// Length of the window.
        per: SimSpan = required in 1e-3..=34_560_000.0,
        /// What counts.
        counts: Counted = "accepted",
    }
}

choice! {
    /// What a sliding window counts.
    pub enum Counted {
        /// Accepted requests.
        Accepted = "accepted",
        /// Refused ones too.
        All = "all",
    }
}

table! {
    /// Tokens that come back at a rate; each request takes one.
    pub struct TokenBucket = "limiter.rule.token_bucket" {
        /// Tokens that come back.
        rate: Rate = required in 1e-9..=1e12,
        /// Size of the bucket; it starts full.
        burst: u32 = required in 1.0..=1e9,
        /// Tokens come in whole ticks of this.
        tick: Option<SimSpan> = none "continuous",
    }
}

table! {
    /// A database server.
    pub struct Database = "database" check rules::database {
        /// From the catalogue: cores, memory, connections, price.
        plan: Option<Name> = none,
        /// Shared by all running queries.
        cores: Option<f64> = none "the plan's, else unlimited" in 0.001..=4096.0,
        /// Of the server.
        memory: Option<Bytes> = none "the plan's",
        /// For the whole server.
        max_connections: Option<u32> = none "the plan's, else unlimited" in 1.0..=1e7,
        /// Not for the application: beyond it `connection_refused`.
        reserved: u32 = 3 [documented "PostgreSQL: superuser_reserved_connections" "2026-11-24"] in 0.0..=1e7,
        /// Held by tools and monitoring.
        others: u32 = 0 in 0.0..=1e7,
        /// Opening a connection.
        connect: Quantity = "10ms" of time [assumed "5 to 30 ms with SCRAM" "2026-11-24"],
        /// Network, per query.
        rtt: Quantity = "0s" of time,
        /// Kinds of query.
        query: Named<QueryKind> = {} "none",
    }
}

table! {
    /// A kind of query.
    pub struct QueryKind = "database.query" {
        /// Work on the shared cores.
        cpu: Quantity = "0s" of time,
        /// Time that needs no core: disk, locks, sleep.
        wait: Quantity = "0s" of time,
    }
}

table! {
    /// A pooler between pools and a database: a pool whose `database` is its name goes through it.
    pub struct Pooler = "pooler" {
        /// The server it holds connections at.
        database: Name = required,
        /// Server connections.
        max: u32 = required in 1.0..=1e7,
        /// When a server connection is given back.
        mode: PoolerMode = "transaction",
        /// Client connections that it accepts.
        clients: u32 = 1000 [assumed "PgBouncer's max_client_conn as commonly set" "2026-11-24"] in 1.0..=1e9,
        /// A client's longest wait.
        wait: SimSpan = "120s" [documented "PgBouncer: query_wait_timeout" "2026-11-24"],
    }
}

choice! {
    /// When a pooler takes a server connection back.
    pub enum PoolerMode {
        /// After each transaction.
        Transaction = "transaction",
        /// When the client's connection closes.
        Session = "session",
    }
}

table! {
    /// A cache server.
    pub struct Cache = "cache" {
        /// From the catalogue: memory, connections, commands, price.
        plan: Option<Name> = none,
        /// Network, per command.
        rtt: Quantity = "0s" of time,
        /// Above it the least recently used are evicted.
        memory: Option<Bytes> = none "the plan's, else unlimited",
        /// Then every command fails until the day is over.
        commands_per_day: Option<u64> = none "the plan's, else unlimited" in 0.0..=1e15,
        /// What a request does while the cache is unreachable.
        down: CacheDown = "fail",
        /// Classes of keys.
        entry: Named<Entry> = {} "none",
    }
}

choice! {
    /// What a request does while a cache is unreachable.
    pub enum CacheDown {
        /// Fails with `cache_unavailable`.
        Fail = "fail",
        /// Goes straight to the miss.
        Miss = "miss",
    }
}

table! {
    /// A class of keys.
    pub struct Entry = "cache.entry" check rules::entry {
        /// One key for each.
        key: Option<EntryKey> = none "`one`, where `keys` is not given",
        /// Instead of `key`: this many keys.
        keys: Option<u64> = none in 1.0..=1e9,
        /// How they are drawn.
        popularity: Option<Popularity> = none "all alike",
        /// A stored value lives this long from the end of the fetch.
        ttl: SimSpan = required or "forever",
        /// A hit starts the life anew.
        renew_on_hit: bool = false,
        /// One fetch at a time per key; the others wait for it.
        single_flight: bool = false,
        /// What a second store of a live key does to its life.
        rewrite: Rewrite = "restarts",
        /// Random shortening of the life, at most by this share.
        spread: Share = 0,
        /// Of one value.
        size: Bytes = "1 KB" [assumed "a small JSON document" "2026-11-24"],
        /// All keys are present at the start.
        warm: bool = false,
    }
}

choice! {
    /// What has a key of its own.
    pub enum EntryKey {
        /// Each user.
        User = "user",
        /// Each IP.
        Ip = "ip",
        /// There is one key.
        One = "one",
    }
}

choice! {
    /// What a second store of a live key does to its life.
    pub enum Rewrite {
        /// It begins anew.
        Restarts = "restarts",
        /// It stays.
        Ignored = "ignored",
    }
}

table! {
    /// A model provider: one account for everyone.
    pub struct Provider = "provider" {
        /// All instances together, retries included.
        requests_per_minute: Option<u64> = none "unlimited" in 1.0..=1e12,
        /// Prompt plus the larger of answer limit and estimate, taken up front.
        tokens_per_minute: Option<u64> = none "unlimited" in 1.0..=1e15,
        /// Requests at once.
        concurrent: Option<u32> = none "unlimited" in 1.0..=1e9,
        /// How a minute's limit comes back.
        window: ProviderWindow = "bucket" [assumed "limits may be enforced over shorter periods, says the rate-limits guide" "2026-11-24"],
        /// Size of the bucket, in requests.
        burst: Option<u64> = none "one minute's worth" [assumed "no burst is published" "2026-11-24"] in 1.0..=1e12,
        /// Refused requests use up the limit too.
        refused_count: bool = true [documented "OpenAI, rate-limits guide" "2026-11-24"],
        /// What a 429 tells.
        retry_after: RetryAfter = "exact",
        /// Share of answers that are a 500.
        fails: Share = 0,
        /// Inside the job: the queue's slot stays taken.
        retry: Retry = { max = 2, wait = { base = "500ms", factor = 2.0, cap = "8s", jitter = "down_25" }, honour_retry_after = true }
            [documented "openai 7.57.0 client.js" "2026-11-24"],
        /// Refuse at once while open.
        breaker: Option<Breaker> = none "off",
        /// Per attempt.
        timeout: SimSpan = "10m" [documented "openai 7.57.0 client.js" "2026-11-24"],
        /// Which model does what: one place to switch it.
        r#use: Named<Name> = {} "none",
        /// Price and speed.
        model: Named<Model> = {} "the catalogue's",
    }
}

choice! {
    /// How a provider's limit per minute comes back.
    pub enum ProviderWindow {
        /// Continuously.
        Bucket = "bucket",
        /// In whole minutes from the first request.
        Fixed = "fixed",
    }
}

choice! {
    /// What a provider's 429 says about when to come back.
    pub enum RetryAfter {
        /// Nothing.
        None = "none",
        /// Exactly when.
        Exact = "exact",
        /// Rounded up to whole seconds.
        WholeSeconds = "whole_seconds",
    }
}

table! {
    /// A circuit breaker.
    pub struct Breaker = "provider.breaker" {
        /// This many failures …
        failures: u32 = required in 1.0..=1e9,
        /// … within this long open it.
        window: SimSpan = required,
        /// It stays open this long.
        open_for: SimSpan = required,
    }
}

table! {
    /// Price and speed of a model.
    pub struct Model = "provider.model" check rules::model {
        /// Of the whole answer; instead of the next two.
        latency: Option<Quantity> = none of time,
        /// Until the first token.
        first_token: Option<Quantity> = none "the catalogue's" of time,
        /// Per further token: one draw per answer.
        per_token: Option<Quantity> = none "the catalogue's" of time,
        /// Transcription, per minute of the recording.
        per_audio_minute: Option<Quantity> = none "the catalogue's" of time,
        /// A million prompt tokens.
        price_in: Option<Usd> = none "the catalogue's",
        /// A million answer tokens.
        price_out: Option<Usd> = none "the catalogue's",
        /// A minute of a recording.
        price_audio_minute: Option<Usd> = none "the catalogue's",
        /// A limit of this model's own.
        requests_per_minute: Option<u64> = none "the provider's" in 1.0..=1e12,
        /// A limit of this model's own.
        tokens_per_minute: Option<u64> = none "the provider's" in 1.0..=1e15,
        /// What an answer is worth; the loss is reported with degradation.
        quality: Share = 1,
    }
}

table! {
    /// What is switched off under load.
    pub struct Degradation = "degradation" {
        /// Each instance of it looks at itself.
        service: Option<Name> = none "the only one",
        /// Between two looks.
        every: SimSpan = "10s" in 0.001..=86400.0,
        /// The rule with its defect, or repaired.
        reads: Reads = "as_meant",
        /// The first whose condition holds is in force.
        level: Vec<Level> = required items 1..=1000,
    }
}

choice! {
    /// Whether a rule is taken as its code says.
    pub enum Reads {
        /// With its defect.
        AsWritten = "as_written",
        /// Repaired.
        AsMeant = "as_meant",
    }
}

table! {
    /// A level of degradation.
    pub struct Level = "degradation.level" check rules::level {
        /// Shown in results.
        name: Name = required,
        /// In force above any one of these.
        above: Readings = required,
        /// Features that are switched off.
        off: Vec<Name> = [],
        /// Everything but these is off.
        only: Option<Vec<Name>> = none "all",
        /// Settings while the level lasts.
        set: Settings = {},
    }
}

table! {
    /// Readings of an instance that degradation looks at. At least one.
    pub struct Readings = "degradation.level.above" check rules::readings {
        /// Open client connections.
        sockets: Option<f64> = none in 0.0..=1e12,
        /// Requests in hand.
        in_hand: Option<f64> = none in 0.0..=1e12,
        /// Busy share of the CPU.
        cpu: Option<f64> = none in 0.0..=1e3,
        /// Used share of the memory.
        memory: Option<f64> = none in 0.0..=1e3,
    }
}

table! {
    /// Monitoring: what is watched and who is told.
    pub struct Alerts = "alerts" {
        /// Between two looks.
        every: SimSpan = "1m" in 0.001..=86400.0,
        /// What is watched.
        rule: Named<AlertRule> = {} "none",
        /// Who is told.
        channel: Named<Channel> = {} "none",
    }
}

table! {
    /// A rule of monitoring.
    pub struct AlertRule = "alerts.rule" check rules::alert {
        /// A result, by its path.
        watch: Name = required,
        /// Fires above it; exactly one of the two.
        above: Option<f64> = none,
        /// Fires below it.
        below: Option<f64> = none,
        /// At a stretch.
        r#for: SimSpan = "0s",
        /// How bad it is.
        level: AlertLevel = "warning",
    }
}

choice! {
    /// How bad an alert is.
    pub enum AlertLevel {
        /// Good to know.
        Info = "info",
        /// Soon.
        Warning = "warning",
        /// Now.
        Critical = "critical",
    }
}

table! {
    /// A channel that alerts go to.
    pub struct Channel = "alerts.channel" {
        /// Which alerts it carries.
        levels: Vec<AlertLevel> = ["info", "warning", "critical"],
        /// A message.
        price: Usd = 0,
        /// A month.
        month: Usd = 0,
        /// Messages beyond it are lost.
        rate: Option<Rate> = none "unlimited",
    }
}

table! {
    /// What the plans' prices do not cover.
    pub struct Money = "money" {
        /// Of registered users.
        paying: Share = 1,
        /// Card fees.
        payment: Option<Payment> = none,
        /// Fixed sums a month, by item.
        month: Named<Usd> = {} "none",
    }
}

table! {
    /// Card fees of a payment.
    pub struct Payment = "money.payment" {
        /// Of the sum.
        share: Share = 0,
        /// For each payment.
        each: Usd = 0,
    }
}
