//! What all processes share: databases, poolers and caches.
//!
//! Owns: the tables under `[database.NAME]`, `[pooler.NAME]` and `[cache.NAME]`.
//! Never: plans and prices (that is `catalogue/`).

use crate::SimSpan;
use crate::file::name::{Name, Named};
use crate::file::quantity::Quantity;
use crate::file::rules;
use crate::file::table::{choice, table};
use crate::file::value::Popularity;
use crate::units::{Bytes, Share};

table! {
    /// A database server.
    pub struct Database = "database" check rules::database {
        /// From the catalogue: cores, memory, connections, price.
        plan: Option<Name> = none,
        /// Shared by all running queries.
        cores: Option<f64> = none "the plan's, else unlimited" in 0.001..=4096.0,
        /// Of the server.
        memory: Option<Bytes> = none "the plan's",
        /// Disk, paid for in steps of 5 GB.
        storage: Option<Bytes> = none "none is charged",
        /// For the whole server.
        max_connections: Option<u32> = none "the plan's, else unlimited" in 1.0..=1e7,
        /// Not for the application: beyond it `connection_refused`.
        reserved: u32 = 3 [documented "PostgreSQL: superuser_reserved_connections" "2026-11-24"] in 0.0..=1e7,
        /// Held by tools and monitoring.
        others: u32 = 0 in 0.0..=1e7,
        /// Opening a connection.
        connect: Quantity = "10ms" of time [assumed "5 to 30 ms with SCRAM" "2026-11-24"],
        /// Work of the server's cores for each connection that is opened, beside that time.
        connect_cpu: Quantity = "0s" of time,
        /// Network, per query.
        rtt: Quantity = "0s" of time,
        /// How long it is down when it is restarted or gets another plan: connections are cut and new ones refused.
        downtime: SimSpan = "2m" [assumed "the vendor says: brief downtime" "2026-11-24"],
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
        wait: SimSpan = "120s" [assumed "PgBouncer's query_wait_timeout as commonly set" "2026-11-24"],
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
        /// The same by the month; the run begins with one.
        commands_per_month: Option<u64> = none "the plan's, else unlimited" in 0.0..=1e15,
        /// What a request does while the cache is unreachable.
        down: CacheDown = "fail",
        /// What the program reaches it with: how commands wait while it is away.
        client: Option<CacheClient> = none "the edition's version of ioredis",
        /// Down for so long when it is restarted; its entries are lost.
        restart: SimSpan = "2s" [assumed "a small store starts at once" "2026-11-24"],
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

choice! {
    /// What a program reaches a cache with.
    pub enum CacheClient {
        /// Commands wait until the 21st close in a row, 10.5 s where it is refused at once.
        Ioredis5 = "ioredis 5",
        /// The same after about 73 s.
        Ioredis6 = "ioredis 6",
        /// A command fails at once while the connection is away.
        FailsAtOnce = "fails_at_once",
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
