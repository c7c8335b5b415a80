//! Rules of an account's limits, row by row, and what holds for any traffic.

use proptest::prelude::*;

use super::*;
use crate::machine::table::{check, shown};

const BUCKET: ProviderLimitConfig = ProviderLimitConfig::UNLIMITED;
const FIXED: ProviderLimitConfig = ProviderLimitConfig {
    window: ProviderWindow::Fixed,
    ..ProviderLimitConfig::UNLIMITED
};

/// Runs a table. Inputs: `ask TOKENS`, `ask TOKENS TIMES` (the same answer each time).
fn check_limits(config: ProviderLimitConfig, table: &str) {
    let mut limits = ProviderLimit::new(config);
    check(table, |now, words| {
        let tokens: u64 = words[1].parse().expect("a number");
        let times: u32 = words.get(2).map_or(1, |text| text.parse().expect("a number"));
        let mut answers: Vec<String> = (0..times)
            .map(|_| match limits.request(now, tokens) {
                Ok(()) => "ok".to_owned(),
                Err(Refused { retry_after, by }) => format!("{by:?} {}", retry_after.map_or("-".to_owned(), shown)),
            })
            .collect();
        answers.dedup();
        answers.join(", ")
    });
}

/// The account's limit is shared by every instance: what it lets through caps the whole product.
#[test]
fn a_bucket_holds_a_minutes_worth_and_is_refilled_continuously() {
    check_limits(
        ProviderLimitConfig {
            requests_per_minute: Some(60),
            refused_count: false,
            ..BUCKET
        },
        "
        0s           ask 1 60    | ok
        0s           ask 1       | RequestsPerMinute 1s
        999999999ns  ask 1       | RequestsPerMinute 1ns
        1s           ask 1       | ok
        1500ms       ask 1       | RequestsPerMinute 500ms
        10m          ask 1 60    | ok
        10m          ask 1       | RequestsPerMinute 1s
        ",
    );
    check_limits(
        ProviderLimitConfig {
            requests_per_minute: Some(60),
            request_burst: Some(2),
            ..BUCKET
        },
        "
        0s           ask 1 2     | ok
        0s           ask 1       | RequestsPerMinute 1s
        ",
    );
}

/// The vendor's warning that resending without a pause does not help.
#[test]
fn refused_requests_use_up_the_limit_if_the_account_works_that_way() {
    let config = ProviderLimitConfig {
        requests_per_minute: Some(60),
        request_burst: Some(1),
        ..BUCKET
    };
    check_limits(
        config,
        "
        0ms      ask 1       | ok
        600ms    ask 1       | RequestsPerMinute 1s      // what had come is gone
        1200ms   ask 1       | RequestsPerMinute 1s
        2200ms   ask 1       | ok                        // whoever waits as told is let through
        ",
    );
    check_limits(
        ProviderLimitConfig {
            refused_count: false,
            ..config
        },
        "
        0ms      ask 1       | ok
        600ms    ask 1       | RequestsPerMinute 400ms
        1000ms   ask 1       | ok
        ",
    );
}

/// Tokens run out long before requests on the plan's model.
#[test]
fn tokens_are_charged_up_front_and_the_longest_wait_is_told() {
    check_limits(
        ProviderLimitConfig {
            requests_per_minute: Some(60),
            tokens_per_minute: Some(6_000),
            ..BUCKET
        },
        "
        0s       ask 4000    | ok
        0s       ask 2000    | ok
        0s       ask 1       | TokensPerMinute 10ms
        0s       ask 1500    | TokensPerMinute 15s
        0s       ask 6001    | TokensPerMinute -          // it never fits
        15s      ask 1500    | ok
        ",
    );
}

/// The first minute begins with the first request, not with the clock.
#[test]
fn fixed_windows_are_whole_minutes_from_the_first_request_on() {
    check_limits(
        ProviderLimitConfig {
            requests_per_minute: Some(3),
            tokens_per_minute: Some(100),
            ..FIXED
        },
        "
        30s      ask 50      | ok
        40s      ask 60      | TokensPerMinute 50s        // it counts as a request
        50s      ask 50      | ok
        60s      ask 0       | RequestsPerMinute 30s
        90s      ask 100     | ok                         // a new window at its very start
        200s     ask 100     | ok
        200s     ask 1       | TokensPerMinute 60s
        ",
    );
}

/// A new account's daily limit ends a day's business before noon.
#[test]
fn daily_limits_hold_beside_those_by_the_minute() {
    let config = ProviderLimitConfig {
        requests_per_day: Some(4),
        tokens_per_day: Some(1_000),
        ..FIXED
    };
    check_limits(
        config,
        "
        1h       ask 900     | ok
        2h       ask 200     | TokensPerDay 82800s
        3h       ask 100     | ok
        4h       ask 0       | ok
        5h       ask 0       | RequestsPerDay 72000s
        25h      ask 900     | ok
        ",
    );
    check_limits(
        ProviderLimitConfig {
            requests_per_minute: Some(60),
            window: ProviderWindow::Bucket,
            refused_count: false,
            ..config
        },
        "
        0s       ask 0 4     | ok
        0s       ask 0       | RequestsPerDay 21600s      // a quarter of a day for one of four
        ",
    );
}

/// "60 a minute" enforced as one a second fails bursts that a minute's count would let through.
#[test]
fn limits_can_be_enforced_over_a_shorter_time() {
    let config = ProviderLimitConfig {
        requests_per_minute: Some(60),
        enforced_over: Some(SimSpan::from_secs(1)),
        refused_count: false,
        ..BUCKET
    };
    check_limits(
        config,
        "
        0ms      ask 1       | ok
        400ms    ask 1       | RequestsPerMinute 600ms
        1s       ask 1       | ok
        ",
    );
    check_limits(
        ProviderLimitConfig {
            request_burst: Some(30),
            ..config
        },
        "
        0ms      ask 1       | ok
        400ms    ask 1       | RequestsPerMinute 600ms    // a larger burst would undo it
        ",
    );
    check_limits(
        ProviderLimitConfig {
            window: ProviderWindow::Fixed,
            requests_per_minute: Some(120),
            ..config
        },
        "
        100ms    ask 1 2     | ok
        400ms    ask 1       | RequestsPerMinute 700ms
        1100ms   ask 1 2     | ok
        ",
    );
}

/// What a 429 says decides how long the SDK waits.
#[test]
fn a_refusal_says_what_the_account_is_set_to_say() {
    let config = ProviderLimitConfig {
        requests_per_minute: Some(40),
        request_burst: Some(1),
        ..BUCKET
    };
    for (kind, says) in [
        (RetryAfter::None, "-"),
        (RetryAfter::Exact, "1500ms"),
        (RetryAfter::WholeSeconds, "2s"),
    ] {
        let config = ProviderLimitConfig {
            retry_after: kind,
            ..config
        };
        check_limits(config, &format!("0s ask 1 | ok\n0s ask 1 | RequestsPerMinute {says}"));
    }
}

/// Limits of nothing and none at all.
#[test]
fn no_limit_lets_everything_through_and_a_limit_of_nothing_nothing() {
    check_limits(BUCKET, "0s ask 18446744073709551615 9 | ok");
    for config in [BUCKET, FIXED] {
        check_limits(
            ProviderLimitConfig {
                requests_per_minute: Some(0),
                ..config
            },
            "0s ask 1 | RequestsPerMinute -",
        );
    }
}

/// A person who buys a higher tier in the middle of a run expects it to help at once.
#[test]
fn raised_limits_go_on_with_what_was_used() {
    let config = ProviderLimitConfig {
        requests_per_minute: Some(2),
        ..FIXED
    };
    let mut limits = ProviderLimit::new(config);
    let at = |seconds| SimTime::ZERO + SimSpan::from_secs(seconds);
    assert!(limits.request(at(0), 1).is_ok());
    assert!(limits.request(at(0), 1).is_ok());
    assert!(limits.request(at(1), 1).is_err());
    limits.set_config(
        at(2),
        ProviderLimitConfig {
            requests_per_minute: Some(4),
            ..config
        },
    );
    assert!(limits.request(at(2), 1).is_ok(), "the fourth, the refused one included");
    assert!(limits.request(at(2), 1).is_err());
    assert!(
        limits.request(at(60), 1).is_ok(),
        "the window still ends when it would have"
    );
    assert_eq!((limits.accepted(), limits.refused()), (4, 2));
}

proptest! {
    /// No window of a minute lets more through than the bucket's size and its refill; whoever waits as told, alone, is let
    /// through, and a nanosecond earlier is not.
    #[test]
    fn no_more_passes_than_the_limits_allow(
        requests in 1u64..100,
        tokens in 1u64..5_000,
        fixed in any::<bool>(),
        refused_count in any::<bool>(),
        asks in prop::collection::vec((0u64..3_000, 0u64..700), 1..150),
    ) {
        let window = if fixed { ProviderWindow::Fixed } else { ProviderWindow::Bucket };
        let config = ProviderLimitConfig {
            requests_per_minute: Some(requests),
            tokens_per_minute: Some(tokens),
            window,
            refused_count,
            ..BUCKET
        };
        let mut limits = ProviderLimit::new(config);
        let mut now = SimTime::ZERO;
        let mut passed: Vec<(SimTime, u64)> = Vec::new();
        for (later, cost) in asks {
            now += SimSpan::from_millis(later);
            match limits.request(now, cost) {
                Ok(()) => passed.push((now, cost)),
                Err(Refused { retry_after: None, .. }) => prop_assert!(cost > tokens),
                Err(Refused { retry_after: Some(wait), .. }) => {
                    prop_assert!(cost <= tokens);
                    prop_assert!(limits.clone().request(now + wait, cost).is_ok());
                    let early = SimSpan::from_nanos(wait.nanos() - 1);
                    prop_assert!(limits.clone().request(now + early, cost).is_err());
                }
            }
        }
        for (index, &(start, _)) in passed.iter().enumerate() {
            let inside = passed[index..].iter().take_while(|(at, _)| at.since(start) < MINUTE);
            let (count, sum) = inside.fold((0, 0), |(count, sum), &(_, cost)| (count + 1, sum + cost));
            // A bucket's worth and what came in the meantime, or two windows.
            prop_assert!(count <= 2 * requests && sum <= 2 * tokens);
        }
    }
}

// Lost if broken: what a provider says is left of its limits, which clients slow down by.
#[test]
fn what_is_left_is_told_in_whole_units_with_the_time_to_all_of_it() {
    let seconds = |seconds: u64| SimTime::ZERO + SimSpan::from_secs(seconds);
    let mut limits = ProviderLimit::new(ProviderLimitConfig {
        requests_per_minute: Some(60),
        tokens_per_minute: Some(600),
        token_burst: Some(100),
        ..BUCKET
    });
    let told = |limits: &mut ProviderLimit, now| {
        let told = limits
            .left(now)
            .map(|left| (left.by, left.limit, left.left, left.full_in));
        told.collect::<Vec<_>>()
    };
    limits.request(seconds(0), 45).expect("enough is there");
    let (requests, tokens) = (LimitBy::RequestsPerMinute, LimitBy::TokensPerMinute);
    assert_eq!(
        told(&mut limits, seconds(0)),
        [
            (requests, 60, 59, SimSpan::from_secs(1)),
            (tokens, 100, 55, SimSpan::from_millis(4500)),
        ]
    );
    // A unit that is not whole yet is not there.
    let half = SimTime::ZERO + SimSpan::from_millis(550);
    assert_eq!(
        told(&mut limits, half)[0],
        (requests, 60, 59, SimSpan::from_millis(450))
    );
    assert_eq!(
        told(&mut limits, half)[1],
        (tokens, 100, 60, SimSpan::from_millis(3950))
    );
    assert_eq!(told(&mut limits, seconds(9))[1], (tokens, 100, 100, SimSpan::ZERO));

    let mut limits = ProviderLimit::new(ProviderLimitConfig {
        requests_per_minute: Some(2),
        requests_per_day: Some(0),
        ..FIXED
    });
    assert_eq!(told(&mut limits, seconds(5))[0], (requests, 2, 2, SimSpan::ZERO));
    assert!(limits.request(seconds(5), 0).is_err());
    assert_eq!(
        told(&mut limits, seconds(15))[0],
        (requests, 2, 1, SimSpan::from_secs(50))
    );
    assert_eq!(
        told(&mut limits, seconds(15))[1],
        (LimitBy::RequestsPerDay, 0, 0, SimSpan::from_secs(86_390))
    );
    assert_eq!(told(&mut limits, seconds(65))[0], (requests, 2, 2, SimSpan::ZERO));
}
