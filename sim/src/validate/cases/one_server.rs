//! One server, one line: any law of service, any law of arrivals.

use super::{EXPONENTIAL, station};
use crate::validate::case::{Case, Group};
use crate::validate::theory::erlang::MultiServer;
use crate::validate::theory::general_arrivals::{self, GeneralArrivals};
use crate::validate::theory::law::Law;
use crate::validate::theory::search::tail_falls_to;
use crate::validate::theory::single_server::{self, constant_service_wait_tail};

const POLLACZEK: &str = "Kleinrock, Queueing Systems 1 (1975), eq. 5.70 (Pollaczek and Khinchine); Takács, Introduction to \
                         the Theory of Queues (1962), for the spread";
const GENERAL: &str = "Kleinrock, Queueing Systems 1 (1975), section 6.4";

/// Half busy: five a second, a tenth of a second each.
const RATE: f64 = 5.0;

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::OneServer, id, shows, source)
}

/// M/G/1: the mean and the spread of the wait by the moments of the service.
fn any_law(id: &'static str, shows: &'static str, law: &str, moments: &Law) -> Case {
    // What varies more is known less.
    let narrow = 0.03 * moments.cv().max(1.0);
    case(id, shows, POLLACZEK)
        .steady("rate = 5.0", 12_000, &station("max = 1", law))
        .mean(
            "resources.servers.wait.mean",
            single_server::wait_mean(RATE, moments.mean, moments.cv()),
            narrow,
        )
        .mean(
            "resources.servers.wait.sd",
            single_server::wait_sd(RATE, moments),
            narrow,
        )
        .mean("resources.servers.utilization", RATE * moments.mean, narrow / 3.0)
}

/// GI/M/1: everything by the one root.
fn any_arrivals(id: &'static str, shows: &'static str, spacing: &str, gaps: impl Fn(f64) -> f64) -> Case {
    let theory = GeneralArrivals::new(gaps, 0.1);
    let load = format!("rate = 7.0\nspacing = {spacing}");
    case(id, shows, GENERAL)
        .steady(&load, 12_000, &station("max = 1", EXPONENTIAL))
        .mean("resources.servers.waited", theory.waited(), 0.01)
        .mean("resources.servers.wait.mean", theory.wait_mean(), 0.04)
        .mean("latency.p95", theory.response_quantile(0.95), 0.04)
}

pub(super) fn cases() -> Vec<Case> {
    let textbook = MultiServer::new(RATE, 0.1, 1);
    let busy = MultiServer::new(8.5, 0.1, 1);
    let constant_p90 = tail_falls_to(|time| constant_service_wait_tail(RATE, 0.1, time), 0.1, 0.1);
    let gap = 1.0 / 7.0;
    vec![
        case(
            "mm1",
            "the simplest queue of all (M/M/1), half busy: first come, first served",
            "Kleinrock, Queueing Systems 1 (1975), section 3.2",
        )
        .steady("rate = 5.0", 12_000, &station("max = 1", EXPONENTIAL))
        .mean("resources.servers.wait.mean", textbook.wait_mean(), 0.025)
        .mean(
            "resources.servers.wait.sd",
            single_server::wait_sd(RATE, &Law::exponential(0.1)),
            0.025,
        )
        .mean("resources.servers.waited", textbook.waited(), 0.01)
        .mean("resources.servers.utilization", textbook.utilisation(), 0.01)
        .mean("resources.servers.in_system_share.0", textbook.in_system(0), 0.01)
        .mean("resources.servers.in_system_share.3", textbook.in_system(3), 0.03)
        .mean("latency.mean", textbook.response_mean(), 0.02)
        .mean("latency.p99", textbook.response_quantile(0.99), 0.03),
        case(
            "mm1-busy",
            "a queue that is 85 % busy: long lines, slow to settle",
            "Kleinrock, Queueing Systems 1 (1975), section 3.2",
        )
        .steady("rate = 8.5", 18_000, &station("max = 1", EXPONENTIAL))
        .mean("resources.servers.wait.mean", busy.wait_mean(), 0.05)
        .mean("resources.servers.queue.mean", busy.queue_mean(), 0.05)
        .mean("latency.p95", busy.response_quantile(0.95), 0.06),
        any_law(
            "md1",
            "constant service (M/D/1): half of the wait, and its law",
            "\"100ms\"",
            &Law::constant(0.1),
        )
        .mean("resources.servers.wait.p90", constant_p90, 0.02),
        any_law(
            "me4-1",
            "service in four stages (M/E4/1)",
            r#"{ dist = "erlang", mean = "100ms", k = 4 }"#,
            &Law::gamma(0.1, single_server::cv_erlang(4)),
        ),
        any_law(
            "mh2-1",
            "short and long jobs (M/H2/1): a wait that the long ones make",
            r#"{ dist = "hyperexponential", mean = "100ms", cv = 2.0 }"#,
            &Law::hyperexponential(0.1, 2.0),
        ),
        any_law(
            "mlognormal-1",
            "lognormal service, the usual law of measured times",
            r#"{ dist = "lognormal", mean = "100ms", cv = 0.8 }"#,
            &Law::lognormal(0.1, 0.8),
        ),
        any_law(
            "mgamma-1",
            "gamma service that varies more than an exponential",
            r#"{ dist = "gamma", mean = "100ms", cv = 1.5 }"#,
            &Law::gamma(0.1, 1.5),
        ),
        any_law(
            "mweibull-1",
            "Weibull service by its shape",
            r#"{ dist = "weibull", mean = "100ms", shape = 0.8 }"#,
            &Law::weibull(0.1, 0.8),
        ),
        any_law(
            "mpareto-1",
            "Pareto service: a tail without an end",
            r#"{ dist = "pareto", mean = "100ms", shape = 6.0 }"#,
            &Law::pareto(0.1, 6.0),
        ),
        any_law(
            "muniform-1",
            "uniform service",
            r#"{ dist = "uniform", min = "20ms", max = "180ms" }"#,
            &Law::uniform(0.02, 0.18),
        ),
        any_law(
            "mmixture-1",
            "a mixture of two laws",
            r#"{ dist = "mixture", parts = [ { weight = 4.0, of = "50ms" }, { weight = 1.0, of = { dist = "exponential", mean = "300ms" } } ] }"#,
            &Law::mixture(&[(0.8, Law::constant(0.05)), (0.2, Law::exponential(0.3))]),
        ),
        any_law(
            "mshifted-1",
            "a law with something added to each draw",
            r#"{ dist = "exponential", mean = "50ms", plus = "50ms" }"#,
            &Law::exponential(0.05).plus(&Law::constant(0.05)),
        ),
        any_law(
            "mcut-1",
            "a law that is cut off",
            r#"{ dist = "exponential", mean = "120ms", max = "200ms" }"#,
            &Law::exponential_up_to(0.12, 0.2),
        ),
        any_arrivals(
            "dm1",
            "arrivals at equal distances (D/M/1)",
            "\"even\"",
            general_arrivals::constant(gap),
        ),
        any_arrivals(
            "e2m1",
            "gaps in two stages (E2/M/1)",
            r#"{ dist = "erlang", k = 2 }"#,
            general_arrivals::erlang(gap, 2),
        ),
        any_arrivals(
            "h2m1",
            "gaps that vary twice as much as Poisson's (H2/M/1)",
            r#"{ dist = "hyperexponential", cv = 2.0 }"#,
            general_arrivals::hyperexponential(gap, 2.0),
        ),
        case(
            "first-come",
            "five who come within a second to one server: the order, to the nanosecond",
            "arithmetic: each begins when the one before has ended",
        )
        .file(format!(
            "duration = \"20s\"\n\n[load]\nat = [ \"0s\", \"100ms\", \"200ms\", \"300ms\", \"4500ms\" ]\n\n{}",
            station("max = 1", "\"1s\"")
        ))
        .latency(0, 1.0)
        .latency(1, 1.9)
        .latency(2, 2.8)
        .latency(3, 3.7)
        .latency(4, 1.0),
    ]
}
