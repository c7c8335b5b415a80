//! What exactly is said about parts of a file that do not fit together: each test is a file and the whole answer.

use super::check;

/// Without it, a slip in a name is a run of another system.
#[test]
fn a_name_that_leads_nowhere_is_answered_with_the_nearest() {
    check(
        r#"
        system = "coaching"
        duration = "500s"
        [load]
        users = 12
        flow = { chat = 8, voise = 1 }
        class = "premum"
        client = "borwser"
        [[event]]
        at = "1m"
        fault = { slow = { target = "opneai", factor = 2.0 } }
        [[event]]
        when = { alert = "error" }
        action = { restart = "web2" }
        [objectives.endpoint."stripe.webook"]
        error_rate = 0.0
        [objectives.metric]
        "postgress.connections" = { below = 3 }
        "#,
        &[],
        r#"
        error[check::unknown-name]: there is no flow `voise`
         --> dir/a.toml:5:20
          |
        5 | flow = { chat = 8, voise = 1 }
          |                    ^^^^^ unknown name
          |
          = help: did you mean `voice`?

        error[check::unknown-name]: there is no class `premum`
         --> dir/a.toml:6:9
          |
        6 | class = "premum"
          |         ^^^^^^^^ unknown name
          |
          = help: did you mean `premium`?

        error[check::unknown-name]: there is no client `borwser`
         --> dir/a.toml:7:10
          |
        7 | client = "borwser"
          |          ^^^^^^^^^ unknown name
          |
          = help: did you mean `browser`?

        error[check::unknown-name]: there is no service, database, cache or provider `opneai`
          --> dir/a.toml:10:29
           |
        10 | fault = { slow = { target = "opneai", factor = 2.0 } }
           |                             ^^^^^^^^ unknown name
           |
           = help: did you mean `openai`?

        error[check::unknown-name]: there is no alert rule `error`
          --> dir/a.toml:12:18
           |
        12 | when = { alert = "error" }
           |                  ^^^^^^^ unknown name
           |
           = help: did you mean `errors`?

        error[check::unknown-name]: there is no service, database or cache `web2`
          --> dir/a.toml:13:22
           |
        13 | action = { restart = "web2" }
           |                      ^^^^^^ unknown name
           |
           = help: did you mean `web`?

        error[check::unknown-name]: there is no endpoint `stripe.webook`
          --> dir/a.toml:14:22
           |
        14 | [objectives.endpoint."stripe.webook"]
           |                      ^^^^^^^^^^^^^^^ unknown name
           |
           = help: did you mean `stripe.webhook`?

        error[check::unknown-result]: there is no result `postgress.connections`
          --> dir/a.toml:17:1
           |
        17 | "postgress.connections" = { below = 3 }
           | ^^^^^^^^^^^^^^^^^^^^^^^ neither a resource nor a result
           |
           = help: did you mean `postgres.connections`?
        "#,
    );
}

/// Without it, "unknown" is said of a name that stands a few lines above.
#[test]
fn a_name_of_another_kind_says_what_it_is_and_where() {
    check(
        r#"
        system = "coaching"
        duration = "500s"
        [load]
        users = 12
        [[event]]
        at = "1m"
        fault = { lost_connections = { target = "redis" } }
        [[event]]
        at = "1m"
        action = { clear = "postgres" }
        "#,
        &[],
        r#"
        error[check::wrong-kind]: `redis` is a cache, not a database
           --> dir/a.toml:7:41
            |
          7 | fault = { lost_connections = { target = "redis" } }
            |                                         ^^^^^^^ a database is needed here
            |
           ::: coaching:100:8
            |
        100 | [cache.redis]
            |        ^^^^^ declared here

        error[check::wrong-kind]: `postgres` is a database, not a cache
          --> dir/a.toml:10:20
           |
        10 | action = { clear = "postgres" }
           |                    ^^^^^^^^^^ a cache is needed here
           |
          ::: coaching:86:11
           |
        86 | [database.postgres]
           |           ^^^^^^^^ declared here
        "#,
    );
}

/// Without it, a result or a setting by name alone means two things.
#[test]
fn names_of_resources_are_unique_across_kinds() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.database.db]
        [system.cache.db]
        [system.endpoint.job]
        steps = [ { cpu = "1ms" } ]
        "#,
        &[],
        r#"
        error[check::duplicate-name]: `db` names a database and a cache
         --> dir/a.toml:4:15
          |
        3 | [system.database.db]
          |                  -- a database already
        4 | [system.cache.db]
          |               ^^ the same name again
          |
          = help: results and settings need only the name, so it must be unique across kinds
        "#,
    );
}

/// Without it, a step takes the first pool of the file and nobody sees which.
#[test]
fn what_is_left_out_must_have_one_answer() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.database.db]
        query = { read = {} }
        [system.pool.one]
        max = 1
        database = "db"
        [system.pool.two]
        max = 1
        database = "db"
        [system.endpoint.job]
        steps = [ { query = "read" }, { transaction = { steps = [ { query = "read" } ] } }, { llm = { model = "gpt" } } ]
        "#,
        &[],
        r#"
        error[check::ambiguous]: `pool` is needed: there are 2 pools
          --> dir/a.toml:11:18
           |
        11 | [system.endpoint.job]
           |                  ^^^ which one is not said
           |
           = help: say `pool = "…"`, one of `one`, `two`

        error[check::ambiguous]: `pool` is needed: there are 2 pools
          --> dir/a.toml:12:21
           |
        12 | steps = [ { query = "read" }, { transaction = { steps = [ { query = "read" } ] } }, { llm = { model = "gpt" } } ]
           |                     ^^^^^^ which one is not said
           |
           = help: say `pool = "…"`, one of `one`, `two`

        error[check::ambiguous]: `pool` is needed: there are 2 pools
          --> dir/a.toml:12:69
           |
        12 | steps = [ { query = "read" }, { transaction = { steps = [ { query = "read" } ] } }, { llm = { model = "gpt" } } ]
           |                                                                     ^^^^^^ which one is not said
           |
           = help: say `pool = "…"`, one of `one`, `two`

        error[check::unknown-name]: a model is asked, and there is no provider
          --> dir/a.toml:12:103
           |
        12 | steps = [ { query = "read" }, { transaction = { steps = [ { query = "read" } ] } }, { llm = { model = "gpt" } } ]
           |                                                                                                       ^^^^^ whose model?
           |
           = help: declare `[provider.NAME]`
        "#,
    );
}

/// Without it, an endpoint holds slots of a pool in another program.
#[test]
fn a_step_reaches_only_what_its_own_process_has() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.service.web]
        [system.service.worker]
        [system.pool.jobs]
        service = "worker"
        max = 1
        [system.endpoint.job]
        service = "web"
        steps = [
          { take = { from = "jobs", for = "1s" } },
          { later = { service = "worker", steps = [ { take = { from = "jobs", for = "1s" } } ] } },
        ]
        "#,
        &[],
        r#"
        error[check::wrong-service]: `jobs` is in the processes of `worker`, and this runs on `web`
          --> dir/a.toml:11:21
           |
         5 | [system.pool.jobs]
           |              ---- declared here
        ...
        11 |   { take = { from = "jobs", for = "1s" } },
           |                     ^^^^^^ out of reach
        "#,
    );
}

/// Without it, queries cost nothing because their kind is misspelt.
#[test]
fn a_query_needs_a_database_and_a_kind_that_it_has() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.database.db]
        query = { read = { cpu = "1ms" } }
        [system.pooler.bouncer]
        database = "db"
        max = 5
        [system.pool.main]
        max = 5
        database = "bouncer"
        [system.pool.plain]
        max = 5
        [system.endpoint.job]
        steps = [
          { query = "raed" },
          { query = { kind = "read", cpu = "1ms" } },
          { query = { kind = "read", pool = "plain" } },
        ]
        "#,
        &[],
        r#"
        error[check::unknown-name]: `db` has no kind of query `raed`
          --> dir/a.toml:15:13
           |
        15 |   { query = "raed" },
           |             ^^^^^^ unknown name
           |
           = help: did you mean `read`?

        error[file::exclusive-keys]: `system.endpoint.job.steps.1.query` has both `kind` and `cpu`
          --> dir/a.toml:16:36
           |
        16 |   { query = { kind = "read", cpu = "1ms" } },
           |                      ------        ^^^^^ not both
           |                      |
           |                      the other
           |
           = help: it takes one of `kind` and `cpu`

        error[check::wrong-kind]: `plain` has no database, and a query needs one
          --> dir/a.toml:17:37
           |
        11 | [system.pool.plain]
           |              ----- declared here
        ...
        17 |   { query = { kind = "read", pool = "plain" } },
           |                                     ^^^^^^^ plain slots
           |
           = help: give the pool a `database`, or use `take`
        "#,
    );
}

/// Without it, the first request runs for ever.
#[test]
fn calls_in_a_circle_are_shown() {
    check(
        r#"
        duration = "10s"
        load = { rate = 5 }
        [system.flow.visit]
        steps = [ { request = "a" } ]
        [system.endpoint]
        a = { steps = [ { call = "b" } ] }
        b = { steps = [ { choose = [ { steps = [ { call = "c" } ] } ] } ] }
        c = { steps = [ { later = [ { call = "a" } ] } ] }
        "#,
        &[],
        r#"
        error[check::endless-calls]: endpoints call each other without end: `a` → `b` → `c` → `a`
         --> dir/a.toml:8:38
          |
        8 | c = { steps = [ { later = [ { call = "a" } ] } ] }
          |                                      ^^^ this call closes the circle
        "#,
    );
}

/// Without it, one of two loads is silently left out.
#[test]
fn a_load_says_how_many_come_in_one_way() {
    check(
        r#"
        duration = "1m"
        [load]
        rate = 5
        users = 50
        [source.other]
        phase = [ { duration = "1m", rate = 5, users = 3 }, { name = "x", duration = "1m" } ]
        [source.load]
        every = "0s"
        day = {}
        [[event]]
        at = "1s"
        when = { alert = "x" }
        [[event]]
        at = "2h"
        fault = { crash = { target = "web" } }
        [system.pool.servers]
        max = 1
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[],
        r#"
        error[file::exclusive-keys]: `load` has both `rate` and `users`
         --> dir/a.toml:4:9
          |
        3 | rate = 5
          |        - the other
        4 | users = 50
          |         ^^ not both
          |
          = help: it takes one of `rate`, `users`, `registered`, `phase`, `at`, `every` and `trace`

        error[file::exclusive-keys]: `source.other.phase.0` has both `rate` and `users`
         --> dir/a.toml:6:48
          |
        6 | phase = [ { duration = "1m", rate = 5, users = 3 }, { name = "x", duration = "1m" } ]
          |                                     -          ^ not both
          |                                     |
          |                                     the other
          |
          = help: it takes one of `rate`, `users`, `registered` and `sessions`

        error[file::missing-key]: `source.other.phase.1` needs exactly one of `rate`, `users`, `registered` and `sessions`
         --> dir/a.toml:6:53
          |
        6 | phase = [ { duration = "1m", rate = 5, users = 3 }, { name = "x", duration = "1m" } ]
          |                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ none of them is here

        error[file::out-of-range]: a session every 0 s never ends
         --> dir/a.toml:7:1
          |
        7 | [source.load]
          | ^^^^^^^^^^^^^ `every` must be above zero

        error[check::duplicate-name]: a source cannot be called `load`: results call `[load]` so
         --> dir/a.toml:7:9
          |
        7 | [source.load]
          |         ^^^^ another name is needed

        error[file::useless-key]: `source.load` has `day` without `registered` or `phase`
         --> dir/a.toml:9:7
          |
        9 | day = {}
          |       ^^ the rhythm is that of a registered population

        error[file::missing-key]: `event.0` needs exactly one of `fault` and `action`
          --> dir/a.toml:10:1
           |
        10 | [[event]]
           | ^^^^^^^^^ none of them is here

        error[file::exclusive-keys]: `event.0` has both `at` and `when`
          --> dir/a.toml:12:8
           |
        11 | at = "1s"
           |      ---- the other
        12 | when = { alert = "x" }
           |        ^^^^^^^^^^^^^^^ not both
           |
           = help: it takes one of `at` and `when`

        error[check::unknown-name]: there is no alert rule `x`
          --> dir/a.toml:12:18
           |
        12 | when = { alert = "x" }
           |                  ^^^ unknown name
           |
           = help: no alert rule is declared

        error[check::too-late]: an event at 2 h comes after the end
          --> dir/a.toml:14:6
           |
        14 | at = "2h"
           |      ^^^^ the run and its drain end at 11 min

        error[check::unknown-name]: there is no service `web`
          --> dir/a.toml:15:30
           |
        15 | fault = { crash = { target = "web" } }
           |                              ^^^^^ unknown name
           |
           = help: no service is declared
        "#,
    );
}

/// Without it, a pool can never be what its file says.
#[test]
fn a_low_bound_above_the_high_one_marks_both() {
    check(
        r#"
        duration = "1m"
        load = { users = 5 }
        measure = { from = "50s", to = "40s" }
        [system.pool.servers]
        max = 1
        min = 4
        [system.service.web]
        scaling = { on = true, min = 2 }
        [system.database.db]
        max_connections = 10
        others = 7
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[],
        r#"
        error[file::range-inverted]: `measure`: `from` is above `to`
         --> dir/a.toml:3:32
          |
        3 | measure = { from = "50s", to = "40s" }
          |                    -----       ^^^^^ at most 40 s
          |                    |
          |                    at least 50 s

        error[file::range-inverted]: `system.pool.servers`: `min` is above `max`
         --> dir/a.toml:5:7
          |
        5 | max = 1
          |       ^ at most 1
        6 | min = 4
          |       - at least 4

        error[file::missing-key]: `system.service.web.scaling` is on and has no target
         --> dir/a.toml:8:18
          |
        8 | scaling = { on = true, min = 2 }
          |                  ^^^^ it would never act
          |
          = help: give `cpu`, `memory` or both a target, as in `cpu = 0.7`

        error[file::range-inverted]: `system.service.web.scaling`: `min` is above `max`
         --> dir/a.toml:8:30
          |
        8 | scaling = { on = true, min = 2 }
          |                              ^ at least 2
          |
          = help: `max` is 1 when it is left out

        error[file::range-inverted]: `system.database.db` has no connection left for the application
          --> dir/a.toml:10:19
           |
        10 | max_connections = 10
           |                   ^^ 10 in all
           |
           = help: `reserved` and `others` take 10 of 10
        "#,
    );
}

/// Without it, it is found out by a run that never ends.
#[test]
fn a_run_too_large_is_refused_with_the_arithmetic() {
    check(
        r#"
        duration = "300d"
        load = { rate = 1000 }
        measure = { window = "1s", from = "301d", at = [ "302d" ] }
        [system.pool.servers]
        max = 1
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[],
        r#"
        error[check::too-large]: about 25,920,000,000 sessions would come in 300 d
         --> dir/a.toml:2:8
          |
        2 | load = { rate = 1000 }
          |        ^^^^^^^^^^^^^^^ this load
          |
          = help: a run has at most 1,000,000,000; shorten it or lower the load

        error[check::too-large]: the timeline would have 25,920,600 rows
         --> dir/a.toml:3:22
          |
        3 | measure = { window = "1s", from = "301d", at = [ "302d" ] }
          |                      ^^^^ at most 1,000,000: a longer window is needed

        error[check::too-late]: nothing would be measured: `measure.from` is not before the end
         --> dir/a.toml:3:35
          |
        3 | measure = { window = "1s", from = "301d", at = [ "302d" ] }
          |                                   ^^^^^^ the run ends at 300 d

        error[check::too-late]: a snapshot at 302 d comes after the end
         --> dir/a.toml:3:50
          |
        3 | measure = { window = "1s", from = "301d", at = [ "302d" ] }
          |                                                  ^^^^^^ the run and its drain end at 300 d
        "#,
    );
}

/// Without it, an objective of nothing is always met.
#[test]
fn objectives_are_of_what_there_is() {
    check(
        r#"
        duration = "1m"
        load = { rate = 1 }
        [objectives]
        p95 = 2
        errors = { rate_limitd = 3 }
        [objectives.phase.after]
        cost_month = 2.0
        [objectives.metric]
        "servers.utilization" = { above = 0.9, below = 0.5 }
        [system.pool.servers]
        max = 1
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[],
        r#"
        error[file::missing-unit]: `objectives.p95` needs a unit
         --> dir/a.toml:4:7
          |
        4 | p95 = 2
          |       ^ a number alone
          |
          = help: units are `ns`, `us`, `ms`, `s`, `m` (minutes), `h` and `d`, as in "250ms", "5s" or "15m"

        error[file::unknown-key]: `objectives.errors` has no cause `rate_limitd`
         --> dir/a.toml:5:12
          |
        5 | errors = { rate_limitd = 3 }
          |            ^^^^^^^^^^^ unknown cause
          |
          = help: did you mean `rate_limited`?

        error[check::unknown-name]: there is no phase `after`
         --> dir/a.toml:6:19
          |
        6 | [objectives.phase.after]
          |                   ^^^^^ unknown name
          |
          = help: no phase is declared

        error[file::useless-key]: `cost_month` is of the whole run, not of one phase
         --> dir/a.toml:7:14
          |
        7 | cost_month = 2.0
          |              ^^^ not here

        error[file::range-inverted]: `objectives.metric."servers.utilization"` can never hold: nothing is above 0.9 and below 0.5
         --> dir/a.toml:9:48
          |
        9 | "servers.utilization" = { above = 0.9, below = 0.5 }
          |                                                ^^^ too low, or `above` too high
        "#,
    );
}

/// Without it, one does not learn which file was looked for.
#[test]
fn a_system_or_file_that_cannot_be_had_is_named() {
    check(
        r#"
        system = "caoching"
        duration = "1m"
        load = { trace = { file = "arrivals.csv" } }
        "#,
        &[],
        r#"
        error[check::unknown-name]: there is no system `caoching`
         --> dir/a.toml:1:10
          |
        1 | system = "caoching"
          |          ^^^^^^^^^^ unknown name
          |
          = help: did you mean `coaching`?

        error[file::unreadable]: `load.trace.file`: `dir/arrivals.csv` cannot be read: no such file
         --> dir/a.toml:3:27
          |
        3 | load = { trace = { file = "arrivals.csv" } }
          |                           ^^^^^^^^^^^^^^ this file
        "#,
    );
}

/// Without it, a mistake in line 4,711 of a file is searched for by hand.
#[test]
fn a_file_of_numbers_is_marked_in_that_file() {
    check(
        r#"
        duration = "1m"
        [source.a]
        trace = { file = "arrivals.csv" }
        [source.b]
        trace = { file = "rows.csv" }
        [system.pool.servers]
        max = 1
        [system.flow.one]
        steps = [ { request = "job" } ]
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = { dist = "empirical", file = "draws.txt" } } } ]
        "#,
        &[
            ("dir/draws.txt", "1.5\n# comment\n2\nthree\n"),
            ("dir/arrivals.csv", "at,flow,clas\n1,one,x\n"),
            ("dir/rows.csv", "at,flow\n1,one\n2,two\nsoon,one\n3\n"),
        ],
        r#"
        error[trace::columns]: `arrivals.csv` has an unknown column: `clas`
         --> dir/arrivals.csv:1:9
          |
        1 | at,flow,clas
          |         ^^^^ unknown column
          |
          = help: did you mean `class`?

        error[trace::bad-value]: a time must be a number of seconds, or text with a unit
         --> dir/rows.csv:4:1
          |
        4 | soon,one
          | ^^^^ this is neither

        error[trace::columns]: a row of `rows.csv` has 1 columns instead of 2
         --> dir/rows.csv:5:1
          |
        5 | 3
          | ^ this row

        error[file::bad-number]: `draws.txt` must hold one number a line, none below zero
         --> dir/draws.txt:4:1
          |
        4 | three
          | ^^^^^ this line
        "#,
    );
}

/// Without it, half of a recorded day is left out without a word.
#[test]
fn a_trace_names_what_there_is() {
    check(
        r#"
        duration = "1m"
        load = { trace = { file = "arrivals.csv" } }
        [system.flow.one]
        steps = [ { request = "job" } ]
        [system.pool.servers]
        max = 1
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[("dir/arrivals.csv", "at,flow\n1,one\n2,tow\n")],
        r#"
        error[check::unknown-name]: `arrivals.csv` names a flow `tow`, and there is none
         --> dir/a.toml:2:27
          |
        2 | load = { trace = { file = "arrivals.csv" } }
          |                           ^^^^^^^^^^^^^^ in this file
          |
          = help: there are: `one`
        "#,
    );
}
