//! The cache server that all processes share.
//!
//! Owns: what is asked of it. Whether a miss is fetched once or many times, and what its failure means, is the platform's.

mod local;
mod redis;
mod script;
pub mod temporary;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures::future::BoxFuture;
use highwater_host::SharedHost;
use highwater_models::SimSpan;
use highwater_models::machine::limiter::LimiterRule;
use highwater_models::machine::ttl_cache::Rewrite;

use local::Local;
use redis::Redis;
use temporary::OwnRedis;

/// Most bytes of entries where nothing else is said.
const MEMORY: u64 = 64 << 20;

/// The cache did not answer, or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheError(pub String);

/// How a limiter's store counted a request.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Counted {
    /// Whether it may pass.
    pub passes: bool,
    /// If not, after how long it may.
    pub retry_after: SimSpan,
}

impl std::fmt::Display for CacheError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CacheError {}

/// Which cache server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheChoice {
    /// In this process, over the host's clock.
    Local,
    /// A Redis by its address, such as `redis://127.0.0.1:6379/0`.
    Url(String),
    /// A Redis of this process's own, from the programs of this machine, gone with it.
    Temporary,
}

/// A cache server that is there.
pub struct OpenedCache {
    /// It; what was started for it ends with it.
    pub cache: Arc<dyn CacheServer>,
    /// What it is, in words for an operator.
    pub note: String,
}

/// Opens the cache server of a choice. `host` gives the time of the one in this process, and the scale that lengths of time
/// are divided by on a real one; `memory` is the most bytes of entries, the least recently used go: 64 MiB where none is said,
/// and the server's own setting where it is known by an address. To be called, and its answer used, inside of tokio's
/// runtime.
///
/// # Errors
/// When it cannot be reached or started: a sentence that says why.
pub async fn open(choice: &CacheChoice, host: SharedHost, memory: Option<u64>) -> Result<OpenedCache, CacheError> {
    let memory = memory.unwrap_or(MEMORY);
    match choice {
        CacheChoice::Local => Ok(OpenedCache {
            cache: Arc::new(Local::new(host, memory)),
            note: format!("in this process, at most {} MiB", memory >> 20),
        }),
        CacheChoice::Url(address) => reach(address, None, host).await,
        CacheChoice::Temporary => {
            let own = OwnRedis::start(memory).await?;
            let address = own.address();
            reach(&address, Some(own), host).await
        }
    }
}

async fn reach(address: &str, own: Option<OwnRedis>, host: SharedHost) -> Result<OpenedCache, CacheError> {
    let kind = if own.is_some() { "temporary " } else { "" };
    let (cache, facts) = Redis::open(address, own, host).await?;
    Ok(OpenedCache {
        cache: Arc::new(cache),
        note: format!("{kind}Redis {} at {}", facts.version, facts.place),
    })
}

/// A cache server. All lengths of time are the system's.
pub trait CacheServer: Send + Sync + 'static {
    /// The value of a key that has not expired; with `renew` its life of that length begins anew.
    fn get<'a>(&'a self, key: &'a str, renew: Option<SimSpan>) -> BoxFuture<'a, Result<Option<String>, CacheError>>;

    /// Keeps a value for so long; what becomes of one that is there and has not expired, `rewrite` says.
    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        ttl: SimSpan,
        rewrite: Rewrite,
    ) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Counts a request of `key` under the limit of that name, in one step that no other can come between. A rule that has
    /// changed holds from then on; one of the same kind goes on with what was counted.
    fn count<'a>(
        &'a self,
        limiter: &'a str,
        key: u64,
        rule: &'a LimiterRule,
    ) -> BoxFuture<'a, Result<Counted, CacheError>>;

    /// Forgets everything.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>>;
}
