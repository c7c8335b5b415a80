//! Plays a scenario: who comes, what they ask for, when they give up.
//!
//! Owns: the streams of sessions and the clock of the run. What a session does is in `session`, what becomes of a request
//! in `request`. All of it is what `sim/src/world/{session,request}.rs` does, with the same machines, keys and order,
//! around real exchanges.
//! Never: how attempts travel (`transport`), and figures.
//! Order: everything happens at the time at which it was to happen. A wait that ends late, because the machine was busy,
//! moves nothing: the next time is reckoned from the one that was meant, and the difference is noted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::{mpsc, oneshot};
use futures::future::{BoxFuture, Either, FutureExt, Shared, select};
use futures::stream::StreamExt;
use highwater_host::SharedHost;
use highwater_models::machine::retry_budget::RetryBudget;
use highwater_models::{SimSpan, SimTime};
use highwater_program::crowd::{Changed, Crowd};
use highwater_program::model::{Coming, Model, SiteId, What, When};
use highwater_workload::{Key, Sampler};

use crate::log::Log;
use crate::transport::Transport;

mod request;
mod session;

/// What a run may not exceed.
#[derive(Copy, Clone, Debug)]
pub struct Bounds {
    /// Requests; with the last one the run ends.
    pub requests: u64,
    /// How many times as many people come.
    pub load_factor: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests: 1_000_000,
            load_factor: 1.0,
        }
    }
}

/// Why a run ended before its scenario did.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Somebody said so.
    Told,
    /// As many requests as there may be.
    Requests,
}

/// What a run has come to, for whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests so far.
    pub offered: AtomicU64,
    /// Of those: answered correctly in time.
    pub useful: AtomicU64,
    /// Of those: failed or given up.
    pub failed: AtomicU64,
    /// By how many nanoseconds the last attempt was sent too late.
    pub late: AtomicU64,
}

/// One run of a scenario.
pub struct Player {
    model: Arc<Model>,
    host: SharedHost,
    transport: Arc<dyn Transport>,
    bounds: Bounds,
    crowd: Mutex<Crowd>,
    /// Law and place of each draw. Drawing may change a law's inside, so that they are shared under a lock.
    sites: Mutex<Vec<(Sampler, u64)>>,
    budgets: Mutex<Vec<RetryBudget>>,
    log: Mutex<Log>,
    progress: Arc<Progress>,
    /// Whether nothing new begins.
    stopped: AtomicBool,
    /// Why it was stopped.
    why: Mutex<Option<Stop>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    /// Done when it is stopped, or over.
    told: Shared<BoxFuture<'static, ()>>,
}

/// A lock whose holder never panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Player {
    /// A run of a model whose people are drawn from `root`.
    #[must_use]
    pub fn new(
        model: Arc<Model>,
        root: Key,
        host: SharedHost,
        transport: Arc<dyn Transport>,
        bounds: Bounds,
    ) -> Arc<Self> {
        let (stop, told) = oneshot::channel();
        let sites = model.sites.iter().map(|site| (site.sampler.clone(), site.place));
        let mut crowd = Crowd::new(&model, root);
        for (source, spec) in model.sources.iter().enumerate() {
            // Whose times go by a rate are told when they begin: what was to come first comes earlier or later then.
            if !matches!(spec.coming, Coming::Open { .. }) {
                crowd.set_factor(source as u16, bounds.load_factor);
            }
        }
        let budgets = model.clients.iter().map(|client| RetryBudget::new(client.retry_budget));
        Arc::new(Self {
            crowd: Mutex::new(crowd),
            sites: Mutex::new(sites.collect()),
            budgets: Mutex::new(budgets.collect()),
            log: Mutex::default(),
            progress: Arc::default(),
            stopped: AtomicBool::new(false),
            stop: Mutex::new(Some(stop)),
            why: Mutex::new(None),
            told: told.map(|_| ()).boxed().shared(),
            model,
            host,
            transport,
            bounds,
        })
    }

    /// What it has come to.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Ends the run now; what was measured stays.
    pub fn stop(&self, why: Stop) {
        lock(&self.why).get_or_insert(why);
        self.end();
    }

    /// Nothing begins any more, and whatever is under way is nobody's.
    fn end(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(stop) = lock(&self.stop).take() {
            // Where nobody listens, all is over already.
            let _ = stop.send(());
        }
    }

    /// Plays until nobody comes any more and all have got what they wanted, or the scenario's time is over, or somebody
    /// stops it. Gives what was seen, and what ended it early.
    pub async fn play(self: Arc<Self>) -> (Log, Option<Stop>) {
        let (alive, mut gone) = mpsc::unbounded::<()>();
        for source in 0..self.model.sources.len() as u16 {
            let player = Arc::clone(&self);
            let alive = alive.clone();
            self.host
                .spawn(async move { player.bring(source, alive).await }.boxed());
        }
        drop(alive);
        let end = self.host.sleep_until(self.model.end);
        select(select(gone.next(), end), self.told.clone()).await;
        let early = *lock(&self.why);
        self.end();
        let mut log = std::mem::take(&mut *lock(&self.log));
        log.ended = vec![self.host.now().min(self.model.end)];
        (log, early)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Waits for a time, unless the run is stopped before: then false.
    async fn wait_until(&self, at: SimTime) -> bool {
        matches!(
            select(self.host.sleep_until(at), self.told.clone()).await,
            Either::Left(_)
        ) && !self.is_stopped()
    }

    /// A length of time at a place, under a key.
    fn span(&self, site: SiteId, key: Key, iteration: u32) -> SimSpan {
        let (law, place) = &mut lock(&self.sites)[site as usize];
        law.span(&mut key.at(*place, iteration).draw())
    }

    /// A count at a place, under a key.
    fn count(&self, site: SiteId, key: Key, iteration: u32) -> u32 {
        let (law, place) = &mut lock(&self.sites)[site as usize];
        law.count(&mut key.at(*place, iteration).draw())
    }

    /// The number of a place.
    fn place(&self, site: SiteId) -> u64 {
        lock(&self.sites)[site as usize].1
    }

    /// A stream brings its sessions, until the load ends.
    async fn bring(self: Arc<Self>, source: u16, alive: mpsc::UnboundedSender<()>) {
        let mut changes = self.changes(source).into_iter().peekable();
        let mut expected = self.fill_up(source, SimTime::ZERO, &alive);
        // Who is expected from the start on comes before the load ends at that instant, whoever else after.
        let mut is_first = true;
        loop {
            let change = changes.peek().map_or(SimTime::NEVER, |change| change.0);
            let at = expected.unwrap_or(SimTime::NEVER).min(change);
            let is_late = at > self.model.duration || (at == self.model.duration && !is_first);
            if is_late || !self.wait_until(at).await {
                return;
            }
            is_first = false;
            if let Some((at, factor)) = changes.next_if(|change| change.0 == at) {
                let before = expected.unwrap_or(SimTime::NEVER);
                let changed = lock(&self.crowd).change(&self.model, source, factor, at, before);
                match changed {
                    Changed::Nothing => {}
                    Changed::Expect(at) => expected = at,
                    Changed::Level => expected = self.fill_up(source, at, &alive),
                }
                continue;
            }
            if !matches!(self.model.sources[usize::from(source)].coming, Coming::Closed { .. }) {
                let arrival = lock(&self.crowd).arrive(&self.model, source);
                for _ in 0..arrival.sessions {
                    self.begin_session(source, 0, arrival.recorded.as_ref(), at, &alive);
                }
            }
            expected = self.fill_up(source, at, &alive);
        }
    }

    /// A stream has as many users as it wants now; when it brings the next.
    fn fill_up(self: &Arc<Self>, source: u16, at: SimTime, alive: &mpsc::UnboundedSender<()>) -> Option<SimTime> {
        let missing = lock(&self.crowd).missing(&self.model, source, at);
        for _ in 0..missing {
            let user = lock(&self.crowd).begin_user(source);
            self.begin_session(source, user, None, at, alive);
        }
        lock(&self.crowd).next_arrival(&self.model, source, at)
    }

    /// When how many times as many come from a stream: the factor of the command, and the scenario's events that say so at
    /// a time of their own.
    fn changes(&self, source: u16) -> Vec<(SimTime, f64)> {
        let mut spans = Vec::new();
        for happening in &self.model.happenings {
            if let (
                When::At(at),
                What::Traffic {
                    sources, factor, lasts, ..
                },
            ) = (&happening.when, &happening.what)
                && sources.contains(&source)
            {
                let end = lasts.map_or(SimTime::NEVER, |lasts| *at + lasts);
                spans.push((*at, end, *factor));
            }
        }
        let mut times: Vec<SimTime> = spans.iter().flat_map(|&(from, to, _)| [from, to]).collect();
        if self.bounds.load_factor != 1.0 {
            times.push(SimTime::ZERO);
        }
        times.retain(|&at| at != SimTime::NEVER);
        times.sort_unstable();
        times.dedup();
        let factor_at = |at: SimTime| {
            let under_way = spans.iter().filter(|&&(from, to, _)| from <= at && at < to);
            self.bounds.load_factor * under_way.map(|&(_, _, factor)| factor).product::<f64>()
        };
        times.into_iter().map(|at| (at, factor_at(at))).collect()
    }
}

/// What a scenario has that only an operator could do to the server, in words; the player leaves it out.
#[must_use]
pub fn left_out(model: &Model) -> Vec<String> {
    let name = |happening: &What| match happening {
        What::Traffic { .. } => None,
        What::Trouble(..) => Some("trouble at a part of the system"),
        What::Crash(..) => Some("a crash"),
        What::ForgetCache(_) | What::ForgetLimiter(_) => Some("forgetting"),
        What::LostConnections(_) => Some("lost connections"),
        What::Set(_) | What::Reset(_) => Some("a change of settings"),
        What::RestartService(_) | What::RestartDatabase(_) | What::RestartCache(_) => Some("a restart"),
        What::Deploy(_) => Some("a deploy"),
    };
    let mut found: Vec<String> = model
        .happenings
        .iter()
        .filter_map(|happening| match (&happening.when, &happening.what) {
            (When::Alert { .. }, What::Traffic { .. }) => Some("traffic that an alert brings".to_owned()),
            (When::At(at), what) => name(what).map(|name| format!("{name} at {} s", at.seconds())),
            (When::Alert { .. }, what) => name(what).map(|name| format!("{name} when an alert fires")),
        })
        .collect();
    found.dedup();
    found
}
