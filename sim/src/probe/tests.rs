//! Searches over systems whose cure is known.

use super::*;
use highwater_models::catalogue;
use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::record::figures::Estimate;
use highwater_models::record::next_step::Why;

/// A plan of a text, with these settings.
fn load(text: &str, settings: &[String]) -> Option<Plan> {
    let request = Request {
        catalogue: catalogue::names,
        ..Request::new("sample", text).with_settings(settings)
    };
    load_scenario(request, &NoFiles, |_| None).plan
}

fn search(text: &str, budget: Option<Budget>, jobs: usize) -> (Summary, NextStep) {
    let plan = load(text, &[]).expect("a plan");
    let options = Options {
        jobs,
        ..Options::default()
    };
    let silent = |_: f64| {};
    let summary = experiment::run(&plan, &options, &silent).unwrap().summary;
    let budget = budget.unwrap_or(Budget::of(summary.events));
    let more = |settings: &[String]| load(text, settings);
    let found = next_step(
        &plan,
        &summary,
        &options,
        budget,
        &more,
        &silent,
        &AtomicBool::new(false),
    )
    .unwrap();
    (summary, found)
}

/// One connection in front of an idle database: half of the requests find no room in the line.
const ONE_CONNECTION: &str = r#"
duration = "200s"
replications = 4
[load]
rate = 20.0
[objectives]
error_rate = 0.01
[system.pool.connections]
max = 1
timeout = "200ms"
database = "db"
[system.database.db]
cores = 4.0
max_connections = 40
query = { row = { wait = "100ms" } }
[system.endpoint.e]
steps = [ { query = "row" } ]
"#;

// Lost if broken: the cure that anybody would try first is not found, or found without its effect.
#[test]
fn more_connections_in_front_of_an_idle_database() {
    let (summary, found) = search(ONE_CONNECTION, None, 2);
    assert!(summary.figures.value(&["errors", "rate"]) > 0.3);
    let Answer::Change(step) = &found.answer else {
        panic!("{found:?}");
    };
    assert!(step.settings[0].starts_with("connections.max="), "{step:?}");
    assert_eq!(step.from.as_deref(), Some("1"));
    assert!(step.sure && step.effect.difference.high.unwrap() < -0.1, "{step:?}");
    assert_eq!(step.effect.path.to_string(), "errors.rate");
    assert_eq!(step.pairs, 3);
    assert!(found.events <= found.budget);
}

// Lost if broken: the answer depends on how many threads looked.
#[test]
fn a_search_comes_to_the_same_on_any_number_of_threads() {
    let (_, one) = search(ONE_CONNECTION, None, 1);
    let (_, three) = search(ONE_CONNECTION, None, 3);
    // As texts: a cost that nobody knows is not equal to itself.
    assert_eq!(format!("{one:?}"), format!("{three:?}"));
}

// Lost if broken: a healthy system whose reader is sent to change something.
#[test]
fn nothing_to_mend_in_a_healthy_system() {
    let healthy = ONE_CONNECTION.replace("max = 1\n", "max = 30\n");
    let (_, found) = search(&healthy, None, 2);
    assert_eq!(found.answer, Answer::Nothing);
    assert_eq!(found.events, 0);
}

/// A service with twice the plan it needs.
const TOO_LARGE: &str = r#"
duration = "100s"
replications = 4
[load]
rate = 5.0
[objectives]
p95 = "1s"
[system.service.web]
plan = "pro"
[system.endpoint.e]
steps = [ { cpu = "5ms" } ]
"#;

// Lost if broken: money that nobody needs to spend goes unnoticed.
#[test]
fn a_plan_that_is_too_large_may_be_smaller() {
    let (_, found) = search(TOO_LARGE, None, 2);
    let Answer::Save(step) = &found.answer else {
        panic!("{found:?}");
    };
    assert_eq!(step.settings, ["web.plan=standard"]);
    assert_eq!(step.from.as_deref(), Some("pro"));
    assert!(step.cost.as_ref().unwrap().difference.value < -10.0);
}

// Lost if broken: a search that takes longer than it was given, or that says nothing of what it left.
#[test]
fn a_budget_is_kept() {
    let events = |budget: u64| {
        search(
            ONE_CONNECTION,
            Some(Budget {
                events: budget,
                probes: 12,
            }),
            2,
        )
        .1
    };
    let none = events(1000);
    assert!(matches!(none.answer, Answer::TooLong { .. }) && none.left_out > 0 && none.events == 0);
    let (summary, all) = search(ONE_CONNECTION, None, 2);
    let each = summary.events / 4;
    let few = events(each * 2);
    assert!(
        few.left_out > all.left_out && few.tried.len() < all.tried.len() && few.events <= each * 4,
        "{few:?}"
    );
    assert_eq!(Budget::of(1_000).events, 20_000_000);
    assert_eq!(Budget::of(50_000_000).events, 100_000_000);
    assert_eq!(Budget::of(100_000_000).events, 150_000_000);
    assert_eq!(Budget::of(1_000_000_000).events, 500_000_000);
}

// Lost if broken: "no single change helps" is not said, though nothing does.
#[test]
fn work_that_takes_longer_than_anybody_waits_has_no_cure() {
    let text = r#"
duration = "100s"
replications = 3
[load]
rate = 1.0
[objectives]
p95 = "1s"
[system.pool.slots]
max = 100
[system.endpoint.e]
steps = [ { take = { from = "slots", for = "2s" } } ]
"#;
    let (_, found) = search(text, None, 2);
    let Answer::NoneHelps(Some(step)) = &found.answer else {
        panic!("{found:?}");
    };
    assert_eq!(step.effect.path.to_string(), "latency.p95");
}

// Lost if broken: a change that raises what an objective wants more of, a hit ratio, is said to be of no use.
#[test]
fn more_is_good_where_the_objective_wants_more() {
    let step = |moved: f64| Step {
        settings: Vec::new(),
        from: None,
        why: Why::Limit("cache".to_owned()),
        pairs: 3,
        sure: true,
        effect: Effect {
            path: Path::new(&["cache", "users", "hit_ratio"]),
            unit: Unit::Share,
            before: 0.5,
            after: 0.5 + moved,
            difference: Estimate::exact(moved),
        },
        met: (0, 0),
        objectives: 1,
        cost: None,
    };
    assert!(is_good(&step(0.2), false) && !is_good(&step(-0.2), false));
    assert!(is_good(&step(-0.2), true) && !is_good(&step(0.2), true));
    assert!(!is_good(&step(0.0), true) && !is_good(&step(f64::NAN), true));
}
