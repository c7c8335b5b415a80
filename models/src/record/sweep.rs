//! What a study leaves: its points, each with the figures that were kept of it.
//!
//! Owns: the values that a study's tables, summary and journal show.
//! Never: how they are written or worded (`report/`), how a point is run (`sim/`).

use super::figures::{Estimate, Unit};
use super::summary::Objective;

/// A study: what its points have in common, and what tells them apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Design {
    /// Its name: the bundled name or the file's stem.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The question that its file opens with, in one line.
    pub question: String,
    /// Version of Highwater.
    pub version: String,
    /// Hash of everything that the results follow from, in hexadecimal.
    pub hash: String,
    /// Root seed of every point.
    pub seed: u64,
    /// Replications of each point; with a precision the fewest, of which there are ten at least.
    pub replications: u32,
    /// How narrow the intervals of the figures in `precision_of` have to be, as a share of the value.
    pub precision: Option<Precision>,
    /// Which points have to meet their objectives.
    pub must_hold: String,
    /// What varies. The points are all combinations of levels; the last axis goes round fastest.
    pub axes: Vec<Axis>,
    /// Paths of the figures that are kept.
    pub metrics: Vec<String>,
}

/// How narrow the intervals of a point have to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// Half of an interval, as a share of its value.
    pub width: f64,
    /// The figures that are asked.
    pub of: Vec<String>,
    /// At most so many replications of a point.
    pub most: u32,
}

/// What varies.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it is called.
    pub name: String,
    /// In order; at least one.
    pub levels: Vec<Level>,
}

/// One level of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// What it is called.
    pub label: String,
    /// What it sets: paths and values as text.
    pub settings: Vec<(String, String)>,
}

/// A point of a study after its run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// From 0, in the order of the study.
    pub number: usize,
    /// The scenario's name.
    pub scenario: String,
    /// The system's title.
    pub system: String,
    /// Hash of the files and settings that were run, in hexadecimal.
    pub model_hash: String,
    /// Independent replications.
    pub replications: u32,
    /// Events of all replications.
    pub events: u64,
    /// The figures that were kept, in the order in which the study names them. One that this point does not have is
    /// left out.
    pub metrics: Vec<Metric>,
    /// What had to hold.
    pub objectives: Vec<Objective>,
    /// The resource that reached its limit first, with that limit in words.
    pub first_limit: Option<(String, String)>,
    /// Ways in which a figure may mislead: stable id and words.
    pub warnings: Vec<(String, String)>,
}

/// A figure that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its path in a result.
    pub path: String,
    /// What it counts in.
    pub unit: Unit,
    /// Its value with its 95 % interval.
    pub estimate: Estimate,
    /// One value per replication, NaN where that replication observed nothing.
    pub samples: Vec<f64>,
}

impl Axis {
    /// Whether it is something that somebody can choose: a part of the system, and not who comes or what goes wrong.
    #[must_use]
    pub fn is_choice(&self) -> bool {
        const HAPPENS: [&str; 8] = [
            "load",
            "source",
            "event",
            "scenario",
            "duration",
            "measure",
            "flow",
            "objectives",
        ];
        let mut paths = self.levels.iter().flat_map(|level| &level.settings);
        paths.all(|(path, _)| !HAPPENS.contains(&path.split('.').next().unwrap_or_default()))
    }
}

impl Design {
    /// How many points there are.
    #[must_use]
    pub fn points(&self) -> usize {
        self.axes.iter().map(|axis| axis.levels.len()).product()
    }

    /// The level of each axis at a point.
    #[must_use]
    pub fn levels_of(&self, point: usize) -> Vec<usize> {
        levels_of(self.axes.iter().map(|axis| axis.levels.len()), point)
    }

    /// The point at these levels, one for each axis.
    #[must_use]
    pub fn point_at(&self, levels: &[usize]) -> usize {
        let axes = self.axes.iter().zip(levels);
        axes.fold(0, |point, (axis, &level)| point * axis.levels.len() + level)
    }
}

/// The level of each axis at a point, from the numbers of their levels: the last axis goes round fastest.
pub(crate) fn levels_of(counts: impl DoubleEndedIterator<Item = usize>, point: usize) -> Vec<usize> {
    let mut rest = point;
    let level = |count| {
        let level = rest % count;
        rest /= count;
        level
    };
    let mut levels: Vec<usize> = counts.rev().map(level).collect();
    levels.reverse();
    levels
}

/// Whether a point meets what had to hold.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Every objective is met.
    Holds,
    /// None is missed, and one is not decided by this many replications.
    Open,
    /// One is missed.
    Breaks,
    /// Nothing had to hold.
    NotAsked,
}

impl Standing {
    /// The word of machine-readable results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Open => "open",
            Self::Breaks => "breaks",
            Self::NotAsked => "not asked",
        }
    }
}

impl Point {
    /// Whether it meets what had to hold.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let any = |met: Option<bool>| self.objectives.iter().any(|objective| objective.met == met);
        match () {
            () if self.objectives.is_empty() => Standing::NotAsked,
            () if any(Some(false)) => Standing::Breaks,
            () if any(None) => Standing::Open,
            () => Standing::Holds,
        }
    }

    /// A figure that was kept.
    #[must_use]
    pub fn metric(&self, path: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.path == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Lost if broken: figures beside the settings of another point.
    #[test]
    fn the_last_axis_goes_round_fastest() {
        let axis = |count: usize| Axis {
            name: String::new(),
            levels: vec![
                Level {
                    label: String::new(),
                    settings: Vec::new()
                };
                count
            ],
        };
        let design = Design {
            axes: vec![axis(2), axis(3)],
            ..Design::default()
        };
        assert_eq!(design.points(), 6);
        let all: Vec<Vec<usize>> = (0..6).map(|point| design.levels_of(point)).collect();
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert!(
            all.iter()
                .enumerate()
                .all(|(point, levels)| design.point_at(levels) == point)
        );
        assert_eq!(Design::default().points(), 1);
    }
}
