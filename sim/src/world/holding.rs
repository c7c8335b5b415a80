//! What a task takes and gives back: plain slots, database connections, places in job queues.
//!
//! Owns: driving the machines of each process, their wake-ups, and the opening of connections.

use highwater_models::machine::connections::{ConnectionId, ConnectionsOutput};
use highwater_models::machine::job_queue::{JobOutput, Submit};
use highwater_models::machine::line::Place;
use highwater_models::{Cause, SimSpan, SimTime};

use super::{Held, HeldWhat, Machine, NOBODY, OpeningPhase, Ready, State, Turn, World};
use crate::event::{Event, Scheduled};
use crate::slab::Handle;

/// No opening under way.
const NONE: u32 = u32::MAX;
/// Marks a job on a database's CPU as the opening of a connection; else it is a query.
pub(super) const OPENING: u64 = 1 << 63;

impl World<'_> {
    /// A task is in the line for a slot.
    pub(super) fn line_up(&mut self, index: u32, slots: u16, place: Place) {
        let spec = &self.model.slots[slots as usize];
        self.record.stations[spec.resource as usize].join(self.now, self.record.measuring);
        self.enter(index, spec.wait_stage);
        let task = &mut self.tasks[index];
        task.state = State::Slots(slots, place);
        task.mark = self.now;
        task.scheduled = Scheduled::NOTHING;
        let process = &self.processes[task.process as usize];
        let deadline = process.slots[spec.local as usize].next_deadline();
        if deadline != SimTime::NEVER {
            self.arm(process.first_wake + u32::from(spec.local), deadline);
        }
        self.wait_with_patience(index, spec.patience);
    }

    /// A line has no place left.
    pub(super) fn turn_away(&mut self, index: u32, resource: u16, cause: Cause) {
        self.record.stations[resource as usize].refuse(self.now, self.record.measuring);
        self.record.see(self.now, cause, Some(resource));
        self.fail(index, cause);
    }

    /// A drawn patience with a line.
    fn wait_with_patience(&mut self, index: u32, patience: Option<u32>) {
        if let Some(site) = patience {
            let span = self.draw_span(index, site);
            self.schedule_task(index, self.now + span);
        }
    }

    /// A drawn patience with a line is over.
    pub(super) fn patience_with_line_over(&mut self, index: u32) {
        if let State::Pool(pool, waiting) = self.tasks[index].state {
            // The pool knows what its own time-out does to a connection that is being opened.
            let process = self.tasks[index].process;
            let local = self.model.pools[pool as usize].local as usize;
            self.processes[process as usize].pools[local].time_out(self.now, waiting);
            self.drain_pool(process, pool);
            return;
        }
        if let Some((resource, cause)) = self.leave_line(index) {
            self.record.see(self.now, cause, Some(resource));
            self.fail(index, cause);
        }
    }

    /// A task leaves the line that it is in, if it is in one: the resource, and what the wait was in vain for.
    pub(super) fn leave_line(&mut self, index: u32) -> Option<(u16, Cause)> {
        let task = &self.tasks[index];
        let (process, since) = (task.process as usize, task.mark);
        let (resource, cause) = match task.state {
            State::Slots(slots, place) => {
                let spec = &self.model.slots[slots as usize];
                self.processes[process].slots[spec.local as usize].cancel(place)?;
                (spec.resource, spec.cause)
            }
            State::Pool(pool, waiting) => {
                let spec = &self.model.pools[pool as usize];
                if !self.processes[process].pools[spec.local as usize].cancel(waiting) {
                    return None;
                }
                (spec.resource, Cause::PoolTimeout)
            }
            State::Queue(queue, place) => {
                let spec = &self.model.queues[queue as usize];
                if !self.processes[process].queues[spec.local as usize].cancel(place) {
                    return None;
                }
                (spec.resource, Cause::QueueTimeout)
            }
            State::Pooler(pooler, place) => {
                self.poolers[pooler as usize].machine.cancel(place)?;
                (self.model.poolers[pooler as usize].resource, Cause::PoolTimeout)
            }
            _ => return None,
        };
        self.record.stations[resource as usize].give_up(self.now, since, self.record.measuring);
        Some((resource, cause))
    }

    /// Gives back what was taken last.
    pub(super) fn release_last(&mut self, index: u32, healthy: bool) {
        let Some(&held) = self.tasks[index].held.last() else {
            return;
        };
        // Time until now belongs to what was held.
        let run = &mut self.tasks[index];
        run.stay(self.now, &mut self.record);
        run.held.pop();
        let process = run.process;
        self.give_back(process, held, healthy);
    }

    /// Gives back what a task of a process held.
    fn give_back(&mut self, process: u32, held: Held, healthy: bool) {
        let measuring = self.record.measuring;
        match held.what {
            HeldWhat::Slot(_, local) => {
                let station = &mut self.record.stations[held.resource as usize];
                if let Some(waiter) = self.processes[process as usize].slots[local as usize].release() {
                    station.hand_over(self.now, held.since, waiter.since, measuring);
                    self.lend_again(waiter.ticket, held);
                } else {
                    station.end(self.now, held.since, measuring);
                }
            }
            HeldWhat::Connection(pool, connection) => {
                let spec = &self.model.pools[pool as usize];
                self.record.stations[spec.resource as usize].end(self.now, held.since, measuring);
                self.processes[process as usize].pools[spec.local as usize].release(self.now, connection, healthy);
                self.drain_pool(process, pool);
            }
            HeldWhat::Job(queue) => {
                let spec = &self.model.queues[queue as usize];
                self.record.stations[spec.resource as usize].end(self.now, held.since, measuring);
                self.processes[process as usize].queues[spec.local as usize].finish(self.now);
                self.drain_queue(process, queue);
            }
            HeldWhat::Server(pooler, lease) => self.give_server_back(pooler, lease, held.since),
            HeldWhat::Spent => {}
            HeldWhat::Fetch(entry, key) => {
                self.caches[entry as usize].failed(self.now, key);
                self.drain_cache(entry);
            }
            HeldWhat::Memory(bytes, on_heap) => self.vacate(process, bytes, if on_heap { bytes } else { 0 }),
        }
    }

    /// A waiter has what it waited for.
    pub(super) fn lend(&mut self, ticket: Handle, what: HeldWhat) {
        self.hand(ticket);
        self.hold(ticket.index, what);
    }

    /// A waiter has what another task has just given back.
    pub(super) fn lend_again(&mut self, ticket: Handle, held: Held) {
        self.hand(ticket);
        let since = self.now;
        self.tasks[ticket.index].held.push(Held { since, ..held });
    }

    /// A waiter's wait is over.
    #[inline(always)]
    fn hand(&mut self, ticket: Handle) {
        let run = &mut self.tasks[ticket.index];
        run.stay(self.now, &mut self.record);
        run.state = State::Going;
        run.scheduled = Scheduled::NOTHING;
        self.ready.push_back(Ready::Task(ticket));
    }

    /// Asks for a database connection; the answer comes by way of the pool's outputs.
    pub(super) fn borrow(&mut self, index: u32, pool: u16) -> bool {
        let spec = &self.model.pools[pool as usize];
        let handle = self.tasks.handle(index);
        let process = self.tasks[index].process;
        self.record.stations[spec.resource as usize].join(self.now, self.record.measuring);
        let machine = &mut self.processes[process as usize].pools[spec.local as usize];
        let in_line = machine.queued();
        let waiting = machine.acquire(self.now, handle);
        // Whoever is not in line has a connection opened for it, and waits for that one.
        let opens = machine.queued() == in_line;
        self.enter(index, if opens { spec.connect_stage } else { spec.wait_stage });
        self.tasks[index].state = State::Pool(pool, waiting);
        self.tasks[index].mark = self.now;
        self.tasks[index].scheduled = Scheduled::NOTHING;
        self.drain_pool(process, pool);
        if matches!(self.tasks[index].state, State::Pool(..)) {
            self.wait_with_patience(index, spec.patience);
        }
        false
    }

    /// Acts on what a pool decided.
    pub(super) fn drain_pool(&mut self, process: u32, pool: u16) {
        let spec = &self.model.pools[pool as usize];
        let local = spec.local as usize;
        let measuring = self.record.measuring;
        while let Some(output) = self.processes[process as usize].pools[local].poll() {
            match output {
                ConnectionsOutput::Lend {
                    ticket,
                    since,
                    connection,
                    ..
                } => {
                    self.record.stations[spec.resource as usize].start(self.now, since, measuring);
                    self.lend(ticket, HeldWhat::Connection(pool, connection));
                }
                ConnectionsOutput::Open { connection } => self.open(process, pool, connection),
                ConnectionsOutput::Close { connection } => self.close(process, pool, connection),
                ConnectionsOutput::Refuse { ticket, since, cause } => {
                    self.record.stations[spec.resource as usize].give_up(self.now, since, measuring);
                    self.record.see(self.now, cause, Some(spec.resource));
                    let task = &mut self.tasks[ticket.index];
                    task.failing = Some(cause);
                    task.state = State::Going;
                    task.scheduled = Scheduled::NOTHING;
                    self.ready.push_back(Ready::Task(ticket));
                }
            }
        }
        let machine = &self.processes[process as usize].pools[local];
        let deadline = machine.next_deadline();
        self.record_open(pool);
        let first = self.processes[process as usize].first_wake;
        let slots = self.processes[process as usize].slots.len() as u32;
        self.arm(first + slots + local as u32, deadline);
    }

    /// The level of a pool's connections over all processes.
    pub(super) fn record_open(&mut self, pool: u16) {
        let service = self.service_of_pool(pool);
        let local = self.model.pools[pool as usize].local as usize;
        let open: u64 = if self.services[service as usize].instances.len() == 1 {
            let instance = self.services[service as usize].instances[0] as usize;
            let processes = &self.instances[instance].processes;
            processes
                .iter()
                .map(|&process| u64::from(self.processes[process as usize].pools[local].open()))
                .sum()
        } else {
            let instances = &self.services[service as usize].instances;
            let processes = instances
                .iter()
                .flat_map(|&instance| &self.instances[instance as usize].processes);
            processes
                .map(|&process| u64::from(self.processes[process as usize].pools[local].open()))
                .sum()
        };
        let level = &mut self.record.pools[pool as usize].open;
        if level.value != open {
            level.set(self.now, open);
        }
    }

    fn service_of_pool(&self, pool: u16) -> u16 {
        let resource = self.model.pools[pool as usize].resource;
        self.model.resources[resource as usize].service.unwrap_or(0)
    }

    /// A connection is asked of the database.
    fn open(&mut self, process: u32, pool: u16, connection: ConnectionId) {
        let spec = &self.model.pools[pool as usize];
        let database = &mut self.databases[spec.database as usize];
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        let way = self.strains.databases[spec.database as usize].stretch(way);
        let index = self.insert_opening(process, pool, connection);
        self.schedule_opening(index, way);
        let table = &mut self.processes[process as usize].connections[spec.local as usize];
        if table.len() <= connection.index() {
            table.resize(connection.index() + 1, (false, NONE));
        }
        table[connection.index()] = (false, index);
        if self.record.measuring {
            self.record.pools[pool as usize].connects += 1;
        }
    }

    /// A connection's opening makes progress.
    pub(super) fn opening(&mut self, index: u32, scheduled: Scheduled) {
        if self.openings[index].scheduled != scheduled {
            return;
        }
        let opening = self.openings[index];
        if opening.process == NOBODY {
            self.server_opening(index);
            return;
        }
        let spec = &self.model.pools[opening.pool as usize];
        let number = spec.database as usize;
        match opening.phase {
            OpeningPhase::There => {
                if opening.dead {
                    self.openings.remove(index);
                    return;
                }
                if let Some(pooler) = spec.pooler {
                    self.client_opening(index, pooler);
                    return;
                }
                if self.knock(index, number) {
                    let table = &mut self.processes[opening.process as usize].connections[spec.local as usize];
                    table[opening.connection.index()].0 = true;
                    self.begin_opening_work(index, number);
                } else if self.openings[index].phase == OpeningPhase::Refused && self.record.measuring {
                    self.record.pools[opening.pool as usize].connects_refused += 1;
                }
            }
            OpeningPhase::Cpu => {}
            OpeningPhase::Ready | OpeningPhase::Refused | OpeningPhase::Down => {
                if self.machine_on_loop(opening.process, Turn::Opening(index)) {
                    self.opening_ended(index);
                }
            }
        }
    }

    /// Somebody who opens a connection is at a database: whether it is taken. If not, the answer is on its way back.
    pub(super) fn knock(&mut self, index: u32, number: usize) -> bool {
        let limit = self.model.databases[number].connections;
        let database = &mut self.databases[number];
        let refusal = if self.now < database.down_until {
            OpeningPhase::Down
        } else if database.connections >= limit {
            OpeningPhase::Refused
        } else {
            database.connections += 1;
            let connections = u64::from(database.connections);
            self.record.databases[number].connections.set(self.now, connections);
            return true;
        };
        if refusal == OpeningPhase::Refused {
            if self.record.measuring {
                self.record.databases[number].connections_refused += 1;
            }
            let resource = self.model.databases[number].resource;
            self.record.stations[resource as usize]
                .first_refusal
                .get_or_insert(self.now);
        }
        let way = SimSpan::from_seconds(database.rtt.draw(&mut database.draws) / 2.0);
        self.openings[index].phase = refusal;
        self.schedule_opening(index, way);
        false
    }

    /// A database begins its work for a connection that it has taken.
    pub(super) fn begin_opening_work(&mut self, index: u32, number: usize) {
        let database = &mut self.databases[number];
        let work = SimSpan::from_seconds(database.connect_cpu.draw(&mut database.draws));
        let work = self.strains.databases[number].stretch(work);
        if work > SimSpan::ZERO {
            self.openings[index].phase = OpeningPhase::Cpu;
            self.openings[index].scheduled = Scheduled::NOTHING;
            self.databases[number]
                .cpu
                .start(self.now, work, OPENING | u64::from(index));
            self.arm_database(number as u32);
        } else {
            self.opening_worked(index);
        }
    }

    /// The server has done its work for a new connection; the rest of its time goes by.
    pub(super) fn opening_worked(&mut self, index: u32) {
        let opening = self.openings[index];
        let number = self.database_of(&opening);
        let database = &mut self.databases[number];
        let span = SimSpan::from_seconds(database.connect.draw(&mut database.draws));
        let span = self.strains.databases[number].stretch(span);
        self.openings[index].phase = OpeningPhase::Ready;
        let scheduled = self.events.schedule(self.now + span, Event::Opening(index));
        self.openings[index].scheduled = scheduled;
    }

    /// The pool hears how an opening ended.
    pub(super) fn opening_ended(&mut self, index: u32) {
        let opening = self.openings[index];
        let spec = &self.model.pools[opening.pool as usize];
        let local = spec.local as usize;
        self.openings.remove(index);
        if opening.dead || !self.processes[opening.process as usize].alive {
            return;
        }
        let process = &mut self.processes[opening.process as usize];
        process.connections[local][opening.connection.index()].1 = NONE;
        let failure = match opening.phase {
            OpeningPhase::Refused => Some(Cause::ConnectionRefused),
            OpeningPhase::Down => Some(Cause::DatabaseUnavailable),
            _ => None,
        };
        if let Some(cause) = failure {
            process.pools[local].open_failed(self.now, opening.connection, cause);
        } else {
            process.pools[local].opened(self.now, opening.connection);
            if self.record.measuring {
                self.record.pools[opening.pool as usize]
                    .connect
                    .record(self.now.since(opening.began).nanos());
            }
        }
        self.drain_pool(opening.process, opening.pool);
    }

    /// The pool closes a connection, or gives up opening it.
    pub(super) fn close(&mut self, process: u32, pool: u16, connection: ConnectionId) {
        let spec = &self.model.pools[pool as usize];
        let table = &mut self.processes[process as usize].connections[spec.local as usize];
        let Some(entry) = table.get_mut(connection.index()) else {
            return;
        };
        let (at_server, opening) = *entry;
        *entry = (false, NONE);
        if opening != NONE {
            self.openings[opening].dead = true;
        }
        if at_server && let Some(pooler) = spec.pooler {
            self.client_closed(process, pool, connection.index(), pooler);
        } else if at_server {
            let database = &mut self.databases[spec.database as usize];
            database.connections -= 1;
            let connections = u64::from(database.connections);
            self.record.databases[spec.database as usize]
                .connections
                .set(self.now, connections);
        }
        if self.record.measuring {
            self.record.pools[pool as usize].closes += 1;
        }
    }

    /// Asks for a place in a job queue. True when the job runs.
    pub(super) fn enter_queue(&mut self, index: u32, queue: u16) -> bool {
        let spec = &self.model.queues[queue as usize];
        let handle = self.tasks.handle(index);
        let process = self.tasks[index].process;
        let priority = spec
            .priority
            .get(self.tasks[index].class as usize)
            .copied()
            .unwrap_or(0);
        let machine = &mut self.processes[process as usize].queues[spec.local as usize];
        let answer = machine.submit(self.now, handle, priority);
        let measuring = self.record.measuring;
        match answer {
            Submit::Started => {
                self.record.stations[spec.resource as usize].start_at_once(self.now, measuring);
                self.hold(index, HeldWhat::Job(queue));
                self.note_run(queue, handle);
                self.drain_queue(process, queue);
                true
            }
            Submit::Waiting(place) => {
                self.record.stations[spec.resource as usize].join(self.now, measuring);
                self.enter(index, spec.wait_stage);
                self.tasks[index].state = State::Queue(queue, place);
                self.tasks[index].mark = self.now;
                self.tasks[index].scheduled = Scheduled::NOTHING;
                self.drain_queue(process, queue);
                self.wait_with_patience(index, spec.patience);
                false
            }
            Submit::Full => {
                self.turn_away(index, spec.resource, Cause::QueueFull);
                false
            }
        }
    }

    /// Acts on what a job queue decided.
    pub(super) fn drain_queue(&mut self, process: u32, queue: u16) {
        let spec = &self.model.queues[queue as usize];
        let local = spec.local as usize;
        let measuring = self.record.measuring;
        while let Some(output) = self.processes[process as usize].queues[local].poll() {
            let station = &mut self.record.stations[spec.resource as usize];
            match output {
                JobOutput::Start { ticket, since } => {
                    station.start(self.now, since, measuring);
                    self.lend(ticket, HeldWhat::Job(queue));
                    self.note_run(queue, ticket);
                }
                JobOutput::TimedOut { ticket, since } => {
                    station.give_up(self.now, since, measuring);
                    self.record.see(self.now, Cause::QueueTimeout, Some(spec.resource));
                    let task = &mut self.tasks[ticket.index];
                    task.failing = Some(Cause::QueueTimeout);
                    task.state = State::Going;
                    task.scheduled = Scheduled::NOTHING;
                    self.ready.push_back(Ready::Task(ticket));
                }
            }
        }
        let machine = &self.processes[process as usize].queues[local];
        let (deadline, held, starts) = (
            machine.next_deadline(),
            machine.held_by_cap(),
            machine.started_in_window(),
        );
        let most = &mut self.record.starts_per_window[queue as usize];
        *most = starts.max(*most);
        let level = &mut self.record.held_by_cap[queue as usize];
        if (level.value != 0) != held {
            level.set(self.now, u64::from(held));
        }
        let state = &self.processes[process as usize];
        let wake = state.first_wake + (state.slots.len() + state.pools.len() + local) as u32;
        self.arm(wake, deadline);
    }

    /// Keeps a wake-up no later than a machine's next deadline. A later deadline is left for the wake-up to find out.
    #[inline]
    pub(super) fn arm(&mut self, wake: u32, deadline: SimTime) {
        let state = &mut self.wakes[wake as usize];
        if deadline < state.at {
            state.at = deadline;
            state.scheduled = self.events.schedule(deadline, Event::Wake(wake));
        }
    }

    /// A machine's deadline may have come.
    pub(super) fn wake(&mut self, wake: u32, scheduled: Scheduled) {
        if self.wakes[wake as usize].scheduled != scheduled {
            return;
        }
        let process = self.wakes[wake as usize].process;
        if process == NOBODY
            || (self.processes[process as usize].alive && self.machine_on_loop(process, Turn::Wake(wake)))
        {
            self.advance_machine(wake);
        }
    }

    /// A machine looks at its deadlines.
    pub(super) fn advance_machine(&mut self, wake: u32) {
        let Wake { process, machine } = self.wake_of(wake);
        self.wakes[wake as usize].at = SimTime::NEVER;
        if process != NOBODY && !self.processes[process as usize].alive {
            return;
        }
        match machine {
            Machine::Ladder => self.look(process, wake),
            Machine::Pooler(pooler) => {
                self.poolers[pooler as usize].machine.advance(self.now);
                self.drain_pooler(pooler);
            }
            Machine::Deadlines(service) => self.deadlines(service, wake),
            Machine::Runs(queue) => self.runs_over(queue, wake),
            Machine::Slots(slots) => {
                let spec = &self.model.slots[slots as usize];
                let local = spec.local as usize;
                while let Some(waiter) = self.processes[process as usize].slots[local].expire(self.now) {
                    let station = &mut self.record.stations[spec.resource as usize];
                    station.give_up(self.now, waiter.since, self.record.measuring);
                    self.record.see(self.now, spec.cause, Some(spec.resource));
                    if self.is_plain {
                        self.visits[waiter.ticket.index].fails(spec.cause);
                    } else {
                        let task = &mut self.tasks[waiter.ticket.index];
                        task.failing = Some(spec.cause);
                        task.state = State::Going;
                    }
                    self.ready.push_back(Ready::Task(waiter.ticket));
                }
                let deadline = self.processes[process as usize].slots[local].next_deadline();
                self.arm(wake, deadline);
            }
            Machine::Pool(pool) => {
                let local = self.model.pools[pool as usize].local as usize;
                self.processes[process as usize].pools[local].advance(self.now);
                self.drain_pool(process, pool);
            }
            Machine::Queue(queue) => {
                let local = self.model.queues[queue as usize].local as usize;
                self.processes[process as usize].queues[local].advance(self.now);
                self.drain_queue(process, queue);
            }
        }
    }

    fn wake_of(&self, wake: u32) -> Wake {
        let state = &self.wakes[wake as usize];
        Wake {
            process: state.process,
            machine: state.machine,
        }
    }
}

/// Whose wake-up it is.
struct Wake {
    process: u32,
    machine: Machine,
}
