//! From the records of all replications to a result: figures, objectives, what bound first.
//!
//! Owns: which figure stands under which path, and the judgements made of them.
//! Never: running (`experiment`), words for readers beyond warnings (`report`).

pub mod alert;
pub mod batches;
pub mod bottleneck;
pub mod build;
pub mod caution;
pub mod cost;
pub mod degradation;
pub mod failure;
pub mod group;
pub mod kind;
pub mod objective;
pub mod population;
pub mod recovery;
pub mod request;
pub mod resource;
pub mod snapshot;
pub mod timeline;
pub mod warnings;

#[cfg(test)]
pub(crate) mod sample;

use highwater_models::file::Plan;
use highwater_models::record::figures::{Figures, Unit};
use highwater_models::record::summary::{Resource, Summary};
use highwater_models::review::review;

use self::build::{Builder, dist, level};
use self::group::Groups;
use crate::interval::Intervals;
use crate::measure::Record;
use highwater_program::model::Model;

/// The result of a plan from what its replications left, in their order. The root seed is the caller's to fill in.
#[must_use]
pub fn summarize(plan: &Plan, model: &Model, records: &[Record]) -> Summary {
    let intervals = intervals_of(model, records);
    let groups = Groups::new(model, records);
    let figures = figures_of(model, records, &groups, &intervals);
    let goals = &plan.scenario.objectives.goals;
    let mut objectives = objective::judge(&plan.scenario.objectives, &groups, &figures, &intervals);
    recovery::settle(&mut objectives, goals, model, records, &intervals);
    let recovery = recovery::recovery(goals, model, records, &intervals);
    let mut warnings = warnings::warnings(&warnings::Seen {
        scenario: &plan.scenario,
        model,
        records,
        figures: &figures,
        objectives: &objectives,
    });
    warnings.extend(degradation::flapping(model, records));
    warnings.extend(population::warning(model, records));
    warnings.extend(objective::not_simulated(&plan.scenario.objectives));
    let goals = &plan.scenario.objectives.goals;
    warnings.extend(cost::missing(
        model,
        goals.cost_month.is_some(),
        goals.profit_month.is_some(),
    ));
    let count = records.len().max(1) as f64;
    Summary {
        scenario: plan.name.clone(),
        title: plan.scenario.title.clone().unwrap_or_else(|| plan.name.clone()),
        question: plan.question.clone(),
        system: plan.system.title.clone().unwrap_or_else(|| plan.system_name.clone()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model_hash: format!("{:016x}", plan.hash),
        load_hash: format!("{:016x}", plan.load_hash()),
        seed: plan.scenario.seed,
        replications: u32::try_from(records.len()).unwrap_or(u32::MAX),
        simulated_seconds: records.iter().map(|record| record.ended.seconds()).sum::<f64>() / count,
        events: records.iter().map(|record| record.events).sum(),
        measured: records
            .first()
            .map_or((0.0, 0.0), |record| (record.from.seconds(), record.to.seconds())),
        figures,
        resources: model.resources.iter().map(described).collect(),
        costs: cost::items(model),
        objectives,
        bottlenecks: bottleneck::bottlenecks(model, records, &intervals),
        failures: failure::failures(model, records, &groups, &intervals),
        recovery,
        alerts: alert::alerts(plan, model, records, &intervals),
        log: records.first().map(|record| record.log.clone()).unwrap_or_default(),
        warnings,
        review: review(&plan.system, Some(&plan.scenario)),
        next_step: None,
    }
}

fn described(resource: &highwater_program::model::Resource) -> Resource {
    Resource {
        name: resource.name.clone(),
        kind: resource.kind.name(),
        limit: resource.limit.clone(),
    }
}

/// Every figure of a run, without a plan: what benches and tests of the engine read.
#[must_use]
pub fn figures(model: &Model, records: &[Record]) -> Figures {
    figures_of(
        model,
        records,
        &Groups::new(model, records),
        &intervals_of(model, records),
    )
}

/// How figures are made of what replications left: counts of a run of some days stand for all.
fn intervals_of(model: &Model, records: &[Record]) -> Intervals {
    let mut intervals = Intervals::new(records.len());
    intervals.times = model.days.as_ref().map_or(1.0, highwater_workload::days::Days::weight);
    intervals
}

fn figures_of(model: &Model, records: &[Record], groups: &Groups, intervals: &Intervals) -> Figures {
    let mut build = Builder::new(records, intervals);
    sessions(&mut build);
    request::figures(&mut build, &[], &groups.whole, model);
    batches::figures(&mut build, model);
    level(&mut build, &["in_system"], |record| &record.in_system);
    level(&mut build, &["users", "online"], |record| &record.online);
    breakdown(&mut build, model);
    let parts = [
        ("endpoints", &groups.endpoints),
        ("classes", &groups.classes),
        ("phases", &groups.phases),
    ];
    for (kind, named) in parts {
        for (name, cells) in named {
            request::figures(&mut build, &[kind, name], cells, model);
        }
    }
    resource::figures(&mut build, model);
    kind::figures(&mut build, model);
    degradation::figures(&mut build, model);
    cost::figures(&mut build, model);
    snapshot::figures(&mut build, model);
    alert::figures(&mut build, model);
    population::figures(&mut build, model);
    build.figures
}

fn sessions(build: &mut Builder) {
    build.count(&["sessions", "offered"], |record| record.sessions.offered as f64);
    build.count(&["sessions", "completed"], |record| record.sessions.completed as f64);
    build.count(&["sessions", "abandoned"], |record| record.sessions.abandoned as f64);
    let lengths: Vec<_> = build.records.iter().map(|record| &record.sessions.length).collect();
    dist(build, &["sessions", "length"], &lengths, &[]);
}

/// Where the latency of useful requests went: mean seconds by stage, over all and over the slowest 5 %. A stage in which
/// nobody spent any time is left out.
fn breakdown(build: &mut Builder, model: &Model) {
    for (name, share) in [("all", 1.0), ("slowest", 0.05)] {
        let means: Vec<Vec<f64>> = build
            .records
            .iter()
            .map(|record| record.breakdown.mean_of_slowest(share))
            .collect();
        for (stage, stage_name) in model.stages.iter().enumerate() {
            let samples: Vec<f64> = means
                .iter()
                .map(|means| means.get(stage).copied().unwrap_or(f64::NAN))
                .collect();
            if samples.iter().any(|&sample| sample > 0.0) {
                build.estimate(&["breakdown", name, stage_name], Unit::Seconds, samples);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::breakdown::coarse_bucket;
    use crate::split::Split;

    // Lost if broken: stages would be shifted against their names, or shown where nobody spent any time.
    #[test]
    fn the_breakdown_names_its_stages() {
        let model = sample::model();
        let mut record = sample::record(&model, 10, 0);
        let mut split = Split::new(model.stages.len());
        split.add(sample::WAIT_WEB, 1_500_000_000);
        split.add(sample::CPU_WEB, 500_000_000);
        let pour = |record: &mut Record, nanos, split: &mut Split| {
            let pour = |row: &mut [u64]| split.take(|stage, nanos| row[stage as usize] += nanos);
            record.breakdown.add(coarse_bucket(nanos), pour);
        };
        pour(&mut record, 2_000_000_000, &mut split);
        split.add(sample::WAIT_WEB, 1_000_000_000);
        pour(&mut record, 1_000_000_000, &mut split);
        let figures = figures(&model, &[record]);
        assert_eq!(figures.value(&["breakdown", "all", "wait.web"]), 1.25);
        assert_eq!(figures.value(&["breakdown", "all", "cpu.web"]), 0.25);
        assert_eq!(figures.value(&["breakdown", "slowest", "wait.web"]), 1.5);
        assert!(figures.get(&["breakdown", "all", "client"]).is_none());
    }

    // Lost if broken: a run in which nobody comes ends in a panic, or in a rate of errors of no requests at all.
    #[test]
    fn an_empty_record_gives_figures_without_a_panic() {
        let model = sample::model();
        let figures = figures(&model, &[Record::new(&model)]);
        assert_eq!(figures.value(&["requests", "offered"]), 0.0);
        assert!(figures.value(&["errors", "rate"]).is_nan());
    }
}
