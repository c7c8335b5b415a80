//! Allocation: a replication takes its memory while it fills up; after that, events take none.
//!
//! Two runs that differ only in their length are counted by a global allocator. What the longer one allocates more is
//! what its extra events allocate.

#![allow(unsafe_code)] // A global allocator cannot be written without; this one only counts and hands on.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use highwater_tests::run::{plan, replicate};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is the one asked for here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations and events of a thousand people who use a chat product for so many seconds: limiter, event loop, cache,
/// pool, database, and a model behind a job queue.
fn chat(seconds: u32) -> (u64, u64) {
    let plan = plan(&format!(
        r#"
duration = "{seconds}s"
[load]
users = 1000
people = {{ count = 1000, pick = "same" }}
[measure]
window = "1m"
[system.flow.one]
steps = [ {{ think = {{ dist = "exponential", mean = "5s" }} }}, {{ request = "chat" }} ]
[system.service.web]
runtime = "node"
cores = 1.0
[system.limiter.all]
key = "all"
rule = {{ token_bucket = {{ rate = 300.0, burst = 300 }} }}
[system.pool.connections]
database = "postgres"
max = 20
idle_timeout = "30s"
timeout = "5s"
[system.database.postgres]
cores = 2.0
rtt = "1ms"
[system.database.postgres.query]
row = {{ cpu = {{ dist = "exponential", mean = "2ms" }} }}
[system.cache.redis]
rtt = "1ms"
[system.cache.redis.entry.profile]
key = "user"
ttl = "20s"
[system.queue.ai]
concurrency = 50
[system.provider.openai.model.quick]
latency = {{ dist = "lognormal", mean = "4s", cv = 0.5 }}
[system.endpoint.chat]
steps = [
  {{ limit = "all" }},
  {{ cpu = {{ dist = "exponential", mean = "2ms" }} }},
  {{ cache = {{ entry = "profile", miss = [ {{ query = "row" }} ] }} }},
  {{ choose = [
    {{ weight = 7, steps = [ {{ query = "row" }} ] }},
    {{ weight = 3, steps = [ {{ llm = {{ queue = "ai", model = "quick" }} }} ] }},
  ] }},
]
"#
    ));
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let record = replicate(&plan, 1).expect("it finishes");
    (ALLOCATIONS.load(Ordering::Relaxed) - before, record.events)
}

/// Allocations that more events may take: tables double as rare crowds come, ever more rarely, and the timeline's windows
/// and latencies grow with the length. One in ten thousand events is far below any that happened at each request.
const PER_EVENT: f64 = 1e-4;

// Lost if broken: the engine's speed, and a memory that does not grow with the length of a run.
#[test]
fn events_take_no_memory() {
    let (short, short_events) = chat(200);
    let (long, long_events) = chat(2_000);
    let (more, events) = (long.saturating_sub(short), long_events - short_events);
    println!("{short} allocations for {short_events} events, {more} more for {events} more");
    assert!(events > 500_000, "too short to say anything: {events} events");
    assert!(
        (more as f64) < PER_EVENT * events as f64,
        "{more} more allocations for {events} more events"
    );
}
