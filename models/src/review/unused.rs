//! What stands in the file and is asked by nothing.

use std::collections::BTreeSet;

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::path;
use crate::file::step::Step;
use crate::file::system::LimiterStore;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "safeguard-unused",
        severity: Severity::Contradiction,
        meaning: "A limiter or a queue is declared and no step goes through it: it protects nothing.",
        source: "by definition",
        date: "2026-11-24",
        check: safeguards,
    },
    Rule {
        id: "safeguard-switched-off",
        severity: Severity::Note,
        meaning: "A limiter, a queue or a pool that steps go through is off.",
        source: "by definition",
        date: "2026-11-24",
        check: switched_off,
    },
    Rule {
        id: "cache-entry-unused",
        severity: Severity::Note,
        meaning: "A class of keys is declared and no step looks it up.",
        source: "by definition",
        date: "2026-11-24",
        check: entries,
    },
];

/// Limiters, queues and pools that steps go through.
fn used<'a>(design: &Design<'a>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (endpoint, _) in design.system.endpoint.iter() {
        design.walk_request(endpoint.as_str(), &mut |step, _| {
            let name = match step {
                Step::Limit(name) => Some(name),
                Step::Take(take) => Some(&take.from),
                Step::Query(query) => query.pool.as_ref(),
                Step::Transaction(transaction) => transaction.pool.as_ref(),
                Step::Llm(llm) => llm.queue.as_ref(),
                Step::Transcribe(transcribe) => transcribe.queue.as_ref(),
                _ => None,
            };
            names.extend(name.map(crate::file::Name::as_str));
        });
    }
    names
}

fn safeguards(design: &Design<'_>) -> Vec<Found> {
    let used = used(design);
    let limiters = design.system.limiter.iter().filter(|(_, limiter)| limiter.on);
    let queues = design.system.queue.iter().filter(|(_, queue)| queue.on);
    let all = limiters
        .map(|(name, _)| (name, "limiter", "limit"))
        .chain(queues.map(|(name, _)| (name, "queue", "take")));
    all.filter(|(name, _, _)| !used.contains(name.as_str()))
        .map(|(name, kind, step)| Found {
            subject: format!("{kind}.{}", super::words::part(name.as_str())),
            title: format!("nothing goes through the {kind} `{name}`"),
            arithmetic: format!(
                "0 of {} endpoints have it among their steps",
                design.system.endpoint.len()
            ),
            cure: if step == "limit" {
                format!("add the step {{ limit = \"{name}\" }} where it is meant, or take it out")
            } else {
                format!("name it in the step: `queue = \"{name}\"`, or take it out")
            },
        })
        .collect()
}

fn switched_off(design: &Design<'_>) -> Vec<Found> {
    let used = used(design);
    let limiters = design
        .system
        .limiter
        .iter()
        .map(|(name, limiter)| (name, "limiter", limiter.on));
    let queues = design
        .system
        .queue
        .iter()
        .map(|(name, queue)| (name, "queue", queue.on));
    let pools = design.system.pool.iter().map(|(name, pool)| (name, "pool", pool.on));
    let off = limiters
        .chain(queues)
        .chain(pools)
        .filter(|(name, _, on)| !on && used.contains(name.as_str()));
    off.map(|(name, kind, _)| {
        let path = path(name.as_str(), "on");
        Found {
            title: format!("the {kind} `{name}` is off"),
            arithmetic: "its steps run as if it were not there".to_owned(),
            cure: super::words::set(&path, true),
            subject: path,
        }
    })
    .collect()
}

fn entries(design: &Design<'_>) -> Vec<Found> {
    let mut looked_up = BTreeSet::new();
    for (endpoint, _) in design.system.endpoint.iter() {
        design.walk_request(endpoint.as_str(), &mut |step, _| {
            if let Step::Cache(cache) = step {
                looked_up.insert((
                    cache.cache.as_ref().map(crate::file::Name::as_str),
                    cache.entry.as_str(),
                ));
            }
        });
    }
    let counts = |cache: &str| {
        let limiters = design.system.limiter.iter();
        limiters
            .filter(|(_, limiter)| matches!(&limiter.store, LimiterStore::Cache(store) if store.as_str() == cache))
            .count()
    };
    let mut found = Vec::new();
    for (cache, table) in design.system.cache.iter() {
        for (entry, _) in table.entry.iter() {
            if !looked_up.contains(&(Some(cache.as_str()), entry.as_str())) {
                found.push(Found {
                    subject: format!(
                        "{}.entry.{}",
                        super::words::part(cache.as_str()),
                        super::words::part(entry.as_str())
                    ),
                    title: format!("nothing looks `{entry}` up in `{cache}`"),
                    arithmetic: format!(
                        "0 of {} endpoints; {} limiters count there",
                        design.system.endpoint.len(),
                        counts(cache.as_str())
                    ),
                    cure: "take it out, or put the look-up into the endpoint that it is meant for".to_owned(),
                });
            }
        }
    }
    found
}
