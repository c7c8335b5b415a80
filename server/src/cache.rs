//! The cache server that all processes share.
//!
//! Owns: what is asked of it. Whether a miss is fetched once or many times, and what its failure means, is the platform's.

use futures::future::BoxFuture;
use highwater_models::SimSpan;
use highwater_models::machine::limiter::LimiterRule;

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

/// A cache server. All lengths of time are the system's.
pub trait CacheServer: Send + Sync + 'static {
    /// The value of a key that has not expired.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, CacheError>>;

    /// Keeps a value for so long.
    fn set<'a>(&'a self, key: &'a str, value: &'a str, ttl: SimSpan) -> BoxFuture<'a, Result<(), CacheError>>;

    /// Counts a request under a limit, in one step that no other can come between.
    fn count<'a>(&'a self, key: &'a str, rule: &'a LimiterRule) -> BoxFuture<'a, Result<Counted, CacheError>>;

    /// Forgets everything.
    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>>;
}
