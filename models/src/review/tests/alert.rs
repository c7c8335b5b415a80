//! Each rule of `review/alert.rs` in a system that breaks it, and in one that comes close.

use super::*;

fn rule(watch: &str, above: f64) -> String {
    format!("alerts.rule.extra={{ watch = \"{watch}\", above = {above:?} }}")
}

#[test]
fn an_alert_that_cannot_fire() {
    check(
        "alert-cannot-fire",
        &[&rule("postgres.connections", 20.0)],
        "`postgres.connections` is at most 20: 2 processes of 10 connections; it fires above 20",
        &[&rule("postgres.connections", 19.0)],
    );
    let no_work = "endpoint.sign.steps=[ { query = \"row\" } ]";
    check(
        "alert-cannot-fire",
        &["web.plan=pro", no_work, &rule("web.cpu", 0.5)],
        "`web.cpu` is at most 0.5: one event loop on 2 cores, one core each; it fires above 0.5",
        &["web.plan=pro", no_work, &rule("web.cpu", 0.45)],
    );
    check(
        "alert-cannot-fire",
        &[&rule("errors.rate", 1.0)],
        "`errors.rate` is at most 1: a share of all requests; it fires above 1",
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
