//! Calls of a model provider: attempts, retries inside the call, breakers, streamed answers.
//!
//! Limits, money and faults are the provider's own: what it refuses it refuses for real. How long an answer takes is drawn
//! as the simulator draws it, and the real answer arrives inside that time, or the provider keeps the time itself.

use std::sync::Arc;

use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::abortable;
use highwater_models::money::ModelUse;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::model::{LlmCall, Op, STAGE_BACKOFF};

use super::plant::Plant;
use super::real::Real;
use super::state::{State, TaskKind};
use crate::arrival::Piece;
use crate::provider::{Answering, Luck, Question, Refusal};

impl Plant<'_> {
    /// A call to a model provider: attempts, and waits between them, all within what the task holds.
    pub(super) fn llm(&mut self, index: u32, call: u16) -> bool {
        // Until the call is over, the task comes back to this instruction, whatever its process's level has become.
        self.s.tasks[index].pc -= 1;
        let call = if self.s.tasks[index].phase == 0 {
            self.choose_call(index, call)
        } else {
            self.s.tasks[index].call
        };
        loop {
            let spec = &self.model.calls[call as usize];
            match self.s.tasks[index].phase {
                0 => {
                    self.begin_call(index, spec);
                    self.s.tasks[index].phase = 1;
                }
                // An attempt begins.
                1 => {
                    self.attempt_call(index, call);
                    return false;
                }
                // It failed, and the loop has taken up its reply: wait, or give up.
                2 => {
                    let Some(wait) = self.wait_to_retry(index, spec) else {
                        return false;
                    };
                    if wait > SimSpan::ZERO {
                        let pc = self.s.tasks[index].pc;
                        self.pause_at(index, wait, STAGE_BACKOFF, pc);
                        return false;
                    }
                }
                // The wait is over: a timer, and the work to ask again.
                3 => {
                    self.s.tasks[index].phase = 1;
                    let work = self.draw_span(index, spec.start);
                    if !self.slice(index, work) {
                        return false;
                    }
                }
                // Answered.
                _ => {
                    self.s.tasks[index].phase = 0;
                    self.s.tasks[index].pc += 1;
                    return true;
                }
            }
        }
    }

    /// How long to wait before the next attempt; none when there is none, and the task has failed.
    fn wait_to_retry(&mut self, index: u32, spec: &LlmCall) -> Option<SimSpan> {
        let number = spec.provider as usize;
        let place = self.s.sites.place(spec.chance);
        let task = &mut self.s.tasks[index];
        let cause = task.cause.take().unwrap_or(Cause::LlmError);
        let uniform = task.key.at(place, task.retries | 1 << 31).draw().uniform();
        // No wait brings an account's money back, and the client's library knows.
        let wait = match cause {
            Cause::LlmQuota => None,
            _ => self.model.providers[number]
                .retry
                .next(task.retries, task.retry_after.take(), uniform),
        };
        let process = task.process as usize;
        let budget = &mut self.s.processes[process].budgets[number];
        let wait = wait.filter(|_| budget.take());
        let task = &mut self.s.tasks[index];
        if wait.is_some() {
            task.retries += 1;
            task.phase = 3;
            self.s.tally.providers[number].retries += 1;
        } else {
            task.phase = 0;
            self.s.tally.providers[number].gave_up += 1;
            self.fail(index, cause);
        }
        wait
    }

    fn begin_call(&mut self, index: u32, spec: &LlmCall) {
        let own = self.draw(index, spec.prompt).max(0.0);
        let answer = if spec.audio {
            0.0
        } else {
            self.draw(index, spec.answer).max(0.0).round()
        };
        let session = self.story(index, |story| story.session());
        let earlier = session.map_or(0.0, |session| self.s.conversations.earlier(session, spec.history));
        let task = &mut self.s.tasks[index];
        task.retries = 0;
        task.prompt = if spec.audio { own / 60.0 } else { own.round() + earlier };
        task.answer = answer;
        task.own = if spec.audio { own } else { own.round() };
        let process = task.process as usize;
        self.s.processes[process].budgets[spec.provider as usize].note_request();
    }

    /// Whether a process's breaker lets a call to a provider through.
    fn passes_breaker(&mut self, index: u32, provider: usize) -> bool {
        let process = self.s.tasks[index].process as usize;
        let now = self.s.now;
        let Some(breaker) = &mut self.s.processes[process].breakers[provider] else {
            return true;
        };
        match breaker.ask(now) {
            Ok(pass) => {
                self.s.tasks[index].pass = Some(pass);
                true
            }
            Err(_) => {
                self.s.tally.providers[provider].breaker_refused += 1;
                false
            }
        }
    }

    /// A process's breaker hears how an attempt ended.
    fn tell_breaker(&mut self, index: u32, provider: usize, is_good: bool) {
        let Some(pass) = self.s.tasks[index].pass.take() else {
            return;
        };
        let (now, process) = (self.s.now, self.s.tasks[index].process);
        let Some(breaker) = &mut self.s.processes[process as usize].breakers[provider] else {
            return;
        };
        if is_good {
            breaker.succeeded(pass);
        } else if breaker.failed(now, pass) {
            let resource = self.model.providers[provider].resource as usize;
            let name = &self.model.resources[resource].name;
            self.log(name, format!("process {process}: the breaker opens"));
        }
    }

    /// An attempt under a breaker's pass is given up.
    fn forget_pass(&mut self, index: u32) {
        let Some(pass) = self.s.tasks[index].pass.take() else {
            return;
        };
        let (now, process) = (self.s.now, self.s.tasks[index].process as usize);
        let provider = self.model.calls[self.s.tasks[index].call as usize].provider as usize;
        if let Some(breaker) = &mut self.s.processes[process].breakers[provider] {
            breaker.forget(now, pass);
        }
    }

    /// What is asked, with what chance has decided about the answer; and how long that takes.
    fn question(&mut self, index: u32, spec: &LlmCall) -> (Question, SimSpan) {
        let (prompt, own, answer) = {
            let task = &self.s.tasks[index];
            (task.prompt, task.own, task.answer)
        };
        let place = self.s.sites.place(spec.chance);
        let first = self.draw_span(index, spec.first);
        let each = spec.per_token.map(|site| self.draw(index, site));
        let mut span = first;
        if let (Some(each), false) = (each, spec.stream) {
            span += SimSpan::from_seconds(each * if spec.audio { prompt } else { answer });
        }
        let task = &self.s.tasks[index];
        let chance = task.key.at(place, task.retries | 1 << 30).draw().uniform();
        let models = &self.model.providers[spec.provider as usize].models;
        let luck = Luck {
            answer,
            first: if spec.audio { span } else { first },
            per_token: each.filter(|_| !spec.audio).map(SimSpan::from_seconds),
            chance,
        };
        let question = Question {
            model: models[spec.model as usize].name.clone(),
            prompt: if spec.audio { own } else { prompt },
            answer_max: spec.answer_max,
            audio: spec.audio,
            stream: spec.stream,
            luck,
        };
        (question, span)
    }

    fn attempt_call(&mut self, index: u32, call: u16) {
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let provider = &self.model.providers[number];
        if !self.passes_breaker(index, number) {
            // Refused here, in the process: no attempt, no retry.
            self.s.tasks[index].phase = 0;
            self.s.tally.providers[number].gave_up += 1;
            self.fail(index, Cause::LlmError);
            return;
        }
        self.s.tally.providers[number].attempts += 1;
        let (question, span) = self.question(index, spec);
        let real = Arc::clone(&self.parts.providers[number]);
        let keeps_time = real.keeps_time();
        let (work, abort) = abortable(async move { real.ask(&question).await });
        self.s.tasks[index].abort = Some(abort);
        self.ask_for(index, async move {
            match work.await {
                Ok(answer) => Real::Asked(answer),
                Err(_) => Real::Nothing,
            }
        });
        if let Some(Real::Asked(Err(refusal))) = &self.s.tasks[index].real
            && let Some((cause, retry_after)) = refused_at_once(refusal)
        {
            self.refused(index, call, cause, retry_after);
            return;
        }
        self.s.calling[number] += 1;
        self.enter(index, provider.stage);
        let now = self.s.now;
        let task = &mut self.s.tasks[index];
        task.mark = now;
        task.state = State::Provider;
        task.too_long = !keeps_time && span > provider.timeout;
        if keeps_time && task.is_asking {
            task.is_late = true;
            self.schedule_task(index, now + provider.timeout);
        } else {
            let span = if keeps_time { SimSpan::ZERO } else { span };
            self.schedule_task(index, now + span.min(provider.timeout));
        }
    }

    /// An attempt was refused: the loop takes up the answer, and then it is seen whether to try again.
    fn refused(&mut self, index: u32, call: u16, cause: Cause, retry_after: Option<SimSpan>) {
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        self.s.tally.providers[number].refused += 1;
        self.s.tally.providers[number].failed += 1;
        self.tell_breaker(index, number, false);
        self.attempt_failed(index, spec, cause, retry_after);
    }

    fn attempt_failed(&mut self, index: u32, spec: &LlmCall, cause: Cause, retry_after: Option<SimSpan>) {
        let task = &mut self.s.tasks[index];
        task.retry_after = retry_after;
        task.cause = Some(cause);
        task.phase = 2;
        task.state = State::Going;
        task.real = None;
        task.abort = None;
        let work = self.draw_span(index, spec.reply);
        if self.slice(index, work) {
            self.make_ready(index);
        }
    }

    /// An operation of a task's has ended before the rest of what its step takes: a refusal does not wait for that.
    pub(super) fn told_early(&mut self, index: u32) {
        let task = &self.s.tasks[index];
        if task.state == State::Provider
            && let Some(Real::Asked(Err(refusal))) = &task.real
            && let Some((cause, retry_after)) = refused_at_once(refusal)
        {
            let call = task.call;
            let number = self.model.calls[call as usize].provider as usize;
            self.s.tasks[index].scheduled = super::event::Scheduled::NOTHING;
            self.s.calling[number] -= 1;
            self.refused(index, call, cause, retry_after);
        }
    }

    /// A provider's time is over: it has answered, failed, or sent its first token; or it has had all the time there is.
    pub(super) fn provider_done(&mut self, index: u32) {
        let call = self.s.tasks[index].call;
        let spec = &self.model.calls[call as usize];
        let number = spec.provider as usize;
        let timeout = self.model.providers[number].timeout;
        let task = &self.s.tasks[index];
        let began = task.streaming.map_or(task.mark, |(_, since)| since);
        let is_over = task.too_long || (task.is_asking && timeout != SimSpan::FOREVER && self.s.now >= began + timeout);
        if !is_over && self.is_late(index) {
            if timeout != SimSpan::FOREVER {
                self.schedule_task(index, began + timeout);
            }
            return;
        }
        let rest = matches!(self.model.ops[self.s.tasks[index].pc as usize], Op::LlmRest { .. });
        let real = self.s.tasks[index].real.take();
        let failure = match &real {
            _ if is_over => Some((Cause::LlmTimeout, None)),
            Some(Real::Asked(Ok(_)) | Real::Rest(Ok(_))) => None,
            Some(Real::Asked(Err(refusal)) | Real::Rest(Err(refusal))) => {
                Some(refused_at_once(refusal).unwrap_or((Cause::LlmError, None)))
            }
            _ => Some((Cause::LlmError, None)),
        };
        self.s.tasks[index].is_late = false;
        if failure.is_some() || !spec.stream || rest {
            self.s.tasks[index].is_asking = false;
            if let Some(abort) = self.s.tasks[index].abort.take() {
                abort.abort();
            }
        }
        if !matches!(
            failure,
            Some((Cause::LlmError | Cause::LlmRateLimited | Cause::LlmQuota, _))
        ) && !rest
        {
            // An answer that comes too late is paid for like any other: it was written.
            self.pay(index, spec);
        }
        if spec.stream && !rest && failure.is_none() {
            self.first_token(index, spec, real);
            return;
        }
        self.tell_breaker(index, number, failure.is_none());
        self.s.tasks[index].streaming = None;
        self.s.calling[number] -= 1;
        self.s.tally.providers[number].failed += u64::from(failure.is_some());
        match failure {
            None => {
                if let Some(Real::Asked(Ok(Answering { text, .. })) | Real::Rest(Ok(text))) = real {
                    self.story(index, |story| story.said(&text));
                }
                let (own, answer) = (self.s.tasks[index].own, self.s.tasks[index].answer);
                if !spec.audio
                    && let Some(session) = self.story(index, |story| story.session())
                {
                    self.s.conversations.add(session, own + answer);
                }
                self.s.tasks[index].phase = if rest { 1 } else { 4 };
                self.run_task(index);
            }
            // An answer that breaks off is not asked for again.
            Some((cause, _)) if rest => {
                self.s.tasks[index].phase = 0;
                self.fail(index, cause);
            }
            Some((cause, retry_after)) => {
                let task = &mut self.s.tasks[index];
                task.cause = Some(cause);
                task.retry_after = retry_after;
                task.phase = 2;
                let work = self.draw_span(index, spec.reply);
                if self.slice(index, work) {
                    self.run_task(index);
                }
            }
        }
    }

    /// The first token is there: the answer goes on arriving.
    fn first_token(&mut self, index: u32, spec: &LlmCall, real: Option<Real>) {
        let Some(Real::Asked(Ok(answering))) = real else {
            return;
        };
        let task = &mut self.s.tasks[index];
        task.phase = 4;
        task.streaming = Some((spec.provider, task.mark));
        let pieces = self.begin_answer(index);
        let (work, abort) = abortable(take_rest(answering, pieces));
        self.s.tasks[index].abort = Some(abort);
        self.ask_for(index, async move {
            match work.await {
                Ok(text) => Real::Rest(text),
                Err(_) => Real::Nothing,
            }
        });
        self.run_task(index);
    }

    /// The first piece of an answer goes to whoever asked. Where the pieces go, if anybody waits for them.
    fn begin_answer(&mut self, index: u32) -> Option<mpsc::UnboundedSender<Piece>> {
        let mut root = index;
        while self.s.tasks[root].kind != TaskKind::Attempt {
            let parent = self.s.tasks[root].parent;
            if !self.s.tasks.is_live(parent) {
                return None;
            }
            root = parent.index;
        }
        if self.s.tasks[root].pieces.is_none() {
            let stages = self.stages_so_far(root, index);
            let (sender, receiver) = mpsc::unbounded();
            if !self.answer_with(root, stages, Some(receiver)) {
                return None;
            }
            self.s.tasks[root].pieces = Some(sender);
        }
        self.s.tasks[root].pieces.clone()
    }

    /// An answer is paid for.
    fn pay(&mut self, index: u32, spec: &LlmCall) {
        let task = &self.s.tasks[index];
        let used = if spec.audio {
            ModelUse {
                prompt: 0.0,
                answer: 0.0,
                minutes: task.prompt,
            }
        } else {
            ModelUse {
                prompt: task.prompt,
                answer: task.answer,
                minutes: 0.0,
            }
        };
        let dollars = self.model.money.call(spec.provider as usize, spec.model as usize, used);
        let now = self.s.now;
        self.s.tally.providers[spec.provider as usize]
            .spending
            .add(now, dollars);
    }

    /// A call to a provider ends before its answer.
    pub(super) fn end_provider_call(&mut self, index: u32) {
        let task = &mut self.s.tasks[index];
        task.streaming = None;
        task.is_asking = false;
        task.is_late = false;
        task.real = None;
        if let Some(abort) = task.abort.take() {
            abort.abort();
        }
        let number = self.model.calls[task.call as usize].provider as usize;
        self.s.calling[number] -= 1;
        self.forget_pass(index);
    }

    /// Nobody takes the rest of a streamed answer: the provider is free.
    pub(super) fn end_stream(&mut self, index: u32) {
        self.forget_pass(index);
        let task = &mut self.s.tasks[index];
        if let Some((provider, _)) = task.streaming.take() {
            task.is_asking = false;
            if let Some(abort) = task.abort.take() {
                abort.abort();
            }
            self.s.calling[provider as usize] -= 1;
        }
    }

    /// The rest of a streamed answer: its tokens come one after another, each a slice of the loop if that costs any.
    pub(super) fn llm_rest(&mut self, index: u32) -> bool {
        if self.s.tasks[index].phase == 1 {
            self.s.tasks[index].phase = 0;
            return true;
        }
        self.s.tasks[index].pc -= 1;
        let spec = &self.model.calls[self.s.tasks[index].call as usize];
        let number = spec.provider as usize;
        self.enter(index, self.model.providers[number].stage);
        let per_token = spec.per_token.map_or(0.0, |site| self.draw(index, site));
        let tokens = self.s.tasks[index].answer;
        if let Some(site) = spec.chunk_cpu {
            // The chunks' work falls on the loop while they arrive; in sum it is what delays others.
            let each = self.draw(index, site);
            let work = SimSpan::from_seconds(each * tokens);
            let process = self.s.tasks[index].process;
            if work > SimSpan::ZERO && self.has_loop(process) {
                self.background_slice(process, work);
            }
        }
        let keeps_time = self.parts.providers[number].keeps_time();
        let span = SimSpan::from_seconds(per_token * tokens);
        let span = if keeps_time { SimSpan::ZERO } else { span };
        let now: SimTime = self.s.now;
        self.s.tasks[index].state = State::Provider;
        self.s.tasks[index].too_long = false;
        self.schedule_task(index, now + span);
        false
    }
}

/// The cause of a failure that is known at once, with when to come back; none for one that takes as long as an answer.
fn refused_at_once(refusal: &Refusal) -> Option<(Cause, Option<SimSpan>)> {
    match refusal {
        Refusal::RateLimited { retry_after } => Some((Cause::LlmRateLimited, *retry_after)),
        Refusal::Quota => Some((Cause::LlmQuota, None)),
        Refusal::Unreachable(_) | Refusal::Other(_) => Some((Cause::LlmError, None)),
        Refusal::Failed => None,
    }
}

/// Hands the pieces of an answer on, to its end: all of its text.
async fn take_rest(answering: Answering, pieces: Option<mpsc::UnboundedSender<Piece>>) -> Result<String, Refusal> {
    let hand_on = |text: &str| {
        if let (Some(pieces), false) = (&pieces, text.is_empty()) {
            // Whoever has gone does not hear of it.
            let _ = pieces.unbounded_send(Piece::Text(text.to_owned()));
        }
    };
    let mut whole = answering.text;
    hand_on(&whole);
    if let Some(mut rest) = answering.rest {
        while let Some(piece) = rest.next().await {
            let piece = piece?;
            hand_on(&piece);
            whole.push_str(&piece);
        }
    }
    Ok(whole)
}
