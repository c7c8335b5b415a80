//! From what the platform says to an HTTP answer.
//!
//! Owns: status, headers and shape of answers to the product's requests, whole, streamed or several in one.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use futures::channel::mpsc::UnboundedReceiver;
use futures::stream::unfold;
use highwater_models::{Cause, SimSpan};
use highwater_program::model::{Model, Stage};
use serde_json::{Value, json};

use super::Edge;
use super::complaint::{self, CAUSE, Complaint};
use super::token::{self, Claims};
use super::trpc::Open;
use crate::arrival::{Answer, Piece};

/// Where the time went: a name of [`Model::stages`] and milliseconds of the system's time for each stage.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// Which instance and process ran it.
const INSTANCE: HeaderName = HeaderName::from_static("x-highwater-instance");
/// After how many milliseconds of the system's time to come back; `retry-after` has whole seconds of the wall's.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("x-highwater-retry-after-ms");
/// What a whole answer says of its cause.
const NO_CAUSE: &str = "none";

/// The answer to one request.
#[must_use]
pub fn single(edge: &Arc<Edge>, mut answer: Answer, open: Open, user: Option<&str>) -> Response {
    let headers = headers(edge, &answer);
    if let Some(cause) = answer.cause {
        let status = complaint::status_of(cause);
        open.close(status, Some(cause.name()));
        return (status, headers, Json(error(cause, &answer.body))).into_response();
    }
    sign_in(edge, &mut answer, user);
    match answer.pieces.take() {
        Some(pieces) => streamed(edge, answer.body, pieces, headers, open),
        None => {
            open.close(StatusCode::OK, None);
            (
                StatusCode::OK,
                headers,
                Json(json!({ "result": { "data": answer.body } })),
            )
                .into_response()
        }
    }
}

/// The answer to a batch that the model has as one request: each part gets its piece of it, or all of it.
pub async fn batch_of_one(
    edge: &Arc<Edge>,
    mut answer: Answer,
    open: Open,
    count: usize,
    user: Option<&str>,
) -> Response {
    let whole = gathered(&mut answer).await;
    let headers = headers(edge, &answer);
    if let Some(cause) = answer.cause {
        let status = complaint::status_of(cause);
        open.close(status, Some(cause.name()));
        let parts = vec![error(cause, &answer.body); count];
        return (status, headers, Json(parts)).into_response();
    }
    answer.body = whole;
    sign_in(edge, &mut answer, user);
    open.close(StatusCode::OK, None);
    let part = |number: usize| match &answer.body {
        Value::Array(parts) if parts.len() == count => parts[number].clone(),
        body => body.clone(),
    };
    let parts: Vec<Value> = (0..count)
        .map(|number| json!({ "result": { "data": part(number) } }))
        .collect();
    (StatusCode::OK, headers, Json(parts)).into_response()
}

/// The answers to the parts of a batch. The status is that of all of them, or 207 where they differ.
pub async fn batch(edge: &Arc<Edge>, answers: Vec<Result<(Answer, Open), Complaint>>, user: Option<&str>) -> Response {
    let mut parts = Vec::with_capacity(answers.len());
    let mut statuses = Vec::with_capacity(answers.len());
    let mut first_headers = None;
    for answer in answers {
        let (mut answer, open) = match answer {
            Ok(answer) => answer,
            Err(complaint) => {
                statuses.push(complaint.status());
                parts.push(complaint.error());
                continue;
            }
        };
        let whole = gathered(&mut answer).await;
        let of_part = headers(edge, &answer);
        // The first failure speaks for the batch, and else the first part.
        if first_headers.is_none() || answer.cause.is_some() && statuses.iter().all(StatusCode::is_success) {
            first_headers = Some(of_part);
        }
        let status = answer.cause.map_or(StatusCode::OK, complaint::status_of);
        open.close(status, answer.cause.map(Cause::name));
        statuses.push(status);
        parts.push(match answer.cause {
            Some(cause) => error(cause, &answer.body),
            None => {
                answer.body = whole;
                sign_in(edge, &mut answer, user);
                json!({ "result": { "data": answer.body } })
            }
        });
    }
    let first = statuses.first().copied().unwrap_or(StatusCode::OK);
    let status = match statuses.iter().all(|status| *status == first) {
        true => first,
        false => StatusCode::MULTI_STATUS,
    };
    (status, first_headers.unwrap_or_default(), Json(parts)).into_response()
}

/// The body with all pieces of it put in; a piece that says it broke makes the answer a failure.
async fn gathered(answer: &mut Answer) -> Value {
    let Some(mut pieces) = answer.pieces.take() else {
        return answer.body.clone();
    };
    let mut text = String::new();
    while let Some(piece) = pieces.next().await {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Broken(cause) => answer.cause = Some(cause),
            Piece::Whole(stages) => answer.stages = stages,
        }
    }
    let mut body = answer.body.clone();
    match &mut body {
        Value::Object(fields) => {
            fields.insert("text".to_owned(), Value::String(text));
        }
        body => *body = json!({ "text": text }),
    }
    body
}

/// What went wrong, in the platform's words where it has any.
fn error(cause: Cause, body: &Value) -> Value {
    let said = body.as_str().or_else(|| body.get("message").and_then(Value::as_str));
    complaint::error(
        complaint::status_of(cause),
        cause.name(),
        said.unwrap_or_else(|| complaint::words(cause)),
    )
}

/// A session that is signed in from now on gets a token: its user's, anew, or that of a guest with a name of its own.
fn sign_in(edge: &Edge, answer: &mut Answer, user: Option<&str>) {
    if !answer.signs_in {
        return;
    }
    let model = edge.backend.model();
    let sub = match user {
        Some(user) => user.to_owned(),
        None => format!(
            "guest-{}",
            edge.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
        ),
    };
    let class = usize::from(super::identity::commonest_class(model));
    let claims = Claims {
        sub,
        class: model.classes.get(class).cloned().unwrap_or_default(),
        exp: token::now() + edge.settings.token_lasts.as_secs(),
    };
    let token = Value::String(token::issue(&edge.settings.policy.tokens, &claims));
    match &mut answer.body {
        Value::Object(fields) => {
            fields.insert("token".to_owned(), token);
        }
        body => *body = json!({ "token": token, "value": body.take() }),
    }
}

/// The headers of an answer of the platform's.
fn headers(edge: &Edge, answer: &Answer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    put(
        HeaderName::from_static(CAUSE),
        answer.cause.map_or(NO_CAUSE, Cause::name),
    );
    put(SERVER_TIMING, &server_timing(edge.backend.model(), &answer.stages));
    if let Some((instance, process)) = answer.place {
        put(INSTANCE, &format!("{instance}.{process}"));
    }
    let status = answer.cause.map(complaint::status_of);
    let busy = matches!(
        status,
        Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    );
    if let Some(span) = answer
        .retry_after
        .or(busy.then_some(SimSpan::from_nanos(1_000_000_000)))
    {
        let wall = (span.seconds() / edge.host.scale()).ceil().max(1.0);
        put(RETRY_AFTER, &format!("{}", wall as u64));
        put(RETRY_AFTER_MS, &format!("{:.3}", span.seconds() * 1e3));
    }
    headers
}

/// Stages as `Server-Timing` has them: a token for a name, which ours are once what is no letter, digit, dot or dash is a
/// dash; with the name itself beside it where they differ.
#[must_use]
pub fn server_timing(model: &Model, stages: &[(Stage, SimSpan)]) -> String {
    let mut text = String::new();
    for &(stage, span) in stages {
        let Some(name) = model.stages.get(usize::from(stage)) else {
            continue;
        };
        let token: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing into a string cannot fail.
        let _ = write!(text, "{token};dur={:.6}", span.nanos() as f64 / 1e6);
        if token != *name && name.is_ascii() && !name.contains(['"', '\\']) {
            let _ = write!(text, ";desc=\"{name}\"");
        }
    }
    text
}

/// Server-sent events: `start` with the head, `text` for each piece, then `end` with where the time went, or `error`.
fn streamed(
    edge: &Arc<Edge>,
    head: Value,
    pieces: UnboundedReceiver<Piece>,
    mut headers: HeaderMap,
    open: Open,
) -> Response {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let start = event("start", &json!({ "result": { "data": head } }));
    let state = (pieces, Some(open), Arc::clone(edge));
    let rest = unfold(state, |(mut pieces, open, edge)| async move {
        // Whoever has said how it ended says no more.
        let open = open?;
        let (text, open) = match pieces.next().await {
            Some(Piece::Text(text)) => (event("text", &json!({ "text": text })), Some(open)),
            Some(Piece::Whole(stages)) => {
                open.close(StatusCode::OK, None);
                let timing = server_timing(edge.backend.model(), &stages);
                (event("end", &json!({ "serverTiming": timing })), None)
            }
            Some(Piece::Broken(cause)) => {
                open.close(StatusCode::OK, Some(cause.name()));
                (event("error", &error(cause, &Value::Null)), None)
            }
            None => {
                let cause = Cause::InstanceLost;
                open.close(StatusCode::OK, Some(cause.name()));
                (event("error", &error(cause, &Value::Null)), None)
            }
        };
        Some((text, (pieces, open, edge)))
    });
    let events = futures::stream::once(async { start }).chain(rest);
    let body = Body::from_stream(events.map(Ok::<_, Infallible>));
    (StatusCode::OK, headers, body).into_response()
}

/// One server-sent event. JSON has no line breaks of its own.
#[must_use]
pub fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// How long a token that is given at sign-in is good for.
pub const TOKEN_LASTS: Duration = Duration::from_secs(24 * 3600);
