//! The verdict: two or three sentences that a founder understands, made from a summary alone.
//!
//! Owns: what is said first, and how sure it may sound.
//! Never: new figures. Every number in a sentence is one of the summary's, rounded by `number.rs`.
//!
//! The order of a verdict is always: does it hold, and if not, what broke first, when and why; whom it hit; whether it
//! came back. A cause is named only where the summary names it. What an interval leaves open is said to be open.

use std::fmt;

use highwater_models::record::figures::Estimate;
use highwater_models::record::summary::{Bottleneck, FirstFailure, Objective, Recovery, Summary};

use crate::number::{self, share_words, span_words};
use crate::words;

/// How a run is judged, all objectives together.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Every objective is met.
    Holds,
    /// At least one objective is missed.
    Breaks,
    /// None is missed, but at least one cannot be decided from this many replications.
    Undecided,
    /// No objective was set.
    NoObjectives,
}

/// The judgement and its sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How the run is judged.
    pub judgement: Judgement,
    /// One to four sentences, each with its full stop.
    pub sentences: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentences.join(" "))
    }
}

/// A cause counts as what broke only when it took at least this share of requests, or this share of all failures.
/// Below both it is a stray failure, and naming it first would send the reader after the wrong thing.
const MATERIAL_SHARE: f64 = 0.001;
const MATERIAL_SHARE_OF_FAILURES: f64 = 0.1;

/// A resource explains slowness when the slowest requests spend at least this share of their time at it.
const EXPLAINS_SLOWNESS: f64 = 0.25;

/// The judgement alone.
#[must_use]
pub fn judge(objectives: &[Objective]) -> Judgement {
    if objectives.is_empty() {
        Judgement::NoObjectives
    } else if objectives.iter().any(|objective| objective.met == Some(false)) {
        Judgement::Breaks
    } else if objectives.iter().any(|objective| objective.met.is_none()) {
        Judgement::Undecided
    } else {
        Judgement::Holds
    }
}

/// The verdict on a run.
#[must_use]
pub fn verdict(summary: &Summary) -> Verdict {
    let judgement = judge(&summary.objectives);
    let teller = Teller { summary };
    let sentences = match judgement {
        Judgement::Holds => teller.holds(),
        Judgement::Breaks => teller.breaks(),
        Judgement::Undecided => teller.undecided(),
        Judgement::NoObjectives => teller.no_objectives(),
    };
    Verdict {
        judgement,
        sentences: sentences.into_iter().flatten().collect(),
    }
}

/// Sentences that may have nothing to say.
type Sentences = Vec<Option<String>>;

struct Teller<'a> {
    summary: &'a Summary,
}

impl Teller<'_> {
    fn holds(&self) -> Sentences {
        let objectives = &self.summary.objectives;
        let all = match objectives.len() {
            1 => "the one objective is met".to_owned(),
            many => format!("all {many} objectives are met"),
        };
        let tightest = objectives
            .iter()
            .filter_map(|objective| Some((objective, tightness(objective)?)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map_or_else(String::new, |(objective, _)| {
                format!(
                    ", the tightest with {} at {} of {}",
                    words::objective(objective),
                    number::value(objective.value.value, objective.unit),
                    number::bound(objective.target, objective.unit)
                )
            });
        vec![
            Some(format!("It holds: {all}{tightest}.")),
            self.nearest_limit(),
            self.recovery(),
            self.still_growing(),
        ]
    }

    fn breaks(&self) -> Sentences {
        let missed: Vec<&Objective> = self
            .summary
            .objectives
            .iter()
            .filter(|objective| objective.met == Some(false))
            .collect();
        let failing = missed.iter().any(|objective| words::is_failure(objective));
        let slow = missed.iter().find(|objective| words::is_latency(objective)).copied();
        let failure = self.first_material_failure();
        match (failure, slow) {
            (Some(failure), None) => vec![Some(self.breaks_by_failing(failure)), self.whom(), self.recovery()],
            (Some(failure), Some(_)) if failing => {
                vec![Some(self.breaks_by_failing(failure)), self.whom(), self.recovery()]
            }
            (_, Some(slow)) => vec![Some(self.breaks_by_slowness(slow)), self.whom(), self.recovery()],
            (None, None) => {
                let first = missed.first().map(|objective| self.missed(objective));
                vec![
                    first.map(|missed| format!("It does not hold: {missed}.")),
                    self.first_limit(),
                    self.recovery(),
                ]
            }
        }
    }

    fn undecided(&self) -> Sentences {
        let open: Vec<&Objective> = self
            .summary
            .objectives
            .iter()
            .filter(|objective| objective.met.is_none())
            .collect();
        let all = self.summary.objectives.len();
        let head = match (open.len(), all) {
            (1, 1) => "Not decided".to_owned(),
            (some, all) => format!("Not decided, for {some} of {all} objectives; the others are met"),
        };
        let reason = open.first().map_or_else(String::new, |objective| {
            let label = words::objective(objective);
            let bound = words::bound(objective);
            match (objective.value.low, objective.value.high) {
                _ if !objective.value.value.is_finite() => {
                    format!(": nothing was observed that could decide the {label}")
                }
                (Some(low), Some(high)) => format!(
                    ": the {label} is between {} and {}, and has to be {bound}",
                    number::value(low, objective.unit),
                    number::value(high, objective.unit)
                ),
                _ => format!(
                    ": the {label} came out as {}, has to be {bound}, and one replication has no interval",
                    number::value(objective.value.value, objective.unit)
                ),
            }
        });
        let observed = open.iter().all(|objective| objective.value.value.is_finite());
        vec![
            Some(format!("{head}{reason}.")),
            observed.then(|| "More replications would narrow it.".to_owned()),
            self.nearest_limit(),
            self.recovery(),
        ]
    }

    fn no_objectives(&self) -> Sentences {
        let head = "No objective is set, so nothing is judged";
        let useful = self.share(&["requests", "useful"]);
        let p95 = self.value(&["latency", "p95"]);
        let observed = match (useful, p95) {
            (Some(useful), Some(p95)) => format!(
                ": {} of the requests are answered usefully, 95 % of these within {}",
                percent_words(useful),
                span_words(p95)
            ),
            (Some(useful), None) => format!(": {} of the requests are answered usefully", percent_words(useful)),
            _ => String::new(),
        };
        let failing = self
            .first_material_failure()
            .map(|failure| format!("{}.", capital(&self.failing_clause(failure))));
        let limit = if failing.is_some() { None } else { self.nearest_limit() };
        vec![
            Some(format!("{head}{observed}.")),
            failing,
            limit,
            self.recovery(),
            self.still_growing(),
        ]
    }

    /// "It breaks after 3 min 12 s: requests fail because …"
    fn breaks_by_failing(&self, failure: &FirstFailure) -> String {
        format!("It breaks: {}.", self.failing_clause(failure))
    }

    /// When, why and where requests begin to fail, and what is behind it.
    fn failing_clause(&self, failure: &FirstFailure) -> String {
        let when = self.when(&failure.first_at, failure.replications);
        let because = words::because_of_name(failure.cause);
        let place = failure
            .resource
            .as_deref()
            .map_or_else(String::new, |name| format!(", at {}", self.with_limit(name)));
        let root = failure
            .resource
            .as_deref()
            .and_then(|name| self.bottleneck(name))
            .and_then(|bottleneck| bottleneck.because_of.as_deref())
            .map_or_else(String::new, |root| {
                format!("; behind it is {}, which is saturated", self.with_limit(root))
            });
        format!("{when} requests begin to fail because {because}{place}{root}")
    }

    /// "It is too slow: …"
    fn breaks_by_slowness(&self, slow: &Objective) -> String {
        let missed = self.missed(slow);
        // What the slowest wait at explains slowness; what merely filled up first need not.
        let culprit = self
            .summary
            .bottlenecks
            .iter()
            .filter(|bottleneck| bottleneck.latency_share_slowest >= EXPLAINS_SLOWNESS)
            .max_by(|a, b| a.latency_share_slowest.total_cmp(&b.latency_share_slowest));
        let reason = match (culprit, self.slowest_stage()) {
            (Some(culprit), _) => {
                let root = culprit.because_of.as_deref().map_or_else(String::new, |root| {
                    format!(", behind which is {}, which is saturated", self.with_limit(root))
                });
                format!(
                    "; the slowest 5 % spend {} of their time at {}, at its limit {}{root}",
                    percent_words(culprit.latency_share_slowest),
                    self.with_limit(&culprit.resource),
                    self.since(&culprit.first_at, culprit.replications),
                )
            }
            (None, Some((stage, share))) => format!(
                "; the slowest 5 % spend {} of their time {}",
                percent_words(share),
                words::stage(stage)
            ),
            (None, None) => String::new(),
        };
        format!("It is too slow: {missed}{reason}.")
    }

    /// What an objective asks and what came out.
    fn missed(&self, objective: &Objective) -> String {
        let subject = words::subject(objective);
        let place = if subject.scope.is_empty() {
            String::new()
        } else {
            format!(" of {}", subject.scope)
        };
        match words::percentile(&subject.metric) {
            Some(percent) => format!(
                "{percent} % of the answers{place} come within {}, where {} was asked",
                span_words(objective.value.value),
                span_words(objective.target)
            ),
            None => format!(
                "{} is {} and has to be {}",
                words::objective(objective),
                number::value(objective.value.value, objective.unit),
                words::bound(objective)
            ),
        }
    }

    /// Share of requests that fail, the most common reason where it is not the first, and which endpoint.
    fn whom(&self) -> Option<String> {
        let rate = self.summary.figures.get(&["errors", "rate"])?.estimate;
        let worst = self.summary.failures.iter().max_by(|a, b| a.share.total_cmp(&b.share));
        if !rate.value.is_finite() || rate.value <= 0.0 {
            return None;
        }
        let share = requests(&rate);
        let reason = match (worst, self.first_material_failure()) {
            (Some(worst), Some(first)) if worst.cause != first.cause => {
                format!(", most of them because {}", words::because_of_name(worst.cause))
            }
            _ => String::new(),
        };
        let endpoint = worst.map_or_else(String::new, |worst| {
            if self.summary.figures.children(&["endpoints"]).len() == 1 || worst.endpoint.is_empty() {
                String::new()
            } else {
                format!(", most often of `{}`", worst.endpoint)
            }
        });
        let answered = self.value(&["latency", "p95"]).map_or_else(String::new, |p95| {
            format!(
                "; of those that are answered in time to be of use, 95 % take up to {}",
                span_words(p95)
            )
        });
        Some(format!("{share}{reason}{endpoint}{answered}."))
    }

    fn recovery(&self) -> Option<String> {
        match &self.summary.recovery {
            Recovery::NotAsked => None,
            Recovery::At(at) => Some(format!(
                "It is back within its objectives {} after the start.",
                span_words(at.value)
            )),
            Recovery::Sometimes { recovered, of } => Some(format!(
                "It comes back in {recovered} of {of} replications, in the others not before the run ends."
            )),
            Recovery::Never => Some("It does not come back before the run ends.".to_owned()),
        }
    }

    /// Where the room runs out: the first that did reach its limit, else the busiest.
    fn nearest_limit(&self) -> Option<String> {
        self.first_limit().or_else(|| {
            let (name, utilization) = self.busiest()?;
            Some(format!(
                "Nearest its limit is {}, {} used on average.",
                self.with_kind(name),
                percent_words(utilization)
            ))
        })
    }

    fn first_limit(&self) -> Option<String> {
        let first = self.summary.bottlenecks.first()?;
        Some(format!(
            "The first to reach its limit is {}, {}.",
            self.with_kind(&first.resource),
            self.when(&first.first_at, first.replications)
        ))
    }

    fn still_growing(&self) -> Option<String> {
        self.summary
            .warnings
            .iter()
            .any(|warning| warning.id == "still-growing")
            .then(|| "A line was still growing at the end: a longer run may say otherwise.".to_owned())
    }

    /// "after 3 min 12 s", with how sure that is.
    fn when(&self, at: &Estimate, replications: u32) -> String {
        if at.value.is_finite() && at.value < 0.5 {
            return format!("from the start{}", self.of_replications(replications));
        }
        format!(
            "after {}{}{}",
            span_words(at.value),
            give_or_take(at),
            self.of_replications(replications)
        )
    }

    /// "from 3 min 12 s on", with how sure that is.
    fn since(&self, at: &Estimate, replications: u32) -> String {
        if at.value.is_finite() && at.value < 0.5 {
            return self.when(at, replications);
        }
        format!(
            "from {} on{}{}",
            span_words(at.value),
            give_or_take(at),
            self.of_replications(replications)
        )
    }

    fn of_replications(&self, seen: u32) -> String {
        if seen < self.summary.replications {
            format!(" (in {seen} of {} replications)", self.summary.replications)
        } else {
            String::new()
        }
    }

    /// The earliest failure that took enough requests to matter.
    fn first_material_failure(&self) -> Option<&FirstFailure> {
        let all: f64 = self.summary.failures.iter().map(|failure| failure.share).sum();
        self.summary.failures.iter().find(|failure| {
            failure.share >= MATERIAL_SHARE || failure.share > 0.0 && failure.share >= all * MATERIAL_SHARE_OF_FAILURES
        })
    }

    /// The stage in which the slowest requests spend most of their time, and its share.
    fn slowest_stage(&self) -> Option<(&str, f64)> {
        let prefix = ["breakdown", "slowest"];
        let stages = self.summary.figures.children(&prefix);
        let seconds = |stage: &str| self.value(&["breakdown", "slowest", stage]).unwrap_or(0.0);
        let total: f64 = stages.iter().map(|stage| seconds(stage)).sum();
        let stage = stages.into_iter().max_by(|a, b| seconds(a).total_cmp(&seconds(b)))?;
        (total > 0.0).then(|| (stage, seconds(stage) / total))
    }

    fn busiest(&self) -> Option<(&str, f64)> {
        let names = self.summary.figures.children(&["resources"]);
        names
            .into_iter()
            .filter_map(|name| Some((name, self.value(&["resources", name, "utilization"])?)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
    }

    fn bottleneck(&self, name: &str) -> Option<&Bottleneck> {
        self.summary
            .bottlenecks
            .iter()
            .find(|bottleneck| bottleneck.resource == name)
    }

    /// The resource and what limits it: "`web` (0.5 CPU per instance)".
    fn with_limit(&self, name: &str) -> String {
        match self.facts(name) {
            Some((_, limit)) if !limit.is_empty() => format!("`{name}` ({limit})"),
            _ => format!("`{name}`"),
        }
    }

    /// The same with the kind in front: "the service `web` (0.5 CPU per instance)".
    fn with_kind(&self, name: &str) -> String {
        match self.facts(name) {
            Some((kind, _)) => format!("the {kind} {}", self.with_limit(name)),
            None => self.with_limit(name),
        }
    }

    fn facts(&self, name: &str) -> Option<(&str, &str)> {
        let bound = self.bottleneck(name).map(|found| (found.kind, found.limit.as_str()));
        bound.or_else(|| {
            let found = self.summary.resources.iter().find(|resource| resource.name == name)?;
            Some((found.kind, found.limit.as_str()))
        })
    }

    fn value(&self, names: &[&str]) -> Option<f64> {
        Some(self.summary.figures.value(names)).filter(|value| value.is_finite())
    }

    /// A count of requests as a share of those offered.
    fn share(&self, names: &[&str]) -> Option<f64> {
        let offered = self.value(&["requests", "offered"]).filter(|&offered| offered > 0.0)?;
        Some(self.value(names)? / offered)
    }
}

/// How near an objective is to its bound: one is at it. `None` where that has no meaning.
fn tightness(objective: &Objective) -> Option<f64> {
    let (value, target) = (objective.value.value, objective.target);
    let ratio = if objective.at_most {
        value / target
    } else {
        target / value
    };
    // A bound of zero that is kept leaves nothing to compare.
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// ", give or take 25 s" where the interval is wide enough to matter.
fn give_or_take(at: &Estimate) -> String {
    match at.half_width() {
        Some(half) if half > 1.0 && half > 0.05 * at.value => format!(", give or take {}", span_words(half)),
        _ => String::new(),
    }
}

/// "1 in 7 requests fails", with the interval where it is wide.
fn requests(rate: &Estimate) -> String {
    let words = share_words(rate.value);
    let share = match words.as_str() {
        "all" => "all requests fail".to_owned(),
        one if one.starts_with("1 in ") => format!("{one} requests fails"),
        many => format!("{many} of the requests fail"),
    };
    match (rate.low, rate.high) {
        (Some(low), Some(high)) if high - low > 0.5 * rate.value => capital(&format!(
            "{share} (between {} and {})",
            number::percent(low.max(0.0)),
            number::percent(high.min(1.0))
        )),
        _ => capital(&share),
    }
}

/// A share of time or of many in per cent, as a sentence says it.
fn percent_words(share: f64) -> String {
    if share >= 1.0 {
        return "all".to_owned();
    }
    if (0.995..1.0).contains(&share) {
        return number::percent(share);
    }
    format!("{:.0} %", share * 100.0)
}

/// With a capital letter in front.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
