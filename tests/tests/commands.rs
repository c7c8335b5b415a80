//! Commands: what a user types, from the shell's side: exit code, standard output, standard error, files.

use std::fs;
use std::path::Path;
use std::process::Output;

use highwater_tests::run::highwater;
use serde_json::Value;

/// Runs it and checks the exit code.
#[track_caller]
fn check(arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = highwater().args(arguments).output().expect("it starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// A short run of the simplest queue.
const SHORT: [&str; 8] = [
    "run",
    "textbook/mm1",
    "--replications",
    "2",
    "--set",
    "duration=500s",
    "--set",
    "measure.from=50s",
];

// Lost if broken: every bundled scenario found by its name, with the question it asks.
#[test]
fn the_list_is_complete() {
    let (stdout, _) = check(&["list"], 0);
    for scenario in highwater_models::bundled::scenarios() {
        assert!(
            stdout.contains(scenario.name),
            "{} is missing from\n{stdout}",
            scenario.name
        );
    }
    let (stdout, _) = check(&["list", "--format", "json"], 0);
    let value: Value = serde_json::from_str(&stdout).expect("JSON");
    let listed = value["scenarios"].as_array().expect("a list").len();
    assert_eq!(listed, highwater_models::bundled::scenarios().len());
}

// Lost if broken: where a default comes from.
#[test]
fn a_setting_is_explained() {
    let (stdout, stderr) = check(&["explain", "pool.timeout"], 0);
    assert!(stdout.contains("pool.timeout") && stderr.is_empty(), "{stdout}{stderr}");
}

// Lost if broken: programs that read a result: the keys that stay.
#[test]
fn a_result_is_json_with_the_keys_that_stay() {
    // As many replications as it takes for a percentile to have both bounds.
    let arguments = SHORT.map(|argument| if argument == "2" { "10" } else { argument });
    let arguments = [&arguments[..], &["--format", "json", "--undecided", "pass"]].concat();
    // Whether short replications meet the objectives of the textbook is not what is asked here.
    let output = highwater().args(&arguments).output().expect("it starts");
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for key in [
        "scenario",
        "system",
        "version",
        "seed",
        "replications",
        "simulated_seconds",
        "events",
        "objectives",
    ] {
        assert!(!value[key].is_null(), "`{key}` is missing");
    }
    assert_eq!(value["replications"], 10);
    let requests = &value["requests"];
    let count = |key: &str| {
        requests[key]
            .as_f64()
            .unwrap_or_else(|| panic!("`requests.{key}`: {requests}"))
    };
    let ends = count("useful") + count("failed") + count("abandoned") + count("in_flight");
    assert!(
        count("offered") > 0.0 && (count("offered") - ends).abs() < 1e-6,
        "{requests}"
    );
    for estimate in [
        &value["throughput"],
        &value["latency"]["mean"],
        &value["latency"]["p95"],
    ] {
        let bound = |key: &str| estimate[key].as_f64().unwrap_or_else(|| panic!("{estimate}"));
        assert!(
            bound("low") <= bound("value") && bound("value") <= bound("high"),
            "{estimate}"
        );
    }
}

// Lost if broken: a pipeline that tells a missed objective from a mistake in a file.
#[test]
fn exit_codes_tell_what_happened() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let scenario = |p95: &str| {
        format!(
            "duration = \"60s\"\nreplications = 3\n[load]\nrate = 5.0\n[objectives]\np95 = \"{p95}\"\n\
             [system.endpoint.page]\nsteps = [ {{ io = \"100ms\" }} ]\n"
        )
    };
    let path = file.to_str().expect("text");
    for (text, code) in [
        (scenario("200ms"), 0),
        (scenario("50ms"), 1),
        (scenario("50"), 2),
        ("[load".to_owned(), 2),
    ] {
        fs::write(&file, text).expect("written");
        check(&["run", path], code);
    }
}

// Lost if broken: the way out of a slip of the finger.
#[test]
fn an_unknown_scenario_suggests_one() {
    let (stdout, stderr) = check(&["run", "viral-spyke"], 2);
    assert!(
        stdout.is_empty() && stderr.contains("did you mean `viral-spike`?"),
        "{stderr}"
    );
}

// Lost if broken: a mistake on the command line that is blamed on a file.
#[test]
fn a_bad_setting_is_blamed_on_its_flag() {
    for (setting, said) in [
        ("web.plna=pro", "did you mean `plan`?"),
        ("duration=5", "\"5s\""),
        ("nonsense", "--set"),
    ] {
        let (stdout, stderr) = check(&["run", "normal", "--set", setting], 2);
        assert!(
            stdout.is_empty() && stderr.contains("--set") && stderr.contains(said),
            "{setting}:\n{stderr}"
        );
        assert!(!stderr.contains("normal.toml:"), "{setting}:\n{stderr}");
    }
}

// Lost if broken: files that are half written when something goes wrong, or left over from an earlier run.
#[test]
fn files_are_whole_or_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results").join("first");
    let to = ["--undecided", "pass", "--out", out.to_str().expect("text")];
    let names = || {
        let mut names: Vec<String> = fs::read_dir(&out)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    let run = |more: &[&str]| {
        highwater()
            .args([&SHORT[..], &to, more].concat())
            .output()
            .expect("it starts")
    };
    run(&[]);
    assert_eq!(names(), ["replications.csv", "summary.json", "timeline.csv"]);
    let read = |name: &str| fs::read_to_string(out.join(name)).expect(name);
    let summary: Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    assert_eq!(summary["seed"], 1);
    let timeline = read("timeline.csv");
    let columns = timeline.lines().next().expect("a header").split(',').count();
    assert!(timeline.lines().count() > 100 && timeline.lines().all(|row| row.split(',').count() == columns));

    // A run that never began leaves them alone; another one replaces both.
    check(&[&SHORT[..], &to, &["--set", "load.rate=fast"]].concat(), 2);
    assert_eq!(read("timeline.csv"), timeline);
    run(&["--seed", "2"]);
    let second: Value = serde_json::from_str(&read("summary.json")).expect("JSON");
    assert_eq!(second["seed"], 2);
    assert_ne!(read("timeline.csv"), timeline);
    assert_eq!(names(), ["replications.csv", "summary.json", "timeline.csv"]);
}

// Lost if broken: a request's row for every request that was counted.
#[test]
fn every_request_has_its_row() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let to = [
        "--undecided",
        "pass",
        "--requests",
        "--format",
        "json",
        "--out",
        out.to_str().expect("text"),
    ];
    let output = highwater()
        .args([&SHORT[..], &to].concat())
        .output()
        .expect("it starts");
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = fs::read_to_string(Path::new(&out).join("requests.csv"))
        .expect("requests.csv")
        .lines()
        .count()
        - 1;
    let offered = value["requests"]["offered"].as_f64().expect("a number");
    assert_eq!(rows as f64, offered * 2.0, "a mean over two replications");
}
