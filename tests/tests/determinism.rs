//! Determinism: the same files, settings and seed give the same bytes, whatever runs beside them and whatever the
//! processor can do.
//!
//! `golden/viral-short.hash` pins the result of a short viral spike: a change of it changes results for users and has to
//! be meant. `HIGHWATER_UPDATE=1 cargo test -p highwater-tests --test determinism` writes it anew. It never says that a
//! result is right; `theory.rs` does.

use std::fs;

use highwater_models::file::Plan;
use highwater_report::{csv, json};
use highwater_sim::experiment::{Options, Outcome};
use highwater_tests::run::{bundled_plan, highwater, run_with, workspace};

/// Settings that make a minute of the viral spike: everything of the system is in use, and much of it full.
const SHORT: [&str; 9] = [
    "replications=3",
    "load.phase.0.duration=20s",
    "load.phase.0.users={ from = 50, to = 1000 }",
    "load.phase.1.duration=30s",
    "load.phase.1.users=1000",
    "load.phase.2.duration=10s",
    "load.phase.2.users={ from = 1000, to = 100 }",
    "event.0.at=25s",
    "drain=30s",
];

fn short_spike() -> Plan {
    bundled_plan("viral-spike", &SHORT)
}

/// Every byte that a run leaves.
fn bytes(outcome: &Outcome) -> String {
    let mut timeline = Vec::new();
    csv::timeline(&outcome.timeline, &mut timeline).expect("memory");
    let mut requests = Vec::new();
    if let Some(rows) = &outcome.requests {
        csv::requests(rows, &mut requests).expect("memory");
    }
    json::text(&outcome.summary) + &String::from_utf8_lossy(&timeline) + &String::from_utf8_lossy(&requests)
}

fn run(jobs: usize, seed: u64) -> String {
    bytes(&run_with(
        &short_spike(),
        &Options {
            seed: Some(seed),
            jobs,
            requests: true,
            ..Options::default()
        },
    ))
}

/// The first line that differs, for there are too many to show.
#[track_caller]
fn check_same(what: &str, one: &str, other: &str) {
    let differs = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(
        one == other,
        "{what}: {differs:?}, {} and {} bytes",
        one.len(),
        other.len()
    );
}

// Lost if broken: results that can be run again, and that do not depend on the machine's number of cores.
#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let one = run(1, 7);
    check_same("once more", &one, &run(1, 7));
    check_same("two threads", &one, &run(2, 7));
    check_same("more threads than replications", &one, &run(7, 7));
    assert!(one != run(1, 8), "another seed gives another run");
}

/// FNV-1a, 64 bits: short, and the same everywhere.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

// Lost if broken: results that change without anybody having meant it.
#[test]
fn the_golden_spike() {
    let file = workspace().join("tests/golden/viral-short.hash");
    let outcome = run_with(
        &short_spike(),
        &Options {
            jobs: 2,
            ..Options::default()
        },
    );
    let found = format!("{:016x} {} events\n", hash(&bytes(&outcome)), outcome.summary.events);
    if std::env::var_os("HIGHWATER_UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a folder")).expect("created");
        fs::write(&file, &found).expect("written");
    }
    let golden = fs::read_to_string(&file).expect("the golden file");
    assert!(
        found == golden,
        "the short spike's result is {found}and was {golden}see the head of determinism.rs"
    );
}

// Lost if broken: the same result on an older processor: the C library picks its functions by what the processor can do.
#[test]
fn the_processor_makes_no_difference() {
    let run = |tunables: Option<&str>| {
        let mut command = highwater();
        command.args([
            "run",
            "viral-spike",
            "--format",
            "json",
            "--jobs",
            "2",
            "--undecided",
            "pass",
        ]);
        for setting in SHORT {
            command.args(["--set", setting]);
        }
        if let Some(tunables) = tunables {
            command.env("GLIBC_TUNABLES", tunables);
        }
        let output = command.output().expect("it starts");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let here = run(None);
    check_same(
        "without FMA and AVX2",
        &here,
        &run(Some("glibc.cpu.hwcaps=-FMA,-AVX2,-AVX512F")),
    );
}
