//! Which figures of a simulation and a measured run stand side by side.
//!
//! Owns: the list, in the order in which it is read. Never: values, verdicts.

use std::collections::BTreeSet;

use highwater_models::record::figures::{Figures, Path};

use crate::compare::SHARE_BY_CAUSE;

/// What a figure is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// The whole: load, latency, errors.
    Headline,
    /// Why requests fail.
    Cause,
    /// Where a request's time goes.
    Stage,
    /// One endpoint.
    Endpoint,
    /// A resource: how full it is, who waits for it.
    Resource,
}

impl Group {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Headline, Self::Cause, Self::Stage, Self::Endpoint, Self::Resource];
}

/// The figures of the whole. Numbers of sessions and requests come first: a difference there is one of the load, and the
/// rest then says little.
const HEADLINE: [&[&str]; 14] = [
    &["sessions", "offered"],
    &["sessions", "completed"],
    &["requests", "offered"],
    &["attempts", "per_request"],
    &["throughput"],
    &["goodput"],
    &["latency", "mean"],
    &["latency", "p50"],
    &["latency", "p95"],
    &["latency", "p99"],
    &["first_byte", "p50"],
    &["first_byte", "p95"],
    &["errors", "rate"],
    &["tool", "error_rate"],
];

/// The same of an endpoint.
const ENDPOINT: [&[&str]; 4] = [
    &["goodput"],
    &["latency", "mean"],
    &["latency", "p95"],
    &["errors", "rate"],
];

/// The same of a resource.
const RESOURCE: [&[&str]; 4] = [
    &["utilization"],
    &["queue", "mean"],
    &["wait", "mean"],
    &["wait", "p95"],
];

/// Every path that either side has a figure at, with its group.
#[must_use]
pub fn figures(simulated: &Figures, measured: &Figures) -> Vec<(Path, Group)> {
    let mut found: Vec<(Path, Group)> = Vec::new();
    let mut known: BTreeSet<Path> = BTreeSet::new();
    let has = |path: &Path| simulated.at(path).is_some() || measured.at(path).is_some();
    let mut add = |path: Path, group: Group| {
        if has(&path) && known.insert(path.clone()) {
            found.push((path, group));
        }
    };
    for path in HEADLINE {
        add(Path::new(path), Group::Headline);
    }
    let children = |prefix: &[&str]| -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for figures in [simulated, measured] {
            for name in figures.children(prefix) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    };
    for cause in children(&SHARE_BY_CAUSE) {
        add(Path::new(&SHARE_BY_CAUSE).join(&cause), Group::Cause);
    }
    for stage in children(&["breakdown", "all"]) {
        add(Path::new(&["breakdown", "all", &stage]), Group::Stage);
    }
    for (prefix, list, group) in [
        ("endpoints", &ENDPOINT, Group::Endpoint),
        ("resources", &RESOURCE, Group::Resource),
    ] {
        for name in children(&[prefix]) {
            for rest in list {
                let path = rest
                    .iter()
                    .fold(Path::new(&[prefix, &name]), |path, part| path.join(part));
                add(path, group);
            }
        }
    }
    found
}
