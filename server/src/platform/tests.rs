//! The platform with parts that answer at once, on a virtual clock: times worked out by hand.

mod real;

use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt};
use highwater_host::{Host, SharedHost, Sleep, VirtualHost};
use highwater_models::bundled;
use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::watch::watchable;
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::compile::compile;
use highwater_program::model::Model;
use highwater_workload::Key;

use super::{Parts, Platform};
use crate::arrival::{Answer, Arrival, Payload, Person, stays};
use crate::backend::{Backend, Order};
use crate::stub::{self, MemoryStore};

pub(super) fn model(system: &str) -> Arc<Model> {
    let text = format!(
        "duration = \"1h\"\n[load]\nrate = 1.0\n[system.flow.one]\nsteps = [ {{ request = \"job\" }} ]\n{system}"
    );
    let loaded = load_scenario(Request::new("box", &text), &NoFiles, |_| None);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    Arc::new(compile(&plan))
}

pub(super) fn millis(millis: u64) -> SimTime {
    SimTime::ZERO + SimSpan::from_millis(millis)
}

fn arrival(number: u64, at: SimTime) -> Arrival {
    Arrival {
        endpoint: 0,
        person: Person {
            user: Some(format!("user-{number}").into()),
            number,
            class: 0,
            address: number,
        },
        draws: Key::root(9, 0).child(number),
        payload: Payload::default(),
        at,
        gone: stays(),
    }
}

/// A platform and what came of what was asked of it: number, milliseconds at the answer, answer.
pub(super) struct Run {
    host: Arc<VirtualHost>,
    pub platform: Arc<Platform>,
    answers: Arc<Mutex<Vec<(u64, f64, Answer)>>>,
}

impl Run {
    pub(super) fn new(model: &Arc<Model>) -> Self {
        Self::with(model, |parts| parts)
    }

    fn with(model: &Arc<Model>, change: impl FnOnce(Parts) -> Parts) -> Self {
        Self::on(model, |host| host, change)
    }

    fn on(
        model: &Arc<Model>,
        clock: impl FnOnce(Arc<VirtualHost>) -> SharedHost,
        change: impl FnOnce(Parts) -> Parts,
    ) -> Self {
        let host = VirtualHost::new();
        let shared = clock(host.clone());
        Self {
            platform: Platform::new(change(stub::parts(model, &shared, 1))),
            host,
            answers: Arc::default(),
        }
    }

    pub(super) fn ask(&self, number: u64, at: SimTime) {
        self.ask_with(arrival(number, at));
    }

    fn ask_with(&self, arrival: Arrival) {
        let (host, platform, answers) = (self.host.clone(), self.platform.clone(), self.answers.clone());
        self.host.spawn(Box::pin(async move {
            host.sleep_until(arrival.at).await;
            let number = arrival.person.number;
            let answer = platform.serve(arrival).await;
            let at = host.now().seconds() * 1e3;
            answers.lock().expect("no test panics").push((number, at, answer));
        }));
    }

    pub(super) fn until(&self, at: SimTime) -> Vec<(u64, f64, Option<Cause>)> {
        self.host.run(at);
        let mut answers = self.answers.lock().expect("no test panics");
        let answers = answers.drain(..);
        answers.map(|(number, at, answer)| (number, at, answer.cause)).collect()
    }
}

/// One process with an event loop on a core of its own; nothing but work takes time.
const LOOP: &str = r#"
[system.service.web]
runtime = "node"
cores = 1
processes = 1
[system.endpoint.job]
"#;

// Lost if broken: requests run beside each other on one event loop, or in another order than they came in.
#[test]
fn a_loop_runs_one_slice_after_another() {
    let model = model(&format!(
        "{LOOP}steps = [ {{ cpu = \"4ms\" }}, {{ io = \"10ms\" }}, {{ cpu = \"2ms\" }} ]"
    ));
    let run = Run::new(&model);
    for number in 0..3 {
        run.ask(number, millis(number));
    }
    // Work ends at 4, 8, 12; the waits of 10 at 14, 18, 22; the loop is free each time.
    assert_eq!(
        run.until(millis(100)),
        [(0, 16.0, None), (1, 20.0, None), (2, 24.0, None)]
    );
}

#[test]
fn a_timer_waits_for_its_turn_on_the_loop() {
    let model = model(&format!(
        "{LOOP}steps = [ {{ cpu = \"4ms\" }}, {{ io = \"5ms\" }}, {{ cpu = \"2ms\" }} ]"
    ));
    let run = Run::new(&model);
    for number in 0..3 {
        run.ask(number, millis(0));
    }
    // Work ends at 4, 8, 12. The first one's timer at 9 finds the third at work until 12: then 12 to 14; the second's
    // at 13 waits until 14: to 16; the third's at 17 finds nobody: to 19.
    assert_eq!(
        run.until(millis(100)),
        [(0, 14.0, None), (1, 16.0, None), (2, 19.0, None)]
    );
}

/// A host that rings three milliseconds late.
struct Late(Arc<VirtualHost>);

const LATE: SimSpan = SimSpan::from_millis(3);

impl Host for Late {
    fn now(&self) -> SimTime {
        self.0.now()
    }

    fn sleep_until(&self, at: SimTime) -> Sleep {
        self.0.sleep_until(at + LATE)
    }

    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.0.spawn(task);
    }

    fn scale(&self) -> f64 {
        self.0.scale()
    }
}

// Lost if broken: each slice begins when a late clock has noticed the end of the one before, so that a loop at half of its
// capacity falls behind for ever.
#[test]
fn lateness_does_not_add_up() {
    let model = model(&format!(
        "{LOOP}steps = [ {{ cpu = \"4ms\" }}, {{ io = \"10ms\" }}, {{ cpu = \"1ms\" }} ]"
    ));
    let run = Run::with(&model, |parts| parts);
    let late_run = Run::on(&model, |host| Arc::new(Late(host)), |parts| parts);
    for run in [&run, &late_run] {
        (0..100).for_each(|number| run.ask(number, millis(number * 10)));
    }
    let (on_time, late) = (run.until(millis(2000)), late_run.until(millis(2000)));
    assert_eq!(on_time.len(), 100);
    for ((number, at, _), (same, late_at, _)) in on_time.into_iter().zip(late) {
        assert_eq!(number, same);
        let by = late_at - at;
        assert!((0.0..=3.0001).contains(&by), "request {number} is {by} ms late");
    }
    let told = late_run
        .platform
        .readings()
        .into_iter()
        .find(|it| it.name == "platform.late");
    let told = told.map_or(0.0, |it| it.value);
    assert!(told > 0.0 && told <= 0.003_001, "{told}");
}

// ---- clients, orders, readings --------------------------------------------------------------------------------------

#[test]
fn work_outlives_its_client_unless_it_is_cancelled() {
    for cancel in [false, true] {
        let model = model(&format!(
            r#"
[system.service.web]
cancel = {cancel}
[system.endpoint.job]
steps = [ {{ io = "50ms" }}, {{ query = {{ kind = "insert" }} }} ]
[system.database.postgres.query]
insert = {{ cpu = "1ms" }}
{}"#,
            real::DATABASE
        ));
        let store = MemoryStore::new(25);
        let of_parts = store.clone();
        let run = Run::with(&model, |parts| Parts {
            stores: vec![of_parts],
            ..parts
        });
        let host = run.host.clone();
        let gone = async move { host.sleep_until(millis(20)).await };
        run.ask_with(Arrival {
            gone: gone.boxed().shared(),
            ..arrival(0, millis(0))
        });
        let ends = run.until(millis(1000));
        let kept = store.statements().len();
        if cancel {
            assert_eq!((ends, kept), (vec![(0, 20.0, Some(Cause::ClientTimeout))], 0));
        } else {
            assert_eq!((ends[0].2, kept), (None, 1));
        }
    }
}

#[test]
fn orders_are_carried_out_or_refused_with_a_reason() {
    let model = model("[system.service.web]\nboot = \"1s\"\n[system.endpoint.job]\nsteps = [ { io = \"10ms\" } ]");
    let run = Run::new(&model);
    let web = || "web".to_owned();
    let refused = run.platform.order(Order::Deploy {
        service: "shop".to_owned(),
    });
    assert_eq!(refused, Err("there is no service `shop`".to_owned()));
    run.platform.order(Order::Deploy { service: web() }).expect("the first");
    let again = run.platform.order(Order::Deploy { service: web() });
    assert_eq!(again, Err("a deploy of `web` is under way".to_owned()));
    let many = run.platform.order(Order::Instances {
        service: web(),
        count: 1_000_000,
    });
    assert_eq!(many, Err("at most 1000 instances".to_owned()));
    run.ask(0, millis(500));
    assert_eq!(run.until(millis(900)), [(0, 510.0, None)]);
    run.platform
        .order(Order::Crash {
            service: web(),
            count: 1,
        })
        .expect("it is there");
    let lines: Vec<String> = run.platform.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(
        lines,
        [
            "deploy: 1 new beside 1 old",
            "an instance dies: crashed; 0 requests in hand are lost"
        ]
    );
}

#[test]
fn a_platform_that_drains_ends_what_it_has_and_takes_nothing_new() {
    let model = model("[system.endpoint.job]\nsteps = [ { io = \"100ms\" } ]");
    let run = Run::new(&model);
    let (host, platform) = (run.host.clone(), run.platform.clone());
    let drained = Arc::new(Mutex::new(Vec::new()));
    let of_task = drained.clone();
    run.ask(0, millis(0));
    run.ask(1, millis(60));
    run.host.spawn(Box::pin(async move {
        host.sleep_until(millis(50)).await;
        platform.drain(SimSpan::from_secs(5)).await;
        of_task.lock().expect("no test panics").push(host.now());
    }));
    let ends = run.until(millis(1000));
    assert_eq!(ends, [(1, 60.0, Some(Cause::NoInstance)), (0, 100.0, None)]);
    assert_eq!(*drained.lock().expect("no test panics"), [millis(100)]);
}

// Lost if broken: an alert rule that the simulator looks at has nothing to look at on the server.
#[test]
fn whatever_can_be_watched_can_be_read() {
    let text =
        "duration = \"1m\"\nsystem = \"coaching\"\nprofile = \"hardened\"\n[load]\nrate = 1.0\nclient = \"browser\"";
    let loaded = load_scenario(Request::new("box", text), &NoFiles, bundled::system);
    let plan = loaded.plan.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    let model = Arc::new(compile(&plan));
    let run = Run::new(&model);
    (0..10).for_each(|number| run.ask(number, millis(number)));
    assert_eq!(run.until(millis(5000)).len(), 10);
    let readings = run.platform.readings();
    let names: Vec<&str> = readings.iter().map(|reading| reading.name.as_str()).collect();
    let missing: Vec<String> = watchable(&plan.system)
        .into_iter()
        .filter(|path| !names.contains(&path.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {names:?}");
    let value = |name: &str| readings.iter().find(|it| it.name == name).map(|it| it.value);
    assert_eq!(value("requests"), Some(10.0));
    assert_eq!(value("users.online"), Some(10.0));
    assert_eq!(value("in_system"), Some(0.0));
    assert!(value("web.cpu").is_some_and(|cpu| cpu > 0.0 && cpu < 1.0));
}
