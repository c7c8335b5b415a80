//! A queue of jobs with a limit on how many run at once and on how many start in a window of time.
//!
//! Owns: the waiting jobs by priority, their deadlines, the running count, the window's count.
//! Never: what a job does or how long it runs; a job that is given up on but runs on is the driver's business.
//! Order: larger priority first; within a priority first come, first served. There is no ageing, so a low priority can
//! wait for ever.
//!
//! A job may start while fewer than `concurrency` run and the window has a start left. A start uses up its place in the
//! window for good, however short the job. How windows follow each other is in `window.rs`.

use std::collections::VecDeque;

use super::chain::{Chain, Links};
use super::waiters::{Entry, Handle, Waiters};
use crate::{SimSpan, SimTime};

#[cfg(test)]
mod tests;
mod window;

use window::Window;
pub use window::WindowKind;

/// Settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobQueueConfig {
    /// Most jobs running at once; [`u32::MAX`] for no limit.
    pub concurrency: u32,
    /// Length of a window, and the most starts in it.
    pub interval: Option<(SimSpan, u32)>,
    /// How windows follow each other.
    pub window: WindowKind,
    /// Most jobs waiting; one more is turned away. [`u32::MAX`] for no limit.
    pub waiters: u32,
    /// Longest wait; [`SimSpan::FOREVER`] for no limit.
    pub timeout: SimSpan,
    /// The priorities there are, in any order. Jobs with another one make it a level of its own when they first come.
    pub priorities: Vec<i64>,
}

/// A waiting job's place, good for one [`JobQueue::cancel`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct JobPlace(Handle);

/// What came of handing in a job.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Submit {
    /// It runs.
    Started,
    /// It waits.
    Waiting(JobPlace),
    /// No place was left to wait in.
    Full,
}

/// What the queue decided about a job that had to wait.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum JobOutput<T> {
    /// It runs from now on.
    Start {
        /// Which.
        ticket: T,
        /// When it was handed in.
        since: SimTime,
    },
    /// It has waited for as long as the queue allows, and is gone.
    TimedOut {
        /// Which.
        ticket: T,
        /// When it was handed in.
        since: SimTime,
    },
}

/// Jobs of one priority.
#[derive(Clone, Debug)]
struct Level {
    priority: i64,
    line: Chain,
}

/// The queue.
#[derive(Clone, Debug)]
pub struct JobQueue<T> {
    config: JobQueueConfig,
    window: Window,
    running: u32,
    /// Levels in the order in which they were first named, so that a job's level keeps its number.
    levels: Vec<Level>,
    /// Numbers of the levels, largest priority first.
    ranking: Vec<u32>,
    /// Waiting jobs, each with the number of its level.
    jobs: Waiters<T, u32>,
    line_links: Links,
    outputs: VecDeque<JobOutput<T>>,
}

impl<T: Copy> JobQueue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(config: JobQueueConfig) -> Self {
        let mut queue = Self {
            window: Window::new(config.window, config.interval),
            config,
            running: 0,
            levels: Vec::new(),
            ranking: Vec::new(),
            jobs: Waiters::default(),
            line_links: Links::default(),
            outputs: VecDeque::new(),
        };
        for index in 0..queue.config.priorities.len() {
            queue.level(queue.config.priorities[index]);
        }
        queue
    }

    /// Hands in a job. When it has to wait, its start or time-out comes from [`JobQueue::poll`].
    pub fn submit(&mut self, now: SimTime, ticket: T, priority: i64) -> Submit {
        self.advance(now);
        if self.jobs.len() == 0 {
            // Nobody to overtake: the job need not be written down to be started.
            if self.may_start(now) {
                self.note_start(now);
                return Submit::Started;
            }
        }
        if self.jobs.len() >= self.config.waiters {
            return Submit::Full;
        }
        let anybody_before = self.jobs.len() > 0;
        let level = self.level(priority);
        let place = self.join(now, ticket, level);
        if anybody_before {
            self.try_starts(now);
        }
        Submit::Waiting(place)
    }

    /// A running job ended, or is no longer waited for: its slot is free.
    pub fn finish(&mut self, now: SimTime) {
        self.advance(now);
        debug_assert!(self.running > 0, "a job ended that had not started");
        self.running = self.running.saturating_sub(1);
        self.try_starts(now);
    }

    /// Forgets a waiting job; false when it had been started or timed out before.
    pub fn cancel(&mut self, place: JobPlace) -> bool {
        let Some(index) = self.jobs.find(place.0) else {
            return false;
        };
        self.leave(index);
        if self.jobs.len() == 0 {
            // As the package does for a job that is aborted while it waits.
            self.window.line_is_empty(self.running);
        }
        true
    }

    /// Carries out what is due at `now`: time-outs, then the window and the starts that it allows.
    pub fn advance(&mut self, now: SimTime) {
        while let Some(index) = self.jobs.due(now) {
            let Entry { ticket, since, .. } = self.leave(index);
            self.outputs.push_back(JobOutput::TimedOut { ticket, since });
            if self.jobs.len() == 0 {
                self.window.line_is_empty(self.running);
            }
        }
        while self.window.turn(now, self.running) {
            while self.start_next(now) {}
            self.window.turned(now);
        }
    }

    /// When to call [`JobQueue::advance`] next; [`SimTime::NEVER`] when time alone changes nothing.
    #[must_use]
    pub fn next_deadline(&self) -> SimTime {
        self.jobs
            .next_deadline()
            .min(self.window.next_turn(self.jobs.len() > 0))
    }

    /// The next decision; call until `None` after each input.
    pub fn poll(&mut self) -> Option<JobOutput<T>> {
        self.outputs.pop_front()
    }

    /// Changes the settings for what is decided from now on. Deadlines of those who wait stay. A changed interval begins
    /// with a new count.
    pub fn set_config(&mut self, now: SimTime, config: JobQueueConfig) {
        self.advance(now);
        if (config.window, config.interval.map(|(length, _)| length))
            == (self.config.window, self.config.interval.map(|(length, _)| length))
        {
            self.window.set_cap(config.interval.map_or(u32::MAX, |(_, cap)| cap));
        } else {
            self.window = Window::new(config.window, config.interval);
        }
        self.config = config;
        for index in 0..self.config.priorities.len() {
            self.level(self.config.priorities[index]);
        }
        while self.start_next(now) {}
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &JobQueueConfig {
        &self.config
    }

    /// Jobs running.
    #[must_use]
    pub fn running(&self) -> u32 {
        self.running
    }

    /// Jobs waiting.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.jobs.len()
    }

    /// Starts counted against the present window.
    #[must_use]
    pub fn started_in_window(&self) -> u32 {
        self.window.count()
    }

    /// Whether jobs wait although a slot is free: the window alone holds them.
    #[must_use]
    pub fn held_by_cap(&self) -> bool {
        self.jobs.len() > 0 && self.running < self.config.concurrency
    }

    /// Starts whoever is first in line, if it may. Up to version 9 the package tries once when a job ends or another comes;
    /// from version 10 on it goes on for as long as jobs may start, and so notices that it has emptied the line.
    fn try_starts(&mut self, now: SimTime) {
        while self.start_next(now) && self.config.window == WindowKind::PQueue10 {}
    }

    /// Starts the job whose turn it is, if both limits allow. Whether it did.
    fn start_next(&mut self, now: SimTime) -> bool {
        if self.jobs.len() == 0 {
            self.window.line_is_empty(self.running);
            return false;
        }
        if !self.may_start(now) {
            return false;
        }
        let first = self
            .ranking
            .iter()
            .find_map(|&level| self.levels[level as usize].line.front());
        let Some(index) = first else {
            return false;
        };
        let Entry { ticket, since, .. } = self.leave(index);
        self.note_start(now);
        self.outputs.push_back(JobOutput::Start { ticket, since });
        true
    }

    /// Whether both limits allow a start. The window hears of every try, as the package's does.
    fn may_start(&mut self, now: SimTime) -> bool {
        let window_allows = self.window.allows(now);
        window_allows && self.running < self.config.concurrency
    }

    fn note_start(&mut self, now: SimTime) {
        self.window.started(now);
        self.running += 1;
    }

    /// The number of the level with this priority, made if there is none.
    fn level(&mut self, priority: i64) -> u32 {
        if let Some(level) = self.levels.iter().position(|level| level.priority == priority) {
            return level as u32;
        }
        let number = self.levels.len() as u32;
        let rank = self
            .ranking
            .partition_point(|&level| self.levels[level as usize].priority > priority);
        self.ranking.insert(rank, number);
        self.levels.push(Level {
            priority,
            line: Chain::default(),
        });
        number
    }

    /// Joins the line of a level.
    fn join(&mut self, now: SimTime, ticket: T, level: u32) -> JobPlace {
        let index = self.jobs.add(ticket, now, now + self.config.timeout, level);
        self.levels[level as usize].line.push_back(&mut self.line_links, index);
        JobPlace(self.jobs.handle(index))
    }

    /// Takes a waiting job out.
    fn leave(&mut self, index: u32) -> Entry<T, u32> {
        let job = self.jobs.remove(index);
        self.levels[job.detail as usize]
            .line
            .remove(&mut self.line_links, index);
        job
    }
}
