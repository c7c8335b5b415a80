//! Something that is held while waiting for something else.

use crate::validate::case::{Case, Group};
use crate::validate::theory::birth_death;
use crate::validate::theory::erlang::erlang_b;
use crate::validate::theory::possession::Nested;

fn case(id: &'static str, shows: &'static str, source: &'static str) -> Case {
    Case::new(Group::Possession, id, shows, source)
}

const CHAIN: &str = "the Markov chain, solved numerically; the setting of Lazowska et al., Quantitative System Performance \
                     (1984), section 9.3";

/// Workers, of whom each holds on while waiting for a connection.
fn workers(id: &'static str, shows: &'static str, nested: Nested) -> Case {
    let theory = nested.figures();
    case(id, shows, CHAIN)
        .steady(
            &format!("rate = {:?}", nested.arrival),
            5000,
            &format!(
                "[system.pool.workers]\nmax = {}\nwaiters = {}\n[system.pool.connections]\nmax = {}\n\n\
                 [system.endpoint.job]\nsteps = [ {{ take = {{ from = \"workers\", steps = [\n  \
                 {{ io = {{ dist = \"exponential\", mean = \"{}ms\" }} }},\n  \
                 {{ take = {{ from = \"connections\", for = {{ dist = \"exponential\", mean = \"{}ms\" }} }} }},\n] }} }} ]\n",
                nested.outer,
                nested.waiters,
                nested.inner,
                nested.alone * 1e3,
                nested.both * 1e3
            ),
        )
        .mean("errors.rate", theory.refused, 0.05)
        .mean("resources.workers.wait.mean", theory.outer_wait, 0.04)
        .mean("resources.connections.wait.mean", theory.inner_wait, 0.03)
        .mean("resources.workers.utilization", theory.outer_utilisation, 0.01)
        .mean("resources.connections.utilization", theory.inner_utilisation, 0.01)
        .mean("latency.mean", theory.response, 0.02)
}

pub(super) fn cases() -> Vec<Case> {
    // Six connections before two cores: the cores decide how many end, the pool how many wait outside.
    let states = birth_death::steady_state(
        &[14.0; 400],
        &(1..=400_u32)
            .map(|there| f64::from(there.min(2)) * 10.0)
            .collect::<Vec<_>>(),
    );
    let outside = birth_death::excess(&states, 6);
    vec![
        workers(
            "worker-and-connection",
            "a worker held while waiting for a connection",
            Nested {
                arrival: 18.0,
                outer: 6,
                waiters: 12,
                alone: 0.15,
                inner: 2,
                both: 0.1,
            },
        ),
        workers(
            "worker-and-connection-busy",
            "more than the connections can do: the workers stand in their line",
            Nested {
                arrival: 22.0,
                outer: 8,
                waiters: 10,
                alone: 0.05,
                inner: 2,
                both: 0.1,
            },
        ),
        case(
            "pool-before-cores",
            "a pool of six connections before a database of two cores: two lines, of which one is inside",
            "birth-death chain: the two cores work whenever two are there (Kleinrock 1975, chapter 3)",
        )
        .steady(
            "rate = 14.0",
            8000,
            "[system.pool.connections]\ndatabase = \"postgres\"\nmax = 6\nidle_timeout = \"never\"\n\n\
             [system.database.postgres]\ncores = 2.0\nconnect = \"0s\"\n\
             [system.database.postgres.query]\nread = { cpu = { dist = \"exponential\", mean = \"100ms\" } }\n\n\
             [system.endpoint.job]\nsteps = [ { query = \"read\" } ]\n",
        )
        .mean("resources.connections.wait.mean", outside / 14.0, 0.07)
        .mean("latency.mean", birth_death::mean(&states) / 14.0, 0.03),
        case(
            "transaction",
            "one connection held over a query, a call and a query: a loss system of the whole time",
            "Erlang (1917), formula B; Sevastyanov (1957)",
        )
        .steady(
            "rate = 30.0",
            3000,
            "[system.pool.connections]\ndatabase = \"postgres\"\nmax = 3\nwaiters = 0\nidle_timeout = \"never\"\n\n\
             [system.database.postgres]\nconnect = \"0s\"\n\n\
             [system.endpoint.job]\nsteps = [ { transaction = { steps = [ { query = { wait = \"20ms\" } }, \
             { io = { dist = \"exponential\", mean = \"60ms\" } }, { query = { wait = \"20ms\" } } ] } } ]\n",
        )
        .mean("errors.rate", erlang_b(3, 3.0), 0.01)
        .exact("resources.postgres.connections.max", 3.0),
    ]
}
