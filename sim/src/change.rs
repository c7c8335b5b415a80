//! What has changed between a baseline and a run of today, and what changed with it.
//!
//! Owns: which figures a baseline keeps, when two runs may be paired.
//! Never: words, files, the interval of a difference (`compare::difference`), how sure many at once are (`compare::chance`).

use highwater_models::file::Plan;
use highwater_models::record::baseline::{Baseline, BaselineFigure, BaselineRun};
use highwater_models::record::figures::{Estimate, Path, Unit};
use highwater_models::record::summary::Summary;

use crate::compare::chance;
use crate::compare::difference::{independent, is_whole, paired};
use crate::interval::mean;

/// Figures that a change is told by, best known first: latency, errors, what gets through, cost.
const HEADLINE: [&[&str]; 8] = [
    &["latency", "mean"],
    &["latency", "p50"],
    &["latency", "p95"],
    &["latency", "p99"],
    &["errors", "rate"],
    &["goodput"],
    &["cost", "month"],
    &["cost", "event"],
];

/// A difference below this share of the figure is nothing that anybody notices, and told as no difference among what
/// moved along.
const NOTICED: f64 = 0.005;

/// A run against its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which replications were set against which.
    pub pairing: Pairing,
    /// Replications of the baseline.
    pub before: u32,
    /// Replications of today's run.
    pub now: u32,
    /// Whether both runs are of the same files and settings.
    pub same_model: bool,
    /// The figures that a change is told by; those that both runs have.
    pub headline: Vec<Difference>,
    /// What else moved, the most first: errors by cause, items of the bill, how busy a resource is, where time goes,
    /// single endpoints. Only what differs beyond doubt when all are asked at once.
    pub moved: Vec<Difference>,
    /// Settings that differ.
    pub settings: Vec<SettingChange>,
    /// Objectives that are judged otherwise than before.
    pub objectives: Vec<ObjectiveChange>,
    /// Resources that reached their limit before, in order.
    pub bound_before: Vec<String>,
    /// Resources that reach their limit now, in order.
    pub bound_now: Vec<String>,
}

/// Which replications were set against which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The same number against the same number, both having met the same people.
    Paired {
        /// How many pairs there are.
        pairs: usize,
    },
    /// All against all: another seed.
    OtherSeed {
        /// The baseline's.
        before: u64,
        /// Today's.
        now: u64,
    },
    /// All against all: another version, which may draw differently.
    OtherVersion {
        /// The baseline's.
        before: String,
        /// Today's.
        now: String,
    },
}

/// A figure before and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Its place among the figures.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// Its mean in the baseline's replications, of those in the pairs where there are pairs.
    pub before: f64,
    /// Its mean today, likewise.
    pub now: f64,
    /// Now less before, with the interval of the difference; without bounds where there are too few replications.
    pub difference: Estimate,
    /// How likely a difference at least as large is by chance alone where there is none; `None` as the bounds.
    pub p: Option<f64>,
}

impl Difference {
    /// Whether it differs: its interval leaves out zero. `None` where there is no interval.
    #[must_use]
    pub fn is_moved(&self) -> Option<bool> {
        let (low, high) = (self.difference.low?, self.difference.high?);
        Some(low > 0.0 || high < 0.0)
    }

    /// The difference as a share of what it was; NaN where it was nothing.
    #[must_use]
    pub fn relative(&self) -> f64 {
        if self.before == 0.0 {
            f64::NAN
        } else {
            self.difference.value / self.before.abs()
        }
    }
}

/// A setting before and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its path.
    pub path: String,
    /// Its value in the baseline, as a file writes it; `None` where it was left out.
    pub before: Option<String>,
    /// Its value today.
    pub now: Option<String>,
}

/// An objective that is judged otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectiveChange {
    /// As in the summary.
    pub name: String,
    /// Met, missed, or not decided.
    pub before: Option<bool>,
    /// The same today.
    pub now: Option<bool>,
}

/// Whether a baseline keeps a figure: what a change is told by, and what may explain it.
#[must_use]
pub fn is_kept(path: &Path) -> bool {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    HEADLINE.contains(&names.as_slice()) || is_cause(&names)
}

/// Figures that may explain a change.
fn is_cause(names: &[&str]) -> bool {
    matches!(
        names,
        ["errors", "by_cause", _]
            | ["cost", "items", _, "month"]
            | ["resources", _, "utilization"]
            | ["resources", _, "wait", "p95"]
            | ["breakdown", "all", _]
            | ["cache", _, "hit_ratio"]
            | ["endpoints", _, "latency", "p95"]
            | ["endpoints", _, "errors", "rate"]
    )
}

/// What is kept of a run.
#[must_use]
pub fn kept(file: &str, plan: &Plan, summary: &Summary) -> BaselineRun {
    let figures = summary
        .figures
        .iter()
        .filter(|(path, figure)| is_kept(path) && !figure.samples.is_empty())
        .map(|(path, figure)| BaselineFigure {
            path: path.clone(),
            unit: figure.unit,
            samples: figure.samples.clone(),
        });
    BaselineRun {
        file: file.to_owned(),
        scenario: summary.scenario.clone(),
        model_hash: summary.model_hash.clone(),
        seed: summary.seed,
        replications: summary.replications,
        settings: plan.settings(),
        figures: figures.collect(),
        objectives: summary
            .objectives
            .iter()
            .map(|objective| (objective.name.clone(), objective.met))
            .collect(),
        bottlenecks: summary
            .bottlenecks
            .iter()
            .map(|bottleneck| bottleneck.resource.clone())
            .collect(),
    }
}

/// What has changed from one run of a baseline to a run of today.
#[must_use]
pub fn change(baseline: &Baseline, before: &BaselineRun, version: &str, now: &BaselineRun) -> Change {
    let pairing = if baseline.version != version {
        Pairing::OtherVersion {
            before: baseline.version.clone(),
            now: version.to_owned(),
        }
    } else if before.seed != now.seed {
        Pairing::OtherSeed {
            before: before.seed,
            now: now.seed,
        }
    } else {
        Pairing::Paired {
            pairs: before.replications.min(now.replications) as usize,
        }
    };
    let both = |is_wanted: &dyn Fn(&[&str]) -> bool| -> Vec<(&BaselineFigure, &BaselineFigure)> {
        now.figures
            .iter()
            .filter(|figure| is_wanted(&figure.path.0.iter().map(String::as_str).collect::<Vec<_>>()))
            .filter_map(|figure| Some((before.figure(&figure.path)?, figure)))
            .collect()
    };
    let headline = HEADLINE
        .iter()
        .flat_map(|path| both(&|names| names == *path))
        .filter_map(|(before, now)| difference(before, now, &pairing))
        .collect();
    let causes = both(&is_cause);
    let mut moved = beyond_doubt(
        causes
            .into_iter()
            .filter_map(|(before, now)| difference(before, now, &pairing))
            .collect(),
    );
    moved.retain(is_noticed);
    // Stable: equals stay in the order of the figures.
    moved.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    Change {
        before: before.replications,
        now: now.replications,
        same_model: before.model_hash == now.model_hash,
        headline,
        moved,
        settings: setting_changes(&before.settings, &now.settings),
        objectives: objective_changes(before, now),
        bound_before: before.bottlenecks.clone(),
        bound_now: now.bottlenecks.clone(),
        pairing,
    }
}

/// Those that differ. So many figures are asked at once that one in twenty would seem to move by chance, and a single
/// false explanation is one too many: Holm's correction.
fn beyond_doubt(mut differences: Vec<Difference>) -> Vec<Difference> {
    // What did not move at all was never in question.
    differences.retain(|difference| difference.p.is_some_and(|p| p < 1.0));
    let p: Vec<f64> = differences.iter().filter_map(|difference| difference.p).collect();
    let sure = chance::holm(&p).into_iter().map(|p| p <= chance::LEVEL);
    let pairs = differences.into_iter().zip(sure);
    pairs
        .filter_map(|(difference, is_sure)| is_sure.then_some(difference))
        .collect()
}

fn is_noticed(difference: &Difference) -> bool {
    let largest = difference.before.abs().max(difference.now.abs());
    difference.difference.value.abs() > largest * NOTICED
}

/// How much a figure moved, to put the most telling first.
fn weight(difference: &Difference) -> f64 {
    let largest = difference.before.abs().max(difference.now.abs());
    difference.difference.value.abs() / largest
}

fn setting_changes(before: &[(String, String)], now: &[(String, String)]) -> Vec<SettingChange> {
    let value = |settings: &[(String, String)], path: &str| {
        let found = settings.iter().find(|(other, _)| other == path);
        found.map(|(_, value)| value.clone())
    };
    let gone = before.iter().filter(|(path, _)| value(now, path).is_none());
    now.iter()
        .chain(gone)
        .map(|(path, _)| SettingChange {
            path: path.clone(),
            before: value(before, path),
            now: value(now, path),
        })
        .filter(|change| change.before != change.now)
        .collect()
}

fn objective_changes(before: &BaselineRun, now: &BaselineRun) -> Vec<ObjectiveChange> {
    now.objectives
        .iter()
        .filter_map(|(name, met)| {
            let (_, was) = before.objectives.iter().find(|(other, _)| other == name)?;
            (was != met).then(|| ObjectiveChange {
                name: name.clone(),
                before: *was,
                now: *met,
            })
        })
        .collect()
}

/// The difference of a figure's samples; `None` when either run observed nothing.
fn difference(before: &BaselineFigure, now: &BaselineFigure, pairing: &Pairing) -> Option<Difference> {
    let discrete = now.unit == Unit::Count && is_whole(&before.samples) && is_whole(&now.samples);
    let (found, old, new) = if let Pairing::Paired { .. } = pairing {
        let (old, new): (Vec<f64>, Vec<f64>) = before
            .samples
            .iter()
            .zip(&now.samples)
            .filter(|(before, now)| before.is_finite() && now.is_finite())
            .unzip();
        (paired(&old, &new, discrete), old, new)
    } else {
        let seen = |samples: &[f64]| -> Vec<f64> { samples.iter().copied().filter(|one| one.is_finite()).collect() };
        let (old, new) = (seen(&before.samples), seen(&now.samples));
        (independent(&old, &new, discrete), old, new)
    };
    (!found.estimate.value.is_nan()).then(|| Difference {
        path: now.path.clone(),
        unit: now.unit,
        before: mean(&old),
        now: mean(&new),
        difference: found.estimate,
        p: found.p,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, p95: &[f64], busy: &[f64]) -> BaselineRun {
        let figure = |names: &[&str], unit, samples: &[f64]| BaselineFigure {
            path: Path::new(names),
            unit,
            samples: samples.to_vec(),
        };
        BaselineRun {
            file: "spike.toml".to_owned(),
            scenario: "spike".to_owned(),
            model_hash: "1".to_owned(),
            seed,
            replications: p95.len() as u32,
            settings: vec![("web.plan".to_owned(), "\"starter\"".to_owned())],
            figures: vec![
                figure(&["latency", "p95"], Unit::Seconds, p95),
                figure(&["resources", "web", "utilization"], Unit::Share, busy),
            ],
            objectives: vec![("p95".to_owned(), Some(true))],
            bottlenecks: Vec::new(),
        }
    }

    fn against(version: &str, before: BaselineRun, now: &BaselineRun) -> Change {
        let baseline = Baseline {
            version: version.to_owned(),
            runs: vec![before],
        };
        change(&baseline, baseline.run("spike.toml", "spike").expect("there"), "1", now)
    }

    // Lost if broken: a pipeline that is told of a change where nothing changed.
    #[test]
    fn the_same_run_twice_has_not_moved() {
        let a = run(1, &[1.0, 1.3, 0.9], &[0.5, 0.6, 0.55]);
        let change = against("1", a.clone(), &a);
        assert_eq!(change.pairing, Pairing::Paired { pairs: 3 });
        assert_eq!(change.headline[0].difference, Estimate::exact(0.0));
        assert_eq!(change.headline[0].is_moved(), Some(false));
        assert!(change.same_model && change.moved.is_empty() && change.settings.is_empty());
        assert!(change.objectives.is_empty());
    }

    // Lost if broken: the gain of common random numbers, or the sign of a change.
    #[test]
    fn pairs_show_what_unpaired_samples_hide() {
        let before = run(1, &[1.0, 2.0, 3.0], &[0.5, 0.6, 0.7]);
        let mut now = run(1, &[1.1, 2.11, 3.09], &[0.8, 0.9, 1.0]);
        now.objectives[0].1 = None;
        now.settings = vec![("web.instances".to_owned(), "2".to_owned())];
        let paired = against("1", before.clone(), &now);
        let p95 = &paired.headline[0];
        // Differences 0.1, 0.11, 0.09: mean 0.1, s = 0.01, half width 4.303 · 0.01 / √3 = 0.0248.
        assert!((p95.difference.value - 0.1).abs() < 1e-12, "{p95:?}");
        assert!((p95.difference.half_width().unwrap() - 0.0248).abs() < 1e-4, "{p95:?}");
        assert_eq!(p95.is_moved(), Some(true));
        assert!((p95.relative() - 0.05).abs() < 1e-9);
        assert_eq!(paired.moved.len(), 1, "{:?}", paired.moved);
        assert_eq!(
            paired.settings,
            [
                SettingChange {
                    path: "web.instances".to_owned(),
                    before: None,
                    now: Some("2".to_owned())
                },
                SettingChange {
                    path: "web.plan".to_owned(),
                    before: Some("\"starter\"".to_owned()),
                    now: None
                },
            ]
        );
        assert_eq!(
            (paired.objectives[0].before, paired.objectives[0].now),
            (Some(true), None)
        );

        now.seed = 2;
        let seed = against("1", before.clone(), &now);
        assert_eq!(seed.pairing, Pairing::OtherSeed { before: 1, now: 2 });
        // Welch: s² = 1 and about 0.99 of three each, a half width of more than two seconds.
        assert_eq!(seed.headline[0].is_moved(), Some(false));
        assert!(seed.headline[0].difference.half_width().unwrap() > 2.0);
        let version = against("0", before, &now);
        assert!(matches!(version.pairing, Pairing::OtherVersion { .. }));
    }

    // Lost if broken: a replication that observed nothing pairs the following ones wrongly, or one pair claims to know.
    #[test]
    fn a_pair_needs_both_and_an_interval_two_pairs() {
        let before = run(1, &[f64::NAN, 2.0, 5.0], &[0.5, 0.6, 0.7]);
        let now = run(1, &[9.0, 2.5, f64::NAN], &[0.5, 0.6, 0.7]);
        let p95 = &against("1", before, &now).headline[0];
        assert_eq!((p95.before, p95.now, p95.difference.low), (2.0, 2.5, None));
        assert_eq!(p95.is_moved(), None);
    }
}
