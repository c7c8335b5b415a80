//! Whether the tables of a file fit together: every name leads to something of the right kind.
//!
//! Owns: what names there are, and the complaints about those that lead nowhere; names left out that have one answer
//! are filled in.
//! Never: rules within one table (`rules.rs`), rules about figures (`read.rs`).

use super::catalogue::{CatalogueKind, CatalogueNames};
use super::diagnostic::Diagnostic;
use super::name::{Name, Named};
use super::suggest::did_you_mean;
use super::system::System;
use super::tree::At;
use super::value::Edition;

/// Kinds of resources. Names are unique across all of them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Service,
    Pool,
    Queue,
    Limiter,
    Database,
    Pooler,
    Cache,
    Provider,
}

impl Kind {
    /// As a file writes it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Limiter => "limiter",
            Self::Database => "database",
            Self::Pooler => "pooler",
            Self::Cache => "cache",
            Self::Provider => "provider",
        }
    }
}

/// A resource that lives in the processes of a service.
pub(crate) struct Inner {
    pub(crate) name: Name,
    /// Whose; `None` where there is no service at all, or where the question has been complained about.
    pub(crate) service: Option<Name>,
    /// Of a pool: the database or pooler behind it.
    pub(crate) database: Option<Name>,
}

/// Every name that something may refer to.
#[derive(Default)]
pub(crate) struct Directory {
    pub(crate) resources: Vec<(Kind, Name)>,
    pub(crate) pools: Vec<Inner>,
    pub(crate) queues: Vec<Inner>,
    pub(crate) limiters: Vec<Inner>,
    /// Pooler and the database behind it.
    pub(crate) poolers: Vec<(Name, Name)>,
    /// Database and its kinds of query.
    pub(crate) queries: Vec<(Name, Vec<Name>)>,
    /// Cache and its classes of keys.
    pub(crate) entries: Vec<(Name, Vec<Name>)>,
    /// Provider, its roles and its models.
    pub(crate) providers: Vec<(Name, Vec<Name>, Vec<Name>)>,
    pub(crate) endpoints: Vec<Name>,
    pub(crate) classes: Vec<Name>,
    pub(crate) flows: Vec<Name>,
    pub(crate) clients: Vec<Name>,
    pub(crate) alerts: Vec<Name>,
    pub(crate) features: Vec<Name>,
}

impl Directory {
    /// The names of a system.
    pub(crate) fn of(system: &System) -> Self {
        let mut resources = Vec::new();
        let mut add = |kind, names: Vec<Name>| resources.extend(names.into_iter().map(|name| (kind, name)));
        add(Kind::Service, names(&system.service));
        add(Kind::Pool, names(&system.pool));
        add(Kind::Queue, names(&system.queue));
        add(Kind::Limiter, names(&system.limiter));
        add(Kind::Database, names(&system.database));
        add(Kind::Pooler, names(&system.pooler));
        add(Kind::Cache, names(&system.cache));
        add(Kind::Provider, names(&system.provider));
        let alerts = system
            .alerts
            .as_ref()
            .map(|alerts| names(&alerts.rule))
            .unwrap_or_default();
        Self {
            resources,
            pools: inner(&system.pool, |pool| (pool.service.clone(), pool.database.clone())),
            queues: inner(&system.queue, |queue| (queue.service.clone(), None)),
            limiters: inner(&system.limiter, |limiter| (limiter.service.clone(), None)),
            poolers: system
                .pooler
                .iter()
                .map(|(name, pooler)| (name.clone(), pooler.database.clone()))
                .collect(),
            queries: pairs(&system.database, |database| names(&database.query)),
            entries: pairs(&system.cache, |cache| names(&cache.entry)),
            providers: system
                .provider
                .iter()
                .map(|(name, provider)| (name.clone(), names(&provider.r#use), names(&provider.model)))
                .collect(),
            endpoints: names(&system.endpoint),
            classes: names(&system.class),
            flows: names(&system.flow),
            clients: names(&system.client),
            alerts,
            features: Vec::new(),
        }
    }

    /// The names of resources of these kinds.
    pub(crate) fn of_kinds(&self, kinds: &[Kind]) -> Vec<Name> {
        self.resources
            .iter()
            .filter(|(kind, _)| kinds.contains(kind))
            .map(|(_, name)| name.clone())
            .collect()
    }
}

fn names<T>(named: &Named<T>) -> Vec<Name> {
    named.names().cloned().collect()
}

fn pairs<T>(named: &Named<T>, inner: impl Fn(&T) -> Vec<Name>) -> Vec<(Name, Vec<Name>)> {
    named.iter().map(|(name, thing)| (name.clone(), inner(thing))).collect()
}

fn inner<T>(named: &Named<T>, of: impl Fn(&T) -> (Option<Name>, Option<Name>)) -> Vec<Inner> {
    let entry = |(name, thing): (&Name, &T)| {
        let (service, database) = of(thing);
        Inner {
            name: name.clone(),
            service,
            database,
        }
    };
    named.iter().map(entry).collect()
}

/// What checking needs and collects.
pub(crate) struct Checker {
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) names: Directory,
    pub(crate) catalogue: CatalogueNames,
    pub(crate) edition: Edition,
}

impl Checker {
    pub(crate) fn new(system: &System, catalogue: CatalogueNames) -> Self {
        Self {
            diagnostics: Vec::new(),
            names: Directory::of(system),
            catalogue,
            edition: system.catalogue.clone(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Whether a resource of one of these kinds has that name; complains when not.
    pub(crate) fn refer(&mut self, name: &Name, kinds: &[Kind]) -> bool {
        if self
            .names
            .resources
            .iter()
            .any(|(kind, other)| kinds.contains(kind) && other == name)
        {
            return true;
        }
        let texts: Vec<&str> = kinds.iter().map(|kind| kind.text()).collect();
        let wanted = either(&texts);
        let other = self.names.resources.iter().find(|(_, other)| other == name).cloned();
        if let Some((kind, declared)) = other {
            let message = format!("`{name}` is a {}, not a {wanted}", kind.text());
            self.report(
                Diagnostic::error(
                    "check::wrong-kind",
                    message,
                    name.at,
                    format!("a {wanted} is needed here"),
                )
                .and(declared.at, "declared here"),
            );
            return false;
        }
        let candidates = self.names.of_kinds(kinds);
        self.unknown(&wanted, name, &candidates);
        false
    }

    /// Whether `name` is among `candidates`; complains when not.
    pub(crate) fn refer_among(&mut self, what: &str, name: &Name, candidates: &[Name]) -> bool {
        if candidates.contains(name) {
            return true;
        }
        self.unknown(what, name, candidates);
        false
    }

    /// Whether `owner` declares `name`; complains when not.
    pub(crate) fn refer_within(&mut self, owner: &Name, what: &str, name: &Name, candidates: &[Name]) {
        if !candidates.contains(name) {
            let message = format!("`{owner}` has no {what} `{name}`");
            self.unknown_name(message, what, name, candidates);
        }
    }

    /// Complains that there is no such thing.
    pub(crate) fn unknown(&mut self, what: &str, name: &Name, candidates: &[Name]) {
        self.unknown_name(format!("there is no {what} `{name}`"), what, name, candidates);
    }

    pub(crate) fn unknown_name(&mut self, message: String, what: &str, name: &Name, candidates: &[Name]) {
        let help = did_you_mean(&name.text, candidates.iter().map(Name::as_str), "there are")
            .unwrap_or_else(|| format!("no {what} is declared"));
        self.report(Diagnostic::error("check::unknown-name", message, name.at, "unknown name").help(help));
    }

    /// Fills in the only candidate where a name is left out; complains when there are several.
    ///
    /// `key` is what one would write, `what` its kind, `at` where it is missing. Without any candidate the slot stays
    /// empty.
    pub(crate) fn only_one(&mut self, slot: &mut Option<Name>, candidates: &[Name], key: &str, what: &str, at: At) {
        if slot.is_some() {
            return;
        }
        match candidates {
            [] => {}
            [only] => *slot = Some(only.clone()),
            several => {
                let listed: Vec<&str> = several.iter().map(Name::as_str).collect();
                let message = format!("`{key}` is needed: there are {} {what}s", several.len());
                let help = format!("say `{key} = \"…\"`, one of {}", quoted(&listed));
                self.report(Diagnostic::error("check::ambiguous", message, at, "which one is not said").help(help));
            }
        }
    }

    /// Whether the catalogue has that; complains when it knows its names and has not.
    pub(crate) fn in_catalogue(&mut self, kind: CatalogueKind, name: &Name) {
        let Some(known) = (self.catalogue)(&self.edition, kind) else {
            return;
        };
        if known.contains(&name.as_str()) {
            return;
        }
        let message = format!("the catalogue has no {} `{name}`", kind.text());
        let help = did_you_mean(&name.text, known.iter().copied(), "it has");
        self.report(Diagnostic::error("check::unknown-plan", message, name.at, "unknown name").maybe_help(help));
    }
}

/// “pool or queue”.
pub(crate) fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}

fn quoted(words: &[&str]) -> String {
    let all: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    all.join(", ")
}
