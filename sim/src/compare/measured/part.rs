//! Sums over some of a run's requests: a replication's, a batch's, those of busy windows.
//!
//! Owns: what is added up, and how a figure is read off it. Never: which requests belong together (`batch`).
//! Figures are defined as in a simulation's summary: latencies are of useful requests, the error rate counts those that
//! failed or whose user gave up.

use highwater_models::record::figures::{Estimate, Path};
use highwater_models::record::histogram::Histogram;

use super::trace::{Row, Trace};
use crate::compare::SHARE_BY_CAUSE;
use crate::experiment::RequestOutcome;
use crate::interval::{Intervals, Sample};

/// Requests of one endpoint, or of all.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// Requests that arrived.
    pub offered: f64,
    /// Of those, useful in the end.
    pub useful: f64,
    /// Of those, failed or given up in the end.
    pub failed: f64,
    /// Seconds that the useful ones took together.
    pub seconds: f64,
    /// The same one by one, in nanoseconds.
    pub latency: Histogram,
}

impl Cell {
    fn add(&mut self, row: &Row) {
        self.offered += 1.0;
        match row.outcome {
            RequestOutcome::Useful if row.latency.is_finite() => {
                self.useful += 1.0;
                self.seconds += row.latency;
                self.latency.record((row.latency.max(0.0) * 1e9) as u64);
            }
            RequestOutcome::Failed | RequestOutcome::Abandoned => self.failed += 1.0,
            RequestOutcome::Useful | RequestOutcome::InFlight => {}
        }
    }

    fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.useful += other.useful;
        self.failed += other.failed;
        self.seconds += other.seconds;
        self.latency.merge(&other.latency);
    }
}

/// Sums over some requests.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Seconds of load that they arrived in.
    pub length: f64,
    /// All of them.
    pub all: Cell,
    /// By endpoint.
    pub endpoints: Vec<Cell>,
    /// Failures by cause.
    pub causes: Vec<f64>,
    /// Seconds of useful requests by stage.
    pub stages: Vec<f64>,
}

impl Part {
    /// Nothing yet, of so many seconds of load.
    #[must_use]
    pub fn new(length: f64) -> Self {
        Self {
            length,
            ..Self::default()
        }
    }

    /// Adds the row with that number of a trace.
    pub fn add(&mut self, trace: &Trace, number: usize) {
        let row = &trace.rows()[number];
        self.all.add(row);
        let endpoint = usize::from(row.endpoint);
        if self.endpoints.len() <= endpoint {
            self.endpoints.resize_with(endpoint + 1, Cell::default);
        }
        self.endpoints[endpoint].add(row);
        if let Some(cause) = row.cause {
            let cause = usize::from(cause);
            if self.causes.len() <= cause {
                self.causes.resize(cause + 1, 0.0);
            }
            self.causes[cause] += 1.0;
        }
        if row.outcome == RequestOutcome::Useful {
            self.stages.resize(trace.stages.len(), 0.0);
            for (sum, &time) in self.stages.iter_mut().zip(trace.times(number)) {
                *sum += f64::from(time);
            }
        }
    }

    /// Adds another's sums; `longer` says that its time of load comes on top, and is not the same seconds again.
    pub fn merge(&mut self, other: &Self, longer: bool) {
        if longer {
            self.length += other.length;
        }
        self.all.merge(&other.all);
        if self.endpoints.len() < other.endpoints.len() {
            self.endpoints.resize_with(other.endpoints.len(), Cell::default);
        }
        for (mine, theirs) in self.endpoints.iter_mut().zip(&other.endpoints) {
            mine.merge(theirs);
        }
        add(&mut self.causes, &other.causes);
        add(&mut self.stages, &other.stages);
    }
}

fn add(mine: &mut Vec<f64>, theirs: &[f64]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0.0);
    }
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

/// How a figure is read off sums.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Reading {
    /// Seconds of a useful request, of an endpoint or of all.
    Mean(Option<usize>),
    /// The time that this share of useful requests stays below, of an endpoint or of all.
    Quantile(Option<usize>, f64),
    /// Share of requests that did not end well, of an endpoint or of all.
    Errors(Option<usize>),
    /// Share of requests that failed of a cause.
    Cause(usize),
    /// Seconds of a useful request in a stage.
    Stage(usize),
    /// Useful requests a second of load.
    Goodput,
}

impl Reading {
    /// How the figure at a path is read off a trace's sums; `None` where it is none of requests, or the trace has not
    /// heard of the endpoint or stage.
    #[must_use]
    pub fn of(path: &Path, trace: &Trace) -> Option<Self> {
        let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
        let (endpoint, rest) = match names.as_slice() {
            ["endpoints", name, rest @ ..] => (Some(trace.endpoints.find(name)?), rest),
            rest => (None, rest),
        };
        match *rest {
            ["latency", "mean"] => Some(Self::Mean(endpoint)),
            ["latency", percentile] => quantile(percentile).map(|share| Self::Quantile(endpoint, share)),
            ["errors", "rate"] => Some(Self::Errors(endpoint)),
            ["errors", table, cause] if table == SHARE_BY_CAUSE[1] && endpoint.is_none() => {
                // A cause that a run has not seen has been seen never.
                Some(Self::Cause(trace.causes.find(cause).unwrap_or(usize::MAX)))
            }
            ["goodput"] if endpoint.is_none() => Some(Self::Goodput),
            ["breakdown", "all", stage] => trace.stages.iter().position(|name| name == stage).map(Self::Stage),
            _ => None,
        }
    }

    fn cell(endpoint: Option<usize>, part: &Part) -> Option<&Cell> {
        endpoint.map_or(Some(&part.all), |number| part.endpoints.get(number))
    }

    /// Sum and count whose quotient the figure is; `None` for a percentile.
    #[must_use]
    pub fn quotient(self, part: &Part) -> Option<(f64, f64)> {
        let none = (0.0, 0.0);
        match self {
            Self::Mean(endpoint) => Some(Self::cell(endpoint, part).map_or(none, |cell| (cell.seconds, cell.useful))),
            Self::Errors(endpoint) => Some(Self::cell(endpoint, part).map_or(none, |cell| (cell.failed, cell.offered))),
            Self::Cause(cause) => Some((part.causes.get(cause).copied().unwrap_or(0.0), part.all.offered)),
            Self::Stage(stage) => Some((part.stages.get(stage).copied().unwrap_or(0.0), part.all.useful)),
            Self::Goodput => Some((part.all.useful, part.length)),
            Self::Quantile(..) => None,
        }
    }

    /// The figure of these requests; NaN without any.
    #[must_use]
    pub fn value(self, part: &Part) -> f64 {
        if let Self::Quantile(endpoint, share) = self {
            // Between the edges of its bucket: differences are smaller than buckets are wide.
            let cell = Self::cell(endpoint, part);
            let place = cell.and_then(|cell| Some((cell, cell.latency.place(share)?)));
            return place.map_or(f64::NAN, |(cell, place)| cell.latency.at(place) / 1e9);
        }
        match self.quotient(part) {
            Some((sum, count)) if count > 0.0 => sum / count,
            _ => f64::NAN,
        }
    }

    /// The figure of all parts together with its interval, for parts that are independent of one another: the machinery
    /// of replications, with batches in their place.
    #[must_use]
    pub fn estimate(self, parts: &[Part]) -> Estimate {
        let intervals = Intervals::new(parts.len());
        if let Self::Quantile(endpoint, share) = self {
            let none = Histogram::default();
            let each: Vec<&Histogram> = parts
                .iter()
                .map(|part| Self::cell(endpoint, part).map_or(&none, |cell| &cell.latency))
                .collect();
            return seconds(intervals.percentile(&Sample::new(&each), share));
        }
        let pairs: Vec<(f64, f64)> = parts.iter().filter_map(|part| self.quotient(part)).collect();
        match self {
            Self::Errors(_) | Self::Cause(_) => intervals.share(&pairs),
            _ => intervals.ratio(&pairs),
        }
    }

    /// Requests that say something about the figure: those beyond a percentile, those that failed.
    #[must_use]
    pub fn telling(self, part: &Part) -> f64 {
        match self {
            Self::Quantile(endpoint, share) => {
                Self::cell(endpoint, part).map_or(0.0, |cell| cell.useful * share.min(1.0 - share))
            }
            Self::Errors(_) | Self::Cause(_) => self.quotient(part).map_or(0.0, |(sum, _)| sum),
            Self::Goodput => part.all.useful,
            Self::Mean(_) | Self::Stage(_) => self.quotient(part).map_or(0.0, |(_, count)| count),
        }
    }
}

fn seconds(nanos: Estimate) -> Estimate {
    Estimate {
        value: nanos.value / 1e9,
        low: nanos.low.map(|low| low / 1e9),
        high: nanos.high.map(|high| high / 1e9),
    }
}

/// The share in `p95`.
pub(super) fn quantile(name: &str) -> Option<f64> {
    let digits = name.strip_prefix('p')?;
    let number: f64 = digits.parse().ok()?;
    (number > 0.0 && number < 100.0).then_some(number / 100.0)
}
