//! Mutants: models that are broken on purpose. Each has to fail the case of `highwater validate` that is there for it, at
//! the figure that the fault moves, while the figures that it leaves alone go on agreeing: a case that fails for any
//! reason is as little use as one that never does.
//!
//! Where a setting can express the fault, the case's file is changed. Where none can (nothing in the format makes a line
//! serve the last who came first), the case judges what a loop with that fault, written by hand, leaves behind.

use std::collections::VecDeque;

use highwater_sim::experiment::Options;
use highwater_sim::validate::judge::{judge, judge_samples};
use highwater_sim::validate::{self, Case, Depth, Judged, Verdict};
use highwater_tests::run::run_with;

/// The case of that name.
fn case(id: &str) -> Case {
    let mut cases = validate::all().into_iter();
    cases
        .find(|case| case.id == id)
        .unwrap_or_else(|| panic!("no case `{id}`"))
}

/// A case whose file has something in it replaced.
#[track_caller]
fn changed(mut case: Case, from: &str, to: &str) -> Case {
    assert!(case.file.contains(from), "`{from}` is not in\n{}", case.file);
    case.file = case.file.replace(from, to);
    case
}

/// A case as it is, and with something wrong in it.
struct Mutant {
    sound: Vec<Judged>,
    broken: Vec<Judged>,
}

/// What a case's figures are at the command's first seed. No second run: neither a fault nor what it is held against
/// deserves one.
#[track_caller]
fn judged(case: &Case) -> Vec<Judged> {
    let plan = case.plan().unwrap_or_else(|mistakes| panic!("{}: {mistakes}", case.id));
    let options = Options {
        seed: Some(Depth::Full.seeds()[0]),
        replications: Some(Depth::Full.replications(case)),
        jobs: 1,
        requests: case.reads_requests(),
    };
    judge(case, &run_with(&plan, &options), Depth::Full.widened())
}

/// A case with one thing wrong in its file.
#[track_caller]
fn mutant(id: &str, from: &str, to: &str) -> Mutant {
    Mutant {
        sound: judged(&case(id)),
        broken: judged(&changed(case(id), from, to)),
    }
}

/// The verdict on a figure is this.
#[track_caller]
fn is(figures: &[Judged], name: &str, verdict: Verdict) {
    let found = figures.iter().find(|judged| judged.reading.name() == name);
    let judged = found.unwrap_or_else(|| panic!("no figure `{name}`"));
    assert!(
        judged.verdict == verdict,
        "{name}: {:?} and not {verdict:?}: theory {}, simulated {} ± {}",
        judged.verdict,
        judged.expectation.value(),
        judged.simulated,
        judged.half_width
    );
}

/// The mutant fails at these figures, and at those it does not; the case as it is fails at none of them.
#[track_caller]
fn fails(mutant: &Mutant, at: &[&str], not_at: &[&str]) {
    for name in at.iter().chain(not_at) {
        is(&mutant.sound, name, Verdict::Agrees);
    }
    for name in at {
        is(&mutant.broken, name, Verdict::Differs);
    }
    for name in not_at {
        is(&mutant.broken, name, Verdict::Agrees);
    }
}

// Lost if broken: a server that is two in a hundred too slow or too fast goes unnoticed.
#[test]
fn a_service_that_is_two_percent_off() {
    for service in ["102ms", "98ms"] {
        let found = mutant("mm1", "mean = \"100ms\"", &format!("mean = \"{service}\""));
        fails(
            &found,
            &[
                "resources.servers.wait.mean",
                "resources.servers.utilization",
                "latency.mean",
            ],
            &[],
        );
    }
    // The same of the law alone: its mean stays.
    let found = mutant("mh2-1", "cv = 2.0", "cv = 1.9");
    fails(
        &found,
        &["resources.servers.wait.mean"],
        &["resources.servers.utilization"],
    );
}

/// A loop by hand: waits of an M/M/1 queue that serves the first or the last who came, as many as a replication of the
/// case has, and as the case's figures have them.
fn by_hand(last_comes_first: bool, replication: u64) -> [f64; 3] {
    // SplitMix64 (Steele, Lea and Flood 2014). A replication begins at a scrambled number: the streams of two that begin a
    // step apart are one and the same.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let scramble = |state: u64| {
        let bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    };
    let mut state = scramble(replication.wrapping_mul(STEP));
    let mut exponential = |mean: f64| {
        state = state.wrapping_add(STEP);
        -mean * (((scramble(state) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64).ln()
    };
    let (mut waits, mut latencies) = (Vec::new(), Vec::new());
    let mut line: VecDeque<f64> = VecDeque::new();
    let (mut comes, mut free) = (exponential(0.2), 0.0);
    while waits.len() < 54_000 {
        // Whoever came before the server was free stands in line; an idle server waits for the next.
        while comes <= free || line.is_empty() {
            free = if line.is_empty() && comes > free { comes } else { free };
            line.push_back(comes);
            comes += exponential(0.2);
        }
        let next = if last_comes_first {
            line.pop_back()
        } else {
            line.pop_front()
        };
        let came = next.expect("somebody is there");
        let service = exponential(0.1);
        waits.push(free - came);
        latencies.push(free - came + service);
        free += service;
    }
    let mean = waits.iter().sum::<f64>() / waits.len() as f64;
    let square = waits.iter().map(|wait| wait * wait).sum::<f64>() / waits.len() as f64;
    latencies.sort_by(f64::total_cmp);
    [
        mean,
        (square - mean * mean).sqrt(),
        latencies[latencies.len() * 99 / 100],
    ]
}

// Lost if broken: the order of a line, which no mean depends on: only the spread and the percentiles see it.
#[test]
fn the_last_who_came_goes_first() {
    let mut case = case("mm1");
    let names = [
        "resources.servers.wait.mean",
        "resources.servers.wait.sd",
        "latency.p99",
    ];
    case.checks
        .retain(|check| names.contains(&check.reading.name().as_str()));
    let judged = |last_comes_first| {
        let replications: Vec<[f64; 3]> = (1..=30).map(|number| by_hand(last_comes_first, number)).collect();
        let samples: Vec<Vec<f64>> = (0..3)
            .map(|figure| replications.iter().map(|of| of[figure]).collect())
            .collect();
        judge_samples(&case, &samples, Depth::Full.widened())
    };
    let mutant = Mutant {
        sound: judged(false),
        broken: judged(true),
    };
    fails(&mutant, &names[1..], &names[..1]);
}

// Lost if broken: the same through the engine: half of all are let past the other half.
#[test]
fn half_of_all_go_past_the_others() {
    let found = mutant(
        "mm1",
        "[system.pool.servers]\nmax = 1",
        "[system.class.one]\n[system.class.other]\n\
         [system.queue.servers]\nconcurrency = 1\npriority = { one = 1, other = 0 }",
    );
    fails(
        &found,
        &["resources.servers.wait.sd", "latency.p99"],
        &["resources.servers.wait.mean", "resources.servers.utilization"],
    );
}

// Lost if broken: a limit that is one too many.
#[test]
fn one_too_many() {
    for (id, from, to, figure) in [
        ("mmc", "max = 4", "max = 5", "resources.servers.waited"),
        ("mmc-pool", "max = 20", "max = 21", "resources.servers.waited"),
        ("mmck", "waiters = 5", "waiters = 6", "errors.rate"),
        ("erlang-b", "max = 3", "max = 4", "errors.rate"),
        (
            "fixed-window",
            "limit = 8",
            "limit = 9",
            "resources.calls.refused_share",
        ),
        (
            "sliding-window",
            "limit = 8",
            "limit = 9",
            "resources.calls.refused_share",
        ),
        (
            "token-bucket",
            "burst = 5",
            "burst = 6",
            "resources.calls.refused_share",
        ),
        ("max-in-hand", "max_in_hand = 5", "max_in_hand = 6", "errors.rate"),
        ("shed", "in_hand = 5", "in_hand = 6", "errors.rate"),
        (
            "provider-concurrency",
            "concurrent = 3",
            "concurrent = 4",
            "errors.rate",
        ),
        (
            "cap-by-the-clock",
            "interval_cap = 10",
            "interval_cap = 11",
            "resources.jobs.queue.mean",
        ),
        (
            "cap-saturated",
            "interval_cap = 10",
            "interval_cap = 11",
            "resources.jobs.throughput",
        ),
        ("window-ends", "limit = 2", "limit = 3", "resources.calls.accepted"),
        ("breaker", "failures = 3", "failures = 4", "resources.ai.attempts"),
        ("least-recently-used", "3 KB", "4 KB", "cache.redis.hit_ratio"),
        ("closed-saturated", "users = 40", "users = 41", "latency.mean"),
    ] {
        fails(&mutant(id, from, to), &[figure], &[]);
    }
}

// Lost if broken: a window that slides where it should be fixed, or begins at another moment.
#[test]
fn a_window_that_slides() {
    let refused = ["resources.calls.refused_share"];
    fails(&mutant("fixed-window", "fixed_window", "sliding_window"), &refused, &[]);
    fails(&mutant("clock-window", ", opens = \"clock\"", ""), &refused, &[]);
    fails(
        &mutant("sliding-window", "per = \"10s\"", "per = \"10s\", counts = \"all\""),
        &refused,
        &[],
    );
    fails(
        &mutant("cap-by-the-clock", "\"grid\"", "\"sliding\""),
        &["resources.jobs.queue.mean"],
        &[],
    );
    fails(
        &mutant("provider-window", "window = \"fixed\"", "burst = 60"),
        &["errors.rate"],
        &[],
    );
}

// Lost if broken: one who fetches for all, or everybody who fetches. As many keys are found either way.
#[test]
fn a_flight_that_is_not_single() {
    let found = mutant("dog-pile-first-store", "rewrite = \"ignored\"", "single_flight = true");
    fails(&found, &["latency.mean"], &["cache.redis.hit_ratio"]);
    let found = mutant("single-flight", "single_flight = true", "rewrite = \"ignored\"");
    fails(
        &found,
        &["latency.mean", "resources.redis.duplicates"],
        &["cache.redis.hit_ratio"],
    );
}

// Lost if broken: a retry too many, or waits that do not grow.
#[test]
fn a_retry_too_many() {
    fails(
        &mutant("client-retries", "max = 3", "max = 4"),
        &["attempts.per_request", "errors.rate"],
        &[],
    );
    fails(
        &mutant("step-retries", "factor = 2.0", "factor = 1.0"),
        &["latency.mean"],
        &["errors.rate"],
    );
    fails(
        &mutant("retry-budget", "retry_budget = 0.1", "retry_budget = 0.11"),
        &["attempts.offered"],
        &[],
    );
}

// Lost if broken: a timer that starts late or runs for too long.
#[test]
fn a_timer_that_is_late() {
    fails(
        &mutant("pool-timeout", "timeout = \"300ms\"", "timeout = \"330ms\""),
        &["errors.rate", "resources.servers.wait.mean"],
        &[],
    );
    fails(&mutant("deadline", "\"500ms\"", "\"530ms\""), &["errors.rate"], &[]);
    fails(
        &mutant("client-timeout", "\"500ms\"", "\"530ms\""),
        &["errors.rate", "goodput"],
        &["resources.servers.utilization"],
    );
    fails(
        &mutant("ttl", "ttl = \"4s\"", "ttl = \"4100ms\""),
        &["cache.redis.hit_ratio"],
        &[],
    );
    fails(
        &mutant("scaling", "down = \"60s\"", "down = \"61s\""),
        &["logged at: 7 -> 2 instances"],
        &["logged at: 4 -> 7 instances"],
    );
}

// Lost if broken: one law of patience taken for the other, or one of the stay.
#[test]
fn the_wrong_law() {
    fails(
        &mutant("erlang-a", r#"{ dist = "exponential", mean = "300ms" }"#, "\"300ms\""),
        &["errors.rate", "resources.servers.wait.mean"],
        &[],
    );
    fails(
        &mutant("ramp", "io = \"2s\"", r#"io = { dist = "exponential", mean = "2s" }"#),
        &["snapshots.1.in_system"],
        &[],
    );
    fails(
        &mutant(
            "bursts",
            r#"lasts = { dist = "exponential", mean = "1s" }"#,
            "lasts = \"1s\"",
        ),
        &["resources.servers.wait.mean"],
        &["resources.servers.utilization"],
    );
    fails(&mutant("e2m1", "k = 2", "k = 3"), &["resources.servers.waited"], &[]);
}

// Lost if broken: a worker that lets go of its slot while it waits for a connection.
#[test]
fn a_worker_that_lets_go() {
    let mut broken = case("worker-and-connection-busy");
    for (from, to) in [
        (
            "{ take = { from = \"connections\"",
            "] } }, { take = { from = \"connections\"",
        ),
        ("},\n] } } ]", "} ]"),
    ] {
        broken = changed(broken, from, to);
    }
    let found = Mutant {
        sound: judged(&case("worker-and-connection-busy")),
        broken: judged(&broken),
    };
    fails(&found, &["resources.workers.utilization", "errors.rate"], &[]);
}

// Lost if broken: one balancer taken for another, and a rank that nobody has.
#[test]
fn who_is_sent_where_and_who_goes_first() {
    let latency = ["latency.mean"];
    let busy = ["resources.web.utilization"];
    fails(&mutant("round-robin", "round_robin", "random"), &latency, &busy);
    fails(&mutant("least-busy", "least_busy", "shared_line"), &latency, &busy);
    fails(
        &mutant("two-priorities", "premium = 10", "premium = 0"),
        &["classes.premium.latency.mean"],
        &[],
    );
}
