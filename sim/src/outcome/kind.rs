//! The figures that only one kind of resource has.
//!
//! Owns: instances, connections, queries, tokens, hits. Never: what every resource has (`resource`).

use highwater_models::record::figures::Unit;
use highwater_models::record::histogram::Histogram;

use super::build::{Builder, Keyed, Pathed, dist, level, over, ratio};
use super::resource::usable;
use crate::measure::{EntryRecord, LimiterRecord, PoolerRecord, ProviderRecord};
use highwater_program::model::Model;

/// Adds the figures of every service, pool, database, queue, limiter, cache and provider.
pub fn figures(build: &mut Builder, model: &Model) {
    services(build, model);
    pools(build, model);
    databases(build, model);
    queues(build, model);
    limiters(build, model);
    caches(build, model);
    providers(build, model);
    poolers(build, model);
}

fn poolers(build: &mut Builder, model: &Model) {
    for (number, pooler) in model.poolers.iter().enumerate() {
        let at = |key: &'static str| ["resources", name(model, pooler.resource), key];
        level(build, &at("open"), |record| &record.poolers[number].open);
        level(build, &at("clients"), |record| &record.poolers[number].clients);
        let counts: [Keyed<PoolerRecord, u64>; 3] = [
            ("clients_refused", |pooler| pooler.clients_refused),
            ("connects", |pooler| pooler.connects),
            ("connects_refused", |pooler| pooler.connects_refused),
        ];
        for (key, of) in counts {
            build.count(&at(key), |record| of(&record.poolers[number]) as f64);
        }
    }
}

/// The name of a resource.
fn name(model: &Model, resource: u16) -> &str {
    &model.resources[usize::from(resource)].name
}

fn services(build: &mut Builder, model: &Model) {
    for (number, service) in model.services.iter().enumerate() {
        let at = |key: &'static str| ["resources", name(model, service.resource), key];
        level(build, &at("instances"), |record| &record.services[number].instances);
        level(build, &at("in_hand"), |record| &record.services[number].in_hand);
        if service.cores.is_finite() {
            build.each(&at("cpu"), Unit::Share, |record| {
                let record = &record.services[number];
                ratio(record.cpu_used, record.cpu_there)
            });
            build.each(&at("cpu_usable"), Unit::Share, |_| usable(model, number));
        }
        let lags: Vec<&Histogram> = build.records.iter().map(|record| &record.loop_lag[number]).collect();
        dist(build, &at("loop_lag"), &lags, &[]);
        build.count(&at("boots"), |record| record.services[number].boots as f64);
        build.count(&at("stops"), |record| record.services[number].stops as f64);
        build.each(&at("instance_seconds"), Unit::Seconds, |record| {
            record.services[number].billed.measured_area() as f64 / 1e9
        });
        if service.fills_memory {
            memory(build, number, &at("memory"));
        }
        for (death, key) in ["out_of_memory", "heap", "health", "crash"].into_iter().enumerate() {
            let path = ["resources", name(model, service.resource), "deaths", key];
            build.count(&path, |record| record.services[number].deaths[death] as f64);
        }
    }
}

/// Bytes of an instance: on average over those that ran, and the most that any one had.
fn memory(build: &mut Builder, service: usize, path: &[&str]) {
    let at = |key: &'static str| -> Vec<&str> { path.iter().copied().chain([key]).collect() };
    build.each(&at("mean"), Unit::Bytes, |record| {
        let record = &record.services[service];
        ratio(
            record.memory.measured_area() as f64,
            record.running.measured_area() as f64,
        )
    });
    build.each(&at("max"), Unit::Bytes, |record| {
        record.services[service].memory.measured_most() as f64
    });
    build.each(&at("at_end"), Unit::Bytes, |record| {
        let record = &record.services[service];
        ratio(record.memory.value as f64, record.running.value as f64)
    });
}

fn pools(build: &mut Builder, model: &Model) {
    for (number, pool) in model.pools.iter().enumerate() {
        let at = |key: &'static str| ["resources", name(model, pool.resource), key];
        level(build, &at("open"), |record| &record.pools[number].open);
        build.count(&at("connects"), |record| record.pools[number].connects as f64);
        build.count(&at("connects_refused"), |record| {
            record.pools[number].connects_refused as f64
        });
        build.count(&at("closes"), |record| record.pools[number].closes as f64);
        let times: Vec<&Histogram> = build
            .records
            .iter()
            .map(|record| &record.pools[number].connect)
            .collect();
        dist(build, &at("connect"), &times, &[]);
    }
}

fn databases(build: &mut Builder, model: &Model) {
    for (number, database) in model.databases.iter().enumerate() {
        let own = name(model, database.resource);
        let at = |key: &'static str| ["resources", own, key];
        level(build, &at("connections"), |record| {
            &record.databases[number].connections
        });
        build.count(&at("connections_refused"), |record| {
            record.databases[number].connections_refused as f64
        });
        if database.cores.is_finite() {
            build.each(&at("cpu"), Unit::Share, |record| {
                let there = |span: highwater_models::SimSpan| database.cores * span.nanos() as f64;
                over(record, |span| ratio(record.databases[number].cpu_used, there(span)))
            });
        }
        for (kind, (_, query)) in model
            .query_kinds
            .iter()
            .enumerate()
            .filter(|(_, (of, _))| usize::from(*of) == number)
        {
            let times: Vec<&Histogram> = build.records.iter().map(|record| &record.queries[kind]).collect();
            dist(build, &["resources", own, "queries", query], &times, &[]);
        }
    }
}

fn queues(build: &mut Builder, model: &Model) {
    for (number, queue) in model.queues.iter().enumerate() {
        let at = |key: &'static str| ["resources", name(model, queue.resource), key];
        build.each(&at("held_by_cap"), Unit::Share, |record| {
            over(record, |span| record.held_by_cap[number].mean(span))
        });
        build.each(&at("starts_per_window"), Unit::Count, |record| {
            f64::from(record.starts_per_window[number])
        });
    }
}

fn limiters(build: &mut Builder, model: &Model) {
    for (number, limiter) in model.limiters.iter().enumerate() {
        let at = |key: &'static str| ["resources", name(model, limiter.resource), key];
        let counts: [Keyed<LimiterRecord, u64>; 4] = [
            ("accepted", |limiter| limiter.accepted),
            ("refused", |limiter| limiter.refused),
            ("keys", |limiter| limiter.keys),
            ("windows", |limiter| limiter.windows),
        ];
        for (key, of) in counts {
            build.count(&at(key), |record| of(&record.limiters[number]) as f64);
        }
        let refused: Vec<(f64, f64)> = build
            .records
            .iter()
            .map(|record| &record.limiters[number])
            .map(|limiter| (limiter.refused as f64, (limiter.accepted + limiter.refused) as f64))
            .collect();
        build.share(&at("refused_share"), &refused);
    }
}

/// What is counted of look-ups, of a class of keys or of a whole cache.
const LOOKUPS: [Keyed<EntryRecord, u64>; 4] = [
    ("hits", |entry| entry.hits),
    ("misses", |entry| entry.misses),
    ("joined", |entry| entry.joined),
    ("duplicates", |entry| entry.duplicates),
];

fn caches(build: &mut Builder, model: &Model) {
    for (number, cache) in model.caches.iter().enumerate() {
        let own = name(model, cache.resource);
        let at = |key: &'static str| ["resources", own, key];
        build.count(&at("commands"), |record| record.caches[number].commands as f64);
        build.count(&at("commands_failed"), |record| record.caches[number].failed as f64);
        let entries: Vec<usize> = (0..model.entries.len())
            .filter(|&entry| usize::from(model.entries[entry].cache) == number)
            .collect();
        lookups(build, &["resources", own], &entries);
        let hits = hit_ratio(build, &entries);
        build.share(&["cache", own, "hit_ratio"], &hits);
        for &entry in &entries {
            let path = ["resources", own, "entries", model.entries[entry].name.as_str()];
            lookups(build, &path, &[entry]);
        }
    }
}

fn lookups(build: &mut Builder, prefix: &[&str], entries: &[usize]) {
    for (key, of) in LOOKUPS {
        let path: Vec<&str> = prefix.iter().copied().chain([key]).collect();
        build.count(&path, |record| {
            entries.iter().map(|&entry| of(&record.entries[entry])).sum::<u64>() as f64
        });
    }
    let path: Vec<&str> = prefix.iter().copied().chain(["hit_ratio"]).collect();
    let hits = hit_ratio(build, entries);
    build.share(&path, &hits);
}

/// Found, of all look-ups; those that waited for another's fetch did not find it.
fn hit_ratio(build: &Builder, entries: &[usize]) -> Vec<(f64, f64)> {
    let sum = |record: &crate::measure::Record, of: fn(&EntryRecord) -> u64| -> f64 {
        entries.iter().map(|&entry| of(&record.entries[entry])).sum::<u64>() as f64
    };
    let all = |entry: &EntryRecord| entry.hits + entry.misses + entry.joined;
    build
        .records
        .iter()
        .map(|record| (sum(record, |entry| entry.hits), sum(record, all)))
        .collect()
}

fn providers(build: &mut Builder, model: &Model) {
    for (number, provider) in model.providers.iter().enumerate() {
        let own = name(model, provider.resource);
        let at = |key: &'static str| ["resources", own, key];
        let counts: [Keyed<ProviderRecord, u64>; 5] = [
            ("requests", |provider| provider.calls),
            ("attempts", |provider| provider.attempts),
            ("refused", |provider| provider.refused),
            ("retries", |provider| provider.retries),
            ("gave_up", |provider| provider.gave_up),
        ];
        for (key, of) in counts {
            build.count(&at(key), |record| of(&record.providers[number]) as f64);
        }
        if provider.breaker.is_some() {
            let breaker = |key: &'static str| ["resources", own, "breaker", key];
            build.count(&breaker("opened"), |record| {
                record.providers[number].breaker_opened as f64
            });
            build.count(&breaker("refused"), |record| {
                record.providers[number].breaker_refused as f64
            });
        }
        let amounts: [Pathed<ProviderRecord, f64>; 3] = [
            (&["tokens", "prompt"], |provider| provider.tokens_prompt),
            (&["tokens", "answer"], |provider| provider.tokens_answer),
            (&["audio_minutes"], |provider| provider.audio_minutes),
        ];
        for (keys, of) in amounts {
            let path: Vec<&str> = ["resources", own].iter().chain(keys).copied().collect();
            build.count(&path, |record| of(&record.providers[number]));
        }
        let records = build.records;
        let attempts: Vec<&Histogram> = records.iter().map(|record| &record.providers[number].attempt).collect();
        dist(build, &at("latency"), &attempts, &[]);
        let calls: Vec<&Histogram> = records.iter().map(|record| &record.providers[number].call).collect();
        dist(build, &at("call"), &calls, &[]);
        for (model_number, spec) in provider.models.iter().enumerate() {
            let path = |key: &'static str| ["resources", own, "by_model", spec.name.as_str(), key];
            build.count(&path("attempts"), |record| {
                record.providers[number].by_model[model_number].0 as f64
            });
            build.count(&path("tokens_prompt"), |record| {
                record.providers[number].by_model[model_number].1
            });
            build.count(&path("tokens_answer"), |record| {
                record.providers[number].by_model[model_number].2
            });
        }
    }
}
