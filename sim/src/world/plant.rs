//! What the system under test consists of while it runs: processes, instances, and what lies behind them.
//!
//! Owns: the shapes alone. What happens to them is in the other rooms.

use std::collections::VecDeque;

use crate::event::Scheduled;
use crate::measure::Level;
use crate::slab::Handle;
use highwater_models::machine::autoscaler::Autoscaler;
use highwater_models::machine::breaker::Breaker;
use highwater_models::machine::connections::{ConnectionId, Connections};
use highwater_models::machine::degradation::Degradation;
use highwater_models::machine::health::Health;
use highwater_models::machine::heap::Heap;
use highwater_models::machine::job_queue::JobQueue;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::pooler::{Lease, Pooler};
use highwater_models::machine::processor::Processor;
use highwater_models::machine::provider_limit::ProviderLimit;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::slots::Slots;
use highwater_models::machine::spending::Spending;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::{Draw, Sampler};

/// Who is on a loop.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Turn {
    Task(Handle),
    /// A connection's opening came to an end.
    Opening(u32),
    /// A machine's timer: the number of the wake-up.
    Wake(u32),
    /// The time of a task's request is up.
    GiveUp(Handle),
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
    pub heap: Heap,
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
    /// First of its wake-ups: slots, then pools, then queues, then the ladder's.
    pub first_wake: u32,
    /// By provider.
    pub breakers: Vec<Option<Breaker>>,
    /// See `breakers`.
    pub budgets: Vec<RetryBudget>,
    /// By pool and connection: the server connection that a client of a pooler in session mode has.
    pub leases: Vec<Vec<Option<(Lease, SimTime)>>>,
    pub ladder: LadderState,
}

/// Where a process stands on the ladder of degradation, and what it reads of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct LadderState {
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
pub(crate) enum Life {
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
pub(crate) enum Death {
    /// The platform kills it: over its memory limit.
    OutOfMemory,
    /// The runtime aborts: its heap is full.
    Heap,
    /// The platform restarts it: its probes fail.
    Health,
    /// Its program ends by an error.
    Crash,
}

impl Death {
    /// The cause of failure of what it had in hand.
    pub(crate) const fn cause(self) -> Cause {
        match self {
            Self::OutOfMemory | Self::Heap => Cause::OutOfMemory,
            Self::Health | Self::Crash => Cause::InstanceLost,
        }
    }

    /// In words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::OutOfMemory => "over its memory limit, killed (exit 137)",
            Self::Heap => "heap full, aborted (exit 134)",
            Self::Health => "health checks failed for too long, restarted",
            Self::Crash => "crashed",
        }
    }
}

/// An instance: a CPU limit and the processes under it.
#[derive(Debug)]
pub(crate) struct Instance {
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
    /// What is in its memory, and of that what was there when it started.
    pub memory: u64,
    /// See `memory`.
    pub base: u64,
    /// Memory above which it is killed, and cores: those of the plan it was started on.
    pub limit: u64,
    /// See `limit`.
    pub cores: f64,
    /// What it costs a month, in thousandths of a dollar.
    pub rent: u64,
    /// The CPU, where its limit can bind.
    pub cpu: Option<Processor>,
    pub cpu_event: Scheduled,
    /// Running, where it cannot.
    pub running: Level,
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
    #[inline]
    pub fn next_process(&mut self) -> u32 {
        let process = self.processes[self.next_process as usize];
        self.next_process += 1;
        if self.next_process as usize == self.processes.len() {
            self.next_process = 0;
        }
        process
    }
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
    /// The server is down.
    Down,
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
pub(crate) struct PoolerState {
    pub machine: Pooler<Handle>,
    /// Clients' connections.
    pub clients: u32,
    /// Server connections that the database has.
    pub at_server: u32,
    pub draws: Draw,
}

pub(crate) struct ServiceState {
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
    /// CPU work asked for in the whole run, in nanoseconds of a full core, and what it was when the autoscaler last looked.
    pub demand: f64,
    /// See `demand`.
    pub demand_sampled: f64,
    /// Requests under the deadline, the next first.
    pub deadlines: VecDeque<(SimTime, Handle)>,
}

pub(crate) struct DatabaseState {
    pub cpu: Processor,
    /// Queries that run on for processes that are gone: their jobs on the CPU, and when they came.
    pub orphans: Vec<(u64, SimTime)>,
    pub scheduled: Scheduled,
    pub connections: u32,
    /// Until when it is down.
    pub down_until: SimTime,
    /// Whether its connections were ever cut.
    pub cut: bool,
    pub draws: Draw,
    pub connect: Sampler,
    pub connect_cpu: Sampler,
    pub rtt: Sampler,
}

pub(crate) struct ProviderState {
    pub limit: ProviderLimit,
    pub models: Vec<Option<ProviderLimit>>,
    pub in_flight: u32,
    /// What the account has spent, measured or not.
    pub spending: Spending,
    /// Whether the log has said that its limit is reached.
    pub spent_said: bool,
}
