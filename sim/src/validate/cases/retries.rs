//! Attempts that fail and are made again, and what keeps them from being too many.

use crate::validate::case::{Case, Group};
use crate::validate::theory::retries;

const SERIES: &str = "geometric series";

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Retries, id, shows, source)
}

/// One call a second to a provider that always fails.
fn failing(provider: &str) -> String {
    format!(
        "duration = \"100500ms\"\n\n[load]\nevery = \"1s\"\n\n\
         [system.provider.ai]\nfails = 1.0\n{provider}\n\
         [system.provider.ai.model]\nm = {{ latency = \"10ms\" }}\n\n\
         [system.endpoint.ask]\nsteps = [ {{ llm = {{ model = \"m\" }} }} ]\n"
    )
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("client-retries", "a client that tries four times in all", SERIES)
            .steady(
                "rate = 50.0",
                1000,
                "[system.client.browser]\nretry = { max = 3 }\n\n[system.endpoint.get]\nkind = \"query\"\n\
                 steps = [ { io = \"10ms\" }, { fail = 0.4 } ]\n",
            )
            .mean("attempts.per_request", retries::attempts_mean(0.4, 3), 0.01)
            .mean("errors.rate", retries::failed(0.4, 3), 0.03)
            .mean("latency.mean", retries::response_mean(0.4, 3, 0.01, |_| 0.0), 0.01),
        case(
            "step-retries",
            "steps that are started again, with waits that double",
            SERIES,
        )
        .steady(
            "rate = 50.0",
            1000,
            "[system.endpoint.get]\nsteps = [ { retry = { max = 2, wait = { base = \"50ms\", factor = 2.0 }, \
             steps = [ { io = \"100ms\" }, { fail = 0.3 } ] } } ]\n",
        )
        .mean("errors.rate", retries::failed(0.3, 2), 0.03)
        .mean(
            "latency.mean",
            retries::response_mean(0.3, 2, 0.1, |retry| 0.05 * libm::pow(2.0, f64::from(retry))),
            0.01,
        ),
        case(
            "provider-retries",
            "an SDK that tries three times, waits up to a quarter shorter than their base",
            "geometric series; a wait uniform in [3/4 w, w] has the mean 7/8 w",
        )
        .steady(
            "rate = 50.0",
            1000,
            "[system.provider.ai]\nfails = 0.3\n\
             retry = { max = 2, wait = { base = \"500ms\", factor = 2.0, cap = \"8s\", jitter = \"down_25\" } }\n\
             [system.provider.ai.model]\nm = { latency = \"100ms\" }\n\n\
             [system.endpoint.ask]\nsteps = [ { llm = { model = \"m\" } } ]\n",
        )
        .mean("errors.rate", retries::failed(0.3, 2), 0.03)
        .mean(
            "latency.mean",
            retries::response_mean(0.3, 2, 0.1, |retry| 0.4375 * libm::pow(2.0, f64::from(retry))),
            0.01,
        ),
        case(
            "full-jitter",
            "a wait anywhere between nothing and its base",
            "geometric series; the mean wait is half of the base",
        )
        .steady(
            "rate = 50.0",
            1000,
            "[system.client.browser]\nretry = { max = 1, wait = { base = \"200ms\", jitter = \"full\" } }\n\n\
             [system.endpoint.get]\nkind = \"query\"\nsteps = [ { io = \"10ms\" }, { fail = 0.5 } ]\n",
        )
        .mean("latency.mean", retries::response_mean(0.5, 1, 0.01, |_| 0.1), 0.01)
        .mean("attempts.per_request", 1.5, 0.01),
        case(
            "retry-budget",
            "a budget of a tenth: a hundred requests that fail have ten retries",
            "arithmetic",
        )
        .file(
            "duration = \"100500ms\"\n\n[load]\nevery = \"1s\"\n\n\
             [system.client.browser]\nretry = { max = 3 }\nretry_budget = 0.1\n\n\
             [system.endpoint.get]\nkind = \"query\"\nsteps = [ { fail = 1.0 } ]\n",
        )
        .exact("requests.offered", 100.0)
        .exact("attempts.offered", 110.0),
        case(
            "breaker",
            "three failures open it for ten seconds; then one call in eleven is a try",
            "arithmetic: calls at 1, 2 and 3 s fail; tries at 14, 25, ... 91 s",
        )
        .file(failing(
            "retry = { max = 0 }\nbreaker = { failures = 3, window = \"60s\", open_for = \"10s\" }",
        ))
        .exact("resources.ai.attempts", 11.0)
        .exact("resources.ai.breaker.opened", 9.0)
        .exact("resources.ai.breaker.refused", 89.0),
        case(
            "provider-retry-budget",
            "an SDK's retries under a budget of a tenth",
            "arithmetic",
        )
        .file(failing("retry = { max = 2 }\nretry_budget = 0.1"))
        .exact("resources.ai.requests", 100.0)
        .exact("resources.ai.retries", 10.0),
    ]
}
