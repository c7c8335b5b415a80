//! What a study says, in sentences: how many points hold, which one to take, and where along each axis it breaks.
//!
//! Owns: the wording. Never: new figures.

use std::collections::{BTreeMap, BTreeSet};

use highwater_models::record::figures::Path;
use highwater_models::record::summary::Objective;
use highwater_models::record::sweep::{Axis, Design, Point, Standing};
use highwater_sim::sweep::findings::{Because, Best, Edge, Findings, Line};

use super::{at_level, place};
use crate::number;
use crate::words;

/// Most lines of an axis that are told one by one.
const LINES_TOLD: usize = 4;

/// All of them.
pub(super) fn all(design: &Design, points: &[Point], findings: &Findings) -> Vec<String> {
    let mut sentences = vec![counts(points.len(), findings)];
    sentences.extend(findings.best.map(|best| take(design, points, best)));
    let [holds, open, breaks, _] = findings.counts;
    // Where all points are alike there is no edge.
    if holds < points.len() && (holds > 0 || open > 0 && breaks > 0) {
        let told = findings.edges.iter().filter_map(|edge| along(design, points, edge));
        sentences.extend(told);
    } else if breaks == points.len() && points.len() > 1 {
        sentences.extend(missed_everywhere(points));
    }
    sentences
}

fn counts(all: usize, findings: &Findings) -> String {
    let [holds, open, breaks, not_asked] = findings.counts;
    if not_asked == all {
        return format!("Nothing had to hold: {} looked at.", of_points(all, "was", "were"));
    }
    if holds == all {
        return match all {
            1 => "The one point holds.".to_owned(),
            2 => "Both points hold.".to_owned(),
            all => format!("All {} points hold.", number::count(all as f64)),
        };
    }
    if breaks == all {
        return match all {
            1 => "The one point does not hold.".to_owned(),
            all => format!("None of the {} points holds.", number::count(all as f64)),
        };
    }
    let mut parts = vec![match holds {
        0 => "no point holds".to_owned(),
        1 => format!("1 of {} points holds", number::count(all as f64)),
        holds => format!(
            "{} of {} points hold",
            number::count(holds as f64),
            number::count(all as f64)
        ),
    }];
    for (count, one, many) in [
        (breaks, "1 does not", "do not"),
        (open, "1 is not decided", "are not decided"),
        (not_asked, "1 has no objectives", "have no objectives"),
    ] {
        match count {
            0 => {}
            1 => parts.push(one.to_owned()),
            count => parts.push(format!("{} {many}", number::count(count as f64))),
        }
    }
    let text = parts.join(", ");
    format!("{}{}.", text[..1].to_uppercase(), &text[1..])
}

fn of_points(count: usize, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 point {one}"),
        count => format!("{} points {many}", number::count(count as f64)),
    }
}

fn take(design: &Design, points: &[Point], best: Best) -> String {
    let at = place(design, best.point);
    let point = &points[best.point];
    let value = |path: &str| {
        point
            .metric(path)
            .map(|metric| number::value(metric.estimate.value, metric.unit))
    };
    match best.because {
        Because::Cheapest => {
            let cost = point
                .metric("cost.month")
                .map_or_else(String::new, |metric| number::dollars(metric.estimate.value));
            format!("The cheapest that holds: {at}, at {cost} a month.")
        }
        Because::MostGoodput => {
            let goodput = value("goodput").unwrap_or_default();
            format!("Of those that hold, most is served by {at}: {goodput} useful answers.")
        }
        Because::Nearest => {
            let missed = worst(point).map_or_else(String::new, |objective| format!(", where {}", is(objective)));
            format!("Nearest to holding comes {at}{missed}.")
        }
    }
}

/// The objective that a point misses by most.
fn worst(point: &Point) -> Option<&Objective> {
    let beyond = |objective: &&Objective| {
        let (value, target) = (objective.value.value, objective.target);
        let ratio = if objective.at_most {
            value / target
        } else {
            target / value
        };
        if ratio.is_nan() { f64::INFINITY } else { ratio.abs() }
    };
    let missed = point.objectives.iter().filter(|objective| objective.met == Some(false));
    missed.max_by(|a, b| beyond(a).total_cmp(&beyond(b)))
}

/// "p95 latency is 8.41 s and has to be at most 2 s".
fn is(objective: &Objective) -> String {
    let value = number::value(objective.value.value, objective.unit);
    format!(
        "{} is {value} and has to be {}",
        words::objective(objective),
        words::bound(objective)
    )
}

/// An objective that every point misses explains them all.
fn missed_everywhere(points: &[Point]) -> Option<String> {
    let first = points.first()?;
    let misses = |point: &Point, name: &str| {
        point
            .objectives
            .iter()
            .any(|objective| objective.name == name && objective.met == Some(false))
    };
    let common: Vec<&Objective> = first
        .objectives
        .iter()
        .filter(|objective| points.iter().all(|point| misses(point, &objective.name)))
        .collect();
    let labels: Vec<String> = common.iter().map(|objective| words::objective(objective)).collect();
    (!labels.is_empty()).then(|| format!("Every one of them misses {}.", list(&labels)))
}

/// Where along an axis it stops to hold.
fn along(design: &Design, points: &[Point], edge: &Edge) -> Option<String> {
    let axis = &design.axes[edge.axis];
    let mut patterns: BTreeMap<&[Standing], Vec<&Line>> = BTreeMap::new();
    for line in &edge.lines {
        patterns.entry(&line.standings).or_default().push(line);
    }
    let changes = |standings: &[Standing]| standings.windows(2).any(|pair| pair[0] != pair[1]);
    if !patterns.keys().any(|standings| changes(standings)) {
        // The other axes decide.
        return None;
    }
    let name = &axis.name;
    if let [(standings, lines)] = &patterns.iter().collect::<Vec<_>>()[..] {
        let missed = missed_at(design, points, edge.axis, lines[0]);
        return Some(format!("Along {name} it {}{missed}.", pattern(axis, standings)));
    }
    if patterns.len() <= LINES_TOLD && edge.lines.len() <= 2 * LINES_TOLD {
        // Groups in the order of their first lines; one that has no plain description is what the others leave.
        let mut groups: Vec<&[Standing]> = Vec::new();
        for line in &edge.lines {
            if !groups.contains(&&line.standings[..]) {
                groups.push(&line.standings);
            }
        }
        let described: Vec<Option<String>> = groups
            .iter()
            .map(|standings| together(design, edge.axis, &patterns[standings]))
            .collect();
        let rest = (0..groups.len())
            .filter(|&group| described[group].is_none())
            .max_by_key(|&group| patterns[groups[group]].len());
        let tell = |group: usize| {
            let lines = &patterns[groups[group]];
            let missed = missed_at(design, points, edge.axis, lines[0]);
            let what = format!("it {}{missed}", pattern(axis, groups[group]));
            match &described[group] {
                Some(with) => format!("with {with} {what}"),
                None if rest == Some(group) => format!("otherwise {what}"),
                None => format!("with {} {what}", one_by_one(design, edge.axis, lines)),
            }
        };
        let told = (0..groups.len()).filter(|&group| rest != Some(group)).chain(rest);
        return Some(format!(
            "Along {name}: {}.",
            told.map(tell).collect::<Vec<_>>().join("; ")
        ));
    }
    let all = edge.lines.len();
    let held = |level: usize| {
        edge.lines
            .iter()
            .filter(|line| line.standings[level] == Standing::Holds)
            .count()
    };
    let shares = thinned(axis.levels.len())
        .into_iter()
        .enumerate()
        .map(|(index, level)| {
            let label = &axis.levels[level].label;
            match index {
                0 => format!("Of {all} points each, {} hold at {name} = {label}", held(level)),
                _ => format!("{} at {label}", held(level)),
            }
        });
    Some(format!("{}.", shares.collect::<Vec<_>>().join(", ")))
}

/// At most five levels, the first and the last among them.
pub(super) fn thinned(levels: usize) -> Vec<usize> {
    const TOLD: usize = 5;
    if levels <= TOLD {
        return (0..levels).collect();
    }
    (0..TOLD).map(|index| index * (levels - 1) / (TOLD - 1)).collect()
}

/// The axes other than this one that have a choice.
fn others(design: &Design, axis: usize) -> Vec<usize> {
    (0..design.axes.len())
        .filter(|&other| other != axis && design.axes[other].levels.len() > 1)
        .collect()
}

/// What these lines have in common and no other line has: "size = 2 and 4, pool = 10", axes of which they have all levels
/// left out. `None` where it takes more than a list for each axis.
fn together(design: &Design, axis: usize, lines: &[&Line]) -> Option<String> {
    let mut combinations = 1;
    let mut parts = Vec::new();
    for other in others(design, axis) {
        let of = &design.axes[other];
        let levels: BTreeSet<usize> = lines.iter().map(|line| line.levels[other]).collect();
        combinations *= levels.len();
        if levels.len() < of.levels.len() {
            let labels: Vec<String> = levels.iter().map(|&level| of.levels[level].label.clone()).collect();
            parts.push(format!("{} = {}", of.name, list(&labels)));
        }
    }
    (combinations == lines.len()).then(|| parts.join(", "))
}

/// The levels of the other axes on each of these lines.
fn one_by_one(design: &Design, axis: usize, lines: &[&Line]) -> String {
    let others = others(design, axis);
    let place = |line: &&Line| -> String {
        let parts: Vec<String> = others
            .iter()
            .map(|&other| at_level(&design.axes[other], line.levels[other]))
            .collect();
        parts.join(", ")
    };
    lines.iter().map(place).collect::<Vec<_>>().join(" or ")
}

/// Where a line holds: "holds up to 40 and no longer from 50 on".
fn pattern(axis: &Axis, standings: &[Standing]) -> String {
    let label = |level: usize| axis.levels[level].label.as_str();
    let at = |wanted: Standing| -> Vec<usize> {
        let levels = standings
            .iter()
            .enumerate()
            .filter(|(_, standing)| **standing == wanted);
        levels.map(|(level, _)| level).collect()
    };
    let (holds, breaks, open) = (at(Standing::Holds), at(Standing::Breaks), at(Standing::Open));
    if holds.len() == standings.len() {
        return "holds everywhere".to_owned();
    }
    if breaks.len() == standings.len() {
        return "holds nowhere".to_owned();
    }
    let labels = |levels: &[usize]| list(&levels.iter().map(|&level| label(level).to_owned()).collect::<Vec<_>>());
    let undecided = if open.is_empty() {
        String::new()
    } else {
        format!(" (not decided at {})", labels(&open))
    };
    // Up to and from make sense only of levels that have an order.
    let ordered = standings.len() > 2 && axis.levels.iter().all(|level| starts_with_digit(&level.label));
    let text = match (holds.last(), holds.first(), breaks.first(), breaks.last()) {
        (Some(&held), _, Some(&broke), _) if ordered && held < broke => {
            format!("holds up to {} and no longer from {} on", label(held), label(broke))
        }
        (_, Some(&held), _, Some(&broke)) if ordered && broke < held => {
            format!("holds from {} on and not up to {}", label(held), label(broke))
        }
        (Some(_), _, Some(_), _) => format!("holds at {} and not at {}", labels(&holds), labels(&breaks)),
        (Some(_), _, None, _) => format!("holds at {}", labels(&holds)),
        (None, _, Some(_), _) => format!("does not hold at {}", labels(&breaks)),
        _ => return "is not decided".to_owned(),
    };
    format!("{text}{undecided}")
}

fn starts_with_digit(label: &str) -> bool {
    label
        .trim_start_matches('-')
        .starts_with(|letter: char| letter.is_ascii_digit())
}

/// What is missed at the first point of a line that does not hold after or before one that does.
fn missed_at(design: &Design, points: &[Point], axis: usize, line: &Line) -> String {
    let breaking = |level: &usize| line.standings[*level] == Standing::Breaks;
    let first_held = line.standings.iter().position(|standing| *standing == Standing::Holds);
    let all = 0..line.standings.len();
    let level = match first_held {
        Some(held) => all
            .clone()
            .skip(held)
            .find(breaking)
            .or_else(|| all.clone().take(held).rev().find(breaking)),
        None => return String::new(),
    };
    let Some(level) = level else { return String::new() };
    let mut levels = line.levels.clone();
    levels[axis] = level;
    let point = &points[design.point_at(&levels)];
    let missed: Vec<String> = point
        .objectives
        .iter()
        .filter(|one| one.met == Some(false))
        .map(words::objective)
        .collect();
    match missed.len() {
        0 => String::new(),
        1 | 2 => format!(", where it misses {}", list(&missed)),
        many => format!(", where it misses {} and {} more", missed[0], many - 1),
    }
}

/// "a, b and c".
fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A figure as a heading: "p95 latency".
pub(super) fn metric(path: &str) -> String {
    words::figure(&Path::parse(path)).replace('`', "")
}

/// What is missed or open at a point, in a cell: "misses p95 latency".
pub(super) fn standing(point: &Point) -> String {
    let labels = |met: Option<bool>| -> Vec<String> {
        point
            .objectives
            .iter()
            .filter(|one| one.met == met)
            .map(words::objective)
            .collect()
    };
    let some = |labels: &[String]| match labels {
        [first, rest @ ..] if rest.len() > 1 => format!("{first}, {} more", rest.len()),
        few => few.join(", "),
    };
    match point.standing() {
        Standing::Holds => "✓ holds".to_owned(),
        Standing::Breaks => format!("✗ MISSES {}", some(&labels(Some(false)))),
        Standing::Open => format!("? open: {}", some(&labels(None))),
        Standing::NotAsked => String::new(),
    }
}
