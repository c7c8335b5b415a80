//! The checks of steps: what each one names, and endpoints that call each other without end.
//!
//! Owns: which pool, cache, queue and provider a step means where it does not say so.
//! Never: resources themselves (that is `check_system.rs`).

use super::catalogue::CatalogueKind;
use super::check::{Checker, Inner, Kind};
use super::diagnostic::Diagnostic;
use super::name::Name;
use super::step::{CacheStep, QueryStep, Step};
use super::system::System;
use super::tree::At;

/// Where a step stands.
#[derive(Clone)]
struct Around {
    /// The service it runs on; `None` where there is none.
    service: Option<Name>,
    /// The pool of the transaction around it.
    transaction: Option<Name>,
    /// Where to put the blame for a name that is missing.
    at: At,
}

/// A call of one endpoint from another.
struct Call {
    from: Name,
    to: Name,
}

/// Checks the steps of every endpoint and of every service's `before`, fills in what they leave out, and notes the
/// features in use.
pub(crate) fn check(system: &mut System, checker: &mut Checker) {
    let mut walk = Walk {
        checker,
        called: Vec::new(),
    };
    let mut calls = Vec::new();
    let mut before: Vec<(Name, Vec<Name>)> = Vec::new();
    for (name, service) in system.service.iter_mut() {
        let around = Around {
            service: Some(name.clone()),
            transaction: None,
            at: name.at,
        };
        walk.steps(&mut service.before, &around);
        before.push((name.clone(), std::mem::take(&mut walk.called)));
    }
    for (name, endpoint) in system.endpoint.iter_mut() {
        walk.checker.names.features.extend(endpoint.feature.clone());
        let around = Around {
            service: endpoint.service.clone(),
            transaction: None,
            at: name.at,
        };
        walk.steps(&mut endpoint.steps, &around);
        let mut called = std::mem::take(&mut walk.called);
        if let (true, Some(service)) = (endpoint.before, &endpoint.service) {
            let own = before.iter().find(|(other, _)| other == service);
            called.extend(own.iter().flat_map(|(_, called)| called.iter().cloned()));
        }
        calls.extend(called.into_iter().map(|to| Call { from: name.clone(), to }));
    }
    endless_calls(&calls, checker);
}

struct Walk<'c> {
    checker: &'c mut Checker,
    /// Endpoints called since this was last emptied.
    called: Vec<Name>,
}

impl Walk<'_> {
    fn steps(&mut self, steps: &mut [Step], around: &Around) {
        for step in steps {
            self.step(step, around);
        }
    }

    fn step(&mut self, step: &mut Step, around: &Around) {
        match step {
            Step::Limit(limiter) => {
                if self.checker.refer(limiter, &[Kind::Limiter]) {
                    self.same_service(limiter, Kind::Limiter, around);
                }
            }
            Step::Cpu(_) | Step::Work(_) | Step::Io(_) | Step::Fail(_) => {}
            Step::Hold(hold) => self.steps(hold.steps.as_deref_mut().unwrap_or_default(), around),
            Step::Take(take) => {
                if self.checker.refer(&take.from, &[Kind::Pool, Kind::Queue]) {
                    self.same_service(&take.from, Kind::Pool, around);
                    self.same_service(&take.from, Kind::Queue, around);
                }
                self.steps(take.steps.as_deref_mut().unwrap_or_default(), around);
            }
            Step::Query(query) => self.query(query, around),
            Step::Transaction(transaction) => {
                self.pool(&mut transaction.pool, "transaction", around.at, around);
                let inside = Around {
                    transaction: transaction.pool.clone(),
                    ..around.clone()
                };
                self.steps(&mut transaction.steps, &inside);
            }
            Step::Cache(cache) => {
                self.cache(cache);
                self.steps(&mut cache.miss, around);
            }
            Step::Llm(llm) => self.ask(&mut llm.provider, llm.queue.as_ref(), &llm.model, around),
            Step::Transcribe(ask) => self.ask(&mut ask.provider, ask.queue.as_ref(), &ask.model, around),
            Step::Call(call) => {
                let endpoints = self.checker.names.endpoints.clone();
                if self.checker.refer_among("endpoint", &call.endpoint, &endpoints) {
                    self.called.push(call.endpoint.clone());
                }
            }
            Step::Parallel(lists) => lists.iter_mut().for_each(|list| self.steps(list, around)),
            Step::Choose(branches) => {
                let classes = self.checker.names.classes.clone();
                for (index, branch) in branches.iter_mut().enumerate() {
                    if let Some(class) = &branch.class {
                        self.checker.refer_among("class", class, &classes);
                    }
                    branch.name.get_or_insert_with(|| Name {
                        text: index.to_string(),
                        at: At::DEFAULT,
                    });
                    self.steps(&mut branch.steps, around);
                }
            }
            Step::Repeat(repeat) => self.steps(&mut repeat.steps, around),
            Step::Retry(retry) => self.steps(&mut retry.steps, around),
            Step::Feature(feature) => {
                self.checker.names.features.push(feature.name.clone());
                self.steps(&mut feature.steps, around);
                self.steps(&mut feature.r#else, around);
            }
            Step::Later(later) => {
                if let Some(service) = &later.service {
                    self.checker.refer(service, &[Kind::Service]);
                }
                // What runs later runs on its own: on the worker named, and outside any transaction.
                let service = later.service.clone().or_else(|| around.service.clone());
                let apart = Around {
                    service,
                    transaction: None,
                    at: around.at,
                };
                self.steps(&mut later.steps, &apart);
            }
        }
    }

    fn query(&mut self, query: &mut QueryStep, around: &Around) {
        let at = query.kind.as_ref().map_or(around.at, |kind| kind.at);
        if query.pool.is_none() {
            query.pool.clone_from(&around.transaction);
        }
        self.pool(&mut query.pool, "query", at, around);
        let (Some(kind), Some(pool)) = (&query.kind, &query.pool) else {
            return;
        };
        let Some(database) = self.database_of(pool) else { return };
        let known = self.checker.names.queries.iter().find(|(name, _)| *name == database);
        if let Some(kinds) = known.map(|(_, kinds)| kinds.clone()) {
            self.checker.refer_within(&database, "kind of query", kind, &kinds);
        }
    }

    /// The database behind a pool, poolers passed.
    fn database_of(&self, pool: &Name) -> Option<Name> {
        let names = &self.checker.names;
        let behind = names.pools.iter().find(|one| one.name == *pool)?.database.clone()?;
        let through = names.poolers.iter().find(|(pooler, _)| *pooler == behind);
        Some(through.map_or(behind, |(_, database)| database.clone()))
    }

    /// The pool of a step that needs a database.
    fn pool(&mut self, slot: &mut Option<Name>, step: &str, at: At, around: &Around) {
        if let Some(pool) = slot {
            if !self.checker.refer(pool, &[Kind::Pool]) {
                return;
            }
            self.same_service(pool, Kind::Pool, around);
            let known = self.checker.names.pools.iter().find(|one| one.name == *pool);
            if let Some(plain) = known.filter(|one| one.database.is_none()) {
                let message = format!("`{pool}` has no database, and a {step} needs one");
                let diagnostic = Diagnostic::error("check::wrong-kind", message, pool.at, "plain slots")
                    .and(plain.name.at, "declared here")
                    .help("give the pool a `database`, or use `take`");
                self.checker.report(diagnostic);
            }
            return;
        }
        let here = |one: &&Inner| one.database.is_some() && belongs(one, around);
        let candidates: Vec<Name> = self
            .checker
            .names
            .pools
            .iter()
            .filter(here)
            .map(|one| one.name.clone())
            .collect();
        // A pool that could not be read may be the one.
        if candidates.is_empty() && self.checker.names.pools.len() == self.checker.names.of_kinds(&[Kind::Pool]).len() {
            let message = format!("a {step} needs a pool with a database, and there is none");
            let help = "declare `[pool.NAME]` with a `database`, or use `take` or `io`";
            self.checker
                .report(Diagnostic::error("check::unknown-name", message, at, "no connection to use").help(help));
        }
        self.checker.only_one(slot, &candidates, "pool", "pool", at);
    }

    fn cache(&mut self, step: &mut CacheStep) {
        let entries = self.checker.names.entries.clone();
        if let Some(cache) = &step.cache {
            if self.checker.refer(cache, &[Kind::Cache])
                && let Some((_, known)) = entries.iter().find(|(name, _)| name == cache)
            {
                self.checker.refer_within(cache, "entry", &step.entry, known);
            }
            return;
        }
        let having: Vec<Name> = entries
            .iter()
            .filter(|(_, known)| known.contains(&step.entry))
            .map(|(name, _)| name.clone())
            .collect();
        let unread = entries.len() < self.checker.names.of_kinds(&[Kind::Cache]).len();
        if having.is_empty() && !unread {
            let all: Vec<Name> = entries.iter().flat_map(|(_, known)| known.iter().cloned()).collect();
            let message = format!("no cache has an entry `{}`", step.entry);
            self.checker.unknown_name(message, "entry", &step.entry, &all);
        }
        self.checker
            .only_one(&mut step.cache, &having, "cache", "cache", step.entry.at);
    }

    fn ask(&mut self, provider: &mut Option<Name>, queue: Option<&Name>, model: &Name, around: &Around) {
        if let Some(queue) = queue
            && self.checker.refer(queue, &[Kind::Queue])
        {
            self.same_service(queue, Kind::Queue, around);
        }
        let providers = self.checker.names.of_kinds(&[Kind::Provider]);
        match provider {
            Some(name) => {
                if !self.checker.refer(name, &[Kind::Provider]) {
                    return;
                }
            }
            None if providers.is_empty() => {
                let message = "a model is asked, and there is no provider";
                let help = "declare `[provider.NAME]`";
                self.checker
                    .report(Diagnostic::error("check::unknown-name", message, model.at, "whose model?").help(help));
            }
            None => self
                .checker
                .only_one(provider, &providers, "provider", "provider", model.at),
        }
        let Some(provider) = provider else { return };
        let known = self.checker.names.providers.iter().find(|(name, ..)| name == provider);
        let Some((_, roles, models)) = known.cloned() else {
            return;
        };
        if roles.contains(model) || models.contains(model) {
            return;
        }
        let catalogue = (self.checker.catalogue)(&self.checker.edition, CatalogueKind::Model);
        match catalogue {
            Some(names) if names.contains(&model.as_str()) => {}
            // Without a catalogue any model may exist, but a slip in the name of a role is still one.
            None => {
                let near = roles
                    .iter()
                    .chain(&models)
                    .find(|known| super::suggest::letters_apart(&known.text, &model.text) == 1);
                if let Some(near) = near {
                    let message = format!("`{provider}` has no role or model `{model}`");
                    let diagnostic = Diagnostic::error("check::unknown-name", message, model.at, "unknown name");
                    self.checker.report(diagnostic.help(format!("did you mean `{near}`?")));
                }
            }
            Some(names) => {
                let at = At::DEFAULT;
                let from_catalogue = names.iter().map(|name| Name {
                    text: (*name).to_owned(),
                    at,
                });
                let all: Vec<Name> = roles.iter().chain(&models).cloned().chain(from_catalogue).collect();
                let message = format!("`{provider}` has no role or model `{model}`");
                self.checker.unknown_name(message, "role or model", model, &all);
            }
        }
    }

    /// Whether a thing of each process stands in the processes that the step runs in; complains when not.
    fn same_service(&mut self, name: &Name, kind: Kind, around: &Around) {
        let names = &self.checker.names;
        let among = match kind {
            Kind::Pool => &names.pools,
            Kind::Queue => &names.queues,
            _ => &names.limiters,
        };
        let Some(found) = among.iter().find(|one| one.name == *name) else {
            return;
        };
        if belongs(found, around) {
            return;
        }
        let (Some(owner), Some(here)) = (&found.service, &around.service) else {
            return;
        };
        let message = format!("`{name}` is in the processes of `{owner}`, and this runs on `{here}`");
        let diagnostic = Diagnostic::error("check::wrong-service", message, name.at, "out of reach")
            .and(found.name.at, "declared here");
        self.checker.report(diagnostic);
    }
}

fn belongs(inner: &Inner, around: &Around) -> bool {
    match (&inner.service, &around.service) {
        (Some(owner), Some(here)) => owner == here,
        _ => true,
    }
}

/// Complains about each circle of calls once, at the call that closes it.
fn endless_calls(calls: &[Call], checker: &mut Checker) {
    let mut done: Vec<&str> = Vec::new();
    for call in calls {
        if !done.contains(&call.from.as_str()) {
            let mut way = vec![call.from.as_str()];
            follow(calls, &mut way, &mut done, checker);
        }
    }
}

fn follow<'c>(calls: &'c [Call], way: &mut Vec<&'c str>, done: &mut Vec<&'c str>, checker: &mut Checker) {
    let here = way[way.len() - 1];
    for call in calls.iter().filter(|call| call.from.text == here) {
        let next = call.to.as_str();
        if let Some(start) = way.iter().position(|name| *name == next) {
            let circle: Vec<String> = way[start..]
                .iter()
                .chain([&next])
                .map(|name| format!("`{name}`"))
                .collect();
            let message = format!("endpoints call each other without end: {}", circle.join(" → "));
            checker.report(Diagnostic::error(
                "check::endless-calls",
                message,
                call.to.at,
                "this call closes the circle",
            ));
        } else if !done.contains(&next) {
            way.push(next);
            follow(calls, way, done, checker);
            way.pop();
        }
    }
    if !done.contains(&here) {
        done.push(here);
    }
}
