//! Requests of one endpoint, class and phase.

use highwater_models::Cause;
use highwater_models::record::histogram::Histogram;

/// Requests of one endpoint, class and phase.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Requests.
    pub offered: u64,
    /// Answered correctly while the user waited.
    pub useful: u64,
    /// Answered with an error, or not at all.
    pub failed: u64,
    /// The user gave up.
    pub abandoned: u64,
    /// Failed and abandoned, by cause.
    pub by_cause: [u64; Cause::COUNT],
    /// HTTP exchanges.
    pub attempts: u64,
    /// Latency of useful requests.
    pub latency: Histogram,
    /// The same to the first byte.
    pub first_byte: Histogram,
    /// Attempts answered, refusals and errors too, to the first byte: the load tool's reading.
    pub tool: Histogram,
    /// Requests whose one attempt was answered in one piece, so that `latency`, `first_byte` and `tool` are the same: kept
    /// once, until [`Cell::settle`] adds them to the three.
    pub(crate) at_once: Histogram,
    /// The same where there is no way to the server either, so that `server` is the same too.
    pub(crate) on_the_spot: Histogram,
    /// Attempts that were never answered.
    pub tool_missing: u64,
    /// Attempts answered correctly by the server, whoever still waited.
    pub completed: u64,
    /// Attempts that the server finished for nobody.
    pub wasted: u64,
    /// Time from arrival at the server to its answer, of attempts answered correctly.
    pub server: Histogram,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            offered: 0,
            useful: 0,
            failed: 0,
            abandoned: 0,
            by_cause: [0; Cause::COUNT],
            attempts: 0,
            latency: Histogram::default(),
            first_byte: Histogram::default(),
            tool: Histogram::default(),
            at_once: Histogram::default(),
            on_the_spot: Histogram::default(),
            tool_missing: 0,
            completed: 0,
            wasted: 0,
            server: Histogram::default(),
        }
    }
}

impl Cell {
    /// Adds what was kept once to where it belongs.
    pub fn settle(&mut self) {
        let on_the_spot = std::mem::take(&mut self.on_the_spot);
        self.server.merge(&on_the_spot);
        self.at_once.merge(&on_the_spot);
        let at_once = std::mem::take(&mut self.at_once);
        for histogram in [&mut self.latency, &mut self.first_byte, &mut self.tool] {
            histogram.merge(&at_once);
        }
    }

    /// Adds another cell's counts.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.useful += other.useful;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        for (mine, theirs) in self.by_cause.iter_mut().zip(&other.by_cause) {
            *mine += theirs;
        }
        self.attempts += other.attempts;
        self.latency.merge(&other.latency);
        self.first_byte.merge(&other.first_byte);
        self.tool.merge(&other.tool);
        self.tool_missing += other.tool_missing;
        self.completed += other.completed;
        self.wasted += other.wasted;
        self.server.merge(&other.server);
    }
}

/// A request at its end.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Ended {
    /// Where it is counted.
    pub cell: u32,
    /// The window in which it arrived.
    pub window: usize,
    /// From its beginning.
    pub latency: u64,
    /// The same to the first byte, where that came on its own.
    pub first_byte: u64,
    pub answer: Answer,
}

/// How an answer came.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Answer {
    /// In one piece to the only attempt, and without a way there or back.
    OnTheSpot,
    /// In one piece to the only attempt.
    AtOnce,
    /// Otherwise.
    AtLast,
}
