//! Reading a request's body under its ceilings: so many bytes, so much time.
//!
//! Owns: the ceilings of bodies, and that an upload is counted and thrown away piece by piece: what it is worth is its length.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::Ceilings;
use super::complaint::Complaint;

/// How long the rest of a body that is too large is listened to, so that its sender has a chance to hear why.
const LISTEN: Duration = Duration::from_secs(1);

/// What came in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text, JSON by what it says of itself or by what it says nothing of.
    Text(Vec<u8>),
    /// A recording of so many bytes.
    Upload(u64),
}

/// Whether a body is an upload: anything that does not say it is text or JSON, or says nothing.
fn is_upload(parts: &Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        let kind = kind.trim_start();
        let starts = |prefix: &str| {
            kind.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        ["audio/", "video/", "application/octet-stream", "multipart/form-data"]
            .into_iter()
            .any(starts)
    })
}

/// Reads a body. Of an upload only the length is kept.
///
/// # Errors
/// When it is too large, too slow, or breaks off.
pub async fn read(parts: &Parts, body: Body, ceilings: &Ceilings) -> Result<Content, Complaint> {
    let upload = is_upload(parts);
    let (most, time) = if upload {
        (ceilings.upload, ceilings.upload_time)
    } else {
        (ceilings.body, ceilings.body_time)
    };
    let announced = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    if announced > most {
        return Err(Complaint::BodyTooLarge { most });
    }
    let until = Instant::now() + time;
    let mut body = body;
    let mut kept = Vec::with_capacity(if upload { 0 } else { announced as usize });
    let mut length = 0u64;
    loop {
        let frame = match timeout_at(until, body.frame()).await {
            Err(_) => return Err(Complaint::BodyTimeout),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Complaint::BodyBroken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Some(data) = frame.data_ref() else { continue };
        length += data.len() as u64;
        if length > most {
            discard(body, most).await;
            return Err(Complaint::BodyTooLarge { most });
        }
        if !upload {
            kept.extend_from_slice(data);
        }
    }
    Ok(if upload {
        Content::Upload(length)
    } else {
        Content::Text(kept)
    })
}

/// Listens to what is left, up to as much again.
async fn discard(mut body: Body, most: u64) {
    let until = Instant::now() + LISTEN;
    let mut length = 0u64;
    while length < most
        && let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await
    {
        length += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
