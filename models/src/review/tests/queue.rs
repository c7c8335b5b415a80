//! Each rule of `review/queue.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn caps_of_all_queues_over_the_accounts_requests() {
    check(
        "queue-cap-over-provider-requests",
        &["openai.requests_per_minute=199"],
        "100 starts a minute x 2 instances = 200; the account's limit is 199",
        &["openai.requests_per_minute=200"],
    );
}

#[test]
fn caps_over_the_accounts_tokens() {
    check(
        "queue-cap-over-provider-tokens",
        &["openai.tokens_per_minute=119000"],
        "119,000 tokens a minute / 600 = 198 calls; 100 starts a minute x 2 instances = 200",
        &["openai.tokens_per_minute=121000"],
    );
}

#[test]
fn a_cap_that_never_binds() {
    let slow = "openai.use.chat=swift";
    check(
        "queue-cap-never-binds",
        &[slow, "ai.concurrency=6"],
        "6 slots / 4 s a call x 60 s = 90 starts a minute; the cap is 100",
        &[slow, "ai.concurrency=7"],
    );
}

const ENDLESS: &str = "queue.ai={ concurrency = 20, interval = \"60s\", interval_cap = 100, window = \"sliding\" }";

#[test]
fn a_line_without_an_end() {
    check(
        "queue-without-end",
        &[ENDLESS, "openai.use.chat=swift"],
        "20 slots / 4 s = 5 jobs a second; the 1,000th in line waits 3 min 20 s",
        &[ENDLESS, "openai.use.chat=swift", "ai.timeout=20s"],
    );
}

#[test]
fn jobs_for_clients_who_have_gone() {
    check(
        "queue-works-for-the-gone",
        &[ENDLESS, "web.cancel=false"],
        "`browser` leaves after 1 min",
        &[ENDLESS],
    );
}

#[test]
fn a_class_that_starves() {
    check(
        "queue-starves-a-class",
        &["ai.priority={ patron = 10 }"],
        "every job of `patron` goes first",
        &["ai.priority={ patron = 10, regular = 10 }"],
    );
}

#[test]
fn a_window_that_lets_its_cap_through_twice() {
    check(
        "queue-window-lets-two-through",
        &["ai.window=\"p-queue 9.3\"", "openai.requests_per_minute=399"],
        "2 x 100 x 2 instances = 400 starts",
        &["ai.window=\"p-queue 9.3\"", "openai.requests_per_minute=400"],
    );
}
