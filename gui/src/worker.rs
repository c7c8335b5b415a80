//! The one thread that simulates.
//!
//! Owns: which task is next, stopping the one that is no longer wanted, how far it is. Never: what is shown.
//! Order: the newest of each lane wins; exploring goes before comparing and growth, which begin anew when it is done.
//! Whoever draws only ever looks: nothing here waits for the simulation, except for the moment in which a task is handed
//! over.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Counts tasks; a larger one is newer.
pub type RunId = u64;

/// What a task is about. There is at most one of each at a time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The scenario that is open.
    Explore,
    /// Two variants.
    Compare,
    /// Several stages of growth.
    Growth,
}

impl Lane {
    const ALL: [Self; 3] = [Self::Explore, Self::Compare, Self::Growth];
}

/// What a task may ask while it works, and how it answers.
pub struct Desk<'a, A> {
    /// Set when the task is no longer wanted.
    pub cancel: &'a AtomicBool,
    progress: &'a AtomicU64,
    answers: &'a Sender<(Lane, RunId, A)>,
    tell: &'a (dyn Fn() + Send + Sync),
    lane: Lane,
    id: RunId,
}

impl<A> Desk<'_, A> {
    /// Hands over a part of the answer.
    pub fn answer(&self, answer: A) {
        // Nobody listens any more when the window has gone.
        let _ = self.answers.send((self.lane, self.id, answer));
        (self.tell)();
    }

    /// So much is done, from 0 to 1.
    pub fn done(&self, share: f64) {
        self.progress.store(share.to_bits(), Ordering::Relaxed);
        (self.tell)();
    }

    /// Whether it is no longer wanted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// Work to be done: it answers as often as it likes.
pub type Task<A> = Arc<dyn Fn(&Desk<'_, A>) + Send + Sync>;

struct Wanted<A> {
    id: RunId,
    task: Task<A>,
}

struct Slots<A> {
    next: [Option<Wanted<A>>; 3],
    running: Option<(Lane, RunId, Arc<AtomicBool>)>,
    is_closed: bool,
}

struct Shared<A> {
    slots: Mutex<Slots<A>>,
    wake: Condvar,
    progress: AtomicU64,
}

impl<A> Shared<A> {
    fn slots(&self) -> std::sync::MutexGuard<'_, Slots<A>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread and the way to it.
pub struct Worker<A> {
    shared: Arc<Shared<A>>,
    answers: Receiver<(Lane, RunId, A)>,
    thread: Option<JoinHandle<()>>,
    last: RunId,
}

impl<A: Send + 'static> Worker<A> {
    /// Starts the thread. `tell` is called whenever there is something new to look at; `failed` makes an answer of what
    /// should never happen.
    pub fn new(tell: impl Fn() + Send + Sync + 'static, failed: fn(String) -> A) -> Self {
        let shared = Arc::new(Shared {
            slots: Mutex::new(Slots {
                next: [None, None, None],
                running: None,
                is_closed: false,
            }),
            wake: Condvar::new(),
            progress: AtomicU64::new(0),
        });
        let (sender, answers) = mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("simulation".to_owned())
            .spawn(move || work(&theirs, &sender, &tell, failed))
            .ok();
        Self {
            shared,
            answers,
            thread,
            last: 0,
        }
    }

    /// Wants a task done; what was wanted of its lane before is not any more.
    pub fn want(&mut self, lane: Lane, task: Task<A>) -> RunId {
        self.last += 1;
        let id = self.last;
        let mut slots = self.shared.slots();
        slots.next[lane as usize] = Some(Wanted { id, task });
        if let Some((running, _, cancel)) = &slots.running
            && (*running == lane || lane == Lane::Explore)
        {
            cancel.store(true, Ordering::Relaxed);
        }
        drop(slots);
        self.shared.wake.notify_all();
        id
    }

    /// Wants nothing of that lane any more.
    pub fn stop(&self, lane: Lane) {
        let mut slots = self.shared.slots();
        slots.next[lane as usize] = None;
        if let Some((running, id, cancel)) = &mut slots.running
            && *running == lane
        {
            cancel.store(true, Ordering::Relaxed);
            // It is not begun anew.
            *id = 0;
        }
    }

    /// What has been answered since the last look, in order.
    pub fn answers(&self) -> Vec<(Lane, RunId, A)> {
        self.answers.try_iter().collect()
    }

    /// What is running and how far it is; `None` when nothing is.
    #[must_use]
    pub fn running(&self) -> Option<(Lane, f64)> {
        let running = self.shared.slots().running.as_ref().map(|(lane, ..)| *lane)?;
        Some((running, f64::from_bits(self.shared.progress.load(Ordering::Relaxed))))
    }

    /// Whether anything runs or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let slots = self.shared.slots();
        slots.running.is_some() || slots.next.iter().any(Option::is_some)
    }
}

impl<A> Drop for Worker<A> {
    fn drop(&mut self) {
        let mut slots = self.shared.slots();
        slots.is_closed = true;
        if let Some((_, _, cancel)) = &slots.running {
            cancel.store(true, Ordering::Relaxed);
        }
        drop(slots);
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It ends within a few thousand events.
            let _ = thread.join();
        }
    }
}

fn work<A>(
    shared: &Shared<A>,
    answers: &Sender<(Lane, RunId, A)>,
    tell: &(dyn Fn() + Send + Sync),
    failed: fn(String) -> A,
) {
    loop {
        let mut slots = shared.slots();
        let (lane, wanted, cancel) = loop {
            if slots.is_closed {
                return;
            }
            let next = Lane::ALL
                .into_iter()
                .find_map(|lane| Some((lane, slots.next[lane as usize].take()?)));
            if let Some((lane, wanted)) = next {
                let cancel = Arc::new(AtomicBool::new(false));
                slots.running = Some((lane, wanted.id, Arc::clone(&cancel)));
                break (lane, wanted, cancel);
            }
            slots = shared.wake.wait(slots).unwrap_or_else(PoisonError::into_inner);
        };
        drop(slots);
        shared.progress.store(0, Ordering::Relaxed);
        let desk = Desk {
            cancel: &cancel,
            progress: &shared.progress,
            answers,
            tell,
            lane,
            id: wanted.id,
        };
        let ended = panic::catch_unwind(AssertUnwindSafe(|| (wanted.task)(&desk)));
        if let Err(why) = ended {
            let why = why
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| why.downcast_ref::<&str>().map(|&why| why.to_owned()))
                .unwrap_or_default();
            desk.answer(failed(why));
        }
        let mut slots = shared.slots();
        let still_wanted = slots.running.take().is_some_and(|(_, id, _)| id == wanted.id);
        // One that had to make room begins anew, unless a newer one has taken its place.
        if cancel.load(Ordering::Relaxed)
            && still_wanted
            && lane != Lane::Explore
            && slots.next[lane as usize].is_none()
        {
            slots.next[lane as usize] = Some(wanted);
        }
        drop(slots);
        tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// A task that says that it has begun, and ends when it is told to or cancelled.
    fn patient(begun: Sender<&'static str>, name: &'static str) -> Task<&'static str> {
        let begun = Mutex::new(begun);
        Arc::new(move |desk| {
            begun.lock().unwrap().send(name).unwrap();
            while !desk.is_cancelled() {
                thread::yield_now();
            }
        })
    }

    fn answering(name: &'static str) -> Task<&'static str> {
        Arc::new(move |desk| desk.answer(name))
    }

    fn wait(worker: &Worker<&'static str>) -> Vec<&'static str> {
        let mut found = Vec::new();
        while worker.is_busy() {
            thread::yield_now();
        }
        found.extend(worker.answers().into_iter().map(|(_, _, answer)| answer));
        found
    }

    // Lost if broken: a slider that is answered by the run of where it was before.
    #[test]
    fn the_newest_wins_and_the_one_before_stops_at_once() {
        let (begun, hears) = channel();
        let mut worker = Worker::new(|| (), |_| "failed");
        worker.want(Lane::Explore, patient(begun.clone(), "first"));
        assert_eq!(hears.recv(), Ok("first"));
        worker.want(Lane::Explore, patient(begun, "second"));
        assert_eq!(hears.recv(), Ok("second"));
        let last = worker.want(Lane::Explore, answering("third"));
        assert_eq!(wait(&worker), ["third"]);
        assert_eq!(last, 3);
        assert_eq!(worker.running(), None);
    }

    // Lost if broken: a comparison that a moved slider throws away, or one that goes on after it was stopped.
    #[test]
    fn a_comparison_makes_room_and_begins_anew() {
        let (begun, hears) = channel();
        let mut worker = Worker::new(|| (), |_| "failed");
        worker.want(Lane::Compare, patient(begun, "compared"));
        assert_eq!(hears.recv(), Ok("compared"));
        worker.want(Lane::Explore, answering("explored"));
        // Begun anew once the other is done.
        assert_eq!(hears.recv(), Ok("compared"));
        worker.stop(Lane::Compare);
        assert_eq!(wait(&worker), ["explored"]);
    }

    // Lost if broken: a window that waits for ever for a run that has come to grief.
    #[test]
    fn what_should_never_happen_is_an_answer() {
        let mut worker = Worker::new(|| (), |why| if why == "boom" { "told" } else { "lost" });
        worker.want(Lane::Explore, Arc::new(|_| panic!("boom")));
        assert_eq!(wait(&worker), ["told"]);
        worker.want(Lane::Explore, answering("goes on"));
        assert_eq!(wait(&worker), ["goes on"]);
    }
}
