//! What a person asks for, over all attempts, and what they do when it does not come.
//!
//! The client's settings are those of the system file: a drawn round trip is added around the real exchange, half of it on
//! the way there; time-outs, patience, retries and pressing again are reckoned from when things were to happen.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, FutureExt, join, select};
use futures::stream::StreamExt;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::crowd::{attempt_key, request_key, resend_draw, retry_draw, within_stream};
use highwater_program::model::{Client, STAGE_BACKOFF, STAGE_CLIENT, Stage};
use highwater_workload::Key;

use super::session::Session;
use super::{Player, Stop, lock};
use crate::log::{Ending, Reading, Row};
use crate::transport::{Attempt, Memory};

/// An attempt that its client waits for.
struct Waiting {
    number: u32,
    began: SimTime,
    deadline: SimTime,
    /// Dropped, the client has gone.
    _here: oneshot::Sender<()>,
}

/// An attempt's answer at its client, or that there is none.
struct Answered {
    number: u32,
    began: SimTime,
    at: SimTime,
    /// When its first byte was there; none where there was no answer.
    first_byte: Option<SimTime>,
    cause: Option<Cause>,
    strange: Option<String>,
    stages: Vec<(Stage, SimSpan)>,
    retry_after: Option<SimSpan>,
    memory: Memory,
}

/// A request under way.
struct Request<'p> {
    player: &'p Arc<Player>,
    session: &'p Arc<Session>,
    spec: &'p Client,
    endpoint: u16,
    key: Key,
    /// Its place among the rows, where it is measured.
    row: Option<usize>,
    at: SimTime,
    /// Until then its time is accounted for.
    since: SimTime,
    first_byte: Option<SimTime>,
    attempts: u32,
    retries: u32,
    resent: bool,
    waiting: Vec<Waiting>,
    /// What its attempts say.
    hears: mpsc::UnboundedReceiver<Heard>,
    says: mpsc::UnboundedSender<Heard>,
    /// Nanoseconds by stage.
    split: Vec<u64>,
    server: Option<SimSpan>,
    patience: SimTime,
    resend: SimTime,
    backoff: SimTime,
}

/// What is heard of a request.
enum Heard {
    Answer(Answered),
    /// Of an attempt of that number, at a time.
    FirstByte(u32, SimTime),
    Clock,
}

/// What is next for a request that nothing is heard of.
#[derive(Copy, Clone, Debug)]
enum Due {
    Timeout,
    Patience,
    Resend,
    Backoff,
}

impl Player {
    /// A person asks for something that was to be asked for at a time; when that ended.
    pub(super) async fn request(self: &Arc<Self>, session: &Arc<Session>, endpoint: u16, at: SimTime) -> SimTime {
        if self.progress.offered.fetch_add(1, Ordering::Relaxed) >= self.bounds.requests {
            self.progress.offered.fetch_sub(1, Ordering::Relaxed);
            self.stop(Stop::Requests);
            return at;
        }
        let number = session.requests.fetch_add(1, Ordering::Relaxed);
        let source = &self.model.sources[usize::from(session.source)];
        let row = self.model.measures(at).then(|| {
            let mut log = lock(&self.log);
            log.rows.push(Row {
                repeat: 0,
                at,
                source: session.source,
                session: session.who.number,
                user: within_stream(session.who.person),
                ip: within_stream(session.who.ip),
                class: session.who.class,
                endpoint,
                phase: source.phase_at(at),
                ending: Ending::InFlight,
                cause: None,
                latency: SimSpan::ZERO,
                first_byte: None,
                attempts: 0,
                stages: Vec::new(),
                server: None,
            });
            log.rows.len() - 1
        });
        let spec = &self.model.clients[usize::from(session.client)];
        lock(&self.budgets)[usize::from(session.client)].note_request();
        let key = request_key(session.who.key, number);
        let (says, hears) = mpsc::unbounded();
        let mut request = Request {
            player: self,
            session,
            spec,
            endpoint,
            key,
            row,
            at,
            since: at,
            first_byte: None,
            attempts: 0,
            retries: 0,
            resent: false,
            waiting: Vec::new(),
            hears,
            says,
            split: vec![0; self.model.stages.len()],
            server: None,
            patience: SimTime::NEVER,
            resend: SimTime::NEVER,
            backoff: SimTime::NEVER,
        };
        if let Some(site) = spec.patience {
            request.patience = at + self.span(site, key, 0);
        }
        if let Some((chance, site)) = spec.resend
            && resend_draw(key, self.place(site)) < chance
        {
            request.resend = at + self.span(site, key, 0);
        }
        request.begin_attempt(at);
        let (end, cause) = request.run().await;
        request.end(end, cause);
        end
    }
}

impl Request<'_> {
    /// Until it ends: when, and why where it did not end well.
    async fn run(&mut self) -> (SimTime, Option<Cause>) {
        loop {
            let (at, due) = self.next_due();
            match self.listen(at).await {
                Heard::Answer(answered) => {
                    if let Some(end) = self.take(answered) {
                        return end;
                    }
                }
                Heard::FirstByte(number, at) => {
                    if self.waiting.iter().any(|waiting| waiting.number == number) && self.first_byte.is_none() {
                        self.first_byte = Some(at);
                        self.patience = SimTime::NEVER;
                    }
                }
                Heard::Clock => {
                    if let Some(end) = self.is_due(due, at) {
                        return end;
                    }
                }
            }
        }
    }

    /// The next thing that is heard of, until a time.
    async fn listen(&mut self, until: SimTime) -> Heard {
        match select(self.hears.next(), self.player.host.sleep_until(until)).await {
            Either::Left((heard, _)) => heard.unwrap_or(Heard::Clock),
            Either::Right(_) => Heard::Clock,
        }
    }

    /// What is next, and when; at one instant in the order in which it is listed.
    fn next_due(&self) -> (SimTime, Due) {
        let deadline = self.waiting.iter().map(|waiting| waiting.deadline).min();
        [
            (deadline.unwrap_or(SimTime::NEVER), Due::Timeout),
            (self.patience, Due::Patience),
            (self.resend, Due::Resend),
            (self.backoff, Due::Backoff),
        ]
        .into_iter()
        .min_by_key(|(at, _)| *at)
        .unwrap_or((SimTime::NEVER, Due::Timeout))
    }

    fn is_due(&mut self, due: Due, at: SimTime) -> Option<(SimTime, Option<Cause>)> {
        match due {
            Due::Timeout => {
                while let Some(place) = self.waiting.iter().position(|waiting| waiting.deadline <= at) {
                    let waiting = self.waiting.remove(place);
                    self.give_up_on(waiting, at);
                }
                self.failed(Cause::ClientTimeout, None, at)
            }
            Due::Patience => {
                self.patience = SimTime::NEVER;
                if self.waiting.is_empty() {
                    self.waited(at);
                }
                for waiting in std::mem::take(&mut self.waiting) {
                    self.give_up_on(waiting, at);
                }
                if self.spec.patience.is_some() {
                    self.session.abandoned.store(true, Ordering::Relaxed);
                    return Some((at, Some(Cause::ClientTimeout)));
                }
                self.failed(Cause::ClientTimeout, None, at)
            }
            Due::Resend => {
                self.resend = SimTime::NEVER;
                if self.first_byte.is_none() && !self.waiting.is_empty() {
                    self.resent = true;
                    self.begin_attempt(at);
                }
                None
            }
            Due::Backoff => {
                self.backoff = SimTime::NEVER;
                self.waited(at);
                self.begin_attempt(at);
                None
            }
        }
    }

    /// An attempt that was to begin at a time.
    fn begin_attempt(&mut self, at: SimTime) {
        let number = self.attempts;
        self.attempts += 1;
        let player = self.player;
        if let Some(row) = self.row
            && let Some(row) = lock(&player.log).rows.get_mut(row)
        {
            // Also of one that is still in hand when the run ends.
            row.attempts = self.attempts;
        }
        let round_trip = player.span(self.spec.rtt, self.key, number);
        let there = SimSpan::from_nanos(round_trip.nanos() / 2);
        let back = SimSpan::from_nanos(round_trip.nanos() - there.nanos());
        if self.spec.patience.is_none() && self.spec.first_byte_timeout != SimSpan::FOREVER {
            self.patience = at + self.spec.first_byte_timeout;
        }
        let deadline = if self.spec.timeout == SimSpan::FOREVER {
            SimTime::NEVER
        } else {
            at + self.spec.timeout
        };
        let session = self.session;
        let attempt = Attempt {
            endpoint: self.endpoint,
            person: session.who.person,
            ip: session.who.ip,
            class: session.who.class,
            signed_in: session.signed_in.load(Ordering::Relaxed),
            draws: attempt_key(self.key, number),
            request: self.key,
            memory: lock(&session.memory).clone(),
        };
        let (here, gone) = oneshot::channel();
        let ways = Ways {
            number,
            began: at,
            there,
            back,
            says: self.says.clone(),
        };
        let flight = fly(Arc::clone(player), Arc::clone(session), attempt, ways, gone);
        player.host.spawn(flight.boxed());
        self.waiting.push(Waiting {
            number,
            began: at,
            deadline,
            _here: here,
        });
    }

    /// An answer is there, or it is clear that none will be.
    fn take(&mut self, answered: Answered) -> Option<(SimTime, Option<Cause>)> {
        let place = self
            .waiting
            .iter()
            .position(|waiting| waiting.number == answered.number)?;
        self.waiting.remove(place);
        self.read(
            answered.first_byte.map(|first| first.since(answered.began)),
            answered.strange.as_deref(),
        );
        {
            let mut memory = lock(&self.session.memory);
            if answered.memory.conversation.is_some() {
                memory.conversation.clone_from(&answered.memory.conversation);
            }
            if answered.memory.token.is_some() {
                memory.token.clone_from(&answered.memory.token);
            }
        }
        let is_good = answered.cause.is_none();
        if is_good && self.first_byte.is_none() {
            self.first_byte = answered.first_byte;
        }
        self.since = answered.at;
        if self.resent && is_good {
            // Attempts overlapped: the one that was answered counts, and what went before it is waiting.
            self.split.fill(0);
            self.add(STAGE_BACKOFF, answered.began.since(self.at).nanos());
        }
        if !self.resent || is_good {
            let server: u64 = answered.stages.iter().map(|(_, span)| span.nanos()).sum();
            for (stage, span) in &answered.stages {
                self.add(*stage, span.nanos());
            }
            let whole = answered.at.since(answered.began).nanos();
            self.add(STAGE_CLIENT, whole.saturating_sub(server));
            if is_good && !answered.stages.is_empty() {
                self.server = Some(SimSpan::from_nanos(server));
            }
        }
        match answered.cause {
            None => Some((answered.at, None)),
            Some(cause) => self.failed(cause, answered.retry_after, answered.at),
        }
    }

    /// An attempt ended badly: another one later, or the end of the request.
    fn failed(&mut self, cause: Cause, retry_after: Option<SimSpan>, at: SimTime) -> Option<(SimTime, Option<Cause>)> {
        if !self.waiting.is_empty() {
            return None;
        }
        let is_query = self.player.model.endpoints[usize::from(self.endpoint)].is_query;
        let kind = if is_query {
            self.spec.retries_queries
        } else {
            self.spec.retries_mutations
        };
        if kind
            && self.spec.retries[cause as usize]
            && let Some(policy) = &self.spec.retry
            && let Some(wait) = policy.next(self.retries, retry_after, retry_draw(self.key, self.attempts))
            && lock(&self.player.budgets)[usize::from(self.session.client)].take()
        {
            self.retries += 1;
            self.since = at;
            self.backoff = at + wait;
            return None;
        }
        Some((at, Some(cause)))
    }

    /// The client stops waiting for an attempt.
    fn give_up_on(&mut self, waiting: Waiting, at: SimTime) {
        self.read(None, None);
        self.since = at;
        if !self.resent {
            self.add(STAGE_CLIENT, at.since(waiting.began).nanos());
        }
    }

    /// The time until now was waiting before another attempt.
    fn waited(&mut self, at: SimTime) {
        self.add(STAGE_BACKOFF, at.since(self.since).nanos());
        self.since = at;
    }

    fn add(&mut self, stage: Stage, nanos: u64) {
        if let Some(sum) = self.split.get_mut(usize::from(stage)) {
            *sum += nanos;
        }
    }

    /// The load tool's reading of an attempt.
    fn read(&self, first_byte: Option<SimSpan>, strange: Option<&str>) {
        let Some(row) = self.row else { return };
        let mut log = lock(&self.player.log);
        log.readings.push(Reading { row, first_byte });
        if let Some(strange) = strange {
            // What a server says is cut short, and there are so many different things at most.
            let what: String = strange.chars().take(60).collect();
            if log.strange.len() < 100 || log.strange.contains_key(&what) {
                *log.strange.entry(what).or_default() += 1;
            }
        }
    }

    /// It ends in exactly one way.
    fn end(mut self, at: SimTime, cause: Option<Cause>) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.give_up_on(waiting, at);
        }
        let progress = &self.player.progress;
        match cause {
            None => progress.useful.fetch_add(1, Ordering::Relaxed),
            Some(_) => progress.failed.fetch_add(1, Ordering::Relaxed),
        };
        if let Some(row) = self.row
            && let Some(row) = lock(&self.player.log).rows.get_mut(row)
        {
            row.ending = match cause {
                None => Ending::Useful,
                Some(Cause::ClientTimeout) => Ending::Abandoned,
                Some(_) => Ending::Failed,
            };
            row.cause = cause;
            row.latency = at.since(self.at);
            row.first_byte = self.first_byte.map(|first| first.since(self.at));
            row.server = self.server;
            let stages = self.split.iter().enumerate().filter(|(_, nanos)| **nanos > 0);
            row.stages = stages
                .map(|(stage, &nanos)| (stage as Stage, SimSpan::from_nanos(nanos)))
                .collect();
        }
        let endpoint = &self.player.model.endpoints[usize::from(self.endpoint)];
        if cause.is_none() && endpoint.signs_in {
            self.session.signed_in.store(true, Ordering::Relaxed);
        }
        if let Some(cause) = cause {
            let gave_up = cause == Cause::ClientTimeout;
            let leaves = if gave_up {
                self.spec.ends_on_timeout || self.session.abandoned.load(Ordering::Relaxed)
            } else {
                self.spec.ends_on_error
            };
            if leaves {
                self.session.ended.store(true, Ordering::Relaxed);
                if gave_up {
                    self.session.abandoned.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

/// The way of an attempt.
struct Ways {
    number: u32,
    began: SimTime,
    there: SimSpan,
    back: SimSpan,
    says: mpsc::UnboundedSender<Heard>,
}

/// An attempt on its way there and back. Its client may go meanwhile: then the exchange is broken off; but what is on its
/// way already gets there, and is worked on for nobody.
async fn fly(
    player: Arc<Player>,
    session: Arc<Session>,
    attempt: Attempt,
    ways: Ways,
    mut gone: oneshot::Receiver<()>,
) {
    let leaves = ways.began + ways.there;
    player.host.sleep_until(leaves).await;
    if player.is_stopped() {
        return;
    }
    let late = player.host.now().since(leaves);
    player.progress.late.store(late.nanos(), Ordering::Relaxed);
    lock(&player.log).lateness.push(late);
    let is_gone = gone.try_recv().is_err();
    let exchange = pin!(exchange(&player, &session, attempt, &ways));
    let told = player.told.clone();
    if is_gone {
        select(exchange, told).await;
        return;
    }
    if let Either::Left((answered, _)) = select(exchange, select(gone, told)).await {
        // Where nobody listens any more the request is over.
        let _ = ways.says.unbounded_send(Heard::Answer(answered));
    }
}

/// An exchange, and the way back to the client.
async fn exchange(player: &Player, session: &Session, attempt: Attempt, ways: &Ways) -> Answered {
    let host = &player.host;
    let mut answered = Answered {
        number: ways.number,
        began: ways.began,
        at: ways.began,
        first_byte: None,
        cause: None,
        strange: None,
        stages: Vec::new(),
        retry_after: None,
        memory: Memory::default(),
    };
    match session.line.send(attempt).await {
        Err(lost) => {
            answered.at = host.now() + ways.back;
            answered.cause = Some(lost.cause);
            answered.strange = Some(lost.why.to_owned());
        }
        Ok(exchange) => {
            let first_byte = host.now() + ways.back;
            let is_good = exchange.head.cause.is_none();
            let rest = async { (exchange.rest.await, host.now()) };
            let first = async {
                if is_good {
                    host.sleep_until(first_byte).await;
                    // Where nobody listens any more the request is over.
                    let _ = ways.says.unbounded_send(Heard::FirstByte(ways.number, first_byte));
                }
            };
            let ((rest, whole), ()) = join(rest, first).await;
            answered.at = whole + ways.back;
            answered.first_byte = Some(first_byte);
            answered.cause = exchange.head.cause.or(rest.cause);
            answered.strange = exchange.head.strange;
            answered.stages = rest.stages.unwrap_or(exchange.head.stages);
            answered.retry_after = exchange.head.retry_after;
            answered.memory = rest.memory;
        }
    }
    host.sleep_until(answered.at).await;
    answered
}
