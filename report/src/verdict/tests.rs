//! Every verdict in full: what a founder reads is what is tested.

use super::*;
use crate::sample::{bottleneck, broken, calm, failure, near, objective, set};
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::Warning;

#[track_caller]
fn check(summary: &Summary, judgement: Judgement, sentences: &str) {
    let verdict = verdict(summary);
    assert_eq!(verdict.to_string(), sentences);
    assert_eq!(verdict.judgement, judgement);
}

fn wide(value: f64, half: f64) -> Estimate {
    Estimate {
        value,
        low: Some(value - half),
        high: Some(value + half),
    }
}

// Lost if broken: the chain from symptom to cause. The pool is full, but the loop is the reason.
#[test]
fn a_full_pool_in_front_of_a_busy_loop_blames_the_loop() {
    check(
        &broken(),
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 12 s requests begin to fail because no connection comes free in time, at ",
            "`connections` (20 connections per process); behind it is `web` (0.5 CPU per instance), which is ",
            "saturated. 1 in 7 requests fails, most often on `aiChat.sendMessage`; 1 in 59 is given up by ",
            "its user; 95 % of the answers come within 8.4 s, where 2 s was asked. It does not come back ",
            "before the run ends.",
        ),
    );
}

// Lost if broken: a refusal that is the limit itself, with nothing behind it.
#[test]
fn a_failure_with_nothing_behind_it_names_no_culprit() {
    let mut summary = broken();
    summary.bottlenecks.clear();
    summary.failures = vec![failure("connection_refused", "postgres", "user.profile", 192.0, 0.143)];
    summary.recovery = Recovery::At(near(1450.0));
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 12 s requests begin to fail because the database has no connection left, ",
            "at `postgres`. 1 in 7 requests fails, most often on `user.profile`; 1 in 59 is given up by its ",
            "user; 95 % of the answers come within 8.4 s, where 2 s was asked. It is back within its ",
            "objectives 24 min 10 s after the start.",
        ),
    );
}

// Lost if broken: one stray refusal named as what broke, and the real breakdown not.
#[test]
fn a_stray_failure_is_not_what_broke() {
    let mut summary = broken();
    summary
        .failures
        .insert(0, failure("rate_limited", "per-ip", "user.profile", 5.0, 0.000_2));
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 12 s requests begin to fail because no connection comes free in time, at ",
            "`connections` (20 connections per process); behind it is `web` (0.5 CPU per instance), which is ",
            "saturated. 1 in 7 requests fails, most often on `aiChat.sendMessage`; 1 in 59 is given up by ",
            "its user; 95 % of the answers come within 8.4 s, where 2 s was asked. It does not come back ",
            "before the run ends.",
        ),
    );
}

// Lost if broken: the first failure taken for the most common one.
#[test]
fn the_first_failure_need_not_be_the_most_common() {
    let mut summary = broken();
    summary
        .failures
        .insert(0, failure("rate_limited", "per-ip", "user.profile", 5.0, 0.02));
    summary.recovery = Recovery::Sometimes { recovered: 7, of: 10 };
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 5 s requests begin to fail because a rate limiter refuses them, at `per-ip`. 1 ",
            "in 7 requests fails, most often on `aiChat.sendMessage` because no connection comes free in ",
            "time; 1 in 59 is given up by its user; 95 % of the answers come within 8.4 s, where 2 s was ",
            "asked. It comes back in 7 of 10 replications, in the others not before the run ends.",
        ),
    );
}

// Lost if broken: a mean given without saying that replications disagree, or that some never saw it.
#[test]
fn doubt_about_when_and_how_many_is_said() {
    let mut summary = broken();
    summary.failures[0].first_at = wide(192.0, 25.0);
    summary.failures[0].replications = 7;
    set(&mut summary, &["errors", "rate"], Unit::Share, 0.143);
    let rate = summary.figures.get(&["errors", "rate"]).cloned().map(|mut figure| {
        figure.estimate = wide(0.143, 0.06);
        figure
    });
    let path = highwater_models::record::figures::Path::new(&["errors", "rate"]);
    summary.figures.insert(path, rate.expect("set above"));
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 12 s, give or take 25 s, requests begin to fail in 7 of 10 replications ",
            "because no connection comes free in time, at `connections` (20 connections per process); behind ",
            "it is `web` (0.5 CPU per instance), which is saturated. 1 in 7 requests fails (between 8.3 % ",
            "and 20.3 %), most often on `aiChat.sendMessage`; 1 in 59 is given up by its user; 95 % of the ",
            "answers come within 8.4 s, where 2 s was asked. It does not come back before the run ends.",
        ),
    );
}

// Lost if broken: slowness blamed on what filled up first instead of on where the slowest wait.
#[test]
fn slowness_is_blamed_on_where_the_slowest_spend_their_time() {
    let mut summary = broken();
    summary.objectives.remove(1);
    summary.failures.clear();
    set(&mut summary, &["errors", "rate"], Unit::Share, 0.0);
    let mut queue = bottleneck("ai", "queue", "50 calls at once per process", 300.0);
    queue.latency_share_slowest = 0.81;
    summary.bottlenecks.push(queue);
    summary.recovery = Recovery::NotAsked;
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It is too slow: 95 % of the answers come within 8.4 s, where 2 s was asked; the slowest 5 % ",
            "spend 81 % of their time at `ai` (50 calls at once per process), which first reaches its limit ",
            "after 5 min. 1 in 59 is given up by its user.",
        ),
    );
}

// Lost if broken: a resource accused although none reached its limit.
#[test]
fn slowness_without_a_full_resource_says_where_the_time_goes() {
    let mut summary = broken();
    summary.objectives.remove(1);
    summary.failures.clear();
    summary.bottlenecks.clear();
    summary.recovery = Recovery::NotAsked;
    set(&mut summary, &["errors", "rate"], Unit::Share, 0.0);
    set(
        &mut summary,
        &["breakdown", "slowest", "service.openai"],
        Unit::Seconds,
        30.0,
    );
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It is too slow: 95 % of the answers come within 8.4 s, where 2 s was asked; the slowest 5 % ",
            "spend 80 % of their time being served by openai. 1 in 59 is given up by its user.",
        ),
    );
}

// Lost if broken: a missed objective that is neither slowness nor failure.
#[test]
fn any_other_missed_objective_is_named_with_its_bound() {
    let mut summary = calm();
    let mut goodput = objective("goodput", 20.0, Unit::PerSecond, 5.55, Some(false));
    goodput.at_most = false;
    summary.objectives = vec![goodput];
    check(
        &summary,
        Judgement::Breaks,
        "It does not hold: goodput is 5.55/s and has to be at least 20/s.",
    );
}

// Lost if broken: a rate limiter blamed for missing an objective that counts database errors.
#[test]
fn an_objective_on_one_cause_blames_that_cause() {
    let mut summary = broken();
    summary.objectives = vec![objective("database_errors", 0.0, Unit::Count, 12.0, Some(false))];
    let refused = failure("rate_limited", "per-ip", "user.profile", 5.0, 0.2);
    summary.failures.insert(0, refused);
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 12 s requests begin to fail because no connection comes free in time, at ",
            "`connections` (20 connections per process); behind it is `web` (0.5 CPU per instance), which is ",
            "saturated. 1 in 7 requests fails, most often on `user.profile`; 1 in 59 is given up by its ",
            "user. It does not come back before the run ends.",
        ),
    );
}

// Lost if broken: the whole run's first failure blamed for one endpoint's.
#[test]
fn an_objective_on_one_endpoint_is_not_explained_by_another() {
    let mut summary = broken();
    let name = r#"endpoint."stripe.webhook".error_rate"#;
    summary.objectives = vec![objective(name, 0.0, Unit::Share, 0.02, Some(false))];
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It does not hold: error rate of `stripe.webhook` is 2 % and has to be at most 0 %. After 3 min ",
            "12 s requests begin to fail because no connection comes free in time, at `connections` (20 ",
            "connections per process); behind it is `web` (0.5 CPU per instance), which is saturated. It ",
            "does not come back before the run ends.",
        ),
    );
}

// Lost if broken: failures without a resource of their own left without any lead, or with an invented one.
#[test]
fn clients_that_stop_waiting_are_explained_by_what_is_known() {
    let mut summary = broken();
    summary.failures = vec![failure("client_timeout", "", "aiChat.sendMessage", 200.0, 0.143)];
    summary.failures[0].resource = None;
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 20 s requests begin to fail because their clients stop waiting; by then ",
            "`web` (0.5 CPU per instance) has reached its limit. 1 in 7 requests fails, most often on ",
            "`aiChat.sendMessage`; 95 % of the answers come within 8.4 s, where 2 s was asked. It does not ",
            "come back before the run ends.",
        ),
    );
    summary.bottlenecks[1].latency_share_slowest = 0.7;
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 3 min 20 s requests begin to fail because their clients stop waiting; the ",
            "slowest 5 % of the others spend 70 % of their time at `connections` (20 connections per ",
            "process); behind it is `web` (0.5 CPU per instance), which is saturated. 1 in 7 requests fails, ",
            "most often on `aiChat.sendMessage`; 95 % of the answers come within 8.4 s, where 2 s was asked. ",
            "It does not come back before the run ends.",
        ),
    );
    summary.bottlenecks[1].latency_share_slowest = f64::NAN;
    summary.failures[0].first_at = near(10.0);
    check(
        &summary,
        Judgement::Breaks,
        concat!(
            "It breaks: after 10 s requests begin to fail because their clients stop waiting. 1 in 7 ",
            "requests fails, most often on `aiChat.sendMessage`; 95 % of the answers come within 8.4 s, ",
            "where 2 s was asked. It does not come back before the run ends.",
        ),
    );
}

// Lost if broken: the headroom of a design that holds.
#[test]
fn a_design_that_holds_says_how_near_it_came() {
    let mut summary = calm();
    summary.objectives = vec![
        objective("p95", 2.0, Unit::Seconds, 1.2, Some(true)),
        objective("error_rate", 0.01, Unit::Share, 0.0, Some(true)),
    ];
    check(
        &summary,
        Judgement::Holds,
        concat!(
            "It holds: both objectives are met, the tightest being p95 latency at 1.2 s of 2 s. Nearest its ",
            "limit is the service `web` (0.5 CPU per instance), 62 % used on average.",
        ),
    );
}

// Lost if broken: "it holds" without a word on a limit that was reached on the way.
#[test]
fn a_limit_reached_on_the_way_is_not_kept_quiet() {
    let mut summary = calm();
    summary.objectives = vec![objective("error_rate", 0.01, Unit::Share, 0.0, Some(true))];
    summary.bottlenecks = vec![bottleneck("web", "service", "0.5 CPU per instance", 0.2)];
    summary.bottlenecks[0].replications = 4;
    summary.recovery = Recovery::At(near(700.0));
    summary.warnings = vec![Warning {
        id: "still-growing",
        text: String::new(),
    }];
    check(
        &summary,
        Judgement::Holds,
        concat!(
            "It holds: the one objective is met. The first to reach its limit is the service `web` (0.5 CPU ",
            "per instance), from the start in 4 of 10 replications. It is back within its objectives 11 min ",
            "40 s after the start. A line was still growing at the end: a longer run may say otherwise.",
        ),
    );
}

// Lost if broken: a coin toss sold as a verdict.
#[test]
fn an_open_objective_is_said_to_be_open() {
    let mut summary = calm();
    let mut open = objective("p95", 2.0, Unit::Seconds, 2.05, None);
    open.value = wide(2.05, 0.25);
    summary.objectives = vec![open, objective("error_rate", 0.01, Unit::Share, 0.0, Some(true))];
    check(
        &summary,
        Judgement::Undecided,
        concat!(
            "Not decided: 1 of 2 objectives is open, the rest is met. As to that one, p95 latency is between ",
            "1.8 s and 2.3 s and has to be at most 2 s; more replications would narrow it. Nearest its limit ",
            "is the service `web` (0.5 CPU per instance), 62 % used on average.",
        ),
    );
}

// Lost if broken: one replication spoken of as if it had an interval.
#[test]
fn one_replication_decides_nothing_by_itself() {
    let mut summary = calm();
    summary.replications = 1;
    let mut open = objective("p95", 2.0, Unit::Seconds, 1.2, None);
    open.value = Estimate {
        value: 1.2,
        low: None,
        high: None,
    };
    summary.objectives = vec![open.clone()];
    check(
        &summary,
        Judgement::Undecided,
        concat!(
            "Not decided: p95 latency is 1.2 s in the only replication and has to be at most 2 s; it takes ",
            "several to be sure. Nearest its limit is the service `web` (0.5 CPU per instance), 62 % used on ",
            "average.",
        ),
    );
    open.value.value = f64::NAN;
    summary.objectives = vec![open];
    check(
        &summary,
        Judgement::Undecided,
        concat!(
            "Not decided: nothing was observed to judge p95 latency by. Nearest its limit is the service ",
            "`web` (0.5 CPU per instance), 62 % used on average.",
        ),
    );
}

// Lost if broken: a textbook queue, which asks nothing and is told nothing false.
#[test]
fn without_objectives_nothing_is_judged() {
    check(
        &calm(),
        Judgement::NoObjectives,
        concat!(
            "No objective is set, so nothing is judged: all requests are answered usefully, 95 % of these ",
            "within 1.2 s. Nearest its limit is the service `web` (0.5 CPU per instance), 62 % used on ",
            "average.",
        ),
    );
    let mut summary = broken();
    summary.objectives.clear();
    summary.warnings.clear();
    check(
        &summary,
        Judgement::NoObjectives,
        concat!(
            "No objective is set, so nothing is judged: 84 % of the requests are answered usefully, 95 % of ",
            "these within 8.4 s. After 3 min 12 s requests begin to fail because no connection comes free in ",
            "time, at `connections` (20 connections per process); behind it is `web` (0.5 CPU per instance), ",
            "which is saturated. It does not come back before the run ends.",
        ),
    );
}

// Lost if broken: an empty result that panics or invents.
#[test]
fn an_empty_summary_gives_a_plain_sentence() {
    check(
        &Summary::default(),
        Judgement::NoObjectives,
        "No objective is set, so nothing is judged.",
    );
}

// Lost if broken: "between <0.01 % and 0.01 %", which says nothing of one request in eleven thousand.
#[test]
fn a_rare_failure_has_the_digits_of_its_interval() {
    let rate = |value, low, high| {
        super::phrases::failing_requests(&Estimate {
            value,
            low: Some(low),
            high: Some(high),
        })
    };
    assert_eq!(
        rate(0.000_089, 0.000_066, 0.000_119),
        "1 in 11,000 requests fails (between 0.0066 % and 0.0119 %)"
    );
    assert_eq!(
        rate(0.5, 0.3, 0.7),
        "50 % of the requests fail (between 30.0 % and 70.0 %)"
    );
}
