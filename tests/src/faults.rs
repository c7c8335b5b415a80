//! Random timelines of faults and actions, for random systems: tests that whatever goes wrong, the books close.

use std::fmt::Write;

use proptest::prelude::*;

/// What may happen to the system of `books.rs`.
const HAPPENINGS: [&str; 36] = [
    "fault = { slow = { target = \"openai\", factor = 5.0, for = \"3s\" } }",
    "fault = { slow = { target = \"postgres\", factor = 3.0, for = \"2s\" } }",
    "fault = { slow = { target = \"redis\", factor = 50.0 } }",
    "fault = { slow = { target = \"web\", factor = 0.5, for = \"2s\" } }",
    "fault = { errors = { target = \"openai\", share = 0.5, for = \"4s\" } }",
    "fault = { errors = { target = \"postgres\", share = 0.3, for = \"2s\" } }",
    "fault = { errors = { target = \"redis\", share = 0.3 } }",
    "fault = { errors = { target = \"web\", share = 0.2, for = \"1s\" } }",
    "fault = { down = { target = \"postgres\", for = \"2s\" } }",
    "fault = { down = { target = \"redis\", for = \"2s\" } }",
    "fault = { down = { target = \"redis\", for = \"15s\" } }",
    "fault = { down = { target = \"redis\", for = \"2s\", hang = true } }",
    "fault = { down = { target = \"openai\", for = \"1s\" } }",
    "fault = { down = { target = \"openai\", for = \"2s\", hang = true } }",
    "fault = { down = { target = \"web\", for = \"1s\" } }",
    "fault = { crash = { target = \"web\" } }",
    "fault = { crash = { target = \"web\", instances = 5 } }",
    "fault = { forget = { target = \"redis\" } }",
    "fault = { forget = { target = \"calls\" } }",
    "fault = { lost_connections = { target = \"postgres\" } }",
    "fault = { traffic = { factor = 4.0, for = \"2s\" } }",
    "fault = { traffic = { source = \"load\", factor = 0.0, for = \"1s\" } }",
    "action = { restart = \"web\" }",
    "action = { restart = \"postgres\" }",
    "action = { restart = \"redis\" }",
    "action = { clear = \"redis\" }",
    "action = { deploy = \"web\" }",
    "action = { set = { \"slots.max\" = 1, \"slots.timeout\" = \"30ms\" } }",
    "action = { set = { \"slots.max\" = 9, \"db.max\" = 2, \"db.timeout\" = \"50ms\" } }",
    "action = { set = { \"jobs.concurrency\" = 1, \"openai.timeout\" = \"200ms\" } }",
    "action = { set = { \"web.instances\" = 3 } }",
    "action = { set = { \"web.instances\" = 1, \"web.cores\" = 0.5 } }",
    "action = { set = { \"postgres.cores\" = 2.0, \"postgres.max_connections\" = 8 } }",
    "action = { set = { \"client.browser.timeout\" = \"90ms\", \"redis.client\" = \"fails_at_once\" } }",
    "action = { reset = \"slots\" }",
    "action = { reset = \"web\" }",
];

/// Up to five of them within the first eight seconds, as a scenario has them.
pub fn timeline() -> impl Strategy<Value = String> {
    let one = (0..80u32, prop::sample::select(HAPPENINGS.to_vec()));
    prop::collection::vec(one, 0..6).prop_map(|events| {
        let mut text = String::new();
        for (tenths, event) in events {
            let (seconds, tenth) = (tenths / 10, tenths % 10);
            writeln!(text, "[[event]]\nat = \"{seconds}.{tenth}s\"\n{event}").expect("memory");
        }
        text
    })
}
