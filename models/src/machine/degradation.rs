//! A ladder of degradation: how bad things look to one process, and so what it leaves out.
//!
//! Owns: the level in force, since when, and how often it changed.
//! Never: readings (the driver takes them), or what a level switches off.
//!
//! Levels go from the worst to the mildest. At each look the first that holds is in force: any one of its readings above
//! its bound is enough. A worse level takes hold at once. With hysteresis a level is left for a milder one only when
//! every reading has fallen below its bound by that share, and only after it has been in force for `hold`. Without both
//! a reading near a bound flaps.

use crate::{SimSpan, SimTime};

/// What a process reads of itself.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Open client connections.
    pub sockets: f64,
    /// Requests in hand.
    pub in_hand: f64,
    /// Busy share of the CPU.
    pub cpu: f64,
    /// Used share of the memory.
    pub memory: f64,
}

/// Bounds of a level; one that is not given never holds.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// Of open client connections.
    pub sockets: Option<f64>,
    /// Of requests in hand.
    pub in_hand: Option<f64>,
    /// Of the CPU's busy share.
    pub cpu: Option<f64>,
    /// Of the memory's used share.
    pub memory: Option<f64>,
}

/// Settings of a ladder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DegradationConfig {
    /// The worst first.
    pub levels: Vec<Bounds>,
    /// A level lasts at least this long before a milder one follows.
    pub hold: SimSpan,
    /// A level is left only this share below its bounds.
    pub hysteresis: f64,
    /// Whether the CPU's reading never counts: a rule that compares `process.cpuUsage()`, which is an object, with a
    /// number is never true.
    pub cpu_never_counts: bool,
}

/// A change of level; `None` is none of them.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// Before.
    pub from: Option<usize>,
    /// Now.
    pub to: Option<usize>,
}

/// Where one process stands on the ladder.
#[derive(Copy, Clone, Debug, Default)]
pub struct Degradation {
    level: Option<usize>,
    since: SimTime,
}

impl Degradation {
    /// The level in force.
    #[must_use]
    pub fn level(&self) -> Option<usize> {
        self.level
    }

    /// A look: the change, if there is one.
    pub fn on_sample(&mut self, config: &DegradationConfig, now: SimTime, reading: &Reading) -> Option<LevelChange> {
        let wanted = config.wanted(reading, self.level);
        if wanted == self.level {
            return None;
        }
        // The worst has the smallest number, and none at all is the mildest.
        let is_milder = wanted.unwrap_or(usize::MAX) > self.level.unwrap_or(usize::MAX);
        if is_milder && now.since(self.since) < config.hold {
            return None;
        }
        let change = LevelChange {
            from: self.level,
            to: wanted,
        };
        (self.level, self.since) = (wanted, now);
        Some(change)
    }
}

impl DegradationConfig {
    /// The first level that holds; those that are in force, and milder ones, hold until well below their bounds.
    fn wanted(&self, reading: &Reading, current: Option<usize>) -> Option<usize> {
        self.levels.iter().enumerate().position(|(number, bounds)| {
            let is_reached = current.is_some_and(|current| number >= current);
            let factor = if is_reached { 1.0 - self.hysteresis } else { 1.0 };
            let above = |value: f64, bound: Option<f64>| bound.is_some_and(|bound| value > bound * factor);
            above(reading.sockets, bounds.sockets)
                || above(reading.in_hand, bounds.in_hand)
                || (above(reading.cpu, bounds.cpu) && !self.cpu_never_counts)
                || above(reading.memory, bounds.memory)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::check;
    use super::*;

    const NAMES: [&str; 3] = ["critical", "high", "elevated"];

    /// The plan's ladder.
    fn plan() -> DegradationConfig {
        let level = |sockets, cpu| Bounds {
            sockets: Some(sockets),
            cpu: Some(cpu),
            ..Bounds::default()
        };
        DegradationConfig {
            levels: vec![level(500.0, 0.9), level(300.0, 0.7), level(150.0, 0.5)],
            ..DegradationConfig::default()
        }
    }

    /// Rows `time sockets cpu%`; the level that follows a change.
    fn check_ladder(config: &DegradationConfig, table: &str) {
        let mut ladder = Degradation::default();
        check(table, |now, words| {
            let number = |index: usize| words[index].parse::<f64>().expect("a number");
            let reading = Reading {
                sockets: number(0),
                cpu: number(1) / 100.0,
                ..Reading::default()
            };
            let change = ladder.on_sample(config, now, &reading);
            change.map_or_else(String::new, |change| {
                change.to.map_or("normal", |level| NAMES[level]).to_owned()
            })
        });
    }

    /// Lost if broken: the plan's own rule.
    #[test]
    fn the_worst_level_above_whose_bound_any_reading_is_holds() {
        check_ladder(
            &plan(),
            "
            0s  150 50 |              // not above
            10s 151 50 | elevated
            20s 10  71 | high
            30s 501 0  | critical
            40s 501 95 |
            50s 0   0  | normal
        ",
        );
    }

    /// Lost if broken: the plan as written would be better than it is.
    #[test]
    fn as_written_the_cpu_never_counts() {
        let written = DegradationConfig {
            cpu_never_counts: true,
            ..plan()
        };
        check_ladder(
            &written,
            "
            0s  0   100 |
            10s 151 100 | elevated
        ",
        );
    }

    /// Lost if broken: a load at a bound switches a feature off and on every ten seconds.
    #[test]
    fn without_hysteresis_a_reading_at_a_bound_flaps_and_with_it_does_not() {
        check_ladder(
            &plan(),
            "
            0s  305 0 | high
            10s 295 0 | elevated
            20s 305 0 | high
            30s 295 0 | elevated
        ",
        );
        let calm = DegradationConfig {
            hysteresis: 0.2,
            ..plan()
        };
        check_ladder(
            &calm,
            "
            0s  305 0 | high
            10s 295 0 |
            20s 305 0 |
            30s 240 0 | elevated     // a fifth below 300 is not above it any more
            40s 125 0 |              // a fifth below 150 is 120
            50s 120 0 | normal
        ",
        );
    }

    /// Lost if broken: as above, for a reading that swings far.
    #[test]
    fn a_level_is_held_for_its_time_before_a_milder_one_and_left_at_once_for_a_worse_one() {
        let held = DegradationConfig {
            hold: SimSpan::from_secs(60),
            ..plan()
        };
        check_ladder(
            &held,
            "
            0s  305 0 | high
            10s 0   0 |
            50s 501 0 | critical
            60s 0   0 |
            110s 0  0 | normal
        ",
        );
    }
}
