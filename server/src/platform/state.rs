//! What is in flight: tasks, what they hold, and where each is.
//!
//! Owns: the shapes alone. What they meet is in `plant`.

use std::sync::{Arc, Mutex};

use futures::channel::mpsc::UnboundedSender;
use futures::channel::oneshot;
use futures::stream::AbortHandle;
use highwater_models::machine::breaker::Pass;
use highwater_models::machine::connections::{ConnectionId, Waiting};
use highwater_models::machine::job_queue::JobPlace;
use highwater_models::machine::line::Place;
use highwater_models::machine::pooler::Lease;
use highwater_models::machine::ttl_cache::CachePlace;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::{Model, Pc, STAGE_IO, SiteId, Stage};
use highwater_workload::{Key, Sampler};

use super::event::Scheduled;
use super::real::Real;
use super::slab::Handle;
use crate::arrival::{Answer, Piece};
use crate::product::Story;

/// No process.
pub(super) const NOBODY: u32 = u32::MAX;

/// What a task is to whoever started it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum TaskKind {
    /// A request.
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
pub(super) enum State {
    /// Goes on at its place in the program when its event comes.
    Going,
    /// In a loop's line, or running there.
    Loop,
    /// On a CPU off the loop.
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
    /// A transaction is being kept.
    Committing,
    /// A look-up on its way.
    CacheThere,
    /// A look-up at the cache server.
    CacheAsked,
    /// Its answer on its way back.
    CacheBack(bool),
    /// A store on its way.
    StoreThere,
    /// A store at the cache server.
    StoreAsked,
    /// A limiter's command to its store, on its way there and back.
    Command,
    /// A limiter's store counts.
    Counting,
    /// Waiting for another's fetch.
    Parked(u16, CachePlace),
    /// A provider works.
    Provider,
    /// Waiting for its children.
    Joining,
}

/// Something that a task holds.
#[derive(Copy, Clone, Debug)]
pub(super) struct Held {
    pub what: HeldWhat,
    pub since: SimTime,
}

#[derive(Copy, Clone, Debug)]
pub(super) enum HeldWhat {
    /// A plain slot, by its number among those of its process.
    Slot(u16),
    /// A connection, and whether for a transaction.
    Connection(u16, ConnectionId, bool),
    /// A place in a job queue.
    Job(u16),
    /// A place in a job queue that was taken back: the work ends with it.
    Spent,
    /// A pooler's server connection, and whether for a transaction.
    Server(u16, Lease, Handle, bool),
    /// A fetch that others may wait for.
    Fetch(u16, u64),
    /// Memory during steps, and whether it is on the heap.
    Memory(u64, bool),
}

/// A loop or a retry under way.
#[derive(Copy, Clone, Debug)]
pub(super) enum Frame {
    Repeat { left: u32, body: Pc },
    Try { retry: u16, done: u32, body: Pc, held: u32 },
}

/// A task, and what it keeps that cannot be copied.
pub(super) struct Run {
    pub task: Task,
    /// What it holds, the last taken last.
    pub held: Vec<Held>,
    /// Loops and retries that it is in.
    pub frames: Vec<Frame>,
    /// Time by stage.
    pub split: Vec<(Stage, SimSpan)>,
    /// What its request is about; none for a probe.
    pub story: Option<Arc<Mutex<Story>>>,
    /// Where its answer goes, until it has gone there.
    pub reply: Option<oneshot::Sender<Answer>>,
    /// Where the pieces of its answer go.
    pub pieces: Option<UnboundedSender<Piece>>,
    /// Gone when it is gone, for whoever watches its client.
    pub watched: Option<oneshot::Sender<()>>,
    /// Number of the real operation under way, or of the last one.
    pub operation: u32,
    /// Whether it is still under way.
    pub is_asking: bool,
    /// Whether everything else that the step takes is over.
    pub is_late: bool,
    /// What it came to.
    pub real: Option<Real>,
    /// Ends it early.
    pub abort: Option<AbortHandle>,
}

impl Run {
    pub(super) fn new(task: Task, story: Option<Arc<Mutex<Story>>>) -> Self {
        Self {
            task,
            held: Vec::new(),
            frames: Vec::new(),
            split: Vec::new(),
            story,
            reply: None,
            pieces: None,
            watched: None,
            operation: 0,
            is_asking: false,
            is_late: false,
            real: None,
            abort: None,
        }
    }

    /// Time until now belongs to the task's stage; from now on it is in another one.
    pub(super) fn enter(&mut self, now: SimTime, stage: Stage) {
        let left = std::mem::replace(&mut self.task.stage, stage);
        let since = std::mem::replace(&mut self.task.since, now);
        self.spend(left, now.since(since));
    }

    /// So much of its time went to a stage.
    pub(super) fn spend(&mut self, stage: Stage, span: SimSpan) {
        if span == SimSpan::ZERO {
            return;
        }
        match self.split.iter_mut().find(|(of, _)| *of == stage) {
            Some((_, sum)) => *sum += span,
            None => self.split.push((stage, span)),
        }
    }
}

impl std::ops::Deref for Run {
    type Target = Task;

    fn deref(&self) -> &Task {
        &self.task
    }
}

impl std::ops::DerefMut for Run {
    fn deref_mut(&mut self) -> &mut Task {
        &mut self.task
    }
}

/// A request's run through its program, or a part of it that runs beside it.
#[derive(Clone, Debug)]
pub(super) struct Task {
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
    pub process: u32,
    pub pc: Pc,
    /// How often it has gone back in its program: part of every draw's key.
    pub iteration: u32,
    pub pending: u32,
    /// How many forks and calls it has begun: whoever is left over from an earlier one is not waited for.
    pub forks: u32,
    /// The fork or call of its parent that it belongs to.
    pub fork: u32,
    pub retries: u32,
    /// By which whoever asked knows it.
    pub request: Handle,
    pub parent: Handle,
    pub key: Key,
    pub person: u64,
    pub ip: u64,
    pub since: SimTime,
    pub arrived: SimTime,
    /// When what is under way began: a service, a call.
    pub mark: SimTime,
    /// When what is under way at a server began.
    pub visit: SimTime,
    pub scheduled: Scheduled,
    pub retry_after: Option<SimSpan>,
    /// Memory taken until it ends, and as much of it as is on the heap.
    pub memory: u64,
    /// See `memory`.
    pub heap: u64,
    /// A provider that is still sending an answer whose first token has come, and when it was asked.
    pub streaming: Option<(u16, SimTime)>,
    pub prompt: f64,
    /// Tokens of the prompt without the conversation so far, or seconds of a recording.
    pub own: f64,
    pub answer: f64,
    /// Whether the call under way takes longer than its time-out allows.
    pub too_long: bool,
    /// Key of a cache entry under way.
    pub cache_key: u64,
    /// The query under way.
    pub query: u16,
    /// The call of a model that is under way, as the process's level of degradation has it.
    pub call: u16,
    /// Leave of a breaker to make it.
    pub pass: Option<Pass>,
    /// When the server gives up on it.
    pub give_up_at: SimTime,
    /// Whether degradation left something out of its answer.
    pub degraded: bool,
}

impl Task {
    /// A task at the beginning of its program, that nobody waits for and that holds nothing.
    pub(super) fn new(kind: TaskKind, pc: Pc, key: Key, now: SimTime) -> Self {
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
            process: NOBODY,
            pc,
            iteration: 0,
            pending: 0,
            forks: 0,
            fork: 0,
            retries: 0,
            request: Handle::NOTHING,
            parent: Handle::NOTHING,
            key,
            person: 0,
            ip: 0,
            since: now,
            arrived: now,
            mark: now,
            visit: now,
            scheduled: Scheduled::NOTHING,
            retry_after: None,
            memory: 0,
            heap: 0,
            streaming: None,
            prompt: 0.0,
            own: 0.0,
            answer: 0.0,
            too_long: false,
            cache_key: 0,
            query: 0,
            call: 0,
            pass: None,
            give_up_at: SimTime::NEVER,
            degraded: false,
        }
    }
}

/// The laws of all places in the programs.
pub(super) struct Sites(Vec<Site>);

struct Site {
    law: Sampler,
    /// The length of time that is drawn, where it is always the same.
    always: Option<SimSpan>,
    place: u64,
}

impl Sites {
    pub(super) fn new(model: &Model) -> Self {
        let sites = model.sites.iter().map(|site| Site {
            law: site.sampler.clone(),
            always: site.sampler.as_constant().map(SimSpan::from_seconds),
            place: site.place,
        });
        Self(sites.collect())
    }

    /// The number of a place.
    pub(super) fn place(&self, site: SiteId) -> u64 {
        self.0[site as usize].place
    }

    /// A draw at a place under a key, the `iteration`-th time that it is come to.
    pub(super) fn draw(&mut self, site: SiteId, key: Key, iteration: u32) -> f64 {
        let site = &mut self.0[site as usize];
        site.law.draw_from(|| key.at(site.place, iteration).draw())
    }

    /// A draw of a length of time.
    pub(super) fn span(&mut self, site: SiteId, key: Key, iteration: u32) -> SimSpan {
        let site = &mut self.0[site as usize];
        match site.always {
            Some(span) => span,
            None => site.law.span(&mut key.at(site.place, iteration).draw()),
        }
    }
}
