//! What exactly is said about keys and values that are wrong by themselves: each test is a file and the whole answer.

use super::check;

/// Without it, one slip looks like two mistakes, and neither names what was meant.
#[test]
fn a_slip_in_a_key_is_answered_with_the_key_meant_and_not_with_a_missing_one() {
    check(
        r#"
        duraton = "10s"
        [load]
        rat = 5
        [system.pool.servers]
        mx = 1
        [system.endpoint.job]
        steps = [ { tak = {} } ]
        "#,
        &[],
        r#"
        error[file::unknown-key]: the file has no key `duraton`
         --> dir/a.toml:1:1
          |
        1 | duraton = "10s"
          | ^^^^^^^ unknown key
          |
          = help: did you mean `duration`?

        error[file::unknown-key]: `load` has no key `rat`
         --> dir/a.toml:3:1
          |
        3 | rat = 5
          | ^^^ unknown key
          |
          = help: did you mean `rate`?

        error[file::unknown-key]: `system.pool.servers` has no key `mx`
         --> dir/a.toml:5:1
          |
        5 | mx = 1
          | ^^ unknown key
          |
          = help: did you mean `max`?

        error[file::unknown-key]: `system.endpoint.job.steps.0` has no key `tak`
         --> dir/a.toml:7:13
          |
        7 | steps = [ { tak = {} } ]
          |             ^^^ unknown key
          |
          = help: did you mean `take`?
        "#,
    );
}

/// Without it, a missing key is found by reading the manual.
#[test]
fn a_key_that_must_be_there_is_asked_for_with_its_type() {
    check(
        r#"
        [load]
        [system.pool.servers]
        [system.endpoint.job]
        steps = [ { take = { } } ]
        "#,
        &[],
        r#"
        error[file::missing-key]: `load` needs exactly one of `rate`, `users`, `registered`, `phase`, `at`, `every` and `trace`
         --> dir/a.toml:1:1
          |
        1 | [load]
          | ^^^^^^ none of them is here

        error[file::missing-key]: the scenario needs a `duration`
         --> dir/a.toml:1:1
          |
        1 | [load]
          | ^ `duration` is missing
          |
          = help: only phases say by themselves how long a run is

        error[file::missing-key]: `system.pool.servers` needs `max`
         --> dir/a.toml:2:1
          |
        2 | [system.pool.servers]
          | ^^^^^^^^^^^^^^^^^^^^^ `max` is missing
          |
          = help: `max` takes: count

        error[file::missing-key]: `system.endpoint.job.steps.0.take` needs `from`
         --> dir/a.toml:4:20
          |
        4 | steps = [ { take = { } } ]
          |                    ^^^ `from` is missing
          |
          = help: `from` takes: name
        "#,
    );
}

/// Without it, a number is taken for a time of some unit that nobody wrote.
#[test]
fn a_value_of_the_wrong_type_says_what_was_expected() {
    check(
        r#"
        title = 3
        duration = 10
        seed = 1.0
        drain = "10"
        replications = "ten"
        [load]
        rate = "5 per minute"
        [system.pool.servers]
        max = true
        idle_timeout = "5 min"
        timeout = -1
        drop_on_error = "yes"
        on = 1
        [system.service.web]
        memory = { base = 110, request = "60 kb" }
        before = { limit = "x" }
        [system.endpoint]
        job = "take"
        "#,
        &[],
        r#"
        error[file::wrong-type]: `title` must be text
         --> dir/a.toml:1:9
          |
        1 | title = 3
          |         ^ this is a whole number

        error[file::missing-unit]: `duration` needs a unit
         --> dir/a.toml:2:12
          |
        2 | duration = 10
          |            ^^ a number alone
          |
          = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[file::wrong-type]: `seed` must be a whole number
         --> dir/a.toml:3:8
          |
        3 | seed = 1.0
          |        ^^^ this is a decimal number
          |
          = help: write 1

        error[file::missing-unit]: `drain` needs a unit
         --> dir/a.toml:4:9
          |
        4 | drain = "10"
          |         ^^^^ a number alone
          |
          = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[file::wrong-type]: `replications` must be a whole number
         --> dir/a.toml:5:16
          |
        5 | replications = "ten"
          |                ^^^^^ this is text

        error[file::unknown-unit]: `load.rate` has an unknown unit: `per minute`
         --> dir/a.toml:7:8
          |
        7 | rate = "5 per minute"
          |        ^^^^^^^^^^^^^^ `per minute` is no unit of this
          |
          = help: units are `/s`, `/min`, `/h` and `/d`, as in "9000/min" (50.0 is a second)

        error[file::wrong-type]: `system.pool.servers.max` must be a whole number
         --> dir/a.toml:9:7
          |
        9 | max = true
          |       ^^^^ this is `true`

        error[file::unknown-unit]: `system.pool.servers.idle_timeout` has an unknown unit: `min`
          --> dir/a.toml:10:16
           |
        10 | idle_timeout = "5 min"
           |                ^^^^^^^ `min` is no unit of this
           |
           = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[file::missing-unit]: `system.pool.servers.timeout` needs a unit
          --> dir/a.toml:11:11
           |
        11 | timeout = -1
           |           ^^ a number alone
           |
           = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[file::wrong-type]: `system.pool.servers.drop_on_error` must be `true` or `false`
          --> dir/a.toml:12:17
           |
        12 | drop_on_error = "yes"
           |                 ^^^^^ this is text

        error[file::wrong-type]: `system.pool.servers.on` must be `true` or `false`
          --> dir/a.toml:13:6
           |
        13 | on = 1
           |      ^ this is a whole number

        error[file::missing-unit]: `system.service.web.memory.base` needs a unit
          --> dir/a.toml:15:19
           |
        15 | memory = { base = 110, request = "60 kb" }
           |                   ^^^ a number alone
           |
           = help: units are `B`, `KB`, `MB`, `GB` and `TB` (a KB is 1024 bytes), as in "512 MB"

        error[file::unknown-unit]: `system.service.web.memory.request` has an unknown unit: `kb`
          --> dir/a.toml:15:34
           |
        15 | memory = { base = 110, request = "60 kb" }
           |                                  ^^^^^^^ `kb` is no unit of this
           |
           = help: units are `B`, `KB`, `MB`, `GB` and `TB` (a KB is 1024 bytes), as in "512 MB"

        error[file::wrong-type]: `system.service.web.before` must be a list
          --> dir/a.toml:16:10
           |
        16 | before = { limit = "x" }
           |          ^^^^^^^^^^^^^^^ this is a table
           |
           = help: write `[ … ]` around it

        error[file::wrong-type]: `system.endpoint.job` must be a table
          --> dir/a.toml:18:7
           |
        18 | job = "take"
           |       ^^^^^^ this is text
           |
           = help: its keys are: `service`, `kind`, `steps`, `feature`, `shed`, `before`, `signs_in`, `signed_in`, `response`
        "#,
    );
}

/// Without it, an absurd figure is found out by a run that never ends.
#[test]
fn a_figure_out_of_its_bounds_says_the_bound() {
    check(
        r#"
        duration = "401d"
        replications = 0
        seed = 99999999999999999999
        load = { rate = inf }
        [system.class.user]
        share = 5
        [system.pool.servers]
        max = 0
        timeout = "-5s"
        [system.database.db]
        cores = nan
        [system.cache.redis]
        entry = { coach = { keys = 2_000_000_000, ttl = "1h" } }
        [system.endpoint.job]
        steps = [ { hold = "99999999 TB" } ]
        "#,
        &[],
        r#"
        error[file::out-of-range]: `duration` must be at most 400 d
         --> dir/a.toml:1:12
          |
        1 | duration = "401d"
          |            ^^^^^^ this is 401 d

        error[file::out-of-range]: `replications` must be at least 1
         --> dir/a.toml:2:16
          |
        2 | replications = 0
          |                ^ this is 0

        error[file::out-of-range]: `seed` must be at most 1,000,000,000,000,000,000
         --> dir/a.toml:3:8
          |
        3 | seed = 99999999999999999999
          |        ^^^^^^^^^^^^^^^^^^^^ too large

        error[file::out-of-range]: `load.rate` must be a finite number
         --> dir/a.toml:4:17
          |
        4 | load = { rate = inf }
          |                 ^^^ not finite

        error[file::out-of-range]: `system.class.user.share` must be at most 1
         --> dir/a.toml:6:9
          |
        6 | share = 5
          |         ^ this is 5
          |
          = help: a share is from 0 to 1: write 0.05 for 5 %

        error[file::out-of-range]: `system.pool.servers.max` must be at least 1
         --> dir/a.toml:8:7
          |
        8 | max = 0
          |       ^ this is 0

        error[file::out-of-range]: `system.pool.servers.timeout` must not be negative
         --> dir/a.toml:9:11
          |
        9 | timeout = "-5s"
          |           ^^^^^ this is below zero

        error[file::out-of-range]: `system.database.db.cores` must be a finite number
          --> dir/a.toml:11:9
           |
        11 | cores = nan
           |         ^^^ not finite

        error[file::out-of-range]: `system.cache.redis.entry.coach.keys` must be at most 1,000,000,000
          --> dir/a.toml:13:28
           |
        13 | entry = { coach = { keys = 2_000_000_000, ttl = "1h" } }
           |                            ^^^^^^^^^^^^^ this is 2,000,000,000

        error[file::out-of-range]: `system.endpoint.job.steps.0.hold.size` is too large
          --> dir/a.toml:15:20
           |
        15 | steps = [ { hold = "99999999 TB" } ]
           |                    ^^^^^^^^^^^^^ more than can be counted
        "#,
    );
}

/// Without it, the choices have to be looked up.
#[test]
fn a_word_that_is_no_choice_is_answered_with_the_choices() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.service.web]
        balance = "round"
        runtime = 3
        [system.limiter.chat]
        key = "everybody"
        rule = { fixed_window = { limit = 10, per = "1m", opens = "first-hit" } }
        [system.endpoint.job]
        steps = [ { fail = { cause = "rate_limit" } } ]
        "#,
        &[],
        r#"
        error[file::unknown-choice]: `system.service.web.balance` cannot be "round"
         --> dir/a.toml:4:11
          |
        4 | balance = "round"
          |           ^^^^^^^ expected one of "round_robin", "random", "least_busy", "shared_line"
          |
          = help: did you mean "round_robin"?

        error[file::wrong-type]: `system.service.web.runtime` must be one of "node", "threads", "ideal"
         --> dir/a.toml:5:11
          |
        5 | runtime = 3
          |           ^ this is a whole number

        error[file::unknown-choice]: `system.limiter.chat.key` cannot be "everybody"
         --> dir/a.toml:7:7
          |
        7 | key = "everybody"
          |       ^^^^^^^^^^^ expected one of "user", "ip", "session", "all"

        error[file::unknown-choice]: `system.limiter.chat.rule.fixed_window.opens` cannot be "first-hit"
         --> dir/a.toml:8:59
          |
        8 | rule = { fixed_window = { limit = 10, per = "1m", opens = "first-hit" } }
          |                                                           ^^^^^^^^^^^ expected one of "first_hit", "clock"
          |
          = help: did you mean "first_hit"?

        error[file::unknown-choice]: `system.endpoint.job.steps.0.fail.cause` cannot be "rate_limit"
          --> dir/a.toml:10:30
           |
        10 | steps = [ { fail = { cause = "rate_limit" } } ]
           |                              ^^^^^^^^^^^^ expected one of "rate_limited", "pool_timeout", "connection_refused", "connect_timeout", "query_timeout", "query_failed", "database_unavailable", "llm_rate_limited", "llm_error", "llm_timeout", "llm_quota", "client_timeout", "queue_full", "queue_timeout", "deadline", "shed", "out_of_memory", "instance_lost", "no_instance", "feature_off", "cache_unavailable", "unauthorized", "upstream_error"
           |
           = help: did you mean "rate_limited"?
        "#,
    );
}

/// Without it, a file is repaired one run at a time, or buried in consequences.
#[test]
fn every_mistake_of_syntax_comes_at_once_and_what_follows_from_them_does_not() {
    check(
        r#"
        duration = "10s"
        [load
        rate = 5.0
        x = = 3
        [system.pool.servers]
        mx = 1
        max = 3
        max = 4
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s } } ]
        "#,
        &[],
        r#"
        error[file::syntax]: unclosed table, expected `]`
         --> dir/a.toml:2:6
          |
        2 | [load
          |      ^

        error[file::syntax]: extra `=`, expected nothing
         --> dir/a.toml:4:5
          |
        4 | x = = 3
          |     ^

        error[file::unknown-key]: `system.pool.servers` has no key `mx`
         --> dir/a.toml:6:1
          |
        6 | mx = 1
          | ^^ unknown key
          |
          = help: did you mean `max`?

        error[file::syntax]: duplicate key
         --> dir/a.toml:8:1
          |
        8 | max = 4
          | ^^^

        error[file::syntax]: unclosed inline table, expected `}`
          --> dir/a.toml:10:55
           |
        10 | steps = [ { take = { from = "servers", for = "1s } } ]
           |                                                       ^
        "#,
    );
}

/// Without it, one of two keys of a step is silently left out.
#[test]
fn a_step_has_one_key() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.endpoint.job]
        steps = [
          { cpu = "1s", io = "2s" },
          { },
          "cpu",
          { choose = [ { weight = -1, steps = [] } ] },
          { repeat = { times = 2, steps = [] } },
        ]
        "#,
        &[],
        r#"
        error[file::exclusive-keys]: `system.endpoint.job.steps.0` takes one key, and has `cpu` and `io`
         --> dir/a.toml:5:17
          |
        5 |   { cpu = "1s", io = "2s" },
          |     ---         ^^ a second key
          |     |
          |     the first

        error[file::missing-key]: `system.endpoint.job.steps.1` is empty
         --> dir/a.toml:6:3
          |
        6 |   { },
          |   ^^^ one key is needed
          |
          = help: it takes exactly one of `limit`, `cpu`, `work`, `io`, `hold`, `take`, `query`, `transaction`, `cache`, `llm`, `transcribe`, `call`, `parallel`, `choose`, `repeat`, `retry`, `fail`, `feature`, `later`

        error[file::wrong-type]: `system.endpoint.job.steps.2` must be a table
         --> dir/a.toml:7:3
          |
        7 |   "cpu",
          |   ^^^^^ this is text
          |
          = help: its keys are: `limit`, `cpu`, `work`, `io`, `hold`, `take`, `query`, `transaction`, `cache`, `llm`, `transcribe`, `call`, `parallel`, `choose`, `repeat`, `retry`, `fail`, `feature`, `later`

        error[file::out-of-range]: `system.endpoint.job.steps.3.choose.0.weight` must be at least 0
         --> dir/a.toml:8:27
          |
        8 |   { choose = [ { weight = -1, steps = [] } ] },
          |                           ^^ this is -1

        error[file::empty]: `system.endpoint.job.steps.4.repeat.steps` must not be empty
         --> dir/a.toml:9:35
          |
        9 |   { repeat = { times = 2, steps = [] } },
          |                                   ^^ no items
        "#,
    );
}

/// Without it, a surplus figure is ignored and the run draws from another law than the one written.
#[test]
fn figures_that_do_not_make_a_law_are_refused() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.endpoint.job]
        steps = [
          { io = { dist = "lognormal", mean = "1s", k = 3 } },
          { io = { dist = "lognormal", p50 = "2s", p95 = "1s" } },
          { io = { dist = "gamma", mean = "2s", cv = 1, p95 = "3s" } },
          { io = { dist = "hyperexponential", mean = "2s", cv = 0.5 } },
          { io = { dist = "pareto", mean = "2s", shape = 1 } },
          { io = { dist = "geometric", mean = "2s" } },
          { io = { dist = "exponential", mean = "0s" } },
          { io = { dist = "uniform", min = "2s", max = "1s" } },
          { io = { dist = "exponentail", mean = 1 } },
          { repeat = { times = { dist = "geometric", mean = 0.5 }, steps = [ { cpu = "1ms" } ] } },
        ]
        "#,
        &[],
        r#"
        error[quantity::missing-figure]: `system.endpoint.job.steps.0.io` needs `cv`
         --> dir/a.toml:5:10
          |
        5 |   { io = { dist = "lognormal", mean = "1s", k = 3 } },
          |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ not enough to draw from
          |
          = help: a law `lognormal` is given by `mean` and `cv`, or by `p50` and `p95`

        error[quantity::surplus-figure]: `system.endpoint.job.steps.0.io`: `k` is too much
         --> dir/a.toml:5:49
          |
        5 |   { io = { dist = "lognormal", mean = "1s", k = 3 } },
          |                                                 ^ no figure of this law `lognormal`
          |
          = help: a law `lognormal` is given by `mean` and `cv`, or by `p50` and `p95`

        error[quantity::bad-figure]: `system.endpoint.job.steps.1.io`: `p95` must be above `p50`
         --> dir/a.toml:6:50
          |
        6 |   { io = { dist = "lognormal", p50 = "2s", p95 = "1s" } },
          |                                                  ^^^^

        error[quantity::surplus-figure]: `system.endpoint.job.steps.2.io`: `p95` is too much
         --> dir/a.toml:7:55
          |
        7 |   { io = { dist = "gamma", mean = "2s", cv = 1, p95 = "3s" } },
          |                                                       ^^^^ no figure of this law `gamma`
          |
          = help: a law `gamma` is given by `mean` and `cv`, or by `p50` and `p95`

        error[quantity::bad-figure]: `system.endpoint.job.steps.3.io`: a hyperexponential law has a cv of at least 1; `erlang` and `gamma` go below
         --> dir/a.toml:8:57
          |
        8 |   { io = { dist = "hyperexponential", mean = "2s", cv = 0.5 } },
          |                                                         ^^^

        error[quantity::bad-figure]: `system.endpoint.job.steps.4.io`: a Pareto law with a shape of 1 or less has no mean
         --> dir/a.toml:9:50
          |
        9 |   { io = { dist = "pareto", mean = "2s", shape = 1 } },
          |                                                  ^

        error[quantity::wrong-law]: `system.endpoint.job.steps.5.io`: a geometric law counts 1, 2, 3 …, and this is no count
          --> dir/a.toml:10:19
           |
        10 |   { io = { dist = "geometric", mean = "2s" } },
           |                   ^^^^^^^^^^^ not for this

        error[quantity::bad-figure]: `system.endpoint.job.steps.6.io`: the mean must be above zero
          --> dir/a.toml:11:41
           |
        11 |   { io = { dist = "exponential", mean = "0s" } },
           |                                         ^^^^

        error[quantity::bad-figure]: `system.endpoint.job.steps.7.io`: `max` is below `min`
          --> dir/a.toml:12:48
           |
        12 |   { io = { dist = "uniform", min = "2s", max = "1s" } },
           |                                                ^^^^

        error[file::unknown-choice]: `system.endpoint.job.steps.8.io.dist` cannot be "exponentail"
          --> dir/a.toml:13:19
           |
        13 |   { io = { dist = "exponentail", mean = 1 } },
           |                   ^^^^^^^^^^^^^ expected one of "exponential", "erlang", "gamma", "weibull", "lognormal", "pareto", "uniform", "hyperexponential", "geometric", "mixture", "empirical", "replay"
           |
           = help: did you mean "exponential"?

        error[file::missing-unit]: `system.endpoint.job.steps.8.io.mean` needs a unit
          --> dir/a.toml:13:41
           |
        13 |   { io = { dist = "exponentail", mean = 1 } },
           |                                         ^ a number alone
           |
           = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[quantity::bad-figure]: `system.endpoint.job.steps.9.repeat.times`: the mean must be at least 1
          --> dir/a.toml:14:53
           |
        14 |   { repeat = { times = { dist = "geometric", mean = 0.5 }, steps = [ { cpu = "1ms" } ] } },
           |                                                     ^^^
        "#,
    );
}
