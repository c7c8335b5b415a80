//! Two runs side by side: differences against theory, false alarms against their stated rate, files against memory, and
//! the command as a user runs it.

use std::fs;
use std::path::Path;
use std::process::Output;

use highwater_models::file::Plan;
use highwater_models::record::figures::Path as FigurePath;
use highwater_report::{json, read, replications};
use highwater_sim::compare::{Change, Method, Origin, Side, Verdict, compare};
use highwater_sim::experiment::Options;
use highwater_tests::run::{bundled_plan, highwater, plan, run_with};
use serde_json::Value;

fn side(plan: &Plan, seed: u64) -> Side {
    let options = Options {
        seed: Some(seed),
        jobs: 2,
        ..Options::default()
    };
    Side {
        name: plan.name.clone(),
        origin: Origin::Simulation,
        summary: run_with(plan, &options).summary,
    }
}

/// M/M/1 at five a second with this mean service time.
fn single_server(duration: u32, replications: u32, service: &str) -> Plan {
    plan(&format!(
        r#"
duration = "{duration}s"
replications = {replications}
[load]
rate = 5.0
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ {{ take = {{ from = "servers", for = {{ dist = "exponential", mean = "{service}" }} }} }} ]
"#
    ))
}

// Lost if broken: a difference of the wrong sign or size. M/M/1: the mean visit is 1 / (μ − λ), so 200 ms at μ = 10 and
// 1 / (1/0.09 − 5) = 163.6 ms at a service of 90 ms. Held to 99.9 %: t(7, 0.9995) / t(7, 0.975) = 5.408 / 2.365 = 2.29.
#[test]
fn a_faster_server_shortens_visits_by_what_theory_says() {
    let (slow, fast) = (single_server(10_000, 8, "100ms"), single_server(10_000, 8, "90ms"));
    let found = compare(&side(&slow, 1), &side(&fast, 1));
    assert_eq!(found.method, Method::Paired { pairs: 8 });
    let visit = found.get(&["resources", "servers", "visit", "mean"]).expect("a figure");
    let theory = 1.0 / (1.0 / 0.09 - 5.0) - 0.2;
    let difference = visit.difference.estimate;
    assert!(
        (difference.value - theory).abs() <= 2.29 * difference.half_width().expect("an interval"),
        "{difference:?} for {theory}"
    );
    assert_eq!(visit.verdict, Verdict::Down);
    assert!(
        visit.difference.gain.expect("pairs") > 2.0,
        "{:?}",
        visit.difference.gain
    );
}

// Lost if broken: comparisons that cry wolf. A hundred pairs of one and the same system under different seeds: a false
// alarm among the headline figures in at most 5 of 100, by 13 at 99.9 % of the binomial law; the same for the interval of
// one figure alone.
#[test]
fn two_runs_of_one_system_do_not_differ() {
    let same = single_server(120, 5, "100ms");
    let sides: Vec<Side> = (1..=40).map(|seed| side(&same, seed)).collect();
    let (mut alarms, mut misses) = (0, 0);
    // Forty runs, each compared with the one after it and with one further on: eighty comparisons.
    let pairs = (0..40).flat_map(|n| [(n, (n + 1) % 40), (n, (n + 7) % 40)]);
    for (a, b) in pairs {
        let found = compare(&sides[a], &sides[b]);
        let sure = |change: &Change| matches!(change.verdict, Verdict::Up | Verdict::Down);
        alarms += usize::from(found.headline().any(sure));
        let p95 = found.get(&["latency", "p95"]).expect("a figure").difference.estimate;
        misses += usize::from(p95.low > Some(0.0) || p95.high < Some(0.0));
    }
    assert!(alarms <= 13 && misses <= 13, "{alarms} alarms, {misses} misses of 80");
    // Under one seed they are one and the same.
    let found = compare(&sides[0], &sides[0]);
    let differs = |change: &&Change| change.difference.estimate.value.abs() > 0.0;
    assert_eq!(found.changes.iter().find(differs), None);
}

/// What a folder of a run has, as its texts.
fn through_files(side: &Side) -> Side {
    let mut values = Vec::new();
    replications::write(&side.summary.figures, &mut values).expect("memory");
    let values = String::from_utf8(values).expect("text");
    let (summary, origin) = read::summary(&json::text(&side.summary), Some(&values)).expect("readable");
    Side {
        name: side.name.clone(),
        origin,
        summary,
    }
}

// Lost if broken: `compare before/ after/` says something else than the comparison that ran both; a figure of a folder
// without values by replication in the wrong unit.
#[test]
fn pairs_from_files_are_those_in_memory() {
    const SHORT: [&str; 5] = [
        "replications=3",
        "load.phase.0.duration=20s",
        "load.phase.1.duration=20s",
        "load.phase.2.duration=10s",
        "drain=30s",
    ];
    let few = "load.phase.1.users=300";
    let before = bundled_plan("viral-spike", &[&SHORT[..], &[few]].concat());
    let after = bundled_plan("viral-spike", &[&SHORT[..], &[few, "connections.max=4"]].concat());
    let (before, after) = (side(&before, 1), side(&after, 1));
    let memory = compare(&before, &after);
    let files = compare(&through_files(&before), &through_files(&after));
    assert_eq!(files.method, memory.method);
    assert_eq!(files.caveats, memory.caveats);
    assert_eq!(files.judgement, memory.judgement);
    assert_eq!(files.changes.len(), memory.changes.len());
    for change in &memory.changes {
        let names: Vec<&str> = change.path.0.iter().map(String::as_str).collect();
        let other = files
            .get(&names)
            .unwrap_or_else(|| panic!("{} is not in the files", change.path));
        let shown = |change: &Change| format!("{:?} {:?} {:?}", change.difference, change.verdict, change.adjusted);
        assert_eq!(shown(other), shown(change), "{}", change.path);
    }
    for (path, figure) in before.summary.figures.iter() {
        assert_eq!(read::unit_of(path), figure.unit, "{path}");
    }
    assert_eq!(
        FigurePath::parse(&memory.changes[0].path.to_string()),
        memory.changes[0].path
    );
}

#[track_caller]
fn check(arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = highwater().args(arguments).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

const QUEUE: [&str; 6] = [
    "--set",
    "duration=500s",
    "--set",
    "measure.from=50s",
    "--replications",
    "5",
];

// Lost if broken: the comparison by names, by folders and by both; the exit code for CI; the files it leaves.
#[test]
fn scenarios_and_folders_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let (a, b, out) = (path("a"), path("b"), path("out"));
    let run = |more: &[&str]| {
        let arguments = [
            &["run", "textbook/mm1", "--format", "csv", "--undecided", "pass"],
            &QUEUE[..],
            more,
        ]
        .concat();
        highwater().args(arguments).output().expect("it starts");
    };
    run(&["--out", &a]);
    run(&["--out", &b, "--set", "load.rate=8"]);
    let slower = [
        &[
            "compare",
            "textbook/mm1",
            "textbook/mm1",
            "--set-b",
            "load.rate=8",
            "--format",
            "json",
        ],
        &QUEUE[..],
    ]
    .concat();
    let (by_name, _) = check(&slower, 0);
    let (by_folder, _) = check(&["compare", &a, &b, "--format", "json"], 0);
    let figures = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(value["method"]["pairs"], 5, "{text}");
        assert_eq!(value["caveats"][0]["id"], "different-load");
        value["headline"].clone()
    };
    assert_eq!(figures(&by_name), figures(&by_folder));
    // A folder and a scenario: the scenario takes the folder's seed and replications.
    let set = &[
        "--set",
        "duration=500s",
        "--set",
        "measure.from=50s",
        "--set-b",
        "load.rate=8",
    ];
    let (mixed, stderr) = check(
        &[
            &["compare", &a, "textbook/mm1", "--format", "json", "--out", &out],
            &set[..],
        ]
        .concat(),
        0,
    );
    assert_eq!(figures(&mixed), figures(&by_folder));
    assert!(stderr.contains("comparison.csv"), "{stderr}");
    assert_eq!(
        fs::read_to_string(Path::new(&out).join("comparison.json")).expect("written"),
        mixed
    );
    check(&["compare", &a, &b, "--fail-on", "worse"], 1);
    let (page, _) = check(&["compare", &b, &a], 0);
    assert!(page.contains("Headline") && page.contains("95 % interval"), "{page}");
    // Without the values by replication the intervals of the summary are left.
    fs::remove_file(Path::new(&b).join("replications.csv")).expect("removed");
    let (page, _) = check(&["compare", &a, &b], 0);
    assert!(
        page.contains("warning[no-replications]: B comes without replications.csv"),
        "{page}"
    );
    assert!(page.contains("two independent samples"), "{page}");
}

// Lost if broken: the way out of a slip of the finger.
#[test]
fn what_cannot_be_compared_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().to_str().expect("text");
    let (_, stderr) = check(&["compare", empty, "textbook/mm1"], 2);
    assert!(
        stderr.contains("summary.json") && stderr.contains("--out DIR"),
        "{stderr}"
    );
    let file = folder.path().join("summary.json");
    fs::write(&file, "{}").expect("written");
    let (_, stderr) = check(&["compare", file.to_str().expect("text"), "textbook/mm1"], 2);
    assert!(stderr.contains("not a summary of a run"), "{stderr}");
    let (_, stderr) = check(&["compare", empty, "textbook/mm1", "--set-a", "load.rate=8"], 2);
    assert!(stderr.contains("nothing can be set in it"), "{stderr}");
    check(&["compare", "textbook/mm1"], 2);
}

// Lost if broken: the next step at the end of a verdict, the command that tries it, and results that stay the same with
// and without it.
#[test]
fn a_verdict_ends_with_the_next_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("one.toml");
    let text = r#"
duration = "60s"
replications = 4
[load]
rate = 20.0
[objectives]
error_rate = 0.01
[system.pool.connections]
max = 1
timeout = "200ms"
[system.endpoint.e]
steps = [ { take = { from = "connections", for = "100ms" } } ]
"#;
    fs::write(&file, text).expect("written");
    let name = file.to_str().expect("text");
    let (page, _) = check(&["run", name], 1);
    assert!(
        page.contains("Next step: `connections.max=2` (from 1): the error rate falls from"),
        "{page}"
    );
    assert!(
        page.contains(&format!("\n  highwater run {name} --set connections.max=2\n")),
        "{page}"
    );
    let json = |more: &[&str]| -> Value {
        let (text, _) = check(&[&["run", name, "--format", "json"], more].concat(), 1);
        serde_json::from_str(&text).expect("JSON")
    };
    let (without, mut with) = (json(&[]), json(&["--next-step", "on"]));
    assert!(without["next_step"].is_null());
    assert_eq!(with["next_step"]["answer"], "change");
    with["next_step"] = Value::Null;
    assert_eq!(with, without);
    let (page, _) = check(&["run", name, "--next-step", "off"], 1);
    assert!(!page.contains("Next step"), "{page}");
}
