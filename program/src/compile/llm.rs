//! Calls of models: which model a role means, how fast it is, and the instructions around a call.
//!
//! Owns: [`LlmCall`]s.
//! Never: providers' limits (that is `servers.rs`).

use highwater_models::catalogue::{Figure, Latency};
use highwater_models::file::step::{History, LlmStep, TranscribeStep};
use highwater_models::file::{Law, Name, Quantity, Spread};

use super::program::{Around, Costs};
use super::{Compiler, Taken, number};
use crate::model::{Earlier, LlmCall, ModelSpec, Op};

/// What the two kinds of calls have in common.
struct Ask<'p> {
    provider: Option<&'p Name>,
    queue: Option<&'p Name>,
    model: &'p Name,
    costs: Costs<'p>,
}

/// A call as its step asks for it: enough to make the same one of another model.
pub(super) struct Role<'p> {
    pub(super) provider: usize,
    pub(super) role: &'p str,
    path: String,
}

/// How long a model takes.
struct Speed {
    first: Quantity,
    per_unit: Option<Quantity>,
}

impl<'p> Compiler<'p> {
    pub(super) fn llm(&mut self, step: &'p LlmStep, path: &str, around: &Around<'p>) {
        let ask = Ask {
            provider: step.provider.as_ref(),
            queue: step.queue.as_ref(),
            model: &step.model,
            costs: Some((step.cpu_start.as_ref(), step.cpu_reply.as_ref())),
        };
        let Some(mut call) = self.call(&ask, &step.prompt, false, path, around) else {
            return;
        };
        call.answer = self.site(&format!("{path}/answer"), &step.answer);
        call.answer_max = step.answer_max;
        call.history = match step.history {
            History::None => Earlier::Nothing,
            History::All => Earlier::All,
            History::Last(messages) => Earlier::Last(messages),
        };
        call.stream = step.stream;
        let costs_chunk = !step.chunk_cpu.is_zero();
        call.chunk_cpu = costs_chunk.then(|| self.site(&format!("{path}/chunk"), &step.chunk_cpu));
        self.ask(&ask, call, path, around);
    }

    pub(super) fn transcribe(&mut self, step: &'p TranscribeStep, path: &str, around: &Around<'p>) {
        let ask = Ask {
            provider: step.provider.as_ref(),
            queue: step.queue.as_ref(),
            model: &step.model,
            costs: Some((step.cpu_start.as_ref(), step.cpu_reply.as_ref())),
        };
        if let Some(call) = self.call(&ask, &step.audio, true, path, around) {
            self.ask(&ask, call, path, around);
        }
    }

    /// The instructions: in line, ask, and where the answer comes in pieces, go on with it after the place in the
    /// queue has been given back.
    fn ask(&mut self, ask: &Ask<'p>, call: LlmCall, path: &str, around: &Around<'p>) {
        let stream = call.stream;
        let index = number(self.model.calls.len());
        self.roles.push(Role {
            provider: usize::from(call.provider),
            role: &ask.model.text,
            path: path.to_owned(),
        });
        self.model.calls.push(call);
        let queue = ask.queue.and_then(|name| match self.taken.get(name.as_str()) {
            Some(Taken::Queue(queue)) => Some(*queue),
            _ => None,
        });
        queue.into_iter().for_each(|queue| self.enter(queue));
        self.leave(ask.costs, path, around, Op::Llm { call: index });
        if queue.is_some() {
            self.release();
        }
        if stream {
            self.emit(Op::LlmRest { call: index });
            self.reply(ask.costs, &format!("{path}/rest"), around);
        }
    }

    fn call(
        &mut self,
        ask: &Ask<'p>,
        prompt: &Quantity,
        audio: bool,
        path: &str,
        around: &Around<'p>,
    ) -> Option<LlmCall> {
        let system = self.system;
        let provider_name = ask.provider.map_or("", Name::as_str);
        let provider = system.provider.index_of(provider_name)?;
        let file = system.provider.get(provider_name)?;
        let model_name = file.r#use.get(&ask.model.text).unwrap_or(ask.model).as_str();
        let model = self.model_number(provider, model_name);
        let speed = self.speed(provider_name, model_name, audio);
        let zero = self.zero();
        // The place is there in any case: another model, which has it, may be used later in the run.
        let constant = Quantity::constant(0.0);
        let per_token = self.site(
            &format!("{path}/per_token"),
            speed.per_unit.as_ref().unwrap_or(&constant),
        );
        Some(LlmCall {
            provider: number(provider),
            model,
            prompt: self.site(&format!("{path}/prompt"), prompt),
            answer: zero,
            answer_max: None,
            history: Earlier::Nothing,
            stream: false,
            chunk_cpu: None,
            first: self.site(&format!("{path}/first"), &speed.first),
            per_token: speed.per_unit.is_some().then_some(per_token),
            audio,
            chance: self.site(&format!("{path}/chance"), &Quantity::constant(0.0)),
            start: self.start_site(ask.costs, path, around).unwrap_or(zero),
            reply: self.reply_site(ask.costs, path, around).unwrap_or(zero),
        })
    }

    /// The number of a provider's model.
    fn model_number(&mut self, provider: usize, name: &str) -> u16 {
        let models = &mut self.model.providers[provider].models;
        let known = models.iter().position(|model| model.name == name);
        number(known.unwrap_or_else(|| {
            models.push(ModelSpec {
                name: name.to_owned(),
                limit: None,
                quality: 1.0,
            });
            models.len() - 1
        }))
    }

    /// The call of that number as it is made of another model: the same prompt and answer, at the other's speed.
    pub(super) fn with_model(&mut self, call: usize, name: &str) -> u16 {
        let provider = self.roles[call].provider;
        let path = format!("{}@{name}", self.roles[call].path);
        let mut made = self.model.calls[call].clone();
        made.model = self.model_number(provider, name);
        let provider_name = self
            .system
            .provider
            .iter()
            .nth(provider)
            .map_or("", |(name, _)| name.as_str());
        let speed = self.speed(provider_name, name, made.audio);
        made.first = self.site(&format!("{path}/first"), &speed.first);
        let constant = Quantity::constant(0.0);
        let per_token = self.site(
            &format!("{path}/per_token"),
            speed.per_unit.as_ref().unwrap_or(&constant),
        );
        made.per_token = speed.per_unit.is_some().then_some(per_token);
        self.model.calls.push(made);
        number(self.model.calls.len() - 1)
    }

    /// A model's speed: the file's figures, then the catalogue's. What neither knows takes no time.
    fn speed(&self, provider: &str, model: &str, audio: bool) -> Speed {
        let file = self
            .system
            .provider
            .get(provider)
            .and_then(|provider| provider.model.get(model));
        let catalogue = self.edition.model(model);
        if let Some(latency) = file.and_then(|file| file.latency.as_ref()) {
            return Speed {
                first: latency.clone(),
                per_unit: None,
            };
        }
        let known = |given: Option<&Quantity>, figure: Option<&Figure<Latency>>| {
            given.cloned().or_else(|| figure.map(|figure| quantity(figure.value)))
        };
        let first = known(
            file.and_then(|file| file.first_token.as_ref()),
            catalogue.and_then(|model| model.first_token.as_ref()),
        );
        let per_unit = if audio {
            known(
                file.and_then(|file| file.per_audio_minute.as_ref()),
                catalogue.and_then(|model| model.per_audio_minute.as_ref()),
            )
        } else {
            known(
                file.and_then(|file| file.per_token.as_ref()),
                catalogue.and_then(|model| model.per_token.as_ref()),
            )
        };
        Speed {
            first: first.unwrap_or(Quantity::constant(0.0)),
            per_unit,
        }
    }
}

fn quantity(latency: Latency) -> Quantity {
    let law = match latency {
        Latency::Lognormal {
            p50_seconds: p50,
            p95_seconds: p95,
        } => Law::Lognormal(Spread::Quantiles { p50, p95 }),
        Latency::LognormalMeanCv { mean_seconds: mean, cv } => Law::Lognormal(Spread::MeanCv { mean, cv }),
        Latency::Constant(seconds) => Law::Constant(seconds),
    };
    Quantity {
        law,
        min: None,
        max: None,
        plus: 0.0,
    }
}
