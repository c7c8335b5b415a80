//! Monitoring on systems small enough to know by hand what an alarm sees, when, and what it costs.

use highwater_models::record::summary::{Alert, Summary};
use highwater_tests::run::{load, plan, run};

/// Two requests a second, each a second of a core of its own, until two minutes have passed; five a second from then on.
/// Of four threads, two are then used at first, and the line grows by one a second from 120 s on.
fn overload(alerts: &str) -> Summary {
    let text = format!(
        r#"
title        = "too much from the second minute on"
duration     = "10m"
drain        = "0s"
replications = 2

[load]
spacing = "even"
phase = [ {{ duration = "2m", rate = 2.0 }}, {{ duration = "8m", rate = 5.0 }} ]

[system.pool.slots]
max = 4

[system.endpoint.page]
steps = [ {{ take = {{ from = "slots", for = "1s" }} }} ]

[system.flow.one]
steps = [ {{ request = "page" }} ]

{alerts}
"#
    );
    run(&plan(&text)).summary
}

fn rule<'s>(summary: &'s Summary, name: &str) -> &'s Alert {
    let rules = &summary.alerts.rules;
    rules
        .iter()
        .find(|rule| rule.name == name)
        .expect("a rule of that name")
}

fn sent(summary: &Summary, channel: &str, key: &str) -> f64 {
    summary.figures.value(&["notifications", channel, key])
}

// Lost if broken: when an alarm fires, how late that is, and that a stretch is waited for.
#[test]
fn an_overload_is_seen_at_the_look_that_arithmetic_says() {
    let summary = overload(
        r#"
[system.alerts.rule]
line   = { watch = "slots.waiting", above = 99 }
long   = { watch = "slots.waiting", above = 99, for = "3m" }
full   = { watch = "slots.utilization", above = 0.9 }
quiet  = { watch = "slots.waiting", above = 1000 }
"#,
    );
    // The line is 100 long at about 220 s: the look after that is at 240 s, and three minutes later at 420 s.
    let line = rule(&summary, "line");
    assert_eq!((line.first_at.value, line.fired.value, line.fired_in), (240.0, 1.0, 2));
    assert!((line.held_at.value - 220.0).abs() <= 2.0, "{:?}", line.held_at);
    assert_eq!(line.delay.value, 240.0 - line.held_at.value);
    assert_eq!(rule(&summary, "long").first_at.value, 420.0);
    // The third minute is the first in which all slots were taken; its ten seconds from 120 s on the first of them.
    let full = rule(&summary, "full");
    assert_eq!((full.held_at.value, full.first_at.value), (130.0, 180.0));
    assert_eq!(
        (rule(&summary, "quiet").fired_in, rule(&summary, "quiet").held_in),
        (0, 0)
    );
}

// Lost if broken: how many messages a loop without memory sends, and which of them a day's quota swallows.
#[test]
fn repetitions_are_sent_until_the_quota_is_used_up() {
    let with = |alerts: &str| {
        overload(&format!(
            r#"
[system.alerts]
every = "1s"
{alerts}
rule  = {{ line = {{ watch = "slots.waiting", above = 99, level = "critical" }} }}

[system.alerts.channel]
mail = {{ per_day = 100 }}
sms  = {{ price = 0.0083, segment = 70 }}
"#
        ))
    };
    let summary = with("");
    let first = rule(&summary, "line").first_at.value;
    // One at each look, the last at 599 s since the run ends at 600 s, of which the mail carries a hundred.
    let looks = 600.0 - first;
    assert!((first - 220.0).abs() <= 2.0, "{first}");
    assert_eq!(sent(&summary, "mail", "sent"), 100.0);
    assert_eq!(sent(&summary, "mail", "lost"), looks - 100.0);
    assert_eq!(sent(&summary, "mail", "first_lost"), first + 100.0);
    assert_eq!(sent(&summary, "sms", "sent"), looks);
    assert_eq!(sent(&summary, "sms", "repeats"), looks - 1.0);
    // A hundred characters, seventy to a segment.
    assert_eq!(sent(&summary, "sms", "segments"), 2.0 * looks);
    assert!((sent(&summary, "sms", "cost") - 2.0 * looks * 0.0083).abs() < 1e-9);
    let once = with("repeat = \"once\"");
    assert_eq!((sent(&once, "sms", "sent"), sent(&once, "sms", "repeats")), (1.0, 0.0));
    let each_minute = with("repeat = \"1m\"");
    assert_eq!(
        sent(&each_minute, "sms", "sent"),
        ((599.0 - first) / 60.0).floor() + 1.0
    );
}

// Lost if broken: whether an alarm is of any use to those who use the product.
#[test]
fn users_are_warned_or_notice_first() {
    let text = r#"
title        = "every second request fails from the second minute on"
duration     = "5m"
replications = 2

[load]
spacing = "even"
phase = [ { duration = "125s", rate = 1.0 }, { duration = "175s", rate = 10.0 } ]

[system.limiter.edge]
key  = "all"
rule = { token_bucket = { rate = 5.0, burst = 1 } }

[system.endpoint.page]
steps = [ { limit = "edge" }, { io = "10ms" } ]

[system.flow.one]
steps = [ { request = "page" } ]

[system.alerts.rule]
errors = { watch = "errors.rate", above = 0.05 }
load   = { watch = "throughput", above = 1.5 }
users  = { watch = "in_system", below = 1000 }
"#;
    let summary = run(&plan(text)).summary;
    // Five in ten fail from 125 s on: users see it in the ten seconds that end at 130 s, the monitor at 180 s.
    assert_eq!((summary.alerts.noticed_at.value, summary.alerts.noticed_in), (130.0, 2));
    let errors = rule(&summary, "errors");
    assert_eq!((errors.first_at.value, errors.held_at.value), (180.0, 130.0));
    assert_eq!((errors.delay.value, errors.warning.value), (50.0, -50.0));
    assert_eq!(rule(&summary, "load").first_at.value, 180.0);
    assert_eq!(
        rule(&summary, "users").warning.value,
        70.0,
        "from the first look, at 60 s"
    );
}

// Lost if broken: rules that cannot fire pass for calm ones, and channels that carry nothing for safety.
#[test]
fn what_cannot_fire_is_said_and_what_a_deploy_could_do() {
    let text = r#"
title        = "a pool of twenty and a threshold of twenty"
duration     = "2m"
replications = 2

[load]
rate = 100.0

[system.service.web]
cores   = 2.0
runtime = "node"

[system.pool.connections]
database = "postgres"
max      = 20

[system.database.postgres]
max_connections = 25

[system.endpoint.page]
steps = [ { query = { wait = "1s" } } ]

[system.flow.one]
steps = [ { request = "page" } ]

[system.alerts.rule]
twenty   = { watch = "postgres.connections", above = 20 }
nineteen = { watch = "postgres.connections", above = 19 }
cpu      = { watch = "web.cpu", above = 0.8 }

[system.alerts.channel]
sms = { levels = ["critical"] }
"#;
    let summary = run(&plan(text)).summary;
    assert_eq!(rule(&summary, "nineteen").fired_in, 2);
    assert_eq!(rule(&summary, "nineteen").cannot_fire, None);
    let twenty = rule(&summary, "twenty");
    assert_eq!(
        twenty.cannot_fire.as_deref(),
        Some(
            "`postgres.connections` is at most 20: 1 process of 20 connections; only a deploy, which doubles that, could \
             make it fire"
        )
    );
    let cpu = rule(&summary, "cpu").cannot_fire.as_deref();
    assert_eq!(
        cpu,
        Some("`web.cpu` is at most 0.5: one event loop on 2 cores, one core each")
    );
    assert_eq!(summary.alerts.silent[0].why, "no rule is of level critical");
    let shown = highwater_report::json::value(&summary);
    assert_eq!(shown["alerts"][1]["name"], "nineteen");
    assert_eq!(shown["alerts"][1]["replications"], 2);
    assert_eq!(shown["monitoring"]["silent_channels"][0]["channel"], "sms");
}

// Lost if broken: a day's cost that is of tokens but not of their price, or that never begins again.
#[test]
fn a_days_cost_is_tokens_times_their_price_and_begins_again_at_midnight() {
    let text = r#"
title        = "a dollar a minute"
duration     = "30h"
drain        = "0s"
replications = 2

[load]
every = "1m"

[system.provider.openai]
model = { mine = { latency = "1s", price_in = 1000.0, price_out = 0.0 } }

[system.endpoint.page]
steps = [ { llm = { model = "mine", prompt = 1000, answer = 10 } } ]

[system.flow.one]
steps = [ { request = "page" } ]

[system.alerts]
every  = "1h"
repeat = "once"
rule   = { spent = { watch = "openai.cost_today", above = 100.0 }, kept = { watch = "openai.cost_today", below = 10.0 } }
"#;
    let summary = run(&plan(text)).summary;
    // The 101st dollar is spent in the 101st minute, and seen at the second hour.
    let spent = rule(&summary, "spent");
    assert!(
        (spent.held_at.value - 101.0 * 60.0).abs() <= 61.0,
        "{:?}",
        spent.held_at
    );
    assert_eq!(spent.first_at.value, 7200.0);
    // It resolves with the day, and fires again two hours into the next.
    assert_eq!(spent.fired.value, 2.0);
    assert_eq!(
        (rule(&summary, "kept").first_at.value, rule(&summary, "kept").fired_in),
        (86_400.0, 2)
    );
}

// Lost if broken: a slip in a path that nobody reads is an alarm that never comes.
#[test]
fn a_path_that_nothing_reads_is_a_mistake_with_a_suggestion() {
    let said = |watch: &str| {
        let text = format!(
            "duration = \"1m\"\nload = {{ rate = 1.0 }}\n[system.service.web]\n[system.endpoint.page]\nsteps = []\n\
             [system.alerts.rule]\nr = {{ watch = \"{watch}\", above = 1 }}\n"
        );
        let loaded = load("test.toml", &text, &[], false);
        highwater_models::file::render_all(&loaded.diagnostics, &loaded.sources, false)
    };
    assert!(
        said("web.cpus").contains("did you mean `web.cpu`?"),
        "{}",
        said("web.cpus")
    );
    assert!(
        said("error.rate").contains("did you mean `errors.rate`?"),
        "{}",
        said("error.rate")
    );
    let list = said("web.temperature");
    assert!(
        list.contains("`web.loop_lag`") && !list.contains("`throughput`"),
        "{list}"
    );
}
