//! Whether the system came back after the load's peak, or after what went wrong.
//!
//! Owns: the rule, and the objective that stands on it.
//!
//! Asked only where there is something to come back from, which is a load of several phases or an event that is more
//! than a change of settings, and with an
//! objective on `p95` or `error_rate` of the whole run. The timeline
//! is cut into blocks of at least `REQUESTS` requests; a block that breaks one of the two objectives is a breach. The
//! system is back at the end of the last breached block, and not back when the last block of the load is breached.
//! The last window is left out: it also holds what begins after the load has ended.
//! The last trigger is the end of the last fault or the beginning of the last phase that changed the load, if it is later; a system that
//! was back before it has recovered in no time.

use highwater_models::SimTime;
use highwater_models::file::scenario::Goals;
use highwater_models::record::summary::{Objective, Recovery};

use crate::interval::Intervals;
use crate::measure::{Record, Window};
use crate::outcome::objective::decided;
use highwater_program::model::{Coming, Model, Source};

/// Requests that a block has at least, so that its 95th percentile has five requests above it.
const REQUESTS: u64 = 100;

/// Whether and when the system came back.
#[must_use]
pub fn recovery(goals: &Goals, model: &Model, records: &[Record], intervals: &Intervals) -> Recovery {
    let Some(ends) = ends(goals, model, records) else {
        return Recovery::NotAsked;
    };
    let times: Vec<f64> = ends
        .iter()
        .filter_map(|end| match end {
            End::At(at) => Some(*at),
            _ => None,
        })
        .collect();
    let asked = ends.iter().filter(|end| **end != End::NoBreach).count();
    match (times.len(), asked) {
        (_, 0) => Recovery::NotAsked,
        (0, _) => Recovery::Never,
        (recovered, of) if recovered == of => Recovery::At(intervals.estimate(&times)),
        // Replications without any breach had nothing to come back from and are not counted.
        (recovered, of) => Recovery::Sometimes {
            recovered: recovered as u32,
            of: of as u32,
        },
    }
}

/// Judges the objective `recovered`: how long after the last trigger the system was back.
pub fn settle(objectives: &mut [Objective], goals: &Goals, model: &Model, records: &[Record], intervals: &Intervals) {
    let Some(ends) = ends(goals, model, records) else {
        return;
    };
    let Some(objective) = objectives.iter_mut().find(|objective| objective.name == "recovered") else {
        return;
    };
    let after = |(end, record): (&End, &Record)| match end {
        End::NoBreach => Some(0.0),
        End::At(at) => Some((at - trigger(model, record)).max(0.0)),
        End::Never => None,
    };
    let times: Vec<f64> = ends.iter().zip(records).filter_map(after).collect();
    objective.value = intervals.estimate(&times);
    objective.met = if times.len() < ends.len() {
        // In some replication it never came back, and no bound is met by that.
        Some(false)
    } else {
        decided(&objective.value, objective.target, true)
    };
}

/// How each replication went; `None` where there is nothing to come back from, or no objective to tell by.
fn ends(goals: &Goals, model: &Model, records: &[Record]) -> Option<Vec<End>> {
    let has_peak = model.sources.iter().any(|source| source.phase_ends.len() > 1);
    let has_fault = model.happenings.iter().any(|happening| happening.what.is_trigger());
    let limits = Limits {
        p95: goals.p95.map(|span| span.seconds()),
        error_rate: goals.error_rate.map(|share| share.get()),
    };
    if !(has_peak || has_fault) || (limits.p95.is_none() && limits.error_rate.is_none()) {
        return None;
    }
    let window = model.window.seconds();
    let ends = records
        .iter()
        .map(|record| end(under_load(&record.windows), &limits, window));
    Some(ends.collect())
}

/// Windows that say how the system does under its load. The last one says little: requests that begin after the load has
/// ended count to it, and when most have left anything recovers.
fn under_load(windows: &[Window]) -> &[Window] {
    windows.split_last().map_or(&[], |(_, before)| before)
}

/// When there was last something to come back from, in seconds.
fn trigger(model: &Model, record: &Record) -> f64 {
    let phases = model.sources.iter().filter_map(last_change);
    let triggers = phases.chain(record.last_fault);
    triggers.max().map_or(0.0, |at| at.seconds())
}

/// The beginning of a stream's last phase that brings another load than there was just before it.
fn last_change(source: &Source) -> Option<SimTime> {
    let (Coming::Open { segments, .. } | Coming::Closed { segments }) = &source.coming else {
        return None;
    };
    let begins = |&(number, _): &(usize, &SimTime)| number + 1 < source.phase_ends.len();
    let starts = source.phase_ends.iter().enumerate().filter(begins);
    let changes = |&(number, start): &(usize, &SimTime)| {
        let end = source.phase_ends[number + 1];
        let before = segments.iter().rev().find(|segment| segment.from < *start);
        let before = before.map_or(0.0, |segment| segment.rate_to);
        let within = segments
            .iter()
            .filter(|segment| *start <= segment.from && segment.from < end);
        within
            .into_iter()
            .any(|segment| segment.rate_from != before || segment.rate_to != before)
    };
    starts.filter(changes).map(|(_, start)| *start).next_back()
}

struct Limits {
    p95: Option<f64>,
    error_rate: Option<f64>,
}

/// How one replication went.
#[derive(Copy, Clone, Debug, PartialEq)]
enum End {
    NoBreach,
    At(f64),
    Never,
}

fn end(windows: &[Window], limits: &Limits, window: f64) -> End {
    let mut end = End::NoBreach;
    let mut block = Window::default();
    for (number, next) in windows.iter().enumerate() {
        block.add(next);
        if block.offered < REQUESTS {
            continue;
        }
        if breached(&block, limits) {
            end = End::At((number + 1) as f64 * window);
        }
        let last = windows[number + 1..].iter().map(|window| window.offered).sum::<u64>() < REQUESTS;
        if last {
            // What is left is too little to tell whether it came back.
            return if breached(&block, limits) { End::Never } else { end };
        }
        block = Window::default();
    }
    end
}

/// A block without a useful request has no percentile and breaks an objective on it.
fn breached(block: &Window, limits: &Limits) -> bool {
    let slow = |most: f64| {
        let p95 = block.quantile(0.95);
        p95.is_nan() || p95 > most
    };
    let failing = |most: f64| block.failed as f64 > most * block.offered as f64;
    limits.p95.is_some_and(slow) || limits.error_rate.is_some_and(failing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::coarse_bucket;
    use crate::outcome::sample;

    /// A window with so many requests of which so many failed, the others taking so many seconds.
    fn window(offered: u64, failed: u64, seconds: u64) -> Window {
        let bucket = coarse_bucket(seconds * 1_000_000_000);
        let mut latencies = vec![0; bucket + 1];
        latencies[bucket] = (offered - failed) as u32;
        Window {
            offered,
            useful: offered - failed,
            failed,
            latencies,
            ..Window::default()
        }
    }

    const LIMITS: Limits = Limits {
        p95: Some(2.0),
        error_rate: Some(0.01),
    };

    // Lost if broken: a system that never comes back is reported as healthy, or the other way round.
    #[test]
    fn back_after_the_last_breach_or_never() {
        let (good, slow, failing) = (|| window(200, 1, 1), || window(200, 0, 3), || window(200, 20, 1));
        for (windows, expected) in [
            (vec![good(), good(), good()], End::NoBreach),
            (vec![good(), slow(), good()], End::At(20.0)),
            (vec![failing(), good(), slow(), good()], End::At(30.0)),
            (vec![good(), slow(), failing()], End::Never),
            (vec![good(), window(200, 200, 1), good()], End::At(20.0)),
            (vec![], End::NoBreach),
        ] {
            assert_eq!(end(&windows, &LIMITS, 10.0), expected, "{windows:?}");
        }
    }

    // Lost if broken: one slow request among five in a quiet window counts as a breakdown.
    #[test]
    fn quiet_windows_are_judged_together() {
        let mut windows = vec![window(20, 0, 1); 12];
        windows[3] = window(20, 1, 1);
        let limits = Limits {
            p95: Some(2.0),
            error_rate: Some(0.02),
        };
        // One of 20 alone would be 5 %; among the block's 100 it is 1 %.
        assert_eq!(end(&windows, &limits, 10.0), End::NoBreach);
        // The last two windows are too few to say that it came back.
        windows[9] = window(20, 20, 1);
        assert_eq!(end(&windows, &limits, 10.0), End::Never);
    }

    // Lost if broken: coming back by luck of the draw is reported as coming back.
    #[test]
    fn replications_that_differ_are_counted() {
        let mut model = sample::model();
        let plan = sample::plan("duration = \"1m\"\n[objectives]\nerror_rate = 0.01");
        let goals = &plan.scenario.objectives.goals;
        let with = |last: u64| {
            let mut record = sample::record(&model, 100, 0);
            // Whatever the last window is like, it is not asked.
            record.windows = vec![window(200, 50, 1), window(200, last, 1), window(200, 50 - last, 1)];
            record
        };
        let records = [with(0), with(50)];
        let found = |model: &Model, records: &[Record]| recovery(goals, model, records, &Intervals::new(2));
        assert_eq!(found(&model, &records), Recovery::NotAsked, "a load without a peak");
        sample::add_phases(&mut model);
        assert_eq!(found(&model, &records), Recovery::Sometimes { recovered: 1, of: 2 });
        assert_eq!(found(&model, &records[1..]), Recovery::Never);
        let Recovery::At(at) = found(&model, &records[..1]) else {
            panic!()
        };
        assert_eq!(at.value, model.window.seconds());
    }
}
