//! Bills of runs that are small enough to be reckoned by hand, to the cent and below.

use highwater_sim::experiment::Outcome;
use highwater_tests::run::{plan, run};

/// An hour of 360 calls, evenly spaced and all alike: a call costs 1,000 x $30 / 1e6 + 200 x $60 / 1e6 = $0.042.
const HOUR: &str = r#"
duration = "1h"
replications = 2
[load]
rate = 0.1
spacing = "even"
people = { count = 1000 }
[system]
catalogue = "2025-12-10"
[system.class.pro]
price = 29.0
[system.endpoint.chat]
response = "4 KB"
steps = [ { cpu = "5ms" }, { llm = { provider = "openai", model = "gpt-4", prompt = 1000, answer = 200 } } ]
[system.provider.openai.model]
"gpt-4" = { latency = "2s" }
[system.money]
payment = { share = 0.029, each = 0.30 }
"#;

const STARTER: &str = "[system.service.web]\nplan = \"starter\"\n";

/// A month of one Starter instance.
const WEB: f64 = 7.0;

/// The calls of the hour.
const CALLS: f64 = 15.12;

fn hour(more: &str) -> Outcome {
    run(&plan(&format!("{HOUR}{more}")))
}

fn value(outcome: &Outcome, path: &str) -> f64 {
    let names: Vec<&str> = path.split('/').collect();
    outcome.summary.figures.value(&names)
}

/// A ten-thousandth of a cent: what is left is the last bits of sums.
#[track_caller]
fn check(outcome: &Outcome, expected: &[(&str, f64)]) {
    for &(path, wanted) in expected {
        let found = value(outcome, path);
        assert!((found - wanted).abs() < 1e-6, "{path}: {found}, by hand {wanted}");
    }
}

// Lost if broken: the bill. Every figure of it is reckoned by hand.
#[test]
fn an_hour_of_equal_calls_costs_what_arithmetic_says() {
    let outcome = hour(&format!(
        "{STARTER}[objectives]\ncost_month = 11050.0\nprofit_month = 20000.0\n"
    ));
    let month = CALLS * 730.0 + WEB;
    // $29.00 less 2.9 % and 30 cents, from each of the 1,000 registered users.
    let revenue = 1000.0 * (29.0 - 0.841 - 0.30);
    check(
        &outcome,
        &[
            ("cost/items/gpt-4/event", CALLS),
            ("cost/items/gpt-4/month", CALLS * 730.0),
            ("cost/items/web/event", WEB / 730.0),
            ("cost/items/web/month", WEB),
            // 360 x (4 KB + 4 B a token) is far below what is included.
            ("cost/items/bandwidth/month", 0.0),
            ("cost/event", CALLS + WEB / 730.0),
            ("cost/month", month),
            ("cost/per_user", month / 1000.0),
            ("cost/instance_seconds", 3600.0),
            ("cost/revenue", revenue),
            ("cost/fees", 1141.0),
            ("cost/profit", revenue - month),
            ("cost/margin", (revenue - month) / 29_000.0),
            ("cost/break_even_paying_share", month / revenue),
            ("resources/openai/cost", CALLS),
        ],
    );
    let judged = outcome.summary.objectives.iter();
    let met: Vec<_> = judged
        .map(|objective| (objective.name.as_str(), objective.met))
        .collect();
    assert_eq!(met, [("cost_month", Some(true)), ("profit_month", Some(false))]);
    let text = &outcome.summary.costs;
    assert!(
        text.iter()
            .any(|item| item.name == "gpt-4" && item.source.contains("documented"))
    );
}

// Lost if broken: plans that are not charged by the second, or a month that depends on how long was measured.
#[test]
fn half_of_the_hour_costs_half_and_the_same_a_month() {
    let outcome = hour(&format!("{STARTER}[measure]\nfrom = \"30m\"\n"));
    check(
        &outcome,
        &[
            ("cost/event", (CALLS + WEB / 730.0) / 2.0),
            ("cost/month", CALLS * 730.0 + WEB),
            ("cost/instance_seconds", 1800.0),
        ],
    );
}

// Lost if broken: instances that boot for nothing. The second one is ordered at the first look, after 15 s, serves after
// another 45 s, and is paid for from the order on.
#[test]
fn an_instance_is_paid_for_from_the_start_of_its_boot() {
    let outcome = hour(&format!(
        "{STARTER}boot = \"45s\"\nscaling = {{ on = true, min = 2, max = 2, cpu = 0.7 }}\n"
    ));
    check(
        &outcome,
        &[
            ("cost/instance_seconds", 3600.0 + 3585.0),
            ("cost/items/web/event", WEB / 730.0 * 7185.0 / 3600.0),
            // Autoscaling needs a paid workspace.
            ("cost/items/workspace/month", 19.0),
        ],
    );
}

// Lost if broken: the second generation of a deploy for nothing. The new instance boots for 45 s, then the old one stays
// for another 60 s, idle: 105 s are paid for twice.
#[test]
fn both_generations_of_a_deploy_are_paid_for() {
    let outcome = hour(&format!(
        "{STARTER}boot = \"45s\"\n[[event]]\nat = \"30m\"\naction = {{ deploy = \"web\" }}\n"
    ));
    check(&outcome, &[("cost/instance_seconds", 3600.0 + 105.0)]);
}

// Lost if broken: a ceiling that binds a call early or late, or one that is knocked at again and again. 23 calls cost
// $0.966; the 24th is let through and makes it $1.008.
#[test]
fn a_spend_limit_binds_at_the_call_that_arithmetic_says() {
    let outcome = hour("[system.provider.openai]\nspend_limit = 1.0\n");
    check(
        &outcome,
        &[
            ("cost/items/gpt-4/event", 24.0 * 0.042),
            ("requests/useful", 24.0),
            ("errors/by_cause/llm_quota", 336.0),
            ("resources/openai/attempts", 360.0),
            ("resources/openai/retries", 0.0),
        ],
    );
    let log = &outcome.summary.log;
    assert_eq!(
        log.iter().filter(|entry| entry.subject == "openai").count(),
        1,
        "{log:?}"
    );
}

// Lost if broken: a month's free commands that never run out. The first look-up and its store are two commands, each
// later one finds the entry: the tenth command is that of the ninth request.
#[test]
fn a_month_s_commands_run_out_at_the_request_that_arithmetic_says() {
    let text = |plan: &str| {
        format!(
            "duration = \"1m\"\nreplications = 2\n[load]\nrate = 1.0\nspacing = \"even\"\n[system.cache.redis]\n{plan}\n\
             [system.cache.redis.entry]\nstatic = {{ key = \"one\", ttl = \"1h\" }}\n[system.endpoint.page]\n\
             steps = [{{ cache = {{ entry = \"static\", miss = [{{ io = \"1ms\" }}] }} }}]\n"
        )
    };
    let outcome = run(&plan(&text("commands_per_month = 10")));
    check(
        &outcome,
        &[("requests/useful", 9.0), ("errors/by_cause/cache_unavailable", 51.0)],
    );
    let free = run(&plan(&text("plan = \"upstash-free\"")));
    assert!(
        free.summary
            .resources
            .iter()
            .any(|cache| cache.limit.contains("500,000 commands a month")),
        "{:?}",
        free.summary.resources
    );
}

// Lost if broken: a profit made of nothing, and a reader who is not told which key is missing.
#[test]
fn without_users_there_is_no_revenue_and_the_key_is_named() {
    let text = format!("{HOUR}{STARTER}[objectives]\nprofit_month = 0.0\n").replace("people = { count = 1000 }\n", "");
    let outcome = run(&plan(&text));
    assert!(value(&outcome, "cost/revenue").is_nan() && value(&outcome, "cost/profit").is_nan());
    assert_eq!(outcome.summary.objectives[0].met, None);
    let warning = outcome
        .summary
        .warnings
        .iter()
        .find(|warning| warning.id == "money-unknown");
    assert!(warning.is_some_and(|warning| warning.text.contains("money.users")));
    let set = run(&plan(
        &text.replace("[system.money]\n", "[system.money]\nusers = 1000\n"),
    ));
    check(&set, &[("cost/revenue", 27_859.0)]);
}
