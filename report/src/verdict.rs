//! The verdict: two or three sentences that a founder understands, made from a summary alone.
//!
//! Owns: what is said first, and how sure it may sound.
//! Never: new figures. Every number in a sentence is one of the summary's, rounded by `number.rs`.
//!
//! The order of a verdict is always: does it hold, and if not, what broke first, when and why; whom it hit; whether it
//! came back. A cause is named only where the summary names it. What an interval leaves open is said to be open.

mod phrases;
#[cfg(test)]
mod tests;

use std::fmt;

use highwater_models::Cause;
use highwater_models::record::summary::{Bottleneck, FirstFailure, Objective, Recovery, Summary};

use crate::number::{self, share_words, span_words};
use crate::words;
use phrases::{amount, failing_requests, of_requests, percent_words, tightness, when};

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
            2 => "both objectives are met".to_owned(),
            many => format!("all {many} objectives are met"),
        };
        let tightest = objectives
            .iter()
            .filter_map(|objective| Some((objective, tightness(objective)?)))
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map_or_else(String::new, |(objective, _)| {
                format!(
                    ", the tightest being {} at {} of {}",
                    words::objective(objective),
                    amount(objective.value.value, objective.unit),
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
        let slow = missed.iter().find(|objective| words::is_latency(objective)).copied();
        match (self.failure_behind(&missed), slow) {
            (Some(failure), slow) => vec![
                Some(format!("It breaks: {}.", self.failing(failure))),
                self.whom(slow),
                self.recovery(),
            ],
            (None, Some(slow)) => vec![Some(self.too_slow(slow)), self.whom(None), self.recovery()],
            (None, None) => {
                let first = missed.first().map(|objective| self.missed(objective));
                let failing = self.begins_to_fail();
                let limit = if failing.is_some() { None } else { self.first_limit() };
                vec![
                    first.map(|missed| format!("It does not hold: {missed}.")),
                    failing,
                    limit,
                    self.recovery(),
                ]
            }
        }
    }

    /// The failure that a missed objective is about: for the error rate of the whole run the first that matters, else
    /// the first of a cause that the objective counts, on the endpoint that it is about.
    fn failure_behind(&self, missed: &[&Objective]) -> Option<&FirstFailure> {
        let mut about_failures = missed
            .iter()
            .filter(|objective| words::is_failure(objective))
            .peekable();
        about_failures.peek()?;
        if missed.iter().any(|objective| objective.name == "error_rate") {
            return self.first_material_failure();
        }
        about_failures.find_map(|objective| {
            let subject = words::subject(objective);
            self.summary.failures.iter().find(|failure| {
                words::counts(&subject.metric, failure.cause)
                    && subject
                        .endpoint
                        .as_ref()
                        .is_none_or(|endpoint| *endpoint == failure.endpoint)
            })
        })
    }

    fn undecided(&self) -> Sentences {
        let open: Vec<&Objective> = self
            .summary
            .objectives
            .iter()
            .filter(|objective| objective.met.is_none())
            .collect();
        let head = match (open.len(), self.summary.objectives.len()) {
            (1, 1) => "Not decided:".to_owned(),
            (1, all) => format!("Not decided: 1 of {all} objectives is open, the rest is met. As to that one,"),
            (some, all) if some == all => format!("Not decided: all {all} objectives are open. As to the first,"),
            (some, all) => {
                format!("Not decided: {some} of {all} objectives are open, the rest is met. As to the first of these,")
            }
        };
        let first = open.first().map(|objective| {
            let label = words::objective(objective);
            let bound = words::bound(objective);
            match (objective.value.low, objective.value.high) {
                _ if !objective.value.value.is_finite() => format!("nothing was observed to judge {label} by"),
                (Some(low), Some(high)) => format!(
                    "{label} is between {} and {} and has to be {bound}; more replications would narrow it",
                    amount(low, objective.unit),
                    amount(high, objective.unit)
                ),
                _ if self.summary.replications == 1 => format!(
                    "{label} is {} in the only replication and has to be {bound}; it takes several to be sure",
                    amount(objective.value.value, objective.unit)
                ),
                _ => format!(
                    "{label} is {} and has to be {bound}; too few requests show how far off that may be, so measure for longer",
                    amount(objective.value.value, objective.unit)
                ),
            }
        });
        vec![
            first.map(|first| format!("{head} {first}.")),
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
                ": {} are answered usefully, 95 % of these within {}",
                of_requests(useful),
                span_words(p95)
            ),
            (Some(useful), None) => format!(": {} are answered usefully", of_requests(useful)),
            _ => String::new(),
        };
        let failing = self.begins_to_fail();
        let limit = if failing.is_some() { None } else { self.nearest_limit() };
        vec![
            Some(format!("{head}{observed}.")),
            failing,
            limit,
            self.recovery(),
            self.still_growing(),
        ]
    }

    /// The first failure that matters, as a sentence of its own.
    fn begins_to_fail(&self) -> Option<String> {
        let failure = self.first_material_failure()?;
        Some(format!("{}.", words::capital(&self.failing(failure))))
    }

    /// When requests begin to fail, why, where, and what is behind it.
    fn failing(&self, failure: &FirstFailure) -> String {
        let when = when(&failure.first_at);
        let comma = if when.contains(',') { "," } else { "" };
        let seen = self.of_replications(failure.replications);
        let because = words::because_of_name(failure.cause);
        let place = failure
            .resource
            .as_deref()
            .map_or_else(String::new, |name| format!(", at {}", self.with_limit(name)));
        let behind = self.behind_failure(failure);
        format!("{when}{comma} requests begin to fail{seen} because {because}{place}{behind}")
    }

    /// What the summary holds responsible for a failure. Where it names nobody, only what is known: where the slowest
    /// wait, or which resource had reached its limit by then.
    fn behind_failure(&self, failure: &FirstFailure) -> String {
        let at = failure.resource.as_deref();
        if let Some(full) = at.and_then(|name| self.bottleneck(name)) {
            return self.root(full);
        }
        if let Some(culprit) = self.where_the_slowest_wait() {
            return format!(
                "; the slowest 5 % of the others spend {} of their time at {}{}",
                percent_words(culprit.latency_share_slowest),
                self.with_limit(&culprit.resource),
                self.root(culprit)
            );
        }
        match self.summary.bottlenecks.first() {
            Some(first) if first.first_at.value <= failure.first_at.value => format!(
                "; by then {} has reached its limit{}",
                self.with_limit(&first.resource),
                self.root(first)
            ),
            _ => String::new(),
        }
    }

    /// The end of the chain of resources that explains this one's being full.
    fn root(&self, bottleneck: &Bottleneck) -> String {
        let mut root = None;
        let mut next = bottleneck.because_of.as_deref();
        // As many steps as there are bottlenecks: a chain that bites its own tail ends too.
        for _ in 0..=self.summary.bottlenecks.len() {
            let Some(name) = next.filter(|&name| name != bottleneck.resource) else {
                break;
            };
            root = Some(name);
            next = self.bottleneck(name).and_then(|found| found.because_of.as_deref());
        }
        root.map_or_else(String::new, |name| {
            // A provider is never saturated: it takes its time, or refuses. What waits for it holds on meanwhile.
            let is_provider = self
                .summary
                .resources
                .iter()
                .any(|of| of.name == name && of.kind == "provider");
            let why = if is_provider {
                "whose answers it waits for"
            } else {
                "which is saturated"
            };
            format!("; behind it is {}, {why}", self.with_limit(name))
        })
    }

    /// What was too slow and where the time went. What the slowest wait at explains slowness; what merely filled up
    /// first need not.
    fn too_slow(&self, slow: &Objective) -> String {
        let missed = self.missed(slow);
        let reason = match (self.where_the_slowest_wait(), self.slowest_stage()) {
            (Some(culprit), _) => format!(
                "; the slowest 5 % spend {} of their time at {}, which first reaches its limit {}{}{}",
                percent_words(culprit.latency_share_slowest),
                self.with_limit(&culprit.resource),
                when(&culprit.first_at),
                self.of_replications(culprit.replications),
                self.root(culprit)
            ),
            (None, Some((stage, share))) => format!(
                "; the slowest 5 % spend {} of their time {}",
                percent_words(share),
                words::spent(stage)
            ),
            (None, None) => String::new(),
        };
        format!("It is too slow: {missed}{reason}.")
    }

    /// The full resource at which the slowest requests spend most of their time, where that is much of it.
    fn where_the_slowest_wait(&self) -> Option<&Bottleneck> {
        self.summary
            .bottlenecks
            .iter()
            .filter(|bottleneck| bottleneck.latency_share_slowest >= EXPLAINS_SLOWNESS)
            .max_by(|a, b| a.latency_share_slowest.total_cmp(&b.latency_share_slowest))
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
                amount(objective.value.value, objective.unit),
                amount(objective.target, objective.unit)
            ),
            None => format!(
                "{} is {} and has to be {}",
                words::objective(objective),
                amount(objective.value.value, objective.unit),
                words::bound(objective)
            ),
        }
    }

    /// How many fail or are given up, on which endpoint most, and why where that is not what failed first; and how slow
    /// the rest is where that was missed too.
    fn whom(&self, slow: Option<&Objective>) -> Option<String> {
        let rate = self.summary.figures.get(&["errors", "rate"])?.estimate;
        let given_up = self.given_up();
        if !rate.value.is_finite() || rate.value <= 0.0 {
            return given_up.map(|given_up| format!("{}.", words::capital(&given_up)));
        }
        let worst = self.summary.failures.iter().max_by(|a, b| a.share.total_cmp(&b.share));
        let most_often = worst.map_or_else(String::new, |worst| {
            let only = self.summary.figures.children(&["endpoints"]).len() == 1 || worst.endpoint.is_empty();
            let place = if only {
                String::new()
            } else {
                format!(" on `{}`", worst.endpoint)
            };
            let reason = match self.first_material_failure() {
                Some(first) if first.cause != worst.cause => {
                    format!(" because {}", words::because_of_name(worst.cause))
                }
                _ => String::new(),
            };
            if place.is_empty() && reason.is_empty() {
                String::new()
            } else {
                format!(", most often{place}{reason}")
            }
        });
        let given_up = given_up.map_or_else(String::new, |given_up| format!("; {given_up}"));
        let slow = slow.map_or_else(String::new, |slow| format!("; {}", self.missed(slow)));
        Some(format!("{}{most_often}{given_up}{slow}.", failing_requests(&rate)))
    }

    /// Requests whose user gave up, where that is one in a hundred or more and not among the failures already.
    fn given_up(&self) -> Option<String> {
        let counted = Cause::ClientTimeout.name();
        if self.summary.failures.iter().any(|failure| failure.cause == counted) {
            return None;
        }
        let share = self.share(&["requests", "abandoned"]).filter(|&share| share >= 0.01)?;
        Some(match share_words(share) {
            one if one.starts_with("1 in ") => format!("{one} is given up by its user"),
            many => format!("{many} are given up by their users"),
        })
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
            "The first to reach its limit is {}, {}{}{}.",
            self.with_kind(&first.resource),
            when(&first.first_at),
            self.of_replications(first.replications),
            self.root(first)
        ))
    }

    fn still_growing(&self) -> Option<String> {
        self.summary
            .warnings
            .iter()
            .any(|warning| warning.id == "still-growing")
            .then(|| "A line was still growing at the end: a longer run may say otherwise.".to_owned())
    }

    /// " in 7 of 10 replications", where it was not all.
    fn of_replications(&self, seen: u32) -> String {
        if seen < self.summary.replications {
            format!(" in {seen} of {} replications", self.summary.replications)
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
