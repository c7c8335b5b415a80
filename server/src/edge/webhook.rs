//! Stripe's webhooks: events of payments, known to be Stripe's by their signature.
//!
//! Owns: the check of `Stripe-Signature` (<https://docs.stripe.com/webhooks/signature>: HMAC-SHA256 over time, full stop and body, in
//! constant time, not older than five minutes), and what of an event the product needs.
//! Never: whether an event was there before. Each is answered with 200; the store knows it by its number.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Edge;
use super::answer;
use super::body::{self, Content};
use super::complaint::Complaint;
use super::connection::Peer;
use super::identity::{self, Caller};
use super::signature::{has_signed, sign};
use super::token;
use super::trpc::WEBHOOK;
use crate::arrival::{Payload, Person};
use crate::secret::Secret;

/// Seconds that a signature is good for, in either direction.
pub const TOLERANCE: u64 = 300;
/// Signatures that are looked at: there are several while a secret is changed.
const SIGNATURES: usize = 8;

/// The value of the header for a body; what tests and the load generator send.
#[must_use]
pub fn signature(secret: &Secret, time: u64, body: &[u8]) -> String {
    let hex: String = sign(secret, &[time.to_string().as_bytes(), b".", body])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("t={time},v1={hex}")
}

/// Whether a body was signed, and lately.
///
/// # Errors
/// When it was not.
pub fn check(secret: &Secret, header: &str, body: &[u8], now: u64) -> Result<(), Complaint> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts()
        .find(|(key, _)| *key == "t")
        .map(|(_, value)| value)
        .ok_or(Complaint::BadSignature)?;
    let signed = parts()
        .filter(|(key, _)| *key == "v1")
        .take(SIGNATURES)
        .filter_map(|(_, value)| bytes(value))
        .any(|signature| has_signed(secret, &[time.as_bytes(), b".", body], &signature));
    if !signed {
        return Err(Complaint::BadSignature);
    }
    let time: u64 = time.parse().map_err(|_| Complaint::BadSignature)?;
    if now.abs_diff(time) > TOLERANCE {
        return Err(Complaint::StaleSignature);
    }
    Ok(())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    Some(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

/// The handler.
pub async fn handle(
    State(edge): State<Arc<Edge>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let content = body::read(&parts, body, &edge.settings.ceilings).await;
    let taken = content.and_then(|content| take(&edge, &parts.headers, content, peer));
    let asked = match taken {
        Ok((endpoint, caller, payload)) => edge.ask(endpoint, caller, payload).await,
        Err(complaint) => Err(complaint),
    };
    match asked {
        Ok((answer, open)) => answer::single(&edge, answer, open, None),
        Err(complaint) => {
            edge.metrics.turned_away(complaint.cause());
            complaint.into_response()
        }
    }
}

fn take(
    edge: &Edge,
    headers: &HeaderMap,
    content: Content,
    peer: std::net::SocketAddr,
) -> Result<(u16, Caller, Payload), Complaint> {
    let endpoint = edge
        .endpoints
        .get(WEBHOOK)
        .copied()
        .ok_or_else(|| Complaint::NotFound {
            what: format!("endpoint `{WEBHOOK}`"),
        })?;
    let Content::Text(text) = content else {
        return Err(Complaint::BadSignature);
    };
    let header = headers
        .get("stripe-signature")
        .and_then(|value| value.to_str().ok())
        .ok_or(Complaint::BadSignature)?;
    check(&edge.settings.webhooks, header, &text, token::now())?;
    let event: Value = serde_json::from_slice(&text).map_err(|error| Complaint::BadJson { why: error.to_string() })?;
    let short = |value: &Value| {
        value
            .as_str()
            .filter(|text| (1..=200).contains(&text.len()))
            .map(str::to_owned)
    };
    let id = short(&event["id"]).ok_or_else(|| Complaint::BadJson {
        why: "an event has an `id` of at most 200 characters".to_owned(),
    })?;
    let object = &event["data"]["object"];
    let user = [
        &object["client_reference_id"],
        &object["metadata"]["user"],
        &object["customer"],
    ]
    .into_iter()
    .find_map(short)
    .unwrap_or_else(|| "stripe".to_owned());
    let policy = &edge.settings.policy;
    let person = Person {
        number: identity::number_of_name(&user),
        class: identity::commonest_class(edge.backend.model()),
        address: identity::number_of_address(identity::address(policy, peer, headers)),
        user: Some(user.into()),
    };
    let caller = Caller {
        person,
        draws: None,
        is_load_test: false,
    };
    let payload = Payload {
        event: Some(id),
        ..Payload::default()
    };
    Ok((endpoint, caller, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: payments that anybody can make up, or that Stripe cannot report.
    #[test]
    fn only_what_was_signed_lately_is_believed() {
        let secret = Secret::new("whsec_0123456789abcdef");
        let body = br#"{"id":"evt_1"}"#;
        let good = signature(&secret, 1_000, body);
        assert_eq!(check(&secret, &good, body, 1_000 + TOLERANCE), Ok(()));
        assert_eq!(
            check(&secret, &good, body, 1_001 + TOLERANCE),
            Err(Complaint::StaleSignature)
        );
        assert_eq!(check(&secret, &good, body, 699), Err(Complaint::StaleSignature));
        assert_eq!(check(&secret, &good, b"{}", 1_000), Err(Complaint::BadSignature));
        let other = Secret::new("whsec_0123456789abcdeg");
        assert_eq!(check(&other, &good, body, 1_000), Err(Complaint::BadSignature));
        // The old secret's signature stands beside the new one's while secrets change.
        let both = format!(
            "{},{}",
            signature(&other, 1_000, body),
            good.split_once(',').expect("two parts").1
        );
        assert_eq!(check(&secret, &both, body, 1_000), Ok(()));
        // Another time under the same signature.
        let later = good.replace("t=1000", "t=1100");
        for bad in ["", "t=1000", "v1=00", "t=1000,v1=zz", later.as_str()] {
            assert_eq!(check(&secret, bad, body, 1_000), Err(Complaint::BadSignature), "{bad}");
        }
    }
}
