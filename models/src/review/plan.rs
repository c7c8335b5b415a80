//! Plans that end, sleep or are of the wrong size.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{path, set};
use crate::units::show_number;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "free-database-is-deleted",
        severity: Severity::Risk,
        meaning: "The platform deletes a free database after a month, with all that is in it.",
        source: "Render's free database (third party's description)",
        date: "2026-04-29",
        check: free_database,
    },
    Rule {
        id: "free-service-sleeps",
        severity: Severity::Risk,
        meaning: "A free instance sleeps after a quarter of an hour without a request; the next one waits for its start.",
        source: "Render, instance types",
        date: "2026-08-18",
        check: free_service,
    },
    Rule {
        id: "free-cache-forgets",
        severity: Severity::Note,
        meaning: "The platform's free cache loses everything with a restart.",
        source: "Render, prices of services: a free Key Value has no disk",
        date: "2026-08-03",
        check: free_cache,
    },
    Rule {
        id: "catalogue-is-not-the-latest",
        severity: Severity::Note,
        meaning: "The system names an earlier edition of the catalogue: its plans, prices, limits and models are those of \
                  that day.",
        source: "the catalogue's editions: `highwater explain FIGURE` shows each",
        date: "2026-11-24",
        check: old_catalogue,
    },
    Rule {
        id: "cores-above-plan",
        severity: Severity::Contradiction,
        meaning: "The file gives a service or database more cores than its plan has.",
        source: "Render, instance types",
        date: "2026-08-18",
        check: more_cores,
    },
    Rule {
        id: "memory-above-plan",
        severity: Severity::Contradiction,
        meaning: "The file gives a service more memory than its plan has.",
        source: "Render, instance types",
        date: "2026-08-18",
        check: more_memory,
    },
];

fn free_database(design: &Design<'_>) -> Vec<Found> {
    let databases = design.system.database.iter();
    let free = databases.filter(|(_, database)| database.plan.as_ref().is_some_and(|plan| plan.as_str() == "free"));
    free.map(|(name, _)| Found {
        subject: path(name.as_str(), "plan"),
        title: format!("`{name}` is deleted after 30 days"),
        arithmetic: "plan \"free\": 1 GB, 30 days".to_owned(),
        cure: set(&path(name.as_str(), "plan"), "basic-256mb"),
    })
    .collect()
}

fn free_service(design: &Design<'_>) -> Vec<Found> {
    let services = design.system.service.iter();
    let free = services.filter(|(_, service)| service.plan.as_ref().is_some_and(|plan| plan.as_str() == "free"));
    free.map(|(name, service)| Found {
        subject: path(name.as_str(), "plan"),
        title: format!("`{name}` sleeps when nobody comes"),
        arithmetic: format!(
            "after 15 minutes without a request; the next one waits {}",
            crate::units::show_seconds(super::average::mean(&service.boot).unwrap_or(0.0))
        ),
        cure: set(&path(name.as_str(), "plan"), "starter"),
    })
    .collect()
}

fn free_cache(design: &Design<'_>) -> Vec<Found> {
    let caches = design.system.cache.iter();
    let free = caches.filter(|(_, cache)| cache.plan.as_ref().is_some_and(|plan| plan.as_str() == "free"));
    free.map(|(name, _)| Found {
        subject: path(name.as_str(), "plan"),
        title: format!("`{name}` is empty after each restart of its server"),
        arithmetic: "plan \"free\": 25 MB in memory alone".to_owned(),
        cure: set(&path(name.as_str(), "plan"), "starter"),
    })
    .collect()
}

fn old_catalogue(design: &Design<'_>) -> Vec<Found> {
    let latest = crate::catalogue::Edition::latest();
    let uses_it = design.system.service.iter().any(|(_, service)| service.plan.is_some())
        || design
            .system
            .database
            .iter()
            .any(|(_, database)| database.plan.is_some())
        || design.system.cache.iter().any(|(_, cache)| cache.plan.is_some())
        || !design.calls.is_empty();
    if !uses_it || design.edition.date() == latest.date() {
        return Vec::new();
    }
    vec![Found {
        subject: "catalogue".to_owned(),
        title: "plans, prices and models are those of an earlier day".to_owned(),
        arithmetic: format!(
            "edition {} in the file, the latest is {}",
            design.edition.date(),
            latest.date()
        ),
        cure: format!("{}, to see what has changed", set("catalogue", "latest")),
    }]
}

fn more_cores(design: &Design<'_>) -> Vec<Found> {
    let services = design.system.service.iter().filter_map(|(name, service)| {
        let plan = design.web_plan(service)?;
        Some((name, service.cores?, plan.cores.value, plan.name.as_str()))
    });
    let databases = design.system.database.iter().filter_map(|(name, database)| {
        let plan = design.database_plan(database.plan.as_ref())?;
        Some((name, database.cores?, plan.cores.value, plan.name.as_str()))
    });
    services
        .chain(databases)
        .filter(|(_, given, known, _)| given > known)
        .map(|(name, given, known, plan)| Found {
            subject: path(name.as_str(), "cores"),
            title: format!("`{name}` is given more cores than its plan has"),
            arithmetic: format!("{} in the file, {} in `{plan}`", show_number(given), show_number(known)),
            cure: format!("{}, or leave it out", set(&path(name.as_str(), "cores"), known)),
        })
        .collect()
}

fn more_memory(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let (Some(given), Some(plan)) = (service.memory.limit, design.web_plan(service)) else {
            continue;
        };
        if given.get() > plan.memory.value {
            found.push(Found {
                subject: path(name.as_str(), "memory.limit"),
                title: format!("`{name}` is given more memory than its plan has"),
                arithmetic: format!(
                    "{} in the file, {} in `{}`",
                    crate::units::show_bytes(given.get() as f64),
                    crate::units::show_bytes(plan.memory.value as f64),
                    plan.name
                ),
                cure: "leave it out, or take a larger plan".to_owned(),
            });
        }
    }
    found
}
