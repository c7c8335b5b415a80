//! A study as text for people: what it says, its points, and what each axis moves.
//!
//! Owns: which tables there are and what they leave out. Every figure is in `points.csv`.

use highwater_models::record::sweep::{Design, Metric, Point, Standing};
use highwater_sim::sweep::findings::{Effect, Findings};

use super::sentences;
use crate::number;
use crate::paint::{Paint, Style};
use crate::table::{Align, Cell, Table, wrap};

/// Most rows of the table of points.
const ROWS: usize = 40;
/// Most columns of figures: what a terminal holds beside the axes and the standing.
const FIGURES: usize = 4;
/// Most columns of a table with one axis down and the other across.
const ACROSS: usize = 7;
/// Most tables of that kind.
const TABLES: usize = 3;
/// Most characters of a level's name above such a column.
const HEADING: usize = 11;
/// From how many points on two axes are shown crosswise.
const CROSSWISE: usize = 9;

/// The report of a study, each section followed by an empty line.
#[must_use]
pub fn render(design: &Design, points: &[Point], findings: &Findings, paint: Paint) -> String {
    let mut parts = vec![heading(design, paint), verdict(design, points, findings, paint)];
    parts.push(match crossing(design) {
        Some(axes) => crosswise(design, points, axes, paint),
        None => rows(design, points, findings, paint),
    });
    parts.push(effects(design, points, findings, paint));
    parts.push(warnings(points, paint));
    parts.push(footer(design, points, paint));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn heading(design: &Design, paint: Paint) -> String {
    let mut text = format!("{}\n", paint.text(Style::Heading, &design.title));
    if !design.question.is_empty() {
        text.push_str(&wrap(&design.question, 0));
    }
    text
}

fn verdict(design: &Design, points: &[Point], findings: &Findings, paint: Paint) -> String {
    let sentences = sentences::all(design, points, findings);
    let mut text = String::new();
    for (index, sentence) in sentences.iter().enumerate() {
        let lines = wrap(sentence, 2);
        if index > 0 {
            text.push_str(&lines);
            continue;
        }
        let [holds, open, breaks, not_asked] = findings.counts;
        let style = match () {
            () if not_asked == points.len() || open > 0 && breaks == 0 => Style::Open,
            () if holds == points.len() => Style::Good,
            () => Style::Bad,
        };
        let first = lines.lines().next().unwrap_or_default();
        text.push_str(&lines.replacen(first, &paint.text(style, first), 1));
    }
    text
}

/// The figures that fit beside the axes: the first that the study names, those left out that are nothing everywhere.
pub(super) fn shown(design: &Design, points: &[Point]) -> Vec<String> {
    let says_something = |path: &&String| {
        let value = |point: &Point| point.metric(path).map_or(f64::NAN, |metric| metric.estimate.value);
        points.iter().map(value).any(|value| value.is_finite() && value != 0.0)
    };
    design
        .metrics
        .iter()
        .filter(says_something)
        .take(FIGURES)
        .cloned()
        .collect()
}

/// A value with the digits that its interval supports; nothing at all is a plain zero.
pub(super) fn value_of(metric: &Metric) -> String {
    if metric.estimate.value == 0.0 {
        return number::value(0.0, metric.unit);
    }
    number::cells(&metric.estimate, metric.unit).value
}

pub(super) fn style(standing: Standing) -> Style {
    match standing {
        Standing::Holds => Style::Good,
        Standing::Breaks => Style::Bad,
        Standing::Open => Style::Open,
        Standing::NotAsked => Style::Normal,
    }
}

/// The points one by one, with as many figures as leave room for what is missed.
fn rows(design: &Design, points: &[Point], findings: &Findings, paint: Paint) -> String {
    let chosen = worth_showing(design, points, findings);
    let mut metrics = shown(design, points);
    let mut table = of_points(design, points, &chosen, &metrics);
    while !table.fits() && metrics.len() > 1 {
        metrics.pop();
        table = of_points(design, points, &chosen, &metrics);
    }
    let mut text = table.render(paint);
    if chosen.len() < points.len() {
        let note = format!(
            "{} of {} points: those at which it begins or stops to hold; all are in points.csv and wide.csv.",
            chosen.len(),
            number::count(points.len() as f64)
        );
        text.push_str(&paint.text(Style::Faint, &note));
        text.push('\n');
    }
    text
}

/// These points with these figures.
fn of_points(design: &Design, points: &[Point], chosen: &[usize], metrics: &[String]) -> Table {
    let axes: Vec<usize> = (0..design.axes.len())
        .filter(|&axis| design.axes[axis].levels.len() > 1)
        .collect();
    let headings: Vec<String> = metrics.iter().map(|path| sentences::metric(path)).collect();
    let mut columns: Vec<(Align, &str)> = axes
        .iter()
        .skip(1)
        .map(|&axis| (Align::Left, design.axes[axis].name.as_str()))
        .collect();
    columns.extend(headings.iter().map(|heading| (Align::Right, heading.as_str())));
    columns.push((Align::Left, ""));
    let title = axes.first().map_or("Point", |&axis| design.axes[axis].name.as_str());
    let mut table = Table::new(title, &columns);
    for point in chosen.iter().map(|&number| &points[number]) {
        let levels = design.levels_of(point.number);
        let label = |axis: usize| design.axes[axis].levels[levels[axis]].label.clone();
        let mut cells: Vec<Cell> = axes.iter().skip(1).map(|&axis| label(axis).into()).collect();
        cells.extend(metrics.iter().map(|path| match point.metric(path) {
            Some(metric) => value_of(metric).into(),
            None => number::NOTHING.into(),
        }));
        cells.push(Cell::new(style(point.standing()), sentences::standing(point)));
        table.row(
            axes.first().map_or_else(|| point.scenario.clone(), |&axis| label(axis)),
            cells,
        );
    }
    table
}

/// All points where they fit; else the one to take and those whose neighbour has another standing, and if these are too
/// many, every so many of them.
pub(super) fn worth_showing(design: &Design, points: &[Point], findings: &Findings) -> Vec<usize> {
    let all: Vec<usize> = (0..points.len()).collect();
    if all.len() <= ROWS {
        return all;
    }
    let neighbours = |point: usize| {
        let levels = design.levels_of(point);
        let mut found = Vec::new();
        for (axis, of) in design.axes.iter().enumerate() {
            for level in [levels[axis].wrapping_sub(1), levels[axis] + 1] {
                if level < of.levels.len() {
                    let mut other = levels.clone();
                    other[axis] = level;
                    found.push(design.point_at(&other));
                }
            }
        }
        found
    };
    let at_edge = |&point: &usize| {
        let standing = points[point].standing();
        findings.best.is_some_and(|best| best.point == point)
            || neighbours(point)
                .iter()
                .any(|&other| points[other].standing() != standing)
    };
    let mut chosen: Vec<usize> = all.iter().copied().filter(at_edge).collect();
    if chosen.len() <= 1 {
        chosen = all;
    }
    let count = chosen.len();
    if count <= ROWS {
        return chosen;
    }
    (0..ROWS).map(|row| chosen[row * (count - 1) / (ROWS - 1)]).collect()
}

/// The two axes of several levels, the longer one down, where there are just two and many points.
pub(super) fn crossing(design: &Design) -> Option<(usize, usize)> {
    let axes: Vec<usize> = (0..design.axes.len())
        .filter(|&axis| design.axes[axis].levels.len() > 1)
        .collect();
    let [one, two] = axes[..] else { return None };
    let levels = |axis: usize| design.axes[axis].levels.len();
    let (down, across) = if levels(two) > levels(one) {
        (two, one)
    } else {
        (one, two)
    };
    let headings = design.axes[across]
        .levels
        .iter()
        .map(|level| level.label.chars().count());
    let fits = levels(across) <= ACROSS && levels(down) <= ROWS && headings.max() <= Some(HEADING);
    (design.points() >= CROSSWISE && fits).then_some((down, across))
}

fn crosswise(design: &Design, points: &[Point], axes: (usize, usize), paint: Paint) -> String {
    let mut text = String::new();
    for (lead, table) in crosswise_tables(design, points, axes) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&paint.text(Style::Heading, &lead));
        text.push('\n');
        text.push_str(&table.render(paint));
    }
    if is_judged(points) {
        text.push_str(&paint.text(Style::Faint, SIGNS));
        text.push('\n');
    }
    text
}

/// What the signs beside values say.
pub(super) const SIGNS: &str = "✓ all objectives met, ✗ one missed, ? not decided";

/// Whether anything had to hold.
pub(super) fn is_judged(points: &[Point]) -> bool {
    points.iter().any(|point| point.standing() != Standing::NotAsked)
}

/// One table for each of the first figures: one axis down, the other across, each cell with its standing.
pub(super) fn crosswise_tables(
    design: &Design,
    points: &[Point],
    (down, across): (usize, usize),
) -> Vec<(String, Table)> {
    let headings: Vec<&str> = design.axes[across]
        .levels
        .iter()
        .map(|level| level.label.as_str())
        .collect();
    let columns: Vec<(Align, &str)> = headings.iter().map(|heading| (Align::Right, *heading)).collect();
    let one = |path: String| {
        let mut table = Table::new(&design.axes[down].name, &columns);
        for (row, level) in design.axes[down].levels.iter().enumerate() {
            let cells = (0..headings.len()).map(|column| {
                let mut levels = vec![0; design.axes.len()];
                levels[down] = row;
                levels[across] = column;
                let point = &points[design.point_at(&levels)];
                let value = point.metric(&path).map_or_else(|| number::NOTHING.to_owned(), value_of);
                let sign = match point.standing() {
                    Standing::Holds => " ✓",
                    Standing::Breaks => " ✗",
                    Standing::Open => " ?",
                    Standing::NotAsked => "",
                };
                Cell::new(style(point.standing()), format!("{value}{sign}"))
            });
            table.row(level.label.clone(), cells.collect());
        }
        let lead = format!("{}, across: {}", sentences::metric(&path), design.axes[across].name);
        (lead, table)
    };
    shown(design, points).into_iter().take(TABLES).map(one).collect()
}

/// What each axis does, from its first level to its last.
fn effects(design: &Design, points: &[Point], findings: &Findings, paint: Paint) -> String {
    let (table, note) = effects_table(design, points, findings);
    if table.is_empty() {
        return String::new();
    }
    format!("{}{}\n", table.render(paint), paint.text(Style::Faint, note))
}

/// The same as a table, and how it is to be read.
pub(super) fn effects_table(design: &Design, points: &[Point], findings: &Findings) -> (Table, &'static str) {
    let axes: Vec<usize> = (0..design.axes.len())
        .filter(|&axis| design.axes[axis].levels.len() > 1)
        .collect();
    let columns = [
        (Align::Left, "moves"),
        (Align::Right, "from"),
        (Align::Right, "to"),
        (Align::Right, "by"),
        (Align::Left, "95 % interval"),
    ];
    let mut table = Table::new("Axis", &columns);
    let shown = shown(design, points);
    for &axis in &axes {
        let of = &design.axes[axis];
        let (Some(first), Some(last)) = (of.levels.first(), of.levels.last()) else {
            continue;
        };
        let mut lead = format!("{}: {} to {}", of.name, first.label, last.label);
        let told = |effect: &&Effect| effect.axis == axis && shown.contains(&effect.metric) && says_something(effect);
        for effect in findings.effects.iter().filter(told) {
            let cells = number::difference(&effect.change, effect.unit);
            let (style, doubt) = match (effect.is_clear(), effect.change.low) {
                (true, _) => (Style::Normal, ""),
                (false, None) => (Style::Open, "one replication: no interval"),
                (false, Some(_)) => (Style::Open, " (not clear)"),
            };
            table.row(
                std::mem::take(&mut lead),
                vec![
                    sentences::metric(&effect.metric).into(),
                    number::value(effect.first, effect.unit).into(),
                    number::value(effect.last, effect.unit).into(),
                    Cell::new(style, cells.value),
                    Cell::new(Style::Faint, format!("{}{doubt}", cells.interval)),
                ],
            );
        }
    }
    let note = match axes.len() {
        1 => "Changes are paired: replication by replication the same people come at every point.",
        _ => "Means over the other axes. Changes are paired: the same people come at every point.",
    };
    (table, note)
}

/// Whether an effect is worth its row: the figure is not the same everywhere.
fn says_something(effect: &Effect) -> bool {
    effect.change.value != 0.0 || effect.first != effect.last
}

/// A kind of warning: its id and words at the first point that has it, and at how many points.
pub(super) struct Told<'a> {
    pub id: &'a str,
    pub text: &'a str,
    pub first: &'a Point,
    pub count: usize,
}

/// Each kind of warning once, in the words of the first point that has it.
pub(super) fn warnings_told(points: &[Point]) -> Vec<Told<'_>> {
    let mut seen: Vec<Told<'_>> = Vec::new();
    for point in points {
        let mut counted: Vec<&str> = Vec::new();
        for (id, text) in &point.warnings {
            if counted.contains(&id.as_str()) {
                continue;
            }
            counted.push(id);
            match seen.iter_mut().find(|told| told.id == id) {
                Some(told) => told.count += 1,
                None => seen.push(Told {
                    id,
                    text,
                    first: point,
                    count: 1,
                }),
            }
        }
    }
    seen
}

fn warnings(points: &[Point], paint: Paint) -> String {
    let mut text = String::new();
    for told in warnings_told(points) {
        let first = told.first.number;
        let at = match (told.count, points.len()) {
            (_, 1) => String::new(),
            (1, _) => format!(" at point {first}"),
            (count, _) => format!(" at {count} points, first at point {first}"),
        };
        let lines = wrap(&format!("warning[{}]{at}: {}", told.id, told.text), 2);
        text.push_str(&paint.text(Style::Bad, "warning"));
        text.push_str(lines.strip_prefix("warning").unwrap_or(&lines));
    }
    text
}

fn footer(design: &Design, points: &[Point], paint: Paint) -> String {
    let replications: u64 = points.iter().map(|point| u64::from(point.replications)).sum();
    let events: u64 = points.iter().map(|point| point.events).sum();
    let each = each(points);
    let line = format!(
        "{} points, {each}, {} runs in all, {} events, seed {}, Highwater {}, study {}",
        number::count(points.len() as f64),
        number::count(replications as f64),
        number::count(events as f64),
        design.seed,
        design.version,
        design.hash
    );
    let text = wrap(&line, 0);
    let lines: Vec<String> = text.lines().map(|line| paint.text(Style::Faint, line)).collect();
    format!("{}\n", lines.join("\n"))
}

/// How often each point was run: "5 replications each".
pub(super) fn each(points: &[Point]) -> String {
    let replications = || points.iter().map(|point| point.replications);
    match (replications().min(), replications().max()) {
        (Some(1), Some(1)) => "1 replication each".to_owned(),
        (Some(least), Some(most)) if least == most => format!("{most} replications each"),
        (Some(least), Some(most)) => format!("{least} to {most} replications each"),
        _ => String::new(),
    }
}
