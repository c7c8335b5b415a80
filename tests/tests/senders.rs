//! Senders that are not people with a browser: a payment provider that reports again until it is heard, and one user who
//! floods. Each answer is known by hand.

use highwater_models::Cause;
use highwater_sim::experiment::{Options, Outcome};
use highwater_tests::run::{plan, run_with};

fn run(text: &str) -> Outcome {
    let options = Options {
        replications: Some(1),
        jobs: 1,
        requests: true,
        ..Options::default()
    };
    run_with(&plan(text), &options)
}

// Lost if broken: what a payment provider reports is lost when it is refused, or comes back too soon.
#[test]
fn a_refused_webhook_is_sent_again_until_it_is_taken() {
    // Thirty within three seconds, from 10 s on, through a limit of ten a minute: ten are taken at once. The others come
    // back after a minute, when the window that began at 10 s is over: ten more. The last ten come at 132 s and later,
    // after the window that the twenty's first opened at 71 s.
    let times: Vec<String> = (0..30)
        .map(|number| format!("\"{}ms\"", 10_000 + 100 * number))
        .collect();
    let outcome = run(&format!(
        r#"
title    = "reports of payments"
duration = "200s"
[load]
client = "payments"
at     = [{}]
[system.client.payments]
retry       = {{ max = "forever", wait = {{ base = "60s", factor = 1.0 }} }}
retry_kinds = [ "query", "mutation" ]
retry_on    = [ "rate_limited" ]
[system.limiter.reports]
key  = "all"
rule = {{ fixed_window = {{ limit = 10, per = "60s" }} }}
[system.endpoint.webhook]
kind  = "mutation"
steps = [ {{ limit = "reports" }} ]
[system.flow.one]
steps = [ {{ request = "webhook" }} ]
"#,
        times.join(", ")
    ));
    let rows = &outcome.requests.as_ref().expect("asked for").rows;
    assert_eq!(rows.len(), 30);
    for (number, row) in rows.iter().enumerate() {
        let tries = 1 + number as u32 / 10;
        assert_eq!((row.cause, row.attempts), (None, tries), "report {number}");
        assert!(
            (row.latency - 60.0 * f64::from(tries - 1)).abs() < 1e-6,
            "report {number}: {}",
            row.latency
        );
    }
    assert_eq!(
        outcome.summary.figures.value(&["resources", "reports", "refused"]),
        30.0
    );
}

// Lost if broken: one user's flood is counted to everybody, or not to that user.
#[test]
fn a_limit_per_user_stops_the_one_who_floods_and_nobody_else() {
    // A hundred a second from one signed-in user for two minutes, ten a minute allowed: twenty are taken.
    let outcome = run(r#"
title    = "one user floods"
duration = "120s"
[source.flood]
people    = { count = 1, pick = "in_order" }
signed_in = 1.0
flow      = { hammer = 1.0 }
rate      = 100.0
spacing   = "even"
[source.others]
people    = { count = 500, pick = "in_order" }
signed_in = 1.0
flow      = { visit = 1.0 }
rate      = 2.0
spacing   = "even"
[system.limiter.chat]
key  = "user"
rule = { fixed_window = { limit = 10, per = "60s" } }
[system.endpoint.flood]
steps = [ { limit = "chat" } ]
[system.endpoint.chat]
steps = [ { limit = "chat" } ]
[system.flow.hammer]
steps = [ { request = "flood" } ]
[system.flow.visit]
steps = [ { request = "chat" } ]
"#);
    let value = |path: &[&str]| outcome.summary.figures.value(path);
    assert_eq!(value(&["endpoints", "flood", "requests", "offered"]), 12_000.0);
    assert_eq!(value(&["endpoints", "flood", "requests", "useful"]), 20.0);
    assert_eq!(value(&["endpoints", "chat", "requests", "useful"]), 240.0);
    let rows = &outcome.requests.as_ref().expect("asked for").rows;
    let refused = rows.iter().filter(|row| row.cause == Some(Cause::RateLimited)).count();
    assert_eq!(refused, 12_000 - 20);
}
