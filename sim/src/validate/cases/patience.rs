//! People who give up: in the line of a pool, and at home while the work goes on.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::birth_death;
use crate::validate::theory::erlang::MultiServer;
use crate::validate::theory::impatience::{Impatience, ImpatientQueue, Patience, erlang_a};

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Patience, id, shows, source)
}

/// More come than two servers can do, and give up in line.
fn in_line(case: Case, timeout: &str, theory: &Impatience) -> Case {
    case.steady(
        "rate = 24.0",
        3000,
        &station(&format!("max = 2\ntimeout = {timeout}"), EXPONENTIAL),
    )
    .mean("errors.rate", theory.gave_up, 0.02)
    .mean("resources.servers.wait.mean", theory.wait_mean, 0.02)
    .mean("resources.servers.wait_all.mean", theory.wait_mean_all, 0.02)
    .mean("resources.servers.waited", theory.waited, 0.01)
    .mean("resources.servers.utilization", theory.utilisation, 0.01)
}

/// A client in front of an M/M/1 queue that works on for those who have gone.
fn at_home(client: &str) -> String {
    format!(
        "[system.client.browser]\n{client}\n\n{}",
        station("max = 1", EXPONENTIAL)
    )
}

pub(super) fn cases() -> Vec<Case> {
    let constant = |arrival: f64| ImpatientQueue {
        arrival,
        service: 0.1,
        servers: 2,
        patience: Patience::Constant(0.3),
    };
    let below = constant(16.0).by_virtual_wait();
    // Wait and service of M/M/1 are together exponential, at this rate.
    let rate = 1.0 / MultiServer::new(6.0, 0.1, 1).response_mean();
    // Each of those there may leave, in line or in service; the states are 0 to 80.
    let leaving = birth_death::steady_state(
        &[12.0; 80],
        &(1..=80).map(|there| 10.0 + 2.0 * f64::from(there)).collect::<Vec<_>>(),
    );
    let there = birth_death::mean(&leaving);
    vec![
        in_line(
            case(
                "erlang-a",
                "exponential patience in an overloaded line (M/M/2+M)",
                "Palm (1957); Zeltyn and Mandelbaum, Queueing Systems 51 (2005)",
            ),
            r#"{ dist = "exponential", mean = "300ms" }"#,
            &erlang_a(24.0, 0.1, 2, 0.3),
        ),
        in_line(
            case(
                "pool-timeout",
                "a pool's time-out under overload (M/M/2+D)",
                "Baccelli and Hebuterne (1981); Zeltyn and Mandelbaum, Queueing Systems 51 (2005)",
            ),
            "\"300ms\"",
            &constant(24.0).by_virtual_wait(),
        ),
        case(
            "pool-timeout-calm",
            "the same pool at four fifths of its capacity: few time out",
            "Baccelli and Hebuterne (1981); Zeltyn and Mandelbaum, Queueing Systems 51 (2005)",
        )
        .steady(
            "rate = 16.0",
            6000,
            &station("max = 2\ntimeout = \"300ms\"", EXPONENTIAL),
        )
        .mean("errors.rate", below.gave_up, 0.05)
        .mean("resources.servers.wait.mean", below.wait_mean, 0.02)
        .mean("resources.servers.waited", below.waited, 0.02),
        case(
            "client-timeout",
            "a client stops waiting and the server works on: goodput is not throughput",
            "the response of M/M/1 is exponential (Kleinrock 1975, section 5.6), so e^(-rate t) of all are later than t",
        )
        .steady("rate = 6.0", 8000, &at_home("timeout = \"500ms\""))
        .mean("errors.rate", libm::exp(-rate * 0.5), 0.04)
        .mean("resources.servers.utilization", 0.6, 0.01)
        .mean("goodput", 6.0 * (1.0 - libm::exp(-rate * 0.5)), 0.01),
        case(
            "client-patience",
            "people whose patience is exponential, in front of a server that works on",
            "two exponentials race: patience of mean t ends first with probability 1 / (1 + rate t)",
        )
        .steady(
            "rate = 6.0",
            8000,
            &at_home(r#"patience = { dist = "exponential", mean = "1s" }"#),
        )
        .mean("errors.rate", 1.0 / (1.0 + rate), 0.02)
        .mean("resources.servers.utilization", 0.6, 0.01),
        case(
            "client-cancel",
            "work that stops when its client goes, in line or half done: an overloaded server stays useful",
            "birth-death chain in which everybody there may leave (Kleinrock 1975, chapter 3)",
        )
        .steady(
            "rate = 12.0",
            6000,
            &format!(
                "[system.service.web]\ncancel = true\n\n{}",
                at_home(r#"patience = { dist = "exponential", mean = "500ms" }"#)
            ),
        )
        .mean("errors.rate", 2.0 * there / 12.0, 0.02)
        .mean("resources.servers.in_system.mean", there, 0.02)
        .mean("resources.servers.utilization", 1.0 - leaving[0], 0.01),
    ]
}
