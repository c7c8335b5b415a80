//! What exactly is said about loads, objectives and files that cannot be run: each test is a file and the whole answer.

use super::check;

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

/// Else somebody mends the file's mistakes one by one, and meets those of an event's settings last.
#[test]
fn mistakes_in_what_an_event_sets_are_told_beside_the_others() {
    check(
        r#"
        duration = "1m"
        [load]
        rate = 5
        [[event]]
        at = "10s"
        fault = { crash = { target = "web" } }
        [[event]]
        at = "20s"
        action = { set = { "servers.mx" = 2 } }
        [system.pool.servers]
        max = 1
        [system.endpoint.job]
        steps = [ { take = { from = "servers", for = "1s" } } ]
        "#,
        &[],
        r#"
        error[check::unknown-name]: there is no service `web`
         --> dir/a.toml:6:30
          |
        6 | fault = { crash = { target = "web" } }
          |                              ^^^^^ unknown name
          |
          = help: no service is declared

        error[file::unknown-key]: `pool.servers` has no key `mx`
         --> dir/a.toml:9:20
          |
        9 | action = { set = { "servers.mx" = 2 } }
          |                    ^^^^^^^^^^^^ unknown key
          |
          = help: did you mean `max`?
        "#,
    );
}
