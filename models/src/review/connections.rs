//! Pools against the connections that the database has.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, many, path, set};
use crate::file::Name;
use crate::file::system::{Database, Pool};
use crate::units::{show_number, show_seconds};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "pool-times-processes-over-connections",
        severity: Severity::Contradiction,
        meaning: "Every process has a pool of its own. All pools together may open more connections than the database \
                  leaves to the application; what comes late is refused at once, not queued.",
        source: "pg-pool 3.14.0 index.js; Render, Postgres connection limits and pooling",
        date: "2026-11-24",
        check: pools_over_connections,
    },
    Rule {
        id: "deploy-doubles-the-pools",
        severity: Severity::Risk,
        meaning: "During a deploy the old and the new instances run side by side and both hold connections. What fits \
                  once does not fit twice.",
        source: "Render, how zero-downtime deploys work",
        date: "2026-04-01",
        check: deploy_doubles,
    },
    Rule {
        id: "connections-above-plan",
        severity: Severity::Contradiction,
        meaning: "The file gives the database more connections than its plan has.",
        source: "Render, Postgres connection limits and pooling",
        date: "2026-11-24",
        check: above_plan,
    },
    Rule {
        id: "connections-below-plan",
        severity: Severity::Note,
        meaning: "The file gives the database fewer connections than its plan has: limits were sized for less than is \
                  paid for.",
        source: "Render, Postgres connection limits and pooling",
        date: "2026-11-24",
        check: below_plan,
    },
    Rule {
        id: "pools-over-pooler-clients",
        severity: Severity::Contradiction,
        meaning: "All pools together may open more client connections than the pooler accepts.",
        source: "PgBouncer, max_client_conn",
        date: "2026-11-24",
        check: over_pooler,
    },
    Rule {
        id: "pools-take-every-connection",
        severity: Severity::Note,
        meaning: "The pools may take every connection there is: no migration, no look at the database from a desk, \
                  when it matters most.",
        source: "PostgreSQL, superuser_reserved_connections: the reserved ones are for superusers alone",
        date: "2026-11-24",
        check: none_for_tools,
    },
    Rule {
        id: "pool-min-opens-nothing",
        severity: Severity::Note,
        meaning: "A pool's `min` keeps connections from being closed; it opens none ahead. The first requests after a \
                  start or a deploy still pay for opening.",
        source: "pg-pool 3.14.0 index.js, run",
        date: "2026-11-24",
        check: min_opens_nothing,
    },
    Rule {
        id: "pool-waits-for-ever",
        severity: Severity::Risk,
        meaning: "A pool without a time-out and without a bound on its line lets requests wait for ever when the \
                  database is slow.",
        source: "pg-pool 3.14.0 index.js: connectionTimeoutMillis is 0 unless set",
        date: "2026-11-24",
        check: waits_for_ever,
    },
    Rule {
        id: "connection-held-over-model-call",
        severity: Severity::Risk,
        meaning: "A transaction keeps its connection while a model answers. The pool then lets through as many requests \
                  as fit into seconds, not milliseconds.",
        source: "drizzle-orm 0.45.4 node-postgres/session.js: a transaction checks one client out for the whole callback",
        date: "2026-11-24",
        check: held_over_model,
    },
];

/// What the pools of a database can open, and what it has.
struct Account<'a> {
    name: &'a Name,
    database: &'a Database,
    /// Pools that open their connections there directly.
    pools: Vec<(&'a Name, &'a Pool)>,
    /// Held by poolers, whatever their clients do.
    poolers: u64,
    /// What pools and poolers can open together.
    most: u64,
    /// Left to the application.
    left: u64,
    max: u64,
}

impl<'a> Account<'a> {
    fn all(design: &Design<'a>) -> Vec<Self> {
        let databases = design.system.database.iter();
        databases
            .filter_map(|(name, database)| Self::of(design, name, database))
            .collect()
    }

    fn of(design: &Design<'a>, name: &'a Name, database: &'a Database) -> Option<Self> {
        let plan = design.database_plan(database.plan.as_ref());
        let max = database
            .max_connections
            .or(plan.map(|plan| plan.max_connections.value))?;
        let (max, taken) = (
            u64::from(max),
            u64::from(database.reserved) + u64::from(database.others),
        );
        let pools: Vec<(&Name, &Pool)> = design
            .system
            .pool
            .iter()
            .filter(|(_, pool)| pool.on && pool.database.as_ref() == Some(name))
            .collect();
        let poolers = design.system.pooler.iter();
        let poolers = poolers
            .filter(|(_, pooler)| pooler.database == *name)
            .map(|(_, pooler)| u64::from(pooler.max))
            .sum();
        let direct: u64 = pools.iter().map(|(_, pool)| open(design, pool)).sum();
        Some(Self {
            name,
            database,
            pools,
            poolers,
            most: direct + poolers,
            left: max.saturating_sub(taken),
            max,
        })
    }

    /// `20 x 10 instances = 200`, with poolers where there are any.
    fn sum(&self, design: &Design<'_>) -> String {
        let mut parts: Vec<String> = self
            .pools
            .iter()
            .map(|(_, pool)| format!("{} x {}", pool.max, design.times_text(pool.service.as_ref())))
            .collect();
        if self.poolers > 0 {
            parts.push(format!("{} of poolers", self.poolers));
        }
        format!("{} = {} connections", parts.join(" + "), show_number(self.most as f64))
    }

    /// `25 - 3 reserved = 22`.
    fn rest(&self) -> String {
        let mut text = format!("{} - {} reserved", self.max, self.database.reserved);
        if self.database.others > 0 {
            text.push_str(&format!(" - {} of others", self.database.others));
        }
        format!("{text} = {}", self.left)
    }

    /// The setting that makes one pool fit `generations` times; a pooler where not even one connection each would.
    fn cure(&self, design: &Design<'_>, generations: u64) -> String {
        let pooler = "put a pooler in transaction mode between the pools and the database (`[pooler.NAME]`)";
        let [(name, pool)] = self.pools[..] else {
            return format!("lower the pools until they fit, or {pooler}");
        };
        let processes = design.processes_most(pool.service.as_ref()) * generations;
        let each = self.left.saturating_sub(self.poolers) / processes.max(1);
        if each == 0 {
            return format!("{processes} processes do not fit with one connection each: {pooler}");
        }
        let setting = set(&path(name.as_str(), "max"), each);
        let mut cure = format!("{setting}, or {pooler}");
        if let Some(plan) = design.database_plan(self.database.plan.as_ref())
            && u64::from(plan.max_connections.value) > self.max
        {
            let path = path(self.name.as_str(), "max_connections");
            let set = set(&path, plan.max_connections.value);
            cure = format!("{cure}; the plan has more connections than the file gives it: {set}");
        }
        cure
    }
}

/// Connections that all processes of a pool's service can open.
fn open(design: &Design<'_>, pool: &Pool) -> u64 {
    u64::from(pool.max) * design.processes_most(pool.service.as_ref())
}

fn pools_over_connections(design: &Design<'_>) -> Vec<Found> {
    let over = Account::all(design)
        .into_iter()
        .filter(|account| account.most > account.left);
    over.map(|account| Found {
        subject: account
            .pools
            .first()
            .map_or_else(|| account.name.text.clone(), |(name, _)| path(name.as_str(), "max")),
        title: format!(
            "the pools can ask `{}` for {} connections and it has {} for them",
            account.name,
            show_number(account.most as f64),
            account.left
        ),
        arithmetic: format!("{}; {}", account.sum(design), account.rest()),
        cure: account.cure(design, 1),
    })
    .collect()
}

fn deploy_doubles(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for account in Account::all(design) {
        let doubled: u64 = account
            .pools
            .iter()
            .map(|(_, pool)| {
                let overlaps = design
                    .service(pool.service.as_ref())
                    .is_some_and(|(_, service)| service.deploy.overlap > crate::SimSpan::ZERO);
                open(design, pool) * if overlaps { 2 } else { 1 }
            })
            .sum::<u64>()
            + account.poolers;
        if account.most > account.left || doubled <= account.left {
            continue;
        }
        let Some((name, pool)) = account.pools.first() else {
            continue;
        };
        let overlap = design
            .service(pool.service.as_ref())
            .map_or(0.0, |(_, service)| service.deploy.overlap.seconds());
        found.push(Found {
            subject: path(name.as_str(), "max"),
            title: format!("a deploy runs out of connections to `{}`", account.name),
            arithmetic: format!(
                "{}; old and new instances together {doubled}, for {}; {}",
                account.sum(design),
                show_seconds(overlap),
                account.rest()
            ),
            cure: account.cure(design, 2),
        });
    }
    found
}

fn above_plan(design: &Design<'_>) -> Vec<Found> {
    against_plan(design, |given, plan| given > plan, "more")
}

fn below_plan(design: &Design<'_>) -> Vec<Found> {
    against_plan(design, |given, plan| given < plan, "fewer")
}

fn against_plan(design: &Design<'_>, differs: fn(u32, u32) -> bool, word: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, database) in design.system.database.iter() {
        let (Some(given), Some(plan)) = (database.max_connections, design.database_plan(database.plan.as_ref())) else {
            continue;
        };
        let known = plan.max_connections.value;
        if differs(given, known) {
            let path = path(name.as_str(), "max_connections");
            found.push(Found {
                title: format!("`{name}` is given {word} connections than its plan has"),
                arithmetic: format!("{given} in the file, {known} in the plan `{}`", plan.name),
                cure: format!("{}, or leave it out", set(&path, known)),
                subject: path,
            });
        }
    }
    found
}

fn over_pooler(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, pooler) in design.system.pooler.iter() {
        let pools: Vec<(&Name, &Pool)> = design
            .system
            .pool
            .iter()
            .filter(|(_, pool)| pool.on && pool.database.as_ref() == Some(name))
            .collect();
        let most: u64 = pools.iter().map(|(_, pool)| open(design, pool)).sum();
        if most > u64::from(pooler.clients) {
            let parts: Vec<String> = pools
                .iter()
                .map(|(_, pool)| format!("{} x {}", pool.max, design.times_text(pool.service.as_ref())))
                .collect();
            let path = path(name.as_str(), "clients");
            found.push(Found {
                title: format!("the pools can open more connections than the pooler `{name}` accepts"),
                arithmetic: format!("{} = {most}; it accepts {}", parts.join(" + "), pooler.clients),
                cure: format!("{}, or smaller pools", set(&path, most)),
                subject: path,
            });
        }
    }
    found
}

fn none_for_tools(design: &Design<'_>) -> Vec<Found> {
    let full = Account::all(design)
        .into_iter()
        .filter(|account| account.database.others == 0 && account.most == account.left);
    full.map(|account| {
        let names: Vec<&str> = account.pools.iter().map(|(name, _)| name.as_str()).collect();
        Found {
            subject: path(account.name.as_str(), "others"),
            title: format!("`{}` has no connection left for tools and people", account.name),
            arithmetic: format!("{}; {}", account.sum(design), account.rest()),
            cure: format!(
                "leave one or two: lower `max` of {}",
                list(&super::words::ticked(&names))
            ),
        }
    })
    .collect()
}

fn min_opens_nothing(design: &Design<'_>) -> Vec<Found> {
    let pools = design.system.pool.iter();
    let with_min = pools.filter(|(_, pool)| pool.on && pool.database.is_some() && pool.min > 0);
    with_min
        .map(|(name, pool)| Found {
            subject: path(name.as_str(), "min"),
            title: format!("`{name}` starts with no connection at all, in spite of `min`"),
            arithmetic: format!(
                "{} are kept once they are open; after each start and deploy 0 are",
                many(u64::from(pool.min), "connection", "connections")
            ),
            cure: "open some before the health check passes, with a query for each, or allow the first requests to be \
                   slower"
                .to_owned(),
        })
        .collect()
}

fn waits_for_ever(design: &Design<'_>) -> Vec<Found> {
    let pools = design.system.pool.iter();
    let endless = pools
        .filter(|(_, pool)| pool.on && pool.database.is_some() && pool.timeout.is_none() && pool.waiters.is_none());
    endless
        .map(|(name, pool)| Found {
            subject: path(name.as_str(), "timeout"),
            title: format!("requests wait for a connection of `{name}` for ever"),
            arithmetic: format!("{} connections, no time-out, no bound on the line", pool.max),
            cure: set(&path(name.as_str(), "timeout"), "5s"),
        })
        .collect()
}

fn held_over_model(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for call in &design.calls {
        let Some((pool_name, pool)) = call.held.and_then(|name| Some((name, design.system.pool.get(name)?))) else {
            continue;
        };
        if call.seconds <= 0.0 {
            continue;
        }
        let rate = f64::from(pool.max) / call.seconds;
        found.push(Found {
            subject: format!("endpoint.{}", super::words::part(call.endpoint)),
            title: format!(
                "`{}` holds a connection of `{pool_name}` while the model answers",
                call.endpoint
            ),
            arithmetic: format!(
                "{} connections / {} = {} requests a second and process at most",
                pool.max,
                show_seconds(call.seconds),
                show_number(rate)
            ),
            cure: "end the transaction before the model is asked, and begin another for what is written after it"
                .to_owned(),
        });
    }
    found
}
