//! Requests one by one, simulated or measured: what `requests.csv` says, kept small.
//!
//! Owns: the rows, their names, and how many are kept. Never: reading files (`report`), sums (`part`).
//! Memory is bounded: rows beyond [`Trace::MOST`] are counted and left out, and so is a run with more names than a row
//! can number.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::experiment::{RequestLog, RequestOutcome};

/// Names by number, each once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    order: Vec<String>,
    numbers: FxHashMap<String, u16>,
}

impl Names {
    /// The most names of a kind: far more than any system has, few enough for a row to number.
    pub const MOST: usize = 4096;

    /// The number of a name, which is added if it is new; `None` where there are too many.
    pub fn number(&mut self, name: &str) -> Option<u16> {
        if let Some(&known) = self.numbers.get(name) {
            return Some(known);
        }
        let number = u16::try_from(self.order.len())
            .ok()
            .filter(|_| self.order.len() < Self::MOST)?;
        self.order.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Some(number)
    }

    /// The number of a known name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).map(|&number| usize::from(number))
    }

    /// The name of a number; empty where there is none.
    #[must_use]
    pub fn name(&self, number: u16) -> &str {
        self.order.get(usize::from(number)).map_or("", String::as_str)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All names in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }
}

/// One request over all its attempts.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Row {
    /// Replication, from 0; of a measured run its repeat.
    pub replication: u32,
    /// Seconds from the start to its intended first try.
    pub at: f64,
    /// Source of traffic, by its number among the names.
    pub source: u16,
    /// Session, by its number within the source.
    pub session: u64,
    /// Endpoint, by its number among the names.
    pub endpoint: u16,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// Why, where it did not end well, by its number among the names.
    pub cause: Option<u16>,
    /// Seconds from its first try to its end; NaN where it has none.
    pub latency: f64,
}

/// Requests with their names.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Sources.
    pub sources: Names,
    /// Endpoints.
    pub endpoints: Names,
    /// Causes of failure, as the file names them: a measured run may know others than ours.
    pub causes: Names,
    /// Stages, such as `wait.web`.
    pub stages: Vec<String>,
    /// Requests that were left out because there are too many.
    pub left_out: u64,
    rows: Vec<Row>,
    /// The rows of each replication, in their order.
    of: BTreeMap<u32, Vec<u32>>,
    /// Seconds by stage, as many for each row as there are stages.
    times: Vec<f32>,
}

impl Trace {
    /// Rows that are kept: some hours of a busy product, and with twenty stages 300 MB.
    pub const MOST: usize = 2_000_000;

    /// Without rows.
    #[must_use]
    pub fn new(stages: Vec<String>) -> Self {
        Self {
            stages,
            ..Self::default()
        }
    }

    /// Adds a row with its seconds by stage; those that are missing or no numbers are none.
    pub fn push(&mut self, row: Row, stages: impl IntoIterator<Item = f64>) {
        if self.rows.len() >= Self::MOST {
            self.left_out += 1;
            return;
        }
        let number = self.rows.len() as u32;
        self.of.entry(row.replication).or_default().push(number);
        self.rows.push(row);
        let seconds = stages
            .into_iter()
            .map(|time| if time.is_finite() { time as f32 } else { 0.0 });
        let padded = seconds.chain(std::iter::repeat(0.0));
        self.times.extend(padded.take(self.stages.len()));
    }

    /// How many rows are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in their order.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Seconds by stage of the row with that number.
    #[must_use]
    pub fn times(&self, row: usize) -> &[f32] {
        let count = self.stages.len();
        self.times.get(row * count..(row + 1) * count).unwrap_or_default()
    }

    /// The numbers of the rows of a replication, in their order.
    #[must_use]
    pub fn of(&self, replication: u32) -> &[u32] {
        self.of.get(&replication).map_or(&[], Vec::as_slice)
    }

    /// The replications that the rows are of.
    #[must_use]
    pub fn replications(&self) -> Vec<u32> {
        self.of.keys().copied().collect()
    }
}

impl From<&RequestLog> for Trace {
    fn from(log: &RequestLog) -> Self {
        let names = |list: &[String]| {
            let mut names = Names::default();
            for name in list {
                names.number(name);
            }
            names
        };
        let mut trace = Self {
            sources: names(&log.sources),
            endpoints: names(&log.endpoints),
            ..Self::new(log.stages.clone())
        };
        for row in &log.rows {
            let cause = row.cause.and_then(|cause| trace.causes.number(cause.name()));
            trace.push(
                Row {
                    replication: row.replication,
                    at: row.at,
                    source: row.source,
                    session: row.session,
                    endpoint: row.endpoint,
                    outcome: row.outcome,
                    cause,
                    latency: row.latency,
                },
                row.stages.iter().copied(),
            );
        }
        trace
    }
}
