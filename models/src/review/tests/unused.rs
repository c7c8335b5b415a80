//! Each rule of `review/unused.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_safeguard_that_nothing_goes_through() {
    check(
        "safeguard-unused",
        &["endpoint.ask.steps=[ { llm = { queue = \"ai\", model = \"chat\", prompt = 400, answer = 200 } } ]"],
        "0 of 3 endpoints",
        &["endpoint.sign.steps=[ { limit = \"chat\" } ]"],
    );
}

#[test]
fn a_safeguard_that_is_off() {
    check(
        "safeguard-switched-off",
        &["chat.on=false"],
        "as if it were not there",
        &["chat.on=true"],
    );
}

#[test]
fn an_entry_that_nothing_looks_up() {
    check(
        "cache-entry-unused",
        &["redis.entry.old={ ttl = \"1h\" }"],
        "0 of 3 endpoints; 2 limiters count there",
        &[],
    );
}
