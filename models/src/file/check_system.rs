//! The checks of a system: its resources, endpoints, flows, degradation and alerts.
//!
//! Owns: names within a system, names left out that have one answer, calls that never end.
//! Never: steps (that is `check_steps.rs`), the scenario.

use super::catalogue::CatalogueKind;
use super::check::{Checker, Directory, Kind};
use super::diagnostic::Diagnostic;
use super::name::{Name, Named};
use super::step::FlowStep;
use super::suggest::{did_you_mean, nearest};
use super::system::{Class, Flow, LimiterStore, System};
use super::tree::At;
use crate::units::Usd;
use crate::watch::{Watch, watchable};

/// How far a name of a feature may be from a used one to count as a slip of it: fewer letters than `voice` and `face`
/// differ by.
const SLIP: usize = 2;

/// The first part of every path of results that is not the name of a resource.
const RESULT_ROOTS: [&str; 30] = [
    "requests",
    "sessions",
    "attempts",
    "throughput",
    "goodput",
    "latency",
    "latency_server",
    "first_byte",
    "tool",
    "errors",
    "answers",
    "in_system",
    "breakdown",
    "users",
    "endpoints",
    "classes",
    "phases",
    "sources",
    "resources",
    "cache",
    "cost",
    "degradation",
    "objectives",
    "bottlenecks",
    "recovered_at",
    "alerts",
    "warnings",
    "wasted",
    "events",
    "simulated_seconds",
];

/// Checks a system and fills in what it leaves out.
pub(crate) fn check(system: &mut System, checker: &mut Checker) {
    unique_names(checker);
    classes(system, checker);
    places(system, checker);
    backends(system, checker);
    let features = std::mem::take(&mut checker.names.features);
    checker.names = Directory::of(system);
    checker.names.features = features;
    plans(system, checker);
    health(system, checker);
    priorities(system, checker);
    super::check_steps::check(system, checker);
    flows(system, checker);
    degradation(system, checker);
    alerts(system, checker);
    review(system, checker);
}

/// The flow of a system that names none: one request of its only endpoint.
pub(crate) fn only_flow(system: &mut System) {
    if !system.flow.is_empty() || system.endpoint.names().count() != 1 {
        return;
    }
    if let Some(endpoint) = system.endpoint.names().next().cloned() {
        let name = Name {
            text: "request".to_owned(),
            at: At::DEFAULT,
        };
        system.flow.push(
            name,
            Flow {
                weight: 1.0,
                steps: vec![FlowStep::Request(vec![endpoint])],
            },
        );
    }
}

fn unique_names(checker: &mut Checker) {
    let resources = checker.names.resources.clone();
    for (index, (kind, name)) in resources.iter().enumerate() {
        let Some((other, first)) = resources[..index].iter().find(|(_, other)| other == name) else {
            continue;
        };
        let message = format!("`{name}` names a {} and a {}", other.text(), kind.text());
        let diagnostic = Diagnostic::error("check::duplicate-name", message, name.at, "the same name again")
            .and(first.at, format!("a {} already", other.text()))
            .help("results and settings need only the name, so it must be unique across kinds");
        checker.report(diagnostic);
    }
}

fn classes(system: &mut System, checker: &mut Checker) {
    if system.class.is_empty() {
        let name = Name {
            text: "user".to_owned(),
            at: At::DEFAULT,
        };
        system.class.push(
            name,
            Class {
                share: None,
                price: Usd::ZERO,
            },
        );
    }
    let given: Vec<(&Name, f64)> = system
        .class
        .iter()
        .filter_map(|(name, class)| class.share.map(|share| (name, share.get())))
        .collect();
    let total: f64 = given.iter().map(|(_, share)| share).sum();
    // Sums of decimals miss 1 by rounding.
    const SLACK: f64 = 1e-9;
    let all = given.len() == system.class.names().count();
    if let Some((last, _)) = given.last()
        && (total > 1.0 + SLACK || (all && total < 1.0 - SLACK))
    {
        let message = format!(
            "the shares of the classes add up to {}, not 1",
            super::figure::plain(round(total))
        );
        let help = "leave out the share of one class: it gets what the others leave";
        let diagnostic = Diagnostic::error("check::shares", message, last.at, "the last of them").help(help);
        checker.report(diagnostic);
    }
}

fn round(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Whose service each endpoint, pool, queue and limiter belongs to.
fn places(system: &mut System, checker: &mut Checker) {
    let services = checker.names.of_kinds(&[Kind::Service]);
    let mut place = |slot: &mut Option<Name>, at: At| {
        if let Some(name) = slot {
            checker.refer(name, &[Kind::Service]);
        }
        checker.only_one(slot, &services, "service", "service", at);
    };
    system
        .endpoint
        .iter_mut()
        .for_each(|(name, endpoint)| place(&mut endpoint.service, name.at));
    system
        .pool
        .iter_mut()
        .for_each(|(name, pool)| place(&mut pool.service, name.at));
    system
        .queue
        .iter_mut()
        .for_each(|(name, queue)| place(&mut queue.service, name.at));
    system
        .limiter
        .iter_mut()
        .for_each(|(name, limiter)| place(&mut limiter.service, name.at));
    if let Some(degradation) = &mut system.degradation {
        let at = degradation.level.first().map_or(At::DEFAULT, |level| level.name.at);
        place(&mut degradation.service, at);
    }
}

/// What stands behind pools, poolers and limiters.
fn backends(system: &System, checker: &mut Checker) {
    for (_, pool) in system.pool.iter() {
        if let Some(database) = &pool.database {
            checker.refer(database, &[Kind::Database, Kind::Pooler]);
        }
    }
    for (_, pooler) in system.pooler.iter() {
        checker.refer(&pooler.database, &[Kind::Database]);
    }
    for (_, limiter) in system.limiter.iter() {
        if let LimiterStore::Cache(cache) = &limiter.store {
            checker.refer(cache, &[Kind::Cache]);
        }
    }
}

/// Plans and models that only the catalogue can know.
fn plans(system: &System, checker: &mut Checker) {
    let mut ask = |kind, plan: &Option<Name>| plan.iter().for_each(|name| checker.in_catalogue(kind, name));
    system
        .service
        .iter()
        .for_each(|(_, service)| ask(CatalogueKind::ServicePlan, &service.plan));
    system
        .database
        .iter()
        .for_each(|(_, database)| ask(CatalogueKind::DatabasePlan, &database.plan));
    system
        .cache
        .iter()
        .for_each(|(_, cache)| ask(CatalogueKind::CachePlan, &cache.plan));
    ask(CatalogueKind::Workspace, &system.money.workspace);
    for (_, provider) in system.provider.iter() {
        for (_, model) in provider.r#use.iter() {
            if !provider.model.contains(&model.text) {
                checker.in_catalogue(CatalogueKind::Model, model);
            }
        }
    }
}

/// Health routes: endpoints of the service itself.
fn health(system: &System, checker: &mut Checker) {
    for (name, service) in system.service.iter() {
        let Some(endpoint) = &service.health.endpoint else {
            continue;
        };
        let known = checker.names.endpoints.clone();
        checker.refer_among("endpoint", endpoint, &known);
        let elsewhere = system
            .endpoint
            .get(&endpoint.text)
            .and_then(|found| found.service.as_ref());
        if let Some(other) = elsewhere.filter(|other| other.text != name.text) {
            let message = format!("the probes of `{name}` ask `{endpoint}`, which runs on `{other}`");
            let diagnostic = Diagnostic::error("check::wrong-service", message, endpoint.at, "out of reach")
                .help(format!("name an endpoint whose `service` is `{name}`"));
            checker.report(diagnostic);
        }
    }
}

fn priorities(system: &System, checker: &mut Checker) {
    let classes = checker.names.classes.clone();
    for (_, queue) in system.queue.iter() {
        for class in queue.priority.names() {
            checker.refer_among("class", class, &classes);
        }
    }
}

fn flows(system: &System, checker: &mut Checker) {
    for (_, flow) in system.flow.iter() {
        flow_steps(&flow.steps, checker);
    }
    if let Some(last) = system.flow.names().last()
        && system.flow.iter().all(|(_, flow)| flow.weight == 0.0)
        && system.flow.len() == system.flow.names().count()
    {
        let message = "no flow has a weight above zero";
        let diagnostic = Diagnostic::error("check::no-weight", message, last.at, "the last of them");
        checker.report(diagnostic);
    }
}

fn flow_steps(steps: &[FlowStep], checker: &mut Checker) {
    for step in steps {
        match step {
            FlowStep::Request(endpoints) => {
                let known = checker.names.endpoints.clone();
                for endpoint in endpoints {
                    checker.refer_among("endpoint", endpoint, &known);
                }
            }
            FlowStep::Think(_) => {}
            FlowStep::Choose(branches) => {
                let classes = checker.names.classes.clone();
                for branch in branches {
                    if let Some(class) = &branch.class {
                        checker.refer_among("class", class, &classes);
                    }
                    flow_steps(&branch.steps, checker);
                }
            }
            FlowStep::Repeat(repeat) => flow_steps(&repeat.steps, checker),
            FlowStep::Parallel(lists) => lists.iter().for_each(|list| flow_steps(list, checker)),
        }
    }
}

fn degradation(system: &System, checker: &mut Checker) {
    let Some(degradation) = &system.degradation else { return };
    let mut levels: Vec<&Name> = Vec::new();
    for level in &degradation.level {
        if let Some(first) = levels.iter().find(|other| ***other == level.name) {
            let message = format!("two levels are called `{}`", level.name);
            let diagnostic = Diagnostic::error("check::duplicate-name", message, level.name.at, "again");
            checker.report(diagnostic.and(first.at, "the first"));
        }
        levels.push(&level.name);
        for feature in level.off.iter().chain(level.only.iter().flatten()) {
            feature_slip(feature, checker);
        }
    }
}

/// A level may name features that this system does not have: what is written down for later is not yet built. A name that is nearly one of a
/// feature in use is a slip.
fn feature_slip(feature: &Name, checker: &mut Checker) {
    if checker.names.features.contains(feature) {
        return;
    }
    let near = checker
        .names
        .features
        .iter()
        .find(|used| super::suggest::letters_apart(&used.text, &feature.text) <= SLIP);
    if let Some(near) = near.cloned() {
        let message = format!("no endpoint or step has the feature `{feature}`");
        let diagnostic = Diagnostic::error("check::unknown-name", message, feature.at, "unknown feature")
            .and(near.at, "a feature in use")
            .help(format!("did you mean `{near}`?"));
        checker.report(diagnostic);
    }
}

fn alerts(system: &System, checker: &mut Checker) {
    let Some(alerts) = &system.alerts else { return };
    for (_, rule) in alerts.rule.iter() {
        watched(&rule.watch, system, checker);
    }
}

/// Whether a rule of monitoring watches something that a monitor reads; complains when not.
fn watched(path: &Name, system: &System, checker: &mut Checker) {
    if Watch::of(&path.text, system).is_some() {
        return;
    }
    let paths = watchable(system);
    let paths = paths.iter().map(String::as_str);
    // What the name before the dot has, where there is such a thing; else the nearest, or everything.
    let own: Vec<&str> = paths
        .clone()
        .filter(|known| {
            known
                .rsplit_once('.')
                .is_some_and(|(name, _)| path.text.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        })
        .collect();
    let help = match nearest(&path.text, paths.clone()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if own.is_empty() => did_you_mean(&path.text, paths, "a monitor reads"),
        None => did_you_mean(&path.text, own, "a monitor reads"),
    };
    let message = format!("no monitor reads `{path}`");
    let diagnostic = Diagnostic::error(
        "check::unknown-watch",
        message,
        path.at,
        "nothing of that name to watch",
    );
    checker.report(diagnostic.maybe_help(help));
}

/// Rules that are allowed to find something: each has to exist, and to come with a reason.
fn review(system: &System, checker: &mut Checker) {
    for (id, reason) in system.review.allow.iter() {
        if !crate::review::ids().any(|known| known == id.as_str()) {
            let help = did_you_mean(id.as_str(), crate::review::ids(), "there are")
                .unwrap_or_else(|| "docs/design-review.md lists the rules".to_owned());
            let message = format!("the design review has no rule `{id}`");
            checker.report(Diagnostic::error("check::unknown-name", message, id.at, "unknown rule").help(help));
        } else if reason.trim().is_empty() {
            let message = format!("`{id}` is allowed without a reason");
            let diagnostic = Diagnostic::error("check::no-reason", message, id.at, "the reason is empty");
            checker.report(diagnostic.help("say why the finding may stay: the next reader has to decide on it"));
        }
    }
}

/// Whether a path of results begins with a resource or a result; complains when not.
pub(crate) fn result_path(path: &Name, checker: &mut Checker) {
    let first = path.text.split('.').next().unwrap_or_default();
    let resources: Vec<Name> = checker.names.resources.iter().map(|(_, name)| name.clone()).collect();
    // Names with dots are resources too.
    let is_resource = resources.iter().any(|name| {
        path.text
            .strip_prefix(&name.text)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    if is_resource || RESULT_ROOTS.contains(&first) {
        return;
    }
    let names = resources.iter().map(Name::as_str).chain(RESULT_ROOTS);
    let help = match nearest(first, names.clone()) {
        Some(near) => Some(format!("did you mean `{near}{}`?", &path.text[first.len()..])),
        None => did_you_mean(first, names, "a path begins with"),
    };
    let message = format!("there is no result `{path}`");
    let label = "neither a resource nor a result";
    checker.report(Diagnostic::error("check::unknown-result", message, path.at, label).maybe_help(help));
}

/// Adds what a scenario declares beside the system's; complains about names that both declare.
pub(crate) fn merge<T: Clone>(own: &mut Named<T>, more: &Named<T>, what: &str, diagnostics: &mut Vec<Diagnostic>) {
    for name in more.names() {
        if let Some(first) = own.names().find(|other| *other == name) {
            let message = format!("the system already has a {what} `{name}`");
            let diagnostic = Diagnostic::error("check::duplicate-name", message, name.at, "the same name again");
            diagnostics.push(
                diagnostic
                    .and(first.at, "the system's")
                    .help("rename it, or change the system's with `set`"),
            );
        }
    }
    for (name, thing) in more.iter() {
        if !own.contains(&name.text) {
            own.push(name.clone(), thing.clone());
        }
    }
    for name in more.broken() {
        if !own.contains(&name.text) {
            own.push_broken(name.clone());
        }
    }
}
