//! What all processes share: databases, caches, model providers.
//!
//! Owns: their tables.
//! Never: how steps use them.

use highwater_models::SimSpan;
use highwater_models::file::system::{self, CacheClient, CacheDown, EntryKey, ProviderWindow, RetryAfter};
use highwater_models::file::{Jitter, Popularity, Retry};
use highwater_models::machine::breaker::BreakerConfig;
use highwater_models::machine::provider_limit::{self, ProviderLimitConfig};
use highwater_models::machine::reconnect::ReconnectKind;
use highwater_models::machine::retry::{JitterKind, RetryPolicy};
use highwater_models::machine::ttl_cache::{self, EntryRules, TtlCacheConfig};
use highwater_models::units::{show_bytes, show_number, show_usd};
use highwater_workload::{Sampler, popularity};

use super::{Compiler, limits, number};
use crate::model::{Cache, Database, Entry, ModelSpec, Provider, ResourceKind};

/// Most ranks that a popularity is worked out for: 16 bytes each.
const RANKS_MAX: u64 = 10_000_000;

impl Compiler<'_> {
    pub(super) fn servers(&mut self) {
        let system = self.system;
        for (index, (name, database)) in system.database.iter().enumerate() {
            self.database(&name.text, database);
            let kinds = database
                .query
                .iter()
                .map(|(kind, _)| (number(index), kind.text.clone()));
            self.model.query_kinds.extend(kinds);
        }
        for (name, cache) in system.cache.iter() {
            self.cache(&name.text, cache);
        }
        for (name, provider) in system.provider.iter() {
            self.provider(&name.text, provider);
        }
    }

    fn database(&mut self, name: &str, database: &system::Database) {
        let plan = database
            .plan
            .as_ref()
            .and_then(|plan| self.edition.database_plan(&plan.text));
        let cores = database
            .cores
            .or(plan.map(|plan| plan.cores.value))
            .unwrap_or(f64::INFINITY);
        let most = database.max_connections.or(plan.map(|plan| plan.max_connections.value));
        let mut words: Vec<String> = limits::cores(cores).into_iter().collect();
        if let Some(most) = most {
            words.push(limits::count(most, "connection"));
            let kept = [(database.reserved, "reserved"), (database.others, "held by others")];
            let kept = kept.into_iter().filter(|(held, _)| *held > 0);
            words.extend(kept.map(|(held, what)| format!("{} {what}", show_number(f64::from(held)))));
        }
        let resource = self.resource(name, ResourceKind::Database, words.join(", "), cores, None);
        let stage = self.stage(&format!("service.{name}"), Some(resource));
        let kept = database.reserved.saturating_add(database.others);
        self.model.databases.push(Database {
            resource,
            plan: database.plan.as_ref().map(|plan| plan.text.clone()),
            cores,
            connections: most.map_or(u32::MAX, |most| most.saturating_sub(kept)),
            kept,
            connect: Sampler::new(&database.connect),
            connect_cpu: Sampler::new(&database.connect_cpu),
            rtt: Sampler::new(&database.rtt),
            downtime: database.downtime,
            stage,
        });
    }

    fn cache(&mut self, name: &str, cache: &system::Cache) {
        let plan = cache.plan.as_ref().and_then(|plan| self.edition.cache_plan(&plan.text));
        let memory = cache.memory.map(|memory| memory.get());
        let memory = memory.or(plan.and_then(|plan| plan.memory.as_ref()).map(|memory| memory.value));
        let a_day = cache.commands_per_day;
        let a_day = a_day.or(plan
            .and_then(|plan| plan.commands_per_day.as_ref())
            .map(|most| most.value));
        let a_month = cache.commands_per_month;
        let a_month = a_month.or(plan
            .and_then(|plan| plan.commands_per_month.as_ref())
            .map(|most| most.value));
        let mut words: Vec<String> = Vec::new();
        words.extend(memory.map(|memory| show_bytes(memory as f64)));
        words.extend(a_day.map(|most| format!("{} commands a day", show_number(most as f64))));
        words.extend(a_month.map(|most| format!("{} commands a month", show_number(most as f64))));
        let resource = self.resource(name, ResourceKind::Cache, words.join(", "), f64::INFINITY, None);
        let stage = self.stage(&format!("service.{name}"), Some(resource));
        let rtt = self.site(&format!("cache.{name}/rtt"), &cache.rtt);
        let index = number(self.model.caches.len());
        self.model.caches.push(Cache {
            resource,
            commands_per_day: a_day.unwrap_or(u64::MAX),
            commands_per_month: a_month.unwrap_or(u64::MAX),
            fails_open: cache.down == CacheDown::Miss,
            client: match cache.client {
                Some(CacheClient::Ioredis5) => ReconnectKind::Ioredis5,
                Some(CacheClient::Ioredis6) => ReconnectKind::Ioredis6,
                Some(CacheClient::FailsAtOnce) => ReconnectKind::FailsAtOnce,
                None if self.package_is("ioredis", "5.") => ReconnectKind::Ioredis5,
                None => ReconnectKind::Ioredis6,
            },
            restart: cache.restart,
            stage,
            rtt,
        });
        for (entry_name, entry) in cache.entry.iter() {
            let keys = entry.keys.unwrap_or(0);
            let popularity = entry
                .popularity
                .as_ref()
                .and_then(|law| self.popularity(law, keys, &format!("{name}.{entry_name}")));
            self.model.entries.push(Entry {
                name: entry_name.text.clone(),
                cache: index,
                key: entry.key.unwrap_or(EntryKey::One),
                keys,
                popularity,
                ttl: entry.ttl,
                spread: entry.spread.get(),
                size: entry.size.get(),
                config: TtlCacheConfig {
                    rules: EntryRules {
                        renew_on_hit: entry.renew_on_hit,
                        single_flight: entry.single_flight,
                        rewrite: match entry.rewrite {
                            system::Rewrite::Restarts => ttl_cache::Rewrite::Restarts,
                            system::Rewrite::Ignored => ttl_cache::Rewrite::Ignored,
                        },
                        size: entry.size.get(),
                    },
                    memory,
                },
                warm: entry.warm,
            });
        }
    }

    /// How `count` things are drawn; `None` for all alike.
    pub(super) fn popularity(&mut self, law: &Popularity, count: u64, what: &str) -> Option<popularity::Popularity> {
        let ranks = count.min(RANKS_MAX);
        if ranks < count {
            let most = show_number(RANKS_MAX as f64);
            self.note(format!(
                "`{what}`: those beyond the {most} most popular ones never come."
            ));
        }
        match law {
            Popularity::Zipf(_) if ranks == 0 => None,
            Popularity::Zipf(exponent) => Some(popularity::Popularity::zipf(ranks as u32, *exponent)),
            Popularity::File(file) => {
                let given = file.numbers.len();
                let weights = &file.numbers[..given.min(usize::try_from(ranks).unwrap_or(given))];
                (!weights.is_empty()).then(|| popularity::Popularity::by_weight(weights))
            }
        }
    }

    fn provider(&mut self, name: &str, provider: &system::Provider) {
        let mut words: Vec<String> = Vec::new();
        let a_minute = [
            (provider.requests_per_minute, "requests"),
            (provider.tokens_per_minute, "tokens"),
        ];
        let given = a_minute
            .into_iter()
            .filter_map(|(most, what)| most.map(|most| (most, what)));
        let given: Vec<String> = given
            .map(|(most, what)| format!("{} {what}", show_number(most as f64)))
            .collect();
        if !given.is_empty() {
            words.push(format!("{} a minute", given.join(" and ")));
        }
        words.extend(
            provider
                .concurrent
                .map(|most| format!("{} at once", show_number(f64::from(most)))),
        );
        words.extend(provider.spend_limit.map(|limit| format!("{} a month", show_usd(limit))));
        let capacity = provider.concurrent.map_or(f64::INFINITY, f64::from);
        let resource = self.resource(name, ResourceKind::Provider, words.join(", "), capacity, None);
        let stage = self.stage(&format!("service.{name}"), Some(resource));
        let limit = provider_limit(
            provider,
            provider.requests_per_minute,
            provider.tokens_per_minute,
            provider.burst,
        );
        let models = provider.model.iter().map(|(name, model)| {
            let (requests, tokens) = (model.requests_per_minute, model.tokens_per_minute);
            let is_limited = requests.is_some() || tokens.is_some();
            // The account's burst is about its own limit; a model's bucket holds a minute's worth.
            let limit = is_limited.then(|| provider_limit(provider, requests, tokens, None));
            ModelSpec {
                name: name.text.clone(),
                limit,
                quality: model.quality.get(),
            }
        });
        let mut models: Vec<ModelSpec> = models.collect();
        if let Some(names) = self.models.and_then(|all| all.get(self.model.providers.len())) {
            // As the variants of the plan have them; what none of them is asked for has no limit of its own.
            let named = |name: &String| {
                let known = models.iter().find(|model| model.name == *name).cloned();
                known.unwrap_or_else(|| ModelSpec {
                    name: name.clone(),
                    limit: None,
                    quality: 1.0,
                })
            };
            models = names.iter().map(named).collect();
        }
        self.model.providers.push(Provider {
            resource,
            limit,
            concurrent: provider.concurrent.unwrap_or(u32::MAX),
            fails: provider.fails.get(),
            retry: retry_policy(&provider.retry),
            retry_budget: provider.retry_budget.map_or(f64::INFINITY, |share| share.get()),
            breaker: provider.breaker.as_ref().map(|breaker| BreakerConfig {
                failures: breaker.failures,
                window: breaker.window,
                open_for: breaker.open_for,
            }),
            timeout: provider.timeout,
            spend_limit: provider.spend_limit.map_or(f64::INFINITY, |limit| limit.dollars()),
            stage,
            models,
        });
    }
}

fn provider_limit(
    provider: &system::Provider,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    request_burst: Option<u64>,
) -> ProviderLimitConfig {
    ProviderLimitConfig {
        requests_per_minute,
        requests_per_day: None,
        tokens_per_minute,
        tokens_per_day: None,
        window: match provider.window {
            ProviderWindow::Bucket => provider_limit::ProviderWindow::Bucket,
            ProviderWindow::Fixed => provider_limit::ProviderWindow::Fixed,
        },
        request_burst,
        token_burst: None,
        enforced_over: None,
        refused_count: provider.refused_count,
        retry_after: match provider.retry_after {
            RetryAfter::None => provider_limit::RetryAfter::None,
            RetryAfter::Exact => provider_limit::RetryAfter::Exact,
            RetryAfter::WholeSeconds => provider_limit::RetryAfter::WholeSeconds,
        },
    }
}

/// When and how often something is tried again.
pub(super) fn retry_policy(retry: &Retry) -> RetryPolicy {
    let wait = retry.wait.as_ref();
    RetryPolicy {
        max: retry.max,
        base: wait.map_or(SimSpan::ZERO, |wait| wait.base),
        factor: wait.map_or(1.0, |wait| wait.factor),
        cap: wait.and_then(|wait| wait.cap).unwrap_or(SimSpan::FOREVER),
        jitter: match wait.map_or(Jitter::None, |wait| wait.jitter) {
            Jitter::None => JitterKind::None,
            Jitter::Full => JitterKind::Full,
            Jitter::Equal => JitterKind::Equal,
            Jitter::Down25 => JitterKind::Down25,
        },
        honour_retry_after: retry.honour_retry_after,
        retry_after_max: retry.retry_after_max,
    }
}
