//! How two runs look side by side: window by window, and how their latencies are spread.
//!
//! Owns: the points of the pictures. Never: drawing (`report`).

use super::batch::Span;
use super::part::{Part, Reading};
use super::region::Sides;

/// Seconds of a window at least.
const WINDOW: f64 = 1.0;

/// The most windows.
const MOST: usize = 60;

/// Shares at which a distribution is read: close together where latencies are far apart.
const SHARES: usize = 200;

/// A figure of a window: over replications their mean, lowest and highest.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Reach {
    /// The mean, or the only value; NaN where nothing was observed.
    pub value: f64,
    /// The lowest; equal to the value where there is one.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

/// What both sides had in a window.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Window {
    /// Seconds from the start to its middle.
    pub at: f64,
    /// Useful requests a second that arrived in it, simulated and measured.
    pub useful: (Reach, Reach),
    /// Seconds that half of them stay below.
    pub p50: (Reach, Reach),
    /// Seconds that 95 % of them stay below.
    pub p95: (Reach, Reach),
    /// Share of requests that arrived in it and did not end well.
    pub errors: (Reach, Reach),
}

/// Both runs in points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Seconds of a window.
    pub length: f64,
    /// Windows in order of time.
    pub windows: Vec<Window>,
    /// Shares of useful requests, and the seconds that so many take at most: simulated and measured.
    pub distribution: Vec<(f64, f64, f64)>,
}

/// The shape of both sides.
#[must_use]
pub fn shape(sides: &Sides<'_>) -> Shape {
    let count = ((sides.span.length() / WINDOW) as usize).clamp(1, MOST);
    let (simulated, measured) = (sides.simulated_runs(count), sides.measured_runs(count));
    let windows = (0..count).map(|window| {
        let both = |reading: Reading| (reach(&simulated, window, reading), reach(&measured, window, reading));
        Window {
            at: middle(sides.span, window, count),
            useful: both(Reading::Goodput),
            p50: both(Reading::Quantile(None, 0.5)),
            p95: both(Reading::Quantile(None, 0.95)),
            errors: both(Reading::Errors(None)),
        }
    });
    let all = |runs: &[Vec<Part>]| {
        let mut sum = Part::default();
        runs.iter().flatten().for_each(|part| sum.merge(part, true));
        sum
    };
    let (one, other) = (all(&simulated), all(&measured));
    let distribution = (1..SHARES).map(|step| {
        let share = step as f64 / SHARES as f64;
        let at = |part: &Part| Reading::Quantile(None, share).value(part);
        (share, at(&one), at(&other))
    });
    Shape {
        length: sides.span.length() / count as f64,
        windows: windows.collect(),
        distribution: distribution.collect(),
    }
}

fn middle(span: Span, window: usize, count: usize) -> f64 {
    span.from + (window as f64 + 0.5) * span.length() / count as f64
}

fn reach(runs: &[Vec<Part>], window: usize, reading: Reading) -> Reach {
    let values: Vec<f64> = runs
        .iter()
        .filter_map(|run| run.get(window))
        .map(|part| reading.value(part))
        .filter(|value| value.is_finite())
        .collect();
    if values.is_empty() {
        return Reach {
            value: f64::NAN,
            low: f64::NAN,
            high: f64::NAN,
        };
    }
    Reach {
        value: values.iter().sum::<f64>() / values.len() as f64,
        low: values.iter().copied().fold(f64::INFINITY, f64::min),
        high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    }
}
