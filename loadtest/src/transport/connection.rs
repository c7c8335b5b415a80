//! Connections to the server: opened, kept for the next request, closed with what they were for.
//!
//! Owns: the bound on connections, and which of a connection's ends means what.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use highwater_models::Cause;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

use super::Lost;

/// How long connections are kept.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For a session's next requests, and closed with it, as browsers do.
    Session,
    /// For anybody's next request.
    All,
    /// One for each attempt.
    None,
}

/// Bytes of a body that are looked at; what is longer is read and thrown away.
const BODY_MAX: usize = 1 << 20;

/// An open connection. Dropped, it is closed, whatever is under way on it.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
    _place: OwnedSemaphorePermit,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What all sessions share.
pub struct Connections {
    addresses: Vec<SocketAddr>,
    keep: Keep,
    places: Arc<Semaphore>,
    shared: Arc<Idle>,
    /// Attempts that had to wait for the bound.
    pub held_up: AtomicU64,
    /// Connections opened.
    pub opened: AtomicU64,
}

/// Connections that nobody uses now, the last used last.
#[derive(Default)]
pub struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    fn list(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connections {
    /// To one of these addresses, so many at most.
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>, keep: Keep, most: usize) -> Self {
        Self {
            addresses,
            keep,
            places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            shared: Arc::default(),
            held_up: AtomicU64::new(0),
            opened: AtomicU64::new(0),
        }
    }

    /// Where a session's connections wait for its next request.
    #[must_use]
    pub fn of_session(&self) -> Arc<Idle> {
        match self.keep {
            Keep::All => Arc::clone(&self.shared),
            Keep::Session | Keep::None => Arc::default(),
        }
    }

    /// Sends a request and gives the answer's beginning. A connection that turns out to be closed before anything of an
    /// answer came is replaced by a new one, once, as browsers do.
    pub async fn send(
        &self,
        idle: &Arc<Idle>,
        request: impl Fn() -> Option<Request<Full<Bytes>>>,
    ) -> Result<(Response<Incoming>, Used), Lost> {
        let bad = Lost {
            cause: Cause::UpstreamError,
            why: "the request cannot be written",
        };
        loop {
            let kept = loop {
                let last = idle.list().pop();
                match last {
                    Some(connection) if connection.sender.is_closed() => drop(connection),
                    other => break other,
                }
            };
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.open().await?,
            };
            let request = request().ok_or_else(|| bad.clone())?;
            let ready = connection.sender.ready().await;
            let answer = match ready {
                Ok(()) => connection.sender.send_request(request).await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => {
                    let used = Used {
                        connection: Some(connection),
                        idle: (self.keep != Keep::None).then(|| Arc::clone(idle)),
                    };
                    return Ok((answer, used));
                }
                Err(error) if was_kept && (error.is_canceled() || error.is_closed()) => {}
                Err(error) => {
                    let why = if error.is_parse() {
                        "an answer that is no HTTP"
                    } else {
                        "the connection ended without an answer"
                    };
                    return Err(Lost {
                        cause: Cause::InstanceLost,
                        why,
                    });
                }
            }
        }
    }

    async fn open(&self) -> Result<Connection, Lost> {
        let lost = |why| Lost {
            cause: Cause::InstanceLost,
            why,
        };
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                self.held_up.fetch_add(1, Ordering::Relaxed);
                // One that waits for somebody else's next request makes room.
                self.shared.list().pop();
                let place = Arc::clone(&self.places).acquire_owned().await;
                place.map_err(|_| lost("the generator has ended"))?
            }
        };
        let stream = TcpStream::connect(self.addresses.as_slice()).await;
        let stream = stream.map_err(|error| match error.kind() {
            std::io::ErrorKind::ConnectionRefused => lost("the connection was refused"),
            std::io::ErrorKind::AddrNotAvailable => lost("this machine has no port left (see --connections all)"),
            _ => lost("no connection could be opened"),
        })?;
        // A request that waits for the one before it to be acknowledged would be slow by the client's own doing.
        stream.set_nodelay(true).map_err(|_| lost("the connection ended"))?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| lost("the connection ended"))?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        let driver = tokio::spawn(async move {
            // How it ended is seen by whoever waits for an answer on it.
            let _ = driver.await;
        });
        Ok(Connection {
            sender,
            driver,
            _place: place,
        })
    }
}

/// A connection on which an answer comes.
pub struct Used {
    connection: Option<Connection>,
    idle: Option<Arc<Idle>>,
}

impl Used {
    /// Reads an answer to its end, and keeps the connection for the next request. None when it broke off.
    pub async fn read(mut self, mut body: Incoming) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Some(bytes) = frame.ok()?.data_ref()
                && text.len() < BODY_MAX
            {
                text.extend_from_slice(&bytes[..bytes.len().min(BODY_MAX - text.len())]);
            }
        }
        if let (Some(connection), Some(idle)) = (self.connection.take(), &self.idle) {
            idle.list().push(connection);
        }
        Some(text)
    }
}
