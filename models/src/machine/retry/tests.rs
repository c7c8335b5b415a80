//! Rules of the waits between attempts.

use super::*;

const fn millis(millis: u64) -> Option<SimSpan> {
    Some(SimSpan::from_millis(millis))
}

/// Without a header the SDK's retries are spent within 1.5 s, far inside a provider's minute.
#[test]
fn the_sdk_waits_half_a_second_doubling_to_eight_less_up_to_a_quarter_and_gives_up_after_two() {
    let policy = RetryPolicy::openai_sdk();
    let waits = |uniform| [0, 1, 2].map(|done| policy.next(done, None, uniform));
    assert_eq!(waits(0.0), [millis(500), millis(1_000), None]);
    assert_eq!(waits(0.5), [Some(SimSpan::from_nanos(437_500_000)), millis(875), None]);
    assert_eq!(waits(1.0), [millis(375), millis(750), None]);
    let endless = RetryPolicy {
        max: u32::MAX,
        ..policy
    };
    assert_eq!(
        [3, 4, 5, u32::MAX].map(|done| endless.next(done, None, 0.0)),
        [millis(4_000), millis(8_000), millis(8_000), millis(8_000),]
    );
}

/// A provider that says when to come back is believed up to a minute.
#[test]
fn a_wait_that_the_refusal_names_is_kept_as_it_is_unless_it_is_too_long() {
    let policy = RetryPolicy::openai_sdk();
    assert_eq!(policy.next(0, millis(60_000), 0.5), millis(60_000));
    assert_eq!(policy.next(0, millis(0), 0.5), millis(0));
    assert_eq!(policy.next(0, millis(60_001), 0.0), millis(500), "too long: ignored");
    assert_eq!(policy.next(2, millis(1), 0.0), None, "no retry is left");
    let deaf = RetryPolicy::react_query();
    assert_eq!(deaf.next(0, millis(5), 0.0), millis(1_000));
}

/// A browser's retries are what keeps an overload going after its cause has ended.
#[test]
fn react_query_retries_three_times_after_one_two_and_four_seconds() {
    let policy = RetryPolicy::react_query();
    let waits = [0, 1, 2, 3].map(|done| policy.next(done, None, 0.7));
    assert_eq!(waits, [millis(1_000), millis(2_000), millis(4_000), None]);
    let stubborn = RetryPolicy { max: 9, ..policy };
    assert_eq!(stubborn.next(5, None, 0.7), millis(30_000), "32 s is above the cap");
}

/// Jitter decides whether clients come back together.
#[test]
fn jitter_spreads_a_wait_over_its_range() {
    let of = |jitter| RetryPolicy {
        jitter,
        ..RetryPolicy::react_query()
    };
    let ends = |jitter| [0.0, 0.5, 1.0].map(|uniform| of(jitter).next(0, None, uniform));
    assert_eq!(ends(JitterKind::None), [millis(1_000); 3]);
    assert_eq!(ends(JitterKind::Full), [millis(0), millis(500), millis(1_000)]);
    assert_eq!(ends(JitterKind::Equal), [millis(500), millis(750), millis(1_000)]);
    assert_eq!(ends(JitterKind::Down25), [millis(1_000), millis(875), millis(750)]);
}

/// Settings are a user's: no figure may overflow, hang or turn a wait into nonsense.
#[test]
fn extreme_settings_give_waits_and_not_wraps() {
    let policy = RetryPolicy {
        max: u32::MAX,
        cap: SimSpan::FOREVER,
        ..RetryPolicy::react_query()
    };
    assert_eq!(policy.next(u32::MAX, None, 0.0), Some(SimSpan::FOREVER));
    for factor in [0.0, -2.0, f64::NAN, f64::INFINITY, 1.0] {
        let flat = RetryPolicy { factor, ..policy };
        assert_eq!(flat.next(7, None, 0.0), millis(1_000), "factor {factor}");
    }
    let shrinking = RetryPolicy { factor: 0.5, ..policy };
    assert_eq!(shrinking.next(2, None, 0.0), millis(250));
    assert_eq!(shrinking.next(u32::MAX, None, 0.0), millis(0));
    let eager = RetryPolicy {
        base: SimSpan::ZERO,
        ..policy
    };
    assert_eq!(eager.next(u32::MAX, None, 0.0), millis(0));
    let full = RetryPolicy {
        jitter: JitterKind::Full,
        ..policy
    };
    assert_eq!(full.next(0, None, f64::NAN), millis(0));
    assert_eq!(full.next(0, None, 7.0), millis(1_000));
}
