//! Calls of models as the rules look at them: which model, how long, how many tokens, through what.
//!
//! Owns: [`Call`].
//! Never: limits and prices of accounts (those are the rules').

use super::average::{mean, mean_or_zero, of_latency};
use super::design::{Design, Place};
use crate::catalogue;
use crate::file::Name;
use crate::file::step::{History, Step};
use crate::file::system::{Model, Provider};

/// A call of a model among the steps of an endpoint.
#[derive(Clone)]
pub(super) struct Call<'a> {
    pub(super) endpoint: &'a str,
    pub(super) service: Option<&'a str>,
    pub(super) provider: &'a str,
    pub(super) model: &'a str,
    pub(super) queue: Option<&'a str>,
    /// The pool whose connection is held meanwhile.
    pub(super) held: Option<&'a str>,
    /// How often in one request.
    pub(super) times: f64,
    /// Attempts by steps around it.
    pub(super) attempts: f64,
    /// The whole answer on average, in seconds; zero where nobody knows.
    pub(super) seconds: f64,
    /// Until the first token.
    pub(super) first: f64,
    pub(super) stream: bool,
    /// Tokens of a first message, without history.
    pub(super) prompt: f64,
    pub(super) answer: f64,
    /// What the provider takes from the limit for it.
    pub(super) charged: f64,
    /// Minutes of recording.
    pub(super) minutes: f64,
    pub(super) has_history: bool,
    pub(super) is_later: bool,
}

impl<'a> Call<'a> {
    /// Every call in the steps of some endpoint, each once.
    pub(super) fn all(design: &Design<'a>) -> Vec<Self> {
        let mut calls: Vec<Self> = Vec::new();
        for (name, _) in design.system.endpoint.iter() {
            design.walk_request(name.as_str(), &mut |step, place| {
                // A called endpoint has its own turn.
                if place.endpoint == name.as_str()
                    && let Some(call) = Self::of_step(design, step)
                {
                    calls.push(call.at(place));
                }
            });
        }
        calls
    }

    fn at(self, place: Place<'a>) -> Self {
        Self {
            endpoint: place.endpoint,
            service: place.service,
            held: place.held,
            times: place.times,
            attempts: place.attempts,
            is_later: place.is_later,
            ..self
        }
    }

    /// The call that a step is, wherever it stands.
    pub(super) fn of_step(design: &Design<'a>, step: &'a Step) -> Option<Self> {
        let (provider, queue, role) = match step {
            Step::Llm(step) => (&step.provider, &step.queue, &step.model),
            Step::Transcribe(step) => (&step.provider, &step.queue, &step.model),
            _ => return None,
        };
        let provider_name = provider.as_ref()?.as_str();
        let provider = design.system.provider.get(provider_name)?;
        let model = model_of(provider, role);
        let figures = Figures::of(design, provider, model);
        let mut call = Self {
            endpoint: "",
            service: None,
            provider: provider_name,
            model,
            queue: queue.as_ref().map(Name::as_str),
            held: None,
            times: 1.0,
            attempts: 1.0,
            seconds: 0.0,
            first: figures.first,
            stream: false,
            prompt: 0.0,
            answer: 0.0,
            charged: 0.0,
            minutes: 0.0,
            has_history: false,
            is_later: false,
        };
        match step {
            Step::Llm(step) => {
                call.prompt = mean_or_zero(&step.prompt);
                call.answer = mean_or_zero(&step.answer);
                call.charged = call.prompt + step.answer_max.map_or(call.answer, |most| most as f64);
                call.stream = step.stream;
                call.has_history = step.history != History::None;
                call.seconds = figures.whole.unwrap_or(figures.first + call.answer * figures.per_token);
            }
            Step::Transcribe(step) => {
                call.minutes = mean(&step.audio).unwrap_or(0.0) / 60.0;
                call.seconds = figures.whole.unwrap_or(call.minutes * figures.per_minute);
            }
            _ => {}
        }
        Some(call)
    }

    /// Dollars of one call, without history; `None` where a price is not known.
    pub(super) fn price(&self, design: &Design<'a>) -> Option<f64> {
        let file = design
            .system
            .provider
            .get(self.provider)
            .and_then(|provider| provider.model.get(self.model));
        let known = design.edition.model(self.model);
        let price = |given: Option<crate::units::Usd>, figure: Option<&catalogue::Figure<f64>>| {
            given
                .map(crate::units::Usd::dollars)
                .or_else(|| figure.map(|figure| figure.value))
        };
        if self.minutes > 0.0 {
            let minute = price(
                file.and_then(|model| model.price_audio_minute),
                known.and_then(|model| model.price_audio_minute.as_ref()),
            );
            return minute.map(|price| price * self.minutes);
        }
        let prompt = price(
            file.and_then(|model| model.price_in),
            known.and_then(|model| model.price_in.as_ref()),
        )?;
        let answer = price(
            file.and_then(|model| model.price_out),
            known.and_then(|model| model.price_out.as_ref()),
        )?;
        Some((prompt * self.prompt + answer * self.answer) / 1e6)
    }
}

/// The model that a role stands for.
pub(super) fn model_of<'a>(provider: &'a Provider, role: &'a Name) -> &'a str {
    provider.r#use.get(role.as_str()).unwrap_or(role).as_str()
}

/// A model's speed, in seconds.
struct Figures {
    whole: Option<f64>,
    first: f64,
    per_token: f64,
    per_minute: f64,
}

impl Figures {
    fn of(design: &Design<'_>, provider: &Provider, name: &str) -> Self {
        let file: Option<&Model> = provider.model.get(name);
        let known = design.edition.model(name);
        let figure = |given: Option<&crate::file::Quantity>, figure: Option<&catalogue::Figure<catalogue::Latency>>| {
            given
                .and_then(mean)
                .or_else(|| figure.map(|figure| of_latency(&figure.value)))
                .unwrap_or(0.0)
        };
        Self {
            whole: file.and_then(|model| mean(model.latency.as_ref()?)),
            first: figure(
                file.and_then(|model| model.first_token.as_ref()),
                known.and_then(|model| model.first_token.as_ref()),
            ),
            per_token: figure(
                file.and_then(|model| model.per_token.as_ref()),
                known.and_then(|model| model.per_token.as_ref()),
            ),
            per_minute: figure(
                file.and_then(|model| model.per_audio_minute.as_ref()),
                known.and_then(|model| model.per_audio_minute.as_ref()),
            ),
        }
    }
}
