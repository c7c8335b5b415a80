//! Cores that are paid for and not used, and work that competes for them.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{many, path, set};
use crate::file::step::Step;
use crate::units::{show_number, show_seconds, show_share};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cores-without-processes",
        severity: Severity::Risk,
        meaning: "An instance has at least twice as many cores as event loops: the rest is paid for and idle.",
        source: "nodejs.org, don't block the event loop",
        date: "2026-11-24",
        check: idle_cores,
    },
    Rule {
        id: "processes-without-cores",
        severity: Severity::Note,
        meaning: "An instance has more event loops than cores: they share the same CPU, and each brings a pool, a queue \
                  and memory of its own.",
        source: "nodejs.org, cluster",
        date: "2026-11-24",
        check: shared_cores,
    },
    Rule {
        id: "work-starves-the-loop",
        severity: Severity::Risk,
        meaning: "Work off the loop, such as hashing passwords, may run on more threads than there are cores: a burst of \
                  it takes the CPU from every other request.",
        source: "nodejs.org, libuv's thread pool: 4 threads",
        date: "2026-11-24",
        check: work_starves,
    },
];

fn idle_cores(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let Some(reading) = design.cpu_reading(name.as_str(), service) else {
            continue;
        };
        let loops = f64::from(service.processes);
        // Work off the loop uses the other cores, as far as there is some.
        if reading.cores < 2.0 * loops || reading.most >= 0.75 {
            continue;
        }
        found.push(Found {
            subject: path(name.as_str(), "processes"),
            title: format!(
                "`{name}` pays for {} cores and can use {}",
                show_number(reading.cores),
                show_number(reading.most * reading.cores)
            ),
            arithmetic: format!(
                "{} an instance, one core each at most: {} of the plan",
                many(u64::from(service.processes), "event loop", "event loops"),
                show_share(reading.most)
            ),
            cure: format!(
                "{} (pools and queues then count twice), or more instances of a smaller plan",
                set(&path(name.as_str(), "processes"), reading.cores.floor())
            ),
        });
    }
    found
}

fn shared_cores(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design
        .system
        .service
        .iter()
        .filter(|(_, service)| Design::is_node(service))
    {
        let Some(cores) = design.cores(service) else { continue };
        let most = cores.ceil().max(1.0);
        if f64::from(service.processes) > most {
            found.push(Found {
                subject: path(name.as_str(), "processes"),
                title: format!("the processes of `{name}` share cores"),
                arithmetic: format!(
                    "{} on {} cores",
                    many(u64::from(service.processes), "process", "processes"),
                    show_number(cores)
                ),
                cure: set(&path(name.as_str(), "processes"), most),
            });
        }
    }
    found
}

fn work_starves(design: &Design<'_>) -> Vec<Found> {
    /// Shorter work than this is over before anybody notices.
    const SHORT: f64 = 0.02;
    let mut found = Vec::new();
    for (name, service) in design
        .system
        .service
        .iter()
        .filter(|(_, service)| Design::is_node(service))
    {
        let Some(cores) = design.cores(service) else { continue };
        let threads = f64::from(service.threads) * f64::from(service.processes);
        let mut longest = (0.0_f64, "");
        for (endpoint, _) in design.system.endpoint.iter() {
            design.walk_request(endpoint.as_str(), &mut |step, place| {
                if let Step::Work(time) = step
                    && place.service == Some(name.as_str())
                {
                    let seconds = super::average::mean_or_zero(time);
                    if seconds > longest.0 {
                        longest = (seconds, place.endpoint);
                    }
                }
            });
        }
        let (seconds, endpoint) = longest;
        if seconds >= SHORT && threads > cores {
            let slowed = seconds * threads / cores;
            found.push(Found {
                subject: path(name.as_str(), "threads"),
                title: format!("a burst of `{endpoint}` takes the CPU from the rest of `{name}`"),
                arithmetic: format!(
                    "{} threads on {} cores: {} of work takes {} when all are busy, and the event loop waits beside them",
                    show_number(threads),
                    show_number(cores),
                    show_seconds(seconds),
                    show_seconds(slowed)
                ),
                cure: format!(
                    "{} (`UV_THREADPOOL_SIZE`), or a limiter on that endpoint",
                    set(&path(name.as_str(), "threads"), cores.floor().max(1.0))
                ),
            });
        }
    }
    found
}
