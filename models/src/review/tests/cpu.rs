//! Each rule of `review/cpu.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn cores_that_no_process_uses() {
    check(
        "cores-without-processes",
        &["web.plan=pro", "endpoint.sign.steps=[ { query = \"row\" } ]"],
        "1 event loop an instance, one core each at most: 50 % of the plan",
        &[
            "web.plan=pro",
            "web.processes=2",
            "endpoint.sign.steps=[ { query = \"row\" } ]",
        ],
    );
}

#[test]
fn processes_that_share_a_core() {
    check(
        "processes-without-cores",
        &["web.processes=2"],
        "2 processes on 1 cores",
        &["web.processes=2", "web.plan=pro"],
    );
}

#[test]
fn work_that_takes_the_cpu() {
    check(
        "work-starves-the-loop",
        &["web.threads=4"],
        "4 threads on 1 cores: 80 ms of work takes 320 ms",
        &["web.threads=4", "web.plan=pro-plus"],
    );
}
