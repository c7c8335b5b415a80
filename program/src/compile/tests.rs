use highwater_models::bundled;
use highwater_models::catalogue;
use highwater_models::file::{Files, Plan, Request, load_scenario};

use super::*;
use crate::model::{Coming, FlowOp, Op, ResourceKind, Runtime, STAGE_BACKOFF, STAGE_CLIENT, STAGE_IO};

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &str) -> Result<String, String> {
        Err("no such file".to_owned())
    }
}

fn plan(name: &str, text: &str, is_bundled: bool) -> Plan {
    let request = Request {
        is_bundled,
        catalogue: catalogue::names,
        ..Request::new(name, text)
    };
    let loaded = load_scenario(request, &NoFiles, bundled::system);
    loaded
        .plan
        .unwrap_or_else(|| panic!("{name}: {:?}", loaded.diagnostics))
}

/// A system on Node with one of everything, and the steps of its endpoint `e`.
fn node(steps: &str) -> Model {
    let text = format!(
        r#"
duration = "10s"
[load]
rate = 1.0
[system.service.web]
plan = "starter"
loop = {{ start = "1ms" }}
[system.pool.db]
database = "postgres"
max = 20
[system.pool.seats]
max = 3
[system.pool.gone]
max = 1
on = false
[system.queue.ai]
concurrency = 5
[system.database.postgres.query.one]
cpu = "1ms"
[system.cache.redis.entry.profile]
key = "user"
ttl = "1m"
[system.provider.openai.model.quick]
latency = "1s"
[system.limiter.few]
key = "user"
rule = {{ fixed_window = {{ limit = 5, per = "1m" }} }}
on = false
[system.endpoint.e]
steps = [ {steps} ]
"#
    );
    compile(&plan("node", &text, false))
}

/// The program without the numbers of draws.
fn program(model: &Model) -> Vec<String> {
    let name = |op: &Op| match *op {
        Op::Arrive { .. } => "arrive".to_owned(),
        Op::Slice { reply: false, .. } => "start".to_owned(),
        Op::Slice { reply: true, .. } => "reply".to_owned(),
        Op::Borrow { .. } => "borrow".to_owned(),
        Op::Acquire { slots, .. } => format!("acquire {slots}"),
        Op::Enter { .. } => "enter".to_owned(),
        Op::Release => "release".to_owned(),
        Op::Query { query } => format!("query {query}"),
        Op::Lookup { entry, hit } => format!("lookup {entry} or {hit}"),
        Op::Store { entry } => format!("store {entry}"),
        Op::Jump { to } => format!("jump {to}"),
        Op::Serve { .. } => "serve".to_owned(),
        Op::Burn { .. } => "burn".to_owned(),
        Op::Delay { .. } => "delay".to_owned(),
        Op::Llm { .. } => "llm".to_owned(),
        Op::LlmRest { .. } => "rest".to_owned(),
        Op::Fork { .. } => "fork".to_owned(),
        Op::EndBranch => "end of branch".to_owned(),
        Op::Repeat { after, .. } => format!("repeat until {after}"),
        Op::Again => "again".to_owned(),
        Op::End => "end".to_owned(),
        ref other => format!("{other:?}"),
    };
    model.ops.iter().map(name).collect()
}

/// Without it a bundled scenario could load and still not run.
#[test]
fn every_bundled_scenario_compiles() {
    for scenario in bundled::scenarios() {
        let model = compile(&plan(scenario.name, scenario.text, true));
        let name = scenario.name;
        assert!(
            !model.sources.is_empty() && !model.flows.is_empty() && !model.endpoints.is_empty(),
            "{name}"
        );
        assert_eq!(model.stages.len(), model.stage_resource.len(), "{name}");
        assert!(model.duration > SimTime::ZERO && model.end >= model.duration, "{name}");
        assert_all_numbers_exist(&model, name);
    }
}

/// A number that points past its table would stop the engine in the middle of a run.
fn assert_all_numbers_exist(model: &Model, name: &str) {
    let end = model.ops.len() as u32;
    for op in &model.ops {
        let fits = match *op {
            Op::Arrive { service } => usize::from(service) < model.services.len(),
            Op::Limit { limiter } => usize::from(limiter) < model.limiters.len(),
            Op::Cpu { site } | Op::Slice { site, .. } | Op::Burn { site } | Op::Fail { site, .. } => {
                (site as usize) < model.sites.len()
            }
            Op::Delay { site, stage } | Op::Serve { site, stage } => {
                (site as usize) < model.sites.len() && usize::from(stage) < model.stages.len()
            }
            Op::Acquire { slots, .. } => usize::from(slots) < model.slots.len(),
            Op::Borrow { pool } => usize::from(pool) < model.pools.len(),
            Op::Server { pooler, pool } => {
                usize::from(pooler) < model.poolers.len() && usize::from(pool) < model.pools.len()
            }
            Op::Enter { queue } => usize::from(queue) < model.queues.len(),
            Op::Query { query } => usize::from(query) < model.queries.len(),
            Op::Command { cache, .. } => usize::from(cache) < model.caches.len(),
            Op::Lookup { entry, hit } => usize::from(entry) < model.lookups.len() && hit < end,
            Op::Store { entry } => usize::from(entry) < model.lookups.len(),
            Op::Llm { call } | Op::LlmRest { call } => usize::from(call) < model.calls.len(),
            Op::Call { endpoint } => usize::from(endpoint) < model.endpoints.len(),
            Op::Fork { branches } => model.forks[usize::from(branches)].branches.iter().all(|&at| at < end),
            Op::Choose { choice } => model.choices[usize::from(choice)].after < end,
            Op::Repeat { site, after } => (site as usize) < model.sites.len() && after < end,
            Op::Try { retry } => usize::from(retry) < model.retries.len(),
            Op::Feature { feature, otherwise } => usize::from(feature) < model.features.len() && otherwise < end,
            Op::Later { at, .. } | Op::Jump { to: at } => at < end,
            Op::Hold { .. } | Op::Drop { .. } | Op::Release | Op::SignedIn => true,
            Op::EndBranch | Op::Again | Op::Tried | Op::End => true,
        };
        assert!(fits, "{name}: {op:?}");
    }
    for op in &model.flow_ops {
        let fits = match *op {
            FlowOp::Request { endpoint } => usize::from(endpoint) < model.endpoints.len(),
            FlowOp::Jump { to } | FlowOp::Repeat { after: to, .. } => (to as usize) < model.flow_ops.len(),
            _ => true,
        };
        assert!(fits, "{name}: {op:?}");
    }
}

/// A query that gave its connection back before the loop had taken up the reply would make pools look too large.
#[test]
fn a_query_holds_its_connection_until_the_loop_has_the_reply() {
    let model = node(r#"{ query = "one" }"#);
    let expected = ["arrive", "borrow", "start", "query 0", "reply", "release", "end"];
    assert_eq!(program(&model), expected);
}

/// Inside a transaction a second connection would be asked for, and a full pool would lock up.
#[test]
fn a_transaction_borrows_once() {
    let model = node(r#"{ transaction = { steps = [ { query = "one" }, { io = "1ms" }, { query = "one" } ] } }"#);
    let expected = [
        "arrive", "borrow", "start", "query 0", "reply", "delay", "reply", "start", "query 1", "reply", "release",
        "end",
    ];
    assert_eq!(program(&model), expected);
    assert_eq!(model.held_depth, 1);
}

/// Repetition around the borrowing and not inside: each query waits for a connection of its own.
#[test]
fn several_queries_borrow_each_time() {
    let model = node(r#"{ query = { kind = "one", times = 3 } }"#);
    let expected = [
        "arrive",
        "repeat until 8",
        "borrow",
        "start",
        "query 0",
        "reply",
        "release",
        "again",
        "end",
    ];
    assert_eq!(program(&model), expected);
    assert_eq!(model.frame_depth, 1);
}

/// A hit that ran the miss, or a miss that never stored, would make any hit ratio wrong.
#[test]
fn a_hit_takes_up_the_reply_and_skips_the_miss() {
    let model = node(r#"{ cache = { entry = "profile", miss = [ { query = "one" } ] } }"#);
    let expected = [
        "arrive",
        "start",
        "lookup 0 or 13",
        "reply",
        "borrow",
        "start",
        "query 0",
        "reply",
        "release",
        "start",
        "store 0",
        "reply",
        "jump 14",
        "reply",
        "end",
    ];
    assert_eq!(program(&model), expected);
}

/// The general station: a slot for a time, over steps, and none at all where the pool is switched off.
#[test]
fn take_holds_a_slot_unless_it_is_off() {
    let model = node(
        r#"{ limit = "few" }, { take = { from = "seats", for = "1s" } }, { take = { from = "gone", for = "1s" } },
           { take = { from = "seats", steps = [ { take = { from = "ai", for = "1s" } } ] } }"#,
    );
    let expected = [
        "arrive",
        "acquire 0",
        "serve",
        "reply",
        "release",
        "delay",
        "reply",
        "acquire 0",
        "enter",
        "serve",
        "reply",
        "release",
        "release",
        "end",
    ];
    assert_eq!(program(&model), expected);
    assert_eq!(model.held_depth, 2);
    assert!(
        model
            .resources
            .iter()
            .all(|resource| resource.name != "gone" && resource.name != "few")
    );
}

/// Work off the loop that took no thread would never wait for one.
#[test]
fn work_takes_a_thread() {
    let model = node(r#"{ work = "80ms" }"#);
    assert_eq!(
        program(&model),
        ["arrive", "acquire 1", "burn", "reply", "release", "end"]
    );
    let threads = &model.slots[1];
    assert_eq!(threads.max, 4);
    assert_eq!(model.resources[usize::from(threads.resource)].name, "web.threads");
    assert!(model.services[0].can_bind);
}

/// The queue's place would be held for the whole answer, and fewer answers than possible would be under way.
#[test]
fn a_streamed_answer_frees_the_queue_at_its_first_token() {
    let model = node(r#"{ llm = { model = "quick", queue = "ai", stream = true } }"#);
    let expected = [
        "arrive", "enter", "start", "llm", "reply", "release", "rest", "reply", "end",
    ];
    assert_eq!(program(&model), expected);
}

/// Branches that fell through into each other would run twice.
#[test]
fn branches_end_and_the_parent_goes_on_behind_them() {
    let model = node(r#"{ parallel = [ [ { io = "1ms" } ], [ { io = "2ms" } ] ] }"#);
    let expected = [
        "arrive",
        "fork",
        "jump 9",
        "delay",
        "reply",
        "end of branch",
        "delay",
        "reply",
        "end of branch",
        "end",
    ];
    assert_eq!(program(&model), expected);
    assert_eq!(model.forks[0].branches, [3, 6]);
}

/// Common random numbers across variants rest on it.
#[test]
fn a_draw_keeps_its_number_when_other_endpoints_come() {
    let of = |steps: &str| node(steps).sites.iter().map(|site| site.place).collect::<Vec<_>>();
    let (one, two) = (of(r#"{ query = "one" }"#), of(r#"{ query = "one" }, { io = "1ms" }"#));
    assert!(one.iter().all(|place| two.contains(place)), "{one:?} {two:?}");
    // FNV-1a of "a", as its authors publish it.
    assert_eq!(place_number("a"), 0xaf63_dc4c_8601_ec8c);
}

/// The textbook scenarios have no service: one that limits anything would spoil the formulas.
#[test]
fn without_a_service_nothing_limits() {
    let text = bundled::scenario("mm1").expect("bundled");
    let model = compile(&plan("textbook/mm1", text, true));
    let service = &model.services[0];
    assert_eq!(
        (service.runtime, service.can_bind, service.processes),
        (Runtime::Ideal, false, 1)
    );
    assert_eq!(program(&model), ["arrive", "acquire 0", "serve", "release", "end"]);
    assert_eq!(model.phases, ["all"]);
    assert_eq!(model.resources[1].limit, "1 slot");
}

/// What the plan says would be taken from the wrong setting.
#[test]
fn the_coaching_system_has_its_limits() {
    let text = bundled::scenario("normal").expect("bundled");
    let model = compile(&plan("normal", text, true));
    let limit = |name: &str| {
        model
            .resources
            .iter()
            .find(|resource| resource.name == name)
            .map(|resource| resource.limit.as_str())
    };
    assert_eq!(limit("connections"), Some("20 connections per process"));
    assert_eq!(limit("per-ip"), Some("100 per 15 min and address"));
    assert_eq!(limit("chat"), Some("10 per 1 min and user"));
    assert!(
        limit("postgres").is_some_and(|words| words.ends_with("25 connections, 3 reserved")),
        "{:?}",
        limit("postgres")
    );
    assert_eq!(model.databases[0].connections, 22);
    assert_eq!(model.pools[0].config.timeout, SimSpan::from_secs(5));
    let priorities: Vec<(&str, i64)> = model
        .classes
        .iter()
        .map(String::as_str)
        .zip(model.queues[0].priority.iter().copied())
        .collect();
    assert_eq!(priorities, [("premium", 10), ("free", 0)]);
    assert!(
        model
            .sources
            .iter()
            .all(|source| matches!(source.coming, Coming::Closed { .. } | Coming::Open { .. }))
    );
    let ladder = model.degradation.as_ref().expect("the plan has one");
    assert_eq!(ladder.levels, ["critical", "high", "elevated"]);
    assert!(
        ladder
            .calls
            .iter()
            .flatten()
            .all(|&call| usize::from(call) < model.calls.len())
    );
    assert!(ladder.off.iter().all(|off| off.len() == model.features.len()));
    let kinds: Vec<ResourceKind> = model.resources.iter().map(|resource| resource.kind).collect();
    assert_eq!(kinds.first(), Some(&ResourceKind::Service));
    assert_eq!(kinds.last(), Some(&ResourceKind::Provider));
    let fixed = [STAGE_CLIENT, STAGE_BACKOFF, STAGE_IO].map(|stage| model.stages[usize::from(stage)].as_str());
    assert_eq!(fixed, ["client", "backoff", "io"]);
}

/// Rates off by a part of a stair, or arrivals past the end, would shift every result of a load test.
#[test]
fn stairs_reach_both_ends_and_the_run_cuts_them() {
    let text = r#"
duration = "25s"
[[load.phase]]
duration = "30s"
rate = { from = 1, to = 3, steps = 3 }
[system.endpoint.e]
steps = [ { io = "1ms" } ]
"#;
    let model = compile(&plan("stairs", text, false));
    let Coming::Open { segments, .. } = &model.sources[0].coming else {
        panic!("open arrivals")
    };
    let second = |nanos: SimTime| nanos.seconds();
    let pieces: Vec<(f64, f64, f64)> = segments
        .iter()
        .map(|piece| (second(piece.from), second(piece.to), piece.rate_to))
        .collect();
    assert_eq!(pieces, [(0.0, 10.0, 1.0), (10.0, 20.0, 2.0), (20.0, 25.0, 3.0)]);
    assert_eq!(model.sources[0].phase_ends, [SimTime::ZERO + SimSpan::from_secs(25)]);
}

/// A batch that ran the middleware for each part would count one request several times.
#[test]
fn a_batch_runs_the_middleware_once() {
    let text = r#"
duration = "10s"
[load]
rate = 1.0
[system.service.web]
before = [ { io = "1ms" } ]
[system.limiter.path]
key = "ip"
batched = "bypass"
rule = { fixed_window = { limit = 5, per = "1m" } }
[system.endpoint.a]
steps = [ { limit = "path" }, { cpu = "1ms" } ]
[system.endpoint.b]
steps = [ { cpu = "1ms" } ]
[system.flow.f]
steps = [ { request = ["a", "b"] } ]
"#;
    let model = compile(&plan("batch", text, false));
    let batch = &model.endpoints[2];
    assert_eq!(batch.name, "a,b");
    let ops = &model.ops[batch.start as usize..];
    let delays = ops.iter().filter(|op| matches!(op, Op::Delay { .. })).count();
    let cpus = ops.iter().filter(|op| matches!(op, Op::Cpu { .. })).count();
    let limits = ops.iter().filter(|op| matches!(op, Op::Limit { .. })).count();
    assert_eq!((delays, cpus, limits), (1, 2, 0));
    assert_eq!(model.flow_ops, [FlowOp::Request { endpoint: 2 }, FlowOp::End]);
}

/// A timeline of a long run would have more rows than anybody can plot.
#[test]
fn windows_grow_with_the_run() {
    let window = |seconds: u64| window_of(SimSpan::from_secs(seconds));
    assert_eq!(window(2000), SimSpan::from_secs(1));
    assert_eq!(window(2001), SimSpan::from_secs(5));
    assert_eq!(window(86_400), SimSpan::from_secs(60));
    assert_eq!(window(400 * 86_400), SimSpan::from_secs(3600));
}
