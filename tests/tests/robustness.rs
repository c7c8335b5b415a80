//! Robustness: whatever a file says, it is refused with a place or it runs; nothing panics.

use highwater_models::bundled;
use highwater_models::file::Loaded;
use highwater_report::paint::Paint;
use highwater_report::{csv, json, terminal};
use highwater_sim::experiment::{self, ExperimentError, Options, Outcome};
use highwater_tests::run::{load, random_cases};
use proptest::prelude::*;

/// What a slip may put in place of a piece of a file.
const PIECES: [&str; 24] = [
    "",
    "0",
    "1",
    "-1",
    "0.5",
    "1e9",
    "99999999999999999999",
    "true",
    "false",
    "\"5s\"",
    "\"0s\"",
    "\"1ms\"",
    "\"7d\"",
    "\"forever\"",
    "\"never\"",
    "\"unlimited\"",
    "\"0 MB\"",
    "\"1 KB\"",
    "{ from = 1, to = 100 }",
    "{ dist = \"exponential\", mean = \"1s\" }",
    "[]",
    "{}",
    "#",
    "\n",
];

/// Settings by what they take, and what is worth trying.
const SETTINGS: [(&[&str], &[&str]); 5] = [
    (
        &[
            "web.instances",
            "web.processes",
            "web.threads",
            "web.max_in_hand",
            "web.scaling.max",
            "connections.max",
            "connections.min",
            "connections.waiters",
            "ai.concurrency",
            "ai.interval_cap",
            "postgres.max_connections",
            "postgres.reserved",
            "postgres.others",
            "redis.commands_per_day",
            "openai.requests_per_minute",
            "openai.tokens_per_minute",
            "openai.concurrent",
            "openai.retry.max",
            "per-ip.rule.fixed_window.limit",
            "chat.rule.fixed_window.limit",
            "load.people.count",
            "load.people_per_ip",
        ],
        &["0", "1", "2", "5", "50", "1000", "1000000"],
    ),
    (
        &[
            "web.boot",
            "web.deadline",
            "web.scaling.every",
            "web.scaling.window",
            "web.scaling.down",
            "connections.timeout",
            "connections.idle_timeout",
            "connections.max_lifetime",
            "ai.interval",
            "ai.timeout",
            "ai.run_timeout",
            "postgres.rtt",
            "postgres.connect",
            "redis.rtt",
            "openai.timeout",
            "openai.retry.wait.base",
            "per-ip.rule.fixed_window.per",
            "measure.window",
            "client.browser.timeout",
            "client.browser.rtt",
            "client.browser.patience",
            "client.browser.first_byte_timeout",
        ],
        &[
            "0s",
            "1ms",
            "100ms",
            "1s",
            "10s",
            "1h",
            "7d",
            "{ dist = \"exponential\", mean = \"1s\" }",
            "{ dist = \"pareto\", mean = \"1s\", shape = 1.5 }",
        ],
    ),
    (
        &[
            "web.cancel",
            "web.scaling.on",
            "per-ip.on",
            "chat.on",
            "connections.on",
            "ai.on",
            "connections.drop_on_error",
        ],
        &["true", "false"],
    ),
    (
        &[
            "web.cores",
            "web.scaling.cpu",
            "web.scaling.memory",
            "postgres.cores",
            "openai.fails",
        ],
        &["0.0", "0.01", "0.5", "1.0", "16.0"],
    ),
    (
        &[
            "web.memory.limit",
            "web.memory.base",
            "web.memory.request",
            "redis.memory",
        ],
        &["0 MB", "1 KB", "100 MB", "10 GB"],
    ),
];

/// A setting of the system with a value that may suit it.
fn setting() -> impl Strategy<Value = String> {
    prop::sample::select(&SETTINGS[..]).prop_flat_map(|(paths, values)| {
        (prop::sample::select(paths), prop::sample::select(values)).prop_map(|(path, value)| format!("{path}={value}"))
    })
}

/// A bundled scenario, now and then with a slip in a line, and with settings of its system.
fn slipped() -> impl Strategy<Value = (String, Vec<String>)> {
    let texts: Vec<&str> = bundled::scenarios().iter().map(|scenario| scenario.text).collect();
    let slip = (any::<prop::sample::Index>(), prop::sample::select(&PIECES[..]));
    (
        prop::sample::select(texts),
        prop::option::weighted(0.3, slip),
        prop::collection::vec(setting(), 0..4),
    )
        .prop_map(|(text, slip, settings)| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if let Some((index, piece)) = slip {
                let line = index.get_mut(&mut lines);
                if let Some((key, _)) = line.split_once('=') {
                    *line = format!("{key}= {piece}");
                }
            }
            (lines.join("\n") + "\n", settings)
        })
}

fn check_places(loaded: &Loaded) {
    for diagnostic in &loaded.diagnostics {
        let at = diagnostic.primary.at;
        if loaded.sources.name(at.source) == "default" {
            continue;
        }
        let text = loaded
            .sources
            .text(at.source)
            .unwrap_or_else(|| panic!("of no text: {diagnostic:?}"));
        let marked = text.get(at.start as usize..at.end as usize);
        assert!(marked.is_some(), "outside of its text: {diagnostic:?}");
    }
}

/// Every face of a result, with odd figures or none at all in it.
fn show(outcome: &Outcome) {
    let summary = &outcome.summary;
    let value: Result<serde_json::Value, _> = serde_json::from_str(&json::text(summary));
    assert!(value.is_ok(), "no JSON: {value:?}");
    assert!(!terminal::render(summary, Paint::Plain).trim().is_empty());
    let mut text = Vec::new();
    csv::figures(&summary.figures, &mut text).expect("memory");
    csv::timeline(&outcome.timeline, &mut text).expect("memory");
    if let Some(requests) = &outcome.requests {
        csv::requests(requests, &mut text).expect("memory");
    }
    for window in outcome.timeline.rows.iter().flatten() {
        assert!(!window.is_infinite(), "an endless figure in the timeline");
    }
    for (path, figure) in summary.figures.iter() {
        assert!(!figure.estimate.value.is_infinite(), "{path} is endless");
    }
}

proptest! {
    #![proptest_config(random_cases(600))]

    // Lost if broken: a panic, or books that do not close, for a file that was said to be right.
    #[test]
    fn a_file_that_loads_also_runs((text, settings) in slipped()) {
        let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let loaded = load("slip", &text, &settings, true);
        check_places(&loaded);
        if loaded.plan.is_some() {
            // Five seconds of it, from the first on.
            settings.extend(["duration=5s", "measure.from=0s"]);
            settings.push("drain=1s");
            let loaded = load("slip", &text, &settings, true);
            check_places(&loaded);
            if let Some(plan) = loaded.plan {

                let options = Options {
                    replications: Some(2),
                    jobs: 1,
                    requests: true,
                    ..Options::default()
                };
                match experiment::run(&plan, &options, &|_: f64| {}) {
                    Ok(outcome) => show(&outcome),
                    Err(ExperimentError::NoProgress { .. }) => {}
                    Err(error) => return Err(TestCaseError::fail(format!("{error}\n{settings:?}\n{text}"))),
                }
            }
        }
    }
}
