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
use crate::{Cause, SimSpan, SimTime};

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
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
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
pub struct Waiting {
    index: u32,
    generation: u32,
}

impl Waiting {
    /// Of a request that was decided at once.
    const NONE: Self = Self {
        index: u32::MAX,
        generation: 0,
    };
}

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

/// Where a request is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Nowhere: the entry is free.
    Free,
    /// In the line.
    Queued,
    /// Waits for this connection, which is being opened for it.
    Opening(u32),
}

/// A request that waits.
#[derive(Copy, Clone, Debug)]
struct Asker<T> {
    ticket: T,
    since: SimTime,
    /// Its own time limit; never for a direct opener, which lives and dies with the attempt.
    deadline: SimTime,
    /// Whether a connection was opened for it at once; else it has been in the line.
    direct: bool,
    stage: Stage,
    generation: u32,
}

/// What a connection is doing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing: the entry is free.
    Closed,
    /// Being opened, for the request with this number or for nobody any more.
    Connecting(Option<u32>),
    /// In the pool.
    Idle,
    /// With a request.
    Lent,
}

/// A connection.
#[derive(Copy, Clone, Debug)]
struct Connection {
    state: State,
    generation: u32,
    uses: u32,
    /// Too old; goes when it comes back.
    expired: bool,
    /// The server cut it while it was lent; goes when it comes back.
    lost: bool,
    /// End of the attempt while connecting; end of idleness while idle.
    deadline: SimTime,
    /// When it is too old.
    end_of_life: SimTime,
}

/// The pool.
#[derive(Clone, Debug)]
pub struct Connections<T> {
    config: ConnectionsConfig,
    ending: bool,
    connections: Vec<Connection>,
    free_connections: Vec<u32>,
    /// Idle connections, the one released last at the back.
    idle: Chain,
    idle_links: Links,
    /// Connecting and idle connections whose time runs, by deadline.
    timed: Chain,
    timed_links: Links,
    /// Open connections that grow old, by the end of their lives.
    ageing: Chain,
    ageing_links: Links,
    askers: Vec<Asker<T>>,
    free_askers: Vec<u32>,
    /// Requests in the line.
    line: Chain,
    line_links: Links,
    /// Requests with a time limit of their own, by deadline.
    patience: Chain,
    patience_links: Links,
    open: u32,
    connecting: u32,
    outputs: VecDeque<ConnectionsOutput<T>>,
}

impl<T: Copy> Connections<T> {
    /// An empty pool: nothing is opened before the first request.
    #[must_use]
    pub fn new(config: ConnectionsConfig) -> Self {
        Self {
            config,
            ending: false,
            connections: Vec::new(),
            free_connections: Vec::new(),
            idle: Chain::default(),
            idle_links: Links::default(),
            timed: Chain::default(),
            timed_links: Links::default(),
            ageing: Chain::default(),
            ageing_links: Links::default(),
            askers: Vec::new(),
            free_askers: Vec::new(),
            line: Chain::default(),
            line_links: Links::default(),
            patience: Chain::default(),
            patience_links: Links::default(),
            open: 0,
            connecting: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Asks for a connection. The decision, even one made at once, comes from [`Connections::poll`].
    pub fn acquire(&mut self, now: SimTime, ticket: T) -> Waiting {
        self.advance(now);
        if self.ending {
            self.refuse(ticket, now, Cause::DatabaseUnavailable);
            return Waiting::NONE;
        }
        if self.idle.is_empty() && self.open < self.config.max {
            let asker = self.add_asker(ticket, now, SimTime::NEVER, true);
            self.open_for(now, asker);
            return self.handle(asker);
        }
        if !self.idle.is_empty() && self.line.is_empty() {
            self.lend_idle(ticket, now);
            return Waiting::NONE;
        }
        if self.line.len() >= self.config.waiters {
            self.refuse(ticket, now, Cause::QueueFull);
            return Waiting::NONE;
        }
        let asker = self.add_asker(ticket, now, now + self.config.timeout, false);
        self.line.push_back(&mut self.line_links, asker);
        self.pulse(now);
        self.handle(asker)
    }

    /// Forgets a request that waits; false when it had been decided before. A connection that is being opened for it
    /// goes to the pool when it is ready.
    pub fn cancel(&mut self, waiting: Waiting) -> bool {
        let Some(asker) = self.find(waiting) else {
            return false;
        };
        self.drop_asker(asker);
        true
    }

    /// The time limit of a request that waits has come, for drivers that keep their own, drawn for each request: use
    /// [`SimSpan::FOREVER`] in the settings then. A direct opener's attempt is ended. False when it had been decided.
    pub fn time_out(&mut self, now: SimTime, waiting: Waiting) -> bool {
        let Some(asker) = self.find(waiting) else {
            return false;
        };
        let Asker { direct, stage, .. } = self.askers[asker as usize];
        match stage {
            Stage::Opening(connection) if direct => self.end_attempt(now, connection),
            _ => self.lose_patience(asker),
        }
        true
    }

    /// The connection is open: it goes to whom it was opened for, or to the pool.
    pub fn opened(&mut self, now: SimTime, connection: ConnectionId) {
        self.advance(now);
        let Some(index) = self.live(connection) else {
            return;
        };
        let State::Connecting(asker) = self.connections[index as usize].state else {
            return;
        };
        self.stop_timer(index);
        self.connecting -= 1;
        self.connections[index as usize].state = State::Lent;
        let end_of_life = now + self.config.max_lifetime;
        self.connections[index as usize].end_of_life = end_of_life;
        if end_of_life != SimTime::NEVER {
            let connections = &self.connections;
            self.ageing.push_ordered(&mut self.ageing_links, index, |other| {
                connections[other as usize].end_of_life <= end_of_life
            });
        }
        match asker {
            Some(asker) => {
                let Asker { ticket, since, .. } = self.drop_asker(asker);
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
        let Some(index) = self.live(connection) else {
            return;
        };
        let State::Connecting(asker) = self.connections[index as usize].state else {
            return;
        };
        self.forget(index);
        if let Some(asker) = asker {
            let Asker { ticket, since, .. } = self.drop_asker(asker);
            self.refuse(ticket, since, cause);
        }
        self.pulse(now);
    }

    /// A lent connection comes back; `healthy` is false after a failed query.
    pub fn release(&mut self, now: SimTime, connection: ConnectionId, healthy: bool) {
        self.advance(now);
        if let Some(index) = self.live(connection)
            && self.connections[index as usize].state == State::Lent
        {
            self.take_back(now, index, healthy);
        }
    }

    /// The server cut the connection. An idle one is gone; a lent one goes when it comes back; one that was being opened
    /// has failed with [`Cause::DatabaseUnavailable`]. No [`ConnectionsOutput::Close`] follows: there is nothing left to close.
    pub fn lost(&mut self, now: SimTime, connection: ConnectionId) {
        self.advance(now);
        let Some(index) = self.live(connection) else {
            return;
        };
        match self.connections[index as usize].state {
            State::Closed => {}
            State::Connecting(_) => self.open_failed(now, connection, Cause::DatabaseUnavailable),
            State::Idle => {
                self.forget(index);
                self.pulse(now);
            }
            State::Lent => self.connections[index as usize].lost = true,
        }
    }

    /// Ends the pool: idle connections close now and lent ones when they come back, new requests get
    /// [`Cause::DatabaseUnavailable`], and those in the line wait for their timeout.
    pub fn end(&mut self, now: SimTime) {
        self.advance(now);
        self.ending = true;
        while let Some(index) = self.idle.back() {
            self.close(index);
        }
    }

    /// Carries out what is due at `now`: given-up waits, ended attempts, reaped and aged connections.
    pub fn advance(&mut self, now: SimTime) {
        // Most calls find nothing due.
        if self.next_deadline() > now {
            return;
        }
        while let Some(asker) = self.patience.front()
            && self.askers[asker as usize].deadline <= now
        {
            self.lose_patience(asker);
        }
        while let Some(index) = self.ageing.front()
            && self.connections[index as usize].end_of_life <= now
        {
            self.ageing.remove(&mut self.ageing_links, index);
            self.connections[index as usize].expired = true;
            if self.connections[index as usize].state == State::Idle {
                self.close(index);
                self.pulse(now);
            }
        }
        while let Some(index) = self.timed.front()
            && self.connections[index as usize].deadline <= now
        {
            if self.connections[index as usize].state == State::Idle {
                self.stop_timer(index);
                if !self.config.recheck_min || self.open > self.config.min {
                    self.close(index);
                    self.pulse(now);
                }
            } else {
                self.end_attempt(now, index);
            }
        }
    }

    /// When to call [`Connections::advance`] next; [`SimTime::NEVER`] when time alone changes nothing.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        let connection = |index: u32| &self.connections[index as usize];
        let timed = self.timed.front().map(|index| connection(index).deadline);
        let ageing = self.ageing.front().map(|index| connection(index).end_of_life);
        let patience = self.patience.front().map(|asker| self.askers[asker as usize].deadline);
        [timed, ageing, patience]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(SimTime::NEVER)
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
        while self.open > self.config.max
            && let Some(index) = self.idle.front()
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
        self.open
    }

    /// Connections that are being opened.
    #[must_use]
    pub fn connecting(&self) -> u32 {
        self.connecting
    }

    /// Connections that nobody uses.
    #[must_use]
    pub fn idle(&self) -> u32 {
        self.idle.len()
    }

    /// Connections that are lent.
    #[must_use]
    pub fn lent(&self) -> u32 {
        self.open - self.connecting - self.idle.len()
    }

    /// Requests that wait: in the line, or for a connection that is being opened for them.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        (self.askers.len() - self.free_askers.len()) as u32
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

    /// Serves one waiter, if it can be: with the connection released last, else with a new one. Whether it did.
    fn pulse(&mut self, now: SimTime) -> bool {
        if self.ending || (self.idle.is_empty() && self.open >= self.config.max) {
            return false;
        }
        let Some(asker) = self.line.pop_front(&mut self.line_links) else {
            return false;
        };
        if self.idle.is_empty() {
            self.open_for(now, asker);
        } else {
            let Asker { ticket, since, .. } = self.drop_asker(asker);
            self.lend_idle(ticket, since);
        }
        true
    }

    /// Lends the connection released last; there has to be one.
    fn lend_idle(&mut self, ticket: T, since: SimTime) {
        if let Some(index) = self.idle.pop_back(&mut self.idle_links) {
            self.stop_timer(index);
            self.connections[index as usize].state = State::Lent;
            self.outputs.push_back(ConnectionsOutput::Lend {
                ticket,
                since,
                connection: self.id(index),
                fresh: false,
            });
        }
    }

    /// Begins to open a connection for a request that is in no line.
    fn open_for(&mut self, now: SimTime, asker: u32) {
        let index = self.free_connections.pop().unwrap_or_else(|| {
            self.connections.push(Connection {
                state: State::Closed,
                generation: 0,
                uses: 0,
                expired: false,
                lost: false,
                deadline: SimTime::NEVER,
                end_of_life: SimTime::NEVER,
            });
            (self.connections.len() - 1) as u32
        });
        let connection = &mut self.connections[index as usize];
        connection.state = State::Connecting(Some(asker));
        connection.uses = 0;
        connection.expired = false;
        connection.lost = false;
        self.askers[asker as usize].stage = Stage::Opening(index);
        self.open += 1;
        self.connecting += 1;
        self.start_timer(index, now + self.config.timeout);
        self.outputs.push_back(ConnectionsOutput::Open {
            connection: self.id(index),
        });
    }

    /// An attempt has lasted for the timeout: it is ended, and whoever still waits for it is told.
    fn end_attempt(&mut self, now: SimTime, index: u32) {
        let State::Connecting(asker) = self.connections[index as usize].state else {
            return;
        };
        self.close(index);
        if let Some(asker) = asker {
            let Asker { ticket, since, .. } = self.drop_asker(asker);
            self.refuse(ticket, since, Cause::ConnectTimeout);
        }
        self.pulse(now);
    }

    /// A request's own time limit has come.
    fn lose_patience(&mut self, asker: u32) {
        let Asker { ticket, since, .. } = self.drop_asker(asker);
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
        let connection = &mut self.connections[index as usize];
        connection.uses = connection.uses.saturating_add(1);
        let spent = max_uses != u32::MAX && connection.uses >= max_uses;
        if connection.lost {
            self.forget(index);
        } else if (!healthy && drop_on_error) || self.ending || spent || connection.expired || self.open > max {
            self.close(index);
        } else {
            connection.state = State::Idle;
            self.idle.push_back(&mut self.idle_links, index);
            if self.open > min {
                self.start_timer(index, now + idle_timeout);
            }
        }
        self.pulse(now);
    }

    /// Tells the driver to close the connection, and forgets it.
    fn close(&mut self, index: u32) {
        self.outputs.push_back(ConnectionsOutput::Close {
            connection: self.id(index),
        });
        self.forget(index);
    }

    /// Takes the connection out of the pool; its room is free.
    fn forget(&mut self, index: u32) {
        self.stop_timer(index);
        if self.ageing_links.is_linked(index) {
            self.ageing.remove(&mut self.ageing_links, index);
        }
        if self.idle_links.is_linked(index) {
            self.idle.remove(&mut self.idle_links, index);
        }
        let connection = &mut self.connections[index as usize];
        if matches!(connection.state, State::Connecting(_)) {
            self.connecting -= 1;
        }
        connection.state = State::Closed;
        connection.generation = connection.generation.wrapping_add(1);
        self.free_connections.push(index);
        self.open -= 1;
    }

    /// Starts the connection's timer.
    fn start_timer(&mut self, index: u32, deadline: SimTime) {
        self.connections[index as usize].deadline = deadline;
        if deadline != SimTime::NEVER {
            let connections = &self.connections;
            self.timed.push_ordered(&mut self.timed_links, index, |other| {
                connections[other as usize].deadline <= deadline
            });
        }
    }

    /// Stops the connection's timer, if it runs.
    fn stop_timer(&mut self, index: u32) {
        if self.timed_links.is_linked(index) {
            self.timed.remove(&mut self.timed_links, index);
        }
    }

    fn refuse(&mut self, ticket: T, since: SimTime, cause: Cause) {
        self.outputs
            .push_back(ConnectionsOutput::Refuse { ticket, since, cause });
    }

    /// Notes a request that waits; it is in no line yet.
    fn add_asker(&mut self, ticket: T, since: SimTime, deadline: SimTime, direct: bool) -> u32 {
        let asker = Asker {
            ticket,
            since,
            deadline,
            direct,
            stage: Stage::Queued,
            generation: 0,
        };
        let index = match self.free_askers.pop() {
            Some(index) => {
                let generation = self.askers[index as usize].generation;
                self.askers[index as usize] = Asker { generation, ..asker };
                index
            }
            None => {
                self.askers.push(asker);
                (self.askers.len() - 1) as u32
            }
        };
        if deadline != SimTime::NEVER {
            let askers = &self.askers;
            self.patience.push_ordered(&mut self.patience_links, index, |other| {
                askers[other as usize].deadline <= deadline
            });
        }
        index
    }

    /// Forgets a request that waits, wherever it is.
    fn drop_asker(&mut self, asker: u32) -> Asker<T> {
        if self.line_links.is_linked(asker) {
            self.line.remove(&mut self.line_links, asker);
        }
        if self.patience_links.is_linked(asker) {
            self.patience.remove(&mut self.patience_links, asker);
        }
        let dropped = self.askers[asker as usize];
        if let Stage::Opening(index) = dropped.stage
            && let State::Connecting(whom) = &mut self.connections[index as usize].state
        {
            *whom = None;
        }
        let entry = &mut self.askers[asker as usize];
        entry.stage = Stage::Free;
        entry.generation = entry.generation.wrapping_add(1);
        self.free_askers.push(asker);
        dropped
    }

    /// The request of a handle, if it still waits.
    fn find(&self, waiting: Waiting) -> Option<u32> {
        let asker = self.askers.get(waiting.index as usize)?;
        (asker.generation == waiting.generation && asker.stage != Stage::Free).then_some(waiting.index)
    }

    fn handle(&self, asker: u32) -> Waiting {
        Waiting {
            index: asker,
            generation: self.askers[asker as usize].generation,
        }
    }

    /// The connection of a handle, unless it is closed.
    fn live(&self, connection: ConnectionId) -> Option<u32> {
        let entry = self.connections.get(connection.index())?;
        (entry.generation == connection.generation && entry.state != State::Closed).then_some(connection.index)
    }

    fn id(&self, index: u32) -> ConnectionId {
        ConnectionId {
            index,
            generation: self.connections[index as usize].generation,
        }
    }
}
