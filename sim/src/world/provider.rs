//! Calls of a model provider: attempts, retries inside the call, breakers, streamed answers.

use highwater_models::{Cause, SimSpan, SimTime};

use super::{Ready, State, World};
use highwater_program::model::{Earlier, Op, STAGE_BACKOFF};

/// Openings of breakers that the log lists one by one; more are counted.
const LISTED_MAX: u64 = 100;

impl World<'_> {
    /// A call to a model provider: attempts, and waits between them, all within what the task holds.
    pub(super) fn llm(&mut self, index: u32, call: u16) -> bool {
        // Until the call is over, the task comes back to this instruction, whatever its process's level has become.
        self.tasks[index].pc -= 1;
        let call = if self.tasks[index].phase == 0 {
            self.choose_call(index, call)
        } else {
            self.tasks[index].call
        };
        loop {
            let spec = &self.model.calls[call as usize];
            match self.tasks[index].phase {
                0 => {
                    self.begin_call(index, call);
                    self.tasks[index].phase = 1;
                }
                // An attempt begins.
                1 => {
                    self.attempt_call(index, call);
                    return false;
                }
                // It failed, and the loop has taken up its reply: wait, or give up.
                2 => {
                    let provider = &self.model.providers[spec.provider as usize];
                    let (retry, resource) = (provider.retry, provider.resource);
                    let task = &mut self.tasks[index];
                    let cause = task.cause.take().unwrap_or(Cause::LlmError);
                    let uniform = task
                        .key
                        .at(self.sites.place(spec.chance), task.retries | 1 << 31)
                        .draw()
                        .uniform();
                    // No wait brings an account's money back, and the client's library knows.
                    let wait = match cause {
                        Cause::LlmQuota => None,
                        _ => retry.next(task.retries, task.retry_after.take(), uniform),
                    };
                    let process = task.process as usize;
                    let budget = &mut self.processes[process].budgets[spec.provider as usize];
                    let wait = wait.filter(|_| budget.take());
                    let Some(wait) = wait else {
                        task.phase = 0;
                        if self.record.measuring {
                            self.record.providers[spec.provider as usize].gave_up += 1;
                        }
                        self.record.see(self.now, cause, Some(resource));
                        self.fail(index, cause);
                        return false;
                    };
                    task.retries += 1;
                    task.phase = 3;
                    if self.record.measuring {
                        self.record.providers[spec.provider as usize].retries += 1;
                    }
                    if wait > SimSpan::ZERO {
                        self.enter(index, STAGE_BACKOFF);
                        self.tasks[index].state = State::Going;
                        self.schedule_task(index, self.now + wait);
                        return false;
                    }
                }
                // The wait is over: a timer, and the work to ask again.
                3 => {
                    self.tasks[index].phase = 1;
                    if !self.slice_for_call(index, spec.start) {
                        return false;
                    }
                }
                // Answered.
                _ => {
                    self.tasks[index].phase = 0;
                    self.tasks[index].pc += 1;
                    return true;
                }
            }
        }
    }

    fn slice_for_call(&mut self, index: u32, site: u32) -> bool {
        let work = self.draw_span(index, site);
        if self.has_loop(self.tasks[index].process) {
            self.on_loop(index, work)
        } else {
            self.burn(index, work)
        }
    }

    fn begin_call(&mut self, index: u32, call: u16) {
        let spec = &self.model.calls[call as usize];
        let own = self.draw(index, spec.prompt).max(0.0);
        let answer = if spec.audio {
            0.0
        } else {
            self.draw(index, spec.answer).max(0.0).round()
        };
        let task = &mut self.tasks[index];
        task.retries = 0;
        task.arrived = task.arrived.max(SimTime::ZERO);
        let earlier = match (spec.history, self.sessions.get(task.session)) {
            (Earlier::Nothing, _) | (_, None) => 0.0,
            (Earlier::All, Some(session)) => session.tokens,
            (Earlier::Last(messages), Some(session)) => {
                session.tokens * (f64::from(messages) / session.messages.max(1.0)).min(1.0)
            }
        };
        task.prompt = if spec.audio { own / 60.0 } else { own.round() + earlier };
        task.answer = answer;
        task.cache_key = own.round() as u64;
        let process = task.process as usize;
        self.processes[process].budgets[spec.provider as usize].note_request();
        if self.record.measuring {
            self.record.providers[spec.provider as usize].calls += 1;
        }
    }

    /// Whether a process's breaker lets a call to a provider through.
    fn passes_breaker(&mut self, index: u32, provider: usize) -> bool {
        let process = self.tasks[index].process as usize;
        let Some(breaker) = &mut self.processes[process].breakers[provider] else {
            return true;
        };
        match breaker.ask(self.now) {
            Ok(pass) => {
                self.tasks[index].pass = Some(pass);
                true
            }
            Err(_) => {
                if self.record.measuring {
                    self.record.providers[provider].breaker_refused += 1;
                }
                let resource = self.model.providers[provider].resource as usize;
                self.record.stations[resource].first_refusal.get_or_insert(self.now);
                false
            }
        }
    }

    /// A process's breaker hears how an attempt ended.
    fn tell_breaker(&mut self, index: u32, provider: usize, is_good: bool) {
        let Some(pass) = self.tasks[index].pass.take() else {
            return;
        };
        let process = self.tasks[index].process;
        let Some(breaker) = &mut self.processes[process as usize].breakers[provider] else {
            return;
        };
        if is_good {
            breaker.succeeded(pass);
        } else if breaker.failed(self.now, pass) {
            if self.record.measuring {
                self.record.providers[provider].breaker_opened += 1;
            }
            let resource = self.model.providers[provider].resource as usize;
            let opened = &mut self.record.providers[provider].breaker_opened_whole;
            *opened += 1;
            if *opened <= LISTED_MAX {
                let name = self.model.resources[resource].name.clone();
                self.log(name, format!("process {process}: the breaker opens"));
            }
        }
    }

    /// An attempt under a breaker's pass is given up.
    pub(super) fn forget_pass(&mut self, index: u32) {
        let Some(pass) = self.tasks[index].pass.take() else {
            return;
        };
        let process = self.tasks[index].process as usize;
        let provider = self.model.calls[self.tasks[index].call as usize].provider as usize;
        if let Some(breaker) = &mut self.processes[process].breakers[provider] {
            breaker.forget(self.now, pass);
        }
    }

    fn attempt_call(&mut self, index: u32, call: u16) {
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let provider = &self.model.providers[number];
        let (stage, resource) = (provider.stage, provider.resource as usize);
        let task = &self.tasks[index];
        let (prompt, answer) = (task.prompt, task.answer);
        let tokens = if spec.audio {
            0
        } else {
            prompt as u64 + spec.answer_max.unwrap_or(answer as u64)
        };
        let measuring = self.record.measuring;
        if !self.passes_breaker(index, number) {
            // Refused here, in the process: no attempt, no retry.
            let provider = &self.model.providers[number];
            self.tasks[index].phase = 0;
            if measuring {
                self.record.providers[number].gave_up += 1;
            }
            self.record.see(self.now, Cause::LlmError, Some(provider.resource));
            self.fail(index, Cause::LlmError);
            return;
        }
        if measuring {
            let money = &self.model.money;
            let record = &mut self.record.providers[number];
            record.attempts += 1;
            record.by_model[spec.model as usize].0 += 1;
            record.bytes_sent += prompt
                * if spec.audio {
                    money.bytes_a_minute
                } else {
                    money.bytes_a_token
                };
        }
        let strain = self.strains.providers[number];
        if strain.down && !strain.hang {
            // The connection is refused: nothing of it reaches the account.
            self.record.stations[resource].refuse(self.now, measuring);
            self.record.see(self.now, Cause::LlmError, Some(provider.resource));
            self.tell_breaker(index, number, false);
            self.attempt_refused(index, spec.reply, Cause::LlmError, None);
            return;
        }
        let is_spent = self.is_spent(number);
        let state = &mut self.providers[number];
        // An account without money is refused before its limits are looked at.
        let limits = if is_spent {
            Ok(())
        } else {
            state.limit.request(self.now, tokens)
        };
        let limits = match (limits, &mut state.models[spec.model as usize]) {
            (Ok(()), Some(own)) if !is_spent => own.request(self.now, tokens),
            (answer, _) => answer,
        };
        let too_many = state.in_flight >= provider.concurrent;
        if limits.is_err() || too_many || is_spent {
            let cause = if is_spent {
                Cause::LlmQuota
            } else {
                Cause::LlmRateLimited
            };
            if measuring {
                self.record.providers[number].refused += 1;
            }
            if let Some(monitor) = &mut self.monitor {
                monitor.attempt_refused(number);
            }
            self.record.stations[resource].refuse(self.now, measuring);
            self.record.see(self.now, cause, Some(provider.resource));
            self.tell_breaker(index, number, false);
            let retry_after = limits.err().and_then(|refused| refused.retry_after);
            self.attempt_refused(index, spec.reply, cause, retry_after);
            return;
        }
        state.in_flight += 1;
        self.record.stations[resource].start_at_once(self.now, measuring);
        self.enter(index, stage);
        self.tasks[index].mark = self.now;
        let mut span = self.draw_span(index, spec.first);
        if let (Some(site), false) = (spec.per_token, spec.stream) {
            let units = if spec.audio { prompt } else { answer };
            span += SimSpan::from_seconds(self.draw(index, site) * units);
        }
        span = strain.stretch(span);
        let fails = 1.0 - (1.0 - provider.fails) * (1.0 - strain.errors);
        let fails = fails > 0.0 && {
            let task = &self.tasks[index];
            let draw = task.key.at(self.sites.place(spec.chance), task.retries | 1 << 30);
            draw.draw().uniform() < fails
        };
        let failure = if span > provider.timeout || strain.down {
            span = provider.timeout;
            Some(Cause::LlmTimeout)
        } else if fails {
            Some(Cause::LlmError)
        } else {
            None
        };
        // An answer that comes too late is paid for like any other: it was written.
        let is_paid = failure != Some(Cause::LlmError);
        if is_paid {
            let used = if spec.audio {
                (0.0, 0.0, prompt)
            } else {
                (prompt, answer, 0.0)
            };
            let dollars = self.pay(number, spec.model as usize, used);
            if let Some(monitor) = &mut self.monitor {
                monitor.pay(self.now, number, dollars);
            }
        }
        if measuring && is_paid {
            let record = &mut self.record.providers[number];
            let by_model = &mut record.by_model[spec.model as usize];
            if spec.audio {
                record.audio_minutes += prompt;
                by_model.3 += prompt;
            } else {
                record.tokens_prompt += prompt;
                record.tokens_answer += answer;
                by_model.1 += prompt;
                by_model.2 += answer;
            }
        }
        self.tasks[index].state = State::Provider(failure);
        self.schedule_task(index, self.now + span);
    }

    /// An attempt is refused at once: the loop takes up the answer, and then it is seen whether to try again.
    fn attempt_refused(&mut self, index: u32, reply: u32, cause: Cause, retry_after: Option<SimSpan>) {
        let handle = self.tasks.handle(index);
        let task = &mut self.tasks[index];
        task.retry_after = retry_after;
        task.cause = Some(cause);
        task.phase = 2;
        task.state = State::Going;
        if self.slice_for_call(index, reply) {
            self.ready.push_back(Ready::Task(handle));
        }
    }

    /// A provider has answered, failed, or sent its first token.
    pub(super) fn provider_done(&mut self, index: u32, failure: Option<Cause>) {
        let call = self.tasks[index].call;
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let resource = self.model.providers[number].resource as usize;
        let measuring = self.record.measuring;
        let rest = matches!(self.model.ops[self.tasks[index].pc as usize], Op::LlmRest { .. });
        if spec.stream && !rest && failure.is_none() {
            // The first token: the answer goes on arriving.
            self.tasks[index].phase = 4;
            self.tasks[index].streaming = Some((spec.provider, self.tasks[index].mark));
            let way = self.tasks[index].way;
            self.first_byte(index, self.now + way);
            self.run_task(index);
            return;
        }
        self.tell_breaker(index, number, failure.is_none());
        let streamed = self.tasks[index].streaming.take();
        self.providers[number].in_flight -= 1;
        let mark = streamed.map_or(self.tasks[index].mark, |(_, since)| since);
        self.record.stations[resource].end(self.now, mark, measuring);
        if measuring {
            self.record.providers[number]
                .attempt
                .record(self.now.since(mark).nanos());
        }
        if let Some(monitor) = &mut self.monitor {
            monitor.attempt_ended(number, failure.is_some());
        }
        match failure {
            None => {
                let task = &self.tasks[index];
                let (session, own, answer) = (task.session, task.cache_key as f64, task.answer);
                if !spec.audio && self.sessions.is_live(session) {
                    let session = &mut self.sessions[session.index];
                    session.tokens += own + answer;
                    session.messages += 2.0;
                }
                self.tasks[index].phase = if rest { 1 } else { 4 };
            }
            // An answer that breaks off is not asked for again.
            Some(cause) if rest => {
                self.tasks[index].phase = 0;
                self.record.see(self.now, cause, Some(resource as u16));
                self.fail(index, cause);
                return;
            }
            Some(cause) => {
                let task = &mut self.tasks[index];
                task.cause = Some(cause);
                task.phase = 2;
                if !self.slice_for_call(index, spec.reply) {
                    return;
                }
            }
        }
        self.run_task(index);
    }

    /// Nobody takes the rest of a streamed answer: the provider is free.
    pub(super) fn end_stream(&mut self, index: u32) {
        self.forget_pass(index);
        if let Some((provider, since)) = self.tasks[index].streaming.take() {
            let number = provider as usize;
            self.providers[number].in_flight -= 1;
            let resource = self.model.providers[number].resource as usize;
            self.record.stations[resource].end(self.now, since, self.record.measuring);
        }
    }

    /// The rest of a streamed answer: its tokens come one after another, each a slice of the loop if that costs any.
    pub(super) fn llm_rest(&mut self, index: u32) -> bool {
        if self.tasks[index].phase == 1 {
            self.tasks[index].phase = 0;
            return true;
        }
        self.tasks[index].pc -= 1;
        let call = self.tasks[index].call;
        let spec = &self.model.calls[call as usize];
        let stage = self.model.providers[spec.provider as usize].stage;
        self.enter(index, stage);
        let per_token = spec.per_token.map_or(0.0, |site| self.draw(index, site));
        let tokens = self.tasks[index].answer;
        if let Some(site) = spec.chunk_cpu {
            // The chunks' work falls on the loop while they arrive; in sum it is what delays others.
            let each = self.draw(index, site);
            self.chunk_work(index, SimSpan::from_seconds(each * tokens));
        }
        let strain = self.strains.providers[spec.provider as usize];
        let span = strain.stretch(SimSpan::from_seconds(per_token * tokens));
        let failure = (strain.down && !strain.hang).then_some(Cause::LlmError);
        self.tasks[index].state = State::Provider(failure);
        let at = if failure.is_some() { self.now } else { self.now + span };
        self.schedule_task(index, at);
        false
    }
}
