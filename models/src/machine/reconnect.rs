//! What a client of a cache does while its server is away: commands wait in a line until the connection is back, or
//! until it has been tried often enough.
//!
//! Owns: when the next attempt is made, the line of commands, when all of them are given up.
//! Never: sockets, chance (the driver hands in a uniform draw), what a command does.
//! Order: commands run or are given up in the order in which they were handed in.
//!
//! The rules are those of the npm package ioredis with its defaults (read in the sources of 5.8.2 and 6.0.0): each close
//! of the connection, also of one that never came about, is counted and followed by a wait. Commands of that time stand
//! in a line without a bound, those that were unanswered at the close among them. At every 21st close in a row
//! (`maxRetriesPerRequest` is 20) the whole line is rejected; trying goes on. A connection that comes about ends the
//! count, and the line runs.

use std::collections::VecDeque;

use crate::{SimSpan, SimTime};

/// Which client it is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReconnectKind {
    /// ioredis 5: after the n-th close it waits for min(50 n, 2000) ms.
    Ioredis5,
    /// ioredis 6: min(50 · 2^(n-1), 5000) ms and up to 199 ms more.
    Ioredis6,
    /// A client without a line: a command fails at once while the connection is away. It tries again every 50 ms.
    FailsAtOnce,
}

/// Closes in a row at which the line is rejected: `maxRetriesPerRequest` and one.
const CLOSES: u32 = 21;

impl ReconnectKind {
    /// How long it waits after the n-th close in a row, n from 1; `uniform` is a draw from [0, 1).
    #[must_use]
    pub fn wait(self, closes: u32, uniform: f64) -> SimSpan {
        let closes = u64::from(closes.max(1));
        match self {
            Self::Ioredis5 => SimSpan::from_millis((50 * closes).min(2000)),
            Self::Ioredis6 => {
                let doubled = 50u64 << (closes - 1).min(10);
                // Whole milliseconds, as `Math.floor(Math.random() * 200)` gives.
                SimSpan::from_millis(doubled.min(5000) + ((uniform * 200.0) as u64).min(199))
            }
            Self::FailsAtOnce => SimSpan::from_millis(50),
        }
    }

    /// Whether commands wait for the connection.
    #[must_use]
    pub const fn has_line(self) -> bool {
        !matches!(self, Self::FailsAtOnce)
    }
}

/// What the client decided about commands.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ReconnectOutput<T> {
    /// The command is sent.
    Run(T),
    /// The command fails: the connection has been closed too often.
    Reject(T),
}

/// A client's one connection and its line.
#[derive(Clone, Debug)]
pub struct Reconnect<T> {
    kind: ReconnectKind,
    connected: bool,
    closes: u32,
    retry_at: SimTime,
    line: VecDeque<T>,
    outputs: VecDeque<ReconnectOutput<T>>,
}

impl<T: Copy> Reconnect<T> {
    /// A client that is connected.
    #[must_use]
    pub fn new(kind: ReconnectKind) -> Self {
        Self {
            kind,
            connected: true,
            closes: 0,
            retry_at: SimTime::NEVER,
            line: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Hands in a command while the connection is away, or one that was unanswered when it closed.
    pub fn submit(&mut self, ticket: T) {
        if self.connected {
            self.outputs.push_back(ReconnectOutput::Run(ticket));
        } else if self.kind.has_line() {
            self.line.push_back(ticket);
        } else {
            self.outputs.push_back(ReconnectOutput::Reject(ticket));
        }
    }

    /// The connection closed, or an attempt ended without one. `uniform` is a draw from [0, 1).
    pub fn closed(&mut self, now: SimTime, uniform: f64) {
        self.connected = false;
        self.closes = self.closes.saturating_add(1);
        self.retry_at = now + self.kind.wait(self.closes, uniform);
        if self.closes.is_multiple_of(CLOSES) {
            let rejected = self.line.drain(..).map(ReconnectOutput::Reject);
            self.outputs.extend(rejected);
        }
    }

    /// The connection is there.
    pub fn connected(&mut self) {
        self.connected = true;
        self.closes = 0;
        self.retry_at = SimTime::NEVER;
        let run = self.line.drain(..).map(ReconnectOutput::Run);
        self.outputs.extend(run);
    }

    /// The next decision; call until `None` after each input.
    pub fn poll(&mut self) -> Option<ReconnectOutput<T>> {
        self.outputs.pop_front()
    }

    /// When to try next; [`SimTime::NEVER`] while connected. What comes of it is told by [`Reconnect::closed`] or
    /// [`Reconnect::connected`].
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        self.retry_at
    }

    /// Whether commands can be sent.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Commands in the line.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Another client from now on: the wait under way keeps its end.
    pub fn set_kind(&mut self, kind: ReconnectKind) {
        self.kind = kind;
        if !kind.has_line() {
            let rejected = self.line.drain(..).map(ReconnectOutput::Reject);
            self.outputs.extend(rejected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands a command in at the first close and refuses every attempt at once: when is it rejected, in seconds?
    fn rejected_after(kind: ReconnectKind, uniform: f64) -> f64 {
        let mut client = Reconnect::new(kind);
        let mut now = SimTime::ZERO;
        client.closed(now, uniform);
        client.submit('a');
        loop {
            match client.poll() {
                Some(ReconnectOutput::Reject('a')) => return now.seconds(),
                Some(other) => panic!("{other:?}"),
                None => {
                    now = client.next_deadline();
                    client.closed(now, uniform);
                }
            }
        }
    }

    // Lost if broken: how long a request hangs when the cache is away: the sum of 20 waits.
    #[test]
    fn the_line_is_given_up_at_the_21st_close() {
        assert_eq!(rejected_after(ReconnectKind::Ioredis5, 0.5), 10.5);
        // 6.35 s of doubling, 13 waits of 5 s, and 20 times what the draw adds.
        assert_eq!(rejected_after(ReconnectKind::Ioredis6, 0.0), 71.35);
        assert!((rejected_after(ReconnectKind::Ioredis6, 0.9999) - (71.35 + 20.0 * 0.199)).abs() < 1e-9);
        assert_eq!(rejected_after(ReconnectKind::FailsAtOnce, 0.5), 0.0);
    }

    // Lost if broken: commands that came while the server was away are lost, or overtake one another.
    #[test]
    fn what_waited_runs_in_order_when_the_connection_is_back() {
        let mut client = Reconnect::new(ReconnectKind::Ioredis5);
        assert!(client.is_connected());
        client.closed(SimTime::ZERO, 0.0);
        client.submit(1);
        client.submit(2);
        assert_eq!(client.poll(), None);
        assert_eq!(client.next_deadline(), SimTime::ZERO + SimSpan::from_millis(50));
        client.closed(client.next_deadline(), 0.0);
        assert_eq!(client.next_deadline(), SimTime::ZERO + SimSpan::from_millis(150));
        client.connected();
        assert_eq!(client.poll(), Some(ReconnectOutput::Run(1)));
        assert_eq!(client.poll(), Some(ReconnectOutput::Run(2)));
        client.submit(3);
        assert_eq!(client.poll(), Some(ReconnectOutput::Run(3)));
        assert_eq!((client.waiting(), client.next_deadline()), (0, SimTime::NEVER));
    }

    // Lost if broken: after the first rejection the next one comes too soon, or never.
    #[test]
    fn trying_goes_on_after_a_rejection_and_success_ends_the_count() {
        let mut client = Reconnect::new(ReconnectKind::Ioredis5);
        let mut now = SimTime::ZERO;
        let mut rejections = Vec::new();
        for close in 1..=63 {
            client.closed(now, 0.0);
            client.submit(close);
            while let Some(output) = client.poll() {
                assert!(matches!(output, ReconnectOutput::Reject(_)));
                if rejections.last() != Some(&now.seconds()) {
                    rejections.push(now.seconds());
                }
            }
            now = client.next_deadline();
        }
        // Waits 21 to 40 are 1.05 to 2 s, in all 30.5 s; then 2 s each.
        assert_eq!(rejections, [10.5, 43.0, 85.0]);
        client.connected();
        while client.poll().is_some() {}
        client.closed(now, 0.0);
        assert_eq!(client.next_deadline(), now + SimSpan::from_millis(50));
    }

    #[test]
    fn a_client_without_a_line_gives_up_what_waits() {
        let mut client = Reconnect::new(ReconnectKind::Ioredis6);
        client.closed(SimTime::ZERO, 0.0);
        client.submit('a');
        client.set_kind(ReconnectKind::FailsAtOnce);
        assert_eq!(client.poll(), Some(ReconnectOutput::Reject('a')));
        client.submit('b');
        assert_eq!(client.poll(), Some(ReconnectOutput::Reject('b')));
    }
}
