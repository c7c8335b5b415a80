//! Books: whatever a system is made of, what came is what left and what is still there.
//!
//! The engine closes its books after every replication, to the request and to the nanosecond, and fails when they do not
//! close. Here is what it is made to run for that: every bundled scenario, and systems put together by chance.

use std::fmt::Write;

use highwater_models::bundled;
use highwater_program::compile::compile;
use highwater_program::model::ResourceKind;
use highwater_sim::experiment::{Options, Outcome};
use highwater_sim::measure::Record;
use highwater_tests::faults::timeline;
use highwater_tests::run::{bundled_plan, load, random_cases, replicate, run_with};
use proptest::prelude::*;

/// The sums of a whole run, once more and from outside the engine.
fn check_record(name: &str, record: &Record) {
    assert_eq!(
        record.whole_offered,
        record.whole_useful + record.whole_failed + record.whole_abandoned + record.whole_in_flight,
        "{name}: requests"
    );
    assert_eq!(
        record.attempts_begun,
        record.attempts_ended + record.attempts_in_flight,
        "{name}: attempts"
    );
    let cells = || record.cells.iter().flatten();
    assert_eq!(
        cells().map(|cell| cell.offered).sum::<u64>(),
        cells()
            .map(|cell| cell.useful + cell.failed + cell.abandoned)
            .sum::<u64>()
            + record.in_flight,
        "{name}: measured requests"
    );
    for cell in cells() {
        assert_eq!(
            cell.latency.count(),
            cell.useful,
            "{name}: latencies are those of useful requests"
        );
        let causes: u64 = cell.by_cause.iter().sum();
        assert_eq!(
            causes,
            cell.failed + cell.abandoned,
            "{name}: each failure has one cause"
        );
    }
}

/// The sums that a reader of the result can check.
fn check_figures(outcome: &Outcome) {
    let name = &outcome.summary.scenario;
    let count = |path: &[&str]| outcome.summary.figures.value(path);
    let mut wholes: Vec<Vec<String>> = vec![Vec::new()];
    for group in ["endpoints", "classes", "phases"] {
        let parts = outcome.summary.figures.children(&[group]);
        wholes.extend(parts.iter().map(|part| vec![group.to_owned(), (*part).to_owned()]));
        if !parts.is_empty() {
            let sum: f64 = parts
                .iter()
                .map(|part| count(&[group, part, "requests", "offered"]))
                .sum();
            check_sum(
                &format!("{name}: requests of all {group}"),
                count(&["requests", "offered"]),
                sum,
            );
        }
    }
    for whole in wholes {
        let of = |key: &str| {
            let mut path: Vec<&str> = whole.iter().map(String::as_str).collect();
            path.extend(["requests", key]);
            count(&path)
        };
        let ends = of("useful") + of("failed") + of("abandoned") + of("in_flight");
        check_sum(&format!("{name}: {}", whole.join(".")), of("offered"), ends);
    }
}

/// Means over replications of whole numbers: equal but for rounding.
fn check_sum(what: &str, left: f64, right: f64) {
    assert!(
        (left - right).abs() <= 1e-9 * left.abs().max(1.0),
        "{what}: {left} against {right}"
    );
}

/// What shortens a bundled scenario to a test's length without losing what happens in it.
fn shortened(name: &str) -> Vec<&'static str> {
    match name {
        "textbook/mm1" | "textbook/mmc" => vec!["duration=500s", "measure.from=50s"],
        "textbook/closed" => vec!["duration=500s", "measure.from=50s"],
        _ => Vec::new(),
    }
}

// Lost if broken: a bundled scenario that cannot be run, or whose requests vanish.
#[test]
fn every_bundled_scenario_closes() {
    for scenario in bundled::scenarios() {
        let plan = bundled_plan(scenario.name, &shortened(scenario.name));
        let outcome = run_with(
            &plan,
            &Options {
                replications: Some(1),
                jobs: 1,
                ..Options::default()
            },
        );
        assert!(
            outcome.summary.figures.value(&["requests", "offered"]) > 0.0,
            "{}",
            scenario.name
        );
        check_figures(&outcome);
    }
}

/// Choices that a random system is made of.
#[derive(Clone, Debug)]
struct Choices {
    runtime: &'static str,
    instances: u32,
    processes: u32,
    pool: (u32, Option<u32>, Option<u32>),
    queue: (u32, Option<u32>),
    connections: u32,
    limiter: &'static str,
    over_waits: bool,
    shared_store: bool,
    single_flight: bool,
    provider: (u32, u32, f64),
    cancel: bool,
    drop: bool,
    deadline: Option<u32>,
    in_hand: Option<u32>,
    scaling: bool,
    client: (Option<u32>, Option<u32>, u32, bool),
    go_on: bool,
    load: &'static str,
    event: String,
    steps: Vec<String>,
    parallel_flow: bool,
    drain: &'static str,
    protections: Protections,
    lives: &'static str,
}

/// Protections, each there or not.
#[derive(Clone, Debug)]
struct Protections {
    pooler: Option<(u32, &'static str, u32, u32)>,
    breaker: Option<(u32, u32)>,
    retry_budget: Option<f64>,
    run_timeout: Option<u32>,
    shed: Option<u32>,
    max_wait: Option<u32>,
    ladder: Option<(u32, u32)>,
    signed_in: bool,
}

fn protections() -> impl Strategy<Value = Protections> {
    use prop::option::of as some;
    (
        (
            some((
                1..5u32,
                prop::sample::select(vec!["transaction", "session"]),
                2..12u32,
                20..500u32,
            )),
            some((1..5u32, 100..2_000u32)),
            some(prop::sample::select(vec![0.0, 0.1])),
            some(50..600u32),
        ),
        (
            some(3..15u32),
            some(10..500u32),
            some((1..6u32, 100..900u32)),
            prop::bool::weighted(0.2),
        ),
    )
        .prop_map(
            |((pooler, breaker, retry_budget, run_timeout), (shed, max_wait, ladder, signed_in))| Protections {
                pooler,
                breaker,
                retry_budget,
                run_timeout,
                shed,
                max_wait,
                ladder,
                signed_in,
            },
        )
}

/// A step without steps of its own.
fn leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "{ cpu = { dist = \"exponential\", mean = \"20ms\" } }",
        "{ cpu = \"0s\" }",
        "{ work = { dist = \"lognormal\", mean = \"30ms\", cv = 1.0 } }",
        "{ io = { dist = \"exponential\", mean = \"50ms\" } }",
        "{ io = \"0s\" }",
        "{ hold = \"1 MB\" }",
        "{ limit = \"calls\" }",
        "{ query = \"row\" }",
        "{ query = { kind = \"row\", times = 3 } }",
        "{ take = { from = \"slots\", for = { dist = \"exponential\", mean = \"80ms\" } } }",
        "{ take = { from = \"jobs\", for = { dist = \"exponential\", mean = \"80ms\" } } }",
        "{ llm = { provider = \"openai\", queue = \"jobs\", model = \"chat\", prompt = 100, answer = 50 } }",
        "{ feature = { name = \"extra\", steps = [ { io = \"20ms\" } ], else = [ { cpu = \"1ms\" } ] } }",
        "{ llm = { provider = \"openai\", model = \"quick\", prompt = 100, answer = 20, stream = true, history = \"all\" } }",
        "{ call = \"other\" }",
        "{ fail = 0.2 }",
    ])
    .prop_map(str::to_owned)
}

/// A step, a few levels deep.
fn step() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        let steps = prop::collection::vec(inner, 1..3).prop_map(|steps| steps.join(", "));
        (0..11u8, steps.clone(), steps).prop_map(|(kind, a, b)| match kind {
            0 => format!("{{ take = {{ from = \"slots\", steps = [ {a} ] }} }}"),
            1 => format!("{{ transaction = {{ steps = [ {{ query = \"row\" }}, {{ io = \"10ms\" }} ] }} }}, {a}"),
            2 => format!("{{ cache = {{ entry = \"profile\", miss = [ {a} ] }} }}"),
            3 => format!("{{ parallel = [ [ {a} ], [ {b} ], [ {{ io = \"5ms\" }} ] ] }}"),
            4 => format!("{{ choose = [ {{ weight = 1, steps = [ {a} ] }}, {{ weight = 2, steps = [ {b} ] }} ] }}"),
            5 => format!("{{ repeat = {{ times = {{ dist = \"geometric\", mean = 2 }}, steps = [ {a} ] }} }}"),
            6 => format!("{{ retry = {{ max = 2, wait = {{ base = \"20ms\" }}, steps = [ {a} ] }} }}"),
            7 => format!("{{ later = [ {a} ] }}, {b}"),
            8 => format!("{{ take = {{ from = \"jobs\", steps = [ {a} ] }} }}"),
            9 => format!("{{ hold = {{ size = \"2 MB\", steps = [ {a} ] }} }}"),
            _ => format!("{{ feature = {{ name = \"extra\", steps = [ {a} ] }} }}"),
        })
    })
}

/// What the machine is made of.
type Machine = (
    (
        &'static str,
        u32,
        u32,
        (u32, Option<u32>, Option<u32>),
        (u32, Option<u32>),
        u32,
    ),
    (&'static str, bool, bool, bool, (u32, u32, f64)),
);

fn machine() -> impl Strategy<Value = Machine> {
    let some = prop::option::of;
    (
        (
            prop::sample::select(vec!["node", "threads", "ideal"]),
            1..3u32,
            1..3u32,
            (1..6u32, some(20..400u32), some(0..5u32)),
            (1..5u32, some(50..500u32)),
            6..20u32,
        ),
        (
            prop::sample::select(vec![
                "fixed_window = { limit = 20, per = \"5s\" }",
                "sliding_window = { limit = 20, per = \"5s\" }",
                "token_bucket = { rate = 20.0, burst = 5 }",
            ]),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            (20..2_000u32, 2..20u32, prop::sample::select(vec![0.0, 0.3])),
        ),
    )
}

fn choices() -> impl Strategy<Value = Choices> {
    let some = prop::option::of;
    (
        machine(),
        (
            any::<bool>(),
            any::<bool>(),
            some(100..2_000u32),
            some(1..20u32),
            any::<bool>(),
        ),
        (
            (some(50..800u32), some(200..2_000u32), 0..3u32, any::<bool>()),
            any::<bool>(),
            any::<bool>(),
            prop::sample::select(vec![
                "memory = { limit = \"200 MB\", base = \"50 MB\", request = \"100 KB\" }",
                // Each dies of one of its limits, over and over.
                "memory = { limit = \"60 MB\", heap = \"60 MB\", base = \"50 MB\", request = \"500 KB\" }",
                "memory = { limit = \"200 MB\", heap = \"30 MB\", base = \"50 MB\", request = \"500 KB\" }",
                "crash_on_database_error = true",
                "health = { endpoint = \"other\", every = \"200ms\", timeout = \"100ms\", out_after = \"300ms\", restart_after = \"800ms\" }",
                "deploy = { overlap = \"500ms\", shutdown = \"300ms\", on_sigterm = \"linger\" }",
            ]),
        ),
        (
            prop::sample::select(vec![
                "rate = 20.0",
                "rate = { from = 1.0, to = 60.0 }\npeople = { count = 30 }",
                "users = 20\npeople = { count = 20, pick = \"same\" }",
                "users = { from = 1, to = 40 }",
                "rate = 10.0\nbatch = 5",
                "every = { dist = \"uniform\", min = \"10ms\", max = \"90ms\" }",
            ]),
            timeline(),
            prop::collection::vec(step(), 1..5),
            prop::sample::select(vec!["0s", "2s", "10m"]),
        ),
        protections(),
    )
        .prop_map(|(machine, server, client, (load, event, steps, drain), protections)| {
            let ((runtime, instances, processes, pool, queue, connections), shared) = machine;
            let (limiter, over_waits, shared_store, single_flight, provider) = shared;
            let (cancel, drop, deadline, in_hand, scaling) = server;
            let (client, go_on, parallel_flow, lives) = client;
            Choices {
                runtime,
                instances,
                processes,
                pool,
                queue,
                connections,
                limiter,
                over_waits,
                shared_store,
                single_flight,
                provider,
                cancel,
                drop,
                deadline,
                in_hand,
                scaling,
                client,
                go_on,
                load,
                event,
                steps,
                parallel_flow,
                drain,
                protections,
                lives,
            }
        })
}

/// A line `key = "Nms"` where there is a number.
fn millis(key: &str, value: Option<u32>) -> String {
    value.map_or_else(String::new, |value| format!("{key} = \"{value}ms\"\n"))
}

fn text(choices: &Choices) -> String {
    let c = choices;
    let (pool_max, pool_timeout, waiters) = c.pool;
    let waiters = waiters.map_or_else(String::new, |waiters| format!("waiters = {waiters}\n"));
    let (timeout, patience, retries, resend) = c.client;
    let (per_minute, concurrent, fails) = c.provider;
    let mut text = format!(
        "duration = \"8s\"\ndrain = \"{}\"\nseed = 1\n[load]\n{}\n",
        c.drain, c.load
    );
    let mut add = |part: String| text.write_str(&part).expect("memory");
    add(c.event.clone());
    add(format!(
        "[system.client.browser]\nrtt = \"{}\"\n{}{}retry = {{ max = {retries}, wait = {{ base = \"50ms\", jitter = \"full\" }} }}\n\
         retry_kinds = [ \"query\", \"mutation\" ]\n{}{}",
        if c.go_on { "20ms" } else { "0s" },
        millis("timeout", timeout),
        millis("patience", patience),
        if resend {
            "resend = { probability = 0.5, after = \"300ms\" }\n"
        } else {
            ""
        },
        if c.go_on {
            "on_timeout = \"go_on\"\n"
        } else {
            "on_error = \"end_session\"\n"
        },
    ));
    let requests = if c.parallel_flow {
        "{ parallel = [ [ { request = \"job\" } ], [ { request = \"other\" } ] ] }"
    } else {
        "{ request = \"job\" }, { request = [ \"other\", \"job\" ] }"
    };
    add(format!(
        "[system.flow.one]\nsteps = [ {{ think = {{ dist = \"exponential\", mean = \"200ms\" }} }}, {requests}, \
         {{ think = \"100ms\" }} ]\n\
         [system.service.web]\nruntime = \"{}\"\ncores = 1.0\ninstances = {}\nprocesses = {}\nboot = \"1s\"\ncancel = {}\n\
         {}\n{}{}",
        c.runtime,
        c.instances,
        c.processes,
        c.cancel,
        c.lives,
        millis("deadline", c.deadline),
        c.in_hand
            .map_or_else(String::new, |limit| format!("max_in_hand = {limit}\n")),
    ));
    let p = &c.protections;
    if let Some(in_hand) = p.shed {
        add(format!("shed = {{ in_hand = {in_hand}, loop_delay = \"400ms\" }}\n"));
    }
    if c.scaling {
        add("[system.service.web.scaling]\non = true\nmin = 1\nmax = 3\ncpu = 0.5\nevery = \"1s\"\nwindow = \"1s\"\ndown = \"1s\"\n".to_owned());
    }
    add(format!(
        "[system.pool.slots]\nmax = {pool_max}\n{}{waiters}\
         [system.pool.db]\ndatabase = \"{}\"\nmax = {pool_max}\nidle_timeout = \"300ms\"\n{}\
         [system.queue.jobs]\nconcurrency = {}\n{}{}abandoned = \"{}\"\npriority = {{ gold = 1, plain = 0 }}\n\
         [system.class.gold]\nshare = 0.2\n[system.class.plain]\nshare = 0.8\n",
        millis("timeout", pool_timeout),
        if p.pooler.is_some() { "bouncer" } else { "postgres" },
        millis("timeout", pool_timeout),
        c.queue.0,
        millis("timeout", c.queue.1),
        millis("run_timeout", p.run_timeout),
        if c.drop { "drop" } else { "run" },
    ));
    add(format!(
        "[system.limiter.calls]\nkey = \"user\"\nrule = {{ {} }}\nover = \"{}\"\n{}store = \"{}\"\n\
         [system.database.postgres]\ncores = 1.0\nmax_connections = {}\nreserved = 3\nrtt = \"1ms\"\ndowntime = \"1s\"\n\
         [system.database.postgres.query.row]\ncpu = {{ dist = \"exponential\", mean = \"5ms\" }}\n\
         [system.cache.redis]\nrtt = \"1ms\"\n\
         [system.cache.redis.entry.profile]\nkey = \"user\"\nttl = \"2s\"\nsingle_flight = {}\n\
         [system.provider.openai]\nrequests_per_minute = {per_minute}\nconcurrent = {concurrent}\nfails = {fails:?}\n{}{}\
         use = {{ chat = \"quick\" }}\n\
         [system.provider.openai.model.slow]\nfirst_token = \"50ms\"\nper_token = \"1ms\"\nquality = 0.5\n\
         [system.provider.openai.model.quick]\nfirst_token = \"100ms\"\nper_token = {{ dist = \"exponential\", mean = \"5ms\" }}\n",
        c.limiter,
        // A shared store answers at once or refuses.
        if c.over_waits && !c.shared_store {
            "wait"
        } else {
            "refuse"
        },
        millis("max_wait", p.max_wait.filter(|_| c.over_waits && !c.shared_store)),
        if c.shared_store { "redis" } else { "memory" },
        c.connections,
        c.single_flight,
        p.breaker.map_or_else(String::new, |(failures, open_for)| format!(
            "breaker = {{ failures = {failures}, window = \"2s\", open_for = \"{open_for}ms\" }}\n"
        )),
        p.retry_budget
            .map_or_else(String::new, |share| format!("retry_budget = {share:?}\n")),
    ));
    if let Some((max, mode, clients, wait)) = p.pooler {
        add(format!(
            "[system.pooler.bouncer]\ndatabase = \"postgres\"\nmax = {max}\nmode = \"{mode}\"\nclients = {clients}\n\
             wait = \"{wait}ms\"\n"
        ));
    }
    if let Some((in_hand, every)) = p.ladder {
        add(format!(
            "[system.degradation]\nevery = \"{every}ms\"\n\
             [[system.degradation.level]]\nname = \"worst\"\nabove = {{ sockets = {}, cpu = 0.9 }}\nonly = []\n\
             set = {{ \"openai.use.chat\" = \"slow\" }}\n\
             [[system.degradation.level]]\nname = \"bad\"\nabove = {{ in_hand = {in_hand} }}\noff = [ \"extra\" ]\n",
            in_hand * 2
        ));
    }
    add(format!(
        "[system.endpoint.job]\nkind = \"query\"\nsteps = [ {} ]\n{}\
         [system.endpoint.other]\nsteps = [ {{ cpu = \"2ms\" }}, {{ query = \"row\" }} ]\n",
        c.steps.join(", "),
        if p.signed_in {
            "signed_in = true\nsigns_in = true\n"
        } else {
            ""
        },
    ));
    text
}

proptest! {
    #![proptest_config(random_cases(256))]

    // Lost if broken: requests, slots or waits that vanish in some combination that nobody thought of.
    #[test]
    fn random_systems_close(choices in choices(), seed in 0..1_000u64) {
        let text = text(&choices);
        let loaded = load("random.toml", &text, &[], false);
        let said = highwater_models::file::render_all(&loaded.diagnostics, &loaded.sources, false);
        let Some(plan) = loaded.plan else {
            return Err(TestCaseError::fail(format!("{text}\n{said}")));
        };
        match replicate(&plan, seed) {
            Ok(record) => {
                check_record("random", &record);
                if seed % 4 == 0 {
                    let options = Options {
                        seed: Some(seed),
                        replications: Some(2),
                        jobs: 1,
                        ..Options::default()
                    };
                    check_figures(&run_with(&plan, &options));
                }
                let is_over = record.whole_in_flight + record.attempts_in_flight == 0;
                // Background work may go on to the last moment, and hold slots that it waits for itself; so may a probe,
                // and those who waited behind calls that hung.
                let goes_on = ["later", "health = ", "hang = true"].iter().any(|part| text.contains(part));
                if choices.drain == "10m" && is_over && !goes_on {
                    for (resource, station) in compile(&plan).resources.iter().zip(&record.stations) {
                        if matches!(resource.kind, ResourceKind::Provider | ResourceKind::Database) {
                            prop_assert_eq!(station.busy.value, 0, "{} is busy for nobody: {}", resource.name, text);
                        }
                    }
                }
            }
            Err(error) => return Err(TestCaseError::fail(format!("seed {seed}: {error}\n{text}"))),
        }
    }
}
