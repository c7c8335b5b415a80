//! What is counted because it costs money: instances that are paid for, and what providers' accounts have spent.

use highwater_models::money::ModelUse;

use super::World;

impl World<'_> {
    /// An instance is paid for from here on.
    pub(super) fn rent_begins(&mut self, instance: u32) {
        let state = &self.instances[instance as usize];
        let record = &mut self.record.services[state.service as usize];
        record.billed.up(self.now);
        record.rent.raise(self.now, state.rent);
    }

    /// It is no longer.
    pub(super) fn rent_ends(&mut self, instance: u32) {
        let state = &self.instances[instance as usize];
        let record = &mut self.record.services[state.service as usize];
        record.billed.down(self.now);
        record.rent.lower(self.now, state.rent);
    }

    /// Whether a provider's account has nothing left this month.
    pub(super) fn is_spent(&mut self, provider: usize) -> bool {
        let spec = &self.model.providers[provider];
        if spec.spend_limit.is_infinite() {
            return false;
        }
        let state = &mut self.providers[provider];
        let is_spent = state.spending.has_reached(self.now, spec.spend_limit);
        if is_spent && !state.spent_said {
            let name = self.model.resources[usize::from(spec.resource)].name.clone();
            self.log(
                name,
                format!(
                    "the month's {} dollars are spent: every call fails until the next month",
                    spec.spend_limit
                ),
            );
        }
        self.providers[provider].spent_said = is_spent;
        is_spent
    }

    /// A call is paid for: prompt and answer tokens, minutes of a recording. What it costs, in dollars.
    pub(super) fn pay(&mut self, provider: usize, model: usize, (prompt, answer, minutes): (f64, f64, f64)) -> f64 {
        let used = ModelUse {
            prompt,
            answer,
            minutes,
        };
        let dollars = self.model.money.call(provider, model, used);
        self.providers[provider].spending.add(self.now, dollars);
        dollars
    }
}
