//! Model providers: their limits, their speed, their price.

use crate::validate::case::{Case, Group};
use crate::validate::theory::erlang::erlang_b;
use crate::validate::theory::limiter;

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Providers, id, shows, source)
}

fn asking(provider: &str, latency: &str) -> String {
    format!(
        "[system.provider.ai]\nretry = {{ max = 0 }}\n{provider}\n[system.provider.ai.model]\nm = {{ latency = {latency} }}\n\n\
         [system.endpoint.ask]\nsteps = [ {{ llm = {{ model = \"m\" }} }} ]\n"
    )
}

/// A call a second to a model with prices.
const PRICED: &str = "duration = \"100500ms\"\n\n[load]\nevery = \"1s\"\n\n[system.provider.ai]\n";
const MODEL: &str = "[system.provider.ai.model]\nm = { first_token = \"500ms\", per_token = \"10ms\", price_in = 30.0, \
                     price_out = 60.0 }\n\n[system.endpoint.ask]\n\
                     steps = [ { llm = { model = \"m\", prompt = 1000, answer = 200 } } ]\n";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "provider-concurrency",
            "three calls at once and no more: a loss system, whatever the law of the answer",
            "Erlang (1917), formula B; Sevastyanov (1957)",
        )
        .steady(
            "rate = 30.0",
            3000,
            &asking("concurrent = 3", r#"{ dist = "lognormal", mean = "100ms", cv = 1.0 }"#),
        )
        .mean("errors.rate", erlang_b(3, 3.0), 0.01),
        case(
            "provider-bucket",
            "sixty a minute as a bucket of five: M/D/1 with room for five",
            "Kleinrock, Queueing Systems 1 (1975), section 5.9; the chain between departures solved numerically",
        )
        .steady(
            "rate = 1.2",
            40_000,
            &asking("requests_per_minute = 60\nburst = 5\nrefused_count = false", "\"10ms\""),
        )
        .mean("errors.rate", 1.0 - limiter::token_bucket_accepted(1.2, 1.0, 5), 0.02),
        case(
            "provider-window",
            "sixty a minute in whole minutes from the first request",
            "renewal argument: a gap, then a minute with a Poisson number of calls",
        )
        .steady(
            "rate = 1.2",
            40_000,
            &asking("requests_per_minute = 60\nwindow = \"fixed\"", "\"10ms\""),
        )
        .mean("errors.rate", 1.0 - limiter::fixed_window_accepted(1.2, 60.0, 60), 0.03),
        case(
            "tokens-take-time",
            "an answer of 200 tokens takes the time to the first and then 200 times that of one",
            "arithmetic: 0.5 s and 200 times 10 ms",
        )
        .file(format!("{PRICED}{MODEL}"))
        .exact("latency.mean", 0.5 + 200.0 * 0.01)
        .exact("resources.ai.tokens.answer", 20_000.0),
        case(
            "tokens-cost",
            "a hundred calls of 1,000 and 200 tokens at $30 and $60 a million",
            "arithmetic: $0.042 a call",
        )
        .file(format!("{PRICED}{MODEL}"))
        .exact("cost.event", 4.2)
        .exact("resources.ai.cost", 4.2),
        case(
            "spend-limit",
            "a ceiling of one dollar binds at the call that arithmetic says",
            "arithmetic: 23 calls cost $0.966, the 24th makes it $1.008",
        )
        .file(format!("{PRICED}spend_limit = 1.0\n{MODEL}"))
        .exact("requests.useful", 24.0)
        .exact("errors.by_cause.llm_quota", 76.0),
        case(
            "instances-cost",
            "two Starter instances at $7 a month, paid for by the second",
            "arithmetic: a month of 730 hours, in the edition of 2025-12-10",
        )
        .file(
            "duration = \"1h\"\n\n[load]\nevery = \"10s\"\n\n[system]\ncatalogue = \"2025-12-10\"\n\
             [system.service.web]\nplan = \"starter\"\ninstances = 2\n\n\
             [system.endpoint.page]\nsteps = [ { cpu = \"1ms\" } ]\n",
        )
        .exact("cost.items.web.month", 14.0)
        .exact("cost.items.web.event", 14.0 / 730.0)
        .exact("resources.web.instance_seconds", 7200.0),
    ]
}
