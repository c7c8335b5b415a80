//! From a checked plan to the tables that a replication runs.
//!
//! Owns: the order in which the tables are filled, the numbers of draws and stages.
//! Never: checks (a plan has passed them all), anything that happens during a run.

mod degradation;
mod events;
mod flows;
mod limits;
mod llm;
mod memory;
mod money;
mod monitoring;
mod poolers;
mod population;
mod program;
mod resources;
mod servers;
mod services;
mod traffic;

use highwater_models::catalogue;
use highwater_models::file::scenario::MeasureFrom;
use highwater_models::file::{Law, Name, Plan, Quantity, Scenario, System, system};
use highwater_models::{SimSpan, SimTime};
use highwater_workload::Sampler;
use rustc_hash::FxHashMap;

use self::llm::Role;
use crate::model::{Model, Site, SiteId, Stage};

pub(crate) use self::events::later_settings;

/// Turns a plan into a model. Parts of it that are not simulated are named in [`Model::not_simulated`].
#[must_use]
pub fn compile(plan: &Plan) -> Model {
    compile_parts(&plan.scenario, &plan.system, None)
}

/// The same of a scenario and its system. `models` names the models of each provider, in an order that variants of one
/// plan share; without it each has those of its own.
#[must_use]
pub(crate) fn compile_parts(scenario: &Scenario, system: &System, models: Option<&[Vec<String>]>) -> Model {
    let mut compiler = Compiler::new(scenario, system, models);
    compiler.measure();
    compiler.classes_and_features();
    compiler.resources();
    compiler.endpoints();
    compiler.flows();
    compiler.clients();
    compiler.sources();
    compiler.degradation();
    compiler.money();
    compiler.monitoring();
    compiler.memory();
    compiler.events();
    compiler.find_open_services();
    compiler.find_strangers();
    compiler.left_out();
    compiler.model
}

/// What a name that steps take slots from stands for. A name without one is switched off.
#[derive(Copy, Clone, Debug)]
enum Taken {
    /// Plain slots.
    Slots(u16),
    /// Connections.
    Pool(u16),
    /// Jobs.
    Queue(u16),
}

struct Compiler<'p> {
    scenario: &'p Scenario,
    system: &'p System,
    edition: &'static catalogue::Edition,
    /// Names of each provider's models, where they are given.
    models: Option<&'p [Vec<String>]>,
    model: Model,
    /// Draws by the number of their place.
    places: FxHashMap<u64, SiteId>,
    /// Pools and queues that are on.
    taken: FxHashMap<&'p str, Taken>,
    /// Limiters that are on.
    limiters: FxHashMap<&'p str, u16>,
    /// Slots for work off the loop, by service.
    threads: Vec<Option<u16>>,
    /// Requests of several endpoints.
    batches: FxHashMap<Vec<u16>, u16>,
    /// Flows of one request, as a trace asks for them.
    single: FxHashMap<u16, u16>,
    /// Length of the run, also where only some of its days are run.
    whole: SimTime,
    /// The phase that streams without phases share.
    whole_phase: Option<u16>,
    /// Calls made so far: by number, the provider, the role that the step names, and where it stands.
    roles: Vec<Role<'p>>,
    /// Depth of what is held, and of loops and retries, where the program is being written.
    held: usize,
    frames: usize,
}

impl<'p> Compiler<'p> {
    fn new(scenario: &'p Scenario, system: &'p System, models: Option<&'p [Vec<String>]>) -> Self {
        let mut compiler = Self {
            scenario,
            system,
            edition: catalogue::Edition::of(&system.catalogue).unwrap_or_else(catalogue::Edition::latest),
            models,
            model: Model::default(),
            places: FxHashMap::default(),
            taken: FxHashMap::default(),
            limiters: FxHashMap::default(),
            threads: Vec::new(),
            batches: FxHashMap::default(),
            single: FxHashMap::default(),
            whole: SimTime::ZERO,
            whole_phase: None,
            roles: Vec::new(),
            held: 0,
            frames: 0,
        };
        for name in ["client", "backoff", "io"] {
            compiler.stage(name, None);
        }
        compiler
    }

    /// Duration, what is measured, and when.
    fn measure(&mut self) {
        let measure = &self.scenario.measure;
        let duration = self.scenario.duration.unwrap_or(SimSpan::ZERO);
        let model = &mut self.model;
        self.whole = SimTime::ZERO + duration;
        model.duration = self.whole;
        self.population();
        let model = &mut self.model;
        let duration = model.duration - SimTime::ZERO;
        model.end = model.duration + self.scenario.drain;
        model.measure_from = match measure.from {
            MeasureFrom::At(from) => SimTime::ZERO + from,
            // Where the warm-up ends is seen in a pilot: see `warm_up`.
            MeasureFrom::Auto => SimTime::ZERO,
        };
        model.measure_to = measure.to.map_or(model.duration, |to| SimTime::ZERO + to);
        model.window = measure.window.unwrap_or_else(|| window_of(duration));
        model.snapshots = measure.at.iter().map(|&at| SimTime::ZERO + at).collect();
        model.snapshots.sort();
        model.percentiles.clone_from(&measure.percentiles);
    }

    fn classes_and_features(&mut self) {
        let system = self.system;
        self.model.classes = system.class.iter().map(|(name, _)| name.text.clone()).collect();
        for (_, endpoint) in system.endpoint.iter() {
            endpoint.feature.iter().for_each(|name| {
                self.feature(name);
            });
        }
        for level in system.degradation.iter().flat_map(|degradation| &degradation.level) {
            for name in level.off.iter().chain(level.only.iter().flatten()) {
                self.feature(name);
            }
        }
    }

    /// The number of a feature.
    fn feature(&mut self, name: &Name) -> u16 {
        let known = self.model.features.iter().position(|known| *known == name.text);
        number(known.unwrap_or_else(|| {
            self.model.features.push(name.text.clone());
            self.model.features.len() - 1
        }))
    }

    /// The number of a class.
    fn class(&self, name: &Name) -> u8 {
        let index = self.system.class.index_of(&name.text).unwrap_or(0);
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// The number of the service that a part of the file belongs to: the only one, where there is no choice.
    fn service_of(&self, name: Option<&Name>) -> u16 {
        number(
            name.and_then(|name| self.system.service.index_of(&name.text))
                .unwrap_or(0),
        )
    }

    /// A service as the file has it; `None` for the ideal one that stands in where there is none.
    fn file_service(&self, service: u16) -> Option<&'p system::Service> {
        let system: &'p System = self.system;
        system
            .service
            .iter()
            .nth(usize::from(service))
            .map(|(_, service)| service)
    }

    /// The stage of that name at that resource.
    fn stage(&mut self, name: &str, resource: Option<u16>) -> Stage {
        let model = &mut self.model;
        let known = model.stages.iter().zip(&model.stage_resource);
        let known = known
            .into_iter()
            .position(|(stage, at)| stage == name && *at == resource);
        number(known.unwrap_or_else(|| {
            model.stages.push(name.to_owned());
            model.stage_resource.push(resource);
            model.stages.len() - 1
        }))
    }

    /// The draw at a place. What stands at one place is one draw, however many programs it is part of.
    fn site(&mut self, place: &str, quantity: &Quantity) -> SiteId {
        let place = place_number(place);
        let sites = &mut self.model.sites;
        *self.places.entry(place).or_insert_with(|| {
            sites.push(Site {
                sampler: Sampler::new(quantity),
                place,
            });
            (sites.len() - 1) as SiteId
        })
    }

    /// The draw that is always zero.
    fn zero(&mut self) -> SiteId {
        self.site("zero", &Quantity::constant(0.0))
    }

    /// A longest wait: always the same, or drawn.
    fn patience(&mut self, place: &str, timeout: Option<&Quantity>) -> (SimSpan, Option<SiteId>) {
        match timeout {
            None => {
                // There is a place for the draw in any case, so that one kind may become another during a run.
                self.site(place, &Quantity::constant(0.0));
                (SimSpan::FOREVER, None)
            }
            Some(timeout) => {
                let site = self.site(place, timeout);
                match constant(timeout) {
                    Some(seconds) => (SimSpan::from_seconds(seconds), None),
                    None => (SimSpan::FOREVER, Some(site)),
                }
            }
        }
    }

    fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.model.not_simulated.contains(&text) {
            self.model.not_simulated.push(text);
        }
    }

    /// Names what is in the plan and not in the model.
    fn left_out(&mut self) {
        if self.scenario.measure.books {
            self.note("`measure.books`: the books are checked and not written to a file.");
        }
        let model = &self.model;
        let tables = [
            model.queries.len(),
            model.lookups.len(),
            model.calls.len(),
            model.choices.len(),
            model.forks.len(),
            model.retries.len(),
            model.stages.len(),
            model.endpoints.len(),
            model.flows.len(),
            model.phases.len(),
            model.clients.len(),
        ];
        if tables.iter().any(|&entries| entries > usize::from(u16::MAX)) {
            self.note("There are more than 65,535 things of one kind: those beyond are taken for the last one.");
        }
        if self.model.classes.len() > usize::from(u8::MAX) {
            self.note("There are more than 255 classes: those beyond are taken for the last one.");
        }
    }
}

/// The smallest of the usual lengths that makes at most 2,000 windows.
fn window_of(duration: SimSpan) -> SimSpan {
    const LENGTHS: [u64; 7] = [1, 5, 15, 60, 300, 900, 3600];
    const ROWS: f64 = 2000.0;
    let length = LENGTHS
        .into_iter()
        .find(|&length| duration.seconds() / length as f64 <= ROWS);
    SimSpan::from_secs(length.unwrap_or(3600))
}

/// The number of an entry of a table; tables beyond that many entries are named by [`Compiler::left_out`].
fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

/// The value of a quantity that is always the same.
fn constant(quantity: &Quantity) -> Option<f64> {
    matches!(quantity.law, Law::Constant(_))
        .then(|| quantity.mean())
        .flatten()
}

/// The number of a place: FNV-1a over 64 bits of its name, with the offset basis and the prime that its authors
/// publish. It is the same on every machine and does not change when other places come or go.
fn place_number(place: &str) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    place
        .bytes()
        .fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests;
