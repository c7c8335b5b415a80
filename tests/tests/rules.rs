//! Rules of the format that only show where two parts meet, each on a system small enough to know the answer by hand.

use highwater_tests::run::{plan, run};

/// Sixty requests, one a second, through a limiter that lets ten through and whose store answers twenty commands.
fn limited_by_a_store(store_down: &str) -> (f64, f64, f64) {
    let text = format!(
        r#"
title        = "a limiter whose store has a quota"
duration     = "60500ms"
replications = 2

[load]
every = "1s"

[system.cache.store]
commands_per_day = 20

[system.limiter.edge]
key        = "all"
rule       = {{ fixed_window = {{ limit = 10, per = "1h" }} }}
store      = "store"
store_down = "{store_down}"

[system.endpoint.page]
steps = [ {{ limit = "edge" }} ]

[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    );
    let figures = run(&plan(&text)).summary.figures;
    let cause = |name: &str| {
        let count = figures.value(&["errors", "by_cause", name]);
        if count.is_nan() { 0.0 } else { count }
    };
    (
        figures.value(&["requests", "useful"]),
        cause("rate_limited"),
        cause("cache_unavailable"),
    )
}

// Lost if broken: whether a limiter whose store is gone lets everybody in or nobody.
#[test]
fn a_limiter_whose_store_refuses_does_what_it_is_told_for_that() {
    assert_eq!(limited_by_a_store("fail"), (10.0, 10.0, 40.0));
    assert_eq!(limited_by_a_store("allow"), (50.0, 10.0, 0.0));
}

// Lost if broken: a look-up inside another's fetch that ends the outer fetch in its stead when its own was refused.
#[test]
fn a_refused_look_up_inside_a_fetch_leaves_the_outer_fetch_alone() {
    // The inner cache answers nothing and counts as a miss. The outer one must still store what was fetched: one miss, and
    // hits from then on.
    let text = r#"
title        = "a cache inside a cache"
duration     = "10500ms"
replications = 2

[load]
every = "1s"

[system.cache.outer]
entry.page = { ttl = "1h" }

[system.cache.inner]
commands_per_day = 0
down             = "miss"
entry.part       = { ttl = "1h" }

[system.endpoint.page]
steps = [ { cache = { entry = "page", miss = [ { cache = { entry = "part", miss = [ { io = "1ms" } ] } } ] } } ]

[system.flow.one]
steps = [ { request = "page" } ]
"#;
    let figures = run(&plan(text)).summary.figures;
    let outer = |name: &str| figures.value(&["resources", "outer", name]);
    assert_eq!((outer("misses"), outer("hits")), (1.0, 9.0));
}

/// What the autoscaler first makes of three cores' worth of work offered to one core, at a target of a half.
fn first_step(signal: &str) -> String {
    let text = format!(
        r#"
title        = "three times too much for one core"
duration     = "20s"
replications = 2

[load]
every = "100ms"

[system.service.web]
runtime = "threads"
cores   = 1.0

[system.service.web.scaling]
on         = true
min        = 1
max        = 20
cpu        = 0.5
signal     = "{signal}"
cap_signal = false

[system.endpoint.page]
steps = [ {{ cpu = "300ms" }} ]

[system.flow.one]
steps = [ {{ request = "page" }} ]
"#
    );
    run(&plan(&text)).summary.log[0].text.clone()
}

// Lost if broken: a signal that sees only a full CPU where the other sees how far too small it is.
#[test]
fn the_autoscaler_reads_busy_time_or_the_work_that_is_asked_for() {
    // Busy is one core of one: twice the target. Asked for is three cores of one: six times.
    let busy = first_step("busy");
    let demand = first_step("demand");
    assert!(busy.starts_with("1 -> 2 instances"), "{busy}");
    assert!(demand.starts_with("1 -> 6 instances"), "{demand}");
}

// Lost if broken: a provider's word on when to come back that gets lost on the way out of a branch.
#[test]
fn what_a_refusal_says_about_coming_back_leaves_its_branch() {
    // One an hour is let through. The second request is refused inside a branch and tried again when the limiter says:
    // never within the run. Without its word it would be tried again every second, and refused each time.
    let text = r#"
title        = "a refusal inside a branch"
duration     = "100s"
replications = 2
drain        = "0s"

[load]
at = ["1s", "2s"]

[system.limiter.edge]
key  = "all"
rule = { fixed_window = { limit = 1, per = "30m" } }

[system.endpoint.page]
steps = [ { retry = { max = 50, wait = { base = "1s", factor = 1.0 }, honour_retry_after = true, retry_after_max = "1h", steps = [
  { parallel = [ [ { limit = "edge" } ] ] },
] } } ]

[system.flow.one]
steps = [ { request = "page" } ]
"#;
    let figures = run(&plan(text)).summary.figures;
    assert_eq!(figures.value(&["resources", "edge", "refused"]), 1.0);
    assert_eq!(figures.value(&["requests", "useful"]), 1.0);
}

// Lost if broken: chance that repeats itself. Sizes of batches drawn from the stream that the gaps between them are drawn
// from are large after a long gap, so that groups find an empty system.
#[test]
fn how_many_come_together_does_not_depend_on_how_long_nobody_came() {
    let text = r#"
title        = "groups of a random size"
duration     = "2000s"
replications = 1

[load]
rate  = 2.0
batch = { dist = "geometric", mean = 3 }

[measure]
requests = true

[system.endpoint.page]
steps = [ { io = "1ms" } ]
"#;
    let rows = run(&plan(text)).requests.expect("asked for").rows;
    // When each group came and how many they were.
    let mut groups: Vec<(f64, f64)> = Vec::new();
    for row in &rows {
        match groups.last_mut() {
            Some((at, size)) if *at == row.at => *size += 1.0,
            _ => groups.push((row.at, 1.0)),
        }
    }
    let pairs: Vec<(f64, f64)> = groups
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0, pair[1].1))
        .collect();
    let count = pairs.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (gap, size) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let spread = |of: &dyn Fn(&(f64, f64)) -> f64| mean(&|pair| of(pair) * of(pair)).sqrt();
    let together = mean(&|pair| (pair.0 - gap) * (pair.1 - size));
    let correlation = together / spread(&|pair| pair.0 - gap) / spread(&|pair| pair.1 - size);
    // Of n independent pairs it is within 4 / sqrt(n) of nothing.
    assert!(
        count > 3000.0 && correlation.abs() < 4.0 / count.sqrt(),
        "{correlation} of {count}"
    );
}

// Lost if broken: closed users would begin with the first event of the run, a window or a minute late, wherever there is
// none at its very start.
#[test]
fn users_who_are_there_from_the_start_begin_at_the_start() {
    let text = r#"
title        = "one user, measured from the fourth second on"
duration     = "30s"
replications = 1

[load]
users = 1

[measure]
from     = "4s"
window   = "5s"
requests = true

[system.flow.one]
steps = [ { request = "page" }, { think = "2s" } ]

[system.endpoint.page]
steps = [ { io = "1s" } ]
"#;
    let rows = run(&plan(text)).requests.expect("asked for").rows;
    let times: Vec<f64> = rows.iter().take(3).map(|row| row.at).collect();
    assert_eq!(times, [6.0, 9.0, 12.0]);
}
