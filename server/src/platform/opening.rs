//! Connections that are opened and closed: what the system says that takes, and the real ones beside it.
//!
//! A real connection is asked for when the emulated request has reached the server. Whether the server has one left is the
//! store's to say: a refusal is on its way back from then on. While the store has not said anything yet, the emulated work
//! of the server goes on; the connection is there when both are done.

use std::sync::Arc;

use highwater_models::machine::connections::ConnectionId;
use highwater_models::{Cause, SimSpan};

use super::event::{Event, Scheduled};
use super::plant::{Link, Opening, OpeningPhase, Plant, Turn};
use super::real::{Real, Whom};
use super::slab::Handle;
use super::state::NOBODY;
use super::wire::Wire;
use crate::store::{Connection, StoreError};

/// Marks a job on a database's CPU as the opening of a connection; else it is a query.
pub(super) const OPENING: u64 = 1 << 63;

impl Plant<'_> {
    /// A connection is asked of the database, or of the pooler before it.
    pub(super) fn open(&mut self, process: u32, pool: u16, connection: ConnectionId) {
        let spec = &self.model.pools[pool as usize];
        let database = &mut self.s.databases[spec.database as usize];
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        let index = self.insert_opening(process, pool, connection);
        self.schedule_opening(index, way);
        let table = &mut self.s.processes[process as usize].connections[spec.local as usize];
        if table.len() <= connection.index() {
            table.resize(connection.index() + 1, Link::new(ConnectionId::default(), None));
        }
        table[connection.index()] = Link::new(connection, Some(index));
        self.s.tally.pools[pool as usize].connects += 1;
    }

    pub(super) fn insert_opening(&mut self, process: u32, pool: u16, connection: ConnectionId) -> u32 {
        let opening = Opening {
            process,
            pool,
            connection,
            phase: OpeningPhase::There,
            scheduled: Scheduled::NOTHING,
            dead: false,
            is_asking: false,
            is_late: false,
            wire: Handle::NOTHING,
            failed: None,
        };
        self.s.openings.insert(opening).index
    }

    pub(super) fn schedule_opening(&mut self, index: u32, after: SimSpan) {
        let at = self.s.now + after;
        self.s.openings[index].scheduled = self.s.events.schedule(at, Event::Opening(index));
    }

    /// The database that a connection is opened at: a pool's, or a pooler's where it is of no process.
    fn database_of(&self, opening: &Opening) -> usize {
        let number = opening.pool as usize;
        usize::from(if opening.process == NOBODY {
            self.model.poolers[number].database
        } else {
            self.model.pools[number].database
        })
    }

    /// Takes an opening out of the table, and closes a connection that nobody else has got hold of.
    pub(super) fn drop_opening(&mut self, index: u32) {
        if let Some(opening) = self.s.openings.remove(index) {
            self.hang_up(opening.wire);
        }
    }

    /// A connection's opening makes progress.
    pub(super) fn opening(&mut self, index: u32, scheduled: Scheduled) {
        let Some(opening) = self.s.openings.at(index).copied() else {
            return;
        };
        if opening.scheduled != scheduled {
            return;
        }
        self.s.openings[index].scheduled = Scheduled::NOTHING;
        if opening.process == NOBODY {
            self.server_opening(index);
            return;
        }
        let spec = &self.model.pools[opening.pool as usize];
        match opening.phase {
            OpeningPhase::There if opening.dead => self.drop_opening(index),
            OpeningPhase::There => match spec.pooler {
                Some(pooler) => self.client_opening(index, pooler),
                None => self.knock(index),
            },
            OpeningPhase::Cpu => {}
            OpeningPhase::Ready if opening.is_asking => self.s.openings[index].is_late = true,
            OpeningPhase::Ready | OpeningPhase::Refused | OpeningPhase::Down => {
                if self.machine_on_loop(opening.process, Turn::Opening(index)) {
                    self.opening_ended(index);
                }
            }
        }
    }

    /// Somebody who opens a connection is at a database: whether it is taken is the store's to say.
    pub(super) fn knock(&mut self, index: u32) {
        let number = self.database_of(&self.s.openings[index]);
        let store = Arc::clone(&self.parts.stores[number]);
        self.s.openings[index].is_asking = true;
        let whom = Whom::Opening(self.s.openings.handle(index));
        let connect = async move { Real::Connected(store.connect().await) };
        match self.launch(whom, connect) {
            Some(Real::Connected(answer)) => self.connected(index, answer),
            _ => self.begin_opening_work(index, number),
        }
    }

    /// A store has said whether it has a connection.
    pub(super) fn connected(&mut self, index: u32, answer: Result<Box<dyn Connection>, StoreError>) {
        let number = self.database_of(&self.s.openings[index]);
        self.s.openings[index].is_asking = false;
        let phase = self.s.openings[index].phase;
        let refusal = match answer {
            Ok(connection) => {
                self.s.databases[number].connections += 1;
                let wire = self.s.wires.insert(Wire::new(number as u16, connection));
                let opening = &mut self.s.openings[index];
                opening.wire = wire;
                let (process, pool, place) = (opening.process, opening.pool, opening.connection.index());
                if process != NOBODY && !opening.dead {
                    let local = self.model.pools[pool as usize].local as usize;
                    let link = &mut self.s.processes[process as usize].connections[local][place];
                    (link.is_there, link.wire) = (true, wire);
                }
                if phase == OpeningPhase::There {
                    self.begin_opening_work(index, number);
                } else if std::mem::take(&mut self.s.openings[index].is_late) {
                    self.schedule_opening(index, SimSpan::ZERO);
                }
                return;
            }
            Err(StoreError::Refused) => OpeningPhase::Refused,
            Err(StoreError::Lost(_) | StoreError::Failed(_)) => OpeningPhase::Down,
        };
        if refusal == OpeningPhase::Refused {
            self.s.tally.refuse(self.model.databases[number].resource);
        }
        if phase == OpeningPhase::Cpu {
            // Found out when the emulated work is done.
            self.s.openings[index].failed = Some(refusal);
        } else {
            self.refuse_opening(index, refusal);
        }
    }

    /// A refusal is on its way back.
    fn refuse_opening(&mut self, index: u32, refusal: OpeningPhase) {
        let number = self.database_of(&self.s.openings[index]);
        let database = &mut self.s.databases[number];
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        self.s.openings[index].phase = refusal;
        self.schedule_opening(index, way);
    }

    /// A database begins its work for a connection.
    fn begin_opening_work(&mut self, index: u32, number: usize) {
        let database = &mut self.s.databases[number];
        let work = SimSpan::from_seconds(database.connect_cpu.draw(&mut database.draws));
        if work > SimSpan::ZERO {
            self.s.openings[index].phase = OpeningPhase::Cpu;
            self.s.openings[index].scheduled = Scheduled::NOTHING;
            let now = self.s.now;
            self.s.databases[number]
                .cpu
                .start(now, work, OPENING | u64::from(index));
            self.arm_database(number as u32);
        } else {
            self.opening_worked(index);
        }
    }

    /// The server has done its work for a new connection; the rest of its time goes by.
    pub(super) fn opening_worked(&mut self, index: u32) {
        if self.s.openings[index].dead {
            self.drop_opening(index);
            return;
        }
        if let Some(refusal) = self.s.openings[index].failed.take() {
            self.refuse_opening(index, refusal);
            return;
        }
        let number = self.database_of(&self.s.openings[index]);
        let database = &mut self.s.databases[number];
        let span = SimSpan::from_seconds(database.connect.draw(&mut database.draws));
        self.s.openings[index].phase = OpeningPhase::Ready;
        self.schedule_opening(index, span);
    }

    /// The pool hears how an opening ended.
    pub(super) fn opening_ended(&mut self, index: u32) {
        let Some(opening) = self.s.openings.remove(index) else {
            return;
        };
        let spec = &self.model.pools[opening.pool as usize];
        let local = spec.local as usize;
        if opening.dead || !self.s.processes[opening.process as usize].alive {
            self.hang_up(opening.wire);
            return;
        }
        let now = self.s.now;
        let process = &mut self.s.processes[opening.process as usize];
        process.connections[local][opening.connection.index()].opening = None;
        let failure = match opening.phase {
            OpeningPhase::Refused => Some(Cause::ConnectionRefused),
            OpeningPhase::Down => Some(Cause::DatabaseUnavailable),
            _ => None,
        };
        match failure {
            Some(cause) => process.pools[local].open_failed(now, opening.connection, cause),
            None => process.pools[local].opened(now, opening.connection),
        }
        self.drain_pool(opening.process, opening.pool);
    }

    /// The pool closes a connection, or gives up opening it.
    pub(super) fn close(&mut self, process: u32, pool: u16, connection: ConnectionId) {
        let spec = &self.model.pools[pool as usize];
        let table = &mut self.s.processes[process as usize].connections[spec.local as usize];
        let Some(entry) = table.get_mut(connection.index()) else {
            return;
        };
        let link = std::mem::replace(entry, Link::new(connection, None));
        if let Some(opening) = link.opening {
            self.s.openings[opening].dead = true;
        }
        self.unlink(process, pool, connection.index(), link);
    }

    /// What the other side of a connection hears of its end.
    pub(super) fn unlink(&mut self, process: u32, pool: u16, connection: usize, link: Link) {
        if !link.is_there {
            return;
        }
        match self.model.pools[pool as usize].pooler {
            Some(pooler) => self.client_closed(process, pool, connection, pooler),
            None => {
                if let Some(opening) = link.opening {
                    self.s.openings[opening].wire = Handle::NOTHING;
                }
                self.hang_up(link.wire);
            }
        }
    }
}
