//! One test for each rule: settings with which a sound system has the fault, with the arithmetic that it must show, and
//! settings that come close and are all right. Where the cure is a setting, it is applied, and must cure.
//!
//! Lost if any of these breaks: a founder is told something wrong about a system, or nothing about a fault.

use super::{Review, Severity, ids, reference, review, rules};
use crate::bundled;
use crate::catalogue;
use crate::file::{NoFiles, Request, load_scenario, load_system, render_all};

/// A system with which no rule has a quarrel.
const SOUND: &str = r#"
[class.regular]
share = 0.9
price = 10.0
[class.patron]
share = 0.1
price = 30.0

[client.browser]
timeout = "60s"
retry = { max = 2, wait = { base = "1s", jitter = "full" } }

[flow.visit]
steps = [ { request = "page" }, { think = "20s" }, { request = "ask" }, { think = "20s" }, { request = "sign" } ]

[service.web]
plan = "standard"
instances = 2
threads = 1
deadline = "50s"
cancel = true
before = [ { cpu = "1ms" }, { limit = "address" } ]
memory = { base = "100 MB", request = "60 KB" }
sockets = { keep_alive = "65s" }

[service.web.scaling]
min = 2
max = 4
cpu = 0.6

[service.web.deploy]
shutdown = "60s"

[limiter.address]
key = "ip"
store = "redis"
store_down = "allow"
rule = { fixed_window = { limit = 1000, per = "15m" } }

[limiter.chat]
key = "user"
store = "redis"
store_down = "allow"
rule = { fixed_window = { limit = 10, per = "1m" } }

[pool.connections]
database = "postgres"
max = 10
timeout = "3s"

[queue.ai]
concurrency = 20
interval = "60s"
interval_cap = 100
window = "sliding"
waiters = 50

[database.postgres]
plan = "basic-1gb"
rtt = "1ms"
[database.postgres.query]
row = { cpu = "1ms" }

[cache.redis]
plan = "standard"
rtt = "1ms"
down = "miss"
[cache.redis.entry]
profile = { key = "user", ttl = "10m" }
coach = { keys = 40, ttl = "1h" }

[provider.openai]
requests_per_minute = 1000
tokens_per_minute = 400000
timeout = "20s"
use = { chat = "gpt-6-luna" }
[provider.openai.model]
"swift" = { latency = "4s", price_in = 1.0, price_out = 1.0 }

[endpoint.page]
kind = "query"
feature = "extras"
steps = [ { cpu = "2ms" }, { cache = { entry = "coach", miss = [ { query = "row" } ] } }, { query = "row" } ]

[endpoint.ask]
steps = [
  { limit = "chat" },
  { cpu = "2ms" },
  { cache = { entry = "profile", miss = [ { query = "row" } ] } },
  { llm = { queue = "ai", model = "chat", prompt = 400, answer = 200 } },
]

[endpoint.sign]
steps = [ { work = "80ms" }, { transaction = { steps = [ { query = "row" } ] } } ]

[degradation]
[[degradation.level]]
name = "busy"
above = { in_hand = 500 }
off = [ "extras" ]

[alerts.rule]
slow = { watch = "latency.p95", above = 5.0 }
errors = { watch = "errors.rate", above = 0.05, level = "critical" }
memory = { watch = "web.memory", above = 0.85 }
refused = { watch = "openai.refused", above = 10.0 }
[alerts.channel]
sms = { price = 0.0083 }

[money]
paying = 0.05
payment = { share = 0.029, each = 0.30 }
"#;

/// Who comes to it: nothing that it could not stand.
const CALM: &str = r#"
system = "sound"
duration = "1h"
[load]
flow = "visit"
users = 20
people = { count = 100 }
[source.hooks]
flow = "hook"
rate = 0.01
people = { count = 10 }
[flow.hook]
steps = [ { request = "page" } ]
"#;

fn sound(name: &str) -> Option<&'static str> {
    (name == "sound").then_some(SOUND)
}

/// What is found in the sound system with these settings; in the calm scenario too, where that is asked for.
#[track_caller]
fn reviewed(settings: &[String], in_scenario: bool) -> Review {
    let of = |name, text: &str| Request {
        catalogue: catalogue::names,
        bundled_systems: &["sound"],
        is_bundled: true,
        ..Request::new(name, text.to_owned()).with_settings(settings)
    };
    if in_scenario {
        let loaded = load_scenario(of("calm", CALM), &NoFiles, sound);
        let said = render_all(&loaded.diagnostics, &loaded.sources, false);
        let plan = loaded.plan.unwrap_or_else(|| panic!("{settings:?}: {said}"));
        return review(&plan.system, Some(&plan.scenario));
    }
    let loaded = load_system(of("sound", SOUND), &NoFiles);
    let said = render_all(&loaded.diagnostics, &loaded.sources, false);
    let system = loaded.system.unwrap_or_else(|| panic!("{settings:?}: {said}"));
    review(&system, None)
}

fn owned(settings: &[&str]) -> Vec<String> {
    settings.iter().map(|setting| (*setting).to_owned()).collect()
}

/// The setting that a cure begins with.
fn setting_of(cure: &str) -> Option<String> {
    let rest = cure.strip_prefix("--set ")?;
    Some(match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next()?.to_owned(),
        None => rest.split([' ', ',', ';', ':']).next()?.to_owned(),
    })
}

#[track_caller]
fn check_in(in_scenario: bool, id: &str, faulty: &[&str], arithmetic: &str, close: &[&str]) {
    let faulty = owned(faulty);
    let found = reviewed(&faulty, in_scenario);
    let Some(finding) = found.findings.iter().find(|finding| finding.id == id) else {
        panic!("{id} does not fire at {faulty:?}");
    };
    assert!(
        finding.arithmetic.contains(arithmetic),
        "{id} shows {:?}",
        finding.arithmetic
    );
    for text in [&finding.title, &finding.arithmetic, &finding.cure] {
        assert!(
            !text.is_empty() && !text.ends_with('.') && !text.contains("  "),
            "{id}: {text:?}"
        );
    }
    if let Some(setting) = setting_of(&finding.cure) {
        let mut cured = faulty.clone();
        cured.push(setting);
        let after = reviewed(&cured, in_scenario);
        let left = after
            .findings
            .iter()
            .find(|other| other.id == id && other.subject == finding.subject);
        assert!(left.is_none(), "{id} is still there with {cured:?}: {left:?}");
    }
    let found = reviewed(&owned(close), in_scenario);
    let wrong = found.findings.iter().find(|finding| finding.id == id);
    assert!(wrong.is_none(), "{id} fires at {close:?}: {wrong:?}");
}

#[track_caller]
fn check(id: &str, faulty: &[&str], arithmetic: &str, close: &[&str]) {
    check_in(false, id, faulty, arithmetic, close);
}

/// With the calm scenario.
#[track_caller]
fn check_load(id: &str, faulty: &[&str], arithmetic: &str, close: &[&str]) {
    check_in(true, id, faulty, arithmetic, close);
}

// ---- what rules must leave alone -------------------------------------------------------------------------------------

#[test]
fn a_sound_system_has_no_findings() {
    for in_scenario in [false, true] {
        let found = reviewed(&[], in_scenario);
        assert_eq!(found, Review::default(), "in a scenario: {in_scenario}");
    }
}

#[test]
fn a_textbook_queue_has_nothing_to_review() {
    for file in bundled::scenarios()
        .iter()
        .filter(|file| file.name.starts_with("textbook/"))
    {
        let request = Request {
            catalogue: catalogue::names,
            is_bundled: true,
            ..Request::new(file.name, file.text)
        };
        let plan = load_scenario(request, &NoFiles, bundled::system)
            .plan
            .expect("it loads");
        assert_eq!(
            review(&plan.system, Some(&plan.scenario)),
            Review::default(),
            "{}",
            file.name
        );
        assert_eq!(review(&plan.system, None), Review::default(), "{}", file.name);
    }
}

#[test]
fn the_cures_of_the_bundled_files_can_be_set() {
    for file in bundled::scenarios() {
        let names: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
        let load = |settings: &[String]| {
            let request = Request {
                catalogue: catalogue::names,
                is_bundled: true,
                bundled_systems: &names,
                ..Request::new(file.name, file.text).with_settings(settings)
            };
            let loaded = load_scenario(request, &NoFiles, bundled::system);
            let said = render_all(&loaded.diagnostics, &loaded.sources, false);
            loaded
                .plan
                .unwrap_or_else(|| panic!("{}: {settings:?}: {said}", file.name))
        };
        let plan = load(&[]);
        for finding in review(&plan.system, Some(&plan.scenario)).findings {
            if let Some(setting) = setting_of(&finding.cure) {
                load(&[setting]);
            }
        }
    }
}

#[test]
fn endpoints_that_unfold_without_bound_are_reviewed_at_once() {
    let mut text = "[endpoint.e0]\nsteps = [ { io = \"1s\" } ]\n".to_owned();
    for index in 1..60 {
        let call = format!("{{ call = \"e{}\" }}", index - 1);
        text.push_str(&format!("[endpoint.e{index}]\nsteps = [ {call}, {call}, {call} ]\n"));
    }
    text.push_str("[flow.all]\nsteps = [ { request = \"e59\" } ]\n");
    let loaded = load_system(Request::new("deep", text), &NoFiles);
    let system = loaded.system.expect("it loads");
    assert_eq!(review(&system, None), Review::default());
}

// ---- allowing --------------------------------------------------------------------------------------------------------

#[test]
fn what_is_allowed_is_listed_with_its_reason() {
    let found = reviewed(
        &owned(&["web.instances=1", "review.allow.single-instance=a minute out is cheap"]),
        false,
    );
    assert!(found.findings.iter().all(|finding| finding.id != "single-instance"));
    let allowed = &found.allowed[0];
    assert_eq!(
        (allowed.finding.id, &allowed.reason[..]),
        ("single-instance", "a minute out is cheap")
    );
}

#[test]
fn an_unknown_rule_or_no_reason_is_a_mistake_in_the_file() {
    for (settings, said) in [
        ("review.allow.single-instanse=why", "did you mean `single-instance`?"),
        (
            "review.allow.single-instance=\"\"",
            "`single-instance` is allowed without a reason",
        ),
    ] {
        let settings = owned(&[settings]);
        let request = Request::new("sound", SOUND).with_settings(&settings);
        let loaded = load_system(request, &NoFiles);
        let text = render_all(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.system.is_none() && text.contains(said), "{text}");
    }
}

// ---- the list --------------------------------------------------------------------------------------------------------

#[test]
fn ids_are_stable_words_and_every_rule_has_its_test() {
    let tests = include_str!("tests.rs");
    let mut seen = Vec::new();
    for rule in rules() {
        assert!(!seen.contains(&rule.id), "{} twice", rule.id);
        seen.push(rule.id);
        let is_plain = rule
            .id
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '-');
        assert!(
            is_plain && rule.meaning.ends_with('.') && !rule.source.is_empty(),
            "{}",
            rule.id
        );
        assert!(rule.date.len() == 10 && rule.date.starts_with("20"), "{}", rule.id);
        let called = [
            format!("check(\n        \"{}\"", rule.id),
            format!("check_load(\n        \"{}\"", rule.id),
        ];
        let short = [format!("check(\"{}\"", rule.id), format!("check_load(\"{}\"", rule.id)];
        assert!(
            called.iter().chain(&short).any(|call| tests.contains(call)),
            "{} has no test",
            rule.id
        );
    }
    assert!(seen.len() >= 60, "{}", seen.len());
    assert!(rules().any(|rule| rule.severity == Severity::Note) && ids().count() == seen.len());
}

#[test]
fn the_manual_lists_the_rules_as_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/design-review.md");
    let text = reference();
    if std::env::var_os("HIGHWATER_UPDATE").is_some() {
        std::fs::write(path, &text).expect("the manual can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "docs/design-review.md is out of date: HIGHWATER_UPDATE=1 cargo test -p highwater-models --lib review"
    );
}

// ---- connections -----------------------------------------------------------------------------------------------------

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

// ---- provider --------------------------------------------------------------------------------------------------------

#[test]
fn a_model_that_is_gone() {
    check(
        "model-withdrawn",
        &["openai.use.chat=gpt-4"],
        "2026-11-24",
        &["openai.use.chat=gpt-4", "catalogue=2025-12-10"],
    );
}

#[test]
fn a_model_that_will_go() {
    check("model-leaves", &["openai.use.chat=gpt-4o"], "2026-11-24", &[]);
}

#[test]
fn tokens_run_out_before_requests() {
    check(
        "tokens-bind-before-requests",
        &["openai.requests_per_minute=1334"],
        "400 prompt + 200 answer = 600 tokens a call; 400,000 tokens a minute / 600 = 667",
        &["openai.requests_per_minute=1333"],
    );
}

#[test]
fn retries_spent_within_one_window() {
    check(
        "retries-inside-one-window",
        &[
            "openai.retry.honour_retry_after=false",
            "openai.retry={ max = 2, wait = { base = \"500ms\" } }",
        ],
        "2 retries within 1.5 s",
        &["openai.retry={ max = 2, wait = { base = \"20s\" } }"],
    );
}

#[test]
fn a_tier_whose_ceiling_is_soon_spent() {
    let old = ["catalogue=2025-12-10", "openai.use.chat=gpt-4"];
    check(
        "spend-ceiling-within-the-month",
        &[old[0], old[1], "openai.tokens_per_minute=300000"],
        "tier 4, which may spend $5,000.00 a month; a call costs $0.024, so 208,333 calls",
        &[old[0], old[1], "openai.tokens_per_minute=299999"],
    );
}

#[test]
fn a_model_faster_than_anybody_measured() {
    check(
        "model-faster-than-measured",
        &["openai.model.gpt-4={ per_token = \"46ms\" }"],
        "46 ms a token in the file, 94 ms in the catalogue",
        &["openai.model.gpt-4={ per_token = \"48ms\" }"],
    );
}

#[test]
fn a_model_without_a_price() {
    check(
        "model-without-price",
        &["openai.model.swift={ latency = \"4s\" }", "openai.use.chat=swift"],
        "no price in the file",
        &["openai.use.chat=swift"],
    );
}

// ---- queue -----------------------------------------------------------------------------------------------------------

#[test]
fn caps_of_all_queues_over_the_accounts_requests() {
    check(
        "queue-cap-over-provider-requests",
        &["openai.requests_per_minute=199"],
        "100 starts a minute x 2 instances = 200; the account's limit is 199",
        &["openai.requests_per_minute=200"],
    );
}

#[test]
fn caps_over_the_accounts_tokens() {
    check(
        "queue-cap-over-provider-tokens",
        &["openai.tokens_per_minute=119000"],
        "119,000 tokens a minute / 600 = 198 calls; 100 starts a minute x 2 instances = 200",
        &["openai.tokens_per_minute=121000"],
    );
}

#[test]
fn a_cap_that_never_binds() {
    let slow = "openai.use.chat=swift";
    check(
        "queue-cap-never-binds",
        &[slow, "ai.concurrency=6"],
        "6 slots / 4 s a call x 60 s = 90 starts a minute; the cap is 100",
        &[slow, "ai.concurrency=7"],
    );
}

const ENDLESS: &str = "queue.ai={ concurrency = 20, interval = \"60s\", interval_cap = 100, window = \"sliding\" }";

#[test]
fn a_line_without_an_end() {
    check(
        "queue-without-end",
        &[ENDLESS, "openai.use.chat=swift"],
        "20 slots / 4 s = 5 jobs a second; the 1,000th in line waits 3 min 20 s",
        &[ENDLESS, "openai.use.chat=swift", "ai.timeout=20s"],
    );
}

#[test]
fn jobs_for_clients_who_have_gone() {
    check(
        "queue-works-for-the-gone",
        &[ENDLESS, "web.cancel=false"],
        "`browser` leaves after 1 min",
        &[ENDLESS],
    );
}

#[test]
fn a_class_that_starves() {
    check(
        "queue-starves-a-class",
        &["ai.priority={ patron = 10 }"],
        "every job of `patron` goes first",
        &["ai.priority={ patron = 10, regular = 10 }"],
    );
}

#[test]
fn a_window_that_lets_its_cap_through_twice() {
    check(
        "queue-window-lets-two-through",
        &["ai.window=\"p-queue 9.3\"", "openai.requests_per_minute=399"],
        "2 x 100 x 2 instances = 400 starts",
        &["ai.window=\"p-queue 9.3\"", "openai.requests_per_minute=400"],
    );
}

// ---- scaling ---------------------------------------------------------------------------------------------------------

/// One event loop on two cores, and no work beside it.
const ON_PRO: [&str; 3] = [
    "web.scaling.on=true",
    "web.plan=pro",
    "endpoint.sign.steps=[ { query = \"row\" } ]",
];

#[test]
fn a_cpu_target_that_one_loop_cannot_reach() {
    check(
        "cpu-target-out-of-reach",
        &ON_PRO,
        "1 event loop of 2 cores: the CPU shows 50 % at most; the target is 60 %",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.5"],
    );
}

#[test]
fn a_cpu_target_that_is_reached_late() {
    check(
        "cpu-target-late",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.43"],
        "the target is 43 %",
        &[ON_PRO[0], ON_PRO[1], ON_PRO[2], "web.scaling.cpu=0.42"],
    );
}

#[test]
fn an_autoscaler_without_room() {
    check(
        "scaling-has-no-room",
        &["web.scaling.on=true", "web.scaling.max=2"],
        "at least 2 and at most 2",
        &["web.scaling.on=true", "web.scaling.max=3"],
    );
}

#[test]
fn a_start_outside_the_range() {
    check(
        "instances-outside-scaling",
        &["web.scaling.on=true", "web.instances=5"],
        "5 at the start, 2 to 4 allowed",
        &["web.scaling.on=true", "web.instances=4"],
    );
}

#[test]
fn a_target_that_the_platform_does_not_accept() {
    check(
        "scaling-target-not-accepted",
        &["web.scaling.on=true", "web.scaling.cpu=0.91"],
        "91 %; at most 90 %",
        &["web.scaling.on=true", "web.scaling.cpu=0.9"],
    );
}

#[test]
fn autoscaling_without_its_workspace() {
    check(
        "scaling-needs-workspace",
        &["web.scaling.on=true", "money.month={ workspace = 0.0 }"],
        "the lowest workspace with autoscaling costs $25 a month",
        &["web.scaling.on=true", "money.month={ workspace = 25.0 }"],
    );
}

#[test]
fn a_line_that_the_autoscaler_does_not_see() {
    check(
        "scaling-blind-to-the-line",
        &["web.scaling.on=true"],
        "the target is 60 %",
        &["web.scaling.on=true", "web.scaling.cpu=0.1"],
    );
}

#[test]
fn a_rise_faster_than_the_autoscaler() {
    let rise = |seconds: u32| {
        format!(
            "load={{ flow = \"visit\", people = {{ count = 100 }}, \
             phase = [ {{ duration = \"{seconds}s\", users = {{ from = 5, to = 20 }} }} ] }}"
        )
    };
    check_load(
        "scaling-slower-than-the-rise",
        &["web.scaling.on=true", "web.scaling.max=5", &rise(209)],
        "2, 4, 5 instances, 1 min 45 s a step = 3 min 30 s; the load goes from 5 to 20 in 3 min 29 s",
        &["web.scaling.on=true", "web.scaling.max=5", &rise(210)],
    );
}

#[test]
fn a_memory_target_below_the_idle_process() {
    check(
        "memory-target-always-exceeded",
        &[
            "web.scaling.on=true",
            "web.scaling.memory=0.2",
            "web.memory.base=410 MB",
        ],
        "410 MB of 2 GB = 20 %",
        &[
            "web.scaling.on=true",
            "web.scaling.memory=0.2",
            "web.memory.base=409 MB",
        ],
    );
}

#[test]
fn a_memory_target_that_the_heap_never_reaches() {
    check(
        "memory-target-behind-the-heap",
        &["web.scaling.on=true", "web.scaling.memory=0.51"],
        "heap at most 1 GB of 2 GB = 50 %; the target is 51 %",
        &["web.scaling.on=true", "web.scaling.memory=0.5"],
    );
}

#[test]
fn more_instances_than_the_platform_gives() {
    check(
        "instances-over-platform",
        &["web.instances=101"],
        "101 in the file, at most 100",
        &["web.instances=100"],
    );
}

// ---- CPU -------------------------------------------------------------------------------------------------------------

#[test]
fn cores_that_no_process_uses() {
    check(
        "cores-without-processes",
        &["web.plan=pro", "endpoint.sign.steps=[ { query = \"row\" } ]"],
        "1 event loop an instance, one core each at most: 50 % of the plan",
        &[
            "web.plan=pro",
            "web.processes=2",
            "endpoint.sign.steps=[ { query = \"row\" } ]",
        ],
    );
}

#[test]
fn processes_that_share_a_core() {
    check(
        "processes-without-cores",
        &["web.processes=2"],
        "2 processes on 1 cores",
        &["web.processes=2", "web.plan=pro"],
    );
}

#[test]
fn work_that_takes_the_cpu() {
    check(
        "work-starves-the-loop",
        &["web.threads=4"],
        "4 threads on 1 cores: 80 ms of work takes 320 ms",
        &["web.threads=4", "web.plan=pro-plus"],
    );
}

// ---- memory ----------------------------------------------------------------------------------------------------------

#[test]
fn a_heap_larger_than_its_container() {
    check(
        "heap-over-container",
        &["web.memory.heap=2 GB"],
        "the container has 2 GB",
        &["web.memory.heap=2047 MB"],
    );
}

#[test]
fn an_idle_process_larger_than_its_memory() {
    check(
        "memory-full-at-rest",
        &["web.memory.base=1 GB"],
        "1 GB at rest; the heap has 1 GB",
        &["web.memory.base=1023 MB"],
    );
}

#[test]
fn uploads_that_do_not_fit() {
    let held = |size: &str| {
        format!(
            "endpoint.ask.steps=[ {{ limit = \"chat\" }}, {{ hold = \"{size}\" }}, {{ llm = {{ queue = \"ai\", model = \"chat\", prompt = 400, answer = 200 }} }} ]"
        )
    };
    check(
        "uploads-outgrow-memory",
        &[&held("98 MB")],
        "98 MB x 20 slots of `ai`",
        &[&held("97 MB")],
    );
}

#[test]
fn a_crowd_that_does_not_fit() {
    // (1024 - 100) MB / 60 KB = 15,769 on each of two instances.
    check_load(
        "crowd-outgrows-the-heap",
        &["load.users=31539"],
        "15,769 requests in hand, 31,538 on all instances",
        &["load.users=31538"],
    );
}

// ---- limiters --------------------------------------------------------------------------------------------------------

#[test]
fn a_limiter_that_sees_only_the_proxy() {
    check(
        "limiter-behind-untrusted-proxy",
        &["web.trust_proxy=false"],
        "1,000 x 4 addresses of the proxy = 4,000 requests in 15 min for everybody",
        &["web.trust_proxy=false", "address.key=user"],
    );
}

#[test]
fn a_limiter_in_each_process() {
    check(
        "limiter-counts-per-process",
        &["chat.store=memory"],
        "10 x 2 instances = 20 in 1 min",
        &["chat.store=memory", "web.instances=1"],
    );
}

#[test]
fn a_limiter_that_misses_batches() {
    check(
        "limiter-misses-batched-calls",
        &["chat.batched=bypass"],
        "10 in 1 min",
        &[],
    );
}

#[test]
fn a_limiter_in_front_of_a_webhook() {
    let hook = |before: bool| format!("endpoint.webhook={{ steps = [ {{ cpu = \"1ms\" }} ], before = {before} }}");
    check(
        "limiter-in-front-of-webhooks",
        &[&hook(true)],
        "1,000 in 15 min from one address: one every 900 ms",
        &[&hook(false)],
    );
}

#[test]
fn traffic_that_the_limiter_refuses() {
    // Ten addresses with one request a session: 1,000 in 900 s from each are 11.1 a second.
    check_load(
        "load-over-address-limit",
        &["source.hooks.rate=11.2"],
        "from 10 addresses",
        &["source.hooks.rate=11.1"],
    );
}

#[test]
fn people_behind_one_address() {
    check(
        "limiter-counts-people-together",
        &["address.rule={ fixed_window = { limit = 299, per = \"15m\" } }"],
        "299 / 3 a session = 99.7 sessions",
        &["address.rule={ fixed_window = { limit = 300, per = \"15m\" } }"],
    );
}

#[test]
fn a_limiter_whose_store_stops_everything() {
    check(
        "limiter-store-stops-everything",
        &["chat.store_down=fail"],
        "33.3 % of requests ask it",
        &["chat.store_down=fail", "chat.store=memory"],
    );
}

// ---- time-outs -------------------------------------------------------------------------------------------------------

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

// ---- retries ---------------------------------------------------------------------------------------------------------

#[test]
fn retries_that_multiply() {
    check(
        "retries-multiply",
        &["client.browser.retry_kinds=[\"mutation\"]"],
        "3 of the client x 3 of the client library tries = 9",
        &["client.browser.retry_kinds=[\"query\"]"],
    );
}

#[test]
fn retries_in_step() {
    check(
        "retries-in-step",
        &["client.browser.retry.wait.jitter=none"],
        "up to 3 tries of `page`",
        &[
            "client.browser.retry.wait.jitter=none",
            "client.browser.retry_budget=0.1",
        ],
    );
}

#[test]
fn refusals_that_are_retried() {
    check(
        "refusals-are-retried",
        &["client.browser.retry_on=[\"rate_limited\"]"],
        "up to 3 requests instead of one",
        &["client.browser.retry_on=[\"pool_timeout\"]"],
    );
}

// ---- caches ----------------------------------------------------------------------------------------------------------

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

// ---- load ------------------------------------------------------------------------------------------------------------

#[test]
fn a_load_over_the_cpu() {
    check_load("load-over-cpu", &["load.users=1100"], "cores", &["load.users=900"]);
}

#[test]
fn a_load_over_the_queue() {
    // 100 a minute on each of two instances are 3.33 a second; a session takes 43 s and asks once.
    check_load(
        "load-over-queue",
        &["load.users=150"],
        "1.67 a second x 2 instances = 3.33",
        &["load.users=140"],
    );
}

#[test]
fn a_load_over_the_account() {
    check_load(
        "load-over-provider",
        &["openai.tokens_per_minute=12000"],
        "the account has 12,000",
        &["openai.tokens_per_minute=18000"],
    );
}

#[test]
fn a_load_over_the_database() {
    check_load(
        "load-over-database",
        &["load.users=11000"],
        "it has 0.5",
        &["load.users=10000"],
    );
}

// ---- degradation -----------------------------------------------------------------------------------------------------

fn level(rest: &str) -> String {
    format!("degradation.level=[ {{ name = \"busy\", {rest} }} ]")
}

#[test]
fn a_cpu_reading_that_is_never_true() {
    let on_cpu = level("above = { cpu = 0.5 }, off = [ \"extras\" ]");
    check(
        "degradation-cannot-read-cpu",
        &[&on_cpu, "degradation.reads=as_written"],
        "is false",
        &["degradation.reads=as_written"],
    );
}

#[test]
fn a_level_out_of_reach() {
    let cpu = |threshold: &str| level(&format!("above = {{ cpu = {threshold} }}, off = [ \"extras\" ]"));
    let no_work = "endpoint.sign.steps=[ { query = \"row\" } ]";
    check(
        "degradation-out-of-reach",
        &["web.plan=pro", no_work, &cpu("0.5")],
        "1 event loop of 2 cores: the CPU shows 50 % at most; the threshold is 50 %",
        &["web.plan=pro", no_work, &cpu("0.49")],
    );
    check(
        "degradation-out-of-reach",
        &["web.max_in_hand=500"],
        "above 500; an instance takes 500 at most",
        &["web.max_in_hand=501"],
    );
}

#[test]
fn a_level_hidden_by_one_before_it() {
    let levels = |first: u32, second: u32| {
        format!(
            "degradation.level=[ {{ name = \"a\", above = {{ in_hand = {first} }}, off = [ \"extras\" ] }}, \
             {{ name = \"b\", above = {{ in_hand = {second} }}, off = [ \"extras\" ] }} ]"
        )
    };
    check(
        "degradation-level-hidden",
        &[&levels(300, 300)],
        "in_hand above 300 is `a` already above 300",
        &[&levels(300, 299)],
    );
}

#[test]
fn a_level_that_changes_nothing() {
    check(
        "degradation-changes-nothing",
        &[&level("above = { in_hand = 500 }")],
        "0 features",
        &[&level(
            "above = { in_hand = 500 }, set = { \"openai.use.chat\" = \"swift\" }",
        )],
    );
}

#[test]
fn a_level_that_names_what_is_not_there() {
    check(
        "degradation-names-no-feature",
        &[&level("above = { in_hand = 500 }, off = [ \"extras\", \"holograms\" ]")],
        "1 of the features",
        &[],
    );
}

#[test]
fn a_level_without_payments() {
    let payments = "endpoint.page.feature=payments";
    check(
        "degradation-turns-payments-off",
        &[payments, &level("above = { in_hand = 500 }, only = [ \"chat\" ]")],
        "0 of 1 features stay on",
        &[payments, &level("above = { in_hand = 500 }, only = [ \"payments\" ]")],
    );
}

// ---- alerts ----------------------------------------------------------------------------------------------------------

fn rule(watch: &str, above: f64) -> String {
    format!("alerts.rule.extra={{ watch = \"{watch}\", above = {above:?} }}")
}

#[test]
fn an_alert_that_cannot_fire() {
    check(
        "alert-cannot-fire",
        &[&rule("postgres.connections", 20.0)],
        "10 x 2 instances = 20 connections; it fires above 20",
        &[&rule("postgres.connections", 19.0)],
    );
    let no_work = "endpoint.sign.steps=[ { query = \"row\" } ]";
    check(
        "alert-cannot-fire",
        &["web.plan=pro", no_work, &rule("web.cpu", 0.5)],
        "1 event loop of 2 cores: the CPU shows 50 % at most",
        &["web.plan=pro", no_work, &rule("web.cpu", 0.45)],
    );
    check(
        "alert-cannot-fire",
        &[&rule("errors.rate", 1.0)],
        "a share is 1 at most",
        &[],
    );
}

#[test]
fn an_alert_that_nobody_hears() {
    check(
        "alert-reaches-nobody",
        &["alerts.channel.sms={ levels = [ \"warning\" ], price = 0.0083 }"],
        "its level is \"critical\"; 0 of 1 channel carry it",
        &["alerts.channel.sms={ levels = [ \"warning\", \"critical\" ], price = 0.0083 }"],
    );
}

#[test]
fn a_monitor_that_looks_too_seldom() {
    check(
        "alert-looks-too-seldom",
        &["alerts.every=61s"],
        "every 1 min 1 s; `web` is restarted after 1 min",
        &["alerts.every=60s"],
    );
}

#[test]
fn what_nothing_watches() {
    check(
        "nothing-watches",
        &["alerts.rule.slow={ watch = \"errors.rate\", above = 0.5 }"],
        "none on how long answers take",
        &["alerts.rule.slow={ watch = \"latency.p99\", above = 0.5 }"],
    );
}

#[test]
fn mail_for_nothing() {
    check(
        "mail-trial-ends",
        &["alerts.channel.mail={ month = 0.0 }"],
        "60 days with 100 mails a day, then from $19.95 a month",
        &["alerts.channel.mail={ month = 20.0 }"],
    );
}

// ---- lives -----------------------------------------------------------------------------------------------------------

#[test]
fn a_grace_shorter_than_the_average_call() {
    check(
        "grace-shorter-than-a-call",
        &["openai.use.chat=swift", "web.deploy.shutdown=3s"],
        "3 s of grace; the model takes 4 s on average",
        &["openai.use.chat=swift", "web.deploy.shutdown=4s"],
    );
}

#[test]
fn a_grace_shorter_than_the_slowest_call() {
    check(
        "deploy-loses-slow-calls",
        &["web.deploy.shutdown=49s"],
        "may take 50 s",
        &["web.deploy.shutdown=50s"],
    );
}

#[test]
fn an_instance_that_lingers() {
    check(
        "sigterm-lingers",
        &["web.deploy.on_sigterm=linger"],
        "1 min from SIGTERM to SIGKILL",
        &["web.deploy.on_sigterm=drain"],
    );
}

#[test]
fn one_instance_alone() {
    check(
        "single-instance",
        &["web.instances=1"],
        "1 instance; a crash is 45 s without any",
        &["web.instances=1", "web.scaling.on=true"],
    );
}

#[test]
fn connections_closed_under_the_proxy() {
    check(
        "keep-alive-shorter-than-the-proxy",
        &["web.sockets.keep_alive=59s"],
        "closed after 59 s idle",
        &["web.sockets.keep_alive=60s"],
    );
}

// ---- plans -----------------------------------------------------------------------------------------------------------

#[test]
fn a_database_that_is_deleted() {
    check(
        "free-database-is-deleted",
        &["postgres.plan=free"],
        "30 days",
        &["postgres.plan=basic-256mb"],
    );
}

#[test]
fn a_service_that_sleeps() {
    check(
        "free-service-sleeps",
        &["web.plan=free"],
        "15 minutes",
        &["web.plan=starter"],
    );
}

#[test]
fn a_cache_that_forgets() {
    check(
        "free-cache-forgets",
        &["redis.plan=free"],
        "25 MB",
        &["redis.plan=starter"],
    );
}

#[test]
fn an_earlier_catalogue() {
    check(
        "catalogue-is-not-the-latest",
        &["catalogue=2025-12-10", "openai.use.chat=swift"],
        "edition 2025-12-10 in the file, the latest is 2026-11-24",
        &["catalogue=2026-11-24"],
    );
}

#[test]
fn more_cores_than_the_plan_has() {
    check(
        "cores-above-plan",
        &["web.cores=1.5"],
        "1.5 in the file, 1 in",
        &["web.cores=0.5"],
    );
}

#[test]
fn more_memory_than_the_plan_has() {
    check(
        "memory-above-plan",
        &["web.memory.limit=3 GB"],
        "3 GB in the file, 2 GB in `standard`",
        &["web.memory.limit=2 GB"],
    );
}

// ---- unused ----------------------------------------------------------------------------------------------------------

#[test]
fn a_safeguard_that_nothing_goes_through() {
    check(
        "safeguard-unused",
        &["endpoint.ask.steps=[ { llm = { queue = \"ai\", model = \"chat\", prompt = 400, answer = 200 } } ]"],
        "0 of 3 endpoints",
        &["endpoint.sign.steps=[ { limit = \"chat\" } ]"],
    );
}

#[test]
fn a_safeguard_that_is_off() {
    check(
        "safeguard-switched-off",
        &["chat.on=false"],
        "as if it were not there",
        &["chat.on=true"],
    );
}

#[test]
fn an_entry_that_nothing_looks_up() {
    check(
        "cache-entry-unused",
        &["redis.entry.old={ ttl = \"1h\" }"],
        "0 of 3 endpoints; 2 limiters count there",
        &[],
    );
}

// ---- money -----------------------------------------------------------------------------------------------------------

#[test]
fn fees_that_are_left_out() {
    check(
        "card-fees-left-out",
        &["money={ paying = 0.05 }"],
        "$12.00 x 2.9 % + $0.30 = $0.65 of each payment, 5.4 %",
        &["money={ paying = 0.05, payment = { share = 0.01 } }"],
    );
}

#[test]
fn a_world_in_which_everybody_pays() {
    check(
        "everybody-pays",
        &["money.paying=1.0"],
        "1,000 users x $12.00 = $12,000.00 a month; if one in twenty pays, $600.00",
        &["money.paying=0.99"],
    );
}

#[test]
fn a_user_who_costs_more_than_a_user_pays() {
    // A call costs 400 x 1 + 200 x 1 millionths of a dollar; 12 x 0.05 dollars come in.
    let registered = |sessions: u32| {
        vec![
            format!(
                "load={{ flow = \"visit\", registered = 1000, day = {{ sessions_per_user = {sessions} }}, people = {{ count = 1000 }} }}"
            ),
            "openai.use.chat=swift".to_owned(),
        ]
    };
    let (many, few) = (registered(34), registered(33));
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let few: Vec<&str> = few.iter().map(String::as_str).collect();
    check_load(
        "answers-cost-more-than-users-pay",
        &many,
        "1,020 sessions a month x $0.0006 of models = $0.61; a registered user pays $0.60",
        &few,
    );
}
