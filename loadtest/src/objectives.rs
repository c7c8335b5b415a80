//! Whether what had to hold holds, by what was measured.
//!
//! Owns: which figure an objective means. An objective is decided when its whole interval is on one side of its bound; one
//! that allows no case at all is a statement about what was seen.

use highwater_models::Cause;
use highwater_models::file::names_of;
use highwater_models::file::scenario::{Counts, Goals, Objectives};
use highwater_models::record::figures::{Estimate, Figures, Path, Unit};
use highwater_models::record::summary::Objective;

use crate::log::Row;
use crate::outcome::Basis;
use crate::statistics;

struct Judge<'a, R> {
    figures: &'a Figures,
    rows: R,
    basis: Basis,
    found: Vec<Objective>,
    unknown: Vec<String>,
}

/// Every objective in the order of the file's tables, and the names of those about which nothing was measured. `rows` gives
/// the requests of a part, by its kind and name.
pub fn judge<'a>(
    objectives: &Objectives,
    figures: &'a Figures,
    rows: impl Fn(&[&str]) -> Vec<&'a Row>,
    basis: Basis,
) -> (Vec<Objective>, Vec<String>) {
    let mut judge = Judge {
        figures,
        rows,
        basis,
        found: Vec::new(),
        unknown: Vec::new(),
    };
    judge.goals(&objectives.goals, &[], &[]);
    let parts = [
        ("endpoint", "endpoints", &objectives.endpoint),
        ("class", "classes", &objectives.class),
        ("phase", "phases", &objectives.phase),
    ];
    for (key, place, named) in parts {
        for (name, goals) in named.iter() {
            let name = name.as_str();
            judge.goals(goals, &[key, name], &[place, name]);
        }
    }
    for (path, bound) in objectives.metric.iter() {
        let names = names_of(path.as_str());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let figure = figures.get(&names);
        let unit = figure.map_or(Unit::Count, |figure| figure.unit);
        for (target, at_most) in [(bound.above, false), (bound.below, true)] {
            if let Some(target) = target {
                judge.add(
                    &["metric", path.as_str()],
                    target,
                    at_most,
                    unit,
                    figure.map(|figure| figure.estimate),
                );
            }
        }
    }
    (judge.found, judge.unknown)
}

impl<'a, R: Fn(&[&str]) -> Vec<&'a Row>> Judge<'a, R> {
    fn goals(&mut self, goals: &Goals, key: &[&str], place: &[&str]) {
        let tool = goals.counts == Some(Counts::Tool);
        let key_of = |name: &'static str| -> Vec<&str> { key.iter().copied().chain([name]).collect() };
        let figures = self.figures;
        let estimate = |names: &[&str]| {
            let path: Vec<&str> = place.iter().chain(names).copied().collect();
            figures.get(&path).map(|figure| figure.estimate)
        };
        let latency: &[&str] = if tool { &["tool", "latency"] } else { &["latency"] };
        for (name, target) in [
            ("mean", goals.mean),
            ("p50", goals.p50),
            ("p90", goals.p90),
            ("p95", goals.p95),
            ("p99", goals.p99),
            ("max", goals.max),
        ] {
            let Some(target) = target else { continue };
            let path: Vec<&str> = latency.iter().copied().chain([name]).collect();
            self.add(&key_of(name), target.seconds(), true, Unit::Seconds, estimate(&path));
        }
        let rate: &[&str] = if tool {
            &["tool", "error_rate"]
        } else {
            &["errors", "rate"]
        };
        if let Some(target) = goals.error_rate {
            self.add(&key_of("error_rate"), target.get(), true, Unit::Share, estimate(rate));
        }
        if let Some(target) = goals.refused_rate {
            let refused = estimate(&["errors", "rate_by_cause", Cause::RateLimited.name()]);
            let offered = estimate(&["requests", "offered"]).map_or(0.0, |offered| offered.value);
            let none = (offered > 0.0).then(|| statistics::share(&[(0.0, offered)]));
            self.add(
                &key_of("refused_rate"),
                target.get(),
                true,
                Unit::Share,
                refused.or(none),
            );
        }
        for (name, target, causes) in [
            ("database_errors", goals.database_errors, &Cause::AT_THE_DATABASE[..]),
            (
                "llm_rate_limit_errors",
                goals.llm_rate_limit_errors,
                &Cause::LLM_LIMITS[..],
            ),
        ] {
            if let Some(target) = target {
                self.count(&key_of(name), target, causes, place);
            }
        }
        for &(cause, target) in &goals.errors.entries {
            let name: Vec<&str> = key.iter().copied().chain(["errors", cause.name()]).collect();
            self.count(&name, target, &[cause], place);
        }
        for (name, target) in [("throughput", goals.throughput), ("goodput", goals.goodput)] {
            let Some(target) = target else { continue };
            self.add(
                &key_of(name),
                target.per_second(),
                false,
                Unit::PerSecond,
                estimate(&[name]),
            );
        }
        for (name, target, at_most, unit) in [
            (
                "cost_month",
                goals.cost_month.map(|sum| sum.dollars()),
                true,
                Unit::Dollars,
            ),
            (
                "profit_month",
                goals.profit_month.map(|sum| sum.dollars()),
                false,
                Unit::Dollars,
            ),
            (
                "recovered",
                goals.recovered.map(|span| span.seconds()),
                true,
                Unit::Seconds,
            ),
        ] {
            if let Some(target) = target {
                self.add(&key_of(name), target, at_most, unit, None);
            }
        }
    }

    /// So many cases at most, of all requests of a part.
    fn count(&mut self, name: &[&str], target: u64, causes: &[Cause], place: &[&str]) {
        let rows = (self.rows)(place);
        let runs = match self.basis {
            Basis::Repeats(count) => count as usize,
            _ => 1,
        };
        let mut samples = vec![0.0; runs];
        for row in rows {
            if row.cause.is_some_and(|cause| causes.contains(&cause))
                && let Some(sample) = samples.get_mut(row.repeat as usize)
            {
                *sample += 1.0;
            }
        }
        let estimate = statistics::mean(&samples);
        self.add(name, target as f64, true, Unit::Count, Some(estimate));
        if target == 0
            && let Some(last) = self.found.last_mut()
        {
            last.met = Some(estimate.value == 0.0);
        }
    }

    fn add(&mut self, name: &[&str], target: f64, at_most: bool, unit: Unit, value: Option<Estimate>) {
        let name = Path::new(name).to_string();
        if value.is_none() {
            self.unknown.push(name.clone());
        }
        let value = value.unwrap_or(statistics::bare(f64::NAN));
        self.found.push(Objective {
            name,
            target,
            at_most,
            unit,
            value,
            met: decided(&value, target, at_most),
        });
    }
}

/// True or false when the whole interval is on one side of the bound, the bound itself being met.
fn decided(value: &Estimate, target: f64, at_most: bool) -> Option<bool> {
    let (met, missed) = if at_most {
        (
            value.high.is_some_and(|high| high <= target),
            value.low.is_some_and(|low| low > target),
        )
    } else {
        (
            value.low.is_some_and(|low| low >= target),
            value.high.is_some_and(|high| high < target),
        )
    };
    match (met, missed) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}
