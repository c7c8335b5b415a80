//! A channel's line of messages and whoever sends them, one after another.
//!
//! Owns: the channel's quotas (`models/src/machine/channel.rs`), the bound of the line, tries and the waits between them.
//! A message goes its way or is lost, and nobody waits for either. What is lost is logged with the reason.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::channel::mpsc;
use highwater_host::{Host, SharedHost, by, pause};
use highwater_models::SimSpan;
use highwater_models::machine::channel::Channel;
use highwater_program::model::ChannelSpec;

use super::message::Message;
use super::sender::{NotSent, Sender};
use super::{ChannelStatus, Log};

/// Messages that may wait in a line.
const LINE_MAX: u64 = 32;
/// Times that a message is tried.
const TRIES: u32 = 3;
/// How long a try may take, on the wall's clock.
const TRY: SimSpan = SimSpan::from_secs(10);
/// The wait before the second try; four times as long before the third.
const WAIT: SimSpan = SimSpan::from_secs(1);
/// The longest wait that a channel may ask for.
const WAIT_MAX: SimSpan = SimSpan::from_secs(30);

/// How a channel has done.
#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    /// Stopped by a quota or by a full line, or given up.
    lost: AtomicU64,
    /// In line or being sent.
    waiting: AtomicU64,
}

/// A channel.
pub(super) struct Line {
    name: String,
    price: f64,
    segments: u32,
    sender: Option<Arc<dyn Sender>>,
    /// Held for a few comparisons.
    channel: Mutex<Channel>,
    counts: Arc<Counts>,
    sends: mpsc::UnboundedSender<(Message, usize)>,
}

impl Line {
    /// Starts whoever sends. Without a sender every message is lost.
    pub(super) fn new(host: &SharedHost, spec: &ChannelSpec, sender: Option<Arc<dyn Sender>>, log: &Log) -> Self {
        let (sends, mut line) = mpsc::unbounded::<(Message, usize)>();
        let counts = Arc::new(Counts::default());
        if let Some(sender) = sender.clone() {
            let (host_of, log, counts, name) = (
                Arc::clone(host),
                Arc::clone(log),
                Arc::clone(&counts),
                spec.name.clone(),
            );
            host.spawn(Box::pin(async move {
                while let Some((message, copy)) = line.next().await {
                    match deliver(&*host_of, &*sender, &message, copy).await {
                        Ok(()) => {
                            counts.sent.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(reason) => {
                            counts.lost.fetch_add(1, Ordering::Relaxed);
                            log(format!("{name}: a message of `{}` is not sent: {reason}", message.rule));
                        }
                    }
                    counts.waiting.fetch_sub(1, Ordering::Relaxed);
                }
            }));
        }
        Self {
            name: spec.name.clone(),
            price: spec.config.price,
            segments: spec.config.segments,
            sender,
            channel: Mutex::new(Channel::new(spec.config)),
            counts,
            sends,
        }
    }

    /// Takes a message in, or loses it. Never waits.
    pub(super) fn tell(&self, host: &dyn Host, message: &Message, log: &Log) {
        let Some(sender) = &self.sender else {
            // Said once, at the start.
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
            return;
        };
        for copy in 0..sender.copies() {
            if let Err(reason) = self.take(host, message, copy) {
                self.counts.lost.fetch_add(1, Ordering::Relaxed);
                log(format!(
                    "{}: a message of `{}` is not sent: {reason}",
                    self.name, message.rule
                ));
            }
        }
    }

    fn take(&self, host: &dyn Host, message: &Message, copy: usize) -> Result<(), &'static str> {
        if self.counts.waiting.load(Ordering::Relaxed) >= LINE_MAX {
            return Err("its line is full");
        }
        let mut channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        channel.send(host.now()).map_err(|lost| lost.text())?;
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if self.sends.unbounded_send((message.clone(), copy)).is_err() {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err("whoever sends has ended");
        }
        Ok(())
    }

    pub(super) fn status(&self) -> ChannelStatus {
        let sent = self.counts.sent.load(Ordering::Relaxed);
        ChannelStatus {
            name: self.name.clone(),
            kind: self.sender.as_ref().map_or("nowhere", |sender| sender.kind()),
            sent,
            lost: self.counts.lost.load(Ordering::Relaxed),
            waiting: self.counts.waiting.load(Ordering::Relaxed),
            cost: sent as f64 * f64::from(self.segments) * self.price,
        }
    }
}

/// So much of the wall's time, as the host counts it: people's networks are as slow on a fast clock.
fn of_the_wall(host: &dyn Host, span: SimSpan) -> SimSpan {
    let scale = host.scale();
    if scale.is_finite() {
        SimSpan::from_seconds(span.seconds() * scale)
    } else {
        span
    }
}

/// Tries a few times.
async fn deliver(host: &dyn Host, sender: &dyn Sender, message: &Message, copy: usize) -> Result<(), String> {
    let mut wait = WAIT;
    for attempt in 1.. {
        let until = host.now() + of_the_wall(host, TRY);
        let (reason, asked) = match by(host, until, sender.send(message, copy)).await {
            Some(Ok(())) => return Ok(()),
            Some(Err(NotSent::Never(reason))) => return Err(reason),
            Some(Err(NotSent::Later(reason, asked))) => (reason, asked),
            None => ("no answer within 10 seconds".to_owned(), None),
        };
        if attempt >= TRIES {
            return Err(format!("{reason} (tried {TRIES} times)"));
        }
        let span = asked.map_or(wait, |asked| asked.max(wait)).min(WAIT_MAX);
        pause(host, of_the_wall(host, span)).await;
        wait = SimSpan::from_nanos(wait.nanos() * 4);
    }
    // The loop above ends at its last try.
    Err(String::new())
}
