//! Prices of what the plan uses.
//!
//! Owns: the model's `money`, but for the sizes of answers (they are written down with the endpoints).
//! Never: which price belongs to what (that is `highwater_models::money`).

use highwater_models::money::{Revenue, Tariff, Usage, registered};

use super::Compiler;

/// Bytes of a KB in the catalogue.
const KILOBYTE: f64 = 1024.0;

impl Compiler<'_> {
    pub(super) fn money(&mut self) {
        let system = self.system;
        let models: Vec<Vec<String>> = self
            .model
            .providers
            .iter()
            .map(|provider| provider.models.iter().map(|model| model.name.clone()).collect())
            .collect();
        let tariff = Tariff::of(system, self.edition, &models);
        let is_priced = !tariff.bill(&Usage::default()).items.is_empty();
        for model in tariff.unknown().filter(|_| is_priced) {
            self.note(format!(
                "the price of `{model}`: its calls cost nothing. Set `price_in` and `price_out`"
            ));
        }
        for (name, service) in system.service.iter() {
            if service.plan.as_ref().is_some_and(|plan| plan.text == "free") {
                self.note(format!(
                    "`{name}.plan`: a free instance that falls asleep after 15 minutes without a request"
                ));
            }
        }
        let number = |key: &str| self.edition.number(key).map_or(0.0, |figure| figure.value);
        let (bytes_a_token, kilobytes_a_minute) =
            (number("openai.upload.per_token"), number("openai.upload.per_minute"));
        // A population that changes pays, over the month, as its mean does.
        let given = system.money.users.map(|users| users as f64);
        let of_run = self.model.registered.map(|registered| registered.mean);
        let users = given
            .or(of_run)
            .or_else(|| registered(system, self.scenario).map(|users| users as f64));
        let money = &mut self.model.money;
        money.rents = tariff
            .services
            .iter()
            .map(|service| service.instance.as_ref().map_or(0.0, |price| price.dollars))
            .map(|dollars| (dollars * 1000.0).round() as u64)
            .collect();
        money.tariff = tariff;
        money.bytes_a_token = bytes_a_token;
        money.bytes_a_minute = kilobytes_a_minute * KILOBYTE;
        money.asks_users = system.class.iter().any(|(_, class)| class.price.dollars() > 0.0);
        money.revenue = users.map(|users| Revenue::of(system, users));
    }
}
