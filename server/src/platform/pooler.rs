//! Poolers: clients' connections to them, their server connections, the line between.
//!
//! A pool that goes through a pooler opens its connections there: a round trip and nothing of the database's. A client
//! has one of the few server connections for a query or a transaction, or in session mode for as long as its own
//! connection lives. Real are the server connections.

use highwater_models::SimSpan;
use highwater_models::machine::connections::ConnectionId;
use highwater_models::machine::pooler::{Lease, PoolerOutput, Server};

use super::plant::{OpeningPhase, Plant};
use super::slab::Handle;
use super::state::{HeldWhat, NOBODY, State};

impl Plant<'_> {
    /// A client asks its pooler for a server connection. True when the task goes on with it.
    pub(super) fn server(&mut self, index: u32, pooler: u16, pool: u16) -> bool {
        let spec = &self.model.poolers[pooler as usize];
        if spec.by_session && self.lease_of(index, pool).is_some_and(|lease| lease.is_some()) {
            return true;
        }
        let handle = self.s.tasks.handle(index);
        let now = self.s.now;
        let goes_on = match self.s.poolers[pooler as usize].machine.acquire(now, handle) {
            Server::Lent(lease) => {
                self.s.tally.waited(spec.resource, SimSpan::ZERO);
                self.take_server(index, pooler, lease);
                true
            }
            Server::Waiting(place) => {
                self.wait_in_line(index, State::Pooler(pooler, place), spec.wait_stage);
                false
            }
        };
        self.drain_pooler(pooler);
        goes_on
    }

    /// The connection of a pool that a task holds, or its parent: its process, its place among that one's pools, its place
    /// in the pool, and whether it is for a transaction.
    fn lease_place(&self, index: u32, pool: u16) -> Option<(u32, usize, usize, bool)> {
        let run = &self.s.tasks[index];
        let local = self.model.pools[pool as usize].local as usize;
        let connection = run.held.iter().rev().find_map(|held| match held.what {
            HeldWhat::Connection(of, connection, transaction) if of == pool => Some((connection.index(), transaction)),
            _ => None,
        });
        match connection {
            Some((connection, transaction)) => Some((run.process, local, connection, transaction)),
            None if self.s.tasks.is_live(run.parent) => self.lease_place(run.parent.index, pool),
            None => None,
        }
    }

    fn lease_of(&mut self, index: u32, pool: u16) -> Option<&mut Option<(Lease, Handle)>> {
        let (process, local, connection, _) = self.lease_place(index, pool)?;
        let leases = &mut self.s.processes[process as usize].leases[local];
        if leases.len() <= connection {
            leases.resize(connection + 1, None);
        }
        leases.get_mut(connection)
    }

    /// The pool of a pooler whose connection a task holds.
    fn pool_through(&self, index: u32, pooler: u16) -> Option<u16> {
        let pools = &self.model.pools;
        let run = &self.s.tasks[index];
        let own = run.held.iter().rev().find_map(|held| match held.what {
            HeldWhat::Connection(pool, ..) if pools[pool as usize].pooler == Some(pooler) => Some(pool),
            _ => None,
        });
        match own {
            None if self.s.tasks.is_live(run.parent) => self.pool_through(run.parent.index, pooler),
            own => own,
        }
    }

    /// The server connection is the task's until it gives it back, or its own connection's.
    fn take_server(&mut self, index: u32, pooler: u16, lease: Lease) {
        let wire = self.s.poolers[pooler as usize].wires.pop().unwrap_or(Handle::NOTHING);
        let pool = self.pool_through(index, pooler);
        if self.model.poolers[pooler as usize].by_session
            && let Some(pool) = pool
            && let Some(place) = self.lease_of(index, pool)
            && place.is_none()
        {
            *place = Some((lease, wire));
            return;
        }
        let place = pool.and_then(|pool| self.lease_place(index, pool));
        let transaction = place.is_some_and(|(_, _, _, transaction)| transaction);
        self.hold(index, HeldWhat::Server(pooler, lease, wire, transaction));
    }

    /// A server connection comes back to its pooler.
    pub(super) fn give_server_back(&mut self, pooler: u16, lease: Lease, wire: Handle) {
        self.roll_back_on(wire);
        let now = self.s.now;
        if self.s.poolers[pooler as usize].machine.is_lost(lease) {
            self.hang_up(wire);
        } else {
            self.s.poolers[pooler as usize].wires.push(wire);
        }
        self.s.poolers[pooler as usize].machine.release(now, lease);
        self.drain_pooler(pooler);
    }

    /// Acts on what a pooler decided.
    pub(super) fn drain_pooler(&mut self, pooler: u16) {
        let number = pooler as usize;
        let resource = self.model.poolers[number].resource;
        while let Some(output) = self.s.poolers[number].machine.poll() {
            match output {
                PoolerOutput::Lend { ticket, since, lease } => {
                    self.s.tally.waited(resource, self.s.now.since(since));
                    let stage = self.s.tasks[ticket.index].stage;
                    self.enter(ticket.index, stage);
                    self.take_server(ticket.index, pooler, lease);
                    self.make_ready(ticket.index);
                }
                PoolerOutput::TimedOut { ticket, .. } => {
                    self.s.tally.refuse(resource);
                    self.s.tasks[ticket.index].failing = Some(highwater_models::Cause::PoolTimeout);
                    self.make_ready(ticket.index);
                }
                PoolerOutput::Open => self.open_server(pooler),
                PoolerOutput::Close => {
                    let wires = &mut self.s.poolers[number].wires;
                    // The one that has been idle for longest.
                    if !wires.is_empty() {
                        let wire = wires.remove(0);
                        self.hang_up(wire);
                    }
                }
            }
        }
        let deadline = self.s.poolers[number].machine.next_deadline();
        self.arm(u32::from(pooler), deadline);
    }

    // ---- its connections at the database ----------------------------------------------------------------------------

    /// A pooler sets out to open a server connection.
    fn open_server(&mut self, pooler: u16) {
        let number = self.model.poolers[pooler as usize].database as usize;
        let draws = &mut self.s.poolers[pooler as usize].draws;
        let way = SimSpan::from_seconds(self.s.databases[number].rtt.draw(draws) / 2.0);
        let index = self.insert_opening(NOBODY, pooler, ConnectionId::default());
        self.schedule_opening(index, way);
    }

    /// A server connection's opening makes progress.
    pub(super) fn server_opening(&mut self, index: u32) {
        let opening = self.s.openings[index];
        let pooler = opening.pool;
        let now = self.s.now;
        match opening.phase {
            OpeningPhase::There => self.knock(index),
            OpeningPhase::Cpu => {}
            OpeningPhase::Ready if opening.is_asking => self.s.openings[index].is_late = true,
            OpeningPhase::Ready => {
                self.s.openings.remove(index);
                let state = &mut self.s.poolers[pooler as usize];
                state.wires.push(opening.wire);
                state.machine.opened(now);
                self.drain_pooler(pooler);
            }
            OpeningPhase::Refused | OpeningPhase::Down => {
                self.s.openings.remove(index);
                self.s.poolers[pooler as usize].machine.open_failed(now);
                self.drain_pooler(pooler);
            }
        }
    }

    // ---- clients' connections ---------------------------------------------------------------------------------------

    /// A pool's connection is at its pooler, which accepts it or has too many.
    pub(super) fn client_opening(&mut self, index: u32, pooler: u16) {
        let opening = self.s.openings[index];
        let spec = &self.model.pools[opening.pool as usize];
        let state = &mut self.s.poolers[pooler as usize];
        let is_accepted = state.clients < self.model.poolers[pooler as usize].clients;
        if is_accepted {
            state.clients += 1;
            let table = &mut self.s.processes[opening.process as usize].connections[spec.local as usize];
            table[opening.connection.index()].is_there = true;
        } else {
            self.s.tally.refuse(self.model.poolers[pooler as usize].resource);
        }
        let database = &mut self.s.databases[spec.database as usize];
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        self.s.openings[index].phase = if is_accepted {
            OpeningPhase::Ready
        } else {
            OpeningPhase::Refused
        };
        self.schedule_opening(index, way);
    }

    /// A client's connection to its pooler is closed, and with it what it had there in session mode.
    pub(super) fn client_closed(&mut self, process: u32, pool: u16, connection: usize, pooler: u16) {
        let local = self.model.pools[pool as usize].local as usize;
        self.s.poolers[pooler as usize].clients -= 1;
        let lease = self.s.processes[process as usize].leases[local].get_mut(connection);
        if let Some((lease, wire)) = lease.and_then(Option::take) {
            self.give_server_back(pooler, lease, wire);
        }
    }
}
