//! Checked files for a terminal: one sentence for all, then file by file what is to be known and no more.
//!
//! Owns: order and layout.
//! Never: wording that other faces share.

use highwater_models::review::Severity;
use highwater_sim::change::Change;

use super::{Against, Checked, Kind, Run, Standing, change, headline, needed};
use crate::paint::{Paint, Style};
use crate::review::counts;
use crate::table::{Align, Cell, Table, wrap, wrap_after};
use crate::terminal;
use crate::verdict::verdict;

/// Everything that a reader at a terminal needs.
#[must_use]
pub fn render(files: &[Checked], paint: Paint) -> String {
    let mut parts = Vec::new();
    if files.len() > 1 {
        parts.push(format!("{}\n", paint.text(Style::Heading, &headline(files))));
    }
    parts.extend(files.iter().map(|file| one(file, paint)));
    parts.join("\n")
}

fn one(file: &Checked, paint: Paint) -> String {
    let standing = file.standing();
    let style = match standing {
        Standing::Holds => Style::Good,
        Standing::Undecided => Style::Open,
        _ => Style::Bad,
    };
    let word = if standing == Standing::Holds && file.kind == Kind::System {
        "in order"
    } else {
        standing.text()
    };
    let word = if standing == Standing::Broken {
        word.to_uppercase()
    } else {
        word.to_owned()
    };
    let head = format!("{} {}: {word}", standing.mark(), file.file);
    let mut text = format!("{}\n", paint.text(style, &head));
    for complaint in &file.complaints {
        text.push_str(&complaint.text);
        text.push_str("\n\n");
    }
    if file.errors().next().is_some() {
        let count = file.errors().count();
        let mistakes = if count == 1 {
            "1 mistake"
        } else {
            &format!("{count} mistakes")
        };
        text.push_str(&format!("{mistakes}: nothing was reviewed or simulated.\n"));
    }
    if let Some(trouble) = &file.trouble {
        text.push_str(&wrap(&format!("It could not be run: {trouble}."), 2));
    }
    if let Some(run) = &file.run {
        text.push_str(&run_text(run, paint));
    }
    text.push_str(&review(file, paint));
    text
}

fn run_text(run: &Run, paint: Paint) -> String {
    let mut text = wrap(&verdict(&run.summary).to_string(), 0);
    let objectives = terminal::objectives(&run.summary.objectives);
    if !objectives.is_empty() {
        text.push('\n');
        text.push_str(&objectives.render(paint));
    }
    for (objective, &needed) in run.summary.objectives.iter().zip(&run.needed) {
        if let Some(sentence) = needed::sentence(objective, needed) {
            text.push_str(&wrap_after("  ", &sentence));
        }
    }
    if run.looks > 1 {
        text.push_str(&wrap_after("  ", &looks(run)));
    }
    match &run.against {
        Against::Nothing => {}
        Against::NotInBaseline => text.push_str("\nThe baseline has no run of this scenario.\n"),
        Against::Change(found) => {
            text.push('\n');
            for sentence in change::sentences(found) {
                text.push_str(&wrap_after("  ", &sentence));
            }
            let table = against(found);
            if !table.is_empty() {
                text.push('\n');
                text.push_str(&table.render(paint));
            }
            text.push_str(&wrap_after("  ", &format!("Compared: {}.", change::pairing(found))));
        }
    }
    text
}

/// The figures that a change is told by.
pub(super) fn against(found: &Change) -> Table {
    let mut table = Table::new(
        "Against the baseline",
        &[
            (Align::Left, ""),
            (Align::Right, "before"),
            (Align::Right, "now"),
            (Align::Right, "difference"),
            (Align::Left, "95 % interval of it"),
        ],
    );
    for row in change::rows(found) {
        let style = match row.word.chars().next() {
            Some('✗') => Style::Bad,
            Some('✓') => Style::Good,
            _ => Style::Normal,
        };
        let [before, now, difference, interval] = row.cells;
        table.row(
            Cell::new(style, row.word),
            vec![
                row.name.into(),
                before.into(),
                now.into(),
                difference.into(),
                Cell::new(Style::Faint, interval),
            ],
        );
    }
    table
}

/// That several looks were taken, and what that does to the confidence.
pub(super) fn looks(run: &Run) -> String {
    format!(
        "Simulated {} times with more replications each, {} in the end, until nothing was open or the cap was reached; \
         each look had its own 5 % chance of a wrong answer.",
        run.looks, run.summary.replications
    )
}

/// Contradictions with their cures; how much else there is.
fn review(file: &Checked, paint: Paint) -> String {
    let Some((review, _)) = &file.review else {
        return String::new();
    };
    if review.findings.is_empty() {
        return String::new();
    }
    let heading = format!("Design review: {}", counts(review));
    let mut text = format!("\n{}\n", paint.text(Style::Heading, &heading));
    for (finding, _) in file.findings(Severity::Contradiction) {
        let lines = wrap_after("  ✗ ", &format!("{} [{}]", finding.title, finding.id));
        text.push_str(&paint.text(Style::Bad, lines.trim_end()));
        text.push('\n');
        text.push_str(&wrap_after("    cure  ", &finding.cure));
    }
    text.push_str(&wrap_after(
        "  ",
        &format!(
            "`highwater check --design {}` has the arithmetic and the cures.",
            file.file
        ),
    ));
    text
}
