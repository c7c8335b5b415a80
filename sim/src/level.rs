//! Levels over time, and the statistics of whatever serves and has a line.
//!
//! Owns: time-weighted areas in whole nanoseconds, and the counts and waits of a station.
//! Never: what a station is (that is the model's).

use highwater_models::record::histogram::Histogram;
use highwater_models::{SimSpan, SimTime};

/// Shares of time are kept for 0 to 99 in system, and for 100 and more together.
pub const IN_SYSTEM_CUT: usize = 101;

/// A level over time: what is counted, and the area under it.
///
/// The area at a time is `value * time` less what the units were not there for: a unit that comes takes its time of
/// coming away, one that leaves gives its time of leaving. So a change costs two additions, and nothing is brought up to
/// now. The same holds for the square, which a unit more raises by `2 * value + 1`.
#[derive(Clone, Debug, Default)]
pub struct Level {
    /// Now.
    pub value: u64,
    /// Times of leaving less times of coming, in nanoseconds; negative as a rule, and wrapped.
    times: u128,
    /// The same for the square.
    times_of_square: u128,
    /// The most since measuring began.
    pub max: u64,
    /// Area when measuring began.
    from: u128,
    from_of_square: u128,
    /// Areas and the most when measuring ended.
    ended: Option<(u128, u128, u64)>,
}

impl Level {
    /// Area since the start of the run, in units times nanoseconds.
    #[must_use]
    #[inline]
    pub fn area(&self, now: SimTime) -> u128 {
        (u128::from(self.value) * u128::from(now.nanos())).wrapping_add(self.times)
    }

    fn area_of_square(&self, now: SimTime) -> u128 {
        // Levels count things in flight, below 2^32, so that a square fits.
        (u128::from(self.value * self.value) * u128::from(now.nanos())).wrapping_add(self.times_of_square)
    }

    /// Changes the level.
    pub fn set(&mut self, now: SimTime, value: u64) {
        let (area, square) = (self.area(now), self.area_of_square(now));
        self.value = value;
        self.times = area.wrapping_sub(u128::from(value) * u128::from(now.nanos()));
        self.times_of_square = square.wrapping_sub(u128::from(value * value) * u128::from(now.nanos()));
        self.max = self.max.max(value);
    }

    /// Raises it by one.
    #[inline]
    pub fn up(&mut self, now: SimTime) {
        let now = now.nanos();
        self.times = self.times.wrapping_sub(u128::from(now));
        let wider = u128::from(2 * self.value + 1) * u128::from(now);
        self.times_of_square = self.times_of_square.wrapping_sub(wider);
        self.value += 1;
        self.max = self.max.max(self.value);
    }

    /// Raises it by so much.
    pub fn raise(&mut self, now: SimTime, by: u64) {
        self.set(now, self.value + by);
    }

    /// Lowers it by so much.
    pub fn lower(&mut self, now: SimTime, by: u64) {
        debug_assert!(self.value >= by, "a level below zero");
        self.set(now, self.value.saturating_sub(by));
    }

    /// Lowers it by one.
    #[inline]
    pub fn down(&mut self, now: SimTime) {
        debug_assert!(self.value > 0, "a level below zero");
        let now = now.nanos();
        self.value -= 1;
        self.times = self.times.wrapping_add(u128::from(now));
        let narrower = u128::from(2 * self.value + 1) * u128::from(now);
        self.times_of_square = self.times_of_square.wrapping_add(narrower);
    }

    pub(crate) fn begin(&mut self, now: SimTime) {
        self.from = self.area(now);
        self.from_of_square = self.area_of_square(now);
        self.max = self.value;
    }

    pub(crate) fn finish(&mut self, now: SimTime) {
        self.ended = Some((self.area(now), self.area_of_square(now), self.max));
    }

    /// The most over the measured span.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.ended.map_or(self.max, |(_, _, max)| max)
    }

    /// Area over the measured span, in units times nanoseconds; none before its end.
    #[must_use]
    pub fn measured_area(&self) -> u128 {
        self.ended.map_or(0, |(area, _, _)| area - self.from)
    }

    /// Mean over the measured span.
    #[must_use]
    pub fn mean(&self, span: SimSpan) -> f64 {
        self.measured_area() as f64 / span.nanos() as f64
    }

    /// Standard deviation over the measured span.
    #[must_use]
    pub fn standard_deviation(&self, span: SimSpan) -> f64 {
        let mean = self.mean(span);
        let squares =
            self.ended.map_or(0, |(_, squares, _)| squares - self.from_of_square) as f64 / span.nanos() as f64;
        (squares - mean * mean).max(0.0).sqrt()
    }
}

/// Statistics of something that serves and has a line.
#[derive(Clone, Debug)]
pub struct Station {
    /// In service now, and the area under it.
    pub busy: Level,
    /// Waiting now, and the area under it.
    pub queue: Level,
    /// Time with 0, 1, 2 … in system, in nanoseconds, of the measured span.
    pub in_system: Box<[u64; IN_SYSTEM_CUT]>,
    since: SimTime,
    /// Arrivals of the measured span.
    pub offered: u64,
    /// Services ended.
    pub served: u64,
    /// Turned away at once.
    pub refused: u64,
    /// Gave up waiting.
    pub gave_up: u64,
    /// Failed in service.
    pub failed: u64,
    /// Arrivals that had to wait.
    pub waited: u64,
    /// Waits of those served.
    pub wait: Histogram,
    /// Waits of those who gave up.
    pub wait_gave_up: Histogram,
    /// Services.
    pub service: Histogram,
    /// When it first turned somebody away or made somebody give up.
    pub first_refusal: Option<SimTime>,
    /// When a window first ended in which it was saturated.
    pub first_saturated: Option<SimTime>,
    /// Whole run: sum of all waits that ended, and of all services that ended, in nanoseconds.
    pub waits: u128,
    /// See `waits`.
    pub services: u128,
    /// Whole run: arrivals that were served at once, and how many of them came before measuring began. Those of the
    /// measured span are added to `offered` and, as waits of nothing, to `wait` when it ends.
    pub at_once: u64,
    /// See `at_once`.
    at_once_from: u64,
    /// Whole run: other arrivals, and each way to leave.
    pub whole_offered: u64,
    /// See `whole_offered`.
    pub whole_left: u64,
    /// Areas at the end of the last window.
    window_busy: u128,
    window_queue: u128,
}

impl Default for Station {
    fn default() -> Self {
        Self {
            busy: Level::default(),
            queue: Level::default(),
            in_system: Box::new([0; IN_SYSTEM_CUT]),
            since: SimTime::ZERO,
            offered: 0,
            served: 0,
            refused: 0,
            gave_up: 0,
            failed: 0,
            waited: 0,
            wait: Histogram::default(),
            wait_gave_up: Histogram::default(),
            service: Histogram::default(),
            first_refusal: None,
            first_saturated: None,
            waits: 0,
            services: 0,
            at_once: 0,
            at_once_from: 0,
            whole_offered: 0,
            whole_left: 0,
            window_busy: 0,
            window_queue: 0,
        }
    }
}

impl Station {
    #[inline]
    pub(crate) fn touch(&mut self, now: SimTime, measuring: bool) {
        if measuring {
            let level = (self.busy.value + self.queue.value).min(IN_SYSTEM_CUT as u64 - 1);
            self.in_system[level as usize] += now.since(self.since).nanos();
        }
        self.since = now;
    }

    /// Somebody arrives and is served at once.
    #[inline]
    pub fn start_at_once(&mut self, now: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.busy.up(now);
        self.at_once += 1;
    }

    /// Somebody arrives and waits.
    #[inline]
    pub fn join(&mut self, now: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.queue.up(now);
        self.whole_offered += 1;
        if measuring {
            self.offered += 1;
            self.waited += 1;
        }
    }

    /// Somebody who waited since then is served.
    #[inline]
    pub fn start(&mut self, now: SimTime, since: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.queue.down(now);
        self.busy.up(now);
        let wait = now.since(since).nanos();
        self.waits += u128::from(wait);
        if measuring {
            self.note_wait(wait);
        }
    }

    /// A service that began then ends.
    #[inline]
    pub fn end(&mut self, now: SimTime, since: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.busy.down(now);
        self.whole_left += 1;
        let service = now.since(since).nanos();
        self.services += u128::from(service);
        if measuring {
            self.served += 1;
            self.service.record(service);
        }
    }

    /// A service that began then ends, and somebody who waited is served in its place: [`Station::end`] and
    /// [`Station::start`] at one instant.
    pub fn hand_over(&mut self, now: SimTime, began: SimTime, waited_since: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.queue.down(now);
        self.whole_left += 1;
        let (service, wait) = (now.since(began).nanos(), now.since(waited_since).nanos());
        self.services += u128::from(service);
        self.waits += u128::from(wait);
        if measuring {
            self.served += 1;
            self.service.record(service);
            self.note_wait(wait);
        }
    }

    #[inline]
    fn note_wait(&mut self, wait: u64) {
        self.wait.record(wait);
        if wait == 0 {
            // It joined the line and left it at the same instant.
            self.waited = self.waited.saturating_sub(1);
        }
    }

    /// Somebody who waited since then gives up, or is made to.
    pub fn give_up(&mut self, now: SimTime, since: SimTime, measuring: bool) {
        self.touch(now, measuring);
        self.queue.down(now);
        self.whole_left += 1;
        let wait = now.since(since).nanos();
        self.waits += u128::from(wait);
        self.first_refusal.get_or_insert(now);
        if measuring {
            self.gave_up += 1;
            self.wait_gave_up.record(wait);
        }
    }

    /// Somebody is turned away on arrival.
    pub fn refuse(&mut self, now: SimTime, measuring: bool) {
        self.whole_offered += 1;
        self.whole_left += 1;
        self.first_refusal.get_or_insert(now);
        if measuring {
            self.offered += 1;
            self.refused += 1;
        }
    }

    pub(crate) fn begin(&mut self, now: SimTime) {
        self.touch(now, false);
        self.at_once_from = self.at_once;
        self.busy.begin(now);
        self.queue.begin(now);
        self.window_busy = self.busy.area(now);
        self.window_queue = self.queue.area(now);
    }

    /// Measuring ends.
    pub(crate) fn finish(&mut self, now: SimTime) {
        self.touch(now, true);
        let at_once = self.at_once - self.at_once_from;
        self.offered += at_once;
        self.wait.record_many(0, at_once);
    }

    /// Mean busy and queue since the last call.
    pub fn window(&mut self, now: SimTime, window: SimSpan, measuring: bool) -> (f64, f64) {
        self.touch(now, measuring);
        let span = window.nanos() as f64;
        let areas = (self.busy.area(now), self.queue.area(now));
        let busy = (areas.0 - self.window_busy) as f64 / span;
        let queue = (areas.1 - self.window_queue) as f64 / span;
        (self.window_busy, self.window_queue) = areas;
        (busy, queue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> SimTime {
        SimTime::from_nanos(nanos)
    }

    #[test]
    fn a_level_is_weighted_by_time_and_counts_from_where_measuring_begins() {
        let mut level = Level::default();
        level.set(at(0), 4);
        level.begin(at(10));
        level.down(at(20));
        level.down(at(20));
        level.set(at(20), 1);
        level.finish(at(30));
        assert_eq!(level.mean(SimSpan::from_nanos(20)), 2.5);
        assert_eq!(level.standard_deviation(SimSpan::from_nanos(20)), 1.5);
        assert_eq!(level.max, 4);
        assert_eq!(level.area(at(30)), 4 * 20 + 10);
    }
}
