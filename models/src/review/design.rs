//! A system as the rules look at it: how many of each thing there can be, and what they can do at most.
//!
//! Owns: [`Design`]: instances, processes, cores and memory; the walk through a request's steps.
//! Never: judging (that is the rules').

use std::cell::Cell;

use super::average::{mean, mean_or_zero};
use super::call::Call;
use super::traffic::Traffic;
use crate::catalogue::{self, DatabasePlan, WebPlan};
use crate::file::step::Step;
use crate::file::system::{Runtime, Service};
use crate::file::{Edition, Name, Scenario, System};

/// What is reviewed, with what the rules ask for again and again.
pub(super) struct Design<'a> {
    pub(super) system: &'a System,
    pub(super) scenario: Option<&'a Scenario>,
    pub(super) edition: &'static catalogue::Edition,
    /// Every call of a model in the steps of some endpoint.
    pub(super) calls: Vec<Call<'a>>,
    pub(super) traffic: Traffic<'a>,
    /// Steps that the walk under way may still see.
    left: Cell<u32>,
}

/// Steps of one request that are looked at. Endpoints that call endpoints that call endpoints unfold to more than anybody
/// could wait for; what lies beyond changes no advice.
const STEPS_MOST: u32 = 20_000;

/// Where a step stands among the steps of a request.
#[derive(Copy, Clone)]
pub(super) struct Place<'a> {
    /// How often it runs in one request, on average.
    pub(super) times: f64,
    /// Whether it runs only when a cache does not have the key.
    pub(super) is_miss: bool,
    /// Whether the answer does not wait for it.
    pub(super) is_later: bool,
    /// The pool whose connection is held around it.
    pub(super) held: Option<&'a str>,
    /// The endpoint whose steps it is among.
    pub(super) endpoint: &'a str,
    /// The service that runs it.
    pub(super) service: Option<&'a str>,
    /// Attempts that steps around it make when it fails.
    pub(super) attempts: f64,
}

/// What an instance's CPU shows when its event loops are as busy as they can be.
pub(super) struct Reading {
    /// Cores of an instance.
    pub(super) cores: f64,
    /// Event loops of an instance.
    pub(super) processes: u32,
    /// Work off the loop for each second on it.
    pub(super) beside: f64,
    /// The most that a monitor can read, as a share of the plan.
    pub(super) most: f64,
}

impl Reading {
    /// How far above the mean a mix of requests with more work off the loop may take the reading for a while.
    const MIX: f64 = 1.1;

    /// How much more than [`Reading::most`] may be read when more of those come who bring work off the loop.
    pub(super) fn slack(&self) -> f64 {
        if self.beside > 0.0 { Self::MIX } else { 1.0 }
    }

    /// Whether no reading is above the threshold.
    pub(super) fn never_above(&self, threshold: f64) -> bool {
        threshold >= (self.most * self.slack()).min(1.0)
    }

    /// `1 event loop of 2 cores: the CPU shows 50 % at most`, with the work off the loop where there is some.
    pub(super) fn text(&self) -> String {
        let beside = if self.beside > 0.0 {
            format!(
                ", and {} s of work off the loop for each second on it",
                crate::units::show_number(self.beside)
            )
        } else {
            String::new()
        };
        format!(
            "{} of {} cores{beside}: the CPU shows {} at most",
            super::words::many(u64::from(self.processes), "event loop", "event loops"),
            crate::units::show_number(self.cores),
            crate::units::show_share(self.most)
        )
    }
}

impl<'a> Design<'a> {
    pub(super) fn new(system: &'a System, scenario: Option<&'a Scenario>) -> Self {
        let mut design = Self {
            system,
            scenario,
            edition: edition(&system.catalogue),
            calls: Vec::new(),
            traffic: Traffic::default(),
            left: Cell::new(0),
        };
        design.calls = Call::all(&design);
        design.traffic = Traffic::of(&design);
        design
    }

    pub(super) fn service(&self, name: Option<&Name>) -> Option<(&'a str, &'a Service)> {
        self.service_called(name?.as_str())
    }

    pub(super) fn service_called(&self, name: &str) -> Option<(&'a str, &'a Service)> {
        let mut services = self.system.service.iter();
        services
            .find(|(other, _)| other.as_str() == name)
            .map(|(name, service)| (name.as_str(), service))
    }

    pub(super) fn web_plan(&self, service: &Service) -> Option<&'static WebPlan> {
        self.edition.web_plan(service.plan.as_ref()?.as_str())
    }

    pub(super) fn database_plan(&self, plan: Option<&Name>) -> Option<&'static DatabasePlan> {
        self.edition.database_plan(plan?.as_str())
    }

    /// Cores of an instance, where there is a limit.
    pub(super) fn cores(&self, service: &Service) -> Option<f64> {
        service
            .cores
            .or_else(|| self.web_plan(service).map(|plan| plan.cores.value))
    }

    /// Whether requests go through one event loop in each process.
    pub(super) fn is_node(service: &Service) -> bool {
        match service.runtime {
            Some(runtime) => runtime == Runtime::Node,
            None => service.plan.is_some(),
        }
    }

    /// Memory at which an instance is killed, in bytes.
    pub(super) fn memory(&self, service: &Service) -> Option<f64> {
        let given = service.memory.limit.map(|limit| limit.get() as f64);
        given.or_else(|| self.web_plan(service).map(|plan| plan.memory.value as f64))
    }

    /// Heap at which a process ends itself, in bytes.
    pub(super) fn heap(&self, service: &Service) -> Option<f64> {
        const MOST: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;
        if let Some(heap) = service.memory.heap {
            return Some(heap.get() as f64);
        }
        if !Self::is_node(service) {
            return None;
        }
        self.memory(service).map(|limit| (limit / 2.0).min(MOST))
    }

    /// The most instances that can run at once, deploys apart.
    pub(super) fn instances_most(service: &Service) -> u64 {
        if service.scaling.on {
            u64::from(service.scaling.max.max(service.instances))
        } else {
            u64::from(service.instances)
        }
    }

    /// The most processes that can run at once: each has its own pools, queues and limiters. One where there is no
    /// service.
    pub(super) fn processes_most(&self, service: Option<&Name>) -> u64 {
        self.service(service).map_or(1, |(_, service)| {
            Self::instances_most(service) * u64::from(service.processes)
        })
    }

    /// `10 instances`, `10 instances x 2 processes`, as arithmetic.
    pub(super) fn times_text(&self, service: Option<&Name>) -> String {
        use super::words::many;
        let Some((_, service)) = self.service(service) else {
            return "1 process".to_owned();
        };
        let instances = many(Self::instances_most(service), "instance", "instances");
        if service.processes == 1 {
            return instances;
        }
        let processes = many(u64::from(service.processes), "process", "processes");
        format!("{instances} x {processes}")
    }

    /// What the service's CPU can show at most. `None` where there is no limit, or no event loop that could keep the
    /// CPU from being used.
    pub(super) fn cpu_reading(&self, name: &str, service: &Service) -> Option<Reading> {
        let cores = self.cores(service)?;
        if !Self::is_node(service) {
            return None;
        }
        let (on_loop, beside) = self.traffic.cpu_of(name);
        let beside = if on_loop > 0.0 { beside / on_loop } else { 0.0 };
        let loops = f64::from(service.processes).min(cores);
        Some(Reading {
            cores,
            processes: service.processes,
            beside,
            most: (loops * (1.0 + beside) / cores).min(1.0),
        })
    }

    /// Every step of a request, those of calls and of the service's `before` among them.
    pub(super) fn walk_request(&self, endpoint: &'a str, see: &mut dyn FnMut(&'a Step, Place<'a>)) {
        self.left.set(STEPS_MOST);
        self.walk_endpoint(endpoint, 1.0, 1.0, see);
    }

    /// Whether one more step may be looked at.
    fn may_go_on(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }

    fn walk_endpoint(&self, name: &'a str, times: f64, attempts: f64, see: &mut dyn FnMut(&'a Step, Place<'a>)) {
        let Some(endpoint) = self.system.endpoint.get(name) else {
            return;
        };
        let service = self.service(endpoint.service.as_ref());
        let place = Place {
            times,
            is_miss: false,
            is_later: false,
            held: None,
            endpoint: name,
            service: service.map(|(name, _)| name),
            attempts,
        };
        if let Some((_, service)) = service.filter(|_| endpoint.before) {
            self.walk(&service.before, place, see);
        }
        self.walk(&endpoint.steps, place, see);
    }

    fn walk(&self, steps: &'a [Step], place: Place<'a>, see: &mut dyn FnMut(&'a Step, Place<'a>)) {
        for step in steps {
            if !self.may_go_on() {
                return;
            }
            see(step, place);
            match step {
                Step::Hold(hold) => hold.steps.iter().for_each(|steps| self.walk(steps, place, see)),
                Step::Take(take) => take.steps.iter().for_each(|steps| self.walk(steps, place, see)),
                Step::Transaction(transaction) => {
                    let held = transaction.pool.as_ref().map(Name::as_str).or(place.held);
                    self.walk(&transaction.steps, Place { held, ..place }, see);
                }
                Step::Cache(cache) => self.walk(&cache.miss, Place { is_miss: true, ..place }, see),
                Step::Parallel(lists) => lists.iter().for_each(|list| self.walk(list, place, see)),
                Step::Choose(branches) => {
                    let weights: f64 = branches.iter().map(|branch| branch.weight).sum();
                    for branch in branches {
                        let share = if weights > 0.0 { branch.weight / weights } else { 0.0 };
                        let place = Place {
                            times: place.times * share,
                            ..place
                        };
                        self.walk(&branch.steps, place, see);
                    }
                }
                Step::Repeat(repeat) => {
                    let place = Place {
                        times: place.times * mean(&repeat.times).unwrap_or(1.0),
                        ..place
                    };
                    self.walk(&repeat.steps, place, see);
                }
                Step::Retry(retry) => {
                    let attempts = place.attempts * (f64::from(retry.retry.max) + 1.0);
                    self.walk(&retry.steps, Place { attempts, ..place }, see);
                }
                Step::Feature(feature) => self.walk(&feature.steps, place, see),
                Step::Later(later) => {
                    let service = later.service.as_ref().map(Name::as_str).or(place.service);
                    let place = Place {
                        is_later: true,
                        service,
                        ..place
                    };
                    self.walk(&later.steps, place, see);
                }
                Step::Call(call) if call.endpoint.as_str() != place.endpoint => {
                    self.walk_endpoint(call.endpoint.as_str(), place.times, place.attempts, see);
                }
                _ => {}
            }
        }
    }

    /// How long a request takes on average when nobody else is there and every cache has what is asked for, in seconds.
    pub(super) fn ideal(&self, endpoint: &'a str) -> f64 {
        self.left.set(STEPS_MOST);
        self.ideal_request(endpoint)
    }

    fn ideal_request(&self, endpoint: &'a str) -> f64 {
        let Some(found) = self.system.endpoint.get(endpoint) else {
            return 0.0;
        };
        let before = self
            .service(found.service.as_ref())
            .filter(|_| found.before)
            .map_or(0.0, |(_, service)| self.ideal_steps(&service.before));
        before + self.ideal_steps(&found.steps)
    }

    fn ideal_steps(&self, steps: &'a [Step]) -> f64 {
        let mut total = 0.0;
        for step in steps {
            if !self.may_go_on() {
                break;
            }
            total += self.ideal_step(step);
        }
        total
    }

    fn ideal_step(&self, step: &'a Step) -> f64 {
        match step {
            Step::Cpu(time) | Step::Work(time) | Step::Io(time) => mean_or_zero(time),
            Step::Hold(hold) => hold.steps.as_ref().map_or(0.0, |steps| self.ideal_steps(steps)),
            Step::Take(take) => {
                let held = take.r#for.as_ref().map_or(0.0, mean_or_zero);
                held + take.steps.as_ref().map_or(0.0, |steps| self.ideal_steps(steps))
            }
            Step::Query(query) => f64::from(query.times) * self.query_seconds(query),
            Step::Transaction(transaction) => self.ideal_steps(&transaction.steps),
            Step::Cache(cache) => {
                let cache = cache
                    .cache
                    .as_ref()
                    .and_then(|name| self.system.cache.get(name.as_str()));
                cache.map_or(0.0, |cache| mean_or_zero(&cache.rtt))
            }
            Step::Llm(_) | Step::Transcribe(_) => Call::of_step(self, step).map_or(0.0, |call| call.seconds),
            Step::Call(call) => self.ideal_request(call.endpoint.as_str()),
            Step::Parallel(lists) => lists.iter().map(|list| self.ideal_steps(list)).fold(0.0, f64::max),
            Step::Choose(branches) => {
                let weights: f64 = branches.iter().map(|branch| branch.weight).sum();
                let times = branches
                    .iter()
                    .map(|branch| branch.weight / weights.max(f64::MIN_POSITIVE) * self.ideal_steps(&branch.steps));
                times.sum()
            }
            Step::Repeat(repeat) => mean(&repeat.times).unwrap_or(1.0) * self.ideal_steps(&repeat.steps),
            Step::Retry(retry) => self.ideal_steps(&retry.steps),
            Step::Feature(feature) => self.ideal_steps(&feature.steps),
            Step::Limit(_) | Step::Fail(_) | Step::Later(_) => 0.0,
        }
    }

    /// One query on an idle server, in seconds.
    pub(super) fn query_seconds(&self, query: &crate::file::step::QueryStep) -> f64 {
        let database = self.database_behind(query.pool.as_ref());
        let rtt = database.map_or(0.0, |database| mean_or_zero(&database.rtt));
        let kind = query.kind.as_ref().and_then(|kind| database?.query.get(kind.as_str()));
        let own = |quantity: &Option<crate::file::Quantity>| quantity.as_ref().map_or(0.0, mean_or_zero);
        let kinds = kind.map_or(0.0, |kind| mean_or_zero(&kind.cpu) + mean_or_zero(&kind.wait));
        rtt + kinds + own(&query.cpu) + own(&query.wait)
    }

    fn database_behind(&self, pool: Option<&Name>) -> Option<&'a crate::file::system::Database> {
        let pool = self.system.pool.get(pool?.as_str())?;
        let behind = pool.database.as_ref()?.as_str();
        let database = match self.system.pooler.get(behind) {
            Some(pooler) => pooler.database.as_str(),
            None => behind,
        };
        self.system.database.get(database)
    }

    /// The shortest time that a client waits, and which client.
    pub(super) fn impatient_client(&self) -> Option<(&'a str, f64)> {
        let clients = self.system.client.iter().filter(|(name, _)| self.is_client_used(name));
        let limits = clients.filter_map(|(name, client)| {
            let patience = client.patience.as_ref().and_then(mean);
            let timeout = client.timeout.map(|timeout| timeout.seconds());
            let limit = match (patience, timeout) {
                (Some(patience), Some(timeout)) => patience.min(timeout),
                (one, other) => one.or(other)?,
            };
            Some((name.as_str(), limit))
        });
        limits.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether some traffic comes from that client; all do where no scenario says.
    pub(super) fn is_client_used(&self, name: &Name) -> bool {
        self.scenario.is_none_or(|scenario| {
            scenario
                .streams()
                .any(|(_, load)| load.client.as_ref().is_none_or(|client| client == name))
        })
    }
}

/// The edition that held on the day that the system names.
fn edition(named: &Edition) -> &'static catalogue::Edition {
    match named {
        Edition::Latest => catalogue::Edition::latest(),
        Edition::Dated { year, month, day, .. } => {
            let day = format!("{year:04}-{month:02}-{day:02}");
            let held = |edition: &&catalogue::Edition| edition.date() <= day.as_str();
            let editions = catalogue::Edition::all();
            editions.iter().rev().find(held).unwrap_or(&editions[0])
        }
    }
}
