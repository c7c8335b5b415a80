//! One replication: the state of everything, and the loop that takes one event after another.
//!
//! Owns: the clock, the pending events, who is ready to go on, and the tables of what is in flight.
//! What stands in the tables is in `state` (who is on the way) and `plant` (what they meet).
//! What happens at each place is in the rooms beside this one: `task` (an attempt's steps), `turn` (event loops and
//! CPUs), `holding` (slots, connections, queues), `database`, `cache`, `provider` (what lies behind the process), `session` (people), `request` (what they ask for), `plain` (all of that
//! where a model is plain),
//! `balance` (which instance a request goes to), `instance` (lives), `memory`, `health`, `deploy` and `scaling` (what
//! begins and ends them), `event` (the scenario's), `chores` (windows and the log), `books` (what must add up).
//! Order: whoever becomes ready at an instant goes on in the order in which that happened (invariant 5).

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use highwater_models::machine::autoscaler::Autoscaler;
use highwater_models::machine::limiter::Limiter;
use highwater_models::machine::pooler::Pooler;
use highwater_models::machine::provider_limit::ProviderLimit;
use highwater_models::machine::quota::Quota;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::machine::spending::Spending;
use highwater_models::machine::ttl_cache::TtlCache;
use highwater_models::{SimSpan, SimTime};
use highwater_workload::Key;
use highwater_workload::stream::Purpose;

use crate::event::{Due, Event, EventQueue, Scheduled};
use crate::experiment::RequestRow;
use crate::measure::Record;
use crate::slab::Slab;
use crate::trace::Trace;
use highwater_models::machine::processor::{Limit, Processor};
use highwater_program::crowd::Crowd;
use highwater_program::model::{Model, SiteId, Stage};
use highwater_program::variants::Variants;

mod balance;
mod books;
mod cache;
mod chores;
mod database;
mod deploy;
mod event;
mod fault;
mod giving_up;
mod health;
mod holding;
mod instance;
mod ladder;
mod link;
mod memory;
mod money;
mod monitor;
mod plain;
mod plant;
mod pooler;
mod provider;
mod request;
mod scaling;
mod session;
mod settings;
mod state;
mod task;
mod turn;

pub(crate) use highwater_program::strain::Strains;
pub(crate) use link::Link;
pub(crate) use plain::Visit;
pub use plain::is_plain;
pub(crate) use plant::*;
pub(crate) use state::*;

/// How a caller follows and stops a replication.
#[derive(Debug)]
pub struct Control<'a> {
    /// Set to stop it.
    pub cancel: &'a AtomicBool,
    /// Simulated nanoseconds so far.
    pub progress: &'a AtomicU64,
}

/// Why a replication did not finish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SimulationError {
    /// Something goes round and round without time passing.
    NoProgress {
        /// Where time stood still.
        at: SimTime,
    },
    /// The books do not close: an error of ours.
    Books {
        /// Which sum, with both sides.
        what: String,
    },
    /// The caller stopped it.
    Cancelled,
}

impl fmt::Display for SimulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProgress { at } => write!(
                f,
                "time stands still at {} s: a session goes round without any time passing; give its flow a think time",
                at.seconds()
            ),
            Self::Books { what } => write!(f, "the books do not close, which is an error in Highwater: {what}"),
            Self::Cancelled => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for SimulationError {}

/// Steps at one instant after which time counts as standing still: far above what any load brings in a nanosecond.
pub(crate) const STANDSTILL: u64 = 50_000_000;

/// Runs one replication.
///
/// # Errors
/// When time stands still, the books do not close, or the caller stops it.
pub fn simulate(
    model: &Model,
    seed: u64,
    replication: u32,
    keep_requests: bool,
    control: &Control<'_>,
) -> Result<(Record, Vec<RequestRow>), SimulationError> {
    simulate_in(model, None, seed, replication, keep_requests, control)
}

/// Runs one replication of a plan whose settings may change on the way.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_variants<'m>(
    variants: &'m Variants<'m>,
    seed: u64,
    replication: u32,
    keep_requests: bool,
    control: &Control<'_>,
) -> Result<(Record, Vec<RequestRow>), SimulationError> {
    simulate_in(
        variants.base(),
        Some(variants),
        seed,
        replication,
        keep_requests,
        control,
    )
}

/// The same of one model, with everything that went in and out of the system.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_traced(
    model: &Model,
    seed: u64,
    replication: u32,
    control: &Control<'_>,
) -> Result<(Record, Trace), SimulationError> {
    let mut world = World::new(model, Key::root(seed, replication), replication, false);
    world.trace = Some(Box::default());
    // Traces are written by the general way alone, as rows are.
    world.is_plain = false;
    world.begin();
    world.run(control)?;
    world.close_books()?;
    let mut trace = world.trace.take().map(|trace| *trace).unwrap_or_default();
    // Noted when their clients sent them.
    trace.arrived.sort_by_key(|arrived| arrived.at);
    Ok((world.record, trace))
}

fn simulate_in<'m>(
    model: &'m Model,
    variants: Option<&'m Variants<'m>>,
    seed: u64,
    replication: u32,
    keep_requests: bool,
    control: &Control<'_>,
) -> Result<(Record, Vec<RequestRow>), SimulationError> {
    let mut world = World::new(model, Key::root(seed, replication), replication, keep_requests);
    world.variants = variants;
    world.begin();
    world.run(control)?;
    world.close_books()?;
    let World { record, rows, .. } = world;
    Ok((record, rows.unwrap_or_default()))
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

impl<'m> World<'m> {
    fn new(model: &'m Model, root: Key, replication: u32, keep_requests: bool) -> Self {
        let services = model
            .services
            .iter()
            .map(|service| ServiceState {
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
            })
            .collect();
        let connect = root.purpose(Purpose::Connect);
        let databases = model
            .databases
            .iter()
            .enumerate()
            .map(|(n, database)| DatabaseState {
                cpu: Processor::new(database.cores, Limit::Shared),
                orphans: Vec::new(),
                scheduled: Scheduled::NOTHING,
                connections: 0,
                down_until: SimTime::ZERO,
                cut: false,
                draws: connect.child(n as u64).draw(),
                connect: database.connect.clone(),
                connect_cpu: database.connect_cpu.clone(),
                rtt: database.rtt.clone(),
            })
            .collect();
        let providers = model
            .providers
            .iter()
            .map(|provider| ProviderState {
                limit: ProviderLimit::new(provider.limit),
                models: provider
                    .models
                    .iter()
                    .map(|model| model.limit.map(ProviderLimit::new))
                    .collect(),
                in_flight: 0,
                spending: Spending::default(),
                spent_said: false,
            })
            .collect();
        let poolers = model
            .poolers
            .iter()
            .enumerate()
            .map(|(n, pooler)| PoolerState {
                machine: Pooler::new(pooler.config),
                clients: 0,
                at_server: 0,
                draws: connect.child(1 << 32 | n as u64).draw(),
            })
            .collect();
        let shared = model.limiters.iter().filter(|limiter| limiter.shared);
        Self {
            model,
            variants: None,
            in_force: Vec::new(),
            faults: Vec::new(),
            reacting: vec![false; model.happenings.len()],
            strains: Strains::new(model),
            links: Vec::new(),
            links_away: 0,
            root,
            replication,
            now: SimTime::ZERO,
            events: EventQueue::default(),
            ready: ReadyLine::default(),
            tasks: Slab::default(),
            requests: Slab::default(),
            request_splits: Vec::new(),
            sessions: Slab::default(),
            fibres: Slab::default(),
            flow_frames: Vec::new(),
            // Rows of requests are written by the general way alone.
            is_plain: !keep_requests && plain::is_plain(model),
            visits: Slab::default(),
            sites: Sites::new(model),
            processes: Vec::new(),
            instances: Vec::new(),
            openings: Slab::default(),
            wakes: shared_wakes(model),
            services,
            databases,
            providers,
            caches: model.entries.iter().map(|entry| TtlCache::new(entry.config)).collect(),
            commands: vec![Quota::default(); model.caches.len()],
            shared_limiters: shared.map(|limiter| Limiter::new(limiter.rule)).collect(),
            crowd: Crowd::new(model, root),
            arrivals: vec![Expected::NOTHING; model.sources.len()],
            clients: model
                .clients
                .iter()
                .map(|client| ClientState {
                    timeouts: VecDeque::new(),
                    armed: SimTime::NEVER,
                    budget: RetryBudget::new(client.retry_budget),
                })
                .collect(),
            monitor: model
                .monitoring
                .as_ref()
                .map(|spec| Box::new(monitor::Monitor::new(spec))),
            poolers,
            runs: vec![VecDeque::new(); model.queues.len()],
            record: Record::new(model),
            rows: keep_requests.then(Vec::new),
            trace: None,
            at_this_instant: 0,
            loading: true,
            done: false,
        }
    }

    /// Everything that is scheduled before the first event.
    fn begin(&mut self) {
        self.events.schedule(self.model.measure_from, Event::MeasureFrom);
        self.start_instances();
        self.warm_caches();
        for (number, &at) in self.model.snapshots.iter().enumerate() {
            self.events.schedule(at, Event::Snapshot(number as u32));
        }
        if self.model.window.nanos() > 0 {
            self.events.schedule(SimTime::ZERO + self.model.window, Event::Window);
        }
        for service in 0..self.model.services.len() {
            if let Some(scaling) = &self.model.services[service].scaling {
                self.events
                    .schedule(SimTime::ZERO + scaling.config.every, Event::Scale(service as u32));
            }
        }
        self.schedule_happenings();
        self.begin_monitoring();
        self.start_sources();
        self.events.schedule(self.model.measure_to, Event::MeasureTo);
        self.events.schedule(self.model.duration, Event::LoadEnds);
        self.events.schedule(self.model.end, Event::End);
    }

    fn run(&mut self, control: &Control<'_>) -> Result<(), SimulationError> {
        if self.is_plain {
            self.run_plain(control)?;
        } else {
            self.run_any(control)?;
        }
        control.progress.store(self.model.end.nanos(), Ordering::Relaxed);
        Ok(())
    }

    fn run_any(&mut self, control: &Control<'_>) -> Result<(), SimulationError> {
        // Users who are there from the start begin then, and not with the first event.
        self.ready_go_on()?;
        while let Some(due) = self.next_event(control)? {
            if let Some(index) = due.task() {
                self.resume(index, due.scheduled());
            } else if let Some(index) = due.fibre() {
                self.thought(index, due.scheduled());
            } else {
                self.handle(due.scheduled(), due.event());
            }
            self.ready_go_on()?;
        }
        Ok(())
    }

    /// Takes the next event, to which time goes on; none when the run is over.
    #[inline(always)]
    fn next_event(&mut self, control: &Control<'_>) -> Result<Option<Due>, SimulationError> {
        if self.done {
            return Ok(None);
        }
        let Some(due) = self.events.take() else {
            return Ok(None);
        };
        if due.at() > self.now {
            self.at_this_instant = 0;
            self.now = due.at();
        } else {
            self.go_on_at_this_instant()?;
        }
        self.record.events += 1;
        if self.record.events & 0x3fff == 0 {
            control.progress.store(self.now.nanos(), Ordering::Relaxed);
            if control.cancel.load(Ordering::Relaxed) {
                return Err(SimulationError::Cancelled);
            }
        }
        Ok(Some(due))
    }

    /// Whoever is ready at this instant goes on, and whoever that makes ready.
    #[inline]
    fn ready_go_on(&mut self) -> Result<(), SimulationError> {
        while let Some(ready) = self.ready.pop_front() {
            self.go_on_at_this_instant()?;
            match ready {
                Ready::Task(handle) => self.go_on(handle),
                Ready::Fibre(handle) => self.go_on_thinking(handle),
            }
        }
        Ok(())
    }

    /// One more step without time going on.
    #[inline(always)]
    fn go_on_at_this_instant(&mut self) -> Result<(), SimulationError> {
        self.at_this_instant += 1;
        if self.at_this_instant > STANDSTILL {
            return Err(SimulationError::NoProgress { at: self.now });
        }
        Ok(())
    }

    fn handle(&mut self, scheduled: Scheduled, event: Event) {
        match event {
            Event::Task(index) => self.resume(index, scheduled),
            Event::Slice(process) => self.end_slice(process),
            Event::Cpu(instance) => self.end_cpu(instance, scheduled),
            Event::DatabaseCpu(database) => self.end_database_cpu(database, scheduled),
            Event::Opening(index) => self.opening(index, scheduled),
            Event::Wake(index) => self.wake(index, scheduled),
            Event::Arrival(source) => self.arrival(source, scheduled),
            Event::Fibre(index) => self.thought(index, scheduled),
            Event::Backoff(index) => self.backoff_over(index, scheduled),
            Event::Patience(index) if self.is_plain => self.visit_out_of_patience(index, scheduled),
            Event::Patience(index) => self.patience_over(index, scheduled),
            Event::Resend(index) => self.resend(index, scheduled),
            Event::ClientTimeout(client) => self.client_timeouts(client),
            Event::Booted(instance) => self.booted(instance, scheduled),
            Event::Killed(instance) => self.killed(instance, scheduled),
            Event::Probe(instance) => self.probe(instance, scheduled),
            Event::Happening(number) => self.happen(number),
            Event::Over(number) => self.fault_over(number),
            Event::Reconnect(link) => self.reconnect(link, scheduled),
            Event::Scale(service) => self.scale(service),
            Event::Window => self.end_window(),
            Event::MeasureFrom => self.begin_measuring(),
            Event::MeasureTo => self.finish_measuring(),
            Event::Snapshot(_) => self.snapshot(),
            Event::Monitor(clock) => self.monitor_event(clock),
            Event::LoadEnds => {
                self.loading = false;
                self.end_if_idle();
            }
            Event::End => self.done = true,
        }
    }

    /// The run is over once nobody comes any more and nothing is in hand.
    pub(crate) fn end_if_idle(&mut self) {
        let is_idle = !self.loading && self.tasks.is_empty() && self.sessions.is_empty() && self.visits.is_empty();
        // Queries of processes that have died go on at the server.
        if is_idle
            && self.now >= self.model.measure_to
            && self.databases.iter().all(|database| database.orphans.is_empty())
        {
            self.done = true;
        }
    }

    /// A draw at a place of the program, for a task.
    pub(crate) fn draw(&mut self, task: u32, site: SiteId) -> f64 {
        let task = &self.tasks[task];
        self.sites.draw(site, task.key, task.iteration)
    }

    /// A length of time drawn at a place of the program.
    #[inline]
    pub(crate) fn draw_span(&mut self, task: u32, site: SiteId) -> SimSpan {
        let task = &self.tasks[task];
        self.sites.span(site, task.key, task.iteration)
    }

    /// Schedules the event that makes a task go on.
    pub(crate) fn schedule_task(&mut self, index: u32, at: SimTime) {
        let scheduled = self.events.schedule(at, Event::Task(index));
        self.tasks[index].scheduled = scheduled;
    }

    /// A task's time until now belongs to its stage; from now on it is in another one.
    pub(crate) fn enter(&mut self, index: u32, stage: Stage) {
        self.tasks[index].enter(self.now, stage, &mut self.record);
    }

    /// A task holds something from now on.
    pub(crate) fn hold(&mut self, index: u32, what: HeldWhat) {
        let resource = match what {
            HeldWhat::Slot(slots, _) => self.model.slots[slots as usize].resource,
            HeldWhat::Connection(pool, _) => self.model.pools[pool as usize].resource,
            HeldWhat::Job(queue) => self.model.queues[queue as usize].resource,
            HeldWhat::Server(pooler, _) => self.model.poolers[pooler as usize].resource,
            HeldWhat::Fetch(..) | HeldWhat::Memory(..) | HeldWhat::Spent => NO_RESOURCE,
        };
        let since = self.now;
        self.tasks[index].held.push(Held { what, since, resource });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64};

    use highwater_models::SimTime;
    use highwater_models::file::{NoFiles, Request, load_scenario};
    use highwater_workload::Key;

    use super::{Control, STANDSTILL, SimulationError, World};
    use highwater_program::compile::compile;

    // Lost if broken: a user who asks again and again without any time passing holds the run up for ever, because nothing
    // but who is ready at that instant goes on.
    #[test]
    fn a_session_that_takes_no_time_is_noticed() {
        let text = r#"
duration = "1h"
[load]
users = 1
[system.flow.one]
steps = [ { request = "job" } ]
[system.endpoint.job]
steps = [ { io = "0ms" } ]
"#;
        let loaded = load_scenario(Request::new("still", text), &NoFiles, |_| None);
        let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let model = compile(&plan);
        let mut world = World::new(&model, Key::root(1, 0), 0, false);
        world.begin();
        // As if it had gone on for long.
        world.at_this_instant = STANDSTILL - 1000;
        let (cancel, progress) = (AtomicBool::new(false), AtomicU64::new(0));
        let control = Control {
            cancel: &cancel,
            progress: &progress,
        };
        let result = world.run(&control);
        assert_eq!(result, Err(SimulationError::NoProgress { at: SimTime::ZERO }));
    }
}
