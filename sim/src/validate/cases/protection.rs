//! Refusing early, giving up late, degrading, and what faults do.

use super::{EXPONENTIAL, service, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::erlang::BoundedMultiServer;

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Protection, id, shows, source)
}

const BOUNDED: &str = "Kleinrock, Queueing Systems 1 (1975), section 3.6 (M/M/1/K)";

/// An event loop that refuses above five in hand.
fn at_most_five(id: &'static str, shows: &'static str, setting: &str) -> Case {
    let theory = BoundedMultiServer::new(12.0, 0.1, 1, 4);
    case(id, shows, BOUNDED)
        .steady(
            "rate = 12.0",
            6000,
            &service(
                &format!("runtime = \"node\"\ncores = 1.0\n{setting}"),
                r#"{ cpu = { dist = "exponential", mean = "100ms" } }"#,
            ),
        )
        .mean("errors.rate", theory.refused, 0.02)
        .mean("latency.mean", theory.wait_mean + 0.1, 0.01)
        .mean("resources.web.utilization", theory.busy_mean, 0.01)
}

/// Ten calls a second to a provider, and something that happens to it.
fn calls(event: &str) -> String {
    format!(
        "duration = \"100050ms\"\n\n[load]\nevery = \"100ms\"\n\n{event}\n\n\
         [system.provider.ai]\nretry = {{ max = 0 }}\n[system.provider.ai.model]\nm = {{ latency = \"10ms\" }}\n\n\
         [system.endpoint.ask]\nsteps = [ {{ llm = {{ model = \"m\" }} }} ]\n"
    )
}

pub(super) fn cases() -> Vec<Case> {
    // Work that is over a deadline is cut off there: a dam that holds half a second of it.
    let (load, spare) = (1.2, 10.0 - 12.0);
    let full = libm::exp(-spare * 0.5);
    let idle = (1.0 - load) / (1.0 - load * full);
    vec![
        at_most_five(
            "max-in-hand",
            "at most five requests in hand: an overloaded loop that stays quick",
            "max_in_hand = 5",
        ),
        at_most_five(
            "shed",
            "the same bound as admission control",
            "shed = { in_hand = 5 }",
        ),
        case(
            "deadline",
            "a server that gives requests up after half a second, in line or half done",
            "Barrer, Operations Research 5 (1957): the work ahead is that of a dam which holds half a second (Cohen, The Single \
             Server Queue, 1969)",
        )
        .steady(
            "rate = 12.0",
            6000,
            &format!(
                "[system.service.web]\ndeadline = \"500ms\"\n\n{}",
                station("max = 1", EXPONENTIAL)
            ),
        )
        .mean("errors.rate", idle * full, 0.015)
        .mean("resources.servers.utilization", 1.0 - idle, 0.01),
        case(
            "errors",
            "three in ten queries fail for half of the time",
            "a binomial share",
        )
        .file(
            "duration = \"200s\"\n\n[load]\nrate = 50.0\n\n[[event]]\nat = \"100s\"\n\
             fault = { errors = { target = \"ai\", share = 0.3 } }\n\n\
             [system.provider.ai]\nretry = { max = 0 }\n[system.provider.ai.model]\nm = { latency = \"10ms\" }\n\n\
             [system.endpoint.ask]\nsteps = [ { llm = { model = \"m\" } } ]\n",
        )
        .mean("errors.rate", 0.15, 0.03),
        case(
            "outage",
            "a provider that is down for ten seconds fails a hundred calls, no more and no fewer",
            "arithmetic",
        )
        .file(calls(
            "[[event]]\nat = \"40050ms\"\nfault = { down = { target = \"ai\", for = \"10s\" } }",
        ))
        .exact("requests.failed", 100.0),
        case(
            "slow",
            "a provider that is three times as slow for ten seconds",
            "arithmetic: a hundred calls of 30 ms among a thousand of 10 ms",
        )
        .file(calls(
            "[[event]]\nat = \"40050ms\"\nfault = { slow = { target = \"ai\", factor = 3.0, for = \"10s\" } }",
        ))
        .exact("latency.mean", 0.012)
        .exact("latency.max", 0.03),
        case(
            "degradation",
            "a feature that is off from the first look on: ten are served, ninety refused",
            "arithmetic: looks every 10.5 s, and always a connection of the last five seconds",
        )
        .file(
            "duration = \"100s\"\n\n[load]\nevery = \"1s\"\n\n\
             [system.service.web]\nruntime = \"node\"\ncores = 1.0\n\n\
             [system.degradation]\nevery = \"10500ms\"\n[[system.degradation.level]]\nname = \"busy\"\n\
             above = { sockets = 0 }\noff = [ \"voice\" ]\n\n\
             [system.endpoint.voice]\nfeature = \"voice\"\nsteps = [ { io = \"10ms\" } ]\n",
        )
        .exact("requests.useful", 10.0)
        .exact("degradation.features_off.voice", 89.5),
    ]
}
