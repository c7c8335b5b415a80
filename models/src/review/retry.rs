//! Retries: how they multiply, and whether they come together.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{list, path, set, ticked};
use crate::Cause;
use crate::file::Jitter;
use crate::units::show_number;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "retries-multiply",
        severity: Severity::Risk,
        meaning: "Client, program and client library each try again: in an outage every wish becomes many calls, and the \
                  load grows when the provider is weakest.",
        source: "openai 7.57.0 client.js: 2 retries; React Query: 3 for queries",
        date: "2026-11-24",
        check: multiply,
    },
    Rule {
        id: "retries-in-step",
        severity: Severity::Risk,
        meaning: "Clients wait the same fixed times without chance and without a budget: those that failed together come \
                  back together.",
        source: "React Query: 1, 2, 4 s without jitter; AWS builders' library, timeouts, retries and backoff with jitter",
        date: "2026-11-24",
        check: in_step,
    },
    Rule {
        id: "refusals-are-retried",
        severity: Severity::Risk,
        meaning: "The client tries again what a limiter refused, without waiting as long as it was told: the retries are \
                  refused too.",
        source: "express-rate-limit 8.7.5: Retry-After on every refusal",
        date: "2026-11-24",
        check: refusals,
    },
];

fn multiply(design: &Design<'_>) -> Vec<Found> {
    /// The client library's own three tries are what one expects.
    const USUAL: f64 = 3.0;
    let mut found = Vec::new();
    for call in &design.calls {
        let Some(provider) = design.system.provider.get(call.provider) else {
            continue;
        };
        let library = f64::from(provider.retry.max) + 1.0;
        let endpoint = design.system.endpoint.get(call.endpoint);
        let clients = design
            .system
            .client
            .iter()
            .filter(|(name, _)| design.is_client_used(name));
        let mut client = 1.0_f64;
        for (_, one) in clients {
            let retried = endpoint.is_some_and(|endpoint| one.retry_kinds.contains(&endpoint.kind));
            if let Some(retry) = one.retry.as_ref().filter(|_| retried && one.retry_budget.is_none()) {
                client = client.max(f64::from(retry.max) + 1.0);
            }
        }
        let all = client * call.attempts * library;
        if all <= USUAL {
            continue;
        }
        let mut parts = Vec::new();
        for (attempts, whose) in [
            (client, "of the client"),
            (call.attempts, "of the program"),
            (library, "of the client library"),
        ] {
            if attempts > 1.0 {
                parts.push(format!("{} {whose}", show_number(attempts)));
            }
        }
        if parts.len() > 1 {
            found.push(Found {
                subject: format!("endpoint.{}", super::words::part(call.endpoint)),
                title: format!(
                    "one `{}` may become {} calls of `{}`",
                    call.endpoint,
                    show_number(all),
                    call.provider
                ),
                arithmetic: format!("{} tries = {}", parts.join(" x "), show_number(all)),
                cure: format!("retry in one place: {}", set(&path(call.provider, "retry.max"), 0)),
            });
        }
    }
    found
}

fn in_step(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, client) in design
        .system
        .client
        .iter()
        .filter(|(name, _)| design.is_client_used(name))
    {
        let Some(retry) = client.retry.as_ref().filter(|retry| retry.max > 0) else {
            continue;
        };
        let has_chance = retry.wait.as_ref().is_some_and(|wait| wait.jitter != Jitter::None);
        // Only if anything that this client sends is retried at all.
        let retried: Vec<&str> = design
            .system
            .endpoint
            .iter()
            .filter(|(endpoint, declared)| {
                client.retry_kinds.contains(&declared.kind) && design.traffic.requests_of(endpoint.as_str()) > 0.0
            })
            .map(|(endpoint, _)| endpoint.as_str())
            .collect();
        if has_chance || client.retry_budget.is_some() || retried.is_empty() {
            continue;
        }
        let path = format!("client.{}.retry.wait.jitter", super::words::part(name.as_str()));
        let shown: Vec<&str> = retried.iter().copied().take(3).collect();
        let more = if retried.len() > shown.len() { " and others" } else { "" };
        let tries = f64::from(retry.max) + 1.0;
        let cure = if retry.wait.is_some() {
            set(&path, "full")
        } else {
            "give it a wait with jitter: `wait = { base = \"1s\", jitter = \"full\" }`".to_owned()
        };
        found.push(Found {
            subject: path,
            title: format!("the retries of `{name}` come back together"),
            arithmetic: format!(
                "up to {} tries of {}{more}, all after the same waits",
                show_number(tries),
                list(&ticked(&shown))
            ),
            cure: format!("{cure}, and `retry_budget = 0.1`"),
        });
    }
    found
}

fn refusals(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, client) in design
        .system
        .client
        .iter()
        .filter(|(name, _)| design.is_client_used(name))
    {
        let retries = client
            .retry_on
            .as_ref()
            .is_some_and(|causes| causes.contains(&Cause::RateLimited));
        let Some(retry) = client
            .retry
            .as_ref()
            .filter(|retry| retries && retry.max > 0 && !retry.honour_retry_after)
        else {
            continue;
        };
        let path = format!("client.{}.retry.honour_retry_after", super::words::part(name.as_str()));
        found.push(Found {
            title: format!("`{name}` tries again what a limiter has refused"),
            arithmetic: format!(
                "up to {} requests instead of one, within the same window",
                show_number(f64::from(retry.max) + 1.0)
            ),
            cure: set(&path, true),
            subject: path,
        });
    }
    found
}
