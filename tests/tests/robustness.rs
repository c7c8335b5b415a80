//! Robustness: whatever a file says, it is refused with a place or it runs; nothing panics.

use highwater_models::bundled;
use highwater_models::file::Loaded;
use highwater_sim::world::SimulationError;
use highwater_tests::run::{load, random_cases, replicate};
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

/// The bundled scenario's text with its system written into it, so that slips may be in either.
fn whole(scenario: &bundled::Bundled) -> String {
    scenario.text.to_owned()
}

/// A bundled scenario with values of its lines replaced, and settings of its system changed.
fn slipped() -> impl Strategy<Value = (String, Vec<String>)> {
    let texts: Vec<String> = bundled::scenarios().iter().map(whole).collect();
    let slip = (any::<prop::sample::Index>(), prop::sample::select(&PIECES[..]));
    let paths = vec![
        "web.plan",
        "web.instances",
        "web.cores",
        "web.boot",
        "web.processes",
        "web.threads",
        "web.runtime",
        "web.cancel",
        "web.deadline",
        "web.max_in_hand",
        "web.scaling.on",
        "web.scaling.max",
        "web.scaling.cpu",
        "web.scaling.every",
        "web.memory.limit",
        "web.memory.base",
        "web.memory.request",
        "connections.max",
        "connections.timeout",
        "connections.idle_timeout",
        "connections.waiters",
        "ai.concurrency",
        "ai.interval",
        "ai.interval_cap",
        "ai.timeout",
        "postgres.max_connections",
        "postgres.reserved",
        "postgres.rtt",
        "postgres.cores",
        "redis.rtt",
        "redis.commands_per_day",
        "redis.memory",
        "openai.requests_per_minute",
        "openai.tokens_per_minute",
        "openai.concurrent",
        "openai.timeout",
        "openai.retry.max",
        "per-ip.on",
        "per-ip.rule.fixed_window.limit",
        "per-ip.rule.fixed_window.per",
        "chat.on",
        "load.people.count",
        "load.people_per_ip",
        "measure.from",
        "measure.window",
        "drain",
        "client.browser.timeout",
        "client.browser.rtt",
    ];
    let setting = (prop::sample::select(paths), prop::sample::select(&PIECES[..]));
    (
        prop::sample::select(texts),
        prop::collection::vec(slip, 0..3),
        prop::collection::vec(setting, 0..3),
    )
        .prop_map(|(text, slips, settings)| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for (index, piece) in slips {
                let line = index.get_mut(&mut lines);
                if let Some((key, _)) = line.split_once('=') {
                    *line = format!("{key}= {piece}");
                }
            }
            let settings = settings.into_iter().map(|(path, value)| format!("{path}={value}"));
            (lines.join("\n") + "\n", settings.collect())
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

proptest! {
    #![proptest_config(random_cases(96))]

    // Lost if broken: a panic, or books that do not close, for a file that was said to be right.
    #[test]
    fn a_file_that_loads_also_runs((text, settings) in slipped()) {
        let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let loaded = load("slip", &text, &settings, true);
        check_places(&loaded);
        if loaded.plan.is_some() {
            // Five seconds of it; what cannot be cut so short (a measured span that begins later) has been loaded.
            settings.push("duration=5s");
            settings.push("drain=1s");
            let loaded = load("slip", &text, &settings, true);
            check_places(&loaded);
            if let Some(plan) = loaded.plan {
                match replicate(&plan, 3) {
                    Ok(_) | Err(SimulationError::NoProgress { .. }) => {}
                    Err(error) => return Err(TestCaseError::fail(format!("{error}\n{settings:?}\n{text}"))),
                }
            }
        }
    }
}
