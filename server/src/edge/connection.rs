//! Connections: how many there may be, how long each part of a request may take on them, and how they end.
//!
//! Owns: accepting, the ceiling on connections and on the time for a request's head and for taking an answer in, draining.
//! Never: what a request means.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Sleep, timeout};
use tower::ServiceExt;

use super::Edge;
use super::complaint::Complaint;

/// Heads that hyper reads at most. What is larger than the ceiling but not than this is answered in JSON; what is larger
/// still, by hyper itself and without a body.
const HEAD_BUFFER: usize = 64 * 1024;
/// Connections over the ceiling that are told so at one time; more are closed without a word.
const TELLING: usize = 64;
/// How long the telling may take.
const TELLING_TIME: Duration = Duration::from_secs(1);
/// After a connection could not be accepted, for want of file descriptors perhaps.
const BREATH: Duration = Duration::from_millis(50);

/// The socket at the other end, as handlers see it.
#[derive(Copy, Clone, Debug)]
pub struct Peer(pub SocketAddr);

/// Takes connections until told to stop, then lets those that are in the middle of a request finish it, for so long at most.
pub async fn run(edge: Arc<Edge>, router: Router, listener: TcpListener, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(edge.settings.ceilings.connections));
    let telling = Arc::new(Semaphore::new(TELLING));
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                edge.metrics.turned_away("not_accepted");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let (edge, router, stopping) = (Arc::clone(&edge), router.clone(), stopping.clone());
                connections.spawn(async move {
                    let _open = edge.metrics.connection_opens();
                    connection(&edge, router, stream, peer, stopping).await;
                    drop(place);
                });
            }
            Err(_) => {
                edge.metrics.turned_away(Complaint::ConnectionsFull.cause());
                if let Ok(place) = Arc::clone(&telling).try_acquire_owned() {
                    connections.spawn(async move {
                        // Who does not listen in time is not told.
                        let _ = timeout(TELLING_TIME, tell(stream, &Complaint::ConnectionsFull)).await;
                        drop(place);
                    });
                }
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(edge.settings.drain, all).await.is_err() {
        connections.shutdown().await;
    }
}

/// One answer to whatever is asked, and the end. What has been sent is read first as far as it is there already: closing a
/// socket with unread bytes in it would take the answer back.
async fn tell(mut stream: TcpStream, complaint: &Complaint) -> io::Result<()> {
    stream.write_all(&complaint.bytes()).await?;
    stream.shutdown().await?;
    let mut nowhere = [0; 4096];
    let mut left = HEAD_BUFFER;
    while left > 0 {
        let length = stream.read(&mut nowhere).await?;
        if length == 0 {
            break;
        }
        left = left.saturating_sub(length);
    }
    Ok(())
}

/// A connection from its first byte to its last.
async fn connection(
    edge: &Arc<Edge>,
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are small; waiting for more would only delay them. An error here shows again at the first write.
    let _ = stream.set_nodelay(true);
    let ceilings = &edge.settings.ceilings;
    let io = TokioIo::new(Patient::new(stream, ceilings.write_time));
    let of_request = Arc::clone(edge);
    let service = service_fn(move |request: Request<Incoming>| {
        let (edge, router) = (Arc::clone(&of_request), router.clone());
        Box::pin(async move { Ok::<_, Infallible>(answer(&edge, router, peer, request.map(Body::new)).await) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ceilings.header_time)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(io, service);
    let mut told = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
            _ = stopping.wait_for(|stopping| *stopping), if !told => {
                told = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let is_slow = ended.is_err_and(|error| error.is_timeout());
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner().stream;
    // A connection that waits for its next request is closed without a word, as Node does.
    if is_slow && !parts.read_buf.is_empty() {
        edge.metrics.turned_away(Complaint::HeadersTimeout.cause());
        let _ = timeout(TELLING_TIME, tell(stream, &Complaint::HeadersTimeout)).await;
    } else {
        let _ = timeout(TELLING_TIME, stream.shutdown()).await;
    }
}

/// One request, to the router; whatever goes wrong in there, its client gets an answer.
async fn answer(edge: &Edge, router: Router, peer: SocketAddr, mut request: Request) -> Response {
    let most = edge.settings.ceilings.header_bytes;
    let head: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    if head + uri > most {
        edge.metrics.turned_away(Complaint::HeadersTooLarge.cause());
        return Complaint::HeadersTooLarge.into_response();
    }
    request.extensions_mut().insert(Peer(peer));
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Err(_) => {
            edge.metrics.turned_away(Complaint::Internal.cause());
            Complaint::Internal.into_response()
        }
    }
}

/// A socket whose other end has to take in what is written within a time, or it is given up.
struct Patient {
    stream: TcpStream,
    time: Duration,
    until: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn new(stream: TcpStream, time: Duration) -> Self {
        Self {
            stream,
            time,
            until: None,
        }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let time = self.time;
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = pin!(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = pin!(&mut self.stream).poll_write_vectored(context, bytes);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = pin!(&mut self.stream).poll_flush(context);
        self.watch(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(context)
    }
}
