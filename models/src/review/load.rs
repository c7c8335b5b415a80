//! The scenario's traffic against what the parts can do at most: where a run would stand still, without running it.

use super::design::Design;
use super::finding::Severity;
use super::provider::{tokens_per_call, tokens_text};
use super::queue;
use super::rule::{Found, Rule};
use super::words::{path, set};
use crate::file::system::Database;
use crate::units::{show_number, show_seconds};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "load-over-cpu",
        severity: Severity::Risk,
        meaning: "At its height the scenario needs more CPU than all instances that there can be have.",
        source: "arithmetic of the scenario on an idle system",
        date: "2026-11-24",
        check: over_cpu,
    },
    Rule {
        id: "load-over-queue",
        severity: Severity::Risk,
        meaning: "At its height the scenario brings more jobs than all queues that there can be finish.",
        source: "p-queue 10.0.0: throughput is the smaller of cap per interval and concurrency over time",
        date: "2026-11-24",
        check: over_queue,
    },
    Rule {
        id: "load-over-provider",
        severity: Severity::Risk,
        meaning: "At its height the scenario needs more tokens or requests a minute than the account has.",
        source: "OpenAI, rate-limits guide",
        date: "2026-11-24",
        check: over_provider,
    },
    Rule {
        id: "load-over-database",
        severity: Severity::Risk,
        meaning: "At its height the scenario's queries need more CPU than the database has, even if every look-up in a \
                  cache hits.",
        source: "arithmetic of the scenario on an idle system",
        date: "2026-11-24",
        check: over_database,
    },
];

fn over_cpu(design: &Design<'_>) -> Vec<Found> {
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let Some(cores) = design.cores(service) else { continue };
        let (on_loop, beside) = design.traffic.cpu_of(name.as_str());
        let instances = Design::instances_most(service) as f64;
        let loops = f64::from(service.processes).min(cores);
        let (needed, has, what) = if Design::is_node(service) && on_loop / loops >= (on_loop + beside) / cores {
            (sessions * on_loop, loops * instances, "of event loops")
        } else {
            (sessions * (on_loop + beside), cores * instances, "of cores")
        };
        if needed > has {
            found.push(Found {
                subject: path(name.as_str(), "plan"),
                title: format!("the load needs more CPU than `{name}` can have"),
                arithmetic: format!(
                    "{} sessions a second x {} = {} cores; {} {what} on {}",
                    show_number(sessions),
                    show_seconds(needed / sessions),
                    show_number(needed),
                    show_number(has),
                    super::words::many(instances as u64, "instance", "instances")
                ),
                cure: "more instances, or less work for a request".to_owned(),
            });
        }
    }
    found
}

fn over_queue(design: &Design<'_>) -> Vec<Found> {
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in queue::throughputs(design) {
        let (name, service, each) = (line.name, line.service, line.rate);
        let jobs: f64 = design
            .calls
            .iter()
            .filter(|call| call.queue == Some(name.as_str()))
            .map(|call| design.traffic.requests_of(call.endpoint) * call.times)
            .sum();
        let needed = sessions * jobs;
        let processes = design.processes_most(service) as f64;
        if needed > each * processes {
            found.push(Found {
                subject: path(
                    name.as_str(),
                    if line.window.is_some() {
                        "interval_cap"
                    } else {
                        "concurrency"
                    },
                ),
                title: format!("the load brings more jobs than `{name}` finishes"),
                arithmetic: format!(
                    "{} jobs a second at the height; {} a second x {} = {}",
                    show_number(needed),
                    show_number(each),
                    design.times_text(service),
                    show_number(each * processes)
                ),
                cure: format!(
                    "{} would do for it, where the provider's limits allow it",
                    match line.window {
                        Some(window) => set(
                            &path(name.as_str(), "interval_cap"),
                            (needed * window / processes * 1.2).ceil()
                        ),
                        None => set(
                            &path(name.as_str(), "concurrency"),
                            (needed * line.seconds / processes * 1.2).ceil()
                        ),
                    }
                ),
            });
        }
    }
    found
}

fn over_provider(design: &Design<'_>) -> Vec<Found> {
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, provider) in design.system.provider.iter() {
        let calls = |tokens: bool| -> f64 {
            let ours = design
                .calls
                .iter()
                .filter(|call| call.provider == name.as_str() && (!tokens || call.charged > 0.0));
            ours.map(|call| design.traffic.requests_of(call.endpoint) * call.times)
                .sum()
        };
        let requests = sessions * calls(false) * 60.0;
        let each = tokens_per_call(design, name.as_str()).unwrap_or(0.0);
        let tokens = sessions * calls(true) * 60.0 * each;
        let (key, needed, limit, arithmetic) = match (provider.tokens_per_minute, provider.requests_per_minute) {
            (Some(limit), _) if tokens > limit as f64 => (
                "tokens_per_minute",
                tokens,
                limit,
                format!(
                    "{}; {} calls a minute = {} tokens; the account has {}",
                    tokens_text(design, name.as_str()),
                    show_number(tokens / each),
                    show_number(tokens),
                    show_number(limit as f64)
                ),
            ),
            (_, Some(limit)) if requests > limit as f64 => (
                "requests_per_minute",
                requests,
                limit,
                format!(
                    "{} calls a minute; the account has {}",
                    show_number(requests),
                    show_number(limit as f64)
                ),
            ),
            _ => continue,
        };
        found.push(Found {
            subject: path(name.as_str(), key),
            title: format!(
                "the load asks for {} times what the account of `{name}` has",
                show_number(needed / limit as f64)
            ),
            arithmetic,
            cure:
                "ask for a higher limit long before, let fewer calls wait at once, or switch to a model with a higher \
                   limit"
                    .to_owned(),
        });
    }
    found
}

fn over_database(design: &Design<'_>) -> Vec<Found> {
    let Some(sessions) = design.traffic.sessions_per_second() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, database) in design.system.database.iter() {
        let plan = design.database_plan(database.plan.as_ref());
        let Some(cores) = database.cores.or(plan.map(|plan| plan.cores.value)) else {
            continue;
        };
        let mut each = 0.0;
        for (&endpoint, &times) in &design.traffic.session.requests {
            design.walk_request(endpoint, &mut |step, place| {
                if let crate::file::step::Step::Query(query) = step
                    && !place.is_miss
                    && behind(design, query).is_some_and(|behind| std::ptr::eq(behind, database))
                {
                    let kind = query.kind.as_ref().and_then(|kind| database.query.get(kind.as_str()));
                    let cpu = kind.map(|kind| &kind.cpu).or(query.cpu.as_ref());
                    let cpu = cpu.map_or(0.0, super::average::mean_or_zero);
                    each += times * place.times * f64::from(query.times) * cpu;
                }
            });
        }
        let needed = sessions * each;
        if needed > cores {
            found.push(Found {
                subject: path(name.as_str(), "plan"),
                title: format!("the load needs more CPU than `{name}` has"),
                arithmetic: format!(
                    "{} sessions a second x {} of queries = {} cores; it has {}",
                    show_number(sessions),
                    show_seconds(each),
                    show_number(needed),
                    show_number(cores)
                ),
                cure: "a larger plan, an index, or a cache in front of what is read most".to_owned(),
            });
        }
    }
    found
}

fn behind<'a>(design: &Design<'a>, query: &crate::file::step::QueryStep) -> Option<&'a Database> {
    let pool = design.system.pool.get(query.pool.as_ref()?.as_str())?;
    let behind = pool.database.as_ref()?.as_str();
    let name = design
        .system
        .pooler
        .get(behind)
        .map_or(behind, |pooler| pooler.database.as_str());
    design.system.database.get(name)
}
