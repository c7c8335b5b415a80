//! One call that an account has taken: when it answers, and what.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};
use highwater_models::{SimSpan, SimTime};

use super::account::{Account, Allowance, Call, Refused, Shared};
use super::words::words;
use crate::provider::{Answering, Provider, Question, Refusal};

/// At least so much time lies between two pieces of an answer, of the wall's on a fast clock; what comes sooner comes
/// together.
const GAP: SimSpan = SimSpan::from_millis(20);

/// Words that are spoken in a minute of a recording: assumed, for the length of a transcript's text alone.
const SPOKEN: f64 = 130.0;

/// A call under way. It takes one of the account's places until it is dropped.
pub struct Turn {
    pub(super) account: Arc<Shared>,
    pub(super) began: SimTime,
    pub(super) first: SimTime,
    pub(super) fails: bool,
    pub(super) prompt: f64,
    pub(super) answer: f64,
    pub(super) audio: bool,
    /// For an answer in pieces.
    pub(super) per_token: Option<SimSpan>,
    pub(super) allowance: Allowance,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.account.end();
    }
}

impl Turn {
    /// When it began.
    #[must_use]
    pub fn began(&self) -> SimTime {
        self.began
    }

    /// What is left of the limits.
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        self.allowance
    }

    /// Tokens of the prompt and of the answer.
    #[must_use]
    pub fn usage(&self) -> (f64, f64) {
        (self.prompt, self.answer)
    }

    /// Waits for the first token, or for the whole answer where it comes at once; for ever where the provider hangs.
    ///
    /// # Errors
    /// When it ends in a server error.
    pub async fn first(&self) -> Result<(), Refusal> {
        self.account.host.sleep_until(self.first).await;
        if self.fails { Err(Refusal::Failed) } else { Ok(()) }
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        let tokens = if self.audio { self.prompt * SPOKEN } else { self.answer };
        words(0, tokens as u64)
    }

    /// The first piece, at the time of the first token.
    #[must_use]
    pub fn first_piece(&self) -> String {
        words(0, (self.answer as u64).min(1))
    }

    /// The rest, from now on: it takes so long for each of the answer's tokens, and ends with the last. Whoever drops it
    /// hangs up.
    #[must_use]
    pub fn rest(self) -> BoxStream<'static, Result<String, Refusal>> {
        let strain = self.account.strain();
        if strain.down && !strain.hang {
            let broken = Refusal::Unreachable("the connection broke".to_owned());
            return stream::once(async move {
                drop(self);
                Err(broken)
            })
            .boxed();
        }
        let start = self.account.host.now();
        let each = self.per_token.unwrap_or(SimSpan::ZERO);
        let span = strain.stretch(SimSpan::from_seconds(each.seconds() * self.answer));
        let tokens = self.answer as u64;
        let left = tokens.saturating_sub(1);
        // One piece a token, fewer where they come faster than the gap; one at least, which ends the answer.
        let scale = self.account.host.scale();
        let scale = if scale.is_finite() { scale.max(1.0) } else { 1.0 };
        let gap = SimSpan::from_seconds(GAP.seconds() * scale).nanos();
        let pieces = left.min(span.nanos().div_ceil(gap)).max(1);
        stream::unfold((self, 1), move |(turn, piece)| async move {
            if piece > pieces {
                return None;
            }
            let share = |whole: u64| (u128::from(whole) * u128::from(piece) / u128::from(pieces)) as u64;
            let before = (u128::from(left) * u128::from(piece - 1) / u128::from(pieces)) as u64;
            let at = start + SimSpan::from_nanos(share(span.nanos()));
            turn.account.host.sleep_until(at).await;
            let text = words(1 + before, 1 + share(left));
            Some((Ok(text), (turn, piece + 1)))
        })
        .boxed()
    }
}

impl Provider for Account {
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answering, Refusal>> {
        async move {
            let model = self.model(&question.model);
            let call = Call {
                model: model.ok_or_else(|| Refusal::Other(format!("there is no model `{}`", question.model)))?,
                prompt: if question.audio {
                    question.prompt / 60.0
                } else {
                    question.prompt
                },
                answer_max: question.answer_max,
                audio: question.audio,
                stream: question.stream,
                luck: Some(question.luck),
            };
            let turn = self.begin(&call).map_err(|refused| match refused {
                Refused::Down => Refusal::Unreachable("the connection is refused".to_owned()),
                Refused::Spent => Refusal::Quota,
                Refused::Limit { retry_after, .. } => Refusal::RateLimited { retry_after },
                Refused::Busy(_) => Refusal::RateLimited { retry_after: None },
                Refused::Unknown => Refusal::Other("the model does not do this".to_owned()),
            })?;
            turn.first().await?;
            Ok(if question.stream {
                Answering {
                    usage: None,
                    text: turn.first_piece(),
                    rest: Some(turn.rest()),
                }
            } else {
                Answering {
                    usage: Some(turn.usage()),
                    text: turn.text(),
                    rest: None,
                }
            })
        }
        .boxed()
    }
}
