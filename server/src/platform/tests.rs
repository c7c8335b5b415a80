//! The platform with parts that answer at once, on a virtual clock: times worked out by hand.

use std::sync::{Arc, Mutex};

use highwater_host::{Host, SharedHost, VirtualHost};
use highwater_models::file::{NoFiles, Request, load_scenario};
use highwater_models::{Cause, SimSpan, SimTime};
use highwater_program::compile::compile;
use highwater_program::model::Model;
use highwater_workload::Key;

use super::{Parts, Platform};
use crate::arrival::{Answer, Arrival, Payload, Person, stays};
use crate::backend::{Backend, Order};
use crate::stub;

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
        let host = VirtualHost::new();
        let shared: SharedHost = host.clone();
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
