//! Amounts over time: bytes, cores. What a level is to things, this is to stuff.
//!
//! Owns: the area under an amount, in the measured span and window by window.
//! Never: squares, which would not fit.

use highwater_models::{SimSpan, SimTime};

/// An amount and the area under it.
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    /// Now.
    pub value: u64,
    /// The most that any single one of those added up in it had, over the measured span.
    pub most: u64,
    since: SimTime,
    area: u128,
    from: u128,
    ended: Option<(u128, u64)>,
    window: u128,
}

impl Gauge {
    #[inline]
    fn touch(&mut self, now: SimTime) {
        let span = now.since(self.since).nanos();
        self.area += u128::from(self.value) * u128::from(span);
        self.since = now;
    }

    /// More of it, after which the one that has it has so much.
    #[inline]
    pub fn add(&mut self, now: SimTime, amount: u64, one: u64) {
        self.touch(now);
        self.value += amount;
        self.most = self.most.max(one);
    }

    /// Less of it.
    #[inline]
    pub fn take(&mut self, now: SimTime, amount: u64) {
        self.touch(now);
        self.value = self.value.saturating_sub(amount);
    }

    /// Measuring begins, when the one that has most has so much.
    pub fn begin(&mut self, now: SimTime, most: u64) {
        self.touch(now);
        self.from = self.area;
        self.window = self.area;
        self.most = most;
    }

    /// Measuring ends.
    pub fn finish(&mut self, now: SimTime) {
        self.touch(now);
        self.ended = Some((self.area, self.most));
    }

    /// Area over the measured span, in units times nanoseconds.
    #[must_use]
    pub fn measured_area(&self) -> u128 {
        self.ended.map_or(self.area, |(area, _)| area) - self.from
    }

    /// The most of one over the measured span.
    #[must_use]
    pub fn measured_most(&self) -> u64 {
        self.ended.map_or(self.most, |(_, most)| most)
    }

    /// Mean since the last call, over a window of that length.
    pub fn window(&mut self, now: SimTime, window: SimSpan) -> f64 {
        self.touch(now);
        let area = self.area - self.window;
        self.window = self.area;
        area as f64 / window.nanos() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> SimTime {
        SimTime::from_nanos(nanos)
    }

    // Lost if broken: memory and capacity of instances that come and go.
    #[test]
    fn an_amount_counts_for_as_long_as_it_is_there_and_from_where_measuring_begins() {
        let mut gauge = Gauge::default();
        gauge.add(at(0), 100, 100);
        gauge.begin(at(10), 100);
        gauge.add(at(20), 50, 150);
        gauge.take(at(30), 100);
        gauge.add(at(40), 1, 51);
        gauge.finish(at(50));
        gauge.add(at(60), 1000, 1051);
        assert_eq!(gauge.measured_area(), 100 * 10 + 150 * 10 + 50 * 10 + 51 * 10);
        assert_eq!(gauge.measured_most(), 150);
    }

    #[test]
    fn windows_follow_one_another() {
        let mut gauge = Gauge::default();
        gauge.add(at(0), 10, 10);
        assert_eq!(gauge.window(at(10), SimSpan::from_nanos(10)), 10.0);
        gauge.add(at(15), 10, 20);
        assert_eq!(gauge.window(at(20), SimSpan::from_nanos(10)), 15.0);
    }
}
