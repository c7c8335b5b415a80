//! The HTTP side: from sockets to [`Arrival`](crate::arrival::Arrival)s and back.
//!
//! Owns: routes, who is let in, ceilings on whatever comes from outside (connections, bytes, time, requests in hand), metrics, the
//! dashboard, the operator's orders, and the end in good order.
//! Never: what a request does.
//!
//! Whatever is refused here is refused with a name: see [`complaint::Complaint`]. Times of sockets and tokens are the wall's, times of
//! requests the system's.

pub mod admin;
pub mod answer;
pub mod body;
pub mod complaint;
mod connection;
mod dashboard;
pub mod identity;
pub mod metrics;
pub mod signature;
pub mod token;
mod trpc;
pub mod webhook;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Json, Router};
use highwater_host::SharedHost;
use highwater_models::{SimSpan, SimTime};
use highwater_workload::Key;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use self::complaint::Complaint;
use self::connection::Peer;
use self::identity::Policy;
use self::metrics::Metrics;
use crate::backend::Backend;
use crate::secret::Secret;

/// Lines of its own log that are kept.
const LINES: usize = 200;

/// What may come from outside at most. Times are the wall's.
#[derive(Clone, Debug)]
pub struct Ceilings {
    /// Open connections; one more is told so and closed.
    pub connections: usize,
    /// Requests in hand, those whose client has gone included.
    pub requests: usize,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// From the first byte of a request's head to its last, and from one request to the next.
    pub header_time: Duration,
    /// Bytes of a body of text.
    pub body: u64,
    /// From the end of the head to the end of a body of text.
    pub body_time: Duration,
    /// Bytes of a recording.
    pub upload: u64,
    /// From the end of the head to the end of a recording.
    pub upload_time: Duration,
    /// How long a client may let an answer stand without taking any of it in.
    pub write_time: Duration,
}

impl Default for Ceilings {
    /// 8,192 connections and as many requests in hand again; 16 KB of head within 15 s; 100 KB of text, as Express has it, within
    /// 15 s; 25 MB of a recording, as the provider has it, within two minutes.
    fn default() -> Self {
        Self {
            connections: 8192,
            requests: 16_384,
            header_bytes: 16 * 1024,
            header_time: Duration::from_secs(15),
            body: 100 * 1024,
            body_time: Duration::from_secs(15),
            upload: 25 * 1024 * 1024,
            upload_time: Duration::from_secs(120),
            write_time: Duration::from_secs(30),
        }
    }
}

/// What is shown of the alerts: a list of `{ "at", "text", "fires" }`.
pub type Alerts = Arc<dyn Fn() -> Value + Send + Sync>;
/// Lines of somebody else's log.
pub type Lines = Arc<dyn Fn() -> Vec<(SimTime, String)> + Send + Sync>;

/// How it is set.
#[derive(Clone)]
pub struct Settings {
    /// What the dashboard calls the system.
    pub title: String,
    /// Who is let in.
    pub policy: Policy,
    /// What an operator knows.
    pub admin: Secret,
    /// What webhooks are signed with.
    pub webhooks: Secret,
    /// How long a token is good for.
    pub token_lasts: Duration,
    /// Ceilings.
    pub ceilings: Ceilings,
    /// How long those that are in hand may take to end, once it is to stop; the wall's time.
    pub drain: Duration,
    /// Seed of the draws of requests about which nobody says which.
    pub seed: u64,
    /// Orders to the bundled provider.
    pub upstream: Option<admin::Orders>,
    /// What is shown of the alerts.
    pub alerts: Option<Alerts>,
    /// The platform's log.
    pub lines: Option<Lines>,
}

impl Settings {
    /// The usual: nobody without a token, everything signed by secrets that chance has made.
    ///
    /// # Errors
    /// When the machine has no chance to give.
    pub fn new(title: impl Into<String>) -> Result<Self, String> {
        Ok(Self {
            title: title.into(),
            policy: Policy {
                guests: false,
                load_test: false,
                trusts_forwarded: false,
                tokens: signature::random()?,
            },
            admin: signature::random()?,
            webhooks: signature::random()?,
            token_lasts: answer::TOKEN_LASTS,
            ceilings: Ceilings::default(),
            drain: Duration::from_secs(30),
            seed: 1,
            upstream: None,
            alerts: None,
            lines: None,
        })
    }
}

/// What all connections share.
pub struct Edge {
    backend: Arc<dyn Backend>,
    host: SharedHost,
    settings: Settings,
    endpoints: HashMap<String, u16>,
    draws: Key,
    /// Requests that asked for draws of their own.
    asked: AtomicU64,
    places: Arc<Semaphore>,
    metrics: Metrics,
    board: dashboard::Board,
    log: Mutex<VecDeque<(SimTime, String)>>,
    stopping: watch::Sender<bool>,
}

impl Edge {
    /// Adds a line to the log that the dashboard shows.
    pub fn log(&self, text: String) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == LINES {
            log.pop_front();
        }
        log.push_back((self.host.now(), text));
    }

    /// All lines, the oldest first.
    fn lines(&self) -> Vec<(SimTime, String)> {
        let mut lines: Vec<_> = {
            let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.iter().cloned().collect()
        };
        lines.extend(self.settings.lines.iter().flat_map(|lines| lines()));
        lines.sort_by_key(|(at, _)| *at);
        lines
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

/// A HTTP side that runs.
pub struct Running {
    edge: Arc<Edge>,
    address: SocketAddr,
    connections: JoinHandle<()>,
    looks: JoinHandle<()>,
}

/// Takes requests on a listener, for a backend.
///
/// # Errors
/// When the listener has no address.
pub fn start(
    backend: Arc<dyn Backend>,
    host: SharedHost,
    listener: TcpListener,
    settings: Settings,
) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let endpoints = backend.model().endpoints.iter().zip(0..);
    let endpoints = endpoints
        .map(|(endpoint, number)| (endpoint.name.clone(), number))
        .collect();
    let edge = Arc::new(Edge {
        metrics: Metrics::new(Arc::clone(&backend)),
        draws: Key::root(settings.seed, 0),
        places: Arc::new(Semaphore::new(settings.ceilings.requests)),
        endpoints,
        backend,
        host,
        settings,
        asked: AtomicU64::new(0),
        board: dashboard::Board::default(),
        log: Mutex::default(),
        stopping: watch::Sender::new(false),
    });
    let router = router(&edge);
    let connections = connection::run(Arc::clone(&edge), router, listener, edge.stopping.subscribe());
    let looks = dashboard::run(Arc::clone(&edge), edge.stopping.subscribe());
    Ok(Running {
        connections: tokio::spawn(connections),
        looks: tokio::spawn(looks),
        edge,
        address,
    })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What all connections share.
    #[must_use]
    pub fn edge(&self) -> &Arc<Edge> {
        &self.edge
    }

    /// Takes nothing new, lets what is in hand end, and is done when it has or its time is over.
    pub async fn stop(self) {
        let began = Instant::now();
        self.edge.stopping.send_replace(true);
        // An error here is a panic in there, which has said what it had to say.
        let _ = self.connections.await;
        let _ = self.looks.await;
        // What the connections left of the time; work whose client has gone may still be in hand.
        let left = self.edge.settings.drain.saturating_sub(began.elapsed());
        let deadline = left.as_secs_f64() * self.edge.host.scale();
        self.edge
            .backend
            .drain(SimSpan::from_nanos((deadline * 1e9) as u64))
            .await;
    }
}

fn router(edge: &Arc<Edge>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/health", get(health))
        .route("/metrics", get(metrics_text))
        .route("/dashboard", get(dashboard::page))
        .route("/dashboard/events", get(dashboard::events))
        .route("/api/trpc/{names}", any(trpc::handle))
        .route("/api/stripe/webhook", post(webhook::handle))
        .nest("/admin", admin::routes(edge))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .with_state(Arc::clone(edge))
}

/// Says what there is.
async fn home(State(edge): State<Arc<Edge>>) -> Response {
    let endpoints: Vec<&str> = edge
        .backend
        .model()
        .endpoints
        .iter()
        .map(|endpoint| endpoint.name.as_str())
        .collect();
    Json(json!({
        "title": edge.settings.title,
        "routes": ["/api/trpc/NAME", "/api/stripe/webhook", "/health", "/metrics", "/dashboard", "/admin/state"],
        "endpoints": endpoints,
        // Whoever plays a scenario against it has to run as fast.
        "scale": edge.host.scale(),
    }))
    .into_response()
}

/// Whether it takes requests.
async fn health(State(edge): State<Arc<Edge>>) -> Response {
    match *edge.stopping.borrow() {
        false => Json(json!({ "status": "ok" })).into_response(),
        true => (
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "stopping" })),
        )
            .into_response(),
    }
}

async fn metrics_text(
    State(edge): State<Arc<Edge>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if !dashboard::may_look(&edge, peer, &headers) {
        return dashboard::turned_away(&edge);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], edge.metrics.text()).into_response()
}

async fn nothing(State(edge): State<Arc<Edge>>, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(80).collect();
    let complaint = Complaint::NotFound {
        what: format!("page `{path}`"),
    };
    edge.metrics.turned_away(complaint.cause());
    complaint.into_response()
}

async fn other_method(State(edge): State<Arc<Edge>>, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(80).collect();
    let complaint = Complaint::WrongMethod {
        what: format!("`{path}`"),
    };
    edge.metrics.turned_away(complaint.cause());
    complaint.into_response()
}
