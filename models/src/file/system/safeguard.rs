//! What stands in each process of a service: pools, job queues and rate limiters.
//!
//! Owns: the tables under `[pool.NAME]`, `[queue.NAME]` and `[limiter.NAME]`.
//! Never: their behaviour (that is `machine/`).

use crate::SimSpan;
use crate::file::name::{Name, Named};
use crate::file::quantity::Quantity;
use crate::file::rules;
use crate::file::table::{choice, one_of, table};
use crate::units::Rate;

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
        /// As version 10 of p-queue does it.
        PQueue10 = "p-queue 10",
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
    pub struct Limiter = "limiter" check rules::limiter {
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
        /// With `over = "wait"`: who would wait longer is refused.
        max_wait: Option<SimSpan> = none "unlimited",
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
