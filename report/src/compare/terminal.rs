//! A comparison as text for people: words first, then the tables behind them.
//!
//! Owns: which tables there are, their order, and what they leave out; every figure is in comparison.csv.

use highwater_models::record::figures::Path;
use highwater_sim::compare::{Change, Comparison, Head, Judgement, ObjectiveChange, SHARE_BY_CAUSE, Verdict};

use super::{caveat, judgement, method, multiplicity, sentences, verdict};
use crate::number;
use crate::paint::{Paint, Style};
use crate::table::{Align, Cell, Table, wrap};
use crate::terminal::mark;
use crate::words;

/// Rows of a table of what moved.
const ROWS: usize = 8;

/// A share that moved by less is left out of the tables.
const LEAST_SHARE: f64 = 0.0005;

/// The whole, each section followed by an empty line.
#[must_use]
pub fn render(found: &Comparison, paint: Paint) -> String {
    let mut parts = vec![heading(found, paint), words(found, paint)];
    let tables = [headline(found), objectives(&found.objectives)]
        .into_iter()
        .chain(behind(found));
    parts.extend(
        tables
            .filter(|table| !table.is_empty())
            .map(|table| table.render(paint)),
    );
    let limits = limits(found);
    parts.push(if limits.is_empty() { limits } else { wrap(&limits, 0) });
    parts.push(wrap(&format!("{} {}", method(found), multiplicity(found)), 0));
    parts.push(caveats(found, paint));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// What went with it: causes of failure, stages, resources and costs that moved.
pub(super) fn behind(found: &Comparison) -> [Table; 4] {
    let cause = |change: &Change| {
        let name = last(&change.path, 0);
        (name.to_owned(), words::because_of_name(name))
    };
    let stage = |change: &Change| (words::stage(last(&change.path, 0)), String::new());
    let resource = |change: &Change| (last(&change.path, 1).to_owned(), String::new());
    [
        moved("Fail because of", &found.moved(&SHARE_BY_CAUSE, &[]), cause),
        moved(
            "Where the time goes, mean",
            &found.moved(&["breakdown", "all"], &[]),
            stage,
        ),
        moved(
            "Resources, used",
            &found.moved(&["resources"], &["utilization"]),
            resource,
        ),
        moved(
            "Cost, a month like it",
            &found.moved(&["cost", "items"], &["month"]),
            resource,
        ),
    ]
}

/// The name so many places before the end of a path.
fn last(path: &Path, before: usize) -> &str {
    path.0.iter().rev().nth(before).map_or("", String::as_str)
}

/// What both sides are about.
pub(super) fn title(found: &Comparison) -> String {
    let (a, b) = (&found.a, &found.b);
    if a.title == b.title {
        a.title.clone()
    } else {
        format!("{} against {}", b.title, a.title)
    }
}

fn heading(found: &Comparison, paint: Paint) -> String {
    let (a, b) = (&found.a, &found.b);
    let mut text = format!("{}\n", paint.text(Style::Heading, &title(found)));
    for (letter, head) in [("A", a), ("B", b)] {
        text.push_str(&wrap(&format!("{letter}  {}  ({})", head.name, facts(head)), 3));
    }
    text
}

pub(super) fn facts(head: &Head) -> String {
    let replications = match head.replications {
        1 => "1 replication".to_owned(),
        many => format!("{many} replications"),
    };
    format!("{replications}, seed {}, model {}", head.seed, head.model_hash)
}

fn words(found: &Comparison, paint: Paint) -> String {
    let style = match found.judgement {
        Judgement::Better => Style::Good,
        Judgement::Worse => Style::Bad,
        Judgement::Mixed | Judgement::NoDifferenceSeen | Judgement::NotComparable => Style::Open,
    };
    let text = wrap(&sentences(found).join(" "), 0);
    // Only the judgement itself is painted, so that lines can be wrapped without counting escape sequences.
    match text.strip_prefix(judgement(found)) {
        Some(rest) => format!("{}{rest}", paint.text(style, judgement(found))),
        None => text,
    }
}

const COLUMNS: [(Align, &str); 5] = [
    (Align::Right, "A"),
    (Align::Right, "B"),
    (Align::Right, "difference"),
    (Align::Left, "95 % interval"),
    (Align::Left, ""),
];

fn cells(change: &Change, said: &str) -> Vec<Cell> {
    let difference = number::difference(&change.difference.estimate, change.unit);
    let of = |value: f64| number::value(value, change.unit);
    let style = match change.better() {
        Some(true) => Style::Good,
        Some(false) => Style::Bad,
        None => Style::Normal,
    };
    vec![
        of(change.a.value).into(),
        of(change.b.value).into(),
        difference.value.into(),
        Cell::new(Style::Faint, difference.interval),
        Cell::new(style, said),
    ]
}

pub(super) fn headline(found: &Comparison) -> Table {
    let mut table = Table::new("Headline", &COLUMNS);
    for change in found.headline() {
        table.row(words::figure(&change.path), cells(change, verdict(change)));
    }
    table
}

pub(super) fn objectives(objectives: &[ObjectiveChange]) -> Table {
    let mut table = Table::new(
        "Objectives",
        &[
            (Align::Left, "has to be"),
            (Align::Left, "A"),
            (Align::Left, "B"),
            (Align::Left, ""),
        ],
    );
    for objective in objectives {
        let Some(known) = objective.a.as_ref().or(objective.b.as_ref()) else {
            continue;
        };
        let side = |side: &Option<highwater_models::record::summary::Objective>| {
            side.as_ref().map_or_else(
                || Cell::new(Style::Faint, "not asked"),
                |side| {
                    let (style, word) = mark(side.met);
                    Cell::new(style, word)
                },
            )
        };
        table.row(
            words::objective(known),
            vec![
                words::bound(known).into(),
                side(&objective.a),
                side(&objective.b),
                if objective.turned() { "turned" } else { "" }.into(),
            ],
        );
    }
    table
}

/// What moved most among parts of one kind, with what they are called.
fn moved(title: &str, changes: &[&Change], name: impl Fn(&Change) -> (String, String)) -> Table {
    let mut table = Table::new(title, &COLUMNS);
    let matters = |change: &&&Change| {
        let value = change.difference.estimate.value.abs();
        let least = if super::is_share(change.unit) { LEAST_SHARE } else { 0.0 };
        value > least && !matches!(change.verdict, Verdict::NotComparable(_) if value.is_nan())
    };
    for change in changes.iter().filter(matters).take(ROWS) {
        let (name, said) = name(change);
        let sure = match change.verdict {
            Verdict::Up | Verdict::Down => said,
            _ => verdict(change).to_owned(),
        };
        let mut row = cells(change, &sure);
        row[4] = Cell::new(Style::Faint, sure);
        table.row(name, row);
    }
    table
}

/// The resources that reach their limit, in their order.
pub(super) fn limits(found: &Comparison) -> String {
    let list = |names: &[String]| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    };
    let (a, b) = (&found.a.bottlenecks, &found.b.bottlenecks);
    if a.is_empty() && b.is_empty() {
        return String::new();
    }
    if a == b {
        return format!("Limits reached, in this order on both sides: {}.", list(a));
    }
    format!("Limits reached, in this order: in A {}; in B {}.", list(a), list(b))
}

fn caveats(found: &Comparison, paint: Paint) -> String {
    let mut text = String::new();
    for item in &found.caveats {
        let (id, words) = caveat(item);
        let lines = wrap(&format!("warning[{id}]: {words}"), 2);
        let rest = lines.strip_prefix("warning").unwrap_or(&lines);
        text.push_str(&paint.text(Style::Bad, "warning"));
        text.push_str(rest);
    }
    text
}
