//! How long something took, on a machine that does other things too.

use std::time::{Duration, Instant};

/// What the operating system says about this thread; the first figure is nanoseconds on a core.
const SCHEDULER_FIGURES: &str = "/proc/thread-self/schedstat";

/// Runs `work` and says how long it took: time on a core where the system tells it (Linux), else time by the clock.
///
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let core = time_on_core();
    // The bench is the one place here that may look at a clock: it measures the program, it is not simulated.
    #[allow(clippy::disallowed_methods)]
    let wall = Instant::now();
    let result = work();
    let wall = wall.elapsed();
    match (core, time_on_core()) {
        (Some(before), Some(after)) if after > before => (after - before, result),
        _ => (wall, result),
    }
}

fn time_on_core() -> Option<Duration> {
    // The system brings the figure up to date when a thread leaves its core, or else at every tick of some
    // milliseconds. The shortest of sleeps makes it exact.
    std::thread::sleep(Duration::from_nanos(1));
    let figures = std::fs::read_to_string(SCHEDULER_FIGURES).ok()?;
    let nanos = figures.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanos))
}
