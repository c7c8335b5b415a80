//! A model provider over HTTP: the bundled upstream, or any that speaks as OpenAI's does.
//!
//! Owns: what is sent, and what an answer means. One attempt; whoever asked decides whether to ask again, and how long to
//! wait: dropping the answer hangs up, which gives the place at the provider back.
//!
//! ```text
//! let settings = HttpSettings { base: "http://127.0.0.1:8081/v1".into(), key: Some(Secret::from_file(path)?), bundled: true };
//! let provider: Arc<dyn Provider> = Arc::new(HttpProvider::new(&settings)?);
//! ```

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};
use highwater_models::SimSpan;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Client, Response, Url};
use serde_json::{Value, json};

use super::sse::Events;
use super::{Answering, Provider, Question, Refusal, luck};
use crate::client::{base, below, body, client, reason};
use crate::secret::Secret;
use crate::upstream::words::words;

/// The longest answer that is taken, in bytes.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// The longest error that is read.
const ERROR_MAX: usize = 64 * 1024;
/// Bytes of a second of the recording that is sent: eight bits at eight kilohertz.
const WAV_RATE: u32 = 8000;
/// The longest recording that is sent to a real provider, which takes files of 25 MB.
const WAV_SECONDS_MAX: f64 = 3000.0;

/// Where the provider is, and how it is asked.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Its base address with the version, such as `https://api.openai.com/v1`.
    pub base: String,
    /// The account's key.
    pub key: Option<Secret>,
    /// Whether it is the bundled upstream, which is told what chance has decided. A real provider is not.
    pub bundled: bool,
}

/// A model provider over HTTP.
#[derive(Debug)]
pub struct HttpProvider {
    client: Client,
    base: Url,
    key: Option<Secret>,
    bundled: bool,
}

impl HttpProvider {
    /// A provider at an address; nothing is sent yet. It has to be asked from within a tokio runtime.
    ///
    /// # Errors
    /// A sentence: the address is none, or there is nothing to check certificates by.
    pub fn new(settings: &HttpSettings) -> Result<Self, String> {
        let base = base(&settings.base)?;
        Ok(Self {
            client: client(&base, None)?,
            base,
            key: settings.key.clone(),
            bundled: settings.bundled,
        })
    }

    async fn send(&self, question: &Question) -> Result<Response, Refusal> {
        let path = if question.audio {
            "audio/transcriptions"
        } else {
            "chat/completions"
        };
        let mut request = self.client.post(below(&self.base, path));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.reveal());
        }
        if self.bundled {
            request = request.header(luck::HEADER, luck::write(question.prompt, &question.luck));
        }
        request = if question.audio {
            let seconds = if self.bundled { 0.0 } else { question.prompt };
            let (length, body) = recording(&question.model, seconds);
            request
                .header(CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"))
                .header(CONTENT_LENGTH, length)
                .body(body)
        } else {
            request.json(&chat(question))
        };
        let response = request
            .send()
            .await
            .map_err(|error| Refusal::Unreachable(reason(error)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = body(response, ERROR_MAX).await.unwrap_or_default();
        Err(refusal(status, &headers, &body, SystemTime::now()))
    }
}

impl Provider for HttpProvider {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answering, Refusal>> {
        async move {
            let response = self.send(question).await?;
            if question.stream {
                return in_pieces(response).await;
            }
            let body = body(response, ANSWER_MAX).await.map_err(Refusal::Unreachable)?;
            let value: Value = serde_json::from_slice(&body).map_err(|_| not_json())?;
            if question.audio {
                let text = value.get("text").and_then(Value::as_str).ok_or_else(no_text)?;
                return Ok(Answering {
                    usage: None,
                    text: text.to_owned(),
                    rest: None,
                });
            }
            let text = value.pointer("/choices/0/message/content");
            let text = text.and_then(Value::as_str).ok_or_else(no_text)?;
            Ok(Answering {
                usage: usage(&value),
                text: text.to_owned(),
                rest: None,
            })
        }
        .boxed()
    }

    fn keeps_time(&self) -> bool {
        !self.bundled
    }
}

fn not_json() -> Refusal {
    Refusal::Other("the answer is not JSON".to_owned())
}

fn no_text() -> Refusal {
    Refusal::Other("the answer has no text".to_owned())
}

/// The request for a chat. A token is a word here; a real provider counts by its own measure.
fn chat(question: &Question) -> Value {
    let text = words(0, question.prompt.round() as u64);
    let mut chat = json!({
        "model": question.model,
        "messages": [{ "role": "user", "content": text }],
    });
    if let Some(max) = question.answer_max {
        chat["max_completion_tokens"] = json!(max);
    }
    if question.stream {
        chat["stream"] = json!(true);
        chat["stream_options"] = json!({ "include_usage": true });
    }
    chat
}

/// Between the parts of a form.
const BOUNDARY: &str = "highwater-1f0d6a2b9c";

/// A form with so many seconds of silence, and its length in bytes.
fn recording(model: &str, seconds: f64) -> (u64, Body) {
    let samples = (seconds.clamp(0.0, WAV_SECONDS_MAX) * f64::from(WAV_RATE)) as u32;
    // A name with quotes or line breaks would end its part; no model is called so.
    let model: String = model.chars().filter(|letter| !letter.is_control()).collect();
    let mut start = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\njson\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"recording.wav\"\r\n\
         Content-Type: audio/wav\r\n\r\n"
    )
    .into_bytes();
    start.extend_from_slice(b"RIFF");
    start.extend_from_slice(&(36 + samples).to_le_bytes());
    start.extend_from_slice(b"WAVEfmt ");
    start.extend_from_slice(&16u32.to_le_bytes());
    // PCM, one channel, so many samples and bytes a second, one byte each of eight bits.
    start.extend_from_slice(&1u16.to_le_bytes());
    start.extend_from_slice(&1u16.to_le_bytes());
    start.extend_from_slice(&WAV_RATE.to_le_bytes());
    start.extend_from_slice(&WAV_RATE.to_le_bytes());
    start.extend_from_slice(&1u16.to_le_bytes());
    start.extend_from_slice(&8u16.to_le_bytes());
    start.extend_from_slice(b"data");
    start.extend_from_slice(&samples.to_le_bytes());
    let end = format!("\r\n--{BOUNDARY}--\r\n").into_bytes();
    let length = start.len() as u64 + u64::from(samples) + end.len() as u64;
    const BLOCK: u32 = 16 * 1024;
    let blocks = (0..samples.div_ceil(BLOCK)).map(move |block| {
        let size = BLOCK.min(samples - block * BLOCK);
        // Silence in eight bits is the middle.
        vec![0x80; size as usize]
    });
    let pieces = std::iter::once(start).chain(blocks).chain(std::iter::once(end));
    let body = Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)));
    (length, body)
}

/// `usage` of an answer.
fn usage(value: &Value) -> Option<(f64, f64)> {
    let usage = value.get("usage")?;
    Some((
        usage.get("prompt_tokens")?.as_f64()?,
        usage.get("completion_tokens")?.as_f64()?,
    ))
}

/// What an answer that is none means.
fn refusal(status: u16, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Refusal {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let field = |name: &str| value.pointer(name).and_then(Value::as_str).unwrap_or("");
    match status {
        429 if [field("/error/code"), field("/error/type")].contains(&"insufficient_quota") => Refusal::Quota,
        429 => Refusal::RateLimited {
            retry_after: retry_after(headers, now),
        },
        // The client library tries 408 and 409 again like an error of the server (openai 7.57.0 client.js).
        408 | 409 | 500..=599 => Refusal::Failed,
        _ => {
            let message: String = field("/error/message").chars().take(200).collect();
            let space = if message.is_empty() { "" } else { ": " };
            Refusal::Other(format!("status {status}{space}{message}"))
        }
    }
}

/// When to come back: `retry-after-ms`, else `retry-after` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<SimSpan> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| {
        let number: f64 = text(name)?.parse().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    };
    if let Some(millis) = number("retry-after-ms") {
        // Down to the nanosecond, as the bundled upstream writes it.
        return Some(SimSpan::from_nanos((millis * 1e6).round() as u64));
    }
    if let Some(seconds) = number("retry-after") {
        return Some(SimSpan::from_seconds(seconds));
    }
    let date = httpdate::parse_http_date(text("retry-after")?).ok()?;
    let left = date.duration_since(now).unwrap_or(Duration::ZERO);
    Some(SimSpan::from_seconds(left.as_secs_f64()))
}

/// What one event of a streamed answer says.
#[derive(Debug, PartialEq)]
enum Said {
    Text(String),
    Nothing,
    End,
}

fn read_event(data: &str) -> Result<Said, Refusal> {
    if data.trim() == "[DONE]" {
        return Ok(Said::End);
    }
    let value: Value = serde_json::from_str(data).map_err(|_| Refusal::Other("a piece is not JSON".to_owned()))?;
    if value.get("error").is_some_and(|error| !error.is_null()) {
        return Err(Refusal::Failed);
    }
    let text = value.pointer("/choices/0/delta/content").and_then(Value::as_str);
    Ok(match text {
        Some(text) if !text.is_empty() => Said::Text(text.to_owned()),
        _ => Said::Nothing,
    })
}

/// A streamed answer under way.
struct Stream {
    response: Response,
    events: Events,
    /// Read, and not handed on yet.
    ready: VecDeque<Result<String, Refusal>>,
    /// Bytes of text so far.
    length: usize,
    is_over: bool,
}

impl Stream {
    /// The next piece of text; none at the end. After an error there is nothing more.
    async fn next(&mut self) -> Option<Result<String, Refusal>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(piece);
            }
            if self.is_over {
                return None;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.events.take(&bytes),
                Ok(None) => self.fail(Refusal::Unreachable("the answer broke off".to_owned())),
                Err(error) => self.fail(Refusal::Unreachable(reason(error))),
            }
            self.read();
        }
    }

    fn read(&mut self) {
        while !self.is_over {
            let said = match self.events.next_event() {
                Ok(Some(data)) => read_event(&data),
                Ok(None) => return,
                Err(_) => Err(Refusal::Other("a piece is too long".to_owned())),
            };
            match said {
                Ok(Said::Text(text)) => {
                    self.length += text.len();
                    if self.length > ANSWER_MAX {
                        self.fail(Refusal::Other(format!("the answer is longer than {ANSWER_MAX} bytes")));
                    } else {
                        self.ready.push_back(Ok(text));
                    }
                }
                Ok(Said::Nothing) => {}
                Ok(Said::End) => self.is_over = true,
                Err(refusal) => self.fail(refusal),
            }
        }
    }

    fn fail(&mut self, refusal: Refusal) {
        self.ready.push_back(Err(refusal));
        self.is_over = true;
    }
}

/// An answer in pieces, at its first.
async fn in_pieces(response: Response) -> Result<Answering, Refusal> {
    let mut stream = Stream {
        response,
        events: Events::default(),
        ready: VecDeque::new(),
        length: 0,
        is_over: false,
    };
    let text = stream.next().await.transpose()?.unwrap_or_default();
    let rest: BoxStream<'static, _> = stream::unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((piece, stream))
    })
    .boxed();
    Ok(Answering {
        usage: None,
        text,
        rest: Some(rest),
    })
}

#[cfg(test)]
mod tests;
