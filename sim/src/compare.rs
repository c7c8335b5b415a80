//! Two results side by side: what moved, by how much, whether it is sure, and what went with it.
//!
//! Owns: which figures are compared, paired or not, and the verdict on each and on the whole.
//! Never: running, reading files, words (`report`).
//!
//! A result is a [`Summary`]; that it was simulated is no more than a label here, so that a measured run, which leaves the
//! same figures, can stand on either side. Two simulations under one root seed are paired replication by replication
//! (`difference`); anything else is compared as two independent samples.
//!
//! Thousands of figures are compared at once and some differ by chance. The figures that a decision hangs on, the
//! headline (`headline`), are one small family in which no false alarm at all is expected in 95 of 100 comparisons; among
//! all others at most 5 % of those that are called different are expected to be so by chance (`chance`). Intervals are
//! those of a figure on its own.

mod caveat;
pub mod chance;
pub mod difference;
mod headline;
pub mod measured;

use highwater_models::record::figures::{Estimate, Figure, FigureKind, Figures, Path, Unit};
use highwater_models::record::summary::{Objective, Summary};

pub use self::caveat::Caveat;
use self::difference::Difference;
pub use self::headline::{Wanted, figure_of};
use crate::interval::Intervals;

/// How a result came about.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// By simulation: replications have a root seed and can be paired.
    #[default]
    Simulation,
    /// By a load test or from production: chance was not ours.
    Measurement,
}

/// One of two results.
#[derive(Clone, Debug)]
pub struct Side {
    /// What its reader calls it: a scenario, a folder, the settings that make the difference.
    pub name: String,
    /// How it came about.
    pub origin: Origin,
    /// The result.
    pub summary: Summary,
}

/// Which side.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// What is compared with: before, the baseline.
    A,
    /// What is compared: after, the change.
    B,
}

/// How differences were formed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// By replication, so many pairs.
    Paired {
        /// Replications that both sides have.
        pairs: u32,
    },
    /// As two independent samples.
    Independent,
}

/// What can be said of a figure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// B's is larger, and that is sure.
    Up,
    /// B's is smaller, and that is sure.
    Down,
    /// What difference there is may be chance.
    NoDifferenceSeen,
    /// Nothing can be said.
    NotComparable(Reason),
}

/// Why nothing can be said of a figure.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The other side has no such figure.
    OnlyIn(Which),
    /// A side observed nothing to take it from.
    NotObserved(Which),
    /// It counts in different things.
    Units,
    /// Fewer than two replications, or a figure of a file without its interval.
    NoInterval,
}

/// One figure of both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its path.
    pub path: Path,
    /// What it counts in.
    pub unit: Unit,
    /// Which way is better.
    pub wanted: Wanted,
    /// Whether it is one of the headline figures.
    pub headline: bool,
    /// A's estimate.
    pub a: Estimate,
    /// B's estimate.
    pub b: Estimate,
    /// B less A.
    pub difference: Difference,
    /// The same, corrected for how many figures were looked at; `None` where nothing can be said.
    pub adjusted: Option<f64>,
    /// What can be said.
    pub verdict: Verdict,
}

impl Change {
    /// B over A less one; NaN where A is zero.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.a.value == 0.0 {
            f64::NAN
        } else {
            self.difference.estimate.value / self.a.value
        }
    }

    /// Better (true) or worse for sure; `None` where it is not sure or neither.
    #[must_use]
    pub fn better(&self) -> Option<bool> {
        let up = match self.verdict {
            Verdict::Up => true,
            Verdict::Down => false,
            Verdict::NoDifferenceSeen | Verdict::NotComparable(_) => return None,
        };
        match self.wanted {
            Wanted::More => Some(up),
            Wanted::Less => Some(!up),
            Wanted::Neither => None,
        }
    }

    /// Whether its interval, taken alone, leaves out zero, though it is not sure among so many figures.
    #[must_use]
    pub fn perhaps(&self) -> bool {
        let (low, high) = (self.difference.estimate.low, self.difference.estimate.high);
        self.verdict == Verdict::NoDifferenceSeen
            && (low.is_some_and(|low| low > 0.0) || high.is_some_and(|high| high < 0.0))
    }
}

/// An objective on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectiveChange {
    /// A's, where it has it.
    pub a: Option<Objective>,
    /// B's, where it has it.
    pub b: Option<Objective>,
    /// B's figure less A's, where there is a figure behind it.
    pub change: Option<Change>,
}

impl ObjectiveChange {
    /// Whether it is judged otherwise on the two sides.
    #[must_use]
    pub fn turned(&self) -> bool {
        match (&self.a, &self.b) {
            (Some(a), Some(b)) => a.met != b.met,
            _ => false,
        }
    }

    /// Whether it was met on A's side and is missed on B's.
    #[must_use]
    pub fn lost(&self) -> bool {
        let met = |side: &Option<Objective>| side.as_ref().and_then(|objective| objective.met);
        met(&self.a) == Some(true) && met(&self.b) == Some(false)
    }
}

/// The headline figures, those of cost apart, taken together.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Something is better for sure, nothing worse.
    Better,
    /// Something is worse for sure, nothing better.
    Worse,
    /// Both.
    Mixed,
    /// Nothing differs for sure.
    NoDifferenceSeen,
    /// There was nothing to go by.
    NotComparable,
}

/// What a side is, for a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// What its reader calls it.
    pub name: String,
    /// How it came about.
    pub origin: Origin,
    /// The scenario.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The system's title.
    pub system: String,
    /// Version of Highwater.
    pub version: String,
    /// Hash of the files and settings.
    pub model_hash: String,
    /// Root seed.
    pub seed: u64,
    /// Replications.
    pub replications: u32,
    /// The resources that reached their limit, in the order in which they did.
    pub bottlenecks: Vec<String>,
}

/// Two results side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What is compared with.
    pub a: Head,
    /// What is compared.
    pub b: Head,
    /// How.
    pub method: Method,
    /// Why a difference may mislead.
    pub caveats: Vec<Caveat>,
    /// What it comes to, cost apart.
    pub judgement: Judgement,
    /// What had to hold, on either side.
    pub objectives: Vec<ObjectiveChange>,
    /// Every figure of either side, headline figures first.
    pub changes: Vec<Change>,
    /// The median over the headline figures of what pairing gained: how many times as many replications two unpaired runs
    /// would have needed.
    pub gain: Option<f64>,
}

impl Comparison {
    /// The headline figures.
    pub fn headline(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.headline)
    }

    /// The figure at a path.
    #[must_use]
    pub fn get(&self, names: &[&str]) -> Option<&Change> {
        self.changes.iter().find(|change| change.path.0 == names)
    }

    /// The figures at `prefix`, one more name and `suffix`, the largest difference first; those that are zero on both
    /// sides are left out.
    #[must_use]
    pub fn moved(&self, prefix: &[&str], suffix: &[&str]) -> Vec<&Change> {
        let fits = |path: &Path| {
            let names = &path.0;
            names.len() == prefix.len() + 1 + suffix.len()
                && names.iter().zip(prefix).all(|(a, b)| a == b)
                && names[prefix.len() + 1..].iter().zip(suffix).all(|(a, b)| a == b)
        };
        let seen = |value: f64| value.is_finite() && value != 0.0;
        let mut found: Vec<&Change> = self
            .changes
            .iter()
            .filter(|change| fits(&change.path) && (seen(change.a.value) || seen(change.b.value)))
            .collect();
        let size = |change: &Change| change.difference.estimate.value.abs();
        // Those without a difference last; the sort is stable.
        found.sort_by(|a, b| size(b).max(-1.0).total_cmp(&size(a).max(-1.0)));
        found
    }

    /// Whether B is worse for sure in a headline figure, or misses an objective that A meets.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.headline().any(|change| change.better() == Some(false))
            || self.objectives.iter().any(ObjectiveChange::lost)
    }
}

/// The share of requests that failed of each cause: counts of two runs are not of equally many requests.
pub const SHARE_BY_CAUSE: [&str; 2] = ["errors", "share_by_cause"];

/// Work finished for nobody, of all requests.
pub const WASTED_SHARE: [&str; 1] = ["wasted_share"];

/// Compares two results.
#[must_use]
pub fn compare(a: &Side, b: &Side) -> Comparison {
    let method = method(a, b);
    let (figures_a, figures_b) = (extended(&a.summary), extended(&b.summary));
    let objectives = pair_objectives(&a.summary.objectives, &b.summary.objectives);
    let headline = headline::figures(&objectives);
    let mut paths: Vec<Path> = headline.iter().map(|(path, _)| path.clone()).collect();
    let others = figures_a.iter().chain(figures_b.iter()).map(|(path, _)| path);
    let known: std::collections::BTreeSet<Path> = paths.iter().cloned().collect();
    let mut seen = known.clone();
    for path in others {
        if seen.insert(path.clone()) {
            paths.push(path.clone());
        }
    }
    let mut changes = Vec::with_capacity(paths.len());
    for path in paths {
        let sides = (figures_a.at(&path), figures_b.at(&path));
        let (in_a, in_b) = match sides {
            (None, None) => continue,
            (Some(found), None) => (found.clone(), absent(&path, found, &b.summary)),
            (None, Some(found)) => (absent(&path, found, &a.summary), found.clone()),
            (Some(a), Some(b)) => (a.clone(), b.clone()),
        };
        let wanted = headline
            .iter()
            .find(|(known, _)| *known == path)
            .map_or_else(|| headline::wanted(&path), |&(_, wanted)| wanted);
        let reason = match sides {
            (Some(_), None) if in_b.estimate.value.is_nan() => Some(Reason::OnlyIn(Which::A)),
            (None, Some(_)) if in_a.estimate.value.is_nan() => Some(Reason::OnlyIn(Which::B)),
            _ => None,
        };
        let mut change = change(&path, &in_a, &in_b, (a, b), method);
        change.wanted = wanted;
        change.headline = known.contains(&path);
        if let Some(reason) = reason {
            change.verdict = Verdict::NotComparable(reason);
        }
        changes.push(change);
    }
    judge(&mut changes, true, chance::holm);
    judge(&mut changes, false, chance::benjamini_hochberg);
    let objectives = objectives
        .into_iter()
        .map(|(a, b)| {
            let path = figure_of(a.as_ref().or(b.as_ref()).map_or("", |known| known.name.as_str()));
            ObjectiveChange {
                change: path.and_then(|path| changes.iter().find(|change| change.path == path).cloned()),
                a,
                b,
            }
        })
        .collect();
    Comparison {
        a: head(a),
        b: head(b),
        method,
        caveats: caveat::caveats(a, b, method),
        judgement: judgement(&changes),
        objectives,
        gain: gain(&changes),
        changes,
    }
}

/// Pairs where both were simulated under one root seed. A different version or load draws from the same streams in another
/// way at most: the pairs are then less alike, and the interval of their differences is right all the same.
fn method(a: &Side, b: &Side) -> Method {
    let simulated = a.origin == Origin::Simulation && b.origin == Origin::Simulation;
    let pairs = a.summary.replications.min(b.summary.replications);
    let samples = |side: &Side| {
        side.summary
            .figures
            .iter()
            .any(|(_, figure)| !figure.samples.is_empty())
    };
    if simulated && a.summary.seed == b.summary.seed && samples(a) && samples(b) {
        Method::Paired { pairs }
    } else {
        Method::Independent
    }
}

fn head(side: &Side) -> Head {
    let summary = &side.summary;
    Head {
        name: side.name.clone(),
        origin: side.origin,
        scenario: summary.scenario.clone(),
        title: summary.title.clone(),
        system: summary.system.clone(),
        version: summary.version.clone(),
        model_hash: summary.model_hash.clone(),
        seed: summary.seed,
        replications: summary.replications,
        bottlenecks: summary.bottlenecks.iter().map(|found| found.resource.clone()).collect(),
    }
}

/// A result's figures and those that only a comparison wants.
fn extended(summary: &Summary) -> Figures {
    let mut figures = summary.figures.clone();
    let Some(offered) = summary.figures.get(&["requests", "offered"]) else {
        return figures;
    };
    for cause in summary.figures.children(&["errors", "by_cause"]) {
        if let Some(count) = summary.figures.get(&["errors", "by_cause", cause]) {
            let path = Path::new(&[SHARE_BY_CAUSE[0], SHARE_BY_CAUSE[1], cause]);
            figures.insert(path, share(count, offered));
        }
    }
    if let Some(count) = summary.figures.get(&["wasted"]) {
        figures.insert(Path::new(&WASTED_SHARE), share(count, offered));
    }
    figures
}

/// A count of requests as a share of those offered, replication by replication.
fn share(count: &Figure, offered: &Figure) -> Figure {
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { f64::NAN };
    let samples: Vec<f64> = count
        .samples
        .iter()
        .zip(&offered.samples)
        .map(|(&part, &whole)| ratio(part, whole))
        .collect();
    let estimate = if samples.is_empty() {
        Estimate {
            value: ratio(count.estimate.value, offered.estimate.value),
            low: None,
            high: None,
        }
    } else {
        Intervals::new(samples.len()).estimate(&samples)
    };
    Figure {
        kind: FigureKind::Estimate,
        unit: Unit::Share,
        estimate,
        samples,
    }
}

/// The figure of a side that has none at this path: what never happened there is zero in every replication, where the
/// path says that absence means that; else nothing was observed.
fn absent(path: &Path, other: &Figure, summary: &Summary) -> Figure {
    let names: Vec<&str> = path.0.iter().map(String::as_str).collect();
    let has = |path: &[&str]| summary.figures.get(path).is_some();
    let zero = match names.as_slice() {
        ["errors", "by_cause" | "share_by_cause", _] => has(&["errors", "rate"]),
        ["breakdown", ..] => {
            has(&["breakdown", "all", "client"]) || !summary.figures.children(&["breakdown"]).is_empty()
        }
        ["cost", "items", ..] => has(&["cost", "month"]),
        _ => false,
    };
    let value = if zero { 0.0 } else { f64::NAN };
    let has_samples = summary.figures.iter().any(|(_, figure)| !figure.samples.is_empty());
    Figure {
        kind: other.kind,
        unit: other.unit,
        estimate: if zero {
            Estimate::exact(0.0)
        } else {
            Estimate {
                value,
                low: None,
                high: None,
            }
        },
        samples: vec![value; if has_samples { summary.replications as usize } else { 0 }],
    }
}

fn change(path: &Path, a: &Figure, b: &Figure, sides: (&Side, &Side), method: Method) -> Change {
    let discrete = a.unit == Unit::Count && difference::is_whole(&a.samples) && difference::is_whole(&b.samples);
    let by_sample = !a.samples.is_empty() && !b.samples.is_empty();
    let mut difference = match method {
        Method::Paired { .. } if by_sample => difference::paired(&a.samples, &b.samples, discrete),
        _ if by_sample => difference::independent(&a.samples, &b.samples, discrete),
        _ => {
            let counts = (sides.0.summary.replications, sides.1.summary.replications);
            difference::of_estimates((&a.estimate, counts.0), (&b.estimate, counts.1))
        }
    };
    // None seen on either side does not mean that there can be none: each side's own interval says how far.
    if difference.p == Some(1.0)
        && let (Some(low_a), Some(high_a), Some(low_b), Some(high_b)) =
            (a.estimate.low, a.estimate.high, b.estimate.low, b.estimate.high)
        && same(&a.samples)
        && same(&b.samples)
    {
        difference.estimate.low = Some(low_b - high_a);
        difference.estimate.high = Some(high_b - low_a);
    }
    let reason = if a.unit != b.unit {
        Some(Reason::Units)
    } else if a.estimate.value.is_nan() {
        Some(Reason::NotObserved(Which::A))
    } else if b.estimate.value.is_nan() {
        Some(Reason::NotObserved(Which::B))
    } else if difference.p.is_none() {
        Some(Reason::NoInterval)
    } else {
        None
    };
    Change {
        path: path.clone(),
        unit: a.unit,
        wanted: Wanted::Neither,
        headline: false,
        a: a.estimate,
        b: b.estimate,
        difference,
        adjusted: None,
        verdict: reason.map_or(Verdict::NoDifferenceSeen, Verdict::NotComparable),
    }
}

fn same(values: &[f64]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Gives the figures of a family their verdicts. What cannot differ (no variance, no difference) is no member: it was never
/// in question.
fn judge(changes: &mut [Change], headline: bool, correct: fn(&[f64]) -> Vec<f64>) {
    let members: Vec<usize> = (0..changes.len())
        .filter(|&index| {
            let change = &changes[index];
            let open = change.difference.estimate.value != 0.0 || change.difference.p != Some(1.0);
            change.headline == headline && change.verdict == Verdict::NoDifferenceSeen && open
        })
        .collect();
    let p: Vec<f64> = members
        .iter()
        .filter_map(|&index| changes[index].difference.p)
        .collect();
    for (index, adjusted) in members.into_iter().zip(correct(&p)) {
        let change = &mut changes[index];
        change.adjusted = Some(adjusted);
        if adjusted <= chance::LEVEL {
            change.verdict = if change.difference.estimate.value > 0.0 {
                Verdict::Up
            } else {
                Verdict::Down
            };
        }
    }
}

fn judgement(changes: &[Change]) -> Judgement {
    let mut seen = false;
    let (mut better, mut worse) = (false, false);
    for change in changes
        .iter()
        .filter(|change| change.headline && change.path.0[0] != "cost")
    {
        seen |= !matches!(change.verdict, Verdict::NotComparable(_));
        better |= change.better() == Some(true);
        worse |= change.better() == Some(false);
    }
    match (better, worse) {
        (true, true) => Judgement::Mixed,
        (true, false) => Judgement::Better,
        (false, true) => Judgement::Worse,
        (false, false) if seen => Judgement::NoDifferenceSeen,
        (false, false) => Judgement::NotComparable,
    }
}

fn gain(changes: &[Change]) -> Option<f64> {
    let mut gains: Vec<f64> = changes
        .iter()
        .filter(|change| change.headline)
        .filter_map(|change| change.difference.gain)
        .collect();
    gains.sort_by(f64::total_cmp);
    gains.get(gains.len() / 2).copied()
}

type ObjectivePair = (Option<Objective>, Option<Objective>);

/// Objectives of one name and bound belong together; the order is A's, then what only B has.
fn pair_objectives(a: &[Objective], b: &[Objective]) -> Vec<ObjectivePair> {
    let alike = |x: &Objective, y: &Objective| x.name == y.name && x.target == y.target && x.at_most == y.at_most;
    let mut pairs: Vec<ObjectivePair> = a
        .iter()
        .map(|known| (Some(known.clone()), b.iter().find(|other| alike(known, other)).cloned()))
        .collect();
    let only_b = b.iter().filter(|other| !a.iter().any(|known| alike(known, other)));
    pairs.extend(only_b.map(|other| (None, Some(other.clone()))));
    pairs
}

#[cfg(test)]
mod tests;
