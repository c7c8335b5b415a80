//! Whom a rate limit turns away, or keeps waiting.

use crate::validate::case::{Case, Group};
use crate::validate::theory::limiter;

const RENEWAL: &str = "renewal argument: a gap, then a window with a Poisson number of hits (Ross, Stochastic Processes, \
                       1996, section 3.6)";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Limiters, id, shows, source)
}

/// Twenty people whom a limiter counts one by one, each with one request a second.
fn each(id: &'static str, shows: &'static str, source: &'static str, rule: &str, accepted: f64) -> Case {
    case(id, shows, source)
        .steady(
            "rate = 20.0\npeople = { count = 20, pick = \"even\" }",
            3000,
            &format!(
                "[system.limiter.calls]\nkey = \"user\"\nrule = {rule}\n\n\
                 [system.endpoint.call]\nsteps = [ {{ limit = \"calls\" }} ]\n"
            ),
        )
        .mean("resources.calls.refused_share", 1.0 - accepted, 0.01)
        .mean("throughput", 20.0 * accepted, 0.02)
}

/// Two limiters, each on a window of ten seconds by the clock.
fn in_order(id: &'static str, shows: &'static str, steps: &str, accepted: f64) -> Case {
    case(
        id,
        shows,
        "convolution of Poisson numbers cut off by each person's limit, cut off by everybody's",
    )
    .steady(
        "rate = 20.0\npeople = { count = 20, pick = \"even\" }",
        6000,
        &format!(
            "[system.limiter.each]\nkey = \"user\"\nrule = {{ fixed_window = {{ limit = 10, per = \"10s\", opens = \"clock\" }} }}\n\
             [system.limiter.everybody]\nkey = \"all\"\nrule = {{ fixed_window = {{ limit = 170, per = \"10s\", opens = \"clock\" }} }}\n\n\
             [system.endpoint.call]\nsteps = [ {steps} ]\n"
        ),
    )
    .mean("errors.rate", 1.0 - accepted, 0.02)
}

/// Two instances at random, the counts in each or in a store that both share.
fn on_two(id: &'static str, shows: &'static str, store: &str, accepted: f64) -> Case {
    case(id, shows, RENEWAL)
        .steady(
            "rate = 40.0\npeople = { count = 20, pick = \"even\" }",
            2000,
            &format!(
                "[system.service.web]\ninstances = 2\nbalance = \"random\"\n\n{store}\n\
                 key = \"user\"\nrule = {{ fixed_window = {{ limit = 8, per = \"10s\" }} }}\n\n\
                 [system.endpoint.call]\nsteps = [ {{ limit = \"calls\" }} ]\n"
            ),
        )
        .mean("errors.rate", 1.0 - accepted, 0.01)
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        each(
            "fixed-window",
            "windows that open with a person's first hit: 8 in 10 s",
            RENEWAL,
            r#"{ fixed_window = { limit = 8, per = "10s" } }"#,
            limiter::fixed_window_accepted(1.0, 10.0, 8),
        ),
        each(
            "clock-window",
            "windows by the clock: 8 in 10 s",
            "a Poisson number of hits in each window",
            r#"{ fixed_window = { limit = 8, per = "10s", opens = "clock" } }"#,
            limiter::clock_window_accepted(1.0, 10.0, 8),
        ),
        each(
            "sliding-window",
            "any ten seconds, accepted hits counted: a loss system",
            "Erlang (1917), formula B; Sevastyanov (1957)",
            r#"{ sliding_window = { limit = 8, per = "10s" } }"#,
            limiter::sliding_window_accepted(1.0, 10.0, 8),
        ),
        each(
            "sliding-window-all",
            "any ten seconds, refused hits counted too: who hammers on is let in less",
            "fewer than eight of a Poisson stream within the last ten seconds",
            r#"{ sliding_window = { limit = 8, per = "10s", counts = "all" } }"#,
            limiter::sliding_window_of_all_accepted(1.0, 10.0, 8),
        ),
        each(
            "token-bucket",
            "0.8 a second, five saved up: M/D/1 with room for five",
            "Kleinrock, Queueing Systems 1 (1975), section 5.9; the chain between departures solved numerically",
            "{ token_bucket = { rate = 0.8, burst = 5 } }",
            limiter::token_bucket_accepted(1.0, 0.8, 5),
        ),
        case(
            "token-bucket-waits",
            "a bucket that makes hits wait instead: M/D/1 beyond the burst",
            "Crommelin (1932); Little (1961)",
        )
        .steady(
            "rate = 8.0",
            8000,
            "[system.limiter.calls]\nkey = \"all\"\nover = \"wait\"\nrule = { token_bucket = { rate = 10.0, burst = 3 } }\n\n\
             [system.endpoint.call]\nsteps = [ { limit = \"calls\" } ]\n",
        )
        .mean("latency.mean", limiter::token_bucket_delay(8.0, 10.0, 3), 0.06),
        in_order(
            "own-limit-first",
            "two limits in order: whom the first refuses does not spend the second",
            "{ limit = \"each\" }, { limit = \"everybody\" }",
            limiter::own_window_first_accepted(20, 1.0, 10.0, 10, 170),
        ),
        in_order(
            "shared-limit-first",
            "the other order: hits are spent on those whom the second refuses",
            "{ limit = \"everybody\" }, { limit = \"each\" }",
            limiter::shared_window_first_accepted(20, 1.0, 10.0, 10, 170),
        ),
        on_two(
            "limit-per-process",
            "counts in the memory of two instances: everybody has the limit twice",
            "[system.limiter.calls]",
            limiter::fixed_window_accepted(1.0, 10.0, 8),
        ),
        on_two(
            "limit-shared",
            "the same counts in a store that both share",
            "[system.cache.redis]\n\n[system.limiter.calls]\nstore = \"redis\"",
            limiter::fixed_window_accepted(2.0, 10.0, 8),
        ),
        case(
            "window-ends",
            "the limit and the end of a window, to the millisecond",
            "arithmetic: two pass in [0, 10 s), the third and fourth are refused, at 10 s a window is new",
        )
        .file(
            "duration = \"20s\"\n\n[load]\nat = [ \"0s\", \"4s\", \"5s\", \"9999ms\", \"10s\", \"11s\", \"12s\" ]\npeople = { count = 1 }\n\n\
             [system.limiter.calls]\nkey = \"user\"\nrule = { fixed_window = { limit = 2, per = \"10s\" } }\n\n\
             [system.endpoint.call]\nsteps = [ { limit = \"calls\" } ]\n",
        )
        .exact("resources.calls.accepted", 4.0)
        .exact("resources.calls.refused", 3.0)
        .exact("resources.calls.windows", 2.0),
    ]
}
