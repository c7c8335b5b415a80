//! Limits in words, as results show them beside a resource.
//!
//! Owns: the wording.
//! Never: what a limit does.

use highwater_models::file::system::{Limiter, LimiterKey, Rule};
use highwater_models::units::{show_number, show_rate, show_span};

/// So many of something, in singular or plural: `1 connection`, `20 connections`.
pub(super) fn count(number: u32, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", show_number(f64::from(number)))
}

/// So many cores: `0.5 CPU`.
pub(super) fn cores(cores: f64) -> Option<String> {
    cores.is_finite().then(|| format!("{} CPU", show_number(cores)))
}

/// A limiter's rule and whose count it is: `100 per 15 min and address`.
pub(super) fn limiter(limiter: &Limiter) -> String {
    let (rule, joined) = match &limiter.rule {
        Rule::FixedWindow(window) => (in_time(window.limit, window.per), " and "),
        Rule::SlidingWindow(window) => (in_time(window.limit, window.per), " and "),
        Rule::TokenBucket(bucket) => (
            format!(
                "{}, at most {} at once",
                show_rate(bucket.rate),
                show_number(f64::from(bucket.burst))
            ),
            " per ",
        ),
    };
    let whose = match limiter.key {
        LimiterKey::User => "user",
        LimiterKey::Ip => "address",
        LimiterKey::Session => "session",
        LimiterKey::All => return rule,
    };
    format!("{rule}{joined}{whose}")
}

fn in_time(limit: u32, per: highwater_models::SimSpan) -> String {
    format!("{} per {}", show_number(f64::from(limit)), show_span(per))
}
