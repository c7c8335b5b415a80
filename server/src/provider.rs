//! The model provider as the platform calls it: one attempt at a time. Retries, budgets and breakers are machines of the
//! platform.

pub mod http;
pub mod luck;
pub mod sse;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use highwater_models::SimSpan;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The model's name.
    pub model: String,
    /// Tokens of the prompt, the conversation so far included; or seconds of a recording.
    pub prompt: f64,
    /// The most tokens that the answer may have, where a bound is set.
    pub answer_max: Option<u64>,
    /// Whether it is a recording.
    pub audio: bool,
    /// Whether the answer is to come in pieces.
    pub stream: bool,
    /// What chance has decided already. The bundled upstream does as it says; a real provider never hears of it.
    pub luck: Luck,
}

/// What chance has decided about one attempt.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Luck {
    /// Tokens of the answer.
    pub answer: f64,
    /// Time to the first token, or of the whole answer where `per_token` is none.
    pub first: SimSpan,
    /// Time for each token.
    pub per_token: Option<SimSpan>,
    /// Uniform in [0, 1): the attempt fails where the provider fails for more than this share.
    pub chance: f64,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "a refusal's doc says what its field is")]
pub enum Refusal {
    /// 429: over a limit.
    RateLimited { retry_after: Option<SimSpan> },
    /// 429 of another kind: the money is spent.
    Quota,
    /// 5xx.
    Failed,
    /// Not to be reached, or the connection broke.
    Unreachable(String),
    /// Anything else that is not an answer.
    Other(String),
}

/// An answer that has begun: for one in pieces at its first token, else when it is whole.
pub struct Answering {
    /// Tokens of the prompt and of the answer, as the provider counts them; the latter when it says so at once.
    pub usage: Option<(f64, f64)>,
    /// The text so far.
    pub text: String,
    /// The rest, piece by piece; none when it is whole.
    pub rest: Option<BoxStream<'static, Result<String, Refusal>>>,
}

/// A model provider.
pub trait Provider: Send + Sync + 'static {
    /// Asks once. Whoever drops the answer hangs up.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answering, Refusal>>;

    /// Whether its answers take what they take, as a real provider's do. Else one that comes sooner than
    /// [`Luck`] says is held back until then.
    fn keeps_time(&self) -> bool {
        false
    }
}
