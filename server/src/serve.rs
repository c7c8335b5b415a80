//! The whole server from its parts: clock, database, cache, model provider, platform, HTTP side.
//!
//! Owns: which part is real and which emulated, and the order in which they come up and go down.
//! Never: what any of them does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use highwater_host::{SharedHost, WallHost};
use highwater_models::SimTime;
use highwater_models::file::Plan;
use highwater_program::compile::compile;
use highwater_program::model::Model;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::backend::Backend;
use crate::cache::{self, CacheChoice, CacheServer};
use crate::edge::{self, admin};
use crate::monitoring::{self, Monitoring, Senders, advice};
use crate::platform::{Parts, Platform};
use crate::provider::Provider;
use crate::provider::http::{HttpProvider, HttpSettings};
use crate::secret::Secret;
use crate::store::{self, Seats, Store, StoreChoice};
use crate::upstream::account::Account;
use crate::upstream::{self, Terms, Upstream};

/// Which model provider.
#[derive(Clone, Debug)]
pub enum UpstreamChoice {
    /// The bundled one, as fast and as limited as the system says.
    Bundled,
    /// One by the base of its addresses, such as `https://api.openai.com/v1`.
    Url {
        /// The base.
        base: String,
        /// The key of the account.
        key: Secret,
    },
}

/// What a server is made of.
#[derive(Clone)]
pub struct Options {
    /// Where it listens; port 0 for any that is free.
    pub address: SocketAddr,
    /// How many seconds of the system pass in one of the wall's.
    pub scale: f64,
    /// Root seed of whatever is drawn here; the plan's where none is said.
    pub seed: Option<u64>,
    /// The database.
    pub store: StoreChoice,
    /// The cache server.
    pub cache: CacheChoice,
    /// The model provider.
    pub upstream: UpstreamChoice,
    /// Where the channels of the system's monitoring lead; those that are not there are only logged.
    pub senders: Senders,
    /// The HTTP side.
    pub edge: edge::Settings,
}

impl Options {
    /// The usual, on a free port of this machine: all embedded and bundled, as fast as the wall's clock.
    ///
    /// # Errors
    /// When the machine has no chance to make secrets of.
    pub fn new(title: impl Into<String>) -> Result<Self, String> {
        Ok(Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            scale: 1.0,
            seed: None,
            store: StoreChoice::Embedded { file: None::<PathBuf> },
            cache: CacheChoice::Local,
            upstream: UpstreamChoice::Bundled,
            senders: Senders::new(),
            edge: edge::Settings::new(title)?,
        })
    }
}

/// A server that runs.
pub struct Server {
    http: edge::Running,
    platform: Arc<Platform>,
    /// Listening, for whoever wants to ask the bundled providers from outside.
    upstreams: Vec<Upstream>,
    notes: Vec<String>,
}

/// Starts everything, within tokio's runtime.
///
/// # Errors
/// A sentence that says which part did not come up, and why.
pub async fn start(plan: &Plan, options: Options) -> Result<Server, String> {
    let model = Arc::new(compile(plan));
    let host: SharedHost =
        WallHost::new(options.scale).map_err(|error| format!("could not start the clock: {error}"))?;
    let seed = options.seed.unwrap_or(plan.scenario.seed);
    // The address first: it is what is most often taken.
    let listener = TcpListener::bind(options.address)
        .await
        .map_err(|error| format!("could not listen on {}: {error}", options.address))?;
    let mut notes = Vec::new();
    let stores = stores(&model, &options.store, &mut notes).await?;
    let caches = caches(&model, &options.cache, &host, &mut notes).await?;
    let Providers {
        providers,
        accounts,
        upstreams,
    } = providers(&model, &options, &host, seed, &mut notes).await?;
    let platform = Platform::new(Parts {
        model: Arc::clone(&model),
        host: Arc::clone(&host),
        stores,
        caches,
        providers,
        seed,
    });
    let mut settings = options.edge;
    settings.seed = seed;
    let of_lines = Arc::downgrade(&platform);
    settings.lines = Some(Arc::new(move || {
        let lines = of_lines.upgrade().map(|platform| platform.lines()).unwrap_or_default();
        lines
            .into_iter()
            .map(|line| (line.at, format!("{}: {}", line.subject, line.text)))
            .collect()
    }));
    if !accounts.is_empty() {
        settings.upstream = Some(orders(accounts));
    }
    // What the page shows of the rules is known once there is a log that they can write to.
    let monitoring = Arc::new(OnceLock::new());
    if model.monitoring.is_some() {
        let of_page = Arc::clone(&monitoring);
        settings.alerts = Some(Arc::new(move || alerts(of_page.get())));
    }
    let http = edge::start(platform.clone(), Arc::clone(&host), listener, settings)
        .map_err(|error| format!("could not take requests: {error}"))?;
    let log = Arc::downgrade(http.edge());
    let log: monitoring::Log = Arc::new(move |line| {
        if let Some(edge) = log.upgrade() {
            edge.log(line);
        }
    });
    if let Some(started) = monitoring::start(host, platform.clone(), options.senders, log) {
        // It is set once, here.
        let _ = monitoring.set(started);
    }
    Ok(Server {
        http,
        platform,
        upstreams,
        notes,
    })
}

/// The rules whose bound is passed, those that fire first.
fn alerts(monitoring: Option<&Monitoring>) -> Value {
    let rules = monitoring
        .map(|monitoring| monitoring.status().rules)
        .unwrap_or_default();
    let mut passed: Vec<_> = rules
        .into_iter()
        .filter(|rule| rule.is_firing || rule.since.is_some())
        .collect();
    passed.sort_by_key(|rule| !rule.is_firing);
    let shown = passed.into_iter().map(|rule| {
        let reading = advice::reading(&rule.watch);
        let side = if rule.is_above { "above" } else { "below" };
        let (now, bound) = (
            advice::figure(reading, rule.reading),
            advice::figure(reading, rule.threshold),
        );
        json!({
            "at": rule.since.map(|since| since.since(SimTime::ZERO).seconds()),
            "fires": rule.is_firing,
            "text": format!("{}: {} is {now}, {side} {bound}", rule.name, rule.watch),
        })
    });
    shown.collect()
}

async fn stores(model: &Model, choice: &StoreChoice, notes: &mut Vec<String>) -> Result<Vec<Arc<dyn Store>>, String> {
    let mut stores = Vec::with_capacity(model.databases.len());
    for database in &model.databases {
        let name = &model.resources[usize::from(database.resource)].name;
        let opened = store::open(choice, Seats::of(database)).await;
        let opened = opened.map_err(|error| format!("could not open the database `{name}`: {error}"))?;
        notes.push(format!("database `{name}`: {}", opened.note));
        stores.push(opened.store);
    }
    Ok(stores)
}

async fn caches(
    model: &Model,
    choice: &CacheChoice,
    host: &SharedHost,
    notes: &mut Vec<String>,
) -> Result<Vec<Arc<dyn CacheServer>>, String> {
    let mut caches = Vec::with_capacity(model.caches.len());
    for spec in &model.caches {
        let name = &model.resources[usize::from(spec.resource)].name;
        let opened = cache::open(choice, Arc::clone(host), None).await;
        let opened = opened.map_err(|error| format!("could not open the cache `{name}`: {error}"))?;
        notes.push(format!("cache `{name}`: {}", opened.note));
        caches.push(opened.cache);
    }
    Ok(caches)
}

/// Providers as the platform asks them; of those that are bundled the accounts by name, and where they listen.
#[derive(Default)]
struct Providers {
    providers: Vec<Arc<dyn Provider>>,
    accounts: Vec<(String, Account)>,
    upstreams: Vec<Upstream>,
}

async fn providers(
    model: &Model,
    options: &Options,
    host: &SharedHost,
    seed: u64,
    notes: &mut Vec<String>,
) -> Result<Providers, String> {
    let mut found = Providers::default();
    for (number, spec) in model.providers.iter().enumerate() {
        let name = model.resources[usize::from(spec.resource)].name.clone();
        let settings = match &options.upstream {
            UpstreamChoice::Bundled => {
                let terms = Terms::of(model, number).ok_or_else(|| format!("there is no provider {number}"))?;
                let account = Account::new(Arc::clone(host), terms, seed.wrapping_add(number as u64));
                let key = edge::signature::random()?;
                let address = SocketAddr::from(([127, 0, 0, 1], 0));
                let mut settings = upstream::Settings::new(address, key.clone());
                settings.secret = Some(options.edge.admin.clone());
                let upstream = upstream::start(account.clone(), settings)
                    .await
                    .map_err(|error| format!("could not start the model provider `{name}`: {error}"))?;
                notes.push(format!(
                    "model provider `{name}`: the bundled one at {}, over HTTP, with the speed and limits of the system file",
                    upstream.base()
                ));
                let base = upstream.base();
                found.accounts.push((name.clone(), account));
                found.upstreams.push(upstream);
                HttpSettings {
                    base,
                    key: Some(key),
                    bundled: true,
                }
            }
            UpstreamChoice::Url { base, key } => {
                notes.push(format!("model provider `{name}`: {base}, which may cost money"));
                HttpSettings {
                    base: base.clone(),
                    key: Some(key.clone()),
                    bundled: false,
                }
            }
        };
        let provider = HttpProvider::new(&settings).map_err(|error| format!("model provider `{name}`: {error}"))?;
        found.providers.push(Arc::new(provider));
    }
    Ok(found)
}

/// Faults of the bundled providers on command: `{ "provider": NAME, "slow": { "factor": 3, "for": "5m" } }`, and so `errors`,
/// `down`; `{ "end": true }` ends them all. Without a name it is all of them.
fn orders(accounts: Vec<(String, Account)>) -> admin::Orders {
    Arc::new(move |order: Value| {
        let done = obey(&accounts, order);
        Box::pin(std::future::ready(done))
    })
}

fn obey(accounts: &[(String, Account)], mut order: Value) -> Result<Value, String> {
    let Some(fields) = order.as_object_mut() else {
        return Err("an object is expected".to_owned());
    };
    let wanted = fields.remove("provider");
    let wanted = wanted.as_ref().and_then(Value::as_str);
    let meant = accounts
        .iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
    let meant: Vec<_> = meant.collect();
    if meant.is_empty() {
        return Err(format!("there is no provider `{}`", wanted.unwrap_or_default()));
    }
    let ends = fields.remove("end") == Some(Value::Bool(true));
    for (_, account) in &meant {
        if ends {
            account.end_troubles();
        }
        if !fields.is_empty() || !ends {
            upstream::order(account, Value::Object(fields.clone()))?;
        }
    }
    let names: Vec<&str> = meant.iter().map(|(name, _)| name.as_str()).collect();
    Ok(json!({ "done": "upstream", "providers": names }))
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.http.address()
    }

    /// What each part is, in words for an operator.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Where the bundled providers listen.
    #[must_use]
    pub fn upstreams(&self) -> Vec<String> {
        self.upstreams.iter().map(Upstream::base).collect()
    }

    /// The platform inside.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// Requests in hand.
    #[must_use]
    pub fn in_hand(&self) -> u64 {
        self.http.edge().metrics().levels().in_hand()
    }

    /// Whether the system has an endpoint of that name.
    #[must_use]
    pub fn has_endpoint(&self, name: &str) -> bool {
        self.platform
            .model()
            .endpoints
            .iter()
            .any(|endpoint| endpoint.name == name)
    }

    /// The HTTP side.
    #[must_use]
    pub fn http(&self) -> &edge::Running {
        &self.http
    }

    /// Takes nothing new, lets what is in hand end within its deadline, and lets go of everything.
    pub async fn stop(self) {
        self.http.stop().await;
    }
}
