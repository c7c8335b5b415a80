//! Which single changes are worth a probe, the likeliest first.
//!
//! Owns: what can be turned at a resource of each kind, and the order. Never: running, ranking.
//!
//! A change is written as `--set` takes it and read by the loader of files, so that it meets the same checks as a user's.
//! Where there is a budget for a few alone, resources take turns: first what holds most requests up, its first setting;
//! then the next resource's; then second settings.

use highwater_models::catalogue::Edition;
use highwater_models::file::system::{Rule, Runtime, System};
use highwater_models::file::{Plan, Setting};
use highwater_models::record::next_step::Why;
use highwater_models::record::summary::Summary;
use highwater_models::review::Severity;

/// A change to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knob {
    /// What is set.
    pub settings: Vec<String>,
    /// What the first of them is now, where it is anything.
    pub from: Option<String>,
    /// Why.
    pub why: Why,
}

/// The profile whose settings are protections, by its name in a system file.
const PROTECTIONS: &str = "hardened";

/// A resource at which the slowest requests spend less of their time than this is not why they are slow.
const SLOW: f64 = 0.1;

/// Paths that a run's result does not depend on, or that are no change of the system but of what is said about it.
const NOT_THE_SYSTEM: [&str; 4] = ["alerts", "money", "catalogue", "class"];

/// Changes that may raise the mark.
#[must_use]
pub fn remedies(plan: &Plan, summary: &Summary) -> Vec<Knob> {
    let suspects = suspects(summary);
    let mut lines: Vec<Vec<Knob>> = suspects.iter().map(|name| turns(plan, summary, name)).collect();
    lines.push(cures(summary, &suspects));
    lines.push(protections(plan, &suspects));
    take_turns(lines)
}

/// Changes that may cost less, the largest saving first as far as prices tell.
#[must_use]
pub fn savings(plan: &Plan) -> Vec<Knob> {
    let system = &plan.system;
    let mut lines = Vec::new();
    let Some(edition) = Edition::of(&system.catalogue) else {
        return Vec::new();
    };
    for (name, service) in system.service.iter() {
        let mut line = Line::new(name.as_str(), Why::Cheaper(name.as_str().to_owned()));
        if let Some(plan) = &service.plan {
            line.plan(
                cheaper(
                    edition.web_plans().iter().map(|plan| (&plan.name, plan.price.value)),
                    edition.web_plan(plan.as_str()).map(|plan| &plan.name),
                ),
                plan.as_str(),
            );
            if service.instances > 1 {
                line.number(
                    "instances",
                    f64::from(service.instances - 1),
                    Some(f64::from(service.instances)),
                );
            }
        }
        lines.push(line.knobs);
    }
    for (name, database) in system.database.iter() {
        let mut line = Line::new(name.as_str(), Why::Cheaper(name.as_str().to_owned()));
        if let Some(plan) = &database.plan {
            line.plan(
                cheaper(
                    edition
                        .database_plans()
                        .iter()
                        .map(|plan| (&plan.name, plan.price.value)),
                    edition.database_plan(plan.as_str()).map(|plan| &plan.name),
                ),
                plan.as_str(),
            );
        }
        lines.push(line.knobs);
    }
    for (name, cache) in system.cache.iter() {
        let mut line = Line::new(name.as_str(), Why::Cheaper(name.as_str().to_owned()));
        if let Some(plan) = &cache.plan {
            line.plan(
                cheaper(
                    edition.cache_plans().iter().map(|plan| (&plan.name, plan.price.value)),
                    edition.cache_plan(plan.as_str()).map(|plan| &plan.name),
                ),
                plan.as_str(),
            );
        }
        lines.push(line.knobs);
    }
    take_turns(lines)
}

/// One of each line in turn; a change that was there already is left out.
fn take_turns(lines: Vec<Vec<Knob>>) -> Vec<Knob> {
    let mut found: Vec<Knob> = Vec::new();
    for turn in 0..lines.iter().map(Vec::len).max().unwrap_or(0) {
        for knob in lines.iter().filter_map(|line| line.get(turn)) {
            if !found.iter().any(|known| known.settings == knob.settings) {
                found.push(knob.clone());
            }
        }
    }
    found
}

/// Resources that hold requests up or lose them, the worst first: by the share of requests that fail at them, and the
/// share of the slowest requests' time that is spent at them, each charged to the resource that explains it too.
fn suspects(summary: &Summary) -> Vec<String> {
    let mut weights: Vec<(String, f64)> = Vec::new();
    let mut add = |name: &str, weight: f64| {
        let weight = if weight.is_finite() { weight } else { 0.0 };
        match weights.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += weight,
            None => weights.push((name.to_owned(), weight)),
        }
    };
    for bottleneck in &summary.bottlenecks {
        add(&bottleneck.resource, bottleneck.latency_share_slowest);
        if let Some(root) = &bottleneck.because_of {
            add(root, bottleneck.latency_share_slowest);
        }
    }
    for failure in &summary.failures {
        if let Some(resource) = &failure.resource {
            add(resource, failure.share);
            let root = summary.bottlenecks.iter().find(|found| found.resource == *resource);
            if let Some(root) = root.and_then(|found| found.because_of.as_deref()) {
                add(root, failure.share);
            }
        }
    }
    // What takes the slowest requests' time without ever being full: a provider.
    let stages = summary.figures.children(&["breakdown", "slowest"]);
    let seconds = |stage: &str| summary.figures.value(&["breakdown", "slowest", stage]);
    let whole: f64 = stages
        .iter()
        .map(|stage| seconds(stage))
        .filter(|seconds| *seconds > 0.0)
        .sum();
    for stage in stages {
        if let Some((_, resource)) = stage.split_once('.')
            && seconds(stage) > SLOW * whole
        {
            add(resource, seconds(stage) / whole);
        }
    }
    // Without anything that was full, what was used most.
    if weights.is_empty() {
        let used = |name: &str| summary.figures.value(&["resources", name, "utilization"]);
        let names = summary.resources.iter().map(|resource| resource.name.as_str());
        let busiest = names
            .filter(|name| used(name) > 0.0)
            .max_by(|a, b| used(a).total_cmp(&used(b)));
        weights.extend(busiest.map(|name| (name.to_owned(), 0.0)));
    }
    // Stable: the order in which limits were reached decides between equals.
    weights.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    weights.into_iter().map(|(name, _)| name).collect()
}

/// A line of changes at one resource.
struct Line {
    name: String,
    why: Why,
    knobs: Vec<Knob>,
}

impl Line {
    fn new(name: &str, why: Why) -> Self {
        Self {
            name: part(name),
            why,
            knobs: Vec::new(),
        }
    }

    fn set(&mut self, key: &str, value: &str, from: Option<String>) {
        if from.as_deref() != Some(value) {
            self.knobs.push(Knob {
                settings: vec![format!("{}.{key}={value}", self.name)],
                from,
                why: self.why.clone(),
            });
        }
    }

    fn number(&mut self, key: &str, value: f64, from: Option<f64>) {
        if value >= 1.0 {
            self.set(key, &value.to_string(), from.map(|from| from.to_string()));
        }
    }

    fn plan(&mut self, plan: Option<String>, from: &str) {
        if let Some(plan) = plan {
            self.set("plan", &plan, Some(from.to_owned()));
        }
    }
}

/// What can be turned at a resource, the likeliest to help first.
fn turns(plan: &Plan, summary: &Summary, name: &str) -> Vec<Knob> {
    let system = &plan.system;
    let mut line = Line::new(name, Why::Limit(name.to_owned()));
    let edition = Edition::of(&system.catalogue);
    // A service's threads and a process's parts go by the service's name and a dot.
    let owner = name.split('.').next().unwrap_or(name);
    if system.service.get(name).is_some() {
        service(&mut line, system, edition, name);
    } else if let Some(pool) = system.pool.get(name) {
        let refused = summary.figures.value(&["errors", "by_cause", "connection_refused"]) > 0.0;
        let most = f64::from(pool.max);
        let fits = pool
            .database
            .as_ref()
            .and_then(|database| fits(system, name, database.as_str()));
        let mut sizes = vec![most * 2.0, (most / 2.0).floor()];
        if refused {
            sizes.reverse();
        }
        sizes.splice(0..0, fits.filter(|&fits| fits >= 1.0 && (refused || fits > most)));
        for size in sizes {
            line.number("max", size, Some(most));
        }
    } else if let Some(database) = system.database.get(name) {
        if let Some(plan) = &database.plan {
            let known = edition.and_then(|edition| edition.database_plan(plan.as_str()));
            if let (Some(known), Some(given)) = (known, database.max_connections)
                && known.max_connections.value > given
            {
                line.number(
                    "max_connections",
                    f64::from(known.max_connections.value),
                    Some(f64::from(given)),
                );
            }
            let plans = edition.iter().flat_map(|edition| edition.database_plans());
            line.plan(
                dearer(
                    plans.map(|plan| (&plan.name, plan.price.value)),
                    known.map(|plan| &plan.name),
                ),
                plan.as_str(),
            );
        } else if let Some(cores) = database.cores {
            line.number("cores", cores * 2.0, Some(cores));
        }
    } else if let Some(queue) = system.queue.get(name) {
        if let Some(most) = queue.concurrency {
            line.number("concurrency", f64::from(most) * 2.0, Some(f64::from(most)));
            line.number("concurrency", (f64::from(most) / 2.0).floor(), Some(f64::from(most)));
        }
        if let Some(cap) = queue.interval_cap {
            line.number("interval_cap", f64::from(cap) * 2.0, Some(f64::from(cap)));
        }
    } else if let Some(limiter) = system.limiter.get(name) {
        let (key, now) = match &limiter.rule {
            Rule::FixedWindow(rule) => ("rule.fixed_window.limit", rule.limit),
            Rule::SlidingWindow(rule) => ("rule.sliding_window.limit", rule.limit),
            Rule::TokenBucket(rule) => ("rule.token_bucket.burst", rule.burst),
        };
        line.number(key, f64::from(now) * 2.0, Some(f64::from(now)));
        line.number(key, f64::from(now) * 10.0, Some(f64::from(now)));
    } else if let Some(cache) = system.cache.get(name) {
        if summary.figures.value(&["errors", "by_cause", "cache_unavailable"]) > 0.0 {
            line.set("down", "miss", None);
        }
        if let (Some(plan), Some(edition)) = (&cache.plan, edition) {
            let known = edition.cache_plan(plan.as_str()).map(|plan| &plan.name);
            line.plan(
                dearer(
                    edition.cache_plans().iter().map(|plan| (&plan.name, plan.price.value)),
                    known,
                ),
                plan.as_str(),
            );
        }
    } else if let Some(pooler) = system.pooler.get(name) {
        line.number("max", f64::from(pooler.max) * 2.0, Some(f64::from(pooler.max)));
        line.number(
            "max",
            (f64::from(pooler.max) / 2.0).floor(),
            Some(f64::from(pooler.max)),
        );
    } else if let Some(provider) = system.provider.get(name) {
        for (role, now) in provider.r#use.iter() {
            for (other, _) in provider
                .model
                .iter()
                .filter(|(other, _)| other.as_str() != now.as_str())
            {
                let key = format!("use.{}", part(role.as_str()));
                line.set(&key, other.as_str(), Some(now.as_str().to_owned()));
            }
        }
        if provider.retry.max != 0 {
            let now = match provider.retry.max {
                u32::MAX => "forever".to_owned(),
                some => some.to_string(),
            };
            line.set("retry.max", "0", Some(now));
        }
    } else if system.service.get(owner).is_some() {
        line.name = part(owner);
        service(&mut line, system, edition, owner);
    }
    line.knobs
}

fn service(line: &mut Line, system: &System, edition: Option<&Edition>, name: &str) {
    let Some(service) = system.service.get(name) else {
        return;
    };
    let known = service
        .plan
        .as_ref()
        .zip(edition)
        .and_then(|(plan, edition)| edition.web_plan(plan.as_str()));
    let cores = service.cores.or(known.map(|plan| plan.cores.value));
    let is_node = service
        .runtime
        .map_or(service.plan.is_some(), |runtime| runtime == Runtime::Node);
    // An event loop uses one core: a second one lies idle until a second process runs.
    if let Some(cores) = cores
        && is_node
        && cores.floor() > f64::from(service.processes)
    {
        line.number("processes", cores.floor(), Some(f64::from(service.processes)));
    }
    if let (Some(plan), Some(edition)) = (&service.plan, edition) {
        let plans = edition.web_plans().iter().map(|plan| (&plan.name, plan.price.value));
        line.plan(dearer(plans, known.map(|plan| &plan.name)), plan.as_str());
    } else if let Some(cores) = service.cores {
        line.number("cores", cores * 2.0, Some(cores));
    }
    if service.scaling.on {
        let (min, max) = (f64::from(service.scaling.min), f64::from(service.scaling.max));
        line.number("scaling.min", (min * 2.0).min(max), Some(min));
        line.number("scaling.max", max * 2.0, Some(max));
    } else {
        line.number(
            "instances",
            f64::from(service.instances) * 2.0,
            Some(f64::from(service.instances)),
        );
        if service.scaling.max > service.instances {
            line.set("scaling.on", "true", Some("false".to_owned()));
        }
    }
}

/// The size at which every process's pool fits into the database's connections; `None` without a limit.
fn fits(system: &System, pool: &str, database: &str) -> Option<f64> {
    let pool = system.pool.get(pool)?;
    let database = system.database.get(database)?;
    let edition = Edition::of(&system.catalogue);
    let by_plan = || {
        let plan = edition?.database_plan(database.plan.as_ref()?.as_str())?;
        Some(plan.max_connections.value)
    };
    let most = database.max_connections.or_else(by_plan)?;
    let free = most.saturating_sub(database.reserved + database.others);
    let service = pool
        .service
        .as_ref()
        .and_then(|service| system.service.get(service.as_str()));
    let processes = service.map_or(1, |service| {
        let instances = if service.scaling.on {
            service.scaling.max.max(service.instances)
        } else {
            service.instances
        };
        instances * service.processes
    });
    Some(f64::from(free / processes.max(1)))
}

/// The next dearer of some plans. Of a vendor's own: names of others begin otherwise (`upstash-`).
fn dearer<'a>(plans: impl Iterator<Item = (&'a String, f64)>, now: Option<&String>) -> Option<String> {
    next(plans, now, |price, now| price > now, |a, b| a.total_cmp(&b))
}

/// The next cheaper.
fn cheaper<'a>(plans: impl Iterator<Item = (&'a String, f64)>, now: Option<&String>) -> Option<String> {
    next(plans, now, |price, now| price < now, |a, b| b.total_cmp(&a))
}

fn next<'a>(
    plans: impl Iterator<Item = (&'a String, f64)>,
    now: Option<&String>,
    fits: fn(f64, f64) -> bool,
    order: fn(f64, f64) -> std::cmp::Ordering,
) -> Option<String> {
    let plans: Vec<(&String, f64)> = plans.collect();
    let now = now?;
    let (_, price) = *plans.iter().find(|(name, _)| *name == now)?;
    let vendor = |name: &str| name.starts_with("upstash-");
    plans
        .into_iter()
        .filter(|&(name, other)| fits(other, price) && vendor(name) == vendor(now))
        .min_by(|&(_, a), &(_, b)| order(a, b))
        .map(|(name, _)| name.clone())
}

/// The settings that the design's review names as cures, those at suspects first.
fn cures(summary: &Summary, suspects: &[String]) -> Vec<Knob> {
    let mut found: Vec<(usize, Knob)> = Vec::new();
    for finding in &summary.review.findings {
        let Some(setting) = cure(&finding.cure) else { continue };
        let first = first_part(&setting);
        if finding.severity == Severity::Note || NOT_THE_SYSTEM.contains(&first) {
            continue;
        }
        let rank = suspects.iter().position(|name| name == first).unwrap_or(suspects.len());
        found.push((
            rank,
            Knob {
                settings: vec![setting],
                from: None,
                why: Why::Review(finding.id),
            },
        ));
    }
    // Stable: the review's own order within.
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, knob)| knob).collect()
}

/// The setting that a cure begins with.
fn cure(text: &str) -> Option<String> {
    let rest = text.strip_prefix("--set ")?;
    Some(match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next()?.to_owned(),
        None => rest.split([' ', ',', ';', ':']).next()?.to_owned(),
    })
}

/// The settings of the profile that is made of protections, each on its own; one that names a thing which another one
/// brings goes with that.
fn protections(plan: &Plan, suspects: &[String]) -> Vec<Knob> {
    let Some(settings) = plan.system.profile.get(PROTECTIONS) else {
        return Vec::new();
    };
    if plan.profile.as_deref() == Some(PROTECTIONS) {
        return Vec::new();
    }
    let mut found: Vec<(usize, Knob)> = Vec::new();
    let entries = &settings.entries;
    let brings = |setting: &Setting| (setting.path.len() == 2).then(|| setting.path[1].clone());
    let uses = |setting: &Setting, name: &str| setting.flag().split_once('=').is_some_and(|(_, value)| value == name);
    for setting in entries {
        let flag = setting.flag();
        // A thing of its own does nothing until it is named.
        if brings(setting).is_some_and(|name| entries.iter().any(|other| uses(other, &name))) {
            continue;
        }
        let mut settings: Vec<String> = entries
            .iter()
            .filter(|other| brings(other).is_some_and(|name| uses(setting, &name)))
            .map(Setting::flag)
            .collect();
        let first = setting.plain_path().first().cloned().unwrap_or_default();
        settings.push(flag);
        let rank = suspects
            .iter()
            .position(|name| *name == first)
            .unwrap_or(suspects.len());
        found.push((
            rank,
            Knob {
                settings,
                from: None,
                why: Why::Profile(PROTECTIONS.to_owned()),
            },
        ));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, knob)| knob).collect()
}

/// The first name of a setting's path.
fn first_part(setting: &str) -> &str {
    setting.split(['.', '=']).next().unwrap_or_default()
}

/// A name as a part of a path: quoted where it has dots or blanks.
fn part(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}
