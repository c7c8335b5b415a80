//! Each rule of `review/cache.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn a_scenario_that_needs_more_commands_than_there_are() {
    // Five commands a session of the crowd: three of the limiter on addresses, two look-ups, one of the chat limiter.
    check_load(
        "cache-quota-over-in-the-scenario",
        &["redis.commands_per_day=10000"],
        "commands =",
        &["redis.commands_per_day=11000"],
    );
}

#[test]
fn a_quota_in_sessions() {
    check(
        "cache-quota-in-sessions",
        &["redis.commands_per_day=6000"],
        "6,000 commands a day / 6 commands a session",
        &[],
    );
}

#[test]
fn a_cache_that_takes_the_service_with_it() {
    check(
        "cache-down-is-service-down",
        &["redis.down=fail"],
        "`page` and `ask` need it, 66.7 % of requests",
        &[
            "redis.down=fail",
            "endpoint.page.steps=[ { cpu = \"1ms\" } ]",
            "endpoint.ask.steps=[ { cpu = \"1ms\" } ]",
        ],
    );
}

#[test]
fn fetches_that_come_together() {
    let slow = "postgres.rtt=1s";
    let one = "redis.entry.coach={ keys = 1, ttl = \"1h\" }";
    check_load(
        "cache-fetches-together",
        &[slow, one, "load.users=80"],
        "1 + ",
        &[slow, one, "load.users=20"],
    );
}

#[test]
fn keys_that_expire_together() {
    check(
        "cache-expires-together",
        &["redis.entry.coach.warm=true"],
        "40 keys filled at the start, each for 1 h",
        &["redis.entry.coach.warm=true", "redis.entry.coach.spread=0.1"],
    );
}

#[test]
fn a_cache_that_seldom_hits() {
    check_load(
        "cache-seldom-hits",
        &["load.people.count=1000"],
        "return in time",
        &["load.people.count=100"],
    );
}

#[test]
fn processes_over_the_connections_of_a_cache() {
    check(
        "processes-over-cache-connections",
        &["redis.plan=free", "web.instances=51"],
        "51 processes of `web`; its plan has 50 connections",
        &["redis.plan=free", "web.instances=50"],
    );
}

#[test]
fn values_that_do_not_fit() {
    check(
        "cache-larger-than-its-memory",
        &["redis.entry.coach.size=26 MB"],
        "40 `coach` x 26 MB = 1.02 GB; it has 1 GB",
        &["redis.entry.coach.size=25 MB"],
    );
}
