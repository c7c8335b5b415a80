//! Health of one instance as a platform sees it: how long its probes have failed, and what follows.
//!
//! Owns: since when every probe has failed, whether it is out of traffic.
//! Never: how a probe is answered, when the next one is sent.
//!
//! The rule is the platform's (render.com/docs/health-checks): an instance all of whose probes have failed for 15 seconds
//! gets no more traffic; after 60 seconds it is restarted. The time counts from the first probe that failed, and one
//! good answer ends it. Nothing is decided between probes.

use crate::{SimSpan, SimTime};

/// Thresholds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct HealthConfig {
    /// Between the beginnings of two probes.
    pub every: SimSpan,
    /// A later answer is a failure.
    pub timeout: SimSpan,
    /// Failing this long, it gets no more traffic.
    pub out_after: SimSpan,
    /// Failing this long, it is restarted.
    pub restart_after: SimSpan,
}

/// What follows from a probe.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// Nothing new.
    Same,
    /// No more traffic.
    Out,
    /// Traffic again.
    Back,
    /// To be restarted.
    Restart,
}

/// An instance's health.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Health {
    config: HealthConfig,
    failing: Option<SimTime>,
    out: bool,
}

impl Health {
    /// In traffic, with nothing against it.
    #[must_use]
    pub const fn new(config: HealthConfig) -> Self {
        Self {
            config,
            failing: None,
            out: false,
        }
    }

    /// Other settings from now on.
    pub fn set_config(&mut self, config: HealthConfig) {
        self.config = config;
    }

    /// A probe was answered well.
    pub fn passed(&mut self) -> HealthChange {
        self.failing = None;
        if std::mem::take(&mut self.out) {
            HealthChange::Back
        } else {
            HealthChange::Same
        }
    }

    /// A probe sent at `sent` has failed, by now.
    pub fn failed(&mut self, now: SimTime, sent: SimTime) -> HealthChange {
        let since = *self.failing.get_or_insert(sent);
        let failing = now.since(since);
        if failing >= self.config.restart_after {
            return HealthChange::Restart;
        }
        if failing >= self.config.out_after && !self.out {
            self.out = true;
            return HealthChange::Out;
        }
        HealthChange::Same
    }

    /// When the probe after one sent at `sent` is sent, if that one has ended by now: probes do not overlap.
    #[must_use]
    pub fn next_probe(&self, now: SimTime, sent: SimTime) -> SimTime {
        now.max(sent + self.config.every)
    }

    /// Since when every probe has failed.
    #[must_use]
    pub const fn failing_since(&self) -> Option<SimTime> {
        self.failing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> SimTime {
        SimTime::ZERO + SimSpan::from_secs(seconds)
    }

    fn health() -> Health {
        Health::new(HealthConfig {
            every: SimSpan::from_secs(5),
            timeout: SimSpan::from_secs(5),
            out_after: SimSpan::from_secs(15),
            restart_after: SimSpan::from_secs(60),
        })
    }

    // Lost if broken: an instance leaves traffic or is restarted earlier or later than the platform says.
    #[test]
    fn out_after_fifteen_seconds_of_failures_and_restarted_after_sixty() {
        let mut health = health();
        let changes: Vec<(u64, HealthChange)> = (0..)
            .map(|n| n * 5)
            .map(|sent| (sent + 5, health.failed(seconds(sent + 5), seconds(sent))))
            .take(12)
            .filter(|(_, change)| *change != HealthChange::Same)
            .collect();
        assert_eq!(changes, [(15, HealthChange::Out), (60, HealthChange::Restart)]);
    }

    // Lost if broken: failures with good answers between them add up.
    #[test]
    fn one_good_answer_forgives_everything() {
        let mut health = health();
        assert_eq!(health.failed(seconds(10), seconds(5)), HealthChange::Same);
        assert_eq!(health.passed(), HealthChange::Same);
        assert_eq!(health.failed(seconds(20), seconds(15)), HealthChange::Same);
        assert_eq!(health.failed(seconds(30), seconds(25)), HealthChange::Out);
        assert_eq!(health.failed(seconds(35), seconds(30)), HealthChange::Same);
        assert_eq!(health.passed(), HealthChange::Back);
        assert_eq!(health.failing_since(), None);
    }

    // Lost if broken: probes that pile up behind one another, or come too seldom.
    #[test]
    fn probes_begin_at_their_interval_and_never_overlap() {
        let health = health();
        assert_eq!(health.next_probe(seconds(11), seconds(10)), seconds(15));
        assert_eq!(health.next_probe(seconds(18), seconds(10)), seconds(18));
    }
}
