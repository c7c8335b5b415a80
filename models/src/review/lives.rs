//! Instances' lives: one alone, deploys, what SIGTERM does.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{many, path, set};
use crate::file::system::OnSigterm;
use crate::units::{show_number, show_seconds};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "grace-shorter-than-a-call",
        severity: Severity::Contradiction,
        meaning: "An instance that is replaced is killed before the average call of a model can end: every deploy loses \
                  most of what is in hand.",
        source: "Render, how zero-downtime deploys work: SIGKILL after the grace period",
        date: "2026-04-01",
        check: grace_too_short,
    },
    Rule {
        id: "deploy-loses-slow-calls",
        severity: Severity::Risk,
        meaning: "A call that is slower than the grace period is lost with each deploy, and the time-out lets it be.",
        source: "Render, how zero-downtime deploys work: SIGKILL after the grace period; openai 7.57.0 client.js",
        date: "2026-04-01",
        check: deploy_loses,
    },
    Rule {
        id: "sigterm-lingers",
        severity: Severity::Risk,
        meaning: "At SIGTERM the program closes its pool and keeps its server open: until it is killed, whatever reaches \
                  it fails at the database.",
        source: "pg-pool 3.14.0 index.js: after end() a checkout is refused; a signal listener cancels Node's exit",
        date: "2026-11-24",
        check: lingers,
    },
    Rule {
        id: "single-instance",
        severity: Severity::Note,
        meaning: "One instance: while it crashes or is restarted there is no service.",
        source: "docs.render.com/uptime-best-practices",
        date: "2026-11-24",
        check: single,
    },
    Rule {
        id: "keep-alive-shorter-than-the-proxy",
        severity: Severity::Note,
        meaning: "The server closes idle connections after a few seconds, and the platform's proxy may just then send a \
                  request on one: sporadic 502s at no load at all.",
        source: "nodejs/node #59193 and PR #62782: 5 s to version 25, 65 s from 26",
        date: "2026-11-24",
        check: keep_alive,
    },
];

/// Of each service: its slowest call, and how long that may take.
fn calls<'a>(design: &Design<'a>) -> Vec<(&'a str, f64, f64, f64, &'a str)> {
    let mut found = Vec::new();
    for (name, service) in design
        .system
        .service
        .iter()
        .filter(|(_, service)| service.plan.is_some())
    {
        let slowest = design
            .calls
            .iter()
            .filter(|call| call.service == Some(name.as_str()))
            .max_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let Some(call) = slowest else { continue };
        let Some(provider) = design.system.provider.get(call.provider) else {
            continue;
        };
        let worst = provider.timeout.seconds() * (f64::from(provider.retry.max.min(1000)) + 1.0);
        let worst = service.deadline.map_or(worst, |deadline| worst.min(deadline.seconds()));
        found.push((
            name.as_str(),
            service.deploy.shutdown.seconds(),
            call.seconds,
            worst,
            call.endpoint,
        ));
    }
    found
}

fn longer_grace(name: &str, needed: f64) -> String {
    let path = path(name, "deploy.shutdown");
    // The platform's own limit on the delay.
    const MOST: f64 = 300.0;
    format!(
        "{} (at most {})",
        set(&path, format!("{}s", needed.ceil().min(MOST))),
        show_seconds(MOST)
    )
}

fn grace_too_short(design: &Design<'_>) -> Vec<Found> {
    let short = calls(design).into_iter().filter(|(_, grace, mean, _, _)| mean > grace);
    short
        .map(|(name, grace, mean, _, endpoint)| Found {
            subject: path(name, "deploy.shutdown"),
            title: format!("a deploy of `{name}` kills the average `{endpoint}`"),
            arithmetic: format!(
                "{} of grace; the model takes {} on average",
                show_seconds(grace),
                show_seconds(mean)
            ),
            cure: longer_grace(name, mean * 4.0),
        })
        .collect()
}

fn deploy_loses(design: &Design<'_>) -> Vec<Found> {
    let lost = calls(design)
        .into_iter()
        .filter(|(_, grace, mean, worst, _)| mean <= grace && worst > grace);
    lost.map(|(name, grace, mean, worst, endpoint)| Found {
        subject: path(name, "deploy.shutdown"),
        title: format!(
            "each deploy of `{name}` loses calls slower than {}",
            show_seconds(grace)
        ),
        arithmetic: format!(
            "`{endpoint}` takes {} on average and may take {}; the queue before it comes on top",
            show_seconds(mean),
            show_seconds(worst)
        ),
        cure: longer_grace(name, (grace * 4.0).max(120.0)),
    })
    .collect()
}

fn lingers(design: &Design<'_>) -> Vec<Found> {
    let services = design.system.service.iter();
    let lingering = services.filter(|(_, service)| service.deploy.on_sigterm == OnSigterm::Linger);
    lingering
        .map(|(name, service)| Found {
            subject: path(name.as_str(), "deploy.on_sigterm"),
            title: format!("an instance of `{name}` that is told to stop goes on and fails"),
            arithmetic: format!(
                "{} from SIGTERM to SIGKILL, with the pool closed and the server open",
                show_seconds(service.deploy.shutdown.seconds())
            ),
            cure: format!(
                "{}: close the server, wait for what is in hand, then close the pool",
                set(&path(name.as_str(), "deploy.on_sigterm"), "drain")
            ),
        })
        .collect()
}

fn single(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design
        .system
        .service
        .iter()
        .filter(|(_, service)| service.plan.is_some())
    {
        let (fewest, key) = if service.scaling.on {
            (service.scaling.min, "scaling.min")
        } else {
            (service.instances, "instances")
        };
        if fewest > 1 {
            continue;
        }
        let boot = super::average::mean(&service.boot).unwrap_or(0.0);
        found.push(Found {
            subject: path(name.as_str(), key),
            title: format!("`{name}` has one instance and no other to take over"),
            arithmetic: format!(
                "{}; a crash is {} without any",
                many(u64::from(fewest), "instance", "instances"),
                show_seconds(boot)
            ),
            cure: format!(
                "{}, which costs a second one",
                set(&path(name.as_str(), key), show_number(2.0))
            ),
        });
    }
    found
}

fn keep_alive(design: &Design<'_>) -> Vec<Found> {
    /// What later versions of the runtime have.
    const ENOUGH: f64 = 60.0;
    let services = design.system.service.iter();
    let short = services.filter(|(_, service)| {
        service.plan.is_some() && Design::is_node(service) && service.sockets.keep_alive.seconds() < ENOUGH
    });
    short
        .map(|(name, service)| Found {
            subject: path(name.as_str(), "sockets.keep_alive"),
            title: format!("`{name}` closes connections that the platform's proxy still uses"),
            arithmetic: format!(
                "closed after {} idle; the runtime's newer versions wait 65 s",
                show_seconds(service.sockets.keep_alive.seconds())
            ),
            cure: format!(
                "{} (`server.keepAliveTimeout`)",
                set(&path(name.as_str(), "sockets.keep_alive"), "65s")
            ),
        })
        .collect()
}
