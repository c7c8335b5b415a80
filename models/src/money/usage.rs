//! What was used, of everything that costs money.

/// What a system used over some time. The lists stand in the order of the tariff's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// How long, in seconds.
    pub seconds: f64,
    /// Instances, by service.
    pub services: Vec<InstanceUse>,
    /// Commands that were carried out, by cache.
    pub caches: Vec<f64>,
    /// Tokens and recordings, by provider and model.
    pub models: Vec<Vec<ModelUse>>,
    /// Bytes sent to the internet: answers, and what is sent to model providers.
    pub outbound_bytes: f64,
    /// Messages sent, by channel, each as many times as it has segments that are charged.
    pub messages: Vec<f64>,
}

/// Instances of a service.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct InstanceUse {
    /// Seconds from the start of boot to the end, over all instances.
    pub seconds: f64,
    /// What they cost, where that was counted because their plan changed; else the tariff's price holds for all.
    pub dollars: Option<f64>,
}

/// Calls of a model.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct ModelUse {
    /// Tokens of prompts.
    pub prompt: f64,
    /// Tokens of answers.
    pub answer: f64,
    /// Minutes of recordings.
    pub minutes: f64,
}
