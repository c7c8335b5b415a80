//! Which resources reached their limit, in which order, and whose doing it was.
//!
//! Owns: the rule of blame. Never: when a resource counts as saturated (the world's).
//!
//! A pool or a queue that is full says only that its slots are held. If more than half of the time for which they were
//! held went by at one other resource, and that one was short itself, the other one is the reason: connections that are
//! held while their holders wait for the event loop fill the pool in front of an idle database.

use highwater_models::record::summary::Bottleneck;

use super::build::ratio;
use super::resource::utilization;
use crate::interval::Intervals;
use crate::measure::Record;
use highwater_program::model::{Model, ResourceKind};

/// From which utilisation on a resource counts as short when another is blamed on it.
const SHORT: f64 = 0.85;

/// Resources that bound in any replication, by the mean of the times at which they first did.
#[must_use]
pub fn bottlenecks(model: &Model, records: &[Record], intervals: &Intervals) -> Vec<Bottleneck> {
    let (all, slowest) = (stages(model, records, 1.0), stages(model, records, 0.05));
    let mut found = Vec::new();
    for (number, resource) in model.resources.iter().enumerate() {
        let firsts: Vec<f64> = records.iter().map(|record| first_bound(record, number)).collect();
        let seen = firsts.iter().filter(|first| !first.is_nan()).count();
        if seen == 0 {
            continue;
        }
        found.push(Bottleneck {
            resource: resource.name.clone(),
            kind: resource.kind.name(),
            limit: resource.limit.clone(),
            first_at: intervals.estimate(&firsts),
            replications: seen as u32,
            utilization: mean_utilization(model, records, number),
            latency_share: share_at(model, &all, number),
            latency_share_slowest: share_at(model, &slowest, number),
            because_of: because_of(model, records, number).map(|other| model.resources[other].name.clone()),
        });
    }
    // The sort is stable: at one and the same time, the order of the file.
    found.sort_by(|a, b| a.first_at.value.total_cmp(&b.first_at.value));
    found
}

/// When a resource first turned somebody away, made somebody give up or was saturated; NaN for never.
fn first_bound(record: &Record, number: usize) -> f64 {
    let station = &record.stations[number];
    let times = [station.first_refusal, station.first_saturated];
    times.iter().flatten().min().map_or(f64::NAN, |at| at.seconds())
}

fn mean_utilization(model: &Model, records: &[Record], number: usize) -> f64 {
    let used: Vec<f64> = records
        .iter()
        .map(|record| utilization(model, record, number))
        .filter(|used| !used.is_nan())
        .collect();
    ratio(used.iter().sum(), used.len() as f64)
}

/// Mean seconds by stage over replications.
fn stages(model: &Model, records: &[Record], share: f64) -> Vec<f64> {
    let mut sums = vec![0.0; model.stages.len()];
    for record in records {
        for (sum, mean) in sums.iter_mut().zip(record.breakdown.mean_of_slowest(share)) {
            if mean.is_finite() {
                *sum += mean;
            }
        }
    }
    sums
}

/// Share of that time in the stages of a resource.
fn share_at(model: &Model, seconds: &[f64], number: usize) -> f64 {
    let at = seconds
        .iter()
        .zip(&model.stage_resource)
        .filter(|(_, resource)| resource.map(usize::from) == Some(number))
        .map(|(seconds, _)| seconds)
        .sum();
    ratio(at, seconds.iter().sum())
}

/// The resource that explains why the slots of this one were taken.
fn because_of(model: &Model, records: &[Record], number: usize) -> Option<usize> {
    if !matches!(
        model.resources[number].kind,
        ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Pooler
    ) {
        return None;
    }
    let mut by_stage = vec![0u128; model.stages.len()];
    for record in records {
        for (sum, &nanos) in by_stage.iter_mut().zip(record.held_by_stage(number)) {
            *sum += u128::from(nanos);
        }
    }
    let total: u128 = by_stage.iter().sum();
    let at = |other: usize| -> u128 {
        let stages = by_stage.iter().zip(&model.stage_resource);
        stages
            .filter(|(_, resource)| resource.map(usize::from) == Some(other))
            .map(|(nanos, _)| nanos)
            .sum()
    };
    let other = (0..model.resources.len()).find(|&other| other != number && at(other) * 2 > total)?;
    let waits_rule = || {
        let service = model
            .services
            .iter()
            .find(|service| usize::from(service.resource) == other);
        service.is_some_and(|service| by_stage[usize::from(service.wait_stage)] * 2 > total)
    };
    let saturated = || {
        let seen = records
            .iter()
            .filter(|record| record.stations[other].first_saturated.is_some());
        seen.count() * 2 > records.len()
    };
    let is_short = model.resources[other].kind == ResourceKind::Provider
        || mean_utilization(model, records, other) >= SHORT
        || saturated()
        || waits_rule();
    is_short.then_some(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample::{self, CPU_WEB, SERVICE_DB, SERVICE_LLM, WAIT_WEB};
    use highwater_models::SimTime;

    fn of(held: &[(u16, u64)], saturated: &[usize]) -> Vec<(String, Option<String>)> {
        let model = sample::model();
        let mut record = sample::record(&model, 100, 0);
        record.stations[sample::POOL].first_refusal = Some(SimTime::from_nanos(20));
        for &number in saturated {
            record.stations[number].first_saturated = Some(SimTime::from_nanos(10));
        }
        for &(stage, nanos) in held {
            record.hold(sample::POOL as u16, stage, nanos);
        }
        bottlenecks(&model, &[record], &Intervals::new(1))
            .into_iter()
            .map(|found| (found.resource, found.because_of))
            .collect()
    }

    // Lost if broken: more connections are bought where more CPU is needed, which is the question the project answers.
    #[test]
    fn the_event_loop_is_blamed_for_a_full_pool_in_front_of_an_idle_database() {
        let found = of(&[(WAIT_WEB, 80), (CPU_WEB, 5), (SERVICE_DB, 15)], &[sample::WEB]);
        assert_eq!(
            found,
            [
                ("web".to_owned(), None),
                ("connections".to_owned(), Some("web".to_owned()))
            ]
        );
        // Waits alone say as much: nobody waits for a loop that is free.
        let found = of(&[(WAIT_WEB, 80), (SERVICE_DB, 20)], &[]);
        assert_eq!(found, [("connections".to_owned(), Some("web".to_owned()))]);
    }

    // Lost if broken: a pool that is simply too small is blamed on something that has room.
    #[test]
    fn nobody_with_room_is_blamed() {
        // Held over CPU work of a service that is not short, over an idle database, over nothing in particular.
        assert_eq!(of(&[(CPU_WEB, 80), (SERVICE_DB, 20)], &[])[0].1, None);
        assert_eq!(of(&[(WAIT_WEB, 20), (SERVICE_DB, 80)], &[])[0].1, None);
        assert_eq!(of(&[(WAIT_WEB, 50), (SERVICE_DB, 50)], &[])[0].1, None);
        assert_eq!(of(&[], &[])[0].1, None);
    }

    // Lost if broken: a transaction held over an answer of a model is taken for a shortage of connections.
    #[test]
    fn a_provider_is_blamed_for_connections_held_over_its_answers() {
        let found = of(&[(SERVICE_LLM, 90), (SERVICE_DB, 10)], &[]);
        assert_eq!(found[0].1.as_deref(), Some("llm"));
        let found = of(&[(SERVICE_DB, 90), (WAIT_WEB, 10)], &[sample::DB]);
        assert_eq!(found[1], ("connections".to_owned(), Some("db".to_owned())));
    }

    // Lost if broken: the order in which a reader is told to fix things.
    #[test]
    fn the_earlier_of_refusal_and_saturation_counts_over_the_replications_that_saw_it() {
        let model = sample::model();
        let at = |refusal: Option<u64>, saturated: Option<u64>| {
            let mut record = sample::record(&model, 100, 0);
            record.stations[sample::POOL].first_refusal = refusal.map(SimTime::from_nanos);
            record.stations[sample::POOL].first_saturated = saturated.map(SimTime::from_nanos);
            record
        };
        let second = 1_000_000_000;
        let records = [
            at(Some(9 * second), Some(3 * second)),
            at(None, None),
            at(Some(5 * second), None),
        ];
        let found = bottlenecks(&model, &records, &Intervals::new(3));
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].first_at.value, found[0].replications), (4.0, 2));
    }
}
