//! The crew: same points whatever the threads, more replications where asked, and what stops it.

use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use highwater_models::file::Plan;
use highwater_models::record::figures::{Estimate, Unit};
use highwater_models::record::summary::Objective;
use highwater_models::record::sweep::{Axis, Design, Level, Metric, Point, Standing};

use super::findings::{Because, findings};
use super::{Settings, Study, SweepError, run};
use crate::experiment::{Options, run_precisely};
use crate::outcome::sample;
use crate::precision::Precision;

/// Points that differ in how long they run.
struct Lengths {
    points: Mutex<Vec<Point>>,
    /// The point whose plan cannot be had.
    without: Option<usize>,
    /// How many are kept before the disk is full.
    room: usize,
}

impl Study for Lengths {
    fn plan(&self, point: usize) -> Result<Plan, String> {
        if self.without == Some(point) {
            return Err("gone".to_owned());
        }
        Ok(sample::plan(&format!("duration = \"{}s\"", 20 + 17 * point)))
    }

    fn finished(&self, point: Point) -> Result<(), String> {
        let mut points = self.points.lock().unwrap();
        if points.len() == self.room {
            return Err("full".to_owned());
        }
        points.push(point);
        Ok(())
    }

    fn progress(&self, _: f64) {}
}

fn settings(jobs: usize, precision: Option<Precision>) -> Settings {
    Settings {
        seed: 3,
        replications: 3,
        precision,
        metrics: ["latency.mean", "goodput", "nothing.such"].map(str::to_owned).to_vec(),
        jobs,
    }
}

fn swept(count: usize, settings: &Settings) -> Vec<Point> {
    let study = Lengths {
        points: Mutex::default(),
        without: None,
        room: usize::MAX,
    };
    let points: Vec<usize> = (0..count).collect();
    run(&points, settings, &study, &AtomicBool::new(false)).unwrap();
    let mut points = study.points.into_inner().unwrap();
    points.sort_by_key(|point| point.number);
    points
}

fn narrow() -> Precision {
    Precision::from(&highwater_models::record::sweep::Precision {
        width: 0.1,
        of: vec!["latency.mean".to_owned(), "nothing.such".to_owned()],
        most: 40,
    })
}

// Lost if broken: another answer on a machine with more cores; a point that is lost or run twice.
#[test]
fn points_do_not_depend_on_the_number_of_threads() {
    for precision in [None, Some(narrow())] {
        let alone = swept(5, &settings(1, precision.clone()));
        assert_eq!(
            alone.iter().map(|point| point.number).collect::<Vec<_>>(),
            [0, 1, 2, 3, 4]
        );
        assert!(alone.iter().all(|point| point.metrics.len() == 2));
        for jobs in [2, 7] {
            let crew = swept(5, &settings(jobs, precision.clone()));
            assert_eq!(format!("{alone:?}"), format!("{crew:?}"), "{jobs} threads");
        }
    }
}

// Lost if broken: points differ by their luck, and a difference between them needs many times the replications.
#[test]
fn replications_of_all_points_share_their_chance() {
    let same = |_: usize| sample::plan("duration = \"20s\"");
    let points = swept(1, &settings(1, None));
    let alone = crate::experiment::run(
        &same(0),
        &crate::experiment::Options {
            seed: Some(3),
            replications: Some(3),
            ..Default::default()
        },
        &|_: f64| {},
    )
    .unwrap();
    let samples = &alone.summary.figures.get(&["goodput"]).unwrap().samples;
    assert_eq!(points[0].metric("goodput").map(|metric| &metric.samples), Some(samples));
}

// Lost if broken: a point of a study and the same run alone are known to the same precision by other numbers of replications.
#[test]
fn a_point_has_as_many_replications_as_the_run_alone() {
    let points = swept(4, &settings(2, Some(narrow())));
    let mean = Precision {
        asked: narrow().asked[..1].to_vec(),
        ..narrow()
    };
    let options = Options {
        seed: Some(3),
        replications: Some(3),
        ..Options::default()
    };
    for point in &points {
        let plan = sample::plan(&format!("duration = \"{}s\"", 20 + 17 * point.number));
        let alone = run_precisely(&plan, &options, Some(&mean), &|_: f64| {}, &AtomicBool::new(false)).unwrap();
        assert_eq!(point.replications, alone.summary.replications, "{}", point.number);
        let figure = alone.summary.figures.get(&["latency", "mean"]).unwrap();
        assert_eq!(
            point.metric("latency.mean").map(|metric| metric.estimate),
            Some(figure.estimate)
        );
    }
    assert!(
        points.iter().any(|point| point.replications > 10),
        "ten were enough everywhere"
    );
    assert!(
        points.iter().any(|point| point.replications < 40),
        "forty were too few everywhere"
    );
}

// Lost if broken: a sweep that hangs, or says it is done, after something went wrong.
#[test]
fn what_goes_wrong_stops_the_sweep_and_is_told() {
    let points: Vec<usize> = (0..6).collect();
    for (without, room, said) in [(Some(2), usize::MAX, "gone"), (None, 3, "full")] {
        let study = Lengths {
            points: Mutex::default(),
            without,
            room,
        };
        let ended = run(&points, &settings(2, None), &study, &AtomicBool::new(false));
        assert_eq!(ended, Err(SweepError::Caller(said.to_owned())));
        assert!(study.points.into_inner().unwrap().len() < 6);
    }
    struct Still;
    impl Study for Still {
        fn plan(&self, _: usize) -> Result<Plan, String> {
            let plan = sample::plan("duration = \"1s\"");
            Ok(plan)
        }
        fn finished(&self, _: Point) -> Result<(), String> {
            Ok(())
        }
        fn progress(&self, _: f64) {}
    }
    let cancel = AtomicBool::new(true);
    let long: Vec<usize> = (0..100_000).collect();
    let ended = run(&long, &settings(2, None), &Still, &cancel);
    assert_eq!(ended, Err(SweepError::Cancelled));
}

/// Two axes of three and two levels; what each point's latency is in three replications, and whether it holds.
fn studied(
    latency: impl Fn(usize, usize) -> f64,
    cost: impl Fn(usize, usize) -> f64,
    most: f64,
) -> (Design, Vec<Point>) {
    let axis = |name: &str, labels: &[&str]| Axis {
        name: name.to_owned(),
        levels: labels
            .iter()
            .map(|label| Level {
                label: (*label).to_owned(),
                settings: Vec::new(),
            })
            .collect(),
    };
    let design = Design {
        axes: vec![axis("load", &["1", "2", "3"]), axis("servers", &["1", "2"])],
        metrics: vec!["latency.p95".to_owned(), "cost.month".to_owned()],
        ..Design::default()
    };
    let metric = |path: &str, unit, value: f64, spread: f64| Metric {
        path: path.to_owned(),
        unit,
        estimate: Estimate::exact(value),
        samples: vec![value - spread, value, value + spread],
    };
    let points = (0..design.points()).map(|number| {
        let levels = design.levels_of(number);
        let value = latency(levels[0], levels[1]);
        Point {
            number,
            replications: 3,
            metrics: vec![
                metric("latency.p95", Unit::Seconds, value, 0.5),
                metric("cost.month", Unit::Dollars, cost(levels[0], levels[1]), 0.0),
            ],
            objectives: vec![Objective {
                name: "p95".to_owned(),
                target: most,
                at_most: true,
                unit: Unit::Seconds,
                value: Estimate::exact(value),
                met: Some(value <= most),
            }],
            ..Point::default()
        }
    });
    let points = points.collect();
    (design, points)
}

// Lost if broken: the cheapest that holds, the edge, or the effect of an axis is that of another.
#[test]
fn findings_are_those_of_the_points() {
    let latency = |load: usize, servers: usize| (load + 1) as f64 / (servers + 1) as f64;
    let cost = |_: usize, servers: usize| 10.0 * (servers + 1) as f64;
    let (design, points) = studied(latency, cost, 1.0);
    let found = findings(&design, &points);
    // 1 and 1/2, 2 and 1, 3 and 3/2.
    assert_eq!(found.counts, [3, 0, 3, 0]);
    let best = found.best.unwrap();
    assert_eq!((best.point, best.because), (0, Because::Cheapest));
    let (holds, breaks) = (Standing::Holds, Standing::Breaks);
    assert_eq!(found.edges[0].lines[0].standings, [holds, breaks, breaks]);
    assert_eq!(found.edges[0].lines[1].standings, [holds, holds, breaks]);
    assert_eq!(found.edges[1].lines.len(), 3);
    let effect = |axis: usize, metric: &str| {
        let mut effects = found.effects.iter();
        effects
            .find(|effect| effect.axis == axis && effect.metric == metric)
            .unwrap()
            .clone()
    };
    // Servers halve the latency: 2 on average becomes 1; the replications' own spread cancels.
    let servers = effect(1, "latency.p95");
    assert_eq!((servers.first, servers.last), (2.0, 1.0));
    assert!(
        (servers.change.value + 1.0).abs() < 1e-12 && servers.is_clear(),
        "{servers:?}"
    );
    assert!(servers.change.half_width().unwrap() < 1e-9);
    assert!(!effect(0, "cost.month").is_clear());

    let (design, points) = studied(latency, cost, 0.1);
    let best = findings(&design, &points).best.unwrap();
    assert_eq!((best.point, best.because), (1, Because::Nearest));
}
