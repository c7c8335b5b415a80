//! The short way through a plain model.
//!
//! A model is *plain* ([`is_plain`]) where nothing can split what a person does: each session has one thread, asks for one
//! thing at a time, with one attempt that its client waits for however long it takes; instances neither come nor go; and
//! nothing is asked of a process but limits, slots and time. Then session, thread, request and attempt begin, wait and end
//! together, and are one thing here, a [`Visit`], in one place of one table.
//!
//! Owns: what happens to a visit. It is what `session`, `request`, `task`, `balance` and `holding` do for the four, in the
//! same order and with the same machines, draws and statistics, so that the results of both ways are the same to the
//! byte: `tests/tests/plain.rs` runs models both ways.
//! Never: rows of requests (a run that keeps them takes the general way).

use highwater_models::machine::line::Place;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_workload::Key;
use highwater_workload::stream::Purpose;

use super::{Control, NOBODY, Ready, Session, SimulationError, World};
use crate::event::Scheduled;
use crate::measure::Record;
use crate::slab::Slab;
use crate::split::Split;
use highwater_program::model::{Client, Endpoint, FlowOp, Model, Op, Pc, Recorded, STAGE_IO, Service, Source, Stage};

mod flow;
mod work;

/// The most slots that a visit holds at once.
const SLOTS_MAX: usize = 4;

/// Whether a model is plain.
#[must_use]
pub fn is_plain(model: &Model) -> bool {
    model.happenings.is_empty()
        && model.monitoring.is_none()
        && model.degradation.is_none()
        && model.held_depth <= SLOTS_MAX
        && model.services.iter().all(is_plain_service)
        && model.clients.iter().all(|client| is_plain_client(client, model))
        && model.ops.iter().all(is_plain_op)
        && model
            .endpoints
            .iter()
            .all(|endpoint| is_plain_endpoint(endpoint, model))
        && !model.flow_ops.iter().any(|op| matches!(op, FlowOp::Fork { .. }))
}

/// One instance for ever, which takes whoever comes.
fn is_plain_service(service: &Service) -> bool {
    service.is_open
        && service.instances == 1
        && service.scaling.is_none()
        && service.health_endpoint.is_none()
        && service.memory_base <= service.memory_limit
}

/// On the spot, and without an end to its patience.
fn is_plain_client(client: &Client, model: &Model) -> bool {
    model.sites[client.rtt as usize].sampler.as_constant() == Some(0.0)
        && client.timeout == SimSpan::FOREVER
        && client.first_byte_timeout == SimSpan::FOREVER
        && client.patience.is_none()
        && client.retry.is_none()
        && client.resend.is_none()
}

/// Its program begins with the arrival at its service.
fn is_plain_endpoint(endpoint: &Endpoint, model: &Model) -> bool {
    let arrives = Op::Arrive {
        service: endpoint.service,
    };
    model.ops.get(endpoint.start as usize) == Some(&arrives)
}

fn is_plain_op(op: &Op) -> bool {
    matches!(
        op,
        Op::Arrive { .. }
            | Op::Limit { .. }
            | Op::Delay { .. }
            | Op::Acquire { .. }
            | Op::Serve { .. }
            | Op::Release
            | Op::SignedIn
            | Op::Choose { .. }
            | Op::Repeat { .. }
            | Op::Again
            | Op::Fail { .. }
            | Op::Jump { .. }
            | Op::End
    )
}

/// What a visit is at.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Doing {
    /// The program of what it has asked for.
    Working,
    /// Its flow: it asks for nothing.
    Thinking,
    /// It has asked for something, and comes to the service that has it.
    Arriving,
    /// A line for slots.
    Waiting,
    /// It fails once it goes on, for the cause in [`Rare`].
    Failing,
}

/// A slot that is held.
#[derive(Copy, Clone, Debug)]
pub(crate) struct HeldSlot {
    /// Its number among those of its process.
    local: u16,
    /// The resource whose time it takes.
    pub resource: u16,
    pub since: SimTime,
}

impl HeldSlot {
    const NONE: Self = Self {
        local: 0,
        resource: 0,
        since: SimTime::ZERO,
    };
}

/// A line for slots that a visit is in.
#[derive(Copy, Clone, Debug)]
struct InLine {
    slots: u16,
    place: Place,
    since: SimTime,
    /// The end of a drawn patience.
    patience: Scheduled,
}

/// A session with its one thread, the request that it waits for and the only attempt at that. It waits for one event at
/// a time, so that none goes stale, but that of a patience with a line.
// In the order in which it is needed together, for the processor's cache.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Visit {
    doing: Doing,
    /// Whether `key` is already that of what it asks for next.
    prepared: bool,
    /// Whether what it asks for is measured.
    pub measured: bool,
    /// The stage that it is in.
    stage: Stage,
    endpoint: u16,
    holds: u8,
    /// Its place in its program, and how often it has gone back there.
    pc: Pc,
    iteration: u32,
    process: u32,
    /// Its place in its flow, and how often it has gone back there.
    flow: Pc,
    flow_iteration: u32,
    cell: u32,
    /// The attempt's key; of the next one, where [`Visit::prepared`] says so.
    key: Key,
    /// Since when it is in its stage.
    since: SimTime,
    /// When the request began, and the window in which it did.
    began: SimTime,
    window: usize,
    held: [HeldSlot; SLOTS_MAX],
    /// Time by stage.
    spans: Spans,
    session: Person,
    rare: Box<Rare>,
}

/// Whose visit it is: what there is of a [`Session`] in a plain model.
#[derive(Copy, Clone, Debug)]
struct Person {
    /// What the flow draws from, and what requests do.
    flow: Key,
    asks: Key,
    number: u64,
    person: u64,
    ip: u64,
    user: u64,
    began: SimTime,
    requests: u64,
    source: u16,
    client: u16,
    class: u8,
    signed_in: bool,
    ended: bool,
    abandoned: bool,
    measured: bool,
}

impl Person {
    #[inline(always)]
    fn of(session: &Session) -> Self {
        Self {
            flow: session.key.purpose(Purpose::Flow),
            asks: session.key.purpose(Purpose::Request),
            number: session.number,
            person: session.person,
            ip: session.ip,
            user: session.user,
            began: session.began,
            requests: session.requests,
            source: session.source,
            client: session.client,
            class: session.class,
            signed_in: session.signed_in,
            ended: session.ended,
            abandoned: session.abandoned,
            measured: session.measured,
        }
    }
}

/// What few visits need.
#[derive(Debug)]
struct Rare {
    failing: Cause,
    line: Option<InLine>,
    /// Loops of its flow and of its program, each with how often it is still gone through and where it begins.
    flow_frames: Vec<(u32, Pc)>,
    frames: Vec<(u32, Pc)>,
    /// Times by stage beyond those of [`Spans`].
    split: Split,
}

/// How many lengths of time are kept one by one.
const SPANS: usize = 6;

/// Lengths of time in a stage, one after another: mostly so few that adding them up by stage can wait for the end.
#[derive(Debug)]
struct Spans {
    count: u32,
    /// Whether some have been added up by stage already.
    overflowed: bool,
    nanos: [u64; SPANS],
    stages: [Stage; SPANS],
}

impl Visit {
    #[cold]
    #[inline(never)]
    fn new(model: &Model, session: &Session) -> Self {
        let now = session.began;
        Self {
            doing: Doing::Thinking,
            prepared: false,
            measured: false,
            stage: STAGE_IO,
            endpoint: 0,
            holds: 0,
            pc: 0,
            iteration: 0,
            process: NOBODY,
            flow: 0,
            flow_iteration: 0,
            cell: 0,
            key: session.key,
            since: now,
            began: now,
            window: 0,
            held: [HeldSlot::NONE; SLOTS_MAX],
            spans: Spans {
                count: 0,
                overflowed: false,
                nanos: [0; SPANS],
                stages: [STAGE_IO; SPANS],
            },
            session: Person::of(session),
            rare: Box::new(Rare {
                failing: Cause::QueueFull,
                line: None,
                flow_frames: Vec::with_capacity(model.frame_depth),
                frames: Vec::with_capacity(model.frame_depth),
                split: Split::new(model.stages.len()),
            }),
        }
    }

    /// Whether something is asked for that has not ended.
    pub fn is_asking(&self) -> bool {
        self.doing != Doing::Thinking
    }

    /// What it holds, the last taken last.
    #[inline(always)]
    pub fn held(&self) -> &[HeldSlot] {
        &self.held[..usize::from(self.holds)]
    }

    /// It is to fail once it goes on.
    pub fn fails(&mut self, cause: Cause) {
        self.doing = Doing::Failing;
        self.rare.failing = cause;
    }

    /// Time until now belongs to its stage; from now on it is in another one.
    #[inline(always)]
    fn enter(&mut self, now: SimTime, stage: Stage, record: &mut Record) {
        self.stay(now, record);
        self.stage = stage;
    }

    /// Time until now belongs to its stage, in which it stays.
    #[inline(always)]
    fn stay(&mut self, now: SimTime, record: &mut Record) {
        if self.since == now {
            return;
        }
        let nanos = now.since(self.since).nanos();
        self.since = now;
        if self.spans.count as usize >= SPANS {
            self.add_up();
        }
        let at = self.spans.count as usize;
        self.spans.nanos[at] = nanos;
        self.spans.stages[at] = self.stage;
        self.spans.count += 1;
        for slot in self.held() {
            record.hold(slot.resource, self.stage, nanos);
        }
    }

    /// What is kept one by one is added up by stage.
    #[cold]
    #[inline(never)]
    fn add_up(&mut self) {
        self.spans.overflowed = true;
        let count = std::mem::take(&mut self.spans.count) as usize;
        for (&stage, &nanos) in self.spans.stages.iter().zip(&self.spans.nanos).take(count) {
            self.rare.split.add(stage, nanos);
        }
    }

    /// Adds its times to a row by stage, and forgets them; the sum of all.
    #[inline(always)]
    fn pour(&mut self, row: &mut [u64]) -> u64 {
        let mut sum = 0;
        let count = (std::mem::take(&mut self.spans.count) as usize).min(SPANS);
        for (&stage, &nanos) in self.spans.stages[..count].iter().zip(&self.spans.nanos[..count]) {
            row[usize::from(stage)] += nanos;
            sum += nanos;
        }
        if self.spans.overflowed {
            self.spans.overflowed = false;
            sum += self.rare.split.take(|stage, nanos| row[usize::from(stage)] += nanos);
        }
        sum
    }

    /// Forgets times that nobody counts.
    #[cold]
    #[inline(never)]
    fn forget_times(&mut self) {
        self.spans.count = 0;
        self.spans.overflowed = false;
        self.rare.split.clear();
    }

    /// Gives back the slot that was taken last: time until now belongs to it.
    #[inline(always)]
    fn give(&mut self, now: SimTime, record: &mut Record) -> Option<HeldSlot> {
        let last = self.holds.checked_sub(1)?;
        self.stay(now, record);
        self.holds = last;
        Some(self.held[usize::from(last)])
    }

    /// Takes a slot.
    #[inline(always)]
    fn take(&mut self, slot: HeldSlot) {
        self.held[usize::from(self.holds)] = slot;
        self.holds += 1;
    }
}

/// What is settled before a run and looked up often in it.
struct Ways {
    endpoints: Vec<Entrance>,
    sources: Vec<Comers>,
}

/// How one comes to an endpoint's program.
struct Entrance {
    /// Where it goes on after the arrival.
    start: Pc,
    service: u16,
    instance: u32,
    /// Where the instance has one process only.
    process: Option<u32>,
    signs_in: bool,
    /// The first of its cells in the record.
    cells: u32,
}

/// Those who come from a source.
struct Comers {
    /// Where it is the only one.
    phase: Option<u16>,
}

impl Ways {
    fn new(world: &World<'_>) -> Self {
        let model = world.model;
        let cells = model.classes.len() * model.phases.len();
        let entrance = |(number, endpoint): (usize, &Endpoint)| {
            let instance = world.services[usize::from(endpoint.service)].instances[0];
            let only = match world.instances[instance as usize].processes[..] {
                [only] => Some(only),
                _ => None,
            };
            Entrance {
                start: endpoint.start + 1,
                service: endpoint.service,
                instance,
                process: only,
                signs_in: endpoint.signs_in,
                cells: (number * cells) as u32,
            }
        };
        Self {
            endpoints: model.endpoints.iter().enumerate().map(entrance).collect(),
            sources: model.sources.iter().map(Comers::new).collect(),
        }
    }
}

impl Comers {
    fn new(source: &Source) -> Self {
        Self {
            phase: (source.phase_ends.len() <= 1).then_some(source.first_phase),
        }
    }
}

impl World<'_> {
    /// Somebody comes, and is ready.
    pub(super) fn begin_visit(&mut self, source: u16, user: u64, recorded: Option<&Recorded>) {
        let (session, flow) = self.introduce(source, user, recorded);
        self.record.online.up(self.now);
        let model = self.model;
        let (handle, visit) = self.visits.claim(|| Visit::new(model, &session));
        visit.begin(&session, flow);
        visit.doing = Doing::Thinking;
        self.ready.push_back(Ready::Fibre(handle));
    }

    /// Runs a plain model to its end.
    pub(super) fn run_plain(&mut self, control: &Control<'_>) -> Result<(), SimulationError> {
        let ways = Ways::new(self);
        // Held apart from the rest of the world, so that a visit is looked up once, whatever it does there.
        let mut visits = std::mem::take(&mut self.visits);
        let ended = self.go_ways(&ways, &mut visits, control);
        self.visits = visits;
        ended
    }

    /// Takes one event after another. Whoever is ready at an instant goes on before the next event.
    fn go_ways(&mut self, ways: &Ways, visits: &mut Slab<Visit>, control: &Control<'_>) -> Result<(), SimulationError> {
        loop {
            let index = match self.ready.pop_front() {
                Some(Ready::Task(handle) | Ready::Fibre(handle)) => {
                    self.go_on_at_this_instant()?;
                    handle.index
                }
                None => {
                    let Some(due) = self.next_event(control)? else {
                        return Ok(());
                    };
                    let Some(index) = due.task() else {
                        std::mem::swap(&mut self.visits, visits);
                        self.handle(due.scheduled(), due.event());
                        std::mem::swap(&mut self.visits, visits);
                        continue;
                    };
                    index
                }
            };
            // From its flow to its program and back right here, where nobody is ready before it.
            let mut goes_on = match visits[index].doing {
                Doing::Working => self.work(ways, visits, index),
                Doing::Thinking => true,
                _ => self.take_up(ways, visits, index),
            };
            while goes_on {
                goes_on = self.think(ways, visits, index) && self.work(ways, visits, index);
            }
        }
    }

    /// A visit that had to wait for others before it arrives, or fails. True when its flow goes on right now.
    #[cold]
    #[inline(never)]
    fn take_up(&mut self, ways: &Ways, visits: &mut Slab<Visit>, index: u32) -> bool {
        let visit = &mut visits[index];
        match visit.doing {
            Doing::Arriving => {
                self.arrive_on_visit(ways, visit);
                self.work_apart(ways, visits, index)
            }
            Doing::Failing => {
                let cause = visit.rare.failing;
                self.fail_visit(ways, visits, index, cause)
            }
            Doing::Working | Doing::Thinking | Doing::Waiting => {
                debug_assert!(false, "a visit goes on that is in a line");
                false
            }
        }
    }
}

/// Where the innermost loop begins again, if it does.
fn again(frames: &mut Vec<(u32, Pc)>) -> Option<Pc> {
    let (left, body) = frames.last_mut()?;
    *left -= 1;
    if *left > 0 {
        return Some(*body);
    }
    frames.pop();
    None
}
