//! `/dashboard`: one page, live.
//!
//! Owns: what the page is told once a second, the last ten minutes of it, and how many may look on. The page fetches nothing
//! else and runs nothing that is not in it.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use futures::stream::unfold;
use highwater_models::SimTime;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::{Semaphore, watch};

use super::Edge;
use super::admin::is_admin;
use super::answer::event;
use super::complaint::{Complaint, words};
use super::connection::Peer;
use super::identity;
use crate::backend::Backend;

/// Between two looks, of the wall's clock.
const EVERY: Duration = Duration::from_secs(1);
/// Looks that are kept: ten minutes.
const KEPT: usize = 600;
/// Open pages at most.
const VIEWERS: usize = 32;
/// Lines of the log on the page.
const LINES: usize = 60;

/// What has been seen lately, for pages that open later.
pub struct Board {
    past: Mutex<VecDeque<Value>>,
    news: watch::Sender<Arc<str>>,
    places: Arc<Semaphore>,
}

impl Default for Board {
    fn default() -> Self {
        Self {
            past: Mutex::default(),
            news: watch::Sender::new(Arc::from("")),
            places: Arc::new(Semaphore::new(VIEWERS)),
        }
    }
}

/// Looks once a second until told to stop.
pub async fn run(edge: Arc<Edge>, mut stopping: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut before = SimTime::ZERO;
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
        let now = edge.host.now();
        let look = look(&edge, before, now);
        before = now;
        let board = &edge.board;
        let text: Arc<str> = Arc::from(event("look", &look));
        {
            let mut past = board.past.lock().unwrap_or_else(PoisonError::into_inner);
            if past.len() == KEPT {
                past.pop_front();
            }
            past.push_back(look["figures"].clone());
        }
        board.news.send_replace(text);
    }
}

/// Everything that a page shows, as it is now.
fn look(edge: &Edge, before: SimTime, now: SimTime) -> Value {
    let lately = edge.metrics.take_lately();
    let seconds = now.since(before).seconds().max(1e-9);
    let levels = edge.metrics.levels();
    let quantile = |share: f64| (lately.latency.count() > 0).then(|| lately.latency.quantile(share) / 1e9);
    let causes: Vec<Value> = {
        let mut causes = lately.causes.clone();
        causes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let said = |name: &'static str| highwater_models::Cause::from_name(name).map_or(name, words);
        causes
            .iter()
            .map(|&(name, count)| json!({ "cause": name, "count": count, "words": said(name) }))
            .collect()
    };
    let lines: Vec<Value> = edge
        .lines()
        .into_iter()
        .rev()
        .take(LINES)
        .map(|(at, text)| json!({ "at": at.since(SimTime::ZERO).seconds(), "text": text }))
        .collect();
    json!({
        "figures": {
            "at": now.since(SimTime::ZERO).seconds(),
            "answered": (lately.ended - lately.failed) as f64 / seconds,
            "failed": lately.failed as f64 / seconds,
            "p50": quantile(0.5),
            "p95": quantile(0.95),
            "in_hand": levels.in_hand(),
            "connections": levels.connections(),
        },
        "causes": causes,
        "readings": readings(&*edge.backend),
        "alerts": edge.settings.alerts.as_ref().map(|alerts| alerts()),
        "log": lines,
    })
}

/// Readings by name: of all together, and of each instance. Counts are left out.
#[must_use]
pub fn readings(backend: &dyn Backend) -> Value {
    let mut all = BTreeMap::new();
    let mut instances: BTreeMap<u32, BTreeMap<String, f64>> = BTreeMap::new();
    for reading in backend.readings().into_iter().filter(|reading| !reading.is_count) {
        match reading.instance {
            None => all.insert(reading.name, reading.value),
            Some(instance) => instances
                .entry(instance)
                .or_default()
                .insert(reading.name, reading.value),
        };
    }
    json!({ "all": all, "instances": instances })
}

/// What a page is told first: what it looks at, and the past.
fn hello(edge: &Edge) -> Value {
    let model = edge.backend.model();
    let name = |resource: u16| model.resources[usize::from(resource)].name.as_str();
    let services = model.services.iter().map(|service| {
        let pools = service
            .pools
            .iter()
            .map(|&pool| name(model.pools[usize::from(pool)].resource));
        let queues = service
            .queues
            .iter()
            .map(|&queue| name(model.queues[usize::from(queue)].resource));
        json!({
            "name": service.name,
            "plan": service.plan,
            "pools": pools.collect::<Vec<_>>(),
            "queues": queues.collect::<Vec<_>>(),
            "memory": (service.memory_limit != u64::MAX).then_some(service.memory_limit),
        })
    });
    let databases = model
        .databases
        .iter()
        .map(|database| json!({ "name": name(database.resource), "connections": database.connections }));
    let past = edge.board.past.lock().unwrap_or_else(PoisonError::into_inner).clone();
    json!({
        "title": edge.settings.title,
        "scale": edge.host.scale(),
        "services": services.collect::<Vec<_>>(),
        "databases": databases.collect::<Vec<_>>(),
        "past": past,
    })
}

/// Whether somebody may look on: from this machine, or with the administrator's secret.
#[must_use]
pub fn may_look(edge: &Edge, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let address = identity::address(&edge.settings.policy, peer, headers);
    address.to_canonical().is_loopback() || is_admin(edge, headers)
}

/// Who may not: a browser asks for a name and a password.
#[must_use]
pub fn turned_away(edge: &Edge) -> Response {
    edge.metrics.turned_away(Complaint::NoSecret.cause());
    let mut response = Complaint::NoSecret.into_response();
    let ask = axum::http::HeaderValue::from_static("Basic realm=\"highwater\"");
    response.headers_mut().insert("www-authenticate", ask);
    response
}

struct Page {
    text: String,
    policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let (style, script) = (include_str!("dashboard/page.css"), include_str!("dashboard/page.js"));
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let text = include_str!("dashboard/page.html")
        .replace("/*STYLE*/", style)
        .replace("/*SCRIPT*/", script);
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(style),
        hash(script)
    );
    Page { text, policy }
});

/// The page.
pub async fn page(
    State(edge): State<Arc<Edge>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if !may_look(&edge, peer, &headers) {
        return turned_away(&edge);
    }
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, PAGE.policy.as_str()),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, PAGE.text.as_str()).into_response()
}

/// What the page listens to.
pub async fn events(
    State(edge): State<Arc<Edge>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    if !may_look(&edge, peer, &headers) {
        return turned_away(&edge);
    }
    let Ok(place) = Arc::clone(&edge.board.places).try_acquire_owned() else {
        edge.metrics.turned_away(Complaint::ViewersFull.cause());
        return Complaint::ViewersFull.into_response();
    };
    let first = event("hello", &hello(&edge));
    let news = edge.board.news.subscribe();
    // A page that opens shows what was seen last at once.
    let first = first + &edge.board.news.borrow();
    let stopping = edge.stopping.subscribe();
    let rest = unfold((news, stopping, place), |(mut news, mut stopping, place)| async move {
        tokio::select! {
            changed = news.changed() => changed.ok()?,
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        }
        let text = news.borrow_and_update().to_string();
        Some((text, (news, stopping, place)))
    });
    let stream = futures::stream::once(async { first })
        .chain(rest)
        .map(Ok::<_, Infallible>);
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(stream)).into_response()
}
