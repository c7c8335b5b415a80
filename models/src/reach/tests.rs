//! Each rule that cannot fire, with its arithmetic, beside one like it that can.

use super::*;
use crate::catalogue;
use crate::file::{NoFiles, Request, load_scenario, render_all};

fn system(text: &str) -> System {
    let text = format!("duration = \"1m\"\nload = {{ rate = 1.0 }}\n{text}");
    let mut request = Request::new("test.toml", text);
    request.catalogue = catalogue::names;
    let loaded = load_scenario(request, &NoFiles, |_| None);
    let said = render_all(&loaded.diagnostics, &loaded.sources, false);
    loaded.plan.unwrap_or_else(|| panic!("{said}")).system
}

fn verdict(text: &str) -> CanFire {
    let system = system(text);
    let alerts = system.alerts.as_ref().unwrap();
    can_fire(&system, alerts.rule.get("rule").unwrap())
}

fn connections(instances: u32, threshold: u32) -> CanFire {
    verdict(&format!(
        r#"
[system.service.web]
instances = {instances}
[system.pool.db]
database = "postgres"
max = 20
[system.database.postgres]
max_connections = 25
[system.endpoint.page]
steps = [ {{ query = {{ cpu = "1ms" }} }} ]
[system.alerts.rule]
rule = {{ watch = "postgres.connections", above = {threshold} }}
"#
    ))
}

// Lost if broken: the plan's own rule on connections is taken for one that can fire on one instance.
#[test]
fn a_pool_that_cannot_open_more_than_the_threshold() {
    let CanFire::OnlyInDeploy(why) = connections(1, 20) else {
        panic!("{:?}", connections(1, 20));
    };
    assert_eq!(why, "`postgres.connections` is at most 20: 1 process of 20 connections");
    assert_eq!(connections(1, 19), CanFire::Yes);
    assert_eq!(connections(2, 20), CanFire::Yes);
    // 25 less the 3 that are reserved.
    let CanFire::Never(why) = connections(2, 22) else {
        panic!()
    };
    assert_eq!(why, "`postgres.connections` is at most 22: the server takes 22");
}

fn cpu(cores: f64, more: &str, step: &str) -> CanFire {
    verdict(&format!(
        r#"
[system.service.web]
cores = {cores}
runtime = "node"
{more}
[system.endpoint.page]
steps = [ {{ {step} = "1ms" }} ]
[system.alerts.rule]
rule = {{ watch = "web.cpu", above = 0.8 }}
"#
    ))
}

// Lost if broken: an alarm at 80 % of two cores that one event loop is thought able to reach.
#[test]
fn one_loop_cannot_fill_two_cores() {
    let CanFire::Never(why) = cpu(2.0, "", "cpu") else {
        panic!()
    };
    assert_eq!(
        why,
        "`web.cpu` is at most 0.5: one event loop on 2 cores, one core each"
    );
    assert_eq!(cpu(1.0, "", "cpu"), CanFire::Yes);
    assert_eq!(cpu(2.0, "processes = 2", "cpu"), CanFire::Yes);
    assert_eq!(cpu(2.0, "", "work"), CanFire::Yes, "four threads beside the loop");
}

// Lost if broken: rules on shares above one, on what has no limit, and on lines that are shorter than the threshold.
#[test]
fn what_has_no_share_and_what_is_never_more_than_one() {
    let rule = |watch: &str, bound: &str| {
        verdict(&format!(
            r#"
[system.service.web]
[system.queue.jobs]
concurrency = 5
waiters = 10
[system.provider.openai]
use = {{ chat = "mine" }}
model = {{ mine = {{ latency = "1s" }} }}
[system.endpoint.page]
steps = [ {{ llm = {{ queue = "jobs", model = "chat" }} }} ]
[system.alerts.rule]
rule = {{ watch = "{watch}", {bound} }}
"#
        ))
    };
    for (watch, bound) in [
        ("errors.rate", "above = 1.0"),
        ("openai.errors", "above = 5.0"),
        ("web.cpu", "above = 0.1"),
        ("web.memory", "above = 0.1"),
        ("jobs.utilization", "above = 1.0"),
        ("openai.cost_today", "above = 0.0"),
        ("latency.p95", "below = 0.0"),
    ] {
        assert!(
            matches!(rule(watch, bound), CanFire::Never(_)),
            "{watch} {bound}: {:?}",
            rule(watch, bound)
        );
    }
    assert!(matches!(rule("jobs.queue", "above = 10"), CanFire::OnlyInDeploy(_)));
    for (watch, bound) in [
        ("errors.rate", "above = 0.05"),
        ("openai.errors", "above = 0.05"),
        ("jobs.queue", "above = 9"),
        ("users.online", "above = 1000"),
        ("latency.p95", "above = 0.5"),
        ("latency.p99.9", "above = 0.5"),
        ("web.instances", "below = 1"),
    ] {
        assert_eq!(rule(watch, bound), CanFire::Yes, "{watch} {bound}");
    }
}

// Lost if broken: a price is paid for a channel that never speaks.
#[test]
fn a_channel_without_a_rule_of_its_level_is_silent() {
    let system = system(
        r#"
[system.endpoint.page]
steps = [ { io = "1ms" } ]
[system.alerts.rule]
slow = { watch = "latency.p95", above = 0.5 }
[system.alerts.channel]
sms = { levels = ["critical"] }
mail = { levels = ["critical", "warning"] }
"#,
    );
    let alerts = system.alerts.as_ref().unwrap();
    let rules: Vec<_> = alerts.rule.iter().collect();
    let said = |name: &str| silent(alerts.channel.get(name).unwrap(), &rules);
    assert_eq!(said("sms").as_deref(), Some("no rule is of level critical"));
    assert_eq!(said("mail"), None);
}
