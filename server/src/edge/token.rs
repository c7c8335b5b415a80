//! Signed, expiring tokens that say who a user is: compact JSON web tokens (RFC 7519) with HMAC-SHA256.
//!
//! Owns: their making and their check. There is one algorithm and one header, compared as a whole, so that a token cannot choose
//! how it is checked.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::signature::{has_signed, sign};
use crate::secret::Secret;

/// `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Longer ones are not looked at.
const LONGEST: usize = 2048;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The user's name.
    pub sub: String,
    /// The user's class.
    pub class: String,
    /// Seconds since 1970 from which on it is worth nothing.
    pub exp: u64,
}

/// Why a token is not believed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// It is none of ours: not three parts, another header, not what we write.
    Malformed,
    /// The signature is not ours.
    Forged,
    /// Its time is over.
    Expired,
}

impl BadToken {
    /// In words for whoever sent it.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Malformed => "the token is not one of this server's",
            Self::Forged => "the token's signature is not this server's",
            Self::Expired => "the token has expired",
        }
    }
}

/// Seconds since 1970 by the wall's clock; what tokens and webhooks count in, whatever the scale of the system's time.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A token that says so.
#[must_use]
pub fn issue(secret: &Secret, claims: &Claims) -> String {
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims).unwrap_or_default());
    let signature = sign(secret, &[HEADER.as_bytes(), b".", payload.as_bytes()]);
    format!("{HEADER}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// What a token says, if it is ours and its time is not over.
///
/// # Errors
/// Why it is not believed.
pub fn check(secret: &Secret, token: &str, now: u64) -> Result<Claims, BadToken> {
    let parts = || {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        (parts.next().is_none() && header == HEADER).then_some((payload, signature))
    };
    let (payload, signature) = parts().filter(|_| token.len() <= LONGEST).ok_or(BadToken::Malformed)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| BadToken::Forged)?;
    if !has_signed(secret, &[HEADER.as_bytes(), b".", payload.as_bytes()], &signature) {
        return Err(BadToken::Forged);
    }
    let claims: Claims = URL_SAFE_NO_PAD
        .decode(payload)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(BadToken::Malformed)?;
    if claims.exp <= now {
        return Err(BadToken::Expired);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            sub: "user-7".to_owned(),
            class: "free".to_owned(),
            exp: 1_000,
        }
    }

    // Lost if broken: anybody is whoever they say.
    #[test]
    fn a_token_is_believed_until_it_expires_and_only_as_it_was_written() {
        let secret = Secret::new("0123456789abcdef");
        let token = issue(&secret, &claims());
        assert_eq!(check(&secret, &token, 999), Ok(claims()));
        assert_eq!(check(&secret, &token, 1_000), Err(BadToken::Expired));
        let other = Secret::new("0123456789abcdeg");
        assert_eq!(check(&other, &token, 0), Err(BadToken::Forged));
        let richer = Claims {
            class: "premium".to_owned(),
            ..claims()
        };
        let (payload, signature) = (
            issue(&secret, &richer),
            token.rsplit('.').next().expect("a signature").to_owned(),
        );
        let mixed = format!("{}.{signature}", payload.rsplit_once('.').expect("parts").0);
        assert_eq!(check(&secret, &mixed, 0), Err(BadToken::Forged));
    }

    // Lost if broken: a token that says it needs no signature.
    #[test]
    fn the_algorithm_is_not_the_tokens_to_choose() {
        let secret = Secret::new("0123456789abcdef");
        let none = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).expect("JSON"));
        for token in [
            format!("{none}.{payload}."),
            format!("{HEADER}.{payload}."),
            format!("{HEADER}.{payload}"),
            String::new(),
            "a.b.c.d".to_owned(),
        ] {
            assert!(check(&secret, &token, 0).is_err(), "{token}");
        }
    }
}
