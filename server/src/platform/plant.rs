//! The plant: everything behind the balancer's door, as values, and the loop that takes one event after another.
//!
//! Owns: the clock of what is inside, the pending events, who is ready to go on.
//! What happens at each place is in the rooms beside this one: `task` (a request's steps), `turn` (event loops and CPUs),
//! `holding` and `opening` (slots, connections, queues), `wire` (real connections), `database`, `lookup`, `limit`, `call`
//! (what lies behind a process), `balance`, `lives`, `deploy`, `health`, `scaling`, `memory`, `ladder`, `giving_up`.
//! Order: whoever becomes ready at an instant goes on in the order in which that happened.

use std::collections::VecDeque;
use std::sync::Weak;

use highwater_models::machine::autoscaler::Autoscaler;
use highwater_models::machine::breaker::Breaker;
use highwater_models::machine::connections::{ConnectionId, Connections};
use highwater_models::machine::degradation::Degradation;
use highwater_models::machine::health::Health;
use highwater_models::machine::heap::Heap;
use highwater_models::machine::job_queue::JobQueue;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::pooler::{Lease, Pooler};
use highwater_models::machine::processor::{Limit, Processor};
use highwater_models::machine::quota::Quota;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::slots::Slots;
use highwater_models::machine::ttl_cache::{TtlCache, TtlCacheConfig};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::{Model, SiteId, Stage};
use highwater_workload::stream::Purpose;
use highwater_workload::{Draw, Key, Sampler};

use super::conversations::Conversations;
use super::event::{Event, EventQueue, Scheduled};
use super::people::People;
use super::readings::Look;
use super::slab::{Handle, Slab};
use super::state::{Held, HeldWhat, NOBODY, Run, Sites, State};
use super::tally::Tally;
use super::wire::Wire;
use super::{Parts, Platform};

/// Who is on a loop.
#[derive(Copy, Clone, Debug)]
pub(super) enum Turn {
    Task(Handle),
    /// A connection's opening came to an end.
    Opening(u32),
    /// A machine's timer: the number of the wake-up.
    Wake(u32),
    /// The time of a task's request is up.
    GiveUp(Handle),
}

#[derive(Copy, Clone, Debug)]
pub(super) struct Slice {
    pub turn: Turn,
    pub work: SimSpan,
    pub since: SimTime,
}

/// A process: an event loop and what is in its memory.
pub(super) struct Process {
    pub instance: u32,
    pub service: u16,
    pub alive: bool,
    pub heap: Heap,
    pub line: VecDeque<Slice>,
    pub running: Option<Slice>,
    /// A slice's code is being run right now, whose task it is.
    pub turning: bool,
    pub turn_of: u32,
    pub in_hand: u32,
    pub slots: Vec<Slots<Handle>>,
    pub pools: Vec<Connections<Handle>>,
    /// By pool and connection.
    pub connections: Vec<Vec<Link>>,
    pub queues: Vec<JobQueue<Handle>>,
    pub limiters: Vec<Limiter<u64>>,
    /// First of its wake-ups: slots, then pools, then queues, then the ladder's.
    pub first_wake: u32,
    /// By provider.
    pub breakers: Vec<Option<Breaker>>,
    /// See `breakers`.
    pub budgets: Vec<RetryBudget>,
    /// By pool and connection: the server connection that a client of a pooler in session mode has.
    pub leases: Vec<Vec<Option<(Lease, Handle)>>>,
    pub ladder: LadderState,
}

/// A connection of a pool, as its driver knows it.
#[derive(Copy, Clone, Debug)]
pub(super) struct Link {
    pub id: ConnectionId,
    /// Whether the other side, a database or a pooler, has it.
    pub is_there: bool,
    /// What it runs over, where it goes to a database.
    pub wire: Handle,
    /// The opening under way.
    pub opening: Option<u32>,
}

impl Link {
    /// A number of the pool that names no connection, or one of which the other side has not heard.
    pub(super) fn new(id: ConnectionId, opening: Option<u32>) -> Self {
        Self {
            id,
            is_there: false,
            wire: Handle::NOTHING,
            opening,
        }
    }
}

/// Where a process stands on the ladder of degradation, and what it reads of itself.
#[derive(Default)]
pub(super) struct LadderState {
    pub machine: Degradation,
    /// When each idle client connection was last used, the oldest first.
    pub idle: VecDeque<SimTime>,
    /// CPU that its instance had used at the last look, and when that was.
    pub cpu: f64,
    /// See `cpu`.
    pub looked: SimTime,
}

/// Where an instance is in its life.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Placed and started; no process runs yet.
    Booting,
    /// Its processes run; its first probe has not been answered.
    Starting,
    /// Well, and waiting for the rest of its generation.
    Standby,
    /// In traffic.
    Ready,
    /// Out of traffic, because its probes fail.
    Out,
    /// Of a generation that traffic has left.
    Retired,
    /// Told to stop.
    Leaving,
    /// Ended.
    Gone,
}

/// What an instance dies of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// The platform kills it: over its memory limit.
    OutOfMemory,
    /// The runtime aborts: its heap is full.
    Heap,
    /// The platform restarts it: its probes fail.
    Health,
    /// Its program ends by an error, or by order.
    Crash,
}

impl Death {
    /// The cause of failure of what it had in hand.
    pub(super) const fn cause(self) -> Cause {
        match self {
            Self::OutOfMemory | Self::Heap => Cause::OutOfMemory,
            Self::Health | Self::Crash => Cause::InstanceLost,
        }
    }

    /// In words.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::OutOfMemory => "over its memory limit, killed (exit 137)",
            Self::Heap => "heap full, aborted (exit 134)",
            Self::Health => "health checks failed for too long, restarted",
            Self::Crash => "crashed",
        }
    }
}

/// An instance: a CPU limit and the processes under it.
pub(super) struct Instance {
    pub service: u16,
    /// Which deploy it came with.
    pub generation: u32,
    pub life: Life,
    /// What it is about to die of.
    pub fate: Option<Death>,
    /// Boots again once it has been stopped.
    pub comes_back: bool,
    /// The next step of its life: the end of its boot, or its end.
    pub event: Scheduled,
    pub processes: Vec<u32>,
    pub next_process: u32,
    pub in_hand: u32,
    /// What is in its memory.
    pub memory: u64,
    /// Memory above which it is killed, and cores: those of the plan it was started on.
    pub limit: u64,
    /// See `limit`.
    pub cores: f64,
    /// The CPU, where its limit can bind.
    pub cpu: Option<Processor>,
    pub cpu_event: Scheduled,
    /// Running, where it cannot.
    pub running: Busy,
    /// CPU used when the autoscaler last looked.
    pub sampled: f64,
    pub health: Health,
    /// The probe under way, if one is.
    pub probe: Handle,
    /// See `probe`.
    pub probing: bool,
    pub probe_sent: SimTime,
    /// The next probe, or the end of the time for the one under way.
    pub probe_event: Scheduled,
    pub probes: u32,
}

impl Instance {
    /// The process that is next to have a request.
    pub(super) fn next_process(&mut self) -> u32 {
        let Some(&process) = self.processes.get(self.next_process as usize) else {
            return NOBODY;
        };
        self.next_process = (self.next_process + 1) % self.processes.len() as u32;
        process
    }
}

/// How many of something are at work, and for how long in sum.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Busy {
    pub now: u64,
    since: SimTime,
    nanos: f64,
}

impl Busy {
    /// One more, or one fewer.
    pub(super) fn set(&mut self, now: SimTime, value: u64) {
        self.nanos = self.area(now);
        (self.now, self.since) = (value, now);
    }

    /// Nanoseconds, of each of them.
    pub(super) fn area(&self, now: SimTime) -> f64 {
        self.nanos + self.now as f64 * now.since(self.since).nanos() as f64
    }
}

/// A connection that is being opened.
#[derive(Copy, Clone, Debug)]
pub(super) struct Opening {
    /// Nobody for a pooler's own.
    pub process: u32,
    pub pool: u16,
    pub connection: ConnectionId,
    pub phase: OpeningPhase,
    pub scheduled: Scheduled,
    /// The pool has given it up.
    pub dead: bool,
    /// Whether the real one is still being opened.
    pub is_asking: bool,
    /// Whether everything else that it takes is over.
    pub is_late: bool,
    /// The real one.
    pub wire: Handle,
    /// How the real one failed while the server was at work.
    pub failed: Option<OpeningPhase>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum OpeningPhase {
    There,
    Cpu,
    Ready,
    Refused,
    /// The server is down.
    Down,
}

/// A wake-up for a machine's next deadline.
#[derive(Copy, Clone, Debug)]
pub(super) struct Wake {
    pub process: u32,
    pub machine: Machine,
    pub at: SimTime,
    pub scheduled: Scheduled,
}

#[derive(Copy, Clone, Debug)]
pub(super) enum Machine {
    Slots(u16),
    Pool(u16),
    Queue(u16),
    /// The ladder of degradation.
    Ladder,
    /// A pooler; of no process, as are the next two.
    Pooler(u16),
    /// The deadlines of a service's requests.
    Deadlines(u16),
    /// The jobs of a queue that may run for too long.
    Runs(u16),
}

/// A pooler and what its driver keeps for it.
pub(super) struct PoolerState {
    pub machine: Pooler<Handle>,
    /// Clients' connections.
    pub clients: u32,
    /// Real connections that nobody has, the one used last at the end.
    pub wires: Vec<Handle>,
    pub draws: Draw,
}

pub(super) struct ServiceState {
    pub instances: Vec<u32>,
    pub turn: usize,
    pub scaler: Option<Autoscaler>,
    pub line: VecDeque<Handle>,
    /// The generation in traffic, and since when another one is being started.
    pub generation: u32,
    /// See `generation`.
    pub deploying: Option<SimTime>,
    /// CPU that instances used in lives that are over, in nanoseconds of a full core.
    pub cpu_gone: f64,
    pub boots: u64,
    /// CPU work asked for since the start, in nanoseconds of a full core, and what it was when the autoscaler last looked.
    pub demand: f64,
    /// See `demand`.
    pub demand_sampled: f64,
    /// Requests under the deadline, the next first.
    pub deadlines: VecDeque<(SimTime, Handle)>,
}

pub(super) struct DatabaseState {
    pub cpu: Processor,
    pub scheduled: Scheduled,
    /// Real ones.
    pub connections: u32,
    pub draws: Draw,
    pub connect: Sampler,
    pub connect_cpu: Sampler,
    pub rtt: Sampler,
}

/// Everything that is inside.
pub(super) struct Inside {
    pub platform: Weak<Platform>,
    pub root: Key,
    pub now: SimTime,
    pub events: EventQueue,
    pub ready: VecDeque<Handle>,
    pub tasks: Slab<Run>,
    /// By which those who asked know their tasks.
    pub requests: Slab<Handle>,
    pub sites: Sites,
    pub processes: Vec<Process>,
    pub instances: Vec<Instance>,
    pub openings: Slab<Opening>,
    pub wires: Slab<Wire>,
    pub wakes: Vec<Wake>,
    pub services: Vec<ServiceState>,
    pub databases: Vec<DatabaseState>,
    /// By provider: calls under way.
    pub calling: Vec<u32>,
    /// By class of keys: who fetches, and who waits for whom.
    pub fetches: Vec<TtlCache<u64, Handle>>,
    /// Commands of each cache, today and this month.
    pub commands: Vec<Quota>,
    pub shared_limiters: Vec<Limiter<u64>>,
    pub poolers: Vec<PoolerState>,
    /// By queue: jobs that may run for too long, the next first, each with when it began.
    pub runs: Vec<VecDeque<(SimTime, Handle, SimTime)>>,
    /// By place in the program: whether a connection is asked for there to run a transaction.
    pub transactions: Vec<bool>,
    pub conversations: Conversations,
    pub tally: Tally,
    pub looks: VecDeque<Look>,
    pub people: People,
    /// Nothing new is taken.
    pub is_draining: bool,
}

/// What is inside, together with what it is made from: for as long as somebody has it to themselves.
pub(super) struct Plant<'a> {
    pub model: &'a Model,
    pub parts: &'a Parts,
    pub s: &'a mut Inside,
}

impl Inside {
    /// Everything as it is before the first event.
    pub(super) fn new(model: &Model, seed: u64, platform: Weak<Platform>) -> Self {
        let root = Key::root(seed, 0);
        let connect = root.purpose(Purpose::Connect);
        let services = model.services.iter().map(|service| ServiceState {
            instances: Vec::new(),
            turn: 0,
            scaler: service.scaling.as_ref().map(|scaling| Autoscaler::new(scaling.config)),
            line: VecDeque::new(),
            generation: 0,
            deploying: None,
            cpu_gone: 0.0,
            boots: 0,
            demand: 0.0,
            demand_sampled: 0.0,
            deadlines: VecDeque::new(),
        });
        let databases = model.databases.iter().enumerate().map(|(n, database)| DatabaseState {
            cpu: Processor::new(database.cores, Limit::Shared),
            scheduled: Scheduled::NOTHING,
            connections: 0,
            draws: connect.child(n as u64).draw(),
            connect: database.connect.clone(),
            connect_cpu: database.connect_cpu.clone(),
            rtt: database.rtt.clone(),
        });
        let poolers = model.poolers.iter().enumerate().map(|(n, pooler)| PoolerState {
            machine: Pooler::new(pooler.config),
            clients: 0,
            wires: Vec::new(),
            draws: connect.child(1 << 32 | n as u64).draw(),
        });
        // Entries live in the cache server; of them the machine sees none, only who fetches what.
        let fetches = model.entries.iter().map(|entry| {
            TtlCache::new(TtlCacheConfig {
                memory: None,
                ..entry.config
            })
        });
        let shared = model.limiters.iter().filter(|limiter| limiter.shared);
        Self {
            platform,
            root,
            now: SimTime::ZERO,
            events: EventQueue::default(),
            ready: VecDeque::new(),
            tasks: Slab::default(),
            requests: Slab::default(),
            sites: Sites::new(model),
            processes: Vec::new(),
            instances: Vec::new(),
            openings: Slab::default(),
            wires: Slab::default(),
            wakes: shared_wakes(model),
            services: services.collect(),
            databases: databases.collect(),
            calling: vec![0; model.providers.len()],
            fetches: fetches.collect(),
            commands: vec![Quota::default(); model.caches.len()],
            shared_limiters: shared.map(|limiter| Limiter::new(limiter.rule)).collect(),
            poolers: poolers.collect(),
            runs: vec![VecDeque::new(); model.queues.len()],
            transactions: super::wire::transactions(model),
            conversations: Conversations::default(),
            tally: Tally::new(model),
            looks: VecDeque::new(),
            people: People::default(),
            is_draining: false,
        }
    }
}

/// The wake-ups of what belongs to no process: poolers, then deadlines by service, then jobs by queue.
fn shared_wakes(model: &Model) -> Vec<Wake> {
    let poolers = (0..model.poolers.len()).map(|n| Machine::Pooler(n as u16));
    let deadlines = (0..model.services.len()).map(|n| Machine::Deadlines(n as u16));
    let runs = (0..model.queues.len()).map(|n| Machine::Runs(n as u16));
    let wake = |machine| Wake {
        process: NOBODY,
        machine,
        at: SimTime::NEVER,
        scheduled: Scheduled::NOTHING,
    };
    poolers.chain(deadlines).chain(runs).map(wake).collect()
}

impl Plant<'_> {
    /// Everything that is scheduled before the first event.
    pub(super) fn begin(&mut self) {
        self.start_instances();
        self.warm_caches();
        for (number, service) in self.model.services.iter().enumerate() {
            if let Some(scaling) = &service.scaling {
                let at = self.s.now + scaling.config.every;
                self.s.events.schedule(at, Event::Scale(number as u32));
            }
        }
        self.ready_go_on();
    }

    /// Carries out everything that is due by a time, each as of its own.
    pub(super) fn run_until(&mut self, until: SimTime) {
        while let Some(due) = self.s.events.take(until) {
            self.s.tally.acted_late(until.since(due.at));
            self.s.now = self.s.now.max(due.at);
            self.handle(due.scheduled, due.event);
            self.ready_go_on();
        }
        self.s.now = self.s.now.max(until);
    }

    /// Whoever is ready at this instant goes on, and whoever that makes ready.
    pub(super) fn ready_go_on(&mut self) {
        while let Some(handle) = self.s.ready.pop_front() {
            if self.s.tasks.is_live(handle) {
                self.run_task(handle.index);
            }
        }
    }

    fn handle(&mut self, scheduled: Scheduled, event: Event) {
        match event {
            Event::Task(index) => self.resume(index, scheduled),
            Event::Slice(process) => self.end_slice(process),
            Event::Cpu(instance) => self.end_cpu(instance, scheduled),
            Event::DatabaseCpu(database) => self.end_database_cpu(database, scheduled),
            Event::Opening(index) => self.opening(index, scheduled),
            Event::Wake(index) => self.wake(index, scheduled),
            Event::Booted(instance) => self.booted(instance, scheduled),
            Event::Killed(instance) => self.killed(instance, scheduled),
            Event::Probe(instance) => self.probe(instance, scheduled),
            Event::Scale(service) => self.scale(service),
        }
    }

    /// A draw at a place of the program, for a task.
    pub(super) fn draw(&mut self, task: u32, site: SiteId) -> f64 {
        let (key, iteration) = (self.s.tasks[task].key, self.s.tasks[task].iteration);
        self.s.sites.draw(site, key, iteration)
    }

    /// A length of time drawn at a place of the program.
    pub(super) fn draw_span(&mut self, task: u32, site: SiteId) -> SimSpan {
        let (key, iteration) = (self.s.tasks[task].key, self.s.tasks[task].iteration);
        self.s.sites.span(site, key, iteration)
    }

    /// A uniform draw at a place.
    pub(super) fn chance(&mut self, task: u32, site: SiteId) -> f64 {
        let place = self.s.sites.place(site);
        let task = &self.s.tasks[task];
        task.key.at(place, task.iteration).draw().uniform()
    }

    /// Schedules the event that makes a task go on.
    pub(super) fn schedule_task(&mut self, index: u32, at: SimTime) {
        let scheduled = self.s.events.schedule(at, Event::Task(index));
        self.s.tasks[index].scheduled = scheduled;
    }

    /// A task's time until now belongs to its stage; from now on it is in another one.
    pub(super) fn enter(&mut self, index: u32, stage: Stage) {
        let now = self.s.now;
        self.s.tasks[index].enter(now, stage);
    }

    /// A task holds something from now on.
    pub(super) fn hold(&mut self, index: u32, what: HeldWhat) {
        let since = self.s.now;
        self.s.tasks[index].held.push(Held { what, since });
    }

    /// A task goes on at this instant, after those who are ready already.
    pub(super) fn make_ready(&mut self, index: u32) {
        let handle = self.s.tasks.handle(index);
        let task = &mut self.s.tasks[index];
        task.state = State::Going;
        task.scheduled = Scheduled::NOTHING;
        self.s.ready.push_back(handle);
    }

    /// Something worth a line of the log happens.
    pub(super) fn log(&mut self, subject: &str, text: String) {
        let at = self.s.now;
        self.s.tally.note(at, subject, text);
    }
}
