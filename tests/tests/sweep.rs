//! Studies as a user runs them: killed and gone on with, in shards, on any number of threads, from files that changed.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use highwater_tests::run::{highwater, workspace};

/// Variables by which an engine would say that this is one of many.
const ENGINES: [&str; 14] = [
    "HIGHWATER_SHARD",
    "HIGHWATER_SHARD_INDEX",
    "HIGHWATER_SHARDS",
    "JOB_COMPLETION_INDEX",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_COUNT",
    "CI_NODE_INDEX",
    "CI_NODE_TOTAL",
    "CIRCLE_NODE_INDEX",
    "CIRCLE_NODE_TOTAL",
    "BUILDKITE_PARALLEL_JOB",
    "BUILDKITE_PARALLEL_JOB_COUNT",
];

/// A folder with a study in it: a queue of a few hundred requests, at so many rates with so many servers.
struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn new(rates: usize, servers: usize) -> Self {
        let study = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        study.write("queue.toml", QUEUE);
        study.write(
            "study.toml",
            &format!(
                "# A queue of many kinds?\nscenario = \"queue\"\nreplications = 2\nmust_hold = \"none\"\n\
                 [[axis]]\nsetting = \"load.rate\"\nrange = {{ from = 0.5, to = {}, step = 0.5 }}\n\
                 [[axis]]\nsetting = \"servers.max\"\nrange = {{ from = 1, to = {servers} }}\n",
                rates as f64 * 0.5
            ),
        );
        study
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = highwater();
        ENGINES.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.args(arguments).current_dir(&self.folder);
        command
    }

    /// Runs it and checks the exit code; hands back standard output and standard error.
    #[track_caller]
    fn check(&self, arguments: &[&str], code: i32) -> (String, String) {
        said(self.command(arguments).output().expect("it starts"), code)
    }

    fn sweep(&self, arguments: &[&str]) -> (String, String) {
        self.check(&[&["sweep", "study.toml"], arguments].concat(), 0)
    }

    /// The files of a folder with their bytes, without the lock.
    fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.path(name)).expect("a folder");
        let files = entries
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.is_file());
        files
            .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
            .filter(|(name, _)| name != ".lock")
            .map(|(name, path)| (name, fs::read(path).expect("readable")))
            .collect()
    }

    #[track_caller]
    fn assert_same(&self, one: &str, other: &str) {
        let (one, other) = (self.files(one), self.files(other));
        assert_eq!(
            one.keys().collect::<Vec<_>>(),
            ["points.csv", "points.jsonl", "summary.json", "wide.csv"]
        );
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (name, bytes) in &one {
            assert!(*bytes == other[name], "{name} differs");
        }
    }

    fn lines(&self, name: &str) -> usize {
        let bytes = fs::read(self.path(name)).unwrap_or_default();
        bytes.iter().filter(|&&byte| byte == b'\n').count()
    }
}

const QUEUE: &str = r#"# A queue?
duration = "30s"
[load]
rate = 5.0
[objectives]
p95 = "1s"
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ { take = { from = "servers", for = { dist = "exponential", mean = "100ms" } } } ]
"#;

#[track_caller]
fn said(output: Output, code: i32) -> (String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

// Lost if broken: a night's work, with the machine's power; or a study whose parts do not add up to the whole.
#[test]
fn a_thousand_points_killed_and_gone_on_with_or_run_as_seven_shards_are_those_of_one_run() {
    let study = Study::new(50, 20);
    study.sweep(&["--out", "whole"]);
    assert_eq!(study.lines("whole/points.jsonl"), 1001);

    killed(&study);
    let (_, stderr) = study.sweep(&["--out", "killed"]);
    assert!(stderr.contains(" there already, "), "{stderr}");
    study.assert_same("whole", "killed");

    for number in (1..=7).rev() {
        // By the flag or by the environment.
        let shard = format!("{number}/7");
        let mut command = study.command(&["sweep", "study.toml", "--out", "parts"]);
        if number % 2 == 0 {
            command.args(["--shard", &shard]);
        } else {
            command.envs([
                ("JOB_COMPLETION_INDEX", (number - 1).to_string()),
                ("HIGHWATER_SHARDS", "7".to_owned()),
            ]);
        }
        if number == 1 {
            // All but one are there.
            let (_, stderr) = study.check(&["merge", "parts", "--out", "merged"], 2);
            assert!(
                stderr.contains("143 of 1000 points are missing: 0, 7, 14, ") && !study.path("merged").exists(),
                "{stderr}"
            );
        }
        let (stdout, stderr) = said(command.output().expect("it starts"), 0);
        assert!(
            stdout.is_empty() && stderr.contains("highwater merge parts"),
            "{stderr}"
        );
        assert_eq!(
            number % 2 == 1,
            stderr.contains("as Kubernetes' JOB_COMPLETION_INDEX"),
            "{stderr}"
        );
    }
    let (merged, _) = study.check(&["merge", "parts", "--out", "merged"], 0);
    study.assert_same("whole", "merged");
    // Looking at a study that is complete runs nothing, and shows the same.
    let (again, _) = study.sweep(&["--out", "whole"]);
    assert_eq!(merged, again);
}

/// Kills the process in the middle of its points. A machine on which it is done before it is caught tries again.
fn killed(study: &Study) {
    for _ in 0..20 {
        let mut command = study.command(&["sweep", "study.toml", "--out", "killed"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        while study.lines("killed/points.jsonl") < 100 && child.try_wait().expect("a child").is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("a child of ours");
        child.wait().expect("it ends");
        if (100..1000).contains(&study.lines("killed/points.jsonl")) && !study.path("killed/summary.json").exists() {
            return;
        }
        fs::remove_dir_all(study.path("killed")).expect("removed");
    }
    panic!("it was always done before it could be killed");
}

// Lost if broken: half a line is taken for a point, or a file that a crash cut off for a foreign one.
#[test]
fn a_journal_that_was_cut_off_anywhere_goes_on() {
    let study = Study::new(4, 2);
    study.sweep(&["--out", "whole", "--jobs", "1"]);
    let whole = fs::read(study.path("whole/points.jsonl")).expect("a journal");
    let first = whole.iter().position(|&byte| byte == b'\n').expect("a line");
    for end in [0, 1, first, first + 1, first + 2, whole.len() / 2, whole.len() - 1] {
        fs::create_dir_all(study.path("cut")).expect("a folder");
        fs::write(study.path("cut/points.jsonl"), &whole[..end]).expect("written");
        study.sweep(&["--out", "cut"]);
        study.assert_same("whole", "cut");
        fs::remove_dir_all(study.path("cut")).expect("removed");
    }
    // A disk that lost its power may leave nothing where a line was.
    let mut hole = whole.clone();
    let from = whole.len() / 2;
    hole[from..from + 50].fill(0);
    fs::create_dir_all(study.path("cut")).expect("a folder");
    fs::write(study.path("cut/points.jsonl"), hole).expect("written");
    study.sweep(&["--out", "cut"]);
    study.assert_same("whole", "cut");
    // What is no journal is not touched.
    fs::create_dir_all(study.path("other")).expect("a folder");
    study.write("other/points.jsonl", "my own points\nand more\n");
    let (_, stderr) = study.check(&["sweep", "study.toml", "--out", "other"], 2);
    assert!(
        stderr.contains("is no journal of a study") && study.lines("other/points.jsonl") == 2,
        "{stderr}"
    );
}

// Lost if broken: the same study gives other bytes on a machine with more cores.
#[test]
fn a_study_does_not_depend_on_the_number_of_threads() {
    let study = Study::new(5, 3);
    let precise = "precision = { width = 0.3, most = 14 }\nscenario";
    let text = fs::read_to_string(study.path("study.toml")).expect("readable");
    study.write("study.toml", &text.replace("scenario", precise));
    study.sweep(&["--out", "one", "--jobs", "1"]);
    study.sweep(&["--out", "two", "--jobs", "2"]);
    study.sweep(&["--out", "many", "--jobs", "9"]);
    study.assert_same("one", "two");
    study.assert_same("one", "many");
    let journal = fs::read_to_string(study.path("one/points.jsonl")).expect("readable");
    let replications = |count: u32| journal.contains(&format!("\"replications\":{count},\"events\""));
    assert!(
        replications(14) && (10..14).any(replications),
        "every point has as many replications as any other"
    );
}

// Lost if broken: a table of which one half is of yesterday's system.
#[test]
fn a_changed_study_is_noticed() {
    let study = Study::new(3, 2);
    study.sweep(&["--out", "out"]);
    let before = study.files("out");
    study.write("queue.toml", &QUEUE.replace("100ms", "90ms"));
    let (_, stderr) = study.check(&["sweep", "study.toml", "--out", "out"], 2);
    for said in [
        "out has 6 of 6 points of another study: the study, a scenario",
        "--restart",
        "--out",
    ] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert!(before == study.files("out"));
    let (_, stderr) = study.check(&["sweep", "study.toml", "--out", "out", "--seed", "2"], 2);
    assert!(stderr.contains("its seed was 1 and is 2"), "{stderr}");
    // Shards of both do not belong together.
    study.sweep(&["--out", "parts", "--shard", "1/2"]);
    study.write("queue.toml", QUEUE);
    study.sweep(&["--out", "parts", "--shard", "2/2"]);
    let (_, stderr) = study.check(&["merge", "parts"], 2);
    assert!(stderr.contains("are not of one study"), "{stderr}");
    // A comment changes nothing.
    study.write("queue.toml", &format!("{QUEUE}# more words\n"));
    study.sweep(&["--out", "out"]);
    assert!(before == study.files("out"));
    study.write("queue.toml", &QUEUE.replace("100ms", "90ms"));
    study.sweep(&["--out", "out", "--restart"]);
    assert!(before != study.files("out"));
}

// Lost if broken: two processes that write into one journal, or a lock that outlives a process that was killed.
#[test]
fn one_process_at_a_time_writes_to_a_folder() {
    let study = Study::new(3, 2);
    fs::create_dir_all(study.path("out")).expect("a folder");
    // What a killed process left.
    study.write("out/.lock", "4242\n");
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .open(study.path("out/.lock"))
        .expect("a file");
    File::lock(&lock).expect("locked");
    let (_, stderr) = study.check(&["sweep", "study.toml", "--out", "out"], 3);
    assert!(stderr.contains("process 4242 is at work there"), "{stderr}");
    assert!(!study.path("out/points.jsonl").exists());
    File::unlock(&lock).expect("unlocked");
    study.sweep(&["--out", "out"]);
}

// Lost if broken: what a script reads, and the exit code that a pipeline stops at.
#[test]
fn the_exit_code_follows_the_points_that_must_hold() {
    let study = Study::new(30, 1);
    // As many requests and replications as it takes for the first point's percentile to have bounds.
    study.write("queue.toml", &QUEUE.replace("30s", "120s"));
    let text = fs::read_to_string(study.path("study.toml")).expect("readable");
    study.write("study.toml", &text.replace("replications = 2", "replications = 5"));
    let (stdout, _) = study.sweep(&["--format", "csv"]);
    assert!(
        stdout
            .starts_with("point,load.rate,servers.max,metric,unit,value,low,high,replications\n0,0.5,1,latency.p95,s,")
    );
    assert!(study.path("study.sweep/points.csv").is_file());
    let text = fs::read_to_string(study.path("study.toml")).expect("readable");
    for (must_hold, code) in [("every", 1), ("one", 0), ("none", 0)] {
        study.write("study.toml", &text.replace("\"none\"", &format!("\"{must_hold}\"")));
        let (stdout, _) = study.check(&["sweep", "study.toml", "--restart", "--format", "json"], code);
        let value: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(value["met"], code == 0);
        assert_eq!(value["points"].as_array().expect("a list").len(), 30);
        assert!(value["points"][0]["metrics"]["latency.p95"]["low"].is_number());
    }
}

// Lost if broken: points that are measured from different times, or from the start without a word.
#[test]
fn no_point_finds_a_warm_up_of_its_own() {
    let study = Study::new(3, 1);
    let (_, stderr) = study.check(&["sweep", "study.toml", "--set", "measure.from=auto"], 2);
    assert!(
        stderr.contains("error[study::own-warm-up]") && stderr.contains("--set:1:14"),
        "{stderr}"
    );
    study.write("queue.toml", &format!("{QUEUE}[measure]\nfrom = \"auto\"\n"));
    let (_, stderr) = study.check(&["sweep", "study.toml"], 2);
    assert!(stderr.contains("queue.toml:12:8"), "{stderr}");
    assert_eq!(stderr.matches("error[").count(), 1, "told once: {stderr}");
}

// Lost if broken: a slip in a study that is found only by reading the manual.
#[test]
fn mistakes_are_told_with_their_places_and_the_nearest_names() {
    let study = Study::new(3, 2);
    let text = fs::read_to_string(study.path("study.toml")).expect("readable");
    study.write(
        "bad.toml",
        &text
            .replace("load.rate", "load.rat")
            .replace("scenario", "metrics = [\"latency.p94\"]\nscenario"),
    );
    study.write(
        "figure.toml",
        &text.replace("scenario", "metrics = [\"latency.p94\"]\nscenario"),
    );
    for (arguments, expected) in [
        (&["sweep", "bad.toml"][..], "bad.toml:7:11"),
        (
            &["sweep", "figure.toml"],
            "no point of the study has a figure `latency.p94`",
        ),
        (&["sweep", "growth-stage"], "did you mean `growth-stages`?"),
        (
            &["sweep", "viral-spike"],
            "that is a scenario: `highwater run viral-spike`",
        ),
        (&["sweep", "study.toml", "--set", "load.rate=x"], "--set:1:11"),
        (&["sweep", "study.toml", "--shard", "8/7"], "there is no shard 8 of 7"),
        (&["merge", "nowhere"], "could not read the folder nowhere"),
        (&["merge", "."], "has a points.jsonl"),
    ] {
        let (stdout, stderr) = study.check(arguments, 2);
        assert!(
            stdout.is_empty() && stderr.contains(expected),
            "{arguments:?} said {stderr}"
        );
    }
    let mut command = study.command(&["sweep", "study.toml"]);
    let (_, stderr) = said(command.env("JOB_COMPLETION_INDEX", "1").output().expect("it starts"), 2);
    assert!(
        stderr.contains("set HIGHWATER_SHARDS to the job's `completions`"),
        "{stderr}"
    );
}

// Lost if broken: an example that is copied and does not start.
#[test]
fn examples_use_flags_and_variables_that_there_are() {
    let study = Study::new(1, 1);
    let folder = workspace().join("examples");
    let files = [
        "github/sweep.yml",
        "kubernetes/sweep.yaml",
        "slurm/sweep.sh",
        "slurm/merge.sh",
    ];
    let help = |command: &str| study.check(&[command, "--help"], 0).0;
    let known = help("sweep") + &help("merge");
    let mut commands = 0;
    for file in files {
        let text = fs::read_to_string(folder.join(file)).expect("an example");
        assert!(!text.contains('\t'), "{file} has a tab, which YAML does not allow");
        for line in text
            .lines()
            .filter(|line| line.contains("highwater") && (line.contains("sweep") || line.contains("merge")))
        {
            if line.trim_start().starts_with('#') {
                continue;
            }
            commands += 1;
            for flag in line.split(['"', ' ', ',']).filter(|word| word.starts_with("--")) {
                assert!(known.contains(flag), "{file}: there is no {flag}");
            }
        }
        if Path::new(file).extension().is_some_and(|ending| ending == "sh") {
            let status = Command::new("sh")
                .arg("-n")
                .arg(folder.join(file))
                .status()
                .expect("a shell");
            assert!(status.success(), "{file} is no shell script");
        }
    }
    assert_eq!(commands, 6);
}
