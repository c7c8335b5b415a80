//! Each rule of `review/scaling.rs` in a system that breaks it, and in one that comes close.

use super::*;

/// One event loop on two cores, and no work beside it.
const ON_PRO: [&str; 3] = [
    "web.scaling.on=true",
    "web.plan=pro",
    "endpoint.sign.steps=[ { query = \"row\" } ]",
];

#[test]
fn a_cpu_target_that_one_loop_cannot_reach() {
    check(
        "cpu-target-out-of-reach",
        &ON_PRO,
        "1 event loop of 2 cores: the CPU shows 50 % at most; the target is 60 %",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.5"],
    );
}

#[test]
fn a_cpu_target_that_is_reached_late() {
    check(
        "cpu-target-late",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.43"],
        "the target is 43 %",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.42"],
    );
}

#[test]
fn an_autoscaler_without_room() {
    check(
        "scaling-has-no-room",
        &["web.scaling.on=true", "web.scaling.max=2"],
        "at least 2 and at most 2",
        &["web.scaling.on=true", "web.scaling.max=3"],
    );
}

#[test]
fn a_start_outside_the_range() {
    check(
        "instances-outside-scaling",
        &["web.scaling.on=true", "web.instances=5"],
        "5 at the start, 2 to 4 allowed",
        &["web.scaling.on=true", "web.instances=4"],
    );
}

#[test]
fn a_target_that_the_platform_does_not_accept() {
    check(
        "scaling-target-not-accepted",
        &["web.scaling.on=true", "web.scaling.cpu=0.91"],
        "91 %; at most 90 %",
        &["web.scaling.on=true", "web.scaling.cpu=0.9"],
    );
}

#[test]
fn autoscaling_without_its_workspace() {
    check(
        "scaling-needs-workspace",
        &["web.scaling.on=true", "money.month={ workspace = 0.0 }"],
        "the lowest workspace with autoscaling costs $25 a month",
        &["web.scaling.on=true", "money.month={ workspace = 25.0 }"],
    );
}

#[test]
fn a_line_that_the_autoscaler_does_not_see() {
    check(
        "scaling-blind-to-the-line",
        &["web.scaling.on=true"],
        "the target is 60 %",
        &["web.scaling.on=true", "web.scaling.cpu=0.1"],
    );
}

#[test]
fn a_rise_faster_than_the_autoscaler() {
    let rise = |seconds: u32| {
        format!(
            "load={{ flow = \"visit\", people = {{ count = 100 }}, \
             phase = [ {{ duration = \"{seconds}s\", users = {{ from = 5, to = 20 }} }} ] }}"
        )
    };
    check_load(
        "scaling-slower-than-the-rise",
        &["web.scaling.on=true", "web.scaling.max=5", &rise(209)],
        "2, 4, 5 instances, 1 min 45 s a step = 3 min 30 s; the load goes from 5 to 20 in 3 min 29 s",
        &["web.scaling.on=true", "web.scaling.max=5", &rise(210)],
    );
}

#[test]
fn a_memory_target_below_the_idle_process() {
    check(
        "memory-target-always-exceeded",
        &[
            "web.scaling.on=true",
            "web.scaling.memory=0.2",
            "web.memory.base=410 MB",
        ],
        "410 MB of 2 GB = 20 %",
        &[
            "web.scaling.on=true",
            "web.scaling.memory=0.2",
            "web.memory.base=409 MB",
        ],
    );
}

#[test]
fn a_memory_target_that_the_heap_never_reaches() {
    check(
        "memory-target-behind-the-heap",
        &["web.scaling.on=true", "web.scaling.memory=0.51"],
        "heap at most 1 GB of 2 GB = 50 %; the target is 51 %",
        &["web.scaling.on=true", "web.scaling.memory=0.5"],
    );
}

#[test]
fn more_instances_than_the_platform_gives() {
    check(
        "instances-over-platform",
        &["web.instances=101"],
        "101 in the file, at most 100",
        &["web.instances=100"],
    );
}
