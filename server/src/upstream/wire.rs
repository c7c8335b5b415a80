//! What the upstream says over HTTP, in the shapes that clients of OpenAI know: bodies, errors, headers of limits.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use highwater_models::SimSpan;
use highwater_models::machine::provider_limit::{Left, LimitBy};
use serde_json::{Value, json};

use super::account::{Allowance, Refused, counts_tokens};

/// An error in the provider's shape.
pub(super) struct Failure {
    pub status: StatusCode,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub message: String,
    /// In a box, as a failure is what most functions here may end in.
    pub allowance: Box<Allowance>,
    pub retry_after: Option<SimSpan>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            code: None,
            message: message.into(),
            allowance: Box::default(),
            retry_after: None,
        }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    pub(super) fn no_model(model: &str) -> Self {
        let shown: String = model.chars().take(80).collect();
        Self {
            code: Some("model_not_found"),
            ..Self::new(
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                format!("The model `{shown}` does not exist or does not do this."),
            )
        }
    }

    pub(super) fn server() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            "The server had an error while processing your request. Sorry about that!",
        )
    }

    /// A refusal of the account. One that is down is not here: its connection breaks.
    pub(super) fn of(refused: Refused, model: &str) -> Self {
        match refused {
            Refused::Down => Self::new(StatusCode::BAD_GATEWAY, "server_error", "The provider is down."),
            Refused::Unknown => Self::no_model(model),
            Refused::Spent => Self {
                code: Some("insufficient_quota"),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "insufficient_quota",
                    "You exceeded your current quota, please check your plan and billing details.",
                )
            },
            Refused::Busy(allowance) => Self {
                code: Some("rate_limit_exceeded"),
                allowance: Box::new(allowance),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "requests",
                    format!("Rate limit reached for {model} on concurrent requests."),
                )
            },
            Refused::Limit {
                left,
                by,
                asked,
                retry_after,
                allowance,
            } => Self {
                code: Some("rate_limit_exceeded"),
                allowance: Box::new(allowance),
                retry_after,
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    if counts_tokens(by) { "tokens" } else { "requests" },
                    limit_message(model, by, left, asked, retry_after),
                )
            },
        }
    }
}

fn limit_message(model: &str, by: LimitBy, left: Option<Left>, asked: u64, retry_after: Option<SimSpan>) -> String {
    let on = match by {
        LimitBy::RequestsPerMinute => "requests per min (RPM)",
        LimitBy::RequestsPerDay => "requests per day (RPD)",
        LimitBy::TokensPerMinute => "tokens per min (TPM)",
        LimitBy::TokensPerDay => "tokens per day (TPD)",
    };
    let Some(left) = left else {
        return format!("Rate limit reached for {model} on {on}.");
    };
    if asked > left.limit {
        return format!(
            "Request too large for {model} on {on}: Limit {}, Requested {asked}.",
            left.limit
        );
    }
    let used = left.limit - left.left.min(left.limit);
    let again = retry_after.map_or(String::new(), |span| {
        format!(" Please try again in {}.", duration(span))
    });
    format!(
        "Rate limit reached for {model} on {on}: Limit {}, Used {used}, Requested {asked}.{again}",
        left.limit
    )
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({ "error": {
            "message": self.message,
            "type": self.kind,
            "param": null,
            "code": self.code,
        }});
        let mut answer = (self.status, Json(body)).into_response();
        let headers = answer.headers_mut();
        limits(headers, *self.allowance);
        if let Some(span) = self.retry_after {
            retry_after(headers, span);
        }
        answer
    }
}

/// `x-ratelimit-*`: of the limits that a call is under, those with the least left.
pub(super) fn limits(headers: &mut HeaderMap, allowance: Allowance) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    if let Some(left) = allowance.requests {
        set("x-ratelimit-limit-requests", left.limit.to_string());
        set("x-ratelimit-remaining-requests", left.left.to_string());
        set("x-ratelimit-reset-requests", duration(left.full_in));
    }
    if let Some(left) = allowance.tokens {
        set("x-ratelimit-limit-tokens", left.limit.to_string());
        set("x-ratelimit-remaining-tokens", left.left.to_string());
        set("x-ratelimit-reset-tokens", duration(left.full_in));
    }
}

/// `retry-after` in whole seconds, rounded up, and `retry-after-ms` to the nanosecond, in decimals where there is need.
fn retry_after(headers: &mut HeaderMap, span: SimSpan) {
    let seconds = span.nanos().div_ceil(1_000_000_000);
    headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    let (millis, rest) = (span.nanos() / 1_000_000, span.nanos() % 1_000_000);
    let text = if rest == 0 {
        millis.to_string()
    } else {
        format!("{millis}.{rest:06}")
    };
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(HeaderName::from_static("retry-after-ms"), value);
    }
}

/// A length of time as these headers have it: `120ms`, `8.64s`, `6m0s`, `1h0m0s`.
fn duration(span: SimSpan) -> String {
    let millis = span.nanos().div_ceil(1_000_000);
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = if rest.is_multiple_of(1000) {
        (rest / 1000).to_string()
    } else {
        let text = format!("{}.{:03}", rest / 1000, rest % 1000);
        text.trim_end_matches('0').to_owned()
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// What an answer is known by.
#[derive(Clone)]
pub(super) struct Head {
    pub id: String,
    pub created: u64,
    pub model: String,
}

/// `usage` of an answer.
pub(super) fn usage((prompt, answer): (f64, f64)) -> Value {
    let (prompt, answer) = (prompt.round() as u64, answer.round() as u64);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt.saturating_add(answer),
    })
}

/// A whole chat completion.
pub(super) fn completion(head: &Head, text: &str, finish: &str, used: (f64, f64)) -> Value {
    json!({
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": finish,
        }],
        "usage": usage(used),
    })
}

/// One `data:` line of a streamed completion.
pub(super) fn chunk(head: &Head, delta: Option<Value>, finish: Option<&str>, used: Option<Value>) -> String {
    let choices = delta.map_or(
        json!([]),
        |delta| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]),
    );
    let chunk = json!({
        "id": head.id,
        "object": "chat.completion.chunk",
        "created": head.created,
        "model": head.model,
        "choices": choices,
        "usage": used,
    });
    format!("data: {chunk}\n\n")
}

/// An answer whose body comes piece by piece.
pub(super) fn event_stream(body: Body) -> Response {
    let mut answer = Response::new(body);
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a client that reads these headers waits for something else than it was told.
    #[test]
    fn lengths_of_time_are_written_as_in_the_headers_of_the_real_thing() {
        for (nanos, text) in [
            (0, "0ms"),
            (1, "1ms"),
            (120_000_000, "120ms"),
            (1_000_000_000, "1s"),
            (8_640_000_000, "8.64s"),
            (360_000_000_000, "6m0s"),
            (3_600_000_000_000, "1h0m0s"),
            (86_399_500_000_000, "23h59m59.5s"),
        ] {
            assert_eq!(duration(SimSpan::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn when_to_come_back_is_exact_in_one_header_and_rounded_up_in_the_other() {
        let mut headers = HeaderMap::new();
        retry_after(&mut headers, SimSpan::from_nanos(1_500_000_001));
        assert_eq!(headers["retry-after"], "2");
        assert_eq!(headers["retry-after-ms"], "1500.000001");
    }
}
