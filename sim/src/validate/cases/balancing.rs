//! Several instances behind a balancer: how many lines there are, and who is sent where.

use super::service;
use crate::validate::case::{Case, Group};
use crate::validate::theory::balance;
use crate::validate::theory::erlang::MultiServer;
use crate::validate::theory::general_arrivals::{self, GeneralArrivals};

fn case(id: &'static str, shows: &'static str, source: &'static str, balance: &str, response: f64) -> Case {
    let settings = format!("runtime = \"node\"\ncores = 1.0\ninstances = 2\nbalance = \"{balance}\"");
    Case::new(Group::Balancing, id, shows, source)
        .steady(
            "rate = 14.0",
            7000,
            &service(&settings, r#"{ cpu = { dist = "exponential", mean = "100ms" } }"#),
        )
        .mean("latency.mean", response, 0.03)
        .mean("resources.web.utilization", 0.7, 0.01)
}

pub(super) fn cases() -> Vec<Case> {
    let in_turn = GeneralArrivals::new(general_arrivals::erlang(1.0 / 7.0, 2), 0.1);
    vec![
        case(
            "random",
            "two instances at random: two blind lines (M/M/1 each)",
            "a Poisson stream split at random is two (Kleinrock 1975, section 2.4)",
            "random",
            MultiServer::new(7.0, 0.1, 1).response_mean(),
        ),
        case(
            "round-robin",
            "two instances in turn: each sees every second arrival (E2/M/1)",
            "Kleinrock, Queueing Systems 1 (1975), section 6.4",
            "round_robin",
            in_turn.response_mean(),
        ),
        case(
            "least-busy",
            "two instances, the one with fewer in hand: joining the shorter line",
            "Haight, Biometrika 45 (1958); the chain solved numerically",
            "least_busy",
            balance::shorter_of_two(14.0, 0.1),
        ),
        case(
            "shared-line",
            "two instances, one line (M/M/2)",
            "Erlang (1917), formula C",
            "shared_line",
            MultiServer::new(14.0, 0.1, 2).response_mean(),
        ),
    ]
}
