//! Language and speech models: price, speed, limits, and the day they go.
//!
//! Owns: the typed form of a model.
//! Never: draws from a latency, token arithmetic.

use super::figure::{Figure, Latency};

/// A model of the provider. What is not known of it is none, and a system file has to give it.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The provider's id, such as `gpt-4`.
    pub name: String,
    /// Dollars for a million prompt tokens.
    pub price_in: Option<Figure<f64>>,
    /// Dollars for a million prompt tokens that the provider has cached.
    pub price_cached: Option<Figure<f64>>,
    /// Dollars for a million answer tokens.
    pub price_out: Option<Figure<f64>>,
    /// Dollars for a minute of recording.
    pub price_audio_minute: Option<Figure<f64>>,
    /// Time to the first token.
    pub first_token: Option<Figure<Latency>>,
    /// Time per token of an answer, on top of the time to the first; one draw per answer.
    pub per_token: Option<Figure<Latency>>,
    /// Time to transcribe one minute of recording.
    pub per_audio_minute: Option<Figure<Latency>>,
    /// When it is shut down, once that is announced.
    pub withdrawn: Option<Withdrawal>,
    pub(super) tiers: Vec<TierLimits>,
}

impl Model {
    /// The limits of an account in usage tier 1 to 5, where they are known.
    #[must_use]
    pub fn limits(&self, tier: u8) -> Option<&TierLimits> {
        self.tiers.iter().find(|limits| limits.tier == tier)
    }

    /// The known limits, lowest tier first.
    #[must_use]
    pub fn tiers(&self) -> &[TierLimits] {
        &self.tiers
    }

    /// Whether the model is shut down on `day`, written `YYYY-MM-DD`.
    #[must_use]
    pub fn is_withdrawn_on(&self, day: &str) -> bool {
        self.withdrawn
            .as_ref()
            .is_some_and(|withdrawal| withdrawal.date.value.as_str() <= day)
    }
}

/// What the provider lets an account do with one model, by the account's usage tier.
#[derive(Clone, Debug, PartialEq)]
pub struct TierLimits {
    /// Usage tier, 1 to 5.
    pub tier: u8,
    /// Requests a minute.
    pub requests_per_minute: Option<Figure<u64>>,
    /// Tokens a minute.
    pub tokens_per_minute: Option<Figure<u64>>,
    /// Requests a day.
    pub requests_per_day: Option<Figure<u64>>,
}

/// The end of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Withdrawal {
    /// Day of the shutdown, `YYYY-MM-DD`; it may lie after the edition's date.
    pub date: Figure<String>,
    /// What the provider names instead; none when it names nothing.
    pub replacements: Option<Figure<Vec<String>>>,
}
