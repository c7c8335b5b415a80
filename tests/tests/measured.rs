//! A simulation held against a measured run: agreement where both are the same, differences of the right size in the right
//! place, and the command as a user runs it. The measured runs are simulated ones of other models or seeds, so that it is
//! known what has to come out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use highwater_models::file::Plan;
use highwater_report::compare::measured as shown;
use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::trace::Trace;
use highwater_sim::compare::measured::{Agreement, Basis, Run, Tolerance, Verdict, hold};
use highwater_sim::experiment::Options;
use highwater_tests::run::{highwater, plan, run_with};
use serde_json::Value;

/// Some work that takes its time and one server with a line before it, for so many seconds at such a load.
fn model(duration: u32, load: &str, io: &str, service: &str) -> Plan {
    plan(&format!(
        r#"
duration = "{duration}s"
replications = 5
[load]
{load}
[system.pool.servers]
max = 1
timeout = "3s"
[system.endpoint.job]
steps = [
  {{ io = {{ dist = "exponential", mean = "{io}" }} }},
  {{ take = {{ from = "servers", for = {{ dist = "exponential", mean = "{service}" }} }} }},
]
"#
    ))
}

fn run(plan: &Plan, seed: u64, replications: u32) -> Run {
    let options = Options {
        seed: Some(seed),
        replications: Some(replications),
        jobs: 2,
        requests: true,
    };
    let outcome = run_with(plan, &options);
    Run {
        name: format!("seed {seed}"),
        trace: outcome.requests.as_ref().map(Trace::from),
        summary: outcome.summary,
        timeline: Some(outcome.timeline),
        ..Run::default()
    }
}

fn compared(simulated: &Run, measured: Run) -> Agreement {
    hold(simulated, &[measured], &Tolerance::default())
}

// Lost if broken: a page of differences where there are none. Each figure may seem to differ under 1 seed in 20. Of 40 seeds
// more than 9 would come by chance with probability 1.4e-4 (binomial), and with fifteen figures once in 500 times; the seeds are
// fixed, so that it is no matter of luck from one run to the next. All figures together may not differ more often than one
// that is at its bound of 99.9 %: 7 of 40, 17.5 %, for the figures of a run depend on one another.
#[test]
fn the_same_model_under_another_seed_agrees() {
    const SEEDS: u64 = 40;
    let model = model(400, "rate = 5.0", "50ms", "120ms");
    let mut differ: BTreeMap<String, u32> = BTreeMap::new();
    let (mut all, mut differing, mut batches) = (0, 0, 0);
    for seed in 0..SEEDS {
        // Both sides have luck of their own each time.
        let found = compared(&run(&model, 2000 + seed, 5), run(&model, 1000 + seed, 1));
        assert!(found.pairing.is_none(), "seed {seed} met the same people");
        all += found.compared();
        differing += found.count(|verdict| verdict == Verdict::Differs);
        batches += found
            .figures
            .iter()
            .filter(|held| held.basis == Some(Basis::Batches))
            .count();
        for held in found.figures.iter().filter(|held| held.verdict == Verdict::Differs) {
            *differ.entry(held.path.to_string()).or_default() += 1;
        }
    }
    assert!(
        all > 10 * SEEDS as usize && batches > 0,
        "{all} figures, {batches} from batches"
    );
    assert!(differ.values().all(|&count| count <= 9), "{differ:?}");
    assert!(
        differing as f64 <= 0.175 * all as f64,
        "{differing} of {all}: {differ:?}"
    );
}

// Lost if broken: a slower part is not found, or another one is blamed. What takes 50 ms on average takes 60 ms in the measured
// run; the draws are the same, so that each request's time in it is 1.2 times as long.
#[test]
fn a_part_that_is_slower_is_found_with_its_size() {
    let simulated = run(&model(400, "rate = 5.0", "50ms", "60ms"), 7, 5);
    let found = compared(&simulated, run(&model(400, "rate = 5.0", "60ms", "60ms"), 7, 1));
    let pairing = found.pairing.as_ref().expect("the same people");
    assert_eq!((pairing.only_simulated, pairing.only_measured), (0, 0));
    let io = found.get(&["breakdown", "all", "io"]).expect("a stage");
    assert_eq!((io.basis, io.verdict), (Some(Basis::SamePeople), Verdict::Differs));
    assert!((io.ratio() + 1.0 / 6.0).abs() < 1e-3, "{io:?}");
    let (low, high) = (
        io.difference.low.expect("an interval"),
        io.difference.high.expect("an interval"),
    );
    // 400 s · 5 draws of an exponential law: the mean is within 10 % of 10 ms.
    assert!(low < -0.009 && high > -0.011 && low < high, "{io:?}");
    assert_eq!(found.stages().first().expect("stages").path, io.path);
    // Stages add up to the whole.
    let mean = found.get(&["latency", "mean"]).expect("a figure");
    let sum: f64 = found.group(Group::Stage).map(|held| held.difference.value).sum();
    assert!((sum - mean.difference.value).abs() < 1e-6, "{sum} for {mean:?}");
    assert!(!found.agrees());
    let words = shown::sentences(&found).join(" ");
    assert!(words.contains("too low") && words.contains("same people"), "{words}");
    // With a tolerance of a quarter it is one.
    let generous = Tolerance {
        all: 0.25,
        own: Vec::new(),
    };
    let found = hold(
        &simulated,
        &[run(&model(400, "rate = 5.0", "60ms", "60ms"), 7, 1)],
        &generous,
    );
    assert_eq!(found.count(|verdict| verdict == Verdict::Differs), 0);
}

// Lost if broken: repeats of a load test stand beside the wrong replications, or only the first is looked at.
#[test]
fn repeats_stand_beside_the_replications_that_they_played() {
    let slow = model(200, "rate = 5.0", "60ms", "60ms");
    let simulated = run(&model(200, "rate = 5.0", "50ms", "60ms"), 9, 5);
    let half_width = |repeats: u32| {
        let found = compared(&simulated, run(&slow, 9, repeats));
        assert!(found.pairing.is_some());
        let io = found.get(&["breakdown", "all", "io"]).expect("a stage");
        assert_eq!(io.basis, Some(Basis::SamePeople));
        assert!((io.ratio() + 1.0 / 6.0).abs() < 1e-3, "{io:?}");
        io.difference.half_width().expect("an interval")
    };
    // Four times as many requests: half as wide, and never wider than three quarters of it.
    let (one, four) = (half_width(1), half_width(4));
    assert!(four < 0.75 * one, "{four} of {one}");
}

// Lost if broken: nothing to be read from a pair of runs that are one and the same.
#[test]
fn a_run_agrees_with_itself_request_by_request() {
    let model = model(100, "rate = 5.0", "50ms", "120ms");
    let found = compared(&run(&model, 3, 4), run(&model, 3, 1));
    let pairing = found.pairing.as_ref().expect("the same people");
    assert_eq!(pairing.replication, 0);
    assert!(pairing.pairs > 400);
    assert_eq!(
        (pairing.same_outcome, pairing.same_latency),
        (pairing.pairs, pairing.useful)
    );
    assert_eq!((&pairing.first_outcome, &pairing.first_latency), (&None, &None));
    // A percentile that too few have seen stays undecided, whatever stands beside it.
    assert_eq!(found.count(|verdict| verdict == Verdict::Differs), 0);
    let paired = || {
        found
            .figures
            .iter()
            .filter(|held| held.basis == Some(Basis::SamePeople))
    };
    assert!(paired().count() > 5 && paired().all(|held| held.verdict == Verdict::Agrees));
    let sessions = found.get(&["sessions", "offered"]).expect("a figure");
    assert_eq!(sessions.difference.value, 0.0);
}

// Lost if broken: an operator is told that the model is wrong, and not that it is right up to a load. The measured server is
// a tenth slower, which an idle one hides under the other work and a busy one multiplies.
#[test]
fn regions_say_up_to_which_load_the_model_holds() {
    let load = "rate = { from = 1.0, to = 8.0 }";
    let simulated = run(&model(600, load, "50ms", "100ms"), 5, 5);
    let found = compared(&simulated, run(&model(600, load, "50ms", "115ms"), 5, 1));
    assert_eq!(found.regions.len(), 4);
    let mean = |region: usize| {
        let figures = &found.regions[region].figures;
        figures
            .iter()
            .find(|figure| figure.path.0 == ["latency", "mean"])
            .expect("a mean")
            .difference
            .value
    };
    assert!(found.regions[3].differs());
    assert!(mean(3) < 3.0 * mean(0), "{} and {}", mean(0), mean(3));
    assert!(found.regions.windows(2).all(|pair| pair[0].to <= pair[1].from));
    // A flat load has no regions.
    let flat = model(200, "rate = 5.0", "50ms", "100ms");
    assert!(compared(&run(&flat, 1, 3), run(&flat, 2, 1)).regions.is_empty());
}

/// A scenario that is run for real, as far as a test can tell: simulated, with the mark of a measured run.
fn measured(folder: &Path, name: &str, scenario: &Path, more: &[&str]) -> PathBuf {
    let out = folder.join(name);
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let (scenario, path) = (text(scenario), text(&out));
    let arguments = [
        &[
            "run",
            &scenario,
            "--out",
            &path,
            "--requests",
            "--replications",
            "1",
            "--undecided",
            "pass",
        ],
        more,
    ]
    .concat();
    let ran = highwater().args(&arguments).output().expect("it starts");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let summary = out.join("summary.json");
    let mut root: Value = serde_json::from_str(&fs::read_to_string(&summary).expect("written")).expect("JSON");
    root["source"] = "measured".into();
    root["target"] = "http://127.0.0.1:8080".into();
    root["lateness"] = serde_json::json!({ "p99": 0.0004 });
    fs::write(&summary, root.to_string()).expect("written");
    fs::remove_file(out.join("replications.csv")).expect("removed");
    out
}

fn compare(arguments: &[&str], code: i32) -> (String, String) {
    let ran = highwater().arg("compare").args(arguments).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(
        ran.status.code(),
        Some(code),
        "{}{}",
        text(&ran.stdout),
        text(&ran.stderr)
    );
    (text(&ran.stdout), text(&ran.stderr))
}

const SCENARIO: &str = r#"
duration = "1000s"
replications = 5
[load]
rate = 5.0
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ { io = "50ms" }, { take = { from = "servers", for = { dist = "exponential", mean = "100ms" } } } ]
"#;

// Lost if broken: the exit code of a check in CI, which side is which, and what is left on disk.
#[test]
fn a_measured_run_is_found_on_either_side() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("one.toml");
    fs::write(&scenario, SCENARIO).expect("written");
    let real = measured(folder.path(), "real", &scenario, &[]);
    let slow = measured(folder.path(), "slow", &scenario, &["--set", "load.rate=8"]);
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let (scenario, real, slow, out) = (
        text(&scenario),
        text(&real),
        text(&slow),
        text(&folder.path().join("out")),
    );
    // A scenario is simulated under the measured run's seed.
    let (json, _) = compare(&[&scenario, &real, "--format", "json", "--out", &out], 0);
    assert_eq!(
        fs::read_to_string(Path::new(&out).join("comparison.json")).expect("written"),
        json
    );
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["kind"], "measured");
    assert_eq!(value["target"], "http://127.0.0.1:8080");
    assert_eq!(value["pairs"]["requests"], value["pairs"]["same_outcome"]);
    let (other, _) = compare(&[&real, &scenario, "--format", "json"], 0);
    assert_eq!(other, json);
    let (table, _) = compare(&[&scenario, &slow], 1);
    assert!(
        table.contains("Differs.") && table.contains("warning[different-load]"),
        "{table}"
    );
    compare(&[&scenario, &real, "--set-b", "load.rate=8"], 2);
    compare(&[&scenario, &scenario, "--tolerance", "10%"], 2);
    // More runs of the same people are added up.
    let (csv, _) = compare(&[&scenario, &real, "--measured-also", &real, "--format", "csv"], 0);
    assert!(
        csv.starts_with("metric,unit,simulated,measured,difference,low,high,"),
        "{csv}"
    );
    let page = folder.path().join("page.html");
    compare(&[&scenario, &real, "--report", &text(&page)], 0);
    assert!(
        fs::read_to_string(page)
            .expect("written")
            .contains("Side by side over time")
    );
}

// Lost if broken: a run that was killed, or copied in part, ends in a panic or in figures that are not its own.
#[test]
fn what_is_missing_or_broken_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = folder.path().join("one.toml");
    fs::write(&scenario, SCENARIO).expect("written");
    let real = measured(folder.path(), "real", &scenario, &[]);
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let (scenario, name) = (text(&scenario), text(&real));
    let requests = real.join("requests.csv");
    let whole = fs::read_to_string(&requests).expect("written");
    fs::write(&requests, &whole[..whole.len() - 40]).expect("written");
    let (table, _) = compare(&[&scenario, &name], 0);
    assert!(table.contains("warning[damaged]"), "{table}");
    fs::write(&requests, [0xff; 100_000]).expect("written");
    let ran = |code: i32| compare(&[&scenario, &name], code).0;
    // Nothing but the summary is left: figures are compared, as sure as replications say.
    let table = ran(0);
    assert!(
        table.contains("warning[damaged]") && table.contains("warning[no-requests-measured]"),
        "{table}"
    );
    fs::remove_file(&requests).expect("removed");
    fs::write(real.join("timeline.csv"), "nonsense").expect("written");
    assert!(ran(0).contains("timeline.csv cannot be read"));
    // Without a tenth of its text the summary is no JSON.
    let summary = real.join("summary.json");
    let text = fs::read_to_string(&summary).expect("written");
    fs::write(&summary, &text[..text.len() * 9 / 10]).expect("written");
    let (_, stderr) = compare(&[&scenario, &name], 2);
    assert!(stderr.contains("it is not JSON"), "{stderr}");
    fs::remove_file(&summary).expect("removed");
    let (_, stderr) = compare(&[&scenario, &name], 2);
    assert!(stderr.contains("summary.json"), "{stderr}");
}
