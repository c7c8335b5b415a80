//! What is in flight: the tables of one replication, and people, their requests and tasks.
//!
//! Owns: the shapes alone. What happens to them is in the other rooms; what they meet is in `plant`.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};

use super::{
    DatabaseState, Instance, Link, Opening, PoolerState, Process, ProviderState, ServiceState, Strains, Visit, Wake,
};
use crate::event::{EventQueue, Scheduled};
use crate::experiment::RequestRow;
use crate::measure::Record;
use crate::slab::{Handle, Slab};
use crate::split::Split;
use crate::trace::Trace;
use highwater_models::machine::breaker::Pass;
use highwater_models::machine::connections::{ConnectionId, Waiting};
use highwater_models::machine::job_queue::JobPlace;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::line::Place;
use highwater_models::machine::pooler::Lease;
use highwater_models::machine::quota::Quota;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::ttl_cache::{CachePlace, TtlCache};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::crowd::Crowd;
use highwater_program::model::{Model, Pc, STAGE_IO, SiteId, Stage};
use highwater_program::variants::Variants;
use highwater_workload::sampler::exponential;
use highwater_workload::{Key, Sampler};

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
    /// A probe of an instance's health.
    Probe,
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
    /// In the line of a pooler.
    Pooler(u16, Place),
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
    /// A limiter's command to its store, on its way there and back.
    Command(u16),
    /// A command that waits for its process's connection to a cache.
    Offline(u16),
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
    /// The resource whose time it takes, or [`NO_RESOURCE`].
    pub resource: u16,
}

/// What is held is not a resource's.
pub(crate) const NO_RESOURCE: u16 = u16::MAX;

#[derive(Copy, Clone, Debug)]
pub(crate) enum HeldWhat {
    /// A plain slot, and its number among those of its process.
    Slot(u16, u16),
    /// A connection.
    Connection(u16, ConnectionId),
    /// A place in a job queue.
    Job(u16),
    /// A place in a job queue that was taken back: the work ends with it.
    Spent,
    /// A pooler's server connection.
    Server(u16, Lease),
    /// A fetch that others may wait for.
    Fetch(u16, u64),
    /// Memory during steps, and whether it is on the heap.
    Memory(u64, bool),
}

/// A loop or a retry under way.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Frame {
    Repeat { left: u32, body: Pc },
    Try { retry: u16, done: u32, body: Pc, held: u32 },
}

/// A place in the table of tasks: a task, and what it keeps in lists. The lists stay for the next task there.
#[derive(Debug)]
pub(crate) struct Run {
    pub task: Task,
    /// What it holds, the last taken last.
    pub held: Vec<Held>,
    /// Loops and retries that it is in.
    pub frames: Vec<Frame>,
    /// Nanoseconds by stage.
    pub split: Split,
}

impl Run {
    /// A new place in the table.
    #[cold]
    #[inline(never)]
    pub fn new(model: &Model) -> Self {
        Self {
            task: Task::new(TaskKind::Detached, 0, Key::root(0, 0), SimTime::ZERO),
            held: Vec::with_capacity(model.held_depth),
            frames: Vec::with_capacity(model.frame_depth),
            split: Split::new(model.stages.len()),
        }
    }

    /// Time until now belongs to the task's stage; from now on it is in another one.
    #[inline(always)]
    pub fn enter(&mut self, now: SimTime, stage: Stage, record: &mut Record) {
        let left = std::mem::replace(&mut self.task.stage, stage);
        let since = std::mem::replace(&mut self.task.since, now);
        if since != now {
            self.spend(left, now.since(since).nanos(), record);
        }
    }

    /// Time until now belongs to the stage that the task is in, and stays in.
    #[inline(always)]
    pub fn stay(&mut self, now: SimTime, record: &mut Record) {
        self.enter(now, self.task.stage, record);
    }

    /// So much of the task's time, and of what it holds, went to a stage.
    #[inline(always)]
    pub fn spend(&mut self, stage: Stage, nanos: u64, record: &mut Record) {
        self.split.add(stage, nanos);
        for held in &self.held {
            if held.resource != NO_RESOURCE {
                record.hold(held.resource, stage, nanos);
            }
        }
    }
}

impl Deref for Run {
    type Target = Task;

    #[inline(always)]
    fn deref(&self) -> &Task {
        &self.task
    }
}

impl DerefMut for Run {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Task {
        &mut self.task
    }
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
    /// Memory taken until it ends, and as much of it as is on the heap.
    pub memory: u64,
    /// See `memory`.
    pub heap: u64,
    /// A provider that is still sending an answer whose first token has come, and when it was asked.
    pub streaming: Option<(u16, SimTime)>,
    pub prompt: f64,
    pub answer: f64,
    /// Key of a cache entry under way.
    pub cache_key: u64,
    /// The call of a model that is under way, as the process's level of degradation has it.
    pub call: u16,
    /// Leave of a breaker to make it.
    pub pass: Option<Pass>,
    /// When the server gives up on it.
    pub give_up_at: SimTime,
    /// What its answer is worth, and whether degradation left something out of it.
    pub quality: f32,
    /// See `quality`.
    pub degraded: bool,
}

impl Task {
    /// A task at the beginning of its program, that nobody waits for and that holds nothing.
    // Inlined, so that what a caller sets is written once.
    #[inline(always)]
    pub fn new(kind: TaskKind, pc: Pc, key: Key, now: SimTime) -> Self {
        Self {
            kind,
            state: State::Going,
            phase: 0,
            class: 0,
            signed_in: false,
            in_hand: false,
            failing: None,
            cause: None,
            stage: STAGE_IO,
            endpoint: 0,
            client: 0,
            cell: 0,
            measured: false,
            process: NOBODY,
            pc,
            iteration: 0,
            pending: 0,
            forks: 0,
            fork: 0,
            attempt: 0,
            retries: 0,
            request: Handle::NOTHING,
            session: Handle::NOTHING,
            parent: Handle::NOTHING,
            older: Handle::NOTHING,
            key,
            person: 0,
            ip: 0,
            since: now,
            began: now,
            arrived: now,
            mark: now,
            visit: now,
            first_byte: SimTime::ZERO,
            scheduled: Scheduled::NOTHING,
            way: SimSpan::ZERO,
            retry_after: None,
            memory: 0,
            heap: 0,
            streaming: None,
            prompt: 0.0,
            answer: 0.0,
            cache_key: 0,
            call: 0,
            pass: None,
            give_up_at: SimTime::NEVER,
            quality: 1.0,
            degraded: false,
        }
    }
}

/// What a request is to its client.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where it is counted: a cell of the record.
    pub cell: u32,
    pub session: Handle,
    pub endpoint: u16,
    pub phase: u16,
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
    pub cause: Option<Cause>,
    pub backoff: Scheduled,
    pub patience: Scheduled,
    pub patience_is_person: bool,
    pub resend: Scheduled,
    /// The newest attempt.
    pub task: Handle,
}

impl Request {
    /// Whether the client still waits for an attempt.
    #[inline(always)]
    pub fn waits_for(&self, task: &Task) -> bool {
        self.live & (1 << (task.attempt % 64)) != 0
    }

    /// Whether an attempt's answer is all that the request gets: a good one, in one piece, of the only attempt.
    #[inline(always)]
    pub fn has_only(&self, task: &Task) -> bool {
        self.attempts == 1 && task.attempt == 0 && task.cause.is_none() && task.first_byte == SimTime::ZERO
    }
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

impl Session {
    /// It is over, and counted: whose it was, as a number within the source.
    #[inline(always)]
    pub fn end(&self, now: SimTime, record: &mut Record) -> u64 {
        if self.measured {
            let length = now.since(self.began).nanos();
            record.sessions.ended(length, self.abandoned);
        }
        self.person & 0xffff_ffff_ffff
    }
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

impl Fibre {
    #[inline]
    pub fn new(session: Handle, parent: Handle, pc: Pc, iteration: u32) -> Self {
        Self {
            session,
            parent,
            pc,
            iteration,
            pending: 0,
            scheduled: Scheduled::NOTHING,
        }
    }
}

/// The next arrival of a stream of sessions.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Expected {
    pub at: SimTime,
    pub scheduled: Scheduled,
}

impl Expected {
    /// Nobody comes any more.
    pub const NOTHING: Self = Self {
        at: SimTime::NEVER,
        scheduled: Scheduled::NOTHING,
    };
}

pub(crate) struct ClientState {
    /// Attempts under the constant time-out, in order: deadline, request, number of the attempt.
    pub timeouts: VecDeque<(SimTime, Handle, u32)>,
    /// When the oldest are looked at; never while nothing is scheduled.
    pub armed: SimTime,
    pub budget: RetryBudget,
}

/// The laws of all places in the programs.
pub(crate) struct Sites(Vec<Site>);

struct Site {
    /// The number of the place.
    place: u64,
    draws: Draws,
    law: Sampler,
}

/// What a place draws, where that is known without a look at its law.
#[derive(Copy, Clone)]
enum Draws {
    /// Always the same length of time.
    Always(SimSpan),
    /// An exponential one of that mean, in seconds.
    Exponential(f64),
    Other,
}

impl Site {
    fn new(law: Sampler, place: u64) -> Self {
        let draws = match (law.as_constant(), law.as_exponential()) {
            (Some(value), _) => Draws::Always(SimSpan::from_seconds(value)),
            (_, Some(mean)) => Draws::Exponential(mean),
            _ => Draws::Other,
        };
        Self { place, draws, law }
    }
}

impl Sites {
    pub fn new(model: &Model) -> Self {
        let sites = model.sites.iter();
        Self(sites.map(|site| Site::new(site.sampler.clone(), site.place)).collect())
    }

    /// The number of a place.
    #[inline]
    pub fn place(&self, site: SiteId) -> u64 {
        self.0[site as usize].place
    }

    /// From now on another law holds at a place.
    pub fn set_law(&mut self, site: usize, law: Sampler) {
        self.0[site] = Site::new(law, self.0[site].place);
    }

    /// A draw at a place under a key, the `iteration`-th time that it is come to.
    #[inline]
    pub fn draw(&mut self, site: SiteId, key: Key, iteration: u32) -> f64 {
        let site = &mut self.0[site as usize];
        site.law.draw_from(|| key.at(site.place, iteration).draw())
    }

    /// A draw of a length of time.
    #[inline(always)]
    pub fn span(&mut self, site: SiteId, key: Key, iteration: u32) -> SimSpan {
        let site = &mut self.0[site as usize];
        let draw = || key.at(site.place, iteration).draw();
        match site.draws {
            Draws::Exponential(mean) => SimSpan::from_seconds(mean * exponential(&mut draw())),
            Draws::Always(span) => span,
            Draws::Other => site.law.span_apart(&mut draw()),
        }
    }

    /// The same, in a function of its own, for callers that have no register to spare.
    #[inline(never)]
    pub fn span_apart(&mut self, site: SiteId, key: Key, iteration: u32) -> SimSpan {
        self.span(site, key, iteration)
    }

    /// A draw of a count.
    pub fn count(&mut self, site: SiteId, key: Key, iteration: u32) -> u32 {
        let site = &mut self.0[site as usize];
        site.law.count(&mut key.at(site.place, iteration).draw())
    }
}

/// Whoever goes on at this instant.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Ready {
    Task(Handle),
    Fibre(Handle),
}

/// Whoever goes on at this instant, first come first served. The first has a place of its own: mostly there is no other,
/// and nobody is in the rest while there is no first.
#[derive(Debug, Default)]
pub(crate) struct ReadyLine {
    first: Option<Ready>,
    rest: VecDeque<Ready>,
}

impl ReadyLine {
    #[inline]
    pub fn push_back(&mut self, ready: Ready) {
        if self.is_empty() {
            self.first = Some(ready);
        } else {
            self.rest.push_back(ready);
        }
    }

    /// Whether whoever joins now goes on next.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub fn pop_front(&mut self) -> Option<Ready> {
        let first = self.first?;
        self.first = if self.rest.is_empty() {
            None
        } else {
            self.rest.pop_front()
        };
        Some(first)
    }
}

/// The world of one replication.
pub(crate) struct World<'m> {
    /// What is in force now.
    pub model: &'m Model,
    /// What can be in force.
    pub variants: Option<&'m Variants<'m>>,
    /// Settings that events have put in force, by number.
    pub in_force: Vec<u16>,
    /// Faults under way, by the number of their event.
    pub faults: Vec<u32>,
    /// By event: whether somebody reacts to its alert already.
    pub reacting: Vec<bool>,
    pub strains: Strains,
    /// Clients of caches that have lost their connection at some time, and how many are without one now.
    pub links: Vec<Link>,
    /// See `links`.
    pub links_away: u32,
    pub root: Key,
    pub replication: u32,
    pub now: SimTime,
    pub events: EventQueue,
    pub ready: ReadyLine,
    pub tasks: Slab<Run>,
    /// By thread of a flow: the request under way.
    pub requests: Slab<Request>,
    /// By request, the same: nanoseconds by stage.
    pub request_splits: Vec<Split>,
    pub sessions: Slab<Session>,
    pub fibres: Slab<Fibre>,
    pub flow_frames: Vec<Vec<(u32, Pc)>>,
    /// Whether the model is plain: then whoever is on the way is in `visits`, and the tables above are empty.
    pub is_plain: bool,
    /// See `is_plain`.
    pub visits: Slab<Visit>,
    pub sites: Sites,
    pub processes: Vec<Process>,
    pub instances: Vec<Instance>,
    pub openings: Slab<Opening>,
    pub wakes: Vec<Wake>,
    pub services: Vec<ServiceState>,
    pub databases: Vec<DatabaseState>,
    pub providers: Vec<ProviderState>,
    pub caches: Vec<TtlCache<u64, Handle>>,
    /// Commands of each cache, today and this month.
    pub commands: Vec<Quota>,
    pub shared_limiters: Vec<Limiter<u64>>,
    /// Who comes.
    pub crowd: Crowd,
    /// By source: who comes next.
    pub arrivals: Vec<Expected>,
    pub clients: Vec<ClientState>,
    pub monitor: Option<Box<super::monitor::Monitor<'m>>>,
    pub poolers: Vec<PoolerState>,
    /// By queue: jobs that may run for too long, the next first, each with when it began.
    pub runs: Vec<VecDeque<(SimTime, Handle, SimTime)>>,
    pub record: Record,
    pub rows: Option<Vec<RequestRow>>,
    /// What goes in and out, for whoever wants to know.
    pub trace: Option<Box<Trace>>,
    /// Steps taken since time last went on.
    pub at_this_instant: u64,
    pub loading: bool,
    pub done: bool,
}
