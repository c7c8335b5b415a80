//! Every face of checked files, made by hand.

use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::record::baseline::{Baseline, BaselineFigure, BaselineRun};
use highwater_models::record::figures::{Path, Unit};
use highwater_models::review::{Finding, Review, Severity};
use highwater_sim::change;
use highwater_sim::decide::needed;

use super::*;
use crate::paint::Paint;
use crate::sample;

fn checked(file: &str, summary: Summary, against: Against) -> Checked {
    let count = summary.replications;
    let needed: Vec<Needed> = summary
        .objectives
        .iter()
        .map(|objective| needed(objective, count))
        .collect();
    Checked {
        file: file.to_owned(),
        kind: Kind::Scenario,
        title: summary.title.clone(),
        complaints: Vec::new(),
        review: Some((
            Review {
                findings: vec![Finding {
                    id: "pools-do-not-fit",
                    severity: Severity::Contradiction,
                    subject: "connections.max".to_owned(),
                    title: "the pools do not fit".to_owned(),
                    arithmetic: "20 x 10 instances = 200; 25 - 3 reserved = 22".to_owned(),
                    cure: "--set connections.max=2".to_owned(),
                }],
                allowed: Vec::new(),
            },
            vec![None],
        )),
        run: Some(Run {
            places: vec![None; needed.len()],
            summary,
            needed,
            looks: 1,
            against,
        }),
        trouble: None,
    }
}

fn open() -> Summary {
    let mut summary = sample::calm();
    summary.objectives = vec![sample::objective("p95", 2.01, Unit::Seconds, 2.0, None)];
    summary
}

/// Slower than before under another plan.
fn slower() -> Against {
    let run = |p95: [f64; 3], plan: &str| BaselineRun {
        file: "spike.toml".to_owned(),
        scenario: "spike".to_owned(),
        model_hash: plan.to_owned(),
        seed: 1,
        replications: 3,
        settings: vec![("web.plan".to_owned(), format!("{plan:?}"))],
        figures: vec![
            BaselineFigure {
                path: Path::new(&["latency", "p95"]),
                unit: Unit::Seconds,
                samples: p95.to_vec(),
            },
            BaselineFigure {
                path: Path::new(&["errors", "rate"]),
                unit: Unit::Share,
                samples: vec![0.0, 0.01, 0.0],
            },
        ],
        objectives: vec![("p95".to_owned(), Some(plan == "pro"))],
        bottlenecks: if plan == "pro" {
            Vec::new()
        } else {
            vec!["web".to_owned()]
        },
    };
    let baseline = Baseline {
        version: "0.1.0".to_owned(),
        runs: vec![run([1.0, 1.2, 1.1], "pro")],
    };
    let now = run([1.5, 1.72, 1.61], "starter");
    Against::Change(Box::new(change::change(&baseline, &baseline.runs[0], "0.1.0", &now)))
}

fn invalid() -> Checked {
    let text = "duration = \"1m\"\nload = { rate = 5 per second }\n";
    let loaded = load_scenario(Request::new("broken.toml", text), &NoFiles, |_| None);
    Checked {
        complaints: loaded
            .diagnostics
            .iter()
            .map(|diagnostic| Complaint {
                data: diagnostic.to_data(&loaded.sources),
                text: diagnostic.to_text(&loaded.sources, false),
            })
            .collect(),
        review: None,
        run: None,
        ..checked("broken.toml", Summary::default(), Against::Nothing)
    }
}

fn all() -> Vec<Checked> {
    let mut calm = checked("calm.toml", sample::calm(), Against::NotInBaseline);
    calm.review = None;
    let mut open = checked("open.toml", open(), Against::Nothing);
    open.review = None;
    vec![calm, open, checked("spike.toml", sample::broken(), slower()), invalid()]
}

// Lost if broken: what a reader at a terminal sees. Read it when it changes.
#[test]
fn a_terminal_shows_what_is_to_be_known() {
    let text = render(&all(), Paint::Plain);
    insta::assert_snapshot!("check", text);
    // Diagnostics keep the width of their file.
    for line in text.lines().filter(|line| !line.contains('|')) {
        assert!(
            line.chars().count() <= crate::table::WIDTH && line.trim_end() == line,
            "{line:?}"
        );
    }
}

// Lost if broken: what reviewers of a pull request see. Read it when it changes.
#[test]
fn a_pull_request_shows_the_same() {
    insta::assert_snapshot!("check-markdown", markdown::render(&all()));
}

// Lost if broken: a pipeline that is green on the worst of several files.
#[test]
fn the_worst_file_counts() {
    let files = all();
    let standings: Vec<Standing> = files.iter().map(Checked::standing).collect();
    use Standing::{Broken, Holds, Invalid, Undecided};
    assert_eq!(standings, [Holds, Undecided, Broken, Invalid]);
    assert_eq!(worst(&files), Invalid);
    assert_eq!(worst(&files[..2]), Undecided);
    assert_eq!(
        headline(&files),
        "Of 4 files 1 holds, 1 is not decided, 1 does not hold, 1 has mistakes."
    );
    assert_eq!(headline(&files[..1]), "It holds.");
}

// Lost if broken: a design that contradicts itself passes because its objectives are met.
#[test]
fn a_contradiction_breaks_what_holds() {
    let file = checked("calm.toml", sample::calm(), Against::Nothing);
    assert_eq!(file.standing(), Standing::Broken);
}

// Lost if broken: a run that could not be finished counts as one that holds.
#[test]
fn what_could_not_be_run_says_why() {
    let file = Checked {
        run: None,
        trouble: Some("time stands still at 0 s".to_owned()),
        ..checked("still.toml", Summary::default(), Against::Nothing)
    };
    assert_eq!(file.standing(), Standing::Unfinished);
    let files = [file];
    assert!(render(&files, Paint::Plain).contains("It could not be run: time stands still at 0 s."));
    assert!(markdown::render(&files).contains("It could not be run: time stands still at 0 s."));
    assert!(
        junit::text(&files, false)
            .expect("memory")
            .contains("<error message=\"time stands still")
    );
    let lines = annotations::lines(&files, false, &|_| None);
    assert!(
        lines[0].starts_with("::error title=Highwater%3A unfinished::could not be run: time"),
        "{lines:?}"
    );
}

// Lost if broken: a check of a stranger's files whose page runs a script or asks a server, or bytes that differ for nothing.
#[test]
fn a_page_is_sound_whatever_the_files_say() {
    let report = |files: &[Checked]| page(files, plots(files), "highwater check .", "0.1.0");
    let mut files = all();
    crate::page::tests::assert_sound(&report(&files));
    assert_eq!(crate::page::html(&report(&files)), crate::page::html(&report(&files)));
    let attack = crate::page::tests::ATTACK;
    files[0].file = attack.to_owned();
    files[1].trouble = Some(attack.to_owned());
    // The fence around these lines is longer than any in them, which a test that splits at back quotes does not know.
    let lines = attack.replace('`', "'");
    files[3].complaints[0].text = format!("{lines}\n  {lines}");
    if let Some(run) = &mut files[2].run {
        run.summary.objectives[0].name = format!("endpoint.\"{attack}\".p95");
        run.summary.bottlenecks[0].limit = attack.to_owned();
    }
    crate::page::tests::assert_sound(&report(&files));
    crate::page::tests::assert_sound(&report(&files[..1]));
}

// Lost if broken: a page that leaves out what another face of the same check shows.
#[test]
fn a_page_has_every_file_with_mistakes_objectives_and_changes() {
    let files = all();
    let text = crate::page::html(&page(&files, plots(&files), "highwater check .", "0.1.0"));
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}"));
    let order = [
        "There are mistakes",
        "1 does not hold, 1 has mistakes",
        ">All files</h2>",
        "Objectives in per cent of their bounds",
        ">✓ calm.toml: holds</h2>",
        "The baseline has no run of this scenario.",
        ">? open.toml: not decided</h2>",
        ">✗ spike.toml: does not hold</h2>",
        "Worse than the baseline:",
        "the pools do not fit",
        ">✗ broken.toml: has mistakes</h2>",
        "load = { rate = 5 per second }\n",
        "highwater check .",
    ];
    assert!(
        order.windows(2).all(|pair| place(pair[0]) < place(pair[1])),
        "{:?}",
        order.map(place)
    );
}
