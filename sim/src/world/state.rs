//! What is in flight: the tables of one replication and what stands in them.
//!
//! Owns: the shapes alone. What happens to them is in the other rooms.

use std::collections::VecDeque;

use crate::event::{EventQueue, Scheduled};
use crate::experiment::RequestRow;
use crate::measure::{Level, Record};
use crate::model::{Model, Pc, Stage};
use crate::processor::Processor;
use crate::slab::{Handle, Slab};
use highwater_models::machine::autoscaler::Autoscaler;
use highwater_models::machine::connections::{ConnectionId, Connections, Waiting};
use highwater_models::machine::job_queue::{JobPlace, JobQueue};
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::line::Place;
use highwater_models::machine::provider_limit::ProviderLimit;
use highwater_models::machine::slots::Slots;
use highwater_models::machine::ttl_cache::{CachePlace, TtlCache};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::arrivals::Arrivals;
use highwater_workload::{Draw, Key, Sampler};

/// No process, no parent.
pub(crate) const NOBODY: u32 = u32::MAX;

/// What a task is to whoever started it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// An attempt of a request.
    Attempt,
    /// A branch of a fork.
    Branch,
    /// A call of another endpoint.
    Call,
    /// Background work.
    Detached,
}

/// Where a task is.
#[derive(Copy, Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// Goes on at its place in the program when its event comes.
    Going,
    /// Its answer is on the way to the client.
    Answering,
    /// In a loop's line, or running there.
    Loop,
    /// On a CPU off the loop that has no limit.
    Burning,
    /// In the line for plain slots.
    Slots(u16, Place),
    /// In the line of a pool.
    Pool(u16, Waiting),
    /// In the line of a job queue.
    Queue(u16, JobPlace),
    /// In the line of a service whose instances are all taken.
    ServiceLine,
    /// A query on its way to the database.
    DatabaseThere,
    /// A query on the database's CPU.
    DatabaseCpu,
    /// A query waiting or on its way back.
    DatabaseBack,
    /// A look-up on its way.
    CacheThere,
    /// Its answer on its way back.
    CacheBack(bool),
    /// A store on its way.
    StoreThere,
    /// Waiting for another's fetch.
    Parked(u16, CachePlace),
    /// A provider works.
    Provider(Option<Cause>),
    /// Waiting for its children.
    Joining,
}

/// Something that a task holds.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Held {
    pub what: HeldWhat,
    pub since: SimTime,
}

#[derive(Copy, Clone, Debug)]
pub(crate) enum HeldWhat {
    /// A plain slot.
    Slot(u16),
    /// A connection.
    Connection(u16, ConnectionId),
    /// A place in a job queue.
    Job(u16),
    /// A fetch that others may wait for.
    Fetch(u16, u64),
    /// Memory during steps.
    Memory(u64),
}

/// A loop or a retry under way.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Frame {
    Repeat { left: u32, body: Pc },
    Try { retry: u16, done: u32, body: Pc, held: u32 },
}

/// An attempt's run through its program, or a part of it that runs beside it.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub kind: TaskKind,
    pub state: State,
    /// Phase within an instruction that takes several.
    pub phase: u8,
    pub class: u8,
    pub signed_in: bool,
    pub in_hand: bool,
    /// Failure that waits to be acted on.
    pub failing: Option<Cause>,
    pub cause: Option<Cause>,
    pub stage: Stage,
    pub endpoint: u16,
    pub client: u16,
    /// Where its request is counted: a cell of the record.
    pub cell: u32,
    pub measured: bool,
    pub process: u32,
    pub pc: Pc,
    /// How often it has gone back in its program: part of every draw's key.
    pub iteration: u32,
    pub pending: u32,
    /// How many forks and calls it has begun: whoever is left over from an earlier one is not waited for.
    pub forks: u32,
    /// The fork or call of its parent that it belongs to.
    pub fork: u32,
    pub attempt: u32,
    pub retries: u32,
    pub request: Handle,
    pub session: Handle,
    pub parent: Handle,
    /// The attempt of the same request before this one.
    pub older: Handle,
    pub key: Key,
    pub person: u64,
    pub ip: u64,
    pub since: SimTime,
    pub began: SimTime,
    pub arrived: SimTime,
    /// When what is under way began: a service, a call.
    pub mark: SimTime,
    pub first_byte: SimTime,
    pub scheduled: Scheduled,
    /// When what is under way at a server began.
    pub visit: SimTime,
    /// Way to the client.
    pub way: SimSpan,
    pub retry_after: Option<SimSpan>,
    pub memory: u64,
    /// A provider that is still sending an answer whose first token has come, and when it was asked.
    pub streaming: Option<(u16, SimTime)>,
    pub prompt: f64,
    pub answer: f64,
    /// Key of a cache entry under way.
    pub cache_key: u64,
}

/// Who is on a loop.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Turn {
    Task(Handle),
    /// A connection's opening came to an end.
    Opening(u32),
    /// A machine's timer: the number of the wake-up.
    Wake(u32),
}

#[derive(Copy, Clone, Debug)]
pub(crate) struct Slice {
    pub turn: Turn,
    pub work: SimSpan,
    pub since: SimTime,
    /// When it began to run.
    pub began: SimTime,
}

/// A process: an event loop and what is in its memory.
#[derive(Debug)]
pub(crate) struct Process {
    pub instance: u32,
    pub service: u16,
    pub alive: bool,
    pub line: VecDeque<Slice>,
    pub running: Option<Slice>,
    /// A slice's code is being run right now, whose task it is.
    pub turning: bool,
    pub turn_of: u32,
    pub in_hand: u32,
    pub slots: Vec<Slots<Handle>>,
    pub pools: Vec<Connections<Handle>>,
    /// By pool and connection: whether the server has it, and the opening under way.
    pub connections: Vec<Vec<(bool, u32)>>,
    pub queues: Vec<JobQueue<Handle>>,
    pub limiters: Vec<Limiter<u64>>,
    /// First of its wake-ups: slots, then pools, then queues.
    pub first_wake: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Booting,
    Ready,
    Leaving,
    Gone,
}

/// An instance: a CPU limit and the processes under it.
#[derive(Debug)]
pub(crate) struct Instance {
    pub service: u16,
    pub life: Life,
    pub processes: Vec<u32>,
    pub next_process: u32,
    pub in_hand: u32,
    pub memory: u64,
    /// The CPU, where its limit can bind.
    pub cpu: Option<Processor>,
    pub cpu_event: Scheduled,
    /// Running, where it cannot.
    pub running: Level,
    /// CPU used when the autoscaler last looked.
    pub sampled: f64,
}

/// A connection that is being opened.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Opening {
    pub process: u32,
    pub pool: u16,
    pub connection: ConnectionId,
    pub began: SimTime,
    pub phase: OpeningPhase,
    pub scheduled: Scheduled,
    /// The pool has given it up.
    pub dead: bool,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpeningPhase {
    There,
    Cpu,
    Ready,
    Refused,
}

/// A wake-up for a machine's next deadline.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Wake {
    pub process: u32,
    pub machine: Machine,
    pub at: SimTime,
    pub scheduled: Scheduled,
}

#[derive(Copy, Clone, Debug)]
pub(crate) enum Machine {
    Slots(u16),
    Pool(u16),
    Queue(u16),
}

pub(crate) struct ServiceState {
    pub instances: Vec<u32>,
    pub turn: usize,
    pub scaler: Option<Autoscaler>,
    pub line: VecDeque<Handle>,
    pub boots: u64,
    /// CPU work asked for in the whole run, in nanoseconds of a full core, and what it was when the autoscaler last looked.
    pub demand: f64,
    /// See `demand`.
    pub demand_sampled: f64,
}

pub(crate) struct DatabaseState {
    pub cpu: Processor,
    /// Queries that run on for processes that are gone: their jobs on the CPU, and when they came.
    pub orphans: Vec<(u64, SimTime)>,
    pub scheduled: Scheduled,
    pub connections: u32,
    pub draws: Draw,
    pub connect: Sampler,
    pub connect_cpu: Sampler,
    pub rtt: Sampler,
}

pub(crate) struct ProviderState {
    pub limit: ProviderLimit,
    pub models: Vec<Option<ProviderLimit>>,
    pub in_flight: u32,
}

/// What a request is to its client.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where it is counted: a cell of the record.
    pub cell: u32,
    pub fibre: Handle,
    pub session: Handle,
    pub endpoint: u16,
    pub class: u8,
    pub phase: u16,
    pub source: u16,
    pub client: u16,
    pub measured: bool,
    pub resent: bool,
    pub window: usize,
    pub number: u64,
    pub began: SimTime,
    pub since: SimTime,
    pub first_byte: SimTime,
    pub attempts: u32,
    pub retries: u32,
    /// Attempts in flight that the client still waits for, by number modulo 64.
    pub live: u64,
    pub key: Key,
    pub person: u64,
    pub ip: u64,
    pub cause: Option<Cause>,
    pub backoff: Scheduled,
    pub patience: Scheduled,
    pub patience_is_person: bool,
    pub resend: Scheduled,
    /// The newest attempt.
    pub task: Handle,
}

/// A visit of a person.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub key: Key,
    pub number: u64,
    pub source: u16,
    pub class: u8,
    pub client: u16,
    pub signed_in: bool,
    pub ended: bool,
    pub abandoned: bool,
    pub measured: bool,
    pub person: u64,
    pub ip: u64,
    pub user: u64,
    pub began: SimTime,
    pub requests: u64,
    pub fibres: u32,
    pub tokens: f64,
    pub messages: f64,
}

/// A thread of a session's flow.
#[derive(Clone, Debug)]
pub(crate) struct Fibre {
    pub session: Handle,
    pub parent: Handle,
    pub pc: Pc,
    pub iteration: u32,
    pub pending: u32,
    pub scheduled: Scheduled,
}

/// A stream of sessions.
pub(crate) struct SourceState {
    pub arrivals: Option<Arrivals>,
    pub next_at: usize,
    pub sessions: u64,
    pub active: u64,
    pub users: u64,
    pub people: u64,
    pub draws: Draw,
    pub batch: Option<Sampler>,
    pub every: Option<Sampler>,
    pub online: Vec<u64>,
}

impl SourceState {
    pub(crate) fn is_online(&self, person: u64) -> bool {
        let word = self.online.get(person as usize / 64);
        word.is_some_and(|word| word & (1 << (person % 64)) != 0)
    }

    pub(crate) fn mark_online(&mut self, person: u64) {
        let word = person as usize / 64;
        if word >= self.online.len() {
            // In large steps, so that growing stops soon.
            self.online.resize((word + 1).next_power_of_two(), 0);
        }
        self.online[word] |= 1 << (person % 64);
    }

    pub(crate) fn mark_offline(&mut self, person: u64) {
        if let Some(word) = self.online.get_mut(person as usize / 64) {
            *word &= !(1 << (person % 64));
        }
    }
}

pub(crate) struct ClientState {
    /// Attempts under the constant time-out, in order: deadline, request, number of the attempt.
    pub timeouts: VecDeque<(SimTime, Handle, u32)>,
    pub armed: bool,
    pub requests: u64,
    pub retries: u64,
}

/// Whoever goes on at this instant.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Ready {
    Task(Handle),
    Fibre(Handle),
}

/// The world of one replication.
pub(crate) struct World<'m> {
    pub model: &'m Model,
    pub root: Key,
    pub replication: u32,
    pub now: SimTime,
    pub events: EventQueue,
    pub ready: VecDeque<Ready>,
    pub tasks: Slab<Task>,
    /// By task: nanoseconds by stage.
    pub task_stages: Vec<u64>,
    pub held: Vec<Vec<Held>>,
    pub frames: Vec<Vec<Frame>>,
    pub requests: Slab<Request>,
    pub request_stages: Vec<u64>,
    pub sessions: Slab<Session>,
    pub fibres: Slab<Fibre>,
    pub flow_frames: Vec<Vec<(u32, Pc)>>,
    pub sites: Vec<(Sampler, u64)>,
    pub processes: Vec<Process>,
    pub instances: Vec<Instance>,
    pub openings: Slab<Opening>,
    pub wakes: Vec<Wake>,
    pub services: Vec<ServiceState>,
    pub databases: Vec<DatabaseState>,
    pub providers: Vec<ProviderState>,
    pub caches: Vec<TtlCache<u64, Handle>>,
    /// Commands of each cache today, and the day.
    pub commands: Vec<(u64, u64)>,
    pub shared_limiters: Vec<Limiter<u64>>,
    pub sources: Vec<SourceState>,
    pub clients: Vec<ClientState>,
    pub features_off: Vec<bool>,
    pub record: Record,
    pub rows: Option<Vec<RequestRow>>,
    pub stages: usize,
    pub loading: bool,
    pub done: bool,
}
