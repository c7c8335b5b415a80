//! Stations one after another, requests that split, and a fixed number of people who go round.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::closed::{ClosedNetwork, Station};
use crate::validate::theory::erlang::MultiServer;
use crate::validate::theory::tandem;

const JACKSON: &str = "Jackson, Networks of Waiting Lines (1957); Burke (1956)";
const MEAN_VALUES: &str = "Reiser and Lavenberg, Journal of the ACM 27 (1980)";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Networks, id, shows, source)
}

/// Two pools, taken one after the other.
fn two_stations(first: &str, second: &str, think: &str) -> String {
    format!(
        "[system.pool.first]\nmax = 1\n[system.pool.second]\nmax = 2\n\n\
         [system.flow.one]\nsteps = [ {think}{{ request = \"job\" }} ]\n\n\
         [system.endpoint.job]\nsteps = [\n  \
         {{ take = {{ from = \"first\", for = {{ dist = \"exponential\", mean = \"{first}\" }} }} }},\n  \
         {{ take = {{ from = \"second\", for = {{ dist = \"exponential\", mean = \"{second}\" }} }} }},\n]\n"
    )
}

fn closed(case: Case, think: &str) -> Case {
    let theory = ClosedNetwork {
        think: 2.0,
        stations: vec![
            Station {
                demand: 0.08,
                servers: 1,
            },
            Station {
                demand: 0.15,
                servers: 2,
            },
        ],
    }
    .mean_value_analysis(30);
    case.steady(
        "users = 30",
        6000,
        &two_stations("80ms", "150ms", &format!("{{ think = {think} }}, ")),
    )
    .mean("throughput", theory.throughput, 0.01)
    .mean("latency.mean", theory.response_mean, 0.03)
    .mean("resources.first.in_system.mean", theory.in_station[0], 0.04)
    .mean("resources.second.in_system.mean", theory.in_station[1], 0.03)
    .mean("resources.first.utilization", theory.utilisation[0], 0.01)
}

pub(super) fn cases() -> Vec<Case> {
    let (first, second) = (MultiServer::new(7.0, 0.1, 1), MultiServer::new(7.0, 0.08, 1));
    let (gate, pair) = (MultiServer::new(8.0, 0.08, 1), MultiServer::new(8.0, 0.15, 2));
    let again = MultiServer::new(7.0, 0.1, 1);
    let repairs = ClosedNetwork {
        think: 1.0,
        stations: vec![Station {
            demand: 0.1,
            servers: 3,
        }],
    }
    .convolution(40);
    vec![
        case(
            "tandem",
            "two servers in a row: the times at the two are independent, so percentiles have a formula",
            "Burke (1956); Reich (1957)",
        )
        .steady(
            "rate = 7.0",
            10_000,
            &two_stations("100ms", "80ms", "").replace("max = 2", "max = 1"),
        )
        .mean("latency.mean", first.response_mean() + second.response_mean(), 0.03)
        .mean(
            "latency.p95",
            tandem::two_in_a_row_quantile(first.response_mean(), second.response_mean(), 0.95),
            0.03,
        ),
        case(
            "jackson",
            "a server and a pair in a row: each as if it were alone",
            JACKSON,
        )
        .steady("rate = 8.0", 8000, &two_stations("80ms", "150ms", ""))
        .mean("resources.first.wait.mean", gate.wait_mean(), 0.04)
        .mean("resources.second.wait.mean", pair.wait_mean(), 0.04)
        .mean("resources.second.waited", pair.waited(), 0.02)
        .mean("latency.mean", gate.response_mean() + pair.response_mean(), 0.03),
        case(
            "feedback",
            "requests that come back a random number of times: each visit sees M/M/1",
            JACKSON,
        )
        .steady(
            "rate = 3.5",
            10_000,
            "[system.pool.servers]\nmax = 1\n\n[system.endpoint.job]\n\
             steps = [ { repeat = { times = { dist = \"geometric\", mean = 2 }, steps = [ \
             { take = { from = \"servers\", for = { dist = \"exponential\", mean = \"100ms\" } } }, \
             { io = \"50ms\" } ] } } ]\n",
        )
        .mean("latency.mean", 2.0 * (again.response_mean() + 0.05), 0.03)
        .mean("resources.servers.utilization", 0.7, 0.01),
        case(
            "branches",
            "a draw between two ways: each gets its share",
            JACKSON,
        )
        .steady(
            "rate = 10.0",
            8000,
            "[system.pool.fast]\nmax = 1\n[system.pool.slow]\nmax = 1\n\n[system.endpoint.job]\n\
             steps = [ { choose = [ \
             { weight = 7, steps = [ { take = { from = \"fast\", for = { dist = \"exponential\", mean = \"100ms\" } } } ] }, \
             { weight = 3, steps = [ { take = { from = \"slow\", for = { dist = \"exponential\", mean = \"200ms\" } } } ] } ] } ]\n",
        )
        .mean("resources.fast.wait.mean", MultiServer::new(7.0, 0.1, 1).wait_mean(), 0.04)
        .mean("resources.slow.wait.mean", MultiServer::new(3.0, 0.2, 1).wait_mean(), 0.04),
        case(
            "fork-join",
            "a request that waits for the slower of two halves, each with a line of its own",
            "Nelson and Tantawi, IEEE Transactions on Computers 37 (1988), exact for two",
        )
        .steady(
            "rate = 6.0",
            10_000,
            "[system.pool.left]\nmax = 1\n[system.pool.right]\nmax = 1\n\n[system.endpoint.job]\n\
             steps = [ { parallel = [ \
             [ { take = { from = \"left\", for = { dist = \"exponential\", mean = \"100ms\" } } } ], \
             [ { take = { from = \"right\", for = { dist = \"exponential\", mean = \"100ms\" } } } ] ] } ]\n",
        )
        .mean("latency.mean", tandem::fork_join_of_two(6.0, 0.1), 0.03),
        case(
            "slowest-of-three",
            "three calls at once: the slowest decides",
            "order statistics: the mean is 1 + 1/2 + 1/3 of one",
        )
        .steady(
            "rate = 20.0",
            3000,
            "[system.endpoint.job]\nsteps = [ { parallel = [ \
             [ { io = { dist = \"exponential\", mean = \"100ms\" } } ], \
             [ { io = { dist = \"exponential\", mean = \"100ms\" } } ], \
             [ { io = { dist = \"exponential\", mean = \"100ms\" } } ] ] } ]\n",
        )
        .mean("latency.mean", tandem::longest_of(3, 0.1), 0.01)
        .mean("latency.p95", tandem::longest_of_quantile(3, 0.1, 0.95), 0.01),
        closed(
            case(
                "closed",
                "thirty people who think between requests: the load follows the system",
                MEAN_VALUES,
            ),
            r#"{ dist = "exponential", mean = "2s" }"#,
        ),
        closed(
            case(
                "closed-constant-think",
                "the same people with a constant thought: its law does not matter",
                "Baskett, Chandy, Muntz and Palacios, Journal of the ACM 22 (1975)",
            ),
            "\"2s\"",
        ),
        case(
            "closed-saturated",
            "forty people before three servers: the servers decide",
            "Buzen, Communications of the ACM 16 (1973)",
        )
        .steady(
            "users = 40",
            4000,
            &format!(
                "[system.flow.one]\nsteps = [ {{ think = {{ dist = \"exponential\", mean = \"1s\" }} }}, {{ request = \"job\" }} ]\n\n{}",
                station("max = 3", EXPONENTIAL)
            ),
        )
        .mean("throughput", repairs.throughput, 0.01)
        .mean("latency.mean", repairs.response_mean, 0.03)
        .mean("resources.servers.utilization", repairs.utilisation[0], 0.01),
        case(
            "closed-constant",
            "one person, constant times: a request every three seconds",
            "arithmetic",
        )
        .file(
            "duration = \"299500ms\"\n\n[load]\nusers = 1\n\n[measure]\nfrom = \"30s\"\n\n\
             [system.flow.one]\nsteps = [ { think = \"2s\" }, { request = \"job\" } ]\n\n\
             [system.endpoint.job]\nsteps = [ { io = \"1s\" } ]\n",
        )
        .exact("requests.offered", 90.0)
        .exact("latency.max", 1.0),
    ]
}
