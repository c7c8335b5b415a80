//! One test for each rule: settings with which a sound system has the fault, with the arithmetic that it must show, and
//! settings that come close and are all right. Where the cure is a setting, it is applied, and must cure.
//!
//! Lost if any of these breaks: a founder is told something wrong about a system, or nothing about a fault.

mod alert;
mod cache;
mod connections;
mod cpu;
mod degradation;
mod limiter;
mod lives;
mod load;
mod memory;
mod money;
mod plan;
mod provider;
mod queue;
mod retry;
mod scaling;
mod timeout;
mod unused;

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
    let tests = concat!(
        include_str!("tests/alert.rs"),
        include_str!("tests/cache.rs"),
        include_str!("tests/connections.rs"),
        include_str!("tests/cpu.rs"),
        include_str!("tests/degradation.rs"),
        include_str!("tests/limiter.rs"),
        include_str!("tests/lives.rs"),
        include_str!("tests/load.rs"),
        include_str!("tests/memory.rs"),
        include_str!("tests/money.rs"),
        include_str!("tests/plan.rs"),
        include_str!("tests/provider.rs"),
        include_str!("tests/queue.rs"),
        include_str!("tests/retry.rs"),
        include_str!("tests/scaling.rs"),
        include_str!("tests/timeout.rs"),
        include_str!("tests/unused.rs"),
    );
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
