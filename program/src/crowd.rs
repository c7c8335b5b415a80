//! Who comes, and when: streams of sessions and the people they belong to.
//!
//! Owns: how far each stream has come, who is online, and the keys of sessions, requests and attempts. Whoever plays a
//! scenario asks here, in simulated time or in real: two runs under one seed see the same people come at the same moments
//! and want the same things.
//! Never: what a session does, and what becomes of it.
//! Order: a stream's sessions are numbered as they begin.

use highwater_models::{SimSpan, SimTime};
use highwater_workload::arrivals::{Arrivals, Segment};
use highwater_workload::popularity::Popularity;
use highwater_workload::stream::Purpose;
use highwater_workload::{Draw, Key, Sampler};

use crate::model::{Addresses, Coming, Model, Recorded, Source, Who};

/// Where the number of a person or an address within its stream ends, and that of the stream begins.
const STREAM: u32 = 48;

/// The number within its stream of a person or an address.
#[must_use]
#[inline]
pub const fn within_stream(number: u64) -> u64 {
    number & ((1 << STREAM) - 1)
}

/// The key of the `number`-th request of a session: what its steps and its client draw.
#[must_use]
#[inline(always)]
pub const fn request_key(session: Key, number: u64) -> Key {
    session.purpose(Purpose::Request).child(number)
}

/// The key of the `number`-th attempt at a request: what its steps draw.
#[must_use]
#[inline(always)]
pub const fn attempt_key(request: Key, number: u32) -> Key {
    request.child(number as u64)
}

/// The key of what a session's flow draws: think times, choices, repetitions.
#[must_use]
#[inline(always)]
pub const fn flow_key(session: Key) -> Key {
    session.purpose(Purpose::Flow)
}

/// The uniform draw for the wait before one more attempt at a request that has had so many.
#[must_use]
#[inline]
pub fn retry_draw(request: Key, attempts: u32) -> f64 {
    request.at(1, attempts).draw().uniform()
}

/// The uniform draw that decides whether a person presses again, where how long they wait is drawn at `place`.
#[must_use]
#[inline]
pub fn resend_draw(request: Key, place: u64) -> f64 {
    request.at(!place, 0).draw().uniform()
}

/// Whose session it is, and what it is about.
#[derive(Clone, Debug)]
pub struct Identity {
    /// From which all that is drawn for it is drawn.
    pub key: Key,
    /// Its number within its stream.
    pub number: u64,
    /// Whose it is: the stream's number above the one within the stream (see [`within_stream`]).
    pub person: u64,
    /// Class, by its number in [`Model::classes`].
    pub class: u8,
    /// From which address, a number like the person's.
    pub ip: u64,
    /// Its flow, by its number in [`Model::flows`].
    pub flow: u16,
    /// Whether it begins signed in.
    pub signed_in: bool,
}

/// What an arrival brings.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// So many sessions begin.
    pub sessions: u32,
    /// What was recorded about them.
    pub recorded: Option<Recorded>,
}

/// What a change of a stream's rate means for the arrival that was expected.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It comes as it was to come.
    Nothing,
    /// The next arrival is another one, or there is none.
    Expect(Option<SimTime>),
    /// It wants so many at a time: see [`Crowd::missing`], then [`Crowd::next_arrival`].
    Level,
}

/// How far a stream of sessions has come.
#[derive(Clone, Debug)]
struct Stream {
    arrivals: Option<Arrivals>,
    /// The next of given times.
    next_at: usize,
    sessions: u64,
    /// Users of a closed stream that are there, and that have ever been.
    active: u64,
    users: u64,
    people: u64,
    draws: Draw,
    batch: Option<Sampler>,
    every: Option<Sampler>,
    /// A bit for each person.
    online: Vec<u64>,
    /// How many times as many come.
    factor: f64,
}

impl Stream {
    fn is_online(&self, person: u64) -> bool {
        let word = self.online.get(person as usize / 64);
        word.is_some_and(|word| word & (1 << (person % 64)) != 0)
    }

    fn mark_online(&mut self, person: u64) {
        let word = person as usize / 64;
        if word >= self.online.len() {
            // In large steps, so that growing stops soon.
            self.online.resize((word + 1).next_power_of_two(), 0);
        }
        self.online[word] |= 1 << (person % 64);
    }

    fn mark_offline(&mut self, person: u64) {
        if let Some(word) = self.online.get_mut(person as usize / 64) {
            *word &= !(1 << (person % 64));
        }
    }
}

/// All streams of a run.
#[derive(Clone, Debug)]
pub struct Crowd {
    root: Key,
    /// What every session's key is made from.
    sessions: Key,
    streams: Vec<Stream>,
}

impl Crowd {
    /// Nobody has come yet.
    #[must_use]
    pub fn new(model: &Model, root: Key) -> Self {
        let stream = |(number, source): (usize, &Source)| {
            let key = root.purpose(Purpose::Arrivals).child(number as u64);
            let arrivals = match &source.coming {
                Coming::Open {
                    segments,
                    spacing,
                    bursts,
                } => Some(Arrivals::new(segments.clone(), spacing.clone(), bursts.clone(), key)),
                _ => None,
            };
            let every = match &source.coming {
                Coming::Every(law) => Some(law.clone()),
                _ => None,
            };
            Stream {
                arrivals,
                next_at: 0,
                sessions: 0,
                active: 0,
                users: 0,
                people: 0,
                draws: key.purpose(Purpose::Batch).draw(),
                batch: source.batch.clone(),
                every,
                online: Vec::new(),
                factor: 1.0,
            }
        };
        Self {
            root,
            sessions: root.purpose(Purpose::Session),
            streams: model.sources.iter().enumerate().map(stream).collect(),
        }
    }

    /// When a stream's next arrival is, as far as it comes before the end of the load. For one that has so many users at a
    /// time: when it wants one more.
    pub fn next_arrival(&mut self, model: &Model, source: u16, now: SimTime) -> Option<SimTime> {
        let stream = &mut self.streams[source as usize];
        let at = match &model.sources[source as usize].coming {
            Coming::Open { .. } => stream.arrivals.as_mut().and_then(Iterator::next),
            Coming::At(times) => times.get(stream.next_at).copied(),
            Coming::Trace(rows) => rows.get(stream.next_at).map(|row| row.at),
            Coming::Every(_) if stream.factor > 0.0 => {
                let factor = stream.factor;
                let gap = stream.every.as_mut().map(|law| law.span(&mut stream.draws));
                gap.map(|gap| now + scaled(gap, 1.0 / factor).max(SimSpan::from_nanos(1)))
            }
            // Looked at again when somebody is to come.
            Coming::Every(_) => None,
            Coming::Closed { segments } => {
                let wanted = (stream.active + 1) as f64 / stream.factor;
                rise(segments, now, wanted)
            }
        };
        at.filter(|&at| at <= model.duration)
    }

    /// How many sessions an arrival brings, of a stream that does not have so many users at a time.
    pub fn arrive(&mut self, model: &Model, source: u16) -> Arrival {
        let spec = &model.sources[source as usize];
        let stream = &mut self.streams[source as usize];
        let recorded = match &spec.coming {
            Coming::Trace(rows) => rows.get(stream.next_at).cloned(),
            _ => None,
        };
        stream.next_at += 1;
        let mut sessions = stream.batch.as_mut().map_or(1, |batch| batch.count(&mut stream.draws));
        let has_times = matches!(spec.coming, Coming::At(_) | Coming::Trace(_));
        if has_times && stream.factor != 1.0 {
            // On average so many times as many: the fraction by chance.
            let wanted = f64::from(sessions) * stream.factor;
            sessions = wanted as u32 + u32::from(stream.draws.uniform() < wanted.fract());
        }
        Arrival { sessions, recorded }
    }

    /// From now on so many times as many come from a stream as its present settings say. The next arrival was expected at
    /// `expected` ([`SimTime::NEVER`] for none).
    pub fn change(&mut self, model: &Model, source: u16, factor: f64, now: SimTime, expected: SimTime) -> Changed {
        let stream = &mut self.streams[source as usize];
        let before = std::mem::replace(&mut stream.factor, factor);
        let at = match &model.sources[source as usize].coming {
            Coming::Open { segments, .. } => {
                let arrivals = stream.arrivals.as_mut();
                arrivals.and_then(|arrivals| arrivals.change(now, segments.clone(), factor))
            }
            Coming::Closed { .. } => return Changed::Level,
            Coming::Every(_) if expected == SimTime::NEVER => self.next_arrival(model, source, now),
            Coming::Every(_) => (factor > 0.0).then(|| now + scaled(expected.since(now), before / factor)),
            // Their times are given; of each there are more, or fewer.
            Coming::At(_) | Coming::Trace(_) => return Changed::Nothing,
        };
        Changed::Expect(at.filter(|&at| at <= model.duration))
    }

    /// From now on so many times as many come, of a stream that nobody comes from any more.
    pub fn set_factor(&mut self, source: u16, factor: f64) {
        self.streams[source as usize].factor = factor;
    }

    /// How many times as many come from a stream as its settings say.
    #[must_use]
    pub fn factor(&self, source: u16) -> f64 {
        self.streams[source as usize].factor
    }

    /// A stream's settings are those of another model from now on, but for its rate: see [`change`](Self::change).
    pub fn adopt(&mut self, model: &Model, old: &Model, source: u16) {
        let spec = &model.sources[source as usize];
        let stream = &mut self.streams[source as usize];
        stream.batch.clone_from(&spec.batch);
        if let Coming::Open { spacing, bursts, .. } = &spec.coming
            && let Some(arrivals) = &mut stream.arrivals
        {
            arrivals.set_laws(spacing, bursts.as_ref());
        }
        if let (Coming::Every(law), Coming::Every(before)) = (&spec.coming, &old.sources[source as usize].coming)
            && law != before
        {
            stream.every = Some(law.clone());
        }
    }

    /// How many users more a stream wants that has so many at a time.
    #[must_use]
    pub fn missing(&self, model: &Model, source: u16, now: SimTime) -> u64 {
        let stream = &self.streams[source as usize];
        match &model.sources[source as usize].coming {
            Coming::Closed { segments } => level_at(segments, now, stream.factor).saturating_sub(stream.active),
            _ => 0,
        }
    }

    /// One user more of a stream that has so many at a time: the user's number.
    pub fn begin_user(&mut self, source: u16) -> u64 {
        let stream = &mut self.streams[source as usize];
        stream.active += 1;
        stream.users += 1;
        stream.users - 1
    }

    /// A session begins, of that user where the stream has so many at a time.
    #[inline(always)]
    pub fn begin(
        &mut self,
        model: &Model,
        source: u16,
        user: u64,
        recorded: Option<&Recorded>,
        now: SimTime,
    ) -> Identity {
        let spec = &model.sources[source as usize];
        let stream = &mut self.streams[source as usize];
        let number = stream.sessions;
        stream.sessions += 1;
        let key = self.sessions.child((u64::from(source) << STREAM) | number);
        let (person, class, ip) = match (spec.strangers, recorded) {
            (Some(class), None) => {
                let people_of = u64::from(spec.people_of) << STREAM;
                let people = &mut self.streams[spec.people_of as usize].people;
                let person = people_of | *people;
                *people += 1;
                (person, class, people_of ^ person)
            }
            _ => self.who_comes(model, source, user, recorded, key, now),
        };
        let flow = match recorded.and_then(|row| row.flow) {
            Some(flow) => flow,
            None => pick(&spec.flows, || key.child(1).draw().uniform()).unwrap_or(0),
        };
        let signed_in =
            spec.signed_in >= 1.0 || (spec.signed_in > 0.0 && key.child(2).draw().uniform() < spec.signed_in);
        Identity {
            key,
            number,
            person,
            class,
            ip,
            flow,
            signed_in,
        }
    }

    /// A person's session ends. True when the same user begins the next one, of a stream that has so many at a time;
    /// `loading` while anybody still comes.
    #[inline(always)]
    pub fn end(&mut self, model: &Model, source: u16, person: u64, now: SimTime, loading: bool) -> bool {
        let spec = &model.sources[source as usize];
        if !matches!(spec.who, Who::Same | Who::New | Who::InOrder(_)) {
            self.streams[spec.people_of as usize].mark_offline(within_stream(person));
        }
        if let Coming::Closed { segments } = &spec.coming {
            let stream = &mut self.streams[source as usize];
            if loading && is_wanted(segments, stream, now) {
                return true;
            }
            stream.active -= 1;
        }
        false
    }

    /// A person of a stream by their number within it: the whole number, and their class.
    #[must_use]
    pub fn person(&self, model: &Model, source: u16, person: u64) -> (u64, u8) {
        let spec = &model.sources[source as usize];
        let person = (u64::from(spec.people_of) << STREAM) | person;
        (person, self.class_of(spec, person))
    }

    #[inline]
    fn class_of(&self, spec: &Source, person: u64) -> u8 {
        let key = || self.root.purpose(Purpose::Person).child(person).child(0);
        pick(&spec.classes, || key().draw().uniform()).unwrap_or(0)
    }

    /// Whose session it is, of which class and from which address.
    fn who_comes(
        &mut self,
        model: &Model,
        source: u16,
        user: u64,
        recorded: Option<&Recorded>,
        key: Key,
        now: SimTime,
    ) -> (u64, u8, u64) {
        let spec = &model.sources[source as usize];
        let person = match recorded.and_then(|row| row.person) {
            Some(person) => person,
            None => self.choose_person(model, source, user, key, now),
        };
        let people_of = spec.people_of;
        let person = (u64::from(people_of) << STREAM) | person;
        let root = self.root;
        let of_person = || root.purpose(Purpose::Person).child(person);
        let class = match recorded.and_then(|row| row.class) {
            Some(class) => class,
            None => self.class_of(spec, person),
        };
        let ip = match (recorded.and_then(|row| row.ip), spec.addresses) {
            (Some(ip), _) => ip,
            (None, Addresses::Count(count)) => of_person().child(1).draw().below(count.max(1)),
            (None, Addresses::PeoplePerAddress(people)) => match &spec.who {
                Who::Even(count) | Who::InOrder(count) | Who::Popular(count, _) if people > 1.0 => {
                    let addresses = (*count as f64 / people).ceil().max(1.0);
                    of_person().child(1).draw().below(addresses as u64)
                }
                // People who come once share an address with those who come after them.
                _ if people > 1.0 => (within_stream(person) as f64 / people) as u64,
                _ => person,
            },
        };
        (person, class, (u64::from(people_of) << STREAM) ^ ip)
    }

    /// Whose session it is: a number within the stream.
    #[inline(always)]
    fn choose_person(&mut self, model: &Model, source: u16, user: u64, key: Key, now: SimTime) -> u64 {
        let spec = &model.sources[source as usize];
        let stream = &mut self.streams[spec.people_of as usize];
        match &spec.who {
            Who::Same => user,
            Who::New => {
                stream.people += 1;
                stream.people - 1
            }
            Who::InOrder(count) => {
                stream.people += 1;
                (stream.people - 1) % count.max(&1)
            }
            Who::Registered(members) => {
                let (joined, left) = (level_at(&members.joined, now, 1.0), level_at(&members.left, now, 1.0));
                choose_offline(stream, left, joined.saturating_sub(left).max(1), None, key)
            }
            Who::SignUp => {
                let members = match &model.sources[spec.people_of as usize].who {
                    Who::Registered(members) => members,
                    _ => return 0,
                };
                // The next number: at least what the curve has come to, so that nobody who is registered has it.
                let person = level_at(&members.joined, now, 1.0).max(stream.people);
                stream.people = person + 1;
                stream.mark_online(person);
                person
            }
            Who::Even(count) => choose_offline(stream, 0, *count, None, key),
            Who::Popular(count, popularity) => choose_offline(stream, 0, *count, Some(popularity), key),
        }
    }
}

/// Whether a closed stream still wants as many users as it has.
#[inline]
fn is_wanted(segments: &[Segment], stream: &Stream, now: SimTime) -> bool {
    match segments {
        // A signed number converts in one instruction.
        [only] if only.rate_from == only.rate_to => {
            stream.active as i64 as f64 <= only.rate_from * stream.factor + ROUNDING
        }
        _ => stream.active <= level_at(segments, now, stream.factor),
    }
}

/// Somebody of `count` from a number on who is not online.
fn choose_offline(stream: &mut Stream, first: u64, count: u64, popular: Option<&Popularity>, key: Key) -> u64 {
    let mut draw = key.child(0).draw();
    let mut person = 0;
    // Somebody who is not online yet; after many misses nearly everybody is, and the next one will do.
    for _ in 0..64 {
        person = match popular {
            None => first + draw.below(count),
            Some(popularity) => u64::from(popularity.draw(&mut draw)),
        };
        if !stream.is_online(person) {
            break;
        }
    }
    stream.mark_online(person);
    person
}

/// So many times as long.
fn scaled(span: SimSpan, factor: f64) -> SimSpan {
    if factor == 1.0 {
        span
    } else {
        SimSpan::from_nanos((span.nanos() as f64 * factor) as u64)
    }
}

/// A whole number on paper must stay one, whatever rounding does.
const ROUNDING: f64 = 1e-9;

/// How many users a closed stream wants at a time, with so many times its level.
fn level_at(segments: &[Segment], at: SimTime, factor: f64) -> u64 {
    let next = segments.partition_point(|segment| segment.to <= at);
    let found = segments.get(next).filter(|segment| segment.from <= at);
    let Some(segment) = found.or_else(|| segments.last()) else {
        return 0;
    };
    let length = (segment.to - segment.from).seconds();
    let share = if length > 0.0 {
        (at.since(segment.from).seconds() / length).min(1.0)
    } else {
        1.0
    };
    ((segment.rate_from + (segment.rate_to - segment.rate_from) * share) * factor + ROUNDING) as u64
}

/// When a closed stream first wants so many users, from a time on.
fn rise(segments: &[Segment], from: SimTime, wanted: f64) -> Option<SimTime> {
    for segment in segments.iter().filter(|segment| segment.to > from) {
        let start = segment.from.max(from);
        let length = (segment.to - segment.from).seconds();
        let at_start =
            segment.rate_from + (segment.rate_to - segment.rate_from) * (start.since(segment.from).seconds() / length);
        if start > from && at_start >= wanted {
            return Some(start);
        }
        if segment.rate_to > segment.rate_from && segment.rate_to >= wanted && at_start < wanted {
            let share = (wanted - segment.rate_from) / (segment.rate_to - segment.rate_from);
            // Rounded up, so that the level is surely reached.
            let at = segment.from + SimSpan::from_nanos((share * length * 1e9).ceil() as u64);
            return Some(at.max(from + SimSpan::from_nanos(1)));
        }
    }
    None
}

/// The choice that a uniform draw falls on, by cumulative weight. Where there is no choice nothing is drawn.
fn pick<T: Copy>(cumulative: &[(f64, T)], uniform: impl FnOnce() -> f64) -> Option<T> {
    let (total, last) = *cumulative.last()?;
    if cumulative.len() == 1 {
        return Some(last);
    }
    let at = uniform() * total;
    Some(
        cumulative
            .iter()
            .find(|(upto, _)| at < *upto)
            .map_or(last, |(_, choice)| *choice),
    )
}
