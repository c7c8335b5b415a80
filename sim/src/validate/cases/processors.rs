//! Cores that are shared, event loops, threads beside the loop, quotas.

use super::service;
use crate::validate::case::{Case, Group};
use crate::validate::theory::erlang::MultiServer;
use crate::validate::theory::law::Law;
use crate::validate::theory::{processor_sharing, single_server};

const SHARING: &str = "Kleinrock, Queueing Systems 2 (1976), section 4.4";
const INSENSITIVE: &str = "Kelly, Reversibility and Stochastic Networks (1979), section 3.3";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Processors, id, shows, source)
}

/// A core shared equally; the mean response is that of M/M/1 for every law.
fn core(id: &'static str, shows: &'static str, source: &'static str, law: &str) -> Case {
    case(id, shows, source)
        .steady(
            "rate = 6.0",
            10_000,
            &service("runtime = \"threads\"\ncores = 1.0", &format!("{{ cpu = {law} }}")),
        )
        .mean("latency.mean", processor_sharing::response_mean(6.0, 0.1), 0.03)
        .mean("resources.web.cpu", 0.6, 0.01)
}

pub(super) fn cases() -> Vec<Case> {
    let replies = MultiServer::new(7.0, 0.1, 1);
    let threads = MultiServer::new(15.0, 0.1, 2);
    let database = MultiServer::new(14.0, 0.1, 2);
    vec![
        core(
            "sharing",
            "a core that everybody shares",
            SHARING,
            r#"{ dist = "exponential", mean = "100ms" }"#,
        ),
        core(
            "sharing-any-law",
            "a shared core does not care for the law of the work",
            INSENSITIVE,
            r#"{ dist = "hyperexponential", mean = "100ms", cv = 2.0 }"#,
        ),
        case(
            "sharing-cores",
            "two cores, of which a request uses at most one",
            INSENSITIVE,
        )
        .steady(
            "rate = 15.0",
            5000,
            &service(
                "runtime = \"threads\"\ncores = 2.0",
                r#"{ cpu = { dist = "erlang", mean = "100ms", k = 2 } }"#,
            ),
        )
        .mean(
            "latency.mean",
            processor_sharing::response_mean_on_cores(15.0, 0.1, 2),
            0.03,
        ),
        case(
            "sharing-by-size",
            "small work is slowed by the same factor as large work",
            SHARING,
        )
        .steady(
            "rate = 6.0",
            10_000,
            "[system.service.web]\nruntime = \"threads\"\ncores = 1.0\n\n\
             [system.flow.small]\nweight = 9\nsteps = [ { request = \"small\" } ]\n\
             [system.flow.large]\nweight = 1\nsteps = [ { request = \"large\" } ]\n\n\
             [system.endpoint.small]\nsteps = [ { cpu = \"50ms\" } ]\n\
             [system.endpoint.large]\nsteps = [ { cpu = \"550ms\" } ]\n",
        )
        .mean(
            "endpoints.small.latency.mean",
            processor_sharing::response_of(6.0, 0.1, 0.05),
            0.03,
        )
        .mean(
            "endpoints.large.latency.mean",
            processor_sharing::response_of(6.0, 0.1, 0.55),
            0.03,
        ),
        case(
            "event-loop",
            "an event loop takes one slice after the other (M/G/1)",
            "Kleinrock, Queueing Systems 1 (1975), eq. 5.70",
        )
        .steady(
            "rate = 5.0",
            10_000,
            &service(
                "runtime = \"node\"\ncores = 1.0",
                r#"{ cpu = { dist = "lognormal", mean = "100ms", cv = 0.6 } }"#,
            ),
        )
        .mean(
            "latency.mean",
            single_server::response_mean(5.0, 0.1, 0.6),
            0.03,
        )
        .mean(
            "latency.sd",
            libm::hypot(single_server::wait_sd(5.0, &Law::lognormal(0.1, 0.6)), 0.06),
            0.03,
        )
        .mean("resources.web.utilization", 0.5, 0.01),
        case(
            "loop-replies",
            "each reply is a turn of the loop of its own: two visits to one server",
            "Jackson (1957); Baskett, Chandy, Muntz and Palacios (1975): a request's turns see the loop as M/M/1",
        )
        .steady(
            "rate = 3.5",
            10_000,
            &service(
                "runtime = \"node\"\ncores = 1.0",
                r#"{ cpu = { dist = "exponential", mean = "100ms" } }, { io = { dist = "exponential", mean = "300ms" } }, { cpu = { dist = "exponential", mean = "100ms" } }"#,
            ),
        )
        .mean("latency.mean", 2.0 * replies.response_mean() + 0.3, 0.03)
        .mean("resources.web.utilization", 0.7, 0.01),
        case(
            "cpu-share",
            "half a core as an even share: every slice takes twice as long (M/D/1)",
            "Kleinrock, Queueing Systems 1 (1975), eq. 5.70",
        )
        .steady(
            "rate = 5.0",
            8000,
            &service(
                "runtime = \"node\"\ncores = 0.5\ncpu_limit = \"share\"",
                "{ cpu = \"60ms\" }",
            ),
        )
        .mean("latency.mean", single_server::response_mean(5.0, 0.12, 0.0), 0.02)
        .mean("resources.web.cpu", 0.6, 0.01),
        case(
            "cpu-quota",
            "half a core as a quota: 50 ms at full speed, then a freeze until the next 100 ms",
            "arithmetic: 200 ms of work are four periods' allowances, 120 ms two and a bit",
        )
        .file(format!(
            "duration = \"20s\"\n\n[load]\nat = [ \"0s\", \"10s\" ]\n\n{}",
            service(
                "runtime = \"node\"\ncores = 0.5\ncpu_period = \"100ms\"",
                "{ cpu = { dist = \"replay\", values = [ \"200ms\", \"120ms\" ] } }"
            )
        ))
        .latency(0, 0.35)
        .latency(1, 0.22),
        case(
            "off-loop",
            "hashing on two threads beside the loop (M/M/2), which stays free",
            "Erlang (1917), formula C",
        )
        .steady(
            "rate = 15.0",
            5000,
            &service(
                "runtime = \"node\"\ncores = 4.0\nthreads = 2",
                r#"{ work = { dist = "exponential", mean = "100ms" } }"#,
            ),
        )
        .mean("latency.mean", threads.response_mean(), 0.03)
        .mean("latency.p95", threads.response_quantile(0.95), 0.03),
        case(
            "database-cores",
            "queries share a database's two cores, whatever their law",
            INSENSITIVE,
        )
        .steady(
            "rate = 14.0",
            5000,
            "[system.pool.connections]\ndatabase = \"postgres\"\nmax = 500\nidle_timeout = \"never\"\n\n\
             [system.database.postgres]\ncores = 2.0\nconnect = \"0s\"\n\
             [system.database.postgres.query]\nread = { cpu = { dist = \"hyperexponential\", mean = \"100ms\", cv = 1.5 } }\n\n\
             [system.endpoint.job]\nsteps = [ { query = \"read\" } ]\n",
        )
        .mean("latency.mean", database.response_mean(), 0.03)
        .mean("resources.postgres.cpu", 0.7, 0.01),
    ]
}
