//! Job queues in front of a provider: caps that never bind, caps above the account's limits, lines without an end.

use super::call::Call;
use super::design::Design;
use super::finding::Severity;
use super::provider::{tokens_per_call, tokens_text};
use super::rule::{Found, Rule};
use super::words::{list, path, set, ticked};
use crate::catalogue::Value;
use crate::file::Name;
use crate::file::system::{Abandoned, Provider, Queue, QueueWindow};
use crate::units::{show_number, show_seconds, show_span};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "queue-cap-over-provider-requests",
        severity: Severity::Contradiction,
        meaning: "Every process has a queue of its own, the account has one limit: together the queues may start more \
                  calls a minute than the provider takes.",
        source: "p-queue 10.0.0 dist/index.js; OpenAI, rate-limits guide: limits are the organisation's",
        date: "2026-11-24",
        check: cap_over_requests,
    },
    Rule {
        id: "queue-cap-over-provider-tokens",
        severity: Severity::Contradiction,
        meaning: "The queue's cap counts calls, and the provider's limit on tokens is reached at far fewer of them: the \
                  cap protects from nothing.",
        source: "OpenAI, rate-limits guide: tokens are charged up front",
        date: "2026-11-24",
        check: cap_over_tokens,
    },
    Rule {
        id: "queue-cap-never-binds",
        severity: Severity::Contradiction,
        meaning: "As many jobs at once as the queue allows cannot start as many in a window as its cap allows: the cap is \
                  never reached and concurrency is the only limit.",
        source: "p-queue 10.0.0 dist/index.js: throughput is the smaller of cap per interval and concurrency over time",
        date: "2026-11-24",
        check: cap_never_binds,
    },
    Rule {
        id: "queue-without-end",
        severity: Severity::Risk,
        meaning: "A queue in front of a model has no bound on its line and no time-out in it: in an overload everybody \
                  waits longer and longer, and nobody is refused.",
        source: "p-queue 10.0.0 dist/index.js: no bound, and its time-out does not count in the line",
        date: "2026-11-24",
        check: without_end,
    },
    Rule {
        id: "queue-works-for-the-gone",
        severity: Severity::Risk,
        meaning: "Jobs whose client has given up keep their place and run, paid for and for nobody: after an overload the \
                  queue first works off those.",
        source: "p-queue 10.0.0 dist/index.js; nodejs.org: a disconnect does not stop a handler",
        date: "2026-11-24",
        check: for_the_gone,
    },
    Rule {
        id: "queue-starves-a-class",
        severity: Severity::Note,
        meaning: "Priorities are strict and do not age: while the line is never empty, the lower class is not served at \
                  all.",
        source: "p-queue 10.0.0 dist/priority-queue.js, run",
        date: "2026-11-24",
        check: starves,
    },
    Rule {
        id: "queue-window-lets-two-through",
        severity: Severity::Risk,
        meaning: "A fixed window lets its cap through twice around its edge. The provider, whose limit comes back \
                  steadily, refuses the second.",
        source: "p-queue 10.0.0 dist/index.js, run: 19 starts within 150 ms at a cap of 10 a second",
        date: "2026-11-24",
        check: window_twice,
    },
];

/// Queues in use, each with the calls through it and the provider behind.
struct Line<'a, 'd> {
    name: &'a Name,
    queue: &'a Queue,
    calls: Vec<&'d Call<'a>>,
    provider_name: &'a str,
    provider: &'a Provider,
}

impl<'a, 'd> Line<'a, 'd> {
    fn all(design: &'d Design<'a>) -> Vec<Self> {
        let queues = design.system.queue.iter().filter(|(_, queue)| queue.on);
        queues
            .filter_map(|(name, queue)| {
                let calls: Vec<&Call<'a>> = design
                    .calls
                    .iter()
                    .filter(|call| call.queue == Some(name.as_str()))
                    .collect();
                let provider_name = calls.first()?.provider;
                Some(Self {
                    name,
                    queue,
                    provider: design.system.provider.get(provider_name)?,
                    provider_name,
                    calls,
                })
            })
            .collect()
    }

    /// Starts a minute that one queue's cap allows.
    fn cap_per_minute(&self) -> Option<f64> {
        let interval = self.queue.interval?.seconds();
        (interval > 0.0).then_some(f64::from(self.queue.interval_cap?) * 60.0 / interval)
    }

    /// Seconds that a job holds its place, weighted by how often each call comes.
    fn seconds(&self, design: &Design<'_>) -> f64 {
        let weight = |call: &Call<'_>| design.traffic.requests_of(call.endpoint) * call.times;
        let held = |call: &Call<'_>| if call.stream { call.first } else { call.seconds };
        let total: f64 = self.calls.iter().map(|call| weight(call)).sum();
        if total > 0.0 {
            self.calls.iter().map(|call| weight(call) * held(call)).sum::<f64>() / total
        } else {
            self.calls.iter().map(|call| held(call)).sum::<f64>() / self.calls.len() as f64
        }
    }

    /// `9,000 starts a minute x 2 instances = 18,000`.
    fn sum(&self, design: &Design<'_>, cap: f64, all: f64) -> String {
        let times = design.times_text(self.queue.service.as_ref());
        format!("{} starts a minute x {times} = {}", show_number(cap), show_number(all))
    }

    fn cap_for(&self, design: &Design<'_>, per_minute: f64) -> String {
        let minutes = self.queue.interval.map_or(1.0, |interval| interval.seconds() / 60.0);
        let each = per_minute * minutes / design.processes_most(self.queue.service.as_ref()) as f64;
        set(&path(self.name.as_str(), "interval_cap"), each.floor().max(1.0))
    }
}

/// What one queue can have done, for rules that compare it with what comes.
pub(super) struct Throughput<'a> {
    pub(super) name: &'a Name,
    pub(super) service: Option<&'a Name>,
    /// Jobs a second.
    pub(super) rate: f64,
    /// Seconds that a job holds its place.
    pub(super) seconds: f64,
    /// The window of the cap, in seconds, where it is the cap that binds and not the slots.
    pub(super) window: Option<f64>,
}

/// What each queue in use can have done.
pub(super) fn throughputs<'a>(design: &Design<'a>) -> Vec<Throughput<'a>> {
    let lines = Line::all(design);
    lines
        .iter()
        .filter_map(|line| {
            let seconds = line.seconds(design);
            let by_slots = f64::from(line.queue.concurrency?) / seconds;
            let by_cap = line.cap_per_minute().map_or(f64::INFINITY, |cap| cap / 60.0);
            let window = line.queue.interval.map(|interval| interval.seconds());
            (seconds > 0.0).then_some(Throughput {
                name: line.name,
                service: line.queue.service.as_ref(),
                rate: by_slots.min(by_cap),
                seconds,
                window: window.filter(|_| by_cap < by_slots),
            })
        })
        .collect()
}

fn cap_over_requests(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in Line::all(design) {
        let (Some(cap), Some(limit)) = (line.cap_per_minute(), line.provider.requests_per_minute) else {
            continue;
        };
        let all = cap * design.processes_most(line.queue.service.as_ref()) as f64;
        if all > limit as f64 {
            found.push(Found {
                subject: path(line.name.as_str(), "interval_cap"),
                title: format!(
                    "the queues `{}` may start more calls than `{}` takes",
                    line.name, line.provider_name
                ),
                arithmetic: format!(
                    "{}; the account's limit is {} requests a minute, retries included",
                    line.sum(design, cap, all),
                    show_number(limit as f64)
                ),
                cure: line.cap_for(design, limit as f64),
            });
        }
    }
    found
}

fn cap_over_tokens(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in Line::all(design) {
        let (Some(cap), Some(tokens), Some(each)) = (
            line.cap_per_minute(),
            line.provider.tokens_per_minute,
            tokens_per_call(design, line.provider_name),
        ) else {
            continue;
        };
        // Some calls through the queue take no tokens.
        let share = token_share(design, &line);
        let all = cap * design.processes_most(line.queue.service.as_ref()) as f64;
        let calls = tokens as f64 / each / share.max(f64::MIN_POSITIVE);
        if share > 0.0 && all > calls {
            found.push(Found {
                subject: path(line.name.as_str(), "interval_cap"),
                title: format!(
                    "the cap of `{}` is {} times what the tokens of `{}` allow",
                    line.name,
                    show_number(all / calls),
                    line.provider_name
                ),
                arithmetic: format!(
                    "{}; {} tokens a minute / {} = {} calls; {}",
                    tokens_text(design, line.provider_name),
                    show_number(tokens as f64),
                    show_number(each),
                    show_number(tokens as f64 / each),
                    line.sum(design, cap, all)
                ),
                cure: format!(
                    "{}, which holds for first messages; history lowers it further",
                    line.cap_for(design, calls)
                ),
            });
        }
    }
    found
}

/// Share of the calls through a queue that take tokens.
fn token_share(design: &Design<'_>, line: &Line<'_, '_>) -> f64 {
    let weight = |call: &&Call<'_>| design.traffic.requests_of(call.endpoint) * call.times;
    let total: f64 = line.calls.iter().map(weight).sum();
    if total <= 0.0 {
        return if line.calls.iter().any(|call| call.charged > 0.0) {
            1.0
        } else {
            0.0
        };
    }
    let tokens: f64 = line.calls.iter().filter(|call| call.charged > 0.0).map(weight).sum();
    tokens / total
}

fn cap_never_binds(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in Line::all(design) {
        let (Some(cap), Some(slots)) = (line.cap_per_minute(), line.queue.concurrency) else {
            continue;
        };
        let seconds = line.seconds(design);
        if seconds <= 0.0 {
            continue;
        }
        let starts = f64::from(slots) / seconds * 60.0;
        if starts < cap {
            let needed = (cap / 60.0 * seconds).ceil();
            found.push(Found {
                subject: path(line.name.as_str(), "interval_cap"),
                title: format!(
                    "the cap of `{}` is never reached: its {slots} slots bind first",
                    line.name
                ),
                arithmetic: format!(
                    "{slots} slots / {} a call x 60 s = {} starts a minute; the cap is {}",
                    show_seconds(seconds),
                    show_number(starts),
                    show_number(cap)
                ),
                cure: format!(
                    "{} is what the cap would need; lower the cap if the slots are meant",
                    set(&path(line.name.as_str(), "concurrency"), needed)
                ),
            });
        }
    }
    found
}

fn without_end(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in Line::all(design) {
        if line.queue.waiters.is_some() || line.queue.timeout.is_some() {
            continue;
        }
        let Some(slots) = line.queue.concurrency else { continue };
        let seconds = line.seconds(design);
        if seconds <= 0.0 {
            continue;
        }
        let rate = f64::from(slots) / seconds;
        found.push(Found {
            subject: path(line.name.as_str(), "waiters"),
            title: format!("the line of `{}` has no end", line.name),
            arithmetic: format!(
                "{slots} slots / {} = {} jobs a second; the 1,000th in line waits {}",
                show_seconds(seconds),
                show_number(rate),
                show_seconds(1000.0 / rate)
            ),
            cure: format!(
                "{} refuses what would wait a minute",
                set(&path(line.name.as_str(), "waiters"), (rate * 60.0).ceil())
            ),
        });
    }
    found
}

fn for_the_gone(design: &Design<'_>) -> Vec<Found> {
    let Some((client, patience)) = design.impatient_client() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for line in Line::all(design) {
        let cancels = design
            .service(line.queue.service.as_ref())
            .is_some_and(|(_, service)| service.cancel);
        let has_end = line.queue.waiters.is_some() || line.queue.timeout.is_some();
        if cancels || has_end || line.queue.abandoned == Abandoned::Drop || line.queue.concurrency.is_none() {
            continue;
        }
        found.push(Found {
            subject: path(line.name.as_str(), "abandoned"),
            title: format!("`{}` runs jobs for clients who have gone", line.name),
            arithmetic: format!(
                "`{client}` leaves after {}; its job stays in line, runs and is paid for",
                show_seconds(patience)
            ),
            cure: format!(
                "{}, or cancel with the client: `cancel = true` at the service",
                set(&path(line.name.as_str(), "abandoned"), "drop")
            ),
        });
    }
    found
}

fn starves(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, queue) in design.system.queue.iter().filter(|(_, queue)| queue.on) {
        let of = |class: &Name| queue.priority.get(class.as_str()).copied().unwrap_or(0.0);
        let classes = design.system.class.iter().map(|(name, _)| name);
        let most = classes.clone().map(of).fold(f64::NEG_INFINITY, f64::max);
        let lower: Vec<&str> = classes
            .clone()
            .filter(|class| of(class) < most)
            .map(Name::as_str)
            .collect();
        if lower.is_empty() {
            continue;
        }
        let upper: Vec<&str> = classes.filter(|class| of(class) >= most).map(Name::as_str).collect();
        found.push(Found {
            subject: path(name.as_str(), "priority"),
            title: format!("in an overload of `{name}`, {} get nothing", list(&ticked(&lower))),
            arithmetic: format!(
                "every job of {} goes first, however long the others have waited",
                list(&ticked(&upper))
            ),
            cure: "a queue of its own for each class, with a share of the slots".to_owned(),
        });
    }
    found
}

fn window_twice(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for line in Line::all(design) {
        let (Some(cap), Some(limit), Some(interval)) = (
            line.queue.interval_cap,
            line.provider.requests_per_minute,
            line.queue.interval,
        ) else {
            continue;
        };
        if line.queue.window == Some(QueueWindow::Sliding) {
            continue;
        }
        // A cap that the slots never reach is not doubled either.
        let seconds = line.seconds(design);
        let reached = line
            .queue
            .concurrency
            .is_none_or(|slots| seconds <= 0.0 || f64::from(slots) / seconds * interval.seconds() >= f64::from(cap));
        let all = 2.0 * f64::from(cap) * design.processes_most(line.queue.service.as_ref()) as f64;
        let allowed = limit as f64 * (interval.seconds() / 60.0).max(1.0);
        let once = all / 2.0 <= allowed;
        if reached && once && all > allowed {
            let version = match design.edition.package("p-queue").map(|figure| &figure.value) {
                Some(Value::Text(version)) => format!("p-queue {version}"),
                _ => "the queue".to_owned(),
            };
            found.push(Found {
                subject: path(line.name.as_str(), "window"),
                title: format!("`{}` may start twice its cap around the edge of a window", line.name),
                arithmetic: format!(
                    "2 x {cap} x {} = {} starts in little more than no time; {} allows {} in {}, with {version}",
                    design.times_text(line.queue.service.as_ref()),
                    show_number(all),
                    line.provider_name,
                    show_number(allowed),
                    show_span(interval)
                ),
                cure: format!(
                    "{} (`strict: true` from p-queue 9.1), or half the cap",
                    set(&path(line.name.as_str(), "window"), "sliding")
                ),
            });
        }
    }
    found
}
