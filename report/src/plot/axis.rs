//! From values to places: ticks that people would choose, linear, logarithmic, of time, or of names.
//!
//! Owns: steps. Never: how a tick is written (`number.rs`).

use highwater_models::record::figures::Unit;

use crate::number;

/// Steps of a clock in seconds.
const CLOCK: [f64; 24] = [
    0.001,
    0.01,
    0.1,
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    2_592_000.0,
];

/// What nothing that is drawn exceeds: beyond it there is no step that makes sense.
const MOST: f64 = 1e15;

/// One direction of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it shows; empty where the ticks say it.
    pub label: String,
    /// What values count in.
    pub unit: Unit,
    /// Whether equal ratios have equal lengths.
    pub is_log: bool,
    /// Whether it is time since the start, in seconds.
    pub is_clock: bool,
    /// Whether it begins near the smallest value and not at zero: for settings, of which none may be near it.
    pub is_tight: bool,
    /// What stands for 0, 1, 2 and so on where values are no numbers, such as plans.
    pub names: Vec<String>,
}

impl Axis {
    /// From zero.
    #[must_use]
    pub fn new(label: &str, unit: Unit) -> Self {
        Self {
            label: label.to_owned(),
            unit,
            is_log: false,
            is_clock: false,
            is_tight: false,
            names: Vec::new(),
        }
    }

    /// Time since the start.
    #[must_use]
    pub fn clock() -> Self {
        Self {
            is_clock: true,
            ..Self::new("", Unit::Seconds)
        }
    }

    /// Names instead of numbers.
    #[must_use]
    pub fn named(label: &str, names: Vec<String>) -> Self {
        Self {
            names,
            ..Self::new(label, Unit::Count)
        }
    }

    /// From near the smallest value.
    #[must_use]
    pub fn tight(self) -> Self {
        Self { is_tight: true, ..self }
    }

    /// Logarithmic where the values are all above zero.
    #[must_use]
    pub fn log(self) -> Self {
        Self { is_log: true, ..self }
    }

    /// The axis for values from `low` to `high`, with about so many ticks.
    #[must_use]
    pub(super) fn scale(&self, low: f64, high: f64, ticks: usize) -> Scale {
        let sound = |value: f64, other: f64| {
            if value.is_finite() {
                value.clamp(-MOST, MOST)
            } else {
                other
            }
        };
        let low = sound(low, 0.0);
        let high = sound(high, low).max(low);
        let ticks = ticks.max(2);
        if !self.names.is_empty() {
            return self.of_names();
        }
        if self.is_clock {
            return clock(low, high, ticks);
        }
        if self.is_log && low > 0.0 {
            return self.logarithmic(low, high);
        }
        self.linear(low, high, ticks)
    }

    fn of_names(&self) -> Scale {
        let ticks = self.names.iter().enumerate();
        Scale {
            from: -0.5,
            to: self.names.len() as f64 - 0.5,
            is_log: false,
            ticks: ticks.map(|(number, name)| (number as f64, name.clone())).collect(),
        }
    }

    fn linear(&self, low: f64, high: f64, ticks: usize) -> Scale {
        let low = if self.is_tight { low } else { low.min(0.0) };
        let high = if high <= low { low + 1.0 } else { high };
        // Steps are round in the unit in which they are written: 512 MB and not 500,000,000.
        let size = number::axis_unit(high.max(-low), self.unit);
        let step = round_step((high - low) / size / ticks as f64) * size;
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let count = (last - first).clamp(1.0, 100.0) as usize;
        let at = |number: usize| (first + number as f64) * step;
        Scale {
            from: at(0),
            to: at(count),
            is_log: false,
            ticks: (0..=count)
                .map(|number| {
                    (
                        at(number),
                        number::tick(at(number), step, at(count).max(-at(0)), self.unit),
                    )
                })
                .collect(),
        }
    }

    fn logarithmic(&self, low: f64, high: f64) -> Scale {
        // One, two and five of each power of ten; only the powers where there are many.
        let steps = |wanted: &'static [f64]| {
            (-15..=15).flat_map(move |power| {
                wanted
                    .iter()
                    .map(move |digit| digit * libm::pow(10.0, f64::from(power)))
            })
        };
        let all: Vec<f64> = steps(&[1.0, 2.0, 5.0]).collect();
        let below = |value: f64| all.iter().copied().rfind(|step| *step <= value * (1.0 + 1e-9));
        let from = below(low).unwrap_or(1e-15);
        let to = all
            .iter()
            .copied()
            .find(|step| *step >= high * (1.0 - 1e-9) && *step > from);
        let to = to.unwrap_or(high.max(from * 10.0));
        let wanted: &[f64] = if to / from > 2000.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let ticks = steps(if wanted.len() > 1 { &[1.0, 2.0, 5.0] } else { &[1.0] });
        Scale {
            from,
            to,
            is_log: true,
            ticks: ticks
                .filter(|tick| *tick >= from * (1.0 - 1e-9) && *tick <= to * (1.0 + 1e-9))
                .map(|tick| (tick, number::bound(tick, self.unit)))
                .collect(),
        }
    }
}

fn clock(low: f64, high: f64, ticks: usize) -> Scale {
    let high = if high <= low { low + 1.0 } else { high };
    let wanted = (high - low) / ticks as f64;
    let step = CLOCK.iter().copied().find(|step| *step >= wanted);
    let step = step.unwrap_or_else(|| round_step(wanted / 86_400.0) * 86_400.0);
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).clamp(0.0, 100.0) as usize;
    let label = |at: f64| {
        if at == 0.0 {
            "0".to_owned()
        } else {
            number::span_words(at)
        }
    };
    Scale {
        from: low,
        to: high,
        is_log: false,
        ticks: (0..=count)
            .map(|number| (first + number as f64) * step)
            .map(|at| (at, label(at)))
            .collect(),
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let mut power = 1.0;
    while power * 10.0 <= least {
        power *= 10.0;
    }
    while power > least && power > 1e-12 {
        power /= 10.0;
    }
    // Powers below one are taken from whole ones, so that 0.1 is the nearest number to a tenth.
    let power = if power < 1.0 {
        1.0 / (1.0 / power).round()
    } else {
        power
    };
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

/// An axis for known values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    /// Its beginning.
    pub from: f64,
    /// Its end.
    pub to: f64,
    is_log: bool,
    /// Where it is labelled, and how.
    pub ticks: Vec<(f64, String)>,
}

impl Scale {
    /// How far along a value lies: 0 at the beginning, 1 at the end, never outside.
    pub fn place(&self, value: f64) -> f64 {
        let place = if self.is_log {
            let log = |value: f64| libm::log10(value.max(self.from));
            (log(value) - log(self.from)) / (log(self.to) - log(self.from))
        } else {
            (value - self.from) / (self.to - self.from)
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// Whether a value lies on it.
    pub fn has(&self, value: f64) -> bool {
        value >= self.from && value <= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, low: f64, high: f64, ticks: usize) -> String {
        let scale = axis.scale(low, high, ticks);
        let labels: Vec<&str> = scale.ticks.iter().map(|(_, label)| label.as_str()).collect();
        labels.join(" | ")
    }

    // Lost if broken: axes that count in 3, 6 and 9, or mix milliseconds with seconds.
    #[test]
    fn ticks_are_those_that_people_would_choose() {
        for (unit, high, wanted) in [
            (Unit::Seconds, 34.2, "0 s | 10 s | 20 s | 30 s | 40 s"),
            (Unit::Seconds, 1.37, "0 s | 0.5 s | 1.0 s | 1.5 s"),
            (Unit::Seconds, 0.18, "0 ms | 50 ms | 100 ms | 150 ms | 200 ms"),
            (Unit::Share, 0.99, "0 % | 50 % | 100 %"),
            (Unit::Share, 0.004, "0 % | 0.1 % | 0.2 % | 0.3 % | 0.4 %"),
            (Unit::PerSecond, 260.0, "0/s | 100/s | 200/s | 300/s"),
            (Unit::Count, 3_400_000.0, "0 | 1M | 2M | 3M | 4M"),
            (
                Unit::Bytes,
                400.0 * 1_048_576.0,
                "0 MB | 100 MB | 200 MB | 300 MB | 400 MB",
            ),
            (Unit::Dollars, 1_900.0, "$0 | $500 | $1,000 | $1,500 | $2,000"),
            (Unit::Count, 0.0, "0 | 0.5 | 1.0"),
        ] {
            let axis = Axis::new("", unit);
            assert_eq!(
                labels(&axis, 0.0, high, if high == 0.0 { 3 } else { 4 }),
                wanted,
                "{high}"
            );
        }
        assert_eq!(
            labels(&Axis::clock(), 0.0, 1800.0, 6),
            "0 | 5 min | 10 min | 15 min | 20 min | 25 min | 30 min"
        );
        assert_eq!(labels(&Axis::clock(), 0.0, 86_400.0, 5), "0 | 6 h | 12 h | 18 h | 24 h");
        let tight = Axis::new("", Unit::Count).tight();
        assert_eq!(labels(&tight, 4.0, 10.0, 4), "4 | 6 | 8 | 10");
        assert_eq!(labels(&tight, 0.2, 0.6, 4), "0.2 | 0.3 | 0.4 | 0.5 | 0.6");
        let log = Axis::new("", Unit::Seconds).log();
        assert_eq!(labels(&log, 0.011, 30.0, 4), "10 ms | 100 ms | 1 s | 10 s");
        assert_eq!(labels(&log, 0.3, 1.7, 4), "200 ms | 500 ms | 1 s | 2 s");
    }

    // Lost if broken: a panic or an endless loop in a report of a run that went to the edge of numbers.
    #[test]
    fn any_range_has_an_axis() {
        let values = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            1e-300,
            -5.0,
            1e300,
            1.0,
        ];
        for low in values {
            for high in values {
                for axis in [
                    Axis::new("", Unit::Seconds),
                    Axis::new("", Unit::Dollars).log(),
                    Axis::new("", Unit::Count).tight(),
                    Axis::clock(),
                ] {
                    let scale = axis.scale(low, high, 5);
                    assert!(
                        scale.to > scale.from && scale.ticks.len() <= 101,
                        "{low} {high} {scale:?}"
                    );
                    for value in values {
                        let place = scale.place(value);
                        assert!((0.0..=1.0).contains(&place), "{value} in {scale:?}");
                    }
                }
            }
        }
    }
}
