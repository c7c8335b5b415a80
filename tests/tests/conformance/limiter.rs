//! express-rate-limit, in memory and with rate-limit-redis, against `machine::limiter`.

use std::collections::BTreeSet;

use highwater_models::machine::limiter::{Limiter, LimiterRule, SlidingCounts, Verdict, WindowOpens};
use highwater_models::{SimSpan, SimTime};
use serde_json::Value;

use crate::replay::{Part, check, differences, inputs_at_ends};
use crate::trace::{Line, Recording, Trace};

/// Limiters one after another.
struct Limiters {
    /// Each with whether it counts by user.
    row: Vec<(bool, Limiter<(u8, u8)>)>,
    /// Ends of windows that refusals told of: the limiter's place, the key, when.
    ends: BTreeSet<(usize, (u8, u8), SimTime)>,
    decided: Vec<String>,
}

impl Limiters {
    fn new(trace: &Trace, rule: impl Fn(u32, SimSpan) -> LimiterRule) -> Self {
        let number = |value: &Value| value.as_u64().expect("a whole number");
        let row = trace.settings["limiters"].as_array().expect("a list").iter();
        let row = row.map(|limiter| {
            let window = SimSpan::from_millis(number(&limiter["window"]));
            let rule = rule(number(&limiter["limit"]) as u32, window);
            (limiter["by"] == "user", Limiter::new(rule))
        });
        Self {
            row: row.collect(),
            ends: BTreeSet::new(),
            decided: Vec::new(),
        }
    }

    fn hit(&mut self, now: SimTime, request: usize, ip: &str, user: &str) -> String {
        for (place, (by_user, limiter)) in self.row.iter_mut().enumerate() {
            let key = key(*by_user, ip, user);
            match limiter.hit(now, key) {
                Verdict::Admit => {}
                Verdict::Refuse {
                    retry_after: SimSpan::FOREVER,
                } => return format!("refuse {request} {place} never"),
                Verdict::Refuse { retry_after } => {
                    self.ends.insert((place, key, now + retry_after));
                    let millis = retry_after.nanos() / 1_000_000;
                    return format!("refuse {request} {place} {millis} {}", millis.div_ceil(1000));
                }
            }
        }
        format!("admit {request}")
    }
}

/// By user, else by address.
fn key(by_user: bool, ip: &str, user: &str) -> (u8, u8) {
    if by_user && user != "0" {
        (1, user.as_bytes()[0])
    } else {
        (0, ip.as_bytes()[0])
    }
}

impl Part for Limiters {
    fn input(&mut self, input: &Line) {
        match input.word(0) {
            "hit" => {
                let decided = self.hit(input.at, input.number(1), input.word(2), input.word(3));
                self.decided.push(decided);
            }
            "forget" => self.row.iter_mut().for_each(|(_, limiter)| limiter.forget()),
            "reset" => self.row[input.number(1)].1.forget(),
            other => panic!("{other:?} is no input of a limiter"),
        }
    }

    fn next_deadline(&self) -> SimTime {
        SimTime::NEVER
    }

    fn advance(&mut self, _: SimTime) {}

    fn is_at_an_end(&self, input: &Line) -> bool {
        let is_end = |(place, (by_user, _)): (usize, &(bool, _))| {
            let key = key(*by_user, input.word(2), input.word(3));
            self.ends.contains(&(place, key, input.at))
        };
        input.word(0) == "hit" && self.row.iter().enumerate().any(is_end)
    }

    fn decided(&mut self) -> Vec<String> {
        std::mem::take(&mut self.decided)
    }
}

fn first_hit(limit: u32, per: SimSpan) -> LimiterRule {
    let opens = WindowOpens::FirstHit;
    LimiterRule::FixedWindow { limit, per, opens }
}

/// Hits at the very end of their key's window.
pub fn at_ends(recording: &Recording) -> usize {
    inputs_at_ends(recording, |trace| Limiters::new(trace, first_hit))
}

fn check_recording(name: &str) {
    check(&Recording::read(name), |trace| Limiters::new(trace, first_hit));
}

// Lost if broken: the plan's limiters in the version that they had on the day it was written.
#[test]
fn express_rate_limit_8_2_1_decides_as_ours_does() {
    check_recording("express-rate-limit-8.2.1");
}

// Lost if broken: the plan's limiters as they are today.
#[test]
fn express_rate_limit_8_7_5_decides_as_ours_does() {
    check_recording("express-rate-limit-8.7.5");
}

// Lost if broken: limiters whose counts are in a server that several processes share.
#[test]
fn rate_limit_redis_4_3_1_decides_as_ours_does() {
    check_recording("rate-limit-redis-4.3.1");
}

// Lost if broken: the same, today.
#[test]
fn rate_limit_redis_6_0_1_decides_as_ours_does() {
    check_recording("rate-limit-redis-6.0.1");
}

// Lost if broken: a trace that any limiter would pass shows nothing.
#[test]
fn a_limiter_that_is_a_little_wrong_is_found_out() {
    for name in ["express-rate-limit-8.7.5", "rate-limit-redis-6.0.1"] {
        let recording = Recording::read(name);
        let found =
            |rule: fn(u32, SimSpan) -> LimiterRule| differences(&recording, |trace| Limiters::new(trace, rule)).len();
        let one_more = found(|limit, per| first_hit(limit + 1, per));
        assert!(
            one_more > 50,
            "{name}: one more in a window differs in {one_more} traces only"
        );
        let longer = found(|limit, per| first_hit(limit, SimSpan::from_nanos(per.nanos() + 1)));
        assert!(
            longer > 50,
            "{name}: a window a nanosecond longer differs in {longer} traces only"
        );
        let clock = found(|limit, per| LimiterRule::FixedWindow {
            limit,
            per,
            opens: WindowOpens::Clock,
        });
        assert!(clock > 50, "{name}: windows by the clock differ in {clock} traces only");
        let sliding = found(|limit, per| LimiterRule::SlidingWindow {
            limit,
            per,
            counts: SlidingCounts::All,
        });
        assert!(
            sliding > 50,
            "{name}: a sliding window differs in {sliding} traces only"
        );
    }
}
