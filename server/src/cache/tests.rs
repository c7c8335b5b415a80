use std::future::Future;
use std::time::Duration;

use highwater_host::programs::Program;
use highwater_host::{Host, VirtualHost, WallHost};
use highwater_models::SimTime;
use highwater_models::machine::limiter::{Limiter, SlidingCounts, Verdict, WindowOpens};
use highwater_models::machine::ttl_cache::{EntryRules, Lookup, TtlCache, TtlCacheConfig};

use super::*;

/// What a machine's time may be off from the moment at which Redis decided: a fixed window ends in Redis at a whole
/// millisecond, by a clock that is read a little before the one that the script shows.
const WINDOW_MARGIN: SimSpan = SimSpan::from_millis(20);
/// The same where a script decides by the very time that it shows: a microsecond for the last bit of a double, and one for
/// waits, which are rounded up.
const SCRIPT_MARGIN: SimSpan = SimSpan::from_nanos(2_000);
/// Hits that are compared for each rule, and how many of them may be thrown away because they came too near to a border.
const HITS: usize = 60;
const TRIES: usize = 600;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(work)
}

/// A Redis of the test's own, under a host whose time goes so many times as fast as the wall's.
async fn redis(scale: f64) -> (Redis, SharedHost) {
    let host: SharedHost = WallHost::new(scale).expect("a thread");
    let own = OwnRedis::start(MEMORY).await.expect("Redis is there");
    let address = own.address();
    let (redis, _) = Redis::open(&address, Some(own), Arc::clone(&host))
        .await
        .expect("it runs");
    (redis, host)
}

/// Numbers without a pattern: SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % most
    }
}

async fn get(cache: &dyn CacheServer, key: &str) -> Option<String> {
    cache.get(key, None).await.expect("it answers")
}

async fn set(cache: &dyn CacheServer, key: &str, value: &str, ttl: SimSpan, rewrite: Rewrite) {
    cache.set(key, value, ttl, rewrite).await.expect("it answers");
}

/// What holds without any time going by, whichever cache it is.
async fn check_values(cache: &dyn CacheServer) {
    let long = SimSpan::from_secs(3_600);
    assert_eq!(get(cache, "a").await, None);
    set(cache, "a", "1", long, Rewrite::Restarts).await;
    set(cache, "a", "2", long, Rewrite::Ignored).await;
    assert_eq!(get(cache, "a").await.as_deref(), Some("1"));
    set(cache, "a", "3 🌊 \0 \"", SimSpan::FOREVER, Rewrite::Restarts).await;
    assert_eq!(get(cache, "a").await.as_deref(), Some("3 🌊 \0 \""));
    set(cache, "b", "4", long, Rewrite::Ignored).await;
    let renewed = cache.get("b", Some(long)).await.expect("it answers");
    assert_eq!(renewed.as_deref(), Some("4"));
    set(cache, "b", "", SimSpan::ZERO, Rewrite::Ignored).await;
    assert_eq!(get(cache, "b").await.as_deref(), Some("4"));
    set(cache, "b", "", SimSpan::ZERO, Rewrite::Restarts).await;
    assert_eq!(get(cache, "b").await, None, "a life of nothing is over");
    for limit in 0..3 {
        let rule = LimiterRule::FixedWindow {
            limit,
            per: long,
            opens: WindowOpens::FirstHit,
        };
        let name = format!("at most {limit}");
        for hit in 0..4 {
            let counted = cache.count(&name, 1, &rule).await.expect("it answers");
            assert_eq!(counted.passes, hit < limit, "{name}, hit {hit}");
            assert_eq!(counted.retry_after == SimSpan::ZERO, counted.passes);
            assert_eq!(counted.retry_after == SimSpan::FOREVER, limit == 0);
        }
        assert_eq!(
            cache.count(&name, 2, &rule).await.expect("it answers").passes,
            limit > 0
        );
    }
    cache.clear().await.expect("it answers");
    assert_eq!(get(cache, "a").await, None);
    let rule = LimiterRule::FixedWindow {
        limit: 1,
        per: long,
        opens: WindowOpens::FirstHit,
    };
    assert!(
        cache.count("at most 1", 1, &rule).await.expect("it answers").passes,
        "counts are cleared too"
    );
}

#[test]
fn the_cache_in_this_process_keeps_and_forgets_by_the_hosts_clock() {
    let host = VirtualHost::new();
    let cache = Arc::new(Local::new(host.clone(), MEMORY));
    let shared = host.clone();
    let work = async move {
        check_values(&*cache).await;
        let minute = SimSpan::from_secs(60);
        set(&*cache, "a", "1", minute, Rewrite::Restarts).await;
        set(&*cache, "b", "2", minute, Rewrite::Restarts).await;
        shared.sleep_until(SimTime::ZERO + SimSpan::from_secs(59)).await;
        assert!(cache.get("b", Some(minute)).await.expect("it answers").is_some());
        shared.sleep_until(SimTime::ZERO + minute).await;
        assert_eq!(get(&*cache, "a").await, None, "at the very end of its life it is dead");
        assert_eq!(get(&*cache, "b").await.as_deref(), Some("2"), "it was renewed");
    };
    let done = Arc::new(std::sync::Mutex::new(false));
    let of_task = Arc::clone(&done);
    host.spawn(Box::pin(async move {
        work.await;
        *of_task.lock().expect("nobody panics holding it") = true;
    }));
    host.run(SimTime::NEVER);
    assert!(*done.lock().expect("nobody panics holding it"));
}

/// Whoever fills the cache fills no more than its share, and what was used last stays.
#[test]
fn the_cache_in_this_process_is_bounded() {
    const BOUND: u64 = 100_000;
    let cache = Local::new(VirtualHost::new(), BOUND);
    futures::executor::block_on(async {
        let value = "x".repeat(1_000);
        for number in 0..2_000 {
            set(
                &cache,
                &format!("key {number}"),
                &value,
                SimSpan::FOREVER,
                Rewrite::Restarts,
            )
            .await;
            assert!(get(&cache, "key 0").await.is_some(), "it is in use all the time");
            assert!(cache.held() <= 2 * BOUND + (64 << 10) + 2_000, "after {number}");
        }
        assert!(get(&cache, "key 1").await.is_none());
        assert!(get(&cache, "key 1999").await.is_some());
        set(
            &cache,
            "large",
            &"x".repeat(BOUND as usize),
            SimSpan::FOREVER,
            Rewrite::Restarts,
        )
        .await;
        assert!(get(&cache, "large").await.is_none(), "what does not fit is not kept");
    });
}

#[test]
fn redis_keeps_forgets_and_counts() {
    if Program::Redis.or_skip("the cache on Redis").is_none() {
        return;
    }
    block_on(async {
        let host: SharedHost = WallHost::new(1.0).expect("a thread");
        let opened = open(&CacheChoice::Temporary, host, None).await.expect("Redis is there");
        assert!(opened.note.starts_with("temporary Redis "), "{}", opened.note);
        check_values(&*opened.cache).await;
    });
}

/// On somebody's own Redis only what is ours may be cleared.
#[test]
fn redis_by_its_address_keeps_what_is_not_ours() {
    if Program::Redis
        .or_skip("the cache on a Redis of somebody else")
        .is_none()
    {
        return;
    }
    block_on(async {
        let own = OwnRedis::start(MEMORY).await.expect("Redis is there");
        let host: SharedHost = WallHost::new(1.0).expect("a thread");
        let cache = open(&CacheChoice::Url(own.address()), host, None)
            .await
            .expect("it runs")
            .cache;
        let client = ::redis::Client::open(own.address()).expect("an address");
        let mut other = client.get_multiplexed_async_connection().await.expect("it runs");
        let theirs = ::redis::cmd("SET")
            .arg("theirs")
            .arg("1")
            .query_async::<()>(&mut other)
            .await;
        theirs.expect("it answers");
        check_values(&*cache).await;
        for number in 0..2_500 {
            set(
                &*cache,
                &format!("key {number}"),
                "x",
                SimSpan::FOREVER,
                Rewrite::Restarts,
            )
            .await;
        }
        cache.clear().await.expect("it answers");
        let left: Vec<String> = ::redis::cmd("KEYS")
            .arg("*")
            .query_async(&mut other)
            .await
            .expect("it answers");
        assert_eq!(left, ["theirs"]);
    });
}

/// A command that finds the server gone fails at once, and those after it is back do not.
#[test]
fn redis_is_reached_again_after_it_was_away() {
    if Program::Redis.or_skip("Redis away and back").is_none() {
        return;
    }
    block_on(async {
        let (mut cache, _) = redis(1.0).await;
        set(&cache, "a", "1", SimSpan::FOREVER, Rewrite::Restarts).await;
        tokio::task::block_in_place(|| cache.own().expect("it is ours").crash());
        assert!(cache.get("a", None).await.is_err());
        cache.own().expect("it is ours").restart().await.expect("it starts");
        let found = loop {
            if let Ok(found) = cache.get("a", None).await {
                break found;
            }
        };
        assert_eq!(found, None, "it had lost everything");
        check_values(&cache).await;
    });
}

/// A wall's second is ten of the system's: what lives ten minutes there lives one here.
#[test]
fn lengths_of_time_are_divided_by_the_scale() {
    if Program::Redis.or_skip("scaled time on Redis").is_none() {
        return;
    }
    block_on(async {
        let (mut cache, _) = redis(10.0).await;
        let client = ::redis::Client::open(cache.own().expect("it is ours").address()).expect("an address");
        let mut other = client.get_multiplexed_async_connection().await.expect("it runs");
        set(&cache, "a", "1", SimSpan::from_secs(600), Rewrite::Restarts).await;
        let left: i64 = ::redis::cmd("PTTL")
            .arg("highwater:a")
            .query_async(&mut other)
            .await
            .expect("it answers");
        assert!((30_000..=60_000).contains(&left), "{left} ms");
        let rule = LimiterRule::TokenBucket {
            rate: 1.0 / 3_600.0,
            burst: 1,
            tick: None,
        };
        assert!(cache.count("hourly", 1, &rule).await.expect("it answers").passes);
        let wait = cache
            .count("hourly", 1, &rule)
            .await
            .expect("it answers")
            .retry_after
            .seconds();
        assert!((1_800.0..=3_600.0).contains(&wait), "{wait} s");
    });
}

/// Whether a machine would decide otherwise, or stand otherwise, a margin earlier or later.
fn is_near_a_border(machine: &Limiter<u64>, at: SimTime, margin: SimSpan) -> bool {
    let see = |at: SimTime| {
        let mut machine = machine.clone();
        let passes = machine.hit(at, 1) == Verdict::Admit;
        (passes, machine.windows_opened())
    };
    let earlier = SimTime::from_nanos(at.nanos().saturating_sub(margin.nanos()));
    see(earlier) != see(at + margin)
}

/// Hits at random times through the script and, at the very times at which Redis says it decided, through the machine.
async fn check_parity(cache: &Redis, name: &str, rule: LimiterRule, gap: u64, margin: SimSpan) {
    let mut chance = Chance(name.len() as u64);
    let (mut compared, mut refused, mut sequence) = (0, 0, 0);
    let mut machine = Limiter::new(rule);
    for _ in 0..TRIES {
        if compared == HITS {
            break;
        }
        tokio::time::sleep(Duration::from_micros(chance.below(2 * gap))).await;
        let answer = cache.count_at(&format!("{name} {sequence}"), 1, &rule).await;
        let (counted, at) = answer.expect("it answers");
        let at = SimTime::from_nanos(((at + cache.offset()) as u64) * 1_000);
        if is_near_a_border(&machine, at, margin) {
            // The two may stand otherwise from here on: both begin anew.
            sequence += 1;
            machine = Limiter::new(rule);
            continue;
        }
        let expected = Counted::from(machine.hit(at, 1));
        assert_eq!(counted.passes, expected.passes, "{name}: hit {compared} at {at:?}");
        let [wait, expected] = [counted, expected].map(|counted| counted.retry_after.seconds());
        let off = (wait - expected).abs();
        assert!(
            off <= margin.seconds(),
            "{name}: hit {compared} is told to wait {wait} s, not {expected} s"
        );
        compared += 1;
        refused += usize::from(!counted.passes);
    }
    assert_eq!(compared, HITS, "{name}: too many hits were near a border");
    assert!(
        (5..HITS - 5).contains(&refused),
        "{name}: {refused} of {HITS} refused show little"
    );
}

#[test]
fn the_scripts_decide_as_the_machines_do() {
    if Program::Redis
        .or_skip("limiters on Redis against the machines")
        .is_none()
    {
        return;
    }
    let fixed = |opens| LimiterRule::FixedWindow {
        limit: 4,
        per: SimSpan::from_millis(300),
        opens,
    };
    let sliding = |counts| LimiterRule::SlidingWindow {
        limit: 4,
        per: SimSpan::from_millis(100),
        counts,
    };
    let bucket = |rate, tick| LimiterRule::TokenBucket { rate, burst: 3, tick };
    block_on(async {
        let (cache, _) = redis(1.0).await;
        let cache = &cache;
        let ticks = Some(SimSpan::from_millis(70));
        let (windows, rest) = (30_000, 15_000);
        futures::join!(
            check_parity(cache, "first hit", fixed(WindowOpens::FirstHit), windows, WINDOW_MARGIN),
            check_parity(cache, "by the clock", fixed(WindowOpens::Clock), windows, WINDOW_MARGIN),
            check_parity(cache, "sliding", sliding(SlidingCounts::Accepted), rest, SCRIPT_MARGIN),
            // Who keeps trying this often is let in again only by a pause.
            check_parity(
                cache,
                "sliding, all",
                sliding(SlidingCounts::All),
                24_000,
                SCRIPT_MARGIN
            ),
            check_parity(cache, "bucket", bucket(30.0, None), rest, SCRIPT_MARGIN),
            check_parity(cache, "bucket that ticks", bucket(40.0, ticks), rest, SCRIPT_MARGIN),
        );
    });
}

/// An entry that Redis has for longer or shorter than the machine makes other hit ratios than the simulator's.
#[test]
fn entries_live_as_long_as_the_machines() {
    if Program::Redis.or_skip("entries on Redis against the machine").is_none() {
        return;
    }
    /// Redis counts whole milliseconds.
    const MARGIN: SimSpan = SimSpan::from_millis(2);
    let rules = |rewrite| EntryRules {
        renew_on_hit: false,
        single_flight: false,
        rewrite,
        size: 1,
    };
    block_on(async {
        let (cache, host) = redis(10.0).await;
        let config = TtlCacheConfig {
            rules: rules(Rewrite::Restarts),
            memory: None,
        };
        // One is told of each store as it begins and asked as late as can be, the other the other way round.
        let [mut shortest, mut longest] = [(); 2].map(|()| TtlCache::<u64, ()>::new(config));
        let mut chance = Chance(5);
        let (mut hits, mut misses) = (0, 0);
        let scaled = SimSpan::from_nanos(MARGIN.nanos() * 10);
        for _ in 0..150 {
            let key = chance.below(4);
            let name = format!("key {key}");
            let before = host.now();
            if chance.below(3) == 0 {
                let ttl = SimSpan::from_millis(200 + chance.below(1_000));
                set(&cache, &name, "x", ttl, Rewrite::Restarts).await;
                let after = host.now();
                let ends = before + ttl;
                shortest.store(
                    before,
                    key,
                    SimTime::from_nanos(ends.nanos().saturating_sub(scaled.nanos())),
                );
                longest.store(before, key, after + ttl + scaled);
            } else {
                let found = get(&cache, &name).await.is_some();
                let surely = shortest.lookup(host.now(), key, ()) == Lookup::Hit;
                let perhaps = longest.lookup(before, key, ()) == Lookup::Hit;
                assert!(found || !surely, "it is gone too early");
                assert!(!found || perhaps, "it is there too long");
                hits += usize::from(surely);
                misses += usize::from(!perhaps);
            }
            tokio::time::sleep(Duration::from_millis(chance.below(15))).await;
        }
        assert!(
            hits >= 10 && misses >= 10,
            "{hits} hits and {misses} misses show little"
        );
    });
}
