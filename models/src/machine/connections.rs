//! A pool of database connections: who is lent one, who waits, who gives up, what is opened and closed.
//!
//! Owns: the connections by state, the line of waiters, every deadline of both.
//! Never: sockets, or what the server does; the driver opens, closes and reports.
//! Order: waiters first come, first served; of the idle connections the one released last is lent first.
//!
//! The rules are those of the npm package pg-pool (read in the sources of 3.10.1 and 3.14.0):
//! - A request that finds room and nothing idle opens a connection and waits for that very one, never for a release.
//! - The timeout of such a direct opener covers the attempt: when it passes, the attempt is ended and the request gets
//!   [`Cause::ConnectTimeout`]. The timeout of a queued request covers its wait and any connection opened for it:
//!   [`Cause::PoolTimeout`]; that connection goes to idle when it is ready. Each attempt is ended when it has itself
//!   lasted for the timeout, whoever waits for it.
//! - A refused attempt is an error for the request it was made for, at once; the room it leaves takes the next waiter
//!   into an attempt of its own. So a line drains as errors, not as waits, when the server has no connections left.
//! - Nothing is opened ahead. `min` only stops idle connections from being reaped.
//! - A connection that is lent, or opened for nobody, and comes back counts as used once.
//!
//! One step is earlier here than in the package: the room that a closed connection leaves is given to the next waiter at
//! once, and not when the goodbye has reached the server and come back.

use std::collections::VecDeque;

use super::chain::{Chain, Links};
use super::waiters::{Entry, Handle, Waiters};
use crate::{Cause, SimSpan, SimTime};

mod stock;
#[cfg(test)]
mod tests;

use stock::{State, Stock};

/// Settings of a pool.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ConnectionsConfig {
    /// Most connections at once: opening, idle and lent.
    pub max: u32,
    /// Idle connections are not reaped while there are no more than this many in all.
    pub min: u32,
    /// A connection idle for this long is closed; [`SimSpan::FOREVER`] for never.
    pub idle_timeout: SimSpan,
    /// Longest wait for a connection, opening included; [`SimSpan::FOREVER`] for no limit.
    pub timeout: SimSpan,
    /// Most requests in the line; one more gets [`Cause::QueueFull`]. [`u32::MAX`] for no limit.
    pub waiters: u32,
    /// A connection is closed at its return after this many uses; [`u32::MAX`] for no limit.
    pub max_uses: u32,
    /// A connection this old is closed, when it is next idle; [`SimSpan::FOREVER`] for no limit.
    pub max_lifetime: SimSpan,
    /// Whether a connection that comes back from a failed query is closed.
    pub drop_on_error: bool,
    /// Whether `min` is looked at again when an idle connection's time is up, as 3.14 does. 3.10 looks at it only when
    /// the connection comes back, and so can reap below `min`.
    pub recheck_min: bool,
}

/// A connection of one pool. Numbers are used again; the handle of a closed connection stays harmless.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    index: u32,
    generation: u32,
}

impl ConnectionId {
    /// Its number in the pool, below the most connections there ever were at once; for the driver's own tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index as usize
    }
}

/// A request's place in the pool, good for one [`Connections::cancel`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Waiting(Handle);

/// What the pool decided.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ConnectionsOutput<T> {
    /// The request has this connection until [`Connections::release`].
    Lend {
        /// Who.
        ticket: T,
        /// When it asked.
        since: SimTime,
        /// What it is lent.
        connection: ConnectionId,
        /// Whether it was opened just now.
        fresh: bool,
    },
    /// Open this connection, then report [`Connections::opened`] or [`Connections::open_failed`].
    Open {
        /// Which.
        connection: ConnectionId,
    },
    /// Close this connection, or end the attempt to open it. The pool has forgotten it.
    Close {
        /// Which.
        connection: ConnectionId,
    },
    /// The request gets no connection.
    Refuse {
        /// Who.
        ticket: T,
        /// When it asked.
        since: SimTime,
        /// Why.
        cause: Cause,
    },
}

/// What a request waits for.
#[derive(Copy, Clone, Debug)]
struct Wish {
    /// Whether a connection was opened for it at once, whose end is its own; else it has been in the line, with a
    /// deadline of its own.
    direct: bool,
    /// The connection that is being opened for it; none while it is in the line.
    opening: Option<u32>,
    /// When its timer was set, among all timers of the pool.
    order: u64,
}

/// What is due.
#[derive(Copy, Clone, Debug)]
enum Due {
    /// A request in the line has waited for as long as it may.
    Patience(u32),
    /// A connection is too old.
    Age,
    /// An attempt, or the idleness of a connection, has lasted for as long as it may.
    Timer,
}

/// The pool.
#[derive(Clone, Debug)]
pub struct Connections<T> {
    config: ConnectionsConfig,
    ending: bool,
    stock: Stock,
    askers: Waiters<T, Wish>,
    /// Requests in the line.
    line: Chain,
    line_links: Links,
    /// Timers set so far.
    timers: u64,
    outputs: VecDeque<ConnectionsOutput<T>>,
}

impl<T: Copy> Connections<T> {
    /// An empty pool: nothing is opened before the first request.
    #[must_use]
    pub fn new(config: ConnectionsConfig) -> Self {
        Self {
            config,
            ending: false,
            stock: Stock::default(),
            askers: Waiters::default(),
            line: Chain::default(),
            line_links: Links::default(),
            timers: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Asks for a connection. The decision, even one made at once, comes from [`Connections::poll`].
    pub fn acquire(&mut self, now: SimTime, ticket: T) -> Waiting {
        self.advance(now);
        if self.ending {
            self.refuse(ticket, now, Cause::DatabaseUnavailable);
            return Waiting(Handle::NOBODY);
        }
        // While anything is idle nobody is in the line, so nobody is overtaken here.
        if self.lend_idle(ticket, now) {
            return Waiting(Handle::NOBODY);
        }
        let direct = self.stock.open() < self.config.max;
        if !direct && self.line.len() >= self.config.waiters {
            self.refuse(ticket, now, Cause::QueueFull);
            return Waiting(Handle::NOBODY);
        }
        let deadline = if direct {
            SimTime::NEVER
        } else {
            now + self.config.timeout
        };
        let order = self.next_timer();
        let wish = Wish {
            direct,
            opening: None,
            order,
        };
        let asker = self.askers.add(ticket, now, deadline, wish);
        if direct {
            self.open_for(now, asker);
        } else {
            self.line.push_back(&mut self.line_links, asker);
        }
        Waiting(self.askers.handle(asker))
    }

    /// Forgets a request that waits; false when it had been decided before. A connection that is being opened for it
    /// goes to the pool when it is ready.
    pub fn cancel(&mut self, waiting: Waiting) -> bool {
        let Some(asker) = self.askers.find(waiting.0) else {
            return false;
        };
        self.drop_asker(asker);
        true
    }

    /// The time limit of a request that waits has come, for drivers that keep their own, drawn for each request: use
    /// [`SimSpan::FOREVER`] in the settings then. A direct opener's attempt is ended. False when it had been decided.
    pub fn time_out(&mut self, now: SimTime, waiting: Waiting) -> bool {
        self.advance(now);
        let Some(asker) = self.askers.find(waiting.0) else {
            return false;
        };
        let Wish { direct, opening, .. } = self.askers.get(asker).detail;
        match opening {
            Some(connection) if direct => self.end_attempt(now, connection),
            _ => self.lose_patience(asker),
        }
        true
    }

    /// The connection is open: it goes to whom it was opened for, or to the pool.
    pub fn opened(&mut self, now: SimTime, connection: ConnectionId) {
        self.advance(now);
        let Some((index, asker)) = self.being_opened(connection) else {
            return;
        };
        let order = self.next_timer();
        self.stock.ready(index, now + self.config.max_lifetime, order);
        match asker {
            Some(asker) => {
                let Entry { ticket, since, .. } = self.drop_asker(asker);
                self.outputs.push_back(ConnectionsOutput::Lend {
                    ticket,
                    since,
                    connection,
                    fresh: true,
                });
            }
            // Nobody waits for it any more; the package lends it to nobody and takes it back.
            None => self.take_back(now, index, true),
        }
    }

    /// The attempt to open it failed, for instance because the server has no connections left.
    pub fn open_failed(&mut self, now: SimTime, connection: ConnectionId, cause: Cause) {
        self.advance(now);
        let Some((index, asker)) = self.being_opened(connection) else {
            return;
        };
        self.stock.remove(index);
        let asker = asker.map(|asker| self.drop_asker(asker));
        // The next waiter's attempt begins before the request hears of it.
        self.pulse(now);
        if let Some(Entry { ticket, since, .. }) = asker {
            self.refuse(ticket, since, cause);
        }
    }

    /// A lent connection comes back; `healthy` is false after a failed query.
    pub fn release(&mut self, now: SimTime, connection: ConnectionId, healthy: bool) {
        self.advance(now);
        if let Some(index) = self.stock.find(connection)
            && self.stock.get(index).state == State::Lent
        {
            self.take_back(now, index, healthy);
        }
    }

    /// The server cut the connection. An idle one is gone; a lent one goes when it comes back; one that was being opened
    /// has failed with [`Cause::DatabaseUnavailable`]. No [`ConnectionsOutput::Close`] follows: there is nothing left to
    /// close.
    pub fn lost(&mut self, now: SimTime, connection: ConnectionId) {
        self.advance(now);
        let Some(index) = self.stock.find(connection) else {
            return;
        };
        match self.stock.get(index).state {
            State::Closed => {}
            State::Connecting(_) => self.open_failed(now, connection, Cause::DatabaseUnavailable),
            State::Idle => {
                self.stock.remove(index);
                self.pulse(now);
            }
            State::Lent => self.stock.get_mut(index).lost = true,
        }
    }

    /// The server cut every connection: idle ones are gone, lent ones go when they come back, and those being opened have
    /// failed with [`Cause::DatabaseUnavailable`]. As after [`Connections::lost`] there is nothing left to close. Returns
    /// how many were idle: those whose error reaches the pool itself.
    pub fn cut(&mut self, now: SimTime) -> u32 {
        self.advance(now);
        let idle = self.stock.idle();
        for index in 0..self.stock.entries() {
            match self.stock.get(index).state {
                State::Closed => {}
                State::Connecting(asker) => {
                    self.stock.remove(index);
                    if let Some(asker) = asker {
                        let Entry { ticket, since, .. } = self.drop_asker(asker);
                        self.refuse(ticket, since, Cause::DatabaseUnavailable);
                    }
                }
                State::Idle => self.stock.remove(index),
                State::Lent => self.stock.get_mut(index).lost = true,
            }
        }
        // The room serves several; only now, so that what is opened for them is not cut at once.
        while self.pulse(now) {}
        idle
    }

    /// Whether the server cut a connection while it was lent.
    #[must_use]
    pub fn is_lost(&self, connection: ConnectionId) -> bool {
        self.stock
            .find(connection)
            .is_none_or(|index| self.stock.get(index).lost)
    }

    /// Ends the pool: idle connections close now and lent ones when they come back, new requests get
    /// [`Cause::DatabaseUnavailable`], and those in the line wait for their timeout.
    pub fn end(&mut self, now: SimTime) {
        self.advance(now);
        self.ending = true;
        while let Some(index) = self.stock.coldest() {
            self.close(index);
        }
    }

    /// Carries out what is due at `now`: given-up waits, ended attempts, reaped and aged connections. Of what is due at the
    /// same time that comes first whose timer was set first, as in Node.
    pub fn advance(&mut self, now: SimTime) {
        // Most calls find nothing due.
        if self.next_deadline() > now {
            return;
        }
        while let Some(due) = self.first_due(now) {
            match due {
                Due::Patience(asker) => self.lose_patience(asker),
                Due::Age => {
                    if let Some(index) = self.stock.age_due(now)
                        && self.stock.get(index).state == State::Idle
                    {
                        self.close(index);
                        self.pulse(now);
                    }
                }
                Due::Timer => {
                    let Some(index) = self.stock.timer_due(now) else {
                        continue;
                    };
                    if self.stock.get(index).state != State::Idle {
                        self.end_attempt(now, index);
                    } else if !self.config.recheck_min || self.stock.open() > self.config.min {
                        self.close(index);
                        self.pulse(now);
                    }
                }
            }
        }
    }

    /// When to call [`Connections::advance`] next; [`SimTime::NEVER`] when time alone changes nothing.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        self.askers.next_deadline().min(self.stock.next_deadline())
    }

    /// The next decision; call until `None` after each input.
    pub fn poll(&mut self) -> Option<ConnectionsOutput<T>> {
        self.outputs.pop_front()
    }

    /// Changes the settings for what is decided from now on: running timers keep their times, and connections above a
    /// lowered `max` go when they come back, idle ones at once.
    pub fn set_config(&mut self, now: SimTime, config: ConnectionsConfig) {
        self.advance(now);
        self.config = config;
        while self.stock.open() > self.config.max
            && let Some(index) = self.stock.coldest()
        {
            self.close(index);
        }
        // More room may serve several.
        while self.pulse(now) {}
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ConnectionsConfig {
        &self.config
    }

    /// Connections that count against `max`: connecting, idle and lent.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.stock.open()
    }

    /// Connections that are being opened.
    #[must_use]
    pub fn connecting(&self) -> u32 {
        self.stock.connecting()
    }

    /// Connections that nobody uses.
    #[must_use]
    pub fn idle(&self) -> u32 {
        self.stock.idle()
    }

    /// Connections that are lent.
    #[must_use]
    pub fn lent(&self) -> u32 {
        self.stock.open() - self.stock.connecting() - self.stock.idle()
    }

    /// Requests that wait: in the line, or for a connection that is being opened for them.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.askers.len()
    }

    /// Requests in the line alone.
    #[must_use]
    pub fn queued(&self) -> u32 {
        self.line.len()
    }

    /// Whether [`Connections::end`] was called.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending
    }

    /// What is due first, and of that whose timer was set first.
    fn first_due(&self, now: SimTime) -> Option<Due> {
        let patience = self.askers.due(now).map(|asker| {
            let asked = self.askers.get(asker);
            (asked.deadline, asked.detail.order, Due::Patience(asker))
        });
        let age = self.stock.next_age().map(|(at, order)| (at, order, Due::Age));
        let timer = self.stock.next_timer().map(|(at, order)| (at, order, Due::Timer));
        let due = [patience, age, timer].into_iter().flatten();
        let due = due.filter(|&(at, _, _)| at <= now);
        due.min_by_key(|&(at, order, _)| (at, order)).map(|(_, _, due)| due)
    }

    /// A number for a timer that is set now.
    fn next_timer(&mut self) -> u64 {
        self.timers += 1;
        self.timers
    }

    /// Serves one waiter, if it can be: with the connection released last, else with a new one. Whether it did.
    fn pulse(&mut self, now: SimTime) -> bool {
        if self.ending || (self.stock.idle() == 0 && self.stock.open() >= self.config.max) {
            return false;
        }
        let Some(asker) = self.line.front() else {
            return false;
        };
        let Entry { ticket, since, .. } = *self.askers.get(asker);
        if self.lend_idle(ticket, since) {
            self.drop_asker(asker);
        } else {
            self.line.remove(&mut self.line_links, asker);
            self.open_for(now, asker);
        }
        true
    }

    /// Lends the connection released last, if any is idle. Whether it did.
    fn lend_idle(&mut self, ticket: T, since: SimTime) -> bool {
        let Some(index) = self.stock.take_hottest() else {
            return false;
        };
        self.outputs.push_back(ConnectionsOutput::Lend {
            ticket,
            since,
            connection: self.stock.id(index),
            fresh: false,
        });
        true
    }

    /// Begins to open a connection for a request that is in no line.
    fn open_for(&mut self, now: SimTime, asker: u32) {
        let order = self.next_timer();
        let index = self.stock.begin(asker, now + self.config.timeout, order);
        self.askers.detail_mut(asker).opening = Some(index);
        self.outputs.push_back(ConnectionsOutput::Open {
            connection: self.stock.id(index),
        });
    }

    /// An attempt has lasted for the timeout: it is ended, and whoever still waits for it is told.
    fn end_attempt(&mut self, now: SimTime, index: u32) {
        let State::Connecting(asker) = self.stock.get(index).state else {
            return;
        };
        self.close(index);
        let asker = asker.map(|asker| self.drop_asker(asker));
        self.pulse(now);
        if let Some(Entry { ticket, since, .. }) = asker {
            self.refuse(ticket, since, Cause::ConnectTimeout);
        }
    }

    /// A request's own time limit has come.
    fn lose_patience(&mut self, asker: u32) {
        let Entry { ticket, since, .. } = self.drop_asker(asker);
        self.refuse(ticket, since, Cause::PoolTimeout);
    }

    /// A connection comes back from a request, or from nobody.
    fn take_back(&mut self, now: SimTime, index: u32, healthy: bool) {
        let ConnectionsConfig {
            max,
            min,
            idle_timeout,
            max_uses,
            drop_on_error,
            ..
        } = self.config;
        let open = self.stock.open();
        let connection = self.stock.get_mut(index);
        connection.uses = connection.uses.saturating_add(1);
        let spent = max_uses != u32::MAX && connection.uses >= max_uses;
        if connection.lost {
            self.stock.remove(index);
        } else if (!healthy && drop_on_error) || self.ending || spent || connection.expired || open > max {
            self.close(index);
        } else {
            // Idleness is timed only above the minimum, and looked at only now: one that comes back below it stays.
            let deadline = if open > min { now + idle_timeout } else { SimTime::NEVER };
            let order = self.next_timer();
            self.stock.shelve(index, deadline, order);
        }
        self.pulse(now);
    }

    /// Tells the driver to close the connection, and forgets it; its room is free.
    fn close(&mut self, index: u32) {
        self.outputs.push_back(ConnectionsOutput::Close {
            connection: self.stock.id(index),
        });
        self.stock.remove(index);
    }

    fn refuse(&mut self, ticket: T, since: SimTime, cause: Cause) {
        self.outputs
            .push_back(ConnectionsOutput::Refuse { ticket, since, cause });
    }

    /// Forgets a request that waits, wherever it is.
    fn drop_asker(&mut self, asker: u32) -> Entry<T, Wish> {
        if self.line_links.is_linked(asker) {
            self.line.remove(&mut self.line_links, asker);
        }
        let dropped = self.askers.remove(asker);
        if let Some(index) = dropped.detail.opening
            && let State::Connecting(whom) = &mut self.stock.get_mut(index).state
            && *whom == Some(asker)
        {
            *whom = None;
        }
        dropped
    }

    /// A connection that is being opened, and for whom.
    fn being_opened(&self, connection: ConnectionId) -> Option<(u32, Option<u32>)> {
        let index = self.stock.find(connection)?;
        match self.stock.get(index).state {
            State::Connecting(asker) => Some((index, asker)),
            _ => None,
        }
    }
}
