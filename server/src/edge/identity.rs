//! Whose request it is: by a token, by the address for a guest, or as a load generator beside us says.
//!
//! Owns: how names and addresses become the numbers that limits and caches count by.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use highwater_program::model::Model;
use highwater_workload::Key;

use super::complaint::Complaint;
use super::token::{self, BadToken};
use crate::arrival::Person;
use crate::secret::Secret;

/// The person's number, of a load generator.
pub const PERSON: &str = "x-highwater-person";
/// The address's number, of a load generator.
pub const IP: &str = "x-highwater-ip";
/// The class's number, of a load generator.
pub const CLASS: &str = "x-highwater-class";
/// The key from which the request's steps draw, in hexadecimal, of a load generator.
pub const DRAWS: &str = "x-highwater-draws";
/// `no` where the person is not signed in, of a load generator.
pub const SIGNED_IN: &str = "x-highwater-signed-in";

/// Who is let in, and how they are known.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether somebody without a token is let in and counted by the address.
    pub guests: bool,
    /// Whether a load generator on this machine is believed who it speaks for.
    pub load_test: bool,
    /// Whether `X-Forwarded-For` is believed.
    pub trusts_forwarded: bool,
    /// What tokens are signed with.
    pub tokens: Secret,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose request it is.
    pub person: Person,
    /// From which its steps draw, where a load generator says so.
    pub draws: Option<Key>,
    /// Whether a load generator speaks.
    pub is_load_test: bool,
}

/// The address that a request is counted by: the last one that a trusted proxy has added, else the socket's.
#[must_use]
pub fn address(policy: &Policy, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next()?.trim().parse().ok()
    };
    policy.trusts_forwarded.then(forwarded).flatten().unwrap_or(peer.ip())
}

/// Who asks.
///
/// # Errors
/// When they are not known and guests are not allowed, or their token is not believed.
pub fn caller(policy: &Policy, model: &Model, peer: SocketAddr, headers: &HeaderMap) -> Result<Caller, Complaint> {
    if policy.load_test && peer.ip().to_canonical().is_loopback() && headers.contains_key(PERSON) {
        return spoken_for(model, headers);
    }
    let address = number_of_address(address(policy, peer, headers));
    let draws = None;
    let is_load_test = false;
    let Some(token) = bearer(headers) else {
        return if policy.guests {
            let person = Person {
                user: None,
                number: address,
                class: commonest_class(model),
                address,
            };
            Ok(Caller {
                person,
                draws,
                is_load_test,
            })
        } else {
            Err(Complaint::NoToken)
        };
    };
    let claims = token::check(&policy.tokens, token, token::now()).map_err(Complaint::BadToken)?;
    let class = class_of(model, &claims.class).ok_or(Complaint::BadToken(BadToken::Malformed))?;
    let person = Person {
        number: number_of_name(&claims.sub),
        user: Some(claims.sub.into()),
        class,
        address,
    };
    Ok(Caller {
        person,
        draws,
        is_load_test,
    })
}

/// Who a load generator speaks for.
fn spoken_for(model: &Model, headers: &HeaderMap) -> Result<Caller, Complaint> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let number = |name: &'static str| match text(name).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(Complaint::BadJson {
            why: format!("`{name}` is not a number"),
        }),
    };
    let draws = match text(DRAWS).map(|text| u64::from_str_radix(text, 16)) {
        None => None,
        Some(Ok(number)) => Some(Key::from_number(number)),
        Some(Err(_)) => {
            return Err(Complaint::BadJson {
                why: format!("`{DRAWS}` is not a hexadecimal number of 64 bits"),
            });
        }
    };
    let class = number(CLASS)?.unwrap_or(0);
    let class = u8::try_from(class)
        .ok()
        .filter(|class| usize::from(*class) < model.classes.len().max(1));
    let class = class.ok_or_else(|| Complaint::BadJson {
        why: format!("`{CLASS}` is not the number of a class"),
    })?;
    let person = number(PERSON)?.unwrap_or(0);
    let signed_in = text(SIGNED_IN) != Some("no");
    Ok(Caller {
        person: Person {
            user: signed_in.then(|| Arc::from(format!("user-{person}"))),
            number: person,
            class,
            address: number(IP)?.unwrap_or(person),
        },
        draws,
        is_load_test: true,
    })
}

/// What stands behind `Bearer` in a request's head.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(rest.trim())
}

/// The number of a class.
#[must_use]
pub fn class_of(model: &Model, name: &str) -> Option<u8> {
    let at = model.classes.iter().position(|class| class == name)?;
    u8::try_from(at).ok()
}

/// The class that most people of the first stream have; what a guest is taken for.
#[must_use]
pub fn commonest_class(model: &Model) -> u8 {
    let Some(source) = model.sources.first() else { return 0 };
    let mut below = 0.0;
    let mut best = (0.0, 0);
    for &(up_to, class) in &source.classes {
        if up_to - below > best.0 {
            best = (up_to - below, class);
        }
        below = up_to;
    }
    best.1
}

/// The number of a user: the one that ends a name like `user-123`, and else a hash in the upper half of 48 bits, so that the
/// two do not meet. The same in every run.
#[must_use]
pub fn number_of_name(name: &str) -> u64 {
    let digits = name.rsplit_once('-').map(|(_, digits)| digits);
    let plain =
        digits.filter(|digits| !digits.is_empty() && digits.len() <= 14 && digits.bytes().all(|b| b.is_ascii_digit()));
    match plain
        .and_then(|digits| digits.parse::<u64>().ok())
        .filter(|number| *number < 1 << 47)
    {
        Some(number) => number,
        None => (1 << 47) | (hash(name) & ((1 << 47) - 1)),
    }
}

/// FNV-1a over 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The number of an address: all of IPv4's, and of IPv6 the network of 64 bits, of which one subscriber has all.
#[must_use]
pub fn number_of_address(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: a load test and a simulation that count different people under one limit.
    #[test]
    fn people_are_numbered_by_their_names() {
        assert_eq!(number_of_name("user-123"), 123);
        assert_eq!(number_of_name("user-0"), 0);
        for name in ["ann", "user-", "user-12x", "user-99999999999999999999", ""] {
            assert!(number_of_name(name) >= 1 << 47, "{name}");
            assert_eq!(number_of_name(name) >> 48, 0, "{name}");
        }
        assert_ne!(number_of_name("ann"), number_of_name("bob"));
    }

    // Lost if broken: one subscriber with 2^64 addresses, each with a limit of its own; or many seen as one.
    #[test]
    fn addresses_are_counted_by_subscriber() {
        let number = |text: &str| number_of_address(text.parse().expect("an address"));
        assert_eq!(number("127.0.0.1"), 0x7f00_0001);
        assert_eq!(number("::ffff:127.0.0.1"), number("127.0.0.1"));
        assert_eq!(number("2001:db8:1:2::1"), number("2001:db8:1:2:ffff::9"));
        assert_ne!(number("2001:db8:1:2::1"), number("2001:db8:1:3::1"));
    }
}
