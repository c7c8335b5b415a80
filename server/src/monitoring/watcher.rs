//! The rules over what the server reads of itself, as the simulator's monitor drives them.
//!
//! Owns: each rule's machine, since when its condition holds, what it last read.
//! Never: who is told, what they are told.

use std::collections::BTreeMap;

use highwater_models::SimTime;
use highwater_models::machine::alert::{Alert, Look};
use highwater_program::model::Monitoring;

use crate::backend::Reading;

/// What a look at a rule came to.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Seen {
    /// Number of the rule, in the order of the file.
    pub rule: usize,
    /// What it came to.
    pub look: Look,
    /// What was read; not a number where there was nothing to be read.
    pub reading: f64,
    /// Since which look its condition holds, or has held until now.
    pub since: SimTime,
}

/// The rules of a system.
#[derive(Debug)]
pub struct Watcher {
    /// By rule: the name that its reading has, and the machine.
    rules: Vec<(String, Alert)>,
    since: Vec<Option<SimTime>>,
    /// By name: what had been counted at the last look.
    counts: BTreeMap<String, f64>,
}

impl Watcher {
    /// Rules that have not looked yet.
    #[must_use]
    pub fn new(spec: &Monitoring) -> Self {
        let rules = spec.rules.iter().map(|rule| {
            // Waiting is also called `queue`.
            let name = match rule.watch.strip_suffix(".queue") {
                Some(part) => format!("{part}.waiting"),
                None => rule.watch.clone(),
            };
            (name, Alert::new(rule.config))
        });
        Self {
            rules: rules.collect(),
            since: vec![None; spec.rules.len()],
            counts: BTreeMap::new(),
        }
    }

    /// Rules that watch what is not among these readings.
    pub fn blind<'a>(&'a self, readings: &'a [Reading]) -> impl Iterator<Item = usize> + 'a {
        let watches = |name: &str| readings.iter().any(|reading| reading.name == name);
        let rules = self.rules.iter().enumerate();
        rules.filter_map(move |(number, (name, _))| (!watches(name)).then_some(number))
    }

    /// Looks at all rules. Readings of single instances are not looked at; of what only grows, what has come since the last
    /// look is.
    pub fn look(&mut self, now: SimTime, readings: &[Reading]) -> Vec<Seen> {
        let mut all: BTreeMap<&str, f64> = BTreeMap::new();
        let whole = || readings.iter().filter(|reading| reading.instance.is_none());
        for reading in whole() {
            let value = if reading.is_count {
                reading.value - self.counts.get(&reading.name).copied().unwrap_or(0.0)
            } else {
                reading.value
            };
            all.insert(&reading.name, value);
        }
        let seen = self.rules.iter_mut().zip(&mut self.since).enumerate();
        let seen = seen.map(|(rule, ((name, alert), since))| {
            let reading = all.get(name.as_str()).copied().unwrap_or(f64::NAN);
            if alert.config().holds(reading) {
                since.get_or_insert(now);
            }
            let look = alert.look(now, reading);
            let began = since.unwrap_or(now);
            if matches!(look, Look::Calm | Look::Resolves) {
                *since = None;
            }
            Seen {
                rule,
                look,
                reading,
                since: began,
            }
        });
        let seen = seen.collect();
        for reading in whole().filter(|reading| reading.is_count) {
            self.counts.insert(reading.name.clone(), reading.value);
        }
        seen
    }
}
