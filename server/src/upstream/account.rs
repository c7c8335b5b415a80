//! A model provider's account: what it lets through, how long an answer takes, what it costs.
//!
//! Owns: the decisions and their order, which is that of the simulator's provider (`sim/src/world/provider.rs`): a
//! provider that is down refuses the connection; an account without money refuses before it looks at its limits; the
//! account's limits are charged, then the model's own, then calls at once are counted; an answer is paid for when it
//! begins, unless it will fail.
//! Never: sockets. Behind [`super::start`] it is an upstream; as a [`Provider`](crate::provider::Provider) it answers in
//! process, on whatever clock the host has.
//!
//! A token counts as one word here, in prompts as in answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use highwater_host::SharedHost;
use highwater_models::machine::provider_limit::{Left, LimitBy, ProviderLimit, ProviderLimitConfig};
use highwater_models::machine::spending::Spending;
use highwater_models::money::{ModelTariff, ModelUse};
use highwater_models::{SimSpan, SimTime};
use highwater_program::model::{Model, Trouble};
use highwater_program::strain::Strain;
use highwater_workload::stream::Purpose;
use highwater_workload::{Key, Sampler};

use super::turn::Turn;
use crate::provider::Luck;

/// Faults that may be under way at once.
const TROUBLES_MAX: usize = 64;

/// What an account goes by.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The provider's name.
    pub name: String,
    /// Limits of the account; each model may have its own on top.
    pub limit: ProviderLimitConfig,
    /// Calls at once.
    pub concurrent: u32,
    /// Share of calls that end in a server error.
    pub fails: f64,
    /// How long its callers wait for an answer: one that takes longer is paid for, whether it would fail or not.
    pub timeout: SimSpan,
    /// Dollars a month; then every call is refused. Infinite for no limit.
    pub spend_limit: f64,
    /// Its models.
    pub models: Vec<ModelTerms>,
}

/// What holds for one model.
#[derive(Clone, Debug)]
pub struct ModelTerms {
    /// Its name.
    pub name: String,
    /// Limits of its own.
    pub limit: Option<ProviderLimitConfig>,
    /// Its prices.
    pub tariff: Option<ModelTariff>,
    /// How long it takes and how much it says, where the caller has not decided.
    pub speed: Option<Speed>,
}

/// How long a model takes and how much it says.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Whether it takes recordings.
    pub audio: bool,
    /// Seconds to the first token, or of the whole answer where `per_unit` is none.
    pub first: Sampler,
    /// Seconds for each token, or each minute of a recording.
    pub per_unit: Option<Sampler>,
    /// Tokens of an answer.
    pub answer: Sampler,
}

impl Terms {
    /// Those of a compiled system's provider, by its number; none where there is no such provider. A model is as fast as
    /// the first step that calls it has it; one that no step calls answers nobody.
    #[must_use]
    pub fn of(model: &Model, provider: usize) -> Option<Self> {
        let spec = model.providers.get(provider)?;
        let tariffs = model.money.tariff.models.get(provider);
        let sampler = |site: u32| model.sites[site as usize].sampler.clone();
        let models = spec.models.iter().enumerate().map(|(number, one)| {
            let call = model
                .calls
                .iter()
                .find(|call| usize::from(call.provider) == provider && usize::from(call.model) == number);
            ModelTerms {
                name: one.name.clone(),
                limit: one.limit,
                tariff: tariffs.and_then(|tariffs| tariffs.get(number)).cloned(),
                speed: call.map(|call| Speed {
                    audio: call.audio,
                    first: sampler(call.first),
                    per_unit: call.per_token.map(sampler),
                    answer: sampler(call.answer),
                }),
            }
        });
        let name = model.resources.get(usize::from(spec.resource));
        Some(Self {
            name: name.map_or_else(String::new, |resource| resource.name.clone()),
            limit: spec.limit,
            concurrent: spec.concurrent,
            fails: spec.fails,
            timeout: spec.timeout,
            spend_limit: spec.spend_limit,
            models: models.collect(),
        })
    }
}

/// A call as the account sees it.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Call {
    /// The model, by its number among the account's.
    pub model: usize,
    /// Tokens of the prompt; or minutes of a recording.
    pub prompt: f64,
    /// The most tokens that the answer may have: charged instead of those that it will have.
    pub answer_max: Option<u64>,
    /// Whether it is a recording: no tokens are charged.
    pub audio: bool,
    /// Whether the answer comes in pieces.
    pub stream: bool,
    /// What chance has decided; none for the account to draw.
    pub luck: Option<Luck>,
}

/// Why a call is not taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The provider is down: the connection is refused.
    Down,
    /// The month's money is spent.
    Spent,
    /// Over a limit.
    Limit {
        /// The limit with the longest wait, as it stands now; of the model's own limits or of the account's.
        left: Option<Left>,
        /// Which limit.
        by: LimitBy,
        /// Requests or tokens that were asked for.
        asked: u64,
        /// What is said about when to come back; nothing when no wait would help, or the account says nothing.
        retry_after: Option<SimSpan>,
        /// What is left of all limits.
        allowance: Allowance,
    },
    /// Too many calls at once.
    Busy(Allowance),
    /// No such model, or none that does this.
    Unknown,
}

/// What is left of the tightest limits.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Allowance {
    /// On requests.
    pub requests: Option<Left>,
    /// On tokens.
    pub tokens: Option<Left>,
}

/// What has happened so far.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls that were taken.
    pub taken: u64,
    /// Calls that were refused with a 429.
    pub refused: u64,
    /// Calls under way.
    pub in_flight: u32,
    /// Dollars of today.
    pub spent_today: f64,
    /// Dollars of this month.
    pub spent_this_month: f64,
}

struct State {
    limit: ProviderLimit,
    /// By model.
    limits: Vec<Option<ProviderLimit>>,
    speeds: Vec<Option<Speed>>,
    in_flight: u32,
    spending: Spending,
    /// Each with its end.
    troubles: Vec<(Trouble, SimTime)>,
    calls: u64,
    taken: u64,
    refused: u64,
}

pub(super) struct Shared {
    pub(super) host: SharedHost,
    terms: Terms,
    key: Key,
    // Held for a few comparisons and never across a wait.
    state: Mutex<State>,
}

/// An account; clones are the same one.
#[derive(Clone)]
pub struct Account(pub(super) Arc<Shared>);

impl Account {
    /// One that has not been used. What callers leave to chance is drawn from the seed.
    #[must_use]
    pub fn new(host: SharedHost, terms: Terms, seed: u64) -> Self {
        let state = State {
            limit: ProviderLimit::new(terms.limit),
            limits: terms
                .models
                .iter()
                .map(|model| model.limit.map(ProviderLimit::new))
                .collect(),
            speeds: terms.models.iter().map(|model| model.speed.clone()).collect(),
            in_flight: 0,
            spending: Spending::default(),
            troubles: Vec::new(),
            calls: 0,
            taken: 0,
            refused: 0,
        };
        Self(Arc::new(Shared {
            host,
            terms,
            key: Key::root(seed, 0).purpose(Purpose::Request),
            state: Mutex::new(state),
        }))
    }

    /// What it goes by.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// The number of a model, by its name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<usize> {
        self.0.terms.models.iter().position(|model| model.name == name)
    }

    /// A call comes in: it is taken, charged and paid for, or refused.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn begin(&self, call: &Call) -> Result<Turn, Refused> {
        let shared = &*self.0;
        let terms = &shared.terms;
        let model = terms.models.get(call.model).ok_or(Refused::Unknown)?;
        let mut state = shared.state();
        let state = &mut *state;
        // Read under the lock: the machines see no time that goes backwards.
        let now = shared.host.now();
        let luck = match call.luck {
            Some(luck) => luck,
            None => state.draw(shared.key, call).ok_or(Refused::Unknown)?,
        };
        let strain = state.strain(now);
        if strain.down && !strain.hang {
            return Err(Refused::Down);
        }
        if terms.spend_limit.is_finite() && state.spending.has_reached(now, terms.spend_limit) {
            state.refused += 1;
            return Err(Refused::Spent);
        }
        let tokens = if call.audio {
            0
        } else {
            (call.prompt as u64).saturating_add(call.answer_max.unwrap_or(luck.answer as u64))
        };
        state
            .charge(now, call.model, tokens)
            .inspect_err(|_| state.refused += 1)?;
        if state.in_flight >= terms.concurrent {
            state.refused += 1;
            return Err(Refused::Busy(state.allowance(now, call.model)));
        }
        state.in_flight += 1;
        state.taken += 1;
        let mut span = luck.first;
        if let (Some(per_unit), false) = (luck.per_token, call.stream) {
            let units = if call.audio { call.prompt } else { luck.answer };
            span += SimSpan::from_seconds(per_unit.seconds() * units);
        }
        let span = strain.stretch(span);
        let fails = 1.0 - (1.0 - terms.fails) * (1.0 - strain.errors);
        let fails = luck.chance < fails && span <= terms.timeout && !strain.down;
        if let (Some(tariff), false) = (&model.tariff, fails) {
            let used = if call.audio {
                ModelUse {
                    minutes: call.prompt,
                    ..ModelUse::default()
                }
            } else {
                ModelUse {
                    prompt: call.prompt,
                    answer: luck.answer,
                    minutes: 0.0,
                }
            };
            state.spending.add(now, tariff.cost(used));
        }
        Ok(Turn {
            account: Arc::clone(&self.0),
            began: now,
            first: if strain.down { SimTime::NEVER } else { now + span },
            fails,
            prompt: call.prompt,
            answer: luck.answer,
            audio: call.audio,
            per_token: luck.per_token.filter(|_| call.stream),
            allowance: state.allowance(now, call.model),
        })
    }

    /// Something is wrong from now on, for so long or until [`Account::end_troubles`].
    ///
    /// # Errors
    /// When more is wrong already than is kept.
    pub fn trouble(&self, trouble: Trouble, lasts: Option<SimSpan>) -> Result<(), String> {
        let now = self.0.host.now();
        let mut state = self.0.state();
        state.troubles.retain(|(_, ends)| *ends > now);
        if state.troubles.len() >= TROUBLES_MAX {
            return Err(format!("{TROUBLES_MAX} faults are under way already"));
        }
        let ends = lasts.map_or(SimTime::NEVER, |span| now + span);
        state.troubles.push((trouble, ends));
        Ok(())
    }

    /// Everything is well again. Calls that hang go on hanging.
    pub fn end_troubles(&self) {
        self.0.state().troubles.clear();
    }

    /// What is wrong now, each with when it ends.
    #[must_use]
    pub fn troubles(&self) -> Vec<(Trouble, SimTime)> {
        let now = self.0.host.now();
        let state = self.0.state();
        state.troubles.iter().filter(|(_, ends)| *ends > now).copied().collect()
    }

    /// Whether connections are refused.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let now = self.0.host.now();
        let strain = self.0.state().strain(now);
        strain.down && !strain.hang
    }

    /// What has happened so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut state = self.0.state();
        let now = self.0.host.now();
        Figures {
            taken: state.taken,
            refused: state.refused,
            in_flight: state.in_flight,
            spent_today: state.spending.today(now),
            spent_this_month: state.spending.this_month(now),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong now.
    pub(super) fn strain(&self) -> Strain {
        self.state().strain(self.host.now())
    }

    /// A call is over, or its caller has hung up.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl State {
    /// The account's limits, then the model's own.
    fn charge(&mut self, now: SimTime, model: usize, tokens: u64) -> Result<(), Refused> {
        let mut refused = self.limit.request(now, tokens).err().map(|refused| (refused, false));
        if let (None, Some(own)) = (refused, &mut self.limits[model]) {
            refused = own.request(now, tokens).err().map(|refused| (refused, true));
        }
        let Some((refused, is_own)) = refused else {
            return Ok(());
        };
        let limit = match &mut self.limits[model] {
            Some(own) if is_own => own,
            _ => &mut self.limit,
        };
        let left = limit.left(now).find(|left| left.by == refused.by);
        Err(Refused::Limit {
            left,
            by: refused.by,
            asked: if counts_tokens(refused.by) { tokens } else { 1 },
            retry_after: refused.retry_after,
            allowance: self.allowance(now, model),
        })
    }

    /// Of all limits that a call of a model is under, those with the least left.
    fn allowance(&mut self, now: SimTime, model: usize) -> Allowance {
        let mut allowance = Allowance::default();
        let own = self.limits[model].iter_mut().flat_map(|own| own.left(now));
        for left in self.limit.left(now).chain(own) {
            let place = if counts_tokens(left.by) {
                &mut allowance.tokens
            } else {
                &mut allowance.requests
            };
            if place.is_none_or(|least| left.left < least.left) {
                *place = Some(left);
            }
        }
        allowance
    }

    /// What is wrong, from all faults under way.
    fn strain(&self, now: SimTime) -> Strain {
        let mut strain = Strain::NONE;
        for (trouble, _) in self.troubles.iter().filter(|(_, ends)| *ends > now) {
            strain.add(*trouble);
        }
        strain
    }

    /// What chance decides about a call that brings no luck of its own.
    fn draw(&mut self, key: Key, call: &Call) -> Option<Luck> {
        let speed = self.speeds[call.model]
            .as_mut()
            .filter(|speed| speed.audio == call.audio)?;
        let key = key.child(self.calls);
        self.calls += 1;
        let mut answer = speed.answer.draw_from(|| key.at(1, 0).draw()).max(0.0).round();
        // A bound cuts an answer off, as a provider's does.
        if let Some(max) = call.answer_max {
            answer = answer.min(max as f64);
        }
        Some(Luck {
            answer,
            first: speed.first.span(&mut key.at(2, 0).draw()),
            per_token: speed.per_unit.as_mut().map(|law| law.span(&mut key.at(3, 0).draw())),
            chance: key.at(4, 0).draw().uniform(),
        })
    }
}

/// Whether a limit counts tokens; else requests.
pub(super) fn counts_tokens(by: LimitBy) -> bool {
    matches!(by, LimitBy::TokensPerMinute | LimitBy::TokensPerDay)
}

#[cfg(test)]
mod tests;
