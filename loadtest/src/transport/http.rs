//! Attempts as HTTP over sockets, in the form that the reference server knows.
//!
//! Owns: paths, headers and bodies. `/api/trpc/NAME` as POST with JSON, queries as GET with `input`; a batched endpoint
//! `a,b` as `/api/trpc/a,b?batch=1`; Stripe's webhook signed where its secret is known.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::{BoxFuture, FutureExt};
use highwater_models::Cause;
use highwater_program::crowd::within_stream;
use highwater_program::model::Model;
use hmac::{Hmac, Mac};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use sha2::Sha256;

use super::answer::{self, Stages};
use super::connection::{Connections, Idle};
use super::{Attempt, Exchange, Line, Lost, Rest, Transport};

/// The endpoint that has a route of its own.
const WEBHOOK: &str = "stripe.webhook";
/// What people write.
const MESSAGE: &str = "I keep putting off the one conversation that matters. Where do I begin?";

/// How a server is told who asks.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Whether the server is told the person's number and what the attempt's steps draw from.
    pub shared_luck: bool,
    /// A token by the number of the person; whoever has none comes without.
    pub tokens: HashMap<u64, Arc<str>>,
    /// Attempts of people who are signed in and have no token, where others have one.
    pub without_token: Arc<AtomicU64>,
    /// The secret of payment events.
    pub webhook_secret: Option<String>,
}

/// How each endpoint is asked.
struct Route {
    path: String,
    is_query: bool,
    is_webhook: bool,
    /// Parts of a batch; none for a plain one.
    parts: Option<usize>,
}

/// What all sessions share.
struct Shared {
    routes: Vec<Route>,
    stages: Stages,
    identity: Identity,
    host: String,
    scale: f64,
    connections: Arc<Connections>,
}

/// HTTP to one server.
pub struct Http(Arc<Shared>);

impl Http {
    /// To a server whose name is `host`, with `scale` seconds of the system in one of the wall's.
    #[must_use]
    pub fn new(model: &Model, identity: Identity, host: String, scale: f64, connections: Arc<Connections>) -> Self {
        let routes = model.endpoints.iter().map(|endpoint| {
            let is_webhook = endpoint.name == WEBHOOK && identity.webhook_secret.is_some();
            let parts = endpoint.name.contains(',').then(|| endpoint.name.split(',').count());
            let name = escaped(&endpoint.name);
            Route {
                path: match (is_webhook, parts) {
                    (true, _) => "/api/stripe/webhook".to_owned(),
                    (false, Some(_)) => format!("/api/trpc/{name}?batch=1"),
                    (false, None) => format!("/api/trpc/{name}"),
                },
                is_query: endpoint.is_query,
                is_webhook,
                parts,
            }
        });
        Self(Arc::new(Shared {
            routes: routes.collect(),
            stages: Stages::new(model),
            identity,
            host,
            scale,
            connections,
        }))
    }
}

impl Transport for Http {
    fn line(&self) -> Arc<dyn Line> {
        Arc::new(HttpLine {
            idle: self.0.connections.of_session(),
            shared: Arc::clone(&self.0),
        })
    }
}

struct HttpLine {
    shared: Arc<Shared>,
    idle: Arc<Idle>,
}

impl Line for HttpLine {
    fn send(&self, attempt: Attempt) -> BoxFuture<'static, Result<Exchange, Lost>> {
        let (shared, idle) = (Arc::clone(&self.shared), Arc::clone(&self.idle));
        async move {
            let (response, used) = shared.connections.send(&idle, || shared.request(&attempt)).await?;
            let head = answer::head(
                response.status().as_u16(),
                response.headers(),
                &shared.stages,
                shared.scale,
            );
            let is_stream = response
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
            let rest = async move {
                match used.read(response.into_body()).await {
                    Some(body) => answer::rest(is_stream, &body, &shared.stages),
                    None => Rest {
                        cause: Some(Cause::InstanceLost),
                        ..Rest::default()
                    },
                }
            };
            Ok(Exchange {
                head,
                rest: rest.boxed(),
            })
        }
        .boxed()
    }
}

impl Shared {
    fn request(&self, attempt: &Attempt) -> Option<Request<Full<Bytes>>> {
        let route = self.routes.get(usize::from(attempt.endpoint))?;
        let body = body(route, attempt);
        let is_get = route.is_query && !route.is_webhook;
        let mut request = Request::builder().header(HOST, &self.host);
        if self.identity.shared_luck {
            request = request
                .header("x-highwater-person", attempt.person)
                .header("x-highwater-ip", attempt.ip)
                .header("x-highwater-class", u64::from(attempt.class))
                .header("x-highwater-draws", format!("{:016x}", attempt.draws.number()));
            if !attempt.signed_in {
                request = request.header("x-highwater-signed-in", "no");
            }
        } else {
            // An address of a private network for each; a server that trusts its proxy counts by it.
            let [_, a, b, c] = (within_stream(attempt.ip) as u32).to_be_bytes();
            request = request.header("x-forwarded-for", format!("10.{a}.{b}.{c}"));
            let own = self.identity.tokens.get(&attempt.person);
            match attempt.memory.token.as_ref().or(own.filter(|_| attempt.signed_in)) {
                Some(token) => request = request.header(AUTHORIZATION, format!("Bearer {token}")),
                None if attempt.signed_in && !self.identity.tokens.is_empty() => {
                    self.identity.without_token.fetch_add(1, Ordering::Relaxed);
                }
                None => {}
            }
        }
        if let (true, Some(secret)) = (route.is_webhook, &self.identity.webhook_secret) {
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            request = request.header("stripe-signature", signature(secret, now, body.as_bytes())?);
        }
        if is_get {
            let mark = if route.path.contains('?') { '&' } else { '?' };
            let path = format!("{}{mark}input={}", route.path, escaped(&body));
            return request.method(Method::GET).uri(path).body(Full::default()).ok();
        }
        let request = request.method(Method::POST).uri(&route.path);
        request
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))
            .ok()
    }
}

/// What an attempt says.
fn body(route: &Route, attempt: &Attempt) -> String {
    if route.is_webhook {
        // The same event whenever it is sent again.
        let number = attempt.request.number();
        return format!(
            "{{\"id\":\"evt_{number:016x}\",\"type\":\"invoice.paid\",\"data\":{{\"object\":{{\"customer\":\"user-{}\"}}}}}}",
            attempt.person
        );
    }
    let conversation = attempt.memory.conversation.as_deref();
    let input = match conversation {
        // As the server gave it, so that only JSON's own escapes are needed.
        Some(name) => format!(
            "{{\"conversationId\":{},\"message\":\"{MESSAGE}\"}}",
            serde_json::Value::from(name)
        ),
        None => format!("{{\"message\":\"{MESSAGE}\"}}"),
    };
    match route.parts {
        None => input,
        Some(parts) => {
            let parts: Vec<String> = (0..parts).map(|part| format!("\"{part}\":{input}")).collect();
            format!("{{{}}}", parts.join(","))
        }
    }
}

/// Text in a path or a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => out.push(byte as char),
            // Writing into a string cannot fail.
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// `Stripe-Signature` as Stripe's documentation has it: HMAC-SHA256 over the time, a full stop and the body.
fn signature(secret: &str, time: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(time.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(format!("t={time},v1={hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: names with a slash or a blank would ask for something else.
    #[test]
    fn paths_are_escaped() {
        assert_eq!(escaped("aiChat.send,b c/ä"), "aiChat.send,b%20c%2F%C3%A4");
    }

    // Lost if broken: a server that checks signatures refuses every payment. The same by `openssl dgst -sha256 -hmac`.
    #[test]
    fn a_payment_is_signed() {
        let found = signature("whsec_test", 1_700_000_000, b"{}").expect("any key will do");
        assert!(found.starts_with("t=1700000000,v1=") && found.len() == "t=1700000000,v1=".len() + 64);
        assert_ne!(
            found,
            signature("whsec_test", 1_700_000_001, b"{}").expect("any key will do")
        );
    }
}
