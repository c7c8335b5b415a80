//! Who a limiter takes somebody for: behind a proxy that is not trusted, and before and after signing in; and what
//! opening connections costs a database. Each on a system small enough to know the answer by hand.

use highwater_tests::run::{plan, run};

/// A hundred people, each from an address of its own, one request each; ten allowed for each address.
fn refused_behind_proxy(service: &str) -> f64 {
    let text = format!(
        r#"
title        = "a hundred people behind a proxy"
duration     = "60s"
replications = 2

[load]
every = "500ms"

[system.service.web]
runtime = "ideal"
{service}

[system.limiter.edge]
key  = "ip"
rule = {{ fixed_window = {{ limit = 10, per = "15m" }} }}

[system.endpoint.page]
steps = [ {{ limit = "edge" }} ]

[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    );
    run(&plan(&text))
        .summary
        .figures
        .value(&["errors", "by_cause", "rate_limited"])
}

// Lost if broken: the defect that makes all users share one bucket, which no test of the limiter alone can show.
#[test]
fn behind_a_proxy_that_is_not_trusted_everybody_shares_the_proxys_addresses() {
    let trusted = refused_behind_proxy("");
    assert!(trusted.is_nan() || trusted == 0.0, "each has an address: {trusted}");
    // One every half second after the first half second and before the end: 119 requests, one address, ten let through.
    let one = refused_behind_proxy("trust_proxy = false\nproxy_addresses = 1");
    assert_eq!(one, 109.0);
    // Four addresses let forty through, whichever way people fall on them: each gets far more than ten.
    let four = refused_behind_proxy("trust_proxy = false\nproxy_addresses = 4");
    assert_eq!(four, 79.0);
}

// Lost if broken: limits by user that count everybody behind one address until they have signed in.
#[test]
fn a_limiter_by_user_counts_the_address_until_the_session_has_signed_in() {
    let text = r#"
title        = "nineteen people behind one address"
duration     = "60s"
replications = 2

[load]
every     = "3s"
ips       = 1
signed_in = 0.0

[system.service.web]
runtime = "ideal"

[system.limiter.chat]
key  = "user"
rule = { fixed_window = { limit = 5, per = "15m" } }

[system.endpoint.before]
steps = [ { limit = "chat" } ]

[system.endpoint.sign-in]
signs_in = true
steps    = [ { io = "1ms" } ]

[system.endpoint.after]
steps = [ { limit = "chat" } ]

[system.flow.one]
steps = [ { request = "before" }, { request = "sign-in" }, { request = "after" } ]
"#;
    let figures = run(&plan(text)).summary.figures;
    let failed = |endpoint: &str| figures.value(&["endpoints", endpoint, "requests", "failed"]);
    assert_eq!(figures.value(&["endpoints", "before", "requests", "offered"]), 19.0);
    assert_eq!(failed("before"), 14.0, "nineteen from one address, five let through");
    assert_eq!(failed("after"), 0.0, "signed in, each is somebody else");
}

// Lost if broken: connection storms that cost the database nothing.
#[test]
fn opening_connections_takes_work_from_the_databases_cores() {
    let busy = |connect_cpu: &str| {
        let text = format!(
            r#"
title        = "a connection for each query"
duration     = "100s"
replications = 2

[load]
every = "100ms"

[system.service.web]
runtime = "ideal"

[system.pool.connections]
database     = "store"
max          = 5
idle_timeout = "10ms"

[system.database.store]
cores       = 1.0
connect     = "1ms"
connect_cpu = "{connect_cpu}"
query.get   = {{ cpu = "10ms" }}

[system.endpoint.page]
steps = [ {{ query = "get" }} ]

[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
        );
        run(&plan(&text)).summary.figures.value(&["resources", "store", "cpu"])
    };
    // Ten queries a second of 10 ms each, and ten connections of 20 ms each: a tenth, and two tenths more. The run
    // measures 999 or 1,000 of each, as the last one may fall on its very end.
    assert!((busy("0s") - 0.1).abs() <= 0.0002, "{}", busy("0s"));
    assert!((busy("20ms") - 0.3).abs() <= 0.0005, "{}", busy("20ms"));
}
