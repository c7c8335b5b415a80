//! Each rule of `review/limiter.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_limiter_that_sees_only_the_proxy() {
    check(
        "limiter-behind-untrusted-proxy",
        &["web.trust_proxy=false"],
        "1,000 x 4 addresses of the proxy = 4,000 requests in 15 min for everybody",
        &["web.trust_proxy=false", "address.key=user"],
    );
}

#[test]
fn a_limiter_in_each_process() {
    check(
        "limiter-counts-per-process",
        &["chat.store=memory"],
        "10 x 2 instances = 20 in 1 min",
        &["chat.store=memory", "web.instances=1"],
    );
}

#[test]
fn a_limiter_that_misses_batches() {
    check(
        "limiter-misses-batched-calls",
        &["chat.batched=bypass"],
        "10 in 1 min",
        &[],
    );
}

#[test]
fn a_limiter_in_front_of_a_webhook() {
    let hook = |before: bool| format!("endpoint.webhook={{ steps = [ {{ cpu = \"1ms\" }} ], before = {before} }}");
    check(
        "limiter-in-front-of-webhooks",
        &[&hook(true)],
        "1,000 in 15 min from one address: one every 900 ms",
        &[&hook(false)],
    );
}

#[test]
fn traffic_that_the_limiter_refuses() {
    // Ten addresses with one request a session: 1,000 in 900 s from each are 11.1 a second.
    check_load(
        "load-over-address-limit",
        &["source.hooks.rate=11.2"],
        "from 10 addresses",
        &["source.hooks.rate=11.1"],
    );
}

#[test]
fn people_behind_one_address() {
    check(
        "limiter-counts-people-together",
        &["address.rule={ fixed_window = { limit = 299, per = \"15m\" } }"],
        "299 / 3 a session = 99.7 sessions",
        &["address.rule={ fixed_window = { limit = 300, per = \"15m\" } }"],
    );
}

#[test]
fn a_limiter_whose_store_stops_everything() {
    check(
        "limiter-store-stops-everything",
        &["chat.store_down=fail"],
        "33.3 % of requests ask it",
        &["chat.store_down=fail", "chat.store=memory"],
    );
}
