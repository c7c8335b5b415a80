//! The tables of figures, each from the paths of `summary.figures` that it names.
//! A figure that a run does not have leaves its cell empty; a table without rows is not shown.

use highwater_models::record::figures::{Figures, Unit};
use highwater_models::record::summary::Summary;

use crate::number;
use crate::paint::Style;
use crate::table::{Align, Cell, Table};
use crate::words;

/// Stages shown of the breakdown; the rest is summed.
const STAGES: usize = 8;

/// Which resources are coloured as full.
const FULL: f64 = 0.9;

/// All tables, in the order in which questions come up.
pub fn tables(summary: &Summary) -> Vec<Table> {
    let figures = &summary.figures;
    let mut tables = vec![requests(figures), latency(figures), errors(figures), breakdown(figures)];
    tables.push(resources(summary));
    tables.push(caches(figures));
    for (title, group) in [("Endpoints", "endpoints"), ("Classes", "classes"), ("Phases", "phases")] {
        tables.push(groups(figures, title, group));
    }
    tables
}

/// What became of the requests.
fn requests(figures: &Figures) -> Table {
    let mut table = Table::new(
        "Requests",
        &[
            (Align::Right, "number"),
            (Align::Right, "share"),
            (Align::Right, "a second"),
            (Align::Left, "95 % interval"),
        ],
    );
    let offered = figures.value(&["requests", "offered"]);
    for (name, path, rate) in [
        ("offered", ["requests", "offered"].as_slice(), None),
        (
            "useful: answered in time for the user",
            &["requests", "useful"],
            Some("goodput"),
        ),
        ("failed", &["requests", "failed"], None),
        ("given up by the user", &["requests", "abandoned"], None),
        ("in hand at the end", &["requests", "in_flight"], None),
        (
            "answered, useful or not",
            &["requests", "completed"],
            Some("throughput"),
        ),
        ("finished for nobody", &["wasted"], None),
    ] {
        let Some(figure) = figures.get(path) else { continue };
        let count = figure.estimate.value;
        let rate = rate.and_then(|rate| figures.get(&[rate]));
        let rate = rate.map(|figure| number::cells(&figure.estimate, Unit::PerSecond));
        let (rate, interval) = rate.map_or_else(Default::default, |cells| (cells.value, cells.interval));
        let share = if offered > 0.0 {
            number::percent(count / offered)
        } else {
            String::new()
        };
        table.row(
            name,
            vec![
                number::count(count).into(),
                share.into(),
                rate.into(),
                Cell::new(Style::Faint, interval),
            ],
        );
    }
    if let Some(figure) = figures.get(&["attempts", "per_request"]) {
        let cells = number::cells(&figure.estimate, Unit::Count);
        table.row(
            "tries for each request",
            vec![cells.value.into(), "".into(), "".into(), "".into()],
        );
    }
    table
}

/// Percentiles of latency as users see them, to the first byte, and as a load tool reads them.
fn latency(figures: &Figures) -> Table {
    let interval = "95 % interval";
    let mut table = Table::new(
        "Latency",
        &[
            (Align::Right, "whole answer"),
            (Align::Left, interval),
            (Align::Right, "first byte"),
            (Align::Left, interval),
            (Align::Right, "load tool's"),
        ],
    );
    for (name, key) in [
        ("mean", "mean"),
        ("median", "p50"),
        ("90 % within", "p90"),
        ("95 % within", "p95"),
        ("99 % within", "p99"),
        ("longest", "max"),
    ] {
        let whole = shown(figures, &["latency", key]);
        let first = shown(figures, &["first_byte", key]);
        let tool = shown(figures, &["tool", "latency", key]);
        if [&whole, &first, &tool].iter().all(|cells| cells.value.is_empty()) {
            continue;
        }
        table.row(
            name,
            vec![
                whole.value.into(),
                Cell::new(Style::Faint, whole.interval),
                first.value.into(),
                Cell::new(Style::Faint, first.interval),
                tool.value.into(),
            ],
        );
    }
    table
}

/// Failures by cause, most frequent first.
fn errors(figures: &Figures) -> Table {
    let mut table = Table::new(
        "Errors",
        &[
            (Align::Right, "number"),
            (Align::Right, "of requests"),
            (Align::Left, "95 % interval"),
            (Align::Left, "because"),
        ],
    );
    let offered = figures.value(&["requests", "offered"]);
    let prefix = ["errors", "by_cause"];
    let mut causes: Vec<(&str, f64)> = figures
        .children(&prefix)
        .into_iter()
        .map(|cause| (cause, figures.value(&["errors", "by_cause", cause])))
        .filter(|&(_, count)| count > 0.0)
        .collect();
    causes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    for (cause, count) in causes {
        let rate = shown(figures, &["errors", "rate_by_cause", cause]);
        let share = if rate.value.is_empty() {
            number::percent(count / offered)
        } else {
            rate.value
        };
        table.row(
            cause,
            vec![
                number::count(count).into(),
                share.into(),
                Cell::new(Style::Faint, rate.interval),
                words::because_of_name(cause).into(),
            ],
        );
    }
    table
}

/// Where the latency goes, in the order of the slowest requests' time.
fn breakdown(figures: &Figures) -> Table {
    let mut table = Table::new(
        "Where the time goes",
        &[
            (Align::Right, "all"),
            (Align::Right, "share"),
            (Align::Right, "slowest 5 %"),
            (Align::Right, "share"),
        ],
    );
    let seconds = |group: &str, stage: &str| {
        let value = figures.value(&["breakdown", group, stage]);
        if value.is_finite() { value } else { 0.0 }
    };
    let mut stages = figures.children(&["breakdown", "all"]);
    for stage in figures.children(&["breakdown", "slowest"]) {
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    let total = |group: &str, stages: &[&str]| stages.iter().map(|stage| seconds(group, stage)).sum::<f64>();
    let (all, slowest) = (total("all", &stages), total("slowest", &stages));
    if all <= 0.0 && slowest <= 0.0 {
        return table;
    }
    stages.retain(|stage| seconds("all", stage) > 0.0 || seconds("slowest", stage) > 0.0);
    stages.sort_by(|a, b| {
        let key = |stage: &str| (seconds("slowest", stage), seconds("all", stage));
        let ((slow_a, all_a), (slow_b, all_b)) = (key(a), key(b));
        slow_b.total_cmp(&slow_a).then(all_b.total_cmp(&all_a))
    });
    // One stage over the limit is shown rather than summed: "everything else" would take its line.
    let cut = if stages.len() > STAGES + 1 {
        STAGES
    } else {
        stages.len()
    };
    let (top, rest) = stages.split_at(cut);
    let mut add = |name: String, of_all: f64, of_slowest: f64| {
        let pair = |part: f64, whole: f64| {
            if whole > 0.0 {
                [
                    number::value(part, Unit::Seconds).into(),
                    number::percent(part / whole).into(),
                ]
            } else {
                ["".into(), "".into()]
            }
        };
        let cells = pair(of_all, all).into_iter().chain(pair(of_slowest, slowest)).collect();
        table.row(name, cells);
    };
    for stage in top {
        add(words::stage(stage), seconds("all", stage), seconds("slowest", stage));
    }
    if !rest.is_empty() {
        add("everything else".to_owned(), total("all", rest), total("slowest", rest));
    }
    table
}

/// Every resource with its load and its line.
fn resources(summary: &Summary) -> Table {
    let figures = &summary.figures;
    let mut table = Table::new(
        "Resources",
        &[
            (Align::Left, "kind"),
            (Align::Right, "used"),
            (Align::Right, "line, mean"),
            (Align::Right, "line, max"),
            (Align::Right, "95 % wait up to"),
            (Align::Right, "refused"),
            (Align::Left, "limit"),
        ],
    );
    let mut names: Vec<&str> = summary
        .resources
        .iter()
        .map(|resource| resource.name.as_str())
        .collect();
    for name in figures.children(&["resources"]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let facts = summary.resources.iter().find(|resource| resource.name == name);
        let of = |keys: &[&str]| {
            let path: Vec<&str> = ["resources", name].iter().chain(keys).copied().collect();
            figures
                .get(&path)
                .map(|figure| figure.estimate.value)
                .filter(|value| value.is_finite())
        };
        let count = |keys: &[&str]| Cell::from(of(keys).map_or_else(String::new, number::count));
        let used = of(&["utilization"]);
        let style = if used.is_some_and(|used| used >= FULL) {
            Style::Bad
        } else {
            Style::Normal
        };
        let wait = of(&["wait", "p95"]).map_or_else(String::new, |wait| number::value(wait, Unit::Seconds));
        table.row(
            name,
            vec![
                facts.map_or("", |facts| facts.kind).into(),
                Cell::new(style, used.map_or_else(String::new, number::percent)),
                count(&["queue", "mean"]),
                count(&["queue", "max"]),
                wait.into(),
                count(&["refused"]),
                Cell::new(Style::Faint, facts.map_or("", |facts| facts.limit.as_str())),
            ],
        );
    }
    table
}

fn caches(figures: &Figures) -> Table {
    let mut table = Table::new(
        "Caches",
        &[(Align::Right, "found there"), (Align::Left, "95 % interval")],
    );
    for name in figures.children(&["cache"]) {
        let hits = shown(figures, &["cache", name, "hit_ratio"]);
        if !hits.value.is_empty() {
            table.row(name, vec![hits.value.into(), Cell::new(Style::Faint, hits.interval)]);
        }
    }
    table
}

/// The same figures for each endpoint, class or phase; left out where there is only one, which is the whole run.
fn groups(figures: &Figures, title: &str, group: &str) -> Table {
    let mut table = Table::new(
        title,
        &[
            (Align::Right, "offered"),
            (Align::Right, "useful"),
            (Align::Right, "failed"),
            (Align::Right, "median"),
            (Align::Right, "95 % within"),
            (Align::Right, "99 % within"),
            (Align::Left, "most often"),
        ],
    );
    let names = figures.children(&[group]);
    if names.len() < 2 {
        return table;
    }
    for name in names {
        let value = |keys: &[&str]| {
            let path: Vec<&str> = [group, name].iter().chain(keys).copied().collect();
            figures.value(&path)
        };
        let offered = value(&["requests", "offered"]);
        let share = |count: f64| {
            if count.is_finite() && offered > 0.0 {
                number::percent(count / offered)
            } else {
                String::new()
            }
        };
        let rate = value(&["errors", "rate"]);
        let failed = if rate.is_finite() {
            number::percent(rate)
        } else {
            share(value(&["requests", "failed"]))
        };
        let time = |key: &str| {
            let seconds = value(&["latency", key]);
            Cell::from(if seconds.is_finite() {
                number::value(seconds, Unit::Seconds)
            } else {
                String::new()
            })
        };
        let worst = figures
            .children(&[group, name, "errors", "by_cause"])
            .into_iter()
            .filter(|cause| value(&["errors", "by_cause", cause]) > 0.0)
            .max_by(|a, b| value(&["errors", "by_cause", a]).total_cmp(&value(&["errors", "by_cause", b])));
        table.row(
            name,
            vec![
                number::count(offered).into(),
                share(value(&["requests", "useful"])).into(),
                failed.into(),
                time("p50"),
                time("p95"),
                time("p99"),
                worst.unwrap_or_default().into(),
            ],
        );
    }
    table
}

/// A figure in two cells, empty where there is none.
fn shown(figures: &Figures, path: &[&str]) -> number::Cells {
    let none = number::Cells {
        value: String::new(),
        interval: String::new(),
    };
    figures.get(path).map_or(none, |figure| {
        if figure.estimate.value.is_finite() {
            number::cells(&figure.estimate, figure.unit)
        } else {
            number::Cells {
                value: number::NOTHING.to_owned(),
                interval: String::new(),
            }
        }
    })
}
