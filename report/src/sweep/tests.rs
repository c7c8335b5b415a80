//! A small study as its readers see it.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::Objective;
use highwater_models::record::sweep::{Axis, Design, Level, Metric, Point, Precision};
use highwater_sim::sweep::findings::findings;

use super::journal::{design_line, point_line, read_design, read_point};
use super::plan::{Extent, progress, statement};
use super::{csv, is_met, is_missed, json, terminal};
use crate::page::tests::{ATTACK, assert_sound};
use crate::page::{Page, html, markdown};
use crate::paint::Paint;
use crate::table::WIDTH;

fn axis(name: &str, levels: &[(&str, &[(&str, &str)])]) -> Axis {
    let level = |(label, settings): &(&str, &[(&str, &str)])| Level {
        label: (*label).to_owned(),
        settings: settings
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect(),
    };
    Axis {
        name: name.to_owned(),
        levels: levels.iter().map(level).collect(),
    }
}

fn design(axes: Vec<Axis>) -> Design {
    Design {
        name: "rush".to_owned(),
        title: "A rush".to_owned(),
        question: "How many instances does a rush need?".to_owned(),
        version: "0.1.0".to_owned(),
        hash: "9f3c".to_owned(),
        seed: 1,
        replications: 5,
        must_hold: "every".to_owned(),
        axes,
        metrics: ["latency.p95", "errors.rate", "cost.month"].map(str::to_owned).to_vec(),
        ..Design::default()
    }
}

fn near(value: f64) -> Estimate {
    Estimate {
        value,
        low: Some(value * 0.98),
        high: Some(value * 1.02),
    }
}

/// Figures made up: latency falls with the second axis and grows with the first.
fn points(design: &Design) -> Vec<Point> {
    let point = |number: usize| {
        let levels = design.levels_of(number);
        let load = levels[0] as f64 + 1.0;
        let instances = levels.get(1).map_or(1.0, |&level| level as f64 + 1.0);
        let p95 = load / instances;
        let met = if (p95 - 1.0).abs() < 1e-9 {
            None
        } else {
            Some(p95 < 1.0)
        };
        let metric = |path: &str, unit, value: f64| Metric {
            path: path.to_owned(),
            unit,
            estimate: near(value),
            samples: [0.99, 1.0, 1.01, 1.02, 0.98].map(|times| times * value).to_vec(),
        };
        Point {
            number,
            scenario: "rush".to_owned(),
            system: "A product".to_owned(),
            model_hash: format!("{number:04x}"),
            replications: 5,
            events: 1000,
            metrics: vec![
                metric("latency.p95", Unit::Seconds, p95),
                metric("errors.rate", Unit::Share, 0.0),
                metric("cost.month", Unit::Dollars, 25.0 * instances),
            ],
            objectives: vec![Objective {
                name: "p95".to_owned(),
                target: 1.0,
                at_most: true,
                unit: Unit::Seconds,
                value: near(p95),
                met,
            }],
            first_limit: (p95 > 1.0).then(|| ("web".to_owned(), "0.5 CPU per instance".to_owned())),
            warnings: if p95 > 2.0 {
                vec![(
                    "still-growing".to_owned(),
                    format!("The line was still growing: {p95} at the end."),
                )]
            } else {
                Vec::new()
            },
        }
    };
    (0..design.points()).map(point).collect()
}

fn small() -> Design {
    design(vec![
        axis(
            "load.rate",
            &[
                ("10", &[("load.rate", "10")]),
                ("20", &[("load.rate", "20")]),
                ("40", &[("load.rate", "40")]),
            ],
        ),
        axis(
            "size",
            &[
                ("small", &[("web.plan", "starter"), ("web.instances", "1")]),
                ("large", &[("web.plan", "pro"), ("web.instances", "2")]),
            ],
        ),
    ])
}

fn large() -> Design {
    let levels: Vec<String> = (1..=12).map(|level| level.to_string()).collect();
    let axis = |name: &str, count: usize| Axis {
        name: name.to_owned(),
        levels: levels[..count]
            .iter()
            .map(|label| Level {
                label: label.clone(),
                settings: vec![(name.to_owned(), label.clone())],
            })
            .collect(),
    };
    design(vec![axis("load.rate", 12), axis("web.instances", 4)])
}

fn shown(design: &Design) -> String {
    let points = points(design);
    terminal::render(design, &points, &findings(design, &points), Paint::Plain)
}

// Lost if broken: a study as its reader sees it. Read it when it changes.
#[test]
fn a_small_study_is_a_list_and_a_large_one_goes_crosswise() {
    insta::assert_snapshot!("small", shown(&small()));
    insta::assert_snapshot!("large", shown(&large()));
}

// Lost if broken: a sentence that lists every combination of the other axes, or leaves one out.
#[test]
fn what_lines_have_in_common_is_said_once_and_the_rest_is_otherwise() {
    let levels: [(&str, &[(&str, &str)]); 2] = [("1", &[]), ("2", &[])];
    let design = design(vec![
        axis("people", &levels),
        axis("instances", &levels),
        axis("pool", &levels),
    ]);
    let told = |breaks: &[[usize; 3]]| {
        let mut points = points(&design);
        for point in &mut points {
            let breaks = breaks.iter().any(|levels| design.levels_of(point.number) == levels);
            point.objectives.iter_mut().for_each(|one| one.met = Some(!breaks));
        }
        let found = findings(&design, &points);
        super::sentences::all(&design, &points, &found).join(" ")
    };
    let one = told(&[[1, 1, 1]]);
    assert!(
        one.contains(
            "Along people: with instances = 2, pool = 2 it holds at 1 and not at 2, where it misses p95 latency; otherwise \
             it holds everywhere."
        ),
        "{one}"
    );
    let all_pools = told(&[[1, 1, 0], [1, 1, 1]]);
    assert!(
        all_pools.contains(
            "Along people: with instances = 1 it holds everywhere; with instances = 2 it holds at 1 and not at 2, where it \
             misses p95 latency."
        ),
        "{all_pools}"
    );
}

// Lost if broken: reports that wrap.
#[test]
fn every_report_is_narrow() {
    let mut wide = small();
    wide.axes[1].name = "a name ".repeat(12);
    wide.axes[1].levels[0].label = "a label ".repeat(12);
    let three = design(vec![
        large().axes[0].clone(),
        large().axes[1].clone(),
        small().axes[1].clone(),
    ]);
    let one = design(vec![axis("only", &[("one", &[])])]);
    for design in [small(), large(), wide, three, one] {
        for line in shown(&design).lines() {
            assert!(line.chars().count() <= WIDTH && line.trim_end() == line, "{line:?}");
        }
    }
}

// Lost if broken: an interrupted study that goes on with other figures than it stopped with.
#[test]
fn a_journal_is_read_back_to_the_last_bit() {
    let mut design = small();
    design.precision = Some(Precision {
        width: 0.05,
        of: vec!["latency.p95".to_owned()],
        most: 100,
    });
    assert_eq!(read_design(&design_line(&design)), Some(design.clone()));
    let mut points = points(&design);
    points[0].metrics[0].samples = vec![0.1 + 0.2, 1e-300, f64::MAX];
    points[0].metrics[0].estimate.low = None;
    for point in &points {
        let line = point_line(point);
        assert_eq!(read_point(&line).as_ref(), Some(point));
        // A line that was torn off anywhere is no point.
        assert!((0..line.len() - 1).all(|end| {
            line.get(..end)
                .is_none_or(|torn| read_point(torn).is_none() || torn.len() + 1 == line.len())
        }));
    }
    points[1].metrics[0].samples[0] = f64::NAN;
    let again = read_point(&point_line(&points[1])).expect("a point");
    assert!(again.metrics[0].samples[0].is_nan());
    assert_eq!(read_design(&point_line(&points[0])), None);
    assert_eq!(read_point(&design_line(&design)), None);
}

// Lost if broken: the columns that scripts and spreadsheets read.
#[test]
fn tables_have_a_column_for_each_axis_and_setting() {
    let design = small();
    let points = points(&design);
    let text = |write: &dyn Fn(&mut Vec<u8>) -> std::io::Result<()>| {
        let mut bytes = Vec::new();
        write(&mut bytes).expect("a vector takes everything");
        String::from_utf8(bytes).expect("text")
    };
    let tidy = text(&|out| csv::tidy(&design, &points, out));
    let lines: Vec<&str> = tidy.lines().collect();
    assert_eq!(
        lines[0],
        "point,load.rate,size,web.plan,web.instances,metric,unit,value,low,high,replications"
    );
    assert_eq!(lines[1], "0,10,small,starter,1,latency.p95,s,1,0.98,1.02,5");
    assert_eq!(lines[4], "0,10,small,starter,1,holds,,,,,5");
    assert_eq!(lines[8], "1,10,large,pro,2,holds,,1,,,5");
    assert_eq!(lines.len(), 1 + 6 * 4);
    let wide = text(&|out| csv::wide(&design, &points, out));
    let lines: Vec<&str> = wide.lines().collect();
    assert!(lines[0].starts_with(
        "point,load.rate,size,web.plan,web.instances,replications,objectives,missed,latency.p95,latency.p95 low,"
    ));
    assert!(lines[3].starts_with("2,20,small,starter,1,5,breaks,p95,2,1.96,2.04,"));
    assert_eq!(lines.len(), 7);
}

// Lost if broken: a pipeline that goes green on a point that breaks.
#[test]
fn must_hold_says_which_points_decide() {
    let mut design = small();
    let points = points(&design);
    for (must_hold, met, missed) in [("every", false, true), ("one", true, false), ("none", true, false)] {
        design.must_hold = must_hold.to_owned();
        assert_eq!(
            (is_met(&design, &points), is_missed(&design, &points)),
            (met, missed),
            "{must_hold}"
        );
    }
    let value = json::value(&design, &points, &findings(&design, &points));
    assert_eq!(value["points"][2]["axes"]["size"], "small");
    assert_eq!(value["points"][2]["settings"]["web.plan"], "starter");
    assert_eq!(value["points"][2]["standing"], "breaks");
    assert_eq!(value["counts"]["points"], 6);
}

// Lost if broken: a plan that promises another number of runs than there are.
#[test]
fn the_plan_is_said_with_its_arithmetic() {
    let design = small();
    let all = Extent {
        mine: 6,
        there: 0,
        jobs: 2,
    };
    assert_eq!(
        statement(&design, &all),
        "6 points (3 × 2) × 5 replications = 30 runs, seed 1, on 2 threads"
    );
    let part = Extent {
        mine: 3,
        there: 1,
        jobs: 1,
    };
    assert_eq!(
        statement(&design, &part),
        "6 points (3 × 2) × 5 replications = 30 runs, seed 1, on 1 thread; 3 of the points are this shard's; 1 there \
         already, 2 to run"
    );
    assert_eq!(
        progress(120, 1000, 20.0, 900, 60.0),
        "120 of 1,000 points, about 44 min left"
    );
}

fn report(design: &Design) -> Page {
    let points = points(design);
    let found = findings(design, &points);
    super::page(
        design,
        &points,
        &found,
        super::plots(design, &points, &found),
        "highwater sweep rush",
    )
}

// Lost if broken: a study from a stranger whose report runs a script or asks a server, or a page of two studies in which
// the bytes differ for nothing.
#[test]
fn a_page_is_sound_whatever_the_study_says() {
    let mut hostile = small();
    for text in [&mut hostile.title, &mut hostile.question, &mut hostile.hash] {
        *text = ATTACK.to_owned();
    }
    hostile.axes[0].name = ATTACK.to_owned();
    hostile.axes[1].levels[0].label = ATTACK.to_owned();
    let three = design(vec![
        small().axes[0].clone(),
        large().axes[1].clone(),
        small().axes[1].clone(),
    ]);
    let one = design(vec![axis("only", &[("one", &[])])]);
    for design in [small(), large(), hostile, three, one] {
        let page = report(&design);
        assert_sound(&page);
        assert_eq!(html(&page), html(&report(&design)));
    }
}

// Lost if broken: the comment in a pull request. Read it when it changes.
#[test]
fn the_comment_reads_from_what_holds_to_how_to_repeat_it() {
    insta::assert_snapshot!("comment", markdown(&report(&small())));
}

// Lost if broken: curves that say nothing of a second axis, and plots of the same points twice.
#[test]
fn curves_follow_each_axis_and_have_a_line_for_each_level_of_another() {
    let names = |design: &Design| -> Vec<String> {
        let points = points(design);
        let plots = super::plots(design, &points, &findings(design, &points));
        plots.into_iter().map(|plot| plot.name).collect()
    };
    assert_eq!(
        names(&small()),
        ["latency-p95-along-load-rate", "cost-month-along-load-rate"]
    );
    assert_eq!(
        names(&large()),
        [
            "latency-p95-along-load-rate",
            "cost-month-along-load-rate",
            "latency-p95-along-web-instances",
            "cost-month-along-web-instances"
        ]
    );
    let design = small();
    let points = points(&design);
    let plots = super::plots(&design, &points, &findings(&design, &points));
    let crate::plot::Kind::Lines(lines) = &plots[0].kind else {
        panic!("lines")
    };
    let series: Vec<&str> = lines.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(series, ["size = small", "size = large"]);
    let first = lines.series[0].points[2];
    assert_eq!((first.x, first.y, first.low, first.high), (40.0, 3.0, 2.94, 3.06));
    assert_eq!(lines.limits[0].value, 1.0);
    assert_eq!(
        plots[0].finding,
        "With size = small: 1 s at 10, 3 s at 40; with size = large: 500 ms at 10, 1.5 s at 40."
    );
}
