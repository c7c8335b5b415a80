//! The short way through plain models gives what the general way gives, to the byte.
//!
//! A run that keeps rows of its requests takes the general way, whatever the model (`sim/src/world/plain.rs`); else it
//! leaves the same record. So every model that is plain is run both ways.

use std::sync::atomic::{AtomicBool, AtomicU64};

use highwater_models::file::Plan;
use highwater_program::compile::compile;
use highwater_sim::validate;
use highwater_sim::world::{Control, is_plain, simulate};
use highwater_tests::run::plan;

/// What a replication leaves, as text.
fn record(plan: &Plan, seed: u64, keep_requests: bool) -> String {
    let control = Control {
        cancel: &AtomicBool::new(false),
        progress: &AtomicU64::new(0),
    };
    let model = compile(plan);
    match simulate(&model, seed, 0, keep_requests, &control) {
        Ok((record, _)) => format!("{record:?}"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(name: &str, plan: &Plan) {
    assert!(is_plain(&compile(plan)), "{name} is not plain");
    let (short, general) = (record(plan, 1, false), record(plan, 1, true));
    let fields = || short.split(", ").zip(general.split(", "));
    let differs = fields().position(|(one, other)| one != other);
    let around = |text: &str| -> Vec<String> {
        let first = differs.unwrap_or(0).saturating_sub(5);
        text.split(", ").skip(first).take(7).map(str::to_owned).collect()
    };
    assert!(
        short == general,
        "{name}: {:?} and {:?}",
        around(&short),
        around(&general)
    );
}

/// Cases of theory that are plain, at least: fewer, and this test would look at next to nothing.
const PLAIN_CASES: usize = 20;

// Lost if broken: results that do not depend on which way the engine takes.
#[test]
fn every_plain_case_of_theory_is_the_same_both_ways() {
    let mut found = 0;
    for case in validate::all() {
        let plan = case.plan().expect("a case is a plan");
        if is_plain(&compile(&plan)) {
            check(case.id, &plan);
            found += 1;
        }
    }
    println!("{found} cases");
    assert!(found >= PLAIN_CASES, "{found} cases are plain");
}

// Lost if broken: the same, and what the engine's speed is measured on.
#[test]
fn the_models_of_the_bench_are_plain_and_the_same_both_ways() {
    for (name, text) in [
        ("a", include_str!("../../sim/benches/models/a.toml")),
        ("b", include_str!("../../sim/benches/models/b.toml")),
        ("c", include_str!("../../sim/benches/models/c.toml")),
    ] {
        check(name, &plan(text));
    }
}

// Lost if broken: everything of a plain model that the others do not come to: lines that are full, patience that ends,
// limits of each kind, failures that end a session, loops in flows and programs, two services, people who sign in, and
// many things at one instant.
#[test]
fn all_that_a_plain_model_can_do_is_the_same_both_ways() {
    let system = r#"
[system.service.web]
processes = 2
[system.service.jobs]
[system.client.app]
on_error = "end_session"
[system.limiter.user]
service = "web"
key = "user"
rule = { fixed_window = { limit = 3, per = "10s" } }
[system.limiter.all]
service = "jobs"
key = "all"
over = "wait"
rule = { token_bucket = { rate = 2.0, burst = 2 } }
[system.pool.desk]
service = "web"
max = 2
waiters = 3
timeout = "700ms"
[system.pool.bench]
service = "web"
max = 1
timeout = { dist = "exponential", mean = "1s" }
[system.endpoint.enter]
service = "web"
signs_in = true
steps = [ { take = { from = "desk", for = "200ms" } } ]
[system.endpoint.ask]
service = "web"
signed_in = true
steps = [
  { limit = "user" },
  { repeat = { times = { dist = "geometric", mean = 2.0 }, steps = [
    { take = { from = "desk", for = { dist = "exponential", mean = "300ms" } } },
    { io = "50ms" },
  ] } },
  { take = { from = "desk", steps = [ { take = { from = "bench", for = "100ms" } } ] } },
  { fail = 0.1 },
]
[system.endpoint.job]
service = "jobs"
steps = [ { limit = "all" }, { io = { dist = "exponential", mean = "1s" } } ]
[system.flow.visit]
steps = [
  { request = "enter" },
  { repeat = { times = 3, steps = [
    { think = { dist = "exponential", mean = "2s" } },
    { choose = [ { weight = 3, steps = [ { request = "ask" } ] }, { weight = 1, steps = [ { request = "job" } ] } ] },
  ] } },
]
"#;
    for load in [
        "rate = 3.0",
        "users = { from = 5, to = 30 }\npeople = { count = 40, pick = \"even\" }",
    ] {
        let text = format!(
            "duration = \"5m\"\n[load]\nclient = \"app\"\nsigned_in = 0.3\n{load}\n[measure]\nfrom = \"1m\"\n{system}"
        );
        check(load, &plan(&text));
    }
}
