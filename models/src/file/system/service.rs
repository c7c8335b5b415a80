//! Services: programs that run on instances, their limits, scaling, probes and deploys.
//!
//! Owns: the tables under `[service.NAME]`.
//! Never: what stands in each process (that is `safeguard.rs`).

use crate::SimSpan;
use crate::file::name::Name;
use crate::file::quantity::Quantity;
use crate::file::rules;
use crate::file::step::Step;
use crate::file::table::{choice, table};
use crate::units::{Bytes, Share};

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
        /// From start to serving, at a deploy, a new instance and after a death alike.
        boot: Quantity = "45s" of time [assumed "30 to 90 s: place, start, runtime's boot, first health check" "2026-11-24"],
        /// Over healthy instances.
        balance: Balance = "round_robin" [assumed "the platform says only: evenly" "2026-11-24"],
        /// Middleware of every endpoint.
        before: Vec<Step> = [],
        /// The server gives a request up then: `deadline`.
        deadline: Option<SimSpan> = none in 1e-3..=34_560_000.0,
        /// An error on an idle database connection that nobody handles ends the process (node-postgres: a pool without a
        /// listener for `error`): whoever cuts the database's connections takes the service along.
        crash_on_database_error: bool = false,
        /// Work stops when its client has gone.
        cancel: bool = false [documented "nodejs.org: a disconnect does not stop a handler" "2026-11-24"],
        /// Whether limiters see the client's address through the platform's proxy (Express: `trust proxy`). If not,
        /// everybody comes from the proxy's own addresses and shares their counts.
        trust_proxy: bool = true,
        /// From how many addresses the platform's proxy speaks, where it is not trusted.
        proxy_addresses: u64 = 4 [assumed "the platform publishes no number" "2026-11-24"] in 1.0..=1e6,
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
    /// What fills an instance's memory, and what kills it. Two limits, two deaths: the runtime aborts when a process's
    /// heap is full (`heap`), the platform kills an instance that is over its own limit (`out_of_memory`). Either ends the
    /// whole instance, which then boots again.
    pub struct Memory = "service.memory" {
        /// The instance is killed above it.
        limit: Option<Bytes> = none "the plan's",
        /// The runtime aborts above it: of each process.
        heap: Option<Bytes> = none "on `node` half the limit, at most 2 GB; else none" [documented "v8 heap.cc HeapSizeFromPhysicalMemory: half of the limit, at most 2 GB" "2026-11-24"],
        /// An idle instance.
        base: Bytes = "0 MB",
        /// Part of the base that lies in the heaps; the rest is code, stacks and the runtime itself.
        on_heap: Share = 0.5 [assumed "about half of an idle Node process's resident memory is its heap" "2026-11-24"],
        /// Each request in hand, on the heap, whether it runs or waits in a line of the process.
        request: Bytes = "0 KB",
        /// CPU that collecting garbage adds to work when the heap is over half full: this share times
        /// (live / room left - 1). Up to half full it is part of what work was measured to cost.
        collection: Share = 0.05 [assumed "a collection costs as much as lives and frees as much as is left; only the factor is a guess" "2026-11-24"],
    }
}

table! {
    /// When a service refuses early. At least one of the two.
    pub struct Shed = "service.shed" check rules::shed {
        /// Above this delay of the event loop.
        loop_delay: Option<SimSpan> = none,
        /// Above this many requests in hand on the instance.
        in_hand: Option<u32> = none in 1.0..=1e9,
        /// What the refusal says about when to come back: its `Retry-After`.
        retry_after: SimSpan = "1s" [assumed "as middleware for it commonly answers" "2026-11-24"],
    }
}

table! {
    /// Open connections of clients, of which a proxy in front keeps a stock: a request takes an idle one or opens another.
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
    /// Probes of an instance. Without `endpoint` they only ask whether the port answers, which it does while the process
    /// lives.
    pub struct Health = "service.health" {
        /// An endpoint of the service that is asked instead: it takes its turn on the event loop, and waits in line for
        /// whatever its steps take.
        endpoint: Option<Name> = none "the port" [documented "render.com/docs/health-checks: TCP, or an HTTP path" "2026-11-24"],
        /// Between probes.
        every: SimSpan = "5s" [assumed "render.com/docs/health-checks says: every few seconds" "2026-11-24"] in 0.1..=86400.0,
        /// A later answer is a failure.
        timeout: SimSpan = "5s" [documented "render.com/docs/health-checks" "2026-11-24"],
        /// Failing this long, counted from the first probe that failed, it gets no more traffic.
        out_after: SimSpan = "15s" [documented "render.com/docs/health-checks" "2026-11-24"],
        /// Failing this long, it is restarted.
        restart_after: SimSpan = "60s" [documented "render.com/docs/health-checks" "2026-11-24"],
    }
}

table! {
    /// How a new version replaces the old: as many new instances start beside the old ones; when all of them are up,
    /// traffic goes to the new, and the old are told to stop when the overlap is over.
    pub struct Deploy = "service.deploy" {
        /// From the change of traffic to SIGTERM for the old generation.
        overlap: SimSpan = "60s" [documented "render.com, how zero-downtime deploys work" "2026-04-01"],
        /// From SIGTERM to SIGKILL.
        shutdown: SimSpan = "30s" [documented "render.com, how zero-downtime deploys work" "2026-04-01"],
        /// What the old one does in between.
        on_sigterm: OnSigterm = "drain",
        /// A new generation that is not healthy by then is given up, and the old one stays.
        give_up: SimSpan = "15m" [documented "render.com/docs/health-checks" "2026-11-24"],
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
