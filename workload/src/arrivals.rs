//! When sessions arrive.
//!
//! Owns: arrival times of an open stream whose rate changes over time, by inversion: the n-th arrival comes when the
//! area under the rate reaches the n-th point of a process of rate one. So a higher rate brings the same arrivals
//! earlier, and two runs under one seed share them. (Inversion of the cumulative rate: Çinlar 1975, "Introduction to
//! Stochastic Processes", section 4.7.)

use highwater_models::{SimSpan, SimTime};

use crate::sampler::{Sampler, exponential};
use crate::stream::{Draw, Key, Purpose};

/// A stretch of time over which the rate goes straight from one value to another, in arrivals a second.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Segment {
    /// When it begins.
    pub from: SimTime,
    /// When it ends; the next one begins there or later.
    pub to: SimTime,
    /// Rate at its beginning.
    pub rate_from: f64,
    /// Rate at its end.
    pub rate_to: f64,
}

/// The rate at a time within a segment.
#[must_use]
pub fn rate_at(segment: &Segment, at: SimTime) -> f64 {
    let length = (segment.to - segment.from).seconds();
    if length == 0.0 || segment.rate_from == segment.rate_to {
        return segment.rate_to;
    }
    segment.rate_from + (segment.rate_to - segment.rate_from) * (at.since(segment.from).seconds() / length)
}

/// A part of a segment.
#[must_use]
pub fn cut(segment: &Segment, from: SimTime, to: SimTime) -> Segment {
    Segment {
        from,
        to,
        rate_from: rate_at(segment, from),
        rate_to: rate_at(segment, to),
    }
}

/// The area under the rate between two times: how many come, on average.
#[must_use]
pub fn area(segments: &[Segment], from: SimTime, to: SimTime) -> f64 {
    let within = segments.iter().filter(|segment| segment.from < to && segment.to > from);
    within
        .map(|segment| {
            let part = cut(segment, segment.from.max(from), segment.to.min(to));
            (part.rate_from + part.rate_to) / 2.0 * (part.to - part.from).seconds()
        })
        .sum()
}

/// How arrivals are spaced, at rate one.
#[derive(Clone, Debug, PartialEq)]
pub enum Spacing {
    /// Independent of each other: exponential gaps.
    Poisson,
    /// Evenly; the first at once, as load tools do.
    Even,
    /// Gaps of mean one from a law.
    Renewal(Sampler),
}

/// Times with a higher rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Bursts {
    /// Arrivals a second during a burst.
    pub rate: f64,
    /// How long one lasts.
    pub lasts: Sampler,
    /// Calm between the end of one and the beginning of the next.
    pub apart: Sampler,
}

/// The arrival times of an open stream, one by one.
#[derive(Clone, Debug)]
pub struct Arrivals {
    segments: Vec<Segment>,
    segment: usize,
    spacing: Spacing,
    draws: Draw,
    at: SimTime,
    /// Area under the rate still to go before the next arrival.
    to_go: f64,
    started: bool,
    bursts: Option<Bursting>,
    /// How many times as many come.
    factor: f64,
    /// Where the search for the arrival handed out last began, so that it can begin there once more.
    before: Search,
}

/// Where a search for an arrival is.
#[derive(Clone, Debug, Default)]
struct Search {
    segment: usize,
    at: SimTime,
    to_go: f64,
    burst: Option<(Draw, bool, SimTime)>,
}

#[derive(Clone, Debug)]
struct Bursting {
    law: Bursts,
    draws: Draw,
    bursting: bool,
    until: SimTime,
}

impl Arrivals {
    /// Rates whose square and double neither overflow nor lose digits.
    const PLAIN: std::ops::Range<f64> = 1e-100..1e100;

    /// Arrivals over segments in order of time, drawn from `key`.
    #[must_use]
    pub fn new(segments: Vec<Segment>, spacing: Spacing, bursts: Option<Bursts>, key: Key) -> Self {
        let mut burst_draws = key.purpose(Purpose::Bursts).draw();
        let bursts = bursts.map(|mut law| {
            let until = SimTime::ZERO + law.apart.span(&mut burst_draws);
            Bursting {
                law,
                draws: burst_draws,
                bursting: false,
                until,
            }
        });
        Self {
            segments,
            segment: 0,
            spacing,
            draws: key.purpose(Purpose::Arrivals).draw(),
            at: SimTime::ZERO,
            to_go: 0.0,
            started: false,
            bursts,
            factor: 1.0,
            before: Search::default(),
        }
    }

    /// From `now` on the rate is another one, `factor` times what the segments say. The arrival handed out last, which is
    /// still to come, is taken back; here is the one that takes its place: the area under the rate that is left goes on
    /// under the new one, so that the same arrivals come earlier or later.
    pub fn change(&mut self, now: SimTime, segments: Vec<Segment>, factor: f64) -> Option<SimTime> {
        let before = std::mem::take(&mut self.before);
        (self.segment, self.at, self.to_go) = (before.segment, before.at, before.to_go);
        if let (Some(bursts), Some((draws, bursting, until))) = (&mut self.bursts, before.burst) {
            (bursts.draws, bursts.bursting, bursts.until) = (draws, bursting, until);
        }
        if self.find(now).is_some() {
            // It is due at this very instant.
            self.to_go = 0.0;
        }
        self.at = self.at.max(now);
        self.segment = segments.partition_point(|segment| segment.to <= now);
        self.segments = segments;
        self.factor = factor;
        self.note();
        self.find(SimTime::NEVER)
    }

    /// Another law of gaps for the arrivals after the next one, and other bursts from the next change between calm and
    /// burst on. Nothing happens where they are the same.
    pub fn set_laws(&mut self, spacing: &Spacing, bursts: Option<&Bursts>) {
        if self.spacing != *spacing {
            self.spacing = spacing.clone();
        }
        if let (Some(bursting), Some(law)) = (&mut self.bursts, bursts)
            && bursting.law != *law
        {
            bursting.law = law.clone();
        }
    }

    /// Remembers where the search is.
    fn note(&mut self) {
        self.before = Search {
            segment: self.segment,
            at: self.at,
            to_go: self.to_go,
            burst: self
                .bursts
                .as_ref()
                .map(|bursts| (bursts.draws.clone(), bursts.bursting, bursts.until)),
        };
    }

    /// The gap to the next arrival, at rate one.
    fn gap(&mut self) -> f64 {
        match &mut self.spacing {
            Spacing::Poisson => exponential(&mut self.draws),
            Spacing::Even if !self.started => 0.0,
            Spacing::Even => 1.0,
            Spacing::Renewal(law) => law.draw(&mut self.draws).max(0.0),
        }
    }

    /// Length of time from `at` until the area under the rate reaches `area`, if before `until`; else the area up to it.
    fn within(rate_from: f64, rate_to: f64, length: f64, area: f64) -> Result<f64, f64> {
        // A constant rate, which most segments have: what the general form comes to, bit for bit, without its root.
        if rate_from == rate_to && Self::PLAIN.contains(&rate_from) {
            let whole = rate_from * length;
            if whole < area || whole <= 0.0 {
                return Err(whole);
            }
            return Ok((area / rate_from).min(length));
        }
        let whole = (rate_from + rate_to) / 2.0 * length;
        if whole < area || whole <= 0.0 {
            return Err(whole);
        }
        if rate_from == rate_to {
            return Ok((area / rate_from).min(length));
        }
        let slope = (rate_to - rate_from) / length;
        // Solve rate_from t + slope t^2 / 2 = area, in the form that does not cancel.
        let root = (rate_from * rate_from + 2.0 * slope * area).max(0.0).sqrt();
        let time = if root + rate_from > 0.0 {
            2.0 * area / (rate_from + root)
        } else {
            0.0
        };
        Ok(time.min(length))
    }
}

impl Iterator for Arrivals {
    type Item = SimTime;

    /// The next arrival; `None` after the last segment.
    fn next(&mut self) -> Option<SimTime> {
        self.to_go = self.gap();
        self.started = true;
        self.note();
        self.find(SimTime::NEVER)
    }
}

impl Arrivals {
    /// When the area that is left has gone by, if before `limit`.
    fn find(&mut self, limit: SimTime) -> Option<SimTime> {
        loop {
            let segment = *self.segments.get(self.segment)?;
            self.at = self.at.max(segment.from);
            if self.at >= limit {
                return None;
            }
            if self.at >= segment.to {
                self.segment += 1;
                continue;
            }
            let mut until = segment.to;
            let (mut rate_from, mut rate_to) = (rate_at(&segment, self.at), segment.rate_to);
            if limit < until {
                until = limit;
                rate_to = rate_at(&segment, until);
            }
            if let Some(bursts) = &mut self.bursts {
                while bursts.until <= self.at {
                    bursts.bursting = !bursts.bursting;
                    let law = if bursts.bursting {
                        &mut bursts.law.lasts
                    } else {
                        &mut bursts.law.apart
                    };
                    // A length of zero would never end; a nanosecond does no harm.
                    bursts.until += law.span(&mut bursts.draws).max(SimSpan::from_nanos(1));
                }
                until = until.min(bursts.until);
                rate_to = rate_at(&segment, until);
                if bursts.bursting {
                    (rate_from, rate_to) = (bursts.law.rate, bursts.law.rate);
                }
            }
            if self.factor != 1.0 {
                (rate_from, rate_to) = (rate_from * self.factor, rate_to * self.factor);
            }
            match Self::within(rate_from, rate_to, (until - self.at).seconds(), self.to_go) {
                Ok(seconds) => {
                    self.at = (self.at + SimSpan::from_seconds(seconds)).min(until);
                    return Some(self.at);
                }
                Err(area) => {
                    self.to_go -= area;
                    self.at = until;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(from: u64, to: u64, rate_from: f64, rate_to: f64) -> Segment {
        let at = |secs: u64| SimTime::ZERO + SimSpan::from_secs(secs);
        Segment {
            from: at(from),
            to: at(to),
            rate_from,
            rate_to,
        }
    }

    #[test]
    fn even_arrivals_begin_at_once_and_keep_their_distance() {
        let arrivals = Arrivals::new(vec![segment(0, 2, 2.0, 2.0)], Spacing::Even, None, Key::root(1, 0));
        let times: Vec<f64> = arrivals.map(SimTime::seconds).collect();
        assert_eq!(times.len(), 5, "the fifth falls on the very end: {times:?}");
        for (n, time) in times.iter().enumerate() {
            assert!((time - 0.5 * n as f64).abs() < 1e-6, "{times:?}");
        }
    }

    #[test]
    fn a_ramp_brings_as_many_as_the_area_under_it() {
        let key = Key::root(7, 0);
        let segments = vec![
            segment(0, 100, 0.0, 100.0),
            segment(100, 200, 100.0, 100.0),
            segment(200, 300, 0.0, 0.0),
        ];
        let times: Vec<SimTime> = Arrivals::new(segments, Spacing::Poisson, None, key).collect();
        let early = times.iter().filter(|time| time.seconds() < 50.0).count() as f64;
        // Poisson counts: mean 1,250 in the first 50 s and 15,000 in all; five standard deviations.
        assert!((early - 1250.0).abs() < 5.0 * 1250f64.sqrt(), "{early}");
        assert!(
            (times.len() as f64 - 15_000.0).abs() < 5.0 * 15_000f64.sqrt(),
            "{}",
            times.len()
        );
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
    }

    #[test]
    fn bursts_bring_their_share_of_arrivals() {
        let bursts = Bursts {
            rate: 100.0,
            lasts: Sampler::constant(1.0),
            apart: Sampler::constant(9.0),
        };
        let arrivals = Arrivals::new(
            vec![segment(0, 1000, 1.0, 1.0)],
            Spacing::Poisson,
            Some(bursts),
            Key::root(9, 0),
        );
        let count = arrivals.count() as f64;
        // 100 bursts of 100 and 900 s at 1: mean 10,900, Poisson; five standard deviations.
        assert!((count - 10_900.0).abs() < 5.0 * 10_900f64.sqrt(), "{count}");
    }

    // Lost if broken: traffic that grows in the middle of a run comes too late, too early, or twice.
    #[test]
    fn a_rate_changed_on_the_way_moves_what_is_still_to_come() {
        let whole = || vec![segment(0, 100, 1.0, 1.0)];
        let at = |secs: f64| SimTime::ZERO + SimSpan::from_seconds(secs);
        let mut even = Arrivals::new(whole(), Spacing::Even, None, Key::root(5, 0));
        assert_eq!((even.next(), even.next()), (Some(at(0.0)), Some(at(1.0))));
        // Half of the way to the arrival at 1 s has gone; the other half goes four times as fast, as do the next.
        assert_eq!(even.change(at(0.5), whole(), 4.0), Some(at(0.625)));
        assert_eq!(even.next(), Some(at(0.875)));
        // And back: of the 0.25 s to go 0.125 are left.
        assert_eq!(even.change(at(0.75), whole(), 1.0), Some(at(1.25)));
        // Nobody comes, and then everybody again, as if time had stood still.
        assert_eq!(even.change(at(1.0), whole(), 0.0), None);
        assert_eq!(even.change(at(50.0), whole(), 1.0), Some(at(50.25)));
        assert_eq!(even.next(), Some(at(51.25)));
        // Other segments.
        assert_eq!(
            even.change(at(50.75), vec![segment(60, 100, 2.0, 2.0)], 1.0),
            Some(at(60.25))
        );
    }

    // Lost if broken: bursts are forgotten, or drawn anew, when a rate changes.
    #[test]
    fn changing_nothing_changes_nothing() {
        let bursts = || Bursts {
            rate: 20.0,
            lasts: Sampler::constant(1.0),
            apart: Sampler::constant(3.0),
        };
        let segments = || vec![segment(0, 20, 0.0, 4.0), segment(20, 40, 4.0, 1.0)];
        let make = || Arrivals::new(segments(), Spacing::Poisson, Some(bursts()), Key::root(9, 0));
        let expected: Vec<f64> = make().map(SimTime::seconds).collect();
        let mut changed = make();
        let mut times = Vec::new();
        let mut last = SimTime::ZERO;
        while let Some(at) = changed.next() {
            // On the way to it.
            let half = SimTime::from_nanos(u64::midpoint(last.nanos(), at.nanos()));
            let again = changed.change(half, segments(), 1.0).unwrap();
            times.push(again.seconds());
            last = again;
        }
        assert!(times.len() > 100);
        assert_eq!(times.len(), expected.len());
        for (time, expected) in times.iter().zip(&expected) {
            assert!((time - expected).abs() < 1e-6, "{time} {expected}");
        }
    }

    #[test]
    fn a_higher_rate_brings_the_same_arrivals_earlier() {
        let run = |rate: f64| -> Vec<SimTime> {
            Arrivals::new(
                vec![segment(0, 100, rate, rate)],
                Spacing::Poisson,
                None,
                Key::root(5, 0),
            )
            .collect()
        };
        let (slow, fast) = (run(1.0), run(2.0));
        for (slow, fast) in slow.iter().zip(&fast) {
            assert!((slow.seconds() - 2.0 * fast.seconds()).abs() < 1e-6);
        }
    }
}
