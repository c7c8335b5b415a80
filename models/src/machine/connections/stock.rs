//! The connections of a pool by what they are doing, and their timers.
//!
//! Owns: states, the stack of idle connections, ends of attempts, of idleness and of lives in order.
//! Never: who is lent what, or why one is closed.

use super::ConnectionId;
use crate::SimTime;
use crate::machine::chain::{Chain, Links};

/// What a connection is doing.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
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
pub(super) struct Connection {
    pub(super) state: State,
    /// Times it came back.
    pub(super) uses: u32,
    /// Too old; goes when it comes back.
    pub(super) expired: bool,
    /// The server cut it while it was lent; goes when it comes back.
    pub(super) lost: bool,
    generation: u32,
    /// End of the attempt while connecting; end of idleness while idle.
    deadline: SimTime,
    /// When the timer of that deadline was set, among all timers of the pool.
    order: u64,
    /// When it is too old.
    end_of_life: SimTime,
    /// When the timer of that was set.
    life_order: u64,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Stock {
    entries: Vec<Connection>,
    free: Vec<u32>,
    connecting: u32,
    /// Idle connections, the one released last at the back.
    idle: Chain,
    idle_links: Links,
    /// Connecting and idle connections whose time runs, by deadline.
    timed: Chain,
    timed_links: Links,
    /// Open connections that grow old, by the end of their lives.
    ageing: Chain,
    ageing_links: Links,
}

impl Stock {
    /// Connections there are: connecting, idle and lent.
    pub(super) fn open(&self) -> u32 {
        (self.entries.len() - self.free.len()) as u32
    }

    /// Numbers that connections have had so far, closed ones too.
    pub(super) fn entries(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Those being opened.
    pub(super) fn connecting(&self) -> u32 {
        self.connecting
    }

    /// Those that nobody uses.
    pub(super) fn idle(&self) -> u32 {
        self.idle.len()
    }

    /// The handle of a connection.
    pub(super) fn id(&self, index: u32) -> ConnectionId {
        ConnectionId {
            index,
            generation: self.entries[index as usize].generation,
        }
    }

    /// The connection of a handle, unless it is closed.
    pub(super) fn find(&self, id: ConnectionId) -> Option<u32> {
        let entry = self.entries.get(id.index())?;
        (entry.generation == id.generation && entry.state != State::Closed).then_some(id.index)
    }

    /// A connection.
    pub(super) fn get(&self, index: u32) -> &Connection {
        &self.entries[index as usize]
    }

    /// A connection, to change its marks.
    pub(super) fn get_mut(&mut self, index: u32) -> &mut Connection {
        &mut self.entries[index as usize]
    }

    /// A new connection, being opened for a request; the attempt ends at `deadline`.
    pub(super) fn begin(&mut self, asker: u32, deadline: SimTime, order: u64) -> u32 {
        let connection = Connection {
            state: State::Connecting(Some(asker)),
            uses: 0,
            expired: false,
            lost: false,
            generation: 0,
            deadline,
            order,
            end_of_life: SimTime::NEVER,
            life_order: 0,
        };
        let index = match self.free.pop() {
            Some(index) => {
                let generation = self.entries[index as usize].generation;
                self.entries[index as usize] = Connection {
                    generation,
                    ..connection
                };
                index
            }
            None => {
                self.entries.push(connection);
                (self.entries.len() - 1) as u32
            }
        };
        self.connecting += 1;
        self.start_timer(index, deadline);
        index
    }

    /// A connection being opened is open, and lent; it is too old at `end_of_life`.
    pub(super) fn ready(&mut self, index: u32, end_of_life: SimTime, order: u64) {
        self.stop_timer(index);
        self.connecting -= 1;
        let connection = &mut self.entries[index as usize];
        connection.state = State::Lent;
        connection.end_of_life = end_of_life;
        connection.life_order = order;
        if end_of_life != SimTime::NEVER {
            let entries = &self.entries;
            self.ageing.push_ordered(&mut self.ageing_links, index, |other| {
                entries[other as usize].end_of_life <= end_of_life
            });
        }
    }

    /// A lent connection becomes idle, until `deadline`.
    pub(super) fn shelve(&mut self, index: u32, deadline: SimTime, order: u64) {
        let connection = &mut self.entries[index as usize];
        connection.state = State::Idle;
        connection.order = order;
        self.idle.push_back(&mut self.idle_links, index);
        self.start_timer(index, deadline);
    }

    /// Lends the connection that came back last.
    pub(super) fn take_hottest(&mut self) -> Option<u32> {
        let index = self.idle.pop_back(&mut self.idle_links)?;
        self.stop_timer(index);
        self.entries[index as usize].state = State::Lent;
        Some(index)
    }

    /// The connection that has been idle for longest.
    pub(super) fn coldest(&self) -> Option<u32> {
        self.idle.front()
    }

    /// Takes a connection out; its handle finds nothing from now on.
    pub(super) fn remove(&mut self, index: u32) {
        self.stop_timer(index);
        if self.ageing_links.is_linked(index) {
            self.ageing.remove(&mut self.ageing_links, index);
        }
        if self.idle_links.is_linked(index) {
            self.idle.remove(&mut self.idle_links, index);
        }
        let connection = &mut self.entries[index as usize];
        if matches!(connection.state, State::Connecting(_)) {
            self.connecting -= 1;
        }
        connection.state = State::Closed;
        connection.generation = connection.generation.wrapping_add(1);
        self.free.push(index);
    }

    /// The first connection whose attempt or idleness is over; its timer stops.
    pub(super) fn timer_due(&mut self, now: SimTime) -> Option<u32> {
        let index = self.timed.front().filter(|&index| self.get(index).deadline <= now)?;
        self.stop_timer(index);
        Some(index)
    }

    /// The first connection that has become too old; it is marked.
    pub(super) fn age_due(&mut self, now: SimTime) -> Option<u32> {
        let index = self
            .ageing
            .front()
            .filter(|&index| self.get(index).end_of_life <= now)?;
        self.ageing.remove(&mut self.ageing_links, index);
        self.entries[index as usize].expired = true;
        Some(index)
    }

    /// When the next attempt or idleness is over, and the number of its timer.
    pub(super) fn next_timer(&self) -> Option<(SimTime, u64)> {
        let next = self.get(self.timed.front()?);
        Some((next.deadline, next.order))
    }

    /// When the next connection becomes too old, and the number of its timer.
    pub(super) fn next_age(&self) -> Option<(SimTime, u64)> {
        let next = self.get(self.ageing.front()?);
        Some((next.end_of_life, next.life_order))
    }

    /// When the next timer is due; [`SimTime::NEVER`] for none.
    pub(super) fn next_deadline(&self) -> SimTime {
        let timer = self.next_timer().map_or(SimTime::NEVER, |(at, _)| at);
        let age = self.next_age().map_or(SimTime::NEVER, |(at, _)| at);
        timer.min(age)
    }

    fn start_timer(&mut self, index: u32, deadline: SimTime) {
        self.entries[index as usize].deadline = deadline;
        if deadline != SimTime::NEVER {
            let entries = &self.entries;
            self.timed.push_ordered(&mut self.timed_links, index, |other| {
                entries[other as usize].deadline <= deadline
            });
        }
    }

    fn stop_timer(&mut self, index: u32) {
        if self.timed_links.is_linked(index) {
            self.timed.remove(&mut self.timed_links, index);
        }
    }
}
