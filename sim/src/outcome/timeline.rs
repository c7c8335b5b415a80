//! Rows of the timeline: every column's mean over replications, window by window, and the lowest and highest of them.
//!
//! Owns: the columns, and the names of stretches of time. Never: how a window is filled (the world's).
//! Requests stand in the window in which they arrived. Utilisation by window is there for slots, queues and services; a
//! database's CPU is not kept by window.

use highwater_models::Cause;
use highwater_models::record::timeline::{Stretch, Timeline};
use highwater_models::units::{show_number, show_share};

use super::build::ratio;
use super::resource::usable;
use crate::measure::{Record, Window};
use highwater_program::model::{Model, ResourceKind, Target, Trouble, What, When};

/// Reads a cell of a window.
type Read<'a> = Box<dyn Fn(&Window) -> f64 + 'a>;

/// The timeline of these replications.
#[must_use]
pub fn timeline(model: &Model, records: &[Record]) -> Timeline {
    let columns = columns(model, records);
    let count = records.iter().map(|record| record.windows.len()).max().unwrap_or(0);
    let mut rows = Vec::with_capacity(count);
    let mut ranges = Vec::new();
    for number in 0..count {
        let windows = || records.iter().filter_map(|record| record.windows.get(number));
        let cells: Vec<Cell> = columns.iter().map(|(_, read)| Cell::of(windows().map(read))).collect();
        rows.push(cells.iter().map(|cell| ratio(cell.sum, f64::from(cell.seen))).collect());
        if records.len() > 1 {
            ranges.push(cells.iter().map(|cell| (cell.low, cell.high)).collect());
        }
    }
    Timeline {
        window: model.window.seconds(),
        rows,
        ranges,
        columns: columns.iter().map(|(name, _)| name.clone()).collect(),
        phases: phases(model),
        faults: faults(model),
    }
}

/// What the replications observed in a window.
struct Cell {
    sum: f64,
    seen: u32,
    low: f64,
    high: f64,
}

impl Cell {
    /// Of those that observed something.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let none = Self {
            sum: 0.0,
            seen: 0,
            low: f64::NAN,
            high: f64::NAN,
        };
        values.filter(|value| !value.is_nan()).fold(none, |cell, value| Self {
            sum: cell.sum + value,
            seen: cell.seen + 1,
            // The other operand where one is not a number.
            low: cell.low.min(value),
            high: cell.high.max(value),
        })
    }
}

/// The phases of the first stream that has any; those of others rarely differ.
fn phases(model: &Model) -> Vec<Stretch> {
    let Some(source) = model.sources.iter().find(|source| source.phase_ends.len() > 1) else {
        return Vec::new();
    };
    let mut from = 0.0;
    let ends = source.phase_ends.iter().enumerate();
    ends.map(|(number, end)| {
        let name = model.phases.get(usize::from(source.first_phase) + number);
        let stretch = Stretch {
            name: name.cloned().unwrap_or_default(),
            from,
            to: end.seconds(),
        };
        from = stretch.to;
        stretch
    })
    .collect()
}

/// What the scenario does to the system at times of its own. Changes of settings are in the log, with what they change.
fn faults(model: &Model) -> Vec<Stretch> {
    let mut faults: Vec<Stretch> = Vec::new();
    for happening in &model.happenings {
        let When::At(at) = happening.when else { continue };
        let Some(name) = name(model, &happening.what) else {
            continue;
        };
        let end = model.duration.seconds();
        let from = at.seconds();
        faults.push(Stretch {
            name,
            from,
            to: happening
                .what
                .lasts(model)
                .map_or(end, |lasts| (from + lasts.seconds()).min(end)),
        });
    }
    faults.sort_by(|a, b| a.from.total_cmp(&b.from));
    faults
}

/// An event in the fewest words, for the edge of a plot; the log has them all.
fn name(model: &Model, what: &What) -> Option<String> {
    let of = |resource: u16| model.resources[usize::from(resource)].name.as_str();
    Some(match what {
        What::Trouble(target, trouble, _) => {
            let resource = of(match *target {
                Target::Service(number) => model.services[usize::from(number)].resource,
                Target::Database(number) => model.databases[usize::from(number)].resource,
                Target::Cache(number) => model.caches[usize::from(number)].resource,
                Target::Provider(number) => model.providers[usize::from(number)].resource,
            });
            match trouble {
                Trouble::Slow(factor) => format!("{resource} {} × slower", show_number(*factor)),
                Trouble::Errors(share) => format!("{resource} {} errors", show_share(*share)),
                Trouble::Down { .. } => format!("{resource} down"),
            }
        }
        What::Crash(service, _) => format!("{} crashes", model.services[usize::from(*service)].name),
        What::ForgetCache(cache) => format!("{} emptied", of(model.caches[usize::from(*cache)].resource)),
        What::ForgetLimiter(limiter) => {
            format!("{} forgets", of(model.limiters[usize::from(*limiter)].resource))
        }
        What::LostConnections(database) => {
            let resource = of(model.databases[usize::from(*database)].resource);
            format!("{resource} cuts connections")
        }
        What::Traffic { factor, .. } => format!("{} × traffic", show_number(*factor)),
        What::Set(_) | What::Reset(_) => return None,
        What::RestartService(service) => format!("{} restarts", model.services[usize::from(*service)].name),
        What::RestartDatabase(database) => {
            format!("{} restarts", of(model.databases[usize::from(*database)].resource))
        }
        What::RestartCache(cache) => format!("{} restarts", of(model.caches[usize::from(*cache)].resource)),
        What::Deploy(service) => format!("deploy of {}", model.services[usize::from(*service)].name),
    })
}

fn columns<'a>(model: &'a Model, records: &[Record]) -> Vec<(String, Read<'a>)> {
    let mut columns: Vec<(String, Read<'a>)> = vec![
        ("offered".to_owned(), Box::new(|window| window.offered as f64)),
        ("succeeded".to_owned(), Box::new(|window| window.useful as f64)),
        ("failed".to_owned(), Box::new(|window| window.failed as f64)),
        (
            "latency_mean".to_owned(),
            Box::new(|window| ratio(window.latency as f64 / 1e9, window.useful as f64)),
        ),
        ("latency_p95".to_owned(), Box::new(|window| window.quantile(0.95))),
        ("users".to_owned(), Box::new(|window| window.users)),
    ];
    for (number, resource) in model.resources.iter().enumerate() {
        let level = move |window: &Window| window.resources.get(number).copied().unwrap_or((f64::NAN, f64::NAN));
        columns.push((
            format!("{}.queue", resource.name),
            Box::new(move |window| level(window).1),
        ));
        columns.push((
            format!("{}.busy", resource.name),
            Box::new(move |window| level(window).0),
        ));
        let utilization: Option<Read<'a>> = match resource.kind {
            ResourceKind::Service => {
                let service = model
                    .services
                    .iter()
                    .position(|service| usize::from(service.resource) == number);
                service
                    .filter(|&service| model.services[service].cores.is_finite())
                    .map(|service| -> Read<'a> {
                        let usable = usable(model, service);
                        Box::new(move |window| cpu(window, service) / usable)
                    })
            }
            ResourceKind::Pool | ResourceKind::Queue | ResourceKind::Pooler if resource.capacity.is_finite() => {
                Some(Box::new(move |window| {
                    ratio(level(window).0, capacity(model, number, window))
                }))
            }
            _ => None,
        };
        columns.extend(utilization.map(|read| (format!("{}.utilization", resource.name), read)));
    }
    for (number, service) in model.services.iter().enumerate() {
        columns.push((
            format!("{}.instances", service.name),
            Box::new(move |window| {
                window
                    .services
                    .get(number)
                    .map_or(f64::NAN, |&(_, instances)| instances)
            }),
        ));
        if service.fills_memory {
            columns.push((
                format!("{}.memory", service.name),
                Box::new(move |window| window.lives.get(number).map_or(f64::NAN, |&(memory, _)| memory)),
            ));
        }
        if service.cores.is_finite() {
            columns.push((
                format!("{}.cpu", service.name),
                Box::new(move |window| cpu(window, number)),
            ));
        }
    }
    for cause in Cause::ALL {
        let of = move |window: &Window| window.by_cause[cause as usize];
        if records
            .iter()
            .flat_map(|record| &record.windows)
            .any(|window| of(window) > 0)
        {
            columns.push((cause.name().to_owned(), Box::new(move |window| f64::from(of(window)))));
        }
    }
    columns
}

fn cpu(window: &Window, service: usize) -> f64 {
    window.services.get(service).map_or(f64::NAN, |&(cpu, _)| cpu)
}

/// The units there were in a window, by the instances that ran in it.
fn capacity(model: &Model, number: usize, window: &Window) -> f64 {
    let resource = &model.resources[number];
    let Some(service) = resource.service.map(usize::from) else {
        return resource.capacity;
    };
    let start = f64::from(model.services[service].instances.max(1));
    let instances = window.lives.get(service).map_or(f64::NAN, |&(_, instances)| instances);
    resource.capacity * instances / start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    // Lost if broken: charts show one replication, or count an empty window's latency as zero.
    #[test]
    fn a_cell_is_the_mean_over_the_replications_that_observed_something() {
        let model = sample::model();
        let record = |useful: u64, latency: u128, busy: f64| {
            let mut record = sample::record(&model, 10, 0);
            let mut window = Window {
                offered: 4,
                useful,
                latency,
                resources: vec![(busy, 0.0); model.resources.len()],
                services: vec![(0.25, 2.0)],
                lives: vec![(1e8, 2.0)],
                ..Window::default()
            };
            window.by_cause[Cause::Shed as usize] = 2;
            record.windows = vec![window];
            record
        };
        let found = timeline(&model, &[record(2, 4_000_000_000, 10.0), record(0, 0, 30.0)]);
        let cell = |name: &str| {
            let column = found
                .columns
                .iter()
                .position(|column| column == name)
                .unwrap_or_else(|| panic!("{name}"));
            found.rows[0][column]
        };
        assert_eq!(
            (cell("offered"), cell("succeeded"), cell("latency_mean")),
            (4.0, 1.0, 2.0)
        );
        // 20 connections at the start with one instance, 40 with two.
        assert_eq!((cell("connections.busy"), cell("connections.utilization")), (20.0, 0.5));
        assert_eq!((cell("web.instances"), cell("web.cpu"), cell("shed")), (2.0, 0.25, 2.0));
        let range = |name: &str| found.ranges[0][found.column(name).unwrap()];
        assert_eq!(
            (range("connections.busy"), range("latency_mean")),
            ((10.0, 30.0), (2.0, 2.0)),
            "a replication that observed nothing has no part in the range"
        );
        assert!(!found.columns.iter().any(|column| column == "pool_timeout"));
    }
}
