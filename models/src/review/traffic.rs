//! Who comes, as arithmetic: requests and CPU of an average session, sessions a second at the height of each stream.
//!
//! Owns: [`Traffic`], [`Stream`].
//! Never: chance; everything here is a mean on an idle system, which is the most that can be asked of it.

use std::collections::BTreeMap;

use super::average::{mean, mean_or_zero};
use super::design::Design;
use crate::file::scenario::{Arrivals, Load};
use crate::file::step::{FlowStep, Step};
use crate::file::system::Flow;

/// Seconds in a day.
const DAY: f64 = 86_400.0;

/// An average session.
#[derive(Clone, Debug, Default)]
pub(super) struct Session<'a> {
    /// Requests by endpoint.
    pub(super) requests: BTreeMap<&'a str, f64>,
    /// Seconds of thinking.
    pub(super) think: f64,
    /// Seconds of waiting for answers, on an idle system.
    pub(super) answers: f64,
}

/// One stream of traffic.
pub(super) struct Stream<'a> {
    pub(super) name: &'a str,
    pub(super) session: Session<'a>,
    /// At its height, where the file gives a number.
    pub(super) sessions_per_second: Option<f64>,
    /// At once, at its height, where the file says so.
    pub(super) users: Option<f64>,
    /// People that sessions are drawn from, where they are a fixed number.
    pub(super) people: Option<f64>,
    /// Addresses that they come from, where they are a fixed number.
    pub(super) addresses: Option<f64>,
    /// Sessions of the whole run, where the file gives a number.
    pub(super) sessions: Option<f64>,
}

/// All streams, and the session that they are made of on average.
#[derive(Default)]
pub(super) struct Traffic<'a> {
    pub(super) streams: Vec<Stream<'a>>,
    /// The mean over all streams by their rates; over the flows' weights where there is no scenario.
    pub(super) session: Session<'a>,
    /// Seconds of CPU of that session by service: on the loop, and beside it.
    cpu: BTreeMap<&'a str, (f64, f64)>,
}

impl<'a> Traffic<'a> {
    pub(super) fn of(design: &Design<'a>) -> Self {
        let mut streams = Vec::new();
        if let Some(scenario) = design.scenario {
            let duration = scenario.duration.map_or(0.0, |duration| duration.seconds());
            for (name, load) in scenario.streams() {
                streams.push(stream(design, name, load, duration));
            }
        }
        let session = if streams.is_empty() {
            let flows = design.system.flow.iter().map(|(_, flow)| (flow, flow.weight));
            mix(flows.map(|(flow, weight)| (session(design, flow), weight)).collect())
        } else {
            let weight = |stream: &Stream<'a>| stream.sessions_per_second.or(stream.sessions).unwrap_or(1.0);
            mix(streams
                .iter()
                .map(|stream| (stream.session.clone(), weight(stream)))
                .collect())
        };
        let mut cpu = BTreeMap::new();
        for (&endpoint, &times) in &session.requests {
            design.walk_request(endpoint, &mut |step, place| {
                let Some(service) = place.service.filter(|_| !place.is_miss) else {
                    return;
                };
                let entry: &mut (f64, f64) = cpu.entry(service).or_default();
                match step {
                    Step::Cpu(time) => entry.0 += times * place.times * mean_or_zero(time),
                    Step::Work(time) => entry.1 += times * place.times * mean_or_zero(time),
                    _ => {}
                }
            });
        }
        Self { streams, session, cpu }
    }

    /// Seconds of CPU of an average session at a service: on its event loop, and beside it.
    pub(super) fn cpu_of(&self, service: &str) -> (f64, f64) {
        self.cpu.get(service).copied().unwrap_or_default()
    }

    /// Sessions a second of all streams at their height; `None` where some stream does not say.
    pub(super) fn sessions_per_second(&self) -> Option<f64> {
        if self.streams.is_empty() {
            return None;
        }
        self.streams.iter().map(|stream| stream.sessions_per_second).sum()
    }

    /// Requests of an endpoint in an average session.
    pub(super) fn requests_of(&self, endpoint: &str) -> f64 {
        self.session.requests.get(endpoint).copied().unwrap_or(0.0)
    }

    /// Requests of an average session.
    pub(super) fn requests(&self) -> f64 {
        self.session.requests.values().sum()
    }

    /// Users at once at the height of all streams.
    pub(super) fn users(&self) -> Option<f64> {
        let users: Vec<f64> = self.streams.iter().filter_map(|stream| stream.users).collect();
        (!users.is_empty()).then(|| users.iter().sum())
    }
}

/// The mean of sessions by weight.
fn mix(sessions: Vec<(Session<'_>, f64)>) -> Session<'_> {
    let total: f64 = sessions.iter().map(|(_, weight)| weight).sum();
    let mut mean = Session::default();
    if total <= 0.0 {
        return mean;
    }
    for (session, weight) in sessions {
        let share = weight / total;
        mean.think += share * session.think;
        mean.answers += share * session.answers;
        for (endpoint, times) in session.requests {
            *mean.requests.entry(endpoint).or_default() += share * times;
        }
    }
    mean.requests.retain(|_, times| *times > 0.0);
    mean
}

pub(super) fn session<'a>(design: &Design<'a>, flow: &'a Flow) -> Session<'a> {
    let mut session = Session::default();
    flow_steps(design, &flow.steps, 1.0, &mut session);
    session
}

fn flow_steps<'a>(design: &Design<'a>, steps: &'a [FlowStep], times: f64, session: &mut Session<'a>) {
    for step in steps {
        match step {
            FlowStep::Request(endpoints) => {
                let mut longest = 0.0_f64;
                for endpoint in endpoints {
                    *session.requests.entry(endpoint.as_str()).or_default() += times;
                    longest = longest.max(design.ideal(endpoint.as_str()));
                }
                session.answers += times * longest;
            }
            FlowStep::Think(time) => session.think += times * mean_or_zero(time),
            FlowStep::Choose(branches) => {
                let weights: f64 = branches.iter().map(|branch| branch.weight).sum();
                for branch in branches.iter().filter(|_| weights > 0.0) {
                    flow_steps(design, &branch.steps, times * branch.weight / weights, session);
                }
            }
            FlowStep::Repeat(repeat) => {
                let times = times * mean(&repeat.times).unwrap_or(1.0);
                flow_steps(design, &repeat.steps, times, session);
            }
            FlowStep::Parallel(lists) => lists.iter().for_each(|list| flow_steps(design, list, times, session)),
        }
    }
}

fn stream<'a>(design: &Design<'a>, name: &'a str, load: &'a Load, duration: f64) -> Stream<'a> {
    let flows: Vec<(Session<'a>, f64)> = match &load.flow {
        Some(weights) => weights
            .entries
            .iter()
            .filter_map(|(name, weight)| Some((session(design, design.system.flow.get(name.as_str())?), *weight)))
            .collect(),
        None => design
            .system
            .flow
            .iter()
            .map(|(_, flow)| (session(design, flow), flow.weight))
            .collect(),
    };
    let session = mix(flows);
    let cycle = session.think + session.answers;
    let closed = |users: f64| (cycle > 0.0).then(|| users / cycle);
    let registered = |users: f64| {
        let day = load.day.as_ref();
        let sessions = users * day.map_or(1.0, |day| day.sessions_per_user) / DAY;
        let peak = day.map_or(1.0, |day| {
            let hours = day.shape.hours;
            let most = hours.iter().copied().fold(0.0, f64::max);
            let total: f64 = hours.iter().sum();
            if total > 0.0 { 24.0 * most / total } else { 1.0 }
        });
        let peak = peak
            * load.week.as_ref().map_or(1.0, |week| {
                let days = week.shape.days;
                let total: f64 = days.iter().sum();
                7.0 * days.iter().copied().fold(0.0, f64::max) / total.max(f64::MIN_POSITIVE)
            });
        (sessions, sessions * peak)
    };
    let batch = mean(&load.batch).unwrap_or(1.0);
    let (mut rate, mut users, mut sessions) = (None, None, None);
    match load.arrivals() {
        Some(Arrivals::Rate(ramp)) => {
            rate = Some(ramp.peak() * batch);
            sessions = Some((ramp.from + ramp.to) / 2.0 * batch * duration);
        }
        Some(Arrivals::Users(ramp)) => {
            users = Some(ramp.peak());
            rate = closed(ramp.peak());
            sessions = closed((ramp.from + ramp.to) / 2.0).map(|rate| rate * duration);
        }
        Some(Arrivals::Registered(ramp)) => {
            rate = Some(registered(ramp.peak()).1);
            sessions = Some(registered((ramp.from + ramp.to) / 2.0).0 * duration);
        }
        Some(Arrivals::Phases(phases)) => {
            let mut most = Some(0.0_f64);
            let mut total = Some(0.0_f64);
            for phase in phases {
                let seconds = phase.duration.seconds();
                let (peak, mean) = if let Some(ramp) = &phase.rate {
                    (Some(ramp.peak() * batch), Some((ramp.from + ramp.to) / 2.0 * batch))
                } else if let Some(ramp) = &phase.users {
                    users = Some(users.unwrap_or(0.0_f64).max(ramp.peak()));
                    (closed(ramp.peak()), closed((ramp.from + ramp.to) / 2.0))
                } else if let Some(ramp) = &phase.registered {
                    (
                        Some(registered(ramp.peak()).1),
                        Some(registered((ramp.from + ramp.to) / 2.0).0),
                    )
                } else {
                    let rate = phase.sessions.map(|sessions| sessions as f64 * batch / seconds);
                    (rate, rate)
                };
                most = most.zip(peak).map(|(most, peak)| most.max(peak));
                total = total.zip(mean).map(|(total, mean)| total + mean * seconds);
            }
            rate = most;
            sessions = total;
        }
        Some(Arrivals::Every(gap)) => {
            rate = mean(gap).filter(|&gap| gap > 0.0).map(|gap| batch / gap);
            sessions = rate.map(|rate| rate * duration);
        }
        Some(Arrivals::At(times)) => sessions = Some(times.len() as f64 * batch),
        Some(Arrivals::Trace(_)) | None => {}
    }
    let people = load
        .people
        .as_ref()
        .and_then(|people| people.count)
        .map(|count| count as f64);
    let addresses = load
        .ips
        .map(|ips| ips as f64)
        .or_else(|| people.map(|people| (people / load.people_per_ip.unwrap_or(1.0)).max(1.0)));
    Stream {
        name,
        session,
        sessions_per_second: rate,
        users,
        people,
        addresses,
        sessions,
    }
}
