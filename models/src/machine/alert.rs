//! A rule of monitoring: from one reading at each look to who has to be told.
//!
//! Owns: since when the condition holds, whether the rule fires, when it last spoke.
//! Never: what is read, and where a message goes (`channel`).
//!
//! A rule has no hysteresis: it fires when its condition has held at every look over `lasting`, and resolves at the first
//! look at which it does not hold. A look without a reading (no request came, so there is no share of errors) is one at
//! which it does not hold.

use crate::{SimSpan, SimTime};

/// When a rule that goes on firing speaks again.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// At each look while the condition holds: a loop that asks and sends, and keeps nothing.
    EachLook,
    /// Not before it has resolved.
    Once,
    /// When so much time has passed since it last spoke.
    After(SimSpan),
}

/// What a rule looks for.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct AlertConfig {
    /// The threshold; a reading that equals it does not hold.
    pub threshold: f64,
    /// Holds above it (true) or below it (false).
    pub is_above: bool,
    /// At a stretch, from the first look at which it holds.
    pub lasting: SimSpan,
    /// When it speaks again.
    pub repeat: Repeat,
}

impl AlertConfig {
    /// Whether the condition holds for a reading; never for one that is not a number.
    #[must_use]
    pub fn holds(&self, reading: f64) -> bool {
        if self.is_above {
            reading > self.threshold
        } else {
            reading < self.threshold
        }
    }
}

/// What came of a look.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// The condition does not hold, and did not fire.
    Calm,
    /// It holds, but not for long enough.
    Pending,
    /// It fires, from now on: tell people.
    Fires,
    /// It goes on firing: tell people again.
    Repeats,
    /// It goes on firing, and nobody is told again.
    Stays,
    /// It has stopped firing.
    Resolves,
}

/// The state of a rule.
#[derive(Clone, Debug)]
pub struct Alert {
    config: AlertConfig,
    /// Since which look the condition holds.
    since: Option<SimTime>,
    /// When it last spoke while it fires.
    spoke: Option<SimTime>,
}

impl Alert {
    /// A rule that has not looked yet.
    #[must_use]
    pub const fn new(config: AlertConfig) -> Self {
        Self {
            config,
            since: None,
            spoke: None,
        }
    }

    /// Its settings.
    #[must_use]
    pub const fn config(&self) -> &AlertConfig {
        &self.config
    }

    /// Whether it fires.
    #[must_use]
    pub const fn is_firing(&self) -> bool {
        self.spoke.is_some()
    }

    /// A look at the clock and a reading.
    pub fn look(&mut self, now: SimTime, reading: f64) -> Look {
        if !self.config.holds(reading) {
            self.since = None;
            return if self.spoke.take().is_some() {
                Look::Resolves
            } else {
                Look::Calm
            };
        }
        let since = *self.since.get_or_insert(now);
        let Some(spoke) = self.spoke else {
            if now.since(since) < self.config.lasting {
                return Look::Pending;
            }
            self.spoke = Some(now);
            return Look::Fires;
        };
        let speaks = match self.config.repeat {
            Repeat::EachLook => true,
            Repeat::Once => false,
            Repeat::After(span) => now.since(spoke) >= span,
        };
        if speaks {
            self.spoke = Some(now);
            Look::Repeats
        } else {
            Look::Stays
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(lasting: u64, repeat: Repeat) -> Alert {
        Alert::new(AlertConfig {
            threshold: 20.0,
            is_above: true,
            lasting: SimSpan::from_secs(lasting),
            repeat,
        })
    }

    /// One look a minute at these readings.
    fn looks(alert: &mut Alert, readings: &[f64]) -> Vec<Look> {
        let minute = |n: usize| SimTime::ZERO + SimSpan::from_secs(60 * (n as u64 + 1));
        readings
            .iter()
            .enumerate()
            .map(|(n, &reading)| alert.look(minute(n), reading))
            .collect()
    }

    // Lost if broken: how many messages the plan's own loop sends.
    #[test]
    fn a_rule_speaks_at_each_look_once_or_after_a_time() {
        let readings = [20.0, 21.0, 22.0, 23.0, 22.0, 20.0, 21.0];
        use Look::{Calm, Fires, Repeats, Resolves, Stays};
        for (repeat, expected) in [
            (
                Repeat::EachLook,
                [Calm, Fires, Repeats, Repeats, Repeats, Resolves, Fires],
            ),
            (Repeat::Once, [Calm, Fires, Stays, Stays, Stays, Resolves, Fires]),
            (
                Repeat::After(SimSpan::from_secs(120)),
                [Calm, Fires, Stays, Repeats, Stays, Resolves, Fires],
            ),
        ] {
            assert_eq!(looks(&mut rule(0, repeat), &readings), expected, "{repeat:?}");
        }
    }

    // Lost if broken: a rule that waits for a stretch fires at the first look, or counts two stretches as one.
    #[test]
    fn a_stretch_has_to_be_unbroken() {
        use Look::{Calm, Fires, Pending, Stays};
        let readings = [21.0, 21.0, 20.0, 21.0, 21.0, 21.0, 21.0];
        assert_eq!(
            looks(&mut rule(120, Repeat::Once), &readings),
            [Pending, Pending, Calm, Pending, Pending, Fires, Stays]
        );
        // Between two looks nothing is seen, so half a look is a whole one.
        assert_eq!(looks(&mut rule(30, Repeat::Once), &[21.0, 21.0]), [Pending, Fires]);
    }

    // Lost if broken: an hour without a request keeps the alarm of the last one, or raises one.
    #[test]
    fn no_reading_holds_nothing_and_the_threshold_itself_neither() {
        let below = AlertConfig {
            is_above: false,
            ..*rule(0, Repeat::Once).config()
        };
        let mut alert = Alert::new(below);
        use Look::{Calm, Fires, Resolves};
        assert_eq!(
            looks(&mut alert, &[f64::NAN, 20.0, 19.9, f64::NAN]),
            [Calm, Calm, Fires, Resolves]
        );
        assert!(!alert.is_firing());
    }
}
