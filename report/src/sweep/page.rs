//! The report of a study.
//!
//! Owns: what is in it and in which order: what the study says, the point to take, the points, curves along each axis, what
//! may mislead, what each axis moves, and how to run it again. Never: wording that the terminal shares, figures.

use highwater_models::record::sweep::{Design, Point};
use highwater_sim::sweep::findings::{Because, Best, Findings};

use super::{place, sentences, terminal};
use crate::number;
use crate::page::{Block, Item, Number, Page, Section, Tone, Verdict};
use crate::paint::Style;
use crate::plot::Plot;
use crate::table::{Align, Cell, Table};

/// Points that are shown at once; more are behind a fold.
const OPEN: usize = 12;

/// The report of a study with its plots and the command that gives it again.
#[must_use]
pub fn page(design: &Design, points: &[Point], findings: &Findings, plots: Vec<Plot>, again: &str) -> Page {
    let (effects, note) = terminal::effects_table(design, points, findings);
    let note = if effects.is_empty() { "" } else { note };
    Page {
        title: design.title.clone(),
        question: design.question.clone(),
        subject: subject(points),
        verdict: verdict(design, points, findings),
        numbers: Vec::new(),
        sections: vec![
            findings.best.map_or_else(
                || Section::new("", Vec::new()),
                |best| Section::open(heading(best), taken(design, points, best)),
            ),
            Section {
                is_detail: points.len() > 2 * OPEN,
                ..Section::open("Points", shown(design, points, findings))
            },
            Section::new(
                "Along each axis",
                plots.into_iter().map(|plot| Block::Figure(Box::new(plot))).collect(),
            ),
            Section::new("What may mislead", vec![Block::List(warnings(design, points))]),
            Section::new("Crosswise", crosswise(design, points)),
            Section::new(
                "What each axis moves",
                vec![Block::Table(effects), Block::Text(note.to_owned())],
            ),
            Section::new(
                "How to run it again",
                vec![
                    Block::Command(again.to_owned()),
                    Block::Facts(provenance(design, points)),
                ],
            ),
        ],
        footer: format!("Made by Highwater {}.", design.version),
    }
}

fn subject(points: &[Point]) -> String {
    let count = match points.len() {
        1 => "1 point".to_owned(),
        many => format!("{} points", number::count(many as f64)),
    };
    format!(
        "{count}, {}. Estimates stand with their 95 % intervals.",
        terminal::each(points)
    )
}

/// Tone and word follow from what the study says has to hold.
fn verdict(design: &Design, points: &[Point], findings: &Findings) -> Verdict {
    let [holds, open, breaks, not_asked] = findings.counts;
    let some = || match holds {
        0 => "No point holds for sure".to_owned(),
        1 => format!("1 of {} points holds", number::count(points.len() as f64)),
        many => format!("{many} of {} points hold", number::count(points.len() as f64)),
    };
    let (tone, word) = match design.must_hold.as_str() {
        _ if not_asked == points.len() => (Tone::Open, "Nothing to judge by".to_owned()),
        _ if holds == points.len() => (Tone::Good, "It holds everywhere".to_owned()),
        _ if breaks == points.len() => {
            let tone = if design.must_hold == "none" {
                Tone::Open
            } else {
                Tone::Bad
            };
            (tone, "It holds nowhere".to_owned())
        }
        "none" => (Tone::Open, some()),
        "one" if holds > 0 => (Tone::Good, some()),
        "every" if breaks > 0 => (Tone::Bad, "It does not hold everywhere".to_owned()),
        _ if open > 0 => (Tone::Open, "Not decided".to_owned()),
        _ => (Tone::Open, some()),
    };
    Verdict {
        tone,
        word,
        sentences: sentences::all(design, points, findings),
        next_step: String::new(),
    }
}

const fn heading(best: Best) -> &'static str {
    match best.because {
        Because::Cheapest => "The cheapest that holds",
        Because::MostGoodput => "Holds and serves most",
        Because::Nearest => "Nearest to holding",
    }
}

fn taken(design: &Design, points: &[Point], best: Best) -> Vec<Block> {
    let point = &points[best.point];
    let number = |path: String| {
        let metric = point.metric(&path)?;
        Some(Number {
            label: sentences::metric(&path),
            value: terminal::value_of(metric),
            beside: number::cells(&metric.estimate, metric.unit).interval,
            tone: None,
        })
    };
    vec![
        Block::Text(format!("{}.", place(design, best.point))),
        Block::Numbers(terminal::shown(design, points).into_iter().filter_map(number).collect()),
    ]
}

fn warnings(design: &Design, points: &[Point]) -> Vec<Item> {
    let item = |told: terminal::Told<'_>| {
        let first = place(design, told.first.number);
        Item {
            word: match (told.count, points.len()) {
                (_, 1) => String::new(),
                (1, _) => format!("At {first}:"),
                (count, all) if count == all => "At every point:".to_owned(),
                (count, all) => format!("At {count} of {all} points, first {first}:"),
            },
            style: Style::Open,
            text: told.text.to_owned(),
            more: Vec::new(),
        }
    };
    terminal::warnings_told(points).into_iter().map(item).collect()
}

/// One axis down and the other across, where there are two.
fn crosswise(design: &Design, points: &[Point]) -> Vec<Block> {
    let Some(axes) = terminal::crossing(design) else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    if terminal::is_judged(points) {
        blocks.push(Block::Text(format!("{}.", terminal::SIGNS)));
    }
    for (lead, table) in terminal::crosswise_tables(design, points, axes) {
        blocks.extend([Block::Text(format!("{lead}:")), Block::Table(table)]);
    }
    blocks
}

/// Each point with its intervals, or those at the edge of what holds.
fn shown(design: &Design, points: &[Point], findings: &Findings) -> Vec<Block> {
    let chosen = terminal::worth_showing(design, points, findings);
    let all = table(design, points, &chosen);
    let mut blocks = vec![if chosen.len() <= OPEN {
        Block::Table(all)
    } else {
        Block::Folded(all)
    }];
    if chosen.len() < points.len() {
        blocks.push(Block::Text(format!(
            "{} of {} points: those at which it begins or stops to hold; all are in points.csv and wide.csv.",
            chosen.len(),
            number::count(points.len() as f64)
        )));
    }
    blocks
}

fn table(design: &Design, points: &[Point], chosen: &[usize]) -> Table {
    let axes: Vec<usize> = (0..design.axes.len())
        .filter(|&axis| design.axes[axis].levels.len() > 1)
        .collect();
    let metrics = terminal::shown(design, points);
    let headings: Vec<String> = metrics.iter().map(|path| sentences::metric(path)).collect();
    let mut columns: Vec<(Align, &str)> = vec![(Align::Left, "")];
    columns.extend(headings.iter().map(|heading| (Align::Right, heading.as_str())));
    let title = if chosen.len() < points.len() {
        "Points at the edge"
    } else {
        "Each point"
    };
    let mut table = Table::new(title, &columns);
    for point in chosen.iter().map(|&number| &points[number]) {
        let levels = design.levels_of(point.number);
        let labels: Vec<&str> = axes
            .iter()
            .map(|&axis| design.axes[axis].levels[levels[axis]].label.as_str())
            .collect();
        let name = match axes[..] {
            [] => point.scenario.clone(),
            // A name alone says it; a number needs its axis.
            [_] => place(design, point.number),
            _ => labels.join(", "),
        };
        let mut cells = vec![Cell::new(terminal::style(point.standing()), sentences::standing(point))];
        cells.extend(metrics.iter().map(|path| match point.metric(path) {
            Some(metric) => {
                let interval = number::cells(&metric.estimate, metric.unit).interval;
                let value = terminal::value_of(metric);
                if interval.is_empty() || metric.estimate.value == 0.0 {
                    value.into()
                } else {
                    format!("{value} ({interval})").into()
                }
            }
            None => number::NOTHING.into(),
        }));
        table.row(name, cells);
    }
    table
}

/// What it takes to see that two results are of one study.
fn provenance(design: &Design, points: &[Point]) -> Vec<(String, String)> {
    let sum = |of: &dyn Fn(&Point) -> u64| number::count(points.iter().map(of).sum::<u64>() as f64);
    [
        ("Highwater", design.version.clone()),
        ("study", design.hash.clone()),
        ("seed", design.seed.to_string()),
        ("points", number::count(points.len() as f64)),
        ("runs", sum(&|point| u64::from(point.replications))),
        ("events", sum(&|point| point.events)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
