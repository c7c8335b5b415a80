//! Model providers: limits of the account, retries, models with their price and speed.
//!
//! Owns: the tables under `[provider.NAME]`.
//! Never: the catalogue's prices and speeds (that is `catalogue/`).

use crate::SimSpan;
use crate::file::name::{Name, Named};
use crate::file::quantity::Quantity;
use crate::file::rules;
use crate::file::table::{choice, table};
use crate::file::value::Retry;
use crate::units::{Share, Usd};

table! {
    /// A model provider: one account for everyone.
    pub struct Provider = "provider" {
        /// All instances together, retries included.
        requests_per_minute: Option<u64> = none "unlimited" in 1.0..=1e12,
        /// Prompt plus the larger of answer limit and estimate, taken up front.
        tokens_per_minute: Option<u64> = none "unlimited" in 1.0..=1e15,
        /// Requests at once.
        concurrent: Option<u32> = none "unlimited" in 1.0..=1e9,
        /// How a minute's limit comes back.
        window: ProviderWindow = "bucket" [assumed "limits may be enforced over shorter periods, says the rate-limits guide" "2026-11-24"],
        /// Size of the bucket, in requests.
        burst: Option<u64> = none "one minute's worth" [assumed "no burst is published" "2026-11-24"] in 1.0..=1e12,
        /// Refused requests use up the limit too.
        refused_count: bool = true [documented "OpenAI, rate-limits guide" "2026-11-24"],
        /// What a 429 tells.
        retry_after: RetryAfter = "exact",
        /// Share of answers that are a 500.
        fails: Share = 0,
        /// Inside the job: the queue's slot stays taken.
        retry: Retry = { max = 2, wait = { base = "500ms", factor = 2.0, cap = "8s", jitter = "down_25" }, honour_retry_after = true }
            [documented "openai 7.57.0 client.js" "2026-11-24"],
        /// Retries of each process are at most this share of its calls, with a handful saved up.
        retry_budget: Option<Share> = none "no limit",
        /// In each process: refuse at once while open: `llm_error`. Errors, time-outs and 429s count, those of retries too.
        breaker: Option<Breaker> = none "off",
        /// Per attempt.
        timeout: SimSpan = "10m" [documented "openai 7.57.0 client.js" "2026-11-24"],
        /// Most that the account may spend in a month of the run, which begins with the first; then every call fails with
        /// `llm_quota` and is not tried again. OpenAI's usage tiers 1 to 5 have 100, 500, 1,000, 5,000 and 200,000.
        spend_limit: Option<Usd> = none "unlimited",
        /// Which model does what: one place to switch it.
        r#use: Named<Name> = {} "none",
        /// Price and speed.
        model: Named<Model> = {} "the catalogue's",
    }
}

choice! {
    /// How a provider's limit per minute comes back.
    pub enum ProviderWindow {
        /// Continuously.
        Bucket = "bucket",
        /// In whole minutes from the first request.
        Fixed = "fixed",
    }
}

choice! {
    /// What a provider's 429 says about when to come back.
    pub enum RetryAfter {
        /// Nothing.
        None = "none",
        /// Exactly when.
        Exact = "exact",
        /// Rounded up to whole seconds.
        WholeSeconds = "whole_seconds",
    }
}

table! {
    /// A circuit breaker.
    pub struct Breaker = "provider.breaker" {
        /// This many failures …
        failures: u32 = required in 1.0..=1e9,
        /// … within this long open it.
        window: SimSpan = required,
        /// It stays open this long.
        open_for: SimSpan = required,
    }
}

table! {
    /// Price and speed of a model.
    pub struct Model = "provider.model" check rules::model {
        /// Of the whole answer; instead of the next two.
        latency: Option<Quantity> = none of time,
        /// Until the first token.
        first_token: Option<Quantity> = none "the catalogue's" of time,
        /// Per token of the answer, on top of `first_token`: one draw per answer.
        per_token: Option<Quantity> = none "the catalogue's" of time,
        /// Transcription, per minute of the recording.
        per_audio_minute: Option<Quantity> = none "the catalogue's" of time,
        /// A million prompt tokens.
        price_in: Option<Usd> = none "the catalogue's",
        /// A million answer tokens.
        price_out: Option<Usd> = none "the catalogue's",
        /// A minute of a recording.
        price_audio_minute: Option<Usd> = none "the catalogue's",
        /// A limit of this model's own.
        requests_per_minute: Option<u64> = none "the provider's" in 1.0..=1e12,
        /// A limit of this model's own.
        tokens_per_minute: Option<u64> = none "the provider's" in 1.0..=1e15,
        /// What an answer is worth; the loss is reported with degradation.
        quality: Share = 1,
    }
}
