//! Registered populations over days and weeks: who comes when, who is new, and what a few days say of a month.
//!
//! Every count is one of a Poisson process whose mean follows from the file by arithmetic, and is held to the range that
//! it keeps in 99.9 % of choices of a seed.

use std::collections::BTreeSet;

use highwater_models::file::{Plan, Request, load_scenario, render_all};
use highwater_sim::experiment::{Options, Outcome, RequestRow};
use highwater_tests::run::{self, Interval, plan, run_with};

/// Standard deviations that a normal variable keeps to in 99.9 %.
const NORMAL: f64 = 3.29;

/// One request a session that takes a second and nothing else.
const SYSTEM: &str = r#"
[system.endpoint.visit]
steps = [ { io = "1s" } ]
[system.endpoint.register]
signs_in = true
steps = [ { io = "1s" } ]
[system.flow.come]
steps = [ { request = "visit" } ]
[system.flow.sign-up]
weight = 0
steps = [ { request = "register" } ]
"#;

fn month(lines: &str) -> Plan {
    plan(&format!("{lines}\n{SYSTEM}"))
}

fn outcome(lines: &str, replications: u32, requests: bool) -> Outcome {
    let options = Options {
        replications: Some(replications),
        jobs: 2,
        requests,
        ..Options::default()
    };
    let outcome = run_with(&month(lines), &options);
    let warnings = &outcome.summary.warnings;
    assert!(
        warnings.iter().all(|warning| warning.id != "not-simulated"),
        "{warnings:?}"
    );
    outcome
}

fn rows(outcome: &Outcome) -> &[RequestRow] {
    &outcome.requests.as_ref().expect("requests were asked for").rows
}

/// Checks a count against its Poisson mean.
#[track_caller]
fn poisson(count: f64, mean: f64) {
    assert!(
        (count - mean).abs() < NORMAL * mean.sqrt(),
        "{count} where {mean} come on average"
    );
}

/// Pearson's statistic of counts against weights.
fn chi_square(counts: &[f64], weights: &[f64]) -> f64 {
    let (total, whole) = (counts.iter().sum::<f64>(), weights.iter().sum::<f64>());
    counts
        .iter()
        .zip(weights)
        .map(|(count, weight)| {
            let mean = total * weight / whole;
            (count - mean) * (count - mean) / mean
        })
        .sum()
}

// Lost if broken: a month has more or fewer sessions than its users make, or they come at the wrong hours.
#[test]
fn a_day_brings_its_sessions_at_its_hours() {
    let hours: Vec<f64> = (0..24).map(|hour| f64::from(1 + hour % 12)).collect();
    let text = format!(
        "duration = \"10d\"\n[load]\nregistered = 2000\nflow = \"come\"\n\
         day = {{ sessions_per_user = 1.5, shape = {hours:?}, starts_at = \"18h\" }}\n[measure]\nwindow = \"1h\""
    );
    let outcome = outcome(&text, 2, false);
    poisson(
        2.0 * outcome.summary.figures.value(&["sessions", "offered"]),
        2.0 * 10.0 * 2000.0 * 1.5,
    );
    assert_eq!(outcome.timeline.columns[0], "offered");
    let mut counts = [0.0; 24];
    for (window, row) in outcome.timeline.rows.iter().enumerate() {
        // Means over two replications; the run begins at 18 h.
        counts[(window + 18) % 24] += 2.0 * row[0];
    }
    // 23 degrees of freedom, 99.9 %.
    let statistic = chi_square(&counts, &hours);
    assert!(statistic < 49.73, "{statistic}: {counts:?}");
}

// Lost if broken: weekends are as busy as Mondays, or the first day is the wrong one.
#[test]
fn a_week_brings_its_sessions_on_its_days() {
    let days = [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    let text = format!(
        "duration = \"28d\"\n[load]\nregistered = 1000\nflow = \"come\"\nday = {{ shape = \"flat\" }}\n\
         week = {{ shape = {days:?}, starts_on = \"thursday\" }}\n[measure]\nwindow = \"1h\""
    );
    let outcome = outcome(&text, 1, false);
    poisson(outcome.summary.figures.value(&["sessions", "offered"]), 28_000.0);
    let mut counts = [0.0; 7];
    for (window, row) in outcome.timeline.rows.iter().enumerate() {
        counts[(window / 24 + 3) % 7] += row[0];
    }
    // 6 degrees of freedom, 99.9 %.
    let statistic = chi_square(&counts, &days);
    assert!(statistic < 22.46, "{statistic}: {counts:?}");
}

// Lost if broken: a product that doubles in a month has the load of its last day throughout, or of its first.
#[test]
fn growth_brings_more_sessions_later_and_its_sign_ups() {
    let text = "duration = \"30d\"\n[load]\nregistered = { from = 500, to = 1500 }\nflow = \"come\"\nchurn = 0.3\n\
                sign_ups = \"sign-up\"\nday = { shape = \"flat\" }";
    let outcome = outcome(text, 1, true);
    let figures = &outcome.summary.figures;
    let visits = |from: f64, to: f64| {
        let of = |row: &&RequestRow| row.endpoint == 0 && (from..to).contains(&(row.at / 86_400.0));
        rows(&outcome).iter().filter(of).count() as f64
    };
    // The middle of each ten days: 666.7, 1,000 and 1,333.3 registered.
    poisson(visits(0.0, 10.0), 6_666.7);
    poisson(visits(10.0, 20.0), 10_000.0);
    poisson(visits(20.0, 30.0), 13_333.3);
    assert_eq!(figures.value(&["registered", "start"]), 500.0);
    assert_eq!(figures.value(&["registered", "end"]), 1500.0);
    assert!((figures.value(&["registered", "mean"]) - 1000.0).abs() < 1e-6);
    // Leavers are counted as a day begins: 1 % of 500, 533.3, … 1,466.7, whose mean is 983.3.
    let leaving = figures.value(&["registered", "leaving"]);
    assert!((leaving - 295.0).abs() < 1e-6, "{leaving}");
    poisson(figures.value(&["registered", "signed_up"]), 1000.0 + 295.0);
}

// Lost if broken: the population that sign-ups and churn make is another than their arithmetic: each day 20 join, and of
// those there in the morning 1 % leaves.
#[test]
fn sign_ups_and_churn_make_the_population() {
    let text = "duration = \"60d\"\n[load]\nregistered = 1000\nflow = \"come\"\nchurn = 0.3\n\
                sign_ups = { flow = \"sign-up\", per_day = 20 }";
    let outcome = outcome(text, 1, false);
    let figures = &outcome.summary.figures;
    let by_hand = (0..60).fold(1000.0, |users, _| users - 0.01 * users + 20.0);
    assert!((figures.value(&["registered", "end"]) - by_hand).abs() < 1e-6);
    poisson(figures.value(&["registered", "signed_up"]), 1200.0);
    assert!((figures.value(&["registered", "leaving"]) - (2200.0 - by_hand)).abs() < 1e-6);
}

// Lost if broken: people come who have left or have not registered yet, two are given one number, or somebody is there
// twice at once: limits and caches by user would count strangers together.
#[test]
fn sessions_belong_to_those_registered_then() {
    let text = "duration = \"20d\"\n[load]\nregistered = { from = 10, to = 30 }\nflow = \"come\"\nchurn = 0.9\n\
                sign_ups = \"sign-up\"\nday = { sessions_per_user = 200, shape = \"flat\" }";
    let outcome = outcome(text, 1, true);
    let mut registered = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut gone: Vec<(f64, u64)> = Vec::new();
    for row in rows(&outcome) {
        gone.retain(|(end, _)| *end > row.at);
        assert!(
            gone.iter().all(|(_, user)| *user != row.user),
            "{} is there twice",
            row.user
        );
        gone.push((row.at + row.latency, row.user));
        if row.endpoint == 1 {
            assert!(registered.insert(row.user), "{} registers twice", row.user);
            assert!(seen.insert(row.user), "{} comes before registering", row.user);
        } else {
            seen.insert(row.user);
        }
        // By the day: 10 to 30 registered, 3 % of those of the morning leave.
        let day = row.at / 86_400.0;
        let mornings = (0..day as u32).map(f64::from);
        let left =
            0.03 * mornings.map(|morning| 10.0 + morning).sum::<f64>() + 0.03 * (10.0 + day.floor()) * day.fract();
        assert!(row.user as f64 > left - 2.0, "{} on day {day} has left", row.user);
        assert!(
            row.endpoint == 1 || (row.user as f64) < 10.0 + day + left,
            "{} on day {day}",
            row.user
        );
    }
    assert!(registered.iter().all(|user| *user >= 10), "{registered:?}");
    assert!(seen.len() as f64 > 30.0 && registered.len() > 15, "{seen:?}");
}

/// Three servers of a minute each and four places to wait: busy evenings fail, nights do not.
fn crowded(sample_days: &str) -> Outcome {
    let text = format!(
        "duration = \"28d\"\nseed = 5\n[load]\nregistered = {{ from = 1000, to = 2000 }}\n\
         day = {{ sessions_per_user = 1.0, shape = \"evening\" }}\nweek = \"office\"\n\
         [measure]\nsample_days = {sample_days}\n\
         [system.pool.servers]\nmax = 3\nwaiters = 4\n\
         [system.endpoint.e]\n\
         steps = [ {{ take = {{ from = \"servers\", for = {{ dist = \"exponential\", mean = \"60s\" }} }} }} ]"
    );
    let options = Options {
        replications: Some(10),
        jobs: 2,
        ..Options::default()
    };
    run_with(&plan(&text), &options)
}

// Lost if broken: a month is judged by days that are not like it, or their error is stated too small.
#[test]
fn representative_days_agree_with_the_whole_month() {
    let (month, days) = (crowded("\"all\""), crowded("7"));
    assert_eq!(
        (days.summary.measured.1 / 86_400.0, month.summary.measured.1 / 86_400.0),
        (7.0, 28.0)
    );
    let figure = |outcome: &Outcome, path: &[&str]| Interval::of(&outcome.summary.figures.get(path).unwrap().samples);
    let value = |path: &[&str]| days.summary.figures.value(path);
    // Seven days of which the busiest has ten times the errors of the quietest say an error rate to two fifths of it.
    for (path, within, narrow) in [
        // Sums in proportion to the load have no error from the choice of days.
        (&["requests", "offered"][..], 0.0, 0.03),
        (&["sessions", "offered"], 0.0, 0.03),
        (&["errors", "rate"], value(&["days", "within", "error_rate"]), 0.4),
        (&["latency", "mean"], value(&["days", "within", "latency_mean"]), 0.1),
    ] {
        let (whole, part) = (figure(&month, path), figure(&days, path));
        let apart = (whole.mean - part.mean).abs();
        let allowed = whole.half_width.hypot(part.half_width).hypot(within);
        println!(
            "{path:?}: {} and {}, {apart} apart, {allowed} allowed",
            whole.mean, part.mean
        );
        assert!(apart <= allowed, "{path:?}: {apart} apart, {allowed} allowed");
        assert!(
            allowed < narrow * whole.mean,
            "{path:?}: {allowed} of {} is too vague",
            whole.mean
        );
    }
    let warnings = &days.summary.warnings;
    let warning = warnings.iter().find(|warning| warning.id == "representative-days");
    assert!(
        warning.is_some_and(|warning| warning.text.starts_with("7 of 28 days")),
        "{warnings:?}"
    );
    assert!(
        month
            .summary
            .warnings
            .iter()
            .all(|warning| warning.id != "representative-days")
    );
    assert!(month.timeline.rows.len() <= 2000 && days.timeline.rows.len() <= 2000);
}

// Lost if broken: each of these would be run as something else than it says.
#[test]
fn what_cannot_be_is_refused_at_its_place() {
    let refused = |lines: &str, expected: &str| {
        let text = format!("{lines}\n{SYSTEM}");
        let loaded = load_scenario(
            Request::new("test.toml", text),
            &highwater_models::file::NoFiles,
            |_| None,
        );
        let found = render_all(&loaded.diagnostics, &loaded.sources, false);
        assert!(loaded.plan.is_none() && found.contains(expected), "{lines}\n{found}");
    };
    let load = "flow = \"come\"";
    for (lines, expected) in [
        (
            "[load]\nrate = 1\nweek = \"flat\"",
            "`week` without `registered` or `phase`",
        ),
        ("[load]\nrate = 1\nchurn = 0.1", "`churn` without `registered`"),
        (
            "[load]\nregistered = 5\nsign_ups = \"sing-up\"",
            "there is no flow `sing-up`",
        ),
        (
            "[load]\nregistered = { from = 1, to = 2 }\nsign_ups = { flow = \"sign-up\", per_day = 1 }",
            "in a way of its own beside `sign_ups.per_day`",
        ),
        ("[load]\nregistered = 5\nweek = [ 1, 1 ]", "2 items, and 7 are needed"),
        (
            "[load]\nregistered = 5\nweek = [ 0, 0, 0, 0, 0, 0, 0 ]",
            "has no day above zero",
        ),
        (
            "[load]\nregistered = 5\nweek = \"weekend\"",
            "expected one of \"flat\", \"office\", \"leisure\"",
        ),
        ("[load]\nregistered = 5\nday = { starts_at = \"25h\" }", "starts_at"),
    ] {
        refused(&format!("duration = \"2d\"\n{lines}\n{load}"), expected);
    }
    for (lines, expected) in [
        (
            "[load]\nregistered = 5\n[measure]\nsample_days = 2",
            "2 d cannot be represented by 2 whole days",
        ),
        (
            "[load]\nusers = 5\n[measure]\nsample_days = 1",
            "how many come in `load` on a day is not known",
        ),
        (
            "[load]\nregistered = 5\n[measure]\nsample_days = 1\nfrom = \"1h\"",
            "has its time in the whole run",
        ),
    ] {
        refused(&format!("duration = \"2d\"\n{lines}"), expected);
    }
}

// Lost if broken: the largest month cannot be run, or asks for days that it does not have. One day of it stands for all
// here; the whole is for the bench.
#[test]
fn every_bundled_month_runs() {
    for name in ["growth-100", "growth-1000"] {
        let plan = run::bundled_plan(name, &["replications=1", "measure.sample_days=1"]);
        let outcome = run::run(&plan);
        let figures = &outcome.summary.figures;
        let users: f64 = name.rsplit('-').next().unwrap().parse().unwrap();
        assert!((figures.value(&["registered", "mean"]) - users).abs() < 1e-6, "{name}");
        // A session a day and head, and those who register: at most a tenth of them.
        let sessions = figures.value(&["sessions", "offered"]) / 30.0 / users;
        assert!((0.5..1.5).contains(&sessions), "{name}: {sessions}");
    }
}
