//! The figures that resources of every kind have.
//!
//! Owns: `resources.NAME` as far as it is common to kinds, utilisation included.
//! Never: what only one kind has (`kind`).

use highwater_models::record::figures::Unit;
use highwater_models::record::histogram::Histogram;

use super::build::{Builder, Keyed, dist, level, over, ratio, seconds};
use crate::measure::{IN_SYSTEM_CUT, Record, Station};
use highwater_program::model::{Model, ResourceKind, Runtime};

/// Adds the figures of every resource.
pub fn figures(build: &mut Builder, model: &Model) {
    for number in 0..model.resources.len() {
        one(build, model, number);
    }
}

fn one(build: &mut Builder, model: &Model, number: usize) {
    let resource = &model.resources[number];
    let name = resource.name.as_str();
    let at = |keys: &[&'static str]| -> Vec<&str> {
        ["resources", name]
            .iter()
            .copied()
            .chain(keys.iter().copied())
            .collect()
    };
    if resource.capacity.is_finite() {
        build.each(&at(&["capacity"]), Unit::Count, |record| {
            capacity(model, record, number)
        });
    }
    let counts: [Keyed<Station, u64>; 7] = [
        ("offered", |station| station.offered),
        ("served", |station| station.served),
        ("refused", |station| station.refused),
        ("gave_up", |station| station.gave_up),
        ("failed", |station| station.failed),
        ("waiting_at_end", |station| station.queue.value),
        ("in_service_at_end", |station| station.busy.value),
    ];
    for (key, of) in counts {
        build.count(&at(&[key]), |record| of(&record.stations[number]) as f64);
    }
    let used: Vec<f64> = build
        .records
        .iter()
        .map(|record| utilization(model, record, number))
        .collect();
    if used.iter().any(|used| !used.is_nan()) {
        build.estimate(&at(&["utilization"]), Unit::Share, used);
    }
    level(build, &at(&["busy"]), |record| &record.stations[number].busy);
    level(build, &at(&["queue"]), |record| &record.stations[number].queue);
    build.amount(&at(&["in_system", "mean"]), Unit::Count, |record| {
        let station = &record.stations[number];
        over(record, |span| station.busy.mean(span) + station.queue.mean(span))
    });
    let waited: Vec<(f64, f64)> = build
        .records
        .iter()
        .map(|record| &record.stations[number])
        .map(|station| (station.waited as f64, station.offered as f64))
        .collect();
    build.share(&at(&["waited"]), &waited);
    build.each(&at(&["throughput"]), Unit::PerSecond, |record| {
        ratio(record.stations[number].served as f64, seconds(record))
    });
    times(build, &at(&[]), number);
    if has_line(resource.kind) {
        in_system_shares(build, &at(&["in_system_share"]), number);
    }
    if matches!(
        resource.kind,
        ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Pooler
    ) {
        held(build, model, &at(&["held"]), number);
    }
}

const fn has_line(kind: ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::Service | ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Database
    )
}

fn times(build: &mut Builder, prefix: &[&str], number: usize) {
    let at = |keys: &[&'static str]| -> Vec<&str> { prefix.iter().copied().chain(keys.iter().copied()).collect() };
    let records = build.records;
    let of = |pick: fn(&Station) -> &Histogram| -> Vec<&Histogram> {
        records.iter().map(|record| pick(&record.stations[number])).collect()
    };
    dist(build, &at(&["wait"]), &of(|station| &station.wait), &[]);
    dist(build, &at(&["service"]), &of(|station| &station.service), &[]);
    let mut mean = |keys: &[&'static str], of: fn(&Station) -> (f64, f64)| {
        let pairs: Vec<(f64, f64)> = records
            .iter()
            .map(|record| of(&record.stations[number]))
            .map(|(sum, count)| (sum / 1e9, count))
            .collect();
        if pairs.iter().any(|&(_, count)| count > 0.0) {
            build.ratio(&at(keys), Unit::Seconds, &pairs);
        }
    };
    mean(&["wait_all", "mean"], |station| {
        let sum = station.wait.sum() + station.wait_gave_up.sum();
        (sum as f64, (station.wait.count() + station.wait_gave_up.count()) as f64)
    });
    mean(&["wait_gave_up", "mean"], |station| {
        (station.wait_gave_up.sum() as f64, station.wait_gave_up.count() as f64)
    });
    mean(&["wait_if_waited", "mean"], |station| {
        // Values below 128 ns have buckets of their own, so this is exactly the share above zero.
        let waited = station.wait.share_above(0) * station.wait.count() as f64;
        (station.wait.sum() as f64, if waited > 0.0 { waited } else { 0.0 })
    });
    // Wait and service together; the means are over those who started and those who ended in the span.
    let visits: Vec<f64> = records
        .iter()
        .map(|record| &record.stations[number])
        .map(|station| (station.wait.mean() + station.service.mean()) / 1e9)
        .collect();
    if visits.iter().any(|visit| !visit.is_nan()) {
        build.estimate(&at(&["visit", "mean"]), Unit::Seconds, visits);
    }
}

/// Shares of time with 0, 1, 2 … in system, up to the most that any replication saw; the last of 101 is 100 and more.
fn in_system_shares(build: &mut Builder, prefix: &[&str], number: usize) {
    let most = build
        .records
        .iter()
        .filter_map(|record| record.stations[number].in_system.iter().rposition(|&nanos| nanos > 0))
        .max();
    for level in 0..=most.unwrap_or(0).min(IN_SYSTEM_CUT - 1) {
        let name = level.to_string();
        let path: Vec<&str> = prefix.iter().copied().chain([name.as_str()]).collect();
        build.each(&path, Unit::Share, |record| {
            let times = &record.stations[number].in_system;
            ratio(times[level] as f64, times.iter().sum::<u64>() as f64)
        });
    }
}

/// What those did who held a slot: shares of the time that slots were held, by stage of the holder.
fn held(build: &mut Builder, model: &Model, prefix: &[&str], number: usize) {
    for (stage, name) in model.stages.iter().enumerate() {
        let samples: Vec<f64> = build
            .records
            .iter()
            .map(|record| {
                let held = record.held_by_stage(number);
                ratio(held[stage] as f64, held.iter().sum::<u64>() as f64)
            })
            .collect();
        if samples.iter().any(|&share| share > 0.0) {
            let path: Vec<&str> = prefix.iter().copied().chain([name.as_str()]).collect();
            build.estimate(&path, Unit::Share, samples);
        }
    }
}

/// The units that a resource had on average over the measured span: slots and cores that come with processes grow with
/// the instances.
#[must_use]
pub fn capacity(model: &Model, record: &Record, number: usize) -> f64 {
    let resource = &model.resources[number];
    let Some(service) = resource.service.map(usize::from) else {
        return resource.capacity;
    };
    let start = f64::from(model.services[service].instances.max(1));
    // Old generations and draining instances have theirs too.
    let instances = over(record, |span| record.services[service].running.mean(span));
    resource.capacity * instances / start
}

/// How much of a resource was in use over the measured span, 0 to 1; NaN for one without a limit of that sort.
///
/// A service's is of the CPU that its processes can use: an event loop is full at one core whatever the plan has.
#[must_use]
pub fn utilization(model: &Model, record: &Record, number: usize) -> f64 {
    let by_number = |resource: u16| usize::from(resource) == number;
    match model.resources[number].kind {
        ResourceKind::Service => {
            let Some(service) = model.services.iter().position(|service| by_number(service.resource)) else {
                return f64::NAN;
            };
            let part = usable(model, service);
            let there = record.services[service].cpu_there * part;
            if there.is_finite() {
                ratio(record.services[service].cpu_used, there)
            } else {
                f64::NAN
            }
        }
        ResourceKind::Database => {
            let Some(database) = model.databases.iter().position(|database| by_number(database.resource)) else {
                return f64::NAN;
            };
            let there = model.databases[database].cores * record.to.since(record.from).nanos() as f64;
            if there.is_finite() {
                ratio(record.databases[database].cpu_used, there)
            } else {
                f64::NAN
            }
        }
        ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Pooler => {
            let there = capacity(model, record, number);
            if there.is_finite() {
                ratio(over(record, |span| record.stations[number].busy.mean(span)), there)
            } else {
                f64::NAN
            }
        }
        ResourceKind::Limiter | ResourceKind::Cache | ResourceKind::Provider => f64::NAN,
    }
}

/// The share of an instance's CPU that its processes can use.
#[must_use]
pub fn usable(model: &Model, service: usize) -> f64 {
    let service = &model.services[service];
    match service.runtime {
        Runtime::Node => (f64::from(service.processes) / service.cores).min(1.0),
        Runtime::Threads | Runtime::Ideal => 1.0,
    }
}
