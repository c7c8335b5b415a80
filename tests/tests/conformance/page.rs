//! The page about conformance: the words are written by hand, the tables are counted here from the traces.
//!
//! Owns: the tables between the marks in `docs/conformance.md`.
//! `HIGHWATER_UPDATE=1` writes them anew; otherwise a page that is behind the traces fails.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::trace::{Line, Recording, Trace};
use crate::{limiter, link, pool, queue, retry};

const BEGIN: &str = "<!-- counted from the traces: begin -->\n";
const END: &str = "<!-- counted from the traces: end -->\n";

/// All recordings, in the order of the page.
const NAMES: [&str; 14] = [
    "pg-pool-3.10.1",
    "pg-pool-3.14.0",
    "p-queue-9.0.1",
    "p-queue-9.3.5",
    "p-queue-9.3.5-strict",
    "p-queue-10.0.0",
    "express-rate-limit-8.2.1",
    "express-rate-limit-8.7.5",
    "rate-limit-redis-4.3.1",
    "rate-limit-redis-6.0.1",
    "openai-6.10.0",
    "openai-7.57.0",
    "ioredis-5.8.2",
    "ioredis-6.0.0",
];

/// A recording as it is compared, and how many of its traces are compared only in part.
fn compared(name: &str) -> (Recording, usize) {
    match name {
        "p-queue-9.0.1" => queue::before_9_0_aborts(),
        name if name.starts_with("ioredis") => link::before_useless_connections(name),
        name => (Recording::read(name), 0),
    }
}

/// Inputs at the very instant at which time itself decides something.
fn at_ends(component: &str, recording: &Recording) -> usize {
    match component {
        "pg-pool" => pool::at_ends(recording),
        "p-queue" => queue::at_ends(recording),
        "ioredis" => link::at_ends(recording),
        "openai" => retry::at_ends(recording),
        _ => limiter::at_ends(recording),
    }
}

/// Of which kinds an input or a decision is, in words.
fn kinds_of(component: &str, line: &Line) -> Vec<String> {
    let mut kinds = vec![kind(component, line)];
    if component == "openai" && line.word(0) == "refuses" {
        let told = line.word(4).split('=').next().unwrap_or_default();
        if told != "none" {
            kinds.push(format!("with {told}"));
        }
        if line.word(5) != "nothing" {
            kinds.push(format!("with x-should-retry {}", line.word(5)));
        }
    }
    kinds
}

fn kind(component: &str, line: &Line) -> String {
    let word = line.word(0);
    match (component, word) {
        ("pg-pool", "lend") => format!("lend, {}", line.word(3)),
        ("pg-pool", "refuse" | "failed" | "back") => format!("{word}, {}", line.word(2)),
        ("p-queue", "add") => format!("add at priority {}", line.word(2)),
        ("express-rate-limit" | "rate-limit-redis", "refuse") => {
            let place = ["first", "second", "third"][line.number(2)];
            let never = if line.word(3) == "never" { ", limit 0" } else { "" };
            format!("refuse by the {place}{never}")
        }
        ("openai", "call" | "failed") => format!("{word}, {}", line.word(2)),
        ("openai", "refuses") => format!("refuses, {}", line.word(3)),
        _ => word.to_owned(),
    }
}

/// Inputs that share their instant with another.
fn together(trace: &Trace) -> usize {
    let mut at: BTreeMap<_, usize> = BTreeMap::new();
    for line in &trace.inputs {
        *at.entry(line.at).or_default() += 1;
    }
    at.values().filter(|&&inputs| inputs > 1).sum()
}

fn tables() -> String {
    let mut overview = String::from(
        "| traces of | with | Node | seed | traces | in part | inputs | several at one instant | at the end of something | decisions |\n\
         |---|---|---|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut kinds = String::new();
    for name in NAMES {
        let (recording, in_part) = compared(name);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let component = text(&recording.header["component"]);
        let packages = recording.header["packages"].as_object().expect("packages");
        let packages: Vec<String> = packages
            .iter()
            .map(|(package, version)| format!("{package} {}", text(version)))
            .collect();
        let sum = |count: &dyn Fn(&Trace) -> usize| -> usize { recording.traces.iter().map(count).sum() };
        let _ = writeln!(
            overview,
            "| {name} | {} | {} | {} | {} | {in_part} | {} | {} | {} | {} |",
            packages.join(", "),
            text(&recording.header["node"]).trim_start_matches('v'),
            recording.header["seed"],
            recording.traces.len(),
            sum(&|trace| trace.inputs.len()),
            sum(&together),
            at_ends(&component, &recording),
            sum(&|trace| trace.decisions.len()),
        );
        let count = |lines: &dyn Fn(&Trace) -> &Vec<Line>| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for line in recording.traces.iter().flat_map(lines) {
                for kind in kinds_of(&component, line) {
                    *counts.entry(kind).or_default() += 1;
                }
            }
            let shown: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
            shown.join("; ")
        };
        let _ = write!(
            kinds,
            "\n**{name}**\n\n- in: {}\n- decided: {}\n",
            count(&|trace| &trace.inputs),
            count(&|trace| &trace.decisions),
        );
    }
    format!("{BEGIN}\n{overview}{kinds}\n{END}")
}

// Lost if broken: what the page says the traces cover.
#[test]
fn the_page_counts_what_is_in_the_traces() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the first mark");
    let (_, after) = rest.split_once(END).expect("the last mark");
    let counted = format!("{before}{}{after}", tables());
    if std::env::var_os("HIGHWATER_UPDATE").is_some() {
        std::fs::write(&path, counted).expect("the page can be written");
        return;
    }
    assert!(
        page == counted,
        "docs/conformance.md is behind the traces; to renew it: \
         HIGHWATER_UPDATE=1 cargo test -p highwater-tests --test conformance page"
    );
}
