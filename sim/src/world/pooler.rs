//! Poolers: clients' connections to them, their server connections, the line between.
//!
//! A pool that goes through a pooler opens its connections there: a round trip and nothing of the database's. A client
//! has one of the few server connections for a query or a transaction, or in session mode for as long as its own
//! connection lives.
//! Owns: driving the machines. Never: the rules (those are the machine's).

use highwater_models::machine::connections::ConnectionId;
use highwater_models::machine::pooler::{Lease, PoolerOutput, Server};
use highwater_models::{Cause, SimSpan, SimTime};

use super::{HeldWhat, NOBODY, Opening, OpeningPhase, Ready, State, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;

impl World<'_> {
    /// A client asks its pooler for a server connection. True when the task goes on with it.
    pub(super) fn server(&mut self, index: u32, pooler: u16, pool: u16) -> bool {
        let spec = &self.model.poolers[pooler as usize];
        if spec.by_session && self.lease_of(index, pool).is_some_and(|lease| lease.is_some()) {
            return true;
        }
        let handle = self.tasks.handle(index);
        let measuring = self.record.measuring;
        let answer = self.poolers[pooler as usize].machine.acquire(self.now, handle);
        let station = &mut self.record.stations[spec.resource as usize];
        let goes_on = match answer {
            Server::Lent(lease) => {
                station.start_at_once(self.now, measuring);
                self.take_server(index, pooler, lease);
                true
            }
            Server::Waiting(place) => {
                station.join(self.now, measuring);
                self.enter(index, spec.wait_stage);
                let task = &mut self.tasks[index];
                task.state = State::Pooler(pooler, place);
                task.mark = self.now;
                task.scheduled = Scheduled::NOTHING;
                false
            }
        };
        self.drain_pooler(pooler);
        goes_on
    }

    /// The place of a task's connection of a pool in its process's table of leases.
    fn lease_place(&self, index: u32, pool: u16) -> Option<(u32, usize, usize)> {
        let process = self.tasks[index].process;
        let local = self.model.pools[pool as usize].local as usize;
        let connection = self.tasks[index].held.iter().rev().find_map(|held| match held.what {
            HeldWhat::Connection(of, connection) if of == pool => Some(connection.index()),
            _ => None,
        });
        // A branch uses the connection that its parent holds.
        match (connection, self.tasks.get(self.tasks[index].parent)) {
            (Some(connection), _) => Some((process, local, connection)),
            (None, Some(_)) => self.lease_place(self.tasks[index].parent.index, pool),
            (None, None) => None,
        }
    }

    fn lease_of(&mut self, index: u32, pool: u16) -> Option<&mut Option<(Lease, SimTime)>> {
        let (process, local, connection) = self.lease_place(index, pool)?;
        let leases = &mut self.processes[process as usize].leases[local];
        if leases.len() <= connection {
            leases.resize(connection + 1, None);
        }
        leases.get_mut(connection)
    }

    /// The server connection is the task's until it gives it back, or its own connection's.
    fn take_server(&mut self, index: u32, pooler: u16, lease: Lease) {
        let now = self.now;
        if self.model.poolers[pooler as usize].by_session {
            let pools = &self.model.pools;
            let pool = self.tasks[index].held.iter().rev().find_map(|held| match held.what {
                HeldWhat::Connection(pool, _) if pools[pool as usize].pooler == Some(pooler) => Some(pool),
                _ => None,
            });
            if let Some(pool) = pool
                && let Some(place) = self.lease_of(index, pool)
                && place.is_none()
            {
                *place = Some((lease, now));
                return;
            }
        }
        self.hold(index, HeldWhat::Server(pooler, lease));
    }

    /// A server connection comes back to its pooler.
    pub(super) fn give_server_back(&mut self, pooler: u16, lease: Lease, since: SimTime) {
        let resource = self.model.poolers[pooler as usize].resource as usize;
        self.record.stations[resource].end(self.now, since, self.record.measuring);
        self.poolers[pooler as usize].machine.release(self.now, lease);
        self.drain_pooler(pooler);
    }

    /// Acts on what a pooler decided.
    pub(super) fn drain_pooler(&mut self, pooler: u16) {
        let number = pooler as usize;
        let resource = self.model.poolers[number].resource;
        let measuring = self.record.measuring;
        while let Some(output) = self.poolers[number].machine.poll() {
            match output {
                PoolerOutput::Lend { ticket, since, lease } => {
                    self.record.stations[resource as usize].start(self.now, since, measuring);
                    let stage = self.tasks[ticket.index].stage;
                    self.enter(ticket.index, stage);
                    self.take_server(ticket.index, pooler, lease);
                    self.waiter_goes_on(ticket);
                }
                PoolerOutput::TimedOut { ticket, since } => {
                    self.record.stations[resource as usize].give_up(self.now, since, measuring);
                    self.record.see(self.now, Cause::PoolTimeout, Some(resource));
                    self.tasks[ticket.index].failing = Some(Cause::PoolTimeout);
                    self.waiter_goes_on(ticket);
                }
                PoolerOutput::Open => self.open_server(pooler),
                PoolerOutput::Close => self.server_closed(pooler),
            }
        }
        let open = u64::from(self.poolers[number].machine.open());
        if self.record.poolers[number].open.value != open {
            self.record.poolers[number].open.set(self.now, open);
        }
        let deadline = self.poolers[number].machine.next_deadline();
        self.arm(u32::from(pooler), deadline);
    }

    fn waiter_goes_on(&mut self, ticket: Handle) {
        let task = &mut self.tasks[ticket.index];
        task.state = State::Going;
        task.scheduled = Scheduled::NOTHING;
        self.ready.push_back(Ready::Task(ticket));
    }

    // ---- its connections at the database --------------------------------------------------------------------------

    /// A pooler sets out to open a server connection.
    fn open_server(&mut self, pooler: u16) {
        let number = self.model.poolers[pooler as usize].database as usize;
        let database = &mut self.databases[number];
        let draws = &mut self.poolers[pooler as usize].draws;
        let way = SimSpan::from_seconds(database.rtt.draw(draws) / 2.0);
        let way = self.strains.databases[number].stretch(way);
        let index = self.insert_opening(NOBODY, pooler, ConnectionId::default());
        self.schedule_opening(index, way);
        if self.record.measuring {
            self.record.poolers[pooler as usize].connects += 1;
        }
    }

    pub(super) fn insert_opening(&mut self, process: u32, pool: u16, connection: ConnectionId) -> u32 {
        let opening = Opening {
            process,
            pool,
            connection,
            began: self.now,
            phase: OpeningPhase::There,
            scheduled: Scheduled::NOTHING,
            dead: false,
        };
        self.openings.insert(opening).index
    }

    pub(super) fn schedule_opening(&mut self, index: u32, after: SimSpan) {
        let scheduled = self.events.schedule(self.now + after, Event::Opening(index));
        self.openings[index].scheduled = scheduled;
    }

    /// The database that a connection is opened at: a pool's, or a pooler's where it is of no process.
    pub(super) fn database_of(&self, opening: &Opening) -> usize {
        let number = opening.pool as usize;
        usize::from(if opening.process == NOBODY {
            self.model.poolers[number].database
        } else {
            self.model.pools[number].database
        })
    }

    /// A server connection's opening makes progress.
    pub(super) fn server_opening(&mut self, index: u32) {
        let opening = self.openings[index];
        let pooler = opening.pool;
        let number = self.database_of(&opening);
        match opening.phase {
            OpeningPhase::There => {
                if self.knock(index, number) {
                    self.poolers[pooler as usize].at_server += 1;
                    self.begin_opening_work(index, number);
                } else if self.openings[index].phase == OpeningPhase::Refused && self.record.measuring {
                    self.record.poolers[pooler as usize].connects_refused += 1;
                }
            }
            OpeningPhase::Cpu => {}
            OpeningPhase::Ready => {
                self.openings.remove(index);
                self.poolers[pooler as usize].machine.opened(self.now);
                self.drain_pooler(pooler);
            }
            OpeningPhase::Refused | OpeningPhase::Down => {
                self.openings.remove(index);
                self.poolers[pooler as usize].machine.open_failed(self.now);
                self.drain_pooler(pooler);
            }
        }
    }

    /// A server connection is closed.
    fn server_closed(&mut self, pooler: u16) {
        let number = self.model.poolers[pooler as usize].database as usize;
        self.poolers[pooler as usize].at_server -= 1;
        self.databases[number].connections -= 1;
        let connections = u64::from(self.databases[number].connections);
        self.record.databases[number].connections.set(self.now, connections);
    }

    /// A database has cut all connections: those of its poolers, and the ones that they were about to have.
    pub(super) fn lose_servers(&mut self, database: u16) {
        let underway: Vec<u32> = self
            .openings
            .iter()
            .filter(|(_, opening)| {
                opening.process == NOBODY && self.model.poolers[opening.pool as usize].database == database
            })
            .filter(|(_, opening)| matches!(opening.phase, OpeningPhase::Cpu | OpeningPhase::Ready))
            .map(|(index, _)| index)
            .collect();
        for index in underway {
            let pooler = self.openings[index].pool;
            // What was still to come of it finds nothing.
            self.openings[index].scheduled = Scheduled::NOTHING;
            self.openings.remove(index);
            self.poolers[pooler as usize].machine.open_failed(self.now);
        }
        for pooler in 0..self.poolers.len() {
            if self.model.poolers[pooler].database == database {
                self.poolers[pooler].at_server = 0;
                self.poolers[pooler].machine.lose_all(self.now);
                self.drain_pooler(pooler as u16);
            }
        }
    }

    // ---- clients' connections -------------------------------------------------------------------------------------

    /// A pool's connection is at its pooler, which accepts it or has too many.
    pub(super) fn client_opening(&mut self, index: u32, pooler: u16) {
        let opening = self.openings[index];
        let spec = &self.model.pools[opening.pool as usize];
        let state = &mut self.poolers[pooler as usize];
        let measuring = self.record.measuring;
        let is_accepted = state.clients < self.model.poolers[pooler as usize].clients;
        if is_accepted {
            state.clients += 1;
            let clients = u64::from(state.clients);
            self.record.poolers[pooler as usize].clients.set(self.now, clients);
            let table = &mut self.processes[opening.process as usize].connections[spec.local as usize];
            table[opening.connection.index()].0 = true;
        } else {
            if measuring {
                self.record.poolers[pooler as usize].clients_refused += 1;
                self.record.pools[opening.pool as usize].connects_refused += 1;
            }
            let resource = self.model.poolers[pooler as usize].resource;
            self.record.stations[resource as usize]
                .first_refusal
                .get_or_insert(self.now);
        }
        let database = &mut self.databases[spec.database as usize];
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        self.openings[index].phase = if is_accepted {
            OpeningPhase::Ready
        } else {
            OpeningPhase::Refused
        };
        self.schedule_opening(index, way);
    }

    /// A client's connection to its pooler is closed, and with it what it had there in session mode.
    pub(super) fn client_closed(&mut self, process: u32, pool: u16, connection: usize, pooler: u16) {
        let local = self.model.pools[pool as usize].local as usize;
        let state = &mut self.poolers[pooler as usize];
        state.clients -= 1;
        let clients = u64::from(state.clients);
        self.record.poolers[pooler as usize].clients.set(self.now, clients);
        let lease = self.processes[process as usize].leases[local].get_mut(connection);
        if let Some((lease, since)) = lease.and_then(Option::take) {
            self.give_server_back(pooler, lease, since);
        }
    }
}
