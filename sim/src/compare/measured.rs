//! A simulation held against a measured run: where they agree, by how much they differ, what cannot be compared and why.
//!
//! Owns: which uncertainty a figure's difference has, what explains the difference. Never: reading files, words (`report`).
//!
//! A difference is the simulation's figure less the measured one: what is above zero, the simulation puts too high.
//! The simulation's uncertainty is that of its replications. A measured run is one draw, and its uncertainty comes from, in
//! this order: the same people on both sides, cut at the same moments (`apart`); batches of the run that may pass for
//! independent (`batch`); several runs; the interval that its own summary gives; or, where all that is missing or the run
//! has a trend, from how much the simulation says that one run differs from the next.

pub mod apart;
pub mod batch;
pub mod caveat;
pub mod figure;
pub mod pair;
pub mod part;
pub mod region;
pub mod shape;
pub mod tolerance;
pub mod trace;

use highwater_models::record::figures::{Estimate, Figure, Figures, Path, Unit};
use highwater_models::record::summary::Summary;
use highwater_models::record::timeline::Timeline;

use self::apart::{LeftOut, pairs, strangers};
use self::batch::{Choice, Span, choose, cut, series, series_of_differences};
use self::caveat::Caveat;
use self::figure::{Group, figures};
use self::pair::{Pairing, pair, partner};
use self::part::{Part, Reading};
use self::region::{Region, Sides, added, regions};
use self::shape::{Shape, shape};
pub use self::tolerance::{Reason, Tolerance, Verdict};
use self::trace::Trace;
use super::{Head, Origin, SHARE_BY_CAUSE, Side, extended, head};
use crate::interval::Intervals;

/// What a measured run says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// What was asked: an address.
    pub target: String,
    /// How many times as fast as the scenario's clock the run went; NaN where it does not say.
    pub time_scale: f64,
    /// Seconds by which the generator sent too late, the 99th percentile; NaN where it does not say.
    pub lateness: f64,
}

/// One run with whatever it left.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What its reader calls it.
    pub name: String,
    /// Its figures.
    pub summary: Summary,
    /// Its requests.
    pub trace: Option<Trace>,
    /// Window by window.
    pub timeline: Option<Timeline>,
    /// What it says about itself, if it was measured.
    pub facts: Facts,
    /// What could not be read of it, in words.
    pub missing: Vec<String>,
}

/// Where the uncertainty of a figure's difference comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The same people on both sides, cut at the same moments.
    SamePeople,
    /// Replications, and batches of the measured run.
    Batches,
    /// Replications, and several measured runs.
    Runs,
    /// Replications, and the interval that the measured run's summary gives.
    Summary,
    /// Replications alone: the measured run is taken to vary as one of them.
    Replications,
}

/// One figure of both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its path.
    pub path: Path,
    /// What it is about.
    pub group: Group,
    /// What it counts in.
    pub unit: Unit,
    /// The simulation's: of the replication that met the same people where the basis is that, else of all.
    pub simulated: Estimate,
    /// The measured run's, all of them together.
    pub measured: Estimate,
    /// The simulation's less the measured.
    pub difference: Estimate,
    /// Where the difference's interval comes from; `None` where there is none.
    pub basis: Option<Basis>,
    /// How far it may be off, in its unit.
    pub tolerated: f64,
    /// What can be said.
    pub verdict: Verdict,
}

impl Held {
    /// The difference as a share of the measured value; NaN where that is zero.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.measured.value == 0.0 {
            f64::NAN
        } else {
            self.difference.value / self.measured.value.abs()
        }
    }
}

/// Points over time: seconds and a level.
pub type Curve = Vec<(f64, f64)>;

/// A simulation beside measured runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The simulation.
    pub simulated: Head,
    /// The measured runs.
    pub measured: Vec<Head>,
    /// What the first of them says about itself.
    pub facts: Facts,
    /// How the measured runs were cut, where there were requests to cut.
    pub batches: Option<Choice>,
    /// Every figure of either side, in the order of groups.
    pub figures: Vec<Held>,
    /// Groups of which the measured run has no figure at all, and how many the simulation has.
    pub absent: Vec<(Group, usize)>,
    /// Request by request, where both met the same people.
    pub pairing: Option<Pairing>,
    /// By load, the quietest first.
    pub regions: Vec<Region>,
    /// Both window by window, where both have requests.
    pub shape: Option<Shape>,
    /// Lines of waiting over time that both have, by resource, simulated and measured: time and how many wait.
    pub queues: Vec<(String, Curve, Curve)>,
    /// Why the comparison may mislead.
    pub caveats: Vec<Caveat>,
    /// What was tolerated.
    pub tolerance: Tolerance,
}

impl Agreement {
    /// The figures of a group.
    pub fn group(&self, group: Group) -> impl Iterator<Item = &Held> {
        self.figures.iter().filter(move |held| held.group == group)
    }

    /// The figure at a path.
    #[must_use]
    pub fn get(&self, names: &[&str]) -> Option<&Held> {
        self.figures.iter().find(|held| held.path.0 == names)
    }

    /// How many figures have that verdict.
    pub fn count(&self, is: impl Fn(Verdict) -> bool) -> usize {
        self.figures.iter().filter(|held| is(held.verdict)).count()
    }

    /// How many figures could be compared.
    #[must_use]
    pub fn compared(&self) -> usize {
        self.count(|verdict| !matches!(verdict, Verdict::NotComparable(_)))
    }

    /// Whether all that could be compared agrees, and anything could.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.compared() > 0 && self.count(Verdict::is_agreement) == self.compared()
    }

    /// The stages by how much of the difference between the mean latencies is theirs, the largest first; their sum is
    /// that difference, for stages add up to the latency.
    #[must_use]
    pub fn stages(&self) -> Vec<&Held> {
        let mut found: Vec<&Held> = self
            .group(Group::Stage)
            .filter(|held| held.difference.value.is_finite())
            .collect();
        found.sort_by(|a, b| b.difference.value.abs().total_cmp(&a.difference.value.abs()));
        found
    }
}

/// Holds a simulation against measured runs of the same scenario.
///
/// With several runs their requests are added up where they met the same people (then batch by batch), else batch after
/// batch.
#[must_use]
pub fn hold(simulated: &Run, measured: &[Run], tolerance: &Tolerance) -> Agreement {
    let span = Span {
        from: simulated.summary.measured.0,
        to: simulated.summary.measured.1,
    };
    let requests = Requests::new(simulated, measured, span);
    let sim = extended(&simulated.summary);
    let theirs: Vec<Figures> = measured.iter().map(|run| extended(&run.summary)).collect();
    let first = theirs.first().cloned().unwrap_or_default();
    let seen = requests
        .as_ref()
        .map_or_else(|| first.clone(), |requests| requests.figures(&first));
    let mut held: Vec<Held> = Vec::new();
    let mut absent: Vec<(Group, usize)> = Vec::new();
    let listed = figures(&sim, &seen);
    for group in Group::ALL {
        let of_group = || listed.iter().filter(|(_, of)| *of == group);
        let any = of_group().any(|(path, _)| seen.at(path).is_some());
        let none_can_be = group == Group::Cause && seen.get(&["errors", "rate"]).is_some();
        if !any && !none_can_be && of_group().next().is_some() {
            absent.push((group, of_group().count()));
            continue;
        }
        held.extend(of_group().map(|(path, _)| {
            let both = Both {
                path,
                group,
                simulated: sim.at(path),
                measured: &theirs,
                seen: seen.at(path),
            };
            both.hold(simulated, requests.as_ref(), tolerance, &seen)
        }));
    }
    let runs = runs(measured);
    let sides = simulated
        .trace
        .as_ref()
        .filter(|_| !runs.is_empty())
        .map(|trace| Sides {
            simulated: trace,
            measured: &runs,
            partners: requests.as_ref().and_then(|requests| requests.partners.clone()),
            span,
        });
    let regions = sides.as_ref().map_or_else(Vec::new, |sides| regions(sides, tolerance));
    let queues = measured.first().map_or_else(Vec::new, |run| queues(simulated, run));
    let side = |run: &Run, origin| Side {
        name: run.name.clone(),
        origin,
        summary: run.summary.clone(),
    };
    let pairing = requests.as_ref().and_then(|requests| requests.pairing.clone());
    Agreement {
        simulated: head(&side(simulated, Origin::Simulation)),
        measured: measured
            .iter()
            .map(|run| head(&side(run, Origin::Measurement)))
            .collect(),
        facts: measured.first().map(|run| run.facts.clone()).unwrap_or_default(),
        batches: requests.as_ref().map(|requests| requests.choice),
        caveats: caveat::caveats(
            simulated,
            measured,
            pairing.as_ref(),
            requests.as_ref().map(|found| found.choice),
        ),
        figures: held,
        absent,
        pairing,
        regions,
        shape: sides.as_ref().map(shape),
        queues,
        tolerance: tolerance.clone(),
    }
}

/// The lines of waiting that both timelines have, the longest first.
fn queues(simulated: &Run, measured: &Run) -> Vec<(String, Curve, Curve)> {
    let (Some(one), Some(other)) = (&simulated.timeline, &measured.timeline) else {
        return Vec::new();
    };
    let curve = |timeline: &Timeline, column: usize| -> Curve {
        let at = |(number, row): (usize, &Vec<f64>)| ((number as f64 + 0.5) * timeline.window, row[column]);
        timeline.rows.iter().enumerate().map(at).collect()
    };
    let most = |curve: &Curve| curve.iter().map(|&(_, level)| level).fold(0.0, f64::max);
    let mut found: Vec<(String, Curve, Curve)> = one
        .columns
        .iter()
        .enumerate()
        .filter_map(|(column, name)| {
            let resource = name.strip_suffix(".queue")?;
            Some((
                resource.to_owned(),
                curve(one, column),
                curve(other, other.column(name)?),
            ))
        })
        .filter(|(_, one, other)| most(one).max(most(other)) >= 1.0)
        .collect();
    found.sort_by(|a, b| most(&b.1).max(most(&b.2)).total_cmp(&most(&a.1).max(most(&a.2))));
    found
}

/// The measured runs that can be added up: each a trace, and its repeat there. Columns and numbers of names have to be those of
/// the first.
fn runs(measured: &[Run]) -> Vec<(&Trace, u32)> {
    let traces = || measured.iter().filter_map(|run| run.trace.as_ref());
    let Some(first) = traces().next() else {
        return Vec::new();
    };
    let alike = |trace: &&Trace| {
        trace.stages == first.stages && trace.endpoints == first.endpoints && trace.causes == first.causes
    };
    traces()
        .filter(alike)
        .flat_map(|trace| trace.replications().into_iter().map(move |repeat| (trace, repeat)))
        .collect()
}

/// The measured runs' requests, cut.
struct Requests<'a> {
    /// The first run's names.
    names: &'a Trace,
    /// The pieces of all runs.
    parts: Vec<Part>,
    choice: Choice,
    /// The simulation's requests and both sides' pieces, where they met the same people.
    same: Option<(&'a Trace, LeftOut, LeftOut)>,
    pairing: Option<Pairing>,
    /// The replications that met the same people.
    partners: Option<Vec<u32>>,
}

impl<'a> Requests<'a> {
    fn new(simulated: &'a Run, measured: &'a [Run], span: Span) -> Option<Self> {
        let runs = runs(measured);
        let &first = runs.first()?;
        if span.length() <= 0.0 || span.length().is_nan() {
            return None;
        }
        let requests = runs.iter().map(|&(trace, repeat)| trace.of(repeat).len()).max()? as f64;
        let theirs = |count: usize| -> Vec<Vec<Part>> {
            runs.iter()
                .map(|&(trace, repeat)| cut(trace, repeat, span, count))
                .collect()
        };
        let partners: Option<Vec<u32>> = simulated
            .trace
            .as_ref()
            .and_then(|mine| runs.iter().map(|&run| partner(mine, run)).collect());
        if let (Some(partners), Some(mine)) = (partners, &simulated.trace) {
            let mut each = partners.clone();
            each.sort_unstable();
            each.dedup();
            // Runs that met the same people are added up: their luck is one.
            let pieces = |count: usize| -> Vec<(Vec<Part>, Vec<Part>)> {
                let theirs = theirs(count);
                let of = |&replication: &u32| {
                    let group = theirs.iter().zip(&partners).filter(|(_, own)| **own == replication);
                    let group: Vec<Vec<Part>> = group.map(|(run, _)| run.clone()).collect();
                    (cut(mine, replication, span, count), added(&group))
                };
                each.iter().map(of).collect()
            };
            let choice = choose(requests, |count| {
                let differences = |(one, other): &(Vec<Part>, Vec<Part>)| series_of_differences(one, other);
                pieces(count).iter().flat_map(differences).collect()
            });
            let (one, other): (Vec<_>, Vec<_>) = pieces(choice.count).into_iter().unzip();
            let (one, other) = (one.concat(), other.concat());
            return Some(Self {
                names: first.0,
                pairing: partners.first().map(|&replication| pair(mine, first, replication)),
                same: Some((mine, LeftOut::new(&one), LeftOut::new(&other))),
                parts: other,
                choice,
                partners: Some(each),
            });
        }
        let choice = choose(requests, |count| {
            theirs(count).iter().flat_map(|run| series(run)).collect()
        });
        Some(Self {
            names: first.0,
            parts: theirs(choice.count).concat(),
            choice,
            same: None,
            pairing: None,
            partners: None,
        })
    }

    /// A measured run's figures, and those of its requests that its summary leaves out.
    fn figures(&self, summary: &Figures) -> Figures {
        let mut found = summary.clone();
        let mut add = |names: &[&str], unit: Unit| {
            let path = Path::new(names);
            if found.at(&path).is_some() {
                return;
            }
            if let Some(reading) = Reading::of(&path, self.names) {
                let figure = Figure {
                    kind: highwater_models::record::figures::FigureKind::Estimate,
                    unit,
                    estimate: reading.estimate(&self.parts),
                    samples: Vec::new(),
                };
                found.insert(path, figure);
            }
        };
        for cause in self.names.causes.iter() {
            add(&[SHARE_BY_CAUSE[0], SHARE_BY_CAUSE[1], cause], Unit::Share);
        }
        for stage in &self.names.stages {
            add(&["breakdown", "all", stage], Unit::Seconds);
        }
        for endpoint in self.names.endpoints.iter() {
            for (rest, unit) in [
                (["latency", "mean"], Unit::Seconds),
                (["latency", "p95"], Unit::Seconds),
                (["errors", "rate"], Unit::Share),
            ] {
                add(&["endpoints", endpoint, rest[0], rest[1]], unit);
            }
        }
        found
    }
}

/// A figure of both sides.
struct Both<'a> {
    path: &'a Path,
    group: Group,
    simulated: Option<&'a Figure>,
    /// All figures of each run.
    measured: &'a [Figures],
    /// The measured figure of the first run, or of its requests.
    seen: Option<&'a Figure>,
}

impl Both<'_> {
    fn hold(&self, run: &Run, requests: Option<&Requests<'_>>, tolerance: &Tolerance, seen: &Figures) -> Held {
        let unit = self.simulated.or(self.seen).map_or(Unit::Count, |figure| figure.unit);
        let bare = |value: f64| Estimate {
            value,
            low: None,
            high: None,
        };
        // What never happened in a run that would have told is zero there.
        let none = (self.group == Group::Cause || self.group == Group::Stage).then(|| bare(0.0));
        let mine = self.simulated.map(|figure| figure.estimate).or(none);
        let theirs = self.seen.map(|figure| figure.estimate).or(none);
        let whole = if self.group == Group::Stage {
            seen.value(&["latency", "mean"])
        } else {
            f64::NAN
        };
        let (simulated, measured) = (mine.unwrap_or(bare(f64::NAN)), theirs.unwrap_or(bare(f64::NAN)));
        let nothing = |reason: Reason| Held {
            path: self.path.clone(),
            group: self.group,
            unit,
            simulated,
            measured,
            difference: bare(simulated.value - measured.value),
            basis: None,
            tolerated: f64::NAN,
            verdict: Verdict::NotComparable(reason),
        };
        let is_latency = self.path.0.iter().any(|name| name == "latency");
        match (mine, theirs) {
            (Some(_), None) if is_latency && seen.get(&["tool", "latency", "p50"]).is_some() => {
                return nothing(Reason::ToolOnly);
            }
            (Some(_), None) => return nothing(Reason::OnlySimulated),
            (None, _) => return nothing(Reason::OnlyMeasured),
            _ => {}
        }
        if let (Some(a), Some(b)) = (self.simulated, self.seen)
            && a.unit != b.unit
        {
            return nothing(Reason::Units);
        }
        let (simulated, measured, difference, basis) = self.apart(run, requests, simulated, measured);
        let mut verdict = tolerance.judge(self.path, unit, (simulated.value, measured.value), &difference, whole);
        if verdict == Verdict::NotComparable(Reason::NoInterval)
            && let Some((requests, reading)) = requests.and_then(|all| Some((all, Reading::of(self.path, all.names)?)))
            && requests.parts.iter().map(|part| reading.telling(part)).sum::<f64>() < crate::interval::FEW
        {
            verdict = Verdict::NotComparable(Reason::TooFew);
        }
        Held {
            simulated,
            measured,
            difference,
            basis: (difference.low.is_some() || difference.high.is_some()).then_some(basis),
            tolerated: tolerance.of(self.path, unit, measured.value, whole),
            verdict,
            ..nothing(Reason::NoInterval)
        }
    }

    /// Both sides' estimates, their difference, and what its interval is made of.
    fn apart(
        &self,
        run: &Run,
        requests: Option<&Requests<'_>>,
        simulated: Estimate,
        measured: Estimate,
    ) -> (Estimate, Estimate, Estimate, Basis) {
        let reading = requests.and_then(|requests| Some((requests, Reading::of(self.path, requests.names)?)));
        if let Some((requests, theirs)) = reading
            && let Some((trace, one, other)) = &requests.same
            && let Some(mine) = Reading::of(self.path, trace)
            && self.is_enough(theirs, other.whole())
        {
            let difference = pairs((one, mine), (other, theirs));
            let exactly = |value: f64| Estimate {
                value,
                low: None,
                high: None,
            };
            return (
                exactly(mine.value(one.whole())),
                exactly(theirs.value(other.whole())),
                difference,
                Basis::SamePeople,
            );
        }
        if let Some((requests, theirs)) = reading
            && requests.choice.independent
        {
            let measured = theirs.estimate(&requests.parts);
            return (simulated, measured, strangers(&simulated, &measured), Basis::Batches);
        }
        // What requests do not tell is that of the replications with the same people: their luck is the measured run's.
        let simulated = requests
            .and_then(|requests| self.of_partners(requests.partners.as_deref()?, run.summary.replications))
            .unwrap_or(simulated);
        let values: Vec<f64> = self
            .measured
            .iter()
            .map(|figures| figures.at(self.path).map_or(f64::NAN, |figure| figure.estimate.value))
            .filter(|value| value.is_finite())
            .collect();
        if values.len() >= 2 {
            let measured = Intervals::new(values.len()).estimate(&values);
            return (simulated, measured, strangers(&simulated, &measured), Basis::Runs);
        }
        if self.measured.len() == 1 && measured.low.is_some() && measured.high.is_some() && reading.is_none() {
            return (simulated, measured, strangers(&simulated, &measured), Basis::Summary);
        }
        let all = self.simulated.map_or(simulated, |figure| figure.estimate);
        let measured = as_replication(&all, measured.value, run.summary.replications);
        (
            simulated,
            measured,
            strangers(&simulated, &measured),
            Basis::Replications,
        )
    }

    /// The simulation's figure in these of its replications, as unsure as single ones are; `None` where their values are not
    /// known.
    fn of_partners(&self, partners: &[u32], replications: u32) -> Option<Estimate> {
        let figure = self.simulated?;
        let value = |&replication: &u32| figure.samples.get(replication as usize).copied();
        let values: Vec<f64> = partners.iter().map(value).collect::<Option<_>>()?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let by_replication = !values.is_empty() && values.iter().all(|value| value.is_finite());
        by_replication.then(|| as_replication(&figure.estimate, mean, replications))
    }

    /// Whether a percentile has enough requests beyond it on the measured side for its pieces to say anything.
    fn is_enough(&self, reading: Reading, whole: &Part) -> bool {
        !matches!(reading, Reading::Quantile(..)) || reading.telling(whole) >= crate::interval::FEW
    }
}

/// A single run's value with the interval that a single replication would have: the simulation's of the mean of `count`,
/// wider by the root of their number.
fn as_replication(simulated: &Estimate, value: f64, count: u32) -> Estimate {
    let wider = f64::from(count.max(1)).sqrt();
    let end = |end: Option<f64>| end.map(|end| value + (end - simulated.value) * wider);
    Estimate {
        value,
        low: end(simulated.low),
        high: end(simulated.high),
    }
}
