//! Caches: quotas, what happens without them, what they can be expected to save.

use std::collections::BTreeSet;

use super::average::mean_or_zero;
use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, path, set, ticked};
use crate::file::step::Step;
use crate::file::system::{Cache, CacheDown, Entry, EntryKey, LimiterStore};
use crate::file::{Name, Popularity};
use crate::units::{show_bytes, show_number, show_seconds, show_share};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cache-quota-over-in-the-scenario",
        severity: Severity::Contradiction,
        meaning: "The scenario's sessions need more commands than the cache's plan gives a day. Then every command fails.",
        source: "upstash.com/pricing/redis (third party's transcription); 1 command a hit, 2 a miss",
        date: "2026-11-24",
        check: quota_over,
    },
    Rule {
        id: "cache-quota-in-sessions",
        severity: Severity::Note,
        meaning: "The cache's plan has a quota of commands: how many sessions a day that is.",
        source: "upstash.com/pricing/redis (third party's transcription); 1 command a hit, 2 a miss",
        date: "2026-11-24",
        check: quota_in_sessions,
    },
    Rule {
        id: "cache-down-is-service-down",
        severity: Severity::Risk,
        meaning: "Without the cache requests fail instead of going to the database: what saves load takes the service \
                  with it.",
        source: "ioredis 6.0.0: commands wait and then fail; the fetch around them does not catch it",
        date: "2026-11-24",
        check: down,
    },
    Rule {
        id: "cache-fetches-together",
        severity: Severity::Risk,
        meaning: "A key that many ask for has no single flight: each time it expires, everybody who asks during the fetch \
                  fetches too.",
        source: "the usual get-or-fetch: expected fetches 1 + rate x fetch time",
        date: "2026-11-24",
        check: fetches_together,
    },
    Rule {
        id: "cache-expires-together",
        severity: Severity::Risk,
        meaning: "All keys of an entry are filled at once and live equally long: they expire at one moment, and the \
                  database gets what the cache kept from it.",
        source: "the usual get-or-fetch: no jitter of the TTL",
        date: "2026-11-24",
        check: expires_together,
    },
    Rule {
        id: "cache-seldom-hits",
        severity: Severity::Note,
        meaning: "People come back to an entry more seldom than it lives: it saves less than 70 % of the fetches.",
        source: "Poisson arrivals at rate r and life T: hit ratio r T / (1 + r T)",
        date: "2026-11-24",
        check: seldom_hits,
    },
    Rule {
        id: "processes-over-cache-connections",
        severity: Severity::Contradiction,
        meaning: "Every process holds a connection to the cache, and all together are more than its plan accepts.",
        source: "ioredis 6.0.0: one connection a client; Render, prices of services",
        date: "2026-11-24",
        check: over_connections,
    },
    Rule {
        id: "cache-larger-than-its-memory",
        severity: Severity::Risk,
        meaning: "The values of all keys do not fit into the cache's memory: it evicts, and hits less than its TTL says.",
        source: "redis.io: eviction",
        date: "2026-11-24",
        check: too_large,
    },
];

/// Look-ups of an entry and limiters' commands in an average session, hits only.
fn commands(design: &Design<'_>, cache: &Name) -> f64 {
    let mut total = 0.0;
    for (&endpoint, &times) in &design.traffic.session.requests {
        design.walk_request(endpoint, &mut |step, place| {
            let is_ours = match step {
                Step::Cache(step) => step.cache.as_ref() == Some(cache),
                Step::Limit(name) => design.system.limiter.get(name.as_str()).is_some_and(|limiter| {
                    limiter.on && matches!(&limiter.store, LimiterStore::Cache(store) if store == cache)
                }),
                _ => false,
            };
            if is_ours && !place.is_miss {
                total += times * place.times;
            }
        });
    }
    total
}

/// Commands a day that the cache may do, and whose figure that is.
fn quota(design: &Design<'_>, cache: &Cache) -> Option<(f64, String)> {
    if let Some(day) = cache.commands_per_day {
        return Some((day as f64, format!("{} commands a day", show_number(day as f64))));
    }
    let plan = design.edition.cache_plan(cache.plan.as_ref()?.as_str())?;
    if let Some(day) = &plan.commands_per_day {
        let day = day.value as f64;
        return Some((day, format!("{} commands a day with `{}`", show_number(day), plan.name)));
    }
    let month = plan.commands_per_month.as_ref()?.value as f64;
    Some((
        month / 30.0,
        format!("{} commands a month with `{}`", show_number(month), plan.name),
    ))
}

fn without_quota(name: &Name, cache: &Cache) -> String {
    if cache.commands_per_day.is_some() {
        return "a plan without a quota, and `commands_per_day` out of the file".to_owned();
    }
    format!("{}, which has no quota", set(&path(name.as_str(), "plan"), "starter"))
}

fn quota_over(design: &Design<'_>) -> Vec<Found> {
    let Some(scenario) = design.scenario else {
        return Vec::new();
    };
    let sessions: f64 = design.traffic.streams.iter().filter_map(|stream| stream.sessions).sum();
    let days = (scenario.duration.map_or(0.0, |duration| duration.seconds()) / 86_400.0).max(1.0);
    let mut found = Vec::new();
    for (name, cache) in design.system.cache.iter() {
        let Some((day, text)) = quota(design, cache) else {
            continue;
        };
        let each = commands(design, name);
        let all = sessions * each;
        if all > day * days {
            found.push(Found {
                subject: path(name.as_str(), "plan"),
                title: format!("`{name}` runs out of commands in this scenario"),
                arithmetic: format!(
                    "{} sessions x {} commands = {}, if every look-up hits; {text}",
                    show_number(sessions),
                    show_number(each),
                    show_number(all)
                ),
                cure: without_quota(name, cache),
            });
        }
    }
    found
}

fn quota_in_sessions(design: &Design<'_>) -> Vec<Found> {
    if design.scenario.is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, cache) in design.system.cache.iter() {
        let Some((day, text)) = quota(design, cache) else {
            continue;
        };
        let each = commands(design, name);
        if each > 0.0 {
            let sessions = day / each;
            found.push(Found {
                subject: path(name.as_str(), "plan"),
                title: format!(
                    "`{name}` is enough for {} sessions a day, at most",
                    show_number(sessions)
                ),
                arithmetic: format!(
                    "{text} / {} commands a session, if every look-up hits",
                    show_number(each)
                ),
                cure: without_quota(name, cache),
            });
        }
    }
    found
}

/// Endpoints that cannot do without a cache.
fn dependents<'a>(design: &Design<'a>, cache: &Name) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (endpoint, _) in design.system.endpoint.iter() {
        let mut uses = false;
        design.walk_request(endpoint.as_str(), &mut |step, place| {
            if let Step::Cache(step) = step {
                uses |= step.cache.as_ref() == Some(cache) && !place.is_later;
            }
        });
        if uses {
            names.push(endpoint.as_str());
        }
    }
    names
}

fn down(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, _) in design
        .system
        .cache
        .iter()
        .filter(|(_, cache)| cache.down == CacheDown::Fail)
    {
        let endpoints = dependents(design, name);
        if endpoints.is_empty() {
            continue;
        }
        let requests = design.traffic.requests();
        let share: f64 = endpoints
            .iter()
            .map(|endpoint| design.traffic.requests_of(endpoint))
            .sum();
        let text = if requests > 0.0 {
            format!(", {} of requests", show_share(share / requests))
        } else {
            String::new()
        };
        found.push(Found {
            subject: path(name.as_str(), "down"),
            title: format!("when `{name}` is down, so is what asks it"),
            arithmetic: format!("{} need it{text}", list(&ticked(&endpoints))),
            cure: format!(
                "{}: catch the error and ask the database, with a short command time-out",
                set(&path(name.as_str(), "down"), "miss")
            ),
        });
    }
    found
}

/// An entry that requests look up, with how that goes.
struct LookUp<'a> {
    cache: &'a Name,
    name: &'a Name,
    entry: &'a Entry,
    /// In an average session.
    times: f64,
    /// Seconds of the fetch on an idle system.
    fetch: f64,
}

fn look_ups<'a>(design: &Design<'a>) -> Vec<LookUp<'a>> {
    let mut found = Vec::new();
    for (cache_name, cache) in design.system.cache.iter() {
        for (name, entry) in cache.entry.iter() {
            let mut times = 0.0;
            let mut fetch = 0.0_f64;
            for (&endpoint, &requests) in &design.traffic.session.requests {
                design.walk_request(endpoint, &mut |step, place| {
                    if let Step::Cache(step) = step
                        && step.cache.as_ref() == Some(cache_name)
                        && step.entry == *name
                        && !place.is_miss
                    {
                        times += requests * place.times;
                        let queries = step.miss.iter().map(|step| match step {
                            Step::Query(query) => f64::from(query.times) * design.query_seconds(query),
                            Step::Io(time) | Step::Cpu(time) | Step::Work(time) => mean_or_zero(time),
                            _ => 0.0,
                        });
                        fetch = fetch.max(queries.sum());
                    }
                });
            }
            if times > 0.0 {
                found.push(LookUp {
                    cache: cache_name,
                    name,
                    entry,
                    times,
                    fetch,
                });
            }
        }
    }
    found
}

/// Share of the look-ups that go to the most popular key, where keys are not people's.
fn top_share(entry: &Entry) -> Option<f64> {
    match (entry.keys, &entry.key, &entry.popularity) {
        (Some(keys), _, None) => Some(1.0 / keys as f64),
        (Some(keys), _, Some(Popularity::Zipf(power))) => {
            // Beyond so many ranks a term changes no digit that is shown.
            let ranks = keys.min(100_000);
            let total: f64 = (1..=ranks).map(|rank| libm::pow(rank as f64, -power)).sum();
            Some(1.0 / total)
        }
        (None, Some(EntryKey::One) | None, _) => Some(1.0),
        _ => None,
    }
}

fn entry_path(look_up: &LookUp<'_>, key: &str) -> String {
    format!(
        "{}.entry.{}.{key}",
        super::words::part(look_up.cache.as_str()),
        super::words::part(look_up.name.as_str())
    )
}

fn fetches_together(design: &Design<'_>) -> Vec<Found> {
    /// Fetches at one expiry from which the others matter.
    const SEVERAL: f64 = 2.0;
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for look_up in look_ups(design) {
        let Some(share) = top_share(look_up.entry).filter(|_| !look_up.entry.single_flight) else {
            continue;
        };
        if look_up.entry.ttl == crate::SimSpan::FOREVER {
            continue;
        }
        let rate = sessions * look_up.times * share;
        let fetches = 1.0 + rate * look_up.fetch;
        if fetches >= SEVERAL {
            let path = entry_path(&look_up, "single_flight");
            found.push(Found {
                title: format!(
                    "{} requests fetch `{}` at once each time it expires",
                    show_number(fetches),
                    look_up.name
                ),
                arithmetic: format!(
                    "1 + {} a second x {} = {}, on an idle database",
                    show_number(rate),
                    show_seconds(look_up.fetch),
                    show_number(fetches)
                ),
                cure: set(&path, true),
                subject: path,
            });
        }
    }
    found
}

fn expires_together(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for look_up in look_ups(design) {
        let entry = look_up.entry;
        let keys = entry.keys.unwrap_or(1);
        if entry.warm && entry.spread.get() == 0.0 && entry.ttl != crate::SimSpan::FOREVER && keys > 1 {
            let path = entry_path(&look_up, "spread");
            found.push(Found {
                title: format!("all keys of `{}` expire at one moment", look_up.name),
                arithmetic: format!(
                    "{} keys filled at the start, each for {}",
                    show_number(keys as f64),
                    show_seconds(entry.ttl.seconds())
                ),
                cure: set(&path, "0.2"),
                subject: path,
            });
        }
    }
    found
}

fn seldom_hits(design: &Design<'_>) -> Vec<Found> {
    const WORTH: f64 = 0.7;
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let people: Option<f64> = design.traffic.streams.iter().map(|stream| stream.people).sum();
    let mut found = Vec::new();
    for look_up in look_ups(design) {
        let is_personal = look_up.entry.keys.is_none() && look_up.entry.key == Some(EntryKey::User);
        let Some(people) = people.filter(|_| is_personal) else {
            continue;
        };
        if look_up.entry.ttl == crate::SimSpan::FOREVER {
            continue;
        }
        // Within a session only the first look-up can find nothing.
        let each = sessions / people;
        let life = look_up.entry.ttl.seconds();
        let back = each * life / (1.0 + each * life);
        let in_session = look_up.times.max(1.0);
        let hit = 1.0 - (1.0 - back) / in_session;
        if hit < WORTH {
            let path = entry_path(&look_up, "ttl");
            found.push(Found {
                title: format!(
                    "`{}` is found in the cache {} of the time at best",
                    look_up.name,
                    show_share(hit)
                ),
                arithmetic: format!(
                    "a person comes every {} and the entry lives {}: {} return in time; {} look-ups a session",
                    show_seconds(1.0 / each),
                    show_seconds(life),
                    show_share(back),
                    show_number(look_up.times)
                ),
                cure: "a longer TTL with an explicit delete on change; do not count on the cache for less load"
                    .to_owned(),
                subject: path,
            });
        }
    }
    found
}

fn over_connections(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, cache) in design.system.cache.iter() {
        let plan = cache
            .plan
            .as_ref()
            .and_then(|plan| design.edition.cache_plan(plan.as_str()));
        let Some(has) = plan.and_then(|plan| plan.max_connections.as_ref()) else {
            continue;
        };
        let mut services = BTreeSet::new();
        for (endpoint, _) in design.system.endpoint.iter() {
            design.walk_request(endpoint.as_str(), &mut |step, place| {
                let uses = match step {
                    Step::Cache(step) => step.cache.as_ref() == Some(name),
                    Step::Limit(limiter) => design.system.limiter.get(limiter.as_str()).is_some_and(
                        |limiter| matches!(&limiter.store, LimiterStore::Cache(store) if limiter.on && store == name),
                    ),
                    _ => false,
                };
                services.extend(place.service.filter(|_| uses));
            });
        }
        let used = services.iter().filter_map(|service| design.service_called(service));
        let all: u64 = used
            .map(|(_, service)| Design::instances_most(service) * u64::from(service.processes))
            .sum();
        if all > u64::from(has.value) {
            let names: Vec<&str> = services.into_iter().collect();
            found.push(Found {
                subject: path(name.as_str(), "plan"),
                title: format!("`{name}` does not accept all processes that ask it"),
                arithmetic: format!(
                    "{} of {}; its plan has {} connections",
                    super::words::many(all, "process", "processes"),
                    list(&ticked(&names)),
                    has.value
                ),
                cure: "a plan with more connections, or fewer processes".to_owned(),
            });
        }
    }
    found
}

fn too_large(design: &Design<'_>) -> Vec<Found> {
    let people: Option<f64> = design.traffic.streams.iter().map(|stream| stream.people).sum();
    let people = people.filter(|_| !design.traffic.streams.is_empty());
    let mut found = Vec::new();
    for (name, cache) in design.system.cache.iter() {
        let plan = cache
            .plan
            .as_ref()
            .and_then(|plan| design.edition.cache_plan(plan.as_str()));
        let memory = cache
            .memory
            .map(|memory| memory.get() as f64)
            .or_else(|| plan?.memory.as_ref().map(|figure| figure.value as f64));
        let Some(memory) = memory else { continue };
        let mut all = 0.0;
        let mut parts = Vec::new();
        for (entry_name, entry) in cache.entry.iter() {
            let keys = match (entry.keys, &entry.key) {
                (Some(keys), _) => keys as f64,
                (None, Some(EntryKey::User)) => people.unwrap_or(0.0),
                _ => 1.0,
            };
            let size = keys * entry.size.get() as f64;
            all += size;
            if size > 0.01 * memory {
                parts.push(format!(
                    "{} `{entry_name}` x {}",
                    show_number(keys),
                    show_bytes(entry.size.get() as f64)
                ));
            }
        }
        if all > memory {
            found.push(Found {
                subject: path(name.as_str(), "memory"),
                title: format!("not everything fits into `{name}`"),
                arithmetic: format!(
                    "{} = {}; it has {}",
                    parts.join(" + "),
                    show_bytes(all),
                    show_bytes(memory)
                ),
                cure: "smaller values, shorter lives, or a plan with more memory".to_owned(),
            });
        }
    }
    found
}
