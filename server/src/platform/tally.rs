//! What is counted while the platform runs, for readings, the log and the books.

use std::collections::VecDeque;

use highwater_models::machine::spending::Spending;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::Model;

use super::plant::Busy;

/// The most lines of the log that are kept: the last ones.
const LINES_MAX: usize = 1000;
/// Classes of latencies in a doubling, from a microsecond on: a percentile is right within 9 %.
const PER_DOUBLING: f64 = 8.0;
/// Classes in all: up to twelve days.
pub(super) const CLASSES: usize = 320;

/// A line of the log: when, about what, and what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When it happened.
    pub at: SimTime,
    /// To what.
    pub subject: String,
    /// In words.
    pub text: String,
}

/// Of a limiter.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LimiterTally {
    pub accepted: u64,
    pub refused: u64,
}

/// Of a class of keys.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EntryTally {
    pub hits: u64,
    pub misses: u64,
    pub joined: u64,
}

/// Of a pool.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PoolTally {
    pub connects: u64,
}

/// Of a provider.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct ProviderTally {
    pub attempts: u64,
    pub failed: u64,
    pub refused: u64,
    pub retries: u64,
    pub gave_up: u64,
    pub breaker_refused: u64,
    pub spending: Spending,
}

/// Of a service.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct ServiceTally {
    /// Instances in traffic.
    pub ready: Busy,
    pub deaths: u64,
    pub loop_waits: u64,
    pub loop_waited: SimSpan,
}

impl ServiceTally {
    /// One more instance in traffic, or one fewer.
    pub(super) fn up(&mut self, now: SimTime, more: i64) {
        let then = self.ready.now.saturating_add_signed(more);
        self.ready.set(now, then);
    }
}

/// All of it.
pub(super) struct Tally {
    pub requests: u64,
    /// Those that were turned away before anything was done for them.
    pub turned_away: u64,
    /// Requests that ended, by cause; the last entry is those that ended well.
    pub ends: [u64; Cause::COUNT + 1],
    /// Time in the platform of those that ended well, in sum and by class of length.
    pub latency: SimSpan,
    pub latencies: [u64; CLASSES],
    pub services: Vec<ServiceTally>,
    pub pools: Vec<PoolTally>,
    pub limiters: Vec<LimiterTally>,
    pub entries: Vec<EntryTally>,
    pub providers: Vec<ProviderTally>,
    /// By resource: refusals, and waits that ended with what was waited for.
    pub refusals: Vec<u64>,
    /// See `refusals`.
    pub waits: Vec<(u64, SimSpan)>,
    pub level_changes: u64,
    /// How often something was due, and how late it was acted on in sum.
    pub dues: (u64, SimSpan),
    pub lines: VecDeque<Line>,
}

impl Tally {
    pub(super) fn new(model: &Model) -> Self {
        Self {
            requests: 0,
            turned_away: 0,
            ends: [0; Cause::COUNT + 1],
            latency: SimSpan::ZERO,
            latencies: [0; CLASSES],
            services: vec![ServiceTally::default(); model.services.len()],
            pools: vec![PoolTally::default(); model.pools.len()],
            limiters: vec![LimiterTally::default(); model.limiters.len()],
            entries: vec![EntryTally::default(); model.entries.len()],
            providers: vec![ProviderTally::default(); model.providers.len()],
            refusals: vec![0; model.resources.len()],
            waits: vec![(0, SimSpan::ZERO); model.resources.len()],
            level_changes: 0,
            dues: (0, SimSpan::ZERO),
            lines: VecDeque::new(),
        }
    }

    /// A request has ended.
    pub(super) fn ended(&mut self, cause: Option<Cause>, latency: SimSpan) {
        self.ends[cause.map_or(Cause::COUNT, |cause| cause as usize)] += 1;
        if cause.is_none() {
            self.latency += latency;
            self.latencies[class_of(latency)] += 1;
        }
    }

    /// Somebody was refused at a resource.
    pub(super) fn refuse(&mut self, resource: u16) {
        self.refusals[resource as usize] += 1;
    }

    /// Somebody has what they waited for.
    pub(super) fn waited(&mut self, resource: u16, span: SimSpan) {
        let (count, sum) = &mut self.waits[resource as usize];
        *count += 1;
        *sum += span;
    }

    /// Something that was due was acted on so much later, by the clock.
    pub(super) fn acted_late(&mut self, span: SimSpan) {
        let (count, sum) = &mut self.dues;
        *count += 1;
        *sum += span;
    }

    /// A slice has waited for its turn.
    pub(super) fn loop_waited(&mut self, service: usize, span: SimSpan) {
        let service = &mut self.services[service];
        service.loop_waits += 1;
        service.loop_waited += span;
    }

    /// A line for the log.
    pub(super) fn note(&mut self, at: SimTime, subject: &str, text: String) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        let subject = subject.to_owned();
        self.lines.push_back(Line { at, subject, text });
    }
}

/// The class of a length of time.
fn class_of(span: SimSpan) -> usize {
    let micros = span.nanos() as f64 / 1e3;
    if micros < 1.0 {
        return 0;
    }
    ((micros.log2() * PER_DOUBLING) as usize + 1).min(CLASSES - 1)
}

/// A percentile of latencies by class, in seconds: the upper end of the class that it falls into.
pub(super) fn percentile(classes: &[u64; CLASSES], percent: f64) -> f64 {
    let all: u64 = classes.iter().sum();
    if all == 0 {
        return f64::NAN;
    }
    let wanted = (all as f64 * percent / 100.0).ceil().max(1.0);
    let mut below = 0;
    for (class, &count) in classes.iter().enumerate() {
        below += count;
        if below as f64 >= wanted {
            return (class as f64 / PER_DOUBLING).exp2() / 1e6;
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_within_its_class() {
        let mut classes = [0; CLASSES];
        for millis in 1..=1000 {
            classes[class_of(SimSpan::from_millis(millis))] += 1;
        }
        let p95 = percentile(&classes, 95.0);
        assert!((0.95..0.95 * 1.091).contains(&p95), "{p95}");
        assert!(percentile(&[0; CLASSES], 95.0).is_nan());
    }
}
