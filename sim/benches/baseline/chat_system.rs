//! Model C: a thousand people, a rate limit, one CPU, a cache, a connection pool and an LLM with fifty slots.
//!
//! Everyone thinks, asks, waits for the answer, and thinks again.

use super::Outcome;
use super::agenda::{Agenda, payload_of, time_of};
use super::chance::{LogNormal, Odds, Stream};
use super::histogram::Histogram;
use highwater_models::SimTime;
use std::collections::VecDeque;

/// People.
const USERS: u32 = 1000;
/// Mean time to think, in seconds, exponential.
const THINK: f64 = 5.0;
/// Requests a second that the limiter lets through for good.
const LIMIT_RATE: u64 = 300;
/// Requests that it lets through at once.
const LIMIT_BURST: u64 = 300;
/// Mean CPU time of a request, in seconds, exponential; one CPU, first come, first served.
const CPU: f64 = 0.005;
/// Share of requests that the cache answers.
const CACHE_HIT: f64 = 0.75;
/// Connections.
const CONNECTIONS: u32 = 20;
/// Mean time that a connection is held, in seconds, lognormal.
const QUERY: f64 = 0.020;
/// Its standard deviation over its mean.
const QUERY_CV: f64 = 1.0;
/// Share of requests that go on to the LLM.
const LLM_SHARE: f64 = 0.3;
/// Slots of the LLM.
const LLM_SLOTS: u32 = 50;
/// Mean time of an answer, in seconds, lognormal.
const ANSWER: f64 = 4.0;
/// Its standard deviation over its mean.
const ANSWER_CV: f64 = 0.5;

/// Requests a second with all LLM slots busy, which they are: the people could ask for four times that.
const THROUGHPUT: f64 = LLM_SLOTS as f64 / (LLM_SHARE * ANSWER);
/// The end of a thought and of the CPU's slice for each request, of a query and of an answer for some.
pub const EVENTS_PER_SECOND: f64 = THROUGHPUT * (2.0 + (1.0 - CACHE_HIT) + LLM_SHARE);
/// The theory is a bound that is nearly reached: slots stand empty only while the first requests come in, and the
/// longest answers of the last are missing.
pub const THEORY_SLACK: f64 = 0.02;

/// What a person or their request has just done; the lower bits say whose.
#[derive(Copy, Clone)]
enum Event {
    Thought,
    Computed,
    Queried,
    Answered,
}

/// Bits that say who: enough for the people there are.
const USER_BITS: u32 = 10;
const _: () = assert!(USERS <= 1 << USER_BITS);

impl Event {
    #[inline]
    fn of(self, user: u32) -> u32 {
        ((self as u32) << USER_BITS) | user
    }

    #[inline]
    fn from_payload(payload: u32) -> (Self, u32) {
        let event = match payload >> USER_BITS {
            0 => Self::Thought,
            1 => Self::Computed,
            2 => Self::Queried,
            _ => Self::Answered,
        };
        (event, payload & ((1 << USER_BITS) - 1))
    }
}

/// Mean response time in seconds when the LLM's slots are always busy: users / throughput - think time, by Little's
/// law around the whole cycle.
pub fn mean_response() -> f64 {
    f64::from(USERS) / THROUGHPUT - THINK
}

/// Throughput in requests a second that no run can exceed for long.
pub fn throughput_bound() -> f64 {
    THROUGHPUT
}

/// The mean response time in seconds that goes with a measured throughput, by the same law.
pub fn mean_response_at(throughput: f64) -> f64 {
    f64::from(USERS) / throughput - THINK
}

/// Equal servers with a line before them.
struct Station {
    free: u32,
    line: VecDeque<u32>,
}

impl Station {
    fn new(servers: u32) -> Self {
        Self {
            free: servers,
            line: VecDeque::with_capacity(USERS as usize),
        }
    }

    /// Takes a server for `user`, or a place in line; whether service begins now.
    #[inline]
    fn join(&mut self, user: u32) -> bool {
        if self.free > 0 {
            self.free -= 1;
            true
        } else {
            self.line.push_back(user);
            false
        }
    }

    /// Gives a server back; who is served next with it.
    #[inline]
    fn leave(&mut self) -> Option<u32> {
        let next = self.line.pop_front();
        self.free += u32::from(next.is_none());
        next
    }
}

/// A token bucket as the moment at which it would be full again.
struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Nanoseconds that a token takes to come back.
    const TOKEN: u64 = 1_000_000_000 / LIMIT_RATE;

    #[inline]
    fn admits(&mut self, now: u64) -> bool {
        let full_at = self.full_at.max(now);
        if full_at - now > (LIMIT_BURST - 1) * Self::TOKEN {
            return false;
        }
        self.full_at = full_at + Self::TOKEN;
        true
    }
}

/// Everything that changes, and the random streams.
struct World {
    agenda: Agenda,
    thinks: Stream,
    slices: Stream,
    lookups: Stream,
    queries: Stream,
    turns: Stream,
    answers: Stream,
    query: LogNormal,
    answer: LogNormal,
    hit: Odds,
    asks_llm: Odds,
    bucket: Bucket,
    cpu: Station,
    pool: Station,
    llm: Station,
    /// When each person's request was sent.
    sent: Vec<u64>,
    responses: Histogram,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            agenda: Agenda::with_capacity(USERS as usize),
            thinks: Stream::new(seed, 1),
            slices: Stream::new(seed, 2),
            lookups: Stream::new(seed, 3),
            queries: Stream::new(seed, 4),
            turns: Stream::new(seed, 5),
            answers: Stream::new(seed, 6),
            query: LogNormal::new(QUERY * 1e9, QUERY_CV),
            answer: LogNormal::new(ANSWER * 1e9, ANSWER_CV),
            hit: Odds::of(CACHE_HIT),
            asks_llm: Odds::of(LLM_SHARE),
            bucket: Bucket { full_at: 0 },
            cpu: Station::new(1),
            pool: Station::new(CONNECTIONS),
            llm: Station::new(LLM_SLOTS),
            sent: vec![0; USERS as usize],
            responses: Histogram::new(),
        }
    }

    #[inline]
    fn think(&mut self, now: u64, user: u32) {
        let ends = now + self.thinks.exponential(THINK * 1e9);
        self.agenda.at(ends, Event::Thought.of(user));
    }

    #[inline]
    fn compute(&mut self, now: u64, user: u32) {
        let ends = now + self.slices.exponential(CPU * 1e9);
        self.agenda.at(ends, Event::Computed.of(user));
    }

    #[inline]
    fn query(&mut self, now: u64, user: u32) {
        let ends = now + self.queries.log_normal(self.query);
        self.agenda.at(ends, Event::Queried.of(user));
    }

    #[inline]
    fn answer(&mut self, now: u64, user: u32) {
        let ends = now + self.answers.log_normal(self.answer);
        self.agenda.at(ends, Event::Answered.of(user));
    }

    /// After the cache or the query: on to the LLM, or done.
    #[inline]
    fn go_on(&mut self, now: u64, user: u32) {
        if !self.turns.happens(self.asks_llm) {
            self.finish(now, user);
        } else if self.llm.join(user) {
            self.answer(now, user);
        }
    }

    #[inline]
    fn finish(&mut self, now: u64, user: u32) {
        self.responses.record(now - self.sent[user as usize]);
        self.think(now, user);
    }
}

/// Runs from everybody beginning to think to the horizon.
pub fn run(seed: u64, horizon: SimTime) -> Outcome {
    let horizon = horizon.nanos();
    let mut world = World::new(seed);
    let (mut events, mut lost) = (0, 0);
    for user in 0..USERS {
        world.think(0, user);
    }
    loop {
        let key = world.agenda.take();
        let now = time_of(key);
        if now > horizon {
            return Outcome::new(events, lost, &world.responses);
        }
        events += 1;
        match Event::from_payload(payload_of(key)) {
            (Event::Thought, user) => {
                world.sent[user as usize] = now;
                if !world.bucket.admits(now) {
                    lost += 1;
                    world.think(now, user);
                } else if world.cpu.join(user) {
                    world.compute(now, user);
                }
            }
            (Event::Computed, user) => {
                if let Some(next) = world.cpu.leave() {
                    world.compute(now, next);
                }
                if world.lookups.happens(world.hit) {
                    world.go_on(now, user);
                } else if world.pool.join(user) {
                    world.query(now, user);
                }
            }
            (Event::Queried, user) => {
                if let Some(next) = world.pool.leave() {
                    world.query(now, next);
                }
                world.go_on(now, user);
            }
            (Event::Answered, user) => {
                if let Some(next) = world.llm.leave() {
                    world.answer(now, next);
                }
                world.finish(now, user);
            }
        }
    }
}
