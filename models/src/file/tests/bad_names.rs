//! What exactly is said about names that lead nowhere or to several things: each test is a file and the whole answer.

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
