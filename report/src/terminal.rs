//! A whole result as text for people: the verdict first, then the figures behind it.
//!
//! Owns: which tables there are, their order, and what they leave out. A table with nothing to say is not shown; every
//! figure is in `summary.json`.
//! Never: judging (`verdict.rs`), rounding (`number.rs`), layout (`table.rs`).

pub(crate) mod alerts;
pub(crate) mod log;
pub(crate) mod sections;

use highwater_models::record::summary::{Objective, Summary};

use crate::money;
use crate::next_step;
use crate::number;
use crate::paint::{Paint, Style};
use crate::review;
use crate::table::{Align, Cell, Table, wrap};
use crate::verdict::{self, Judgement};
use crate::words;

/// The report of a run, each section followed by an empty line.
#[must_use]
pub fn render(summary: &Summary, paint: Paint) -> String {
    let mut parts = vec![
        heading(summary, paint),
        verdict_lines(summary, paint),
        next_step::paragraph(summary.next_step.as_ref(), paint),
    ];
    let tables = std::iter::once(objectives(&summary.objectives)).chain(sections::tables(summary));
    parts.extend(
        tables
            .filter(|table| !table.is_empty())
            .map(|table| table.render(paint)),
    );
    parts.push(money(summary, paint));
    parts.extend(alerts::sections(summary, paint));
    parts.push(log::section(summary, paint));
    parts.push(review::summary(&summary.review, paint));
    parts.push(warnings(summary, paint));
    parts.push(footer(summary, paint));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// The mark and the word of a judged objective; the word alone says it all.
#[must_use]
pub fn mark(met: Option<bool>) -> (Style, &'static str) {
    match met {
        Some(true) => (Style::Good, "✓ met"),
        Some(false) => (Style::Bad, "✗ MISSED"),
        None => (Style::Open, "? not decided"),
    }
}

fn heading(summary: &Summary, paint: Paint) -> String {
    let title = if summary.title.is_empty() {
        &summary.scenario
    } else {
        &summary.title
    };
    let mut text = format!("{}\n", paint.text(Style::Heading, title));
    if !summary.question.is_empty() {
        text.push_str(&wrap(&summary.question, 0));
    }
    text
}

fn verdict_lines(summary: &Summary, paint: Paint) -> String {
    let verdict = verdict::verdict(summary);
    let style = match verdict.judgement {
        Judgement::Holds => Style::Good,
        Judgement::Breaks => Style::Bad,
        Judgement::Undecided | Judgement::NoObjectives => Style::Open,
    };
    // Only the judgement itself is painted, so that lines can be wrapped without counting escape sequences.
    let text = wrap(&verdict.to_string(), 0);
    match text.find(':') {
        Some(colon) if !text[..colon].contains('\n') => {
            format!("{}{}", paint.text(style, &text[..colon]), &text[colon..])
        }
        _ => text,
    }
}

/// Each objective with its mark, bound, value and interval.
pub(crate) fn objectives(objectives: &[Objective]) -> Table {
    let mut table = Table::new(
        "Objectives",
        &[
            (Align::Left, ""),
            (Align::Left, "has to be"),
            (Align::Right, "is"),
            (Align::Left, "95 % interval"),
        ],
    );
    for objective in objectives {
        let (style, word) = mark(objective.met);
        let cells = number::cells(&objective.value, objective.unit);
        table.row(
            Cell::new(style, word),
            vec![
                words::objective(objective).into(),
                words::bound(objective).into(),
                cells.value.into(),
                Cell::new(Style::Faint, cells.interval),
            ],
        );
    }
    table
}

/// What it costs, in words above the bill.
fn money(summary: &Summary, paint: Paint) -> String {
    let table = money::table(summary);
    if table.is_empty() {
        return String::new();
    }
    format!("{}{}", wrap(&money::words(summary), 0), table.render(paint))
}

fn warnings(summary: &Summary, paint: Paint) -> String {
    let mut text = String::new();
    for warning in &summary.warnings {
        let lines = wrap(&format!("warning[{}]: {}", warning.id, warning.text), 2);
        let rest = lines.strip_prefix("warning").unwrap_or(&lines);
        text.push_str(&paint.text(Style::Bad, "warning"));
        text.push_str(rest);
    }
    text
}

/// What it takes to run this again.
fn footer(summary: &Summary, paint: Paint) -> String {
    let replications = match summary.replications {
        1 => "1 replication".to_owned(),
        many => format!("{many} replications"),
    };
    let mut parts = vec![
        format!("{replications} of {}", number::span_words(summary.simulated_seconds)),
        measured(summary),
        format!("{} events", number::count(summary.events as f64)),
        format!("seed {}", summary.seed),
    ];
    for (name, text) in [("Highwater", &summary.version), ("model", &summary.model_hash)] {
        if !text.is_empty() {
            parts.push(format!("{name} {text}"));
        }
    }
    parts.retain(|part| !part.is_empty());
    let line = parts.join(", ");
    format!("{}\n", paint.text(Style::Faint, &line))
}

/// From when on it was measured, where that is not the beginning.
fn measured(summary: &Summary) -> String {
    let (from, _) = summary.measured;
    if from > 0.0 {
        format!("measured from {}", number::span_words(from))
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{broken, calm};

    // Lost if broken: the report as a reader sees it. Read it when it changes.
    #[test]
    fn a_broken_run_reads_from_verdict_to_figures() {
        insta::assert_snapshot!("broken", render(&broken(), Paint::Plain));
    }

    // Lost if broken: a short result buried in empty tables.
    #[test]
    fn a_calm_run_without_objectives_shows_only_what_there_is() {
        insta::assert_snapshot!("calm", render(&calm(), Paint::Plain));
    }

    // Lost if broken: reports that wrap, panics on nothing at all, or escape sequences in a file.
    #[test]
    fn every_report_is_plain_and_narrow() {
        let mut long = broken();
        long.log[0].text = "a reason ".repeat(40);
        long.resources[0].name = "w".repeat(150);
        for summary in [calm(), broken(), long, Summary::default()] {
            for line in render(&summary, Paint::Plain).lines() {
                assert!(line.chars().count() <= crate::table::WIDTH, "{line}");
                assert!(
                    !line.contains('\u{1b}') && !line.contains('\u{1}') && line.trim_end() == line,
                    "{line:?}"
                );
            }
        }
    }
}
