//! Job queues: starts in each window of time, jobs that run for too long.

use crate::validate::case::{Case, Group};
use crate::validate::theory::constant_servers::ConstantServers;
use crate::validate::theory::law::Law;
use crate::validate::theory::{single_server, windows};

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Windows, id, shows, source)
}

fn queue(settings: &str, job: &str) -> String {
    format!(
        "[system.queue.jobs]\n{settings}\n\n[system.endpoint.job]\n\
         steps = [ {{ take = {{ from = \"jobs\", for = {job} }} }} ]\n"
    )
}

/// Fifty people who are always there again: the cap alone decides.
fn saturated(id: &'static str, shows: &'static str, window: &str) -> Case {
    case(
        id,
        shows,
        "arithmetic: ten starts in each second under a line that never empties",
    )
    .file(format!(
        "duration = \"100s\"\n\n[load]\nusers = 50\n\n[measure]\nfrom = \"10500ms\"\nto = \"90500ms\"\n\n{}",
        queue(
            &format!("interval = \"1s\"\ninterval_cap = 10\nwindow = \"{window}\""),
            "\"10ms\""
        )
    ))
    .exact("resources.jobs.throughput", 10.0)
    .exact("resources.jobs.starts_per_window", 10.0)
}

pub(super) fn cases() -> Vec<Case> {
    let line = windows::queue_mean(8.0, 1.0, 10);
    let sliding = ConstantServers::new(2.4, 1.0, 3);
    let cut = Law::exponential_up_to(0.15, 0.2);
    vec![
        saturated("cap-saturated", "a cap of ten a second under a standing line", "grid"),
        saturated(
            "cap-saturated-p-queue",
            "the same cap as version 9.3 of p-queue keeps it",
            "p-queue 9.3",
        ),
        case(
            "cap-by-the-clock",
            "eight a second before a cap of ten in each second of the clock",
            "Bailey, Journal of the Royal Statistical Society B 16 (1954), within its windows; solved numerically",
        )
        .steady(
            "rate = 8.0",
            12_000,
            &queue("interval = \"1s\"\ninterval_cap = 10\nwindow = \"grid\"", "\"1ms\""),
        )
        .mean("resources.jobs.queue.mean", line, 0.07)
        .mean("resources.jobs.wait.mean", line / 8.0, 0.07),
        case(
            "cap-sliding",
            "three starts in any second: each start takes one of three places for a second (M/D/3)",
            "Crommelin (1932), solved numerically",
        )
        .steady(
            "rate = 2.4",
            24_000,
            &queue("interval = \"1s\"\ninterval_cap = 3\nwindow = \"sliding\"", "\"1ms\""),
        )
        .mean("resources.jobs.wait.mean", sliding.wait_mean(), 0.05)
        .mean("resources.jobs.waited", sliding.waited(), 0.03),
        case(
            "run-timeout",
            "jobs that are cut off after 200 ms free their slot (M/G/1 of the lesser of the two)",
            "Kleinrock, Queueing Systems 1 (1975), eq. 5.70; Takács (1962)",
        )
        .steady(
            "rate = 6.0",
            8000,
            &queue(
                "concurrency = 1\nrun_timeout = \"200ms\"",
                r#"{ dist = "exponential", mean = "150ms" }"#,
            ),
        )
        .mean("errors.rate", libm::exp(-0.2 / 0.15), 0.01)
        .mean(
            "resources.jobs.wait.mean",
            single_server::wait_mean(6.0, cut.mean, cut.cv()),
            0.03,
        )
        .mean("resources.jobs.wait.sd", single_server::wait_sd(6.0, &cut), 0.03),
    ]
}
