//! One input, two drivers: what a simulation sends to its balancer goes through the platform that the reference server
//! runs, on a virtual clock and with parts that answer at once. Every attempt has the same end, for the same cause, in the
//! same process, after the same time in each stage, to the nanosecond; and limits and caches decide the same.

mod play;

use play::{SEED, agree};

/// What every case asks for: everybody comes once and asks for one thing.
fn one_by_one(rate: f64, system: &str) -> String {
    format!(
        r#"
duration = "60s"
seed     = {SEED}
[load]
rate = {rate:?}
[system.flow.one]
steps = [ {{ request = "job" }} ]
{system}"#
    )
}

/// Somebody whose way here and back takes time, and who waits for so long.
const CLIENT: &str = r#"
[system.client.browser]
rtt     = { dist = "lognormal", p50 = "40ms", p95 = "120ms" }
timeout = "2s"
"#;

#[test]
fn an_event_loop_at_95_percent() {
    let text = one_by_one(
        95.0,
        r#"
[system.service.web]
runtime = "node"
cores   = 0.5
loop    = { start = "0.1ms", reply = "0.2ms" }
[system.endpoint.job]
steps = [ { cpu = { dist = "exponential", mean = "3ms" } }, { io = "5ms" }, { cpu = { dist = "exponential", mean = "1.5ms" } } ]
"#,
    );
    let (ended, causes) = agree(&text);
    assert!(ended > 4000 && causes["useful"] == ended, "{causes:?}");
}

#[test]
fn a_pool_at_110_percent() {
    // Five connections for 20 ms each serve 250 a second, less what the loop takes.
    let text = one_by_one(
        275.0,
        r#"
[system.service.web]
runtime = "node"
cores   = 2
loop    = { start = "0.05ms", reply = "0.05ms" }
[system.database.postgres]
cores           = 1
max_connections = 20
connect         = { dist = "lognormal", p50 = "10ms", p95 = "30ms" }
connect_cpu     = "2ms"
rtt             = { dist = "exponential", mean = "0.7ms" }
[system.database.postgres.query]
row = { cpu = { dist = "exponential", mean = "0.5ms" }, wait = { dist = "exponential", mean = "18ms" } }
[system.pool.connections]
database     = "postgres"
max          = 5
idle_timeout = "1s"
timeout      = "500ms"
waiters      = 100
[system.endpoint.job]
steps = [ { cpu = "0.2ms" }, { query = "row" } ]
"#,
    );
    let (_, causes) = agree(&text);
    assert!(
        causes["pool_timeout"] + causes.get("queue_full").unwrap_or(&0) > 500,
        "{causes:?}"
    );
    assert!(causes["useful"] > 10_000, "{causes:?}");
}

#[test]
fn two_pools_that_do_not_fit_into_the_database() {
    let text = one_by_one(
        120.0,
        r#"
[system.service.web]
runtime   = "node"
cores     = 1
instances = 2
[system.database.postgres]
cores           = 0.5
max_connections = 25
reserved        = 3
connect         = { dist = "lognormal", p50 = "10ms", p95 = "30ms" }
connect_cpu     = "2ms"
rtt             = "0.7ms"
[system.database.postgres.query]
row = { cpu = { dist = "exponential", mean = "3ms" }, wait = "120ms" }
[system.pool.connections]
database     = "postgres"
max          = 20
timeout      = "1s"
idle_timeout = "2s"
max_uses     = 50
[system.endpoint.job]
steps = [ { query = "row" } ]
"#,
    );
    let (_, causes) = agree(&text);
    assert!(causes["connection_refused"] > 100, "{causes:?}");
}

#[test]
fn a_queue_to_a_model_with_priorities() {
    let text = r#"
duration = "60s"
seed     = 7
[load]
rate = 9.0
client = "browser"
[system.class.premium]
share = 0.2
[system.class.free]
share = 0.8
[system.client.browser]
rtt     = { dist = "lognormal", p50 = "40ms", p95 = "120ms" }
timeout = "20s"
[system.service.web]
runtime = "node"
cores   = 1
loop    = { start = "0.1ms", reply = "0.2ms" }
[system.queue.ai]
concurrency  = 10
interval     = "10s"
interval_cap = 70
priority     = { premium = 10, free = 0 }
timeout      = { dist = "exponential", mean = "8s" }
waiters      = 60
[system.provider.openai]
requests_per_minute = 400
tokens_per_minute   = 300000
burst               = 20
fails               = 0.05
timeout             = "6s"
retry               = { max = 2, wait = { base = "500ms", factor = 2.0, cap = "8s", jitter = "down_25" }, honour_retry_after = true }
retry_budget        = 0.3
breaker             = { failures = 8, window = "5s", open_for = "2s" }
concurrent          = 9
[system.provider.openai.model.chat]
first_token = { dist = "lognormal", p50 = "0.3s", p95 = "1s" }
per_token   = { dist = "lognormal", mean = "8ms", cv = 0.2 }
[system.flow.one]
steps = [ { request = "job" }, { think = "2s" }, { request = "job" } ]
[system.endpoint.job]
steps = [ { cpu = "4ms" }, { llm = { provider = "openai", queue = "ai", model = "chat", prompt = { dist = "lognormal", mean = 700, cv = 0.8 }, answer = { dist = "lognormal", mean = 100, cv = 0.6 }, history = "all" } } ]
"#;
    let (_, causes) = agree(text);
    for cause in ["queue_timeout", "llm_rate_limited", "llm_error", "useful"] {
        assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
    }
}

#[test]
fn a_streamed_answer_and_jobs_that_run_for_too_long() {
    let text = r#"
duration = "60s"
seed     = 7
[load]
rate = 3.0
[system.service.web]
runtime = "node"
cores   = 1
loop    = { start = "0.1ms", reply = "0.2ms" }
[system.queue.ai]
concurrency = 4
run_timeout = "2s"
[system.provider.openai]
timeout = "4s"
[system.provider.openai.model.chat]
first_token = { dist = "lognormal", p50 = "0.6s", p95 = "3s" }
per_token   = { dist = "lognormal", mean = "8ms", cv = 0.2 }
[system.database.postgres]
max_connections = 25
cores = 1
[system.pool.connections]
database = "postgres"
max      = 5
[system.flow.one]
steps = [ { request = "job" } ]
[system.endpoint.job]
steps = [ { llm = { provider = "openai", queue = "ai", model = "chat", stream = true, chunk_cpu = "0.2ms", prompt = 100, answer = { dist = "lognormal", mean = 100, cv = 0.6 } } }, { query = { cpu = "1ms" } } ]
"#;
    let (_, causes) = agree(text);
    assert!(causes["useful"] > 50 && causes["queue_timeout"] > 10, "{causes:?}");
}

#[test]
fn limiters_from_one_and_many_addresses() {
    let text = r#"
duration = "60s"
seed     = 7
[load]
rate = 40.0
people = { count = 60, pick = "even" }
people_per_ip = 3
client = "browser"
[system.client.browser]
rtt = { dist = "lognormal", p50 = "40ms", p95 = "120ms" }
[system.service.web]
runtime   = "node"
cores     = 1
instances = 2
before    = [ { cpu = "0.3ms" }, { limit = "per-ip" } ]
[system.cache.redis]
rtt = "1ms"
[system.limiter.per-ip]
key  = "ip"
rule = { fixed_window = { limit = 30, per = "10s" } }
[system.limiter.by-user]
key  = "user"
rule = { sliding_window = { limit = 12, per = "5s" } }
[system.limiter.shared]
key   = "user"
store = "redis"
rule  = { token_bucket = { rate = 0.5, burst = 5 } }
[system.limiter.shaped]
key  = "all"
over = "wait"
rule = { token_bucket = { rate = 20.0, burst = 3 } }
[system.flow.one]
steps = [ { request = "job" }, { think = "1s" }, { request = "job" } ]
[system.endpoint.job]
steps = [ { limit = "by-user" }, { limit = "shared" }, { limit = "shaped" }, { cpu = "1ms" } ]
"#;
    let (_, causes) = agree(text);
    assert!(causes["rate_limited"] > 100 && causes["useful"] > 100, "{causes:?}");
}

#[test]
fn caches_with_one_fetch_at_a_time_and_with_many() {
    let text = format!(
        r#"
duration = "60s"
seed     = {SEED}
[load]
rate = 100.0
people = {{ count = 200, pick = "even" }}
[system.service.web]
runtime = "node"
cores   = 1
instances = 2
loop    = {{ start = "0.1ms", reply = "0.1ms" }}
[system.cache.redis]
rtt = {{ dist = "exponential", mean = "1ms" }}
[system.cache.redis.entry]
profile = {{ key = "user", ttl = "5s" }}
coach   = {{ keys = 40, popularity = {{ zipf = 1.0 }}, ttl = "1s", single_flight = true, spread = 0.3 }}
warmed  = {{ keys = 10, ttl = "20s", warm = true, renew_on_hit = true }}
[system.database.postgres]
cores           = 1
max_connections = 25
[system.pool.connections]
database = "postgres"
max      = 8
[system.flow.one]
steps = [ {{ request = "job" }} ]
[system.endpoint.job]
steps = [
  {{ cache = {{ entry = "profile", miss = [ {{ query = {{ cpu = "2ms", wait = "20ms" }} }} ] }} }},
  {{ cache = {{ entry = "coach", miss = [ {{ query = {{ cpu = "2ms", wait = "50ms" }} }}, {{ fail = 0.1 }} ] }} }},
  {{ cache = {{ entry = "warmed", miss = [ {{ query = {{ cpu = "2ms" }} }} ] }} }},
]
"#
    );
    let (_, causes) = agree(&text);
    assert!(causes["useful"] > 5000 && causes["upstream_error"] > 5, "{causes:?}");
}

#[test]
fn every_kind_of_step() {
    let text = format!(
        r#"
duration = "60s"
seed     = {SEED}
[load]
rate   = 60.0
client = "browser"
{CLIENT}
[system.class.premium]
share = 0.2
[system.class.free]
share = 0.8
[system.service.web]
runtime = "node"
cores   = 1
processes = 2
instances = 2
balance = "random"
loop    = {{ start = "0.1ms", reply = "0.1ms" }}
memory  = {{ base = "100 MB", request = "60 KB" }}
[system.service.worker]
cores   = 1
runtime = "threads"
instances = 2
balance = "least_busy"
[system.database.postgres]
cores           = 1
max_connections = 60
rtt             = "0.5ms"
[system.pool.connections]
service  = "web"
database = "postgres"
max      = 3
timeout  = "60ms"
[system.pool.slots]
service = "web"
max     = 3
timeout = {{ dist = "exponential", mean = "200ms" }}
[system.flow.one]
steps = [ {{ request = "job" }}, {{ think = "100ms" }}, {{ request = "other" }} ]
[system.endpoint.helper]
service = "worker"
steps   = [ {{ cpu = {{ dist = "exponential", mean = "5ms" }} }}, {{ fail = 0.05 }} ]
[system.endpoint.other]
service = "web"
steps   = [
  {{ retry = {{ max = 2, wait = {{ base = "20ms", factor = 2.0, jitter = "full" }}, steps = [ {{ cpu = "1ms" }}, {{ fail = {{ share = 0.3, cause = "query_failed" }} }} ] }} }},
  {{ work = "8ms" }},
  {{ later = [ {{ io = "50ms" }}, {{ query = {{ cpu = "1ms" }} }} ] }},
  {{ later = {{ service = "worker", steps = [ {{ cpu = "4ms" }} ] }} }},
]
[system.endpoint.job]
service = "web"
steps   = [
  {{ cpu = "1ms" }},
  {{ choose = [ {{ weight = 2, steps = [ {{ io = "3ms" }} ] }}, {{ weight = 1, class = "premium", steps = [ {{ cpu = "2ms" }} ] }}, {{ weight = 1, steps = [] }} ] }},
  {{ repeat = {{ times = {{ dist = "geometric", mean = 2 }}, steps = [ {{ query = {{ cpu = "0.5ms", wait = "2ms" }} }} ] }} }},
  {{ transaction = {{ steps = [ {{ query = {{ cpu = "0.5ms" }} }}, {{ parallel = [ [ {{ query = {{ cpu = "1ms" }} }} ], [ {{ io = "4ms" }}, {{ query = {{ cpu = "1ms" }} }} ] ] }} ] }} }},
  {{ hold = {{ size = "1 MB", steps = [ {{ take = {{ from = "slots", for = {{ dist = "exponential", mean = "60ms" }} }} }} ] }} }},
  {{ retry = {{ max = 1, steps = [ {{ call = "helper" }} ] }} }},
  {{ parallel = [ [ {{ call = "helper" }} ], [ {{ io = "10ms" }} ] ] }},
]
"#
    );
    let (_, causes) = agree(&text);
    for cause in ["upstream_error", "pool_timeout", "query_failed", "useful"] {
        assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
    }
}

#[test]
fn deadlines_shedding_and_clients_that_leave() {
    for cancel in [false, true] {
        let text = format!(
            r#"
duration = "60s"
seed     = {SEED}
[load]
rate   = 60.0
client = "browser"
[system.client.browser]
rtt     = {{ dist = "lognormal", p50 = "40ms", p95 = "120ms" }}
timeout = "700ms"
[system.service.web]
runtime  = "node"
cores    = 0.5
loop     = {{ start = "0.1ms", reply = "0.1ms" }}
deadline = "800ms"
cancel   = {cancel}
shed     = {{ loop_delay = "60ms", in_hand = 45, retry_after = "1s" }}
max_in_hand = 50
[system.database.postgres]
cores           = 1
max_connections = 60
[system.pool.connections]
database = "postgres"
max      = 4
[system.queue.jobs]
concurrency = 6
abandoned   = "drop"
[system.flow.one]
steps = [ {{ request = "job" }} ]
[system.endpoint.job]
steps = [
  {{ cpu = {{ dist = "exponential", mean = "5ms" }} }},
  {{ query = {{ cpu = "1ms", wait = {{ dist = "exponential", mean = "40ms" }} }} }},
  {{ take = {{ from = "jobs", steps = [ {{ io = {{ dist = "exponential", mean = "100ms" }} }}, {{ work = "5ms" }} ] }} }},
]
"#
        );
        let (_, causes) = agree(&text);
        for cause in ["shed", "deadline", "client_timeout", "useful"] {
            assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
        }
    }
}

#[test]
fn poolers_of_both_kinds() {
    for mode in ["transaction", "session"] {
        let text = format!(
            r#"
duration = "60s"
seed     = {SEED}
[load]
rate   = 110.0
[system.service.web]
runtime   = "node"
cores     = 1
instances = 3
[system.database.postgres]
cores           = 1
max_connections = 10
rtt             = "0.5ms"
connect         = "15ms"
connect_cpu     = "2ms"
[system.pooler.bouncer]
database = "postgres"
max      = 6
mode     = "{mode}"
clients  = 23
wait     = "400ms"
[system.pool.connections]
database     = "bouncer"
max          = 8
timeout      = "1s"
idle_timeout = "500ms"
[system.flow.one]
steps = [ {{ request = "job" }} ]
[system.endpoint.job]
steps = [
  {{ query = {{ cpu = "2ms", wait = {{ dist = "exponential", mean = "40ms" }} }} }},
  {{ transaction = {{ steps = [ {{ query = {{ cpu = "1ms" }} }}, {{ io = "20ms" }}, {{ query = {{ cpu = "1ms" }} }} ] }} }},
]
"#
        );
        let (_, causes) = agree(&text);
        for cause in ["pool_timeout", "useful"] {
            assert!(
                causes.get(cause).is_some_and(|&count| count > 10),
                "{mode}, {cause}: {causes:?}"
            );
        }
    }
}

#[test]
fn instances_that_crash_restart_and_are_replaced() {
    let text = format!(
        r#"
duration = "120s"
seed     = {SEED}
[load]
rate   = 40.0
client = "browser"
{CLIENT}
[[event]]
at    = "20s"
fault = {{ crash = {{ target = "web" }} }}
[[event]]
at    = "40s"
action.deploy = "web"
[[event]]
at    = "70s"
action.clear = "redis"
[[event]]
at    = "90s"
action.restart = "web"
[system.service.web]
runtime   = "node"
cores     = 0.5
instances = 3
boot      = {{ dist = "exponential", mean = "6s" }}
health    = {{ endpoint = "ping", every = "2s", timeout = "1s", out_after = "3s", restart_after = "30s" }}
deploy    = {{ overlap = "5s", shutdown = "2s" }}
[system.limiter.edge]
key  = "ip"
rule = {{ fixed_window = {{ limit = 2, per = "1h" }} }}
[system.cache.redis]
rtt = "1ms"
[system.cache.redis.entry]
page = {{ keys = 100, ttl = "1h" }}
[system.database.postgres]
max_connections = 25
cores           = 1
connect         = "15ms"
[system.pool.connections]
database = "postgres"
max      = 6
timeout  = "2s"
[system.flow.one]
steps = [ {{ request = "page" }}, {{ think = "2s" }}, {{ request = "page" }}, {{ think = "2s" }}, {{ request = "page" }} ]
[system.endpoint]
ping.steps = [ {{ cpu = "1ms" }}, {{ query = {{ cpu = "1ms" }} }} ]
page.steps = [
  {{ limit = "edge" }},
  {{ cpu = {{ dist = "exponential", mean = "6ms" }} }},
  {{ cache = {{ entry = "page", miss = [ {{ query = {{ cpu = "1ms", wait = "30ms" }} }} ] }} }},
  {{ query = {{ cpu = "0.5ms", wait = {{ dist = "exponential", mean = "50ms" }} }} }},
  {{ later = [ {{ io = "3s" }}, {{ query = {{ cpu = "1ms" }} }} ] }},
  {{ io = {{ dist = "exponential", mean = "700ms" }} }},
]
"#
    );
    let (_, causes) = agree(&text);
    for cause in ["instance_lost", "no_instance", "rate_limited", "useful"] {
        assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
    }
}

#[test]
fn memory_that_runs_out_under_an_autoscaler() {
    let text = format!(
        r#"
duration = "180s"
seed     = {SEED}
[load]
rate   = {{ from = 10, to = 60 }}
client = "browser"
{CLIENT}
[system.service.web]
runtime   = "node"
plan      = "starter"
boot      = "12s"
memory    = {{ base = "110 MB", request = "60 KB", heap = "300 MB" }}
[system.service.web.scaling]
on     = true
min    = 1
max    = 6
cpu    = 0.6
memory = 0.8
every  = "5s"
window = "15s"
down   = "30s"
[system.flow.one]
steps = [ {{ request = "page" }}, {{ think = "1s" }}, {{ request = "upload" }} ]
[system.endpoint]
page.steps   = [ {{ cpu = {{ dist = "exponential", mean = "8ms" }} }}, {{ hold = {{ size = "2 MB", steps = [ {{ io = {{ dist = "exponential", mean = "2s" }} }} ] }} }} ]
upload.steps = [ {{ hold = "5 MB" }}, {{ cpu = "3ms" }}, {{ io = {{ dist = "exponential", mean = "1500ms" }} }} ]
"#
    );
    let (_, causes) = agree(&text);
    for cause in ["out_of_memory", "useful"] {
        assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
    }
}

#[test]
fn one_line_before_all_instances() {
    let text = one_by_one(
        30.0,
        r#"
[system.service.web]
runtime     = "threads"
cores       = 2
cpu_limit   = "share"
instances   = 3
balance     = "shared_line"
max_in_hand = 2
deadline    = "900ms"
[system.endpoint.job]
steps = [ { cpu = { dist = "exponential", mean = "150ms" } }, { work = "20ms" }, { io = { dist = "exponential", mean = "40ms" } } ]
"#,
    );
    let (_, causes) = agree(&text);
    assert!(causes["useful"] > 1000 && causes["deadline"] > 10, "{causes:?}");
}

#[test]
fn money_and_commands_that_run_out_and_levels_of_degradation() {
    let text = format!(
        r#"
duration = "60s"
seed     = {SEED}
[load]
rate = {{ from = 2, to = 40 }}
[system.service.web]
runtime = "node"
cores   = 0.5
[system.cache.redis]
rtt              = "1ms"
commands_per_day = 1000
down             = "miss"
[system.cache.redis.entry]
page = {{ keys = 50, ttl = "3s" }}
[system.limiter.edge]
key        = "all"
store      = "redis"
store_down = "allow"
rule       = {{ fixed_window = {{ limit = 15, per = "1s" }} }}
[system.provider.openai]
spend_limit = 1.5
use         = {{ chat = "large" }}
[system.provider.openai.model.large]
latency   = {{ dist = "lognormal", p50 = "0.5s", p95 = "2s" }}
price_in  = 30.0
price_out = 60.0
[system.provider.openai.model.small]
latency   = {{ dist = "lognormal", p50 = "0.2s", p95 = "0.5s" }}
price_in  = 1.0
price_out = 2.0
[system.degradation]
every = "2s"
hysteresis = 0.2
hold = "4s"
[[system.degradation.level]]
name  = "high"
above = {{ in_hand = 30, cpu = 0.9 }}
off   = [ "extra" ]
set   = {{ "openai.use.chat" = "small" }}
[[system.degradation.level]]
name  = "elevated"
above = {{ cpu = 0.4 }}
set   = {{ "openai.use.chat" = "small" }}
[system.flow.one]
steps = [ {{ request = "job" }}, {{ think = "1s" }}, {{ request = "more" }} ]
[system.endpoint.more]
feature = "extra"
steps   = [ {{ cpu = "10ms" }} ]
[system.endpoint.job]
steps = [
  {{ limit = "edge" }},
  {{ cpu = {{ dist = "exponential", mean = "10ms" }} }},
  {{ cache = {{ entry = "page", miss = [ {{ io = "5ms" }} ] }} }},
  {{ feature = {{ name = "extra", steps = [ {{ cpu = "3ms" }} ], else = [ {{ io = "1ms" }} ] }} }},
  {{ llm = {{ model = "chat", prompt = 1000, answer = {{ dist = "exponential", mean = 200 }} }} }},
]
"#
    );
    let (_, causes) = agree(&text);
    for cause in ["llm_quota", "feature_off", "rate_limited", "useful"] {
        assert!(causes.get(cause).is_some_and(|&count| count > 0), "{cause}: {causes:?}");
    }
}

/// A minute of the bundled product under a load that rises to so many people.
fn coaching(users: u32, more: &str) -> String {
    format!(
        r#"
duration = "60s"
seed     = {SEED}
system   = "coaching"
{more}
[load]
people        = {{ count = 50000, pick = "even" }}
people_per_ip = 1.3
flow          = {{ chat = 8, voice = 1, visit = 1 }}
client        = "browser"
[[load.phase]]
name     = "rise"
duration = "60s"
users    = {{ from = 50, to = {users} }}
"#
    )
}

#[test]
fn the_bundled_product_in_a_viral_spike() {
    let settings = "[set]\n\"web.plan\" = \"pro\"\n\"web.instances\" = 2\n\"web.scaling.on\" = true\n\"redis.plan\" = \"standard\"";
    let (ended, causes) = agree(&coaching(2000, settings));
    assert!(ended > 1000, "{causes:?}");
}

#[test]
fn the_bundled_product_as_its_code_is_written() {
    let (ended, causes) = agree(&coaching(300, "profile = \"as_written\""));
    assert!(ended > 100 && causes.contains_key("rate_limited"), "{causes:?}");
}

#[test]
fn the_bundled_product_with_its_protections() {
    let (ended, causes) = agree(&coaching(1000, "profile = \"hardened\""));
    assert!(ended > 500, "{causes:?}");
}
