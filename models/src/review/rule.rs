//! A rule of the review, and the list of all of them.
//!
//! Owns: [`Rule`], the order of the families.
//! Never: any rule's arithmetic.

use super::design::Design;
use super::finding::Severity;
use super::{
    alert, cache, connections, cpu, degradation, limiter, lives, load, memory, money, plan, provider, queue, retry,
    scaling, timeout, unused,
};

/// One thing that can be wrong with a design.
#[derive(Debug)]
pub struct Rule {
    /// Stable: files allow findings by it.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it looks for and why that matters.
    pub meaning: &'static str,
    /// What the rule rests on.
    pub source: &'static str,
    /// When that was read.
    pub date: &'static str,
    pub(super) check: fn(&Design<'_>) -> Vec<Found>,
}

/// A finding before its rule's name is on it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) subject: String,
    pub(super) title: String,
    pub(super) arithmetic: String,
    pub(super) cure: String,
}

/// Families in the order in which a reader would ask: what does not fit, what cannot act, what fails together, what it
/// costs.
const FAMILIES: [&[Rule]; 17] = [
    connections::RULES,
    provider::RULES,
    queue::RULES,
    scaling::RULES,
    cpu::RULES,
    memory::RULES,
    limiter::RULES,
    timeout::RULES,
    retry::RULES,
    cache::RULES,
    load::RULES,
    degradation::RULES,
    alert::RULES,
    lives::RULES,
    plan::RULES,
    unused::RULES,
    money::RULES,
];

/// Every rule, in the order of their families.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The rule of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// Every id, in the order of the rules.
pub fn ids() -> impl Iterator<Item = &'static str> + Clone {
    FAMILIES.iter().flat_map(|family| family.iter()).map(|rule| rule.id)
}
