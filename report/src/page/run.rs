//! The report of a run.
//!
//! Owns: what is in it and in which order: what came out, what had to hold, what may mislead, what happened, where time
//! and money go, what the design's review found, and how to run it again.

use highwater_models::record::figures::Unit;
use highwater_models::record::summary::{Objective, Summary};
use highwater_models::review::{Finding, Review, Severity};

use super::{Block, Item, Number, Page, Section, Tone, Verdict};
use crate::number::{self, span_words};
use crate::paint::Style;
use crate::plot::Plot;
use crate::table::{Align, Cell, Table};
use crate::terminal::{self, alerts, log, sections};
use crate::verdict::{self, Judgement};
use crate::{money, next_step, review, words};

/// Plots over time, by name; the others are about the whole run.
const OVER_TIME: [&str; 7] = [
    "load",
    "latency",
    "errors-over-time",
    "utilization-over-time",
    "queues",
    "instances",
    "memory",
];

/// The report of a run with its plots and the command that gives it again.
#[must_use]
pub fn of_run(summary: &Summary, plots: Vec<Plot>, again: &str) -> Page {
    let (mut over_time, mut whole, mut cost) = (Vec::new(), Vec::new(), Vec::new());
    for plot in plots {
        let place = if OVER_TIME.contains(&plot.name.as_str()) {
            &mut over_time
        } else if plot.name == "cost" {
            &mut cost
        } else {
            &mut whole
        };
        place.push(Block::Figure(Box::new(plot)));
    }
    let mut money = vec![Block::Text(money::words(summary))];
    money.append(&mut cost);
    money.push(Block::Folded(money::table(summary)));
    Page {
        title: title(summary),
        question: summary.question.clone(),
        subject: subject(summary),
        verdict: verdict(summary),
        numbers: numbers(summary),
        sections: vec![
            Section::open(
                "Objectives",
                vec![Block::Table(terminal::objectives(&summary.objectives))],
            ),
            Section::new("What may mislead", vec![Block::List(warnings(summary))]),
            Section::new(
                "What broke first",
                vec![Block::Table(limits(summary)), Block::Table(failures(summary))],
            ),
            Section::new("Over time", over_time),
            Section::new("Over the whole run", whole),
            Section::new("Money", money),
            Section::new("Alerts", monitoring(summary)),
            Section::new("What happened", events(summary)),
            Section::new("Design review", design(&summary.review)),
            Section::new(
                "All tables",
                sections::tables(summary).into_iter().map(Block::Folded).collect(),
            ),
            Section::new(
                "How to run it again",
                vec![Block::Command(again.to_owned()), Block::Facts(provenance(summary))],
            ),
        ],
        footer: format!("Made by Highwater {}.", summary.version),
    }
}

fn title(summary: &Summary) -> String {
    if summary.title.is_empty() {
        &summary.scenario
    } else {
        &summary.title
    }
    .clone()
}

fn subject(summary: &Summary) -> String {
    let replications = match summary.replications {
        1 => "1 replication".to_owned(),
        many => format!("{many} independent replications"),
    };
    let system = if summary.system.is_empty() {
        String::new()
    } else {
        format!("{}: ", summary.system)
    };
    format!(
        "{system}simulated in {replications} of {}. Estimates stand with their 95 % intervals.",
        span_words(summary.simulated_seconds)
    )
}

/// What the verdict says, with its word in front.
fn verdict(summary: &Summary) -> Verdict {
    let verdict = verdict::verdict(summary);
    let (tone, word) = match verdict.judgement {
        Judgement::Holds => (Tone::Good, "It holds"),
        Judgement::Breaks => (Tone::Bad, "It does not hold"),
        Judgement::Undecided => (Tone::Open, "Not decided"),
        Judgement::NoObjectives => (Tone::Open, "Nothing to judge by"),
    };
    Verdict {
        tone,
        word: word.to_owned(),
        sentences: verdict.sentences,
        next_step: summary.next_step.as_ref().map_or_else(String::new, next_step::sentence),
    }
}

fn numbers(summary: &Summary) -> Vec<Number> {
    let figures = &summary.figures;
    let mut numbers = Vec::new();
    let useful = figures.value(&["requests", "useful"]) / figures.value(&["requests", "offered"]);
    if useful.is_finite() {
        numbers.push(Number {
            label: "requests answered usefully".to_owned(),
            value: number::percent(useful),
            beside: format!("of {}", number::count(figures.value(&["requests", "offered"]))),
            tone: None,
        });
    }
    for (label, path, objective) in [
        ("95 % answered within", &["latency", "p95"][..], "p95"),
        ("requests that fail", &["errors", "rate"], "error_rate"),
        ("useful answers a second", &["goodput"], ""),
        ("a month like this run", &["cost", "month"], "cost_month"),
    ] {
        let Some(figure) = figures.get(path).filter(|figure| figure.estimate.value.is_finite()) else {
            continue;
        };
        let mut cells = number::cells(&figure.estimate, figure.unit);
        // In large type nearly nothing is said in words and not as a row of zeros.
        if figure.unit == Unit::Share && figure.estimate.value < 0.000_5 {
            cells.value = number::percent(figure.estimate.value);
        }
        let judged = summary.objectives.iter().find(|judged| judged.name == objective);
        let mut beside = cells.interval;
        if let Some(judged) = judged {
            let separator = if beside.is_empty() { "" } else { "; " };
            beside.push_str(&format!("{separator}has to be {}", words::bound(judged)));
        }
        numbers.push(Number {
            label: label.to_owned(),
            value: cells.value,
            beside,
            tone: judged.map(tone),
        });
    }
    numbers
}

const fn tone(objective: &Objective) -> Tone {
    match objective.met {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Open,
    }
}

fn warnings(summary: &Summary) -> Vec<Item> {
    let item = |warning: &highwater_models::record::summary::Warning| Item {
        word: String::new(),
        style: Style::Normal,
        text: warning.text.clone(),
        more: Vec::new(),
    };
    summary.warnings.iter().map(item).collect()
}

/// Resources in the order in which they reached their limits.
fn limits(summary: &Summary) -> Table {
    let mut table = Table::new(
        "Reached its limit",
        &[
            (Align::Left, "limit"),
            (Align::Right, "first after"),
            (Align::Left, "seen in"),
            (Align::Right, "used"),
            (Align::Right, "of the slowest's time"),
            (Align::Left, "because of"),
        ],
    );
    for found in &summary.bottlenecks {
        let share = |share: f64| {
            if share.is_finite() {
                number::percent(share)
            } else {
                String::new()
            }
        };
        table.row(
            found.resource.as_str(),
            vec![
                Cell::new(Style::Faint, found.limit.as_str()),
                span_words(found.first_at.value).into(),
                runs(found.replications, summary).into(),
                share(found.utilization).into(),
                share(found.latency_share_slowest).into(),
                found.because_of.clone().unwrap_or_default().into(),
            ],
        );
    }
    table
}

fn failures(summary: &Summary) -> Table {
    let mut table = Table::new(
        "Began to fail",
        &[
            (Align::Left, "because"),
            (Align::Right, "first after"),
            (Align::Left, "seen in"),
            (Align::Right, "of requests"),
            (Align::Left, "most often"),
        ],
    );
    for failure in &summary.failures {
        table.row(
            failure.cause,
            vec![
                words::because_of_name(failure.cause).into(),
                span_words(failure.first_at.value).into(),
                runs(failure.replications, summary).into(),
                number::percent(failure.share).into(),
                failure.endpoint.as_str().into(),
            ],
        );
    }
    table
}

/// In how many of the replications; empty where in all.
fn runs(seen: u32, summary: &Summary) -> String {
    if seen < summary.replications {
        format!("{seen} of {} runs", summary.replications)
    } else {
        String::new()
    }
}

fn monitoring(summary: &Summary) -> Vec<Block> {
    if summary.alerts.rules.is_empty() {
        return Vec::new();
    }
    vec![
        Block::Table(alerts::rules(&summary.alerts, summary.replications)),
        Block::Text(
            alerts::remarks(&summary.alerts, summary)
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        ),
        Block::Table(alerts::channels(summary)),
    ]
}

fn events(summary: &Summary) -> Vec<Block> {
    let (shown, more) = log::shown(&summary.log);
    let mut table = Table::new("After", &[(Align::Left, "where"), (Align::Left, "what")]);
    for entry in shown {
        table.row(
            span_words(entry.at),
            vec![entry.subject.as_str().into(), entry.text.as_str().into()],
        );
    }
    let mut text = String::new();
    if !table.is_empty() && summary.replications > 1 {
        text.push_str("In the first replication. ");
    }
    if !more.is_empty() {
        text.push_str(&format!("More, in `events_log` of summary.json: {}.", more.join(", ")));
    }
    vec![Block::Table(table), Block::Text(text.trim_end().to_owned())]
}

/// What the review found, contradictions at once.
pub(crate) fn design(review: &Review) -> Vec<Block> {
    if review.findings.is_empty() {
        return Vec::new();
    }
    let item = |finding: &Finding| Item {
        word: finding.severity.text().to_owned(),
        style: review::style(finding.severity),
        text: finding.title.clone(),
        more: vec![
            ("why".to_owned(), finding.arithmetic.clone()),
            ("cure".to_owned(), finding.cure.clone()),
            (
                "rule".to_owned(),
                format!("`{}`, about `{}`", finding.id, finding.subject),
            ),
        ],
    };
    let of = |severity: Severity| -> Vec<Item> {
        let findings = review.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .map(item)
            .collect()
    };
    vec![
        Block::Text(format!(
            "Of the settings alone, before anything is simulated: {}.",
            review::counts(review)
        )),
        Block::List(of(Severity::Contradiction)),
        Block::FoldedList("Risks".to_owned(), of(Severity::Risk)),
        Block::FoldedList("Notes".to_owned(), of(Severity::Note)),
    ]
}

fn measured(summary: &Summary) -> String {
    let (from, to) = summary.measured;
    let from = if from > 0.0 {
        span_words(from)
    } else {
        "the start".to_owned()
    };
    format!("from {from} to {}", span_words(to))
}

/// What it takes to see that two results are of one model.
fn provenance(summary: &Summary) -> Vec<(String, String)> {
    [
        ("Highwater", summary.version.clone()),
        ("model", summary.model_hash.clone()),
        ("seed", summary.seed.to_string()),
        ("replications", summary.replications.to_string()),
        ("measured", measured(summary)),
        ("events", number::value(summary.events as f64, Unit::Count)),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}
