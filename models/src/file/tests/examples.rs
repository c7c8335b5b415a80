//! Files that are right: they load without a word, and what they leave out is filled in.

use super::{COACHING, Given, MM1, SPIKE, load};
use crate::SimSpan;
use crate::file::scenario::{Arrivals, MeasureFrom};
use crate::file::step::{FlowStep, Step};
use crate::file::system::{PoolerMode, Rule, Runtime};
use crate::file::{At, Law, Plan, Request, Spread, load_scenario, load_system};

fn plan(text: &str) -> Plan {
    let loaded = load(text, &[], &[]);
    assert_eq!(loaded.diagnostics, []);
    loaded.plan.unwrap()
}

/// Without it, the smallest file is no textbook queue.
#[test]
fn a_textbook_queue_is_a_few_lines() {
    let plan = plan(MM1);
    assert_eq!((&plan.name[..], &plan.system_name[..]), ("a", "a"));
    assert_eq!(
        plan.question,
        "How long is the line in front of one server at half of its capacity?"
    );
    let scenario = &plan.scenario;
    assert_eq!(scenario.duration, Some(SimSpan::from_secs(60_000)));
    assert_eq!(scenario.measure.from, MeasureFrom::At(SimSpan::from_secs(6_000)));
    let load = scenario.load.as_ref().unwrap();
    assert!(matches!(load.arrivals(), Some(Arrivals::Rate(rate)) if rate.is_constant() && rate.from == 5.0));
    assert_eq!(load.client, None);
    let job = plan.system.endpoint.get("job").unwrap();
    assert_eq!(job.service, None);
    let [Step::Take(take)] = &job.steps[..] else {
        panic!("one take")
    };
    assert_eq!(take.r#for.as_ref().unwrap().law, Law::Exponential { mean: 0.1 });
    let pool = plan.system.pool.get("servers").unwrap();
    assert_eq!(
        (pool.max, pool.min, pool.waiters, pool.idle_timeout),
        (1, 0, None, SimSpan::from_secs(10))
    );
    assert!(pool.on && pool.timeout.is_none());
}

/// Without it, the part of the format that the bundled system uses is not all read.
#[test]
fn the_largest_example_loads_without_a_word_and_names_left_out_are_filled_in() {
    let loaded = load_system(Request::new("coaching.toml", COACHING), &Given(&[]));
    assert_eq!(loaded.diagnostics, []);
    let system = loaded.system.unwrap();
    assert_eq!(
        system.endpoint.names().map(|name| &name.text[..]).next(),
        Some("aiChat.createConversation")
    );
    let chat = system.endpoint.get("aiChat.sendMessage").unwrap();
    assert_eq!(chat.service.as_ref().unwrap().text, "web");
    let [
        Step::Limit(_),
        Step::Cpu(_),
        Step::Cache(cache),
        ..,
        Step::Query(_),
        Step::Llm(llm),
        Step::Query(query),
    ] = &chat.steps[..]
    else {
        panic!("the chat's steps")
    };
    assert_eq!(cache.cache.as_ref().unwrap().text, "redis");
    assert_eq!(query.pool.as_ref().unwrap().text, "connections");
    assert!(matches!(
        llm.prompt.law,
        Law::Lognormal(Spread::MeanCv { mean: 700.0, cv: 0.8 })
    ));
    let web = system.service.get("web").unwrap();
    assert_eq!(web.runtime, Some(Runtime::Node));
    assert_eq!(web.scaling.min, 2);
    assert_eq!(web.memory.base.get(), 110 << 20);
    let limiter = system.limiter.get("per-ip").unwrap();
    assert!(
        matches!(&limiter.rule, Rule::FixedWindow(rule) if rule.limit == 100 && rule.per == SimSpan::from_secs(900))
    );
    assert_eq!(limiter.service.as_ref().unwrap().text, "web");
    let retry = &system.provider.get("openai").unwrap().retry;
    assert_eq!(
        (retry.max, retry.honour_retry_after, retry.retry_after_max),
        (2, true, SimSpan::from_secs(60))
    );
}

/// Without it, a scenario's own flows are unknown to its loads, or its phases do not say how long it is.
#[test]
fn a_scenario_brings_its_own_flows_and_its_changes() {
    let plan = plan(SPIKE);
    assert_eq!(plan.system_name, "coaching");
    assert_eq!(plan.system.service.get("web").unwrap().instances, 2);
    assert!(plan.system.flow.contains("stripe") && plan.system.flow.contains("chat"));
    let streams: Vec<&str> = plan.scenario.streams().map(|(name, _)| name).collect();
    assert_eq!(streams, ["load", "webhooks"]);
    let webhooks = plan.scenario.source.get("webhooks").unwrap();
    assert_eq!(webhooks.client.as_ref().unwrap().text, "browser");
    let shares: Vec<(&str, f64)> = webhooks
        .class
        .as_ref()
        .unwrap()
        .entries
        .iter()
        .map(|(name, share)| (&name.text[..], *share))
        .collect();
    assert_eq!(shares, [("premium", 0.1), ("free", 0.9)]);
    let Some(Arrivals::Phases(phases)) = plan.scenario.load.as_ref().unwrap().arrivals() else {
        panic!("phases")
    };
    assert_eq!(phases[0].users.unwrap().peak(), 5000.0);
}

/// Without it, every small file must spell out what has one answer.
#[test]
fn what_has_one_answer_need_not_be_written() {
    let plan = plan(
        r#"
        load = { phase = [ { duration = "1m", rate = "60/min" }, { duration = "2m", sessions = 3 } ] }
        [system.class.paying]
        share = 0.25
        [system.class.trying]
        [system.class.looking]
        [system.endpoint.job]
        steps = [ { choose = [ { steps = [ { call = "other" } ] }, { name = "b", steps = [] } ] }, { fail = 0.5 } ]
        [system.endpoint.other]
        steps = [ { later = [ { cpu = "1ms" } ] }, { hold = "1 MB" } ]
        [system.flow.visit]
        steps = [ { request = "job" }, { request = [ "job", "other" ] } ]
        "#,
    );
    assert_eq!(plan.scenario.duration, Some(SimSpan::from_secs(180)));
    let load = plan.scenario.load.as_ref().unwrap();
    let names: Vec<&str> = load
        .phase
        .iter()
        .flatten()
        .map(|phase| phase.name.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(names, ["0", "1"]);
    let shares: Vec<f64> = load
        .class
        .as_ref()
        .unwrap()
        .entries
        .iter()
        .map(|(_, share)| *share)
        .collect();
    assert_eq!(shares, [0.25, 0.375, 0.375]);
    let [Step::Choose(branches), Step::Fail(fail)] = &plan.system.endpoint.get("job").unwrap().steps[..] else {
        panic!("two steps")
    };
    let names: Vec<&str> = branches
        .iter()
        .map(|branch| branch.name.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(names, ["0", "b"]);
    assert_eq!(fail.share.get(), 0.5);
    let [_, FlowStep::Request(batch)] = &plan.system.flow.get("visit").unwrap().steps[..] else {
        panic!("two steps")
    };
    assert_eq!(batch.len(), 2);
}

/// Without it, a system with one endpoint needs a flow that says nothing.
#[test]
fn one_endpoint_is_the_flow_and_everybody_is_a_user() {
    let plan = plan(
        r#"
        duration = "1m"
        load = { rate = 1 }
        [system.endpoint.job]
        steps = [ { cpu = "1ms" } ]
        "#,
    );
    let load = plan.scenario.load.as_ref().unwrap();
    assert_eq!(load.flow.as_ref().unwrap().entries[0].0.text, "request");
    let (user, _) = &load.class.as_ref().unwrap().entries[0];
    assert_eq!((&user.text[..], user.at), ("user", At::DEFAULT));
}

/// Without it, a system beside the scenario is not found, or a bundled scenario runs with a file that happens to lie
/// where the command was started.
#[test]
fn a_path_wins_over_a_name_except_for_a_bundled_scenario() {
    const BESIDE: &[(&str, &str)] = &[
        (
            "dir/coaching.toml",
            "title = \"beside\"\n[endpoint.job]\nsteps = [ { cpu = \"1ms\" } ]\n",
        ),
        (
            "dir/sub/other.toml",
            "title = \"other\"\n[endpoint.job]\nsteps = [ { cpu = \"1ms\" } ]\n",
        ),
    ];
    let text = "duration = \"1m\"\nload = { rate = 1, client = \"browser\" }\nsystem = \"coaching\"\n";
    let title = |text: &str, is_bundled| {
        let request = Request {
            is_bundled,
            ..Request::new("dir/a.toml", text)
        };
        let loaded = load_scenario(request, &Given(BESIDE), super::bundled);
        loaded.plan.and_then(|plan| plan.system.title)
    };
    let idle = text.replace(", client = \"browser\"", "");
    assert_eq!(title(&idle, false).as_deref(), Some("beside"));
    assert_eq!(title(text, true).as_deref(), Some("Purposeful Live Coaching"));
    let other = idle.replace("coaching", "sub/other.toml");
    assert_eq!(title(&other, false).as_deref(), Some("other"));
    assert_eq!(title(&other, true), None);
}

/// Without it, two results cannot be told to come from the same files, or a comment makes them differ.
#[test]
fn the_hash_follows_what_is_said_and_not_how_it_is_written() {
    let hash = |text: &str, settings: &[&str]| load(text, settings, &[]).plan.unwrap().hash;
    let first = hash(MM1, &[]);
    assert_eq!(
        first,
        hash(
            &format!("# another question\n{}", MM1.replace("rate = 5.0", "rate  =  5.0")),
            &[]
        )
    );
    assert_ne!(first, hash(MM1, &["load.rate=4.0"]));
    assert_eq!(first, hash(&MM1.replace("5.0", "4.0"), &["load.rate=5.0"]));
    // The very number, so that a change of the algorithm is seen in review.
    assert_eq!(first, 2_952_121_958_719_476_116);
}

/// Without it, a recorded day is replayed out of order or at the wrong times.
#[test]
fn a_trace_and_files_of_numbers_are_read_beside_the_file() {
    const FILES: &[(&str, &str)] = &[
        (
            "dir/day.csv",
            "at,flow,user,work\r\n2,request,\"a,b\",0.5\r\n\r\n# noon\r\n1s,request,,\r\n",
        ),
        ("dir/draws.txt", "# milliseconds\n10\n30\n"),
        ("dir/weights.txt", "3\n1\n"),
    ];
    let text = r#"
        duration = "1m"
        load = { trace = { file = "day.csv", speed = 2 } }
        [system.endpoint.job]
        steps = [ { io = { dist = "replay", file = "draws.txt", unit = "ms" } }, { cache = { entry = "coach", miss = [] } } ]
        [system.cache.redis]
        entry = { coach = { keys = 2, popularity = { file = "weights.txt" }, ttl = "forever" } }
        "#;
    let loaded = load(text, &[], FILES);
    assert_eq!(loaded.diagnostics, []);
    let plan = loaded.plan.unwrap();
    let Some(Arrivals::Trace(trace)) = plan.scenario.load.as_ref().unwrap().arrivals() else {
        panic!("a trace")
    };
    let rows: Vec<(f64, Option<&str>, Option<f64>)> = trace
        .file
        .rows
        .iter()
        .map(|row| (row.at.seconds(), row.user.as_deref(), row.work))
        .collect();
    assert_eq!(rows, [(1.0, None, None), (2.0, Some("a,b"), Some(0.5))]);
    let Step::Io(io) = &plan.system.endpoint.get("job").unwrap().steps[0] else {
        panic!("io")
    };
    assert_eq!(io.law, Law::Replay(vec![0.01, 0.03]));
    assert_eq!(io.mean(), Some(0.02));
    let entry = plan.system.cache.get("redis").unwrap().entry.get("coach").unwrap();
    assert_eq!(entry.ttl, SimSpan::FOREVER);
}

/// Without it, a pooler between pool and database cannot be written.
#[test]
fn a_pool_reaches_its_database_through_a_pooler() {
    let plan = plan(
        r#"
        duration = "1m"
        load = { rate = 1 }
        [system.database.db]
        query = { read = { cpu = "1ms" } }
        [system.pooler.bouncer]
        database = "db"
        max = 5
        [system.pool.main]
        max = 50
        max_lifetime = "1h"
        idle_timeout = "never"
        database = "bouncer"
        [system.endpoint.job]
        steps = [ { transaction = { steps = [ { query = { kind = "read", times = 3 } } ] } } ]
        "#,
    );
    assert_eq!(plan.system.pooler.get("bouncer").unwrap().mode, PoolerMode::Transaction);
    assert_eq!(plan.system.pool.get("main").unwrap().idle_timeout, SimSpan::FOREVER);
    let Step::Transaction(transaction) = &plan.system.endpoint.get("job").unwrap().steps[0] else {
        panic!()
    };
    assert_eq!(transaction.pool.as_ref().unwrap().text, "main");
}
