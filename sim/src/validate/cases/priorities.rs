//! Who goes first, where nobody's service is interrupted.

use super::EXPONENTIAL;
use crate::validate::case::{Case, Group};
use crate::validate::theory::priority::{self, Class};

const COBHAM: &str = "Cobham, Operations Research 2 (1954)";

fn case(id: &'static str, shows: &'static str) -> Case {
    Case::new(Group::Priorities, id, shows, COBHAM)
}

fn line(classes: &str, priority: &str, concurrency: u32, service: &str) -> String {
    format!(
        "{classes}\n\n[system.queue.jobs]\nconcurrency = {concurrency}\npriority = {priority}\n\n[system.endpoint.job]\n\
         steps = [ {{ take = {{ from = \"jobs\", for = {service} }} }} ]\n"
    )
}

const TWO: &str = "[system.class.premium]\nshare = 0.3\n[system.class.free]\nshare = 0.7";
const THREE: &str =
    "[system.class.gold]\nshare = 0.2\n[system.class.silver]\nshare = 0.3\n[system.class.free]\nshare = 0.5";

pub(super) fn cases() -> Vec<Case> {
    let class = |arrival, cv| Class {
        arrival,
        service: 0.1,
        cv,
    };
    let two = priority::waits(&[class(2.1, 1.0), class(4.9, 1.0)]);
    let three = priority::waits(&[class(1.6, 0.0), class(2.4, 0.0), class(4.0, 0.0)]);
    let servers = priority::waits_on_servers(&[7.2, 16.8], 0.1, 3);
    vec![
        case("two-priorities", "premium before free (M/M/1 with two ranks)")
            .steady(
                "rate = 7.0",
                12_000,
                &line(TWO, "{ premium = 10, free = 0 }", 1, EXPONENTIAL),
            )
            .mean("classes.premium.latency.mean", two[0] + 0.1, 0.02)
            .mean("classes.free.latency.mean", two[1] + 0.1, 0.05),
        case("three-priorities", "three ranks and constant service (M/D/1)")
            .steady(
                "rate = 8.0",
                12_000,
                &line(THREE, "{ gold = 2, silver = 1, free = 0 }", 1, "\"100ms\""),
            )
            .mean("classes.gold.latency.mean", three[0] + 0.1, 0.01)
            .mean("classes.silver.latency.mean", three[1] + 0.1, 0.02)
            .mean("classes.free.latency.mean", three[2] + 0.1, 0.05),
        case("priorities-on-servers", "two ranks before three servers (M/M/3)")
            .steady(
                "rate = 24.0",
                5000,
                &line(TWO, "{ premium = 10, free = 0 }", 3, EXPONENTIAL),
            )
            .mean("classes.premium.latency.mean", servers[0] + 0.1, 0.02)
            .mean("classes.free.latency.mean", servers[1] + 0.1, 0.05),
    ]
}
