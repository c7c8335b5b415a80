//! The upstream's routes: each reads a request, asks the account, and says what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::stream::{self, StreamExt};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::json;

use super::account::{Account, Call, Refused};
use super::faults::{Fault, shown};
use super::multipart::Reader;
use super::turn::Turn;
use super::wire::{Failure, Head, chunk, completion, event_stream, limits, usage};
use super::words::count;
use crate::provider::{Luck, Refusal, luck};
use crate::secret::Secret;

/// The largest body of a chat: more than a prompt of the longest text that is made here.
const CHAT_MAX: usize = 2 * 1024 * 1024;
/// The largest body with a recording: the provider takes files of 25 MB.
const UPLOAD_MAX: usize = 26 * 1024 * 1024;
/// How long a body may take to come, on the wall's clock.
const BODY_TIME: Duration = Duration::from_secs(60);
/// The longest recording, in seconds: four days.
const RECORDING_MAX: f64 = 4.0 * 86_400.0;
/// Says how many seconds a recording lasts, where it is not a WAV file, which says so itself.
const SECONDS: &str = "x-highwater-seconds";

/// What all routes share.
pub(super) struct Desk {
    pub account: Account,
    pub key: Secret,
    pub secret: Option<Secret>,
    pub bytes_a_minute: f64,
    pub answers: AtomicU64,
}

pub(super) fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/audio/transcriptions", post(transcribe))
        .route("/v1/models", get(models))
        .route("/faults", get(list_faults).post(add_fault).delete(end_faults))
        .route("/usage", get(figures))
        .route("/health", get(async || "ok\n"))
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "invalid_request_error", "Invalid URL."))
        .with_state(desk)
}

impl Desk {
    /// Whether the caller has the account's key.
    fn admits(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let (message, code) = match bearer(headers) {
            Some(key) if self.key.is(key) => return Ok(()),
            Some(_) => ("Incorrect API key provided.", Some("invalid_api_key")),
            None => (
                "You didn't provide an API key: it comes in the header `Authorization: Bearer KEY`.",
                None,
            ),
        };
        Err(Failure {
            code,
            ..Failure::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
        })
    }

    /// Whether the caller is an operator.
    fn obeys(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let Some(secret) = &self.secret else {
            let message = "No operator's secret is set: faults on command are off.";
            return Err(Failure::new(StatusCode::FORBIDDEN, "invalid_request_error", message));
        };
        if bearer(headers).is_some_and(|given| secret.is(given)) {
            return Ok(());
        }
        let message = "The operator's secret comes in the header `Authorization: Bearer SECRET`.";
        Err(Failure::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message))
    }

    fn head(&self, model: &str) -> Head {
        let number = self.answers.fetch_add(1, Ordering::Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Head {
            id: format!("chatcmpl-{number:012}"),
            created: now.map_or(0, |since| since.as_secs()),
            model: model.to_owned(),
        }
    }

    /// A call that is taken, at the time of its first token or of its whole answer.
    async fn ask(&self, call: &Call, model: &str) -> Result<Turn, Response> {
        let turn = self.account.begin(call).map_err(|refused| match refused {
            // The listener breaks the connection off: nobody reads this.
            Refused::Down => broken(),
            other => Failure::of(other, model).into_response(),
        })?;
        match turn.first().await {
            Ok(()) => Ok(turn),
            Err(_) => {
                let allowance = Box::new(turn.allowance());
                Err(Failure {
                    allowance,
                    ..Failure::server()
                }
                .into_response())
            }
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// An answer that breaks off before it has begun.
fn broken() -> Response {
    Response::new(Body::from_stream(stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("the provider is down"))
    })))
}

/// What chance has decided, where the caller says so.
fn read_luck(headers: &HeaderMap) -> Result<Option<(f64, Luck)>, Failure> {
    let Some(value) = headers.get(luck::HEADER) else {
        return Ok(None);
    };
    let read = value.to_str().ok().and_then(luck::read);
    read.map(Some)
        .ok_or_else(|| Failure::bad(format!("the header `{}` cannot be read", luck::HEADER)))
}

async fn read_body(body: Body, max: usize) -> Result<Bytes, Failure> {
    let read = tokio::time::timeout(BODY_TIME, Limited::new(body, max).collect()).await;
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => Err(body_failure(error.is::<http_body_util::LengthLimitError>(), max)),
        Err(_) => Err(slow_body()),
    }
}

fn body_failure(too_large: bool, max: usize) -> Failure {
    if too_large {
        let message = format!("Maximum content size limit ({max}) exceeded.");
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", message)
    } else {
        Failure::bad("The body broke off.")
    }
}

fn slow_body() -> Failure {
    let message = "The body took too long to come.";
    Failure::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", message)
}

#[derive(Deserialize)]
struct Chat {
    model: String,
    messages: Vec<Message>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    n: Option<u64>,
    #[serde(default)]
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

impl Message {
    fn tokens(&self) -> u64 {
        match &self.content {
            None => 0,
            Some(Content::Text(text)) => count(text),
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).map(count).sum(),
        }
    }
}

async fn chat(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    answer_chat(&desk, request).await.unwrap_or_else(|failed| failed)
}

async fn answer_chat(desk: &Desk, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    desk.admits(&parts.headers).map_err(Failure::into_response)?;
    let luck = read_luck(&parts.headers).map_err(Failure::into_response)?;
    let body = read_body(body, CHAT_MAX).await.map_err(Failure::into_response)?;
    let asked: Chat = serde_json::from_slice(&body).map_err(|error| {
        Failure::bad(format!("We could not parse the body of your request: {error}.")).into_response()
    })?;
    drop(body);
    if asked.messages.is_empty() {
        return Err(Failure::bad("`messages` is empty.").into_response());
    }
    if asked.n.is_some_and(|n| n != 1) {
        return Err(Failure::bad("`n` is 1 here.").into_response());
    }
    let model = desk
        .account
        .model(&asked.model)
        .ok_or_else(|| Failure::no_model(&asked.model).into_response())?;
    let stream = asked.stream.unwrap_or(false);
    let words: u64 = asked.messages.iter().map(Message::tokens).sum();
    let answer_max = asked.max_completion_tokens.or(asked.max_tokens);
    let call = Call {
        model,
        prompt: luck.map_or(words as f64, |(prompt, _)| prompt),
        answer_max,
        audio: false,
        stream,
        luck: luck.map(|(_, luck)| luck),
    };
    let turn = desk.ask(&call, &asked.model).await?;
    let head = desk.head(&asked.model);
    let (allowance, used, began) = (turn.allowance(), turn.usage(), turn.began());
    let finish = match answer_max {
        Some(max) if used.1 >= max as f64 => "length",
        _ => "stop",
    };
    let mut answer = if stream {
        let with_usage = asked.stream_options.is_some_and(|options| options.include_usage);
        event_stream(streamed(turn, head, finish, with_usage))
    } else {
        let text = turn.text();
        // The place is free when the answer is there, not when it has been taken up.
        drop(turn);
        Json(completion(&head, &text, finish, used)).into_response()
    };
    limits(answer.headers_mut(), allowance);
    let took = desk.account.0.host.now().since(began).nanos() / 1_000_000;
    answer
        .headers_mut()
        .insert("openai-processing-ms", axum::http::HeaderValue::from(took));
    Ok(answer)
}

/// The body of an answer in pieces. Dropping it, as a connection that is closed does, gives the place back.
fn streamed(turn: Turn, head: Head, finish: &'static str, with_usage: bool) -> Body {
    let used = turn.usage();
    let first = chunk(
        &head,
        Some(json!({ "role": "assistant", "content": turn.first_piece() })),
        None,
        None,
    );
    let of_pieces = head.clone();
    let pieces = turn.rest().map(move |piece| match piece {
        Ok(text) if text.is_empty() => Ok(String::new()),
        Ok(text) => Ok(chunk(&of_pieces, Some(json!({ "content": text })), None, None)),
        Err(refusal) => Err(broken_off(&refusal)),
    });
    let mut last = chunk(&head, Some(json!({})), Some(finish), None);
    if with_usage {
        last += &chunk(&head, None, None, Some(usage(used)));
    }
    last += "data: [DONE]\n\n";
    let all = stream::once(async move { Ok(first) })
        .chain(pieces)
        .chain(stream::once(async move { Ok(last) }))
        .filter(|piece| std::future::ready(piece.as_ref().map_or(true, |text| !text.is_empty())));
    Body::from_stream(all)
}

fn broken_off(refusal: &Refusal) -> std::io::Error {
    std::io::Error::other(format!("{refusal:?}"))
}

async fn transcribe(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    answer_recording(&desk, request).await.unwrap_or_else(|failed| failed)
}

async fn answer_recording(desk: &Desk, request: Request) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    desk.admits(&parts.headers).map_err(Failure::into_response)?;
    let luck = read_luck(&parts.headers).map_err(Failure::into_response)?;
    let form = read_form(&parts.headers, body).await.map_err(Failure::into_response)?;
    let Some(name) = form.fields.get("model") else {
        return Err(Failure::bad("`model` is missing.").into_response());
    };
    let Some(file) = &form.file else {
        return Err(Failure::bad("`file` is missing.").into_response());
    };
    let format = form.fields.get("response_format").map_or("json", String::as_str);
    if !matches!(format, "json" | "text" | "verbose_json") {
        return Err(Failure::bad("`response_format` is `json`, `text` or `verbose_json` here.").into_response());
    }
    let model = desk
        .account
        .model(name)
        .ok_or_else(|| Failure::no_model(name).into_response())?;
    let said = parts
        .headers
        .get(SECONDS)
        .and_then(|value| value.to_str().ok()?.parse::<f64>().ok());
    let seconds = luck
        .map(|(seconds, _)| seconds)
        .or(said)
        .or_else(|| file.wav_seconds())
        .unwrap_or_else(|| file.size as f64 / desk.bytes_a_minute * 60.0);
    if !(0.0..=RECORDING_MAX).contains(&seconds) {
        return Err(Failure::bad(format!("A recording lasts between 0 and {RECORDING_MAX} seconds.")).into_response());
    }
    let call = Call {
        model,
        prompt: seconds / 60.0,
        answer_max: None,
        audio: true,
        stream: false,
        luck: luck.map(|(_, luck)| luck),
    };
    let turn = desk.ask(&call, name).await?;
    let (allowance, text) = (turn.allowance(), turn.text());
    drop(turn);
    let mut answer = match format {
        "text" => format!("{text}\n").into_response(),
        "verbose_json" => Json(json!({
            "task": "transcribe", "language": "english", "duration": seconds, "text": text, "segments": [],
            "usage": { "type": "duration", "seconds": seconds.ceil() },
        }))
        .into_response(),
        _ => Json(json!({ "text": text, "usage": { "type": "duration", "seconds": seconds.ceil() } })).into_response(),
    };
    limits(answer.headers_mut(), allowance);
    Ok(answer)
}

/// Reads a form as it comes, without keeping the file.
async fn read_form(headers: &HeaderMap, body: Body) -> Result<super::multipart::Form, Failure> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let mut reader = kind
        .and_then(Reader::new)
        .ok_or_else(|| Failure::bad("The body is not `multipart/form-data` with a boundary."))?;
    let reading = async {
        let mut body = Limited::new(body, UPLOAD_MAX);
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| body_failure(error.is::<http_body_util::LengthLimitError>(), UPLOAD_MAX))?;
            if let Some(piece) = frame.data_ref() {
                reader.take(piece).map_err(Failure::bad)?;
            }
        }
        reader.end().map_err(Failure::bad)
    };
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(form) => form,
        Err(_) => Err(slow_body()),
    }
}

async fn models(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(failure) = desk.admits(&headers) {
        return failure.into_response();
    }
    let models = desk.account.terms().models.iter().filter(|model| model.speed.is_some());
    let data: Vec<_> = models
        .map(|model| json!({ "id": model.name, "object": "model", "created": 0, "owned_by": "highwater" }))
        .collect();
    Json(json!({ "object": "list", "data": data })).into_response()
}

async fn add_fault(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let added = async {
        desk.obeys(&parts.headers)?;
        let body = read_body(body, 4096).await?;
        let fault: Fault = serde_json::from_slice(&body).map_err(|error| Failure::bad(format!("{error}")))?;
        let (trouble, lasts) = fault.trouble().map_err(Failure::bad)?;
        desk.account
            .trouble(trouble, lasts)
            .map_err(|text| Failure::new(StatusCode::CONFLICT, "invalid_request_error", text))
    };
    match added.await {
        Ok(()) => faults(&desk).into_response(),
        Err(failure) => failure.into_response(),
    }
}

async fn end_faults(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(failure) = desk.obeys(&headers) {
        return failure.into_response();
    }
    desk.account.end_troubles();
    faults(&desk).into_response()
}

async fn list_faults(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    match desk.obeys(&headers) {
        Ok(()) => faults(&desk).into_response(),
        Err(failure) => failure.into_response(),
    }
}

fn faults(desk: &Desk) -> Json<serde_json::Value> {
    let now = desk.account.0.host.now();
    let all: Vec<_> = desk
        .account
        .troubles()
        .into_iter()
        .map(|fault| shown(fault, now))
        .collect();
    Json(json!({ "faults": all }))
}

async fn figures(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(failure) = desk.obeys(&headers) {
        return failure.into_response();
    }
    let figures = desk.account.figures();
    Json(json!({
        "taken": figures.taken,
        "refused": figures.refused,
        "in_flight": figures.in_flight,
        "spent_today": figures.spent_today,
        "spent_this_month": figures.spent_this_month,
    }))
    .into_response()
}
