//! The bundled model provider: OpenAI-compatible, as fast and as limited as the system file says.
//!
//! Owns: one provider's account ([`account`]) and the HTTP around it.
//! Never: retries, queues, breakers (those are the platform's, which calls it).
//!
//! ```text
//! let account = Account::new(host, Terms::of(&model, 0)?, seed);
//! let upstream = upstream::start(account, Settings::new(address, key)).await?;
//! upstream.address()                      // where it listens
//! upstream.stop()                         // or drop it: nothing listens any more
//! ```
//!
//! An account that is asked in process ([`provider::Provider`](crate::provider::Provider)) and one that is asked over HTTP
//! are the same code and may be the same account.

pub mod account;
mod faults;
mod multipart;
mod routes;
pub mod turn;
mod wire;
pub mod words;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

pub use account::{Account, Terms};

use self::routes::Desk;
use crate::secret::Secret;

/// How long the head of a request may take to come, and how long an idle connection stays open.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// The largest head of a request.
const HEAD_MAX: usize = 32 * 1024;

/// How the upstream listens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where. Port 0 is any that is free.
    pub address: SocketAddr,
    /// The account's API key.
    pub key: Secret,
    /// What an operator has to know to order faults; none for no faults on command.
    pub secret: Option<Secret>,
    /// Connections at once; more wait until one is closed.
    pub connections: usize,
    /// Bytes of a minute of a recording, where neither the caller nor the file says how long it is.
    pub bytes_a_minute: f64,
}

impl Settings {
    /// The usual: no faults on command, 4,096 connections, a megabyte for each minute of a recording.
    #[must_use]
    pub fn new(address: SocketAddr, key: Secret) -> Self {
        Self {
            address,
            key,
            secret: None,
            connections: 4096,
            bytes_a_minute: 1e6,
        }
    }
}

/// An upstream that listens, until it is stopped or dropped.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of its addresses: `http://127.0.0.1:8081/v1`.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Stops at once, with all that is under way.
    pub fn stop(self) {}
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // The connections are tasks of that task's set and end with it.
        self.task.abort();
    }
}

/// Listens for an account, in the runtime that this is called in.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn start(account: Account, settings: Settings) -> std::io::Result<Upstream> {
    let listener = TcpListener::bind(settings.address).await?;
    let address = listener.local_addr()?;
    let desk = Desk {
        account: account.clone(),
        key: settings.key,
        secret: settings.secret,
        bytes_a_minute: settings.bytes_a_minute.max(1.0),
        answers: AtomicU64::new(1),
    };
    let router = routes::router(Arc::new(desk));
    let task = tokio::spawn(listen(listener, settings.connections.max(1), account, router));
    Ok(Upstream { address, task })
}

/// A fault on command for an account in this process, written as in a scenario: `{"slow": {"factor": 3, "for": "5m"}}`.
///
/// # Errors
/// What is wrong with it.
pub fn order(account: &Account, fault: serde_json::Value) -> Result<(), String> {
    let fault: faults::Fault = serde_json::from_value(fault).map_err(|error| error.to_string())?;
    let (trouble, lasts) = fault.trouble()?;
    account.trouble(trouble, lasts)
}

async fn listen(listener: TcpListener, connections: usize, account: Account, router: Router) {
    let places = Arc::new(Semaphore::new(connections));
    let mut open = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(_) => {
                // Out of descriptors, most likely: those that are open have to close first.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        while open.try_join_next().is_some() {}
        let (account, router) = (account.clone(), router.clone());
        open.spawn(async move {
            serve(socket, account, router).await;
            drop(place);
        });
    }
}

/// One connection. A caller who closes it while an answer is on its way has hung up: the answer is dropped.
async fn serve(socket: TcpStream, account: Account, router: Router) {
    let _ = socket.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let (account, router) = (account.clone(), router.clone());
        async move { answer(&account, router, request).await }
    });
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

async fn answer(
    account: &Account,
    router: Router,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Body>, std::io::Error> {
    if request.uri().path().starts_with("/v1/") && account.is_down() {
        // Its port is open for the operator's sake; a provider that is down breaks the connection off.
        return Err(std::io::Error::other("the provider is down"));
    }
    let answer: Result<_, Infallible> = router.oneshot(request.map(Body::new)).await;
    answer.map_err(|never| match never {})
}
