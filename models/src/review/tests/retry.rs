//! Each rule of `review/retry.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn retries_that_multiply() {
    check(
        "retries-multiply",
        &["client.browser.retry_kinds=[\"mutation\"]"],
        "3 of the client x 3 of the client library tries = 9",
        &["client.browser.retry_kinds=[\"query\"]"],
    );
}

#[test]
fn retries_in_step() {
    check(
        "retries-in-step",
        &["client.browser.retry.wait.jitter=none"],
        "up to 3 tries of `page`",
        &[
            "client.browser.retry.wait.jitter=none",
            "client.browser.retry_budget=0.1",
        ],
    );
}

#[test]
fn refusals_that_are_retried() {
    check(
        "refusals-are-retried",
        &["client.browser.retry_on=[\"rate_limited\"]"],
        "up to 3 requests instead of one",
        &["client.browser.retry_on=[\"pool_timeout\"]"],
    );
}
