//! A simulation held against a measured run, in words: where they agree, by how much they differ and why.
//!
//! Owns: the sentences. Never: differences and verdicts (`highwater_sim::compare::measured`), rounding (`number.rs`), names
//! of figures (`words.rs`).
//!
//! The order is always: in how much they agree, and where not; what explains the largest difference; up to which load the
//! model holds; what the same requests did; what is not known.

mod files;
mod page;
mod plots;
mod terminal;
#[cfg(test)]
mod tests;

pub use files::{csv, json};
pub use page::page;
pub use plots::plots;
pub use terminal::render;

use highwater_models::record::figures::{Path, Unit};
use highwater_sim::compare::measured::caveat::Caveat;
use highwater_sim::compare::measured::figure::Group;
use highwater_sim::compare::measured::pair::{End, Parting};
use highwater_sim::compare::measured::region::{Region, RegionFigure};
use highwater_sim::compare::measured::{Agreement, Basis, Held, Reason, Verdict};
use highwater_sim::experiment::RequestOutcome;

use crate::number;
use crate::words;

/// Differences that are told in the first sentence.
const TOLD: usize = 2;

/// The sentences, each with its full stop.
#[must_use]
pub fn sentences(found: &Agreement) -> Vec<String> {
    [first(found), because(found), region(found), people(found), open(found)]
        .into_iter()
        .flatten()
        .collect()
}

/// The judgement in two or three words.
#[must_use]
pub fn judgement(found: &Agreement) -> &'static str {
    let differs = found.count(|verdict| verdict == Verdict::Differs);
    match found.compared() {
        0 => "Nothing to compare",
        _ if found.agrees() => "Agrees",
        _ if differs > 0 => "Differs",
        _ => "Undecided",
    }
}

/// In how many figures they agree, and where they are furthest apart.
fn first(found: &Agreement) -> Option<String> {
    let compared = found.compared();
    if compared == 0 {
        return Some("The two have no figure in common that says how sure it is.".to_owned());
    }
    let agreed = found.count(Verdict::is_agreement);
    let head = if agreed == compared {
        format!("The simulation agrees with the measured run in all {compared} figures")
    } else {
        format!("The simulation agrees with the measured run in {agreed} of {compared} figures")
    };
    let mut apart: Vec<&Held> = found
        .group(Group::Headline)
        .filter(|held| held.verdict == Verdict::Differs)
        .collect();
    // The furthest first, as shares of what was measured; what has no share is told by its group's order.
    apart.sort_by(|a, b| b.ratio().abs().total_cmp(&a.ratio().abs()));
    let told: Vec<String> = apart.iter().take(TOLD).map(|held| off(held)).collect();
    if told.is_empty() {
        return Some(format!("{head}."));
    }
    Some(format!("{head}; it puts {}.", told.join(", and ")))
}

/// "p95 latency 12 % too low (2.41 s for 2.74 s)".
fn off(held: &Held) -> String {
    let value = |value: f64| number::trim_zeros(&number::value(value, held.unit));
    format!(
        "{} {} ({} for {})",
        called(&held.path),
        too(held.difference.value, held.ratio(), held.unit),
        value(held.simulated.value),
        value(held.measured.value)
    )
}

/// "12 % too low", "3 points too high", "4 times too high".
fn too(difference: f64, ratio: f64, unit: Unit) -> String {
    let way = if difference < 0.0 { "too low" } else { "too high" };
    if unit == Unit::Share {
        let points = number::trim_zeros(&format!("{:.1}", difference.abs() * 100.0));
        let noun = if points == "1" { "point" } else { "points" };
        return format!("{points} {noun} {way}");
    }
    if !ratio.is_finite() {
        return way.to_owned();
    }
    if ratio > 2.0 {
        return format!("{} times as high", number::trim_zeros(&format!("{:.1}", ratio + 1.0)));
    }
    format!("{} {way}", percent(ratio.abs()))
}

/// Per cent without digits that nobody needs.
fn percent(share: f64) -> String {
    let digits = usize::from(share < 0.0995);
    format!("{} %", number::trim_zeros(&format!("{:.digits$}", share * 100.0)))
}

/// The stages that make most of the difference, where something differs.
fn because(found: &Agreement) -> Option<String> {
    let differs = found
        .group(Group::Headline)
        .any(|held| held.verdict == Verdict::Differs);
    if !differs {
        return None;
    }
    let mean = found.get(&["latency", "mean"])?;
    let stages = found.stages();
    let sure = |held: &&&Held| held.verdict == Verdict::Differs;
    let told: Vec<&&Held> = stages.iter().filter(sure).take(2).collect();
    let span = |seconds: f64| number::span_words(seconds.abs());
    let tell = |held: &&&Held| {
        let more = if held.difference.value < 0.0 { "less" } else { "more" };
        format!(
            "{} {more} {}",
            span(held.difference.value),
            words::spent(last(&held.path))
        )
    };
    if told.is_empty() {
        return None;
    }
    let way = if mean.difference.value < 0.0 { "less" } else { "more" };
    Some(format!(
        "On average a simulated request takes {} {way} than a measured one: it spends {}.",
        span(mean.difference.value),
        told.iter().map(tell).collect::<Vec<_>>().join(", and ")
    ))
}

/// Up to which load it holds.
fn region(found: &Agreement) -> Option<String> {
    let regions = &found.regions;
    let first = regions.iter().position(Region::differs)?;
    let apart = |region: &Region| -> Vec<String> {
        region
            .figures
            .iter()
            .filter(|figure| figure.verdict == Verdict::Differs)
            .map(|figure| format!("{} {}", called(&figure.path), too_of(figure)))
            .collect()
    };
    let rate = |rate: f64| number::count(rate);
    let rest_differs = regions[first..].iter().all(Region::differs);
    if first == 0 && rest_differs {
        return Some("It differs at every load that was measured.".to_owned());
    }
    if rest_differs {
        let worst = regions.last()?;
        return Some(format!(
            "The model holds up to {} requests a second; in the busiest windows it puts {}.",
            rate(regions[first - 1].to),
            apart(worst).join(" and ")
        ));
    }
    let where_: Vec<String> = regions
        .iter()
        .filter(|region| region.differs())
        .map(|region| format!("{} to {}", rate(region.from), rate(region.to)))
        .collect();
    Some(format!(
        "By load it differs in windows with {} requests a second, and not in the others.",
        where_.join(" and ")
    ))
}

fn too_of(figure: &RegionFigure) -> String {
    let ratio = figure.difference.value / figure.measured.value;
    too(figure.difference.value, ratio, figure.unit)
}

/// What the same requests did.
fn people(found: &Agreement) -> Option<String> {
    let pairing = found.pairing.as_ref()?;
    if pairing.pairs == 0 {
        return None;
    }
    let share = |part: u64, whole: u64| number::percent(part as f64 / whole as f64);
    let mut text = format!(
        "Both met the same people: of {} requests that both have, {} ended alike",
        number::count(pairing.pairs as f64),
        share(pairing.same_outcome, pairing.pairs)
    );
    if pairing.useful > 0 {
        text.push_str(&format!(
            ", and {} of those that were useful on both sides took as long (within 50 ms or 20 %)",
            share(pairing.same_latency, pairing.useful)
        ));
    }
    text.push('.');
    Some(text)
}

/// What is not known.
fn open(found: &Agreement) -> Option<String> {
    let undecided = found.count(|verdict| verdict == Verdict::Undecided);
    (undecided > 0).then(|| {
        let figures = if undecided == 1 { "figure is" } else { "figures are" };
        format!("{undecided} {figures} undecided: their intervals hold no difference and large ones as well; measure for longer.")
    })
}

/// The first request that went otherwise, as a sentence.
#[must_use]
pub fn parting(parting: &Parting) -> String {
    let end = |end: &End| {
        let time = number::span_words(end.latency);
        match end.outcome {
            RequestOutcome::Useful => format!("was answered after {time}"),
            RequestOutcome::Failed if end.cause.is_empty() => format!("failed after {time}"),
            RequestOutcome::Failed => format!("failed with `{}` after {time}", end.cause),
            RequestOutcome::Abandoned => format!("was given up after {time}"),
            RequestOutcome::InFlight => "was still under way at the end".to_owned(),
        }
    };
    let stage = parting.stage.as_ref().map_or_else(String::new, |(stage, apart)| {
        let more = if *apart < 0.0 { "less" } else { "more" };
        format!(
            "; the largest difference is {} {more} {} in the simulation",
            number::span_words(apart.abs()),
            words::spent(stage)
        )
    });
    format!(
        "At {} `{}` of session {} of `{}` {} in the simulation and {} when measured{stage}.",
        number::span_words(parting.at),
        parting.endpoint,
        parting.session,
        parting.source,
        end(&parting.simulated),
        end(&parting.measured)
    )
}

/// A verdict in words, with how far it is off.
#[must_use]
pub fn verdict(held: &Held) -> String {
    let off = || {
        let ratio = held.ratio();
        if held.unit == Unit::Share || !ratio.is_finite() {
            String::new()
        } else if ratio > 2.0 {
            format!(", {} times", number::trim_zeros(&format!("{:.1}", ratio + 1.0)))
        } else {
            let sign = if ratio < 0.0 { '-' } else { '+' };
            format!(", {sign}{}", percent(ratio.abs()))
        }
    };
    match held.verdict {
        Verdict::Agrees => "agrees".to_owned(),
        Verdict::Tolerated => format!("tolerated{}", off()),
        Verdict::Differs => format!("differs{}", off()),
        Verdict::Undecided => "undecided".to_owned(),
        Verdict::NotComparable(reason) => self::reason(reason).to_owned(),
    }
}

/// Why nothing can be said, in few words.
const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::OnlySimulated => "only simulated",
        Reason::OnlyMeasured => "only measured",
        Reason::ToolOnly => "only the tool's reading",
        Reason::NotObserved => "not observed",
        Reason::Units => "other unit",
        Reason::TooFew => "too few requests",
        Reason::NoInterval => "no interval",
    }
}

/// How the intervals were made.
#[must_use]
pub fn method(found: &Agreement) -> String {
    let used = |basis: Basis| found.figures.iter().any(|held| held.basis == Some(basis));
    let mut parts = Vec::new();
    let batches = found.batches.map_or(0, |choice| choice.count);
    if used(Basis::SamePeople) {
        let replication = found.pairing.as_ref().map_or(0, |pairing| pairing.replication);
        parts.push(format!(
            "Figures of requests stand beside those of replication {replication}, which met the same people: both runs are cut at \
             the same moments into {batches} pieces, each is left out of both in turn, and what is independent is the pair of \
             pieces."
        ));
    }
    if used(Basis::Batches) {
        parts.push(format!(
            "The measured run is cut into {batches} batches, long enough that neighbours are no more alike than chance would have \
             it; the simulation's uncertainty is that of its replications."
        ));
    }
    if used(Basis::Runs) {
        parts.push(format!(
            "Other figures of the {} measured runs take their uncertainty from how these differ.",
            found.measured.len()
        ));
    }
    if used(Basis::Summary) {
        parts.push("Where the measured run's own summary has an interval, that is taken.".to_owned());
    }
    if used(Basis::Replications) {
        parts.push(
            "Where nothing says how much the measured run may be off, it is taken to vary as one replication does from the next."
                .to_owned(),
        );
    }
    let compared = found.compared();
    parts.push(format!(
        "Intervals are 95 %, each figure on its own: of {compared} figures about {} would seem to differ by chance alone.",
        number::count((compared as f64 * 0.05).round().max(1.0))
    ));
    if found.tolerance.all > 0.0 || !found.tolerance.own.is_empty() {
        parts.push(format!("Tolerated: {}.", tolerated(found)));
    }
    parts.join(" ")
}

fn tolerated(found: &Agreement) -> String {
    let all = (found.tolerance.all > 0.0).then(|| format!("{} of the measured value", percent(found.tolerance.all)));
    let own = found
        .tolerance
        .own
        .iter()
        .map(|(path, share)| format!("{} for {}", percent(*share), words::figure(path)));
    all.into_iter().chain(own).collect::<Vec<_>>().join(", ")
}

/// A caveat's stable id and its words.
#[must_use]
pub fn caveat(caveat: &Caveat) -> (&'static str, String) {
    match caveat {
        Caveat::Scenario { simulated, measured } => (
            "different-scenario",
            format!("`{simulated}` was simulated and `{measured}` measured: they need not agree."),
        ),
        Caveat::Model => (
            "different-model",
            "The measured run was of other files or settings than the simulation: simulate those.".to_owned(),
        ),
        Caveat::Load => (
            "different-load",
            "Other people come in the simulation than in the measured run, or they do other things.".to_owned(),
        ),
        Caveat::Version { simulated, measured } => (
            "different-version",
            format!("The simulation is by Highwater {simulated} and the measured run by {measured}."),
        ),
        Caveat::Span { simulated, measured } => (
            "different-span",
            format!(
                "The simulation was measured for {} and the real system for {}: counts and whatever grows are not alike.",
                number::span_words(*simulated),
                number::span_words(*measured)
            ),
        ),
        Caveat::Late { seconds, share } => (
            "late-generator",
            format!(
                "The load generator was late: 1 in 100 requests went out {} or more after its time{}. Latencies count from the \
                 time that was meant, so part of them is the generator's. Use a faster machine, or a lower rate.",
                number::span_words(*seconds),
                if share.is_finite() {
                    format!(", {} of the median latency", number::percent(*share))
                } else {
                    String::new()
                }
            ),
        ),
        Caveat::Seed { seed } => (
            "other-people",
            format!(
                "Both ran under seed {seed}, and yet no replication has the sessions of the measured run: they are compared as \
                 strangers, with wider intervals."
            ),
        ),
        Caveat::Strangers => (
            "strangers",
            "The two met other people. With `--seed` of the measured run, requests are compared one by one and intervals are \
             far narrower."
                .to_owned(),
        ),
        Caveat::NoRequests { simulated: true } => (
            "no-requests-simulated",
            "The simulation left no requests.csv: nothing is compared request by request, in time or by load. Run it with \
             `--requests`."
                .to_owned(),
        ),
        Caveat::NoRequests { simulated: false } => (
            "no-requests-measured",
            "The measured run left no requests.csv: how sure its figures are is not known from it, and nothing is compared by \
             request, in time or by load."
                .to_owned(),
        ),
        Caveat::Missing { name, what } => ("damaged", format!("`{name}`: {what}.")),
        Caveat::LeftOut { count } => (
            "left-out",
            format!(
                "{} requests beyond the first 2,000,000 of a file were left out.",
                number::count(*count as f64)
            ),
        ),
        Caveat::Trend => (
            "trend",
            "Even an eighth of the run is like the one before it: there is a trend, or a line that does not empty. Intervals may \
             be too narrow."
                .to_owned(),
        ),
        Caveat::Single => (
            "single-replication",
            "The simulation has one replication: nothing says how far it is from the next.".to_owned(),
        ),
        Caveat::Growing => (
            "still-growing",
            "A line of the simulation was still growing when measuring ended: how much it differs depends on how long was \
             measured."
                .to_owned(),
        ),
    }
}

/// The heading of a group's table.
const fn heading(group: Group) -> &'static str {
    match group {
        Group::Headline => "The whole",
        Group::Cause => "Fail because",
        Group::Stage => "Where the time goes, mean",
        Group::Endpoint => "By endpoint",
        Group::Resource => "Resources",
    }
}

/// What a figure is called within its group.
fn name(held: &Held) -> String {
    match held.group {
        Group::Cause => last(&held.path).to_owned(),
        Group::Stage => words::stage(last(&held.path)),
        _ => called(&held.path).replace('`', ""),
    }
}

/// What a figure is called, those that only stand here among them.
fn called(path: &Path) -> String {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    let (scope, rest) = match names.as_slice() {
        ["endpoints", name, rest @ ..] => (format!(" of `{name}`"), rest),
        rest => (String::new(), rest),
    };
    let what = match rest {
        ["sessions", "offered"] => "sessions begun".to_owned(),
        ["sessions", "completed"] => "sessions completed".to_owned(),
        ["requests", "offered"] => "requests".to_owned(),
        ["attempts", "per_request"] => "tries a request".to_owned(),
        ["first_byte", "p50"] => "median first byte".to_owned(),
        ["first_byte", percentile] => format!("{percentile} first byte"),
        ["tool", "error_rate"] => "error rate, load tool's".to_owned(),
        ["resources", name, "queue", "mean"] => format!("mean line for `{name}`"),
        _ => return words::figure(path),
    };
    format!("{what}{scope}")
}

fn last(path: &Path) -> &str {
    path.0.last().map_or("", String::as_str)
}

/// What the measured side does not tell at all.
#[must_use]
pub fn absent(found: &Agreement) -> Vec<String> {
    found
        .absent
        .iter()
        .map(|(group, count)| {
            let what = match group {
                Group::Headline => "of the whole",
                Group::Cause => "by cause of failure",
                Group::Stage => "by stage",
                Group::Endpoint => "by endpoint",
                Group::Resource => "of resources",
            };
            format!("The measured run has no figures {what}; the simulation has {count}, which nothing stands beside.")
        })
        .collect()
}
