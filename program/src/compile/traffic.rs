//! Streams of sessions: when they come, whose they are, what they do.
//!
//! Owns: sources and phases.
//! Never: drawing arrivals (that is the workload's part).

use highwater_models::SimTime;
use highwater_models::file::scenario::{self, Arrivals, Load, Phase, Pick, Trace};
use highwater_models::file::{Popularity, Ramp};
use highwater_workload::Sampler;
use highwater_workload::arrivals::{Bursts, Segment, Spacing};
use rustc_hash::FxHashMap;

use super::population::{Population, visits};
use super::{Compiler, constant, number};
use crate::model::{Addresses, Coming, Recorded, Source, Who};

/// The phase of streams that have none.
const ALL: &str = "all";

/// Most stairs of a ramp: more cannot be told from a straight line.
const STAIRS_MAX: u32 = 100_000;

impl Compiler<'_> {
    pub(super) fn sources(&mut self) {
        let scenario = self.scenario;
        for (name, load) in scenario.streams() {
            let population = Population::of(load, self.whole);
            let comings = self.comings(name, load, population.as_ref());
            let (first_phase, phase_ends) = self.phases(load);
            let members = population.as_ref().filter(|_| load.people.is_none());
            let who = match members {
                Some(population) => Who::Registered(self.members(population)),
                None => self.who(name, load),
            };
            let classes = load.class.iter().flat_map(|weights| &weights.entries);
            let classes: Vec<(f64, u8)> = cumulative(classes.map(|(name, weight)| (self.class(name), *weight)));
            let flows = load.flow.iter().flat_map(|weights| &weights.entries);
            let flow = |name: &str| number(self.system.flow.index_of(name).unwrap_or(0));
            let flows: Vec<(f64, u16)> = cumulative(flows.map(|(name, weight)| (flow(&name.text), *weight)));
            let client = load
                .client
                .as_ref()
                .and_then(|name| self.system.client.index_of(&name.text));
            for coming in comings {
                let people_of = number(self.model.sources.len());
                self.model.sources.push(Source {
                    name: name.to_owned(),
                    coming,
                    batch: (constant(&load.batch) != Some(1.0)).then(|| Sampler::new(&load.batch)),
                    who: who.clone(),
                    people_of,
                    addresses: match load.ips {
                        Some(ips) => Addresses::Count(ips),
                        None => Addresses::PeoplePerAddress(load.people_per_ip.unwrap_or(1.0)),
                    },
                    classes: classes.clone(),
                    strangers: None,
                    flows: flows.clone(),
                    client: number(client.unwrap_or(0)),
                    signed_in: load.signed_in.get(),
                    first_phase,
                    phase_ends: phase_ends.clone(),
                });
            }
            self.sign_ups(load, population.as_ref());
        }
    }

    /// Which streams are of people about whom there is nothing to choose.
    pub(super) fn find_strangers(&mut self) {
        for source in &mut self.model.sources {
            source.strangers = match (&source.who, &source.classes[..], source.addresses) {
                (Who::New, [], Addresses::PeoplePerAddress(..=1.0)) => Some(0),
                (Who::New, &[(_, class)], Addresses::PeoplePerAddress(..=1.0)) => Some(class),
                _ => None,
            };
        }
    }

    /// Those who register come beside those who have: the source before this one.
    fn sign_ups(&mut self, load: &Load, population: Option<&Population>) {
        let (Some(sign_ups), Some(population), Some(visits)) =
            (&load.sign_ups, population, self.model.sources.last().cloned())
        else {
            return;
        };
        let members = matches!(visits.who, Who::Registered(_));
        let flow = number(self.system.flow.index_of(&sign_ups.flow.text).unwrap_or(0));
        self.model.sources.push(Source {
            coming: Coming::Open {
                segments: self.as_run(population.sign_ups()),
                spacing: Spacing::Poisson,
                bursts: None,
            },
            batch: None,
            who: if members { Who::SignUp } else { Who::New },
            people_of: number(self.model.sources.len() - usize::from(members)),
            flows: vec![(1.0, flow)],
            signed_in: 0.0,
            ..visits
        });
    }

    /// How the sessions of a stream come. Phases of both kinds, open and closed, make two.
    fn comings(&mut self, name: &str, load: &Load, population: Option<&Population>) -> Vec<Coming> {
        let end = self.whole;
        let open = |segments: Vec<Segment>| Coming::Open {
            segments,
            spacing: match &load.spacing {
                scenario::Spacing::Poisson => Spacing::Poisson,
                scenario::Spacing::Even => Spacing::Even,
                scenario::Spacing::Law(law) => Spacing::Renewal(Sampler::new(law)),
            },
            bursts: load.bursts.as_ref().map(|bursts| Bursts {
                rate: bursts.rate.per_second(),
                lasts: Sampler::new(&bursts.lasts),
                apart: Sampler::new(&bursts.apart),
            }),
        };
        match load.arrivals() {
            Some(Arrivals::Rate(rate)) => vec![open(self.as_run(segments(rate, SimTime::ZERO, end, end)))],
            Some(Arrivals::Users(users)) => {
                vec![Coming::Closed {
                    segments: segments(users, SimTime::ZERO, end, end),
                }]
            }
            Some(Arrivals::Phases(phases)) => {
                let (mut rates, mut levels) = (Vec::new(), Vec::new());
                let mut from = SimTime::ZERO;
                for phase in phases {
                    let to = from + phase.duration;
                    if let Some(rate) = open_rate(phase) {
                        rates.extend(segments(&rate, from, to, end));
                    } else if let Some(users) = &phase.users {
                        levels.extend(segments(users, from, to, end));
                    }
                    from = to;
                }
                if let Some(population) = population {
                    rates.extend(visits(load, population));
                    rates.sort_by_key(|rate| rate.from);
                }
                let has_levels = phases.iter().any(|phase| phase.users.is_some());
                let mut comings = Vec::new();
                if has_levels {
                    comings.push(Coming::Closed { segments: levels });
                }
                if !has_levels || !rates.is_empty() {
                    comings.push(open(rates));
                }
                comings
            }
            Some(Arrivals::At(times)) => {
                let mut times: Vec<SimTime> = times.iter().map(|&at| SimTime::ZERO + at).collect();
                times.retain(|&at| at < end);
                times.sort();
                vec![Coming::At(times)]
            }
            Some(Arrivals::Every(gap)) => vec![Coming::Every(Sampler::new(gap))],
            Some(Arrivals::Trace(trace)) => vec![Coming::Trace(self.trace(name, trace))],
            Some(Arrivals::Registered(_)) => {
                let rates = population.map(|population| visits(load, population));
                vec![open(self.as_run(rates.unwrap_or_default()))]
            }
            None => vec![open(Vec::new())],
        }
    }

    /// The first of a stream's phases and the ends of all. Streams without phases share one that lasts for the run.
    fn phases(&mut self, load: &Load) -> (u16, Vec<SimTime>) {
        let end = self.model.duration;
        let Some(phases) = load.phase.as_ref().filter(|phases| !phases.is_empty()) else {
            let phases = &mut self.model.phases;
            let first = *self.whole_phase.get_or_insert_with(|| {
                phases.push(ALL.to_owned());
                number(phases.len() - 1)
            });
            return (first, vec![end]);
        };
        let first = number(self.model.phases.len());
        let mut ends = Vec::new();
        let mut at = SimTime::ZERO;
        for (index, phase) in phases.iter().enumerate() {
            at += phase.duration;
            ends.push(at.min(end));
            let name = phase
                .name
                .as_ref()
                .map_or_else(|| index.to_string(), |name| name.text.clone());
            self.model.phases.push(name);
        }
        (first, ends)
    }

    fn who(&mut self, name: &str, load: &Load) -> Who {
        let Some(people) = &load.people else { return Who::New };
        match (&people.pick, people.count) {
            (Pick::Same, _) => Who::Same,
            (Pick::Popularity(law), count) => {
                let listed = match law {
                    Popularity::File(file) => Some(file.numbers.len() as u64),
                    Popularity::Zipf(_) => None,
                };
                let Some(count) = count.or(listed) else { return Who::New };
                match self.popularity(law, count, &format!("{name}.people")) {
                    Some(popularity) => Who::Popular(count, popularity),
                    None => Who::Even(count),
                }
            }
            (Pick::New, _) | (_, None) => Who::New,
            (Pick::Even, Some(count)) => Who::Even(count),
            (Pick::InOrder, Some(count)) => Who::InOrder(count),
        }
    }

    fn trace(&mut self, name: &str, trace: &Trace) -> Vec<Recorded> {
        let system = self.system;
        let rows = &trace.file.rows;
        if rows.iter().any(|row| row.work.is_some()) {
            self.note(format!(
                "`{name}.trace`: its column `work` is not used; sizes are drawn."
            ));
        }
        let (mut people, mut addresses) = (FxHashMap::default(), FxHashMap::default());
        let mut recorded = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            let at = SimTime::ZERO + highwater_models::SimSpan::from_seconds(row.at.seconds() / trace.speed);
            if at >= self.model.duration {
                break;
            }
            let flow = row
                .flow
                .as_ref()
                .and_then(|flow| system.flow.index_of(flow))
                .map(number);
            let endpoint = row
                .endpoint
                .as_ref()
                .and_then(|endpoint| system.endpoint.index_of(endpoint));
            let flow = flow.or_else(|| endpoint.map(|endpoint| self.flow_of(number(endpoint))));
            let class = row.class.as_ref().and_then(|class| system.class.index_of(class));
            recorded.push(Recorded {
                at,
                flow,
                class: class.map(|class| u8::try_from(class).unwrap_or(u8::MAX)),
                person: row.user.as_deref().map(|user| numbered(&mut people, user)),
                ip: row.ip.as_deref().map(|ip| numbered(&mut addresses, ip)),
            });
        }
        recorded
    }
}

/// Numbers by first appearance.
fn numbered<'t>(known: &mut FxHashMap<&'t str, u64>, text: &'t str) -> u64 {
    let next = known.len() as u64;
    *known.entry(text).or_insert(next)
}

fn cumulative<T>(entries: impl Iterator<Item = (T, f64)>) -> Vec<(f64, T)> {
    let mut total = 0.0;
    let add = |(thing, weight)| {
        total += weight;
        (total, thing)
    };
    entries.map(add).collect()
}

/// The rate of a phase of open arrivals.
fn open_rate(phase: &Phase) -> Option<Ramp> {
    let sessions = phase
        .sessions
        .map(|sessions| Ramp::constant(sessions as f64 / phase.duration.seconds()));
    phase.rate.or(sessions)
}

/// A ramp from one time to another as straight pieces, cut off at the end of the run.
pub(super) fn segments(ramp: &Ramp, from: SimTime, to: SimTime, end: SimTime) -> Vec<Segment> {
    let whole = Segment {
        from,
        to,
        rate_from: ramp.from,
        rate_to: ramp.to,
    };
    let stairs = ramp
        .steps
        .filter(|_| !ramp.is_constant())
        .map(|stairs| stairs.clamp(1, STAIRS_MAX));
    let mut segments = match stairs {
        None => vec![whole],
        Some(stairs) => {
            let length = (to - from).nanos();
            let edge = |stair: u32| {
                let part = u128::from(length) * u128::from(stair) / u128::from(stairs);
                SimTime::from_nanos(from.nanos() + part as u64)
            };
            let level = |stair: u32| {
                // The first stair is at the one end and the last at the other; a single one is half-way.
                let part = if stairs == 1 {
                    0.5
                } else {
                    f64::from(stair) / f64::from(stairs - 1)
                };
                ramp.from + (ramp.to - ramp.from) * part
            };
            let stair = |stair: u32| {
                let level = level(stair);
                Segment {
                    from: edge(stair),
                    to: edge(stair + 1),
                    rate_from: level,
                    rate_to: level,
                }
            };
            (0..stairs).map(stair).collect()
        }
    };
    segments.retain(|segment| segment.from < end);
    if let Some(last) = segments.last_mut().filter(|last| last.to > end) {
        let part = (end - last.from).seconds() / (last.to - last.from).seconds();
        last.rate_to = last.rate_from + (last.rate_to - last.rate_from) * part;
        last.to = end;
    }
    segments
}
