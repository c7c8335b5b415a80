//! A case: a file, the figures to be read from its result, and what theory says of them.
//!
//! Owns: what a case consists of. Never: formulas (`theory`), judgements (`judge`).

use highwater_models::bundled;
use highwater_models::catalogue;
use highwater_models::file::{Loaded, NoFiles, Plan, Request, load_scenario, render_all};
use highwater_models::record::figures::Unit;

use crate::experiment::Outcome;

/// What a case is about.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// One server, one line, any law.
    OneServer,
    /// Several servers; lines with few places or none.
    Servers,
    /// People who give up.
    Patience,
    /// Cores that are shared, event loops, threads, quotas.
    Processors,
    /// Stations one after another, and closed populations.
    Networks,
    /// Who goes first.
    Priorities,
    /// Several instances behind a balancer.
    Balancing,
    /// Caches.
    Caches,
    /// Rate limiters.
    Limiters,
    /// Job queues and their windows.
    Windows,
    /// Attempts, waits between them, budgets, breakers.
    Retries,
    /// Something held while waiting for something else.
    Possession,
    /// Arrivals that come in bursts and batches.
    Bursts,
    /// What happens on the way.
    Transients,
    /// Autoscaling, deploys, deaths.
    Lives,
    /// Refusing early, degrading, faults.
    Protection,
    /// Model providers and money.
    Providers,
}

impl Group {
    /// The heading of the group's table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneServer => "One server",
            Self::Servers => "Several servers",
            Self::Patience => "Patience",
            Self::Processors => "Processors",
            Self::Networks => "Networks",
            Self::Priorities => "Priorities",
            Self::Balancing => "Balancing",
            Self::Caches => "Caches",
            Self::Limiters => "Rate limiters",
            Self::Windows => "Job queues",
            Self::Retries => "Retries and breakers",
            Self::Possession => "Simultaneous possession",
            Self::Bursts => "Bursts and batches",
            Self::Transients => "Transients",
            Self::Lives => "Scaling, deploys, deaths",
            Self::Protection => "Protection and faults",
            Self::Providers => "Providers and money",
        }
    }
}

/// Where a figure stands in a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A path in the result, as `summary.json` has it.
    Figure(&'static str),
    /// Seconds from the start to the `nth` entry, from 0, of the first replication's log that contains these words.
    Logged {
        /// Words of the entry.
        words: &'static str,
        /// Which of them.
        nth: usize,
    },
    /// Latency in seconds of a request of the first replication, by its number from 0.
    Latency(usize),
}

impl Reading {
    /// In words: the path, or what is read from the log or from the requests.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Figure(path) => (*path).to_owned(),
            Self::Logged { words, nth: 0 } => format!("logged at: {words}"),
            Self::Logged { words, nth } => format!("logged at ({}): {words}", nth + 1),
            Self::Latency(number) => format!("latency of request {}", number + 1),
        }
    }

    /// What it counts in.
    #[must_use]
    pub fn unit(&self, outcome: &Outcome) -> Unit {
        let Self::Figure(path) = self else { return Unit::Seconds };
        let mut figures = outcome.summary.figures.iter();
        let found = figures.find(|(known, _)| known.to_string() == *path);
        found.map_or(Unit::Count, |(_, figure)| figure.unit)
    }

    /// One value for each replication that observed it; nothing where the result has no such figure.
    #[must_use]
    pub fn samples(&self, outcome: &Outcome) -> Vec<f64> {
        match self {
            Self::Figure(path) => {
                let mut figures = outcome.summary.figures.iter();
                let found = figures.find(|(known, _)| known.to_string() == *path);
                found.map_or_else(Vec::new, |(_, figure)| figure.samples.clone())
            }
            Self::Logged { words, nth } => {
                let log = outcome.summary.log.iter();
                let mut found = log.filter(|entry| entry.text.contains(words));
                found.nth(*nth).map(|entry| entry.at).into_iter().collect()
            }
            Self::Latency(number) => {
                let rows = outcome.requests.as_ref().map_or(&[][..], |log| &log.rows);
                let mut found = rows.iter().filter(|row| row.replication == 0);
                found.nth(*number).map(|row| row.latency).into_iter().collect()
            }
        }
    }
}

/// What theory says of a figure.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Expectation {
    /// An expectation: the interval has to contain it and be no wider than `narrow` of it to each side.
    Mean {
        /// The value.
        value: f64,
        /// The widest that half of the interval may be, as a share of the value.
        narrow: f64,
    },
    /// The value in every replication, to a nanosecond, or a thousand-millionth of it where that is more.
    Exact(f64),
}

impl Expectation {
    /// The value.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::Mean { value, .. } | Self::Exact(value) => value,
        }
    }
}

/// A figure and what it has to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Where it stands.
    pub reading: Reading,
    /// What theory says.
    pub expectation: Expectation,
}

/// A system and what theory says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is about.
    pub group: Group,
    /// Its name on the command line.
    pub id: &'static str,
    /// What it holds the engine to, in a line.
    pub shows: &'static str,
    /// Where the formulas come from.
    pub source: &'static str,
    /// The scenario file, its system inside.
    pub file: String,
    /// Replications at each seed.
    pub replications: u32,
    /// The figures.
    pub checks: Vec<Check>,
}

/// Replications of a case that does not say otherwise.
const REPLICATIONS: u32 = 30;

impl Case {
    /// A case without a file and figures.
    #[must_use]
    pub fn new(group: Group, id: &'static str, shows: &'static str, source: &'static str) -> Self {
        Self {
            group,
            id,
            shows,
            source,
            file: String::new(),
            replications: REPLICATIONS,
            checks: Vec::new(),
        }
    }

    /// With this file.
    #[must_use]
    pub fn file(mut self, text: impl Into<String>) -> Self {
        self.file = text.into();
        self
    }

    /// With a steady load of so many seconds, of which the first tenth is left out: a system without a beginning.
    #[must_use]
    pub fn steady(self, load: &str, seconds: u32, system: &str) -> Self {
        let from = seconds / 10;
        self.file(format!(
            "duration = \"{seconds}s\"\n\n[load]\n{load}\n\n[measure]\nfrom = \"{from}s\"\n\n{system}"
        ))
    }

    /// With so many replications.
    #[must_use]
    pub const fn replications(mut self, replications: u32) -> Self {
        self.replications = replications;
        self
    }

    /// And this figure, whose interval may be `narrow` of the value to each side.
    #[must_use]
    pub fn mean(mut self, path: &'static str, value: f64, narrow: f64) -> Self {
        self.checks.push(Check {
            reading: Reading::Figure(path),
            expectation: Expectation::Mean { value, narrow },
        });
        self
    }

    /// And this figure, which chance has no part in.
    #[must_use]
    pub fn exact(self, path: &'static str, value: f64) -> Self {
        self.exactly(Reading::Figure(path), value)
    }

    /// And this entry of the log, at exactly this second.
    #[must_use]
    pub fn logged(self, words: &'static str, nth: usize, seconds: f64) -> Self {
        self.exactly(Reading::Logged { words, nth }, seconds)
    }

    /// And exactly this latency of a request in seconds.
    #[must_use]
    pub fn latency(self, number: usize, seconds: f64) -> Self {
        self.exactly(Reading::Latency(number), seconds)
    }

    fn exactly(mut self, reading: Reading, value: f64) -> Self {
        self.checks.push(Check {
            reading,
            expectation: Expectation::Exact(value),
        });
        self
    }

    /// Whether chance has no part in any of its figures.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let is_exact = |check: &Check| matches!(check.expectation, Expectation::Exact(_));
        self.checks.iter().all(is_exact)
    }

    /// Whether it reads single requests.
    #[must_use]
    pub fn reads_requests(&self) -> bool {
        let mut checks = self.checks.iter();
        checks.any(|check| matches!(check.reading, Reading::Latency(_)))
    }

    /// The plan that its file stands for.
    ///
    /// # Errors
    /// The mistakes in the file, as text.
    pub fn plan(&self) -> Result<Plan, String> {
        let systems: Vec<&str> = bundled::systems().iter().map(|system| system.name).collect();
        let request = Request {
            name: self.id,
            text: self.file.clone(),
            settings: &[],
            is_bundled: false,
            bundled_systems: &systems,
            catalogue: catalogue::names,
        };
        let Loaded {
            plan,
            diagnostics,
            sources,
        } = load_scenario(request, &NoFiles, bundled::system);
        plan.ok_or_else(|| render_all(&diagnostics, &sources, false))
    }
}
