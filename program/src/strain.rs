//! What is wrong with services, databases, caches and providers at the moment.
//!
//! Owns: the sums of all faults under way. Never: when one begins or ends (that is for whoever runs the system).

use highwater_models::SimSpan;
use highwater_workload::Key;

use crate::model::{Model, Target, Trouble};

/// What is wrong with one of them.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Strain {
    /// Everything takes so many times as long.
    pub slow: f64,
    /// This share fails.
    pub errors: f64,
    /// Nothing answers.
    pub down: bool,
    /// Those who ask hang, instead of being refused at once.
    pub hang: bool,
}

impl Strain {
    /// Nothing is wrong.
    pub const NONE: Self = Self {
        slow: 1.0,
        errors: 0.0,
        down: false,
        hang: false,
    };

    /// With another fault: slow ones multiply, failing ones fail independently.
    pub fn add(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Slow(factor) => self.slow *= factor,
            Trouble::Errors(share) => self.errors = 1.0 - (1.0 - self.errors) * (1.0 - share),
            Trouble::Down { hang } => {
                self.down = true;
                self.hang |= hang;
            }
        }
    }

    /// How long something takes now.
    #[inline]
    #[must_use]
    pub fn stretch(self, span: SimSpan) -> SimSpan {
        if self.slow == 1.0 {
            span
        } else {
            SimSpan::from_nanos((span.nanos() as f64 * self.slow + 0.5) as u64)
        }
    }

    /// Whether anything fails now.
    #[inline]
    #[must_use]
    pub fn fails_some(&self) -> bool {
        self.down || self.errors > 0.0
    }

    /// Whether something fails: a uniform draw under a key of its own.
    #[inline]
    pub fn fails(self, key: impl FnOnce() -> Key) -> bool {
        self.errors > 0.0 && key().draw().uniform() < self.errors
    }
}

/// All of them.
#[derive(Clone, Debug)]
pub struct Strains {
    /// By service.
    pub services: Vec<Strain>,
    /// By database.
    pub databases: Vec<Strain>,
    /// By cache.
    pub caches: Vec<Strain>,
    /// By provider.
    pub providers: Vec<Strain>,
}

impl Strains {
    /// Nothing is wrong.
    #[must_use]
    pub fn new(model: &Model) -> Self {
        Self {
            services: vec![Strain::NONE; model.services.len()],
            databases: vec![Strain::NONE; model.databases.len()],
            caches: vec![Strain::NONE; model.caches.len()],
            providers: vec![Strain::NONE; model.providers.len()],
        }
    }

    /// Of one target.
    pub fn of(&mut self, target: Target) -> &mut Strain {
        match target {
            Target::Service(number) => &mut self.services[number as usize],
            Target::Database(number) => &mut self.databases[number as usize],
            Target::Cache(number) => &mut self.caches[number as usize],
            Target::Provider(number) => &mut self.providers[number as usize],
        }
    }

    /// What is wrong with a target, from all the faults under way.
    pub fn set(&mut self, target: Target, troubles: impl Iterator<Item = Trouble>) {
        let mut strain = Strain::NONE;
        troubles.for_each(|trouble| strain.add(trouble));
        *self.of(target) = strain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_add_up_and_nothing_is_stretched_without_one() {
        let mut strain = Strain::NONE;
        let span = SimSpan::from_millis(7);
        assert_eq!(strain.stretch(span), span);
        for trouble in [
            Trouble::Slow(2.0),
            Trouble::Slow(1.5),
            Trouble::Errors(0.5),
            Trouble::Errors(0.2),
        ] {
            strain.add(trouble);
        }
        assert_eq!(strain.stretch(span), SimSpan::from_millis(21));
        assert!((strain.errors - 0.6).abs() < 1e-12);
        assert!(!strain.down);
    }
}
