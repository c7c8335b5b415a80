//! How many instances there should be, by the rule that Render documents.
//!
//! Owns: the samples of the last window, and for how long there have been too many instances.
//! Never: instances; it is told how many there are and answers how many there should be.
//!
//! For each metric with a target the wanted number is `ceil(n × mean / target)`, the larger of the two counts, within
//! `min` and `max` (docs: 2 instances at 80 % with a target of 60 % make 3). More are started at once; fewer only after
//! the reading has asked for fewer at each evaluation over the time `down`. How long the platform's windows are is not
//! published, so they are settings.

use std::collections::VecDeque;

use crate::{SimSpan, SimTime};

#[cfg(test)]
mod tests;

/// A quotient this close to a whole number, as a share of it, is that number: 3 × 0.8 / 0.6 is 4 on paper and a hair more
/// in binary.
const CEILING_SLACK: f64 = 1e-9;

/// Settings of the autoscaler.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct AutoscalerConfig {
    /// Fewest instances.
    pub min: u32,
    /// Most instances; not below `min`, which wins.
    pub max: u32,
    /// Target of the CPU's reading, as a share.
    pub cpu: Option<f64>,
    /// Target of the memory's reading, as a share.
    pub memory: Option<f64>,
    /// Time between evaluations.
    pub every: SimSpan,
    /// Readings are averaged over this long.
    pub window: SimSpan,
    /// Fewer are wanted for this long before one goes; [`SimSpan::FOREVER`] for never.
    pub down: SimSpan,
    /// No change while the reading is within this share of its target.
    pub tolerance: f64,
    /// Whether a reading above 1 counts as 1, as a platform that measures a limited CPU sees it.
    pub cap_signal: bool,
}

/// What to do.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Hold,
    /// Start so many.
    Up(u32),
    /// Stop so many.
    Down(u32),
}

/// Why.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ScalingReason {
    /// No sample in the window, or no metric has a target.
    NoReading,
    /// The number is right, or the reading near enough to its target.
    OnTarget,
    /// The reading asks for more.
    AboveTarget,
    /// The reading asks for more than `max` allows.
    AtMax,
    /// The reading asks for fewer, but not for long enough.
    BelowNotLong,
    /// The reading has asked for fewer for long enough.
    BelowLong,
    /// There are fewer than `min`.
    UnderMin,
    /// There are more than `max`.
    OverMax,
}

impl ScalingReason {
    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoReading => "no_reading",
            Self::OnTarget => "on_target",
            Self::AboveTarget => "above_target",
            Self::AtMax => "at_max",
            Self::BelowNotLong => "below_not_long",
            Self::BelowLong => "below_long",
            Self::UnderMin => "under_min",
            Self::OverMax => "over_max",
        }
    }
}

/// What came of an evaluation.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean reading that decided, of the metric that wants more instances; 0 without one.
    pub reading: f64,
    /// How many there should be.
    pub desired: u32,
    /// What to do now.
    pub change: Change,
    /// Why.
    pub reason: ScalingReason,
}

/// A sample.
#[derive(Copy, Clone, Debug)]
struct Sample {
    at: SimTime,
    cpu: f64,
    memory: f64,
    ready: u32,
}

/// The autoscaler of one service.
#[derive(Clone, Debug)]
pub struct Autoscaler {
    config: AutoscalerConfig,
    samples: VecDeque<Sample>,
    /// Since when every evaluation has asked for fewer.
    below_since: Option<SimTime>,
    next: SimTime,
}

impl Autoscaler {
    /// An autoscaler without a sample.
    #[must_use]
    pub fn new(config: AutoscalerConfig) -> Self {
        Self {
            config,
            samples: VecDeque::new(),
            below_since: None,
            next: SimTime::ZERO + config.every,
        }
    }

    /// The mean use over the `ready` instances since the sample before, as shares of their plan.
    pub fn on_sample(&mut self, now: SimTime, reading_cpu: f64, reading_memory: f64, ready: u32) {
        self.drop_old(now);
        let capped = |reading: f64| {
            let reading = if reading > 0.0 { reading } else { 0.0 };
            if self.config.cap_signal {
                reading.min(1.0)
            } else {
                reading
            }
        };
        let sample = Sample {
            at: now,
            cpu: capped(reading_cpu),
            memory: capped(reading_memory),
            ready,
        };
        self.samples.push_back(sample);
    }

    /// Decides, with `current` instances ready or booting. To be called every [`AutoscalerConfig::every`].
    pub fn evaluate(&mut self, now: SimTime, current: u32) -> Evaluation {
        self.drop_old(now);
        self.next = now + self.config.every;
        let (min, max) = (self.config.min, self.config.max.max(self.config.min));
        let wanted = self.wanted(current);
        let (reading, wanted) = wanted.map_or((0.0, None), |(reading, wanted)| (reading, Some(wanted)));
        let desired = wanted.unwrap_or(current).clamp(min, max);
        let (change, reason) = if current < min {
            self.below_since = None;
            (Change::Up(desired - current), ScalingReason::UnderMin)
        } else if current > max {
            self.below_since = None;
            (Change::Down(current - max), ScalingReason::OverMax)
        } else if desired > current {
            self.below_since = None;
            (Change::Up(desired - current), ScalingReason::AboveTarget)
        } else if desired < current {
            self.lower(now, current - desired)
        } else {
            self.below_since = None;
            let reason = match wanted {
                None => ScalingReason::NoReading,
                Some(wanted) if wanted > max => ScalingReason::AtMax,
                Some(_) => ScalingReason::OnTarget,
            };
            (Change::Hold, reason)
        };
        Evaluation {
            reading,
            desired,
            change,
            reason,
        }
    }

    /// When to call [`Autoscaler::evaluate`] next.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        self.next
    }

    /// Changes the settings for what is decided from now on.
    pub fn set_config(&mut self, config: AutoscalerConfig) {
        self.config = config;
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &AutoscalerConfig {
        &self.config
    }

    /// Fewer are wanted: now or not yet. A stretch ends with the instances that go; the next begins with the next
    /// evaluation.
    fn lower(&mut self, now: SimTime, surplus: u32) -> (Change, ScalingReason) {
        let since = *self.below_since.get_or_insert(now);
        if self.config.down == SimSpan::FOREVER || now.since(since) < self.config.down {
            return (Change::Hold, ScalingReason::BelowNotLong);
        }
        self.below_since = None;
        (Change::Down(surplus), ScalingReason::BelowLong)
    }

    /// Mean reading and wanted number of the metric that wants more.
    fn wanted(&self, current: u32) -> Option<(f64, u32)> {
        let cpu = self.wanted_by(current, self.config.cpu, |sample| sample.cpu);
        let memory = self.wanted_by(current, self.config.memory, |sample| sample.memory);
        match (cpu, memory) {
            (Some(cpu), Some(memory)) if memory.1 > cpu.1 => Some(memory),
            (None, memory) => memory,
            (cpu, _) => cpu,
        }
    }

    /// Mean reading and wanted number of one metric.
    fn wanted_by(&self, current: u32, target: Option<f64>, of: impl Fn(&Sample) -> f64) -> Option<(f64, u32)> {
        let target = target.filter(|&target| target > 0.0)?;
        // Each instance counts the same, so a sample of many weighs more.
        let instances: u64 = self.samples.iter().map(|sample| u64::from(sample.ready)).sum();
        if instances == 0 {
            return None;
        }
        let sum: f64 = self
            .samples
            .iter()
            .map(|sample| of(sample) * f64::from(sample.ready))
            .sum();
        let mean = sum / instances as f64;
        if (mean / target - 1.0).abs() <= self.config.tolerance {
            return Some((mean, current));
        }
        Some((mean, ceiling(f64::from(current) * mean / target)))
    }

    /// Drops samples that are as old as the window.
    fn drop_old(&mut self, now: SimTime) {
        let window = self.config.window;
        while self.samples.front().is_some_and(|sample| sample.at + window <= now) {
            self.samples.pop_front();
        }
    }
}

/// The smallest whole number not below `quotient`, allowing for rounding errors.
fn ceiling(quotient: f64) -> u32 {
    let whole = quotient.round();
    // `as` saturates.
    if (quotient - whole).abs() <= CEILING_SLACK * whole.max(1.0) {
        whole as u32
    } else {
        quotient.ceil() as u32
    }
}
