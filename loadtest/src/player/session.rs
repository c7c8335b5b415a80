//! A visit: its flow, with think times, choices, loops and branches.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::channel::mpsc;
use futures::future::{BoxFuture, Either, FutureExt, join_all, select};
use highwater_models::SimTime;
use highwater_program::crowd::{Identity, flow_key};
use highwater_program::model::{FlowOp, Pc, Recorded};

use super::{Player, lock};
use crate::log;
use crate::transport::{Line, Memory};

/// A visit of a person.
pub(super) struct Session {
    pub source: u16,
    pub client: u16,
    pub who: Identity,
    pub signed_in: AtomicBool,
    /// It asks for nothing more.
    pub ended: AtomicBool,
    pub abandoned: AtomicBool,
    pub requests: AtomicU64,
    pub memory: Mutex<Memory>,
    pub line: Arc<dyn Line>,
}

impl Player {
    /// A session begins, and goes on as a task of its own; where the stream has so many users at a time, the same user's
    /// next session follows in the same task.
    pub(super) fn begin_session(
        self: &Arc<Self>,
        source: u16,
        user: u64,
        recorded: Option<&Recorded>,
        at: SimTime,
        alive: &mpsc::UnboundedSender<()>,
    ) {
        if self.is_stopped() {
            return;
        }
        // Who comes is decided here and not in the task, so that people are numbered in the order in which they come.
        let who = lock(&self.crowd).begin(&self.model, source, user, recorded, at);
        let player = Arc::clone(self);
        let alive = alive.clone();
        let task = async move {
            let (mut at, mut who) = (at, who);
            loop {
                let person = who.person;
                at = player.visit(source, who, at).await;
                if player.is_stopped() {
                    break;
                }
                let loading = at < player.model.duration;
                let mut crowd = lock(&player.crowd);
                if !crowd.end(&player.model, source, person, at, loading) {
                    break;
                }
                who = crowd.begin(&player.model, source, user, None, at);
            }
            drop(alive);
        };
        self.host.spawn(task.boxed());
    }

    /// One session from its beginning to its end, which is returned.
    async fn visit(self: &Arc<Self>, source: u16, who: Identity, at: SimTime) -> SimTime {
        let start = self.model.flows[usize::from(who.flow)].start;
        let session = Arc::new(Session {
            source,
            client: self.model.sources[usize::from(source)].client,
            signed_in: AtomicBool::new(who.signed_in),
            who,
            ended: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            memory: Mutex::default(),
            line: self.transport.line(),
        });
        let place = self.model.measures(at).then(|| {
            let mut log = lock(&self.log);
            log.visits.push(log::Visit {
                repeat: 0,
                at,
                length: None,
                abandoned: false,
            });
            log.visits.len() - 1
        });
        let end = Arc::clone(self).thread(Arc::clone(&session), start, 0, at).await;
        // One that the end of the run cut off has no length.
        if let Some(place) = place
            && !self.is_stopped()
            && let Some(visit) = lock(&self.log).visits.get_mut(place)
        {
            visit.length = Some(end.since(at));
            visit.abandoned = session.abandoned.load(Ordering::Relaxed);
        }
        end
    }

    /// A thread of a session's flow, from a place and a time on; when it ended.
    fn thread(
        self: Arc<Self>,
        session: Arc<Session>,
        start: Pc,
        iteration: u32,
        at: SimTime,
    ) -> BoxFuture<'static, SimTime> {
        let task = async move {
            let (mut pc, mut iteration, mut at) = (start, iteration, at);
            let mut frames: Vec<(u32, Pc)> = Vec::new();
            let key = flow_key(session.who.key);
            while !session.ended.load(Ordering::Relaxed) && !self.is_stopped() {
                let op = self.model.flow_ops[pc as usize];
                pc += 1;
                match op {
                    FlowOp::Request { endpoint } => {
                        let asked = pin!(self.request(&session, endpoint, at));
                        match select(asked, self.told.clone()).await {
                            Either::Left((end, _)) => at = end,
                            Either::Right(_) => break,
                        }
                    }
                    FlowOp::Think { site } => {
                        at += self.span(site, key, iteration);
                        if !self.wait_until(at).await {
                            break;
                        }
                    }
                    FlowOp::End => {
                        session.ended.store(true, Ordering::Relaxed);
                        break;
                    }
                    FlowOp::EndBranch => break,
                    FlowOp::Choose { choice } => {
                        let choice = &self.model.choices[usize::from(choice)];
                        let uniform = || key.at(choice.place, iteration).draw().uniform();
                        pc = choice.branch(session.who.class, uniform);
                    }
                    FlowOp::Repeat { site, after } => match self.count(site, key, iteration) {
                        0 => pc = after,
                        times => frames.push((times, pc)),
                    },
                    FlowOp::Again => {
                        if let Some((left, body)) = frames.last_mut() {
                            *left -= 1;
                            if *left > 0 {
                                pc = *body;
                                iteration += 1;
                            } else {
                                frames.pop();
                            }
                        }
                    }
                    FlowOp::Fork { branches } => {
                        let starts = &self.model.forks[usize::from(branches)].branches;
                        let threads = starts
                            .iter()
                            .map(|&start| Arc::clone(&self).thread(Arc::clone(&session), start, iteration, at));
                        let ends = join_all(threads).await;
                        at = ends.into_iter().fold(at, SimTime::max);
                    }
                    FlowOp::Jump { to } => pc = to,
                }
            }
            at
        };
        task.boxed()
    }
}
