//! The autoscaler: targets that cannot be reached, room that is not there, what it cannot see.

use super::average::mean;
use super::design::Design;
use super::finding::Severity;
use super::queue::{self, Throughput};
use super::rule::{Found, Rule};
use super::words::{path, set};
use crate::file::Name;
use crate::file::scenario::Phase;
use crate::file::system::Service;
use crate::units::{show_bytes, show_number, show_seconds, show_share};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cpu-target-out-of-reach",
        severity: Severity::Contradiction,
        meaning: "The event loops of an instance cannot use as much of its plan's CPU as the target asks for: the \
                  autoscaler never acts, however saturated the service is.",
        source: "nodejs.org, don't block the event loop: one thread runs JavaScript; docs.render.com/scaling",
        date: "2026-11-24",
        check: out_of_reach,
    },
    Rule {
        id: "cpu-target-late",
        severity: Severity::Risk,
        meaning: "The event loop is nearly saturated before the plan's CPU shows the target: instances come when users \
                  already wait.",
        source: "nodejs.org, don't block the event loop; waits grow as 1 / (1 - load)",
        date: "2026-11-24",
        check: late,
    },
    Rule {
        id: "scaling-has-no-room",
        severity: Severity::Contradiction,
        meaning: "The autoscaler is on and its fewest instances are its most.",
        source: "docs.render.com/scaling",
        date: "2026-11-24",
        check: no_room,
    },
    Rule {
        id: "instances-outside-scaling",
        severity: Severity::Contradiction,
        meaning: "The service starts with a number of instances that its autoscaler does not allow.",
        source: "docs.render.com/scaling: the number is clamped to its range",
        date: "2026-11-24",
        check: outside,
    },
    Rule {
        id: "scaling-target-not-accepted",
        severity: Severity::Contradiction,
        meaning: "The platform does not accept a target that high.",
        source: "docs.render.com/scaling: each target from 1 to 90 %",
        date: "2026-11-24",
        check: not_accepted,
    },
    Rule {
        id: "scaling-needs-workspace",
        severity: Severity::Contradiction,
        meaning: "Autoscaling needs a paid workspace, and the file budgets nothing for it.",
        source: "docs.render.com/scaling; workspace prices (third party's guide)",
        date: "2026-11-24",
        check: needs_workspace,
    },
    Rule {
        id: "scaling-blind-to-the-line",
        severity: Severity::Risk,
        meaning: "The job queue is full before the CPU shows its target: the autoscaler sees an idle service while users \
                  wait for the model.",
        source: "docs.render.com/scaling: CPU and memory are all it reads",
        date: "2026-11-24",
        check: blind,
    },
    Rule {
        id: "scaling-slower-than-the-rise",
        severity: Severity::Risk,
        meaning: "The load at least doubles in less time than the autoscaler needs to get to its most instances: the rise \
                  is met by those that are there at the start.",
        source: "docs.render.com/scaling: n x reading / target; boot and window are assumed: `highwater explain scaling`",
        date: "2026-11-24",
        check: slower_than_rise,
    },
    Rule {
        id: "memory-target-always-exceeded",
        severity: Severity::Contradiction,
        meaning: "An idle instance already uses more memory than the target: the service always grows to its most \
                  instances.",
        source: "docs.render.com/scaling",
        date: "2026-11-24",
        check: memory_always,
    },
    Rule {
        id: "memory-target-behind-the-heap",
        severity: Severity::Risk,
        meaning: "The runtime ends itself at its heap limit before the container's memory shows the target: what is kept \
                  in JavaScript kills the process and no instance is added.",
        source: "v8 heap.cc: the heap takes half of the container's memory, at most 2 GB",
        date: "2026-11-24",
        check: memory_behind_heap,
    },
    Rule {
        id: "instances-over-platform",
        severity: Severity::Contradiction,
        meaning: "More instances than the platform gives one service.",
        source: "docs.render.com/scaling: 1 to 100 instances; the free plan has one",
        date: "2026-11-24",
        check: over_platform,
    },
];

/// Load of an event loop from which waits are more than five times the service: load / (1 - load).
const SATURATED: f64 = 0.85;

fn scaled<'a>(design: &Design<'a>) -> impl Iterator<Item = (&'a Name, &'a Service)> {
    design.system.service.iter().filter(|(_, service)| service.scaling.on)
}

/// What the loop has to be loaded with before the CPU shows the target; above 1 it never does.
fn loop_at_target(design: &Design<'_>, name: &Name, service: &Service) -> Option<(f64, f64, super::design::Reading)> {
    let target = service.scaling.cpu?.get();
    let reading = design.cpu_reading(name.as_str(), service)?;
    let loops = f64::from(reading.processes).min(reading.cores);
    let load = target * reading.cores / (loops * (1.0 + reading.beside));
    Some((target, load, reading))
}

fn one_process_per_core(name: &Name, cores: f64) -> String {
    format!(
        "{} (each has pools and limits of its own)",
        set(&path(name.as_str(), "processes"), cores.ceil())
    )
}

fn out_of_reach(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in scaled(design) {
        let Some((target, load, reading)) = loop_at_target(design, name, service) else {
            continue;
        };
        if load > reading.slack() {
            let lower = (reading.most * 0.7 * 100.0).floor() / 100.0;
            found.push(Found {
                subject: path(name.as_str(), "scaling.cpu"),
                title: format!("the autoscaler of `{name}` never sees its CPU target"),
                arithmetic: format!("{}; the target is {}", reading.text(), show_share(target)),
                cure: format!(
                    "{}, or {}",
                    set(&path(name.as_str(), "scaling.cpu"), lower),
                    one_process_per_core(name, reading.cores)
                ),
            });
        }
    }
    found
}

fn late(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in scaled(design) {
        let Some((target, load, reading)) = loop_at_target(design, name, service) else {
            continue;
        };
        if load > SATURATED && load <= reading.slack() {
            let lower = (target * 0.7 / load * 100.0).floor() / 100.0;
            found.push(Found {
                subject: path(name.as_str(), "scaling.cpu"),
                title: format!(
                    "the autoscaler of `{name}` acts when the event loop is {} busy",
                    show_share(load)
                ),
                arithmetic: format!("{}; the target is {}", reading.text(), show_share(target)),
                cure: format!(
                    "{}, or {}",
                    set(&path(name.as_str(), "scaling.cpu"), lower),
                    one_process_per_core(name, reading.cores)
                ),
            });
        }
    }
    found
}

fn no_room(design: &Design<'_>) -> Vec<Found> {
    let stuck = scaled(design).filter(|(_, service)| service.scaling.min == service.scaling.max);
    stuck
        .map(|(name, service)| Found {
            subject: path(name.as_str(), "scaling.max"),
            title: format!("the autoscaler of `{name}` is on and has nowhere to go"),
            arithmetic: format!(
                "at least {} and at most {} instances",
                service.scaling.min, service.scaling.max
            ),
            cure: format!(
                "{}, or {}",
                set(&path(name.as_str(), "scaling.max"), service.scaling.max + 1),
                set(&path(name.as_str(), "scaling.on"), false)
            ),
        })
        .collect()
}

fn outside(design: &Design<'_>) -> Vec<Found> {
    let off =
        scaled(design).filter(|(_, service)| !(service.scaling.min..=service.scaling.max).contains(&service.instances));
    off.map(|(name, service)| Found {
        subject: path(name.as_str(), "instances"),
        title: format!("`{name}` starts with a number of instances that its autoscaler does not allow"),
        arithmetic: format!(
            "{} at the start, {} to {} allowed",
            service.instances, service.scaling.min, service.scaling.max
        ),
        cure: set(
            &path(name.as_str(), "instances"),
            service.instances.clamp(service.scaling.min, service.scaling.max),
        ),
    })
    .collect()
}

fn not_accepted(design: &Design<'_>) -> Vec<Found> {
    let Some(most) = design
        .edition
        .number("render.scaling.target_max")
        .map(|figure| figure.value)
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in scaled(design).filter(|(_, service)| service.plan.is_some()) {
        for (key, target) in [("cpu", service.scaling.cpu), ("memory", service.scaling.memory)] {
            let Some(target) = target.map(|target| target.get()).filter(|&target| target > most) else {
                continue;
            };
            let path = path(name.as_str(), &format!("scaling.{key}"));
            found.push(Found {
                title: format!("the platform does not accept the {key} target of `{name}`"),
                arithmetic: format!("{}; at most {}", show_share(target), show_share(most)),
                cure: set(&path, most),
                subject: path,
            });
        }
    }
    found
}

fn needs_workspace(design: &Design<'_>) -> Vec<Found> {
    let is_free = design
        .system
        .money
        .month
        .get("workspace")
        .is_some_and(|price| price.dollars() == 0.0);
    if !is_free {
        return Vec::new();
    }
    let figure = |key: &str| design.edition.number(key).map(|figure| figure.value);
    let (price, each) = match figure("render.workspace.pro.price") {
        Some(price) => (price, "a month"),
        None => match figure("render.workspace.professional.price_per_member") {
            Some(price) => (price, "a month for each member"),
            None => return Vec::new(),
        },
    };
    let on = scaled(design).filter(|(_, service)| service.plan.is_some());
    on.map(|(name, _)| Found {
        subject: path(name.as_str(), "scaling.on"),
        title: format!("autoscaling of `{name}` needs a workspace that the budget does not have"),
        arithmetic: format!(
            "`money.month.workspace` is $0; the lowest workspace with autoscaling costs ${price} {each}"
        ),
        cure: set("money.month.workspace", format!("{price:.1}")),
    })
    .collect()
}

fn blind(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for Throughput {
        name: queue,
        service: owner,
        rate,
        seconds,
        ..
    } in queue::throughputs(design)
    {
        let Some((name, service)) = design.service(owner).filter(|(_, service)| service.scaling.on) else {
            continue;
        };
        let (Some(target), Some(cores)) = (service.scaling.cpu, design.cores(service)) else {
            continue;
        };
        let calls: f64 = design
            .calls
            .iter()
            .filter(|call| call.queue == Some(queue.as_str()))
            .map(|call| design.traffic.requests_of(call.endpoint) * call.times)
            .sum();
        let (on_loop, beside) = design.traffic.cpu_of(name);
        if calls <= 0.0 {
            continue;
        }
        let each = (on_loop + beside) / calls;
        let share = rate * f64::from(service.processes) * each / cores;
        if share < target.get() {
            found.push(Found {
                subject: path(name, "scaling.cpu"),
                title: format!("the autoscaler of `{name}` does not see the line before `{queue}`"),
                arithmetic: format!(
                    "it lets {} calls a second and process through ({} each); with {} of CPU a call, that is {} of the plan's \
                     CPU, and the target is {}",
                    show_number(rate),
                    show_seconds(seconds),
                    show_seconds(each),
                    show_share(share),
                    show_share(target.get())
                ),
                cure: "size the queue's concurrency for the peak, or add instances by hand before it: no target on CPU \
                       tells a full line from an idle one"
                    .to_owned(),
            });
        }
    }
    found
}

/// A phase of the scenario whose load at least doubles, the steepest.
fn steepest<'a>(design: &Design<'a>) -> Option<(&'a Phase, f64, f64)> {
    let streams = design.scenario?.streams();
    let phases = streams.filter_map(|(_, load)| load.phase.as_deref()).flatten();
    phases
        .filter_map(|phase| {
            let ramp = [&phase.rate, &phase.users, &phase.registered]
                .into_iter()
                .find_map(Option::as_ref)?;
            (ramp.to >= 2.0 * ramp.from && ramp.to > 0.0).then_some((phase, ramp.from, ramp.to))
        })
        .min_by_key(|(phase, _, _)| phase.duration)
}

fn slower_than_rise(design: &Design<'_>) -> Vec<Found> {
    let Some((phase, from, to)) = steepest(design) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in scaled(design) {
        let Some(target) = service.scaling.cpu.map(|target| target.get()) else {
            continue;
        };
        let most = design
            .cpu_reading(name.as_str(), service)
            .map_or(1.0, |reading| reading.most);
        // From one step to the next: the new instances come, and their readings fill a window.
        let step = mean(&service.boot).unwrap_or(0.0) + service.scaling.window.seconds();
        let start = f64::from(service.instances.clamp(service.scaling.min, service.scaling.max));
        let end = f64::from(service.scaling.max);
        let mut steps = vec![start];
        let mut now = start;
        while now < end {
            let next = (now * most / target - 1e-9).ceil().min(end);
            if next <= now {
                break;
            }
            steps.push(next);
            now = next;
        }
        let needed = step * (steps.len() - 1) as f64;
        let has = phase.duration.seconds();
        if now < end || needed <= has {
            continue;
        }
        let way: Vec<String> = steps.iter().map(|&count| show_number(count)).collect();
        found.push(Found {
            subject: path(name.as_str(), "scaling.min"),
            title: format!("the load rises faster than `{name}` grows"),
            arithmetic: format!(
                "{} instances, {} a step = {}; the load goes from {} to {} in {}",
                way.join(", "),
                show_seconds(step),
                show_seconds(needed),
                show_number(from),
                show_number(to),
                show_seconds(has)
            ),
            cure: format!(
                "have them there before it, by hand or by {}",
                set(&path(name.as_str(), "scaling.min"), service.scaling.max.div_ceil(2))
            ),
        });
    }
    found
}

fn memory_always(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in scaled(design) {
        let (Some(target), Some(limit)) = (service.scaling.memory, design.memory(service)) else {
            continue;
        };
        let base = service.memory.base.get() as f64 * f64::from(service.processes);
        if base > target.get() * limit {
            found.push(Found {
                subject: path(name.as_str(), "scaling.memory"),
                title: format!("`{name}` is above its memory target before the first request"),
                arithmetic: format!(
                    "{} of {} = {}; the target is {}",
                    show_bytes(base),
                    show_bytes(limit),
                    show_share(base / limit),
                    show_share(target.get())
                ),
                cure: "a plan with more memory, or a target on the CPU alone".to_owned(),
            });
        }
    }
    found
}

fn memory_behind_heap(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in scaled(design) {
        let (Some(target), Some(limit), Some(heap)) =
            (service.scaling.memory, design.memory(service), design.heap(service))
        else {
            continue;
        };
        let most = heap * f64::from(service.processes);
        if most < target.get() * limit {
            found.push(Found {
                subject: path(name.as_str(), "scaling.memory"),
                title: format!("a process of `{name}` ends itself before its memory target is read"),
                arithmetic: format!(
                    "heap at most {} of {} = {}; the target is {}",
                    show_bytes(most),
                    show_bytes(limit),
                    show_share(most / limit),
                    show_share(target.get())
                ),
                cure: format!(
                    "a larger heap (`--max-old-space-size`, here {}), or a target below {}",
                    set(
                        &path(name.as_str(), "memory.heap"),
                        format!(
                            "{} MB",
                            (limit * 0.85 / f64::from(service.processes) / 1_048_576.0).floor()
                        )
                    ),
                    show_share(most / limit)
                ),
            });
        }
    }
    found
}

fn over_platform(design: &Design<'_>) -> Vec<Found> {
    let Some(most) = design
        .edition
        .number("render.scaling.instances_max")
        .map(|figure| figure.value)
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let Some(plan) = &service.plan else { continue };
        let allowed = if plan.as_str() == "free" { 1.0 } else { most };
        let wanted = Design::instances_most(service);
        if wanted as f64 > allowed {
            let key = if service.scaling.on { "scaling.max" } else { "instances" };
            found.push(Found {
                subject: path(name.as_str(), key),
                title: format!("the platform does not give `{name}` that many instances"),
                arithmetic: format!("{wanted} in the file, at most {allowed} with the plan `{plan}`"),
                cure: set(&path(name.as_str(), key), allowed),
            });
        }
    }
    found
}
