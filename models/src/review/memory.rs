//! Memory: limits that an idle process is above, uploads that do not fit, a crowd that does not.

use super::design::Design;
use super::finding::Severity;
use super::rule::{Found, Rule};
use super::words::{path, set};
use crate::file::step::Step;
use crate::units::{show_bytes, show_number};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "heap-over-container",
        severity: Severity::Contradiction,
        meaning: "The heap may grow beyond the container's memory: the platform kills the instance before the runtime \
                  collects what is free.",
        source: "v8 heap.cc; kernel: a container above its limit is killed",
        date: "2026-11-24",
        check: heap_over_container,
    },
    Rule {
        id: "memory-full-at-rest",
        severity: Severity::Contradiction,
        meaning: "An idle instance does not fit into its memory.",
        source: "v8 heap.cc; the plan's memory in the catalogue",
        date: "2026-11-24",
        check: full_at_rest,
    },
    Rule {
        id: "uploads-outgrow-memory",
        severity: Severity::Risk,
        meaning: "As many uploads as may be in hand at once do not fit beside the idle process: the instance is killed \
                  with everything that it has in hand.",
        source: "kernel: a container above its limit is killed; OpenAI, speech to text: up to 25 MB",
        date: "2026-11-24",
        check: uploads,
    },
    Rule {
        id: "crowd-outgrows-the-heap",
        severity: Severity::Risk,
        meaning: "If everybody of the scenario waits at once, what their requests keep does not fit into the heaps of \
                  the instances at the start, and nothing bounds it.",
        source: "v8 heap.cc: half of the container's memory, at most 2 GB",
        date: "2026-11-24",
        check: crowd,
    },
];

fn heap_over_container(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let (Some(heap), Some(limit)) = (service.memory.heap, design.memory(service)) else {
            continue;
        };
        let all = heap.get() as f64 * f64::from(service.processes);
        if all >= limit {
            let path = path(name.as_str(), "memory.heap");
            let fits = (limit * 0.75 / f64::from(service.processes) / 1_048_576.0).floor();
            found.push(Found {
                title: format!("the heap of `{name}` may outgrow its container"),
                arithmetic: format!(
                    "{} x {} = {}; the container has {}",
                    show_bytes(heap.get() as f64),
                    super::words::many(u64::from(service.processes), "process", "processes"),
                    show_bytes(all),
                    show_bytes(limit)
                ),
                cure: set(&path, format!("{fits} MB")),
                subject: path,
            });
        }
    }
    found
}

fn full_at_rest(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let base = service.memory.base.get() as f64;
        let all = base * f64::from(service.processes);
        let (text, limit) = match (design.heap(service), design.memory(service)) {
            (Some(heap), _) if base >= heap => ("heap", heap),
            (_, Some(limit)) if all >= limit => ("container", limit),
            _ => continue,
        };
        found.push(Found {
            subject: path(name.as_str(), "memory.base"),
            title: format!("`{name}` does not fit into its memory when it is idle"),
            arithmetic: format!(
                "{} at rest; the {text} has {}",
                show_bytes(if text == "heap" { base } else { all }),
                show_bytes(limit)
            ),
            cure: "a plan with more memory, or fewer processes".to_owned(),
        });
    }
    found
}

fn uploads(design: &Design<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (endpoint, declared) in design.system.endpoint.iter() {
        let Some((name, service)) = design.service(declared.service.as_ref()) else {
            continue;
        };
        let Some(limit) = design.memory(service) else { continue };
        // What is held while the request waits in the queue counts too, so the queue's slots are the least there is.
        let mut held = 0.0_f64;
        design.walk_request(endpoint.as_str(), &mut |step, place| {
            if let Step::Hold(hold) = step
                && place.endpoint == endpoint.as_str()
            {
                held += place.times.min(1.0) * hold.size.get() as f64;
            }
        });
        let call = design.calls.iter().find(|call| call.endpoint == endpoint.as_str());
        let queue = call.and_then(|call| Some((call.queue?, design.system.queue.get(call.queue?)?)));
        let Some((queue_name, queue)) = queue else { continue };
        let Some(slots) = queue.concurrency else { continue };
        let free = limit / f64::from(service.processes) - service.memory.base.get() as f64;
        let most = match service.max_in_hand {
            Some(most) => slots.min(most),
            None => slots,
        };
        if held > 0.0 && free > 0.0 && held * f64::from(most) > free {
            found.push(Found {
                subject: format!("endpoint.{}", super::words::part(endpoint.as_str())),
                title: format!("the uploads of `{endpoint}` can kill an instance of `{name}`"),
                arithmetic: format!(
                    "{} x {most} slots of `{queue_name}` = {}; {} are free, enough for {}",
                    show_bytes(held),
                    show_bytes(held * f64::from(most)),
                    show_bytes(free),
                    show_number((free / held).floor())
                ),
                cure: format!(
                    "a queue of its own with {} slots and a bound on its line, or uploads straight to storage",
                    show_number((free / held / 2.0).floor().max(1.0))
                ),
            });
        }
    }
    found
}

fn crowd(design: &Design<'_>) -> Vec<Found> {
    let Some(users) = design.traffic.users() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (name, service) in design.system.service.iter() {
        let request = service.memory.request.get() as f64;
        let Some(heap) = design.heap(service) else { continue };
        if request <= 0.0 || service.max_in_hand.is_some() || service.shed.is_some() {
            continue;
        }
        let each = ((heap - service.memory.base.get() as f64) / request).floor().max(0.0);
        let fits = each * f64::from(service.instances) * f64::from(service.processes);
        if users > fits {
            found.push(Found {
                subject: path(name.as_str(), "max_in_hand"),
                title: format!("not everybody fits into the memory of `{name}`"),
                arithmetic: format!(
                    "({} heap - {} at rest) / {} = {} requests in hand, {} on all instances at the start; {} users",
                    show_bytes(heap),
                    show_bytes(service.memory.base.get() as f64),
                    show_bytes(request),
                    show_number(each),
                    show_number(fits),
                    show_number(users)
                ),
                cure: set(&path(name.as_str(), "max_in_hand"), (each * 0.8).floor().max(1.0)),
            });
        }
    }
    found
}
