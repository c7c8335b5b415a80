//! Parts for tests: a database, a cache and a provider that answer at once, with the simulator's rules and the host's clock.
//!
//! With these, and on a virtual clock, a platform is held against the simulator: all that differs is who drives the machines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt, ready};
use highwater_host::SharedHost;
use highwater_models::machine::limiter::{Limiter, LimiterRule, Verdict};
use highwater_models::machine::provider_limit::ProviderLimit;
use highwater_models::machine::spending::Spending;
use highwater_models::machine::ttl_cache::Rewrite;
use highwater_models::money::ModelUse;
use highwater_models::{SimSpan, SimTime};
use highwater_program::model::Model;
use serde_json::{Value, json};

use crate::cache::{CacheError, CacheServer, Counted};
use crate::platform::Parts;
use crate::provider::{Answering, Provider, Question, Refusal};
use crate::store::{Connection, Statement, Store, StoreError};

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Parts of a model, all of them from here.
#[must_use]
pub fn parts(model: &Arc<Model>, host: &SharedHost, seed: u64) -> Parts {
    let stores = model.databases.iter();
    let stores = stores.map(|database| MemoryStore::new(database.connections) as Arc<dyn Store>);
    let caches = model.caches.iter();
    let caches = caches.map(|_| MemoryCache::new(Arc::clone(host)) as Arc<dyn CacheServer>);
    let providers = 0..model.providers.len();
    let providers = providers.map(|number| PromptProvider::new(model, number, host) as Arc<dyn Provider>);
    Parts {
        model: Arc::clone(model),
        host: Arc::clone(host),
        stores: stores.collect(),
        caches: caches.collect(),
        providers: providers.collect(),
        seed,
    }
}

// ---- database -------------------------------------------------------------------------------------------------------

/// A database with so many connections that remembers which messages it has.
pub struct MemoryStore {
    limit: u32,
    state: Arc<Mutex<Rows>>,
}

#[derive(Default)]
struct Rows {
    open: u32,
    most: u32,
    refused: u64,
    messages: BTreeSet<String>,
    /// What ran, in order.
    statements: Vec<Statement>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new(limit: u32) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Arc::default(),
        })
    }

    /// Connections that are open, the most there ever were, and how many were refused.
    #[must_use]
    pub fn connections(&self) -> (u32, u32, u64) {
        let state = lock(&self.state);
        (state.open, state.most, state.refused)
    }

    /// The messages that were kept.
    #[must_use]
    pub fn messages(&self) -> BTreeSet<String> {
        lock(&self.state).messages.clone()
    }

    /// The statements that ran, in order.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        lock(&self.state).statements.clone()
    }
}

impl Store for MemoryStore {
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Connection>, StoreError>> {
        let mut state = lock(&self.state);
        if state.open >= self.limit {
            state.refused += 1;
            return ready(Err(StoreError::Refused)).boxed();
        }
        state.open += 1;
        state.most = state.most.max(state.open);
        let connection = MemoryConnection(Arc::clone(&self.state));
        ready(Ok(Box::new(connection) as Box<dyn Connection>)).boxed()
    }
}

struct MemoryConnection(Arc<Mutex<Rows>>);

impl Drop for MemoryConnection {
    fn drop(&mut self) {
        lock(&self.0).open -= 1;
    }
}

impl Connection for MemoryConnection {
    fn run<'a>(&'a mut self, statement: &'a Statement) -> BoxFuture<'a, Result<Value, StoreError>> {
        let mut state = lock(&self.0);
        state.statements.push(statement.clone());
        let found = match statement {
            Statement::AddMessage { message, .. } => json!({ "known": !state.messages.insert(message.clone()) }),
            Statement::User { user } => json!({ "user": user }),
            Statement::Coach { coach } => json!({ "coach": coach }),
            _ => Value::Null,
        };
        ready(Ok(found)).boxed()
    }

    fn is_closed(&self) -> bool {
        false
    }
}

// ---- cache ----------------------------------------------------------------------------------------------------------

/// A cache server in memory without a bound on it.
pub struct MemoryCache {
    host: SharedHost,
    state: Mutex<Keys>,
}

#[derive(Default)]
struct Keys {
    values: BTreeMap<String, (String, SimTime)>,
    limits: BTreeMap<String, Limiter<u64>>,
}

impl MemoryCache {
    /// An empty one.
    #[must_use]
    pub fn new(host: SharedHost) -> Arc<Self> {
        Arc::new(Self {
            host,
            state: Mutex::default(),
        })
    }
}

impl CacheServer for MemoryCache {
    fn get<'a>(&'a self, key: &'a str, renew: Option<SimSpan>) -> BoxFuture<'a, Result<Option<String>, CacheError>> {
        let now = self.host.now();
        let mut state = lock(&self.state);
        let found = state.values.get_mut(key).filter(|(_, until)| now < *until);
        let found = found.map(|(value, until)| {
            if let Some(life) = renew {
                *until = now + life;
            }
            value.clone()
        });
        ready(Ok(found)).boxed()
    }

    fn set<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
        ttl: SimSpan,
        rewrite: Rewrite,
    ) -> BoxFuture<'a, Result<(), CacheError>> {
        let now = self.host.now();
        let mut state = lock(&self.state);
        let is_there = state.values.get(key).is_some_and(|(_, until)| now < *until);
        if !is_there || rewrite == Rewrite::Restarts {
            state.values.insert(key.to_owned(), (value.to_owned(), now + ttl));
        }
        ready(Ok(())).boxed()
    }

    fn count<'a>(
        &'a self,
        limiter: &'a str,
        key: u64,
        rule: &'a LimiterRule,
    ) -> BoxFuture<'a, Result<Counted, CacheError>> {
        let now = self.host.now();
        let mut state = lock(&self.state);
        let limits = &mut state.limits;
        let machine = limits.entry(limiter.to_owned()).or_insert_with(|| Limiter::new(*rule));
        let counted = match machine.hit(now, key) {
            Verdict::Admit => Counted {
                passes: true,
                retry_after: SimSpan::ZERO,
            },
            Verdict::Refuse { retry_after } => Counted {
                passes: false,
                retry_after,
            },
        };
        ready(Ok(counted)).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), CacheError>> {
        *lock(&self.state) = Keys::default();
        ready(Ok(())).boxed()
    }
}

// ---- provider -------------------------------------------------------------------------------------------------------

/// A provider that answers at once, within its account's limits. What it has said is under way until whoever asked has
/// done with the answer.
pub struct PromptProvider {
    host: SharedHost,
    model: Arc<Model>,
    number: usize,
    state: Arc<Mutex<Account>>,
}

struct Account {
    limit: ProviderLimit,
    models: Vec<Option<ProviderLimit>>,
    in_flight: u32,
    spending: Spending,
}

/// One call under way, for as long as this lives.
struct Call(Arc<Mutex<Account>>);

impl Drop for Call {
    fn drop(&mut self) {
        lock(&self.0).in_flight -= 1;
    }
}

impl PromptProvider {
    /// The account of that number of a model's providers.
    #[must_use]
    pub fn new(model: &Arc<Model>, number: usize, host: &SharedHost) -> Arc<Self> {
        let spec = &model.providers[number];
        let models = spec.models.iter();
        let account = Account {
            limit: ProviderLimit::new(spec.limit),
            models: models.map(|model| model.limit.map(ProviderLimit::new)).collect(),
            in_flight: 0,
            spending: Spending::default(),
        };
        Arc::new(Self {
            host: Arc::clone(host),
            model: Arc::clone(model),
            number,
            state: Arc::new(Mutex::new(account)),
        })
    }

    /// What it says to a question; for a failure also for how long it is under way.
    fn answer(&self, question: &Question) -> Result<Answering, (Refusal, Option<(Call, SimTime)>)> {
        let now = self.host.now();
        let spec = &self.model.providers[self.number];
        let mut account = lock(&self.state);
        let answer = question.luck.answer;
        let tokens = if question.audio {
            0
        } else {
            question.prompt as u64 + question.answer_max.unwrap_or(answer as u64)
        };
        if spec.spend_limit.is_finite() && account.spending.has_reached(now, spec.spend_limit) {
            return Err((Refusal::Quota, None));
        }
        let model = spec.models.iter().position(|model| model.name == question.model);
        let model = model.unwrap_or(0);
        let mut limits = account.limit.request(now, tokens);
        if let (Ok(()), Some(Some(own))) = (&limits, account.models.get_mut(model)) {
            limits = own.request(now, tokens);
        }
        if let Err(refused) = limits {
            let retry_after = refused.retry_after;
            return Err((Refusal::RateLimited { retry_after }, None));
        }
        if account.in_flight >= spec.concurrent {
            return Err((Refusal::RateLimited { retry_after: None }, None));
        }
        account.in_flight += 1;
        let call = Call(Arc::clone(&self.state));
        if question.luck.chance < spec.fails {
            let each = question.luck.per_token.filter(|_| !question.stream);
            let tokens = each.map_or(0.0, |each| each.nanos() as f64 * answer);
            // A moment before whoever asked has waited for as long as that takes, whose time is not rounded.
            let nanos = question.luck.first.nanos() + tokens as u64;
            let until = now + SimSpan::from_nanos(nanos.saturating_sub(1000));
            return Err((Refusal::Failed, Some((call, until))));
        }
        let used = if question.audio {
            ModelUse {
                prompt: 0.0,
                answer: 0.0,
                minutes: question.prompt / 60.0,
            }
        } else {
            ModelUse {
                prompt: question.prompt,
                answer,
                minutes: 0.0,
            }
        };
        let dollars = self.model.money.call(self.number, model, used);
        account.spending.add(now, dollars);
        let rest = futures::stream::once(async move {
            let _under_way = call;
            Ok(String::new())
        });
        Ok(Answering {
            usage: Some((question.prompt, answer)),
            text: format!("An answer of {answer} tokens."),
            rest: Some(rest.boxed()),
        })
    }
}

impl Provider for PromptProvider {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answering, Refusal>> {
        let answer = match self.answer(question) {
            Ok(answering) => Ok(answering),
            Err((refusal, None)) => Err(refusal),
            Err((refusal, Some((call, until)))) => {
                return async move {
                    self.host.sleep_until(until).await;
                    drop(call);
                    Err(refusal)
                }
                .boxed();
            }
        };
        ready(answer).boxed()
    }
}
