//! Redis, by its address.
//!
//! Owns: the one connection that all commands share, as ioredis does it, and its coming back. Lengths of time are divided by
//! the host's scale.
//! Never: waiting for a server that is away. A command that finds it away fails, and how long a client would have waited is a
//! machine of the platform.

use std::time::Duration;

use futures::future::BoxFuture;
use highwater_host::SharedHost;
use highwater_models::SimSpan;
use highwater_models::machine::limiter::LimiterRule;
use highwater_models::machine::ttl_cache::Rewrite;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, Cmd, FromRedisValue, RedisError};

use super::script::{self, Scripts};
use super::temporary::OwnRedis;
use super::{CacheError, CacheServer, Counted};

/// What all our keys begin with, so that only they are cleared.
const PREFIX: &str = "highwater:";
/// How long an attempt to connect lasts: ioredis's `connectTimeout`.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a reply may take. ioredis would wait for ever; nothing here should.
const REPLY: Duration = Duration::from_secs(10);
/// Keys that are looked at in one step when all are cleared.
const STEP: usize = 1_000;
/// Questions that are asked to know how far apart the clocks are; the quickest answer tells best.
const CLOCK_QUESTIONS: usize = 5;

/// A Redis server.
pub(super) struct Redis {
    manager: ConnectionManager,
    host: SharedHost,
    scripts: Scripts,
    /// By how many of the wall's microseconds the system's clock is ahead of the server's.
    offset: i64,
    /// The server itself, where it was started for us.
    own: Option<OwnRedis>,
}

/// What a server says of itself.
pub(super) struct Facts {
    pub version: String,
    pub place: String,
}

impl Redis {
    /// Reaches a server.
    ///
    /// # Errors
    /// When the address cannot be read or the server not be reached.
    pub(super) async fn open(
        address: &str,
        own: Option<OwnRedis>,
        host: SharedHost,
    ) -> Result<(Self, Facts), CacheError> {
        let client = Client::open(address).map_err(|error| error_of(&error))?;
        let place = client.get_connection_info().addr().to_string();
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(REPLY))
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(100));
        let manager = ConnectionManager::new_with_config(client, config).await;
        let manager = manager.map_err(|error| CacheError(format!("{place}: {error}")))?;
        let mut cache = Self {
            manager,
            host,
            scripts: Scripts::new(),
            offset: 0,
            own,
        };
        let about: String = cache.ask(redis::cmd("INFO").arg("server")).await?;
        let version = about.lines().find_map(|line| line.strip_prefix("redis_version:"));
        let version = version.unwrap_or("of an unknown version").trim().to_owned();
        cache.offset = cache.compare_clocks().await?;
        Ok((cache, Facts { version, place }))
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, CacheError> {
        let mut manager = self.manager.clone();
        command
            .query_async(&mut manager)
            .await
            .map_err(|error| error_of(&error))
    }

    async fn compare_clocks(&self) -> Result<i64, CacheError> {
        let now = || (self.host.now().nanos() as f64 / 1e3 / self.host.scale()) as i64;
        let mut best = (i64::MAX, 0);
        for _ in 0..CLOCK_QUESTIONS {
            let before = now();
            let (seconds, micros): (i64, i64) = self.ask(&redis::cmd("TIME")).await?;
            let after = now();
            let server = seconds.saturating_mul(1_000_000).saturating_add(micros);
            best = best.min((after - before, before + (after - before) / 2 - server));
        }
        Ok(best.1)
    }

    /// Counts a hit, and says at what time of the server's, in microseconds, it was.
    pub(super) async fn count_at(
        &self,
        limiter: &str,
        key: u64,
        rule: &LimiterRule,
    ) -> Result<(Counted, i64), CacheError> {
        let Some(hit) = self.scripts.hit(rule, self.host.scale(), self.offset) else {
            let never = Counted {
                passes: false,
                retry_after: SimSpan::FOREVER,
            };
            return Ok((never, 0));
        };
        let key = format!("{PREFIX}limit:{}:{limiter}:{key}", hit.kind);
        let mut invocation = hit.script.key(key);
        for argument in hit.arguments {
            invocation.arg(argument);
        }
        let mut manager = self.manager.clone();
        let answer = invocation.invoke_async::<(i64, i64, i64)>(&mut manager).await;
        let (passes, wait, at) = answer.map_err(|error| error_of(&error))?;
        let in_system = |micros: f64| SimSpan::from_seconds(micros * self.host.scale() / 1e6);
        let counted = Counted {
            passes: passes == 1,
            retry_after: script::wait(wait).map_or(SimSpan::FOREVER, in_system),
        };
        Ok((counted, at))
    }

    /// The server's own, where it was started for us.
    #[cfg(test)]
    pub(super) fn own(&mut self) -> Option<&mut OwnRedis> {
        self.own.as_mut()
    }

    /// By how much the system's clock is ahead.
    #[cfg(test)]
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    /// A length of time as Redis counts it: whole milliseconds of the wall's, at least one; none for one without an end.
    fn millis(&self, span: SimSpan) -> Option<u64> {
        let millis = span.nanos() as f64 / 1e6 / self.host.scale();
        // What is longer than a thousand years has no end.
        (span != SimSpan::FOREVER && millis < 3e13).then_some(millis.round().max(1.0) as u64)
    }
}

impl CacheServer for Redis {
    fn get<'a>(&'a self, key: &'a str, renew: Option<SimSpan>) -> BoxFuture<'a, Result<Option<String>, CacheError>> {
        Box::pin(async move {
            let key = format!("{PREFIX}{key}");
            let command = match renew.map(|life| self.millis(life)) {
                None => redis::cmd("GET").arg(key).to_owned(),
                Some(None) => redis::cmd("GETEX").arg(key).arg("PERSIST").to_owned(),
                Some(Some(millis)) => redis::cmd("GETEX").arg(key).arg("PX").arg(millis).to_owned(),
            };
            self.ask(&command).await
        })
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        ttl: SimSpan,
        rewrite: Rewrite,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        Box::pin(async move {
            let key = format!("{PREFIX}{key}");
            if ttl == SimSpan::ZERO {
                // Its life is over as it begins, and Redis does not take such.
                return match rewrite {
                    Rewrite::Restarts => self.ask(redis::cmd("DEL").arg(key)).await,
                    Rewrite::Ignored => Ok(()),
                };
            }
            let mut command = redis::cmd("SET");
            command.arg(key).arg(value);
            if let Some(millis) = self.millis(ttl) {
                command.arg("PX").arg(millis);
            }
            if rewrite == Rewrite::Ignored {
                command.arg("NX");
            }
            // Nothing comes back where the key was there already.
            self.ask::<Option<String>>(&command).await.map(|_| ())
        })
    }

    fn count<'a>(
        &'a self,
        limiter: &'a str,
        key: u64,
        rule: &'a LimiterRule,
    ) -> BoxFuture<'a, Result<Counted, CacheError>> {
        Box::pin(async move { Ok(self.count_at(limiter, key, rule).await?.0) })
    }

    /// All of ours: on a server of our own in one step, on any other key by key, for the rest is somebody else's.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        Box::pin(async move {
            if self.own.is_some() {
                return self.ask(&redis::cmd("FLUSHALL")).await;
            }
            let mut cursor = "0".to_owned();
            loop {
                let mut scan = redis::cmd("SCAN");
                scan.arg(&cursor)
                    .arg("MATCH")
                    .arg(format!("{PREFIX}*"))
                    .arg("COUNT")
                    .arg(STEP);
                let (next, keys): (String, Vec<String>) = self.ask(&scan).await?;
                if !keys.is_empty() {
                    self.ask::<()>(redis::cmd("UNLINK").arg(keys)).await?;
                }
                if next == "0" {
                    return Ok(());
                }
                cursor = next;
            }
        })
    }
}

fn error_of(error: &RedisError) -> CacheError {
    CacheError(error.to_string())
}
