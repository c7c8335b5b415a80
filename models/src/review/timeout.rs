//! Time-outs against each other, and against what they wait for.

use super::average::mean;
use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{path, set};
use crate::file::scenario::Counts;
use crate::units::{show_number, show_seconds, show_share};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "client-gives-up-before-the-model",
        severity: Severity::Contradiction,
        meaning: "The client gives up before the model's average answer is there: most calls are paid for and seen by \
                  nobody.",
        source: "the model's speed in the file or the catalogue; nodejs.org: a disconnect does not stop a handler",
        date: "2026-11-24",
        check: before_the_model,
    },
    Rule {
        id: "objective-faster-than-the-model",
        severity: Severity::Contradiction,
        meaning: "The scenario asks for a percentile of latency that its requests do not reach even on an idle system.",
        source: "arithmetic of the endpoints' steps on an idle system",
        date: "2026-11-24",
        check: objective,
    },
    Rule {
        id: "pool-waits-longer-than-the-client",
        severity: Severity::Contradiction,
        meaning: "A request may wait for a connection longer than its client waits for the answer, or longer than the \
                  server's own deadline: connections go to requests that nobody waits for.",
        source: "pg-pool 3.14.0 index.js: the timer covers the line and opening a connection",
        date: "2026-11-24",
        check: pool_over_client,
    },
    Rule {
        id: "deadline-after-the-client",
        severity: Severity::Risk,
        meaning: "The server gives a request up later than its client does: the deadline saves nothing.",
        source: "arithmetic",
        date: "2026-11-24",
        check: deadline_after,
    },
    Rule {
        id: "provider-held-for-the-gone",
        severity: Severity::Risk,
        meaning: "A call may hang, with its retries, far longer than any client waits. Meanwhile it holds a place in the \
                  queue: a provider that hangs takes all of them.",
        source: "openai 7.57.0 client.js: 10 minutes an attempt, and time-outs are tried again",
        date: "2026-11-24",
        check: held_for_the_gone,
    },
    Rule {
        id: "health-restart-before-removal",
        severity: Severity::Contradiction,
        meaning: "An instance that fails its checks is restarted no later than it is taken out of traffic.",
        source: "render.com/docs/health-checks: out after 15 s, restarted after 60 s",
        date: "2026-11-24",
        check: restart_before_removal,
    },
];

fn before_the_model(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (client_name, client) in design
        .system
        .client
        .iter()
        .filter(|(name, _)| design.is_client_used(name))
    {
        for call in design.calls.iter().filter(|call| !call.is_later) {
            let whole = client.timeout.map(|timeout| timeout.seconds());
            let first = client.first_byte_timeout.map(|timeout| timeout.seconds());
            let first_byte = if call.stream { call.first } else { call.seconds };
            let short = [
                ("timeout", whole, call.seconds),
                ("first_byte_timeout", first, first_byte),
            ]
            .into_iter()
            .find_map(|(key, limit, needed)| Some((key, limit.filter(|&limit| limit < needed)?, needed)));
            if let Some((key, limit, needed)) = short {
                let path = format!("client.{}.{key}", super::words::part(client_name.as_str()));
                found.push(Found {
                    title: format!(
                        "`{client_name}` gives `{}` up before the model has answered",
                        call.endpoint
                    ),
                    arithmetic: format!(
                        "`{}` takes {} on average; the client waits {}",
                        call.model,
                        show_seconds(needed),
                        show_seconds(limit)
                    ),
                    cure: format!("{}, or a stream", set(&path, format!("{}s", (needed * 4.0).ceil()))),
                    subject: path,
                });
            }
        }
    }
    found
}

fn objective(design: &Design<'_>) -> Vec<Found> {
    let Some(scenario) = design.scenario else {
        return Vec::new();
    };
    let goals = &scenario.objectives.goals;
    let by_tool = goals.counts == Some(Counts::Tool);
    let mut found = Vec::new();
    for (name, bound, rest) in [
        ("p50", goals.p50, 0.50),
        ("p90", goals.p90, 0.10),
        ("p95", goals.p95, 0.05),
        ("p99", goals.p99, 0.01),
    ] {
        let Some(bound) = bound.map(|bound| bound.seconds()) else {
            continue;
        };
        // An endpoint that needs a multiple of the bound on average is seldom below it.
        const CLEARLY: f64 = 1.5;
        let total = design.traffic.requests();
        let mut share = 0.0;
        let mut slowest = (0.0, "");
        for (&endpoint, &times) in &design.traffic.session.requests {
            let streams = design.calls.iter().any(|call| call.endpoint == endpoint && call.stream);
            let needed = design.ideal(endpoint);
            if needed > CLEARLY * bound && !(streams && by_tool) {
                share += times / total;
                if needed > slowest.0 {
                    slowest = (needed, endpoint);
                }
            }
        }
        if share > rest {
            found.push(Found {
                subject: format!("objectives.{name}"),
                title: format!(
                    "a {name} below {} cannot be met, whatever the load",
                    show_seconds(bound)
                ),
                arithmetic: format!(
                    "{} of requests need longer with nobody else there: `{}` takes {} on average",
                    show_share(share),
                    slowest.1,
                    show_seconds(slowest.0)
                ),
                cure: "judge those endpoints on their own, or stream and judge the first byte".to_owned(),
            });
            break;
        }
    }
    found
}

fn pool_over_client(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let client = design.impatient_client();
    for (name, pool) in design.system.pool.iter() {
        let Some(wait) = pool
            .timeout
            .as_ref()
            .and_then(mean)
            .filter(|_| pool.on && pool.database.is_some())
        else {
            continue;
        };
        let deadline = design
            .service(pool.service.as_ref())
            .and_then(|(name, service)| Some((name, service.deadline?.seconds())));
        let shortest = [client, deadline]
            .into_iter()
            .flatten()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, limit)| *limit <= wait);
        if let Some((who, limit)) = shortest {
            let path = path(name.as_str(), "timeout");
            found.push(Found {
                title: format!("`{name}` makes requests wait longer than `{who}` waits for them"),
                arithmetic: format!(
                    "{} for a connection, {} for the answer",
                    show_seconds(wait),
                    show_seconds(limit)
                ),
                cure: set(&path, format!("{}ms", (limit * 250.0).floor().max(1.0))),
                subject: path,
            });
        }
    }
    found
}

fn deadline_after(design: &Design<'_>) -> Vec<Found> {
    let Some((client, patience)) = design.impatient_client() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let Some(deadline) = service.deadline.map(|deadline| deadline.seconds()) else {
            continue;
        };
        if deadline > patience {
            let path = path(name.as_str(), "deadline");
            found.push(Found {
                title: format!(
                    "`{name}` works on for {} after `{client}` has gone",
                    show_seconds(deadline - patience)
                ),
                arithmetic: format!(
                    "deadline {}, the client waits {}",
                    show_seconds(deadline),
                    show_seconds(patience)
                ),
                cure: set(&path, format!("{}ms", (patience * 900.0).floor())),
                subject: path,
            });
        }
    }
    found
}

fn held_for_the_gone(design: &Design<'_>) -> Vec<Found> {
    let Some((client, patience)) = design.impatient_client() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, provider) in design.system.provider.iter() {
        let call = design
            .calls
            .iter()
            .find(|call| call.provider == name.as_str() && !call.is_later);
        let Some(call) = call else { continue };
        let attempts = f64::from(provider.retry.max.min(1000)) + 1.0;
        let timeout = provider.timeout.seconds();
        let worst = timeout * attempts;
        let cancels = call
            .service
            .and_then(|service| design.system.service.get(service))
            .is_some_and(|service| service.cancel || service.deadline.is_some());
        if worst <= 2.0 * patience || cancels || provider.breaker.is_some() {
            continue;
        }
        let slots = call
            .queue
            .and_then(|queue| design.system.queue.get(queue))
            .and_then(|queue| queue.concurrency);
        let rest = slots.map_or_else(String::new, |slots| {
            format!(
                "; {slots} slots of hung calls let one through every {}",
                show_seconds(worst / f64::from(slots))
            )
        });
        let path = path(name.as_str(), "timeout");
        found.push(Found {
            title: format!("a call of `{name}` that hangs is held long after `{client}` has gone"),
            arithmetic: format!(
                "{} x {} attempts = {}; the client waits {}{rest}",
                show_seconds(timeout),
                show_number(attempts),
                show_seconds(worst),
                show_seconds(patience)
            ),
            cure: format!(
                "{}, or a breaker: `breaker = {{ failures = 20, window = \"30s\", open_for = \"30s\" }}`",
                set(&path, format!("{}s", (patience / attempts).floor().max(1.0)))
            ),
            subject: path,
        });
    }
    found
}

fn restart_before_removal(design: &Design<'_>) -> Vec<Found> {
    let services = design.system.service.iter();
    let wrong = services.filter(|(_, service)| service.health.restart_after <= service.health.out_after);
    wrong
        .map(|(name, service)| Found {
            subject: path(name.as_str(), "health.restart_after"),
            title: format!("`{name}` is restarted before it is taken out of traffic"),
            arithmetic: format!(
                "restarted after {}, out after {}",
                show_seconds(service.health.restart_after.seconds()),
                show_seconds(service.health.out_after.seconds())
            ),
            cure: set(
                &path(name.as_str(), "health.restart_after"),
                format!("{}s", (service.health.out_after.seconds() * 4.0).ceil()),
            ),
        })
        .collect()
}
