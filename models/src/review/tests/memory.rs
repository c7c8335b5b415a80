//! Each rule of `review/memory.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_heap_larger_than_its_container() {
    check(
        "heap-over-container",
        &["web.memory.heap=2 GB"],
        "the container has 2 GB",
        &["web.memory.heap=2047 MB"],
    );
}

#[test]
fn an_idle_process_larger_than_its_memory() {
    check(
        "memory-full-at-rest",
        &["web.memory.base=1 GB"],
        "1 GB at rest; the heap has 1 GB",
        &["web.memory.base=1023 MB"],
    );
}

#[test]
fn uploads_that_do_not_fit() {
    let held = |size: &str| {
        format!(
            "endpoint.ask.steps=[ {{ limit = \"chat\" }}, {{ hold = \"{size}\" }}, {{ llm = {{ queue = \"ai\", model = \"chat\", prompt = 400, answer = 200 }} }} ]"
        )
    };
    check(
        "uploads-outgrow-memory",
        &[&held("98 MB")],
        "98 MB x 20 slots of `ai`",
        &[&held("97 MB")],
    );
}

#[test]
fn a_crowd_that_does_not_fit() {
    // (1024 - 100) MB / 60 KB = 15,769 on each of two instances.
    check_load(
        "crowd-outgrows-the-heap",
        &["load.users=31539"],
        "15,769 requests in hand, 31,538 on all instances",
        &["load.users=31538"],
    );
}
