//! What a reading of a system can come to at most, without running it: whether a rule of monitoring can fire at all.
//!
//! Owns: the arithmetic, and its sentence. Faults that a scenario brings are not looked at; only a deploy, which doubles
//! what each process holds, is.
//! Never: readings (`watch`), whether a rule did fire.

use crate::catalogue::Edition;
use crate::file::Name;
use crate::file::step::Step;
use crate::file::system::{AlertLevel, AlertRule, Channel, Database, Pool, Runtime, Service, System};
use crate::money::ModelTariff;
use crate::watch::{Part, Reading, Watch};

#[cfg(test)]
mod tests;

/// The most that a reading can come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// The most, outside a deploy; infinite where nothing bounds it.
    pub most: f64,
    /// The most while two generations of instances run side by side.
    pub most_in_deploy: f64,
    /// The sum behind it, in words; empty where nothing bounds it.
    pub why: String,
}

impl Reach {
    const fn unbounded() -> Self {
        Self {
            most: f64::INFINITY,
            most_in_deploy: f64::INFINITY,
            why: String::new(),
        }
    }

    fn exactly(most: f64, why: impl Into<String>) -> Self {
        Self {
            most,
            most_in_deploy: most,
            why: why.into(),
        }
    }
}

/// Whether a rule can fire.
#[derive(Clone, Debug, PartialEq)]
pub enum CanFire {
    /// Nothing speaks against it.
    Yes,
    /// Only while a deploy runs; with the reason.
    OnlyInDeploy(String),
    /// Never; with the reason.
    Never(String),
}

/// Whether a rule of a system can fire. A path that is not one is for the checks to find.
#[must_use]
pub fn can_fire(system: &System, rule: &AlertRule) -> CanFire {
    let Some(watch) = Watch::of(rule.watch.as_str(), system) else {
        return CanFire::Yes;
    };
    if let Some(below) = rule.below {
        return if below <= 0.0 {
            CanFire::Never(format!("`{}` is never below 0", rule.watch))
        } else {
            CanFire::Yes
        };
    }
    let Some(above) = rule.above else { return CanFire::Yes };
    let reach = reach(system, &watch);
    let said = |most: f64| format!("`{}` is at most {}: {}", rule.watch, plain(most), reach.why);
    if reach.most > above {
        CanFire::Yes
    } else if reach.most_in_deploy > above {
        CanFire::OnlyInDeploy(said(reach.most))
    } else {
        CanFire::Never(said(reach.most_in_deploy))
    }
}

/// Why a channel never carries anything; `None` where it may.
#[must_use]
pub fn silent(channel: &Channel, rules: &[(&Name, &AlertRule)]) -> Option<String> {
    if rules.iter().any(|(_, rule)| channel.levels.contains(&rule.level)) {
        return None;
    }
    let levels: Vec<&str> = channel.levels.iter().map(|level| level_name(*level)).collect();
    Some(if levels.is_empty() {
        "it carries no level".to_owned()
    } else {
        format!("no rule is of level {}", levels.join(" or "))
    })
}

/// The name of a level as in files.
#[must_use]
pub const fn level_name(level: AlertLevel) -> &'static str {
    match level {
        AlertLevel::Info => "info",
        AlertLevel::Warning => "warning",
        AlertLevel::Critical => "critical",
    }
}

/// The most that a reading can come to.
#[must_use]
pub fn reach(system: &System, watch: &Watch) -> Reach {
    let name = watch.name();
    match (watch.part.as_ref().map(|(part, _)| *part), watch.reading) {
        (None, Reading::ErrorsRate) => Reach::exactly(1.0, "a share of all requests"),
        (Some(Part::Service), Reading::Cpu | Reading::Utilization) => cpu(system, name),
        (Some(Part::Service), Reading::Memory) => memory(system, name),
        (Some(Part::Service), Reading::Instances) => instances(system, name),
        (Some(Part::Pool), reading) => pool(system, name, reading),
        (Some(Part::Queue), reading) => queue(system, name, reading),
        (Some(Part::Database), Reading::Connections) => connections(system, name),
        (Some(_), Reading::Cpu | Reading::Utilization | Reading::Errors) => Reach::exactly(1.0, "a share of the whole"),
        (Some(Part::Provider), Reading::InFlight) => {
            let most = system.provider.get(name).and_then(|provider| provider.concurrent);
            most.map_or(Reach::unbounded(), |most| {
                Reach::exactly(f64::from(most), "the provider takes so many calls at once")
            })
        }
        (Some(Part::Provider), Reading::CostToday) => cost(system, name),
        _ => Reach::unbounded(),
    }
}

fn edition(system: &System) -> &'static Edition {
    Edition::of(&system.catalogue).unwrap_or_else(Edition::latest)
}

/// The service that a part of the file belongs to; `None` for the ideal one of a system without any.
fn service_of<'s>(system: &'s System, name: Option<&Name>) -> Option<&'s Service> {
    match name {
        Some(name) => system.service.get(name.as_str()),
        None if system.service.len() == 1 => system.service.iter().next().map(|(_, service)| service),
        None => None,
    }
}

fn most_instances(service: Option<&Service>) -> u32 {
    service.map_or(1, |service| {
        let scaled = if service.scaling.on { service.scaling.max } else { 0 };
        service.instances.max(scaled)
    })
}

/// Each process's share times processes, with the sum in words.
fn per_process(service: Option<&Service>, each: u32, what: &str) -> Reach {
    let (instances, processes) = (most_instances(service), service.map_or(1, |service| service.processes));
    let all = f64::from(instances) * f64::from(processes);
    let most = f64::from(each) * all;
    Reach {
        most,
        most_in_deploy: 2.0 * most,
        why: format!(
            "{} of {each} {what}",
            if all == 1.0 {
                "1 process".to_owned()
            } else {
                format!("{} processes", plain(all))
            }
        ),
    }
}

fn cpu(system: &System, name: &str) -> Reach {
    let Some(service) = system.service.get(name) else {
        return Reach::unbounded();
    };
    let plan = service
        .plan
        .as_ref()
        .and_then(|plan| edition(system).web_plan(plan.as_str()));
    let cores = service.cores.or(plan.map(|plan| plan.cores.value));
    let ideal = match service.runtime {
        Some(runtime) => runtime == Runtime::Ideal,
        None => service.plan.is_none(),
    };
    let (Some(cores), false) = (cores, ideal) else {
        return Reach::exactly(0.0, "it has no CPU limit, so there is no share of it");
    };
    let node = service.runtime.is_none_or(|runtime| runtime == Runtime::Node);
    if !node {
        return Reach::exactly(1.0, "a share of its cores");
    }
    let processes = f64::from(service.processes);
    let threads = if has_work(system, name) {
        processes * f64::from(service.threads)
    } else {
        0.0
    };
    let runs = processes + threads;
    if runs >= cores {
        return Reach::exactly(1.0, "a share of its cores");
    }
    let why = format!(
        "{} on {} cores, one core each",
        if runs == 1.0 {
            "one event loop".to_owned()
        } else {
            format!("{} event loops and threads", plain(runs))
        },
        plain(cores)
    );
    Reach::exactly(runs / cores, why)
}

fn memory(system: &System, name: &str) -> Reach {
    let Some(service) = system.service.get(name) else {
        return Reach::unbounded();
    };
    let plan = service
        .plan
        .as_ref()
        .and_then(|plan| edition(system).web_plan(plan.as_str()));
    if service.memory.limit.is_none() && plan.is_none() {
        return Reach::exactly(0.0, "it has no memory limit, so there is no share of it");
    }
    Reach::exactly(1.0, "an instance above its limit is killed")
}

fn instances(system: &System, name: &str) -> Reach {
    let most = f64::from(most_instances(system.service.get(name)));
    Reach {
        most,
        most_in_deploy: 2.0 * most,
        why: "no more are started".to_owned(),
    }
}

fn pool(system: &System, name: &str, reading: Reading) -> Reach {
    let Some(pool) = system.pool.get(name) else {
        return Reach::unbounded();
    };
    let service = service_of(system, pool.service.as_ref());
    match reading {
        _ if !pool.on => Reach::exactly(0.0, "it is switched off"),
        Reading::Utilization => Reach::exactly(1.0, "a share of its slots"),
        Reading::Busy | Reading::Connections => per_process(service, pool.max, "slots"),
        Reading::Waiting => waiting(service, pool.waiters),
        _ => Reach::unbounded(),
    }
}

fn queue(system: &System, name: &str, reading: Reading) -> Reach {
    let Some(queue) = system.queue.get(name) else {
        return Reach::unbounded();
    };
    let service = service_of(system, queue.service.as_ref());
    match (reading, queue.concurrency) {
        _ if !queue.on => Reach::exactly(0.0, "it is switched off"),
        (Reading::Utilization, Some(_)) => Reach::exactly(1.0, "a share of its slots"),
        (Reading::Utilization, None) => Reach::exactly(0.0, "it has no bound to be a share of"),
        (Reading::Busy, Some(slots)) => per_process(service, slots, "slots"),
        (Reading::Waiting, _) => waiting(service, queue.waiters),
        _ => Reach::unbounded(),
    }
}

fn waiting(service: Option<&Service>, waiters: Option<u32>) -> Reach {
    waiters.map_or(Reach::unbounded(), |waiters| {
        per_process(service, waiters, "places in the line")
    })
}

/// Connections at a database: what all pools may open, and what the server takes.
fn connections(system: &System, name: &str) -> Reach {
    let Some(database) = system.database.get(name) else {
        return Reach::unbounded();
    };
    let mut sums = Vec::new();
    let (mut most, mut in_deploy) = (0.0, 0.0);
    let mut add = |reach: Reach| {
        most += reach.most;
        in_deploy += reach.most_in_deploy;
        sums.push(reach.why);
    };
    let ours = |pool: &Pool, to: &str| pool.on && pool.database.as_ref().is_some_and(|at| at.as_str() == to);
    for (_, pool) in system.pool.iter().filter(|(_, pool)| ours(pool, name)) {
        add(per_process(
            service_of(system, pool.service.as_ref()),
            pool.max,
            "connections",
        ));
    }
    for (at, pooler) in system.pooler.iter() {
        if pooler.database.as_str() == name {
            let why = format!("{} of the pooler `{at}`", pooler.max);
            add(Reach::exactly(f64::from(pooler.max), why));
        }
    }
    let others = f64::from(database.others);
    if others > 0.0 {
        add(Reach::exactly(others, format!("{others} held by others")));
    }
    let mut why = sums.join(" and ");
    if sums.is_empty() {
        "no pool opens any".clone_into(&mut why);
    }
    if let Some(server) = server_takes(system, database) {
        if most > server {
            why = format!("the server takes {}", plain(server));
        }
        most = most.min(server);
        in_deploy = in_deploy.min(server);
    }
    Reach {
        most,
        most_in_deploy: in_deploy,
        why,
    }
}

/// Connections of everybody but administrators.
fn server_takes(system: &System, database: &Database) -> Option<f64> {
    let plan = database
        .plan
        .as_ref()
        .and_then(|plan| edition(system).database_plan(plan.as_str()));
    let most = database
        .max_connections
        .or(plan.map(|plan| plan.max_connections.value))?;
    Some(f64::from(most.saturating_sub(database.reserved)))
}

/// A day's cost is zero where no model in use has a price.
fn cost(system: &System, name: &str) -> Reach {
    let Some(provider) = system.provider.get(name) else {
        return Reach::unbounded();
    };
    let named = provider.r#use.iter().map(|(_, model)| model.as_str());
    let own = provider.model.names().map(Name::as_str);
    let priced = named
        .chain(own)
        .any(|model| ModelTariff::of(provider, edition(system), model).is_charged());
    // A step may name a model that stands nowhere else.
    let nothing_named = provider.r#use.is_empty() && provider.model.is_empty();
    if priced || nothing_named {
        Reach::unbounded()
    } else {
        Reach::exactly(0.0, "none of its models has a price")
    }
}

/// Whether anything that runs on a service works off the loop.
fn has_work(system: &System, service: &str) -> bool {
    let is_here = |name: Option<&Name>| match name {
        Some(name) => name.as_str() == service,
        None => system.service.len() == 1,
    };
    let own = system
        .service
        .get(service)
        .is_some_and(|own| works(&own.before, true, &is_here));
    own || system
        .endpoint
        .iter()
        .any(|(_, endpoint)| works(&endpoint.steps, is_here(endpoint.service.as_ref()), &is_here))
}

/// `here` tells whether these steps run on the service in question.
fn works(steps: &[Step], here: bool, is_here: &dyn Fn(Option<&Name>) -> bool) -> bool {
    let below = |steps: &[Step]| works(steps, here, is_here);
    steps.iter().any(|step| match step {
        Step::Work(_) => here,
        Step::Hold(hold) => below(hold.steps.as_deref().unwrap_or_default()),
        Step::Take(take) => below(take.steps.as_deref().unwrap_or_default()),
        Step::Transaction(transaction) => below(&transaction.steps),
        Step::Cache(cache) => below(&cache.miss),
        Step::Parallel(lists) => lists.iter().any(|list| below(list)),
        Step::Choose(branches) => branches.iter().any(|branch| below(&branch.steps)),
        Step::Repeat(repeat) => below(&repeat.steps),
        Step::Retry(retry) => below(&retry.steps),
        Step::Feature(feature) => below(&feature.steps) || below(&feature.r#else),
        Step::Later(later) => {
            let there = later.service.as_ref().map_or(here, |name| is_here(Some(name)));
            works(&later.steps, there, is_here)
        }
        Step::Limit(_)
        | Step::Cpu(_)
        | Step::Io(_)
        | Step::Query(_)
        | Step::Llm(_)
        | Step::Transcribe(_)
        | Step::Call(_)
        | Step::Fail(_) => false,
    })
}

/// A number as in a sentence: at most three places.
fn plain(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    format!("{rounded}")
}
