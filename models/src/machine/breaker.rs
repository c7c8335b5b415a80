//! A circuit breaker: stops asking somebody who only fails.
//!
//! Owns: the times of the last failures, and whether it is closed, open or trying.
//! Never: what a failure is, or what is asked; the driver reports both.
//!
//! Closed, everything passes, until so many failures lie within the window: then it opens and everything is refused at
//! once. When it has been open for its time, one try passes and the rest is still refused. If that try succeeds it
//! closes and has forgotten the failures; if it fails it is open again for as long.

use std::collections::VecDeque;

use crate::{SimSpan, SimTime};

/// Settings of a breaker.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// So many failures open it; never zero.
    pub failures: u32,
    /// Failures older than this do not count.
    pub window: SimSpan,
    /// It stays open for so long.
    pub open_for: SimSpan,
}

/// Where a breaker is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: SimTime,
    },
    /// One try is under way.
    Trying,
}

/// Leave to ask, to be reported back in exactly one way: [`Breaker::succeeded`], [`Breaker::failed`] or
/// [`Breaker::forget`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    is_try: bool,
    /// How often it had opened: what was asked before then says nothing about now.
    opened: u32,
}

/// The breaker.
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: State,
    /// Times of failures, at most as many as open it.
    failures: VecDeque<SimTime>,
    opened: u32,
}

impl Breaker {
    /// Closed, without a failure.
    #[must_use]
    pub fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            state: State::Closed,
            failures: VecDeque::new(),
            opened: 0,
        }
    }

    /// Other settings for what is decided from now on: one that is open stays so until its time is over.
    pub fn set_config(&mut self, config: BreakerConfig) {
        self.config = config;
        while self.failures.len() > config.failures as usize {
            self.failures.pop_front();
        }
    }

    /// Asks for leave.
    ///
    /// # Errors
    /// When it refuses: how long until it may be worth asking again.
    pub fn ask(&mut self, now: SimTime) -> Result<Pass, SimSpan> {
        let is_try = match self.state {
            State::Closed => false,
            State::Open { until } if now < until => return Err(until.since(now)),
            State::Open { .. } => {
                self.state = State::Trying;
                true
            }
            // Nobody knows how long a try takes.
            State::Trying => return Err(SimSpan::ZERO),
        };
        Ok(Pass {
            is_try,
            opened: self.opened,
        })
    }

    /// What was asked under this pass has succeeded.
    pub fn succeeded(&mut self, pass: Pass) {
        if self.is_current_try(pass) {
            self.state = State::Closed;
            self.failures.clear();
        }
    }

    /// What was asked under this pass has failed. Whether that opened it.
    pub fn failed(&mut self, now: SimTime, pass: Pass) -> bool {
        if self.is_current_try(pass) {
            self.open(now);
            return true;
        }
        if self.state != State::Closed || pass.opened != self.opened {
            return false;
        }
        let window = self.config.window;
        while self.failures.front().is_some_and(|&at| at + window <= now) {
            self.failures.pop_front();
        }
        self.failures.push_back(now);
        let opens = self.failures.len() as u64 >= u64::from(self.config.failures.max(1));
        if opens {
            self.open(now);
        }
        opens
    }

    /// What was asked under this pass was given up before it had an answer: the next may try.
    pub fn forget(&mut self, now: SimTime, pass: Pass) {
        if self.is_current_try(pass) {
            self.state = State::Open { until: now };
        }
    }

    /// Whether it refuses at this moment.
    #[must_use]
    pub fn is_open(&self, now: SimTime) -> bool {
        match self.state {
            State::Closed => false,
            State::Open { until } => now < until,
            State::Trying => true,
        }
    }

    /// How often it has opened.
    #[must_use]
    pub fn opened(&self) -> u32 {
        self.opened
    }

    fn is_current_try(&self, pass: Pass) -> bool {
        pass.is_try && pass.opened == self.opened && self.state == State::Trying
    }

    fn open(&mut self, now: SimTime) {
        self.state = State::Open {
            until: now + self.config.open_for,
        };
        self.failures.clear();
        self.opened = self.opened.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{check, shown, span};
    use super::*;

    /// `ask NAME`, `ok NAME`, `fail NAME`, `forget NAME`.
    fn check_breaker(failures: u32, window: &str, open_for: &str, table: &str) {
        let mut breaker = Breaker::new(BreakerConfig {
            failures,
            window: span(window),
            open_for: span(open_for),
        });
        let mut passes: Vec<(String, Pass)> = Vec::new();
        check(table, |now, words| {
            let of =
                |passes: &[(String, Pass)]| passes.iter().rev().find(|(name, _)| name == words[1]).expect("asked").1;
            match words[0] {
                "ask" => match breaker.ask(now) {
                    Ok(pass) => {
                        passes.push((words[1].to_owned(), pass));
                        if pass.is_try { "try" } else { "pass" }.to_owned()
                    }
                    Err(wait) => format!("refused for {}", shown(wait)),
                },
                "ok" => {
                    breaker.succeeded(of(&passes));
                    if breaker.is_open(now) { "open" } else { "closed" }.to_owned()
                }
                "fail" => if breaker.failed(now, of(&passes)) { "opens" } else { "" }.to_owned(),
                "forget" => {
                    breaker.forget(now, of(&passes));
                    String::new()
                }
                other => panic!("no input {other}"),
            }
        });
    }

    /// Lost if broken: a breaker that never opens protects nobody, one that opens too early is an outage of its own.
    #[test]
    fn so_many_failures_within_the_window_open_it_and_one_more_than_a_window_apart_do_not() {
        check_breaker(
            3,
            "10s",
            "30s",
            "
            0s      ask a  | pass
            0s      fail a |
            5s      ask b  | pass
            5s      fail b |
            10s     ask c  | pass
            10s     fail c |         // the first failure is a window old and counts no more
            14999ms ask d  | pass
            14999ms fail d | opens   // three within ten seconds
            15s     ask e  | refused for 29999ms
        ",
        );
    }

    /// Lost if broken: everybody rushes in at once when the time is up, or nobody ever does.
    #[test]
    fn after_its_time_one_may_try_and_its_end_decides() {
        check_breaker(
            1,
            "1s",
            "10s",
            "
            0s  ask a   | pass
            0s  ask old | pass
            1s  fail a  | opens
            11s ask b   | try
            11s ask c   | refused for 0s
            12s fail b  | opens
            13s ask d   | refused for 9s
            22s ask e   | try
            23s fail old |            // asked before it opened: says nothing about now
            24s ok e    | closed
            24s ask f   | pass
        ",
        );
    }

    /// Lost if broken: a try whose client went away would keep it shut for ever.
    #[test]
    fn a_try_that_is_given_up_leaves_the_next_one_to_try() {
        check_breaker(
            1,
            "1s",
            "10s",
            "
            0s  ask a    | pass
            0s  fail a   | opens
            10s ask b    | try
            11s forget b |
            11s ask c    | try
        ",
        );
    }
}
