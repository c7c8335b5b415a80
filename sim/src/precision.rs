//! How many replications it takes until figures are known well enough.
//!
//! Owns: what is asked, when it is reached, how many replications to look at next. Never: running them (`experiment`).
//!
//! Replications are looked at in growing batches, the next as large as the last look lets expect, and none before there are
//! ten. Looking again and again and stopping when an interval is narrow enough stops a little too often when it is narrow by
//! luck, so that it holds the truth a little less often than its name says; with at least ten replications and a half width
//! of 15 % or less that is little. The numbers depend on figures alone, so on no number of threads.
//! Sources: Y. S. Chow and H. Robbins, "On the asymptotic theory of fixed-width sequential confidence intervals for the
//! mean", Annals of Mathematical Statistics 36 (1965); A. M. Law and W. D. Kelton, "Confidence intervals for steady-state
//! simulations, II: a survey of sequential procedures", Management Science 28 (1982), and Law, *Simulation Modeling and
//! Analysis*, 5th edition, section 9.4.1, for ten and 15 %.

use highwater_models::file::names_of;
use highwater_models::record::figures::{Estimate, Figures};
use highwater_models::record::sweep::Precision as Narrow;

/// Replications before the first look.
pub const FIRST: u32 = 10;

/// Replications at most, unless somebody says otherwise.
pub const MOST: u32 = 200;

/// A relative half width above which stopping by it costs a noticeable part of the interval's worth.
pub const COARSE: f64 = 0.15;

/// The largest that a look may make the next one: twice as many.
const GROWTH: u32 = 2;

/// What has to be known, how well, and how long to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// Which figures.
    pub asked: Vec<Asked>,
    /// Replications at most.
    pub most: u32,
}

/// A figure and how well it has to be known.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Its path among the figures.
    pub path: Vec<String>,
    /// Half the width of its interval as a share of its value, at most; the wider half where they differ.
    pub share: f64,
}

/// How well a figure is known so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Its path, dotted.
    pub name: String,
    /// What was asked.
    pub asked: f64,
    /// What there is; `None` where it has no interval, or is zero.
    pub share: Option<f64>,
    /// Replications that would be enough, as far as can be told; `None` where it cannot.
    pub needed: Option<u32>,
}

impl Reached {
    /// Whether it is known as well as it has to be.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.share.is_some_and(|share| share <= self.asked)
    }
}

impl From<&Narrow> for Precision {
    fn from(narrow: &Narrow) -> Self {
        let asked = |path: &String| Asked {
            path: names_of(path),
            share: narrow.width,
        };
        Self {
            asked: narrow.of.iter().map(asked).collect(),
            most: narrow.most,
        }
    }
}

impl Precision {
    /// The 95th percentile of latency, this well known.
    #[must_use]
    pub fn of_p95(share: f64) -> Self {
        let path = ["latency", "p95"].map(str::to_owned).to_vec();
        Self {
            asked: vec![Asked { path, share }],
            most: MOST,
        }
    }

    /// How many replications there are before the first look, where somebody has given this many.
    #[must_use]
    pub fn first(&self, given: u32) -> u32 {
        given.max(FIRST).min(self.most.max(1))
    }

    /// The first figure asked for that there is not.
    #[must_use]
    pub fn unknown(&self, figures: &Figures) -> Option<String> {
        let is_unknown = |asked: &&Asked| figures.get(&names(asked)).is_none();
        self.asked.iter().find(is_unknown).map(|asked| asked.path.join("."))
    }

    /// How well each figure is known after so many replications. One that there is not is left out: nothing makes it narrower.
    #[must_use]
    pub fn reached(&self, figures: &Figures, replications: u32) -> Vec<Reached> {
        let one = |asked: &Asked| {
            let share = half_share(&figures.get(&names(asked))?.estimate);
            let needed = share.map(|share| {
                let times = (share / asked.share).powi(2);
                (f64::from(replications) * times).ceil().min(f64::from(u32::MAX)) as u32
            });
            Some(Reached {
                name: asked.path.join("."),
                asked: asked.share,
                share,
                needed,
            })
        };
        self.asked.iter().filter_map(one).collect()
    }

    /// How many replications to look at next; `None` when it is enough, or more are not allowed.
    #[must_use]
    pub fn next(&self, reached: &[Reached], replications: u32) -> Option<u32> {
        let open = || reached.iter().filter(|reached| !reached.is_enough());
        if open().next().is_none() || replications >= self.most {
            return None;
        }
        let twice = replications.saturating_mul(GROWTH);
        // A tenth more than it seems to take: else every other look comes a few replications too early.
        let enough = |reached: &Reached| {
            reached
                .needed
                .map_or(twice, |needed| needed.saturating_add(needed / 10))
        };
        let wanted = open().map(enough).max().unwrap_or(twice);
        let least = replications + (replications / 4).max(1);
        Some(wanted.clamp(least, twice.max(least)).min(self.most))
    }
}

fn names(asked: &Asked) -> Vec<&str> {
    asked.path.iter().map(String::as_str).collect()
}

/// The wider half of an interval as a share of its value.
#[must_use]
pub fn half_share(estimate: &Estimate) -> Option<f64> {
    let wider = (estimate.high? - estimate.value).max(estimate.value - estimate.low?);
    (estimate.value != 0.0 && wider.is_finite()).then(|| wider / estimate.value.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_models::record::figures::{Figure, FigureKind, Path, Unit};

    fn figures(value: f64, low: Option<f64>, high: Option<f64>) -> Figures {
        let mut figures = Figures::default();
        figures.insert(
            Path::new(&["latency", "p95"]),
            Figure {
                kind: FigureKind::Estimate,
                unit: Unit::Seconds,
                estimate: Estimate { value, low, high },
                samples: Vec::new(),
            },
        );
        figures
    }

    // Lost if broken: a run would stop too early, never, or go on in steps of one.
    #[test]
    fn the_next_look_is_where_it_should_be_enough_and_at_most_twice_as_far() {
        let precision = Precision {
            most: 100,
            ..Precision::of_p95(0.05)
        };
        let next = |value: f64, low: Option<f64>, high: Option<f64>, replications: u32| {
            let reached = precision.reached(&figures(value, low, high), replications);
            precision.next(&reached, replications)
        };
        assert_eq!(next(2.0, Some(1.91), Some(2.09), 10), None);
        // The wider half counts: 6 % instead of 5 % is 1.44 times as many, and a tenth.
        assert_eq!(next(2.0, Some(1.95), Some(2.12), 20), Some(31));
        assert_eq!(next(2.0, Some(1.0), Some(3.0), 10), Some(20));
        assert_eq!(next(2.0, Some(1.899), Some(2.1), 20), Some(25));
        assert_eq!(next(2.0, Some(1.9), None, 10), Some(20));
        assert_eq!(next(0.0, Some(0.0), Some(0.1), 60), Some(100));
        assert_eq!(next(2.0, None, None, 100), None);
        let reached = precision.reached(&figures(2.0, Some(1.801), Some(2.199)), 10);
        assert_eq!((reached[0].needed, reached[0].is_enough()), (Some(40), false));
        assert_eq!(precision.unknown(&Figures::default()).as_deref(), Some("latency.p95"));
        let reached = precision.reached(&Figures::default(), 10);
        assert_eq!(
            precision.next(&reached, 10),
            None,
            "nothing makes narrower what there is not"
        );
        assert_eq!([3, 20, 300].map(|given| precision.first(given)), [10, 20, 100]);
    }
}
