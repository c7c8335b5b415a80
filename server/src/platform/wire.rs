//! Real connections, and the statements that go over them, one after another.
//!
//! Owns: who runs on which, transactions at the database, connections that the other side has closed.
//! Never: who is lent which (that is the pool's machine).

use std::collections::VecDeque;

use highwater_models::{Cause, SimTime};
use highwater_program::model::{Model, Op};
use serde_json::Value;

use super::plant::{Death, Link, Plant};
use super::real::{Real, Whom};
use super::slab::Handle;
use super::state::{HeldWhat, State, TaskKind};
use crate::store::{Connection, Statement, StoreError};

/// A real connection.
pub(super) struct Wire {
    database: u16,
    /// None while a statement runs.
    connection: Option<Box<dyn Connection>>,
    /// Who waits for what runs.
    whom: Whom,
    /// What is to run next.
    line: VecDeque<(Whom, Vec<Statement>)>,
    /// Whether a transaction has begun on it.
    has_begun: bool,
    /// Ends when what runs is done.
    is_closed: bool,
}

impl Wire {
    pub(super) fn new(database: u16, connection: Box<dyn Connection>) -> Self {
        Self {
            database,
            connection: Some(connection),
            whom: Whom::Nobody,
            line: VecDeque::new(),
            has_begun: false,
            is_closed: false,
        }
    }
}

/// By place in the program: whether a connection is asked for there to run a transaction. One that is asked for a single
/// query needs none: the query keeps what it does by itself.
pub(super) fn transactions(model: &Model) -> Vec<bool> {
    let mut found = vec![false; model.ops.len()];
    for (pc, op) in model.ops.iter().enumerate() {
        if !matches!(op, Op::Borrow { .. }) {
            continue;
        }
        let mut depth = 1;
        let mut queries = 0;
        for op in &model.ops[pc + 1..] {
            match op {
                Op::Release => depth -= 1,
                Op::Server { pooler, .. } if model.poolers[*pooler as usize].by_session => {}
                Op::Server { .. } => depth += 1,
                Op::Slice { .. } => {}
                Op::Query { .. } => queries += 1,
                Op::Acquire { .. } | Op::Borrow { .. } | Op::Enter { .. } => {
                    depth += 1;
                    found[pc] = true;
                }
                _ => found[pc] = true,
            }
            if depth == 0 {
                break;
            }
        }
        found[pc] |= queries > 1;
    }
    found
}

impl Plant<'_> {
    /// What a task's query on a database goes over, and whether it is part of a transaction. A branch uses what its parent
    /// holds.
    pub(super) fn wire_of(&self, index: u32, database: u16) -> Option<(Handle, bool)> {
        let mut at = index;
        loop {
            let run = &self.s.tasks[at];
            for held in run.held.iter().rev() {
                match held.what {
                    HeldWhat::Server(pooler, _, wire, transaction)
                        if self.model.poolers[pooler as usize].database == database =>
                    {
                        return Some((wire, transaction));
                    }
                    HeldWhat::Connection(pool, connection, transaction)
                        if self.model.pools[pool as usize].database == database =>
                    {
                        let spec = &self.model.pools[pool as usize];
                        let local = spec.local as usize;
                        let process = &self.s.processes[run.process as usize];
                        let wire = match spec.pooler {
                            None => process.connections[local].get(connection.index()).map(|link| link.wire),
                            // In session mode the server connection is the client connection's own.
                            Some(_) => {
                                let lease = process.leases[local].get(connection.index()).copied().flatten();
                                lease.map(|(_, wire)| wire)
                            }
                        };
                        return wire.map(|wire| (wire, transaction));
                    }
                    _ => {}
                }
            }
            if run.kind != TaskKind::Branch || !self.s.tasks.is_live(run.parent) {
                return None;
            }
            at = run.parent.index;
        }
    }

    /// A task's statement sets out on what it holds.
    pub(super) fn run_statement(&mut self, index: u32, database: u16, statement: Statement) {
        let whom = self.asks(index);
        let mut statements = vec![statement];
        let wire = match self.wire_of(index, database) {
            Some((wire, transaction)) => {
                if transaction
                    && let Some(state) = self.s.wires.get_mut(wire)
                    && !state.has_begun
                {
                    state.has_begun = true;
                    statements.insert(0, Statement::Begin);
                }
                wire
            }
            None => Handle::NOTHING,
        };
        if let Some(found) = self.run_wire(wire, whom, statements) {
            self.told(index, Real::Found(found));
        }
    }

    /// Runs statements over a wire after whatever was to run there before. What the last one found, if it is known at once.
    fn run_wire(&mut self, wire: Handle, whom: Whom, statements: Vec<Statement>) -> Option<Result<Value, StoreError>> {
        let Some(state) = self.s.wires.get_mut(wire) else {
            return Some(Err(StoreError::Lost("the connection is gone".to_owned())));
        };
        let Some(mut connection) = state.connection.take() else {
            state.line.push_back((whom, statements));
            return None;
        };
        state.whom = whom;
        let work = async move {
            let mut found = Ok(Value::Null);
            for statement in &statements {
                found = connection.run(statement).await;
                if found.is_err() {
                    break;
                }
            }
            Real::Ran(connection, found)
        };
        match self.launch(Whom::Wire(wire), work) {
            Some(Real::Ran(connection, found)) => {
                if let Some(state) = self.s.wires.get_mut(wire) {
                    state.connection = Some(connection);
                }
                Some(found)
            }
            _ => None,
        }
    }

    /// What ran over a wire is done.
    pub(super) fn wire_ran(&mut self, wire: Handle, connection: Box<dyn Connection>, found: Result<Value, StoreError>) {
        let Some(state) = self.s.wires.get_mut(wire) else {
            return;
        };
        state.connection = Some(connection);
        let whom = std::mem::replace(&mut state.whom, Whom::Nobody);
        if state.is_closed {
            self.s.wires.remove(wire.index);
        } else {
            while let Some((next, statements)) = self.s.wires.get_mut(wire).and_then(|state| state.line.pop_front()) {
                match self.run_wire(wire, next, statements) {
                    Some(found) => self.heard(next, Real::Found(found)),
                    None => break,
                }
            }
        }
        self.heard(whom, Real::Found(found));
    }

    /// A connection is closed for good.
    pub(super) fn hang_up(&mut self, wire: Handle) {
        let Some(state) = self.s.wires.get_mut(wire) else {
            return;
        };
        let database = state.database as usize;
        if state.is_closed {
            return;
        }
        self.s.databases[database].connections -= 1;
        if state.connection.is_some() {
            self.s.wires.remove(wire.index);
        } else {
            state.is_closed = true;
        }
    }

    // ---- transactions -----------------------------------------------------------------------------------------------

    /// The wire of what a task holds last, if a transaction has begun on it.
    fn begun_on(&self, index: u32) -> Option<Handle> {
        let run = &self.s.tasks[index];
        let wire = match run.held.last()?.what {
            HeldWhat::Server(_, _, wire, true) => wire,
            HeldWhat::Connection(pool, _, true) => {
                let database = self.model.pools[pool as usize].database;
                self.wire_of(index, database)?.0
            }
            _ => return None,
        };
        self.s
            .wires
            .get(wire)
            .is_some_and(|wire| wire.has_begun)
            .then_some(wire)
    }

    /// Keeps what a task's transaction has done, if it is in one. True when that is done; else the task comes back to its
    /// instruction, or has failed.
    pub(super) fn is_committed(&mut self, index: u32) -> bool {
        let Some(wire) = self.begun_on(index) else {
            return true;
        };
        let whom = self.asks(index);
        let found = self.run_wire(wire, whom, vec![Statement::Commit]);
        self.s.tasks[index].pc -= 1;
        let database = self.s.wires.get(wire).map_or(0, |wire| wire.database);
        let stage = self.model.databases[database as usize].stage;
        self.enter(index, stage);
        self.s.tasks[index].state = State::Committing;
        match found {
            Some(found) => {
                self.told(index, Real::Found(found));
                if !self.has_kept(index) {
                    return false;
                }
                self.s.tasks[index].pc += 1;
                true
            }
            None => {
                self.s.tasks[index].is_late = true;
                false
            }
        }
    }

    /// A transaction has been kept, or not.
    pub(super) fn committed(&mut self, index: u32) {
        if self.has_kept(index) {
            self.run_task(index);
        }
    }

    fn has_kept(&mut self, index: u32) -> bool {
        if let Some(wire) = self.begun_on(index)
            && let Some(wire) = self.s.wires.get_mut(wire)
        {
            wire.has_begun = false;
        }
        self.s.tasks[index].state = State::Going;
        let cause = match self.s.tasks[index].real.take() {
            Some(Real::Found(Ok(_))) => return true,
            Some(Real::Found(Err(StoreError::Lost(_)))) => {
                let now = self.s.now;
                (0..self.model.databases.len()).for_each(|database| self.look_for_lost(database as u16, now));
                Cause::DatabaseUnavailable
            }
            _ => Cause::QueryFailed,
        };
        self.fail(index, cause);
        false
    }

    /// What a connection of a pool was in the middle of never was.
    pub(super) fn roll_back(
        &mut self,
        process: u32,
        local: usize,
        connection: highwater_models::machine::connections::ConnectionId,
    ) {
        let state = &self.s.processes[process as usize];
        let link = state
            .connections
            .get(local)
            .and_then(|table| table.get(connection.index()));
        let lease = state.leases.get(local).and_then(|table| table.get(connection.index()));
        let own = link.map_or(Handle::NOTHING, |link| link.wire);
        let wire = lease.copied().flatten().map_or(own, |(_, wire)| wire);
        self.roll_back_on(wire);
    }

    /// The same, over a wire.
    pub(super) fn roll_back_on(&mut self, wire: Handle) {
        if let Some(state) = self.s.wires.get_mut(wire)
            && std::mem::take(&mut state.has_begun)
        {
            self.run_wire(wire, Whom::Nobody, vec![Statement::Rollback]);
        }
    }

    // ---- connections that are lost ----------------------------------------------------------------------------------

    /// A database has closed a connection: others may be gone with it, idle ones too. Those that are lent go when they
    /// come back. A process that does not handle the error of an idle one dies of it.
    pub(super) fn look_for_lost(&mut self, database: u16, now: SimTime) {
        for process in 0..self.s.processes.len() as u32 {
            if !self.s.processes[process as usize].alive {
                continue;
            }
            let service = self.s.processes[process as usize].service as usize;
            for &pool in &self.model.services[service].pools {
                let spec = &self.model.pools[pool as usize];
                if spec.database != database || spec.pooler.is_some() {
                    continue;
                }
                let local = spec.local as usize;
                let idle = self.s.processes[process as usize].pools[local].idle();
                for number in 0..self.s.processes[process as usize].connections[local].len() {
                    let link = self.s.processes[process as usize].connections[local][number];
                    if link.opening.is_none() && self.is_broken(link.wire) {
                        let state = &mut self.s.processes[process as usize];
                        state.connections[local][number] = Link::new(link.id, None);
                        state.pools[local].lost(now, link.id);
                        self.hang_up(link.wire);
                    }
                }
                let was_idle = self.s.processes[process as usize].pools[local].idle() < idle;
                if was_idle && self.model.services[service].crash_on_database_error {
                    self.doom(self.s.processes[process as usize].instance, Death::Crash);
                }
                self.drain_pool(process, pool);
            }
        }
        for pooler in 0..self.s.poolers.len() {
            if self.model.poolers[pooler].database == database
                && self.s.poolers[pooler].wires.iter().any(|&wire| self.is_broken(wire))
            {
                let wires = std::mem::take(&mut self.s.poolers[pooler].wires);
                wires.into_iter().for_each(|wire| self.hang_up(wire));
                self.s.poolers[pooler].machine.lose_all(now);
                self.drain_pooler(pooler as u16);
            }
        }
    }

    fn is_broken(&self, wire: Handle) -> bool {
        let connection = self.s.wires.get(wire).and_then(|wire| wire.connection.as_ref());
        connection.is_some_and(|connection| connection.is_closed())
    }
}
