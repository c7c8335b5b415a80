//! What happens in the minutes after a change, which no steady state shows: means over many short replications.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::{birth_death, infinite_servers, transient};

const KOLMOGOROV: &str = "Kolmogorov's forward equations, solved by uniformisation (Jensen 1953)";
const PHYSICS: &str = "Eick, Massey and Whitt, Operations Research 41 (1993)";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Transients, id, shows, source)
}

fn looked_at(duration: &str, at: &str, load: &str, system: &str) -> String {
    format!("duration = \"{duration}\"\ndrain = \"0s\"\n\n[load]\n{load}\n\n[measure]\nat = {at}\n\n{system}")
}

pub(super) fn cases() -> Vec<Case> {
    let empty = |seconds| birth_death::mean(&transient::single_server_from_empty(9.0, 0.1, 400, seconds));
    // A line under 5 a second for ten seconds, then under 15 a second, with room for 600.
    let deaths = [10.0; 600];
    let before = transient::single_server_from_empty(5.0, 0.1, 600, 10.0);
    let after = |seconds| birth_death::mean(&transient::at(&[15.0; 600], &deaths, &before, seconds));
    let loss = |seconds| birth_death::mean(&transient::multi_server_from_empty(60.0, 0.5, 20, 20, seconds));
    let stay = |id, shows, law, mean: fn(f64, f64, f64, f64) -> f64| {
        case(id, shows, PHYSICS)
            .file(looked_at(
                "10s",
                "[ \"5s\", \"10s\" ]",
                "rate = { from = 0.0, to = 100.0 }",
                &format!("[system.endpoint.job]\nsteps = [ {{ io = {law} }} ]\n"),
            ))
            .replications(1000)
            .mean("snapshots.0.in_system", mean(0.0, 10.0, 2.0, 5.0), 0.02)
            .mean("snapshots.1.in_system", mean(0.0, 10.0, 2.0, 10.0), 0.02)
    };
    vec![
        case("from-empty", "a busy server that begins empty (M/M/1)", KOLMOGOROV)
            .file(looked_at(
                "6s",
                "[ \"1s\", \"5s\" ]",
                "rate = 9.0",
                &station("max = 1", EXPONENTIAL),
            ))
            .replications(6000)
            .mean("snapshots.0.in_system", empty(1.0), 0.06)
            .mean("snapshots.1.in_system", empty(5.0), 0.06),
        case(
            "step-up",
            "three times as many from one moment on: a line that grows",
            KOLMOGOROV,
        )
        .file(looked_at(
            "20s",
            "[ \"10s\", \"12s\", \"20s\" ]",
            "phase = [ { duration = \"10s\", rate = 5.0 }, { duration = \"10s\", rate = 15.0 } ]",
            &station("max = 1", EXPONENTIAL),
        ))
        .replications(6000)
        .mean("snapshots.0.in_system", birth_death::mean(&before), 0.07)
        .mean("snapshots.1.in_system", after(2.0), 0.03)
        .mean("snapshots.2.in_system", after(10.0), 0.02),
        case(
            "pool-fills",
            "a pool of twenty without a line that fills (M/M/20/20)",
            KOLMOGOROV,
        )
        .file(looked_at(
            "2s",
            "[ \"200ms\", \"1s\" ]",
            "rate = 60.0",
            &station("max = 20\nwaiters = 0", r#"{ dist = "exponential", mean = "500ms" }"#),
        ))
        .replications(3000)
        .mean("snapshots.0.in_system", loss(0.2), 0.03)
        .mean("snapshots.1.in_system", loss(1.0), 0.02),
        stay(
            "ramp",
            "a rate that rises in a straight line, and stays of two seconds: the number there lags behind",
            "\"2s\"",
            infinite_servers::on_a_ramp_for_constant,
        ),
        stay(
            "ramp-exponential",
            "the same ramp with exponential stays: it lags further behind",
            r#"{ dist = "exponential", mean = "2s" }"#,
            infinite_servers::on_a_ramp_for_exponential,
        ),
    ]
}
