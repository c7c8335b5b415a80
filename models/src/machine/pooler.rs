//! A pooler between the pools of many processes and one database: a few server connections for many clients.
//!
//! Owns: server connections by state, the line of clients that want one, the deadlines of both.
//! Never: clients' own connections, sockets, what runs on a connection; the driver opens, closes and reports.
//! Order: first come, first served; of the idle connections the one used last goes first.
//!
//! The rules are PgBouncer's (documented, and read in its `objects.c`): server connections are opened one at a time, for
//! those in the line and never ahead; after a refusal by the database none is tried for a while, and clients go on
//! waiting rather than failing; who has waited too long is turned away.

use std::collections::VecDeque;

use super::line::{Line, Place, Waiter};
use crate::{SimSpan, SimTime};

/// Settings of a pooler.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct PoolerConfig {
    /// Most server connections, those being opened among them.
    pub max: u32,
    /// Longest wait for one; [`SimSpan::FOREVER`] for no limit.
    pub wait: SimSpan,
    /// A server connection idle for so long is closed.
    pub idle_timeout: SimSpan,
    /// After a refusal by the database none is opened for so long.
    pub retry_after: SimSpan,
}

/// A server connection lent to a client. One that was lost meanwhile may be given back all the same.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    era: u32,
}

/// What came of asking for a server connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Server {
    /// It is there.
    Lent(Lease),
    /// The client is in the line.
    Waiting(Place),
}

/// What the pooler decided.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PoolerOutput<T> {
    /// A client that waited has a server connection until [`Pooler::release`].
    Lend {
        /// Who.
        ticket: T,
        /// When it asked.
        since: SimTime,
        /// What it is lent.
        lease: Lease,
    },
    /// Open a server connection, then report [`Pooler::opened`] or [`Pooler::open_failed`].
    Open,
    /// Close an idle server connection: they are all alike.
    Close,
    /// A client has waited for too long.
    TimedOut {
        /// Who.
        ticket: T,
        /// When it asked.
        since: SimTime,
    },
}

/// The pooler.
#[derive(Clone, Debug)]
pub struct Pooler<T> {
    config: PoolerConfig,
    line: Line<T>,
    /// When each idle connection was given back, the oldest first.
    idle: VecDeque<SimTime>,
    lent: u32,
    opening: u32,
    /// None is opened before this.
    barred_until: SimTime,
    /// How often all connections were lost.
    era: u32,
    outputs: VecDeque<PoolerOutput<T>>,
}

impl<T: Copy> Pooler<T> {
    /// Without any server connection.
    #[must_use]
    pub fn new(config: PoolerConfig) -> Self {
        Self {
            config,
            line: Line::default(),
            idle: VecDeque::new(),
            lent: 0,
            opening: 0,
            barred_until: SimTime::ZERO,
            era: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Other settings for what is decided from now on: more connections serve those who wait, those above a lowered number
    /// close when they come back.
    pub fn set_config(&mut self, now: SimTime, config: PoolerConfig) {
        self.advance(now);
        self.config = config;
        self.open_next(now);
    }

    /// A client wants a server connection.
    pub fn acquire(&mut self, now: SimTime, ticket: T) -> Server {
        self.advance(now);
        // While anything is idle nobody is in the line.
        if self.idle.pop_back().is_some() {
            return Server::Lent(self.lend());
        }
        let place = self.line.push(ticket, now, self.config.wait);
        self.open_next(now);
        Server::Waiting(place)
    }

    /// A client gives its server connection back.
    pub fn release(&mut self, now: SimTime, lease: Lease) {
        self.advance(now);
        if lease.era == self.era {
            self.lent -= 1;
            self.put(now);
        }
    }

    /// A client that waits leaves; `None` when it had been served or turned away.
    pub fn cancel(&mut self, place: Place) -> Option<Waiter<T>> {
        self.line.cancel(place)
    }

    /// The server connection under way is there.
    pub fn opened(&mut self, now: SimTime) {
        self.advance(now);
        self.opening = self.opening.saturating_sub(1);
        self.put(now);
        self.open_next(now);
    }

    /// The database refused it.
    pub fn open_failed(&mut self, now: SimTime) {
        self.advance(now);
        self.opening = self.opening.saturating_sub(1);
        self.barred_until = now + self.config.retry_after;
    }

    /// The database has cut every connection that was open. Leases from before are worth nothing when they come back.
    pub fn lose_all(&mut self, now: SimTime) {
        self.advance(now);
        self.idle.clear();
        self.lent = 0;
        self.era = self.era.wrapping_add(1);
        self.open_next(now);
    }

    /// Whether what was lent has been lost since.
    #[must_use]
    pub fn is_lost(&self, lease: Lease) -> bool {
        lease.era != self.era
    }

    /// Carries out what is due.
    pub fn advance(&mut self, now: SimTime) {
        while let Some(Waiter { ticket, since, .. }) = self.line.expire(now) {
            self.outputs.push_back(PoolerOutput::TimedOut { ticket, since });
        }
        while self
            .idle
            .front()
            .is_some_and(|&since| since + self.config.idle_timeout <= now)
        {
            self.idle.pop_front();
            self.outputs.push_back(PoolerOutput::Close);
        }
        self.open_next(now);
    }

    /// When to call [`Pooler::advance`] next; [`SimTime::NEVER`] when time alone changes nothing.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        let idle = self
            .idle
            .front()
            .map_or(SimTime::NEVER, |&since| since + self.config.idle_timeout);
        let barred = if self.wants_another() {
            self.barred_until
        } else {
            SimTime::NEVER
        };
        self.line.next_deadline().min(idle).min(barred)
    }

    /// The next decision; call until `None` after each input.
    pub fn poll(&mut self) -> Option<PoolerOutput<T>> {
        self.outputs.pop_front()
    }

    /// Server connections, those being opened among them.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.idle.len() as u32 + self.lent + self.opening
    }

    /// Server connections that clients have.
    #[must_use]
    pub fn lent(&self) -> u32 {
        self.lent
    }

    /// Clients in the line.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    fn lend(&mut self) -> Lease {
        self.lent += 1;
        Lease { era: self.era }
    }

    /// A server connection that nobody has: to the front of the line, or idle.
    fn put(&mut self, now: SimTime) {
        if self.open() >= self.config.max {
            // The number was lowered meanwhile.
            self.outputs.push_back(PoolerOutput::Close);
            return;
        }
        match self.line.pop() {
            Some(Waiter { ticket, since, .. }) => {
                let lease = self.lend();
                self.outputs.push_back(PoolerOutput::Lend { ticket, since, lease });
            }
            None => self.idle.push_back(now),
        }
    }

    fn wants_another(&self) -> bool {
        !self.line.is_empty() && self.opening == 0 && self.open() < self.config.max
    }

    fn open_next(&mut self, now: SimTime) {
        if self.wants_another() && now >= self.barred_until {
            self.opening += 1;
            self.outputs.push_back(PoolerOutput::Open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{check, span};
    use super::*;

    /// `want NAME`, `done NAME`, `leave NAME`, `opened`, `refused`, `lost`, `look`; what comes of it, in order.
    fn check_pooler(max: u32, wait: &str, table: &str) {
        let mut pooler: Pooler<char> = Pooler::new(PoolerConfig {
            max,
            wait: span(wait),
            idle_timeout: span("600s"),
            retry_after: span("15s"),
        });
        let (mut leases, mut places) = (Vec::new(), Vec::new());
        check(table, |now, words| {
            let name = words.get(1).and_then(|word| word.chars().next()).unwrap_or(' ');
            let mut came = Vec::new();
            match words[0] {
                "want" => match pooler.acquire(now, name) {
                    Server::Lent(lease) => {
                        leases.push((name, lease));
                        came.push("lent".to_owned());
                    }
                    Server::Waiting(place) => places.push((name, place)),
                },
                "done" => {
                    let at = leases.iter().position(|(of, _)| *of == name).expect("lent");
                    pooler.release(now, leases.swap_remove(at).1);
                }
                "leave" => {
                    let place = places.iter().find(|(of, _)| *of == name).expect("waits").1;
                    pooler.cancel(place).expect("waits");
                }
                "opened" => pooler.opened(now),
                "refused" => pooler.open_failed(now),
                "lost" => pooler.lose_all(now),
                _ => pooler.advance(now),
            }
            while let Some(output) = pooler.poll() {
                came.push(match output {
                    PoolerOutput::Lend { ticket, lease, .. } => {
                        leases.push((ticket, lease));
                        format!("lend {ticket}")
                    }
                    PoolerOutput::Open => "open".to_owned(),
                    PoolerOutput::Close => "close".to_owned(),
                    PoolerOutput::TimedOut { ticket, .. } => format!("late {ticket}"),
                });
            }
            came.join(", ")
        });
    }

    /// Lost if broken: what a pooler is for.
    #[test]
    fn many_clients_share_a_few_connections_in_their_order() {
        check_pooler(
            2,
            "120s",
            "
            0ms  want a | open
            0ms  want b |                    // one is opened at a time
            0ms  want c |
            10ms opened | lend a, open
            20ms opened | lend b             // two is the most
            25ms done a | lend c
            30ms done b |
            31ms want d | lent               // the idle one
        ",
        );
    }

    /// Lost if broken: a refusal of the database would become an error for everybody in the line, as it does without a
    /// pooler.
    #[test]
    fn a_refusal_makes_clients_wait_and_not_fail() {
        check_pooler(
            2,
            "20s",
            "
            0ms     want a  | open
            1ms     refused |
            2ms     want b  |
            15001ms look    | open
            15010ms opened  | lend a, open
            20002ms look    | late b
            20003ms opened  |                // nobody wants it any more
            20004ms want c  | lent
        ",
        );
    }

    /// Lost if broken: a connection that the database has cut would be lent again, or counted twice.
    #[test]
    fn what_is_lost_is_not_given_back() {
        check_pooler(
            1,
            "120s",
            "
            0ms  want a | open
            1ms  opened | lend a
            2ms  want b |
            3ms  lost   | open
            4ms  done a |
            5ms  opened | lend b
            6ms  want c |
            7ms  leave c |
            8ms  done b |
            600007ms look |
            600008ms look | close
        ",
        );
    }
}
