//! Blame: what is full is not always what is to blame.

use highwater_models::record::summary::Bottleneck;
use highwater_report::verdict::verdict;
use highwater_sim::experiment::Outcome;
use highwater_tests::run::{plan, run};

/// Two connections to an idle database, behind an event loop with so much work for each request.
fn behind_a_loop(work: &str) -> Outcome {
    run(&plan(&format!(
        r#"
duration = "60s"
drain = "30s"
replications = 3
seed = 5
[load]
rate = 100.0
[objectives]
error_rate = 0.01
[system.service.web]
runtime = "node"
cores = 1.0
[system.pool.connections]
database = "postgres"
max = 2
min = 2
timeout = "1s"
[system.database.postgres]
cores = 8.0
rtt = "1ms"
[system.database.postgres.query]
row = {{ cpu = "1ms" }}
[system.endpoint.page]
steps = [ {{ transaction = {{ steps = [ {{ query = "row" }}, {{ cpu = "{work}" }}, {{ query = "row" }} ] }} }} ]
"#
    )))
}

fn bottleneck<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a Bottleneck> {
    outcome
        .summary
        .bottlenecks
        .iter()
        .find(|bottleneck| bottleneck.resource == name)
}

// Lost if broken: a founder who buys connections, or a larger database, for a loop that cannot keep up.
#[test]
fn a_full_pool_before_an_idle_database_is_the_loops_doing() {
    let outcome = behind_a_loop("15ms");
    let figure = |path: &[&str]| outcome.summary.figures.value(path);
    assert!(
        figure(&["errors", "by_cause", "pool_timeout"]) > 0.1,
        "pool timeouts are what is seen"
    );
    assert!(figure(&["resources", "postgres", "cpu"]) < 0.1, "the database is idle");
    let pool = bottleneck(&outcome, "connections").expect("the pool is full");
    assert_eq!(pool.because_of.as_deref(), Some("web"), "{pool:?}");
    let said = verdict(&outcome.summary).to_string();
    println!("{said}");
    assert!(said.contains("web") || said.contains("event loop"), "{said}");
}

// Lost if broken: a loop that is blamed for everything.
#[test]
fn a_pool_that_is_too_small_is_to_blame_itself() {
    let outcome = run(&plan(
        r#"
duration = "60s"
drain = "30s"
replications = 3
seed = 5
[load]
rate = 100.0
[objectives]
error_rate = 0.01
[system.service.web]
runtime = "node"
cores = 1.0
[system.pool.connections]
database = "postgres"
max = 2
min = 2
timeout = "1s"
[system.database.postgres]
cores = 8.0
rtt = "1ms"
[system.database.postgres.query]
row = { wait = "50ms" }
[system.endpoint.page]
steps = [ { cpu = "1ms" }, { query = "row" } ]
"#,
    ));
    let pool = bottleneck(&outcome, "connections").expect("the pool is full");
    assert_ne!(pool.because_of.as_deref(), Some("web"), "{pool:?}");
    assert!(
        bottleneck(&outcome, "web").is_none(),
        "{:?}",
        outcome.summary.bottlenecks
    );
    let said = verdict(&outcome.summary).to_string();
    println!("{said}");
    assert!(said.contains("connections"), "{said}");
}
