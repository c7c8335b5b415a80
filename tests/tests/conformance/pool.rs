//! pg-pool against `machine::connections`.

use highwater_models::machine::connections::{ConnectionId, Connections, ConnectionsConfig, ConnectionsOutput};
use highwater_models::{Cause, SimSpan, SimTime};

use crate::replay::{Part, check, differences, inputs_at_ends};
use crate::trace::{Line, Recording, Trace};

const OLD: &str = "pg-pool-3.10.1";
const NEW: &str = "pg-pool-3.14.0";

/// The settings of a trace, as our pool has them.
fn config(trace: &Trace, recheck_min: bool) -> ConnectionsConfig {
    ConnectionsConfig {
        max: trace.count("max") as u32,
        min: trace.count("min") as u32,
        idle_timeout: trace.span("idle"),
        timeout: trace.span_or_forever("timeout"),
        waiters: u32::MAX,
        max_uses: match trace.count("uses") {
            0 => u32::MAX,
            uses => uses as u32,
        },
        max_lifetime: trace.span_or_forever("life"),
        drop_on_error: true,
        recheck_min,
    }
}

struct Pool {
    machine: Connections<usize>,
    /// Connections in the order in which they were opened.
    opened: Vec<ConnectionId>,
    /// What the server answered to the attempt that is reported.
    answer: String,
    decided: Vec<String>,
}

impl Pool {
    fn new(config: ConnectionsConfig) -> Self {
        Self {
            machine: Connections::new(config),
            opened: Vec::new(),
            answer: String::new(),
            decided: Vec::new(),
        }
    }

    fn number(&self, connection: ConnectionId) -> usize {
        self.opened
            .iter()
            .position(|&opened| opened == connection)
            .expect("opened before")
    }
}

impl Part for Pool {
    fn input(&mut self, input: &Line) {
        let now = input.at;
        // After a difference the trace may name what we never opened.
        let connection = |pool: &Self| pool.opened.get(input.number(1)).copied().unwrap_or_default();
        match input.word(0) {
            "ask" => {
                self.machine.acquire(now, input.number(1));
            }
            "opened" => self.machine.opened(now, connection(self)),
            "failed" => {
                self.answer = input.word(2).to_owned();
                self.machine
                    .open_failed(now, connection(self), Cause::ConnectionRefused);
            }
            "back" => self.machine.release(now, connection(self), input.word(2) == "ok"),
            "cut" => {
                "cut".clone_into(&mut self.answer);
                self.machine.lost(now, connection(self));
            }
            "end" => self.machine.end(now),
            other => panic!("{other:?} is no input of a pool"),
        }
    }

    fn next_deadline(&self) -> SimTime {
        self.machine.next_deadline()
    }

    fn advance(&mut self, now: SimTime) {
        self.machine.advance(now);
    }

    fn decided(&mut self) -> Vec<String> {
        while let Some(output) = self.machine.poll() {
            let words = match output {
                ConnectionsOutput::Lend {
                    ticket,
                    connection,
                    fresh,
                    ..
                } => {
                    let fresh = if fresh { "fresh" } else { "used" };
                    format!("lend {ticket} {} {fresh}", self.number(connection))
                }
                ConnectionsOutput::Open { connection } => {
                    self.opened.push(connection);
                    format!("open {}", self.opened.len() - 1)
                }
                ConnectionsOutput::Close { connection } => format!("close {}", self.number(connection)),
                ConnectionsOutput::Refuse { ticket, cause, .. } => {
                    let why = match cause {
                        Cause::PoolTimeout => "pool-timeout",
                        Cause::ConnectTimeout => "connect-timeout",
                        Cause::DatabaseUnavailable if self.machine.is_ending() => "ended",
                        _ => &self.answer,
                    };
                    format!("refuse {ticket} {why}")
                }
            };
            self.decided.push(words);
        }
        std::mem::take(&mut self.decided)
    }
}

/// Inputs at the end of a wait, an attempt, an idleness or a life.
pub fn at_ends(recording: &Recording) -> usize {
    inputs_at_ends(recording, |trace| Pool::new(config(trace, recording.name == NEW)))
}

// Lost if broken: what the plan's pool does in the version that it had on the day it was written.
#[test]
fn pg_pool_3_10_1_decides_as_ours_does() {
    check(&Recording::read(OLD), |trace| Pool::new(config(trace, false)));
}

// Lost if broken: what today's pool does.
#[test]
fn pg_pool_3_14_0_decides_as_ours_does() {
    check(&Recording::read(NEW), |trace| Pool::new(config(trace, true)));
}

/// A millisecond more.
fn longer(span: SimSpan) -> SimSpan {
    SimSpan::from_nanos(span.nanos().saturating_add(1_000_000))
}

/// What makes the settings of a pool wrong.
type Change = fn(&mut ConnectionsConfig);

// Lost if broken: a trace that any pool would pass shows nothing.
#[test]
fn a_pool_that_is_a_little_wrong_is_found_out() {
    let recording = Recording::read(OLD);
    let found = |change: Change| {
        differences(&recording, |trace| {
            let mut config = config(trace, false);
            change(&mut config);
            Pool::new(config)
        })
        .len()
    };
    let wrong: [(&str, usize, Change); 8] = [
        ("one connection more", 50, |config| config.max += 1),
        ("one idle connection more kept", 50, |config| config.min += 1),
        ("idleness a millisecond longer", 50, |config| {
            config.idle_timeout = longer(config.idle_timeout)
        }),
        ("a timeout a millisecond longer", 50, |config| {
            config.timeout = longer(config.timeout)
        }),
        ("one use more", 10, |config| {
            config.max_uses = config.max_uses.saturating_add(1)
        }),
        ("a life a millisecond longer", 10, |config| {
            config.max_lifetime = longer(config.max_lifetime)
        }),
        ("connections kept after an error", 50, |config| {
            config.drop_on_error = false
        }),
        ("the minimum looked at again", 10, |config| config.recheck_min = true),
    ];
    for (name, least, change) in wrong {
        let found = found(change);
        assert!(found >= least, "{name} differs in {found} traces only");
    }
}
