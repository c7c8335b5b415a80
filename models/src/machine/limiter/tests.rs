//! Rules of the limiter, row by row, and what holds against a reference that keeps everything.

use proptest::prelude::*;

use super::*;
use crate::machine::table::{check, shown, span};

const fn fixed(limit: u32, millis: u64, opens: WindowOpens) -> LimiterRule {
    LimiterRule::FixedWindow {
        limit,
        per: SimSpan::from_millis(millis),
        opens,
    }
}

const fn sliding(limit: u32, millis: u64, counts: SlidingCounts) -> LimiterRule {
    LimiterRule::SlidingWindow {
        limit,
        per: SimSpan::from_millis(millis),
        counts,
    }
}

const fn bucket(rate: f64, burst: u32, tick: Option<SimSpan>) -> LimiterRule {
    LimiterRule::TokenBucket { rate, burst, tick }
}

/// Runs a table. Inputs: `hit KEY`, `hit KEY TIMES` (the same answer each time), `book KEY`, `forget`.
fn check_limiter(rule: LimiterRule, table: &str) {
    let mut limiter: Limiter<char> = Limiter::new(rule);
    check(table, |now, words| {
        let key = || words[1].chars().next().expect("a key");
        match words[0] {
            "hit" => {
                let times: u32 = words.get(2).map_or(1, |text| text.parse().expect("a number"));
                let mut answers: Vec<String> = (0..times)
                    .map(|_| match limiter.hit(now, key()) {
                        Verdict::Admit => "admit".to_owned(),
                        Verdict::Refuse { retry_after } => format!("after {}", shown(retry_after)),
                    })
                    .collect();
                answers.dedup();
                answers.join(", ")
            }
            "book" => match limiter.reserve(now, key()) {
                SimTime::NEVER => "never".to_owned(),
                at => format!("at {}", shown(at.since(SimTime::ZERO))),
            },
            "forget" => {
                limiter.forget();
                String::new()
            }
            other => panic!("no such input: {other}"),
        }
    });
}

/// Who is refused, and until when, is what the plan's three limiters promise their users.
#[test]
fn a_window_opens_with_the_first_hit_of_its_key_and_refused_hits_do_not_move_its_end() {
    check_limiter(
        fixed(100, 900_000, WindowOpens::FirstHit),
        "
        0s       hit a 100   | admit
        60s      hit a 5     | after 840s
        899s     hit a       | after 1s
        899s     hit b       | admit           // each key has its own
        900s     hit a       | admit           // new at its very end
        1000s    hit a 99    | admit
        1000s    hit a       | after 800s
        1000s    forget      |                 // a deploy
        1000s    hit a 100   | admit
        1000s    hit a       | after 900s
        ",
    );
}

/// Twice the limit around the end is what an attacker and a batch job both find.
#[test]
fn twice_the_limit_passes_around_the_end_of_a_fixed_window_and_not_of_a_sliding_one() {
    check_limiter(
        fixed(10, 60_000, WindowOpens::FirstHit),
        "
        0s       hit a       | admit
        59s      hit a 9     | admit
        60s      hit a 10    | admit
        60s      hit a       | after 60s
        ",
    );
    check_limiter(
        sliding(10, 60_000, SlidingCounts::Accepted),
        "
        0s       hit a       | admit
        59s      hit a 9     | admit
        59s      hit a       | after 1s
        60s      hit a       | admit
        60s      hit a       | after 59s
        ",
    );
}

/// A limit that is reset by the clock is reset for all keys in the same moment.
#[test]
fn windows_by_the_clock_end_at_whole_multiples_of_their_length() {
    check_limiter(
        fixed(2, 60_000, WindowOpens::Clock),
        "
        59s      hit a 2     | admit
        59s      hit a       | after 1s
        60s      hit a 2     | admit
        90s      hit b 2     | admit
        90s      hit b       | after 30s
        ",
    );
}

/// The two ways to count differ for whoever keeps trying.
#[test]
fn a_sliding_window_that_counts_all_hits_keeps_out_whoever_goes_on_trying() {
    check_limiter(
        sliding(2, 1_000, SlidingCounts::Accepted),
        "
        0ms      hit a 2     | admit
        500ms    hit a       | after 500ms
        1000ms   hit a 2     | admit
        ",
    );
    check_limiter(
        sliding(2, 1_000, SlidingCounts::All),
        "
        0ms      hit a 2     | admit
        500ms    hit a       | after 500ms     // the one at 0 and this one count then
        900ms    hit a       | after 600ms
        1400ms   hit a       | after 500ms
        2400ms   hit a 2     | admit
        ",
    );
}

/// Off by one tick, a driver that waits as told is refused again.
#[test]
fn a_bucket_starts_full_and_a_token_is_there_at_its_instant_and_not_before() {
    check_limiter(
        bucket(10.0, 2, None),
        "
        0ms          hit a 2   | admit
        0ms          hit a     | after 100ms
        99999999ns   hit a     | after 1ns
        100ms        hit a     | admit
        100ms        hit a     | after 100ms
        5s           hit a 2   | admit           // never more than the burst
        5s           hit a     | after 100ms
        ",
    );
    // 10000 a minute has no exact second's rate in binary, and 6 ms on paper.
    check_limiter(
        bucket(10_000.0 / 60.0, 1, None),
        "
        0ms          hit a     | admit
        0ms          hit a     | after 6ms
        6ms          hit a     | admit
        12ms         hit a     | admit
        ",
    );
    // A third of a nanosecond is not lost: three tokens at 3 a second take one second, not a nanosecond less.
    check_limiter(
        bucket(3.0, 1, None),
        "
        0ms          hit a     | admit
        0ms          hit a     | after 333333334ns
        333333334ns  hit a     | admit
        ",
    );
}

/// A rate by the minute, divided by 60, would lose a sliver of a nanosecond with each token of a long run.
#[test]
fn a_rate_that_is_whole_nanoseconds_on_paper_is_kept_as_such() {
    for (per_minute, nanos) in [(125.0, 480_000_000u128), (1_000.0, 60_000_000), (9_000.0, 6_666_666)] {
        let every = token_every(&bucket(per_minute / 60.0, 1, None));
        assert_eq!(every >> FRACTION_BITS, nanos);
        let fraction = every & ((1 << FRACTION_BITS) - 1);
        assert_eq!(fraction == 0, per_minute < 9_000.0, "{per_minute} a minute");
    }
}

/// A key was once forgotten when its bucket would be full, before the tick that fills it.
#[test]
fn a_key_is_not_as_good_as_new_before_the_tick_that_fills_its_bucket() {
    check_limiter(
        bucket(8.0, 1, Some(SimSpan::from_millis(500))),
        "
        77ms     hit a       | admit
        125ms    hit b       | admit           // makes the store look at a
        125ms    hit a       | after 375ms
        ",
    );
}

/// A platform that refills once a second lets a whole second's worth through at once.
#[test]
fn a_ticking_bucket_is_refilled_at_whole_ticks() {
    check_limiter(
        bucket(10.0, 20, Some(SimSpan::from_secs(1))),
        "
        0ms      hit a 20    | admit
        100ms    hit a       | after 900ms
        999ms    hit a       | after 1ms
        1s       hit a 10    | admit
        1s       hit a       | after 1s
        9s       hit a 20    | admit
        ",
    );
    check_limiter(
        bucket(0.5, 1, Some(SimSpan::from_secs(1))),
        "
        1500ms   hit a       | admit           // taken from what was there at 1 s
        1500ms   hit a       | after 1500ms    // half a token a tick
        3s       hit a       | admit
        ",
    );
}

/// Limits of nothing must refuse, not divide by zero or wrap.
#[test]
fn limits_of_nothing_refuse_for_ever() {
    for rule in [
        fixed(0, 1_000, WindowOpens::FirstHit),
        fixed(0, 0, WindowOpens::Clock),
        sliding(0, 1_000, SlidingCounts::All),
        bucket(10.0, 0, None),
    ] {
        check_limiter(rule, "1s hit a 3 | after never");
        check_limiter(rule, "1s book a | never");
    }
    for rate in [0.0, -1.0, f64::NAN, 1e-300] {
        check_limiter(
            bucket(rate, 2, None),
            "
            1s  hit a 2  | admit
            2s  hit a    | after never
            2s  book b   | at 2s
            2s  book b   | at 2s
            2s  book b   | never
            ",
        );
    }
    check_limiter(bucket(f64::INFINITY, 1, None), "1s hit a 50 | admit");
}

/// A shaper delays; what it promises must be first come, first served, and within the limit.
#[test]
fn bookings_are_made_in_order_as_early_as_the_limit_allows() {
    check_limiter(
        bucket(10.0, 2, None),
        "
        0ms      book a      | at 0s
        0ms      book a      | at 0s
        0ms      book a      | at 100ms
        0ms      book a      | at 200ms
        250ms    book a      | at 300ms
        250ms    book b      | at 250ms
        ",
    );
    check_limiter(
        fixed(2, 1_000, WindowOpens::FirstHit),
        "
        100ms    book a      | at 100ms
        200ms    book a      | at 200ms
        300ms    book a      | at 1100ms
        400ms    book a      | at 1100ms
        500ms    book a      | at 2100ms
        2200ms   book a      | at 2200ms
        2300ms   book a      | at 3100ms
        ",
    );
    check_limiter(
        sliding(2, 1_000, SlidingCounts::Accepted),
        "
        0ms      book a      | at 0s
        400ms    book a      | at 400ms
        500ms    book a      | at 1s
        500ms    book a      | at 1400ms
        500ms    book a      | at 2s
        2400ms   book a      | at 2400ms
        ",
    );
    check_limiter(
        bucket(10.0, 10, Some(SimSpan::from_secs(1))),
        "
        500ms    book a      | at 500ms
        500ms    book b      | at 500ms
        ",
    );
}

/// A limit raised in an emergency must not need a restart.
#[test]
fn a_changed_limit_goes_on_with_what_was_counted() {
    let mut limiter: Limiter<u8> = Limiter::new(fixed(1, 1_000, WindowOpens::FirstHit));
    assert_eq!(limiter.hit(SimTime::ZERO, 1), Verdict::Admit);
    assert!(matches!(limiter.hit(SimTime::ZERO, 1), Verdict::Refuse { .. }));
    limiter.set_rule(fixed(3, 1_000, WindowOpens::FirstHit));
    assert_eq!(limiter.hit(SimTime::ZERO, 1), Verdict::Admit, "the third hit of three");
    assert!(matches!(limiter.hit(SimTime::ZERO, 1), Verdict::Refuse { .. }));
    limiter.set_rule(bucket(1.0, 1, None));
    assert_eq!(
        limiter.hit(SimTime::ZERO, 1),
        Verdict::Admit,
        "another kind of rule begins anew"
    );
}

/// A run of a year must not keep everybody who ever came.
#[test]
fn the_store_holds_the_keys_that_still_matter_and_counts_them_all() {
    for rule in [
        fixed(2, 1_000, WindowOpens::FirstHit),
        sliding(2, 1_000, SlidingCounts::Accepted),
        bucket(2.0, 2, None),
    ] {
        let mut limiter: Limiter<u64> = Limiter::new(rule);
        // A new key each 10 ms: 100 at a time matter.
        for key in 0..20_000u64 {
            let now = SimTime::from_nanos(key * 10_000_000);
            assert_eq!(limiter.hit(now, key), Verdict::Admit);
            assert!(limiter.keys_held() <= 250, "{} keys held", limiter.keys_held());
        }
        assert_eq!(limiter.keys_seen(), 20_000);
        assert_eq!((limiter.accepted(), limiter.refused()), (20_000, 0));
    }
}

/// A reference that keeps every hit and counts anew each time.
struct Reference {
    rule: LimiterRule,
    hits: Vec<(SimTime, u8, bool)>,
    /// Start of each key's fixed window, and hits in it.
    windows: [Option<(SimTime, u32)>; 3],
}

impl Reference {
    fn admits(&mut self, now: SimTime, key: u8) -> bool {
        let admitted = match self.rule {
            LimiterRule::FixedWindow { limit, per, opens } => {
                let window = &mut self.windows[key as usize];
                let begin = match opens {
                    WindowOpens::FirstHit => now,
                    WindowOpens::Clock => SimTime::from_nanos(now.nanos() / per.nanos() * per.nanos()),
                };
                match window {
                    Some((start, hits)) if now < *start + per => *hits += 1,
                    _ => *window = Some((begin, 1)),
                }
                window.is_some_and(|(_, hits)| hits <= limit)
            }
            LimiterRule::SlidingWindow { limit, per, counts } => {
                let inside = self.hits.iter().filter(|&&(at, whose, admitted)| {
                    whose == key && now < at + per && (admitted || counts == SlidingCounts::All)
                });
                inside.count() < limit as usize
            }
            LimiterRule::TokenBucket { rate, burst, tick } => {
                // Whole rates and ticks only: tokens counted in thousand-millionths.
                let rate = rate as u128;
                let mut level = u128::from(burst) * 1_000_000_000;
                let mut last = 0;
                let coarse = |at: SimTime| match tick {
                    Some(tick) => at.nanos() / tick.nanos() * tick.nanos(),
                    None => at.nanos(),
                };
                let taken = self
                    .hits
                    .iter()
                    .filter(|&&(_, whose, admitted)| whose == key && admitted);
                for at in taken.map(|&(at, ..)| coarse(at)) {
                    level = (level + u128::from(at - last) * rate).min(u128::from(burst) * 1_000_000_000);
                    level -= 1_000_000_000;
                    last = at;
                }
                level = (level + u128::from(coarse(now) - last) * rate).min(u128::from(burst) * 1_000_000_000);
                level >= 1_000_000_000
            }
        };
        self.hits.push((now, key, admitted));
        admitted
    }
}

proptest! {
    /// Every decision is that of a reference which keeps all hits; a wait that is told ends in an admission, and one
    /// nanosecond less does not.
    #[test]
    fn decisions_are_those_of_a_reference_that_keeps_everything(
        rule in prop_oneof![
            (1u32..4, 20u64..300).prop_map(|(limit, millis)| fixed(limit, millis, WindowOpens::FirstHit)),
            (1u32..4, 20u64..300).prop_map(|(limit, millis)| fixed(limit, millis, WindowOpens::Clock)),
            (1u32..4, 20u64..300).prop_map(|(limit, millis)| sliding(limit, millis, SlidingCounts::Accepted)),
            (1u32..4, 20u64..300).prop_map(|(limit, millis)| sliding(limit, millis, SlidingCounts::All)),
            (prop::sample::select(vec![1.0, 2.0, 5.0, 8.0, 10.0, 50.0]), 1u32..5)
                .prop_map(|(rate, burst)| bucket(rate, burst, None)),
            (prop::sample::select(vec![1.0, 2.0, 8.0, 10.0]), 1u32..5, 1u64..3)
                .prop_map(|(rate, burst, ticks)| bucket(rate, burst, Some(SimSpan::from_millis(250 * ticks)))),
        ],
        hits in prop::collection::vec((0u64..120, 0u8..3), 1..120),
    ) {
        let mut limiter: Limiter<u8> = Limiter::new(rule);
        let mut reference = Reference { rule, hits: Vec::new(), windows: [None; 3] };
        let mut now = SimTime::ZERO;
        let (mut accepted, mut refused) = (0, 0);
        for (later, key) in hits {
            now += SimSpan::from_millis(later);
            let wanted = reference.admits(now, key);
            match limiter.hit(now, key) {
                Verdict::Admit => {
                    prop_assert!(wanted, "admitted at {now:?}");
                    accepted += 1;
                }
                Verdict::Refuse { retry_after } => {
                    prop_assert!(!wanted, "refused at {now:?}");
                    refused += 1;
                    let at = now + retry_after;
                    prop_assert_eq!(limiter.clone().hit(at, key), Verdict::Admit);
                    let early = SimTime::from_nanos(at.nanos() - 1);
                    prop_assert_ne!(limiter.clone().hit(early, key), Verdict::Admit);
                }
            }
        }
        prop_assert_eq!((limiter.accepted(), limiter.refused()), (accepted, refused));
    }

    /// Booking never goes back in time, and what is booked would have been admitted.
    #[test]
    fn bookings_keep_the_limit(
        limit in 1u32..4,
        millis in 20u64..300,
        arrivals in prop::collection::vec(0u64..120, 1..80),
    ) {
        let per = SimSpan::from_millis(millis);
        let mut limiter: Limiter<u8> = Limiter::new(sliding(limit, millis, SlidingCounts::Accepted));
        let mut now = SimTime::ZERO;
        let mut booked: Vec<SimTime> = Vec::new();
        for later in arrivals {
            now += SimSpan::from_millis(later);
            let at = limiter.reserve(now, 0);
            prop_assert!(at >= now && booked.last().is_none_or(|&last| at >= last));
            if let Some(before) = booked.len().checked_sub(limit as usize) {
                prop_assert!(at >= booked[before] + per, "too many within a window");
                prop_assert!(at == now || at == booked[before] + per || Some(&at) == booked.last(), "later than needed");
            }
            booked.push(at);
        }
    }
}

/// The helper of the tables itself.
#[test]
fn spans_are_read_as_they_are_shown() {
    for text in ["5ns", "5ms", "90s"] {
        assert_eq!(shown(span(text)), text);
    }
}
