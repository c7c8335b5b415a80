//! `highwater check`: what a pipeline relies on: exit codes, files, annotations, baselines.

use std::fs;
use std::path::Path;

use highwater_tests::run::highwater;
use serde_json::Value;
use tempfile::TempDir;

/// What came of a command.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `highwater check` in a folder, with a clean environment as to CI.
fn check_with(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let output = highwater()
        .current_dir(folder)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_WORKSPACE")
        .envs(environment.iter().copied())
        .arg("check")
        .args(arguments)
        .output()
        .expect("it starts");
    Ended {
        code: output.status.code().expect("not killed"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

#[track_caller]
fn check(folder: &Path, arguments: &[&str], code: i32) -> Ended {
    let ended = check_with(folder, arguments, &[]);
    assert_eq!(ended.code, code, "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// One server with 100 ms of work a request; `p95` is what must hold. Seldom anybody waits.
fn queue(p95: &str, servers: u32) -> String {
    format!(
        "duration = \"200s\"\nreplications = 4\n[load]\nrate = 5.0\n[objectives]\np95 = \"{p95}\"\n\
         [system.pool.servers]\nmax = {servers}\n\
         [system.endpoint.e]\nsteps = [ {{ take = {{ from = \"servers\", for = {{ dist = \"exponential\", mean = \"100ms\" }} }} }} ]\n"
    )
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("made");
        fs::write(path, text).expect("written");
    }
    folder
}

// Lost if broken: a pipeline that tells a missed objective from a mistake in a file, or is green on either.
#[test]
fn exit_codes_are_those_of_the_contract() {
    let good = queue("30s", 2);
    let files = folder(&[
        ("good.toml", &good),
        ("missed.toml", &queue("1ms", 2)),
        ("open.toml", &queue("550ms", 1)),
        ("broken.toml", &good.replace("rate", "rat")),
        ("also-broken.toml", "[load"),
    ]);
    let at = files.path();
    let ended = check(at, &["good.toml"], 0);
    assert!(
        ended
            .stdout
            .starts_with("✓ good.toml: holds\nIt holds: the one objective is met"),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.stderr, "");
    let ended = check(at, &["missed.toml"], 1);
    assert!(
        ended.stdout.starts_with("✗ missed.toml: DOES NOT HOLD\n"),
        "{}",
        ended.stdout
    );
    let ended = check(at, &["broken.toml", "also-broken.toml", "good.toml"], 2);
    assert!(
        ended.stdout.starts_with("Of 3 files 1 holds, 2 have mistakes.\n"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("did you mean `rate`?") && ended.stdout.contains("also-broken.toml:1:"));
    let ended = check(at, &["nowhere.toml"], 2);
    assert!(ended.stdout.is_empty() && ended.stderr.contains("there is no file `nowhere.toml`"));
    check(at, &["good.toml", "--junit", "good.toml/under-a-file.xml"], 3);
    check(at, &[], 2);
}

// Lost if broken: a pipeline that cannot say what "not decided" is to mean, or a wait for replications without end.
#[test]
fn what_is_not_decided_is_told_with_what_would_decide_it() {
    // The p95 of one server half used lies near 0.6 s: a bound at the value that came out is open.
    let files = folder(&[("open.toml", &queue("10s", 1))]);
    let at = files.path();
    let value = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let first = value(&check(at, &["open.toml", "--format", "json"], 0).stdout);
    let p95 = first["files"][0]["run"]["objectives"][0]["value"]["value"]
        .as_f64()
        .expect("a number");
    let half = first["files"][0]["run"]["objectives"][0]["value"]["high"]
        .as_f64()
        .expect("a number")
        - p95;
    // A third of the half width away: about nine times as many replications.
    fs::write(
        at.join("open.toml"),
        queue(&format!("{}us", ((p95 + half / 3.0) * 1e6) as u64), 1),
    )
    .expect("written");
    let ended = check(at, &["open.toml"], 1);
    assert!(
        ended.stdout.starts_with("? open.toml: not decided\n"),
        "{}",
        ended.stdout
    );
    assert!(
        ended
            .stdout
            .contains("replications would decide p95 latency if it stays near"),
        "{}",
        ended.stdout
    );
    check(at, &["open.toml", "--undecided", "pass"], 0);
    let json = value(&check(at, &["open.toml", "--format", "json"], 1).stdout);
    let needed = json["files"][0]["run"]["objectives"][0]["replications_to_decide"]
        .as_u64()
        .expect("a number");
    assert!((8..100).contains(&needed), "{needed}");
    // Of one replication nobody knows how far it is off; with a cap it goes on no further than that.
    let ended = check(at, &["open.toml", "--replications", "1"], 1);
    assert!(
        ended.stdout.contains("One replication says nothing of its own error"),
        "{}",
        ended.stdout
    );
    let capped = value(&check_with(at, &["open.toml", "--decide", "7", "--format", "json"], &[]).stdout);
    assert!(capped["files"][0]["run"]["replications"].as_u64() <= Some(7));
    let decided = value(&check_with(at, &["open.toml", "--decide", "2000", "--format", "json"], &[]).stdout);
    assert!(
        !decided["files"][0]["run"]["objectives"][0]["met"].is_null(),
        "{decided}"
    );
    assert!(decided["files"][0]["run"]["looks"].as_u64() > Some(1));
}

// Lost if broken: files of other programs that fail the check, or ours in a folder that nobody looks at.
#[test]
fn a_folder_means_every_file_of_ours_below() {
    let good = queue("30s", 2);
    let files = folder(&[
        ("capacity/b.toml", &good),
        ("capacity/deep/a.toml", &good),
        (
            "capacity/web.system.toml",
            "[endpoint.e]\nsteps = [ { io = \"1ms\" } ]\n",
        ),
        ("capacity/Cargo.toml", "[package]\nname = \"x\"\n"),
        ("capacity/.hidden/c.toml", &good),
        ("capacity/notes.txt", "x"),
        ("empty/notes.txt", "x"),
    ]);
    let ended = check(
        files.path(),
        &["capacity", "capacity/b.toml", "--replications", "2", "--format", "csv"],
        0,
    );
    let of_files: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|row| row.contains(",file,,"))
        .map(|row| row.split(',').next().expect("a cell"))
        .collect();
    assert_eq!(
        of_files,
        ["capacity/b.toml", "capacity/deep/a.toml", "capacity/web.system.toml"]
    );
    assert!(
        ended.stderr.contains("passed over capacity/Cargo.toml"),
        "{}",
        ended.stderr
    );
    let ended = check(files.path(), &["empty"], 2);
    assert!(
        ended.stderr.contains("no scenario and no system in the folder `empty`"),
        "{}",
        ended.stderr
    );
}

// Lost if broken: tests that a CI cannot read, or reads as passed.
#[test]
fn junit_has_a_case_for_each_thing_asked() {
    let files = folder(&[
        ("good.toml", &queue("30s", 2)),
        ("missed <&\">.toml", &queue("1ms", 2)),
        ("broken.toml", "[load"),
    ]);
    check(files.path(), &[".", "--junit", "out/junit.xml"], 2);
    let text = fs::read_to_string(files.path().join("out/junit.xml")).expect("written");
    let report = quick_junit::Report::deserialize_from_str(&text).expect("JUnit XML");
    let names: Vec<&str> = report.test_suites.iter().map(|suite| suite.name.as_str()).collect();
    assert_eq!(names, ["./broken.toml", "./good.toml", "./missed <&\">.toml"]);
    let case = |suite: usize, name: &str| {
        let cases = &report.test_suites[suite].test_cases;
        let found = cases.iter().find(|case| case.name.as_str() == name);
        format!("{:?}", found.unwrap_or_else(|| panic!("{name}: {cases:?}")).status)
    };
    assert!(case(0, "file is valid").contains("Error"), "{text}");
    assert!(case(1, "file is valid").starts_with("Success"), "{text}");
    assert!(case(1, "objective: p95 at most").starts_with("Success"), "{text}");
    let missed = case(2, "objective: p95 at most");
    assert!(
        missed.contains("Failure") && missed.contains("at most 1 ms") && missed.contains("95 % interval"),
        "{missed}"
    );
    // Every rule has its case whether it fires or not, so that one that is cured turns green.
    let rules = highwater_models::review::rules().count();
    let design = |suite: usize| {
        let cases = report.test_suites[suite].test_cases.iter();
        cases.filter(|case| case.name.as_str().starts_with("design: ")).count()
    };
    assert_eq!((design(1), design(2)), (rules, rules));
}

// Lost if broken: marks on a pull request, the line they stand on, and that nothing in a file can forge one.
#[test]
fn annotations_mark_the_line_and_cannot_be_forged() {
    let files = folder(&[
        ("sub/missed.toml", &queue("1ms", 2)),
        (
            "sub/forged.toml",
            "title = \"x\\n::error::forged\"\nduration = \"1s\\n::error::forged, 100%\"\n[load]\nrate = 1.0\n[system.endpoint.e]\nsteps = []\n",
        ),
    ]);
    let at = files.path();
    let ended = check(at, &["sub", "--annotations", "github"], 2);
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("::")).collect();
    assert!(
        lines.iter().any(|line| line.starts_with("::error file=sub/missed.toml,line=6,endLine=6,col=1,endColumn=4,title=Highwater%3A p95 latency missed::sub/missed.toml: p95 latency: ")),
        "{}",
        ended.stderr
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("::error file=sub/forged.toml,line=2,")),
        "{}",
        ended.stderr
    );
    assert!(
        lines
            .iter()
            .all(|line| line.matches("::error").count() == 1 || line.contains("%0A")),
        "{lines:?}"
    );
    assert!(!ended.stderr.contains("\n::error::forged"), "{}", ended.stderr);
    assert!(!check(at, &["sub"], 2).stderr.contains("::error"), "unasked");

    // Where GitHub runs it, unless told otherwise; the summary is added to what others wrote.
    let summary = at.join("summary.md");
    fs::write(&summary, "before\n").expect("written");
    let path = summary.to_str().expect("text");
    let workspace = at.to_str().expect("text");
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", path),
        ("GITHUB_WORKSPACE", workspace),
    ];
    let ended = check_with(&at.join("sub"), &["missed.toml"], &github);
    assert!(
        ended.stderr.contains("::error file=sub/missed.toml,line=6,"),
        "{}",
        ended.stderr
    );
    let text = fs::read_to_string(&summary).expect("there");
    assert!(text.starts_with("before\n## Highwater: it does not hold\n"), "{text}");
    let ended = check_with(&at.join("sub"), &["missed.toml", "--annotations", "none"], &github);
    assert!(!ended.stderr.contains("::error"), "{}", ended.stderr);
    assert_eq!(fs::read_to_string(&summary).expect("there"), text);
}

fn change(ended: &Ended) -> Value {
    let value: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    value["files"][0]["run"]["change"].clone()
}

fn figure<'v>(change: &'v Value, name: &str) -> &'v Value {
    let figures = change["figures"].as_array().expect("figures");
    let found = figures.iter().find(|figure| figure["figure"] == name);
    found.unwrap_or_else(|| panic!("{name}: {change}"))
}

// Lost if broken: a change reported where there is none, or none where there is; a change blamed on the wrong setting.
#[test]
fn a_baseline_tells_a_change_from_none_and_says_what_caused_it() {
    let files = folder(&[("a.toml", &queue("30s", 1))]);
    let at = files.path();
    check(at, &["a.toml", "--write-baseline", "base.json"], 0);
    let again = ["a.toml", "--baseline", "base.json", "--format", "json"];

    // The same again: nothing moved, to the last bit.
    let same = change(&check(at, &again, 0));
    assert_eq!(
        (&same["paired"], &same["same_model"]),
        (&Value::Bool(true), &Value::Bool(true)),
        "{same}"
    );
    for figure in same["figures"].as_array().expect("figures") {
        assert_eq!(figure["difference"], 0.0, "{figure}");
        assert_eq!(figure["moved"], false, "{figure}");
    }
    assert_eq!(
        (&same["moved"], &same["settings"]),
        (&Value::Array(vec![]), &Value::Array(vec![])),
        "{same}"
    );

    // Half as much again to do, for the very same people: slower beyond doubt, and the setting is named.
    let slower = [&again[..], &["--set", "endpoint.e.steps.0.take.for.mean=150ms"]].concat();
    let slower = change(&check(at, &slower, 0));
    let p95 = figure(&slower, "latency.p95");
    assert_eq!(p95["moved"], true, "{p95}");
    assert!(
        p95["low"].as_f64() > Some(0.0) && p95["difference"].as_f64() > Some(0.05),
        "{p95}"
    );
    assert_eq!(
        slower["settings"][0]["setting"], "endpoint.e.steps.0.take.for.mean",
        "{slower}"
    );
    assert_eq!(
        (&slower["settings"][0]["before"], &slower["settings"][0]["now"]),
        (&"\"100ms\"".into(), &"\"150ms\"".into())
    );
    let moved = slower["moved"].as_array().expect("moved");
    assert!(
        moved
            .iter()
            .any(|figure| figure["figure"] == "resources.servers.utilization"),
        "{slower}"
    );

    // A second server: faster, and the words say so.
    let faster = check(
        at,
        &[
            "a.toml",
            "--baseline",
            "base.json",
            "--set",
            "servers.max=2",
            "--markdown",
            "pr.md",
        ],
        0,
    );
    assert!(
        faster.stdout.contains("Better than the baseline: mean latency down"),
        "{}",
        faster.stdout
    );
    assert!(
        faster.stdout.contains("What differs: `servers.max` was 1 and is 2."),
        "{}",
        faster.stdout
    );
    let markdown = fs::read_to_string(at.join("pr.md")).expect("written");
    assert!(
        markdown.contains("| ✓ better | p95 latency |") && markdown.contains("each against the same one"),
        "{markdown}"
    );

    // Other people: said, and not paired.
    let other = change(&check(at, &[&again[..], &["--seed", "2"]].concat(), 0));
    assert_eq!(other["paired"], false, "{other}");
    assert!(other["pairing"].as_str().expect("text").contains("seed"), "{other}");
    let base = fs::read_to_string(at.join("base.json")).expect("written");
    fs::write(
        at.join("old.json"),
        base.replace("\"version\": \"", "\"version\": \"0.0."),
    )
    .expect("written");
    let old = change(&check(at, &["a.toml", "--baseline", "old.json", "--format", "json"], 0));
    assert!(
        old["pairing"].as_str().expect("text").contains("Highwater 0.0."),
        "{old}"
    );
}

// Lost if broken: a good baseline replaced by half of one, or a wrong file taken for one.
#[test]
fn a_baseline_is_whole_or_as_before() {
    let good = queue("30s", 2);
    let files = folder(&[
        ("a.toml", &good),
        ("b.toml", &good.replace("rate", "rat")),
        ("text.json", "{}"),
    ]);
    let at = files.path();
    check(at, &["a.toml", "--write-baseline", "base.json"], 0);
    let before = fs::read_to_string(at.join("base.json")).expect("written");
    let ended = check(
        at,
        &["a.toml", "b.toml", "--seed", "9", "--write-baseline", "base.json"],
        2,
    );
    assert!(
        ended
            .stderr
            .contains("no baseline was written, since b.toml was not run"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(at.join("base.json")).expect("there"), before);
    for (file, said) in [
        ("text.json", "`format`"),
        ("a.toml", "not JSON"),
        ("none.json", "no such file"),
    ] {
        let ended = check(at, &["a.toml", "--baseline", file], 2);
        assert!(
            ended.stderr.contains(said) && ended.stdout.is_empty(),
            "{}",
            ended.stderr
        );
    }
    fs::write(at.join("c.toml"), &good).expect("written");
    let ended = check(at, &["c.toml", "--baseline", "base.json"], 0);
    assert!(
        ended.stdout.contains("The baseline has no run of this scenario."),
        "{}",
        ended.stdout
    );
}

// Lost if broken: the same files and seed give another answer with more threads.
#[test]
fn output_does_not_depend_on_threads() {
    let files = folder(&[("a.toml", &queue("30s", 1))]);
    let one = check(files.path(), &["a.toml", "--jobs", "1", "--format", "json"], 0);
    let four = check(files.path(), &["a.toml", "--jobs", "4", "--format", "json"], 0);
    assert_eq!(one.stdout, four.stdout);
}

// Lost if broken: a newcomer's first minute.
#[test]
fn a_new_pair_of_files_is_valid_runs_and_is_not_overwritten() {
    let files = tempfile::tempdir().expect("a folder");
    let at = files.path();
    let new = |arguments: &[&str], code: i32| {
        let output = highwater()
            .current_dir(at)
            .arg("new")
            .args(arguments)
            .output()
            .expect("it starts");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stderr}");
        assert!(output.stdout.is_empty());
        stderr
    };
    let said = new(&["shop"], 2);
    for flag in [
        "--host",
        "--database",
        "--users",
        "--when",
        "--llm",
        "--payments",
        "--must-hold",
        "--yes",
    ] {
        assert!(said.contains(flag), "{flag}: {said}");
    }
    assert!(!at.join("shop.toml").exists());
    let said = new(&["shop", "--yes", "--host", "render:standart", "--users", "nobody"], 2);
    assert!(
        said.contains("did you mean `render:standard`?") && said.contains("--users"),
        "{said}"
    );
    new(&["shop", "--yes", "--users", "200", "--when", "weekday evenings"], 0);
    let ended = check_with(at, &["shop.toml", "--replications", "2", "--format", "json"], &[]);
    let value: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let file = &value["files"][0];
    assert_eq!(file["diagnostics"], Value::Array(vec![]), "{file}");
    assert_eq!(file["design_review"]["consistent"], true, "{file}");
    assert!(file["trouble"].is_null() && !file["run"].is_null(), "{file}");
    let before = fs::read_to_string(at.join("shop.toml")).expect("written");
    assert!(new(&["shop", "--yes"], 2).contains("there is a file `shop.system.toml` already"));
    assert_eq!(fs::read_to_string(at.join("shop.toml")).expect("there"), before);
    new(&["shop", "--yes", "--force"], 0);
    assert_ne!(fs::read_to_string(at.join("shop.toml")).expect("there"), before);
    new(&["../a b", "--yes"], 2);
}

// Lost if broken: an editor that is pointed at a schema which is none.
#[test]
fn a_schema_is_printed_for_each_kind() {
    for kind in ["system", "scenario"] {
        let output = highwater().args(["schema", kind]).output().expect("it starts");
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(value["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(value["additionalProperties"], false);
    }
    assert_eq!(
        highwater()
            .args(["schema", "stduy"])
            .output()
            .expect("it starts")
            .status
            .code(),
        Some(2)
    );
}
