//! Whether a figure agrees with theory, and how sure that is.
//!
//! Owns: the interval at the level of a case, and the verdict. Never: what is judged.

use highwater_models::record::figures::Unit;

use super::case::{Case, Expectation, Reading};
use crate::experiment::Outcome;
use crate::interval::quantile;

/// Probability that a case whose figures all agree with theory is not seen to.
pub const MISS: f64 = 0.001;

/// An exact figure may be off by so much in base units: times are whole nanoseconds.
const NANOSECOND: f64 = 1e-9;

/// What came of a figure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Theory lies in the interval, and the interval is narrow.
    Agrees,
    /// Theory does not lie in the interval.
    Differs,
    /// The interval is wider than the case allows: it could not have missed.
    Vague,
    /// The result has no such figure, or not in enough replications for an interval.
    Missing,
}

impl Verdict {
    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Vague => "vague",
            Self::Missing => "missing",
        }
    }
}

/// A figure beside what theory says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which figure.
    pub reading: Reading,
    /// What it counts in.
    pub unit: Unit,
    /// What theory says.
    pub expectation: Expectation,
    /// The mean over replications; NaN where nothing was observed.
    pub simulated: f64,
    /// Half the width of the interval; zero for an exact figure.
    pub half_width: f64,
    /// The widest that it may be, in the figure's unit.
    pub bound: f64,
    /// What came of it.
    pub verdict: Verdict,
}

impl Judged {
    /// How far the simulated value lies from theory, as a share of it.
    #[must_use]
    pub fn difference(&self) -> f64 {
        let theory = self.expectation.value();
        if self.simulated == theory {
            return 0.0;
        }
        (self.simulated - theory) / theory.abs()
    }

    /// How far it lies from theory in half-widths of the interval: within -1 and 1 it agrees. NaN for an exact figure.
    #[must_use]
    pub fn in_half_widths(&self) -> f64 {
        if self.half_width == 0.0 {
            return f64::NAN;
        }
        (self.simulated - self.expectation.value()) / self.half_width
    }
}

/// Judges every figure of a case; the bounds on intervals are widened by a factor.
#[must_use]
pub fn judge(case: &Case, outcome: &Outcome, widened: f64) -> Vec<Judged> {
    let samples = case.checks.iter().map(|check| check.reading.samples(outcome));
    let mut judged = judge_samples(case, &samples.collect::<Vec<_>>(), widened);
    for figure in &mut judged {
        figure.unit = figure.reading.unit(outcome);
    }
    judged
}

/// Judges every figure of a case by its values, one for each replication, in the order of the case's checks. What they
/// count in is not known here.
#[must_use]
pub fn judge_samples(case: &Case, samples: &[Vec<f64>], widened: f64) -> Vec<Judged> {
    let is_mean = |expectation| matches!(expectation, Expectation::Mean { .. });
    let means = case.checks.iter().filter(|check| is_mean(check.expectation)).count();
    let miss = MISS / means.max(1) as f64;
    let figures = case.checks.iter().zip(samples);
    figures
        .map(|(check, samples)| {
            let (simulated, half_width) = interval(samples, miss);
            let value = check.expectation.value();
            let judged = |half_width, bound, verdict| Judged {
                reading: check.reading.clone(),
                unit: Unit::Count,
                expectation: check.expectation,
                simulated,
                half_width,
                bound,
                verdict,
            };
            match check.expectation {
                Expectation::Exact(_) => {
                    let within = NANOSECOND * value.abs().max(1.0);
                    let is_off = |sample: &f64| !sample.is_nan() && (sample - value).abs() > within;
                    let verdict = match simulated {
                        none if none.is_nan() => Verdict::Missing,
                        _ if samples.iter().any(is_off) => Verdict::Differs,
                        _ => Verdict::Agrees,
                    };
                    judged(0.0, within, verdict)
                }
                Expectation::Mean { narrow, .. } => {
                    let bound = narrow * widened * value.abs();
                    let verdict = match half_width {
                        none if none.is_nan() => Verdict::Missing,
                        half if (simulated - value).abs() > half => Verdict::Differs,
                        half if half > bound => Verdict::Vague,
                        _ => Verdict::Agrees,
                    };
                    judged(half_width, bound, verdict)
                }
            }
        })
        .collect()
}

/// The mean and half the width of Student's interval that misses with probability `miss`, over the samples that observed
/// anything. NaN for a mean of none and the width with fewer than two.
#[must_use]
pub fn interval(samples: &[f64], miss: f64) -> (f64, f64) {
    let seen: Vec<f64> = samples.iter().copied().filter(|sample| !sample.is_nan()).collect();
    let count = seen.len() as f64;
    let mean = seen.iter().sum::<f64>() / count;
    if seen.len() < 2 {
        return (mean, f64::NAN);
    }
    let squares: f64 = seen.iter().map(|sample| (sample - mean) * (sample - mean)).sum();
    (
        mean,
        quantile(count - 1.0, miss / 2.0) * (squares / (count - 1.0) / count).sqrt(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::case::Group;

    // Lost if broken: what every comparison with theory stands on.
    #[test]
    fn the_interval_is_students() {
        // t(0.9995, 4) = 8.610302, from a table.
        let (mean, half) = interval(&[1.0, 2.0, f64::NAN, 3.0, 4.0, 5.0], 0.001);
        assert_eq!(mean, 3.0);
        assert!((half - 8.610_302 * (2.5f64 / 5.0).sqrt()).abs() < 1e-4, "{half}");
        assert!(interval(&[1.0], 0.001).1.is_nan() && interval(&[], 0.001).0.is_nan());
    }

    fn verdicts(samples: &[f64], case: Case) -> Vec<Verdict> {
        let all = vec![samples.to_vec(); case.checks.len()];
        judge_samples(&case, &all, 1.0)
            .iter()
            .map(|judged| judged.verdict)
            .collect()
    }

    fn case() -> Case {
        Case::new(Group::OneServer, "id", "shows", "source")
    }

    // Lost if broken: a wide interval passes for agreement, or a narrow miss does.
    #[test]
    fn theory_has_to_lie_in_an_interval_that_is_narrow() {
        let samples: Vec<f64> = (0..100).map(|n| 10.0 + f64::from(n % 3) * 0.01).collect();
        let checks = case()
            .mean("a", 10.01, 0.01)
            .mean("b", 10.1, 0.01)
            .mean("c", 10.01, 1e-5);
        assert_eq!(
            verdicts(&samples, checks),
            [Verdict::Agrees, Verdict::Differs, Verdict::Vague]
        );
        assert_eq!(
            verdicts(&[f64::NAN, 1.0], case().mean("a", 1.0, 0.1)),
            [Verdict::Missing]
        );
    }

    // Lost if broken: one replication that is off hides among others, or an exact zero can never agree.
    #[test]
    fn an_exact_figure_is_so_in_every_replication() {
        assert_eq!(verdicts(&[2.0, 2.0], case().exact("a", 2.0)), [Verdict::Agrees]);
        assert_eq!(verdicts(&[2.0, 2.0 + 1e-8], case().exact("a", 2.0)), [Verdict::Differs]);
        assert_eq!(verdicts(&[0.0, 0.0], case().exact("a", 0.0)), [Verdict::Agrees]);
        assert_eq!(verdicts(&[], case().exact("a", 0.0)), [Verdict::Missing]);
    }

    // Lost if broken: a case with many figures cries wolf more often than one with few.
    #[test]
    fn more_figures_make_each_interval_wider() {
        let samples: Vec<f64> = (0..30).map(f64::from).collect();
        let width = |case: Case| {
            let all = vec![samples.clone(); case.checks.len()];
            judge_samples(&case, &all, 1.0)[0].half_width
        };
        assert!(width(case().mean("a", 1.0, 1.0).mean("b", 1.0, 1.0)) > width(case().mean("a", 1.0, 1.0)));
    }
}
