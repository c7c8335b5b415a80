//! Request by request: the same person's same request, simulated and measured.
//!
//! Owns: whether two runs met the same people, which requests belong together, and where they first part.
//! Never: intervals (`apart`).
//!
//! A request is known by its source, its session, its endpoint and how often that session asked for that endpoint before;
//! the simulator and the load generator number sessions alike. Two runs met the same people if nearly all sessions began at
//! the same moments with the same endpoint: under another seed hardly any does.

use rustc_hash::FxHashMap;

use super::trace::{Row, Trace};
use crate::experiment::RequestOutcome;

/// The share of sessions that has to begin alike.
const ALIKE: f64 = 0.9;

/// Seconds by which the beginning of a session may differ: a generator that is late is so by milliseconds, and two sessions
/// of a number under two seeds seldom begin within a tenth of a second.
const MOMENT: f64 = 0.1;

/// A latency that differs by less than both of these is the same: seconds, and a share of the longer one.
const SAME: (f64, f64) = (0.05, 0.2);

/// Two runs request by request.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// The replication of the simulation that met the same people.
    pub replication: u32,
    /// Requests that both have.
    pub pairs: u64,
    /// Requests that only the simulation has.
    pub only_simulated: u64,
    /// Requests that only the measured run has.
    pub only_measured: u64,
    /// Pairs that ended alike, by outcome and cause.
    pub same_outcome: u64,
    /// Pairs that were useful on both sides.
    pub useful: u64,
    /// Of those, pairs whose latencies are within 50 ms or 20 % of each other.
    pub same_latency: u64,
    /// The first pair, in order of arrival, that ended otherwise.
    pub first_outcome: Option<Parting>,
    /// The first pair that was useful on both sides and whose latencies are not the same.
    pub first_latency: Option<Parting>,
}

/// A request that went otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Parting {
    /// Seconds from the start to its arrival in the simulation.
    pub at: f64,
    /// Its source.
    pub source: String,
    /// Its session.
    pub session: u64,
    /// Its endpoint.
    pub endpoint: String,
    /// How it ended in the simulation: outcome, cause where there is one, and latency in seconds.
    pub simulated: End,
    /// How it ended in the measured run.
    pub measured: End,
    /// The stage in which the two spent the most different time, with the seconds that the simulation spent more.
    pub stage: Option<(String, f64)>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Useful, failed, abandoned or in flight.
    pub outcome: RequestOutcome,
    /// Why; empty where nothing was wrong.
    pub cause: String,
    /// Seconds; NaN where there are none.
    pub latency: f64,
}

/// The first request of a session.
type Beginning = (f64, u16);

fn beginnings(trace: &Trace, replication: u32) -> FxHashMap<(u16, u64), Beginning> {
    let mut found: FxHashMap<(u16, u64), Beginning> = FxHashMap::default();
    for row in trace
        .of(replication)
        .iter()
        .map(|&number| &trace.rows()[number as usize])
    {
        let known = found.entry((row.source, row.session)).or_insert((row.at, row.endpoint));
        if row.at < known.0 {
            *known = (row.at, row.endpoint);
        }
    }
    found
}

/// The replication of a simulation that met the people of a measured run, which is a repeat of a trace; `None` where none did.
#[must_use]
pub fn partner(simulated: &Trace, (measured, repeat): (&Trace, u32)) -> Option<u32> {
    let theirs = beginnings(measured, repeat);
    simulated.replications().into_iter().find(|&replication| {
        let mine = beginnings(simulated, replication);
        let alike = mine
            .iter()
            .filter(|&(&(source, session), &(at, endpoint))| {
                let source = measured.sources.find(simulated.sources.name(source));
                let other = source.and_then(|source| theirs.get(&(source as u16, session)));
                other.is_some_and(|&(other_at, other_endpoint)| {
                    (at - other_at).abs() <= MOMENT
                        && simulated.endpoints.name(endpoint) == measured.endpoints.name(other_endpoint)
                })
            })
            .count();
        let sessions = mine.len().max(theirs.len());
        sessions > 0 && alike as f64 >= ALIKE * sessions as f64
    })
}

/// Source, session, endpoint, and how often the session asked for it before.
type Key = (u16, u64, u16, u32);

/// The keys of a run's rows in order of arrival, with names as `known` numbers them; none where `known` has no such name. A
/// measured run may have written its rows in the order in which they ended.
fn keys(trace: &Trace, replication: u32, known: &Trace) -> Vec<(Option<Key>, usize)> {
    let mut order: Vec<usize> = trace.of(replication).iter().map(|&number| number as usize).collect();
    order.sort_by(|&a, &b| trace.rows()[a].at.total_cmp(&trace.rows()[b].at));
    let mut asked: FxHashMap<(u16, u64, u16), u32> = FxHashMap::default();
    let of = |row: &Row| {
        let source = known.sources.find(trace.sources.name(row.source))? as u16;
        let endpoint = known.endpoints.find(trace.endpoints.name(row.endpoint))? as u16;
        Some((source, row.session, endpoint))
    };
    let keyed = order.into_iter().map(|number| {
        let key = of(&trace.rows()[number]).map(|(source, session, endpoint)| {
            let before = asked.entry((source, session, endpoint)).or_insert(0);
            *before += 1;
            (source, session, endpoint, *before)
        });
        (key, number)
    });
    keyed.collect()
}

/// Puts the requests of a measured run beside those of the replication that met the same people.
#[must_use]
pub fn pair(simulated: &Trace, (measured, repeat): (&Trace, u32), replication: u32) -> Pairing {
    let mut found = Pairing {
        replication,
        pairs: 0,
        only_simulated: 0,
        only_measured: 0,
        same_outcome: 0,
        useful: 0,
        same_latency: 0,
        first_outcome: None,
        first_latency: None,
    };
    let mut theirs: FxHashMap<Key, usize> = FxHashMap::default();
    for (key, number) in keys(measured, repeat, simulated) {
        match key {
            Some(key) => {
                theirs.insert(key, number);
            }
            None => found.only_measured += 1,
        }
    }
    let earlier = |known: &Option<Parting>, at: f64| known.as_ref().is_none_or(|known| at < known.at);
    for (key, number) in keys(simulated, replication, simulated) {
        let Some(other) = key.and_then(|key| theirs.remove(&key)) else {
            found.only_simulated += 1;
            continue;
        };
        let (mine, other_row) = (&simulated.rows()[number], &measured.rows()[other]);
        let parting = || parting((simulated, number), (measured, other));
        found.pairs += 1;
        let useful = [mine, other_row].map(|row| row.outcome == RequestOutcome::Useful);
        if mine.outcome == other_row.outcome && cause(simulated, mine) == cause(measured, other_row) {
            found.same_outcome += 1;
        } else if earlier(&found.first_outcome, mine.at) {
            found.first_outcome = Some(parting());
        }
        if useful == [true, true] {
            found.useful += 1;
            let apart = (mine.latency - other_row.latency).abs();
            if apart <= SAME.0 || apart <= SAME.1 * mine.latency.max(other_row.latency) {
                found.same_latency += 1;
            } else if earlier(&found.first_latency, mine.at) {
                found.first_latency = Some(parting());
            }
        }
    }
    found.only_measured += theirs.len() as u64;
    found
}

fn cause<'a>(trace: &'a Trace, row: &Row) -> &'a str {
    row.cause.map_or("", |cause| trace.causes.name(cause))
}

fn parting((simulated, number): (&Trace, usize), (measured, other): (&Trace, usize)) -> Parting {
    let (mine, theirs) = (&simulated.rows()[number], &measured.rows()[other]);
    let end = |trace: &Trace, row: &Row| End {
        outcome: row.outcome,
        cause: cause(trace, row).to_owned(),
        latency: row.latency,
    };
    let time = |name: &str| {
        let column = measured.stages.iter().position(|stage| stage == name)?;
        measured.times(other).get(column).map(|&time| f64::from(time))
    };
    let stage = simulated
        .stages
        .iter()
        .zip(simulated.times(number))
        .filter_map(|(name, &mine)| Some((name.clone(), f64::from(mine) - time(name)?)))
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .filter(|(_, apart)| apart.abs() > 0.001);
    Parting {
        at: mine.at,
        source: simulated.sources.name(mine.source).to_owned(),
        session: mine.session,
        endpoint: simulated.endpoints.name(mine.endpoint).to_owned(),
        simulated: end(simulated, mine),
        measured: end(measured, theirs),
        stage,
    }
}
