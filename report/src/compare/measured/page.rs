//! The report of a comparison with a measured run.
//!
//! Owns: what is in it and in which order. Never: wording that the terminal shares, differences.

use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::{Agreement, Held, Verdict as Seen};

use super::{absent, caveat, judgement, method, sentences, terminal, verdict as said};
use crate::number;
use crate::page::{Block, Item, Number, Page, Section, Tone, Verdict};
use crate::paint::Style;
use crate::plot::Plot;

/// Figures in large type.
const LARGE: [&[&str]; 4] = [
    &["latency", "p50"],
    &["latency", "p95"],
    &["errors", "rate"],
    &["goodput"],
];

/// The report with its plots and the command that gives it again.
#[must_use]
pub fn page(found: &Agreement, plots: Vec<Plot>, again: &str) -> Page {
    let tables = terminal::tables(found);
    let of = |group: Group| {
        let place = Group::ALL.iter().position(|&known| known == group);
        place.and_then(|place| tables.get(place)).cloned().map(Block::Table)
    };
    let (mut whole, mut time, mut spread, mut queues) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for plot in plots {
        let place = match plot.name.as_str() {
            "differences" => &mut whole,
            "stages" => &mut spread,
            waiting if waiting.starts_with("waiting-") => &mut queues,
            _ => &mut time,
        };
        place.push(Block::Figure(Box::new(plot)));
    }
    let headline: Vec<Block> = of(Group::Headline).into_iter().chain(whole).collect();
    let stages: Vec<Block> = spread.into_iter().chain(of(Group::Stage)).collect();
    let resources: Vec<Block> = queues.into_iter().chain(of(Group::Resource)).collect();
    let item = |text: String| Item {
        word: String::new(),
        style: Style::Normal,
        text,
        more: Vec::new(),
    };
    let requests: Vec<Item> = terminal::partings(found).into_iter().map(item).collect();
    let warnings: Vec<Item> = found.caveats.iter().map(|known| item(caveat(known).1)).collect();
    let measured = found.measured.iter().map(|run| {
        (
            "Measured".to_owned(),
            format!("{}: {}", run.name, terminal::measured(found, run)),
        )
    });
    let simulated = format!("{}: {}", found.simulated.name, terminal::facts(&found.simulated));
    Page {
        title: format!("{}: simulated and measured", terminal::title(found)),
        question: String::new(),
        subject: format!(
            "`{}` stands beside {}. A difference is the simulation's figure less the measured one, with its 95 % interval.",
            found.simulated.name,
            found
                .measured
                .iter()
                .map(|run| format!("`{}`", run.name))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        verdict: verdict(found),
        numbers: numbers(found),
        sections: vec![
            Section::new("What may mislead", vec![Block::List(warnings)]),
            Section::open("The whole", headline),
            Section::open("Where the time goes", stages),
            Section::open("Side by side over time", time),
            Section::new("By load", vec![Block::Table(terminal::regions(found))]),
            Section::new("Request by request", vec![Block::List(requests)]),
            Section::new("Failures", of(Group::Cause).into_iter().collect()),
            Section::new("By endpoint", of(Group::Endpoint).into_iter().collect()),
            Section::new("Resources", resources),
            Section::new(
                "How sure that is",
                std::iter::once(method(found))
                    .chain(absent(found))
                    .map(Block::Text)
                    .collect(),
            ),
            Section::new(
                "How to run it again",
                vec![
                    Block::Command(again.to_owned()),
                    Block::Facts(
                        std::iter::once(("Simulated".to_owned(), simulated))
                            .chain(measured)
                            .collect(),
                    ),
                ],
            ),
        ],
        footer: format!("Made by Highwater {}.", found.simulated.version),
    }
}

fn verdict(found: &Agreement) -> Verdict {
    let word = judgement(found);
    Verdict {
        tone: match word {
            "Agrees" => Tone::Good,
            "Differs" => Tone::Bad,
            _ => Tone::Open,
        },
        word: word.to_owned(),
        sentences: sentences(found),
        next_step: String::new(),
    }
}

fn numbers(found: &Agreement) -> Vec<Number> {
    let number = |held: &Held| {
        let value = |value: f64| number::trim_zeros(&number::value(value, held.unit));
        Number {
            label: super::name(held),
            value: value(held.measured.value),
            beside: format!("simulated {}; {}", value(held.simulated.value), said(held)),
            tone: match held.verdict {
                Seen::Agrees | Seen::Tolerated => Some(Tone::Good),
                Seen::Differs => Some(Tone::Bad),
                Seen::Undecided | Seen::NotComparable(_) => None,
            },
        }
    };
    LARGE
        .iter()
        .filter_map(|path| found.get(path))
        .filter(|held| held.measured.value.is_finite() && held.simulated.value.is_finite())
        .map(number)
        .collect()
}
