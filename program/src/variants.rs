//! A plan's model as settings change during a run.
//!
//! Owns: the base model, and each variant of it that is in force at some time in some replication, compiled when it is
//! first wanted and then shared by all. Whether a setting can change during a run at all.
//! Never: when a setting changes (that is the world's).
//!
//! A variant may differ from the base in figures only. Instructions, draws, stages, resources and all other tables keep
//! their numbers, so that whatever is in flight goes on under the new model where it was under the old.

use std::sync::OnceLock;

use highwater_models::file::{Diagnostic, Plan, Setting};
use highwater_models::{SimSpan, SimTime};

use crate::compile;
use crate::model::{FlowOp, Model, Op};

/// The models of a plan.
#[derive(Debug)]
pub struct Variants<'p> {
    plan: Option<&'p Plan>,
    base: Model,
    /// Every setting that an event changes, by number.
    settings: Vec<Setting>,
    /// Names of the models of each provider, over all variants.
    names: Vec<Vec<String>>,
    first: OnceLock<Box<Variant>>,
}

/// What is in force: numbers of settings, in the order in which they were changed.
pub type InForce = Vec<u16>;

/// A variant, and the one that was wanted after it.
#[derive(Debug)]
struct Variant {
    in_force: InForce,
    /// The model, or why there is none.
    model: Result<Model, String>,
    next: OnceLock<Box<Variant>>,
}

impl<'p> Variants<'p> {
    /// The models of a plan.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        let settings = compile::later_settings(&plan.scenario);
        let base = compile::compile(plan);
        let mut names: Vec<Vec<String>> = base
            .providers
            .iter()
            .map(|provider| provider.models.iter().map(|model| model.name.clone()).collect())
            .collect();
        let known: usize = names.iter().map(Vec::len).sum();
        for setting in &settings {
            if let Ok((scenario, system)) = plan.with_settings([setting]) {
                let changed = compile::compile_parts(&scenario, &system, None);
                let providers = changed.providers.iter().zip(system.provider.iter());
                for (names, (provider, (_, file))) in names.iter_mut().zip(providers) {
                    let used = file.r#use.iter().map(|(_, model)| &model.text);
                    for name in provider.models.iter().map(|model| &model.name).chain(used) {
                        if !names.contains(name) {
                            names.push(name.clone());
                        }
                    }
                }
            }
        }
        // Most plans change no model; theirs is compiled already.
        let base = if names.iter().map(Vec::len).sum::<usize>() == known {
            base
        } else {
            compile::compile_parts(&plan.scenario, &plan.system, Some(&names))
        };
        Self {
            plan: Some(plan),
            base,
            settings,
            names,
            first: OnceLock::new(),
        }
    }

    /// A model of which no setting changes.
    #[must_use]
    pub const fn fixed(base: Model) -> Self {
        Self {
            plan: None,
            base,
            settings: Vec::new(),
            names: Vec::new(),
            first: OnceLock::new(),
        }
    }

    /// The model at the start of a run.
    #[must_use]
    pub const fn base(&self) -> &Model {
        &self.base
    }

    /// Measures the model at the start from then on, its windows so long. For runs in which no setting changes.
    pub fn measure(&mut self, from: SimTime, window: SimSpan) {
        self.base.measure_from = from;
        self.base.window = window;
    }

    /// A setting by its number.
    #[must_use]
    pub fn setting(&self, number: u16) -> Option<&Setting> {
        self.settings.get(usize::from(number))
    }

    /// The model with these settings in force.
    ///
    /// # Errors
    /// Why they cannot be, in words to follow a colon.
    pub fn model(&self, in_force: &[u16]) -> Result<&Model, &str> {
        if in_force.is_empty() {
            return Ok(&self.base);
        }
        let mut at = &self.first;
        loop {
            let variant = at.get_or_init(|| {
                Box::new(Variant {
                    in_force: in_force.to_vec(),
                    model: self.make(in_force),
                    next: OnceLock::new(),
                })
            });
            if variant.in_force == in_force {
                return variant.model.as_ref().map_err(String::as_str);
            }
            at = &variant.next;
        }
    }

    fn make(&self, in_force: &[u16]) -> Result<Model, String> {
        let Some(plan) = self.plan else {
            return Err("this model is run without its files".to_owned());
        };
        let settings = in_force.iter().filter_map(|&number| self.setting(number));
        let (scenario, system) = plan
            .with_settings(settings)
            .map_err(|found| found.first().map_or_else(String::new, |first| first.message.clone()))?;
        let model = compile::compile_parts(&scenario, &system, Some(&self.names));
        same_layout(&self.base, &model)?;
        Ok(model)
    }

    /// The settings of events that cannot change during a run, each with the reason.
    #[must_use]
    pub fn check(&self) -> Vec<Diagnostic> {
        let fixed = |setting: &Setting| {
            let first = setting.path.first().map_or("", String::as_str);
            FIXED
                .contains(&first)
                .then(|| "it is fixed when a run starts".to_owned())
        };
        let mut found = Vec::new();
        for number in 0..self.settings.len() {
            let setting = &self.settings[number];
            let reason = fixed(setting).or_else(|| self.model(&[number as u16]).err().map(str::to_owned));
            if let Some(reason) = reason {
                let path = setting.text();
                let path = path.split(" = ").next().unwrap_or_default();
                let message = format!("`{path}` cannot change during a run: {reason}");
                let diagnostic = Diagnostic::error("event::fixed-setting", message, setting.at, "not by an event");
                found.push(diagnostic.help(
                    "change a figure that is there from the start, or put it into `[set]` and run the scenario twice",
                ));
            }
        }
        found
    }
}

/// Keys of the scenario that say what a run is and what is asked of it.
const FIXED: [&str; 12] = [
    "alerts",
    "catalogue",
    "drain",
    "duration",
    "event",
    "measure",
    "objectives",
    "precision",
    "replications",
    "seed",
    "system",
    "title",
];

/// The mistakes of a plan that only its model shows: settings of events that cannot change during a run.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Diagnostic> {
    if compile::later_settings(&plan.scenario).is_empty() {
        return Vec::new();
    }
    Variants::new(plan).check()
}

/// Whether two models differ in figures only; else what else they differ in.
fn same_layout(one: &Model, two: &Model) -> Result<(), String> {
    const PARTS: &str = "it adds or removes a part of the system, or moves it";
    let reasons = [
        (
            same_times(one, two),
            "the length of a run and what is measured are fixed when it starts",
        ),
        (same_resources(one, two), PARTS),
        (
            same_steps(one, two),
            "it adds or removes steps, or work where there was none",
        ),
        (same_things(one, two), PARTS),
        (
            same_people(one, two),
            "it adds or removes streams, phases, classes or clients",
        ),
    ];
    match reasons.into_iter().find(|(same, _)| !same) {
        Some((_, reason)) => Err(reason.to_owned()),
        None => Ok(()),
    }
}

fn same_times(one: &Model, two: &Model) -> bool {
    (one.duration, one.end, one.measure_from, one.measure_to, one.window)
        == (two.duration, two.end, two.measure_from, two.measure_to, two.window)
        && one.snapshots == two.snapshots
        && one.percentiles == two.percentiles
}

/// Whether two tables have as many entries, each alike in what counts.
fn alike<T, K: PartialEq>(one: &[T], two: &[T], key: impl Fn(&T) -> K) -> bool {
    one.len() == two.len() && one.iter().zip(two).all(|(one, two)| key(one) == key(two))
}

fn same_resources(one: &Model, two: &Model) -> bool {
    alike(&one.resources, &two.resources, |it| {
        (it.name.clone(), it.kind, it.service)
    })
}

fn same_things(one: &Model, two: &Model) -> bool {
    one.stages == two.stages
        && one.stage_resource == two.stage_resource
        && alike(&one.services, &two.services, |it| {
            let lists = (
                it.slots.clone(),
                it.pools.clone(),
                it.queues.clone(),
                it.limiters.clone(),
            );
            (it.resource, it.runtime, it.wait_stage, it.cpu_stage, lists)
        })
        && alike(&one.slots, &two.slots, |it| {
            (it.resource, it.wait_stage, it.local, it.cause)
        })
        && alike(&one.pools, &two.pools, |it| {
            let stages = (it.wait_stage, it.connect_stage);
            (it.resource, it.database, it.pooler, it.local, it.on_loop, stages)
        })
        && alike(&one.queues, &two.queues, |it| (it.resource, it.wait_stage, it.local))
        && alike(&one.limiters, &two.limiters, |it| {
            (it.resource, it.shared, it.stage, it.local)
        })
        && alike(&one.databases, &two.databases, |it| (it.resource, it.stage))
        && alike(&one.caches, &two.caches, |it| (it.resource, it.stage, it.rtt))
        && alike(&one.entries, &two.entries, |it| (it.name.clone(), it.cache))
        && alike(&one.providers, &two.providers, |it| {
            let names: Vec<String> = it.models.iter().map(|model| model.name.clone()).collect();
            (it.resource, it.stage, names)
        })
        && alike(&one.poolers, &two.poolers, |it| {
            (it.resource, it.database, it.by_session, it.wait_stage)
        })
        && alike(one.degradation.as_slice(), two.degradation.as_slice(), |it| {
            (it.service, it.levels.clone(), it.calls.clone())
        })
        && alike(one.monitoring.as_slice(), two.monitoring.as_slice(), |it| {
            (it.rules.len(), it.channels.len())
        })
        && one.query_kinds == two.query_kinds
        && one.features == two.features
}

fn same_people(one: &Model, two: &Model) -> bool {
    alike(&one.sources, &two.sources, |it| {
        let kind = std::mem::discriminant(&it.coming);
        (it.name.clone(), kind, it.first_phase, it.phase_ends.len(), it.people_of)
    }) && one.phases == two.phases
        && one.classes == two.classes
        && alike(&one.clients, &two.clients, |it| {
            (it.patience.is_some(), it.resend.is_some())
        })
        && alike(&one.happenings, &two.happenings, |it| std::mem::discriminant(&it.what))
}

fn same_steps(one: &Model, two: &Model) -> bool {
    alike(&one.ops, &two.ops, |op| shape(*op))
        && alike::<FlowOp, FlowOp>(&one.flow_ops, &two.flow_ops, |op| *op)
        && alike(&one.sites, &two.sites, |site| site.place)
        && alike(&one.endpoints, &two.endpoints, |it| {
            (it.name.clone(), it.service, it.start, it.feature)
        })
        && alike(&one.flows, &two.flows, |it| it.start)
        && alike(&one.choices, &two.choices, |it| {
            let ways: Vec<_> = it.branches.iter().map(|&(_, class, to)| (class, to)).collect();
            (ways, it.after, it.place)
        })
        && alike(&one.forks, &two.forks, |it| it.branches.clone())
        && alike(&one.retries, &two.retries, |it| it.place)
        && alike(&one.queries, &two.queries, |it| {
            (it.database, it.cpu, it.wait, it.rtt, it.kind)
        })
        && alike(&one.lookups, &two.lookups, |it| {
            (it.cache, it.entry, it.rtt, it.store_rtt, it.place)
        })
        && alike(&one.calls, &two.calls, |it| {
            let sites = (
                it.prompt,
                it.answer,
                it.first,
                it.chunk_cpu,
                it.chance,
                it.start,
                it.reply,
            );
            (it.provider, it.stream, it.audio, sites)
        })
}

/// An instruction without its figures.
fn shape(op: Op) -> Op {
    match op {
        Op::Hold { kept, on_heap, .. } => Op::Hold {
            bytes: 0,
            kept,
            on_heap,
        },
        Op::Drop { .. } => Op::Drop { bytes: 0 },
        Op::Fail { site, .. } => Op::Fail {
            site,
            share: 0.0,
            cause: highwater_models::Cause::UpstreamError,
        },
        op => op,
    }
}
