//! Several servers: who waits, who is refused.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::constant_servers::ConstantServers;
use crate::validate::theory::erlang::{BoundedMultiServer, MultiServer, erlang_b};

const ERLANG_C: &str = "Erlang (1917), formula C; Kleinrock, Queueing Systems 1 (1975), section 3.5";
const ERLANG_B: &str = "Erlang (1917), formula B; Sevastyanov (1957): the law of the service does not matter";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Servers, id, shows, source)
}

/// No line at all: who finds no server goes.
fn loss(id: &'static str, shows: &'static str, law: &str) -> Case {
    let (refused, carried) = (erlang_b(3, 3.0), 3.0 * (1.0 - erlang_b(3, 3.0)));
    case(id, shows, ERLANG_B)
        .steady("rate = 30.0", 3000, &station("max = 3\nwaiters = 0", law))
        .mean("errors.rate", refused, 0.01)
        .mean("resources.servers.busy.mean", carried, 0.01)
}

pub(super) fn cases() -> Vec<Case> {
    let four = MultiServer::new(30.0, 0.1, 4);
    let twenty = MultiServer::new(180.0, 0.1, 20);
    let bounded = BoundedMultiServer::new(30.0, 0.1, 3, 5);
    let constant = ConstantServers::new(24.0, 0.1, 3);
    vec![
        case("mmc", "four servers, three quarters busy (M/M/4)", ERLANG_C)
            .steady("rate = 30.0", 4000, &station("max = 4", EXPONENTIAL))
            .mean("resources.servers.waited", four.waited(), 0.02)
            .mean("resources.servers.wait.mean", four.wait_mean(), 0.03)
            .mean("resources.servers.wait.p95", four.wait_quantile(0.95), 0.03)
            .mean(
                "resources.servers.wait_if_waited.mean",
                four.wait_mean_if_waited(),
                0.03,
            )
            .mean("resources.servers.utilization", four.utilisation(), 0.01)
            .mean("latency.p95", four.response_quantile(0.95), 0.02),
        case("mmc-pool", "a pool of twenty, nine tenths busy (M/M/20)", ERLANG_C)
            .steady("rate = 180.0", 1000, &station("max = 20", EXPONENTIAL))
            .mean("resources.servers.waited", twenty.waited(), 0.03)
            .mean("resources.servers.wait.mean", twenty.wait_mean(), 0.06)
            .mean("resources.servers.utilization", twenty.utilisation(), 0.01),
        case(
            "mmck",
            "three servers and five places to wait (M/M/3/8): who is refused, and how long the others wait",
            "Kleinrock, Queueing Systems 1 (1975), section 3.6",
        )
        .steady("rate = 30.0", 3000, &station("max = 3\nwaiters = 5", EXPONENTIAL))
        .mean("errors.rate", bounded.refused, 0.02)
        .mean("resources.servers.wait.mean", bounded.wait_mean, 0.02)
        .mean("resources.servers.queue.mean", bounded.queue_mean, 0.02)
        .mean("resources.servers.in_system_share.8", bounded.refused, 0.02),
        loss("erlang-b", "no line at all, exponential service (M/M/3/3)", EXPONENTIAL),
        loss("erlang-b-constant", "no line at all, constant service", "\"100ms\""),
        loss(
            "erlang-b-hyperexponential",
            "no line at all, short and long jobs",
            r#"{ dist = "hyperexponential", mean = "100ms", cv = 2.0 }"#,
        ),
        case(
            "mdc",
            "three servers, constant service (M/D/3)",
            "Crommelin (1932), solved numerically",
        )
        .steady("rate = 24.0", 4000, &station("max = 3", "\"100ms\""))
        .mean("resources.servers.waited", constant.waited(), 0.02)
        .mean("resources.servers.wait.mean", constant.wait_mean(), 0.04)
        .mean("resources.servers.queue.mean", constant.queue_mean(), 0.04),
        case(
            "mg-infinity",
            "a server for everybody: the number there is Poisson, whatever the law",
            "Kleinrock, Queueing Systems 1 (1975), section 3.4",
        )
        .steady(
            "rate = 40.0",
            2000,
            &station("max = 1000", r#"{ dist = "lognormal", mean = "500ms", cv = 1.5 }"#),
        )
        .mean("resources.servers.busy.mean", 20.0, 0.01)
        .mean("resources.servers.busy.sd", libm::sqrt(20.0), 0.02)
        .exact("resources.servers.wait.max", 0.0),
    ]
}
