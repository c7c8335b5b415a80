//! Monitoring for real: the system file's rules over what the server reads of itself, and messages to people.
//!
//! Owns: the looks, every `alerts.every` of the system's time, and who is told after each.
//! Never: the server's time: a look takes as long as reading does, and messages go their way by themselves.
//!
//! ```text
//! let senders = monitoring::settings::read(path)?;             // or Senders::new(): then everything is only logged
//! let monitoring = monitoring::start(host, backend, senders, log);   // none where the system watches nothing
//! monitoring.status()                                          // for a dashboard
//! monitoring.stop()                                            // or drop it
//! ```
//!
//! Days and months of quotas are the system's: the start is a midnight, a month has thirty days.

pub mod advice;
mod line;
pub mod message;
pub mod sender;
pub mod settings;
pub mod watcher;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{AbortHandle, abortable};
use highwater_host::SharedHost;
use highwater_models::SimTime;
use highwater_models::file::system::AlertLevel;
use highwater_models::machine::alert::Look;
use highwater_program::model::Monitoring as Spec;

use self::advice::{figure, reading};
use self::line::Line;
use self::message::Message;
pub use self::settings::Senders;
use self::watcher::{Seen, Watcher};
use crate::backend::Backend;

/// Lines of the log that are kept.
const LINES_MAX: usize = 50;

/// Where lines of the log go.
pub type Log = Arc<dyn Fn(String) + Send + Sync>;

/// How a rule stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleStatus {
    /// Its name.
    pub name: String,
    /// What it watches.
    pub watch: String,
    /// How bad it is.
    pub level: AlertLevel,
    /// What was read at the last look; not a number where there was nothing.
    pub reading: f64,
    /// Its bound.
    pub threshold: f64,
    /// Whether it fires above its bound; else below.
    pub is_above: bool,
    /// Since when its condition holds.
    pub since: Option<SimTime>,
    /// Whether it fires.
    pub is_firing: bool,
    /// How often it has begun to.
    pub fired: u64,
}

impl RuleStatus {
    /// What was read and its bound, in a line.
    #[must_use]
    pub fn text(&self) -> String {
        let kind = reading(&self.watch);
        let than = if self.is_above { "above" } else { "below" };
        let (value, bound) = (figure(kind, self.reading), figure(kind, self.threshold));
        format!("{}: {} is {value}, {than} {bound}", self.name, self.watch)
    }
}

/// How a channel has done.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStatus {
    /// Its name.
    pub name: String,
    /// What it leads to: `slack`, `e-mail`, `sms`, `nowhere`.
    pub kind: &'static str,
    /// Messages sent.
    pub sent: u64,
    /// Messages that a quota or a full line stopped, or that were given up.
    pub lost: u64,
    /// Messages in line.
    pub waiting: u64,
    /// Dollars for those sent, by the system file's price.
    pub cost: f64,
}

/// How everything stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Looks so far.
    pub looks: u64,
    /// By rule, in the order of the file.
    pub rules: Vec<RuleStatus>,
    /// By channel, in the order of the file.
    pub channels: Vec<ChannelStatus>,
    /// The last lines of the log, oldest first.
    pub lines: Vec<(SimTime, String)>,
}

struct Shared {
    log: Arc<Kept>,
    lines: Vec<Line>,
    // Held while a look is written down or read.
    rules: Mutex<(u64, Vec<RuleStatus>)>,
}

/// The log, and its last lines.
struct Kept {
    host: SharedHost,
    log: Log,
    // Held while a line is added or all are read.
    lines: Mutex<VecDeque<(SimTime, String)>>,
}

impl Kept {
    fn lines(&self) -> MutexGuard<'_, VecDeque<(SimTime, String)>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: String) {
        let mut lines = self.lines();
        if lines.len() == LINES_MAX {
            lines.pop_front();
        }
        lines.push_back((self.host.now(), line.clone()));
        drop(lines);
        (self.log)(line);
    }
}

impl Shared {
    fn rules(&self) -> MutexGuard<'_, (u64, Vec<RuleStatus>)> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Monitoring under way, until it is stopped or dropped. Messages that are in line are still sent.
pub struct Monitoring {
    shared: Arc<Shared>,
    looks: AbortHandle,
}

impl Monitoring {
    /// How everything stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let (looks, rules) = self.shared.rules().clone();
        Status {
            looks,
            rules,
            channels: self.shared.lines.iter().map(Line::status).collect(),
            lines: self.shared.log.lines().iter().cloned().collect(),
        }
    }

    /// Looks no more.
    pub fn stop(self) {}
}

impl Drop for Monitoring {
    fn drop(&mut self) {
        self.looks.abort();
    }
}

/// Begins to look, on the host's tasks; none where the system has no rules. What would go through a channel without a
/// sender is lost; that a rule fires is logged in any case.
#[must_use]
pub fn start(host: SharedHost, backend: Arc<dyn Backend>, mut senders: Senders, log: Log) -> Option<Monitoring> {
    let spec = backend.model().monitoring.clone()?;
    let nowhere = spec
        .channels
        .iter()
        .filter(|channel| !senders.contains_key(&channel.name));
    let nowhere: Vec<_> = nowhere.map(|channel| format!("`{}`", channel.name)).collect();
    if !nowhere.is_empty() {
        log(format!(
            "nothing says where {} leads: what would go there is only logged",
            nowhere.join(", ")
        ));
    }
    for name in senders
        .keys()
        .filter(|name| spec.channels.iter().all(|channel| channel.name != **name))
    {
        log(format!("the system has no channel `{name}`"));
    }
    let kept = Arc::new(Kept {
        host: Arc::clone(&host),
        log,
        lines: Mutex::default(),
    });
    let of_log = Arc::clone(&kept);
    let log: Log = Arc::new(move |line| of_log.add(line));
    let lines = spec.channels.iter();
    let lines = lines.map(|channel| Line::new(&host, channel, senders.remove(&channel.name), &log));
    let lines = lines.collect();
    let rules = spec.rules.iter().map(|rule| RuleStatus {
        name: rule.name.clone(),
        watch: rule.watch.clone(),
        level: rule.level,
        reading: f64::NAN,
        threshold: rule.config.threshold,
        is_above: rule.config.is_above,
        since: None,
        is_firing: false,
        fired: 0,
    });
    let shared = Arc::new(Shared {
        log: kept,
        lines,
        rules: Mutex::new((0, rules.collect())),
    });
    let (task, looks) = abortable(watch(Arc::clone(&host), backend, spec, Arc::clone(&shared), log));
    host.spawn(Box::pin(async move {
        let _ = task.await;
    }));
    Some(Monitoring { shared, looks })
}

/// Looks for ever.
async fn watch(host: SharedHost, backend: Arc<dyn Backend>, spec: Spec, shared: Arc<Shared>, log: Log) {
    let mut watcher = Watcher::new(&spec);
    let every = spec.every.nanos().max(1);
    let mut is_first = true;
    loop {
        // Whole multiples of `every`: a look that came late moves no other.
        let next = (host.now().nanos() / every + 1).saturating_mul(every);
        host.sleep_until(SimTime::from_nanos(next)).await;
        let readings = backend.readings();
        if std::mem::take(&mut is_first) {
            for rule in watcher.blind(&readings) {
                let rule = &spec.rules[rule];
                log(format!(
                    "{}: the server does not read `{}`: the rule never fires",
                    rule.name, rule.watch
                ));
            }
        }
        let now = host.now();
        let all = watcher.look(now, &readings);
        {
            let mut rules = shared.rules();
            rules.0 += 1;
            for seen in &all {
                note(&mut rules.1[seen.rule], seen);
            }
        }
        for seen in &all {
            let rule = &spec.rules[seen.rule];
            match seen.look {
                Look::Calm | Look::Pending | Look::Stays => continue,
                Look::Resolves => {
                    log(format!(
                        "{}: resolved: {} is {}",
                        rule.name,
                        rule.watch,
                        figure(reading(&rule.watch), seen.reading)
                    ));
                    continue;
                }
                Look::Fires | Look::Repeats => {}
            }
            let message = Message::new(backend.model(), rule, seen, now, seen.look == Look::Repeats);
            if seen.look == Look::Fires {
                log(format!("{}: fires: {}", rule.name, message.title));
            }
            for &channel in &rule.channels {
                shared.lines[usize::from(channel)].tell(&*host, &message, &log);
            }
        }
    }
}

fn note(rule: &mut RuleStatus, seen: &Seen) {
    rule.reading = seen.reading;
    rule.since = (!matches!(seen.look, Look::Calm | Look::Resolves)).then_some(seen.since);
    rule.is_firing = matches!(seen.look, Look::Fires | Look::Repeats | Look::Stays);
    rule.fired += u64::from(seen.look == Look::Fires);
}

#[cfg(test)]
mod tests;
