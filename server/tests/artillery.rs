//! The load test of the bundled plan, played by Artillery itself: as it is written, and with guests let in.
//!
//! Its phases are a tenth as long here; the whole is in docs/server.md. What the tool counts is what the server counts, to the
//! request, and both are what the limits of the system file come to.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use highwater_host::programs::{self, Program};
use serde_json::{Value, json};

/// Each of them asks three times.
const USERS: u64 = 6 * 10 + 30 * 50 + 6 * 200;
/// Answers in a tenth of the time, which changes nothing about who is let through.
const FAST: &str = "provider.openai.model.\"gpt-4\".per_token=4ms";
const TEST: &str = "the plan's load test by Artillery";

struct Server {
    child: Child,
    address: String,
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(more: &[&str]) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_highwater-server"))
        .args(["coaching", "--port", "0", "--format", "json"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    Server {
        child,
        address: format!("127.0.0.1:{}", said["port"]),
        _stdout: stdout,
    }
}

/// By status and cause, what the server itself has counted: requests that came to the platform, and those that did not.
fn counted(server: &Server) -> BTreeMap<(String, String), u64> {
    let mut stream = TcpStream::connect(&server.address).expect("a connection");
    let head = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let Some(count) = line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()) else {
            continue;
        };
        let status = match line {
            _ if line.starts_with("highwater_requests_total{") => label(line, "status"),
            _ if line.starts_with("highwater_turned_away_total{cause=\"unauthorized\"") => Some("401".to_owned()),
            _ => None,
        };
        if let (Some(status), Some(cause)) = (status, label(line, "cause")) {
            *counts.entry((status, cause)).or_default() += count;
        }
    }
    counts
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/artillery")
}

/// Artillery's script, installed where it is not yet; or none, aloud.
fn installed() -> Option<PathBuf> {
    let script = folder().join("node_modules/artillery/bin/run");
    // What was installed by another lock file is installed anew.
    let (lock, mark) = (
        folder().join("package-lock.json"),
        folder().join("node_modules/.of-lock"),
    );
    let wanted = fs::read(lock).expect("the lock file");
    if script.is_file() && fs::read(&mark).is_ok_and(|found| found == wanted) {
        return Some(script);
    }
    let npm = Command::new("npm")
        .args([
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel",
            "error",
        ])
        .current_dir(folder())
        .output();
    let problem = match npm {
        Ok(output) if output.status.success() => {
            fs::write(mark, wanted).expect("written");
            return Some(script);
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    programs::skip(TEST, &format!("`npm ci` in tests/artillery did not work: {problem}"));
    None
}

/// Plays the script against a server; gives what the tool counted.
fn play(node: &Path, script: &Path, server: &Server, report: &Path) -> BTreeMap<String, u64> {
    let phases = json!({ "config": { "phases": [
        { "name": "warm-up", "duration": 6, "arrivalRate": 10 },
        { "name": "sustained", "duration": 30, "arrivalRate": 50 },
        { "name": "spike", "duration": 6, "arrivalRate": 200 },
    ] } });
    let output = Command::new(node)
        .arg(script)
        .args(["run", "--quiet", "--target", &format!("http://{}", server.address)])
        .args(["--overrides", &phases.to_string(), "--output"])
        .arg(report)
        .arg(folder().join("plan.yml"))
        .env("ARTILLERY_DISABLE_TELEMETRY", "true")
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&fs::read(report).expect("a report")).expect("JSON");
    let counters = report["aggregate"]["counters"].as_object().expect("counters");
    counters
        .iter()
        .map(|(name, count)| (name.clone(), count.as_u64().unwrap_or(0)))
        .collect()
}

// Lost if broken: the plan's own test, run as people run it, with a result that can be explained.
#[test]
fn the_plans_load_test_says_what_the_limits_come_to() {
    let Some(node) = Program::Node.or_skip(TEST) else {
        return;
    };
    let Some(script) = installed() else { return };
    let reports = tempfile::tempdir().expect("a folder");
    // Both at once: each is a minute of waiting for the clock.
    let (strict, open) = (start(&[]), start(&["--guests", "--set", FAST]));
    let (as_written, with_guests) = std::thread::scope(|scope| {
        let guests = scope.spawn(|| play(&node, &script, &open, &reports.path().join("guests.json")));
        let written = play(&node, &script, &strict, &reports.path().join("written.json"));
        (written, guests.join().expect("it plays"))
    });
    let count = |of: &BTreeMap<String, u64>, name: &str| of.get(name).copied().unwrap_or(0);
    for run in [&as_written, &with_guests] {
        assert_eq!(count(run, "vusers.created"), USERS);
        assert_eq!(count(run, "http.responses"), 3 * USERS, "{run:?}");
        // The tool's criteria: it does not see a refusal as an error.
        assert_eq!(count(run, "vusers.failed"), 0, "{run:?}");
    }
    // As it is written its users have no token: every request is refused, and counted as such.
    assert_eq!(count(&as_written, "http.codes.401"), 3 * USERS);
    let key = |status: &str, cause: &str| (status.to_owned(), cause.to_owned());
    assert_eq!(
        counted(&strict),
        BTreeMap::from([(key("401", "unauthorized"), 3 * USERS)])
    );
    // With guests they are all one address: the first hundred requests come through the limit of a quarter of an hour, and of
    // the messages among them ten in a minute. All messages of the hundred come within two of the limiter's minutes.
    let (good, limited) = (
        count(&with_guests, "http.codes.200"),
        count(&with_guests, "http.codes.429"),
    );
    assert_eq!(good + limited, 3 * USERS, "{with_guests:?}");
    assert!((1..=100).contains(&good), "{good}");
    let messages = count(
        &with_guests,
        "plugins.metrics-by-endpoint./api/trpc/aiChat.sendMessage.codes.200",
    );
    assert!((10..=20).contains(&messages), "{messages}");
    let expected = BTreeMap::from([(key("200", "none"), good), (key("429", "rate_limited"), limited)]);
    assert_eq!(counted(&open), expected);
}
