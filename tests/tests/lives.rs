//! Lives of instances: when they die and of what, what dies with them, when they are back; each on a system small enough
//! to know the answer by hand.

use highwater_models::record::summary::LogEntry;
use highwater_sim::experiment::Outcome;
use highwater_tests::run::{plan, run};

/// A count of the result; zero where nothing was counted.
fn count(outcome: &Outcome, path: &str) -> f64 {
    let names: Vec<&str> = path.split('.').collect();
    let count = outcome.summary.figures.value(&names);
    if count.is_nan() { 0.0 } else { count }
}

fn by_cause(outcome: &Outcome, cause: &str) -> f64 {
    count(outcome, &format!("errors.by_cause.{cause}"))
}

/// When the log first says something.
fn logged(outcome: &Outcome, words: &str) -> Option<f64> {
    let entry: Option<&LogEntry> = outcome.summary.log.iter().find(|entry| entry.text.contains(words));
    entry.map(|entry| entry.at)
}

#[track_caller]
fn at(outcome: &Outcome, words: &str, seconds: f64) {
    let found = logged(outcome, words);
    let log = &outcome.summary.log;
    assert!(
        found.is_some_and(|found| (found - seconds).abs() < 1e-6),
        "`{words}` at {found:?}, not {seconds}: {log:#?}"
    );
}

/// One request a second that never ends, on an instance with this memory.
fn hung(memory: &str, steps: &str) -> Outcome {
    run(&plan(&format!(
        r#"
title        = "requests that never end"
duration     = "450500ms"
replications = 2
drain        = "0s"
[load]
every = "1s"
[system.service.web]
runtime = "node"
boot    = "10s"
memory  = {memory}
[system.endpoint.page]
steps = {steps}
[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    )))
}

/// Bytes.
const MB: f64 = 1_048_576.0;

const FOREVER: &str = r#"[ { io = "10h" } ]"#;

// Lost if broken: an instance that lives on over its limit, or dies a request too early; what its death takes along.
#[test]
fn an_instance_dies_at_the_request_that_takes_it_over_its_limit() {
    // 100 + n > 512 first holds for the 413th request, at 413 s. Ten seconds later there is an instance again.
    let memory = r#"{ limit = "512 MB", heap = "1 GB", base = "100 MB", request = "1 MB" }"#;
    let outcome = hung(memory, FOREVER);
    at(&outcome, "over its memory limit", 413.0);
    at(&outcome, "an instance is ready", 423.0);
    assert_eq!(count(&outcome, "resources.web.deaths.out_of_memory"), 1.0);
    assert_eq!(count(&outcome, "resources.web.deaths.heap"), 0.0);
    assert_eq!(count(&outcome, "resources.web.memory.max"), 513.0 * MB);
    assert_eq!(by_cause(&outcome, "out_of_memory"), 413.0);
    // Those at 414 to 422 s found nobody; those from 423 to 450 s are still in hand.
    assert_eq!(by_cause(&outcome, "no_instance"), 9.0);
    assert_eq!(count(&outcome, "requests.in_flight"), 28.0);
    assert_eq!(count(&outcome, "resources.web.memory.at_end"), 128.0 * MB);
}

// Lost if broken: the two deaths taken for each other.
#[test]
fn a_heap_that_is_smaller_is_full_first() {
    // Half of the limit is heap, half of the base is on it: 50 + n > 256 first holds for the 207th.
    let outcome = hung(r#"{ limit = "512 MB", base = "100 MB", request = "1 MB" }"#, FOREVER);
    at(&outcome, "heap full", 207.0);
    // Back at 217 s, it has its own 207th at 217 + 206 = 423 s.
    assert_eq!(count(&outcome, "resources.web.deaths.heap"), 2.0);
    assert_eq!(count(&outcome, "resources.web.deaths.out_of_memory"), 0.0);
    assert_eq!(by_cause(&outcome, "out_of_memory"), 414.0);
}

// Lost if broken: uploads fill the heap, so that a service dies of the wrong limit and too early.
#[test]
fn uploads_count_to_the_heap_only_where_they_are_on_it() {
    let memory = r#"{ limit = "512 MB", base = "100 MB", request = "1 MB" }"#;
    // Beside the heap: 100 + 11 n > 512 first holds for n = 38, and the heap has 50 + 38 then.
    let outcome = hung(memory, r#"[ { hold = "10 MB" }, { io = "10h" } ]"#);
    at(&outcome, "over its memory limit", 38.0);
    // On it: 50 + 11 n > 256 first holds for n = 19.
    let outcome = hung(
        memory,
        r#"[ { hold = { size = "10 MB", on_heap = true } }, { io = "10h" } ]"#,
    );
    at(&outcome, "heap full", 19.0);
    // Given back after its steps, nothing is left of it but the request.
    let outcome = hung(
        memory,
        r#"[ { hold = { size = "10 MB", steps = [ { io = "500ms" } ] } }, { io = "10h" } ]"#,
    );
    at(&outcome, "heap full", 207.0);
}

// Lost if broken: a nearly full heap costs nothing.
#[test]
fn work_takes_longer_in_a_heap_that_is_nearly_full() {
    // 800 of 1000 live: four times as much as is left, so that work takes 1 + 0.05 * 3 times as long.
    let outcome = run(&plan(
        r#"
title        = "four fifths of the heap"
duration     = "10500ms"
replications = 2
[load]
every = "1s"
[system.service.web]
runtime = "node"
memory  = { limit = "2 GB", heap = "1000 MB", base = "800 MB", on_heap = 1.0 }
[system.endpoint.page]
steps = [ { cpu = "100ms" } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    let mean = count(&outcome, "latency.mean");
    assert!((mean - 0.115).abs() < 1e-6, "{mean}");
}

// Lost if broken: a deploy that hides how many connections two generations want.
#[test]
fn two_generations_want_more_connections_than_there_are() {
    // Twenty requests hold the old pool's twenty connections. The new generation, in traffic at 40 s, wants twenty more of
    // the twenty-five: five get one, fifteen are refused. At 100 s the old one is told to stop, at 130 s it is killed.
    let times: Vec<String> = (1..=20).chain(41..=60).map(|second| format!("\"{second}s\"")).collect();
    let times = times.join(", ");
    let outcome = run(&plan(&format!(
        r#"
title        = "two generations"
duration     = "150s"
replications = 2
drain        = "0s"
[load]
at = [ {times} ]
[[event]]
at = "30s"
action.deploy = "web"
[system.service.web]
runtime = "node"
boot    = "10s"
[system.pool.connections]
database = "postgres"
max      = 20
[system.database.postgres]
max_connections = 28
reserved        = 3
connect         = "1ms"
[system.endpoint.page]
steps = [ {{ query = {{ wait = "10h" }} }} ]
[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    )));
    at(&outcome, "deploy: 1 new beside 1 old", 30.0);
    at(&outcome, "traffic goes to the 1 new", 40.0);
    assert_eq!(count(&outcome, "requests.offered"), 40.0);
    assert_eq!(count(&outcome, "resources.postgres.connections.max"), 25.0);
    assert_eq!(count(&outcome, "resources.postgres.connections_refused"), 15.0);
    assert_eq!(by_cause(&outcome, "connection_refused"), 15.0);
    assert_eq!(by_cause(&outcome, "instance_lost"), 20.0);
    assert_eq!(count(&outcome, "resources.postgres.connections.at_end"), 5.0);
    // Both are paid for from 30 s to 130 s.
    assert_eq!(count(&outcome, "resources.web.instance_seconds"), 150.0 + 100.0);
}

// Lost if broken: requests that have the time to end are cut off, or those that do not end well.
#[test]
fn the_grace_loses_exactly_the_requests_that_are_longer() {
    // Traffic changes at 15 s, SIGTERM comes at 25 s, the end at 55 s. A request of 45 s that came by 10 s ends in time.
    let outcome = run(&plan(
        r#"
title        = "thirty seconds of grace"
duration     = "80s"
replications = 2
[load]
at = ["1s", "4s", "7s", "10s", "11s", "12s", "14s", "16s", "20s"]
[[event]]
at = "10s"
action.deploy = "web"
[system.service.web]
runtime = "node"
boot    = "5s"
deploy  = { overlap = "10s", shutdown = "30s" }
[system.endpoint.page]
steps = [ { io = "45s" } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    assert_eq!(by_cause(&outcome, "instance_lost"), 3.0);
    assert_eq!(count(&outcome, "requests.useful"), 6.0);
    assert_eq!(count(&outcome, "resources.web.instance_seconds"), 80.0 + 45.0);
}

// Lost if broken: an instance that has nothing left to do is paid for until its time is up, or one that lingers ends early.
#[test]
fn an_instance_that_drains_ends_when_it_is_idle_and_one_that_lingers_does_not() {
    let seconds = |on_sigterm: &str| {
        let outcome = run(&plan(&format!(
            r#"
title        = "the end of an old instance"
duration     = "80s"
replications = 2
[load]
at = ["14s"]
[[event]]
at = "10s"
action.deploy = "web"
[system.service.web]
runtime = "node"
boot    = "5s"
deploy  = {{ overlap = "10s", shutdown = "30s", on_sigterm = "{on_sigterm}" }}
[system.endpoint.page]
steps = [ {{ io = "20s" }} ]
[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
        )));
        assert_eq!(count(&outcome, "requests.useful"), 1.0);
        count(&outcome, "resources.web.instance_seconds") - 80.0
    };
    // From 10 s to the end of the request at 34 s; or to SIGKILL at 55 s.
    assert_eq!(seconds("drain"), 24.0);
    assert_eq!(seconds("linger"), 45.0);
}

// Lost if broken: the platform's thresholds, and that a health route waits like any other request.
#[test]
fn an_instance_whose_health_route_hangs_is_out_after_15_s_and_restarted_after_60() {
    // The only slot is taken for good at 22 s. The probe sent at 25 s is the first to fail: out at 40 s, restarted at 85 s,
    // back ten seconds later.
    let outcome = run(&plan(
        r#"
title        = "a health route behind a full pool"
duration     = "100500ms"
replications = 2
drain        = "0s"
[source.pages]
at   = ["39s", "41s", "84s", "94s", "96s"]
flow = { page = 1.0 }
[source.hanging]
at   = ["22s"]
flow = { hang = 1.0 }
[system.service.web]
runtime = "node"
boot    = "10s"
health  = { endpoint = "ping" }
[system.pool.slots]
max = 1
[system.endpoint]
ping.steps = [ { take = { from = "slots", for = "10ms" } } ]
page.steps = [ { cpu = "1ms" } ]
hang.steps = [ { take = { from = "slots", for = "10h" } } ]
[system.flow]
page.steps = [ { request = "page" } ]
hang.steps = [ { request = "hang" } ]
"#,
    ));
    at(&outcome, "fails its health checks and gets no more traffic", 40.0);
    at(&outcome, "health checks failed for too long", 85.0);
    // Up at 95 s, and well when its first probe is answered.
    at(&outcome, "an instance is ready", 95.01);
    assert_eq!(count(&outcome, "resources.web.deaths.health"), 1.0);
    assert_eq!(by_cause(&outcome, "no_instance"), 3.0);
    assert_eq!(by_cause(&outcome, "instance_lost"), 1.0);
    assert_eq!(count(&outcome, "requests.useful"), 2.0);
}

// Lost if broken: one good answer after a short trouble does not bring an instance back.
#[test]
fn an_instance_that_answers_again_is_back_in_traffic() {
    // The slot is taken from 22 s to 52 s. The probes from 25 s to 45 s fail; the one sent at 50 s waits and is answered.
    let outcome = run(&plan(
        r#"
title        = "a health route that recovers"
duration     = "70s"
replications = 2
[load]
at = ["22s"]
flow = { hang = 1.0 }
[system.service.web]
runtime = "node"
health  = { endpoint = "ping" }
[system.pool.slots]
max     = 1
timeout = "5s"
[system.endpoint]
ping.steps = [ { take = { from = "slots", for = "10ms" } } ]
hang.steps = [ { take = { from = "slots", for = "30s" } } ]
[system.flow]
hang.steps = [ { request = "hang" } ]
"#,
    ));
    at(&outcome, "gets no more traffic", 40.0);
    at(&outcome, "passes its health checks again", 52.01);
    assert_eq!(count(&outcome, "resources.web.deaths.health"), 0.0);
}

// Lost if broken: one instance's crash is one instance's, whatever its health route waits for.
#[test]
fn a_health_route_that_waits_for_the_pool_hands_an_overload_from_instance_to_instance() {
    // Three instances of two slots serve six a second, and five come. Without the one that crashes at 61 s, two serve four:
    // their lines grow by half a request a second each, which is a quarter of a second of waiting. The probe sent at 75 s
    // waits 3.5 s and at most one service more, that of 85 s 6 s: the first that waits longer than 5 s is that of 80 or 85 s,
    // and 15 s later no instance is in traffic, a minute before the third is back.
    let crash = |health: &str| {
        run(&plan(&format!(
            r#"
title        = "one of three crashes"
duration     = "3m"
replications = 2
[load]
rate    = 5.0
spacing = "even"
[[event]]
at    = "61s"
fault = {{ crash = {{ target = "web" }} }}
[system.service.web]
runtime   = "ideal"
instances = 3
boot      = "90s"
{health}
[system.pool.slots]
max = 2
[system.flow.pages]
steps = [ {{ request = "page" }} ]
[system.endpoint]
ping.steps = [ {{ take = {{ from = "slots", for = "1ms" }} }} ]
page.steps = [ {{ take = {{ from = "slots", for = "1s" }} }} ]
"#
        )))
    };
    let by_port = crash("");
    assert_eq!(by_cause(&by_port, "no_instance"), 0.0);
    assert_eq!(logged(&by_port, "gets no more traffic"), None);
    let by_route = crash(r#"health = { endpoint = "ping", restart_after = "10m" }"#);
    let out = logged(&by_route, "gets no more traffic").expect("an instance fails its checks");
    assert!(out == 95.0 || out == 100.0, "{out}");
    assert!(by_cause(&by_route, "no_instance") > 0.0);
}

// Lost if broken: a limit in memory that outlives the memory.
#[test]
fn a_crash_forgets_in_memory_limits_and_connections() {
    let outcome = run(&plan(
        r#"
title        = "a crash"
duration     = "20500ms"
replications = 2
[load]
at = ["1s", "2s", "5s", "9s", "10s"]
[[event]]
at = "3s"
fault.crash.target = "web"
[system.service.web]
runtime = "node"
boot    = "5s"
[system.limiter.edge]
key  = "all"
rule = { fixed_window = { limit = 1, per = "1h" } }
[system.pool.connections]
database = "postgres"
max      = 5
[system.database.postgres]
max_connections = 28
connect         = "100ms"
[system.endpoint.page]
steps = [ { limit = "edge" }, { query = { wait = "1ms" } } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    // Let through before the crash and after it, each time with a connection to open; refused at 2 s and 10 s.
    assert_eq!(count(&outcome, "requests.useful"), 2.0);
    assert_eq!(by_cause(&outcome, "rate_limited"), 2.0);
    assert_eq!(by_cause(&outcome, "no_instance"), 1.0);
    assert_eq!(count(&outcome, "resources.connections.connects"), 2.0);
    assert_eq!(count(&outcome, "resources.web.deaths.crash"), 1.0);
}

/// A query a second, and the database down from 10 s to 30 s.
fn database_restarted(crashes: bool) -> Outcome {
    run(&plan(&format!(
        r#"
title        = "a database restarted"
duration     = "60s"
replications = 2
[load]
phase   = [ {{ duration = "60s", rate = 1.0 }} ]
spacing = "even"
[[event]]
at = "10200ms"
action.restart = "postgres"
[system.service.web]
runtime = "node"
boot    = "5s"
crash_on_database_error = {crashes}
[system.pool.connections]
database = "postgres"
max      = 5
[system.database.postgres]
max_connections = 28
connect         = "1ms"
downtime        = "20s"
[system.endpoint.page]
steps = [ {{ query = {{ wait = "10ms" }} }} ]
[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    )))
}

// Lost if broken: a database that is down and answers all the same, or takes a program along that handles it.
#[test]
fn a_database_that_restarts_fails_who_asks_meanwhile() {
    let outcome = database_restarted(false);
    assert_eq!(by_cause(&outcome, "database_unavailable"), 20.0);
    assert_eq!(
        count(&outcome, "requests.useful"),
        count(&outcome, "requests.offered") - 20.0
    );
    assert_eq!(count(&outcome, "resources.web.deaths.crash"), 0.0);
}

// Lost if broken: a pool without a listener for errors survives the loss of an idle connection.
#[test]
fn an_idle_connection_that_is_cut_takes_a_careless_program_along() {
    let outcome = database_restarted(true);
    at(&outcome, "crashed", 10.2);
    // Five of the twenty find no instance at all.
    assert_eq!(count(&outcome, "resources.web.deaths.crash"), 1.0);
    assert_eq!(by_cause(&outcome, "no_instance"), 5.0);
    assert_eq!(by_cause(&outcome, "database_unavailable"), 15.0);
}

// Lost if broken: a transaction goes on over a connection that is gone.
#[test]
fn a_transaction_whose_connection_was_cut_fails_at_its_next_query() {
    let outcome = run(&plan(
        r#"
title        = "a transaction over a cut"
duration     = "20s"
replications = 2
[load]
at = ["1s", "8s"]
[[event]]
at = "2s"
fault.lost_connections.target = "postgres"
[system.service.web]
runtime = "node"
[system.pool.connections]
database = "postgres"
max      = 5
[system.database.postgres]
max_connections = 28
connect         = "1ms"
[system.endpoint.page]
steps = [ { transaction = { steps = [ { query = { wait = "1ms" } }, { io = "5s" }, { query = { wait = "1ms" } } ] } } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    assert_eq!(by_cause(&outcome, "database_unavailable"), 1.0);
    assert_eq!(count(&outcome, "requests.useful"), 1.0);
    assert_eq!(count(&outcome, "resources.connections.connects"), 2.0);
}

// Lost if broken: a restart that nobody notices.
#[test]
fn a_restart_leaves_nobody_to_take_requests_until_the_boot_is_over() {
    let outcome = run(&plan(
        r#"
title        = "a service restarted"
duration     = "30500ms"
replications = 2
[load]
every = "1s"
[[event]]
at = "10500ms"
action.restart = "web"
[system.service.web]
runtime = "node"
boot    = "5s"
[system.endpoint.page]
steps = [ { cpu = "1ms" } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    assert_eq!(by_cause(&outcome, "no_instance"), 5.0);
    assert_eq!(count(&outcome, "requests.useful"), 25.0);
    assert_eq!(count(&outcome, "resources.web.instance_seconds"), 30.5);
}

// Lost if broken: instances added by hand that never come, or the wrong ones that go.
#[test]
fn instances_by_hand_boot_first_and_leave_newest_first() {
    let outcome = run(&plan(
        r#"
title        = "instances by hand"
duration     = "60s"
replications = 2
[load]
at = ["50s"]
[[event]]
at = "10s"
action.set = { "web.instances" = 3 }
[[event]]
at = "30s"
action.set = { "web.instances" = 1 }
[system.service.web]
runtime = "node"
boot    = "5s"
[system.endpoint.page]
steps = [ { cpu = "1ms" } ]
[system.flow.one]
steps = [ { request = "page" } ]
"#,
    ));
    at(&outcome, "1 -> 3 instances: by hand", 10.0);
    at(&outcome, "3 -> 1 instances: by hand", 30.0);
    assert_eq!(count(&outcome, "resources.web.boots"), 2.0);
    assert_eq!(count(&outcome, "resources.web.stops"), 2.0);
    // Two more from 10 s to 30 s.
    assert_eq!(count(&outcome, "resources.web.instance_seconds"), 60.0 + 2.0 * 20.0);
    assert_eq!(count(&outcome, "requests.useful"), 1.0);
}
