//! Changes of plan while people are there: a service's is a deploy, a database's is downtime. Each answer is known by hand.

use highwater_sim::experiment::Outcome;
use highwater_tests::run::{plan, run};

fn count(outcome: &Outcome, path: &str) -> f64 {
    let names: Vec<&str> = path.split('.').collect();
    let count = outcome.summary.figures.value(&names);
    if count.is_nan() { 0.0 } else { count }
}

/// Requests once a second, from half a second on, that compute for 100 ms; the service changes its plan at 30 s.
fn upgraded(set: &str) -> Outcome {
    run(&plan(&format!(
        r#"
title        = "a larger plan in mid-run"
duration     = "200s"
replications = 2
[[event]]
at = "30s"
action.set = {{ {set} }}
[load]
rate    = 1.0
spacing = "even"
[system.service.web]
plan      = "starter"
runtime   = "node"
cpu_limit = "share"
boot      = "10s"
deploy    = {{ overlap = "60s", shutdown = "30s" }}
[system.endpoint.page]
steps = [ {{ cpu = "100ms" }} ]
[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    )))
}

// Lost if broken: a larger plan is there at once, or interrupts, or is paid for once; or nothing is faster on it.
#[test]
fn a_service_that_changes_its_plan_is_deployed_on_it() {
    let outcome = upgraded("\"web.plan\" = \"standard\"");
    // The new instance boots from 30 to 40 s; the old one leaves a minute later, with nothing in hand.
    let old = 100.0;
    let new = 200.0 - 30.0;
    assert_eq!(count(&outcome, "resources.web.instance_seconds"), old + new);
    // Nobody is lost. Half a core takes 200 ms, a whole one 100 ms; traffic moves when the new instance is ready, at 40 s.
    assert_eq!(count(&outcome, "requests.useful"), count(&outcome, "requests.offered"));
    assert!((count(&outcome, "latency.max") - 0.2).abs() < 1e-9);
    assert!((count(&outcome, "latency.min") - 0.1).abs() < 1e-9);
    let mean = (40.0 * 0.2 + 160.0 * 0.1) / 200.0;
    assert!(
        (count(&outcome, "latency.mean") - mean).abs() < 1e-9,
        "{}",
        count(&outcome, "latency.mean")
    );
}

// Lost if broken: a database that grows does so without anybody noticing.
#[test]
fn a_database_that_changes_its_plan_is_away_meanwhile() {
    let outcome = run(&plan(
        r#"
title        = "a larger database in mid-run"
duration     = "300s"
replications = 2
[[event]]
at = "60s"
action.set = { "postgres.plan" = "basic-1gb" }
[load]
rate    = 2.0
spacing = "even"
[system.service.web]
runtime = "node"
[system.pool.connections]
database = "postgres"
max      = 5
[system.database.postgres]
plan     = "basic-256mb"
downtime = "45s"
connect  = "1ms"
[system.endpoint.page]
steps = [ { query = { wait = "1ms" } } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    // Two a second for 45 s.
    assert_eq!(count(&outcome, "errors.by_cause.database_unavailable"), 90.0);
    assert_eq!(
        count(&outcome, "requests.useful"),
        count(&outcome, "requests.offered") - 90.0
    );
}
