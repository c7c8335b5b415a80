//! Each rule of `review/connections.rs` in a system that breaks it, and in one that comes close.

use super::*;

#[test]
fn pools_of_all_processes_over_the_connections() {
    check(
        "pool-times-processes-over-connections",
        &["connections.max=49"],
        "49 x 2 instances = 98 connections; 100 - 3 reserved = 97",
        &["connections.max=48"],
    );
}

#[test]
fn the_autoscaler_and_processes_count() {
    check(
        "pool-times-processes-over-connections",
        &["web.scaling.on=true", "web.processes=3"],
        "10 x 4 instances x 3 processes = 120",
        &["web.processes=3"],
    );
}

#[test]
fn a_deploy_doubles_what_just_fits() {
    check(
        "deploy-doubles-the-pools",
        &["connections.max=25"],
        "old and new instances together 100, for 1 min; 100 - 3 reserved = 97",
        &["connections.max=24"],
    );
}

#[test]
fn more_connections_than_the_plan_has() {
    check(
        "connections-above-plan",
        &["postgres.max_connections=101"],
        "101 in the file, 100 in the plan",
        &["postgres.max_connections=100"],
    );
}

#[test]
fn fewer_connections_than_the_plan_has() {
    check(
        "connections-below-plan",
        &["postgres.max_connections=99"],
        "99 in the file, 100",
        &["postgres.max_connections=100"],
    );
}

#[test]
fn pools_over_what_a_pooler_accepts() {
    let pooler = "pooler.front={ database = \"postgres\", max = 20, clients = 20 }";
    check(
        "pools-over-pooler-clients",
        &[pooler, "connections.database=front", "connections.max=11"],
        "11 x 2 instances = 22; it accepts 20",
        &[pooler, "connections.database=front"],
    );
}

#[test]
fn nothing_left_for_tools() {
    check(
        "pools-take-every-connection",
        &["connections.max=48", "postgres.reserved=4"],
        "100 - 4 reserved = 96",
        &["connections.max=48"],
    );
}

#[test]
fn min_opens_nothing_ahead() {
    check("pool-min-opens-nothing", &["connections.min=1"], "1 connection", &[]);
}

#[test]
fn a_pool_that_waits_for_ever() {
    let plain = "pool.slots={ max = 3 }";
    let endless = "pool.other={ database = \"postgres\", max = 3 }";
    check(
        "pool-waits-for-ever",
        &[
            endless,
            "endpoint.page.steps=[ { query = { kind = \"row\", pool = \"other\" } } ]",
            "endpoint.ask.steps=[ { query = { kind = \"row\", pool = \"other\" } } ]",
            "endpoint.sign.steps=[ { query = { kind = \"row\", pool = \"other\" } } ]",
        ],
        "3 connections, no time-out",
        &[plain],
    );
}

#[test]
fn a_connection_held_over_a_model_call() {
    let held = "endpoint.ask.steps=[ { transaction = { steps = [ { query = \"row\" }, { llm = { model = \"swift\", prompt = 1, answer = 1 } } ] } } ]";
    let apart = "endpoint.ask.steps=[ { transaction = { steps = [ { query = \"row\" } ] } }, { llm = { model = \"swift\", prompt = 1, answer = 1 } } ]";
    check(
        "connection-held-over-model-call",
        &[held],
        "10 connections / 4 s = 2.5 requests a second",
        &[apart],
    );
}
