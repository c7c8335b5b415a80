//! Each rule of `review/timeout.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_client_that_goes_before_the_model_answers() {
    check(
        "client-gives-up-before-the-model",
        &["openai.use.chat=swift", "client.browser.timeout=3s"],
        "`swift` takes 4 s on average; the client waits 3 s",
        &["openai.use.chat=swift", "client.browser.timeout=4s"],
    );
}

#[test]
fn an_objective_that_no_system_meets() {
    check_load(
        "objective-faster-than-the-model",
        &["openai.use.chat=swift", "objectives.p95=2s"],
        "`ask` takes 4 s on average",
        &["openai.use.chat=swift", "objectives.p95=3s"],
    );
}

#[test]
fn a_pool_that_waits_longer_than_the_client() {
    check(
        "pool-waits-longer-than-the-client",
        &["connections.timeout=60s"],
        "1 min for a connection, 50 s for the answer",
        &["connections.timeout=49s"],
    );
}

#[test]
fn a_deadline_after_the_client() {
    check(
        "deadline-after-the-client",
        &["web.deadline=61s"],
        "deadline 1 min 1 s, the client waits 1 min",
        &["web.deadline=60s"],
    );
}

#[test]
fn a_provider_held_for_nobody() {
    let service = "web={ plan = \"standard\", instances = 2 }";
    check(
        "provider-held-for-the-gone",
        &[service, "openai.timeout=41s"],
        "41 s x 3 attempts = 2 min 3 s; the client waits 1 min; 20 slots of hung calls let one through every 6.15 s",
        &[service, "openai.timeout=40s"],
    );
}

#[test]
fn a_restart_before_the_removal() {
    check(
        "health-restart-before-removal",
        &["web.health.restart_after=15s"],
        "restarted after 15 s, out after 15 s",
        &["web.health.restart_after=16s"],
    );
}
