//! What counts as agreement.
//!
//! Owns: the verdict on a difference and its interval. Never: intervals (`apart`), words (`report`).

use highwater_models::record::figures::{Estimate, Path, Unit};
use highwater_models::record::histogram::Histogram;

use super::part::quantile;

/// What can be said of a figure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What difference there is may be chance, and cannot be large; or it is so small that nobody would act on it.
    Agrees,
    /// They differ for sure, by no more than is tolerated.
    Tolerated,
    /// They differ for sure.
    Differs,
    /// Too little is known: the interval has no difference in it and large ones as well, or reaches over the edge of what
    /// is tolerated.
    Undecided,
    /// Nothing can be said.
    NotComparable(Reason),
}

impl Verdict {
    /// Whether simulation and measured run agree as far as was asked.
    #[must_use]
    pub const fn is_agreement(self) -> bool {
        matches!(self, Self::Agrees | Self::Tolerated)
    }
}

/// Why nothing can be said of a figure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Only the simulation has it.
    OnlySimulated,
    /// Only the measured run has it.
    OnlyMeasured,
    /// The measured run has no reading at the user, only the load tool's, which counts other things.
    ToolOnly,
    /// A side observed nothing to take it from.
    NotObserved,
    /// It counts in different things.
    Units,
    /// Too few requests to say how far it may be off.
    TooFew,
    /// Nothing says how far it may be off.
    NoInterval,
}

/// Differences that count as none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Of every figure: a share of the measured value; of figures that are shares themselves at least a tenth of it in
    /// points.
    pub all: f64,
    /// Of figures that have one of their own.
    pub own: Vec<(Path, f64)>,
}

/// Seconds below which clocks and timers of a real machine say nothing.
const MOMENT: f64 = 0.0005;

/// Points of a share that nobody would act on.
const POINT: f64 = 0.001;

/// A share of any figure that nobody would act on.
const LEAST: f64 = 0.001;

/// The same of percentiles, which are read off the buckets of two histograms.
const GRAIN: f64 = 2.0 * Histogram::RELATIVE_ERROR;

/// A stage's part of the mean latency that nobody would act on.
const STAGE: f64 = 0.002;

/// Half an interval's width, as a share of the figure, beyond which "no difference seen" is no agreement.
const WIDE: f64 = 0.5;

/// The same in points, for shares.
const WIDE_POINTS: f64 = 0.05;

/// The same for a stage, as a share of the mean latency.
const WIDE_STAGE: f64 = 0.1;

impl Tolerance {
    /// How far a figure may be off, in its unit. `whole` is what it is a part of, for the time in a stage: the mean latency;
    /// else NaN.
    #[must_use]
    pub fn of(&self, path: &Path, unit: Unit, measured: f64, whole: f64) -> f64 {
        let own = self.own.iter().find(|(known, _)| known == path);
        let share = own.map_or(self.all, |&(_, share)| share);
        let is_percentile = path.0.last().is_some_and(|name| quantile(name).is_some());
        let least = if is_percentile { GRAIN } else { LEAST };
        let mut most = share.max(least) * measured.abs();
        match unit {
            Unit::Share => most = most.max(share / 10.0).max(POINT),
            Unit::Seconds => most = most.max(MOMENT),
            _ => {}
        }
        if whole.is_finite() {
            most = most.max(share / 10.0 * whole).max(STAGE * whole);
        }
        most
    }

    /// The verdict on a difference of the two values, simulated and measured.
    #[must_use]
    pub fn judge(
        &self,
        path: &Path,
        unit: Unit,
        (simulated, measured): (f64, f64),
        difference: &Estimate,
        whole: f64,
    ) -> Verdict {
        if !simulated.is_finite() || !measured.is_finite() {
            return Verdict::NotComparable(Reason::NotObserved);
        }
        if difference.low.is_none() && difference.high.is_none() {
            return Verdict::NotComparable(Reason::NoInterval);
        }
        let most = self.of(path, unit, measured, whole);
        let low = difference.low.unwrap_or(f64::NEG_INFINITY);
        let high = difference.high.unwrap_or(f64::INFINITY);
        let size = difference.value.abs();
        if -most <= low && high <= most {
            let least = Self::default().of(path, unit, measured, whole);
            let is_nothing = -least <= low && high <= least;
            return if is_nothing || (low <= 0.0 && high >= 0.0) {
                Verdict::Agrees
            } else {
                Verdict::Tolerated
            };
        }
        if low > 0.0 || high < 0.0 {
            return if size > most {
                Verdict::Differs
            } else {
                Verdict::Undecided
            };
        }
        let mut wide = WIDE * simulated.abs().max(measured.abs());
        if unit == Unit::Share {
            wide = wide.max(WIDE_POINTS);
        }
        if whole.is_finite() {
            wide = wide.max(WIDE_STAGE * whole);
        }
        if (high - low) / 2.0 <= wide {
            Verdict::Agrees
        } else {
            Verdict::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(tolerance: f64, measured: f64, (low, high): (f64, f64)) -> Verdict {
        let tolerance = Tolerance {
            all: tolerance,
            own: Vec::new(),
        };
        let difference = Estimate {
            value: f64::midpoint(low, high),
            low: Some(low),
            high: Some(high),
        };
        let simulated = measured + difference.value;
        let path = Path::new(&["latency", "p95"]);
        tolerance.judge(&path, Unit::Seconds, (simulated, measured), &difference, f64::NAN)
    }

    // Lost if broken: an interval from next to nothing to everything is sold as agreement, or a difference that was
    // accepted fails a check.
    #[test]
    fn agreement_is_seen_or_accepted_and_never_ignorance() {
        assert_eq!(judge(0.0, 1.0, (-0.1, 0.15)), Verdict::Agrees);
        assert_eq!(judge(0.0, 1.0, (-2.0, 2.5)), Verdict::Undecided);
        assert_eq!(judge(0.0, 1.0, (0.02, 0.06)), Verdict::Differs);
        assert_eq!(judge(0.1, 1.0, (0.02, 0.06)), Verdict::Tolerated);
        assert_eq!(judge(0.1, 1.0, (0.06, 0.12)), Verdict::Undecided);
        assert_eq!(judge(0.1, 1.0, (0.09, 0.15)), Verdict::Differs);
        // Less than a timer's grain.
        assert_eq!(judge(0.0, 0.01, (0.0001, 0.0003)), Verdict::Agrees);
    }

    // Lost if broken: a percentile whose upper end nobody knows passes for known.
    #[test]
    fn an_open_end_decides_only_where_the_other_does() {
        let tolerance = Tolerance::default();
        let path = Path::new(&["latency", "p99"]);
        let open = |low: f64| Estimate {
            value: 1.0,
            low: Some(low),
            high: None,
        };
        let judge = |low: f64| tolerance.judge(&path, Unit::Seconds, (3.0, 2.0), &open(low), f64::NAN);
        assert_eq!(judge(0.5), Verdict::Differs);
        assert_eq!(judge(-0.5), Verdict::Undecided);
    }
}
