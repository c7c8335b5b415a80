//! Whether what had to hold holds.
//!
//! Owns: which figure an objective means, and when it is decided. Never: the figures.
//!
//! An objective is met or missed when the whole interval lies on one side of its bound, and undecided else; where a
//! percentile's interval has no end on one side, the share of requests beyond the bound may decide. With one
//! replication there is no interval and nothing is decided, with two exceptions: a share of requests of which there was
//! none has an upper bound from its number of requests, and an objective that allows no case at all (a count of 0) is
//! a statement about what was seen: a single case disproves it, and none in any replication meets it.

use highwater_models::file::names_of;
use highwater_models::file::scenario::{Counts, Goals, Objectives};
use highwater_models::record::figures::{Estimate, Figures, Path, Unit};
use highwater_models::record::histogram::Histogram;
use highwater_models::record::summary::{Objective, Warning};
use highwater_models::{Cause, SimSpan};

use super::group::Groups;
use super::{request, warnings};
use crate::interval::{Intervals, Sample};
use crate::measure::Cell;

/// Judges every objective, in the order of the file's tables: whole run, endpoints, classes, phases, metrics.
#[must_use]
pub fn judge(objectives: &Objectives, groups: &Groups, figures: &Figures, intervals: &Intervals) -> Vec<Objective> {
    let mut judge = Judge {
        figures,
        intervals,
        found: Vec::new(),
    };
    judge.goals(&objectives.goals, &[], &[], Some(&groups.whole));
    let parts = [
        ("endpoint", "endpoints", &objectives.endpoint, &groups.endpoints),
        ("class", "classes", &objectives.class, &groups.classes),
        ("phase", "phases", &objectives.phase, &groups.phases),
    ];
    for (key, place, named, cells) in parts {
        for (name, goals) in named.iter() {
            let name = name.as_str();
            judge.goals(goals, &[key, name], &[place, name], Groups::find(cells, name));
        }
    }
    for (path, bound) in objectives.metric.iter() {
        let names = names_of(path.as_str());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let figure = figures.get(&names);
        let estimate = figure.map_or(NOTHING, |figure| figure.estimate);
        let unit = figure.map_or(Unit::Count, |figure| figure.unit);
        for (target, at_most) in [(bound.above, false), (bound.below, true)] {
            if let Some(target) = target {
                judge.add(&["metric", path.as_str()], target, at_most, unit, estimate);
            }
        }
    }
    judge.found
}

/// A warning for each objective that no figure stands behind yet.
#[must_use]
pub fn not_simulated(objectives: &Objectives) -> Vec<Warning> {
    let goals = &objectives.goals;
    // Where nothing can be said of it, it is not asked: see `recovery`.
    let asked = goals.p95.is_some() || goals.error_rate.is_some();
    let keys = [("recovered", goals.recovered.is_some() && !asked)];
    keys.into_iter()
        .filter(|(_, given)| *given)
        .map(|(key, _)| warnings::not_simulated(&format!("the objective `{key}`, which stays undecided")))
        .collect()
}

/// What an objective gets whose figure there is not.
const NOTHING: Estimate = Estimate {
    value: f64::NAN,
    low: None,
    high: None,
};

struct Judge<'a> {
    figures: &'a Figures,
    intervals: &'a Intervals,
    found: Vec<Objective>,
}

impl Judge<'_> {
    fn goals(&mut self, goals: &Goals, key: &[&str], place: &[&str], cells: Option<&[Cell]>) {
        let tool = goals.counts == Some(Counts::Tool);
        let cells = cells.unwrap_or_default();
        let key_of = |name: &'static str| -> Vec<&str> { key.iter().copied().chain([name]).collect() };
        let latencies = [
            ("mean", goals.mean),
            ("p50", goals.p50),
            ("p90", goals.p90),
            ("p95", goals.p95),
            ("p99", goals.p99),
            ("max", goals.max),
        ];
        for (name, target) in latencies {
            let Some(target) = target else { continue };
            let figure = if tool { &["tool", "latency"][..] } else { &["latency"] };
            let path: Vec<&str> = place.iter().chain(figure).copied().chain([name]).collect();
            let estimate = self.estimate(&path);
            self.add(&key_of(name), target.seconds(), true, Unit::Seconds, estimate);
            self.percentile(name, target, tool, cells);
        }
        let rate = if tool {
            &["tool", "error_rate"][..]
        } else {
            &["errors", "rate"]
        };
        let rate: Vec<&str> = place.iter().chain(rate).copied().collect();
        let shares: [(&'static str, Option<f64>, Estimate); 2] = [
            (
                "error_rate",
                goals.error_rate.map(|share| share.get()),
                self.estimate(&rate),
            ),
            (
                "refused_rate",
                goals.refused_rate.map(|share| share.get()),
                request::refused_rate(cells, self.intervals),
            ),
        ];
        for (name, target, estimate) in shares {
            if let Some(target) = target {
                self.add(&key_of(name), target, true, Unit::Share, estimate);
            }
        }
        let counts: [(&'static str, Option<u64>, &[Cause]); 2] = [
            ("database_errors", goals.database_errors, &Cause::AT_THE_DATABASE),
            ("llm_rate_limit_errors", goals.llm_rate_limit_errors, &Cause::LLM_LIMITS),
        ];
        for (name, target, causes) in counts {
            if let Some(target) = target {
                self.count(&key_of(name), target, causes, cells);
            }
        }
        for &(cause, target) in &goals.errors.entries {
            let name: Vec<&str> = key.iter().copied().chain(["errors", cause.name()]).collect();
            self.count(&name, target, &[cause], cells);
        }
        for (name, target) in [("throughput", goals.throughput), ("goodput", goals.goodput)] {
            let Some(target) = target else { continue };
            let path: Vec<&str> = place.iter().copied().chain([name]).collect();
            let estimate = self.estimate(&path);
            self.add(&key_of(name), target.per_second(), false, Unit::PerSecond, estimate);
        }
        let money = [
            ("cost_month", "month", goals.cost_month, true),
            ("profit_month", "profit", goals.profit_month, false),
        ];
        for (name, figure, target, at_most) in money {
            let Some(target) = target else { continue };
            let path: Vec<&str> = place.iter().copied().chain(["cost", figure]).collect();
            let estimate = self.estimate(&path);
            self.add(&key_of(name), target.dollars(), at_most, Unit::Dollars, estimate);
        }
        let later = [(
            "recovered",
            goals.recovered.map(|span| span.seconds()),
            true,
            Unit::Seconds,
        )];
        for (name, target, at_most, unit) in later {
            if let Some(target) = target {
                self.add(&key_of(name), target, at_most, unit, NOTHING);
            }
        }
    }

    /// Decides the bound on a percentile that was judged last by how many requests take longer, where the percentile's
    /// interval is open on that side: when hardly anybody does, how slow the slowest are does not matter. Where the interval
    /// has an end, that decides, so that no reader sees one that says otherwise. One replication says nothing of how another
    /// would differ.
    fn percentile(&mut self, name: &str, target: SimSpan, tool: bool, cells: &[Cell]) {
        let share = match name {
            "p50" => 0.5,
            "p90" => 0.9,
            "p95" => 0.95,
            "p99" => 0.99,
            _ => return,
        };
        let Some(last) = self.found.last_mut() else { return };
        let is_open = |met: bool| if met { last.value.high } else { last.value.low }.is_none();
        if last.met.is_some() || !(is_open(true) || is_open(false)) {
            return;
        }
        let latency: fn(&Cell) -> &Histogram = if tool { |cell| &cell.tool } else { |cell| &cell.latency };
        let sample = Sample::new(&cells.iter().map(latency).collect::<Vec<_>>());
        let decided = self.intervals.is_at_most(&sample, share, target.nanos());
        last.met = decided.filter(|&met| is_open(met));
    }

    fn estimate(&self, path: &[&str]) -> Estimate {
        self.figures.get(path).map_or(NOTHING, |figure| figure.estimate)
    }

    fn count(&mut self, name: &[&str], target: u64, causes: &[Cause], cells: &[Cell]) {
        let samples: Vec<f64> = cells
            .iter()
            .map(|cell| causes.iter().map(|&cause| cell.by_cause[cause as usize]).sum::<u64>() as f64)
            .map(|count| count * self.intervals.times)
            .collect();
        let estimate = self.intervals.count(&samples);
        self.add(name, target as f64, true, Unit::Count, estimate);
        if target == 0
            && !samples.is_empty()
            && let Some(last) = self.found.last_mut()
        {
            last.met = Some(estimate.value == 0.0);
        }
    }

    fn add(&mut self, name: &[&str], target: f64, at_most: bool, unit: Unit, value: Estimate) {
        self.found.push(Objective {
            name: Path::new(name).to_string(),
            target,
            at_most,
            unit,
            value,
            met: decided(&value, target, at_most),
        });
    }
}

/// True or false when the whole interval is on one side of the bound, the bound itself being met.
pub(crate) fn decided(value: &Estimate, target: f64, at_most: bool) -> Option<bool> {
    let (low, high) = (value.low, value.high);
    // Where one of the two bounds is not known, the other one may still decide.
    let (met, missed) = if at_most {
        (
            high.is_some_and(|high| high <= target),
            low.is_some_and(|low| low > target),
        )
    } else {
        (
            low.is_some_and(|low| low >= target),
            high.is_some_and(|high| high < target),
        )
    };
    match (met, missed) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Record;
    use crate::outcome::{figures, sample};
    use highwater_program::model::Model;

    fn near(low: f64, high: f64) -> Estimate {
        Estimate {
            value: (low + high) / 2.0,
            low: Some(low),
            high: Some(high),
        }
    }

    // Lost if broken: CI would pass or fail on noise.
    #[test]
    fn decided_only_by_the_whole_interval() {
        for (low, high, at_most, met) in [
            (1.0, 1.9, true, Some(true)),
            (1.0, 2.0, true, Some(true)),
            (1.9, 2.1, true, None),
            (2.1, 2.2, true, Some(false)),
            (2.0, 2.2, true, None),
            (2.0, 2.2, false, Some(true)),
            (1.9, 2.1, false, None),
            (1.0, 1.9, false, Some(false)),
            (f64::NAN, f64::NAN, true, None),
        ] {
            assert_eq!(
                decided(&near(low, high), 2.0, at_most),
                met,
                "{low} to {high}, {at_most}"
            );
        }
        assert_eq!(decided(&NOTHING, 2.0, true), None);
    }

    fn objectives_of(objectives: &str, model: &Model, records: &[Record]) -> Vec<Objective> {
        let plan = sample::plan(&format!("duration = \"1m\"\n[objectives]\n{objectives}"));
        let groups = Groups::new(model, records);
        let (figures, intervals) = (figures(model, records), Intervals::new(records.len()));
        judge(&plan.scenario.objectives, &groups, &figures, &intervals)
    }

    fn judged(objectives: &str, failures: &[u64]) -> Vec<(String, Option<bool>)> {
        let model = sample::model();
        let of = |&failed: &u64| sample::record(&model, 1000, failed);
        let records: Vec<_> = failures.iter().map(of).collect();
        objectives_of(objectives, &model, &records)
            .into_iter()
            .map(|objective| (objective.name, objective.met))
            .collect()
    }

    /// Replications of requests of 1 ms, 2 ms and so on, this much later in each.
    fn ramps(model: &Model, requests: u64, later: &[u64]) -> Vec<Record> {
        let one = |&later: &u64| {
            let mut record = sample::record(model, 0, 0);
            let cell = record.cell(0, 0, 0);
            (cell.offered, cell.useful) = (requests, requests);
            (1..=requests).for_each(|millis| cell.latency.record((millis + later) * 1_000_000));
            record
        };
        later.iter().map(one).collect()
    }

    // Lost if broken: that hardly anybody comes near a bound decides nothing, for want of slow requests; or one run does.
    #[test]
    fn a_percentile_without_an_end_is_decided_by_who_takes_longer() {
        let model = sample::model();
        let met = |target: &str, records: &[Record]| {
            let found = objectives_of(&format!("p99 = \"{target}\""), &model, records);
            assert_eq!((found[0].value.low, found[0].value.high), (None, None));
            found[0].met
        };
        // Nine of 900 beyond the 99th percentile at 297 ms: too few for an interval.
        let three = ramps(&model, 300, &[0, 0, 0]);
        assert_eq!(met("10s", &three), Some(true));
        assert_eq!(met("297ms", &three), None);
        assert_eq!(met("280ms", &three), Some(false));
        assert_eq!(met("10s", &ramps(&model, 300, &[0])), None);
    }

    // Lost if broken: `met` beside an interval that reaches beyond the bound, and the other way round.
    #[test]
    fn no_interval_that_is_shown_says_otherwise() {
        let model = sample::model();
        let mut seen = [0; 3];
        for later in [&[0, 5, 10][..], &[0, 40], &[0, 300, 20, 10], &[3, 1, 2, 0, 4, 2]] {
            let records = ramps(&model, 400, later);
            for target in (40..800).step_by(9) {
                let all = ["p50", "p90", "p95", "p99"].map(|name| format!("{name} = \"{target}ms\"\n"));
                for Objective {
                    name,
                    target,
                    value,
                    met,
                    ..
                } in objectives_of(&all.concat(), &model, &records)
                {
                    let fits = match met {
                        Some(true) => value.high.is_none_or(|high| high <= target) && value.value <= target,
                        Some(false) => value.low.is_none_or(|low| low > target) && value.value > target,
                        None => true,
                    };
                    assert!(fits, "{name} at most {target}: {met:?} with {value:?}");
                    seen[met.map_or(2, usize::from)] += 1;
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 100), "{seen:?}");
    }

    // Lost if broken: an objective of no errors at all stays undecided although an error was seen, or one run decides a
    // latency.
    #[test]
    fn no_case_allowed_is_about_what_was_seen() {
        let none = "database_errors = 0\np95 = \"9s\"\nerrors = { pool_timeout = 0, shed = 0 }";
        let name = |name: &str, met| (name.to_owned(), met);
        assert_eq!(
            judged(none, &[0]),
            [
                name("p95", None),
                name("database_errors", Some(true)),
                name("errors.pool_timeout", Some(true)),
                name("errors.shed", Some(true))
            ]
        );
        // One replication of three with one error: the interval reaches zero, the error was there all the same.
        assert_eq!(
            judged(none, &[0, 1, 0]),
            [
                name("p95", Some(true)),
                name("database_errors", Some(false)),
                name("errors.pool_timeout", Some(false)),
                name("errors.shed", Some(true))
            ]
        );
    }

    // Lost if broken: a rate is judged against requests of another part, or zero failures are no evidence.
    #[test]
    fn a_rate_without_failures_is_decided_by_how_many_requests_there_were() {
        let goal = |share: f64| format!("error_rate = {share}");
        assert_eq!(judged(&goal(0.01), &[0])[0].1, Some(true));
        assert_eq!(judged(&goal(0.001), &[0])[0].1, None);
        assert_eq!(judged(&goal(0.01), &[100, 101, 99])[0].1, Some(false));
        assert_eq!(judged(&goal(0.01), &[100])[0].1, None);
    }
}
