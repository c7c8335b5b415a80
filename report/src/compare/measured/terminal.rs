//! The comparison with a measured run as text for people: words first, then the tables behind them.
//!
//! Owns: which tables there are, their order, and what they leave out; every figure is in the CSV.

use highwater_models::record::figures::Unit;
use highwater_sim::compare::Head;
use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::{Agreement, Held, Verdict};

use super::{absent, caveat, heading, judgement, method, name, parting, sentences, verdict};
use crate::number;
use crate::paint::{Paint, Style};
use crate::table::{Align, Cell, Table, wrap};

/// Rows of a table of parts.
const ROWS: usize = 12;

/// The whole, each section followed by an empty line.
#[must_use]
pub fn render(found: &Agreement, paint: Paint) -> String {
    let mut parts = vec![head(found, paint), words(found, paint)];
    parts.extend(
        tables(found)
            .into_iter()
            .chain([regions(found)])
            .filter(|table| !table.is_empty())
            .map(|table| table.render(paint)),
    );
    let told: Vec<String> = partings(found).into_iter().chain(absent(found)).collect();
    parts.push(told.iter().map(|text| wrap(text, 0)).collect());
    parts.push(wrap(&method(found), 0));
    parts.push(caveats(found, paint));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

pub(super) fn title(found: &Agreement) -> String {
    if found.simulated.title.is_empty() {
        found.simulated.scenario.clone()
    } else {
        found.simulated.title.clone()
    }
}

fn head(found: &Agreement, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.text(Style::Heading, &title(found)));
    let simulated = format!("simulated: {} ({})", found.simulated.name, facts(&found.simulated));
    text.push_str(&wrap(&simulated, 2));
    for run in &found.measured {
        text.push_str(&wrap(&format!("measured: {} ({})", run.name, measured(found, run)), 2));
    }
    text
}

pub(super) fn facts(head: &Head) -> String {
    super::super::terminal::facts(head)
}

pub(super) fn measured(found: &Agreement, run: &Head) -> String {
    let facts = &found.facts;
    let mut told = vec![format!("seed {}", run.seed)];
    if !facts.target.is_empty() {
        told.push(facts.target.clone());
    }
    if facts.time_scale.is_finite() && facts.time_scale != 1.0 {
        told.push(format!(
            "{} times as fast",
            number::trim_zeros(&format!("{:.2}", facts.time_scale))
        ));
    }
    if facts.lateness.is_finite() {
        told.push(format!("99 % sent within {}", number::span_words(facts.lateness)));
    }
    told.join(", ")
}

const fn tone(found: Verdict) -> Style {
    match found {
        Verdict::Agrees | Verdict::Tolerated => Style::Good,
        Verdict::Differs => Style::Bad,
        Verdict::Undecided => Style::Open,
        Verdict::NotComparable(_) => Style::Faint,
    }
}

fn words(found: &Agreement, paint: Paint) -> String {
    let judged = judgement(found);
    let style = match judged {
        "Agrees" => Style::Good,
        "Differs" => Style::Bad,
        _ => Style::Open,
    };
    let text = wrap(&format!("{judged}. {}", sentences(found).join(" ")), 0);
    // Only the judgement itself is painted, so that lines can be wrapped without counting escape sequences.
    match text.strip_prefix(judged) {
        Some(rest) => format!("{}{rest}", paint.text(style, judged)),
        None => text,
    }
}

const COLUMNS: [(Align, &str); 5] = [
    (Align::Right, "simulated"),
    (Align::Right, "measured"),
    (Align::Right, "difference"),
    (Align::Left, "95 % interval"),
    (Align::Left, ""),
];

fn cells(held: &Held) -> Vec<Cell> {
    let difference = number::difference(&held.difference, held.unit);
    let of = |value: f64| number::value(value, held.unit);
    vec![
        of(held.simulated.value).into(),
        of(held.measured.value).into(),
        difference.value.into(),
        Cell::new(Style::Faint, difference.interval),
        Cell::new(tone(held.verdict), verdict(held)),
    ]
}

/// A table for each group of figures.
pub(super) fn tables(found: &Agreement) -> Vec<Table> {
    Group::ALL.into_iter().map(|group| table(found, group)).collect()
}

fn table(found: &Agreement, group: Group) -> Table {
    let mut table = Table::new(heading(group), &COLUMNS);
    let seen = |held: &&Held| {
        let any = |value: f64| value.is_finite() && value != 0.0;
        group == Group::Headline || any(held.simulated.value) || any(held.measured.value)
    };
    let mut rows: Vec<&Held> = match group {
        Group::Stage => found.stages(),
        _ => found.group(group).collect(),
    };
    rows.retain(seen);
    if rows.len() > ROWS && group != Group::Headline {
        // What differs first; the sort is stable.
        let rank = |held: &&Held| match held.verdict {
            Verdict::Differs => 0,
            Verdict::Undecided => 1,
            Verdict::Tolerated => 2,
            Verdict::Agrees => 3,
            Verdict::NotComparable(_) => 4,
        };
        if group != Group::Stage {
            rows.sort_by_key(rank);
        }
        rows.truncate(ROWS);
    }
    for held in rows {
        table.row(name(held), cells(held));
    }
    if group == Group::Stage
        && !table.is_empty()
        && let Some(mean) = found.get(&["latency", "mean"])
    {
        table.row("all of it", cells(mean));
    }
    table
}

/// Agreement by load.
pub(super) fn regions(found: &Agreement) -> Table {
    let mut table = Table::new("By load, requests a second", &COLUMNS);
    for region in &found.regions {
        for figure in &region.figures {
            let difference = number::difference(&figure.difference, figure.unit);
            let of = |value: f64| number::value(value, figure.unit);
            let said = match figure.verdict {
                Verdict::Agrees => "agrees",
                Verdict::Tolerated => "tolerated",
                Verdict::Differs => "differs",
                Verdict::Undecided => "undecided",
                Verdict::NotComparable(reason) => super::reason(reason),
            };
            table.row(
                format!(
                    "{} to {}: {}",
                    number::value(region.from, Unit::Count),
                    number::value(region.to, Unit::Count),
                    super::called(&figure.path)
                ),
                vec![
                    of(figure.simulated.value).into(),
                    of(figure.measured.value).into(),
                    difference.value.into(),
                    Cell::new(Style::Faint, difference.interval),
                    Cell::new(tone(figure.verdict), said),
                ],
            );
        }
    }
    table
}

/// The first requests that went otherwise.
pub(super) fn partings(found: &Agreement) -> Vec<String> {
    let Some(pairing) = &found.pairing else {
        return Vec::new();
    };
    let mut told = Vec::new();
    if let Some(first) = &pairing.first_outcome {
        told.push(format!("First to end otherwise: {}", lower(&parting(first))));
    }
    if let Some(first) = &pairing.first_latency {
        told.push(format!("First to take another time: {}", lower(&parting(first))));
    }
    if pairing.only_simulated + pairing.only_measured > 0 {
        told.push(format!(
            "{} requests are only in the simulation and {} only in the measured run: sessions that went another way.",
            number::count(pairing.only_simulated as f64),
            number::count(pairing.only_measured as f64)
        ));
    }
    told
}

fn lower(text: &str) -> String {
    text.strip_prefix("At")
        .map_or_else(|| text.to_owned(), |rest| format!("at{rest}"))
}

fn caveats(found: &Agreement, paint: Paint) -> String {
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
