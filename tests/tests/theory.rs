//! Theory: general systems written in the file format against what queueing theory says of them.
//!
//! Each figure has to lie within a 99.9 % interval from its replications, and the interval has to be narrow: see
//! `highwater_tests::run::check_figure`. Seeds are fixed, so a test passes always or never.

use highwater_models::file::Plan;
use highwater_sim::experiment::Outcome;
use highwater_tests::run::{check_figure, plan, run};
use highwater_tests::theory::closed::{ClosedNetwork, Station};
use highwater_tests::theory::erlang::{BoundedMultiServer, MultiServer, erlang_b};
use highwater_tests::theory::impatience::{ImpatientQueue, Patience};
use highwater_tests::theory::{birth_death, cache, limiter, priority, processor_sharing, single_server, transient};

/// A scenario of 20 replications: a load and how long it lasts, of which the first tenth is left out, and a system.
fn scenario(load: &str, seconds: u32, system: &str) -> Plan {
    plan(&format!(
        "duration = \"{seconds}s\"\nreplications = 20\nseed = 12\n[load]\n{load}\n[measure]\nfrom = \"{}s\"\n{system}",
        seconds / 10
    ))
}

/// A single server of this law before which nobody gives up, half busy, with a mean service of 100 ms.
fn single_server(law: &str) -> Outcome {
    run(&scenario(
        "rate = 5.0",
        8_000,
        &format!(
            "[system.pool.servers]\nmax = 1\n\
             [system.endpoint.job]\nsteps = [ {{ take = {{ from = \"servers\", for = {law} }} }} ]\n"
        ),
    ))
}

/// A single server's line and the answer as its client sees it.
fn check_single_server(law: &str, cv: f64) {
    let outcome = single_server(law);
    check_figure(
        &outcome,
        "resources.servers.wait.mean",
        single_server::wait_mean(5.0, 0.1, cv),
        0.03,
    );
    check_figure(
        &outcome,
        "latency.mean",
        single_server::response_mean(5.0, 0.1, cv),
        0.02,
    );
    check_figure(&outcome, "resources.servers.utilization", 0.5, 0.01);
}

// Lost if broken: the simplest queue of all.
#[test]
fn one_exponential_server() {
    check_single_server(
        "{ dist = \"exponential\", mean = \"100ms\" }",
        single_server::CV_EXPONENTIAL,
    );
    let outcome = single_server("{ dist = \"exponential\", mean = \"100ms\" }");
    check_figure(&outcome, "resources.servers.visit.mean", 0.2, 0.02);
    check_figure(&outcome, "resources.servers.waited", 0.5, 0.01);
}

// Lost if broken: that a wait depends on how service varies, and on nothing else of its law (Pollaczek and Khinchine).
#[test]
fn one_server_of_any_law() {
    check_single_server("\"100ms\"", single_server::CV_CONSTANT);
    check_single_server(
        "{ dist = \"erlang\", mean = \"100ms\", k = 4 }",
        single_server::cv_erlang(4),
    );
    check_single_server("{ dist = \"lognormal\", mean = \"100ms\", cv = 0.8 }", 0.8);
}

// Lost if broken: lines before several servers, Erlang C.
#[test]
fn several_servers() {
    let outcome = run(&scenario(
        "rate = 30.0",
        3_000,
        "[system.pool.servers]\nmax = 4\n[system.endpoint.job]\n\
         steps = [ { take = { from = \"servers\", for = { dist = \"exponential\", mean = \"100ms\" } } } ]\n",
    ));
    let theory = MultiServer::new(30.0, 0.1, 4);
    check_figure(&outcome, "resources.servers.waited", theory.waited(), 0.02);
    check_figure(&outcome, "resources.servers.wait.mean", theory.wait_mean(), 0.05);
    check_figure(&outcome, "resources.servers.utilization", theory.utilisation(), 0.01);
    check_figure(&outcome, "latency.p95", theory.response_quantile(0.95), 0.03);
}

// Lost if broken: refusals of a full line, and Erlang B where there is no line at all.
#[test]
fn bounded_lines() {
    let system = |waiters: u32, law: &str| {
        format!(
            "[system.pool.servers]\nmax = 3\nwaiters = {waiters}\n[system.endpoint.job]\n\
             steps = [ {{ take = {{ from = \"servers\", for = {law} }} }} ]\n"
        )
    };
    let exponential = "{ dist = \"exponential\", mean = \"100ms\" }";
    let outcome = run(&scenario("rate = 30.0", 3_000, &system(5, exponential)));
    let theory = BoundedMultiServer::new(30.0, 0.1, 3, 5);
    check_figure(&outcome, "errors.rate", theory.refused, 0.03);
    check_figure(&outcome, "resources.servers.wait.mean", theory.wait_mean, 0.03);
    // Without a line only the mean of the service counts.
    for law in [
        exponential,
        "\"100ms\"",
        "{ dist = \"hyperexponential\", mean = \"100ms\", cv = 2.0 }",
    ] {
        let outcome = run(&scenario("rate = 30.0", 2_000, &system(0, law)));
        check_figure(&outcome, "errors.rate", erlang_b(3, 3.0), 0.02);
    }
}

// Lost if broken: a core that is shared by all, whose mean response is the same for every law of the work.
#[test]
fn a_shared_core() {
    for (law, seconds, narrow) in [
        ("{ dist = \"exponential\", mean = \"100ms\" }", 4_000, 0.03),
        (
            "{ dist = \"hyperexponential\", mean = \"100ms\", cv = 2.0 }",
            6_000,
            0.04,
        ),
    ] {
        let outcome = run(&scenario(
            "rate = 6.0",
            seconds,
            &format!(
                "[system.service.web]\nruntime = \"threads\"\ncores = 1.0\n[system.endpoint.job]\n\
                 steps = [ {{ cpu = {law} }} ]\n"
            ),
        ));
        check_figure(
            &outcome,
            "latency.mean",
            processor_sharing::response_mean(6.0, 0.1),
            narrow,
        );
    }
}

// Lost if broken: several cores, of which a request uses at most one.
#[test]
fn shared_cores() {
    let outcome = run(&scenario(
        "rate = 15.0",
        2_000,
        "[system.service.web]\nruntime = \"threads\"\ncores = 2.0\n[system.endpoint.job]\n\
         steps = [ { cpu = { dist = \"erlang\", mean = \"100ms\", k = 2 } } ]\n",
    ));
    check_figure(
        &outcome,
        "latency.mean",
        processor_sharing::response_mean_on_cores(15.0, 0.1, 2),
        0.05,
    );
}

// Lost if broken: an event loop, which takes one slice after the other.
#[test]
fn an_event_loop() {
    let outcome = run(&scenario(
        "rate = 5.0",
        6_000,
        "[system.service.web]\nruntime = \"node\"\ncores = 1.0\n[system.endpoint.job]\n\
         steps = [ { cpu = { dist = \"lognormal\", mean = \"100ms\", cv = 1.2 } } ]\n",
    ));
    check_figure(
        &outcome,
        "latency.mean",
        single_server::response_mean(5.0, 0.1, 1.2),
        0.03,
    );
}

// Lost if broken: those who give up, and the time they take out of the line with them; more come than can be served.
#[test]
fn patience_that_ends() {
    for (timeout, patience) in [
        ("\"300ms\"", Patience::Constant(0.3)),
        (
            "{ dist = \"exponential\", mean = \"300ms\" }",
            Patience::Exponential(0.3),
        ),
    ] {
        let outcome = run(&scenario(
            "rate = 24.0",
            2_000,
            &format!(
                "[system.pool.servers]\nmax = 2\ntimeout = {timeout}\n[system.endpoint.job]\n\
                 steps = [ {{ take = {{ from = \"servers\", for = {{ dist = \"exponential\", mean = \"100ms\" }} }} }} ]\n"
            ),
        ));
        let theory = ImpatientQueue {
            arrival: 24.0,
            service: 0.1,
            servers: 2,
            patience,
        }
        .by_virtual_wait();
        check_figure(&outcome, "errors.rate", theory.gave_up, 0.03);
        check_figure(&outcome, "resources.servers.wait.mean", theory.wait_mean, 0.02);
        check_figure(&outcome, "resources.servers.waited", theory.waited, 0.01);
        check_figure(&outcome, "resources.servers.utilization", theory.utilisation, 0.01);
    }
}

// Lost if broken: a fixed number of people who think between requests: the load follows the system.
#[test]
fn a_closed_network() {
    let outcome = run(&scenario(
        "users = 30",
        4_000,
        "[system.pool.first]\nmax = 1\n[system.pool.second]\nmax = 2\n\
         [system.flow.one]\n\
         steps = [ { think = { dist = \"exponential\", mean = \"2s\" } }, { request = \"job\" } ]\n\
         [system.endpoint.job]\nsteps = [\n\
         { take = { from = \"first\", for = { dist = \"exponential\", mean = \"80ms\" } } },\n\
         { take = { from = \"second\", for = { dist = \"exponential\", mean = \"150ms\" } } },\n]\n",
    ));
    let theory = ClosedNetwork {
        think: 2.0,
        stations: vec![
            Station {
                demand: 0.08,
                servers: 1,
            },
            Station {
                demand: 0.15,
                servers: 2,
            },
        ],
    }
    .mean_value_analysis(30);
    check_figure(&outcome, "throughput", theory.throughput, 0.01);
    check_figure(&outcome, "latency.mean", theory.response_mean, 0.03);
    check_figure(&outcome, "resources.first.utilization", theory.utilisation[0], 0.01);
    check_figure(&outcome, "resources.second.utilization", theory.utilisation[1], 0.01);
}

// Lost if broken: people of a paid class who go first (Cobham).
#[test]
fn two_priorities() {
    let outcome = run(&scenario(
        "rate = 7.0",
        8_000,
        "[system.class.premium]\nshare = 0.3\n[system.class.free]\nshare = 0.7\n\
         [system.queue.jobs]\nconcurrency = 1\npriority = { premium = 10, free = 0 }\n[system.endpoint.job]\n\
         steps = [ { take = { from = \"jobs\", for = { dist = \"exponential\", mean = \"100ms\" } } } ]\n",
    ));
    let class = |arrival| priority::Class {
        arrival,
        service: 0.1,
        cv: 1.0,
    };
    let waits = priority::waits(&[class(2.1), class(4.9)]);
    check_figure(&outcome, "classes.premium.latency.mean", waits[0] + 0.1, 0.03);
    check_figure(&outcome, "classes.free.latency.mean", waits[1] + 0.1, 0.06);
}

// Lost if broken: what a cache answers when some keys are asked for more often than others.
#[test]
fn keys_that_expire() {
    for (renew, ttl) in [(false, 4.0), (true, 2.0)] {
        let outcome = run(&scenario(
            "rate = 20.0",
            2_000,
            &format!(
                "[system.cache.redis.entry.item]\nkeys = 50\npopularity = {{ zipf = 1.0 }}\nttl = \"{ttl}s\"\n\
                 renew_on_hit = {renew}\n[system.endpoint.look]\n\
                 steps = [ {{ cache = {{ entry = \"item\", miss = [ {{ io = \"0s\" }} ] }} }} ]\n"
            ),
        ));
        let shares = cache::zipf_shares(50, 1.0);
        let theory: f64 = if renew {
            shares
                .iter()
                .map(|share| share * cache::hit_ratio_renewed(20.0 * share, ttl))
                .sum()
        } else {
            cache::hit_ratio_of_keys(20.0, &shares, ttl)
        };
        check_figure(&outcome, "cache.redis.hit_ratio", theory, 0.01);
    }
}

/// Refusals of a limiter that every person meets with one request a second.
fn check_limiter(rule: &str, accepted: f64) {
    let outcome = run(&scenario(
        "rate = 20.0\npeople = { count = 20, pick = \"even\" }",
        2_000,
        &format!(
            "[system.limiter.calls]\nkey = \"user\"\nrule = {rule}\n\
             [system.endpoint.call]\nsteps = [ {{ limit = \"calls\" }} ]\n"
        ),
    ));
    check_figure(&outcome, "errors.rate", 1.0 - accepted, 0.02);
    check_figure(&outcome, "resources.calls.refused_share", 1.0 - accepted, 0.02);
    check_figure(&outcome, "throughput", 20.0 * accepted, 0.02);
}

// Lost if broken: whom a rate limit turns away.
#[test]
fn windows_that_refuse() {
    let (rate, per, limit) = (1.0, 10.0, 8);
    check_limiter(
        "{ fixed_window = { limit = 8, per = \"10s\" } }",
        limiter::fixed_window_accepted(rate, per, limit),
    );
    check_limiter(
        "{ fixed_window = { limit = 8, per = \"10s\", opens = \"clock\" } }",
        limiter::clock_window_accepted(rate, per, limit),
    );
    check_limiter(
        "{ sliding_window = { limit = 8, per = \"10s\" } }",
        limiter::sliding_window_accepted(rate, per, 8),
    );
    check_limiter(
        "{ sliding_window = { limit = 8, per = \"10s\", counts = \"all\" } }",
        limiter::sliding_window_of_all_accepted(rate, per, limit),
    );
}

// Lost if broken: a burst that is let through, and a rate that holds in the long run.
#[test]
fn buckets_that_refuse() {
    check_limiter(
        "{ token_bucket = { rate = 0.8, burst = 5 } }",
        limiter::token_bucket_accepted(1.0, 0.8, 5),
    );
}

// Lost if broken: what happens in the minutes after a change, which no steady state shows.
#[test]
fn a_queue_that_begins_empty() {
    let text = r#"
title        = "M/M/1 from empty"
duration     = "6s"
drain        = "0s"
replications = 4000

[load]
rate = 9.0

[measure]
at = ["1s", "5s"]

[system.pool.servers]
max = 1

[system.endpoint.job]
steps = [ { take = { from = "servers", for = { dist = "exponential", mean = "100ms" } } } ]

[system.flow.one]
steps = [ { request = "job" } ]
"#;
    let outcome = run(&plan(text));
    for (number, seconds) in [(0, 1.0), (1, 5.0)] {
        let probabilities = transient::single_server_from_empty(9.0, 0.1, 400, seconds);
        let path = format!("snapshots.{number}.in_system");
        check_figure(&outcome, &path, birth_death::mean(&probabilities), 0.08);
    }
}
