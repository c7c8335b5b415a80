//! What the HTTP side itself has to complain about, before or beside the platform; and what a cause is called in HTTP.
//!
//! Owns: the closed list of such complaints with status and words, and the one shape in which anything that went wrong is told.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use highwater_models::Cause;
use serde_json::{Value, json};

use super::token::BadToken;

/// The header that names the cause.
pub const CAUSE: &str = "x-highwater-cause";

/// Why the HTTP side did not pass a request on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "a complaint's doc says what its fields are")]
pub enum Complaint {
    /// As many connections as there may be.
    ConnectionsFull,
    /// As many requests in hand as there may be.
    RequestsFull,
    /// As many open dashboards as there may be.
    ViewersFull,
    /// The head of the request took too long.
    HeadersTimeout,
    /// The head of the request has too many bytes.
    HeadersTooLarge,
    /// The body took too long.
    BodyTimeout,
    /// The body has more than so many bytes.
    BodyTooLarge { most: u64 },
    /// The body broke off.
    BodyBroken,
    /// What was sent is not JSON, or not of the form that is asked for.
    BadJson { why: String },
    /// Nothing of that name.
    NotFound { what: String },
    /// Not with this method.
    WrongMethod { what: String },
    /// A request from somebody unknown, where guests are not allowed.
    NoToken,
    /// From somebody whose token is not believed.
    BadToken(BadToken),
    /// The secret is missing or wrong.
    NoSecret,
    /// The webhook's signature is missing, not in the right form, or wrong.
    BadSignature,
    /// It was right too long ago.
    StaleSignature,
    /// An order that cannot be carried out, and why.
    NotPossible { why: String },
    /// A mistake of ours.
    Internal,
}

impl Complaint {
    /// The name in answers and metrics.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::ConnectionsFull => "connections_full",
            Self::RequestsFull => "requests_full",
            Self::ViewersFull => "viewers_full",
            Self::HeadersTimeout => "headers_timeout",
            Self::HeadersTooLarge => "headers_too_large",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyBroken => "body_broken",
            Self::BadJson { .. } => "bad_json",
            Self::NotFound { .. } => "not_found",
            Self::WrongMethod { .. } => "wrong_method",
            Self::NoToken | Self::BadToken(_) | Self::NoSecret => "unauthorized",
            Self::BadSignature => "bad_signature",
            Self::StaleSignature => "stale_signature",
            Self::NotPossible { .. } => "not_possible",
            Self::Internal => "internal",
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::ConnectionsFull | Self::RequestsFull | Self::ViewersFull => StatusCode::SERVICE_UNAVAILABLE,
            Self::HeadersTimeout | Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBroken | Self::BadJson { .. } | Self::BadSignature | Self::StaleSignature => {
                StatusCode::BAD_REQUEST
            }
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoToken | Self::BadToken(_) | Self::NoSecret => StatusCode::UNAUTHORIZED,
            Self::NotPossible { .. } => StatusCode::CONFLICT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// In words.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::ConnectionsFull => "there are as many connections as there may be".to_owned(),
            Self::RequestsFull => "there are as many requests in hand as there may be".to_owned(),
            Self::ViewersFull => "there are as many open dashboards as there may be".to_owned(),
            Self::HeadersTimeout => "the head of the request took too long".to_owned(),
            Self::HeadersTooLarge => "the head of the request is too large".to_owned(),
            Self::BodyTimeout => "the body of the request took too long".to_owned(),
            Self::BodyTooLarge { most } => format!("the body of the request has more than {most} bytes"),
            Self::BodyBroken => "the body of the request broke off".to_owned(),
            Self::BadJson { why } => format!("the input is not what it should be: {why}"),
            Self::NotFound { what } => format!("there is no {what}"),
            Self::WrongMethod { what } => format!("{what} does not take this method"),
            Self::NoToken => "a token is needed: `Authorization: Bearer ...`".to_owned(),
            Self::BadToken(bad) => bad.message().to_owned(),
            Self::NoSecret => "the secret of the administrator is needed: `Authorization: Bearer ...`".to_owned(),
            Self::BadSignature => "the signature is missing or wrong".to_owned(),
            Self::StaleSignature => "the signature is too old, or from the future".to_owned(),
            Self::NotPossible { why } => why.clone(),
            Self::Internal => "a mistake of the server's".to_owned(),
        }
    }

    /// As an error in an answer.
    #[must_use]
    pub fn error(&self) -> Value {
        error(self.status(), self.cause(), &self.message())
    }

    /// Whether the connection is of no more use: what is left of the request on it was not read.
    const fn closes(&self) -> bool {
        matches!(
            self,
            Self::HeadersTooLarge
                | Self::BodyTimeout
                | Self::BodyTooLarge { .. }
                | Self::BodyBroken
                | Self::RequestsFull
                | Self::Internal
        )
    }

    /// The whole answer as bytes, for a connection on which nobody speaks HTTP yet.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.error().to_string();
        let status = self.status();
        format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{CAUSE}: {}\r\nretry-after: \
             1\r\nconnection: close\r\n\r\n{body}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default(),
            body.len(),
            self.cause(),
        )
        .into_bytes()
    }
}

impl IntoResponse for Complaint {
    fn into_response(self) -> Response {
        let mut response = (self.status(), [(CAUSE, self.cause())], Json(self.error())).into_response();
        let headers = response.headers_mut();
        if self.closes() {
            headers.insert("connection", axum::http::HeaderValue::from_static("close"));
        }
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert("retry-after", axum::http::HeaderValue::from_static("1"));
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert("www-authenticate", axum::http::HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The shape of everything that went wrong: tRPC's, with the cause beside its own code.
#[must_use]
pub fn error(status: StatusCode, cause: &str, message: &str) -> Value {
    let (number, code) = trpc_code(status);
    json!({ "error": {
        "message": message,
        "code": number,
        "data": { "code": code, "httpStatus": status.as_u16(), "cause": cause },
    }})
}

/// tRPC's number and name for a status (`TRPC_ERROR_CODES_BY_KEY` and `getHTTPStatusCode` in its sources).
const fn trpc_code(status: StatusCode) -> (i32, &'static str) {
    match status.as_u16() {
        400 => (-32600, "BAD_REQUEST"),
        401 => (-32001, "UNAUTHORIZED"),
        404 => (-32004, "NOT_FOUND"),
        405 => (-32005, "METHOD_NOT_SUPPORTED"),
        408 => (-32008, "TIMEOUT"),
        409 => (-32009, "CONFLICT"),
        413 => (-32013, "PAYLOAD_TOO_LARGE"),
        429 => (-32029, "TOO_MANY_REQUESTS"),
        499 => (-32099, "CLIENT_CLOSED_REQUEST"),
        502 => (-32603, "BAD_GATEWAY"),
        503 => (-32603, "SERVICE_UNAVAILABLE"),
        504 => (-32603, "GATEWAY_TIMEOUT"),
        _ => (-32603, "INTERNAL_SERVER_ERROR"),
    }
}

/// The status of a cause. The causes that the simulator has no answer for get the one that the balancer in front of a dead
/// instance gives; a client that has gone is told as nginx logs it.
#[must_use]
pub fn status_of(cause: Cause) -> StatusCode {
    let status = match (cause.status(), cause) {
        (Some(status), _) => status,
        (None, Cause::ClientTimeout) => 499,
        (None, _) => 502,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A cause in words for whoever asked.
#[must_use]
pub const fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::RateLimited => "too many requests, please try again later",
        Cause::PoolTimeout => "no database connection became free in time",
        Cause::ConnectionRefused => "the database has no connection left",
        Cause::ConnectTimeout => "no database connection could be opened in time",
        Cause::QueryTimeout => "a query took too long",
        Cause::QueryFailed => "a query failed",
        Cause::DatabaseUnavailable => "the database is not there",
        Cause::LlmRateLimited => "the model provider refuses more requests",
        Cause::LlmError => "the model provider failed",
        Cause::LlmTimeout => "the model provider did not answer in time",
        Cause::LlmQuota => "the model provider's quota is used up",
        Cause::ClientTimeout => "the client has gone",
        Cause::QueueFull => "the line is full, please try again later",
        Cause::QueueTimeout => "it waited in line for too long",
        Cause::Deadline => "the time for this request is over",
        Cause::Shed => "there is more to do than can be done, please try again later",
        Cause::OutOfMemory => "the instance ran out of memory",
        Cause::InstanceLost => "the instance went away",
        Cause::NoInstance => "no instance is ready",
        Cause::FeatureOff => "this feature is switched off for now",
        Cause::CacheUnavailable => "the cache is not there",
        Cause::Unauthorized => "signing in is needed",
        Cause::UpstreamError => "something behind the service failed",
    }
}
