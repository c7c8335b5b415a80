//! The product's routes: `/api/trpc/NAME`, and `/api/trpc/A,B?batch=1` for several at once.
//!
//! Owns: what a request says (method, input), which endpoint it is for, and that its work goes on without its client.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::channel::oneshot;
use futures::future::{FutureExt, join_all, pending};
use highwater_models::{Cause, SimTime};
use highwater_workload::stream::Purpose;
use serde_json::Value;

use super::Edge;
use super::answer;
use super::body::{self, Content};
use super::complaint::Complaint;
use super::connection::Peer;
use super::identity::{self, Caller};
use crate::arrival::{Answer, Arrival, Gone, Payload};

/// Parts of a batch at most: React Query's link has no bound, and nobody's page asks for more.
const PARTS: usize = 20;
/// Characters of a name or number that a client gives to something of its own.
const NAME_MAX: usize = 200;
/// The endpoint that nobody calls who cannot sign.
pub const WEBHOOK: &str = "stripe.webhook";

/// A request that is being answered. Dropped before its answer is whole, its client has gone.
pub struct Open {
    edge: Arc<Edge>,
    endpoint: u16,
    began: SimTime,
    here: Option<oneshot::Sender<()>>,
}

impl Open {
    /// The answer is whole.
    pub fn close(mut self, status: StatusCode, cause: Option<&'static str>) {
        self.here = None;
        self.count(status, cause);
    }

    fn count(&self, status: StatusCode, cause: Option<&'static str>) {
        let took = self.edge.host.now().since(self.began);
        let name = &self.edge.backend.model().endpoints[usize::from(self.endpoint)].name;
        self.edge.metrics.ended(name, status.as_u16(), cause, took);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(here) = self.here.take() {
            // Where nobody waits for it the work is done already.
            let _ = here.send(());
            self.count(
                super::complaint::status_of(Cause::ClientTimeout),
                Some(Cause::ClientTimeout.name()),
            );
        }
    }
}

/// Done when the sender says so; never when it is dropped without a word.
fn gone_when_told(told: oneshot::Receiver<()>) -> Gone {
    async move {
        if told.await.is_err() {
            pending::<()>().await;
        }
    }
    .boxed()
    .shared()
}

impl Edge {
    /// Gives a request to the platform and waits for its answer. The work is a task of its own: it outlives the client.
    ///
    /// # Errors
    /// When there are too many in hand, or the work broke down.
    pub async fn ask(
        self: &Arc<Self>,
        endpoint: u16,
        caller: Caller,
        payload: Payload,
    ) -> Result<(Answer, Open), Complaint> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.metrics.turned_away(Complaint::RequestsFull.cause());
            return Err(Complaint::RequestsFull);
        };
        let (here, told) = oneshot::channel();
        let began = self.host.now();
        let arrival = Arrival {
            endpoint,
            person: caller.person,
            draws: caller.draws.unwrap_or_else(|| self.next_draws()),
            payload,
            at: began,
            gone: gone_when_told(told),
        };
        let open = Open {
            edge: Arc::clone(self),
            endpoint,
            began,
            here: Some(here),
        };
        let work = Arc::clone(&self.backend).serve(arrival);
        let in_hand = self.metrics.request_begins();
        let task = tokio::spawn(async move {
            let answer = work.await;
            drop((in_hand, place));
            answer
        });
        match task.await {
            Ok(answer) => Ok((answer, open)),
            Err(_) => {
                open.close(Complaint::Internal.status(), Some(Complaint::Internal.cause()));
                Err(Complaint::Internal)
            }
        }
    }

    /// Draws for a request about which nobody says which.
    fn next_draws(&self) -> highwater_workload::Key {
        let number = self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.draws.purpose(Purpose::Request).child(number)
    }
}

/// The handler of everything under `/api/trpc`.
pub async fn handle(
    State(edge): State<Arc<Edge>>,
    Extension(Peer(peer)): Extension<Peer>,
    Path(names): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let caller = match identity::caller(&edge.settings.policy, edge.backend.model(), peer, &parts.headers) {
        Ok(caller) => caller,
        Err(complaint) => {
            edge.metrics.turned_away(complaint.cause());
            return complaint.into_response();
        }
    };
    match take(&edge, caller, &names, parts, body).await {
        Ok(response) => response,
        Err(complaint) => {
            edge.metrics.turned_away(complaint.cause());
            complaint.into_response()
        }
    }
}

async fn take(
    edge: &Arc<Edge>,
    caller: Caller,
    names: &str,
    parts: axum::http::request::Parts,
    body: Body,
) -> Result<Response, Complaint> {
    let is_batch = query(&parts.uri, "batch").is_some_and(|value| value == "1");
    let endpoints = endpoints(edge, &caller, names, is_batch)?;
    let is_query = |&endpoint: &u16| edge.backend.model().endpoints[usize::from(endpoint)].is_query;
    let content = match parts.method {
        Method::POST => body::read(&parts, body, &edge.settings.ceilings).await?,
        Method::GET if endpoints.iter().all(is_query) => {
            Content::Text(query(&parts.uri, "input").unwrap_or_default().into_bytes())
        }
        _ => {
            return Err(Complaint::WrongMethod {
                what: format!("`{names}`"),
            });
        }
    };
    let count = if is_batch { names.split(',').count() } else { 1 };
    let payloads = payloads(content, is_batch, count)?;
    let Some((&first, others)) = endpoints.split_first() else {
        return Err(unknown(names));
    };
    if !is_batch {
        let payload = payloads.into_iter().next().unwrap_or_default();
        let user = caller.person.user.clone();
        let (answer, open) = edge.ask(first, caller, payload).await?;
        return Ok(answer::single(edge, answer, open, user.as_deref()));
    }
    let user = caller.person.user.clone();
    if others.is_empty() && count > 1 {
        // The model has the batch as one request.
        let payload = payloads.into_iter().reduce(merged).unwrap_or_default();
        let (answer, open) = edge.ask(first, caller, payload).await?;
        return Ok(answer::batch_of_one(edge, answer, open, count, user.as_deref()).await);
    }
    let asked = endpoints
        .iter()
        .zip(payloads)
        .map(|(&endpoint, payload)| edge.ask(endpoint, caller.clone(), payload));
    let answers = join_all(asked).await;
    Ok(answer::batch(edge, answers, user.as_deref()).await)
}

/// The endpoints that a path names: one, or one that stands for the whole batch, or one for each part of it.
fn endpoints(edge: &Edge, caller: &Caller, names: &str, is_batch: bool) -> Result<Vec<u16>, Complaint> {
    let find = |name: &str| {
        // A webhook is known by its signature, on a route of its own.
        let is_open = name != WEBHOOK || caller.is_load_test;
        edge.endpoints
            .get(name)
            .copied()
            .filter(|_| is_open)
            .ok_or_else(|| unknown(name))
    };
    if !is_batch {
        return Ok(vec![find(names)?]);
    }
    if names.contains(',')
        && !names.split(',').any(|name| name == WEBHOOK)
        && let Some(&endpoint) = edge.endpoints.get(names)
    {
        return Ok(vec![endpoint]);
    }
    if names.split(',').count() > PARTS {
        return Err(Complaint::BadJson {
            why: format!("a batch has {PARTS} parts at most"),
        });
    }
    names.split(',').map(find).collect()
}

fn unknown(name: &str) -> Complaint {
    let name: String = name.chars().take(NAME_MAX).collect();
    Complaint::NotFound {
        what: format!("endpoint `{name}`"),
    }
}

/// What each part brings along.
fn payloads(content: Content, is_batch: bool, count: usize) -> Result<Vec<Payload>, Complaint> {
    let text = match content {
        Content::Upload(bytes) => {
            let payload = Payload {
                upload: bytes,
                ..Payload::default()
            };
            return Ok(vec![payload; count]);
        }
        Content::Text(text) => text,
    };
    let value: Value = match text.iter().all(u8::is_ascii_whitespace) {
        true => Value::Null,
        false => serde_json::from_slice(&text).map_err(|error| Complaint::BadJson { why: error.to_string() })?,
    };
    if !is_batch {
        return Ok(vec![payload(&value)?]);
    }
    // A batch's inputs stand by their numbers, in an object or a list.
    (0..count)
        .map(|part| {
            let input = match &value {
                Value::Array(parts) => parts.get(part),
                value => value.get(part.to_string()),
            };
            payload(input.unwrap_or(&Value::Null))
        })
        .collect()
}

/// What an input says, under the names by which pages call it; with or without the wrapping of a transformer.
fn payload(value: &Value) -> Result<Payload, Complaint> {
    let value = value.get("json").unwrap_or(value);
    if !matches!(value, Value::Null | Value::Object(_)) {
        return Err(Complaint::BadJson {
            why: "an object is expected".to_owned(),
        });
    }
    let find = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| value.get(name))
            .filter(|value| !value.is_null())
    };
    let text = |names: &[&str], most: usize| match find(names) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Complaint::BadJson {
            why: format!("`{}` is not a text of at most {most} characters", names[0]),
        }),
    };
    let subject = text(&["coachId", "coach", "subject", "id"], NAME_MAX)?;
    Ok(Payload {
        conversation: text(&["conversationId", "conversation"], NAME_MAX)?,
        message: text(&["message", "content", "text"], usize::MAX)?,
        subject: subject.map(|subject| match subject.parse() {
            Ok(number) => number,
            Err(_) => identity::number_of_name(&subject),
        }),
        event: None,
        upload: 0,
    })
}

/// Two parts of one batch as one.
fn merged(one: Payload, other: Payload) -> Payload {
    Payload {
        conversation: one.conversation.or(other.conversation),
        message: one.message.or(other.message),
        subject: one.subject.or(other.subject),
        event: one.event.or(other.event),
        upload: one.upload.max(other.upload),
    }
}

/// A value of the query, decoded.
fn query(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&');
    let mut values = pairs.filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    });
    values.next().map(decoded)
}

/// Text of a query without its escapes; what is no escape stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = || {
            let digits = bytes.get(at + 1..at + 3)?;
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()
        };
        match (byte, escaped()) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: the inputs of pages that are written as tRPC's clients write them.
    #[test]
    fn inputs_are_read_plain_wrapped_and_by_number() {
        let read = |text: &str, batch, count| payloads(Content::Text(text.as_bytes().to_vec()), batch, count);
        let plain = read(r#"{"conversationId":"c1","message":"hello","coachId":7}"#, false, 1).expect("read");
        let expected = ("c1", "hello", 7);
        let found = |payload: &Payload| {
            let text = |text: &Option<String>| text.clone().expect("text");
            (
                text(&payload.conversation),
                text(&payload.message),
                payload.subject.expect("a number"),
            )
        };
        let (conversation, message, subject) = found(&plain[0]);
        assert_eq!((conversation.as_str(), message.as_str(), subject), expected);
        let wrapped = read(
            r#"{"0":{"json":{"message":"a"}},"1":{"json":{"message":"b"}}}"#,
            true,
            2,
        )
        .expect("read");
        let messages: Vec<_> = wrapped.iter().map(|payload| payload.message.as_deref()).collect();
        assert_eq!(messages, [Some("a"), Some("b")]);
        assert_eq!(read("", false, 1).expect("nothing is fine")[0].message, None);
        for bad in ["{", "[1]", "3", r#"{"message":{}}"#] {
            assert!(read(bad, false, 1).is_err(), "{bad}");
        }
    }

    #[test]
    fn queries_are_decoded() {
        let uri: Uri = "/x?batch=1&input=%7B%22a%22%3A+%22%C3%A4%25%22%7D%2"
            .parse()
            .expect("a URI");
        assert_eq!(query(&uri, "input").as_deref(), Some("{\"a\": \"ä%\"}%2"));
        assert_eq!(query(&uri, "batch").as_deref(), Some("1"));
        assert_eq!(query(&uri, "other"), None);
    }
}
