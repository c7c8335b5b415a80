//! Windows of time and the starts counted in them.
//!
//! Owns: the count, the window's ends, and the timers that move them.
//! Never: jobs, slots, priorities.
//!
//! # What the package p-queue does
//!
//! Read in the published code of versions 9.0.1, 9.3.5 and 10.0.0 (default mode), and replayed start by start against
//! them under a clock that stands still between events; the traces are in the tests and under `tests/conformance`.
//!
//! The package keeps a count, the remembered end of a window, a recurring timer and a one-shot timer.
//! - A start with no window under way opens one: the end is set an interval ahead and the recurring timer begins.
//! - The recurring timer zeroes the count each interval and starts what may start. It is cancelled when a job ends, or
//!   the timer itself runs, and finds the line empty.
//! - A try to start without a recurring timer looks at the remembered end. Past it: the count is zeroed and the start
//!   opens a window. Not past it: the one-shot timer is set for the end, and the start goes on under the old count,
//!   without opening anything. When the one-shot timer runs it zeroes the count, starts what may start, and begins the
//!   recurring timer.
//! - The one-shot timer is cancelled when a job ends and neither a waiting nor a running one is left.
//!
//! Two defects follow in versions 9, and both are reproduced.
//!
//! **9.0.1** does not move the remembered end when the recurring timer rolls on, so the end is soon long past. To make up
//! for that it looks at the last start: when that was less than an interval ago, the one-shot timer is set for an
//! interval after it and the count goes on. So the cap holds, but a window can last for up to twice the interval,
//! and fewer jobs start than are allowed.
//!
//! **9.3.5** moves the end, and forgets the last start. But its one-shot timer clears its own mark before it starts jobs,
//! and at that instant the remembered end is not yet past: so the first of those starts sets the one-shot timer again,
//! for no time at all, which Node makes a millisecond. A millisecond later the count is zeroed a second time, and the
//! jobs started at the boundary are forgotten. The window that begins at that boundary takes up to twice the cap. In a
//! live process this happens when the timer fires within the very millisecond of the window's end. A timer that is later
//! than that finds the end passed, and the cap holds. So measured runs show both kinds of window; here it depends
//! on the driver: a simulator calls at the exact deadline and sees the defect at each such boundary, a driver on a
//! real clock is late as Node's timers are.
//!
//! **10.0.0** has neither: at its very end a window is over, and a start that opens a window cancels the one-shot timer of
//! the one before. Where versions 9 try to start one job, it starts all that may start.
//!
//! Under a line that never empties the recurring timer alone rolls the windows, and the cap holds in every version.

use std::collections::VecDeque;

use crate::{SimSpan, SimTime};

/// Node's shortest timer: a shorter delay, zero included, becomes this.
const NODE_SHORTEST_TIMER: SimSpan = SimSpan::from_millis(1);

/// How windows follow each other.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// As version 9.0 of the npm package p-queue (9.0.1), in its default mode: a window opens with a start, windows follow
    /// each other while jobs wait, and once the line has emptied one can last for up to twice the interval.
    PQueue90,
    /// As version 9.3 of the npm package p-queue (9.3.5), in its default mode: as 9.0, but the end of a window is kept up to
    /// date, and a window that begins after the line had emptied takes up to twice the cap when the timer is on time.
    PQueue93,
    /// As version 10 of the npm package p-queue (10.0.0), in its default mode: a window opens with a start, windows follow
    /// each other while jobs wait, and the cap holds in each.
    PQueue10,
    /// Windows of equal length side by side from time 0.
    Grid,
    /// Any stretch of time as long as the interval; p-queue's strict mode.
    Sliding,
}

/// A window.
#[derive(Clone, Debug)]
pub(super) enum Window {
    /// No limit.
    Unlimited,
    /// The package's timers.
    Package(Package),
    /// Windows side by side.
    Grid {
        length: SimSpan,
        cap: u32,
        count: u32,
        end: SimTime,
    },
    /// The starts within the last interval, oldest first.
    Sliding {
        length: SimSpan,
        cap: u32,
        starts: VecDeque<SimTime>,
    },
}

/// Versions of the package that keep windows differently.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Version {
    /// With its look at the last start and its end that stays behind.
    V90,
    /// With a one-shot timer that is set again at the end of a window.
    V93,
    /// With neither.
    V10,
}

/// The state that the package keeps.
#[derive(Clone, Debug)]
pub(super) struct Package {
    version: Version,
    length: SimSpan,
    cap: u32,
    count: u32,
    /// The remembered end of the window; none before the first.
    end: Option<SimTime>,
    last_start: Option<SimTime>,
    /// When the recurring timer runs next, if it runs.
    recurring: Option<SimTime>,
    /// When the one-shot timer runs, if it is set.
    one_shot: Option<SimTime>,
    /// Whether the next start may open a window.
    may_open: bool,
    /// Whether the starts going on are those of the one-shot timer.
    resuming: bool,
}

impl Window {
    /// A window that has seen nothing; without an interval there is no limit.
    pub(super) fn new(kind: WindowKind, interval: Option<(SimSpan, u32)>) -> Self {
        let Some((length, cap)) = interval.filter(|&(length, cap)| length != SimSpan::ZERO && cap != u32::MAX) else {
            return Self::Unlimited;
        };
        let package = |version| {
            Self::Package(Package {
                version,
                length: length.max(NODE_SHORTEST_TIMER),
                cap,
                count: 0,
                end: None,
                last_start: None,
                recurring: None,
                one_shot: None,
                may_open: true,
                resuming: false,
            })
        };
        match kind {
            WindowKind::PQueue90 => package(Version::V90),
            WindowKind::PQueue93 => package(Version::V93),
            WindowKind::PQueue10 => package(Version::V10),
            WindowKind::Grid => Self::Grid {
                length,
                cap,
                count: 0,
                end: SimTime::ZERO + length,
            },
            WindowKind::Sliding => Self::Sliding {
                length,
                cap,
                starts: VecDeque::new(),
            },
        }
    }

    /// Changes the number of starts allowed; what has been counted stays.
    pub(super) fn set_cap(&mut self, new: u32) {
        match self {
            Self::Unlimited => {}
            Self::Package(Package { cap, .. }) | Self::Grid { cap, .. } | Self::Sliding { cap, .. } => *cap = new,
        }
    }

    /// Starts counted.
    pub(super) fn count(&self) -> u32 {
        match self {
            Self::Unlimited => 0,
            Self::Package(Package { count, .. }) | Self::Grid { count, .. } => *count,
            Self::Sliding { starts, .. } => starts.len() as u32,
        }
    }

    /// Somebody tries to start: whether the window has a start left.
    pub(super) fn allows(&mut self, now: SimTime) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Package(package) => {
                package.may_open = !package.is_paused(now);
                package.count < package.cap
            }
            Self::Grid { cap, count, .. } => count < cap,
            Self::Sliding { cap, starts, .. } => starts.len() < *cap as usize,
        }
    }

    /// A job started.
    pub(super) fn started(&mut self, now: SimTime) {
        match self {
            Self::Unlimited => {}
            Self::Package(package) => {
                package.count = package.count.saturating_add(1);
                package.last_start = Some(now);
                if package.may_open {
                    package.open(now);
                }
            }
            Self::Grid { count, .. } => *count = count.saturating_add(1),
            Self::Sliding { starts, .. } => starts.push_back(now),
        }
    }

    /// Somebody tried to start the next job and the line was empty.
    pub(super) fn line_is_empty(&mut self, running: u32) {
        if let Self::Package(package) = self {
            package.recurring = None;
            if running == 0 {
                package.one_shot = None;
            }
        }
    }

    /// Moves the window by one step that is due at `now`. True when it did: then whatever may start has to be started and
    /// [`Window::turned`] called.
    pub(super) fn turn(&mut self, now: SimTime, running: u32) -> bool {
        match self {
            Self::Unlimited => false,
            Self::Package(package) => package.turn(now, running),
            Self::Grid { length, count, end, .. } => {
                if now < *end {
                    return false;
                }
                let windows = now.nanos() / length.nanos() + 1;
                *end = SimTime::from_nanos(windows.saturating_mul(length.nanos()));
                *count = 0;
                true
            }
            Self::Sliding { length, starts, .. } => {
                let before = starts.len();
                while starts.front().is_some_and(|&start| start + *length <= now) {
                    starts.pop_front();
                }
                starts.len() < before
            }
        }
    }

    /// What could start after [`Window::turn`] has been started.
    pub(super) fn turned(&mut self, now: SimTime) {
        if let Self::Package(package) = self
            && std::mem::take(&mut package.resuming)
        {
            package.open(now);
            if package.version == Version::V90 {
                package.one_shot = None;
            }
        }
    }

    /// When [`Window::turn`] has something to do next.
    pub(super) fn next_turn(&self, anybody_waits: bool) -> SimTime {
        let turn = match self {
            Self::Unlimited => None,
            Self::Package(package) => [package.one_shot, package.recurring].into_iter().flatten().min(),
            Self::Grid { cap, count, end, .. } => (anybody_waits && count >= cap).then_some(*end),
            Self::Sliding { length, cap, starts } => starts
                .front()
                .filter(|_| anybody_waits && starts.len() >= *cap as usize)
                .map(|&start| start + *length),
        };
        turn.unwrap_or(SimTime::NEVER)
    }
}

impl Package {
    /// Whether a window that nobody drives is still under way; sets the timer that will end it. Else the count is new.
    fn is_paused(&mut self, now: SimTime) -> bool {
        if self.recurring.is_some() {
            return false;
        }
        match self.end {
            Some(end) if end > now || (end == now && self.version != Version::V10) => {
                self.set_one_shot(now, end - now);
                return true;
            }
            _ => {}
        }
        if self.version == Version::V90
            && let Some(last) = self.last_start
            && now - last < self.length
        {
            self.set_one_shot(now, (last + self.length) - now);
            return true;
        }
        self.count = 0;
        false
    }

    fn set_one_shot(&mut self, now: SimTime, delay: SimSpan) {
        if self.one_shot.is_none() {
            self.one_shot = Some(now + delay.max(NODE_SHORTEST_TIMER));
        }
    }

    /// Opens a window, unless the recurring timer drives one.
    fn open(&mut self, now: SimTime) {
        if self.recurring.is_none() {
            if self.version == Version::V10 {
                self.one_shot = None;
            }
            let end = now + self.length;
            self.recurring = Some(end);
            self.end = Some(end);
        }
    }

    /// Runs the timer that is due, if one is.
    fn turn(&mut self, now: SimTime, running: u32) -> bool {
        let due = |timer: Option<SimTime>| timer.filter(|&at| at <= now);
        match (due(self.one_shot), due(self.recurring)) {
            (None, None) => return false,
            (Some(one_shot), recurring) if recurring.is_none_or(|at| one_shot <= at) => {
                self.resuming = true;
                if self.version != Version::V90 {
                    self.one_shot = None;
                }
            }
            _ => self.recurring = Some(now + self.length),
        }
        if self.recurring.is_some() {
            if self.count == 0 && running == 0 {
                self.recurring = None;
            } else if self.version != Version::V90 {
                self.end = Some(now + self.length);
            }
        }
        self.count = 0;
        true
    }
}
