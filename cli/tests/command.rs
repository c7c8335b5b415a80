//! The command as a shell sees it: exit code, standard output, standard error.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn highwater(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(arguments).env_remove("NO_COLOR");
    command
}

/// Runs it and checks the exit code.
#[track_caller]
fn check(arguments: &[&str], code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = highwater(arguments).output().expect("it starts");
    let (stdout, stderr) = (
        String::from_utf8(stdout).expect("text"),
        String::from_utf8(stderr).expect("text"),
    );
    assert_eq!(status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

// Lost if broken: the way in for somebody who has just built it.
#[test]
fn the_list_names_scenarios_and_their_questions() {
    let (stdout, stderr) = check(&["list"], 0);
    assert!(stdout.contains("viral-spike") && stdout.contains('?') && stderr.is_empty());
    let (stdout, _) = check(&["list", "--format", "json"], 0);
    let value: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert!(value["scenarios"].as_array().expect("a list").len() > 3);
    let (stdout, _) = check(&["list", "--format", "csv"], 0);
    assert!(stdout.starts_with("kind,name,question\nscenario,"));
}

// Lost if broken: mistakes in the command told apart from runs that failed, and the way out of them.
#[test]
fn mistakes_in_the_command_exit_with_2_and_help() {
    for (arguments, said) in [
        (
            &["swep", "x"][..],
            "The commands are `run`, `compare`, `sweep`, `merge`, `check`, `new`, `list`, `explain`",
        ),
        (&["run", "viral-spik"], "did you mean `viral-spike`? `highwater list`"),
        (&["run", "viral-spike", "--replications", "0"], "--replications"),
        (&["run", "viral-spike", "--requests"], "--out"),
        (&["explain", "pool.tmeout"], "did you mean `pool.timeout`"),
    ] {
        let (stdout, stderr) = check(arguments, 2);
        assert!(stdout.is_empty(), "{arguments:?} printed {stdout}");
        assert!(stderr.contains(said), "{arguments:?} said {stderr}");
    }
}

// Lost if broken: all mistakes at once, in the file and in the flags, each with its place.
#[test]
fn mistakes_in_a_file_and_in_flags_come_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "system = \"coaching\"\nduration = \"5\"\n[load]\nraet = 5.0\n").expect("written");
    let (stdout, stderr) = check(&["run", file.to_str().expect("text"), "--set", "web.plna=pro"], 2);
    assert!(stdout.is_empty());
    for said in [
        "mine.toml:2:12",
        "mine.toml:4:1",
        "did you mean `rate`?",
        "--set:1:5",
        "did you mean `plan`?",
    ] {
        assert!(stderr.contains(said), "{said} is missing from\n{stderr}");
    }
}

// Lost if broken: a user's own file, hidden by a bundled scenario of the same name.
#[test]
fn a_file_wins_over_a_bundled_name() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("normal"), "mistake = 1\n").expect("written");
    let output = highwater(&["run", "normal"])
        .current_dir(&folder)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("normal:1:1"));
}

// Lost if broken: where a number comes from.
#[test]
fn settings_and_figures_are_explained_with_their_source() {
    let (stdout, _) = check(&["explain", "pool.timeout"], 0);
    assert!(stdout.contains("documented: pg-pool"), "{stdout}");
    let (stdout, _) = check(&["explain", "render.web.starter.price"], 0);
    assert!(stdout.contains("edition") && stdout.contains("USD"), "{stdout}");
}

// Lost if broken: `highwater … | head`, which closes the pipe early.
#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = highwater(&["explain", "price"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

// Lost if broken: results that are half written, or that differ between the file and standard output.
#[test]
fn a_run_leaves_whole_files_and_prints_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let out_text = out.to_str().expect("text");
    let arguments = [
        "run",
        "textbook/mm1",
        "--replications",
        "2",
        "--format",
        "json",
        "--undecided",
        "pass",
    ];
    let (stdout, stderr) = check(&[&arguments[..], &["--out", out_text, "--requests"]].concat(), 0);
    let file = std::fs::read_to_string(out.join("summary.json")).expect("summary.json");
    assert_eq!(stdout, file);
    let value: serde_json::Value = serde_json::from_str(&file).expect("JSON");
    assert_eq!(value["replications"], 2);
    assert!(stderr.contains("wrote ") && stderr.contains("summary.json"), "{stderr}");
    assert!(
        !stderr.contains('\u{1b}'),
        "no progress bar where there is no terminal: {stderr:?}"
    );
    let timeline = std::fs::read_to_string(out.join("timeline.csv")).expect("timeline.csv");
    assert!(timeline.starts_with("t"), "{timeline}");
    let left: Vec<_> = std::fs::read_dir(&out)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

// Lost if broken: reports that are not there after the run, differ from one time to the next, or stop a run by an ending.
#[test]
fn a_run_leaves_a_report_in_the_form_of_its_ending() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let run = |name: &str| {
        let file = report(name);
        let settings = ["--set", "duration=600s", "--set", "measure.from=60s"];
        let flags = ["--replications", "2", "--undecided", "pass", "--report", &file];
        let plots = ["--plots", &report("plots")];
        // Whether the objectives hold in so short a run is not the question.
        let arguments = [&["run", "textbook/mm1"], &settings[..], &flags, &plots].concat();
        let output = highwater(&arguments).output().expect("it starts");
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        std::fs::read_to_string(&file).expect("a report")
    };
    let page = run("one.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<svg"));
    assert!(
        page.contains("highwater run textbook/mm1 --set duration=600s"),
        "how to run it again"
    );
    assert_eq!(page, run("two.htm"));
    assert!(run("comment.md").starts_with("## "));
    let plot = |name: &str| std::fs::read(folder.path().join("plots").join(name)).expect("a plot");
    assert!(plot("load.svg").starts_with(b"<svg") && plot("load.png").starts_with(b"\x89PNG"));
    let (_, stderr) = check(&["run", "textbook/mm1", "--report", &report("page.pdf")], 2);
    assert!(stderr.contains(".html") && stderr.contains(".md"), "{stderr}");
}

// Lost if broken: a command that takes `--report` and writes nothing, or a page that cannot be made again by what it says.
#[test]
fn studies_comparisons_and_checks_leave_reports_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let study = path("rates.toml");
    let text = "# How busy?\nscenario = \"textbook/mm1\"\nreplications = 2\n[set]\nduration = \"600s\"\n\"measure.from\" = \
                \"60s\"\n[[axis]]\nsetting = \"load.rate\"\nvalues = [1, 2]\n";
    std::fs::write(&study, text).expect("written");
    let short = [
        "--set",
        "duration=600s",
        "--set",
        "measure.from=60s",
        "--replications",
        "2",
    ];
    let out = path("out");
    for (command, rest) in [
        (&["sweep", &study, "--out", &out][..], &[][..]),
        (&["merge", &out], &[]),
        (
            &["compare", "textbook/mm1", "textbook/mm1", "--set-b", "load.rate=2"],
            &short,
        ),
        (&["check", "textbook/mm1"], &short),
    ] {
        for (ending, start) in [("html", "<!DOCTYPE html>"), ("md", "## ")] {
            let file = path(&format!("{}.{ending}", command[0]));
            let arguments = [command, rest, &["--report", &file]].concat();
            let output = highwater(&arguments).output().expect("it starts");
            assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
            let report = std::fs::read_to_string(&file).expect("a report");
            assert!(report.starts_with(start), "{report}");
            let again = format!("highwater {} {}", command[0], command[1]);
            assert!(
                report.contains(&again) || command[0] == "check" && ending == "md",
                "{again}"
            );
        }
    }
}

// Lost if broken: a script that takes a full disk for a missed objective.
#[test]
fn what_cannot_be_written_exits_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let (stdout, stderr) = check(&["run", "textbook/mm1", "--out", file.to_str().expect("text")], 3);
    assert!(
        stdout.is_empty() && stderr.starts_with("error: could not create the folder"),
        "{stderr}"
    );
    if Path::new("/dev/full").exists() {
        let full = std::fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("opens");
        let output = highwater(&["list"]).stdout(full).output().expect("it starts");
        assert_eq!(output.status.code(), Some(3));
    }
}

// Lost if broken: a pipeline that reviews a design, and the founder who reads why.
#[test]
fn a_design_is_reviewed_by_name_file_and_scenario() {
    let (stdout, stderr) = check(&["check", "--design", "coaching"], 1);
    assert!(stderr.is_empty(), "{stderr}");
    for said in [
        "Contradictions: ",
        "Risks: ",
        "Notes: ",
        "rule  queue-cap-never-binds, about ai.interval_cap",
    ] {
        assert!(stdout.contains(said), "{said} is missing from\n{stdout}");
    }
    // The scenario's own settings and those of the command line count: ten instances, then one connection each.
    let rule = "pool-times-processes-over-connections";
    let (stdout, _) = check(&["check", "--design", "viral-spike", "--format", "json"], 1);
    let value: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    let findings = value["findings"].as_array().expect("a list");
    let pools = findings.iter().find(|finding| finding["id"] == rule).expect("found");
    assert!(
        pools["arithmetic"]
            .as_str()
            .expect("text")
            .contains("20 x 10 instances = 200")
    );
    let (stdout, _) = check(
        &[
            "check",
            "--design",
            "viral-spike",
            "--set",
            "connections.max=2",
            "--format",
            "csv",
        ],
        1,
    );
    assert!(
        stdout.starts_with("id,severity,where,title,arithmetic,cure\n") && !stdout.contains(rule),
        "{stdout}"
    );
    // A file with nothing to complain about.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, "[endpoint.job]\nsteps = [ { io = \"1s\" } ]\n").expect("written");
    let (stdout, _) = check(&["check", "--design", file.to_str().expect("text")], 0);
    assert!(stdout.contains("Nothing contradicts anything."), "{stdout}");
}

// Lost if broken: a finding allowed by a slip of the finger, or a review of a file that cannot be read.
#[test]
fn mistakes_in_a_reviewed_file_exit_with_2() {
    for (arguments, said) in [
        (&["check", "--design", "coachin"][..], "did you mean `coaching`?"),
        (
            &["check", "--design", "coaching", "--set", "web.plna=pro"],
            "did you mean `plan`?",
        ),
        (
            &[
                "check",
                "--design",
                "coaching",
                "--set",
                "review.allow.single-instans=why",
            ],
            "did you mean `single-instance`?",
        ),
        (&["check"], "<PATH>"),
    ] {
        let (stdout, stderr) = check(arguments, 2);
        assert!(
            stdout.is_empty() && stderr.contains(said),
            "{arguments:?} said {stderr}"
        );
    }
}

// Lost if broken: what a rule rests on.
#[test]
fn rules_are_explained_with_their_source() {
    let (stdout, _) = check(&["explain", "queue-cap-never-binds"], 0);
    assert!(
        stdout.contains("rests on: p-queue 10.0.0") && stdout.contains("[review] allow"),
        "{stdout}"
    );
}

// Lost if broken: how to come by a program that was not built, and the arguments and exit code of one that was.
#[test]
fn commands_with_a_binary_of_their_own_hand_over_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("highwater");
    std::fs::copy(env!("CARGO_BIN_EXE_highwater"), &own).expect("copied");
    let run = |arguments: &[&str]| {
        let output = Command::new(&own)
            .args(arguments)
            .env("PATH", "")
            .output()
            .expect("it starts");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for (command, package) in [
        ("serve", "highwater-server"),
        ("loadtest", "highwater-loadtest"),
        ("gui", "highwater-gui"),
    ] {
        let (code, stdout, stderr) = run(&[command, "coaching", "--port", "0"]);
        assert_eq!((code, stdout.as_str()), (Some(3), ""), "{stderr}");
        let build = format!("cargo build --release -p {package}");
        assert!(stderr.contains(&build), "{build} is missing from\n{stderr}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let server = folder.path().join("highwater-server");
        std::fs::write(&server, "#!/bin/sh\necho \"$@\"\nexit 7\n").expect("written");
        std::fs::set_permissions(&server, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let (code, stdout, _) = run(&["serve", "coaching", "--port", "0", "--help"]);
        assert_eq!((code, stdout.as_str()), (Some(7), "coaching --port 0 --help\n"));
    }
}
