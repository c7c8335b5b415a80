//! When each cause of failure was first seen, and where.
//!
//! Owns: putting the replications' sightings together. Never: what a cause means to a reader.

use highwater_models::Cause;
use highwater_models::record::summary::FirstFailure;

use super::build::ratio;
use super::group::Groups;
use crate::interval::Intervals;
use crate::measure::{Cell, Record};
use highwater_program::model::Model;

/// The first failures by cause, in the order of their mean first time over the replications that saw them.
#[must_use]
pub fn failures(model: &Model, records: &[Record], groups: &Groups, intervals: &Intervals) -> Vec<FirstFailure> {
    let mut found: Vec<FirstFailure> = Cause::ALL
        .into_iter()
        .filter_map(|cause| failure(cause, model, records, groups, intervals))
        .collect();
    found.sort_by(|a, b| a.first_at.value.total_cmp(&b.first_at.value));
    found
}

fn failure(
    cause: Cause,
    model: &Model,
    records: &[Record],
    groups: &Groups,
    intervals: &Intervals,
) -> Option<FirstFailure> {
    let seen: Vec<_> = records
        .iter()
        .map(|record| record.first_seen[cause as usize].as_ref())
        .collect();
    let replications = seen.iter().flatten().count();
    if replications == 0 {
        return None;
    }
    let firsts: Vec<f64> = seen
        .iter()
        .map(|seen| seen.map_or(f64::NAN, |seen| seen.at.seconds()))
        .collect();
    let of_cause = |cells: &[Cell]| -> u64 { cells.iter().map(|cell| cell.by_cause[cause as usize]).sum() };
    let offered: u64 = groups.whole.iter().map(|cell| cell.offered).sum();
    // `max_by_key` takes the last of equals; from behind, that is the first of the file.
    let endpoint = groups.endpoints.iter().rev().max_by_key(|(_, cells)| of_cause(cells));
    Some(FirstFailure {
        cause: cause.name(),
        resource: most_often(seen.iter().flatten().map(|seen| seen.resource))
            .and_then(|number| Some(model.resources.get(usize::from(number))?.name.clone())),
        endpoint: endpoint
            .filter(|(_, cells)| of_cause(cells) > 0)
            .map(|(name, _)| name.clone())
            .unwrap_or_default(),
        first_at: intervals.estimate(&firsts),
        replications: replications as u32,
        share: ratio(of_cause(&groups.whole) as f64, offered as f64),
    })
}

/// The resource of most replications, the earlier replication's where several are as frequent.
fn most_often(seen: impl Iterator<Item = Option<u16>>) -> Option<u16> {
    let seen: Vec<Option<u16>> = seen.collect();
    let times = |resource: &Option<u16>| seen.iter().filter(|other| *other == resource).count();
    seen.iter()
        .rev()
        .max_by_key(|resource| times(resource))
        .copied()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;
    use highwater_models::SimTime;

    // Lost if broken: the verdict names the wrong place of the first failure.
    #[test]
    fn where_most_replications_saw_it_first() {
        let model = sample::model();
        let saw = |seconds: u64, resource: usize| {
            let mut record = sample::record(&model, 100, 10);
            let at = SimTime::from_nanos(seconds * 1_000_000_000);
            record.see(at, Cause::PoolTimeout, Some(resource as u16));
            record
        };
        let records = [saw(1, sample::DB), saw(2, sample::POOL), saw(6, sample::POOL)];
        let found = failures(&model, &records, &Groups::new(&model, &records), &Intervals::new(3));
        assert_eq!(found.len(), 1);
        let found = &found[0];
        assert_eq!(
            (found.cause, found.resource.as_deref()),
            ("pool_timeout", Some("connections"))
        );
        assert_eq!((found.endpoint.as_str(), found.first_at.value), ("chat", 3.0));
        assert_eq!((found.replications, found.share), (3, 0.1));
    }
}
