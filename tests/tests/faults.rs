//! Faults and interventions: each on a small system whose answer is known by hand.
//!
//! Arrivals are evenly spaced and times constant wherever the answer is exact; where they are not, the bound says why.

use highwater_models::Cause;
use highwater_models::file::{NoFiles, Request, load_scenario, render_all};
use highwater_models::record::summary::Recovery;
use highwater_program::variants;
use highwater_sim::experiment::{Options, Outcome};
use highwater_tests::run::{plan, replicate, run_with};

fn run(text: &str) -> Outcome {
    let options = Options {
        replications: Some(1),
        jobs: 1,
        requests: true,
        ..Options::default()
    };
    run_with(&plan(text), &options)
}

/// Seconds at arrival, latency and cause of every request, in order of arrival.
fn requests(outcome: &Outcome) -> Vec<(f64, f64, Option<Cause>)> {
    let rows = &outcome.requests.as_ref().expect("asked for").rows;
    let mut found: Vec<_> = rows.iter().map(|row| (row.at, row.latency, row.cause)).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found
}

fn log(outcome: &Outcome) -> Vec<String> {
    let entries = outcome.summary.log.iter();
    entries
        .map(|entry| format!("{} {}: {}", entry.at, entry.subject, entry.text))
        .collect()
}

#[track_caller]
fn close(found: f64, expected: f64, within: f64) {
    assert!((found - expected).abs() <= within, "{found} instead of {expected}");
}

/// A provider that takes a second, asked ten times a second through a queue of twenty places: a capacity of 20 a second.
const LLM: &str = r#"
[load]
rate    = 10.0
spacing = "even"
[system.queue.jobs]
concurrency = 20
[system.provider.openai]
retry   = { max = 0 }
timeout = "600s"
[system.provider.openai.model.quick]
latency = "1s"
[system.provider.openai.model.slow]
latency = "4s"
[system.endpoint.ask]
steps = [ { llm = { queue = "jobs", model = "quick" } } ]
[system.flow.one]
steps = [ { request = "ask" } ]
"#;

// Lost if broken: how long a system takes to work off what came while it was slow.
#[test]
fn a_backlog_drains_at_the_rate_that_is_left() {
    // Ten times slower for 30 s: those that begin in it take 10 s each. From 60 s on 20 places take 10 s: the first 20
    // begin at once (two seconds' worth), then nobody before 70 s, then 20 every 10 s: at 70, 80 and, the slowness being
    // over at 90 s, at 90 s at the old speed again.
    let text = format!(
        "duration = \"300s\"\ndrain = \"60s\"\n{LLM}\n[[event]]\nat = \"60s\"\n\
         fault = {{ slow = {{ target = \"openai\", factor = 10.0, for = \"30s\" }} }}"
    );
    let outcome = run(&text);
    let rows = requests(&outcome);
    assert!(rows.iter().all(|row| row.2.is_none()));
    // By 90 s 300 have come since 60 s and 60 of them have begun (at 60, 70 and 80 s): 240 wait. They and those who come
    // meanwhile begin at 20 a second from 90 s on: 240 / (20 - 10) = 24 s.
    let last_waiting = rows
        .iter()
        .filter(|row| row.1 > 1.05)
        .map(|row| row.0 + row.1 - 1.0)
        .fold(0.0, f64::max);
    close(last_waiting, 90.0 + 24.0, 1.1);
    assert_eq!(
        log(&outcome),
        [
            "60 openai: takes 10 times as long, for 30 s",
            "90 openai: as fast as usual again"
        ]
    );
}

// Lost if broken: an outage of D leaves a backlog of λD, which drains in λD/(μ-λ); D is the time-out, where calls hang.
#[test]
fn a_hanging_provider_costs_its_callers_their_time_out_and_not_the_outage() {
    // Down for 20 s with a time-out of 30 s. The 10 calls under way and 10 more fill the places by 61 s, and all of them
    // fail at their time-outs, the first ten from 89 to 90 s and the others by 91 s, long after the server is back.
    let text = format!(
        "duration = \"300s\"\ndrain = \"60s\"\n{}\n[[event]]\nat = \"60s\"\n\
         fault = {{ down = {{ target = \"openai\", for = \"20s\", hang = true }} }}",
        LLM.replace("600s", "30s")
    );
    let outcome = run(&text);
    let rows = requests(&outcome);
    let failed: Vec<_> = rows.iter().filter(|row| row.2 == Some(Cause::LlmTimeout)).collect();
    assert_eq!(failed.len(), 20);
    // At 90 s those wait who came from 61 to 89 s, 280; they drain at 20 - 10 a second.
    let last_waiting = rows
        .iter()
        .filter(|row| row.2.is_none() && row.1 > 1.05)
        .map(|row| row.0 + row.1 - 1.0)
        .fold(0.0, f64::max);
    close(last_waiting, 90.0 + 28.0, 1.5);
}

// Lost if broken: a provider that is down is taken for a slow one.
#[test]
fn a_provider_that_is_down_refuses_at_once_and_cuts_what_is_under_way() {
    let text = format!(
        "duration = \"30s\"\n{LLM}\n[[event]]\nat = \"10s\"\n\
         fault = {{ down = {{ target = \"openai\", for = \"5s\" }} }}"
    );
    let rows = requests(&run(&text));
    for (at, latency, cause) in &rows {
        // Half a millisecond of slack: times are sums of rounded gaps.
        if (9.0005..14.9995).contains(at) {
            assert_eq!(*cause, Some(Cause::LlmError), "at {at}");
            close(*latency, (10.0 - at).max(0.0), 0.001);
        } else if !(8.9995..15.0005).contains(at) {
            assert_eq!(*cause, None, "at {at}");
        }
    }
    assert!(rows.len() > 290);
}

/// One service, a cache with client, and a look-up that always hits.
fn cached(client: &str, event: &str) -> String {
    format!(
        r#"
duration = "60s"
drain = "120s"
[load]
rate    = 10.0
spacing = "even"
[system.cache.redis]
rtt    = "1ms"
client = "{client}"
[system.cache.redis.entry.profile]
ttl  = "forever"
warm = true
[system.endpoint.ask]
steps = [ {{ cache = {{ entry = "profile", miss = [ {{ fail = 1.0 }} ] }} }} ]
[system.flow.one]
steps = [ {{ request = "ask" }} ]
[[event]]
at    = "20s"
{event}
"#
    )
}

// Lost if broken: how long a request hangs when the cache is away: not at all, or for ever.
#[test]
fn commands_wait_for_ten_and_a_half_seconds_with_ioredis_5() {
    let down = |seconds: &str| format!("fault = {{ down = {{ target = \"redis\", for = \"{seconds}\" }} }}");
    // Away for 20 s: the line is rejected at the 21st close, 10.5 s after the first; the next rejection would be at
    // 20 + 43 s. The server is back at 40 s; attempts follow 1.05, 1.1, ... s after 30.5 s: sums of 1.05 to 1.45 s are
    // 11.25 s, the one before 9.8 s was refused or not: the first at or after 40 s is at 30.5 + 9.8 = 40.3 s.
    let rows = requests(&run(&cached("ioredis 5", &down("20s"))));
    let mut rejected = 0;
    for (at, latency, cause) in &rows {
        if (20.0005..30.4995).contains(at) {
            assert_eq!(*cause, Some(Cause::CacheUnavailable), "at {at}");
            close(at + latency, 30.5, 1e-6);
            rejected += 1;
        } else if (30.5005..40.2995).contains(at) {
            assert_eq!(*cause, None, "at {at}");
            close(at + latency, 40.301, 1e-6);
        } else if !(19.9995..40.3005).contains(at) {
            assert_eq!(*cause, None, "at {at}");
            close(*latency, 0.001, 1e-6);
        }
    }
    assert!((104..=106).contains(&rejected), "{rejected}");
    // Away for 5 s: nobody is rejected, everybody waits for the attempt after it. Waits of 50 to 700 ms are 5.25 s.
    let rows = requests(&run(&cached("ioredis 5", &down("5s"))));
    assert!(rows.iter().all(|row| row.2.is_none()));
    for (at, latency, _) in rows.iter().filter(|row| (20.0005..25.2495).contains(&row.0)) {
        close(at + latency, 25.251, 1e-6);
    }
}

#[test]
fn ioredis_6_waits_for_more_than_a_minute_and_a_client_without_a_line_not_at_all() {
    let down = "fault = { down = { target = \"redis\", for = \"100s\" } }";
    let rows = requests(&run(&cached("ioredis 6", down)));
    let ended = rows
        .iter()
        .filter(|row| row.2 == Some(Cause::CacheUnavailable))
        .map(|row| row.0 + row.1)
        .fold(0.0, f64::max);
    // 71.35 s and twenty times 0 to 199 ms.
    assert!((20.0 + 71.35..20.0 + 75.4).contains(&ended), "{ended}");
    let rows = requests(&run(&cached("fails_at_once", down)));
    assert!(
        rows.iter()
            .filter(|row| row.0 > 20.001)
            .all(|row| row.2.is_some() && row.1 < 0.001)
    );
}

// Lost if broken: a cache that was emptied goes on answering.
#[test]
fn what_is_emptied_is_empty() {
    let first = |event: &str| {
        let rows = requests(&run(&cached("ioredis 5", event)));
        rows.iter().find(|row| row.2.is_some()).map(|row| row.0)
    };
    close(
        first("fault = { forget = { target = \"redis\" } }").expect("misses"),
        20.0,
        0.11,
    );
    close(first("action = { clear = \"redis\" }").expect("misses"), 20.0, 0.11);
    // Down for two seconds, and empty after it; those who came in it waited and then missed.
    close(first("action = { restart = \"redis\" }").expect("misses"), 20.0, 0.11);
}

/// A pool of plain slots: a second each, so that `max` a second are served.
fn slots(load: &str, events: &str) -> String {
    format!(
        r#"
duration = "60s"
drain = "600s"
{load}
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ {{ take = {{ from = "servers", for = "1s" }} }} ]
[system.flow.one]
steps = [ {{ request = "job" }} ]
[system.alerts.rule]
never = {{ watch = "errors.rate", above = 0.5 }}
{events}
"#
    )
}

// Lost if broken: a limit that is raised in an emergency does nothing before the next restart.
#[test]
fn a_limit_changed_live_takes_hold_and_is_taken_back() {
    let text = slots(
        "[load]\nrate = 3.0\nspacing = \"even\"",
        "[[event]]\nat = \"20s\"\naction = { set = { \"servers.max\" = 5 } }\n\
         [[event]]\nat = \"40s\"\naction = { reset = \"servers.max\" }",
    );
    let outcome = run(&text);
    let rows = requests(&outcome);
    let ended = |from: f64, to: f64| rows.iter().filter(|row| (from..to).contains(&(row.0 + row.1))).count();
    // One a second for 20 s, then five until the 40 who waited are gone, then three; at 40 s back to one.
    assert_eq!(ended(0.5, 20.5), 20);
    assert_eq!(ended(20.5, 25.5), 25);
    close(ended(42.5, 52.5) as f64, 10.0, 0.0);
    assert_eq!(
        log(&outcome),
        ["20 settings: set servers.max = 5", "40 settings: reset servers.max"]
    );
}

// Lost if broken: a queue's concurrency, a database pool's size or a provider's limit changed live does nothing.
#[test]
fn queues_models_and_traffic_change_live() {
    let with = |event: &str| format!("duration = \"120s\"\ndrain = \"60s\"\n{LLM}\n[[event]]\nat = \"60s\"\n{event}");
    // Five places are five a second: of the ten a second half are left, 300 in 60 s, and take 60 s to drain.
    let rows = requests(&run(&with("action = { set = { \"jobs.concurrency\" = 5 } }")));
    let last = rows.last().expect("requests");
    close(last.1, 61.0, 1.1);
    // Another model from now on: what is under way keeps its second. The queue's 20 places make five a second of it.
    let text = with("action = { set = { \"openai.use.chat\" = \"slow\" } }")
        .replace("retry   =", "use = { chat = \"quick\" }\nretry   =")
        .replace("model = \"quick\"", "model = \"chat\"");
    let rows = requests(&run(&text));
    for (at, latency, _) in &rows {
        if *at < 59.9995 {
            close(*latency, 1.0, 1e-6);
        } else if (60.0005..60.9).contains(at) {
            close(*latency, 4.0, 1e-6);
        }
    }
    // Twice as many for ten seconds, evenly.
    let event = "fault = { traffic = { source = \"load\", factor = 2.0, for = \"10s\" } }";
    let rows = requests(&run(&with(event)));
    let came = |from: f64, to: f64| rows.iter().filter(|row| (from..to).contains(&row.0)).count();
    assert_eq!(came(40.05, 50.05), 100);
    assert_eq!(came(60.03, 70.03), 200);
    assert_eq!(came(80.05, 90.05), 100);
    // A rate set to nothing stops everybody.
    let rows = requests(&run(&with("action = { set = { \"load.rate\" = 0.0 } }")));
    assert_eq!(rows.len(), 600);
}

#[test]
fn closed_users_come_and_go_with_their_number() {
    let text = slots(
        "[load]\nusers = 4",
        "[[event]]\nat = \"10s\"\naction = { set = { \"load.users\" = 8 } }\n\
         [[event]]\nat = \"30s\"\nfault = { traffic = { factor = 0.25, for = \"10s\" } }",
    );
    let outcome = run(&text);
    let rows = requests(&outcome);
    // One slot of a second: whoever comes last waits for all who are there.
    let latency_near = |at: f64| {
        let ends = rows
            .iter()
            .filter(|row| (at - 0.6..at + 0.6).contains(&(row.0 + row.1)));
        ends.map(|row| row.1).fold(0.0, f64::max)
    };
    close(latency_near(9.0), 4.0, 0.01);
    close(latency_near(29.0), 8.0, 0.01);
    // From 30 s on two are wanted; the other six end and are not replaced.
    close(latency_near(39.0), 2.0, 0.01);
    close(latency_near(59.0), 8.0, 0.01);
}

// Lost if broken: a setting that would add a step in the middle of somebody's request, or be silently ignored.
#[test]
fn what_cannot_change_during_a_run_is_refused_with_the_reason() {
    let check = |setting: &str| {
        let text = slots(
            "[load]\nrate = 1.0",
            &format!("[[event]]\nat = \"20s\"\naction = {{ set = {{ {setting} }} }}"),
        );
        let loaded = load_scenario(Request::new("a.toml", text), &NoFiles, |_| None);
        let plan = loaded.plan.expect("a plan");
        render_all(&variants::check(&plan), &loaded.sources, false)
    };
    assert_eq!(check("\"servers.max\" = 3, \"servers.timeout\" = \"1s\""), "");
    assert_eq!(check("\"load.rate\" = 3"), "");
    let said = check("\"servers.on\" = false");
    assert!(
        said.contains("error[event::fixed-setting]: `servers.on` cannot change during a run: it adds or removes a part of the system, or moves it"),
        "{said}"
    );
    assert!(check("duration = \"2m\"").contains("it is fixed when a run starts"));
    let said = check("\"endpoint.job.steps\" = [ { io = \"1s\" } ]");
    assert!(said.contains("it adds or removes steps"), "{said}");
    assert_eq!(
        check("\"endpoint.job.steps\" = [ { take = { from = \"servers\", for = \"2s\" } } ]"),
        ""
    );
}

/// A server of 10 a second under 8 a second, whose clients give up after a second and ask again. A spike of arrivals for
/// 10 s.
fn storm(retries: &str) -> String {
    format!(
        r#"
duration = "400s"
drain = "1s"
[load]
rate    = 8.0
client  = "browser"
[objectives]
error_rate = 0.1
[system.client.browser]
timeout    = "2s"
on_timeout = "go_on"
retry      = {{ max = {retries}, wait = {{ base = "100ms", factor = 1.0 }} }}
retry_kinds = [ "query", "mutation" ]
[system.pool.servers]
max = 1
[system.endpoint.job]
steps = [ {{ take = {{ from = "servers", for = "100ms" }} }} ]
[system.flow.one]
steps = [ {{ request = "job" }} ]
[[event]]
at    = "100s"
fault = {{ traffic = {{ factor = 6.0, for = "10s" }} }}
"#
    )
}

// Lost if broken: the one thing that a retry storm is: it outlives its trigger, and without retries it does not.
#[test]
fn a_retry_storm_outlives_its_trigger_and_a_calm_system_comes_back() {
    let recovery = |retries: &str| {
        run_with(
            &plan(&storm(retries)),
            &Options {
                replications: Some(4),
                jobs: 2,
                ..Options::default()
            },
        )
        .summary
        .recovery
    };
    // 380 too many wait at 110 s and nobody is answered in time. Each asks four times: 32 a second for a server of 10.
    assert_eq!(recovery("3"), Recovery::Never);
    // Without retries the backlog of 380 drains in 380 / (10 - 8) = 190 s, give or take; useful answers come back then.
    let Recovery::At(at) = recovery("0") else {
        panic!("a system without retries comes back: {:?}", recovery("0"));
    };
    assert!((250.0..350.0).contains(&at.value), "{at:?}");
}

/// A service with a pool of ten connections, queries of 100 ms that need no core.
fn database(event: &str) -> String {
    format!(
        r#"
duration = "60s"
drain = "60s"
[load]
rate    = 40.0
spacing = "even"
[system.service.web]
[system.pool.db]
database = "postgres"
max      = 10
timeout  = "5s"
[system.database.postgres]
max_connections = 50
connect         = "500ms"
rtt             = "2ms"
downtime        = "4s"
[system.database.postgres.query.row]
wait = "98ms"
[system.endpoint.ask]
steps = [ {{ query = "row" }} ]
[system.flow.one]
steps = [ {{ request = "ask" }} ]
[[event]]
at    = "20s"
{event}
"#
    )
}

// Lost if broken: a database that is restarted fails nothing, or never comes back; the storm of connections after it.
#[test]
fn a_database_that_is_down_fails_queries_and_then_everybody_connects_anew() {
    for event in [
        "action = { restart = \"postgres\" }",
        "fault = { down = { target = \"postgres\", for = \"4s\" } }",
    ] {
        let outcome = run(&database(event));
        let rows = requests(&outcome);
        for (at, latency, cause) in &rows {
            if (19.9505..23.9).contains(at) {
                assert_eq!(*cause, Some(Cause::DatabaseUnavailable), "at {at}");
                // Refused after the way there and back, or cut while under way.
                assert!(*latency <= 0.1, "{at} {latency}");
            } else if !(19.8..24.8).contains(at) {
                assert_eq!(*cause, None, "at {at}");
            }
        }
        // Ten connections were opened at the start, one by one as requests found nothing idle; after the outage again, and
        // every refused attempt counts: one for each request while it was down.
        let connects = outcome.summary.figures.value(&["resources", "db", "connects"]);
        assert!((160.0..190.0).contains(&connects), "{connects}");
        assert!(
            log(&outcome).iter().any(|line| line.contains("down for 4 s")),
            "{:?}",
            log(&outcome)
        );
    }
    let outcome = run(&database("fault = { lost_connections = { target = \"postgres\" } }"));
    let failed = requests(&outcome)
        .iter()
        .filter(|row| row.2 == Some(Cause::DatabaseUnavailable))
        .count();
    // Those under way: 40 a second for 100 ms.
    assert!((3..=5).contains(&failed), "{failed}");
}

// Lost if broken: slow queries or errors of a database, or of a service, go unnoticed.
#[test]
fn slow_and_failing_servers_are_felt() {
    let outcome = run(&database(
        "fault = { slow = { target = \"postgres\", factor = 2.0, for = \"10s\" } }",
    ));
    for (at, latency, _) in requests(&outcome).iter().filter(|row| row.0 > 10.0) {
        // Twice as long for everybody takes twice as many connections, and those are slow to open too.
        if (19.9..26.0).contains(at) {
            continue;
        }
        let expected = if (20.0..29.999).contains(at) { 0.2 } else { 0.1 };
        close(*latency, expected, 1e-6);
    }
    let share = |event: &str, cause: Cause| {
        let rows = requests(&run(&database(event)));
        let there = |row: &&(f64, f64, Option<Cause>)| (20.1..59.9).contains(&row.0);
        let failed = rows.iter().filter(there).filter(|row| row.2 == Some(cause)).count();
        failed as f64 / rows.iter().filter(there).count() as f64
    };
    // 1,592 requests, a standard deviation of 1.1 points; five of them.
    close(
        share(
            "fault = { errors = { target = \"postgres\", share = 0.25 } }",
            Cause::QueryFailed,
        ),
        0.25,
        0.055,
    );
    close(
        share(
            "fault = { errors = { target = \"web\", share = 0.25 } }",
            Cause::UpstreamError,
        ),
        0.25,
        0.055,
    );
    close(
        share(
            "fault = { down = { target = \"web\", for = \"60s\" } }",
            Cause::NoInstance,
        ),
        1.0,
        0.0,
    );
}

// Lost if broken: replications that share compiled variants interfere with each other.
#[test]
fn faults_and_live_settings_give_the_same_bytes_on_any_number_of_threads() {
    let text = format!(
        "{}\n[[event]]\nat = \"30s\"\naction = {{ set = {{ \"db.max\" = 3, \"postgres.query.row.wait\" = {{ dist = \"exponential\", mean = \"90ms\" }} }} }}\n\
         [[event]]\nat = \"40s\"\naction = {{ reset = \"db\" }}\n\
         [[event]]\nat = \"35s\"\nfault = {{ traffic = {{ factor = 3.0, for = \"5s\" }} }}",
        database("fault = { down = { target = \"postgres\", for = \"2s\" } }").replace("spacing = \"even\"", "")
    );
    let run = |jobs: usize| {
        let options = Options {
            replications: Some(4),
            jobs,
            requests: true,
            ..Options::default()
        };
        format!("{:?}", run_with(&plan(&text), &options))
    };
    assert!(run(1) == run(2), "threads differ");
    replicate(&plan(&text), 3).expect("its books close");
}
