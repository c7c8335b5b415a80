//! Registered populations: how many there are when, who joins and who leaves.
//!
//! Owns: the curve of a population and its rhythm, the days that are run where not all are.
//! Never: whose a session is (the world draws that).
//!
//! The curve is what the file says: straight from one end of the ramp to the other. Leavers are reckoned by the day, from
//! those registered as it begins. What the ramp does not explain by them has joined.

use highwater_models::file::scenario::{Arrivals, Load, Weekday};
use highwater_models::{SimSpan, SimTime};
use highwater_workload::arrivals::{Segment, area};
use highwater_workload::days::{Days, loads};
use highwater_workload::rhythm::{DAY, Rhythm};

use super::Compiler;
use super::traffic::segments;
use crate::model::{Members, Registered};

/// Days that a file's churn is over.
const CHURN_DAYS: f64 = 30.0;

/// A stream's population over the whole run.
#[derive(Clone, Debug, Default)]
pub(super) struct Population {
    /// Registered.
    pub registered: Vec<Segment>,
    /// Ever registered.
    pub joined: Vec<Segment>,
    /// Of those, have left.
    pub left: Vec<Segment>,
}

impl Population {
    /// The population of a stream that has one.
    pub fn of(load: &Load, end: SimTime) -> Option<Self> {
        match load.arrivals() {
            Some(Arrivals::Registered(ramp)) => {
                let given = load.sign_ups.as_ref().and_then(|sign_ups| sign_ups.per_day);
                let churn = load.churn.get() / CHURN_DAYS;
                let curve = segments(ramp, SimTime::ZERO, end, end);
                Some(match given {
                    Some(a_day) => Self::grown(ramp.from, a_day, churn, end),
                    None => Self::along(curve, churn),
                })
            }
            Some(Arrivals::Phases(phases)) if phases.iter().any(|phase| phase.registered.is_some()) => {
                let mut curve = Vec::new();
                let mut from = SimTime::ZERO;
                for phase in phases {
                    let to = from + phase.duration;
                    let ramp = phase.registered.iter();
                    curve.extend(ramp.flat_map(|ramp| segments(ramp, from, to, end)));
                    from = to;
                }
                Some(Self::along(curve, 0.0))
            }
            _ => None,
        }
    }

    /// A curve that is given; those who leave are made up for.
    fn along(curve: Vec<Segment>, churn: f64) -> Self {
        let mut population = Self::default();
        let mut left = 0.0;
        for piece in curve {
            let mut from = piece.from;
            while from < piece.to {
                let to = next_midnight(from).min(piece.to);
                let part = highwater_workload::arrivals::cut(&piece, from, to);
                let leaving = part.rate_from * churn * ((to - from).seconds() / DAY.seconds());
                population.add(part, left, left + leaving);
                left += leaving;
                from = to;
            }
        }
        population
    }

    /// So many join a day, and a share of those there leaves.
    fn grown(start: f64, a_day: f64, churn: f64, end: SimTime) -> Self {
        let mut population = Self::default();
        let (mut from, mut users, mut left) = (SimTime::ZERO, start, 0.0);
        while from < end {
            let to = next_midnight(from).min(end);
            let days = (to - from).seconds() / DAY.seconds();
            let leaving = users * churn * days;
            let after = (users - leaving + a_day * days).max(0.0);
            let part = Segment {
                from,
                to,
                rate_from: users,
                rate_to: after,
            };
            population.add(part, left, left + leaving);
            (from, users, left) = (to, after, left + leaving);
        }
        population
    }

    fn add(&mut self, registered: Segment, left_from: f64, left_to: f64) {
        self.registered.push(registered);
        self.left.push(Segment {
            rate_from: left_from,
            rate_to: left_to,
            ..registered
        });
        self.joined.push(Segment {
            rate_from: registered.rate_from + left_from,
            rate_to: registered.rate_to + left_to,
            ..registered
        });
    }

    /// How many register a second. Where the curve falls faster than people leave, nobody does.
    pub fn sign_ups(&self) -> Vec<Segment> {
        let rate = |piece: &Segment| {
            let seconds = (piece.to - piece.from).seconds();
            let a_second = ((piece.rate_to - piece.rate_from) / seconds.max(f64::MIN_POSITIVE)).max(0.0);
            Segment {
                rate_from: a_second,
                rate_to: a_second,
                ..*piece
            }
        };
        self.joined.iter().map(rate).collect()
    }

    fn figures(&self, end: SimTime) -> Registered {
        let seconds = (end - SimTime::ZERO).seconds();
        let joining = self.sign_ups();
        Registered {
            start: self.registered.first().map_or(0.0, |piece| piece.rate_from),
            end: self.registered.last().map_or(0.0, |piece| piece.rate_to),
            mean: area(&self.registered, SimTime::ZERO, end) / seconds.max(f64::MIN_POSITIVE),
            joining: area(&joining, SimTime::ZERO, end),
            leaving: self.left.last().map_or(0.0, |piece| piece.rate_to),
        }
    }
}

fn next_midnight(at: SimTime) -> SimTime {
    let day = DAY.nanos();
    SimTime::from_nanos((at.nanos() / day + 1) * day)
}

/// The rhythm of a stream.
fn rhythm(load: &Load) -> Rhythm {
    let hours = load.day.as_ref().map_or([1.0; 24], |day| day.shape.hours);
    let days = load.week.as_ref().map_or([1.0; 7], |week| week.shape.days);
    let starts_at = load.day.as_ref().map_or(SimSpan::ZERO, |day| day.starts_at);
    let starts_on = load.week.as_ref().map_or(Weekday::Monday, |week| week.starts_on);
    Rhythm::new(hours, days, starts_at, starts_on as usize)
}

/// Sessions a second of a registered population.
pub(super) fn visits(load: &Load, population: &Population) -> Vec<Segment> {
    let a_day = load.day.as_ref().map_or(1.0, |day| day.sessions_per_user);
    rhythm(load).rates(&population.registered, a_day)
}

impl Compiler<'_> {
    /// Who is registered, and which days are run.
    pub(super) fn population(&mut self) {
        let end = self.whole;
        let populations = self
            .scenario
            .streams()
            .filter_map(|(_, load)| Population::of(load, end))
            .map(|population| population.figures(end));
        self.model.registered = populations.reduce(|a, b| Registered {
            start: a.start + b.start,
            end: a.end + b.end,
            mean: a.mean + b.mean,
            joining: a.joining + b.joining,
            leaving: a.leaving + b.leaving,
        });
        let Some(count) = self.scenario.measure.sample_days else {
            return;
        };
        let days = u32::try_from(end.nanos() / DAY.nanos()).unwrap_or(u32::MAX);
        let mut brought = vec![0.0; days as usize];
        for (_, load) in self.scenario.streams() {
            let rates = match (load.arrivals(), Population::of(load, end)) {
                (_, Some(population)) => visits(load, &population),
                (Some(Arrivals::Rate(rate)), None) => segments(rate, SimTime::ZERO, end, end),
                _ => Vec::new(),
            };
            for (sum, load) in brought.iter_mut().zip(loads(&rates, days)) {
                *sum += load;
            }
        }
        let days = Days::choose(&brought, count);
        self.model.duration = SimTime::from_nanos(DAY.nanos() * days.chosen.len() as u64);
        self.model.days = Some(days);
    }

    /// The rates of a stream over what is run of it.
    pub(super) fn as_run(&self, rates: Vec<Segment>) -> Vec<Segment> {
        match &self.model.days {
            None => rates,
            Some(days) => days.rates(&rates),
        }
    }

    /// The members of a population over what is run of it.
    pub(super) fn members(&self, population: &Population) -> Members {
        let level = |whole: &[Segment]| match &self.model.days {
            None => whole.to_vec(),
            Some(days) => days.put_together(whole),
        };
        Members {
            joined: level(&population.joined),
            left: level(&population.left),
        }
    }
}
