//! What a task takes and gives back: plain slots, database connections, places in job queues.
//!
//! Owns: driving the machines of each process, and their wake-ups: one for each machine, armed again only for an earlier
//! deadline.

use highwater_models::machine::connections::ConnectionsOutput;
use highwater_models::machine::job_queue::{JobOutput, Submit};
use highwater_models::machine::line::Place;
use highwater_models::{Cause, SimSpan, SimTime};

use super::event::{Event, Scheduled};
use super::plant::{Machine, Plant, Turn};
use super::slab::Handle;
use super::state::{Held, HeldWhat, NOBODY, State};

impl Plant<'_> {
    /// A task is in the line for a slot.
    pub(super) fn line_up(&mut self, index: u32, slots: u16, place: Place) {
        let spec = &self.model.slots[slots as usize];
        self.wait_in_line(index, State::Slots(slots, place), spec.wait_stage);
        let process = &self.s.processes[self.s.tasks[index].process as usize];
        let deadline = process.slots[spec.local as usize].next_deadline();
        let wake = process.first_wake + u32::from(spec.local);
        self.arm(wake, deadline);
        self.wait_with_patience(index, spec.patience);
    }

    /// A task waits in a line from now on.
    pub(super) fn wait_in_line(&mut self, index: u32, state: State, stage: u16) {
        self.enter(index, stage);
        let now = self.s.now;
        let task = &mut self.s.tasks[index];
        task.state = state;
        task.mark = now;
        task.scheduled = Scheduled::NOTHING;
    }

    /// A line has no place left.
    pub(super) fn turn_away(&mut self, index: u32, resource: u16, cause: Cause) {
        self.s.tally.refuse(resource);
        self.fail(index, cause);
    }

    /// A drawn patience with a line.
    fn wait_with_patience(&mut self, index: u32, patience: Option<u32>) {
        if let Some(site) = patience {
            let span = self.draw_span(index, site);
            let at = self.s.now + span;
            self.schedule_task(index, at);
        }
    }

    /// A drawn patience with a line is over.
    pub(super) fn patience_with_line_over(&mut self, index: u32) {
        if let State::Pool(pool, waiting) = self.s.tasks[index].state {
            // The pool knows what its own time-out does to a connection that is being opened.
            let process = self.s.tasks[index].process;
            let local = self.model.pools[pool as usize].local as usize;
            let now = self.s.now;
            self.s.processes[process as usize].pools[local].time_out(now, waiting);
            self.drain_pool(process, pool);
            return;
        }
        if let Some(cause) = self.leave_line(index) {
            self.fail(index, cause);
        }
    }

    /// A task leaves the line that it is in, if it is in one: what the wait was in vain for.
    pub(super) fn leave_line(&mut self, index: u32) -> Option<Cause> {
        let task = &self.s.tasks[index];
        let process = task.process as usize;
        match task.state {
            State::Slots(slots, place) => {
                let spec = &self.model.slots[slots as usize];
                self.s.processes[process].slots[spec.local as usize].cancel(place)?;
                Some(spec.cause)
            }
            State::Pool(pool, waiting) => {
                let local = self.model.pools[pool as usize].local as usize;
                let left = self.s.processes[process].pools[local].cancel(waiting);
                left.then_some(Cause::PoolTimeout)
            }
            State::Queue(queue, place) => {
                let local = self.model.queues[queue as usize].local as usize;
                let left = self.s.processes[process].queues[local].cancel(place);
                left.then_some(Cause::QueueTimeout)
            }
            State::Pooler(pooler, place) => {
                self.s.poolers[pooler as usize].machine.cancel(place)?;
                Some(Cause::PoolTimeout)
            }
            _ => None,
        }
    }

    /// Gives back what was taken last.
    pub(super) fn release_last(&mut self, index: u32, healthy: bool) {
        // Time until now belongs to what was held.
        let stage = self.s.tasks[index].stage;
        self.enter(index, stage);
        if let Some(held) = self.s.tasks[index].held.pop() {
            let process = self.s.tasks[index].process;
            self.give_back(process, held, healthy);
        }
    }

    /// Gives back what a task of a process held.
    fn give_back(&mut self, process: u32, held: Held, healthy: bool) {
        let now = self.s.now;
        match held.what {
            HeldWhat::Slot(slots) => {
                let local = self.model.slots[slots as usize].local as usize;
                if let Some(waiter) = self.s.processes[process as usize].slots[local].release() {
                    self.s
                        .tally
                        .waited(self.model.slots[slots as usize].resource, now.since(waiter.since));
                    self.lend(waiter.ticket, HeldWhat::Slot(slots));
                }
            }
            HeldWhat::Connection(pool, connection, _) => {
                let local = self.model.pools[pool as usize].local as usize;
                self.roll_back(process, local, connection);
                self.s.processes[process as usize].pools[local].release(now, connection, healthy);
                self.drain_pool(process, pool);
            }
            HeldWhat::Job(queue) => {
                let local = self.model.queues[queue as usize].local as usize;
                self.s.processes[process as usize].queues[local].finish(now);
                self.drain_queue(process, queue);
            }
            HeldWhat::Server(pooler, lease, wire, _) => self.give_server_back(pooler, lease, wire),
            HeldWhat::Spent => {}
            HeldWhat::Fetch(entry, key) => {
                self.s.fetches[entry as usize].failed(now, key);
                self.drain_fetches(entry, None);
            }
            HeldWhat::Memory(bytes, on_heap) => self.vacate(process, bytes, if on_heap { bytes } else { 0 }),
        }
    }

    /// A waiter has what it waited for.
    pub(super) fn lend(&mut self, ticket: Handle, what: HeldWhat) {
        let stage = self.s.tasks[ticket.index].stage;
        self.enter(ticket.index, stage);
        self.hold(ticket.index, what);
        self.make_ready(ticket.index);
    }

    /// A waiter does not get it.
    fn refuse(&mut self, ticket: Handle, cause: Cause) {
        self.s.tasks[ticket.index].failing = Some(cause);
        self.make_ready(ticket.index);
    }

    /// Asks for a database connection; the answer comes by way of the pool's outputs.
    pub(super) fn borrow(&mut self, index: u32, pool: u16) -> bool {
        let spec = &self.model.pools[pool as usize];
        let handle = self.s.tasks.handle(index);
        let process = self.s.tasks[index].process;
        let now = self.s.now;
        let machine = &mut self.s.processes[process as usize].pools[spec.local as usize];
        let in_line = machine.queued();
        let waiting = machine.acquire(now, handle);
        // Whoever is not in line has a connection opened for it, and waits for that one.
        let opens = machine.queued() == in_line;
        let stage = if opens { spec.connect_stage } else { spec.wait_stage };
        self.wait_in_line(index, State::Pool(pool, waiting), stage);
        self.drain_pool(process, pool);
        if matches!(self.s.tasks[index].state, State::Pool(..)) {
            self.wait_with_patience(index, spec.patience);
        }
        false
    }

    /// Acts on what a pool decided.
    pub(super) fn drain_pool(&mut self, process: u32, pool: u16) {
        let spec = &self.model.pools[pool as usize];
        let local = spec.local as usize;
        while let Some(output) = self.s.processes[process as usize].pools[local].poll() {
            match output {
                ConnectionsOutput::Lend {
                    ticket,
                    since,
                    connection,
                    ..
                } => {
                    self.s.tally.waited(spec.resource, self.s.now.since(since));
                    let borrowed_at = self.s.tasks[ticket.index].pc as usize - 1;
                    let transaction = self.s.transactions[borrowed_at];
                    self.lend(ticket, HeldWhat::Connection(pool, connection, transaction));
                }
                ConnectionsOutput::Open { connection } => self.open(process, pool, connection),
                ConnectionsOutput::Close { connection } => self.close(process, pool, connection),
                ConnectionsOutput::Refuse { ticket, cause, .. } => {
                    self.s.tally.refuse(spec.resource);
                    self.refuse(ticket, cause);
                }
            }
        }
        let state = &self.s.processes[process as usize];
        let deadline = state.pools[local].next_deadline();
        let wake = state.first_wake + (state.slots.len() + local) as u32;
        self.arm(wake, deadline);
    }

    /// Asks for a place in a job queue. True when the job runs.
    pub(super) fn enter_queue(&mut self, index: u32, queue: u16) -> bool {
        let spec = &self.model.queues[queue as usize];
        let handle = self.s.tasks.handle(index);
        let process = self.s.tasks[index].process;
        let class = self.s.tasks[index].class as usize;
        let priority = spec.priority.get(class).copied().unwrap_or(0);
        let now = self.s.now;
        let machine = &mut self.s.processes[process as usize].queues[spec.local as usize];
        match machine.submit(now, handle, priority) {
            Submit::Started => {
                self.s.tally.waited(spec.resource, SimSpan::ZERO);
                self.hold(index, HeldWhat::Job(queue));
                self.note_run(queue, handle);
                self.drain_queue(process, queue);
                true
            }
            Submit::Waiting(place) => {
                self.wait_in_line(index, State::Queue(queue, place), spec.wait_stage);
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
        while let Some(output) = self.s.processes[process as usize].queues[local].poll() {
            match output {
                JobOutput::Start { ticket, since } => {
                    self.s.tally.waited(spec.resource, self.s.now.since(since));
                    self.lend(ticket, HeldWhat::Job(queue));
                    self.note_run(queue, ticket);
                }
                JobOutput::TimedOut { ticket, .. } => {
                    self.s.tally.refuse(spec.resource);
                    self.refuse(ticket, Cause::QueueTimeout);
                }
            }
        }
        let state = &self.s.processes[process as usize];
        let deadline = state.queues[local].next_deadline();
        let wake = state.first_wake + (state.slots.len() + state.pools.len() + local) as u32;
        self.arm(wake, deadline);
    }

    /// Keeps a wake-up no later than a machine's next deadline. A later deadline is left for the wake-up to find out.
    pub(super) fn arm(&mut self, wake: u32, deadline: SimTime) {
        let state = &mut self.s.wakes[wake as usize];
        if deadline < state.at {
            state.at = deadline;
            state.scheduled = self.s.events.schedule(deadline, Event::Wake(wake));
        }
    }

    /// A machine's deadline may have come.
    pub(super) fn wake(&mut self, wake: u32, scheduled: Scheduled) {
        let state = self.s.wakes[wake as usize];
        if state.scheduled != scheduled {
            return;
        }
        let process = state.process;
        if process == NOBODY
            || (self.s.processes[process as usize].alive && self.machine_on_loop(process, Turn::Wake(wake)))
        {
            self.advance_machine(wake);
        }
    }

    /// A machine looks at its deadlines.
    pub(super) fn advance_machine(&mut self, wake: u32) {
        self.s.wakes[wake as usize].at = SimTime::NEVER;
        let process = self.s.wakes[wake as usize].process;
        let now = self.s.now;
        if process != NOBODY && !self.s.processes[process as usize].alive {
            return;
        }
        match self.s.wakes[wake as usize].machine {
            Machine::Ladder => self.look(process, wake),
            Machine::Pooler(pooler) => {
                self.s.poolers[pooler as usize].machine.advance(now);
                self.drain_pooler(pooler);
            }
            Machine::Deadlines(service) => self.deadlines(service, wake),
            Machine::Runs(queue) => self.runs_over(queue, wake),
            Machine::Slots(slots) => {
                let spec = &self.model.slots[slots as usize];
                let local = spec.local as usize;
                while let Some(waiter) = self.s.processes[process as usize].slots[local].expire(now) {
                    self.s.tally.refuse(spec.resource);
                    self.refuse(waiter.ticket, spec.cause);
                }
                let deadline = self.s.processes[process as usize].slots[local].next_deadline();
                self.arm(wake, deadline);
            }
            Machine::Pool(pool) => {
                let local = self.model.pools[pool as usize].local as usize;
                self.s.processes[process as usize].pools[local].advance(now);
                self.drain_pool(process, pool);
            }
            Machine::Queue(queue) => {
                let local = self.model.queues[queue as usize].local as usize;
                self.s.processes[process as usize].queues[local].advance(now);
                self.drain_queue(process, queue);
            }
        }
    }
}
