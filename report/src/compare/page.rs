//! The report of a comparison.
//!
//! Owns: what is in it and in which order: what it comes to, the headline figures, objectives, what is behind them, how
//! sure all that is, and how to run it again. Never: wording that the terminal shares, differences.

use highwater_models::record::figures::{Estimate, Unit};
use highwater_sim::compare::{Change, Comparison, Head, Judgement, Verdict as Seen};

use super::{caveat, judgement, method, multiplicity, sentences, terminal, verdict as said};
use crate::number;
use crate::page::{Block, Item, Number, Page, Section, Tone, Verdict};
use crate::paint::Style;
use crate::plot::{Axis, Dots, Kind, Limit, Plot, Row};
use crate::words;

/// Figures in large type.
const LARGE: usize = 4;

/// A change of more than this share of A's value would press all others flat in a plot.
const FAR: f64 = 2.0;

/// The report of a comparison with its plots and the command that gives it again.
#[must_use]
pub fn page(found: &Comparison, plots: Vec<Plot>, again: &str) -> Page {
    let mut headline = vec![Block::Table(terminal::headline(found))];
    headline.extend(plots.into_iter().map(|plot| Block::Figure(Box::new(plot))));
    let mut behind: Vec<Block> = terminal::behind(found).into_iter().map(Block::Table).collect();
    behind.push(Block::Text(terminal::limits(found)));
    Page {
        title: terminal::title(found),
        question: String::new(),
        subject: format!(
            "A is `{}` and B is `{}`. Differences are B less A and stand with their 95 % intervals.",
            found.a.name, found.b.name
        ),
        verdict: verdict(found),
        numbers: numbers(found),
        sections: vec![
            Section::new("What may mislead", vec![Block::List(caveats(found))]),
            Section::open("Headline figures", headline),
            Section::open(
                "Objectives",
                vec![Block::Table(terminal::objectives(&found.objectives))],
            ),
            Section::new("What is behind it", behind),
            Section::new(
                "How sure that is",
                vec![Block::Text(method(found)), Block::Text(multiplicity(found))],
            ),
            Section::new(
                "How to run it again",
                vec![
                    Block::Command(again.to_owned()),
                    Block::Facts(vec![
                        ("A".to_owned(), provenance(&found.a)),
                        ("B".to_owned(), provenance(&found.b)),
                    ]),
                ],
            ),
        ],
        footer: made_by(found),
    }
}

fn made_by(found: &Comparison) -> String {
    if found.a.version == found.b.version {
        format!("Made by Highwater {}.", found.a.version)
    } else {
        format!(
            "Results of Highwater {} (A) and {} (B).",
            found.a.version, found.b.version
        )
    }
}

fn provenance(head: &Head) -> String {
    format!("{}, Highwater {}", terminal::facts(head), head.version)
}

/// What the sentences say, the judgement in front.
fn verdict(found: &Comparison) -> Verdict {
    let word = judgement(found);
    let mut told = sentences(found);
    if let Some(first) = told.first_mut()
        && let Some(rest) = first.strip_prefix(word)
    {
        *first = words::capital(rest.trim_start_matches([':', '.', ' ']));
    }
    told.retain(|sentence| !sentence.is_empty());
    Verdict {
        tone: match found.judgement {
            Judgement::Better => Tone::Good,
            Judgement::Worse => Tone::Bad,
            Judgement::Mixed | Judgement::NoDifferenceSeen | Judgement::NotComparable => Tone::Open,
        },
        word: word.to_owned(),
        sentences: told,
        next_step: String::new(),
    }
}

fn numbers(found: &Comparison) -> Vec<Number> {
    let known = |change: &&Change| change.difference.estimate.value.is_finite();
    let number = |change: &Change| Number {
        label: words::figure(&change.path).replace('`', ""),
        value: number::trim_zeros(&number::difference(&change.difference.estimate, change.unit).value),
        beside: format!(
            "{}; {}",
            {
                let of = |value: f64| number::trim_zeros(&number::value(value, change.unit));
                format!("from {} to {}", of(change.a.value), of(change.b.value))
            },
            said(change)
        ),
        tone: change
            .better()
            .map(|better| if better { Tone::Good } else { Tone::Bad }),
    };
    found.headline().filter(known).take(LARGE).map(number).collect()
}

fn caveats(found: &Comparison) -> Vec<Item> {
    let item = |(_, text): (&str, String)| Item {
        word: String::new(),
        style: Style::Normal,
        text,
        more: Vec::new(),
    };
    found.caveats.iter().map(caveat).map(item).collect()
}

/// The plots of a comparison: the headline figures' differences, each as a share of A's value.
#[must_use]
pub fn plots(found: &Comparison) -> Vec<Plot> {
    let relative = |change: &Change| {
        let (of, by) = (change.a.value.abs(), &change.difference.estimate);
        Estimate {
            value: by.value / of,
            low: by.low.map(|low| low / of),
            high: by.high.map(|high| high / of),
        }
    };
    let nowhere = Estimate {
        value: f64::NAN,
        low: None,
        high: None,
    };
    let (mut rows, mut told, mut left_out) = (Vec::new(), [0_usize; 3], Vec::new());
    let mut moves = false;
    for change in found.headline() {
        if matches!(change.verdict, Seen::NotComparable(_)) || !change.difference.estimate.value.is_finite() {
            continue;
        }
        let by = relative(change);
        let name = words::figure(&change.path).replace('`', "");
        let ends = [Some(by.value), by.low, by.high];
        if ends.iter().flatten().any(|end| !end.is_finite() || end.abs() > FAR) {
            left_out.push(format!("{name} ({})", said(change)));
            continue;
        }
        let series = match change.better() {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        };
        told[series] += 1;
        moves |= by != Estimate::exact(0.0);
        let mut values = vec![nowhere; 3];
        values[series] = by;
        rows.push(Row { name, values });
    }
    // Marks all on the line of no difference show nothing.
    if rows.is_empty() || !moves {
        return Vec::new();
    }
    let [better, worse, open] = told;
    let money = if found.headline().any(|change| change.path.0[0] == "cost") {
        ", money among them,"
    } else {
        ""
    };
    let far = if left_out.is_empty() {
        String::new()
    } else {
        format!(
            " Too far from A, or without a share of it, and not drawn: {}.",
            left_out.join(", ")
        )
    };
    vec![Plot {
        name: "differences".to_owned(),
        title: "Differences in per cent of A".to_owned(),
        finding: format!(
            "Of the {} figures here{money} {better} {} better in B for sure, {worse} worse, and {open} neither.{far}",
            rows.len(),
            super::are(better)
        ),
        note: "Whiskers are 95 % intervals of the difference, each figure on its own.".to_owned(),
        kind: Kind::Dots(Dots {
            x: Axis::new("", Unit::Share),
            series: ["better for sure", "worse for sure", "neither"]
                .map(str::to_owned)
                .to_vec(),
            rows,
            limits: vec![Limit {
                value: 0.0,
                label: "as in A".to_owned(),
            }],
        }),
    }]
}
