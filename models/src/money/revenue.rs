//! What users pay a month, what is left of it after fees, and how many have to.
//!
//! Owns: revenue, fees, break-even. Never: refunds and churn, which are not part of it.

use crate::file::scenario::{Arrivals, Load};
use crate::file::{Scenario, System};

/// A month's payments of a registered population.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Revenue {
    /// Registered users.
    pub users: f64,
    /// Share of them that pays.
    pub paying: f64,
    /// What a paying user pays, on average over the classes.
    pub price: f64,
    /// What the payment service keeps of it, on average.
    pub fee: f64,
}

impl Revenue {
    /// Of so many registered users of a system.
    #[must_use]
    pub fn of(system: &System, users: f64) -> Self {
        let payment = system.money.payment.as_ref();
        let (share, each) = payment.map_or((0.0, 0.0), |payment| (payment.share.get(), payment.each.dollars()));
        let given = system.class.iter().filter_map(|(_, class)| class.share);
        let left = (1.0 - given.map(|share| share.get()).sum::<f64>()).max(0.0);
        let open = system.class.iter().filter(|(_, class)| class.share.is_none()).count();
        let (mut price, mut fee) = (0.0, 0.0);
        for (_, class) in system.class.iter() {
            let part = class.share.map_or(left / open.max(1) as f64, |share| share.get());
            let sum = class.price.dollars();
            // Who has nothing to pay makes no payment.
            if sum > 0.0 {
                price += part * sum;
                fee += part * (sum * share + each);
            }
        }
        Self {
            users,
            paying: system.money.paying.get(),
            price,
            fee,
        }
    }

    /// What users pay a month.
    #[must_use]
    pub fn gross(&self) -> f64 {
        self.users * self.paying * self.price
    }

    /// What the payment service keeps of it.
    #[must_use]
    pub fn fees(&self) -> f64 {
        self.users * self.paying * self.fee
    }

    /// What is left.
    #[must_use]
    pub fn net(&self) -> f64 {
        self.gross() - self.fees()
    }

    /// The share of registered users who have to pay so that a month's costs are covered; above one where it would
    /// take more users than there are, `None` where no number of payments is enough.
    #[must_use]
    pub fn break_even_share(&self, cost_a_month: f64) -> Option<f64> {
        let all = self.users * (self.price - self.fee);
        (all > 0.0).then(|| cost_a_month / all)
    }
}

/// Registered users that a bill is about: `money.users`, else the largest population of the scenario's streams.
#[must_use]
pub fn registered(system: &System, scenario: &Scenario) -> Option<u64> {
    let of_load = |load: &Load| {
        let people = load.people.as_ref().and_then(|people| people.count);
        let registered = match load.arrivals() {
            Some(Arrivals::Registered(ramp)) => Some(ramp.from.max(ramp.to)),
            Some(Arrivals::Phases(phases)) => phases
                .iter()
                .filter_map(|phase| phase.registered.as_ref())
                .map(|ramp| ramp.from.max(ramp.to))
                .max_by(f64::total_cmp),
            _ => None,
        };
        people.max(registered.map(|users| users.round() as u64))
    };
    let populations = scenario.streams().filter_map(|(_, load)| of_load(load));
    system.money.users.or_else(|| populations.max())
}
