//! What a run has to know of prices.

use highwater_models::money::{ModelUse, Revenue, Tariff};

/// Prices, and what is counted for them beside the usual figures.
#[derive(Clone, Debug, Default)]
pub struct Money {
    /// Prices of everything; models in the order of the providers' tables.
    pub tariff: Tariff,
    /// An instance a month, in thousandths of a dollar, by service.
    pub rents: Vec<u64>,
    /// Bytes of a good answer, by endpoint.
    pub answers: Vec<u64>,
    /// Bytes sent to a model provider for a prompt token.
    pub bytes_a_token: f64,
    /// The same for a minute of a recording.
    pub bytes_a_minute: f64,
    /// Payments of a month, where it is known how many users are registered.
    pub revenue: Option<Revenue>,
    /// Whether anybody is to pay at all: then it is asked how many users there are.
    pub asks_users: bool,
}

impl Money {
    /// What an instance of a service costs a month, in thousandths of a dollar.
    #[must_use]
    pub fn rent(&self, service: u16) -> u64 {
        self.rents.get(usize::from(service)).copied().unwrap_or(0)
    }

    /// What a call of a model costs, in dollars.
    #[must_use]
    pub fn call(&self, provider: usize, model: usize, used: ModelUse) -> f64 {
        let models = self.tariff.models.get(provider);
        models
            .and_then(|models| models.get(model))
            .map_or(0.0, |tariff| tariff.cost(used))
    }
}
